"""Lower bounds, numbers of features and distributions of distances.

They are compared with published figures and with simulations.
"""

import math

import mpmath as mp
import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special, stats
from scipy.linalg import cho_factor, cho_solve

from skrf import TriangleWave
from skrf.gaussian._relu_spectrum import log_squared_norm, relu_spectrum
from skrf.theory import (
    error_floor,
    failure_probability,
    features_needed,
    neuron_spectrum,
    proposition_4_1,
    weight_certificate,
)
from skrf.theory._linear import (
    log_distance_probability,
    simulate_squared_distances,
    squared_distance_distribution,
)
from skrf.theory._wave import triangle_wave_spectrum, wave_relu_products

# (bias, relative error, d, minimum number of features to the published digits)
NEEDED = [
    (0, 0.01, 10, "437"), (0, 0.01, 20, "6.6e3"), (0, 0.01, 40, "1.0e5"),
    (0, 0.01, 160, "2.6e7"),
    (-1, 0.1, 10, "157"), (-1, 0.1, 20, "1.1e3"), (-1, 0.1, 40, "7.7e3"),
    (-1, 0.1, 160, "4.6e5"),
    (-1, 0.01, 10, "1.35e4"), (-1, 0.01, 20, "2.3e6"), (-1, 0.01, 40, "3.3e9"),
    (-1, 0.01, 160, "3.6e15"),
    ("-sqrt(d)/2", 0.1, 10, "342"), ("-sqrt(d)/2", 0.1, 20, "3.9e4"),
    ("-sqrt(d)/2", 0.1, 40, "8e8"), ("-sqrt(d)/2", 0.1, 160, "2e32"),
]  # fmt: skip


@pytest.mark.parametrize(("bias", "error", "d", "expected"), NEEDED)
def test_minimum_number_of_features(bias, error, d, expected):
    b = -math.sqrt(d) / 2 if isinstance(bias, str) else float(bias)
    log10_r, r = features_needed(error, d, b)
    assert reference.rounds_to(10**log10_r, expected)
    if log10_r < 15:
        assert reference.rounds_to(r, expected)
        assert r == int(r)
        assert error_floor(r, d, b) <= error * (1 + 1e-12)
        assert error_floor(r - 1, d, b) > error * (1 - 1e-12)
    else:
        assert math.isnan(r)


FLOORS = [
    (0, {5: "1.9e-4", 10: "3.8e-3", 20: ".015", 40: ".020"}),
    (-1, {5: "1.3e-3", 10: ".017", 20: ".044", 40: ".15"}),
    (-2, {5: "3.8e-3", 10: ".051", 20: ".23", 40: ".54"}),
]


@pytest.mark.parametrize(("bias", "row"), FLOORS)
def test_lower_bounds_for_3000_features(bias, row):
    for d, expected in row.items():
        assert reference.rounds_to(error_floor(3000, d, float(bias)), expected)


@pytest.mark.parametrize(("d", "expected"), [(10, 11.82), (20, 30.19), (41, 74.59)])
def test_features_in_the_regime_of_theorem_4_2(d, expected):
    """||w*|| = d^2, b* = 0, absolute error 1/50."""
    log10_r, _ = features_needed(0.02, d, weight_norm=d**2, absolute=True)
    assert log10_r == pytest.approx(expected, abs=0.005)


@pytest.mark.parametrize(("d", "expected"), [(20, -7.6), (41, -25.6), (80, -61.0)])
def test_failure_probabilities(d, expected):
    for tight in (False, True):
        value = failure_probability(
            1e6, 0.02, d, weight_norm=float(d), tight=tight, absolute=True
        )
        assert value == pytest.approx(expected, abs=0.05)


# Relative error d^-q: log10 of the number of features divided by d, at growing d.
RATES = [
    (0.5, {20: 0.065, 640: 0.008}),
    (1.0, {20: 0.114, 640: 0.044}),
    (1.5, {20: 0.188, 40: 0.195, 160: 0.201, 640: 0.205}),
    (2.0, {20: 0.31, 640: 0.56}),
    (4.0, {20: 1.07, 640: 2.41}),
]


@pytest.mark.parametrize(("q", "expected"), RATES)
def test_the_need_is_exponential_from_errors_of_d_to_the_minus_three_halves(q, expected):
    rates = [features_needed(d**-q, d)[0] / d for d in expected]
    np.testing.assert_allclose(rates, list(expected.values()), atol=6e-3)
    assert np.all(np.diff(rates) > 0) == (q >= 1.5)


