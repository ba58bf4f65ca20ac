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

Errors are relative, E[(N - g)^2] / E[g^2]. They depend on b / ||w|| only.

Run ``python examples/plot_error_floor.py``. It takes about 100 s of CPU time.
"""

import argparse

import numpy as np
from _picture import add_output, check_output

from skrf import SingleNeuron
from skrf.displays import ErrorFloorDisplay
from skrf.gaussian import best_error, best_tangent_error
from skrf.theory import error_floor


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
    named = {"random ReLU features": errors, "linearised network": linearised}
    return counts, named, error_floor(counts, d, bias)


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
    from matplotlib.figure import Figure

    shape = len(args.biases), len(args.dimensions)
    size = (3.2 * shape[1], 2.8 * shape[0])
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(*shape, sharex=True, sharey=True, squeeze=False)
    print(f"Minimum relative errors of {args.width} random features, and the lower bound")
    print("    d    b*  random features   bound  ratio  linearised  with features")
    for row, bias in zip(panels, args.biases, strict=True):
        for axes, d in zip(row, args.dimensions, strict=True):
            counts, errors, floor = curves(d, bias, args.width, args.columns)
            display = ErrorFloorDisplay(n_features=counts, errors=errors, floor=floor)
            display.plot(axes)
            axes.get_legend().remove()
            axes.set(
                title=f"d = {d}, b* = {bias:g}", ylim=(1e-4, 1.5), xlabel="", ylabel=""
            )
            last, linearised = (
                errors["random ReLU features"][-1],
                errors["linearised network"],
            )
            at = np.flatnonzero(np.isfinite(linearised))[-1]
            print(
                f"{d:5d} {bias:5g} {last:16.2g} {floor[-1]:7.2g} {last / floor[-1]:6.1f}",
                end="",
            )
            print(f" {linearised[at]:11.2g} {counts[at]:14d}", flush=True)
    figure.supxlabel("number of features")
    figure.supylabel("relative error")
    handles = panels[0, 0].get_lines()
    figure.legend(
        handles, [h.get_label() for h in handles], loc="outside upper center", ncols=3
    )
    figure.savefig(args.output, dpi=150)
    print(f"The picture is in {args.output}")


if __name__ == "__main__":
    main()
