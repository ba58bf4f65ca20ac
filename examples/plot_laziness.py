"""Wide networks train lazily: exact gaps under Gaussian inputs for growing widths
===============================================================================

Networks of different widths learn one neuron from the same 300 samples.

- With a fixed output layer, in the NTK parametrisation, two quantities go to 0 as the width
  grows: the fraction of activation patterns that flip, and the coupling gap, which is the
  distance to the linearised network (Section 2.1 of the paper).
- With both layers trained, in the standard parametrisation and with a learning rate of
  order 1 / width, the gap to the features at initialisation goes to 0. Only the output
  layer learns (Section 2.2).

Such networks learn what fixed features can learn, and no more.

The gaps are root mean squares under x ~ N(0, I), relative to that of the target. They are
computed in closed form (`skrf.gaussian`), without a test set.

Run ``python examples/plot_laziness.py``. It takes about 20 s of CPU time.
"""

import argparse

from _picture import add_output, check_output, progress

from skrf.displays import LazinessDisplay
from skrf.theory import section_2

NAMES = {
    "flipped": "fraction of flipped activation patterns (2.1)",
    "coupling_gap": "gap to the linearised network (2.1)",
    "feature_gap": "gap to the features at initialisation (2.2)",
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

    progress(f"trains two networks of each of the widths {args.widths}")
    report = section_2(args.widths, args.n_features, args.n_samples)
    progress()
    print(report)
    curves = {label: report.values[name] for name, label in NAMES.items()}
    figure = Figure(figsize=(6, 4.8), layout="constrained")
    display = LazinessDisplay(widths=args.widths, curves=curves).plot(figure.subplots())
    display.ax_.set_title("Trained networks become lazy as they grow")
    display.ax_.set_ylabel("fraction, or gap relative to the target")
    figure.savefig(args.output, dpi=150)
    print(f"The picture is in {args.output}")


if __name__ == "__main__":
    main()
