"""Spectra, floors and bounds: against kernels, Gram matrices, mpmath and simulation."""

import math
from itertools import pairwise

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats
from scipy.linalg import cho_factor, cho_solve
from scipy.special import ndtr

from skrf import TriangleWave
from skrf._bounds import (
    distance_rate,
    error_floor,
    failure_probability,
    features_needed,
    log_distance_probability,
    simulate_squared_distances,
    squared_distance_law,
)
from skrf._harmonics import (
    dimension,
    log_bessel_i_scaled,
    log_dimension,
    log_dimension_up_to,
    log_gamma_ratio,
)
from skrf._relu_spectrum import log_squared_norm, relu_spectrum
from skrf._wave import (
    triangle_wave_spectrum,
    wave_facts,
    wave_relu_products,
    weight_certificate,
)

# ------------------------------------------------------------------ slow, obvious twins


def arc_cosine_kernel(rho):
    """E[relu(z) relu(z')] for standard normal z, z' of correlation rho."""
    rho = np.clip(rho, -1, 1)
    return (np.sqrt(1 - rho**2) + (math.pi - np.arccos(rho)) * rho) / (2 * math.pi)


def smoothed_relu(mean, deviation):
    """E[relu(mean + deviation z)]."""
    q = mean / deviation
    return mean * ndtr(q) + deviation * np.exp(-(q**2) / 2) / math.sqrt(2 * math.pi)


def relu_kernel(rho, h):
    """E[relu(z + h) relu(z' + h)]: the second factor's mean given z, then a quadrature."""
    s = math.sqrt(1 - rho**2)

    def integrand(z):
        return (z + h) * smoothed_relu(rho * z + h, s) * stats.norm.pdf(z)

    inside = sorted({-h, *(p for p in (-h / rho, 0, 2, 5) if -h < p < 14), 14})
    return sum(
        integrate.quad(integrand, a, b, epsabs=1e-16, epsrel=1e-13)[0]
        for a, b in pairwise(inside)
    )


def zonal_sum(spectrum, rho):
    """sum_l N_l Lambda_l P_l(rho), P_l by its recurrence."""
    d, energies = spectrum.n_features, np.exp(spectrum.log_energy) * spectrum.total
    before, now, total = 1.0, rho, energies[0]
    for degree in range(1, len(energies)):
        total += energies[degree] * now
        after = ((2 * degree + d - 2) * rho * now - degree * before) / (degree + d - 2)
        before, now = now, after
    return total


def mp_gegenbauer(D, degree, t):
    """P_l of dimension D with P_l(1) = 1."""
    before, now = mp.mpf(1), t
    if degree == 0:
        return before
    for k in range(1, degree):
        before, now = now, ((2 * k + D - 2) * t * now - k * before) / (k + D - 2)
    return now


def mp_eigenvalue(d, h, degree):
    """Lambda_l, l >= 2, from Funk and Hecke's formula for the kernel K(rho).

    Two integrations by parts leave K'' = exp(-h^2 / (1 + rho)) / (2 pi sqrt(1 - rho^2)).
    No radius is in it.
    """
    h = mp.mpf(h)

    def integrand(angle):
        rho = mp.cos(angle)
        value = mp.exp(-(h**2) / (1 + rho)) if h else mp.mpf(1)
        return value * mp_gegenbauer(d + 4, degree - 2, rho) * mp.sin(angle) ** (d + 1)

    # All derivatives match at the ends: the trapezoid rule converges exponentially.
    n = 400 + 4 * (degree + d)
    area = mp.pi / n * mp.fsum(integrand(mp.pi * k / n) for k in range(1, n))
    constant = mp.gamma(mp.mpf(d) / 2) / mp.sqrt(mp.pi) / mp.gamma(mp.mpf(d - 1) / 2)
    return constant / (d * d - 1) * area / (2 * mp.pi)


