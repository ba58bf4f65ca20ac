"""The public kernels as functions of two matrices."""

from __future__ import annotations

from numbers import Integral

import numpy as np

from skrf._utils.typing import MatrixLike
from skrf._utils.validation import (
    NON_NEGATIVE,
    POSITIVE_INTEGER,
    NumericInterval,
    StrOptions,
    check_arguments,
    one_of,
)
from skrf.kernels._activation_duals import DUALS
from skrf.kernels._pairwise import pairwise
from skrf.kernels._recursion import Network

_PAIR = {"X": ["array-like", "sparse matrix"], "Y": ["array-like", "sparse matrix", None]}
_ORDERS = {**_PAIR, "order": [NumericInterval(Integral, 0, 2, closed="both")]}
_NETWORK = {
    **_PAIR,
    "activation": [one_of(DUALS)],
    "weight_scale": [NON_NEGATIVE],
    "bias_scale": [NON_NEGATIVE],
    "depth": [POSITIVE_INTEGER],
}
_TANGENT = {**_NETWORK, "train": [StrOptions({"hidden", "output", "both"})]}


@check_arguments(_ORDERS, prefer_skip_nested_validation=True)
def arc_cosine_kernel(
    X: MatrixLike, Y: MatrixLike | None = None, *, order: int = 1
) -> np.ndarray:
    r"""Arc-cosine kernel of order n.

    .. math:: k_n(x, y) = 2\, E[\Theta(p) \Theta(q) p^n q^n]
              = \tfrac1\pi \|x\|^n \|y\|^n J_n(\theta),

    with p = <g, x> and q = <g, y> for a standard Gaussian g, :math:`\theta` the angle of x
    and y, :math:`J_0 = \pi - \theta`, :math:`J_1 = \sin\theta + (\pi - \theta)
    \cos\theta` and :math:`J_2 = 3 \sin\theta \cos\theta + (\pi - \theta)(1 + 2
    \cos^2\theta)` [1]_. The kernel of a row of zeros is 0.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples_X, n_features)
        The first rows.
    Y : {array-like, sparse matrix} of shape (n_samples_Y, n_features), default=None
        The second rows; None uses X.
    order : {0, 1, 2}, default=1
        The power n: 0 for the activation "step", 1 for "relu", 2 for "squared_relu".

    Returns
    -------
    K : ndarray of shape (n_samples_X, n_samples_Y)
        The kernel matrix. Two rows passed as 1-D arrays give a number.

    Raises
    ------
    ValueError
        If a parameter is invalid. If X or Y are empty, contain NaN or infinity, or have
        different numbers of columns.

    References
    ----------
    .. [1] Cho, Y. and Saul, L. K. (2009). Kernel methods for deep learning. NeurIPS.

    Examples
    --------
    >>> from skrf.kernels import arc_cosine_kernel
    >>> arc_cosine_kernel([[3.0, 4.0]], [[3.0, 4.0]])
    array([[25.]])
    """
    dual = DUALS[("step", "relu", "squared_relu")[int(order)]][0]
    return pairwise(X, Y, lambda pairs, n_features: 2 * dual(pairs))


@check_arguments(_NETWORK, prefer_skip_nested_validation=True)
def random_feature_kernel(
    X: MatrixLike,
    Y: MatrixLike | None = None,
    *,
    activation: str = "relu",
    weight_scale: float = 1.0,
    bias_scale: float = 1.0,
    depth: int = 1,
) -> np.ndarray:
    r"""Kernel of infinitely many random features (conjugate kernel).

    .. math:: k(x, y) = E[act(\langle w, x\rangle + b)\, act(\langle w, y\rangle + b)],

    the limit of <z(x), z(y)> for `RandomFeatures` with Gaussian weights and biases.
    A deeper network repeats this with the covariance :math:`weight\_scale^2 k +
    bias\_scale^2` of the pre-activations in place of :math:`weight\_scale^2 \langle x,
    y\rangle / n\_features + bias\_scale^2`.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples_X, n_features)
        The first rows.
    Y : {array-like, sparse matrix} of shape (n_samples_Y, n_features), default=None
        The second rows; None uses X.
    activation : str, default="relu"
        A key of `skrf.activations.ACTIVATIONS`.
    weight_scale : float, default=1.0
        Root mean square length of w.
    bias_scale : float, default=1.0
        Standard deviation of b; 0 means no biases.
    depth : int, default=1
        Number of hidden layers.

    Returns
    -------
    K : ndarray of shape (n_samples_X, n_samples_Y)
        The kernel matrix. Two rows passed as 1-D arrays give a number.

    Raises
    ------
    ValueError
        If a parameter is invalid. If X or Y are empty, contain NaN or infinity, or have
        different numbers of columns. If the kernel overflows.

    Warns
    -----
    UserWarning
        If the kernel matrix takes more than about 10 s; the message estimates the time.

    Notes
    -----
    relu, step, leaky_relu, abs and squared_relu [1]_, erf [2]_, gelu, sin, cos and identity
    have closed forms. For softplus, silu, tanh and sigmoid, the logistic function is
    replaced by a mixture of 20 Gaussian distribution functions [3]_, whose kernels have
    closed forms. This changes the kernel by about 1e-13 times sqrt(k(x, x) k(y, y)), and a
    kernel value takes about 1 µs.

    References
    ----------
    .. [1] Cho, Y. and Saul, L. K. (2009). Kernel methods for deep learning. NeurIPS.
    .. [2] Williams, C. K. I. (1997). Computing with infinite networks. NeurIPS.
    .. [3] Andrews, D. F. and Mallows, C. L. (1974). Scale mixtures of normal distributions.
       Journal of the Royal Statistical Society B 36.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.svm import SVC
    >>> from skrf.kernels import random_feature_kernel
    >>> X, y = load_digits(return_X_y=True)
    >>> model = SVC(kernel=random_feature_kernel, C=100).fit(X[:1000] / 16, y[:1000])
    >>> bool(model.score(X[1000:] / 16, y[1000:]) > 0.9)
    True
    """
    network = Network(activation, "output", float(weight_scale), float(bias_scale), depth)
    return pairwise(X, Y, network.kernel)


