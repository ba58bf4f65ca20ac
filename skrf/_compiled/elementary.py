"""Compiled elementary functions: exponentials, waves, error functions.

They have selections instead of branches, and no conversions to integers, so loops over them
become vector instructions, unlike loops over the C library's functions. Sums must not be
reordered in them. Their errors are a few units in the last place; NaN stays NaN. A result
below the smallest normal number is 0.
"""

import math

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload
from numpy.polynomial import Chebyshev, Polynomial

from skrf._compiled.jit import INNER, njit

_STRICT = {"contract"}
_LN2_HIGH, _LN2_LOW = 6.93145751953125e-1, 1.42860682030941723212e-6
# pi/2 in parts of 30 bits, and for float32 of 8 bits: small multiples of all parts except
# the last one are exact.
_QUARTERS = 1.5707963267341256, 6.077100506303966e-11, 2.0222662487959506e-21
_SINGLE_QUARTERS = (
    1.5703125,
    4.825592041015625e-4,
    1.2665987014770508e-6,
    9.920935796805404e-10,
)
# The C library computes sin and cos of larger arguments.
_LARGE = 1e5
# exp(x^2) erfc(x) (x + 4) as a polynomial in v for 0 <= x <= b, where
# v = ((1 + 8 / b) x - 4) / (x + 4) grows from -1 to 1 (after Shepherd, Laframboise, 1981):
# the first terms of the Chebyshev series, computed in 40 digits. exp(-b^2) is 0.
_ERFC_END, _ERFC_END_SINGLE = 27.0, 9.4
_ERFC = (
    1.2361355714453148,
    -1.0505634991174404,
    0.7735279260445055,
    -0.4916538362362677,
    0.2671786253722298,
    -0.12184431339412741,
    0.04499308142159872,
    -0.012438023078697773,
    0.001998502086714715,
    0.0001343433496416743,
    -0.00017516214971672884,
    3.389917124822006e-05,
    6.350337671587799e-06,
    -3.969856357517608e-06,
    6.566712980430693e-08,
    3.512336343872745e-07,
    -4.133869287555986e-08,
    -3.0757556003557076e-08,
    5.356505157796259e-09,
    2.7150491288109706e-09,
    -3.917359986893336e-10,
    -1.7760212080741694e-10,
)
_ERFC_SINGLE = (
    1.473886353,
    -1.140685593,
    0.7338382801,
    -0.3934341601,
    0.174481263,
    -0.06271794688,
    0.01749793435,
    -0.003342239109,
    0.0001933703681,
    7.709591924e-05,
)


@intrinsic
def _power(typing, k):
    size, mantissa = (32, 23) if k == types.float32 else (64, 52)

    def generate(context, builder, signature, arguments):
        integer, real = ir.IntType(size), arguments[0].type
        one = integer((2 ** (size - mantissa - 2) - 1) << mantissa)
        # The last bits of the sum are those of the integer k.
        shifted = builder.fadd(arguments[0], ir.Constant(real, 1.5 * 2**mantissa))
        bits = builder.shl(builder.bitcast(shifted, integer), integer(mantissa))
        return builder.bitcast(builder.add(bits, one), real)

    return k(k), generate


def power_of_two(k):
    """2**k for a float k with an integer value; 0 for the exponent below the smallest."""
    power = np.exp2(k)
    return power * (power >= np.finfo(k.dtype).tiny)


@overload(power_of_two)
def _power_of_two(k):
    return lambda k: _power(k)


def _economised(taylor, n_terms, domain):
    """The first `n_terms` terms of the Chebyshev series of a polynomial on an interval."""
    series = Polynomial(taylor).convert(kind=Chebyshev, domain=domain)
    return series.truncate(n_terms).convert(kind=Polynomial).coef


