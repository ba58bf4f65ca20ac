"""Momentum, decay, schedules and means of SGD as linear recurrences of scalars."""

from typing import NamedTuple

import numpy as np

from skrf._compiled.activations import FASTMATH
from skrf._compiled.jit import INNER, njit


class Layer(NamedTuple):
    """Hidden weights W (width, n_features), or biases b (width,), with their state."""

    weights: np.ndarray
    velocity: np.ndarray  # empty without momentum
    mean: np.ndarray  # float64; empty where nothing is averaged


class Schedule(NamedTuple):
    """The step of every update; see `step_size`."""

    eta0: float
    power_t: float
    cooldown_start: int  # the last update before the cooldown
    cooldown_end: int  # the last update


class Counts(NamedTuple):
    """Numbers of updates before a block."""

    updates: int
    averaged: int
    average_after: int  # the last update that is not averaged


class Recurrence(NamedTuple):
    """Coefficients of weights after each update of a block; see `recurrences`."""

    weights: np.ndarray  # (n_updates + 1, n_updates + 2)
    velocity: np.ndarray  # (n_updates + 2,), after the last update
    summed: np.ndarray  # (n_updates + 2,), sum of the rows of `weights` that are averaged


@njit(fastmath=FASTMATH, **INNER)
def step_size(t, schedule):
    """The step of update t = 1, 2, ...

    eta0 / t^power_t, times a factor that falls linearly from 1 to 0 between the updates
    `cooldown_start` and `cooldown_end` + 1.
    """
    eta = schedule.eta0 / t**schedule.power_t
    if t > schedule.cooldown_start:
        length = schedule.cooldown_end + 1 - schedule.cooldown_start
        eta *= max(0, schedule.cooldown_end + 1 - t) / length
    return eta


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, fastmath=FASTMATH)
def recurrences(n_updates, counts, schedule, momentum, alpha):
    """Coefficients of the weights after each of `n_updates` updates of SGD.

    With Q_s the gradient of update s without the penalty, the recurrence
    V_j = momentum V_{j-1} - eta_j (Q_j + alpha W_{j-1}), W_j = W_{j-1} + V_j gives

        W_j = w[j, 0] W_0 + w[j, 1] V_0 + sum_{s=1}^{j} w[j, 1 + s] Q_s,

    and V_j likewise. Returns w for all j, v for the last j, and the sum of the w[j] whose
    updates are averaged.
    """
    n = n_updates + 2
    w, v, summed = np.zeros((n_updates + 1, n)), np.zeros(n), np.zeros(n)
    w[0, 0] = v[1] = 1.0
    for j in range(1, n_updates + 1):
        eta = step_size(counts.updates + j, schedule)
        for s in range(j + 1):
            v[s] = momentum * v[s] - eta * alpha * w[j - 1, s]
        v[1 + j] = -eta
        for s in range(j + 2):
            w[j, s] = w[j - 1, s] + v[s]
        if counts.updates + j > counts.average_after:
            for s in range(j + 2):
                summed[s] += w[j, s]
    return w, v, summed


@njit(fastmath=FASTMATH, **INNER)
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


@njit(fastmath=FASTMATH, **INNER)
def combine(weights, velocity, mean, recurrence, kept):
    """The part of the recurrences that starts from W, V and A, for 1-D arrays in place.

    With w and v the coefficients after the last update and a the averaged ones,
    A <- kept A + a[0] W + a[1] V, W <- w[0] W + w[1] V, V <- v[0] W + v[1] V; an empty V or
    A is not there.
    """
    w, v, summed = recurrence.weights[-1], recurrence.velocity, recurrence.summed
    if velocity.shape[0] == 0 and mean.shape[0] == 0 and w[0] == 1:
        return
    real = weights.dtype.type
    w_w, w_v, v_w, v_v = real(w[0]), real(w[1]), real(v[0]), real(v[1])
    for i in range(weights.shape[0]):
        old, moving = weights[i], real(0)
        if velocity.shape[0] > 0:
            moving = velocity[i]
            velocity[i] = v_w * old + v_v * moving
        if mean.shape[0] > 0:
            mean[i] = kept * mean[i] + summed[0] * old + summed[1] * moving
        weights[i] = w_w * old + w_v * moving
