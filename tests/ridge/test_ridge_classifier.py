"""The ridge classifier: probabilities, several labels for a row, class weights."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import (
    load_breast_cancer,
    load_digits,
    load_iris,
    load_wine,
    make_multilabel_classification,
)
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skrf import RandomFeatureRidgeClassifier, RandomReLUFeatures
from skrf.ridge._temperature import Temperature

SOLVERS = ["primal", "dual", "cg"]


def classifier(width=40, **options):
    features = RandomReLUFeatures(width, random_state=0)
    return RandomFeatureRidgeClassifier(features, random_state=0, **options)


@pytest.fixture(scope="module")
def labels_of_rows():
    return make_multilabel_classification(120, 8, n_classes=4, random_state=0)


@pytest.mark.parametrize("load", [load_iris, load_breast_cancer])
@pytest.mark.parametrize(
    "options",
    [
        {"solver": "primal"},
        {"solver": "dual"},
        {"solver": "cg", "alphas": 1e-2},
        {"alphas": 0.1},
        {"cv": 3},
        {"cv": 3, "solver": "dual"},
        {"select_width": True},
        {"class_weight": "balanced"},
        {"scoring": "neg_log_loss"},
    ],
)
def test_probabilities(load, options):
    X, y = load(return_X_y=True)
    X, y = StandardScaler().fit_transform(X)[::3], y[::3]
    model = classifier(**options).fit(X, y)
    P = model.predict_proba(X)
    assert P.shape == (len(X), len(model.classes_))
    np.testing.assert_allclose(P.sum(axis=1), 1)
    np.testing.assert_array_equal(model.classes_[P.argmax(axis=1)], model.predict(X))
    np.testing.assert_allclose(np.exp(model.predict_log_proba(X)), P, atol=1e-12)
    assert log_loss(y, P) < 0.3


@pytest.mark.parametrize("solver", ["primal", "dual"])
@pytest.mark.parametrize("kept", [2**22, 0])
@pytest.mark.parametrize("class_weight", [None, {0: 3.0, 1: 1.0, 2: 0.5}])
def test_temperature_is_that_of_leave_one_out(solver, kept, class_weight, monkeypatch):
    monkeypatch.setattr("skrf.ridge._leave_one_out.MAX_STORED", max(kept, 1000))
    X, y = load_wine(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    w = np.random.default_rng(0).integers(0, 3, len(X)) * 1.0
    model = classifier(solver=solver, class_weight=class_weight).fit(X, y, w)
    rows = clone(model).set_params(store_cv_results=True).fit(X, y, w)
    Y = np.where(y[:, np.newaxis] == model.classes_, 1.0, -1.0)
    right = Temperature.fit(rows.cv_predictions_, Y, w)
    assert rows._values.temperature.beta == pytest.approx(right.beta, rel=1e-6)
    assert model._values.temperature.beta == pytest.approx(right.beta, rel=1e-6)


@pytest.mark.parametrize("solver", SOLVERS)
def test_several_labels_for_a_row(solver, labels_of_rows):
    X, Y = labels_of_rows
    model = classifier(solver=solver, alphas=0.1).fit(X, Y)
    peer = RidgeClassifier(0.1).fit(model.features_.transform(X), Y)
    np.testing.assert_array_equal(
        model.predict(X), peer.predict(model.features_.transform(X))
    )
    np.testing.assert_array_equal(model.classes_, np.arange(4))
    P = model.predict_proba(X)
    assert P.shape == Y.shape
    np.testing.assert_array_equal(P > 0.5, model.predict(X) == 1)
    assert (model._values.temperature.beta > 0).all()
    assert len(model._values.temperature.beta) == 4
    assert model.score(X, Y) == np.mean((model.predict(X) == Y).all(axis=1))


def test_several_labels_by_default_and_in_chunks(labels_of_rows):
    X, Y = labels_of_rows
    model = classifier().fit(X, Y)
    refit = clone(model).set_params(store_cv_results=True).fit(X, Y)
    assert model.best_score_ == np.mean(((refit.cv_predictions_ > 0) == Y).all(axis=1))
    stream = classifier(alphas=0.1).partial_fit(X[:50], Y[:50], classes=range(4))
    stream.partial_fit(X[50:], Y[50:])
    whole = classifier(alphas=0.1).fit(X, Y)
    np.testing.assert_array_equal(stream.predict(X), whole.predict(X))
    with pytest.raises(ValueError, match="`y` must have several labels for a row"):
        stream.partial_fit(X, Y[:, 0])
    with pytest.raises(ValueError, match="`class_weight` must be None for `y`"):
        classifier(class_weight="balanced").fit(X, Y)
    with pytest.raises(ValueError, match="`classes` must have one entry for each column"):
        classifier().partial_fit(X, Y, classes=range(3))


@pytest.mark.parametrize("options", [{}, {"solver": "dual"}, {"cv": 3}])
@pytest.mark.parametrize("class_weight", ["balanced", {0: 2.0, 1: 1.0, 2: 1.0}])
def test_rows_of_weight_zero_are_rows_that_are_not_there(options, class_weight):
    X, y = load_wine(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(X))
    X, y = X[order], y[order]
    w = np.where((y == 1) & (np.arange(len(y)) % 4 > 0), 0.0, 1.0)
    model = classifier(class_weight=class_weight, **options)
    used = w > 0
    if "cv" in options:
        model.set_params(cv=[(np.arange(0, len(X), 2), np.arange(1, len(X), 2))])
        halves = [np.flatnonzero(used[k::2]) for k in range(2)]
        numbers = np.cumsum(used) - 1
        split = [numbers[np.arange(k, len(X), 2)[halves[k]]] for k in range(2)]
        small = clone(model).set_params(cv=[tuple(split)]).fit(X[used], y[used])
    else:
        small = clone(model).fit(X[used], y[used])
    model.fit(X, y, w)
    assert model.alpha_ == pytest.approx(small.alpha_)
    assert model.best_score_ == pytest.approx(small.best_score_)
    np.testing.assert_allclose(model.predict_proba(X), small.predict_proba(X), rtol=1e-5)


def test_weights_are_repeated_rows():
    X, y = load_iris(return_X_y=True)
    w = np.random.default_rng(0).integers(1, 4, len(X))
    model = classifier(class_weight="balanced", alphas=0.1)
    decisions = clone(model).fit(X, y, w * 1.0).decision_function(X)
    repeated = clone(model).fit(np.repeat(X, w, axis=0), np.repeat(y, w))
    np.testing.assert_allclose(decisions, repeated.decision_function(X), rtol=1e-7)


def test_a_class_of_weight_zero():
    X, y = load_iris(return_X_y=True)
    model = classifier(class_weight="balanced").fit(X, y, (y > 0) * 1.0)
    assert np.isfinite(model.predict_proba(X)).all()
    assert not (model.predict(X) == 0).any()


def test_streams_have_no_probabilities_and_say_why():
    X, y = load_iris(return_X_y=True)
    model = classifier().partial_fit(X, y, classes=[0, 1, 2])
    for name in ("predict_proba", "predict_log_proba"):
        assert not hasattr(model, name)
        with pytest.raises(AttributeError, match="keeps no rows"):
            getattr(model, name)
    assert hasattr(model.fit(X, y), "predict_proba")


def test_soft_votes_and_searches():
    X, y = load_iris(return_X_y=True)
    voters = [("a", classifier()), ("b", make_pipeline(StandardScaler(), classifier()))]
    assert VotingClassifier(voters, voting="soft").fit(X, y).score(X, y) > 0.9


@pytest.mark.parametrize("load", [load_wine, load_breast_cancer, load_digits])
def test_log_loss_is_that_of_a_calibration_by_folds(load):
    X, y = load(return_X_y=True)
    A, B, a, b = train_test_split(X[:800], y[:800], stratify=y[:800], random_state=0)
    scaler = StandardScaler().fit(A)
    A, B = scaler.transform(A), scaler.transform(B)
    model = classifier(150)
    ours = log_loss(b, clone(model).fit(A, a).predict_proba(B))
    peer = CalibratedClassifierCV(model, method="temperature", ensemble=False).fit(A, a)
    assert ours < log_loss(b, peer.predict_proba(B)) + 0.02


@pytest.mark.filterwarnings("ignore::scipy.linalg.LinAlgWarning")
@pytest.mark.parametrize("solver", ["dual", "cg"])
def test_weights_beyond_the_range_of_floats(solver, rng):
    """The ratios of the weights underflow."""
    X, y = rng.standard_normal((12, 1)), np.arange(12) % 2
    weights = np.tile([1e-300, 1.0, 1e300], 4)
    model = RandomFeatureRidgeClassifier(
        RandomReLUFeatures(5), alphas=1.0, solver=solver, random_state=0
    ).fit(X, y, sample_weight=weights)
    assert np.isfinite(model.predict_proba(X)).all()
