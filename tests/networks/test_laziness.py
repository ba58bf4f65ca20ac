"""Reports of laziness by their formulas, the expansion by finite differences."""

import itertools

import numpy as np
import pytest
import reference
from scipy import sparse

from skrf import (
    LinearizedNTKFeatures,
    OverparamNetClassifier,
    OverparamNetRegressor,
    make_polynomial_classification,
    make_single_neuron,
)
from skrf.networks._weights import Weights


@pytest.fixture
def neuron():
    return make_single_neuron(150, 4, bias=-0.3, random_state=0)


def network(width=30, **parameters):
    defaults = {"max_iter": 3, "tol": None, "random_state": 0}
    return OverparamNetRegressor(width, **{**defaults, **parameters})


@pytest.mark.parametrize("parametrization", ["standard", "ntk"])
@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("biases", ["constant", "gaussian"])
def test_report_equals_its_formulas(parametrization, outputs, biases, neuron):
    X, y = neuron
    Y = np.column_stack([y, -y, y**2])[:, :outputs]
    model = network(
        parametrization=parametrization, biases=biases, bias_scale=0.4, activation="tanh"
    ).fit(X, Y)
    report = model.laziness(X)
    W0, b0, U0, _ = model.initial_weights()
    W, b, U = model.hidden_weights_, model.hidden_biases_, model.output_weights_
    scale = 30**-0.5 if parametrization == "ntk" else 1.0
    act, slope = reference.ACTIVATIONS["tanh"]
    z0, z = X @ W0.T + b0, X @ W.T + b
    N = scale * act(z) @ U.T + model.output_bias_
    frozen = scale * act(z0) @ U.T + model.output_bias_
    linear = frozen + scale * (slope(z0) * (z - z0)) @ U0.T
    norm = np.linalg.norm
    start = np.hypot(norm(W0), norm(b0))
    assert report.hidden_weights == pytest.approx(norm(W - W0) / norm(W0))
    assert report.hidden_biases == pytest.approx(norm(b - b0) / start)
    assert report.output_weights == pytest.approx(norm(U - U0) / norm(U0))
    assert report.flipped == pytest.approx(np.mean((z > 0) != (z0 > 0)))
    assert report.frozen_gap == pytest.approx(norm(N - frozen) / norm(N))
    assert report.linear_gap == pytest.approx(norm(N - linear) / norm(N))
    assert len(str(report).splitlines()) == 6
    again = model.laziness(sparse.csr_array(X))
    assert again.linear_gap == pytest.approx(report.linear_gap)


def test_laziness_decreases_with_the_width():
    """On the cube of Theorem 3.1."""
    X, y = make_polynomial_classification(
        4000, 6, degree=2, n_terms=1, inputs="cube", random_state=1
    )
    reports = []
    for width in (30, 300, 3000):
        model = OverparamNetClassifier(
            width,
            activation="tanh",
            biases="constant",
            bias_scale=0.7,
            eta0=4 / width,
            batch_size=16,
            random_state=0,
        )
        reports.append(model.partial_fit(X, y, classes=[-1, 1]).laziness(X[:500]))
    for narrow, wide in itertools.pairwise(reports):
        assert wide.hidden_weights < narrow.hidden_weights / 2
        assert wide.flipped <= narrow.flipped
        assert wide.linear_gap < narrow.linear_gap


def test_report_of_a_frozen_hidden_layer_is_zero(neuron):
    report = network(train="output").fit(*neuron).laziness(neuron[0])
    assert report.hidden_weights == report.flipped == report.frozen_gap == 0
    assert report.output_weights > 0
    assert report.linear_gap == 0


