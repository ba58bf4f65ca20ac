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
from numba import njit

# NaN and infinity must survive (divergence is noticed by them), so no "nnan", no "ninf".
FASTMATH = {"reassoc", "contract", "nsz", "arcp"}

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

# Columns handled at a time by `random_feature_rows`: two float64 scratch rows stay in L1.
_TILE = 1024


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def _logistic(x):
    """1 / (1 + exp(-x)) without overflow; NaN stays NaN."""
    one = type(x)(1)
    if x < 0:
        e = math.exp(x)
        return e / (one + e)
    return one / (one + math.exp(-x))


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def activate(z, code, value, slope):
    """value = act(z) and slope = act'(z) for 1-D arrays; `z` must not overlap the results.

    The derivative at a kink is the one on the left (0 for relu), as in the paper's
    indicator 1(z > 0); abs takes 0 there. NaN in `z` is NaN in `value`.
    """
    real = z.dtype.type
    zero, half, one, two = real(0), real(0.5), real(1), real(2)
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
        for i in range(n):
            value[i] = (zero if z[i] < zero else z[i]) + math.log1p(math.exp(-abs(z[i])))
            slope[i] = _logistic(z[i])
    elif code == SILU:
        for i in range(n):
            sigma = _logistic(z[i])
            value[i] = z[i] * sigma
            slope[i] = sigma * (one + z[i] * (one - sigma))
    elif code == GELU:
        root_half, density = real(math.sqrt(0.5)), real(1 / math.sqrt(2 * math.pi))
        for i in range(n):
            phi = half * math.erfc(-z[i] * root_half)
            value[i] = z[i] * phi
            slope[i] = phi + z[i] * density * math.exp(-half * z[i] * z[i])
    elif code == TANH:
        for i in range(n):
            value[i] = math.tanh(z[i])
            slope[i] = one - value[i] * value[i]
    elif code == SIGMOID:
        for i in range(n):
            value[i] = _logistic(z[i])
            slope[i] = value[i] * (one - value[i])
    elif code == ERF:
        peak = real(2 / math.sqrt(math.pi))
        for i in range(n):
            value[i] = math.erf(z[i])
            slope[i] = peak * math.exp(-z[i] * z[i])
    elif code == SIN:
        for i in range(n):
            value[i] = math.sin(z[i])
            slope[i] = math.cos(z[i])
    elif code == COS:
        for i in range(n):
            value[i] = math.cos(z[i])
            slope[i] = -math.sin(z[i])
    else:
        for i in range(n):
            value[i] = z[i]
            slope[i] = one


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def loss(prediction, y, code):
    """(loss, d loss / d prediction) of one output; NaN in `prediction` gives a NaN loss."""
    if code == SQUARED_ERROR:
        residual = prediction - y
        return residual * residual / type(residual)(2), residual
    margin = y * prediction
    zero, one = type(margin)(0), type(margin)(1)
    if margin >= one:
        return zero, zero
    return one - margin, -y


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def losses(predictions, Y, value, slope, code):
    """`loss` for every entry of 2-D arrays, into `value` and `slope`."""
    for i in range(Y.shape[0]):
        for k in range(Y.shape[1]):
            value[i, k], slope[i, k] = loss(predictions[i, k], Y[i, k], code)


@njit(cache=True, nogil=True, fastmath=FASTMATH)
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


@njit(cache=True, nogil=True, fastmath=FASTMATH)
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


@njit(cache=True, nogil=True, fastmath=FASTMATH)
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


