"""Spectra of a neuron, compared with kernels, Gram matrices and mpmath."""

import math
from itertools import pairwise

import mpmath as mp
import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from skrf.gaussian._harmonics import (
    dimension,
    log_bessel_i_scaled,
    log_dimension,
    log_dimension_up_to,
    log_gamma_ratio,
)
from skrf.gaussian._relu_spectrum import log_squared_norm, relu_spectrum
from skrf.theory._floors import error_floor

# -------------------------------------------------------------- reference implementations


def arc_cosine_kernel(rho):
    """E[relu(z) relu(z')] for standard normal z, z' of correlation rho."""
    rho = np.clip(rho, -1, 1)
    return (np.sqrt(1 - rho**2) + (math.pi - np.arccos(rho)) * rho) / (2 * math.pi)


def relu_kernel(rho, h):
    """E[relu(z + h) relu(z' + h)]: quadrature over z, with the second mean given z."""
    s = math.sqrt(1 - rho**2)

    def integrand(z):
        return (z + h) * reference.smoothed_relu(rho * z + h, s) * stats.norm.pdf(z)

    inside = sorted({-h, *(p for p in (-h / rho, 0, 2, 5) if -h < p < 14), 14})
    return sum(
        integrate.quad(integrand, a, b, epsabs=1e-16, epsrel=1e-13)[0]
        for a, b in pairwise(inside)
    )


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

    By two integrations by parts with K'' = exp(-h^2 / (1 + rho)) / (2 pi sqrt(1 - rho^2)).
    The formula contains no radius.
    """
    h = mp.mpf(h)

    def integrand(angle):
        rho = mp.cos(angle)
        value = mp.exp(-(h**2) / (1 + rho)) if h else mp.mpf(1)
        return value * mp_gegenbauer(d + 4, degree - 2, rho) * mp.sin(angle) ** (d + 1)

    # All derivatives match at the ends, so the trapezoidal rule converges exponentially.
    n = 400 + 4 * (degree + d)
    area = mp.pi / n * mp.fsum(integrand(mp.pi * k / n) for k in range(1, n))
    constant = mp.gamma(mp.mpf(d) / 2) / mp.sqrt(mp.pi) / mp.gamma(mp.mpf(d - 1) / 2)
    return constant / (d * d - 1) * area / (2 * mp.pi)


def circle_eigenvalues(h, n):
    """Eigenvalues over n of the Gram matrix of n neurons at equal angles (d = 2).

    The matrix is circulant and its first row is a kernel, so its eigenvalues are a Fourier
    transform.
    """
    rho = np.cos(2 * math.pi * np.arange(n) / n)
    if h == 0:
        row = arc_cosine_kernel(rho)
    else:  # for a negative h opposite neurons are never both active
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
    exact = [dimension(d, degree) for degree in range(40)]
    for degree in range(40):
        polynomials = math.comb(degree + d - 1, d - 1)
        assert sum(exact[degree::-2]) == polynomials
        assert float(log_dimension(d, degree)) == pytest.approx(
            math.log(exact[degree]), abs=4e-13
        )
        for step, count in ((1, sum(exact[: degree + 1])), (2, polynomials)):
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
    assert abs(reference.zonal_sum(spectrum, rho) - expected) < 6e-13 * spectrum.total


@pytest.mark.parametrize("h", [0.0, 0.01, -1.0, 3.0, 20.0, -3.0, -15.0])
@pytest.mark.parametrize("d", [2, 5, 41, 200])
def test_energies_add_up(d, h):
    """The asymptotic tail, which is not fitted, is the total minus the levels."""
    spectrum = relu_spectrum(d, h, 1000 + 10 * d)
    remainder = 1 - math.fsum(np.exp(spectrum.log_energy))
    blocks = np.exp(np.logaddexp.reduce(spectrum.tail_log_energy))
    assert blocks == pytest.approx(spectrum.tail, rel=1e-9)
    assert remainder == pytest.approx(spectrum.tail, rel=1e-3, abs=2e-13)
    assert spectrum.tail < 2e-4
    assert np.isfinite(spectrum.log_multiplicity).all()
    assert spectrum.tail_error < 1e-12


@pytest.mark.parametrize("d", [3, 10, 41])
def test_bias_free_tail_is_exact(d):
    """The tail beyond about degree 60 is compared with the levels of a longer spectrum."""
    short, long = relu_spectrum(d, 0.0, 60 + 2 * d), relu_spectrum(d, 0.0, 20_000)
    beyond = math.fsum(np.exp(long.log_energy[short.max_degree + 1 :])) + long.tail
    assert short.tail == pytest.approx(beyond, rel=1e-6)


@pytest.mark.parametrize("d", [3, 10, 41])
def test_spectrum_is_continuous_at_bias_0(d):
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


def test_tails_of_short_and_long_spectra_agree():
    """Lower bounds beyond the last level come from blocks and agree to a few percent."""
    for d, h in ((5, 0.0), (5, -1.0), (20, -1.0)):
        short, long = relu_spectrum(d, h, 300), relu_spectrum(d, h, 2000)
        log_r = long.log_multiplicity[[400, 1000, 1800]]
        np.testing.assert_allclose(short.floor(log_r), long.floor(log_r), rtol=0.03)


LARGEST = [(3, -1000.0), (10, -300.0), (40, -100.0)]


@pytest.mark.parametrize(
    ("d", "h"),
    [
        *((3, -100.0), (10, -60.0), (40, -50.0)),
        *(pytest.param(d, h, marks=pytest.mark.slow) for d, h in LARGEST),
    ],
)
def test_large_negative_biases_have_enough_degrees(d, h):
    """Twice as many degrees do not change numbers of features for errors above the tail."""
    spectrum = relu_spectrum(d, h)
    longer = relu_spectrum(d, h, 2 * spectrum.max_degree)
    errors = np.array([0.5, 0.2, 2 * spectrum.tail])
    for counts, expected in zip(
        spectrum.features_needed(errors), longer.features_needed(errors), strict=True
    ):
        # Logarithms of size h^2 / 2 have only so many digits.
        np.testing.assert_allclose(counts, expected, rtol=1e-5)


def test_counts_of_the_tail_are_not_exact():
    """At 1e-9 the count has only single degrees; at 1e-10 it is an estimate."""
    log10_r, r = relu_spectrum(3).features_needed([1e-9, 1e-10])
    assert r[0] == 233103
    assert np.isnan(r[1])
    # Computed from the closed form of all Lambda_l in 40 digits.
    assert log10_r[1] == pytest.approx(np.log10(1081946), abs=1e-3)


@pytest.mark.parametrize(("h", "n"), [(0.0, 512), (-0.8, 256)])
def test_eigenfunctions_attain_the_lower_bound(h, n):
    """On the circle the best features are the leading eigenvectors of a Gram matrix."""
    values = circle_eigenvalues(h, n)
    assert values.sum() == pytest.approx(math.exp(log_squared_norm(h)), rel=1e-9)
    r = np.arange(60)
    best = 1 - np.concatenate([[0], np.cumsum(values)])[:60] / values.sum()
    np.testing.assert_allclose(error_floor(r, 2, h), best, rtol=2e-3, atol=1e-9)


def test_degrees_0_and_1_in_two_dimensions_with_a_positive_bias():
    """Compared with mpmath: means over the circle of the neuron and of it times cosine."""

    def mean(R, degree):
        """Mean of max(R cos t + 1, 0) cos(degree t) over the circle."""
        edge = mp.acos(-1 / R) if R > 1 else mp.pi
        if degree == 0:
            return (R * mp.sin(edge) + edge) / mp.pi
        return (R * (edge / 2 + mp.sin(2 * edge) / 4) + mp.sin(edge)) / mp.pi

    with mp.workdps(20):
        expected = [
            mp.quad(
                lambda R, k=k: mean(R, k) ** 2 * R * mp.exp(-(R**2) / 2),
                [0, 1, 1.1, 1.5, 2, 4, 8, 14],
            )
            for k in (0, 1)
        ]
    # The two functions of degree 1 each have the mean square 1/2.
    expected = np.array(expected, float)
    np.testing.assert_allclose(relu_spectrum(2, 1.0).eigenvalues[:2], expected, rtol=1e-12)


def test_tail_error_in_high_dimension():
    """The expected tail is the sum of 2,000 more degrees."""
    spectrum = relu_spectrum(2000, -1.0)
    assert abs(spectrum.tail - 2.860343e-9) < spectrum.tail_error
