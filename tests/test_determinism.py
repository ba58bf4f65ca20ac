"""What is bitwise identical and what up to rounding: the table of docs/determinism.rst."""

import importlib
import os
import pickle
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from threadpoolctl import threadpool_limits

import skrf
from skrf import (
    LinearizedNTKFeatures,
    OverparamNetClassifier,
    OverparamNetRegressor,
    RandomFeatureRidge,
    RandomFeatureRidgeClassifier,
    RandomReLUFeatures,
    make_single_neuron,
)
from skrf.kernels import arc_cosine_kernel, neural_tangent_kernel

DOCS = Path(__file__).parents[1] / "docs"


# Enough rows for several blocks, and features enough for several threads.
def data(n_samples=720, dtype=np.float64):
    X, y = make_single_neuron(n_samples, 30, bias=-0.3, random_state=0)
    X[np.abs(X) < 0.3] = 0
    return X.astype(dtype), y.astype(dtype), np.where(y > y.mean(), 1, -1)


def ridge(**parameters):
    features = RandomReLUFeatures(200)
    return RandomFeatureRidge(features, **{"random_state": 0, **parameters})


NET = {"width": 150, "max_iter": 3, "tol": None, "random_state": 0}
TRANSFORMERS = {
    "dense": RandomReLUFeatures(3000, random_state=0),
    "structured": RandomReLUFeatures(3000, projection="structured", random_state=0),
    "tangent": LinearizedNTKFeatures(100, train="both", random_state=0),
}
NETWORKS = {
    "net": OverparamNetRegressor(**NET),
    "given step": OverparamNetRegressor(**NET, eta0=0.01, momentum=0.5, average=True),
    "net classifier": OverparamNetClassifier(**NET, batch_size=8),
}
RIDGE = {
    "primal": ridge(solver="primal"),
    "alphas": ridge(alphas=[0.1, 1.0, 10.0], solver="primal"),
    "dual": ridge(solver="dual"),
    "cg": ridge(solver="cg"),
    "ridge classifier": RandomFeatureRidgeClassifier(
        RandomReLUFeatures(200), random_state=0
    ),
}
ALL = TRANSFORMERS | NETWORKS | RIDGE


def fit(name, X, y, labels, **parameters):
    model = clone(ALL[name]).set_params(**parameters)
    return model.fit(X, labels if "classifier" in name else y)


def outputs(model, X):
    for method in ("transform", "decision_function", "predict"):
        if hasattr(model, method):
            return getattr(model, method)(X)
    raise AssertionError(model)


def distance(one, other):
    """Of two results, in units of the largest number."""
    return float(np.abs(one - other).max() / np.abs(one).max())


# Largest distances that count as rounding. A sum of n products of float64 has some n eps.
ROUNDING = {np.dtype(np.float64): 1e-11, np.dtype(np.float32): 1e-5}
names = pytest.mark.parametrize("name", ALL)
dtypes = pytest.mark.parametrize("dtype", [np.float64, np.float32])


def assert_equal(one, other):
    np.testing.assert_array_equal(one, other, strict=True)


def assert_close(one, other):
    assert one.dtype == other.dtype
    assert distance(one, other) < ROUNDING[one.dtype]


@names
@dtypes
def test_the_same_call_twice(name, dtype):
    X, y, labels = data(dtype=dtype)
    one, other = (outputs(fit(name, X, y, labels), X) for _ in range(2))
    assert_equal(one, other)


def all_hashes():
    X, y, labels = data(300)
    return {name: joblib.hash(outputs(fit(name, X, y, labels), X)) for name in ALL}


def test_another_process():
    """Of one machine, with as many threads of BLAS."""
    program = "import test_determinism as t; print(t.all_hashes())"
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parent,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    with threadpool_limits(1, user_api="blas"):
        assert run.stdout.strip() == str(all_hashes())


@names
@dtypes
def test_pickling(name, dtype):
    X, y, labels = data(600, dtype)
    model = fit(name, X, y, labels)
    assert_equal(outputs(pickle.loads(pickle.dumps(model)), X), outputs(model, X))