def random_feature_errors(d, r, n_targets, seed):
    """Relative errors of r bias-free random ReLU features on bias-free random neurons."""
    rng = np.random.default_rng(seed)
    W, V = rng.normal(size=(r, d)), rng.normal(size=(n_targets, d))
    W /= np.linalg.norm(W, axis=1, keepdims=True)
    V /= np.linalg.norm(V, axis=1, keepdims=True)
    G, h = (reference.relu_kernel(W, Y, 1.0, 0.0) for Y in (W, V))
    return 1 - 2 * np.sum(h * cho_solve(cho_factor(G), h), axis=0)


@pytest.mark.parametrize(("d", "r"), [(3, 5), (3, 20), (5, 10), (5, 60), (10, 100)])
def test_random_features_stay_above_the_lower_bound(d, r):
    errors = random_feature_errors(d, r, 4000, seed=d * r)
    assert errors.mean() > error_floor(r, d)
    for level in (0.5, 0.9, 0.99):
        error = errors.mean() * level
        bound = 10 ** failure_probability(r, error, d)
        assert (errors <= error).mean() <= bound


@given(
    d=st.sampled_from([2, 3, 10, 60]),
    h=st.sampled_from([0.0, -1.0, 0.5, -4.0]),
    log10_r=st.lists(st.floats(-1, 300), min_size=3, max_size=8),
)
@settings(max_examples=30)
def test_properties_of_the_lower_bound(d, h, log10_r):
    log10_r = np.sort(log10_r)
    floor = error_floor(log10_r, d, h, log10=True)
    assert np.isfinite(floor).all()
    assert (floor >= 0).all()
    assert (floor <= 1).all()
    assert (np.diff(floor) <= 1e-15).all()
    np.testing.assert_allclose(
        error_floor(10**log10_r, d, h), floor, rtol=1e-8, atol=1e-300
    )
    np.testing.assert_allclose(error_floor(log10_r, d, 3 * h, 3.0, log10=True), floor)
    absolute = error_floor(log10_r, d, 3 * h, 3.0, log10=True, absolute=True)
    np.testing.assert_allclose(absolute, 9 * math.exp(log_squared_norm(h)) * floor)


@given(
    d=st.sampled_from([2, 3, 10, 60]),
    h=st.sampled_from([0.0, -1.0, 0.5, -4.0]),
    log10_error=st.floats(-60, -0.01),
)
@settings(max_examples=30)
def test_features_needed_inverts_the_lower_bound(d, h, log10_error):
    error = 10**log10_error
    log10_r, _ = features_needed(error, d, h)
    assert error_floor(log10_r, d, h, log10=True) == pytest.approx(error, rel=2e-2) or (
        log10_r < 4 and error_floor(log10_r, d, h, log10=True) <= error
    )
    more, _ = features_needed(error / 2, d, h)
    assert more >= log10_r


@given(
    d=st.sampled_from([2, 3, 10, 60]),
    h=st.sampled_from([0.0, -1.0, 0.5]),
    r=st.floats(1, 1e30),
    error=st.floats(1e-6, 0.9),
)
@settings(max_examples=5)
def test_failure_probability_properties(d, h, r, error):
    tight, loose = (
        failure_probability([r, 10 * r], error, d, bias=h, tight=tight)
        for tight in (True, False)
    )
    assert (tight <= loose + 1e-12).all()
    assert (loose <= 0).all()
    assert tight[0] <= tight[1] + 1e-12
    assert failure_probability(r, error / 2, d, bias=h) <= tight[0] + 1e-12


def test_everything_is_finite_in_200_dimensions():
    r = 10.0 ** np.arange(0, 301, 20)
    for h in (0.0, -1.0, -math.sqrt(200) / 2):
        assert np.isfinite(error_floor(r, 200, h)).all()
        log10_r, _ = features_needed([0.5, 1e-3, 1e-8], 200, h)
        assert np.isfinite(log10_r).all()
        assert np.isfinite(failure_probability(1e9, 1e-3, 200, bias=h))
        spectrum = relu_spectrum(200, h)
        assert np.isfinite(spectrum.log_eigenvalues[2::2]).all()
    assert np.isfinite(triangle_wave_spectrum(200).log_eigenvalues[1::2]).all()
    assert error_floor(5000.0, 200, log10=True) > 0


