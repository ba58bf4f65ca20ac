"""Minimum number of features of any kind for one neuron, compared with SGD
========================================================================

The target is [<w, x> + b]_+ with ||w|| = 1 and Gaussian x. The features are fixed before w
is drawn: random features, linearised networks, or any other features. The spectrum of the
random neuron gives the minimum number of features for a given mean error, without sampling
and without unknown constants (`skrf.theory.features_needed`).

At a fixed bias and a fixed relative error, the number grows like a power of the dimension.
It is exponential if the bias is -sqrt(d) / 2. For b = 0 it is exponential from a relative
error of d^(-3/2) on; a larger error, such as 1 / d, needs fewer features. The error of the
theorems of the paper is 0.04 / d^4. The dotted line shows training instead: the number of
fresh samples after which online SGD on ONE neuron with d + 1 weights has an exact relative
error of 1%, for b = -1. It is the median over seeds.

Run ``python examples/plot_features_needed.py``. It takes about 90 s of CPU
time.
"""

import argparse

import numpy as np
from _picture import add_output, check_output

from skrf import OverparamNetRegressor, SingleNeuron
from skrf.displays import FeaturesNeededDisplay
from skrf.theory import exact_risk, features_needed

# (label, bias for d inputs, relative error)
CURVES = [
    ("b = 0, error 1%", lambda d: 0.0, 0.01),
    ("b = -1, error 10%", lambda d: -1.0, 0.1),
    ("b = -1, error 1%", lambda d: -1.0, 0.01),
    ("b = -sqrt(d) / 2, error 10%", lambda d: -0.5 * np.sqrt(d), 0.1),
]


def samples_of_sgd(d, seed, most=1_000_000):
    """Fresh samples until one neuron has relative error 1%; nan after `most` samples."""
    rng = np.random.default_rng(seed)
    target = SingleNeuron(np.eye(d)[0], -1.0)
    neuron = OverparamNetRegressor(
        1,
        weights="gaussian",
        weight_scale=1.0,
        fit_intercept=False,
        batch_size=4 * d,
        eta0=0.5,
        random_state=seed,
    )
    chunk = 40 * d
    for n_samples in range(chunk, most + 1, chunk):
        X = rng.standard_normal((chunk, d))
        neuron.partial_fit(X, target(X))
        if exact_risk(neuron, target).relative <= 0.01:
            return n_samples
    return np.nan


def main(argv=None):
    """Compute the curves, print a table and save the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--dimensions", nargs="+", type=int, default=[5, 10, 20, 40, 80, 160]
    )
    parser.add_argument("--seeds", type=int, default=9)
    add_output(parser, __file__)
    args = parser.parse_args(argv)
    check_output(args.output)
    needed = {
        label: np.array([features_needed(error, d, bias(d))[0] for d in args.dimensions])
        for label, bias, error in CURVES
    }
    runs = np.array(
        [[samples_of_sgd(d, seed) for seed in range(args.seeds)] for d in args.dimensions]
    )
    learned = np.isfinite(runs).sum(axis=1)
    # Where more than half of the runs learn, the median is the number of one of them.
    samples = np.median(np.where(np.isfinite(runs), runs, np.inf), axis=1)
    print("log10 of the minimum number of features, and samples of SGD for one neuron")
    print(f"{'':>28}", *(f"d = {d:<5}" for d in args.dimensions))
    for label, row in needed.items():
        print(f"{label:>28}", *(f"{value:<9.2f}" for value in row))
    print(f"{'SGD, b = -1, error 1%':>28}", *(f"{n:<9.3g}" for n in samples))
    print(f"{'runs that learn':>28}", *(f"{n} of {args.seeds:<4}" for n in learned))
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.5, 5), layout="constrained")
    display = FeaturesNeededDisplay(
        dimensions=args.dimensions,
        log10_needed=needed,
        others={"samples of SGD on one neuron, b = -1, 1%": np.log10(samples)},
    )
    axes = display.plot(figure.subplots()).ax_
    axes.set_ylim(0, 20)
    axes.set_xticks(args.dimensions, map(str, args.dimensions))
    axes.set_title("Minimum number of features of any kind for one neuron")
    figure.savefig(args.output, dpi=150)
    print(f"The picture is in {args.output}")


if __name__ == "__main__":
    main()
