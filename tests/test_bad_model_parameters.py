"""Bad parameters of ridge estimators and networks; see test_bad_data_and_parameters.py."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from messages import assert_raises
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from small_models import (
    DATES,
    ORDERED,
    SIGNS,
    X,
    Y,
    begun_stream,
    network,
    ntk,
    relus,
    ridge,
    ridge_clf,
    row_ids,
)

from skrf import (
    BoundedDegreePolynomial,
    RandomFeatureRidge,
    RandomReLUFeatures,
    make_polynomial,
    make_polynomial_classification,
)
from skrf.kernels import WideNetworkKernel


def one_alpha():
    return ridge(alphas=1.0)


class Bare:
    """A transformer that knows nothing of scikit-learn."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X


class Wrong(FunctionTransformer):
    """A transformer whose result is whatever it is told."""

    def __init__(self, result=None):
        self.result = result
        super().__init__()

    def transform(self, X):
        return self.result


RIDGES = [
    (lambda: ridge("relu").fit(X, Y), ValueError, "features", "'fit'"),
    (lambda: ridge(Bare()).fit(X, Y), ValueError, "features", "BaseEstimator"),
    (lambda: ridge(RandomReLUFeatures).fit(X, Y), ValueError, "features", "instance"),
    (lambda: ridge(Wrong(np.ones((3, 2)))).fit(X, Y), ValueError, "features", "row"),
    (
        lambda: ridge(Wrong(np.ones((1, 2)) > 0)).fit(X[:1], Y),
        ValueError,
        "y",
        "one target",
    ),
    (lambda: ridge(Wrong(np.array([["a"]]))).fit(X, Y), ValueError, "features", "real num"),
    (
        lambda: ridge(Wrong(np.ones((1, 0)))).fit(X, Y),
        ValueError,
        "features",
        "at least one",
    ),
    (
        lambda: ridge(FunctionTransformer(np.log)).fit(X - 9, Y),
        ValueError,
        "features",
        "NaN",
    ),
    (lambda: ridge(alphas=0.0).fit(X, Y), ValueError, "alphas", "range (0.0"),
    (lambda: ridge(alphas=[]).fit(X, Y), ValueError, "alphas", "np.logspace"),
    (lambda: ridge(alphas=[1, 0]).fit(X, Y), ValueError, "alphas", "small positive"),
    (lambda: ridge(alphas=[1, np.inf]).fit(X, Y), ValueError, "alphas", "Use a finite"),
    (lambda: ridge(alphas=[[1], [1, 2]]).fit(X, Y), ValueError, "alphas", "np.logspace"),
    (lambda: ridge(alphas=True).fit(X, Y), ValueError, "alphas", "Got True"),
    (
        lambda: ridge(relus(50), alphas=1e-300).fit(1e9 * X, Y),
        ValueError,
        "alpha",
        "Use larger",
    ),
    (
        lambda: ridge(alphas=[1, 2], solver="cg").fit(X, Y),
        ValueError,
        "alphas",
        "one number",
    ),
    (lambda: ridge(alphas=[1, 2]).fit(X[:1], Y[:1]), ValueError, "alphas", "more rows"),
    (lambda: ridge(cv=100, alphas=[1, 2]).fit(X, Y), ValueError, "n_splits", "samples"),
    (lambda: ridge(cv=[], alphas=[1, 2]).fit(X, Y), ValueError, "cv", "Use other folds"),
    (lambda: ridge(solver="svd").fit(X, Y), ValueError, "solver", "'primal'"),
    (lambda: ridge(fit_intercept="no").fit(X, Y), ValueError, "fit_intercept", "bool"),
    (lambda: ridge(block_size=0).fit(X, Y), ValueError, "block_size", "'auto'"),
    (
        lambda: ridge(select_width=True, cv=2).fit(X, Y),
        ValueError,
        "select_width",
        "cv=None",
    ),
    (
        lambda: ridge(StandardScaler(), select_width=True).fit(X, Y),
        ValueError,
        "features",
        "Use RandomReLUFeatures",
    ),
    (
        lambda: ridge_clf(class_weight="even").fit(X, SIGNS),
        ValueError,
        "class_weight",
        "balanced",
    ),
    (
        lambda: ridge_clf(class_weight={1: -1}).fit(X, SIGNS),
        ValueError,
        "class_weight",
        "Pass a finite number >= 0 for each",
    ),
    (lambda: ridge().predict(X), NotFittedError, "RandomFeatureRidge", "'fit'"),
    (lambda: ridge().output_weights_, AttributeError, "RandomFeatureRidge", "call fit"),
    (
        lambda: one_alpha().fit(X, Y).scores_,
        AttributeError,
        "alphas",
        "sequence",
    ),
    (lambda: ridge().width_path(X, Y).output_layer(9), ValueError, "width", "between"),
    (
        lambda: one_alpha().width_path(X, Y).output_layer(2, 1),
        ValueError,
        "k",
        "from 0 to 0",
    ),
    (lambda: ridge(ntk(train="both")).width_path(X, Y), ValueError, "features", "Use"),
    # Streams.
    (lambda: ridge(cv=3).partial_fit, AttributeError, "cv", "Use cv=None, or fit"),
    (lambda: ridge(solver="dual").partial_fit, AttributeError, "solver", "or fit"),
    (lambda: ridge(StandardScaler()).partial_fit, AttributeError, "features", "FrozenEst"),
    (lambda: ridge(RandomReLUFeatures).partial_fit, AttributeError, "features", "instance"),
    (
        lambda: ridge(Ridge()).partial_fit,
        AttributeError,
        "features",
        "Pass RandomReLUFeatures()",
    ),
    (
        lambda: ridge_clf(class_weight="balanced").partial_fit,
        AttributeError,
        "class_weight",
        "dict",
    ),
    (
        lambda: begun_stream().partial_fit(X, np.c_[Y, Y]),
        ValueError,
        "y",
        "start from a clone",
    ),
    (
        lambda: begun_stream().set_params(fit_intercept=False).partial_fit(X, Y),
        ValueError,
        "fit_intercept",
        "Restore it",
    ),
    (
        lambda: begun_stream().set_params(features__weight_scale=2.0).partial_fit(X, Y),
        ValueError,
        "features__weight_scale",
        "Restore it, or start from a clone",
    ),
    (lambda: ridge_clf().partial_fit(X, SIGNS), ValueError, "classes", "all labels that"),
    (
        lambda: ridge_clf().partial_fit(X, SIGNS, [1, 2]),
        ValueError,
        "y",
        "Pass every label",
    ),
    (
        lambda: ridge_clf().partial_fit(X, SIGNS, [-1, 1]).partial_fit(X, SIGNS, [0, 1]),
        ValueError,
        "classes",
        "same classes or None",
    ),
    (
        lambda: RandomFeatureRidge().set_params(features__width=5),
        ValueError,
        "features",
        "Pass features=RandomReLUFeatures()",
    ),
    (lambda: (one := begun_stream()).merge(one), ValueError, "another", "seen other rows"),
    (lambda: begun_stream().merge("other"), ValueError, "other", "Fit both by partial_fit"),
    (lambda: begun_stream().merge(ridge().fit(X, Y)), ValueError, "other", "Fit both by"),
    (
        lambda: begun_stream().merge(ridge(relus(5)).partial_fit(X, Y)),
        ValueError,
        "features",
        "same integer random_state",
    ),
    (
        lambda: begun_stream().merge(ridge().partial_fit(X.astype("f"), Y)),
        ValueError,
        "features",
        "same columns and dtype",
    ),
    (
        lambda: ridge().partial_fit(X, Y, 0 * ORDERED).output_weights_,
        ValueError,
        "sample_weight",
        "rows of positive weight",
    ),
]

