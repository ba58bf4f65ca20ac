"""A ridge problem, its solution, and checks that several solvers use."""

from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import LinAlgError, LinAlgWarning

from skrf._utils.warnings import warn
from skrf.ridge._held_out import Comparison, Rows, Scoring


@dataclass(frozen=True)
class RidgeProblem:
    """The penalties, how they are compared, and whether to fit an intercept."""

    alphas: np.ndarray  # (n_alphas,); for "auto" the grid in units of the features
    auto: bool
    searches: bool
    fit_intercept: bool
    per_target: bool = False
    scoring: Scoring | None = None  # None before the targets are known

    @property
    def n_alphas(self):
        """Number of penalties."""
        return len(self.alphas)

    @property
    def measures(self):
        """Whether errors of single rows are needed."""
        return self.searches or self.scoring.targets.are_labels

    def at(self, alpha):
        """The problem for one penalty, without a comparison."""
        alphas = np.atleast_1d(alpha).astype(np.float64)
        return replace(self, alphas=alphas, auto=False, searches=False)


@dataclass
class Solution:
    """Coefficients in float64, and the comparison of the penalties."""

    coef: np.ndarray  # (n_columns, n_outputs)
    intercept: np.ndarray  # (n_outputs,)
    alpha: float | np.ndarray  # (n_outputs,) for a penalty of every output
    comparison: Comparison | None = None
    n_iter: int = 0
    rows: Rows | None = None  # errors at the penalty


def require_weight(total):
    """Raise when no row has a positive weight."""
    if not total > 0:
        raise ValueError(
            "`sample_weight` must be positive on some row; got 0 on every row. Set at "
            "least one positive weight."
        )


def not_positive_definite(alpha):
    """The error for a penalty that is lost in rounding."""
    return LinAlgError(
        "`alphas` must be larger for these features, whose Z'Z + alpha I is singular to "
        f"working precision; got {alpha:.3g}. Use larger alphas."
    )


def check_finite(moments):
    """Raise when features, targets or their squares are not finite."""
    require_finite([moments.zz.diagonal().sum(), moments.zy.sum(), moments.yy.sum()])


def require_finite(sums):
    """Raise when sums over features and targets are not finite."""
    if not np.isfinite(sums).all():
        raise ValueError(
            "The features, `y` and their weighted squares must be finite; got values that "
            "overflow float64, or NaN from `features`. Scale X, y or sample_weight down."
        )


def require_two_rows(n_rows, centred):
    """Raise where leaving a row out leaves no row to fit the intercept to."""
    if centred and n_rows < 2:
        raise ValueError(
            "`X` must have at least 2 rows of positive weight to compare `alphas`; got "
            f"n_samples={n_rows}. Pass more rows, or one number as alphas."
        )


def warn_imprecise(what, error):
    """Warn of a result that rounding makes imprecise."""
    warn(
        f"The features are so collinear that the relative error of {what} may be "
        f"{error:.0e}. Use larger alphas.",
        LinAlgWarning,
    )


def used_rows(matrix):
    """The rows of positive weight."""
    used = matrix.weights > 0
    require_weight(used.sum())
    return matrix if used.all() else matrix.subset(np.flatnonzero(used))
