"""Matrices over all pairs of rows, from the Gaussian pair that two rows make."""

import numpy as np
from scipy import sparse
from sklearn.metrics.pairwise import check_pairwise_arrays
from sklearn.utils.extmath import row_norms, safe_sparse_dot

from skrf._blocks import row_blocks
from skrf._duals import Pairs
from skrf._validation import check_matrix, named_data

# Pairs whose versine (vercosine) is smaller are measured again by the difference (sum) of
# the rows: 1 - corr has an absolute error of some 1e-16, and the angle is about sqrt(2 v).
_NEARLY_PARALLEL = 1e-7
_FLOATS = [np.float64, np.float32]


def _row_pairs(X, Y, lengths, rows):
    """`Pairs` of the rows of X[rows] and of Y for p = <g, x>, g standard Gaussian."""
    x, (x_lengths, y_lengths) = X[rows], lengths
    p, q = x_lengths[rows, np.newaxis], y_lengths[np.newaxis]
    products = safe_sparse_dot(x, Y.T, dense_output=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = products / (p * q)
    cosine[~np.isfinite(cosine)] = 0.0  # of zeros, which have no direction
    versine, vercosine = 1 - cosine, 1 + cosine
    for found, sign in ((versine, -1), (vercosine, 1)):
        near = np.nonzero(found < _NEARLY_PARALLEL)
        for part in row_blocks(len(near[0]), X.shape[1]):
            i, j = near[0][part], near[1][part]
            one, other = _dense(x[i]) / p[i], _dense(Y[j]) / q[:, j].T
            found[i, j] = row_norms(one + sign * other, squared=True) / 2
        np.clip(found, 0, 2, out=found)
    return Pairs(p, q, versine, vercosine)


def _dense(rows):
    return rows.toarray() if sparse.issparse(rows) else rows


def pairwise(X, Y, evaluate):
    """The matrix evaluate(pairs, n_features), by blocks of rows; a number for two rows."""
    if Y is not None and np.ndim(X) == np.ndim(Y) == 1 and not sparse.issparse(X):
        return pairwise([X], [Y], evaluate)[0, 0]
    # One by one, because scikit-learn's check of pairs does not say which it refuses.
    X = check_matrix("X", X, dtype=_FLOATS)
    Y = X if Y is None else check_matrix("Y", Y, dtype=_FLOATS)
    with named_data():
        X, Y = check_pairwise_arrays(X, Y, accept_sparse="csr")
    out = np.empty((X.shape[0], Y.shape[0]), np.result_type(X, Y))
    X, Y = (array.astype(np.float64, copy=False) for array in (X, Y))
    lengths = tuple(row_norms(array) for array in (X, Y))
    with np.errstate(over="ignore", invalid="ignore"):
        for rows in row_blocks(*out.shape):
            out[rows] = evaluate(_row_pairs(X, Y, lengths, rows), X.shape[1])
    if not np.isfinite(out).all():
        raise ValueError(
            f"The kernel of X and Y overflows {out.dtype}. Scale them, for instance by "
            "StandardScaler, or use smaller scales or depth."
        )
    return out
