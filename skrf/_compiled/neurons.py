"""Compiled maps from pre-activations to features.

Every function is a deterministic function of its arrays: randomness is drawn by the
caller. `kernel` is the address of an activation (see `activations`).
"""

import numpy as np

from skrf._compiled.activations import FASTMATH, activate
from skrf._compiled.jit import njit

# Columns of a row that are handled at a time, so a few scratch rows stay in the L1 cache.
TILE = 1024


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, fastmath=FASTMATH)
def relu_feature_rows(Z, biases, scale):
    """`random_feature_rows` of relu in one loop, which the memory limits."""
    zero, factor = Z.dtype.type(0), Z.dtype.type(scale)
    for i in range(Z.shape[0]):
        row = Z[i]
        for j in range(row.shape[0]):
            z = row[j] + biases[j]
            row[j] = (zero if z < zero else z) * factor


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, fastmath=FASTMATH)
def random_feature_rows(Z, biases, kernel, scale):
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
            activate(kernel, z[: stop - start], tile, slope[: stop - start])
            for j in range(stop - start):
                tile[j] *= factor


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, fastmath=FASTMATH)
def tangent_rows(Z, biases, output_weights, kernel, scale, values):
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
            activate(kernel, z[:n], value[:n], tile)
            for j in range(n):
                tile[j] *= real(scale) * a[j]
            for j in range(min(n, values.shape[1])):
                values[i, left + j] = real(scale) * value[j]
