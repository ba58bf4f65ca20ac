"""The automatic learning rate, and steps that diverge."""

import pickle
import re
import tracemalloc
import warnings

import numpy as np
import pytest
import reference
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import scale
from small_networks import BOTH, assert_same_weights, initial, plain

from skrf import OverparamNetClassifier, OverparamNetRegressor


@pytest.mark.parametrize("x_scale", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("y_scale", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("train", ["both", "output", "hidden"])
def test_automatic_step_does_not_diverge(x_scale, y_scale, train, neuron):
    X, y = neuron
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "The network (is worse than|has learned little)")
        net = plain(train=train, momentum=0.5, max_iter=5).fit(X * x_scale, y * y_scale)
    assert np.isfinite(net.loss_curve_).all()


@pytest.mark.parametrize("alpha", [3.0, 1e4, 1e12])
@pytest.mark.parametrize("train", ["both", "output", "hidden"])
def test_automatic_step_counts_the_penalty(alpha, train, neuron):
    """A bounded activation hides weights that grow because the step is too large."""
    X, y = neuron
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "The network is worse than")
        net = plain(alpha=alpha, activation="sigmoid", train=train, max_iter=10).fit(X, y)
    assert np.abs(net.hidden_weights_).max() < 2
    assert np.abs(net.output_weights_).max() < 2


def test_divergence_by_the_penalty_is_noticed(neuron):
    net = plain(alpha=1.0, eta0=10.0, activation="sigmoid", train="hidden")
    with pytest.warns(ConvergenceWarning, match=r"diverged .*after 0 updates"):
        net.fit(*neuron)
    np.testing.assert_array_equal(net.hidden_weights_, net.initial_weights()[0])


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
@pytest.mark.parametrize("place", [7, 2900])
def test_an_outlier_is_not_taken_for_divergence(method, place, rng):
    """Also an outlier that is not among the rows of the estimate."""
    X = rng.normal(size=(3000, 4))
    y = np.maximum(X[:, 0], 0)
    X[place] *= 1e6
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "The network is worse than")
        fixed = getattr(plain(eta0=1e-25), method)(X, y)
        auto = getattr(plain(), method)(X, y)
    assert fixed.t_ == auto.t_ == (3 if method == "fit" else 1) * 3000
    assert np.isfinite(auto.predict(X)).all()


@pytest.mark.parametrize(("schedule", "multiple"), [("constant", 1), ("cooldown", 2)])
@pytest.mark.parametrize("unit", [1.0, 100.0])
def test_automatic_step_is_a_multiple_of_the_estimate(unit, schedule, multiple, neuron):
    """(1 - momentum) min(1 / max ||grad N||^2, 1 / RMS ||grad l||), by differences.

    On standardised targets.
    """
    X, y = neuron
    options = {"activation": "tanh", "alpha": 0.0, "learning_rate": schedule}
    net = plain(width=3, momentum=0.5, max_iter=1, **options).fit(X, unit * y)
    theta_0 = initial(plain(width=3, max_iter=1, eta0=1e-9, **options).fit(X, y))

    def output(x, theta):
        return reference.forward(x, *theta, 1.0, "tanh")[0]

    squares, losses = [], []
    for x, value in zip(X, (y - y.mean()) / y.std(), strict=True):
        gradient = []
        for name in "WbUc":
            for index in np.ndindex(theta_0[name].shape):
                sides = []
                for h in (-1e-6, 1e-6):
                    theta = {key: array.copy() for key, array in theta_0.items()}
                    theta[name][index] += h
                    sides.append(output(x, [theta[key] for key in "WbUc"]))
                gradient.append((sides[1] - sides[0]) / 2e-6)
        squares.append(np.sum(np.square(gradient)))
        residual = output(x, [theta_0[key] for key in "WbUc"]) - value
        losses.append(residual**2 * squares[-1])
    bound = max(np.max(squares), np.sqrt(np.mean(losses)))
    assert net.eta0_ == pytest.approx(multiple * 0.5 / bound, rel=1e-6)


