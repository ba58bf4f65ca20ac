"""The step of SGD: an estimate from gradients at the start, and a search by short runs."""

from typing import NamedTuple

import numpy as np
from sklearn.utils.extmath import row_norms

from skrf._utils.blocks import row_blocks
from skrf.networks._sgd import SGD, Diverged

# Rows that the step is estimated and tried on.
_ROWS = 1000
# Passes over them of a trial, and doublings or halvings at most. Of 150 of the 432 problems
# of benchmarks/bench_eta0.py five passes brought 87% within a factor 3 of the best constant
# step, three 83%, ten 85%, and the estimate alone 38%.
_PASSES, _DOUBLINGS = 5, 24
# Power iterations for the largest eigenvalue over several outputs, seldom 10% too small.
_POWER_STEPS = 20
# Of the neurons that the first trial leaves alive, later ones must leave this share.
_ALIVE = 0.5


class StepEstimate(NamedTuple):
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
    leaving the region where the linearisation holds. The rows are those of `_some_rows`.
    """
    squares = row_norms(X, squared=True).astype(np.float64)
    picked = _some_rows(squares, sample_weight)
    W, b = weights[:2]
    U, c = (array.astype(np.float64) for array in weights[2:])
    curvature, norms, losses = [], [], []
    # Some eight arrays of this size are alive at a time.
    for rows in row_blocks(len(picked), 8 * max(*W.shape, len(U))):
        i = picked[rows]
        with np.errstate(over="ignore", invalid="ignore"):
            z = (X[i] @ W.T + b).astype(np.float64)
            y, w = Y[i].astype(np.float64), sample_weight[i]
            value, slope = objective.activation.value_and_derivative(z)
            predictions = objective.scale * value @ U.T + c
            kernel = _TangentKernels(objective, squares[i], value, slope, U)
            gradient = objective.loss.derivative(predictions, y)
            norms.append(w**2 * kernel.squared_norms(gradient))
            losses.append(w * objective.loss(predictions, y).sum(axis=1))
            curvature.append(w * kernel.largest_eigenvalues())
            largest = np.max([curvature[-1].max(), norms[-1].max(), losses[-1].max()])
        if not largest < np.finfo(W.dtype).max:
            raise ValueError(
                f"The first losses or gradients overflow {W.dtype}: X, y, sample_weight or "
                "weight_scale is too large. Scale X, for instance by StandardScaler, and y."
            )
    bound = max(
        np.max(np.concatenate(curvature)) + objective.alpha,
        np.sqrt(np.mean(np.concatenate(norms))),
    )
    # Data that moves no weight leaves the step open.
    step = 1 / bound if bound > 0 else 1.0
    total, weight = np.sum(np.concatenate(losses)), np.sum(sample_weight[picked])
    return StepEstimate(step, total / weight if weight > 0 else 0.0, squares[picked].mean())


class _TangentKernels:
    """J J' = scale^2 (a U diag(slope^2) U' + |value|^2 I) + I of every row, never formed.

    With a = ||x||^2 + 1, and without the terms of what is not trained.
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
        """By power iterations on the part that is no multiple of I."""
        v = np.random.default_rng(0).standard_normal((len(self.slope), len(self.U)))
        for _ in range(_POWER_STEPS if len(self.U) > 1 else 1):
            v /= np.maximum(np.linalg.norm(v, axis=1, keepdims=True), np.finfo(float).tiny)
            last, v = v, ((v @ self.U) * self.slope**2) @ self.U.T
        return self.hidden * np.einsum("nk,nk->n", last, v) + self.diagonal


def search_step(sgd, objective, new_weights, data, **options):
    """The step near that of a run whose trial ends with the lowest loss.

    A trial is five passes at a step (or schedule) over up to 1,000 rows in a fixed random
    order; its result is the mean loss of the last. Steps are doubled as long as that
    helps; if it does not at once, they are halved as long as that does. A step that kills
    half of the neurons that the first one leaves alive is no help: the loss alone would
    prefer the fastest way to a large mean, which ends in ReLUs that are 0 everywhere.

    Parameters
    ----------
    sgd : SGD
        The run before its first update, or that a warm start goes on from, with its
        schedule; its step is kept when no trial is better.
    objective : Objective
    new_weights : callable
        Gives the weights that every trial starts from, to be changed.
    data : (X, Y, sample_weight)
    **options
        Of `SGD.configure`.
    """
    X, Y, sample_weight = data
    rows = _some_rows(row_norms(X, squared=True), sample_weight)
    X, Y, sample_weight = X[rows], Y[rows], sample_weight[rows]
    order = np.random.default_rng(0).permutation(len(rows))

    def trial(eta0):
        """The last loss, and the number of neurons alive at the end."""
        run = SGD(None, new_weights(), sgd.probe, eta0)
        run.n_updates = sgd.n_updates
        run.configure(objective, average_after=-1, **options)
        try:
            losses = [run.run(X, Y, sample_weight, order) for _ in range(_PASSES)]
        except Diverged:
            return np.inf, 0
        return losses[-1], _n_alive(objective, run.weights, X)

    first = best = sgd.eta0
    lowest, alive_at_first = trial(first)
    for factor in (2.0, 0.5):
        for _ in range(_DOUBLINGS):
            loss, alive = trial(factor * best)
            if not (loss < lowest and alive >= _ALIVE * alive_at_first):
                break
            best, lowest = factor * best, loss
        if best != first:
            break
    return best


def _n_alive(objective, weights, X):
    """Number of neurons whose activation has a derivative other than 0 on some row."""
    W, b = weights[:2]
    alive = np.zeros(len(W), bool)
    for rows in row_blocks(X.shape[0], 4 * max(W.shape)):
        _, slope = objective.activation.value_and_derivative(X[rows] @ W.T + b)
        alive |= (slope != 0).any(axis=0)
    return alive.sum()


def _some_rows(squares, sample_weight):
    """Up to 1,000 rows of positive weight, spread evenly, and the one of the longest steps.

    Its gradients are those of the largest weight times squared length, 1 for the biases.
    """
    rows = np.flatnonzero(sample_weight)
    spread = np.linspace(0, len(rows) - 1, _ROWS - 1).astype(int)
    with np.errstate(over="ignore"):
        lengths = sample_weight[rows].astype(np.float64) * (squares[rows] + 1.0)
    return np.unique(rows[np.append(spread, lengths.argmax())])