NETWORKS = [
    (lambda: network(3, symmetric_init=True).fit(X, Y), ValueError, "width", "even width"),
    (
        lambda: network(activation="step").fit(X, Y),
        ValueError,
        "activation",
        "train='output'",
    ),
    (lambda: network(alpha=-1.0).fit(X, Y), ValueError, "alpha", "range [0"),
    (lambda: network(max_iter=0).fit(X, Y), ValueError, "max_iter", "range [1"),
    (lambda: network(batch_size="all").fit(X, Y), ValueError, "batch_size", "int in the"),
    (lambda: network(eta0=0.0).fit(X, Y), ValueError, "eta0", "'auto'"),
    (lambda: network(eta0=True).fit(X, Y), ValueError, "eta0", "Got True"),
    (
        lambda: network(power_t=np.inf).fit(X, Y),
        ValueError,
        "power_t",
        "float in the range",
    ),
    (lambda: network(momentum=1.0).fit(X, Y), ValueError, "momentum", "range [0.0, 1.0)"),
    (lambda: network(average=-1).fit(X, Y), ValueError, "average", "range [1"),
    (lambda: network(tol=-1.0).fit(X, Y), ValueError, "tol", "None"),
    (
        lambda: network(learning_rate="fast").fit(X, Y),
        ValueError,
        "learning_rate",
        "'constant'",
    ),
    (
        lambda: network(parametrization="mup").fit(X, Y),
        ValueError,
        "parametrization",
        "'ntk'",
    ),
    (lambda: network(shuffle="yes").fit(X, Y), ValueError, "shuffle", "bool"),
    (
        lambda: network(early_stopping=True, validation_fraction=1.0).fit(X, Y),
        ValueError,
        "validation_fraction",
        "range (0.0, 1.0)",
    ),
    (
        lambda: network(early_stopping=True, validation_fraction=0.01).fit(X, Y),
        ValueError,
        "validation_fraction",
        "set early_stopping=False",
    ),
    (
        lambda: network(early_stopping=True, random_state=0).fit(X, Y, np.eye(20)[0]),
        ValueError,
        "validation_fraction",
        "set early_stopping=False",
    ),
    (
        lambda: network(early_stopping=True).partial_fit,
        AttributeError,
        "early_stopping",
        "call",
    ),
    (
        lambda: network(warm_start=True).fit(X, Y).set_params(width=5).fit(X, Y),
        ValueError,
        "width",
        "Restore `width`",
    ),
    (
        lambda: network().partial_fit(X, Y).partial_fit(X, np.c_[Y, Y]),
        ValueError,
        "y",
        "clone",
    ),
    (lambda: network(10**13).fit(X, Y), MemoryError, "width", "Use a smaller width"),
    (lambda: network().laziness(X), NotFittedError, "OverparamNetRegressor", "'fit'"),
    (
        lambda: network().fit(X, Y).laziness(X[:, :2]),
        ValueError,
        "X",
        "as many columns as in",
    ),
    (lambda: network().fit(X, Y).linearize(1), ValueError, "output", "Pass the index"),
    (
        lambda: network().fit(X, Y).linearize("first"),
        ValueError,
        "output",
        "Pass the index",
    ),
    (lambda: network().set_callbacks("bar"), TypeError, "callbacks", "FitCallback"),
]

