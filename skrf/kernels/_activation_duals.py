"""Duals of activations: E[act(p) act(q)] and E[act'(p) act'(q)] for Gaussian pairs.

A centred Gaussian pair is described by the standard deviations |p| and |q|, the versine
v = 1 - corr(p, q) and the vercosine 1 + corr(p, q). Unlike the correlation, the versine
stays exact for nearly parallel rows, where the angle is about sqrt(2 v), and the vercosine
stays exact for nearly opposite rows.
"""

from math import factorial
from typing import NamedTuple

import numpy as np

from skrf._compiled import mixtures
from skrf._compiled.activations import LEAK
from skrf._utils.blocks import row_blocks
from skrf._utils.threads import in_threads

# Blocks of double sums have fewer pairs by this factor, because a pair takes about 1 µs.
_WORK_OF_PAIR = 64


class Pairs(NamedTuple):
    """Centred Gaussian pairs: standard deviations, versines and vercosines."""

    p: np.ndarray  # (n, 1)
    q: np.ndarray  # (1, m)
    versine: np.ndarray  # (n, m)
    opposite: np.ndarray | None = None  # (n, m), if more exact than 2 - versine

    @property
    def vercosine(self):
        return 2 - self.versine if self.opposite is None else self.opposite

    @property
    def cosine(self):
        return 1 - self.versine

    @property
    def sine(self):
        return np.sqrt(self.versine * self.vercosine)

    @property
    def angle(self):
        return 2 * np.arctan2(np.sqrt(self.versine), np.sqrt(self.vercosine))

    @property
    def supplement(self):
        """pi - angle, exact where it is small."""
        return 2 * np.arctan2(np.sqrt(self.vercosine), np.sqrt(self.versine))

    @property
    def covariance(self):
        return self.p * self.q * self.cosine


# ------------------------------------------------------- duals: E f(p) f(q), and of f'


def _odd_series(coefficients, d):
    """sum_k coefficients[k] d^(2 k + 1)."""
    return d * np.polynomial.polynomial.polyval(d * d, coefficients)


# sin d - d cos d, and d (1 + 2 cos^2 d) - 3 sin d cos d, for |d| <= 1. They are of order
# d^3 and d^5, but their terms are of order d. Their series: with e = 2 d the second is
# e + e cos(e) / 2 - 3 sin(e) / 2.
_ORDER_1 = [-((-1) ** k) * 2 * k / factorial(2 * k + 1) for k in range(11)]
_ORDER_2 = [
    (k > 0) * (-1) ** k * 2 ** (2 * k + 1) * (k - 1) / factorial(2 * k + 1)
    for k in range(16)
]


def _order_1(d):
    """sin d - d cos d for d >= 0: the arc-cosine function J_1 at pi - d."""
    near = _odd_series(_ORDER_1, np.minimum(d, 1))
    return np.where(d < 1, near, np.sin(d) - d * np.cos(d))


def _order_2(d):
    """d (1 + 2 cos^2 d) - 3 sin d cos d for d >= 0: the function J_2 at pi - d."""
    near, cosine = _odd_series(_ORDER_2, np.minimum(d, 1)), np.cos(d)
    return np.where(d < 1, near, d * (1 + 2 * cosine**2) - 3 * np.sin(d) * cosine)


def _positive(pairs):
    """E[1(p > 0) 1(q > 0)]."""
    return pairs.supplement / (2 * np.pi)


def _step(pairs):
    """E[act(p) act(q)] of the unit step, whose act(0) is 0."""
    return np.where((pairs.p > 0) & (pairs.q > 0), _positive(pairs), 0.0)


def _relu(pairs):
    return pairs.p * pairs.q * _order_1(pairs.supplement) / (2 * np.pi)


def _squared_relu(pairs):
    return (pairs.p * pairs.q) ** 2 * _order_2(pairs.supplement) / (2 * np.pi)


def _erf(pairs):
    # Both factors are below 1, while squares of p and q may overflow.
    sides = (np.sqrt(2) * part / np.hypot(1, np.sqrt(2) * part) for part in pairs[:2])
    return 2 / np.pi * np.arcsin(np.multiply(*sides) * pairs.cosine)


def _erf_slope(pairs):
    across = 2 * pairs.p * pairs.q * pairs.sine
    return 4 / np.pi / np.sqrt(1 + 2 * (pairs.p**2 + pairs.q**2) + across**2)


def _waves(pairs):
    """E cos(p - q) and E cos(p + q)."""
    twice = 2 * pairs.p * pairs.q * pairs.versine
    minus, plus = (pairs.p - pairs.q) ** 2 + twice, (pairs.p + pairs.q) ** 2 - twice
    return np.exp(-minus / 2), np.exp(-plus / 2)


def _sin(pairs):
    minus, plus = _waves(pairs)
    covariance = pairs.covariance
    small = np.clip(covariance, -1, 1)
    near_zero = np.exp(-(pairs.p**2 + pairs.q**2) / 2) * np.sinh(small)
    return np.where(covariance == small, near_zero, (minus - plus) / 2)


def _cos(pairs):
    return sum(_waves(pairs)) / 2


def _by_mixture(kind, factor=1.0):
    """The double sum of a kind of `mixtures`, over the logistic scales times a factor."""

    def dual(pairs):
        scales, weights = mixtures.logistic_mixture()
        return _double_sum(kind, pairs, factor * scales, weights)

    return dual


