r"""Compiled duals of activations that are mixtures of Gaussian-smoothed steps.

With Phi the standard Gaussian distribution function, and S twice a variable with the
Kolmogorov distribution, S g is logistic for an independent standard Gaussian g (Andrews and
Mallows, 1974). So

    sigmoid(z) = E Phi(z / S),           tanh(z) = E [2 Phi(2 z / S) - 1],
    silu(z) = E [z Phi(z / S)],          softplus(z) = E max(z + S g, 0),

and gelu(z) = z Phi(z). A Gaussian quadrature rule replaces S by 20 values s_i with weights
w_i, which changes the activations by less than 1e-12. The dual E f(p) f(q) of a Gaussian
pair is then a double sum over s = s_i and t = s_j of terms in u = p + s g and v = q + t h
with closed forms. Let A and B be the standard deviations of u and v, a = |p| / A,
a'^2 = 1 - a^2 = s^2 / A^2, likewise b and b', c the correlation of p and q, and

    x = a b c = corr(u, v),    y^2 = 1 - x^2 = a'^2 + a^2 (b'^2 + b^2 (1 - c^2)),

which is a sum of positive terms. The terms are, with P = P(u > 0, v > 0)
= 1/4 + asin(x) / 2 pi,

    STEP    E Phi(p / s) Phi(q / t) - 1/4 = asin(x) / 2 pi,
    BELL    E phi(p / s) phi(q / t) / (s t) = 1 / (2 pi A B y),
    RAMP    E max(u, 0) max(v, 0) = A B (y / 2 pi + P x),
    GATE    E p Phi(p / s) q Phi(q / t)
            = |p| |q| (c P + a b (1 - c^2 + c^2 (a'^2 + b'^2)) / (2 pi y)),
    SLOPE   the derivative of GATE in the covariance |p| |q| c of p and q
            = P + x (a'^2 + b'^2 + a'^2 b'^2 / y^2) / (2 pi y).

The derivative of a dual in the covariance is the dual of the derivatives f' (Price, 1958).
"""

import math
from functools import cache

import numpy as np
from numpy.polynomial import chebyshev

from skrf._compiled.jit import INNER, njit

STEP, BELL, RAMP, GATE, SLOPE = range(5)

# Pairs that are handled at a time, so a few scratch rows stay in the L1 cache.
_TILE = 256
_N_SCALES = 20


def _atan_series(u):
    """atan(z) / z as a function of u = 2 z^2 - 1."""
    z = np.sqrt((u + 1) / 2)
    return np.arctan(z) / z


# atan(z) = z times this polynomial in 2 z^2 - 1, for |z| <= 1.
_ATAN = tuple(chebyshev.cheb2poly(chebyshev.chebinterpolate(_atan_series, 21)))


def _kolmogorov_density(k):
    """The density of the Kolmogorov distribution, from its two series."""
    n = np.arange(1, 20)[:, np.newaxis]
    high = 8 * k * ((-1.0) ** (n - 1) * n**2 * np.exp(-2 * (n * k) ** 2)).sum(axis=0)
    square = ((2 * n - 1) * np.pi / k) ** 2
    terms = (square / 4 - 1) * np.exp(-square / 8)
    return np.where(k > 1, high, np.sqrt(2 * np.pi) / k**2 * terms.sum(axis=0))


@cache
def logistic_mixture():
    """(s, w) with sigmoid(z) = sum_i w_i Phi(z / s_i): a Gaussian rule in log s.

    The rule's nodes are the eigenvalues of the matrix of multiplication by log s in an
    orthonormal basis of polynomials (Golub and Welsch, 1969), by the Lanczos iteration.
    """
    logs = np.linspace(math.log(0.1), math.log(6), 1000)
    masses = _kolmogorov_density(np.exp(logs)) * np.exp(logs)
    basis = [np.sqrt(masses / masses.sum())]
    while len(basis) < _N_SCALES:
        column = logs * basis[-1]
        for _ in range(2):  # twice: the first time leaves rounding errors
            column -= np.transpose(basis) @ (basis @ column)
        basis.append(column / np.linalg.norm(column))
    basis = np.array(basis)
    nodes, vectors = np.linalg.eigh(basis * logs @ basis.T)
    weights = vectors[0] ** 2
    return 2 * np.exp(nodes), weights / weights.sum()


