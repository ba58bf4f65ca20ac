"""Exact spectra of random neurons: what the best fixed features of any kind leave over."""

import math
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
from numpy.polynomial.legendre import leggauss
from scipy.special import gammaln, ndtr

from skrf._harmonics import (
    chi_nodes,
    dimension,
    log_dimension,
    log_dimension_up_to,
    log_energy_ratio,
    log_gamma_ratio,
    log_mean_squares,
    log_zonal_constant,
)

# Energies of degree l fall like l^-4, so that 1e100 is where they leave double precision.
_LAST_LOG_DEGREE = 230.0
# A difference from the total holds this share of it to about five digits.
_RESOLVED = 1e-11
_ROUNDING = 1e-15


@dataclass(frozen=True, eq=False)
class NeuronSpectrum:
    r"""Spectrum of :math:`f \mapsto E_w[\langle f, g_w\rangle g_w]`, w uniform on a sphere.

    Here :math:`g_w(x) = g(\langle w, x\rangle)`, :math:`\|w\|` is fixed and x is standard
    normal. Degree l of the spherical harmonics has one eigenvalue :math:`\Lambda_l`,
    N(d, l) times, and

    .. math:: E_x[g_w(x) g_{w'}(x)] = \sum_l N(d, l) \Lambda_l P_l(\cos(w, w')),

    P_l the Gegenbauer polynomial with P_l(1) = 1. Degrees 0 to `max_degree` are single
    levels. What is left beyond is split into `tail_*` levels of many degrees each, with
    the law of a kinked g, :math:`N(d, l) \Lambda_l \sim l^{-4}`.

    Attributes
    ----------
    n_features : int
        The dimension d.
    log_energy : ndarray of shape (max_degree + 1,)
        log of N(d, l) Lambda_l / ||g||^2; -inf where Lambda_l is 0.
    log_multiplicity : ndarray of shape (max_degree + 1,)
        log N(d, l).
    log_total : float
        log ||g||^2.
    tail : float
        The share of ||g||^2 in degrees above `max_degree`.
    tail_error : float
        Estimate of the error of `tail`, on the same scale.
    tail_degree : ndarray of shape (n_blocks + 1,)
        Bounds of the tail's levels: block i has the degrees in (bound i, bound i + 1].
    tail_log_energy, tail_log_multiplicity : ndarray of shape (n_blocks,)
        Logarithms of each block's share of ||g||^2 and of its number of eigenvalues.
    """

    n_features: int
    log_energy: np.ndarray = field(repr=False)
    log_multiplicity: np.ndarray = field(repr=False)
    log_total: float
    tail: float
    tail_error: float
    tail_degree: np.ndarray = field(repr=False)
    tail_log_energy: np.ndarray = field(repr=False)
    tail_log_multiplicity: np.ndarray = field(repr=False)

    def __post_init__(self):
        for value in vars(self).values():
            if isinstance(value, np.ndarray):
                value.flags.writeable = False

    @property
    def max_degree(self):
        """The largest degree that is a level of its own."""
        return len(self.log_energy) - 1

    @property
    def total(self):
        """||g||^2."""
        return math.exp(self.log_total)

    @property
    def log_eigenvalues(self):
        """log Lambda_l, shape (max_degree + 1,)."""
        return self.log_energy - self.log_multiplicity + self.log_total

    @property
    def eigenvalues(self):
        """Lambda_l, shape (max_degree + 1,); 0 where it is below 1e-308."""
        return np.exp(self.log_eigenvalues)

    @property
    def multiplicities(self):
        """N(d, l), shape (max_degree + 1,); inf where it is above 1e308."""
        with np.errstate(over="ignore"):
            values = np.exp(self.log_multiplicity)
        # Sums of whole numbers are exact only if the numbers are.
        for degree in np.flatnonzero(self.log_multiplicity < math.log(1e15)):
            values[degree] = dimension(self.n_features, int(degree))
        return values

    def floor(self, log_r):
        """Share of ||g||^2 that the best r features leave over; log_r is log r.

        The Ky Fan sum of all eigenvalues but the r largest: a lower bound of the mean
        over w of the error of any r fixed features, reached by the eigenfunctions.

        Parameters
        ----------
        log_r : array-like
            Natural logarithms of r; -inf is r = 0.

        Returns
        -------
        share : ndarray of the shape of log_r
            In [0, 1], nonincreasing in r.
        """
        log_r = np.asarray(log_r, np.float64)
        log_e, log_n, count, log_count, _ = self._levels
        rest = np.append(_log_sum_from_end(log_e), -np.inf)
        level = np.minimum(np.searchsorted(log_count, log_r), len(log_e) - 1)
        with np.errstate(over="ignore", invalid="ignore"):
            left = (count[level] - np.exp(log_r)) / np.exp(log_n[level])
            # Where the counts overflow, or their difference is not a number.
            logs = np.exp(log_count[level] - log_n[level]) - np.exp(log_r - log_n[level])
        left = np.clip(np.where(np.isfinite(left), left, logs), 0, 1)
        return np.minimum(np.exp(rest[level + 1]) + left * np.exp(log_e[level]), 1.0)

    def features_needed(self, share):
        """log10 of the fewest features that leave over at most `share` of ||g||^2.

        Parameters
        ----------
        share : array-like
            In (0, 1].

        Returns
        -------
        log10_r : ndarray of the shape of share
            -inf for no feature at all.
        r : ndarray of float, of the shape of share
            The whole number itself where it is below 1e15, else nan.
        """
        share = np.asarray(share, np.float64)
        log_e, log_n, count, log_count, _ = self._levels
        rest = np.exp(np.append(_log_sum_from_end(log_e), -np.inf))
        # rest[i] is left over when levels 0 to i - 1 are taken: the first i whose
        # successor is small enough is the level that is taken in part.
        level = np.searchsorted(-rest[1:], -share)
        level = np.minimum(level, len(log_e) - 1)
        part = np.clip((rest[level] - share) / np.exp(log_e[level]), 0, 1)
        below = np.where(level > 0, log_count[level - 1], -np.inf)
        with np.errstate(divide="ignore", over="ignore"):
            log_r = np.logaddexp(below, np.log(part) + log_n[level])
            n = np.exp(log_n[level])
            exact = np.where(level > 0, count[level - 1], 0) + np.ceil(
                part * n * (1 - 1e-14)
            )
            small = log_r < math.log(1e15)
            none = share >= 1
            r = np.where(none, 0.0, np.where(small, exact, np.nan))
            log10_r = np.where(
                none, -np.inf, np.where(small, np.log10(r), log_r / math.log(10))
            )
        return log10_r, r

    def failure_probability(self, log_r, share, tight=True):
        """log10 of a bound of P(the best error of r fixed features <= share ||g||^2).

        The minimum over l0, with T = sum_{l > l0} N_l Lambda_l > eps, of
        S / (T - eps), S the sum of the r largest eigenvalues above l0 (`tight`), or r
        times the largest of them.

        Parameters
        ----------
        log_r, share : array-like
            Broadcast against each other.
        tight : bool, default=True
            Which S.

        Returns
        -------
        log10_probability : ndarray
            At most 0.
        """
        log_r, share = np.broadcast_arrays(
            np.asarray(log_r, np.float64), np.asarray(share, np.float64)
        )
        log_e, log_n, _, _, first = self._levels
        log_lambda = log_e - log_n
        best = np.zeros(log_r.shape)
        for start in _thinned(np.unique(first)):
            keep = first >= start
            e, n = log_e[keep], log_n[keep]
            if not len(e):
                continue
            with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
                above = np.exp(_log_sum_from_end(e)[0])
                loose = log_r + log_lambda[keep].max()
                if tight:
                    taken, counts = np.logaddexp.accumulate(e), np.logaddexp.accumulate(n)
                    i = np.minimum(np.searchsorted(counts, log_r), len(e) - 1)
                    before = np.where(i > 0, counts[i - 1], -np.inf)
                    more = log_r + np.log(-np.expm1(np.minimum(before - log_r, -1e-300)))
                    value = np.logaddexp(
                        np.where(i > 0, taken[i - 1], -np.inf),
                        np.minimum(more, n[i]) + e[i] - n[i],
                    )
                    value = np.minimum(value, loose)
                else:
                    value = loose
                bound = value - np.log(np.maximum(above - share, 0))
            best = np.minimum(best, np.where(above > share, bound, 0))
        return best / math.log(10)

    @cached_property
    def _levels(self):
        """Levels by falling eigenvalue: log shares, log counts, sums of counts, degrees."""
        log_e = np.concatenate([self.log_energy, self.tail_log_energy])
        log_n = np.concatenate([self.log_multiplicity, self.tail_log_multiplicity])
        degree = np.concatenate([np.arange(self.max_degree + 1), self.tail_degree[:-1] + 1])
        with np.errstate(over="ignore"):
            n = np.concatenate([self.multiplicities, np.exp(self.tail_log_multiplicity)])
        order = np.argsort(log_n - log_e, kind="stable")
        order = order[np.isfinite(log_e[order])]
        log_n = log_n[order]
        with np.errstate(over="ignore"):
            count = np.cumsum(n[order])
        return log_e[order], log_n, count, np.logaddexp.accumulate(log_n), degree[order]


