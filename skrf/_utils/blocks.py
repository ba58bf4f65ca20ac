"""Row blocks of dense, sparse and memory-mapped input."""

import numpy as np
from scipy import sparse

from skrf._utils.array_api import namespace_of
from skrf._utils.blas import product

# Elements of a block: 8 MB in float64, about the size of the outer caches.
BLOCK_ELEMENTS = 2**20


def row_blocks(n_rows, elements_per_row, at_least=1):
    """Slices that cut `n_rows` rows into blocks of about `BLOCK_ELEMENTS` elements.

    A block has `at_least` rows, except for the last, because products with few rows are
    slow.
    """
    step = max(at_least, BLOCK_ELEMENTS // max(1, elements_per_row))
    return [slice(start, min(start + step, n_rows)) for start in range(0, n_rows, step)]


def is_frame(X):
    """Whether X is a data frame of pandas or polars."""
    return hasattr(X, "to_numpy") and hasattr(X, "columns")


def take_rows(X, rows):
    """Rows of an array, a sparse matrix or a data frame, by slice or by index."""
    if (space := namespace_of(X)) is not None:
        if isinstance(rows, slice):
            return X[rows, ...]
        return space.xp.take(X, space.array(rows), axis=0)
    return X.iloc[rows] if hasattr(X, "iloc") else X[rows]


def stack_rows(first, second):
    """The rows of two arrays, sparse matrices or data frames of pandas."""
    if hasattr(first, "iloc"):
        import pandas as pd  # type: ignore[import-untyped]

        return pd.concat([first, second])
    if sparse.issparse(first):
        return sparse.vstack([first, second], format="csr")
    return np.concatenate([first, second])


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
