"""A table with holes and categories, through everything that scikit-learn offers a model.

The Pipeline is that of the user guide, docs/composition.rst.
"""

import pickle
import runpy
from pathlib import Path

import numpy as np
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.callback import ProgressBar

pytest.importorskip("pandas", reason="the table is a data frame; in the extra 'test'")
pytest.importorskip("rich", reason="the bar is drawn by rich, in the extra 'test'")

GUIDE = runpy.run_path(str(Path(__file__).parents[1] / "docs" / "pipeline.py"))


@pytest.fixture(autouse=True)
def routing():
    with config_context(enable_metadata_routing=True):
        yield


@pytest.fixture(scope="module")
def fitted():
    """(fitted search, X, y, weights)."""
    X, y, weight = GUIDE["patients"]()
    with config_context(enable_metadata_routing=True):
        return GUIDE["make_search"]().fit(X, y, sample_weight=weight), X, y, weight


def test_data_have_holes_and_a_category():
    X, _, _ = GUIDE["patients"]()
    assert X.isna().any().all()
    assert X["sex"].dropna().map(type).eq(str).all()


def test_search_finds_a_width_that_predicts(fitted):
    search, *_ = fitted
    scores = search.cv_results_["mean_test_score"]
    assert search.best_params_ == {"features__width": 300}
    assert scores[-1] > 0.4 > scores[0]


def test_weights_reach_every_step_and_the_scores(fitted):
    search, X, y, weight = fitted
    scaler = search.best_estimator_["prepare"].named_transformers_["pipeline"][-1]
    age = X["age"].fillna(X["age"].mean())
    np.testing.assert_allclose(scaler.mean_[0], np.average(age, weights=weight))
    # Targets of rows of weight 0 do not matter, neither to the fit nor to the scores.
    weight, other = weight.copy(), y.copy()
    weight[::4], other[::4] = 0, 1e3
    small = clone(search).set_params(param_grid={"features__width": [30]}, cv=2)
    one = clone(small).fit(X, y, sample_weight=weight)
    two = clone(small).fit(X, other, sample_weight=weight)
    np.testing.assert_array_equal(one.predict(X), two.predict(X))
    for name in ("mean_test_score", "std_test_score"):
        np.testing.assert_array_equal(one.cv_results_[name], two.cv_results_[name])


def test_names_of_columns_arrive(fitted):
    search, X, *_ = fitted
    best = search.best_estimator_
    table = best[:-1].transform(X)
    assert table.columns.tolist() == [f"randomrelufeatures{i}" for i in range(300)]
    assert table.index.equals(X.index)
    assert best[:-1].get_feature_names_out().tolist() == table.columns.tolist()
    assert best["net"].feature_names_in_.tolist() == table.columns.tolist()
    names = best["prepare"].get_feature_names_out().tolist()
    assert names == [*X.columns.drop("sex"), "sex_A", "sex_B", "sex_nan"]


def test_html_shows_the_steps(fitted):
    page = fitted[0]._repr_html_()
    for step in ("SimpleImputer", "OneHotEncoder", "RandomReLUFeatures"):
        assert step in page
    assert "OverparamNetRegressor" in page


def test_progress_bars_of_the_search(capsys):
    X, y, weight = GUIDE["patients"]()
    search = GUIDE["make_search"]().set_params(param_grid={"features__width": [3, 5]})
    search.set_callbacks(ProgressBar()).fit(X, y, sample_weight=weight)
    printed = capsys.readouterr().out
    assert "GridSearchCV - fit" in printed
    assert "Pipeline - fit" in printed
    assert "100%" in printed


def test_clones_and_pickles_predict_the_same(fitted):
    search, X, y, weight = fitted
    best = search.best_estimator_
    expected = best.predict(X)
    again = pickle.loads(pickle.dumps(best))
    np.testing.assert_array_equal(again.predict(X), expected)
    refitted = clone(best).fit(X, y, sample_weight=weight)
    np.testing.assert_array_equal(refitted.predict(X), expected)


def test_holes_and_unseen_rows_at_prediction(fitted):
    search, X, *_ = fitted
    row = X.iloc[[0]].copy()
    row.loc[:, "bmi"] = np.nan
    assert np.isfinite(search.predict(row)).all()
