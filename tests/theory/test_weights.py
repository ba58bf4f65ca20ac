"""Lower bounds of r max|u|: published figures, the proposition, and fitted features."""

import math

import mpmath as mp
import numpy as np
import pytest

from skrf import SingleNeuron, gaussian
from skrf.theory import (
    neuron_spectrum,
    theorem_constant,
    weight_certificate,
    weight_floor,
)
from skrf.theory._weights import log_energies, log_margin_of_degree_8d


@pytest.mark.parametrize(
    ("d", "norm", "expected"),
    [
        (10, 1.0, 3.5),
        (41, 1.0, 34.5),
        (80, 1.0, 80.6),
        (160, 1.0, 185.5),
        (41, math.exp(41 / 40), 34.0),
    ],
)
def test_published_bounds_at_the_target_of_the_theorems(d, norm, expected):
    value = weight_floor(0.02, d, weight_norm=d**2, feature_norm=norm, absolute=True)
    assert value == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize(
    ("d", "expected"),
    [
        (41, 1.495),
        (50, 1.541),
        (60, 1.584),
        (80, 1.654),
        (100, 1.710),
        (200, 1.889),
        (400, 2.074),
        (1000, 2.323),
        (1600, 2.452),
    ],
)
def test_published_constants(d, expected):
    assert theorem_constant(d) == pytest.approx(expected, abs=6e-4)


@pytest.mark.parametrize("d", range(41, 100))
def test_the_constant_1_holds_for_each_d_below_100(d):
    """First part of the proposition in docs/theorems.rst."""
    assert theorem_constant(d) >= 1.49


def test_one_degree_is_void_at_small_d():
    for d in range(41, 51):
        assert theorem_constant(d, degree=8 * d) == -math.inf


@pytest.mark.parametrize("d", [100, 101, 102, 150, 333, 1000, 2000, 10_000, 1_000_000])
def test_degree_8d_gives_the_constant_1_from_100_on(d):
    """Second part of the proposition: Stirling's formula with its remainder is a bound."""
    exact = (theorem_constant(d, degree=8 * d) - 1) * 1.5 * d
    proved = float(log_margin_of_degree_8d(d))
    assert 11.5 < proved <= exact
    assert exact - proved < 0.02


def test_the_margin_of_degree_8d_increases():
    d = np.arange(100, 5000)
    assert (np.diff(log_margin_of_degree_8d(d)) > 0).all()
    # The limit of the constant of degree 8 d.
    limit = (9 * math.log(9) - 8 * math.log(8)) / 3 - 1 / 60
    assert theorem_constant(10**8, degree=8 * 10**8) == pytest.approx(limit, abs=1e-6)


def bound_in_60_digits(d):
    """log10 of the bound for ||w*|| = d^2, error 1/50, p = 1%, F = exp(d / 40)."""
    with mp.workdps(60):
        last = 10_000
        energies, eigenvalues = [], []
        for k in range(2, last + 1, 2):
            beta = mp.beta(mp.mpf(d) / 2, mp.mpf(k - 1) / 2)
            eigenvalue = d**5 * (beta / (2 * mp.pi * (k + d - 1))) ** 2
            count = mp.binomial(k + d - 1, d - 1) - mp.binomial(k + d - 3, d - 1)
            eigenvalues.append(eigenvalue)
            energies.append(count * eigenvalue)
        # The energies beyond the last degree fall like l^-4.
        tail, best = energies[-1] * last / 6, mp.mpf(0)
        for energy, eigenvalue in zip(
            reversed(energies), reversed(eigenvalues), strict=True
        ):
            tail += energy
            gap = mp.sqrt(tail) - mp.sqrt(mp.mpf(1) / 50)
            best = max(best, mp.sqrt(tail) * gap / mp.sqrt(eigenvalue))
        return float(mp.log10(best * mp.sqrt(mp.mpf(1) / 100)) - d / 40 / mp.log(10))


def test_bound_against_60_digits():
    value = weight_floor(
        0.02, 41, weight_norm=41**2, feature_norm=math.exp(41 / 40), absolute=True
    )
    assert value == pytest.approx(bound_in_60_digits(41), abs=1e-6)


