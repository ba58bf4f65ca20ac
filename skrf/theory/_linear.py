"""Proposition 4.1: random linear features on a linear target."""

import math
from numbers import Integral

import numpy as np
from scipy.special import betainc, betaln
from scipy.stats import beta, kstest
from sklearn.utils import check_random_state

from skrf._utils.checks import check_integer
from skrf._utils.typing import RandomState
from skrf._utils.validation import POSITIVE_INTEGER, NumericInterval, check_arguments
from skrf.theory._floors import check_array
from skrf.theory._report import Report, Row, compared


def squared_distance_distribution(d, r):
    """Distribution of the squared distance of a unit w* to the span of r random directions.

    The squared distance is the error of Eq. 3. Its distribution is exactly
    Beta((d - r) / 2, r / 2) for directions of any spherically symmetric distribution
    (Proposition 4.1).

    Parameters
    ----------
    d, r : int
        Dimension and number of directions, 1 <= r < d.

    Returns
    -------
    distribution : scipy.stats frozen distribution
        With `cdf`, `mean`, `ppf`, ...

    Examples
    --------
    >>> from skrf.theory._linear import squared_distance_distribution
    >>> print(f"{squared_distance_distribution(160, 80).cdf(0.25):.2g}")
    8.6e-07
    """
    d, r = _check_span(d, r)
    return beta((d - r) / 2, r / 2)


def _check_span(d, r):
    """d and r as Python integers, after checks."""
    d = check_integer("d", d, 2, "pass the dimension of w*")
    r = check_integer("r", r, 1, "pass the number of directions")
    if r >= d:
        raise ValueError(f"`r` must be below d={d}; got {r}. Use a smaller r.")
    return d, r


def log_distance_probability(error, d, r):
    """log P(squared distance < error), also for probabilities that underflow.

    Parameters
    ----------
    error : array-like
        Squared distances in [0, 1].
    d, r : int
        Dimension and number of directions, as in `squared_distance_distribution`.

    Returns
    -------
    log_probability : ndarray or float
        Natural logarithms of the probabilities.

    Examples
    --------
    >>> from skrf.theory._linear import log_distance_probability
    >>> print(f"{log_distance_probability(0.25, 160_000, 80_000) / 160_000:.4f}")
    -0.0720
    """
    d, r = _check_span(d, r)
    remedy = "Pass the squared distance of a unit vector"
    x = check_array("error", error, lambda a: (a >= 0) & (a <= 1), "in [0, 1]", remedy)
    a, b = (d - r) / 2, r / 2
    with np.errstate(divide="ignore"):
        out = np.array(np.log(betainc(a, b, x)))
    small = (out < -200) & (x > 0)
    if small.any():
        # I_x(a, b) = x^a (1 - x)^b / (a B(a, b)) sum_n (a + b)_n / (a + 1)_n x^n. The terms
        # have one sign, and they decrease if the mass is far to the right.
        y = x[small]
        term, total, n = np.ones_like(y), np.ones_like(y), 0
        while np.any(term > 1e-17 * total):
            term = term * y * (a + b + n) / (a + 1 + n)
            total, n = total + term, n + 1
        front = a * np.log(y) + b * np.log1p(-y) - math.log(a) - betaln(a, b)
        out[small] = front + np.log(total)
    return out[()]


def simulate_squared_distances(d, r, n_draws, random_state):
    """Simulated squared distances of a unit w* to the span of r Gaussian directions.

    Parameters
    ----------
    d, r : int
        Dimension and number of directions, as in `squared_distance_distribution`.
    n_draws : int
        Number of independent spans.
    random_state : int, RandomState instance or None
        Controls the random directions.

    Returns
    -------
    distances : ndarray of shape (n_draws,)
    """
    d, r = _check_span(d, r)
    n_draws = check_integer("n_draws", n_draws, 1, "pass the number of spans")
    rng = check_random_state(random_state)
    distances = np.empty(n_draws)
    for i in range(n_draws):
        Q = np.linalg.qr(rng.standard_normal((d, r)))[0]
        distances[i] = np.sum((np.eye(d, 1)[:, 0] - Q @ Q[0]) ** 2)  # w* = e_1
    return distances


