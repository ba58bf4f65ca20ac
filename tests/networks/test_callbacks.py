"""scikit-learn's callbacks receive one task per epoch, alone and inside a search."""

import numpy as np
import pytest
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

from skrf import OverparamNetClassifier, OverparamNetRegressor


class Recorder:
    """Records the arguments of its hooks; stops the fit at the end of epoch `stop_at`."""

    def __init__(self, stop_at=None):
        self.events, self.fitted, self.stop_at = [], [], stop_at

    def setup(self, estimator, context):
        self.events.append("setup")

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None, metadata=None):
        self.events.append(f"begin {context.task_name}")
        self.data = X, y, metadata

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None):
        self.events.append(f"end {context.task_name}")
        if context.task_name == "epoch":
            self.fitted.append(fitted_estimator)
        return len(self.fitted) == self.stop_at

    def teardown(self, estimator, context):
        self.events.append("teardown")


def network(Network=OverparamNetRegressor, **parameters):
    defaults = {"width": 20, "max_iter": 4, "tol": None, "random_state": 0}
    # A cooldown depends on `max_iter`.
    defaults["learning_rate"] = "constant"
    return Network(**{**defaults, **parameters})


def test_one_task_per_epoch(neuron):
    X, y = neuron
    recorder, weight = Recorder(), np.ones(200)
    fitted = network().set_callbacks(recorder).fit(X, y, sample_weight=weight)
    epochs = ["begin epoch", "end epoch"] * 4
    assert recorder.events == ["setup", "begin fit", *epochs, "end fit", "teardown"]
    assert recorder.data[0] is X
    assert recorder.data[1] is y
    assert recorder.data[2] == {"sample_weight": weight}
    plain = network().fit(X, y, sample_weight=weight)
    np.testing.assert_array_equal(plain.hidden_weights_, fitted.hidden_weights_)


@pytest.mark.parametrize("average", [False, True])
def test_fitted_estimators_equal_shorter_fits(average, neuron):
    """Later epochs do not change them."""
    X, y = neuron
    recorder = Recorder()
    network(average=average).set_callbacks(recorder).fit(X, y)
    for epoch, fitted in enumerate(recorder.fitted, start=1):
        shorter = network(average=average, max_iter=epoch).fit(X, y)
        np.testing.assert_array_equal(fitted.predict(X), shorter.predict(X))
        for name in ("n_iter_", "t_", "eta0_", "loss_curve_", "validation_scores_"):
            assert getattr(fitted, name) == getattr(shorter, name)
        assert fitted.laziness(X) == shorter.laziness(X)
        streams = [model.partial_fit(X, y).hidden_weights_ for model in (fitted, shorter)]
        np.testing.assert_array_equal(*streams)


def test_fitted_estimators_of_a_warm_start_have_the_earlier_losses(neuron):
    X, y = neuron
    recorder = Recorder()
    model = network(warm_start=True, max_iter=2).fit(X, y)
    model.set_callbacks(recorder).fit(X, y)
    assert [len(fitted.loss_curve_) for fitted in recorder.fitted] == [3, 4]
    assert recorder.fitted[-1].loss_curve_ == model.loss_curve_


def test_copies_are_made_only_if_a_callback_needs_them(neuron, monkeypatch):
    class Silent(Recorder):
        def on_fit_task_end(self, estimator, context):
            self.events.append("end")

    def forbidden(*arguments):
        raise AssertionError("no callback needs copies")

    from skrf.networks._weights import Weights

    monkeypatch.setattr(Weights, "copy", forbidden)
    recorder = Silent()
    network().set_callbacks(recorder).fit(*neuron)
    assert recorder.events.count("end") == 5


def test_a_callback_stops_the_fit(neuron):
    X, y = neuron
    stopped = network(max_iter=50).set_callbacks(Recorder(stop_at=2)).fit(X, y)
    assert stopped.n_iter_ == 2
    shorter = network(max_iter=2).fit(X, y)
    np.testing.assert_array_equal(stopped.hidden_weights_, shorter.hidden_weights_)


