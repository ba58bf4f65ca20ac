"""Scores of Dask collections, from sums over their blocks of rows.

The sums of two sets of rows add: of means and squared deviations by the formula of
Chan et al. [1]_, so no pass for the mean is needed.

References
----------
.. [1] T. F. Chan, G. H. Golub and R. J. LeVeque, "Algorithms for computing the sample
   variance: Analysis and recommendations", The American Statistician 37, 1983.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.exceptions import UndefinedMetricWarning

from skrf._utils.array_api import namespace_of, to_numpy
from skrf._utils.dask import partitions, reduce_parts
from skrf._utils.engines import engine_of
from skrf._utils.typing import MatrixLike
from skrf._utils.validation import check_row_weights
from skrf._utils.warnings import warn
from skrf.ridge._fitted import Predictor
from skrf.ridge._targets import LabelTargets, NumberTargets


class ScoreMixin:
    """The scores of scikit-learn's mixins, which are next in the order of base classes."""

    _predictor: Any

    def score(
        self, X: MatrixLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float:
        """Score predictions: R^2 of numbers, accuracy of labels.

        R^2 is averaged over outputs. Dask input is scored on the active scheduler, a block
        of rows at a time, also if the lengths of the blocks are unknown.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame, Dask array or Dask data frame} of \
shape (n_samples, n_features)
            The data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The targets or labels. Pass a Dask collection with the blocks of X if the
            lengths of the blocks of X are unknown.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples; None means 1.

        Returns
        -------
        score : float
            The score, at most 1.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            As in `predict`. If X, y and the weights differ in length, or y in the number of
            outputs from the predictions.

        Examples
        --------
        >>> import dask.array as da
        >>> from skrf import RandomFeatureRidge, RandomReLUFeatures, make_single_neuron
        >>> X, y = make_single_neuron(n_samples=100, n_features=3, random_state=0)
        >>> model = RandomFeatureRidge(RandomReLUFeatures(50), random_state=0).fit(X, y)
        >>> blocks = da.from_array(X, chunks=(40, 3)), da.from_array(y, chunks=40)
        >>> abs(model.score(X, y) - model.score(*blocks)) < 1e-9
        True
        """
        is_lazy, on_device = engine_of(X).is_lazy, namespace_of(X) is not None
        if not is_lazy:
            y = engine_of(y).in_memory(y)
            sample_weight = engine_of(sample_weight).in_memory(sample_weight)
        if not (is_lazy or on_device):
            return super().score(X, y, sample_weight)  # type: ignore[misc]
        of_part = ScoreOfPart(self._predictor(X, "score"))
        if on_device:
            return of_part(X, y, sample_weight).score()
        parts = partitions(X, y, sample_weight)
        return reduce_parts(of_part, of_part.sums.merge, parts).score()


@dataclass(frozen=True, eq=False)
class ScoreOfPart:
    """The sums for the score of a block of rows."""

    predictor: Predictor

    @property
    def sums(self):
        """The class of the sums."""
        is_labels = isinstance(self.predictor.checks.targets, LabelTargets)
        return LabelSums if is_labels else NumberSums

    def __call__(self, X, y, sample_weight):
        if X.shape[0] == 0:
            return self.sums()
        weights = check_row_weights(
            sample_weight,
            X,
            dtype=np.float64,
            ensure_non_negative=True,
            allow_all_zero_weights=True,
        )
        return self.sums.of(self.predictor, X, y, weights)


@dataclass
class NumberSums:
    """Sums for R^2, for each output."""

    n_rows: int = 0
    weight: float = 0.0
    mean: np.ndarray | float = 0.0  # of y
    total: np.ndarray | float = 0.0  # squared deviations of y from its mean
    residual: np.ndarray | float = 0.0  # squared errors

    @classmethod
    def of(cls, predictor, X, y, weights):
        """The sums of a block of rows."""
        outputs = to_numpy(predictor.outputs(X)).astype(np.float64)
        outputs = outputs.reshape(X.shape[0], -1)
        Y = NumberTargets(np.ndim(y) == 1).encode(y, X.shape[0])
        if Y.shape[1] != outputs.shape[1]:
            raise ValueError(
                f"`y` must have {outputs.shape[1]} outputs, as in `fit`; got "
                f"{Y.shape[1]}. Pass one column per output."
            )
        weight = weights.sum()
        mean = weights @ Y / weight if weight else 0.0
        total, residual = weights @ (Y - mean) ** 2, weights @ (Y - outputs) ** 2
        return cls(len(Y), weight, mean, total, residual)

    def merge(self, other):
        """Add other rows; returns the sum."""
        weight = self.weight + other.weight
        if weight:
            change = other.mean - self.mean
            self.total += change**2 * (self.weight * other.weight / weight)
            self.mean += change * (other.weight / weight)
        self.n_rows, self.weight = self.n_rows + other.n_rows, weight
        self.total, self.residual = self.total + other.total, self.residual + other.residual
        return self

    def score(self):
        """R^2, averaged over outputs; an output that is constant counts as 1 or 0."""
        if self.n_rows < 2:
            warn("R^2 is undefined for fewer than two rows.", UndefinedMetricWarning)
            return float("nan")
        ratio = np.where(self.residual == 0, 0.0, 1.0)
        np.divide(self.residual, self.total, out=ratio, where=self.total > 0)
        return float(np.mean(1 - ratio))


@dataclass
class LabelSums:
    """Sums for the accuracy."""

    weight: float = 0.0
    correct: float = 0.0

    @classmethod
    def of(cls, predictor, X, y, weights):
        """The sums of a block of rows."""
        y, labels = np.asarray(y), to_numpy(predictor.labels(X))
        if len(y) != len(labels):
            raise ValueError(
                f"`y` must have one entry per row of X, {len(labels)}; got {len(y)}. Pass "
                "one label per row."
            )
        is_correct = y.reshape(labels.shape) == labels
        if is_correct.ndim == 2:
            is_correct = is_correct.all(axis=1)
        return cls(weights.sum(), weights @ is_correct)

    def merge(self, other):
        """Add other rows; returns the sum."""
        return LabelSums(self.weight + other.weight, self.correct + other.correct)

    def score(self):
        """The weighted fraction of correct labels."""
        return float(self.correct / self.weight) if self.weight else float("nan")