@pytest.mark.parametrize("data", ["long tails", "cancer", "small X"])
@pytest.mark.parametrize("loss", ["squared_error", "hinge", "log_loss"])
def test_a_quarter_of_the_automatic_step_is_not_much_better(data, loss, rng):
    if data == "cancer":
        X, y = load_breast_cancer(return_X_y=True)
    else:
        X = np.exp(1.5 * rng.standard_normal((700, 8)))
        X = np.log(X) / 100 if data == "small X" else X
        y = np.log(X[:, 0]) * X[:, 1] ** 0.3 if data == "long tails" else X[:, 0]
    if data != "small X":
        X = scale(X)
    is_classifier = loss != "squared_error"
    y = (y > np.median(y) if data != "cancer" else y) if is_classifier else scale(y * 1.0)
    Network = OverparamNetClassifier if is_classifier else OverparamNetRegressor
    alpha = 0.0 if data == "small X" else "auto"
    scores = []
    for seed in (1, 2):
        net = Network(30, loss=loss, alpha=alpha, random_state=seed).fit(X, y)
        options = {"eta0": net.eta0_ / 4, "alpha": net.alpha_, "random_state": seed}
        slower = Network(30, loss=loss, **options).fit(X, y)
        scores.append((net.score(X, y), slower.score(X, y)))
    fast, slow = np.mean(scores, axis=0)
    assert fast > slow - 0.05


@pytest.mark.parametrize("early_stopping", [True, False])
@pytest.mark.parametrize("alpha", [0.0, "auto"])
@pytest.mark.parametrize("seed", [0, 3])
def test_automatic_step_leaves_neurons_alive(early_stopping, alpha, seed):
    """A large step is the fastest way to a mean of 152, but ends in ReLUs that are 0."""
    X, y = load_diabetes(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, random_state=seed)
    net = OverparamNetRegressor(
        100, alpha=alpha, early_stopping=early_stopping, random_state=seed
    ).fit(X, y)
    alive = (X @ net.hidden_weights_.T + net.hidden_biases_ > 0).any(axis=0)
    assert alive.mean() > 0.5
    assert net.score(X_test, y_test) > 0.3


@pytest.mark.parametrize("Network", BOTH)
def test_divergence_keeps_finite_weights_and_warns(Network, neuron):
    X, y = neuron
    X, y = 100 * X, np.sign(y - 0.2)
    net = plain(Network, loss="squared_error", eta0=10.0)
    with pytest.warns(ConvergenceWarning, match=r"eta0=10: .*largest stable .*auto"):
        net.fit(X, y)
    assert np.isfinite(net.hidden_weights_).all()
    assert np.isfinite(net.output_weights_).all()
    assert np.isfinite(net.predict(X).astype(float)).all()


