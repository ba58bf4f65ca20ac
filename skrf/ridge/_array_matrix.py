"""Feature matrices whose features are arrays of another namespace, such as PyTorch's.

Features are computed on their device, a block of rows at a time. The matrices of moments
are small and stay in NumPy, and their eigenvectors are computed on the device.
"""

import numpy as np
from sklearn.utils import gen_batches

from skrf._utils.array_api import to_numpy
from skrf._utils.blocks import take_rows
from skrf.ridge._array_passes import reduce_arrays
from skrf.ridge._feature_matrix import FeatureMatrix, blocks

# Rows of a tile of the Gram matrix of linearised features.
_TILE_ROWS = 4096
# Values of the features of a group of rows of the Gram matrix of other features.
_GROUP_VALUES = 2**26


def feature_matrix(X, Y, weights, feature_map, block_rows="auto"):
    """The `FeatureMatrix` of rows, for features of any namespace."""
    in_numpy = feature_map.space is None
    matrix_class = FeatureMatrix if in_numpy else ArrayFeatureMatrix
    return matrix_class(X, Y, weights, feature_map, block_rows)


class ArrayFeatureMatrix(FeatureMatrix):
    """A `FeatureMatrix` whose features are not NumPy's; Y and weights are NumPy's."""

    @property
    def space(self):
        """The namespace of the features."""
        return self.feature_map.space

    def reduce(self, run, total=None):
        """The result of a pass over all rows, added to `total` unless it is None."""
        return reduce_arrays(self, run, total)

    def exact(self):
        """Z in float64, with products and Gram matrix, as an `ArrayFullMatrix`."""
        return ArrayFullMatrix(self)


class ArrayFullMatrix:
    """Products with Z and Z', and the Gram matrix Z Z', on a device in float64.

    Arguments and results are NumPy's arrays.
    """

    def __init__(self, matrix):
        self.matrix, self.space = matrix, matrix.space
        before, self.tangent = matrix.feature_map.tangent_part()
        if not self.space.has_float64:
            self.tangent = None
        if self.tangent is not None:
            X = matrix.X if matrix.index is None else take_rows(matrix.X, matrix.index)
            inputs = X if before is None else before.transform(X)
            self.inputs = self.space.array(inputs, self.space.xp.float64)

    def times(self, coef):
        """Z coef for coef (n_columns, k)."""
        coef = self._array(coef)
        parts = [to_numpy(self._rows(rows) @ coef) for rows in self.matrix.blocks()]
        return np.concatenate(parts)

    def transposed_times(self, Y):
        """Z' Y for Y (n_rows, k)."""
        total = 0.0
        for rows in self.matrix.blocks():
            total = total + self._rows(rows).T @ self._array(Y[rows])
        return np.array(to_numpy(total))

    def gram(self):
        """Z Z', of shape (n_rows, n_rows)."""
        n_rows, progress = self.matrix.n_rows, self.matrix.progress
        step, part = _TILE_ROWS, self._inputs
        if self.tangent is None:
            step, part = max(1, _GROUP_VALUES // self.matrix.n_columns), self._group
        groups = list(gen_batches(n_rows, min(step, n_rows)))
        done = progress("Gram matrix", len(groups)) if progress else None
        K = np.empty((n_rows, n_rows))
        for i, top in enumerate(groups):
            of_top = part(top)
            for left in groups[: i + 1]:
                tile = self._tile(of_top, of_top if left == top else part(left))
                K[top, left] = tile
                K[left, top] = tile.T
            if done:
                done()
        return K

    def _tile(self, x, y):
        if self.tangent is not None:
            return to_numpy(self.tangent._array_layer(x).gram(x, y))
        return to_numpy(x @ y.T)

    def _inputs(self, rows):
        return self.inputs[rows, ...]

    def _group(self, group):
        """The features of many rows, computed by blocks."""
        n_columns, block_rows = self.matrix.n_columns, self.matrix.block_rows
        parts = [
            self._rows(slice(group.start + rows.start, group.start + rows.stop))
            for rows in blocks(group.stop - group.start, n_columns, block_rows)
        ]
        if len(parts) == 1:
            return parts[0]
        xp = self.space.xp if self.space.has_float64 else np
        return xp.concat(parts, axis=0)

    def _rows(self, rows):
        """Features in float64, on the device if it computes in float64."""
        Z = self.matrix.rows(rows, None)
        if not self.space.has_float64:
            return to_numpy(Z).astype(np.float64)
        return self.space.xp.astype(Z, self.space.xp.float64, copy=False)

    def _array(self, values):
        """NumPy's values where the features of `_rows` are."""
        return self.space.array(values) if self.space.has_float64 else values
