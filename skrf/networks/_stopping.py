"""What a fit does around its epochs: stopping rule, tasks of callbacks, warnings."""

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skrf._utils.interrupts import interrupts_held
from skrf._utils.warnings import warn


def warn_diverged(network, stop, sgd, kept="last finite weights"):
    """Say at which step SGD diverged, which is stable, and which weights are kept."""
    stable = (1 - network.momentum) * sgd.probe.stable_step
    remedy = (
        "scale X and y, or set eta0"
        if network.eta0 == "auto"
        else 'use a smaller eta0, or eta0="auto"'
    )
    warn(
        f"SGD diverged with step eta0={sgd.eta0:.3g}: the mean loss reached "
        f"{stop.mean_loss:.3g} after {stop.n_updates} updates. The {kept} "
        f"are kept. The largest stable step is estimated as {stable:.3g}; {remedy}.",
        ConvergenceWarning,
    )


def warn_not_converged(network, sgd):
    """Say after how many epochs, and at which step, training had not converged."""
    warn(
        f"The training has not converged after max_iter={network.max_iter} epochs. "
        f"Increase max_iter, tol or eta0, which was {sgd.eta0:.3g}; tol=None runs all "
        "epochs without this warning.",
        ConvergenceWarning,
    )


class Progress:
    """What a fit has seen after each epoch: losses, scores, and the best weights.

    Parameters
    ----------
    tol, patience
        See `stop_after`.
    scored : bool
        Whether there are validation scores.
    after : BaseOverparamNet or None
        The fitted network that a warm start goes on from.
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
                self._keep(weights)
        if self.tol is not None:
            self.stale = 0 if value > self.best + self.tol else self.stale + 1
        self.best = max(self.best, value)
        return self.stale >= self.patience

    def kept(self, last):
        """Which weights a run that ends early keeps: the best, or those called `last`."""
        return last if self.best_weights is None else "weights with the best score"

    def report(self):
        """Number of epochs, and the losses and scores of these and of earlier fits."""
        losses = self.earlier_losses + self.losses
        scores = self.earlier_scores + self.scores if self.scored else None
        return len(self.losses), losses, scores

    def _keep(self, weights):
        """Copy the weights over those kept before, so that there is no third set."""
        if self.best_weights is None:
            self.best_weights = weights.copy()
            return
        # Not weights of two epochs after Ctrl-C.
        with interrupts_held():
            for kept, array in zip(self.best_weights, weights, strict=True):
                kept[...] = array