def _log_sum_from_end(log_values):
    """The logarithms of the sums of values i, i + 1, ...; small ones are added first."""
    return np.logaddexp.accumulate(log_values[::-1])[::-1]


def _thinned(values, whole=120, n=80):
    """The first values, and a selection of the rest: any choice of l0 gives a bound."""
    if len(values) <= whole + n:
        return values
    places = np.unique(np.geomspace(whole, len(values) - 1, n).astype(int))
    return np.concatenate([values[:whole], values[places]])


def with_tail(d, log_energy, log_total, density, step, exact=False):
    """Normalise the energies to the total, and append the tail.

    `density(l)` is log of the energy per unit of degree at a real degree l beyond the
    last; every `step`-th degree has energy. It gives the tail's shape, and where it is
    `exact`, or the difference to the total is lost in rounding, its size too.
    """
    last = len(log_energy) - 1
    first, length = last + step / 2, min(0.02, 1 / (d + 2))
    log_l = np.arange(math.log(first), _LAST_LOG_DEGREE, length)
    x, weight = leggauss(6)
    points = (log_l[:-1] + log_l[1:])[:, np.newaxis] / 2 + length / 2 * x
    log_blocks = density(np.exp(points)) - log_total + points + np.log(weight * length / 2)
    log_blocks = np.logaddexp.reduce(log_blocks, axis=1)
    log_energy = log_energy - log_total
    difference = 1 - math.fsum(np.exp(log_energy))
    # Euler and Maclaurin: a sum over degrees is the integral and a twelfth of slopes.
    slope = (density(first + 1) - density(first - 1)) / 2
    integral = math.exp(np.logaddexp.reduce(log_blocks))
    tail = integral + step**2 / 24 * math.exp(density(first) - log_total) * slope
    if not exact and difference > _RESOLVED:
        tail = difference
    log_blocks += math.log(tail / integral) if integral > 0 else 0.0
    bounds = np.exp(log_l) - step / 2
    log_count = log_dimension_up_to(d, bounds, step)
    return NeuronSpectrum(
        n_features=d,
        log_energy=log_energy,
        log_multiplicity=log_dimension(d, np.arange(last + 1)),
        log_total=float(log_total),
        tail=float(tail),
        tail_error=abs(difference - tail) + _ROUNDING,
        tail_degree=bounds,
        tail_log_energy=log_blocks,
        tail_log_multiplicity=log_count[1:] + np.log(-np.expm1(-np.diff(log_count))),
    )


