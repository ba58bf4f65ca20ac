"""The networks: exactness, semantics of the parameters, and what a user's fit needs."""

import pickle
import signal
import subprocess
import sys
import tracemalloc
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import reference
from scipy import sparse
from sklearn.datasets import load_diabetes, load_iris, make_classification
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPRegressor

from skrf import (
    OverparamNetClassifier,
    OverparamNetRegressor,
    _kernels_sgd,
    make_polynomial_classification,
    make_single_neuron,
)

BOTH = [OverparamNetRegressor, OverparamNetClassifier]


@pytest.fixture
def neuron():
    """Rows and targets of one neuron in four dimensions."""
    return make_single_neuron(200, 4, bias=-0.3, random_state=0)


def plain(Network=OverparamNetRegressor, width=20, **parameters):
    """A network that runs all its epochs, so that results can be compared."""
    defaults = {"max_iter": 3, "tol": None, "random_state": 0}
    return Network(width, **{**defaults, **parameters})


def initial(net):
    """The starting weights of a fitted network, as the twin wants them."""
    W, b, u, c = net.initial_weights()
    return {"W": W, "b": b, "U": np.atleast_2d(u), "c": np.atleast_1d(c)}


def assert_same_weights(one, other, tolerance=0.0):
    for name in ("hidden_weights_", "hidden_biases_", "output_weights_", "output_bias_"):
        np.testing.assert_allclose(
            getattr(one, name), getattr(other, name), rtol=tolerance, atol=tolerance
        )


# ---------------------------------------------------------------------------- exactness


