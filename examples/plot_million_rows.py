"""Ridge regression on random features of a million rows, streamed from disk
=========================================================================

A million rows of ten columns are written to a file and mapped into memory. The features of
width 1,000 of all rows would take 4 GB, and twice as much while they are centred and
copied. `RandomFeatureRidge` computes the features of a few thousand rows at a time and adds
up their products. It compares all penalties by exact leave-one-out errors, from one
factorisation and a second pass over the file.

The target is that of `sklearn.datasets.make_friedman1` with noise of variance 1, which no
model can improve on. The dashed line is a linear model.

Left: the error on 20,000 fresh rows. Right: the memory that the features would take in
float32, and the peak memory of the process, including Python and its libraries.

Run ``python examples/plot_million_rows.py`` on Linux or macOS. It takes about a minute. The
progress bar needs the package rich.
"""

import argparse
import importlib.util
import resource
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
from _picture import add_output, check_output
from sklearn.callback import ProgressBar
from sklearn.linear_model import LinearRegression

from skrf import RandomFeatureRidge, RandomReLUFeatures

N_FEATURES = 10


def draw(n_samples, seed):
    """Rows and targets of make_friedman1 in float32; columns moved to [-1, 1]."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(size=(n_samples, N_FEATURES)).astype(np.float32)
    y = 10 * np.sin(np.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2
    y += 10 * X[:, 3] + 5 * X[:, 4] + rng.standard_normal(n_samples, np.float32)
    return 2 * X - 1, y


def write(folder, n_samples, rows=100_000):
    """Write the data to files in parts, and return (X, y) as memory maps."""
    X = np.lib.format.open_memmap(
        folder / "X.npy", "w+", np.float32, (n_samples, N_FEATURES)
    )
    y = np.lib.format.open_memmap(folder / "y.npy", "w+", np.float32, (n_samples,))
    for seed, start in enumerate(range(0, n_samples, rows)):
        part = slice(start, min(start + rows, n_samples))
        X[part], y[part] = draw(part.stop - start, seed)
    return tuple(np.load(folder / name, mmap_mode="r") for name in ("X.npy", "y.npy"))


def peak_megabytes():
    """Peak memory of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)


def fit(width, X, y):
    """Fit the model of one width, with a progress bar if rich is installed."""
    features = RandomReLUFeatures(width, weight_scale=3.0, random_state=0)
    model = RandomFeatureRidge(features, alphas=np.logspace(-3, 3, 30))
    if importlib.util.find_spec("rich"):
        model.set_callbacks(ProgressBar())
    return model.fit(X, y)


def plot(widths, errors, linear, stored, peaks, args):
    """Plot error and memory against width."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.2), layout="constrained")
    figure.suptitle(f"{args.n_samples:,} rows from disk; the features are not stored")
    left, right = figure.subplots(1, 2)
    left.loglog(widths, errors, "o-", color="#0072B2", label="random features")
    left.axhline(linear, color="black", linestyle="--", label="linear model")
    left.axhline(1.0, color="0.5", linewidth=1, label="noise")
    left.set_ylabel("squared error on fresh rows")
    right.loglog(widths, stored, "s-", color="#D55E00", label="feature matrix")
    right.loglog(widths, peaks, "o-", color="#0072B2", label="peak memory of the process")
    right.set_ylabel("megabytes")
    for axes, ticks in ((left, (1, 2, 4, 8)), (right, (100, 300, 1000, 3000))):
        axes.set_yticks(ticks, map(str, ticks))
        axes.set_yticks([], minor=True)
        axes.set_xlabel("width")
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(args.output, dpi=150)


def main(argv=None):
    """Write the data, fit every width, print a table and save the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--widths", nargs="+", type=int, default=[30, 100, 300, 1000])
    parser.add_argument("--n-samples", type=int, default=1_000_000)
    add_output(parser, __file__)
    args = parser.parse_args(argv)
    check_output(args.output)
    X_test, y_test = draw(20_000, 10**6)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        X, y = write(Path(folder), args.n_samples)
        baseline = LinearRegression().fit(X[:20_000], y[:20_000])
        linear = float(np.mean((baseline.predict(X_test) - y_test) ** 2))
        for width in args.widths:
            start = perf_counter()
            model = fit(width, X, y)
            seconds = perf_counter() - start
            error = float(np.mean((model.predict(X_test) - y_test) ** 2))
            stored = 4e-6 * args.n_samples * width
            rows.append((width, seconds, model.alpha_, error, stored, peak_megabytes()))
        del X, y, model
    print(f"{args.n_samples:,} rows; error of a linear model {linear:.2f}, of the noise 1")
    print("  width  seconds     alpha   error  features, MB  peak memory, MB")
    for width, seconds, alpha, error, stored, peak in rows:
        print(f"{width:7d} {seconds:8.1f} {alpha:9.2g} {error:7.3f} {stored:13.0f}", end="")
        print(f" {peak:16.0f}")
    widths, _, _, errors, stored, peaks = np.transpose(rows)
    plot(widths, errors, linear, stored, peaks, args)
    print(f"The picture is in {args.output}")


if __name__ == "__main__":
    main()
