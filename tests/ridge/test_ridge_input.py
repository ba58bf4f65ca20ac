"""Kinds of input that ridge takes, or refuses by name, in every shape that users have."""

import warnings

import numpy as np
import pandas as pd
import pytest
import reference
from scipy.linalg import LinAlgWarning
from sklearn.base import TransformerMixin
from sklearn.compose import make_column_transformer
from sklearn.exceptions import DataConversionWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import Ridge, RidgeClassifier
from sklearn.model_selection import GroupKFold, KFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from skrf import RandomFeatureRidge, RandomFeatureRidgeClassifier, RandomReLUFeatures


@pytest.fixture
def data(rng):
    X = rng.standard_normal((60, 3))
    return X, X @ [1.0, 2.0, 3.0] + 0.1 * rng.standard_normal(60)


@pytest.mark.parametrize("solver", ["primal", "dual", "cg"])
@pytest.mark.parametrize("class_weight", ["balanced", {0: 1.0, 1: 3.0}])
@pytest.mark.parametrize("as_column", [lambda y: y[:, np.newaxis], pd.DataFrame])
def test_labels_in_a_column_with_class_weights(solver, class_weight, as_column, data):
    X, y = data[0], (data[1] > 1).astype(int)
    options = {"alphas": 1.0, "class_weight": class_weight, "solver": solver}
    model = RandomFeatureRidgeClassifier(FunctionTransformer(), **options)
    with pytest.warns(DataConversionWarning):
        model.fit(X, as_column(y))
    peer = RidgeClassifier(1.0, class_weight=class_weight).fit(X, y)
    np.testing.assert_allclose(model.output_weights_, np.ravel(peer.coef_), rtol=1e-6)


def test_data_frames_of_polars_are_those_of_pandas(data):
    polars = pytest.importorskip("polars", reason="in the extra 'test'")
    X, y = data
    frame = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "kind": list("uvw") * 20})
    columns = make_column_transformer(
        (StandardScaler(), ["a", "b"]), (OneHotEncoder(), ["kind"])
    )
    features = make_pipeline(columns, RandomReLUFeatures(30, random_state=0))
    model = RandomFeatureRidge(features, block_size=11)
    expected = model.fit(frame, y).predict(frame)
    same = polars.DataFrame({name: frame[name].tolist() for name in frame})
    np.testing.assert_allclose(model.fit(same, y).predict(same), expected, rtol=1e-12)
    assert list(model.feature_names_in_) == ["a", "b", "kind"]
    with pytest.raises(ValueError, match="Pass the columns of `fit`"):
        model.predict(same.select("b", "a", "kind"))
    numbers = same.select("a", "b")
    plain = RandomFeatureRidge(RandomReLUFeatures(30, random_state=0))
    found = plain.fit(numbers, y).predict(numbers)
    np.testing.assert_array_equal(found, plain.fit(X[:, :2], y).predict(X[:, :2]))


def test_a_fit_to_text_discards_the_columns_of_the_previous_fit(data):
    text = np.array(["a b", "b c", "c a", "a a b", "c c"] * 12, dtype=object)
    model = RandomFeatureRidge(FunctionTransformer()).fit(*data)
    model.set_params(features=TfidfVectorizer(token_pattern=r"\w")).fit(text, data[1])
    assert not hasattr(model, "n_features_in_")
    assert model.predict(text).shape == (60,)


class Plain:
    """As little as a Pipeline asks of a step."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X


class Mixed(TransformerMixin, Plain):
    """With a method for tags that calls one it does not have."""


@pytest.mark.parametrize("Step", [Plain, Mixed])
def test_steps_that_are_not_base_estimators(Step, data):
    X, y = data
    model = RandomFeatureRidge(Pipeline([("a", Step()), ("b", FunctionTransformer())]))
    assert "RandomFeatureRidge" in model._repr_html_()
    peer = Ridge(model.set_params(alphas=0.5).alphas).fit(X, y)
    np.testing.assert_allclose(model.fit(X, y).output_weights_, peer.coef_, rtol=1e-9)


def test_a_width_path_does_not_use_cv(data):
    pairs = KFold(3).split(data[0])
    model = RandomFeatureRidge(RandomReLUFeatures(20, random_state=0), cv=pairs)
    assert model.width_path(*data).widths[-1] == 20
    assert len(list(pairs)) == 3


@pytest.mark.parametrize(
    ("class_weight", "message"),
    [
        ({0: 1, 5: 3}, "not in class_weight\nPass a finite number >= 0"),
        ({0: "a", 1: 3}, "to float: 'a'\nPass a finite number >= 0 .* `class_weight`"),
        ({0: 0, 1: 0}, "`class_weight` must .* not all 0; got all 0. Pass"),
    ],
)
def test_class_weights_are_named(class_weight, message, data):
    model = RandomFeatureRidgeClassifier(class_weight=class_weight)
    with pytest.raises(ValueError, match=message):
        model.fit(data[0], data[1] > 1)


def test_folds_that_lack_groups_are_named(data):
    with pytest.raises(ValueError, match=r"cv=GroupKFold.*pass `groups` to fit"):
        RandomFeatureRidge(alphas=[0.1, 1.0], cv=GroupKFold(4)).fit(*data)


def test_a_stream_of_one_row_cannot_compare_alphas(data):
    X, y = data
    model = RandomFeatureRidge(alphas=[0.1, 1.0], random_state=0).partial_fit(X[:1], y[:1])
    with pytest.raises(ValueError, match="at least 2 rows of positive weight"):
        model.scores_  # noqa: B018
    assert model.partial_fit(X[1:], y[1:]).best_score_ < 0


@pytest.mark.parametrize("n_kinds", [4, 8, 16])
@pytest.mark.parametrize("alpha", [1e-10, 1e-13])
def test_small_alphas_on_features_whose_sum_is_constant(n_kinds, alpha, rng):
    """Centred, they are orthogonal to the vector of ones."""
    X = np.eye(n_kinds)[np.repeat(np.arange(n_kinds), 8)]
    y = rng.standard_normal(len(X))
    model = RandomFeatureRidge(FunctionTransformer(), alphas=alpha, solver="primal")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y)
    # Least squares of the smallest norm: means of the kinds about their own mean.
    means = y.reshape(n_kinds, 8).mean(axis=1)
    error = reference.relative_error(model.output_weights_, means - means.mean())
    assert error < 1e-6 or LinAlgWarning in [w.category for w in caught]
