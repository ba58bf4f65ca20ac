"""The features of many rows as a matrix that is never stored.

Passes over the matrix (see `_passes`) make a block of rows at a time.
"""

import copy
from contextlib import suppress

import numpy as np
from scipy import sparse
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import Pipeline

from skrf._compiled.jit import njit
from skrf._compiled.neurons import FASTMATH
from skrf._utils.array_api import namespace_of
from skrf._utils.blas import add_gram, mirror, product
from skrf._utils.blocks import is_frame, take_rows
from skrf._utils.dates import refuse_dates
from skrf._utils.memory import available_memory
from skrf._utils.threads import in_threads
from skrf.features import LinearizedNTKFeatures
from skrf.features._base import BaseHiddenLayerFeatures
from skrf.ridge._passes import Scratch, row_slices, sum_of_slices

# Values in a block of features, and its minimum and maximum numbers of rows.
_BLOCK_ELEMENTS, FEWEST_ROWS, _MOST_ROWS = 2**25, 256, 4096
# Vectors up to which a loop that casts each value is faster than BLAS on a copy.
_FEW = 4


class FeatureMap:
    """Dense features of rows by a fitted transformer."""

    def __init__(self, features, X):
        while isinstance(features, FrozenEstimator):
            features = features.estimator
        # `rows` calls their `_transform_into`, which does not check the columns.
        hidden_layer = isinstance(features, BaseHiddenLayerFeatures)
        if hidden_layer and X.shape[1] != features.n_features_in_:
            raise ValueError(
                f"`X` must have {features.n_features_in_} columns, as `features` were "
                f"fitted to; got {X.shape[1]} columns. Pass X with the columns of that "
                "fit, or features that are not frozen."
            )
        self.features = features
        first = self.rows(take_rows(X, slice(0, 1)), Scratch())
        self.n_columns, self.dtype = first.shape[1], first.dtype
        self.space = namespace_of(first)  # None for features of NumPy
        if self.space is not None:
            self.dtype = self.space.numpy_dtype(first.dtype)

    def rows(self, X, scratch):
        """Features of the rows of X: a C-ordered float array, kept in `scratch`.

        Features of another namespace are new arrays, on their device.
        """
        if namespace_of(X) is not None:
            return self._array_rows(X, self.features.transform(X))
        checked = not is_frame(X) and X.dtype.kind == "f"
        if isinstance(self.features, BaseHiddenLayerFeatures) and checked:
            Z = scratch.array("Z", X.shape[0], self.features._n_features_out, X.dtype)
            self.features._transform_into(X, Z)
            return Z
        Z = self.features.transform(X)
        if namespace_of(Z) is not None:
            return self._array_rows(X, Z)
        refuse_dates("features.transform(X)", Z)
        Z = Z.toarray() if sparse.issparse(Z) else np.asarray(Z)
        if Z.dtype == object:
            # Numbers of a column that was next to text.
            with suppress(TypeError, ValueError):
                Z = Z.astype(np.float64)
        self._require_numbers(X, Z, Z.dtype.kind in "biuf")
        # A copy, because Z may be X itself, or kept by the transformer.
        out = scratch.array("Z", *Z.shape, Z.dtype if Z.dtype == np.float32 else np.float64)
        out[...] = Z
        return out

    def _array_rows(self, X, Z):
        """Features of another namespace, checked, in float32 or float64."""
        space = namespace_of(Z)
        if space is None:
            raise ValueError(
                "`features` must return an array of the namespace of `X` for array API "
                f"dispatch; got {type(Z).__name__} from {self.features!r}. Use features "
                "that support the array API, or convert X to NumPy."
            )
        real = "bool", "integral", "real floating"
        self._require_numbers(X, Z, space.xp.isdtype(Z.dtype, real))
        floats = space.floats()
        return Z if Z.dtype in floats else space.xp.astype(Z, floats[0])

    def _require_numbers(self, X, Z, are_real):
        """Raise for features that are not a matrix of real numbers."""
        if Z.ndim != 2 or Z.shape[0] != X.shape[0]:
            raise ValueError(
                f"`features` must return one row of numbers per row of X; got shape "
                f"{tuple(Z.shape)} for {X.shape[0]} rows from {self.features!r}. Use "
                "another transformer."
            )
        if Z.shape[1] == 0 or not are_real:
            raise ValueError(
                "`features` must return at least one column of real numbers; got "
                f"{Z.shape[1]} columns of dtype {Z.dtype} from {self.features!r}. Use "
                "another transformer."
            )

    def tangent_part(self):
        """(Steps before or None, linearised NTK features) if these are the last step."""
        before, last = [], self.features
        while isinstance(last, FrozenEstimator | Pipeline):
            if isinstance(last, FrozenEstimator):
                last = last.estimator
            else:
                before += last.steps[:-1]
                last = last.steps[-1][1]
        if not isinstance(last, LinearizedNTKFeatures):
            return None, None
        steps = [(str(k), step) for k, (_, step) in enumerate(before)]
        return Pipeline(steps) if steps else None, last

    def times(self, X, coef, block_rows="auto"):
        """Z(X) coef for coef (n_columns, k), in the dtype of coef.

        `coef` is NumPy's array, and the result has the namespace of the features.
        """
        if self.space is not None:
            return self._array_times(X, coef, block_rows)
        before, tangent = self.tangent_part()
        if tangent is not None:
            X = X if before is None else before.transform(X)
            return np.asarray(tangent.as_linear_operator(X) @ coef, coef.dtype)
        scratch = Scratch()
        result = np.empty((X.shape[0], coef.shape[1]), coef.dtype)
        for rows in blocks(X.shape[0], self.n_columns, block_rows):
            Z = self.rows(take_rows(X, rows), scratch)
            _multiply_as(coef.dtype, Z, coef, result[rows])
        return result

    def _array_times(self, X, coef, block_rows):
        xp, coef = self.space.xp, self.space.array(coef)
        parts = []
        for rows in blocks(X.shape[0], self.n_columns, block_rows):
            Z = self.rows(take_rows(X, rows), None)
            parts.append(xp.astype(Z, coef.dtype, copy=False) @ coef)
        return parts[0] if len(parts) == 1 else xp.concat(parts, axis=0)


