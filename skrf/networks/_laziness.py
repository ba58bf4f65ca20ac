"""How far a trained network is from learning with fixed random features."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any, Self

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skrf._utils.blocks import multiply, row_blocks
from skrf._utils.typing import MatrixLike
from skrf.features import LinearizedNTKFeatures
from skrf.networks._weights import fitted_attributes


@dataclass(frozen=True)
class Laziness:
    """How far training has moved a network, and the effect on its outputs.

    All values are 0 for a network whose hidden layer is at its random initialisation. For
    lazy training, they converge to 0 as the width grows. Gaps are root mean squares over
    the rows of X, relative to the root mean square of N. `OverparamNetRegressor.laziness`
    returns the object, and `print` shows the object as a table.

    Attributes
    ----------
    hidden_weights : float
        ||W_T - W_0|| / ||W_0||, in Frobenius norms.
    hidden_biases : float
        ||b_T - b_0|| / ||(W_0, b_0)||, because b_0 may be 0.
    output_weights : float
        ||u_T - u_0|| / ||u_0||.
    flipped : float
        Fraction of pairs of a row and a neuron whose pre-activation has changed its sign.
        The coupling argument of Section 2.1 of [1]_ needs a small fraction.
    frozen_gap : float
        Gap between U_T act(W_T x) and U_T act(W_0 x), as in Section 2.2 of [1]_.
    linear_gap : float
        Gap between the network and its first-order expansion at the initial weights.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019.

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


def measure(objective, initial, last, X):
    """The `Laziness`, on X, of weights `last` that were trained from weights `initial`."""
    width = len(initial.hidden)
    flips, squares = 0, np.zeros(3)
    for rows in row_blocks(X.shape[0], width):
        n_rows = rows.stop - rows.start
        z_0, z_t = np.empty((2, n_rows, width), initial.hidden.dtype)
        multiply(X[rows], initial.hidden, z_0)
        multiply(X[rows], last.hidden, z_t)
        z_0 += initial.biases
        z_t += last.biases
        flips += np.count_nonzero((z_0 > 0) != (z_t > 0))
        value, slope = objective.activation.value_and_derivative(z_0)
        frozen = value @ last.output.T
        linear = frozen + (slope * (z_t - z_0)) @ initial.output.T
        N = objective.activation(z_t) @ last.output.T
        output = objective.scale * N + last.intercept
        gaps = objective.scale * (N - frozen), objective.scale * (N - linear)
        squares += [np.sum(part.astype(np.float64) ** 2) for part in (output, *gaps)]
    N, frozen, linear = np.sqrt(squares)
    norm = np.linalg.norm
    hidden = norm(initial.hidden)
    return Laziness(
        _ratio(norm(last.hidden - initial.hidden), hidden),
        _ratio(norm(last.biases - initial.biases), np.hypot(hidden, norm(initial.biases))),
        _ratio(norm(last.output - initial.output), norm(initial.output)),
        float(flips / (X.shape[0] * width)),
        _ratio(frozen, N),
        _ratio(linear, N),
    )


def _ratio(numerator, denominator):
    if denominator > 0:
        return float(numerator / denominator)
    return 0.0 if numerator == 0 else float("inf")


