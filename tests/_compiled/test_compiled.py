"""The compiled kernels, on arrays small enough to run uncompiled.

CI runs this file once more with NUMBA_DISABLE_JIT=1.
"""

import numba
import numpy as np
import pytest
import reference
from exact_sgd import FACTORS, assert_exact

from skrf._compiled import neurons
from skrf._compiled import recurrences as scalars
from skrf._compiled.activations import address
from skrf._compiled.recurrences import Counts, Recurrence, Schedule, recurrences

PLAIN = {name: values[0] for name, values in FACTORS.items()}
FULL = {name: values[-1] for name, values in FACTORS.items()}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "case",
    [
        PLAIN,
        {**PLAIN, "batch_size": 7, "momentum": 0.9, "n_outputs": 5},
        {**PLAIN, "train": "output", "activation": "tanh"},
        {**PLAIN, "loss": "hinge", "cooldown": True},
        {**PLAIN, "loss": "log_loss"},
        {**FULL, "batch_size": 1, "average_after": 3},
        {**FULL, "batch_size": 32, "train": "both", "average_after": 0},
    ],
    ids=str,
)
def test_engine_equals_the_reference(case, dtype):
    assert_exact(case, dtype, n_steps=50)


@pytest.mark.parametrize("first", [0, 7])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("alpha", [0.0, 0.3])
def test_recurrences_are_those_of_momentum(first, momentum, alpha, rng):
    """Against the recurrence run on numbers instead of coefficients."""
    W, V, Q = rng.normal(), rng.normal(), rng.normal(size=6)
    counts = Counts(first, 0, first + 2)
    schedule = Schedule(0.2, 0.5, first + 3, first + 6)
    w, v, summed = recurrences(6, counts, schedule, momentum, alpha)
    sources = np.array([W, V, *Q])
    total, weight, velocity = 0.0, W, V
    for j in range(1, 7):
        eta = reference.step_size(first + j, 0.2, 0.5, (first + 3, first + 6))
        velocity = momentum * velocity - eta * (Q[j - 1] + alpha * weight)
        weight += velocity
        total += weight if j > 2 else 0.0
        assert w[j] @ sources == pytest.approx(weight, rel=1e-13)
    assert v @ sources == pytest.approx(velocity, rel=1e-12)
    assert summed @ sources == pytest.approx(total, rel=1e-13)


@numba.njit
def combine(weights, velocity, mean, recurrence, kept):
    scalars.combine(weights, velocity, mean, recurrence, kept)


@pytest.mark.parametrize("parts", ["W", "WV", "WA", "WVA"])
def test_combine(parts, rng):
    W, V, A = (rng.normal(size=4) if name in parts else np.empty(0) for name in "WVA")
    w, v, shares = rng.normal(size=(3, 2))
    recurrence = Recurrence(w[np.newaxis], v, shares)
    velocity = V if "V" in parts else 0.0
    expected = {
        "W": w[0] * W + w[1] * velocity,
        "V": v[0] * W + v[1] * velocity,
        "A": (0.7 * A if "A" in parts else 0) + shares[0] * W + shares[1] * velocity,
    }
    combine(W, V, A, recurrence, 0.7)
    for name, array in zip("WVA", (W, V, A), strict=True):
        if name in parts:
            np.testing.assert_allclose(array, expected[name], rtol=1e-13)


@pytest.mark.parametrize("width", [1, 7, 1030])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_random_feature_rows(width, activation, rng):
    """Also across the border of a tile of columns."""
    X, W, b = rng.normal(size=(2, 3)), rng.normal(size=(width, 3)), rng.normal(size=width)
    Z = X @ W.T
    kernel = address(activation, Z.dtype)
    neurons.random_feature_rows(Z, b, kernel, 1 / np.sqrt(width))
    expected = reference.random_features(X, W, b, activation)
    np.testing.assert_allclose(Z, expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_relu_feature_rows(dtype, rng):
    """As by the activation, with NaN for NaN and 0 for negative infinity."""
    Z = rng.normal(size=(3, 1030)).astype(dtype)
    Z[0, :3] = np.nan, np.inf, -np.inf
    b, general = rng.normal(size=1030).astype(dtype), Z.copy()
    neurons.relu_feature_rows(Z, b, 0.3)
    neurons.random_feature_rows(general, b, address("relu", Z.dtype), 0.3)
    np.testing.assert_array_equal(Z, general)


def test_engine_across_the_border_of_a_tile():
    assert_exact({**PLAIN, "activation": "tanh"}, np.float64, n_steps=20, width=1030)
