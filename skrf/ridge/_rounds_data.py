"""Checked rows, encoded targets and folds of `GradientOuterProduct`."""

from dataclasses import dataclass, replace
from numbers import Integral, Real

import numpy as np
from sklearn.preprocessing import FunctionTransformer

from skrf._utils.array_api import floats_of
from skrf._utils.dask import distinct, first_rows_of, partitions
from skrf._utils.engines import engine_of
from skrf._utils.validation import check_data, check_row_weights
from skrf.ridge._dask_matrix import DaskFeatureMatrix
from skrf.ridge._feature_matrix import FeatureMap
from skrf.ridge._passes import Pass
from skrf.ridge._rounds import BlocksOnCluster, RowsInMemory
from skrf.ridge._row_checks import COLUMN_ATTRIBUTES, estimator_class
from skrf.ridge._solver_choice import row_numbers
from skrf.ridge._targets import LabelTargets, NumberTargets
from skrf.ridge._transformers import require_array_support, require_fit_on_columns

TARGET_TYPES = ("auto", "class", "continuous")


def data_of_rounds(model, X, y, sample_weight, groups):
    """(Data of the rounds, pairs of parts for training and test, attributes of columns)."""
    if engine_of(X).is_lazy:
        return _on_cluster(model, X, y, sample_weight, groups)
    require_array_support(model.features, X)
    y = engine_of(y).in_memory(y)
    X, columns = _checked(type(model).__name__, X)
    targets = _targets(model, y)
    Y = targets.encode(y, X.shape[0])
    weights = check_row_weights(
        sample_weight, X, dtype=np.float64, ensure_non_negative=True
    )
    fractions = weights / weights.sum()
    shift = fractions @ Y
    scale = _scale(fractions @ (Y - shift) ** 2)
    is_class = isinstance(targets, LabelTargets)
    codes = (shift, scale) if is_class else None
    data = RowsInMemory(X, (Y - shift) / scale, weights, codes)
    return data, row_numbers(model.cv, data, y, groups, is_class), columns


def _on_cluster(model, X, y, sample_weight, groups):
    """The same for a Dask collection; its folds are blocks of rows."""
    require_fit_on_columns(model.features, "Dask input")
    if not isinstance(model.cv, Integral) or model.cv < 2 or groups is not None:
        raise ValueError(
            "`cv` must be an int >= 2, and `groups` None, for Dask input, whose folds are "
            f"blocks of rows; got cv={model.cv!r}. Use cv=3."
        )
    blocks = partitions(X, y, sample_weight)
    if len(blocks) < model.cv:
        raise ValueError(
            f"`X` must have at least cv={model.cv} blocks of rows; got {len(blocks)}. "
            "Rechunk X and y, or use a smaller cv."
        )
    first_X, first_y, _ = first_rows_of(blocks)
    owner = type(model).__name__
    sample, columns = _checked(owner, first_X)
    classes = distinct(blocks) if _may_be_labels(model, first_y) else None
    targets = _targets(model, first_y, classes)
    shift = targets.encode(first_y, sample.shape[0])
    checks = PartChecks(owner, columns, targets, shift[0])
    n_outputs = shift.shape[1]
    matrix = DaskFeatureMatrix(
        blocks, FeatureMap(FunctionTransformer(), sample), n_outputs, "auto", checks
    )
    weight, sums, squares = matrix.reduce(SpreadPass(n_outputs))
    scale = _scale(squares / weight - (sums / weight) ** 2)
    checks = replace(checks, scale=scale)
    codes = (checks.shift, scale) if isinstance(targets, LabelTargets) else None
    data = BlocksOnCluster(blocks, sample, n_outputs, checks, codes)
    fold = np.arange(len(blocks)) % model.cv
    splits = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in set(fold)]
    return data, splits, columns


def _checked(owner, X, columns=None):
    """(Rows as floats, attributes of their columns); `columns` None means first rows."""
    estimator = estimator_class(owner)()
    vars(estimator).update(columns or {})
    options = {"accept_sparse": "csr", "dtype": floats_of(X), "reset": columns is None}
    X = check_data(estimator, X, arrays=True, **options)
    return X, {k: v for k, v in vars(estimator).items() if k in COLUMN_ATTRIBUTES}


def _scale(variance):
    """Standard deviations; 1 for constant outputs."""
    return np.where(variance > 0, np.sqrt(np.maximum(variance, 0)), 1.0)


def _targets(model, y, classes=None):
    """The targets of a model that all labels or the rows in memory show."""
    owner = type(model).__name__
    is_class = model.target_type == "class" or classes is not None
    if is_class or (model.target_type == "auto" and _are_labels(y)):
        return LabelTargets.learn(owner, y, classes, None)
    return NumberTargets.learn(owner, y)


def _may_be_labels(model, y):
    """Whether targets, of which one is known, may be class labels."""
    y = np.asarray(y)
    is_label = y.ndim == 1 and y.dtype.kind in "OUSb"
    return model.target_type == "class" or (model.target_type == "auto" and is_label)


def _are_labels(y):
    """Whether targets look like class labels."""
    y = np.asarray(y)
    if y.ndim != 1 and not (y.ndim == 2 and y.shape[1] == 1):
        return False
    if y.dtype.kind == "O":
        entries = y.ravel().tolist()
        if not all(isinstance(entry, Real) for entry in entries):
            return True
        if not all(isinstance(entry, Integral) for entry in entries):
            return False
    if y.dtype.kind in "USb":
        return True
    return y.dtype.kind in "Oiu" and len(np.unique(y)) <= np.sqrt(y.size)


@dataclass(frozen=True, eq=False)
class PartChecks:
    """Checks and encoding of a part of the rows, made by the workers of a cluster."""

    owner: str  # the class of the estimator, for errors
    columns: dict
    targets: NumberTargets | LabelTargets
    shift: np.ndarray  # (n_outputs,)
    scale: np.ndarray | float = 1.0

    def part(self, X, y, sample_weight):
        """(Rows, shifted and scaled targets, weights)."""
        X, _ = _checked(self.owner, X, self.columns)
        weights = check_row_weights(
            sample_weight,
            X,
            dtype=np.float64,
            ensure_non_negative=True,
            allow_all_zero_weights=True,
        )
        Y = (self.targets.encode(y, X.shape[0]) - self.shift) / self.scale
        return X, Y, weights


@dataclass
class SpreadPass(Pass):
    """A pass that sums weights, targets and squared targets."""

    n_outputs: int
    label = "variances of the outputs"

    def zero(self):
        """The sums of no rows."""
        return np.zeros((3, self.n_outputs))

    def add(self, total, Z, Y, w, scratch):
        """Add a block of rows."""
        total[0] += w.sum()
        total[1] += w @ Y
        total[2] += w @ Y**2
