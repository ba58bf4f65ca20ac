"""Write data/gaussian_table.csv: Gaussian expectations by quadrature in 50 digits.

For standard Gaussians p, q of correlation rho = sign (1 - versine):

    step_step = P(p > -h, q > -k),  step_relu = E[1(p > -h) max(q + k, 0)],
    relu_relu = E[max(p + h, 0) max(q + k, 0)].

Given p, q is Gaussian with mean rho p and standard deviation s, so that each of them is an
integral over p alone, here by composite Gauss-Legendre rules. No formula of the package is
used. Two rules must agree to 25 digits of every number. Takes a few minutes:

    python tests/make_gaussian_table.py
"""

import csv
import itertools
from functools import cache
from itertools import pairwise
from pathlib import Path

import mpmath as mp
import numpy as np

TABLE = Path(__file__).parent / "data" / "gaussian_table.csv"
COLUMNS = ("h", "k", "sign", "versine", "step_step", "step_relu", "relu_relu")


@cache
def gauss_legendre(n):
    """Nodes and weights for [0, 1]: NumPy's nodes, polished by Newton's method."""
    rule = []
    for x in map(mp.mpf, np.polynomial.legendre.leggauss(n)[0]):
        for _ in range(3):
            before, value = mp.mpf(1), x
            for k in range(1, n):
                before, value = value, ((2 * k + 1) * x * value - k * before) / (k + 1)
            slope = n * (x * value - before) / (x * x - 1)
            x -= value / slope
        rule.append(((1 + x) / 2, 1 / ((1 - x * x) * slope**2)))
    return rule


def expectations(h, k, sign, versine, n_nodes):
    """The three expectations for one pair."""
    h, k, versine = mp.mpf(h), mp.mpf(k), mp.mpf(versine)
    rho, s = sign * (1 - versine), mp.sqrt(versine * (2 - versine))
    last = max(20, -h + 12)
    # The conditional means bend around p = -k / rho within a few s / rho.
    cuts = {-h + mp.mpf(j) / 2 for j in range(int(2 * (last + h)))}
    if rho != 0:
        cuts |= {-k / rho + m * min(s / abs(rho), 1) for m in range(-40, 41)}
    cuts = sorted(cut for cut in cuts if -h <= cut <= last)
    totals = [mp.mpf(0)] * 3
    for low, high in pairwise(cuts):
        for node, weight in gauss_legendre(n_nodes):
            p = low + (high - low) * node
            mean = rho * p + k
            if s > 0:
                step = mp.ncdf(mean / s)
                relu = s * mp.npdf(mean / s) + mean * step
            else:
                step, relu = mp.mpf(mean > 0), max(mean, mp.mpf(0))
            share = weight * (high - low) * mp.npdf(p)
            for i, value in enumerate((step, relu, (p + h) * relu)):
                totals[i] += share * value
    return totals


def cases():
    """Pairs on a grid, at random, and where formulas are delicate."""
    rng = np.random.default_rng(0)
    for h, k in itertools.combinations_with_replacement((-2.0, -0.5, 0.0, 1.0), 2):
        for rho in (-0.99, -0.6, 0.0, 0.3, 0.9):
            yield h, k, int(np.copysign(1, rho)), 1 - abs(rho)
    for bound, count in ((2, 60), (6, 60)):
        for _ in range(count):
            h, k = rng.uniform(-bound, bound, 2)
            yield h, k, int(rng.choice([-1, 1])), float(rng.uniform() ** 3)
    for versine in (0.0, 1e-15, 1e-10, 1e-6, 1e-3):
        for h, gap in ((0.0, 0.0), (-1.0, 1e-6), (0.5, 1e-3), (-4.0, 0.05), (-2.0, 4.0)):
            yield h, h + gap, 1, versine
            yield h, -h - gap, -1, versine
    for h, k in ((-6.0, -6.0), (-5.0, 5.0), (-8.0, -3.0), (12.0, -7.0)):
        for rho in (-0.8, -0.2, 0.5, 0.97):
            yield h, k, int(np.copysign(1, rho)), 1 - abs(rho)


def main():
    """Compute and write the table."""
    mp.mp.dps = 50
    TABLE.parent.mkdir(exist_ok=True)
    with TABLE.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for case in cases():
            case = [*map(float, case)]
            found, again = (expectations(*case, n) for n in (30, 36))
            for one, other in zip(found, again, strict=True):
                # Relatively, where float64 has such numbers.
                if abs(one - other) > mp.mpf(10) ** -25 * (abs(one) + mp.mpf(10) ** -300):
                    raise ArithmeticError(f"Two rules do not agree at {case}.")
            writer.writerow([*map(repr, case), *(mp.nstr(value, 30) for value in again)])


if __name__ == "__main__":
    main()
