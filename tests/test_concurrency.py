"""Threads, processes of every kind, and one inside the other: same bits, no deadlock.

This file is also the program of the processes that are started. What may hang runs in a
process with a generous time limit.
"""

import json
import multiprocessing
import os
import subprocess
import sys
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_info, threadpool_limits

from skrf import (
    LinearizedNTKFeatures,
    OverparamNetClassifier,
    OverparamNetRegressor,
    RandomFeatureRidge,
    RandomFeatureRidgeClassifier,
    RandomReLUFeatures,
    make_single_neuron,
)

CORES = joblib.cpu_count()
LINUX = sys.platform == "linux"
FORK = pytest.param(
    "fork", marks=pytest.mark.skipif(not LINUX, reason="forks of threads are Linux only")
)


def data(n_samples=3000):
    X, y = make_single_neuron(n_samples, 20, bias=-0.3, random_state=0)
    return X, y, np.where(y > y.mean(), 1, -1)


NET = {"width": 60, "max_iter": 3, "tol": None, "random_state": 0}
FEW = RandomReLUFeatures(300)
STRUCTURED = RandomReLUFeatures(1000, projection="structured", random_state=0)
# What it is, how it learns, and what it does with rows.
MODELS = {
    "features": (RandomReLUFeatures(1000, random_state=0), "fit", "transform"),
    "structured": (STRUCTURED, "fit", "transform"),
    "tangent": (LinearizedNTKFeatures(60, random_state=0), "fit", "transform"),
    "net": (OverparamNetRegressor(**NET), "fit", "predict"),
    "net classifier": (OverparamNetClassifier(**NET), "fit", "predict"),
    "ridge": (
        RandomFeatureRidge(FEW, alphas=[0.1, 1.0], random_state=0),
        "partial_fit",
        "predict",
    ),
    "ridge classifier": (
        RandomFeatureRidgeClassifier(FEW, random_state=0),
        "fit",
        "decision_function",
    ),
}


def fitted(name):
    """(A fitted estimator, the name of what it does with rows)."""
    X, y, labels = data(400)
    model, learn, do = MODELS[name]
    return getattr(clone(model), learn)(X, labels if "classifier" in name else y), do


def result(name):
    """What a newly fitted estimator does with more rows."""
    model, do = fitted(name)
    return getattr(model, do)(data()[0])


def results():
    """That of all."""
    return {name: result(name) for name in MODELS}


def results_of(_):
    """The same, for workers."""
    return results()


def close(found, expected):
    """How far two results are apart, in units of the largest number."""
    return float(np.abs(found - expected).max() / np.abs(expected).max())


# -------------------------------------------------------------------------- threads


@pytest.mark.parametrize("n_blas", [1, 2])
@pytest.mark.parametrize("name", MODELS)
def test_one_estimator_in_eight_threads(name, n_blas):
    """All at once, and the coefficients of sums are computed by the first who asks.

    Whether a BLAS of several threads is limited to one meanwhile depends on who comes
    first, so that then only rounding is promised.
    """
    X, begin = data()[0], threading.Barrier(8)
    with threadpool_limits(n_blas, user_api="blas"), ThreadPoolExecutor(8) as pool:
        expected = result(name)
        model, do = fitted(name)

        def work(_):
            begin.wait(60)
            return getattr(model, do)(X)

        for found in pool.map(work, range(8)):
            if n_blas == 1:
                np.testing.assert_array_equal(found, expected)
            assert close(found, expected) < 1e-12


@pytest.mark.parametrize("n_blas", [1, 2])
@pytest.mark.parametrize("solver", ["primal", "dual", "cg"])
def test_four_ridge_fits_in_threads(solver, n_blas):
    """Transformers, sums and factorisations side by side; networks: test_networks.py."""
    X, y, _ = data(300)

    def work(_):
        features = RandomReLUFeatures(100)
        return (
            RandomFeatureRidge(features, solver=solver, random_state=0)
            .fit(X, y)
            .output_weights_
        )

    with threadpool_limits(n_blas, user_api="blas"), ThreadPoolExecutor(4) as pool:
        expected = work(0)
        for coef in pool.map(work, range(4)):
            if n_blas == 1:
                np.testing.assert_array_equal(coef, expected)
            assert close(coef, expected) < 1e-6
        assert {p["num_threads"] for p in blas_pools()} == {n_blas}


def blas_pools():
    return [pool for pool in threadpool_info() if pool["user_api"] == "blas"]


# ------------------------------------------------------------------------- processes


def in_processes(kind):
    """Prints how far results of workers of a kind are from those of this process.

    This process has used its threads, its BLAS and its compiled code by then, which is
    what forked children hang in where they hang; and one thread is at it all the time.
    """
    expected, done = results(), threading.Event()
    X, features = data()[0], fitted("features")[0]

    def busy():
        while not done.is_set():
            features.transform(X)

    thread = threading.Thread(target=busy)
    thread.start()
    try:
        if kind == "loky":
            tasks = (joblib.delayed(results_of)(k) for k in range(2))
            found = joblib.Parallel(n_jobs=2)(tasks)
        else:
            with multiprocessing.get_context(kind).Pool(2) as pool:
                found = pool.map(results_of, range(2), chunksize=1)
    finally:
        done.set()
        thread.join()
    print(json.dumps([[close(one[k], expected[k]) for k in one] for one in found]))


