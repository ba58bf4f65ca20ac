"""Features of the linearised network (neural tangent features)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse.linalg import LinearOperator

from skrf._utils.blocks import dense_rows
from skrf._utils.checks import real_array
from skrf._utils.memory import require_memory
from skrf._utils.typing import MatrixLike, RandomState
from skrf._utils.validation import StrOptions
from skrf.activations import ACTIVATIONS
from skrf.features._base import BaseHiddenLayerFeatures, largest_entry
from skrf.features._operator import HiddenLayer, TangentOperator, gram


class LinearizedNTKFeatures(BaseHiddenLayerFeatures):
    r"""Features of a one-hidden-layer network linearised at its random initialisation.

    Neuron i gives n_features columns, and one more where there are biases:

    .. math:: \frac{1}{\sqrt{r}}\, a_i\, act'(\langle w_i, x\rangle + b_i)\, (x_1, \dots,
              x_d, 1), \quad r = width,

    the derivatives of the network :math:`\frac{1}{\sqrt r} \sum_i a_i act(\langle w_i,
    x\rangle + b_i)` in its hidden weights and biases (``train="hidden"``). A linear model
    on them is that network trained while it stays near its initialisation; the features'
    inner products are the finite-width neural tangent kernel.

    Source: Eq. (8), Section 2.1 and Example 4.9 of Yehudai and Shamir (2019); Jacot,
    Gabriel and Hongler (2018).

    Parameters
    ----------
    width : int, default=100
        Number r of random neurons; the features are about width * n_features.
    activation : str, default="relu"
        A key of `skrf.activations.ACTIVATIONS`; "step", whose derivative is 0, only with
        ``train="output"``.
    train : {"hidden", "output", "both"}, default="hidden"
        Which layer's derivatives are features: the hidden layer's, the output layer's
        (:math:`act(\langle w_i, x\rangle + b_i)/\sqrt{r}`, the random features), or the
        hidden layer's followed by the output layer's.
    output_weights : array-like of shape (width,), default=None
        The a_i; None means all 1, as in Eq. (8). Not used for ``train="output"``.
    weights : {"gaussian", "sphere", "uniform"}, default="gaussian"
        Law of w, with :math:`E\|w\|^2 = weight\_scale^2`.
    weight_scale : float, default=1.0
        Root mean square length of w.
    biases : {"gaussian", "uniform", "constant", "none"}, default="gaussian"
        Law of b, with :math:`E b^2 = bias\_scale^2`; "none" has no biases, and no
        column for their derivative.
    bias_scale : float, default=1.0
        Root mean square of b.
    projection : {"dense", "orthogonal", "structured"}, default="dense"
        How the w_i are drawn and multiplied; see `RandomFeatures`.
    random_state : int, RandomState instance or None, default=None
        Fixes the draw. For one integer, narrower maps have the first weights of wider ones.

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
    and j = d for the bias; without biases, ``i * d + j``.

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
                f"activation={self.activation!r} has derivative 0 almost everywhere, so "
                f"train={self.train!r} has no features. Use another activation, or "
                'train="output".'
            )
        if self.output_weights is None:
            return
        given = real_array("output_weights", self.output_weights, ndim=1)
        if given.shape != (self.width,):
            raise ValueError(
                f"output_weights must be of shape (width,) = ({self.width},); got "
                f"{given.shape}. Give one per neuron, or None for all ones."
            )
        if largest_entry(given) > np.finfo(dtype).max:
            raise ValueError(
                f"output_weights must be finite in {dtype}; got {largest_entry(given)} in "
                "magnitude. Replace numbers that are too large."
            )

    def _prepare(self):
        super()._prepare()
        width = len(self.biases_)
        given = 1.0 if self.output_weights is None else self.output_weights
        self.output_weights_ = np.full(width, given, self.biases_.dtype)
        self._largest = max(self._largest, largest_entry(self.output_weights_))
        self._train = self.train
        self._has_biases = self.biases != "none"
        hidden = (self.train != "output") * (self.n_features_in_ + self._has_biases)
        self._n_features_out = width * (hidden + (self.train != "hidden"))

    def _select_output_weights(self, width):
        if self.output_weights is not None:
            self.output_weights = np.asarray(self.output_weights)[:width]

    def as_linear_operator(self, X: MatrixLike) -> LinearOperator:
        """The feature matrix of X as an operator that never stores it.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The data; kept, not copied, when it is float64 or float32.

        Returns
        -------
        F : scipy.sparse.linalg.LinearOperator of shape (n_samples, n_features_out)
            ``F @ v`` is ``transform(X) @ v`` and ``F.T @ y`` is ``transform(X).T @ y``, of
            the dtype of X; either takes the time of two products of X with a matrix of
            shape (n_features, width), and the memory of a block of rows a thread.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            For X with other columns than in `fit`, or not finite numbers.

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
        X = self._check_rows(X)
        return TangentOperator(X, self._layer(X.dtype))

    def tangent_kernel(self, X: MatrixLike, Y: MatrixLike | None = None) -> np.ndarray:
        """The finite-width neural tangent kernel, transform(X) @ transform(Y).T.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples_X, n_features)
            The first rows.
        Y : {array-like, sparse matrix} of shape (n_samples_Y, n_features), default=None
            The second rows, taken as the dtype of X; None means X.

        Returns
        -------
        K : ndarray of shape (n_samples_X, n_samples_Y)
            (X Y' + 1) * (S S') + A A' by products of the scaled derivatives S and of the
            random features A, without the feature matrix.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            For rows with other columns than in `fit`, or not finite numbers.
        MemoryError
            When K would not fit into the memory that is available.

        Examples
        --------
        >>> import numpy as np
        >>> from skrf import LinearizedNTKFeatures
        >>> X = np.eye(4)
        >>> ntk = LinearizedNTKFeatures(width=10, random_state=0).fit(X)
        >>> np.allclose(ntk.tangent_kernel(X), ntk.transform(X) @ ntk.transform(X).T)
        True
        """
        X = self._check_rows(X)
        Y = None if Y is None else self._check_rows(Y).astype(X.dtype, copy=False)
        n_rows = X.shape[0] if Y is None else Y.shape[0]
        require_memory(
            X.shape[0] * n_rows * X.dtype.itemsize,
            f"The kernel matrix of shape {(X.shape[0], n_rows)} in {X.dtype}",
            "Use fewer rows at a time, or float32 input.",
        )
        K = gram(X, Y, self._layer(X.dtype))
        self._require_finite(X, X if Y is None else Y, K)
        return K

    def _rows_at_least(self, X):
        # A row of the result is far longer than what the product gives.
        return 16

    def _layer(self, dtype):
        return HiddenLayer(
            self._projection.astype(dtype),
            self.biases_.astype(dtype, copy=False),
            self.output_weights_.astype(dtype, copy=False),
            self._activation.code,
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
