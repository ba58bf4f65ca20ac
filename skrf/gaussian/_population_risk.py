"""Exact risk of sums of ReLU neurons on a ReLU neuron, and its gradient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from skrf._compiled import bivariate
from skrf._utils.checks import is_number, real_array
from skrf.gaussian._grams import slope_sums
from skrf.gaussian._neurons import (
    LEAST,
    Neurons,
    density,
    neurons,
    quadratic_form,
    require_in_range,
)
from skrf.targets import SingleNeuron


@dataclass(frozen=True)
class PopulationRisk:
    """Mean squared error under Gaussian inputs, as `population_risk` returns it.

    Attributes
    ----------
    risk : float
        E (N(x) - g(x))^2. Below `rounding_error` it is noise, and may be negative.
    relative : float
        risk / E g(x)^2.
    rounding_error : float
        Estimated rounding error of `risk`,
        ``eps (sum_i |u_i| ||f_i|| + |intercept| + ||g||)^2``, with root mean squares as
        norms.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Left-hand side of Eqs. (2) and (7).

    Examples
    --------
    >>> from skrf import SingleNeuron
    >>> from skrf.gaussian import population_risk
    >>> result = population_risk([0.0], [[1.0]], [0.0], SingleNeuron([2.0]))
    >>> round(result.risk, 12), result.relative, result.rounding_error < 1e-14
    (2.0, 1.0, True)
    """

    risk: float
    relative: float
    rounding_error: float


def target_neuron(target, n_features):
    """`Neurons` that contain only the target."""
    if not isinstance(target, SingleNeuron):
        raise ValueError(
            f"`target` must be a SingleNeuron; got {type(target).__name__}. Use "
            "SingleNeuron(weight, bias)."
        )
    if target.activation != "relu":
        raise ValueError(
            f"`target` must have activation='relu'; got activation={target.activation!r}. "
            "Use SingleNeuron(weight, bias, activation='relu')."
        )
    if target.n_features != n_features:
        raise ValueError(
            f"`target` must have {n_features} features, the number of columns of W; got "
            f"{target.n_features}. Use a target and weights for the same inputs."
        )
    if not target.weight.any() and target.bias <= 0:
        raise ValueError(
            f"`target` must not be 0 everywhere; got weight 0 and bias {target.bias:.6g}. "
            "Use a nonzero weight or a positive bias."
        )
    names = "target.weight", "target.bias"
    weight, bias = target.weight[np.newaxis], np.array([target.bias])
    goal = neurons(weight, bias, names, least=LEAST)
    if not goal.squares[0] > 0:
        raise ValueError(
            "`target` must have a mean square above 0 in float64; got "
            f"bias={target.bias:.6g}. Use a bias closer to 0."
        )
    return goal


def layer_and_goal(W, b, target):
    """`Neurons` of the features and `Neurons` of the target, on the same inputs."""
    layer = neurons(W, b, least=LEAST)
    return layer, target_neuron(target, layer.weights.shape[1])


def output_weights(name, u, *layers):
    """Output weights as a float64 vector, after checks of its shape and its range."""
    u, width = real_array(name, u), len(layers[0].biases)
    if u.shape != (width,):
        raise ValueError(
            f"`{name}` must have one output weight for each of the {width} rows of W; got "
            f"shape {u.shape}. Pass a 1-D array of this length, such as {name}.ravel()."
        )
    for layer in layers:
        require_in_range(name, u, layer)
    return u


def stacked(*layers):
    """Concatenated `Neurons`."""
    return Neurons(
        *(np.concatenate(fields) for fields in zip(*map(tuple, layers), strict=True))
    )


def _residual(u, W, b, target, intercept):
    """Output weights and neurons of the residual N - g, and the intercept."""
    layer, goal = layer_and_goal(W, b, target)
    u = output_weights("u", u, layer)
    if not is_number(intercept):
        raise ValueError(
            f"`intercept` must be a finite number; got {intercept!r}. Use 0.0 for no "
            "intercept."
        )
    require_in_range("intercept", intercept, layer)
    return np.r_[u, -1.0], stacked(layer, goal), float(intercept)


def population_risk(
    u: ArrayLike,
    W: ArrayLike,
    b: ArrayLike,
    target: SingleNeuron,
    *,
    intercept: float = 0.0,
) -> PopulationRisk:
    r"""Exact risk of a sum of ReLU neurons on a ReLU neuron.

    .. math:: E\Big(\sum_i u_i\, relu(\langle w_i, x\rangle + b_i) + c
                    - relu(\langle w^*, x\rangle + b^*)\Big)^2, \quad x \sim N(0, I).

    No samples are drawn, and the features are not scaled.

    Parameters
    ----------
    u : array-like of shape (width,)
        The output weights.
    W, b : array-like of shapes (width, n_features) and (width,)
        The hidden weights and biases.
    target : SingleNeuron
        The target neuron (w*, b*), with activation "relu".
    intercept : float, default=0.0
        The intercept c.

    Returns
    -------
    result : PopulationRisk
        With `risk`, `relative` to the target's mean square, and `rounding_error`.

    Raises
    ------
    ValueError
        If shapes do not match, or an entry is not finite. If the square of a neuron
        overflows or underflows. If `target` is not a ReLU neuron, or is 0 everywhere.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Left-hand side of Eqs. (2) and (7).

    Examples
    --------
    >>> from skrf import SingleNeuron
    >>> from skrf.gaussian import population_risk
    >>> result = population_risk([1.0], [[0.0, 1.0]], [0.0], SingleNeuron([0.0, 2.0]))
    >>> round(result.relative, 12)
    0.25
    """
    a, layer, intercept = _residual(u, W, b, target, intercept)
    risk = quadratic_form(bivariate.RELU, a, layer)
    risk += intercept * (intercept + 2 * float(a @ layer.means))
    squares = layer.squares
    size = np.abs(a) @ np.sqrt(squares) + abs(intercept)
    rounding = float(np.finfo(float).eps * size**2)
    return PopulationRisk(risk, risk / float(squares[-1]), rounding)


def population_risk_gradient(
    u: ArrayLike,
    W: ArrayLike,
    b: ArrayLike,
    target: SingleNeuron,
    *,
    intercept: float = 0.0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    r"""Gradient of `population_risk` in the output weights, weights, biases and intercept.

    With the residual :math:`e(x) = N(x) - g(x)` the parts of the gradient are

    .. math:: 2 E[e\, relu_i], \quad 2 u_i E[e\, 1_i x], \quad 2 u_i E[e\, 1_i],
              \quad 2 E[e].

    Gradient descent on the exact risk needs no samples.

    Parameters
    ----------
    u : array-like of shape (width,)
        The output weights.
    W, b : array-like of shapes (width, n_features) and (width,)
        The hidden weights and biases.
    target : SingleNeuron
        The target neuron (w*, b*), with activation "relu".
    intercept : float, default=0.0
        The intercept c.

    Returns
    -------
    gradient_u : ndarray of shape (width,)
        Derivatives in the output weights.
    gradient_W : ndarray of shape (width, n_features)
        Derivatives in the hidden weights.
    gradient_b : ndarray of shape (width,)
        Derivatives in the hidden biases.
    gradient_intercept : float
        Derivative in the intercept.

    Raises
    ------
    ValueError
        If shapes do not match, or an entry is not finite. If the square of a neuron
        overflows or underflows. If `target` is not a ReLU neuron, or is 0 everywhere.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Derivative of Eqs. (2) and (7).

    Examples
    --------
    >>> from skrf import SingleNeuron
    >>> from skrf.gaussian import population_risk_gradient
    >>> target = SingleNeuron([0.0, 2.0])
    >>> population_risk_gradient([1.0], [[0.0, 1.0]], [0.0], target)[1]
    array([[ 0., -1.]])
    """
    a, layer, intercept = _residual(u, W, b, target, intercept)
    hidden, outer = layer[:-1], a[:-1]
    values, on_means, on_inputs = slope_sums(hidden, layer, a)
    values += intercept * hidden.means
    on_means += intercept * hidden.on
    kinks = intercept * density(hidden.table[:, bivariate.H])
    on_inputs += kinks[:, np.newaxis] * hidden.units
    return (
        2 * values,
        2 * outer[:, np.newaxis] * on_inputs,
        2 * outer * on_means,
        float(2 * (a @ layer.means + intercept)),
    )
