"""Average gradient outer product of ridge models on features of neurons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from skrf._utils.affine import affine_map, flat_steps, is_affine
from skrf._utils.array_api import follow, to_numpy, without_gradients
from skrf._utils.dask import partitions
from skrf._utils.engines import engine_of
from skrf._utils.typing import MatrixLike
from skrf._utils.validation import check_row_weights
from skrf.features._base import BaseHiddenLayerFeatures
from skrf.features._gradients import GradientPass, neuron_sum, require_gradient
from skrf.ridge._array_matrix import feature_matrix
from skrf.ridge._dask_matrix import DaskFeatureMatrix
from skrf.ridge._feature_matrix import FeatureMap
from skrf.ridge._row_checks import RowChecks


@dataclass(frozen=True, eq=False)
class Layers:
    """Features as affine steps, a hidden layer and affine steps."""

    before: list[Any]
    hidden: BaseHiddenLayerFeatures
    after: list[Any]

    @classmethod
    def of(cls, features):
        """The layers of features, fitted or not; raises for features without gradients."""
        steps = flat_steps(features)
        at = [k for k, s in enumerate(steps) if isinstance(s, BaseHiddenLayerFeatures)]
        wrong = [s for k, s in enumerate(steps) if k not in at and not is_affine(s)]
        if len(at) != 1 or wrong:
            raise ValueError(
                "`features` must be random or linearised features for gradients, with "
                "affine steps only before and after them; got "
                f"{wrong[0] if wrong else features!r}. Use RandomReLUFeatures, "
                "RandomFeatures or LinearizedNTKFeatures, and steps such as StandardScaler."
            )
        layers = cls(steps[: at[0]], steps[at[0]], steps[at[0] + 1 :])
        require_gradient(layers.hidden)
        return layers

    def inputs(self):
        """A transformer of rows into the inputs of the hidden layer."""
        if not self.before:
            return FunctionTransformer()
        return Pipeline([(str(k), step) for k, step in enumerate(self.before)])

    def neuron_sum(self, coef):
        """The `NeuronSum` of coefficients of shape (n_outputs, n_columns)."""
        coef = np.asarray(to_numpy(coef), np.float64)
        if self.after:
            coef = coef @ affine_map(self.after, self.hidden._n_features_out).linear
        return neuron_sum(self.hidden, coef)

    def in_columns_of_x(self, M, n_features):
        """B' M B, for the map x -> B x + s into the hidden layer."""
        if not self.before:
            return M
        B = affine_map(self.before, n_features).linear
        M = B.T @ M @ B
        return (M + M.T) / 2


def average_gradient_outer_product(layers, coef, n_features, make_matrix):
    """The AGOP of coefficients on fitted features, (n_features, n_features) in float64.

    `make_matrix` makes a feature matrix from a transformer of the rows.
    """
    matrix = make_matrix(layers.inputs())
    n_rows = np.inf if matrix.n_rows is None else matrix.n_rows
    run = GradientPass(layers.neuron_sum(coef), matrix.n_columns, n_rows, matrix.dtype)
    M = run.result(matrix.reduce(run))
    return layers.in_columns_of_x(M, n_features)


def output_coefficients(model):
    """The coefficients of a fitted ridge model, (n_outputs, n_columns)."""
    return np.atleast_2d(to_numpy(model.output_weights_))


class GradientsMixin:
    """The method of ridge estimators that averages the outer products of gradients."""

    # Attributes of the estimators.
    _predictor: Any
    features_: Any

    def gradient_outer_product(
        self, X: MatrixLike, sample_weight: ArrayLike | None = None
    ) -> np.ndarray:
        """Compute the average gradient outer product of the fitted outputs.

        .. math:: M = \\frac{1}{\\sum_j \\omega_j} \\sum_j \\omega_j \\sum_t
                  \\nabla f_t(x_j)\\, \\nabla f_t(x_j)^T

        for the rows x_j of X, their weights :math:`\\omega_j` and the outputs f_t. The
        diagonal of M says how much the outputs depend on each column, in the unit of the
        column. The leading eigenvectors are the directions in which the outputs vary most.
        `GradientOuterProductDisplay` draws them.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame, Dask array or Dask data frame} of \
shape (n_samples, n_features)
            Rows at which the gradients are computed.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows. None means 1.

        Returns
        -------
        M : ndarray of shape (n_features, n_features)
            The average gradient outer product, in float64.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If the features have no closed gradient. They must be RandomReLUFeatures,
            RandomFeatures with any activation but "step", or LinearizedNTKFeatures whose
            activation has a continuous derivative, alone or with affine steps such as
            StandardScaler in a Pipeline. If X has other columns than in `fit`, or values
            that are not finite.

        References
        ----------
        .. [1] A. Radhakrishnan, D. Beaglehole, P. Pandit and M. Belkin, "Mechanism for
           feature learning in neural networks and backpropagation-free machine learning
           models", Science 383, 2024.

        Examples
        --------
        >>> from skrf import RandomFeatureRidge, RandomReLUFeatures, make_single_neuron
        >>> X, y, target = make_single_neuron(
        ...     500, 4, return_target=True, random_state=0)
        >>> model = RandomFeatureRidge(RandomReLUFeatures(200), random_state=0).fit(X, y)
        >>> M = model.gradient_outer_product(X)
        >>> float(target.weight @ M @ target.weight / M.trace()) > 0.9
        True
        """
        predictor = self._predictor(X, "gradient_outer_product")
        layers = Layers.of(self.features_)
        n_features = predictor.checks.columns["n_features_in_"]
        coef = output_coefficients(self)
        if engine_of(X).is_lazy:
            parts = partitions(X, X, sample_weight)
            sample = predictor.checks.rows(engine_of(X).sample(X))
        else:
            sample = X = without_gradients(predictor.checks.rows(X))
            weights = check_row_weights(
                sample_weight, X, dtype=np.float64, ensure_non_negative=True
            )

        def make_matrix(inputs):
            feature_map = FeatureMap(inputs, sample)
            if engine_of(X).is_lazy:
                checks = _ChecksWithoutTargets(predictor.checks)
                return DaskFeatureMatrix(parts, feature_map, 0, "auto", checks)
            no_targets = np.empty((X.shape[0], 0))
            return feature_matrix(X, no_targets, weights, feature_map)

        M = average_gradient_outer_product(layers, coef, n_features, make_matrix)
        return follow(M, X)


@dataclass(frozen=True, eq=False)
class _ChecksWithoutTargets:
    """Checks of the blocks of a Dask collection that has no targets."""

    checks: RowChecks

    def part(self, X, _, sample_weight):
        """(Rows, no targets, weights) of a block, checked."""
        X = self.checks.rows(X)
        weights = self.checks.sample_weights(X, sample_weight, is_part=True)
        return X, np.empty((X.shape[0], 0)), weights
