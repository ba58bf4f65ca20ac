"""Random features reach the accuracy of trained networks on digits in less time
=============================================================================

The data are 1,797 images of handwritten digits with 64 pixels. A trained network with 50
neurons is far more accurate than 50 random ReLU features. Random neurons are cheap:
classification with 800 random ReLU features has the same error as the network, about 2%,
and takes less than half of the CPU time. The cosines of `RBFSampler` stay behind ReLU
features of the same size.

Each model is a Pipeline with a `StandardScaler`. The networks use default parameters apart
from their size. The transformers are the features of `RandomFeatureRidgeClassifier`, which
chooses the penalty by leave-one-out predictions.

- A neuron of `LinearizedNTKFeatures` has 65 columns here, so its width is a tenth of the
  size. It still has 6.5 times the columns of the other transformers. The time of a fit no
  longer grows where the columns outnumber the images, because the ridge problem is then
  solved by the Gram matrix.
- `OverparamNetClassifier` is plain SGD, with an automatic learning rate and an automatic
  penalty. `MLPClassifier` is Adam with batches of 200. It stops when the loss no longer
  decreases, which takes narrow networks more epochs.

Errors are those of 5-fold cross-validation. Times are those of the fastest fold, which
other programs disturb least. The standard error of an error rate of 2% is 0.3% with 1,797
images, so smaller differences are noise.

Run ``python examples/plot_digits.py``. It takes about 90 s of CPU time.
"""

import argparse
import warnings
from time import process_time

import numpy as np
from _picture import add_output, check_output, progress
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.kernel_approximation import Nystroem, RBFSampler
from sklearn.model_selection import StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from skrf import (
    LinearizedNTKFeatures,
    OverparamNetClassifier,
    RandomFeatureRidgeClassifier,
    RandomReLUFeatures,
)

# {name: (colour, style)}, with the colours of Okabe and Ito.
STYLES = {
    "RandomReLUFeatures": ("#0072B2", "o-"),
    "LinearizedNTKFeatures": ("#56B4E9", "s-"),
    "RBFSampler": ("#000000", "^-"),
    "Nystroem": ("#009E73", "v-"),
    "OverparamNetClassifier": ("#D55E00", "D--"),
    "MLPClassifier": ("#CC79A7", "P--"),
}


def new_model(name, size):
    """A classifier of scaled images."""
    networks = {
        "OverparamNetClassifier": OverparamNetClassifier(size, random_state=0),
        "MLPClassifier": MLPClassifier(size, random_state=0),
    }
    # RBFSampler and Nystroem approximate the kernel exp(-||x - y||^2 / n_features).
    features = {
        "RandomReLUFeatures": RandomReLUFeatures(size),
        "LinearizedNTKFeatures": LinearizedNTKFeatures(max(1, size // 10)),
        "RBFSampler": RBFSampler(gamma=1 / 64, n_components=size),
        "Nystroem": Nystroem(gamma=1 / 64, n_components=size),
    }
    if name in networks:
        return make_pipeline(StandardScaler(), networks[name])
    ridge = RandomFeatureRidgeClassifier(
        features[name], alphas=np.logspace(-4, 2, 13), random_state=0
    )
    return make_pipeline(StandardScaler(), ridge)


def cross_validate(model, X, y, folds):
    """(error rate in percent, CPU seconds of the fastest fit)."""
    errors, seconds = [], []
    for train, test in StratifiedKFold(folds, shuffle=True, random_state=0).split(X, y):
        start = process_time()
        model.fit(X[train], y[train])
        seconds.append(process_time() - start)
        errors.append(100 * (1 - model.score(X[test], y[test])))
    return float(np.mean(errors)), min(seconds)


def plot(results, args):
    """Plot the error against the time of a fit, with a line for each model."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 5.2), layout="constrained")
    figure.suptitle(
        "Digits: wide random features reach the accuracy\nof trained networks in less time"
    )
    axes = figure.subplots()
    for name, (color, style) in STYLES.items():
        errors, seconds = np.transpose([results[name, size] for size in args.sizes])
        axes.loglog(seconds, errors, style, color=color, label=name)
        if name in ("RandomReLUFeatures", "OverparamNetClassifier"):
            for k in (0, -1):
                axes.annotate(
                    args.sizes[k],
                    (seconds[k], errors[k]),
                    xytext=(0, -7),
                    textcoords="offset points",
                    ha="center",
                    va="top",
                    color=color,
                )
    axes.set_xlabel("CPU seconds for one fit (numbers in the picture: neurons)")
    axes.set_ylabel("error rate in cross-validation (%)")
    for axis, ticks in ((axes.yaxis, (2, 3, 5, 10, 20)), (axes.xaxis, (0.01, 0.1, 1))):
        axis.set_ticks(ticks, map(str, ticks))
        axis.set_ticks([], minor=True)
    axes.margins(y=0.12)
    axes.grid(alpha=0.3)
    figure.legend(loc="outside lower center", ncols=2, frameon=False)
    figure.savefig(args.output, dpi=150)


def main(argv=None):
    """Cross-validate every model, print a table and save the picture."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    option = parser.add_argument
    option("--sizes", type=int, nargs="+", default=[50, 100, 200, 400, 800])
    option("--folds", type=int, default=5, help="folds of the cross-validation")
    add_output(parser, __file__)
    args = parser.parse_args(argv)
    check_output(args.output)
    X, y = load_digits(return_X_y=True)
    print("Error rate in percent (CPU seconds of a fit) for every size")
    print(f"{'model':22}" + "".join(f"{size:>13}" for size in args.sizes))
    # MLPClassifier stops at 200 epochs.
    warnings.simplefilter("ignore", ConvergenceWarning)
    results = {}
    for name in STYLES:
        # The first fit compiles the functions of skrf, or loads them from numba's cache.
        new_model(name, args.sizes[0]).fit(X, y)
        for size in args.sizes:
            progress(f"{name}, size {size}")
            with threadpool_limits(1):
                results[name, size] = cross_validate(
                    new_model(name, size), X, y, args.folds
                )
        progress()
        cells = [f"{e:.1f} ({s:.2f})" for e, s in (results[name, k] for k in args.sizes)]
        print(f"{name:22}" + "".join(f"{cell:>13}" for cell in cells), flush=True)
    plot(results, args)
    print(f"The picture is in {args.output}")


if __name__ == "__main__":
    main()
