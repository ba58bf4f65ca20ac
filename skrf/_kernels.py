"""Compiled code that applies an activation or a loss.

All of it lives in this one file because numba's disk cache does not notice edits in
imported files. Every function is a deterministic function of its arrays: randomness is
drawn by the caller. Activations and losses are chosen by integer code, so nothing
recompiles in a new process; `activations.ACTIVATIONS` and `losses.LOSSES` name the codes.

Adding an activation is one branch in `activate` and one row in its table; adding a loss
is one branch in `loss` and one row in its table.
"""

import math

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from skrf._jit import njit

# NaN and infinity must survive (divergence is noticed by them), so no "nnan", no "ninf".
FASTMATH = {"reassoc", "contract", "nsz", "arcp"}
# Functions that only other kernels call: they need no way in from Python.
_INNER = {"nogil": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}

(
    RELU,
    STEP,
    LEAKY_RELU,
    ABS,
    SQUARED_RELU,
    SOFTPLUS,
    SILU,
    GELU,
    TANH,
    SIGMOID,
    ERF,
    SIN,
    COS,
    IDENTITY,
) = range(14)
LEAK = 0.01

SQUARED_ERROR, HINGE = range(2)

# Columns of a row that are handled at a time: some scratch rows of them stay in L1.
_TILE = 1024


# The elementary functions below have no branches, only selections, so that loops over
# them become vector instructions, which those of the C library do not. Sums must not be
# reordered in them. Their errors are a few units in the last place; NaN stays NaN.
_STRICT = {"contract"}
_LN2_HIGH, _LN2_LOW = 6.93145751953125e-1, 1.42860682030941723212e-6
# pi/2 in parts of 30 bits, so that small multiples of the first two are exact.
_QUARTERS = 1.5707963267341256, 6.077100506303966e-11, 2.0222662487959506e-21
# Larger arguments of sin and cos are left to the C library.
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


@intrinsic
def _saturating_power(typing, k):
    size, mantissa = (32, 23) if k == types.float32 else (64, 52)

    def generate(context, builder, signature, arguments):
        integer = ir.IntType(size)
        bias = 2 ** (size - mantissa - 2) - 1
        bits = builder.add(builder.fptosi(arguments[0], integer), integer(bias))
        # Exponent 0 is that of the number 0, the largest that of infinity.
        for limit, beyond in ((0, "<"), (2 * bias + 1, ">")):
            outside = builder.icmp_signed(beyond, bits, integer(limit))
            bits = builder.select(outside, integer(limit), bits)
        bits = builder.shl(bits, integer(mantissa))
        return builder.bitcast(bits, arguments[0].type)

    return k(k), generate


def power_of_two(k):
    """2**k for a float k that is an integer; 0 or infinity where no exponent holds it."""
    return np.exp2(k)


@overload(power_of_two)
def _power_of_two(k):
    return lambda k: _saturating_power(k)


@njit(fastmath=_STRICT, **_INNER)
def _polynomial(coefficients, x):
    """sum_n coefficients[n] x**n."""
    real = type(x)
    total = real(coefficients[-1])
    for n in range(len(coefficients) - 2, -1, -1):
        total = total * x + real(coefficients[n])
    return total


@njit(fastmath=_STRICT, **_INNER)
def _exp_parts(x):
    """(k, expm1(r)) with x = k log 2 + r, |r| <= log(2) / 2; beyond 1500 as at 1500."""
    real = type(x)
    x = real(-1500) if x < real(-1500) else (real(1500) if x > real(1500) else x)
    k = x * real(1 / math.log(2)) + real(0.5)
    k = real(math.floor(k if k == k else real(0)))
    r = (x - k * real(_LN2_HIGH)) - k * real(_LN2_LOW)
    return k, r * _polynomial(_EXPM1, r)


@njit(fastmath=_STRICT, **_INNER)
def _exp(x):
    k, e = _exp_parts(x)
    # In two steps, because 2**k may be too large or too small where the result is not.
    half = type(x)(math.floor(k * type(x)(0.5)))
    return (type(x)(1) + e) * power_of_two(half) * power_of_two(k - half)


