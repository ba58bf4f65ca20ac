"""The network N(x) = scale * U act(W x + b) + c as arrays: outputs and loss."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from skrf._compiled import neurons
from skrf._compiled.activations import address
from skrf._compiled.losses import row_losses
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
        kernel = address(self.activation.name, W.dtype)
        blocks = row_blocks(X.shape[0], len(W))
        scratch = np.empty((blocks[0].stop, len(W)), W.dtype)
        for rows in blocks:
            Z = scratch[: rows.stop - rows.start]
            multiply(X[rows], W, Z)
            neurons.random_feature_rows(Z, b, kernel, self.scale)
            N[rows] = c
            product(Z, U.T, N[rows], 1.0)
        return N

    def row_losses(self, predictions, Y):
        """The loss of every row (n,), summed over outputs, and its derivatives (n, k)."""
        predictions = np.ascontiguousarray(predictions)
        Y = np.ascontiguousarray(Y, predictions.dtype)
        losses, slopes = np.empty(len(Y), Y.dtype), np.empty_like(Y)
        row_losses(predictions, Y, losses, slopes, self.loss.code)
        return losses, slopes

    def curvature(self, n_outputs):
        """An upper bound of the second derivative of a row's loss in its outputs.

        Of hinge, whose second derivative is 0 or infinite, the bound of squared error.
        """
        if self.loss.name != "log_loss":
            return 1.0
        return 0.25 if n_outputs == 1 else 0.5

    def mean_loss(self, predictions, Y, sample_weight):
        """Weighted mean over rows of the loss summed over outputs; 0 for weights of 0."""
        weight = sample_weight.sum(dtype=np.float64)
        total = sample_weight @ self.row_losses(predictions, Y)[0].astype(np.float64)
        return total / weight if weight > 0 else 0.0

    def constant_loss(self, Y, sample_weight):
        """The mean loss of the best prediction that is the same for all rows.

        Without an intercept that prediction is 0.
        """
        w = sample_weight.astype(np.float64) / sample_weight.sum(dtype=np.float64)
        if not self.train_intercept:
            return self.mean_loss(np.zeros_like(Y), Y, sample_weight)
        Y = Y.astype(np.float64)
        if self.loss.name == "squared_error":
            return float(w @ np.sum((Y - w @ Y) ** 2, axis=1)) / 2
        positive = w @ (Y > 0)
        if self.loss.name == "log_loss":
            p = positive if Y.shape[1] > 1 else np.append(positive, 1 - positive)
            return float(-np.sum(p * np.log(np.where(p > 0, p, 1.0))))
        return float(sum(map(self._constant_sign_loss, positive)))

    def _constant_sign_loss(self, positive):
        """The mean loss of the best constant for a fraction of targets that are 1."""

        def loss(c):
            return positive * self.loss(c, 1.0) + (1 - positive) * self.loss(c, -1.0)

        best = minimize_scalar(loss, bounds=(-1, 1), method="bounded").fun
        return min(float(best), float(loss(-1.0)), float(loss(1.0)))