@dtypes
@pytest.mark.parametrize("name", TRANSFORMERS)
def test_blas_threads_of_transformers(name, dtype):
    """More than 2^21 values are filled block by block; fewer are equal up to rounding."""
    assert_equal(*_with_blas_threads(name, dtype))


@dtypes
@pytest.mark.parametrize("name", [*NETWORKS, *RIDGE])
def test_blas_threads_of_estimators(name, dtype):
    assert_close(*_with_blas_threads(name, dtype))


def _with_blas_threads(name, dtype):
    # One epoch of few rows: two threads in every small product take long where the cores
    # are busy.
    X, y, labels = data(400 if name in NETWORKS else 720, dtype)
    one_epoch = {"max_iter": 1} if name in NETWORKS else {}
    results = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads, user_api="blas"):
            results.append(outputs(fit(name, X, y, labels, **one_epoch), X))
    return results


def test_numba_threads():
    """There are none: no compiled function is a parallel one, whatever numba is given."""
    from numba.core.registry import CPUDispatcher

    found = [
        value
        for entry in pkgutil.walk_packages(skrf.__path__, "skrf.")
        for module in [importlib.import_module(entry.name)]
        for value in vars(module).values()
        if isinstance(value, CPUDispatcher)
    ]
    assert len(found) > 30
    assert not any(function.targetoptions.get("parallel") for function in found)


@pytest.mark.parametrize("name", ["net", "net classifier", "primal"])
def test_n_jobs(name):
    X, y, labels = data(300)
    y = labels if "classifier" in name else y
    with threadpool_limits(1, user_api="blas"):
        one, two = (cross_val_score(ALL[name], X, y, cv=2, n_jobs=n) for n in (1, 2))
    assert_equal(one, two)


@names
@dtypes
def test_c_or_fortran_order(name, dtype):
    X, y, labels = data(dtype=dtype)
    Y = np.asfortranarray(X)
    assert_equal(outputs(fit(name, X, y, labels), X), outputs(fit(name, Y, y, labels), Y))


@names
@dtypes
def test_dense_or_sparse(name, dtype):
    X, y, labels = data(dtype=dtype)
    rows = sparse.csr_array(X)
    one, other = fit(name, X, y, labels), fit(name, rows, y, labels)
    assert_close(outputs(one, X), outputs(other, rows))
    if name == "structured":
        assert_equal(one.transform(X), other.transform(rows))
    if name == "given step":
        assert_equal(one.hidden_weights_, other.hidden_weights_)


@pytest.mark.parametrize("name", sorted(ALL.keys() - {"tangent"}))
def test_float32_or_float64(name):
    """The step in the derivative of relu can fall on the other side of 0."""
    X, y, labels = data()
    x = X.astype(np.float32)
    one, other = fit(name, X, y, labels), fit(name, x, y, labels)
    assert outputs(other, x).dtype == np.float32
    assert distance(outputs(one, X), outputs(other, x)) < ROUNDING[np.dtype(np.float32)]


@dtypes
@pytest.mark.parametrize("name", [*NETWORKS, *RIDGE])
def test_block_size(name, dtype):
    X, y, labels = data(dtype=dtype)
    one, other = (fit(name, X, y, labels, block_size=n) for n in ("auto", 256))
    assert_close(outputs(one, X), outputs(other, X))


@names
@dtypes
def test_rows_at_once_or_in_pieces(name, dtype):
    X, y, labels = data(dtype=dtype)
    model = fit(name, X, y, labels)
    pieces = [outputs(model, rows) for rows in np.split(X, [1, 400])]
    assert_close(outputs(model, X), np.concatenate(pieces))
    if name == "structured":
        assert_equal(outputs(model, X), np.concatenate(pieces))


