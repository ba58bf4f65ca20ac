"""Activations: against their definitions and against finite differences."""

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st
from scipy import special

from skrf import ACTIVATIONS
from skrf._compiled.activations import KERNELS
from skrf.features._array_formulas import ARRAY_FORMULAS

KINKED = ("relu", "step", "leaky_relu", "abs", "squared_relu")
KINKED_AT_ZERO = ("relu", "step", "leaky_relu", "abs")


def test_every_name_has_a_compiled_kernel_a_formula_and_a_reference():
    assert set(ACTIVATIONS) == set(reference.ACTIVATIONS) == set(KERNELS)
    assert set(ACTIVATIONS) == set(ARRAY_FORMULAS)
    assert all(name == entry.name for name, entry in ACTIVATIONS.items())


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_analytic_means_smooth_at_zero(name):
    """Across 0 an analytic one has no jump in value, first or second derivative."""
    h = 1e-3
    value, slope = ACTIVATIONS[name].value_and_derivative(np.array([-2, -1, 1, 2]) * h)
    bend_left, bend_right = (slope[1] - slope[0]) / h, (slope[3] - slope[2]) / h
    jumps = value[2] - value[1], slope[2] - slope[1], bend_right - bend_left
    assert (max(map(abs, jumps)) < 0.01) == ACTIVATIONS[name].analytic


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 4e-15), (np.float32, 3e-6)])
def test_equals_definition(name, dtype, tolerance):
    z = np.concatenate([np.linspace(-12, 12, 1001), [0.0, -700.0, 80.0]]).astype(dtype)
    value, slope = ACTIVATIONS[name].value_and_derivative(z)
    twin_value, twin_slope = (f(z.astype(np.float64)) for f in reference.ACTIVATIONS[name])
    assert value.dtype == slope.dtype == dtype
    np.testing.assert_allclose(value, twin_value, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(slope, twin_slope, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", ACTIVATIONS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 4e-15), (np.float32, 3e-6)])
def test_array_formulas_agree_with_the_compiled_functions(name, dtype, tolerance):
    z = np.concatenate([np.linspace(-12, 12, 1001), [0.0, -700.0, 80.0]]).astype(dtype)
    formulas = ARRAY_FORMULAS[name]
    compiled = ACTIVATIONS[name].value_and_derivative(z)
    for formula, expected in zip((formulas.value, formulas.slope), compiled, strict=True):
        result = formula(np, z)
        assert result.dtype == dtype
        np.testing.assert_allclose(result, expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", [k for k in ARRAY_FORMULAS if ARRAY_FORMULAS[k].second])
def test_second_derivatives_are_limits_of_differences(name):
    z, h = np.linspace(-4, 4, 200), 1e-6
    derivative = ACTIVATIONS[name].derivative
    slope = (derivative(z + h) - derivative(z - h)) / (2 * h)
    np.testing.assert_allclose(ARRAY_FORMULAS[name].second(np, z), slope, atol=1e-8)


@pytest.mark.parametrize("name", ACTIVATIONS)
@given(z=st.floats(-8, 8))
def test_derivative_is_limit_of_differences(name, z):
    h = 1e-5
    if abs(z) < 2 * h:
        z = 3 * h  # kinks have no two-sided derivative
    low, high = ACTIVATIONS[name](np.array([z - h, z + h]))
    slope = ACTIVATIONS[name].derivative(np.array([z]))[0]
    assert (high - low) / (2 * h) == pytest.approx(slope, abs=1e-6)


@pytest.mark.parametrize("name", KINKED_AT_ZERO)
def test_derivative_at_a_kink_is_the_left_one(name):
    expected = {"leaky_relu": 0.01}.get(name, 0.0)
    assert ACTIVATIONS[name].derivative(np.zeros(1))[0] == expected


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_nan_is_not_hidden(name):
    assert np.isnan(ACTIVATIONS[name](np.array([np.nan, 1.0]))).tolist() == [True, False]


def test_shapes_and_integers():
    relu = ACTIVATIONS["relu"]
    assert relu(np.array([[-1, 2], [3, -4]])).tolist() == [[0, 2], [3, 0]]
    assert relu(3).shape == ()
    assert relu(np.ones((4, 6))[:, ::2]).shape == (4, 3)


def test_only_step_has_no_slope():
    assert [name for name, entry in ACTIVATIONS.items() if not entry.has_slope] == ["step"]


@pytest.mark.parametrize(
    "name", [name for name in ACTIVATIONS if ACTIVATIONS[name].analytic]
)
def test_small_numbers_are_as_exact_as_large_ones(name):
    """Relative errors: far out, where exp underflows slowly, and close to 0."""
    small = np.geomspace(1e-300, 1e-3, 50)
    z = np.concatenate(
        [-small, small, np.linspace(-26, 26, 1001), [1e3, -1e3, 1e5, 1e6, 1e9]]
    )
    value, slope = ACTIVATIONS[name].value_and_derivative(z)
    exact = {
        "softplus": np.log1p(np.exp(-np.abs(z))) + np.maximum(z, 0),
        "tanh": np.tanh(z),
        "gelu": z * special.ndtr(z),
    }.get(name, reference.ACTIVATIONS[name][0](z))
    np.testing.assert_allclose(value, exact, rtol=2e-13, atol=1e-300)
    bends = {"tanh": 1 / np.cosh(np.clip(z, -300, 300)) ** 2}
    exact = bends.get(name, reference.ACTIVATIONS[name][1](z))
    # Some derivatives have a zero; that of tanh has none, but the twin stops at |z| = 300.
    tiny = 1e-259 if name == "tanh" else 1e-15
    np.testing.assert_allclose(slope, exact, rtol=2e-13, atol=tiny)


def test_every_kind_of_real_numbers():
    act = ACTIVATIONS["relu"]
    for kind, result in [
        (np.float16, np.float32),
        (np.float32, np.float32),
        (np.longdouble, np.float64),
        (np.int64, np.float64),
        (object, np.float64),
    ]:
        value = act(np.array([[1, -2], [3, 4]], kind))
        assert value.dtype == result
        np.testing.assert_array_equal(value, [[1, 0], [3, 4]])
    for wrong in ([1j], ["a"], [None]):
        with pytest.raises(ValueError, match="`z` must be real"):
            act(wrong)
