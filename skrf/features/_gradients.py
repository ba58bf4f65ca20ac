"""Average outer products of the gradients of sums of neurons.

A model on random features has the outputs

    f_t(x) = sum_i U_ti act(z_i) + c_t,    z_i = <w_i, x> + b_i.

With S_ji = act'(z_i) at row x_j, its gradients at all rows are the rows of
G_t = S diag(U_t) W. The average gradient outer product, for weights omega of the rows, is

    M = sum_j omega_j sum_t grad f_t(x_j) grad f_t(x_j)' / sum_j omega_j.

For k outputs and d columns the products G_t cost r k d operations a row. The same M is
W' ((S' diag(omega) S) * (U' U)) W, elementwise product, which costs r^2 a row. The cheaper
form is used, and the second form only if its r^2 sums are fewer than n^2.

A model on linearised features adds sum_i act'(z_i) (<V_ti, x> + C_ti) to f_t, with the
initial output weights in V and C. Its gradients are the rows of

    G_t = (act''(z_i) (<V_ti, x_j> + C_ti) + U_ti act'(z_i))_ji W + S V_t.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from skrf._compiled import neurons
from skrf._compiled.activations import address
from skrf._utils.array_api import to_numpy
from skrf._utils.blas import add_gram, mirror, product
from skrf._utils.blocks import row_blocks
from skrf._utils.threads import in_threads
from skrf.activations import Activation
from skrf.features._array_formulas import ARRAY_FORMULAS
from skrf.features._linearized import LinearizedNTKFeatures
from skrf.features._projections import BaseProjection

# Values of the derivatives and gradients of a block of rows, and its minimum of rows.
_BLOCK_VALUES, _FEWEST_ROWS = 2**22, 64


@dataclass
class GradientSums:
    """A weighted sum of products over rows, and the weight of the rows."""

    products: np.ndarray
    weight: float = 0.0

    def merge(self, other):
        """Add the sums of other rows."""
        self.products += other.products
        self.weight += other.weight


@dataclass(frozen=True, eq=False)
class NeuronSum:
    """A sum of neurons, whose gradients are added to sums block by block.

    Parameters
    ----------
    projection : BaseProjection
        The hidden weights W.
    biases : ndarray of shape (width,)
        The hidden biases b.
    activation : Activation
        The activation act.
    outputs : ndarray of shape (n_outputs, width)
        The coefficients U.
    tangent : ndarray of shape (n_outputs, width, n_features + 1), default=None
        The coefficients V, with C as the last column; None without linearised features.
    """

    projection: BaseProjection
    biases: np.ndarray
    activation: Activation
    outputs: np.ndarray
    tangent: np.ndarray | None = None

    @property
    def width(self):
        """Number r of neurons."""
        return len(self.biases)

    def by_pairs(self, n_features, n_rows):
        """Whether sums over pairs of neurons are cheaper, and fewer than pairs of rows."""
        per_row = len(self.outputs) * n_features
        return self.tangent is None and self.width <= min(per_row, n_rows)


def neuron_sum(hidden, coef):
    """The `NeuronSum` of a fitted hidden layer with coefficients (n_outputs, n_columns)."""
    biases = to_numpy(hidden.biases_)
    projection, width = hidden._projection, len(biases)
    if biases is not hidden.biases_:
        projection = projection.__sklearn_array_api_convert__(to_numpy)
    coef = coef / np.sqrt(width)
    parts = projection, biases, hidden._activation
    if not _is_linearised(hidden):
        return NeuronSum(*parts, coef)
    n_hidden = coef.shape[1] - width * (hidden._train == "both")
    tangent = coef[:, :n_hidden].reshape(len(coef), width, -1)
    tangent = tangent * to_numpy(hidden.output_weights_)[:, np.newaxis]
    if not hidden._has_biases:
        tangent = np.concatenate([tangent, np.zeros((*tangent.shape[:2], 1))], axis=2)
    outputs = coef[:, n_hidden:]
    if hidden._train == "hidden":
        outputs = np.zeros((len(coef), width))
    return NeuronSum(*parts, outputs, tangent)


def _is_linearised(hidden):
    return isinstance(hidden, LinearizedNTKFeatures) and _train(hidden) != "output"


def _train(hidden):
    """The trained layers, of the fit where there was one."""
    return vars(hidden).get("_train", hidden.train)


def require_gradient(hidden):
    """Raise for features that jump."""
    activation = hidden.activation
    if _is_linearised(hidden):
        if ARRAY_FORMULAS[activation].second is None:
            raise ValueError(
                "`activation` must have a continuous derivative for gradients of "
                f"LinearizedNTKFeatures; got {activation!r}, whose features jump. Use "
                "activation='softplus', or RandomReLUFeatures."
            )
    elif activation == "step":
        raise ValueError(
            "`activation` must be continuous for gradients; got 'step'. Use "
            "activation='relu'."
        )


class GradientPass:
    """A pass over rows X that ends with the average gradient outer product.

    Parameters
    ----------
    neurons : NeuronSum
        The function.
    n_features : int
        Number of columns of X.
    n_rows : int or float
        Number of rows of all blocks together, or infinity if unknown.
    dtype : dtype
        float32 or float64: the dtype of X and of the gradients. Sums are float64.
    """

    label = "gradients"

    def __init__(self, neurons, n_features, n_rows, dtype):
        self.neurons, self.n_features = neurons, n_features
        self.dtype = np.dtype(dtype)
        self.by_pairs = neurons.by_pairs(n_features, n_rows)
        self.weights = neurons.projection.rows().astype(dtype, copy=False)

    def zero(self):
        """The sums of no rows."""
        size = self.neurons.width if self.by_pairs else self.n_features
        return GradientSums(np.zeros((size, size)))

    def merge(self, total, other):
        """Add other sums; returns the result."""
        total.merge(other)
        return total

    def add(self, total, X, Y, w, scratch=None):
        """Add rows to sums; the targets Y are not used."""
        n_columns = self.neurons.width
        if not self.by_pairs:
            n_columns = len(self.neurons.outputs) * self.n_features
        step = max(_FEWEST_ROWS, _BLOCK_VALUES // max(n_columns, self.neurons.width))
        roots = np.sqrt(w)
        for start in range(0, X.shape[0], step):
            rows = slice(start, min(start + step, X.shape[0]))
            block = self._block(X[rows], roots[rows])
            for part in block:
                add_gram(part.astype(np.float64, copy=False), total.products)
        total.weight += float(w.sum())

    def result(self, total):
        """The average gradient outer product, (n_features, n_features) in float64."""
        M = total.products
        mirror(M)
        if self.by_pairs:
            U = self.neurons.outputs.astype(np.float64)
            W = self.weights.astype(np.float64)
            M = W.T @ (M * (U.T @ U)) @ W
        M = M / total.weight if total.weight > 0 else np.zeros_like(M)
        return (M + M.T) / 2

    def _block(self, X, roots):
        """Weighted S, (1, n, r), or weighted gradients, (n_outputs, n, d), of rows."""
        n_rows, pairs = X.shape[0], self.by_pairs
        shape = (1, n_rows, self.neurons.width)
        if not pairs:
            shape = (len(self.neurons.outputs), n_rows, self.n_features)
        block = np.empty(shape, self.dtype)
        fill = self._fill_slopes if pairs else self._fill_gradients
        if self.neurons.tangent is not None:
            fill = self._fill_tangent_gradients

        def work(slices):
            for rows in slices:
                fill(X[rows], block[:, rows])
                block[:, rows] *= roots[rows, np.newaxis].astype(self.dtype)

        in_threads(work, row_blocks(n_rows, self.neurons.width, _FEWEST_ROWS))
        return block

    def _pre_activations(self, X):
        Z = np.empty((X.shape[0], self.neurons.width), self.dtype)
        self.neurons.projection.astype(self.dtype).multiply(X, Z)
        return Z

    def _slopes(self, X):
        """act'(z) of all neurons, and no values."""
        S, biases = self._pre_activations(X), self.neurons.biases.astype(self.dtype)
        kernel = address(self.neurons.activation.name, self.dtype)
        no_values = np.empty((len(S), 0), self.dtype)
        neurons.tangent_rows(S, biases, np.ones_like(biases), kernel, 1.0, no_values)
        return S

    def _fill_slopes(self, X, out):
        out[0] = self._slopes(X)

    def _fill_gradients(self, X, out):
        S = self._slopes(X)
        for u, G in zip(self.neurons.outputs, out, strict=True):
            weighted = u.astype(self.dtype)[:, np.newaxis] * self.weights
            product(S, weighted, G)

    def _fill_tangent_gradients(self, X, out):
        z = self._pre_activations(X)
        z += self.neurons.biases.astype(self.dtype)
        slope = self.neurons.activation.derivative(z)
        second = ARRAY_FORMULAS[self.neurons.activation.name].second(np, z)
        for u, VC, G in zip(self.neurons.outputs, self.neurons.tangent, out, strict=True):
            V = np.ascontiguousarray(VC[:, :-1], self.dtype)
            T = np.empty_like(z)
            product(np.ascontiguousarray(X), V.T, T)
            T += VC[:, -1].astype(self.dtype)
            T *= second
            T += slope * u.astype(self.dtype)
            product(T, self.weights, G)
            product(slope, V, G, 1.0)
