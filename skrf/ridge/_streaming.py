"""`partial_fit` and `merge` of ridge estimators, by sums of products that add."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

from skrf._utils.array_api import to_numpy
from skrf._utils.callbacks import printed_pass
from skrf._utils.engines import engine_of
from skrf._utils.interrupts import all_or_nothing
from skrf._utils.warnings import warn
from skrf.ridge._array_matrix import feature_matrix
from skrf.ridge._checks import problem_of
from skrf.ridge._feature_matrix import FeatureMap
from skrf.ridge._fitting_data import data_in_memory
from skrf.ridge._row_checks import RowChecks
from skrf.ridge._streams import Stream, targets_differ
from skrf.ridge._transformers import identical


class StreamingMixin:
    """The methods of ridge estimators that add rows, and estimators, to a `Stream`."""

    # Attributes and methods of the estimators.
    features: Any
    features_: Any
    block_size: Any
    verbose: Any
    _validate_params: Any
    _set_data: Any
    _scored: Any
    _current: Any
    _stream: Any

    def _partial_fit(self, X, y, classes, sample_weight):
        self._validate_params()
        y = to_numpy(y)
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
                self._set_data(data, X)
                matrix, targets = data.matrix, data.checks.targets
                problem = self._scored(problem, data, None)
                stream = Stream.begin(matrix, problem, self.features, targets)
            else:
                stream.require_features(self.features)
                problem = replace(problem, scoring=stream.problem.scoring)
                checks = RowChecks.of(self, self._current(stream.targets))
                rows, Y, weights = checks.part(X, y, sample_weight)
                feature_map = FeatureMap(self.features_, rows)
                matrix = feature_matrix(rows, Y, weights, feature_map, self.block_size)
            matrix.progress = printed_pass if self.verbose else None
            self._stream = stream.add(matrix, problem)
            vars(self).pop("_values", None)
        return self

    def merge(self, other: Self) -> Self:
        """Add the sums of another estimator, in place.

        Equivalent to calling `partial_fit` of this estimator with the chunks of `other`.

        Parameters
        ----------
        other : RandomFeatureRidge or RandomFeatureRidgeClassifier
            An estimator of the same class with identical fitted features. It stays
            unchanged.

        Returns
        -------
        self : object
            This estimator.

        Raises
        ------
        ValueError
            If `other` is this estimator or of another class. If one of the two was not
            fitted by `partial_fit`. If the features, `fit_intercept`, outputs or classes
            differ, or the features cannot be pickled for a comparison. If the sums
            overflow.

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
                "`other` must be another estimator; got this one, whose rows would count "
                "twice. Pass an estimator that has seen other rows."
            )
        if type(other) is not type(self):
            raise ValueError(
                f"`other` must be a {type(self).__name__}; got a {type(other).__name__}. "
                "Fit both by partial_fit as one class."
            )
        for name, model in (("This estimator", self), ("`other`", other)):
            if "_stream" not in vars(model):
                raise ValueError(
                    f"{name} must be fitted by partial_fit, whose sums merge adds; got a "
                    f"{type(model).__name__} without sums. Fit both by partial_fit."
                )
        if not identical(self.features_, other.features_):
            raise ValueError(
                "`other` must have identical fitted features; got different features, "
                "whose sums do not add. Use the same integer random_state and X of the "
                "same columns and dtype, or the same FrozenEstimator, for both."
            )
        if not self._stream.targets.matches(other._stream.targets):
            raise targets_differ()
        self._stream = self._stream.merge(other._stream)
        return self
