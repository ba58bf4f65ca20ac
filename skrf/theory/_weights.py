r"""Lower bounds of r max|u| for fixed features, from the spectrum of a random ReLU neuron.

Let g_w(x) = relu(<w, x> + b) with w uniform on the sphere of radius alpha, and let
f_1, ..., f_r be fixed before w is drawn, with norms at most F. Take a set of degrees of the
spherical harmonics, and the projection Q on them. Then ||Q g_w||^2 is the same number T for
every w, and E_w <f, Q g_w>^2 <= Lambda ||f||^2 with the largest eigenvalue Lambda of these
degrees. If N = sum_i u_i f_i has ||N - g_w||^2 <= eps < T, then

    sqrt(T) (sqrt(T) - sqrt(eps)) <= <N, Q g_w> <= max|u| sum_i |<f_i, Q g_w>|
                                                <= max|u| sqrt(r S),

where S = sum_i <f_i, Q g_w>^2 has a mean of at most r F^2 Lambda. By Markov's inequality S
is below its bound divided by p with probability 1 - p, so

    r max|u| >= sqrt(T) (sqrt(T) - sqrt(eps)) sqrt(p / Lambda) / F.

The sets are the degrees whose eigenvalue is at most Lambda; these have the largest T. For
features f_i(W x) with a rotation invariant W, E_W S is the same for every w, because Q
commutes with rotations. So the bound holds for every w with probability 1 - p over W.

For b = 0 and unit w the energies E_l = N(d, l) Lambda_l of even degrees l >= 2 are

    E_l = d (2 l + d - 2) / (2 pi^(3/2) l (l - 1) (l + d - 1)^2)
          * Gamma(d/2) / Gamma((d-1)/2) * Gamma((l+d-2)/2) / Gamma((l+d-1)/2)
          * Gamma((l-1)/2) / Gamma(l/2).

With 2 l + d - 2 = (l - 1) + (l + d - 1), E_l is a product of completely monotone functions
of l. So E_l is convex, and the trapezoidal rule gives a lower bound of a tail:
E_l + E_(l+2) + ... >= E_l / 2 + (1/2) integral of E from l to infinity.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from skrf._utils.checks import check_boolean, check_integer, is_number
from skrf.gaussian._harmonics import (
    log_dimension,
    log_gamma_ratio,
    log_zonal_constant,
    panels,
)
from skrf.gaussian._relu_spectrum import relu_spectrum
from skrf.theory._floors import check_neuron, relative_errors

# Degrees that are summed one by one before the integral, and the integral's panels in the
# logarithm of the degree, where the integrand falls at least like exp(-1.5 s).
_SUMMED = 64
_LOG_DEGREES, _LOG_WIDTHS = panels(np.array([0.0, 2, 5, 10, 18, 30]))
# Candidates of one stage of the search over degrees, the number of stages, and the maximum
# degree, up to which ratios of Gamma functions are accurate.
_CANDIDATES, _STAGES, _LAST = 40, 9, 1e100
# The constants of Theorems 4.2 and 4.8: the error, and 40 in ||f|| <= exp(d / 40).
PRINTED_ERROR, _PRINTED_NORM = 1 / 50, 40


def log_energies(d, degree):
    """log of E_l of the unit neuron without bias, for even degrees l >= 2."""
    degree = np.asarray(degree, np.float64)
    return (
        math.log(d)
        + np.log(2 * degree + d - 2)
        - math.log(2 * math.pi**1.5)
        - np.log(degree)
        - np.log(degree - 1)
        - 2 * np.log(degree + d - 1)
        + log_gamma_ratio((d - 1) / 2, 0.5)
        - log_gamma_ratio((degree + d - 2) / 2, 0.5)
        - log_gamma_ratio((degree - 1) / 2, 0.5)
    )


def _log_tails(d, degree):
    """log of a lower bound of E_l + E_(l+2) + ..., for even degrees l >= 2."""
    first = degree[:, np.newaxis]
    summed = log_energies(d, first + 2.0 * np.arange(_SUMMED))
    last = first + 2.0 * _SUMMED
    points = last * np.exp(_LOG_DEGREES)
    integral = log_energies(d, points) + np.log(points) + np.log(_LOG_WIDTHS)
    parts = [summed, integral - math.log(2), log_energies(d, last) - math.log(2)]
    return np.logaddexp.reduce(np.concatenate(parts, axis=1), axis=1)


def _log_bounds(log_tail, log_eigenvalue, log_error):
    """log of sqrt(T) (sqrt(T) - sqrt(eps)) / sqrt(Lambda); -inf for T <= eps."""
    with np.errstate(divide="ignore"):
        gap = np.log(-np.expm1(np.minimum(log_error - log_tail, 0) / 2))
    return log_tail + gap - log_eigenvalue / 2


@lru_cache(maxsize=1024)
def _bias_free_bound(d, log_error):
    """Maximum of `_log_bounds` over all degrees for b = 0, and the first degree."""
    # The degrees >= 0 and >= 1. Of these, degrees 0 and 1 have the largest eigenvalue.
    log_zero = math.log(d) + 2 * (log_zonal_constant(d) - math.log(d - 1))
    log_tail = np.log([0.5, 0.5 - math.exp(log_zero)])
    low = _log_bounds(log_tail, np.array([log_zero, -math.log(4 * d)]), log_error)
    best, at = max((low[0], 0), (low[1], 1))
    start, end = 2.0, _LAST
    for _ in range(_STAGES):
        degree = np.unique(2 * np.round(np.geomspace(start, end, _CANDIDATES) / 2))
        log_eigenvalue = log_energies(d, degree) - log_dimension(d, degree)
        bounds = _log_bounds(_log_tails(d, degree), log_eigenvalue, log_error)
        i = int(bounds.argmax())
        if bounds[i] > best:
            best, at = float(bounds[i]), float(degree[i])
        start, end = degree[max(i - 1, 0)], degree[min(i + 1, len(degree) - 1)]
    return best, at


def log_weight_bound(d, h, log_error):
    """log of the bound of r max|u| for p = 1, F = 1, and a neuron (w, h) with ||w|| = 1.

    For h = 0 all degrees are used, in closed form. Otherwise the degrees are those that the
    spectrum resolves one by one; without the others the bound is valid, but lower.
    """
    if h == 0:
        return _bias_free_bound(d, log_error)[0]
    spectrum = relu_spectrum(d, h)
    log_energy = spectrum.log_energy + spectrum.log_total
    log_eigenvalue = log_energy - spectrum.log_multiplicity
    order = np.argsort(-log_eigenvalue)
    order = order[np.isfinite(log_energy[order])]
    log_tail = np.logaddexp.accumulate(log_energy[order][::-1])[::-1]
    return float(_log_bounds(log_tail, log_eigenvalue[order], log_error).max())


def check_positive(name, value, high, remedy):
    """Raise unless a value is a number between 0 and `high`."""
    if not is_number(value) or not 0 < value < high:
        raise ValueError(
            f"`{name}` must be a number in (0, {high:g}); got {value!r}. {remedy}."
        )


def check_probability_and_norm(probability, feature_norm):
    """Check the probability of a bound, and the maximum norm of its features."""
    check_positive("probability", probability, 1, "Pass a probability, such as 0.99")
    check_positive("feature_norm", feature_norm, math.inf, "Pass the maximum ||f||")


def weight_floor(
    error: ArrayLike,
    d: int,
    bias: float = 0.0,
    weight_norm: float = 1.0,
    *,
    probability: float = 0.99,
    feature_norm: float = 1.0,
    absolute: bool = False,
) -> np.ndarray | float:
    r"""Lower bound of r max|u| for any fixed features on a random ReLU neuron.

    Let f_1, ..., f_r have norms at most F in L2 of N(0, I) and be fixed before w is drawn
    from the sphere of radius `weight_norm`, and let
    :math:`g_w(x) = relu(\langle w, x\rangle + b)`. With probability 1 - p over w,
    :math:`\|\sum_i u_i f_i - g_w\|^2 \le \epsilon` needs

    .. math:: r \max_i |u_i| \ge \frac1F \max_{\lambda:\, T > \epsilon}
        \sqrt T \big(\sqrt T - \sqrt\epsilon\big) \sqrt{p / \lambda}, \qquad
        T = \sum_{l:\, \Lambda_l \le \lambda} N_l \Lambda_l .

    If the features are random with a rotation invariant distribution, such as f(W x) in
    Theorem 4.2 [1]_, the bound holds for every w, with probability 1 - p over the features.

    Parameters
    ----------
    error : array-like
        Squared errors, above 0. They are relative to ||g_w||^2 unless `absolute` is set.
    d : int
        Number of inputs, from 2 to 2000.
    bias : float, default=0.0
        The bias b, at most 1000 weight_norm in size.
    weight_norm : float, default=1.0
        The norm ||w||.
    probability : float, default=0.99
        The probability 1 - p with which the bound holds, in (0, 1).
    feature_norm : float, default=1.0
        The maximum norm F of a feature. The root mean square over the features is enough,
        and for random features the mean of their squared norms.
    absolute : bool, default=False
        Whether `error` is absolute instead of relative.

    Returns
    -------
    log10_weight : ndarray or float
        log10 of the lower bound, of the shape of error; -inf where the error is too large
        for a bound.

    Raises
    ------
    ValueError
        If an error is not positive, or below 1e-300 of ||g_w||^2; if d, bias, weight_norm,
        probability or feature_norm is out of range; or if an option is not a boolean.

    See Also
    --------
    error_floor : Lower bound of the error for r features, for u of any size.
    theorem_constant : The constant c of Theorems 4.2 and 4.8 by this bound.
    weight_certificate : The bound that the printed proof gives.

    Notes
    -----
    The number of features does not enter, and there is no union bound: Markov's inequality
    is applied to the sum of all squared correlations. :doc:`/theorems` has the proof. For
    b = 0 all degrees are used, in closed form. For other biases the degrees above
    ``neuron_spectrum(d, bias, weight_norm).max_degree`` are not used, which makes the bound
    lower.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Theorems 4.2 and 4.8.
    .. [2] L. Wu and J. Long, "A Spectral-Based Analysis of the Separation between Two-Layer
       Neural Networks and Linear Methods", JMLR 23, 2022.

    Examples
    --------
    >>> import math
    >>> from skrf.theory import weight_floor
    >>> norm = math.exp(41 / 40)
    >>> log10_weight = weight_floor(
    ...     1 / 50, 41, weight_norm=41**2, feature_norm=norm, absolute=True)
    >>> print(f"r max|u| >= 10^{log10_weight:.1f}")
    r max|u| >= 10^34.0
    """
    check_boolean("absolute", absolute)
    h = check_neuron(d, bias, weight_norm)
    check_probability_and_norm(probability, feature_norm)
    spectrum = relu_spectrum(int(d), h)
    relative = relative_errors(error, spectrum, weight_norm, absolute)
    log_error = np.log(relative) + spectrum.log_total
    bounds = np.array([log_weight_bound(int(d), h, e) for e in log_error.ravel()])
    log_scale = (
        math.log(weight_norm) + math.log1p(-probability) / 2 - math.log(feature_norm)
    )
    return ((bounds + log_scale) / math.log(10)).reshape(log_error.shape)[()]


def theorem_constant(d: int, *, degree: int | None = None) -> float:
    r"""Largest c with which Theorems 4.2 and 4.8 hold at one d, by `weight_floor`.

    For b* = 0, :math:`\|w^*\| = d^2`, an absolute error of 1/50 and features of norm at
    most :math:`e^{d/40}`, the theorems [1]_ claim

    .. math:: r \max_i |u_i| \ge \frac{1}{48 d^2} e^{c d}
        \text{ with probability at least } 1 - e^{-c d}.

    Parameters
    ----------
    d : int
        Number of inputs, at least 2. The theorems assume d > 40.
    degree : int, default=None
        An even degree l >= 2. The bound then uses this degree alone, with
        T = N(d, l) Lambda_l. None uses the best set of degrees.

    Returns
    -------
    constant : float
        The largest c; -inf if the degree gives no bound.

    Raises
    ------
    ValueError
        If d or degree is not an integer in its range.

    See Also
    --------
    weight_floor : The bound for other errors, norms and biases.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Theorems 4.2 and 4.8.

    Examples
    --------
    >>> from skrf.theory import theorem_constant
    >>> print(f"{theorem_constant(41):.3f} {theorem_constant(100):.3f}")
    1.495 1.710
    >>> print(f"{theorem_constant(100, degree=800):.3f}")
    1.077
    """
    d = check_integer("d", d, 2, "pass the number of features, at least two")
    log_norm = 2 * math.log(d)
    log_error = math.log(PRINTED_ERROR) - 2 * log_norm
    if degree is None:
        log_bound = _bias_free_bound(d, log_error)[0]
    else:
        degree = check_integer("degree", degree, 2, "pass an even degree")
        if degree % 2:
            raise ValueError(
                f"`degree` must be even; got {degree}. Use an even degree, because odd "
                "degrees above 1 have no energy."
            )
        log_energy = log_energies(d, degree)
        log_eigenvalue = log_energy - log_dimension(d, degree)
        log_bound = float(_log_bounds(log_energy, log_eigenvalue, log_error))
    log_bound += log_norm - d / _PRINTED_NORM + math.log(48) + log_norm
    return log_bound / (1.5 * d)


def log_margin_of_degree_8d(d):
    """Lower bound of the log of r max|u| / (exp(d) / (48 d^2)), with p = exp(-d), d >= 100.

    The single degree l = 8 d, with Stirling's formula and its remainder, and with
    Gamma(x + 1/2) / Gamma(x) in [sqrt(x - 1/4), sqrt(x)]. All terms increase with d, so a
    positive value at d = 100 proves c = 1 for all d >= 100.
    """
    d = np.asarray(d, np.float64)
    rate = 9 * math.log(9) - 8 * math.log(8)
    log_count = np.log(0.026 / d) + np.log(4 * d / (9 * math.pi)) / 2 + rate * d
    log_count -= 3 / (32 * d)
    gap = np.sqrt(4.86e-5 * d**1.5) - math.sqrt(PRINTED_ERROR)
    with np.errstate(invalid="ignore", divide="ignore"):
        log_bound = log_count / 2 + np.log(gap) - d / _PRINTED_NORM - d / 2
    return log_bound - d + np.log(48 * d * d)
