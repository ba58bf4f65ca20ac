"""Random features: a hidden layer that is drawn once and not trained."""

from __future__ import annotations

import numpy as np

from skrf._compiled import neurons
from skrf._compiled.activations import address
from skrf._utils.hints import with_hints
from skrf._utils.typing import RandomState
from skrf.features._base import BaseHiddenLayerFeatures


class RandomFeatures(BaseHiddenLayerFeatures):
    r"""Random features of a one-hidden-layer network.

    Each row x becomes

    .. math:: z(x) = \frac{1}{\sqrt{r}} \big(act(\langle w_1, x\rangle + b_1), \dots,
              act(\langle w_r, x\rangle + b_r)\big), \quad r = width,

    with :math:`(w_i, b_i)` drawn once and then fixed [1]_. A linear model on z(x) is a
    network whose hidden layer is not trained. As `width` grows, :math:`\langle z(x),
    z(y)\rangle` converges to the kernel :math:`E[act(\langle w, x\rangle + b)\,
    act(\langle w, y\rangle + b)]` with an error of order 1/sqrt(width) [2]_.

    Parameters
    ----------
    width : int, default=1000
        Number r of random neurons, which is the number of features.
    activation : str, default="relu"
        Activation of the neurons: a key of `skrf.activations.ACTIVATIONS`, which are
        relu, step, leaky_relu, abs, squared_relu, softplus, silu, gelu, tanh, sigmoid,
        erf, sin, cos and identity.
    weights : {"gaussian", "sphere", "uniform"}, default="gaussian"
        Distribution of the hidden weights w: independent Gaussian entries, uniform on a
        sphere, or independent uniform entries. All are scaled to
        :math:`E\|w\|^2 = weight\_scale^2`.
    weight_scale : float, default=1.0
        Root mean square length of w. The default gives the products <w, x> unit variance
        if the columns of X have unit variance.
    biases : {"gaussian", "uniform", "constant", "none"}, default="gaussian"
        Distribution of the hidden biases b, scaled to :math:`E b^2 = bias\_scale^2`.
        "constant" sets all biases to `bias_scale`; "none" uses no biases.
    bias_scale : float, default=1.0
        Root mean square of b.
    projection : {"dense", "orthogonal", "structured"}, default="dense"
        Method for drawing the w_i and multiplying them with x. "dense" draws independent
        rows. "orthogonal" and "structured" draw blocks of orthogonal rows, which estimate
        kernels with less variance; they do not support ``weights="uniform"``. "structured"
        saves memory, and time with 256 columns or more (see Notes).
    random_state : int, RandomState instance or None, default=None
        Controls the random weights. Pass an int for reproducible output across multiple
        function calls. With the same int, the weights of a narrower map are the first
        weights of a wider map.

    Attributes
    ----------
    weights_ : ndarray of shape (width, n_features)
        The hidden weights w_i.
    biases_ : ndarray of shape (width,)
        The hidden biases b_i; zeros for ``biases="none"``.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns seen in `fit`, if all names are strings.

    See Also
    --------
    RandomReLUFeatures : The ReLU case.
    LinearizedNTKFeatures : Features of training the hidden layer, to first order.
    sklearn.kernel_approximation.RBFSampler : Random cosines, for the Gaussian kernel.

    Notes
    -----
    A Pipeline of these transformers is a deeper random network. The features are of order
    1/sqrt(width), so the biases of a second map with default scales would dominate them.
    Set the `weight_scale` of the second map to sqrt(width). Choose the penalty of the
    linear model that follows, for instance by RidgeCV. Do not standardise the features,
    because a linear model on them then overfits noisy targets.

    X may be an array of another library, such as PyTorch (see :doc:`/gpu`). Results
    and fitted arrays are then where X is.

    The projections differ in how they draw the weights:

    - "dense": independent rows, stored as a matrix.
    - "orthogonal": blocks of n_features orthogonal rows, stored as a matrix.
    - "structured": blocks of orthogonal rows, defined by random signs and fast Hadamard
      transforms [3]_. A row x takes time of order width * log(n_features), and the weights
      take memory of order width. Measured against "dense", the transform is 1.6 times
      faster with 256 columns and 5 times faster with 1,024. The distribution of a row
      differs from the Gaussian by an error of order 1/n_features. With fewer than about 16
      columns the rows take few distinct values, and individual rows can be 0.

    References
    ----------
    .. [1] Yehudai, G. and Shamir, O. (2019). On the power and limitations of random
       features for understanding neural networks. NeurIPS. Eq. (1), Theorem 4.2 (weights
       on a sphere) and Example 4.3.
    .. [2] Rahimi, A. and Recht, B. (2007). Random features for large-scale kernel machines.
       NeurIPS.
    .. [3] Yu, F. X. et al. (2016). Orthogonal random features. NeurIPS.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.linear_model import RidgeClassifierCV
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skrf import RandomFeatures
    >>> X, y = load_digits(return_X_y=True)
    >>> features = RandomFeatures(width=500, activation="erf", random_state=0)
    >>> ridge = RidgeClassifierCV(alphas=np.logspace(-6, 4, 21))
    >>> model = make_pipeline(StandardScaler(), features, ridge)
    >>> bool(model.fit(X[:1000], y[:1000]).score(X[1000:], y[1000:]) > 0.9)
    True
    """

    @with_hints({"n_components": "Pass the number of neurons as `width`."})
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
        scale, activation = 1 / np.sqrt(len(biases)), self._activation.name
        if activation == "relu":
            neurons.relu_feature_rows(out, biases, scale)
        else:
            kernel = address(activation, out.dtype)
            neurons.random_feature_rows(out, biases, kernel, scale)


