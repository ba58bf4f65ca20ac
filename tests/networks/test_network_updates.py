"""Updates of the networks equal those of plain SGD, for all data, weights and dtypes."""

import warnings

import numpy as np
import pytest
import reference
from exact_sgd import plain_sgd
from scipy import sparse
from sklearn.neural_network import MLPRegressor
from small_networks import BOTH, assert_same_weights, initial

from skrf import (
    OverparamNetClassifier,
    OverparamNetRegressor,
    make_single_neuron,
)


@pytest.mark.parametrize("batch_size", [1, 7, 32])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_same_iterates_as_mlp_regressor(batch_size, momentum, activation, neuron):
    X, y = neuron
    options = {"batch_size": batch_size, "momentum": momentum, "shuffle": False}
    net = plain_sgd(activation=activation, eta0=0.02, max_iter=1, **options).fit(X, y)
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
    net = plain_sgd(
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
    expected_output = reference.forward(
        X[0], *(expected[name] for name in "WbUc"), scale, activation="relu"
    )
    np.testing.assert_allclose(net.predict(X[:1]), expected_output, rtol=1e-11)


@pytest.mark.parametrize("batch_size", [1, 32])
def test_averages_over_all_epochs_equal_the_reference(batch_size, neuron):
    """Also across blocks, with an average that starts within a block."""
    X, y = make_single_neuron(700, 3, random_state=1)
    net = plain_sgd(
        width=6, average=12, batch_size=batch_size, eta0=0.05, shuffle=False, max_iter=2
    ).fit(X, y)
    # An epoch ends a mini-batch, so the reference needs full mini-batches.
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
    """With full batches, and the step scaled by the number of rows of positive weight."""
    X, y = neuron
    if Network is OverparamNetClassifier:
        y = np.digitize(y, [0.01, 0.5])
    w = rng.integers(0, 4, len(X))
    options = {"batch_size": 10_000, "momentum": momentum, "max_iter": 20}
    weighted = plain_sgd(Network, eta0=0.1, **options).fit(X, y, sample_weight=w)
    rows = np.repeat(np.arange(len(X)), w)
    step = 0.1 * w.sum() / np.sum(w > 0)
    repeated = plain_sgd(Network, eta0=step, **options).fit(X[rows], y[rows])
    assert_same_weights(weighted, repeated, 1e-10)


@pytest.mark.parametrize("Network", BOTH)
def test_rows_of_weight_zero_have_no_effect(Network, neuron):
    """Per sample, a weight scales the step."""
    X, y = neuron
    y = np.sign(y - 0.2)
    w = (np.arange(len(X)) % 3 > 0).astype(float)
    weighted = plain_sgd(Network, eta0=0.05, shuffle=False).fit(X, y, sample_weight=w)
    without = plain_sgd(Network, eta0=0.05, shuffle=False).fit(X[w > 0], y[w > 0])
    assert_same_weights(weighted, without, 1e-12)


@pytest.mark.parametrize("Network", BOTH)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sparse_input_gives_the_same_fit(Network, dtype, rng):
    X = (rng.normal(size=(300, 8)) * (rng.uniform(size=(300, 8)) < 0.4)).astype(dtype)
    y = np.sign(X[:, 0] + X[:, 1] ** 2 - 0.1)
    dense = plain_sgd(Network, batch_size=4).fit(X, y)
    csr = plain_sgd(Network, batch_size=4).fit(sparse.csr_array(X), y)
    assert csr.hidden_weights_.dtype == dtype
    if Network is OverparamNetRegressor:
        assert csr.predict(sparse.csr_array(X)).dtype == dtype
    # The products for the estimated step are summed in another order.
    tolerance = 1e-4 if dtype == np.float32 else 1e-10
    assert_same_weights(dense, csr, tolerance)
    outputs = "predict" if Network is OverparamNetRegressor else "decision_function"
    np.testing.assert_allclose(
        getattr(csr, outputs)(sparse.csc_matrix(X)),
        getattr(dense, outputs)(X),
        rtol=tolerance,
        atol=tolerance,
    )


def test_duplicate_sparse_entries_do_not_change_the_step(neuron):
    """The step depends on the lengths of rows, which are not those of the entries."""
    X, y = neuron
    net = OverparamNetRegressor(width=20, max_iter=2, tol=None, random_state=0)
    first = net.fit(X, y).eta0_
    net.fit(reference.csr_of_two_entries_each(X), y)
    assert net.eta0_ == pytest.approx(first, rel=1e-12)


def test_float32_is_kept_and_close_to_float64(neuron):
    X, y = neuron
    wide = plain_sgd(eta0=0.02).fit(X, y)
    narrow = plain_sgd(eta0=0.02).fit(X.astype(np.float32), y.astype(np.float32))
    for name in ("hidden_weights_", "hidden_biases_", "output_weights_", "output_bias_"):
        assert getattr(narrow, name).dtype == np.float32
    assert narrow.predict(X).dtype == np.float32
    np.testing.assert_allclose(narrow.predict(X), wide.predict(X), rtol=1e-3, atol=1e-4)


def test_several_outputs_share_the_hidden_layer(neuron):
    X, y = neuron
    Y = np.column_stack([y, -y, y**2])
    net = plain_sgd(eta0=0.02, max_iter=1, shuffle=False).fit(X, Y)
    assert net.output_weights_.shape == (3, 20)
    assert net.output_bias_.shape == (3,)
    assert net.predict(X).shape == Y.shape
    expected, _, _ = reference.sgd(X, Y, np.ones(len(X)), initial(net), eta0=0.02)
    np.testing.assert_allclose(net.hidden_weights_, expected["W"], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(net.output_weights_, expected["U"], rtol=1e-10, atol=1e-12)


def test_shapes_follow_y(neuron):
    X, y = neuron
    flat, column = plain_sgd().fit(X, y), plain_sgd().fit(X, y[:, np.newaxis])
    assert flat.output_weights_.shape == (20,)
    assert np.ndim(flat.output_bias_) == 0
    assert column.output_weights_.shape == (1, 20)
    assert column.predict(X).shape == (len(X), 1)
    np.testing.assert_array_equal(column.predict(X)[:, 0], flat.predict(X))


def test_an_average_that_starts_later_discards_the_previous_average(neuron):
    X, y = neuron
    net = plain_sgd(average=True, eta0=0.02).partial_fit(X, y)
    net.set_params(average=1000).partial_fit(X, y)
    plain_run = plain_sgd(eta0=0.02).partial_fit(X, y).partial_fit(X, y)
    assert_same_weights(net, plain_run, 1e-12)
