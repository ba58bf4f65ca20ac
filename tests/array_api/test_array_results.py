"""Arrays of other namespaces have the results of NumPy's arrays, where they are."""

import pickle

import numpy as np
import pytest
import sklearn
from arrays import assert_close
from sklearn.frozen import FrozenEstimator
from sklearn.kernel_approximation import RBFSampler
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils._array_api import get_namespace_and_device, move_estimator_to

from skrf import (
    ACTIVATIONS,
    GradientOuterProduct,
    LinearizedNTKFeatures,
    OverparamNetRegressor,
    RandomFeatureRidge,
    RandomFeatureRidgeClassifier,
    RandomFeatures,
    RandomReLUFeatures,
)
from skrf._utils.array_api import Namespace, namespace_of, to_numpy
from skrf.kernels import arc_cosine_kernel


@pytest.mark.parametrize("projection", ["dense", "orthogonal", "structured"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_transforms(activation, projection, convert, data):
    X, *_, tolerances = data
    if activation in ("erf", "gelu") and "device1" in str(convert(X).device):
        pytest.skip("SciPy has no erf for array_api_strict on other devices than the CPU")
    options = {"activation": activation, "projection": projection, "random_state": 0}
    maps = [RandomFeatures(9, **options)]
    for train in ("hidden", "output", "both"):
        if train == "output" or ACTIVATIONS[activation].has_slope:
            a = np.linspace(-1, 2, 9)
            maps.append(LinearizedNTKFeatures(9, train=train, output_weights=a, **options))
    for features in maps:
        expected = features.fit(X).transform(X)
        on_device = sklearn.clone(features).fit(convert(X))
        Z = on_device.transform(convert(X))
        assert_close(Z, expected, tolerances["features"], convert(X))
        assert_close(on_device.weights_, features.weights_, 0, convert(X))
        narrow = on_device.narrowed(4).transform(convert(X))
        expected = features.narrowed(4).transform(X)
        assert_close(narrow, expected, tolerances["features"], convert(X))
        if isinstance(features, LinearizedNTKFeatures):
            K = on_device.tangent_kernel(convert(X), convert(X[:7]))
            expected = features.tangent_kernel(X, X[:7])
            assert_close(K, expected, tolerances["features"], convert(X))


FEATURES = {
    "narrow": RandomReLUFeatures(30, random_state=0),
    "wide": make_pipeline(StandardScaler(), RandomReLUFeatures(200, random_state=0)),
    "tangent": make_pipeline(
        StandardScaler(), LinearizedNTKFeatures(60, activation="tanh", random_state=0)
    ),
    "both": LinearizedNTKFeatures(5, train="both", random_state=0),
}


@pytest.mark.parametrize("features", FEATURES.values(), ids=FEATURES)
@pytest.mark.parametrize("solver", ["primal", "dual"])
def test_ridge_at_a_penalty(features, solver, convert, data):
    X, y, weights, tolerances = data
    targets = np.stack([y, -2 * y + X[:, 3]], axis=1)
    for Y, intercept, block in ((y, True, "auto"), (targets, False, 50)):
        Z = features.fit(X).transform(X).astype(float)
        alpha = 1e-3 * np.linalg.eigvalsh(Z.T @ Z)[-1]
        model = RandomFeatureRidge(
            features, alphas=alpha, solver=solver, fit_intercept=intercept, block_size=block
        )
        expected = model.fit(X, Y, weights).predict(X)
        on_device = sklearn.clone(model).fit(convert(X), convert(Y), convert(weights))
        predictions = on_device.predict(convert(X))
        assert_close(predictions, expected, tolerances["predictions"], convert(X))
        assert namespace_of(on_device.output_weights_) == namespace_of(convert(X))
        score = on_device.score(convert(X), convert(Y), convert(weights))
        assert score == pytest.approx(model.score(X, Y, weights), abs=1e-5)


@pytest.mark.parametrize("features", FEATURES.values(), ids=FEATURES)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"solver": "dual"},
        {"alphas": [0.1]},
        {"cv": 3},
        {"cv": 3, "solver": "dual"},
        {"scoring": "neg_mean_absolute_error", "store_cv_results": True},
    ],
    ids=str,
)
def test_errors_of_rows_left_out(features, options, convert, data):
    X, y, weights, tolerances = data
    model = RandomFeatureRidge(features, **options).fit(X, y, weights)
    on_device = sklearn.clone(model).fit(convert(X), y, convert(weights))
    error = on_device.best_score_ / model.best_score_ - 1
    assert abs(error) <= tolerances["errors"]
    if model.store_cv_results:
        results = on_device.cv_predictions_
        assert_close(results, model.cv_predictions_, tolerances["errors"], convert(X))


