"""A linearised network of 400,000 weights is trained without its 16 GB of features
================================================================================

To first order around its random initialisation, a network is linear in its hidden weights,
with width * (n_features + 1) features per sample. For 10,000 samples of 50 columns and
width 8,000, the feature matrix takes 16 GB in float32.
`LinearizedNTKFeatures.as_linear_operator` multiplies by this matrix in blocks of samples. A
product takes the time of a few products of the data with the hidden weights, and a few
megabytes. `scipy.sparse.linalg.lsqr` uses these products for ridge regression.

The target is the polynomial x_1 x_2. As the width grows, the linearised network converges
to its infinite-width limit, ridge regression with `neural_tangent_kernel` (dashed line).
Narrow networks have larger errors.

Errors are relative, E[(prediction - y)^2] / E[y^2], on fresh samples.

Run ``python examples/plot_ntk_operator.py``. It takes about a minute.
"""

import argparse
import tracemalloc
from time import perf_counter

import numpy as np
from _picture import add_output, check_output
from scipy.sparse.linalg import lsqr
from sklearn.kernel_ridge import KernelRidge

from skrf import LinearizedNTKFeatures
from skrf.kernels import neural_tangent_kernel

ALPHA = 1e-3


def draw(n_samples, n_features, seed):
    """Gaussian samples in float32, and x_1 x_2."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_samples, n_features), dtype=np.float32)
    return X, X[:, 0] * X[:, 1]


def relative_error(prediction, y):
    return float(np.mean((prediction - y) ** 2) / np.mean(y**2))


def train(width, train_data, test_data, iterations):
    """Return (test error, seconds, peak bytes, bytes of the matrix) of one width."""
    (X, y), (X_test, y_test) = train_data, test_data
    features = LinearizedNTKFeatures(width, random_state=0).fit(X)
    F = features.as_linear_operator(X)
    tracemalloc.start()
    start = perf_counter()
    solution = lsqr(F, y, damp=np.sqrt(ALPHA), iter_lim=iterations, atol=1e-4, btol=1e-4)
    seconds = perf_counter() - start
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    prediction = features.as_linear_operator(X_test) @ solution[0].astype(np.float32)
    stored = 4 * F.shape[0] * F.shape[1]
    return relative_error(prediction, y_test), seconds, peak, stored


def infinite_width(train_data, test_data):
    """Return the test error of ridge regression with the infinite-width kernel."""
    (X, y), (X_test, y_test) = train_data, test_data
    model = KernelRidge(alpha=ALPHA, kernel="precomputed")
    model.fit(neural_tangent_kernel(X, train="hidden"), y)
    return relative_error(
        model.predict(neural_tangent_kernel(X_test, X, train="hidden")), y_test
    )


def plot(widths, rows, limit, args):
    """Plot error and memory against width."""
    from matplotlib.figure import Figure

    errors, _, peaks, stored = np.transpose(rows)
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    figure.suptitle(
        f"A linearised network converges to its infinite-width limit; its "
        f"{stored[-1] / 1e9:.3g} GB of features are never stored"
    )
    left, right = figure.subplots(1, 2)
    left.loglog(widths, errors, "o-", color="#0072B2", label="linearised network")
    left.axhline(limit, color="black", linestyle="--", label="infinite width")
    left.set_ylabel("relative test error (1: predicting 0)")
    right.loglog(widths, stored / 1e6, "s-", color="#D55E00", label="feature matrix")
    right.loglog(
        widths, peaks / 1e6, "o-", color="#0072B2", label="peak memory of training"
    )
    right.set_ylabel("megabytes")
    for axes in (left, right):
        axes.set_xlabel("width")
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    figure.savefig(args.output, dpi=150)


def main(argv=None):
    """Train every width, print a table and save the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--widths", nargs="+", type=int, default=[30, 125, 500, 2000, 8000])
    parser.add_argument("--n-samples", type=int, default=10_000)
    parser.add_argument("--n-test", type=int, default=2000)
    parser.add_argument("--n-features", type=int, default=50)
    parser.add_argument(
        "--iterations", type=int, default=60, help="maximum iterations of lsqr"
    )
    add_output(parser, __file__)
    args = parser.parse_args(argv)
    check_output(args.output)
    train_data = draw(args.n_samples, args.n_features, 0)
    test_data = draw(args.n_test, args.n_features, 1)
    print(f"y = x_1 x_2, {args.n_samples} samples, d = {args.n_features}")
    print("   width    weights  matrix, MB  used, MB  seconds  relative error")
    rows = []
    for width in args.widths:
        rows.append(train(width, train_data, test_data, args.iterations))
        error, seconds, peak, stored = rows[-1]
        weights = width * (args.n_features + 1)
        print(f"{width:8d} {weights:10d} {stored / 1e6:11.0f} {peak / 1e6:9.1f}", end="")
        print(f" {seconds:8.1f} {error:15.3f}", flush=True)
    limit = infinite_width(train_data, test_data)
    print(f"infinite {limit:54.3f}")
    plot(args.widths, rows, limit, args)
    print(f"The picture is in {args.output}")


if __name__ == "__main__":
    main()
