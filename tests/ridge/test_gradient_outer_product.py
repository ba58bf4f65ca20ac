"""The transformer that learns a metric: its rounds, their choice, and its input."""

import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.datasets import load_iris
from sklearn.kernel_approximation import Nystroem
from sklearn.model_selection import GroupKFold, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skrf import (
    GradientOuterProduct,
    LinearizedNTKFeatures,
    RandomFeatureRidge,
    RandomFeatures,
    RandomReLUFeatures,
    make_single_neuron,
)
from skrf._utils.directions import directions
from skrf.ridge._rounds import _PROBLEM, blended, chosen_round, root


def learner(width=100, **options):
    features = options.pop("features", RandomReLUFeatures(width))
    return GradientOuterProduct(features=features, random_state=0, **options)


@pytest.fixture
def neuron():
    """Rows and targets of one neuron in ten dimensions, and the neuron."""
    return make_single_neuron(
        300,
        10,
        bias=-0.5,
        noise=0.05,
        inputs="gaussian",
        return_target=True,
        random_state=0,
    )


# ------------------------------------------------------------------------- the metric


def test_a_neuron_in_fifty_dimensions_is_learned():
    X, y, target = make_single_neuron(
        4000, 50, bias=-0.5, noise=0.05, inputs="gaussian", return_target=True,
        random_state=0,
    )  # fmt: skip
    fit, rest = slice(1500), slice(1500, None)
    ridge = RandomFeatureRidge(RandomReLUFeatures(300), random_state=0)
    plain = ridge.fit(X[fit], y[fit]).score(X[rest], y[rest])
    learned = make_pipeline(learner(300, max_iter=3), ridge).fit(X[fit], y[fit])
    assert plain < 0.6
    assert learned.score(X[rest], y[rest]) > 0.95
    metric = learned[0].metric_
    assert target.weight @ metric @ target.weight > 0.9 * 0.9 * 50
    assert metric.trace() == pytest.approx(50)


def test_the_rounds_are_those_of_the_definition(neuron):
    """Plain fits and matrices, without the classes of the package that run the rounds."""
    X, y, _ = neuron
    model = learner(cv=2).fit(X, y)
    assert model.best_round_ >= 2
    M, seed = np.eye(10), np.random.RandomState(0).randint(np.iinfo(np.int32).max)
    for _ in range(model.best_round_):
        ridge = RandomFeatureRidge(RandomReLUFeatures(100), random_state=seed)
        L = root(M)
        ridge.fit(X @ L, (y - y.mean()) / y.std())
        A = L @ ridge.gradient_outer_product(X @ L) @ L
        M = 0.9 * 10 * A / A.trace() + 0.1 * np.eye(10)
    np.testing.assert_allclose(model.metric_, M, atol=1e-6)
    np.testing.assert_allclose(model.transform(X), X @ root(M), atol=1e-5)


def test_validation_scores_are_those_of_folds_of_all_rounds(neuron):
    X, y, _ = neuron
    cv, Y = KFold(2), (y - y.mean()) / y.std()
    model = learner(cv=cv, max_iter=2).fit(X, y)
    for k, (train, test) in enumerate(cv.split(X)):
        M, seed = np.eye(10), np.random.RandomState(0).randint(np.iinfo(np.int32).max)
        for score in model.validation_scores_[:, k]:
            L = root(M)
            ridge = RandomFeatureRidge(RandomReLUFeatures(100), random_state=seed).fit(
                X[train] @ L, Y[train]
            )
            error = np.mean((ridge.predict(X[test] @ L) - Y[test]) ** 2)
            assert -score == pytest.approx(error, rel=1e-5)
            A = L @ ridge.gradient_outer_product(X[train] @ L) @ L
            M = blended(A, 0.1, False)


def test_round_0_returns_the_rows_unchanged(rng):
    X, y = rng.standard_normal((90, 4)), rng.standard_normal(90)
    model = learner().fit(X, y)
    assert model.best_round_ == 0
    np.testing.assert_array_equal(model.transform(X), X)
    np.testing.assert_array_equal(model.metric_, np.eye(4))
    np.testing.assert_allclose(model.explained_ratio_, 0.25)


def test_constant_outputs_keep_the_identity(rng):
    X = rng.standard_normal((30, 3))
    for y in (np.full(30, 1e6), np.zeros((30, 2))):
        model = learner().fit(X, y)
        assert model.best_round_ == 0
        np.testing.assert_array_equal(model.components_, np.eye(3))