@pytest.mark.parametrize(("d", "expected"), [(10, ".127"), (40, "8.9e-3"), (160, "8.6e-7")])
def test_probability_of_a_quarter(d, expected):
    distribution = squared_distance_distribution(d, d // 2)
    assert reference.rounds_to(distribution.cdf(0.25), expected)
    assert reference.rounds_to(
        math.exp(log_distance_probability(0.25, d, d // 2)), expected
    )


@pytest.mark.parametrize(
    ("d", "r", "x"), [(10, 3, 0.5), (160, 80, 0.25), (2000, 1000, 0.1)]
)
def test_log_distance_probability_against_mpmath(d, r, x):
    with mp.workdps(40):
        a, b = mp.mpf(d - r) / 2, mp.mpf(r) / 2
        expected = float(mp.log(mp.betainc(a, b, 0, mp.mpf(x), regularized=True)))
    assert log_distance_probability(x, d, r) == pytest.approx(expected, rel=1e-12)
    assert log_distance_probability([0, x, 1], d, r)[0] == -math.inf
    assert log_distance_probability([0, x, 1], d, r)[2] == 0


@pytest.mark.parametrize(("ratio", "error"), [(0.5, 0.25), (0.2, 0.5)])
def test_rate_of_the_distance_probability(ratio, error):
    """-log P(squared distance < error) / d has a limit as d grows, with r = ratio d."""
    rest, d = 1 - ratio, 400_000
    rate = rest * math.log(rest / error) + ratio * math.log(ratio / (1 - error))
    value = -log_distance_probability(error, d, int(ratio * d)) / d
    assert value == pytest.approx(rate / 2, abs=5e-5)


def test_the_constant_of_proposition_4_1_holds_and_is_the_largest():
    constant = math.log(4 / 3) / 4
    for d in (2, 3, 10, 41, 1000):
        log_p = [log_distance_probability(0.25, d, r) for r in range(1, d // 2 + 1)]
        assert max(log_p) <= -constant * d
    values = proposition_4_1(10, n_draws=10).values
    assert values["constant"] == constant
    assert 0.1 < values["largest_ratio"] <= 1
    # With a larger constant the claim is false for large even d.
    assert log_distance_probability(0.25, 4000, 2000) > -(constant + 2e-3) * 4000


def sphere_energies(d, act, degrees):
    """N_l Lambda_l by adaptive quadrature in R = ||x|| and in the cosine t."""
    constant = math.gamma(d / 2) / math.sqrt(math.pi) / math.gamma((d - 1) / 2)

    def coefficient(degree, R):
        def integrand(t):
            P = special.eval_gegenbauer(degree, d / 2 - 1, t)
            P /= special.eval_gegenbauer(degree, d / 2 - 1, 1.0)
            return act(R * t) * P * (1 - t * t) ** ((d - 3) / 2)

        return constant * integrate.quad(integrand, -1, 1, epsabs=1e-13)[0]

    def energy(degree):
        def integrand(R):
            return coefficient(degree, R) ** 2 * stats.chi.pdf(R, d)

        count = math.comb(degree + d - 1, d - 1)
        count -= math.comb(degree + d - 3, d - 1) if degree > 1 else 0
        return count * integrate.quad(integrand, 0, math.sqrt(d) + 7, epsabs=1e-12)[0]

    return [energy(degree) for degree in degrees]


@pytest.mark.parametrize(
    ("activation", "act"),
    [("tanh", np.tanh), ("softplus", lambda z: np.logaddexp(0, z))],
)
@pytest.mark.parametrize(("bias", "norm"), [(0.3, 1.0), (0.0, 3.0)])
def test_spectrum_of_smooth_neurons_against_quadrature(activation, act, bias, norm):
    d = 8
    spectrum = neuron_spectrum(d, bias, norm, activation=activation)
    expected = sphere_energies(d, lambda s: act(norm * s + bias), (0, 1, 2, 3))
    energies = np.exp(spectrum.log_energy[:4] + spectrum.log_total)
    np.testing.assert_allclose(energies, expected, rtol=1e-8, atol=1e-12)
    square = integrate.quad(
        lambda z: act(norm * z + bias) ** 2 * stats.norm.pdf(z), -12, 12, epsabs=1e-13
    )[0]
    assert spectrum.total == pytest.approx(square, rel=1e-10)


# (activation, ||w||, minimum number of features for a relative error of 0.1%, d = 40)
SMOOTH = [
    ("softplus", 1.0, 830), ("softplus", 2.0, 8.1e4), ("softplus", 5.0, 6.8e7),
    ("softplus", 20.0, 1.6e11), ("tanh", 0.5, 1.1e4), ("tanh", 1.0, 4.6e7),
    ("tanh", 2.0, 3e13), ("relu", 1.0, 2.3e12), ("relu", 20.0, 2.3e12),
]  # fmt: skip


@pytest.mark.parametrize(("activation", "norm", "expected"), SMOOTH)
def test_features_for_smooth_neurons_grow_with_the_norm(activation, norm, expected):
    log10_r, _ = features_needed(1e-3, 40, 0.0, norm, activation=activation)
    assert log10_r == pytest.approx(math.log10(expected), abs=0.03)
    floor = error_floor(log10_r, 40, 0.0, norm, activation=activation, log10=True)
    assert 0.97e-3 < floor <= 1e-3 * (1 + 1e-9)


@pytest.mark.parametrize("tight", [True, False])
def test_failure_probability_of_smooth_neurons(tight):
    """By the formula, with all eigenvalues one by one; higher degrees are negligible."""
    d, r, arguments = 5, 12, (0.3, 2.0)
    spectrum = neuron_spectrum(d, *arguments, activation="tanh")
    counts, bounds = spectrum.multiplicities[:20].astype(int), [1.0]
    error = 0.01 * spectrum.total
    for first in range(20):
        values = np.sort(np.repeat(spectrum.eigenvalues[first:20], counts[first:]))[::-1]
        largest = values[:r].sum() if tight else r * values[0]
        if values.sum() > error:
            bounds.append(largest / (values.sum() - error))
    value = failure_probability(
        r, error, d, *arguments, activation="tanh", tight=tight, absolute=True
    )
    assert -3 < np.log10(min(bounds)) < -0.1
    assert value == pytest.approx(np.log10(min(bounds)), abs=1e-3)


def test_activations_of_spectra_are_checked():
    with pytest.raises(ValueError, match=r"`activation` must be one of .*got 'abs'"):
        neuron_spectrum(5, activation="abs")
    with pytest.raises(ValueError, match=r"`weight_norm` must be at most 134 .* got 200"):
        error_floor(3, 5, 0.0, 200, activation="tanh")
    absolute = error_floor(3, 5, 0.0, 2.0, activation="tanh", absolute=True)
    total = neuron_spectrum(5, 0.0, 2.0, activation="tanh").total
    relative = error_floor(3, 5, 0.0, 2.0, activation="tanh")
    assert absolute == pytest.approx(relative * total)


def test_simulated_distances_have_the_distribution():
    distances = simulate_squared_distances(12, 5, 3000, random_state=0)
    cdf = squared_distance_distribution(12, 5).cdf
    assert stats.kstest(distances, cdf).pvalue > 1e-3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: error_floor(1, 1), "must be an integer >= 2"),
        (lambda: error_floor(1, 2.5), "2.5"),
        (lambda: error_floor(-1, 5), "`r` must be a number from 0 to 1e300; got -1.0. Use"),
        (lambda: error_floor(float("nan"), 5), "`r` must be .* got nan"),
        (lambda: error_floor(float("nan"), 5, log10=True), "`r` must be a decimal log"),
        (lambda: error_floor(1, 5, bias=float("nan")), "`bias` must be .* got nan. Use a"),
        (lambda: error_floor(1, 5, weight_norm=0), "`weight_norm` must be a pos.* got 0."),
        (lambda: features_needed(0, 5), "`error` must be a positive .* got 0.0. Pass"),
        (lambda: failure_probability(1, [0.1, -1], 5), "`error` must be .* got -1.0"),
        (lambda: squared_distance_distribution(5, 5), "`r` must be below d=5; got 5. Use"),
        (
            lambda: log_distance_probability(1.5, 5, 2),
            r"`error` must be in \[0, 1\]; got 1.5",
        ),
        (
            lambda: simulate_squared_distances(5, 2, 0, 0),
            "n_draws.*must be an integer >= 1",
        ),
        (lambda: triangle_wave_spectrum(5, 1e3), "`weight_norm` must be in .* got 1000.0"),
        (lambda: weight_certificate(0, 5, 1.0), "`error` must be a number in .* got 0."),
        (
            lambda: wave_relu_products(TriangleWave([1.0, 0.0]), np.ones((1, 3)), [0.0]),
            "`weights` and `biases` must have shapes",
        ),
        (
            lambda: wave_relu_products(TriangleWave([9.0, 0.0]), np.ones((1, 2)), [0.0]),
            r"`wave` must have \|\|weight\|\| in .* got 9. Use a smaller weight",
        ),
    ],
)
def test_errors_name_the_parameter(call, message):
    with pytest.raises(ValueError, match=message):
        call()