@pytest.mark.parametrize("n_classes", [2, 3])
def test_classifier(n_classes, convert, data):
    X, y, weights, _ = data
    labels = np.digitize(y, np.quantile(y, np.arange(1, n_classes) / n_classes))
    model = RandomFeatureRidgeClassifier(
        FEATURES["narrow"], alphas=1.0, class_weight="balanced"
    ).fit(X, labels, weights)
    on_device = sklearn.clone(model).fit(convert(X), convert(labels), weights)
    assert_close(on_device.predict(convert(X)), model.predict(X), 0, convert(X))
    for method in ("predict_proba", "predict_log_proba", "decision_function"):
        result = getattr(on_device, method)(convert(X))
        assert_close(result, getattr(model, method)(X), 1e-3, convert(X))
    assert on_device.score(convert(X), convert(labels)) == model.score(X, labels)
    words = np.array(["low", "middle", "high"])[labels]
    on_device.fit(convert(X), words, weights)
    assert set(on_device.predict(convert(X))) <= set(words)
    default = RandomFeatureRidgeClassifier(FEATURES["narrow"])
    scores = [default.fit(X, labels).best_score_ for X in (X, convert(X))]
    assert scores[0] == pytest.approx(scores[1], abs=0.02)


def test_several_labels(convert, data):
    X, y, *_ = data
    Y = np.stack([y > 0, X[:, 1] > 1], axis=1).astype(int)
    model = RandomFeatureRidgeClassifier(FEATURES["narrow"], alphas=1.0).fit(X, Y)
    on_device = sklearn.clone(model).fit(convert(X), convert(Y))
    assert_close(on_device.predict(convert(X)), model.predict(X), 0, convert(X))


@pytest.mark.parametrize("features", ["narrow", "wide", "tangent"])
def test_width_path(features, convert, data):
    X, y, weights, tolerances = data
    Y = np.stack([y, X[:, 0] * y], axis=1)
    model = RandomFeatureRidge(FEATURES[features], alphas=[0.5, 5.0])
    path = model.width_path(X, Y, weights)
    on_device = model.width_path(convert(X), Y, weights)
    for name in ("leave_one_out_errors", "training_errors"):
        ratio = getattr(on_device, name) / getattr(path, name)
        assert np.abs(ratio - 1).max() <= tolerances["errors"]
    model.set_params(select_width=True)
    expected = model.fit(X, y).best_score_
    selected = sklearn.clone(model).fit(convert(X), y)
    assert selected.best_score_ == pytest.approx(expected, rel=tolerances["errors"])
    assert selected.predict(convert(X)).shape == (120,)


def test_streams(convert, data):
    X, y, weights, tolerances = data
    parts = slice(0, 50), slice(50, 120)
    model, on_device, other = (RandomFeatureRidge(FEATURES["narrow"]) for _ in range(3))
    for rows in parts:
        model.partial_fit(X[rows], y[rows], weights[rows])
    on_device.partial_fit(convert(X[:50]), convert(y[:50]), convert(weights[:50]))
    other.partial_fit(convert(X[50:]), y[50:], weights[50:])
    on_device = pickle.loads(pickle.dumps(on_device)).merge(other)
    predictions = on_device.predict(convert(X))
    assert_close(predictions, model.predict(X), tolerances["predictions"], convert(X))
    assert namespace_of(on_device.output_weights_) == namespace_of(convert(X))


