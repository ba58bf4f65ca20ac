"""Hermite coefficients of the activations, and the energies per degree."""

from functools import cache

import mpmath as mp
import numpy as np
import pytest
import reference

from skrf import ACTIVATIONS
from skrf.gaussian import (
    degree_energies,
    hermite_coefficients,
    relu_gram,
)


def hermite_by_definition(function, degrees, kink):
    """E[f(z) He_k(z)] / sqrt(k!) by quadrature in 30 digits, cut at the kink."""
    cuts = sorted({mp.mpf(-16), mp.mpf(16), *map(mp.mpf, range(-12, 13, 4)), mp.mpf(kink)})
    cuts = [cut for cut in cuts if abs(cut) <= 16]

    @cache  # the quadratures of all degrees have the same nodes
    def weighted(z):
        return function(z) * mp.npdf(z)

    def coefficient(k):
        def integrand(z):
            before, value = mp.mpf(0), mp.mpf(1)
            for j in range(k):
                before, value = value, z * value - j * before
            return weighted(z) * value

        return mp.quad(integrand, cuts) / mp.sqrt(mp.factorial(k))

    return np.array([float(coefficient(k)) for k in degrees])


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_hermite_coefficients_agree_with_30_digits(name):
    degrees = (0, 1, 2, 5, 12)
    for norm, bias in ((1.0, 0.0), (2.5, -0.7)):
        with mp.workdps(30):
            exact = hermite_by_definition(
                lambda z, n=norm, b=bias: reference.MP_ACTIVATIONS[name](n * z + b),
                degrees,
                -mp.mpf(bias) / mp.mpf(norm),
            )
        values = hermite_coefficients(name, 12, bias=bias, weight_norm=norm)
        tolerance = 1e-13 * max(1, np.abs(exact).max())
        np.testing.assert_allclose(values[list(degrees)], exact, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_energies_add_up_to_the_mean_square(name):
    """Parseval's identity, up to the coefficients of higher degrees."""
    nodes = np.linspace(-14, 14, 2801)
    weights = 0.01 * np.exp(-(nodes**2) / 2) / np.sqrt(2 * np.pi)
    square = weights @ ACTIVATIONS[name](0.8 * nodes + 0.4) ** 2
    energies = degree_energies(name, 150, bias=0.4, weight_norm=0.8)
    rough = {"step": 0.05, "relu": 1e-3, "abs": 1e-3, "leaky_relu": 1e-3}
    tolerance = rough.get(name, 1e-4 if name == "squared_relu" else 1e-10)
    assert energies.sum() == pytest.approx(square, rel=tolerance)
    assert energies.shape == (151,)


@pytest.mark.parametrize("rho", [-0.7, 0.2, 0.6])
def test_hermite_series_of_relu_gram(rho):
    """E[f(p) g(q)] = sum_k rho^k a_k b_k for correlation rho (Mehler)."""
    a = hermite_coefficients("relu", 200, bias=-0.6, weight_norm=2.0)
    c = hermite_coefficients("relu", 200, bias=0.3, weight_norm=0.5)
    v = 0.5 * np.array([[rho, np.sqrt(1 - rho**2)]])
    exact = relu_gram([[2.0, 0.0]], [-0.6], v, [0.3])[0, 0]
    assert np.sum(rho ** np.arange(201) * a * c) == pytest.approx(exact, rel=1e-13)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_constant_pre_activations_have_degree_0(name):
    values = hermite_coefficients(name, 4, bias=0.7, weight_norm=0.0)
    np.testing.assert_allclose(values[0], ACTIVATIONS[name](np.array(0.7)), rtol=1e-14)
    assert np.abs(values[1:]).max() < 1e-14
    assert hermite_coefficients(name, 0).shape == (1,)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"activation": "cube"}, "cube"),
        ({"n": -1}, "must be an integer >= 0"),
        ({"bias": np.inf}, "`bias` must be a finite number; got inf. Use 0.0 for no bias"),
        ({"weight_norm": -2.0}, "`weight_norm` must be a finite number >= 0; got -2.0. Pa"),
    ],
)
def test_hermite_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        hermite_coefficients(**{"activation": "relu", "n": 3, **arguments})


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("norm", [1e-320, 1e-200, 1e-5])
def test_hermite_coefficients_of_a_relu_far_from_its_kink(norm):
    right = hermite_coefficients("relu", 3, bias=1.0, weight_norm=norm)
    np.testing.assert_allclose(right, [1.0, norm, 0.0, 0.0], rtol=1e-15)
    left = hermite_coefficients("relu", 3, bias=-1.0, weight_norm=norm)
    np.testing.assert_array_equal(left, 0.0)


@pytest.mark.parametrize("activation", ["sin", "cos"])
def test_hermite_coefficients_of_waves_of_high_frequency_are_0(activation):
    values = hermite_coefficients(activation, 3, weight_norm=1e200)
    np.testing.assert_array_equal(values, 0.0)


def test_large_weight_norms_are_refused_without_a_closed_form():
    with pytest.raises(ValueError, match=r"must be at most 1e\+06 for tanh.* got 1e\+12"):
        hermite_coefficients("tanh", 2, weight_norm=1e12)
    assert hermite_coefficients("erf", 1, weight_norm=1e12)[1] > 0.7


def test_a_squared_relu_far_from_its_kink():
    for bias, norm in ((1.0, 1e-160), (2.0, 1e-4), (1e100, 1e90)):
        values = hermite_coefficients("squared_relu", 3, bias=bias, weight_norm=norm)
        expected = [bias**2 + norm**2, 2 * bias * norm, np.sqrt(2) * norm * norm, 0.0]
        np.testing.assert_allclose(values, expected, rtol=1e-14)
    assert not hermite_coefficients("squared_relu", 3, bias=-1.0, weight_norm=1e-9).any()
    with pytest.raises(ValueError, match=r"for squared_relu, .* overflow .* got bias=2e"):
        hermite_coefficients("squared_relu", 2, bias=2e160)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
@pytest.mark.parametrize("bias", [0.0, 1e-310, -2.0])
def test_weights_of_norm_zero(name, bias):
    values = hermite_coefficients(name, 3, bias=bias, weight_norm=0.0)
    value = ACTIVATIONS[name](np.array([bias]))[0]
    np.testing.assert_allclose(values, [value, 0, 0, 0], rtol=1e-14, atol=1e-15)