@pytest.mark.parametrize("d", [2, 3, 10, 41, 200])
def test_energies_without_bias_in_closed_form(d):
    """Compared with the spectrum, and with Lambda_l as a Beta function."""
    spectrum = neuron_spectrum(d)
    degree = np.arange(2, min(200, spectrum.max_degree), 2)
    expected = spectrum.log_energy[degree] + spectrum.log_total
    np.testing.assert_allclose(log_energies(d, degree), expected, atol=1e-11)
    k = degree[-1]
    beta = math.lgamma(d / 2) + math.lgamma((k - 1) / 2) - math.lgamma((k + d - 1) / 2)
    log_eigenvalue = math.log(d) + 2 * (beta - math.log(2 * math.pi * (k + d - 1)))
    assert spectrum.log_eigenvalues[k] == pytest.approx(log_eigenvalue, abs=1e-10)


@pytest.mark.parametrize(("alpha", "expected"), [(1.0, 7.1), (41.0, 18.2), (41.0**2, 29.7)])
def test_published_bounds_at_half_of_the_error_of_remark_4_7(alpha, expected):
    value = weight_floor(
        alpha / (10 * 41**2),
        41,
        weight_norm=alpha,
        feature_norm=math.exp(41 / 40),
        absolute=True,
    )
    assert value == pytest.approx(expected, abs=0.05)


@pytest.mark.parametrize(
    ("d", "bias", "error"),
    [(5, 0.0, 0.05), (10, -1.0, 0.3), (10, 0.0, 0.1), (4, 0.5, 0.02), (3, -1.0, 0.9)],
)
@pytest.mark.parametrize("seed", [0, 1])
def test_fitted_features_need_more(d, bias, error, seed):
    """Rotation invariant features: the bound holds for every w, with probability 1/2."""
    rng = np.random.default_rng(seed)
    W, c = rng.normal(size=(150, d)), rng.normal(size=150)
    W /= np.linalg.norm(W, axis=1, keepdims=True)
    target = SingleNeuron(np.eye(d)[0], bias)
    square = gaussian.relu_gram([target.weight], [bias])[0, 0]
    norm = math.sqrt(np.diag(gaussian.relu_gram(W, c)).max())
    least = gaussian.min_weight(W, c, target, error * square)
    bound = weight_floor(error, d, bias, probability=0.5, feature_norm=norm)
    assert bound < math.log10(150 * least.weight)


def test_the_best_features_come_close_to_the_bound():
    """The coordinates x_1, ..., x_d are the eigenfunctions of degree 1, here of all w."""
    d, error = 6, 0.5
    # The best approximation of relu(<w, x>) by coordinates is <w, x> / 2.
    relative = 1 - 0.25 / 0.5
    assert relative <= error
    rng = np.random.default_rng(0)
    w = rng.normal(size=(2000, d))
    w /= np.linalg.norm(w, axis=1, keepdims=True)
    attained = d * np.abs(w).max(axis=1) / 2
    bound = 10 ** weight_floor(error, d, probability=0.5)
    assert np.mean(attained >= bound) >= 0.5
    assert np.median(attained) / bound < 20


def test_the_bound_scales_with_its_arguments():
    base = weight_floor([0.3, 0.1, 0.01], 10)
    assert base.shape == (3,)
    assert (np.diff(base) > 0).all()
    longer = weight_floor([0.3, 0.1, 0.01], 10, weight_norm=100)
    np.testing.assert_allclose(longer, base + 2)
    np.testing.assert_allclose(weight_floor(0.3, 10, feature_norm=10), base[0] - 1)
    # 100 times fewer failures cost a factor of 10.
    np.testing.assert_allclose(weight_floor(0.3, 10, probability=0.9999), base[0] - 1)
    absolute = weight_floor(0.3 / 2 * 9, 10, weight_norm=3, absolute=True)
    np.testing.assert_allclose(absolute, weight_floor(0.3, 10, weight_norm=3))
    assert weight_floor(1.0, 10) == -math.inf
    assert weight_floor(1.5, 10, -1.0) == -math.inf
    assert np.isfinite(weight_floor(1e-250, 50))


def test_biases_use_the_degrees_that_are_resolved():
    """Near b = 0 the bound is at most the bound with all degrees, up to a small change."""
    full, near = weight_floor(0.05, 10), weight_floor(0.05, 10, 1e-9)
    assert near == pytest.approx(full, abs=1e-3)
    assert weight_floor(0.02, 41, -(41**2), weight_norm=41**2, absolute=True) > 32
    assert weight_floor(1e-9, 41, 1e-9) <= weight_floor(1e-9, 41)


def test_the_bound_is_larger_than_that_of_the_printed_proof():
    d, norm = 41, 5 * 41**3
    value = weight_floor(0.02, d, weight_norm=norm, absolute=True)
    assert value > weight_certificate(0.02, d, norm).log10_bound + 40
