"""Losses by name: value, derivative, domain of the labels and the code of the kernels."""

from dataclasses import dataclass

import numpy as np

from skrf import _kernels


@dataclass(frozen=True)
class Loss:
    """A loss l(p, y) of one real prediction p and one target y.

    Parameters
    ----------
    name : str
        Its name in `LOSSES`.
    formula : str
        l(p, y), for reading.
    code : int
        What the compiled kernels know it by.
    signs_only : bool
        Whether y must be -1 or 1.
    """

    name: str
    formula: str
    code: int
    signs_only: bool

    def __call__(self, prediction, y):
        """l(prediction, y), elementwise; arrays of one shape, float32 kept."""
        return self._evaluate(prediction, y)[0]

    def derivative(self, prediction, y):
        """d l / d prediction, elementwise; at hinge's kink the value 0."""
        return self._evaluate(prediction, y)[1]

    def _evaluate(self, prediction, y):
        pair = np.broadcast_arrays(prediction, y)
        dtype = np.result_type(*pair, np.float32)
        prediction, y = (np.array(a, dtype, order="C") for a in pair)
        value, slope = np.empty_like(y), np.empty_like(y)
        columns = (a.reshape(-1, 1) for a in (prediction, y, value, slope))
        _kernels.losses(*columns, self.code)
        return value, slope


LOSSES = {
    entry.name: entry
    for entry in (
        Loss("squared_error", "(p - y)^2 / 2", _kernels.SQUARED_ERROR, signs_only=False),
        Loss("hinge", "max(0, 1 - y p)", _kernels.HINGE, signs_only=True),
    )
}
