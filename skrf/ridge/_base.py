"""Base class of the two ridge estimators: parameters, fit, streams and predictions."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.callback import CallbackSupportMixin
from sklearn.model_selection import check_cv
from sklearn.utils import check_random_state
from sklearn.utils.metadata_routing import UNUSED, MetadataRouter, MethodMapping
from sklearn.utils.validation import check_is_fitted

from skrf._utils.callbacks import PassTasks, printed
from skrf._utils.engines import engine_of
from skrf._utils.interrupts import all_or_nothing
from skrf._utils.typing import MatrixLike
from skrf._utils.validation import (
    POSITIVE,
    POSITIVE_INTEGER,
    HasMethods,
    StrOptions,
    fit_context,
)
from skrf._utils.version import VersionedState
from skrf._utils.warnings import warn
from skrf.ridge._checks import problem_of
from skrf.ridge._feature_matrix import FeatureMap
from skrf.ridge._fitted import FittedValues, Predictor
from skrf.ridge._fitting_data import data_in_memory, fitting_data
from skrf.ridge._memory import ProblemSize, require_fitting_memory
from skrf.ridge._problem import Solution
from skrf.ridge._row_checks import COLUMN_ATTRIBUTES, RowChecks
from skrf.ridge._solver_choice import SOLVERS, cross_validate, solve
from skrf.ridge._streams import Stream, targets_differ
from skrf.ridge._transformers import accepted_input, identical, n_neurons, narrowed
from skrf.ridge._width_path import WidthPath, compute_width_path

# Fitted attributes that `partial_fit` leaves to be computed at their first access.
_COMPUTED = {"coef_", "intercept_", "alpha_", "scores_", "best_score_", "n_iter_"}


class BaseRandomFeatureRidge(VersionedState, CallbackSupportMixin, BaseEstimator):
    """Base class; subclasses define how `y` is encoded.

    A subclass has `_learn_targets(y, classes)`, the targets that the first `y` shows, and
    `_targets(is_flat)`, the targets of a fitted model (see `_targets`).

    A fitted model has `_values`, a `FittedValues`, after `fit`, and `_stream`, a `Stream`,
    after `partial_fit`. Where both are there, `_stream` is the newer one.
    """

    _parameter_constraints = {
        "features": [HasMethods(["fit", "transform"]), None],
        "alphas": [POSITIVE, "array-like"],
        "fit_intercept": ["boolean"],
        "cv": ["cv_object"],
        "solver": [StrOptions({"auto", *SOLVERS})],
        "select_width": ["boolean"],
        "block_size": [POSITIVE_INTEGER, StrOptions({"auto"})],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    # The folds ask for groups, or not, so that fit does not (see get_metadata_routing).
    __metadata_request__fit = {"groups": UNUSED}

    # ------------------------------------------------------------------ parameters

    def set_params(self, **params: Any) -> Self:
        """Set parameters, and those of `features` by names like ``features__width``.

        Parameters
        ----------
        **params : dict
            New values by name.

        Returns
        -------
        self : object
            The estimator.

        Raises
        ------
        ValueError
            For a name that is no parameter, and for one of `features` while that is None.

        Examples
        --------
        >>> from skrf import RandomFeatureRidge, RandomReLUFeatures
        >>> model = RandomFeatureRidge(RandomReLUFeatures())
        >>> model.set_params(features__width=50, alphas=0.1)
        RandomFeatureRidge(alphas=0.1, features=RandomReLUFeatures(width=50))
        """
        nested = [name for name in params if name.startswith("features__")]
        if nested and params.get("features", self.features) is None:
            raise ValueError(
                f"{nested[0]} cannot be set, as features=None has no parameters. Give "
                "features=RandomReLUFeatures(), which is what None stands for."
            )
        return super().set_params(**params)

    def get_metadata_routing(self) -> MetadataRouter:
        """Which metadata go where, for scikit-learn's metadata routing.

        `fit` takes groups where `cv` asks for them, as GroupKFold does.

        Returns
        -------
        routing : MetadataRouter
            The requests of this estimator and of `cv`.

        Raises
        ------
        ValueError
            For a `cv` that gives no folds.

        Examples
        --------
        >>> from sklearn.model_selection import GroupKFold
        >>> from skrf import RandomFeatureRidge
        >>> model = RandomFeatureRidge(alphas=[0.1, 1.0], cv=GroupKFold(3))
        >>> model.get_metadata_routing().consumes("fit", ["groups"])
        {'groups'}
        """
        router = MetadataRouter(owner=self).add_self_request(self)
        fit_splits = MethodMapping().add(caller="fit", callee="split")
        return router.add(splitter=check_cv(self.cv), method_mapping=fit_splits)

    # ------------------------------------------------------------------ fitting

    @fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Fit the features, then the coefficients and, of several, the best penalty.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame, Dask array or Dask data frame} of \
shape (n_samples, n_features)
            The data, whatever `features` takes: arrays and lists of text or dicts, too,
            are handed on. Arrays of float32 stay float32.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The targets; the classifier takes labels of shape (n_samples,).
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples' squared errors; None means 1.
        groups : array-like of shape (n_samples,), default=None
            Groups of the samples, for a `cv` that keeps groups together.

        Returns
        -------
        self : object
            The fitted estimator. A fit that fails or is interrupted changes nothing.

        Raises
        ------
        ValueError
            For a parameter outside its set; parameters that exclude each other, such as
            ``solver="cg"`` with a sequence of `alphas`; X, y or weights that are empty, not
            finite, or of different lengths, or labels of one class only;
            weights that are all 0; groups without `cv`, of another length, or missing where
            `cv` needs them; folds without rows of positive weight; features that give no
            real numbers, or squares that overflow; `select_width` with other features than
            those of `width_path`; and for Dask input y in other blocks, solvers and `cv`
            that need all rows at once, and features that learn from the values in X.
        LinAlgError
            When an alpha is too small for these features.
        MemoryError
            When no solver fits into the memory there is; says which width would.

        Warns
        -----
        LinAlgWarning
            When the features are so collinear that U or the errors are imprecise.
        ConvergenceWarning
            When conjugate gradients stop short of a relative error of 1e-6.
        UserWarning
            When `cv` is given with ``solver="cg"``, which does not use it.
        """
        with all_or_nothing(self):
            problem = problem_of(self)
            if groups is not None and self.cv is None:
                raise ValueError(
                    "groups are for folds, and cv=None leaves single rows out. Use for "
                    "instance cv=GroupKFold(5), or give no groups."
                )
            data = fitting_data(self, X, y, sample_weight)
            metadata = {} if sample_weight is None else {"sample_weight": sample_weight}
            tasks = PassTasks(self, self.verbose, X=X, y=y, metadata=metadata)
            data.matrix.progress = tasks.begin_pass
            if self.select_width:
                features, solution = self._best_width(data, problem)
                data = data._replace(features=features)
            else:
                solution = self._solve(data.matrix, problem, y, groups)
            is_flat = data.checks.targets.is_flat
            self._values = FittedValues.of(solution, data.matrix.dtype, is_flat)
            self._set_data(data)
            self.__dict__.pop("_stream", None)
            tasks.finish()
        return self

    def width_path(
        self, X: MatrixLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> WidthPath:
        """Errors and coefficients for every width up to that of the features.

        From one pass over the data, then a factorisation and a pass for each of `alphas`;
        see `WidthPath`. `cv` and `solver` are not used. This estimator is left as it is.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame, Dask array or Dask data frame} of \
shape (n_samples, n_features)
            The data, whatever `features` takes.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The targets; the classifier takes labels of shape (n_samples,).
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples' squared errors; None means 1.

        Returns
        -------
        path : WidthPath
            Exact leave-one-out errors, training errors, and coefficients on demand, each
            model in the scale of its own width.

        Raises
        ------
        ValueError
            As in `fit`, and for features whose columns do not belong to one neuron after
            the other.
        LinAlgError
            When an alpha is too small for these features.
        MemoryError
            When the products Z'Z would not fit into the memory there is.

        Warns
        -----
        LinAlgWarning
            When the features are so collinear that the errors are imprecise.

        Examples
        --------
        >>> from skrf import RandomFeatureRidge, RandomReLUFeatures, make_single_neuron
        >>> X, y = make_single_neuron(n_samples=50, n_features=3, random_state=0)
        >>> model = RandomFeatureRidge(RandomReLUFeatures(200), alphas=1e-4, random_state=0)
        >>> path = model.width_path(X, y)
        >>> path.leave_one_out_errors.shape
        (1, 200)
        """
        self._validate_params()
        # What is not used must not be refused either, nor copied: cv may be a generator.
        unused = {"cv": None, "solver": "auto"}
        model = clone(type(self)(**{**self.get_params(deep=False), **unused}))
        problem = problem_of(model)
        matrix, features, _ = fitting_data(model, X, y, sample_weight)
        require_fitting_memory(ProblemSize.of(matrix, problem), "width path")
        matrix.progress = printed if self.verbose else None
        return compute_width_path(matrix, n_neurons(features), problem)

    def _best_width(self, data, problem):
        """(Features of the best width, the solution on them)."""
        require_fitting_memory(ProblemSize.of(data.matrix, problem), "width path")
        path = compute_width_path(data.matrix, n_neurons(data.features), problem)
        k, width = path.best
        coef, intercept = path.coefficients(width, k)
        alpha = float(path.alphas[k, width - 1])
        solution = Solution(coef, intercept, alpha, -path.leave_one_out_errors)
        return narrowed(data.features, width), solution

    def _solve(self, matrix, problem, y, groups):
        rng = check_random_state(self.random_state)
        if self.cv is None or not problem.searches:
            return solve(self.solver, matrix, problem, rng)
        return cross_validate(
            self.solver, matrix, problem, self.cv, y, groups, is_classifier(self)
        )

    def _set_data(self, data):
        """Set the fitted attributes that describe X, y and the features."""
        for name in COLUMN_ATTRIBUTES:
            vars(self).pop(name, None)
        vars(self).update(data.checks.columns)
        vars(self).update(data.checks.targets.attributes)
        self.features_ = data.features

    # ---------------------------------------------------------------------- streams

    def _partial_fit(self, X, y, classes, sample_weight):
        self._validate_params()
        with all_or_nothing(self):
            problem = problem_of(self)
            stream = vars(self).get("_stream")
            if stream is None and "_values" in vars(self):
                warn(
                    "partial_fit starts again, because fit keeps no sums of products. Call "
                    "partial_fit on a clone to keep the fitted model.",
                )
            engine_of(X).require_in_memory(
                "partial_fit", "Use fit, or pass its blocks one by one."
            )
            if stream is None:
                data = data_in_memory(self, X, y, sample_weight, classes, is_part=True)
                self._set_data(data)
                matrix, is_flat = data.matrix, data.checks.targets.is_flat
                stream = Stream.begin(matrix, problem, self.features, is_flat)
            else:
                stream.require_features(self.features)
                checks = RowChecks.of(self, self._targets(stream.is_flat))
                rows = checks.rows(X)
                feature_map = FeatureMap(self.features_, rows)
                matrix = checks.matrix(rows, y, sample_weight, feature_map, self.block_size)
            matrix.progress = printed if self.verbose else None
            self._stream = stream.add(matrix, problem)
            vars(self).pop("_values", None)
        return self

    def merge(self, other: Self) -> Self:
        """Add what another estimator has seen by `partial_fit` to this one, in place.

        Equivalent to having passed its chunks to this one's `partial_fit`.

        Parameters
        ----------
        other : RandomFeatureRidge or RandomFeatureRidgeClassifier
            An estimator of the same class, with identical fitted features; unchanged.

        Returns
        -------
        self : object
            This estimator.

        Raises
        ------
        ValueError
            When `other` is this estimator or of another class, or one of the two has no
            sums; when their features, intercepts, outputs or labels differ, or the
            features cannot be pickled, and so not compared; or when the sums overflow.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn.base import clone
        >>> from skrf import RandomFeatureRidge, RandomReLUFeatures, make_single_neuron
        >>> X, y = make_single_neuron(n_samples=100, n_features=3, random_state=0)
        >>> first = RandomFeatureRidge(RandomReLUFeatures(20), random_state=0)
        >>> second, both = clone(first), clone(first)
        >>> first = first.partial_fit(X[:50], y[:50])
        >>> first = first.merge(second.partial_fit(X[50:], y[50:]))
        >>> np.allclose(first.predict(X), both.partial_fit(X, y).predict(X))
        True
        """
        if other is self:
            raise ValueError(
                "merge needs another estimator: this one's rows would count twice. Give "
                "one that has seen other rows."
            )
        if type(other) is not type(self):
            raise ValueError(
                f"merge adds estimators of one class; other is a {type(other).__name__}, "
                f"and not a {type(self).__name__}. Fit both by partial_fit as one class."
            )
        for name, model in (("this estimator", self), ("other", other)):
            if "_stream" not in vars(model):
                raise ValueError(
                    f"merge adds what partial_fit keeps, and {name} has not been fitted by "
                    "partial_fit. Fit both by partial_fit."
                )
        if not identical(self.features_, other.features_):
            raise ValueError(
                "merge needs identical fitted features on both sides, or their sums do not "
                "add; these differ. Give both the same integer random_state, and X of the "
                "same columns and dtype, or the same FrozenEstimator."
            )
        mine = self._targets(self._stream.is_flat)
        if not mine.matches(other._targets(other._stream.is_flat)):
            raise targets_differ()
        self._stream = self._stream.merge(other._stream)
        return self

    # -------------------------------------------------------------------- predicting

    def _predictor(self):
        """What makes predictions for rows in memory."""
        check_is_fitted(self)
        values = self._fitted_values()
        checks = RowChecks.of(self, self._targets(values.is_flat))
        return Predictor(checks, self.features_, values, self.block_size)

    def _outputs(self, X):
        """The outputs for all rows of X; lazy where X is."""
        predictor = self._predictor()
        values = predictor.values
        n_columns = None if values.is_flat else len(values.coef)
        return engine_of(X).map_rows(predictor.outputs, X, n_columns)

    # ------------------------------------------------------------- fitted attributes

    def __dir__(self):
        # scikit-learn's HTML asks for every attribute that is listed, and those of a
        # stream may take long: they are listed once they have been computed.
        names = set(object.__dir__(self))
        if "_stream" in vars(self) and not self._stream.is_solved:
            names -= _COMPUTED
        return [name for name in names if hasattr(self, name)]

    def _fitted_values(self):
        """The `FittedValues`; those of a stream are computed at their first access."""
        if "_stream" in vars(self):
            return self._stream.values
        if "_values" not in vars(self):
            raise AttributeError(f"This {type(self).__name__} is not fitted: call fit.")
        return self._values

    @property
    def coef_(self) -> np.ndarray:
        """Coefficients U; computed at the first access after `partial_fit`.

        Raises
        ------
        AttributeError
            Before `fit`.
        ValueError
            After `partial_fit`, when all rows so far had weight 0, or the coefficients
            overflow the dtype of the features.
        LinAlgError
            After `partial_fit`, when an alpha is too small for these features.

        Warns
        -----
        LinAlgWarning
            After `partial_fit`, when the features are so collinear that U is imprecise.
        """
        return self._fitted_values().coef

    @property
    def intercept_(self) -> float | np.ndarray:
        """Intercept c; raises as `coef_` does."""
        return self._fitted_values().intercept

    @property
    def alpha_(self) -> float:
        """The penalty used; raises as `coef_` does."""
        return self._fitted_values().alpha

    @property
    def scores_(self) -> np.ndarray:
        """Minus the mean squared error for every one of `alphas`.

        Raises
        ------
        AttributeError
            When `alphas` was a number, without `cv` and `select_width`; and as `coef_`
            does.
        ValueError, LinAlgError
            As `coef_` does.

        Warns
        -----
        LinAlgWarning
            As `coef_` does.
        """
        scores = self._fitted_values().scores
        if scores is None:
            raise AttributeError(
                "There are scores only when alphas is a sequence, or with cv or "
                "select_width; it was one number."
            )
        return scores

    @property
    def best_score_(self) -> float:
        """The highest of the scores; raises as `scores_` does."""
        return float(np.max(self.scores_))

    @property
    def n_iter_(self) -> int:
        """Steps of refinement, or of conjugate gradients; raises as `coef_` does."""
        return self._fitted_values().n_iter

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse, tags.input_tags.allow_nan = accepted_input(self.features)
        tags.target_tags.required = True
        return tags
