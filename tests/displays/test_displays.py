"""Displays draw the numbers that they are given."""

import sys

import numpy as np
import pytest

from skrf import GradientOuterProduct, RandomFeatureRidge, RandomReLUFeatures
from skrf.displays import (
    ErrorFloorDisplay,
    FeaturesNeededDisplay,
    GradientOuterProductDisplay,
    LazinessDisplay,
    SpectrumDisplay,
    WidthPathDisplay,
)
from skrf.theory import neuron_spectrum


@pytest.fixture
def axes():
    pytest.importorskip("matplotlib", reason="pictures need the extra 'examples'")
    from matplotlib.figure import Figure

    return Figure().subplots()


def drawn(display):
    """{label: heights} of the curves."""
    return {line.get_label(): np.asarray(line.get_ydata()) for line in display.lines_}


def test_error_floor(axes):
    display = ErrorFloorDisplay(
        n_features=[1, 10], errors={"mine": [0.9, 0.5]}, floor=[0.8, 0.1]
    ).plot(axes)
    curves = drawn(display)
    np.testing.assert_array_equal(curves["mine"], [0.9, 0.5])
    np.testing.assert_array_equal(
        curves["lower bound for any features, averaged over w*"], [0.8, 0.1]
    )
    assert display.ax_ is axes
    assert axes.get_xscale() == axes.get_yscale() == "log"


def test_features_needed(axes):
    display = FeaturesNeededDisplay(
        dimensions=[5, 10], log10_needed={"1%": [2.0, 3.0]}, others={"SGD": [1.0, 1.5]}
    ).plot(axes)
    np.testing.assert_array_equal(drawn(display)["1%"], [2.0, 3.0])
    np.testing.assert_array_equal(drawn(display)["SGD"], [1.0, 1.5])
    assert axes.get_yscale() == "linear"


def test_spectrum(axes):
    spectrum = neuron_spectrum(5, -1.0)
    display = SpectrumDisplay(spectra={"d = 5": spectrum}, max_degree=20).plot(axes)
    fractions = drawn(display)["d = 5"]
    energies = spectrum.multiplicities[1:21] * spectrum.eigenvalues[1:21] / spectrum.total
    np.testing.assert_allclose(fractions, energies, rtol=1e-9)


@pytest.mark.parametrize("spectra", [{}, None, neuron_spectrum(5), {"d = 5": 1.0}])
def test_spectra_are_a_dict_of_them(spectra, axes):
    with pytest.raises(ValueError, match="`spectra` must be a dict of NeuronSpectrum"):
        SpectrumDisplay(spectra=spectra).plot(axes)


def test_laziness(axes):
    display = LazinessDisplay(widths=[10, 100], curves={"gap": [0.5, 0.1]}).plot(axes)
    np.testing.assert_array_equal(drawn(display)["gap"], [0.5, 0.1])
    assert axes.get_xlabel() == "width"


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r"scikit-random-features\[examples\]"):
        LazinessDisplay(widths=[1], curves={"gap": [0.1]}).plot()


@pytest.mark.parametrize(
    "display",
    [
        ErrorFloorDisplay(n_features=[1, 2], errors={"a": [1]}, floor=[1, 2]),
        FeaturesNeededDisplay(dimensions=[5], log10_needed={"a": [1, 2]}),
        SpectrumDisplay(spectra={}),
        LazinessDisplay(widths=[1], curves={"a": [1, 2]}),
    ],
    ids=lambda display: type(display).__name__,
)
def test_what_is_refused_opens_no_figure(display):
    pyplot = pytest.importorskip("matplotlib.pyplot", reason="in the extra 'examples'")
    before = pyplot.get_fignums()
    with pytest.raises(ValueError, match="Pass"):
        display.plot()
    assert pyplot.get_fignums() == before
    assert not hasattr(display, "ax_")


def test_each_spectrum_ends_at_its_own_degree(axes):
    spectra = {"short": neuron_spectrum(5, 1000.0), "long": neuron_spectrum(5)}
    curves = drawn(SpectrumDisplay(spectra=spectra, max_degree=90).plot(axes))
    assert len(curves["short"]) == spectra["short"].max_degree < 90
    assert len(curves["long"]) == 90


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_width_paths_of_constant_targets_are_drawn(value, axes, rng):
    model = RandomFeatureRidge(RandomReLUFeatures(20), random_state=0)
    display = WidthPathDisplay.from_estimator(
        model, rng.standard_normal((30, 3)), np.full(30, value), ax=axes
    )
    assert all((line.get_ydata() > 0).all() for line in display.lines_)
    assert 0 < axes.get_ylim()[0] < axes.get_ylim()[1]


def test_directions(axes, rng):
    Q = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    matrix = (Q * [6, 3, 1, 0]) @ Q.T
    display = GradientOuterProductDisplay(matrix=matrix).plot(axes, n_directions=4)
    np.testing.assert_allclose(display.fractions_, [0.6, 0.3, 0.1])
    for bars, q in zip(display.bars_, Q.T, strict=False):
        heights = np.array([bar.get_height() for bar in bars])
        assert abs(heights @ q) == pytest.approx(1)
        assert heights[np.abs(heights).argmax()] > 0
    labels = [text.get_text() for text in axes.get_legend().get_texts()]
    assert labels[0] == "direction 1: 60.0% of the trace"
    assert len(labels) == 3


def test_directions_of_estimators(axes, rng):
    pandas = pytest.importorskip("pandas", reason="data frames need pandas")
    X = pandas.DataFrame(rng.standard_normal((90, 3)), columns=list("abc"))
    y, features = np.sin(X["b"]), RandomReLUFeatures(30, random_state=0)
    model = RandomFeatureRidge(features).fit(X, y)
    for estimator, arguments in ((model, [X]), (GradientOuterProduct().fit(X, y), [])):
        axes.clear()
        display = GradientOuterProductDisplay.from_estimator(
            estimator, *arguments, ax=axes, n_directions=1
        )
        assert [tick.get_text() for tick in axes.get_xticklabels()] == list("abc")
        assert display.bars_[0][1].get_height() > 0.9
    with pytest.raises(ValueError, match=r"`estimator` must have.*got RandomReLUFeatures"):
        GradientOuterProductDisplay.from_estimator(features)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"matrix": np.ones((2, 3))}, r"`matrix` must be symmetric.*\(2, 3\)"),
        ({"matrix": [[1.0, 2.0], [0.0, 1.0]]}, "`matrix` must be symmetric"),
        ({"matrix": np.zeros((2, 2))}, "positive trace"),
        ({"matrix": np.eye(2), "feature_names": ["a"]}, "must have 2 names.*got 1"),
    ],
)
def test_matrices_without_directions(options, message):
    with pytest.raises(ValueError, match=message):
        GradientOuterProductDisplay(**options).plot()
