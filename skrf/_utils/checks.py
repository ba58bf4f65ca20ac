"""Arguments of functions, checked before any work: numbers, arrays of them, and names."""

import math
from numbers import Integral, Real

import numpy as np
from scipy import sparse


def is_number(value):
    """Whether a value is a real number that float64 holds; booleans are not."""
    if not isinstance(value, Real) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def own_integer(value):
    """What NumPy calls an integer as Python's own, which cannot overflow; else itself."""
    return int(value) if isinstance(value, np.integer) else value


def check_integer(name, value, least, why):
    """Python's own integer; ValueError for what is none from `least` on."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name}={value!r} must be an integer >= {least}: {why}.")
    return int(value)


def check_boolean(name, value):
    """Raise for what is not True or False: 0.5 or "no" would count as True."""
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{name}={value!r} must be True or False. Give one of them.")


def check_choice(name, value, table):
    """Raise for what is not a key of a table, which may be of any type."""
    if not isinstance(value, str) or value not in table:
        raise ValueError(
            f"{name}={value!r} is not known. Use one of {', '.join(map(str, table))}."
        )


def real_numbers(name, value):
    """An array of booleans, integers, floats or other real numbers, as NumPy makes it."""
    if sparse.issparse(value):
        raise ValueError(
            f"{name} must be a dense array; got a sparse one. Give {name}.toarray()."
        )
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(
            f"{name} must be an array of real numbers, but its rows have different "
            "lengths. Give every row as many numbers."
        ) from error
    if array.dtype.kind == "c":
        raise ValueError(
            f"{name} must be real. Complex data not supported: give np.real({name}) if the "
            "imaginary part may go."
        )
    wrong = array.dtype.kind not in "biufO" or (array.dtype.kind == "b" and array.ndim == 0)
    entries = array.ravel().tolist() if wrong or array.dtype.kind == "O" else []
    for entry in entries:
        if wrong or not isinstance(entry, Real):
            raise ValueError(
                f"{name} must be real numbers; got {entry!r} of type "
                f"{type(entry).__name__}. Give an array of floats."
            )
    return array


def real_array(name, value, ndim=None, *, finite=True):
    """A float64 array of real numbers; ValueError names what is wrong.

    Parameters
    ----------
    name : str
        What the caller calls it.
    value : array-like
        Anything; arrays of `ndim` dimensions must have an entry.
    ndim : int, default=None
        How many dimensions it must have; None means any number.
    finite : bool, default=True
        Whether NaN and infinity are refused.
    """
    array = real_numbers(name, value)
    if ndim is not None and (array.ndim != ndim or array.size == 0):
        rows = "one row and one column" if ndim == 2 else "one entry"
        raise ValueError(
            f"{name} must be {ndim}-D with at least {rows}; got shape {array.shape}. "
            f"Reshape {name}, or give more of it."
        )
    try:
        array = np.ascontiguousarray(array, np.float64).reshape(array.shape)
    except OverflowError as error:
        raise ValueError(
            f"{name} has an integer that is too large for float64. Scale {name}."
        ) from error
    if finite and not np.isfinite(array).all():
        raise ValueError(
            f"{name} must be finite; got {array[~np.isfinite(array)][0]}. Replace NaN and "
            "infinity."
        )
    return array
