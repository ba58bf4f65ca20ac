"""Measurements of the limits of fixed features: the theorems of Section 4."""

from numbers import Integral

import numpy as np
from scipy.stats import kstest
from sklearn.utils import check_random_state

from skrf import gaussian
from skrf._utils.typing import RandomState
from skrf._utils.validation import (
    BIAS,
    DIMENSION,
    POSITIVE,
    POSITIVE_INTEGER,
    RANDOM_STATE,
    NumericInterval,
    check_arguments,
)
from skrf.gaussian._relu_spectrum import log_squared_norm
from skrf.theory._floors import (
    distance_rate,
    error_floor,
    failure_probability,
    features_needed,
    log_distance_probability,
    simulate_squared_distances,
    squared_distance_distribution,
)
from skrf.theory._learning import unit_neuron
from skrf.theory._report import Report, Row, verdict
from skrf.theory._wave import weight_certificate

_FEATURES = {
    "d": [DIMENSION],
    "width": [POSITIVE_INTEGER],
    "bias": BIAS,
    "random_state": RANDOM_STATE,
}
_FEATURES_AND_ERROR = {**_FEATURES, "error": [POSITIVE]}


def draw_features(rng, width, d):
    """Weights on the unit sphere and biases N(0, 1)."""
    W = rng.standard_normal((width, d))
    W /= np.linalg.norm(W, axis=1, keepdims=True)
    return W, rng.standard_normal(width)


