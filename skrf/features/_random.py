"""Feature maps with random hidden weights: random features and linearised networks."""

from __future__ import annotations

import numpy as np

from skrf._compiled import neurons
from skrf._utils.typing import RandomState
from skrf.features._base import BaseHiddenLayerFeatures


class RandomFeatures(BaseHiddenLayerFeatures):
    r"""Random features of a one-hidden-layer network.

    Each row x becomes

    .. math:: z(x) = \frac{1}{\sqrt{r}} \big(act(\langle w_1, x\rangle + b_1), \dots,
              act(\langle w_r, x\rangle + b_r)\big), \quad r = width,

    with :math:`(w_i, b_i)` drawn once and then fixed. A linear model on z(x) is a network
    whose hidden layer is not trained; as `width` grows, :math:`\langle z(x), z(y)\rangle`
    converges to the kernel :math:`E[act(\langle w, x\rangle + b)\, act(\langle w,
    y\rangle + b)]`, with an error of order 1/sqrt(width).

    Source: Eq. (1), Theorem 4.2 and Example 4.3 of Yehudai and Shamir (2019); Rahimi and
    Recht (2007).

    Parameters
    ----------
    width : int, default=1000
        Number r of random neurons, which is the number of features.
    activation : str, default="relu"
        A key of `skrf.activations.ACTIVATIONS`: relu, step, leaky_relu, abs,
        squared_relu, softplus, silu, gelu, tanh, sigmoid, erf, sin, cos or identity.
    weights : {"gaussian", "sphere", "uniform"}, default="gaussian"
        Law of w: Gaussian entries, uniform on a sphere (the law of Theorem 4.2), or
        uniform entries. Each has :math:`E\|w\|^2 = weight\_scale^2`.
    weight_scale : float, default=1.0
        Root mean square length of w; suits columns of unit variance, where it gives
        <w, x> unit variance too.
    biases : {"gaussian", "uniform", "constant", "none"}, default="gaussian"
        Law of b: each has :math:`E b^2 = bias\_scale^2` ("constant" is b = bias_scale),
        and "none" has no biases.
    bias_scale : float, default=1.0
        Root mean square of b.
    projection : {"dense", "orthogonal", "structured"}, default="dense"
        How the w_i are drawn and the products <w_i, x> made: independent rows in a dense
        matrix; blocks of n_features orthogonal rows in a dense matrix; or blocks of
        orthogonal rows made of random signs and fast Hadamard transforms, in time of
        order width * log(n_features) and memory of order width. Orthogonal rows estimate
        kernels with less variance. "structured" is faster than dense with many columns
        (1.6 times at 256, 5 times at 1,024); its rows are nearly Gaussian, to 1/n_features,
        and coarse, some even 0, for less than some 16 columns. Not for "uniform".
    random_state : int, RandomState instance or None, default=None
        Fixes the draw. For one integer, narrower maps have the first weights of wider ones.

    Attributes
    ----------
    weights_ : ndarray of shape (width, n_features)
        The hidden weights w_i.
    biases_ : ndarray of shape (width,)
        The hidden biases b_i; zeros where there are none.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of those columns, where they were all strings.

    See Also
    --------
    RandomReLUFeatures : The ReLU case.
    LinearizedNTKFeatures : Features of training the hidden layer, to first order.
    sklearn.kernel_approximation.RBFSampler : Random cosines, for the Gaussian kernel.

    Notes
    -----
    Deeper random networks are a Pipeline of these transformers. Features are of order
    1/sqrt(width): put a StandardScaler before the next map, or give it a `weight_scale` of
    sqrt(width), else its biases drown them.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import RidgeClassifier
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skrf import RandomFeatures
    >>> X, y = load_digits(return_X_y=True)
    >>> features = RandomFeatures(width=500, activation="erf", random_state=0)
    >>> model = make_pipeline(StandardScaler(), features, RidgeClassifier(alpha=0.01))
    >>> bool(model.fit(X[:1000], y[:1000]).score(X[1000:], y[1000:]) > 0.9)
    True
    """

    def __init__(
        self,
        width: int = 1000,
        *,
        activation: str = "relu",
        weights: str = "gaussian",
        weight_scale: float = 1.0,
        biases: str = "gaussian",
        bias_scale: float = 1.0,
        projection: str = "dense",
        random_state: RandomState = None,
    ) -> None:
        self.width = width
        self.activation = activation
        self.weights = weights
        self.weight_scale = weight_scale
        self.biases = biases
        self.bias_scale = bias_scale
        self.projection = projection
        self.random_state = random_state

    def _layer(self, dtype):
        return self._projection.astype(dtype), self.biases_.astype(dtype, copy=False)

    def _fill(self, x, layer, out):
        projection, biases = layer
        projection.multiply(x, out)
        scale = 1 / np.sqrt(len(biases))
        neurons.random_feature_rows(out, biases, self._activation.code, scale)


class RandomReLUFeatures(RandomFeatures):
    r"""Random ReLU features: the transformer of the paper's random feature model.

    Each row x becomes

    .. math:: z(x) = \frac{1}{\sqrt{r}} \big([\langle w_1, x\rangle + b_1]_+, \dots,
              [\langle w_r, x\rangle + b_r]_+\big), \quad r = width.

    Equivalent to ``RandomFeatures(activation="relu")``. Without biases and with Gaussian
    weights the kernel of the limit is weight_scale^2 / (2 n_features) times the arc-cosine
    kernel of order 1.

    Source: Theorem 4.2 and Example 4.3 of Yehudai and Shamir (2019); Cho and Saul (2009).

    Parameters
    ----------
    width : int, default=1000
        Number r of random neurons, which is the number of features.
    weights : {"gaussian", "sphere", "uniform"}, default="gaussian"
        Law of w, with :math:`E\|w\|^2 = weight\_scale^2`; see `RandomFeatures`, as for
        all parameters that follow.
    weight_scale : float, default=1.0
        Root mean square length of w.
    biases : {"gaussian", "uniform", "constant", "none"}, default="gaussian"
        Law of b, with :math:`E b^2 = bias\_scale^2`; "none" has no biases.
    bias_scale : float, default=1.0
        Root mean square of b.
    projection : {"dense", "orthogonal", "structured"}, default="dense"
        How the w_i are drawn and multiplied; see `RandomFeatures`.
    random_state : int, RandomState instance or None, default=None
        Fixes the draw. For one integer, narrower maps have the first weights of wider ones.

    Attributes
    ----------
    weights_, biases_, n_features_in_, feature_names_in_
        As in `RandomFeatures`.

    See Also
    --------
    RandomFeatures : Any other activation.
    LinearizedNTKFeatures : Features of training the hidden layer, to first order.

    Examples
    --------
    >>> from skrf import RandomReLUFeatures, make_single_neuron
    >>> X, y = make_single_neuron(n_samples=100, n_features=5, random_state=0)
    >>> RandomReLUFeatures(width=300, random_state=0).fit_transform(X).shape
    (100, 300)
    """

    _parameter_constraints = {
        name: constraint
        for name, constraint in RandomFeatures._parameter_constraints.items()
        if name != "activation"
    }
    activation = "relu"

    def __init__(
        self,
        width: int = 1000,
        *,
        weights: str = "gaussian",
        weight_scale: float = 1.0,
        biases: str = "gaussian",
        bias_scale: float = 1.0,
        projection: str = "dense",
        random_state: RandomState = None,
    ) -> None:
        self.width = width
        self.weights = weights
        self.weight_scale = weight_scale
        self.biases = biases
        self.bias_scale = bias_scale
        self.projection = projection
        self.random_state = random_state
