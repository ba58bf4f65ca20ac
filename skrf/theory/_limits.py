"""Theorems 4.2 and 4.8 and Remark 4.5: the limits of fixed features, as printed."""

import math

import numpy as np

from skrf._utils.validation import check_arguments
from skrf.theory._floors import failure_probability, features_needed
from skrf.theory._report import Report, Row, compared
from skrf.theory._setup import DIMENSION
from skrf.theory._weights import (
    PRINTED_ERROR,
    log_margin_of_degree_8d,
    theorem_constant,
    weight_floor,
)

# The first part of the proposition in the docs: each d by the full certificate.
_FIRST_PART = range(41, 100)
_PRINTED = "r max|u| >= exp(c d) / (48 d^2) with probability 1 - {}exp(-c d), some c > 0"


def regime_of_theorems(d):
    """The regime of Theorems 4.2 and 4.8 at b* = 0, as text."""
    return f"d = {d}, ||w*|| = d^2, b* = 0, absolute error 1/50"


def _row_as_printed(name, d, factor, addition):
    """Row of a theorem at one d, and its values."""
    norm = math.exp(d / 40)
    constant = theorem_constant(d)
    weight = weight_floor(
        PRINTED_ERROR, d, weight_norm=d**2, feature_norm=norm, absolute=True
    )
    arguments = (
        f"{name} as printed",
        f"{regime_of_theorems(d)}, ||f|| <= exp(d/40)",
        _PRINTED.format(factor),
        f"c({d}) = {constant:.3f}{addition}; with probability 99% r max|u| >= "
        f"10^{weight:.1f}",
    )
    if d > 40:
        row = compared(*arguments, constant > 0)
    else:  # The theorems are about d > 40.
        row = Row(*arguments[:3], "", arguments[3], "measured")
    return row, {"constant": constant, "log10_weight": float(weight)}


@check_arguments({"d": [DIMENSION]}, prefer_skip_nested_validation=False)
def theorem_4_2(d: int = 41) -> Report:
    r"""Theorem 4.2 as printed, with b* = 0 and the constant c.

    .. math:: E\Big(\sum_{i \le r} u_i f_i(Wx) - relu(\langle w^*, x\rangle)\Big)^2 \le
              \frac1{50} \;\Rightarrow\; r \max_i |u_i| \ge \frac{e^{cd}}{48 d^2}

    with probability at least :math:`1 - e^{-cd}` over W, for :math:`\|w^*\| = d^2` and
    :math:`\|f_i(W\cdot)\| \le e^{d/40}`. The constant is computed by `theorem_constant`.

    Parameters
    ----------
    d : int, default=41
        Number of inputs, from 2 to 2000. The theorem assumes d > 40.

    Returns
    -------
    report : Report
        With values "constant" (the largest c at this d), "log10_weight" (log10 of the bound
        of r max|u| with probability 99%), "constants" (the largest c at d = 41, ..., 99)
        and "log_margin" (log of the factor by which degree 8 d exceeds c = 1 at d = 100).

    Raises
    ------
    ValueError
        If d is out of its range.

    Notes
    -----
    c = 1 holds for every d > 40. For d = 41 to 99 the bound is computed at every d, and for
    d >= 100 the single degree 8 d is enough, by Stirling's formula with its remainder.
    :doc:`/theorems` has the proof. Neither b* nor the probability depends on r or W.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Theorem 4.2.

    Examples
    --------
    >>> from skrf.theory import theorem_4_2
    >>> report = theorem_4_2()
    >>> report.rows[0].measured
    'c(41) = 1.495; with probability 99% r max|u| >= 10^34.0'
    """
    row, values = _row_as_printed("Thm 4.2", d, "", "")
    values["constants"] = np.array([theorem_constant(k) for k in _FIRST_PART])
    smallest = values["constants"].min()
    margins = log_margin_of_degree_8d(np.arange(100, 400))
    values["log_margin"] = float(margins[0])
    everywhere = compared(
        "Thm 4.2, one c for all d",
        "every d > 40, ||w*|| = d^2, b* = 0, absolute error 1/50, ||f|| <= exp(d/40)",
        "a universal c > 0",
        f"c = 1: at d = 41 to 99 c(d) is at least {smallest:.3f}, each computed; from "
        f"d = 100 on degree 8 d alone exceeds c = 1 by a factor exp({margins[0]:.1f}) or "
        "more, proof in the docs",
        smallest >= 1 and margins[0] > 0 and bool(np.all(np.diff(margins) > 0)),
    )
    source = (
        "Features f(W x) cannot approximate one neuron unless r max|u| is exponential in "
        "d. True as printed, with b* = 0, whose choice does not depend on W."
    )
    return Report("Theorem 4.2", source, (row, everywhere), values)


