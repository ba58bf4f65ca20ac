"""The wave of Proposition 4.6: spectrum, constants, and the bound of Theorem 4.2."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import gammaln, logsumexp, wofz

from skrf._utils.checks import check_boolean, check_integer, real_array
from skrf.gaussian._harmonics import log_bessel_i_scaled, log_dimension, log_energy_ratio
from skrf.gaussian._spectrum import with_tail
from skrf.targets import TriangleWave
from skrf.theory._floors import check_neuron
from skrf.theory._weights import check_positive, check_probability_and_norm


@lru_cache(maxsize=16)
def triangle_wave_spectrum(d, weight_norm=None):
    r"""`NeuronSpectrum` of psi(<w, x>), the wave of Proposition 4.6, ||w|| = weight_norm.

    On [-a, a] the wave is the series of b_m sin(pi m t / 2), m odd, b_m = 8 / (pi m)^2 up
    to signs. The zonal coefficients of sines are Bessel functions, whose means are Weber's
    second exponential integral. With kappa_m = pi m ||w|| / 2, nu = d/2 - 1, and odd l,

    .. math:: \Lambda_l = \Gamma(d/2) 2^\nu \sum_{m,n} b_m b_n (\kappa_m \kappa_n)^{-\nu}
        e^{-(\kappa_m^2 + \kappa_n^2)/2} I_{l+\nu}(\kappa_m \kappa_n).

    The formula neglects the mass of <w, x> outside [-a, a], which is
    exp(-a^2 / (2 ||w||^2)), or exp(-18 d^2) for the default. The eigenvalues of even degree
    are of this size, and set to 0.

    Parameters
    ----------
    d : int
        The dimension, at least 2.
    weight_norm : float, default=None
        The norm ||w||, at most a / 9. None uses d, as in the proposition.
    """
    alpha = float(d if weight_norm is None else weight_norm)
    a = TriangleWave(np.ones(d)).half_width
    if not 0 < alpha <= a / 9:
        raise ValueError(
            f"`weight_norm` must be in (0, {a / 9:.6g}] for d={d}; got {weight_norm!r}. "
            "Use a smaller weight_norm."
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
    # At high degrees the energy is that of a kink, N(d, l) / N(d + 4, l - 2) ~ l^-4.
    remainder = max(total - math.fsum(np.exp(log_energy)), 1e-300)
    level = math.log(remainder / (last / 3)) - log_energy_ratio(d, float(last))

    def density(degree):
        return level + log_energy_ratio(d, degree)

    return with_tail(d, log_energy, math.log(total), density, 2)


def _log_sums_of_harmonics(orders, nu, unit, harmonics):
    """log of the sum over m and n of `triangle_wave_spectrum`, for each order l + nu."""
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
    """Printed and corrected constants of Proposition 4.6 for ||w|| = d.

    Attributes
    ----------
    n_features : int
        The dimension d.
    half_width : int
        a = 6 d^2 + 1. Item 1, odd and of period 4, holds on [-a, a]. The wave is -1 on the
        left of this interval and 1 - (t - a) on the right.
    printed_relus, relus : int
        Number of ReLUs: a, and a + 1.
    printed_sum_of_squares, sum_of_squares : int
        Sum of squares of the coefficients: 24 d^2, and 24 d^2 + 5.
    squared_sum : int
        (sum_j |a_j|)^2 = (12 d^2 + 3)^2, which Eq. 5 needs instead of sum_j a_j^2.
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
    """`WaveFacts` of Proposition 4.6 in d >= 2 dimensions.

    Examples
    --------
    >>> from skrf.theory._wave import wave_facts
    >>> facts = wave_facts(10)
    >>> facts.printed_squared_norm, round(facts.squared_norm, 12)
    (10.0, 0.333333333333)
    >>> print(f"{10**facts.log10_correlation:.1e}")
    1.6e-09
    """
    d = check_integer("d", d, 2, "pass the number of features, at least two")
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

    with the Faddeeva function w. Products below 1e-12 keep their relative accuracy, unlike
    in a sum over the ReLUs of psi. The formula neglects the mass of <w, x> outside [-a, a].

    Parameters
    ----------
    wave : TriangleWave
        The wave psi(<w, .>), 0 < ||w|| <= a / 9.
    weights : array-like of shape (n, d)
        The rows v, not 0.
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
    up = 1 if wave.profile(0.5) > 0 else -1  # psi increases or decreases at 0
    sign, logs = np.zeros(len(V)), np.full(len(V), -np.inf)
    for i in range(len(V)):
        # exp(-kappa_m^2 sine^2 / 2) or m^-4 ends the series. A few more terms are used,
        # because the first term vanishes where sin(k omega) does.
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
            f"`{names[0]}` and `{names[1]}` must have shapes (n, {wave.n_features}) and "
            f"(n,); got {V.shape} and {c.shape}. Pass one row of weights and one bias for "
            "each neuron."
        )
    norm, norms = np.linalg.norm(wave.weight), np.linalg.norm(V, axis=1)
    if not 0 < norm <= wave.half_width / 9:
        raise ValueError(
            f"`wave` must have ||weight|| in (0, {wave.half_width / 9:.6g}]; got "
            f"{norm:.6g}. Use a smaller weight."
        )
    wrong = ~((norms > 0) & np.isfinite(norms))
    if wrong.any():
        raise ValueError(
            f"`{names[0]}` must have rows of finite nonzero norm; got a norm of "
            f"{norms[wrong][0]:g}. Scale the rows, and drop the neurons that are constants."
        )
    return V, c, norm, norms


