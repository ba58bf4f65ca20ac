"""Checked neurons with their moments under Gaussian inputs, and blocks of pairs."""

import math
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from skrf._compiled import bivariate
from skrf._utils.blas import product
from skrf._utils.checks import real_array
from skrf._utils.threads import in_threads

# Number of pairs in a block, whose arrays stay in the caches.
_BLOCK_PAIRS = 2**16
# Below this h the moments of a neuron are continued fractions of this depth.
_TAIL, _DEPTH = -1.5, 300
# Above this h a neuron is linear, and its moments equal its bias in float64.
_ALWAYS_ON = 1e9
# Range of sizes whose squares are float64 values, and maximum of products to be summed.
LEAST, MOST, _MOST_PRODUCT = 1e-150, 1e150, 1e140


class Neurons(NamedTuple):
    """Neurons max(<w_i, x> + b_i, 0) for x ~ N(0, I)."""

    weights: np.ndarray  # (n, d)
    biases: np.ndarray  # (n,)
    units: np.ndarray  # (n, d), the weights divided by their norms, or 0
    table: np.ndarray  # (n, 9), with the columns of skrf._compiled.bivariate

    @property
    def size(self):
        """Maximum absolute value of the weights and biases."""
        return max(float(np.abs(self.weights).max()), float(np.abs(self.biases).max()))

    @property
    def means(self):
        """E max(<w_i, x> + b_i, 0)."""
        return self.table[:, bivariate.MEAN]

    @property
    def on(self):
        """P(<w_i, x> + b_i > 0)."""
        return self.table[:, bivariate.CDF]

    @property
    def squares(self):
        """E max(<w_i, x> + b_i, 0)^2."""
        norms, h = self.table[:, bivariate.NORM], self.table[:, bivariate.H]
        squares = norms * norms * self.table[:, bivariate.SECOND]
        return np.where(h > _ALWAYS_ON, self.biases**2, squares)

    def __getitem__(self, rows):
        return Neurons(*(field[rows] for field in tuple(self)))


def neurons(W, b, names=("W", "b"), n_features=None, least=0.0):
    """`Neurons` of arrays of shapes (n, d) and (n,), after checks.

    Sizes must be 0, or from `least` to `MOST`.
    """
    W = real_array(names[0], W, ndim=2)
    b = real_array(names[1], b)
    if b.shape != (len(W),):
        raise ValueError(
            f"`{names[1]}` must have one bias for each of the {len(W)} rows of {names[0]}; "
            f"got shape {b.shape}. Use np.zeros({len(W)}) for neurons without biases."
        )
    if n_features is not None and W.shape[1] != n_features:
        raise ValueError(
            f"`{names[0]}` must have {n_features} columns, as W has; got {W.shape[1]}. "
            "Pass weights for the same inputs."
        )
    largest = np.abs(W).max(axis=1)
    sizes = np.maximum(largest, np.abs(b))
    wrong = (sizes > 0) & ((sizes < least) | (sizes > MOST))
    if wrong.any():
        raise ValueError(
            f"`{names[0]}` and `{names[1]}` must have neurons of size 0, or {LEAST:g} to "
            f"{MOST:g}; got a neuron of size {sizes[wrong][0]:.3g}. Scale it to this range."
        )
    scaled = W / np.where(largest > 0, largest, 1)[:, np.newaxis]
    lengths = np.sqrt(np.einsum("ij,ij->i", scaled, scaled))
    norms = largest * lengths
    units = scaled / np.where(lengths > 0, lengths, 1)[:, np.newaxis]
    return Neurons(W, b, units, _table(norms, b))


def require_in_range(name, numbers, *layers):
    """Raise ValueError if numbers times the sizes of neurons have squares that overflow."""
    size = math.prod(max(layer.size, 1.0) for layer in layers)
    largest = float(np.abs(numbers).max())
    if largest * size > _MOST_PRODUCT:
        raise ValueError(
            f"`{name}` must have products with the sizes of neurons of at most "
            f"{_MOST_PRODUCT:g}; got {largest:.3g} times {size:.3g}. Scale {name} or the "
            "neurons down."
        )


