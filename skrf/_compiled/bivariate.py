r"""Compiled expectations of a standard Gaussian pair, for `skrf.gaussian`.

For standard Gaussians p, q of correlation rho and neurons p + h, q + k,

    P = P(p > -h, q > -k)                  (the bivariate normal distribution function),
    M = E[max(p + h, 0) max(q + k, 0)],    dM/drho = P,  dP/drho = density at (-h, -k).

So P and M are sums of one-dimensional functions at rho = 0, 1 or -1 and of an integral of
the density along rho. The correlation from which it starts is chosen so that no two terms
cancel by more than a digit, except where M is far below the product of the root mean
squares of the two neurons; even there relative accuracy is kept when h + k < -3.

From 0, with rho = 2x / (1 + x^2), the integral of the density is

    (1 / pi) int exp(-(h^2 + k^2 - 2 h k rho) / (2 (1 - rho^2))) dx / (1 + x^2);

from 1, with rho = (1 - x^2) / (1 + x^2), a = (h - k) / 2 and b = (h + k) / 2,

    (1 / pi) int exp(-(a^2 (1 + 1 / x^2) + b^2 (1 + x^2)) / 2) dx / (1 + x^2),

for small x by a power series that knows the essential singularity at x = 0; from -1 it is
the same with a and b exchanged.
"""

import math

import numpy as np

from skrf._compiled.jit import INNER, njit

# Columns of the table that describes a neuron max(<w, x> + b, 0): |w|, h = b / |w|, b,
# Phi(h), Phi(-h), phi(h), E max(z + h, 0), E max(z + h, 0)^2, E max(|w| z + b, 0).
NORM, H, BIAS, CDF, UPPER, DENSITY, FIRST, SECOND, MEAN = range(9)

# What `fill` computes for pairs of neurons (w, b), (v, c), in this order. RELU:
# E[relu relu]. STEP: E[1 1]. STEP_RELU: E[1 relu]. SLOPE: `STEP_RELU`, `STEP`, the
# coefficient of w / |w| in E[1 x relu], `RELU`. TANGENT: what `tangent` takes.
RELU, STEP, STEP_RELU, SLOPE, TANGENT = range(5)
OUTPUTS = {RELU: 1, STEP: 1, STEP_RELU: 1, SLOPE: 4, TANGENT: 7}

_DENSITY_AT_0 = 1 / math.sqrt(2 * math.pi)
# Beyond _SURE a neuron is always on, below -_NEVER always off, as far as float64 can tell.
_SURE, _NEVER = 20.0, 38.6
# Correlations above it start from 1, others from 0.
_MIDDLE = 0.7
# Versines below it are computed again from the difference of the unit weights.
_CLOSE = 1e-2
_TERMS = 20

_RULES = (6, 8, 10, 12, 16)
_NODES, _WEIGHTS = np.zeros((2, len(_RULES), max(_RULES)))
for _row, _size in enumerate(_RULES):
    _points = np.polynomial.legendre.leggauss(_size)
    _NODES[_row, :_size] = (1 + _points[0]) / 2
    _WEIGHTS[_row, :_size] = _points[1] / 2
_SIZES = np.array(_RULES)


@njit(**INNER)
def _density(x):
    return _DENSITY_AT_0 * math.exp(-0.5 * x * x)


@njit(**INNER)
def _cdf(x):
    return 0.5 * math.erfc(-x * math.sqrt(0.5))


@njit(**INNER)
def _from_zero_panel(low, high, x0, squares, product, rule):
    """The integrals of the density and of (rho - t) density for x in [low, high]."""
    step, mass, moment = high - low, 0.0, 0.0
    for i in range(_SIZES[rule]):
        x = low + step * _NODES[rule, i]
        inverse = 1 / (1 + x * x)
        root = (1 - x) * (1 + x) * inverse
        t = 2 * x * inverse
        f = math.exp(-(squares - product * t) / (root * root)) * inverse
        f *= _WEIGHTS[rule, i]
        mass += f
        moment += f * (x0 - x) * (1 - x0 * x) * inverse
    scale = step / math.pi
    return scale * mass, 2 * scale * moment / (1 + x0 * x0)


