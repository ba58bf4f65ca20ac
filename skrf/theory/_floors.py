"""Lower bounds of the error of fixed features on random neurons (Theorems 4.2 and 4.8)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from skrf._utils.checks import (
    check_boolean,
    check_choice,
    check_integer,
    is_number,
    real_array,
)
from skrf.activations import ACTIVATIONS
from skrf.gaussian._activation_spectrum import activation_spectrum
from skrf.gaussian._relu_spectrum import relu_spectrum
from skrf.gaussian._spectrum import NeuronSpectrum


def check_neuron(d, bias, weight_norm):
    """bias / weight_norm, after checks of d, bias and weight_norm."""
    check_integer("d", d, 2, "pass the number of features, at least two")
    if d > 2000:
        raise ValueError(f"`d` must be at most 2000; got {d}. Use a smaller d.")
    if not is_number(weight_norm) or weight_norm <= 0:
        raise ValueError(
            f"`weight_norm` must be a positive finite number; got {weight_norm!r}. Pass "
            "||w||."
        )
    if not is_number(bias) or not abs(float(bias)) <= 1e3 * weight_norm:
        raise ValueError(
            "`bias` must be a number of size at most 1000 weight_norm = "
            f"{1e3 * weight_norm:.6g}; got {bias!r}. Use a smaller bias or a larger "
            "weight_norm."
        )
    return float(bias) / float(weight_norm)


def _check_options(**options):
    for name, value in options.items():
        check_boolean(name, value)


def check_array(name, value, is_valid, what, remedy):
    array = real_array(name, value, finite=False)
    wrong = ~is_valid(array)
    if wrong.any():
        raise ValueError(f"`{name}` must be {what}; got {array[wrong].flat[0]}. {remedy}.")
    return array


def _check_broadcast(r, error):
    try:
        np.broadcast_shapes(r.shape, error.shape)
    except ValueError as cause:
        raise ValueError(
            f"`r` and `error` must have shapes that broadcast; got {r.shape} and "
            f"{error.shape}. Pass arrays of the same shape, or one number and one array."
        ) from cause


def _log_counts(r, log10):
    """log r for an array of r, or for an array of log10 r."""
    if log10:
        what, remedy = "a decimal logarithm", "Pass log10 of the number of features"
        return check_array("r", r, lambda a: ~np.isnan(a), what, remedy) * math.log(10)
    what, remedy = "a number from 0 to 1e300", "Use log10=True for larger numbers"
    r = check_array("r", r, lambda a: (a >= 0) & (a <= 1e300), what, remedy)
    with np.errstate(divide="ignore"):
        return np.log(r)


def relative_errors(error, spectrum, norm, absolute):
    """Relative errors, for relative or absolute errors."""
    what, remedy = "a positive finite number", "Pass the mean squared error to reach"
    error = check_array("error", error, lambda a: (a > 0) & (a < np.inf), what, remedy)
    relative = error
    if absolute:
        with np.errstate(over="ignore", under="ignore"):
            relative = np.exp(np.log(error) - spectrum.log_total - 2 * math.log(norm))
    small = relative < 1e-300
    if small.any():
        raise ValueError(
            "`error` must be at least 1e-300 of the target's squared norm; got "
            f"{error[small].flat[0]} for weight_norm={norm:g}. Use a larger error or a "
            "smaller weight_norm."
        )
    return relative


# Activations without kinks, whose spectra the quadrature resolves.
_SMOOTH = sorted(name for name, row in ACTIVATIONS.items() if row.analytic)
# Maximum weight norm of a smooth activation, times sqrt(d).
_STEEPEST = 300.0


def _spectrum_and_norm(d, bias, weight_norm, activation):
    """The spectrum of a neuron, and the factor by which the neuron is larger."""
    check_choice("activation", activation, ["relu", *_SMOOTH])
    h = check_neuron(d, bias, weight_norm)
    if activation == "relu":
        return relu_spectrum(int(d), h), float(weight_norm)
    largest = _STEEPEST / math.sqrt(d)
    if weight_norm > largest:
        raise ValueError(
            f"`weight_norm` must be at most {largest:.3g} for activation={activation!r} "
            f"and d={d}; got {weight_norm!r}. Use a smaller weight_norm."
        )
    key = int(d), activation, float(bias), float(weight_norm)
    return activation_spectrum(*key), 1.0


def neuron_spectrum(
    d: int, bias: float = 0.0, weight_norm: float = 1.0, *, activation: str = "relu"
) -> NeuronSpectrum:
    r"""Spectrum of a random neuron, from which all lower bounds are computed.

    This is the spectrum of :math:`f \mapsto E_w[\langle f, g_w\rangle g_w]` in L2 of
    N(0, I), with w uniform on the sphere of radius `weight_norm` and
    :math:`g_w(x) = act(\langle w, x\rangle + b)`. Each degree l of the spherical harmonics
    has one eigenvalue Lambda_l of multiplicity N(d, l), by the Funk-Hecke formula.

    Parameters
    ----------
    d : int
        Number of inputs, from 2 to 2000.
    bias : float, default=0.0
        The bias b, at most 1000 weight_norm in size.
    weight_norm : float, default=1.0
        The norm ||w||.
    activation : str, default="relu"
        The activation of the neuron: "relu" or an analytic activation, such as "tanh" or
        "softplus". The spectrum of an analytic activation decreases fast, so the bounds
        depend on the weight norm [2]_.

    Returns
    -------
    spectrum : NeuronSpectrum
        Lambda_l and N(d, l), also as logarithms. For "relu" they are those of the neuron
        divided by weight_norm, which has norm 1 and bias / weight_norm.

    Raises
    ------
    ValueError
        If d, bias or weight_norm is out of range, or activation is unknown or has a kink.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Theorem 4.8.
    .. [2] L. Wu and J. Long, "A Spectral-Based Analysis of the Separation between Two-Layer
       Neural Networks and Linear Methods", JMLR 23, 2022.

    Examples
    --------
    >>> from skrf.theory import neuron_spectrum
    >>> spectrum = neuron_spectrum(10)
    >>> round(spectrum.total, 12)
    0.5
    """
    return _spectrum_and_norm(d, bias, weight_norm, activation)[0]


def error_floor(
    r: ArrayLike,
    d: int,
    bias: float = 0.0,
    weight_norm: float = 1.0,
    *,
    activation: str = "relu",
    log10: bool = False,
    absolute: bool = False,
) -> np.ndarray | float:
    r"""Lower bound of the mean error of any r fixed features on a random neuron.

    For f_1, ..., f_r in L2 of N(0, I) chosen before w is drawn from the sphere of radius
    `weight_norm`, and :math:`g_w(x) = act(\langle w, x\rangle + b)`,

    .. math:: E_w \min_u \|\sum_i u_i f_i - g_w\|^2 / \|g_w\|^2 \ge
        1 - \sum_{i \le r} \lambda_i / \|g\|^2

    with the r largest eigenvalues of :math:`E_w[g_w \otimes g_w]` [1]_. The eigenfunctions
    attain the bound, and u may have any size. If the features are random with a rotation
    invariant distribution, the bound holds for every w, averaged over the features.

    Parameters
    ----------
    r : array-like
        Numbers of features, from 0 to 1e300.
    d : int
        Number of inputs, from 2 to 2000.
    bias : float, default=0.0
        The bias b, at most 1000 weight_norm in size.
    weight_norm : float, default=1.0
        The norm ||w||. For "relu" a relative error depends only on bias / weight_norm.
    activation : str, default="relu"
        The activation of the neuron: "relu" or an analytic activation, such as "tanh" or
        "softplus". The spectrum of an analytic activation decreases fast, so the bounds
        depend on the weight norm [3]_.
    log10 : bool, default=False
        Whether `r` holds decimal logarithms, which may have any size.
    absolute : bool, default=False
        Whether to return absolute squared errors, ||g||^2 times the relative errors.

    Returns
    -------
    floor : ndarray or float
        The lower bounds, of the shape of r.

    Raises
    ------
    ValueError
        If r is negative, nan, or above 1e300 without log10; if d, bias or weight_norm is
        out of range; if activation is unknown or has a kink; or if an option is not a
        boolean.

    References
    ----------
    .. [1] K. Fan, "On a Theorem of Weyl Concerning Eigenvalues of Linear Transformations
       I", PNAS 35, 1949.
    .. [2] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Theorems 4.2 and 4.8; Remark 4.5 asks
       for a bound without a condition on u.
    .. [3] L. Wu and J. Long, "A Spectral-Based Analysis of the Separation between Two-Layer
       Neural Networks and Linear Methods", JMLR 23, 2022.

    Examples
    --------
    >>> from skrf.theory import error_floor
    >>> error_floor([0, 1, 100, 3000], d=10, bias=-1.0).round(3)
    array([1.   , 0.869, 0.13 , 0.017])
    """
    _check_options(log10=log10, absolute=absolute)
    spectrum, norm = _spectrum_and_norm(d, bias, weight_norm, activation)
    log_r = _log_counts(r, log10)
    floor = spectrum.floor(log_r)
    if absolute:
        with np.errstate(over="ignore"):
            floor = floor * np.exp(spectrum.log_total + 2 * math.log(norm))
    return floor[()]


def features_needed(
    error: ArrayLike,
    d: int,
    bias: float = 0.0,
    weight_norm: float = 1.0,
    *,
    activation: str = "relu",
    absolute: bool = False,
) -> tuple[np.ndarray | float, np.ndarray | float]:
    """Minimum number of features of any kind for a mean error on a random neuron.

    The inverse of `error_floor`: the minimum number of largest eigenvalues [1]_ without
    which the sum of the eigenvalues is at most the error.

    Parameters
    ----------
    error : array-like
        Mean squared errors, above 0. They are relative to ||g_w||^2 unless `absolute` is
        set.
    d : int
        Number of inputs, from 2 to 2000.
    bias : float, default=0.0
        The bias b, at most 1000 weight_norm in size.
    weight_norm : float, default=1.0
        The norm ||w||.
    activation : str, default="relu"
        The activation of the neuron: "relu" or an analytic activation, such as "tanh" or
        "softplus". The spectrum of an analytic activation decreases fast, so the bounds
        depend on the weight norm [3]_.
    absolute : bool, default=False
        Whether `error` is absolute instead of relative.

    Returns
    -------
    log10_r : ndarray or float
        log10 of the number of features, of the shape of error; -inf for no features.
    r : ndarray or float
        The number of features. It is nan for numbers above 1e15, and for relative errors
        below the `tail` of `neuron_spectrum`. For biases between -10 and 10 weight_norm 12
        digits are correct.

    Raises
    ------
    ValueError
        If an error is not positive, or below 1e-300 of ||g_w||^2; if d, bias or weight_norm
        is out of range; if activation is unknown or has a kink; or if an option is not a
        boolean.

    References
    ----------
    .. [1] K. Fan, "On a Theorem of Weyl Concerning Eigenvalues of Linear Transformations
       I", PNAS 35, 1949.
    .. [2] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Theorems 4.2 and 4.8.
    .. [3] L. Wu and J. Long, "A Spectral-Based Analysis of the Separation between Two-Layer
       Neural Networks and Linear Methods", JMLR 23, 2022.

    Examples
    --------
    >>> from skrf.theory import features_needed
    >>> log10_r, r = features_needed([0.1, 0.01], d=10, bias=-1.0)
    >>> r
    array([  157., 13489.])
    """
    _check_options(absolute=absolute)
    spectrum, norm = _spectrum_and_norm(d, bias, weight_norm, activation)
    relative = relative_errors(error, spectrum, norm, absolute)
    log10_r, r = spectrum.features_needed(relative)
    return log10_r[()], r[()]


def failure_probability(
    r: ArrayLike,
    error: ArrayLike,
    d: int,
    bias: float = 0.0,
    weight_norm: float = 1.0,
    *,
    activation: str = "relu",
    tight: bool = True,
    log10: bool = False,
    absolute: bool = False,
) -> np.ndarray | float:
    r"""log10 of a bound of P(r fixed features reach an error on a random neuron).

    .. math:: P_w(\min_u \|\sum_i u_i f_i - g_w\|^2 \le \epsilon) \le
        \min_{l_0:\, T > \epsilon} \frac{S_r}{T - \epsilon}, \qquad
        T = \sum_{l > l_0} N_l \Lambda_l,

    with S_r the sum of the r largest eigenvalues above degree l_0, or r times the largest
    eigenvalue. The bound follows from Markov's inequality. It has the form of the theorems
    of [1]_, without a condition on u and without an unknown constant.

    Parameters
    ----------
    r : array-like
        Numbers of features, from 0 to 1e300.
    error : array-like
        Squared errors, above 0, broadcast against r. They are relative to ||g_w||^2 unless
        `absolute` is set.
    d : int
        Number of inputs, from 2 to 2000.
    bias : float, default=0.0
        The bias b, at most 1000 weight_norm in size.
    weight_norm : float, default=1.0
        The norm ||w||.
    activation : str, default="relu"
        The activation of the neuron: "relu" or an analytic activation, such as "tanh" or
        "softplus". The spectrum of an analytic activation decreases fast, so the bounds
        depend on the weight norm [2]_.
    tight : bool, default=True
        Whether S_r is the sum of the r largest eigenvalues. False uses r times the largest
        eigenvalue, a larger bound.
    log10 : bool, default=False
        Whether `r` holds decimal logarithms, which may have any size.
    absolute : bool, default=False
        Whether `error` is absolute instead of relative.

    Returns
    -------
    log10_probability : ndarray or float
        Decimal logarithms of the bounds, at most 0, of the common shape of r and error.

    Raises
    ------
    ValueError
        If r, error, d, bias or weight_norm is out of range; if activation is unknown or has
        a kink; if shapes do not broadcast; or if an option is not a boolean.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Theorems 4.2 and 4.8.
    .. [2] L. Wu and J. Long, "A Spectral-Based Analysis of the Separation between Two-Layer
       Neural Networks and Linear Methods", JMLR 23, 2022.

    Examples
    --------
    >>> from skrf.theory import failure_probability
    >>> print(f"{failure_probability(1e6, 0.02, d=20, weight_norm=20, absolute=True):.1f}")
    -7.6
    """
    _check_options(tight=tight, log10=log10, absolute=absolute)
    spectrum, norm = _spectrum_and_norm(d, bias, weight_norm, activation)
    log_r = _log_counts(r, log10)
    relative = relative_errors(error, spectrum, norm, absolute)
    _check_broadcast(log_r, relative)
    log10_p = spectrum.failure_probability(log_r, relative, tight)
    # Without features the relative error is 1.
    impossible = np.isneginf(log_r) & (relative < 1)
    return np.where(impossible, -np.inf, log10_p)[()]
