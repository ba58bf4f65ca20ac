"""Hints for common slips in the parameters of ridge estimators."""

import inspect

import pytest
from sklearn.base import clone

from skrf import RandomFeatureRidge, RandomFeatureRidgeClassifier, RandomReLUFeatures

MODELS = [RandomFeatureRidge, RandomFeatureRidgeClassifier]


@pytest.mark.parametrize("Model", MODELS)
@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("alpha", "`alphas`"),
        ("width", "RandomReLUFeatures"),
        ("n_components", "RandomReLU"),
    ],
)
def test_unknown_keywords_have_a_hint(Model, name, hint):
    with pytest.raises(TypeError, match=rf"{Model.__name__}.*'{name}'") as error:
        Model(**{name: 500})
    assert hint in error.value.__notes__[0]


@pytest.mark.parametrize("Model", MODELS)
@pytest.mark.parametrize("method", ["fit", "partial_fit", "width_path"])
def test_a_number_is_taken_for_the_width(Model, method):
    model = Model(500)
    with pytest.raises(
        (ValueError, AttributeError), match=r"Pass RandomReLUFeatures\(500\)"
    ):
        getattr(model, method)([[0.0], [1.0]], [0, 1])


@pytest.mark.parametrize("Model", MODELS)
def test_signatures_are_unchanged(Model):
    names = list(inspect.signature(Model).parameters)
    assert names[0] == "features"
    assert set(names) == set(Model().get_params(deep=False))
    model = Model(RandomReLUFeatures(3), alphas=[0.1])
    assert clone(model).get_params()["alphas"] == [0.1]
