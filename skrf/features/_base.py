"""Base class of all feature maps: draws the hidden layer, transforms blocks of rows."""

from __future__ import annotations

import copy
import inspect
from functools import partial, wraps
from numbers import Integral
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skrf._utils.array_api import (
    all_finite,
    copied,
    floats_of,
    namespace_of,
    require_same_namespace,
    to_numpy,
)
from skrf._utils.blocks import row_blocks
from skrf._utils.checks import real_array
from skrf._utils.engines import engine_of
from skrf._utils.interrupts import undone_on_failure
from skrf._utils.memory import require_memory
from skrf._utils.random import draw_seed
from skrf._utils.threads import in_threads
from skrf._utils.typing import MatrixLike
from skrf._utils.validation import check_columns, check_data, fit_context, one_of
from skrf._utils.version import VersionedState
from skrf.activations import ACTIVATIONS
from skrf.features._array_layer import ArrayLayer
from skrf.features._distributions import CONSTRAINTS, WEIGHT_DISTRIBUTIONS, draw_biases
from skrf.features._projections import PROJECTIONS, Dense, WeightDraw, max_magnitude

# Up to this many values, computing a result takes less time than starting threads.
_SINGLE_THREAD_VALUES = 2**21


def without_set_output_for_lazy_input(cls):
    """Make `transform` and `fit_transform` of a class return lazy results unchanged.

    scikit-learn wraps both methods of a transformer, and its wrapper converts results to
    the container that `set_output` asks for. A lazy result would be computed and held in
    memory for that. For lazy X this decorator calls the method inside the wrapper instead.
    """

    def unwrapped_for_lazy_input(method):
        @wraps(method)
        def method_for_any_input(self, X, *args, **kwargs):
            chosen = inspect.unwrap(method) if engine_of(X).is_lazy else method
            return chosen(self, X, *args, **kwargs)

        return method_for_any_input

    for name in ("transform", "fit_transform"):
        setattr(cls, name, unwrapped_for_lazy_input(getattr(cls, name)))
    return cls


