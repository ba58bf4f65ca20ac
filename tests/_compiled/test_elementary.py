"""Elementary functions: errors in units of the last place, and arguments far out."""

import numpy as np
import pytest
from scipy import special

from skrf import ACTIVATIONS

REFERENCES = {
    "tanh": np.tanh,
    "sigmoid": special.expit,
    "softplus": lambda z: np.log1p(np.exp(-np.abs(z))) + np.maximum(z, 0),
    "silu": lambda z: z * special.expit(z),
    "erf": special.erf,
    "sin": np.sin,
    "cos": np.cos,
}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", REFERENCES)
def test_errors_are_a_few_units_in_the_last_place(name, dtype, rng):
    """Of the value; the polynomials of a dtype have the terms that this takes."""
    z = np.concatenate([rng.uniform(-4, 4, 4000), 1e-3 * rng.normal(size=100)])
    z = z.astype(dtype)
    exact = REFERENCES[name](z.astype(np.float64))
    error = np.abs(ACTIVATIONS[name](z) / exact - 1)
    # sin and cos have zeros, next to which NumPy's own argument reduction counts, too.
    assert error[np.abs(exact) > 1e-5].max() < 5 * np.finfo(dtype).eps


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_waves_of_large_arguments(dtype, rng):
    """Below and above the border where the C library takes over."""
    z = rng.uniform(-2e5, 2e5, 4000).astype(dtype)
    for name, function in (("sin", np.sin), ("cos", np.cos)):
        error = np.abs(ACTIVATIONS[name](z) - function(z.astype(np.float64)))
        assert error.max() < 3 * np.finfo(dtype).eps


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_limits_are_exact(dtype):
    """Exponentials of far arguments are 0, not a small number that a factor makes large."""
    far = np.array([-np.finfo(dtype).max, np.finfo(dtype).max], dtype)
    limits = {
        "sigmoid": [0, 1],
        "tanh": [-1, 1],
        "erf": [-1, 1],
        "softplus": [0, far[1]],
        "silu": [0, far[1]],
        "gelu": [0, far[1]],
    }
    for name, expected in limits.items():
        value, slope = ACTIVATIONS[name].value_and_derivative(far)
        np.testing.assert_array_equal(value, expected, err_msg=name)
        step = [0, 1] if name in ("softplus", "silu", "gelu") else [0, 0]
        np.testing.assert_array_equal(slope, step, err_msg=name)
    infinite = np.array([-np.inf, np.inf], dtype)
    for name in ("sigmoid", "tanh", "erf"):
        np.testing.assert_array_equal(ACTIVATIONS[name](infinite), limits[name])
