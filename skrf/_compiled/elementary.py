"""Compiled elementary functions of arrays: exponentials, waves, error functions.

They have selections instead of branches, so loops over them become vector instructions,
unlike loops over the C library's functions. Sums must not be reordered in them. Their
errors are a few units in the last place; NaN stays NaN.
"""

import math

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload
from numpy.polynomial import chebyshev

from skrf._compiled.jit import INNER, njit

_STRICT = {"contract"}
_LN2_HIGH, _LN2_LOW = 6.93145751953125e-1, 1.42860682030941723212e-6
# pi/2 in parts of 30 bits: small multiples of the first two are exact.
_QUARTERS = 1.5707963267341256, 6.077100506303966e-11, 2.0222662487959506e-21
# The C library computes sin and cos of larger arguments.
_LARGE = 1e5
_EXPM1 = tuple(1 / math.factorial(n + 1) for n in range(13))
_ATANH_LOW = tuple(1 / (2 * n + 1) for n in range(8))
_ATANH_HIGH = tuple(1 / (2 * n + 1) for n in range(8, 17))
_SIN = tuple((-1) ** n / math.factorial(2 * n + 1) for n in range(9))
_COS = tuple((-1) ** n / math.factorial(2 * n) for n in range(9))
_ERF = tuple(
    (-1) ** n * 2 / math.sqrt(math.pi) / (math.factorial(n) * (2 * n + 1))
    for n in range(18)
)
# (1 + 2 x) exp(x^2) erfc(x) as a polynomial in (x - 3.75) / (x + 3.75) for x >= 0 (the
# transformation of Shepherd and Laframboise, 1981): its Chebyshev series up to degree 23,
# computed in 40 digits.
_ERFC_LOW = (
    1.2375126308378275,
    -0.14024059858554697,
    0.0035854154854790257,
    0.0822767384901452,
    -0.10880393014244462,
    0.09230432116037748,
    -0.05869339857664934,
    0.028362277418956406,
    -0.009746579683265262,
    0.0017556258528952954,
    0.000293714378044958,
    -0.0002901540805408417,
)
_ERFC_HIGH = (
    5.164652974177416e-05,
    2.238423915508223e-05,
    -1.1438048033346894e-05,
    -9.73559896736775e-07,
    1.7419821586224816e-06,
    -5.7218230603224086e-08,
    -2.4857126248016745e-07,
    2.3263508708859124e-08,
    3.197926671666804e-08,
    -3.744210080962018e-09,
    -2.623107347133476e-09,
    3.1114333809799254e-10,
)

# The Chebyshev series for float32.
_ERFC_SINGLE = tuple(chebyshev.cheb2poly(chebyshev.poly2cheb(_ERFC_LOW + _ERFC_HIGH)[:13]))


@intrinsic
def _saturating_power(typing, k):
    size, mantissa = (32, 23) if k == types.float32 else (64, 52)

    def generate(context, builder, signature, arguments):
        integer = ir.IntType(size)
        bias = 2 ** (size - mantissa - 2) - 1
        bits = builder.add(builder.fptosi(arguments[0], integer), integer(bias))
        # The number 0 has exponent 0, infinity has the maximum exponent.
        for limit, beyond in ((0, "<"), (2 * bias + 1, ">")):
            outside = builder.icmp_signed(beyond, bits, integer(limit))
            bits = builder.select(outside, integer(limit), bits)
        bits = builder.shl(bits, integer(mantissa))
        return builder.bitcast(bits, arguments[0].type)

    return k(k), generate


def power_of_two(k):
    """2**k for a float k with an integer value; 0 or infinity outside the exponents."""
    return np.exp2(k)


@overload(power_of_two)
def _power_of_two(k):
    return lambda k: _saturating_power(k)


@njit(fastmath=_STRICT, **INNER)
def _is_single(x):
    """Whether x is float32; the compiler knows the answer."""
    one = type(x)(1)
    return one + type(x)(1e-10) == one


@njit(fastmath=_STRICT, **INNER)
def _polynomial(coefficients, n_single, x):
    """sum_n coefficients[n] x**n; its first `n_single` terms are enough for float32."""
    real = type(x)
    n_terms = n_single if _is_single(x) else len(coefficients)
    total = real(coefficients[n_terms - 1])
    for n in range(n_terms - 2, -1, -1):
        total = total * x + real(coefficients[n])
    return total


@njit(fastmath=_STRICT, **INNER)
def _exp_parts(x):
    """(k, expm1(r)) with x = k log 2 + r, |r| <= log(2) / 2; beyond 1500 as at 1500."""
    real = type(x)
    x = real(-1500) if x < real(-1500) else (real(1500) if x > real(1500) else x)
    k = x * real(1 / math.log(2)) + real(0.5)
    k = real(math.floor(k if k == k else real(0)))
    r = (x - k * real(_LN2_HIGH)) - k * real(_LN2_LOW)
    return k, r * _polynomial(_EXPM1, 7, r)


@njit(fastmath=_STRICT, **INNER)
def _exp(x):
    k, e = _exp_parts(x)
    # In two factors, as 2**k alone may overflow or underflow where the result does not.
    half = type(x)(math.floor(k * type(x)(0.5)))
    return (type(x)(1) + e) * power_of_two(half) * power_of_two(k - half)


