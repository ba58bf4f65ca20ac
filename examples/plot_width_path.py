"""Double descent from one factorisation: the leave-one-out errors of all widths
=============================================================================

`RandomFeatureRidge.width_path` computes the exact leave-one-out error of ridge regression
on the first r random features, for every r up to the width of the features, in the time of
one fit.

With a very small penalty, the error first decreases. It then rises to a peak where the
width equals the number of samples and the fit becomes exact. Beyond the peak the error
decreases again. With a suitable penalty there is no peak, and too many features cost almost
no accuracy.

Above: classification of 600 images of digits. Below: one neuron [<w, x> - 1]_+ in 10
dimensions with noise. The grey line is the variance of the noise. Fixed features stay far
above this line (Theorem 4.2 of the paper).

The penalty of a model of width r is alpha times the maximum width, divided by r, because
the features are of order 1 / sqrt(r). The legend names the penalty at the maximum width.

Errors are mean squared errors divided by the variance of the targets. Run
``python examples/plot_width_path.py``. It takes about 15 s of CPU time.
"""

import argparse
from time import process_time

import numpy as np
from _picture import add_output, check_output, progress
from sklearn.datasets import load_digits
from sklearn.preprocessing import StandardScaler
from sklearn.utils import resample

from skrf import (
    RandomFeatureRidge,
    RandomFeatureRidgeClassifier,
    RandomReLUFeatures,
    make_single_neuron,
)
from skrf.displays import WidthPathDisplay

NOISE = 0.1


def digits(n_samples):
    """Return (model class, X, y, variance of the targets)."""
    X, y = load_digits(return_X_y=True)
    X, y = resample(X, y, n_samples=n_samples, replace=False, random_state=0)
    X = StandardScaler().fit_transform(X)
    # One target of -1 and 1 for each digit, which is 1 in about a tenth of the rows.
    fraction = np.bincount(y) / len(y)
    variance = float(np.mean(4 * fraction * (1 - fraction)))
    return RandomFeatureRidgeClassifier, X, y, variance


def neuron(n_samples, n_features):
    """Return (model class, X, y, variance of the targets)."""
    X, y = make_single_neuron(n_samples, n_features, bias=-1.0, noise=NOISE, random_state=0)
    return RandomFeatureRidge, X, y, float(np.var(y))


def describe(name, path, variance, seconds):
    """Print the minimum and the maximum error of every penalty."""
    for k, alphas in enumerate(path.alphas):
        errors = path.leave_one_out_errors[k] / variance
        best, worst = np.argmin(errors), np.argmax(errors)
        print(
            f"{name:>7} {alphas[-1]:9.0e} {path.widths[best]:8d} {errors[best]:8.3f}",
            end="",
        )
        print(f" {path.widths[worst]:8d} {errors[worst]:8.3f} {errors[-1]:8.3f}", end="")
        print(f" {seconds:12.1f}" if k == 0 else "", flush=True)


def main(argv=None):
    """Compute both paths, print a table and save the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-samples", type=int, default=600)
    parser.add_argument(
        "--n-features", type=int, default=10, help="dimension of the neuron"
    )
    parser.add_argument("--width", type=int, default=3000)
    parser.add_argument("--alphas", nargs="+", type=float, default=[1e-6, 1e-3, 1.0])
    add_output(parser, __file__)
    args = parser.parse_args(argv)
    check_output(args.output)
    from matplotlib.figure import Figure

    problems = {
        "digits": digits(args.n_samples),
        "neuron": neuron(args.n_samples, args.n_features),
    }
    figure = Figure(figsize=(6, 7.6), layout="constrained")
    figure.suptitle(
        "Double descent: with a very small penalty the error peaks\n"
        "at width = n_samples; a suitable penalty removes the peak"
    )
    print(f"{args.n_samples} samples; relative leave-one-out errors of all widths")
    print("   data     alpha    best at   error   worst at   error  at last  CPU seconds")
    for axes, (name, (Model, X, y, variance)) in zip(
        figure.subplots(2, 1), problems.items(), strict=True
    ):
        features = RandomReLUFeatures(args.width, random_state=0)
        progress(f"{name}: all widths up to {args.width}")
        start = process_time()
        path = Model(features, alphas=args.alphas).width_path(X, y)
        seconds = process_time() - start
        progress()
        describe(name, path, variance, seconds)
        WidthPathDisplay(path=path).plot(axes, target_variance=variance)
        axes.set_title(f"{name}, {args.n_samples} samples")
        if name == "neuron":
            noise = axes.axhline(NOISE**2 / variance, color="0.5", linewidth=1, zorder=0)
            axes.legend([noise], ["variance of the noise"], loc="lower left")
        axes.set_ylabel("squared error / variance of y")
        axes.grid(alpha=0.3)
    figure.savefig(args.output, dpi=150)
    print(f"The picture is in {args.output}")


if __name__ == "__main__":
    main()
