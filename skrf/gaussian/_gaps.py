"""Exact distances of a trained ReLU network from its start, under Gaussian inputs."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from skrf._compiled import bivariate
from skrf.gaussian._grams import slope_sums
from skrf.gaussian._neurons import neurons, pair_blocks, quadratic_form
from skrf.gaussian._population_risk import output_weights, stacked


def _layers(W0, b0, W, b, **outputs):
    """`Neurons` at the start and at the end, and vectors of output weights by name."""
    start = neurons(W0, b0, ("W0", "b0"))
    last = neurons(W, b)
    if last.weights.shape != start.weights.shape:
        raise ValueError(
            f"W has shape {last.weights.shape} and W0 {start.weights.shape}. Give the same "
            "neurons before and after training."
        )
    layers = start, last
    return *layers, *(output_weights(name, u, *layers) for name, u in outputs.items())


def flip_probability(
    W0: ArrayLike, b0: ArrayLike, W: ArrayLike, b: ArrayLike
) -> np.ndarray:
    r"""Probability that a neuron's pre-activation has changed its sign.

    .. math:: P(1(\langle w_0, x\rangle + b_0 > 0) \ne 1(\langle w, x\rangle + b > 0))
              = \Phi(h_0) + \Phi(h) - 2 \Phi_2(h_0, h; \rho), \quad x \sim N(0, I),

    the angle of w_0 and w divided by pi where there are no biases. The coupling of Section
    2.1 needs it to be small. Accurate relatively for small movements too.

    Source: the coupling of Section 2.1 of Yehudai and Shamir (2019); the bivariate normal
    distribution function.

    Parameters
    ----------
    W0 : array-like of shape (width, n_features)
        The hidden weights before training.
    b0 : array-like of shape (width,)
        The hidden biases before training.
    W, b : array-like of shapes (width, n_features) and (width,)
        Those after training.

    Returns
    -------
    probabilities : ndarray of shape (width,)
        One for each neuron.

    Raises
    ------
    ValueError
        If shapes do not fit, or squares of entries leave the range of floats.

    Examples
    --------
    >>> from skrf.gaussian import flip_probability
    >>> flip_probability([[1.0, 0.0]], [0.0], [[0.0, 1.0]], [0.0])
    array([0.5])
    """
    start, last = _layers(W0, b0, W, b)
    out = np.empty(len(start.biases))
    bivariate.flips(start.table, start.units, last.table, last.units, out)
    return out


def _root(square):
    """Of a square that rounding may have made negative."""
    return float(np.sqrt(max(square, 0.0)))


def _distance(a, relus, start, D):
    """|| sum_j a_j relu_j - sum_i 1_i <D_i, (x, 1)> || in mean square."""
    _, means, inputs = slope_sums(start, relus, a)
    square = quadratic_form(bivariate.RELU, a, relus)
    square -= 2 * (np.sum(D[:, :-1] * inputs) + D[:, -1] @ means)
    return _root(square + _tangent_form(start, D))


def _tangent_form(layer, D):
    """E(sum_i 1_i <D_i, (x, 1)>)^2: `_bivariate.tangent` times D twice, never stored."""
    units, inner, e = layer.units, np.ascontiguousarray(D[:, :-1]), D[:, -1]
    own = np.einsum("ij,ij->i", inner, units)
    parts = {}

    def use(rows, block):
        P, ww, vv, dd, first, second, sign = block
        n = P.shape[1]
        D_i, D_j, y_i, y_j = inner[rows], inner[:n], own[rows, np.newaxis], own[:n]
        e_i, e_j = e[rows, np.newaxis], e[:n]
        by_v, by_w = D_i @ units[:n].T, units[rows] @ D_j.T
        terms = P * (D_i @ D_j.T + e_i * e_j) + ww * y_i * by_w + vv * by_v * y_j
        terms -= dd * (y_i - sign * by_v) * (by_w - sign * y_j)
        terms += (first * y_i + second * by_v) * e_j + e_i * (first * by_w + second * y_j)
        before = terms[:, : rows.start].sum()
        parts[rows.start] = 2 * before + terms[:, rows.start :].sum()

    pair_blocks(bivariate.TANGENT, layer, layer, use, lower=True)
    return sum(parts[start] for start in sorted(parts))


def feature_gap(
    u: ArrayLike, W0: ArrayLike, b0: ArrayLike, W: ArrayLike, b: ArrayLike
) -> float:
    r"""Distance of a network from the same output weights on its first features.

    .. math:: \Big\|\sum_i u_i\, (relu(\langle w_i, x\rangle + b_i)
              - relu(\langle w_{0i}, x\rangle + b_{0i}))\Big\|,

    the gap of U_t act(W_t x) from U_t act(W_0 x) of Section 2.2, as a root mean square over
    x ~ N(0, I), exact but for rounding: its square has an error of about
    ``eps (sum_i |u_i| ||relu_i||)^2``, and gaps below the root of that are noise.

    Source: Section 2.2 of Yehudai and Shamir (2019).

    Parameters
    ----------
    u : array-like of shape (width,)
        The output weights after training.
    W0, b0 : array-like of shapes (width, n_features) and (width,)
        The hidden weights and biases before training.
    W, b : array-like of shapes (width, n_features) and (width,)
        Those after training.

    Returns
    -------
    gap : float
        The root mean square, in units of the network.

    Raises
    ------
    ValueError
        If shapes do not fit, or squares of entries leave the range of floats.

    Examples
    --------
    >>> from skrf.gaussian import feature_gap
    >>> round(feature_gap([1.0], [[3.0, 0.0]], [0.0], [[1.0, 0.0]], [0.0]) ** 2, 12)
    2.0
    """
    start, last, outer = _layers(W0, b0, W, b, u=u)
    both, signed = stacked(last, start), np.r_[outer, -outer]
    return _root(quadratic_form(bivariate.RELU, signed, both))


def coupling_gap(
    u: ArrayLike, W0: ArrayLike, b0: ArrayLike, W: ArrayLike, b: ArrayLike
) -> float:
    r"""Distance of a network from itself with its first activation patterns.

    .. math:: \Big\|\sum_i u_i\, (\langle w_i, x\rangle + b_i)
              (1(\langle w_i, x\rangle + b_i > 0)
              - 1(\langle w_{0i}, x\rangle + b_{0i} > 0))\Big\|,

    what the coupling of Section 2.1 neglects, as a root mean square over x ~ N(0, I); exact
    but for rounding, as `feature_gap`.

    Source: Section 2.1 of Yehudai and Shamir (2019).

    Parameters
    ----------
    u : array-like of shape (width,)
        The output weights after training.
    W0, b0 : array-like of shapes (width, n_features) and (width,)
        The hidden weights and biases before training.
    W, b : array-like of shapes (width, n_features) and (width,)
        Those after training.

    Returns
    -------
    gap : float
        The root mean square, in units of the network.

    Raises
    ------
    ValueError
        If shapes do not fit, or squares of entries leave the range of floats.

    Examples
    --------
    >>> from skrf.gaussian import coupling_gap
    >>> round(coupling_gap([1.0], [[-1.0, 0.0]], [0.0], [[2.0, 0.0]], [0.0]) ** 2, 12)
    4.0
    """
    start, last, outer = _layers(W0, b0, W, b, u=u)
    D = outer[:, np.newaxis] * np.column_stack([last.weights, last.biases])
    return _distance(outer, last, start, D)


def linearization_gap(
    u0: ArrayLike,
    W0: ArrayLike,
    b0: ArrayLike,
    u: ArrayLike,
    W: ArrayLike,
    b: ArrayLike,
) -> float:
    r"""Distance of a network from its first-order expansion at its random start.

    .. math:: \Big\|N(x; u, W, b) - \sum_i \big(u_i\, relu(z_{0i}) + u_{0i}\,
              1(z_{0i} > 0)\, (\langle w_i - w_{0i}, x\rangle + b_i - b_{0i})\big)\Big\|,
              \quad z_{0i} = \langle w_{0i}, x\rangle + b_{0i},

    as a root mean square over x ~ N(0, I); exact but for rounding, as `feature_gap`.

    Source: Section 2.2 of Yehudai and Shamir (2019).

    Parameters
    ----------
    u0 : array-like of shape (width,)
        The output weights before training.
    W0, b0 : array-like of shapes (width, n_features) and (width,)
        The hidden weights and biases before training.
    u : array-like of shape (width,)
        The output weights after training.
    W, b : array-like of shapes (width, n_features) and (width,)
        The hidden weights and biases after training.

    Returns
    -------
    gap : float
        The root mean square, in units of the network.

    Raises
    ------
    ValueError
        If shapes do not fit, or squares of entries leave the range of floats.

    Examples
    --------
    >>> from skrf.gaussian import linearization_gap
    >>> round(linearization_gap([1.0], [[1.0]], [0.0], [2.0], [[3.0]], [0.0]) ** 2, 12)
    2.0
    """
    start, last, first, outer = _layers(W0, b0, W, b, u0=u0, u=u)
    moved = np.column_stack([last.weights, last.biases])
    moved -= np.column_stack([start.weights, start.biases])
    both, signed = stacked(last, start), np.r_[outer, -outer]
    return _distance(signed, both, start, first[:, np.newaxis] * moved)