@check_arguments(
    {
        "d": [NumericInterval(Integral, 2, None, closed="left")],
        "r": [POSITIVE_INTEGER, None],
        "n_draws": [POSITIVE_INTEGER],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=False,
)
def proposition_4_1(
    d: int = 40,
    r: int | None = None,
    n_draws: int = 2000,
    random_state: RandomState = 0,
) -> Report:
    r"""Proposition 4.1: exact distribution of the error of random linear features.

    .. math:: \min_u \Big\|\sum_{i \le r} u_i w_i - w^*\Big\|^2
              \sim Beta\Big(\frac{d - r}{2}, \frac r2\Big), \quad \|w^*\| = 1,

    for directions w_i of any spherically symmetric distribution. The simulation uses
    Gaussian directions.

    Parameters
    ----------
    d : int, default=40
        Dimension, at least 2.
    r : int, default=None
        Number of random directions, below d. None uses d // 2, as in the proposition.
    n_draws : int, default=2000
        Number of simulated spans.
    random_state : int, RandomState instance or None, default=0
        Controls the random directions; pass an int for reproducible output across multiple
        function calls.

    Returns
    -------
    report : Report
        With values "probability" (exact, of an error below 1/4), "simulated" (errors),
        "p_value" (of the Kolmogorov-Smirnov test of the exact distribution), "constant"
        (c = ln(4/3) / 4) and "largest_ratio" (maximum of the probability divided by
        exp(-c d), over 2 <= d <= 200 and 1 <= r <= d / 2).

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    Notes
    -----
    The error is X / (X + Y) for Gamma variables X and Y of shapes (d - r) / 2 and r / 2, so
    P(error < 1/4) = P(Y > 3 X) <= E exp((Y - 3 X) / 3) = (3/2)^(r/2) (1/2)^((d-r)/2), which
    is at most (3/4)^(d/4) for r <= d / 2. No larger c holds for all d, because
    -log P / d tends to ln(4/3) / 4 at r = d / 2.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Proposition 4.1 and Eq. (3).

    Examples
    --------
    >>> from skrf.theory import proposition_4_1
    >>> report = proposition_4_1(d=10, n_draws=200)
    >>> print(f"{report.values['probability']:.4f}", report.rows[0].verdict)
    0.1266 holds
    """
    r = d // 2 if r is None else r
    distribution = squared_distance_distribution(d, r)
    errors = simulate_squared_distances(d, r, n_draws, random_state)
    p_value = kstest(errors, distribution.cdf).pvalue
    log_p = float(log_distance_probability(0.25, d, r))
    constant = math.log(4 / 3) / 4
    ratio = math.exp(_largest_log_ratio(constant))
    rows = (
        compared(
            "Prop. 4.1, one c for all d and r <= d/2",
            "d = 2 to 200, r = 1 to d/2, any spherically symmetric w_i",
            "P(error < 1/4) <= exp(-c d), c unspecified",
            f"c = ln(4/3)/4 = {constant:.4f}, the largest possible: P / exp(-c d) is at "
            f"most {ratio:.3f}, exactly; proof for all d in the docs",
            ratio <= 1,
        ),
        Row(
            "Prop. 4.1, distribution of the error",
            f"d = {d}, r = {r}",
            "",
            "",
            f"exactly Beta((d-r)/2, r/2): P(error < 1/4) = {np.exp(log_p):.2e}; {n_draws} "
            f"draws: {np.mean(errors < 0.25):.4f}, Kolmogorov-Smirnov p = {p_value:.2f}",
            "measured",
        ),
    )
    values = {
        "probability": np.exp(log_p),
        "simulated": errors,
        "p_value": p_value,
        "constant": constant,
        "largest_ratio": ratio,
    }
    source = "A linear target is not in the span of r <= d / 2 random linear features."
    return Report("Proposition 4.1", source, rows, values)


def _largest_log_ratio(constant):
    """Maximum of log P(error < 1/4) + constant d over 2 <= d <= 200 and r <= d / 2."""
    return max(
        float(np.log(betainc((d - r) / 2, r / 2, 0.25)).max()) + constant * d
        for d in range(2, 201)
        for r in [np.arange(1, d // 2 + 1)]
    )
