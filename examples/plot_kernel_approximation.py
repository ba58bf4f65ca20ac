r"""Random features and Nystroem approximate a Gaussian kernel: error and time
==========================================================================

The kernel exp(-gamma ||x - y||^2) is the limit of random cosines sqrt(2) cos(<w, x> + b)
with Gaussian w and uniform b. The error of n cosines is of order 1/sqrt(n) for every
projection. Blocks of orthogonal w reduce the error by a factor. Structured blocks, made of
random signs and Hadamard matrices, do so without a matrix of weights.

- Digits, 64 columns: Nystroem, which takes its components from the data, has by far the
  smallest error because a few images represent many. Orthogonal weights have smaller errors
  than independent weights. The dense product is so fast that Hadamard transforms save no
  time.
- Points with 1,024 independent columns: the structured projection is the fastest of the
  random features from 512 components on, and at least four times as fast as the dense
  projection at 8,192. The number of components of Nystroem is limited by the number of
  rows, and the number of random features is not.

The maps are fitted to one half of the rows and evaluated on the other half. Errors are
||Z Z' - K|| / ||K||, in Frobenius norms off the diagonal, and means over seeds. Times are
medians of the CPU time of `transform` in float32, in one thread.

Run ``python examples/plot_kernel_approximation.py``. It takes about 30 s of CPU
time.
"""

import argparse
from statistics import median
from time import process_time

import numpy as np
from _picture import add_output, check_output, progress
from sklearn.datasets import load_digits
from sklearn.kernel_approximation import Nystroem, RBFSampler
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.preprocessing import scale
from threadpoolctl import threadpool_limits

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
    return {
        "digits, 64 columns": (digits, 1 / 128),
        "1,024 independent columns": (wide, 1 / 2048),
    }


def seconds_of_transform(fitted, X, repeats=3):
    """CPU seconds of each call; the first call, which uses new memory, does not count."""
    fitted.transform(X)
    seconds = []
    for _ in range(repeats):
        start = process_time()
        fitted.transform(X)
        seconds.append(process_time() - start)
    return seconds


def measure(name, X_fit, X, gamma, size, seeds, kernel):
    """(mean error, median CPU seconds of transform); None if there are too few rows."""
    if name == "Nystroem" and size > len(X_fit):
        return None
    errors, seconds = [], []
    off_diagonal = ~np.eye(len(X), dtype=bool)
    for seed in range(seeds):
        fitted = new_map(name, size, gamma, seed).fit(X_fit)
        seconds += seconds_of_transform(fitted, X)
        Z = fitted.transform(X)
        difference = (Z @ Z.T - kernel)[off_diagonal]
        errors.append(np.linalg.norm(difference) / np.linalg.norm(kernel[off_diagonal]))
    return np.mean(errors), median(seconds)


def plot(results, args):
    """Plot the error against the time, in a panel for each data set."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 7), layout="constrained")
    figure.suptitle(
        "Gaussian kernel: Nystroem has the smallest errors on digits;\n"
        "on 1,024 columns structured features are the fastest from 512 on"
    )
    panels = figure.subplots(2, 1)
    for (data, found), axes in zip(results.items(), panels, strict=True):
        for name, (color, style) in STYLES.items():
            sizes = [size for size in args.sizes if found[name, size]]
            errors, seconds = np.transpose([found[name, size] for size in sizes])
            axes.loglog(1e3 * seconds, errors, style, color=color, alpha=0.9, label=name)
        axes.set_title(data)
        axes.set_ylabel("relative error of the kernel")
        ticks = (0.01, 0.02, 0.05, 0.1, 0.2)
        axes.set_yticks(ticks, map(str, ticks))
        axes.set_yticks([], minor=True)
        axes.xaxis.set_major_formatter("{x:g}")
        axes.grid(alpha=0.3)
    panels[1].set_xlabel(f"CPU milliseconds to transform {args.n_samples // 2} rows")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(args.output, dpi=150)


def main(argv=None):
    """Measure every map, print a table and save the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", type=int, default=[128, 512, 2048, 8192])
    parser.add_argument("--n-samples", type=int, default=1796)
    parser.add_argument("--seeds", type=int, default=3)
    add_output(parser, __file__)
    args = parser.parse_args(argv)
    check_output(args.output)
    results = {}
    for data, (rows, gamma) in data_sets(args.n_samples).items():
        X_fit, X = rows[::2], rows[1::2]
        kernel = rbf_kernel(X, gamma=gamma)
        print(f"{data}: {len(X)} rows; relative error (CPU milliseconds of transform)")
        print("components " + "".join(f"{name:>14}" for name in STYLES))
        results[data] = {}
        for size in args.sizes:
            cells = []
            for name in STYLES:
                progress(f"{name}, {size} components")
                with threadpool_limits(1):
                    found = measure(name, X_fit, X, gamma, size, args.seeds, kernel)
                results[data][name, size] = found
                cells.append(f"{found[0]:.3f} ({found[1] * 1e3:.3g})" if found else "-")
            progress()
            print(f"{size:10d} " + "".join(f"{cell:>14}" for cell in cells), flush=True)
    plot(results, args)
    print(f"The picture is in {args.output}")


if __name__ == "__main__":
    main()