@njit(fastmath=_STRICT, error_model="numpy", **_INNER)
def _logistic(x):
    """(1 / (1 + exp(-x)), its derivative)."""
    one, e = type(x)(1), _exp(-abs(x))
    share = one / (one + e)
    return (share * e if x < 0 else share), share * share * e


@njit(fastmath=_STRICT, **_INNER)
def _sin_cos(x):
    """(sin(x), cos(x)) for |x| <= _LARGE."""
    real = type(x)
    exact = np.float64(x)
    k = np.floor(exact * (2 / math.pi) + 0.5)
    r = ((exact - k * _QUARTERS[0]) - k * _QUARTERS[1]) - k * _QUARTERS[2]
    quadrant = k - 4 * np.floor(k * 0.25)
    r = real(r)
    square = r * r
    sine, cosine = r * _polynomial(_SIN, square), _polynomial(_COS, square)
    odd = (quadrant == 1) | (quadrant == 3)
    s, c = (cosine if odd else sine), (sine if odd else cosine)
    return (-s if quadrant >= 2 else s), (-c if (quadrant == 1) | (quadrant == 2) else c)


# These take arrays, because the compiler does not inline functions of this size.


@njit(fastmath=_STRICT, error_model="numpy", **_INNER)
def _tanh(z, value, slope):
    """tanh(z) and its derivative, for 1-D arrays."""
    one, two, four = z.dtype.type(1), z.dtype.type(2), z.dtype.type(4)
    for i in range(z.shape[0]):
        k, e = _exp_parts(-two * abs(z[i]))
        power = power_of_two(k)
        value[i], slope[i] = power * e + (power - one), power * (one + e)
    for i in range(z.shape[0]):
        # From expm1(-2 |z|) and exp(-2 |z|).
        share = one / (two + value[i])
        value[i] *= share if z[i] < 0 else -share
        slope[i] *= four * share * share


@njit(fastmath=_STRICT, error_model="numpy", **_INNER)
def _softplus(z, value, slope):
    """log(1 + exp(z)) and its derivative, for 1-D arrays."""
    zero, one, two = z.dtype.type(0), z.dtype.type(1), z.dtype.type(2)
    for i in range(z.shape[0]):
        slope[i] = _exp(-abs(z[i]))
    for i in range(z.shape[0]):
        # log(1 + e) = 2 atanh(s), of which s**2 <= 1/9.
        s = slope[i] / (two + slope[i])
        # In two parts, because the compiler does not unroll longer loops.
        square = s * s
        low, high = _polynomial(_ATANH_LOW, square), _polynomial(_ATANH_HIGH, square)
        fourth = (square * square) * (square * square)
        tail = two * s * (low + fourth * fourth * high)
        value[i] = (zero if z[i] < zero else z[i]) + tail
    for i in range(z.shape[0]):
        slope[i] = (slope[i] if z[i] < zero else one) / (one + slope[i])


@njit(fastmath=_STRICT, error_model="numpy", **_INNER)
def _tails(z, tail, bell):
    """erfc(|z|) and exp(-z**2), for 1-D arrays."""
    real = z.dtype.type
    for i in range(z.shape[0]):
        bell[i] = _exp(-z[i] * z[i])
    for i in range(z.shape[0]):
        x = abs(z[i])
        u = (x - real(3.75)) / (x + real(3.75))
        low, high = _polynomial(_ERFC_LOW, u), _polynomial(_ERFC_HIGH, u)
        power = u * u * u * u
        scaled = low + power * power * power * high
        tail[i] = bell[i] * scaled / (real(1) + real(2) * x)


@njit(fastmath=_STRICT, error_model="numpy", **_INNER)
def _erf(z, value, slope):
    """erf(z) and its derivative, for 1-D arrays."""
    one, peak = z.dtype.type(1), z.dtype.type(2 / math.sqrt(math.pi))
    _tails(z, value, slope)
    for i in range(z.shape[0]):
        square = z[i] * z[i]
        near = z[i] * _polynomial(_ERF, square if square < one else one)
        far = value[i] - one if z[i] < 0 else one - value[i]
        value[i] = near if square < one else far
        slope[i] *= peak


