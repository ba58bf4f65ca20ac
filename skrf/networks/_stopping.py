"""The stopping rule of a fit, and the warnings at its end."""

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skrf._utils.interrupts import interrupts_held
from skrf._utils.warnings import warn


def warn_diverged(network, stop, sgd, result="last finite weights"):
    """Warn that SGD diverged, with a stable step and the weights of the `result`."""
    stable = (1 - network.momentum) * sgd.estimate.stable_step
    remedy = (
        "Scale X and y, or set eta0"
        if network.eta0 == "auto"
        else "Use a smaller eta0, or eta0='auto'"
    )
    warn(
        f"SGD diverged with eta0={sgd.eta0:.3g}: the mean loss reached "
        f"{stop.mean_loss:.3g} after {stop.n_updates} updates. The {result} are kept. The "
        f"largest stable learning rate is estimated as {stable:.3g}. {remedy}.",
        ConvergenceWarning,
    )


def warn_not_converged(network, sgd):
    """Warn that `max_iter` epochs were not enough for `tol`."""
    remedy = (
        "Increase max_iter or tol"
        if network.early_stopping
        else "Set early_stopping=True, increase alpha, max_iter or tol"
    )
    warn(
        f"Training has not converged after max_iter={network.max_iter} epochs at "
        f"eta0={sgd.eta0:.3g}. {remedy}, or set tol=None to run all epochs without this "
        "warning.",
        ConvergenceWarning,
    )


class Progress:
    """Losses and scores of the epochs of a fit, and the weights with the best score.

    Parameters
    ----------
    tol, patience
        See `stop_after`.
    scored : bool
        Whether epochs have validation scores.
    after : BaseOverparamNet or None
        The fitted network that a warm start continues.
    """

    def __init__(self, tol, patience, scored, after=None):
        self.tol = tol
        self.patience = patience
        self.scored = scored
        self.earlier_losses = [] if after is None else after.loss_curve_
        self.earlier_scores = [] if after is None else after.validation_scores_ or []
        self.losses = []
        self.scores = []
        self.best = -np.inf
        self.best_weights = None
        self.stale = 0

    def stop_after(self, loss, score, weights):
        """Record an epoch; return whether `patience` epochs in a row improved by < `tol`.

        The criterion is the validation score, whose best weights are copied, or the
        training loss if `score` is None.
        """
        self.losses.append(loss)
        value = -loss
        if score is not None:
            self.scores.append(score)
            value = score
            if value > self.best:
                self._copy_best(weights)
        if self.tol is not None:
            self.stale = 0 if value > self.best + self.tol else self.stale + 1
        self.best = max(self.best, value)
        return self.stale >= self.patience

    def kept_weights(self, last):
        """Words for the weights that a run keeps; `last` are the words for its last."""
        return last if self.best_weights is None else "weights with the best score"

    def report(self):
        """Number of epochs, and the losses and scores of these epochs and earlier fits."""
        losses = self.earlier_losses + self.losses
        scores = self.earlier_scores + self.scores if self.scored else None
        return len(self.losses), losses, scores

    def _copy_best(self, weights):
        """Overwrite the previous best weights, so memory never holds a third set."""
        if self.best_weights is None:
            self.best_weights = weights.copy()
            return
        # Ctrl-C must not leave weights of two epochs.
        with interrupts_held():
            for best, array in zip(self.best_weights, weights, strict=True):
                best[...] = array
