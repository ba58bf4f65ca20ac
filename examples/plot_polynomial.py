r"""Wide networks learn a polynomial while their hidden weights hardly move
=======================================================================

Theorem 3.1 of Yehudai and Shamir (2019) is about SGD on the hinge loss, from a standard
random initialisation. The loss of a wide enough network is at most that of any polynomial P
of bounded degree and coefficients, plus epsilon. Here y = sign(P) with P(x) = x_1 x_2. As
the width r grows, ||W_T - W_0|| / ||W_0|| goes to 0, so training both layers becomes
training the output layer only, which is learning with random features. The weights of
narrow networks move far. On the sphere their loss is smaller.

Details:

- The activation is tanh(z + 0.7), that is, tanh with all biases initialized at 0.7. Without
  biases tanh is odd and N(-x) = -N(x), but P(-x) = P(x), so no such network represents P.
- The learning rate is 4 / r. The number of updates T is the same for every width. Each
  update uses a batch of fresh samples, in one pass of `partial_fit`.
- Points of the unit sphere are multiplied by sqrt(d), so that columns have unit variance as
  after `StandardScaler`. Without this scaling the pre-activations hardly depend on x.
- On the cube P is 1 or -1, and its loss is 0. On the sphere P also takes small values, and
  its loss is about 1/2, which is what the theorem promises. A smaller loss with random
  features needs a larger multiple of P, hence more updates.

Run ``python examples/plot_polynomial.py``. It takes about 100 s of CPU time.
"""

import argparse

import numpy as np
from _picture import add_output, check_output, progress

from skrf import (
    LOSSES,
    BoundedDegreePolynomial,
    OverparamNetRegressor,
    make_polynomial_classification,
)

D = 10
TITLES = {
    "cube": f"x on the cube $\\{{-1, 1\\}}^{{{D}}}$",
    "sphere": f"x on a sphere in $\\mathbb{{R}}^{{{D}}}$",
}
# P(x) = x_1 x_2: one monomial, with the exponents (1, 1, 0, ..., 0).
POLYNOMIAL = BoundedDegreePolynomial([[1, 1] + [0] * (D - 2)], [1.0])


def draw(inputs, n_samples, seed):
    """Return rows with columns of unit variance, and the signs of P."""
    X, y = make_polynomial_classification(
        n_samples, D, polynomial=POLYNOMIAL, inputs=inputs, random_state=seed
    )
    # P is homogeneous, so scaled rows have the same signs.
    X *= np.sqrt(D) if inputs == "sphere" else 1.0
    return X.astype(np.float32), y


def hinge_loss(predictions, y):
    return LOSSES["hinge"](predictions, y).mean()


def train(width, layers, X, y, batch_size, seed):
    """Return a network after one pass over X and y."""
    net = OverparamNetRegressor(
        width,
        loss="hinge",
        activation="tanh",
        biases="constant",
        bias_scale=0.7,
        train=layers,
        fit_intercept=False,
        eta0=4 / width,
        batch_size=batch_size,
        random_state=seed,
    )
    return net.partial_fit(X, y)


def movement(net):
    """||W_T - W_0|| / ||W_0||, in Frobenius norms."""
    start = net.initial_weights()[0]
    return np.linalg.norm(net.hidden_weights_ - start) / np.linalg.norm(start)


def measure(inputs, args):
    """Return the loss of P, and runs of shape (n_widths, n_seeds, 3).

    A run consists of the loss with both layers trained, the loss with only the output layer
    trained, and the movement of W with both layers trained.
    """
    X_test, y_test = draw(inputs, args.test_samples, seed=0)
    runs = np.empty((len(args.widths), args.seeds, 3))
    for seed in range(args.seeds):
        X, y = draw(inputs, args.updates * args.batch_size, seed=seed + 1)
        for run, width in zip(runs[:, seed], args.widths, strict=True):
            progress(f"{inputs}, seed {seed}, width {width}")
            both = train(width, "both", X, y, args.batch_size, seed)
            output = train(width, "output", X, y, args.batch_size, seed)
            run[0] = hinge_loss(both.predict(X_test), y_test)
            run[1] = hinge_loss(output.predict(X_test), y_test)
            run[2] = movement(both)
    progress()
    return hinge_loss(POLYNOMIAL(X_test), y_test), runs


