"""The triangle wave of Proposition 4.6: spectrum, products with ReLUs and certificates."""

import math
from itertools import pairwise

import mpmath as mp
import numpy as np
import pytest
import reference
from scipy import integrate, special, stats

from skrf import TriangleWave
from skrf.gaussian._relu_spectrum import log_squared_norm
from skrf.theory._wave import (
    triangle_wave_spectrum,
    wave_facts,
    wave_relu_products,
    weight_certificate,
)
from skrf.theory._wave_statements import wave_relu_correlations


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


@pytest.mark.parametrize(
    ("d", "expected"), [(5, "2.5e-4"), (10, "1.6e-9"), (20, "1.7e-21"), (41, "4.4e-50")]
)
def test_item_3_has_an_exact_constant(d, expected):
    facts = wave_facts(d)
    assert reference.rounds_to(10**facts.log10_correlation, expected)
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
                # The large-argument series of I, whose terms decrease fast for these x.
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
    """E[psi(d z) psi(d z')], with the mean of the second factor given z by all ReLUs."""
    d = 5
    wave = TriangleWave(np.ones(d))
    a, c = wave.relu_sum()
    x, weight = np.polynomial.legendre.leggauss(24)
    edges = np.arange(-61, 62, 2) / d
    z = (edges[:-1, np.newaxis] + (x + 1) / d).ravel()
    weight = np.tile(weight / d, len(edges) - 1) * stats.norm.pdf(z)
    mean = (
        reference.smoothed_relu(d * rho * z[:, np.newaxis] + c, d * math.sqrt(1 - rho**2))
        @ a
        - 1
    )
    expected = weight @ (wave.profile(d * z) * mean)
    # 2e-6 of the energy is beyond the last degree, where P_l(rho) is small.
    assert reference.zonal_sum(triangle_wave_spectrum(d), rho) == pytest.approx(
        expected, abs=2e-9
    )


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
    """Compared with 30-digit quadrature of psi times the mean of the ReLU given <w, x>."""
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
    """Compared with quadrature in double precision, for large products."""
    d = 4
    wave = TriangleWave(d * np.eye(d)[0])
    s = math.sqrt(1 - rho**2)
    V = np.array([[rho, s, 0, 0]])
    x, weight = np.polynomial.legendre.leggauss(40)
    edges = np.arange(-49, 50, 2) / d
    z = (edges[:-1, np.newaxis] + (x + 1) / d).ravel()
    weight = np.tile(weight / d, len(edges) - 1) * stats.norm.pdf(z)
    expected = weight @ (wave.profile(d * z) * reference.smoothed_relu(rho * z + c, s))
    sign, log_magnitude = wave_relu_products(wave, V, np.array([c]))
    assert sign[0] * math.exp(log_magnitude[0]) == pytest.approx(expected, abs=1e-14)


def test_products_of_orthogonal_weights_vanish():
    """They vanish because psi is odd."""
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
    certificate = weight_certificate(error, d, alpha)
    assert certificate.bracket == pytest.approx(
        1 / 3 - (12 * d**2 + 3) ** 2 * (d / alpha) ** 2 / 50
    )
    assert certificate.bracket == pytest.approx(0.218, abs=1e-3)
    assert certificate.bias_bound == alpha / d * (6 * d**2 + 1)
    assert weight_certificate(certificate.max_error, d, alpha).bracket == pytest.approx(
        0, abs=1e-12
    )
    least = certificate.min_weight_norm
    assert weight_certificate(error, d, least).bracket == pytest.approx(0, abs=1e-12)
    assert 2.9 * d**3 < least < 3 * d**3
    # Without a factor of r or sqrt(r).
    assert certificate.log10_bound == pytest.approx(22.3, abs=0.05)
    assert weight_certificate(0.02, 10, 5e3).log10_bound == pytest.approx(2.0, abs=0.05)
    # The corrected proof gives no bound for the alpha = d^2 of the theorem.
    outside = weight_certificate(error, d, d**2)
    assert outside.bracket < 0
    assert outside.factor == 0
    assert outside.log10_bound == -math.inf
    # Delta from item 3 and Markov: 100 times fewer failures cost a factor of 10.
    safer = weight_certificate(error, d, alpha, probability=0.9999)
    assert safer.log10_bound == pytest.approx(certificate.log10_bound - 1)
    relative = weight_certificate(2 * error / alpha**2, d, alpha, absolute=False)
    assert relative.bracket == pytest.approx(certificate.bracket)


def test_certificate_holds_for_the_wave_itself():
    """The mean correlation of random ReLUs with psi_w is less than Delta."""
    d, r, failure = 5, 20, 0.05
    rng = np.random.default_rng(0)
    certificate = weight_certificate(1e-9, d, 10.0 * d, probability=1 - failure)
    log10_delta = math.log10(certificate.factor) - certificate.log10_bound
    wave, failures = TriangleWave(d * np.eye(d)[0]), 0
    for _ in range(100):
        V = rng.normal(size=(r, d))
        # The features have norm 1.
        V /= np.linalg.norm(V, axis=1, keepdims=True) / math.sqrt(2)
        _, logs = wave_relu_products(wave, V, np.zeros(r))
        mean = special.logsumexp(logs) - math.log(r)
        failures += mean / math.log(10) > log10_delta
    assert failures <= 100 * failure


@pytest.mark.parametrize("weight_norm", [1e-200, 1e200])
@pytest.mark.parametrize("absolute", [True, False])
def test_norms_whose_squares_overflow_are_refused(weight_norm, absolute):
    with pytest.raises(
        ValueError, match=r"`weight_norm` must be in \[1e-100, 1e100\]; got"
    ):
        weight_certificate(0.1, 5, weight_norm, absolute=absolute)


def test_relative_errors_do_not_depend_on_the_norm():
    brackets = [
        weight_certificate(1e-9, 5, norm, absolute=False).bracket
        for norm in (1e-100, 1.0, 1e100)
    ]
    expected = 1 / 3 - 303**2 * 25 * 1e-9 / 2
    np.testing.assert_allclose(brackets, expected, rtol=1e-9)


@pytest.mark.parametrize("bias", [-1e120, 1e149])
def test_correlations_refuse_biases_that_no_input_reaches(bias):
    with pytest.raises(ValueError, match=r"`b` must be .* for a norm of 1. Scale b down"):
        wave_relu_correlations(2, [[1.0, 0.0]], [bias])
