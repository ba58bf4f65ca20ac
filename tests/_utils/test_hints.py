"""Errors for parameter names of other packages."""

import inspect

import pytest
from sklearn.base import clone

import skrf

CLASSES = [value for name in skrf.__all__ if inspect.isclass(value := getattr(skrf, name))]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_an_unknown_parameter_names_the_class_that_was_called(kind):
    with pytest.raises(TypeError, match=rf"{kind.__name__}\.__init__\(\).*'colour'"):
        kind(colour="red")


@pytest.mark.parametrize(
    ("kind", "name", "hint"),
    [
        (skrf.OverparamNetRegressor, "hidden_layer_sizes", "width"),
        (skrf.OverparamNetClassifier, "hidden_layer_sizes", "width"),
        (skrf.OverparamNetRegressor, "learning_rate_init", "eta0"),
        (skrf.OverparamNetClassifier, "solver", "SGD"),
        (skrf.RandomFeatures, "n_components", "width"),
        (skrf.RandomReLUFeatures, "n_components", "width"),
        (skrf.LinearizedNTKFeatures, "n_components", "width"),
    ],
)
def test_the_note_names_our_parameter(kind, name, hint):
    with pytest.raises(TypeError, match=name) as caught:
        kind(**{name: 10})
    (note,) = caught.value.__notes__
    assert hint in note


def test_the_classifier_adds_its_parameter_to_those_of_the_regressor():
    ours, common = (
        inspect.signature(kind).parameters
        for kind in (skrf.OverparamNetClassifier, skrf.OverparamNetRegressor)
    )
    assert [*ours] == [*common, "class_weight"]
    net = skrf.OverparamNetClassifier(7, alpha=0.1, class_weight="balanced")
    assert clone(net).get_params() == net.get_params()
    assert net.get_params()["class_weight"] == "balanced"
    assert net.width == 7
