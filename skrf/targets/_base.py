"""Base class of the targets: checked rows in, values out, and pickles."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields

import numpy as np

from skrf._utils.checks import real_array
from skrf._utils.typing import MatrixLike
from skrf._utils.version import __version__, warn_if_newer


def frozen_vector(name, value):
    """A frozen float64 copy of a finite 1-D array-like with at least one entry."""
    array = real_array(name, value, ndim=1).copy()
    array.flags.writeable = False
    return array


@dataclass(frozen=True, eq=False)
class BaseTarget(ABC):
    """A function of the rows of X."""

    @property
    @abstractmethod
    def n_features(self) -> int:
        """Number of columns that X must have."""

    @abstractmethod
    def _evaluate(self, X: np.ndarray) -> np.ndarray:
        """The values, of checked rows."""

    def __reduce__(self):
        # Constructed again from its fields: copies are checked and frozen too.
        values = tuple(getattr(self, field.name) for field in fields(self))
        return type(self), values, {"_skrf_version": __version__}

    def __setstate__(self, state):
        warn_if_newer(type(self).__name__, state["_skrf_version"])

    def _freeze(self, **values):
        """Set the fields, which only the constructor may."""
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __call__(self, X: MatrixLike) -> np.ndarray:
        """Evaluate the target.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows at which to evaluate the target.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            The values, in float64.

        Raises
        ------
        ValueError
            If `X` is not 2-D, not finite numbers, or has another number of columns.
        """
        X = real_array("X", X, ndim=2)
        if X.shape[1] != self.n_features:
            raise ValueError(
                f"`X` must have n_features={self.n_features} columns for this "
                f"{type(self).__name__}; got {X.shape[1]}. Pass X with the same columns."
            )
        return self._evaluate(X)
