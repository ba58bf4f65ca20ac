"""The networks: initialisation, stopping, interrupts, streams, labels and hinge loss."""

import pickle
import pickletools
import signal
import subprocess
import sys
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import reference
from exact_sgd import plain_sgd
from scipy import sparse
from sklearn.datasets import load_iris, make_classification
from sklearn.exceptions import ConvergenceWarning
from small_networks import BOTH, assert_same_weights, initial, plain

from skrf import (
    OverparamNetClassifier,
    OverparamNetRegressor,
    make_polynomial_classification,
    make_single_neuron,
)
from skrf._compiled import sgd as compiled_sgd
from skrf.networks._checks import set_validation_aside
from skrf.networks._docs import with_common_sections
from skrf.networks._epochs import TrainingData


def test_default_initialisation_is_the_fan_in_distribution():
    X, y = make_single_neuron(10, 9, random_state=0)
    net = plain(width=4000, max_iter=1, eta0=1e-3).fit(X, y)
    W, b, u, c = net.initial_weights()
    assert 0.99 / 3 < np.abs(W).max() <= 1 / 3
    assert 0.99 / np.sqrt(4000) < np.abs(u).max() <= 1 / np.sqrt(4000)
    assert W.std() == pytest.approx(1 / np.sqrt(3 * 9), rel=0.02)
    assert not b.any()
    assert c == 0


def test_ntk_initialisation_has_random_signs():
    X, y = make_single_neuron(10, 3, random_state=0)
    net = plain(width=1000, parametrization="ntk", max_iter=1, eta0=1e-3).fit(X, y)
    u = net.initial_weights()[2]
    assert set(u) == {-1.0, 1.0}
    assert abs(u.mean()) < 0.15


@pytest.mark.parametrize("parametrization", ["standard", "ntk"])
@pytest.mark.parametrize("eta0", [0.01, "auto"])
def test_symmetric_init_starts_at_zero(parametrization, eta0, neuron):
    """At the mean of y with an automatic learning rate, which centres y."""
    X, y = neuron
    options = {"parametrization": parametrization, "eta0": eta0}
    net = plain(symmetric_init=True, **options).fit(X, y)
    W, b, u, c = net.initial_weights()
    outputs = np.maximum(X @ W.T + b, 0) @ u + c
    start = y.mean() if eta0 == "auto" else 0.0
    assert np.abs(outputs - start).max() < 1e-14
    assert np.abs(u).min() > 0
    assert len(np.unique(W, axis=0)) == 10


@pytest.mark.parametrize("Network", BOTH)
def test_same_seed_same_fit(Network, neuron):
    X, y = neuron
    y = np.sign(y - 0.2)
    net = plain(Network).fit(X, y)
    assert_same_weights(net, plain(Network).fit(X, y))
    other_seed = plain(Network, random_state=1).fit(X, y)
    assert np.abs(other_seed.hidden_weights_ - net.hidden_weights_).max() > 0.1


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
    epoch = plain_sgd(shuffle=False, **options).fit(X, y)
    stream = plain_sgd(**options)
    for start in range(0, len(X), 25):
        stream.partial_fit(X[start : start + 25], y[start : start + 25])
    assert_same_weights(epoch, stream, 1e-12)
    assert epoch.t_ == stream.t_ == len(X) / batch_size
    assert len(stream.loss_curve_) == 8


def test_warm_start_equals_one_longer_fit(neuron):
    X, y = neuron
    options = {"eta0": 0.02, "shuffle": False}
    warm = plain_sgd(warm_start=True, **options).fit(X, y).fit(X, y)
    cold = plain_sgd(max_iter=6, **options).fit(X, y)
    assert_same_weights(warm, cold, 1e-12)
    assert warm.t_ == cold.t_ == 6 * len(X)
    assert warm.n_iter_ == 3
    np.testing.assert_allclose(warm.loss_curve_, cold.loss_curve_)


def test_training_continues_from_weights_set_by_hand(neuron):
    X, y = neuron
    options = {"eta0": 0.02, "shuffle": False, "max_iter": 1}
    donor = plain_sgd(random_state=5, **options).fit(X, y)
    net = plain_sgd(warm_start=True, **options).fit(X, y)
    for name in ("hidden_weights_", "hidden_biases_", "output_weights_", "output_bias_"):
        setattr(net, name, getattr(donor, name).copy())
    assert_same_weights(
        net.fit(X, y),
        plain_sgd(random_state=5, **options, warm_start=True).fit(X, y).fit(X, y),
        1e-12,
    )