@njit(fastmath=_STRICT, error_model="numpy", **INNER)
def logistic(x):
    """(1 / (1 + exp(-x)), its derivative)."""
    one, e = type(x)(1), _exp(-abs(x))
    sigma = one / (one + e)
    return (sigma * e if x < 0 else sigma), sigma * sigma * e


@njit(fastmath=_STRICT, **INNER)
def _sin_cos(x):
    """(sin(x), cos(x)) for |x| <= _LARGE."""
    real = type(x)
    exact = np.float64(x)
    k = np.floor(exact * (2 / math.pi) + 0.5)
    r = ((exact - k * _QUARTERS[0]) - k * _QUARTERS[1]) - k * _QUARTERS[2]
    quadrant = k - 4 * np.floor(k * 0.25)
    r = real(r)
    square = r * r
    sine, cosine = r * _polynomial(_SIN, 5, square), _polynomial(_COS, 6, square)
    odd = (quadrant == 1) | (quadrant == 3)
    s, c = (cosine if odd else sine), (sine if odd else cosine)
    return (-s if quadrant >= 2 else s), (-c if (quadrant == 1) | (quadrant == 2) else c)


# These take arrays, because the compiler does not inline functions of this size.


@njit(fastmath=_STRICT, error_model="numpy", **INNER)
def tanh(z, value, slope):
    """tanh(z) and its derivative, for 1-D arrays."""
    one, two, four = z.dtype.type(1), z.dtype.type(2), z.dtype.type(4)
    for i in range(z.shape[0]):
        k, e = _exp_parts(-two * abs(z[i]))
        power = power_of_two(k)
        value[i], slope[i] = power * e + (power - one), power * (one + e)
    for i in range(z.shape[0]):
        # From expm1(-2 |z|) and exp(-2 |z|).
        sigma = one / (two + value[i])
        value[i] *= sigma if z[i] < 0 else -sigma
        slope[i] *= four * sigma * sigma


@njit(fastmath=_STRICT, error_model="numpy", **INNER)
def softplus(z, value, slope):
    """log(1 + exp(z)) and its derivative, for 1-D arrays."""
    zero, one, two = z.dtype.type(0), z.dtype.type(1), z.dtype.type(2)
    for i in range(z.shape[0]):
        slope[i] = _exp(-abs(z[i]))
    for i in range(z.shape[0]):
        # log(1 + e) = 2 atanh(s), of which s**2 <= 1/9.
        s = slope[i] / (two + slope[i])
        # In two parts, because the compiler does not unroll longer loops.
        square = s * s
        low = _polynomial(_ATANH_LOW, 8, square)
        high = _polynomial(_ATANH_HIGH, 1, square)
        fourth = (square * square) * (square * square)
        tail = two * s * (low + fourth * fourth * high)
        value[i] = (zero if z[i] < zero else z[i]) + tail
    for i in range(z.shape[0]):
        slope[i] = (slope[i] if z[i] < zero else one) / (one + slope[i])


@njit(fastmath=_STRICT, **INNER)
def _scaled_erfc(u):
    if _is_single(u):
        return _polynomial(_ERFC_SINGLE, len(_ERFC_SINGLE), u)
    low, high = _polynomial(_ERFC_LOW, 12, u), _polynomial(_ERFC_HIGH, 12, u)
    power = u * u * u * u
    return low + power * power * power * high


@njit(fastmath=_STRICT, error_model="numpy", **INNER)
def _tails(z, tail, bell):
    """erfc(|z|) and exp(-z**2), for 1-D arrays."""
    real = z.dtype.type
    for i in range(z.shape[0]):
        bell[i] = _exp(-z[i] * z[i])
    for i in range(z.shape[0]):
        x = abs(z[i])
        u = (x - real(3.75)) / (x + real(3.75))
        tail[i] = bell[i] * _scaled_erfc(u) / (real(1) + real(2) * x)


@njit(fastmath=_STRICT, error_model="numpy", **INNER)
def erf(z, value, slope):
    """erf(z) and its derivative, for 1-D arrays."""
    one, peak = z.dtype.type(1), z.dtype.type(2 / math.sqrt(math.pi))
    _tails(z, value, slope)
    for i in range(z.shape[0]):
        square = z[i] * z[i]
        near = z[i] * _polynomial(_ERF, 11, square if square < one else one)
        far = value[i] - one if z[i] < 0 else one - value[i]
        value[i] = near if square < one else far
        slope[i] *= peak


@njit(fastmath=_STRICT, error_model="numpy", **INNER)
def gelu(z, value, slope):
    """z P(g < z) for a standard Gaussian g, and its derivative, for 1-D arrays."""
    real = z.dtype.type
    one, half, density = real(1), real(0.5), real(1 / math.sqrt(2 * math.pi))
    _tails(real(math.sqrt(0.5)) * z, value, slope)
    for i in range(z.shape[0]):
        phi = half * value[i] if z[i] < 0 else one - half * value[i]
        value[i] = z[i] * phi
        slope[i] = phi + z[i] * density * slope[i]


@njit(fastmath=_STRICT, **INNER)
def sines(z, sine, cosine):
    """sin(z) and cos(z) for 1-D arrays."""
    n_large = 0
    for i in range(z.shape[0]):
        sine[i], cosine[i] = _sin_cos(z[i])
        n_large += abs(z[i]) > _LARGE
    if n_large > 0:
        for i in range(z.shape[0]):
            if abs(z[i]) > _LARGE:
                sine[i], cosine[i] = math.sin(z[i]), math.cos(z[i])
