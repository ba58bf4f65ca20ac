"""Peak memory as documented, and none that is kept from fit to fit.

Peaks are those of `tracemalloc`, which sees every array of NumPy and SciPy, the work space
of LAPACK among them, but not the few megabytes that BLAS packs its operands into.
"""

import gc
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from skrf import (
    LinearizedNTKFeatures,
    OverparamNetClassifier,
    OverparamNetRegressor,
    RandomFeatureRidge,
    RandomFeatureRidgeClassifier,
    RandomReLUFeatures,
    make_single_neuron,
)
from skrf.ridge._memory import ProblemSize, needed_bytes

# What a call may use whatever the sizes: two blocks of rows of 2^20 numbers.
BLOCKS = 2 * 2**20 * 8


def data(n_samples, n_features=300):
    return make_single_neuron(n_samples, n_features, random_state=0)


def peak_of(call):
    """Bytes allocated at the peak of a call beyond those before it; once warm."""
    call()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    call()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak - before


def assert_peak(call, documented, blocks=0, at_least=0.6):
    """A tenth more for vectors and halves of arrays; and the formula is no mere bound."""
    peak = peak_of(call)
    assert peak < 1.1 * documented + blocks
    assert peak > at_least * documented


# ---------------------------------------------------------------------------- peaks


