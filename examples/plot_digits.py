"""Random features match trained networks on digits with more neurons in equal time
================================================================================

The data are 1,797 images of handwritten digits with 64 pixels. A narrow trained network is
far more accurate than random ReLU features of the same width. Random neurons are cheap, so
wider random features reach the same accuracy in about the time of the small network. The
cosines of `RBFSampler` stay about 0.01 below. Each model is a Pipeline in `GridSearchCV`
over its size, with the same sizes, folds and epochs, in one thread.

- `RidgeClassifierCV` follows each transformer and chooses the penalty by leave-one-out
  errors. The grid of penalties is wide because rows of NTK features are longer than the
  others.
- A neuron of `LinearizedNTKFeatures` has 65 columns here, so its width is a tenth of the
  size. It still has 6.5 times the columns of the other transformers.
- `OverparamNetClassifier` is plain SGD with one image per update and an automatic learning
  rate.
- `MLPClassifier` is Adam with batches of 32. With one image per update it takes 20 times as
  long.

Run ``python examples/plot_digits.py``. It takes about half a minute.
"""

import argparse
import warnings
from time import perf_counter

import numpy as np
from _picture import add_output, check_output
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.kernel_approximation import Nystroem, RBFSampler
from sklearn.linear_model import RidgeClassifierCV
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from skrf import LinearizedNTKFeatures, OverparamNetClassifier, RandomReLUFeatures


def models(sizes, epochs):
    """{name: (steps after the scaler, name of the size parameter, grid)}."""
    ridge = ("ridge", RidgeClassifierCV(alphas=np.logspace(-3, 3, 7)))
    relu = RandomReLUFeatures(random_state=0)
    ntk = LinearizedNTKFeatures(random_state=0)
    # Both approximate the kernel exp(-||x - y||^2 / n_features).
    rbf = RBFSampler(gamma=1 / 64, random_state=0)
    nystroem = Nystroem(gamma=1 / 64, random_state=0)
    # With tol=None and n_iter_no_change=epochs, both networks run all epochs.
    net = OverparamNetClassifier(
        loss="squared_error", max_iter=epochs, tol=None, random_state=0
    )
    mlp = MLPClassifier(
        batch_size=32, max_iter=epochs, n_iter_no_change=epochs, random_state=0
    )
    tenths = [max(1, size // 10) for size in sizes]
    layers = [(size,) for size in sizes]
    return {
        "RandomReLUFeatures": ([("f", relu), ridge], "f__width", sizes),
        "LinearizedNTKFeatures": ([("f", ntk), ridge], "f__width", tenths),
        "OverparamNetClassifier": ([("net", net)], "net__width", sizes),
        "RBFSampler": ([("f", rbf), ridge], "f__n_components", sizes),
        "Nystroem": ([("f", nystroem), ridge], "f__n_components", sizes),
        "MLPClassifier": ([("net", mlp)], "net__hidden_layer_sizes", layers),
    }


def seconds(function, *args):
    start = perf_counter()
    function(*args)
    return perf_counter() - start


def search(steps, parameter, grid, data, folds):
    """Return the fitted search, its test accuracy, its time and the time of a first fit.

    The first fit is of the smallest size. It compiles the functions of skrf, or loads them
    from numba's cache on disk, before the search is timed.
    """
    X_train, X_test, y_train, y_test = data
    model = Pipeline([("scale", StandardScaler()), *steps])
    model.set_params(**{parameter: grid[0]})
    found = GridSearchCV(model, {parameter: grid}, cv=folds, n_jobs=1)
    with warnings.catch_warnings():
        # MLPClassifier always warns that it has not converged.
        warnings.simplefilter("ignore", ConvergenceWarning)
        first_fit = seconds(model.fit, X_train, y_train)
        search_time = seconds(found.fit, X_train, y_train)
    return found, found.score(X_test, y_test), search_time, first_fit


def print_table(results, sizes, n_test):
    print(f"{'':24} {'best':>5} {'accuracy':>15} {'seconds':>20}")
    print(f"{'model':24} {'size':>5} {'cv':>8} {'test':>6} {'search':>10} {'first fit':>9}")
    for name, (found, test, search_time, first_fit) in results.items():
        scores = f"{found.best_score_:8.3f} {test:6.3f}"
        times = f"{search_time:10.2f} {first_fit:9.2f}"
        print(f"{name:24} {sizes[found.best_index_]:5d} {scores} {times}")
    print(
        f"Searched sizes: {sizes}; LinearizedNTKFeatures has width = size / 10.\n"
        f"The test set has {n_test} images, so differences below 0.01 are noise.\n"
        "The first fit is of the smallest size and not part of the search. It includes "
        "the time\nto compile the functions of skrf, or to load them from numba's cache."
    )


def plot(results, args):
    """Plot accuracy against size and against time, with a line for each model."""
    from matplotlib.figure import Figure

    # Colours of Okabe and Ito, which colour-blind readers can distinguish.
    styles = {
        "RandomReLUFeatures": ("#0072B2", "o-"),
        "LinearizedNTKFeatures": ("#56B4E9", "s-"),
        "OverparamNetClassifier": ("#D55E00", "D--"),
        "RBFSampler": ("#000000", "^-"),
        "Nystroem": ("#009E73", "v-"),
        "MLPClassifier": ("#CC79A7", "P--"),
    }
    figure = Figure(figsize=(11, 5.2), layout="constrained")
    figure.suptitle(
        "Random features match trained networks on the digits: more neurons, but not "
        "more time"
    )
    left, right = figure.subplots(1, 2, sharey=True)
    lines = []
    for name, (color, style) in styles.items():
        table = results[name][0].cv_results_
        accuracy = table["mean_test_score"]
        look = {"color": color, "alpha": 0.9}
        lines += left.plot(args.sizes, accuracy, style, label=name, **look)
        right.plot(table["mean_fit_time"], accuracy, style, **look)
    for axes in (left, right):
        axes.set_xscale("log")
        axes.grid(alpha=0.3)
    left.set_xticks(args.sizes, args.sizes)
    left.minorticks_off()
    left.set_ylabel("cross-validated accuracy")
    left.set_xlabel("size: neurons or components (LinearizedNTKFeatures: a tenth)")
    right.set_xlabel("seconds for one fit, one thread")
    right.xaxis.set_major_formatter("{x:g}")
    figure.legend(handles=lines, loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(args.output, dpi=150)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    option = parser.add_argument
    sizes = [50, 100, 200, 400, 800]
    option("--sizes", type=int, nargs="+", default=sizes, help="grid of the search")
    option("--epochs", type=int, default=30, help="epochs of the two networks")
    option("--folds", type=int, default=3, help="folds of the cross-validation")
    add_output(parser, __file__)
    args = parser.parse_args(argv)
    check_output(args.output)
    X, y = load_digits(return_X_y=True)
    data = train_test_split(X, y, test_size=0.25, stratify=y, random_state=0)
    results = {}
    with threadpool_limits(1):
        for name, model in models(args.sizes, args.epochs).items():
            results[name] = search(*model, data, args.folds)
    print_table(results, args.sizes, len(data[1]))
    plot(results, args)
    print(f"The picture is in {args.output}")


if __name__ == "__main__":
    main()
