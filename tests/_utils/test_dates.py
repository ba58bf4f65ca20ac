"""Dates and time differences in X: refused by name wherever numbers are wanted."""

import datetime
import warnings
from functools import cache

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.frozen import FrozenEstimator
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.kernel_approximation import Nystroem, RBFSampler
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from skrf import (
    LinearizedNTKFeatures,
    OverparamNetClassifier,
    OverparamNetRegressor,
    RandomFeatureRidge,
    RandomFeatureRidgeClassifier,
    RandomFeatures,
    RandomReLUFeatures,
)
from skrf._utils.dates import refuse_dates
from skrf.kernels import (
    WideNetworkKernel,
    arc_cosine_kernel,
    neural_tangent_kernel,
    random_feature_kernel,
)

DAYS = np.array(["2020-01-01", "2020-03-01", "2020-01-09", "NaT"], dtype="M8[D]")
LENGTHS = DAYS - DAYS[0]
PYTHON = [datetime.date(2020, 1, day) for day in range(1, 5)]
X, Y = np.arange(12.0).reshape(4, 3), np.array([-1, 1, 1, -1])
REFUSED = r"`X` must be numbers; got (dates|time differences)"
RELUS = RandomReLUFeatures(3, random_state=0)

# A column of dates or of time differences, and what the error calls it.
COLUMNS = {
    "days": (DAYS, "dates"),
    "seconds": (DAYS.astype("M8[s]"), "dates"),
    "differences": (LENGTHS, "time differences"),
    "date": (PYTHON, "dates"),
    "datetime": ([datetime.datetime(2020, 1, 1)] * 4, "dates"),
    "time": ([datetime.time(12)] * 4, "dates"),
    "timedelta": ([datetime.timedelta(1)] * 4, "time differences"),
    "NumPy's objects": (list(DAYS), "dates"),
    "NumPy's differences": (list(LENGTHS), "time differences"),
    "Timestamp": ([pd.Timestamp(2020, 1, 1)] * 4, "dates"),
    "Timedelta": ([pd.Timedelta("1D")] * 4, "time differences"),
    "Period": ([pd.Period("2020-01")] * 4, "dates"),
    "missing": ([pd.NaT] * 4, "dates"),
}
PANDAS = {
    "with a time zone": (pd.Series(DAYS).dt.tz_localize("UTC"), "dates"),
    "periods": (pd.Series(pd.PeriodIndex(DAYS, freq="D")), "dates"),
    "categories": (pd.Series(DAYS).astype("category"), "dates"),
    "objects": (pd.Series(DAYS).astype(object), "dates"),
}
ARROW = {"timestamp[s]": "dates", "date32": "dates", "duration[s]": "time differences"}


def assert_refused(matrix, what, column=None, name="X"):
    with pytest.raises(ValueError, match=f"`{name}` must be numbers; got {what}") as caught:
        refuse_dates(name, matrix)
    assert "Pass numbers, such as days" in str(caught.value)
    if column is not None:
        assert f"in column {column!r}" in str(caught.value)


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("n_numbers", [0, 1])
def test_arrays_lists_and_frames(column, n_numbers):
    """Next to a column of numbers, or alone; `column` is the number of the column."""
    entries, what = COLUMNS[column]
    rows = [[1.5] * n_numbers + [entry] for entry in entries]
    mixed = np.array(rows, dtype=object)
    assert_refused(mixed, what, n_numbers)
    assert_refused(rows, what)
    frame = pd.DataFrame({"price": [1.5] * 4, "day": entries})
    assert_refused(frame.iloc[:, 1 - n_numbers :], what, "day")
    assert_refused(frame.set_axis(["same", "same"], axis=1), what, "same")
    if n_numbers == 0:
        assert_refused(np.array(entries).reshape(-1, 1), what)


@pytest.mark.parametrize("column", PANDAS)
def test_columns_of_pandas(column):
    entries, what = PANDAS[column]
    assert_refused(pd.DataFrame({"price": X[:, 0], "day": entries}), what, "day")


