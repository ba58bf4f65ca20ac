"""Features of a linearised network (neural tangent features)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse.linalg import LinearOperator

from skrf._utils.array_api import copied, namespace_of, require_numpy
from skrf._utils.blocks import dense_rows
from skrf._utils.checks import real_array
from skrf._utils.hints import with_hints
from skrf._utils.memory import require_memory
from skrf._utils.typing import MatrixLike, RandomState
from skrf._utils.validation import StrOptions
from skrf.activations import ACTIVATIONS
from skrf.features._array_layer import ArrayLayer
from skrf.features._base import BaseHiddenLayerFeatures
from skrf.features._operator import HiddenLayer, TangentOperator, gram
from skrf.features._projections import max_magnitude


class LinearizedNTKFeatures(BaseHiddenLayerFeatures):
    r"""Features of a one-hidden-layer network linearised at its random initialisation.

    The features are the derivatives of the network :math:`\frac{1}{\sqrt r} \sum_i a_i
    act(\langle w_i, x\rangle + b_i)` in its trained weights. For the hidden layer, neuron
    i gives n_features columns, and one more column if there are biases:

    .. math:: \frac{1}{\sqrt{r}}\, a_i\, act'(\langle w_i, x\rangle + b_i)\, (x_1, \dots,
              x_d, 1), \quad r = width.

    A linear model on these features is the network trained while it stays near its
    initialisation [1]_. The inner products of the features are the finite-width neural
    tangent kernel [2]_.

    Parameters
    ----------
    width : int, default=100
        Number r of random neurons. The number of features is about width * n_features.
    activation : str, default="relu"
        Activation of the neurons: a key of `skrf.activations.ACTIVATIONS`. "step", whose
        derivative is 0, requires ``train="output"``.
    train : {"hidden", "output", "both"}, default="hidden"
        Layers whose derivatives are features. "output" gives the random features
        :math:`act(\langle w_i, x\rangle + b_i)/\sqrt{r}`; "both" gives the derivatives of
        the hidden layer, followed by the derivatives of the output layer.
    output_weights : array-like of shape (width,), default=None
        The output weights a_i. None sets all to 1, as in Eq. (8) of [1]_. Ignored for
        ``train="output"``.
    weights : {"gaussian", "sphere", "uniform"}, default="gaussian"
        Distribution of the hidden weights w, scaled to
        :math:`E\|w\|^2 = weight\_scale^2`; see `RandomFeatures`.
    weight_scale : float, default=1.0
        Root mean square length of w.
    biases : {"gaussian", "uniform", "constant", "none"}, default="gaussian"
        Distribution of the hidden biases b, scaled to :math:`E b^2 = bias\_scale^2`.
        "constant" sets all biases to `bias_scale`. "none" uses no biases, and no columns
        for their derivatives.
    bias_scale : float, default=1.0
        Root mean square of b.
    projection : {"dense", "orthogonal", "structured"}, default="dense"
        Method for drawing the w_i and multiplying them with x; see `RandomFeatures`.
    random_state : int, RandomState instance or None, default=None
        Controls the random weights. Pass an int for reproducible output across multiple
        function calls. With the same int, a narrower map has the first weights of a wider
        map.

    Attributes
    ----------
    output_weights_ : ndarray of shape (width,)
        The output weights a_i.
    weights_, biases_, n_features_in_, feature_names_in_
        As in `RandomFeatures`.

    See Also
    --------
    RandomReLUFeatures : Features of training the output layer only.

    Notes
    -----
    Column ``i * (d + 1) + j`` belongs to neuron i and column j of X, with d = n_features
    and j = d for the bias. Without biases, this column is ``i * d + j``.

    References
    ----------
    .. [1] Yehudai, G. and Shamir, O. (2019). On the power and limitations of random
       features for understanding neural networks. NeurIPS. Eq. (8), Section 2.1 and
       Example 4.9.
    .. [2] Jacot, A., Gabriel, F. and Hongler, C. (2018). Neural tangent kernel:
       convergence and generalization in neural networks. NeurIPS.

    Examples
    --------
    >>> from skrf import LinearizedNTKFeatures, make_single_neuron
    >>> X, y = make_single_neuron(n_samples=100, n_features=5, random_state=0)
    >>> LinearizedNTKFeatures(width=30, random_state=0).fit_transform(X).shape
    (100, 180)
    """

    _parameter_constraints = {
        **BaseHiddenLayerFeatures._parameter_constraints,
        "train": [StrOptions({"hidden", "output", "both"})],
        "output_weights": ["array-like", None],
    }

    @with_hints({"n_components": "Pass the number of neurons as `width`."})
    def __init__(
        self,
        width: int = 100,
        *,
        activation: str = "relu",
        train: str = "hidden",
        output_weights: ArrayLike | None = None,
        weights: str = "gaussian",
        weight_scale: float = 1.0,
        biases: str = "gaussian",
        bias_scale: float = 1.0,
        projection: str = "dense",
        random_state: RandomState = None,
    ) -> None:
        self.width = width
        self.activation = activation
        self.train = train
        self.output_weights = output_weights
        self.weights = weights
        self.weight_scale = weight_scale
        self.biases = biases
        self.bias_scale = bias_scale
        self.projection = projection
        self.random_state = random_state

    def _check_parameters(self, dtype):
        super()._check_parameters(dtype)
        if self.train != "output" and not ACTIVATIONS[self.activation].has_slope:
            raise ValueError(
                "`activation` must have a derivative that is not 0 almost everywhere for "
                f"train={self.train!r}; got activation={self.activation!r}. Use another "
                'activation, or train="output".'
            )
        if self.output_weights is None:
            return
        output_weights = real_array("output_weights", self.output_weights, ndim=1)
        if output_weights.shape != (self.width,):
            raise ValueError(
                f"`output_weights` must be of shape (width,) = ({self.width},); got "
                f"{output_weights.shape}. Pass one weight per neuron, or None for all ones."
            )
        maximum = max_magnitude(output_weights)
        if maximum > np.finfo(dtype).max:
            raise ValueError(
                f"`output_weights` must be finite in {dtype}; got a magnitude of "
                f"{maximum}. Scale output_weights."
            )

    def _prepare(self):
        super()._prepare()
        width = len(self.biases_)
        output_weights = 1.0 if self.output_weights is None else self.output_weights
        self.output_weights_ = np.full(width, output_weights, self.biases_.dtype)
        self._magnitude_bound = max(
            self._magnitude_bound, max_magnitude(self.output_weights_)
        )
        self._train = self.train
        self._has_biases = self.biases != "none"
        self._count_columns(width)

    def _count_columns(self, width):
        hidden = (self._train != "output") * (self.n_features_in_ + self._has_biases)
        self._n_features_out = width * (hidden + (self._train != "hidden"))

    def _move(self, converter):
        super()._move(converter)
        self.output_weights_ = converter(self.output_weights_)

    def _keep_first(self, width):
        super()._keep_first(width)
        if self.output_weights is not None:
            self.output_weights = np.asarray(self.output_weights)[:width]
        self.output_weights_ = copied(self.output_weights_[:width])
        self._count_columns(width)

    def _array_layer(self, X):
        return ArrayLayer.of(
            X,
            self._projection,
            self.biases_,
            self._activation,
            self.output_weights_,
            has_biases=self._has_biases,
            train=self._train,
        )

    def as_linear_operator(self, X: MatrixLike) -> LinearOperator:
        """Return the feature matrix of X as a linear operator that never stores it.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The data. The operator refers to X without a copy if X is float64 or float32.

        Returns
        -------
        F : scipy.sparse.linalg.LinearOperator of shape (n_samples, n_features_out)
            ``F @ v`` equals ``transform(X) @ v`` and ``F.T @ y`` equals
            ``transform(X).T @ y``, in the dtype of X. Each takes the time of two products
            of X with a matrix of shape (n_features, width), and memory for a block of
            rows in each thread.

        Raises
        ------
        NotFittedError
            If the transformer is not fitted.
        ValueError
            If the columns of X differ from those seen in `fit`, or X contains NaN or
            infinity.

        Examples
        --------
        >>> import numpy as np
        >>> from skrf import LinearizedNTKFeatures
        >>> X = np.eye(4)
        >>> ntk = LinearizedNTKFeatures(width=10, random_state=0).fit(X)
        >>> F = ntk.as_linear_operator(X)
        >>> F.shape
        (4, 50)
        >>> np.allclose(F @ np.ones(50), ntk.transform(X) @ np.ones(50))
        True
        """
        require_numpy("as_linear_operator", X)
        X = self._check_rows(X, "as_linear_operator")
        return TangentOperator(X, self._layer(X.dtype))

    def tangent_kernel(self, X: MatrixLike, Y: MatrixLike | None = None) -> np.ndarray:
        """Compute the finite-width neural tangent kernel, transform(X) @ transform(Y).T.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples_X, n_features)
            The first rows.
        Y : {array-like, sparse matrix} of shape (n_samples_Y, n_features), default=None
            The second rows, cast to the dtype of X; None uses X.

        Returns
        -------
        K : ndarray of shape (n_samples_X, n_samples_Y)
            The kernel matrix, in the dtype of X.

        Raises
        ------
        NotFittedError
            If the transformer is not fitted.
        ValueError
            If the columns of X or Y differ from those seen in `fit`, or X or Y contains NaN
            or infinity.
        MemoryError
            If K does not fit in the available memory.

        Notes
        -----
        K = (X Y' + 1) * (S_X S_Y') + A_X A_Y', elementwise product, with the derivatives
        S = (a_i act'(z_i) / sqrt(r)) and the random features A = (act(z_i) / sqrt(r)) of
        the rows. The feature matrix is never stored. Without biases the 1 is missing.
        ``train="hidden"`` has no second term, ``train="output"`` has no first term.

        Examples
        --------
        >>> import numpy as np
        >>> from skrf import LinearizedNTKFeatures
        >>> X = np.eye(4)
        >>> ntk = LinearizedNTKFeatures(width=10, random_state=0).fit(X)
        >>> np.allclose(ntk.tangent_kernel(X), ntk.transform(X) @ ntk.transform(X).T)
        True
        """
        X = self._check_rows(X, "tangent_kernel")
        Y = None if Y is None else self._check_rows(Y, "tangent_kernel")
        if (space := namespace_of(X)) is not None:
            Y = X if Y is None else space.array(Y, X.dtype)
            K = self._array_layer(X).gram(X, Y)
            self._require_finite(X, Y, K)
            return K
        Y = None if Y is None else Y.astype(X.dtype, copy=False)
        n_rows = X.shape[0] if Y is None else Y.shape[0]
        require_memory(
            X.shape[0] * n_rows * X.dtype.itemsize,
            f"The kernel matrix of shape {(X.shape[0], n_rows)} in {X.dtype}",
            "Use fewer rows at a time, or float32 input.",
        )
        K = gram(X, Y, self._layer(X.dtype))
        self._require_finite(X, X if Y is None else Y, K)
        return K

    def _min_block_rows(self, X):
        # A row of the features is n_features times longer than a row of the product.
        return 16

    def _layer(self, dtype):
        return HiddenLayer(
            self._projection.astype(dtype),
            self.biases_.astype(dtype, copy=False),
            self.output_weights_.astype(dtype, copy=False),
            self._activation,
            self._has_biases,
            self._train,
        )

    def _fill(self, x, layer, out):
        S, A = layer.slopes_and_values(x)
        n_hidden = out.shape[1] - A.shape[1]
        out[:, n_hidden:] = A
        if layer.train != "output":
            x, S = dense_rows(x, slice(None)), S[:, :, np.newaxis]
            columns = out[:, :n_hidden].reshape(len(x), layer.width, -1)
            np.multiply(S, x[:, np.newaxis, :], out=columns[:, :, : x.shape[1]])
            columns[:, :, x.shape[1] :] = S