@pytest.mark.parametrize(("unit", "eta0"), [(1.0, 0.01), (5.0, 0.01), (1e-3, "auto")])
def test_stops_when_the_loss_stalls(unit, eta0, neuron):
    """`tol` is relative to the loss of the best constant prediction."""
    X, y = neuron
    net = OverparamNetRegressor(
        20,
        learning_rate="constant",
        eta0=eta0,
        max_iter=500,
        tol=1e-3,
        n_iter_no_change=4,
        random_state=0,
    )
    net.fit(X, unit * y)
    assert net.n_iter_ < 500
    curve = np.array(net.loss_curve_)
    # An automatic learning rate trains on y divided by its standard deviation.
    curve /= np.var(unit * y) / 2 if eta0 != "auto" else 0.5
    improves = [curve[i] < min(curve[:i]) - 1e-3 for i in range(1, len(curve))]
    assert improves[-5:] == [True, False, False, False, False]


def test_warns_when_epochs_run_out(neuron):
    X, y = neuron
    with pytest.warns(ConvergenceWarning, match="max_iter=2"):
        OverparamNetRegressor(20, max_iter=2, learning_rate="constant", random_state=0).fit(
            X, y
        )


@pytest.mark.parametrize("Network", BOTH)
def test_early_stopping_keeps_the_best_weights(Network, rng):
    """On noise, which longer training overfits."""
    X, labels = rng.normal(size=(150, 5)), rng.normal(size=150)
    if Network is OverparamNetClassifier:
        labels = np.digitize(labels, [-0.5, 0.5])
    options = {"early_stopping": True, "tol": None, "random_state": 0}
    options |= {"learning_rate": "constant", "alpha": 0.0}
    net = Network(30, max_iter=40, **options).fit(X, labels)
    assert len(net.validation_scores_) == net.n_iter_ == 40
    best = int(np.argmax(net.validation_scores_))
    assert best < 39, "the last epoch is the best: nothing is tested"
    shorter = Network(30, max_iter=best + 1, **options).fit(X, labels)
    assert_same_weights(net, shorter)


def test_early_stopping_of_hinge_regression_scores_by_the_loss(neuron):
    X, y = neuron
    net = plain(loss="hinge", early_stopping=True).fit(X, np.sign(y - 0.2))
    assert all(score <= 0 for score in net.validation_scores_)
    assert not hasattr(net, "partial_fit")


def test_loss_curve_is_the_mean_loss_before_each_update(neuron, rng):
    X, y = neuron
    w = rng.uniform(0.5, 2, len(X))
    net = plain_sgd(eta0=0.02, max_iter=1, shuffle=False).fit(X, y, sample_weight=w)
    _, _, total = reference.sgd(X, y[:, np.newaxis], w, initial(net), eta0=0.02)
    assert net.loss_curve_[0] == pytest.approx(total / w.sum(), rel=1e-12)


def test_verbose_prints_each_epoch(neuron, capsys):
    X, y = neuron
    net = plain(verbose=True, early_stopping=True).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[2].startswith(f"Epoch 3, loss = {net.loss_curve_[2]:.8f}, validation")


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_interrupts_keep_the_updates_of_finished_blocks(method, monkeypatch):
    """Ctrl-C waits for the end of a block; `fit` warns, `partial_fit` raises."""
    X, y = make_single_neuron(1000, 3, random_state=0)
    kernel, calls = compiled_sgd.train_block, []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 3:
            signal.raise_signal(signal.SIGINT)
        return kernel(*arguments)

    monkeypatch.setattr(compiled_sgd, "train_block", interrupted)
    net = plain_sgd(eta0=0.02, shuffle=False, block_size=64)
    if method == "fit":
        with pytest.warns(UserWarning, match=r"interrupted after 0 epochs and 192 updates"):
            net.fit(X, y)
    else:
        with pytest.raises(KeyboardInterrupt):
            net.partial_fit(X, y)
    monkeypatch.undo()
    assert net.t_ == 192, "three blocks of 64 rows, a panel each"
    expected = plain_sgd(eta0=0.02, shuffle=False, max_iter=1, block_size=64)
    expected.fit(X[:192], y[:192])
    assert_same_weights(net, expected)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_an_exception_in_a_block_undoes_the_block(monkeypatch):
    X, y = make_single_neuron(300, 3, random_state=0)
    kernel, calls = compiled_sgd.train_block, []

    def failing(*arguments):
        calls.append(1)
        loss = kernel(*arguments)
        if len(calls) == 2:
            raise MemoryError
        return loss

    monkeypatch.setattr(compiled_sgd, "train_block", failing)
    options = {"eta0": 0.02, "momentum": 0.5, "average": True, "block_size": 64}
    net = plain_sgd(**options)
    with pytest.raises(MemoryError):
        net.partial_fit(X, y)
    monkeypatch.undo()
    expected = plain_sgd(**options).partial_fit(X[:64], y[:64])
    assert_same_weights(net, expected)
    assert net.t_ == 64


