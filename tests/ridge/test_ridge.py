"""Ridge regression on features: against least squares, RidgeCV, refits and pipelines."""

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from scipy.linalg import LinAlgWarning
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.frozen import FrozenEstimator
from sklearn.kernel_approximation import Nystroem, RBFSampler
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge, RidgeClassifier, RidgeClassifierCV, RidgeCV
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneOut,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from skrf import (
    LinearizedNTKFeatures,
    RandomFeatureRidge,
    RandomFeatureRidgeClassifier,
    RandomReLUFeatures,
)

SOLVERS = ["primal", "dual", "cg"]


@pytest.fixture
def data(rng):
    """Rows, two targets and weights, some of them 0."""
    X = rng.standard_normal((60, 4))
    Y = np.stack([np.sin(2 * X[:, 0]), X[:, 1] * X[:, 2]], axis=1)
    return X, Y, rng.integers(0, 4, 60).astype(float)


# --------------------------------------------------------------------- exactness


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize(
    "features",
    [RandomReLUFeatures(20), RandomReLUFeatures(150), LinearizedNTKFeatures(30)],
    ids=["narrow", "wide", "ntk"],
)
@pytest.mark.parametrize("solver", SOLVERS)
def test_least_squares(solver, features, fit_intercept, dtype, data):
    X, Y, w = (array.astype(dtype) for array in data)
    for alpha in (1e-4, 1e-1, 10.0):
        model = RandomFeatureRidge(
            features,
            alphas=alpha,
            fit_intercept=fit_intercept,
            solver=solver,
            block_size=17,
            random_state=0,
        ).fit(X, Y, sample_weight=w)
        Z = model.features_.transform(X).astype(np.float64)
        if solver != "primal" and isinstance(features, LinearizedNTKFeatures):
            Z = model.features_.transform(X.astype(np.float64))
        U, c = reference.ridge(Z, Y.astype(float), w.astype(float), alpha, fit_intercept)
        assert model.output_weights_.dtype == model.predict(X).dtype == dtype
        assert reference.relative_error(model.output_weights_.T, U) < 1e-6
        np.testing.assert_allclose(model.output_bias_, c, rtol=1e-6, atol=1e-6)


@given(
    n=st.integers(2, 25),
    width=st.integers(1, 40),
    log_alpha=st.floats(-4, 4),
    fit_intercept=st.booleans(),
    solver=st.sampled_from(["primal", "dual"]),
    seed=st.integers(0, 2**20),
)
def test_leave_one_out_equals_refits(n, width, log_alpha, fit_intercept, solver, seed):
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((n, 3)), rng.standard_normal((n, 2))
    w = rng.choice([0.0, 0.5, 1.0, 3.0], n)
    w[:2] = 1.0
    alphas = 10.0 ** np.array([log_alpha, log_alpha + 1])
    for some in (alphas, alphas[:1]):
        model = RandomFeatureRidge(
            RandomReLUFeatures(width, random_state=0),
            alphas=some,
            fit_intercept=fit_intercept,
            solver=solver,
            block_size=5,
        ).fit(X, Y, sample_weight=w)
        Z = model.features_.transform(X)
        errors = [reference.leave_one_out(Z, Y, w, alpha, fit_intercept) for alpha in some]
        np.testing.assert_allclose(model.scores_, -np.array(errors), rtol=1e-7)
        assert model.alpha_ == some[np.argmax(model.scores_)]
        assert model.best_score_ == model.scores_.max()


@pytest.mark.parametrize("solver", ["primal", "dual"])
@pytest.mark.parametrize("width", [30, 300])
def test_ridge_cv(solver, width, data):
    X, Y, w = data
    alphas = np.logspace(-6, 2, 9)
    features = RandomReLUFeatures(width, random_state=0)
    model = RandomFeatureRidge(features, alphas=alphas, solver=solver).fit(X, Y, w)
    used = w > 0
    peer = RidgeCV(alphas, store_cv_results=True, gcv_mode="svd")
    peer.fit(features.fit_transform(X)[used], Y[used], w[used])
    # RidgeCV averages w e^2 over rows, not by weight.
    scores = -peer.cv_results_.mean(axis=(0, 1)) * used.sum() / w.sum()
    np.testing.assert_allclose(model.scores_, scores, rtol=1e-6)
    assert model.alpha_ == peer.alpha_
    assert reference.relative_error(model.output_weights_, peer.coef_) < 1e-8


