"""Training: schedule, penalty, units of y, weights of 0, warm starts and warnings."""

import copy
import pickle
import warnings

import numpy as np
import pytest
import reference
from exact_sgd import plain_sgd
from scipy.sparse import csr_array
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine
from sklearn.ensemble import BaggingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import log_loss, r2_score
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import scale
from small_networks import BOTH, assert_same_weights, initial, plain

from skrf import OverparamNetClassifier, OverparamNetRegressor
from skrf.networks._checks import set_validation_aside
from skrf.networks._epochs import TrainingData
from skrf.networks._state import State

WORSE = "ignore:The network is worse than"


@pytest.fixture
def noisy(rng):
    """Rows with targets that have noise."""
    X = rng.standard_normal((300, 5))
    return X, np.sin(2 * X[:, 0]) + 0.5 * rng.standard_normal(300)


def task(Network, y):
    """Targets for the network: classes of y for a classifier."""
    return np.digitize(y, [-0.5, 0.5]) if Network is OverparamNetClassifier else y


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("max_iter", [1, 4, 10])
def test_the_cooldown_takes_the_last_fifth_of_the_epochs(max_iter, momentum, neuron):
    X, y = neuron
    options = {"eta0": 0.02, "momentum": momentum, "shuffle": False}
    net = plain_sgd(learning_rate="cooldown", max_iter=max_iter, **options).fit(X, y)
    n_constant = max_iter - max(1, round(max_iter / 5))
    expected, _, _ = reference.sgd(
        np.tile(X, (max_iter, 1)),
        np.tile(y[:, np.newaxis], (max_iter, 1)),
        np.ones(max_iter * len(X)),
        initial(net),
        eta0=0.02,
        momentum=momentum,
        cooldown=(n_constant * len(X), max_iter * len(X)),
    )
    np.testing.assert_allclose(net.hidden_weights_, expected["W"], rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(net.output_bias_, expected["c"][0], rtol=1e-9)
    assert net.eta0_ == 0.02


@pytest.mark.parametrize(("patience", "n_epochs"), [(1, 3), (4, 6), (7, 10)])
def test_an_early_stop_begins_a_cooldown_of_a_quarter(patience, n_epochs, neuron):
    """No epoch improves the first one by `tol`."""
    X, y = neuron
    options = {"eta0": 0.02, "shuffle": False, "tol": 1e9, "n_iter_no_change": patience}
    net = plain_sgd(learning_rate="cooldown", max_iter=100, **options).fit(X, y)
    assert net.n_iter_ == n_epochs
    expected, _, _ = reference.sgd(
        np.tile(X, (n_epochs, 1)),
        np.tile(y[:, np.newaxis], (n_epochs, 1)),
        np.ones(n_epochs * len(X)),
        initial(net),
        eta0=0.02,
        cooldown=((patience + 1) * len(X), n_epochs * len(X)),
    )
    np.testing.assert_allclose(net.hidden_weights_, expected["W"], rtol=1e-9, atol=1e-11)
    constant = plain_sgd(max_iter=100, **options).fit(X, y)
    assert constant.n_iter_ == patience + 1


def test_an_early_stop_cools_down_from_the_best_weights(noisy):
    options = {"eta0": 0.02, "shuffle": False, "early_stopping": True}
    options |= {"width": 100, "n_iter_no_change": 5, "tol": 1e-3, "max_iter": 200}
    constant = plain_sgd(**options).fit(*noisy)
    scores, n_before = constant.validation_scores_, constant.n_iter_
    assert np.argmax(scores) < n_before - 1, "the last epoch is the best: nothing is tested"
    net = plain_sgd(learning_rate="cooldown", **options).fit(*noisy)
    n_cooling = round(n_before / 4)
    assert net.n_iter_ == n_before + n_cooling
    assert net.validation_scores_[:n_before] == scores
    data = TrainingData(noisy[0], noisy[1][:, np.newaxis], np.ones(300))
    train, aside = set_validation_aside(net, np.random.RandomState(0), data)
    last, _, _ = reference.sgd(
        np.tile(train.X, (n_cooling, 1)),
        np.tile(train.Y, (n_cooling, 1)),
        np.ones(n_cooling * len(train.Y)),
        {
            "W": constant.hidden_weights_,
            "b": constant.hidden_biases_,
            "U": constant.output_weights_[np.newaxis],
            "c": np.array([constant.output_bias_]),
        },
        eta0=0.02,
        cooldown=(0, n_cooling * len(train.Y)),
    )
    N = [reference.forward(x, *last.values(), 1.0, "relu") for x in aside.X]
    assert net.validation_scores_[-1] == pytest.approx(r2_score(aside.Y, N), rel=1e-9)


@pytest.mark.parametrize("unit", [1e-4, 1e4])
@pytest.mark.parametrize("offset", [0.0, 10.0])
@pytest.mark.parametrize("n_outputs", [1, 3])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_results_do_not_depend_on_the_unit_of_y(
    unit, offset, n_outputs, early_stopping, noisy
):
    """R^2 also where outputs have different units; alpha and the step are equal."""
    X, y = noisy
    Y = np.column_stack([y, X[:, 1] * X[:, 2], -y])[:, :n_outputs]
    options = {"width": 50, "max_iter": 20, "early_stopping": early_stopping}
    net = plain(**options).fit(X, Y)
    units = unit ** np.array([1.0, 0.5, -1.0])[:n_outputs]
    moved = (Y + offset * Y.std(axis=0)) * units
    other = plain(**options).fit(X, moved)
    assert abs(other.score(X, moved) - net.score(X, Y)) < 0.005
    assert other.eta0_ == pytest.approx(net.eta0_, rel=1e-6)
    assert other.alpha_ == pytest.approx(net.alpha_, rel=0.05)


def test_a_given_step_trains_on_y_as_it_is(neuron):
    """The units are those of y, so a unit of y is a unit of the step."""
    X, y = neuron
    net = plain_sgd(eta0=0.02, shuffle=False, max_iter=1).fit(X, 3 * y + 5)
    _, _, total = reference.sgd(
        X, 3 * y[:, np.newaxis] + 5, np.ones(len(X)), initial(net), eta0=0.02
    )
    assert net.loss_curve_[0] == pytest.approx(total / len(X), rel=1e-12)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("target", [0.0, 7.0, -1e6])
def test_constant_targets_are_learned(target, noisy):
    X = noisy[0]
    net = plain(max_iter=20, alpha=0.0).fit(X, np.full(len(X), target))
    assert np.abs(net.predict(X) - target).max() < 0.05


@pytest.mark.parametrize("Network", BOTH)
@pytest.mark.parametrize("options", [{}, {"early_stopping": True}, {"eta0": 0.02}], ids=str)
@pytest.mark.parametrize("momentum", [0.0, 0.5])
def test_rows_of_weight_zero_count_as_removed(Network, options, momentum, noisy, rng):
    X, y = noisy
    y = task(Network, y)
    w = rng.choice([0.0, 0.5, 2.0], len(X))
    options = {"width": 10, "momentum": momentum, **options}
    weighted = plain(Network, **options).fit(X, y, sample_weight=w)
    used = w > 0
    without = plain(Network, **options).fit(X[used], y[used], sample_weight=w[used])
    assert_same_weights(weighted, without)
    for name in ("eta0_", "alpha_", "t_", "loss_curve_", "validation_scores_"):
        assert getattr(weighted, name) == getattr(without, name)


@pytest.mark.filterwarnings("ignore")
def test_bagging_of_networks_with_early_stopping(rng):
    """Bagging gives weight 0 to a third of the rows."""
    X = rng.standard_normal((30, 4))
    net = OverparamNetRegressor(4, eta0=0.01, early_stopping=True, max_iter=1)
    for seed in range(5):
        bagging = BaggingRegressor(net, 5, random_state=seed).fit(X, X[:, 0])
        assert np.isfinite(bagging.predict(X)).all()


@pytest.mark.parametrize("Network", BOTH)
def test_a_later_chunk_of_weight_zero_changes_nothing(Network, noisy):
    X, y = noisy
    y = task(Network, y)
    first = {"classes": [0, 1, 2]} if Network is OverparamNetClassifier else {}
    options = {"momentum": 0.5, "average": True}
    net = plain(Network, **options).partial_fit(X, y, **first)
    before = pickle.loads(pickle.dumps(net))
    net.partial_fit(X[:40], y[:40], sample_weight=np.zeros(40))
    assert_same_weights(net, before)
    assert (net.t_, net.loss_curve_) == (before.t_, before.loss_curve_)
    assert_same_weights(net.partial_fit(X, y), before.partial_fit(X, y))
    with pytest.raises(ValueError, match="at least one non-zero"):
        plain(Network).partial_fit(X, y, sample_weight=np.zeros(300), **first)


@pytest.mark.parametrize("Network", BOTH)
def test_warm_starts_keep_step_penalty_and_units(Network, noisy):
    """Many fits of one epoch are one fit of many epochs, with a constant step."""
    X, y = noisy
    y = task(Network, y)

    def network(**options):
        options |= {"learning_rate": "constant", "random_state": np.random.RandomState(0)}
        return plain(Network, **options)

    once = network(max_iter=10).fit(X, y)
    warm = network(max_iter=1, warm_start=True)
    steps = {(warm.fit(X, y).eta0_, warm.alpha_) for _ in range(10)}
    assert steps == {(once.eta0_, once.alpha_)}
    assert_same_weights(warm, once, 1e-8)
    assert warm.t_ == once.t_


def test_warm_starts_that_cool_down_reach_one_long_fit(rng):
    X = rng.standard_normal((150, 5))
    y = np.abs(X[:, 0]) + X[:, 1] * X[:, 2]

    def network(**options):
        return plain(width=100, random_state=np.random.RandomState(0), **options)

    once, warm = network(max_iter=60).fit(X, y), network(max_iter=1, warm_start=True)
    steps = {warm.fit(X, y).eta0_ for _ in range(60)}
    assert steps == {once.eta0_}
    assert warm.score(X, y) > once.score(X, y) - 0.01


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("Network", BOTH)
@pytest.mark.parametrize(
    "change",
    [{}, {"max_iter": 1}, {"eta0": 0.3}, {"eta0": 1e6}, {"learning_rate": "constant"}],
    ids=str,
)
def test_the_best_validation_score_never_falls(Network, change, noisy):
    X, y = noisy
    y = task(Network, y)
    options = {"early_stopping": True, "warm_start": True, "tol": None}
    net = plain(Network, max_iter=15, **options)
    scores = []
    for _ in range(4):
        # One more epoch at a step of nothing tells the score of the weights.
        same = copy.deepcopy(net.fit(X, y)).set_params(eta0=1e-12, max_iter=1)
        scores.append(same.fit(X, y).validation_scores_[-1])
        net.set_params(**change)
    assert (np.diff(scores) >= -1e-6).all()


@pytest.mark.parametrize("Network", BOTH)
def test_a_network_worse_than_a_constant_warns(Network, rng):
    """An unscaled column forces a step that cannot change the initial outputs."""
    X = np.column_stack([rng.uniform(0, 50, (500, 3)), 1e5 * rng.uniform(1, 2, 500)])
    y = scale(-0.03 * X[:, 0] + rng.standard_normal(500))
    with pytest.warns(ConvergenceWarning, match="worse than the best constant .*Scale"):
        net = plain(Network).fit(X, task(Network, y))
    if Network is OverparamNetRegressor:
        assert net.score(X, y) < 0


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("loss", ["squared_error", "hinge", "log_loss"])
@pytest.mark.parametrize("fractions", [(0.8, 0.2), (0.7, 0.2, 0.1)])
def test_no_warning_where_nothing_can_be_learned(loss, fractions, rng):
    """A network that learns the best constant of noise is not worse than the constant."""
    X, labels = rng.standard_normal((400, 2)), rng.choice(len(fractions), 400, p=fractions)
    plain(OverparamNetClassifier, loss=loss, max_iter=20).fit(X, labels)
    plain(max_iter=20).fit(X, rng.standard_normal(400))


@pytest.mark.parametrize("Network", BOTH)
@pytest.mark.parametrize("as_sparse", [False, True])
@pytest.mark.parametrize("learning_rate", ["cooldown", "constant"])
def test_small_columns_that_are_not_learned_warn(Network, as_sparse, learning_rate, rng):
    X = rng.standard_normal((200, 3))
    y = task(Network, scale(X[:, 0] + 0.3 * rng.standard_normal(200)))
    small = csr_array(1e-4 * X) if as_sparse else 1e-4 * X
    with pytest.warns(ConvergenceWarning, match="(learned little|worse than).*Scale"):
        plain(Network, learning_rate=learning_rate).fit(small, y)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "The network has learned little")
        plain(Network, learning_rate=learning_rate).fit(X, y)


