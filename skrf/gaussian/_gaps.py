"""Exact distances of a trained ReLU network from its initialisation.

All distances are root mean squares over Gaussian inputs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from skrf._compiled import bivariate
from skrf.gaussian._grams import slope_sums
from skrf.gaussian._neurons import neurons, pair_blocks, quadratic_form
from skrf.gaussian._population_risk import output_weights, stacked


def _layers(W0, b0, W, b, **outputs):
    """`Neurons` before and after training, and the output weights passed by name."""
    start = neurons(W0, b0, ("W0", "b0"))
    last = neurons(W, b)
    if last.weights.shape != start.weights.shape:
        raise ValueError(
            f"`W` must have the shape of W0, {start.weights.shape}; got "
            f"{last.weights.shape}. Pass the same neurons before and after training."
        )
    layers = start, last
    return *layers, *(output_weights(name, u, *layers) for name, u in outputs.items())


def flip_probability(
    W0: ArrayLike, b0: ArrayLike, W: ArrayLike, b: ArrayLike
) -> np.ndarray:
    r"""Probability that training changes the sign of a neuron's pre-activation.

    .. math:: P(1(\langle w_0, x\rangle + b_0 > 0) \ne 1(\langle w, x\rangle + b > 0))
              = \Phi(h_0) + \Phi(h) - 2 \Phi_2(h_0, h; \rho), \quad x \sim N(0, I).

    Without biases the probability is the angle between w_0 and w, divided by pi. The
    coupling argument of [1]_ needs small probabilities. The relative accuracy is high for
    small movements too.

    Parameters
    ----------
    W0 : array-like of shape (width, n_features)
        The hidden weights before training.
    b0 : array-like of shape (width,)
        The hidden biases before training.
    W, b : array-like of shapes (width, n_features) and (width,)
        The hidden weights and biases after training.

    Returns
    -------
    probabilities : ndarray of shape (width,)
        One probability for each neuron.

    Raises
    ------
    ValueError
        If shapes do not match, or squares of entries overflow or underflow.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Section 2.1.

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
    """Square root of a square that may be negative by rounding."""
    return float(np.sqrt(max(square, 0.0)))


def _distance(a, relus, start, D):
    """Root mean square of sum_j a_j relu_j - sum_i 1_i <D_i, (x, 1)>."""
    _, means, inputs = slope_sums(start, relus, a)
    square = quadratic_form(bivariate.RELU, a, relus)
    square -= 2 * (np.sum(D[:, :-1] * inputs) + D[:, -1] @ means)
    return _root(square + _tangent_form(start, D))


def _tangent_form(layer, D):
    """E(sum_i 1_i <D_i, (x, 1)>)^2 by `bivariate.tangent`, without storing the matrix."""
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
    r"""Distance of a network from its output weights on the initial features.

    .. math:: \Big\|\sum_i u_i\, (relu(\langle w_i, x\rangle + b_i)
              - relu(\langle w_{0i}, x\rangle + b_{0i}))\Big\|,

    as a root mean square over x ~ N(0, I). In [1]_ this is the gap between U_t act(W_t x)
    and U_t act(W_0 x).

    Parameters
    ----------
    u : array-like of shape (width,)
        The output weights after training.
    W0, b0 : array-like of shapes (width, n_features) and (width,)
        The hidden weights and biases before training.
    W, b : array-like of shapes (width, n_features) and (width,)
        The hidden weights and biases after training.

    Returns
    -------
    gap : float
        The root mean square, in the units of the network's output.

    Raises
    ------
    ValueError
        If shapes do not match, or squares of entries overflow or underflow.

    Notes
    -----
    The gap is exact up to rounding error. Its square has an error of about
    ``eps (sum_i |u_i| ||relu_i||)^2``; gaps below the square root of this are noise.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Section 2.2.

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
    r"""Distance of a network from itself with its initial activation patterns.

    .. math:: \Big\|\sum_i u_i\, (\langle w_i, x\rangle + b_i)
              (1(\langle w_i, x\rangle + b_i > 0)
              - 1(\langle w_{0i}, x\rangle + b_{0i} > 0))\Big\|,

    as a root mean square over x ~ N(0, I). The coupling argument of [1]_ neglects this
    distance.

    Parameters
    ----------
    u : array-like of shape (width,)
        The output weights after training.
    W0, b0 : array-like of shapes (width, n_features) and (width,)
        The hidden weights and biases before training.
    W, b : array-like of shapes (width, n_features) and (width,)
        The hidden weights and biases after training.

    Returns
    -------
    gap : float
        The root mean square, in the units of the network's output.

    Raises
    ------
    ValueError
        If shapes do not match, or squares of entries overflow or underflow.

    Notes
    -----
    The gap is exact up to the rounding error described in `feature_gap`.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Section 2.1.

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
    r"""Distance of a network from its first-order expansion at its initialisation.

    .. math:: \Big\|N(x; u, W, b) - \sum_i \big(u_i\, relu(z_{0i}) + u_{0i}\,
              1(z_{0i} > 0)\, (\langle w_i - w_{0i}, x\rangle + b_i - b_{0i})\big)\Big\|,
              \quad z_{0i} = \langle w_{0i}, x\rangle + b_{0i},

    as a root mean square over x ~ N(0, I).

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
        The root mean square, in the units of the network's output.

    Raises
    ------
    ValueError
        If shapes do not match, or squares of entries overflow or underflow.

    Notes
    -----
    The gap is exact up to the rounding error described in `feature_gap`.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Section 2.2.

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