TABLE = RIDGES + NETWORKS


@pytest.mark.parametrize(("call", "kind", "name", "remedy"), TABLE, ids=row_ids(TABLE))
def test_errors_name_parameter_and_remedy(call, kind, name, remedy):
    assert_raises(call, kind, name, remedy)


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"features": relus(5)}, "features__width"),
        ({"features": ntk()}, "features"),
        ({"features": None}, "features"),
        ({"features": FrozenEstimator(relus().fit(X))}, "features"),
    ],
)
def test_features_of_a_stream_may_not_change(change, name):
    model = begun_stream()
    before = model.output_weights_
    message = f"^`{name}[a-z_]*` changed since .* or start from a clone"
    with pytest.raises(ValueError, match=message):
        model.set_params(**change).partial_fit(X, Y)
    np.testing.assert_array_equal(model.output_weights_, before)


@pytest.mark.parametrize(
    "features",
    [relus(), ntk(output_weights=np.ones(4)), make_pipeline(relus(), relus(3)), None],
    ids=["relu", "arrays", "pipeline", "default"],
)
def test_streams_go_on_with_equal_features(features):
    model = RandomFeatureRidge(features, random_state=0).partial_fit(X, Y)
    model = pickle.loads(pickle.dumps(model)).partial_fit(X, Y)
    if features is not None:
        model.set_params(features=clone(features))
    model.partial_fit(X, Y)
    assert model._stream.moments.n_rows == 60


