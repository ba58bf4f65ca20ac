"""A linearised network of 400,000 weights is trained without its 16 GB of features
================================================================================

To first order around its random initialisation, a network is linear in its hidden weights,
with width * (n_features + 1) features per sample. For 10,000 samples of 50 columns and
width 8,000, the feature matrix takes 16 GB in float32.
`LinearizedNTKFeatures.as_linear_operator` multiplies by this matrix in blocks of samples. A
product takes the time of a few products of the data with the hidden weights, and a few
megabytes. `scipy.sparse.linalg.lsqr` uses these products for ridge regression.
`RandomFeatureRidge` solves the same problem in fewer lines and in a similar time, but its
solvers need hundreds of megabytes here.

The target is the polynomial x_1 x_2. As the width grows, the linearised network converges
to its infinite-width limit, ridge regression with `neural_tangent_kernel` (dashed line).
Narrow networks have larger errors.

Errors are relative, E[(prediction - y)^2] / E[y^2], on fresh samples.

Run ``python examples/plot_ntk_operator.py``. It takes about 90 s of CPU time.
"""

import argparse
import tracemalloc
from itertools import count
from time import process_time

import numpy as np
from _picture import add_output, check_output, progress
from scipy.sparse.linalg import LinearOperator, lsqr
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


def with_progress(F, width):
    """The operator F, which shows the number of its products on the terminal."""
    products = count(1)

    def counted(product):
        def multiply(vector):
            progress(f"width {width}: product {next(products)} with the feature matrix")
            return product(vector)

        return multiply

    return LinearOperator(F.shape, counted(F.matvec), counted(F.rmatvec), dtype=F.dtype)


def train(width, train_data, test_data, iterations):
    """Return (test error, CPU seconds, peak bytes, bytes of the matrix) of one width."""
    (X, y), (X_test, y_test) = train_data, test_data
    features = LinearizedNTKFeatures(width, random_state=0).fit(X)
    F = with_progress(features.as_linear_operator(X), width)
    tracemalloc.start()
    start = process_time()
    solution = lsqr(F, y, damp=np.sqrt(ALPHA), iter_lim=iterations, atol=1e-4, btol=1e-4)
    seconds = process_time() - start
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    progress()
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
    figure = Figure(figsize=(6, 6.6), layout="constrained")
    figure.suptitle(
        "A linearised network converges to its infinite-width limit;\n"
        f"its {stored[-1] / 1e9:.3g} GB of features are never stored"
    )
    left, right = figure.subplots(2, 1, sharex=True)
    left.loglog(widths, errors, "o-", color="#0072B2", label="linearised network")
    left.axhline(limit, color="black", linestyle="--", label="infinite width")
    left.set_ylabel("relative test error (1: predicting 0)")
    ticks = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
    left.set_yticks(ticks, map(str, ticks))
    left.set_yticks([], minor=True)
    left.set_ylim(limit / 1.5, 1.5 * errors.max())
    right.loglog(
        widths, stored / 1e6, "s-", color="#D55E00", label="size of the feature matrix"
    )
    right.loglog(
        widths, peaks / 1e6, "o-", color="#0072B2", label="peak memory allocated by lsqr"
    )
    right.set_ylabel("megabytes")
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    right.set_xlabel("width")
    right.set_xticks(widths, [f"{width:,}" for width in widths])
    right.set_xticks([], minor=True)
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
    print("   width    weights  matrix, MB  used, MB  CPU seconds  relative error")
    rows = []
    for width in args.widths:
        rows.append(train(width, train_data, test_data, args.iterations))
        error, seconds, peak, stored = rows[-1]
        weights = width * (args.n_features + 1)
        print(f"{width:8d} {weights:10d} {stored / 1e6:11.0f} {peak / 1e6:9.1f}", end="")
        print(f" {seconds:12.1f} {error:15.3f}", flush=True)
    progress("infinite width: kernel ridge regression")
    limit = infinite_width(train_data, test_data)
    progress()
    print(f"infinite {limit:58.3f}")
    plot(args.widths, rows, limit, args)
    print(f"The picture is in {args.output}")


if __name__ == "__main__":
    main()
