"""The compiled part of SGD on a block of samples; `networks._sgd` has the derivation.

What belongs together travels as a NamedTuple, so no argument is read by its position.
"""

from typing import NamedTuple

import numpy as np

from skrf._compiled.activations import FASTMATH, activate
from skrf._compiled.gemm import product
from skrf._compiled.jit import INNER, njit
from skrf._compiled.losses import row_loss
from skrf._compiled.neurons import TILE
from skrf._compiled.recurrences import combine, couplings, step_size


class Output(NamedTuple):
    """U (n_outputs, width) and c (n_outputs,), with velocities and float64 means."""

    weights: np.ndarray
    intercept: np.ndarray
    weights_velocity: np.ndarray
    intercept_velocity: np.ndarray
    weights_mean: np.ndarray
    intercept_mean: np.ndarray


class UpdateRule(NamedTuple):
    """Scalars of the update rule."""

    momentum: float
    alpha: float
    scale: float  # of the network's outputs


class Sizes(NamedTuple):
    """Numbers of rows."""

    batch: int
    panel: int


class Trained(NamedTuple):
    """Which weights are trained."""

    hidden: bool
    biases: bool
    output: bool
    intercept: bool


class Codes(NamedTuple):
    """The loss by its code, the activation by its address."""

    loss: int
    activation: int


class Block(NamedTuple):
    """The rows of a block: (n, n_features), (n, n_outputs), (n,)."""

    X: np.ndarray
    Y: np.ndarray
    sample_weight: np.ndarray


class Scratch(NamedTuple):
    """Arrays to work in.

    `pre_activations` (n, width) becomes the q_i, the derivatives of w_i l_i / |batch| in
    the pre-activations. `couplings` is (n, n), or (n, 0) for a block of one mini-batch.
    `activations` holds those of some rows: a mini-batch is cut into pieces of as many.
    """

    pre_activations: np.ndarray
    couplings: np.ndarray
    activations: np.ndarray


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
def _fold(mean, theta, rate):
    """Move a float64 mean towards theta: mean <- mean + rate (theta - mean)."""
    for j in range(theta.shape[0]):
        mean[j] += rate * (theta[j] - mean[j])


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
def _forward(rows, panel, scratch, G, biases, old, U, kernel):
    """Activations A and G = U A' of some rows; slopes replace their pre-activations.

    The pre-activations lack the biases, b + old v_b, and the part of the q_s of `panel`,
    which are earlier rows; `rows` and `panel` are pairs (first, last + 1).
    """
    Z, M, A = scratch.pre_activations, scratch.couplings, scratch.activations
    (first, stop), width = panel, Z.shape[1]
    z = np.empty(min(TILE, width), Z.dtype)
    for left in range(0, width, TILE):
        n = min(TILE, width - left)
        tile, bs = z[:n], biases.weights[left : left + n]
        for i in range(rows[1] - rows[0]):
            slopes, a = Z[rows[0] + i, left : left + n], A[i, left : left + n]
            for j in range(n):
                tile[j] = slopes[j] + bs[j]
            if old != 0:
                vs = biases.velocity[left : left + n]
                for j in range(n):
                    tile[j] += old * vs[j]
            _add_rows(tile, M[rows[0] + i, first:stop], Z[first:stop], left)
            activate(kernel, tile, a, slopes)
            for k in range(U.shape[0]):
                u, dot = U[k, left : left + n], Z.dtype.type(0)
                for j in range(n):
                    dot += u[j] * a[j]
                G[k, i] = dot if left == 0 else G[k, i] + dot


