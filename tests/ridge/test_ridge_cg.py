"""Conjugate gradients are right, or say that they are not."""

import warnings

import numpy as np
import pytest
import reference
from scipy.linalg import LinAlgWarning
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from skrf import (
    LinearizedNTKFeatures,
    RandomFeatureRidge,
    RandomReLUFeatures,
)


@pytest.fixture
def data(rng):
    X = rng.standard_normal((60, 3))
    return X, X @ [1.0, 2.0, 3.0] + 0.1 * rng.standard_normal(60)


@pytest.mark.parametrize("alpha", [1e-7, 1e-6, 1e-5])
def test_conjugate_gradients_on_more_rows_than_features(alpha, rng):
    """What rounding leaves along the constant is multiplied by 1 / alpha."""
    X = rng.normal(size=(600, 3))
    y = np.sin(X[:, 0]) + X[:, 1]
    features = RandomReLUFeatures(100, random_state=0).fit(X)
    Z = features.transform(X)
    U, s, Vt = np.linalg.svd(Z - Z.mean(axis=0), full_matrices=False)
    right = Vt.T @ (s / (s**2 + alpha) * (U.T @ (y - y.mean())))
    model = RandomFeatureRidge(features, alphas=alpha, solver="cg", random_state=0)
    assert reference.relative_error(model.fit(X, y).output_weights_, right) < 1e-6


def test_conjugate_gradients_on_any_scale_of_y(data):
    X, y = data
    features = RandomReLUFeatures(20, random_state=0)
    base = RandomFeatureRidge(features, solver="cg", alphas=1.0).fit(X, y).output_weights_
    for scale in (1e-200, 1e150):
        coef = (
            RandomFeatureRidge(features, solver="cg", alphas=1.0)
            .fit(X, scale * y)
            .output_weights_
        )
        np.testing.assert_allclose(coef / scale, base, rtol=1e-6)


@pytest.mark.parametrize("alpha", [1e-8, 1e-10, 1e-12])
@pytest.mark.parametrize("Features", [RandomReLUFeatures, LinearizedNTKFeatures])
def test_conjugate_gradients_are_right_or_warn_for_tiny_penalties(Features, alpha, rng):
    """Also where rounding makes the bound of their error negative."""
    X = rng.standard_normal((300, 20))
    y = np.sin(X[:, 0]) + 0.1 * rng.standard_normal(300)
    model = RandomFeatureRidge(Features(500), alphas=alpha, random_state=0, solver="cg")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y)
    exact = clone(model).set_params(solver="dual").fit(X, y)
    error = reference.relative_error(model.output_weights_, exact.output_weights_)
    assert error < 1e-6 or LinAlgWarning in [w.category for w in caught]


def test_conjugate_gradients_give_up_on_small_problems_soon(data):
    X, y = data
    # K has nothing but rounding in it, whose relative error stays large.
    features = RandomReLUFeatures(45, weight_scale=1e-150, random_state=0)
    model = RandomFeatureRidge(features, alphas=1e-8, solver="cg")
    with pytest.warns(ConvergenceWarning, match="Use a larger alpha"):
        model.fit(X, y)
    assert model.n_iter_ <= 2 * (100 + 2 * len(y))
    assert np.isfinite(model.predict(X)).all()


@pytest.mark.parametrize("seed", range(8))
def test_conjugate_gradients_on_features_whose_squares_may_overflow(seed):
    """For seed 3 those of the preconditioner did, in an error of LAPACK's wrapper."""
    X = np.linspace(-1, 1, 9)[:, np.newaxis]
    features = RandomReLUFeatures(62, bias_scale=1e150, random_state=seed)
    model = RandomFeatureRidge(features, solver="cg", random_state=0)
    predicted, message = np.zeros(1), ""
    try:
        predicted = model.fit(X, np.cos(3 * X[:, 0])).predict(X)
    except ValueError as error:
        message = str(error)
    assert np.isfinite(predicted).all()
    assert not message or ("overflow float64" in message and "Scale" in message)
