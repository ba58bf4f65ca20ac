"""Base class of the two ridge estimators: parameters, fit and predictions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.callback import CallbackSupportMixin
from sklearn.metrics import get_scorer_names
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skrf._utils.array_api import namespace_of, require_same_namespace, to_numpy
from skrf._utils.callbacks import PassTasks, printed_pass
from skrf._utils.engines import engine_of
from skrf._utils.interrupts import all_or_nothing
from skrf._utils.typing import MatrixLike
from skrf._utils.validation import (
    POSITIVE,
    POSITIVE_INTEGER,
    StrOptions,
    fit_context,
)
from skrf._utils.version import VersionedState
from skrf.ridge._checks import problem_of, scoring_of
from skrf.ridge._fitted import FittedValues, Predictor
from skrf.ridge._fitted_attributes import FittedAttributes
from skrf.ridge._fitting_data import fitting_data
from skrf.ridge._gradients import GradientsMixin
from skrf.ridge._held_out import Comparison
from skrf.ridge._leave_one_out import search_primal
from skrf.ridge._memory import ProblemSize, require_fitting_memory
from skrf.ridge._problem import Solution
from skrf.ridge._routing import GroupsMixin
from skrf.ridge._row_checks import COLUMN_ATTRIBUTES, RowChecks
from skrf.ridge._solver_choice import SOLVERS, cross_validate, solve
from skrf.ridge._streaming import StreamingMixin
from skrf.ridge._transformers import (
    accepted_input,
    n_neurons,
    narrowed,
    takes_arrays,
)
from skrf.ridge._width_path import WidthPath, compute_width_path


class BaseRandomFeatureRidge(
    VersionedState,
    FittedAttributes,
    StreamingMixin,
    GradientsMixin,
    GroupsMixin,
    CallbackSupportMixin,
    BaseEstimator,
):
    """Base class; subclasses define how `y` is encoded.

    A subclass has `_learn_targets(y, classes)`, the targets that the first `y` shows, and
    `_current(targets)`, the targets of a fitted model with the parameters of now. Both are
    classes of the file `_targets`.

    After `fit` the model has `_values`, a `FittedValues`. After `partial_fit` it has
    `_stream`, a `Stream`, which computes its values at the first access.
    """

    _parameter_constraints = {
        "features": "no_validation",  # by `require_estimator`, which has hints
        "alphas": [POSITIVE, "array-like", StrOptions({"auto"})],
        "fit_intercept": ["boolean"],
        "cv": ["cv_object"],
        "solver": [StrOptions({"auto", *SOLVERS})],
        "scoring": [StrOptions(set(get_scorer_names())), callable, None],
        "store_cv_results": ["boolean"],
        "select_width": ["boolean"],
        "block_size": [POSITIVE_INTEGER, StrOptions({"auto"})],
        "verbose": ["verbose"],
        "random_state": ["random_state"],
    }

    def set_params(self, **params: Any) -> Self:
        """Set parameters, also parameters of `features` such as ``features__width``.

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
            If a name is not a parameter, or belongs to `features` while `features` is None.

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
                f"`features` must be a transformer to set `{nested[0]}`; got None. Pass "
                "features=RandomReLUFeatures(), which None stands for."
            )
        return super().set_params(**params)

    @fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Fit the features, the coefficients, and the best of several penalties.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame, Dask array or Dask data frame} of \
shape (n_samples, n_features)
            The data in any form that `features` accepts, including lists of text or dicts.
            float32 arrays stay float32.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The targets, or labels of shape (n_samples,) for the classifier.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples' squared errors; None means 1.
        groups : array-like of shape (n_samples,), default=None
            Groups of the samples, for a group-aware `cv`.

        Returns
        -------
        self : object
            The fitted estimator. A fit that fails or is interrupted changes nothing.

        Raises
        ------
        ValueError
            If a parameter is invalid, or parameters exclude each other, such as
            ``solver="cg"`` and a sequence of `alphas`. If X, y, weights or groups are
            empty, not finite or of different lengths. If all weights are 0, or a fold has
            no rows of positive weight. If there is only one class. If the features are not
            real numbers, or their squares overflow. If the features are not ordered by
            neuron for `select_width`. For Dask input also if the blocks of y differ from
            the blocks of X, if `solver` or `cv` needs all rows at once, or if the features
            learn from the values in X.
        LinAlgError
            If an alpha is too small for these features.
        MemoryError
            If no solver fits in the available memory. The message says what would fit.

        Warns
        -----
        LinAlgWarning
            If the features are so collinear that U or the errors are imprecise.
        ConvergenceWarning
            If conjugate gradients stop at a relative error above 1e-6.
        UserWarning
            If `cv` is set with ``solver="cg"``, which does not use it.
        """
        y, groups = to_numpy(y), to_numpy(groups)
        with all_or_nothing(self):
            problem = problem_of(self)
            if groups is not None and self.cv is None:
                raise ValueError(
                    "`groups` requires a group-aware `cv`; got cv=None (leave-one-out). "
                    "Pass cv=GroupKFold(5) or drop `groups`."
                )
            data = fitting_data(self, X, y, sample_weight)
            problem = self._scored(problem, data, sample_weight)
            metadata = {} if sample_weight is None else {"sample_weight": sample_weight}
            tasks = PassTasks(self, self.verbose, X=X, y=y, metadata=metadata)
            data.matrix.progress = tasks.begin_pass
            if self.select_width:
                features, solution = self._best_width(data, problem)
                data = data._replace(features=features)
            else:
                solution = self._solve(data.matrix, problem, y, groups)
            targets = data.checks.targets
            values = FittedValues.of(solution, data.matrix.dtype, problem, targets)
            if (space := namespace_of(X)) is not None:
                values = values.__sklearn_array_api_convert__(space.array)
            self._values = values
            self._set_data(data, X)
            self.__dict__.pop("_stream", None)
            tasks.finish()
        return self

    def width_path(
        self, X: MatrixLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> WidthPath:
        """Compute errors and coefficients for every width up to the width of the features.

        Takes one pass over the data, then one factorisation and one pass for each penalty.
        The columns of the features must be ordered by neuron, as for RandomReLUFeatures,
        RandomFeatures and ``LinearizedNTKFeatures(train="hidden")``, alone or as the last
        step of a Pipeline. `cv` and `solver` are not used. The estimator stays unchanged.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame, Dask array or Dask data frame} of \
