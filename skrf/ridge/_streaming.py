"""Ridge estimators from chunks of rows: `partial_fit` and `merge`."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from skrf._utils.callbacks import printed
from skrf._utils.dask import is_dask
from skrf._utils.interrupts import all_or_nothing
from skrf._utils.warnings import warn
from skrf.ridge._checks import problem_of
from skrf.ridge._feature_matrix import FeatureMap, FeatureMatrix
from skrf.ridge._moments import Moments, MomentsTask
from skrf.ridge._problem import RidgeProblem, check_finite
from skrf.ridge._solver_choice import require_fitting_memory
from skrf.ridge._transformers import (
    changed_parameter,
    identical,
    parameters,
)


@dataclass(frozen=True)
class Stream:
    """What `partial_fit` keeps: sums, and what they were made for."""

    moments: Moments
    problem: RidgeProblem
    given_features: dict  # before they were fitted, by `parameters`


class StreamingMixin:
    """What an estimator of `_base_ridge` does with moments that it keeps."""

    # Of the estimator.
    features_: Any
    _flat: bool
    verbose: bool | int

    def _partial_fit(self, X, y, classes, sample_weight):
        self._validate_params()
        with all_or_nothing(self):
            problem = problem_of(self)
            stream = vars(self).get("_stream")
            first = stream is None
            moments = None if first else stream.moments
            if first and "features_" in vars(self):
                warn(
                    "partial_fit begins anew: fit keeps no sums of products that it could "
                    "go on from. Begin a clone with partial_fit to keep the fitted model.",
                )
            if is_dask(X):
                raise ValueError(
                    "partial_fit takes chunks in memory; X is a Dask collection. Use fit, "
                    "or pass its blocks one by one."
                )
            given = parameters(self.features)
            changed = None if first else changed_parameter(stream.given_features, given)
            if changed is not None:
                raise ValueError(
                    f"{changed} differs from that of the first chunk, and the sums of "
                    "other features do not add. Set it back, or begin a clone."
                )
            X = self._check_rows(X, reset=first)
            if first:
                self._learn_targets(y, classes)
            Y = self._encode(y, X.shape[0])
            if not first and Y.shape[1] != moments.zy.shape[1]:
                raise ValueError(
                    f"y has {Y.shape[1]} outputs, and that of the first chunk had "
                    f"{moments.zy.shape[1]}. Give as many as before, or begin a clone."
                )
            if first:
                self.features_ = self._new_features().fit(X, y)
            weights = self._weights(X, y, sample_weight, is_part=True)
            feature_map = FeatureMap(self.features_, X)
            matrix = FeatureMatrix(X, Y, weights, feature_map, self.block_size)
            matrix.progress = printed if self.verbose else None
            if first:
                require_fitting_memory(matrix, "partial_fit", problem)
                self._dtype = np.dtype(matrix.dtype)
            elif moments.centred != problem.fit_intercept:
                raise ValueError(
                    f"fit_intercept={self.fit_intercept} differs from the first call's. "
                    "Set it back, or begin a clone."
                )
            moments = self._moments_with(matrix, moments)
            check_finite(moments)
            if not first:
                given = stream.given_features
            self._stream, self._values = Stream(moments, problem, given), None
        return self

    def _moments_with(self, matrix, moments):
        """The moments so far, or None, with those of a chunk, as a new object.

        A copy, so that a chunk is added as a whole or not at all.
        """
        shape, float64 = (matrix.n_columns, matrix.n_outputs), np.dtype(np.float64)
        task = MomentsTask(*shape, bool(self.fit_intercept), float64)
        return matrix.reduce(task, None if moments is None else moments.copy())

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
            if getattr(model, "_stream", None) is None:
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
        mine, others = self._stream.moments, other._stream.moments
        if mine.centred != others.centred or not self._same_targets(other):
            raise ValueError(
                "merge needs the same fit_intercept, outputs and classes on both sides. "
                "Fit both with the same parameters and classes."
            )
        moments = mine.copy()
        moments.merge(others)
        check_finite(moments)
        # At once, so that Ctrl-C cannot leave the coefficients of other sums.
        vars(self).update(_stream=replace(self._stream, moments=moments), _values=None)
        return self

    def _same_targets(self, other):
        mine, others = self._stream.moments, other._stream.moments
        return self._flat == other._flat and mine.zy.shape == others.zy.shape