def test_small_alphas_lose_no_digits_in_the_dual(rng):
    X, y = rng.standard_normal((30, 4)), rng.standard_normal(30)
    features = RandomReLUFeatures(200, random_state=0)
    dual = RandomFeatureRidge(features, alphas=[1e-12, 1e-11], solver="dual").fit(X, y)
    peer = RidgeCV([1e-12], gcv_mode="svd").fit(features.fit_transform(X), y)
    assert dual.scores_[0] == pytest.approx(peer.best_score_, rel=1e-5)
    primal = RandomFeatureRidge(features, alphas=[1e-12, 1.0], solver="primal")
    with pytest.warns(LinAlgWarning, match=r"relative error of the errors"):
        primal.fit(X, y)


@pytest.mark.parametrize("alpha", [1e-7, 1e-4, 1e-1])
def test_float32_products_are_refined_or_made_again(alpha, rng):
    X = rng.standard_normal((3000, 5), dtype=np.float32)
    y = np.sin(X[:, 0])
    features = RandomReLUFeatures(60, random_state=0)
    model = RandomFeatureRidge(features, alphas=alpha, solver="primal").fit(X, y)
    Z = model.features_.transform(X).astype(np.float64)
    exact = Ridge(alpha, solver="svd").fit(Z, y.astype(np.float64))
    assert reference.relative_error(model.output_weights_, exact.coef_) < 1e-6
    assert model.n_iter_ > 0 or alpha == 1e-7


def test_features_far_from_their_scatter_lose_no_digits(rng):
    X, y = rng.standard_normal((200, 3)), rng.standard_normal(200)

    def shifted(offset):
        scaler = StandardScaler(with_std=False).fit(np.zeros((2, 3)) - offset)
        model = RandomFeatureRidge(FrozenEstimator(scaler), block_size=13)
        return model.fit(X, y).output_weights_

    np.testing.assert_allclose(shifted(1e6), shifted(0.0), rtol=1e-6)


@pytest.mark.parametrize("cv", [3, KFold(4, shuffle=True, random_state=0)])
@pytest.mark.parametrize("solver", ["primal", "dual"])
def test_folds(solver, cv, data):
    X, Y, _ = data
    alphas = [0.01, 0.1, 1.0]
    features = RandomReLUFeatures(25, random_state=0)
    model = RandomFeatureRidge(features, alphas=alphas, cv=cv, solver=solver).fit(X, Y)
    Z = features.fit_transform(X)
    scores = [
        cross_val_score(Ridge(alpha), Z, Y, cv=cv, scoring="neg_mean_squared_error").mean()
        for alpha in alphas
    ]
    np.testing.assert_allclose(model.scores_, scores, rtol=1e-8)
    assert model.best_score_ == pytest.approx(max(scores))
    exact = Ridge(model.alpha_).fit(Z, Y)
    assert reference.relative_error(model.output_weights_, exact.coef_) < 1e-8


@pytest.mark.parametrize("solver", ["primal", "dual"])
def test_folds_of_groups(solver, data):
    X, Y, w = data
    groups, cv = np.arange(60) // 5 % 6, GroupKFold(3)
    model = RandomFeatureRidge(RandomReLUFeatures(30), alphas=[0.01, 1.0], random_state=0)
    model.set_params(solver=solver)
    peer = clone(model).set_params(cv=list(cv.split(X, Y, groups))).fit(X, Y, w)
    model.set_params(cv=cv).fit(X, Y, w, groups=groups.tolist())
    np.testing.assert_array_equal(model.scores_, peer.scores_)
    with pytest.raises(ValueError, match="'groups' parameter should not be None"):
        model.fit(X, Y)
    with pytest.raises(ValueError, match=r"`groups` must have .* 60; got shape \(59,\)"):
        model.fit(X, Y, groups=groups[:59])
    with pytest.raises(ValueError, match=r"`groups` requires .* `cv`.*cv=GroupKFold"):
        model.set_params(cv=None).fit(X, Y, groups=groups)


