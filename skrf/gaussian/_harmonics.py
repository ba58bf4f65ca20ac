"""Spherical harmonics in logarithms: dimensions, zonal polynomials, Bessel functions."""

import math

import numpy as np
from numpy.polynomial import polynomial as P
from numpy.polynomial.legendre import leggauss
from scipy.special import gammaln, ive

# Coefficients of 1 / x^(2n - 1) in log Gamma(x) - (x - 1/2) log x + x - log(2 pi) / 2.
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156)
# Steps of a recurrence between two rescalings of its values.
_STEPS = 16
_PANEL = 32
# Number of waves of p_q(t)^2 that one panel resolves up to rounding error.
_WAVES = 5.0


def log_gamma_ratio(x, shift):
    """log of Gamma(x + shift) / Gamma(x), shift >= 0; accurate for 0 < x <= 1e100."""
    x = np.asarray(x, np.float64)
    with np.errstate(over="ignore"):
        tail = sum(
            c * ((x + shift) ** (1 - 2 * n) - x ** (1 - 2 * n))
            for n, c in enumerate(_STIRLING, start=1)
        )
    large = (x + shift - 0.5) * np.log1p(shift / x) + shift * (np.log(x) - 1) + tail
    return np.where(x < 12, gammaln(x + shift) - gammaln(x), large)


def log_dimension(d, degree):
    """log N(d, l), the number of harmonics of degree l on the sphere in d dimensions."""
    degree = np.asarray(degree, np.float64)
    n = np.maximum(degree, 1.0)
    value = np.log(2 * n + d - 2) - np.log(n) - gammaln(d - 1) + log_gamma_ratio(n, d - 2)
    return np.where(degree == 0, 0.0, value)


def log_dimension_up_to(d, degree, step):
    """log of the sum of N(d, j) over j <= degree; step=2 takes every second j."""
    degree = np.asarray(degree, np.float64)
    value = log_gamma_ratio(degree + 1, d - 1) - gammaln(d)
    if step == 1:  # both parities: binomials (l+d-1 over d-1) + (l+d-2 over d-1)
        value = value + np.log1p(degree / (degree + d - 1))
    return value


def dimension(d, degree):
    """N(d, l) as a Python integer."""
    lower = math.comb(degree + d - 3, d - 1) if degree >= 2 else 0
    return math.comb(degree + d - 1, d - 1) - lower


def log_zonal_constant(d):
    """log of 1 / integral of (1 - t^2)^((d - 3) / 2) over [-1, 1]."""
    return gammaln(d / 2) - math.log(math.pi) / 2 - gammaln((d - 1) / 2)


def log_energy_ratio(d, degree):
    """log of N(d, l) / N(d + 4, l - 2) for l >= 2."""
    degree = np.asarray(degree, np.float64)
    bottom = np.log(degree + d - 1) + np.log(degree + d - 2)
    bottom += np.log(degree) + np.log(degree - 1)
    return np.log(float((d + 2) * (d + 1) * d * (d - 1))) - bottom


def panels(bounds):
    """Nodes and weights of Gauss-Legendre quadrature on all panels, as flat arrays."""
    x, weight = leggauss(_PANEL)
    half = np.diff(bounds)[:, np.newaxis] / 2
    nodes = bounds[:-1, np.newaxis] + half * (x + 1)
    return nodes.ravel(), (half * weight).ravel()


def chi_nodes(d, h, max_degree):
    """Nodes and log weights for E[f(R)], R ~ chi_d, f = 0 for R < |h|.

    The nodes resolve p_q(-h / R)^2 for q up to `max_degree`. They also resolve a factor
    R^2 (1 - h^2/R^2)^k for k up to d + 1, which moves the mass to the right.
    """
    h2 = h * h
    centre = d + 1 + h2
    peak = math.sqrt((centre + math.hypot(centre, 2 * math.sqrt(d + 1) * h)) / 2)
    low, high = max(abs(h), math.sqrt(d) - 10, 0.0), peak + 10
    # The grid is fine near |h|, where the angle behaves like a square root.
    grid = low + (high - low) * np.linspace(0, 1, 2001) ** 2
    angle = np.arcsin(np.minimum(abs(h) / np.maximum(grid, 1e-300), 1)) if h else 0 * grid
    work = 12 * (grid - low) / (high - low)
    work = work + max_degree * np.abs(angle - angle[0]) / (math.pi * _WAVES)
    bounds = np.interp(np.linspace(0, work[-1], math.ceil(work[-1]) + 1), work, grid)
    R, weight = panels(bounds)
    log_density = (d - 1) * np.log(R) - R * R / 2 - (d / 2 - 1) * math.log(2)
    return R, np.log(weight) + log_density - gammaln(d / 2)


def log_mean_squares(dimension, t, log_weight, n):
    r"""log of sum_i exp(log_weight_i) p_q(t_i)^2 for q = 0, ..., n - 1.

    p_q = sqrt(N) P_q is orthonormal under the uniform distribution on the sphere of
    `dimension`. The forward recurrence in q is stable on [-1, 1]. Every node has its own
    scale, because p_q ranges from 1 to sqrt(N).
    """
    D = dimension
    q = np.arange(n + 1.0)
    step = np.sqrt((q + 1) * (q + D - 2) / ((2 * q + D) * (2 * q + D - 2)))
    out = np.empty(n)
    before, now = np.zeros_like(t), np.ones_like(t)
    log_scale = log_weight / 2
    for k in range(n):
        if k % _STEPS == 0:
            size = np.maximum(np.abs(before), np.abs(now))
            before, now = before / size, now / size
            log_scale = log_scale + np.log(size)
            top = log_scale.max()
            scale = np.exp(2 * (log_scale - top))
        out[k] = scale @ (now * now)
        after = t * now
        if k:
            after -= step[k - 1] * before
        after /= step[k]
        before, now = now, after
        out[k] = math.log(out[k]) + 2 * top if out[k] > 0 else -math.inf
    return out


def _debye_polynomials(n):
    """Coefficients of U_0, ..., U_n of the uniform expansions, by increasing power."""
    U = [np.array([1.0])]
    for _ in range(n):
        u = U[-1]
        slope = P.polymul([0, 0, 0.5, 0, -0.5], P.polyder(u))
        area = P.polyint(P.polymul([1, 0, -5], u)) / 8
        U.append(P.polyadd(slope, area))
    return U


_DEBYE = _debye_polynomials(9)


def log_bessel_i_scaled(order, x):
    """log of exp(-x) I_order(x) for order and x >= 0, without underflow or overflow.

    Uses scipy's `ive` near 0 and the uniform expansion in the order elsewhere.
    """
    order, x = np.broadcast_arrays(np.float64(order), np.float64(x))
    size = np.hypot(order, x)
    small = size < 40
    out = np.empty(size.shape)
    with np.errstate(divide="ignore"):
        out[small] = np.log(ive(order[small], x[small]))
    nu, z, s = order[~small], x[~small], size[~small]
    p = nu / s  # U_k(p) / nu^k has the factor p^k, so nu may be 0
    total = np.zeros_like(s)
    for k in reversed(range(len(_DEBYE))):
        u = P.polyval(p, _DEBYE[k][k:])
        total = total / s + u
    exponent = nu * nu / (s + z) - nu * np.arcsinh(nu / z)
    out[~small] = exponent - np.log(2 * math.pi * s) / 2 + np.log(total)
    return out