@pytest.mark.parametrize("dtype", ARROW)
def test_columns_of_arrow(dtype):
    pytest.importorskip("pyarrow")
    entries = pd.Series(LENGTHS if "duration" in dtype else DAYS).astype(
        f"{dtype}[pyarrow]"
    )
    assert_refused(pd.DataFrame({"day": entries, "price": 1.0}), ARROW[dtype], "day")


@pytest.mark.parametrize(
    "entries", [PYTHON, [datetime.timedelta(1)] * 4, [datetime.time(1)] * 4]
)
def test_columns_of_polars(entries):
    """`to_numpy` of such a frame returns floats."""
    what = "time differences" if isinstance(entries[0], datetime.timedelta) else "dates"
    assert_refused(pl.DataFrame({"price": X[:, 0], "day": entries}), what, "day")


@pytest.mark.parametrize(
    "matrix",
    [
        X,
        X.tolist(),
        X.astype(object),
        [[None, 1.0]],
        [[1.0], [2.0, 3.0]],
        ["2020-01-01"],
        pd.DataFrame(X).astype("Float64"),
        pd.DataFrame({"text": ["a", "b"], "number": [1, pd.NA]}),
        pl.DataFrame({"text": ["a", "b"], "number": [1, None]}),
    ],
    ids=str,
)
def test_other_matrices_are_left_alone(matrix):
    refuse_dates("X", matrix)


# ----------------------------------------------------------------- where X is validated

MODELS = {
    "relus": RELUS,
    "ntk": LinearizedNTKFeatures(3),
    "ridge": RandomFeatureRidge(RELUS),
    "ridge classifier": RandomFeatureRidgeClassifier(RELUS),
    "network": OverparamNetRegressor(width=5, random_state=0, eta0=1e-6, tol=None),
    "classifier": OverparamNetClassifier(width=5, random_state=0),
}


