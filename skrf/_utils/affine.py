"""Affine maps x -> B x + s of fitted transformers, such as scalers and projections."""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

import numpy as np
from sklearn.decomposition import PCA, FactorAnalysis, FastICA, IncrementalPCA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_selection import SelectorMixin
from sklearn.frozen import FrozenEstimator
from sklearn.neighbors import NeighborhoodComponentsAnalysis
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
)

from skrf._utils.array_api import namespace_of_attributes, to_numpy

# Transformers of dense rows that are affine after `fit`.
_AFFINE = (
    *(StandardScaler, RobustScaler, MaxAbsScaler, MinMaxScaler),
    *(PCA, IncrementalPCA, TruncatedSVD, FactorAnalysis, FastICA),
    *(NeighborhoodComponentsAnalysis, LinearDiscriminantAnalysis, SelectorMixin),
)
# Length of the steps of differences. They are exact up to rounding, also for shifts that
# are large compared with the columns of B.
_STEP = 2.0**40
# Columns whose differences are computed at a time.
_COLUMNS = 256


class AffineMap(NamedTuple):
    """The map x -> linear x + shift."""

    linear: np.ndarray  # (n_outputs, n_features)
    shift: np.ndarray  # (n_outputs,)


def flat_steps(estimator: Any) -> list[Any]:
    """The steps of an estimator: of nested Pipelines, without those that do nothing."""
    if estimator is None or estimator == "passthrough":
        return []
    if isinstance(estimator, FrozenEstimator):
        return flat_steps(estimator.estimator)
    if isinstance(estimator, Pipeline):
        return [part for _, step in estimator.steps for part in flat_steps(step)]
    return [estimator]


def is_affine(step: Any) -> bool:
    """Whether a transformer is affine after `fit`, fitted or not."""
    if isinstance(step, FunctionTransformer):
        return step.func is None
    if getattr(step, "clip", False) is True:
        return False
    return isinstance(step, _AFFINE) or getattr(step, "_is_affine", False)


def affine_map(steps: list[Any], n_features: int) -> AffineMap:
    """The `AffineMap` of fitted steps, applied one after the other."""
    linear, shift = np.eye(n_features), np.zeros(n_features)
    for step in steps:
        B, s = _map_of(step, len(shift))
        linear, shift = B @ linear, B @ shift + s
    return AffineMap(linear, shift)


def _map_of(step, n_features):
    """The map of one step, from its values at 0 and at long steps along the axes."""
    # Arrays have no names of columns.
    step = copy.copy(step)
    vars(step).pop("feature_names_in_", None)

    space = namespace_of_attributes(step)

    def values(X):
        out = to_numpy(step.transform(X if space is None else space.array(X)))
        return np.asarray(out.toarray() if hasattr(out, "toarray") else out, np.float64)

    shift = values(np.zeros((1, n_features)))[0]
    columns = []
    for start in range(0, n_features, _COLUMNS):
        n_rows = min(_COLUMNS, n_features - start)
        ahead = np.zeros((n_rows, n_features))
        ahead[np.arange(n_rows), start + np.arange(n_rows)] = _STEP
        columns.append((values(ahead) - values(-ahead)) / (2 * _STEP))
    return AffineMap(np.concatenate(columns).T, shift)
