"""The average gradient outer product of fitted models, against finite differences."""

import numpy as np
import pytest
import reference
from scipy import sparse
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.kernel_approximation import RBFSampler
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, PolynomialFeatures, StandardScaler

from skrf import (
    ACTIVATIONS,
    LinearizedNTKFeatures,
    OverparamNetClassifier,
    OverparamNetRegressor,
    RandomFeatureRidge,
    RandomFeatureRidgeClassifier,
    RandomFeatures,
    RandomReLUFeatures,
    gaussian,
)
from skrf.features._array_formulas import ARRAY_FORMULAS

CONTINUOUS = sorted(set(ACTIVATIONS) - {"step"})
SMOOTH = sorted(name for name, formulas in ARRAY_FORMULAS.items() if formulas.second)


def ridge(features):
    """Ridge regression whose outputs vary, also on random targets."""
    return RandomFeatureRidge(features, alphas=0.1, random_state=0)


@pytest.fixture
def data(rng):
    """Rows, three outputs and integer weights."""
    X = rng.standard_normal((60, 5)) * [1, 2, 3, 4, 5] + 3
    return X, rng.standard_normal((60, 3)), rng.integers(0, 3, 60).astype(float)


def assert_exact(model, X, weights, function=None):
    M = model.gradient_outer_product(X, weights)
    function = model.predict if function is None else function
    expected = reference.gradient_outer_product(function, X, weights)
    assert M.dtype == np.float64
    np.testing.assert_allclose(M, expected, atol=1e-7 * expected.max())
    np.testing.assert_array_equal(M, M.T)


# With 40 neurons each output has a product of its own, with 6 all have sums over pairs.
@pytest.mark.parametrize("width", [6, 40])
@pytest.mark.parametrize("activation", CONTINUOUS)
def test_every_continuous_activation(activation, width, data):
    X, Y, weights = data
    features = RandomFeatures(width, activation=activation, random_state=0)
    model = ridge(make_pipeline(StandardScaler(), features))
    assert_exact(model.fit(X, Y), X, weights)
    assert_exact(model.fit(X, Y[:, 0]), X, weights)


@pytest.mark.parametrize("train", ["hidden", "output", "both"])
@pytest.mark.parametrize("activation", SMOOTH)
def test_linearised_features(activation, train, data):
    X, Y, weights = data
    for biases in ("gaussian", "none"):
        features = LinearizedNTKFeatures(
            6,
            activation=activation,
            train=train,
            biases=biases,
            output_weights=np.linspace(-1, 2, 6),
            random_state=0,
        )
        model = ridge(make_pipeline(StandardScaler(), features))
        assert_exact(model.fit(X, Y), X, weights)


def test_affine_steps_on_both_sides_and_frozen_features(data):
    X, Y, weights = data
    relus = RandomReLUFeatures(30, projection="structured", random_state=0)
    frozen = FrozenEstimator(make_pipeline(StandardScaler(), PCA(3)).fit(X))
    features = make_pipeline(frozen, make_pipeline(relus, MaxAbsScaler()), "passthrough")
    assert_exact(ridge(features).fit(X, Y), X, weights)


def test_classifiers_have_the_gradients_of_their_outputs(data):
    X, Y, weights = data
    for labels in (Y[:, 0] > 0, Y.argmax(axis=1)):
        model = RandomFeatureRidgeClassifier(
            RandomReLUFeatures(30, random_state=0), alphas=0.1
        )
        model.fit(X, labels)
        assert_exact(model, X, weights, model.decision_function)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_networks(activation, data):
    X, Y, weights = data
    options = {"activation": activation, "max_iter": 3, "tol": None, "random_state": 0}
    for width in (5, 40):
        net = OverparamNetRegressor(width, parametrization="ntk", **options)
        assert_exact(net.fit(X / 5, Y), X / 5, weights)
        net = OverparamNetClassifier(width, **options).fit(X / 5, Y[:, 0] > 0)
        assert_exact(net, X / 5, weights, net.decision_function)


def test_exact_under_gaussian_inputs(rng):
    """The expectation of the products of the derivatives of two ReLUs is known."""
    X = rng.standard_normal((100_000, 4))
    model = ridge(RandomReLUFeatures(20, random_state=0))
    model.fit(X[:500], np.sin(X[:500, 0]))
    A = model.output_weights_[:, np.newaxis] * model.features_.weights_ / np.sqrt(20)
    steps = gaussian.step_gram(model.features_.weights_, model.features_.biases_)
    exact = A.T @ steps @ A
    error = np.linalg.norm(model.gradient_outer_product(X) - exact)
    assert error < 0.01 * np.linalg.norm(exact)


