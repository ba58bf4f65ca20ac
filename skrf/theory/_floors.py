"""Lower bounds for fixed features: random neurons (Theorem 4.8), linear targets (4.1)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc, betaln
from scipy.stats import beta
from sklearn.utils import check_random_state

from skrf._utils.checks import check_boolean, check_integer, is_number, real_array
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


def _check_array(name, value, is_valid, what, remedy):
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
        return _check_array("r", r, lambda a: ~np.isnan(a), what, remedy) * math.log(10)
    what, remedy = "a number from 0 to 1e300", "Use log10=True for larger numbers"
    r = _check_array("r", r, lambda a: (a >= 0) & (a <= 1e300), what, remedy)
    with np.errstate(divide="ignore"):
        return np.log(r)


def _relative_errors(error, spectrum, norm, absolute):
    """Relative errors, for relative or absolute errors."""
    what, remedy = "a positive finite number", "Pass the mean squared error to reach"
    error = _check_array("error", error, lambda a: (a > 0) & (a < np.inf), what, remedy)
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


def neuron_spectrum(d: int, bias: float = 0.0, weight_norm: float = 1.0) -> NeuronSpectrum:
    r"""Spectrum of a random ReLU neuron, from which all lower bounds are computed.

    This is the spectrum of :math:`f \mapsto E_w[\langle f, g_w\rangle g_w]` in L2 of
    N(0, I), with w uniform on the sphere of radius `weight_norm` and
    :math:`g_w(x) = relu(\langle w, x\rangle + b)`. Each degree l of the spherical harmonics
    has one eigenvalue Lambda_l of multiplicity N(d, l), by the Funk-Hecke formula.

    Parameters
    ----------
    d : int
        Number of inputs, from 2 to 2000.
    bias : float, default=0.0
        The bias b, at most 1000 weight_norm in size.
    weight_norm : float, default=1.0
        The norm ||w||.

    Returns
    -------
    spectrum : NeuronSpectrum
        Lambda_l and N(d, l), also as logarithms, of the neuron divided by weight_norm,
        which has norm 1 and bias / weight_norm.

    Raises
    ------
    ValueError
        If d, bias or weight_norm is out of range.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Theorem 4.8.

    Examples
    --------
    >>> from skrf.theory import neuron_spectrum
    >>> spectrum = neuron_spectrum(10)
    >>> round(spectrum.total, 12)
    0.5
    """
    return relu_spectrum(int(d), check_neuron(d, bias, weight_norm))


def error_floor(
    r: ArrayLike,
    d: int,
    bias: float = 0.0,
    weight_norm: float = 1.0,
    *,
    log10: bool = False,
    absolute: bool = False,
) -> np.ndarray | float:
    r"""Lower bound of the mean error of any r fixed features on a random ReLU neuron.

    For f_1, ..., f_r in L2 of N(0, I) chosen before w is drawn from the sphere of radius
    `weight_norm`, and :math:`g_w(x) = relu(\langle w, x\rangle + b)`,

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
        The norm ||w||. A relative error depends only on bias / weight_norm.
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
        out of range; or if an option is not a boolean.

    References
    ----------
    .. [1] K. Fan, "On a Theorem of Weyl Concerning Eigenvalues of Linear Transformations
       I", PNAS 35, 1949.
    .. [2] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Theorems 4.2 and 4.8; Remark 4.5 asks
       for a bound without a condition on u.

    Examples
    --------
    >>> from skrf.theory import error_floor
    >>> error_floor([0, 1, 100, 3000], d=10, bias=-1.0).round(3)
    array([1.   , 0.869, 0.13 , 0.017])
    """
    _check_options(log10=log10, absolute=absolute)
    h = check_neuron(d, bias, weight_norm)
    log_r = _log_counts(r, log10)
    spectrum = relu_spectrum(int(d), h)
    floor = spectrum.floor(log_r)
    if absolute:
        with np.errstate(over="ignore"):
            floor = floor * np.exp(spectrum.log_total + 2 * math.log(weight_norm))
    return floor[()]


def features_needed(
    error: ArrayLike,
    d: int,
    bias: float = 0.0,
    weight_norm: float = 1.0,
    *,
    absolute: bool = False,
) -> tuple[np.ndarray | float, np.ndarray | float]:
    """Minimum number of features of any kind for a mean error on a random ReLU neuron.

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
        is out of range; or if an option is not a boolean.

    References
    ----------
    .. [1] K. Fan, "On a Theorem of Weyl Concerning Eigenvalues of Linear Transformations
       I", PNAS 35, 1949.
    .. [2] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Theorems 4.2 and 4.8.

    Examples
    --------
    >>> from skrf.theory import features_needed
    >>> log10_r, r = features_needed([0.1, 0.01], d=10, bias=-1.0)
    >>> r
    array([  157., 13489.])
    """
    _check_options(absolute=absolute)
    h = check_neuron(d, bias, weight_norm)
    spectrum = relu_spectrum(int(d), h)
    relative = _relative_errors(error, spectrum, weight_norm, absolute)
    log10_r, r = spectrum.features_needed(relative)
    return log10_r[()], r[()]


def failure_probability(
    r: ArrayLike,
    error: ArrayLike,
    d: int,
    bias: float = 0.0,
    weight_norm: float = 1.0,
    *,
    tight: bool = True,
    log10: bool = False,
    absolute: bool = False,
) -> np.ndarray | float:
    r"""log10 of a bound of P(r fixed features reach an error on a random ReLU neuron).

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
        If r, error, d, bias or weight_norm is out of range; if shapes do not broadcast; or
        if an option is not a boolean.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Theorems 4.2 and 4.8.

    Examples
    --------
    >>> from skrf.theory import failure_probability
    >>> print(f"{failure_probability(1e6, 0.02, d=20, weight_norm=20, absolute=True):.1f}")
    -7.6
    """
    _check_options(tight=tight, log10=log10, absolute=absolute)
    h = check_neuron(d, bias, weight_norm)
    log_r = _log_counts(r, log10)
    spectrum = relu_spectrum(int(d), h)
    relative = _relative_errors(error, spectrum, weight_norm, absolute)
    _check_broadcast(log_r, relative)
    log10_p = spectrum.failure_probability(log_r, relative, tight)
    # Without features the relative error is 1.
    impossible = np.isneginf(log_r) & (relative < 1)
    return np.where(impossible, -np.inf, log10_p)[()]


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
    >>> from skrf.theory._floors import squared_distance_distribution
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
    >>> from skrf.theory._floors import log_distance_probability
    >>> print(f"{log_distance_probability(0.25, 160_000, 80_000) / 160_000:.4f}")
    -0.0720
    """
    d, r = _check_span(d, r)
    remedy = "Pass the squared distance of a unit vector"
    x = _check_array("error", error, lambda a: (a >= 0) & (a <= 1), "in [0, 1]", remedy)
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


