"""Refuses dates and time differences where numbers are wanted.

NumPy converts them to integers in the unit of their dtype, so the same dates in days and in
seconds would differ by a factor of 86,400, and a missing date would be -9.2e18.
"""

from contextlib import suppress
from datetime import date, time, timedelta

import numpy as np
from scipy.sparse import issparse

from skrf._utils.array_api import namespace_of
from skrf._utils.dask import is_dask

# pandas.Timestamp, Timedelta and NaT are subclasses of these; Period is not.
_TIMES = date, time, timedelta, np.datetime64, np.timedelta64
_DIFFERENCES = timedelta, np.timedelta64


def refuse_dates(name, X):
    """Raise ValueError for a matrix with a column of dates or time differences.

    Takes arrays, lists, data frames of pandas and polars, and Dask collections. Only the
    dtypes of Dask collections are checked.
    """
    for label, dtype, column in _columns(X):
        what = _kind_of_dtype(dtype)
        if what is None and str(getattr(dtype, "kind", "O")) == "O":
            what = _kind_of_entries(column())
        if what is not None:
            where = f" in {label}" if label else ""
            example = "days since a fixed date" if what == "dates" else "days"
            raise ValueError(
                f"`{name}` must be numbers; got {what}{where}, of dtype {dtype}. Pass "
                f"numbers, such as {example}."
            )


def _columns(X):
    """(Label, dtype, function that returns the entries) of columns of equal dtype."""
    if issparse(X) or namespace_of(X) is not None:
        return
    if hasattr(X, "columns") and hasattr(X, "dtypes"):
        for k, (name, dtype) in enumerate(zip(X.columns, X.dtypes, strict=True)):
            yield f"column {name!r}", dtype, lambda k=k: _entries(X, k)
        return
    if not hasattr(X, "dtype"):
        try:
            X = np.asarray(X)
        except (TypeError, ValueError):  # ragged rows, which scikit-learn refuses
            return
    if str(getattr(X.dtype, "kind", "")) == "O" and X.ndim == 2 and not is_dask(X):
        for k in range(X.shape[1]):
            yield f"column {k}", X.dtype, lambda k=k: _entries(X, k)
        return
    yield "", X.dtype, lambda: _entries(X)


def _entries(X, k=None):
    """The entries of a column of X, or of all of X; none of a Dask collection."""
    if is_dask(X):
        return np.empty(0)
    if k is not None:
        X = X.iloc[:, k] if hasattr(X, "iloc") else X[:, k]
    return np.asarray(X, dtype=object).ravel()


def _kind_of_dtype(dtype):
    """What a dtype of NumPy, pandas or polars is: dates, time differences or None."""
    kind = str(getattr(dtype, "kind", ""))
    if kind in ("M", "m"):
        return "dates" if kind == "M" else "time differences"
    with suppress(AttributeError):
        if dtype.is_temporal():
            return "time differences" if str(dtype).startswith("Duration") else "dates"
    return None


def _kind_of_entries(column):
    """What the first date or time difference among the entries is, or None."""
    for entry in column:
        if isinstance(entry, _TIMES) or type(entry).__name__ == "Period":
            return "time differences" if isinstance(entry, _DIFFERENCES) else "dates"
    return None
