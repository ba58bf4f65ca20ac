"""Random laws of hidden weights and biases, shared by transformers and networks.

Weights, biases and output weights come from separate random streams of one seed, and
rows are drawn one after the other, so that widths nest: with one seed, the first r rows
of a wider draw are the narrower draw. All draws are made in float64, then cast.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from sklearn.utils import check_random_state

from skrf._compiled import hadamard
from skrf._utils.blocks import dense_rows, multiply
from skrf._utils.validation import NON_NEGATIVE, POSITIVE_INTEGER, one_of

# What a random stream is for: streams of one seed and different purposes are independent.
_HIDDEN_WEIGHTS, _HIDDEN_BIASES, _OUTPUT_WEIGHTS, DATA, _LENGTHS = range(5)


def _gaussian_rows(rng, n_rows, n_features):
    return rng.standard_normal((n_rows, n_features)) / np.sqrt(n_features)


def _sphere_rows(rng, n_rows, n_features):
    rows = rng.standard_normal((n_rows, n_features))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _uniform_rows(rng, n_rows, n_features):
    return rng.uniform(-1, 1, (n_rows, n_features)) * np.sqrt(3 / n_features)


def _chi_lengths(rng, width, size, n_features):
    return np.sqrt(rng.chisquare(size, width) / n_features)


def _unit_lengths(rng, width, size, n_features):
    return np.ones(width)


class WeightLaw(NamedTuple):
    """A law of hidden weights with E||w||^2 = 1, so that laws compare."""

    # (rng, n_rows, n_features) -> independent rows
    rows: Callable
    # (rng, n_rows, size, n_features) -> lengths of rows in `size` dimensions whose first
    # n_features obey the law; None for a law whose directions are not uniform, which only
    # the dense projection can give.
    lengths: Callable | None = None


WEIGHT_LAWS = {
    "gaussian": WeightLaw(_gaussian_rows, _chi_lengths),
    "sphere": WeightLaw(_sphere_rows, _unit_lengths),
    "uniform": WeightLaw(_uniform_rows),
}

# Each law is (rng, width) -> biases with E b^2 = 1. "none" means a model without biases.
BIAS_LAWS = {
    "gaussian": lambda rng, width: rng.standard_normal(width),
    "uniform": lambda rng, width: rng.uniform(-1, 1, width) * np.sqrt(3),
    "constant": lambda rng, width: np.ones(width),
    "none": lambda rng, width: np.zeros(width),
}

# The parameters that every class with random hidden weights shares.
CONSTRAINTS = {
    "width": [POSITIVE_INTEGER],
    "weights": [one_of(WEIGHT_LAWS)],
    "weight_scale": [NON_NEGATIVE],
    "biases": [one_of(BIAS_LAWS)],
    "bias_scale": [NON_NEGATIVE],
    "random_state": ["random_state"],
}


def draw_seed(random_state):
    """One integer that fixes every later draw; the same for the same integer seed."""
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


def random_stream(seed, purpose):
    """A generator; a spawn key, because NumPy pads seeds: (s, 0) is the same seed as s."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(purpose,)))


def draw_weights(seed, width, n_features, law, scale, dtype):
    """(width, n_features) hidden weights with E||w||^2 = scale^2."""
    rng = random_stream(seed, _HIDDEN_WEIGHTS)
    weights = np.empty((width, n_features), dtype)
    # In pieces, so that the float64 draw of a large float32 matrix is never whole.
    step = max(1, 2**17 // n_features)
    for start in range(0, width, step):
        rows = weights[start : start + step]
        drawn = WEIGHT_LAWS[law].rows(rng, len(rows), n_features)
        rows[...] = _scaled(drawn, scale, dtype)
    return weights


def draw_biases(seed, width, law, scale, dtype):
    """(width,) hidden biases with E b^2 = scale^2, or zeros for the law "none"."""
    rng = random_stream(seed, _HIDDEN_BIASES)
    return _scaled(BIAS_LAWS[law](rng, width), scale, dtype)


def _scaled(draws, scale, dtype):
    with np.errstate(over="ignore"):
        scaled = (scale * draws).astype(dtype)
    if not np.isfinite(scaled).all():
        raise ValueError(
            f"weight_scale or bias_scale = {scale} is too large for {np.dtype(dtype)}. Use "
            "a smaller one."
        )
    return scaled


@dataclass(frozen=True)
class Start:
    """The random start of a network, which can be drawn again at any time."""

    seed: int
    width: int
    n_features: int
    n_outputs: int
    dtype: np.dtype
    weights: str
    weight_scale: float
    biases: str
    bias_scale: float
    parametrization: str
    symmetric: bool

    def draw(self):
        """Hidden weights, hidden biases, output weights (n_outputs, width).

        The output weights are uniform on +-1/sqrt(width) in the standard parametrisation
        and random signs in ntk. A symmetric start is two halves with the same hidden
        weights and opposite output weights.
        """
        width = self.width // 2 if self.symmetric else self.width
        W = draw_weights(
            self.seed, width, self.n_features, self.weights, self.weight_scale, self.dtype
        )
        b = draw_biases(self.seed, width, self.biases, self.bias_scale, self.dtype)
        rng = random_stream(self.seed, _OUTPUT_WEIGHTS)
        U = rng.uniform(-1, 1, (width, self.n_outputs)).T
        if self.parametrization == "ntk":
            U = np.where(U < 0, -1.0, 1.0)
        else:
            U = U / np.sqrt(self.width)
        U = np.ascontiguousarray(U, self.dtype)
        if self.symmetric:
            W, b, U = np.concatenate([W, W]), np.tile(b, 2), np.hstack([U, -U])
        return W, b, U


# ----------------------------------------------------------------------- projections


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
    rng = random_stream(seed, _HIDDEN_WEIGHTS)
    weights = np.empty((width, n_features), dtype)
    lengths = _lengths(seed, width, n_features, law, n_features)
    for start in range(0, width, n_features):
        # QR with a positive diagonal of R makes Q uniform (Mezzadri, 2007).
        Q, R = np.linalg.qr(rng.standard_normal((n_features, n_features)))
        rows = weights[start : start + n_features]
        Q = (Q * np.where(np.diag(R) < 0, -1, 1)).T[: len(rows)]
        rows[...] = _scaled(
            lengths[start : start + len(rows), np.newaxis] * Q, scale, dtype
        )
    return Dense(weights)


def _draw_structured(seed, width, n_features, law, scale, dtype):
    rng = random_stream(seed, _HIDDEN_WEIGHTS)
    size = 1 << (n_features - 1).bit_length()
    n_blocks = -(-width // size)
    signs = np.where(rng.integers(2, size=(n_blocks, 3, size)), 1, -1).astype(dtype)
    lengths = _lengths(seed, width, size, law, n_features)
    if law == "sphere" and size > n_features:
        # Without the columns of zeros the rows are shorter, each by another factor.
        unit = Structured(signs.astype(np.float64), lengths, n_features)
        norms = unit.norms()
        lengths = lengths / np.where(norms > 0, norms, 1)
    return Structured(signs, _scaled(lengths, scale, dtype), n_features)


def _lengths(seed, width, size, law, n_features):
    rng = random_stream(seed, _LENGTHS)
    return WEIGHT_LAWS[law].lengths(rng, width, size, n_features)


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
