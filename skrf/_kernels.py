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
def _descend(theta, gradient, velocity, eta, momentum):
    """Heavy ball for one row: v <- momentum v - eta gradient; theta <- theta + v."""
    if momentum == 0:
        for j in range(theta.shape[0]):
            theta[j] -= eta * gradient[j]
    else:
        for j in range(theta.shape[0]):
            velocity[j] = momentum * velocity[j] - eta * gradient[j]
            theta[j] += velocity[j]


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def _fold(average, theta, rate):
    """average <- average + rate (theta - average), for one row."""
    for j in range(theta.shape[0]):
        average[j] += rate * (theta[j] - average[j])


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def _forward(X, Y, sample_weight, W, b, U, c, scale, loss_code, activation_code, A, S, G):
    """Fill A = act(z), S = act'(z), G = w_i dl/dN / n; return sum w_i l_i."""
    n, width, n_outputs = X.shape[0], W.shape[0], U.shape[0]
    real = W.dtype.type
    s = real(scale)
    z = np.empty(width, W.dtype)
    total = 0.0
    for i in range(n):
        x = X[i]
        for r in range(width):
            w = W[r]
            dot = real(0)
            for j in range(x.shape[0]):
                dot += w[j] * x[j]
            z[r] = dot + b[r]
        activate(z, activation_code, A[i], S[i])
        a = A[i]
        for k in range(n_outputs):
            u = U[k]
            dot = real(0)
            for r in range(width):
                dot += u[r] * a[r]
            value, slope = loss(s * dot + c[k], Y[i, k], loss_code)
            total += sample_weight[i] * value
            G[i, k] = sample_weight[i] * slope / real(n)
    return total


@njit(cache=True, nogil=True, fastmath=FASTMATH)
def sgd_updates(
    X,
    Y,
    sample_weight,
    weights,
    velocity,
    average,
    n_updates,
    batch_size,
    eta0,
    power_t,
    momentum,
    alpha,
    average_after,
    n_averaged,
    scale,
    train_hidden,
    train_biases,
    train_output,
    train_intercept,
    loss_code,
    activation_code,
):
    """Mini-batch SGD over the rows of X in the order given; return sum_i w_i l_i.

    N(x) = scale * U act(W x + b) + c. The losses are those before each update. Update t,
    counted from n_updates + 1, has step eta0 / t**power_t and the gradient

        sum_i w_i grad l_i / |batch| + alpha (W, U).

    `weights` = (W, b, U, c) with shapes (width, d), (width,), (k, width), (k,), changed in
    place; `velocity` has the same shapes (any when momentum is 0), as has `average` (any
    when no update comes after `average_after`), the mean of the iterates after update
    `average_after`, of which it already holds `n_averaged`.
    """
    W, b, U, c = weights
    VW, Vb, VU, Vc = velocity
    AW, Ab, AU, Ac = average
    real = W.dtype.type
    width, n_features = W.shape
    n_outputs = U.shape[0]
    rows = min(batch_size, X.shape[0])
    A = np.empty((rows, width), W.dtype)
    S = np.empty((rows, width), W.dtype)
    G = np.empty((rows, n_outputs), W.dtype)
    gradient = np.empty(n_features, W.dtype)
    gradient_u = np.empty(width, W.dtype)
    gradient_b = np.zeros(width, W.dtype)
    gradient_c = np.zeros(n_outputs, W.dtype)
    s, m, decay = real(scale), real(momentum), real(alpha)
    total = 0.0
    t = n_updates
    for start in range(0, X.shape[0], batch_size):
        stop = min(start + batch_size, X.shape[0])
        batch = X[start:stop]
        total += _forward(
            batch,
            Y[start:stop],
            sample_weight[start:stop],
            W,
            b,
            U,
            c,
            scale,
            loss_code,
            activation_code,
            A,
            S,
            G,
        )
        t += 1
        eta = real(eta0 / t**power_t)
        averaging = t > average_after
        if averaging:
            n_averaged += 1
        rate = real(1.0 / max(n_averaged, 1))
        if train_hidden:
            for r in range(width):
                for j in range(n_features):
                    gradient[j] = decay * W[r, j]
                shared = real(0)
                for i in range(stop - start):
                    q = real(0)
                    for k in range(n_outputs):
                        q += G[i, k] * U[k, r]
                    q *= s * S[i, r]
                    shared += q
                    x = batch[i]
                    for j in range(n_features):
                        gradient[j] += q * x[j]
                gradient_b[r] = shared
                _descend(W[r], gradient, VW[r] if momentum else gradient, eta, m)
                if averaging:
                    _fold(AW[r], W[r], rate)
        if train_output:
            for k in range(n_outputs):
                for r in range(width):
                    gradient_u[r] = decay * U[k, r]
                for i in range(stop - start):
                    g = s * G[i, k]
                    a = A[i]
                    for r in range(width):
                        gradient_u[r] += g * a[r]
                _descend(U[k], gradient_u, VU[k] if momentum else gradient_u, eta, m)
                if averaging:
                    _fold(AU[k], U[k], rate)
        if train_biases:
            _descend(b, gradient_b, Vb, eta, m)
            if averaging:
                _fold(Ab, b, rate)
        if train_intercept:
            for k in range(n_outputs):
                gradient_c[k] = real(0)
                for i in range(stop - start):
                    gradient_c[k] += G[i, k]
            _descend(c, gradient_c, Vc, eta, m)
            if averaging:
                _fold(Ac, c, rate)
    return total
