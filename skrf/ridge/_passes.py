"""Passes over rows of features, the same in memory and on a cluster.

A pass sees blocks of features Z with targets Y and weights w. It starts from `zero()`, the
result of no rows, adds blocks by `add`, and adds the results of two sets of rows by
`merge`. `FeatureMatrix.reduce` runs a pass in memory, and `DaskFeatureMatrix.reduce` on the
workers of a cluster.
"""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from skrf._utils.blas import product
from skrf._utils.threads import in_threads

# Maximum number of rows that a thread works on at a time, and a divisor of the number of
# slices: with equal slices no thread waits for another.
_SLICE, _MULTIPLE = 512, 4


class Pass(ABC):
    """Base class of passes over rows."""

    label: str  # of the task that a progress bar shows

    @abstractmethod
    def zero(self) -> Any:
        """The result of no rows."""

    @abstractmethod
    def add(self, total, Z, Y, w, scratch) -> None:
        """Add a block of rows to a result, in place; may overwrite Z."""

    def merge(self, total, other):
        """Add the result of other rows, which come later; returns the sum."""
        return total + other


class LinearPass(Pass):
    """Base class of passes that need only the outputs Z coef of the rows."""

    coef: np.ndarray  # (n_columns, n_outputs)

    @abstractmethod
    def add_outputs(self, total, outputs, Y, w) -> None:
        """Add a block of rows with the outputs Z coef in float64, which may change."""

    def add(self, total, Z, Y, w, scratch):
        """Add a block of rows."""
        outputs = np.empty((len(Z), self.coef.shape[1]))
        product(Z.astype(np.float64, copy=False), self.coef, outputs)
        self.add_outputs(total, outputs, Y, w)


class Scratch:
    """Arrays that a pass over the data uses again for every block."""

    def __init__(self):
        self._arrays = {}

    def array(self, name, n_rows, n_columns, dtype):
        """An uninitialised C-ordered array; overwrites the last array of this name."""
        key = name, n_columns, np.dtype(dtype)
        array = self._arrays.get(key)
        if array is None or len(array) < n_rows:
            array = self._arrays[key] = np.empty((n_rows, n_columns), dtype)
        return array[:n_rows]

    def in_float64(self, Z):
        """Z where it is float64, else an uninitialised float64 array of its shape."""
        return Z if Z.dtype == np.float64 else self.array("A", *Z.shape, np.float64)


def row_slices(n_rows):
    """Slices of a few hundred rows, which depend on `n_rows` only: sums do not depend on
    the number of threads.
    """
    n_slices = -(-n_rows // _SLICE)
    if n_slices > 1:
        n_slices = _MULTIPLE * -(-n_slices // _MULTIPLE)
    step = max(1, -(-n_rows // max(1, n_slices)))
    return [slice(k, min(k + step, n_rows)) for k in range(0, n_rows, step)]


def results_of_slices(n_rows, function):
    """function(rows) for every slice of the rows, in their order, by several threads."""
    slices = row_slices(n_rows)
    results = [None] * len(slices)

    def work(numbers):
        for k in numbers:
            results[k] = function(slices[k])

    in_threads(work, list(range(len(slices))))
    return results


def sum_of_slices(n_rows, shape, add):
    """The sum over slices of rows of what add(rows, sums) adds to an array of zeros."""

    def sums_of(rows):
        sums = np.zeros(shape)
        add(rows, sums)
        return sums

    total = np.zeros(shape)
    for sums in results_of_slices(n_rows, sums_of):
        total += sums
    return total
