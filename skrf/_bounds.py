"""Section 4 in numbers: floors of fixed features, Propositions 4.1, 4.6, Theorem 4.2."""

import math
from dataclasses import dataclass
from numbers import Integral, Real

import numpy as np
from scipy.special import betainc, betaln, logsumexp, wofz
from scipy.stats import beta
from sklearn.utils import check_random_state

from skrf._spectrum import relu_spectrum, triangle_wave_spectrum
from skrf.targets import TriangleWave


def _check_integer(name, value, least, why):
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name}={value!r} must be an integer >= {least}: {why}.")


def _check_neuron(d, bias, weight_norm):
    """bias / weight_norm, after checks of all three."""
    _check_integer("d", d, 2, "give the number of features, at least two")
    if not isinstance(weight_norm, Real) or not 0 < weight_norm < math.inf:
        raise ValueError(
            f"weight_norm={weight_norm!r} must be a positive finite number; a neuron "
            "without weight is a constant. Give ||w||."
        )
    if not isinstance(bias, Real) or not abs(bias) <= 1e3 * weight_norm:
        raise ValueError(
            f"bias={bias!r} must be a number with |bias| <= 1000 weight_norm, here "
            f"{1e3 * weight_norm:.6g}: beyond, the neuron is linear or 0. Use a smaller "
            "bias, or a larger weight_norm."
        )
    return float(bias) / float(weight_norm)


def _check_array(name, value, fits, what):
    array = np.asarray(value, np.float64)
    wrong = ~fits(array)
    if wrong.any():
        raise ValueError(f"{name}={array[wrong].flat[0]} must be {what}.")
    return array


def _log_counts(r, log10):
    """log r of counts, or of their decimal logarithms."""
    if log10:
        what = "a decimal logarithm, not nan; give log10 of the number of features"
        return _check_array("r", r, lambda a: ~np.isnan(a), what) * math.log(10)
    what = "a number >= 0; above 1e300, give its log10 with log10=True"
    r = _check_array("r", r, lambda a: (a >= 0) & (a <= 1e300), what)
    with np.errstate(divide="ignore"):
        return np.log(r)


def _shares(error, spectrum, norm, absolute):
    """Relative errors, from relative or absolute ones."""
    what = "a positive number; give the error that the features may have"
    error = _check_array("error", error, lambda a: (a > 0) & (a < np.inf), what)
    if absolute:
        with np.errstate(over="ignore", divide="ignore"):
            return np.exp(np.log(error) - spectrum.log_total - 2 * math.log(norm))
    return error


def error_floor(r, d, bias=0.0, weight_norm=1.0, *, log10=False, absolute=False):
    r"""Least mean error of any r fixed features on a random ReLU neuron.

    For f_1, ..., f_r in L2 of N(0, I) chosen before w is drawn from the sphere of radius
    `weight_norm`, and :math:`g_w(x) = relu(\langle w, x\rangle + b)`,

    .. math:: E_w \min_u \|\sum_i u_i f_i - g_w\|^2 / \|g_w\|^2 \ge
        1 - \sum_{i \le r} \lambda_i / \|g\|^2

    with the r largest eigenvalues of :math:`E_w[g_w \otimes g_w]` (Ky Fan). The
    eigenfunctions attain it. No size of u helps. Where the features are random and their
    law is rotation invariant, it holds for every w, in mean over the features. This is
    the floor behind Theorems 4.2 and 4.8, and what Remark 4.5 asks for.

    Parameters
    ----------
    r : array-like
        Numbers of features, from 0 to 1e300.
    d : int
        Number of inputs, at least 2.
    bias, weight_norm : float, default=0.0, 1.0
        b and ||w||; only bias / weight_norm matters for a relative error.
    log10 : bool, default=False
        `r` holds decimal logarithms, of any size.
    absolute : bool, default=False
        Return the squared error itself, ||g||^2 times the relative one.

    Returns
    -------
    floor : ndarray or float
        Of the shape of r.

    Examples
    --------
    >>> from skrf._bounds import error_floor
    >>> error_floor([0, 1, 100, 3000], d=10, bias=-1.0).round(3)
    array([1.   , 0.869, 0.13 , 0.017])
    """
    h = _check_neuron(d, bias, weight_norm)
    log_r = _log_counts(r, log10)
    spectrum = relu_spectrum(int(d), h)
    floor = spectrum.floor(log_r)
    if absolute:
        floor = floor * spectrum.total * float(weight_norm) ** 2
    return floor[()]


