"""Average gradient outer product of a network."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from skrf._utils.blocks import dense_rows, row_blocks
from skrf._utils.typing import MatrixLike
from skrf._utils.validation import check_row_weights
from skrf.features._gradients import GradientPass, NeuronSum
from skrf.features._projections import Dense


class GradientsMixin:
    """The method of networks that averages the outer products of gradients."""

    # Attributes of the network.
    _objective: Any
    _check_rows: Any
    _fitted_weights: Any

    def gradient_outer_product(
        self, X: MatrixLike, sample_weight: ArrayLike | None = None
    ) -> np.ndarray:
        r"""Compute the average gradient outer product of the outputs N_t.

        .. math:: M = \frac{1}{\sum_j \omega_j} \sum_j \omega_j \sum_t
                  \nabla N_t(x_j)\, \nabla N_t(x_j)^T

        for the rows x_j of X and their weights :math:`\omega_j`; see
        `RandomFeatureRidge.gradient_outer_product`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
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
            If the activation is "step". If X has other columns than in `fit`, or values
            that are not finite.

        Examples
        --------
        >>> from skrf import OverparamNetRegressor, make_single_neuron
        >>> X, y, target = make_single_neuron(
        ...     500, 4, return_target=True, random_state=0)
        >>> net = OverparamNetRegressor(width=50, random_state=0).fit(X, y)
        >>> M = net.gradient_outer_product(X)
        >>> float(target.weight @ M @ target.weight / M.trace()) > 0.9
        True
        """
        X = self._check_rows(X)
        objective, (W, b, U, _) = self._objective, self._fitted_weights()
        if objective.activation.name == "step":
            raise ValueError(
                "`activation` must be continuous for gradients; got 'step'. Use "
                "activation='relu'."
            )
        weights = check_row_weights(
            sample_weight, X, dtype=np.float64, ensure_non_negative=True
        )
        outputs = objective.scale * U.astype(np.float64)
        neurons = NeuronSum(Dense(W), b, objective.activation, outputs)
        run = GradientPass(neurons, X.shape[1], X.shape[0], W.dtype)
        total = run.zero()
        for rows in row_blocks(*X.shape):
            run.add(total, dense_rows(X, rows), None, weights[rows])
        return run.result(total)