def print_table(inputs, own_loss, runs, widths):
    print(f"\n{inputs}: the hinge loss of P is {own_loss:.3f}")
    print("  width   loss, both layers   loss, output only   movement of W, both layers")
    for width, (both, output, moved) in zip(widths, runs.mean(axis=1), strict=True):
        print(f"{width:7d} {both:19.4f} {output:19.4f} {moved:28.4f}")


def plot(results, args):
    """Plot losses in a panel for each input distribution, and the movement below."""
    from matplotlib.figure import Figure

    def curve(axes, values, color, style, label):
        """Plot means over the seeds, in a band from the minimum to the maximum."""
        bounds = values.min(axis=1), values.max(axis=1)
        axes.fill_between(args.widths, *bounds, color=color, alpha=0.2, linewidth=0)
        axes.plot(args.widths, values.mean(axis=1), style, color=color, label=label)

    # Colours that colour-blind readers can distinguish.
    blue, vermilion, green, purple = "#0072B2", "#D55E00", "#007A5A", "#AA4499"
    figure = Figure(figsize=(6, 6.6), layout="constrained")
    figure.suptitle(
        "Wide networks reach the loss of $P(x) = x_1 x_2$ or less,\n"
        "while their hidden weights hardly move"
    )
    panels = figure.subplot_mosaic([list(TITLES), ["movement"] * 2])
    moved = panels["movement"]
    for (inputs, color), style in zip(
        (("cube", green), ("sphere", purple)), ("^-", "v--"), strict=True
    ):
        own_loss, runs = results[inputs]
        axes = panels[inputs]
        axes.axhline(own_loss, color="black", linestyle=":", label="P itself")
        curve(axes, runs[..., 0], blue, "o-", "both layers trained")
        curve(axes, runs[..., 1], vermilion, "s-", "only output layer trained")
        axes.set_title(TITLES[inputs])
        axes.set_ylim(-0.04, 1.04)  # the network N = 0 has the loss 1
        curve(moved, runs[..., 2], color, style, f"{inputs}, both layers trained")
    for axes in panels.values():
        axes.set_xlabel("width r")
        axes.set_xscale("log")
        axes.set_xticks(args.widths, [f"{width:,}" for width in args.widths])
        axes.minorticks_off()
        axes.grid(alpha=0.3)
    panels["cube"].set_ylabel("hinge loss, fresh samples")
    moved.set_yscale("log")
    moved.set_ylabel("movement $\\|W_T - W_0\\| / \\|W_0\\|$")
    moved.legend(frameon=False)
    handles, labels = panels["cube"].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(args.output, dpi=150)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    option = parser.add_argument
    option("--widths", type=int, nargs="+", default=[30, 100, 300, 1000, 3000])
    option("--seeds", type=int, default=2, help="networks per width")
    option("--updates", type=int, default=4000, help="number of SGD updates T")
    option("--batch-size", type=int, default=16, help="fresh samples per update")
    option("--test-samples", type=int, default=5000, help="fresh samples for the losses")
    add_output(parser, __file__)
    args = parser.parse_args(argv)
    check_output(args.output)
    print(
        f"y = sign(x_1 x_2), d = {D}, hinge loss, learning rate 4 / width, {args.updates} "
        f"updates of {args.batch_size} fresh samples; means over {args.seeds} seed(s)"
    )
    results = {}
    for inputs in TITLES:
        results[inputs] = measure(inputs, args)
        print_table(inputs, *results[inputs], args.widths)
    plot(results, args)
    print(f"The picture is in {args.output}")


if __name__ == "__main__":
    main()
