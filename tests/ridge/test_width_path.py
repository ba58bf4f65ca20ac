"""All widths at once: against separately fitted narrow models, refits and rank."""

import io
import sys
import warnings

import numpy as np
import pytest
import reference
from scipy.linalg import LinAlgWarning
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skrf import (
    LinearizedNTKFeatures,
    RandomFeatureRidge,
    RandomFeatureRidgeClassifier,
    RandomFeatures,
    RandomReLUFeatures,
)
from skrf.displays import WidthPathDisplay


@pytest.fixture(params=[1, 2], ids=["one output", "two outputs"])
def data(rng, request):
    X = rng.standard_normal((50, 4))
    Y = np.stack([np.sin(2 * X[:, 0]), X[:, 1] * X[:, 2]], axis=1)[:, : request.param]
    return X, Y, rng.integers(0, 4, 50).astype(float)


FEATURES = [
    RandomReLUFeatures(70, random_state=0),
    RandomFeatures(70, activation="erf", projection="orthogonal", random_state=1),
    RandomReLUFeatures(70, projection="structured", weights="sphere", random_state=2),
    LinearizedNTKFeatures(15, random_state=3),
    LinearizedNTKFeatures(15, biases="none", random_state=3),
    make_pipeline(StandardScaler(), RandomReLUFeatures(70, random_state=4)),
]


def with_width(features, width):
    """An unfitted clone of the features with another width."""
    if hasattr(features, "steps"):
        return make_pipeline(StandardScaler(), with_width(features[-1], width))
    return clone(features).set_params(width=width)


@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("features", FEATURES, ids=lambda f: type(f).__name__)
def test_every_entry_is_a_narrow_model_of_its_own(features, fit_intercept, data):
    X, Y, w = data
    model = RandomFeatureRidge(
        features, alphas=[1e-3, 0.1], fit_intercept=fit_intercept, block_size=9
    )
    path = model.width_path(X, Y, sample_weight=w)
    assert not hasattr(model, "features_")
    for k in range(2):
        for width in (2, 11, int(path.widths[-1])):
            alpha = path.alphas[k, width - 1]
            narrow = with_width(features, width)
            one = RandomFeatureRidge(
                narrow, alphas=[alpha], fit_intercept=fit_intercept
            ).fit(X, Y, sample_weight=w)
            error = path.leave_one_out_errors[k, width - 1]
            assert error == pytest.approx(-one.best_score_, rel=1e-9)
            fit_error = np.average(np.mean((one.predict(X) - Y) ** 2, axis=1), weights=w)
            assert path.training_errors[k, width - 1] == pytest.approx(fit_error, rel=1e-8)
            coef, intercept = path.output_layer(width, k)
            np.testing.assert_allclose(coef.T, one.output_weights_, rtol=1e-7, atol=1e-9)
            np.testing.assert_allclose(intercept, one.output_bias_, rtol=1e-7, atol=1e-9)


def test_leave_one_out_of_all_widths_equals_refits(data):
    X, Y, w = data
    features = RandomReLUFeatures(60, random_state=0)
    path = RandomFeatureRidge(features, alphas=0.01).width_path(X, Y, w)
    for width in (1, 30, 60):
        Z = with_width(features, width).fit_transform(X)
        right = reference.leave_one_out(Z, Y, w, path.alphas[0, width - 1], True)
        assert path.leave_one_out_errors[0, width - 1] == pytest.approx(right, rel=1e-8)


@pytest.mark.parametrize(
    "unused", [{"solver": "cg"}, {"solver": "dual"}, {"cv": 3}, {"solver": "cg", "cv": 3}]
)
def test_solver_and_folds_are_not_used(unused, data):
    X, Y, w = data
    model = RandomFeatureRidge(RandomReLUFeatures(9), alphas=[1.0, 2.0], random_state=0)
    model.set_params(select_width=True)
    path = model.width_path(X, Y, w)
    found = model.set_params(**unused).width_path(X, Y, w)
    np.testing.assert_array_equal(found.leave_one_out_errors, path.leave_one_out_errors)
    assert {name: getattr(model, name) for name in unused} == unused


def test_double_descent_peaks_where_the_fit_becomes_exact(rng):
    X = rng.standard_normal((60, 10))
    y = np.sin(X[:, 0]) + 0.3 * rng.standard_normal(60)
    model = RandomFeatureRidge(RandomReLUFeatures(600, random_state=0), alphas=[1e-8])
    path = model.width_path(X, y)
    errors = path.leave_one_out_errors[0]
    assert 50 <= path.widths[np.argmax(errors)] <= 70
    assert errors.max() > 3 * max(errors[14], errors[-1])
    assert np.all(np.diff(path.training_errors[0]) <= 1e-9)


