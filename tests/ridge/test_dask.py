"""Dask input on a cluster of two worker processes, and without one."""

import os
import signal
import sys
import threading
import time

import joblib
import numpy as np
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.frozen import FrozenEstimator
from sklearn.impute import SimpleImputer
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skrf import (
    GradientOuterProduct,
    OverparamNetRegressor,
    RandomFeatureRidge,
    RandomFeatureRidgeClassifier,
    RandomReLUFeatures,
)
from skrf.ridge._generalised_cv import solve_moments

da = pytest.importorskip("dask.array", reason="Dask input needs the extra 'dask'")
cloudpickle = pytest.importorskip("cloudpickle", reason="comes with dask")
distributed = pytest.importorskip("distributed", reason="needs the extra 'dask'")


@pytest.fixture(scope="module")
def cluster():
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        yield cluster


@pytest.fixture
def client(cluster):
    with distributed.Client(cluster) as client:
        client.wait_for_workers(2, timeout=60)
        yield client


@pytest.fixture
def data(rng):
    X = rng.standard_normal((900, 4))
    return X, np.stack([np.sin(X[:, 0]), X[:, 1] * X[:, 2]], axis=1)


def ridge(Model=RandomFeatureRidge, **parameters):
    return Model(**{"features": RandomReLUFeatures(50), "random_state": 0, **parameters})


def in_blocks(array, rows=130):
    return da.from_array(array, chunks=(rows, *array.shape[1:]))


@pytest.mark.parametrize("alphas", [0.1, [0.1], [0.01, 0.1, 1.0]])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_the_same_coefficients_as_in_memory(client, data, alphas, fit_intercept):
    X, Y = data
    weights = np.random.default_rng(1).uniform(0, 2, len(X))
    model = ridge(alphas=alphas, fit_intercept=fit_intercept)
    local = ridge(alphas=alphas, fit_intercept=fit_intercept, solver="primal")
    local.fit(X, Y, sample_weight=weights)
    model.fit(in_blocks(X), in_blocks(Y), sample_weight=in_blocks(weights))
    np.testing.assert_allclose(
        model.output_weights_, local.output_weights_, rtol=1e-10, atol=1e-12
    )
    np.testing.assert_allclose(model.output_bias_, local.output_bias_, rtol=1e-10)
    assert model.alpha_ == local.alpha_
    if np.ndim(alphas):
        np.testing.assert_allclose(model.scores_, local.scores_, rtol=1e-10)


@pytest.mark.parametrize("kind", [sparse.csr_matrix, sparse.csr_array])
def test_sparse_blocks(kind, data):
    X, Y = data
    X = np.where(np.abs(X) > 1, X, 0.0)
    blocks = in_blocks(X).map_blocks(kind)
    model, local = ridge(alphas=[0.1, 1.0]), ridge(alphas=[0.1, 1.0], solver="primal")
    model.fit(blocks, in_blocks(Y))
    local.fit(kind(X), Y)
    np.testing.assert_allclose(
        model.output_weights_, local.output_weights_, rtol=1e-10, atol=1e-12
    )
    np.testing.assert_allclose(model.predict(blocks).compute(), local.predict(X))
    Z = model.features_.transform(blocks).compute()
    np.testing.assert_allclose(Z, model.features_.transform(X), rtol=1e-12)


def test_without_a_cluster(data):
    X, Y = data
    model = ridge().fit(in_blocks(X), in_blocks(Y[:, 0]))
    local = ridge(solver="primal").fit(X, Y[:, 0])
    np.testing.assert_allclose(model.output_weights_, local.output_weights_, rtol=1e-10)


def test_float32_is_kept_and_refined(client, data):
    X, Y = (array.astype(np.float32) for array in data)
    model = ridge(alphas=1e-4).fit(in_blocks(X), in_blocks(Y))
    Z = model.features_.transform(X).astype(np.float64)
    local = Ridge(1e-4, solver="svd").fit(Z, Y.astype(np.float64))
    assert model.output_weights_.dtype == np.float32
    error = np.linalg.norm(model.output_weights_ - local.coef_) / np.linalg.norm(
        local.coef_
    )
    assert error < 1e-6
    assert model.predict(in_blocks(X)).compute().dtype == np.float32


