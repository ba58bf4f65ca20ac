"""The feature matrix that is never stored, against the one that is."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from threadpoolctl import threadpool_limits

from skrf import LinearizedNTKFeatures, RandomFeatureRidge, RandomReLUFeatures
from skrf.ridge._feature_matrix import FeatureMap, FeatureMatrix, FullMatrix
from skrf.ridge._passes import Scratch


@pytest.mark.parametrize("n_vectors", [1, 4, 5, 9])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", [RandomReLUFeatures, LinearizedNTKFeatures])
def test_products_are_in_float64(kind, dtype, n_vectors, rng, monkeypatch):
    """To rounding in float64 also where the features are float32."""
    # Four groups of rows in the Gram matrix.
    monkeypatch.setattr(FullMatrix, "_rows_in_memory", lambda matrix: 400)
    X = rng.normal(size=(1300, 4)).astype(dtype)
    features = kind(7, random_state=0).fit(X)
    full = FullMatrix(X, FeatureMap(features, X), 600)
    Z = features.transform(X).astype(np.float64)
    if kind is LinearizedNTKFeatures:
        Z = features.transform(X.astype(np.float64))
    coef, Y = (
        rng.normal(size=(full.n_columns, n_vectors)),
        rng.normal(size=(1300, n_vectors)),
    )
    close = {"rtol": 1e-11, "atol": 1e-11}
    np.testing.assert_allclose(full.times(coef), Z @ coef, **close)
    np.testing.assert_allclose(full.transposed_times(Y), Z.T @ Y, **close)
    index = np.array([3, 700, 1299])
    np.testing.assert_allclose(full.gram_columns(index), Z @ Z[index].T, **close)
    K = full.gram()
    np.testing.assert_allclose(K, Z @ Z.T, **close)
    np.testing.assert_array_equal(K, K.T)


def test_float32_products_with_few_vectors_do_not_depend_on_threads(rng):
    X = rng.normal(size=(3000, 5)).astype(np.float32)
    features = RandomReLUFeatures(40, random_state=0).fit(X)
    full, Y = FullMatrix(X, FeatureMap(features, X), "auto"), rng.normal(size=(3000, 2))
    with threadpool_limits(1):
        one = full.transposed_times(Y), full.times(np.ones((40, 2)))
    two = full.transposed_times(Y), full.times(np.ones((40, 2)))
    for first, second in zip(one, two, strict=True):
        np.testing.assert_array_equal(first, second)


def test_a_subset_of_a_subset(rng):
    X, Y = rng.normal(size=(50, 2)), rng.normal(size=(50, 1))
    feature_map = FeatureMap(RandomReLUFeatures(3, random_state=0).fit(X), X)
    matrix = FeatureMatrix(X, Y, np.arange(50.0), feature_map)
    twice = matrix.subset(np.arange(20, 50)).subset(np.array([1, 4]))
    once = matrix.subset(np.array([21, 24]))
    for part in (twice, once):
        np.testing.assert_array_equal(part.Y, Y[[21, 24]])
        np.testing.assert_array_equal(part.weights, [21, 24])
    rows = [part.rows(slice(0, 2), Scratch()) for part in (twice, once)]
    np.testing.assert_array_equal(*rows)


@pytest.mark.parametrize(
    "nest",
    [
        lambda scaler, ntk: make_pipeline(scaler, FrozenEstimator(ntk)),
        lambda scaler, ntk: make_pipeline(make_pipeline(scaler, ntk)),
        lambda scaler, ntk: FrozenEstimator(make_pipeline(scaler, FrozenEstimator(ntk))),
        lambda scaler, ntk: make_pipeline(make_pipeline(scaler), ntk),
    ],
)
def test_linearised_features_are_found_wherever_they_come_last(nest, rng):
    X = 3 * rng.normal(size=(20, 4)) + 1
    scaler = StandardScaler().fit(X)
    ntk = LinearizedNTKFeatures(5, random_state=0).fit(scaler.transform(X))
    features = nest(scaler, ntk)
    feature_map = FeatureMap(features, X)
    before, found = feature_map.tangent_part()
    assert found is ntk
    np.testing.assert_allclose(before.transform(X), scaler.transform(X))
    coef = rng.normal(size=(25, 1))
    np.testing.assert_allclose(feature_map.times(X, coef), features.transform(X) @ coef)


@pytest.mark.parametrize(
    "container", [sparse.coo_matrix, sparse.dia_array, sparse.bsr_array]
)
@pytest.mark.parametrize("solver", ["cg", "dual"])
def test_steps_that_give_sparse_formats_without_rows(container, solver, rng):
    X = rng.normal(size=(20, 3))
    steps = FunctionTransformer(container, accept_sparse=True)
    ntk = LinearizedNTKFeatures(5, random_state=0)
    ridge = RandomFeatureRidge(make_pipeline(steps, ntk), solver=solver, random_state=0)
    plain = RandomFeatureRidge(ntk, solver="primal").fit(X, X[:, 0])
    found = ridge.fit(X, X[:, 0]).predict(X)
    np.testing.assert_allclose(found, plain.predict(X), atol=1e-6)
