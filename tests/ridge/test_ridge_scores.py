"""Scores by `scoring`, results of rows left out, and a penalty for every output."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris, load_wine, make_friedman1
from sklearn.linear_model import Ridge, RidgeClassifier, RidgeClassifierCV, RidgeCV
from sklearn.metrics import get_scorer, make_scorer
from sklearn.model_selection import KFold, ShuffleSplit, cross_val_predict, cross_val_score
from sklearn.preprocessing import StandardScaler

from skrf import RandomFeatureRidge, RandomFeatureRidgeClassifier, RandomReLUFeatures

ALPHAS = np.logspace(-3, 1, 5)
SOLVERS = ["primal", "dual"]


@pytest.fixture(scope="module")
def data():
    X, y = make_friedman1(80, noise=0.5, random_state=0)
    rng = np.random.default_rng(0)
    return X, np.column_stack([y, rng.normal(size=80)]), rng.integers(0, 3, 80) * 1.0


def both(alphas=ALPHAS, **options):
    features = RandomReLUFeatures(30, random_state=0)
    return RandomFeatureRidge(features, alphas=alphas, **options), features


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("scoring", [None, "r2", "neg_mean_absolute_error"])
@pytest.mark.parametrize(
    ("alpha_per_target", "columns"),
    [(False, slice(None)), (True, slice(None)), (False, 0), (True, [0])],
)
def test_regressor_is_ridge_cv(solver, scoring, alpha_per_target, columns, data):
    X, Y, _ = data
    y = Y[:, columns]
    options = {"scoring": scoring, "alpha_per_target": alpha_per_target}
    model, features = both(solver=solver, store_cv_results=True, **options)
    Z = features.fit_transform(X)
    peer = RidgeCV(ALPHAS, store_cv_results=True, gcv_mode="svd", **options).fit(Z, y)
    model.fit(X, y)
    np.testing.assert_array_equal(model.alpha_, peer.alpha_)
    np.testing.assert_allclose(model.best_score_, peer.best_score_, rtol=1e-8)
    np.testing.assert_allclose(model.cv_results_, peer.cv_results_, rtol=1e-6, atol=1e-9)
    predictions = model.predict(X).reshape(peer.predict(Z).shape)
    np.testing.assert_allclose(predictions, peer.predict(Z), rtol=1e-7)
    several = alpha_per_target and y.ndim == 2
    assert model.scores_.shape == ((5, y.shape[1]) if several else (5,))


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("cv", [None, KFold(4)])
def test_predictions_are_those_of_refits(solver, cv, data):
    X, Y, w = data
    w = np.where(np.arange(80) % 4 == 1, 0.0, w + 1)
    model, features = both(solver=solver, cv=cv, store_cv_results=True)
    model.fit(X, Y, w)
    Z, pairs = features.fit_transform(X), KFold(80 if cv is None else 4).split(X)
    expected = np.empty(Y.shape)
    for train, test in pairs:
        peer = Ridge(model.alpha_, solver="svd").fit(Z[train], Y[train], w[train])
        expected[test] = peer.predict(Z[test])
    np.testing.assert_allclose(model.cv_predictions_, expected, rtol=1e-6, atol=1e-8)
    k = np.flatnonzero(model.alphas_ == model.alpha_)[0]
    squares = (Y - expected) ** 2
    np.testing.assert_allclose(model.cv_results_[:, :, k], squares, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("scoring", ["r2", "neg_max_error"])
@pytest.mark.parametrize("alpha_per_target", [False, True])
def test_scores_of_folds(solver, scoring, alpha_per_target, data):
    X, Y, _ = data
    if scoring == "neg_max_error" and not alpha_per_target:
        Y = Y[:, 0]
    model, features = both(solver=solver, cv=KFold(4), scoring=scoring)
    model.set_params(alpha_per_target=alpha_per_target).fit(X, Y)
    Z = features.fit_transform(X)
    for k, alpha in enumerate(ALPHAS):
        for j, y in enumerate(Y.T if alpha_per_target else [Y]):
            scores = cross_val_score(Ridge(alpha), Z, y, cv=KFold(4), scoring=scoring)
            found = model.scores_[k, j] if alpha_per_target else model.scores_[k]
            assert found == pytest.approx(scores.mean())
    if alpha_per_target:
        for j, alpha in enumerate(model.alpha_):
            peer = Ridge(alpha).fit(Z, Y[:, j])
            np.testing.assert_allclose(model.predict(X)[:, j], peer.predict(Z), rtol=1e-7)


def test_rows_of_no_fold_and_of_several(data):
    X, Y, _ = data
    cv = ShuffleSplit(3, test_size=10, random_state=0)
    model, _ = both(cv=cv, store_cv_results=True)
    model.fit(X, Y[:, 0])
    tested = np.unique(np.concatenate([test for _, test in cv.split(X)]))
    missing = np.setdiff1d(np.arange(80), tested)
    assert np.isnan(model.cv_results_[missing]).all()
    assert np.isfinite(model.cv_results_[tested]).all()


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("scoring", ["f1_macro", "neg_log_loss", None])
def test_classifier_scores(solver, scoring):
    X, y = load_iris(return_X_y=True)
    names = np.array(["red", "blue", "green"])[y]
    features = RandomReLUFeatures(30, random_state=0)
    model = RandomFeatureRidgeClassifier(
        features, alphas=ALPHAS, solver=solver, scoring=scoring, store_cv_results=True
    ).fit(X, names)
    Z = features.fit_transform(X)
    peer = RidgeClassifierCV(ALPHAS, scoring="accuracy", store_cv_results=True)
    peer.fit(Z, names)
    np.testing.assert_allclose(model.cv_results_, peer.cv_results_, rtol=1e-6, atol=1e-8)
    if scoring != "neg_log_loss":
        scorer = get_scorer(scoring or "accuracy")
        for k, score in enumerate(model.scores_):
            labels = model.classes_[model.cv_results_[:, :, k].argmax(axis=1)]
            assert score == pytest.approx(scorer(Fixed(labels), X, names))
    else:
        assert np.log(1 / 3) < model.best_score_ < 0
    assert model.best_score_ == model.scores_.max()


class Fixed:
    """A classifier of fixed predictions."""

    _estimator_type = "classifier"

    def __init__(self, labels):
        self.labels, self.classes_ = labels, np.unique(labels)

    def predict(self, X):
        return self.labels

    def __sklearn_tags__(self):
        return RidgeClassifier().__sklearn_tags__()


@pytest.mark.parametrize("cv", [None, 3])
def test_scorers_get_the_sample_weights(cv, data):
    X, Y, _ = data
    y, w = Y[:, 0], np.random.default_rng(1).uniform(0.5, 2, 80)
    w[::5] = 0.0
    seen = []

    def score(y_true, y_pred, sample_weight=None):
        seen.append(sample_weight)
        return -np.average((y_true - y_pred) ** 2, weights=sample_weight)

    plain, _ = both(cv=cv)
    model = clone(plain).set_params(scoring=make_scorer(score)).fit(X, y, w)
    np.testing.assert_allclose(model.scores_, plain.fit(X, y, w).scores_, rtol=1e-9)
    assert all((weights > 0).all() for weights in seen)
    seen.clear()
    clone(model).fit(X, y)
    assert all(weights is None for weights in seen)


def test_leave_one_out_predictions_are_those_of_scikit_learn():
    X, y = load_wine(return_X_y=True)
    X = StandardScaler().fit_transform(X)[::3]
    y = y[::3]
    features = RandomReLUFeatures(20, random_state=0)
    model = RandomFeatureRidgeClassifier(features, store_cv_results=True).fit(X, y)
    expected = cross_val_predict(
        RidgeClassifier(model.alpha_), features.fit_transform(X), y, cv=KFold(len(X)),
        method="decision_function",
    )  # fmt: skip
    np.testing.assert_allclose(model.cv_predictions_, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", ["scoring", "store_cv_results"])
def test_streams_say_why_they_have_no_rows(name):
    value = {"scoring": "r2", "store_cv_results": True}[name]
    model = RandomFeatureRidge(RandomReLUFeatures(5), **{name: value})
    with pytest.raises(AttributeError, match=f"`{name}` must be .* keeps no rows"):
        _ = model.partial_fit


@pytest.mark.parametrize("options", [{"solver": "cg"}, {"select_width": True}])
@pytest.mark.parametrize("name", ["scoring", "store_cv_results", "alpha_per_target"])
def test_parameters_that_need_errors_of_rows(name, options, data):
    X, Y, _ = data
    value = "r2" if name == "scoring" else True
    with pytest.raises(ValueError, match=f"`{name}` must be"):
        RandomFeatureRidge(**{name: value}, **options).fit(X, Y)


def test_results_are_only_there_where_they_were_kept(data):
    X, Y, _ = data
    model, _ = both()
    with pytest.raises(AttributeError, match="`store_cv_results` must be True"):
        _ = model.fit(X, Y).cv_results_
    assert not hasattr(model, "cv_predictions_")


def test_a_penalty_for_every_output_of_a_stream(data):
    X, Y, _ = data
    model, _ = both(alphas="auto", alpha_per_target=True)
    model.partial_fit(X[:30], Y[:30]).partial_fit(X[30:], Y[30:])
    assert model.alpha_.shape == model.best_score_.shape == (2,)
    for j in range(2):
        one, _ = both(alphas="auto")
        one.partial_fit(X, Y[:, j])
        assert model.alpha_[j] == pytest.approx(one.alpha_)
        np.testing.assert_allclose(model.predict(X)[:, j], one.predict(X), rtol=1e-7)
