"""Floors of fixed features on random neurons (Theorem 4.8), and on linear ones (4.1)."""

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
    """bias / weight_norm, after checks of all three."""
    check_integer("d", d, 2, "give the number of features, at least two")
    if d > 2000:
        raise ValueError(
            f"d={d} is above 2000, where spectra take minutes. Use a smaller d."
        )
    if not is_number(weight_norm) or weight_norm <= 0:
        raise ValueError(
            f"weight_norm={weight_norm!r} must be a positive finite number; a neuron "
            "without weight is a constant. Give ||w||."
        )
    if not is_number(bias) or not abs(float(bias)) <= 1e3 * weight_norm:
        raise ValueError(
            f"bias={bias!r} must be a number with |bias| <= 1000 weight_norm, here "
            f"{1e3 * weight_norm:.6g}: beyond, the neuron is linear or 0. Use a smaller "
            "bias, or a larger weight_norm."
        )
    return float(bias) / float(weight_norm)


def _check_options(**options):
    for name, value in options.items():
        check_boolean(name, value)


def _check_array(name, value, fits, what):
    array = real_array(name, value, finite=False)
    wrong = ~fits(array)
    if wrong.any():
        raise ValueError(f"{name}={array[wrong].flat[0]} must be {what}.")
    return array


def _check_broadcast(r, error):
    try:
        np.broadcast_shapes(r.shape, error.shape)
    except ValueError as cause:
        raise ValueError(
            f"r and error have shapes {r.shape} and {error.shape}, which do not broadcast. "
            "Give as many of both, or a number as one of them."
        ) from cause


def _log_counts(r, log10):
    """log r of counts, or of their decimal logarithms."""
    if log10:
        what = "a decimal logarithm, not nan; give log10 of the number of features"
        return _check_array("r", r, lambda a: ~np.isnan(a), what) * math.log(10)
    what = "a number >= 0; above 1e300, give its log10 with log10=True"
    r = _check_array("r", r, lambda a: (a >= 0) & (a <= 1e300), what)
    with np.errstate(divide="ignore"):
        return np.log(r)


def _shares(error, spectrum, norm, absolute):
    """Relative errors, from relative or absolute ones."""
    what = "a positive number; give the error that the features may have"
    error = _check_array("error", error, lambda a: (a > 0) & (a < np.inf), what)
    if absolute:
        with np.errstate(over="ignore", under="ignore"):
            error = np.exp(np.log(error) - spectrum.log_total - 2 * math.log(norm))
    if (error < 1e-300).any():
        raise ValueError(
            "error is below 1e-300 of the target's squared norm, which floats do not hold. "
            "Use a larger error or a smaller weight_norm."
        )
    return error


