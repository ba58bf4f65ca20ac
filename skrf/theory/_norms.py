"""Remark 4.7: the error that the norm of the target allows."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from skrf._utils.checks import real_array
from skrf._utils.validation import check_arguments
from skrf.targets import TriangleWave
from skrf.theory._floors import features_needed
from skrf.theory._report import Report, Row, compared
from skrf.theory._setup import DIMENSION
from skrf.theory._wave import weight_certificate
from skrf.theory._weights import weight_floor


@check_arguments(
    {"d": [DIMENSION], "norms": ["array-like", None]}, prefer_skip_nested_validation=False
)
def remark_4_7(d: int = 41, norms: ArrayLike | None = None) -> Report:
    r"""Remark 4.7: other norms alpha of the target, and larger or smaller errors.

    The remark prints, for some :math:`|b^*| \le 6 \alpha d + 1` and all
    :math:`\epsilon < \alpha / (5 d^2)`,

    .. math:: r \max_i |u_i| \ge \Big(1 - \frac{5 d^2}{\alpha} \epsilon\Big)
              \frac{1}{8 \alpha} e^{c_3 d} .

    For alpha < 1 / (5 d^2) the constant feature 1 with u = relu(b*) has an error of at most
    alpha^2 < alpha / (5 d^2), with r max|u| <= 6 alpha d + 1, for every b*. From alpha = 1
    on, `weight_floor` supports the remark with b* = 0.

    Parameters
    ----------
    d : int, default=41
        Number of inputs, from 2 to 2000.
    norms : array-like, default=None
        Values of ||w*||. None uses 1, d and d^2.

    Returns
    -------
    report : Report
        With values "norms", "log10_weight" (log10 of the bound of r max|u| at half of the
        printed error, with probability 99%), "log10_features" (log10 of the minimum number
        of features of any kind at the printed error) and "constant_feature", a dict with
        the alpha, the printed error, the error and the coefficient of the constant feature.

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
    >>> remark_4_7().values["log10_weight"].round(1)
    array([ 7.1, 18.2, 29.7])
    """
    alphas = real_array("norms", [1, d, d**2] if norms is None else norms, ndim=1)
    if not (alphas > 0).all():
        raise ValueError(f"`norms` must be positive; got {alphas.min():g}. Pass ||w*||.")
    short = _constant_feature(d)
    printed = alphas / (5 * d**2)
    needed, weights = np.array(
        [
            (
                features_needed(error, d, weight_norm=alpha, absolute=True)[0],
                weight_floor(
                    error / 2,
                    d,
                    weight_norm=alpha,
                    feature_norm=math.exp(d / 40),
                    absolute=True,
                ),
            )
            for alpha, error in zip(alphas, printed, strict=True)
        ]
    ).T
    rows = [_row_of_short_targets(d, short)]
    rows += [_row_of_norm(d, *row) for row in zip(alphas, printed, weights, strict=True)]
    many = ", ".join(f"10^{count:.1f}" for count in needed)
    rows.append(
        Row(
            "Remark 4.7, minimum number of features",
            f"d = {d}, ||w*|| = {', '.join(f'{a:g}' for a in alphas)}, b* = 0, at the "
            "printed error ||w*|| / (5 d^2), any u",
            "",
            "",
            f"{many} features of any kind",
            "measured",
        )
    )
    values = {
        "norms": alphas,
        "log10_weight": weights,
        "log10_features": needed,
        "constant_feature": short,
    }
    source = "The norm of the target against the error: only eps / ||w*||^2 matters."
    return Report("Remark 4.7", source, (*rows, _row_of_bias(d)), values)


def _constant_feature(d):
    """The largest error and coefficient of one constant feature over the printed b*."""
    alpha = 1 / (10 * d**2)
    b = np.linspace(-1, 1, 401)[:, np.newaxis] * (6 * alpha * d + 1)
    z = np.linspace(-10, 10, 2001)
    density = np.exp(-(z**2) / 2)
    u = np.maximum(b, 0)
    squares = (np.maximum(alpha * z + b, 0) - u) ** 2
    error = float((squares @ density).max() / density.sum())
    return {
        "weight_norm": alpha,
        "printed_error": alpha / (5 * d**2),
        "error": error,
        "weight": float(u.max()),
        "printed_factor": (1 - 5 * d**2 / alpha * error) / (8 * alpha),
    }


def _row_of_short_targets(d, short):
    attained = short["error"] < short["printed_error"]
    return compared(
        "Remark 4.7, short targets",
        f"d = {d}, ||w*|| = 1 / (10 d^2), every |b*| <= 6 ||w*|| d + 1, eps < ||w*|| / "
        "(5 d^2)",
        f"r max|u| >= {short['printed_factor']:.0f} exp(c_3 d) at the error measured",
        f"f = 1, u = relu(b*): r max|u| <= {short['weight']:.3f} with error at most "
        f"{short['error']:.1e}, below the printed {short['printed_error']:.1e}",
        not attained or short["weight"] >= short["printed_factor"],
        "false for every c_3 > 0 and ||w*|| < 1 / (5 d^2)",
    )


def _row_of_norm(d, alpha, printed, weight):
    """Row of one norm, at half of the printed error."""
    constant = (weight * math.log(10) + math.log(16 * alpha)) / d
    return compared(
        "Remark 4.7",
        f"d = {d}, ||w*|| = {alpha:g}, b* = 0, half of the printed error ||w*|| / (5 d^2) "
        f"= {printed:.2g}, ||f|| <= exp(d/40)",
        "r max|u| >= exp(c_3 d) / (16 ||w*||) w.h.p., some c_3 > 0",
        f"r max|u| >= 10^{weight:.1f} with probability 99%: c_3({d}) = {constant:.2f}",
        constant > 0,
        "this bound gives no c_3 > 0 here",
    )


def _row_of_bias(d):
    """Row of the bias bound: Eq. (7) uses relu(<w, x> + c) with all offsets c of psi."""
    alpha = 5.0 * d**3
    certificate = weight_certificate(1 / 50, d, alpha)
    farthest = alpha / d * np.abs(TriangleWave(np.ones(d)).relu_sum()[1]).max()
    return compared(
        "Proof of Remark 4.7, the bias",
        f"d = {d}, ||w*|| = 5 d^3, b* of psi's ReLUs",
        f"|b*| <= 6 ||w*|| d + 1 = {certificate.printed_bias_bound:.10g}",
        f"{farthest:.10g}: scaling Eq. (7) also scales the 1",
        certificate.printed_bias_bound >= farthest,
        f"(||w*|| / d) (6 d^2 + 1) = {certificate.bias_bound:.10g}; statements hold with "
        "b* = 0",
        certificate.bias_bound >= farthest,
    )
