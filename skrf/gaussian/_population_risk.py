"""The exact risk of sums of ReLU neurons on a ReLU neuron, and its gradient."""

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
    """The mean squared error under Gaussian inputs, of `population_risk`.

    Source: the left-hand side of Eqs. (2) and (7) of Yehudai and Shamir (2019).

    Attributes
    ----------
    risk : float
        E (N(x) - g(x))^2; below `rounding_error` it is noise, and may be negative.
    relative : float
        risk / E g(x)^2.
    rounding_error : float
        Estimate of the error of `risk`:
        ``eps (sum_i |u_i| ||f_i|| + |intercept| + ||g||)^2``, with root mean squares as
        norms.

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
    """`Neurons` with the target only."""
    if not isinstance(target, SingleNeuron):
        raise ValueError(
            f"target must be a SingleNeuron; got {type(target).__name__}. Use "
            "SingleNeuron(weight, bias)."
        )
    if target.activation != "relu":
        raise ValueError(
            f"target has activation={target.activation!r}, but the closed forms are those "
            "of relu. Use SingleNeuron(weight, bias, activation='relu')."
        )
    if target.n_features != n_features:
        raise ValueError(
            f"target takes {target.n_features} features, but W has {n_features} columns. "
            "Give weights for the same inputs."
        )
    if not target.weight.any() and target.bias <= 0:
        raise ValueError(
            "target is 0 everywhere, so that no error is relative to it. Give it a weight "
            "that is not 0, or a positive bias."
        )
    names = "target's weight", "bias"
    weight, bias = target.weight[np.newaxis], np.array([target.bias])
    goal = neurons(weight, bias, names, least=LEAST)
    if not goal.squares[0] > 0:
        raise ValueError(
            f"target has bias={target.bias:.6g}, so far below its length that its mean "
            "square is 0 in float64. Use a bias closer to 0."
        )
    return goal


def layer_and_goal(W, b, target):
    """`Neurons` of the features, and of the target only, on the same inputs."""
    layer = neurons(W, b, least=LEAST)
    return layer, target_neuron(target, layer.weights.shape[1])


def output_weights(name, u, *layers):
    """A float64 vector, one for each neuron, in range beside the neurons' sizes."""
    u, width = real_array(name, u), len(layers[0].biases)
    if u.shape != (width,):
        raise ValueError(
            f"{name} must have one output weight for each of the {width} rows of W; got "
            f"shape {u.shape}. Give a 1-D array of as many, for instance {name}.ravel()."
        )
    for layer in layers:
        require_in_range(name, u, layer)
    return u


def stacked(*layers):
    """`Neurons` one after another."""
    return Neurons(
        *(np.concatenate(fields) for fields in zip(*map(tuple, layers), strict=True))
    )


def _residual(u, W, b, target, intercept):
    """Output weights and neurons of N - g, and the intercept."""
    layer, goal = layer_and_goal(W, b, target)
    u = output_weights("u", u, layer)
    if not is_number(intercept):
        raise ValueError(
            f"intercept={intercept!r} must be a finite number. Use 0.0 for none."
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
    r"""Risk of a sum of ReLU neurons on a ReLU neuron, exactly.

    .. math:: E\Big(\sum_i u_i\, relu(\langle w_i, x\rangle + b_i) + c
                    - relu(\langle w^*, x\rangle + b^*)\Big)^2, \quad x \sim N(0, I).

    No samples are drawn, and the features are not scaled.

    Source: the left-hand side of Eqs. (2) and (7) of Yehudai and Shamir (2019).

    Parameters
    ----------
    u : array-like of shape (width,)
        The output weights.
    W, b : array-like of shapes (width, n_features) and (width,)
        The hidden weights and biases.
    target : SingleNeuron
        With activation "relu".
    intercept : float, default=0.0
        The intercept c.

    Returns
    -------
    result : PopulationRisk
        With `risk`, `relative` to the target's mean square, and `rounding_error`.

    Raises
    ------
    ValueError
        If shapes do not fit, an entry is not finite, a neuron's square leaves the range of
        floats, or the target is another function, or 0.

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

    With the residual :math:`e(x) = N(x) - g(x)` it is

    .. math:: 2 E[e\, relu_i], \quad 2 u_i E[e\, 1_i x], \quad 2 u_i E[e\, 1_i],
              \quad 2 E[e],

    so that gradient descent on the exact risk needs no samples.

    Source: the derivative of Eqs. (2) and (7) of Yehudai and Shamir (2019), for the target
    of Theorem 4.2.

    Parameters
    ----------
    u : array-like of shape (width,)
        The output weights.
    W, b : array-like of shapes (width, n_features) and (width,)
        The hidden weights and biases.
    target : SingleNeuron
        With activation "relu".
    intercept : float, default=0.0
        The intercept c.

    Returns
    -------
    gradient_u : ndarray of shape (width,)
        In the output weights.
    gradient_W : ndarray of shape (width, n_features)
        In the hidden weights.
    gradient_b : ndarray of shape (width,)
        In the hidden biases.
    gradient_intercept : float
        In the intercept.

    Raises
    ------
    ValueError
        If shapes do not fit, an entry is not finite, a neuron's square leaves the range of
        floats, or the target is another function, or 0.

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
