"""Losses of one row of outputs, chosen by integer code; `losses.LOSSES` names the codes."""

import math

from skrf._compiled.activations import FASTMATH
from skrf._compiled.jit import INNER, njit

SQUARED_ERROR, HINGE, LOG_LOSS = range(3)


@njit(fastmath=FASTMATH, error_model="numpy", **INNER)
def _single(prediction, y, code):
    """(loss, derivative in the prediction) of one output; NaN gives a NaN loss."""
    real = type(prediction)
    if code == SQUARED_ERROR:
        residual = prediction - y
        return residual * residual / real(2), residual
    margin = y * prediction
    if code == HINGE:
        if margin >= real(1):
            return real(0), real(0)
        return real(1) - margin, -y
    # log(1 + exp(-margin)), by the exponential that does not overflow.
    e = real(math.exp(-abs(margin)))
    value = real(math.log1p(e)) + (real(0) if margin > real(0) else -margin)
    share = real(1) / (real(1) + e)
    return value, -y * (share * e if margin > real(0) else share)


@njit(fastmath=FASTMATH, error_model="numpy", **INNER)
def _softmax(predictions, y, slopes):
    """-log of the softmax of the output with y > 0, and its derivatives into `slopes`."""
    real = type(predictions[0])
    top, own, total = predictions[0], predictions[0], real(0)
    for k in range(predictions.shape[0]):
        top = predictions[k] if predictions[k] > top else top
        own = predictions[k] if y[k] > real(0) else own
    for k in range(predictions.shape[0]):
        slopes[k] = real(math.exp(predictions[k] - top))
        total += slopes[k]
    for k in range(predictions.shape[0]):
        slopes[k] /= total
        if y[k] > real(0):
            slopes[k] -= real(1)
    return real(math.log(total)) + (top - own)


@njit(fastmath=FASTMATH, error_model="numpy", **INNER)
def row_loss(predictions, y, slopes, code):
    """The loss of one row, summed over its outputs, and its derivatives into `slopes`.

    The log loss of several outputs is that of their softmax, with y = 1 for the class of
    the row and -1 for all others.
    """
    if code == LOG_LOSS and predictions.shape[0] > 1:
        return _softmax(predictions, y, slopes)
    total = type(predictions[0])(0)
    for k in range(predictions.shape[0]):
        value, slopes[k] = _single(predictions[k], y[k], code)
        total += value
    return total


@njit(cache=True, nogil=True, no_cfunc_wrapper=True, fastmath=FASTMATH)
def row_losses(predictions, Y, value, slope, code):
    """`row_loss` of every row of 2-D arrays, into `value` (n,) and `slope`."""
    for i in range(Y.shape[0]):
        value[i] = row_loss(predictions[i], Y[i], slope[i], code)