@njit(fastmath=_STRICT, error_model="numpy", **_INNER)
def _gelu(z, value, slope):
    """z P(g < z) for a standard Gaussian g, and its derivative, for 1-D arrays."""
    real = z.dtype.type
    one, half, density = real(1), real(0.5), real(1 / math.sqrt(2 * math.pi))
    _tails(real(math.sqrt(0.5)) * z, value, slope)
    for i in range(z.shape[0]):
        phi = half * value[i] if z[i] < 0 else one - half * value[i]
        value[i] = z[i] * phi
        slope[i] = phi + z[i] * density * slope[i]


@njit(fastmath=_STRICT, **_INNER)
def _sines(z, sine, cosine):
    """sin(z) and cos(z) for 1-D arrays."""
    n_large = 0
    for i in range(z.shape[0]):
        sine[i], cosine[i] = _sin_cos(z[i])
        n_large += abs(z[i]) > _LARGE
    if n_large > 0:
        for i in range(z.shape[0]):
            if abs(z[i]) > _LARGE:
                sine[i], cosine[i] = math.sin(z[i]), math.cos(z[i])


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, fastmath=FASTMATH)
def activate(z, code, value, slope):
    """value = act(z) and slope = act'(z) for 1-D arrays; `z` must not overlap the results.

    The derivative at a kink is the one on the left (0 for relu), as in the paper's
    indicator 1(z > 0); abs takes 0 there. NaN in `z` is NaN in `value`.
    """
    real = z.dtype.type
    zero, one, two = real(0), real(1), real(2)
    n = z.shape[0]
    if code == RELU:
        for i in range(n):
            value[i] = zero if z[i] < zero else z[i]
            slope[i] = one if z[i] > zero else zero
    elif code == STEP:
        for i in range(n):
            value[i] = one if z[i] > zero else (zero if z[i] == z[i] else z[i])
            slope[i] = zero
    elif code == LEAKY_RELU:
        leak = real(LEAK)
        for i in range(n):
            slope[i] = one if z[i] > zero else leak
            value[i] = z[i] * slope[i]
    elif code == ABS:
        for i in range(n):
            value[i] = abs(z[i])
            slope[i] = one if z[i] > zero else (-one if z[i] < zero else zero)
    elif code == SQUARED_RELU:
        for i in range(n):
            positive = zero if z[i] < zero else z[i]
            value[i] = positive * positive
            slope[i] = two * positive
    elif code == SOFTPLUS:
        _softplus(z, value, slope)
    elif code == SILU:
        for i in range(n):
            sigma, bend = _logistic(z[i])
            value[i] = z[i] * sigma
            slope[i] = sigma + z[i] * bend
    elif code == GELU:
        _gelu(z, value, slope)
    elif code == TANH:
        _tanh(z, value, slope)
    elif code == SIGMOID:
        for i in range(n):
            value[i], slope[i] = _logistic(z[i])
    elif code == ERF:
        _erf(z, value, slope)
    elif code == SIN:
        _sines(z, value, slope)
    elif code == COS:
        _sines(z, slope, value)
        for i in range(n):
            slope[i] = -slope[i]
    else:
        for i in range(n):
            value[i] = z[i]
            slope[i] = one


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, fastmath=FASTMATH)
def loss(prediction, y, code):
    """(loss, d loss / d prediction) of one output; NaN in `prediction` gives a NaN loss."""
    if code == SQUARED_ERROR:
        residual = prediction - y
        return residual * residual / type(residual)(2), residual
    # HINGE
    margin = y * prediction
    zero, one = type(margin)(0), type(margin)(1)
    if margin >= one:
        return zero, zero
    return one - margin, -y


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, fastmath=FASTMATH)
def losses(predictions, Y, value, slope, code):
    """`loss` for every entry of 2-D arrays, into `value` and `slope`."""
    for i in range(Y.shape[0]):
        for k in range(Y.shape[1]):
            value[i, k], slope[i, k] = loss(predictions[i, k], Y[i, k], code)