@check_arguments(
    {
        "d": [NumericInterval(Integral, 2, None, closed="left")],
        "r": [POSITIVE_INTEGER, None],
        "n_draws": [POSITIVE_INTEGER],
        "random_state": RANDOM_STATE,
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
        "p_value" (of the Kolmogorov-Smirnov test of the exact distribution) and "rate".

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Proposition 4.1 and Eq. (3).

    Examples
    --------
    >>> from skrf.theory import proposition_4_1
    >>> report = proposition_4_1(d=10, n_draws=200)
    >>> print(f"{report.values['probability']:.4f}", report.rows[0].verdict)
    0.1266 measured
    """
    r = d // 2 if r is None else r
    distribution = squared_distance_distribution(d, r)
    errors = simulate_squared_distances(d, r, n_draws, random_state)
    p_value = kstest(errors, distribution.cdf).pvalue
    log_p = float(log_distance_probability(0.25, d, r))
    rate = distance_rate()
    rows = (
        Row(
            f"Prop. 4.1: distribution of the error, d = {d}, r = {r}",
            "not given",
            f"Beta((d - r) / 2, r / 2), mean {distribution.mean():.3f}",
            f"{n_draws} draws: mean {errors.mean():.3f}, minimum {errors.min():.3f}; "
            f"Kolmogorov-Smirnov p = {p_value:.2f}",
            "measured" if p_value > 1e-6 else "fails",
        ),
        Row(
            "Prop. 4.1: P(error < 1/4)",
            "at most exp(-c d) for r <= d / 2, c unspecified",
            f"exp(-{rate:.4f} d) at r = d / 2, times a power of d",
            f"{np.exp(log_p):.2e} exactly; {np.mean(errors < 0.25):.4f} of the draws",
            "measured",
        ),
    )
    values = {"probability": np.exp(log_p), "simulated": errors, "p_value": p_value}
    source = "A linear target is not in the span of r <= d / 2 random linear features."
    return Report("Proposition 4.1", source, rows, {**values, "rate": rate})


def _against_floor(best, size, d, bias):
    """Values of both theorems: errors with `size` features per neuron, and lower bounds."""
    n_features = size * np.arange(1, len(best.errors) + 1)
    floor = error_floor(n_features, d, bias)
    return {"n_features": n_features, "errors": best.relative, "floor": floor}


@check_arguments(_FEATURES_AND_ERROR, prefer_skip_nested_validation=False)
def theorem_4_2(
    d: int = 10,
    width: int = 1000,
    bias: float = -1.0,
    error: float = 0.3,
    random_state: RandomState = 0,
) -> Report:
    r"""Theorem 4.2 and Example 4.3: random ReLU features on one neuron.

    .. math:: \min_u E\Big(\sum_{i \le r} u_i\, relu(\langle w_i, x\rangle + b_i)
              - relu(\langle w^*, x\rangle + b^*)\Big)^2, \quad x \sim N(0, I),

    for rows w_i on the unit sphere and biases b_i ~ N(0, 1), for every r up to `width`. The
    report also has the lower bound for any r features, the minimum of r max|u_i| for one
    error, and the norm ||w*|| that the proof of the theorem needs.

    Parameters
    ----------
    d : int, default=10
        Number of inputs, from 2 to 2000.
    width : int, default=1000
        Number r of features.
    bias : float, default=-1.0
        Bias b* of the target, in [-35, 1000]; ||w*|| = 1.
    error : float, default=0.3
        Relative error for which the minimum of r max|u| is computed, above 0.
    random_state : int, RandomState instance or None, default=0
        Controls the random features; pass an int for reproducible output across multiple
        function calls.

    Returns
    -------
    report : Report
        With values "n_features" (1 to width), "errors" (exact minimum errors for these
        numbers), "floor" (lower bounds for any features) and "weight" (r max|u| / ||g||).

    Raises
    ------
    ValueError
        If a parameter is out of its range.
    LinAlgError
        If the Gram matrix of the features has no Cholesky factor, even with a jitter.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Theorem 4.2 and Example 4.3.

    Examples
    --------
    >>> from skrf.theory import theorem_4_2
    >>> report = theorem_4_2(d=3, width=20)
    >>> print(report.rows[0].measured)
    best error 0.03 with any u
    """
    rng = check_random_state(random_state)
    (W, b), target = draw_features(rng, width, d), unit_neuron(d, bias)
    best = gaussian.best_error(W, b, target)
    values = _against_floor(best, 1, d, bias)
    mean_square = np.exp(log_squared_norm(bias))
    least = gaussian.min_weight(W, b, target, error * mean_square)
    weight = values["weight"] = width * least.weight / np.sqrt(mean_square)
    rows = (
        Row(
            f"Ex. 4.3: {width} random ReLU features, d = {d}, b* = {bias:g}, ||w*|| = 1",
            "few features with small weights are far from g",
            f"no {width} features have a mean error below {values['floor'][-1]:.2g}, with "
            "any u",
            f"best error {best.relative[-1]:.2g} with any u",
            "measured",
        ),
        Row(
            f"Ex. 4.3: minimum of r max|u| / ||g|| for error {error:g}",
            "exponential in d",
            "",
            f"{weight:.3g}" if least.feasible else "infeasible for these features",
            "measured",
        ),
        *_rows_of_theorem_4_2(d, width),
    )
    source = (
        "Random features cannot approximate one neuron unless their number or their "
        "coefficients are exponential in d."
    )
    return Report("Theorem 4.2", source, rows, values)


def _rows_of_theorem_4_2(d, width):
    """Rows of the statement of Theorem 4.2 and of its proof."""
    log10_needed, _ = features_needed(1 / 50, d, weight_norm=d**2, absolute=True)
    printed, longer = (
        weight_certificate(1 / 50, d, alpha, width) for alpha in (d**2, 5.0 * d**3)
    )
    one, many = failure_probability([1, 1e6], 1 / 50, 41, weight_norm=41.0, absolute=True)
    return (
        Row(
            "Thm 4.2: ||w*|| = d^2, absolute error 1/50",
            "r max|u| >= exp(c d) / (48 d^2), c unspecified, d > 40",
            "for b* = 0 a lower bound of r alone, in mean",
            f"at least 10^{log10_needed:.1f} features of any kind",
            "measured",
        ),
        Row(
            "Thm 4.2: its proof",
            "at ||w*|| = d^2, error 1/50",
            f"1/3 - (12 d^2 + 3)^2 (d / ||w*||)^2 / 50 must be positive: ||w*|| > "
            f"{longer.least_weight_norm:.3g}, about 3 d^3",
            f"{printed.bracket:.3g} at d^2, {longer.bracket:.3g} at 5 d^3",
            verdict(printed.bracket > 0, longer.bracket > 0),
        ),
        Row(
            "Thm 4.2: the probability, d = 41, ||w*|| = d, b* = 0, absolute error 1/50",
            "1 - exp(-c d), and b* does not depend on W",
            "1 - r exp(-c d), as in Thm 4.8, and b* may depend on W",
            f"of failure at most 10^{one:.1f} for r = 1, 10^{many:.1f} for r = 10^6",
            "measured",
        ),
    )


@check_arguments(_FEATURES, prefer_skip_nested_validation=False)
def remark_4_4(
    d: int = 10, width: int = 300, bias: float = -1.0, random_state: RandomState = 0
) -> Report:
    r"""Remark 4.4: features with rows on the sphere and with Gaussian rows.

    Without biases :math:`relu(\langle w, x\rangle) = \|w\|\, relu(\langle w / \|w\|,
    x\rangle)`, so the norms of the rows do not change the minimum error.

    Parameters
    ----------
    d : int, default=10
        Number of inputs, from 2 to 2000.
    width : int, default=300
        Number of features.
    bias : float, default=-1.0
        Bias b* of the target, in [-35, 1000]; ||w*|| = 1.
    random_state : int, RandomState instance or None, default=0
        Controls the random features; pass an int for reproducible output across multiple
        function calls.

    Returns
    -------
    report : Report
        With values "sphere" and "gaussian", the minimum relative errors without biases, and
        "with_biases", both minimum errors with the same biases.

    Raises
    ------
    ValueError
        If a parameter is out of its range.
    LinAlgError
        If the Gram matrix of the features has no Cholesky factor, even with a jitter.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Remark 4.4.

    Examples
    --------
    >>> from skrf.theory import remark_4_4
    >>> report = remark_4_4(d=3, width=10)
    >>> print(f"{report.values['sphere']:.3f} {report.values['gaussian']:.3f}")
    0.296 0.296
    """
    rng = check_random_state(random_state)
    W = rng.standard_normal((width, d)) / np.sqrt(d)
    unit = W / np.linalg.norm(W, axis=1, keepdims=True)
    target, zeros, b = unit_neuron(d, bias), np.zeros(width), rng.standard_normal(width)
    errors = [gaussian.best_error(rows, zeros, target).relative[-1] for rows in (unit, W)]
    biased = [gaussian.best_error(rows, b, target).relative[-1] for rows in (unit, W)]
    row = Row(
        f"Remark 4.4: {width} features, d = {d}, b* = {bias:g}",
        "any spherically symmetric distribution of W, bounded w.h.p.",
        "",
        f"best errors, sphere and Gaussian: {errors[0]:.6g}, {errors[1]:.6g} without "
        f"biases; {biased[0]:.3g}, {biased[1]:.3g} with the same biases",
        verdict(abs(errors[0] - errors[1]) < 1e-6),
    )
    values = {"sphere": errors[0], "gaussian": errors[1], "with_biases": tuple(biased)}
    source = "Only the directions of the rows matter, not the distribution of their norms."
    return Report("Remark 4.4", source, (row,), values)


@check_arguments(_FEATURES, prefer_skip_nested_validation=False)
def theorem_4_8(
    d: int = 10, width: int = 100, bias: float = -1.0, random_state: RandomState = 0
) -> Report:
    r"""Theorem 4.8 and Example 4.9: linearised networks and features of any kind.

    .. math:: \min_v E\Big(\sum_{i \le r} 1(\langle w_i, x\rangle + b_i > 0)
              \langle v_i, x\rangle - relu(\langle w^*, x\rangle + b^*)\Big)^2,
              \quad x \sim N(0, I),

    for rows w_i on the unit sphere and biases b_i ~ N(0, 1), for every r up to `width`. The
    report also has the lower bound for the same number of features of any kind.

    Parameters
    ----------
    d : int, default=10
        Number of inputs, from 2 to 2000.
    width : int, default=100
        Number of neurons of the linearised network, which has width * d features.
    bias : float, default=-1.0
        Bias b* of the target, in [-35, 1000]; ||w*|| = 1.
    random_state : int, RandomState instance or None, default=0
        Controls the random network; pass an int for reproducible output across multiple
        function calls.

    Returns
    -------
    report : Report
        With values "n_features" (d to width * d), "errors" (exact minimum errors for these
        numbers), "floor" (lower bounds for any features) and "log10_probability" (for a
        million features of any kind at d = 41).

    Raises
    ------
    ValueError
        If a parameter is out of its range.
    LinAlgError
        If the Gram matrix of the features has no Cholesky factor, even with a jitter.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Theorem 4.8 and Example 4.9.

    Examples
    --------
    >>> from skrf.theory import theorem_4_8
    >>> report = theorem_4_8(d=3, width=5)
    >>> report.values["n_features"], report.values["errors"].round(3)
    (array([ 3,  6,  9, 12, 15]), array([0.374, 0.373, 0.325, 0.303, 0.19 ]))
    """
    rng = check_random_state(random_state)
    (W, b), target = draw_features(rng, width, d), unit_neuron(d, bias)
    best = gaussian.best_tangent_error(W, b, target)
    values = _against_floor(best, d, d, bias)
    log10_p = float(failure_probability(1e6, 1 / 50, 41, weight_norm=41.0, absolute=True))
    values["log10_probability"] = log10_p
    ten, one = (features_needed(error, d, bias)[0] for error in (0.1, 0.01))
    rows = (
        Row(
            f"Ex. 4.9: linearised network of {width * d} features, d = {d}, "
            f"b* = {bias:g}, ||w*|| = 1",
            "few features with small weights are far from g",
            f"no {width * d} features have a mean error below {values['floor'][-1]:.2g}",
            f"best error {best.relative[-1]:.2g} with any coefficients",
            "measured",
        ),
        Row(
            "Thm 4.8: d = 41, ||w*|| = d, b* = 0, absolute error 1/50, a million features",
            "r max|u| exponential but with probability r exp(-c d), c unspecified",
            "for any u, from the spectrum",
            f"error reached with probability at most 10^{log10_p:.1f}",
            "measured",
        ),
        Row(
            f"Thm 4.8: minimum number of features of any kind, d = {d}, b* = {bias:g}",
            "exponential in d at ||w*|| = d^2, absolute error 1/50",
            "",
            f"10^{ten:.1f} for 10%, 10^{one:.1f} for 1% of ||g||^2",
            "measured",
        ),
    )
    source = (
        "No features that are fixed before the target is drawn can approximate one neuron."
    )
    return Report("Theorem 4.8", source, rows, values)