def test_streams_know_frozen_features_by_their_arrays():
    model = ridge(FrozenEstimator(relus().fit(X))).partial_fit(X, Y)
    model.set_params(features=FrozenEstimator(relus().fit(X))).partial_fit(X, Y)
    other = FrozenEstimator(relus().set_params(random_state=1).fit(X))
    with pytest.raises(ValueError, match="`features` changed since the first call"):
        model.set_params(features=other).partial_fit(X, Y)


@pytest.mark.parametrize("solver", ["primal", "dual", "cg"])
@pytest.mark.parametrize("columns", [None, ["a", "b", "c"]])
def test_frames_between_the_steps_of_features_bring_no_warning(solver, columns):
    data = X if columns is None else pd.DataFrame(X, columns=columns)
    features = make_pipeline(StandardScaler(), ntk()) if columns is None else ntk()
    plain = ridge(clone(features), solver=solver).fit(X, Y).predict(X)
    with config_context(transform_output="pandas"), warnings.catch_warnings():
        warnings.simplefilter("error")
        model = ridge(features, solver=solver).fit(data, Y)
        np.testing.assert_allclose(model.predict(data), plain, rtol=1e-6)


class Old:
    """A transformer with parameters, but none of scikit-learn's base classes."""

    def get_params(self, deep=True):
        return {}

    def set_params(self):
        return self

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return X


def test_transformers_need_no_base_class():
    peer = ridge(FunctionTransformer()).fit(X, Y)
    np.testing.assert_array_equal(
        ridge(Old()).fit(X, Y).output_weights_, peer.output_weights_
    )


@pytest.mark.parametrize(
    "fit",
    [
        lambda rng: RandomReLUFeatures(4, random_state=rng, weight_scale=1.7e308).fit(X),
        lambda rng: RandomFeatureRidge(Wrong(), random_state=rng).fit(X, Y),
        lambda rng: RandomFeatureRidge(relu_of(None), random_state=rng).fit(1e200 * X, Y),
        lambda rng: RandomFeatureRidge(relu_of(None), random_state=rng).fit(X, DATES),
        lambda rng: network(random_state=rng).fit(1e200 * X, Y),
        lambda rng: network(random_state=rng).partial_fit(1e200 * X, Y),
        lambda rng: network(random_state=rng, early_stopping=True).fit(X, Y, np.eye(20)[0]),
        lambda rng: make_polynomial(n_features=1, n_terms=9, random_state=rng),
        lambda rng: make_polynomial_classification(polynomial=SQUARE, random_state=rng),
    ],
)
def test_a_call_that_fails_draws_nothing(fit):
    rng = np.random.RandomState(0)
    with pytest.raises(ValueError, match=r"X|y|features|weight_scale|n_terms"):
        fit(rng)
    assert rng.randint(2**31) == np.random.RandomState(0).randint(2**31)


SQUARE = BoundedDegreePolynomial([[2]], [1.0])


def relu_of(seed):
    return RandomReLUFeatures(4, random_state=seed)


def test_kernels_take_sparse_rows_on_the_diagonal():
    diagonal = WideNetworkKernel().diag(sparse.csr_array(X))
    np.testing.assert_allclose(diagonal, WideNetworkKernel().diag(X), rtol=1e-15)
