r"""Orthogonal and structured projections approximate a kernel with smaller errors
==============================================================================

The kernel exp(-gamma ||x - y||^2) is the limit of random cosines sqrt(2) cos(<w, x> + b)
with Gaussian w and uniform b. The error of n cosines is of order 1/sqrt(n) for every
projection. Blocks of orthogonal w reduce the error by a factor. Structured blocks, made of
random signs and Hadamard matrices, do so without a matrix of weights and take less time at
many columns.

- Upper row: handwritten digits, 64 columns. The dense product is so fast that Hadamard
  transforms save no time. Orthogonal weights have smaller errors. Nystroem, which takes its
  components from the data, has by far the smallest error because a few images represent
  many.
- Lower row: points with 1,024 independent columns. The number of components of Nystroem is
  limited by the number of rows, and that of random features is not. The structured
  projection takes a quarter of the time of the dense projection.

The maps are fitted to one half of the rows and evaluated on the other half. Errors are ||Z
Z' - K|| / ||K||, in Frobenius norms off the diagonal, and means over seeds. Times are
medians of `transform` in float32.

Run ``python examples/plot_kernel_approximation.py``. It takes about a minute.
"""

import argparse
from statistics import median
from time import perf_counter

import numpy as np
from _picture import add_output, check_output
from sklearn.datasets import load_digits
from sklearn.kernel_approximation import Nystroem, RBFSampler
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.preprocessing import scale

from skrf import RandomFeatures

# {label: (colour, style)}, with the colours of Okabe and Ito.
STYLES = {
    "dense": ("#0072B2", "o-"),
    "orthogonal": ("#D55E00", "s-"),
    "structured": ("#009E73", "D-"),
    "RBFSampler": ("#000000", "^--"),
    "Nystroem": ("#CC79A7", "v--"),
}


class Cosines:
    """Random cosines for the kernel exp(-gamma ||x - y||^2), with any projection."""

    def __init__(self, n_components, gamma, projection, seed):
        self.options = {"projection": projection, "random_state": seed}
        self.n_components, self.gamma = n_components, gamma

    def fit(self, X):
        self.features = RandomFeatures(
            self.n_components,
            activation="cos",
            weight_scale=np.sqrt(2 * self.gamma * X.shape[1]),
            biases="uniform",
            bias_scale=np.pi / np.sqrt(3),  # uniform on [-pi, pi]
            **self.options,
        ).fit(X)
        return self

    def transform(self, X):
        return np.float32(np.sqrt(2)) * self.features.transform(X)


def new_map(name, n_components, gamma, seed):
    if name == "RBFSampler":
        return RBFSampler(n_components=n_components, gamma=gamma, random_state=seed)
    if name == "Nystroem":
        return Nystroem(n_components=n_components, gamma=gamma, random_state=seed)
    return Cosines(n_components, gamma, name, seed)


def data_sets(n_samples):
    """{name: (float32 rows, gamma)}."""
    digits = scale(load_digits().data)[:n_samples].astype(np.float32)
    wide = np.random.default_rng(0).standard_normal((n_samples, 1024), dtype=np.float32)
    return {"digits": (digits, 1 / 128), "1,024 columns": (wide, 1 / 2048)}


def measure(name, X_fit, X, gamma, size, seeds, kernel):
    """(mean error, median seconds of transform); None if there are too few rows."""
    if name == "Nystroem" and size > len(X_fit):
        return None
    errors, times = [], []
    off_diagonal = ~np.eye(len(X), dtype=bool)
    for seed in range(seeds):
        fitted = new_map(name, size, gamma, seed).fit(X_fit)
        fitted.transform(X)  # the first use of new memory takes longer
        start = perf_counter()
        Z = fitted.transform(X)
        times.append(perf_counter() - start)
        difference = (Z @ Z.T - kernel)[off_diagonal]
        errors.append(np.linalg.norm(difference) / np.linalg.norm(kernel[off_diagonal]))
    return np.mean(errors), median(times)


def plot(results, args):
    """Plot the error against components and against time, in a row for each data set."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 8), layout="constrained")
    figure.suptitle(
        "Orthogonal and structured projections estimate a kernel better; with many columns "
        "the structured one is also faster"
    )
    lines = []
    for (data, found), row in zip(results.items(), figure.subplots(2, 2), strict=True):
        for name, (color, style) in STYLES.items():
            sizes = [size for size in args.sizes if found[name, size]]
            errors, times = np.transpose([found[name, size] for size in sizes])
            look = {"color": color, "alpha": 0.9}
            line = row[0].loglog(sizes, errors, style, label=name, **look)
            row[1].loglog(times, errors, style, **look)
            lines += line if data == "digits" else []
        row[0].set_ylabel(f"{data}: relative error")
        row[0].set_xlabel("components")
        row[1].set_xlabel("seconds of transform")
        for axes in row:
            axes.grid(alpha=0.3)
    figure.legend(handles=lines, loc="outside lower center", ncols=5, frameon=False)
    figure.savefig(args.output, dpi=150)


def main(argv=None):
    """Measure every map, print a table and save the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--sizes", nargs="+", type=int, default=[128, 512, 2048, 8192, 32768]
    )
    parser.add_argument("--n-samples", type=int, default=1796)
    parser.add_argument("--seeds", type=int, default=3)
    add_output(parser, __file__)
    args = parser.parse_args(argv)
    check_output(args.output)
    results = {}
    for data, (rows, gamma) in data_sets(args.n_samples).items():
        X_fit, X = rows[::2], rows[1::2]
        kernel = rbf_kernel(X, gamma=gamma)
        print(f"{data}: {len(X)} rows; relative error (milliseconds of transform)")
        print("components " + "".join(f"{name:>18}" for name in STYLES))
        results[data] = {}
        for size in args.sizes:
            cells = []
            for name in STYLES:
                found = measure(name, X_fit, X, gamma, size, args.seeds, kernel)
                results[data][name, size] = found
                cells.append(f"{found[0]:.4f} ({found[1] * 1e3:.0f})" if found else "-")
            print(f"{size:10d} " + "".join(f"{cell:>18}" for cell in cells), flush=True)
    plot(results, args)
    print(f"The picture is in {args.output}")


if __name__ == "__main__":
    main()
