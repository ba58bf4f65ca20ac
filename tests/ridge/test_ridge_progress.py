"""What ridge estimators tell callbacks, what they print, and what Ctrl-C leaves."""

import signal

import numpy as np
import pytest
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.model_selection import GridSearchCV

from skrf import (
    LinearizedNTKFeatures,
    RandomFeatureRidge,
    RandomReLUFeatures,
    make_single_neuron,
)
from skrf.ridge._feature_matrix import FullMatrix


@pytest.fixture
def neuron():
    return make_single_neuron(100, 4, bias=-0.3, random_state=0)


class Recorder:
    """Keeps the names of the tasks; interrupts or fails at the end of a block."""

    def __init__(self, at_block=None, action=None):
        self.events, self.n_blocks = [], 0
        self.at_block, self.action = at_block, action

    def setup(self, estimator, context):
        self.events.append("setup")

    def on_fit_task_begin(self, estimator, context):
        self.events.append(f"begin {context.task_name}")

    def on_fit_task_end(self, estimator, context):
        self.events.append(f"end {context.task_name}")
        if context.task_name == "block":
            self.n_blocks += 1
            if self.n_blocks == self.at_block:
                self.action()

    def teardown(self, estimator, context):
        self.events.append("teardown")


def ridge(**parameters):
    return RandomFeatureRidge(
        RandomReLUFeatures(20), **{"random_state": 0, "block_size": 40, **parameters}
    )


def passes(recorder):
    """Names of the passes, each with the number of its blocks."""
    names = [event.split(" ", 1)[1] for event in recorder.events if "begin" in event]
    found = []
    for name in names[1:]:
        if name == "block":
            found[-1][1] += 1
        else:
            found.append([name, 0])
    return [tuple(pair) for pair in found]


def test_a_task_for_each_pass_and_each_block(neuron):
    recorder = Recorder()
    ridge(alphas=[0.1, 1.0], solver="primal").set_callbacks(recorder).fit(*neuron)
    assert recorder.events[:2] == ["setup", "begin fit"]
    assert recorder.events[-2:] == ["end fit", "teardown"]
    assert passes(recorder) == [("sums of products", 3), ("leave-one-out errors", 3)]
    begun = [event[6:] for event in recorder.events if event.startswith("begin")]
    ended = [event[4:] for event in recorder.events if event.startswith("end")]
    assert sorted(begun) == sorted(ended)


def test_a_task_for_each_iteration_of_conjugate_gradients(neuron):
    recorder = Recorder()
    model = ridge(solver="cg", alphas=1.0).set_callbacks(recorder).fit(*neuron)
    assert passes(recorder) == [("conjugate gradients", model.n_iter_)]


def test_scores_of_the_fitted_model(neuron):
    X, y = neuron
    monitor = ScoringMonitor(scoring="r2")
    model = ridge().set_callbacks(monitor).fit(X, y)
    (row,) = monitor.get_logs().data
    assert row["r2"] == pytest.approx(model.score(X, y))


def test_progress_bar_alone_and_in_a_search(neuron, capsys):
    pytest.importorskip("rich", reason="the bar is drawn by rich, in the extra 'test'")
    ridge().set_callbacks(ProgressBar()).fit(*neuron)
    printed = capsys.readouterr().out
    assert "RandomFeatureRidge - fit" in printed
    assert "sums of products" in printed
    search = GridSearchCV(ridge(), {"features__width": [5, 10]}, cv=2)
    search.set_callbacks(ProgressBar()).fit(*neuron)
    assert "GridSearchCV" in capsys.readouterr().out


def test_verbose(neuron, capsys):
    ridge(verbose=True, alphas=1.0, solver="primal").fit(*neuron)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"sums of products: {k} of 3" for k in (1, 2, 3)]


def test_verbose_prints_whatever_passes_over_the_data(neuron, capsys):
    X, y = neuron

    def lines():
        return capsys.readouterr().out.splitlines()

    sums = [f"sums of products: {k} of 3" for k in (1, 2, 3)]
    model = ridge(verbose=True)
    model.partial_fit(X, y)
    assert lines() == sums
    model.partial_fit(X, y)
    assert lines() == sums
    model.set_params(alphas=[0.1, 1.0]).width_path(X, y)
    errors = [f"errors of all widths: {k} of 3" for k in (1, 2, 3)]
    assert lines() == sums + 2 * errors
    for features in RandomReLUFeatures(20), LinearizedNTKFeatures(5):
        ridge(verbose=True, solver="dual").set_params(features=features).fit(X, y)
        assert lines() == ["Gram matrix: 1 of 1"]
    model.set_params(verbose=False).partial_fit(X, y).width_path(X, y)
    assert lines() == []


def test_a_task_for_each_group_of_rows_of_the_gram_matrix(neuron, monkeypatch):
    monkeypatch.setattr(FullMatrix, "_rows_in_memory", lambda matrix: 30)
    recorder = Recorder()
    ridge(solver="dual").set_callbacks(recorder).fit(*neuron)
    assert passes(recorder) == [("Gram matrix", 4)]


def interrupt():
    signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("at_block", [1, 4, 6])
def test_ctrl_c_leaves_the_last_fit_as_it_was(at_block, neuron):
    X, y = neuron
    model = ridge(alphas=[0.1, 1.0], solver="primal").fit(X, y)
    before = model.predict(X)
    model.set_callbacks(Recorder(at_block, interrupt))
    with pytest.raises(KeyboardInterrupt):
        model.fit(X[:, :2], -y)
    assert model.n_features_in_ == 4
    np.testing.assert_array_equal(model.predict(X), before)
    fresh = ridge(solver="primal").set_callbacks(Recorder(1, interrupt))
    with pytest.raises(KeyboardInterrupt):
        fresh.fit(X, y)
    assert not hasattr(fresh, "features_")
    fresh.set_callbacks().fit(X, y)


def test_ctrl_c_keeps_the_chunks_before(neuron, monkeypatch):
    from skrf.ridge._moments import Moments

    X, y = neuron
    stream = ridge().partial_fit(X[:50], y[:50])
    before = stream.predict(X)
    add, calls = Moments.add, []

    def interrupted(self, *arguments):
        calls.append(1)
        add(self, *arguments)
        if len(calls) == 2:
            interrupt()

    monkeypatch.setattr(Moments, "add", interrupted)
    with pytest.raises(KeyboardInterrupt):
        stream.partial_fit(X, y)
    monkeypatch.undo()
    np.testing.assert_array_equal(stream.predict(X), before)
    stream.partial_fit(X[50:], y[50:])
    np.testing.assert_allclose(
        stream.output_weights_, ridge().fit(X, y).output_weights_, rtol=1e-8
    )


def test_an_error_in_a_callback_ends_the_fit_and_keeps_the_model(neuron):
    def fail():
        raise RuntimeError("no more")

    X, y = neuron
    model = ridge().fit(X, y)
    before = model.predict(X)
    recorder = Recorder(1, fail)
    with pytest.raises(RuntimeError, match="no more"):
        model.set_callbacks(recorder).set_params(solver="primal").fit(X, -y)
    assert recorder.events[-1] == "teardown"
    np.testing.assert_array_equal(model.predict(X), before)
