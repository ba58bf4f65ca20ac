"""Exact spectra of random neurons, and errors of the best fixed features of any kind."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.polynomial.legendre import leggauss
from numpy.typing import ArrayLike
from scipy.special import gammaln

from skrf.gaussian._harmonics import dimension, log_dimension, log_dimension_up_to

# Energies of degree l fall like l^-4. Above degree 1e100 they are below double precision.
_LAST_LOG_DEGREE = 230.0
# A difference from the total has about five correct digits if it is this fraction of it.
_RESOLVED = 1e-11
_ROUNDING = 1e-15
# Numbers of degrees l0 that `failure_probability` tries: the first, and some of the others.
_FIRST_DEGREES, _OTHER_DEGREES = 120, 80


@dataclass(frozen=True, eq=False)
class NeuronSpectrum:
    r"""Spectrum of :math:`f \mapsto E_w[\langle f, g_w\rangle g_w]`, w uniform on a sphere.

    Here :math:`g_w(x) = g(\langle w, x\rangle)`, :math:`\|w\|` is fixed and x is standard
    normal. Degree l of the spherical harmonics has one eigenvalue :math:`\Lambda_l`,
    N(d, l) times, and

    .. math:: E_x[g_w(x) g_{w'}(x)] = \sum_l N(d, l) \Lambda_l P_l(\cos(w, w')),

    where P_l is the Gegenbauer polynomial with P_l(1) = 1, by the Funk-Hecke formula.
    Degrees 0 to `max_degree` are single levels. The degrees above are grouped into
    `tail_*` levels of many degrees each. Logarithms are natural. Returned by
    `skrf.theory.neuron_spectrum`.

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
        The fraction of ||g||^2 in degrees above `max_degree`.
    tail_error : float
        Estimated error of `tail`, as a fraction of ||g||^2.
    tail_degree : ndarray of shape (n_blocks + 1,)
        Bounds of the tail's levels: block i has the degrees in (bound i, bound i + 1].
    tail_log_energy : ndarray of shape (n_blocks,)
        log of each block's fraction of ||g||^2.
    tail_log_multiplicity : ndarray of shape (n_blocks,)
        log of each block's number of eigenvalues.

    Notes
    -----
    The tail has the asymptotic form of a g with a kink,
    :math:`N(d, l) \Lambda_l \sim l^{-4}`. Results for errors below `tail` are therefore
    estimates, whose numbers of features may be wrong by a few percent.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Proposition 4.6, item 3, uses this
       operator.

    Examples
    --------
    >>> from skrf.theory import neuron_spectrum
    >>> spectrum = neuron_spectrum(5)
    >>> spectrum.eigenvalues[:3], spectrum.multiplicities[:3]
    (array([0.17578125, 0.05      , 0.00488281]), array([ 1.,  5., 14.]))
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
    def max_degree(self) -> int:
        """The maximum degree that is a single level."""
        return len(self.log_energy) - 1

    @property
    def total(self) -> float:
        """||g||^2."""
        return math.exp(self.log_total)

    @property
    def log_eigenvalues(self) -> np.ndarray:
        """log Lambda_l, shape (max_degree + 1,)."""
        return self.log_energy - self.log_multiplicity + self.log_total

    @property
    def eigenvalues(self) -> np.ndarray:
        """Lambda_l, shape (max_degree + 1,); 0 where Lambda_l is below 1e-308."""
        return np.exp(self.log_eigenvalues)

    @property
    def multiplicities(self) -> np.ndarray:
        """N(d, l), shape (max_degree + 1,); inf where N(d, l) is above 1e308."""
        with np.errstate(over="ignore"):
            values = np.exp(self.log_multiplicity)
        # Sums of integers are exact only if the integers are.
        for degree in np.flatnonzero(self.log_multiplicity < math.log(1e15)):
            values[degree] = dimension(self.n_features, int(degree))
        return values

    def floor(self, log_r: ArrayLike) -> np.ndarray:
        """Lower bound of the mean relative error of any r fixed features.

        The bound is the Ky Fan sum of all eigenvalues except the r largest, as a fraction
        of ||g||^2. It holds for the mean over w, and the eigenfunctions attain it. The
        argument is not checked; `skrf.theory.error_floor` is the checked version.

        Parameters
        ----------
        log_r : array-like
            Natural logarithms of r; -inf is r = 0.

        Returns
        -------
        fraction : ndarray of the shape of log_r
            Fractions of ||g||^2 in [0, 1], nonincreasing in r.

        Examples
        --------
        >>> import numpy as np
        >>> from skrf.theory import neuron_spectrum
        >>> neuron_spectrum(10).floor(np.log([1, 11, 100])).round(3)
        array([0.665, 0.165, 0.015])
        """
        log_r = np.asarray(log_r, np.float64)
        log_e, log_n, count, log_count, _ = self._levels
        rest = np.append(log_sum_from_end(log_e), -np.inf)
        level = np.minimum(np.searchsorted(log_count, log_r), len(log_e) - 1)
        with np.errstate(over="ignore", invalid="ignore"):
            part = (count[level] - np.exp(log_r)) / np.exp(log_n[level])
            # For counts that overflow, or whose difference is NaN.
            logs = np.exp(log_count[level] - log_n[level]) - np.exp(log_r - log_n[level])
        part = np.clip(np.where(np.isfinite(part), part, logs), 0, 1)
        return np.minimum(np.exp(rest[level + 1]) + part * np.exp(log_e[level]), 1.0)

    def features_needed(self, fraction: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Minimum number of features whose lower bound is at most a fraction of ||g||^2.

        The inverse of `floor`. The argument is not checked;
        `skrf.theory.features_needed` is the checked version.

        Parameters
        ----------
        fraction : array-like
            Fractions of ||g||^2, in (0, 1].

        Returns
        -------
        log10_r : ndarray of the shape of fraction
            log10 of the number of features; -inf for no features.
        r : ndarray of float, of the shape of fraction
            The number of features. It is nan for numbers above 1e15, and for levels of the
            tail, which is asymptotic.

        Examples
        --------
        >>> from skrf.theory import neuron_spectrum
        >>> log10_r, r = neuron_spectrum(10).features_needed([0.2, 0.01])
        >>> r
        array([ 11., 437.])
        """
        fraction = np.asarray(fraction, np.float64)
        log_e, log_n, count, log_count, degree = self._levels
        rest = np.exp(np.append(log_sum_from_end(log_e), -np.inf))
        # rest[i] is the sum without levels 0 to i - 1. The first i whose successor is small
        # enough is the level of which only a part is needed.
        level = np.searchsorted(-rest[1:], -fraction)
        level = np.minimum(level, len(log_e) - 1)
        part = np.clip((rest[level] - fraction) / np.exp(log_e[level]), 0, 1)
        below = np.where(level > 0, log_count[level - 1], -np.inf)
        with np.errstate(divide="ignore", over="ignore"):
            log_r = np.logaddexp(below, np.log(part) + log_n[level])
            n = np.exp(log_n[level])
            exact = np.where(level > 0, count[level - 1], 0) + np.ceil(
                part * n * (1 - 1e-14)
            )
            small = log_r < math.log(1e15)
            own = np.maximum.accumulate(degree)[level] <= self.max_degree
            none, known = fraction >= 1, small & own
            r = np.where(none, 0.0, np.where(known, exact, np.nan))
            log10_r = np.where(
                none, -np.inf, np.where(known, np.log10(r), log_r / math.log(10))
            )
        return log10_r, r

    def failure_probability(
        self, log_r: ArrayLike, fraction: ArrayLike, tight: bool = True
    ) -> np.ndarray:
        """log10 of a bound of P(the best error of r fixed features <= fraction ||g||^2).

        The bound is the minimum of S / (T - eps) over l0 with
        T = sum_{l > l0} N_l Lambda_l > eps. Here S is the sum of the r largest eigenvalues
        above degree l0, or r times the largest of them. The arguments are not checked;
        `skrf.theory.failure_probability` is the checked version.

        Parameters
        ----------
        log_r : array-like
            Natural logarithms of r.
        fraction : array-like
            Fractions eps of ||g||^2, broadcast against log_r.
        tight : bool, default=True
            Whether S is the sum of the r largest eigenvalues. False uses r times the
            largest eigenvalue, a larger bound.

        Returns
        -------
        log10_probability : ndarray
            Decimal logarithms, at most 0.

        Examples
        --------
        >>> import numpy as np
        >>> from skrf.theory import neuron_spectrum
        >>> print(f"{neuron_spectrum(40).failure_probability(np.log(100), 0.01):.2f}")
        -3.01
        """
        log_r, fraction = np.broadcast_arrays(
            np.asarray(log_r, np.float64), np.asarray(fraction, np.float64)
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
                above = np.exp(log_sum_from_end(e)[0])
                value = log_r + log_lambda[keep].max()
                if tight:
                    value = np.minimum(value, _log_largest_sum(e, n, log_r))
                bound = value - np.log(np.maximum(above - fraction, 0))
            best = np.minimum(best, np.where(above > fraction, bound, 0))
        return best / math.log(10)

    @cached_property
    def _levels(self):
        """Levels by decreasing eigenvalue: log fractions, log counts, cumulative counts,
        log cumulative counts, and first degrees.
        """
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


def _log_largest_sum(log_e, log_n, log_r):
    """Logarithms of the sums of the r largest eigenvalues of ordered levels."""
    taken, counts = np.logaddexp.accumulate(log_e), np.logaddexp.accumulate(log_n)
    i = np.minimum(np.searchsorted(counts, log_r), len(log_e) - 1)
    before = np.where(i > 0, counts[i - 1], -np.inf)
    more = log_r + np.log(-np.expm1(np.minimum(before - log_r, -1e-300)))
    return np.logaddexp(
        np.where(i > 0, taken[i - 1], -np.inf),
        np.minimum(more, log_n[i]) + log_e[i] - log_n[i],
    )


def log_sum_from_end(log_values):
    """Logarithms of the sums of values i, i + 1, ...; small values are added first."""
    return np.logaddexp.accumulate(log_values[::-1])[::-1]


def _thinned(values):
    """The first values and a selection of the others. Any choice of l0 gives a bound."""
    if len(values) <= _FIRST_DEGREES + _OTHER_DEGREES:
        return values
    places = np.geomspace(_FIRST_DEGREES, len(values) - 1, _OTHER_DEGREES).astype(int)
    return np.concatenate([values[:_FIRST_DEGREES], values[np.unique(places)]])


def with_tail(d, log_energy, log_total, density, step, exact=False):
    """`NeuronSpectrum` with energies as fractions of the total, and with its tail.

    `density(l)` is log of the energy per unit of degree at a real degree l beyond the
    last; every `step`-th degree has energy. `density` determines the shape of the tail. It
    also determines the size of the tail if it is `exact`, or if the difference to the total
    is lost in rounding.
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
    # By Euler and Maclaurin a sum over degrees is the integral plus a twelfth of slopes.
    slope = (density(first + 1) - density(first - 1)) / 2
    integral = math.exp(np.logaddexp.reduce(log_blocks))
    tail = integral + step**2 / 24 * math.exp(density(first) - log_total) * slope
    if not exact and difference > _RESOLVED:
        tail = difference
    # The logarithms of all energies have the error of the same log Gamma function.
    rounding = _ROUNDING + np.finfo(np.float64).eps * abs(gammaln(d / 2))
    log_blocks += math.log(tail / integral) if integral > 0 else 0.0
    bounds = np.exp(log_l) - step / 2
    log_count = log_dimension_up_to(d, bounds, step)
    return NeuronSpectrum(
        n_features=d,
        log_energy=log_energy,
        log_multiplicity=log_dimension(d, np.arange(last + 1)),
        log_total=float(log_total),
        tail=float(tail),
        tail_error=float(abs(difference - tail) + rounding),
        tail_degree=bounds,
        tail_log_energy=log_blocks,
        tail_log_multiplicity=log_count[1:] + np.log(-np.expm1(-np.diff(log_count))),
    )
