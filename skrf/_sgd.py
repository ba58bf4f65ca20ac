"""Stochastic gradient descent on N(x) = scale * U act(W x + b) + c: arrays in, arrays out.

`SGD` holds the state of one run (weights, velocities, averages, update count) and passes
over data in blocks of rows: the compiled kernel works inside a block, and between blocks
Python notices interrupts and divergence.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from sklearn.utils.extmath import row_norms

from skrf import _kernels
from skrf._blocks import dense_rows, multiply, row_blocks
from skrf._weights import Start
from skrf.activations import Activation
from skrf.losses import Loss

# A step halved this often that still diverges will not stop diverging.
HALVINGS = 40
# Rows that the step size is estimated on.
_PROBE_ROWS = 1000
# A block whose mean loss is this many times the loss to be expected before training has
# diverged: predictions are then about 1,000 times too large.
_GROWTH = 1e6
# A block has at most this many rows, and this many rows times weights: well below a
# second of work, so that an interrupt is noticed at once.
_BLOCK_ROWS = 256
_BLOCK_WORK = 2**27


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

    def assign(self, other):
        for mine, theirs in zip(self, other, strict=True):
            mine[...] = theirs

    def writable(self):
        """The same arrays, or copies of those loaded as read-only memory maps."""
        return Weights(*(np.require(array, requirements="CW") for array in self))

    def finite(self):
        # A sum is one pass without a temporary, and keeps any NaN or infinity.
        with np.errstate(over="ignore", invalid="ignore"):
            return all(np.isfinite(array.sum()) for array in self)


# Stands for velocities or averages that are not kept; the kernel never reads it.
_NONE = {
    dtype: Weights(*(np.zeros((0,) * ndim, dtype) for ndim in (2, 1, 2, 1)))
    for dtype in (np.dtype(np.float64), np.dtype(np.float32))
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
            N[rows] = Z @ U.T + c
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
    for rows in row_blocks(len(picked), max(W.shape)):
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


class Diverged(Exception):
    """The loss grew without bound; the weights are those before the block it grew in."""

    def __init__(self, mean_loss, n_updates):
        super().__init__(mean_loss, n_updates)
        self.mean_loss = mean_loss
        self.n_updates = n_updates


class SGD:
    """One run of SGD with heavy-ball momentum and averaging of the iterates.

    Parameters
    ----------
    start : Start
        The random start, which `weights` are drawn from.
    weights : Weights
        Changed in place.
    probe : Probe
        Says what loss was to be expected.
    eta0 : float
        Step of the first update.
    """

    def __init__(self, start: Start, weights, probe, eta0):
        self.start = start
        self.weights = weights
        self.probe = probe
        self.eta0 = eta0
        self.velocity = None
        self.average = None
        self.n_updates = 0
        self.n_averaged = 0

    @property
    def result(self):
        """The averaged weights where there are any, else the last ones."""
        return self.weights if self.average is None else self.average

    def replace(self, weights):
        """Go on from other weights: no velocity, no average."""
        self.weights = weights
        self.velocity = self.average = None
        self.n_averaged = 0

    def configure(self, objective, *, batch_size, power_t, momentum, average_after):
        """Set what may change between passes.

        Update t has the step eta0 / t**power_t. The iterates after update
        `average_after` are averaged; -1 keeps no average.
        """
        self.objective = objective
        self.batch_size = batch_size
        self.power_t = power_t
        self.momentum = momentum
        self.average_after = average_after
        self.weights = self.weights.writable()
        if momentum == 0:
            self.velocity = None
        elif self.velocity is None:
            self.velocity = self.weights.zeros()
        else:
            self.velocity = self.velocity.writable()
        if average_after < 0 or self.n_updates < average_after:
            self.average, self.n_averaged = None, 0
        elif self.average is not None:
            self.average = self.average.writable()

    def run(self, X, Y, sample_weight, order, *, halve=False):
        """One pass over the rows of X in the given order; return the mean loss.

        The losses are those before each update. A block that diverges is undone; then
        the step is halved and the block tried again (`halve`), or `Diverged` is raised.
        """
        per_block = min(_BLOCK_ROWS, _BLOCK_WORK // self.weights.hidden.size)
        per_block = self.batch_size * max(1, per_block // self.batch_size)
        total, halvings = 0.0, 0
        for start in range(0, len(order), per_block):
            rows = order[start : start + per_block]
            block = dense_rows(X, rows), Y[rows], sample_weight[rows]
            limit = _GROWTH * self._expected_loss(*block)
            while True:
                try:
                    total += self._update(*block, limit)
                    break
                except Diverged:
                    halvings += 1
                    if not halve or halvings > HALVINGS:
                        raise
                    self.eta0 /= 2
        weight = sample_weight[order].sum(dtype=np.float64)
        return total / weight if weight > 0 else 0.0

    def _expected_loss(self, X, Y, sample_weight):
        """The mean loss that a block may well have before it is trained on.

        Predictions grow with the length of a row, so an outlier is no divergence.
        """
        longest = row_norms(X, squared=True).max() / max(
            self.probe.mean_square, np.finfo(X.dtype).tiny
        )
        return max(
            self.probe.mean_loss * max(1.0, float(longest)),
            self.objective.mean_loss(np.zeros_like(Y), Y, sample_weight),
            # Rounding alone gives a loss of about eps^2 where 0 is expected.
            np.finfo(Y.dtype).eps ** 2,
        )

    def _update(self, X, Y, sample_weight, limit):
        """Update on the rows of one block and return their summed loss.

        `Diverged` is raised when the mean loss passed `limit` or was not finite. Then, and
        after an interrupt, everything is as before, but for the velocity, which is 0.
        """
        last = self.n_updates + -(-len(X) // self.batch_size)
        averaging = self.average_after >= 0 and last > self.average_after
        if averaging and self.average is None:
            self.average = self.weights.copy()
        saved = self.weights.copy(), self.average.copy() if averaging else None
        try:
            block_loss = self._call_kernel(X, Y, sample_weight, last, averaging)
            weight = sample_weight.sum(dtype=np.float64)
            mean_loss = block_loss / weight if weight > 0 else block_loss
            if not (
                mean_loss <= limit and np.isfinite(mean_loss) and self.weights.finite()
            ):
                raise Diverged(mean_loss, self.n_updates)
        except BaseException:
            self.weights.assign(saved[0])
            if averaging:
                self.average.assign(saved[1])
            if self.velocity is not None:
                self.velocity = self.weights.zeros()
            raise
        if averaging:
            self.n_averaged += last - max(self.n_updates, self.average_after)
        self.n_updates = last
        return block_loss

    def _call_kernel(self, X, Y, sample_weight, last, averaging):
        none, o = _NONE[self.weights.hidden.dtype], self.objective
        return _kernels.sgd_updates(
            X,
            Y,
            sample_weight,
            tuple(self.weights),
            tuple(self.velocity or none),
            tuple(self.average if averaging else none),
            self.n_updates,
            self.batch_size,
            self.eta0,
            self.power_t,
            self.momentum,
            o.alpha,
            self.average_after if averaging else last,
            self.n_averaged,
            o.scale,
            o.train_hidden,
            o.train_biases,
            o.train_output,
            o.train_intercept,
            o.loss.code,
            o.activation.code,
        )


class Progress:
    """What a fit has seen after each epoch: losses, scores, and the best weights."""

    def __init__(self, tol, patience):
        self.tol = tol
        self.patience = patience
        self.losses = []
        self.scores = []
        self.best = -np.inf
        self.best_weights = None
        self.stale = 0

    def stop_after(self, loss, score, weights):
        """Record an epoch; return whether `patience` epochs in a row brought no `tol`.

        With validation scores these are watched, and the best weights are kept; without
        (score None) the training loss is.
        """
        self.losses.append(loss)
        value = -loss
        if score is not None:
            self.scores.append(score)
            value = score
            if value > self.best:
                self.best_weights = weights.copy()
        if self.tol is not None:
            self.stale = 0 if value > self.best + self.tol else self.stale + 1
        self.best = max(self.best, value)
        return self.stale >= self.patience
