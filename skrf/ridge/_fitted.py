"""What a fitted ridge estimator has and what it needs for predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from skrf.ridge._feature_matrix import FeatureMap
from skrf.ridge._row_checks import RowChecks


@dataclass(frozen=True, eq=False)
class FittedValues:
    """A solution as users see it: in the dtype of the features, and flat where y is."""

    coef: np.ndarray  # (n_columns,) or (n_outputs, n_columns)
    intercept: np.ndarray  # a scalar or (n_outputs,)
    alpha: float
    scores: np.ndarray | None  # None where nothing was compared
    n_iter: int

    @classmethod
    def of(cls, solution, dtype, is_flat):
        """The values of a `Solution`; raises where they overflow the dtype."""
        coef = solution.coef.T.astype(dtype)
        intercept = solution.intercept.astype(dtype)
        if not (np.isfinite(coef).all() and np.isfinite(intercept).all()):
            raise ValueError(
                "The coefficients must be finite; got values that overflow "
                f"{np.dtype(dtype)}. Scale y down, or X up."
            )
        if is_flat:
            coef, intercept = coef[0], intercept[0]
        return cls(coef, intercept, solution.alpha, solution.scores, solution.n_iter)

    @property
    def is_flat(self):
        """Whether outputs are 1-D."""
        return self.coef.ndim == 1


@dataclass(frozen=True, eq=False)
class Predictor:
    """Outputs U z(x) + c of rows in memory; all that a worker of a cluster needs."""

    checks: RowChecks
    features: Any  # fitted
    values: FittedValues
    block_rows: int | str

    def outputs(self, X):
        """U z(x) + c of shape (n_rows,) or (n_rows, n_outputs)."""
        X = self.checks.rows(X)
        coef = np.atleast_2d(self.values.coef).T
        feature_map = FeatureMap(self.features, X)
        dtype = np.result_type(feature_map.dtype, np.float32)
        result = feature_map.times(X, np.ascontiguousarray(coef, dtype), self.block_rows)
        result += np.atleast_1d(self.values.intercept).astype(dtype)
        if not np.isfinite(result).all():
            raise ValueError(
                f"The predictions must be finite; got values that overflow {dtype}, or NaN "
                "from `features`. Scale X, for instance by StandardScaler."
            )
        return result[:, 0] if self.values.is_flat else result

    def labels(self, X):
        """The class of every row."""
        return self.checks.targets.decode(self.outputs(X))
