"""Arguments of functions, checked before any work: numbers, arrays of them, and names."""

import math
import reprlib
from difflib import get_close_matches
from numbers import Integral, Real

import numpy as np
from scipy import sparse

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 80


def is_number(value):
    """Whether a value is a real number that float64 holds; booleans are not."""
    if not isinstance(value, Real) or isinstance(value, bool):
        return False
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def own_integer(value):
    """An integer of NumPy as Python's own, which cannot overflow; else the value."""
    return int(value) if isinstance(value, np.integer) else value


def short(value):
    """The repr of a value of any size, at most a line long."""
    return " ".join(_SHORT.repr(value).split())


def similar(value, names):
    """The name that was probably meant by a misspelt string, or None."""
    if not isinstance(value, str):
        return None
    by_lower_case = {name.lower(): name for name in sorted(names)}
    matches = get_close_matches(value.lower(), by_lower_case, n=1)
    return by_lower_case[matches[0]] if matches else None


def check_integer(name, value, least, remedy):
    """Python's own integer; ValueError for what is not an integer from `least` on.

    `remedy` is an imperative without a full stop.
    """
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ValueError(
            f"`{name}` must be an integer >= {least}; got {short(value)}. "
            f"{remedy[:1].upper()}{remedy[1:]}."
        )
    return int(value)


def check_boolean(name, value):
    """Raise for values other than True and False: 0.5 or "no" would count as True."""
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(
            f"`{name}` must be a bool; got {short(value)}. Pass True or False."
        )


def check_choice(name, value, table):
    """Raise for a value, of any type, that is not a key of a table of names."""
    if not isinstance(value, str) or value not in table:
        meant = similar(value, table)
        hint = "Use one of these." if meant is None else f"Did you mean {meant!r}?"
        raise ValueError(
            f"`{name}` must be one of {', '.join(map(repr, sorted(table)))}; got "
            f"{short(value)}. {hint}"
        )


def real_numbers(name, value):
    """An array of booleans, integers, floats or other real numbers, as NumPy makes it."""
    if sparse.issparse(value):
        raise ValueError(
            f"`{name}` must be a dense array; got a sparse one. Pass {name}.toarray()."
        )
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(
            f"`{name}` must be an array of real numbers; got rows of different lengths. "
            "Pass the same number of values in every row."
        ) from error
    if array.dtype.kind == "c":
        # scikit-learn's checks of estimators ask for the second sentence.
        raise ValueError(
            f"`{name}` must be real; got complex numbers. Complex data not supported. "
            f"Pass np.real({name}) if the imaginary part may be dropped."
        )
    wrong = array.dtype.kind not in "biufO" or (array.dtype.kind == "b" and array.ndim == 0)
    entries = array.ravel().tolist() if wrong or array.dtype.kind == "O" else []
    for entry in entries:
        # NumPy derives time differences from integers.
        if wrong or not isinstance(entry, Real) or isinstance(entry, np.timedelta64):
            raise ValueError(
                f"`{name}` must be real numbers; got {short(entry)} of type "
                f"{type(entry).__name__}. Pass an array of floats."
            )
    return array


def real_array(name, value, ndim=None, *, finite=True):
    """A float64 array of real numbers; ValueError names what is wrong.

    Parameters
    ----------
    name : str
        Its name in the caller's signature.
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
        remedy = f"Reshape `{name}`" if array.size else "Pass more values"
        raise ValueError(
            f"`{name}` must be {ndim}-D with at least {rows}; got shape {array.shape}. "
            f"{remedy}."
        )
    try:
        array = np.ascontiguousarray(array, np.float64).reshape(array.shape)
    except OverflowError as error:
        raise ValueError(
            f"`{name}` must fit into float64; got a larger integer. Scale `{name}`."
        ) from error
    if finite and not np.isfinite(array).all():
        raise ValueError(
            f"`{name}` must be finite; got {array[~np.isfinite(array)][0]}. Replace NaN "
            "and infinity."
        )
    return array
