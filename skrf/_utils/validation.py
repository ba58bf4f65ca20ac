"""Checks of parameters and data that several estimators use.

Only this file and `array_api` import private names of scikit-learn. Errors of scikit-learn
keep their class and their message; a note, which tracebacks show below the message, says
what to do.
"""

import functools
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from contextvars import ContextVar
from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import _fit_context
from sklearn.utils import validation
from sklearn.utils._available_if import _AvailableIfDescriptor
from sklearn.utils._param_validation import (
    Interval,
    validate_params,
)
from sklearn.utils._param_validation import StrOptions as _StrOptions
from sklearn.utils.multiclass import _check_partial_fit_first_call
from sklearn.utils.validation import _check_sample_weight

from skrf._utils.array_api import (
    require_dense_and_real,
    require_numpy,
    to_numpy,
    without_dispatch,
)
from skrf._utils.checks import own_integer, real_numbers, similar
from skrf._utils.dates import refuse_dates
from skrf._utils.typing import Function, KeepsSignature

__all__ = [
    "FINITE",
    "FRACTION",
    "NON_NEGATIVE",
    "NON_NEGATIVE_INTEGER",
    "POSITIVE",
    "POSITIVE_INTEGER",
    "PROBABILITY",
    "NumericInterval",
    "StrOptions",
    "available_with_reason",
    "check_arguments",
    "check_columns",
    "check_data",
    "check_matrix",
    "check_row_weights",
    "check_targets",
    "completed",
    "first_partial_fit",
    "fit_context",
    "one_of",
    "remedies_for",
    "remedies_for_targets",
    "require_outputs",
]

# scikit-learn has no types, so the functions that it decorates would have none either.
fit_context: KeepsSignature = _fit_context


def check_arguments(constraints: dict, **options: bool) -> Callable[[Function], Function]:
    """scikit-learn's decorator; converts NumPy's integers to Python's own."""

    def decorate(function):
        @functools.wraps(function)
        def with_own_integers(*arguments, **keywords):
            return function(
                *map(own_integer, arguments),
                **{name: own_integer(value) for name, value in keywords.items()},
            )

        return validate_params(constraints, **options)(with_own_integers)

    return decorate


class NumericInterval(Interval):
    """scikit-learn's constraint, but booleans are not numbers."""

    def is_satisfied_by(self, value):
        """Whether the value is a number of the interval."""
        return not isinstance(value, bool) and super().is_satisfied_by(value)


# An open right end leaves infinity out; NaN is in no interval.
POSITIVE_INTEGER = NumericInterval(Integral, 1, None, closed="left")
NON_NEGATIVE_INTEGER = NumericInterval(Integral, 0, None, closed="left")
POSITIVE = NumericInterval(Real, 0, None, closed="neither")
NON_NEGATIVE = NumericInterval(Real, 0, None, closed="left")
# FRACTION excludes 0 and 1; PROBABILITY includes both.
FRACTION = NumericInterval(Real, 0, 1, closed="neither")
PROBABILITY = NumericInterval(Real, 0, 1, closed="both")
FINITE = NumericInterval(Real, None, None, closed="neither")


# What a StrOptions refused last. scikit-learn writes the constraint into its message right
# after the refusal, but does not say which value was refused.
_refused: ContextVar[Any] = ContextVar("_refused", default=None)


class StrOptions(_StrOptions):
    """scikit-learn's constraint; the error sorts the options and suggests one of them."""

    def is_satisfied_by(self, value):
        """Whether the value is one of the options."""
        is_satisfied = super().is_satisfied_by(value)
        _refused.set(None if is_satisfied else value)
        return is_satisfied

    def __str__(self):
        options = ", ".join(map(repr, sorted(self.options)))
        meant = similar(_refused.get(), self.options)
        _refused.set(None)
        hint = "" if meant is None else f" (did you mean {meant!r}?)"
        return f"a str among {{{options}}}{hint}"


def one_of(table):
    """The constraint "a key of this table"; the error lists the keys."""
    return StrOptions(set(table))


# --------------------------------------------------------------------------- methods


