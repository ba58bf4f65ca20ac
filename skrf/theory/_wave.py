"""The wave of Proposition 4.6: its spectrum, its constants, and Theorem 4.2's bound."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import gammaln, logsumexp, wofz

from skrf._utils.checks import check_boolean, check_integer, is_number, real_array
from skrf.gaussian._harmonics import log_bessel_i_scaled, log_dimension, log_energy_ratio
from skrf.gaussian._spectrum import with_tail
from skrf.targets import TriangleWave
from skrf.theory._floors import check_neuron


@lru_cache(maxsize=16)
def triangle_wave_spectrum(d, weight_norm=None):
    r"""`NeuronSpectrum` of psi(<w, x>), the wave of Proposition 4.6, ||w|| = weight_norm.

    On [-a, a] the wave is the series of b_m sin(pi m t / 2), m odd, b_m = 8 / (pi m)^2 up
    to signs. Sines have Bessel functions as zonal coefficients, and Weber's second
    exponential integral gives their means: with kappa_m = pi m ||w|| / 2, nu = d/2 - 1,
    and odd l,

    .. math:: \Lambda_l = \Gamma(d/2) 2^\nu \sum_{m,n} b_m b_n (\kappa_m \kappa_n)^{-\nu}
        e^{-(\kappa_m^2 + \kappa_n^2)/2} I_{l+\nu}(\kappa_m \kappa_n).

    It is exact but for the mass of <w, x> outside [-a, a], exp(-a^2 / (2 ||w||^2)), which
    is exp(-18 d^2) for the default. Even degrees have nothing but that: 0 here.

    Parameters
    ----------
    d : int
        At least 2.
    weight_norm : float, default=None
        None is d, as in the proposition; at most a / 9.
    """
    alpha = float(d if weight_norm is None else weight_norm)
    a = TriangleWave(np.ones(d)).half_width
    if not 0 < alpha <= a / 9:
        raise ValueError(
            f"weight_norm={weight_norm!r} must be in (0, {a / 9:.6g}] for d={d}: beyond, "
            "the wave is not periodic where x has its mass. Use a smaller weight_norm."
        )
    nu, unit = d / 2 - 1, math.pi * alpha / 2
    # A harmonic m has its energy at degrees near m unit sqrt(d).
    last = 1 + 2 * int(min(20 * max(unit * math.sqrt(d), 2), 20_000))
    reach = min(10 ** (16 / (d + 2)), 3000.0)
    harmonics = math.ceil(reach * max(1, last / (2 * unit * math.sqrt(d + 3)))) + 2
    degrees = np.arange(1, last + 1, 2)
    log_lambda = _log_sums_of_harmonics(degrees + nu, nu, unit, harmonics)
    log_front = gammaln(d / 2) + nu * math.log(2)
    log_energy = np.full(last + 1, -np.inf)
    log_energy[1::2] = log_front + log_lambda + log_dimension(d, degrees)
    total = _wave_squared_norm(alpha)
    # Far out the energy falls like that of a kink, N(d, l) / N(d + 4, l - 2) ~ l^-4.
    left = max(total - math.fsum(np.exp(log_energy)), 1e-300)
    level = math.log(left / (last / 3)) - log_energy_ratio(d, float(last))

    def density(degree):
        return level + log_energy_ratio(d, degree)

    return with_tail(d, log_energy, math.log(total), density, 2)


def _log_sums_of_harmonics(orders, nu, unit, harmonics):
    """log of the sum over m and n in `triangle_wave_spectrum` for each order l + nu."""
    m = np.arange(1.0, 2 * harmonics, 2)
    sign = np.where(m % 4 == 1, 1.0, -1.0)
    log_b, kappa = np.log(8 / (math.pi * m) ** 2), unit * m
    neighbours = math.floor(9 / (2 * unit))  # exp(-(kappa_m - kappa_n)^2 / 2) > 1e-18
    sums = np.empty(len(orders))
    for rows in np.array_split(np.arange(len(orders)), 1 + len(orders) * len(m) // 200_000):
        logs, signs = [], []
        for k in range(min(neighbours, len(m) - 1) + 1):
            low, high = slice(None, len(m) - k), slice(k, None)
            product = kappa[low] * kappa[high]
            logs.append(
                log_b[low]
                + log_b[high]
                - nu * np.log(product)
                - (kappa[low] - kappa[high]) ** 2 / 2
                + (math.log(2) if k else 0)
                + log_bessel_i_scaled(orders[rows, np.newaxis], product)
            )
            signs.append(np.broadcast_to(sign[low] * sign[high], logs[-1].shape))
        logs, signs = np.concatenate(logs, axis=1), np.concatenate(signs, axis=1)
        top = logs.max(axis=1, keepdims=True)
        total = (signs * np.exp(logs - top)).sum(axis=1)
        sums[rows] = top[:, 0] + np.log(np.maximum(total, 1e-300))
    return sums


def _wave_squared_norm(alpha):
    """E[psi(alpha z)^2]: psi^2 = 1/3 + sum_k 4 (-1)^k / (pi k)^2 cos(pi k t)."""
    k = np.arange(1.0, math.ceil(9 / (math.pi * alpha)) + 1)
    terms = 4 * np.cos(math.pi * k) / (math.pi * k) ** 2
    return 1 / 3 + float(terms @ np.exp(-((math.pi * k * alpha) ** 2) / 2))


@dataclass(frozen=True)
class WaveFacts:
    """Proposition 4.6 for ||w|| = d, printed constants beside corrected ones.

    Attributes
    ----------
    n_features : int
        The dimension d.
    half_width : int
        a = 6 d^2 + 1. Item 1, odd and of period 4, holds on [-a, a]; it is -1 on the left
        and 1 - (t - a) on the right.
    printed_relus, relus : int
        a, and a + 1.
    printed_sum_of_squares, sum_of_squares : int
        Of the coefficients: 24 d^2, and 24 d^2 + 5.
    squared_sum : int
        (sum_j |a_j|)^2 = (12 d^2 + 3)^2, which Eq. 5 needs in place of sum_j a_j^2.
    printed_squared_norm, squared_norm : float
        Item 2: "at least d", and 1/3.
    log10_correlation : float
        Item 3: log10 of sup_f E_w <f, psi_w>^2 / ||f||^2 = max_l Lambda_l, exact.
    """

    n_features: int
    half_width: int
    printed_relus: int
    relus: int
    printed_sum_of_squares: int
    sum_of_squares: int
    squared_sum: int
    printed_squared_norm: float
    squared_norm: float
    log10_correlation: float


def wave_facts(d):
    """The `WaveFacts` of Proposition 4.6 in d >= 2 dimensions.

    Examples
    --------
    >>> from skrf.theory._wave import wave_facts
    >>> facts = wave_facts(10)
    >>> facts.printed_squared_norm, round(facts.squared_norm, 12)
    (10.0, 0.333333333333)
    >>> print(f"{10**facts.log10_correlation:.1e}")
    1.6e-09
    """
    d = check_integer("d", d, 2, "give the number of features, at least two")
    spectrum = triangle_wave_spectrum(d)
    a = TriangleWave(np.ones(d)).half_width
    return WaveFacts(
        n_features=d,
        half_width=a,
        printed_relus=a,
        relus=a + 1,
        printed_sum_of_squares=24 * d**2,
        sum_of_squares=24 * d**2 + 5,
        squared_sum=(12 * d**2 + 3) ** 2,
        printed_squared_norm=float(d),
        squared_norm=spectrum.total,
        log10_correlation=float(spectrum.log_eigenvalues.max() / math.log(10)),
    )


def wave_relu_products(wave, weights, biases, names=("weights", "biases")):
    r"""<psi_w, relu_v> = E[psi(<w, x>) relu(<v, x> + c)], as signs and logarithms.

    With kappa_m = pi m ||w|| / 2 and b_m = +-8 / (pi m)^2 of the wave's Fourier series,
    rho = cos(w, v), omega = kappa rho, k = c / ||v|| and
    :math:`\zeta = (\omega - ik) / \sqrt 2`,

    .. math:: \sum_m b_m \|v\| e^{-\kappa_m^2 (1 - \rho^2) / 2} \varphi(k)
        \Im\big\{e^{-ik\omega} (1 + i \sqrt\pi \zeta w(\zeta))\big\},

    w the Faddeeva function. Nothing is lost below 1e-12, unlike in a sum over the ReLUs of
    psi. Exact but for the mass of <w, x> outside [-a, a].

    Parameters
    ----------
    wave : TriangleWave
        psi(<w, .>), 0 < ||w|| <= a / 9.
    weights : array-like of shape (n, d)
        Rows v, not 0.
    biases : array-like of shape (n,)
        The biases c.

    Returns
    -------
    sign, log_magnitude : ndarray of shape (n,)
        The product is sign * exp(log_magnitude).

    Examples
    --------
    >>> import numpy as np
    >>> from skrf import TriangleWave
    >>> from skrf.theory._wave import wave_relu_products
    >>> wave = TriangleWave(41 * np.eye(41)[0])
    >>> sign, log_magnitude = wave_relu_products(wave, np.ones((1, 41)), [0.5])
    >>> print(sign, (log_magnitude / np.log(10)).round(3))
    [-1.] [-880.529]
    """
    V, c, norm, norms = _checked_layers(wave, weights, biases, names)
    unit_w, unit_v = wave.weight / norm, V / norms[:, np.newaxis]
    rho = unit_v @ unit_w
    sine = np.minimum(np.linalg.norm(unit_v - rho[:, np.newaxis] * unit_w, axis=1), 1.0)
    k = c / norms
    unit = math.pi * norm / 2
    up = 1 if wave.profile(0.5) > 0 else -1  # psi starts upwards at 0, or downwards
    sign, logs = np.zeros(len(V)), np.full(len(V), -np.inf)
    for i in range(len(V)):
        # exp(-kappa_m^2 sine^2 / 2) ends the series, or m^-4 does; the first term may
        # vanish where sin(k omega) does, so that a few more are kept.
        n_terms = int(np.clip(10 / (unit * max(sine[i], 1e-9)) + 8, 8, 20_000))
        m = np.arange(1.0, 2 * n_terms, 2)
        signs, log_size = _sine_relu(unit * m, rho[i], sine[i], k[i])
        log_b = np.log(8 / (math.pi * m) ** 2)
        turns = up * np.where(m % 4 == 1, 1.0, -1.0)
        logs[i], sign[i] = logsumexp(log_size + log_b, b=signs * turns, return_sign=True)
    return sign, logs + np.log(norms)


def _checked_layers(wave, weights, biases, names):
    """V, c, ||w|| and the norms of the rows of V, for `wave_relu_products`."""
    V, c = real_array(names[0], weights, ndim=2), real_array(names[1], biases)
    if V.shape[1] != wave.n_features or c.shape != V.shape[:1]:
        raise ValueError(
            f"{names[0]} and {names[1]} have shapes {V.shape} and {c.shape}, but need (n, "
            f"{wave.n_features}) and (n,). Give one row of weights and one bias a neuron."
        )
    norm, norms = np.linalg.norm(wave.weight), np.linalg.norm(V, axis=1)
    if not 0 < norm <= wave.half_width / 9:
        raise ValueError(
            f"wave has ||weight||={norm:.6g}, which must be in (0, "
            f"{wave.half_width / 9:.6g}]: beyond, it is not periodic where x has its "
            "mass. Use a smaller weight."
        )
    if not (norms > 0).all() or not np.isfinite(norms).all():
        raise ValueError(
            f"{names[0]} must have rows of finite lengths that are not 0. Scale them, and "
            "drop the neurons that are constants."
        )
    return V, c, norm, norms


def _sine_relu(kappa, rho, sine, k):
    """Sign and log of E[sin(kappa z) relu(y + k)], cos and sine of z and y given."""
    omega = kappa * rho
    damped = -((kappa * sine) ** 2) / 2
    with np.errstate(divide="ignore"):
        # The part of a sine on a whole line, omega exp(-omega^2 / 2): all of it where
        # k > 0, none where k < 0, and the half where k = 0.
        line = np.log(np.abs(omega)) - omega**2 / 2 + damped
        if k == 0:
            return np.sign(omega), line - math.log(2)
        zeta = (np.abs(omega) + 1j * abs(k)) / math.sqrt(2)
        part = np.imag(np.exp(1j * abs(k) * np.abs(omega)) * _plasma(zeta))
        # relu(y + k) = y + k + relu(-y - k), and zeta -> -conj(zeta) mirrors omega.
        log_part = np.log(np.abs(part)) - k * k / 2 - math.log(2 * math.pi) / 2 + damped
        signs = np.sign(part) * np.sign(omega)
    if k < 0:
        return signs, log_part
    total, positive = logsumexp(
        [line, log_part],
        b=np.array([np.sign(omega), -signs]),
        axis=0,
        return_sign=True,
    )
    return positive, total


def _plasma(zeta):
    """1 + i sqrt(pi) zeta w(zeta) for Im zeta >= 0; a series where that cancels."""
    value = 1 + 1j * math.sqrt(math.pi) * zeta * wofz(zeta)
    far = np.abs(zeta) > 7
    inverse = 1 / (2 * zeta[far] ** 2)
    series = np.zeros_like(inverse)
    for n in range(24, 0, -1):  # - sum_n (2n - 1)!! / (2 zeta^2)^n
        series = (series - 1) * (2 * n - 1) * inverse
    value[far] = series
    return value


@dataclass(frozen=True)
class WeightCertificate:
    r"""What the proof of Theorems 4.2 and 4.8 gives for one alpha = ||w*|| and error.

    With S = 12 d^2 + 3, the corrected statement is: for some b*, \|b*\| <= `bias_bound`,
    an error of at most eps needs

    .. math:: r \max_i |u_i| \ge \frac{\alpha}{d} \Big[\frac13 - S^2 \frac{d^2}{\alpha^2}
        \epsilon\Big] \frac{1}{2 S \Delta},

    Delta the largest correlation \|<f_i, psi>\| of a feature: exp(-c d) in the paper, with
    an unspecified c. By item 3's exact constant and Markov's inequality it is at most
    F sqrt(r max_l Lambda_l / p), with probability 1 - p, for features of norm at most F;
    that makes `log10_bound`. Made by `weight_certificate`.

    Source: Theorems 4.2 and 4.8, Remark 4.7 and item 3 of Proposition 4.6 of Yehudai and
    Shamir (2019).

    Attributes
    ----------
    bracket : float
        1/3 - S^2 (d / alpha)^2 eps. Where it is not positive, the proof says nothing.
    factor : float
        What multiplies 1 / Delta, or exp(c d); 0 where the bracket is not positive.
    bias_bound : float
        (alpha / d) (6 d^2 + 1).
    largest_error : float
        eps that makes the bracket 0 for this alpha.
    least_weight_norm : float
        alpha that makes the bracket 0 for this eps.
    printed_factor : float
        `factor` as printed in Remark 4.7: (1 - 5 d^2 eps / alpha) / (8 alpha).
    printed_largest_error : float
        `largest_error` as printed there: alpha / (5 d^2).
    printed_bias_bound : float
        `bias_bound` as printed there: 6 alpha d + 1.
    log10_bound : float
        log10 of the bound of r max\|u\| for r features, with the exact constant; -inf where
        the proof says nothing.

    Examples
    --------
    >>> from skrf.theory import weight_certificate
    >>> certificate = weight_certificate(0.02, d=41, weight_norm=41**2, r=1000)
    >>> certificate.bracket < 0, certificate.printed_largest_error
    (True, 0.2)
    """

    bracket: float
    factor: float
    bias_bound: float
    largest_error: float
    least_weight_norm: float
    printed_factor: float
    printed_largest_error: float
    printed_bias_bound: float
    log10_bound: float


def _check_certificate(error, r, failure, log10_feature_norm, relative):
    for name, value, low, high in (
        ("error", error, 0, math.inf),
        ("r", r, 0.999, 1e300),
        ("failure", failure, 0, 1),
    ):
        if not is_number(value) or not low < value < high:
            raise ValueError(
                f"{name}={value!r} must be a number in ({low:g}, {high:g}). Change {name}."
            )
    if not is_number(log10_feature_norm):
        raise ValueError(
            f"log10_feature_norm={log10_feature_norm!r} must be finite. Give log10 of the "
            "largest norm of a feature."
        )
    check_boolean("relative", relative)


def weight_certificate(
    error: float,
    d: int,
    weight_norm: float,
    r: float,
    *,
    log10_feature_norm: float = 0.0,
    failure: float = 0.01,
    relative: bool = False,
) -> WeightCertificate:
    """The `WeightCertificate` of Theorems 4.2 and 4.8, corrected, for finite r.

    How large r max|u| must be for an error on a neuron of norm alpha, with every constant.

    Source: Theorems 4.2 and 4.8 and Remark 4.7 of Yehudai and Shamir (2019).

    Parameters
    ----------
    error : float
        eps, the squared error; absolute, as in the theorem.
    d : int
        Number of inputs, from 2 to 2000.
    weight_norm : float
        alpha = ||w*||; d^2 in the theorem.
    r : float
        Number of features f(W x), at least 1; of rows of W where each has one of its own.
    log10_feature_norm : float, default=0.0
        log10 of the bound F of ||f||; the theorem allows exp(d / 40).
    failure : float, default=0.01
        Probability p with which the features may be better. In Theorem 4.2 over W, for
        every w*; in Theorem 4.8 over the features, for some w*.
    relative : bool, default=False
        Whether `error` is relative to ||relu(<w*, x>)||^2 = alpha^2 / 2.

    Returns
    -------
    certificate : WeightCertificate
        Printed and corrected constants, and log10 of the bound of r max|u|.

    Raises
    ------
    ValueError
        For a parameter out of its range.

    Examples
    --------
    >>> from skrf.theory import weight_certificate
    >>> certificate = weight_certificate(0.02, d=41, weight_norm=5 * 41**3, r=1e6)
    >>> print(f"{certificate.bracket:.3f} {certificate.log10_bound:.1f}")
    0.218 19.3
    """
    check_neuron(d, 0.0, weight_norm)
    _check_certificate(error, r, failure, log10_feature_norm, relative)
    d, alpha = int(d), float(weight_norm)
    if not 1e-100 <= alpha <= 1e100:
        raise ValueError(
            f"weight_norm={weight_norm!r} must be in [1e-100, 1e100], where its square is "
            "a float. Errors go with its square: scale both, or give relative=True and 1.0."
        )
    facts = wave_facts(d)
    eps = float(error) * (alpha * alpha / 2 if relative else 1.0)
    S, squared_norm = math.sqrt(facts.squared_sum), facts.squared_norm
    bracket = squared_norm - facts.squared_sum * (d / alpha * (d / alpha)) * eps
    factor = alpha / d * max(bracket, 0.0) / (2 * S)
    log10_delta = (
        log10_feature_norm
        + (math.log10(r) + facts.log10_correlation - math.log10(failure)) / 2
    )
    return WeightCertificate(
        bracket=bracket,
        factor=factor,
        bias_bound=alpha / d * facts.half_width,
        largest_error=squared_norm * (alpha / d * (alpha / d)) / facts.squared_sum,
        least_weight_norm=d * S * math.sqrt(eps / squared_norm),
        printed_factor=(1 - 5 * d**2 * eps / alpha) / (8 * alpha),
        printed_largest_error=alpha / (5 * d**2),
        printed_bias_bound=6 * alpha * d + 1,
        log10_bound=math.log10(factor) - log10_delta if factor > 0 else -math.inf,
    )