def test_weights_are_repeated_rows(data):
    X, Y, weights = data
    model = ridge(RandomReLUFeatures(30, random_state=0)).fit(X, Y)
    repeated = np.repeat(X, weights.astype(int), axis=0)
    np.testing.assert_allclose(
        model.gradient_outer_product(X, weights), model.gradient_outer_product(repeated)
    )
    np.testing.assert_allclose(
        model.gradient_outer_product(X), model.gradient_outer_product(X, np.ones(60))
    )


def test_sparse_rows_and_float32(data):
    X, Y, weights = data
    X[X < 4] = 0
    double = ridge(RandomReLUFeatures(30, random_state=0)).fit(X, Y)
    net = OverparamNetRegressor(5, max_iter=1, tol=None, random_state=0).fit(X / 5, Y)
    for model in (double, net):
        dense = model.gradient_outer_product(X, weights)
        rows = sparse.csr_matrix(X)
        np.testing.assert_allclose(model.gradient_outer_product(rows, weights), dense)
    single = ridge(RandomReLUFeatures(30, random_state=0))
    single.fit(X.astype(np.float32), Y)
    found = single.gradient_outer_product(X.astype(np.float32), weights)
    np.testing.assert_allclose(
        found, double.gradient_outer_product(X, weights), atol=1e-4 * found.max()
    )


def test_data_frames_and_other_columns(data):
    pandas = pytest.importorskip("pandas", reason="data frames need pandas")
    X, Y, _ = data
    table = pandas.DataFrame(X, columns=list("abcde"))
    features = make_pipeline(StandardScaler(), RandomReLUFeatures(30, random_state=0))
    model = ridge(features).fit(table, Y)
    expected = ridge(features).fit(X, Y).gradient_outer_product(X)
    np.testing.assert_allclose(model.gradient_outer_product(table), expected)
    with pytest.raises(ValueError, match="feature names"):
        model.gradient_outer_product(table[list("edcba")])


def test_blocks_of_rows_do_not_matter(data, monkeypatch):
    X, Y, weights = data
    for width in (4, 30):
        model = ridge(RandomReLUFeatures(width, random_state=0)).fit(X, Y)
        expected = model.gradient_outer_product(X, weights)
        with monkeypatch.context() as patch:
            patch.setattr("skrf.features._gradients._BLOCK_VALUES", 1)
            patch.setattr("skrf.features._gradients._FEWEST_ROWS", 7)
            found = model.gradient_outer_product(X, weights)
        np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize(
    ("features", "message"),
    [
        (LinearizedNTKFeatures(5), "got 'relu', whose features jump"),
        (RandomFeatures(5, activation="step"), "`activation` must be continuous"),
        (RBFSampler(), "got RBFSampler.*Use RandomReLUFeatures"),
        (
            make_pipeline(PolynomialFeatures(), RandomReLUFeatures(5)),
            "got PolynomialFeatures",
        ),
        (make_pipeline(RandomReLUFeatures(5), RandomReLUFeatures(5)), "got Pipeline"),
        (StandardScaler(), "got StandardScaler"),
    ],
    ids=["linearised", "step", "RBFSampler", "polynomial", "deep", "linear"],
)
def test_features_without_a_closed_gradient(features, message, data):
    X, Y, _ = data
    model = ridge(features).fit(X, Y)
    with pytest.raises(ValueError, match=message):
        model.gradient_outer_product(X)


def test_a_network_of_steps_is_refused(data):
    X, Y, _ = data
    net = OverparamNetRegressor(
        5, activation="step", train="output", max_iter=1, tol=None
    ).fit(X, Y)
    with pytest.raises(ValueError, match="`activation` must be continuous"):
        net.gradient_outer_product(X)


def test_weights_are_checked(data):
    X, Y, weights = data
    model = ridge(RandomReLUFeatures(5, random_state=0)).fit(X, Y)
    net = OverparamNetRegressor(5, max_iter=1, tol=None, random_state=0).fit(X, Y)
    for fitted in (model, net):
        with pytest.raises(ValueError, match="sample_weight"):
            fitted.gradient_outer_product(X, weights[:-1])
        with pytest.raises(ValueError, match=r"[Nn]egative"):
            fitted.gradient_outer_product(X, weights - 1)