def test_conjugate_gradients_warn_that_cv_is_not_used(data):
    X, Y, _ = data
    model = RandomFeatureRidge(RandomReLUFeatures(9), solver="cg", random_state=0)
    right = clone(model).fit(X, Y).output_weights_
    with pytest.warns(UserWarning, match=r"`cv` is not used.*solver='cg'.*cv=None"):
        model.set_params(cv=3).fit(X, Y)
    np.testing.assert_array_equal(model.output_weights_, right)


@pytest.mark.parametrize("cv", [GroupKFold(3), 3, None])
def test_groups_are_routed_to_folds_that_ask_for_them(cv, data):
    X, Y, _ = data
    groups, labels = np.arange(60) // 5 % 6, Y[:, 0] > 0
    model = RandomFeatureRidgeClassifier(RandomReLUFeatures(9), alphas=[0.01, 1.0], cv=cv)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), model.set_params(random_state=0)),
        {"randomfeatureridgeclassifier__features__width": [5, 9]},
        cv=GroupKFold(2),
    )
    with config_context(enable_metadata_routing=True):
        search.fit(X, labels, groups=groups)
    scaled = search.best_estimator_[0].transform(X)
    by_hand = clone(search.best_estimator_[1])
    by_hand.fit(scaled, labels, groups=groups if isinstance(cv, GroupKFold) else None)
    np.testing.assert_array_equal(search.best_estimator_[1].scores_, by_hand.scores_)


@pytest.mark.parametrize("solver", ["primal", "dual"])
def test_folds_that_overlap_and_weights(solver, data):
    X, Y, w = data
    cv = [(np.arange(0, 40), np.arange(30, 60)), (np.arange(10, 60), np.arange(0, 20))]
    features = RandomReLUFeatures(25, random_state=0)
    model = RandomFeatureRidge(features, alphas=[0.1, 1.0], cv=cv, solver=solver)
    model.fit(X, Y, sample_weight=w)
    Z = features.fit_transform(X)
    for k, alpha in enumerate([0.1, 1.0]):
        scores = []
        for train, test in cv:
            U, c = reference.ridge(Z[train], Y[train], w[train], alpha, True)
            errors = np.mean((Y[test] - Z[test] @ U - c) ** 2, axis=1)
            scores.append(-np.average(errors, weights=w[test]))
        assert model.scores_[k] == pytest.approx(np.mean(scores), rel=1e-8)


def test_kernel_ridge_on_the_tangent_kernel(rng):
    """A million linearised features, never made."""
    X = rng.standard_normal((80, 999))
    y = np.sin(X[:, 0])
    features = LinearizedNTKFeatures(1000, random_state=0).fit(X)
    peer = KernelRidge(alpha=0.3, kernel="precomputed").fit(features.tangent_kernel(X), y)
    right = peer.predict(features.tangent_kernel(X[:9] / 2, X))
    for solver in ("dual", "cg", "auto"):
        model = RandomFeatureRidge(
            features, alphas=0.3, fit_intercept=False, solver=solver
        ).fit(X, y)
        assert model.output_weights_.shape == (1_000_000,)
        np.testing.assert_allclose(model.predict(X[:9] / 2), right, rtol=1e-6)


# ----------------------------------------------------------------- kinds of input


def test_kinds_of_input_agree(data, tmp_path):
    pd = pytest.importorskip("pandas", reason="data frames are pandas'")
    X, Y, _ = data
    model = RandomFeatureRidge(RandomReLUFeatures(15), random_state=3, block_size=7)
    right = clone(model).fit(X, Y).predict(X)
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    frame = pd.DataFrame(X, columns=list("abcd"))
    for kind in (X.tolist(), np.asfortranarray(X), sparse.csr_matrix(X), mapped, frame):
        fitted = clone(model).fit(kind, Y)
        np.testing.assert_allclose(fitted.predict(kind), right, rtol=1e-10)
    assert list(fitted.feature_names_in_) == list("abcd")