@without_set_output_for_lazy_input
class BaseHiddenLayerFeatures(
    VersionedState, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """A random hidden layer drawn in `fit`, and features computed by it in `transform`.

    A subclass returns its arrays in a dtype from `_layer(dtype)` and writes the features of
    rows x into `out` in `_fill(x, layer, out)`. It overrides `_prepare` where it has more
    or fewer features than neurons.
    """

    _parameter_constraints = {
        **CONSTRAINTS,
        "activation": [one_of(ACTIVATIONS)],
        "projection": [one_of(PROJECTIONS)],
    }

    @fit_context(prefer_skip_nested_validation=True)
    @undone_on_failure
    def fit(self, X: MatrixLike, y: object = None) -> Self:
        """Draw the hidden layer; only the shape, the dtype and the device of X are used.

        Parameters
        ----------
        X : {array-like, sparse matrix, Dask array or Dask data frame} of shape \
(n_samples, n_features)
            Data with the columns of later calls. float32 data draw float32 weights, other
            data draw float64 weights. Of Dask input only one row is computed. Arrays of
            other namespaces are supported by array API dispatch; NumPy draws the weights
            for all of them.
        y : object, default=None
            Ignored, present for API consistency.

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        ValueError
            If a parameter is invalid, or parameters exclude each other. If a scale is too
            large for the dtype of X. If X is empty, or contains NaN or infinity.
        MemoryError
            If the weights do not fit in the available memory.
        """
        X = engine_of(X).sample(X)
        X = check_data(self, X, arrays=True, accept_sparse="csr", dtype=floats_of(X))
        space, n_features = namespace_of(X), X.shape[1]
        dtype = X.dtype if space is None else space.numpy_dtype(X.dtype)
        self._check_parameters(dtype)
        projection, width = PROJECTIONS[self.projection], int(self.width)
        require_memory(
            projection.n_values(width, n_features) * dtype.itemsize,
            f"Drawing width={width} weights for {n_features} columns with "
            f"projection={self.projection!r}",
            'Use a smaller width, float32 input or projection="structured".',
        )
        seed = draw_seed(self.random_state)
        self._projection = projection.draw(
            WeightDraw(seed, width, n_features, self.weights, self.weight_scale, dtype)
        )
        self.biases_ = draw_biases(seed, width, self.biases, self.bias_scale, dtype)
        self._prepare()
        if space is not None:
            self._move(space.array)
        return self

    def _move(self, converter):
        """Move the arrays of the hidden layer, by scikit-learn's kind of converter."""
        self._projection = self._projection.__sklearn_array_api_convert__(converter)
        self.biases_ = converter(self.biases_)

    def _array_layer(self, X):
        """The `ArrayLayer` of the neurons for rows X that are not NumPy's."""
        return ArrayLayer.of(X, self._projection, self.biases_, self._activation)

    @property
    def weights_(self) -> np.ndarray:
        """The hidden weights w_i; computed at each access if projection="structured".

        Raises
        ------
        AttributeError
            If the transformer is not fitted.
        """
        if not hasattr(self, "_projection"):
            raise AttributeError(
                f"This {type(self).__name__} has no `weights_` yet. Call fit first."
            )
        return self._projection.rows()

    def transform(self, X: MatrixLike) -> np.ndarray:
        """Compute the features of every row of X.

        Parameters
        ----------
        X : {array-like, sparse matrix, Dask array or Dask data frame} of shape \
(n_samples, n_features)
            The data. float32 data give float32 features, other data give float64.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_features_out)
            The features, dense. Dask input gives a lazy Dask array, also after
            `set_output`.

        Raises
        ------
        NotFittedError
            If the transformer is not fitted.
        ValueError
            If the columns of X differ from those seen in `fit`, or X contains NaN or
            infinity.
        MemoryError
            If the result does not fit in the available memory; the message names its
            size in bytes.
        """
        check_is_fitted(self, "biases_")
        engine_of(X).check_columns(partial(check_columns, self), X)
        return engine_of(X).map_rows(self._features_of, X, self._n_features_out)

    def _features_of(self, X):
        """Features of rows in memory, or on a device."""
        X = self._check_rows(X, "transform")
        if namespace_of(X) is not None:
            Z = self._array_layer(X).features(X)
            self._require_finite(X, Z)
            return Z
        shape = (X.shape[0], self._n_features_out)
        require_memory(
            shape[0] * shape[1] * X.dtype.itemsize,
            f"transform of {type(self).__name__} to shape {shape} in {X.dtype}",
            "Transform fewer rows at a time, or use a smaller width or float32 input.",
        )
        Z = np.empty(shape, X.dtype)
        self._transform_into(X, Z)
        self._require_finite(X, Z)
        return Z

    def _transform_into(self, X, Z):
        """Z <- features of validated rows."""
        layer = self._layer(X.dtype)

        def fill(blocks):
            for rows in blocks:
                self._fill(X[rows], layer, Z[rows])

        blocks = row_blocks(*Z.shape, at_least=self._min_block_rows(X))
        if Z.size > _SINGLE_THREAD_VALUES:
            in_threads(fill, blocks)
        else:
            fill(blocks)

    def _require_finite(self, *arrays):
        """Raise if a result Z, the last array, overflows for rows X, the arrays before.

        Z grows at most like the power 8 of the maximum of X, the weights and the number of
        columns. Only where this bound allows an overflow, all values of Z are checked.
        """
        *inputs, Z = arrays
        maximum = max([self._magnitude_bound, *map(max_magnitude, inputs)])
        space = namespace_of(Z)
        dtype = Z.dtype if space is None else space.numpy_dtype(Z.dtype)
        if maximum < np.finfo(dtype).max ** (1 / 8) or all_finite(Z):
            return
        raise ValueError(
            f"The features of `X` must be finite; got values that overflow {dtype}. "
            "Scale X, for instance by StandardScaler, or use a smaller weight_scale."
        )

    def _min_block_rows(self, X):
        """Minimum number of rows of a block.

        BLAS packs the weights once for each block. With many columns large blocks save
        more time by this than they lose because results leave the cache. Every thread
        should still get a block.
        """
        n_rows, n_features = X.shape
        return max(256, min(1024, 16 * n_features, -(-n_rows // 8)))

    def _check_rows(self, X, method):
        """Rows for a public method, checked."""
        check_is_fitted(self, "biases_")
        require_same_namespace(X, self, "biases_", method)
        options = {"accept_sparse": "csr", "dtype": floats_of(X), "reset": False}
        return check_data(self, X, arrays=True, **options)

    def _check_parameters(self, dtype):
        """Check combinations of parameters; `_parameter_constraints` check each alone."""
        if self.projection != "dense" and not WEIGHT_DISTRIBUTIONS[self.weights].lengths:
            raise ValueError(
                '`weights` must be "gaussian" or "sphere", whose directions are uniform, '
                f'for projection="{self.projection}"; got weights="{self.weights}". Use '
                'projection="dense", or weights="gaussian".'
            )

    def narrowed(self, width: int) -> Self:
        """Copy the fitted transformer with its first `width` neurons only.

        The features of the copy are the columns of these neurons, times
        sqrt(old width / width). With an integer `random_state`, the copy equals a
        transformer that was fitted with the smaller width.

        Parameters
        ----------
        width : int
            Number of neurons to keep, from 1 to the fitted width.

        Returns
        -------
        narrow : object
            The fitted copy, with its parameter `width` set.

        Raises
        ------
        NotFittedError
            If the transformer is not fitted.
        ValueError
            If `width` is not an integer from 1 to the fitted width.

        Examples
        --------
        >>> import numpy as np
        >>> from skrf import RandomReLUFeatures
        >>> X = np.eye(3)
        >>> narrow = RandomReLUFeatures(width=100, random_state=0).fit(X).narrowed(20)
        >>> np.array_equal(narrow.weights_, RandomReLUFeatures(
        ...     width=20, random_state=0).fit(X).weights_)
        True
        """
        check_is_fitted(self, "biases_")
        is_integer = isinstance(width, Integral) and not isinstance(width, bool)
        if not is_integer or not 1 <= width <= self.biases_.shape[0]:
            raise ValueError(
                f"`width` must be an integer from 1 to the fitted width, "
                f"{self.biases_.shape[0]}; got {width!r}. Fit a wider transformer first."
            )
        narrow = copy.copy(self)
        narrow._keep_first(int(width))
        return narrow

    def _keep_first(self, width):
        """Drop all neurons but the first ones."""
        self.width = width
        self._projection = self._projection.first(width)
        self.biases_ = copied(self.biases_[:width])
        self._n_features_out = width

    def from_weights(self, weights: ArrayLike, biases: ArrayLike) -> Self:
        """Fit with these hidden weights and biases instead of random ones.

        Parameters
        ----------
        weights : array-like of shape (width, n_features)
            The hidden weights w_i, one row for each neuron. They are stored as float32 if
            both arrays are float32, else as float64.
        biases : array-like of shape (width,)
            The hidden biases b_i; zeros if the parameter `biases` is "none".

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        ValueError
            If a parameter is invalid as in `fit`. If an array has another shape, or
            contains NaN or infinity.

        Examples
        --------
        >>> from skrf import RandomReLUFeatures
        >>> neuron = RandomReLUFeatures(width=1).from_weights([[3.0, 4.0]], [-1.0])
        >>> neuron.transform([[1.0, 0.0]])
        array([[2.]])
        """
        self._validate_params()
        space = namespace_of(weights)
        weights, biases = to_numpy(weights), to_numpy(biases)
        dtypes = {getattr(array, "dtype", None) for array in (weights, biases)}
        dtype = np.float32 if dtypes == {np.dtype(np.float32)} else np.float64
        # Copies, so later changes of the caller's arrays do not change the features.
        W = real_array("weights", weights, ndim=2).astype(dtype)
        b = real_array("biases", biases, ndim=1).astype(dtype)
        if len(W) != self.width or b.shape != (self.width,):
            raise ValueError(
                f"`weights` and `biases` must be of shapes ({self.width}, n_features) and "
                f"({self.width},) for width={self.width}; got {W.shape} and {b.shape}. Set "
                "width to the number of rows, and pass one bias per row."
            )
        if self.biases == "none" and b.any():
            raise ValueError(
                '`biases` must be zeros for biases="none"; got a maximum magnitude of '
                f'{np.abs(b).max():.6g}. Pass zeros, or set biases="gaussian" first.'
            )
        self._check_parameters(W.dtype)
        self.n_features_in_ = W.shape[1]
        self.__dict__.pop("feature_names_in_", None)
        self._projection, self.biases_ = Dense(W), b
        self._prepare()
        if space is not None:
            self._move(space.array)
        return self

    def _prepare(self):
        """Set the attributes that `transform` needs besides the weights of NumPy."""
        self._activation = ACTIVATIONS[self.activation]
        self._n_features_out = len(self.biases_)
        # See `_require_finite`.
        self._magnitude_bound = max(
            self.n_features_in_,
            self._projection.magnitude_bound(),
            max_magnitude(self.biases_),
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.array_api_support = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
