"""The fast Walsh-Hadamard transform and the projections made of it."""

import numba
import numpy as np
import pytest
from scipy.linalg import hadamard as hadamard_matrix

from skrf._compiled import hadamard


@numba.njit
def transform(x, scratch):
    hadamard.transform(x, scratch)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("exponent", range(11))
def test_transform_is_multiplication_by_the_matrix(exponent, dtype, rng):
    size = 2**exponent
    x = rng.normal(size=size).astype(dtype)
    expected = hadamard_matrix(size) @ x
    transform(x, np.empty_like(x))
    tolerance = 1e-13 if dtype == np.float64 else 1e-5
    np.testing.assert_allclose(x, expected, rtol=tolerance, atol=tolerance * np.sqrt(size))


@pytest.mark.parametrize(("d", "width"), [(1, 3), (2, 2), (5, 8), (8, 20), (9, 1)])
def test_project_is_the_product_of_its_factors(d, width, rng):
    size = 1 << (d - 1).bit_length()
    n_blocks = -(-width // size)
    signs = rng.choice([-1.0, 1.0], (n_blocks, 3, size))
    lengths, X = rng.uniform(1, 2, width), rng.normal(size=(4, d))
    H = hadamard_matrix(size) / np.sqrt(size)
    blocks = [
        H @ np.diag(third) @ H @ np.diag(second) @ H @ np.diag(first)
        for first, second, third in signs
    ]
    W = lengths[:, np.newaxis] * np.vstack(blocks)[:width, :d]
    out = np.empty((4, width))
    hadamard.project(X, signs, lengths, out)
    np.testing.assert_allclose(out, X @ W.T, rtol=1e-12, atol=1e-13)