def wave_eigenvalue_by_knots(d, degree, n_nodes=8000):
    """Lambda_l of psi, l >= 2, as a mean over R of sums over all a + 1 ReLUs."""
    a, c = TriangleWave(np.ones(d)).relu_sum()
    high = math.sqrt(d) + 9
    x, weight = np.polynomial.legendre.leggauss(8)
    edges = np.linspace(0, high, n_nodes // 8 + 1)
    R = (edges[:-1, np.newaxis] + (x + 1) / 2 * edges[1]).ravel()
    weight = np.tile(weight * edges[1] / 2, len(edges) - 1) * stats.chi.pdf(R, d)
    a, c = a[np.abs(c) < d * high], c[np.abs(c) < d * high]
    t = -c / (d * R[:, np.newaxis])
    inside = np.abs(t) < 1
    t = np.where(inside, t, 0)
    before, now = np.ones_like(t), t
    D = d + 4
    for k in range(1, degree - 2):
        before, now = now, ((2 * k + D - 2) * t * now - k * before) / (k + D - 2)
    P = now if degree > 2 else before
    kinks = (a * P * np.where(inside, (1 - t * t) ** ((d + 1) / 2), 0)).sum(axis=1)
    constant = math.gamma(d / 2) / math.sqrt(math.pi) / math.gamma((d - 1) / 2)
    return weight @ (constant * d * R / (d * d - 1) * kinks) ** 2


def circle_eigenvalues(h, n=512):
    """Eigenvalues of the Gram matrix of n neurons, evenly on the circle, over n (d = 2).

    The matrix is circulant; its first row is a kernel, so its eigenvalues are a Fourier
    transform.
    """
    rho = np.cos(2 * math.pi * np.arange(n) / n)
    if h == 0:
        row = arc_cosine_kernel(rho)
    else:  # a negative h, for which opposite neurons are never on together
        half = [relu_kernel(r, h) for r in rho[1 : n // 2]]
        row = np.array([math.exp(log_squared_norm(h)), *half, 0.0, *half[::-1]])
    return np.sort(np.fft.fft(row).real / n)[::-1]


# ------------------------------------------------------------------------ building blocks


@given(x=st.floats(0.5, 1e12), shift=st.integers(0, 250).map(lambda n: n / 2))
def test_log_gamma_ratio(x, shift):
    with mp.workdps(60):
        expected = mp.loggamma(mp.mpf(x) + shift) - mp.loggamma(mp.mpf(x))
    assert float(log_gamma_ratio(x, shift)) == pytest.approx(float(expected), 1e-13, 3e-13)


@pytest.mark.parametrize("x", [0.01, 3.0, 39.0, 200.0])
@pytest.mark.parametrize("order", [0, 0.5, 7, 39.5, 150, 400.5])
def test_log_bessel(order, x):
    with mp.workdps(120):
        expected = float(mp.log(mp.besseli(mp.mpf(order), mp.mpf(x))) - mp.mpf(x))
    assert float(log_bessel_i_scaled(order, x)) == pytest.approx(expected, 1e-13, 1e-13)


@pytest.mark.parametrize("d", [2, 3, 8, 41, 200])
def test_dimensions(d):
    """Homogeneous polynomials of degree l are harmonics of degrees l, l - 2, ..."""
    whole = [dimension(d, degree) for degree in range(40)]
    for degree in range(40):
        polynomials = math.comb(degree + d - 1, d - 1)
        assert sum(whole[degree::-2]) == polynomials
        assert float(log_dimension(d, degree)) == pytest.approx(
            math.log(whole[degree]), abs=4e-13
        )
        for step, count in ((1, sum(whole[: degree + 1])), (2, polynomials)):
            value = float(log_dimension_up_to(d, degree, step))
            assert value == pytest.approx(math.log(count), abs=4e-13)


@pytest.mark.parametrize("h", [-30.0, -8.0, -2.0, -1.0, -0.99, 0.0, 1.0, 7.0])
def test_squared_norm(h):
    with mp.workdps(40):
        z = mp.mpf(h)
        expected = mp.log((1 + z**2) * mp.ncdf(z) + z * mp.npdf(z))
    assert log_squared_norm(h) == pytest.approx(float(expected), rel=1e-14, abs=1e-14)


# ------------------------------------------------------------------------------- spectra


@pytest.mark.parametrize("rho", [-0.9, -0.3, 0.2, 0.7, 0.95])
@pytest.mark.parametrize("h", [0.0, -1.0, 0.4, -2.5])
@pytest.mark.parametrize("d", [5, 10, 20, 40])
def test_kernel_is_the_zonal_sum(d, h, rho):
    spectrum = relu_spectrum(d, h)
    expected = arc_cosine_kernel(rho) if h == 0 else relu_kernel(rho, h)
    assert abs(zonal_sum(spectrum, rho) - expected) < 6e-13 * spectrum.total


@pytest.mark.parametrize("h", [0.0, 0.01, -1.0, 3.0, 20.0, -3.0, -15.0])
@pytest.mark.parametrize("d", [2, 5, 41, 200])
def test_energies_add_up(d, h):
    """What the levels leave over is what an asymptotic law says, without being fitted."""
    spectrum = relu_spectrum(d, h, 1000 + 10 * d)
    left = 1 - math.fsum(np.exp(spectrum.log_energy))
    blocks = np.exp(np.logaddexp.reduce(spectrum.tail_log_energy))
    assert blocks == pytest.approx(spectrum.tail, rel=1e-9)
    assert left == pytest.approx(spectrum.tail, rel=1e-3, abs=2e-13)
    assert spectrum.tail < 2e-4
    assert np.isfinite(spectrum.log_multiplicity).all()
    assert spectrum.tail_error < 1e-12


@pytest.mark.parametrize("d", [3, 10, 41])
def test_bias_free_tail_is_exact(d):
    """The model beyond degree 60 against the levels that a longer spectrum has."""
    short, long = relu_spectrum(d, 0.0, 60 + 2 * d), relu_spectrum(d, 0.0, 20_000)
    beyond = math.fsum(np.exp(long.log_energy[short.max_degree + 1 :])) + long.tail
    assert short.tail == pytest.approx(beyond, rel=1e-6)


@pytest.mark.parametrize("d", [3, 10, 41])
def test_a_small_bias_is_continuous(d):
    free, biased = relu_spectrum(d), relu_spectrum(d, -1e-7)
    same = np.isfinite(free.log_energy[:40])
    np.testing.assert_allclose(
        biased.log_energy[:40][same], free.log_energy[:40][same], atol=1e-4
    )


@pytest.mark.parametrize(
    "h", [0.0, -1.0, *(pytest.param(h, marks=pytest.mark.slow) for h in (-6.0, 2.0))]
)
@pytest.mark.parametrize(
    ("d", "degrees"), [(5, (2, 3, 8, 41)), (41, (2, 5, 30)), (200, (2, 9))]
)
def test_eigenvalues_against_mpmath(d, degrees, h):
    spectrum = relu_spectrum(d, h)
    with mp.workdps(40):
        for degree in degrees:
            if h == 0 and degree % 2:
                assert spectrum.log_eigenvalues[degree] == -math.inf
                continue
            expected = float(mp.log(mp_eigenvalue(d, h, degree)))
            assert spectrum.log_eigenvalues[degree] == pytest.approx(expected, abs=2e-12)


@pytest.mark.slow
@pytest.mark.parametrize("h", [0.0, -1.0])
@pytest.mark.parametrize("degree", [100, 101, 250])
def test_high_degrees_against_mpmath(degree, h):
    if h == 0 and degree % 2:
        pytest.skip("0 by parity")
    with mp.workdps(150):
        expected = float(mp.log(mp_eigenvalue(41, h, degree)))
    value = relu_spectrum(41, h).log_eigenvalues[degree]
    assert value == pytest.approx(expected, abs=1e-11)


def test_degrees_0_and_1_without_bias():
    """Lambda_0 = E[relu]^2 over R, Lambda_1 = 1 / (4 d) exactly."""
    for d in (2, 5, 200):
        low = relu_spectrum(d).eigenvalues[:2]
        assert low[1] == pytest.approx(1 / (4 * d), rel=1e-12)
        mean_t = integrate.quad(
            lambda x, d=d: math.cos(x) * math.sin(x) ** (d - 2), 0, math.pi / 2
        )
        area = integrate.quad(lambda x, d=d: math.sin(x) ** (d - 2), 0, math.pi)
        assert low[0] == pytest.approx(d * (mean_t[0] / area[0]) ** 2, rel=1e-10)


# -------------------------------------------------------------------------------- floors

# (bias, relative error, d) -> fewest features, to the digits that were published.
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


def rounds_to(value, text):
    """Whether value, at the digits of text, is text."""
    digits = len(text.split("e")[0].replace(".", "").lstrip("-0"))
    return float(f"{value:.{digits - 1}e}") == float(text)


@pytest.mark.parametrize(("bias", "error", "d", "expected"), NEEDED)
def test_fewest_features(bias, error, d, expected):
    b = -math.sqrt(d) / 2 if isinstance(bias, str) else float(bias)
    log10_r, r = features_needed(error, d, b)
    assert rounds_to(10**log10_r, expected)
    if log10_r < 15:
        assert rounds_to(r, expected)
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
def test_floors_of_3000_features(bias, row):
    for d, expected in row.items():
        assert rounds_to(error_floor(3000, d, float(bias)), expected)


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


@pytest.mark.parametrize("h", [0.0, -0.8])
def test_eigenfunctions_attain_the_floor(h):
    """On the circle the best features are the top eigenvectors of a Gram matrix."""
    values = circle_eigenvalues(h)
    assert values.sum() == pytest.approx(math.exp(log_squared_norm(h)), rel=1e-9)
    r = np.arange(60)
    best = 1 - np.concatenate([[0], np.cumsum(values)])[:60] / values.sum()
    np.testing.assert_allclose(error_floor(r, 2, h), best, rtol=2e-3, atol=1e-9)


def random_feature_errors(d, r, n_targets, seed):
    """Relative errors of r bias-free random ReLU features on bias-free random neurons."""
    rng = np.random.default_rng(seed)
    W, V = rng.normal(size=(r, d)), rng.normal(size=(n_targets, d))
    W /= np.linalg.norm(W, axis=1, keepdims=True)
    V /= np.linalg.norm(V, axis=1, keepdims=True)
    G, h = arc_cosine_kernel(W @ W.T), arc_cosine_kernel(W @ V.T)
    return 1 - 2 * np.sum(h * cho_solve(cho_factor(G), h), axis=0)


@pytest.mark.parametrize(("d", "r"), [(3, 5), (3, 20), (5, 10), (5, 60), (10, 100)])
def test_random_features_stay_above_the_floor(d, r):
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
def test_floor_properties(d, h, log10_r):
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
def test_features_needed_inverts_the_floor(d, h, log10_error):
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


def test_the_tail_of_a_short_spectrum_is_that_of_a_long_one():
    """Floors that need more levels than there are come from blocks: a few per cent."""
    for d, h in ((5, 0.0), (5, -1.0), (20, -1.0)):
        short, long = relu_spectrum(d, h, 300), relu_spectrum(d, h, 2000)
        log_r = long.log_multiplicity[[400, 1000, 1800]]
        np.testing.assert_allclose(short.floor(log_r), long.floor(log_r), rtol=0.03)


# ---------------------------------------------------------------------- Proposition 4.1


@pytest.mark.parametrize(("d", "expected"), [(10, ".127"), (40, "8.9e-3"), (160, "8.6e-7")])
def test_probability_of_a_quarter(d, expected):
    assert rounds_to(squared_distance_law(d, d // 2).cdf(0.25), expected)
    assert rounds_to(math.exp(log_distance_probability(0.25, d, d // 2)), expected)


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


def test_distance_rate():
    assert rounds_to(distance_rate(), ".0719")
    assert distance_rate() == pytest.approx(-math.log(3 / 4) / 4, rel=1e-14)
    d = 400_000
    for ratio, error in ((0.5, 0.25), (0.2, 0.5)):
        value = -log_distance_probability(error, d, int(ratio * d)) / d
        assert value == pytest.approx(distance_rate(ratio, error), abs=5e-5)


def test_simulated_distances_have_the_law():
    distances = simulate_squared_distances(12, 5, 3000, random_state=0)
    assert stats.kstest(distances, squared_distance_law(12, 5).cdf).pvalue > 1e-3


# ---------------------------------------------------- Proposition 4.6 and Theorem 4.2


@pytest.mark.parametrize(
    ("d", "expected"), [(5, "2.5e-4"), (10, "1.6e-9"), (20, "1.7e-21"), (41, "4.4e-50")]
)
def test_item_3_has_an_exact_constant(d, expected):
    facts = wave_facts(d)
    assert rounds_to(10**facts.log10_correlation, expected)
    a, _ = TriangleWave(np.ones(d)).relu_sum()
    assert facts.relus == len(a)
    assert facts.sum_of_squares == np.sum(a**2)
    assert facts.squared_sum == np.sum(np.abs(a)) ** 2
    assert facts.printed_squared_norm == d


@pytest.mark.parametrize("alpha", [0.5, 1.0, 3.0, 16.0])
def test_squared_norm_of_the_wave(alpha):
    d = 5
    wave = TriangleWave(np.eye(d)[0])
    knots = np.arange(-wave.half_width, wave.half_width + 1) / alpha
    knots = knots[np.abs(knots) < 12 + 1 / alpha]
    expected = sum(
        integrate.quad(
            lambda z: wave.profile(alpha * z) ** 2 * stats.norm.pdf(z), a, b, epsabs=1e-16
        )[0]
        for a, b in pairwise(knots)
    )
    spectrum = triangle_wave_spectrum(d, alpha)
    assert spectrum.total == pytest.approx(expected, rel=1e-10)
    assert math.fsum(np.exp(spectrum.log_energy)) + spectrum.tail == pytest.approx(
        1, rel=1e-12
    )
    assert spectrum.tail < 1e-3
    if alpha >= 3:
        assert spectrum.total == pytest.approx(1 / 3, abs=1e-13)


@pytest.mark.parametrize(
    ("d", "degrees"), [(3, (3, 7, 21, 60)), (5, (3, 11, 20, 81)), (8, (3, 99))]
)
def test_eigenvalues_of_the_wave_by_its_knots(d, degrees):
    spectrum = triangle_wave_spectrum(d)
    for degree in degrees:
        expected = wave_eigenvalue_by_knots(d, degree)
        value = spectrum.eigenvalues[degree]
        assert value == pytest.approx(expected, rel=3e-6, abs=1e-25)


@pytest.mark.parametrize("d", [5, 41, 200])
def test_eigenvalues_of_the_wave_against_mpmath(d):
    """Weber's integral for the first harmonics, in 60 digits."""
    spectrum = triangle_wave_spectrum(d)
    with mp.workdps(60):
        nu = mp.mpf(d) / 2 - 1
        for degree in (1, 5, 31):
            total = mp.mpf(0)
            for m in range(1, 2001 if d == 5 else 61, 2):
                kappa = mp.pi * m * d / 2
                x = kappa**2
                # The large-argument series of I, whose terms fall fast for these x.
                term, series, mu = mp.mpf(1), mp.mpf(1), 4 * (degree + nu) ** 2
                for k in range(1, 400):
                    step = -(mu - (2 * k - 1) ** 2) / (8 * k * x)
                    if abs(step) >= 1 and k > 60:
                        break
                    term *= step
                    series += term
                    if abs(term) < mp.mpf(10) ** -45:
                        break
                bessel = series / mp.sqrt(2 * mp.pi * x)
                total += (8 / (mp.pi * m) ** 2) ** 2 * kappa ** (-2 * nu) * bessel
            expected = float(mp.log(mp.gamma(mp.mpf(d) / 2) * mp.mpf(2) ** nu * total))
            assert spectrum.log_eigenvalues[degree] == pytest.approx(expected, abs=3e-12)


@pytest.mark.parametrize("rho", [0.9, 0.97, 0.995])
def test_kernel_of_the_wave_is_the_zonal_sum(rho):
    """E[psi(d z) psi(d z')], the second factor's mean given z by all ReLUs of psi."""
    d = 5
    wave = TriangleWave(np.ones(d))
    a, c = wave.relu_sum()
    x, weight = np.polynomial.legendre.leggauss(24)
    edges = np.arange(-61, 62, 2) / d
    z = (edges[:-1, np.newaxis] + (x + 1) / d).ravel()
    weight = np.tile(weight / d, len(edges) - 1) * stats.norm.pdf(z)
    mean = smoothed_relu(d * rho * z[:, np.newaxis] + c, d * math.sqrt(1 - rho**2)) @ a - 1
    expected = weight @ (wave.profile(d * z) * mean)
    # Beyond the last degree are 2e-6 of the energy, and P_l(rho) is small there.
    assert zonal_sum(triangle_wave_spectrum(d), rho) == pytest.approx(expected, abs=2e-9)


@pytest.mark.parametrize(
    ("rho", "c", "norm"),
    [
        (0.99, 0.3, 2.0), (0.999, -1.2, 1.0), (0.9, 0.0, 1.0), (0.5, -2.0, 1.0),
        (0.5, 2.0, 1.0), (-0.97, 3.0, 1.5), (0.05, -0.1, 1.0), (1.0, 0.4, 1.0),
        (-1.0, 0.2, 1.0),
    ],
)  # fmt: skip
@pytest.mark.slow
@pytest.mark.parametrize("d", [4, 5])
def test_products_of_wave_and_relu(d, rho, c, norm):
    """Against 30-digit quadrature of psi times the mean of the ReLU given <w, x>."""
    wave = TriangleWave(d * np.eye(d)[0])
    v = norm * (rho * np.eye(d)[0] + math.sqrt(1 - rho**2) * np.eye(d)[1])
    sign, log_magnitude = wave_relu_products(wave, v[np.newaxis], np.array([c]))
    with mp.workdps(30):
        along, across, c = mp.mpf(v[0]), abs(mp.mpf(v[1])), mp.mpf(c)

        def integrand(z):
            mean = along * z + c
            if across:
                q = mean / across
                mean = across * (mp.npdf(q) + q * mp.ncdf(q))
            t = mp.mpf(d) * z + wave.half_width
            psi = 1 - abs(t - 4 * mp.floor(t / 4) - 2)
            return psi * max(mean, 0) * mp.npdf(z)

        ends = [mp.mpf(k) / d for k in range(-61, 62, 2)]
        if not across:
            ends = sorted([*ends, -c / along])
        expected = mp.fsum(
            mp.quad(integrand, [a, b], method="gauss-legendre", maxdegree=4)
            for a, b in pairwise(ends)
        )
        error = float(sign[0] * mp.exp(mp.mpf(float(log_magnitude[0]))) / expected - 1)
    assert abs(error) < 1e-11


@pytest.mark.parametrize(("rho", "c"), [(0.98, 0.3), (0.98, -1.2), (0.95, 0.0)])
def test_products_are_correlations_of_the_wave(rho, c):
    """In double precision, where they are large."""
    d = 4
    wave = TriangleWave(d * np.eye(d)[0])
    s = math.sqrt(1 - rho**2)
    V = np.array([[rho, s, 0, 0]])
    x, weight = np.polynomial.legendre.leggauss(40)
    edges = np.arange(-49, 50, 2) / d
    z = (edges[:-1, np.newaxis] + (x + 1) / d).ravel()
    weight = np.tile(weight / d, len(edges) - 1) * stats.norm.pdf(z)
    expected = weight @ (wave.profile(d * z) * smoothed_relu(rho * z + c, s))
    sign, log_magnitude = wave_relu_products(wave, V, np.array([c]))
    assert sign[0] * math.exp(log_magnitude[0]) == pytest.approx(expected, abs=1e-14)


def test_products_of_orthogonal_weights_vanish():
    """By the oddness of psi."""
    wave = TriangleWave(41 * np.eye(41)[0])
    sign, log_magnitude = wave_relu_products(wave, np.eye(41)[1:], np.linspace(-1, 1, 40))
    assert (sign == 0).all()
    assert (log_magnitude == -np.inf).all()


def test_mean_product_is_below_item_3():
    """E_w <relu_v, psi_w>^2 <= ||relu_v||^2 max_l Lambda_l, near equality at degree 1."""
    d = 5
    wave = TriangleWave(d * np.eye(d)[0])
    angle, weight = np.polynomial.legendre.leggauss(400)
    angle, weight = (
        (angle + 1) * math.pi / 2,
        weight * np.sin((angle + 1) * math.pi / 2) ** 3,
    )
    V = (
        np.cos(angle)[:, np.newaxis] * np.eye(d)[0]
        + np.sin(angle)[:, np.newaxis] * np.eye(d)[1]
    )
    _, logs = wave_relu_products(wave, V, np.full(400, -0.3))
    mean = np.sum(weight * np.exp(2 * logs)) / np.sum(weight)
    bound = math.exp(log_squared_norm(-0.3)) * 10 ** wave_facts(d).log10_correlation
    assert mean < bound


def test_certificate():
    d, alpha, error = 41, 5 * 41**3, 0.02
    certificate = weight_certificate(error, d, alpha, 1e6)
    assert certificate.bracket == pytest.approx(
        1 / 3 - (12 * d**2 + 3) ** 2 * (d / alpha) ** 2 / 50
    )
    assert certificate.bracket == pytest.approx(0.218, abs=1e-3)
    assert certificate.bias_bound == alpha / d * (6 * d**2 + 1)
    assert weight_certificate(
        certificate.largest_error, d, alpha, 1
    ).bracket == pytest.approx(0, abs=1e-12)
    least = certificate.least_weight_norm
    assert weight_certificate(error, d, least, 1).bracket == pytest.approx(0, abs=1e-12)
    assert 2.9 * d**3 < least < 3 * d**3
    # The theorem's own alpha = d^2 is out of the corrected proof's reach.
    outside = weight_certificate(error, d, d**2, 1e6)
    assert outside.bracket < 0
    assert outside.factor == 0
    assert outside.log10_bound == -math.inf
    # Delta from item 3 and Markov: a hundredth of the failures costs a factor 10.
    assert weight_certificate(
        error, d, alpha, 1e6, failure=1e-4
    ).log10_bound == pytest.approx(certificate.log10_bound - 1)
    relative = weight_certificate(2 * error / alpha**2, d, alpha, 1e6, relative=True)
    assert relative.bracket == pytest.approx(certificate.bracket)


def test_certificate_holds_for_the_wave_itself():
    """A feature that is psi_v for a random v correlates with psi_w less than Delta."""
    d, r, failure = 5, 20, 0.05
    rng = np.random.default_rng(0)
    certificate = weight_certificate(1e-9, d, 10.0 * d, r, failure=failure)
    log10_delta = math.log10(certificate.factor) - certificate.log10_bound
    wave, worse = TriangleWave(d * np.eye(d)[0]), 0
    for _ in range(100):
        V = rng.normal(size=(r, d))
        V /= np.linalg.norm(V, axis=1, keepdims=True) / math.sqrt(
            2
        )  # of norm 1 as features
        _, logs = wave_relu_products(wave, V, np.zeros(r))
        worse += logs.max() / math.log(10) > log10_delta
    assert worse <= 100 * failure


# -------------------------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: error_floor(1, 1), "d=1 must be an integer >= 2"),
        (lambda: error_floor(1, 2.5), "d=2.5"),
        (lambda: error_floor(-1, 5), "r=-1.0 must be a number >= 0"),
        (lambda: error_floor(float("nan"), 5), "r=nan"),
        (lambda: error_floor(1, 5, bias=float("nan")), "bias=nan"),
        (lambda: error_floor(1, 5, weight_norm=0), "weight_norm=0 must be a positive"),
        (lambda: features_needed(0, 5), "error=0.0 must be a positive"),
        (lambda: failure_probability(1, [0.1, -1], 5), "error=-1.0"),
        (lambda: squared_distance_law(5, 5), "r=5 must be below d=5"),
        (lambda: log_distance_probability(1.5, 5, 2), "error=1.5 must be in"),
        (lambda: distance_rate(0.5, 0.5), "error=0.5 must be in"),
        (lambda: simulate_squared_distances(5, 2, 0), "n_draws=0"),
        (lambda: triangle_wave_spectrum(5, 1e3), "weight_norm=1000.0 must be in"),
        (lambda: weight_certificate(0, 5, 1.0, 1), "error=0 must be a number"),
        (
            lambda: wave_relu_products(TriangleWave([1.0, 0.0]), np.ones((1, 3)), [0.0]),
            "weights and biases have shapes",
        ),
    ],
)
def test_errors_name_the_parameter(call, message):
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        call()


def test_large_negative_biases_have_enough_degrees():
    """Against twice as many: no share above the tail may change."""
    for d, h in ((3, -1000.0), (10, -300.0), (40, -100.0)):
        found = relu_spectrum(d, h)
        more = relu_spectrum(d, h, 2 * found.max_degree)
        shares = np.array([0.5, 0.2, 2 * found.tail])
        for one, other in zip(
            found.features_needed(shares), more.features_needed(shares), strict=True
        ):
            # Logarithms of size h^2 / 2 leave so many digits.
            np.testing.assert_allclose(one, other, rtol=1e-5)


def test_counts_of_the_tail_are_no_whole_numbers():
    """At 1e-9 the count is that of the degrees alone; at 1e-10 it is an estimate."""
    log10_r, r = relu_spectrum(3).features_needed([1e-9, 1e-10])
    assert r[0] == 233103
    assert np.isnan(r[1])
    # From the closed form of all Lambda_l in 40 digits.
    assert log10_r[1] == pytest.approx(np.log10(1081946), abs=1e-3)
