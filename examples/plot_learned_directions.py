"""Learned directions: errors below those of any fixed features
============================================================

The target is one ReLU neuron [<w, x> - 1]_+ in 30 dimensions. Features that are fixed in
advance need very many neurons for this target. The dashed line is a lower bound of the
error of fixed features of any kind, averaged over w.

`GradientOuterProduct` fits ridge regression on random features, averages the outer products
of the gradients of the fit, and repeats the fit in this metric. All fits are convex
problems. This program repeats the rounds by hand to show the error of each round. The star
is the result of `GradientOuterProduct`, which chooses the number of rounds by folds. The
errors on the neuron are exact: the risk of a sum of ReLUs on a ReLU has a closed form for
Gaussian rows.

Left: error against rounds. After one round the error is below the bound for fixed features.
The third Hermite polynomial of the same direction has no part of degree 1 or 2, and is not
learned. Right: the leading direction of the learned metric, next to w.

Run ``python examples/plot_learned_directions.py``. It takes about ten seconds.
"""

import argparse

import numpy as np
from _picture import add_output, check_output
from sklearn.metrics import r2_score
from sklearn.pipeline import make_pipeline

from skrf import (
    GradientOuterProduct,
    RandomFeatureRidge,
    RandomReLUFeatures,
    SingleNeuron,
)
from skrf.displays import GradientOuterProductDisplay
from skrf.theory import error_floor, exact_risk

BIAS, NOISE, BLEND = -1.0, 0.05, 0.1


def ridge(width):
    """Ridge on random ReLUs, with a penalty by leave-one-out errors."""
    features = RandomReLUFeatures(width, random_state=0)
    return RandomFeatureRidge(features)


def rounds(X, y, width, n_rounds):
    """Yield (fitted ridge, matrix L that maps the rows) of each round."""
    d = X.shape[1]
    L = np.eye(d)
    for _ in range(n_rounds + 1):
        model = ridge(width).fit(X @ L, y)
        yield model, L
        M = L @ model.gradient_outer_product(X @ L) @ L
        M = (1 - BLEND) * d * M / M.trace() + BLEND * np.eye(d)
        values, vectors = np.linalg.eigh(M)
        L = (vectors * np.sqrt(values)) @ vectors.T


def risk(model, L, target):
    """Exact relative error of a round on the neuron."""
    u = model.output_weights_ / np.sqrt(len(model.features_.biases_))
    W = model.features_.weights_ @ L
    neurons = u, W, model.features_.biases_, float(model.output_bias_)
    return exact_risk(neurons, target).relative


def main(argv=None):
    """Fit all rounds, print a table and save the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n-samples", type=int, default=2000)
    parser.add_argument("--n-features", type=int, default=30)
    parser.add_argument("--width", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=4)
    add_output(parser, __file__)
    args = parser.parse_args(argv)
    check_output(args.output)
    from matplotlib.figure import Figure

    rng = np.random.default_rng(0)
    w = rng.standard_normal(args.n_features)
    target = SingleNeuron(w / np.linalg.norm(w), BIAS)
    X = rng.standard_normal((args.n_samples, args.n_features))
    X_test = rng.standard_normal((10_000, args.n_features))

    def hermite(X):
        z = X @ target.weight
        return (z**3 - 3 * z) / np.sqrt(6)

    noise = NOISE * rng.standard_normal(args.n_samples)
    floor = error_floor(args.width, args.n_features, BIAS)
    y = target(X) + noise
    neuron = [risk(*r, target) for r in rounds(X, y, args.width, args.rounds)]
    polynomial = [
        1 - r2_score(hermite(X_test), model.predict(X_test @ L))
        for model, L in rounds(X, hermite(X) + noise, args.width, args.rounds)
    ]
    learner = make_pipeline(
        GradientOuterProduct(
            features=RandomReLUFeatures(args.width), max_iter=args.rounds, random_state=0
        ),
        ridge(args.width),
    ).fit(X, y)
    chosen, error = learner[0].best_round_, exact_risk(learner, target).relative

    print(f"{args.n_samples} rows, {args.n_features} columns, {args.width} features")
    print("round   neuron   He3")
    for t, errors in enumerate(zip(neuron, polynomial, strict=True)):
        print(f"{t:5} {errors[0]:8.4f} {errors[1]:5.2f}")
    print(f"lower bound for fixed features {floor:.4f}")
    print(f"chosen by folds: round {chosen}, error {error:.4f}")

    figure = Figure(figsize=(11, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.semilogy(neuron, "o-", label="one neuron, exact")
    left.semilogy(polynomial, "s-", label="third Hermite polynomial, on test rows")
    left.axhline(floor, color="k", linestyle="--", label="lower bound for fixed features")
    left.plot(chosen, error, "*", color="C3", markersize=14, label="chosen by folds")
    left.set(xlabel="rounds", ylabel="relative error", title=f"{args.width} random ReLUs")
    left.set_xticks(range(args.rounds + 1))
    left.grid(alpha=0.3)
    left.legend(loc="upper right", bbox_to_anchor=(1, 0.92))
    display = GradientOuterProductDisplay.from_estimator(
        learner[0], ax=right, n_directions=1
    )
    heights = np.array([bar.get_height() for bar in display.bars_[0]])
    sign = np.sign(heights @ target.weight)
    columns = np.arange(args.n_features)
    right.plot(columns, sign * target.weight, "k_", markersize=9, label="w, up to its sign")
    right.set_ylim(top=1.4 * heights.max())
    right.legend()
    right.set_title("leading direction of the metric")
    figure.savefig(args.output, dpi=150)
    print(f"The picture is in {args.output}")


if __name__ == "__main__":
    main()
