"""The public kernels: functions of two matrices, and a kernel object.

Each kernel is a recursion over hidden layers. `_pairwise` turns rows into Gaussian pairs of
pre-activations, and `_activation_duals` has the expectations of activations of such a pair.
"""

from __future__ import annotations

from numbers import Integral
from typing import Any, Literal

import numpy as np
from sklearn.gaussian_process.kernels import Hyperparameter, Kernel

from skrf._utils.checks import check_choice, check_integer, is_number
from skrf._utils.typing import MatrixLike
from skrf._utils.validation import (
    NON_NEGATIVE,
    POSITIVE_INTEGER,
    NumericInterval,
    StrOptions,
    check_arguments,
    one_of,
)
from skrf._utils.version import VersionedState
from skrf.kernels._activation_duals import DUALS, activations, affine
from skrf.kernels._pairwise import diagonal, pairwise

# Step of the central differences in the logarithm of a scale.
_LOG_STEP = 1e-5

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
    network = activation, "output", float(weight_scale), float(bias_scale), depth
    return pairwise(X, Y, lambda pairs, n_features: _tangent(pairs, n_features, *network))


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
    network = activation, train, float(weight_scale), float(bias_scale), depth
    return pairwise(X, Y, lambda pairs, n_features: _tangent(pairs, n_features, *network))


def _tangent(pairs, n_features, activation, train, weight_scale, bias_scale, depth):
    """The neural tangent kernel of `Pairs` of rows."""
    dual, dual_of_slope = DUALS[activation]
    first_scale = weight_scale / np.sqrt(n_features)
    tangent = pairs.covariance + (bias_scale > 0)
    *lower, last = _layers(pairs, activation, first_scale, weight_scale, bias_scale, depth)
    if train == "output":
        return dual(last)
    for layer in lower:
        hidden = dual_of_slope(layer) * tangent
        tangent = weight_scale**2 * hidden + dual(layer) + (bias_scale > 0)
    hidden = dual_of_slope(last) * tangent
    return hidden if train == "hidden" else hidden + dual(last)


def _layers(pairs, activation, first_scale, scale, shift, depth):
    """Yield the `Pairs` of the pre-activations of each hidden layer."""
    layer = affine(pairs, first_scale, shift)
    yield layer
    for _ in range(depth - 1):
        layer = affine(activations(activation, layer), scale, shift)
        yield layer


