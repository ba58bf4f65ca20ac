"""The kernel object, whose scales a Gaussian process can fit."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from sklearn.gaussian_process.kernels import Hyperparameter, Kernel

from skrf._utils.checks import check_choice, check_integer, is_number
from skrf._utils.typing import MatrixLike
from skrf._utils.version import VersionedState
from skrf.kernels._activation_duals import DUALS
from skrf.kernels._functions import neural_tangent_kernel
from skrf.kernels._pairwise import diagonal
from skrf.kernels._recursion import Network

# Step of the central differences in the logarithm of a scale.
_LOG_STEP = 1e-5


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
        network = Network(self.activation, self.train, *scales, self.depth)
        return diagonal(X, network.kernel)

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
