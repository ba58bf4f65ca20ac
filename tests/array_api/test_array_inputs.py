"""Every kind of X, y, weights and parameters next to arrays of other namespaces."""

import copy

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import sklearn
from arrays import assert_close
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GroupKFold, KFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils._array_api import get_namespace_and_device, move_estimator_to

from skrf import (
    GradientOuterProduct,
    LinearizedNTKFeatures,
    RandomFeatureRidge,
    RandomFeatureRidgeClassifier,
    RandomReLUFeatures,
    make_single_neuron,
)
from skrf.displays import GradientOuterProductDisplay
from skrf.theory import exact_risk

FEATURES = RandomReLUFeatures(20, random_state=0)


def estimators():
    """An estimator of every class that takes arrays."""
    return (
        RandomReLUFeatures(20, random_state=0),
        LinearizedNTKFeatures(5, random_state=0),
        GradientOuterProduct(max_iter=1, random_state=0),
        RandomFeatureRidge(FEATURES),
        RandomFeatureRidge(LinearizedNTKFeatures(30, random_state=0), solver="dual"),
    )


def result(model, X):
    """The transformed rows, or the predictions."""
    return model.predict(X) if hasattr(model, "predict") else model.transform(X)


ROWS = {
    "array": np.asarray,
    "list": np.ndarray.tolist,
    "frame": pd.DataFrame,
    "sparse": csr_array,
    "Dask": lambda X: da.from_array(X, chunks=(50, 4)),
}


@pytest.mark.parametrize("rows", ROWS)
def test_rows_of_numpy_do_not_change_with_dispatch(rows, data):
    X, y, weights, _ = data
    X = ROWS[rows](X)
    parts = [X, y, weights, y > 0]
    if rows == "Dask":
        parts[1:] = [da.from_array(part, chunks=50) for part in parts[1:]]
    results = []
    for on in (True, False):
        X, y, weights, labels = parts
        with sklearn.config_context(array_api_dispatch=on):
            gop = GradientOuterProduct(max_iter=1, random_state=0).fit(X, y, weights)
            model = RandomFeatureRidge(FEATURES).fit(X, y, weights)
            classifier = RandomFeatureRidgeClassifier(FEATURES).fit(X, labels, weights)
            results.append(
                [
                    FEATURES.fit_transform(X),
                    gop.transform(X),
                    model.predict(X),
                    model.gradient_outer_product(X, weights),
                    model.score(X, y, weights),
                    classifier.predict_proba(X),
                ]
            )
    for first, second in zip(*results, strict=True):
        assert type(first) is type(second)
        np.testing.assert_array_equal(np.asarray(first), np.asarray(second))


def test_targets_of_pandas(convert, data):
    """Types that scikit-learn's functions reject with dispatch."""
    X, y, weights, _ = data
    words = np.array(["low", "high"])[(y > 0).astype(int)]
    model = RandomFeatureRidgeClassifier(FEATURES, cv=3, class_weight="balanced")
    expected = clone(model).fit(X, words, weights).predict(X)
    for labels in (pd.Categorical(words), pd.array(words), pd.Index(words)):
        on_device = clone(model).fit(convert(X), labels, pd.array(weights))
        assert np.array_equal(on_device.predict(convert(X)), expected)
        assert isinstance(on_device.classes_, np.ndarray)
    ridge = RandomFeatureRidge(FEATURES, cv=GroupKFold(2))
    expected = clone(ridge).fit(X, y, groups=words).best_score_
    score = ridge.fit(convert(X), pd.Index(y), groups=pd.Categorical(words)).best_score_
    assert score == pytest.approx(expected, rel=1e-3)


def test_splits_where_x_is(convert, data):
    X, y, *_ = data
    splits = list(KFold(3).split(X))
    model = RandomFeatureRidge(FEATURES, cv=splits).fit(X, y)
    on_device = RandomFeatureRidge(
        FEATURES, cv=[(convert(train), convert(test)) for train, test in splits]
    ).fit(convert(X), convert(y))
    assert on_device.best_score_ == pytest.approx(model.best_score_, rel=1e-3)


