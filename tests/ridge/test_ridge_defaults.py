"""alphas="auto": the penalty is right for features of any scale, by every solver."""

import numpy as np
import pytest
from scipy.linalg import LinAlgWarning
from sklearn.base import clone
from sklearn.datasets import load_diabetes, make_friedman1
from sklearn.kernel_approximation import Nystroem, RBFSampler
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import KFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skrf import (
    LinearizedNTKFeatures,
    RandomFeatureRidge,
    RandomFeatureRidgeClassifier,
    RandomReLUFeatures,
)
from skrf.ridge._penalties import GRID


@pytest.fixture(scope="module")
def data():
    return make_friedman1(150, noise=0.5, random_state=0)


def test_the_grid_has_ten_decades():
    assert GRID[-1] / GRID[0] >= 1e10 * (1 - 1e-9)
    assert np.max(GRID[1:] / GRID[:-1]) <= 3.2


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weighted", [False, True])
def test_penalties_are_those_of_the_formula(fit_intercept, weighted, data):
    X, y = data
    rng = np.random.default_rng(0)
    w = rng.integers(0, 4, len(X)).astype(float) if weighted else np.ones(len(X))
    features = RandomReLUFeatures(40, random_state=0)
    Z = features.fit_transform(X)
    Z = Z - np.average(Z, axis=0, weights=w) * fit_intercept
    mean = np.trace(Z.T @ (w[:, np.newaxis] * Z)) / 40
    model = RandomFeatureRidge(features, fit_intercept=fit_intercept)
    fits = [
        clone(model).set_params(solver=solver, cv=cv).fit(X, y, w)
        for cv in (None, 3)
        for solver in ("primal", "dual")
    ]
    fits.append(clone(model).partial_fit(X[:50], y[:50], w[:50]))
    fits[-1].partial_fit(X[50:], y[50:], w[50:])
    for one in fits:
        assert one.alphas_[0] <= mean * 1e-6 * (1 + 1e-9)
        assert np.abs(np.log(one.alphas_ / mean) - np.log(GRID[0])).min() < 1e-9
        assert one.alpha_ in one.alphas_
    assert fits[0].alpha_ == pytest.approx(fits[1].alpha_, rel=1e-9)
    np.testing.assert_allclose(fits[0].predict(X), fits[1].predict(X), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "features",
    [
        RandomReLUFeatures(30, random_state=0),
        RBFSampler(n_components=60, random_state=0),
        Nystroem(n_components=40, random_state=0),
        FunctionTransformer(),
        LinearizedNTKFeatures(10, random_state=0),
    ],
)
@pytest.mark.parametrize("solver", ["primal", "dual", "cg"])
def test_fits_do_not_depend_on_the_scale_of_features(features, solver, data):
    X, y = data
    predictions = []
    for scale in (1.0, 1e-5, 1e6):
        steps = make_pipeline(clone(features), FunctionTransformer(Times(scale)))
        model = RandomFeatureRidge(steps, solver=solver, random_state=0).fit(X, y)
        predictions.append(model.predict(X))
    for other in predictions[1:]:
        np.testing.assert_allclose(other, predictions[0], rtol=1e-4, atol=1e-4)


class Times:
    """Multiplication by a number."""

    def __init__(self, scale):
        self.scale = scale

    def __call__(self, X):
        return X * self.scale


@pytest.mark.parametrize("width", [50, 400])
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("load", [load_diabetes, None])
def test_default_is_near_the_best_of_a_long_sequence(load, scaled, width, data):
    X, y = data if load is None else load(return_X_y=True)
    X = X * 100 if not scaled else StandardScaler().fit_transform(X)
    features, folds = RandomReLUFeatures(width), KFold(5, shuffle=True, random_state=0)
    models = (
        RandomFeatureRidge(features, random_state=0),
        RandomFeatureRidge(features, alphas=np.logspace(-9, 9, 37), random_state=0),
    )
    default, sequence = (cross_val_score(m, X, y, cv=folds).mean() for m in models)
    assert default > sequence - 0.03


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("solver", ["primal", "dual"])
def test_noise_is_fitted_by_the_mean_without_a_warning(solver):
    n_means = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        X, y = rng.normal(size=(60, 3)), rng.normal(size=60) + 5
        model = RandomFeatureRidge(RandomReLUFeatures(30), solver=solver, random_state=0)
        model.fit(X, y)
        if model.alpha_ == model.alphas_[-1]:
            n_means += 1
            assert model.alpha_ > 1e11 * model.alphas_[0]
            np.testing.assert_allclose(model.predict(X), y.mean(), rtol=1e-5)
    assert n_means


@pytest.mark.parametrize("solver", ["primal", "dual", "cg"])
@pytest.mark.parametrize("constant", [0.0, 0.1, 1e8])
def test_constant_features_give_the_mean(constant, solver):
    X, y = np.full((40, 3), constant), np.random.default_rng(0).normal(size=40)
    model = RandomFeatureRidge(FunctionTransformer(), solver=solver, random_state=0)
    np.testing.assert_allclose(model.fit(X, y).predict(X), y.mean(), rtol=1e-6)
    if solver == "primal":
        stream = clone(model).partial_fit(X[:20], y[:20]).partial_fit(X[20:], y[20:])
        np.testing.assert_allclose(stream.predict(X), y.mean(), rtol=1e-6)