@pytest.mark.parametrize("Network", BOTH)
def test_pickled_stream_continues_bitwise_identically(Network, neuron):
    X, y = neuron
    y = np.sign(y - 0.2)
    net = plain(Network, momentum=0.9, average=True)
    first = {"classes": [-1, 1]} if Network is OverparamNetClassifier else {}
    net.partial_fit(X[:100], y[:100], **first)
    copy = pickle.loads(pickle.dumps(net))
    assert_same_weights(
        net.partial_fit(X[100:], y[100:]), copy.partial_fit(X[100:], y[100:])
    )


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_warnings_point_at_the_callers_line(method, neuron):
    X, y = neuron
    with pytest.warns(ConvergenceWarning, match="diverged") as caught:
        getattr(plain(eta0=1e3), method)(X, y)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("power_t", [10, -1, np.float32(0.5)])
def test_numbers_of_any_type(power_t, neuron):
    options = {"learning_rate": "invscaling", "eta0": 1e-9, "batch_size": np.int32(4)}
    net = plain_sgd(power_t=power_t, alpha=0, **options).fit(*neuron)
    with_floats = plain_sgd(power_t=float(power_t), alpha=0.0, **options).fit(*neuron)
    assert_same_weights(net, with_floats)


def test_parameters_set_after_fit_do_not_change_predictions(neuron):
    X, y = neuron
    net = plain(parametrization="ntk").fit(X, y)
    before, weights = net.predict(X), net.initial_weights()
    net.set_params(
        width=80, activation="tanh", parametrization="standard", weights="sphere"
    )
    np.testing.assert_array_equal(net.predict(X), before)
    for arrays in zip(weights, net.initial_weights(), strict=True):
        np.testing.assert_array_equal(*arrays)


def test_training_does_not_change_arrays_of_the_user(neuron):
    X, y = neuron
    net = plain(eta0=0.001).partial_fit(X, y)
    fitted, assigned = net.hidden_weights_, np.ones((20, 4))
    before = fitted.copy()
    net.partial_fit(X, y)
    np.testing.assert_array_equal(fitted, before)
    net.hidden_weights_ = assigned
    net.partial_fit(X, y)
    assert (assigned == 1).all()
    assert not np.array_equal(net.hidden_weights_, assigned)


