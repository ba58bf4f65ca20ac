"""How far a trained network is from learning with fixed random features (Section 2)."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skrf._utils.blocks import multiply, row_blocks
from skrf._utils.typing import MatrixLike
from skrf.features import LinearizedNTKFeatures
from skrf.networks._sgd import SGD
from skrf.networks._weights import first_weights, fitted_attributes


@dataclass(frozen=True)
class Laziness:
    """How little the hidden layer of a network has moved, and what the move changed.

    All are 0 for a network whose hidden layer stayed at its random start, and go to 0 as
    the width grows where training is lazy. Gaps are root mean squares over the rows of X,
    relative to that of N itself. Made by `OverparamNetRegressor.laziness`; prints as a
    table.

    Source: Sections 2.1 and 2.2 of Yehudai and Shamir (2019).

    Attributes
    ----------
    hidden_weights : float
        ||W_T - W_0|| / ||W_0||, in Frobenius norms.
    hidden_biases : float
        ||b_T - b_0|| / ||(W_0, b_0)||, because b_0 may be 0.
    output_weights : float
        ||u_T - u_0|| / ||u_0||.
    flipped : float
        Share of pairs of a row and a neuron whose pre-activation changed its sign, which
        the coupling of Section 2.1 needs to be small.
    frozen_gap : float
        Of U_T act(W_T x) from U_T act(W_0 x), as in Section 2.2.
    linear_gap : float
        Of the network from its first-order expansion at the start.

    Examples
    --------
    >>> from skrf import OverparamNetRegressor, make_single_neuron
    >>> X, y = make_single_neuron(n_samples=100, n_features=5, random_state=0)
    >>> net = OverparamNetRegressor(
    ...     width=10, train="output", max_iter=5, tol=None, random_state=0)
    >>> report = net.fit(X, y).laziness(X)
    >>> report.hidden_weights, report.frozen_gap
    (0.0, 0.0)
    """

    hidden_weights: float
    hidden_biases: float
    output_weights: float
    flipped: float
    frozen_gap: float
    linear_gap: float

    def __str__(self) -> str:
        return "\n".join(
            f"{label:<46} {value:.3g}"
            for label, value in (
                ("movement of W, relative", self.hidden_weights),
                ("movement of b, relative to (W_0, b_0)", self.hidden_biases),
                ("movement of u, relative", self.output_weights),
                ("flipped activation patterns", self.flipped),
                ("gap to the frozen hidden layer (Sec. 2.2)", self.frozen_gap),
                ("gap to the first-order expansion", self.linear_gap),
            )
        )


def measure(objective, start, last, X):
    """The `Laziness` of weights `last` that were trained from weights `start`, on X."""
    width = len(start.hidden)
    flips, squares = 0, np.zeros(3)
    for rows in row_blocks(X.shape[0], width):
        n_rows = rows.stop - rows.start
        z_0, z_t = np.empty((2, n_rows, width), start.hidden.dtype)
        multiply(X[rows], start.hidden, z_0)
        multiply(X[rows], last.hidden, z_t)
        z_0 += start.biases
        z_t += last.biases
        flips += np.count_nonzero((z_0 > 0) != (z_t > 0))
        value, slope = objective.activation.value_and_derivative(z_0)
        frozen = value @ last.output.T
        linear = frozen + (slope * (z_t - z_0)) @ start.output.T
        N = objective.activation(z_t) @ last.output.T
        output = objective.scale * N + last.intercept
        gaps = objective.scale * (N - frozen), objective.scale * (N - linear)
        squares += [np.sum(part.astype(np.float64) ** 2) for part in (output, *gaps)]
    N, frozen, linear = np.sqrt(squares)
    hidden = np.linalg.norm(start.hidden)
    return Laziness(
        _ratio(np.linalg.norm(last.hidden - start.hidden), hidden),
        _ratio(
            np.linalg.norm(last.biases - start.biases),
            np.hypot(hidden, np.linalg.norm(start.biases)),
        ),
        _ratio(np.linalg.norm(last.output - start.output), np.linalg.norm(start.output)),
        float(flips / (X.shape[0] * width)),
        _ratio(frozen, N),
        _ratio(linear, N),
    )


def _ratio(part, whole):
    if whole > 0:
        return float(part / whole)
    return 0.0 if part == 0 else float("inf")


class LazinessMixin:
    """What compares a trained network with its random start."""

    # Of the network.
    _sgd: Any
    _objective: Any
    _flat: bool
    _check_rows: Any
    _fitted_weights: Any

    def initial_weights(
        self,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, float | np.ndarray]:
        """The weights that the training started from, drawn again from their seed.

        Returns
        -------
        hidden_weights : ndarray of shape (width, n_features)
            W at the start.
        hidden_biases : ndarray of shape (width,)
            b at the start.
        output_weights : ndarray of shape (width,) or (n_outputs, width)
            u at the start.
        output_bias : float or ndarray of shape (n_outputs,)
            c at the start, which is 0.

        Raises
        ------
        NotFittedError
            Before `fit`.

        Examples
        --------
        >>> import numpy as np
        >>> from skrf import OverparamNetRegressor, make_single_neuron
        >>> X, y = make_single_neuron(n_samples=100, n_features=5, random_state=0)
        >>> net = OverparamNetRegressor(
        ...     width=10, train="output", max_iter=5, tol=None, random_state=0).fit(X, y)
        >>> W, b, u, c = net.initial_weights()
        >>> np.array_equal(W, net.hidden_weights_), np.array_equal(u, net.output_weights_)
        (True, False)
        """
        initial = self._initial_attributes()
        return (
            initial["hidden_weights_"],
            initial["hidden_biases_"],
            initial["output_weights_"],
            initial["output_bias_"],
        )

    def laziness(self, X: MatrixLike) -> Laziness:
        """How little training has moved the network, in weights and on X (Section 2).

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows on which activation patterns and outputs are compared.

        Returns
        -------
        report : Laziness
            Relative movements of W, b and u, share of flipped activation patterns, and
            the gaps to the frozen and to the linearised network; prints as a table.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            For X with other columns than in `fit`, or not finite numbers.

        Examples
        --------
        >>> from skrf import OverparamNetRegressor, make_single_neuron
        >>> X, y = make_single_neuron(n_samples=100, n_features=5, random_state=0)
        >>> gaps = [
        ...     OverparamNetRegressor(
        ...         width, parametrization="ntk", max_iter=20, tol=None, random_state=0
        ...     ).fit(X, y).laziness(X).linear_gap
        ...     for width in (10, 1000)
        ... ]
        >>> gaps[0] > 5 * gaps[1]
        True
        """
        X = self._check_rows(X)
        start = first_weights(self._sgd.start)
        return measure(self._objective, start, self._fitted_weights(), X)

    def linearize(self, output: int = 0) -> tuple[LinearizedNTKFeatures, Self]:
        """The network's first-order expansion at the weights that training started from.

        With theta = (W, b) the trained hidden weights, or (W, b, u),

            N(x; theta) = N(x; theta_0) + <features(x), theta - theta_0> + O(||.||^2),

        where theta - theta_0 has neuron i's (w_i, b_i) in columns i * (d + 1) onwards (w_i
        alone in i * d onwards with ``biases="none"``) and, with ``train="both"``, then u,
        multiplied by sqrt(width) in the standard parametrisation. The output intercept adds
        its own change.

        Parameters
        ----------
        output : int, default=0
            Which output, where there are several.

        Returns
        -------
        features : LinearizedNTKFeatures
            Fitted, at the initial hidden weights; `train` is the network's.
        initial : estimator of the network's class
            The network before its first update, whose outputs are N(x; theta_0);
            `partial_fit` trains it from there, with the step `eta0_`.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            For an `output` that is not one of the network's.

        Examples
        --------
        A wide network moves little, so that the expansion predicts what it learnt:

        >>> import numpy as np
        >>> from skrf import OverparamNetRegressor, make_single_neuron
        >>> X, y = make_single_neuron(n_samples=100, n_features=5, random_state=0)
        >>> net = OverparamNetRegressor(
        ...     1000, parametrization="ntk", max_iter=20, tol=None, random_state=0)
        >>> features, initial = net.fit(X, y).linearize()
        >>> W, b, u, c = initial.initial_weights()
        >>> moves = (np.column_stack([net.hidden_weights_ - W, net.hidden_biases_ - b])
        ...     .ravel(), net.output_weights_ - u)
        >>> linear = initial.predict(X) + net.output_bias_ + (
        ...     features.transform(X) @ np.concatenate(moves))
        >>> bool(np.abs(linear - net.predict(X)).max() < 0.1)
        True
        """
        check_is_fitted(self, "hidden_weights_")
        start = first_weights(self._sgd.start)
        whole = isinstance(output, Integral) and not isinstance(output, bool)
        if not whole or not 0 <= output < len(start.output):
            raise ValueError(
                f"output={output!r} is not one of the network's {len(start.output)} "
                "outputs. Count them from 0."
            )
        o, width = self._objective, len(start.hidden)
        trained = "output" if not o.train_hidden else "both" if o.train_output else "hidden"
        features = LinearizedNTKFeatures(
            width,
            activation=o.activation.name,
            train=trained,
            output_weights=start.output[output] * float(o.scale * np.sqrt(width)),
            biases=self._sgd.start.biases,
        ).from_weights(start.hidden, start.biases)
        if hasattr(self, "feature_names_in_"):
            features.feature_names_in_ = self.feature_names_in_
        initial = copy.copy(self)
        vars(initial).update(
            self._initial_attributes(),
            t_=0,
            n_iter_=0,
            loss_curve_=[],
            validation_scores_=None,
            _sgd=SGD(self._sgd.start, None, self._sgd.probe, self._sgd.eta0),
        )
        return features, initial

    def _initial_attributes(self):
        check_is_fitted(self, "hidden_weights_")
        weights = first_weights(self._sgd.start)
        return fitted_attributes(self._objective, weights, {"_flat": self._flat})
