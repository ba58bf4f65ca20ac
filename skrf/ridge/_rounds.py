"""Rounds of ridge fits in the metric of the gradients of the previous fit.

Round t fits outputs f_t to features of L_t x, and L_{t+1} = M^(1/2) for

    M = (1 - blend) d A / trace(A) + blend I,   A = the mean of grad f_t grad f_t',

so M has the trace d, the number of columns. L_0 = I. All rounds draw equal features.
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import LinAlgWarning
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state

from skrf._utils.array_api import namespace_of
from skrf._utils.blocks import multiply, take_rows
from skrf._utils.directions import directions
from skrf.ridge._array_matrix import feature_matrix
from skrf.ridge._dask_matrix import DaskFeatureMatrix
from skrf.ridge._feature_matrix import FeatureMap
from skrf.ridge._gradients import Layers, average_gradient_outer_product
from skrf.ridge._held_out import Scoring
from skrf.ridge._passes import LinearPass
from skrf.ridge._penalties import GRID
from skrf.ridge._problem import RidgeProblem
from skrf.ridge._solver_choice import solve
from skrf.ridge._targets import NumberTargets
from skrf.ridge._transformers import fits_on_columns, seed_nested

# Every fit compares penalties in units of its features by leave-one-out errors.
_PROBLEM = RidgeProblem(
    GRID,
    auto=True,
    searches=True,
    fit_intercept=True,
    scoring=Scoring(NumberTargets(is_flat=False), auto=True),
)


class LinearMap(TransformerMixin, BaseEstimator):
    """The map x -> matrix x of rows, dense or sparse; needs no fit."""

    _is_affine = True

    def __init__(self, matrix):
        self.matrix = matrix

    def fit(self, X, y=None):
        """Do nothing."""
        return self

    def transform(self, X):
        """Rows times the transposed matrix, in the dtype of X."""
        if (space := namespace_of(X)) is not None:
            return X @ space.array(self.matrix, X.dtype).T
        out = np.empty((X.shape[0], len(self.matrix)), X.dtype)
        multiply(X, self.matrix.astype(X.dtype), out)
        return out

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.requires_fit, tags.input_tags.sparse = False, True
        return tags


@dataclass(frozen=True, eq=False)
class RowsInMemory:
    """Rows, encoded targets and weights; parts are arrays of row numbers."""

    X: Any
    Y: np.ndarray
    weights: np.ndarray
    codes: tuple | None = None  # shift and scale of the codes of labels

    @property
    def sample(self):
        """Rows that show the columns and the dtype."""
        return self.X

    @property
    def n_rows(self):
        """Number of rows."""
        return len(self.Y)

    def fit(self, features, part):
        """Fit features to the rows of a part, or to all rows if values do not matter."""
        all_rows = part is None or fits_on_columns(features)
        return features.fit(self.X if all_rows else take_rows(self.X, part))

    def matrix(self, features, part):
        """The feature matrix of a part; None means all rows."""
        matrix = feature_matrix(self.X, self.Y, self.weights, FeatureMap(features, self.X))
        return matrix if part is None else matrix.subset(part)


@dataclass(frozen=True, eq=False)
class BlocksOnCluster:
    """Blocks of a Dask collection with targets and weights; parts are lists of blocks."""

    blocks: list[Any]
    sample: np.ndarray
    n_outputs: int
    checks: Any
    codes: tuple | None = None  # shift and scale of the codes of labels

    def fit(self, features, part):
        """Fit features, which learn nothing from values, to a sample of rows."""
        return features.fit(self.sample)

    def matrix(self, features, part):
        """The feature matrix of some blocks; None means all blocks."""
        blocks = self.blocks if part is None else [self.blocks[k] for k in part]
        feature_map = FeatureMap(features, self.sample)
        return DaskFeatureMatrix(blocks, feature_map, self.n_outputs, "auto", self.checks)


@dataclass
class ErrorsPass(LinearPass):
    """A pass that collects weights and errors of rows.

    The error is 1 for a wrong label and 0 for a right one, or the squared error, averaged
    over outputs.
    """

    coef: np.ndarray  # (n_columns, n_outputs)
    intercept: np.ndarray  # (n_outputs,)
    codes: tuple | None
    label = "validation errors"

    def zero(self):
        """The result of no rows."""
        return []

    def add_outputs(self, total, outputs, Y, w):
        """Append the weights and errors of a block of rows."""
        fit = outputs + self.intercept
        if self.codes is None:
            errors = ((Y - fit) ** 2).mean(axis=1)
        else:
            errors = self._labels(fit) != self._labels(Y)
        total.append([w, errors])

    def _labels(self, Y):
        shift, scale = self.codes
        codes = Y * scale + shift
        return codes.argmax(axis=1) if codes.shape[1] > 1 else codes[:, 0] > 0


@dataclass
class Recursion:
    """The rounds on a part of the rows: `fit`, then `advance` to the next round."""

    data: RowsInMemory | BlocksOnCluster
    part: Any
    features: Any
    seed: int
    blend: float
    diagonal: bool
    metric: np.ndarray | None = None  # of this round; None means the identity

    def fit(self):
        """Fit the outputs of this round."""
        features = seed_nested(clone(self.features), self.seed)
        if self.metric is not None:
            steps = ("metric", LinearMap(root(self.metric))), ("features", features)
            features = Pipeline(steps)
        self._fitted = self.data.fit(features, self.part)
        self._solution = _solution(self.data.matrix(self._fitted, self.part), self.seed)

    def errors(self, part):
        """Weights and errors, (2, n), of the fitted outputs on other rows."""
        solution = self._solution
        run = ErrorsPass(solution.coef, solution.intercept, self.data.codes)
        blocks = self.data.matrix(self._fitted, part).reduce(run)
        return np.concatenate(blocks, axis=1)

    def advance(self):
        """Set the metric of the next round; constant outputs do not change it."""
        A = average_gradient_outer_product(
            Layers.of(self._fitted),
            self._solution.coef.T,
            self.data.sample.shape[1],
            lambda inputs: self.data.matrix(inputs, self.part),
        )
        if A.trace() > 0:
            self.metric = blended(A, self.blend, self.diagonal)


def _solution(matrix, seed):
    """Ridge regression with the best penalty by leave-one-out errors."""
    with warnings.catch_warnings():
        # The outputs are used for their gradients, and the folds measure their errors.
        warnings.simplefilter("ignore", LinAlgWarning)
        return solve("auto", matrix, _PROBLEM, check_random_state(seed))


def blended(A, blend, diagonal):
    """The metric of the trace n_features from an average gradient outer product."""
    if diagonal:
        A = np.diag(A.diagonal())
    n_features = len(A)
    M = (1 - blend) * n_features * A / A.trace()
    M.flat[:: n_features + 1] += blend
    return M


def root(M):
    """M^(1/2), symmetric."""
    values, rows = directions(M)
    return (rows.T * np.sqrt(values)) @ rows


def chosen_round(folds, first=0):
    """The round to use, from pairs (weights (n,), errors (n_rounds, n)) of the folds.

    A later round replaces an earlier one if its error is lower by more than one standard
    error: the larger of the standard errors over the folds and over the rows of all folds.
    """
    best = first
    for t in range(first + 1, len(folds[0][1])):
        weights = np.concatenate([w for w, _ in folds])
        gains = np.concatenate([errors[best] - errors[t] for _, errors in folds])
        mean = weights @ gains / weights.sum()
        over_rows = np.sqrt(weights**2 @ (gains - mean) ** 2) / weights.sum()
        of_folds = [w @ (errors[best] - errors[t]) / w.sum() for w, errors in folds]
        over_folds = np.std(of_folds, ddof=1) / np.sqrt(len(folds)) if len(folds) > 1 else 0
        if np.mean(of_folds) > max(over_rows, over_folds):
            best = t
    return best
