"""Hermite coefficients of activations: closed forms, or the trapezoidal rule."""

import numpy as np
from scipy.special import erf, gammaln, ndtr

from skrf._compiled import neurons
from skrf._utils.checks import check_choice, check_integer, is_number
from skrf.activations import ACTIVATIONS
from skrf.gaussian._neurons import density, moments

# The rule's range and its number of points for each unit of z.
_RANGE, _POINTS, _CHUNK = 13.0, 8, 2**16
# Bias in units of the weight norm beyond which relu has its kink at densities of 0.
_LINEAR = 1e3
# Of the quadrature, whose points are as many times as close: a second or two.
_MOST_SCALE = 1e6


def hermite_functions(z, n):
    """h_0(z), ..., h_n(z), one a row: He_k / sqrt(k!), orthonormal for N(0, 1)."""
    z = np.asarray(z, np.float64)
    values = np.empty((n + 1, *z.shape))
    values[0] = 1.0
    if n > 0:
        values[1] = z
    for k in range(1, n):
        values[k + 1] = (z * values[k] - np.sqrt(k) * values[k - 1]) / np.sqrt(k + 1)
    return values


def _smooth_step(n, scale, shift):
    """Coefficients of Phi(scale z + shift); of 1(z + shift > 0) for infinite scale."""
    if np.isinf(scale):
        ratio, at = 1.0, shift
    else:
        length = np.hypot(1, scale)
        ratio, at = scale / length, shift / length
    k = np.arange(1, n + 1)
    found = np.empty(n + 1)
    found[0] = ndtr(at)
    if n > 0:
        signs = np.where(k % 2, 1.0, -1.0)
        h = hermite_functions(at, n - 1)
        found[1:] = signs * ratio**k * h * density(at) / np.sqrt(k)
    return found


def _times_z(found):
    """Coefficients of z f(z), one fewer than those of f."""
    k = np.arange(len(found) - 1)
    lower = np.r_[0.0, found[:-2]] * np.sqrt(k)
    return np.sqrt(k + 1) * found[1:] + lower


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
        found = np.zeros(max(n, 2) + 1)
        if shift > 0:  # (shift + scale z)^2
            found[:3] = np.array([shift, scale, scale]) * [shift, 2 * shift, np.sqrt(2)]
            found[0] += scale * scale
            found[2] *= scale
        return found[: n + 1]
    relu = _relu(n, scale, shift)
    k = np.arange(1, n + 1)
    square = moments(np.array([shift / scale]))[1]
    return scale * np.r_[scale * square, 2 * relu[:-1] / np.sqrt(k)]


def _erf(n, scale, shift):
    root = np.sqrt(2)
    found = 2 * _smooth_step(n, root * scale, root * shift)
    found[0] = erf(shift / np.hypot(1, root * scale))
    return found


def _gelu(n, scale, shift):
    phi = _smooth_step(n + 1, scale, shift)
    return scale * _times_z(phi) + shift * phi[:-1]


def _sine(n, scale, shift):
    k = np.arange(n + 1)
    # exp(-scale^2 / 2) scale^k / sqrt(k!) in logarithms: no factor need be a float.
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = k * np.log(scale) - gammaln(k + 1) / 2 - scale * scale / 2
    size = np.where(k == 0, np.exp(-scale * scale / 2), np.exp(logs) if scale else 0.0)
    turned = np.array([np.sin(shift), np.cos(shift), -np.sin(shift), -np.cos(shift)])
    return size * turned[k % 4]


