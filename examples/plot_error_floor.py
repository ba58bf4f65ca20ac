"""Random features and linearised networks compared with a lower bound for any features
====================================================================================

The minimum error of fixed features on one neuron [<w, x> + b]_+ under Gaussian inputs has a
closed form (`skrf.gaussian.best_error`). So has a lower bound for the mean error of any r
features (`skrf.theory.error_floor`). The curves are exact: there are no training set, test
set or penalty.

The error of 3,000 random features is 1.2 to 11 times the lower bound, and at most 2.4 times
from d = 10 on. No other features would help much there. A linearised network with r neurons
has r * d features and is not better than r * d random features. The lower bound increases
with the dimension and with a more negative bias.

Errors are relative, E[(N - g)^2] / E[g^2]. They depend on b / ||w|| only. The picture shows
the smallest and the largest dimension, the table all dimensions.

Run ``python examples/plot_error_floor.py``. It takes about 30 s of CPU time.
"""

import argparse

import numpy as np
from _picture import add_output, check_output, progress
from threadpoolctl import threadpool_limits

from skrf import SingleNeuron
from skrf.displays import ErrorFloorDisplay
from skrf.gaussian import best_error, best_tangent_error
from skrf.theory import error_floor

RANDOM, LINEARISED = "random ReLU features", "linearised network"


def draw(width, d):
    """Weights on the unit sphere and biases N(0, 1)."""
    rng = np.random.default_rng(d)
    W = rng.standard_normal((width, d))
    return W / np.linalg.norm(W, axis=1, keepdims=True), rng.standard_normal(width)


def curves(d, bias, width, columns):
    """(numbers of features, {name: errors}, lower bound) of one panel."""
    target = SingleNeuron(np.eye(d)[0], bias)
    counts = np.unique([*np.geomspace(1, width, 60).astype(int), d])
    errors = best_error(*draw(width, d), target).relative[counts - 1]
    neurons = max(1, columns // d)
    tangent = best_tangent_error(*draw(neurons, d), target).relative
    # At the same numbers of features; NaN outside the range of the linearised network.
    linearised = np.interp(counts, d * np.arange(1, neurons + 1), tangent, np.nan, np.nan)
    named = {RANDOM: errors, LINEARISED: linearised}
    return counts, named, error_floor(counts, d, bias)


def plot(results, args):
    """Plot the curves of the smallest and the largest dimension, one row for each bias."""
    from matplotlib.figure import Figure

    ends = list(dict.fromkeys((min(args.dimensions), max(args.dimensions))))
    figure = Figure(figsize=(6, 2.2 * len(args.biases) + 1.4), layout="constrained")
    panels = figure.subplots(
        len(args.biases), len(ends), sharex=True, sharey="row", squeeze=False
    )
    for row, bias in zip(panels, args.biases, strict=True):
        for axes, d in zip(row, ends, strict=True):
            counts, errors, floor = results[bias, d]
            display = ErrorFloorDisplay(n_features=counts, errors=errors, floor=floor)
            display.plot(axes)
            axes.get_legend().remove()
            axes.set(title=f"d = {d}, b* = {bias:g}", xlabel="", ylabel="")
    last = [results[bias, ends[-1]] for bias in args.biases]
    ratio = max(errors[RANDOM][-1] / floor[-1] for _, errors, floor in last)
    figure.suptitle(
        f"At d = {ends[-1]} the error of {args.width:,} random features is at most\n"
        f"{ratio:.1f} times the lower bound for features of any kind"
    )
    for axes in panels[-1]:
        axes.set_xlabel("number of features")
    figure.supylabel("relative error")
    handles = panels[0, 0].get_lines()
    labels = RANDOM, LINEARISED, "lower bound, averaged over w*"
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    figure.savefig(args.output, dpi=150)


def main(argv=None):
    """Compute every panel, print a table and save the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dimensions", nargs="+", type=int, default=[5, 10, 20, 40])
    parser.add_argument("--biases", nargs="+", type=float, default=[0.0, -1.0, -2.0])
    parser.add_argument("--width", type=int, default=3000, help="random features")
    parser.add_argument("--columns", type=int, default=2000, help="linearised features")
    add_output(parser, __file__)
    args = parser.parse_args(argv)
    check_output(args.output)
    if args.width < max(args.dimensions):
        parser.error("--width must be at least the largest of --dimensions")
    results = {}
    print(f"Minimum relative errors of {args.width} random features, and the lower bound")
    print("    d    b*  random features   bound  ratio  linearised  with features")
    for bias in args.biases:
        for d in sorted(set(args.dimensions)):
            progress(f"d = {d}, b* = {bias:g}")
            # On small matrices a second BLAS thread costs more than it saves.
            with threadpool_limits(1):
                counts, errors, floor = curves(d, bias, args.width, args.columns)
            results[bias, d] = counts, errors, floor
            last, linearised = errors[RANDOM][-1], errors[LINEARISED]
            at = np.flatnonzero(np.isfinite(linearised))[-1]
            progress()
            print(
                f"{d:5d} {bias:5g} {last:16.2g} {floor[-1]:7.2g} {last / floor[-1]:6.1f}",
                end="",
            )
            print(f" {linearised[at]:11.2g} {counts[at]:14d}", flush=True)
    plot(results, args)
    print(f"The picture is in {args.output}")


if __name__ == "__main__":
    main()
