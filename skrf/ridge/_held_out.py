"""Predictions of rows by models that were fitted without these rows, and their scores.

Leave-one-out errors and errors on folds are both collected in a `HeldOut`, and compared in
the same way: a `Scoring` turns them into one score for every penalty.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from skrf.ridge._temperature import Temperature

# Maximum number of predictions that are stored to fit a temperature without another pass.
MAX_STORED = 2**22


class Rows(NamedTuple):
    """Errors of single rows, for several penalties or for one."""

    Y: np.ndarray  # (n_rows, n_outputs)
    weights: np.ndarray  # (n_rows,)
    errors: np.ndarray  # (n_rows, n_alphas, n_outputs) or (n_rows, n_outputs)

    @property
    def predictions(self):
        """The predictions that have these errors."""
        several = self.errors.ndim == 3
        return (self.Y[:, np.newaxis] if several else self.Y) - self.errors

    def at(self, k):
        """The rows for penalty k, or for a penalty of every output."""
        if np.ndim(k) == 0:
            return self._replace(errors=self.errors[:, k])
        return self._replace(errors=self.errors[:, k, np.arange(len(k))])

    @classmethod
    def concatenated(cls, parts):
        """The rows of all parts."""
        return cls(*map(np.concatenate, zip(*parts, strict=True)))


@dataclass
class HeldOut:
    """Sums over rows of errors y - prediction, for every penalty, in the order of rows."""

    squares: np.ndarray  # (n_alphas, n_outputs): sum w e^2
    hits: np.ndarray  # (n_alphas,): the weight of rows whose class is right
    weight: float = 0.0
    sample_weight: float = 0.0  # without class weights
    rounding: np.ndarray | float = 0.0  # (n_alphas,): maximum relative errors of an error
    rows: list = field(default_factory=list)  # of `Rows`

    def merge(self, other):
        """Add the sums of later rows; returns the result."""
        self.squares += other.squares
        self.hits += other.hits
        self.weight += other.weight
        self.sample_weight += other.sample_weight
        self.rounding = np.maximum(self.rounding, other.rounding)
        self.rows += other.rows
        return self


@dataclass(frozen=True)
class Comparison:
    """Penalties and their scores; the highest score is the best."""

    alphas: np.ndarray  # (n_alphas,)
    scores: np.ndarray  # (n_alphas,) or (n_alphas, n_outputs)
    squares: np.ndarray  # like scores: minus mean squared errors, or 0, to break ties
    rounding: np.ndarray  # (n_alphas,): relative errors of the errors
    rows: Rows | None = None
    auto: bool = False  # whether the penalties are those of "auto", in ascending order

    @property
    def best(self):
        """The index of the best penalty, or an index for every output.

        Of equal scores, the smallest squared error is the best, except for the scores of
        a user's scorer and sequence, as in RidgeCV. Then the largest penalty of "auto" is
        the best, and the first of a sequence.
        """
        finite = np.isfinite(self.scores)
        if not finite.any(axis=0).all():
            raise ValueError(
                "The error of at least one of `alphas` must be finite; got errors that "
                f"overflow float64 for all {len(self.alphas)} alphas. Scale X and y down."
            )
        top = self.scores == np.max(self.scores, axis=0, initial=-np.inf, where=finite)
        squares = np.nan_to_num(self.squares, nan=-np.inf)
        keys = np.where(top, np.maximum(squares, -1e308), -np.inf)
        if self.auto:
            return len(keys) - 1 - np.argmax(keys[::-1], axis=0)
        return np.argmax(keys, axis=0)

    def joined(self, other):
        """The comparison of the penalties of both, in ascending order."""
        alphas = np.concatenate([self.alphas, other.alphas])
        order = np.argsort(alphas)

        def both(name):
            parts = getattr(self, name), getattr(other, name)
            return np.concatenate(parts)[order]

        rows = self.rows
        if rows is not None:
            errors = np.concatenate([rows.errors, other.rows.errors], axis=1)[:, order]
            rows = rows._replace(errors=errors)
        names = "scores", "squares", "rounding"
        return Comparison(alphas[order], *map(both, names), rows, self.auto)


@dataclass(frozen=True)
class Scoring:
    """How the errors of held-out rows are turned into scores."""

    targets: Any  # NumberTargets or LabelTargets
    scorer: Any = None  # None: squared errors, or the accuracy of a classifier
    per_target: bool = False
    weighted: bool = False  # whether the scorer gets the sample weights
    store: bool = False  # whether the results of all rows are kept
    auto: bool = False  # whether the penalties are those of "auto"

    @property
    def needs_rows(self):
        """Whether sums over rows are not enough."""
        return self.store or self.scorer is not None

    def zero(self, n_alphas, n_outputs):
        """The result of no rows."""
        return HeldOut(np.zeros((n_alphas, n_outputs)), np.zeros(n_alphas))

    def of(self, errors, Y, w, rounding=0.0, every=0):
        """The `HeldOut` of rows; keeps one row in `every`, or none where that is 0."""
        hits, weights = np.zeros(errors.shape[1]), self.targets.sample_weights(Y, w)
        if self.targets.are_labels:
            right = self.targets.hits(Y, Y[:, np.newaxis] - errors)
            hits = weights @ right
        squares = np.einsum("i,iat,iat->at", w, errors, errors)
        rows = [Rows(Y[::every], w[::every], errors[::every].copy())] if every else []
        return HeldOut(squares, hits, w.sum(), weights.sum(), rounding, rows)

    def comparison(self, alphas, held_out, rounding=0.0):
        """Scores of all penalties."""
        rows = Rows.concatenated(held_out.rows) if held_out.rows else None
        squares = -held_out.squares / held_out.weight
        if not self.per_target:
            squares = squares.mean(axis=1)
        scores = squares
        if self.scorer is not None:
            scores = self._by_scorer(rows)
            squares = squares if self.auto else np.zeros(scores.shape)
        elif self.targets.are_labels:
            scores = held_out.hits / held_out.sample_weight
        rounding = np.maximum(held_out.rounding, np.broadcast_to(rounding, len(alphas)))
        return Comparison(alphas, scores, squares, rounding, rows, self.auto)

    def _by_scorer(self, rows):
        """Scores of all penalties by the user's scorer, without rows of weight 0."""
        used = rows.weights > 0
        Y, predictions = rows.Y[used], rows.predictions[used]
        weights = self.targets.sample_weights(Y, rows.weights[used])
        options = {"sample_weight": weights} if self.weighted else {}
        numbers = range(Y.shape[1]) if self.per_target else [slice(None)]
        scores = np.empty((predictions.shape[1], len(numbers)))
        for k in range(len(scores)):
            for j, columns in enumerate(numbers):
                outputs = predictions[:, k, columns]
                if self.targets.are_labels:
                    model = _HeldOutClassifier(self.targets, Y, weights)
                    y = self.targets.decode_targets(Y)
                else:
                    model, y = _HeldOutRegressor(), Y[:, columns]
                if outputs.ndim == 2 and self.targets.is_flat:
                    outputs = outputs[:, 0]
                    y = y[:, 0] if y.ndim == 2 else y
                scores[k, j] = self.scorer(model, outputs, y, **options)
        return scores if self.per_target else scores[:, 0]

    def results(self, rows):
        """`cv_results_`: squared errors, or predictions where these are scored."""
        plain = self.scorer is None and not self.targets.are_labels
        values = rows.errors**2 if plain else rows.predictions
        return values[:, :, 0] if self.targets.is_flat else values.transpose(0, 2, 1)


class _HeldOutRegressor(RegressorMixin, BaseEstimator):
    """An estimator for scorers whose rows are predictions already."""

    def fit(self, X, y):
        """Not called; scikit-learn's scorers ask for estimators."""

    def predict(self, X):
        """The predictions."""
        return X


class _HeldOutClassifier(ClassifierMixin, BaseEstimator):
    """An estimator for scorers whose rows are decision values already."""

    def __init__(self, targets, Y, weights):
        self.targets, self.Y, self.weights = targets, Y, weights
        self.classes_ = targets.classes

    def fit(self, X, y):
        """Not called; scikit-learn's scorers ask for estimators."""

    def decision_function(self, X):
        """The decision values."""
        return X

    def predict(self, X):
        """The labels for decision values."""
        return self.targets.decode(X)

    def predict_proba(self, X):
        """Probabilities by the temperature of these decision values."""
        multilabel = self.targets.multilabel
        return Temperature.fit(X, self.Y, self.weights, multilabel).probabilities(X)