def _by_quadrature(name):
    def coefficients(n, scale, shift):
        if scale > _MOST_SCALE:
            raise ValueError(
                f"weight_norm={scale:g} is too large for {name}, which takes "
                f"{_MOST_SCALE:g} at most. Scale bias and weight_norm down; for long "
                "weights this activation is nearly step, relu or sign."
            )
        # Fine enough for poles at distance pi / (2 scale), and for the waves of h_n.
        points = _POINTS * max(1.0, scale, np.sqrt(n) / 8)
        size = int(np.ceil(2 * _RANGE * points)) + 1
        step = 2 * _RANGE / (size - 1)
        total = np.zeros(n + 1)
        chunk = max(1, _CHUNK // (n + 1))
        for start in range(0, size, chunk):
            z = -_RANGE + step * np.arange(start, min(start + chunk, size))
            values = ACTIVATIONS[name](scale * z + shift) * density(z)
            total += hermite_functions(z, n) @ values
        return step * total

    return coefficients


_CLOSED = {
    "relu": _relu,
    "step": _step,
    "leaky_relu": lambda n, scale, shift: (
        neurons.LEAK * _linear(n, scale, shift)
        + (1 - neurons.LEAK) * _relu(n, scale, shift)
    ),
    "abs": lambda n, scale, shift: 2 * _relu(n, scale, shift) - _linear(n, scale, shift),
    "squared_relu": _squared_relu,
    "gelu": _gelu,
    "erf": _erf,
    "sin": _sine,
    "cos": lambda n, scale, shift: _sine(n, scale, shift + np.pi / 2),
    "identity": _linear,
}
# name -> coefficients of act(scale z + shift) up to degree n
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

    in the orthonormal basis, so that :math:`\sum_k c_k^2 = E[act(\sigma z + b)^2]`. For a
    neuron :math:`act(\langle w, x\rangle + b)` with :math:`\|w\| = \sigma` the part of
    degree k is :math:`c_k h_k(\langle w, x\rangle / \sigma)`. The error is some 1e-14 of
    the root mean square of the activation. softplus, silu, tanh and sigmoid go through the
    trapezoidal rule, which converges geometrically; all others have closed forms.

    Source: Hermite's orthogonal polynomials; O'Donnell (2014), Section 11.2.

    Parameters
    ----------
    activation : str
        A key of `skrf.ACTIVATIONS`.
    n : int
        The largest degree.
    bias : float, default=0.0
        The bias b.
    weight_norm : float, default=1.0
        The norm :math:`\sigma \ge 0` of the weight.

    Returns
    -------
    coefficients : ndarray of shape (n + 1,)
        c_0, ..., c_n.

    Raises
    ------
    ValueError
        For an unknown activation, n that is no integer >= 0, a bias that is not finite,
        weight_norm that is not finite or negative, or above 1e6 where there is no closed
        form, and for coefficients that overflow.

    Examples
    --------
    >>> from skrf.gaussian import hermite_coefficients
    >>> hermite_coefficients("relu", 2).round(6)
    array([0.398942, 0.5     , 0.282095])
    """
    check_choice("activation", activation, COEFFICIENTS)
    n = check_integer("n", n, 0, "give the largest degree")
    if not is_number(bias):
        raise ValueError(f"bias={bias!r} must be a finite number. Use 0.0 for none.")
    if not is_number(weight_norm) or weight_norm < 0:
        raise ValueError(
            f"weight_norm={weight_norm!r} must be a finite number >= 0. Give the length of "
            "the weight vector."
        )
    with np.errstate(over="ignore", invalid="ignore"):
        found = COEFFICIENTS[activation](n, float(weight_norm), float(bias))
    if not np.isfinite(found).all():
        raise ValueError(
            f"The coefficients of {activation} overflow float64 at bias={bias:g} and "
            f"weight_norm={weight_norm:g}. Scale both down."
        )
    return found


def degree_energies(
    activation: str, n: int, *, bias: float = 0.0, weight_norm: float = 1.0
) -> np.ndarray:
    r"""Shares of an activation's mean square in the degrees 0, ..., n.

    .. math:: c_k^2, \quad \sum_{k \ge 0} c_k^2 = E[act(\sigma z + b)^2],

    the squares of `hermite_coefficients`. What is missing from the mean square is in the
    degrees above n.

    Source: Parseval's identity for Hermite's orthogonal polynomials.

    Parameters
    ----------
    activation : str
        A key of `skrf.ACTIVATIONS`.
    n : int
        The largest degree.
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
        As `hermite_coefficients`.

    Examples
    --------
    >>> from skrf.gaussian import degree_energies
    >>> degree_energies("sin", 3).round(6)
    array([0.      , 0.367879, 0.      , 0.061313])
    """
    return hermite_coefficients(activation, n, bias=bias, weight_norm=weight_norm) ** 2
