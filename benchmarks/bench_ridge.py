"""Claim: ridge on features at the speed of its products, in memory for width^2 elements.

This package and its peers are measured in turn in one run. Results are medians of
`--repeats`; peers that take minutes run once, after the others. Data are float32 unless
stated otherwise. `bench_ridge_bare.py` measures the bare products.

- peers: one alpha, compared with RBFSampler or Nystroem with Ridge; test error and peak
  memory, each in its own process;
- alphas: 50 alphas with leave-one-out errors, compared with RidgeCV and GridSearchCV;
- widths: all widths with leave-one-out errors, compared with one width and with
  GridSearchCV, in both dtypes;
- ntk: a million linearised features, compared with KernelRidge on the same Gram matrix,
  float64;
- dask: two worker processes, compared with one process on as many cores;
- real: digits, diabetes and breast cancer, compared with RidgeCV in a Pipeline, float64.

    python -m pip install -e ".[dask]"
    python benchmarks/bench_ridge.py [--quick] [--repeats 3] [--only peers alphas ...]
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import warnings
from functools import partial
from pathlib import Path
from time import perf_counter

import numpy as np
from bench_features import seconds
from bench_sgd import machine
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.kernel_approximation import Nystroem, RBFSampler
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge, RidgeClassifierCV, RidgeCV
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skrf import (
    LinearizedNTKFeatures,
    RandomFeatureRidge,
    RandomFeatureRidgeClassifier,
    RandomFeatures,
    RandomReLUFeatures,
)

SHAPES = [(20000, 100, 2000), (200000, 50, 4000)]
ALPHAS = np.logspace(-5, 3, 50)
CORES = os.cpu_count()
PARTS = ["peers", "alphas", "widths", "ntk", "dask", "real"]


def make_data(n, d, seed=0):
    """Rows and a nonlinear target with noise; float32."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d), dtype=np.float32)
    y = np.sin(2 * X[:, 0]) + X[:, 1] * X[:, 2] + X[:, 3]
    return X, y + 0.3 * rng.standard_normal(n, dtype=np.float32)


def in_turn(methods, repeats):
    """{name: seconds of every run}, in turn, on all cores."""
    times = {name: [] for name in methods}
    for _ in range(repeats):
        for name, run in methods.items():
            times[name].append(seconds(run, CORES))
    return times


def median_ratio(times, name, peer):
    return statistics.median(times[name]) / statistics.median(times[peer])


# -------------------------------------------------------------- peers, one process each


def peer(name, n, d, p):
    """Return the estimator of a name, with a kernel width for columns of unit variance.

    "ours, cos" has the features of RBFSampler up to the factor sqrt(2).
    """
    if name == "ours, relu":
        return RandomFeatureRidge(RandomReLUFeatures(p), alphas=1.0, random_state=0)
    if name == "ours, cos":
        features = RandomFeatures(
            p, activation="cos", biases="uniform", bias_scale=np.pi / np.sqrt(3)
        )
        return RandomFeatureRidge(features, alphas=0.5, random_state=0)
    if name == "RBFSampler":
        sampler = RBFSampler(gamma=1 / (2 * d), n_components=p, random_state=0)
        return make_pipeline(sampler, Ridge())
    return make_pipeline(
        Nystroem(gamma=1 / (2 * d), n_components=p, random_state=0), Ridge()
    )


def reset_peak():
    """Reset the peak resident size (Linux only), and return the current size in MB."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak_megabytes()


def peak_megabytes():
    """Return the peak resident size since the last reset."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status).group(1)) / 1e3


def child(name, n, d, p):
    """Fit a few rows, then all rows; print seconds, test error and memory as JSON."""
    small = make_data(2000, d)
    peer(name, 2000, d, 50).fit(*small)
    X, y = make_data(n + 10000, d)
    before = reset_peak()
    model = peer(name, n, d, p)
    took = seconds(lambda: model.fit(X[:n], y[:n]), CORES)
    memory = peak_megabytes() - before
    error = np.mean((np.concatenate([
        model.predict(X[k : k + 2000]) for k in range(n, n + 10000, 2000)
    ]) - y[n:]) ** 2)  # fmt: skip
    print(json.dumps({"seconds": took, "error": float(error), "memory": memory}))