@njit(cache=True, nogil=True, fastmath=FASTMATH)
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


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def _descend(theta, gradient, velocity, eta, momentum):
    """Heavy ball: v <- momentum v - eta gradient; theta <- theta + v, for 1-D arrays."""
    if momentum == 0:
        for j in range(theta.shape[0]):
            theta[j] -= eta * gradient[j]
    else:
        for j in range(theta.shape[0]):
            velocity[j] = momentum * velocity[j] - eta * gradient[j]
            theta[j] += velocity[j]


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def _fold(average, theta, rate):
    """Move an average towards theta: average <- average + rate (theta - average)."""
    for j in range(theta.shape[0]):
        average[j] += rate * (theta[j] - average[j])


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def _correct(z, Z, M, i, first, stop, columns_from):
    """z <- z + sum_{first <= s < stop} M[i, s] Z[s, tile], four rows at a time."""
    n = z.shape[0]
    end = columns_from + n
    s = first
    while s + 4 <= stop:
        m0, m1, m2, m3 = M[i, s], M[i, s + 1], M[i, s + 2], M[i, s + 3]
        q0, q1 = Z[s, columns_from:end], Z[s + 1, columns_from:end]
        q2, q3 = Z[s + 2, columns_from:end], Z[s + 3, columns_from:end]
        for j in range(n):
            z[j] += m0 * q0[j] + m1 * q1[j] + m2 * q2[j] + m3 * q3[j]
        s += 4
    while s < stop:
        m0, q0 = M[i, s], Z[s, columns_from:end]
        for j in range(n):
            z[j] += m0 * q0[j]
        s += 1


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def train_panel(
    Z,
    M,
    first,
    stop,
    Y,
    sample_weight,
    biases,
    bias_velocity,
    bias_coefficients,
    output,
    velocity,
    average,
    n_updates,
    n_averaged,
    batch_size,
    eta0,
    power_t,
    momentum,
    alpha,
    average_after,
    scale,
    train_hidden,
    train_output,
    train_intercept,
    loss_code,
    activation_code,
):
    """The sequential part of SGD on rows first..stop of a block; return sum_i w_i l_i.

    On entry row i of Z holds the pre-activations at the hidden weights of the block's
    start, corrected for the rows before `first`, without biases; on exit it holds q_i,
    the derivative of w_i l_i / |batch| in the pre-activations. `M` has the `couplings`,
    `output` = (U, c) is trained in place, with `velocity` and `average` of the same
    shapes. The mini-batches of the panel start at `first`.
    """
    U, c = output
    real = Z.dtype.type
    width, n_outputs = Z.shape[1], U.shape[0]
    z = np.empty(min(_TILE, width), Z.dtype)
    A = np.empty(width, Z.dtype)
    p, g = np.empty(n_outputs, Z.dtype), np.empty(n_outputs, Z.dtype)
    gradient_u, gradient_c = np.empty_like(U), np.empty_like(c)
    s, m, decay = real(scale), real(momentum), real(alpha)
    total = 0.0
    for batch in range(first, stop, batch_size):
        end = min(batch + batch_size, stop)
        old = real(bias_coefficients[batch // batch_size, 1])
        for k in range(n_outputs):
            gradient_c[k] = real(0)
            for r in range(width):
                gradient_u[k, r] = decay * U[k, r]
        for i in range(batch, end):
            for k in range(n_outputs):
                p[k] = real(0)
            for start in range(0, width, _TILE):
                n = min(_TILE, width - start)
                tile, a, b = Z[i, start : start + n], A[start : start + n], biases[start:]
                for j in range(n):
                    z[j] = tile[j] + b[j]
                if momentum != 0:
                    v = bias_velocity[start:]
                    for j in range(n):
                        z[j] += old * v[j]
                if train_hidden:
                    _correct(z[:n], Z, M, i, first, batch, start)
                # The slopes take the place of the pre-activations.
                activate(z[:n], activation_code, a, tile)
                for k in range(n_outputs):
                    u = U[k, start : start + n]
                    dot = real(0)
                    for j in range(n):
                        dot += u[j] * a[j]
                    p[k] += dot
            for k in range(n_outputs):
                value, slope = loss(s * p[k] + c[k], Y[i, k], loss_code)
                total += sample_weight[i] * value
                g[k] = sample_weight[i] * slope / real(end - batch)
                gradient_c[k] += g[k]
                if train_output:
                    step = s * g[k]
                    for r in range(width):
                        gradient_u[k, r] += step * A[r]
            if train_hidden:
                q = Z[i]
                for k in range(n_outputs):
                    g[k] *= s
                if n_outputs == 1:
                    for r in range(width):
                        q[r] *= g[0] * U[0, r]
                else:
                    for r in range(width):
                        back = real(0)
                        for k in range(n_outputs):
                            back += g[k] * U[k, r]
                        q[r] *= back
        n_updates += 1
        eta = real(eta0 / n_updates**power_t)
        averaging = n_updates > average_after
        n_averaged += averaging
        rate = real(1.0 / max(n_averaged, 1))
        if train_output:
            for k in range(n_outputs):
                v = velocity[0][k] if momentum != 0 else gradient_u[k]
                _descend(U[k], gradient_u[k], v, eta, m)
                if averaging:
                    _fold(average[0][k], U[k], rate)
        if train_intercept:
            _descend(c, gradient_c, velocity[1], eta, m)
            if averaging:
                _fold(average[1], c, rate)
    return total
