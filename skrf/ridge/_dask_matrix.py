"""The features of the rows of a Dask collection, as a matrix that is never stored."""

import copy

import numpy as np

from skrf._utils.blocks import stack_rows, take_rows
from skrf._utils.dask import first_rows_of, reduce_parts
from skrf.ridge._feature_matrix import FeatureMap, FeatureMatrix
from skrf.ridge._problem import require_weight


class DaskFeatureMatrix:
    """Passes over features as `FeatureMatrix` makes them, on the workers of a cluster.

    Parameters
    ----------
    parts : list of (X, y, weights)
        Delayed blocks, as `partitions` makes them.
    feature_map : FeatureMap
        What makes the features.
    n_outputs : int
        Number of outputs.
    block_rows : int or "auto"
        Rows of the blocks of features within a block of rows.
    checks : RowChecks
        Checks of the rows, made by the workers.
    """

    n_rows = None  # not known before a pass
    space = None  # blocks have features of NumPy

    def __init__(self, parts, feature_map, n_outputs, block_rows, checks):
        self.parts, self.feature_map, self.checks = parts, feature_map, checks
        self.n_columns, self.dtype = feature_map.n_columns, feature_map.dtype
        self.n_outputs, self.block_rows, self.progress = n_outputs, block_rows, None

    def reduce(self, run):
        """The result of a pass over all rows."""
        done = self.progress(run.label, 1) if self.progress else None
        on_part = PartOfPass(run, self.feature_map, self.block_rows, self.checks)
        total = reduce_parts(on_part, run.merge, self.parts)
        if done:
            done()
        return total

    def sample(self, n_rows, rng):
        """(The feature matrix of about n_rows rows in memory, the weight of all rows)."""
        seed = int(rng.randint(np.iinfo(np.int32).max))
        draw = SampleOfPart(-(-n_rows // len(self.parts)), seed, self.checks)
        rows = reduce_parts(draw, merge_samples, self.parts)
        if rows is None or not rows[3] > 0:
            require_weight(0)
        X, Y, weights, total = rows
        matrix = FeatureMatrix(X, Y, weights, self.feature_map, self.block_rows)
        matrix.progress = self.progress
        return matrix, total

    def with_features(self, features):
        """The feature matrix of other fitted features of the same rows."""
        other = copy.copy(self)
        other.feature_map = FeatureMap(features, first_rows_of(self.parts)[0])
        other.n_columns = other.feature_map.n_columns
        return other


class SampleOfPart:
    """Some rows of positive weight of one block, checked, and the weight of the block."""

    def __init__(self, n_rows, seed, checks):
        self.n_rows, self.seed, self.checks = n_rows, seed, checks

    def __call__(self, X, y, sample_weight):
        if X.shape[0] == 0:
            return None
        X, Y, weights = self.checks.part(X, y, sample_weight)
        used = np.flatnonzero(weights > 0)
        if len(used) > self.n_rows:
            rng = np.random.RandomState(self.seed)
            used = np.sort(rng.choice(used, self.n_rows, replace=False))
        return take_rows(X, used), Y[used], weights[used], weights.sum()


def merge_samples(first, second):
    """The rows of two results of `SampleOfPart`."""
    if first is None or second is None:
        return second if first is None else first
    X = stack_rows(first[0], second[0])
    Y, weights = (np.concatenate([first[k], second[k]]) for k in (1, 2))
    return X, Y, weights, first[3] + second[3]


class PartOfPass:
    """The result of a pass on one block of rows."""

    def __init__(self, run, feature_map, block_rows, checks):
        self.run, self.feature_map = run, feature_map
        self.block_rows, self.checks = block_rows, checks

    def __call__(self, X, y, sample_weight):
        if X.shape[0] == 0:
            return self.run.zero()
        part = self.checks.part(X, y, sample_weight)
        return FeatureMatrix(*part, self.feature_map, self.block_rows).reduce(self.run)