def test_predictions_stay_lazy(client, data):
    X, Y = data
    model = ridge().fit(X, Y)
    lazy = model.predict(in_blocks(X))
    assert isinstance(lazy, da.Array)
    assert lazy.shape == Y.shape
    assert lazy.chunks[0] == in_blocks(X).chunks[0]
    np.testing.assert_allclose(lazy.compute(), model.predict(X), rtol=1e-12)
    flat = ridge().fit(X, Y[:, 0])
    assert flat.predict(in_blocks(X)).shape == (900,)
    features = RandomReLUFeatures(50, random_state=0).fit(in_blocks(X))
    Z = features.transform(in_blocks(X))
    assert isinstance(Z, da.Array)
    np.testing.assert_allclose(Z.compute(), features.transform(X), rtol=1e-12)


@pytest.mark.parametrize("everywhere", [True, False])
def test_features_stay_lazy_whatever_set_output_says(everywhere, data):
    dd = pytest.importorskip("dask.dataframe", reason="needs pandas and the extra 'dask'")
    pd = pytest.importorskip("pandas", reason="data frames are pandas'")
    X = data[0]
    frame = pd.DataFrame(X, columns=list("abcd"))
    features = RandomReLUFeatures(50, random_state=0).fit(frame)
    right = features.transform(frame)
    if not everywhere:
        features.set_output(transform="pandas")
    with config_context(transform_output="pandas" if everywhere else "default"):
        lazy_frame = dd.from_pandas(frame, npartitions=3)
        for Z in features.transform(lazy_frame), features.fit_transform(lazy_frame):
            assert isinstance(Z, da.Array)
            np.testing.assert_array_equal(Z.compute(), right)
        assert isinstance(features.transform(frame), pd.DataFrame)
        for Z in features.fit_transform(in_blocks(X)), features.transform(in_blocks(X)):
            assert isinstance(Z, da.Array)
            np.testing.assert_allclose(Z.compute(), right, rtol=1e-12)
        assert isinstance(features.fit_transform(X), pd.DataFrame)