def test_a_rotation_of_the_rows_rotates_the_metric(neuron, rng):
    """With features whose weights are rotated too."""
    X, y, _ = neuron
    Q = np.linalg.qr(rng.standard_normal((10, 10)))[0]
    W, b = rng.standard_normal((50, 10)) / np.sqrt(10), rng.standard_normal(50)

    class Rotated(RandomReLUFeatures):
        """Features with the weights W, or W Q'."""

        rotation = np.eye(10)

        def fit(self, X, y=None):
            return self.from_weights(W @ self.rotation.T, b)

    plain = learner(features=Rotated(50)).fit(X, y)
    Rotated.rotation = Q
    rotated = learner(features=Rotated(50)).fit(X @ Q.T, y)
    assert plain.best_round_ == rotated.best_round_ > 0
    np.testing.assert_allclose(rotated.metric_, Q @ plain.metric_ @ Q.T, atol=1e-6)


def test_units_of_the_outputs_do_not_matter(neuron):
    X, y, _ = neuron
    Y = np.column_stack([y, np.sin(X[:, 0])])
    expected = learner().fit(X, Y).metric_
    scaled = learner().fit(X, Y * [1e3, 1e-3] + [5, 1e3]).metric_
    np.testing.assert_allclose(scaled, expected, atol=1e-5)


def test_components(neuron):
    X, y, target = neuron
    full, few = learner(cv=2).fit(X, y), learner(n_components=2, cv=2).fit(X, y)
    values, rows = directions(full.metric_)
    np.testing.assert_allclose(few.components_, np.sqrt(values[:2, None]) * rows[:2])
    np.testing.assert_allclose(few.transform(X), X @ few.components_.T)
    np.testing.assert_allclose(full.components_.T @ full.components_, full.metric_)
    np.testing.assert_allclose(full.explained_ratio_, values / 10)
    assert full.explained_ratio_.sum() == pytest.approx(1)
    first = few.components_[0] / np.linalg.norm(few.components_[0])
    assert abs(first @ target.weight) > 0.95


def test_components_are_learned_even_where_no_round_is_better(rng):
    X, y = rng.standard_normal((90, 4)), rng.standard_normal(90)
    assert learner(n_components=2).fit(X, y).best_round_ >= 1


def test_diagonal(neuron):
    X = neuron[0]
    model = learner(diagonal=True).fit(X, np.sin(2 * X[:, 3]))
    np.testing.assert_array_equal(model.metric_, np.diag(model.metric_.diagonal()))
    assert model.metric_[3, 3] > 5


@pytest.mark.parametrize("blend", [0.0, 1.0])
def test_limits_of_the_blend(blend, neuron):
    X, y, target = neuron
    metric = learner(n_components=1, blend=blend).fit(X, y).metric_
    if blend == 1:
        np.testing.assert_allclose(metric, np.eye(10), atol=1e-12)
    else:
        assert target.weight @ metric @ target.weight > 9


def test_other_features(neuron):
    X, y, target = neuron
    for features in (
        RandomFeatures(100, activation="erf", projection="structured"),
        LinearizedNTKFeatures(10, activation="softplus", train="both"),
    ):
        metric = learner(features=features).fit(X, y).metric_
        assert target.weight @ metric @ target.weight > 5


# -------------------------------------------------------------------------- the choice


def folds_of(*differences):
    """Folds with one row of weight 1 each, round 0 and later rounds with these gains."""
    return [(np.ones(2), 1 - np.array([[0, 0], [d, d]])) for d in differences]


def test_a_later_round_must_be_better_by_more_than_one_standard_error():
    assert chosen_round(folds_of(0.1, 0.1, 0.1)) == 1
    assert chosen_round(folds_of(-0.1, -0.1, -0.1)) == 0
    assert chosen_round(folds_of(0.0, 0.0, 0.0)) == 0
    # mean 0.1, standard error over the folds 0.2 / sqrt(3) = 0.115
    assert chosen_round(folds_of(-0.1, 0.1, 0.3)) == 0
    assert chosen_round(folds_of(0.0, 0.1, 0.2)) == 1


def test_the_standard_error_over_rows_counts_too():
    gains = np.array([1.0, -0.9])
    fold = np.ones(2), np.array([[1.0, 1.0], 1 - gains])
    assert chosen_round([fold, fold]) == 0
    weighted = np.array([1.0, 1e-6]), fold[1]
    assert chosen_round([weighted, weighted]) == 1  # the second rows hardly count
    many = np.ones(800), np.tile(fold[1], 400)
    assert chosen_round([many, many]) == 1