class RandomReLUFeatures(RandomFeatures):
    r"""Random ReLU features of a one-hidden-layer network.

    Each row x becomes

    .. math:: z(x) = \frac{1}{\sqrt{r}} \big([\langle w_1, x\rangle + b_1]_+, \dots,
              [\langle w_r, x\rangle + b_r]_+\big), \quad r = width.

    Equivalent to ``RandomFeatures(activation="relu")``; these are the random features of
    [1]_. Without biases and with Gaussian weights, the kernel in the limit of infinite
    width is weight_scale^2 / (2 n_features) times the arc-cosine kernel of order 1 [2]_.

    Parameters
    ----------
    width : int, default=1000
        Number r of random neurons, which is the number of features.
    weights : {"gaussian", "sphere", "uniform"}, default="gaussian"
        Distribution of the hidden weights w, scaled to
        :math:`E\|w\|^2 = weight\_scale^2`; see `RandomFeatures`.
    weight_scale : float, default=1.0
        Root mean square length of w.
    biases : {"gaussian", "uniform", "constant", "none"}, default="gaussian"
        Distribution of the hidden biases b, scaled to :math:`E b^2 = bias\_scale^2`.
        "constant" sets all biases to `bias_scale`; "none" uses no biases.
    bias_scale : float, default=1.0
        Root mean square of b.
    projection : {"dense", "orthogonal", "structured"}, default="dense"
        Method for drawing the w_i and multiplying them with x; see `RandomFeatures`.
    random_state : int, RandomState instance or None, default=None
        Controls the random weights. Pass an int for reproducible output across multiple
        function calls. With the same int, the weights of a narrower map are the first
        weights of a wider map.

    Attributes
    ----------
    weights_, biases_, n_features_in_, feature_names_in_
        As in `RandomFeatures`.

    See Also
    --------
    RandomFeatures : Any other activation.
    LinearizedNTKFeatures : Features of training the hidden layer, to first order.

    References
    ----------
    .. [1] Yehudai, G. and Shamir, O. (2019). On the power and limitations of random
       features for understanding neural networks. NeurIPS. Theorem 4.2 and Example 4.3.
    .. [2] Cho, Y. and Saul, L. K. (2009). Kernel methods for deep learning. NeurIPS.

    Examples
    --------
    >>> from skrf import RandomReLUFeatures, make_single_neuron
    >>> X, y = make_single_neuron(n_samples=100, n_features=5, random_state=0)
    >>> RandomReLUFeatures(width=300, random_state=0).fit_transform(X).shape
    (100, 300)
    """

    _parameter_constraints = {**RandomFeatures._parameter_constraints}
    _parameter_constraints.pop("activation")

    @with_hints({"n_components": "Pass the number of neurons as `width`."})
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
        super().__init__(
            width,
            activation="relu",
            weights=weights,
            weight_scale=weight_scale,
            biases=biases,
            bias_scale=bias_scale,
            projection=projection,
            random_state=random_state,
        )
