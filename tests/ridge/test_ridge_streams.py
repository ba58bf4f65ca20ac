"""Ridge in chunks: partial_fit and merge."""

import re

import numpy as np
import pytest
import reference
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.kernel_approximation import RBFSampler
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skrf import (
    RandomFeatureRidge,
    RandomFeatureRidgeClassifier,
    RandomReLUFeatures,
)


@pytest.fixture
def data(rng):
    """Rows, two targets and weights, some of them 0."""
    X = rng.standard_normal((60, 4))
    Y = np.stack([np.sin(2 * X[:, 0]), X[:, 1] * X[:, 2]], axis=1)
    return X, Y, rng.integers(0, 4, 60).astype(float)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_chunks_give_the_same_model(fit_intercept, data):
    X, Y, w = data
    model = RandomFeatureRidge(
        RandomReLUFeatures(20), alphas=0.1, fit_intercept=fit_intercept, random_state=0
    )
    whole = clone(model).fit(X, Y, sample_weight=w)
    stream = clone(model)
    for rows in np.array_split(np.arange(60), 7):
        stream.partial_fit(X[rows], Y[rows], sample_weight=w[rows])
    np.testing.assert_allclose(stream.output_weights_, whole.output_weights_, rtol=1e-9)
    np.testing.assert_allclose(stream.predict(X), whole.predict(X), rtol=1e-9)
    left, right = clone(model), clone(model)
    left.partial_fit(X[:25], Y[:25], w[:25])
    right.partial_fit(X[25:], Y[25:], w[25:])
    before = right.output_weights_
    assert left.merge(right) is left
    np.testing.assert_allclose(left.output_weights_, whole.output_weights_, rtol=1e-9)
    assert right.output_weights_ is before


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_chunks_compare_penalties_by_generalised_cross_validation(fit_intercept, data):
    X, Y, w = data
    alphas = [0.01, 0.1, 1.0]
    stream = RandomFeatureRidge(
        RandomReLUFeatures(20), alphas=alphas, fit_intercept=fit_intercept, random_state=0
    )
    for rows in np.array_split(np.arange(60), 4):
        stream.partial_fit(X[rows], Y[rows], sample_weight=w[rows])
    Z = stream.features_.transform(X)
    scores = [
        -reference.generalised_cross_validation(Z, Y, w, alpha, fit_intercept)
        for alpha in alphas
    ]
    np.testing.assert_allclose(stream.scores_, scores, rtol=1e-8)
    U, c = reference.ridge(Z, Y, w, stream.alpha_, fit_intercept)
    np.testing.assert_allclose(stream.predict(X), Z @ U + c, rtol=1e-7, atol=1e-9)


def test_a_chunk_is_added_completely_or_not_at_all(data):
    X, Y, _ = data
    stream = RandomFeatureRidge(RandomReLUFeatures(20), random_state=0, block_size=4)
    stream.set_params(alphas=1.0)
    stream.partial_fit(X[:30], Y[:30])
    before = stream.predict(X)
    deep = X[30:].copy()
    deep[-1, -1] = np.nan
    for bad, message in (
        ((deep, Y[30:]), "NaN"),
        ((X[30:, :3], Y[30:]), "3 features"),
        ((X[30:], Y[31:]), "one entry per row of X, 30; got 29"),
        ((X[30:], Y[30:, 0]), r"got shape \(30,\)"),
        ((X[30:], Y[30:, :1]), "as many outputs as in the first chunk, 2; got 1"),
    ):
        with pytest.raises(ValueError, match=message):
            stream.partial_fit(*bad)
        np.testing.assert_array_equal(stream.predict(X), before)
    stream.partial_fit(X[30:], Y[30:])
    whole = clone(stream).fit(X, Y)
    np.testing.assert_allclose(stream.predict(X), whole.predict(X), rtol=1e-9)


def test_features_that_learn_must_be_fitted_before_a_stream(data):
    X, Y, _ = data
    learned = make_pipeline(StandardScaler(), RandomReLUFeatures(9, random_state=0))
    with pytest.raises(AttributeError) as error:
        RandomFeatureRidge(learned).partial_fit(X, Y)
    assert "FrozenEstimator(features)" in str(error.value.__cause__)
    assert not hasattr(RandomFeatureRidge(RBFSampler(gamma="scale")), "partial_fit")
    frozen = FrozenEstimator(learned.fit(X))
    stream = RandomFeatureRidge(frozen, alphas=1.0).partial_fit(X[:9], Y[:9])
    stream.partial_fit(X[9:], Y[9:])
    whole = make_pipeline(learned, Ridge()).fit(X, Y)
    np.testing.assert_allclose(stream.predict(X), whole.predict(X), rtol=1e-9)


def test_a_stream_refuses_what_needs_rows(data):
    X, Y, _ = data
    for parameters in ({"cv": 3}, {"solver": "dual"}, {"select_width": True}):
        (name,) = parameters
        with pytest.raises(AttributeError) as error:
            RandomFeatureRidge(**parameters).partial_fit(X, Y)
        assert re.search(
            f"`{name}` must be .* for partial_fit.*; got .*Use {name}=.*, or fit",
            str(error.value.__cause__),
        )
    fitted = RandomFeatureRidge(RandomReLUFeatures(9)).fit(X, Y)
    with pytest.warns(UserWarning, match="partial_fit starts again"):
        fitted.partial_fit(X, Y)


def test_merge_refuses_what_does_not_add(data):
    X, Y, _ = data

    def stream(seed=0, **parameters):
        model = RandomFeatureRidge(RandomReLUFeatures(9), random_state=seed, **parameters)
        return model.partial_fit(X, Y)

    with pytest.raises(ValueError, match="identical fitted features"):
        stream().merge(stream(seed=1))
    with pytest.raises(ValueError, match="fit_intercept"):
        stream().merge(stream(fit_intercept=False))
    with pytest.raises(ValueError, match="`other` must be fitted by partial_fit"):
        stream().merge(RandomFeatureRidge(RandomReLUFeatures(9)).fit(X, Y))
    with pytest.raises(ValueError, match="outputs"):
        stream().merge(
            RandomFeatureRidge(RandomReLUFeatures(9), random_state=0).partial_fit(
                X, Y[:, 0]
            )
        )
    labels = Y[:, 0] > 0
    classifier = RandomFeatureRidgeClassifier(RandomReLUFeatures(9), random_state=0)
    classifier.partial_fit(X, labels, classes=[False, True])
    with pytest.raises(ValueError, match="`other` must be a RandomFeatureRidge; got a Ran"):
        stream().merge(classifier)


def test_classes_of_a_stream(data):
    X, Y, _ = data
    labels = np.array(list("abc"))[np.digitize(Y[:, 0], [-0.5, 0.5])]
    stream = RandomFeatureRidgeClassifier(
        RandomReLUFeatures(20), alphas=1.0, random_state=0
    )
    with pytest.raises(ValueError, match="classes must be passed"):
        stream.partial_fit(X, labels)
    only = labels != "c"
    stream.partial_fit(X[only], labels[only], classes=["a", "b", "c"])
    stream.partial_fit(X[~only], labels[~only])
    whole = RandomFeatureRidgeClassifier(RandomReLUFeatures(20), alphas=1.0, random_state=0)
    whole.fit(X, labels)
    np.testing.assert_allclose(
        stream.decision_function(X), whole.decision_function(X), rtol=1e-8, atol=1e-10
    )
    with pytest.raises(ValueError, match="first call; got 'd'"):
        stream.partial_fit(X[:1], ["d"])
    np.testing.assert_array_equal(stream.predict(X), whole.predict(X))