@pytest.mark.parametrize("features", FEATURES, ids=lambda f: type(f).__name__)
def test_the_best_width_is_kept(features, data):
    X, Y, w = data
    model = RandomFeatureRidge(features, alphas=[1e-3, 0.1], select_width=True)
    model.fit(X, Y, sample_weight=w)
    path = clone(model).width_path(X, Y, w)
    k, width = path.best
    assert model.best_score_ == -path.leave_one_out_errors.min()
    assert model.alpha_ == path.alphas[k, width - 1]
    one = RandomFeatureRidge(with_width(features, width), alphas=model.alpha_)
    one.fit(X, Y, sample_weight=w)
    np.testing.assert_allclose(model.predict(X), one.predict(X), rtol=1e-7, atol=1e-9)
    last = model.features_[-1] if hasattr(features, "steps") else model.features_
    assert last.width == width


def test_classes_and_frozen_features(data):
    X, Y, _ = data
    labels = np.digitize(Y[:, 0], [-0.5, 0.5])
    features = FrozenEstimator(RandomReLUFeatures(40, random_state=0).fit(X))
    model = RandomFeatureRidgeClassifier(features, alphas=[0.1], select_width=True)
    model.fit(X, labels)
    width = model.features_.estimator.width
    one = RandomFeatureRidgeClassifier(
        RandomReLUFeatures(width, random_state=0), alphas=model.alpha_
    ).fit(X, labels)
    np.testing.assert_allclose(model.decision_function(X), one.decision_function(X))


def test_narrowed_features_are_those_of_a_narrow_fit(data):
    X = data[0]
    for features in FEATURES[:5]:
        wide = clone(features).fit(X)
        narrow = clone(features).set_params(width=7).fit(X)
        np.testing.assert_allclose(wide.narrowed(7).transform(X), narrow.transform(X))
        assert wide.width == features.width
        with pytest.raises(ValueError, match=r"from 1 to .*; got 0"):
            wide.narrowed(0)


def test_bad_widths_and_penalties(data):
    X, Y, _ = data
    path = RandomFeatureRidge(RandomReLUFeatures(9)).width_path(X, Y)
    with pytest.raises(ValueError, match="`width` must be an integer from 1 to 9"):
        path.output_layer(10)
    with pytest.warns(LinAlgWarning, match="relative error of the leave-one-out errors"):
        RandomFeatureRidge(RandomReLUFeatures(20), alphas=1e-11).width_path(X, Y)
    with pytest.raises(ValueError, match="ordered by neuron"):
        RandomFeatureRidge(LinearizedNTKFeatures(5, train="both")).width_path(X, Y)


def test_a_path_prints_as_one_line(data):
    X, Y, w = data
    path = RandomFeatureRidge(RandomReLUFeatures(60), alphas=[0.1, 1]).width_path(X, Y, w)
    k, width = path.best
    error, alpha = path.leave_one_out_errors.min(), path.alphas[k, width - 1]
    assert str(path) == (
        f"<WidthPath: widths 1 to 60, 2 alphas, {np.count_nonzero(w)} rows; best "
        f"{error:.3g} at width {width}, alpha {alpha:.3g}>"
    )


def test_display(data):
    pytest.importorskip("matplotlib", reason="pictures need the extra 'examples'")
    from matplotlib.figure import Figure

    X, Y, _ = data
    model = RandomFeatureRidge(RandomReLUFeatures(80), alphas=[1e-4, 1e-2])
    ax = Figure().subplots()
    display = WidthPathDisplay.from_estimator(model, X, Y, ax=ax)
    assert display.ax_ is ax
    assert display.figure_ is ax.figure
    assert len(display.lines_) == 4
    np.testing.assert_array_equal(
        display.lines_[2].get_ydata(), display.path.leave_one_out_errors[1]
    )
    halved = WidthPathDisplay(path=display.path).plot(
        Figure().subplots(), training=False, target_variance=2.0
    )
    np.testing.assert_array_equal(
        halved.lines_[0].get_ydata(), display.path.leave_one_out_errors[0] / 2
    )
    assert halved.ax_.get_ylabel() == "relative squared error"


def test_display_of_many_alphas(data):
    pytest.importorskip("matplotlib", reason="pictures need the extra 'examples'")
    from matplotlib.figure import Figure

    X, Y, _ = data
    alphas = np.logspace(-3, 3, 50)
    figure = Figure(layout="constrained")
    display = WidthPathDisplay.from_estimator(
        RandomFeatureRidge(RandomReLUFeatures(30), alphas=alphas),
        X,
        Y,
        ax=figure.subplots(),
    )
    assert len({line.get_color() for line in display.lines_}) == 50
    ax, bar = figure.axes
    assert (bar.get_ylabel(), bar.get_yscale()) == ("alpha at width 30", "log")
    assert bar.get_ylim() == pytest.approx((1e-3, 1e3))
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["leave-one-out", "training"]
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "constrained_layout not applied")
        figure.savefig(io.BytesIO())


def test_display_without_matplotlib(data, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    X, Y, _ = data
    path = RandomFeatureRidge(RandomReLUFeatures(9)).width_path(X, Y)
    with pytest.raises(ImportError, match=r"scikit-random-features\[examples\]"):
        WidthPathDisplay(path=path).plot()
