"""Linearised networks without their feature matrix: an operator and a Gram matrix.

The features of row x are f(x) = (scale a_i act'(z_i) (x, 1), scale act(z_i)) over the
neurons i, with z_i = <w_i, x> + b_i. Let S = (scale a_i act'(z_i)) and A = (scale act(z_i))
for a block of rows X. For coefficients (V, v, u) of shapes (width, d), (width,) and
(width,),

    F (V, v, u) = rowsums(S * (X V')) + S v + A u,
    F' y = ((y S)' X, S' y, A' y),
    F F' = (X X' + 1) * S S' + A A',

A product with F therefore takes two products of the size of X W', although F is n_features
times larger than X W'.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import LinearOperator
from sklearn.utils.extmath import safe_sparse_dot

from skrf._compiled import neurons
from skrf._compiled.activations import address
from skrf._compiled.jit import njit
from skrf._utils.blas import add_gram, mirror, product
from skrf._utils.blocks import multiply, row_blocks
from skrf._utils.threads import in_threads
from skrf.activations import Activation
from skrf.features._projections import BaseProjection

# Rows of a block of the Gram matrix.
_GRAM_ROWS = 1024
# Values of S and A that are cached while the Gram matrix is computed.
_CACHED_VALUES = 2**27


@njit(cache=True, nogil=True, fastmath=neurons.FASTMATH)
def _row_dots(S, P, shift, out):
    """out[i] <- sum_j S[i, j] (P[i, j] + shift[j])."""
    for i in range(S.shape[0]):
        s, p, dot = S[i], P[i], S.dtype.type(0)
        for j in range(S.shape[1]):
            dot += s[j] * (p[j] + shift[j])
        out[i] = dot


@njit(cache=True, nogil=True, fastmath=neurons.FASTMATH)
def _scaled_rows(S, y, out, total):
    """out[i] <- y[i] S[i], total <- total + the sum of these rows."""
    for i in range(S.shape[0]):
        s, row = S[i], out[i]
        for j in range(S.shape[1]):
            row[j] = y[i] * s[j]
            total[j] += row[j]


@njit(cache=True, nogil=True, fastmath=neurons.FASTMATH)
def _multiply_shifted(block, inner, shift):
    """block <- block * (inner + shift), elementwise."""
    c = block.dtype.type(shift)
    for i in range(block.shape[0]):
        row, factor = block[i], inner[i]
        for j in range(block.shape[1]):
            row[j] *= factor[j] + c


@dataclass(frozen=True)
class HiddenLayer:
    """A hidden layer, and the layers whose derivatives are features."""

    projection: BaseProjection
    biases: np.ndarray  # (width,)
    output_weights: np.ndarray  # (width,)
    activation: Activation
    has_biases: bool
    train: str  # "hidden", "output" or "both"

    @property
    def width(self):
        """Number of neurons."""
        return len(self.biases)

    def columns_per_neuron(self, n_features):
        """Numbers of derivatives in a neuron's hidden weights, and in its output weight."""
        hidden = (n_features + self.has_biases) * (self.train != "output")
        return hidden, int(self.train != "hidden")

    def slopes_and_values(self, X):
        """S and A of the rows of X; A has no columns for train="hidden"."""
        S = np.empty((X.shape[0], self.width), X.dtype)
        self.projection.multiply(X, S)
        A = np.empty((S.shape[0], self.width * (self.train != "hidden")), S.dtype)
        scale = 1 / np.sqrt(self.width)
        kernel = address(self.activation.name, S.dtype)
        neurons.tangent_rows(S, self.biases, self.output_weights, kernel, scale, A)
        return S, A