def log_squared_norm(h):
    """log E[relu(z + h)^2] = log((1 + h^2) Phi(h) + h phi(h)), z standard normal."""
    if h > -1:
        density = math.exp(-h * h / 2) / math.sqrt(2 * math.pi)
        return math.log((1 + h * h) * float(ndtr(h)) + h * density)
    # phi(h) times the integral of s^2 exp(-s^2/2 - |h| s): nothing cancels.
    x, weight = leggauss(80)
    top = min(10.0, 50 / -h)
    s = top * (x + 1) / 2
    integral = top / 2 * np.sum(weight * s**2 * np.exp(-(s**2) / 2 + h * s))
    return -h * h / 2 - math.log(2 * math.pi) / 2 + math.log(integral)


@lru_cache(maxsize=64)
def relu_spectrum(d, h=0.0, max_degree=None):
    r"""`NeuronSpectrum` of relu(<w, x> + h), w uniform on the unit sphere.

    A neuron of weight norm alpha and bias b is alpha times that with h = b / alpha. With
    R a chi variable of d degrees of freedom, t = -h / R and l >= 2,

    .. math::
        \Lambda_l = \Big(\frac{\Gamma(d/2)}{\sqrt\pi\,\Gamma((d-1)/2) (d^2-1)}\Big)^2
        E_R\big[R^2 P^{(d+4)}_{l-2}(t)^2 (1 - t^2)_+^{d+1}\big],

    P^{(D)} the Gegenbauer polynomials of dimension D; a closed form for h = 0. Degrees 0
    and 1 are integrals over the support.

    Parameters
    ----------
    d : int
        At least 2.
    h : float, default=0.0
        b / ||w||.
    max_degree : int, default=None
        The last degree of its own, at least 2. None: where 1e-9 of ||g||^2 is left, but
        at most 1000 + 10 d.

    Examples
    --------
    >>> from skrf._spectrum import relu_spectrum
    >>> print(relu_spectrum(5).eigenvalues[:4])
    [0.17578125 0.05       0.00488281 0.        ]
    """
    limit = 1000 + 10 * d if max_degree is None else max_degree
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
    # p_q(t)^2 averages to the arcsine law over the weight of the polynomials.
    R, log_weight = chi_nodes(d, h, 0)
    log_limit = log_weight + 2 * np.log(R) + d / 2 * np.log1p(-((h / R) ** 2))
    log_limit = (
        np.logaddexp.reduce(log_limit) - math.log(math.pi) - log_zonal_constant(d + 4)
    )

    def density(degree):
        return log_front + log_energy_ratio(d, degree) + log_limit

    if max_degree is None:
        rest = density(float(limit)) + math.log(limit / 3)
        rest = np.logaddexp(rest, _log_sum_from_end(log_energy)) - log_total
        log_energy = log_energy[: max(64, np.count_nonzero(rest > math.log(1e-9)))]
    return with_tail(d, log_energy, log_total, density, 1)