def neuron_spectrum(d: int, bias: float = 0.0, weight_norm: float = 1.0) -> NeuronSpectrum:
    r"""The spectrum of the law of a random ReLU neuron, which all floors come from.

    Of :math:`f \mapsto E_w[\langle f, g_w\rangle g_w]` in L2 of N(0, I), with w uniform on
    the sphere of radius `weight_norm` and :math:`g_w(x) = relu(\langle w, x\rangle + b)`:
    one eigenvalue Lambda_l, N(d, l) times, for each degree l of the spherical harmonics.

    Source: the Funk-Hecke formula; the operator behind Theorem 4.8 of Yehudai and Shamir
    (2019).

    Parameters
    ----------
    d : int
        Number of inputs, from 2 to 2000.
    bias : float, default=0.0
        The bias b, at most 1000 weight_norm in size.
    weight_norm : float, default=1.0
        ||w||.

    Returns
    -------
    spectrum : NeuronSpectrum
        Lambda_l and N(d, l), also in logarithms, of the neuron divided by weight_norm: of
        norm 1 and bias / weight_norm.

    Raises
    ------
    ValueError
        For d, bias or weight_norm out of range.

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
    r"""Least mean error of any r fixed features on a random ReLU neuron.

    For f_1, ..., f_r in L2 of N(0, I) chosen before w is drawn from the sphere of radius
    `weight_norm`, and :math:`g_w(x) = relu(\langle w, x\rangle + b)`,

    .. math:: E_w \min_u \|\sum_i u_i f_i - g_w\|^2 / \|g_w\|^2 \ge
        1 - \sum_{i \le r} \lambda_i / \|g\|^2

    with the r largest eigenvalues of :math:`E_w[g_w \otimes g_w]`. The eigenfunctions
    attain it. No size of u helps. Where the features are random and their law is rotation
    invariant, it holds for every w, in mean over the features.

    Source: Ky Fan (1949); the floor behind Theorems 4.2 and 4.8 of Yehudai and Shamir
    (2019), and what their Remark 4.5 asks for.

    Parameters
    ----------
    r : array-like
        Numbers of features, from 0 to 1e300.
    d : int
        Number of inputs, from 2 to 2000.
    bias : float, default=0.0
        The bias b, at most 1000 weight_norm in size.
    weight_norm : float, default=1.0
        ||w||; only bias / weight_norm matters for a relative error.
    log10 : bool, default=False
        Whether `r` holds decimal logarithms, of any size.
    absolute : bool, default=False
        Whether to return the squared error itself, ||g||^2 times the relative one.

    Returns
    -------
    floor : ndarray or float
        The least mean errors, of the shape of r.

    Raises
    ------
    ValueError
        For r that is negative, nan, or above 1e300 without log10; for d, bias or
        weight_norm out of range; for an option that is not a boolean.

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
    """Fewest features of any kind for a mean error on a random ReLU neuron.

    The inverse of `error_floor`: eigenvalues are taken from the largest until the rest is
    at most the error.

    Source: Ky Fan (1949); Theorems 4.2 and 4.8 of Yehudai and Shamir (2019).

    Parameters
    ----------
    error : array-like
        Mean squared errors relative to ||g_w||^2, above 0; with `absolute`, themselves.
    d : int
        Number of inputs, from 2 to 2000.
    bias : float, default=0.0
        The bias b, at most 1000 weight_norm in size.
    weight_norm : float, default=1.0
        ||w||.
    absolute : bool, default=False
        Whether `error` is not relative.

    Returns
    -------
    log10_r : ndarray or float
        log10 of the number, -inf where none is needed; of the shape of error.
    r : ndarray or float
        The number itself where it is below 1e15 (12 digits are sure, for biases between
        -10 and 10 weight_norm), else nan; nan, too, for relative errors below the
        spectrum's `tail` (see `neuron_spectrum`).

    Raises
    ------
    ValueError
        For an error that is not positive, or below 1e-300 of ||g_w||^2; for d, bias or
        weight_norm out of range; for an option that is not a boolean.

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
    log10_r, r = spectrum.features_needed(_shares(error, spectrum, weight_norm, absolute))
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

    S_r the sum of the r largest eigenvalues above degree l_0, or r times the largest
    (`tight=False`): the form of the theorems, without a bound on u and without an unknown
    constant.

    Source: Theorems 4.2 and 4.8 of Yehudai and Shamir (2019); Markov's inequality.

    Parameters
    ----------
    r : array-like
        Numbers of features, from 0 to 1e300.
    error : array-like
        Squared errors relative to ||g_w||^2, above 0; broadcast against r.
    d : int
        Number of inputs, from 2 to 2000.
    bias : float, default=0.0
        The bias b, at most 1000 weight_norm in size.
    weight_norm : float, default=1.0
        ||w||.
    tight : bool, default=True
        Whether S_r is the sum, and not r times the largest.
    log10 : bool, default=False
        Whether `r` holds decimal logarithms, of any size.
    absolute : bool, default=False
        Whether `error` is not relative.

    Returns
    -------
    log10_probability : ndarray or float
        At most 0; of the common shape of r and error.

    Raises
    ------
    ValueError
        As `error_floor` and `features_needed`, and for shapes that do not broadcast.

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
    share = _shares(error, spectrum, weight_norm, absolute)
    _check_broadcast(log_r, share)
    found = spectrum.failure_probability(log_r, share, tight)
    # No features reach no error below 1.
    none = np.isneginf(log_r) & (share < 1)
    return np.where(none, -np.inf, found)[()]


def squared_distance_law(d, r):
    """The law of the squared distance of a unit w* to the span of r random directions.

    It is the error of Eq. 3, and Beta((d - r) / 2, r / 2) exactly, for directions of any
    spherically symmetric law (Proposition 4.1).

    Parameters
    ----------
    d, r : int
        Dimension and number of directions, 1 <= r < d.

    Returns
    -------
    law : scipy.stats frozen distribution
        With `cdf`, `mean`, `ppf`, ...

    Examples
    --------
    >>> from skrf.theory._floors import squared_distance_law
    >>> print(f"{squared_distance_law(160, 80).cdf(0.25):.2g}")
    8.6e-07
    """
    d, r = _check_span(d, r)
    return beta((d - r) / 2, r / 2)


def _check_span(d, r):
    """Both as Python's own integers."""
    d = check_integer("d", d, 2, "give the dimension of w*")
    r = check_integer("r", r, 1, "give the number of directions")
    if r >= d:
        raise ValueError(
            f"r={r} must be below d={d}: the span is all of the space, and the distance "
            "is 0. Use a smaller r."
        )
    return d, r


