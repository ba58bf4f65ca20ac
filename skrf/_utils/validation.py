"""The one place that imports private names of scikit-learn, and the checks of parameters
and data that several estimators share.

scikit-learn's own messages are kept, with the name of the argument before them and what to
do after them where they lack it.
"""

import functools
import re
from collections.abc import Callable
from contextlib import contextmanager
from numbers import Integral, Real
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import _fit_context
from sklearn.utils import compute_class_weight, validation
from sklearn.utils._available_if import _AvailableIfDescriptor
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    StrOptions,
    validate_params,
)
from sklearn.utils.multiclass import (
    _check_partial_fit_first_call,
    check_classification_targets,
)
from sklearn.utils.validation import _check_sample_weight

from skrf._utils.checks import own_integer, real_numbers
from skrf._utils.typing import Function, KeepsSignature

__all__ = [
    "BIAS",
    "DIMENSION",
    "FINITE",
    "FRACTION",
    "NON_NEGATIVE",
    "NON_NEGATIVE_INTEGER",
    "POSITIVE",
    "POSITIVE_INTEGER",
    "PROBABILITY",
    "RANDOM_STATE",
    "HasMethods",
    "NumericInterval",
    "StrOptions",
    "available_with_reason",
    "check_arguments",
    "check_data",
    "check_labels",
    "check_matrix",
    "check_row_weights",
    "check_targets",
    "completed",
    "first_partial_fit",
    "fit_context",
    "named_data",
    "one_of",
    "signs_of_labels",
    "weights_of_labels",
]

# scikit-learn has no types: what it decorates would have none either.
fit_context: KeepsSignature = _fit_context


def check_arguments(constraints: dict, **options: bool) -> Callable[[Function], Function]:
    """scikit-learn's decorator; the function is given Python's own integers."""

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
# Of Gaussian inputs whose spectra take less than minutes.
DIMENSION = NumericInterval(Integral, 2, 2000, closed="both")
FRACTION = NumericInterval(Real, 0, 1, closed="neither")
RANDOM_STATE = ["random_state"]
# Of a neuron ||w|| = 1: below, it is never on as far as floats can tell.
BIAS = [NumericInterval(Real, -35, 1000, closed="both")]
PROBABILITY = NumericInterval(Real, 0, 1, closed="both")
FINITE = NumericInterval(Real, None, None, closed="neither")


def one_of(table):
    """The constraint "a key of this table"; the error lists the keys."""
    return StrOptions(set(table))


# --------------------------------------------------------------------------- methods


class _AvailableIf(_AvailableIfDescriptor):
    """scikit-learn's method that exists under a condition; the error says why not."""

    def _check(self, obj, owner):
        try:
            super()._check(obj, owner)
        except AttributeError as error:
            raise AttributeError(f"{error}: {error.__cause__}") from error.__cause__


def available_with_reason(check: Callable[[Any], bool]) -> Callable[[Function], Function]:
    """A decorator like scikit-learn's; `check` raises AttributeError with a reason."""
    return lambda method: _AvailableIf(method, check, method.__name__)


# ------------------------------------------------------------------------------ data

# What an error of scikit-learn has in it -> (what to put before it, what after it).
_COMPLETIONS = {
    r"string to float|must be a string": (
        "X must be numbers",
        "Encode text, for instance by OneHotEncoder.",
    ),
    "Complex data": ("X must be real", "Give its real part, X.real."),
    "inhomogeneous": ("X must have rows of one length", "Give as many numbers in each."),
    r"Expected 2D|dimensions?\b.* expected|Found array with dim": (
        "X must be 2-D",
        "Give one row per sample.",
    ),
    r"\b0 sample": ("X must have rows", "Give at least one."),
    r"\b0 feature": ("X must have columns", "Give at least one."),
    "Incompatible dim": ("", "Give X and Y the same columns."),
    "features, but": ("", "Give as many columns as in fit."),
    "feature names should match": ("X has other columns", "Give those of fit in order."),
    "inconsistent numbers": ("X and y must have as many rows", "Drop what is too many."),
    "Input [XY] contains NaN": ("", "Replace NaN, for instance by SimpleImputer."),
    "Input y contains NaN": ("", "Drop the rows where y is NaN."),
    "infinity": ("", "Replace infinity, and scale what is too large."),
    "1d array": ("", "Give y as a 1-D array, for instance y.ravel()."),
}


@contextmanager
def completed(before="", after=""):
    """Put a name before the message of an error, and a remedy after it."""
    try:
        yield
    except (TypeError, ValueError) as error:
        message = str(error).rstrip()
        if message.startswith("Complex data"):
            message = message.splitlines()[0]  # The array follows.
        message = f"{before}: {message}" if before else message
        if after:
            ends_in_list = message.splitlines()[-1].startswith("- ")
            gap = "\n" if ends_in_list else " " if message.endswith(".") else ". "
            message += gap + after
        kind = ValueError if isinstance(error, ValueError) else TypeError
        raise kind(message) from error