@pytest.mark.parametrize("solver", ["primal", "dual"])
def test_small_penalties_are_compared_where_the_grid_ends_too_early(solver):
    """The column that matters is 10^4 times smaller than another one."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2)) * [1e4, 1.0]
    y = X[:, 1] + 0.1 * rng.normal(size=200)
    model = RandomFeatureRidge(FunctionTransformer(), solver=solver).fit(X, y)
    assert len(model.alphas_) > len(GRID)
    assert model.alpha_ < model.alphas_[-len(GRID)]
    assert np.corrcoef(model.predict(X), y)[0, 1] > 0.99


def test_the_lower_end_warns():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 3)) * [1, 1e-3, 1e-6]
    with pytest.warns(LinAlgWarning, match="smallest penalty that rounding allows"):
        RandomFeatureRidge(FunctionTransformer(), solver="primal").fit(X, X.sum(axis=1))


def test_select_width_starts_from_the_full_width(data):
    X, y = data
    model = RandomFeatureRidge(RandomReLUFeatures(60), select_width=True, random_state=0)
    path = model.fit(X, y).width_path(X, y)
    full = RandomFeatureRidge(RandomReLUFeatures(60), solver="primal", random_state=0)
    np.testing.assert_allclose(path.alphas[:, -1], full.fit(X, y).alphas_[: len(GRID)])
    k, width = path.best
    assert len(model.features_.biases_) == width
    assert model.alpha_ == path.alphas[k, width - 1]
    assert model.best_score_ == pytest.approx(-path.leave_one_out_errors.min())


def test_classifier_of_any_scale():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3))
    y = np.where(X[:, 0] * X[:, 1] > 0, "a", "b")
    scores = []
    for scale in (1e-4, 1.0, 1e4):
        features = make_pipeline(RandomReLUFeatures(50), FunctionTransformer(Times(scale)))
        model = RandomFeatureRidgeClassifier(features, random_state=0).fit(X, y)
        scores.append(model.best_score_)
    assert scores[0] == scores[1] == scores[2] > 0.85


@pytest.mark.parametrize("Model", [RandomFeatureRidge, RandomFeatureRidgeClassifier])
def test_cg_takes_the_penalty_of_a_sample(Model, data, monkeypatch, capsys):
    X, y = data
    y = y if Model is RandomFeatureRidge else y > y.mean()
    monkeypatch.setattr("skrf.ridge._sample.MOST_ROWS", 60)
    model = Model(RandomReLUFeatures(30), solver="cg", random_state=0, verbose=True)
    one, two = (clone(model).fit(X, y, np.full(len(X), 2.0)) for _ in range(2))
    assert "penalty of a sample of 60 rows" in capsys.readouterr().out
    assert one.alpha_ == two.alpha_ in one.alphas_
    Z = one.features_.transform(X)
    mean = 2.0 * np.sum((Z - Z.mean(axis=0)) ** 2) / Z.shape[1]
    assert 0.5 < one.alphas_[0] / (mean * GRID[0]) < 2


def test_less_memory_than_the_comparison_needs(data, monkeypatch):
    X, y = data
    model = RandomFeatureRidge(RandomReLUFeatures(400), random_state=0)
    monkeypatch.setattr("skrf.ridge._sample.MOST_ROWS", 60)
    for module in ("ridge._memory", "ridge._solver_choice", "_utils.memory"):
        monkeypatch.setattr(f"skrf.{module}.available_memory", lambda: 1_950_000)
    with pytest.raises(MemoryError):
        clone(model).set_params(alphas=[0.1, 1.0]).fit(X, y)
    model.fit(X, y)
    assert model.alpha_ in model.alphas_
    assert model.score(X, y) > 0.8


def test_the_penalty_is_that_of_ridge_cv(data):
    X, y = data
    model = RandomFeatureRidge(RandomReLUFeatures(30), random_state=0).fit(X, y)
    peer = RidgeCV(model.alphas_).fit(model.features_.transform(X), y)
    assert model.alpha_ == pytest.approx(peer.alpha_)
    assert model.best_score_ == pytest.approx(peer.best_score_, rel=1e-6)


@pytest.mark.parametrize("alpha_per_target", [False, True])
@pytest.mark.parametrize("width", [40, 300])
def test_streams_in_little_memory(width, alpha_per_target, data, monkeypatch):
    X, y = data
    Y = np.column_stack([y, X[:, 0] + np.random.default_rng(0).normal(size=len(X))])
    model = RandomFeatureRidge(RandomReLUFeatures(width), random_state=0)
    model.set_params(alpha_per_target=alpha_per_target)
    enough = clone(model).partial_fit(X, Y)
    expected, scores = enough.predict(X), enough.scores_
    memory = 8 * (2 * width**2 + len(X) * width) + 1000
    for module in ("ridge._memory", "ridge._generalised_cv", "_utils.memory"):
        monkeypatch.setattr(f"skrf.{module}.available_memory", lambda: memory)
    with pytest.raises(MemoryError):
        clone(model).set_params(alphas=[0.1, 1.0]).partial_fit(X, Y)
    model.partial_fit(X, Y)
    np.testing.assert_allclose(model.scores_[8:], scores[8:], rtol=1e-4)
    np.testing.assert_allclose(model.alpha_, enough.alpha_)
    np.testing.assert_allclose(model.predict(X), expected, rtol=1e-5, atol=1e-5)
