"""Means and Gram matrices of ReLU neurons, of their derivatives and of their gradients."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from skrf._compiled import bivariate
from skrf._utils.checks import check_boolean, real_array
from skrf.gaussian._neurons import neurons, pair_blocks, pair_matrix, require_in_range


def two_layers(W, b, V, c, optional=True):
    """`Neurons` of (W, b) and of (V, c); the second is None if optional and V is None."""
    if V is None and not optional:
        raise ValueError(
            "`V` and `c` must be arrays; got V=None. Pass W and b again for the same "
            "neurons."
        )
    if V is None and c is not None:
        raise ValueError(
            "`c` must be passed together with V; got V=None. Pass the weights V of these "
            "neurons."
        )
    first = neurons(W, b)
    if V is None:
        return first, None
    if c is None:
        raise ValueError(
            "`V` must be passed together with c; got c=None. Pass one bias for each row of "
            "V."
        )
    return first, neurons(V, c, ("V", "c"), first.weights.shape[1])


def relu_mean(W: ArrayLike, b: ArrayLike) -> np.ndarray:
    r"""Means of ReLU neurons.

    .. math:: E[relu(\langle w, x\rangle + b)] = \|w\| (\phi(h) + h \Phi(h)),
              \quad h = b / \|w\|, \quad x \sim N(0, I).

    Parameters
    ----------
    W : array-like of shape (width, n_features)
        The weights w_i; rows may be 0.
    b : array-like of shape (width,)
        The biases b_i.

    Returns
    -------
    means : ndarray of shape (width,)
        The means. Their relative accuracy is high, also for neurons that are almost never
        active.

    Raises
    ------
    ValueError
        If shapes do not match, or squares of entries overflow or underflow.

    References
    ----------
    .. [1] S. Rosenbaum, "Moments of a Truncated Bivariate Normal Distribution", Journal of
       the Royal Statistical Society B 23, 1961. The generalisation to two variables.

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

    Without biases the Gram matrix is the arc-cosine kernel of order 1 [2]_, divided by 2;
    with biases its entries are moments of a truncated normal pair [3]_. The absolute error
    is about 1e-15 of the product of the root mean squares of the two neurons.

    Parameters
    ----------
    W : array-like of shape (width, n_features)
        The weights w_i; rows may be 0.
    b : array-like of shape (width,)
        The biases b_i.
    V : array-like of shape (n_others, n_features), default=None
        The weights v_j of the second layer. None uses W and b again, which makes G exactly
        symmetric.
    c : array-like of shape (n_others,), default=None
        The biases c_j of the second layer; required if and only if V is passed.

    Returns
    -------
    G : ndarray of shape (width, width) or (width, n_others)
        The Gram matrix.

    Raises
    ------
    ValueError
        If shapes do not match, squares of entries overflow or underflow, or only one of V
        and c is passed.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Eq. (2).
    .. [2] Y. Cho and L. K. Saul, "Kernel Methods for Deep Learning", NeurIPS 2009.
    .. [3] S. Rosenbaum, "Moments of a Truncated Bivariate Normal Distribution", Journal of
       the Royal Statistical Society B 23, 1961.

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
    r"""Probabilities that two neurons are both active.

    .. math:: P(\langle w_i, x\rangle + b_i > 0, \langle v_j, x\rangle + c_j > 0)
              = \Phi_2(h_i, k_j; \rho_{ij}), \quad x \sim N(0, I),

    with h = b / ||w||, k = c / ||v|| and rho the cosine of w and v. A neuron with w = 0 is
    active if and only if b > 0. Without biases the probability is Sheppard's formula [1]_,
    the arc-cosine kernel of order 0 [2]_ divided by 2.

    Parameters
    ----------
    W, b : array-like of shapes (width, n_features) and (width,)
        The weights w_i and biases b_i, as in `relu_gram`.
    V, c : array-like of shapes (n_others, n_features) and (n_others,), default=None
        The weights v_j and biases c_j of the second layer. None uses W and b again.

    Returns
    -------
    P : ndarray of shape (width, width) or (width, n_others)
        The probabilities; exactly symmetric if V is None.

    Raises
    ------
    ValueError
        If shapes do not match, squares of entries overflow or underflow, or only one of V
        and c is passed.

    References
    ----------
    .. [1] W. F. Sheppard, "On the Application of the Theory of Error to Cases of Normal
       Distribution and Normal Correlation", Philosophical Transactions A 192, 1899.
    .. [2] Y. Cho and L. K. Saul, "Kernel Methods for Deep Learning", NeurIPS 2009.

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
    r"""Means of ReLU neurons over the inputs that activate other neurons.

    .. math:: E[1(\langle w_i, x\rangle + b_i > 0)\, relu(\langle v_j, x\rangle + c_j)],

    the derivative of `relu_gram` in b_i.

    Parameters
    ----------
    W, b : array-like of shapes (width, n_features) and (width,)
        The weights w_i and biases b_i of the steps, as in `relu_gram`.
    V, c : array-like of shapes (n_others, n_features) and (n_others,), default=None
        The weights v_j and biases c_j of the ReLU neurons. None uses W and b again.

    Returns
    -------
    D : ndarray of shape (width, width) or (width, n_others)
        The means; not symmetric, even if V is None.

    Raises
    ------
    ValueError
        If shapes do not match, squares of entries overflow or underflow, or only one of V
        and c is passed.

    References
    ----------
    .. [1] S. Rosenbaum, "Moments of a Truncated Bivariate Normal Distribution", Journal of
       the Royal Statistical Society B 23, 1961.

    Examples
    --------
    >>> from skrf.gaussian import step_relu_gram
    >>> step_relu_gram([[1.0]], [0.0], [[1.0], [-1.0]], [0.0, 0.0]).round(6)
    array([[0.398942, 0.      ]])
    """
    first, second = two_layers(W, b, V, c)
    return pair_matrix(bivariate.STEP_RELU, first, first if second is None else second)


def step_x_relu(
    W: ArrayLike,
    b: ArrayLike,
    V: ArrayLike,
    c: ArrayLike,
    coefficients: ArrayLike | None = None,
) -> np.ndarray:
    r"""Means of the inputs times a step neuron and a ReLU neuron.

    .. math:: S_{ij} = E[1(\langle w_i, x\rangle + b_i > 0)\, x\,
                         relu(\langle v_j, x\rangle + c_j)] \in R^d,

    the gradient of `relu_gram` in w_i. With `coefficients` only the sums
    :math:`\sum_j a_j S_{ij}` are returned, and S is never stored.

    Parameters
    ----------
    W, b : array-like of shapes (width, n_features) and (width,)
        The weights w_i and biases b_i of the steps, as in `relu_gram`.
    V, c : array-like of shapes (n_others, n_features) and (n_others,)
        The weights v_j and biases c_j of the ReLU neurons. For a target, pass its weight
        as one row.
    coefficients : array-like of shape (n_others,), default=None
        The coefficients a_j of the sums. None returns all S_ij.

    Returns
    -------
    S : ndarray of shape (width, n_others, n_features), or (width, n_features)
        The means, or their sums over j.

    Raises
    ------
    ValueError
        If shapes do not match, or squares of entries overflow or underflow.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. The products of the features of
       Eq. (8) with a neuron, here by Stein's lemma.

    Examples
    --------
    >>> from skrf.gaussian import step_x_relu
    >>> step_x_relu([[1.0, 0.0]], [0.0], [[2.0, 0.0]], [0.0], coefficients=[1.0])
    array([[1., 0.]])
    """
    first, second = two_layers(W, b, V, c, optional=False)
    if coefficients is not None:
        a = real_array("coefficients", coefficients)
        if a.shape != (len(second.biases),):
            raise ValueError(
                f"`coefficients` must have one number for each of the {len(second.biases)} "
                f"rows of V; got shape {a.shape}. Pass one coefficient for each row."
            )
        require_in_range("coefficients", a, first, second)
        return slope_sums(first, second, a)[2]
    S = np.empty((len(first.biases), *second.weights.shape))

    def use(rows, block):
        S[rows] = block[2][:, :, np.newaxis] * first.units[rows][:, np.newaxis]
        S[rows] += block[1][:, :, np.newaxis] * second.weights

    pair_blocks(bivariate.SLOPE, first, second, use)
    return S


def slope_sums(first, second, a):
    """sum_j a_j E[f_i relu_j] for f = relu and step, (n,), and for step times x, (n, d)."""
    values, means = np.empty((2, len(first.biases)))
    sums = np.empty(first.weights.shape)

    def use(rows, block):
        values[rows], means[rows] = block[3] @ a, block[0] @ a
        sums[rows] = (block[1] * a) @ second.weights
        sums[rows] += (block[2] @ a)[:, np.newaxis] * first.units[rows]

    pair_blocks(bivariate.SLOPE, first, second, use)
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

    The features are :math:`1(\langle w_i, x\rangle + b_i > 0)\, x_j` of Eq. (8) [1]_, or
    with `biases` :math:`1(\langle w_i, x\rangle + b_i > 0)\, (x, 1)`. The features of a
    neuron are next to each other, as in `skrf.LinearizedNTKFeatures`, without its scale.
    Neurons i and j have the block :math:`E[1_i 1_j x x^T]`, the second moments of a
    truncated normal pair [2]_.

    Parameters
    ----------
    W, b : array-like of shapes (width, n_features) and (width,)
        The weights w_i and biases b_i, as in `relu_gram`.
    V, c : array-like of shapes (n_others, n_features) and (n_others,), default=None
        The weights v_j and biases c_j of the second layer. None uses W and b again.
    biases : bool, default=False
        Whether to add the derivatives in the biases as features.

    Returns
    -------
    K : ndarray of shape (width * size, width * size) or (width * size, n_others * size)
        The Gram matrix, with size = n_features + biases; exactly symmetric if V is None.

    Raises
    ------
    ValueError
        If shapes do not match, squares of entries overflow or underflow, only one of V and
        c is passed, or `biases` is not a boolean.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Eq. (8).
    .. [2] S. Rosenbaum, "Moments of a Truncated Bivariate Normal Distribution", Journal of
       the Royal Statistical Society B 23, 1961.

    Examples
    --------
    >>> from skrf.gaussian import tangent_gram
    >>> tangent_gram([[1.0, 0.0]], [0.0])
    array([[0.5, 0. ],
           [0. , 0.5]])
    """
    check_boolean("biases", biases)
    first, second = two_layers(W, b, V, c)
    return tangent_matrix(first, second, biases)


