"""Losses by name: value, derivative, domain of the labels and the code of the kernels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from skrf._compiled import neurons
from skrf._utils.checks import real_numbers


@dataclass(frozen=True)
class Loss:
    """A loss l(p, y) of one real prediction p and one target y; see `LOSSES`.

    Source: the risk of Eq. (2) and the hinge loss of Theorem 3.1 of Yehudai and Shamir
    (2019); scikit-learn's SGDRegressor for the name and the factor 1/2 of squared_error.

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

    Examples
    --------
    >>> from skrf import LOSSES
    >>> LOSSES["hinge"]([0.5, 2.0], [1, 1])
    array([0.5, 0. ])
    """

    name: str
    formula: str
    code: int
    signs_only: bool

    def __reduce__(self):
        # By name: the codes may be others in the version that reads a pickle.
        return _named, (self.name,)

    def __call__(self, prediction: ArrayLike, y: ArrayLike) -> np.ndarray:
        """l(prediction, y), elementwise.

        Parameters
        ----------
        prediction : array-like
            Predictions, of any shape; float32 stays float32.
        y : array-like
            Targets, of a shape that broadcasts with it.

        Returns
        -------
        value : ndarray
            The losses, of the common shape.

        Raises
        ------
        ValueError
            For shapes that do not broadcast, and for arguments that are not real numbers.
        """
        return self._evaluate(prediction, y)[0]

    def derivative(self, prediction: ArrayLike, y: ArrayLike) -> np.ndarray:
        """d l / d prediction, elementwise; at hinge's kink the value 0.

        Parameters
        ----------
        prediction : array-like
            Predictions, of any shape; float32 stays float32.
        y : array-like
            Targets, of a shape that broadcasts with it.

        Returns
        -------
        slope : ndarray
            The derivatives, of the common shape.

        Raises
        ------
        ValueError
            For shapes that do not broadcast, and for arguments that are not real numbers.

        Examples
        --------
        >>> from skrf import LOSSES
        >>> LOSSES["squared_error"].derivative([0.5, 2.0], [1, 1])
        array([-0.5,  1. ])
        """
        return self._evaluate(prediction, y)[1]

    def _evaluate(self, prediction, y):
        pair = real_numbers("prediction", prediction), real_numbers("y", y)
        single = np.result_type(*pair, np.float32) == np.float32
        dtype = np.float32 if single else np.float64
        try:
            pair = np.broadcast_arrays(*pair)
        except ValueError as error:
            raise ValueError(
                f"prediction of shape {pair[0].shape} and y of shape {pair[1].shape} do "
                "not broadcast. Give one y for each prediction."
            ) from error
        prediction, y = (np.array(a, dtype, order="C") for a in pair)
        value, slope = np.empty_like(y), np.empty_like(y)
        columns = (a.reshape(-1, 1) for a in (prediction, y, value, slope))
        neurons.losses(*columns, self.code)
        return value, slope


LOSSES = {
    entry.name: entry
    for entry in (
        Loss("squared_error", "(p - y)^2 / 2", neurons.SQUARED_ERROR, signs_only=False),
        Loss("hinge", "max(0, 1 - y p)", neurons.HINGE, signs_only=True),
    )
}


def _named(name):
    return LOSSES[name]