def test_the_choice_ends_after_two_rounds_without_a_smaller_error(rng):
    X, y = rng.standard_normal((90, 4)), rng.standard_normal(90)
    model = learner(max_iter=9).fit(X, y)
    best = model.validation_scores_.mean(axis=1).argmax()
    assert len(model.validation_scores_) == best + 3 < 10


# ---------------------------------------------------------------------------- the input


def test_labels_of_any_kind(rng):
    X, y = load_iris(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    expected = learner().fit(X, y)
    names = np.array(["a", "b", "c"])[y]
    for labels in (names, names.astype(object), list(names), y * 5 - 7):
        np.testing.assert_array_equal(learner().fit(X, labels).metric_, expected.metric_)
    # One round each: labels choose the round by wrong labels, numbers by squared errors.
    cv = list(KFold(3, shuffle=True, random_state=0).split(X))
    one_round = {"cv": cv, "n_components": 4, "max_iter": 1}
    signs = np.where(y[:, None] == np.unique(y), 1.0, -1.0)
    for labels, codes in (
        (y, signs),
        (y > 0, np.where(y > 0, 1.0, -1.0)),
        (np.where(y > 0, "yes", "no"), np.where(y > 0, 1.0, -1.0)),
    ):
        coded = learner(**one_round).fit(X, codes).metric_
        np.testing.assert_allclose(
            learner(**one_round).fit(X, labels).metric_, coded, atol=1e-9
        )


@pytest.mark.parametrize("n_classes", [2, 3])
def test_scores_of_labels_are_fractions_of_wrong_labels(n_classes):
    X, y = load_iris(return_X_y=True)
    X, y = StandardScaler().fit_transform(X[y < n_classes]), y[y < n_classes]
    # Neighbouring classes overlap, so some labels are wrong.
    X += np.random.default_rng(0).normal(0, 2, X.shape)
    cv = list(KFold(3, shuffle=True, random_state=0).split(X))
    fitted = learner(cv=cv).fit(X, y)
    model = RandomFeatureRidge(RandomReLUFeatures(100), random_state=0)
    codes = np.where(y[:, None] == np.unique(y), 1.0, -1.0)
    for (train, test), score in zip(cv, fitted.validation_scores_[0], strict=True):
        wrong = score * len(test)
        assert wrong == pytest.approx(round(wrong), abs=1e-9)
        by_ridge = model.fit(X[train], codes[train]).predict(X[test]).argmax(axis=1)
        assert abs(-wrong - (by_ridge != y[test]).sum()) <= 0.15 * len(test)
    assert fitted.validation_scores_.min() < 0


def test_integers_with_many_values_are_numbers(rng):
    X, y = rng.standard_normal((90, 4)), rng.permutation(90)
    cv = KFold(3)
    expected = learner(cv=cv).fit(X, y.astype(float)).validation_scores_
    np.testing.assert_array_equal(learner(cv=cv).fit(X, y).validation_scores_, expected)
    few = y % 3
    scores = {
        kind: learner(cv=cv, target_type=kind).fit(X, few).validation_scores_[0, 0]
        for kind in ("auto", "class", "continuous")
    }
    assert scores["auto"] == scores["class"] != scores["continuous"]


def test_weights_are_repeated_rows(neuron, rng, monkeypatch):
    """For one penalty: leaving out a row of weight 2 is not leaving out one of two rows."""
    monkeypatch.setattr("skrf.ridge._rounds._PROBLEM", _PROBLEM.at(0.1))
    X, y, _ = neuron
    weights = rng.integers(0, 3, len(y))
    fold = np.arange(len(y)) % 3
    repeated = np.repeat(np.arange(len(y)), weights)

    def cv(fold):
        return [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(3)]

    one = learner(cv=cv(fold), max_iter=1).fit(X, y, sample_weight=weights)
    two = learner(cv=cv(fold[repeated]), max_iter=1).fit(X[repeated], y[repeated])
    assert one.best_round_ == two.best_round_ == 1
    np.testing.assert_allclose(one.metric_, two.metric_, atol=1e-6)
    np.testing.assert_allclose(one.validation_scores_, two.validation_scores_, rtol=1e-6)


def test_sparse_rows(neuron):
    X, y, _ = neuron
    X[np.abs(X) < 0.5] = 0
    dense, rows = learner().fit(X, y), sparse.csr_array(X)
    model = learner().fit(rows, y)
    np.testing.assert_allclose(model.metric_, dense.metric_, atol=1e-6)
    np.testing.assert_allclose(model.transform(rows), dense.transform(X), atol=1e-5)


def test_float32_is_kept(neuron):
    X, y, _ = neuron
    single = learner().fit(X.astype(np.float32), y)
    assert single.metric_.dtype == single.components_.dtype == np.float32
    assert single.transform(X.astype(np.float32)).dtype == np.float32
    assert single.transform(X).dtype == np.float64
    np.testing.assert_allclose(single.metric_, learner().fit(X, y).metric_, atol=1e-2)


def test_several_outputs_and_names_of_columns(neuron):
    pandas = pytest.importorskip("pandas", reason="data frames need pandas")
    X, y, _ = neuron
    table = pandas.DataFrame(X, columns=list("abcdefghij"))
    model = learner(n_components=2).set_output(transform="pandas")
    out = model.fit_transform(table, np.column_stack([y, -y]))
    assert list(out.columns) == ["gradientouterproduct0", "gradientouterproduct1"]
    assert list(model.feature_names_in_) == list("abcdefghij")
    with pytest.raises(ValueError, match="feature names"):
        model.transform(table[list("jihgfedcba")])
    single = learner(n_components=2).fit(X, y)
    np.testing.assert_allclose(single.metric_, model.metric_, atol=1e-9)


def test_groups_and_routing(neuron):
    X, y, _ = neuron
    groups = np.arange(len(y)) % 7
    expected = learner(cv=list(GroupKFold(3).split(X, y, groups))).fit(X, y)
    model = learner(cv=GroupKFold(3)).fit(X, y, groups=groups)
    np.testing.assert_array_equal(model.validation_scores_, expected.validation_scores_)
    with pytest.raises(ValueError, match="groups"):
        learner(cv=GroupKFold(3)).fit(X, y)
    weights = np.arange(len(y)) % 2
    weighted = learner(cv=GroupKFold(3)).fit(X, y, sample_weight=weights, groups=groups)
    with config_context(enable_metadata_routing=True):
        inner = learner(cv=GroupKFold(3)).set_fit_request(sample_weight=True)
        ridge = RandomFeatureRidge(RandomReLUFeatures(20, random_state=0))
        routed = make_pipeline(inner, ridge.set_fit_request(sample_weight=True))
        routed.fit(X, y, sample_weight=weights, groups=groups)
    np.testing.assert_array_equal(routed[0].metric_, weighted.metric_)


def test_pickles_and_reproducible_fits(neuron):
    X, y, _ = neuron
    model = learner().fit(X, y)
    copy = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copy.transform(X), model.transform(X))
    assert b"skrf.ridge._" not in pickle.dumps(model)
    np.testing.assert_array_equal(learner().fit(X, y).metric_, model.metric_)