# Characters that tell BLAS whether a matrix is transposed.
_PLAIN, _TRANSPOSED = ord("N"), ord("T")


@intrinsic
def _call_gemm(typing, gemm, flags, sizes, scalars, a, b, c):
    """Call the routine at the address `gemm` in Fortran's manner: everything by pointer."""

    def generate(context, builder, signature, arguments):
        pointer = ir.IntType(8).as_pointer()

        def data(k):
            array = context.make_array(signature.args[k])(context, builder, arguments[k])
            return builder.bitcast(array.data, pointer)

        def item(k, index, size):
            return builder.gep(data(k), [ir.Constant(ir.IntType(64), index * size)])

        one, beta = (item(3, i, signature.args[3].dtype.bitwidth // 8) for i in range(2))
        m, n, k, lead_a, lead_b, lead_c = (item(2, i, 8) for i in range(6))
        given = [item(1, 0, 1), item(1, 1, 1), m, n, k, one, data(4), lead_a]
        given += [data(5), lead_b, beta, data(6), lead_c]
        routine = ir.FunctionType(ir.VoidType(), [pointer] * len(given)).as_pointer()
        builder.call(builder.inttoptr(arguments[0], routine), given)
        return context.get_dummy_value()

    return types.void(gemm, flags, sizes, scalars, a, b, c), generate


@njit(**_INNER)
def _layout(matrix):
    """(whether Fortran has to transpose the matrix, its leading dimension)."""
    item = matrix.itemsize
    if matrix.strides[1] == item:
        return _PLAIN, max(matrix.strides[0] // item, matrix.shape[1])
    return _TRANSPOSED, max(matrix.strides[1] // item, matrix.shape[0])


def product(gemm, a, b, c, beta):
    """C <- a b + beta c in place, by the BLAS routine at the address `gemm`.

    For C-ordered arrays, their row slices and their transposes; c is not transposed.
    """
    c[...] = a @ b + beta * c if beta else a @ b


@overload(product)
def _product(gemm, a, b, c, beta):
    # Fortran sees transposes: it is asked for c' = b' a'.
    def product(gemm, a, b, c, beta):
        flags, sizes = np.empty(2, np.uint8), np.empty(6, np.int64)
        scalars = np.empty(2, c.dtype)
        scalars[0], scalars[1] = 1, beta
        sizes[0], sizes[1], sizes[2] = c.shape[1], c.shape[0], a.shape[1]
        flags[0], sizes[3] = _layout(b)
        flags[1], sizes[4] = _layout(a)
        sizes[5] = max(c.strides[0] // c.itemsize, c.shape[1])
        _call_gemm(gemm, flags, sizes, scalars, b, a, c)

    return product


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, fastmath=FASTMATH)
def random_feature_rows(Z, biases, code, scale):
    """Z <- scale * act(Z + biases), row by row, in place."""
    width = Z.shape[1]
    factor = Z.dtype.type(scale)
    z = np.empty(min(_TILE, width), Z.dtype)
    slope = np.empty(z.shape[0], Z.dtype)
    for i in range(Z.shape[0]):
        for start in range(0, width, _TILE):
            stop = min(start + _TILE, width)
            tile = Z[i, start:stop]
            shift = biases[start:stop]
            for j in range(stop - start):
                z[j] = tile[j] + shift[j]
            activate(z[: stop - start], code, tile, slope)
            for j in range(stop - start):
                tile[j] *= factor


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, fastmath=FASTMATH)
def tangent_rows(Z, biases, output_weights, code, scale, values):
    """Z <- scale * output_weights * act'(Z + biases), values <- scale * act(Z + biases).

    Row by row, in place; `values` may have no columns.
    """
    real, width = Z.dtype.type, Z.shape[1]
    z = np.empty(min(_TILE, width), Z.dtype)
    value = np.empty(z.shape[0], Z.dtype)
    for i in range(Z.shape[0]):
        for left in range(0, width, _TILE):
            n = min(_TILE, width - left)
            tile, shift, a = Z[i, left : left + n], biases[left:], output_weights[left:]
            for j in range(n):
                z[j] = tile[j] + shift[j]
            activate(z[:n], code, value[:n], tile)
            for j in range(n):
                tile[j] *= real(scale) * a[j]
            for j in range(min(n, values.shape[1])):
                values[i, left + j] = real(scale) * value[j]


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, fastmath=FASTMATH)
def dual(p, q, cosine, sine, nodes, weights, code, part, out):
    """out[i] <- E f(p_i g) f(q_i (cosine_i g + sine_i h)), f = act (part 0) or act' (1).

    For independent standard Gaussians g and h, by a rule with the given nodes and weights
    for each of them.
    """
    n = nodes.shape[0]
    z, found = np.empty(n), np.empty((2, n))
    for i in range(out.shape[0]):
        for j in range(n):
            z[j] = p[i] * nodes[j]
        activate(z, code, found[0], found[1])
        outer = found[part] * weights
        out[i] = 0.0
        for k in range(n):
            for j in range(n):
                z[j] = q[i] * (cosine[i] * nodes[k] + sine[i] * nodes[j])
            activate(z, code, found[0], found[1])
            inner, values = 0.0, found[part]
            for j in range(n):
                inner += weights[j] * values[j]
            out[i] += outer[k] * inner


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, fastmath=FASTMATH)
def recurrences(n_updates, first, eta0, power_t, momentum, alpha, average_after):
    """Coefficients of the weights after each of `n_updates` updates of SGD.

    With Q_s the gradient of update s without the penalty, the recurrence
    V_j = momentum V_{j-1} - eta_j (Q_j + alpha W_{j-1}), W_j = W_{j-1} + V_j gives

        W_j = w[j, 0] W_0 + w[j, 1] V_0 + sum_{s=1}^{j} w[j, 1 + s] Q_s,

    and V_j likewise; eta_j = eta0 / (first + j)**power_t. Returns w for all j, v for the
    last j, and the sum of the w[j] with first + j > average_after.
    """
    n = n_updates + 2
    w, v, summed = np.zeros((n_updates + 1, n)), np.zeros(n), np.zeros(n)
    w[0, 0] = v[1] = 1.0
    for j in range(1, n_updates + 1):
        eta = eta0 / (first + j) ** power_t
        for s in range(j + 1):
            v[s] = momentum * v[s] - eta * alpha * w[j - 1, s]
        v[1 + j] = -eta
        for s in range(j + 2):
            w[j, s] = w[j - 1, s] + v[s]
        if first + j > average_after:
            for s in range(j + 2):
                summed[s] += w[j, s]
    return w, v, summed


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, fastmath=FASTMATH)
def couplings(gram, w, w_biases, batch_size):
    """gram[i, s] <- what row i's pre-activations take from q_s; 0 for rows s not before.

    Row i is in update i // batch_size, which uses the weights after the updates before it.
    """
    real = gram.dtype.type
    for i in range(gram.shape[0]):
        update = i // batch_size
        for s in range(gram.shape[0]):
            if s < update * batch_size:
                k = 2 + s // batch_size
                gram[i, s] = real(w[update, k]) * gram[i, s] + real(w_biases[update, k])
            else:
                gram[i, s] = real(0)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, fastmath=FASTMATH)
