"""Parities on the cube: fixed features and a trained network."""

from __future__ import annotations

import math
from itertools import combinations
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

from skrf._utils.typing import RandomState
from skrf._utils.validation import POSITIVE_INTEGER, NumericInterval, check_arguments
from skrf.theory._cube import BIASED, Schedule, cube, learn
from skrf.theory._report import Report, compared
from skrf.theory._setup import checked_widths, draw_features


@check_arguments(
    {
        "d": [NumericInterval(Integral, 3, 12, closed="both")],
        "degree": [POSITIVE_INTEGER],
        "n_samples": [POSITIVE_INTEGER],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=False,
)
def parities(
    d: int = 10,
    degree: int = 3,
    widths: ArrayLike = (15, 60, 240),
    *,
    n_samples: int = 20_000,
    random_state: RandomState = 0,
) -> Report:
    r"""Daniely and Malach (2020): parities, random features and a trained network.

    For any r fixed functions on the cube and a random product chi of k of the coordinates,

    .. math:: E_\chi \min_u E_x\Big(\sum_{i \le r} u_i f_i(x) - \chi(x)\Big)^2 \ge
              1 - r \Big/ \binom dk,

    because the products are orthonormal. Products of k coordinates as features attain the
    bound. The means over x and chi are exact.

    Parameters
    ----------
    d : int, default=10
        Number of inputs, from 3 to 12.
    degree : int, default=3
        The degree k of the parity, at most d.
    widths : array-like of int, default=(15, 60, 240)
        Numbers r of random ReLU features.
    n_samples : int, default=20000
        Number of samples of one pass of SGD with hinge loss, for a network of the largest
        width.
    random_state : int, RandomState instance or None, default=0
        Controls the random features, data and initial weights; pass an int for reproducible
        output across multiple function calls.

    Returns
    -------
    report : Report
        With values "widths", "errors" (mean over all parities of the minimum error of
        random ReLU features), "floor" (the bound), and "hinge" (exact loss of the trained
        network on x_1 ... x_k).

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    References
    ----------
    .. [1] A. Daniely and E. Malach, "Learning Parities with Neural Networks", NeurIPS 2020.
       The network of the paper learns under another distribution of inputs.

    Examples
    --------
    >>> from skrf.theory import parities
    >>> report = parities(6, 2, (5, 10), n_samples=100)
    >>> report.values["floor"].round(3)
    array([0.667, 0.333])
    """
    if degree > d:
        raise ValueError(
            f"`degree` must be at most d={d}; got {degree}. Use a smaller degree."
        )
    sizes = checked_widths(widths, 1, "at least one number")
    rng = check_random_state(random_state)
    points, count = cube(d), math.comb(d, degree)
    chi = np.column_stack(
        [points[:, list(s)].prod(axis=1) for s in combinations(range(d), degree)]
    ) / np.sqrt(len(points))
    W, b = draw_features(rng, sizes[-1], d)
    features = np.maximum(points @ W.T + b, 0)
    means = []
    for r in sizes:
        left, singular, _ = np.linalg.svd(features[:, :r], full_matrices=False)
        basis = left[:, singular > 1e-10 * singular[0]]
        means.append(1 - np.mean(np.sum((basis.T @ chi) ** 2, axis=0)))
    errors = np.array(means)
    floor = np.maximum(1 - np.array(sizes) / count, 0)
    schedule, seed = Schedule(2.0, n_samples), int(rng.randint(2**31 - 1))
    hinge, _ = learn(d, degree, 0.0, sizes[-1], schedule, seed, seed + 1, **BIASED)
    numbers = ", ".join(f"{value:.2f}" for value in errors)
    task = f"d = {d}, cube, parities of {degree} coordinates"
    rows = (
        compared(
            "Parities, fixed features",
            f"{task}, mean over all {count}, r = {', '.join(map(str, sizes))}, any u",
            f"mean error >= 1 - r / {count}",
            f"random ReLUs with biases N(0, 1): {numbers}; bound "
            f"{', '.join(f'{value:.2f}' for value in floor)}",
            bool(np.all(errors >= floor - 1e-9)),
            "below the bound",
        ),
        compared(
            "Parities, a trained network",
            f"{task}, one of them, no flips, r = {sizes[-1]}, step 2/r, T = {n_samples:,}",
            "learned by gradient descent (Daniely and Malach: under another distribution)",
            f"exact hinge loss {hinge:.3f}, that of N = 0 is 1",
            hinge < 0.5,
            "not with this schedule",
        ),
    )
    values = {"widths": np.array(sizes), "errors": errors, "floor": floor, "hinge": hinge}
    source = "No fixed features approximate all parities of one degree."
    return Report("Parities", source, rows, values)
