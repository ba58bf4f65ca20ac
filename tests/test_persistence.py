"""Pickles load in other processes, name public modules only, and warn of later versions."""

import copy
import dataclasses
import io
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

import skrf
from skrf import (
    ACTIVATIONS,
    LOSSES,
    BoundedDegreePolynomial,
    GradientOuterProduct,
    LinearizedNTKFeatures,
    OverparamNetClassifier,
    OverparamNetRegressor,
    RandomFeatureRidge,
    RandomFeatureRidgeClassifier,
    RandomFeatures,
    RandomReLUFeatures,
    SingleNeuron,
    TriangleWave,
    gaussian,
    theory,
)
from skrf._utils import version
from skrf.kernels import WideNetworkKernel, arc_cosine_kernel

NET = {"width": 8, "max_iter": 3, "tol": None, "random_state": 0}
STREAM = {**NET, "momentum": 0.5, "average": True, "activation": "tanh"}


def data():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 3))
    return X, np.sin(X[:, 0]), np.array(list("abc"))[rng.permutation(40) % 3]


def models():
    """{name: fitted estimator, transformer, kernel or target}."""
    X, y, labels = data()
    few, structured = RandomReLUFeatures(8), RandomReLUFeatures(12, weights="sphere")
    several = RandomFeatureRidge(few, alphas=[0.1, 1.0], random_state=0)
    scaled = make_pipeline(StandardScaler(), LinearizedNTKFeatures(3))
    net = OverparamNetRegressor(**NET).fit(X, y)
    return {
        "relu": RandomReLUFeatures(8, random_state=0).fit(X),
        "metric": GradientOuterProduct(features=few, random_state=0).fit(X, y),
        "relu_float32": RandomReLUFeatures(8, random_state=0).fit(X.astype(np.float32)),
        "structured": structured.set_params(projection="structured", random_state=0).fit(X),
        "orthogonal": RandomFeatures(
            8, activation="erf", projection="orthogonal", random_state=0
        ).fit(X),
        "from_weights": RandomReLUFeatures(3).from_weights(np.eye(3), np.ones(3)),
        "tangent": LinearizedNTKFeatures(4, train="both", random_state=0).fit(X),
        "net": net,
        "net_linearized": net.linearize()[0],
        "net_average": OverparamNetRegressor(**NET, average=True).fit(X, y),
        "net_stream": OverparamNetRegressor(**STREAM).partial_fit(X, y),
        "net_classifier": OverparamNetClassifier(**NET, early_stopping=True).fit(X, labels),
        "ridge": RandomFeatureRidge(few, random_state=0).fit(X, np.stack([y, -y], 1)),
        "ridge_cg": RandomFeatureRidge(few, solver="cg", random_state=0).fit(X, y),
        "ridge_stream": several.partial_fit(X, y),
        "ridge_classifier": RandomFeatureRidgeClassifier(
            scaled, alphas=[0.1, 1.0], random_state=0
        ).fit(X, labels),
        "kernel": WideNetworkKernel(depth=2),
        "kernel_function": SVR(kernel=arc_cosine_kernel).fit(X, y),
        "neuron": SingleNeuron([1.0, -2.0, 0.5], bias=0.25, activation="softplus"),
        "polynomial": BoundedDegreePolynomial([[1, 1, 0], [0, 0, 2]], [2.0, -1.0]),
        "wave": TriangleWave([2.0, 0.0, 1.0]),
    }


def results():
    """{name: what a function or a method returns}."""
    X, y, _ = data()
    W, b, target = np.eye(3), np.zeros(3), SingleNeuron([1.0, 0.0, 0.0])
    ridge = RandomFeatureRidge(RandomReLUFeatures(8), random_state=0)
    report = theory.theorem_4_8(d=3)
    return {
        "width_path": ridge.width_path(X, y),
        "laziness": OverparamNetRegressor(**NET).fit(X, y).laziness(X),
        "best_error": gaussian.best_error(W, b, target),
        "min_weight": gaussian.min_weight(W, b, target, 0.5),
        "population_risk": gaussian.population_risk(np.ones(3), W, b, target),
        "report": report,
        "row": report.rows[0],
        "report_with_facts": theory.proposition_4_6(d=2),
        "spectrum": theory.neuron_spectrum(3),
        "certificate": theory.weight_certificate(0.1, 3, 1.0),
        "activation": ACTIVATIONS["relu"],
        "loss": LOSSES["hinge"],
    }


@pytest.fixture(scope="module")
def everything():
    with warnings.catch_warnings():
        # The networks train for three epochs.
        warnings.simplefilter("ignore")
        return models()


