"""Losses by name: value, derivative, domain of the labels and the code of the kernels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from skrf._compiled import losses
from skrf._utils.checks import real_numbers


@dataclass(frozen=True)
class Loss:
    """A loss l(p, y) of one real prediction p and one target y.

    `LOSSES` contains all losses by name.

    Parameters
    ----------
    name : str
        Name of the loss in `LOSSES`.
    formula : str
        l(p, y) as text.
    code : int
        Number of the loss in the compiled kernels.
    signs_only : bool
        Whether y must be -1 or 1.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019, Eq. (2) for the squared error and
       Theorem 3.1 for the hinge loss.

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
        # By name: the version that reads a pickle may have other codes.
        return _named, (self.name,)

    def __call__(self, prediction: ArrayLike, y: ArrayLike) -> np.ndarray:
        """l(prediction, y), elementwise.

        Parameters
        ----------
        prediction : array-like
            Predictions of any shape. float32 stays float32.
        y : array-like
            Targets. Their shape must broadcast with the shape of `prediction`.

        Returns
        -------
        value : ndarray
            The losses, of the common shape.

        Raises
        ------
        ValueError
            If the shapes do not broadcast, or if an argument is not real numbers.
        """
        return self._evaluate(prediction, y)[0]

    def derivative(self, prediction: ArrayLike, y: ArrayLike) -> np.ndarray:
        """Derivative of the loss in `prediction`, elementwise; 0 at the kink of hinge.

        Parameters
        ----------
        prediction : array-like
            Predictions of any shape. float32 stays float32.
        y : array-like
            Targets. Their shape must broadcast with the shape of `prediction`.

        Returns
        -------
        slope : ndarray
            The derivatives, of the common shape.

        Raises
        ------
        ValueError
            If the shapes do not broadcast, or if an argument is not real numbers.

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
                f"`prediction` and `y` must have shapes that broadcast; got "
                f"{pair[0].shape} and {pair[1].shape}. Pass one y for each prediction."
            ) from error
        prediction, y = (np.array(a, dtype, order="C") for a in pair)
        value, slope = np.empty_like(y), np.empty_like(y)
        columns = [a.reshape(-1, 1) for a in (prediction, y, slope)]
        losses.row_losses(*columns[:2], value.reshape(-1), columns[2], self.code)
        return value, slope


LOSSES = {
    entry.name: entry
    for entry in (
        Loss("squared_error", "(p - y)^2 / 2", losses.SQUARED_ERROR, signs_only=False),
        Loss("hinge", "max(0, 1 - y p)", losses.HINGE, signs_only=True),
        Loss("log_loss", "log(1 + exp(-y p))", losses.LOG_LOSS, signs_only=True),
    )
}


def _named(name):
    return LOSSES[name]