def test_frames_of_mixed_types(data):
    pd = pytest.importorskip("pandas", reason="data frames are pandas'")
    X, Y, _ = data
    frame = pd.DataFrame({"x": X[:, 0], "y": X[:, 1], "kind": list("abc") * 20})
    columns = make_column_transformer(
        (OneHotEncoder(), ["kind"]), (StandardScaler(), ["x", "y"])
    )
    features = make_pipeline(columns, RandomReLUFeatures(30, random_state=0))
    model = RandomFeatureRidge(features, alphas=1.0, block_size=11).fit(frame, Y)
    peer = make_pipeline(clone(features), Ridge()).fit(frame, Y)
    np.testing.assert_allclose(model.predict(frame), peer.predict(frame), rtol=1e-9)


class Frame:
    """As little of a pandas data frame as one of polars is."""

    def __init__(self, values):
        self.values, self.shape = values, values.shape

    def to_numpy(self):
        return self.values

    def __array__(self, dtype=None, copy=None):
        return np.array(self.values, dtype)


@pytest.mark.parametrize("solver", SOLVERS)
def test_steps_that_give_frames_of_other_packages(solver, data):
    X, Y, w = data
    ntk = LinearizedNTKFeatures(20, random_state=0)
    plain = RandomFeatureRidge(ntk, solver=solver, random_state=0).fit(X, Y, w)
    framed = make_pipeline(FunctionTransformer(Frame), ntk)
    model = RandomFeatureRidge(framed, solver=solver, random_state=0).fit(X, Y, w)
    np.testing.assert_array_equal(model.predict(X), plain.predict(X))


@pytest.mark.parametrize(
    "features",
    [
        RBFSampler(n_components=30, random_state=0),
        Nystroem(n_components=20, random_state=0),
        make_pipeline(
            StandardScaler(),
            RandomReLUFeatures(40, random_state=1),
            RandomReLUFeatures(25, random_state=2),
        ),
        make_pipeline(StandardScaler(), LinearizedNTKFeatures(8, random_state=1)),
    ],
    ids=["RBFSampler", "Nystroem", "two layers", "scaled ntk"],
)
@pytest.mark.parametrize("solver", SOLVERS)
def test_any_transformer(features, solver, data):
    X, Y, _ = data
    model = RandomFeatureRidge(features, alphas=0.01, solver=solver, random_state=0)
    peer = make_pipeline(clone(features), Ridge(0.01, solver="svd")).fit(X, Y)
    np.testing.assert_allclose(
        model.fit(X, Y).predict(X), peer.predict(X), rtol=1e-6, atol=1e-7
    )


def test_seed_reaches_nested_features(data):
    X, Y, _ = data
    nested = make_pipeline(RandomReLUFeatures(9), RandomReLUFeatures(9, random_state=5))
    one, same = (RandomFeatureRidge(nested, random_state=0).fit(X, Y) for _ in range(2))
    np.testing.assert_array_equal(one.output_weights_, same.output_weights_)
    assert one.features_[1].random_state == 5
    other = RandomFeatureRidge(nested, random_state=1).fit(X, Y)
    assert not np.allclose(one.predict(X), other.predict(X))
    assert nested[0].random_state is None


# -------------------------------------------------------------------- classification