shape (n_samples, n_features)
            The data in any form that `features` accepts.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The targets, or labels of shape (n_samples,) for the classifier.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples' squared errors; None means 1.

        Returns
        -------
        path : WidthPath
            Exact leave-one-out errors and training errors of all models. Coefficients are
            computed on demand. Each model is in the scale of its own width.

        Raises
        ------
        ValueError
            As in `fit`, and if the columns of the features are not ordered by neuron.
        LinAlgError
            If an alpha is too small for these features.
        MemoryError
            If the products Z'Z would not fit in the available memory.

        Warns
        -----
        LinAlgWarning
            If the features are so collinear that the errors are imprecise.

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
        # Unused parameters must not raise, and `cv` may be a generator, which has no copy.
        unused = {"cv": None, "solver": "auto", "scoring": None, "store_cv_results": False}
        model = clone(type(self)(**{**self.get_params(deep=False), **unused}))
        problem = problem_of(model)
        data = fitting_data(model, X, y, sample_weight)
        matrix, features = data.matrix, data.features
        problem = model._scored(problem, data, sample_weight)
        require_fitting_memory(ProblemSize.of(matrix, problem), "width path")
        matrix.progress = printed_pass if self.verbose else None
        return compute_width_path(matrix, n_neurons(features), problem)

    def _scored(self, problem, data, sample_weight):
        """The problem with the scores that the parameters ask for."""
        scoring = scoring_of(self, problem, data.checks.targets, sample_weight is not None)
        return replace(problem, scoring=scoring)

    def _best_width(self, data, problem):
        """(Features of the best width, the solution on them)."""
        require_fitting_memory(ProblemSize.of(data.matrix, problem), "width path")
        path = compute_width_path(data.matrix, n_neurons(data.features), problem)
        k, width = path.best
        alpha = float(path.alphas[k, width - 1])
        features = narrowed(data.features, width)
        if data.checks.targets.are_labels:
            # The probabilities need the errors of single rows.
            matrix = data.matrix.with_features(features)
            solution = search_primal(matrix, problem.at(alpha))
        else:
            solution = Solution(*path.output_layer(width, k), alpha)
        errors = -path.leave_one_out_errors
        rounding = np.zeros(len(path.alphas))
        solution.comparison = Comparison(path.alphas, errors, errors, rounding)
        return features, solution

    def _solve(self, matrix, problem, y, groups):
        rng = check_random_state(self.random_state)
        if self.cv is None or not problem.searches or self.solver == "cg":
            return solve(self.solver, matrix, problem, rng)
        return cross_validate(
            self.solver, matrix, problem, self.cv, y, groups, is_classifier(self)
        )

    def _set_data(self, data, X):
        """Set the fitted attributes that describe X, y and the features."""
        for name in COLUMN_ATTRIBUTES:
            vars(self).pop(name, None)
        vars(self).update(data.checks.columns)
        vars(self).update(data.checks.targets.attributes)
        self.features_ = data.features

    def _predictor(self, X, method):
        """What makes predictions for rows in memory; checks the columns of a lazy X.

        `method` is the public method, for errors.
        """
        check_is_fitted(self)
        require_same_namespace(X, self, "output_weights_", method)
        values = self._fitted_values()
        checks = RowChecks.of(self, self._current(values.targets))
        engine_of(X).check_columns(checks.check_columns, X)
        return Predictor(checks, self.features_, values, self.block_size)

    def _outputs(self, X, method):
        """The outputs for all rows of X; lazy where X is."""
        predictor = self._predictor(X, method)
        values = predictor.values
        n_columns = None if values.is_flat else values.output_weights.shape[0]
        return engine_of(X).map_rows(predictor.outputs, X, n_columns)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse, tags.input_tags.allow_nan = accepted_input(self.features)
        tags.target_tags.required = True
        tags.array_api_support = self.solver != "cg" and takes_arrays(self.features)
        return tags