@njit(error_model="numpy", **INNER)
def _from_zero(h, k, rho, s):
    """The two integrals from correlation 0 to rho >= 0."""
    x0 = rho / (1 + s)
    squares, product = 0.5 * (h * h + k * k), h * k
    steepness = 2 * x0 * (abs(product) + 4 * squares * x0)
    if x0 < 0.45 and steepness < 16:
        if steepness < 1 and x0 < 0.1:
            rule = 0
        elif steepness < 2 and x0 < 0.2:
            rule = 1
        elif steepness < 3:
            rule = 2
        elif steepness < 6:
            rule = 3
        else:
            rule = 4
        return _from_zero_panel(0.0, x0, x0, squares, product, rule)
    mass, moment, high, lowest = 0.0, 0.0, x0, np.inf
    while high > 0:
        inverse = 1 / (1 + high * high)
        root, t = (1 - high * high) * inverse, 2 * high * inverse
        lowest = min(lowest, (squares - product * t) / (root * root))
        slope = abs((h - k * t) * (k - h * t)) * 2 * inverse / (root * root * root)
        step = min(0.4 * (1 - high) + 0.05, 8 / (slope + 1e-3))
        low = high - step if high > 1.2 * step else 0.0
        part = _from_zero_panel(low, high, x0, squares, product, 4)
        mass, moment, high = mass + part[0], moment + part[1], low
        inverse = 1 / (1 + low * low)
        root, t = (1 - low * low) * inverse, 2 * low * inverse
        if (squares - product * t) / (root * root) > lowest + 45:
            break
    return mass, moment


@njit(error_model="numpy", **INNER)
def _series(top, x0, a, b):
    """The integrals of `_from_one` for x in [0, top], up to the common factor."""
    y, ratio = top * top, a / top
    power, square = -0.5 * b * b * y, ratio * ratio
    bell = math.exp(-0.5 * square)
    # moment_j = int x^(2j) exp(-a^2 / 2 x^2) / top^(2j + 1).
    moment = bell - ratio * math.sqrt(2 * math.pi) * _cdf(-ratio)
    e = p = g = 1.0
    mass, weighted = 0.0, 0.0
    for j in range(_TERMS):
        later = (bell - square * moment) / (2 * j + 3)
        mass += p * moment
        weighted += g * (x0 * x0 * moment - y * later)
        if j > 2 and abs(p) + abs(g) < 1e-18:
            break
        moment = later
        e *= power / (j + 1)
        p = e - y * p
        g = p - y * g
    return top * mass, top * weighted


@njit(error_model="numpy", **INNER)
def _from_one(a, b, x0):
    """The integrals of the density and of |rho - t| density from |t| = 1 to |rho|."""
    if x0 == 0:
        return 0.0, 0.0
    a, b = abs(a), abs(b)
    edge = min(x0, 0.25, math.sqrt(2) / (b + 1e-300))
    singular = a <= 1.5 * edge
    end = edge if singular else 0.0
    mass, weighted, high = 0.0, 0.0, x0
    highest, peak = -np.inf, math.sqrt(a / (b + 1e-300))
    while high > end:
        low = max(0.5 * high, 1 / math.sqrt(1 / (high * high) + 36 / (a * a + 1e-300)))
        if b > 0:
            low = max(low, math.sqrt(max(0.0, high * high - 36 / (b * b))))
        low = end if low < 1.1 * end else low
        if low == high:  # too steep for one more number: what remains is nothing
            break
        for i in range(_SIZES[4]):
            x = low + (high - low) * _NODES[4, i]
            y, inverse = x * x, 1 / (1 + x * x)
            f = math.exp(-0.5 * (a * a / y + b * b * y)) * inverse
            f *= _WEIGHTS[4, i] * (high - low)
            mass += f
            weighted += f * (x0 - x) * (x0 + x) * inverse
        exponent = -0.5 * ((a / low) ** 2 + (b * low) ** 2) if low > 0 else -np.inf
        highest = max(highest, exponent, -0.5 * ((a / high) ** 2 + (b * high) ** 2))
        high = low
        if exponent < highest - 45 and low < peak:
            break
    if singular:
        part = _series(edge, x0, a, b)
        mass, weighted = mass + part[0], weighted + part[1]
    scale = math.exp(-0.5 * (a * a + b * b)) / math.pi
    return scale * mass, 2 * scale * weighted / (1 + x0 * x0)


