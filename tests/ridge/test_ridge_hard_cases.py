"""Ridge on features where rounding, extremes or odd input have gone wrong before."""

import warnings

import numpy as np
import pytest
import reference
from scipy.linalg import LinAlgWarning
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge, RidgeCV
from sklearn.model_selection import KFold, cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer

from skrf import (
    LinearizedNTKFeatures,
    RandomFeatureRidge,
    RandomFeatureRidgeClassifier,
    RandomReLUFeatures,
)


@pytest.fixture
def data(rng):
    X = rng.standard_normal((60, 3))
    return X, X @ [1.0, 2.0, 3.0] + 0.1 * rng.standard_normal(60)


@pytest.mark.parametrize(
    "features",
    [
        FunctionTransformer(),
        Pipeline([("same", "passthrough")]),
        FrozenEstimator(FunctionTransformer()),
    ],
    ids=["function", "passthrough", "frozen"],
)
def test_features_that_return_x_do_not_change_x(features, data):
    X, y = data
    kept = X.copy()
    model = RandomFeatureRidge(features, alphas=[0.1, 1.0], solver="primal").fit(X, y)
    np.testing.assert_array_equal(X, kept)
    peer = RidgeCV([0.1, 1.0]).fit(X, y)
    assert model.best_score_ == pytest.approx(peer.best_score_)
    RandomFeatureRidge(features).partial_fit(X, y)
    np.testing.assert_array_equal(X, kept)


@pytest.mark.parametrize("solver", ["dual", "cg"])
def test_small_alphas_are_right_or_warned_of(solver, data):
    X, y = data
    exact = Ridge(0.0).fit(X, y).coef_
    model = RandomFeatureRidge(FunctionTransformer(), alphas=1e-14, solver=solver)
    with pytest.warns(LinAlgWarning, match=r"for alpha=1e-14|at alpha=1e-14"):
        model.fit(X, y)
    model.set_params(alphas=1e-7).fit(X, y)
    assert reference.relative_error(model.output_weights_, exact) < 1e-6


def test_leading_rows_of_weight_zero_are_as_if_removed(rng):
    X = rng.standard_normal((1000, 5)) + 1e6
    y = X[:, 0] - 1e6
    w = np.ones(1000)
    w[:600] = 0
    identity = FunctionTransformer()
    model = RandomFeatureRidge(identity, solver="primal").fit(X, y, sample_weight=w)
    alone = RandomFeatureRidge(identity, solver="primal").fit(X[600:], y[600:])
    np.testing.assert_allclose(
        model.output_weights_, alone.output_weights_, rtol=1e-8, atol=1e-10
    )


def test_float32_targets_nearly_orthogonal_to_the_features(rng):
    X = rng.standard_normal((20000, 10)).astype(np.float32)
    y = rng.standard_normal(20000)
    y -= Ridge(1e-9).fit(X.astype(float), y).predict(X) - 1e-3 * X[:, 0]
    model = RandomFeatureRidge(FunctionTransformer(), alphas=1e7, solver="primal")
    exact = Ridge(1e7).fit(X.astype(float), y)
    assert reference.relative_error(model.fit(X, y).output_weights_, exact.coef_) < 1e-6


def test_heavy_rows_are_right_or_warned_of(data):
    X, y = data
    w = np.ones(60)
    w[0] = 1e12
    with pytest.warns(LinAlgWarning, match="Gram matrix"):
        RandomFeatureRidge(FunctionTransformer(), alphas=[1.0], solver="dual").fit(X, y, w)
    model = RandomFeatureRidge(FunctionTransformer(), alphas=[1.0], solver="primal")
    score = model.fit(X, y, w).best_score_
    exact = reference.leave_one_out(X, y[:, np.newaxis], w, 1.0, True)
    assert score == pytest.approx(-exact, rel=1e-3)


@pytest.mark.parametrize("scale", ["X", "y"])
def test_a_chunk_that_overflows_is_not_added(scale, data):
    X, y = data
    model = RandomFeatureRidge(RandomReLUFeatures(5), random_state=0).partial_fit(X, y)
    before = model.predict(X)
    bad = (X * 1e200, y) if scale == "X" else (X, y * 1e200)
    with (
        np.errstate(over="ignore", invalid="ignore"),
        pytest.raises(ValueError, match="must be finite"),
    ):
        model.partial_fit(*bad)
    np.testing.assert_array_equal(model.predict(X), before)


def test_chunks_of_weight_zero_are_allowed_and_change_nothing(data):
    X, y = data
    model = RandomFeatureRidge(RandomReLUFeatures(5), alphas=1.0, random_state=0)
    model.partial_fit(X[:9], y[:9], sample_weight=np.zeros(9))
    with pytest.raises(ValueError, match="`sample_weight` must be positive"):
        model.predict(X)
    model.partial_fit(X, y).partial_fit(X, -y, sample_weight=np.zeros(60))
    whole = RandomFeatureRidge(RandomReLUFeatures(5), alphas=1.0, random_state=0).fit(X, y)
    np.testing.assert_allclose(model.output_weights_, whole.output_weights_, rtol=1e-9)


