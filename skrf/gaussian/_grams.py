"""Means and Gram matrices of ReLU neurons, their steps and their gradients."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from skrf._compiled import bivariate
from skrf._utils.checks import check_boolean, real_array
from skrf.gaussian._neurons import neurons, pair_blocks, pair_matrix, require_in_range


def two_layers(W, b, V, c, optional=True):
    """`Neurons` of (W, b), and of (V, c), or None where that is allowed."""
    if V is None and not optional:
        raise ValueError("V and c must be given. Pass W and b again for the same neurons.")
    if V is None and c is not None:
        raise ValueError("c was given without V. Give the weights V of its neurons too.")
    ones = neurons(W, b)
    if V is None:
        return ones, None
    if c is None:
        raise ValueError("V was given without c. Give one bias for each row of V.")
    return ones, neurons(V, c, ("V", "c"), ones.weights.shape[1])


def relu_mean(W: ArrayLike, b: ArrayLike) -> np.ndarray:
    r"""Means of ReLU neurons.

    .. math:: E[relu(\langle w, x\rangle + b)] = \|w\| (\phi(h) + h \Phi(h)),
              \quad h = b / \|w\|, \quad x \sim N(0, I).

    Source: the mean of a rectified normal variable, by parts.

    Parameters
    ----------
    W : array-like of shape (width, n_features)
        The weights w_i; rows may be 0.
    b : array-like of shape (width,)
        The biases b_i.

    Returns
    -------
    means : ndarray of shape (width,)
        Accurate relatively, also for neurons that are almost never on.

    Raises
    ------
    ValueError
        If shapes do not fit, or squares of entries leave the range of floats.

    Examples
    --------
    >>> from skrf.gaussian import relu_mean
    >>> relu_mean([[3.0, 4.0], [0.0, 0.0]], [0.0, 2.0]).round(6)
    array([1.994711, 2.      ])
    """
    return neurons(W, b).means.copy()


def relu_gram(
    W: ArrayLike, b: ArrayLike, V: ArrayLike | None = None, c: ArrayLike | None = None
) -> np.ndarray:
    r"""Gram matrix of ReLU neurons.

    .. math:: G_{ij} = E[relu(\langle w_i, x\rangle + b_i)
                         relu(\langle v_j, x\rangle + c_j)], \quad x \sim N(0, I).

    Without biases it is the arc-cosine kernel of order 1, divided by 2. The absolute error
    is about 1e-15 of the product of the root mean squares of the two neurons.

    Source: the population form of Eq. (2) of Yehudai and Shamir (2019); Cho and Saul (2009)
    without biases; moments of a truncated normal pair, Rosenbaum (1961), with them.

    Parameters
    ----------
    W : array-like of shape (width, n_features)
        The weights w_i; rows may be 0.
    b : array-like of shape (width,)
        The biases b_i.
    V : array-like of shape (n_others, n_features), default=None
        Other weights; None means W and b again, and an exactly symmetric G.
    c : array-like of shape (n_others,), default=None
        Their biases, given if and only if V is.

    Returns
    -------
    G : ndarray of shape (width, width) or (width, n_others)
        The Gram matrix.

    Raises
    ------
    ValueError
        If shapes do not fit, squares of entries leave the range of floats, or only one
        of V and c is given.

    Examples
    --------
    >>> from skrf.gaussian import relu_gram
    >>> relu_gram([[1.0, 0.0], [-2.0, 0.0]], [0.0, 0.0])
    array([[0.5, 0. ],
           [0. , 2. ]])
    """
    return pair_matrix(bivariate.RELU, *two_layers(W, b, V, c))


def step_gram(
    W: ArrayLike, b: ArrayLike, V: ArrayLike | None = None, c: ArrayLike | None = None
) -> np.ndarray:
    r"""Probabilities that two neurons are on.

    .. math:: P(\langle w_i, x\rangle + b_i > 0, \langle v_j, x\rangle + c_j > 0)
              = \Phi_2(h_i, k_j; \rho_{ij}), \quad x \sim N(0, I),

    with h = b / ||w||, k = c / ||v|| and rho the cosine of w and v. A neuron with w = 0 is
    on if and only if b > 0.

    Source: the bivariate normal distribution function; Sheppard (1899) and the arc-cosine
    kernel of order 0 of Cho and Saul (2009), divided by 2, without biases.

    Parameters
    ----------
    W, b : array-like of shapes (width, n_features) and (width,)
        Weights w_i and biases b_i, as in `relu_gram`.
    V, c : array-like of shapes (n_others, n_features) and (n_others,), default=None
        Weights v_j and biases c_j; None means W and b again.

    Returns
    -------
    P : ndarray of shape (width, width) or (width, n_others)
        The probabilities; exactly symmetric where V is None.

    Raises
    ------
    ValueError
        If shapes do not fit, squares of entries leave the range of floats, or only one
        of V and c is given.

    Examples
    --------
    >>> from skrf.gaussian import step_gram
    >>> step_gram([[1.0, 0.0]], [0.0], [[0.0, 1.0], [1.0, 0.0]], [0.0, 0.0])
    array([[0.25, 0.5 ]])
    """
    return pair_matrix(bivariate.STEP, *two_layers(W, b, V, c))


def step_relu_gram(
    W: ArrayLike, b: ArrayLike, V: ArrayLike | None = None, c: ArrayLike | None = None
) -> np.ndarray:
    r"""Means of ReLU neurons where others are on.

    .. math:: E[1(\langle w_i, x\rangle + b_i > 0)\, relu(\langle v_j, x\rangle + c_j)],

    the derivative of `relu_gram` in b_i.

    Source: first moments of a truncated normal pair, Rosenbaum (1961).

    Parameters
    ----------
    W, b : array-like of shapes (width, n_features) and (width,)
        Weights w_i and biases b_i, as in `relu_gram`.
    V, c : array-like of shapes (n_others, n_features) and (n_others,), default=None
        Weights v_j and biases c_j; None means W and b again.

    Returns
    -------
    D : ndarray of shape (width, width) or (width, n_others)
        The means; not symmetric, also where V is None.

    Raises
    ------
    ValueError
        If shapes do not fit, squares of entries leave the range of floats, or only one
        of V and c is given.

    Examples
    --------
    >>> from skrf.gaussian import step_relu_gram
    >>> step_relu_gram([[1.0]], [0.0], [[1.0], [-1.0]], [0.0, 0.0]).round(6)
    array([[0.398942, 0.      ]])
    """
    ones, twos = two_layers(W, b, V, c)
    return pair_matrix(bivariate.STEP_RELU, ones, ones if twos is None else twos)


def step_x_relu(
    W: ArrayLike,
    b: ArrayLike,
    V: ArrayLike,
    c: ArrayLike,
    coefficients: ArrayLike | None = None,
) -> np.ndarray:
    r"""Means of the inputs times a step and a ReLU.

    .. math:: S_{ij} = E[1(\langle w_i, x\rangle + b_i > 0)\, x\,
                         relu(\langle v_j, x\rangle + c_j)] \in R^d,

    the gradient of `relu_gram` in w_i. With `coefficients` only the sums
    :math:`\sum_j a_j S_{ij}`, without storing S.

    Source: the products of features with a neuron in Eq. (8) of Yehudai and Shamir (2019),
    by Stein's lemma.

    Parameters
    ----------
    W, b : array-like of shapes (width, n_features) and (width,)
        Weights w_i and biases b_i of the steps, as in `relu_gram`.
    V, c : array-like of shapes (n_others, n_features) and (n_others,)
        Weights v_j and biases c_j of the ReLU neurons; of a target its weight, as a row.
    coefficients : array-like of shape (n_others,), default=None
        The a_j; None means all S_ij.

    Returns
    -------
    S : ndarray of shape (width, n_others, n_features), or (width, n_features)
        The means, or their sums over j.

    Raises
    ------
    ValueError
        If shapes do not fit, or squares of entries leave the range of floats.

    Examples
    --------
    >>> from skrf.gaussian import step_x_relu
    >>> step_x_relu([[1.0, 0.0]], [0.0], [[2.0, 0.0]], [0.0], coefficients=[1.0])
    array([[1., 0.]])
    """
    ones, twos = two_layers(W, b, V, c, optional=False)
    if coefficients is not None:
        a = real_array("coefficients", coefficients)
        if a.shape != (len(twos.biases),):
            raise ValueError(
                f"coefficients must have one number for each of the {len(twos.biases)} "
                f"rows of V; got shape {a.shape}. Give as many."
            )
        require_in_range("coefficients", a, ones, twos)
        return slope_sums(ones, twos, a)[2]
    S = np.empty((len(ones.biases), *twos.weights.shape))

    def use(rows, block):
        S[rows] = block[2][:, :, np.newaxis] * ones.units[rows][:, np.newaxis]
        S[rows] += block[1][:, :, np.newaxis] * twos.weights

    pair_blocks(bivariate.SLOPE, ones, twos, use)
    return S


def slope_sums(ones, twos, a):
    """sum_j a_j E[f_i relu_j] for f = relu, (n,), step, (n,), and step times x, (n, d)."""
    values, means = np.empty((2, len(ones.biases)))
    sums = np.empty(ones.weights.shape)

    def use(rows, block):
        values[rows], means[rows] = block[3] @ a, block[0] @ a
        sums[rows] = (block[1] * a) @ twos.weights
        sums[rows] += (block[2] @ a)[:, np.newaxis] * ones.units[rows]

    pair_blocks(bivariate.SLOPE, ones, twos, use)
    return values, means, sums


def tangent_gram(
    W: ArrayLike,
    b: ArrayLike,
    V: ArrayLike | None = None,
    c: ArrayLike | None = None,
    *,
    biases: bool = False,
) -> np.ndarray:
    r"""Gram matrix of the linearised NTK features of ReLU neurons.

    Of the features :math:`1(\langle w_i, x\rangle + b_i > 0)\, x_j` of Eq. (8), or with
    `biases` of :math:`1(\langle w_i, x\rangle + b_i > 0)\, (x, 1)`; those of a neuron are
    next to each other, as in `skrf.LinearizedNTKFeatures`, without its scale. Neurons i
    and j have the block :math:`E[1_i 1_j x x^T]`.

    Source: Eq. (8) of Yehudai and Shamir (2019); second moments of a truncated normal pair,
    Rosenbaum (1961).

    Parameters
    ----------
    W, b : array-like of shapes (width, n_features) and (width,)
        Weights w_i and biases b_i, as in `relu_gram`.
    V, c : array-like of shapes (n_others, n_features) and (n_others,), default=None
        Weights v_j and biases c_j; None means W and b again.
    biases : bool, default=False
        Whether the derivatives in the biases are features too.

    Returns
    -------
    K : ndarray of shape (width * size, width * size) or (width * size, n_others * size)
        With size = n_features + biases; exactly symmetric where V is None.

    Raises
    ------
    ValueError
        If shapes do not fit, squares of entries leave the range of floats, only one of
        V and c is given, or biases is not a boolean.

    Examples
    --------
    >>> from skrf.gaussian import tangent_gram
    >>> tangent_gram([[1.0, 0.0]], [0.0])
    array([[0.5, 0. ],
           [0. , 0.5]])
    """
    check_boolean("biases", biases)
    ones, twos = two_layers(W, b, V, c)
    return tangent_matrix(ones, twos, biases)


def tangent_matrix(ones, twos, biases):
    """`tangent_gram` of `Neurons`."""
    size = ones.weights.shape[1] + bool(biases)
    right = ones if twos is None else twos
    K = np.empty((size * len(ones.biases), size * len(right.biases)))

    def use(rows, block):
        n = block.shape[2]
        at = slice(size * rows.start, size * rows.stop)
        units = right.units[:n]
        bivariate.tangent(block, ones.units[rows], units, bool(biases), K[at, : size * n])
        if twos is None:
            K[: at.start, at] = K[at, : at.start].T
            square = K[at, at]
            K[at, at] = np.tril(square) + np.tril(square, -1).T

    pair_blocks(bivariate.TANGENT, ones, right, use, lower=twos is None)
    return K


def tangent_relu_products(
    W: ArrayLike, b: ArrayLike, V: ArrayLike, c: ArrayLike, *, biases: bool = False
) -> np.ndarray:
    r"""Inner products of linearised NTK features and ReLU neurons.

    .. math:: E[1(\langle w_i, x\rangle + b_i > 0)\, x_l\,
                relu(\langle v_j, x\rangle + c_j)],

    with `biases` also those with 1 in place of x_l.

    Source: the products of the features of Eq. (8) of Yehudai and Shamir (2019) with the
    target of Theorem 4.8.

    Parameters
    ----------
    W, b : array-like of shapes (width, n_features) and (width,)
        Weights w_i and biases b_i of the steps, as in `relu_gram`.
    V, c : array-like of shapes (n_others, n_features) and (n_others,)
        Weights v_j and biases c_j of the ReLU neurons; of a target its weight, as a row.
    biases : bool, default=False
        Whether the derivatives in the biases are features too.

    Returns
    -------
    products : ndarray of shape (width * (n_features + biases), n_others)
        The features in the order of `tangent_gram`.

    Raises
    ------
    ValueError
        If shapes do not fit, squares of entries leave the range of floats, or biases is
        not a boolean.

    Examples
    --------
    >>> from skrf.gaussian import tangent_relu_products
    >>> tangent_relu_products([[1.0, 0.0]], [0.0], [[2.0, 0.0]], [0.0])
    array([[1.],
           [0.]])
    """
    check_boolean("biases", biases)
    ones, twos = two_layers(W, b, V, c, optional=False)
    return tangent_products(ones, twos, biases)


def tangent_products(ones, twos, biases):
    """`tangent_relu_products` of `Neurons`."""
    n, d = ones.weights.shape
    products = np.empty((n, d + bool(biases), len(twos.biases)))

    def use(rows, block):
        part = products[rows]
        part[:, :d] = block[2][:, np.newaxis] * ones.units[rows][:, :, np.newaxis]
        part[:, :d] += block[1][:, np.newaxis] * twos.weights.T
        if biases:
            part[:, d] = block[0]

    pair_blocks(bivariate.SLOPE, ones, twos, use)
    return products.reshape(-1, len(twos.biases))
