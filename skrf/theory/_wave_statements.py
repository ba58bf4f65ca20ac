"""Measurements of the wave psi: Proposition 4.6, and the proof of Theorem 4.2."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln

from skrf._utils.checks import check_integer
from skrf._utils.validation import check_arguments
from skrf.gaussian._neurons import neurons
from skrf.gaussian._relu_spectrum import log_squared_norm
from skrf.targets import TriangleWave
from skrf.theory._report import Report, compared
from skrf.theory._setup import DIMENSION
from skrf.theory._wave import wave_facts, wave_relu_products, weight_certificate
from skrf.theory._weights import PRINTED_ERROR

# Maximum bias of a neuron, in units of the norm of its weight.
_FARTHEST = 1e6


@check_arguments({"d": [DIMENSION]}, prefer_skip_nested_validation=False)
def proposition_4_6(d: int = 41) -> Report:
    r"""Proposition 4.6: the three items on the wave psi.

    .. math:: \psi(-t) = -\psi(t) = -\psi(t + 2) \text{ on } [-a, a], \quad
              \|\psi_w\|^2 = \tfrac13, \quad
              \sup_f E_w \langle f, \psi_w\rangle^2 / \|f\|^2 = \max_l \Lambda_l,

    with :math:`\psi_w(x) = \psi(\langle w, x\rangle)`, w uniform on the sphere of radius d
    and a = 6 d^2 + 1.

    Parameters
    ----------
    d : int, default=41
        Dimension, from 2 to 2000. The proposition assumes d > 40.

    Returns
    -------
    report : Report
        With values "n_features" (d), "half_width" (a), "log10_correlation" (of item 3),
        "squared_sum", "relus", "sum_of_squares" and "squared_norm". The constants that the
        paper prints are "printed_relus", "printed_sum_of_squares" and
        "printed_squared_norm".

    Raises
    ------
    ValueError
        If d is out of its range.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Proposition 4.6.

    Examples
    --------
    >>> from skrf.theory import proposition_4_6
    >>> report = proposition_4_6(5)
    >>> print(report.rows[1].printed, "|", report.rows[1].measured)
    ||psi||^2 >= d = 5 | ||psi||^2 = 0.3333333333333
    """
    facts = wave_facts(d)
    log_correlation = facts.log10_correlation * math.log(10)
    constant = (math.log(20) - log_correlation) / d
    rows = (
        _row_of_item_1(d),
        compared(
            "Prop. 4.6, item 2",
            f"d = {d}, ||w|| = d",
            f"||psi||^2 >= d = {d}",
            f"||psi||^2 = {facts.squared_norm:.13f}",
            facts.squared_norm >= d,
            "||psi||^2 = 1/3",
            abs(facts.squared_norm - 1 / 3) < 1e-8,
        ),
        compared(
            "Prop. 4.6, item 3",
            f"d = {d}, ||w|| = d, any f",
            "E_w <f, psi_w>^2 <= 20 ||f||^2 exp(-c d), some c > 0",
            f"supremum 10^{facts.log10_correlation:.1f} ||f||^2, the largest eigenvalue: "
            f"c({d}) = {constant:.2f}",
            constant > 0,
        ),
    )
    source = "The sine-like wave is nearly uncorrelated with every fixed function."
    values = {name: getattr(facts, name) for name in facts.__dataclass_fields__}
    return Report("Proposition 4.6", source, rows, values)


def _row_of_item_1(d):
    wave = TriangleWave(np.ones(d))
    coefficients, offsets = wave.relu_sum()
    a = wave.half_width
    # The sum of the first n ReLUs is a line where exactly these n are active.
    slopes = np.append(0, np.cumsum(coefficients))
    heights = np.append(-1, np.cumsum(coefficients * offsets) - 1)
    # At multiples of 1/2 the sum is exact.
    t = np.linspace(-2 * a, 2 * a - 8, 101).round() / 2
    n_on = [np.searchsorted(-offsets, x) for x in (t, -t, t + 4)]
    up, down, later = (
        slopes[n] * x + heights[n] for n, x in zip(n_on, (t, -t, t + 4), strict=True)
    )
    odd, period = np.abs(up + down).max(), np.abs(up - later).max()
    return compared(
        "Prop. 4.6, item 1",
        f"d = {d}",
        f"periodic and odd on [-a, a], a = 6 d^2 + 1 = {a}",
        f"|psi(t) + psi(-t)| <= {odd:g}, |psi(t + 4) - psi(t)| <= {period:g} at 101 points",
        odd == 0 and period == 0,
    )


@check_arguments({"d": [DIMENSION]}, prefer_skip_nested_validation=False)
def proof_of_theorem_4_2(d: int = 41) -> Report:
    r"""The printed proof of Theorem 4.2, step by step.

    The theorem holds (`theorem_4_2`). The steps of its printed proof that do not hold are
    compared here with

    .. math:: \psi(t) = \sum_{j \le a + 1} a_j\, relu(t + c_j) - 1, \quad
              \sum_j a_j^2 = 24 d^2 + 5, \quad \sum_j |a_j| = 12 d^2 + 3 .

    Parameters
    ----------
    d : int, default=41
        Dimension, from 2 to 2000. The theorem assumes d > 40.

    Returns
    -------
    report : Report
        With values "brackets" (at ||w*|| = d^2 and 5 d^3), "log10_bounds" (log10 of the
        bound of r max|u| by the repaired proof), "min_weight_norm" (the ||w*|| above
        which the repaired proof gives a bound), "log10_mean_correlation" (of the first
        display) and "absolute_product" (E|f psi| of the invariance display).

    Raises
    ------
    ValueError
        If d is out of its range.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Proof of Theorem 4.2, Eqs. (4) to (7).

    Examples
    --------
    >>> from skrf.theory import proof_of_theorem_4_2
    >>> proof_of_theorem_4_2(10).values["log10_bounds"].round(1)
    array([-inf,   2.])
    """
    facts = wave_facts(d)
    at, longer = (weight_certificate(PRINTED_ERROR, d, norm) for norm in (d**2, 5.0 * d**3))
    log10_mean, product = _mean_correlation(facts), _absolute_product(d)
    rows = (
        _row_of_first_display(facts, log10_mean),
        _row_of_invariance(d, product),
        *_rows_of_sum(d),
        compared(
            "Proof of Thm 4.2, last step: error times lambda",
            f"d = {d}, ||w*|| = d^2, b* of psi's ReLUs, absolute error 1/50",
            "positive bound: 1 - 24 d eps with eps = 1/(50 d)",
            f"1/3 - (12 d^2 + 3)^2 (d / ||w*||)^2 eps = {at.bracket:.3g} at d^2, "
            f"{longer.bracket:.3g} at 5 d^3",
            at.bracket > 0,
            f"lambda^2, and Eq. (5)'s factor: ||w*|| > {longer.min_weight_norm:.3g}, "
            "about 2.94 d^3",
            longer.bracket > 0,
        ),
    )
    values = {
        "brackets": np.array([at.bracket, longer.bracket]),
        "log10_bounds": np.array([at.log10_bound, longer.log10_bound]),
        "min_weight_norm": longer.min_weight_norm,
        "log10_mean_correlation": log10_mean,
        "absolute_product": product,
    }
    source = (
        "The statement holds; these steps of the printed proof do not. The proof also "
        "chooses b* after W, and its union bound is not needed."
    )
    return Report("Proof of Theorem 4.2", source, rows, values)


def _mean_correlation(facts):
    """log10 of E_w |<f, psi_w>| for f of norm 1 in degree 1, the leading eigenspace.

    <f, psi_w> is sqrt(Lambda_1 d) times a coordinate of a random unit vector.
    """
    d = facts.n_features
    log_coordinate = gammaln(d / 2) - gammaln((d + 1) / 2) - math.log(math.pi) / 2
    log_mean = math.log(d) / 2 + log_coordinate
    return float(facts.log10_correlation / 2 + log_mean / math.log(10))


def _absolute_product(d):
    """E|f psi_w| for f = relu(<v, x>), v a unit vector orthogonal to w, ||w|| = d."""
    z = np.linspace(-10, 10, 400 * d + 1)
    weight = np.exp(-(z**2) / 2)
    wave = np.abs(TriangleWave(np.ones(d)).profile(d * z))
    return float(wave @ weight / weight.sum()) / math.sqrt(2 * math.pi)


def _row_of_first_display(facts, log10_mean):
    d = facts.n_features
    return compared(
        "Proof of Thm 4.2, first display",
        f"d = {d}, f the leading eigenfunction, ||f|| = 1",
        "E|<f, psi>| <= 20 ||f||^2 exp(-c' d), the bound of item 3 for the square",
        f"E|<f, psi>| = 10^{log10_mean:.1f}, E<f, psi>^2 = "
        f"10^{facts.log10_correlation:.1f}",
        log10_mean <= facts.log10_correlation,
        "sqrt(20) ||f|| exp(-c' d / 2), by Jensen",
        log10_mean <= facts.log10_correlation / 2,
    )


def _row_of_invariance(d, product):
    wave = TriangleWave(d * np.eye(1, d)[0])
    sign, log_size = wave_relu_products(wave, np.eye(d)[1:2], np.zeros(1))
    inner = abs(float(sign[0] * np.exp(log_size[0])))
    return compared(
        "Proof of Thm 4.2, invariance display",
        f"d = {d}, f = relu(<v, x>), v orthogonal to w",
        "|E_x f psi| = E_x |f psi|",
        f"|E_x f psi| = {inner:g}, E_x |f psi| = {product:.4f}",
        abs(inner - product) < 1e-6,
        "the modulus outside E_x, where the product is small",
        inner < 1e-6,
    )


def _rows_of_sum(d):
    """Rows of psi as a sum of ReLUs, and of Eqs. (5) and (6)."""
    wave = TriangleWave(np.ones(d))
    coefficients, offsets = wave.relu_sum()
    a, n = wave.half_width, len(coefficients)
    squares = int((coefficients**2).sum())
    squared_sum = int(np.abs(coefficients).sum()) ** 2
    # At t = 0 the sum of the ReLUs is 1, and psi is 0.
    total = float(coefficients @ np.maximum(offsets, 0))
    return (
        compared(
            "Proof of Thm 4.2, psi as a sum",
            f"d = {d}",
            "of a ReLUs, sum a_j^2 <= 24 d^2",
            f"{n} ReLUs, a = {a}, sum a_j^2 = {squares}, 24 d^2 = {24 * d * d}",
            n == a and squares <= 24 * d**2,
            "a + 1 ReLUs, sum a_j^2 = 24 d^2 + 5",
            n == a + 1 and squares == 24 * d**2 + 5,
        ),
        compared(
            "Proof of Thm 4.2, Eq. (5): the constant",
            f"d = {d}, at x = 0",
            "sum u_i f_i - sum a_j f*_j - 1 is sum u_i f_i - psi",
            f"sum a_j f*_j = {total:g}, psi = {float(wave.profile(0.0)):g}",
            total + 1 == wave.profile(0.0),
            "+ 1",
            total - 1 == wave.profile(0.0),
        ),
        compared(
            "Proof of Thm 4.2, Eq. (5): factor of the error",
            f"d = {d}, r features, errors in any position",
            f"24 d^2 = {24 * d * d}, as for orthogonal errors",
            f"(sum |a_j|)^2 = {squared_sum}",
            squared_sum <= 24 * d**2,
            "(12 d^2 + 3)^2",
            squared_sum == (12 * d**2 + 3) ** 2,
        ),
        compared(
            "Proof of Thm 4.2, after Eq. (6): 4 a",
            f"d = {d}",
            "d / (4 a) = 1 / (24 d)",
            f"d / (4 a) = {d / (4 * a):.8g}, 1 / (24 d) = {1 / (24 * d):.8g}",
            4 * a == 24 * d**2,
            "d / (24 d^2 + 4)",
            4 * a == 24 * d**2 + 4,
        ),
    )


def wave_relu_correlations(d: int, W: ArrayLike, b: ArrayLike) -> np.ndarray:
    r"""log10 of the squared correlations of psi with ReLU neurons, item 3 for f = relu.

    .. math:: \log_{10} \frac{\langle f_i, \psi_w\rangle^2}{\|f_i\|^2}, \quad
              f_i(x) = relu(\langle w_i, x\rangle + b_i),\; w = d\, e_1.

    Parameters
    ----------
    d : int
        Dimension, at least 2.
    W : array-like of shape (n, d)
        The weights w_i, not 0.
    b : array-like of shape (n,)
        The biases b_i.

    Returns
    -------
    logs : ndarray of shape (n,)
        Decimal logarithms of the squared correlations, which themselves may underflow.

    Raises
    ------
    ValueError
        If shapes do not match, an entry is not finite, a row of W is 0 or a million times
        shorter than its bias, or d is not an integer >= 2.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Proposition 4.6, item 3.

    Examples
    --------
    >>> from skrf.theory import wave_relu_correlations
    >>> W = [[1.0, 1.0, 1.0, 1.0, 1.0], [1.0, 0.0, 0.0, 0.0, 0.0]]
    >>> wave_relu_correlations(5, W, [0.5, 0.5]).round(2)
    array([-24.52,  -5.09])
    """
    d = check_integer("d", d, 2, "pass the number of features, at least two")
    layer = neurons(W, b)
    norms = np.linalg.norm(layer.weights, axis=1)
    far = np.flatnonzero(np.abs(layer.biases) > _FARTHEST * norms)
    if far.size and norms[far[0]] > 0:
        raise ValueError(
            f"`b` must be at most {_FARTHEST:g} times the norm of its row of W; got "
            f"{layer.biases[far[0]]:.6g} for a norm of {norms[far[0]]:.6g}. Scale b down."
        )
    wave = TriangleWave(d * np.eye(1, d)[0])
    _, log_products = wave_relu_products(wave, W, b, ("W", "b"))
    log_squares = 2 * np.log(norms) + [log_squared_norm(h) for h in layer.biases / norms]
    return (2 * log_products - log_squares) / np.log(10)