class WideNetworkKernel(VersionedState, Kernel):
    """Kernel object of `neural_tangent_kernel`, for Gaussian processes.

    Pass it to `GaussianProcessRegressor`, which fits the two scales, or as the `kernel` of
    `KernelRidge` and `Nystroem`. It computes `neural_tangent_kernel` [1]_. With
    ``train="output"`` this is `random_feature_kernel`, the covariance of infinitely wide
    networks with random weights [2]_.

    Parameters
    ----------
    activation : str, default="relu"
        A key of `skrf.activations.ACTIVATIONS`.
    train : {"both", "hidden", "output"}, default="both"
        Which layers are trained.
    weight_scale : float, default=1.0
        Root mean square length of w; positive.
    weight_scale_bounds : pair of floats or "fixed", default=(1e-2, 1e2)
        Lower and upper bound of `weight_scale` in the fit of a Gaussian process. "fixed"
        keeps `weight_scale` at its value.
    bias_scale : float, default=1.0
        Standard deviation of b; positive.
    bias_scale_bounds : pair of floats or "fixed", default=(1e-2, 1e2)
        Lower and upper bound of `bias_scale` in the fit of a Gaussian process. "fixed"
        keeps `bias_scale` at its value.
    depth : int, default=1
        Number of hidden layers.

    References
    ----------
    .. [1] Jacot, A., Gabriel, F. and Hongler, C. (2018). Neural tangent kernel:
       convergence and generalization in neural networks. NeurIPS.
    .. [2] Neal, R. M. (1996). Bayesian learning for neural networks. Springer.

    Examples
    --------
    >>> from sklearn.gaussian_process import GaussianProcessRegressor
    >>> from skrf import make_single_neuron
    >>> from skrf.kernels import WideNetworkKernel
    >>> X, y = make_single_neuron(n_samples=200, n_features=3, random_state=0)
    >>> kernel = WideNetworkKernel(train="output", bias_scale_bounds="fixed")
    >>> model = GaussianProcessRegressor(kernel, alpha=1e-6)
    >>> bool(model.fit(X[:100], y[:100]).score(X[100:], y[100:]) > 0.95)
    True
    """

    def __init__(
        self,
        activation: str = "relu",
        train: str = "both",
        weight_scale: float = 1.0,
        weight_scale_bounds: tuple[float, float] | Literal["fixed"] = (1e-2, 1e2),
        bias_scale: float = 1.0,
        bias_scale_bounds: tuple[float, float] | Literal["fixed"] = (1e-2, 1e2),
        depth: int = 1,
    ) -> None:
        self.activation = activation
        self.train = train
        self.weight_scale = weight_scale
        self.weight_scale_bounds = weight_scale_bounds
        self.bias_scale = bias_scale
        self.bias_scale_bounds = bias_scale_bounds
        self.depth = depth

    def __repr__(self) -> str:
        # scikit-learn's default prints the logarithms of the scales.
        return (
            f"{type(self).__name__}({self.activation!r}, {self.train!r}, "
            f"weight_scale={self.weight_scale:.3g}, bias_scale={self.bias_scale:.3g}, "
            f"depth={self.depth})"
        )

    @property
    def hyperparameter_weight_scale(self) -> Hyperparameter:
        """The hyperparameter `weight_scale` for Gaussian processes."""
        return Hyperparameter("weight_scale", "numeric", self.weight_scale_bounds)

    @property
    def hyperparameter_bias_scale(self) -> Hyperparameter:
        """The hyperparameter `bias_scale` for Gaussian processes."""
        return Hyperparameter("bias_scale", "numeric", self.bias_scale_bounds)

    def _check_parameters(self):
        """Check the parameters.

        Estimators skip the parameter checks of `neural_tangent_kernel`: scikit-learn turns
        nested checks off.
        """
        check_choice("activation", self.activation, DUALS)
        check_choice("train", self.train, ("both", "hidden", "output"))
        check_integer("depth", self.depth, 1, "pass the number of hidden layers")
        for name in ("bias_scale", "weight_scale"):
            scale = getattr(self, name)
            if not is_number(scale) or scale < 0:
                raise ValueError(
                    f"`{name}` must be a number >= 0; got {scale!r}. Use 1.0, or another "
                    f"number within {name}_bounds."
                )

    def _matrix(self, X, Y, factors):
        self._check_parameters()
        scales = np.multiply(factors, (self.bias_scale, self.weight_scale))
        return neural_tangent_kernel(
            X,
            Y,
            activation=self.activation,
            train=self.train,
            bias_scale=float(scales[0]),
            weight_scale=float(scales[1]),
            depth=self.depth,
        )

    def __call__(
        self, X: MatrixLike, Y: MatrixLike | None = None, eval_gradient: bool = False
    ) -> Any:
        """Compute the kernel matrix, and its derivatives in the logarithms of the scales.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples_X, n_features)
            The first rows.
        Y : {array-like, sparse matrix} of shape (n_samples_Y, n_features), default=None
            The second rows; None uses X.
        eval_gradient : bool, default=False
            Whether to return the derivatives, too. Central differences compute them.

        Returns
        -------
        K : ndarray of shape (n_samples_X, n_samples_Y)
            The kernel matrix.
        gradient : ndarray of shape (n_samples_X, n_samples_Y, n_free)
            Derivatives in log(bias_scale), then log(weight_scale), without fixed scales.
            Only returned if ``eval_gradient=True``.

        Raises
        ------
        ValueError
            In the same cases as `neural_tangent_kernel`.
        """
        K = self._matrix(X, Y, (1.0, 1.0))
        if not eval_gradient:
            return K
        # Gaussian processes order hyperparameters by name.
        scales = self.hyperparameter_bias_scale, self.hyperparameter_weight_scale
        gradient = []
        for step in np.eye(2)[[not scale.fixed for scale in scales]] * _LOG_STEP:
            sides = (self._matrix(X, Y, np.exp(sign * step)) for sign in (1, -1))
            gradient.append(np.subtract(*sides) / (2 * _LOG_STEP))
        return K, np.stack(gradient, axis=-1) if gradient else np.empty((*K.shape, 0))

    def diag(self, X: MatrixLike) -> np.ndarray:
        """Compute the diagonal of the kernel matrix.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The rows.

        Returns
        -------
        diagonal : ndarray of shape (n_samples,)
            ``np.diag(kernel(X))``, in time of order n_samples.

        Raises
        ------
        ValueError
            If a parameter is invalid, if X contains NaN or infinity, or if the kernel
            overflows.

        Examples
        --------
        >>> from skrf.kernels import WideNetworkKernel
        >>> WideNetworkKernel(train="output").diag([[3.0, 4.0]])
        array([6.75])
        """
        self._check_parameters()
        scales = float(self.weight_scale), float(self.bias_scale)
        network = self.activation, self.train, *scales, self.depth
        return diagonal(X, lambda pairs, n_features: _tangent(pairs, n_features, *network))

    def is_stationary(self) -> bool:
        """Return whether the kernel depends only on differences of rows.

        Returns
        -------
        stationary : bool
            Always False.

        Examples
        --------
        >>> from skrf.kernels import WideNetworkKernel
        >>> WideNetworkKernel().is_stationary()
        False
        """
        return False
