"""Dense, orthogonal and structured random projections.

A projection draws the weights w_i and makes the products <w_i, x>. It is `Dense`, which
stores the weights, or has the methods of `Dense`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from skrf._compiled import hadamard
from skrf._utils.blocks import dense_rows, multiply
from skrf._utils.random import random_stream
from skrf.features._distributions import (
    HIDDEN_WEIGHTS,
    LENGTHS,
    WEIGHT_DISTRIBUTIONS,
    draw_weights,
    scaled,
)


@dataclass(frozen=True)
class Dense:
    """The products <w_i, x> by a matrix."""

    weights: np.ndarray  # (width, n_features)

    def rows(self):
        """The w_i."""
        return self.weights

    def sizes(self):
        """Numbers whose largest is that of the entries of the w_i, or more."""
        return self.weights

    def first(self, width):
        """The first of the w_i."""
        return Dense(self.weights[:width].copy())

    def astype(self, dtype):
        """The same in another dtype."""
        return Dense(self.weights.astype(dtype, copy=False))

    def multiply(self, X, out):
        """out <- the products with the rows of X."""
        multiply(X, self.weights, out)


@dataclass(frozen=True)
class Structured:
    """The products <w_i, x> by random signs and Hadamard transforms; see `_hadamard`.

    Block k of D of the w_i, D the power of 2 from n_features on, is `lengths` times the
    rows of H S_3 H S_2 H S_1, without the columns beyond n_features.
    """

    signs: np.ndarray  # (n_blocks, 3, D)
    lengths: np.ndarray  # (width,)
    n_features: int

    def rows(self):
        """The w_i, from the products with the unit vectors."""
        unit, width = np.eye(self.n_features, dtype=self.lengths.dtype), len(self.lengths)
        products = np.empty((self.n_features, width), self.lengths.dtype)
        self.multiply(unit, products)
        return np.ascontiguousarray(products.T)

    def first(self, width):
        """The first of the w_i."""
        n_blocks = -(-width // self.signs.shape[2])
        return Structured(self.signs[:n_blocks], self.lengths[:width], self.n_features)

    def sizes(self):
        """Numbers whose largest is that of the entries of the w_i, or more."""
        return self.lengths

    def norms(self):
        """||w_i||."""
        squares, e = np.zeros(len(self.lengths)), np.zeros((1, self.n_features))
        products = np.empty((1, len(self.lengths)))
        for j in range(self.n_features):
            e[0, j] = 1
            self.multiply(e, products)
            squares += products[0] ** 2
            e[0, j] = 0
        return np.sqrt(squares)

    def astype(self, dtype):
        """The same in another dtype."""
        arrays = (array.astype(dtype, copy=False) for array in (self.signs, self.lengths))
        return Structured(*arrays, self.n_features)

    def multiply(self, X, out):
        """out <- the products with the rows of X."""
        hadamard.project(dense_rows(X, slice(None)), self.signs, self.lengths, out)


def _draw_dense(seed, width, n_features, law, scale, dtype):
    return Dense(draw_weights(seed, width, n_features, law, scale, dtype))


def _draw_orthogonal(seed, width, n_features, law, scale, dtype):
    """Blocks of rows of random orthogonal matrices, of the lengths that the law gives."""
    rng = random_stream(seed, HIDDEN_WEIGHTS)
    weights = np.empty((width, n_features), dtype)
    lengths = _lengths(seed, width, n_features, law, n_features)
    for start in range(0, width, n_features):
        # QR with a positive diagonal of R makes Q uniform (Mezzadri, 2007).
        Q, R = np.linalg.qr(rng.standard_normal((n_features, n_features)))
        rows = weights[start : start + n_features]
        Q = (Q * np.where(np.diag(R) < 0, -1, 1)).T[: len(rows)]
        rows[...] = scaled(lengths[start : start + len(rows), np.newaxis] * Q, scale, dtype)
    return Dense(weights)


def _draw_structured(seed, width, n_features, law, scale, dtype):
    rng = random_stream(seed, HIDDEN_WEIGHTS)
    size = 1 << (n_features - 1).bit_length()
    n_blocks = -(-width // size)
    signs = np.where(rng.integers(2, size=(n_blocks, 3, size)), 1, -1).astype(dtype)
    lengths = _lengths(seed, width, size, law, n_features)
    if law == "sphere" and size > n_features:
        # Without the columns of zeros the rows are shorter, each by another factor.
        unit = Structured(signs.astype(np.float64), lengths, n_features)
        norms = unit.norms()
        lengths = lengths / np.where(norms > 0, norms, 1)
    return Structured(signs, scaled(lengths, scale, dtype), n_features)


def _lengths(seed, width, size, law, n_features):
    rng = random_stream(seed, LENGTHS)
    return WEIGHT_DISTRIBUTIONS[law].lengths(rng, width, size, n_features)


class Projection(NamedTuple):
    """A way to draw the w_i and to make the products <w_i, x>."""

    # (seed, width, n_features, law, scale, dtype) -> Dense, Structured or the like
    draw: Callable
    # (width, n_features) -> numbers in memory while drawing
    size: Callable


PROJECTIONS = {
    "dense": Projection(_draw_dense, lambda width, d: width * d),
    # The weights and a factorisation.
    "orthogonal": Projection(_draw_orthogonal, lambda width, d: width * d + 4 * d**2),
    # Signs and lengths with their draws.
    "structured": Projection(_draw_structured, lambda width, d: 8 * (width + 2 * d)),
}
