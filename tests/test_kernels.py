"""The compiled kernels against their twins, on arrays small enough to run uncompiled.

CI runs this file once more with NUMBA_DISABLE_JIT=1.
"""

import numpy as np
import pytest
import reference

from skrf import ACTIVATIONS, LOSSES, _kernels

CASES = [
    {},
    {"batch_size": 5},
    {"batch_size": 100},
    {"activation": "tanh", "momentum": 0.9},
    {"activation": "softplus", "alpha": 0.1, "batch_size": 4, "momentum": 0.5},
    {"loss": "hinge", "power_t": 0.5},
    {"loss": "hinge", "activation": "silu", "batch_size": 3, "average_after": 0},
    {"average_after": 4, "alpha": 0.01},
    {"trained": ("U", "c"), "activation": "step"},
    {"trained": ("W", "b"), "scale": 0.4, "momentum": 0.9, "average_after": 2},
    {"trained": ("W", "U"), "n_outputs": 3, "activation": "erf"},
    {"n_outputs": 3, "loss": "hinge", "weighted": True, "batch_size": 7, "alpha": 0.2},
    {"n_outputs": 2, "weighted": True, "momentum": 0.3, "average_after": 0, "scale": 0.5},
]


@pytest.mark.parametrize("options", CASES, ids=str)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 2e-5)])
def test_sgd_updates_equal_the_twin(options, dtype, tolerance, rng):
    options = {"eta0": 0.05, **options}
    n_outputs = options.pop("n_outputs", 1)
    weighted = options.pop("weighted", False)
    X = rng.normal(size=(23, 4)).astype(dtype)
    Y = rng.choice([-1, 1], (23, n_outputs)).astype(dtype)
    w = (rng.uniform(0, 2, 23) if weighted else np.ones(23)).astype(dtype)
    arrays = {
        "W": rng.normal(size=(6, 4)),
        "b": rng.normal(size=6),
        "U": rng.normal(size=(n_outputs, 6)),
        "c": rng.normal(size=n_outputs),
    }
    theta = {name: array.astype(dtype) for name, array in arrays.items()}
    expected, averages, total = reference.sgd(X, Y, w, theta, **options)

    weights = tuple(theta.values())
    velocity = tuple(np.zeros_like(array) for array in weights)
    average = tuple(array.copy() for array in weights)
    trained = options.get("trained", ("W", "b", "U", "c"))
    after = options.get("average_after", -1)
    loss = _kernels.sgd_updates(
        X,
        Y,
        w,
        weights,
        velocity,
        average,
        0,
        options.get("batch_size", 1),
        options["eta0"],
        options.get("power_t", 0.0),
        options.get("momentum", 0.0),
        options.get("alpha", 0.0),
        after if after >= 0 else 10**9,
        0,
        options.get("scale", 1.0),
        *(name in trained for name in ("W", "b", "U", "c")),
        LOSSES[options.get("loss", "squared_error")].code,
        ACTIVATIONS[options.get("activation", "relu")].code,
    )
    assert loss == pytest.approx(total, rel=tolerance)
    for name, got in zip(theta, weights, strict=True):
        np.testing.assert_allclose(got, expected[name], rtol=tolerance, atol=tolerance)
    if after >= 0:
        for name, got in zip(theta, average, strict=True):
            np.testing.assert_allclose(got, averages[name], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("cut", [1, 9, 20])
def test_two_calls_continue_one(cut, rng):
    """Momentum, average and the update count carry over from call to call."""
    X, Y = rng.normal(size=(21, 3)), rng.normal(size=(21, 1))

    def run(*pieces):
        start = np.random.default_rng(1)
        weights = tuple(start.normal(size=s) for s in ((5, 3), (5,), (1, 5), (1,)))
        velocity = tuple(np.zeros_like(array) for array in weights)
        average = tuple(array.copy() for array in weights)
        t = 0
        for rows in pieces:
            _kernels.sgd_updates(
                X[rows],
                Y[rows],
                np.ones(len(X[rows])),
                weights,
                velocity,
                average,
                t,
                1,
                0.05,
                0.5,
                0.9,
                0.01,
                3,
                max(0, t - 3),
                1.0,
                *(True,) * 4,
                LOSSES["squared_error"].code,
                ACTIVATIONS["tanh"].code,
            )
            t += len(X[rows])
        return weights + average

    whole, parts = run(slice(None)), run(slice(0, cut), slice(cut, None))
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("width", [1, 7, 1030])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_random_feature_rows(width, activation, rng):
    """Also across the border of a tile of columns."""
    X, W, b = rng.normal(size=(2, 3)), rng.normal(size=(width, 3)), rng.normal(size=width)
    Z = X @ W.T
    _kernels.random_feature_rows(Z, b, ACTIVATIONS[activation].code, 1 / np.sqrt(width))
    twin = reference.random_features(X, W, b, activation)
    np.testing.assert_allclose(Z, twin, rtol=1e-12, atol=1e-14)