@pytest.mark.parametrize("as_sparse", [False, True])
@pytest.mark.parametrize("load", [load_breast_cancer, load_wine])
def test_columns_of_different_units_warn(load, as_sparse):
    """Raw tables are learned far worse than standardised ones, but not below a constant."""
    X, y = load(return_X_y=True)
    container = csr_array if as_sparse else np.asarray
    largest = (X**2).mean(axis=0).argmax()
    with pytest.warns(ConvergenceWarning, match=f"Column {largest} of X .*Scale"):
        OverparamNetClassifier(random_state=0).fit(container(X), y)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "Column .* of X is much larger")
        plain(OverparamNetClassifier).fit(container(scale(X)), y)
        # Pixels have equal units, and a number as eta0 is the choice of the user.
        plain(OverparamNetClassifier).fit(*load_digits(return_X_y=True))
        plain(OverparamNetClassifier, eta0=1e-9).fit(container(X), y)


def test_inactive_neurons_warn(noisy):
    X, y = noisy
    net = plain_sgd(eta0=1e-9, warm_start=True, max_iter=1).fit(X, y)
    net.hidden_biases_ = np.full(20, -100.0)
    net.output_bias_ = y.mean()
    with pytest.warns(ConvergenceWarning, match="All hidden neurons are inactive.*Scale"):
        net.fit(X, y)


