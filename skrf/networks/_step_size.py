"""The step of SGD: an estimate from the first gradients, and a search by short runs."""

import numpy as np
from sklearn.utils.extmath import row_norms

from skrf._utils.blocks import row_blocks
from skrf.networks._sgd import SGD, Diverged, StepEstimate

# Maximum number of rows for the estimate and the search.
_ROWS = 1000
# Passes over these rows in a trial, and maximum number of doublings or halvings. On 150 of
# the 432 problems of benchmarks/bench_eta0.py, five passes came within a factor 3 of the
# best constant step in 87%, three passes in 83%, ten in 85%, and the estimate alone in 38%.
_PASSES, _DOUBLINGS = 5, 24
# Power iterations for the largest eigenvalue with several outputs; the result is rarely 10%
# too small.
_POWER_STEPS = 20
# Fraction of the neurons alive after the first trial that must be alive after later trials.
_ALIVE = 0.5


def estimate_step(objective, weights, X, Y, sample_weight):
    """Estimate the largest stable step for plain SGD, on up to 1,000 rows.

    The step is the smaller of 1 / (max_i K_i + alpha) and 1 / RMS_i ||grad_theta l_i||,
    where K_i is the largest eigenvalue of the tangent kernel J J' of row i (J the
    derivative of the outputs in the trained weights), times the sample weight of row i. The
    first bound keeps the linearised squared loss from growing. The second bound keeps one
    step within the region where the linearisation holds. `_search_rows` picks the rows.
    """
    squares = row_norms(X, squared=True).astype(np.float64)
    picked = _search_rows(squares, sample_weight)
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
            gradient = objective.loss.derivative(predictions, y)
            norms.append(w**2 * kernel.squared_norms(gradient))
            losses.append(w * objective.loss(predictions, y).sum(axis=1))
            curvature.append(w * kernel.largest_eigenvalues())
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


def search_step(sgd, objective, new_weights, data, **options):
    """Search near the step of a run for the step with the lowest loss of a short trial.

    A trial makes five passes at a step (or schedule) over up to 1,000 rows in a fixed
    random order. Its result is the mean loss of the last pass. Steps are doubled while the
    result decreases; if the first doubling does not help, steps are halved while the result
    decreases. A step that kills more than half of the neurons alive after the first trial
    is rejected: the loss alone would prefer the fastest way to a large mean, which ends in
    ReLUs that are 0 everywhere.

    Parameters
    ----------
    sgd : SGD
        The run, before its first update or continued by a warm start. If no trial is
        better, the result is its own step.
    objective : Objective
    new_weights : callable
        Returns the initial weights of a trial, which the trial changes.
    data : (X, Y, sample_weight)
    **options
        Options of `SGD.configure`.
    """
    X, Y, sample_weight = data
    rows = _search_rows(row_norms(X, squared=True), sample_weight)
    X, Y, sample_weight = X[rows], Y[rows], sample_weight[rows]
    order = np.random.default_rng(0).permutation(len(rows))

    def trial(eta0):
        """The mean loss of the last pass, and the number of neurons alive after it."""
        run = SGD(sgd.initialization, new_weights(), sgd.estimate, eta0)
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
    """Number of neurons with a non-zero derivative on at least one row."""
    W, b = weights[:2]
    alive = np.zeros(len(W), bool)
    for rows in row_blocks(X.shape[0], 4 * max(W.shape)):
        _, slope = objective.activation.value_and_derivative(X[rows] @ W.T + b)
        alive |= (slope != 0).any(axis=0)
    return alive.sum()


def _search_rows(squares, sample_weight):
    """Up to 1,000 rows of positive weight, spread evenly, and the row of longest steps.

    The longest steps come from the row with the largest sample_weight * (||x||^2 + 1).
    """
    rows = np.flatnonzero(sample_weight)
    spread = np.linspace(0, len(rows) - 1, _ROWS - 1).astype(int)
    with np.errstate(over="ignore"):
        lengths = sample_weight[rows].astype(np.float64) * (squares[rows] + 1.0)
    return np.unique(rows[np.append(spread, lengths.argmax())])