def test_data_frames(client, data):
    dd = pytest.importorskip("dask.dataframe", reason="needs pandas and the extra 'dask'")
    pd = pytest.importorskip("pandas", reason="data frames are pandas'")
    X, Y = data
    frame = pd.DataFrame(X, columns=list("abcd"))
    target = pd.Series(Y[:, 0], name="y")
    model = ridge(alphas=0.1).fit(
        dd.from_pandas(frame, npartitions=3), dd.from_pandas(target, npartitions=3)
    )
    local = ridge(alphas=0.1, solver="primal").fit(frame, target)
    np.testing.assert_allclose(model.output_weights_, local.output_weights_, rtol=1e-10)
    assert list(model.feature_names_in_) == list("abcd")
    predicted = model.predict(dd.from_pandas(frame, npartitions=3)).compute()
    np.testing.assert_allclose(predicted, local.predict(frame), rtol=1e-10)
    score = model.score(*(dd.from_pandas(part, npartitions=3) for part in (frame, target)))
    np.testing.assert_allclose(score, local.score(frame, target), rtol=1e-9)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_classifier(client, data, n_classes):
    X, Y = data
    labels = np.array(list("abc"))[np.argsort(np.argsort(Y[:, 0])) * n_classes // len(X)]
    model = ridge(RandomFeatureRidgeClassifier).fit(in_blocks(X), in_blocks(labels))
    local = ridge(RandomFeatureRidgeClassifier, solver="primal").fit(X, labels)
    np.testing.assert_allclose(
        model.output_weights_, local.output_weights_, rtol=1e-10, atol=1e-12
    )
    np.testing.assert_array_equal(model.predict(in_blocks(X)).compute(), local.predict(X))
    outputs = model.decision_function(in_blocks(X)).compute()
    np.testing.assert_allclose(outputs, local.decision_function(X), rtol=1e-9, atol=1e-11)
    score = model.score(in_blocks(X), in_blocks(labels))
    np.testing.assert_allclose(score, local.score(X, labels))


def test_width_path(client, data):
    X, Y = data
    path = ridge(alphas=[0.1]).width_path(in_blocks(X), in_blocks(Y))
    local = ridge(alphas=[0.1]).width_path(X, Y)
    np.testing.assert_allclose(
        path.leave_one_out_errors, local.leave_one_out_errors, rtol=1e-10
    )


class SlowRows:
    """Rows that take a while, so that a worker can die in the middle."""

    def __init__(self, X):
        self.X = X

    def __call__(self, block_info=None):
        time.sleep(0.5)
        (first, last), _ = block_info[None]["array-location"]
        return self.X[first:last]


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_a_worker_killed_in_the_middle_of_fit_changes_nothing(cluster, data):
    X, Y = data
    with distributed.Client(cluster) as client:
        client.wait_for_workers(2, timeout=60)
        chunks = in_blocks(X, 60).chunks
        slow = da.map_blocks(SlowRows(X), chunks=chunks, dtype=X.dtype, meta=X[:0])
        pids = client.run(os.getpid)
        victim = next(iter(pids.values()))
        killed = threading.Timer(2.0, os.kill, (victim, signal.SIGKILL))
        killed.start()
        model = ridge().fit(slow, in_blocks(Y, 60))
        assert not killed.is_alive()
        client.wait_for_workers(2, timeout=60)
        assert victim not in client.run(os.getpid).values()
    local = ridge(solver="primal").fit(X, Y)
    np.testing.assert_allclose(
        model.output_weights_, local.output_weights_, rtol=1e-10, atol=1e-12
    )


def test_grid_search_on_a_cluster(client, data):
    X, Y = data
    grid = {"features__width": [5, 50], "alphas": [0.01, 1.0]}
    search = GridSearchCV(ridge(), grid, cv=2)
    with joblib.parallel_config("dask"):
        search.fit(X, Y)
    local = GridSearchCV(ridge(), grid, cv=2).fit(X, Y)
    assert search.best_params_ == local.best_params_
    np.testing.assert_allclose(
        search.cv_results_["mean_test_score"], local.cv_results_["mean_test_score"]
    )


def test_networks_load_everything(data):
    X, y = data
    net = OverparamNetRegressor(5, max_iter=1, tol=None, random_state=0)
    expected = net.fit(X, y).predict(X)
    found = net.fit(da.from_array(X), da.from_array(y)).predict(da.from_array(X))
    assert isinstance(found, np.ndarray)
    np.testing.assert_array_equal(found, expected)


def test_input_that_cannot_be_streamed_is_refused(data):
    X, Y = data
    x, y = in_blocks(X), in_blocks(Y)
    with pytest.raises(ValueError, match=r"FrozenEstimator"):
        ridge(features=Nystroem()).fit(x, y)
    with pytest.raises(ValueError, match=r"got .*solver='dual'.*solver=\"primal\""):
        ridge(solver="dual").fit(x, y)
    with pytest.raises(
        ValueError, match=r"`y` must have one entry per row of X, 900; got 899"
    ):
        ridge().fit(x, y[:-1])
    with pytest.raises(ValueError, match=r"`class_weight` must be a dict"):
        ridge(RandomFeatureRidgeClassifier, class_weight="balanced").fit(x, y[:, 0] > 0)
    with pytest.raises(ValueError, match=r"y to be passed"):
        ridge().fit(x, None)
    bad = X.copy()
    bad[-1, 2] = np.nan
    model = ridge().fit(x, y)
    before = model.predict(X)
    with pytest.raises(ValueError, match="NaN"):
        model.fit(in_blocks(bad), y)
    np.testing.assert_array_equal(model.predict(X), before)


@pytest.mark.parametrize("frame", [False, True])
def test_blocks_that_a_filter_has_emptied(frame, data):
    X = data[0]
    X[130:260, 0] = -9.0
    if frame:
        dataframe = pytest.importorskip("dask.dataframe", reason="needs the extra 'dask'")
        pandas = pytest.importorskip("pandas", reason="data frames need pandas")
        table = pandas.DataFrame(X, columns=list("abcd"))
        whole = dataframe.from_pandas(table, npartitions=7)
        kept = whole[whole["a"] > -9.0]
        y = kept["b"]
    else:
        whole = in_blocks(X)
        kept, y = whole[whole[:, 0] > -9.0], whole[whole[:, 0] > -9.0][:, 1]
    model = ridge().fit(kept, y)
    n_rows = int((X[:, 0] > -9.0).sum())
    assert model.predict(kept).compute().shape == (n_rows,)
    assert model.features_.transform(kept).compute().shape == (n_rows, 50)


def test_dask_targets_and_weights_of_other_kinds(data):
    X, y = data[0], data[1][:, 0]
    signs = np.where(y > 0, "up", "down")
    expected = ridge().fit(X, y, sample_weight=2.0).output_weights_
    found = ridge().fit(in_blocks(X), y, sample_weight=2.0).output_weights_
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    with pytest.raises(ValueError, match="entry per row of X, 900; got the number 5"):
        ridge().fit(in_blocks(X), 5)
    # Targets on a cluster and rows in memory.
    model = ridge(RandomFeatureRidgeClassifier).fit(X, in_blocks(signs))
    assert model.classes_.tolist() == ["down", "up"]
    with pytest.raises(ValueError, match="Unknown label type: continuous"):
        ridge(RandomFeatureRidgeClassifier).fit(in_blocks(X), np.r_[1.0, y[1:]])
    weighted = {"class_weight": {"up": 2.0}, "Model": RandomFeatureRidgeClassifier}
    order = np.argsort(signs)  # blocks of one class only
    there = ridge(**weighted).fit(in_blocks(X[order]), signs[order])
    here = ridge(**weighted).fit(X[order], signs[order])
    np.testing.assert_allclose(there.output_weights_, here.output_weights_, rtol=1e-9)


def test_missing_values_for_fitted_features_that_fill_them(data):
    X, Y = data
    X = X.copy()
    X[5::7, 1] = np.nan
    filled = make_pipeline(SimpleImputer(), RandomReLUFeatures(20, random_state=0)).fit(X)
    model = ridge(features=FrozenEstimator(filled))
    expected = model.fit(X, Y).predict(X)
    found = model.fit(in_blocks(X), in_blocks(Y)).predict(in_blocks(X)).compute()
    np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_lazy_predictions_of_a_stream_solve_once_and_carry_no_sums(data, monkeypatch):
    X, Y = data
    solved = []

    def counted(*arguments):
        solved.append(1)
        return solve_moments(*arguments)

    monkeypatch.setattr("skrf.ridge._streams.solve_moments", counted)
    model = ridge(features=RandomReLUFeatures(400)).partial_fit(X, Y)
    lazy = model.predict(in_blocks(X))
    np.testing.assert_allclose(lazy.compute(), model.predict(X), rtol=1e-12)
    assert len(solved) == 1
    assert len(cloudpickle.dumps(lazy)) < 400**2 * 8 < len(cloudpickle.dumps(model))


@pytest.mark.parametrize("kind", ["numbers", "labels", "sparse"])
def test_a_metric_from_blocks(kind, client, data):
    """Block k of rows belongs to fold k modulo cv."""
    X, Y = data
    if kind == "labels":
        Y = np.array(["a", "b", "c"])[np.digitize(X[:, 0], [-0.5, 0.5])]
    x = in_blocks(X)
    if kind == "sparse":
        X = np.where(np.abs(X) > 1, X, 0.0)
        x = in_blocks(X).map_blocks(sparse.csr_array)
    weights = np.random.default_rng(1).uniform(0, 2, len(X))
    fold = np.arange(len(X)) // 130 % 2
    cv = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(2)]
    options = {"features": RandomReLUFeatures(50), "max_iter": 1, "random_state": 0}
    local = GradientOuterProduct(cv=cv, **options).fit(X, Y, sample_weight=weights)
    model = GradientOuterProduct(cv=2, **options)
    model.fit(x, in_blocks(Y), sample_weight=in_blocks(weights))
    assert model.best_round_ == local.best_round_ == 1
    np.testing.assert_allclose(model.metric_, local.metric_, atol=1e-6)
    np.testing.assert_allclose(
        model.validation_scores_, local.validation_scores_, rtol=1e-6
    )
    lazy = model.set_output(transform="pandas").transform(x)
    assert isinstance(lazy, da.Array)
    np.testing.assert_allclose(lazy.compute(), local.transform(X), atol=1e-5)