def _sine_relu(kappa, rho, sine, k):
    """Sign and log of E[sin(kappa z) relu(y + k)], for z and y of cosine rho."""
    omega = kappa * rho
    damped = -((kappa * sine) ** 2) / 2
    with np.errstate(divide="ignore"):
        # The integral of a sine over the whole line, omega exp(-omega^2 / 2), contributes
        # fully for k > 0, not for k < 0, and by one half for k = 0.
        line = np.log(np.abs(omega)) - omega**2 / 2 + damped
        if k == 0:
            return np.sign(omega), line - math.log(2)
        zeta = (np.abs(omega) + 1j * abs(k)) / math.sqrt(2)
        part = np.imag(np.exp(1j * abs(k) * np.abs(omega)) * _plasma(zeta))
        # relu(y + k) = y + k + relu(-y - k), and zeta -> -conj(zeta) reflects omega.
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
    """1 + i sqrt(pi) zeta w(zeta) for Im zeta >= 0, by a series where the terms cancel."""
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
    r"""Result of the proof of Theorems 4.2 and 4.8 for one alpha = ||w*|| and one error.

    With S = 12 d^2 + 3, the corrected statement is: for some b*, \|b*\| <= `bias_bound`,
    an error of at most eps needs

    .. math:: r \max_i |u_i| \ge \frac{\alpha}{d} \Big[\frac13 - S^2 \frac{d^2}{\alpha^2}
        \epsilon\Big] \frac{1}{2 S \Delta},

    where Delta is the mean correlation \|<f_i, psi>\| of the r features. In the paper Delta
    is exp(-c d) with an unspecified c. By the inequality of Cauchy and Schwarz, the exact
    constant of item 3 and Markov's inequality, Delta is at most F sqrt(max_l Lambda_l / p)
    with probability 1 - p, for features of norm at most F; `log10_bound` uses this value,
    which does not depend on r. Returned by `weight_certificate`.

    Attributes
    ----------
    bracket : float
        1/3 - S^2 (d / alpha)^2 eps. The proof gives no bound unless it is positive.
    factor : float
        The factor of 1 / Delta, or of exp(c d); 0 if the bracket is not positive.
    bias_bound : float
        (alpha / d) (6 d^2 + 1).
    max_error : float
        The eps for which the bracket is 0, for this alpha.
    min_weight_norm : float
        The alpha for which the bracket is 0, for this eps.
    printed_factor : float
        `factor` as printed in Remark 4.7: (1 - 5 d^2 eps / alpha) / (8 alpha).
    printed_max_error : float
        `max_error` as printed in Remark 4.7: alpha / (5 d^2).
    printed_bias_bound : float
        `bias_bound` as printed in Remark 4.7: 6 alpha d + 1.
    log10_bound : float
        log10 of the bound of r max\|u\|, with the exact constant; -inf if the proof gives
        no bound.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Theorems 4.2 and 4.8, Remark 4.7 and
       Proposition 4.6, item 3.

    Examples
    --------
    >>> from skrf.theory import weight_certificate
    >>> certificate = weight_certificate(0.02, d=41, weight_norm=41**2)
    >>> certificate.bracket < 0, certificate.printed_max_error
    (True, 0.2)
    """

    bracket: float
    factor: float
    bias_bound: float
    max_error: float
    min_weight_norm: float
    printed_factor: float
    printed_max_error: float
    printed_bias_bound: float
    log10_bound: float


