"""Arrays of other libraries, such as PyTorch, by scikit-learn's array API dispatch.

An array has a `Namespace` while ``sklearn.set_config(array_api_dispatch=True)`` is set and
the array is not NumPy's. Without dispatch, scikit-learn converts such arrays to NumPy.
"""

from __future__ import annotations

import copy
import importlib
from contextlib import contextmanager, nullcontext
from typing import Any, NamedTuple

import numpy as np
from sklearn import config_context, get_config
from sklearn.utils._array_api import (
    _convert_to_numpy,
    _is_numpy_namespace,
    check_same_namespace,
    get_namespace_and_device,
    move_estimator_to,
    move_to,
    supported_float_dtypes,
)

from skrf._utils.blas import mirror

__all__ = [
    "Namespace",
    "all_finite",
    "arrays_from_transformers",
    "copied",
    "estimator_in_numpy",
    "floats_of",
    "follow",
    "follow_labels",
    "namespace_of",
    "namespace_of_attributes",
    "require_dense_and_real",
    "require_numpy",
    "require_same_namespace",
    "to_numpy",
    "without_dispatch",
    "without_gradients",
]


class Namespace(NamedTuple):
    """The functions for arrays of a library, and the device of the arrays."""

    xp: Any
    device: Any

    def array(self, values, dtype=None):
        """NumPy's array, or an array of any namespace, on the device."""
        if values is None:
            return None
        array = move_to(values, xp=self.xp, device=self.device)
        return array if dtype is None else self.xp.astype(array, dtype, copy=False)

    @property
    def name(self):
        """The name of the library, such as torch."""
        return self.xp.__name__.rpartition("array_api_compat.")[2]

    @property
    def has_float64(self):
        """Whether the device computes in float64."""
        return getattr(self.xp, "float64", None) in self._floats

    @property
    def _floats(self):
        return supported_float_dtypes(self.xp, self.device)

    def floats(self):
        """The dtypes float64 and float32 of the device, the widest one first."""
        names = "float64", "float32"
        dtypes = [getattr(self.xp, name) for name in names]
        return [dtype for dtype in dtypes if dtype in self._floats]

    def numpy_dtype(self, dtype):
        """NumPy's dtype for a dtype float64 or float32 of the namespace."""
        return np.dtype(np.float32 if dtype == self.xp.float32 else np.float64)

    def eigh(self, symmetric):
        """(Eigenvalues, eigenvectors) of NumPy's lower triangle, in float64.

        They are computed on the device if it computes in float64. The upper triangle is
        overwritten.
        """
        mirror(symmetric)  # JAX takes the mean of both triangles
        if not self.has_float64:
            return np.linalg.eigh(symmetric)
        values, vectors = self.xp.linalg.eigh(self.array(symmetric))
        return to_numpy(values), to_numpy(vectors)

    def __reduce__(self):
        # Modules have no pickle.
        return _restored, (self.xp.__name__, self.device)


def _restored(name, device):
    return Namespace(importlib.import_module(name), device)


def namespace_of(array) -> Namespace | None:
    """The namespace of an array; None for NumPy, Dask, other objects, without dispatch."""
    if isinstance(array, np.ndarray) or not get_config()["array_api_dispatch"]:
        return None
    try:
        xp, is_array, device = get_namespace_and_device(array)
    except TypeError:  # not an array
        return None
    if not is_array or _is_numpy_namespace(xp) or xp.__name__.endswith(".dask.array"):
        return None
    return Namespace(xp, device)


def namespace_of_attributes(estimator) -> Namespace | None:
    """The namespace of the first array among the attributes of a fitted estimator."""
    spaces = (namespace_of(value) for value in vars(estimator).values())
    return next((space for space in spaces if space is not None), None)


def floats_of(array):
    """The dtypes float64 and float32 for the namespace of an array."""
    space = namespace_of(array)
    return [np.float64, np.float32] if space is None else space.floats()


