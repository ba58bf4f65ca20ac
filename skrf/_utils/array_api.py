"""Arrays of other libraries, such as PyTorch, by scikit-learn's array API dispatch.

An array has a `Namespace` while ``sklearn.set_config(array_api_dispatch=True)`` is set and
the array is not NumPy's. Without dispatch, scikit-learn converts such arrays to NumPy.
"""

from __future__ import annotations

import copy
import importlib
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

__all__ = [
    "Namespace",
    "copied",
    "estimator_in_numpy",
    "floats_of",
    "follow",
    "namespace_of",
    "namespace_of_attributes",
    "require_numpy",
    "require_same_namespace",
    "to_numpy",
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

        They are computed on the device if it computes in float64.
        """
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
    found = (namespace_of(value) for value in vars(estimator).values())
    return next((space for space in found if space is not None), None)


def floats_of(array):
    """The dtypes float64 and float32 for the namespace of an array."""
    space = namespace_of(array)
    return [np.float64, np.float32] if space is None else space.floats()


def to_numpy(array):
    """An array of any namespace as NumPy's, copied from its device; else the object."""
    space = namespace_of(array)
    return array if space is None else _convert_to_numpy(array, space.xp)


def follow(array, X):
    """An array of any namespace in the namespace of X, and on its device."""
    space = namespace_of(X)
    return to_numpy(array) if space is None else space.array(array)


def estimator_in_numpy(estimator):
    """A copy of a fitted estimator with its arrays in NumPy; itself without dispatch."""
    if not get_config()["array_api_dispatch"]:
        return estimator
    # The function changes frozen estimators in place.
    return move_estimator_to(copy.deepcopy(estimator), np, "cpu")


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
    if not get_config()["array_api_dispatch"] and not isinstance(array, np.ndarray):
        raise ValueError(
            f"`X` must be an array of {type(array).__module__} for this "
            f"{type(estimator).__name__}, as in `fit`; array API dispatch is off. Set "
            "sklearn.set_config(array_api_dispatch=True)."
        )
    check_same_namespace(X, estimator, attribute=attribute, method=method)


def require_numpy(what, X, name="X"):
    """Raise ValueError for X of another namespace where compiled code needs NumPy's."""
    space = namespace_of(X)
    if space is not None:
        raise ValueError(
            f"`{name}` must be an array of NumPy for {what}; got an array of {space.name}. "
            f"Convert {name} to NumPy, for instance by {name}.cpu().numpy() for PyTorch."
        )
