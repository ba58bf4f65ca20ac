"""The features of the rows of a Dask collection, as a matrix that is never stored."""

from skrf._utils.dask import reduce_parts
from skrf.ridge._feature_matrix import FeatureMatrix


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

    def __init__(self, parts, feature_map, n_outputs, block_rows, checks):
        self.parts, self.feature_map, self.checks = parts, feature_map, checks
        self.n_columns, self.dtype = feature_map.n_columns, feature_map.dtype
        self.n_outputs, self.block_rows, self.progress = n_outputs, block_rows, None

    def reduce(self, task):
        """The result of a task over all rows."""
        done = self.progress(task.label, 1) if self.progress else None
        on_part = PartOfPass(task, self.feature_map, self.block_rows, self.checks)
        total = reduce_parts(on_part, task.merge, self.parts)
        if done:
            done()
        return total


class PartOfPass:
    """The result of a task on one block of rows."""

    def __init__(self, task, feature_map, block_rows, checks):
        self.task, self.feature_map = task, feature_map
        self.block_rows, self.checks = block_rows, checks

    def __call__(self, X, y, sample_weight):
        if X.shape[0] == 0:
            return self.task.zero()
        part = self.checks.part(X, y, sample_weight)
        return FeatureMatrix(*part, self.feature_map, self.block_rows).reduce(self.task)