def features_needed(error, d, bias=0.0, weight_norm=1.0, *, absolute=False):
    """Fewest features of any kind for a mean error on a random ReLU neuron.

    The inverse of `error_floor`: eigenvalues are taken from the largest until the rest is
    at most the error.

    Parameters
    ----------
    error : array-like
        Mean squared errors relative to ||g_w||^2, above 0; with `absolute`, themselves.
    d, bias, weight_norm
        As in `error_floor`.
    absolute : bool, default=False
        How `error` is measured.

    Returns
    -------
    log10_r : ndarray or float
        log10 of the number, -inf where none is needed.
    r : ndarray or float
        The number itself where it is below 1e15 (12 digits are sure), else nan.

    Examples
    --------
    >>> from skrf._bounds import features_needed
    >>> log10_r, r = features_needed([0.1, 0.01], d=10, bias=-1.0)
    >>> r
    array([  157., 13489.])
    """
    h = _check_neuron(d, bias, weight_norm)
    spectrum = relu_spectrum(int(d), h)
    log10_r, r = spectrum.features_needed(_shares(error, spectrum, weight_norm, absolute))
    return log10_r[()], r[()]


def failure_probability(
    r, error, d, weight_norm=1.0, bias=0.0, *, tight=True, log10=False, absolute=False
):
    r"""log10 of a bound of P(r fixed features reach an error on a random ReLU neuron).

    .. math:: P_w(\min_u \|\sum_i u_i f_i - g_w\|^2 \le \epsilon) \le
        \min_{l_0:\, T > \epsilon} \frac{S_r}{T - \epsilon}, \qquad
        T = \sum_{l > l_0} N_l \Lambda_l,

    S_r the sum of the r largest eigenvalues above degree l_0, or r times the largest
    (`tight=False`): the form that Theorems 4.2 and 4.8 have, without a bound on u and
    without an unknown constant.

    Parameters
    ----------
    r, error : array-like
        Broadcast against each other; errors are relative to ||g_w||^2.
    d, weight_norm, bias
        As in `error_floor`.
    tight : bool, default=True
        Which S_r.
    log10, absolute : bool, default=False
        Whether r holds log10 r; whether errors are absolute.

    Returns
    -------
    log10_probability : ndarray or float
        At most 0.

    Examples
    --------
    >>> from skrf._bounds import failure_probability
    >>> print(f"{failure_probability(1e6, 0.02, d=20, weight_norm=20, absolute=True):.1f}")
    -7.6
    """
    h = _check_neuron(d, bias, weight_norm)
    log_r = _log_counts(r, log10)
    spectrum = relu_spectrum(int(d), h)
    share = _shares(error, spectrum, weight_norm, absolute)
    return spectrum.failure_probability(log_r, share, tight)[()]


def squared_distance_law(d, r):
    """The law of the squared distance of a unit w* to the span of r random directions.

    It is the error of Eq. 3, and Beta((d - r) / 2, r / 2) exactly, for directions of any
    spherically symmetric law (Proposition 4.1).

    Parameters
    ----------
    d, r : int
        Dimension and number of directions, 1 <= r < d.

    Returns
    -------
    law : scipy.stats frozen distribution
        With `cdf`, `mean`, `ppf`, ...

    Examples
    --------
    >>> from skrf._bounds import squared_distance_law
    >>> print(f"{squared_distance_law(160, 80).cdf(0.25):.2g}")
    8.6e-07
    """
    _check_span(d, r)
    return beta((d - r) / 2, r / 2)


def _check_span(d, r):
    _check_integer("d", d, 2, "give the dimension of w*")
    _check_integer("r", r, 1, "give the number of directions")
    if r >= d:
        raise ValueError(
            f"r={r} must be below d={d}: the span is all of the space, and the distance "
            "is 0. Use a smaller r."
        )


