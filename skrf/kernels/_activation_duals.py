"""Duals of activations: E[act(p) act(q)] and E[act'(p) act'(q)] for Gaussian pairs.

A centred Gaussian pair is described by the standard deviations |p| and |q|, the versine
v = 1 - corr(p, q) and the vercosine 1 + corr(p, q). Unlike the correlation, the versine
stays exact for nearly parallel rows, where the angle is about sqrt(2 v), and the vercosine
stays exact for nearly opposite rows.
"""

from typing import NamedTuple

import numpy as np

from skrf._compiled import neurons
from skrf._compiled.activations import LEAK, address
from skrf.activations import ACTIVATIONS

# Quadrature points for each standard deviation of 1; see `_by_quadrature`.
_POINTS, _RANGE = 70, 8.5
# Above this standard deviation one pair of rows needs more than 5e9 activation values.
_MAX_DEVIATION = 1000.0


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
    def covariance(self):
        return self.p * self.q * self.cosine


# ------------------------------------------------------- duals: E f(p) f(q), and of f'


def _positive(pairs):
    """E[1(p > 0) 1(q > 0)]."""
    return (np.pi - pairs.angle) / (2 * np.pi)


def _step(pairs):
    """E[act(p) act(q)] of the unit step, whose act(0) is 0."""
    return np.where((pairs.p > 0) & (pairs.q > 0), _positive(pairs), 0.0)


def _relu(pairs):
    angle = pairs.angle
    J = pairs.sine + (np.pi - angle) * pairs.cosine
    return pairs.p * pairs.q * J / (2 * np.pi)


def _squared_relu(pairs):
    cosine = pairs.cosine
    J = 3 * pairs.sine * cosine + (np.pi - pairs.angle) * (1 + 2 * cosine**2)
    return (pairs.p * pairs.q) ** 2 * J / (2 * np.pi)


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


def _by_quadrature(name, part):
    """A dual without a closed form, by the trapezoidal rule in two dimensions.

    p = |p| g and q = |q| (cos g + sin h) for independent standard Gaussians g and h. The
    rule's error falls like exp(-2 pi a / step) for a function that is analytic in a strip
    of half-width a. Here a is pi / 2 over the standard deviation, the distance of the poles
    of tanh. The Gaussian weight beyond +-8.5 is 1e-16.
    """

    def dual(pairs):
        deviation = max(1.0, pairs.p.max(), pairs.q.max())
        if not deviation <= _MAX_DEVIATION:
            raise ValueError(
                "Pre-activations of `X` must have a standard deviation of at most "
                f"{_MAX_DEVIATION:g} for activation={name!r}, whose kernel is integrated "
                f"numerically; got {deviation:.3g}. Scale X, for instance by "
                'StandardScaler, or use smaller scales, or activation="erf", which has a '
                "closed form."
            )
        nodes, step = np.linspace(
            -_RANGE, _RANGE, int(np.ceil(_POINTS * deviation)), retstep=True
        )
        weights = step / np.sqrt(2 * np.pi) * np.exp(-(nodes**2) / 2)
        out = np.empty(pairs.versine.shape)
        arrays = np.broadcast_arrays(pairs.p, pairs.q, pairs.cosine, pairs.sine)
        # Copies: NumPy warns where broadcast arrays are passed to code that may write.
        arrays = (np.ascontiguousarray(array).reshape(-1) for array in arrays)
        kernel = address(name, np.dtype(np.float64))
        neurons.dual(*arrays, nodes, weights, kernel, part, out.reshape(-1))
        return out

    return dual


def _leaky(dual, pairs, plain):
    """Dual of leak z + (1 - leak) relu(z), from duals of relu and (`plain`) of z."""
    leak = LEAK
    return leak * plain + (1 - leak) ** 2 * dual(pairs)


_CLOSED = {
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
}
# Maps the name of an activation to its dual and the dual of its derivative, which is None
# for the activation "step".
DUALS = _CLOSED | {
    name: tuple(_by_quadrature(name, part) for part in range(2))
    for name, entry in ACTIVATIONS.items()
    if entry.analytic and name not in _CLOSED
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
    return layer.versine - (layer.sine - layer.angle * layer.cosine) / np.pi


def _leaky_versine(layer):
    leak, rest = LEAK, (1 - LEAK) ** 2 / 2
    return (leak * layer.versine + rest * _relu_versine(layer)) / (leak + rest)


_VERSINES = {
    "relu": _relu_versine,
    "step": lambda layer: layer.angle / np.pi,
    "leaky_relu": _leaky_versine,
    "abs": lambda layer: 2 * _relu_versine(layer) - layer.versine,
}


def activations(activation, layer):
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