@dtypes
@pytest.mark.parametrize("name", ["given step", "net classifier", "primal"])
def test_chunks_or_fit(name, dtype):
    """Networks: one epoch in order at a given step, chunks of whole mini-batches."""
    X, y, labels = data(dtype=dtype)
    one_epoch = {"max_iter": 1, "shuffle": False, "eta0": 0.01}
    one_epoch["learning_rate"] = "constant"
    model = fit(name, X, y, labels, **(one_epoch if name in NETWORKS else {}))
    stream, y = clone(model), labels if "classifier" in name else y
    if "classifier" in name:
        stream.partial_fit(X[:640], y[:640], classes=[-1, 1])
    else:
        stream.partial_fit(X[:640], y[:640])
    stream.partial_fit(X[640:], y[640:])
    assert_close(outputs(model, X), outputs(stream, X))


@dtypes
def test_features_that_overflow_are_refused(dtype):
    largest = np.finfo(dtype).max
    features = RandomReLUFeatures(100, weight_scale=3.0, random_state=0)
    features.fit(np.zeros((1, 2), dtype))
    with pytest.raises(ValueError, match=f"overflow {np.dtype(dtype)}. Scale X"):
        features.transform(np.full((1, 2), largest, dtype))
    assert np.isfinite(features.transform(np.full((1, 2), largest / 100, dtype))).all()


# ------------------------------------------------------------------------- the page


def test_every_test_that_the_pages_name_exists():
    page = (DOCS / "determinism.rst").read_text()
    rows = [row for row in page.split("\n   * - ")[1:] if "::" in row]
    assert len(rows) >= 13
    text = page + (DOCS / "limits.rst").read_text()
    named = re.findall(r"(tests/[\w/]+\.py)::(test_\w+)", text)
    for file, test in named:
        source = (DOCS.parent / file).read_text()
        assert re.search(rf"^def {test}\(", source, re.MULTILINE), f"{file}::{test}"


VIEWS = {
    "backwards": lambda x: x[:200].reshape(50, 4)[::-1, ::-1],
    "reordered frame": lambda x: pd.DataFrame(x[:200].reshape(50, 4))[[3, 1, 2, 0]],
    "backwards frame": lambda x: pd.DataFrame(x[:200].reshape(50, 4))[[3, 2, 1, 0]],
    "windows": lambda x: np.lib.stride_tricks.sliding_window_view(x[:53], 4),
    "equal rows": lambda x: np.broadcast_to(x[:4], (50, 4)),
    "equal columns": lambda x: np.broadcast_to(x[:50, np.newaxis], (50, 4)),
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("view", VIEWS)
def test_views_are_read_as_their_copies(view, dtype, rng):
    """Rows that run backwards or overlap in memory."""
    V, y = VIEWS[view](rng.standard_normal(200).astype(dtype)), rng.standard_normal(50)
    C = np.array(V, order="C")
    C = C if isinstance(V, np.ndarray) else pd.DataFrame(C, columns=V.columns)
    tolerance = 1e-11 if dtype == np.float64 else 1e-5
    given = {"width": 30, "random_state": 0}
    for model in (
        RandomReLUFeatures(**given),
        RandomReLUFeatures(**given, projection="structured"),
        LinearizedNTKFeatures(**given),
        RandomFeatureRidge(RandomReLUFeatures(30), random_state=0),
        RandomFeatureRidge(RandomReLUFeatures(30), solver="dual", random_state=0),
        RandomFeatureRidge(LinearizedNTKFeatures(9), solver="cg", random_state=0),
        OverparamNetRegressor(**given, eta0=0.01, max_iter=2, tol=None),
    ):
        method = "transform" if hasattr(model, "transform") else "predict"
        fitted, copied = clone(model).fit(V, y), clone(model).fit(C, y)
        expected = getattr(copied, method)(C)
        for found in (getattr(fitted, method)(V), getattr(copied, method)(V)):
            np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
    for kernel in (arc_cosine_kernel, neural_tangent_kernel):
        np.testing.assert_allclose(kernel(V), kernel(C), rtol=tolerance, atol=tolerance)