def _bias_free_spectrum(d, limit, log_front):
    def log_e(degree):
        m = degree / 2 - 1
        log_p = gammaln((d + 3) / 2) - log_gamma_ratio(m + 0.5, (d + 2) / 2)
        log_lambda = log_front + math.log(d / math.pi) + 2 * log_p
        return log_lambda + log_dimension(d, degree)

    last = limit + limit % 2  # even: odd degrees above 1 have none
    log_energy = np.full(last + 1, -np.inf)
    log_energy[0] = math.log(d) + 2 * (log_zonal_constant(d) - math.log(d - 1))
    log_energy[1] = math.log(0.25)
    log_energy[2::2] = log_e(np.arange(2.0, last + 1, 2))

    def density(degree):  # every second degree has energy
        return log_e(degree) - math.log(2)

    return with_tail(d, log_energy, math.log(0.5), density, 2, exact=True)


def _degrees_0_and_1(d, h):
    """log Lambda_0 and log d Lambda_1.

    The integrands of h < 0 are positive; relu(s + h) = s + h + relu(-s - h) gives h > 0.
    """
    size = abs(h)
    R, log_weight = chi_nodes(d, size, 0)
    x, weight = leggauss(300)
    widest = np.arccos(size / R)[:, np.newaxis]
    angle = widest * (x + 1) / 2
    top = np.sin(widest)  # the largest sine of the support
    t = np.cos(angle)
    mass = np.maximum(R[:, np.newaxis] * t - size, 0) * (np.sin(angle) / top) ** (d - 2)
    mass *= weight * widest / 2
    log_front = (d - 2) * np.log(top[:, 0]) + log_zonal_constant(d)
    with np.errstate(divide="ignore"):
        zero = log_front + np.log(mass.sum(axis=1))
        one = log_front + np.log((mass * t).sum(axis=1))
    log_squares = [np.logaddexp.reduce(log_weight + 2 * b) for b in (zero, one)]
    if h > 0:
        mean, slope = np.exp(log_weight + zero).sum(), (np.exp(log_weight + one) * R).sum()
        squares = np.exp(log_squares)
        squares += np.array([h * h + 2 * h * mean, (1 - 2 * slope) / d])
        log_squares = np.log(squares)
    return np.array([log_squares[0], log_squares[1] + math.log(d)])
