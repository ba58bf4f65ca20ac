"""Generated fits of every estimator: finite results, or an error that says what to do.

Data of all sizes from 1e-150 to 1e150 and of all kinds that tables have. NumPy's floating
point warnings are failures, and so is every other warning that is not documented.
"""

import re
import warnings
from collections import Counter

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from messages import full_message
from scipy import sparse
from scipy.linalg import LinAlgWarning
from sklearn.compose import make_column_transformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.kernel_approximation import RBFSampler
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skrf import (
    ACTIVATIONS,
    LinearizedNTKFeatures,
    OverparamNetClassifier,
    OverparamNetRegressor,
    RandomFeatureRidge,
    RandomFeatureRidgeClassifier,
    RandomFeatures,
    RandomReLUFeatures,
)

pd = pytest.importorskip("pandas", reason="data frames are part of what is generated")

# What an error must name, and how its advice begins.
NAMES = r"\b(X|y|sample_weight|features|alphas?|weight_scale|bias_scale|eta0|cv|classes)\b"
ADVICE = r"\b(Use|use|Scale|scale|Pass|Give|Drop|Replace|Set|Add|Change|Fit|Name|Raise)\b"
DOCUMENTED = ConvergenceWarning, LinAlgWarning

EXPONENTS = st.sampled_from([0] * 9 + [-3, 3, -20, 20, -38, 38, -75, 75, -150, 150])
KINDS = ["normal", "constant", "duplicated", "zero", "subnormal", "float32", "integer"]
KINDS += ["boolean", "frame", "sparse", "backwards", "windows"]


