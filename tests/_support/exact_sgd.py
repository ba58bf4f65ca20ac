"""The SGD engine next to the reference implementation, for every combination of options."""

import numpy as np
import pytest
import reference
from scipy import sparse
from small_networks import plain

from skrf import ACTIVATIONS, LOSSES, OverparamNetRegressor
from skrf.networks._objective import Objective
from skrf.networks._sgd import Trainer
from skrf.networks._state import Options, State
from skrf.networks._step_size import estimate_step
from skrf.networks._weights import Initialization, Units

FACTORS = {
    "batch_size": [1, 7, 32, 200],
    "activation": ["relu", "tanh"],
    "loss": ["squared_error", "hinge", "log_loss"],
    "train": ["both", "output", "hidden"],
    "parametrization": ["standard", "ntk"],
    "alpha": [0.0, 0.05],
    "momentum": [0.0, 0.9],
    "power_t": [0.0, 0.4],
    "cooldown": [False, True],
    "average_after": [-1, 100],
    "n_outputs": [1, 5],
    "weighted": [False, True],
    "csr": [False, True],
    "block_size": ["auto", 40],
}


def plain_sgd(Network=OverparamNetRegressor, width=20, **parameters):
    """A network trained at a constant learning rate, without a penalty."""
    defaults = {"learning_rate": "constant", "alpha": 0.0}
    return plain(Network, width, **{**defaults, **parameters})


def signs(rng, n_rows, n_outputs, loss):
    """Targets -1 and 1; for the log loss of several outputs one 1 in each row."""
    if loss == "log_loss" and n_outputs > 1:
        return 2.0 * np.eye(n_outputs)[rng.integers(n_outputs, size=n_rows)] - 1
    return rng.choice([-1.0, 1.0], (n_rows, n_outputs))


def data(rng, case, n, d):
    """X with zeros, targets and weights of n rows."""
    X = rng.normal(size=(n, d)) * (rng.uniform(size=(n, d)) < 0.8)
    Y = signs(rng, n, case["n_outputs"], case["loss"])
    return X, Y, rng.uniform(0.2, 1.8, n) if case["weighted"] else np.ones(n)


def engine_and_reference(case, dtype, n_steps=None, seed=0, width=12, d=5):
    """(Result of the engine, of the reference implementation, and both losses)."""
    rng = np.random.default_rng(seed)
    n, k, batch_size = 700, case["n_outputs"], case["batch_size"]
    # By default all rows are seen at least twice.
    n_steps = n_steps or (2000 if batch_size < 32 else 400)
    X, Y, w = (part.astype(dtype) for part in data(rng, case, n, d))
    # The last mini-batch, and with it the last block, is not full.
    order = rng.integers(n, size=n_steps * batch_size - batch_size // 3)
    hidden = case["train"] != "output"
    trained = {"W": hidden, "b": hidden, "U": case["train"] != "hidden", "c": True}
    scale = width**-0.5 if case["parametrization"] == "ntk" else 1.0
    draws = ("uniform", 1.0, "gaussian", 0.3, case["parametrization"], False)
    initialization = Initialization(seed, width, d, k, np.dtype(dtype), *draws)
    weights = initialization.draw()
    objective = Objective(
        ACTIVATIONS[case["activation"]],
        LOSSES[case["loss"]],
        scale,
        case["alpha"],
        *trained.values(),
    )
    rows = sparse.csr_array(X) if case["csr"] else X
    estimate = estimate_step(objective, weights, rows, Y, w)
    # Hinge's derivative jumps, so that in float32 rounding decides for a sample just at its
    # kink, in any implementation: a small step keeps the samples away from it.
    fraction = 0.3 if case["loss"] == "squared_error" else 0.1
    eta0 = fraction * (1 - case["momentum"]) * estimate.stable_step
    theta = dict(zip("WbUc", weights.copy(), strict=True))
    options = {name: case[name] for name in ("batch_size", "power_t", "momentum")}
    average_after = case["average_after"]
    state = State(initialization, Units.of_y(k), estimate, eta0, case["alpha"])
    trainer = Trainer(
        state,
        weights,
        objective,
        Options(block_size=case["block_size"], average_after=average_after, **options),
    )
    cooldown = None
    if case["cooldown"]:
        n_updates = -(-len(order) // batch_size)
        cooldown = n_updates // 3, n_updates  # from within a block
        trainer.cool_down(cooldown[1] - cooldown[0], cooldown[0])
    loss = trainer.run(rows, Y, w, order)
    last, average, total = reference.sgd(
        X[order],
        Y[order],
        w[order],
        theta,
        loss=case["loss"],
        activation=case["activation"],
        scale=scale,
        eta0=eta0,
        alpha=case["alpha"],
        average_after=average_after,
        cooldown=cooldown,
        trained=[name for name, is_trained in trained.items() if is_trained],
        **options,
    )
    expected = last if average_after < 0 else average
    return trainer.result, expected, (loss, total / w[order].sum(dtype=np.float64))


def assert_exact(case, dtype, **options):
    tolerance = 1e-10 if dtype == np.float64 else 1e-4
    result, expected, losses = engine_and_reference(case, dtype, **options)
    for got, want in zip(result, expected.values(), strict=True):
        assert got.dtype == dtype
        # A bias of a few hundredths is the sum of hundreds of steps that cancel: its
        # rounding is that of the steps.
        difference = np.linalg.norm(got - want)
        assert difference <= tolerance * max(np.linalg.norm(want), 0.1)
    assert losses[0] == pytest.approx(losses[1], rel=tolerance)
