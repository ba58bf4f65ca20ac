r"""Kernels of infinitely wide networks, as pairwise functions.

For weights w with independent Gaussian entries of variance weight_scale^2 / n_features and
biases b of variance bias_scale^2, the pre-activations p = <w, x> + b and q = <w, y> + b are
a centred Gaussian pair; an activation enters by its dual E[act(p) act(q)] and by that of
its derivative (`_duals`).

The functions take X and Y like those of `sklearn.metrics.pairwise`, and can be the `kernel`
of `SVC`, `KernelRidge` or `Nystroem`. The last two call a function once for each pair of
rows, which is slow: give them a `WideNetworkKernel`, which they call once. Everything is
computed in float64; float32 data give a float32 matrix.
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

# Step of the differences in the logarithm of a scale.
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


@check_arguments(
    _ORDERS,
    prefer_skip_nested_validation=True,
)
def arc_cosine_kernel(
    X: MatrixLike, Y: MatrixLike | None = None, *, order: int = 1
) -> np.ndarray:
    r"""Arc-cosine kernel of order n.

    .. math:: k_n(x, y) = 2\, E[\Theta(p) \Theta(q) p^n q^n]
              = \tfrac1\pi \|x\|^n \|y\|^n J_n(\theta),

    with p = <g, x>, q = <g, y> for a standard Gaussian g, :math:`\theta` the angle of x and
    y, :math:`J_0 = \pi - \theta`, :math:`J_1 = \sin\theta + (\pi - \theta) \cos\theta` and
    :math:`J_2 = 3 \sin\theta \cos\theta + (\pi - \theta)(1 + 2 \cos^2\theta)`; 0 for
    a row of zeros.

    Source: Cho and Saul (2009).

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples_X, n_features)
        The first rows.
    Y : {array-like, sparse matrix} of shape (n_samples_Y, n_features), default=None
        The second rows; None means X.
    order : {0, 1, 2}, default=1
        The power n: 0 belongs to step, 1 to relu, 2 to squared_relu.

    Returns
    -------
    K : ndarray of shape (n_samples_X, n_samples_Y)
        The kernel matrix; a number when X and Y are two rows, as 1-D arrays.

    Raises
    ------
    ValueError
        For a parameter outside its set, and for X or Y that are empty, not finite or of
        different numbers of columns.

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
    A deeper network repeats this with :math:`cov = weight\_scale^2 k + bias\_scale^2`
    in place of :math:`weight\_scale^2 \langle x, y\rangle / n\_features + bias\_scale^2`.

    Source: Cho and Saul (2009); Williams (1997) for erf. Softplus, silu, gelu, tanh and
    sigmoid are integrated numerically, to about 1e-13, in time that grows with the square
    of the largest standard deviation of a pre-activation.

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples_X, n_features)
        The first rows.
    Y : {array-like, sparse matrix} of shape (n_samples_Y, n_features), default=None
        The second rows; None means X.
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
        The kernel matrix; a number when X and Y are two rows, as 1-D arrays.

    Raises
    ------
    ValueError
        For a parameter outside its set; X or Y that are empty, not finite or of different
        numbers of columns; kernels that overflow; and pre-activations of a standard
        deviation above 1,000 where there is no closed form (tanh, sigmoid, silu, gelu,
        softplus).

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


