"""The step of SGD, from the first gradients."""

import numpy as np
from scipy.sparse import issparse
from sklearn.utils.extmath import row_norms

from skrf._utils.blocks import row_blocks
from skrf.networks._state import StepEstimate

# Maximum number of rows that the estimate looks at.
_ROWS = 1000
# The first step is this multiple of the estimate if the step cools down. Multiples 2 and 4
# end within .01 of each other on most of 16 problems; 1 underfits in 20 epochs, and 8
# diverges on two of them.
MULTIPLE = 2.0
# Power iterations for the largest eigenvalue with several outputs; the result is rarely 10%
# too small.
_POWER_STEPS = 20


def estimate_step(objective, weights, X, Y, sample_weight):
    """Estimate the largest stable step for plain SGD, on up to 1,000 rows.

    The step is the smaller of 1 / (max_i h K_i + alpha) and 1 / RMS_i ||grad_theta l_i||,
    where K_i is the largest eigenvalue of the tangent kernel J J' of row i (J the
    derivative of the outputs in the trained weights), times the sample weight of row i, and
    h bounds the second derivative of the loss. The
    first bound keeps the linearised squared loss from growing. The second bound keeps one
    step within the region where the linearisation holds. `_sampled_rows` picks the rows.
    """
    squares = row_norms(X, squared=True).astype(np.float64)
    picked = _sampled_rows(squares, sample_weight)
    W, b = weights[:2]
    U, c = (array.astype(np.float64) for array in weights[2:])
    curvature, norms, losses = [], [], []
    # About eight arrays of this size exist at a time.
    for rows in row_blocks(len(picked), 8 * max(*W.shape, len(U))):
        i = picked[rows]
        with np.errstate(over="ignore", invalid="ignore"):
            z = (X[i] @ W.T + b).astype(np.float64)
            y, w = Y[i].astype(np.float64), sample_weight[i]
            value, slope = objective.activation.value_and_derivative(z)
            predictions = objective.scale * value @ U.T + c
            kernel = _TangentKernels(objective, squares[i], value, slope, U)
            row_losses, gradient = objective.row_losses(predictions, y)
            norms.append(w**2 * kernel.squared_norms(gradient))
            losses.append(w * row_losses)
            curvature.append(w * objective.curvature(len(U)) * kernel.largest_eigenvalues())
            largest = np.max([curvature[-1].max(), norms[-1].max(), losses[-1].max()])
        if not largest < np.finfo(W.dtype).max:
            raise ValueError(
                "`X`, `y`, `sample_weight` and `weight_scale` must be small enough for "
                f"gradients in {W.dtype}; got an overflow in the first gradients. Scale X, "
                "for example by StandardScaler, and y."
            )
    bound = max(
        np.max(np.concatenate(curvature)) + objective.alpha,
        np.sqrt(np.mean(np.concatenate(norms))),
    )
    # If no data moves any weight, every step is stable.
    step = 1 / bound if bound > 0 else 1.0
    total, weight = np.sum(np.concatenate(losses)), np.sum(sample_weight[picked])
    return StepEstimate(step, total / weight if weight > 0 else 0.0, squares[picked].mean())


class _TangentKernels:
    """J J' = scale^2 (a U diag(slope^2) U' + |value|^2 I) + I of every row, never formed.

    Here a = ||x||^2 + 1. The terms of weights that are not trained are left out.
    """

    def __init__(self, objective, squares, value, slope, U):
        scale = objective.scale**2
        self.hidden = scale * (squares + objective.train_biases) * objective.train_hidden
        self.diagonal = objective.train_output * scale * np.einsum("nr,nr->n", value, value)
        self.diagonal += objective.train_intercept
        self.slope, self.U = slope, U

    def squared_norms(self, vectors):
        """v' J J' v for a vector v of each row, (n_rows, n_outputs)."""
        inner = np.einsum("nr,nr->n", *2 * [(vectors @ self.U) * self.slope])
        return self.hidden * inner + self.diagonal * np.einsum("nk,nk->n", *2 * [vectors])

    def largest_eigenvalues(self):
        """Eigenvalues by power iterations on the part that is not a multiple of I."""
        v = np.random.default_rng(0).standard_normal((len(self.slope), len(self.U)))
        for _ in range(_POWER_STEPS if len(self.U) > 1 else 1):
            v /= np.maximum(np.linalg.norm(v, axis=1, keepdims=True), np.finfo(float).tiny)
            last, v = v, ((v @ self.U) * self.slope**2) @ self.U.T
        return self.hidden * np.einsum("nk,nk->n", last, v) + self.diagonal


def mean_squares(X):
    """The mean squares of the columns."""
    if issparse(X):
        return np.asarray(X.multiply(X).mean(axis=0)).ravel()
    return np.einsum("ij,ij->j", X, X, dtype=np.float64) / len(X)


def column_scale(X):
    """The root mean square of the largest column; 1 where all are 0."""
    return float(np.sqrt(mean_squares(X).max())) or 1.0


def sampled_rows(X, sample_weight):
    """Indices of up to 1,000 rows by which to judge the state of a network."""
    return _sampled_rows(row_norms(X, squared=True), sample_weight)


def n_alive(objective, weights, X):
    """Number of neurons with a non-zero derivative on at least one row."""
    W, b = weights[:2]
    alive = np.zeros(len(W), bool)
    for rows in row_blocks(X.shape[0], 4 * max(W.shape)):
        _, slope = objective.activation.value_and_derivative(X[rows] @ W.T + b)
        alive |= (slope != 0).any(axis=0)
    return alive.sum()


def _sampled_rows(squares, sample_weight):
    """Up to 1,000 rows of positive weight, spread evenly, and the row of longest steps.

    The longest steps come from the row with the largest sample_weight * (||x||^2 + 1).
    """
    rows = np.flatnonzero(sample_weight)
    spread = np.linspace(0, len(rows) - 1, _ROWS - 1).astype(int)
    with np.errstate(over="ignore"):
        lengths = sample_weight[rows].astype(np.float64) * (squares[rows] + 1.0)
    return np.unique(rows[np.append(spread, lengths.argmax())])
