"""The network N(x) = scale * U act(W x + b) + c as arrays: outputs and loss."""

from dataclasses import dataclass

import numpy as np

from skrf._compiled import neurons
from skrf._utils.blas import product
from skrf._utils.blocks import multiply, row_blocks
from skrf.activations import Activation
from skrf.losses import Loss


@dataclass(frozen=True)
class Objective:
    """The objective of the training, and the weights that are trained."""

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
        """Weighted mean over rows of the loss summed over outputs; 0 for weights of 0."""
        weight = sample_weight.sum(dtype=np.float64)
        total = sample_weight @ self.loss(predictions, Y).sum(axis=1, dtype=np.float64)
        return total / weight if weight > 0 else 0.0