@check_arguments(
    _TANGENT,
    prefer_skip_nested_validation=True,
)
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

    p = <w, x> + b and q = <w, y> + b. The first term comes from the hidden layer (without
    biases, that is for bias_scale = 0, it has no 1), the second one from the output layer:
    the limits of `LinearizedNTKFeatures` with the same `train`. With k_l the kernel of
    `random_feature_kernel` after l hidden layers and k'_l that of the derivatives, the
    term of the hidden layers is k'_l T_l for the last l, where T_1 = <x, y> + 1 and
    T_{l+1} = weight_scale^2 k'_l T_l + k_l + 1.

    Source: Jacot, Gabriel and Hongler (2018); Section 2.1 of Yehudai and Shamir (2019).

    Parameters
    ----------
    X : {array-like, sparse matrix} of shape (n_samples_X, n_features)
        The first rows.
    Y : {array-like, sparse matrix} of shape (n_samples_Y, n_features), default=None
        The second rows; None means X.
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
        The kernel matrix; a number when X and Y are two rows, as 1-D arrays.

    Raises
    ------
    ValueError
        For a parameter outside its set, ``activation="step"`` unless
        ``train="output"``, and for X, Y and kernels as in `random_feature_kernel`.

    Examples
    --------
    >>> from skrf.kernels import neural_tangent_kernel
    >>> neural_tangent_kernel([[3.0, 4.0]], bias_scale=0.0, train="hidden")
    array([[12.5]])
    """
    if train != "output" and DUALS[activation][1] is None:
        raise ValueError(
            f"activation={activation!r} has derivative 0 almost everywhere, so "
            f'train={train!r} has no kernel. Use another activation, or train="output".'
        )
    network = activation, train, float(weight_scale), float(bias_scale), depth
    return pairwise(X, Y, lambda pairs, n_features: _tangent(pairs, n_features, *network))


def _tangent(pairs, n_features, activation, train, weight_scale, bias_scale, depth):
    """The neural tangent kernel of pairs of rows."""
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
    """`neural_tangent_kernel` as a kernel object of Gaussian processes.

    Used in `GaussianProcessRegressor`, which fits the two scales, and as the `kernel` of
    `KernelRidge` and `Nystroem`. With ``train="output"`` it is `random_feature_kernel`, the
    covariance of infinitely wide networks with random weights.

    Source: Jacot, Gabriel and Hongler (2018); Neal (1996) for ``train="output"``;
    scikit-learn's kernels for the hyperparameters.

    Parameters
    ----------
    activation : str, default="relu"
        A key of `skrf.activations.ACTIVATIONS`.
    train : {"both", "hidden", "output"}, default="both"
        Which layers are trained.
    weight_scale : float, default=1.0
        Root mean square length of w; positive.
    weight_scale_bounds : pair of floats or "fixed", default=(1e-2, 1e2)
        Where a Gaussian process looks for it; "fixed" leaves it as it is.
    bias_scale : float, default=1.0
        Standard deviation of b; positive.
    bias_scale_bounds : pair of floats or "fixed", default=(1e-2, 1e2)
        Where a Gaussian process looks for it.
    depth : int, default=1
        Number of hidden layers.

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
        # scikit-learn's default would print the logarithms of the scales.
        return (
            f"{type(self).__name__}({self.activation!r}, {self.train!r}, "
            f"weight_scale={self.weight_scale:.3g}, bias_scale={self.bias_scale:.3g}, "
            f"depth={self.depth})"
        )

    @property
    def hyperparameter_weight_scale(self) -> Hyperparameter:
        """The first scale, as Gaussian processes see it."""
        return Hyperparameter("weight_scale", "numeric", self.weight_scale_bounds)

    @property
    def hyperparameter_bias_scale(self) -> Hyperparameter:
        """The second scale, as Gaussian processes see it."""
        return Hyperparameter("bias_scale", "numeric", self.bias_scale_bounds)

    def _check_parameters(self):
        """Estimators switch scikit-learn's checks off while they call their kernels."""
        check_choice("activation", self.activation, DUALS)
        check_choice("train", self.train, ("both", "hidden", "output"))
        check_integer("depth", self.depth, 1, "give the number of hidden layers")
        for name in ("bias_scale", "weight_scale"):
            scale = getattr(self, name)
            if not is_number(scale) or scale < 0:
                raise ValueError(
                    f"{name}={scale!r} must be a number >= 0. Use 1.0, within the bounds."
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
        """The kernel matrix, and its derivatives in the logarithms of the free scales.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples_X, n_features)
            The first rows.
        Y : {array-like, sparse matrix} of shape (n_samples_Y, n_features), default=None
            The second rows; None means X.
        eval_gradient : bool, default=False
            Whether to return the derivatives too, by central differences.

        Returns
        -------
        K : ndarray of shape (n_samples_X, n_samples_Y)
            The kernel matrix.
        gradient : ndarray of shape (n_samples_X, n_samples_Y, n_free)
            Derivatives in log(bias_scale), then log(weight_scale), without the fixed ones;
            with ``eval_gradient=True``.

        Raises
        ------
        ValueError
            As `neural_tangent_kernel` does.
        """
        K = self._matrix(X, Y, (1.0, 1.0))
        if not eval_gradient:
            return K
        # Gaussian processes take hyperparameters in the order of their names.
        scales = self.hyperparameter_bias_scale, self.hyperparameter_weight_scale
        gradient = []
        for step in np.eye(2)[[not scale.fixed for scale in scales]] * _LOG_STEP:
            sides = (self._matrix(X, Y, np.exp(sign * step)) for sign in (1, -1))
            gradient.append(np.subtract(*sides) / (2 * _LOG_STEP))
        return K, np.stack(gradient, axis=-1) if gradient else np.empty((*K.shape, 0))

    def diag(self, X: MatrixLike) -> np.ndarray:
        """The diagonal of the kernel matrix.

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
            For parameters out of their range, rows that are not finite numbers, and kernels
            that overflow.

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
        """Whether the kernel depends on differences of rows only: it does not.

        Returns
        -------
        stationary : bool
            False.

        Examples
        --------
        >>> from skrf.kernels import WideNetworkKernel
        >>> WideNetworkKernel().is_stationary()
        False
        """
        return False
