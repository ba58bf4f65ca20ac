"""Errors of the networks name the parameter, the value and a remedy."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import NotFittedError
from small_networks import BOTH, plain

from skrf import OverparamNetClassifier


@pytest.mark.parametrize("Network", BOTH)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("width", 0),
        ("loss", "absolute_error"),
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
        (
            {"activation": "step"},
            "`train` must be 'output' with activation='step'.* got 'both'. Use another",
        ),
        (
            {"symmetric_init": True, "width": 5},
            "`width` must be even with symmetric_init=True; got 5. Use an even",
        ),
        (
            {"early_stopping": True, "validation_fraction": 0.001},
            "`validation_fraction` must .* got 0.001, which is 1 of n_samples=200. Change",
        ),
    ],
)
def test_parameters_that_exclude_each_other(parameters, message, neuron):
    with pytest.raises(ValueError, match=message):
        plain(**parameters).fit(*neuron)


def test_hinge_regression_needs_signs(neuron):
    X, _ = neuron
    y = np.ones(len(X))
    y[7] = 3.2
    message = r"`loss='hinge'` needs `y` in \{-1, 1\}; got 3.2. Use loss='squared_error',"
    with pytest.raises(ValueError, match=message):
        plain(loss="hinge").fit(X, y)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([[1.0, np.nan], [0, 1]], [0, 1], "X contains NaN"),
        ([[1.0, np.inf], [0, 1]], [0, 1], "X contains infinity"),
        ([[1.0, 2], [0, 1]], [0, np.nan], "y contains NaN"),
        ([1.0, 2.0], [0, 1], "Expected 2D array, got 1D"),
        ([[1.0], [2]], sparse.csr_array([[1.0], [2]]), "`y` must be dense"),
        (np.ones((0, 2)), [], r"0 sample\(s\)"),
        ([[1.0, 2], [0, 1]], [0, 1, 2], "inconsistent numbers of samples"),
        (
            np.ones((2, 2), np.float32),
            [0, 1e300],
            r"`y` must fit into float32; got 1e\+300. Scale y",
        ),
    ],
)
def test_bad_data_is_named(X, y, message):
    with pytest.raises(ValueError, match=message):
        plain().fit(X, y)


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize(
    ("x_scale", "y_scale", "eta0"), [(1e200, 1.0, "auto"), (1.0, 1e200, 0.01)]
)
def test_data_whose_gradients_overflow_is_refused(x_scale, y_scale, eta0, neuron):
    X, y = neuron
    with pytest.raises(
        ValueError, match=r"`X`, `y`, `sample_weight` .* float64; got an overflow .*Scale X"
    ):
        plain(eta0=eta0).fit(X * x_scale, y * y_scale)
    x_scale, y_scale = x_scale**0.11, y_scale**0.11
    X, y = (X * x_scale).astype(np.float32), (y * y_scale).astype(np.float32)
    with pytest.raises(ValueError, match="float32; got an overflow"):
        plain(eta0=eta0).fit(X, y)


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
    with pytest.raises(ValueError, match="at least 2 classes in `y`; got 1 class"):
        plain(OverparamNetClassifier).fit(neuron[0], np.ones(200))


def test_a_warm_start_with_other_shapes_is_refused(neuron):
    X, y = neuron
    net = plain(warm_start=True).fit(X, y)
    with pytest.raises(ValueError, match=r"`width` must be 20, .* got 30. Restore"):
        net.set_params(width=30).fit(X, y)
    net.set_params(width=20)
    with pytest.raises(ValueError, match=r"`y` must .* previous fit, 1; got 2. Pass"):
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


def test_a_refused_call_leaves_the_fitted_model_unchanged(neuron):
    X, y = neuron
    net = plain(warm_start=True).fit(X, y)
    before = net.predict(X)
    with pytest.raises(ValueError, match="previous fit, 1; got 2"):
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


def test_early_stopping_counts_rows_of_positive_weight(neuron):
    weight = np.zeros(200)
    weight[0] = 1
    net = plain(OverparamNetClassifier, early_stopping=True)
    message = "`validation_fraction` must .* got 0.1, which is 1 of n_samples=1. Change"
    with pytest.raises(ValueError, match=message):
        net.fit(neuron[0], neuron[1] > 0, sample_weight=weight)


def test_a_network_larger_than_available_memory_is_refused(neuron, monkeypatch):
    monkeypatch.setattr("skrf._utils.memory.available_memory", lambda: 10**5)
    with pytest.raises(
        MemoryError, match=r"width=100000 neurons on 4 columns.*smaller width"
    ):
        plain(width=100_000).fit(*neuron)


@pytest.mark.parametrize(
    ("name", "value"),
    [("parametrization", "ntk"), ("biases", "none"), ("fit_intercept", False)],
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_parameters_must_match_the_fitted_weights(name, value, method, neuron):
    X, y = neuron
    net = plain(warm_start=True).fit(X, y + 5)
    before = net.predict(X)
    with pytest.raises(ValueError, match=rf"`{name}` must .* got {value!r}. Restore"):
        getattr(net.set_params(**{name: value}), method)(X, y)
    np.testing.assert_array_equal(net.predict(X), before)


def test_partial_fit_with_early_stopping_names_the_parameter():
    with pytest.raises(AttributeError, match=r"`early_stopping` must be False .* got True"):
        plain(early_stopping=True).partial_fit([[1.0]], [1.0])


def test_predictions_that_overflow_are_refused(neuron):
    net = plain().fit(*neuron)
    net.output_weights_ = 1e308 * np.ones(20)
    message = "`X` .* fit into float64; got an overflow.* eta0=.* Scale X"
    with pytest.raises(ValueError, match=message):
        net.predict(100 * neuron[0])