@pytest.mark.parametrize(
    ("options", "copies"),
    [
        ({}, 1),
        ({"momentum": 0.5}, 2),
        ({"average": True}, 3),
        ({"average": True, "early_stopping": True}, 4),
        ({"momentum": 0.5, "average": True, "early_stopping": True}, 5),
    ],
    ids=str,
)
def test_networks_keep_a_copy_of_the_weights_for_each_option(options, copies):
    X, y = data(200)
    net = {"max_iter": 2, "tol": None, "random_state": 0, "eta0": 1e-4, **options}
    width = 8000

    def fit():
        OverparamNetRegressor(width, **net).fit(X, y)

    assert_peak(fit, copies * width * 300 * 8, BLOCKS)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("solver", "n", "p", "alphas", "cv"),
    [
        ("primal", 900, 800, 1.0, None),
        ("primal", 900, 800, [1.0], None),
        ("primal", 900, 800, [0.1, 1.0, 10.0], None),
        ("primal", 900, 800, [0.1, 1.0], 3),
        ("dual", 800, 200, 1.0, None),
        ("dual", 800, 200, [0.1, 1.0, 10.0], None),
        ("dual", 800, 200, [0.1, 1.0], 3),
        ("cg", 800, 200, 1.0, None),
    ],
)
def test_ridge_takes_the_memory_that_is_required(solver, n, p, alphas, cv, dtype):
    X, y = data(n, 50)
    X, alphas = X.astype(dtype), np.asarray(alphas)
    size = ProblemSize(
        n_rows=n,
        n_columns=p,
        n_outputs=1,
        itemsize=X.itemsize,
        n_alphas=alphas.size,
        searches=alphas.ndim == 1,
        folds=cv is not None,
        block_rows=256,
        linearised=None,
    )
    model = RandomFeatureRidge(
        RandomReLUFeatures(p, random_state=0),
        alphas=alphas,
        cv=cv,
        solver=solver,
        block_size=256,
        random_state=0,
    )
    needed = needed_bytes(size, solver)
    assert_peak(lambda: model.fit(X, y), needed, X.nbytes, at_least=0.5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("options", "width", "megabytes"),
    [
        ({"solver": "dual"}, 10_000, 85),
        ({"solver": "dual", "cv": 20, "alphas": [1.0]}, 2000, 35),
        ({"solver": "cg"}, 10_000, 75),
        ({"solver": "primal", "cv": 5, "alphas": [1.0]}, 1000, 60),
        ({"solver": "primal", "cv": 5, "alphas": [0.1, 1.0]}, 1000, 60),
        ({"solver": "auto", "select_width": True, "alphas": [0.1, 1.0]}, 1000, 25),
    ],
    ids=str,
)
def test_a_fit_that_is_accepted_fits(options, width, megabytes, dtype, monkeypatch):
    """More features than rows among them; little less memory is refused."""
    X, y = data(600, 20)
    X = X.astype(dtype)
    model = RandomFeatureRidge(
        RandomReLUFeatures(width), block_size=256, random_state=0, **options
    )

    def give(n_bytes):
        for module in (
            "ridge._feature_matrix",
            "ridge._memory",
            "ridge._solver_choice",
            "_utils.memory",
        ):
            monkeypatch.setattr(f"skrf.{module}.available_memory", lambda: n_bytes)

    give(megabytes * 10**6)
    assert peak_of(lambda: model.fit(X, y)) < megabytes * 10**6
    give(megabytes * 10**6 // 2)
    with pytest.raises(MemoryError, match="would fit"):
        model.fit(X, y)


def test_a_stream_begins_only_where_its_penalties_can_be_compared(monkeypatch):
    X, y = data(600, 20)
    model = RandomFeatureRidge(
        RandomReLUFeatures(1000), alphas=[0.1, 1.0], block_size=256, random_state=0
    )

    def give(megabytes):
        for module in ("ridge._memory", "ridge._solver_choice", "_utils.memory"):
            monkeypatch.setattr(f"skrf.{module}.available_memory", lambda: megabytes * 1e6)

    give(30)
    with pytest.raises(MemoryError, match=r"by partial_fit.* would fit"):
        model.partial_fit(X, y)
    give(46)
    assert peak_of(lambda: model.partial_fit(X, y).output_weights_) < 46e6


def test_conjugate_gradients_on_many_rows(monkeypatch):
    """With fewer rows in the preconditioner than there are, as in large problems."""
    monkeypatch.setattr("skrf.ridge._cg._MOST_LANDMARKS", 300)
    X, y = data(2400, 20)

    def fit():
        model = RandomFeatureRidge(RandomReLUFeatures(200), solver="cg", block_size=256)
        model.set_params(random_state=0).fit(X, y)

    assert_peak(fit, 8 * 3 * 300 * 2400)


def test_a_chunk_takes_a_copy_of_the_sums():
    X, y = data(600, 50)
    p = 1000
    model = RandomFeatureRidge(RandomReLUFeatures(p), block_size=256, random_state=0)
    model.partial_fit(X, y)
    assert_peak(lambda: model.partial_fit(X, y), 8 * p**2 + 8 * p * 256)


@pytest.mark.parametrize(
    "features",
    [
        RandomReLUFeatures(3000, random_state=0),
        RandomReLUFeatures(3000, projection="structured", random_state=0),
        LinearizedNTKFeatures(20, random_state=0),
    ],
    ids=str,
)
def test_transform_takes_its_result(features):
    X, _ = data(2000)
    columns = features.fit(X).transform(X[:1]).shape[1]
    assert_peak(lambda: features.transform(X), 8 * len(X) * columns)


@pytest.mark.parametrize(
    ("projection", "numbers"),
    [
        ("dense", 6000 * 300),
        ("orthogonal", 6000 * 300 + 4 * 300**2),
        ("structured", 8 * (6000 + 2 * 300)),
    ],
)
def test_drawing_weights(projection, numbers):
    X, _ = data(10)

    def fit():
        RandomReLUFeatures(6000, projection=projection, random_state=0).fit(X)

    # A piece of the float64 draw of a dense matrix, scaled and checked.
    assert_peak(fit, 8 * numbers, 4 * 8 * 2**17)


def test_operator_takes_blocks_of_rows_and_its_coefficients():
    X, _ = data(1500)
    operator = LinearizedNTKFeatures(3000, random_state=0).fit(X).as_linear_operator(X)
    v, y = np.ones(operator.shape[1]), np.ones(len(X))
    rows = 349 * 3000 * 8  # of a block
    with threadpool_limits(1, user_api="blas"):
        assert_peak(lambda: operator @ v, 2 * rows)
        assert_peak(lambda: operator.T @ y, 2 * rows + v.nbytes)
    assert 2 * rows < X.shape[0] * operator.shape[1] * 8 / 500


@pytest.mark.parametrize("others", [None, 700])
def test_kernel_takes_its_result_and_what_it_is_a_product_of(others):
    X, _ = data(2000)
    r, Y = 1500, None if others is None else X[:others]
    ntk = LinearizedNTKFeatures(r, random_state=0).fit(X)
    numbers = 2000**2 + 2000 * r if others is None else 2000 * 700 + r * 2700
    assert_peak(lambda: ntk.tangent_kernel(X, Y), 8 * numbers, BLOCKS)


def test_predictions_take_a_block_of_rows():
    X, y = data(4000)
    net = OverparamNetRegressor(2000, max_iter=1, eta0=1e-4, tol=None, random_state=0)
    net.fit(X[:50], y[:50])
    assert_peak(lambda: net.predict(X), 8 * (2**20 + len(X)))
    model = RandomFeatureRidge(RandomReLUFeatures(2000), block_size=700, random_state=0)
    model.fit(X[:50], y[:50])
    assert_peak(lambda: model.predict(X), 8 * (700 * 2000 + len(X)))


# --------------------------------------------------------------------------- growth


def estimators():
    net = {"width": 50, "max_iter": 2, "tol": None, "random_state": 0}
    few = RandomReLUFeatures(60)
    return {
        "relu": RandomReLUFeatures(200, random_state=0),
        "structured": RandomReLUFeatures(200, projection="structured"),
        "tangent": LinearizedNTKFeatures(20, random_state=0),
        "net": OverparamNetRegressor(**net, early_stopping=True),
        "net classifier": OverparamNetClassifier(**net, momentum=0.5, average=True),
        "ridge": RandomFeatureRidge(few, alphas=[0.1, 1.0], random_state=0),
        "dual": RandomFeatureRidge(few, solver="dual", random_state=0),
        "cg": RandomFeatureRidge(few, solver="cg", random_state=0),
        "ridge classifier": RandomFeatureRidgeClassifier(few, random_state=0),
    }


def resident():
    """Bytes of this process in memory."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return 1024 * int(line.split()[1])
    raise AssertionError("no VmRSS")


def use(name, model, n_times):
    """Fit it again and again, and ask it for what it gives."""
    X, y = make_single_neuron(120, 10, random_state=0)
    y = np.where(y > y.mean(), 1, -1) if "classifier" in name else y
    for _ in range(n_times):
        model.fit(X, y)
        (model.transform if hasattr(model, "transform") else model.predict)(X)
    # What only cycles hold is not kept.
    gc.collect()


def growth(n_warm, n_times):
    """In a process of its own: bytes that fits of each estimator keep, two ways.

    The allocator's are the least of three periods: a table of the interpreter that is
    made larger counts megabytes in one of them, a leak counts in all.
    """
    for name, model in estimators().items():
        use(name, model, n_warm)
        before, traced = resident(), []
        tracemalloc.start()
        for _ in range(4):
            use(name, model, n_times)
            traced.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
        least = int(np.diff(traced).min())
        assert least < 20_000, (name, least)
        assert resident() - before < 6 * 2**20, (name, resident() - before)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads resident memory in /proc")
def test_two_hundred_fits_keep_nothing():
    """Below 300 bytes a fit, for free lists, where the smallest weights are 4,000.

    The resident size may grow by 6 MB: fragments of the heap, such a table, and what
    tracemalloc itself notes.
    """
    program = "import test_memory as t; t.growth(10, 70)"
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert run.returncode == 0, run.stderr