class LazinessMixin:
    """Methods that compare a trained network with its initialisation."""

    # Attributes of the network.
    _state: Any
    _objective: Any
    _flat: bool
    _check_rows: Any
    _fitted_weights: Any

    def initial_weights(
        self,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, float | np.ndarray]:
        """Draw the initial weights again, from their seed.

        Returns
        -------
        hidden_weights : ndarray of shape (width, n_features)
            Initial hidden weights W.
        hidden_biases : ndarray of shape (width,)
            Initial hidden biases b.
        output_weights : ndarray of shape (width,) or (n_outputs, width)
            Initial output weights u.
        output_bias : float or ndarray of shape (n_outputs,)
            Initial output intercept c, which is 0.

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
        """Report how far training has moved the network, in its weights and on X.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Rows on which activation patterns and outputs are compared.

        Returns
        -------
        report : Laziness
            Relative movements of W, b and u, the fraction of flipped activation patterns,
            and the gaps to the frozen and to the linearised network.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If X has other columns than in `fit`, or values that are not finite.

        Examples
        --------
        >>> from skrf import OverparamNetRegressor, make_single_neuron
        >>> X, y = make_single_neuron(n_samples=100, n_features=5, random_state=0)
        >>> gaps = [
        ...     OverparamNetRegressor(
        ...         width, parametrization="ntk", eta0=0.1, max_iter=20, random_state=0
        ...     ).fit(X, y).laziness(X).linear_gap
        ...     for width in (10, 1000)
        ... ]
        >>> gaps[0] > 5 * gaps[1]
        True
        """
        X = self._check_rows(X)
        initial = self._initial_weights()
        return measure(self._objective, initial, self._fitted_weights(), X)

    def linearize(self, output: int = 0) -> tuple[LinearizedNTKFeatures, Self]:
        """Expand the network to first order at its initial weights.

        With theta = (W, b) the trained hidden weights, or (W, b, u),

            N(x; theta) = N(x; theta_0) + <features(x), theta - theta_0> + O(||.||^2).

        The entries of theta - theta_0 are ordered as follows:

        - (w_i, b_i) of neuron i in columns i * (d + 1) onwards, or w_i alone in columns
          i * d onwards with ``biases="none"``;
        - with ``train="both"``, then u, multiplied by sqrt(width) in the standard
          parametrisation.

        The change of the output intercept is added separately.

        Parameters
        ----------
        output : int, default=0
            Index of the output to expand.

        Returns
        -------
        features : LinearizedNTKFeatures
            Fitted transformer at the initial hidden weights, with the network's `train`.
        initial : estimator of the network's class
            The network before its first update, with outputs N(x; theta_0). `partial_fit`
            trains the network from there, at the learning rate `eta0_`.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If the network has no such `output`.

        Examples
        --------
        A wide network moves little, and the expansion predicts the trained network:

        >>> import numpy as np
        >>> from skrf import OverparamNetRegressor, make_single_neuron
        >>> X, y = make_single_neuron(n_samples=100, n_features=5, random_state=0)
        >>> net = OverparamNetRegressor(
        ...     1000, parametrization="ntk", eta0=0.1, max_iter=20, random_state=0)
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
        weights = self._initial_weights()
        is_integer = isinstance(output, Integral) and not isinstance(output, bool)
        if not is_integer or not 0 <= output < len(weights.output):
            raise ValueError(
                f"`output` must be an integer from 0 to {len(weights.output) - 1}; got "
                f"{output!r}. Pass the index of an output of the network."
            )
        o, width = self._objective, len(weights.hidden)
        trained = "output" if not o.train_hidden else "both" if o.train_output else "hidden"
        features = LinearizedNTKFeatures(
            width,
            activation=o.activation.name,
            train=trained,
            output_weights=weights.output[output] * float(o.scale * np.sqrt(width)),
            biases=self._state.initialization.biases,
        ).from_weights(weights.hidden, weights.biases)
        if hasattr(self, "feature_names_in_"):
            features.feature_names_in_ = self.feature_names_in_
        initial = copy.copy(self)
        vars(initial).update(
            self._initial_attributes(),
            t_=0,
            n_iter_=0,
            loss_curve_=[],
            validation_scores_=None,
            _state=replace(
                self._state, n_updates=0, n_averaged=0, velocity=None, mean=None, last=None
            ),
        )
        return features, initial

    def _initial_attributes(self):
        check_is_fitted(self, "hidden_weights_")
        weights = self._initial_weights()
        return fitted_attributes(self._objective, weights, {"_flat": self._flat})

    def _initial_weights(self):
        """The initial weights in the units of y."""
        return self._state.units.public(self._state.initialization.draw())
