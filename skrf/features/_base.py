"""What all feature maps share: the draw of the hidden layer, checks, blocks of rows."""

from __future__ import annotations

import copy
import inspect
from functools import wraps
from numbers import Integral
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from skrf._utils.blocks import row_blocks
from skrf._utils.checks import real_array
from skrf._utils.engines import engine_of
from skrf._utils.interrupts import whole
from skrf._utils.memory import require_memory
from skrf._utils.random import draw_seed
from skrf._utils.threads import in_threads
from skrf._utils.typing import MatrixLike
from skrf._utils.validation import check_data, fit_context, one_of
from skrf._utils.version import VersionedState
from skrf.activations import ACTIVATIONS
from skrf.features._distributions import CONSTRAINTS, WEIGHT_DISTRIBUTIONS, draw_biases
from skrf.features._projections import PROJECTIONS, Dense

_FLOATS = [np.float64, np.float32]
# Numbers in a result that takes no longer than to start threads.
_SMALL = 2**21


def largest_entry(array):
    """The largest magnitude in an array or a sparse matrix."""
    entries = array.data if sparse.issparse(array) else array
    return float(max(entries.max(), -entries.min())) if entries.size else 0.0


def _lazy_for_dask(cls):
    """A class whose results for Dask input stay lazy, whatever `set_output` asks for."""

    def lazy(method):
        @wraps(method)
        def chosen(self, X, *args, **options):
            # What scikit-learn wraps, for its wrapper makes a data frame in memory.
            called = inspect.unwrap(method) if engine_of(X).is_lazy else method
            return called(self, X, *args, **options)

        return chosen

    for name in ("transform", "fit_transform"):
        setattr(cls, name, lazy(getattr(cls, name)))
    return cls


