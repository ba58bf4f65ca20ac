"""Measurements of the wave psi and the norm of its target: Prop. 4.6 and Remark 4.7."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from skrf._utils.checks import check_integer, real_array
from skrf._utils.validation import DIMENSION, check_arguments
from skrf.gaussian._neurons import neurons
from skrf.gaussian._relu_spectrum import log_squared_norm
from skrf.targets import TriangleWave
from skrf.theory._floors import features_needed
from skrf.theory._report import Report, Row, verdict
from skrf.theory._wave import wave_facts, wave_relu_products, weight_certificate

# Maximum bias of a neuron, in units of the norm of its weight.
_FARTHEST = 1e6


@check_arguments({"d": [DIMENSION]}, prefer_skip_nested_validation=False)
def proposition_4_6(d: int = 41) -> Report:
    r"""Proposition 4.6: the three items on the wave psi, printed and corrected.

    .. math:: \psi(-t) = -\psi(t) = -\psi(t + 4) \text{ on } [-a, a], \quad
              \|\psi_w\|^2 = \tfrac13, \quad
              \sup_f E_w \langle f, \psi_w\rangle^2 / \|f\|^2 = \max_l \Lambda_l,

    with :math:`\psi_w(x) = \psi(\langle w, x\rangle)`, w uniform on the sphere of radius d
    and a = 6 d^2 + 1. The report also has the constants of the proof of Theorem 4.2, which
    writes psi as a sum of ReLUs.

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
       Understanding Neural Networks", NeurIPS 2019. Proposition 4.6 and Eq. (5).

    Examples
    --------
    >>> from skrf.theory import proposition_4_6
    >>> report = proposition_4_6(5)
    >>> print(report.rows[3].printed, "|", report.rows[3].measured)
    ||psi||^2 >= d = 5 | 0.3333333333333
    """
    facts = wave_facts(d)
    rows = (*_rows_of_sum(d), *_rows_of_facts(facts))
    source = "The sine-like wave is nearly uncorrelated with every fixed function."
    values = {name: getattr(facts, name) for name in facts.__dataclass_fields__}
    return Report("Proposition 4.6", source, rows, values)


def _rows_of_sum(d):
    """Rows of item 1, and of psi as a sum of ReLUs in the proof of Theorem 4.2."""
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
    n, squares = len(coefficients), int((coefficients**2).sum())
    squared_sum = int(np.abs(coefficients).sum()) ** 2
    return (
        Row(
            f"Prop. 4.6, item 1, d = {d}",
            f"periodic and odd on [-a, a], a = 6 d^2 + 1 = {a}",
            "",
            f"|psi(t) + psi(-t)| <= {odd:g}, |psi(t + 4) - psi(t)| <= {period:g} there",
            verdict(odd == 0 and period == 0),
        ),
        Row(
            "Proof of Thm 4.2: psi as a sum",
            "of a ReLUs",
            "of a + 1 ReLUs, sum a_j^2 = 24 d^2 + 5",
            f"{n} ReLUs, sum of squares {squares}",
            verdict(n == a, n == a + 1 and squares == 24 * d**2 + 5),
        ),
        Row(
            "Eq. (5): factor of the error",
            f"24 d^2 = {24 * d * d}, as if errors were orthogonal",
            "(sum |a_j|)^2 = (12 d^2 + 3)^2",
            f"(sum |a_j|)^2 = {squared_sum}",
            verdict(squared_sum <= 24 * d**2, squared_sum == (12 * d**2 + 3) ** 2),
        ),
    )


def _rows_of_facts(facts):
    """Rows of items 2 and 3."""
    d = facts.n_features
    return (
        Row(
            "Prop. 4.6, item 2",
            f"||psi||^2 >= d = {d}",
            "||psi||^2 = 1/3",
            f"{facts.squared_norm:.13f}",
            verdict(facts.squared_norm >= d, abs(facts.squared_norm - 1 / 3) < 1e-8),
        ),
        Row(
            "Prop. 4.6, item 3",
            "E_w <f, psi_w>^2 <= 20 ||f||^2 exp(-c d), c unspecified",
            "sup over f = the largest eigenvalue",
            f"10^{facts.log10_correlation:.1f} ||f||^2",
            "measured",
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


@check_arguments(
    {"d": [DIMENSION], "norms": ["array-like", None]}, prefer_skip_nested_validation=False
)
def remark_4_7(d: int = 41, norms: ArrayLike | None = None) -> Report:
    r"""Remark 4.7: the error and the bias that the norm of the target allows.

    The proof of Theorem 4.2 assumes, for the absolute error and the bias,

    .. math:: \epsilon < \frac{(\|w^*\| / d)^2}{3 (12 d^2 + 3)^2}, \quad
              |b^*| \le \frac{\|w^*\|}{d} (6 d^2 + 1),

    The report compares these bounds with the printed ones, and computes the minimum number
    of features of any kind.

    Parameters
    ----------
    d : int, default=41
        Number of inputs, from 2 to 2000.
    norms : array-like, default=None
        Values of ||w*||. None uses 1, d, d^2 and 5 d^3.

    Returns
    -------
    report : Report
        With values "norms" and "log10_features", the logarithms of the minimum numbers of
        features of any kind for an absolute error of 1/50.

    Raises
    ------
    ValueError
        If d is out of its range, or norms are not positive.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Remark 4.7.

    Examples
    --------
    >>> from skrf.theory import remark_4_7
    >>> remark_4_7(5, norms=[1.0, 25.0]).values["log10_features"].round(2)
    array([1.26, 4.09])
    """
    alphas = real_array("norms", [1, d, d**2, 5 * d**3] if norms is None else norms, ndim=1)
    if not (alphas > 0).all():
        raise ValueError(f"`norms` must be positive; got {alphas.min():g}. Pass ||w*||.")
    needed = np.array(
        [features_needed(1 / 50, d, weight_norm=a, absolute=True)[0] for a in alphas]
    )
    certificates = [weight_certificate(1 / 50, d, alpha, 1) for alpha in alphas]
    rows = [
        Row(
            f"Remark 4.7: d = {d}, ||w*|| = {alpha:g}",
            f"eps up to ||w*|| / (5 d^2) = {certificate.printed_largest_error:.2g}",
            "eps below (||w*|| / d)^2 / (3 (12 d^2 + 3)^2) = "
            f"{certificate.largest_error:.2g}",
            f"eps = 1/50, b* = 0: {_at_least(count)}",
            _verdict_on_errors(certificate, d, alpha),
        )
        for alpha, certificate, count in zip(alphas, certificates, needed, strict=True)
    ]
    last = certificates[-1]
    # Eq. (7) uses relu(<w, x> + c) with ||w|| = d and all offsets c of psi.
    farthest = alphas[-1] / d * np.abs(TriangleWave(np.ones(d)).relu_sum()[1]).max()
    rows.append(
        Row(
            f"Remark 4.7: d = {d}, ||w*|| = {alphas[-1]:g}, the bias",
            f"|b*| <= 6 ||w*|| d + 1 = {last.printed_bias_bound:.10g}",
            f"(||w*|| / d) (6 d^2 + 1) = {last.bias_bound:.10g}",
            f"{farthest:.10g} for the ReLUs of psi: scaling Eq. (7) scales the 1 too",
            verdict(last.printed_bias_bound >= farthest, last.bias_bound >= farthest),
        )
    )
    source = "Scaling a neuron by lambda scales its squared error by lambda^2."
    return Report(
        "Remark 4.7", source, tuple(rows), {"norms": alphas, "log10_features": needed}
    )


def _at_least(log10_count):
    if np.isfinite(log10_count):
        return f"at least 10^{log10_count:.1f} features of any kind"
    return "no features needed, N = 0 suffices"


def _verdict_on_errors(certificate, d, alpha):
    """Verdict on the error up to which the bracket of the theorem is positive."""

    def is_positive(error):
        return weight_certificate(error, d, alpha, 1).bracket > 0

    printed, largest = certificate.printed_largest_error, certificate.largest_error
    sharp = is_positive(largest * (1 - 1e-6)) and not is_positive(largest * (1 + 1e-6))
    return verdict(is_positive(printed * (1 - 1e-6)), sharp)
