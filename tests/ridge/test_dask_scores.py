"""Scores of Dask collections, and columns that are wrong before anything is computed."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import NotFittedError, UndefinedMetricWarning

from skrf import (
    LinearizedNTKFeatures,
    RandomFeatureRidge,
    RandomFeatureRidgeClassifier,
    RandomReLUFeatures,
)
from skrf.ridge._fitted import Predictor

da = pytest.importorskip("dask.array", reason="Dask input needs the extra 'dask'")
dd = pytest.importorskip("dask.dataframe", reason="needs the extra 'dask'")

RELUS = RandomReLUFeatures(20, random_state=0)


def array(rows, n=13):
    return da.from_array(rows, chunks=(n, *rows.shape[1:]))


def unknown(rows, n=13):
    """An array whose chunks have unknown lengths."""
    lazy = array(rows, n)
    return lazy[array(np.ones(len(rows), bool), n)]


def filtered(rows):
    """The rows with some rows in between, a whole block of them, that are filtered out."""
    others = np.full((30, *rows.shape[1:]), rows[0])
    both = np.concatenate([rows[:20], others, rows[20:]])
    is_own = np.r_[np.ones(20, bool), np.zeros(30, bool), np.ones(len(rows) - 20, bool)]
    return array(both)[array(is_own)]


def frame(rows):
    table = pd.DataFrame(rows) if rows.ndim == 2 else pd.Series(rows)
    if rows.ndim == 2:
        table.columns = list("abcdef")[: rows.shape[1]]
    return dd.from_pandas(table, npartitions=4)


LAZY = {"array": array, "unknown": unknown, "filtered": filtered, "frame": frame}


@pytest.fixture
def data(rng):
    """Rows, targets of two outputs far from 0, labels of three classes, weights."""
    X = rng.standard_normal((80, 3))
    Y = 1e3 + np.stack([np.sin(X[:, 0]), 5 + X[:, 1] * X[:, 2]], axis=1)
    labels = np.array(["a", "b", "c"])[rng.integers(0, 3, 80)]
    return X, Y, labels, rng.integers(0, 3, 80) * rng.uniform(0.5, 2, 80)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_outputs", [0, 1, 2])
@pytest.mark.parametrize("make", LAZY)
def test_numbers(make, n_outputs, weighted, data):
    X, Y, _, weights = data
    Y = Y[:, :n_outputs] if n_outputs else Y[:, 0]
    model = RandomFeatureRidge(RELUS).fit(X, Y)
    options = {"sample_weight": weights} if weighted else {}
    lazy = {name: LAZY[make](value) for name, value in options.items()}
    with warnings.catch_warnings():
        # Dask frames have names, which these estimators were not fitted with.
        warnings.filterwarnings("ignore", "X has feature names")
        score = model.score(LAZY[make](X), LAZY[make](Y), **lazy)
    assert isinstance(score, float)
    np.testing.assert_allclose(score, model.score(X, Y, **options), rtol=1e-10)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("make", LAZY)
def test_labels(make, n_classes, weighted, data):
    X, _, labels, weights = data
    labels = np.where(labels == "c", "c", "b") if n_classes == 2 else labels
    model = RandomFeatureRidgeClassifier(RELUS).fit(X, labels)
    options = {"sample_weight": weights} if weighted else {}
    lazy = {name: LAZY[make](value) for name, value in options.items()}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "X has feature names")
        score = model.score(LAZY[make](X), LAZY[make](labels), **lazy)
    expected = model.score(X, labels, **options)
    assert 0 < expected < 1
    np.testing.assert_allclose(score, expected, rtol=1e-12)


@pytest.mark.parametrize("make", LAZY)
def test_fitted_on_the_same_collection(make, data):
    X, Y, _, _ = data
    rows, targets = LAZY[make](X), LAZY[make](Y[:, 0])
    model = RandomFeatureRidge(RELUS).fit(rows, targets)
    in_memory = pd.DataFrame(X, columns=list("abc")) if make == "frame" else X
    expected = model.score(in_memory, Y[:, 0])
    np.testing.assert_allclose(model.score(rows, targets), expected, rtol=1e-10)


def test_streams_are_scored(data):
    X, Y, _, _ = data
    model = (
        RandomFeatureRidge(RELUS).partial_fit(X[:40], Y[:40]).partial_fit(X[40:], Y[40:])
    )
    np.testing.assert_allclose(model.score(unknown(X), unknown(Y)), model.score(X, Y))


def test_rows_in_one_place_and_targets_in_another(data):
    X, Y, _, weights = data
    model = RandomFeatureRidge(RELUS).fit(X, Y)
    expected = model.score(X, Y, weights)
    np.testing.assert_allclose(model.score(array(X), Y, weights), expected)
    np.testing.assert_allclose(model.score(X, unknown(Y), unknown(weights)), expected)
    with pytest.raises(
        ValueError, match="`y` must be a Dask collection if X has blocks of"
    ):
        model.score(unknown(X), Y)


@pytest.mark.parametrize("constant", [0.0, 0.1])
def test_constant_targets(constant, data):
    X, Y, _, _ = data
    Y = np.column_stack([np.full(80, constant), Y[:, 0]])
    model = RandomFeatureRidge(RELUS).fit(X, Y)
    score = model.score(array(X, 16), array(Y, 16))
    np.testing.assert_allclose(score, model.score(X, Y), rtol=1e-10)
    mean = RandomFeatureRidge(RELUS, alphas=1e9).fit(X, np.zeros(80))
    assert mean.score(array(X), array(np.zeros(80))) == mean.score(X, np.zeros(80)) == 1


def test_one_row_has_no_R2(data):
    X, Y, _, _ = data
    model = RandomFeatureRidge(RELUS).fit(X, Y)
    with pytest.warns(UndefinedMetricWarning, match="fewer than two rows"):
        assert np.isnan(model.score(array(X[:1]), array(Y[:1])))


LENGTHS = "`y` must have one entry per row of X, {}; got {}"


def test_targets_that_do_not_fit(data):
    X, Y, labels, _ = data
    model = RandomFeatureRidge(RELUS).fit(X, Y)
    with pytest.raises(ValueError, match="`y` must have 2 outputs, as in `fit`; got 1"):
        model.score(array(X), array(Y[:, 0]))
    with pytest.raises(ValueError, match=LENGTHS.format(80, 79)):
        model.score(array(X), array(Y[1:]))
    with pytest.raises(ValueError, match=LENGTHS.format(13, 12)):
        model.score(unknown(X), unknown(Y, 12))
    with pytest.raises(ValueError, match="Input y contains NaN"):
        model.score(unknown(X), unknown(np.where(Y > 1e3, Y, np.nan)))
    classifier = RandomFeatureRidgeClassifier(RELUS).fit(X, labels)
    with pytest.raises(ValueError, match=LENGTHS.format(13, 12)):
        classifier.score(unknown(X), unknown(labels, 12))
    assert classifier.score(unknown(X), unknown(np.full(80, "other"))) == 0
    with pytest.raises(NotFittedError):
        RandomFeatureRidge().score(array(X), array(Y))


# ---------------------------------------------------------- columns, before any computing


@pytest.fixture
def no_computing(monkeypatch):
    """Fail where a block of rows is predicted or transformed."""

    def fail(self, X):
        raise AssertionError("a block was worked on")

    monkeypatch.setattr(Predictor, "outputs", fail)
    monkeypatch.setattr(RandomReLUFeatures, "_features_of", fail)
    monkeypatch.setattr(LinearizedNTKFeatures, "_features_of", fail)


METHODS = {
    "features": lambda X, y: RELUS.fit(X).transform,
    "ntk": lambda X, y: LinearizedNTKFeatures(5).fit(X).transform,
    "ridge": lambda X, y: RandomFeatureRidge(RELUS).fit(X, y).predict,
    "classifier": lambda X, y: RandomFeatureRidgeClassifier(RELUS).fit(X, y > 1e3).predict,
    "decisions": lambda X, y: (
        RandomFeatureRidgeClassifier(RELUS).fit(X, y > 1e3).decision_function
    ),
}


@pytest.mark.parametrize("make", LAZY)
@pytest.mark.parametrize("method", METHODS)
def test_wrong_number_of_columns(method, make, data, request):
    X, Y, _, _ = data
    call = METHODS[method](X, Y[:, 0])
    request.getfixturevalue("no_computing")
    with pytest.raises(ValueError, match=r"X has 2 features, but .* expecting 3") as caught:
        call(LAZY[make](X[:, :2]))
    assert caught.value.__notes__ == ["Pass `X` with as many columns as in `fit`."]
    call(LAZY[make](X))


@pytest.mark.parametrize("method", METHODS)
def test_wrong_names_and_dates(method, data, request):
    X, Y, _, _ = data
    table = pd.DataFrame(X, columns=list("abc"))
    call = METHODS[method](table, Y[:, 0])
    request.getfixturevalue("no_computing")
    swapped = dd.from_pandas(table[["b", "a", "c"]], npartitions=2)
    with pytest.raises(ValueError, match="feature names should match") as caught:
        call(swapped)
    assert caught.value.__notes__[0].startswith("Pass the columns of `fit` in `X`")
    dated = dd.from_pandas(table.assign(b=np.datetime64("2020-01-01")), npartitions=2)
    with pytest.raises(ValueError, match="got dates in column 'b'"):
        call(dated)
    with pytest.raises(ValueError, match="`X` must be numbers; got time differences"):
        call(array(X.astype("m8[s]")))


def test_other_kinds_of_names_are_warned_of_once(data):
    """An array where a data frame was fitted, or the reverse: when it is computed."""
    X, Y, _, _ = data
    table = pd.DataFrame(X, columns=list("abc"))
    for fitted, predicted, message in (
        (table, array(X, 80), "X does not have valid feature names"),
        (X, dd.from_pandas(table, npartitions=1), "X has feature names"),
    ):
        model = RandomFeatureRidge(RELUS).fit(fitted, Y)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            lazy = model.predict(predicted)
        with pytest.warns(UserWarning, match=message):
            lazy.compute()
