"""Comparison of arrays of any namespace with NumPy's."""

import numpy as np

from skrf._utils.array_api import namespace_of, to_numpy


def assert_close(array, expected, tolerance, like):
    """An array is where `like` is, in the dtype of NumPy's result, and close to it."""
    assert namespace_of(array) == namespace_of(like)
    result = to_numpy(array)
    assert result.dtype == expected.dtype
    assert np.abs(result - expected).max() <= tolerance * np.abs(expected).max()