def weight_certificate(
    error: float,
    d: int,
    weight_norm: float,
    *,
    probability: float = 0.99,
    feature_norm: float = 1.0,
    absolute: bool = True,
) -> WeightCertificate:
    """What the printed proof of Theorems 4.2 and 4.8 gives, with all its constants.

    The proof bounds r max|u| by the correlations of the features with the wave psi. Its
    bound holds for an error on a neuron of norm alpha and some bias, with the corrected
    constants. `weight_floor` has a larger bound without the wave, for any bias.

    Parameters
    ----------
    error : float
        The squared error eps, above 0.
    d : int
        Number of inputs, from 2 to 2000.
    weight_norm : float
        The norm alpha = ||w*||; d^2 in the theorem.
    probability : float, default=0.99
        The probability 1 - p with which the bound holds, in (0, 1). In Theorem 4.2 it is
        over W, for every w*; in Theorem 4.8 it is over the features, for some w*.
    feature_norm : float, default=1.0
        The maximum norm F of a feature. The theorem allows exp(d / 40).
    absolute : bool, default=True
        Whether `error` is absolute, as in the theorem, instead of relative to
        ||relu(<w*, x>)||^2 = alpha^2 / 2.

    Returns
    -------
    certificate : WeightCertificate
        Printed and corrected constants, and log10 of the bound of r max|u|.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    See Also
    --------
    weight_floor : A larger bound, for any bias.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Theorems 4.2 and 4.8, and Remark 4.7.

    Examples
    --------
    >>> from skrf.theory import weight_certificate
    >>> certificate = weight_certificate(0.02, d=41, weight_norm=5 * 41**3)
    >>> print(f"{certificate.bracket:.3f} {certificate.log10_bound:.1f}")
    0.218 22.3
    """
    check_neuron(d, 0.0, weight_norm)
    check_positive("error", error, math.inf, "Pass the squared error")
    check_probability_and_norm(probability, feature_norm)
    check_boolean("absolute", absolute)
    d, alpha = int(d), float(weight_norm)
    if not 1e-100 <= alpha <= 1e100:
        raise ValueError(
            f"`weight_norm` must be in [1e-100, 1e100]; got {weight_norm!r}. Use "
            "weight_norm=1.0 and a relative error with absolute=False."
        )
    facts = wave_facts(d)
    eps = float(error) * (1.0 if absolute else alpha * alpha / 2)
    S, squared_norm = math.sqrt(facts.squared_sum), facts.squared_norm
    bracket = squared_norm - facts.squared_sum * (d / alpha * (d / alpha)) * eps
    factor = alpha / d * max(bracket, 0.0) / (2 * S)
    log10_failure = math.log1p(-probability) / math.log(10)
    log10_delta = math.log10(feature_norm) + (facts.log10_correlation - log10_failure) / 2
    return WeightCertificate(
        bracket=bracket,
        factor=factor,
        bias_bound=alpha / d * facts.half_width,
        max_error=squared_norm * (alpha / d * (alpha / d)) / facts.squared_sum,
        min_weight_norm=d * S * math.sqrt(eps / squared_norm),
        printed_factor=(1 - 5 * d**2 * eps / alpha) / (8 * alpha),
        printed_max_error=alpha / (5 * d**2),
        printed_bias_bound=6 * alpha * d + 1,
        log10_bound=math.log10(factor) - log10_delta if factor > 0 else -math.inf,
    )