@check_arguments(_TANGENT, prefer_skip_nested_validation=True)
def neural_tangent_kernel(
    X: MatrixLike,
    Y: MatrixLike | None = None,
    *,
    activation: str = "relu",
    train: str = "both",
    weight_scale: float = 1.0,
    bias_scale: float = 1.0,
    depth: int = 1,
) -> np.ndarray:
    r"""Neural tangent kernel of an infinitely wide network.

    For one hidden layer, with (w, b) Gaussian and output weights of square 1,

    .. math:: (\langle x, y\rangle + 1)\, E[act'(p)\, act'(q)] + E[act(p)\, act(q)],

    with p = <w, x> + b and q = <w, y> + b [1]_. The first term comes from the hidden layer,
    the second term from the output layer [2]_. Without biases (bias_scale = 0) the 1 is
    absent. The kernel is the limit of `LinearizedNTKFeatures` with the same `train`.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples_X, n_features)
        The first rows.
    Y : {array-like, sparse matrix} of shape (n_samples_Y, n_features), default=None
        The second rows; None uses X.
    activation : str, default="relu"
        A key of `skrf.activations.ACTIVATIONS`; "step" only with ``train="output"``.
    train : {"both", "hidden", "output"}, default="both"
        Which layers are trained.
    weight_scale : float, default=1.0
        Root mean square length of w.
    bias_scale : float, default=1.0
        Standard deviation of b; 0 means no biases.
    depth : int, default=1
        Number of hidden layers.

    Returns
    -------
    K : ndarray of shape (n_samples_X, n_samples_Y)
        The kernel matrix. Two rows passed as 1-D arrays give a number.

    Raises
    ------
    ValueError
        If a parameter is invalid, if ``activation="step"`` without ``train="output"``, or
        if X, Y or the kernel are not valid as in `random_feature_kernel`.

    Notes
    -----
    For deeper networks, let k_l be the kernel of `random_feature_kernel` after l hidden
    layers and k'_l the kernel of the derivatives E[act'(p) act'(q)] in hidden layer l. The
    term of all hidden layers is k'_l T_l for the last l, where T_1 = <x, y> + 1 and
    T_{l+1} = weight_scale^2 k'_l T_l + k_l + 1.

    References
    ----------
    .. [1] Jacot, A., Gabriel, F. and Hongler, C. (2018). Neural tangent kernel:
       convergence and generalization in neural networks. NeurIPS.
    .. [2] Yehudai, G. and Shamir, O. (2019). On the power and limitations of random
       features for understanding neural networks. NeurIPS. Section 2.1.

    Examples
    --------
    >>> from skrf.kernels import neural_tangent_kernel
    >>> neural_tangent_kernel([[3.0, 4.0]], bias_scale=0.0, train="hidden")
    array([[12.5]])
    """
    if train != "output" and DUALS[activation][1] is None:
        raise ValueError(
            "`activation` must have a derivative that is not 0 almost everywhere for "
            f"train={train!r}; got activation={activation!r}. Use another activation, or "
            'train="output".'
        )
    network = Network(activation, train, float(weight_scale), float(bias_scale), depth)
    return pairwise(X, Y, network.kernel)
