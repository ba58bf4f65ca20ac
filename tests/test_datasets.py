"""Data from the targets: distributions of the inputs, noise, reproducibility, bad input."""

import numpy as np
import pytest

from skrf import (
    BoundedDegreePolynomial,
    OverparamNetRegressor,
    RandomReLUFeatures,
    SingleNeuron,
    make_polynomial,
    make_polynomial_classification,
    make_single_neuron,
)

MAKERS = [make_single_neuron, make_polynomial, make_polynomial_classification]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("inputs", ["gaussian", "sphere", "ball", "cube"])
def test_shapes_seed_and_target(make, inputs):
    X, y, target = make(50, 4, inputs=inputs, return_target=True, random_state=0)
    assert X.shape == (50, 4)
    assert y.shape == (50,)
    expected = target(X)
    if make is make_polynomial_classification:
        expected = np.where(expected >= 0, 1, -1)
    np.testing.assert_array_equal(y, expected)
    again = make(50, 4, inputs=inputs, random_state=0)
    np.testing.assert_array_equal(X, again[0])
    np.testing.assert_array_equal(y, again[1])
    assert not np.array_equal(make(50, 4, inputs=inputs, random_state=1)[0], X)


@pytest.mark.parametrize(
    ("inputs", "mean_square"),
    [("gaussian", 6.0), ("sphere", 1.0), ("ball", 6 / 8), ("cube", 6.0)],
)
def test_input_distributions(inputs, mean_square):
    """E||x||^2 is d, 1, d / (d + 2) and d; all are centred and uncorrelated."""
    X, _ = make_single_neuron(40_000, 6, inputs=inputs, random_state=0)
    squares = (X**2).sum(axis=1)
    assert squares.mean() == pytest.approx(mean_square, rel=0.02)
    covariance = X.T @ X / len(X) * 6 / mean_square
    np.testing.assert_allclose(covariance, np.eye(6), atol=0.04)
    assert np.abs(X.mean(axis=0)).max() < 0.03
    if inputs == "cube":
        assert set(np.unique(X)) == {-1, 1}
    if inputs == "sphere":
        np.testing.assert_allclose(squares, 1)
    if inputs == "ball":
        # The radius of the uniform distribution on the ball has P(R < t) = t^d.
        assert (squares < 0.5 ** (2 / 6)).mean() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("weights", ["gaussian", "sphere", "uniform"])
def test_data_and_weights_of_one_seed_are_independent(make, weights):
    """One seed for data and model must not put the rows, or the target, in the weights."""
    X, _, target = make(200, 20, random_state=3, return_target=True)
    features = RandomReLUFeatures(600, weights=weights, random_state=3).fit(X)
    network = OverparamNetRegressor(
        600, weights=weights, max_iter=1, tol=None, random_state=3
    )
    hidden = network.fit(X, np.zeros(200)).initial_weights()[0]
    data = np.vstack([X, getattr(target, "weight", X[:1])])
    data /= np.linalg.norm(data, axis=1, keepdims=True)
    for W in (features.weights_, hidden):
        cosines = data @ (W / np.linalg.norm(W, axis=1, keepdims=True)).T
        # The largest of 120,000 cosines of independent directions in 20 dimensions.
        assert np.abs(cosines).max() < 0.95
        assert np.abs(np.diag(cosines)).mean() < 0.3


def test_single_neuron_options():
    _, _, target = make_single_neuron(
        5, 3, weight_norm=7, bias=-2, activation="tanh", return_target=True, random_state=0
    )
    assert isinstance(target, SingleNeuron)
    assert np.linalg.norm(target.weight) == pytest.approx(7)
    assert (target.bias, target.activation) == (-2, "tanh")


@pytest.mark.parametrize("make", [make_single_neuron, make_polynomial])
def test_noise_has_its_deviation(make):
    X, y, target = make(20_000, 3, noise=0.3, return_target=True, random_state=0)
    assert (y - target(X)).std() == pytest.approx(0.3, rel=0.03)


def test_flipped_labels_are_random():
    X, y, target = make_polynomial_classification(
        20_000, 3, flip_y=0.4, return_target=True, random_state=0
    )
    wrong = y != np.where(target(X) >= 0, 1, -1)
    assert wrong.mean() == pytest.approx(0.2, abs=0.01)
    assert set(y) == {-1, 1}


@pytest.mark.parametrize("make", [make_polynomial, make_polynomial_classification])
def test_given_polynomial(make):
    product = BoundedDegreePolynomial([[1, 1, 0]], [1.0])
    X, y, target = make(
        30, 3, polynomial=product, inputs="cube", return_target=True, random_state=0
    )
    assert target is product
    np.testing.assert_array_equal(y, X[:, 0] * X[:, 1])
    with pytest.raises(
        ValueError, match=r"`polynomial` must have n_features=4 variables; got 3"
    ):
        make(30, 4, polynomial=product)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_samples", 0),
        ("n_features", 0),
        ("inputs", "uniform"),
        ("random_state", "x"),
        ("return_target", "yes"),
    ],
)
def test_bad_parameters_are_named(make, name, value):
    with pytest.raises(ValueError, match=f"'{name}' parameter of {make.__name__}"):
        make(**{name: value})


@pytest.mark.parametrize(
    ("make", "name", "value"),
    [
        (make_single_neuron, "weight_norm", -1.0),
        (make_single_neuron, "bias", np.nan),
        (make_single_neuron, "activation", "swish"),
        (make_single_neuron, "noise", -0.1),
        (make_polynomial, "degree", -1),
        (make_polynomial, "coefficient_bound", 0.0),
        (make_polynomial, "polynomial", "x0 x1"),
        (make_polynomial, "noise", np.inf),
        (make_polynomial_classification, "flip_y", 1.5),
        (make_polynomial_classification, "n_terms", 0),
    ],
)
def test_bad_parameters_of_one_maker_are_named(make, name, value):
    with pytest.raises(ValueError, match=f"'{name}' parameter of {make.__name__}"):
        make(**{name: value})


def test_too_many_terms_are_refused():
    with pytest.raises(
        ValueError, match=r"`n_terms` must be at most 3, .* in 1 variables; got 5"
    ):
        make_polynomial(10, 1, degree=2)