def _polynomial(coefficients, single):
    """A function, the polynomial with these coefficients, or others for float32."""

    def evaluate(x):
        return Polynomial(single if x.dtype == np.float32 else coefficients)(x)

    @intrinsic
    def horner(typing, x):
        terms = single if x == types.float32 else coefficients

        def generate(context, builder, signature, arguments):
            constants = [context.get_constant(x, float(term)) for term in terms]
            total = constants.pop()
            while constants:
                total = builder.fmul(total, arguments[0], flags=["contract"])
                total = builder.fadd(total, constants.pop(), flags=["contract"])
            return total

        return x(x), generate

    @overload(evaluate)
    def _evaluate(x):
        return lambda x: horner(x)

    return evaluate


def _series(taylor, n_terms, n_single, domain):
    """The function of a Taylor series, economised for both dtypes on an interval."""
    return _polynomial(*(_economised(taylor, n, domain) for n in (n_terms, n_single)))


_FACTORIALS = [float(math.factorial(n)) for n in range(25)]
_SIGNS = [1.0, -1.0] * 12
# expm1(x) / x; atanh(x) / x, sin(x) / x, cos(x) and erf(x) / x in x^2.
_expm1 = _series([1 / f for f in _FACTORIALS[1:20]], 11, 6, [-0.35, 0.35])
_atanh = _series([1 / (2 * n + 1) for n in range(20)], 10, 5, [0, 1 / 9])
_sin = _series(np.divide(_SIGNS[:12], _FACTORIALS[1::2]), 7, 4, [0, 0.63])
_cos = _series(np.divide(_SIGNS[:12], _FACTORIALS[:24:2]), 7, 4, [0, 0.63])
_erf = _series(
    [
        2 / math.sqrt(math.pi) * _SIGNS[n] / (_FACTORIALS[n] * (2 * n + 1))
        for n in range(16)
    ],
    *(9, 5, [0, 0.25]),
)
_scaled_erfc = _polynomial(_ERFC, _ERFC_SINGLE)


@njit(fastmath=_STRICT, **INNER)
def _is_single(x):
    """Whether x is float32; the compiler knows the answer."""
    one = type(x)(1)
    return one + type(x)(1e-10) == one


@njit(fastmath=_STRICT, **INNER)
def _nearest(x):
    """The integer nearest to x, for |x| < 2^22 in float32 and 2^51 in float64."""
    shift = type(x)(1.5 * 2**23 if _is_single(x) else 1.5 * 2**52)
    return (x + shift) - shift


@njit(fastmath=_STRICT, **INNER)
def _exp_parts(x):
    """(2**k, expm1(r)) with x = k log 2 + r, |r| <= log(2) / 2, for x <= 0."""
    real = type(x)
    lowest = real(-127 * math.log(2)) if _is_single(x) else real(-1023 * math.log(2))
    x = lowest if x < lowest else x
    k = _nearest(x * real(1 / math.log(2)))
    r = (x - k * real(_LN2_HIGH)) - k * real(_LN2_LOW)
    return power_of_two(k), r * _expm1(r)


@njit(fastmath=_STRICT, **INNER)
def _exp(x):
    """exp(x) for x <= 0."""
    power, e = _exp_parts(x)
    return power + power * e


@njit(fastmath=_STRICT, error_model="numpy", **INNER)
def logistic(x):
    """(1 / (1 + exp(-x)), its derivative)."""
    one, e = type(x)(1), _exp(-abs(x))
    sigma = one / (one + e)
    return (sigma * e if x < 0 else sigma), sigma * sigma * e


@njit(fastmath=_STRICT, error_model="numpy", **INNER)
def tanh(x):
    """(tanh(x), its derivative)."""
    one, two = type(x)(1), type(x)(2)
    power, e = _exp_parts(-two * abs(x))
    # expm1(-2 |x|), and 2 / (1 + exp(-2 |x|)).
    below, sigma = power * e + (power - one), one / (two + (power * e + (power - one)))
    value = below * sigma
    return (value if x < 0 else -value), (two * sigma) * (two * sigma) * (power + power * e)