def run_here(call, **env):
    """The lines that a call of this file's functions prints in a process of its own.

    BLAS has as many threads as it likes there, unless `env` says other.
    """
    free = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    run = subprocess.run(
        [sys.executable, "-c", f"import test_concurrency as t; t.{call}"],
        cwd=Path(__file__).parent,
        env={**free, **env},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return [json.loads(line) for line in run.stdout.splitlines()]


@pytest.mark.parametrize(
    "kind", [FORK, *(pytest.param(k, marks=pytest.mark.slow) for k in ("loky", "spawn"))]
)
def test_processes_give_the_same_bits(kind):
    ((one, other),) = run_here(f"in_processes({kind!r})", OPENBLAS_NUM_THREADS="1")
    assert one == other == [0.0] * 7


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["loky", FORK, "spawn"])
def test_processes_with_threads_in_them_do_not_hang(kind):
    """BLAS has other numbers of threads in some workers, hence the rounding."""
    ((one, other),) = run_here(f"in_processes({kind!r})")
    assert max(one + other) < 1e-12


# ----------------------------------------------------------- one inside the other


def runnable_threads():
    """Threads of this process and its descendants that are running or want to."""
    count, parents = 0, {}
    for task in Path("/proc").glob("[0-9]*/task/[0-9]*/stat"):
        try:
            state, parent = task.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        parents.setdefault(int(task.parts[2]), [int(parent), []])[1].append((task, state))
    for pid, (_, tasks) in parents.items():
        ancestor = pid
        while ancestor in parents and ancestor != os.getpid():
            ancestor = parents[ancestor][0]
        if ancestor == os.getpid():
            count += sum(state == "R" for _, state in tasks)
    # Not the thread that counts.
    return count - 1


def nested_search():
    """A search in processes, around a Pipeline, inside a thread; prints what it saw."""
    X, y, _ = data(2000)
    model = make_pipeline(
        RandomReLUFeatures(400, random_state=0),
        RandomFeatureRidge(RandomReLUFeatures(600), alphas=[0.1, 1.0], random_state=0),
    )
    grid = {"randomrelufeatures__width": [100, 200, 300, 400]}
    net = OverparamNetRegressor(300, max_iter=3, tol=None, eta0=0.01, random_state=0)
    searches = [
        GridSearchCV(model, grid, cv=2, n_jobs=2),
        GridSearchCV(net, {"width": [200, 300]}, cv=2, n_jobs=2),
    ]
    workers = joblib.Parallel(n_jobs=2)(joblib.delayed(blas_pools)() for _ in range(4))
    per_worker = max(p["num_threads"] for pools in workers for p in pools)
    counts, scores = [], []

    def search():
        scores.extend(s.fit(X, y).cv_results_["mean_test_score"] for s in searches)

    thread = threading.Thread(target=search)
    thread.start()
    while thread.is_alive():
        counts.append(runnable_threads())
        time.sleep(0.01)
    for s, found in zip(searches, scores, strict=True):
        alone = s.set_params(n_jobs=1).fit(X, y).cv_results_["mean_test_score"]
        np.testing.assert_allclose(found, alone, rtol=1e-9)
    print(json.dumps([per_worker, float(np.mean(counts)), max(counts)]))


@pytest.mark.slow
@pytest.mark.skipif(not LINUX, reason="counts threads in /proc")
def test_a_search_inside_a_thread_leaves_the_cores_to_its_workers():
    """Half a thread more is the one that hands out the work; 2 x 2 of BLAS would be 4."""
    ((per_worker, mean, _),) = run_here("nested_search()")
    assert 2 * per_worker <= max(2, CORES)
    assert mean <= max(2, CORES) + 0.5


@pytest.mark.slow
def test_networks_and_transformers_on_dask_workers():
    distributed = pytest.importorskip("distributed", reason="needs the extra 'dask'")
    X, y, _ = data(400)
    net = OverparamNetRegressor(60, max_iter=3, tol=None, random_state=0)
    model = make_pipeline(RandomReLUFeatures(50, random_state=0), net)
    search = GridSearchCV(model, {"overparamnetregressor__width": [30, 60]}, cv=2)
    with (
        warnings.catch_warnings(),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        warnings.simplefilter("ignore")
        with joblib.parallel_config("dask"):
            found = search.fit(X, y).cv_results_["mean_test_score"].copy()
        workers = client.run(blas_pools)
    assert {p["num_threads"] for pools in workers.values() for p in pools} == {1}
    alone = search.fit(X, y).cv_results_["mean_test_score"]
    np.testing.assert_allclose(found, alone, rtol=1e-9)
