"""How training begins: the state of new weights, and the state of fitted ones."""

from dataclasses import replace
from functools import partial

import numpy as np
from sklearn.base import is_regressor

from skrf._utils.random import draw_seed
from skrf.networks._penalty import chosen_alpha
from skrf.networks._state import State
from skrf.networks._step_size import MULTIPLE, estimate_step
from skrf.networks._weights import Initialization, Units, Weights


def new_state(network, rng, train, streaming=False):
    """The state before the first update of new weights."""
    initialization = Initialization(
        seed=draw_seed(rng),
        width=int(network.width),
        n_features=train.X.shape[1],
        n_outputs=train.Y.shape[1],
        dtype=train.X.dtype,
        weights=network.weights,
        weight_scale=network.weight_scale,
        biases=network.biases,
        bias_scale=network.bias_scale,
        parametrization=network.parametrization,
        symmetric=network.symmetric_init,
    )
    automatic = network.eta0 == "auto" and not streaming
    units = Units.of_y(train.Y.shape[1])
    if automatic and is_regressor(network) and not network._resolved_loss().signs_only:
        centered = bool(network.fit_intercept)
        units = Units.standardized(*train[1:], centered=centered)
    train = train.in_units(units)
    alpha = 0.0 if network.alpha == "auto" else float(network.alpha)
    if network.alpha == "auto" and automatic:
        state_of = partial(_first_state, network, initialization, units)
        alpha = chosen_alpha(network, initialization.seed, state_of, train)
    return _first_state(network, initialization, units, alpha, train, streaming)


def _first_state(network, initialization, units, alpha, train, streaming=False):
    weights = initialization.draw()
    estimate = estimate_step(network._new_objective(alpha), weights, *train)
    eta0 = network.eta0
    if eta0 == "auto":
        multiple = 1.0 if streaming or network.learning_rate != "cooldown" else MULTIPLE
        eta0 = multiple * (1 - network.momentum) * estimate.stable_step
    return State(initialization, units, estimate, float(eta0), alpha)


def resumed_state(network):
    """(The state of the last call, weights in the units of training), all copies.

    The attributes may be arrays of the user, and a call that fails must leave the
    fitted network unchanged.
    """
    state = network._state
    weights = state.units.private(network._fitted_weights()).copy()
    if network.eta0 != "auto":
        state = replace(state, eta0=float(network.eta0))
    if network.alpha != "auto":
        state = replace(state, alpha=float(network.alpha))
    if state.last is None:
        return state, weights
    # The attributes are the mean in the dtype of the data, unless they were set.
    cast = state.units.public(state.mean.astype(weights.hidden.dtype))
    mean = Weights(
        *(
            mean if np.array_equal(of_mean, of_user) else current.astype(np.float64)
            for mean, of_mean, of_user, current in zip(
                state.mean, cast, network._fitted_weights(), weights, strict=True
            )
        )
    )
    return replace(state, mean=mean), state.last.copy()