@njit(fastmath=FASTMATH, **INNER)
def _output_gradient(G, c, block, rows, row, gradient_c, scale, size, code):
    """Turn U A' of some rows into derivatives of their batch's mean loss in U A'.

    Adds the derivatives in c to `gradient_c`; returns sum_i w_i l_i. `row` (2, n_outputs)
    is scratch for the outputs of one row.
    """
    real, total = G.dtype.type, 0.0
    predictions, slopes = row[0], row[1]
    for i in range(rows[1] - rows[0]):
        weight = block.sample_weight[rows[0] + i]
        for k in range(c.shape[0]):
            predictions[k] = real(scale) * G[k, i] + c[k]
        total += weight * row_loss(predictions, block.Y[rows[0] + i], slopes, code)
        for k in range(c.shape[0]):
            g = weight * slopes[k] / real(size)
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

    `gradient` is as wide as U, or just a tile when there is one piece only. `step` is
    (eta, momentum, alpha, rate of the mean or 0).
    """
    U, (eta, momentum, alpha, rate) = output.weights, step
    at = left if gradient.shape[1] == U.shape[1] else 0
    for k in range(U.shape[0]):
        u, du = U[k, left : left + n], gradient[k, at : at + n]
        if is_first:
            for j in range(n):
                du[j] = alpha * u[j]
        _add_rows(du, G[k], A, left)
        if is_last:
            _descend(u, du, output.weights_velocity[k, left : left + n], eta, momentum)
            if rate != 0:
                _fold(output.weights_mean[k, left : left + n], u, rate)


@njit(fastmath=FASTMATH, **INNER)
def _backward_and_descend(output, gradient, G, scratch, rows, step, at_ends, trained):
    """`_backward` of a piece of a mini-batch and `_descend_output`, tile by tile.

    `at_ends` says whether the piece is the first and the last one of the mini-batch.
    """
    Z, n = scratch.pre_activations[rows[0] : rows[1]], rows[1] - rows[0]
    for left in range(0, Z.shape[1], TILE):
        columns = min(TILE, Z.shape[1] - left)
        if trained.hidden:
            _backward(Z, G, output.weights, left, columns)
        if trained.output:
            A = scratch.activations[:n]
            _descend_output(output, gradient, G, A, step, *at_ends, left, columns)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, fastmath=FASTMATH)
def train_block(
    gemm,
    block,
    scratch,
    hidden,
    biases,
    output,
    of_hidden,
    of_biases,
    schedule,
    counts,
    rule,
    sizes,
    trained,
    codes,
):
    """The sequential part of SGD on the rows of a block; return sum_i w_i l_i.

    Parameters
    ----------
    gemm : int
        Address of the BLAS routine, for `product`.
    block : Block
        The rows.
    scratch : Scratch
        `pre_activations` becomes the q_i, for `finish_block`.
    hidden, biases : Layer
        W and b at the block's start; not changed.
    output : Output
        Trained in place.
    of_hidden, of_biases : Recurrence
        What `recurrences` gives for W and b.
    """
    Z, M, A = scratch.pre_activations, scratch.couplings, scratch.activations
    U, c = output.weights, output.intercept
    real, (n_rows, width), batch_size = Z.dtype.type, Z.shape, sizes.batch
    _first_pre_activations(
        gemm, block.X, scratch, hidden, of_hidden, of_biases, batch_size, trained.hidden
    )
    tile, piece, n_averaged = min(TILE, width), A.shape[0], counts.averaged
    gradient_u = np.empty((U.shape[0], width if piece < batch_size else tile), Z.dtype)
    G, gradient_c = np.empty((U.shape[0], piece), Z.dtype), np.empty_like(c)
    row = np.empty((2, c.shape[0]), Z.dtype)
    total, first, n_updates = 0.0, 0, counts.updates
    for start in range(0, n_rows, batch_size):
        if start % sizes.panel == 0:
            first, stop = start, min(start + sizes.panel, n_rows)
            if trained.hidden and first > 0:
                product(gemm, M[first:stop, :first], Z[:first], Z[first:stop], 1.0)
        end = min(start + batch_size, n_rows)
        earlier = start if trained.hidden else first
        n_updates += 1
        averaging = n_updates > counts.average_after
        n_averaged += averaging
        rate = 1 / n_averaged if averaging else 0.0
        eta = real(step_size(n_updates, schedule))
        step = eta, real(rule.momentum), real(rule.alpha), rate
        old = real(of_biases.weights[start // batch_size, 1])
        for k in range(U.shape[0]):
            gradient_c[k] = real(0)
        for begin in range(start, end, piece):
            rows = begin, min(begin + piece, end)
            _forward(rows, (first, earlier), scratch, G, biases, old, U, codes.activation)
            total += _output_gradient(
                G, c, block, rows, row, gradient_c, rule.scale, end - start, codes.loss
            )
            at_ends = begin == start, rows[1] == end
            _backward_and_descend(
                output, gradient_u, G, scratch, rows, step, at_ends, trained
            )
        if trained.intercept:
            _descend(c, gradient_c, output.intercept_velocity, step[0], step[1])
            if averaging:
                _fold(output.intercept_mean, c, rate)
    return total


@njit(fastmath=FASTMATH, **INNER)
def _first_pre_activations(
    gemm, X, scratch, hidden, of_hidden, of_biases, batch_size, corrected
):
    """Pre-activations at the weights of the block's start, and the couplings."""
    Z, M = scratch.pre_activations, scratch.couplings
    w, factors, momentum = of_hidden.weights, np.empty((2, X.shape[0]), X.dtype), False
    for i in range(X.shape[0]):
        factors[0, i], factors[1, i] = w[i // batch_size, 0], w[i // batch_size, 1]
        momentum |= factors[1, i] != 0
    product(gemm, _scaled(X, factors[0]), hidden.weights.T, Z, 0.0)
    if momentum and corrected:
        product(gemm, _scaled(X, factors[1]), hidden.velocity.T, Z, 1.0)
    if corrected and M.shape[1] > 0:
        product(gemm, X, X.T, M, 0.0)
        couplings(M, w, of_biases.weights, batch_size)


@njit(fastmath=FASTMATH, **INNER)
def _spread(factors, batch_size, recurrence):
    """factors <- the coefficients of the q_s at the end of a block, by row."""
    for i in range(factors.shape[1]):
        s = 2 + i // batch_size
        factors[0, i] = recurrence.weights[-1, s]
        factors[1, i] = recurrence.velocity[s]
        factors[2, i] = recurrence.summed[s]


@njit(fastmath=FASTMATH, **INNER)
def _add(total, change):
    """total <- total + change, for 1-D arrays; a float64 total of float32 changes too."""
    for j in range(total.shape[0]):
        total[j] += change[j]


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, fastmath=FASTMATH)
def finish_block(
    gemm, X, scratch, hidden, biases, of_hidden, of_biases, kept, batch_size, trained
):
    """Bring hidden weights and biases, their velocities and means to a block's end.

    In the recurrences `summed` is divided by the number of updates in the mean, of which
    the fraction `kept` is as before.
    """
    Q, factors = scratch.pre_activations, np.empty((3, X.shape[0]), X.dtype)
    if trained.hidden:
        W, V, A = hidden
        combine(W.reshape(-1), V.reshape(-1), A.reshape(-1), of_hidden, kept)
        _spread(factors, batch_size, of_hidden)
        product(gemm, Q.T, _scaled(X, factors[0]), W, 1.0)
        if V.shape[0] > 0:
            product(gemm, Q.T, _scaled(X, factors[1]), V, 1.0)
        if A.shape[0] > 0:
            # The sum over a block is short; the mean over many blocks needs float64.
            change = np.empty_like(W)
            product(gemm, Q.T, _scaled(X, factors[2]), change, 0.0)
            _add(A.reshape(-1), change.reshape(-1))
    if trained.biases:
        b, v_b, a_b = biases
        combine(b, v_b, a_b, of_biases, kept)
        _spread(factors, batch_size, of_biases)
        changes = np.empty((3, b.shape[0]), b.dtype)
        product(gemm, factors, Q, changes, 0.0)
        _add(b, changes[0])
        _add(v_b, changes[1])
        _add(a_b, changes[2])
