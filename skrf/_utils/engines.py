"""How rows of X are worked on: in this process, or by Dask on a cluster.

`engine_of(X)` is the only place that decides. Estimators call the methods of the engine
and do not ask what kind of array X is, so another kind of array is one more class here.
"""

from abc import ABC, abstractmethod

import numpy as np

from skrf._utils.array_api import to_numpy
from skrf._utils.dask import dtype_of, first_rows, is_dask, map_rows, no_rows


class Engine(ABC):
    """What an estimator asks of X before and after its own work on blocks of rows."""

    # Whether results are computed later, when the user asks for them.
    is_lazy: bool

    @abstractmethod
    def sample(self, X):
        """Rows in memory that show the columns and the dtype of X.

        All of X if X is in memory, and one row of a Dask collection.
        """

    @abstractmethod
    def in_memory(self, array):
        """All of an array in memory as NumPy's; for small arrays, such as targets."""

    @abstractmethod
    def require_in_memory(self, what, remedy):
        """Raise ValueError where X is not in memory, as `what` needs; says the remedy."""

    @abstractmethod
    def check_columns(self, check, X):
        """Call `check` on no rows of X, where the work that checks X comes later."""

    @abstractmethod
    def map_rows(self, function, X, n_columns, dtype=None):
        """Results of `function`, which takes blocks of rows in memory, for all rows of X.

        Results have `n_columns` columns, or are 1-D where that is None, and have the given
        dtype; None means that of X where it is float32, else float64.
        """


class LocalEngine(Engine):
    """X is in memory, or on a device that this process computes on.

    Compiled code and BLAS share blocks of NumPy's rows among threads. Rows of other arrays
    are worked on by the functions of their namespace (see `array_api`).
    """

    is_lazy = False

    def sample(self, X):
        return X

    def in_memory(self, array):
        return to_numpy(array)

    def require_in_memory(self, what, remedy):
        pass

    def check_columns(self, check, X):
        pass

    def map_rows(self, function, X, n_columns, dtype=None):
        return function(X)


class DaskEngine(Engine):
    """X is a Dask collection; its blocks of rows are worked on where they are."""

    is_lazy = True

    def sample(self, X):
        return first_rows(X)

    def in_memory(self, array):
        return np.asarray(array)

    def require_in_memory(self, what, remedy):
        raise ValueError(
            f"`X` must be in memory for {what}; got a Dask collection. {remedy}"
        )

    def check_columns(self, check, X):
        rows = no_rows(X)
        if rows is not None:
            check(rows)

    def map_rows(self, function, X, n_columns, dtype=None):
        dtype = dtype_of(X) if dtype is None else dtype
        return map_rows(function, X, n_columns, dtype)


def engine_of(X):
    """The engine that works on the rows of X."""
    return DaskEngine() if is_dask(X) else LocalEngine()