@pytest.mark.parametrize("features", ["narrow", "wide", "tangent"])
def test_gradient_outer_product_of_ridge(features, convert, data):
    X, y, weights, _ = data
    model = RandomFeatureRidge(FEATURES[features], alphas=1.0).fit(X, y)
    on_device = sklearn.clone(model).fit(convert(X), y)
    M = on_device.gradient_outer_product(convert(X), weights)
    assert_close(M, model.gradient_outer_product(X, weights), 1e-3, convert(X))


def test_learned_metric(convert, data):
    X, y, weights, tolerances = data
    X, tangent = X / 3, LinearizedNTKFeatures(20, activation="tanh")
    for options in ({}, {"features": tangent, "n_components": 2, "max_iter": 1}):
        model = GradientOuterProduct(random_state=0, **options)
        model.fit(X, y, weights)
        on_device = sklearn.clone(model).fit(convert(X), convert(y), convert(weights))
        assert on_device.best_round_ == model.best_round_
        for name in ("metric_", "validation_scores_"):
            result, expected = getattr(on_device, name), getattr(model, name)
            assert_close(result, expected, 10 * tolerances["errors"], convert(X))
        assert_close(on_device.transform(convert(X)), model.transform(X), 1e-2, convert(X))


def test_rows_of_a_memory_map_are_moved_by_blocks(convert, data, tmp_path):
    """The features move each block to the device; X and all results stay in NumPy."""
    X, y, weights, tolerances = data
    rows = np.memmap(tmp_path / "X", mode="w+", shape=X.shape, dtype=X.dtype)
    rows[...] = X
    lengths = []

    def move(X):
        lengths.append(len(X))
        return convert(np.asarray(X))

    features = make_pipeline(FunctionTransformer(move), FEATURES["narrow"]).fit(rows[:1])
    model = RandomFeatureRidge(FrozenEstimator(features), block_size=32)
    expected = RandomFeatureRidge(FEATURES["narrow"]).fit(X, y, weights)
    model.fit(rows, y, weights)
    assert model.best_score_ == pytest.approx(
        expected.best_score_, rel=tolerances["errors"]
    )
    assert isinstance(model.predict(rows), np.ndarray)
    assert max(lengths) == 32


def test_devices_without_float64(convert, data, monkeypatch):
    """Only features are computed there; sums of products are NumPy's, in float64."""
    monkeypatch.setattr(Namespace, "has_float64", False)
    X, y, weights, tolerances = data
    for options in ({}, {"solver": "dual"}, {"cv": 3}):
        model = RandomFeatureRidge(FEATURES["narrow"], **options)
        expected = model.fit(X, y, weights).best_score_
        score = sklearn.clone(model).fit(convert(X), y, weights).best_score_
        assert score == pytest.approx(expected, rel=tolerances["errors"])


def test_eigenvectors_of_libraries_that_read_both_triangles(monkeypatch, convert, rng):
    """The solvers fill only the lower triangle, and JAX averages both."""
    A = rng.standard_normal((9, 9))
    expected = np.linalg.eigvalsh(A)
    space = namespace_of(convert(A))
    eigh = space.xp.linalg.eigh
    monkeypatch.setattr(space.xp.linalg, "eigh", lambda A: eigh((A + A.T) / 2))
    values, vectors = space.eigh(A.copy())
    np.testing.assert_allclose(values, expected, atol=1e-12)
    symmetric = np.tril(A) + np.tril(A, -1).T
    np.testing.assert_allclose(symmetric @ vectors, vectors * values, atol=1e-12)


def test_estimators_move_to_another_namespace(convert, data):
    X, y, *_ = data
    for model in (
        RandomFeatureRidge(FEATURES["both"]),
        RandomFeatureRidge(RandomFeatures(30, projection="structured", random_state=0)),
        make_pipeline(GradientOuterProduct(random_state=0), FEATURES["narrow"]),
    ):
        model.fit(X, y)
        method = "predict" if hasattr(model, "predict") else "transform"
        expected = getattr(model, method)(X)
        xp, _, device = get_namespace_and_device(convert(X))
        moved = move_estimator_to(model, xp, device)
        result = getattr(moved, method)(convert(X))
        assert_close(result, expected, 1e-4, convert(X))
        back = move_estimator_to(moved, np, "cpu")
        np.testing.assert_allclose(getattr(back, method)(X), expected, rtol=1e-3, atol=1e-3)