@pytest.mark.parametrize("batch_size", [1, 7, 32])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_same_iterates_as_mlp_regressor(batch_size, momentum, activation, neuron):
    X, y = neuron
    options = {"batch_size": batch_size, "momentum": momentum, "shuffle": False}
    net = plain(activation=activation, eta0=0.02, max_iter=1, **options).fit(X, y)
    mlp = MLPRegressor(
        hidden_layer_sizes=(20,),
        activation=activation,
        solver="sgd",
        alpha=0,
        learning_rate_init=0.02,
        nesterovs_momentum=False,
        max_iter=1,
        warm_start=True,
        **options,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlp.fit(X[:batch_size], y[:batch_size])
        W, b, u, c = net.initial_weights()
        mlp.coefs_ = [W.T.copy(), u[:, np.newaxis].copy()]
        mlp.intercepts_ = [b.copy(), np.array([c])]
        mlp.fit(X, y)
    for ours, theirs in (
        (net.hidden_weights_, mlp.coefs_[0].T),
        (net.hidden_biases_, mlp.intercepts_[0]),
        (net.output_weights_, mlp.coefs_[1][:, 0]),
        (net.output_bias_, mlp.intercepts_[1][0]),
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10)
    np.testing.assert_allclose(net.predict(X), mlp.predict(X), rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("train", ["both", "output", "hidden"])
@pytest.mark.parametrize("parametrization", ["standard", "ntk"])
@pytest.mark.parametrize("biases", ["constant", "none"])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_trained_parts_and_scale(train, parametrization, biases, fit_intercept, neuron):
    X, y = neuron
    net = plain(
        train=train,
        parametrization=parametrization,
        biases=biases,
        fit_intercept=fit_intercept,
        alpha=0.03,
        eta0=0.02,
        max_iter=1,
        shuffle=False,
    ).fit(X, y)
    hidden = train != "output"
    trained = {
        "W": hidden,
        "b": hidden and biases != "none",
        "U": train != "hidden",
        "c": fit_intercept,
    }
    scale = 20**-0.5 if parametrization == "ntk" else 1.0
    expected, _, _ = reference.sgd(
        X,
        y[:, np.newaxis],
        np.ones(len(X)),
        initial(net),
        eta0=0.02,
        alpha=0.03,
        scale=scale,
        trained=[name for name, is_trained in trained.items() if is_trained],
    )
    np.testing.assert_allclose(net.hidden_weights_, expected["W"], rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(net.hidden_biases_, expected["b"], rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(
        net.output_weights_, expected["U"][0], rtol=1e-11, atol=1e-13
    )
    np.testing.assert_allclose(net.output_bias_, expected["c"][0], rtol=1e-11, atol=1e-13)
    one = reference.forward(
        X[0], *(expected[name] for name in "WbUc"), scale, activation="relu"
    )
    np.testing.assert_allclose(net.predict(X[:1]), one, rtol=1e-11)


@pytest.mark.parametrize("batch_size", [1, 32])
def test_averages_over_all_epochs_equal_the_twin(batch_size, neuron):
    """Across blocks, and with a start of the mean in the middle of one."""
    X, y = make_single_neuron(700, 3, random_state=1)
    net = plain(
        width=6, average=12, batch_size=batch_size, eta0=0.05, shuffle=False, max_iter=2
    ).fit(X, y)
    # The end of an epoch is the end of a mini-batch, so the twin needs full ones.
    n = len(X) // 32 * 32
    net.fit(X[:n], y[:n])
    _, average, _ = reference.sgd(
        np.tile(X[:n], (2, 1)),
        np.tile(y[:n, np.newaxis], (2, 1)),
        np.ones(2 * n),
        initial(net),
        batch_size=batch_size,
        eta0=0.05,
        average_after=11,
    )
    np.testing.assert_allclose(net.hidden_weights_, average["W"], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(net.output_bias_, average["c"][0], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("Network", BOTH)
@pytest.mark.parametrize("momentum", [0.0, 0.6])
def test_integer_weights_equal_repeated_rows(Network, momentum, neuron, rng):
    """With full batches, at the step rescaled by the number of rows."""
    X, y = neuron
    if Network is OverparamNetClassifier:
        y = np.digitize(y, [0.01, 0.5])
    w = rng.integers(0, 4, len(X))
    options = {"batch_size": 10_000, "momentum": momentum, "max_iter": 20}
    one = plain(Network, eta0=0.1, **options).fit(X, y, sample_weight=w)
    rows = np.repeat(np.arange(len(X)), w)
    step = 0.1 * w.sum() / len(X)
    other = plain(Network, eta0=step, **options).fit(X[rows], y[rows])
    assert_same_weights(one, other, 1e-10)


@pytest.mark.parametrize("Network", BOTH)
def test_weight_zero_takes_a_row_out_of_a_stream(Network, neuron):
    """Per sample a weight scales the step, so a zero is a step that is not made."""
    X, y = neuron
    y = np.sign(y - 0.2)
    w = (np.arange(len(X)) % 3 > 0).astype(float)
    one = plain(Network, eta0=0.05, shuffle=False).fit(X, y, sample_weight=w)
    other = plain(Network, eta0=0.05, shuffle=False).fit(X[w > 0], y[w > 0])
    assert_same_weights(one, other, 1e-12)


@pytest.mark.parametrize("Network", BOTH)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sparse_input_gives_the_same_fit(Network, dtype, rng):
    X = (rng.normal(size=(300, 8)) * (rng.uniform(size=(300, 8)) < 0.4)).astype(dtype)
    y = np.sign(X[:, 0] + X[:, 1] ** 2 - 0.1)
    dense = plain(Network, batch_size=4).fit(X, y)
    csr = plain(Network, batch_size=4).fit(sparse.csr_array(X), y)
    assert csr.hidden_weights_.dtype == dtype
    if Network is OverparamNetRegressor:
        assert csr.predict(sparse.csr_array(X)).dtype == dtype
    # The products that the step is estimated from add up in another order.
    tolerance = 1e-4 if dtype == np.float32 else 1e-10
    assert_same_weights(dense, csr, tolerance)
    outputs = "predict" if Network is OverparamNetRegressor else "decision_function"
    np.testing.assert_allclose(
        getattr(csr, outputs)(sparse.csc_matrix(X)),
        getattr(dense, outputs)(X),
        rtol=tolerance,
        atol=tolerance,
    )


def test_the_step_of_sparse_rows_with_several_entries_for_a_place(neuron):
    """The lengths of rows, from which the step follows, are not those of their entries."""
    X, y = neuron
    net = OverparamNetRegressor(width=20, max_iter=2, tol=None, random_state=0)
    first = net.fit(X, y).eta0_
    net.fit(reference.csr_of_two_entries_each(X), y)
    assert net.eta0_ == pytest.approx(first, rel=1e-12)


def test_float32_is_kept_and_close_to_float64(neuron):
    X, y = neuron
    wide = plain().fit(X, y)
    narrow = plain(eta0=wide.eta0_).fit(X.astype(np.float32), y.astype(np.float32))
    for name in ("hidden_weights_", "hidden_biases_", "output_weights_", "output_bias_"):
        assert getattr(narrow, name).dtype == np.float32
    assert narrow.predict(X).dtype == np.float32
    np.testing.assert_allclose(narrow.predict(X), wide.predict(X), rtol=1e-3, atol=1e-4)


def test_one_hot_outputs_share_the_hidden_layer(neuron):
    X, y = neuron
    Y = np.column_stack([y, -y, y**2])
    net = plain().fit(X, Y)
    assert net.output_weights_.shape == (3, 20)
    assert net.output_bias_.shape == (3,)
    assert net.predict(X).shape == Y.shape
    expected, _, _ = reference.sgd(X, Y, np.ones(len(X)), initial(net), eta0=net.eta0_)
    once = plain(eta0=net.eta0_, max_iter=1, shuffle=False).fit(X, Y)
    np.testing.assert_allclose(once.hidden_weights_, expected["W"], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(once.output_weights_, expected["U"], rtol=1e-10, atol=1e-12)


def test_shapes_follow_y(neuron):
    X, y = neuron
    flat, column = plain().fit(X, y), plain().fit(X, y[:, np.newaxis])
    assert flat.output_weights_.shape == (20,)
    assert np.ndim(flat.output_bias_) == 0
    assert column.output_weights_.shape == (1, 20)
    assert column.predict(X).shape == (len(X), 1)
    np.testing.assert_array_equal(column.predict(X)[:, 0], flat.predict(X))


# ----------------------------------------------------------------------- initialisation


def test_default_start_is_the_fan_in_law():
    X, y = make_single_neuron(10, 9, random_state=0)
    net = plain(width=4000, max_iter=1).fit(X, y)
    W, b, u, c = net.initial_weights()
    assert 0.99 / 3 < np.abs(W).max() <= 1 / 3
    assert 0.99 / np.sqrt(4000) < np.abs(u).max() <= 1 / np.sqrt(4000)
    assert W.std() == pytest.approx(1 / np.sqrt(3 * 9), rel=0.02)
    assert not b.any()
    assert c == 0


def test_ntk_start_has_random_signs():
    X, y = make_single_neuron(10, 3, random_state=0)
    u = plain(width=1000, parametrization="ntk", max_iter=1).fit(X, y).initial_weights()[2]
    assert set(u) == {-1.0, 1.0}
    assert abs(u.mean()) < 0.15


@pytest.mark.parametrize("parametrization", ["standard", "ntk"])
def test_symmetric_init_starts_at_zero(parametrization, neuron):
    X, y = neuron
    net = plain(symmetric_init=True, parametrization=parametrization).fit(X, y)
    W, b, u, c = net.initial_weights()
    outputs = np.maximum(X @ W.T + b, 0) @ u + c
    assert np.abs(outputs).max() < 1e-14
    assert np.abs(u).min() > 0
    assert len(np.unique(W, axis=0)) == 10


@pytest.mark.parametrize("Network", BOTH)
def test_same_seed_same_fit(Network, neuron):
    X, y = neuron
    y = np.sign(y - 0.2)
    assert_same_weights(plain(Network).fit(X, y), plain(Network).fit(X, y))
    other = plain(Network, random_state=1).fit(X, y)
    assert (
        np.abs(other.hidden_weights_ - plain(Network).fit(X, y).hidden_weights_).max() > 0.1
    )


# ------------------------------------------------------------------ steps and divergence


@pytest.mark.parametrize("x_scale", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("y_scale", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("train", ["both", "output", "hidden"])
def test_automatic_step_does_not_diverge(x_scale, y_scale, train, neuron):
    X, y = neuron
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net = plain(train=train, momentum=0.5, max_iter=5).fit(X * x_scale, y * y_scale)
    assert np.isfinite(net.loss_curve_).all()
    # A step that is stable is not always one that learns: no more than noise is asked.
    assert net.loss_curve_[-1] <= 1.5 * net.loss_curve_[0]


@pytest.mark.parametrize("alpha", [3.0, 1e4, 1e12])
@pytest.mark.parametrize("train", ["both", "output", "hidden"])
def test_automatic_step_counts_the_penalty(alpha, train, neuron):
    """A bounded activation hides weights that grow because the step is too long."""
    X, y = neuron
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net = plain(alpha=alpha, activation="sigmoid", train=train, max_iter=10).fit(X, y)
    assert np.abs(net.hidden_weights_).max() < 2
    assert np.abs(net.output_weights_).max() < 2


def test_a_penalty_that_blows_the_weights_up_is_noticed(neuron):
    net = plain(alpha=1.0, eta0=10.0, activation="sigmoid", train="hidden")
    with pytest.warns(ConvergenceWarning, match=r"diverged .*after 0 updates"):
        net.fit(*neuron)
    np.testing.assert_array_equal(net.hidden_weights_, net.initial_weights()[0])


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("place", [7, 2900])
def test_an_outlier_is_no_divergence(method, place, rng):
    """Also one that lies between the rows that the step is estimated on."""
    X = rng.normal(size=(3000, 4))
    y = np.maximum(X[:, 0], 0)
    X[place] *= 1e6
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fixed = getattr(plain(eta0=1e-25), method)(X, y)
        auto = getattr(plain(), method)(X, y)
    assert fixed.t_ == auto.t_ == (3 if method == "fit" else 1) * 3000
    assert np.isfinite(auto.predict(X)).all()


def test_automatic_step_starts_from_the_documented_estimate(neuron):
    """(1 - momentum) min(1 / max ||grad N||^2, 1 / RMS ||grad l||), by differences.

    The search multiplies it by a power of 2.
    """
    X, y = neuron
    for target in (y, 100 * y):
        net = plain(width=3, activation="tanh", momentum=0.5, max_iter=1).fit(X, target)
        start = initial(net)

        def output(x, theta):
            return reference.forward(x, *theta, 1.0, "tanh")[0]

        squares, losses = [], []
        for x, value in zip(X, target, strict=True):
            gradient = []
            for name in "WbUc":
                for index in np.ndindex(start[name].shape):
                    sides = []
                    for h in (-1e-6, 1e-6):
                        theta = {key: array.copy() for key, array in start.items()}
                        theta[name][index] += h
                        sides.append(output(x, [theta[key] for key in "WbUc"]))
                    gradient.append((sides[1] - sides[0]) / 2e-6)
            squares.append(np.sum(np.square(gradient)))
            residual = output(x, [start[key] for key in "WbUc"]) - value
            losses.append(residual**2 * squares[-1])
        expected = 0.5 * min(1 / max(squares), 1 / np.sqrt(np.mean(losses)))
        doublings = np.log2(net.eta0_ / expected)
        assert doublings == pytest.approx(round(doublings), abs=1e-6)


@pytest.mark.parametrize("loss", ["squared_error", "hinge"])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_automatic_step_beats_its_neighbours(loss, scale, neuron):
    """Five passes in the order of the search are worse at half and at twice the step.

    Twice the step may also diverge, or kill half of the ReLUs.
    """
    X, y = neuron
    X, y = scale * X, np.sign(y - np.median(y)) if loss == "hinge" else scale * y
    order = np.random.default_rng(0).permutation(len(X))
    settings = {"loss": loss, "shuffle": False, "max_iter": 5, "tol": None}
    Network = OverparamNetClassifier if loss == "hinge" else OverparamNetRegressor
    step = Network(20, random_state=0, **settings).fit(X, y).eta0_
    last_losses, alive = {}, {}
    for factor in (0.5, 1.0, 2.0):
        net = Network(20, random_state=0, eta0=factor * step, **settings)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # twice may diverge
            net.fit(X[order], y[order])
        z = X @ net.hidden_weights_.T + net.hidden_biases_
        diverged, alive[factor] = net.n_iter_ < 5, (z > 0).any(axis=0).sum()
        last_losses[factor] = np.inf if diverged else net.loss_curve_[-1]
    if alive[2.0] <= 0.5 * alive[1.0]:
        del last_losses[2.0]
    assert last_losses[1.0] == min(last_losses.values())


@pytest.mark.parametrize("early_stopping", [True, False])
@pytest.mark.parametrize("seed", [0, 3])
def test_automatic_step_leaves_neurons_alive(early_stopping, seed):
    """A long step is the fastest way to a mean of 152, but ends in ReLUs that are 0."""
    X, y = load_diabetes(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, random_state=seed)
    net = OverparamNetRegressor(100, early_stopping=early_stopping, random_state=seed)
    net.fit(X, y)
    alive = (X @ net.hidden_weights_.T + net.hidden_biases_ > 0).any(axis=0)
    assert alive.mean() > 0.5
    assert net.score(X_test, y_test) > 0.3


@pytest.mark.parametrize("Network", BOTH)
def test_given_step_that_diverges_keeps_finite_weights_and_warns(Network, neuron):
    X, y = neuron
    X, y = 100 * X, np.sign(y - 0.2)
    net = plain(Network, loss="squared_error", eta0=10.0)
    with pytest.warns(ConvergenceWarning, match=r"eta0=10: .*largest stable step .*auto"):
        net.fit(X, y)
    assert np.isfinite(net.hidden_weights_).all()
    assert np.isfinite(net.output_weights_).all()
    assert np.isfinite(net.predict(X).astype(float)).all()


def test_message_of_divergence_names_a_step_that_works(neuron):
    X, y = neuron
    with pytest.warns(ConvergenceWarning) as caught:
        plain(eta0=50.0).fit(X, y)
    named = float(str(caught[0].message).split("estimated as ")[1].split(";")[0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plain(eta0=named).fit(X, y)


def test_interrupt_while_the_step_is_searched(neuron, monkeypatch):
    """fit returns the start with a warning, as after any other Ctrl-C."""
    kernel, calls = _kernels_sgd.train_block, []

    def interrupted(*arguments):
        calls.append(arguments)
        if len(calls) == 3:
            signal.raise_signal(signal.SIGINT)
        return kernel(*arguments)

    monkeypatch.setattr(_kernels_sgd, "train_block", interrupted)
    net = plain(eta0="auto", block_size=16)
    with pytest.warns(UserWarning, match="interrupted after 0 epochs and 0 updates"):
        net.fit(*neuron)
    assert len(calls) == 3
    assert (net.n_iter_, net.t_, net.loss_curve_) == (0, 0, [])
    W, _, u, _ = net.initial_weights()
    np.testing.assert_array_equal(net.hidden_weights_, W)
    np.testing.assert_array_equal(net.output_weights_, u)


def test_automatic_step_halves_until_the_fit_holds(neuron, monkeypatch):
    """Were the estimate 1,000 times too large, fit would start again at smaller steps."""
    X, y = neuron
    from skrf import _base_network

    honest = plain().fit(X, y)
    estimate = _base_network.probe

    def optimistic(*arguments):
        found = estimate(*arguments)
        return found._replace(stable_step=1000 * found.stable_step)

    monkeypatch.setattr(_base_network, "probe", optimistic)
    net = plain().fit(X, y)
    halvings = np.log2(1000 * honest.eta0_ / net.eta0_)
    assert halvings >= 1
    assert halvings == pytest.approx(round(halvings))
    assert_same_weights_start = zip(
        net.initial_weights(), honest.initial_weights(), strict=True
    )
    assert all(np.array_equal(one, other) for one, other in assert_same_weights_start)
    assert len(net.loss_curve_) == 3
    assert net.t_ == 3 * len(X)
    assert np.isfinite(net.loss_curve_).all()


def test_partial_fit_goes_on_at_half_the_step(neuron):
    """A chunk that diverges at the step fixed by the first one is tried at half of it."""
    X, y = neuron
    net = plain().partial_fit(X, y)
    first = net.eta0_
    net.partial_fit(1e4 * X, y)
    assert net.eta0_ < first
    assert np.log2(first / net.eta0_) == pytest.approx(round(np.log2(first / net.eta0_)))
    assert np.isfinite(net.hidden_weights_).all()
    assert net.t_ == 2 * len(X)


def test_partial_fit_with_a_given_step_keeps_the_weights_before_divergence(neuron):
    X, y = neuron
    net = plain(eta0=0.01).partial_fit(X, y)
    before = pickle.loads(pickle.dumps(net))
    with pytest.warns(ConvergenceWarning, match="diverged"):
        net.partial_fit(1e6 * X, y)
    assert_same_weights(net, before)
    assert net.loss_curve_ == before.loss_curve_


# ------------------------------------------------------------------------ a user's fit


@pytest.mark.parametrize("batch_size", [1, 5])
@pytest.mark.parametrize("schedule", ["constant", "invscaling"])
def test_stream_equals_one_epoch_without_shuffling(batch_size, schedule, neuron):
    X, y = neuron
    options = {
        "eta0": 0.03,
        "batch_size": batch_size,
        "learning_rate": schedule,
        "momentum": 0.9,
        "average": 7,
        "max_iter": 1,
    }
    whole = plain(shuffle=False, **options).fit(X, y)
    stream = plain(**options)
    for start in range(0, len(X), 25):
        stream.partial_fit(X[start : start + 25], y[start : start + 25])
    assert_same_weights(whole, stream, 1e-12)
    assert whole.t_ == stream.t_ == len(X) / batch_size
    assert len(stream.loss_curve_) == 8


def test_warm_start_goes_on(neuron):
    X, y = neuron
    options = {"eta0": 0.02, "shuffle": False}
    warm = plain(warm_start=True, **options).fit(X, y).fit(X, y)
    cold = plain(max_iter=6, **options).fit(X, y)
    assert_same_weights(warm, cold, 1e-12)
    assert warm.t_ == cold.t_ == 6 * len(X)
    assert warm.n_iter_ == 3
    np.testing.assert_allclose(warm.loss_curve_, cold.loss_curve_)


def test_weights_set_by_hand_are_trained_on(neuron):
    X, y = neuron
    options = {"eta0": 0.02, "shuffle": False, "max_iter": 1}
    donor = plain(random_state=5, **options).fit(X, y)
    net = plain(warm_start=True, **options).fit(X, y)
    for name in ("hidden_weights_", "hidden_biases_", "output_weights_", "output_bias_"):
        setattr(net, name, getattr(donor, name).copy())
    assert_same_weights(
        net.fit(X, y),
        plain(random_state=5, **options, warm_start=True).fit(X, y).fit(X, y),
        1e-12,
    )


def test_stops_when_the_loss_stalls(neuron):
    X, y = neuron
    net = OverparamNetRegressor(
        20, max_iter=500, tol=1e-3, n_iter_no_change=4, random_state=0
    )
    net.fit(X, y)
    assert net.n_iter_ < 500
    curve = net.loss_curve_
    improves = [curve[i] < min(curve[:i]) - 1e-3 for i in range(1, len(curve))]
    assert improves[-5:] == [True, False, False, False, False]


def test_warns_when_epochs_run_out(neuron):
    X, y = neuron
    with pytest.warns(ConvergenceWarning, match="max_iter=2"):
        OverparamNetRegressor(20, max_iter=2, random_state=0).fit(X, y)


@pytest.mark.parametrize("Network", BOTH)
def test_early_stopping_keeps_the_best_weights(Network, rng):
    """On noise, where longer training only fits it better."""
    X, labels = rng.normal(size=(150, 5)), rng.normal(size=150)
    if Network is OverparamNetClassifier:
        labels = np.digitize(labels, [-0.5, 0.5])
    options = {"early_stopping": True, "tol": None, "random_state": 0}
    net = Network(30, max_iter=40, **options).fit(X, labels)
    assert len(net.validation_scores_) == net.n_iter_ == 40
    best = int(np.argmax(net.validation_scores_))
    assert best < 39, "the last epoch is the best: the test would prove nothing"
    again = Network(30, max_iter=best + 1, **options).fit(X, labels)
    assert_same_weights(net, again)


def test_early_stopping_of_hinge_regression_watches_the_loss(neuron):
    X, y = neuron
    net = plain(loss="hinge", early_stopping=True).fit(X, np.sign(y - 0.2))
    assert all(score <= 0 for score in net.validation_scores_)
    assert not hasattr(net, "partial_fit")


def test_loss_curve_is_the_mean_loss_before_each_update(neuron, rng):
    X, y = neuron
    w = rng.uniform(0.5, 2, len(X))
    net = plain(eta0=0.02, max_iter=1, shuffle=False).fit(X, y, sample_weight=w)
    _, _, total = reference.sgd(X, y[:, np.newaxis], w, initial(net), eta0=0.02)
    assert net.loss_curve_[0] == pytest.approx(total / w.sum(), rel=1e-12)


def test_verbose_prints_each_epoch(neuron, capsys):
    X, y = neuron
    net = plain(verbose=True, early_stopping=True).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[2].startswith(f"Epoch 3, loss = {net.loss_curve_[2]:.8f}, validation")


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_interrupt_keeps_the_finished_blocks(method, monkeypatch):
    """Ctrl-C waits for the block's end: fit returns with a warning, partial_fit raises."""
    X, y = make_single_neuron(1000, 3, random_state=0)
    kernel, calls = _kernels_sgd.train_block, []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 3:
            signal.raise_signal(signal.SIGINT)
        return kernel(*arguments)

    monkeypatch.setattr(_kernels_sgd, "train_block", interrupted)
    net = plain(eta0=0.02, shuffle=False, block_size=64)
    if method == "fit":
        with pytest.warns(UserWarning, match=r"interrupted after 0 epochs and 192 updates"):
            net.fit(X, y)
    else:
        with pytest.raises(KeyboardInterrupt):
            net.partial_fit(X, y)
    monkeypatch.undo()
    assert net.t_ == 192, "three blocks of 64 rows, a panel each"
    expected = plain(eta0=0.02, shuffle=False, max_iter=1, block_size=64)
    expected.fit(X[:192], y[:192])
    assert_same_weights(net, expected)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_exception_in_a_block_undoes_it(monkeypatch):
    X, y = make_single_neuron(300, 3, random_state=0)
    kernel, calls = _kernels_sgd.train_block, []

    def failing(*arguments):
        calls.append(1)
        loss = kernel(*arguments)
        if len(calls) == 2:
            raise MemoryError
        return loss

    monkeypatch.setattr(_kernels_sgd, "train_block", failing)
    options = {"eta0": 0.02, "momentum": 0.5, "average": True, "block_size": 64}
    net = plain(**options)
    with pytest.raises(MemoryError):
        net.partial_fit(X, y)
    monkeypatch.undo()
    expected = plain(**options).partial_fit(X[:64], y[:64])
    assert_same_weights(net, expected)
    assert net.t_ == 64


@pytest.mark.parametrize("Network", BOTH)
def test_pickled_stream_goes_on_to_the_bit(Network, neuron):
    X, y = neuron
    y = np.sign(y - 0.2)
    net = plain(Network, momentum=0.9, average=True)
    first = {"classes": [-1, 1]} if Network is OverparamNetClassifier else {}
    net.partial_fit(X[:100], y[:100], **first)
    copy = pickle.loads(pickle.dumps(net))
    assert_same_weights(
        net.partial_fit(X[100:], y[100:]), copy.partial_fit(X[100:], y[100:])
    )


# --------------------------------------------------------------------- labels and hinge


def test_hinge_regression_learns_a_polynomial():
    X, y = make_polynomial_classification(
        600, 4, degree=1, n_terms=3, inputs="cube", random_state=0
    )
    net = plain(width=100, loss="hinge", max_iter=30).fit(X, y)
    N = net.predict(X)
    assert np.maximum(0, 1 - y * N).mean() < 0.01
    assert len(np.unique(N)) > 2


def test_hinge_classifier_is_the_sign_of_hinge_regression(neuron):
    X, y = neuron
    signs = np.where(y > 0.2, 1, -1)
    real = plain(loss="hinge").fit(X, signs)
    labels = np.where(signs > 0, "yes", "no")
    classifier = plain(OverparamNetClassifier).fit(X, labels)
    np.testing.assert_array_equal(classifier.decision_function(X), real.predict(X))
    np.testing.assert_array_equal(
        classifier.predict(X), np.where(real.predict(X) > 0, "yes", "no")
    )


def test_several_classes_share_a_hidden_layer():
    X, y = load_iris(return_X_y=True)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    net = OverparamNetClassifier(100, max_iter=60, tol=None, random_state=0).fit(X, y)
    assert net.decision_function(X).shape == (150, 3)
    assert net.output_weights_.shape == (3, 100)
    assert net.score(X, y) > 0.95


def test_partial_fit_of_the_classifier_needs_and_keeps_the_classes():
    X, y = make_classification(
        60, 4, n_informative=4, n_redundant=0, n_classes=3, random_state=0
    )
    with pytest.raises(ValueError, match="classes must be passed"):
        plain(OverparamNetClassifier).partial_fit(X, y)
    net = plain(OverparamNetClassifier).partial_fit(
        X[:9], np.ones(9, int), classes=[0, 1, 2]
    )
    assert net.decision_function(X).shape == (60, 3)
    net.partial_fit(X, y)
    with pytest.raises(ValueError, match=r"label 7, .* classes \[0, 1, 2\]"):
        net.partial_fit(X[:2], [1, 7])
    with pytest.raises(ValueError, match="at least 2 classes"):
        plain(OverparamNetClassifier).partial_fit(X[:2], [0, 0], classes=[0])
    assert (
        plain(OverparamNetClassifier).fit(X, y).fit(X[y < 2], y[y < 2]).classes_.size == 2
    )


# --------------------------------------------------------------------------- bad input


@pytest.mark.parametrize("Network", BOTH)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("width", 0),
        ("loss", "log_loss"),
        ("activation", "swish"),
        ("train", "all"),
        ("parametrization", "mup"),
        ("weights", "normal"),
        ("weight_scale", -1),
        ("bias_scale", np.nan),
        ("biases", "zero"),
        ("alpha", -1e-3),
        ("alpha", np.inf),
        ("max_iter", 0),
        ("batch_size", 0),
        ("learning_rate", "adaptive"),
        ("eta0", 0.0),
        ("eta0", "optimal"),
        ("power_t", np.inf),
        ("momentum", 1.0),
        ("average", -2),
        ("tol", -1.0),
        ("n_iter_no_change", 0),
        ("validation_fraction", 1.0),
        ("random_state", 0.5),
    ],
)
def test_bad_parameters_are_named(Network, name, value, neuron):
    X, y = neuron
    with pytest.raises(ValueError, match=f"'{name}' parameter of {Network.__name__}"):
        Network(**{name: value}).fit(X, np.sign(y - 0.2))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"activation": "step"}, r"activation='step'.*train='both'.*train=\"output\""),
        ({"symmetric_init": True, "width": 5}, "odd width=5.*even width"),
        (
            {"early_stopping": True, "validation_fraction": 0.001},
            r"validation_fraction=0.001 sets 1 of n_samples=200",
        ),
    ],
)
def test_parameters_that_do_not_fit_together(parameters, message, neuron):
    with pytest.raises(ValueError, match=message):
        plain(**parameters).fit(*neuron)


def test_hinge_regression_refuses_other_targets(neuron):
    X, _ = neuron
    y = np.ones(len(X))
    y[7] = 3.2
    with pytest.raises(
        ValueError,
        match=r'loss=\'hinge\' needs y in \{-1, 1\}; got 3.2. Use loss="squared_error", or',
    ):
        plain(loss="hinge").fit(X, y)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([[1.0, np.nan], [0, 1]], [0, 1], "X contains NaN"),
        ([[1.0, np.inf], [0, 1]], [0, 1], "X contains infinity"),
        ([[1.0, 2], [0, 1]], [0, np.nan], "y contains NaN"),
        ([1.0, 2.0], [0, 1], "Expected 2D array, got 1D"),
        ([[1.0], [2]], sparse.csr_array([[1.0], [2]]), "y must be dense"),
        (np.ones((0, 2)), [], r"0 sample\(s\)"),
        ([[1.0, 2], [0, 1]], [0, 1, 2], "inconsistent numbers of samples"),
        (
            np.ones((2, 2), np.float32),
            [0, 1e300],
            r"y is too large for float32; got 1e\+300",
        ),
    ],
)
def test_bad_data_is_named(X, y, message):
    with pytest.raises(ValueError, match=message):
        plain().fit(X, y)


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize(("x_scale", "y_scale"), [(1e200, 1.0), (1.0, 1e200)])
def test_overflowing_data_is_refused(x_scale, y_scale, neuron):
    X, y = neuron
    with pytest.raises(
        ValueError, match=r"overflow float64: X, y, sample_weight .*Scale X"
    ):
        plain().fit(X * x_scale, y * y_scale)
    x_scale, y_scale = x_scale**0.11, y_scale**0.11
    with pytest.raises(ValueError, match=r"overflow float32"):
        plain().fit((X * x_scale).astype(np.float32), (y * y_scale).astype(np.float32))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([1.0] * 199 + [-1.0], "Negative values.*sample_weight"),
        ([1.0] * 199 + [np.nan], "sample_weight contains NaN"),
        ([1.0] * 3, r"sample_weight.shape == \(3,\), expected \(200,\)"),
        ([0.0] * 200, "Sample weights must contain at least one non-zero"),
    ],
)
def test_bad_sample_weights_are_named(weights, message, neuron):
    with pytest.raises(ValueError, match=message):
        plain().fit(*neuron, sample_weight=weights)


def test_classifier_needs_two_classes(neuron):
    with pytest.raises(ValueError, match="at least 2 classes; y has 1 class"):
        plain(OverparamNetClassifier).fit(neuron[0], np.ones(200))


def test_going_on_with_another_shape_is_refused(neuron):
    X, y = neuron
    net = plain(warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match="width=30 differs from the 20 neurons"):
        net.set_params(width=30).fit(X, y)
    net.set_params(width=20)
    with pytest.raises(ValueError, match=r"y has 2 outputs, but .* fitted with 1"):
        net.fit(X, np.column_stack([y, y]))
    with pytest.raises(ValueError, match="X has 3 features"):
        net.partial_fit(X[:, :3], y)
    with pytest.raises(ValueError, match="X has 3 features"):
        net.predict(X[:, :3])


@pytest.mark.parametrize("Network", BOTH)
def test_predict_needs_fit(Network, neuron):
    with pytest.raises(NotFittedError):
        Network().predict(np.ones((2, 2)))
    net = plain(Network, symmetric_init=True, early_stopping=True, validation_fraction=1e-3)
    with pytest.raises(ValueError, match="validation_fraction"):
        net.fit(neuron[0], np.sign(neuron[1] - 0.2))
    with pytest.raises(NotFittedError):
        net.predict(neuron[0])


def test_a_refused_call_leaves_a_working_model(neuron):
    X, y = neuron
    net = plain(warm_start=True).fit(X, y)
    before = net.predict(X)
    with pytest.raises(ValueError, match="2 outputs"):
        net.fit(X, np.column_stack([y, y]))
    np.testing.assert_array_equal(net.predict(X), before)
    classifier = plain(OverparamNetClassifier).fit(X, np.arange(len(X)) % 3)
    before = classifier.predict(X)
    classifier.set_params(early_stopping=True, validation_fraction=1e-3)
    with pytest.raises(ValueError, match="validation_fraction"):
        classifier.fit(X, np.arange(len(X)) % 2)
    np.testing.assert_array_equal(classifier.predict(X), before)


@pytest.mark.parametrize(
    ("name", "value"), [("activation", "swish"), ("batch_size", 0), ("alpha", np.nan)]
)
def test_every_partial_fit_checks_the_parameters(name, value, neuron):
    net = plain().partial_fit(*neuron)
    with pytest.raises(ValueError, match=f"'{name}' parameter of OverparamNetRegressor"):
        net.set_params(**{name: value}).partial_fit(*neuron)


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_warnings_point_at_the_callers_line(method, neuron):
    X, y = neuron
    with pytest.warns(ConvergenceWarning, match="diverged") as caught:
        getattr(plain(eta0=1e3), method)(X, y)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("power_t", [10, -1, np.float32(0.5)])
def test_numbers_of_any_type(power_t, neuron):
    options = {"learning_rate": "invscaling", "eta0": 1e-9, "batch_size": np.int32(4)}
    one = plain(power_t=power_t, alpha=0, **options).fit(*neuron)
    other = plain(power_t=float(power_t), alpha=0.0, **options).fit(*neuron)
    assert_same_weights(one, other)


def test_parameters_set_after_fit_do_not_change_predictions(neuron):
    X, y = neuron
    net = plain(parametrization="ntk").fit(X, y)
    before, start = net.predict(X), net.initial_weights()
    net.set_params(
        width=80, activation="tanh", parametrization="standard", weights="sphere"
    )
    np.testing.assert_array_equal(net.predict(X), before)
    for one, other in zip(start, net.initial_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_training_goes_on_in_arrays_of_its_own(neuron):
    X, y = neuron
    net = plain(eta0=0.001).partial_fit(X, y)
    held, mine = net.hidden_weights_, np.ones((20, 4))
    before = held.copy()
    net.partial_fit(X, y)
    np.testing.assert_array_equal(held, before)
    net.hidden_weights_ = mine
    net.partial_fit(X, y)
    assert (mine == 1).all()
    assert not np.array_equal(net.hidden_weights_, mine)


def test_early_stopping_needs_weight_on_both_sides(neuron):
    weight = np.zeros(200)
    weight[0] = 1
    net = plain(OverparamNetClassifier, early_stopping=True)
    with pytest.raises(ValueError, match="sample_weight is 0 on all rows"):
        net.fit(neuron[0], neuron[1] > 0, sample_weight=weight)


def test_a_mean_that_begins_later_forgets_the_one_before(neuron):
    X, y = neuron
    net = plain(average=True, eta0=0.02).partial_fit(X, y)
    net.set_params(average=1000).partial_fit(X, y)
    plain_run = plain(eta0=0.02).partial_fit(X, y).partial_fit(X, y)
    assert_same_weights(net, plain_run, 1e-12)


def test_sparse_prediction_stays_sparse():
    X = sparse.random_array((2000, 50_000), density=1e-5, format="csr", random_state=0)
    y = np.asarray(X.sum(axis=1)).ravel()
    net = plain(width=4, max_iter=1, eta0=0.1).fit(X[:50], y[:50])
    tracemalloc.start()
    net.predict(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6, "dense, X would take 800 MB"


def test_too_large_a_network_is_refused(neuron, monkeypatch):
    monkeypatch.setattr("skrf._environment.available_memory", lambda: 10**5)
    with pytest.raises(
        MemoryError, match=r"width=100000 neurons on 4 columns.*smaller width"
    ):
        plain(width=100_000).fit(*neuron)


@pytest.mark.parametrize("Network", BOTH)
def test_fits_in_threads_do_not_disturb_each_other(Network, neuron):
    X, y = neuron
    y = np.sign(y - 0.2)
    options = {"momentum": 0.5, "average": True, "batch_size": 3, "max_iter": 10}
    expected = plain(Network, **options).fit(X, y)
    with ThreadPoolExecutor(4) as pool:
        fits = list(pool.map(lambda _: plain(Network, **options).fit(X, y), range(8)))
    for fitted in fits:
        assert_same_weights(fitted, expected)


@pytest.mark.slow
@pytest.mark.parametrize("shape", [(20, 1000), (784, 4096)])
def test_real_interrupt_is_noticed_within_a_second(shape):
    """Ctrl-C in a process of its own; what is kept equals an undisturbed shorter run."""
    program = f"""
import signal, time, warnings
import numpy as np
from skrf import OverparamNetRegressor
X = np.random.default_rng(0).normal(size=(3000, {shape[0]})).astype(np.float32)
options = dict(eta0=1e-4, tol=None, shuffle=False, random_state=0)
net = OverparamNetRegressor({shape[1]}, max_iter=1, **options).fit(X[:100], X[:100, 0])
net = OverparamNetRegressor({shape[1]}, max_iter=10**6, **options)
signal.setitimer(signal.ITIMER_REAL, 3.0)
signal.signal(signal.SIGALRM, lambda *_: (sent.append(time.perf_counter()),
                                         signal.raise_signal(signal.SIGINT)))
sent = []
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    net.fit(X, X[:, 0])
print(time.perf_counter() - sent[0], len(caught), net.t_)
same = OverparamNetRegressor({shape[1]}, **options)
for start in range(0, net.t_, 3000):
    rows = X[: min(3000, net.t_ - start)]
    same.partial_fit(rows, rows[:, 0])
print(np.abs(same.hidden_weights_ - net.hidden_weights_).max())
"""
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    first, second = run.stdout.splitlines()
    seconds, n_warnings, updates = first.split()
    assert float(seconds) < 1
    assert int(n_warnings) == 1
    assert int(updates) > 0
    assert float(second) == 0
