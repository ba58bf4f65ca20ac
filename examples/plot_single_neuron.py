"""Thousands of random features do not learn one neuron; training one neuron does
==============================================================================

The target is the ReLU neuron [<w*, x> - 1]_+ with ||w*|| = 1, and x is Gaussian in d = 10,
20 and 40 dimensions. Ridge regression on 3,000 random ReLU features has an error of 4.1% of
E[y^2] at d = 10 and of 23% at d = 40. Features of a linearised network (NTK) are not better
with the same number of columns. From the same samples, SGD learns the neuron with a network
and, up to rounding error, with one neuron. At this fixed norm and bias, the width for a
given error grows polynomially with d. The growth is exponential for a bias of about
-sqrt(d), and for relative errors that fall at least like d^(-3/2). The error of Theorem 4.2
of Yehudai and Shamir (2019) is 0.04 / d^4.

Errors are relative, E[(prediction - y)^2] / E[y^2]. Predicting 0 has error 1. The upper
panel shows the linear models against their number of features, which is d + 1 for each
neuron of the linearised network. The lower panel shows networks trained by SGD. Bars span
the targets.

- Linear models: the penalty is 1e-6 of the trace of Z'Z, because there is no noise. With
  3,000 random features the error is at most a third above the minimum for unlimited
  samples, so the width is what limits the error.
- Network: the initial hidden weights are small, which allows SGD larger learning rates.
  From the default initialisation, wide networks need many more epochs. All widths have the
  same small number of epochs, so the error shows the progress of SGD, not what the width
  can represent. The largest width is 1,000, to save time.
- One neuron: the same network at width 1. About half of the initial output weights have the
  wrong sign. Nearly all of these neurons die: their output becomes 0 everywhere. Therefore
  several neurons are trained, and validation samples choose one of them.

Run ``python examples/plot_single_neuron.py``. It takes less than a minute on two cores, and
prints a line after each of its 36 tasks.
"""

import argparse
import sys
from functools import partial
from time import perf_counter

import numpy as np
from _picture import add_output, check_output
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from skrf import (
    LinearizedNTKFeatures,
    OverparamNetRegressor,
    RandomFeatureRidge,
    RandomReLUFeatures,
    make_single_neuron,
)

BIAS = -1.0
# The penalty relative to the trace of Z'Z. It is small because there is no noise.
STRENGTH = 1e-6
WIDEST_NETWORK = 1000
RANDOM, NTK, NETWORK, NEURON = METHODS = (
    "random ReLU features",
    "linearised NTK features",
    "trained network",
    "one trained neuron",
)
LOOKS = {
    RANDOM: {"marker": "o", "linestyle": "-"},
    NTK: {"marker": "s", "linestyle": ":"},
    NETWORK: {"marker": "^", "linestyle": "-"},
    NEURON: {"linestyle": "--"},
}