class TangentOperator(LinearOperator):
    """The feature matrix F of X as a linear operator, by the formulas of this module."""

    def __init__(self, X, layer):
        self.X = X
        self.layer = layer
        n_features = X.shape[1]
        columns = sum(layer.columns_per_neuron(n_features)) * layer.width
        super().__init__(X.dtype, (X.shape[0], columns))

    def _matvec(self, v):
        return self._matmat(v.reshape(-1, 1))[:, 0]

    def _rmatvec(self, y):
        return self._rmatmat(y.reshape(-1, 1))[:, 0]

    def _split(self, columns):
        """Yield (V, u) for each row of `columns`, as views; None where F has no such part.

        V is of shape (width, d + 1) with v as its last column, u of shape (width,).
        """
        hidden, output = self.layer.columns_per_neuron(self.X.shape[1])
        width, size = self.layer.width, hidden * self.layer.width
        for row in columns:
            V = row[:size].reshape(width, hidden) if hidden else None
            yield V, row[size:] if output else None

    def _matmat(self, M):
        if np.iscomplexobj(M):
            return self._matmat(M.real) + 1j * self._matmat(M.imag)
        # Transposed: each column of M becomes a row, whose parts V and u are contiguous.
        columns = np.ascontiguousarray(M.T, self.dtype)
        out = np.empty((self.shape[0], len(columns)), self.dtype)

        def fill(blocks):
            for rows in blocks:
                self._multiply(rows, columns, out[rows])

        in_threads(fill, self._row_blocks())
        return out

    def _rmatmat(self, M):
        if np.iscomplexobj(M):
            return self._rmatmat(M.real) + 1j * self._rmatmat(M.imag)
        columns = np.ascontiguousarray(M.T, self.dtype)

        def accumulate(blocks):
            total = np.zeros((len(columns), self.shape[1]), self.dtype)
            for rows in blocks:
                self._add_transposed(rows, columns[:, rows], total)
            return total

        return sum(in_threads(accumulate, self._row_blocks())).T

    def _multiply(self, rows, columns, out):
        """out <- these rows of F times the coefficients, one set per row of `columns`."""
        X, (d, has_biases) = self.X[rows], (self.X.shape[1], self.layer.has_biases)
        S, A = self.layer.slopes_and_values(X)
        P, total = np.empty_like(S), np.empty(len(S), S.dtype)
        for k, (V, u) in enumerate(self._split(columns)):
            total[:] = 0
            if V is not None:
                multiply(X, V[:, :d], P)
                shift = V[:, d].copy() if has_biases else np.zeros(len(V), S.dtype)
                _row_dots(S, P, shift, total)
            if u is not None:
                product(A, u[:, np.newaxis], total[:, np.newaxis], 1.0)
            out[:, k] = total

    def _add_transposed(self, rows, columns, total):
        """total <- total + `columns` times these rows of F."""
        X, (d, has_biases) = self.X[rows], (self.X.shape[1], self.layer.has_biases)
        S, A = self.layer.slopes_and_values(X)
        yS = np.empty_like(S)
        for y, (V, u) in zip(columns, self._split(total), strict=True):
            if u is not None:
                product(y[np.newaxis], A, u[np.newaxis], 1.0)
            if V is None:
                continue
            sums = np.zeros(len(V), S.dtype)
            _scaled_rows(S, np.ascontiguousarray(y), yS, sums)
            if sparse.issparse(X):
                V[:, :d] += (X.T @ yS).T
            else:
                product(yS.T, X, V[:, :d], 1.0)
            if has_biases:
                V[:, d] += sums

    def _row_blocks(self):
        return row_blocks(self.shape[0], self.layer.width, at_least=256)


def gram(X, Y, layer):
    """F_X F_Y' for rows X and Y, or F_X F_X' if Y is None."""
    symmetric = Y is None
    Y = X if symmetric else Y
    K = np.empty((X.shape[0], Y.shape[0]), X.dtype)
    inner = np.empty((_GRAM_ROWS, _GRAM_ROWS), X.dtype)
    n_cached = max(1, _CACHED_VALUES // (2 * _GRAM_ROWS * layer.width))

    @lru_cache(maxsize=n_cached)
    def slopes_and_values_of_y(left):
        return layer.slopes_and_values(Y[left : left + _GRAM_ROWS])

    for top in range(0, X.shape[0], _GRAM_ROWS):
        x = X[top : top + _GRAM_ROWS]
        of_x = slopes_and_values_of_y(top) if symmetric else layer.slopes_and_values(x)
        for left in range(0, top + 1 if symmetric else Y.shape[0], _GRAM_ROWS):
            y = Y[left : left + _GRAM_ROWS]
            block = K[top : top + _GRAM_ROWS, left : left + _GRAM_ROWS]
            of_y = of_x if symmetric and left == top else slopes_and_values_of_y(left)
            _gram_block(x, y, of_x, of_y, layer, inner, block)
            if symmetric and left < top:
                K[left : left + _GRAM_ROWS, top : top + _GRAM_ROWS] = block.T
    return K


def _gram_block(x, y, of_x, of_y, layer, inner, out):
    """out <- F_x F_y'; if y is x, exactly symmetric and at half the cost."""
    (S_x, A_x), (S_y, A_y) = of_x, of_y
    same = of_x is of_y

    def multiply(a, b, c, beta=0.0):
        if same:
            add_gram(a.T, c, beta)
        else:
            product(a, b.T, c, beta)

    if layer.train != "output":
        multiply(S_x, S_y, out)
        inner = inner[: out.shape[0], : out.shape[1]]
        if sparse.issparse(x) or sparse.issparse(y):
            inner[...] = safe_sparse_dot(x, y.T, dense_output=True)
        else:
            multiply(x, y, inner)
        _multiply_shifted(out, inner, float(layer.has_biases))
    if layer.train != "hidden":
        multiply(A_x, A_y, out, 0.0 if layer.train == "output" else 1.0)
    if same:
        mirror(out)