class _AvailableIf(_AvailableIfDescriptor):
    """scikit-learn's conditional method; the error includes the reason."""

    def _check(self, obj, owner):
        try:
            super()._check(obj, owner)
        except AttributeError as error:
            raise AttributeError(f"{error}: {error.__cause__}") from error.__cause__


def available_with_reason(check: Callable[[Any], bool]) -> Callable[[Function], Function]:
    """A decorator like scikit-learn's; `check` raises AttributeError with a reason."""
    return lambda method: _AvailableIf(method, check, method.__name__)


# ------------------------------------------------------------------------------ data


@contextmanager
def completed(before="", after=""):
    """Add a note to the errors of a block: `after`, with `before` and a colon before it."""
    with _noted(lambda: f"{before}: {after}" if before else after):
        yield


@contextmanager
def remedies_for(name, X):
    """Add a note to scikit-learn's errors about a matrix of finite numbers."""
    with _noted(lambda: _remedy(name, X)):
        yield


@contextmanager
def remedies_for_targets(y):
    """Add a note to scikit-learn's errors about checked targets or labels."""
    with _noted(lambda: _remedy_for_targets(y, several_outputs=False)):
        yield


@contextmanager
def _noted(find_remedy: Callable[[], str | None]):
    """Call a function in the case of an error, for the note to add to the error."""
    try:
        # scikit-learn sums X to look for NaN, and casts labels to look for fractions.
        with np.errstate(over="ignore", invalid="ignore"):
            yield
    except (TypeError, ValueError) as error:
        remedy = find_remedy()
        if remedy is not None:
            error.add_note(remedy)
        raise


def _remedy(name, X, *, allow_nan=False):
    """What to do about the first fault of a matrix, or None.

    In the order in which scikit-learn looks: entries, dimensions, NaN and infinity.
    """
    X = to_numpy(X)
    try:
        entries = X.data if issparse(X) else np.asarray(X)
    except ValueError:
        return f"Pass the same number of values in each row of `{name}`."
    if entries.dtype.kind == "c":
        return f"Pass real numbers, for instance {name}.real."
    try:
        # A data frame may have missing values that only the data frame converts to NaN.
        numbers = np.asarray(X.astype(float) if hasattr(X, "iloc") else entries)
        numbers = numbers.astype(np.float64)
    except (TypeError, ValueError):
        return f"Encode text in `{name}` as numbers, for instance by OneHotEncoder."
    shape = _shape(X)
    if len(shape) != 2:
        return f"Pass `{name}` as a 2-D array with one row per sample."
    for length, what in zip(shape, ("row", "column"), strict=True):
        if length == 0:
            return f"Pass at least one {what} in `{name}`."
    if np.isnan(numbers).any() and not allow_nan:
        return f"Replace NaN in `{name}`, for instance by SimpleImputer."
    if np.isinf(numbers).any():
        return f"Replace infinity in `{name}`, and scale values that are too large."
    return None


def _remedy_for_targets(y, *, several_outputs):
    """What to do about the first fault of targets or labels, or None."""
    array = np.asarray(to_numpy(y))
    if array.dtype.kind == "f" and np.isnan(array).any():
        return "Drop the rows where `y` is NaN."
    if array.dtype.kind == "f" and np.isinf(array).any():
        return "Replace infinity in `y`, and scale values that are too large."
    if array.ndim > 1 and not several_outputs:
        return "Pass `y` as a 1-D array, for instance y.ravel()."
    return None


def _remedy_for_data(
    estimator, X, y, *, reset=True, ensure_all_finite=True, multi_output=False, **options
):
    """What to do about the first fault of X, y, or the two together, or None."""
    if not reset and _other_names(estimator, X):
        return _OTHER_NAMES
    remedy = _remedy("X", X, allow_nan=ensure_all_finite is not True)
    if remedy is None and y is not None:
        remedy = _remedy_for_targets(y, several_outputs=multi_output)
        if remedy is None and _shape(y)[:1] != _shape(X)[:1]:
            remedy = "Pass as many entries in `y` as there are rows in `X`."
    if remedy is None and not reset and _shape(X)[1] != estimator.n_features_in_:
        remedy = _OTHER_NUMBER
    return remedy


_OTHER_NAMES = "Pass the columns of `fit` in `X`, in the same order."
_OTHER_NUMBER = "Pass `X` with as many columns as in `fit`."