def test_epochs_of_a_fit_that_starts_again_have_one_task_each(neuron, monkeypatch):
    from skrf.networks import _base

    estimate_step = _base.estimate_step

    def overestimate(*arguments):
        estimate = estimate_step(*arguments)
        return estimate._replace(stable_step=1000 * estimate.stable_step)

    monkeypatch.setattr(_base, "estimate_step", overestimate)
    recorder = Recorder()
    fitted = network().set_callbacks(recorder).fit(*neuron)
    assert fitted.n_iter_ == 4
    assert recorder.events.count("begin epoch") == 4
    assert recorder.events.count("end epoch") == 4


@pytest.mark.parametrize("Network", [OverparamNetRegressor, OverparamNetClassifier])
def test_scoring_monitor(Network, neuron):
    X, y = neuron
    y = y if Network is OverparamNetRegressor else np.digitize(y, [0.1, 0.5])
    name = "r2" if Network is OverparamNetRegressor else "accuracy"
    monitor = ScoringMonitor(scoring=name)
    fitted = network(Network).set_callbacks(monitor).fit(X, y)
    rows = [row for row in monitor.get_logs().data if row["task_name"] == "epoch"]
    assert len(rows) == 4
    assert rows[-1][name] == pytest.approx(fitted.score(X, y))


def test_monitors_see_only_the_estimator_they_are_attached_to(neuron):
    grid = {"width": [5, 10]}
    outside, inside = ScoringMonitor(scoring="r2"), ScoringMonitor(scoring="r2")
    GridSearchCV(network(), grid, cv=2).set_callbacks(outside).fit(*neuron)
    with pytest.raises(ValueError, match="No logs to retrieve"):
        outside.get_logs()
    GridSearchCV(network().set_callbacks(inside), grid, cv=2).fit(*neuron)
    rows = inside.get_logs().data
    assert len([row for row in rows if row["task_name"] == "epoch"]) == 5 * 4


def test_partial_fit_calls_no_callbacks(neuron):
    recorder = Recorder()
    network().set_callbacks(recorder).partial_fit(*neuron)
    assert recorder.events == []


def test_the_loss_curve_is_empty_if_the_first_epoch_diverges(neuron):
    with pytest.warns(ConvergenceWarning, match="SGD diverged"):
        fitted = network(eta0=1e3).fit(*neuron)
    assert fitted.loss_curve_ == []
    assert fitted.n_iter_ == 0


def test_progress_bar_alone_and_in_a_search(neuron, capsys):
    pytest.importorskip("rich", reason="the bar is drawn by rich, in the extra 'test'")
    X, y = neuron
    network().set_callbacks(ProgressBar()).fit(X, y)
    assert "OverparamNetRegressor - fit" in capsys.readouterr().out
    search = GridSearchCV(network(), {"width": [5, 10]}, cv=2).set_callbacks(ProgressBar())
    search.fit(X, y)
    printed = capsys.readouterr().out
    assert "GridSearchCV" in printed
    assert "OverparamNetRegressor" in printed


def test_an_error_in_a_callback_leaves_the_fitted_model_unchanged(neuron):
    class Failing(Recorder):
        def on_fit_task_end(self, estimator, context):
            raise RuntimeError("no more")

    X, y = neuron
    model = network().fit(X, y)
    before = model.predict(X)
    recorder = Failing()
    with pytest.raises(RuntimeError, match="no more"):
        model.set_callbacks(recorder).fit(X, -y)
    assert recorder.events[-1] == "teardown"
    np.testing.assert_array_equal(model.predict(X), before)


def test_a_failed_warm_start_leaves_the_training_state_unchanged(neuron):
    """Velocity and last iterates included, which are not fitted attributes."""
    X, y = neuron
    options = {"momentum": 0.5, "average": True, "warm_start": True, "eta0": 0.01}
    model, untouched = (network(**options).fit(X, y) for _ in range(2))

    class Failing(Recorder):
        def on_fit_task_end(self, estimator, context):
            raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        model.set_callbacks(Failing()).fit(X, y)
    model.set_callbacks().fit(X, y)
    np.testing.assert_array_equal(
        model.hidden_weights_, untouched.fit(X, y).hidden_weights_
    )
