"""Structured random projections by the fast Walsh-Hadamard transform, compiled.

A block of D projections, D a power of 2, is x -> H S_3 H S_2 H S_1 x for the orthogonal
Hadamard matrix H and diagonal matrices S_k of random signs (structured orthogonal random
features, Yu et al., 2016). It takes 3 D log2(D) additions instead of D^2 multiplications.
"""

import numpy as np

from skrf._compiled.jit import INNER, njit


@njit(**INNER)
def _two_stages(x, y):
    """Two steps of the transform, from x to y.

    Every step adds and subtracts neighbours, and writes sums and differences into the two
    halves. After log2(D) steps the product is the Hadamard matrix in its natural order. In
    this form every step is a loop over contiguous results.
    """
    quarter = x.shape[0] // 4
    for i in range(quarter):
        a, b, c, d = x[4 * i], x[4 * i + 1], x[4 * i + 2], x[4 * i + 3]
        y[i] = (a + b) + (c + d)
        y[i + quarter] = (a - b) + (c - d)
        y[i + 2 * quarter] = (a + b) - (c + d)
        y[i + 3 * quarter] = (a - b) - (c - d)


@njit(**INNER)
def _one_stage(x, y):
    half = x.shape[0] // 2
    for i in range(half):
        a, b = x[2 * i], x[2 * i + 1]
        y[i], y[i + half] = a + b, a - b


@njit(**INNER)
def transform(x, scratch):
    """x <- H x without the factor 1 / sqrt(D), for a 1-D array of D = 2^k values."""
    done, here = 1, True
    while done < x.shape[0]:
        two = 4 * done <= x.shape[0]
        if two and here:
            _two_stages(x, scratch)
        elif two:
            _two_stages(scratch, x)
        elif here:
            _one_stage(x, scratch)
        else:
            _one_stage(scratch, x)
        done, here = done * (4 if two else 2), not here
    if not here:
        x[:] = scratch


@njit(cache=True, nogil=True)
def project(X, signs, lengths, out):
    """Row i of out <- the first projections of row i of X, times their lengths.

    Parameters
    ----------
    X : ndarray of shape (n, d)
    signs : ndarray of shape (n_blocks, 3, D), D >= d
        Signs, 1 or -1.
    lengths : ndarray of shape (width,), width <= n_blocks * D
        Factors of the unit rows of the blocks.
    out : ndarray of shape (n, width)
    """
    width, (n_blocks, _, size) = lengths.shape[0], signs.shape
    real = out.dtype.type
    factor = real(size**-1.5)
    x, scratch = np.empty(size, out.dtype), np.empty(size, out.dtype)
    for i in range(X.shape[0]):
        for block in range(n_blocks):
            for j in range(X.shape[1]):
                x[j] = signs[block, 0, j] * X[i, j]
            x[X.shape[1] :] = real(0)
            transform(x, scratch)
            for k in range(1, 3):
                s = signs[block, k]
                for j in range(size):
                    x[j] *= s[j]
                transform(x, scratch)
            start = block * size
            n = min(size, width - start)
            row, scale = out[i, start : start + n], lengths[start : start + n]
            for j in range(n):
                row[j] = factor * scale[j] * x[j]
