"""Pickles of earlier releases load, and compute what they computed there.

tests/make_stored_pickles.py stores the pickles of a release.
"""

import pickle
import warnings

import numpy as np
import pytest
from make_stored_pickles import DATA, STREAMS, outputs
from sklearn.base import BaseEstimator, clone
from sklearn.exceptions import InconsistentVersionWarning
from test_persistence import models, private_names, versioned

import skrf

FOLDERS = sorted(DATA.glob("pickles_*"))
CURRENT = DATA / f"pickles_{skrf.__version__}"


def load(path):
    """A stored object; only scikit-learn may warn, of its estimators of another version."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", InconsistentVersionWarning)
        return pickle.loads(path.read_bytes())


@pytest.fixture(scope="module", params=FOLDERS, ids=lambda folder: folder.name)
def folder(request):
    return request.param


@pytest.fixture(scope="module")
def stored(folder):
    return {path.stem: load(path) for path in sorted(folder.glob("*.pickle"))}


def test_loaded_objects_compute_the_stored_values(folder, stored):
    with np.load(folder / "outputs.npz") as expected:
        results = outputs(pickle.loads(pickle.dumps(stored)))
        assert set(results) == set(expected)
        assert set(results) == {*stored, *(f"{name}_continued" for name in STREAMS)}
        for name, value in results.items():
            old = expected[name]
            assert value.dtype == old.dtype, name
            if old.dtype.kind == "f":
                # Rounding differs between versions of NumPy, BLAS and numba.
                tolerance = 1e-5 if old.dtype == np.float32 else 1e-9
                np.testing.assert_allclose(
                    value, old, tolerance, tolerance * np.abs(old).max(), err_msg=name
                )
            else:
                np.testing.assert_array_equal(value, old, err_msg=name)


def test_loaded_estimators_have_all_parameters(stored):
    """A parameter of a later version has a default in old pickles, or clones fail."""
    estimators = [model for model in stored.values() if isinstance(model, BaseEstimator)]
    assert len(estimators) > 10
    for model in estimators:
        assert clone(model).get_params().keys() == model.get_params().keys()


def test_stored_pickles_name_public_modules_only(stored):
    assert not {name for name, model in stored.items() if private_names(model)}


def test_stored_pickles_are_small(folder):
    assert max(path.stat().st_size for path in folder.iterdir()) < 64_000


@pytest.mark.skipif(not CURRENT.exists(), reason="stored at a release")
def test_a_release_stores_every_kind_of_object():
    """The objects of test_persistence.py, which are of all public classes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # The networks train for three epochs.
        kinds = {name: type(model) for name, model in versioned(models()).items()}
    assert {path.stem: type(load(path)) for path in CURRENT.glob("*.pickle")} == kinds