@pytest.mark.parametrize("solver", ["primal", "dual"])
def test_folds_that_repeat_rows(solver, data):
    X, y = data
    train = np.r_[np.zeros(30, int), 1:11]
    cv = [(train, np.arange(40, 60)), (train.tolist(), list(range(40, 60)))]
    model = RandomFeatureRidge(FunctionTransformer(), alphas=[1.0], cv=cv, solver=solver)
    score = -np.mean((Ridge(1.0).fit(X[train], y[train]).predict(X[40:]) - y[40:]) ** 2)
    assert model.fit(X, y).scores_[0] == pytest.approx(score)


def test_a_fold_that_outweighs_the_rest(data):
    X, y = data
    X = X.copy()
    X[0] *= 1e8
    model = RandomFeatureRidge(
        FunctionTransformer(), alphas=[1.0], cv=KFold(5), solver="primal"
    ).fit(X, y)
    scores = cross_val_score(Ridge(), X, y, cv=KFold(5), scoring="neg_mean_squared_error")
    assert model.scores_[0] == pytest.approx(scores.mean(), rel=1e-6)


@pytest.mark.parametrize("solver", ["primal", "dual"])
def test_folds_without_weight_are_refused(solver, data):
    X, y = data
    w = np.ones(60)
    w[:12] = 0
    model = RandomFeatureRidge(RandomReLUFeatures(8), alphas=[1.0], cv=5, solver=solver)
    with pytest.raises(ValueError, match=r"`cv` must yield splits .*; got cv=5"):
        model.fit(X, y, sample_weight=w)
    used_up = iter(())
    with pytest.raises(ValueError, match="must yield splits"):
        model.set_params(cv=used_up).fit(X, y)


def test_one_alpha_with_folds_has_a_score(data):
    X, y = data
    model = RandomFeatureRidge(FunctionTransformer(), alphas=1.0, cv=3).fit(X, y)
    scores = cross_val_score(Ridge(), X, y, cv=3, scoring="neg_mean_squared_error")
    assert model.best_score_ == pytest.approx(scores.mean())
    with pytest.raises(
        AttributeError, match="must be a sequence or 'auto' to have `scores_`"
    ):
        _ = model.set_params(cv=None).fit(X, y).scores_


def test_parameters_count_when_a_chunk_is_added(data):
    X, y = data
    model = RandomFeatureRidge(
        RandomReLUFeatures(5), alphas=1.0, random_state=0
    ).partial_fit(X, y)
    unread = RandomFeatureRidge(
        RandomReLUFeatures(5), alphas=1.0, random_state=0
    ).partial_fit(X, y)
    before = model.output_weights_
    model.set_params(alphas=100.0)
    unread.set_params(alphas=100.0)
    np.testing.assert_array_equal(unread.output_weights_, before)
    np.testing.assert_array_equal(model.output_weights_, before)
    with pytest.raises(AttributeError, match="got one number"):
        _ = model.set_params(alphas=[1.0]).scores_
    model.set_params(alphas=100.0).partial_fit(X, y, sample_weight=np.zeros(60))
    assert model.alpha_ == 100.0


@pytest.mark.parametrize("class_weight", [{0: -1.0, 1: 1.0}, {0: np.nan, 1: 1.0}])
@pytest.mark.parametrize("solver", ["primal", "dual", "cg"])
def test_class_weights_are_checked(solver, class_weight, data):
    X, y = data
    model = RandomFeatureRidgeClassifier(
        RandomReLUFeatures(5), solver=solver, class_weight=class_weight
    )
    with pytest.raises(ValueError, match=r"`class_weight` must have finite weights"):
        model.fit(X, (y > 0).astype(int))


def test_a_classifier_starts_again_with_other_classes(data):
    X, y = data
    labels = (y > 0).astype(int)
    model = RandomFeatureRidgeClassifier(RandomReLUFeatures(5)).fit(X, labels)
    with pytest.warns(UserWarning, match="partial_fit starts again"):
        model.partial_fit(X, labels + 1, classes=[1, 2])
    assert model.classes_.tolist() == [1, 2]


def test_missing_values_for_features_that_fill_them(data):
    X, y = data
    X = X.copy()
    X[3, 1] = np.nan
    features = make_pipeline(SimpleImputer(), RandomReLUFeatures(9, random_state=0))
    model = RandomFeatureRidge(features, alphas=1.0).fit(X, y)
    peer = make_pipeline(features, Ridge()).fit(X, y)
    np.testing.assert_allclose(model.predict(X), peer.predict(X), rtol=1e-8)