@pytest.mark.parametrize("train", ["both", "hidden", "output"])
@pytest.mark.parametrize("parametrization", ["standard", "ntk"])
@pytest.mark.parametrize("biases", ["gaussian", "none"])
def test_expansion_has_a_quadratic_remainder(train, parametrization, biases, neuron, rng):
    """At a tenth of the distance, the remainder is a hundredth."""
    X, y = neuron
    model = network(
        train=train,
        parametrization=parametrization,
        biases=biases,
        bias_scale=0.5,
        activation="silu",
    ).fit(X, y)
    features, initial = model.linearize()
    assert isinstance(features, LinearizedNTKFeatures)
    W0, b0, u0, c0 = model.initial_weights()
    dW, db, du = (rng.normal(size=a.shape) for a in (W0, b0, u0))
    if train == "output":
        dW, db = 0 * dW, 0 * db
    if train == "hidden":
        du = 0 * du
    if biases == "none":
        db = 0 * db
    columns = dW if biases == "none" else np.column_stack([dW, db])
    stretched = du * np.sqrt(30) if parametrization == "standard" else du
    hidden, output = columns.ravel(), stretched
    direction = {"both": np.r_[hidden, output], "hidden": hidden, "output": output}[train]
    scale = 30**-0.5 if parametrization == "ntk" else 1.0
    remainders = []
    for h in (1e-2, 1e-3):
        act = reference.ACTIVATIONS["silu"][0]
        moved = scale * act(X @ (W0 + h * dW).T + b0 + h * db) @ (u0 + h * du) + c0
        expansion = initial.predict(X) + features.transform(X) @ (h * direction)
        remainders.append(np.abs(moved - expansion).max())
    if train == "output":
        assert max(remainders) < 1e-12
    else:
        assert remainders[0] / remainders[1] == pytest.approx(100, rel=0.1)


def test_expansion_of_one_of_several_outputs(neuron):
    X, y = neuron
    model = network(train="hidden", parametrization="ntk").fit(X, np.column_stack([y, -y]))
    features, initial = model.linearize(output=1)
    np.testing.assert_allclose(features.output_weights_, model.initial_weights()[2][1])
    assert initial.predict(X).shape == (150, 2)
    assert np.abs(initial.predict(X) - model.predict(X)).max() > 1e-3
    with pytest.raises(ValueError, match=r"`output` must be .* from 0 to 1; got 2. Pass"):
        model.linearize(output=2)


def test_initial_weights_are_not_stored(neuron):
    """The seed draws them again."""
    model = network().fit(*neuron)
    start = model.initial_weights()[0]
    held = [value for value in vars(model._state).values() if isinstance(value, Weights)]
    assert not held
    assert not np.array_equal(start, model.hidden_weights_)
    np.testing.assert_array_equal(model.initial_weights()[0], start)


@pytest.mark.parametrize("options", [{}, {"momentum": 0.9}, {"average": True}])
def test_the_initial_network_trains_like_a_new_network(options, neuron):
    """It has no iterates, velocity or counts of the trained network."""
    X, y = neuron
    options = {**options, "eta0": 0.003, "learning_rate": "invscaling", "shuffle": False}
    initial = network(**options).fit(X, y).linearize()[1]
    assert (initial.t_, initial.n_iter_, initial.loss_curve_) == (0, 0, [])
    fresh = network(**options).partial_fit(X, y)
    again = initial.partial_fit(X, y)
    np.testing.assert_array_equal(again.hidden_weights_, fresh.hidden_weights_)
    np.testing.assert_array_equal(again.predict(X), fresh.predict(X))
    assert (again.t_, again.loss_curve_) == (fresh.t_, fresh.loss_curve_)


def test_the_expansion_keeps_the_names_of_columns(neuron):
    pandas = pytest.importorskip("pandas", reason="in the extra 'test'")
    X, y = neuron
    frame = pandas.DataFrame(X, columns=list("abcd"))
    features, initial = network().fit(frame, y).linearize()
    for model, method in ((features, "transform"), (initial, "predict")):
        assert list(model.feature_names_in_) == list("abcd")
        with pytest.raises(ValueError, match="feature names should match"):
            getattr(model, method)(frame[list("badc")])