@njit(fastmath=_STRICT, error_model="numpy", **INNER)
def softplus(x):
    """(log(1 + exp(x)), its derivative)."""
    zero, one, two = type(x)(0), type(x)(1), type(x)(2)
    e = _exp(-abs(x))
    # log(1 + e) = 2 atanh(s), of which s**2 <= 1/9; one division for both quotients.
    inverse = one / ((one + e) * (two + e))
    s = e * (one + e) * inverse
    tail = two * s * _atanh(s * s)
    sigma = (two + e) * inverse
    return (zero if x < zero else x) + tail, (e if x < zero else one) * sigma


@njit(fastmath=_STRICT, error_model="numpy", **INNER)
def _tails(x):
    """(erfc(|x|), exp(-x**2))."""
    real = type(x)
    bell = _exp(-x * x)
    end = _ERFC_END_SINGLE if _is_single(x) else _ERFC_END
    x = abs(x)
    x = real(end) if x > real(end) else x
    inverse = real(1) / (x + real(4))
    return bell * inverse * _scaled_erfc((real(1 + 8 / end) * x - real(4)) * inverse), bell


@njit(fastmath=_STRICT, error_model="numpy", **INNER)
def erf(x):
    """(erf(x), its derivative)."""
    real = type(x)
    tail, bell = _tails(x)
    square, quarter = x * x, real(0.25)
    near = x * _erf(square if square < quarter else quarter)
    far = tail - real(1) if x < 0 else real(1) - tail
    return (near if square < quarter else far), real(2 / math.sqrt(math.pi)) * bell


@njit(fastmath=_STRICT, error_model="numpy", **INNER)
def gelu(x):
    """(x P(g < x) for a standard Gaussian g, its derivative)."""
    real = type(x)
    half, density = real(0.5), real(1 / math.sqrt(2 * math.pi))
    tail, bell = _tails(real(math.sqrt(0.5)) * x)
    tail *= half
    phi = tail if x < 0 else real(1) - tail
    return x * phi, phi + x * density * bell


@njit(fastmath=_STRICT, **INNER)
def _reduced(x):
    """(k, r) with x = k pi/2 + r and |r| at most about pi/4."""
    real = type(x)
    k = _nearest(x * real(2 / math.pi))
    if _is_single(x):
        a, b, c, d = _SINGLE_QUARTERS
        return k, (((x - k * real(a)) - k * real(b)) - k * real(c)) - k * real(d)
    a, b, c = _QUARTERS
    return k, ((x - k * real(a)) - k * real(b)) - k * real(c)


@njit(fastmath=_STRICT, **INNER)
def _sin_cos(x):
    """(sin(x), cos(x)) for |x| <= _LARGE."""
    real = type(x)
    k, r = _reduced(x)
    quadrant = k - real(4) * np.floor(k * real(0.25))
    square = r * r
    sine, cosine = r * _sin(square), _cos(square)
    odd = (quadrant == real(1)) | (quadrant == real(3))
    s, c = (cosine if odd else sine), (sine if odd else cosine)
    negative = (quadrant == real(1)) | (quadrant == real(2))
    return (-s if quadrant >= real(2) else s), (-c if negative else c)


@njit(fastmath={"reassoc", "nsz"}, **INNER)
def sines(z, sine, cosine):
    """sin(z) and cos(z) for 1-D arrays."""
    zero, one = z.dtype.type(0), z.dtype.type(1)
    n_large = zero  # Not an integer, which would halve the length of the vectors.
    for i in range(z.shape[0]):
        sine[i], cosine[i] = _sin_cos(z[i])
        n_large += one if abs(z[i]) > _LARGE else zero
    if n_large > zero:
        for i in range(z.shape[0]):
            if abs(z[i]) > _LARGE:
                sine[i], cosine[i] = math.sin(z[i]), math.cos(z[i])