def test_selection_and_pickles(convert, data):
    X, y, *_ = data
    if "strict" in type(convert(X)).__module__:
        pytest.skip("array_api_strict takes no index arrays of NumPy, as splits are")
    search = GridSearchCV(
        RandomFeatureRidge(RandomReLUFeatures()), {"features__width": [10, 20]}, cv=3
    )
    search.fit(convert(X), convert(y))
    assert search.best_score_ > 0.8
    scores = cross_val_score(search.best_estimator_, convert(X), convert(y))
    assert scores.mean() > 0.8
    copy = pickle.loads(pickle.dumps(search.best_estimator_))
    expected = to_numpy(search.predict(convert(X)))
    assert_close(copy.predict(convert(X)), expected, 0, convert(X))


def test_numpy_does_not_change_with_dispatch(data):
    X, y, *_ = data
    models = []
    for on in (True, False):
        with sklearn.config_context(array_api_dispatch=on):
            models.append(RandomFeatureRidge(FEATURES["narrow"]).fit(X, list(y)))
    first, second = (model.predict(X) for model in models)
    assert np.array_equal(first, second)


def test_from_weights(convert):
    W, b = np.array([[3.0, 4.0]]), np.array([-1.0])
    neuron = RandomReLUFeatures(1).from_weights(convert(W), convert(b))
    X = convert(np.array([[1.0, 0.0]]))
    assert_close(neuron.transform(X), np.array([[2.0]]), 0, X)


def test_errors_name_the_remedy(convert, data):
    X, y, *_ = data
    net = OverparamNetRegressor(max_iter=1, tol=None)
    with pytest.raises(ValueError, match=r"no array API support.* Convert X to NumPy"):
        net.fit(convert(X), y)
    with pytest.raises(ValueError, match="for kernels"):
        arc_cosine_kernel(convert(X))
    with pytest.raises(ValueError, match=r"RBFSampler\(\)\. Use for instance Random"):
        RandomFeatureRidge(RBFSampler()).fit(convert(X), y)
    fitted = []
    step = FunctionTransformer(lambda X: fitted.append(X) or X)
    features = make_pipeline(step, RandomReLUFeatures(3))
    with pytest.raises(ValueError, match=r"got 'cg'\. Use solver"):
        RandomFeatureRidge(features, solver="cg", alphas=1.0).fit(convert(X), y)
    assert not fitted  # before any work
    # Rows in NumPy with features on a device.
    move = FunctionTransformer(convert)
    features = make_pipeline(move, RandomReLUFeatures(3)).fit(X[:1])
    with pytest.raises(ValueError, match=r"got 'cg'\. Use solver"):
        RandomFeatureRidge(FrozenEstimator(features), solver="cg", alphas=1.0).fit(X, y)
    ntk = LinearizedNTKFeatures(3).fit(convert(X))
    with pytest.raises(ValueError, match="for as_linear_operator"):
        ntk.as_linear_operator(convert(X))
    bad = X.copy()
    bad[3, 2] = np.nan
    with pytest.raises(ValueError, match="contains NaN"):
        RandomFeatureRidge().fit(convert(bad), y)
    large = RandomFeatures(3, activation="squared_relu").fit(convert(X))
    with pytest.raises(ValueError, match="values that overflow float"):
        large.transform(convert(X * np.finfo(X.dtype).max ** 0.7))
    model = RandomFeatureRidge(FEATURES["narrow"]).fit(convert(X), y)
    with (
        sklearn.config_context(array_api_dispatch=False),
        pytest.raises(ValueError, match="array_api_dispatch=True"),
    ):
        model.predict(X)
    not_arrays = make_pipeline(FunctionTransformer(to_numpy), RandomReLUFeatures(3))
    with pytest.raises(ValueError, match="namespace of `X`"):
        RandomFeatureRidge(not_arrays).fit(convert(X), y)