def _double_sum(kind, pairs, scales, weights):
    """`mixtures.dual` of `Pairs`; blocks of rows in several threads."""
    p, q = pairs.p, pairs.q
    if p.shape[1] > 1:
        turned = Pairs(p.T, q.T, pairs.versine.T, pairs.vercosine.T)
        return _double_sum(kind, turned, scales, weights).T
    cosine, sine2 = pairs.cosine, pairs.versine * pairs.vercosine
    out = np.empty(cosine.shape)

    def fill(blocks):
        for rows in blocks:
            sides = q[rows] if len(q) > 1 else q
            arrays = cosine[rows], sine2[rows], scales, weights, out[rows]
            mixtures.dual(kind, p[rows, 0], sides, *arrays)

    in_threads(fill, row_blocks(len(out), _WORK_OF_PAIR * out.shape[1]))
    return out


def _times_lengths(dual):
    """The dual times |p| |q|."""
    return lambda pairs: pairs.p * pairs.q * dual(pairs)


def _by_gauss(kind):
    """The one term of a kind with s = t = 1."""
    return lambda pairs: _double_sum(kind, pairs, np.ones(1), np.ones(1))


_SIGMOID_STEP = _by_mixture(mixtures.STEP)
# tanh(z) = 2 sigmoid(2 z) - 1.
_TANH_STEP, _TANH_BELL = (_by_mixture(k, 0.5) for k in (mixtures.STEP, mixtures.BELL))


def _sigmoid(pairs):
    return 0.25 + _SIGMOID_STEP(pairs)


def _leaky(dual, pairs, plain):
    """Dual of leak z + (1 - leak) relu(z), from duals of relu and (`plain`) of z."""
    leak = LEAK
    return leak * plain + (1 - leak) ** 2 * dual(pairs)


# Maps the name of an activation to its dual and the dual of its derivative, which is None
# for the activation "step".
DUALS = {
    "relu": (_relu, _positive),
    "step": (_step, None),
    "leaky_relu": (
        lambda pairs: _leaky(_relu, pairs, pairs.covariance),
        lambda pairs: _leaky(_positive, pairs, 1.0),
    ),
    "abs": (
        lambda pairs: 4 * _relu(pairs) - pairs.covariance,
        lambda pairs: 4 * _positive(pairs) - 1,
    ),
    "squared_relu": (_squared_relu, lambda pairs: 4 * _relu(pairs)),
    "erf": (_erf, _erf_slope),
    "sin": (_sin, _cos),
    "cos": (_cos, _sin),
    "identity": (lambda pairs: pairs.covariance, lambda pairs: np.ones_like(pairs.versine)),
    "softplus": (_by_mixture(mixtures.RAMP), _sigmoid),
    "silu": (_times_lengths(_by_mixture(mixtures.GATE)), _by_mixture(mixtures.SLOPE)),
    "gelu": (
        _times_lengths(_by_gauss(mixtures.GATE)),
        _by_gauss(mixtures.SLOPE),
    ),
    "tanh": (lambda pairs: 4 * _TANH_STEP(pairs), lambda pairs: 4 * _TANH_BELL(pairs)),
    "sigmoid": (_sigmoid, _by_mixture(mixtures.BELL)),
}


def affine(pairs, scale, shift):
    """`Pairs` of scale p + shift g and scale q + shift g for a standard Gaussian g."""
    if shift == 0:
        return pairs._replace(p=scale * pairs.p, q=scale * pairs.q)
    a, b = scale * pairs.p, scale * pairs.q
    p, q = np.hypot(a, shift), np.hypot(b, shift)
    # p q - a b - shift^2, without cancellation.
    gap = (shift * (a - b)) ** 2 / (p * q + a * b + shift**2)
    versine, opposite = gap + a * b * pairs.versine, gap + a * b * pairs.vercosine
    opposite += 2 * shift**2
    return Pairs(p, q, *(np.clip(part / (p * q), 0, 2) for part in (versine, opposite)))


# 1 - corr(act(p), act(q)) of activations with a kink. Their kernels change like the root of
# a small versine, so the rounding error of a difference would grow from layer to layer.


def _relu_versine(layer):
    return layer.versine - _order_1(layer.angle) / np.pi


def _leaky_versine(layer):
    leak, rest = LEAK, (1 - LEAK) ** 2 / 2
    return (leak * layer.versine + rest * _relu_versine(layer)) / (leak + rest)


_VERSINES = {
    "relu": _relu_versine,
    "step": lambda layer: layer.angle / np.pi,
    "leaky_relu": _leaky_versine,
    "abs": lambda layer: 2 * _relu_versine(layer) - layer.versine,
}


def activated(activation, layer):
    """`Pairs` with the second moments of the activations."""
    dual = DUALS[activation][0]
    p, q = (np.sqrt(dual(Pairs(s, s, np.zeros_like(s)))) for s in (layer.p, layer.q))
    if activation in _VERSINES:
        versine = _VERSINES[activation](layer)
    else:
        with np.errstate(invalid="ignore", divide="ignore"):
            versine = 1 - dual(layer) / (p * q)
        versine[~np.isfinite(versine)] = 1.0
    return Pairs(p, q, np.clip(versine, 0, 2))