def tangent_matrix(first, second, biases):
    """`tangent_gram` of `Neurons`."""
    size = first.weights.shape[1] + bool(biases)
    right = first if second is None else second
    K = np.empty((size * len(first.biases), size * len(right.biases)))

    def use(rows, block):
        n = block.shape[2]
        at = slice(size * rows.start, size * rows.stop)
        units = right.units[:n]
        bivariate.tangent(block, first.units[rows], units, bool(biases), K[at, : size * n])
        if second is None:
            K[: at.start, at] = K[at, : at.start].T
            square = K[at, at]
            K[at, at] = np.tril(square) + np.tril(square, -1).T

    pair_blocks(bivariate.TANGENT, first, right, use, lower=second is None)
    return K


def tangent_relu_products(
    W: ArrayLike, b: ArrayLike, V: ArrayLike, c: ArrayLike, *, biases: bool = False
) -> np.ndarray:
    r"""Inner products of linearised NTK features and ReLU neurons.

    .. math:: E[1(\langle w_i, x\rangle + b_i > 0)\, x_l\,
                relu(\langle v_j, x\rangle + c_j)].

    With `biases` the products with 1 in place of x_l are added.

    Parameters
    ----------
    W, b : array-like of shapes (width, n_features) and (width,)
        The weights w_i and biases b_i of the steps, as in `relu_gram`.
    V, c : array-like of shapes (n_others, n_features) and (n_others,)
        The weights v_j and biases c_j of the ReLU neurons. For a target, pass its weight
        as one row.
    biases : bool, default=False
        Whether to add the derivatives in the biases as features.

    Returns
    -------
    products : ndarray of shape (width * (n_features + biases), n_others)
        The inner products, with the features in the order of `tangent_gram`.

    Raises
    ------
    ValueError
        If shapes do not match, squares of entries overflow or underflow, or `biases` is
        not a boolean.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. The features of Eq. (8) and the
       target of Theorem 4.8.

    Examples
    --------
    >>> from skrf.gaussian import tangent_relu_products
    >>> tangent_relu_products([[1.0, 0.0]], [0.0], [[2.0, 0.0]], [0.0])
    array([[1.],
           [0.]])
    """
    check_boolean("biases", biases)
    first, second = two_layers(W, b, V, c, optional=False)
    return tangent_products(first, second, biases)


def tangent_products(first, second, biases):
    """`tangent_relu_products` of `Neurons`."""
    n, d = first.weights.shape
    products = np.empty((n, d + bool(biases), len(second.biases)))

    def use(rows, block):
        part = products[rows]
        part[:, :d] = block[2][:, np.newaxis] * first.units[rows][:, :, np.newaxis]
        part[:, :d] += block[1][:, np.newaxis] * second.weights.T
        if biases:
            part[:, d] = block[0]

    pair_blocks(bivariate.SLOPE, first, second, use)
    return products.reshape(-1, len(second.biases))
