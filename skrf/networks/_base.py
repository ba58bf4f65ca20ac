"""Base class of the networks: parameters, checks, the fit loop and fitted attributes."""

from __future__ import annotations

import copy
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
from skrf._utils.interrupts import all_or_nothing, whole
from skrf._utils.random import draw_seed
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
from skrf._utils.warnings import warn
from skrf.activations import ACTIVATIONS
from skrf.features._distributions import CONSTRAINTS
from skrf.losses import LOSSES
from skrf.networks._checks import check_parameters, set_validation_aside
from skrf.networks._laziness import LazinessMixin
from skrf.networks._objective import Objective
from skrf.networks._sgd import HALVINGS, SGD, Diverged, require_training_memory
from skrf.networks._step_size import estimate_step, search_step
from skrf.networks._stopping import Progress, warn_diverged, warn_not_converged
from skrf.networks._weights import Initialization, Weights, fitted_attributes


class BaseOverparamNet(VersionedState, LazinessMixin, CallbackSupportMixin, BaseEstimator):
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
        "loss": [one_of(["auto", *LOSSES])],
        "alpha": [NON_NEGATIVE],
        "train": [StrOptions({"both", "output", "hidden"})],
        "batch_size": [POSITIVE_INTEGER],
        "block_size": [POSITIVE_INTEGER, StrOptions({"auto"})],
        "shuffle": ["boolean"],
        "learning_rate": [StrOptions({"constant", "invscaling"})],
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

    def __init__(
        self,
        width: int = 1000,
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
        alpha: float = 0.0,
        train: str = "both",
        batch_size: int = 1,
        block_size: int | Literal["auto"] = "auto",
        shuffle: bool = True,
        learning_rate: str = "constant",
        eta0: float | Literal["auto"] = "auto",
        power_t: float = 0.5,
        momentum: float = 0.0,
        average: bool | int = False,
        max_iter: int = 200,
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
        if "_sgd" in state:
            state["_sgd"] = self._sgd.to_state()
            state["_objective"] = dict(vars(self._objective))
        return state

    def __setstate__(self, state):
        super().__setstate__(state)
        if hasattr(self, "_sgd"):
            self._sgd = SGD.from_state(self._sgd)
            self._objective = Objective(**self._objective)

    @fit_context(prefer_skip_nested_validation=True)
    @whole
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
        *data, attributes = self._check_data(X, y, sample_weight, resume, False)
        train, validation = tuple(data), None
        if self.early_stopping:
            train, validation = set_validation_aside(self, rng, *data)
        sgd = self._resume() if resume else self._begin(rng, *train)
        if resume:
            sgd.estimate = estimate_step(self._new_objective(), sgd.weights, *train)
            sgd.eta0 = self._first_step(sgd.estimate, sgd.n_updates)
        tasks = EpochTasks(self, int(self.max_iter), X=X, y=y, metadata=metadata)
        sgd, progress = self._train(sgd, train, validation, rng, tasks, attributes, resume)
        if progress.best_weights is not None:
            sgd.replace(progress.best_weights)
        self._publish(sgd, attributes, *progress.report())
        tasks.finish()
        return self

    def _partial_fit(self, X, y, sample_weight, before_first=None):
        resume = hasattr(self, "hidden_weights_")
        with all_or_nothing(self) as keep:
            # The decorator checks parameters only before the first call.
            self._validate_params()
            if before_first is not None:
                before_first()
            *data, attributes = self._check_data(X, y, sample_weight, resume, True)
            if resume:
                sgd = self._resume()
                if self.eta0 != "auto":
                    sgd.eta0 = float(self.eta0)
            else:
                sgd = self._begin(check_random_state(self.random_state), *data)
                if self.eta0 == "auto":
                    self._search_step(sgd, data, resume)
            self._configure(sgd)
            curve = list(self.loss_curve_) if resume else []
            try:
                order = np.arange(len(data[1]))
                curve.append(sgd.run(*data, order, halve=self.eta0 == "auto"))
            except Diverged as stop:
                warn_diverged(self, stop, sgd)
            finally:
                # Also after Ctrl-C, which continues as an exception to stop the stream.
                self._publish(sgd, attributes, 1, curve, None)
                keep()
        return self

    def _check_data(self, X, y, sample_weight, resume, streaming):
        """Check everything before any work; return X, Y, weights (n,), attributes."""
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
            sample_weight, X, dtype=X.dtype, ensure_non_negative=True
        )
        # The number of copies of W in memory.
        copies = 1 + (self.momentum > 0) + bool(self.average) + self.early_stopping
        copies += self.eta0 == "auto" and (streaming or resume)
        options = self._sgd_options()
        sizes = options["batch_size"], options["block_size"]
        require_training_memory(X, n_outputs, int(self.width), *sizes, copies)
        return X, Y, sample_weight, attributes

    def _resolved_loss(self):
        return LOSSES[self._default_loss if self.loss == "auto" else self.loss]

    def _new_objective(self):
        trains_hidden = self.train != "output"
        return Objective(
            activation=ACTIVATIONS[self.activation],
            loss=self._resolved_loss(),
            scale=int(self.width) ** -0.5 if self.parametrization == "ntk" else 1.0,
            alpha=float(self.alpha),
            train_hidden=trains_hidden,
            train_biases=trains_hidden and self.biases != "none",
            train_output=self.train != "hidden",
            train_intercept=bool(self.fit_intercept),
        )

    def _begin(self, rng, X, Y, sample_weight):
        """A new run from newly drawn weights."""
        initialization = Initialization(
            seed=draw_seed(rng),
            width=int(self.width),
            n_features=X.shape[1],
            n_outputs=Y.shape[1],
            dtype=X.dtype,
            weights=self.weights,
            weight_scale=self.weight_scale,
            biases=self.biases,
            bias_scale=self.bias_scale,
            parametrization=self.parametrization,
            symmetric=self.symmetric_init,
        )
        weights = initialization.draw()
        estimate = estimate_step(self._new_objective(), weights, X, Y, sample_weight)
        return SGD(initialization, weights, estimate, self._first_step(estimate))

    def _first_step(self, estimate, n_updates=0):
        """The parameter `eta0` or, for "auto", the estimated step."""
        if self.eta0 == "auto":
            # A schedule that continues divides the step by this at its next update.
            decrease = float(n_updates + 1) ** self._sgd_options()["power_t"]
            return float((1 - self.momentum) * estimate.stable_step * decrease)
        return float(self.eta0)

    def _search_step(self, sgd, data, resume):
        """Replace the estimated step by the best step near it; keep the weights."""
        new_weights = sgd.weights.copy
        if not resume:
            # Every trial draws the weights again, so memory holds one set at a time.
            sgd.weights, new_weights = None, sgd.initialization.draw
        try:
            objective, options = self._new_objective(), self._sgd_options()
            sgd.eta0 = search_step(sgd, objective, new_weights, data, **options)
        finally:
            if not resume:
                sgd.weights = sgd.initialization.draw()

    def _resume(self):
        """The run of the last call, on copies of the fitted attributes.

        The attributes may be arrays of the user, and a call that fails must leave the
        fitted network unchanged.
        """
        sgd = copy.copy(self._sgd)
        fitted = self._fitted_weights().copy()
        if sgd.weights is None:
            sgd.weights = fitted
        else:
            sgd.weights, sgd.average = sgd.weights.copy(), fitted
        if sgd.velocity is not None:
            sgd.velocity = sgd.velocity.copy()
        return sgd

    def _fitted_weights(self):
        return Weights(
            self.hidden_weights_,
            self.hidden_biases_,
            np.atleast_2d(self.output_weights_),
            np.atleast_1d(self.output_bias_),
        )

    def _sgd_options(self):
        # Built-in numbers: every other type would compile the kernel again.
        return {
            "batch_size": int(self.batch_size),
            "block_size": own_integer(self.block_size),
            "power_t": float(self.power_t) if self.learning_rate == "invscaling" else 0.0,
            "momentum": float(self.momentum),
        }

    def _configure(self, sgd):
        average_after = int(self.average) - 1
        sgd.configure(
            self._new_objective(), average_after=average_after, **self._sgd_options()
        )

    def _train(self, sgd, train, validation, rng, tasks, attributes, resume):
        """Run epochs; start again at half the step whenever an estimated step diverges.

        Returns the last run and its progress.
        """
        estimated = self.eta0 == "auto"
        stopping = self.tol, self.n_iter_no_change, self.early_stopping
        progress = Progress(*stopping, after=self if resume else None)
        try:
            if estimated:
                self._search_step(sgd, train, resume)
            for retries in range(HALVINGS if estimated and not resume else 0, -1, -1):
                run = sgd, train, validation, rng, progress, tasks, attributes
                try:
                    self._run_epochs(*run, halve=estimated and resume)
                    break
                except Diverged as stop:
                    if retries == 0:
                        result = progress.kept_weights("last finite weights")
                        warn_diverged(self, stop, sgd, result)
                        break
                    weights = sgd.initialization.draw()
                    sgd = SGD(sgd.initialization, weights, sgd.estimate, sgd.eta0 / 2)
                    progress = Progress(*stopping)
        except KeyboardInterrupt:
            result = progress.kept_weights("weights reached so far")
            warn(
                f"Training was interrupted after {len(progress.losses)} epochs and "
                f"{sgd.n_updates} updates; the {result} are kept. Call fit again with "
                "warm_start=True to continue.",
            )
            if sgd.weights is None:  # Ctrl-C came while `_search_step` drew the weights.
                sgd.weights = sgd.initialization.draw()
        return sgd, progress

    def _run_epochs(
        self, sgd, train, validation, rng, progress, tasks, attributes, *, halve
    ):
        """Run up to `max_iter` epochs, until training or a callback stops."""
        self._configure(sgd)
        n_samples = len(train[1])

        def copies():
            return self._fitted(sgd.copy(), attributes, *progress.report())

        for epoch in range(self.max_iter):
            tasks.begin(epoch)
            order = rng.permutation(n_samples) if self.shuffle else np.arange(n_samples)
            loss, score = sgd.run(*train, order, halve=halve), None
            if validation is not None:
                N = sgd.objective.predict(validation[0], sgd.result)
                score = self._score(N, *validation[1:])
            if self.verbose:
                tail = "" if score is None else f", validation score = {score:.6f}"
                print(f"Epoch {epoch + 1}, loss = {loss:.8f}{tail}")
            stop = progress.stop_after(loss, score, sgd.result)
            if tasks.end(epoch, copies) or stop:
                return
        if self.tol is not None:
            warn_not_converged(self, sgd)

    def _publish(self, sgd, attributes, n_epochs, loss_curve, validation_scores):
        """Set all fitted attributes in one step, from the state of the run."""
        report = n_epochs, loss_curve, validation_scores
        vars(self).update(self._fitted(sgd, attributes, *report))

    def _fitted(self, sgd, attributes, n_epochs, loss_curve, validation_scores):
        """The fitted attributes by name; they own the arrays of the run."""
        fitted = fitted_attributes(self._new_objective(), sgd.result, attributes)
        fitted.update(
            eta0_=sgd.eta0,
            t_=sgd.n_updates,
            n_iter_=n_epochs,
            loss_curve_=loss_curve,
            validation_scores_=validation_scores,
            _sgd=sgd,
        )
        # The attributes hold the result, which must not be pickled a second time.
        if sgd.average is None:
            sgd.weights = None
        sgd.average = None
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
