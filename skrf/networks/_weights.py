"""The weights of a network: container, initial draw and fitted attributes."""

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

    def empty(self):
        """Empty arrays with the same numbers of dimensions."""
        return Weights(*(np.empty((0,) * array.ndim, array.dtype) for array in self))

    def astype(self, dtype):
        """The arrays in a dtype, copied only where they have another."""
        return Weights(*(array.astype(dtype, copy=False) for array in self))

    def writable(self):
        """The same arrays, with copies of the read-only memory maps among them."""
        return Weights(*(np.require(array, requirements="CW") for array in self))


class Units(NamedTuple):
    """The units of y: training is on (y - center) / scale, one of each per output."""

    center: np.ndarray  # (n_outputs,), float64
    scale: np.ndarray

    @classmethod
    def of_y(cls, n_outputs):
        """The units that y has."""
        return cls(np.zeros(n_outputs), np.ones(n_outputs))

    @classmethod
    def standardized(cls, Y, sample_weight, *, centered):
        """Units in which the targets have mean 0 (if `centered`) and mean square 1."""
        Y, w = Y.astype(np.float64), sample_weight.astype(np.float64)
        center = w @ Y / w.sum() if centered else np.zeros(Y.shape[1])
        with np.errstate(over="ignore"):
            scale = np.sqrt(w @ (Y - center) ** 2 / w.sum())
        # The spread of constant targets is their rounding.
        rounding = 10 * np.finfo(np.float64).eps * np.abs(center)
        usable = np.isfinite(scale) & (scale > rounding)
        return cls(center, np.where(usable, scale, 1.0))

    def of_training(self, Y):
        """Targets in the units of training, in their dtype."""
        return ((Y - self.center) / self.scale).astype(Y.dtype)

    def public(self, weights):
        """Weights of the network in the units of y, from those in training."""
        dtype, scale = weights.output.dtype, self.scale[:, np.newaxis]
        return weights._replace(
            output=(weights.output * scale).astype(dtype),
            intercept=(weights.intercept * self.scale + self.center).astype(dtype),
        )

    def private(self, weights):
        """Weights of the network in the units of training, from those in the units of y."""
        dtype, scale = weights.output.dtype, self.scale[:, np.newaxis]
        return weights._replace(
            output=(weights.output / scale).astype(dtype),
            intercept=((weights.intercept - self.center) / self.scale).astype(dtype),
        )


def fitted_attributes(objective, weights, attributes):
    """The attributes that `predict` needs, by name, with weights in their public shapes.

    `attributes` are further attributes; their entry `_flat` says whether predictions are
    1-D.
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
    """The random initialisation of a network; every draw returns equal weights."""

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
        """The initial weights, with an output intercept of 0.

        The output weights are uniform on +-1/sqrt(width) in the standard parametrisation
        and random signs in ntk. A symmetric initialisation has two halves with equal hidden
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
        return Weights(W, b, U, np.zeros(self.n_outputs, self.dtype))