def test_classes_are_where_x_is(convert, data):
    X, y, *_ = data
    labels = np.digitize(y, [-1, 1])
    model = RandomFeatureRidgeClassifier(FEATURES, alphas=1.0).fit(X, labels)
    stream = clone(model).partial_fit(X, labels, classes=[0, 1, 2])
    for target in (labels, convert(labels)):
        on_device = clone(model).fit(convert(X), target)
        assert_close(on_device.classes_, model.classes_, 0, convert(X))
        on_device = clone(model).partial_fit(convert(X), target, convert(np.arange(3)))
        on_device.partial_fit(convert(X), target, convert(np.arange(3)))
        assert_close(on_device.classes_, model.classes_, 0, convert(X))
        with pytest.raises(ValueError, match="is not the same as on last call"):
            on_device.partial_fit(convert(X), target, convert(np.arange(4)))
    xp, _, device = get_namespace_and_device(convert(X))
    for fitted in (model, stream):
        moved = move_estimator_to(fitted, xp, device)
        assert_close(moved.predict(convert(X)), fitted.predict(X), 0, convert(X))
        assert moved.score(convert(X), labels) == fitted.score(X, labels)
        back = move_estimator_to(moved, np, "cpu")
        assert np.array_equal(back.predict(X), fitted.predict(X))


def test_probabilities_by_tools_of_scikit_learn(torch, data):
    X, y, *_ = data
    labels = (y > 0).astype(int)
    model = RandomFeatureRidgeClassifier(FEATURES, alphas=1.0)
    expected = cross_val_predict(model, X, labels, method="predict_proba")
    X, labels = torch.asarray(X), torch.asarray(labels)
    probabilities = cross_val_predict(model, X, labels, method="predict_proba")
    assert_close(probabilities, expected, 1e-3, X)
    calibrated = CalibratedClassifierCV(model, method="temperature", ensemble=False)
    assert calibrated.fit(X, labels).score(X, labels) > 0.8


def test_tensors_with_gradients(torch, data):
    """A fit ignores the gradients; transformers and predictions pass them on."""
    X, y, weights, tolerances = data
    tensors = [torch.asarray(array).requires_grad_() for array in (X, y, weights)]
    for model in estimators():
        expected = result(clone(model).fit(X, y), X)
        fitted = model.fit(*tensors[:2])
        for rows in (tensors[0].detach(), tensors[0]):
            assert result(fitted, rows).requires_grad == rows.requires_grad
        tolerance = 100 * tolerances["predictions"]
        assert_close(result(fitted, tensors[0]), expected, tolerance, tensors[0])
    model = RandomFeatureRidge(
        make_pipeline(StandardScaler(), LinearizedNTKFeatures(9, activation="tanh"))
    )
    model.fit(*tensors)
    assert not model.features_[0].mean_.requires_grad
    assert not model.output_weights_.requires_grad
    stream = RandomFeatureRidge(FEATURES).partial_fit(*tensors).partial_fit(*tensors)
    assert not stream.output_weights_.requires_grad
    assert not model.gradient_outer_product(tensors[0]).requires_grad
    assert model.score(*tensors) > 0.5
    slopes = torch.autograd.grad(model.predict(tensors[0]).sum(), tensors[0])[0]
    assert bool((slopes != 0).any())


