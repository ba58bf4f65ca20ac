"""The feature matrix that is never stored, against the one that is."""

import numpy as np
import pytest

from skrf import LinearizedNTKFeatures, RandomReLUFeatures
from skrf._feature_matrix import FeatureMap, FullMatrix


@pytest.mark.parametrize("n_vectors", [1, 3, 4, 5, 9])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", [RandomReLUFeatures, LinearizedNTKFeatures])
def test_products_are_in_float64(kind, dtype, n_vectors, rng):
    """To rounding in float64 also where the features are float32."""
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


def test_products_do_not_depend_on_threads(rng):
    from threadpoolctl import threadpool_limits

    X = rng.normal(size=(3000, 5)).astype(np.float32)
    features = RandomReLUFeatures(40, random_state=0).fit(X)
    full, Y = FullMatrix(X, FeatureMap(features, X), "auto"), rng.normal(size=(3000, 2))
    with threadpool_limits(1):
        one = full.transposed_times(Y), full.times(np.ones((40, 2)))
    two = full.transposed_times(Y), full.times(np.ones((40, 2)))
    for first, second in zip(one, two, strict=True):
        np.testing.assert_array_equal(first, second)
