"""The network N(x) = scale * U act(W x + b) + c as arrays: outputs and loss."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from skrf._compiled import neurons
from skrf._utils.blas import product
from skrf._utils.blocks import multiply, row_blocks
from skrf.activations import Activation
from skrf.losses import Loss


class Weights(NamedTuple):
    """The weights of a network, or arrays of the same shapes."""

    hidden: np.ndarray  # W (width, n_features)
    biases: np.ndarray  # b (width,)
    output: np.ndarray  # U (n_outputs, width)
    intercept: np.ndarray  # c (n_outputs,)

    def copy(self):
        return Weights(*(array.copy() for array in self))

    def zeros(self):
        return Weights(*(np.zeros_like(array) for array in self))

    def nothing(self):
        """No weights: empty arrays of the same numbers of dimensions."""
        return Weights(*(np.empty((0,) * array.ndim, array.dtype) for array in self))

    def writable(self):
        """The same arrays, or copies of those loaded as read-only memory maps."""
        return Weights(*(np.require(array, requirements="CW") for array in self))


def first_weights(start):
    """All weights of a `_weights.Start`: the output intercept is 0."""
    return Weights(*start.draw(), np.zeros(start.n_outputs, start.dtype))


def fitted_attributes(objective, weights, attributes):
    """What `predict` of a network needs, by name; the weights in their public shapes.

    `attributes` has more of it, among them `_flat`, whether there is one output only.
    """
    W, b, U, c = weights
    return {
        **attributes,
        "hidden_weights_": W,
        "hidden_biases_": b,
        "output_weights_": U[0] if attributes["_flat"] else U,
        "output_bias_": c[0] if attributes["_flat"] else c,
        "_objective": objective,
    }


@dataclass(frozen=True)
class Objective:
    """What is minimised, and over which of the weights."""

    activation: Activation
    loss: Loss
    scale: float
    alpha: float
    train_hidden: bool
    train_biases: bool
    train_output: bool
    train_intercept: bool

    def predict(self, X, weights):
        """N(x) for every row of X: (n_samples, n_outputs)."""
        W, b, U, c = weights
        N = np.empty((X.shape[0], len(U)), W.dtype)
        blocks = row_blocks(X.shape[0], len(W))
        scratch = np.empty((blocks[0].stop, len(W)), W.dtype)
        for rows in blocks:
            Z = scratch[: rows.stop - rows.start]
            multiply(X[rows], W, Z)
            neurons.random_feature_rows(Z, b, self.activation.code, self.scale)
            N[rows] = c
            product(Z, U.T, N[rows], 1.0)
        return N

    def mean_loss(self, predictions, Y, sample_weight):
        """Weighted mean over the rows of the loss summed over the outputs, or 0."""
        weight = sample_weight.sum(dtype=np.float64)
        total = sample_weight @ self.loss(predictions, Y).sum(axis=1, dtype=np.float64)
        return total / weight if weight > 0 else 0.0