@pytest.mark.filterwarnings("ignore:Sparse CSR")
def test_dtypes_and_layouts_of_torch(torch, data):
    X, y, weights, _ = data
    X, y, weights = (torch.asarray(array) for array in (X, y, weights))
    model = RandomFeatureRidge(FEATURES)
    half = model.fit(X, y.to(torch.bfloat16), weights.to(torch.bfloat16)).predict(X)
    single = model.fit(X, y.to(torch.bfloat16).float(), weights.float()).predict(X)
    assert torch.equal(half, single)
    for model in estimators():
        for sparse in (X.to_sparse(), X.to_sparse_csr()):
            with pytest.raises(ValueError, match=r"got the layout .* Pass X\.to_dense"):
                model.fit(sparse, y)
        with pytest.raises(ValueError, match=r"got torch\.complex.* Pass X\.real"):
            model.fit(X + 1j, y)
        expected = result(model.fit(X, y), X)
        wide = torch.stack([X, X], dim=2)[:, :, 0]  # not contiguous
        assert torch.allclose(result(model.fit(wide, y), wide), expected, rtol=1e-2)


def test_output_of_data_frames(torch, data):
    """set_output is for users: inside a ridge model features return arrays."""
    X, y, *_ = data
    X, y = torch.asarray(X), torch.asarray(y)
    scaled = make_pipeline(StandardScaler(), FEATURES)
    for model in (
        RandomFeatureRidge(FEATURES),
        RandomFeatureRidge(scaled),
        GradientOuterProduct(features=scaled, max_iter=1, random_state=0),
    ):
        expected = clone(model).fit(X, y)
        with sklearn.config_context(transform_output="pandas"):
            score = model.fit(X, y)
            if hasattr(model, "predict"):
                assert torch.equal(score.predict(X), expected.predict(X))
            else:
                assert isinstance(model.transform(X), pd.DataFrame)
                assert torch.equal(model.metric_, expected.metric_)
    features = clone(FEATURES).set_output(transform="pandas")
    assert isinstance(features.fit_transform(X), pd.DataFrame)
    expected = RandomFeatureRidge(FEATURES).fit(X, y).predict(X)
    assert torch.equal(RandomFeatureRidge(features).fit(X, y).predict(X), expected)
    features = clone(scaled).set_output(transform="pandas")
    with pytest.raises(ValueError, match=r"(?s)got DataFrame.* Call their set_output"):
        RandomFeatureRidge(features).fit(X, y)


def test_displays_and_theory_of_fitted_models(convert, data):
    pyplot = pytest.importorskip("matplotlib.pyplot")
    X, y, *_ = data
    X, target = X.astype(float), make_single_neuron(9, 4, return_target=True)[2]
    scaled = make_pipeline(StandardScaler(), RandomReLUFeatures(9, random_state=0))
    metric = GradientOuterProduct(max_iter=1, random_state=0)
    for model in (RandomFeatureRidge(FEATURES), RandomFeatureRidge(scaled), metric):
        expected = model.fit(X, y)
        on_device = clone(model).fit(convert(X), convert(y))
        display = GradientOuterProductDisplay.from_estimator(on_device, convert(X))
        pyplot.close(display.figure_)
        if model is not metric:
            risk = exact_risk(on_device, target).risk
            assert risk == pytest.approx(exact_risk(expected, target).risk, rel=1e-6)


def test_rows_of_another_namespace_than_the_features(convert, data):
    X, y, *_ = data
    model = RandomFeatureRidge(FEATURES).partial_fit(convert(X), y)
    frozen = FrozenEstimator(model.features_)
    before = copy.copy(vars(model))
    for rows in (X, X.tolist(), pd.DataFrame(X)):
        for call in (model.partial_fit, RandomFeatureRidge(frozen).fit, model.score):
            with pytest.raises(ValueError, match="must use the same namespace"):
                call(rows, y)
    with sklearn.config_context(array_api_dispatch=False):
        for call in (model.partial_fit, RandomFeatureRidge(frozen).fit):
            with pytest.raises(ValueError, match=r"Set sklearn\.set_config\(array_api"):
                call(X, y)
    with pytest.raises(ValueError, match="must use the same namespace"):
        RandomFeatureRidge(FEATURES).partial_fit(X, y).partial_fit(convert(X), y)
    with pytest.raises(ValueError, match="NaN"):
        model.partial_fit(convert(X), np.full(len(y), np.nan))
    assert vars(model) == before
