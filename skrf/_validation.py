"""The one place that imports private names of scikit-learn, and the parameter checks
that several modules share.
"""

from numbers import Integral, Real

from sklearn.base import _fit_context as fit_context
from sklearn.utils._param_validation import Interval, StrOptions, validate_params
from sklearn.utils.multiclass import _check_partial_fit_first_call as first_partial_fit
from sklearn.utils.validation import _check_sample_weight as check_sample_weight

__all__ = [
    "FINITE",
    "FRACTION",
    "NON_NEGATIVE",
    "NON_NEGATIVE_INTEGER",
    "POSITIVE",
    "POSITIVE_INTEGER",
    "PROBABILITY",
    "Interval",
    "StrOptions",
    "check_sample_weight",
    "first_partial_fit",
    "fit_context",
    "one_of",
    "validate_params",
]

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