def test_a_metric_from_too_few_blocks(data):
    X, Y = data
    x, y = in_blocks(X, 500), in_blocks(Y, 500)
    with pytest.raises(ValueError, match=r"`X` must have at least cv=3 blocks.*got 2"):
        GradientOuterProduct().fit(x, y)
    with pytest.raises(ValueError, match=r"`cv` must be an int >= 2.*got cv=None"):
        GradientOuterProduct(cv=None).fit(x, y)


def test_gradients_at_the_rows_of_blocks(client, data):
    X, Y = data
    weights = np.random.default_rng(1).uniform(0, 2, len(X))
    model = ridge().fit(X, Y)
    found = model.gradient_outer_product(in_blocks(X), in_blocks(weights))
    np.testing.assert_allclose(found, model.gradient_outer_product(X, weights))


def test_default_penalty_is_that_in_memory(client, data):
    X, Y = data
    weights = np.random.default_rng(0).integers(0, 3, len(X)) * 1.0
    local = ridge(solver="primal", alpha_per_target=True).fit(X, Y, weights)
    model = ridge(alpha_per_target=True)
    model.fit(in_blocks(X), in_blocks(Y), in_blocks(weights))
    np.testing.assert_allclose(model.alphas_, local.alphas_, rtol=1e-9)
    np.testing.assert_allclose(model.alpha_, local.alpha_, rtol=1e-9)
    np.testing.assert_allclose(model.scores_, local.scores_, rtol=1e-6)


