"""Dask arrays and data frames: passes over their blocks, and lazy predictions.

No other file imports dask. Work runs on the active scheduler: threads, or a
`distributed.Client`. The blocks of a pass are independent, and their results are merged in
a tree. The blocks of a worker that dies are computed again on another worker.
"""

import copy
import sys
import warnings
from functools import partial

import numpy as np

# Results that are merged at a time.
_BRANCHES = 4


def is_dask(X):
    """Whether X is a Dask collection."""
    return "dask" in sys.modules and sys.modules["dask"].is_dask_collection(X)


def import_dask():
    """dask; an error names the extra that installs it."""
    try:
        import dask
        import dask.array
    except ImportError as error:
        raise ImportError(
            "Dask input needs the extra 'dask'. Use python -m pip install "
            '"scikit-random-features[dask]".'
        ) from error
    return dask


def partitions(X, y, sample_weight):
    """A list of (X, y, weights or None), delayed, for every block of rows of X."""
    if y is None:
        raise ValueError("Fitting requires y to be passed, but the target y is None.")
    blocks = _row_blocks(X)
    columns = [blocks]
    for name, rows in (("y", y), ("sample_weight", sample_weight)):
        if rows is None:
            columns.append([None] * len(blocks))
            continue
        column = _row_blocks(_like_rows_of(X, rows, name))
        if len(column) != len(blocks):
            raise ValueError(
                f"`{name}` must have the blocks of rows of X, {len(blocks)} blocks; got "
                f"{len(column)} blocks. Pass both with the same blocks."
            )
        columns.append(column)
    return list(zip(*columns, strict=True))


def _row_blocks(X):
    """Delayed blocks of rows, each with all columns."""
    if hasattr(X, "rechunk"):
        X = X.rechunk({1: -1}) if X.ndim == 2 else X
        return list(X.to_delayed().ravel())
    return list(X.to_delayed())


def _like_rows_of(X, rows, name):
    """y or weights as a Dask collection, with the blocks of X if these are known."""
    known = hasattr(X, "chunks") and not np.isnan(X.chunks[0]).any()
    if not is_dask(rows):
        if not known:
            raise ValueError(
                f"`{name}` must be a Dask collection if X has blocks of unknown length; "
                f"got {name} in memory. Pass {name} with the blocks of X."
            )
        rows = np.asarray(rows)
        if rows.ndim == 0 and name == "sample_weight":
            rows = np.full(X.shape[0], rows)
        if rows.ndim == 0:
            raise ValueError(
                f"`{name}` must have one entry per row of X, {X.shape[0]}; got the number "
                f"{rows}. Pass an array."
            )
        if len(rows) != X.shape[0]:
            raise _wrong_length(name, X, rows)
        array = import_dask().array
        return array.from_array(rows, chunks=(X.chunks[0], *((n,) for n in rows.shape[1:])))
    if hasattr(rows, "rechunk") and known and not np.isnan(rows.chunks[0]).any():
        if rows.shape[0] != X.shape[0]:
            raise _wrong_length(name, X, rows)
        rechunked = rows.rechunk({0: X.chunks[0]})
        return rechunked.rechunk({1: -1}) if rows.ndim == 2 else rechunked
    return rows


def _wrong_length(name, X, rows):
    return ValueError(
        f"`{name}` must have one entry per row of X, {X.shape[0]}; got {rows.shape[0]}. "
        "Pass one entry per row."
    )


def _head(block):
    return None if block is None else block[:1]


def first_rows_of(parts):
    """The first row of X, y and weights, from the first block that has one."""
    dask = import_dask()
    for part in parts:
        first = dask.compute(*(dask.delayed(_head)(block) for block in part))
        if first[0].shape[0]:
            return first
    raise ValueError("X has 0 samples. Pass at least one row.")


def first_rows(X):
    """The first row of X."""
    return first_rows_of([(block,) for block in _row_blocks(X)])[0]


def no_rows(X):
    """An empty array or data frame with the columns of X, or None if they are unknown."""
    if hasattr(X, "columns"):
        return X._meta
    if X.ndim != 2 or np.isnan(X.shape[1]):
        return None
    return np.empty((0, X.shape[1]), X.dtype)


def distinct(parts):
    """The distinct labels in y."""
    dask = import_dask()
    labels = dask.compute(*(dask.delayed(np.unique)(y) for _, y, _ in parts))
    return np.unique(np.concatenate(labels))


def reduce_parts(function, merge, parts):
    """merge(total, other) over function(*part) of all parts, computed now, in a tree.

    The two functions are sent once, and not with every part: they may carry large arrays.
    """
    dask = import_dask()
    shared = dask.delayed((function, merge), traverse=False)
    results = [dask.delayed(_apply)(shared, *part) for part in parts]
    while len(results) > 1:
        results = [
            dask.delayed(_merge)(shared, results[k : k + _BRANCHES])
            for k in range(0, len(results), _BRANCHES)
        ]
    with warnings.catch_warnings():
        # Every part needs all that the functions carry.
        warnings.filterwarnings("ignore", "Sending large graph", UserWarning)
        (total,) = dask.compute(results[0])
    return total


def _apply(shared, *part):
    function, _ = shared
    return function(*part)


def _merge(shared, results):
    _, merge = shared
    # Results may be asked for again, so the first one is not changed.
    total = copy.deepcopy(results[0])
    for other in results[1:]:
        total = merge(total, other)
    return total


def dtype_of(X):
    """The dtype of results for X: float32 stays float32, others are float64."""
    dtypes = np.atleast_1d(
        np.asarray(X.dtypes if hasattr(X, "dtypes") else X.dtype, dtype=object)
    )
    return np.dtype(np.float32 if all(d == np.float32 for d in dtypes) else np.float64)


def map_rows(function, X, n_outputs, dtype):
    """function(block) for every block of rows of X, as a lazy Dask array.

    `n_outputs` is the number of columns of its results, or None for 1-D results.
    """
    import_dask()
    sample = np.empty((0,) if n_outputs is None else (0, n_outputs), dtype)
    of_block = partial(_of_block, function, sample)
    if not hasattr(X, "rechunk"):
        return X.map_partitions(of_block, meta=sample)
    X = X.rechunk({1: -1})
    shape = {"drop_axis": 1}
    if n_outputs is not None:
        shape = {"chunks": (X.chunks[0], (n_outputs,))}
    return X.map_blocks(of_block, meta=sample, **shape)


def _of_block(function, of_nothing, block):
    """function(block), or `of_nothing` for a block that a filter has left empty."""
    return function(block) if block.shape[0] else of_nothing
