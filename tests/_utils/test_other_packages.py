"""Private APIs of other packages behave as the code expects; see CONTRIBUTING.md."""

import inspect
import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.callback import CallbackSupportMixin

from skrf import RandomReLUFeatures
from skrf._utils.interrupts import CALLBACK_ATTRIBUTES
from skrf._utils.validation import available_with_reason

ROOT = Path(__file__).parents[2]


def test_tests_of_the_table_exist():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text.split("## Private APIs of other packages")[1]
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", table)
    assert len(named) >= 10
    for file, test in named:
        source = (ROOT / file).read_text(encoding="utf-8")
        assert re.search(rf"^def {test}\(", source, re.M), f"{file}::{test}"
    for file in re.findall(r"`(skrf/[\w/]+\.py)`", table):
        assert (ROOT / file).exists(), file


class Callback:
    """A callback that estimators pass on to the estimators inside, and does nothing."""

    max_estimator_depth = None

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context, **data):
        pass

    def on_fit_task_end(self, estimator, context, **data):
        pass


class Estimator(CallbackSupportMixin, BaseEstimator):
    """An estimator with callbacks."""

    def fit(self, X=None, y=None):
        return self


def test_attributes_of_callbacks_have_known_prefixes():
    """Calls that fail leave these attributes as they are, and restore all others."""
    outer, inner = Estimator().set_callbacks(Callback()), Estimator()
    context = outer._init_callback_context(max_subtasks=1)
    with context.subcontext(task_name="inner").propagate_callback_context(inner):
        names = {*vars(outer), *vars(inner)}
    assert len(names) >= 4
    assert not [name for name in names if not name.startswith(CALLBACK_ATTRIBUTES)]


def test_reasons_of_missing_methods_are_causes():
    def refuse(self):
        raise AttributeError("the reason")

    class Refusing(BaseEstimator):
        @available_with_reason(refuse)
        def method(self):
            """Never called."""

    with pytest.raises(AttributeError, match="has no attribute 'method': the reason"):
        Refusing().method  # noqa: B018


def test_the_wrapper_of_transform_can_be_unwrapped():
    """The wrapper makes data frames; the function inside returns the array."""

    class Doubling(TransformerMixin, BaseEstimator):
        def fit(self, X, y=None):
            return self

        def transform(self, X):
            return 2 * X

        def get_feature_names_out(self, names=None):
            return ["a", "b"]

    pytest.importorskip("pandas", reason="in the extra 'test'")
    wrapped = Doubling.transform
    model = Doubling().set_output(transform="pandas")
    assert hasattr(wrapped(model, np.eye(2)), "columns")
    assert isinstance(inspect.unwrap(wrapped)(model, np.eye(2)), np.ndarray)
    assert inspect.unwrap(RandomReLUFeatures.transform) is not RandomReLUFeatures.transform