@check_arguments({"d": [DIMENSION]}, prefer_skip_nested_validation=False)
def theorem_4_8(d: int = 41) -> Report:
    r"""Theorem 4.8 as printed, and the minimum number of features of any kind.

    The statement is that of `theorem_4_2` for features of any kind and distribution, some
    w*, and a probability of at least :math:`1 - r e^{-cd}` [1]_. The factor r is not
    needed: choose a w* for which the mean of the squared correlations over the features is
    at most the mean over both, and apply Markov's inequality to it as in `weight_floor`.

    Parameters
    ----------
    d : int, default=41
        Number of inputs, from 2 to 2000. The theorem assumes d > 40.

    Returns
    -------
    report : Report
        With values "constant" (the largest c at this d), "log10_weight" (log10 of the bound
        of r max|u| with probability 99%) and "log10_features" (log10 of the minimum number
        of features for a mean error of 1/50).

    Raises
    ------
    ValueError
        If d is out of its range.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Theorem 4.8.

    Examples
    --------
    >>> from skrf.theory import theorem_4_8
    >>> print(f"{theorem_4_8().values['log10_features']:.1f}")
    74.6
    """
    row, values = _row_as_printed(
        "Thm 4.8", d, "r ", ", also with probability 1 - exp(-c d), without the r"
    )
    needed, _ = features_needed(PRINTED_ERROR, d, weight_norm=d**2, absolute=True)
    values["log10_features"] = float(needed)
    fewest = Row(
        "Thm 4.8, minimum number of features",
        f"{regime_of_theorems(d)} in mean over w*, any u",
        "",
        "",
        f"at least 10^{needed:.1f} features of any kind",
        "measured",
    )
    source = (
        "No features of bounded norm that are fixed before the target can approximate one "
        "neuron with small coefficients. True as printed."
    )
    return Report("Theorem 4.8", source, (row, fewest), values)


@check_arguments({"d": [DIMENSION]}, prefer_skip_nested_validation=False)
def remark_4_5(d: int = 41) -> Report:
    r"""Remark 4.5: the conjecture that no condition on max|u| is needed.

    .. math:: P\Big(\min_u \Big\|\sum_{i \le r} u_i f_i - g_{w^*}\Big\|^2
              \le \tfrac1{50}\Big) \le r P_1

    for any r features that are fixed before w*, or with a rotation invariant distribution.
    P_1 is `failure_probability` of one feature, at b* = 0 and :math:`\|w^*\| = d^2`.

    Parameters
    ----------
    d : int, default=41
        Number of inputs, from 2 to 2000.

    Returns
    -------
    report : Report
        With values "log10_probability" (for 1 and for 10^6 features) and "constant" (the
        largest c for which exp(c d) features have a probability of at most exp(-c d)).

    Raises
    ------
    ValueError
        If d is out of its range.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Remark 4.5.
    .. [2] P. Kamath, O. Montasser and N. Srebro, "Approximate is Good Enough: Probabilistic
       Variants of Dimensional and Margin Complexity", COLT 2020.

    Examples
    --------
    >>> from skrf.theory import remark_4_5
    >>> remark_4_5().values["log10_probability"].round(1)
    array([-74., -68.])
    """
    logs = np.asarray(
        failure_probability(
            [1, 1e6], PRINTED_ERROR, d, weight_norm=d**2, tight=False, absolute=True
        )
    )
    constant = float(-logs[0] * math.log(10) / (2 * d))
    row = compared(
        "Remark 4.5, no condition on max|u|",
        f"{regime_of_theorems(d)}, any features, any u",
        "conjecture: r alone must be exponential in d",
        f"r features reach the error with probability at most 10^{logs[0]:.1f} for r = 1, "
        f"10^{logs[1]:.1f} for r = 10^6; exp({constant:.2f} d) features with at most "
        f"exp(-{constant:.2f} d)",
        constant > 0,
    )
    source = "The bound on the coefficients can be removed."
    values = {"log10_probability": logs, "constant": constant}
    return Report("Remark 4.5", source, (row,), values)
