"""Ranges of parameters, targets, features and fits that several statements measure."""

import reprlib
import warnings
from numbers import Integral, Real

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from skrf._utils.checks import real_numbers
from skrf._utils.validation import NumericInterval
from skrf.targets import SingleNeuron

# Number of inputs; the spectra of more inputs take minutes.
DIMENSION = NumericInterval(Integral, 2, 2000, closed="both")
# Bias of a neuron with ||w|| = 1. Below, floats cannot tell that the neuron is ever active.
BIAS = NumericInterval(Real, -35, 1000, closed="both")


def unit_neuron(d, bias):
    """The target [x_1 + bias]_+ on d inputs."""
    return SingleNeuron(np.eye(1, d)[0], bias)


def draw_features(rng, width, d):
    """Weights on the unit sphere and biases N(0, 1)."""
    W = rng.standard_normal((width, d))
    W /= np.linalg.norm(W, axis=1, keepdims=True)
    return W, rng.standard_normal(width)


def fit_quietly(net, X, y):
    """Fit without the warning that too few steps were taken, which experiments measure."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return net.fit(X, y)


def checked_widths(widths, least, why):
    """A list of widths; ValueError for anything else."""
    array = np.atleast_1d(real_numbers("widths", widths))
    positive = array.dtype.kind in "iu" and (array.size == 0 or array.min() > 0)
    if (
        not positive
        or array.ndim != 1
        or array.size < least
        or np.any(array[1:] <= array[:-1])
    ):
        raise ValueError(
            f"`widths` must be {why} in increasing order; got {reprlib.repr(widths)}. Use "
            "positive integers, such as (30, 100, 300)."
        )
    return array.tolist()


def checked_dimensions(dimensions, increasing=True):
    """An array of dimensions from 2 to 2000; ValueError for anything else."""
    array = np.atleast_1d(real_numbers("dimensions", dimensions))
    valid = array.ndim == 1 and array.size and array.dtype.kind in "iu"
    valid = valid and array.min() >= 2 and array.max() <= 2000
    if not valid or (increasing and np.any(np.diff(array) <= 0)):
        order = " in increasing order" if increasing else ""
        raise ValueError(
            f"`dimensions` must be integers from 2 to 2000{order}; got "
            f"{reprlib.repr(dimensions)}. Use numbers of inputs, such as (10, 20, 40)."
        )
    return array