@pytest.mark.parametrize("scoring", ["accuracy", "f1_macro"])
def test_classifier_is_that_of_scikit_learn(scoring):
    X, y = load_digits(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    names = np.array([f"class {label}" for label in range(10)])[y]
    alphas = [0.01, 0.1, 1.0]
    features = RandomReLUFeatures(100, random_state=0)
    model = RandomFeatureRidgeClassifier(features, alphas=alphas, scoring=scoring)
    model.fit(X, names)
    Z = features.fit_transform(X)
    peer = RidgeClassifierCV(alphas, scoring=scoring).fit(Z, names)
    assert model.alpha_ == peer.alpha_
    assert model.best_score_ == pytest.approx(peer.best_score_)
    np.testing.assert_array_equal(model.predict(X), peer.predict(Z))
    np.testing.assert_allclose(
        model.decision_function(X), peer.decision_function(Z), rtol=1e-7, atol=1e-9
    )


@pytest.mark.parametrize("n_rows", [60, 100])
def test_accuracy_of_two_classes_is_that_of_refits(n_rows):
    """RidgeClassifierCV of scikit-learn 1.9 scores two classes as always right."""
    X, y = load_breast_cancer(return_X_y=True)
    X, y, alphas = (
        StandardScaler().fit_transform(X)[:n_rows],
        y[:n_rows],
        [1e-4, 0.1, 100.0],
    )
    features = RandomReLUFeatures(50, random_state=0)
    model = RandomFeatureRidgeClassifier(features, alphas=alphas).fit(X, y)
    Z = features.fit_transform(X)
    rows = LeaveOneOut()
    scores = [cross_val_score(RidgeClassifier(a), Z, y, cv=rows).mean() for a in alphas]
    np.testing.assert_allclose(model.scores_, scores)
    assert model.best_score_ == max(scores)


@pytest.mark.parametrize("class_weight", ["balanced", {"a": 5.0, "b": 1.0, "c": 1.0}])
def test_class_weights(class_weight, data):
    X, Y, _ = data
    labels = np.array(list("abc"))[np.digitize(Y[:, 0], [0.5, 0.8])]
    features = RandomReLUFeatures(20, random_state=0)
    model = RandomFeatureRidgeClassifier(features, alphas=1.0, class_weight=class_weight)
    peer = RidgeClassifierCV([1.0], class_weight=class_weight)
    peer.fit(features.fit_transform(X), labels)
    np.testing.assert_allclose(
        model.fit(X, labels).decision_function(X),
        peer.decision_function(features.transform(X)),
        rtol=1e-8,
    )


# ----------------------------------------------------------------------- as a part


def test_grid_search_over_width():
    X, y = load_diabetes(return_X_y=True)
    features = make_pipeline(StandardScaler(), RandomReLUFeatures())
    search = GridSearchCV(
        RandomFeatureRidge(features, alphas=np.logspace(-2, 3, 12), random_state=0),
        {"features__randomrelufeatures__width": [30, 300]},
        cv=3,
    ).fit(X, y)
    assert search.best_score_ > 0.4


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"alphas": 0.0}, "alphas"),
        ({"alphas": -1.0}, "alphas"),
        ({"alphas": []}, "`alphas` must be 'auto', a positive number or a 1-D seq"),
        ({"alphas": [1.0, 0.0]}, "`alphas` must be positive and finite; got 0. Use a sm"),
        (
            {"alphas": [1.0, np.nan]},
            "`alphas` must be positive and finite; got nan",
        ),
        ({"alphas": [[1.0]]}, "1-D"),
        ({"alphas": ["a"]}, "`alphas` must be 'auto', a positive number"),
        ({"features": 3}, "features"),
        ({"solver": "svd"}, "solver"),
        ({"block_size": 0}, "block_size"),
        ({"fit_intercept": 2}, "fit_intercept"),
        (
            {"solver": "cg", "alphas": [1.0]},
            "number or 'auto' for solver='cg'",
        ),
        ({"select_width": True, "cv": 3}, "None, for select_width=True"),
        ({"select_width": True, "features": RBFSampler()}, "ordered by neuron"),
    ],
)
def test_bad_parameters_are_named(parameters, message, data):
    X, Y, _ = data
    with pytest.raises(ValueError, match=message):
        RandomFeatureRidge(**parameters).fit(X, Y)


def test_what_does_not_fit_into_memory_is_refused_with_what_would(data):
    X, Y, _ = data
    with pytest.raises(MemoryError, match=r"About [\d,]+ features would fit"):
        RandomFeatureRidge(RandomReLUFeatures(2_000_000), solver="primal").fit(X, Y)


def test_a_fit_that_fails_changes_nothing(data):
    X, Y, _ = data
    model = RandomFeatureRidge(RandomReLUFeatures(9), random_state=0).fit(X, Y)
    before = model.predict(X)
    with pytest.raises(ValueError, match="NaN"):
        model.fit(np.full((5, 2), np.nan), np.ones(5))
    assert model.n_features_in_ == 4
    np.testing.assert_array_equal(model.predict(X), before)
    huge = RandomFeatureRidge(FrozenEstimator(StandardScaler(with_std=False).fit(X)))
    with pytest.raises(ValueError, match="overflow"):
        huge.fit(1e200 * X, Y[:, 0])
    assert not hasattr(huge, "features_")
