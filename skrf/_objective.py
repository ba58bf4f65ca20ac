"""The network N(x) = scale * U act(W x + b) + c as arrays: outputs, loss, stable step."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from sklearn.utils.extmath import row_norms

from skrf import _kernels
from skrf._blas import product
from skrf._blocks import multiply, row_blocks
from skrf.activations import Activation
from skrf.losses import Loss

# Rows that the step size is estimated on.
_PROBE_ROWS = 1000


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
        for rows in row_blocks(X.shape[0], len(W)):
            Z = np.empty((rows.stop - rows.start, len(W)), W.dtype)
            multiply(X[rows], W, Z)
            _kernels.random_feature_rows(Z, b, self.activation.code, self.scale)
            N[rows] = c
            product(Z, U.T, N[rows], 1.0)
        return N

    def mean_loss(self, predictions, Y, sample_weight):
        """Weighted mean over the rows of the loss summed over the outputs, or 0."""
        weight = sample_weight.sum(dtype=np.float64)
        total = sample_weight @ self.loss(predictions, Y).sum(axis=1, dtype=np.float64)
        return total / weight if weight > 0 else 0.0


class Probe(NamedTuple):
    """What the first rows and weights say about a run."""

    stable_step: float
    mean_loss: float
    mean_square: float  # of the rows' lengths


def probe(objective, weights, X, Y, sample_weight):
    """Estimate the largest stable step for plain SGD, on up to 1,000 rows.

    The step is the smaller of 1 / (max_i K_i + alpha) and 1 / RMS_i ||grad_theta l_i||,
    where K_i is the largest eigenvalue of the tangent kernel J J' of row i (J the
    derivative of the outputs in the trained weights), times its sample weight. The first
    bound keeps the linearised squared loss from growing, the second keeps one step from
    leaving the region where the linearisation holds. The longest row is among the rows.
    """
    squares = row_norms(X, squared=True).astype(np.float64)
    spread = np.linspace(0, X.shape[0] - 1, _PROBE_ROWS - 1).astype(int)
    picked = np.unique(np.append(spread, squares.argmax()))
    W, b = weights[:2]
    U, c = (array.astype(np.float64) for array in weights[2:])
    curvature, norms, losses = [], [], []
    # Some eight arrays of this size are alive at a time.
    for rows in row_blocks(len(picked), 8 * max(W.shape)):
        i = picked[rows]
        with np.errstate(over="ignore", invalid="ignore"):
            z = (X[i] @ W.T + b).astype(np.float64)
            y, w = Y[i].astype(np.float64), sample_weight[i]
            value, slope = objective.activation.value_and_derivative(z)
            predictions = objective.scale * value @ U.T + c
            kernel = _tangent_kernel(objective, squares[i], value, slope, U)
            gradient = objective.loss.derivative(predictions, y)
            norms.append(w**2 * np.einsum("nk,nkl,nl->n", gradient, kernel, gradient))
            losses.append(w * objective.loss(predictions, y).sum(axis=1))
            largest = np.max([kernel.max(), norms[-1].max(), losses[-1].max()])
        if not largest < np.finfo(W.dtype).max:
            raise ValueError(
                f"The first losses or gradients overflow {W.dtype}: X, y, sample_weight or "
                "weight_scale is too large. Scale X, for instance by StandardScaler, and y."
            )
        curvature.append(w * np.linalg.eigvalsh(kernel)[:, -1])
    bound = max(
        np.max(np.concatenate(curvature)) + objective.alpha,
        np.sqrt(np.mean(np.concatenate(norms))),
    )
    # Data that moves no weight leaves the step open.
    step = 1 / bound if bound > 0 else 1.0
    total, weight = np.sum(np.concatenate(losses)), np.sum(sample_weight[picked])
    return Probe(step, total / weight if weight > 0 else 0.0, squares[picked].mean())


def _tangent_kernel(objective, squares, value, slope, U):
    """J J' of every row, (n_rows, n_outputs, n_outputs)."""
    n, n_outputs = len(squares), len(U)
    kernel = np.zeros((n, n_outputs, n_outputs))
    if objective.train_hidden:
        inputs = squares + objective.train_biases
        for i in range(n):
            kernel[i] = inputs[i] * (U * slope[i] ** 2) @ U.T
    diagonal = objective.train_output * np.einsum("nr,nr->n", value, value)
    kernel += diagonal[:, np.newaxis, np.newaxis] * np.eye(n_outputs)
    return objective.scale**2 * kernel + objective.train_intercept * np.eye(n_outputs)
