r"""Spectrum of a random neuron with any activation, by the Funk-Hecke formula.

For g_w(x) = act(<w, x> + b), w uniform on the sphere of radius alpha, and R = ||x||,

    Lambda_l = E_R[beta_l(R)^2], beta_l(R) = E_t[act(alpha R t + b) P_l(t)],

where t is a coordinate of a uniform unit vector and P_l the Gegenbauer polynomial with
P_l(1) = 1. With p_l = sqrt(N_l) P_l, which is orthonormal, N_l Lambda_l is the mean of the
squares of E_t[act(alpha R t + b) p_l(t)].
"""

import math
from functools import lru_cache

import numpy as np
from scipy.special import roots_jacobi

from skrf.activations import ACTIVATIONS
from skrf.gaussian._harmonics import chi_nodes, log_energy_ratio
from skrf.gaussian._spectrum import with_tail

# Nodes of the quadrature in t, and the fraction of the norm beyond the last degree.
_FEWEST, _MOST, _REST = 300, 2400, 1e-11


@lru_cache(maxsize=32)
def activation_spectrum(d, activation, bias, weight_norm):
    """`NeuronSpectrum` of act(<w, x> + bias), w uniform on the sphere of weight_norm.

    The degrees end where 1e-11 of the squared norm remains, or at half of the number of
    nodes. The quadrature is for smooth activations; the nodes resolve weight norms up to
    about 100 / sqrt(d).

    Examples
    --------
    >>> from skrf.gaussian._activation_spectrum import activation_spectrum
    >>> spectrum = activation_spectrum(10, "tanh", 0.0, 1.0)
    >>> float(spectrum.log_energy[1].round(4)), spectrum.tail < 1e-9
    (-0.0561, True)
    """
    n = int(np.clip(16 * weight_norm * (math.sqrt(d) + 5), _FEWEST, _MOST))
    shape = (d - 3) / 2
    t, weight = roots_jacobi(n, shape, shape)
    root = np.sqrt(weight / weight.sum())
    R, log_weight = chi_nodes(d, 0.0, 0)
    keep = log_weight > -60
    R, mass = R[keep], np.exp(log_weight[keep])
    values = ACTIVATIONS[activation](weight_norm * R[:, np.newaxis] * t + bias)
    values = values * np.sqrt(mass / mass.sum())[:, np.newaxis] * root
    total = float((values**2).sum())
    energy = _energies(d, t, root, values, n // 2, total)
    # Rounding errors are not energy.
    log_energy = np.full(len(energy), -np.inf)
    real = energy > 1e-28 * total
    log_energy[real] = np.log(energy[real])
    last = len(energy) - 1
    rest = max(total - math.fsum(energy), 1e-14 * total)
    level = math.log(rest / (last / 3)) - log_energy_ratio(d, float(last))

    def density(degree):
        return level + log_energy_ratio(d, degree)

    return with_tail(d, log_energy, math.log(total), density, 1)


def _energies(d, t, root, values, most, total):
    """N_l Lambda_l for l = 0, 1, ..., until the rest is negligible."""
    before, now = np.zeros_like(t), root
    energy, rest, step = [], total, 0.0
    for degree in range(most):
        energy.append(float(((values @ now) ** 2).sum()))
        rest -= energy[-1]
        if rest < _REST * total and degree >= 64:
            break
        after = t * now - step * before
        step = math.sqrt(
            (degree + 1) * (degree + d - 2) / ((2 * degree + d) * (2 * degree + d - 2))
            if degree + d > 2
            else 0.5
        )
        before, now = now, after / step
    return np.array(energy)
