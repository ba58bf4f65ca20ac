"""One neuron."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from skrf._utils.checks import check_choice, is_number, short
from skrf.activations import ACTIVATIONS
from skrf.targets._base import BaseTarget, frozen_vector


@dataclass(frozen=True, eq=False)
class SingleNeuron(BaseTarget):
    r"""One neuron, :math:`x \mapsto act(\langle w, x\rangle + b)`.

    One neuron trained by gradient descent learns this target. Fixed features do not,
    unless their number or their weights grow exponentially with n_features.

    Parameters
    ----------
    weight : array-like of shape (n_features,)
        Weight w of the neuron. A read-only float64 copy is stored.
    bias : float, default=0.0
        Bias b of the neuron.
    activation : str, default="relu"
        A key of `skrf.activations.ACTIVATIONS`.

    Raises
    ------
    ValueError
        If `weight` is not 1-D, is empty or not finite, if `bias` is not a finite number,
        or if `activation` is unknown.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019, Theorems 4.2 and 4.8.

    Examples
    --------
    >>> from skrf import SingleNeuron
    >>> neuron = SingleNeuron([3.0, 4.0], bias=-1.0)
    >>> neuron
    SingleNeuron(n_features=2, ||weight||=5, bias=-1, activation='relu')
    >>> neuron([[1.0, 0.0], [0.0, -1.0]])
    array([2., 0.])
    """

    weight: np.ndarray
    bias: float
    activation: str

    def __init__(
        self, weight: ArrayLike, bias: float = 0.0, activation: str = "relu"
    ) -> None:
        vector = frozen_vector("weight", weight)
        if not is_number(bias):
            raise ValueError(
                f"`bias` must be a finite number; got {short(bias)}. Use 0 for no bias."
            )
        check_choice("activation", activation, ACTIVATIONS)
        self._freeze(weight=vector, bias=float(bias), activation=activation)

    @property
    def n_features(self) -> int:
        """Number of columns that X must have."""
        return len(self.weight)

    def _evaluate(self, X):
        return ACTIVATIONS[self.activation](X @ self.weight + self.bias)

    def __repr__(self) -> str:
        return (
            f"SingleNeuron(n_features={self.n_features}, "
            f"||weight||={np.linalg.norm(self.weight):.4g}, bias={self.bias:.4g}, "
            f"activation={self.activation!r})"
        )