def to_numpy(array):
    """An array of any namespace as NumPy's, copied from its device; else the object."""
    space = namespace_of(array)
    if space is None:
        return array
    array = without_gradients(array)
    if str(array.dtype).endswith("bfloat16"):  # a dtype that NumPy does not have
        array = space.xp.astype(array, space.xp.float32)
    return _convert_to_numpy(array, space.xp)


def without_gradients(array):
    """An array without PyTorch's record of how to differentiate it.

    Sums over all rows would keep the features of all rows in memory for this record.
    """
    return array.detach() if getattr(array, "requires_grad", False) else array


def follow(array, X):
    """An array of any namespace in the namespace of X, and on its device."""
    space = namespace_of(X)
    return to_numpy(array) if space is None else space.array(array)


def follow_labels(labels, X):
    """Labels in the namespace of X, and on its device; text stays NumPy's."""
    labels = to_numpy(labels)
    return follow(labels, X) if labels.dtype.kind in "biuf" else labels


@contextmanager
def without_dispatch():
    """Make scikit-learn's functions for NumPy's arrays accept all array-likes.

    With dispatch they reject some, such as a Categorical of pandas.
    """
    if not get_config()["array_api_dispatch"]:
        yield
        return
    with config_context(array_api_dispatch=False):
        yield


def arrays_from_transformers(X):
    """A context in which transformers return arrays for arrays X of another namespace.

    The option transform_output of scikit-learn would make them data frames.
    """
    is_array = namespace_of(X) is not None
    return config_context(transform_output="default") if is_array else nullcontext()


def estimator_in_numpy(estimator):
    """A copy of a fitted estimator with its arrays in NumPy; itself without dispatch."""
    if not get_config()["array_api_dispatch"]:
        return estimator
    # The function changes frozen estimators in place.
    return move_estimator_to(copy.deepcopy(estimator), np, "cpu")


def all_finite(array):
    """Whether all values of an array of any namespace are finite."""
    if (space := namespace_of(array)) is not None:
        return bool(space.xp.all(space.xp.isfinite(array)))
    return bool(np.isfinite(array).all())


def copied(array):
    """An independent copy of an array of any namespace, also without dispatch."""
    if isinstance(array, np.ndarray):
        return array.copy()
    with config_context(array_api_dispatch=True):
        return namespace_of(array).xp.asarray(array, copy=True)


def require_same_namespace(X, estimator, attribute, method):
    """Raise ValueError for X of another namespace or device than a fitted attribute.

    `method` is the method that the user called.
    """
    array = getattr(estimator, attribute)
    if isinstance(array, np.ndarray) and namespace_of(X) is None:
        return
    if not get_config()["array_api_dispatch"]:
        raise ValueError(
            f"`X` must be an array of {type(array).__module__} for this "
            f"{type(estimator).__name__}, as in `fit`; array API dispatch is off. Set "
            "sklearn.set_config(array_api_dispatch=True)."
        )
    check_same_namespace(X, estimator, attribute=attribute, method=method)


def require_dense_and_real(X):
    """Raise ValueError for sparse and complex arrays of other namespaces than NumPy."""
    space = namespace_of(X)
    if space is None:
        return
    if str(getattr(X, "layout", "torch.strided")) != "torch.strided":
        raise ValueError(
            f"`X` must be a dense array of {space.name}; got the layout {X.layout}. Pass "
            "X.to_dense()."
        )
    if space.xp.isdtype(X.dtype, "complex floating"):
        # scikit-learn's checks of estimators ask for the second sentence.
        raise ValueError(
            f"`X` must be real; got {X.dtype}. Complex data not supported. Pass X.real if "
            "the imaginary part may be dropped."
        )


def require_numpy(what, X, name="X"):
    """Raise ValueError for X of another namespace where compiled code needs NumPy's."""
    space = namespace_of(X)
    if space is not None:
        raise ValueError(
            f"`{name}` must be an array of NumPy for {what}; got an array of {space.name}. "
            f"Convert {name} to NumPy, for instance by {name}.cpu().numpy() for PyTorch."
        )
