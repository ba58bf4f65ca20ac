"""The periodic wave of the paper's lower bounds, a sum of ReLUs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from skrf._utils.checks import real_array
from skrf.targets._base import BaseTarget, frozen_vector


@dataclass(frozen=True, eq=False)
class TriangleWave(BaseTarget):
    r"""The sine-like wave of Proposition 4.6, :math:`x \mapsto \psi(\langle w, x\rangle)`.

    With a = 6 d^2 + 1, d = n_features,

    .. math:: \psi(t) = [t + a]_+ + 2 \sum_{n=1}^{a} (-1)^n [t + a - 2n]_+ - 1,

    a sum of a + 1 ReLUs. On [-a, a] psi is an odd triangle wave of period 4 between -1
    and 1. It is -1 to the left of this interval and 1 - (t - a) to the right.

    For a long random w the wave is nearly uncorrelated with every fixed function, so
    fixed features cannot learn single neurons.

    Parameters
    ----------
    weight : array-like of shape (n_features,)
        Weight w; the proposition takes ||w|| = n_features. A read-only float64 copy is
        stored.

    Raises
    ------
    ValueError
        If `weight` is not 1-D, is empty or not finite.

    Notes
    -----
    For Gaussian x and ||w|| = d the squared norm of :math:`\psi(\langle w, x\rangle)` is
    1/3. Item 2 of the proposition states at least d.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019, Proposition 4.6.

    Examples
    --------
    >>> from skrf import TriangleWave
    >>> wave = TriangleWave([2.0, 0.0])
    >>> wave
    TriangleWave(n_features=2, ||weight||=2, a=25)
    >>> wave([[0.0, 1.0], [0.5, 1.0], [1.5, 1.0]])
    array([ 0.,  1., -1.])
    """

    weight: np.ndarray

    def __init__(self, weight: ArrayLike) -> None:
        self._freeze(weight=frozen_vector("weight", weight))

    @property
    def n_features(self) -> int:
        """Number of columns that X must have."""
        return len(self.weight)

    @property
    def half_width(self) -> int:
        """a = 6 d^2 + 1; the wave is periodic on [-a, a]."""
        return 6 * self.n_features**2 + 1

    def profile(self, t: ArrayLike) -> np.ndarray:
        """psi(t), elementwise, without the cancellation of the sum of ReLUs.

        Parameters
        ----------
        t : array-like
            Real numbers of any shape.

        Returns
        -------
        psi : ndarray
            The values in float64, of the shape of `t`.

        Raises
        ------
        ValueError
            If `t` is not real numbers.

        Examples
        --------
        >>> from skrf import TriangleWave
        >>> TriangleWave([1.0]).profile([0.0, 0.5, 1.0, 1.5])
        array([ 0. , -0.5, -1. , -0.5])
        """
        x, a = real_array("t", t, finite=False), self.half_width
        wave = 1 - np.abs(np.mod(x + a, 4) - 2)
        return np.where(x < -a, -1.0, np.where(x > a, 1 - (x - a), wave))

    def relu_sum(self) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients and offsets of psi(t) = sum_j coefficient_j [t + offset_j]_+ - 1.

        Returns
        -------
        coefficients : ndarray of shape (a + 1,)
            1, -2, 2, -2, ...
        offsets : ndarray of shape (a + 1,)
            a, a - 2, ..., -a. The sum loses digits as a grows, and `profile` does not.

        Examples
        --------
        >>> from skrf import TriangleWave
        >>> coefficients, offsets = TriangleWave([1.0]).relu_sum()
        >>> coefficients
        array([ 1., -2.,  2., -2.,  2., -2.,  2., -2.])
        >>> offsets
        array([ 7.,  5.,  3.,  1., -1., -3., -5., -7.])
        """
        a = self.half_width
        n = np.arange(a + 1)
        coefficients = np.where(n == 0, 1.0, 2.0 * (-1.0) ** n)
        return coefficients, (a - 2 * n).astype(np.float64)

    def _evaluate(self, X):
        return self.profile(X @ self.weight)

    def __repr__(self) -> str:
        return (
            f"TriangleWave(n_features={self.n_features}, "
            f"||weight||={np.linalg.norm(self.weight):.4g}, a={self.half_width})"
        )
