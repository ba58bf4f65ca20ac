"""What a notebook shows: estimators with their parameters, and progress bars."""

import inspect
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import BaseEstimator

import skrf
from skrf import RandomReLUFeatures

ROOT = Path(__file__).parents[1]
ESTIMATORS = sorted(
    name
    for name in skrf.__all__
    if inspect.isclass(getattr(skrf, name))
    and issubclass(getattr(skrf, name), BaseEstimator)
)
RNG = np.random.default_rng(0)
X = RNG.standard_normal((40, 3))
Y = np.where(X[:, 0] + 0.1 * RNG.standard_normal(40) > 0, 1, -1)


def small(name):
    """An estimator with one parameter that is not the default."""
    cls = getattr(skrf, name)
    parameters = {"width": 17, "features": RandomReLUFeatures(17)}
    return cls(
        **{k: v for k, v in parameters.items() if k in inspect.signature(cls).parameters}
    )


def texts_of(page):
    """The texts between the tags of a page."""
    return {" ".join(text.split()) for text in re.findall(r">([^<>]+)<", page)}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_html_shows_the_class_and_its_parameters(name):
    model = small(name)
    fitted = small(name).fit(X, Y)
    for page, state in (
        (model._repr_html_(), "Not fitted"),
        (fitted._repr_html_(), "Fitted"),
    ):
        texts = texts_of(page)
        assert name in texts
        assert state in texts
        assert set(model.get_params(deep=False)) <= texts
        assert "17" in texts


def test_all_estimators_are_looked_at():
    assert len(ESTIMATORS) == 8


def extras():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)["project"]["optional-dependencies"]


def test_extra_for_notebooks_has_what_rich_needs():
    live = pytest.importorskip("rich.live", reason="in the extra 'test'")
    needed = re.findall(r"install \"(\w+)\" for Jupyter", inspect.getsource(live))
    assert needed
    names = {re.match(r"[\w-]+", line)[0] for line in extras()["notebook"]}
    assert names == {*needed, "rich"}


@pytest.mark.parametrize("page", ["README.md", "docs/composition.rst"])
def test_extra_for_notebooks_is_documented(page):
    assert ".[notebook]" in (ROOT / page).read_text(encoding="utf-8")
