"""Row blocks of dense, sparse and memory-mapped input."""

import numpy as np
from scipy import sparse

from skrf._blas import product

# Elements of one block: 8 MB in float64, within reach of the outer caches.
BLOCK_ELEMENTS = 2**20


def row_blocks(n_rows, elements_per_row):
    """Slices that cut `n_rows` rows into blocks of about `BLOCK_ELEMENTS` elements."""
    step = max(1, BLOCK_ELEMENTS // max(1, elements_per_row))
    return [slice(start, min(start + step, n_rows)) for start in range(0, n_rows, step)]


def dense_rows(X, rows):
    """Rows of X, by slice or by index, as a contiguous dense array."""
    picked = X[rows]
    return picked.toarray() if sparse.issparse(picked) else np.ascontiguousarray(picked)


def multiply(X, weights, out):
    """out <- X weights^T for dense or sparse X."""
    if sparse.issparse(X):
        out[...] = X @ weights.T
    else:
        product(X, weights.T, out)