def distance_rate(ratio=0.5, error=0.25):
    """Limit of -log P(squared distance < error) / d as d grows, r = ratio d.

    The limit is ((1 - q) log((1 - q) / e) + q log(q / (1 - e))) / 2 with the ratio q and
    the error e < 1 - q. For Proposition 4.1, whose c is unspecified, it is
    -log(3/4) / 4 = 0.0719.
    """
    if not is_number(ratio) or not 0 < ratio < 1:
        raise ValueError(f"`ratio` must be in (0, 1); got {ratio!r}. Pass r / d.")
    if not is_number(error) or not 0 < error < 1 - ratio:
        raise ValueError(
            f"`error` must be in (0, {1 - ratio:.6g}), below the mean 1 - ratio; got "
            f"{error!r}. Use a smaller error."
        )
    rest = 1 - ratio
    return (rest * math.log(rest / error) + ratio * math.log(ratio / (1 - error))) / 2


def simulate_squared_distances(d, r, n_draws=1000, random_state=None):
    """Simulated squared distances of a unit w* to the span of r Gaussian directions.

    Parameters
    ----------
    d, r : int
        Dimension and number of directions, as in `squared_distance_distribution`.
    n_draws : int, default=1000
        Number of independent spans.
    random_state : int, RandomState instance or None, default=None
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
