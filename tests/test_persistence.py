"""Pickles of every release load and predict the same; those of a later one warn."""

import copy
import dataclasses
import pickle
import warnings
from pathlib import Path

import joblib
import numpy as np
import pytest
import sklearn
from make_pickles import RELEASE, models, output
from sklearn.base import clone
from sklearn.exceptions import InconsistentVersionWarning

import skrf
from skrf import ACTIVATIONS, LOSSES
from skrf._utils import version
from skrf.kernels import WideNetworkKernel

DATA = Path(__file__).parent / "data"
FILES = sorted(DATA.glob("*/*.joblib"))


@pytest.fixture
def everything(rng):
    X = rng.standard_normal((40, 3))
    return models(X, X[:, 0], np.array(list("abc"))[rng.permutation(40) % 3])


def test_there_is_a_pickle_of_everything(everything):
    kept = {path.stem for path in FILES if path.parent.name == RELEASE}
    assert kept == set(everything)
    classes = {type(model).__name__ for model in everything.values()}
    callables = {name for name in skrf.__all__ if isinstance(getattr(skrf, name), type)}
    assert classes == callables - {"WidthPathDisplay"}
    sizes = [path.stat().st_size for path in (DATA / RELEASE).iterdir()]
    assert sum(sizes) < 60_000


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_pickles_of_releases_give_the_same(path):
    """With scikit-learn's own warning where it made its part in another version."""
    expected = np.load(path.with_name("expected.npz"))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = joblib.load(path)
    if str(expected["_sklearn"]) == sklearn.__version__:
        assert not caught
    assert all(issubclass(w.category, InconsistentVersionWarning) for w in caught)
    found, wanted = output(model, expected["_X"]), expected[path.stem]
    scale = 1e-12 if wanted.dtype == np.float64 else 1e-6
    np.testing.assert_allclose(found, wanted, rtol=scale, atol=scale * np.abs(wanted).max())
    assert found.dtype == wanted.dtype
    if "stream" in path.stem:
        model.partial_fit(expected["_X"], expected["_y"])
        assert np.isfinite(model.predict(expected["_X"])).all()


@pytest.mark.parametrize("reader", ["0.1.0", "0.1.0.dev0", "0.1.1", "1.0", "0.10.0"])
def test_pickles_of_the_same_or_an_older_version_are_silent(
    reader, everything, monkeypatch
):
    monkeypatch.setattr(version, "__version__", "0.1.0")
    written = {name: pickle.dumps(model) for name, model in everything.items()}
    monkeypatch.setattr(version, "__version__", reader)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for state in written.values():
            pickle.loads(state)


@pytest.mark.filterwarnings("ignore:This .* was pickled")
@pytest.mark.parametrize("reader", ["0.1.0", "0.9", "0.9.12.dev1"])
def test_pickles_of_a_newer_version_warn(reader, everything, monkeypatch):
    monkeypatch.setattr(version, "__version__", "0.10.0")
    monkeypatch.setattr("skrf.targets.__version__", "0.10.0")
    written = {name: pickle.dumps(model) for name, model in everything.items()}
    monkeypatch.setattr(version, "__version__", reader)
    for name, state in written.items():
        message = rf"{type(everything[name]).__name__} was pickled .* 0\.10\.0 and is read "
        with pytest.warns(UserWarning, match=message + rf"by {reader}, .* Install version"):
            pickle.loads(state)


def test_kernels_and_width_paths_say_their_version_too(rng, monkeypatch):
    X = rng.standard_normal((20, 3))
    ridge = skrf.RandomFeatureRidge(skrf.RandomReLUFeatures(5), random_state=0)
    path, kernel = ridge.width_path(X, X[:, 0]), WideNetworkKernel(depth=2)
    monkeypatch.setattr(version, "__version__", "0.10.0")
    states = [pickle.dumps(path), pickle.dumps(kernel)]
    loaded = [pickle.loads(state) for state in states]
    np.testing.assert_array_equal(loaded[0].coefficients(3)[0], path.coefficients(3)[0])
    np.testing.assert_array_equal(loaded[1](X), kernel(X))
    assert clone(loaded[1]) == kernel
    monkeypatch.setattr(version, "__version__", "0.9")
    for state in states:
        with pytest.warns(UserWarning, match=r"was pickled .* 0\.10\.0 and is read"):
            pickle.loads(state)


def test_a_pickle_without_a_version_is_silent(rng):
    """Such as one made before versions were kept."""
    model = skrf.RandomReLUFeatures(3, random_state=0).fit(rng.standard_normal((5, 2)))
    empty = skrf.RandomReLUFeatures.__new__(skrf.RandomReLUFeatures)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        empty.__setstate__(dict(vars(model)))
    assert joblib.hash(empty) == joblib.hash(model)


def test_the_version_is_no_attribute(everything):
    for model in everything.values():
        for made in (copy.copy(model), copy.deepcopy(model)):
            assert joblib.hash(made) == joblib.hash(model)
            assert not [name for name in dir(made) if "version" in name]
        if hasattr(model, "get_params"):
            assert set(clone(model).get_params()) == set(model.get_params())


@pytest.mark.parametrize("table", [ACTIVATIONS, LOSSES], ids=["activations", "losses"])
def test_entries_of_tables_are_kept_by_name(table, monkeypatch):
    """Codes of the kernels may be others in the version that reads a pickle."""
    for name, entry in list(table.items()):
        state = pickle.dumps(entry)
        assert pickle.loads(state) is entry
        monkeypatch.setitem(table, name, dataclasses.replace(entry, code=99))
        assert pickle.loads(state).code == 99