@njit(fastmath={"contract"}, error_model="numpy", **INNER)
def _asin(x, y):
    """asin(x) for y = sqrt(1 - x^2), also where x is nearly 1: 2 atan(x / (1 + y))."""
    z = x / (1.0 + y)
    u, total = 2.0 * z * z - 1.0, _ATAN[-1]
    for n in range(len(_ATAN) - 2, -1, -1):
        total = total * u + _ATAN[n]
    return 2.0 * z * total


@njit(fastmath={"contract"}, error_model="numpy", **INNER)
def _add_terms(kind, weight, p, q, cosine, sine2, out):
    """out += weight times the terms of one s and one t, for one p and a tile of values q.

    p is (a, a'^2, A), q has rows of b, b'^2, B, and the others rows of c, 1 - c^2.
    """
    (a, rest_a, length), (b, rest_b, lengths) = p, q
    flat, turn = 0.25 * weight, weight / (2 * math.pi)
    y = np.empty(out.shape[0])
    for m in range(out.shape[0]):
        y[m] = math.sqrt(rest_a + a * a * (rest_b[m] + b[m] * b[m] * sine2[m]))
    if kind == STEP:
        for m in range(out.shape[0]):
            out[m] += turn * _asin(a * b[m] * cosine[m], y[m])
    elif kind == BELL:
        for m in range(out.shape[0]):
            out[m] += turn / (length * lengths[m] * y[m])
    elif kind == RAMP:
        for m in range(out.shape[0]):
            x = a * b[m] * cosine[m]
            out[m] += (
                length * lengths[m] * (turn * y[m] + x * (flat + turn * _asin(x, y[m])))
            )
    elif kind == GATE:
        for m in range(out.shape[0]):
            x, c = a * b[m] * cosine[m], cosine[m]
            across = a * b[m] * (sine2[m] + c * c * (rest_a + rest_b[m])) / y[m]
            out[m] += c * (flat + turn * _asin(x, y[m])) + turn * across
    else:
        for m in range(out.shape[0]):
            x = a * b[m] * cosine[m]
            across = rest_a + rest_b[m] + rest_a * rest_b[m] / (y[m] * y[m])
            out[m] += flat + turn * (_asin(x, y[m]) + x * across / y[m])


@njit(**INNER)
def _parts(deviation, scale):
    """(a, a'^2, A) of a standard deviation and a scale s."""
    length = math.hypot(deviation, scale)
    return deviation / length, (scale / length) ** 2, length


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def dual(kind, p, q, cosine, sine2, scales, weights, out):
    """out[n, m] <- the double sum of a kind for p[n] and q[n, m], GATE over |p| |q|.

    `cosine` and `sine2` are c and 1 - c^2, of the shape of `out`; q may have one row for
    all n.
    """
    size = scales.shape[0]
    sides = np.empty((size, 3, _TILE))
    for start in range(0, out.shape[1], _TILE):
        tile = slice(start, min(start + _TILE, out.shape[1]))
        width = tile.stop - start
        for n in range(out.shape[0]):
            if n < q.shape[0]:
                for j in range(size):
                    for m in range(width):
                        parts = _parts(q[n, start + m], scales[j])
                        sides[j, 0, m], sides[j, 1, m], sides[j, 2, m] = parts
            c, s2, values = cosine[n, tile], sine2[n, tile], out[n, tile]
            values[:] = 0.0
            for i in range(size):
                part = _parts(p[n], scales[i])
                for j in range(size):
                    side = (sides[j, 0, :width], sides[j, 1, :width], sides[j, 2, :width])
                    _add_terms(kind, weights[i] * weights[j], part, side, c, s2, values)
