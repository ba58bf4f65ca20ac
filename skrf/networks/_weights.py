"""The weights of a network: initial draw, container and fitted attributes."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from skrf._utils.random import random_stream
from skrf.features._distributions import OUTPUT_WEIGHTS, draw_biases, draw_weights


class Weights(NamedTuple):
    """The weights of a network, or arrays of the same shapes."""

    hidden: np.ndarray  # W (width, n_features)
    biases: np.ndarray  # b (width,)
    output: np.ndarray  # U (n_outputs, width)
    intercept: np.ndarray  # c (n_outputs,)

    def copy(self):
        return Weights(*(array.copy() for array in self))

    def zeros(self):
        return Weights(*(np.zeros_like(array) for array in self))

    def nothing(self):
        """No weights: empty arrays of the same numbers of dimensions."""
        return Weights(*(np.empty((0,) * array.ndim, array.dtype) for array in self))

    def writable(self):
        """The same arrays, or copies of those loaded as read-only memory maps."""
        return Weights(*(np.require(array, requirements="CW") for array in self))


def first_weights(start):
    """All weights of a `_weights.Initialization`: the output intercept is 0."""
    return Weights(*start.draw(), np.zeros(start.n_outputs, start.dtype))


def fitted_attributes(objective, weights, attributes):
    """What `predict` of a network needs, by name; the weights in their public shapes.

    `attributes` has more of it, among them `_flat`, whether there is one output only.
    """
    W, b, U, c = weights
    return {
        **attributes,
        "hidden_weights_": W,
        "hidden_biases_": b,
        "output_weights_": U[0] if attributes["_flat"] else U,
        "output_bias_": c[0] if attributes["_flat"] else c,
        "_objective": objective,
    }


@dataclass(frozen=True)
class Initialization:
    """The random start of a network, which can be drawn again at any time."""

    seed: int
    width: int
    n_features: int
    n_outputs: int
    dtype: np.dtype
    weights: str
    weight_scale: float
    biases: str
    bias_scale: float
    parametrization: str
    symmetric: bool

    def draw(self):
        """Hidden weights, hidden biases, output weights (n_outputs, width).

        The output weights are uniform on +-1/sqrt(width) in the standard parametrisation
        and random signs in ntk. A symmetric start is two halves with the same hidden
        weights and opposite output weights.
        """
        width = self.width // 2 if self.symmetric else self.width
        W = draw_weights(
            self.seed, width, self.n_features, self.weights, self.weight_scale, self.dtype
        )
        b = draw_biases(self.seed, width, self.biases, self.bias_scale, self.dtype)
        rng = random_stream(self.seed, OUTPUT_WEIGHTS)
        U = rng.uniform(-1, 1, (width, self.n_outputs)).T
        if self.parametrization == "ntk":
            U = np.where(U < 0, -1.0, 1.0)
        else:
            U = U / np.sqrt(self.width)
        U = np.ascontiguousarray(U, self.dtype)
        if self.symmetric:
            W, b, U = np.concatenate([W, W]), np.tile(b, 2), np.hstack([U, -U])
        return W, b, U
