"""Used as other estimators are: pipelines, searches, clones, joblib, memory maps."""

import joblib
import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import Ridge, RidgeClassifier
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skrf import (
    LinearizedNTKFeatures,
    OverparamNetClassifier,
    OverparamNetRegressor,
    RandomFeatureRidge,
    RandomReLUFeatures,
)

# Every way of learning with the score it must reach on held-out digits.
DIGITS = {
    "random features": (
        make_pipeline(RandomReLUFeatures(600, random_state=0), RidgeClassifier(1e-2)),
        0.94,
    ),
    "linearised": (
        make_pipeline(LinearizedNTKFeatures(20, random_state=0), RidgeClassifier(1.0)),
        0.92,
    ),
    "network": (
        OverparamNetClassifier(100, max_iter=10, tol=None, random_state=0),
        0.94,
    ),
}


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X.astype(np.float32), y


@pytest.mark.parametrize("name", DIGITS)
def test_ways_of_learning_on_digits(name, digits):
    parts = train_test_split(*digits, train_size=1200, random_state=0)
    X_train, X_test, y_train, y_test = parts
    model, score = DIGITS[name]
    model = make_pipeline(StandardScaler(), clone(model)).fit(X_train, y_train)
    assert model.score(X_test, y_test) > score


@pytest.mark.parametrize("name", DIGITS)
def test_grid_search_over_width_with_two_workers(name, digits):
    X, y = digits
    model, _ = DIGITS[name]
    prefix = "" if name == "network" else f"{model.steps[0][0]}__"
    grid = {f"{prefix}width": [4, 30]}
    search = GridSearchCV(clone(model), grid, n_jobs=2, cv=2, error_score="raise")
    search.fit(X[:500] / 16, y[:500])
    assert search.best_params_ == {f"{prefix}width": 30}
    serial = GridSearchCV(clone(model), grid, cv=2).fit(X[:500] / 16, y[:500])
    np.testing.assert_array_equal(
        search.cv_results_["mean_test_score"], serial.cv_results_["mean_test_score"]
    )


def test_cross_validation_of_a_regressor():
    X, y = load_diabetes(return_X_y=True)
    X, y = X / X.std(axis=0), (y - y.mean()) / y.std()
    net = OverparamNetRegressor(50, max_iter=20, tol=None, alpha=0.05, random_state=0)
    assert cross_val_score(net, X, y, cv=3).mean() > 0.4


def test_a_deeper_random_network():
    """With scalers; without the second one a score of 0.02 is reached, and no more."""
    X, y = load_diabetes(return_X_y=True)
    first, second = (RandomReLUFeatures(500, random_state=k) for k in (0, 1))
    model = make_pipeline(StandardScaler(), first, StandardScaler(), second, Ridge())
    assert cross_val_score(model, X, y, cv=3).mean() > 0.4


def test_breast_cancer_with_labels_as_strings():
    X, y = load_breast_cancer(return_X_y=True)
    labels = np.array(["malignant", "benign"], dtype=object)[y]
    net = OverparamNetClassifier(50, max_iter=20, tol=None, random_state=0)
    model = make_pipeline(StandardScaler(), net).fit(X[:400], labels[:400])
    assert model.score(X[400:], labels[400:]) > 0.95
    assert set(model.predict(X)) == {"malignant", "benign"}


@pytest.mark.parametrize("name", DIGITS)
def test_joblib_round_trip(name, digits, tmp_path):
    X, y = digits
    model = clone(DIGITS[name][0]).fit(X[:300], y[:300])
    joblib.dump(model, tmp_path / "model.joblib")
    for mode in (None, "r"):
        again = joblib.load(tmp_path / "model.joblib", mmap_mode=mode)
        np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_stream_goes_on_from_a_read_only_memory_map(digits, tmp_path):
    X, y = digits
    net = OverparamNetClassifier(30, momentum=0.5, random_state=0)
    net.partial_fit(X[:300], y[:300], classes=range(10))
    joblib.dump(net, tmp_path / "net.joblib")
    again = joblib.load(tmp_path / "net.joblib", mmap_mode="r")
    assert not again.hidden_weights_.flags.writeable
    net.partial_fit(X[300:600], y[300:600])
    again.partial_fit(X[300:600], y[300:600])
    np.testing.assert_array_equal(again.hidden_weights_, net.hidden_weights_)