def test_coefficients_that_overflow_float32_are_refused(data):
    X, y = data
    model = RandomFeatureRidge(RandomReLUFeatures(9, random_state=0))
    with (
        np.errstate(over="ignore", invalid="ignore"),
        pytest.raises(ValueError, match=r"overflow float32\. Scale y"),
    ):
        model.fit(X.astype(np.float32), 1e39 * y)
    assert not hasattr(model, "features_")


def test_memory_of_paths_and_blocks(data):
    X, y = data
    wide = RandomFeatureRidge(RandomReLUFeatures(1_000_000), alphas=[1.0])
    with pytest.raises(MemoryError, match=r"by width path.*features would fit"):
        wide.width_path(X, y)
    with pytest.raises(MemoryError, match="features would fit"):
        wide.set_params(select_width=True).fit(X, y)
    RandomFeatureRidge(RandomReLUFeatures(200), block_size=10**9, solver="primal").fit(X, y)


@pytest.mark.parametrize("weights", [None, [0, 0, 1, 0, 0]])
@pytest.mark.parametrize(
    "options",
    [{"solver": "primal"}, {"solver": "dual"}, {"solver": "auto"}, {"select_width": True}],
    ids=str,
)
def test_one_row_has_no_leave_one_out_error(weights, options, data):
    rows = slice(1 if weights is None else 5)
    X, y = (array[rows] for array in data)
    model = RandomFeatureRidge(RandomReLUFeatures(5), alphas=[0.1, 1.0], random_state=0)
    with pytest.raises(ValueError, match="n_samples=1"):
        model.set_params(**options).fit(X, y, weights)
    with pytest.raises(ValueError, match="n_samples=1"):
        model.width_path(X, y, weights)


@pytest.mark.parametrize("n_columns", [2, 3, 8])
@pytest.mark.parametrize(
    "features",
    [
        RandomReLUFeatures(9),
        RandomReLUFeatures(9, projection="orthogonal"),
        RandomReLUFeatures(9, projection="structured"),
        LinearizedNTKFeatures(9),
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_frozen_features_have_their_columns(method, features, n_columns, rng):
    """Products know sizes only by what they are told."""
    frozen = FrozenEstimator(clone(features).fit(rng.standard_normal((30, 4))))
    X, y = rng.standard_normal((60, n_columns)), rng.standard_normal(60)
    with pytest.raises(ValueError, match=f"must have 4 columns, .* got {n_columns}"):
        getattr(RandomFeatureRidge(frozen), method)(X, y)


class NoColumns(TransformerMixin, BaseEstimator):
    """Gives what `values` makes of X."""

    def __init__(self, values):
        self.values = values

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        return self.values(X)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (lambda X: X[:, :0], "got 0 columns"),
        (lambda X: 1j * X, "dtype complex128"),
        (lambda X: X[:-1, 0], "one row of numbers per row"),
        (lambda X: np.full(X.shape, np.nan), "NaN from `features`"),
    ],
)
def test_odd_features_are_named(values, message, data):
    X, y = data
    with pytest.raises(ValueError, match=message):
        RandomFeatureRidge(NoColumns(values), solver="primal").fit(X, y)


def test_features_that_cannot_be_pickled_merge_with_themselves(data):
    X, y = data
    frozen = FrozenEstimator(NoColumns(lambda X: X).fit(X))
    left, right = (RandomFeatureRidge(frozen).partial_fit(X, y) for _ in range(2))
    left.merge(right)
    other = FrozenEstimator(NoColumns(lambda X: 2 * X).fit(X))
    with pytest.raises(ValueError, match="`features` must be picklable"):
        left.merge(RandomFeatureRidge(other).partial_fit(X, y))


def test_dask_before_fit_and_in_chunks(data):
    da = pytest.importorskip("dask.array", reason="Dask input needs the extra 'dask'")
    X, y = data
    x = da.from_array(X, chunks=(20, 3))
    for Model in (RandomFeatureRidge, RandomFeatureRidgeClassifier):
        with pytest.raises(NotFittedError):
            Model().predict(x)
    with pytest.raises(ValueError, match=r"in memory for partial_fit.* Use fit"):
        RandomFeatureRidge().partial_fit(x, y)
    w = np.r_[np.zeros(20), np.ones(40)]
    model = RandomFeatureRidge(RandomReLUFeatures(5), random_state=0)
    weights = da.from_array(w, chunks=20)
    model.fit(x, da.from_array(y, chunks=20), sample_weight=weights)
    alone = RandomFeatureRidge(RandomReLUFeatures(5), random_state=0)
    alone.set_params(solver="primal").fit(X[20:], y[20:])
    np.testing.assert_allclose(model.output_weights_, alone.output_weights_, rtol=1e-9)
    single = RandomFeatureRidge(RandomReLUFeatures(5)).fit(X.astype(np.float32), y)
    lazy = single.predict(x)
    assert lazy.dtype == lazy.compute().dtype == np.float64


