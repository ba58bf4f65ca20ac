"""Every warning of the package points at the user's line, whatever lies between."""

import ast
import pickle
import signal
from pathlib import Path

import numpy as np
import pytest
from scipy.linalg import LinAlgWarning
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from small_models import X, Y, network, relus, ridge

import skrf
from skrf._compiled import jit
from skrf._compiled import sgd as compiled_sgd
from skrf._utils import version

# Singular but for rounding, and that in a fit of a few digits that ends.
COLLINEAR = np.c_[X, X / 3, 0.7 * X]


def collinear(alphas=1e-14, **options):
    return ridge(FunctionTransformer(), alphas=alphas, **options)


def empty_kernel(monkeypatch):
    features = relus(45, weight_scale=1e-150, bias_scale=1e-150)
    ridge(features, alphas=1e-8, solver="cg").fit(X, Y)


def interrupted(monkeypatch):
    monkeypatch.setattr(
        compiled_sgd, "train_block", lambda *_: signal.raise_signal(signal.SIGINT)
    )
    network(eta0=0.1).fit(X, Y)


def newer(monkeypatch):
    monkeypatch.setattr(version, "__version__", "0.0.1")
    pickle.loads(PICKLED)


def no_cache(monkeypatch):
    monkeypatch.setattr(jit, "_warned", False)
    jit._warn(OSError())


PICKLED = pickle.dumps(relus())

CALLS = [
    (LinAlgWarning, lambda _: collinear().fit(COLLINEAR, Y)),
    (LinAlgWarning, lambda _: collinear([1e-14]).fit(COLLINEAR, Y)),
    (LinAlgWarning, lambda _: collinear([1e-13, 1e-12]).fit(COLLINEAR, Y)),
    (LinAlgWarning, lambda _: collinear([1e-13, 1e-12], cv=3).fit(COLLINEAR, Y)),
    (LinAlgWarning, lambda _: collinear(1e-13, solver="dual").fit(COLLINEAR, Y)),
    (LinAlgWarning, lambda _: collinear([1e-13, 1], solver="dual").fit(COLLINEAR, Y)),
    (LinAlgWarning, lambda _: ridge(relus(60), alphas=1e-13).width_path(COLLINEAR, Y)),
    (LinAlgWarning, lambda _: collinear().partial_fit(COLLINEAR, Y).output_weights_),
    (
        LinAlgWarning,
        lambda _: collinear([1e-13, 1]).partial_fit(COLLINEAR, Y).predict(COLLINEAR),
    ),
    (
        LinAlgWarning,
        lambda _: make_pipeline(FunctionTransformer(), collinear()).fit(COLLINEAR, Y),
    ),
    (
        LinAlgWarning,
        lambda _: GridSearchCV(collinear(), {"alphas": [1e-14]}, cv=2).fit(COLLINEAR, Y),
    ),
    (UserWarning, lambda _: ridge().fit(X, Y).partial_fit(X, Y)),
    (ConvergenceWarning, empty_kernel),
    (ConvergenceWarning, lambda _: network(tol=0.0, learning_rate="constant").fit(X, Y)),
    (ConvergenceWarning, lambda _: network(eta0=1e9).fit(X, Y)),
    (ConvergenceWarning, lambda _: network(eta0=1e9).partial_fit(X, Y)),
    (
        ConvergenceWarning,
        lambda _: GridSearchCV(
            network(tol=0.0, learning_rate="constant"), {"width": [3]}, cv=2
        ).fit(X, Y),
    ),
    (UserWarning, interrupted),
    (UserWarning, newer),
    (UserWarning, no_cache),
]


@pytest.mark.parametrize(("category", "call"), CALLS)
def test_warnings_point_at_the_users_line(category, call, monkeypatch):
    with pytest.warns(category) as caught:
        call(monkeypatch)
    assert {warning.filename for warning in caught} == {__file__}


def test_there_is_one_way_to_warn():
    for path in Path(skrf.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if path.stem != "warnings" and isinstance(node, ast.Attribute):
                assert node.attr not in ("warn", "warn_explicit"), path
