"""The epochs of one fit: schedule, stopping rule, and new attempts at half the step.

With ``learning_rate="cooldown"`` the step is constant, and falls linearly to 0 over the
last fifth of the epochs [1]_. If the stopping rule ends the constant part earlier, the
cooldown begins there and takes a quarter of the epochs so far.

References
----------
.. [1] A. Hägele et al., "Scaling laws and compute-optimal training beyond fixed training
       durations", NeurIPS 2024.
"""

from typing import NamedTuple

import numpy as np

from skrf._utils.warnings import warn
from skrf.networks._sgd import HALVINGS, Diverged, Trainer
from skrf.networks._step_size import n_alive, sampled_rows
from skrf.networks._stopping import Progress, warn_diverged, warn_not_converged

# Fraction of all epochs, and of those before an early stop, that the cooldown takes.
_COOLDOWN, _EARLY_COOLDOWN = 1 / 5, 1 / 4
# An automatic step must leave this fraction of the neurons alive that were at the start.
_MIN_ALIVE = 0.5


class TrainingData(NamedTuple):
    """Rows to train on, or to validate with; Y in the units of training."""

    X: np.ndarray
    Y: np.ndarray  # (n_samples, n_outputs)
    sample_weight: np.ndarray

    def of_positive_weight(self):
        """Without rows of weight 0, which count as removed."""
        used = self.sample_weight > 0
        return self if used.all() else self.subset(np.flatnonzero(used))

    def in_units(self, units):
        """With the targets in the units of training."""
        return self._replace(Y=units.of_training(self.Y))

    def subset(self, rows):
        """Some of the rows, by index."""
        return TrainingData(self.X[rows], self.Y[rows], self.sample_weight[rows])


class Settings(NamedTuple):
    """What ends a fit, and how its steps are chosen."""

    max_iter: int
    cools_down: bool
    shuffle: bool
    tol: float | None
    patience: int
    adapts: bool  # whether the step may be halved


class NeuronsDied(Exception):
    """A step has left too few neurons with a derivative other than 0."""


class Fit:
    """Epochs of SGD on one set of rows.

    Parameters
    ----------
    begin : callable (eta0) -> Trainer
        A trainer at the first update, with the given step.
    eta0 : float
        The first step to try.
    train : TrainingData
        Rows to train on.
    settings : Settings
        Schedule and stopping rule.
    rng : Generator or RandomState
        Draws the order of the rows in each epoch.
    validation : TrainingData, default=None
        Rows to compute `score` on after each epoch.
    score : callable (outputs, Y, sample_weight) -> float, default=None
        The score of outputs of the network.
    on_begin : callable (epoch), default=None
        Called before an epoch.
    on_end : callable (epoch, trainer, progress) -> bool, default=None
        Called after an epoch; whether to stop.
    """

    def __init__(
        self,
        begin,
        eta0,
        train,
        settings,
        rng,
        validation=None,
        score=None,
        on_begin=None,
        on_end=None,
    ):
        self.begin, self.eta0, self.train, self.settings = begin, eta0, train, settings
        self.rng, self.validation, self.score = rng, validation, score
        self.on_begin, self.on_end = on_begin, on_end
        self.trainer = self.progress = None

    def run(self, network, *, resumed=False):
        """Train, and warn of divergence, Ctrl-C, and an end without convergence."""
        try:
            self.run_attempts(resumed=resumed)
        except Diverged as stop:
            words = self.progress.kept_weights("last finite weights")
            warn_diverged(network, stop, self.trainer, words)
        except KeyboardInterrupt:
            if self.trainer is None:
                raise
            words = self.progress.kept_weights("weights reached so far")
            warn(
                f"Training was interrupted after {len(self.progress.losses)} epochs and "
                f"{self.trainer.n_updates} updates; the {words} are kept.",
            )
        if self.progress.exhausted and not self.settings.cools_down:
            warn_not_converged(network, self.trainer)
        if self.progress.best_weights is not None:
            self.trainer.replace(self.progress.best_weights)

    def run_attempts(self, *, resumed=False):
        """Train; `trainer` and `progress` then hold the result.

        A fit from new weights begins again at half the step if it diverges or kills
        neurons. One that goes on from fitted weights halves the step within its blocks.
        """
        for n_left in range(self._n_attempts(resumed) - 1, -1, -1):
            trainer = self.begin(self.eta0)
            self.trainer, self.progress = trainer, self._new_progress(trainer, resumed)
            try:
                self._run_epochs(resumed)
                return
            except NeuronsDied:
                if n_left == 0:
                    return
            except Diverged:
                if n_left == 0:
                    raise
            self.eta0 /= 2

    def _n_attempts(self, resumed):
        return 1 + HALVINGS if self.settings.adapts and not resumed else 1

    def _new_progress(self, trainer, resumed):
        constant = trainer.objective.constant_loss(*self.train[1:])
        progress = Progress(self.settings.tol, self.settings.patience, constant or 1.0)
        if resumed and self.validation is not None:
            # Weights that were fitted before count as the best so far.
            progress.begin_with(self._validation_score(trainer), trainer.result)
        return progress

    def _run_epochs(self, resumed):
        settings, trainer, n_rows = self.settings, self.trainer, len(self.train.Y)
        per_epoch = -(-n_rows // trainer.batch_size)
        end, cooling_from = settings.max_iter, settings.max_iter
        if settings.cools_down:
            cooling_from -= max(1, round(_COOLDOWN * settings.max_iter))
            trainer.cool_down((end - cooling_from) * per_epoch, cooling_from * per_epoch)
        watch = self._watch_neurons() if settings.adapts and not resumed else None
        epoch = 0
        while epoch < end:
            if self.on_begin:
                self.on_begin(epoch)
            order = self.rng.permutation(n_rows) if settings.shuffle else np.arange(n_rows)
            loss = trainer.run(*self.train, order, halve=settings.adapts and resumed)
            score = None if self.validation is None else self._validation_score(trainer)
            self.progress.record(loss, score, trainer.result)
            epoch += 1
            if self.on_end and self.on_end(epoch - 1, trainer, self.progress):
                return
            if watch and (epoch & (epoch - 1) == 0 or epoch == end):
                watch()
            if self.progress.is_stale() and not settings.cools_down:
                return
            if self.progress.is_stale() and epoch < cooling_from:
                if self.progress.best_weights is not None:
                    trainer.replace(self.progress.best_weights.copy())
                cooling_from = epoch
                end = epoch + max(1, round(_EARLY_COOLDOWN * epoch))
                trainer.cool_down((end - epoch) * per_epoch)
        self.progress.exhausted = settings.tol is not None

    def _validation_score(self, trainer):
        X, Y, sample_weight = self.validation
        N = trainer.objective.predict(X, trainer.result)
        return self.score(N, Y, sample_weight)

    def _watch_neurons(self):
        """A function that raises where too many neurons have died since now."""
        trainer = self.trainer
        if not trainer.objective.train_hidden:
            return None
        X = self.train.X[sampled_rows(self.train.X, self.train.sample_weight)]
        at_start = n_alive(trainer.objective, trainer.weights, X)

        def watch():
            if n_alive(trainer.objective, trainer.weights, X) < _MIN_ALIVE * at_start:
                raise NeuronsDied

        return watch


def begin_from(state, weights, objective, options):
    """A function that begins a `Trainer` at a step; see `Fit`.

    `weights()` draws or copies the weights to begin with.
    """

    def begin(eta0):
        trainer = Trainer(state, weights(), objective, options)
        trainer.eta0 = eta0
        return trainer

    return begin