@_lazy_for_dask
class BaseHiddenLayerFeatures(
    VersionedState, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator
):
    """A random hidden layer drawn in `fit`, and features made from it in `transform`.

    A subclass gives what it needs in a dtype by `_layer(dtype)`, writes the features of
    rows x into `out` in `_fill(x, layer, out)`, and overrides `_prepare` where they are
    not one per neuron.
    """

    _parameter_constraints = {
        **CONSTRAINTS,
        "activation": [one_of(ACTIVATIONS)],
        "projection": [one_of(PROJECTIONS)],
    }

    @fit_context(prefer_skip_nested_validation=True)
    @whole
    def fit(self, X: MatrixLike, y: object = None) -> Self:
        """Draw the hidden layer; only the shape and dtype of X are used.

        Parameters
        ----------
        X : {array-like, sparse matrix, Dask array or Dask data frame} of shape \
(n_samples, n_features)
            Any data with the columns to come; float32 draws float32 weights, everything
            else float64. Of Dask input one row is computed.
        y : object, default=None
            Not used: the common interface of transformers has it.

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        ValueError
            For a parameter outside its set, parameters that exclude each other, a scale
            too large for the dtype of X, and X that is empty or not finite numbers.
        MemoryError
            When the weights would not fit into the memory that is available.
        """
        X = engine_of(X).sample(X)
        X = check_data(self, X, accept_sparse="csr", dtype=_FLOATS)
        n_features = X.shape[1]
        self._check_parameters(X.dtype)
        projection, width = PROJECTIONS[self.projection], int(self.width)
        require_memory(
            projection.size(width, n_features) * X.dtype.itemsize,
            f"Drawing width={width} weights for {n_features} columns with "
            f"projection={self.projection!r}",
            'Use a smaller width, float32 input or projection="structured".',
        )
        seed = draw_seed(self.random_state)
        self._projection = projection.draw(
            seed, width, n_features, self.weights, self.weight_scale, X.dtype
        )
        self.biases_ = draw_biases(seed, width, self.biases, self.bias_scale, X.dtype)
        self._prepare()
        return self

    @property
    def weights_(self) -> np.ndarray:
        """The hidden weights w_i; computed at each access for "structured".

        Raises
        ------
        AttributeError
            Before `fit`.
        """
        if not hasattr(self, "_projection"):
            raise AttributeError(f"This {type(self).__name__} is not fitted: call fit.")
        return self._projection.rows()

    def transform(self, X: MatrixLike) -> np.ndarray:
        """Compute the features of every row of X.

        Parameters
        ----------
        X : {array-like, sparse matrix, Dask array or Dask data frame} of shape \
(n_samples, n_features)
            The data; float32 gives float32 features, everything else float64.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_features_out)
            The features, dense; for Dask input a lazy Dask array, also after `set_output`.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            For X with other columns than in `fit`, or not finite numbers.
        MemoryError
            When the result would not fit into the memory that is available; the
            message gives its size in bytes.
        """
        check_is_fitted(self, "biases_")
        return engine_of(X).map_rows(self._features_of, X, self._n_features_out)

    def _features_of(self, X):
        """The features of rows in memory, as an array."""
        X = self._check_rows(X)
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
        """Z <- the features of checked rows."""
        layer = self._layer(X.dtype)

        def fill(blocks):
            for rows in blocks:
                self._fill(X[rows], layer, Z[rows])

        blocks = row_blocks(*Z.shape, at_least=self._rows_at_least(X))
        if Z.size > _SMALL:
            in_threads(fill, blocks)
        else:
            fill(blocks)

    def _require_finite(self, *arrays):
        """Raise where rows X, given first, have made numbers Z, given last, overflow.

        Z is looked at only where it may have: it is at most of degree 8 in the largest of
        X, the weights and the number of columns.
        """
        *inputs, Z = arrays
        largest = max([self._largest, *map(largest_entry, inputs)])
        if largest < np.finfo(Z.dtype).max ** (1 / 8) or np.isfinite(Z).all():
            return
        raise ValueError(
            f"The features of X overflow {Z.dtype}. Scale X, for instance by "
            "StandardScaler, or use a smaller weight_scale."
        )

    def _rows_at_least(self, X):
        """Rows that pay for BLAS to pack the weights once for each block.

        With many columns that is worth more than results that stay in cache; but every
        thread should get some blocks.
        """
        return min(max(256, min(1024, 2 * X.shape[1])), max(256, -(-X.shape[0] // 2)))

    def _check_rows(self, X):
        check_is_fitted(self, "biases_")
        return check_data(self, X, accept_sparse="csr", dtype=_FLOATS, reset=False)

    def _check_parameters(self, dtype):
        """Check what single parameter constraints cannot say."""
        if self.projection != "dense" and not WEIGHT_DISTRIBUTIONS[self.weights].lengths:
            raise ValueError(
                f'weights="{self.weights}" has directions that are not uniform, which '
                f'projection="{self.projection}" cannot give. Use projection="dense", or '
                'weights="gaussian" or "sphere".'
            )

    def narrowed(self, width: int) -> Self:
        """A copy of the fitted transformer with the first `width` neurons only.

        Its features are those columns of the wider one, times sqrt(old width / width).
        With an integer `random_state` it is what `fit` gives for the smaller width.

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
            Before `fit`.
        ValueError
            For a width outside this range.

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
        if not is_integer or not 1 <= width <= len(self.biases_):
            raise ValueError(
                f"width={width!r} must be from 1 to the fitted width, {len(self.biases_)}. "
                "Fit a wider transformer first."
            )
        narrow, width = copy.copy(self), int(width)
        narrow.width = width
        narrow._projection = self._projection.first(width)
        narrow.biases_ = self.biases_[:width].copy()
        narrow._select_output_weights(width)
        narrow._prepare()
        return narrow

    def _select_output_weights(self, width):
        """Shorten what a subclass has for each neuron."""

    def from_weights(self, weights: ArrayLike, biases: ArrayLike) -> Self:
        """Fit to given hidden weights instead of random ones.

        Parameters
        ----------
        weights : array-like of shape (width, n_features)
            The hidden weights w_i, one row for each of the parameter `width`; float32
            where both arrays are, else float64.
        biases : array-like of shape (width,)
            The hidden biases b_i.

        Returns
        -------
        self : object
            The fitted transformer.

        Raises
        ------
        ValueError
            As in `fit` for the parameters, and for arrays of other shapes or with entries
            that are not finite numbers.

        Examples
        --------
        >>> from skrf import RandomReLUFeatures
        >>> neuron = RandomReLUFeatures(width=1).from_weights([[3.0, 4.0]], [-1.0])
        >>> neuron.transform([[1.0, 0.0]])
        array([[2.]])
        """
        self._validate_params()
        dtypes = {getattr(array, "dtype", None) for array in (weights, biases)}
        dtype = np.float32 if dtypes == {np.dtype(np.float32)} else np.float64
        # Copies, which do not change with the arrays given.
        W = real_array("weights", weights, ndim=2).astype(dtype)
        b = real_array("biases", biases, ndim=1).astype(dtype)
        if len(W) != self.width or b.shape != (self.width,):
            raise ValueError(
                f"width={self.width} needs weights of shape ({self.width}, n_features) and "
                f"biases of shape ({self.width},); got {W.shape} and {b.shape}. Set width "
                "to the number of rows, and give a bias for each."
            )
        if self.biases == "none" and b.any():
            raise ValueError(
                'biases="none" is for maps without biases; got biases with up to '
                f"{np.abs(b).max():.6g}. Give zeros, or set biases to another law."
            )
        self._check_parameters(W.dtype)
        self.n_features_in_ = W.shape[1]
        self.__dict__.pop("feature_names_in_", None)
        self._projection, self.biases_ = Dense(W), b
        self._prepare()
        return self

    def _prepare(self):
        """Set what `transform` needs beside the drawn weights."""
        self._activation = ACTIVATIONS[self.activation]
        self._n_features_out = len(self.biases_)
        arrays = self._projection.sizes(), self.biases_
        self._largest = max([self.n_features_in_, *map(largest_entry, arrays)])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