def in_a_process(*arguments):
    """Return what `child` prints, or None if the process dies."""
    command = [sys.executable, __file__, "--child", *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else None


def bench_peers(shapes, repeats):
    """One alpha: time, test error and peak memory, each fit in its own process."""
    print("\n## One alpha, against features in memory and Ridge\n")
    print("| n | n_features | width | model | seconds | test error | peak MB |")
    print("| --: | --: | --: | :-- | --: | --: | --: |")
    for shape in shapes:
        names = ["ours, cos", "ours, relu", "RBFSampler", "Nystroem"]
        found = {name: [] for name in names}
        for _ in range(repeats):
            for name in names:
                found[name].append(in_a_process(name, *shape))
        for name, rows in found.items():
            rows = [row for row in rows if row]
            cells = " | ".join(map(str, shape))
            if not rows:
                print(f"| {cells} | {name} | killed | | |", flush=True)
                continue
            took, error, memory = (
                statistics.median(row[key] for row in rows)
                for key in ("seconds", "error", "memory")
            )
            print(
                f"| {cells} | {name} | {took:.2f} | {error:.4f} | {memory:.0f} |",
                flush=True,
            )


# ------------------------------------------------------------------------------ searches


def bench_alphas(shape, repeats):
    """50 alphas with leave-one-out errors, compared with searches of scikit-learn."""
    n, d, p = shape
    X, y = make_data(n, d)
    features = RandomReLUFeatures(p, random_state=0)
    found = {}

    def ours():
        found["ours"] = RandomFeatureRidge(features, alphas=ALPHAS).fit(X, y).alpha_

    def ridge_cv():
        model = make_pipeline(features, RidgeCV(ALPHAS)).fit(X, y)
        found["RidgeCV"] = model[-1].alpha_

    def grid():
        search = GridSearchCV(
            make_pipeline(features, Ridge()), {"ridge__alpha": ALPHAS}, cv=5
        ).fit(X, y)
        found["GridSearchCV"] = search.best_params_["ridge__alpha"]

    times = in_turn({"ours": ours}, repeats)
    times |= in_turn({"RidgeCV": ridge_cv, "GridSearchCV": grid}, 1)
    print(f"\n## 50 alphas at {shape}\n")
    for name, took in times.items():
        print(
            f"- {name}: {statistics.median(took):.1f} s, alpha {found[name]:.3g},", end=" "
        )
        print(f"{median_ratio(times, name, 'ours'):.1f} times ours", flush=True)


def bench_widths(n, d, p, dtype, repeats):
    """All widths, compared with one width and with a grid of 30 widths and 5 folds."""
    X, y = (array.astype(dtype) for array in make_data(n, d))
    features = RandomReLUFeatures(p, random_state=0)
    widths = np.unique(np.geomspace(10, p, 30).astype(int))
    found = {}

    def single():
        RandomFeatureRidge(features, alphas=[0.1]).fit(X, y)

    def path():
        result = RandomFeatureRidge(features, alphas=[0.1]).width_path(X, y)
        found["path"] = result.leave_one_out_errors[0]

    def grid():
        # Each width with the same penalty as its entry of the path.
        parameters = [
            {"randomrelufeatures__width": [r], "ridge__alpha": [0.1 * p / r]}
            for r in widths
        ]
        search = GridSearchCV(
            make_pipeline(features, Ridge()),
            parameters,
            cv=5,
            scoring="neg_mean_squared_error",
        ).fit(X, y)
        found["grid"] = -search.cv_results_["mean_test_score"]

    times = in_turn({"path": path, "single": single}, repeats)
    times |= in_turn({"grid": grid}, 1)
    print(f"\n## All widths at {(n, d, p)}, {np.dtype(dtype)}\n")
    took = statistics.median(times["path"])
    print(
        f"- all {p} widths {took:.2f} s, {median_ratio(times, 'path', 'single'):.2f}",
        end=" ",
    )
    print("times one fit with leave-one-out")
    print(f"- GridSearchCV over {len(widths)} widths, 5 folds:", end=" ")
    print(
        f"{times['grid'][0]:.0f} s, {median_ratio(times, 'grid', 'path'):.0f} times as long"
    )
    on_grid = found["path"][widths - 1]
    best = [int(widths[np.argmin(errors)]) for errors in (on_grid, found["grid"])]
    print(f"- best width on the grid: path {best[0]}, GridSearchCV {best[1]};", end=" ")
    print(f"path's error there {on_grid.min():.4f} and {found['path'][best[1] - 1]:.4f}")


def bench_ntk(n, d, width, repeats):
    """Linearised features without storage, compared with KernelRidge on their kernel."""
    X, y = make_data(n + 2000, d)
    X, y = X.astype(np.float64), y.astype(np.float64)
    features = LinearizedNTKFeatures(width, random_state=0).fit(X)
    train, test, target = X[:n], X[n:], y[:n]
    alpha, found, memory = 1.0, {}, {}

    def run(name, fit):
        before = reset_peak()
        predict = fit()
        memory.setdefault(name, peak_megabytes() - before)
        found[name] = np.mean((predict(test) - y[n:]) ** 2)

    def ours(solver):
        model = RandomFeatureRidge(
            features, alphas=alpha, fit_intercept=False, solver=solver, random_state=0
        ).fit(train, target)
        return model.predict

    def kernel_ridge():
        model = KernelRidge(alpha=alpha, kernel="precomputed")
        model.fit(features.tangent_kernel(train), target)
        return lambda rows: model.predict(features.tangent_kernel(rows, train))

    methods = {
        "ours, dual": partial(run, "ours, dual", partial(ours, "dual")),
        "ours, cg": partial(run, "ours, cg", partial(ours, "cg")),
        "KernelRidge": partial(run, "KernelRidge", kernel_ridge),
    }
    times = in_turn(methods, repeats)
    p = width * (d + 1)
    print(f"\n## {p:,} linearised features, n = {n}, a matrix of {8e-9 * n * p:.0f} GB\n")
    for name in methods:
        print(f"- {name}: {statistics.median(times[name]):.2f} s with prediction,", end=" ")
        print(f"test error {found[name]:.6f}, peak memory {memory[name]:.0f} MB")


def bench_dask(shape, repeats):
    """Two worker processes with one thread, compared with one process with two threads."""
    import dask.array as da
    from distributed import Client, LocalCluster

    n, d, p = shape
    X, y = make_data(n, d)
    features = RandomReLUFeatures(p, random_state=0)
    rows = -(-n // 8)
    x, t = da.from_array(X, chunks=(rows, d)), da.from_array(y, chunks=rows)
    models = {}

    def one():
        models["one"] = RandomFeatureRidge(features, alphas=1.0, solver="primal").fit(X, y)

    def two():
        models["two"] = RandomFeatureRidge(features, alphas=1.0).fit(x, t)

    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster),
    ):
        x, t = x.persist(), t.persist()
        two()
        times = in_turn({"two": two, "one": one}, repeats)
    difference = np.abs(
        models["one"].output_weights_ / models["two"].output_weights_ - 1
    ).max()
    print(f"\n## Dask at {shape}\n")
    for name in ("one", "two"):
        print(f"- {name} process(es): {statistics.median(times[name]):.2f} s")
    print(f"- ratio {median_ratio(times, 'two', 'one'):.2f}, largest relative", end=" ")
    print(f"difference of the coefficients {difference:.0e}")