def log_distance_probability(error, d, r):
    """log P(squared distance < error) under `squared_distance_law`, below underflow too.

    Parameters
    ----------
    error : array-like
        In [0, 1].
    d, r : int
        As in `squared_distance_law`.

    Returns
    -------
    log_probability : ndarray or float
        Natural logarithm; 1 - exp of it is the survival, P(distance^2 >= error).

    Examples
    --------
    >>> from skrf._bounds import log_distance_probability
    >>> print(f"{log_distance_probability(0.25, 160_000, 80_000) / 160_000:.4f}")
    -0.0720
    """
    _check_span(d, r)
    what = "in [0, 1]; give a squared distance of a unit vector"
    x = _check_array("error", error, lambda a: (a >= 0) & (a <= 1), what)
    a, b = (d - r) / 2, r / 2
    with np.errstate(divide="ignore"):
        out = np.log(betainc(a, b, x))
    small = (out < -200) & (x > 0)
    if small.any():
        # I_x(a, b) = x^a (1 - x)^b / (a B(a, b)) sum_n (a + b)_n / (a + 1)_n x^n: terms of
        # one sign, falling from the first where the mass is far to the right.
        y = x[small]
        term, total, n = np.ones_like(y), np.ones_like(y), 0
        while np.any(term > 1e-17 * total):
            term = term * y * (a + b + n) / (a + 1 + n)
            total, n = total + term, n + 1
        front = a * np.log(y) + b * np.log1p(-y) - math.log(a) - betaln(a, b)
        out[small] = front + np.log(total)
    return out[()]


def distance_rate(ratio=0.5, error=0.25):
    """Limit of -log P(squared distance < error) / d as d grows, r = ratio d.

    ((1 - q) log((1 - q) / e) + q log(q / (1 - e))) / 2, q the ratio and e < 1 - q the
    error: -log(3/4) / 4 = 0.0719 for the statement of Proposition 4.1, whose c is
    unspecified.
    """
    if not 0 < ratio < 1:
        raise ValueError(f"ratio={ratio!r} must be in (0, 1); give r / d.")
    if not 0 < error < 1 - ratio:
        raise ValueError(
            f"error={error!r} must be in (0, {1 - ratio:.6g}), below the mean 1 - ratio: "
            "from there on the probability does not vanish. Use a smaller error."
        )
    rest = 1 - ratio
    return (rest * math.log(rest / error) + ratio * math.log(ratio / (1 - error))) / 2


def simulate_squared_distances(d, r, n_draws=1000, random_state=None):
    """Squared distances of a unit w* to the span of r Gaussian directions, drawn.

    Parameters
    ----------
    d, r : int
        As in `squared_distance_law`.
    n_draws : int, default=1000
        Number of independent spans.
    random_state : int, RandomState instance or None, default=None
        Fixes the draw.

    Returns
    -------
    distances : ndarray of shape (n_draws,)
    """
    _check_span(d, r)
    _check_integer("n_draws", n_draws, 1, "give the number of spans")
    rng = check_random_state(random_state)
    distances = np.empty(n_draws)
    for i in range(n_draws):
        Q = np.linalg.qr(rng.standard_normal((d, r)))[0]
        distances[i] = np.sum((np.eye(d, 1)[:, 0] - Q @ Q[0]) ** 2)  # w* = e_1
    return distances