@pytest.mark.parametrize("name", DIGITS)
def test_training_on_a_read_only_memory_map(name, digits, tmp_path):
    X, y = digits
    np.save(tmp_path / "X.npy", X[:300])
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    one = clone(DIGITS[name][0]).fit(mapped, y[:300])
    other = clone(DIGITS[name][0]).fit(X[:300], y[:300])
    np.testing.assert_array_equal(one.predict(X), other.predict(X))


def test_sample_weight_is_routed_through_a_pipeline(digits):
    X, y = digits
    X, y = X[:200], (y[:200] > 4).astype(int)
    weight = np.where(y == 1, 1.0, 0.0)
    weight[np.flatnonzero(y == 0)[0]] = 1e-3
    with config_context(enable_metadata_routing=True):
        net = OverparamNetClassifier(20, max_iter=5, tol=None, random_state=0)
        net.set_fit_request(sample_weight=True)
        model = make_pipeline(RandomReLUFeatures(50, random_state=0), net)
        weighted = model.fit(X, y, sample_weight=weight).predict(X)
    assert (weighted == 1).all()


def test_feature_names_reach_the_end_of_a_pipeline():
    pandas = pytest.importorskip("pandas")
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    model = make_pipeline(StandardScaler(), RandomReLUFeatures(5, random_state=0), Ridge())
    model.set_output(transform="pandas").fit(X, y)
    assert isinstance(model[:-1].transform(X), pandas.DataFrame)
    assert model[-1].feature_names_in_.tolist() == [
        f"randomrelufeatures{i}" for i in range(5)
    ]


def test_a_failing_refit_of_bad_data_keeps_the_fit(digits):
    X, y = digits
    net = OverparamNetClassifier(20, max_iter=2, tol=None, random_state=0)
    before = net.fit(X[:100], y[:100]).predict(X)
    with pytest.raises(ValueError, match="NaN"):
        net.fit(np.full((4, 64), np.nan), [0, 1, 0, 1])
    np.testing.assert_array_equal(net.predict(X), before)


COLOURS = [["red"], ["green"], ["blue"]] * 10
TEXTS = ["one two", "two three", "three one"] * 10
ENCODED = {
    "objects": (OneHotEncoder(), np.array(COLOURS, dtype=object)),
    "strings": (OneHotEncoder(), np.array(COLOURS)),
    "lists": (OneHotEncoder(), COLOURS),
    "pipeline": (make_pipeline(OneHotEncoder(), RandomReLUFeatures(20)), COLOURS),
    "columns": (
        make_column_transformer((OneHotEncoder(), [0]), remainder="passthrough"),
        [["red", 1.0], ["green", 2.5], ["blue", 0.5]] * 10,
    ),
    "texts": (TfidfVectorizer(), TEXTS),
    "hashed": (HashingVectorizer(n_features=32), TEXTS),
    "dicts": (DictVectorizer(), [{"a": 1}, {"a": 2, "b": 1}, {"b": 3}] * 10),
}


@pytest.mark.parametrize("solver", ["primal", "dual", "cg"])
@pytest.mark.parametrize("name", ENCODED)
def test_ridge_hands_what_is_no_number_to_its_features(name, solver):
    features, X = ENCODED[name]
    y = np.arange(30) % 3
    model = RandomFeatureRidge(features, alphas=1e-3, solver=solver, random_state=0)
    predicted = model.fit(X, y).predict(X)
    Z = model.features_.transform(X)
    Z = (Z.toarray() if hasattr(Z, "toarray") else Z).astype(np.float64)
    np.testing.assert_allclose(predicted, Ridge(1e-3).fit(Z, y).predict(Z), rtol=1e-5)


def test_ridge_counts_the_columns_of_text():
    model = RandomFeatureRidge(OneHotEncoder()).fit(COLOURS, np.arange(30) % 3)
    with pytest.raises(ValueError, match="X has 2 features"):
        model.predict([["red", "red"]])


def test_ridge_streams_texts_and_searches_folds_of_them():
    y = np.arange(30) % 3
    features = HashingVectorizer(n_features=32)
    stream = RandomFeatureRidge(features, alphas=1.0).partial_fit(TEXTS[:15], y[:15])
    model = RandomFeatureRidge(features, alphas=1.0).fit(TEXTS, y)
    stream.partial_fit(TEXTS[15:], y[15:])
    np.testing.assert_allclose(stream.predict(TEXTS), model.predict(TEXTS))
    search = RandomFeatureRidge(TfidfVectorizer(), alphas=[1e-3, 1.0], cv=3)
    assert search.fit(TEXTS, y).alpha_ == 1e-3