@pytest.mark.parametrize(
    ("options", "n_rows"),
    [({"eta0": 0.01}, 300), ({}, 19), ({"alpha": 0.25}, 300), ({"alpha": 0.25}, 10)],
    ids=str,
)
@pytest.mark.filterwarnings(WORSE)
def test_penalties_that_are_not_estimated(options, n_rows, noisy):
    X, y = noisy
    net = plain(**options).fit(X[:n_rows], y[:n_rows])
    assert net.alpha_ == options.get("alpha", 0.0)


def test_a_stream_has_no_automatic_penalty(noisy):
    assert plain().partial_fit(*noisy).alpha_ == 0.0
    assert plain().fit(*noisy).alpha_ > 0


@pytest.mark.parametrize("Network", BOTH)
def test_the_automatic_penalty_grows_with_the_noise(Network, rng):
    """20 * relative error / n, where the error is at least one row of those set aside."""
    X = rng.standard_normal((200, 5))
    alphas = []
    for noise in (0.0, 0.5, 10.0):
        y = X[:, 0] + noise * rng.standard_normal(200)
        y = np.sign(y) if Network is OverparamNetClassifier else y
        alphas.append(plain(Network, max_iter=1).fit(X, y).alpha_)
    least, most = 20 / 40 / 200, 20 / 200
    assert least <= alphas[0] < alphas[1] < alphas[2] <= most
    assert alphas[2] > most / 3


