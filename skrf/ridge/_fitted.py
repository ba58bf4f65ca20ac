"""What a fitted ridge estimator has and what it needs for predictions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skrf._utils.array_api import follow, namespace_of, to_numpy
from skrf.ridge._feature_matrix import FeatureMap
from skrf.ridge._problem import require_finite
from skrf.ridge._row_checks import RowChecks
from skrf.ridge._targets import LabelTargets, NumberTargets
from skrf.ridge._temperature import Temperature

# Fields of `FittedValues` that are arrays, or may be.
_ARRAYS = (
    *("output_weights", "output_bias", "alpha", "alphas", "scores", "best_score"),
    *("cv_results", "cv_predictions"),
)


@dataclass(frozen=True, eq=False)
class FittedValues:
    """A solution as users see it: in the dtype of the features, and flat where y is."""

    output_weights: np.ndarray  # (n_columns,) or (n_outputs, n_columns)
    output_bias: np.ndarray  # a scalar or (n_outputs,)
    alpha: float | np.ndarray
    n_iter: int
    targets: NumberTargets | LabelTargets
    # Of the comparison; None where nothing was compared.
    alphas: np.ndarray | None = None
    scores: np.ndarray | None = None
    best_score: float | np.ndarray | None = None
    cv_results: np.ndarray | None = None
    cv_predictions: np.ndarray | None = None
    temperature: Temperature | None = None

    @classmethod
    def of(cls, solution, dtype, problem, targets):
        """The values of a `Solution`; raises where they overflow the dtype."""
        weights = solution.coef.T.astype(dtype)
        bias = solution.intercept.astype(dtype)
        if not (np.isfinite(weights).all() and np.isfinite(bias).all()):
            raise ValueError(
                "The coefficients must be finite; got values that overflow "
                f"{np.dtype(dtype)}. Scale y down, or X up."
            )
        alpha, is_flat = solution.alpha, targets.is_flat
        if np.ndim(alpha) == 0 or is_flat:
            alpha = float(np.ravel(alpha)[0])
        if is_flat:
            weights, bias = weights[0], bias[0]
        extra = {}
        if solution.rows is not None and targets.are_labels:
            extra["temperature"] = _temperature(solution.rows, targets)
        if problem.searches and solution.comparison is not None:
            extra |= _compared(solution, problem, is_flat)
        return cls(weights, bias, alpha, solution.n_iter, targets, **extra)

    @property
    def is_flat(self):
        """Whether outputs are 1-D."""
        return self.output_weights.ndim == 1

    def __sklearn_array_api_convert__(self, converter):
        """The same values with arrays in another namespace."""
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        arrays = {k: converter(v) for k, v in arrays.items() if getattr(v, "ndim", 0)}
        return replace(self, **arrays)


def _temperature(rows, targets):
    """The temperature of the decision values of rows left out."""
    weights = targets.sample_weights(rows.Y, rows.weights)
    require_finite(rows.predictions)
    return Temperature.fit(rows.predictions, rows.Y, weights, targets.multilabel)


def _compared(solution, problem, is_flat):
    """What users see of a comparison, by name."""
    comparison, scoring = solution.comparison, problem.scoring
    scores = comparison.scores
    if scores.ndim == 2 and is_flat and problem.per_target:
        scores = scores[:, 0]
    if problem.per_target and scores.ndim == 2:
        best = scores[comparison.best, np.arange(scores.shape[1])]
    else:
        best = float(np.max(scores, initial=-np.inf, where=np.isfinite(scores)))
    values = {"alphas": comparison.alphas, "scores": scores, "best_score": best}
    if scoring is not None and scoring.store and solution.comparison.rows is not None:
        predictions = comparison.rows.at(comparison.best).predictions
        values["cv_results"] = scoring.results(comparison.rows)
        values["cv_predictions"] = predictions[:, 0] if is_flat else predictions
    return values


@dataclass(frozen=True, eq=False)
class Predictor:
    """Outputs U z(x) + c of rows in memory; all that a worker of a cluster needs.

    Outputs of NumPy's rows are NumPy's, and outputs of other arrays are where the rows are.
    """

    checks: RowChecks
    features: Any  # fitted
    values: FittedValues
    block_rows: int | str

    def outputs(self, X):
        """U z(x) + c of shape (n_rows,) or (n_rows, n_outputs)."""
        X = self.checks.rows(X)
        feature_map = FeatureMap(self.features, X)
        weights, bias = map(to_numpy, (self.values.output_weights, self.values.output_bias))
        dtype = np.result_type(feature_map.dtype, np.float32)
        coef = np.ascontiguousarray(np.atleast_2d(weights).T, dtype)
        result = feature_map.times(X, coef, self.block_rows)
        if namespace_of(X) is None:
            result = to_numpy(result)
        result += follow(np.atleast_1d(bias).astype(dtype), result)
        space = namespace_of(result)
        xp = np if space is None else space.xp
        if not bool(xp.all(xp.isfinite(result))):
            raise ValueError(
                f"The predictions must be finite; got values that overflow {dtype}, or NaN "
                "from `features`. Scale X, for instance by StandardScaler."
            )
        return result[:, 0] if self.values.is_flat else result

    def labels(self, X):
        """The class of every row; text is NumPy's."""
        labels = self.checks.targets.decode(to_numpy(self.outputs(X)))
        return follow(labels, X) if labels.dtype.kind in "biuf" else labels

    def probabilities(self, X):
        """Probabilities of the classes or labels of every row."""
        outputs = to_numpy(self.outputs(X))
        return follow(self.values.temperature.probabilities(outputs), X)

    def log_probabilities(self, X):
        """Logarithms of the probabilities."""
        outputs = to_numpy(self.outputs(X))
        return follow(self.values.temperature.log_probabilities(outputs), X)
