"""Hermite coefficients of activations, by closed forms or the trapezoidal rule."""

import numpy as np
from scipy.special import erf, gammaln, ndtr

from skrf._compiled.activations import LEAK
from skrf._utils.checks import check_choice, check_integer, is_number
from skrf.activations import ACTIVATIONS
from skrf.gaussian._neurons import density, moments

# Range of the trapezoidal rule, its points per unit of z, and the entries of a chunk.
_RANGE, _POINTS, _CHUNK = 13.0, 8, 2**16
# Bias in units of the weight norm beyond which the density at the kink of relu is 0.
_LINEAR = 1e3
# Maximum weight norm of the quadrature, whose points get closer in proportion. At this
# norm it takes one or two seconds.
_MAX_SCALE = 1e6


def _hermite_polynomials(z, n):
    """h_0(z), ..., h_n(z) as rows: h_k = He_k / sqrt(k!), orthonormal for N(0, 1)."""
    z = np.asarray(z, np.float64)
    values = np.empty((n + 1, *z.shape))
    values[0] = 1.0
    if n > 0:
        values[1] = z
    for k in range(1, n):
        values[k + 1] = (z * values[k] - np.sqrt(k) * values[k - 1]) / np.sqrt(k + 1)
    return values


def _smooth_step(n, scale, shift):
    """Coefficients of Phi(scale z + shift), or of 1(z + shift > 0) for infinite scale."""
    if np.isinf(scale):
        ratio, at = 1.0, shift
    else:
        length = np.hypot(1, scale)
        ratio, at = scale / length, shift / length
    k = np.arange(1, n + 1)
    coefficients = np.empty(n + 1)
    coefficients[0] = ndtr(at)
    if n > 0:
        signs = np.where(k % 2, 1.0, -1.0)
        h = _hermite_polynomials(at, n - 1)
        coefficients[1:] = signs * ratio**k * h * density(at) / np.sqrt(k)
    return coefficients


def _times_z(coefficients):
    """Coefficients of z f(z) up to degree n - 1, from the coefficients of f up to n."""
    k = np.arange(len(coefficients) - 1)
    lower = np.r_[0.0, coefficients[:-2]] * np.sqrt(k)
    return np.sqrt(k + 1) * coefficients[1:] + lower


def _linear(n, scale, shift):
    return np.r_[shift, scale, np.zeros(n)][: n + 1]


def _step(n, scale, shift):
    if scale == 0:
        return _linear(n, 0.0, float(shift > 0))
    return _smooth_step(n, np.inf, shift / scale)


def _relu(n, scale, shift):
    if abs(shift) > _LINEAR * scale:
        return _linear(n, scale if shift > 0 else 0.0, max(shift, 0.0))
    h = shift / scale if scale else 0.0
    step = _step(n, scale, shift)
    k = np.arange(1, n + 1)
    # By parts: E[relu(z + h) He_k(z)] = E[1(z + h > 0) He_{k-1}(z)].
    return scale * np.r_[moments(np.array([h]))[0], step[:-1] / np.sqrt(k)]


def _squared_relu(n, scale, shift):
    if scale == 0 or abs(shift) > _LINEAR * scale:
        square = np.zeros(max(n, 2) + 1)
        if shift > 0:  # (shift + scale z)^2
            square[:3] = np.array([shift, scale, scale]) * [shift, 2 * shift, np.sqrt(2)]
            square[0] += scale * scale
            square[2] *= scale
        return square[: n + 1]
    relu = _relu(n, scale, shift)
    k = np.arange(1, n + 1)
    square = moments(np.array([shift / scale]))[1]
    return scale * np.r_[scale * square, 2 * relu[:-1] / np.sqrt(k)]


def _erf(n, scale, shift):
    root = np.sqrt(2)
    coefficients = 2 * _smooth_step(n, root * scale, root * shift)
    coefficients[0] = erf(shift / np.hypot(1, root * scale))
    return coefficients


def _gelu(n, scale, shift):
    phi = _smooth_step(n + 1, scale, shift)
    return scale * _times_z(phi) + shift * phi[:-1]


def _sine(n, scale, shift):
    k = np.arange(n + 1)
    # exp(-scale^2 / 2) scale^k / sqrt(k!) in logarithms, because factors may overflow.
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = k * np.log(scale) - gammaln(k + 1) / 2 - scale * scale / 2
    size = np.where(k == 0, np.exp(-scale * scale / 2), np.exp(logs) if scale else 0.0)
    turned = np.array([np.sin(shift), np.cos(shift), -np.sin(shift), -np.cos(shift)])
    return size * turned[k % 4]


