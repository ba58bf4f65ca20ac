"""Ridge where weights and penalties are extreme: to the digits claimed, or warned of."""

import warnings

import mpmath
import numpy as np
import pytest
from scipy.linalg import LinAlgWarning
from sklearn.base import clone
from sklearn.preprocessing import FunctionTransformer

from skrf import RandomFeatureRidge, RandomReLUFeatures


@pytest.mark.parametrize("scale", [1e5, 1e7])
def test_a_light_row_far_away_loses_no_digits(scale):
    """Of the sums about a mean that it would shift; also as a chunk of its own."""
    rng = np.random.default_rng(0)
    X, w = rng.standard_normal((50, 4)), np.ones(50)
    y = X.sum(axis=1) + 0.1 * rng.standard_normal(50)
    X[0] *= scale
    w[0] = scale**-2
    X = np.c_[X, X[:, 0] + 1e-3 * rng.standard_normal(50)]
    model = RandomFeatureRidge(FunctionTransformer(), alphas=1e-5, solver="primal")
    expected = clone(model).set_params(solver="dual").fit(X, y, w).output_weights_
    stream = clone(model)
    for rows in (slice(1), slice(1, 30), slice(30, 50)):
        stream.partial_fit(X[rows], y[rows], w[rows])
    for fitted in (model.fit(X, y, w), clone(model).fit(X[::-1], y[::-1], w[::-1]), stream):
        np.testing.assert_allclose(fitted.output_weights_, expected, rtol=1e-6)


@pytest.mark.parametrize("heavy", [0, 7])
def test_a_heavy_row_loses_no_digits(heavy, rng):
    X, w = rng.standard_normal((50, 4)), np.ones(50)
    y = X.sum(axis=1) + 0.1 * rng.standard_normal(50)
    w[heavy] = 1e12
    found = (
        RandomFeatureRidge(FunctionTransformer(), alphas=1.0).fit(X, y, w).output_weights_
    )
    # The mean is that row, to 1e-12.
    others = np.delete(np.arange(50), heavy)
    Z, t = X[others] - X[heavy], y[others] - y[heavy]
    expected = np.linalg.solve(Z.T @ Z + np.eye(4), Z.T @ t)
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("width", [10, 60])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_generalised_cross_validation_to_all_digits(width, fit_intercept):
    """Against 50-digit arithmetic, with more features than rows and with fewer."""
    rng = np.random.default_rng(0)
    X, alphas = rng.standard_normal((20, 6)), np.array([1e-10, 2e-9, 1e-6, 1e-2, 1.0])
    y = X[:, 0] + rng.standard_normal(20)
    features = RandomReLUFeatures(width)
    model = RandomFeatureRidge(
        features, alphas=alphas, fit_intercept=fit_intercept, random_state=0
    ).partial_fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LinAlgWarning)
        found = -model.scores_
    with mpmath.workdps(50):
        Z, t = mpmath.matrix(model.features_.transform(X)), mpmath.matrix(y)
        if fit_intercept:
            centre = mpmath.eye(20) - mpmath.ones(20) / 20
            Z, t = centre * Z, centre * t
        values, vectors = mpmath.eigsy(Z * Z.T)
        parts = vectors.T * t
        for alpha, error in zip(alphas, found, strict=True):
            kept = [alpha / (value + alpha) for value in values]
            squares = [(k * part) ** 2 for k, part in zip(kept, parts, strict=True)]
            left = (mpmath.fsum(kept) - fit_intercept) / 20
            expected = float(mpmath.fsum(squares) / 20 / left**2)
            assert error == pytest.approx(expected, rel=1e-9)


def test_generalised_cross_validation_warns_where_it_is_rounding(rng):
    """Every row and target twice: no residual is left but rounding."""
    X = np.repeat(rng.standard_normal((20, 6)), 2, axis=0)
    model = RandomFeatureRidge(RandomReLUFeatures(60), alphas=[1e-9, 2e-9], random_state=0)
    model.partial_fit(X, X[:, 0])
    with pytest.warns(LinAlgWarning, match="the errors for alpha=1e-09"):
        assert np.isfinite(model.scores_).all()


def test_leave_one_out_of_a_heavy_row_is_right_or_warned_of(rng):
    Z, y, w = rng.standard_normal((9, 12)), rng.standard_normal(9), np.ones(9)
    model = RandomFeatureRidge(FunctionTransformer(), alphas=[1e-2], solver="dual")
    for weight in (1e2, 1e4, 1e6, 3e7):
        w[3] = weight
        exact = clone(model).set_params(solver="primal").fit(Z, y, w).best_score_
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = clone(model).fit(Z, y, w).best_score_
        warned = any(issubclass(warning.category, LinAlgWarning) for warning in caught)
        assert warned or found == pytest.approx(exact, rel=1e-6)
        assert not warned or weight > 1e4


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("alpha", [1e-6, 1.0])
def test_constant_outputs_bring_no_warning(dtype, alpha, rng):
    X = rng.standard_normal((2000, 8)).astype(dtype)
    Y = np.stack([X[:, 0].astype(float), np.ones(2000), np.full(2000, 0.1)], axis=1)
    for shift, features in ((1000, FunctionTransformer()), (0, RandomReLUFeatures(100))):
        model = RandomFeatureRidge(features, alphas=alpha, solver="primal", random_state=0)
        predictions = model.fit(X + dtype(shift), Y).predict(X + dtype(shift))
        np.testing.assert_allclose(predictions[:, 1:], Y[:, 1:], rtol=1e-6)
        assert not model.output_weights_[1:].any()
