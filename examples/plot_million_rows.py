"""Ridge regression on random features of a million rows, streamed from disk
=========================================================================

A million rows of ten columns are written to a file and mapped into memory. The features of
width 1,000 of all rows would take 4 GB, and twice as much while they are centred and
copied. `RandomFeatureRidge` computes the features of a few thousand rows at a time and adds
up their products. It compares all penalties by exact leave-one-out errors, from one
factorisation and a second pass over the file.

The target is that of `sklearn.datasets.make_friedman1` with noise of variance 1, which no
model can improve on. The dashed line is a linear model.

Above: the error on 20,000 fresh rows. Below: the memory that the features would take in
float32, and the peak memory of the process, including Python and its libraries.

The progress bar needs the package rich. Run ``python examples/plot_million_rows.py`` on
Linux or macOS. It takes about 160 s of CPU time.
"""

import argparse
import importlib.util
import resource
import sys
import tempfile
from pathlib import Path
from time import process_time

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
    """Fit the model of one width; on a terminal rich draws a progress bar."""
    features = RandomReLUFeatures(width, weight_scale=3.0, random_state=0)
    model = RandomFeatureRidge(features, alphas=np.logspace(-3, 3, 30))
    if sys.stdout.isatty() and importlib.util.find_spec("rich"):
        model.set_callbacks(ProgressBar())
    return model.fit(X, y)


def plot(widths, errors, linear, stored, peaks, args):
    """Plot error and memory against width."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 6.6), layout="constrained")
    figure.suptitle(
        f"Ridge regression on random features of {args.n_samples:,} rows:\n"
        "the error falls with the width, and the features are never stored"
    )
    left, right = figure.subplots(2, 1, sharex=True)
    left.loglog(widths, errors, "o-", color="#0072B2", label="random features")
    left.axhline(linear, color="black", linestyle="--", label="linear model")
    left.axhline(1.0, color="0.5", linewidth=1, label="variance of the noise")
    left.set_ylim(bottom=0.3)
    left.set_ylabel("mean squared error, fresh rows")
    right.loglog(widths, stored, "s-", color="#D55E00", label="size of the feature matrix")
    right.loglog(widths, peaks, "o-", color="#0072B2", label="peak memory of the process")
    right.set_ylabel("megabytes")
    panels = (
        (left, (0.5, 1, 2, 4, 8), "lower left"),
        (right, (100, 300, 1000, 3000), "best"),
    )
    for axes, ticks, place in panels:
        axes.set_yticks(ticks, map(str, ticks))
        axes.set_yticks([], minor=True)
        axes.grid(alpha=0.3)
        axes.legend(loc=place)
    right.set_xlabel("width")
    right.set_xticks(widths, [f"{width:,.0f}" for width in widths])
    right.set_xticks([], minor=True)
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
        print(f"{args.n_samples:,} rows; error of a linear model {linear:.2f}, ", end="")
        print("of the noise 1")
        print("  width  CPU seconds     alpha   error  features, MB  peak memory, MB")
        for width in args.widths:
            start = process_time()
            model = fit(width, X, y)
            seconds = process_time() - start
            error = float(np.mean((model.predict(X_test) - y_test) ** 2))
            stored = 4e-6 * args.n_samples * width
            rows.append((width, error, stored, peak_megabytes()))
            print(f"{width:7d} {seconds:12.1f} {model.alpha_:9.2g} {error:7.3f}", end="")
            print(f" {stored:13.0f} {rows[-1][-1]:16.0f}", flush=True)
        del X, y, model
    widths, errors, stored, peaks = np.transpose(rows)
    plot(widths, errors, linear, stored, peaks, args)
    print(f"The picture is in {args.output}")


if __name__ == "__main__":
    main()