def log_distance_probability(error, d, r):
    """log P(squared distance < error) under `squared_distance_law`, below underflow too.

    Parameters
    ----------
    error : array-like
        In [0, 1].
    d, r : int
        As in `squared_distance_law`.

    Returns
    -------
    log_probability : ndarray or float
        Natural logarithm; 1 - exp of it is the survival, P(distance^2 >= error).

    Examples
    --------
    >>> from skrf.theory._floors import log_distance_probability
    >>> print(f"{log_distance_probability(0.25, 160_000, 80_000) / 160_000:.4f}")
    -0.0720
    """
    d, r = _check_span(d, r)
    what = "in [0, 1]; give a squared distance of a unit vector"
    x = _check_array("error", error, lambda a: (a >= 0) & (a <= 1), what)
    a, b = (d - r) / 2, r / 2
    with np.errstate(divide="ignore"):
        out = np.array(np.log(betainc(a, b, x)))
    small = (out < -200) & (x > 0)
    if small.any():
        # I_x(a, b) = x^a (1 - x)^b / (a B(a, b)) sum_n (a + b)_n / (a + 1)_n x^n: terms of
        # one sign, falling from the first where the mass is far to the right.
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

    ((1 - q) log((1 - q) / e) + q log(q / (1 - e))) / 2, q the ratio and e < 1 - q the
    error: -log(3/4) / 4 = 0.0719 for the statement of Proposition 4.1, whose c is
    unspecified.
    """
    if not is_number(ratio) or not 0 < ratio < 1:
        raise ValueError(f"ratio={ratio!r} must be in (0, 1); give r / d.")
    if not is_number(error) or not 0 < error < 1 - ratio:
        raise ValueError(
            f"error={error!r} must be in (0, {1 - ratio:.6g}), below the mean 1 - ratio: "
            "from there on the probability does not vanish. Use a smaller error."
        )
    rest = 1 - ratio
    return (rest * math.log(rest / error) + ratio * math.log(ratio / (1 - error))) / 2


def simulate_squared_distances(d, r, n_draws=1000, random_state=None):
    """Squared distances of a unit w* to the span of r Gaussian directions, drawn.

    Parameters
    ----------
    d, r : int
        As in `squared_distance_law`.
    n_draws : int, default=1000
        Number of independent spans.
    random_state : int, RandomState instance or None, default=None
        Fixes the draw.

    Returns
    -------
    distances : ndarray of shape (n_draws,)
    """
    d, r = _check_span(d, r)
    n_draws = check_integer("n_draws", n_draws, 1, "give the number of spans")
    rng = check_random_state(random_state)
    distances = np.empty(n_draws)
    for i in range(n_draws):
        Q = np.linalg.qr(rng.standard_normal((d, r)))[0]
        distances[i] = np.sum((np.eye(d, 1)[:, 0] - Q @ Q[0]) ** 2)  # w* = e_1
    return distances
