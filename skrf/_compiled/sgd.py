"""The compiled part of SGD on a block of samples; `networks._sgd` has the derivation."""

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from skrf._compiled.elementary import INNER
from skrf._compiled.jit import njit
from skrf._compiled.neurons import FASTMATH, TILE, activate, loss

# The characters by which BLAS distinguishes transposed matrices.
_PLAIN, _TRANSPOSED = ord("N"), ord("T")


@intrinsic
def _call_gemm(typing, gemm, flags, sizes, scalars, a, b, c):
    """Call the Fortran routine at the address `gemm`, with all arguments by pointer."""

    def generate(context, builder, signature, arguments):
        pointer = ir.IntType(8).as_pointer()

        def data(k):
            array = context.make_array(signature.args[k])(context, builder, arguments[k])
            return builder.bitcast(array.data, pointer)

        def item(k, index, size):
            return builder.gep(data(k), [ir.Constant(ir.IntType(64), index * size)])

        one, beta = (item(3, i, signature.args[3].dtype.bitwidth // 8) for i in range(2))
        m, n, k, lead_a, lead_b, lead_c = (item(2, i, 8) for i in range(6))
        pointers = [item(1, 0, 1), item(1, 1, 1), m, n, k, one, data(4), lead_a]
        pointers += [data(5), lead_b, beta, data(6), lead_c]
        routine = ir.FunctionType(ir.VoidType(), [pointer] * len(pointers)).as_pointer()
        builder.call(builder.inttoptr(arguments[0], routine), pointers)
        return context.get_dummy_value()

    return types.void(gemm, flags, sizes, scalars, a, b, c), generate


@njit(**INNER)
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
    # Fortran sees transposes, so this is c' = b' a'.
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
    """gram[i, s] <- coefficient of q_s in the pre-activations of row i, in place.

    Row i is in update i // batch_size, which uses the weights after the earlier updates:
    the coefficient is 0 unless row s is in an earlier update.
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
    an empty V or A means that there is none.
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


@njit(fastmath=FASTMATH, **INNER)
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


@njit(fastmath=FASTMATH, **INNER)
def _descend(theta, gradient, velocity, eta, momentum):
    """Heavy ball: v <- momentum v - eta gradient; theta <- theta + v, for 1-D arrays."""
    if momentum == 0:
        for j in range(theta.shape[0]):
            theta[j] -= eta * gradient[j]
    else:
        for j in range(theta.shape[0]):
            velocity[j] = momentum * velocity[j] - eta * gradient[j]
            theta[j] += velocity[j]


@njit(fastmath=FASTMATH, **INNER)
def _fold(average, theta, rate):
    """Move an average towards theta: average <- average + rate (theta - average)."""
    for j in range(theta.shape[0]):
        average[j] += rate * (theta[j] - average[j])


@njit(fastmath=FASTMATH, **INNER)
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


@njit(fastmath=FASTMATH, **INNER)
def _forward(rows, panel, Z, M, A, G, biases, old, U, code):
    """Activations A and G = U A' of some rows; slopes replace their pre-activations.

    The pre-activations in Z lack the biases, b + old v_b, and the terms of the q_s of the
    earlier rows `panel`; `rows` and `panel` are pairs (first, last + 1).
    """
    (first, stop), (b, v_b), width = panel, biases, Z.shape[1]
    z = np.empty(min(TILE, width), Z.dtype)
    for left in range(0, width, TILE):
        n = min(TILE, width - left)
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


@njit(fastmath=FASTMATH, **INNER)
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


@njit(fastmath=FASTMATH, **INNER)
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


@njit(fastmath=FASTMATH, **INNER)
def _descend_output(output, gradient, G, A, step, is_first, is_last, left, n):
    """Add G A to n columns of the gradient of U; after the last piece, update them in U.

    `gradient` is as wide as U, or as wide as a tile when there is a single piece.
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
        pre-activations. M becomes the `couplings`, and has shape (n, n), or (n, 0) for a
        block of a single mini-batch. A stores activations; a mini-batch is cut into
        pieces of as many rows as A has.
    hidden, biases : pairs of arrays
        W and b at the start of the block, and their velocities. They are not changed.
    output : (U, c, their velocities, their averages)
        Trained in place.
    coefficients : (w, w_biases)
        Results of `recurrences` for W and b.
    schedule : (n_updates, n_averaged, average_after, eta0, power_t)
    sizes : (batch_size, rows of a panel)
    trained : (hidden, output, intercept)
    codes : (loss, activation)
    """
    (Z, M, A), (U, c, _, v_c, _, mean_c) = scratch, output
    n_updates, n_averaged, average_after, eta0, power_t = schedule
    real, (n_rows, width), (batch_size, panel) = Z.dtype.type, Z.shape, sizes
    _first_pre_activations(gemm, X, Z, M, hidden, coefficients, batch_size, trained[0])
    tile, piece = min(TILE, width), A.shape[0]
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
            for left in range(0, width, TILE):
                columns = min(TILE, width - left)
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


@njit(fastmath=FASTMATH, **INNER)
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


@njit(fastmath=FASTMATH, **INNER)
def _spread(factors, batch_size, w, v, shares):
    """factors <- the coefficients of the q_s at the end of a block, by row."""
    for i in range(factors.shape[1]):
        s = 2 + i // batch_size
        factors[0, i], factors[1, i], factors[2, i] = w[-1, s], v[s], shares[s]


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, fastmath=FASTMATH)
def finish_block(gemm, Q, X, batch_size, hidden, biases, coefficients, kept, trained):
    """Update hidden weights and biases, their velocities and averages after a block.

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