def test_one_task_for_each_round(neuron):
    X, y, _ = neuron
    counts = []

    class Counter:
        max_estimator_depth = None

        def setup(self, estimator, context):
            counts.append(0)

        def teardown(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context, **data):
            counts[-1] += context.task_name == "round"

        def on_fit_task_end(self, estimator, context, **data):
            pass

    model = learner().set_callbacks(Counter()).fit(X, y)
    n_rounds, n_folds = model.validation_scores_.shape
    assert counts == [n_rounds * n_folds + model.best_round_]


def test_verbose(neuron, capsys):
    X, y, _ = neuron
    model = learner(max_iter=1, verbose=True).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    errors = -model.validation_scores_.mean(axis=1)
    assert lines == [f"Round {t}: error {e:.6g} on the folds" for t, e in enumerate(errors)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"features": Nystroem()}, "`features` must be random or linearised.*got Nystroem"),
        ({"features": LinearizedNTKFeatures()}, "got 'relu', whose features jump"),
        ({"features": RandomReLUFeatures}, "got the class RandomReLUFeatures"),
        ({"n_components": 11}, "`n_components` must be at most.*10; got 11"),
        ({"blend": 1.5}, "'blend' parameter"),
        ({"cv": 301}, "n_splits=301"),
        ({"target_type": "labels"}, "'target_type' parameter.*'class'"),
    ],
)
def test_bad_parameters(options, message, neuron):
    X, y, _ = neuron
    model = learner().fit(X, y)
    before = model.transform(X)
    with pytest.raises(ValueError, match=message):
        model.set_params(**options).fit(X, y)
    np.testing.assert_array_equal(model.transform(X), before)


def test_metrics_that_do_not_fit_in_memory(neuron, monkeypatch):
    X, y, _ = neuron
    monkeypatch.setattr("skrf._utils.memory.available_memory", lambda: 8 * 6 * 100)
    with pytest.raises(MemoryError, match="Metrics of 10 columns for 3 folds"):
        learner().fit(X, y)


def test_only_one_class(rng):
    with pytest.raises(ValueError, match="at least 2 classes"):
        learner().fit(rng.standard_normal((9, 2)), ["a"] * 9)