def table(draw, rng, n, d):
    """Rows of one of the kinds of data that there are."""
    kind = draw(st.sampled_from(KINDS))
    X = rng.standard_normal((n, d)) * 10.0 ** draw(EXPONENTS)
    if kind == "constant":
        X[:, :: rng.integers(1, 3)] = X[0, 0]
    if kind == "duplicated":
        X = X[rng.integers(max(1, n // 3), size=n)]
    if kind == "zero":
        X[...] = 0
    if kind == "subnormal":
        return (rng.integers(-99, 100, (n, d)) * 1e-44).astype(np.float32)
    if kind == "float32":
        return np.clip(X, -3e38, 3e38).astype(np.float32)
    if kind == "integer":
        return rng.integers(-(2**40), 2**40, (n, d)) >> int(rng.integers(40))
    if kind == "boolean":
        return rng.integers(2, size=(n, d)) > 0
    if kind == "frame":
        types = ["float64", "float32", "int8", "bool", "Int64"]
        columns = {f"c{j}": pd.array(X[:, j] > 0, types[j % 5]) for j in range(d)}
        return pd.DataFrame({**columns, "c0": X[:, 0]})
    if kind == "backwards":
        return X[::-1, ::-1]
    if kind == "windows":
        series = rng.standard_normal(n + d - 1) * np.abs(X).max()
        return np.lib.stride_tricks.sliding_window_view(series, d)
    if kind == "sparse":
        X[rng.uniform(size=X.shape) < 0.7] = 0
        rows = sparse.csr_array(X)
        rows.data[: rows.nnz // 2] = 0
        return rows
    return X


def numbers(draw, rng, n):
    """Targets of a regression."""
    y = rng.standard_normal((n, 2) if draw(st.booleans()) else n) * 10.0 ** draw(EXPONENTS)
    kind = draw(st.sampled_from(["normal", "constant", "zero", "integer", "boolean"]))
    if kind == "constant":
        y[...] = y.ravel()[0]
    if kind == "zero":
        y[...] = 0
    if kind == "integer":
        return rng.integers(-9, 10, n)
    return y > 0 if kind == "boolean" else y


def labels(draw, rng, n):
    """Labels of one to four classes."""
    names = draw(st.sampled_from([[0, 1], [1.0, -2.0, 7.0], list("abcd"), [True, False]]))
    names = np.array(names[: draw(st.sampled_from([1, 2, 2, 3, 3, 4, 4]))])
    return rng.permutation(names[np.arange(n) % len(names)])


def weights_of_rows(draw, rng, n):
    """Sample weights from 0 to 1e300, or none."""
    extremes = [[1.0], [0.0], [1e-300], [1e300], [0, 1e-300, 1, 1e300]]
    values = draw(st.sampled_from([None] * 5 + extremes))
    return values if values is None else rng.choice(values, n)


WEIGHT_SCALES = st.sampled_from([1.0] * 9 + [0.0, 1e-150, 1e-5, 1e5, 1e150])


def feature_map(draw, width, seed):
    """A transformer of this package with random parameters."""
    projection = draw(st.sampled_from(["dense", "orthogonal", "structured"]))
    distributions = ["gaussian", "sphere"] + ["uniform"] * (projection == "dense")
    options = {
        "width": width,
        "weights": draw(st.sampled_from(distributions)),
        "biases": draw(st.sampled_from(["gaussian", "uniform", "constant", "none"])),
        "weight_scale": draw(WEIGHT_SCALES),
        "bias_scale": draw(WEIGHT_SCALES),
        "projection": projection,
        "random_state": seed,
    }
    kind = draw(st.sampled_from(["relu", "random", "ntk"]))
    if kind == "relu":
        return RandomReLUFeatures(**options)
    activation = draw(st.sampled_from(sorted(ACTIVATIONS)))
    if kind == "random":
        return RandomFeatures(**options, activation=activation)
    trained = ["output"] if activation == "step" else ["hidden", "output", "both"]
    train = draw(st.sampled_from(trained))
    return LinearizedNTKFeatures(
        **{**options, "width": 1 + width % 10}, activation=activation, train=train
    )


def any_features(draw, X, width, seed):
    """Features for ridge regression: ours, a pipeline, or a peer's."""
    kind = draw(st.sampled_from(["ours", "ours", "ours", "deep", "peer"]))
    ours = feature_map(draw, width, seed)
    if hasattr(X, "iloc") and kind != "ours":
        encode = make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore"), ["c0"]), remainder="passthrough"
        )
        return make_pipeline(encode, ours)
    if kind == "deep":
        return make_pipeline(RandomReLUFeatures(7, random_state=seed), ours)
    return RBFSampler(random_state=seed) if kind == "peer" else ours


def ridge_options(draw, X, width, seed):
    """Parameters that the two ridge estimators share."""
    alphas = draw(st.sampled_from([1.0, 1e-8, 1e150, 1e-150, [0.1], [1e-3, 1.0, 1e3]]))
    one, fold = np.ndim(alphas) == 0, draw(st.sampled_from([None, None, KFold(2)]))
    solvers = ["auto", "primal", "dual"] + ["cg"] * (one and fold is None)
    return {
        "features": any_features(draw, X, width, seed),
        "alphas": alphas,
        "fit_intercept": draw(st.booleans()),
        "cv": fold if X.shape[0] > 1 else None,
        "solver": draw(st.sampled_from(solvers)),
        "random_state": seed,
    }


def network_options(draw, seed, width):
    """Parameters that the two networks share."""
    activation = draw(st.sampled_from(sorted(ACTIVATIONS)))
    trained = ["output"] if activation == "step" else ["both", "hidden", "output"]
    symmetric = draw(st.booleans())
    return {
        "width": width + width % 2 if symmetric else width,
        "activation": activation,
        "train": draw(st.sampled_from(trained)),
        "parametrization": draw(st.sampled_from(["standard", "ntk"])),
        "symmetric_init": symmetric,
        "weights": draw(st.sampled_from(["gaussian", "sphere", "uniform"])),
        "weight_scale": draw(WEIGHT_SCALES),
        "biases": draw(st.sampled_from(["gaussian", "uniform", "constant", "none"])),
        "fit_intercept": draw(st.booleans()),
        "alpha": draw(st.sampled_from([0.0, 0.1, 1e-150, 1e150])),
        "eta0": draw(st.sampled_from(["auto", "auto", 1e-3, 1e150, 1e-150])),
        "momentum": draw(st.sampled_from([0.0, 0.9])),
        "average": draw(st.booleans()),
        "learning_rate": draw(st.sampled_from(["constant", "invscaling"])),
        "batch_size": draw(st.sampled_from([1, 3, 100])),
        "max_iter": draw(st.integers(1, 3)),
        "tol": None,
        "random_state": seed,
    }


def transformer(draw, rng, n, d, width, seed):
    """A call that fits a transformer and gives its features."""
    X, model = table(draw, rng, n, d), feature_map(draw, width, seed)
    return model, lambda: model.fit(X).transform(X)


def ridge(draw, rng, n, d, width, seed):
    """A call that fits ridge regression or classification and predicts."""
    X, regression = table(draw, rng, n, d), draw(st.booleans())
    y = (numbers if regression else labels)(draw, rng, n)
    kind = RandomFeatureRidge if regression else RandomFeatureRidgeClassifier
    model = kind(**ridge_options(draw, X, width, seed))
    return model, fit_and_predict(draw, model, X, y, weights_of_rows(draw, rng, n))


def regression_network(draw, rng, n, d, width, seed):
    """A call that trains a network on numbers, or on signs, and predicts."""
    X, loss = table(draw, rng, n, d), draw(st.sampled_from(["squared_error", "hinge"]))
    y = numbers(draw, rng, n)
    y = np.where(y > 0, 1, -1) if loss == "hinge" else y
    model = OverparamNetRegressor(loss=loss, **network_options(draw, seed, width))
    return model, fit_and_predict(draw, model, X, y, weights_of_rows(draw, rng, n))


def classification_network(draw, rng, n, d, width, seed):
    """A call that trains a network on labels and predicts."""
    X, y = table(draw, rng, n, d), labels(draw, rng, n)
    loss = draw(st.sampled_from(["squared_error", "hinge"]))
    model = OverparamNetClassifier(loss=loss, **network_options(draw, seed, width))
    return model, fit_and_predict(draw, model, X, y, weights_of_rows(draw, rng, n))


def fit_and_predict(draw, model, X, y, sample_weight):
    """A call of `fit` or two of `partial_fit`, then of the method that gives numbers."""
    streams = draw(st.booleans()) and hasattr(model, "partial_fit")

    def call():
        options = {"sample_weight": sample_weight}
        if streams:
            if hasattr(type(model), "decision_function"):
                options["classes"] = np.unique(y)
            model.partial_fit(X, y, **options).partial_fit(X, y, **options)
        else:
            model.fit(X, y, **options)
        outputs = getattr(model, "decision_function", model.predict)(X)
        assert len(model.predict(X)) == X.shape[0]
        return outputs

    return call


FAMILIES = transformer, ridge, regression_network, classification_network


def ends_well(model, call):
    """Whether a call gives finite numbers; an error that says nothing is a failure."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for category in DOCUMENTED:
            warnings.simplefilter("ignore", category)
        try:
            outputs = call()
        except (ValueError, MemoryError) as error:
            outputs, message = None, full_message(error)
    if outputs is None:
        assert re.search(NAMES, message), f"{message} {model}"
        assert re.search(ADVICE, message), f"{message} {model}"
        return False
    assert np.isfinite(outputs).all(), model
    return True


def count_fits(family, max_examples):
    """How many of the generated fits of a family gave finite numbers, and how many not."""
    counts = Counter()

    @settings(max_examples=max_examples, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def attack(data):
        draw = data.draw
        n, d, width = draw(st.integers(1, 50)), draw(st.integers(1, 50)), draw(WIDTHS)
        seed = draw(st.integers(0, 2**16))
        model, call = family(draw, np.random.default_rng(seed), n, d, width, seed)
        counts[ends_well(model, call)] += 1

    attack()
    return counts


WIDTHS = st.integers(1, 200)


@pytest.mark.parametrize("family", FAMILIES)
def test_fits_are_finite_or_say_what_to_do(family):
    counts = count_fits(family, max_examples=75)
    # Extremes are refused; if all were, nothing would be tested.
    assert counts[True] >= 10


@pytest.mark.slow
def test_two_thousand_fits_are_finite_or_say_what_to_do():
    counts = sum((count_fits(family, max_examples=1000) for family in FAMILIES), Counter())
    assert counts[True] >= 2000
