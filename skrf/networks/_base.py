"""Base class of the networks: parameters, checks, the fit loop and fitted attributes."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from numbers import Real
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.callback import CallbackSupportMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skrf._utils.callbacks import EpochTasks
from skrf._utils.checks import own_integer
from skrf._utils.hints import with_hints
from skrf._utils.interrupts import all_or_nothing, undone_on_failure
from skrf._utils.typing import MatrixLike, RandomState
from skrf._utils.validation import (
    FINITE,
    FRACTION,
    NON_NEGATIVE,
    POSITIVE,
    POSITIVE_INTEGER,
    NumericInterval,
    StrOptions,
    check_data,
    check_row_weights,
    fit_context,
    one_of,
)
from skrf._utils.version import VersionedState
from skrf.activations import ACTIVATIONS
from skrf.features._distributions import CONSTRAINTS
from skrf.losses import LOSSES
from skrf.networks._beginning import new_state, resumed_state
from skrf.networks._checks import check_parameters, set_validation_aside
from skrf.networks._epochs import Fit, Settings, TrainingData, begin_from
from skrf.networks._gradients import GradientsMixin
from skrf.networks._laziness import LazinessMixin
from skrf.networks._objective import Objective
from skrf.networks._sgd import Diverged, Trainer, require_training_memory
from skrf.networks._state import Options, State
from skrf.networks._step_size import estimate_step
from skrf.networks._stopping import warn_diverged, warn_if_useless
from skrf.networks._weights import Weights, fitted_attributes

# What users of scikit-learn's networks and kernel approximations may write.
_HINTS = {
    "hidden_layer_sizes": "Pass the size of the one hidden layer as `width`.",
    "n_components": "Pass the number of neurons as `width`.",
    "learning_rate_init": "Pass the learning rate as `eta0`.",
    "solver": "Drop `solver`: networks are trained by SGD only.",
}


class BaseOverparamNet(
    VersionedState, LazinessMixin, GradientsMixin, CallbackSupportMixin, BaseEstimator
):
    """Base class of the networks; subclasses define how `y` is encoded.

    A subclass has

    - `_default_loss`, the name of the loss for ``loss="auto"``;
    - `_validate(X, y, dtype, resume, streaming)`, which returns X, Y and attributes. Y is
      real, of shape (n_samples, n_outputs). The attributes are set after training; their
      entry `_flat` says whether predictions are 1-D. `resume` means that training
      continues from fitted weights, `streaming` that `partial_fit` is the caller;
    - `_score(N, Y, sample_weight)` of outputs N, the score that early stopping uses.
    """

    _default_loss: str

    _parameter_constraints = {
        **CONSTRAINTS,
        "activation": [one_of(ACTIVATIONS)],
        "parametrization": [StrOptions({"standard", "ntk"})],
        "fit_intercept": ["boolean"],
        "symmetric_init": ["boolean"],
        "loss": [one_of(["auto", *(name for name in LOSSES if name != "log_loss")])],
        "alpha": [NON_NEGATIVE, StrOptions({"auto"})],
        "train": [StrOptions({"both", "output", "hidden"})],
        "batch_size": [POSITIVE_INTEGER],
        "block_size": [POSITIVE_INTEGER, StrOptions({"auto"})],
        "shuffle": ["boolean"],
        "learning_rate": [StrOptions({"cooldown", "constant", "invscaling"})],
        "eta0": [POSITIVE, StrOptions({"auto"})],
        "power_t": [FINITE],
        "momentum": [NumericInterval(Real, 0, 1, closed="left")],
        "average": ["boolean", POSITIVE_INTEGER],
        "max_iter": [POSITIVE_INTEGER],
        "tol": [NON_NEGATIVE, None],
        "n_iter_no_change": [POSITIVE_INTEGER],
        "early_stopping": ["boolean"],
        "validation_fraction": [FRACTION],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
    }

    @with_hints(_HINTS)
    def __init__(
        self,
        width: int = 100,
        *,
        activation: str = "relu",
        parametrization: str = "standard",
        fit_intercept: bool = True,
        weights: str = "uniform",
        weight_scale: float = 3**-0.5,
        biases: str = "constant",
        bias_scale: float = 0.0,
        symmetric_init: bool = False,
        loss: str = "auto",
        alpha: float | Literal["auto"] = "auto",
        train: str = "both",
        batch_size: int = 1,
        block_size: int | Literal["auto"] = "auto",
        shuffle: bool = True,
        learning_rate: str = "cooldown",
        eta0: float | Literal["auto"] = "auto",
        power_t: float = 0.5,
        momentum: float = 0.0,
        average: bool | int = False,
        max_iter: int = 50,
        tol: float | None = 1e-4,
        n_iter_no_change: int = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        warm_start: bool = False,
        verbose: bool | int = False,
        random_state: RandomState = None,
    ) -> None:
        self.width = width
        self.activation = activation
        self.parametrization = parametrization
        self.fit_intercept = fit_intercept
        self.weights = weights
        self.weight_scale = weight_scale
        self.biases = biases
        self.bias_scale = bias_scale
        self.symmetric_init = symmetric_init
        self.loss = loss
        self.alpha = alpha
        self.train = train
        self.batch_size = batch_size
        self.block_size = block_size
        self.shuffle = shuffle
        self.learning_rate = learning_rate
        self.eta0 = eta0
        self.power_t = power_t
        self.momentum = momentum
        self.average = average
        self.max_iter = max_iter
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.warm_start = warm_start
        self.verbose = verbose
        self.random_state = random_state

    def __getstate__(self):
        # Arrays and built-in values, so that pickles name public classes only.
        state = super().__getstate__()
        if "_state" in state:
            state["_state"] = self._state.to_dict()
            state["_objective"] = dict(vars(self._objective))
        return state

    def __setstate__(self, state):
        super().__setstate__(state)
        if hasattr(self, "_state"):
            self._state = State.from_dict(self._state)
            self._objective = Objective(**self._objective)

    @fit_context(prefer_skip_nested_validation=True)
    @undone_on_failure
    def fit(
        self, X: MatrixLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Train the network by up to `max_iter` epochs of SGD.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Training data. float32 is trained in float32, every other type in float64.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets. The classifier takes labels of shape (n_samples,).
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the losses of the rows. None means 1.

        Returns
        -------
        self : object
            The fitted network. Ctrl-C during training ends `fit` with a warning and keeps
            the weights reached so far, or the best weights with `early_stopping`. Before
            and after training, Ctrl-C raises KeyboardInterrupt and leaves the network
            unchanged.

        Raises
        ------
        ValueError
            If a parameter is invalid, or excludes another parameter, such as
            ``activation="step"`` with a trained hidden layer.
            If X, y or the sample weights are empty, not finite or of different lengths.
            If the sample weights are all 0, also within the training or validation set.
            If the loss does not accept the values of y.
            If the first gradients overflow.
            With `warm_start`, if `width`, the columns, outputs or labels have changed, or
            if `parametrization`, `biases` or `fit_intercept` do not fit the weights.
        MemoryError
            If the weights and a block of rows do not fit into available memory.

        Warns
        -----
        ConvergenceWarning
            If `max_iter` epochs do not reach `tol`.
            If SGD diverges. The last finite weights are kept, or the weights with the best
            validation score.
        UserWarning
            After Ctrl-C.
        """
        resume = self.warm_start and hasattr(self, "hidden_weights_")
        rng = check_random_state(self.random_state)
        metadata = {} if sample_weight is None else {"sample_weight": sample_weight}
        data, attributes = self._check_data(X, y, sample_weight, resume, False)
        train, validation = data, None
        if self.early_stopping:
            train, validation = set_validation_aside(self, rng, data)
        if resume:
            state, weights = resumed_state(self)
        else:
            state, weights = new_state(self, rng, train), None
        train = train.in_units(state.units)
        validation = None if validation is None else validation.in_units(state.units)
        objective = self._new_objective(state.alpha)
        if resume:
            estimate = estimate_step(objective, weights, *train)
            state = replace(state, estimate=estimate)
        tasks = EpochTasks(self, int(self.max_iter), X=X, y=y, metadata=metadata)
        initial = state.initialization.draw if weights is None else weights.copy
        fit = Fit(
            begin_from(state, initial, objective, self._options()),
            state.eta0,
            train,
            self._settings(),
            rng,
            validation,
            self._score,
            tasks.begin,
            partial(self._end_epoch, tasks, attributes, resume),
        )
        fit.run(self, resumed=resume)
        self._publish(fit.trainer, attributes, *self._report(fit.progress, resume))
        warn_if_useless(self, fit.trainer, train)
        tasks.finish()
        return self

    def _partial_fit(self, X, y, sample_weight, learn_classes=None):
        resume = hasattr(self, "hidden_weights_")
        with all_or_nothing(self) as keep:
            # The decorator checks parameters only before the first call.
            self._validate_params()
            if learn_classes is not None:
                learn_classes()
            data, attributes = self._check_data(X, y, sample_weight, resume, True)
            if not len(data.Y):
                return self
            if resume:
                state, weights = resumed_state(self)
            else:
                state = new_state(self, check_random_state(self.random_state), data, True)
                weights = state.initialization.draw()
            data = data.in_units(state.units)
            trainer = Trainer(
                state, weights, self._new_objective(state.alpha), self._options()
            )
            curve = list(self.loss_curve_) if resume else []
            try:
                order = np.arange(len(data.Y))
                curve.append(trainer.run(*data, order, halve=self.eta0 == "auto"))
            except Diverged as stop:
                warn_diverged(self, stop, trainer)
            finally:
                # Also after Ctrl-C, which continues as an exception to stop the stream.
                self._publish(trainer, attributes, 1, curve, None)
                keep()
        return self

    def _check_data(self, X, y, sample_weight, resume, streaming):
        """Check everything before any work; return the rows, attributes."""
        check_parameters(self, resume)
        dtype = [self.hidden_weights_.dtype] if resume else [np.float64, np.float32]
        X, Y, attributes = self._validate(X, y, dtype, resume, streaming)
        n_outputs = len(np.atleast_2d(self.output_weights_)) if resume else Y.shape[1]
        if Y.shape[1] != n_outputs:
            raise ValueError(
                f"`y` must have as many outputs as in the previous fit, {n_outputs}; got "
                f"{Y.shape[1]}. Pass the same number of outputs, or fit a clone."
            )
        sample_weight = check_row_weights(
            sample_weight,
            X,
            dtype=X.dtype,
            ensure_non_negative=True,
            # A later chunk of a stream may have no rows to learn from.
            allow_all_zero_weights=streaming and resume,
        )
        sample_weight = self._with_class_weights(sample_weight, Y, attributes)
        # The number of copies of W in memory; a mean and its change are one in float64.
        of_mean = 1 + np.dtype(np.float64).itemsize // X.dtype.itemsize
        copies = 1 + (self.momentum > 0) + of_mean * bool(self.average)
        copies += self.early_stopping + (self.eta0 == "auto" and (streaming or resume))
        options = self._options()
        sizes = options.batch_size, options.block_size
        require_training_memory(X, n_outputs, int(self.width), *sizes, copies)
        return TrainingData(X, Y, sample_weight).of_positive_weight(), attributes

    def _with_class_weights(self, sample_weight, Y, attributes):
        """The weights of the rows, with those of their classes."""
        return sample_weight

    def _resolved_loss(self):
        return LOSSES[self._default_loss if self.loss == "auto" else self.loss]

    def _new_objective(self, alpha):
        trains_hidden = self.train != "output"
        return Objective(
            activation=ACTIVATIONS[self.activation],
            loss=self._resolved_loss(),
            scale=int(self.width) ** -0.5 if self.parametrization == "ntk" else 1.0,
            alpha=alpha,
            train_hidden=trains_hidden,
            train_biases=trains_hidden and self.biases != "none",
            train_output=self.train != "hidden",
            train_intercept=bool(self.fit_intercept),
        )

    def _fitted_weights(self):
        return Weights(
            self.hidden_weights_,
            self.hidden_biases_,
            np.atleast_2d(self.output_weights_),
            np.atleast_1d(self.output_bias_),
        )

    def _options(self):
        # Built-in numbers: every other type would compile the kernels again.
        return Options(
            batch_size=int(self.batch_size),
            block_size=own_integer(self.block_size),
            power_t=float(self.power_t) if self.learning_rate == "invscaling" else 0.0,
            momentum=float(self.momentum),
            average_after=int(self.average) - 1,
        )

    def _settings(self):
        return Settings(
            max_iter=int(self.max_iter),
            cools_down=self.learning_rate == "cooldown",
            shuffle=bool(self.shuffle),
            tol=self.tol,
            patience=int(self.n_iter_no_change),
            adapts=self.eta0 == "auto",
        )

    def _end_epoch(self, tasks, attributes, resumed, epoch, trainer, progress):
        """Print an epoch and end its callback task; return whether to stop."""
        if self.verbose:
            scores = progress.scores
            tail = f", validation score = {scores[-1]:.6f}" if scores else ""
            print(f"Epoch {epoch + 1}, loss = {progress.losses[-1]:.8f}{tail}")

        def copies():
            report = self._report(progress, resumed)
            return self._fitted(trainer.copy(), attributes, *report)

        return tasks.end(epoch, copies)

    def _report(self, progress, resumed):
        """Number of epochs, and the losses and scores of these epochs and earlier fits."""
        losses = list(self.loss_curve_) if resumed else []
        scores = list(self.validation_scores_ or []) if resumed else []
        scores = scores + progress.scores if self.early_stopping else None
        return len(progress.losses), losses + progress.losses, scores

    def _publish(self, trainer, attributes, n_epochs, loss_curve, validation_scores):
        """Set all fitted attributes in one step, from the state of the run."""
        report = n_epochs, loss_curve, validation_scores
        vars(self).update(self._fitted(trainer, attributes, *report))

    def _fitted(self, trainer, attributes, n_epochs, loss_curve, validation_scores):
        """The fitted attributes by name; they own the arrays of the trainer."""
        weights = trainer.units.public(trainer.result)
        fitted = fitted_attributes(trainer.objective, weights, attributes)
        fitted.update(
            eta0_=trainer.eta0,
            alpha_=trainer.alpha,
            t_=trainer.n_updates,
            n_iter_=n_epochs,
            loss_curve_=loss_curve,
            validation_scores_=validation_scores,
            _state=trainer.state(),
        )
        return fitted

    def _outputs(self, X):
        """N(x): (n_samples,) for one output, else (n_samples, n_outputs)."""
        X = self._check_rows(X)
        N = self._objective.predict(X, self._fitted_weights())
        if not np.isfinite(N).all():
            raise ValueError(
                f"`X` must have predictions that fit into {N.dtype}; got an overflow, with "
                f"weights trained at eta0={self.eta0_:.3g}. Scale X and y, or fit with a "
                "smaller eta0."
            )
        return N[:, 0] if self._flat else N

    def _check_rows(self, X):
        check_is_fitted(self, "hidden_weights_")
        dtype = self.hidden_weights_.dtype
        return check_data(self, X, accept_sparse="csr", dtype=dtype, reset=False)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
