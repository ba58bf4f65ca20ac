"""Wide networks train lazily: exact gaps under Gaussian inputs, against the width
===============================================================================

Networks learn one neuron from the same 300 samples. With the output layer fixed, in the NTK
parametrisation, the share of activation patterns that flip and the gap of the coupling,
which is that to the linearised network, vanish as they grow (Section 2.1). With both layers
trained, in the standard parametrisation and with a step of order 1 / width, so does the gap
to the features at the start: the output layer does the learning (Section 2.2). Such
networks learn what fixed features can, and share their limits.

The gaps are root mean squares under x ~ N(0, I) relative to the target's, in closed form
(`skrf.gaussian`): no test set.

Run it with ``python examples/plot_laziness.py``; it takes about a minute.
"""

import argparse

from _picture import add_output, check_output

from skrf.displays import LazinessDisplay
from skrf.theory import section_2

NAMES = {
    "flipped": "flipped activation patterns",
    "coupling_gap": "coupling gap (2.1), to the linearised network",
    "feature_gap": "gap to the features at the start (2.2)",
}


def main(argv=None):
    """Train every width, print a table and save the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--widths", nargs="+", type=int, default=[10, 30, 100, 300, 1000, 3000]
    )
    parser.add_argument("--n-features", type=int, default=5)
    parser.add_argument("--n-samples", type=int, default=300)
    add_output(parser, __file__)
    args = parser.parse_args(argv)
    check_output(args.output)
    from matplotlib.figure import Figure

    report = section_2(args.widths, args.n_features, args.n_samples)
    print(report)
    curves = {label: report.values[name] for name, label in NAMES.items()}
    figure = Figure(figsize=(7, 4.8), layout="constrained")
    display = LazinessDisplay(widths=args.widths, curves=curves).plot(figure.subplots())
    display.ax_.set_title("Trained networks become lazy as they grow")
    figure.savefig(args.output, dpi=150)
    print(f"The picture is in {args.output}")


if __name__ == "__main__":
    main()