def _table(norms, biases):
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        h = biases / norms
    # A neuron without weights is constant, and active only if its bias is positive.
    h = np.where(np.isnan(h), -np.inf, h)
    table = np.empty((len(h), 9))
    table[:, bivariate.NORM] = norms
    table[:, bivariate.H] = h
    table[:, bivariate.BIAS] = biases
    table[:, bivariate.CDF] = ndtr(h)
    table[:, bivariate.UPPER] = ndtr(-h)
    table[:, bivariate.DENSITY] = density(h)
    first, second = moments(np.clip(h, -1e150, 1e150))
    table[:, bivariate.FIRST] = first
    table[:, bivariate.SECOND] = second
    table[:, bivariate.MEAN] = np.where(h > _ALWAYS_ON, biases, norms * first)
    return table


def density(h):
    """The standard normal density."""
    return (
        np.exp(-(np.minimum(np.abs(h), 40.0) ** 2) / 2)
        / np.sqrt(2 * np.pi)
        * (np.abs(h) < 40)
    )


def moments(h):
    """E max(z + h, 0) and E max(z + h, 0)^2 for standard Gaussian z, relatively accurate.

    In the tail, with x = -h, the moments J_n = E max(z - x, 0)^n satisfy
    J_{n+1} = n J_{n-1} - x J_n. Hence J_n / J_{n-1} = n / (x + J_{n+1} / J_n), a continued
    fraction.
    """
    first = density(h) + h * ndtr(h)
    second = (1 + h * h) * ndtr(h) + h * density(h)
    tail = h < _TAIL
    x, ratio = -h[tail], 0.0
    for n in range(_DEPTH, 2, -1):
        ratio = n / (x + ratio)
    to_second = 2 / (x + ratio)
    to_first = 1 / (x + to_second)
    # J_0 = (density - J_1) / x = density / (x + J_1 / J_0).
    first[tail] = density(x) / (x + to_first) * to_first
    second[tail] = first[tail] * to_second
    return first, second


def pair_blocks(kind, first, second, use, lower=False):
    """Call use(rows, block) for blocks of rows of `first` against all of `second`.

    block has shape (outputs, rows, columns) and is filled by `bivariate.fill` for `kind`.
    With `lower`, where `first` is `second`, it has only the columns up to the last of its
    rows. The blocks are distributed over threads.
    """
    step = max(1, _BLOCK_PAIRS // len(second.table))
    blocks = [
        slice(start, min(start + step, len(first.table)))
        for start in range(0, len(first.table), step)
    ]

    def work(blocks):
        for rows in blocks:
            left = first[rows]
            right = second[: rows.stop] if lower else second
            cosines = np.empty((len(left.table), len(right.table)))
            product(left.units, right.units.T, cosines)
            out = np.empty((bivariate.OUTPUTS[kind], *cosines.shape))
            bivariate.fill(
                kind, left.table, left.units, right.table, right.units, cosines, out
            )
            use(rows, out)

    in_threads(work, blocks)


def pair_matrix(kind, first, second=None):
    """First output of `kind` for all pairs; symmetric if second is None."""
    n = len(first.table)
    if second is not None:
        matrix = np.empty((n, len(second.table)))
        pair_blocks(kind, first, second, lambda rows, block: _put(matrix, rows, block[0]))
        return matrix
    matrix = np.empty((n, n))

    def use(rows, block):
        before, square = block[0][:, : rows.start], block[0][:, rows.start :]
        matrix[rows, : rows.start] = before
        matrix[: rows.start, rows] = before.T
        matrix[rows, rows] = np.tril(square) + np.tril(square, -1).T

    pair_blocks(kind, first, first, use, lower=True)
    return matrix


def _put(matrix, rows, block):
    matrix[rows] = block


def quadratic_form(kind, coefficients, layer):
    """c'Kc of the coefficients c and the symmetric matrix K of `kind`, never stored."""
    parts = {}

    def use(rows, block):
        c, before = coefficients[rows], block[0][:, : rows.start]
        cross = c @ (before @ coefficients[: rows.start])
        parts[rows.start] = 2 * cross + c @ (block[0][:, rows.start :] @ c)

    pair_blocks(kind, layer, layer, use, lower=True)
    return float(sum(parts[start] for start in sorted(parts)))