@pytest.mark.parametrize("columns", [2, 3])
def test_the_default_network_learns_a_sine(columns):
    rng = np.random.default_rng(2)
    X = rng.normal(size=(600, columns))
    y = np.sin(2 * X.sum(axis=1) / np.sqrt(columns))
    nets = [OverparamNetRegressor(random_state=s).fit(X[:400], y[:400]) for s in (0, 1)]
    assert np.mean([net.score(X[400:], y[400:]) for net in nets]) >= 0.8


def test_the_default_network_does_not_overfit_a_small_noisy_table():
    X, y = map(scale, load_diabetes(return_X_y=True))
    X, X_test, y, y_test = train_test_split(X, y, random_state=0)
    assert OverparamNetRegressor(100, random_state=0).fit(X, y).score(X_test, y_test) > 0.25


@pytest.mark.parametrize("Network", BOTH)
@pytest.mark.parametrize("unit", [0.01, 0.1])
def test_the_automatic_penalty_leaves_small_columns_alone(Network, unit, rng):
    X = rng.standard_normal((600, 5))
    y = X[:, 0] + 0.1 * rng.standard_normal(600)
    y = y > 0 if Network is OverparamNetClassifier else y
    for seed in range(3):
        scores = [
            Network(50, alpha=alpha, random_state=seed).fit(unit * X, y).score(unit * X, y)
            for alpha in ("auto", 0.0)
        ]
        assert scores[0] > scores[1] - 0.1


