"""Compiled activations and losses, and the feature maps made from them.

Every function is a deterministic function of its arrays: randomness is drawn by the
caller. Activations and losses are chosen by integer code, so nothing recompiles in a new
process; `activations.ACTIVATIONS` and `losses.LOSSES` name the codes. Compiled functions
that call each other are in this folder, and an edit in any of its files outdates the
caches of all (see `jit`).
"""

import numpy as np

from skrf._compiled.elementary import erf, gelu, logistic, sines, softplus, tanh
from skrf._compiled.jit import njit

# Without "nnan" and "ninf": NaN and infinity must survive, as they show divergence.
FASTMATH = {"reassoc", "contract", "nsz", "arcp"}

(
    RELU,
    STEP,
    LEAKY_RELU,
    ABS,
    SQUARED_RELU,
    SOFTPLUS,
    SILU,
    GELU,
    TANH,
    SIGMOID,
    ERF,
    SIN,
    COS,
    IDENTITY,
) = range(14)
LEAK = 0.01

SQUARED_ERROR, HINGE = range(2)

# Columns of a row that are handled at a time; several such pieces stay in the L1 cache.
TILE = 1024


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, fastmath=FASTMATH)
def activate(z, code, value, slope):
    """value = act(z) and slope = act'(z) for 1-D arrays; `z` must not overlap the results.

    The derivative at a kink is the one on the left (0 for relu), as in the paper's
    indicator 1(z > 0); 0 for abs. NaN in `z` becomes NaN in `value`.
    """
    real = z.dtype.type
    zero, one, two = real(0), real(1), real(2)
    n = z.shape[0]
    if code == RELU:
        for i in range(n):
            value[i] = zero if z[i] < zero else z[i]
            slope[i] = one if z[i] > zero else zero
    elif code == STEP:
        for i in range(n):
            value[i] = one if z[i] > zero else (zero if z[i] == z[i] else z[i])
            slope[i] = zero
    elif code == LEAKY_RELU:
        leak = real(LEAK)
        for i in range(n):
            slope[i] = one if z[i] > zero else leak
            value[i] = z[i] * slope[i]
    elif code == ABS:
        for i in range(n):
            value[i] = abs(z[i])
            slope[i] = one if z[i] > zero else (-one if z[i] < zero else zero)
    elif code == SQUARED_RELU:
        for i in range(n):
            positive = zero if z[i] < zero else z[i]
            value[i] = positive * positive
            slope[i] = two * positive
    elif code == SOFTPLUS:
        softplus(z, value, slope)
    elif code == SILU:
        for i in range(n):
            sigma, bend = logistic(z[i])
            value[i] = z[i] * sigma
            slope[i] = sigma + z[i] * bend
    elif code == GELU:
        gelu(z, value, slope)
    elif code == TANH:
        tanh(z, value, slope)
    elif code == SIGMOID:
        for i in range(n):
            value[i], slope[i] = logistic(z[i])
    elif code == ERF:
        erf(z, value, slope)
    elif code == SIN:
        sines(z, value, slope)
    elif code == COS:
        sines(z, slope, value)
        for i in range(n):
            slope[i] = -slope[i]
    else:
        for i in range(n):
            value[i] = z[i]
            slope[i] = one


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, fastmath=FASTMATH)
def loss(prediction, y, code):
    """(loss, d loss / d prediction) of one output; NaN in `prediction` gives a NaN loss."""
    if code == SQUARED_ERROR:
        residual = prediction - y
        return residual * residual / type(residual)(2), residual
    # HINGE
    margin = y * prediction
    zero, one = type(margin)(0), type(margin)(1)
    if margin >= one:
        return zero, zero
    return one - margin, -y


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, fastmath=FASTMATH)
def losses(predictions, Y, value, slope, code):
    """`loss` for every entry of 2-D arrays, into `value` and `slope`."""
    for i in range(Y.shape[0]):
        for k in range(Y.shape[1]):
            value[i, k], slope[i, k] = loss(predictions[i, k], Y[i, k], code)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, fastmath=FASTMATH)
def random_feature_rows(Z, biases, code, scale):
    """Z <- scale * act(Z + biases), row by row, in place."""
    width = Z.shape[1]
    factor = Z.dtype.type(scale)
    z = np.empty(min(TILE, width), Z.dtype)
    slope = np.empty(z.shape[0], Z.dtype)
    for i in range(Z.shape[0]):
        for start in range(0, width, TILE):
            stop = min(start + TILE, width)
            tile = Z[i, start:stop]
            shift = biases[start:stop]
            for j in range(stop - start):
                z[j] = tile[j] + shift[j]
            activate(z[: stop - start], code, tile, slope)
            for j in range(stop - start):
                tile[j] *= factor


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, fastmath=FASTMATH)
def tangent_rows(Z, biases, output_weights, code, scale, values):
    """Z <- scale * output_weights * act'(Z + biases), values <- scale * act(Z + biases).

    Row by row, in place; `values` may have no columns.
    """
    real, width = Z.dtype.type, Z.shape[1]
    z = np.empty(min(TILE, width), Z.dtype)
    value = np.empty(z.shape[0], Z.dtype)
    for i in range(Z.shape[0]):
        for left in range(0, width, TILE):
            n = min(TILE, width - left)
            tile, shift, a = Z[i, left : left + n], biases[left:], output_weights[left:]
            for j in range(n):
                z[j] = tile[j] + shift[j]
            activate(z[:n], code, value[:n], tile)
            for j in range(n):
                tile[j] *= real(scale) * a[j]
            for j in range(min(n, values.shape[1])):
                values[i, left + j] = real(scale) * value[j]


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, fastmath=FASTMATH)
def dual(p, q, cosine, sine, nodes, weights, code, part, out):
    """out[i] <- E f(p_i g) f(q_i (cosine_i g + sine_i h)), f = act (part 0) or act' (1).

    For independent standard Gaussians g and h, by the product of a quadrature rule with
    these nodes and weights.
    """
    n = nodes.shape[0]
    z, found = np.empty(n), np.empty((2, n))
    for i in range(out.shape[0]):
        for j in range(n):
            z[j] = p[i] * nodes[j]
        activate(z, code, found[0], found[1])
        outer = found[part] * weights
        out[i] = 0.0
        for k in range(n):
            for j in range(n):
                z[j] = q[i] * (cosine[i] * nodes[k] + sine[i] * nodes[j])
            activate(z, code, found[0], found[1])
            inner, values = 0.0, found[part]
            for j in range(n):
                inner += weights[j] * values[j]
            out[i] += outer[k] * inner
