"""Kernel matrices over all pairs of rows, from the Gaussian pair of two rows."""

from time import perf_counter
from typing import NamedTuple

import numpy as np
from scipy import sparse
from sklearn.metrics.pairwise import check_pairwise_arrays
from sklearn.utils.extmath import row_norms, safe_sparse_dot

from skrf._utils.blocks import row_blocks
from skrf._utils.typing import MatrixLike
from skrf._utils.validation import check_matrix, completed
from skrf._utils.warnings import warn
from skrf.kernels._activation_duals import Pairs

# Below this versine (vercosine) it is computed again, from the difference (sum) of the two
# rows: 1 - corr has an absolute error of about 1e-16, and the angle is about sqrt(2 v).
_NEARLY_PARALLEL = 1e-7
_FLOATS = [np.float64, np.float32]
# Matrices of temporary values for each matrix of results.
_ELEMENTS_OF_PAIR = 8
# Estimated seconds from which a kernel matrix warns.
_LONG = 10.0


class Rows(NamedTuple):
    """Rows divided by powers of 2: squares of their entries neither over- nor underflow."""

    scaled: MatrixLike  # (n, n_features)
    scaled_lengths: np.ndarray  # (n, 1)
    lengths: np.ndarray  # (n, 1), of the rows before the division

    def subset(self, rows):
        return Rows(*(part[rows] for part in self))


def scaled_rows(X):
    """The `Rows` of a float64 matrix."""
    maxima = abs(X).max(axis=1)
    powers = np.frexp(maxima.toarray().ravel() if sparse.issparse(X) else maxima)[1]
    if sparse.issparse(X):
        scaled = X.copy()
        scaled.data = np.ldexp(X.data, -np.repeat(powers, np.diff(X.indptr)))
    else:
        scaled = np.ldexp(X, -powers[:, np.newaxis])
    lengths = row_norms(scaled)
    both = lengths, np.ldexp(lengths, powers)
    return Rows(scaled, *(part[:, np.newaxis] for part in both))


def _row_pairs(X, Y):
    """`Pairs` of the `Rows` X and Y for p = <g, x>, g standard Gaussian."""
    (x, p, _), (y, q, _) = X, Y
    q = q.T
    products = safe_sparse_dot(x, y.T, dense_output=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = products / (p * q)
    cosine[~np.isfinite(cosine)] = 0.0  # rows of zeros have no direction
    versine, vercosine = 1 - cosine, 1 + cosine
    for gap, sign in ((versine, -1), (vercosine, 1)):
        near = np.nonzero(gap < _NEARLY_PARALLEL)
        for part in row_blocks(len(near[0]), x.shape[1]):
            i, j = near[0][part], near[1][part]
            unit_x, unit_y = _dense(x[i]) / p[i], _dense(y[j]) / q[:, j].T
            gap[i, j] = row_norms(unit_x + sign * unit_y, squared=True) / 2
        np.clip(gap, 0, 2, out=gap)
    return Pairs(X.lengths, Y.lengths.T, versine, vercosine)


def _dense(rows):
    return rows.toarray() if sparse.issparse(rows) else rows


def pairwise(X, Y, evaluate):
    """The matrix evaluate(pairs, n_features) of X and Y, by blocks of rows of X.

    Y = None means X. Two rows as 1-D arrays give a number.
    """
    if Y is not None and np.ndim(X) == np.ndim(Y) == 1 and not sparse.issparse(X):
        return pairwise([X], [Y], evaluate)[0, 0]
    # One by one: the errors of `check_pairwise_arrays` do not name the wrong argument.
    X = check_matrix("X", X, dtype=_FLOATS)
    Y = X if Y is None else check_matrix("Y", Y, dtype=_FLOATS)
    with completed(after="Pass the same columns in `X` and `Y`."):
        X, Y = check_pairwise_arrays(X, Y, accept_sparse="csr")
    out = np.empty((X.shape[0], Y.shape[0]), np.result_type(X, Y))
    n_features = X.shape[1]
    with np.errstate(over="ignore", invalid="ignore"):
        X, Y = (scaled_rows(array.astype(np.float64, copy=False)) for array in (X, Y))
        blocks = row_blocks(out.shape[0], _ELEMENTS_OF_PAIR * out.shape[1])
        for block, rows in enumerate(blocks):
            start = perf_counter()
            out[rows] = evaluate(_row_pairs(X.subset(rows), Y), n_features)
            if block == 1:  # the first block may compile
                _warn_of_long_work(out.shape, len(blocks) * (perf_counter() - start))
    require_finite(out)
    return out


def _warn_of_long_work(shape, seconds):
    """Warn if a kernel matrix takes long, by the time of one of its blocks."""
    if seconds > _LONG:
        warn(
            f"The kernel of {shape[0]} x {shape[1]} rows takes about {seconds:.0f} s. Use "
            "fewer rows, for instance by Nystroem, or RandomFeatures instead of the kernel."
        )


def diagonal(X, evaluate):
    """The diagonal of `pairwise(X, None, evaluate)`."""
    X = check_matrix("X", X, dtype=np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        lengths = scaled_rows(X).lengths
        out = evaluate(Pairs(lengths, lengths, np.zeros_like(lengths)), X.shape[1])[:, 0]
    require_finite(out)
    return out


def require_finite(kernel):
    """Raise if values of a kernel matrix of X and Y overflow."""
    if not np.isfinite(kernel).all():
        raise ValueError(
            "The kernel of `X` and `Y` must be finite; got values that overflow "
            f"{kernel.dtype}. Scale X and Y, for instance by StandardScaler, or use "
            "smaller scales or depth."
        )