@pytest.mark.parametrize("options", [{}, {"momentum": 0.5}, {"average": True}], ids=str)
def test_a_state_survives_pickling(options, noisy):
    X, Y = noisy[0], np.column_stack([noisy[1], 1e3 + noisy[0][:, 1]])
    net = plain(warm_start=True, **options).fit(X, Y)
    state, again = net._state, State.from_dict(net._state.to_dict())
    assert vars(state).keys() == vars(again).keys()
    for name, value in vars(state).items():
        other = getattr(again, name)
        assert type(other) is type(value)
        if isinstance(value, tuple):
            for arrays in zip(value, other, strict=True):
                np.testing.assert_array_equal(*arrays)
        else:
            assert other == value
    copied = pickle.loads(pickle.dumps(net))
    assert_same_weights(net.fit(X, Y), copied.fit(X, Y))


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("batch_size", [1, 7])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_same_iterates_as_mlp_classifier(n_classes, batch_size, momentum, noisy):
    X, y = noisy[0], np.digitize(noisy[1], [0.0, 0.5][: n_classes - 1])
    options = {"batch_size": batch_size, "momentum": momentum, "shuffle": False}
    net = plain_sgd(
        OverparamNetClassifier, loss="log_loss", eta0=0.02, max_iter=1, **options
    ).fit(X, y)
    mlp = MLPClassifier(
        hidden_layer_sizes=(20,),
        solver="sgd",
        alpha=0,
        learning_rate_init=0.02,
        nesterovs_momentum=False,
        max_iter=1,
        warm_start=True,
        **options,
    )
    W, b, U, c = net.initial_weights()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlp.fit(X, y)
        mlp.coefs_ = [W.T.copy(), np.atleast_2d(U).T.copy()]
        mlp.intercepts_ = [b.copy(), np.atleast_1d(c).copy()]
        mlp.fit(X, y)
    np.testing.assert_allclose(net.hidden_weights_, mlp.coefs_[0].T, rtol=1e-9, atol=1e-10)
    np.testing.assert_allclose(
        np.atleast_2d(net.output_weights_), mlp.coefs_[1].T, rtol=1e-9, atol=1e-10
    )
    np.testing.assert_allclose(net.predict_proba(X), mlp.predict_proba(X), rtol=1e-8)
    assert net.loss_curve_[0] == pytest.approx(mlp.loss_curve_[-1], rel=1e-9)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_objective_is_the_log_loss_of_scikit_learn(n_classes, noisy, rng):
    X, y = noisy[0], np.digitize(noisy[1], [0.0, 0.5][: n_classes - 1])
    w = rng.uniform(0.5, 2, len(X))
    net = plain(OverparamNetClassifier, loss="log_loss", warm_start=True).fit(X, y)
    same = net.set_params(eta0=1e-300, max_iter=1).fit(X, y, sample_weight=w)
    expected = log_loss(y, net.predict_proba(X), sample_weight=w)
    assert same.loss_curve_[-1] == pytest.approx(expected, rel=1e-10)


@pytest.mark.filterwarnings(WORSE)
@pytest.mark.parametrize("train", ["output", "both", "hidden"])
@pytest.mark.parametrize("n_outputs", [1, 2])
@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_means_of_float32_iterates_do_not_freeze(train, n_outputs, batch_size, method, rng):
    """A mean of many updates moves by less than half a unit in the last place."""
    X = rng.standard_normal((5000, 5))
    y = np.sin(X[:, 0]) + X[:, 1] + 0.3 * rng.standard_normal(5000)
    Y = 100 + np.column_stack([y, -y])[:, :n_outputs]
    predictions = []
    for dtype in (np.float64, np.float32):
        net = plain_sgd(
            width=8,
            train=train,
            batch_size=batch_size,
            average=True,
            eta0=2e-3 if train == "output" else 2e-4,
            max_iter=20,
        )
        if method == "fit":
            net.fit(X.astype(dtype), Y)
        else:
            for _ in range(20):
                net.partial_fit(X.astype(dtype), Y)
        predictions.append(net.predict(X.astype(dtype)).astype(float))
    wide, narrow = predictions
    assert np.abs(narrow - wide).max() < 5e-6 * np.abs(wide).max()