@dataclass(frozen=True)
class WaveFacts:
    """Proposition 4.6 for ||w|| = d, printed constants beside corrected ones.

    Attributes
    ----------
    n_features : int
        d.
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
    >>> from skrf._bounds import wave_facts
    >>> facts = wave_facts(10)
    >>> facts.printed_squared_norm, round(facts.squared_norm, 12)
    (10.0, 0.333333333333)
    >>> print(f"{10**facts.log10_correlation:.1e}")
    1.6e-09
    """
    _check_integer("d", d, 2, "give the number of features, at least two")
    spectrum = triangle_wave_spectrum(int(d))
    a = TriangleWave(np.ones(d)).half_width
    return WaveFacts(
        n_features=int(d),
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


def wave_relu_products(wave, weights, biases):
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
        c.

    Returns
    -------
    sign, log_magnitude : ndarray of shape (n,)
        The product is sign * exp(log_magnitude).

    Examples
    --------
    >>> import numpy as np
    >>> from skrf import TriangleWave
    >>> from skrf._bounds import wave_relu_products
    >>> wave = TriangleWave(41 * np.eye(41)[0])
    >>> sign, log_magnitude = wave_relu_products(wave, np.ones((1, 41)), [0.5])
    >>> print(sign, (log_magnitude / np.log(10)).round(3))
    [-1.] [-880.529]
    """
    if not isinstance(wave, TriangleWave):
        raise TypeError(f"wave={wave!r} must be a TriangleWave. Give TriangleWave(w).")
    V, c = np.asarray(weights, np.float64), np.asarray(biases, np.float64)
    if V.ndim != 2 or V.shape[1] != wave.n_features or c.shape != V.shape[:1]:
        raise ValueError(
            f"weights and biases have shapes {V.shape} and {c.shape}, but need (n, "
            f"{wave.n_features}) and (n,). Give one row of weights and one bias a neuron."
        )
    norm, norms = np.linalg.norm(wave.weight), np.linalg.norm(V, axis=1)
    if not 0 < norm <= wave.half_width / 9:
        raise ValueError(
            f"wave has ||weight||={norm:.6g}, which must be in (0, "
            f"{wave.half_width / 9:.6g}]: beyond, it is not periodic where x has its "
            "mass. Use a smaller weight."
        )
    if not (norms > 0).all() or not np.isfinite(norms + c).all():
        raise ValueError(
            "weights must have finite rows that are not 0, and biases be finite. Drop the "
            "neurons that are constants."
        )
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
    that makes `log10_bound`.

    Attributes
    ----------
    bracket : float
        1/3 - S^2 (d / alpha)^2 eps. Where it is not positive, the proof says nothing.
    factor : float
        What multiplies 1 / Delta, or exp(c d); 0 where the bracket is not positive.
    bias_bound : float
        (alpha / d) (6 d^2 + 1).
    largest_error, least_weight_norm : float
        eps that makes the bracket 0 for this alpha, and alpha that does for this eps.
    printed_factor, printed_largest_error, printed_bias_bound : float
        Remark 4.7: (1 - 5 d^2 eps / alpha) / (8 alpha), alpha / (5 d^2), 6 alpha d + 1.
    log10_bound : float
        log10 of the bound of r max\|u\| for r features, with the exact constant; -inf where
        the proof says nothing.
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


def weight_certificate(
    error, d, weight_norm, r, *, log10_feature_norm=0.0, failure=0.01, relative=False
):
    """The `WeightCertificate` of Theorem 4.2 and 4.8, corrected, for finite r.

    Parameters
    ----------
    error : float
        eps, the squared error; absolute, as in the theorem.
    d : int
        Number of inputs.
    weight_norm : float
        alpha = ||w*||; d^2 in the theorem.
    r : float
        Number of features, that is of rows of W, at least 1.
    log10_feature_norm : float, default=0.0
        log10 of the bound F of ||f||; the theorem allows exp(d / 40).
    failure : float, default=0.01
        Probability p with which the features may be better. In Theorem 4.2 over W, for
        every w*; in Theorem 4.8 over the features, for some w*.
    relative : bool, default=False
        `error` is relative to ||relu(<w*, x>)||^2 = alpha^2 / 2.

    Returns
    -------
    certificate : WeightCertificate

    Examples
    --------
    >>> from skrf._bounds import weight_certificate
    >>> certificate = weight_certificate(0.02, d=41, weight_norm=5 * 41**3, r=1e6)
    >>> print(f"{certificate.bracket:.3f} {certificate.log10_bound:.1f}")
    0.218 19.3
    """
    _check_neuron(d, 0.0, weight_norm)
    for name, value, low, high in (
        ("error", error, 0, math.inf),
        ("r", r, 0.999, 1e300),
        ("failure", failure, 0, 1),
    ):
        if not isinstance(value, Real) or not low < value < high:
            raise ValueError(
                f"{name}={value!r} must be a number in ({low:g}, {high:g}). Change {name}."
            )
    if not isinstance(log10_feature_norm, Real) or not math.isfinite(log10_feature_norm):
        raise ValueError(
            f"log10_feature_norm={log10_feature_norm!r} must be finite. Give log10 of the "
            "largest norm of a feature."
        )
    facts = wave_facts(d)
    alpha = float(weight_norm)
    eps = float(error) * (alpha**2 / 2 if relative else 1.0)
    total, norm = math.sqrt(facts.squared_sum), facts.squared_norm
    bracket = norm - facts.squared_sum * (d / alpha) ** 2 * eps
    factor = alpha / d * max(bracket, 0.0) / (2 * total)
    log10_delta = (
        log10_feature_norm
        + (math.log10(r) + facts.log10_correlation - math.log10(failure)) / 2
    )
    return WeightCertificate(
        bracket=bracket,
        factor=factor,
        bias_bound=alpha / d * facts.half_width,
        largest_error=norm * (alpha / d) ** 2 / facts.squared_sum,
        least_weight_norm=d * total * math.sqrt(eps / norm),
        printed_factor=(1 - 5 * d**2 * eps / alpha) / (8 * alpha),
        printed_largest_error=alpha / (5 * d**2),
        printed_bias_bound=6 * alpha * d + 1,
        log10_bound=math.log10(factor) - log10_delta if factor > 0 else -math.inf,
    )