def combine(W, V, A, w, v, shares, kept):
    """The part of the recurrences that starts from W, V and A, for 1-D arrays in place.

    A <- kept A + shares[0] W + shares[1] V, W <- w[0] W + w[1] V, V <- v[0] W + v[1] V;
    an empty V or A is not there.
    """
    if V.shape[0] == 0 and A.shape[0] == 0 and w[0] == 1:
        return
    real = W.dtype.type
    w_w, w_v, v_w, v_v = real(w[0]), real(w[1]), real(v[0]), real(v[1])
    a_w, a_v, a_a = real(shares[0]), real(shares[1]), real(kept)
    for i in range(W.shape[0]):
        old, velocity = W[i], real(0)
        if V.shape[0] > 0:
            velocity = V[i]
            V[i] = v_w * old + v_v * velocity
        if A.shape[0] > 0:
            A[i] = a_a * A[i] + a_w * old + a_v * velocity
        W[i] = w_w * old + w_v * velocity


@njit(fastmath=FASTMATH, **_INNER)
def _scaled(X, factors):
    """Rows of X times factors; X itself where these are all 1."""
    out, plain = X, True
    for i in range(X.shape[0]):
        plain &= factors[i] == 1
    if not plain:
        out = np.empty(X.shape, X.dtype)
        for i in range(X.shape[0]):
            for j in range(X.shape[1]):
                out[i, j] = factors[i] * X[i, j]
    return out


