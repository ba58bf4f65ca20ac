"""The kernel of a network of any depth, by a recursion over its hidden layers.

`_pairwise` turns rows into Gaussian pairs of pre-activations, and `_activation_duals` has
the expectations of activations of such a pair.
"""

from typing import NamedTuple

import numpy as np

from skrf.kernels._activation_duals import DUALS, activated, affine


class Network(NamedTuple):
    """An infinitely wide network, and which of its layers are trained."""

    activation: str
    train: str
    weight_scale: float
    bias_scale: float
    depth: int

    def kernel(self, pairs, n_features):
        """The neural tangent kernel of `Pairs` of rows.

        With train="output" this is the kernel of random features.
        """
        dual, dual_of_slope = DUALS[self.activation]
        *lower, last = self._layers(pairs, n_features)
        if self.train == "output":
            return dual(last)
        tangent = pairs.covariance + (self.bias_scale > 0)
        for layer in lower:
            hidden = dual_of_slope(layer) * tangent
            tangent = self.weight_scale**2 * hidden + dual(layer) + (self.bias_scale > 0)
        hidden = dual_of_slope(last) * tangent
        return hidden if self.train == "hidden" else hidden + dual(last)

    def _layers(self, pairs, n_features):
        """Yield the `Pairs` of the pre-activations of each hidden layer."""
        layer = affine(pairs, self.weight_scale / np.sqrt(n_features), self.bias_scale)
        yield layer
        for _ in range(self.depth - 1):
            layer = affine(
                activated(self.activation, layer), self.weight_scale, self.bias_scale
            )
            yield layer