def make_data(d, seed, args):
    """(X, y) for training, validation and test; each seed has its own target."""
    sizes = args.n_samples, max(1, args.n_samples // 5), args.n_test
    X, y = make_single_neuron(sum(sizes), d, bias=BIAS, random_state=seed)
    cuts = np.cumsum(sizes)[:-1]
    parts = (np.split(array.astype(np.float32), cuts) for array in (X, y))
    return list(zip(*parts, strict=True))


def relative_error(predictions, y):
    """Mean squared error of the predictions over the mean of y^2."""
    y = y.astype(np.float64)
    return np.mean((predictions - y) ** 2) / np.mean(y**2)


def ridge_errors(features, widths, alpha, train, test):
    """{width: error} of ridge regression on features of every width."""
    errors = {}
    for width in widths:
        model = RandomFeatureRidge(
            features(width), alphas=alpha, fit_intercept=False, solver="primal"
        )
        predictions = model.fit(*train).predict(test[0])
        errors[width] = relative_error(predictions, test[1])
    return errors


def network(width, epochs, random_state):
    """A network as in Eq. (1): no intercept."""
    return OverparamNetRegressor(
        width,
        weight_scale=0.1,
        fit_intercept=False,
        alpha=0.0,
        max_iter=epochs,
        tol=None,
        random_state=random_state,
    )


def measure(method, d, seed, args):
    """{width: error} of one method for one target; widths are in increasing order."""
    train, validation, test = make_data(d, seed, args)
    # Data and models are independent, because their seeds differ.
    random_state = 1000 + seed
    widths = sorted(set(args.widths))
    # The distribution of Theorem 4.2, with N(0, 1) biases.
    hidden = {"weights": "sphere", "random_state": random_state}
    # STRENGTH times the mean trace of Z'Z.
    alpha = STRENGTH * args.n_samples
    if method == RANDOM:
        features = partial(RandomReLUFeatures, **hidden)
        return ridge_errors(features, widths, alpha, train, test)
    if method == NTK:
        widest = max(1, widths[-1] // (d + 1))
        widths = [width for width in widths if width < widest] + [widest]
        features = partial(LinearizedNTKFeatures, **hidden)
        return ridge_errors(features, widths, alpha * (d + 1) / 2, train, test)
    if method == NETWORK:
        widths = [width for width in widths if width <= WIDEST_NETWORK] or widths[:1]
        nets = {width: network(width, args.epochs, random_state) for width in widths}
        return {
            width: relative_error(net.fit(*train).predict(test[0]), test[1])
            for width, net in nets.items()
        }
    starts = [
        network(1, args.epochs, random_state + 1000 * start).fit(*train)
        for start in range(args.starts)
    ]
    errors = [relative_error(net.predict(validation[0]), validation[1]) for net in starts]
    return {1: relative_error(starts[np.argmin(errors)].predict(test[0]), test[1])}


def readable(error):
    return f"{error:.2g}" if error >= 1e-3 else f"{error:.1e}"


def print_table(results, args):
    print(
        f"Relative test error on one neuron, {args.n_samples} training samples; means over "
        f"{args.seeds} seed(s) [minimum, maximum]\n"
    )
    print(f"{'d':>4}  {'method':<24} {'width':>5} {'fitted weights':>15}  error")
    for (d, method), by_width in results.items():
        per_neuron = {RANDOM: 1, NTK: d + 1}.get(method, d + 2)
        for width, errors in by_width.items():
            low, mean, high = map(readable, (min(errors), np.mean(errors), max(errors)))
            print(
                f"{d:>4}  {method:<24} {width:>5} {width * per_neuron:>15}  "
                f"{mean:<7} [{low}, {high}]"
            )
        if method == NEURON:
            print()


def draw(panel, results, methods, dimensions):
    """Draw errors against numbers of features or neurons, in one colour per dimension."""
    from matplotlib.lines import Line2D

    handles = []
    for method in methods:
        style = LOOKS[method]
        handles.append(Line2D([], [], color="0.3", label=method, **style))
        for k, d in enumerate(dimensions):
            counts = np.array(list(results[d, method]))
            errors = np.array(list(results[d, method].values()))
            mean = errors.mean(axis=1)
            if method == NEURON:
                panel.axhline(mean[0], color=f"C{k}", **style)
                continue
            if method == NTK:
                counts = counts * (d + 1)
            spread = mean - errors.min(axis=1), errors.max(axis=1) - mean
            panel.errorbar(counts, mean, spread, color=f"C{k}", capsize=3, **style)
    panel.set(xscale="log", yscale="log", ylabel="relative test error")
    panel.grid(alpha=0.3)
    panel.legend(handles=handles)


def plot(results, args):
    """Plot the errors of the linear models above the errors of SGD."""
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    dimensions, widest = sorted(set(args.dimensions)), max(args.widths)
    ends = (np.mean(results[d, RANDOM][widest]) for d in (dimensions[0], dimensions[-1]))
    fractions = " to ".join(dict.fromkeys(f"{error:.0%}" for error in ends))
    figure = Figure(figsize=(6, 7.2), layout="constrained")
    figure.suptitle(
        f"{widest:,} random features leave {fractions} of one ReLU neuron\n"
        f"unexplained. SGD on the same {args.n_samples:,} samples learns it."
    )
    figure.legend(
        handles=[
            Line2D([], [], color=f"C{k}", label=f"d = {d}")
            for k, d in enumerate(dimensions)
        ],
        loc="outside lower center",
        ncols=len(dimensions),
    )
    linear, trained = figure.subplots(2, 1)
    draw(linear, results, (RANDOM, NTK), dimensions)
    linear.set_xlabel("number of features")
    ticks = [0.03, 0.1, 0.3, 1]
    linear.set_yticks(ticks, map(str, ticks))
    linear.set_yticks([], minor=True)
    draw(trained, results, (NETWORK, NEURON), dimensions)
    trained.set_xlabel("width of the network")
    figure.savefig(args.output, dpi=150)


def parse(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    option = parser.add_argument
    widths = [10, 30, 100, 300, 1000, 3000]
    option("--dimensions", type=int, nargs="+", default=[10, 20, 40])
    option("--widths", type=int, nargs="+", default=widths, help="numbers of neurons")
    option("--n-samples", type=int, default=20_000, help="training samples")
    option("--n-test", type=int, default=10_000, help="fresh samples for the errors")
    option("--seeds", type=int, default=3, help="number of targets")
    option("--epochs", type=int, default=2, help="passes of SGD")
    option("--starts", type=int, default=8, help="random initialisations of the one neuron")
    add_output(parser, __file__)
    return parser.parse_args(argv)


def run(tasks, args):
    """The errors of all tasks; prints a line when a task has ended."""
    print(
        f"Fitting four methods in {len(set(args.dimensions))} dimension(s) to {args.seeds} "
        f"target(s) each: {len(tasks)} tasks. With the default options they take less than "
        "a minute on two cores; the first fits compile for about 15 s.",
        file=sys.stderr,
    )
    start, runs = perf_counter(), []
    # Two tasks at a time use two cores better than products with two threads.
    with threadpool_limits(1):
        parallel = Parallel(n_jobs=2, prefer="threads", return_as="generator")
        results = parallel(delayed(measure)(*task, args) for task in tasks)
        for (method, d, _), errors in zip(tasks, results, strict=True):
            runs.append(errors)
            seconds = perf_counter() - start
            done = f"{seconds:5.1f} s  {len(runs)}/{len(tasks)}  d = {d}, {method}"
            print(done, file=sys.stderr)
    return runs


def main(argv=None):
    args = parse(argv)
    check_output(args.output)
    cells = [(d, method) for d in sorted(set(args.dimensions)) for method in METHODS]
    tasks = [(method, d, seed) for d, method in cells for seed in range(args.seeds)]
    runs = run(tasks, args)
    results = {cell: {} for cell in cells}
    for (method, d, _), errors in zip(tasks, runs, strict=True):
        for width, error in errors.items():
            results[d, method].setdefault(width, []).append(float(error))
    print_table(results, args)
    plot(results, args)
    print(f"The picture is in {args.output}")


if __name__ == "__main__":
    main()