@njit(fastmath=FASTMATH, **_INNER)
def _descend(theta, gradient, velocity, eta, momentum):
    """Heavy ball: v <- momentum v - eta gradient; theta <- theta + v, for 1-D arrays."""
    if momentum == 0:
        for j in range(theta.shape[0]):
            theta[j] -= eta * gradient[j]
    else:
        for j in range(theta.shape[0]):
            velocity[j] = momentum * velocity[j] - eta * gradient[j]
            theta[j] += velocity[j]


@njit(fastmath=FASTMATH, **_INNER)
def _fold(average, theta, rate):
    """Move an average towards theta: average <- average + rate (theta - average)."""
    for j in range(theta.shape[0]):
        average[j] += rate * (theta[j] - average[j])


@njit(fastmath=FASTMATH, **_INNER)
def _add_rows(z, factors, Q, column):
    """z <- z + sum_s factors[s] Q[s, column:], four rows at a time."""
    n = z.shape[0]
    end = column + n
    s = 0
    while s + 4 <= Q.shape[0]:
        m0, m1, m2, m3 = factors[s], factors[s + 1], factors[s + 2], factors[s + 3]
        q0, q1 = Q[s, column:end], Q[s + 1, column:end]
        q2, q3 = Q[s + 2, column:end], Q[s + 3, column:end]
        for j in range(n):
            z[j] += m0 * q0[j] + m1 * q1[j] + m2 * q2[j] + m3 * q3[j]
        s += 4
    while s < Q.shape[0]:
        m0, q0 = factors[s], Q[s, column:end]
        for j in range(n):
            z[j] += m0 * q0[j]
        s += 1


@njit(fastmath=FASTMATH, **_INNER)
def _forward(rows, panel, Z, M, A, G, biases, old, U, code):
    """Activations A and G = U A' of some rows; slopes replace their pre-activations.

    Those lack the biases, b + old v_b, and the part of the q_s of `panel`, which are
    earlier rows; `rows` and `panel` are pairs (first, last + 1).
    """
    (first, stop), (b, v_b), width = panel, biases, Z.shape[1]
    z = np.empty(min(_TILE, width), Z.dtype)
    for left in range(0, width, _TILE):
        n = min(_TILE, width - left)
        tile, bs, vs = z[:n], b[left : left + n], v_b[left : left + n]
        for i in range(rows[1] - rows[0]):
            slopes, a = Z[rows[0] + i, left : left + n], A[i, left : left + n]
            for j in range(n):
                tile[j] = slopes[j] + bs[j]
            if old != 0:
                for j in range(n):
                    tile[j] += old * vs[j]
            _add_rows(tile, M[rows[0] + i, first:stop], Z[first:stop], left)
            activate(tile, code, a, slopes)
            for k in range(U.shape[0]):
                u, dot = U[k, left : left + n], Z.dtype.type(0)
                for j in range(n):
                    dot += u[j] * a[j]
                G[k, i] = dot if left == 0 else G[k, i] + dot


@njit(fastmath=FASTMATH, **_INNER)
def _output_gradient(G, c, Y, sample_weight, gradient_c, scale, size, code):
    """Turn U A' of some rows into derivatives of their batch's mean loss in U A'.

    Adds the derivatives in c to `gradient_c`; returns sum_i w_i l_i.
    """
    real, total = G.dtype.type, 0.0
    for i in range(Y.shape[0]):
        weight = sample_weight[i]
        for k in range(Y.shape[1]):
            prediction = real(scale) * G[k, i] + c[k]
            value, slope = loss(prediction, Y[i, k], code)
            total += weight * value
            g = weight * slope / real(size)
            gradient_c[k] += g
            G[k, i] = real(scale) * g
    return total