@contextmanager
def named_data(name="X"):
    """Complete the errors of scikit-learn's checks of X, or of what has another name."""
    try:
        # The sum by which they look for NaN may overflow, in both directions.
        with np.errstate(over="ignore", invalid="ignore"):
            yield
    except (TypeError, ValueError) as error:
        for pattern, (before, after) in _COMPLETIONS.items():
            if re.search(pattern, str(error)):
                with completed(
                    before.replace("X", name, 1), after.replace("X.", f"{name}.")
                ):
                    raise
        raise


def _one_entry_each(X):
    """X, or a copy of a sparse X that has several entries for a place, with their sums.

    SciPy's sparse matrices may, and squares of their entries are not those of the matrix.
    """
    if not issparse(X) or X.has_canonical_format:
        return X
    X = X.copy()
    X.sum_duplicates()
    return X


def check_matrix(name, X, **options):
    """scikit-learn's check of a matrix, dense or CSR; errors have its name in them."""
    with named_data(name):
        return _one_entry_each(
            validation.check_array(X, accept_sparse="csr", input_name=name, **options)
        )


def check_data(estimator, X, *y, **options):
    """scikit-learn's check of X, and of y; errors name what is wrong and a remedy."""
    with named_data():
        checked = validation.validate_data(estimator, X, *y, **options)
    if isinstance(checked, tuple):
        return _one_entry_each(checked[0]), *checked[1:]
    return _one_entry_each(checked)


def check_row_weights(sample_weight, X, *, dtype, **options):
    """scikit-learn's check of weights of rows; large ones must fit into `dtype`."""
    remedy = (
        f"Give one finite number >= 0 of {np.dtype(dtype)} for each row as sample_weight, "
        "not all 0."
    )
    if sample_weight is not None and not isinstance(sample_weight, Real):
        real_numbers("sample_weight", sample_weight)
    with completed("sample_weight", remedy), np.errstate(over="ignore", invalid="ignore"):
        return _check_sample_weight(sample_weight, X, dtype=dtype, **options)


def first_partial_fit(estimator, classes):
    """Take the classes of the first call of `partial_fit`, and compare those of others."""
    remedy = "Give all labels that will come as classes; later the same ones, or None."
    with completed(after=remedy):
        return _check_partial_fit_first_call(estimator, classes)


def check_targets(y):
    """Raise for targets of a regression that are not real numbers, in rows."""
    if y is None:
        return
    shape = real_numbers("y", y).shape
    if len(shape) not in (1, 2):
        raise ValueError(
            f"y must be 1-D, or 2-D for several outputs; got shape {shape}. Give one row "
            "per sample."
        )


def check_labels(y):
    """Raise for labels that are none, or have no common order."""
    if not isinstance(y, np.ndarray) or y.dtype.kind == "O":
        # As objects: NumPy would make strings of numbers that stand beside strings.
        entries = np.asarray(y, dtype=object).ravel().tolist()
        types = {str if isinstance(entry, str) else type(entry) for entry in entries}
        if str in types and len(types) > 1:
            names = ", ".join(sorted(kind.__name__ for kind in types))
            raise ValueError(
                f"y has labels of different types, {names}, which have no order. Give all "
                "as strings, or all as numbers."
            )
    remedy = "Give classes as y, or use the regressor for numbers."
    # To see whether they are whole, scikit-learn casts them to integers, NaN too.
    with completed("y must be labels", remedy), np.errstate(invalid="ignore"):
        check_classification_targets(y)


def weights_of_labels(class_weight, classes, y):
    """The factor of the weight of every row, by its label."""
    remedy = 'Give a finite number >= 0 for each class of y, or "balanced".'
    with completed(f"class_weight={class_weight!r}", remedy):
        # Of all classes, some of which a chunk may lack.
        factors = compute_class_weight(class_weight, classes=classes, y=y)
        if not (np.isfinite(factors).all() and factors.min() >= 0 and factors.any()):
            raise ValueError("must have finite weights >= 0, and not all 0")
    return factors[np.searchsorted(classes, y)]


def signs_of_labels(y, classes, dtype, name):
    """Targets in {-1, 1}: one column for two classes, else one for each.

    `name` is that of the estimator, for the errors.
    """
    if len(classes) < 2:
        raise ValueError(
            f"{name} needs samples of at least 2 classes; y has 1 class, "
            f"{classes.tolist()[0]!r}. Add samples of another class."
        )
    found, codes = np.unique(y, return_inverse=True)
    unknown = np.setdiff1d(found, classes).tolist()
    if unknown:
        raise ValueError(
            f"y has the label {unknown[0]!r}, which is not among the classes "
            f"{classes.tolist()} of the first call. Name every class there, or fit a "
            "clone."
        )
    codes = np.searchsorted(classes, found)[codes]
    columns = [1] if len(classes) == 2 else np.arange(len(classes))
    return np.where(codes[:, np.newaxis] == columns, 1, -1).astype(dtype)
