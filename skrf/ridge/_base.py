"""What the two ridge estimators share: parameters, checks, fit and predictions."""

from __future__ import annotations

from copy import copy
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.callback import CallbackSupportMixin
from sklearn.model_selection import check_cv
from sklearn.utils import check_random_state
from sklearn.utils.metadata_routing import UNUSED, MetadataRouter, MethodMapping
from sklearn.utils.validation import check_is_fitted

from skrf._utils.blocks import is_frame
from skrf._utils.callbacks import PassTasks, printed
from skrf._utils.dask import (
    DaskFeatureMatrix,
    distinct,
    dtype_of,
    first_rows_of,
    is_dask,
    map_rows,
    partitions,
)
from skrf._utils.interrupts import all_or_nothing
from skrf._utils.typing import MatrixLike
from skrf._utils.validation import (
    POSITIVE,
    POSITIVE_INTEGER,
    HasMethods,
    StrOptions,
    check_data,
    check_row_weights,
    fit_context,
)
from skrf._utils.version import VersionedState
from skrf.features import RandomReLUFeatures
from skrf.ridge._checks import as_objects, problem_of
from skrf.ridge._feature_matrix import FeatureMap, FeatureMatrix
from skrf.ridge._fitted import FittedRidge
from skrf.ridge._problem import Solution
from skrf.ridge._solver_choice import cross_validate, require_fitting_memory, solve
from skrf.ridge._streaming import StreamingMixin
from skrf.ridge._transformers import (
    n_neurons,
    narrowed,
    require_fit_on_columns,
    seed_nested,
    tags_of,
    takes_nan,
)
from skrf.ridge._width_path import WidthPath, compute_width_path

_FLOATS = [np.float64, np.float32]


