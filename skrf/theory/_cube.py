r"""Theorem 3.1 and parities on the cube {-1, 1}^d, where every loss is a finite mean.

The inputs are uniform on the cube, so expectations are means over 2^d points and no test
set is drawn. Labels are y = chi(x) with a product chi of coordinates, and a fraction of the
signs is flipped.
"""

from __future__ import annotations

import reprlib
from itertools import combinations, product
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import linprog
from sklearn.utils import check_random_state

from skrf._utils.checks import is_number
from skrf._utils.typing import RandomState
from skrf._utils.validation import (
    POSITIVE,
    POSITIVE_INTEGER,
    NumericInterval,
    check_arguments,
)
from skrf.networks import OverparamNetRegressor
from skrf.theory._report import Report, Row, compared
from skrf.theory._setup import checked_widths, fit_quietly


class Schedule(NamedTuple):
    """Learning rate `step` / width, number of SGD steps, and which iterate is used."""

    step: float
    n_steps: int
    average: bool = False

    def __str__(self):
        iterate = "mean of the iterates" if self.average else "last iterate"
        return f"step {self.step:g}/r, T = {self.n_steps:,}, {iterate}"


# The first schedule is too fast for label noise, the last is slow enough.
SCHEDULES = (Schedule(2.0, 20_000), Schedule(2.0, 20_000, True), Schedule(0.2, 100_000))
BIASED = {"biases": "constant", "bias_scale": 0.7}
_ODD = {"biases": "none", "fit_intercept": False}


def cube(d):
    """All points of {-1, 1}^d, shape (2^d, d)."""
    return np.array(list(product([-1.0, 1.0], repeat=d)))


def expected_hinge(chi, predictions, flips):
    """E max(0, 1 - y N(x)) for y = chi(x), or -chi(x) with probability `flips`."""
    margin = chi * predictions
    right, wrong = np.maximum(1 - margin, 0).mean(), np.maximum(1 + margin, 0).mean()
    return float((1 - flips) * right + flips * wrong)


def best_polynomial_loss(chi, d, degree, flips, size=1.0):
    """Minimum expected hinge loss of a polynomial with coefficients in [-size, size].

    A linear programme in the coefficients and in the hinge losses of both labels at every
    point of the cube.
    """
    points = cube(d)
    sets = [s for k in range(degree + 1) for s in combinations(range(d), k)]
    monomials = np.column_stack([points[:, list(s)].prod(axis=1) for s in sets])
    n, p = monomials.shape
    signed, eye, zero = chi[:, np.newaxis] * monomials, np.eye(n), np.zeros((n, n))
    A = np.block([[-signed, -eye, zero], [signed, zero, -eye]])
    cost = np.r_[np.zeros(p), np.full(n, (1 - flips) / n), np.full(n, flips / n)]
    bounds = [(-size, size)] * p + [(0, None)] * (2 * n)
    return float(linprog(cost, A_ub=A, b_ub=-np.ones(2 * n), bounds=bounds).fun)


def learn(d, degree, flips, width, schedule, start, stream, **options):
    """Expected hinge loss, and relative movement of W, after one pass of plain SGD.

    `start` seeds the initialisation and `stream` the examples.
    """
    rng = np.random.default_rng(stream)
    X = rng.choice([-1.0, 1.0], (schedule.n_steps, d)).astype(np.float32)
    chi = X[:, :degree].prod(axis=1)
    y = chi * np.where(rng.random(schedule.n_steps) < flips, -1, 1)
    net = OverparamNetRegressor(
        width,
        loss="hinge",
        activation="tanh",
        alpha=0.0,
        learning_rate="constant",
        eta0=schedule.step / width,
        average=schedule.average,
        max_iter=1,
        tol=None,
        shuffle=False,
        random_state=start,
        **options,
    )
    fit_quietly(net, X, y)
    points = cube(d)
    loss = expected_hinge(points[:, :degree].prod(axis=1), net.predict(points), flips)
    first = net.initial_weights()[0]
    moved = np.linalg.norm(net.hidden_weights_ - first) / np.linalg.norm(first)
    return loss, float(moved)