@cache
def fitted(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return clone(MODELS[name]).fit(X, Y)


CALLS = {
    "relus.fit": lambda X: MODELS["relus"].fit(X),
    "features.fit_transform": lambda X: RandomFeatures(3).fit_transform(X),
    "relus.transform": lambda X: fitted("relus").transform(X),
    "ntk.transform": lambda X: fitted("ntk").transform(X),
    "ntk.as_linear_operator": lambda X: fitted("ntk").as_linear_operator(X),
    "ntk.tangent_kernel": lambda X: fitted("ntk").tangent_kernel(X),
    "arc_cosine_kernel": arc_cosine_kernel,
    "random_feature_kernel": random_feature_kernel,
    "neural_tangent_kernel": neural_tangent_kernel,
    "WideNetworkKernel": WideNetworkKernel(),
    "WideNetworkKernel.diag": WideNetworkKernel().diag,
    "network.fit": lambda X: MODELS["network"].fit(X, Y),
    "network.partial_fit": lambda X: MODELS["network"].partial_fit(X, Y),
    "network.predict": lambda X: fitted("network").predict(X),
    "network.laziness": lambda X: fitted("network").laziness(X),
    "classifier.fit": lambda X: MODELS["classifier"].fit(X, Y),
    "ridge.fit": lambda X: RandomFeatureRidge().fit(X, Y),
    "ridge.partial_fit": lambda X: MODELS["ridge"].partial_fit(X, Y),
    "ridge.predict": lambda X: fitted("ridge").predict(X),
    "ridge.score": lambda X: fitted("ridge").score(X, Y),
    "ridge.width_path": lambda X: MODELS["ridge"].width_path(X, Y),
    "ridge classifier.fit": lambda X: RandomFeatureRidgeClassifier().fit(X, Y),
    "ridge classifier.predict": lambda X: fitted("ridge classifier").predict(X),
}
TABLES = {
    "dates": np.stack([DAYS] * 3, axis=1),
    "differences": np.stack([LENGTHS] * 3, axis=1),
    "mixed": pd.DataFrame({"price": X[:, 0], "day": DAYS, "size": 1}),
    "objects": np.array([[1.0, 2.0, day] for day in PYTHON], dtype=object),
    "polars": pl.DataFrame({"price": X[:, 0], "day": PYTHON, "size": [1] * 4}),
}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("call", CALLS)
def test_every_X(call, table):
    with pytest.raises(ValueError, match=REFUSED):
        CALLS[call](TABLES[table])


def test_second_matrix_of_a_kernel():
    with pytest.raises(ValueError, match="`Y` must be numbers; got dates"):
        arc_cosine_kernel(X, TABLES["dates"])


def test_gaussian_process():
    model = GaussianProcessRegressor(WideNetworkKernel(), optimizer=None)
    with pytest.raises((TypeError, ValueError), match=r"dates|datetime"):
        model.fit(TABLES["dates"], Y)


@pytest.mark.parametrize(
    "features",
    [
        RELUS,
        StandardScaler(),
        RBFSampler(),
        Nystroem(),
        make_pipeline(StandardScaler(), RELUS),
        make_pipeline("passthrough", RELUS),
        make_union(StandardScaler(), RELUS),
        FrozenEstimator(RELUS.fit(X)),
    ],
)
@pytest.mark.parametrize("table", TABLES)
def test_features_of_ridge_that_convert_dates_to_numbers(features, table):
    with pytest.raises(ValueError, match=REFUSED):
        RandomFeatureRidge(features).fit(TABLES[table], Y)


@pytest.mark.parametrize("table", ["dates", "mixed", "polars", "objects"])
def test_features_of_ridge_that_return_dates(table):
    with pytest.raises(ValueError, match=r"`features.transform\(X\)` must be numbers; got"):
        RandomFeatureRidge(FunctionTransformer()).fit(TABLES[table], Y)


def days_of(dates):
    """Days since 2000 of a frame or an array of dates."""
    return (np.asarray(dates) - np.datetime64("2000-01-01")) / np.timedelta64(1, "D")


def test_features_of_ridge_may_make_numbers_of_dates():
    dates = DAYS[:3, np.newaxis]
    from_dates = make_pipeline(FunctionTransformer(days_of), RELUS)
    model = RandomFeatureRidge(from_dates).fit(dates, Y[:3])
    reference = RandomFeatureRidge(RELUS).fit(days_of(dates), Y[:3])
    np.testing.assert_array_equal(model.predict(dates), reference.predict(days_of(dates)))

    frame = pd.DataFrame({"day": DAYS[:3], "price": X[:3, 0]})
    columns = make_column_transformer(
        (FunctionTransformer(days_of), ["day"]), remainder="passthrough"
    )
    model = RandomFeatureRidge(make_pipeline(columns, RELUS)).fit(frame, Y[:3])
    numbers = np.column_stack([days_of(frame.day), frame.price])
    reference = RandomFeatureRidge(RELUS).fit(numbers, Y[:3])
    np.testing.assert_array_equal(model.predict(frame), reference.predict(numbers))

    as_categories = make_pipeline(OneHotEncoder(sparse_output=False), RELUS)
    model = RandomFeatureRidge(as_categories).fit(dates, Y[:3])
    reference = RandomFeatureRidge(RELUS).fit(np.eye(3)[[0, 2, 1]], Y[:3])
    np.testing.assert_array_equal(
        model.predict(dates), reference.predict(np.eye(3)[[0, 2, 1]])
    )


@pytest.mark.parametrize(
    "y",
    [DAYS, LENGTHS, *(np.array(list(times), dtype=object) for times in (DAYS, LENGTHS))],
)
def test_targets(y):
    with pytest.raises(ValueError, match="`y` must be real numbers"):
        RandomFeatureRidge(RELUS).fit(X, y)