def bench_real(repeats):
    """Real data, 5 folds: score and time of the complete cross-validation."""
    print("\n## Real data\n")
    print("| data | ours | RidgeCV in a Pipeline | seconds, ours | times as long |")
    print("| :-- | --: | --: | --: | --: |")
    alphas = np.logspace(-3, 3, 30)
    for load in (load_digits, load_diabetes, load_breast_cancer):
        X, y = load(return_X_y=True)
        classes = load is not load_diabetes
        features = make_pipeline(StandardScaler(), RandomReLUFeatures(1000, random_state=0))
        Ours = RandomFeatureRidgeClassifier if classes else RandomFeatureRidge
        Peer = RidgeClassifierCV if classes else RidgeCV
        models = {
            "ours": Ours(features, alphas=alphas),
            "peer": make_pipeline(features, Peer(alphas)),
        }
        scores = {}

        def run(name, models=models, X=X, y=y, scores=scores):
            scores[name] = cross_val_score(models[name], X, y, cv=5).mean()

        times = in_turn({name: partial(run, name) for name in models}, repeats)
        print(
            f"| {load.__name__[5:]} | {scores['ours']:.4f} | {scores['peer']:.4f} |", end=""
        )
        print(f" {statistics.median(times['ours']):.2f} |", end="")
        print(f" {median_ratio(times, 'peer', 'ours'):.1f} |", flush=True)


def main(argv=None):
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows, once")
    parser.add_argument("--only", nargs="+", choices=PARTS)
    parser.add_argument("--child", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    warnings.simplefilter("ignore")
    if options.child:
        name, *numbers = options.child
        return child(name, *map(int, numbers))
    less, repeats = (10, 1) if options.quick else (1, options.repeats)
    shapes = [(n // less, d, p // less) for n, d, p in SHAPES]
    parts = {
        "peers": lambda: bench_peers(shapes, repeats),
        "alphas": lambda: bench_alphas(shapes[0], repeats),
        "widths": lambda: [
            bench_widths(5000 // less, 20, 4000 // less, dtype, repeats)
            for dtype in (np.float32, np.float64)
        ],
        "ntk": lambda: bench_ntk(5000 // less, 999 // less, 1000, repeats),
        "dask": lambda: bench_dask(shapes[1], repeats),
        "real": lambda: bench_real(repeats),
    }
    print(machine())
    for name in options.only or parts:
        start = perf_counter()
        parts[name]()
        print(f"({name}: {perf_counter() - start:.0f} s in all)", flush=True)
    return None


if __name__ == "__main__":
    main()
