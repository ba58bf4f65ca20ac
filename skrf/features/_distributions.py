"""Distributions of hidden weights and biases, for transformers and networks.

Weights, biases and output weights come from separate random streams of one seed, and
rows are drawn one after the other. Widths therefore nest: with one seed, the first r rows
of a wider draw are the narrower draw. All draws are made in float64, then cast.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from skrf._utils.random import random_stream
from skrf._utils.validation import NON_NEGATIVE, POSITIVE_INTEGER, one_of

# Purposes of random streams: one seed gives independent streams for different purposes.
HIDDEN_WEIGHTS, HIDDEN_BIASES, OUTPUT_WEIGHTS, DATA, LENGTHS = range(5)


def _gaussian_rows(rng, n_rows, n_features):
    return rng.standard_normal((n_rows, n_features)) / np.sqrt(n_features)


def _sphere_rows(rng, n_rows, n_features):
    rows = rng.standard_normal((n_rows, n_features))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _uniform_rows(rng, n_rows, n_features):
    return rng.uniform(-1, 1, (n_rows, n_features)) * np.sqrt(3 / n_features)


def _chi_lengths(rng, width, size, n_features):
    return np.sqrt(rng.chisquare(size, width) / n_features)


def _unit_lengths(rng, width, size, n_features):
    return np.ones(width)


class WeightDistribution(NamedTuple):
    """A distribution of hidden weights, scaled to E||w||^2 = 1."""

    # (rng, n_rows, n_features) -> independent rows
    rows: Callable
    # (rng, n_rows, size, n_features) -> lengths of rows in `size` dimensions whose first
    # n_features entries have the distribution. None where directions are not uniform: only
    # the dense projection draws such a distribution.
    lengths: Callable | None = None


WEIGHT_DISTRIBUTIONS = {
    "gaussian": WeightDistribution(_gaussian_rows, _chi_lengths),
    "sphere": WeightDistribution(_sphere_rows, _unit_lengths),
    "uniform": WeightDistribution(_uniform_rows),
}

# Each entry maps (rng, width) to biases with E b^2 = 1; "none" maps to biases of 0.
BIAS_DISTRIBUTIONS = {
    "gaussian": lambda rng, width: rng.standard_normal(width),
    "uniform": lambda rng, width: rng.uniform(-1, 1, width) * np.sqrt(3),
    "constant": lambda rng, width: np.ones(width),
    "none": lambda rng, width: np.zeros(width),
}

# Parameters of every class with random hidden weights.
CONSTRAINTS = {
    "width": [POSITIVE_INTEGER],
    "weights": [one_of(WEIGHT_DISTRIBUTIONS)],
    "weight_scale": [NON_NEGATIVE],
    "biases": [one_of(BIAS_DISTRIBUTIONS)],
    "bias_scale": [NON_NEGATIVE],
    "random_state": ["random_state"],
}


def draw_weights(seed, width, n_features, distribution, scale, dtype):
    """Hidden weights of shape (width, n_features) with E||w||^2 = scale^2."""
    rng = random_stream(seed, HIDDEN_WEIGHTS)
    weights = np.empty((width, n_features), dtype)
    # In pieces: the float64 draw of a large float32 matrix would take twice its memory.
    step = max(1, 2**17 // n_features)
    for start in range(0, width, step):
        rows = weights[start : start + step]
        drawn = WEIGHT_DISTRIBUTIONS[distribution].rows(rng, len(rows), n_features)
        rows[...] = scaled("weight_scale", drawn, scale, dtype)
    return weights


def draw_biases(seed, width, distribution, scale, dtype):
    """Hidden biases of shape (width,) with E b^2 = scale^2; zeros for "none"."""
    rng = random_stream(seed, HIDDEN_BIASES)
    draws = BIAS_DISTRIBUTIONS[distribution](rng, width)
    return scaled("bias_scale", draws, scale, dtype)


def scaled(name, draws, scale, dtype):
    """`scale` times the draws, cast to `dtype`; `name` is the parameter of that scale."""
    with np.errstate(over="ignore"):
        result = (scale * draws).astype(dtype)
    if not np.isfinite(result).all():
        raise ValueError(
            f"`{name}` must keep the hidden layer finite in {np.dtype(dtype)}; got "
            f"{scale}. Use a smaller {name}."
        )
    return result
