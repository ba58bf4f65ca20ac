"""Sums over the rows that `partial_fit` has seen: they add, and a model follows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from skrf._utils.array_api import Namespace, namespace_of
from skrf.ridge._fitted import FittedValues
from skrf.ridge._generalised_cv import solve_moments
from skrf.ridge._memory import ProblemSize, fits_in_memory, require_fitting_memory
from skrf.ridge._moments import Moments, MomentsPass
from skrf.ridge._problem import RidgeProblem, check_finite
from skrf.ridge._targets import LabelTargets, NumberTargets
from skrf.ridge._transformers import changed_parameter, parameters


@dataclass(frozen=True, eq=False)
class Stream:
    """Sums, and what they were made for; adding and merging make new streams."""

    moments: Moments
    problem: RidgeProblem  # of the last chunk
    parameters: dict  # of the features before they were fitted, by name
    dtype: np.dtype  # of the features, and of the coefficients
    targets: NumberTargets | LabelTargets
    space: Namespace | None = None  # of the rows; None for NumPy's

    @classmethod
    def begin(cls, matrix, problem, features, targets):
        """A stream without rows, for the feature matrix of the first chunk.

        Raises MemoryError where the sums, or the comparison of penalties, would not fit.
        """
        size = ProblemSize.of(matrix, problem)
        if problem.auto and not fits_in_memory("partial_fit", size):
            # The penalties are then compared by one factorisation for each.
            size = replace(size, n_alphas=1)
        require_fitting_memory(size, "partial_fit")
        shape = matrix.n_columns, matrix.n_outputs
        moments = Moments.zeros(*shape, problem.fit_intercept)
        made_for = parameters(features), np.dtype(matrix.dtype), targets
        return cls(moments, problem, *made_for, namespace_of(matrix.X))

    def require_features(self, features):
        """Raise for features with other parameters than in the first chunk."""
        changed = changed_parameter(self.parameters, parameters(features))
        if changed is not None:
            raise ValueError(
                f"`{changed}` changed since the first call to partial_fit. Restore it, or "
                "start from a clone."
            )

    def add(self, matrix, problem):
        """The stream with the rows of a feature matrix; this one stays as it is."""
        n_outputs = self.moments.zy.shape[1]
        if matrix.n_outputs != n_outputs:
            raise ValueError(
                f"`y` must have as many outputs as in the first chunk, {n_outputs}; got "
                f"{matrix.n_outputs}. Pass all outputs, or start from a clone."
            )
        if problem.fit_intercept != self.moments.centred:
            raise ValueError(
                f"`fit_intercept` must be {self.moments.centred}, as in the first chunk; "
                f"got {problem.fit_intercept}. Restore it, or start from a clone."
            )
        shape, float64 = (matrix.n_columns, matrix.n_outputs), np.dtype(np.float64)
        task = MomentsPass(*shape, problem.fit_intercept, float64)
        moments = matrix.reduce(task, self.moments.copy())
        check_finite(moments)
        return replace(self, moments=moments, problem=problem)

    def merge(self, other):
        """The stream with the rows of another one too; both stay as they are."""
        same_outputs = self.moments.zy.shape == other.moments.zy.shape
        if self.moments.centred != other.moments.centred or not same_outputs:
            raise targets_differ()
        moments = self.moments.copy()
        moments.merge(other.moments)
        check_finite(moments)
        return replace(self, moments=moments)

    @cached_property
    def values(self):
        """The `FittedValues` of the model, computed at the first access."""
        if self.moments.weight == 0:
            raise ValueError(
                "`sample_weight` must be positive on some row; got 0 on every row so far. "
                "Pass rows of positive weight to partial_fit."
            )
        with np.errstate(over="ignore", invalid="ignore"):
            solution = solve_moments(self.moments, self.problem)
            values = FittedValues.of(solution, self.dtype, self.problem, self.targets)
        if self.space is None:
            return values
        return values.__sklearn_array_api_convert__(self.space.array)

    def __sklearn_array_api_convert__(self, converter):
        """The stream of a model in another namespace; the sums stay in NumPy."""
        return replace(self, space=namespace_of(converter(np.zeros(1))))

    @property
    def is_solved(self):
        """Whether the model has been computed."""
        return "values" in vars(self)


def targets_differ():
    """The error for two streams whose sums do not add."""
    return ValueError(
        "`other` must have the `fit_intercept`, outputs and classes of this estimator; got "
        "different ones. Fit both with the same parameters and classes."
    )
