"""From what users pass to `fit` to a feature matrix, in memory or on a cluster."""

from dataclasses import replace
from typing import Any, NamedTuple

from sklearn.base import clone, is_classifier

from skrf._utils.array_api import (
    arrays_from_transformers,
    namespace_of,
    without_gradients,
)
from skrf._utils.dask import distinct, first_rows_of, partitions
from skrf._utils.engines import engine_of
from skrf.features import RandomReLUFeatures
from skrf.ridge._array_matrix import feature_matrix
from skrf.ridge._dask_matrix import DaskFeatureMatrix
from skrf.ridge._feature_matrix import FeatureMap, FeatureMatrix
from skrf.ridge._row_checks import RowChecks
from skrf.ridge._solver_choice import require_numpy_for_cg
from skrf.ridge._transformers import (
    require_array_support,
    require_fit_on_columns,
    seed_nested,
)


class FittingData(NamedTuple):
    """What a fit works on."""

    matrix: FeatureMatrix | DaskFeatureMatrix
    features: Any  # fitted
    checks: RowChecks


def fitting_data(model, X, y, sample_weight):
    """The `FittingData` of a model that is being fitted; the model stays as it is."""
    make = _on_cluster if engine_of(X).is_lazy else data_in_memory
    return make(model, X, y, sample_weight)


def data_in_memory(model, X, y, sample_weight, classes=None, is_part=False):
    """The `FittingData` of rows that are not on a cluster, all or a part of the data."""
    require_numpy_for_cg(model.solver, namespace_of(X))
    require_array_support(model.features, X)
    X, y = without_gradients(X), engine_of(y).in_memory(y)
    checks, X = RowChecks.learn(model, X, y, classes)
    Y = checks.targets.encode(y, X.shape[0])
    weights = checks.sample_weights(X, sample_weight, is_part)
    checks = replace(checks, targets=checks.targets.with_weights(y, weights))
    weights = weights * checks.targets.class_weights(Y)
    with arrays_from_transformers(X):
        features = _new_features(model).fit(X, y)
    matrix = feature_matrix(X, Y, weights, FeatureMap(features, X), model.block_size)
    return FittingData(matrix, features, checks)


def _on_cluster(model, X, y, sample_weight):
    """The `FittingData` of a Dask collection; the features are fitted to one row."""
    require_fit_on_columns(model.features, "Dask input")
    if model.cv is not None or model.solver in ("dual", "cg"):
        raise ValueError(
            "`solver` must be 'auto' or 'primal', and `cv` None, for Dask input, which is "
            f"fitted from sums over its blocks; got solver={model.solver!r} and "
            f'cv={model.cv!r}. Use solver="primal" and cv=None.'
        )
    if getattr(model, "class_weight", None) == "balanced":
        raise ValueError(
            "`class_weight` must be a dict or None for Dask input, whose labels are not "
            "seen all at once; got 'balanced'. Pass the weights of the classes as a dict."
        )
    parts = partitions(X, y, sample_weight)
    X, y, _ = first_rows_of(parts)
    classes = distinct(parts) if is_classifier(model) else None
    checks, X = RowChecks.learn(model, X, y, classes)
    features = _new_features(model).fit(X, y)
    n_outputs = checks.targets.encode(y, len(y)).shape[1]
    feature_map = FeatureMap(features, X)
    matrix = DaskFeatureMatrix(parts, feature_map, n_outputs, model.block_size, checks)
    return FittingData(matrix, features, checks)


def _new_features(model):
    """The features to fit: a clone with its own seeds."""
    if model.features is None:
        return seed_nested(RandomReLUFeatures(), model.random_state)
    return seed_nested(clone(model.features), model.random_state)
