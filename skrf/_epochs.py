"""What a fit does around its epochs: validation set, stopping rule, tasks of callbacks."""

import numpy as np
from sklearn.base import is_classifier

from skrf._interrupts import interrupts_held


def set_validation_aside(network, rng, X, Y, sample_weight):
    """Split the rows into (X, Y, weights) for training and the same for validation."""
    fraction = network.validation_fraction
    n_validation = int(np.ceil(fraction * len(Y)))
    if n_validation < 2 or n_validation == len(Y):
        raise ValueError(
            f"validation_fraction={fraction} sets {n_validation} of n_samples={len(Y)} "
            "rows aside, but at least 2 must be, and 1 must be left. Change it, or set "
            "early_stopping=False."
        )
    stratify = None
    if is_classifier(network):
        patterns, counts = np.unique(Y, axis=0, return_counts=True)
        enough = min(n_validation, len(Y) - n_validation) >= len(patterns)
        stratify = Y if enough and counts.min() > 1 else None
    from sklearn.model_selection import train_test_split

    parts = train_test_split(
        X, Y, sample_weight, test_size=n_validation, random_state=rng, stratify=stratify
    )
    train, validation = tuple(parts[::2]), tuple(parts[1::2])
    if not (train[2].any() and validation[2].any()):
        raise ValueError(
            f"sample_weight is 0 on all rows that validation_fraction={fraction} sets "
            "aside, or on all that are left. Drop rows of weight 0, or set "
            "early_stopping=False."
        )
    return train, validation


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
                self._keep(weights)
        if self.tol is not None:
            self.stale = 0 if value > self.best + self.tol else self.stale + 1
        self.best = max(self.best, value)
        return self.stale >= self.patience

    def _keep(self, weights):
        """Copy the weights over those kept before, so that there is no third set."""
        if self.best_weights is None:
            self.best_weights = weights.copy()
            return
        # Not weights of two epochs after Ctrl-C.
        with interrupts_held():
            for kept, array in zip(self.best_weights, weights, strict=True):
                kept[...] = array


class EpochTasks:
    """A callback task for the fit and one for each epoch.

    A fit that starts again at a smaller step runs its first epochs again; each keeps the
    one task it has, which ends once.

    Parameters
    ----------
    context : CallbackContext
        The root context of the fit.
    **data : dict
        The estimator, X, y and metadata that every hook is given.
    """

    def __init__(self, context, **data):
        self.context = context
        self.data = data
        self.epochs = []
        self.n_ended = 0
        context.call_on_fit_task_begin(**data)

    def begin(self, epoch):
        """Begin the task of an epoch, counted from 0."""
        if epoch == len(self.epochs):
            self.epochs.append(self.context.subcontext(task_name="epoch"))
            self.epochs[epoch].call_on_fit_task_begin(**self.data)

    def end(self, epoch, attributes):
        """End it; return whether a callback asks to stop.

        `attributes` is called for copies of the fitted attributes when a callback wants
        them, and not otherwise.
        """
        if epoch < self.n_ended:
            return False
        self.n_ended += 1
        return self.epochs[epoch].call_on_fit_task_end(
            reconstruction_attributes=attributes, **self.data
        )

    def finish(self, attributes):
        """End the task of the fit."""
        self.context.call_on_fit_task_end(reconstruction_attributes=attributes, **self.data)