class Recorder(pickle.Unpickler):
    """Notes the modules of all classes and functions that a pickle names."""

    def __init__(self, state):
        super().__init__(io.BytesIO(state))
        self.found = set()

    def find_class(self, module, name):
        self.found.add((module, name))
        return super().find_class(module, name)


def private_names(value):
    """What of this package a pickle of a value names that is in a private module."""
    recorder = Recorder(pickle.dumps(value))
    recorder.load()
    parts = {(module, name): module.split(".") for module, name in recorder.found}
    ours = {key for key, path in parts.items() if path[0] == "skrf"}
    return {key for key in ours if any(part.startswith("_") for part in parts[key])}


def test_pickles_name_public_modules_only(everything):
    """So that private files can be moved and renamed between releases."""
    named = {k: private_names(v) for k, v in {**everything, **results()}.items()}
    wrong = [f"{name}: {sorted(found)}" for name, found in named.items() if found]
    assert not wrong, "\n".join(wrong)


def test_the_recorder_finds_private_names():
    from skrf._utils.validation import NumericInterval

    # Only a class that no pickle of a public object may hold shows that names are found.
    assert private_names(NumericInterval) == {
        ("skrf._utils.validation", "NumericInterval"),
    }


def test_every_public_class_is_pickled(everything):
    classes = {type(value) for value in [*everything.values(), *results().values()]}
    modules = skrf, skrf.features, skrf.kernels, skrf.networks, skrf.ridge, gaussian, theory
    public = {
        getattr(module, name)
        for module in modules
        for name in module.__all__
        if isinstance(getattr(module, name), type)
    }
    assert public <= classes


def output(model, X):
    """What an object computes for rows X."""
    for name in ("decision_function", "predict", "transform"):
        if hasattr(model, name):
            return getattr(model, name)(X)
    return model(X)


READER = """
import sys, joblib, numpy as np
sys.path.insert(0, sys.argv[2])
from test_persistence import data, output
models = joblib.load(sys.argv[1])
X, y, _ = data()
for name in ("net_stream", "ridge_stream"):
    models[name].partial_fit(X, y)
outputs = {name: output(model, X) for name, model in models.items()}
np.savez(sys.argv[1] + ".npz", **outputs)
"""


def test_another_process_predicts_the_same(everything, tmp_path):
    """To the bit, and streams go on."""
    file, folder = str(tmp_path / "models.joblib"), str(Path(__file__).parent)
    joblib.dump(everything, file)
    subprocess.run([sys.executable, "-c", READER, file, folder], check=True)
    (X, y, _), models = data(), copy.deepcopy(everything)
    for name in ("net_stream", "ridge_stream"):
        models[name].partial_fit(X, y)
    with np.load(file + ".npz") as outputs:
        assert set(outputs) == set(models)
        for name, model in models.items():
            np.testing.assert_array_equal(outputs[name], output(model, X), strict=True)


def versioned(everything):
    """All but what is pickled without a version: an estimator of scikit-learn's."""
    return {k: v for k, v in everything.items() if k != "kernel_function"}


@pytest.mark.parametrize("reader", ["0.1.0", "0.1.1", "1.0", "0.10.0", "0.10.0rc1"])
def test_pickles_of_the_same_or_an_older_version_are_silent(
    reader, everything, monkeypatch
):
    monkeypatch.setattr(version, "__version__", "0.1.0")
    monkeypatch.setattr("skrf.targets._base.__version__", "0.1.0")
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
    monkeypatch.setattr("skrf.targets._base.__version__", "0.10.0")
    models = versioned(everything) | {"path": results()["width_path"]}
    written = {name: pickle.dumps(model) for name, model in models.items()}
    monkeypatch.setattr(version, "__version__", reader)
    for name, state in written.items():
        message = rf"{type(models[name]).__name__} was pickled by .* 0\.10\.0, but "
        with pytest.warns(UserWarning, match=rf"{message}version {reader} .* Install"):
            pickle.loads(state)


def test_the_version_is_not_an_attribute(everything):
    for model in versioned(everything).values():
        for made in (copy.copy(model), copy.deepcopy(model)):
            assert joblib.hash(made) == joblib.hash(model)
            assert not [name for name in dir(made) if "version" in name]
        if hasattr(model, "get_params"):
            assert set(clone(model).get_params()) == set(model.get_params())


@pytest.mark.parametrize("table", [ACTIVATIONS, LOSSES], ids=["activations", "losses"])
def test_entries_of_tables_are_pickled_by_name(table, monkeypatch):
    """The version that reads a pickle has a table of its own."""
    for name, entry in list(table.items()):
        state = pickle.dumps(entry)
        assert pickle.loads(state) is entry
        monkeypatch.setitem(table, name, dataclasses.replace(entry, formula="other"))
        assert pickle.loads(state).formula == "other"