@check_arguments(
    {
        "widths": ["array-like"],
        "d": [NumericInterval(Integral, 3, 12, closed="both")],
        "flips": [NumericInterval(Real, 0, 0.5, closed="left")],
        "epsilon": [POSITIVE],
        "n_starts": [POSITIVE_INTEGER],
        "n_streams": [POSITIVE_INTEGER],
        "schedules": ["array-like"],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=False,
)
def theorem_3_1(
    widths: ArrayLike = (30, 300),
    d: int = 10,
    *,
    flips: float = 0.2,
    epsilon: float = 0.1,
    n_starts: int = 2,
    n_streams: int = 2,
    schedules: ArrayLike = SCHEDULES,
    random_state: RandomState = 0,
) -> Report:
    r"""Theorem 3.1: SGD on hinge loss against the best bounded polynomial, exactly.

    .. math:: E[L(N)] \le L(P) + \epsilon, \quad L(f) = E \max(0, 1 - y f(x)),

    with x uniform on the cube, y = x_1 x_2 with a fraction `flips` of the signs flipped,
    and P the best polynomial of degree 2 with coefficients in [-1, 1]. The outer
    expectation is over the examples.

    Parameters
    ----------
    widths : array-like of int, default=(30, 300)
        Numbers of neurons in increasing order.
    d : int, default=10
        Number of inputs, from 3 to 12. The cube has 2^d points.
    flips : float, default=0.2
        Probability of a flipped label, in [0, 0.5).
    epsilon : float, default=0.1
        The epsilon of the theorem, above 0.
    n_starts : int, default=2
        Number of initialisations.
    n_streams : int, default=2
        Number of samples of examples for each initialisation, over which the loss is
        averaged.
    schedules : sequence of (step, n_steps, average)
        The learning rates step / width, the numbers of SGD steps, and whether the mean of
        the iterates is used instead of the last iterate. The default has 2 / width with
        20,000 steps, both iterates, and 0.2 / width with 100,000 steps.
    random_state : int, RandomState instance or None, default=0
        Controls the random data and initial weights; pass an int for reproducible output
        across multiple function calls.

    Returns
    -------
    report : Report
        With values "widths", "schedules" (tuples), "polynomial" (L(P)),
        "bound" (L(P) + epsilon), "hinge" and "movement" of shape (n_schedules, n_widths,
        n_starts), the means over the examples of the expected hinge loss and of the
        relative movement of the hidden weights; "excluded" (the loss on x_1 x_2 of an odd
        network, without flips) and "degree_3" (the loss on x_1 x_2 x_3, without flips).

    Raises
    ------
    ValueError
        If a parameter is out of its range, or widths are not increasing.

    Notes
    -----
    The networks use tanh(z + 0.7), the default initialisation, and one pass of plain SGD
    with one sample per step. The main text of the paper gives neither the learning rate nor
    the number of steps; its Appendix C, with the formal statement, is not covered. A row
    therefore tests the inequality for one schedule, and its verdict is "fails" if the
    largest mean loss over the initialisations is above the bound. The widths are below the
    d^(k^2) = d^4 of the theorem.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Theorem 3.1.

    Examples
    --------
    >>> from skrf.theory import theorem_3_1
    >>> report = theorem_3_1([100], 3, schedules=[(0.5, 4000, True)], n_streams=1)
    >>> print(f"{report.values['polynomial']:.3f}", report.rows[0].verdict)
    0.400 holds
    """
    sizes = checked_widths(widths, 1, "at least one number")
    plans = _checked_schedules(schedules)
    seeds = check_random_state(random_state).randint(2**31 - 1, size=(n_starts, 1))
    streams = seeds + 1 + np.arange(n_streams)
    chi = cube(d)[:, :2].prod(axis=1)
    polynomial = best_polynomial_loss(chi, d, 2, flips)
    bound = polynomial + epsilon
    runs = np.empty((len(plans), len(sizes), n_starts, n_streams, 2))
    for i, j, k, m in np.ndindex(runs.shape[:-1]):
        start, stream = int(seeds[k, 0]), int(streams[k, m])
        runs[i, j, k, m] = learn(d, 2, flips, sizes[j], plans[i], start, stream, **BIASED)
    runs = runs.mean(axis=3)
    fast, seed = Schedule(2.0, 20_000), int(seeds[0, 0])
    values = {
        "widths": np.array(sizes),
        "schedules": [tuple(plan) for plan in plans],
        "polynomial": polynomial,
        "bound": bound,
        "hinge": runs[..., 0],
        "movement": runs[..., 1],
        "excluded": learn(d, 2, 0.0, 300, fast, seed, seed + 1, **_ODD)[0],
        "degree_3": learn(d, 3, 0.0, 300, fast, seed, seed + 1, **BIASED)[0],
    }
    source = (
        "SGD on an over-parameterised network of any width above a polynomial bound "
        "reaches the hinge loss of the best polynomial of bounded degree."
    )
    rows = _rows_of_theorem_3_1(d, flips, epsilon, values)
    return Report("Theorem 3.1", source, rows, values)


def _checked_schedules(schedules):
    """A list of `Schedule`; ValueError for anything else."""
    entries = list(schedules)
    if not entries:
        raise ValueError(
            "`schedules` must have at least one entry; got none. Use (step, n_steps, "
            "average)."
        )
    return [_checked_schedule(entry) for entry in entries]


def _checked_schedule(entry):
    parts = tuple(entry) if isinstance(entry, (tuple, list)) else (entry,)
    valid = (
        len(parts) in (2, 3)
        and is_number(parts[0])
        and parts[0] > 0
        and isinstance(parts[1], Integral)
        and parts[1] > 0
    )
    if not valid:
        raise ValueError(
            "`schedules` must have positive learning rates and numbers of steps; got "
            f"{reprlib.repr(entry)}. Use (step, n_steps, average), such as (0.2, 100_000, "
            "False)."
        )
    return Schedule(*parts)


def _rows_of_theorem_3_1(d, flips, epsilon, values):
    bound, sizes = values["bound"], values["widths"]
    claim = f"E L(N) <= L(P) + eps = {bound:.3f}"
    task = f"d = {d}, cube, x_1 x_2, {flips:.0%} of the signs flipped"
    rows = []
    for plan, hinge, moved in zip(
        values["schedules"], values["hinge"], values["movement"], strict=True
    ):
        losses = "; ".join(
            f"r = {width}: {' '.join(f'{loss:.3f}' for loss in row)} "
            f"(W moved by {change.mean():.2g})"
            for width, row, change in zip(sizes, hinge, moved, strict=True)
        )
        rows.append(
            compared(
                f"Thm 3.1, {Schedule(*plan)}",
                task,
                f"{claim}, with unstated steps",
                f"exact losses by start, mean over the examples: {losses}",
                hinge.max() <= bound,
                "not with this schedule",
            )
        )
    n_holds = sum(hinge.max() <= bound for hinge in values["hinge"])
    rows.append(
        compared(
            "Thm 3.1, some schedule",
            f"{task}, r = {', '.join(map(str, sizes))}; the theorem has r > d^4",
            f"{claim} for enough neurons and steps",
            f"{n_holds} of {len(values['schedules'])} schedules reach the bound",
            n_holds > 0,
            "no schedule tried",
        )
    )
    rows += [
        compared(
            "Thm 3.1, degree 3",
            f"d = {d}, cube, x_1 x_2 x_3, no flips, r = 300, step 2/r, T = 20,000",
            f"E L(N) <= L(P) + eps = {epsilon:g}",
            f"exact loss {values['degree_3']:.3f}, one start",
            values["degree_3"] <= epsilon,
            "not with this schedule",
        ),
        Row(
            "Thm 3.1, a polynomial that the activation excludes",
            f"d = {d}, cube, x_1 x_2, no flips, tanh without biases, which is odd, r = 300",
            "almost any polynomial",
            "",
            f"exact loss {values['excluded']:.2f}, that of N = 0 is 1",
            "measured",
        ),
    ]
    return tuple(rows)
