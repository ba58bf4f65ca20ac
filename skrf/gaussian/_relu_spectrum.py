"""Spectrum of a random ReLU neuron."""

import math
from functools import lru_cache

import numpy as np
from numpy.polynomial.legendre import leggauss
from scipy.special import gammaln, ndtr

from skrf.gaussian._harmonics import (
    chi_nodes,
    log_dimension,
    log_energy_ratio,
    log_gamma_ratio,
    log_mean_squares,
    log_zonal_constant,
)
from skrf.gaussian._spectrum import log_sum_from_end, with_tail


def log_squared_norm(h):
    """log E[relu(z + h)^2] = log((1 + h^2) Phi(h) + h phi(h)), z standard normal."""
    if h > -1:
        density = math.exp(-h * h / 2) / math.sqrt(2 * math.pi)
        return math.log((1 + h * h) * float(ndtr(h)) + h * density)
    # phi(h) times the integral of s^2 exp(-s^2/2 - |h| s), without cancellation.
    x, weight = leggauss(80)
    top = min(10.0, 50 / -h)
    s = top * (x + 1) / 2
    integral = top / 2 * np.sum(weight * s**2 * np.exp(-(s**2) / 2 + h * s))
    return -h * h / 2 - math.log(2 * math.pi) / 2 + math.log(integral)


@lru_cache(maxsize=64)
def relu_spectrum(d, h=0.0, max_degree=None):
    r"""`NeuronSpectrum` of relu(<w, x> + h), w uniform on the unit sphere.

    A neuron of weight norm alpha and bias b is alpha times the neuron with h = b / alpha.
    With R a chi variable of d degrees of freedom, t = -h / R and l >= 2,

    .. math::
        \Lambda_l = \Big(\frac{\Gamma(d/2)}{\sqrt\pi\,\Gamma((d-1)/2) (d^2-1)}\Big)^2
        E_R\big[R^2 P^{(d+4)}_{l-2}(t)^2 (1 - t^2)_+^{d+1}\big],

    where P^{(D)} are the Gegenbauer polynomials of dimension D. For h = 0 there is a closed
    form. Degrees 0 and 1 are integrals over the support.

    Parameters
    ----------
    d : int
        The dimension, at least 2.
    h : float, default=0.0
        The relative bias b / ||w||.
    max_degree : int, default=None
        The maximum degree that is a single level, at least 2. None uses the degree above
        which 1e-9 of ||g||^2 remains, and at most 1000 + 10 d. For h < 0 the limit is
        larger by 30 |h|, because the asymptotic form starts at larger degrees.

    Examples
    --------
    >>> from skrf.gaussian._relu_spectrum import relu_spectrum
    >>> print(relu_spectrum(5).eigenvalues[:4])
    [0.17578125 0.05       0.00488281 0.        ]
    """
    limit = 1000 + 10 * d + int(30 * max(-h, 0)) if max_degree is None else max_degree
    log_front = 2 * (log_zonal_constant(d) - math.log(d * d - 1))
    if h == 0:
        return _bias_free_spectrum(d, limit, log_front)
    log_total = log_squared_norm(h)
    R, log_weight = chi_nodes(d, h, limit)
    with np.errstate(divide="ignore"):
        log_weight = log_weight + 2 * np.log(R) + (d + 1) * np.log1p(-((h / R) ** 2))
    log_high = log_front + log_energy_ratio(d, np.arange(2, limit + 1))
    log_high += log_mean_squares(d + 4, -h / R, log_weight, limit - 1)
    log_energy = np.concatenate([_degrees_0_and_1(d, h), log_high])
    # p_q(t)^2 averages to the arcsine density over the weight of the polynomials.
    R, log_weight = chi_nodes(d, h, 0)
    log_limit = log_weight + 2 * np.log(R) + d / 2 * np.log1p(-((h / R) ** 2))
    log_limit = (
        np.logaddexp.reduce(log_limit) - math.log(math.pi) - log_zonal_constant(d + 4)
    )

    def density(degree):
        return log_front + log_energy_ratio(d, degree) + log_limit

    if max_degree is None:
        rest = density(float(limit)) + math.log(limit / 3)
        rest = np.logaddexp(rest, log_sum_from_end(log_energy)) - log_total
        log_energy = log_energy[: max(64, np.count_nonzero(rest > math.log(1e-9)))]
    return with_tail(d, log_energy, log_total, density, 1)


def _bias_free_spectrum(d, limit, log_front):
    def log_e(degree):
        m = degree / 2 - 1
        log_p = gammaln((d + 3) / 2) - log_gamma_ratio(m + 0.5, (d + 2) / 2)
        log_lambda = log_front + math.log(d / math.pi) + 2 * log_p
        return log_lambda + log_dimension(d, degree)

    last = limit + limit % 2  # even, because odd degrees above 1 have no energy
    log_energy = np.full(last + 1, -np.inf)
    log_energy[0] = math.log(d) + 2 * (log_zonal_constant(d) - math.log(d - 1))
    log_energy[1] = math.log(0.25)
    log_energy[2::2] = log_e(np.arange(2.0, last + 1, 2))

    def density(degree):  # every second degree has energy
        return log_e(degree) - math.log(2)

    return with_tail(d, log_energy, math.log(0.5), density, 2, exact=True)


def _degrees_0_and_1(d, h):
    """log Lambda_0 and log d Lambda_1.

    The integrands are positive for h < 0. The case h > 0 follows from
    relu(s + h) = s + h + relu(-s - h).
    """
    size = abs(h)
    R, log_weight = chi_nodes(d, size, 0)
    x, weight = leggauss(300)
    widest = np.arccos(size / R)[:, np.newaxis]
    angle = widest * (x + 1) / 2
    top = np.sin(widest)  # the maximum sine on the support
    t = np.cos(angle)
    mass = np.maximum(R[:, np.newaxis] * t - size, 0) * (np.sin(angle) / top) ** (d - 2)
    mass *= weight * widest / 2
    log_front = (d - 2) * np.log(top[:, 0]) + log_zonal_constant(d)
    with np.errstate(divide="ignore"):
        zero = log_front + np.log(mass.sum(axis=1))
        one = log_front + np.log((mass * t).sum(axis=1))
    log_squares = [np.logaddexp.reduce(log_weight + 2 * b) for b in (zero, one)]
    if h > 0:
        # E relu(s - h) and E s relu(s - h), s standard normal.
        slope = float(ndtr(-h))
        mean = math.exp(-h * h / 2) / math.sqrt(2 * math.pi) - h * slope
        squares = np.exp(log_squares)
        squares += np.array([h * h + 2 * h * mean, (1 - 2 * slope) / d])
        log_squares = np.log(squares)
    return np.array([log_squares[0], log_squares[1] + math.log(d)])
