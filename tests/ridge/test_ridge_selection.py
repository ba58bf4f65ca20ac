"""Selection of columns of X: coefficients of features are not importances of columns."""

import numpy as np
import pytest
from sklearn.feature_selection import RFE, RFECV, SelectFromModel, SequentialFeatureSelector
from sklearn.inspection import permutation_importance

from skrf import RandomFeatureRidge, RandomFeatureRidgeClassifier, RandomReLUFeatures


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 6))
    return X, 3 * np.abs(X[:, 2])


@pytest.mark.parametrize("width", [2, 6, 50])
@pytest.mark.parametrize("selector", [RFE, RFECV, SelectFromModel])
@pytest.mark.parametrize("kind", [RandomFeatureRidge, RandomFeatureRidgeClassifier])
def test_selectors_that_read_coefficients_refuse(kind, selector, width, data):
    X, y = data
    y = y if kind is RandomFeatureRidge else y > 2
    model = kind(RandomReLUFeatures(width), alphas=1e-3, random_state=0)
    with pytest.raises((ValueError, AttributeError), match=r"importance|coef_"):
        selector(model).fit(X, y).get_support()
    model.fit(X, y)
    assert not {"coef_", "intercept_", "feature_importances_"} & set(dir(model))


def test_selectors_that_refit_find_the_column(data):
    X, y = data
    model = RandomFeatureRidge(RandomReLUFeatures(50), alphas=1e-3, random_state=0)
    importance = permutation_importance(model.fit(X, y), X, y, random_state=0)
    assert importance.importances_mean.argmax() == 2
    selector = SequentialFeatureSelector(model, n_features_to_select=1, cv=3).fit(X, y)
    np.testing.assert_array_equal(np.flatnonzero(selector.get_support()), [2])
