"""Write data/gaussian_table.csv: Gaussian expectations by quadrature in 40 digits.

For standard Gaussians p, q of correlation rho = sign (1 - versine):

    step_step = P(p > -h, q > -k),  step_relu = E[1(p > -h) max(q + k, 0)],
    relu_relu = E[max(p + h, 0) max(q + k, 0)].

Given p, q is Gaussian with mean rho p and standard deviation s, so that each of them is an
integral over p alone. No formula of the package is used. Takes a minute or two:

    python tests/make_gaussian_table.py
"""

import csv
import itertools
from pathlib import Path

import mpmath as mp
import numpy as np

TABLE = Path(__file__).parent / "data" / "gaussian_table.csv"
COLUMNS = ("h", "k", "sign", "versine", "step_step", "step_relu", "relu_relu")


def expectations(h, k, sign, versine):
    """The three expectations for one pair."""
    h, k, versine = mp.mpf(h), mp.mpf(k), mp.mpf(versine)
    rho, s = sign * (1 - versine), mp.sqrt(versine * (2 - versine))

    def later(z, part):
        """Given p = z: the mean of the step or of the relu of q + k."""
        mean = rho * z + k
        if s == 0:
            return (mean > 0) if part == "step" else max(mean, mp.mpf(0))
        t = mean / s
        if part == "step":
            return mp.ncdf(t)
        return s * (mp.npdf(t) + t * mp.ncdf(t))

    # The later integrand bends around z = -k / rho within a few s / rho.
    cuts = {-h, mp.mpf(0), -h + 1, -h + 3, mp.mpf(3), mp.mpf(8), mp.mpf(-8), mp.mpf(20)}
    if rho != 0:
        cuts |= {-k / rho + m * s / rho for m in (-30, -12, -6, -3, -1, 0, 1, 3, 6, 12, 30)}
    cuts = sorted(cut for cut in cuts if -h <= cut <= max(20, -h + 8))

    def integral(function):
        return mp.quad(function, [*cuts, cuts[-1] + 10, cuts[-1] + 25])

    return (
        integral(lambda z: mp.npdf(z) * later(z, "step")),
        integral(lambda z: mp.npdf(z) * later(z, "relu")),
        integral(lambda z: (z + h) * mp.npdf(z) * later(z, "relu")),
    )


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
    mp.mp.dps = 40
    TABLE.parent.mkdir(exist_ok=True)
    with TABLE.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for case in cases():
            found = [mp.nstr(value, 30) for value in expectations(*case)]
            writer.writerow([*map(repr, map(float, case)), *found])


if __name__ == "__main__":
    main()
