"""The one place that imports private names of scikit-learn, and the parameter checks
that several modules share.
"""

from numbers import Integral, Real

import numpy as np
from sklearn.base import _fit_context
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    StrOptions,
)
from sklearn.utils._param_validation import validate_params as _validate_params
from sklearn.utils.metaestimators import available_if as _available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call as first_partial_fit
from sklearn.utils.validation import _check_sample_weight as check_sample_weight

from skrf._typing import KeepsSignature

__all__ = [
    "FINITE",
    "FRACTION",
    "NON_NEGATIVE",
    "NON_NEGATIVE_INTEGER",
    "POSITIVE",
    "POSITIVE_INTEGER",
    "PROBABILITY",
    "HasMethods",
    "Interval",
    "StrOptions",
    "available_if",
    "check_sample_weight",
    "first_partial_fit",
    "fit_context",
    "one_of",
    "signs_of_labels",
    "validate_params",
]

# scikit-learn has no types: what it decorates would have none either.
fit_context: KeepsSignature = _fit_context
validate_params: KeepsSignature = _validate_params
available_if: KeepsSignature = _available_if

# An open right end leaves infinity out; NaN is in no interval.
POSITIVE_INTEGER = Interval(Integral, 1, None, closed="left")
NON_NEGATIVE_INTEGER = Interval(Integral, 0, None, closed="left")
POSITIVE = Interval(Real, 0, None, closed="neither")
NON_NEGATIVE = Interval(Real, 0, None, closed="left")
FRACTION = Interval(Real, 0, 1, closed="neither")
PROBABILITY = Interval(Real, 0, 1, closed="both")
FINITE = Interval(Real, None, None, closed="neither")


def one_of(table):
    """The constraint "a key of this table"; the error lists the keys."""
    return StrOptions(set(table))


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