def rows_of_block(n_columns, block_rows="auto"):
    """Maximum number of rows of a block of features with `n_columns` columns."""
    if block_rows != "auto":
        return int(block_rows)
    return min(max(FEWEST_ROWS, _BLOCK_ELEMENTS // n_columns), _MOST_ROWS)


def blocks(n_rows, n_columns, block_rows="auto"):
    """Slices of rows, one for each block."""
    step = rows_of_block(n_columns, block_rows)
    return [slice(k, min(k + step, n_rows)) for k in range(0, n_rows, step)]


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def _dot_rows(Z, u, out):
    """out[i, t] <- <z_i, u_t> in float64."""
    for i in range(Z.shape[0]):
        row = Z[i]
        for t in range(u.shape[0]):
            coef, total = u[t], 0.0
            for j in range(row.size):
                total += coef[j] * row[j]
            out[i, t] = total


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def _sum_rows(Z, Y, out):
    """out[t] <- sum_i y_it z_i in float64."""
    out[:] = 0.0
    for i in range(Z.shape[0]):
        row = Z[i]
        for t in range(out.shape[0]):
            total, y = out[t], Y[i, t]
            for j in range(row.size):
                total[j] += y * row[j]


def _multiply_as(dtype, Z, coef, out):
    """out <- Z coef in `dtype`, by slices of rows, so all of Z is never cast at once."""
    without_cast = Z.dtype != dtype and coef.shape[1] <= _FEW
    u = np.ascontiguousarray(coef.T) if without_cast else None

    def work(slices):
        for rows in slices:
            if without_cast:
                _dot_rows(Z[rows], u, out[rows])
            else:
                product(Z[rows].astype(dtype, copy=False), coef, out[rows])

    in_threads(work, row_slices(len(Z)))


def _add_transposed_product(Z, Y, total):
    """total += Z' Y in float64, by slices of rows."""
    if Z.dtype != total.dtype and Y.shape[1] <= _FEW:
        shape = Y.shape[1], Z.shape[1]
        total += sum_of_slices(len(Z), shape, lambda r, out: _sum_rows(Z[r], Y[r], out)).T
        return
    for rows in row_slices(len(Z)):
        z = Z[rows].astype(np.float64, copy=False)
        product(z.T, np.ascontiguousarray(Y[rows]), total, 1.0)


class FeatureMatrix:
    """Z, the features of the rows of X, with targets Y and weights w of the rows.

    Parameters
    ----------
    X : ndarray, CSR matrix or data frame
        The rows.
    Y : ndarray of shape (n_rows, n_outputs)
        Their targets, float64.
    weights : ndarray of shape (n_rows,)
        Their weights, float64.
    feature_map : FeatureMap
        What makes the features.
    block_rows : int or "auto"
        Rows of a block.
    progress : callable (label, n_blocks) -> callable (), default=None
        Called at the start of a pass; its result is called after each block.
    """

    space = None  # the namespace of the features, where it is not NumPy

    def __init__(self, X, Y, weights, feature_map, block_rows="auto", progress=None):
        self.X, self.Y, self.weights = X, Y, weights
        self.feature_map, self.block_rows, self.progress = feature_map, block_rows, progress
        self.index = None  # indices of the rows in X; None means all rows
        self.n_rows = len(Y)
        self.n_columns, self.dtype = feature_map.n_columns, feature_map.dtype
        self.n_outputs = self.Y.shape[1]

    def subset(self, index):
        """The feature matrix of some rows, by their indices."""
        part = copy.copy(self)
        part.index = index if self.index is None else self.index[index]
        part.Y, part.weights, part.n_rows = self.Y[index], self.weights[index], len(index)
        return part

    def sample(self, n_rows, rng):
        """(The feature matrix of at most n_rows rows of positive weight, all weights)."""
        used = np.flatnonzero(self.weights > 0)
        if len(used) > n_rows:
            used = np.sort(rng.choice(used, n_rows, replace=False))
        return self.subset(used), self.weights.sum()

    def with_features(self, features):
        """The feature matrix of other fitted features of the same rows."""
        other = copy.copy(self)
        other.feature_map = FeatureMap(features, self.X)
        other.n_columns = other.feature_map.n_columns
        return other

    def blocks(self):
        """Slices of rows, one for each block."""
        return blocks(self.n_rows, self.n_columns, self.block_rows)

    def rows(self, rows, scratch):
        """The features of a slice of the rows."""
        where = rows if self.index is None else self.index[rows]
        return self.feature_map.rows(take_rows(self.X, where), scratch)

    def reduce(self, run, total=None):
        """The result of a pass over all rows, added to `total` unless it is None."""
        all_blocks = self.blocks()
        done = self.progress(run.label, len(all_blocks)) if self.progress else None
        total, scratch = run.zero() if total is None else total, Scratch()
        for rows in all_blocks:
            Z = self.rows(rows, scratch)
            run.add(total, Z, self.Y[rows], self.weights[rows], scratch)
            if done:
                done()
        return total

    def exact(self):
        """Z in float64, with products and Gram matrix, as a `FullMatrix`."""
        X = self.X if self.index is None else take_rows(self.X, self.index)
        return FullMatrix(X, self.feature_map, self.block_rows, self.progress)


class FullMatrix:
    """Products with Z and Z', and the Gram matrix Z Z', in float64.

    Linearised NTK features are never materialised. Their linear operator is applied
    instead.
    """

    def __init__(self, X, feature_map, block_rows, progress=None):
        self.X, self.feature_map, self.block_rows = X, feature_map, block_rows
        self.n_rows, self.n_columns = X.shape[0], feature_map.n_columns
        self.progress = progress
        before, tangent = feature_map.tangent_part()
        self.tangent = tangent
        if tangent is not None:
            inputs = X if before is None else before.transform(X)
            # Not every sparse format has rows.
            inputs = inputs.tocsr() if sparse.issparse(inputs) else inputs
            # Earlier steps may return data frames, of pandas or of polars.
            if hasattr(inputs, "to_numpy"):
                inputs, tangent = inputs.to_numpy(), _without_names(tangent)
                self.tangent = tangent
            self.inputs = inputs.astype(np.float64, copy=False)
            self.operator = tangent.as_linear_operator(self.inputs)

    def times(self, coef):
        """Z coef for coef (n_columns, k)."""
        if self.tangent is not None:
            return self.operator @ coef
        return self.feature_map.times(self.X, coef, self.block_rows)

    def transposed_times(self, Y):
        """Z' Y for Y (n_rows, k)."""
        if self.tangent is not None:
            return self.operator.T @ Y
        total, scratch = np.zeros((self.n_columns, Y.shape[1])), Scratch()
        for rows in blocks(self.n_rows, self.n_columns, self.block_rows):
            Z = self.feature_map.rows(take_rows(self.X, rows), scratch)
            _add_transposed_product(Z, Y[rows], total)
        return total

    def gram(self):
        """Z Z', of shape (n_rows, n_rows)."""
        groups = blocks(self.n_rows, self.n_columns, self._rows_in_memory())
        n_parts = len(groups) if self.tangent is None else 1
        done = self.progress("Gram matrix", n_parts) if self.progress else None
        if self.tangent is not None:
            K = self.tangent.tangent_kernel(self.inputs)
            if done:
                done()
            return K
        K = np.empty((self.n_rows, self.n_rows))
        for i, top in enumerate(groups):
            Z = self._float64_rows(top)
            for tile in _tiles(len(Z)):
                for left in _tiles(tile.stop):
                    _fill_symmetric(K[top, top], Z, tile, left)
            for left in groups[:i]:
                product(Z, self._float64_rows(left).T, K[top, left])
                K[left, top] = K[top, left].T
            if done:
                done()
        return K

    def gram_columns(self, index):
        """Z Z[index]', of shape (n_rows, len(index))."""
        if self.tangent is not None:
            return self.tangent.tangent_kernel(self.inputs, self.inputs[index])
        columns = np.empty((self.n_rows, len(index)))
        step = max(FEWEST_ROWS, rows_of_block(self.n_columns, self.block_rows))
        for part in blocks(len(index), self.n_columns, step):
            columns[:, part] = self.times(self._float64_rows(index[part]).T)
        return columns

    def _float64_rows(self, rows):
        """The features of rows, by slice or by index, in float64."""
        X, scratch = take_rows(self.X, rows), Scratch()
        all_rows = np.empty((X.shape[0], self.n_columns))
        for part in blocks(X.shape[0], self.n_columns, self.block_rows):
            Z, out = self.feature_map.rows(take_rows(X, part), scratch), all_rows[part]

            def cast(slices, Z=Z, out=out):
                for rows in slices:
                    out[rows] = Z[rows]

            in_threads(cast, row_slices(len(Z)))
        return all_rows

    def _rows_in_memory(self):
        """Rows of a group: two groups fit in half of the memory next to the result."""
        available = (available_memory() or 2**33) - 8 * self.n_rows**2
        rows = int(available / 4 / (8 * self.n_columns))
        return min(self.n_rows, max(FEWEST_ROWS, rows))


def _without_names(features):
    """A copy of a fitted transformer that does not check names of columns."""
    unnamed = copy.copy(features)
    vars(unnamed).pop("feature_names_in_", None)
    return unnamed


def _tiles(n_rows):
    return [slice(k, min(k + 1024, n_rows)) for k in range(0, n_rows, 1024)]


def _fill_symmetric(K, Z, top, left):
    """Fill a tile of K = Z Z' and its mirror image."""
    if top == left:
        add_gram(Z[top].T, K[top, top], 0.0)
        mirror(K[top, top])
        return
    product(Z[top], Z[left].T, K[top, left])
    K[left, top] = K[top, left].T
