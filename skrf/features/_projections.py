"""Dense, orthogonal and structured random projections.

A projection draws the weights w_i and computes the products <w_i, x>. A drawn projection is
a `BaseProjection`: a `Dense` matrix, or `Structured` by Hadamard transforms.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import sparse

from skrf._compiled import hadamard
from skrf._utils.array_api import copied, namespace_of
from skrf._utils.blocks import dense_rows, multiply
from skrf._utils.random import random_stream
from skrf.features._distributions import (
    HIDDEN_WEIGHTS,
    LENGTHS,
    WEIGHT_DISTRIBUTIONS,
    draw_weights,
    scaled,
)


def max_magnitude(array):
    """Maximum magnitude of the entries of an array or sparse matrix; 0 without entries."""
    if (space := namespace_of(array)) is not None:
        return float(space.xp.max(space.xp.abs(array))) if array.shape[0] else 0.0
    entries = array.data if sparse.issparse(array) else array
    return float(max(entries.max(), -entries.min())) if entries.size else 0.0


class BaseProjection(ABC):
    """The hidden weights w_1, ..., w_width, known by their products with rows x."""

    @abstractmethod
    def rows(self) -> np.ndarray:
        """The weights w_i as a matrix of shape (width, n_features)."""

    @abstractmethod
    def magnitude_bound(self) -> float:
        """An upper bound of the magnitude of all entries of the w_i."""

    @abstractmethod
    def first(self, width: int) -> BaseProjection:
        """The projection by the first `width` of the w_i."""

    @abstractmethod
    def astype(self, dtype) -> BaseProjection:
        """The same projection in another dtype."""

    @abstractmethod
    def multiply(self, X, out) -> None:
        """out[n, i] <- <w_i, x_n> for the rows x_n of X, dense or sparse."""

    def __sklearn_array_api_convert__(self, converter) -> Dense:
        """The projection with the weights in another namespace, as a matrix."""
        return Dense(converter(self.rows()))


@dataclass(frozen=True)
class Dense(BaseProjection):
    """The products <w_i, x> by a matrix, in any namespace."""

    weights: np.ndarray  # (width, n_features)

    def rows(self):
        return self.weights

    def magnitude_bound(self):
        return max_magnitude(self.weights)

    def first(self, width):
        # A copy: `weights_` hands out this array, and users may write to it.
        return Dense(copied(self.weights[:width, ...]))

    def astype(self, dtype):
        return Dense(self.weights.astype(dtype, copy=False))

    def multiply(self, X, out):
        multiply(X, self.weights, out)


@dataclass(frozen=True)
class Structured(BaseProjection):
    """The products <w_i, x> by random signs and Hadamard transforms.

    With D the smallest power of 2 that is at least n_features, block k of D weights w_i is
    `lengths` times the rows of H S_3 H S_2 H S_1 (see `_compiled.hadamard`), cut to their
    first n_features columns.
    """

    signs: np.ndarray  # (n_blocks, 3, D)
    lengths: np.ndarray  # (width,)
    n_features: int

    def rows(self):
        # Row j of `products` has the entries j of all w_i.
        unit, width = np.eye(self.n_features, dtype=self.lengths.dtype), len(self.lengths)
        products = np.empty((self.n_features, width), self.lengths.dtype)
        self.multiply(unit, products)
        return np.ascontiguousarray(products.T)

    def magnitude_bound(self):
        # The rows before the cut have these Euclidean lengths.
        return max_magnitude(self.lengths)

    def first(self, width):
        n_blocks = -(-width // self.signs.shape[2])
        return Structured(self.signs[:n_blocks], self.lengths[:width], self.n_features)

    def norms(self):
        """Euclidean norms ||w_i||, without the matrix of the w_i."""
        squares, e = np.zeros(len(self.lengths)), np.zeros((1, self.n_features))
        products = np.empty((1, len(self.lengths)))
        for j in range(self.n_features):
            e[0, j] = 1
            self.multiply(e, products)
            squares += products[0] ** 2
            e[0, j] = 0
        return np.sqrt(squares)

    def astype(self, dtype):
        arrays = (array.astype(dtype, copy=False) for array in (self.signs, self.lengths))
        return Structured(*arrays, self.n_features)

    def multiply(self, X, out):
        hadamard.project(dense_rows(X, slice(None)), self.signs, self.lengths, out)


class WeightDraw(NamedTuple):
    """What a draw of hidden weights depends on, in the order of `draw_weights`."""

    seed: int
    width: int
    n_features: int
    distribution: str  # a key of WEIGHT_DISTRIBUTIONS
    scale: float
    dtype: np.dtype


def _draw_dense(draw):
    return Dense(draw_weights(*draw))


def _draw_orthogonal(draw):
    """Blocks of rows of random orthogonal matrices, with lengths of the distribution."""
    rng, n_features = random_stream(draw.seed, HIDDEN_WEIGHTS), draw.n_features
    weights = np.empty((draw.width, n_features), draw.dtype)
    lengths = _lengths(draw, n_features)
    for start in range(0, draw.width, n_features):
        # QR with a positive diagonal of R makes Q uniform (Mezzadri, 2007).
        Q, R = np.linalg.qr(rng.standard_normal((n_features, n_features)))
        rows = weights[start : start + n_features]
        Q = (Q * np.where(np.diag(R) < 0, -1, 1)).T[: len(rows)]
        Q *= lengths[start : start + len(rows), np.newaxis]
        rows[...] = scaled("weight_scale", Q, draw.scale, draw.dtype)
    return Dense(weights)


def _draw_structured(draw):
    rng, n_features = random_stream(draw.seed, HIDDEN_WEIGHTS), draw.n_features
    size = 1 << (n_features - 1).bit_length()
    n_blocks = -(-draw.width // size)
    signs = np.where(rng.integers(2, size=(n_blocks, 3, size)), 1, -1).astype(draw.dtype)
    lengths = _lengths(draw, size)
    if draw.distribution == "sphere" and size > n_features:
        # The cut to n_features columns shortens every row by another factor.
        unit = Structured(signs.astype(np.float64), lengths, n_features)
        norms = unit.norms()
        lengths = lengths / np.where(norms > 0, norms, 1)
    lengths = scaled("weight_scale", lengths, draw.scale, draw.dtype)
    return Structured(signs, lengths, n_features)


def _lengths(draw, size):
    """Lengths of rows in `size` dimensions; see `WeightDistribution`."""
    rng = random_stream(draw.seed, LENGTHS)
    lengths = WEIGHT_DISTRIBUTIONS[draw.distribution].lengths
    return lengths(rng, draw.width, size, draw.n_features)


class Projection(NamedTuple):
    """How the w_i are drawn, and the memory that the draw needs."""

    # Maps a WeightDraw to a BaseProjection.
    draw: Callable
    # Maps (width, n_features) to the number of values that the draw holds in memory.
    n_values: Callable


PROJECTIONS = {
    "dense": Projection(_draw_dense, lambda width, d: width * d),
    # The weights, and four matrices of shape (d, d) for a QR factorisation.
    "orthogonal": Projection(_draw_orthogonal, lambda width, d: width * d + 4 * d**2),
    # Signs and lengths, and the integers and float64 numbers that they are drawn as.
    "structured": Projection(_draw_structured, lambda width, d: 8 * (width + 2 * d)),
}