@njit(fastmath=FASTMATH, **_INNER)
def _backward(Q, G, U, left, n):
    """Q <- Q times (U' G)' in n columns."""
    for i in range(Q.shape[0]):
        q, u = Q[i, left : left + n], U[0, left : left + n]
        if U.shape[0] == 1:
            g = G[0, i]
            for j in range(n):
                q[j] *= g * u[j]
        else:
            for j in range(n):
                back = G[0, i] * u[j]
                for k in range(1, U.shape[0]):
                    back += G[k, i] * U[k, left + j]
                q[j] *= back


@njit(fastmath=FASTMATH, **_INNER)
def _descend_output(output, gradient, G, A, step, is_first, is_last, left, n):
    """Add G A to the gradient of U in n columns; after the last piece update U there.

    `gradient` is as wide as U, or just a tile when there is one piece only.
    """
    U, _, V, _, mean, _ = output
    eta, momentum, alpha, rate = step
    at = left if gradient.shape[1] == U.shape[1] else 0
    for k in range(U.shape[0]):
        u, du = U[k, left : left + n], gradient[k, at : at + n]
        if is_first:
            for j in range(n):
                du[j] = alpha * u[j]
        _add_rows(du, G[k], A, left)
        if is_last:
            _descend(u, du, V[k, left : left + n], eta, momentum)
            if rate != 0:
                _fold(mean[k, left : left + n], u, rate)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, fastmath=FASTMATH)
