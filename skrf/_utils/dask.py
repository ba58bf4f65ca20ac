"""Dask arrays and data frames: passes over their blocks, and lazy predictions.

The only file that imports dask. Work runs on whatever scheduler is active: threads, or a
`distributed.Client`. The blocks of a pass are independent and their results are merged in
a tree, so that the blocks of a worker that dies are made again elsewhere.
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
    """dask, or an error that names the extra."""
    try:
        import dask
        import dask.array
    except ImportError as error:
        raise ImportError(
            "Dask input needs the extra 'dask': python -m pip install "
            '"scikit-random-features[dask]".'
        ) from error
    return dask


def partitions(X, y, sample_weight):
    """One (X, y, weights or None) of delayed blocks for every block of rows of X."""
    if y is None:
        raise ValueError("Fitting requires y to be passed, but the target y is None.")
    blocks = _row_blocks(X)
    columns = [blocks]
    for name, given in (("y", y), ("sample_weight", sample_weight)):
        if given is None:
            columns.append([None] * len(blocks))
            continue
        column = _row_blocks(_like_rows_of(X, given, name))
        if len(column) != len(blocks):
            raise ValueError(
                f"{name} has {len(column)} blocks and X has {len(blocks)}. Give both the "
                "same blocks of rows."
            )
        columns.append(column)
    return list(zip(*columns, strict=True))


def _row_blocks(X):
    """Delayed blocks of rows, each with all columns."""
    if hasattr(X, "rechunk"):
        X = X.rechunk({1: -1}) if X.ndim == 2 else X
        return list(X.to_delayed().ravel())
    return list(X.to_delayed())


def _like_rows_of(X, given, name):
    """y or weights as a Dask collection with the blocks of X, where these are known."""
    known = hasattr(X, "chunks") and not np.isnan(X.chunks[0]).any()
    if not is_dask(given):
        if not known:
            raise ValueError(
                f"X is a Dask collection with blocks of unknown length and {name} is in "
                f"memory. Give {name} as a Dask collection with the same blocks."
            )
        given = np.asarray(given)
        if given.ndim == 0 and name == "sample_weight":
            given = np.full(X.shape[0], given)
        if given.ndim == 0:
            raise ValueError(
                f"{name} must have one row for each of X; got {given}. Give an array."
            )
        if len(given) != X.shape[0]:
            raise ValueError(
                f"{name} has {len(given)} rows, but X has {X.shape[0]}. Give one per row."
            )
        array = import_dask().array
        return array.from_array(
            given, chunks=(X.chunks[0], *((n,) for n in given.shape[1:]))
        )
    if hasattr(given, "rechunk") and known and not np.isnan(given.chunks[0]).any():
        if given.shape[0] != X.shape[0]:
            raise ValueError(
                f"{name} has {given.shape[0]} rows, but X has {X.shape[0]}. Give one per "
                "row."
            )
        rechunked = given.rechunk({0: X.chunks[0]})
        return rechunked.rechunk({1: -1}) if given.ndim == 2 else rechunked
    return given


def _head(block):
    return None if block is None else block[:1]


def first_rows_of(parts):
    """The first row of X, y and weights, from the first block that has one."""
    dask = import_dask()
    for part in parts:
        first = dask.compute(*(dask.delayed(_head)(block) for block in part))
        if first[0].shape[0]:
            return first
    raise ValueError("X has 0 samples. Give at least one row.")


def first_rows(X):
    """The first row of X."""
    return first_rows_of([(block,) for block in _row_blocks(X)])[0]


def distinct(parts):
    """The distinct labels in y."""
    dask = import_dask()
    found = dask.compute(*(dask.delayed(np.unique)(y) for _, y, _ in parts))
    return np.unique(np.concatenate(found))


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
    """The dtype of what is computed from X: float32 stays float32."""
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
    """function(block), also for a block that a filter has left without rows."""
    return function(block) if block.shape[0] else of_nothing
