"""Random laws of hidden weights and biases, shared by transformers and networks.

Weights, biases and output weights come from separate random streams of one seed, and
rows are drawn one after the other, so that widths nest: with one seed, the first r rows
of a wider draw are the narrower draw. All draws are made in float64, then cast.
"""

from dataclasses import dataclass

import numpy as np
from sklearn.utils import check_random_state

from skrf._validation import NON_NEGATIVE, POSITIVE_INTEGER, one_of

# What a random stream is for: streams of one seed and different purposes are independent.
_HIDDEN_WEIGHTS, _HIDDEN_BIASES, _OUTPUT_WEIGHTS, DATA = range(4)


def _gaussian_rows(rng, n_rows, n_features):
    return rng.standard_normal((n_rows, n_features)) / np.sqrt(n_features)


def _sphere_rows(rng, n_rows, n_features):
    rows = rng.standard_normal((n_rows, n_features))
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _uniform_rows(rng, n_rows, n_features):
    return rng.uniform(-1, 1, (n_rows, n_features)) * np.sqrt(3 / n_features)


# Each law is (rng, n_rows, n_features) -> rows with E||w||^2 = 1, so that laws compare.
WEIGHT_LAWS = {
    "gaussian": _gaussian_rows,
    "sphere": _sphere_rows,
    "uniform": _uniform_rows,
}

# Each law is (rng, width) -> biases with E b^2 = 1. "none" means a model without biases.
BIAS_LAWS = {
    "gaussian": lambda rng, width: rng.standard_normal(width),
    "uniform": lambda rng, width: rng.uniform(-1, 1, width) * np.sqrt(3),
    "constant": lambda rng, width: np.ones(width),
    "none": lambda rng, width: np.zeros(width),
}

PROJECTIONS = ("dense",)

# The parameters that every class with random hidden weights shares.
CONSTRAINTS = {
    "width": [POSITIVE_INTEGER],
    "weights": [one_of(WEIGHT_LAWS)],
    "weight_scale": [NON_NEGATIVE],
    "biases": [one_of(BIAS_LAWS)],
    "bias_scale": [NON_NEGATIVE],
    "random_state": ["random_state"],
}


def draw_seed(random_state):
    """One integer that fixes every later draw; the same for the same integer seed."""
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


def random_stream(seed, purpose):
    """A generator; a spawn key, because NumPy pads seeds: (s, 0) is the same seed as s."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(purpose,)))


def draw_weights(seed, width, n_features, law, scale, dtype):
    """(width, n_features) hidden weights with E||w||^2 = scale^2."""
    rng = random_stream(seed, _HIDDEN_WEIGHTS)
    weights = np.empty((width, n_features), dtype)
    # In pieces, so that the float64 draw of a large float32 matrix is never whole.
    step = max(1, 2**17 // n_features)
    for start in range(0, width, step):
        rows = weights[start : start + step]
        rows[...] = _scaled(WEIGHT_LAWS[law](rng, len(rows), n_features), scale, dtype)
    return weights


def draw_biases(seed, width, law, scale, dtype):
    """(width,) hidden biases with E b^2 = scale^2, or zeros for the law "none"."""
    rng = random_stream(seed, _HIDDEN_BIASES)
    return _scaled(BIAS_LAWS[law](rng, width), scale, dtype)


def _scaled(draws, scale, dtype):
    with np.errstate(over="ignore"):
        scaled = (scale * draws).astype(dtype)
    if not np.isfinite(scaled).all():
        raise ValueError(
            f"weight_scale or bias_scale = {scale} is too large for {np.dtype(dtype)}. Use "
            "a smaller one."
        )
    return scaled


@dataclass(frozen=True)
class Start:
    """The random start of a network, which can be drawn again at any time."""

    seed: int
    width: int
    n_features: int
    n_outputs: int
    dtype: np.dtype
    weights: str
    weight_scale: float
    biases: str
    bias_scale: float
    parametrization: str
    symmetric: bool

    def draw(self):
        """Hidden weights, hidden biases, output weights (n_outputs, width).

        The output weights are uniform on +-1/sqrt(width) in the standard parametrisation
        and random signs in ntk. A symmetric start is two halves with the same hidden
        weights and opposite output weights.
        """
        width = self.width // 2 if self.symmetric else self.width
        W = draw_weights(
            self.seed, width, self.n_features, self.weights, self.weight_scale, self.dtype
        )
        b = draw_biases(self.seed, width, self.biases, self.bias_scale, self.dtype)
        rng = random_stream(self.seed, _OUTPUT_WEIGHTS)
        U = rng.uniform(-1, 1, (width, self.n_outputs)).T
        if self.parametrization == "ntk":
            U = np.where(U < 0, -1.0, 1.0)
        else:
            U = U / np.sqrt(self.width)
        U = np.ascontiguousarray(U, self.dtype)
        if self.symmetric:
            W, b, U = np.concatenate([W, W]), np.tile(b, 2), np.hstack([U, -U])
        return W, b, U
