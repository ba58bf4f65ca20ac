"""Activations as formulas for arrays of any namespace, beside their compiled functions.

Every formula takes the functions xp of the namespace and the arguments z. Features of
NumPy's arrays use the compiled functions for values and slopes, which are faster.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

from scipy.special import erf, erfc

from skrf._compiled.activations import LEAK


class ArrayFormulas(NamedTuple):
    """act(z), act'(z) and, where act' is continuous, act''(z)."""

    value: Callable
    slope: Callable
    second: Callable | None = None


def _positive_part(xp, z):
    return xp.clip(z, 0, None)


def _is_positive(xp, z):
    return xp.astype(z > 0, z.dtype)


def _expit(xp, z):
    # The function of scipy does not take arrays on every device.
    return xp.exp(xp.clip(z, None, 0)) / (1 + xp.exp(-xp.abs(z)))


def _leaky_slope(xp, z):
    return xp.where(z > 0, xp.ones_like(z), LEAK * xp.ones_like(z))


def _density(xp, z):
    return xp.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)


def _normal_cdf(z):
    return 0.5 * erfc(-math.sqrt(0.5) * z)


def _softplus(xp, z):
    return _positive_part(xp, z) + xp.log1p(xp.exp(-xp.abs(z)))


def _silu_slope(xp, z):
    return _expit(xp, z) * (1 + z * _expit(xp, -z))


def _silu_second(xp, z):
    slope = _expit(xp, z) * _expit(xp, -z)
    return slope * (2 + z * (1 - 2 * _expit(xp, z)))


def _sigmoid_slope(xp, z):
    return _expit(xp, z) * _expit(xp, -z)


def _tanh_slope(xp, z):
    return 1 - xp.tanh(z) ** 2


def _erf_slope(xp, z):
    return 2 / math.sqrt(math.pi) * xp.exp(-z * z)


ARRAY_FORMULAS = {
    "relu": ArrayFormulas(_positive_part, _is_positive),
    "step": ArrayFormulas(_is_positive, lambda xp, z: xp.zeros_like(z)),
    "leaky_relu": ArrayFormulas(lambda xp, z: z * _leaky_slope(xp, z), _leaky_slope),
    "abs": ArrayFormulas(lambda xp, z: xp.abs(z), lambda xp, z: xp.sign(z)),
    "squared_relu": ArrayFormulas(
        lambda xp, z: _positive_part(xp, z) ** 2,
        lambda xp, z: 2 * _positive_part(xp, z),
        lambda xp, z: 2 * _is_positive(xp, z),
    ),
    "softplus": ArrayFormulas(_softplus, lambda xp, z: _expit(xp, z), _sigmoid_slope),
    "silu": ArrayFormulas(lambda xp, z: z * _expit(xp, z), _silu_slope, _silu_second),
    "gelu": ArrayFormulas(
        lambda xp, z: z * _normal_cdf(z),
        lambda xp, z: _normal_cdf(z) + z * _density(xp, z),
        lambda xp, z: (2 - z * z) * _density(xp, z),
    ),
    "tanh": ArrayFormulas(
        lambda xp, z: xp.tanh(z),
        _tanh_slope,
        lambda xp, z: -2 * xp.tanh(z) * _tanh_slope(xp, z),
    ),
    "sigmoid": ArrayFormulas(
        lambda xp, z: _expit(xp, z),
        _sigmoid_slope,
        lambda xp, z: _sigmoid_slope(xp, z) * (1 - 2 * _expit(xp, z)),
    ),
    "erf": ArrayFormulas(
        lambda xp, z: erf(z), _erf_slope, lambda xp, z: -2 * z * _erf_slope(xp, z)
    ),
    "sin": ArrayFormulas(
        lambda xp, z: xp.sin(z), lambda xp, z: xp.cos(z), lambda xp, z: -xp.sin(z)
    ),
    "cos": ArrayFormulas(
        lambda xp, z: xp.cos(z), lambda xp, z: -xp.sin(z), lambda xp, z: -xp.cos(z)
    ),
    "identity": ArrayFormulas(
        lambda xp, z: z, lambda xp, z: xp.ones_like(z), lambda xp, z: xp.zeros_like(z)
    ),
}