@njit(error_model="numpy", **INNER)
def _pair(one, two, rho, versine):
    """P and M for rows `one`, `two` of the table; `versine` is 1 - |rho|."""
    h, k = one[H], two[H]
    s = math.sqrt(versine * (2 - versine))
    x0 = math.sqrt(versine / (2 - versine))
    low = one if h <= k else two
    if rho < 0 and (-rho > _MIDDLE or h + k < -3):
        mass, moment = _from_one(0.5 * (h + k), 0.5 * (h - k), x0)
        P, M = 0.0, 0.0
        if h + k > 0:
            high = two if h <= k else one
            P = low[CDF] - high[UPPER]
            M = (h * k - 1) * P + k * one[DENSITY] + h * two[DENSITY]
        return P + mass, M + versine * P + moment
    if rho > _MIDDLE and (h >= 0 or k >= 0 or versine * low[H] * low[H] < 8):
        mass, moment = _from_one(0.5 * (h - k), 0.5 * (h + k), x0)
        M = low[SECOND] + abs(h - k) * low[FIRST]
        return low[CDF] - mass, M - versine * low[CDF] + moment
    independent = one[CDF] * two[CDF]
    M = one[FIRST] * two[FIRST] + rho * independent
    if rho < 0:
        mass, moment = _from_zero(h, -k, -rho, s)
        return independent - mass, M + moment
    mass, moment = _from_zero(h, k, rho, s)
    return independent + mass, M + moment


@njit(error_model="numpy", **INNER)
def _pair_without_biases(rho, versine):
    """P and M for h = k = 0: the arc-cosine kernels of orders 0 and 1."""
    s = math.sqrt(versine * (2 - versine))
    angle = 2 * math.asin(math.sqrt(0.5 * versine))
    if rho >= 0:
        angle = math.pi - angle
    elif angle < 0.1:  # sin t - t cos t, which cancels
        y = angle * angle
        tail = 1 / 30 - y * (1 / 840 - y * (1 / 45360 - y / 3991680))
        return angle / (2 * math.pi), angle * y * (1 / 3 - y * tail) / (2 * math.pi)
    return angle / (2 * math.pi), (s + angle * rho) / (2 * math.pi)


@njit(error_model="numpy", **INNER)
def _at_kinks(one, two, rho, versine, P):
    """What the kinks contribute: first, second, both, s and two factors.

    With A = (k - rho h) / s, where the second neuron switches on the first one's kink,
    and B the other way round: phi(h) Phi(A), phi(k) Phi(B), phi(h) phi(A); then, of the
    second neuron without its norm's scale left out, E[1 relu] and the coefficient of the
    first unit weight in E[1 x relu].
    """
    h, k, norm = one[H], two[H], two[NORM]
    s = math.sqrt(versine * (2 - versine))
    if h > _SURE:
        return 0.0, two[DENSITY], 0.0, s, two[MEAN], 0.0
    if k > _SURE:
        first, bias = one[DENSITY], two[BIAS]
        mean = bias * P + norm * rho * first
        return first, 0.0, 0.0, s, mean, first * (bias - norm * rho * h)
    sign = math.copysign(1.0, rho)
    apart, width = k - sign * h, max(s, 1e-150)
    A, B = (apart + sign * versine * h) / width, sign * (versine * k - apart) / width
    if rho < 0:
        B = (apart - versine * k) / width
    first, second = one[DENSITY] * _cdf(A), two[DENSITY] * _cdf(B)
    both = one[DENSITY] * _density(A)
    mean = norm * (k * P + second + rho * first)
    return first, second, both, s, mean, norm * (s * both + (k - rho * h) * first)


