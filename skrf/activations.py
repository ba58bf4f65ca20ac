"""Activations by name: value, derivative and address of the compiled function."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from skrf._compiled.activations import address, evaluate
from skrf._utils.checks import real_numbers


@dataclass(frozen=True)
class Activation:
    """A scalar function act(z), applied elementwise.

    `ACTIVATIONS` contains all activations by name.

    Parameters
    ----------
    name : str
        Name of the activation in `ACTIVATIONS`.
    formula : str
        act(z) as text.
    analytic : bool
        Whether act is analytic on the real line, as Theorem 3.1 of [1]_ requires.
    has_slope : bool
        Whether hidden weights can be trained with this activation. The derivative of
        step is 0 almost everywhere.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019.

    Examples
    --------
    >>> from skrf import ACTIVATIONS
    >>> relu = ACTIVATIONS["relu"]
    >>> relu([-1.0, 2.0])
    array([0., 2.])
    """

    name: str
    formula: str
    analytic: bool
    has_slope: bool = True

    def __reduce__(self):
        # By name: the version that reads a pickle has its own table.
        return _named, (self.name,)

    def __call__(self, z: ArrayLike) -> np.ndarray:
        """act(z), elementwise.

        Parameters
        ----------
        z : array-like
            Real numbers of any shape. float32 stays float32, wider types become float64.

        Returns
        -------
        value : ndarray
            act(z), of the shape of `z`.

        Raises
        ------
        ValueError
            If `z` is not real numbers.
        """
        return self.value_and_derivative(z)[0]

    def derivative(self, z: ArrayLike) -> np.ndarray:
        """act'(z), elementwise; the left derivative at a kink, and 0 for abs.

        Parameters
        ----------
        z : array-like
            Real numbers of any shape. float32 stays float32, wider types become float64.

        Returns
        -------
        slope : ndarray
            act'(z), of the shape of `z`.

        Raises
        ------
        ValueError
            If `z` is not real numbers.

        Examples
        --------
        >>> from skrf import ACTIVATIONS
        >>> ACTIVATIONS["relu"].derivative([-1.0, 0.0, 2.0])
        array([0., 0., 1.])
        """
        return self.value_and_derivative(z)[1]

    def value_and_derivative(self, z: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """act(z) and act'(z), elementwise, in hardly more time than one of them.

        Parameters
        ----------
        z : array-like
            Real numbers of any shape. float32 stays float32, wider types become float64.

        Returns
        -------
        value : ndarray
            act(z), of the shape of `z`.
        slope : ndarray
            act'(z), of the shape of `z`.

        Raises
        ------
        ValueError
            If `z` is not real numbers.

        Examples
        --------
        >>> from skrf import ACTIVATIONS
        >>> ACTIVATIONS["sin"].value_and_derivative(0.0)
        (array(0.), array(1.))
        """
        real = real_numbers("z", z)
        single = np.result_type(real, np.float32) == np.float32
        array = np.ascontiguousarray(real, np.float32 if single else np.float64)
        value, slope = (np.empty(real.shape, array.dtype) for _ in range(2))
        if array.size:
            flat = (a.reshape(-1) for a in (array, value, slope))
            evaluate(address(self.name, array.dtype), *flat)
        return value, slope


ACTIVATIONS = {
    entry.name: entry
    for entry in (
        Activation("relu", "max(z, 0)", analytic=False),
        Activation("step", "1(z > 0)", analytic=False, has_slope=False),
        Activation("leaky_relu", "max(z, 0.01 z)", analytic=False),
        Activation("abs", "|z|", analytic=False),
        Activation("squared_relu", "max(z, 0)^2", analytic=False),
        Activation("softplus", "log(1 + exp(z))", analytic=True),
        Activation("silu", "z / (1 + exp(-z))", analytic=True),
        Activation("gelu", "z P(g < z), g ~ N(0, 1)", analytic=True),
        Activation("tanh", "tanh(z)", analytic=True),
        Activation("sigmoid", "1 / (1 + exp(-z))", analytic=True),
        Activation("erf", "erf(z)", analytic=True),
        Activation("sin", "sin(z)", analytic=True),
        Activation("cos", "cos(z)", analytic=True),
        Activation("identity", "z", analytic=True),
    )
}


def _named(name):
    return ACTIVATIONS[name]
