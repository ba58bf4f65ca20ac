"""Checks of rows, targets and weights, in this process and on the workers of a cluster."""

from dataclasses import dataclass
from functools import lru_cache
from numbers import Number

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator

from skrf._utils.array_api import floats_of, namespace_of
from skrf._utils.blocks import is_frame
from skrf._utils.validation import check_columns, check_data, check_row_weights
from skrf.ridge._targets import LabelTargets, NumberTargets
from skrf.ridge._transformers import accepted_input, takes_dates

# Attributes of an estimator that describe the columns of X; text has none.
COLUMN_ATTRIBUTES = ("n_features_in_", "feature_names_in_")


@dataclass(frozen=True, eq=False)
class RowChecks:
    """What rows must be like; small, and independent of the estimator it was made for.

    Parameters
    ----------
    owner : str
        The class of the estimator, for errors.
    accept_sparse, allow_nan, allow_dates : bool
        Whether the features take sparse matrices, NaN and dates.
    targets : NumberTargets or LabelTargets
        What `y` must be like.
    columns : dict
        The values of `COLUMN_ATTRIBUTES` that X of `fit` has.
    """

    owner: str
    accept_sparse: bool
    allow_nan: bool
    allow_dates: bool
    targets: NumberTargets | LabelTargets
    columns: dict

    @classmethod
    def learn(cls, model, X, y, classes=None):
        """(Checks of rows like these first ones, the checked rows of X)."""
        owner, accepted = type(model).__name__, _accepted(model)
        X, columns = _checked(X, owner, *accepted)
        return cls(owner, *accepted, model._learn_targets(y, classes), columns), X

    @classmethod
    def of(cls, model, targets):
        """Checks of rows like those that a model is fitted to."""
        columns = {k: getattr(model, k) for k in COLUMN_ATTRIBUTES if hasattr(model, k)}
        return cls(type(model).__name__, *_accepted(model), targets, columns)

    def rows(self, X):
        """X with float columns, or a data frame, text and the like as it is."""
        accepted = self.accept_sparse, self.allow_nan, self.allow_dates
        return _checked(X, self.owner, *accepted, self.columns)[0]

    def check_columns(self, X):
        """Check the columns of X, which may have no rows."""
        estimator = estimator_class(self.owner)()
        vars(estimator).update(self.columns)
        check_columns(estimator, X, dates=self.allow_dates)

    def sample_weights(self, X, sample_weight, is_part):
        """float64 weights of the rows; in a part of the data they may all be 0."""
        return check_row_weights(
            sample_weight,
            X,
            dtype=np.float64,
            ensure_non_negative=True,
            allow_all_zero_weights=is_part,
        )

    def part(self, X, y, sample_weight):
        """(Rows, float64 targets, weights) of a part of the data, checked."""
        X = self.rows(X)
        Y = self.targets.encode(y, X.shape[0])
        weights = self.sample_weights(X, sample_weight, is_part=True)
        return X, Y, weights * self.targets.class_weights(Y)


def _accepted(model):
    """Whether the features of a model take sparse matrices, NaN and dates."""
    return *accepted_input(model.features), takes_dates(model.features)


def _checked(X, owner, accept_sparse, allow_nan, allow_dates, columns=None):
    """(Checked rows, attributes of their columns); `columns` None means the first rows.

    scikit-learn's checks ask an estimator for the columns and for the name of its class.
    They get an empty one.
    """
    estimator, reset = estimator_class(owner)(), columns is None
    if not reset:
        vars(estimator).update(columns)
    rows = X if is_frame(X) else as_objects(X)
    if rows is not None:
        # Only the columns are checked here: `features` accept or reject the entries.
        rows = check_data(
            estimator, rows, dates=allow_dates, reset=reset, skip_check_array=True
        )
    else:
        rows = check_data(
            estimator,
            X,
            dates=allow_dates,
            arrays=True,
            accept_sparse="csr" if accept_sparse else False,
            dtype=floats_of(X),
            ensure_all_finite="allow-nan" if allow_nan else True,
            reset=reset,
        )
    return rows, vars(estimator)


@lru_cache
def estimator_class(name):
    return type(name, (BaseEstimator,), {})


def as_objects(X):
    """Text, dicts and the like as an array; None for numbers and for ragged rows."""
    if issparse(X) or namespace_of(X) is not None:
        return None
    try:
        array = np.asarray(X)
    except ValueError:
        return None
    if array.dtype.kind in "biufc" or array.ndim == 0:
        return None
    if array is not X:
        # NumPy makes strings of numbers that stand next to strings.
        array = np.asarray(X, dtype=object)
    numbers = array.dtype == object and all(
        entry is None or isinstance(entry, Number) for entry in array.flat
    )
    return None if numbers else array