class BaseRandomFeatureRidge(
    VersionedState, FittedRidge, StreamingMixin, CallbackSupportMixin, BaseEstimator
):
    """Everything but the meaning of y.

    A subclass gives `_learn_targets(y, classes)`, which sets on `self` what is known of the
    targets; `_encode(y, n_rows)`, which checks y and returns float64 targets of shape
    (n_rows, n_outputs); and `_target_weights(y)`, factors of the weights or None.
    """

    _parameter_constraints = {
        "features": [HasMethods(["fit", "transform"]), None],
        "alphas": [POSITIVE, "array-like"],
        "fit_intercept": ["boolean"],
        "cv": ["cv_object"],
        "solver": [StrOptions({"auto", "primal", "dual", "cg"})],
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
            metadata = {} if sample_weight is None else {"sample_weight": sample_weight}
            if is_dask(X):
                matrix, features = self._dask_matrix(X, y, sample_weight)
            else:
                matrix, features = self._matrix(X, y, sample_weight)
            tasks = PassTasks(self, self.verbose, X=X, y=y, metadata=metadata)
            matrix.progress = tasks.begin_pass
            if self.select_width:
                features, solution = self._best_width(matrix, features, problem)
            else:
                solution = self._solve(matrix, problem, y, groups)
            self._publish(features, matrix.dtype, solution)
            self._stream = None
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
        if is_dask(X):
            matrix, features = model._dask_matrix(X, y, sample_weight)
        else:
            matrix, features = model._matrix(X, y, sample_weight)
        require_fitting_memory(matrix, "width path", problem)
        matrix.progress = printed if self.verbose else None
        return compute_width_path(matrix, n_neurons(features), problem)

    def _best_width(self, matrix, features, problem):
        """(Features of the best width, the solution on them)."""
        require_fitting_memory(matrix, "width path", problem)
        path = compute_width_path(matrix, n_neurons(features), problem)
        k, width = path.best
        coef, intercept = path.coefficients(width, k)
        alpha = float(path.alphas[k, width - 1])
        solution = Solution(coef, intercept, alpha, -path.leave_one_out_errors)
        return narrowed(features, width), solution

    def _matrix(self, X, y, sample_weight):
        """(The feature matrix of data in memory, fitted features)."""
        X = self._check_rows(X, reset=True)
        y = np.asarray(y) if is_dask(y) else y
        self._learn_targets(y, None)
        Y, weights = self._encode(y, X.shape[0]), self._weights(X, y, sample_weight)
        features = self._new_features().fit(X, y)
        feature_map = FeatureMap(features, X)
        return FeatureMatrix(X, Y, weights, feature_map, self.block_size), features

    def _dask_matrix(self, X, y, sample_weight):
        """(The feature matrix of data on a cluster, fitted features)."""
        require_fit_on_columns(self.features, "a Dask collection")
        if self.cv is not None or self.solver in ("dual", "cg"):
            raise ValueError(
                f"Dask input is fitted from sums over its blocks; got cv={self.cv!r} and "
                f'solver={self.solver!r}. Use cv=None and solver="primal".'
            )
        parts = partitions(X, y, sample_weight)
        first, first_y, _ = first_rows_of(parts)
        first = self._check_rows(first, reset=True)
        classes = distinct(parts) if is_classifier(self) else None
        self._learn_targets(first_y, classes)
        features = self._new_features().fit(first, first_y)
        matrix = DaskFeatureMatrix(
            parts,
            FeatureMap(features, first),
            self._encode(first_y, len(first_y)).shape[1],
            self.block_size,
            partial(matrix_of_block, self._checks_only()),
        )
        return matrix, features

    def _new_features(self):
        if self.features is None:
            return seed_nested(RandomReLUFeatures(), self.random_state)
        return seed_nested(clone(self.features), self.random_state)

    def _check_rows(self, X, reset):
        """X with float64 or float32 columns, or a data frame, text and the like as it is.

        Those are for `features` to take or to refuse.
        """
        rows = X if is_frame(X) else as_objects(X)
        if rows is not None:
            if reset:
                # Of text there is no number of columns; that of an earlier fit is no more.
                vars(self).pop("n_features_in_", None)
            check_data(self, rows, reset=reset, skip_check_array=True)
            return rows
        sparse, allow_nan = vars(self).get("_takes") or self._what_features_take()
        return check_data(
            self,
            X,
            accept_sparse="csr" if sparse else False,
            dtype=_FLOATS,
            ensure_all_finite="allow-nan" if allow_nan else True,
            reset=reset,
        )

    def _weights(self, X, y, sample_weight, is_part=False):
        """float64 weights of the rows; in a part of the data they may all be 0."""
        weights = check_row_weights(
            sample_weight,
            X,
            dtype=np.float64,
            ensure_non_negative=True,
            allow_all_zero_weights=is_part,
        )
        factors = self._target_weights(y)
        return weights if factors is None else weights * factors

    def _solve(self, matrix, problem, y, groups):
        rng = check_random_state(self.random_state)
        if self.cv is None or not problem.searches:
            return solve(self.solver, matrix, problem, rng)
        return cross_validate(
            self.solver, matrix, problem, self.cv, y, groups, is_classifier(self)
        )

    # -------------------------------------------------------------------- predicting

    def _predict_rows(self, X):
        """Z(X) u + c of shape (n_samples,) or (n_samples, n_outputs)."""
        check_is_fitted(self)
        values = self._fitted()
        X = self._check_rows(X, reset=False)
        coef = np.atleast_2d(values.coef).T
        feature_map = FeatureMap(self.features_, X)
        dtype = np.result_type(feature_map.dtype, np.float32)
        result = feature_map.times(X, np.ascontiguousarray(coef, dtype), self.block_size)
        result += np.atleast_1d(values.intercept).astype(dtype)
        if not np.isfinite(result).all():
            raise ValueError(
                f"The predictions are not finite: they overflow {dtype}, or `features` "
                "gave NaN. Scale X, for instance by StandardScaler."
            )
        return result[:, 0] if self._flat else result

    def _map_outputs(self, method, X):
        """The outputs of the blocks of a Dask collection, lazily."""
        check_is_fitted(self)
        n_outputs = None if self._flat else len(self._fitted().coef)
        return self._map_rows(method, X, n_outputs, dtype_of(X))

    def _map_rows(self, method, X, n_columns, dtype):
        """A method over the blocks of a Dask collection, by a copy without the sums."""
        self._fitted()
        model = copy(self)
        model._stream = None
        return map_rows(getattr(model, method), X, n_columns, dtype)

    def _checks_only(self):
        """A small copy that checks rows and encodes targets on a cluster."""
        checks = type(self)(**{**self.get_params(deep=False), "features": None})
        for name in ("n_features_in_", "feature_names_in_", "classes_", "_flat"):
            if hasattr(self, name):
                setattr(checks, name, getattr(self, name))
        checks._takes = self._what_features_take()
        return checks

    def _what_features_take(self):
        """Whether `features` take sparse matrices, and whether NaN."""
        features = RandomReLUFeatures() if self.features is None else self.features
        tags = tags_of(features)
        return tags is not None and tags.input_tags.sparse, takes_nan(features)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse, tags.input_tags.allow_nan = self._what_features_take()
        tags.target_tags.required = True
        return tags


def matrix_of_block(checks, X, y, sample_weight, feature_map):
    """The feature matrix of one block of a Dask collection, checked like all rows."""
    X = checks._check_rows(X, reset=False)
    Y = checks._encode(y, X.shape[0])
    weights = checks._weights(X, y, sample_weight, is_part=True)
    return FeatureMatrix(X, Y, weights, feature_map, checks.block_size)