def test_the_warning_of_divergence_names_a_stable_step(neuron):
    X, y = neuron
    with pytest.warns(ConvergenceWarning) as caught:
        plain(eta0=50.0).fit(X, y)
    named = float(re.search(r"estimated as ([\d.e-]*\d)\.", str(caught[0].message))[1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plain(eta0=named).fit(X, y)


def test_automatic_step_halves_until_the_fit_is_stable(neuron, monkeypatch):
    """With an estimate 1,000 times too large, fit starts again at smaller steps."""
    X, y = neuron
    from skrf.networks import _beginning

    expected = plain().fit(X, y)
    estimate_step = _beginning.estimate_step

    def overestimate(*arguments):
        estimate = estimate_step(*arguments)
        return estimate._replace(stable_step=1000 * estimate.stable_step)

    monkeypatch.setattr(_beginning, "estimate_step", overestimate)
    net = plain().fit(X, y)
    halvings = np.log2(1000 * expected.eta0_ / net.eta0_)
    assert halvings >= 1
    assert halvings == pytest.approx(round(halvings))
    pairs = zip(net.initial_weights(), expected.initial_weights(), strict=True)
    assert all(np.array_equal(*pair) for pair in pairs)
    assert len(net.loss_curve_) == 3
    assert net.t_ == 3 * len(X)
    assert np.isfinite(net.loss_curve_).all()


def test_partial_fit_continues_at_half_the_step(neuron):
    """A chunk that diverges at the step of the first chunk is repeated at half the step."""
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


def rows_mostly_of_weight_zero(rng, weight):
    """Rows and targets; 300 rows have this weight, all others weight 0."""
    X = rng.standard_normal((20_000, 10))
    w = np.zeros(20_000)
    w[7:6007:20] = weight
    return X, np.tanh(X[:, 0]) + X[:, 1] * X[:, 2] / 3, w


@pytest.mark.parametrize("weight", [1.0, 5.0])
def test_rows_of_weight_zero_do_not_choose_the_step(weight, rng):
    X, y, w = rows_mostly_of_weight_zero(rng, weight)
    positive = w > 0
    options = {"width": 100, "activation": "tanh", "max_iter": 1}
    net = plain(**options).fit(X, y, w)
    same = plain(**options).fit(X[positive], y[positive], w[positive])
    assert net.eta0_ == same.eta0_


def test_the_estimate_includes_the_row_of_the_longest_steps(rng):
    X, y, w = rows_mostly_of_weight_zero(rng, 1.0)
    w[:] = 1.0
    w[8] = 3000.0  # between the evenly spread rows
    net = plain(width=50, max_iter=1).fit(X, y, w)
    assert net._state.estimate.stable_step < 2 / (3000 * np.sum(X[8] ** 2) / 150)
    assert net.loss_curve_[0] < 1


@pytest.mark.parametrize("n_outputs", [2, 7])
@pytest.mark.parametrize("train", ["both", "hidden", "output"])
def test_largest_eigenvalues_of_tangent_kernels(n_outputs, train, rng):
    """J J' of every row, with J by finite differences."""
    X, Y = rng.standard_normal((20, 3)), rng.standard_normal((20, n_outputs))
    net = plain(width=5, activation="tanh", train=train, max_iter=1, eta0=1e-9).fit(X, Y)
    theta_0 = initial(net)
    names = {"both": "WbUc", "hidden": "Wbc", "output": "Uc"}[train]
    largest, norms = [], []
    for x, y in zip(X, Y, strict=True):
        columns = []
        for name in names:
            for index in np.ndindex(theta_0[name].shape):
                sides = []
                for h in (-1e-6, 1e-6):
                    theta = {key: array.copy() for key, array in theta_0.items()}
                    theta[name][index] += h
                    parts = [theta[key] for key in "WbUc"]
                    sides.append(reference.forward(x, *parts, 1.0, "tanh"))
                columns.append((sides[1] - sides[0]) / 2e-6)
        J = np.array(columns).T
        largest.append(np.linalg.eigvalsh(J @ J.T)[-1])
        parts = [theta_0[key] for key in "WbUc"]
        residual = reference.forward(x, *parts, 1.0, "tanh") - y
        norms.append(np.sum((J.T @ residual) ** 2))
    bound = max(max(largest) + net.alpha_, np.sqrt(np.mean(norms)))
    assert 1 / net._state.estimate.stable_step == pytest.approx(bound, rel=0.02)


def test_many_outputs_need_little_memory(rng):
    X, Y = rng.standard_normal((1000, 10)), rng.standard_normal((1000, 200))
    tracemalloc.start()
    plain(width=100, max_iter=1, eta0=1e-3).fit(X, Y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60e6, "tangent kernels of all rows would take 320 MB"


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("chunk", [1, 2, 7, 20, 50])
@pytest.mark.parametrize("seed", [0, 5, 6])
def test_streams_of_small_chunks_learn(chunk, seed):
    """Their first rows say little about the step, and no rows follow to show divergence."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((300, 5))
    y = np.maximum(X[:, 0], 0)
    net = OverparamNetRegressor(50, random_state=seed)
    for start in range(0, 300, chunk):
        net.partial_fit(X[start : start + chunk], y[start : start + chunk])
    assert net.score(X, y) > 0.6
    assert net.eta0_ > 1e-3


def test_divergence_at_every_step_does_not_change_the_step(neuron):
    X, y = neuron
    net = plain(eta0="auto").partial_fit(X, y)
    step = net.eta0_
    net.output_weights_ = bad = 1e9 * net.output_weights_
    with pytest.warns(ConvergenceWarning, match="diverged"):
        net.partial_fit(X[:1], y[:1])
    assert net.eta0_ == step
    np.testing.assert_array_equal(net.output_weights_, bad)
