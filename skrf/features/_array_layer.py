"""A hidden layer for arrays of any namespace: features, and their Gram matrix.

The formulas are those of `_random`, `_linearized` and `_operator`. The weights are a dense
matrix also for projections by Hadamard transforms.
"""

import math
from dataclasses import dataclass
from typing import Any

from skrf._utils.array_api import namespace_of
from skrf.features._array_formulas import ARRAY_FORMULAS, ArrayFormulas


@dataclass(frozen=True, eq=False)
class ArrayLayer:
    """A hidden layer in the namespace, the dtype and on the device of rows X."""

    xp: Any
    weights: Any  # (width, n_features)
    biases: Any  # (width,)
    formulas: ArrayFormulas
    output_weights: Any = None  # (width,), for train="hidden" and "both"
    has_biases: bool = True
    train: str = "output"  # "hidden", "output" or "both"

    @classmethod
    def of(cls, X, projection, biases, activation, output_weights=None, **options):
        """The layer of a fitted projection and biases for rows X."""
        space = namespace_of(X)
        arrays = projection.rows(), biases, output_weights
        W, b, a = (v if v is None else space.array(v, X.dtype) for v in arrays)
        return cls(space.xp, W, b, ARRAY_FORMULAS[activation.name], a, **options)

    @property
    def _scale(self):
        return 1 / math.sqrt(self.biases.shape[0])

    def pre_activations(self, X):
        """<w_i, x> + b_i, of shape (n_rows, width)."""
        return X @ self.weights.T + self.biases

    def slopes(self, z):
        """S = (a_i act'(z_i) / sqrt(width))."""
        return self.formulas.slope(self.xp, z) * (self.output_weights * self._scale)

    def values(self, z):
        """A = (act(z_i) / sqrt(width))."""
        return self.formulas.value(self.xp, z) * self._scale

    def features(self, X):
        """The features of all rows, of shape (n_rows, n_features_out)."""
        xp, z, parts = self.xp, self.pre_activations(X), []
        if self.train != "output":
            S = self.slopes(z)[:, :, None]
            hidden = S * X[:, None, :]
            if self.has_biases:
                hidden = xp.concat([hidden, S], axis=2)
            parts.append(xp.reshape(hidden, (X.shape[0], -1)))
        if self.train != "hidden":
            parts.append(self.values(z))
        return parts[0] if len(parts) == 1 else xp.concat(parts, axis=1)

    def gram(self, X, Y):
        """The inner products of the features of rows X and Y."""
        z_x, z_y, K = self.pre_activations(X), self.pre_activations(Y), None
        if self.train != "output":
            inner = X @ Y.T + float(self.has_biases)
            K = inner * (self.slopes(z_x) @ self.slopes(z_y).T)
        if self.train != "hidden":
            outer = self.values(z_x) @ self.values(z_y).T
            K = outer if K is None else K + outer
        return K