@pytest.mark.parametrize("kept", [2**22, 300])
def test_probabilities(client, data, kept, monkeypatch):
    monkeypatch.setattr("skrf.ridge._leave_one_out.MAX_STORED", kept)
    X, Y = data
    labels = np.array(list("abc"))[np.argsort(np.argsort(Y[:, 0])) * 3 // len(X)]
    local = ridge(RandomFeatureRidgeClassifier, solver="primal").fit(X, labels)
    model = ridge(RandomFeatureRidgeClassifier).fit(in_blocks(X), in_blocks(labels))
    assert model.alpha_ == pytest.approx(local.alpha_)
    assert model.best_score_ == pytest.approx(local.best_score_)
    probabilities = model.predict_proba(in_blocks(X))
    assert probabilities.shape == (len(X), 3)
    expected = local.predict_proba(X)
    np.testing.assert_array_equal(
        probabilities.compute().argmax(axis=1), expected.argmax(axis=1)
    )
    if kept > 300:  # else some rows of every block have the temperature
        np.testing.assert_allclose(probabilities.compute(), expected, atol=1e-6)
    logs = model.predict_log_proba(in_blocks(X)).compute()
    np.testing.assert_allclose(np.exp(logs), probabilities.compute(), rtol=1e-6)


def test_penalty_of_a_sample(client, data, monkeypatch):
    X, Y = data
    monkeypatch.setattr("skrf.ridge._sample.MOST_ROWS", 60)
    monkeypatch.setattr(
        "skrf.ridge._solver_choice.fits_in_memory", lambda name, size: size.n_rows > 0
    )
    model = ridge().fit(in_blocks(X), in_blocks(Y))
    assert model.alpha_ in model.alphas_
    assert model.score(in_blocks(X), in_blocks(Y)) > 0.5