def test_weights_whose_products_overflow(data):
    X, y = data
    cv, w = KFold(3), np.full(len(y), 1e300)
    model = RandomFeatureRidge(FunctionTransformer(), alphas=[1e300, 1e301], cv=cv)
    peer = RandomFeatureRidge(FunctionTransformer(), alphas=[1.0, 10.0], cv=cv).fit(X, y)
    model.fit(X, y, w)
    np.testing.assert_allclose(model.output_weights_, peer.output_weights_, rtol=1e-9)
    half = RandomFeatureRidge(FunctionTransformer(), alphas=1e300)
    first = clone(half).partial_fit(X[:30], y[:30], w[:30])
    first.merge(clone(half).partial_fit(X[30:], y[30:], w[30:]))
    np.testing.assert_allclose(
        first.output_weights_, half.fit(X, y, w).output_weights_, rtol=1e-9
    )


def test_rows_of_weights_that_leave_nothing_behind(data):
    X, y = data
    w = np.ones(len(y))
    w[0] = 1e300
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        model = RandomFeatureRidge(relu_features(), alphas=[1.0, 10.0], cv=KFold(2))
        assert np.isfinite(model.fit(X, y, w).predict(X)).all()


def relu_features():
    return RandomReLUFeatures(4, random_state=0)


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_looking_at_a_stream_computes_nothing(weight, data, monkeypatch):
    """dir() and the HTML ask for all attributes; some would raise or take long."""
    X, y = data
    model = RandomFeatureRidge(RandomReLUFeatures(5)).partial_fit(X, y, [weight] * 60)
    with monkeypatch.context() as patched:
        patched.setattr("skrf.ridge._streams.solve_moments", None)
        assert "output_weights_" not in dir(model)
        assert "RandomFeatureRidge" in model._repr_html_()
    assert model.partial_fit(X, y).output_weights_.shape == (5,)
    assert {"output_weights_", "alpha_", "partial_fit"} <= set(dir(model))
    assert "output_weights_" not in dir(RandomFeatureRidge())


@pytest.mark.parametrize(
    "features",
    [
        FrozenEstimator(make_pipeline(SimpleImputer(), RandomReLUFeatures(5))),
        make_pipeline(FunctionTransformer(np.nan_to_num), RandomReLUFeatures(5)),
        Pipeline([("none", "passthrough"), ("imputer", SimpleImputer())]),
        make_column_transformer((SimpleImputer(), [0]), remainder="passthrough"),
        make_union(SimpleImputer(), FunctionTransformer(np.nan_to_num)),
    ],
    ids=["frozen", "function", "passthrough", "columns", "union"],
)
def test_nan_goes_to_features_that_take_it(features, data):
    X, y = data
    X[0, 0] = np.nan
    if isinstance(features, FrozenEstimator):
        features.estimator.fit(X)
    assert np.isfinite(RandomFeatureRidge(features).fit(X, y).predict(X)).all()


@pytest.mark.parametrize(
    "features",
    [
        RandomReLUFeatures(5),
        make_pipeline("passthrough", RandomReLUFeatures(5)),
        FrozenEstimator(RandomReLUFeatures(5).fit(np.eye(3))),
        make_union(SimpleImputer(), RandomReLUFeatures(5)),
    ],
    ids=["plain", "passthrough", "frozen", "union"],
)
def test_nan_is_refused_where_features_do_not_take_it(features, data):
    X, y = data
    X[0, 0] = np.nan
    with pytest.raises(ValueError, match="X contains NaN"):
        RandomFeatureRidge(features).fit(X, y)


def test_class_weights_of_classes_that_a_chunk_lacks(data):
    X, y = data[0], np.array(["a", "c"] * 10 + ["a", "b", "c", "b"] * 10)
    model = RandomFeatureRidgeClassifier(
        RandomReLUFeatures(5), class_weight={"b": 2.0}, random_state=0
    )
    stream = clone(model).partial_fit(X[:20], y[:20], classes=["a", "b", "c"])
    stream.partial_fit(X[20:], y[20:])
    np.testing.assert_allclose(
        stream.output_weights_, model.fit(X, y).output_weights_, rtol=1e-10
    )


@pytest.mark.parametrize("X", ["abc", iter([[1.0]]), 5.0])
def test_x_that_is_not_a_table_is_refused_by_name(X):
    with pytest.raises((ValueError, TypeError), match="X"):
        RandomFeatureRidge().fit(X, [1.0])


def test_width_paths_compare_as_objects(data):
    model = RandomFeatureRidge(RandomReLUFeatures(5), random_state=0)
    path = model.width_path(*data)
    assert path == path
    assert path != model.width_path(*data)
    assert len({path, path}) == 1