def _other_names(estimator, X):
    """Whether the columns of a data frame have other names than in `fit`."""
    names = getattr(estimator, "feature_names_in_", None)
    return names is not None and hasattr(X, "columns") and list(X.columns) != list(names)


def _shape(array):
    return array.shape if hasattr(array, "shape") else np.asarray(array).shape


def _one_entry_each(X):
    """X, or a copy of a sparse X in which duplicate entries are summed.

    The squares of duplicate entries are not the squares of the matrix.
    """
    if not issparse(X) or X.has_canonical_format:
        return X
    X = X.copy()
    X.sum_duplicates()
    return X


def check_matrix(name, X, **options):
    """scikit-learn's check of a matrix, dense or CSR; errors have a remedy as a note."""
    refuse_dates(name, X)
    require_numpy("kernels", X, name)
    with remedies_for(name, X):
        return _one_entry_each(
            validation.check_array(X, accept_sparse="csr", input_name=name, **options)
        )


def check_data(estimator, X, *y, dates=False, arrays=False, **options):
    """scikit-learn's check of X, and of y; errors have a remedy as a note.

    `dates` says whether X may have dates, and `arrays` whether X may be an array of another
    namespace than NumPy's.
    """
    if not dates:
        refuse_dates("X", X)
    if arrays:
        require_dense_and_real(X)
    else:
        require_numpy(f"{type(estimator).__name__}, which has no array API support", X)

    def find_remedy():
        return _remedy_for_data(estimator, X, *(y or [None]), **options)

    with _noted(find_remedy):
        checked = validation.validate_data(estimator, X, *y, **options)
    if isinstance(checked, tuple):
        return _one_entry_each(checked[0]), *checked[1:]
    return _one_entry_each(checked)


def check_columns(estimator, X, *, dates=False):
    """Check names and number of the columns as in `fit`; X may have no rows."""
    if not dates:
        refuse_dates("X", X)
    remedy = _OTHER_NAMES if _other_names(estimator, X) else _OTHER_NUMBER
    with completed(after=remedy), warnings.catch_warnings():
        # The check of the rows warns of names, too.
        warnings.filterwarnings("ignore", "X (has|does not have valid) feature names")
        validation.validate_data(estimator, X, reset=False, skip_check_array=True)


def check_row_weights(sample_weight, X, *, dtype, **options):
    """scikit-learn's check of weights of rows; large ones must fit into `dtype`.

    The result is NumPy's array, also for rows on another device.
    """
    remedy = (
        f"Pass one finite number >= 0 of {np.dtype(dtype)} for each row as "
        "`sample_weight`, not all 0."
    )
    sample_weight = to_numpy(sample_weight)
    if sample_weight is not None and not isinstance(sample_weight, Real):
        real_numbers("sample_weight", sample_weight)
    with completed(after=remedy), without_dispatch():
        return _check_sample_weight(sample_weight, X, dtype=dtype, **options)


def first_partial_fit(estimator, classes):
    """Take the classes of the first call of `partial_fit`, and compare later ones.

    Sets `classes_` to NumPy's array.
    """
    remedy = (
        "Pass all labels that will occur as `classes` to the first call of partial_fit, "
        "and the same classes or None to later calls."
    )
    if hasattr(estimator, "classes_"):
        estimator.classes_ = to_numpy(estimator.classes_)
    classes = to_numpy(classes)
    with completed(after=remedy), without_dispatch():
        return _check_partial_fit_first_call(estimator, classes)


def check_targets(y):
    """Raise for targets of a regression that are not real numbers, in rows."""
    if y is None:
        return
    shape = real_numbers("y", y).shape
    require_outputs(shape)
    if len(shape) not in (1, 2):
        raise ValueError(
            f"`y` must be 1-D, or 2-D for several outputs; got shape {shape}. Pass one row "
            "per sample."
        )


def require_outputs(shape):
    """Raise for the shape of targets or labels without columns."""
    if len(shape) == 2 and shape[1] == 0:
        raise ValueError(
            f"`y` must have at least one column; got shape {shape}. Every row of X needs a "
            "target, so y must be of shape (n_samples,) or (n_samples, n_outputs)."
        )