def _by_quadrature(name):
    def coefficients(n, scale, shift):
        if scale > _MAX_SCALE:
            raise ValueError(
                f"`weight_norm` must be at most {_MAX_SCALE:g} for {name}, which has no "
                f"closed form; got {scale:g}. Scale bias and weight_norm down."
            )
        # The points resolve poles at distance pi / (2 scale) and the waves of h_n.
        points = _POINTS * max(1.0, scale, np.sqrt(n) / 8)
        size = int(np.ceil(2 * _RANGE * points)) + 1
        step = 2 * _RANGE / (size - 1)
        total = np.zeros(n + 1)
        chunk = max(1, _CHUNK // (n + 1))
        for start in range(0, size, chunk):
            z = -_RANGE + step * np.arange(start, min(start + chunk, size))
            values = ACTIVATIONS[name](scale * z + shift) * density(z)
            total += _hermite_polynomials(z, n) @ values
        return step * total

    return coefficients


_CLOSED = {
    "relu": _relu,
    "step": _step,
    "leaky_relu": lambda n, scale, shift: (
        LEAK * _linear(n, scale, shift) + (1 - LEAK) * _relu(n, scale, shift)
    ),
    "abs": lambda n, scale, shift: 2 * _relu(n, scale, shift) - _linear(n, scale, shift),
    "squared_relu": _squared_relu,
    "gelu": _gelu,
    "erf": _erf,
    "sin": _sine,
    "cos": lambda n, scale, shift: _sine(n, scale, shift + np.pi / 2),
    "identity": _linear,
}
# name -> function of (n, scale, shift): coefficients of act(scale z + shift) up to degree n
COEFFICIENTS = _CLOSED | {
    name: _by_quadrature(name)
    for name, entry in ACTIVATIONS.items()
    if entry.analytic and name not in _CLOSED
}


def hermite_coefficients(
    activation: str, n: int, *, bias: float = 0.0, weight_norm: float = 1.0
) -> np.ndarray:
    r"""Hermite coefficients of an activation, up to degree n.

    .. math:: c_k = E[act(\sigma z + b)\, h_k(z)], \quad h_k = He_k / \sqrt{k!},
              \quad z \sim N(0, 1),

    in the orthonormal basis, where :math:`\sum_k c_k^2 = E[act(\sigma z + b)^2]`. For a
    neuron :math:`act(\langle w, x\rangle + b)` with :math:`\|w\| = \sigma` the part of
    degree k is :math:`c_k h_k(\langle w, x\rangle / \sigma)`.

    Parameters
    ----------
    activation : str
        The activation, a key of `skrf.ACTIVATIONS`.
    n : int
        The maximum degree.
    bias : float, default=0.0
        The bias b.
    weight_norm : float, default=1.0
        The norm :math:`\sigma \ge 0` of the weight.

    Returns
    -------
    coefficients : ndarray of shape (n + 1,)
        The coefficients c_0, ..., c_n.

    Raises
    ------
    ValueError
        If the activation is unknown. If n is not an integer >= 0. If bias is not finite.
        If weight_norm is negative or not finite, or above 1e6 for an activation without a
        closed form. If the coefficients overflow.

    Notes
    -----
    The error is about 1e-14 of the root mean square of the activation. The coefficients of
    softplus, silu, tanh and sigmoid are computed by the trapezoidal rule, which converges
    geometrically. All other activations have closed forms.

    References
    ----------
    .. [1] R. O'Donnell, "Analysis of Boolean Functions", Cambridge University Press, 2014.
       Section 11.2.

    Examples
    --------
    >>> from skrf.gaussian import hermite_coefficients
    >>> hermite_coefficients("relu", 2).round(6)
    array([0.398942, 0.5     , 0.282095])
    """
    check_choice("activation", activation, COEFFICIENTS)
    n = check_integer("n", n, 0, "pass the maximum degree")
    if not is_number(bias):
        raise ValueError(
            f"`bias` must be a finite number; got {bias!r}. Use 0.0 for no bias."
        )
    if not is_number(weight_norm) or weight_norm < 0:
        raise ValueError(
            f"`weight_norm` must be a finite number >= 0; got {weight_norm!r}. Pass the "
            "norm of the weight vector."
        )
    with np.errstate(over="ignore", invalid="ignore"):
        coefficients = COEFFICIENTS[activation](n, float(weight_norm), float(bias))
    if not np.isfinite(coefficients).all():
        raise ValueError(
            f"`bias` and `weight_norm` must be small enough for {activation}, whose "
            f"coefficients overflow float64; got bias={bias:g} and "
            f"weight_norm={weight_norm:g}. Scale both down."
        )
    return coefficients


def degree_energies(
    activation: str, n: int, *, bias: float = 0.0, weight_norm: float = 1.0
) -> np.ndarray:
    r"""Parts of an activation's mean square in the degrees 0, ..., n.

    .. math:: c_k^2, \quad \sum_{k \ge 0} c_k^2 = E[act(\sigma z + b)^2],

    the squares of `hermite_coefficients`. The sum over all degrees is Parseval's identity,
    so the mean square minus the sum up to n is in the degrees above n.

    Parameters
    ----------
    activation : str
        The activation, a key of `skrf.ACTIVATIONS`.
    n : int
        The maximum degree.
    bias : float, default=0.0
        The bias b.
    weight_norm : float, default=1.0
        The norm :math:`\sigma \ge 0` of the weight.

    Returns
    -------
    energies : ndarray of shape (n + 1,)
        The squared coefficients c_0^2, ..., c_n^2.

    Raises
    ------
    ValueError
        If `hermite_coefficients` raises it for these arguments.

    References
    ----------
    .. [1] R. O'Donnell, "Analysis of Boolean Functions", Cambridge University Press, 2014.
       Section 11.2.

    Examples
    --------
    >>> from skrf.gaussian import degree_energies
    >>> degree_energies("sin", 3).round(6)
    array([0.      , 0.367879, 0.      , 0.061313])
    """
    return hermite_coefficients(activation, n, bias=bias, weight_norm=weight_norm) ** 2
