"""The wave psi of Proposition 4.6, and its correlation with fixed functions
=========================================================================

Left: psi is a sum of a + 1 ReLUs with a = 6 d^2 + 1. It is a triangle wave between -1 and 1
on [-a, a], and linear outside. Its squared norm under Gaussian inputs with ||w|| = d is
1/3; item 2 of the proposition prints a lower bound of d. The picture has d = 2, so that
both ends are visible.

Right: item 3 says that E_w <f, psi_w>^2 / ||f||^2 is exponentially small in d for every
fixed f. The maximum over all f is an eigenvalue, which is computed exactly
(`skrf.theory.proposition_4_6`). The squared correlations of psi_w with single ReLU neurons
are far smaller.

Run ``python examples/plot_psi.py``. It takes a few seconds.
"""

import argparse

import numpy as np
from _picture import add_output, check_output

from skrf import TriangleWave
from skrf.theory import proposition_4_6, wave_relu_correlations


def main(argv=None):
    """Measure both items for every dimension, print a table and save the picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--dimensions", nargs="+", type=int, default=[3, 5, 8, 10, 15, 20, 30, 41]
    )
    parser.add_argument("--neurons", type=int, default=200)
    add_output(parser, __file__)
    args = parser.parse_args(argv)
    check_output(args.output)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    wave = TriangleWave([2.0, 0.0])
    a = wave.half_width
    t = np.linspace(-a - 6, a + 6, 4001)
    left.plot(t, wave.profile(t), linewidth=1)
    left.axvline(-a, color="0.6", linestyle=":")
    left.axvline(a, color="0.6", linestyle=":")
    left.set(xlabel="t", ylabel="psi(t)", title=f"psi for d = 2, a = {a}")
    print("    d     a  ReLUs  ||psi||^2  printed  log10 of the largest correlation")
    largest, typical = [], []
    for d in args.dimensions:
        values = proposition_4_6(d).values
        largest.append(values["log10_correlation"])
        rng = np.random.default_rng(d)
        W = rng.standard_normal((args.neurons, d)) / np.sqrt(d)
        logs = wave_relu_correlations(d, W, rng.standard_normal(args.neurons))
        typical.append(np.median(logs))
        print(f"{d:5d} {values['half_width']:5d} {values['relus']:6d}", end="")
        print(f" {values['squared_norm']:10.6f} {d:8d} {largest[-1]:12.1f}")
    right.plot(args.dimensions, largest, "o-", label="maximum over all functions f")
    right.plot(args.dimensions, typical, "s--", label="median over ReLU neurons")
    right.set(
        xlabel="dimension d",
        ylabel="log10 of the squared correlation",
        title="squared correlation of psi_w with a fixed function",
    )
    right.grid(alpha=0.3)
    right.legend()
    figure.savefig(args.output, dpi=150)
    print(f"The picture is in {args.output}")


if __name__ == "__main__":
    main()