def train_block(
    gemm,
    X,
    Y,
    sample_weight,
    scratch,
    hidden,
    biases,
    output,
    coefficients,
    schedule,
    momentum,
    alpha,
    scale,
    sizes,
    trained,
    codes,
):
    """The sequential part of SGD on the rows of a block; return sum_i w_i l_i.

    Parameters
    ----------
    gemm : int
        Address of the BLAS routine, for `product`.
    X, Y, sample_weight : arrays of shapes (n, n_features), (n, n_outputs), (n,)
    scratch : (Z, M, A)
        Z (n, width) becomes the q_i, the derivatives of w_i l_i / |batch| in the
        pre-activations. M becomes the `couplings`; it is (n, n), or (n, 0) for a block
        of one mini-batch. A is for the activations of some rows: a mini-batch is cut
        into pieces of as many.
    hidden, biases : pairs of arrays
        W and b at the block's start, and their velocities; not changed.
    output : (U, c, their velocities, their averages)
        Trained in place.
    coefficients : (w, w_biases)
        What `recurrences` gives for W and b.
    schedule : (n_updates, n_averaged, average_after, eta0, power_t)
    sizes : (batch_size, rows of a panel)
    trained : (hidden, output, intercept)
    codes : (loss, activation)
    """
    (Z, M, A), (U, c, _, v_c, _, mean_c) = scratch, output
    n_updates, n_averaged, average_after, eta0, power_t = schedule
    real, (n_rows, width), (batch_size, panel) = Z.dtype.type, Z.shape, sizes
    _first_pre_activations(gemm, X, Z, M, hidden, coefficients, batch_size, trained[0])
    tile, piece = min(_TILE, width), A.shape[0]
    gradient_u = np.empty((U.shape[0], width if piece < batch_size else tile), Z.dtype)
    G, gradient_c = np.empty((U.shape[0], piece), Z.dtype), np.empty_like(c)
    total, first = 0.0, 0
    for start in range(0, n_rows, batch_size):
        if start % panel == 0:
            first, stop = start, min(start + panel, n_rows)
            if trained[0] and first > 0:
                product(gemm, M[first:stop, :first], Z[:first], Z[first:stop], 1.0)
        end, earlier = min(start + batch_size, n_rows), start if trained[0] else first
        n_updates += 1
        averaging = n_updates > average_after
        n_averaged += averaging
        rate = real(1 / n_averaged) if averaging else real(0)
        step = real(eta0 / n_updates**power_t), real(momentum), real(alpha), rate
        old = real(coefficients[1][start // batch_size, 1])
        for k in range(U.shape[0]):
            gradient_c[k] = real(0)
        for begin in range(start, end, piece):
            rows = begin, min(begin + piece, end)
            n = rows[1] - rows[0]
            _forward(rows, (first, earlier), Z, M, A, G, biases, old, U, codes[1])
            some = slice(*rows)
            total += _output_gradient(
                G, c, Y[some], sample_weight[some], gradient_c, scale, end - start, codes[0]
            )
            for left in range(0, width, _TILE):
                columns = min(_TILE, width - left)
                if trained[0]:
                    _backward(Z[rows[0] : rows[1]], G, U, left, columns)
                if trained[1]:
                    at_ends = begin == start, rows[1] == end
                    _descend_output(
                        output, gradient_u, G, A[:n], step, *at_ends, left, columns
                    )
        if trained[2]:
            _descend(c, gradient_c, v_c, step[0], step[1])
            if averaging:
                _fold(mean_c, c, rate)
    return total


@njit(fastmath=FASTMATH, **_INNER)
def _first_pre_activations(gemm, X, Z, M, hidden, coefficients, batch_size, corrected):
    """Z <- the pre-activations at the weights of the block's start; M <- `couplings`."""
    (W, V), (w, w_biases) = hidden, coefficients
    factors, momentum = np.empty((2, X.shape[0]), X.dtype), False
    for i in range(X.shape[0]):
        factors[0, i], factors[1, i] = w[i // batch_size, 0], w[i // batch_size, 1]
        momentum |= factors[1, i] != 0
    product(gemm, _scaled(X, factors[0]), W.T, Z, 0.0)
    if momentum and corrected:
        product(gemm, _scaled(X, factors[1]), V.T, Z, 1.0)
    if corrected and M.shape[1] > 0:
        product(gemm, X, X.T, M, 0.0)
        couplings(M, w, w_biases, batch_size)


@njit(fastmath=FASTMATH, **_INNER)
def _spread(factors, batch_size, w, v, shares):
    """factors <- the coefficients of the q_s at the end of a block, by row."""
    for i in range(factors.shape[1]):
        s = 2 + i // batch_size
        factors[0, i], factors[1, i], factors[2, i] = w[-1, s], v[s], shares[s]


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, fastmath=FASTMATH)
def finish_block(gemm, Q, X, batch_size, hidden, biases, coefficients, kept, trained):
    """Bring hidden weights and biases, their velocities and averages to a block's end.

    `hidden` and `biases` are triples (weights, velocity, average), the last two empty when
    there are none; `coefficients` what `recurrences` gives for either, the summed ones
    divided by the length of the average, of which the share `kept` is as before.
    """
    factors = np.empty((3, X.shape[0]), X.dtype)
    if trained[0]:
        (W, V, A), (w, v, shares) = hidden, coefficients[0]
        combine(W.reshape(-1), V.reshape(-1), A.reshape(-1), w[-1], v, shares, kept)
        _spread(factors, batch_size, w, v, shares)
        product(gemm, Q.T, _scaled(X, factors[0]), W, 1.0)
        if V.shape[0] > 0:
            product(gemm, Q.T, _scaled(X, factors[1]), V, 1.0)
        if A.shape[0] > 0:
            product(gemm, Q.T, _scaled(X, factors[2]), A, 1.0)
    if trained[1]:
        (b, v_b, a_b), (w, v, shares) = biases, coefficients[1]
        combine(b, v_b, a_b, w[-1], v, shares, kept)
        _spread(factors, batch_size, w, v, shares)
        changes = np.empty((3, b.shape[0]), b.dtype)
        product(gemm, factors, Q, changes, 0.0)
        for i, state in enumerate(biases):
            for j in range(state.shape[0]):
                state[j] += changes[i, j]
