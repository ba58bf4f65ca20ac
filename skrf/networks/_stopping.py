"""The stopping rule of a fit, and the warnings at its end."""

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skrf._utils.interrupts import interrupts_held
from skrf._utils.warnings import warn
from skrf.networks._step_size import column_scale, mean_squares, n_alive, sampled_rows

# A training loss above this many times that of the best constant is worth a warning.
_WORSE = 1.01
# With columns below this root mean square, a loss that is lower by less than this fraction
# is worth a warning: the learning rate that is stable for the biases is then so small for
# the weights that the network learns the columns late or never.
_SMALL, _GAIN = 0.1, 0.05
# A column of X that is larger than this, and has more than this fraction of the squared
# length of the rows, forces a learning rate at which the other columns are hardly learned.
_LARGE, _DOMINANT = 10.0, 0.5


def warn_diverged(network, stop, trainer, result="last finite weights"):
    """Warn that SGD diverged, with a stable step and the weights of the `result`."""
    stable = (1 - network.momentum) * trainer.estimate.stable_step
    remedy = (
        "Scale X and y, or set eta0"
        if network.eta0 == "auto"
        else "Use a smaller eta0, or eta0='auto'"
    )
    warn(
        f"SGD diverged with eta0={trainer.eta0:.3g}: the mean loss reached "
        f"{stop.mean_loss:.3g} after {stop.n_updates} updates. The {result} are kept. The "
        f"largest stable learning rate is estimated as {stable:.3g}. {remedy}.",
        ConvergenceWarning,
    )


def warn_not_converged(network, trainer):
    """Warn that `max_iter` epochs were not enough for `tol`."""
    remedy = (
        "Increase max_iter or tol"
        if network.early_stopping
        else "Set early_stopping=True, increase alpha, max_iter or tol"
    )
    warn(
        f"Training has not converged after max_iter={network.max_iter} epochs at "
        f"eta0={trainer.eta0:.3g}. {remedy}, or set tol=None to run all epochs without "
        "this warning.",
        ConvergenceWarning,
    )


def warn_if_useless(network, trainer, train):
    """Warn of a network that is no better than a constant, or whose neurons are dead."""
    objective, weights = trainer.objective, trainer.result
    constant = objective.constant_loss(*train[1:])
    loss = objective.mean_loss(objective.predict(train.X, weights), *train[1:])
    other_step = "another eta0" if network.eta0 == "auto" else "eta0='auto'"
    remedy = f"Scale the columns of X, for example by StandardScaler, or use {other_step}"
    if constant > 0 and not loss <= _WORSE * constant:
        warn(
            f"The network is worse than the best constant prediction: its training loss is "
            f"{loss:.3g}, that of the constant {constant:.3g}, after {trainer.n_updates} "
            f"updates at eta0={trainer.eta0:.3g}. {remedy}.",
            ConvergenceWarning,
        )
        return
    X = train.X[sampled_rows(train.X, train.sample_weight)]
    if objective.train_hidden and n_alive(objective, weights, X) == 0:
        warn(
            "All hidden neurons are inactive: their derivative is 0 on all rows, so "
            f"the network is a constant. {remedy} or a smaller alpha.",
            ConvergenceWarning,
        )
    elif loss > (1 - _GAIN) * constant > 0 and column_scale(train.X) < _SMALL:
        warn(
            f"The network has learned little: its training loss is {loss:.3g}, that of the "
            f"best constant prediction {constant:.3g}. The columns of X are small, with "
            f"root mean squares of at most {column_scale(train.X):.3g}. Scale the columns "
            "of X, for example by StandardScaler.",
            ConvergenceWarning,
        )
    elif network.eta0 == "auto" and objective.train_hidden:
        _warn_of_a_dominant_column(train.X, trainer.eta0)


def _warn_of_a_dominant_column(X, eta0):
    """Warn that the scale of one column has decided on the learning rate."""
    squares = mean_squares(X)
    k = squares.argmax()
    # With two columns, one is always the larger.
    if len(squares) < 3 or squares[k] <= max(_LARGE**2, _DOMINANT * squares.sum()):
        return
    warn(
        f"Column {k} of X is much larger than the others, with a root mean square of "
        f"{np.sqrt(squares[k]):.3g}, so the learning rate eta0={eta0:.3g} is too small for "
        "them. Scale the columns of X, for example by StandardScaler.",
        ConvergenceWarning,
    )


class Progress:
    """Losses and scores of the epochs of a fit, and the weights with the best score.

    Parameters
    ----------
    tol, patience
        See `is_stale`.
    unit : float
        The unit of `tol` for training losses.
    """

    def __init__(self, tol, patience, unit):
        self.tol, self.patience, self.unit = tol, patience, unit
        self.losses, self.scores = [], []
        self.best, self.best_weights = -np.inf, None
        self.n_stale = 0
        self.exhausted = False  # whether all epochs were run without an end by `tol`

    def begin_with(self, score, weights):
        """Take the score of the first weights as the best so far."""
        self.best = score
        self._copy_best(weights)

    def record(self, loss, score, weights):
        """Record an epoch.

        The criterion is the validation score, whose best weights are copied, or the
        training loss if `score` is None.
        """
        self.losses.append(loss)
        value, unit = -loss, self.unit
        if score is not None:
            self.scores.append(score)
            value, unit = score, 1.0
            if value > self.best:
                self._copy_best(weights)
        if self.tol is not None:
            improved = value > self.best + self.tol * unit
            self.n_stale = 0 if improved else self.n_stale + 1
        self.best = max(self.best, value)

    def is_stale(self):
        """Whether the last `patience` epochs improved the criterion by less than `tol`."""
        return self.n_stale >= self.patience

    def kept_weights(self, last):
        """Words for the weights that a run keeps; `last` are the words for its last."""
        return last if self.best_weights is None else "weights with the best score"

    def _copy_best(self, weights):
        """Overwrite the previous best weights, so memory never holds a third set."""
        if self.best_weights is None:
            self.best_weights = weights.copy()
            return
        # Ctrl-C must not leave weights of two epochs.
        with interrupts_held():
            for best, array in zip(self.best_weights, weights, strict=True):
                best[...] = array
