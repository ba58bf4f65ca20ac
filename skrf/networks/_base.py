"""What the two network estimators share: parameters, checks, the fit loop, attributes."""

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
from skrf.networks._step_size import probe, search_step
from skrf.networks._stopping import Progress, warn_diverged, warn_not_converged
from skrf.networks._weights import Initialization, Weights, first_weights, fitted_attributes


class BaseOverparamNet(VersionedState, LazinessMixin, CallbackSupportMixin, BaseEstimator):
    """Everything but the meaning of y.

    A subclass gives `_validate(X, y, dtype, resume, streaming)` -> X, Y, attributes, with
    Y real and of shape (n_samples, n_outputs), and attributes that are set when the
    training is over, among them `_flat`, whether predictions are 1-D; and `_score(N, Y,
    sample_weight)`, which early stopping watches, for outputs N of the network. `resume`
    means going on from fitted weights, `streaming` that `partial_fit` asks.
    """

    _parameter_constraints = {
        **CONSTRAINTS,
        "loss": [one_of(LOSSES)],
        "activation": [one_of(ACTIVATIONS)],
        "train": [StrOptions({"both", "output", "hidden"})],
        "parametrization": [StrOptions({"standard", "ntk"})],
        "symmetric_init": ["boolean"],
        "fit_intercept": ["boolean"],
        "alpha": [NON_NEGATIVE],
        "max_iter": [POSITIVE_INTEGER],
        "batch_size": [POSITIVE_INTEGER],
        "block_size": [POSITIVE_INTEGER, StrOptions({"auto"})],
        "shuffle": ["boolean"],
        "learning_rate": [StrOptions({"constant", "invscaling"})],
        "eta0": [POSITIVE, StrOptions({"auto"})],
        "power_t": [FINITE],
        "momentum": [NumericInterval(Real, 0, 1, closed="left")],
        "average": ["boolean", POSITIVE_INTEGER],
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
        loss: str = "squared_error",
        activation: str = "relu",
        train: str = "both",
        parametrization: str = "standard",
        weights: str = "uniform",
        weight_scale: float = 3**-0.5,
        biases: str = "constant",
        bias_scale: float = 0.0,
        symmetric_init: bool = False,
        fit_intercept: bool = True,
        alpha: float = 0.0,
        max_iter: int = 200,
        batch_size: int = 1,
        block_size: int | Literal["auto"] = "auto",
        shuffle: bool = True,
        learning_rate: str = "constant",
        eta0: float | Literal["auto"] = "auto",
        power_t: float = 0.5,
        momentum: float = 0.0,
        average: bool | int = False,
        tol: float | None = 1e-4,
        n_iter_no_change: int = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        warm_start: bool = False,
        verbose: bool | int = False,
        random_state: RandomState = None,
    ) -> None:
        self.width = width
        self.loss = loss
        self.activation = activation
        self.train = train
        self.parametrization = parametrization
        self.weights = weights
        self.weight_scale = weight_scale
        self.biases = biases
        self.bias_scale = bias_scale
        self.symmetric_init = symmetric_init
        self.fit_intercept = fit_intercept
        self.alpha = alpha
        self.max_iter = max_iter
        self.batch_size = batch_size
        self.block_size = block_size
        self.shuffle = shuffle
        self.learning_rate = learning_rate
        self.eta0 = eta0
        self.power_t = power_t
        self.momentum = momentum
        self.average = average
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.warm_start = warm_start
        self.verbose = verbose
        self.random_state = random_state

    @fit_context(prefer_skip_nested_validation=True)
    @whole
    def fit(
        self, X: MatrixLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Train the network by up to `max_iter` epochs of SGD.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The training data; float32 is trained in float32, everything else in float64.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The targets; the classifier takes labels of shape (n_samples,).
        sample_weight : array-like of shape (n_samples,), default=None
            Factors of the samples' losses; None means 1.

        Returns
        -------
        self : object
            The fitted network. Ctrl-C ends the training early with the weights reached
            so far, with `early_stopping` the best, and warns. Before and after the training
            it is passed on, which leaves the network as it was, as an exception does.

        Raises
        ------
        ValueError
            For a parameter outside its set; parameters that exclude each other, such as
            ``activation="step"`` with a trained hidden layer, or an odd width with
            `symmetric_init`; X, y or weights that are empty, not finite or of different
            lengths, or weights that are all 0; y that the loss does not take; a validation
            set without rows of positive weight; first gradients that overflow; and with
            `warm_start` another width or `parametrization`, `biases` or `fit_intercept`
            that the weights do not fit, or other columns, outputs or labels than before.
        MemoryError
            When the weights and a block of rows would not fit into the memory there is.

        Warns
        -----
        ConvergenceWarning
            When `max_iter` epochs were not enough for `tol`, or SGD diverged: then the
            last finite weights are kept, or those with the best validation score.
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
            sgd.probe = probe(self._new_objective(), sgd.weights, *train)
            sgd.eta0 = self._given_or_estimated_step(sgd.probe, sgd.n_updates)
        context = self._init_callback_context(max_subtasks=int(self.max_iter))
        tasks = EpochTasks(context, estimator=self, X=X, y=y, metadata=metadata)
        sgd, progress = self._train(sgd, train, validation, rng, tasks, attributes, resume)
        if progress.best_weights is not None:
            sgd.replace(progress.best_weights)
        self._publish(sgd, attributes, *progress.report())
        tasks.finish()
        return self

    def _partial_fit(self, X, y, sample_weight, before_first=None):
        resume = hasattr(self, "hidden_weights_")
        with all_or_nothing(self) as keep:
            # The decorator checks parameters before the first call only.
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
                # Also after Ctrl-C, which is passed on: a stream would not stop otherwise.
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
                f"y has {Y.shape[1]} outputs, but the network was fitted with {n_outputs}. "
                "Give as many as before, or fit a clone."
            )
        sample_weight = check_row_weights(
            sample_weight, X, dtype=X.dtype, ensure_non_negative=True
        )
        # As many copies of W as are kept.
        copies = 1 + (self.momentum > 0) + bool(self.average) + self.early_stopping
        copies += self.eta0 == "auto" and (streaming or resume)
        options = self._sgd_options()
        sizes = options["batch_size"], options["block_size"]
        require_training_memory(X, n_outputs, int(self.width), *sizes, copies)
        return X, Y, sample_weight, attributes

    def _new_objective(self):
        trains_hidden = self.train != "output"
        return Objective(
            activation=ACTIVATIONS[self.activation],
            loss=LOSSES[self.loss],
            scale=int(self.width) ** -0.5 if self.parametrization == "ntk" else 1.0,
            alpha=float(self.alpha),
            train_hidden=trains_hidden,
            train_biases=trains_hidden and self.biases != "none",
            train_output=self.train != "hidden",
            train_intercept=bool(self.fit_intercept),
        )

    def _begin(self, rng, X, Y, sample_weight):
        """A new run from freshly drawn weights."""
        start = Initialization(
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
        weights = first_weights(start)
        found = probe(self._new_objective(), weights, X, Y, sample_weight)
        return SGD(start, weights, found, self._given_or_estimated_step(found))

    def _given_or_estimated_step(self, found, n_updates=0):
        if self.eta0 == "auto":
            # A schedule that goes on has divided it by this when the run begins.
            decrease = float(n_updates + 1) ** self._sgd_options()["power_t"]
            return float((1 - self.momentum) * found.stable_step * decrease)
        return float(self.eta0)

    def _search_step(self, sgd, data, resume):
        """Replace the estimate by the best step near it; the weights are left alone."""
        new_weights = sgd.weights.copy
        if not resume:
            # Trials draw them again, so that only one set is kept at a time.
            sgd.weights, new_weights = None, lambda: first_weights(sgd.start)
        try:
            objective, options = self._new_objective(), self._sgd_options()
            sgd.eta0 = search_step(sgd, objective, new_weights, data, **options)
        finally:
            if not resume:
                sgd.weights = first_weights(sgd.start)

    def _resume(self):
        """The run of the last call, on copies of the fitted attributes.

        Copies, because the attributes may have been set to arrays of the user's, and
        because a call that fails half way must leave the last one as it was.
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
        # Python's own numbers: every other type would compile the kernel again.
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
        """Run epochs, anew at half the step each time that an estimated one diverges.

        Returns the last run and what was seen of it.
        """
        estimated = self.eta0 == "auto"
        stopping = self.tol, self.n_iter_no_change, self.early_stopping
        progress = Progress(*stopping, after=self if resume else None)
        try:
            if estimated:
                self._search_step(sgd, train, resume)
            for left in range(HALVINGS if estimated and not resume else 0, -1, -1):
                run = sgd, train, validation, rng, progress, tasks, attributes
                try:
                    self._run_epochs(*run, halve=estimated and resume)
                    break
                except Diverged as stop:
                    if left == 0:
                        kept = progress.kept("last finite weights")
                        warn_diverged(self, stop, sgd, kept)
                        break
                    sgd = SGD(sgd.start, first_weights(sgd.start), sgd.probe, sgd.eta0 / 2)
                    progress = Progress(*stopping)
        except KeyboardInterrupt:
            kept = progress.kept("weights reached so far")
            warn(
                f"Training was interrupted after {len(progress.losses)} epochs and "
                f"{sgd.n_updates} updates; the {kept} are kept.",
            )
            if sgd.weights is None:  # while the start was drawn again
                sgd.weights = first_weights(sgd.start)
        return sgd, progress

    def _run_epochs(
        self, sgd, train, validation, rng, progress, tasks, attributes, *, halve
    ):
        """Run epochs until one of many says stop, or for `max_iter` of them."""
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
        """Set the fitted attributes from the state of the run, all at once."""
        of_epochs = n_epochs, loss_curve, validation_scores
        vars(self).update(self._fitted(sgd, attributes, *of_epochs))

    def _fitted(self, sgd, attributes, n_epochs, loss_curve, validation_scores):
        """The fitted attributes by name, from the state of a run that they take over."""
        fitted = fitted_attributes(self._new_objective(), sgd.result, attributes)
        fitted.update(
            eta0_=sgd.eta0,
            t_=sgd.n_updates,
            n_iter_=n_epochs,
            loss_curve_=loss_curve,
            validation_scores_=validation_scores,
            _sgd=sgd,
        )
        # The attributes hold the result; a second reference would be pickled twice.
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
                f"The predictions overflow {N.dtype}: X is too large, or training diverged "
                f"in its last steps with eta0={self.eta0_:.3g}. Scale X and y, or fit with "
                "a smaller eta0."
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