def test_prediction_does_not_make_sparse_rows_dense():
    rng = np.random.default_rng(0)
    X = sparse.random_array((2000, 50_000), density=1e-5, format="csr", random_state=rng)
    y = np.asarray(X.sum(axis=1)).ravel()
    net = plain(width=4, max_iter=1, eta0=0.1).fit(X[:50], y[:50])
    tracemalloc.start()
    net.predict(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6, "dense, X would take 800 MB"


@pytest.mark.parametrize("Network", BOTH)
def test_fits_in_threads_are_independent(Network, neuron):
    X, y = neuron
    y = np.sign(y - 0.2)
    options = {"momentum": 0.5, "average": True, "batch_size": 3, "max_iter": 10}
    expected = plain(Network, **options).fit(X, y)
    with ThreadPoolExecutor(4) as pool:
        fits = list(pool.map(lambda _: plain(Network, **options).fit(X, y), range(8)))
    for fitted in fits:
        assert_same_weights(fitted, expected)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX timers")
@pytest.mark.parametrize("shape", [(20, 1000), (784, 4096)])
def test_real_interrupt_is_noticed_within_a_second(shape):
    """Ctrl-C in a separate process; the result equals a shorter run without Ctrl-C."""
    program = f"""
import signal, time, warnings
import numpy as np
from skrf import OverparamNetRegressor
X = np.random.default_rng(0).normal(size=(3000, {shape[0]})).astype(np.float32)
options = dict(eta0=1e-4, tol=None, shuffle=False, random_state=0, alpha=0.0,
               learning_rate="constant")
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


def test_partial_fit_of_the_classifier_needs_the_classes():
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
    with pytest.raises(ValueError, match=r"among the `classes` of the first call; got 7"):
        net.partial_fit(X[:2], [1, 7])
    with pytest.raises(ValueError, match="at least 2 classes"):
        plain(OverparamNetClassifier).partial_fit(X[:2], [0, 0], classes=[0])
    assert (
        plain(OverparamNetClassifier).fit(X, y).fit(X[y < 2], y[y < 2]).classes_.size == 2
    )


def test_early_stopping_where_all_validation_targets_are_the_same(rng):
    """R^2 would be 0 for all predictions, and the first epoch the best."""
    X = rng.standard_normal((60, 5))
    y, w = np.zeros(60), np.ones(60)
    y[7], w[7] = 3.0, 0.0
    net = plain(width=50, max_iter=30, early_stopping=True).fit(X, y, w)
    assert max(net.validation_scores_) < 0
    assert net.validation_scores_[-1] > 4 * net.validation_scores_[0]


def test_divergence_after_scored_epochs_keeps_the_best_weights(rng):
    """The learning rate is eta0 * t: stable at first, and too large later."""
    X = rng.standard_normal((200, 5))
    schedule = {"learning_rate": "invscaling", "eta0": 1e-4, "power_t": -1.0}
    net = plain_sgd(width=50, early_stopping=True, max_iter=100, **schedule)
    with pytest.warns(ConvergenceWarning, match="weights with the best score are kept"):
        net.fit(X, X[:, 0] ** 2)
    scores = net.validation_scores_
    assert 1 < len(scores) < 100
    best = plain_sgd(
        width=50, early_stopping=True, max_iter=1 + np.argmax(scores), **schedule
    )
    assert_same_weights(net, best.fit(X, X[:, 0] ** 2))


def test_stratification_with_a_class_of_one_row(rng):
    y = np.repeat([0, 1, 2, 3, 4], [200, 60, 20, 19, 1])
    X = rng.standard_normal((300, 2))
    signs = np.where(np.arange(5) == y[:, np.newaxis], 1.0, -1.0)
    net = OverparamNetClassifier(early_stopping=True)
    for seed in range(20):
        data = TrainingData(X, signs, np.ones(300))
        _, aside = set_validation_aside(net, np.random.RandomState(seed), data)
        counts = (aside.Y > 0).sum(axis=0)
        assert counts[:4] == pytest.approx([20, 6, 2, 2], abs=1)


def test_automatic_loss(neuron):
    """Squared error in the regressor, hinge in the classifier."""
    X, y = neuron
    signs = np.where(y > 0.2, 1, -1)
    for Network, loss in zip(BOTH, ("squared_error", "hinge"), strict=True):
        net = plain(Network).fit(X, signs)
        assert net.loss == "auto"
        assert_same_weights(net, plain(Network, loss=loss).fit(X, signs))


@pytest.mark.parametrize("Network", BOTH)
@pytest.mark.parametrize(
    "options",
    [
        {"early_stopping": True},
        {"momentum": 0.5, "average": True},
        {"warm_start": True, "activation": "tanh"},
    ],
)
def test_pickles_name_public_modules_only(Network, options, neuron):
    X, signs = neuron[0], np.where(neuron[1] > 0.2, 1, -1)
    net = plain(Network, **options).fit(X, signs)
    models = [net, net.linearize()[1]]
    if "early_stopping" not in options:
        models.append(net.partial_fit(X, signs))
    for model in [*models, net.laziness(X)]:
        # Protocol 0 has one opcode for a global name, whose argument is "module name".
        named = [
            argument.split()[0]
            for opcode, argument, _ in pickletools.genops(pickle.dumps(model, protocol=0))
            if opcode.name == "GLOBAL"
        ]
        assert not [name for name in named if name.startswith("skrf") and "._" in name]


def test_common_sections_need_no_docstring():
    """Under `python -OO` classes have none."""

    class Undocumented:
        pass

    assert with_common_sections(Undocumented).__doc__ is None