@njit(error_model="numpy", **INNER)
def _correlation(rho, left, right):
    """rho and 1 - |rho|, the latter accurate for nearly parallel unit vectors."""
    versine = 1 - abs(rho)
    if versine < _CLOSE:
        sign, total = math.copysign(1.0, rho), 0.0
        for j in range(left.shape[0]):
            difference = left[j] - sign * right[j]
            total += difference * difference
        versine = 0.5 * total
        rho = sign * (1 - versine)
    return rho, versine


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, error_model="numpy")
def fill(kind, ones, left, twos, right, cosines, out):
    """out[:, i, j] <- what `kind` says of neurons i and j.

    Parameters
    ----------
    kind : int
    ones, left : arrays of shapes (n, 9) and (n, d)
        The table of the first neurons and their unit weights (0 where |w| is 0).
    twos, right : arrays of shapes (m, 9) and (m, d)
    cosines : array of shape (n, m)
        left right'.
    out : array of shape (OUTPUTS[kind], n, m)
    """
    for i in range(ones.shape[0]):
        one = ones[i]
        for j in range(twos.shape[0]):
            two = twos[j]
            rho, versine = _correlation(cosines[i, j], left[i], right[j])
            h, k = one[H], two[H]
            if h < -_NEVER or k < -_NEVER:
                for n in range(out.shape[0]):
                    out[n, i, j] = 0.0
                continue
            # Scaled by the norms, so that it makes sense where these are 0.
            if h > _SURE:
                P = two[CDF]
                M = one[BIAS] * two[MEAN] + one[NORM] * two[NORM] * rho * P
            elif k > _SURE:
                P = one[CDF]
                M = one[MEAN] * two[BIAS] + one[NORM] * two[NORM] * rho * P
            else:
                if h == 0 and k == 0:
                    P, M = _pair_without_biases(rho, versine)
                else:
                    P, M = _pair(one, two, rho, versine)
                M = one[NORM] * two[NORM] * M
            P, M = max(P, 0.0), max(M, 0.0)
            if kind == RELU:
                out[0, i, j] = M
                continue
            if kind == STEP:
                out[0, i, j] = P
                continue
            first, second, both, s, mean, slope = _at_kinks(one, two, rho, versine, P)
            if kind == TANGENT:
                sign = math.copysign(1.0, rho)
                shared = sign * both * s / (1 + abs(rho))
                out[0, i, j] = P
                out[1, i, j] = shared - (h * first if first > 0 else 0.0)
                out[2, i, j] = shared - (k * second if second > 0 else 0.0)
                # Its factor delta delta' is of the order of s^2.
                out[3, i, j] = sign * both / s if s > 1e-15 else 0.0
                out[4, i, j] = first
                out[5, i, j] = second
                out[6, i, j] = sign
                continue
            out[0, i, j] = max(mean, 0.0)
            if kind == SLOPE:
                out[1, i, j] = P
                out[2, i, j] = slope
                out[3, i, j] = M


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, error_model="numpy")
def flips(ones, left, twos, right, out):
    """out[i] <- P(one of the neurons i of the two tables is on and the other is off)."""
    for i in range(out.shape[0]):
        one, two, rho = ones[i], twos[i], 0.0
        for j in range(left.shape[1]):
            rho += left[i, j] * right[i, j]
        rho, versine = _correlation(max(-1.0, min(1.0, rho)), left[i], right[i])
        h, k = one[H], two[H]
        low, high = (one, two) if h <= k else (two, one)
        # Phi(high) - Phi(low), from whichever tail is the smaller.
        apart = low[UPPER] - high[UPPER] if low[H] > 0 else high[CDF] - low[CDF]
        if abs(h) > _SURE or abs(k) > _SURE:
            out[i] = one[CDF] * two[UPPER] + one[UPPER] * two[CDF]
        elif rho > _MIDDLE:
            x0 = math.sqrt(versine / (2 - versine))
            out[i] = apart + 2 * _from_one(0.5 * (h - k), 0.5 * (h + k), x0)[0]
        else:
            out[i] = one[CDF] + two[CDF] - 2 * _pair(one, two, rho, versine)[0]


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, error_model="numpy")
def tangent(coefficients, left, right, has_biases, out):
    """The blocks E[1_w 1_v (x, 1)(x, 1)'] of pairs of neurons, from `fill` of TANGENT.

    For unit w, v and delta = w - sign(rho) v the block of x x' is

        P I - h phi(h) Phi(A) w w' - k phi(k) Phi(B) v v'
            + sign(rho) phi(h) phi(A) ((s / (1 + |rho|)) (w w' + v v') - delta delta' / s);

    `coefficients` are P, the factors of w w' and of v v', minus that of delta delta', then
    the factors of w and v in E[1_w 1_v x] and sign(rho). `out` has shape (n (d + 1),
    m (d + 1)), without the 1 where there are no biases.
    """
    d = left.shape[1]
    size = d + has_biases
    for i in range(left.shape[0]):
        for j in range(right.shape[0]):
            P, ww, vv, dd, w1, v1, sign = coefficients[:, i, j]
            block = out[i * size : (i + 1) * size, j * size : (j + 1) * size]
            w, v = left[i], right[j]
            for a in range(d):
                delta = dd * (w[a] - sign * v[a])
                for c in range(d):
                    value = ww * w[a] * w[c] + vv * v[a] * v[c]
                    block[a, c] = value - delta * (w[c] - sign * v[c])
                block[a, a] += P
                if has_biases:
                    block[a, d] = block[d, a] = w1 * w[a] + v1 * v[a]
            if has_biases:
                block[d, d] = P
