"""Temperatures: against grids, scikit-learn's temperature scaling and their invariances."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from sklearn.calibration import CalibratedClassifierCV
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import log_loss

from skrf.ridge._temperature import Temperature

KINDS = ["two classes", "three classes", "three labels"]


def noisy(rng, kind, n=300, noise=1.0):
    """Decision values, targets in {-1, 1} and weights, some of them 0."""
    weights = rng.integers(0, 3, n) * rng.uniform(0.5, 1.5, n)
    if kind == "three classes":
        Y = 2.0 * np.eye(3)[rng.integers(0, 3, n)] - 1
    else:
        Y = rng.choice([-1.0, 1.0], (n, 1 if kind == "two classes" else 3))
    return Y + noise * rng.standard_normal(Y.shape), Y, weights


def fit(decisions, Y, weights, kind):
    return Temperature.fit(decisions, Y, weights, multilabel=kind == "three labels")


def losses_of(model, decisions, Y, weights):
    """The weighted log loss of the probabilities, or one loss for each label."""
    P = model.probabilities(decisions)
    if model.multilabel:
        columns = zip(Y.T, P.T, strict=True)
        return np.array([log_loss(y, p, sample_weight=weights) for y, p in columns])
    y = Y[:, 0] > 0 if Y.shape[1] == 1 else Y.argmax(axis=1)
    return np.array([log_loss(y, P, sample_weight=weights)])


@pytest.mark.parametrize("kind", KINDS)
def test_minimises_the_weighted_log_loss(kind, rng):
    decisions, Y, weights = noisy(rng, kind)
    model = fit(decisions, Y, weights, kind)
    best = losses_of(model, decisions, Y, weights)
    for factor in np.geomspace(0.01, 100, 401):
        other = Temperature(model.beta * factor, model.multilabel)
        losses = losses_of(other, decisions, Y, weights)
        assert np.all(best <= losses + 1e-12), factor
        assert abs(factor - 1) < 0.02 or np.all(best < losses - 1e-6), factor


@pytest.mark.filterwarnings("ignore:Since FrozenEstimator:UserWarning")
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("classifier", [RidgeClassifier(), LinearDiscriminantAnalysis()])
def test_agrees_with_scikit_learn(n_classes, classifier, rng):
    y = rng.integers(0, n_classes, 400)
    X = np.eye(3)[y] + rng.standard_normal((400, 3))
    weights = rng.uniform(0, 2, 400)
    classifier.fit(X, y)
    reference = CalibratedClassifierCV(
        FrozenEstimator(classifier), method="temperature", ensemble=False
    ).fit(X, y, sample_weight=weights)
    decisions = classifier.decision_function(X)
    Y = (2.0 * np.eye(n_classes)[y] - 1)[:, -1 if n_classes == 2 else slice(None)]
    model = Temperature.fit(decisions, Y, weights)
    expected = reference.predict_proba(X)
    np.testing.assert_allclose(model.probabilities(decisions), expected, rtol=1e-5)
    np.testing.assert_allclose(
        model.log_probabilities(decisions), np.log(expected), rtol=1e-5, atol=1e-12
    )


TABLES = st.tuples(st.sampled_from(KINDS), st.integers(0, 2**32 - 1), st.floats(0, 3))


@given(TABLES, st.floats(-200, 200))
def test_unit_of_the_decision_values(table, exponent):
    kind, seed, noise = table
    decisions, Y, weights = noisy(np.random.default_rng(seed), kind, 12, noise)
    assume(weights.any())
    beta = fit(decisions, Y, weights, kind).beta
    scale = 10.0**exponent
    scaled = fit(scale * decisions, Y, weights, kind).beta
    np.testing.assert_allclose(scaled * scale, beta, rtol=1e-7)


@given(TABLES)
def test_weights_are_repetitions(table):
    kind, seed, noise = table
    rng = np.random.default_rng(seed)
    decisions, Y, _ = noisy(rng, kind, 12, noise)
    counts = rng.integers(0, 4, 12)
    assume(counts.any())
    repeated = fit(*(np.repeat(a, counts, axis=0) for a in (decisions, Y)), None, kind)
    weighted = fit(decisions, Y, counts, kind)
    np.testing.assert_allclose(weighted.beta, repeated.beta, rtol=1e-7)


@given(TABLES)
def test_rows_of_weight_zero_count_as_removed(table):
    kind, seed, noise = table
    rng = np.random.default_rng(seed)
    decisions, Y, weights = noisy(rng, kind, 12, noise)
    assume(weights.any())
    kept = weights > 0
    removed = fit(decisions[kept], Y[kept], weights[kept], kind)
    decisions[~kept] = rng.choice([np.nan, 1e9, -1e9], decisions[~kept].shape)
    np.testing.assert_array_equal(fit(decisions, Y, weights, kind).beta, removed.beta)


@given(TABLES)
def test_probabilities(table):
    """The label of the greatest decision value is the most probable label."""
    kind, seed, noise = table
    decisions, Y, weights = noisy(np.random.default_rng(seed), kind, 12, noise)
    assume(weights.any())
    model = fit(decisions, Y, weights, kind)
    assert np.all(np.isfinite(model.beta))
    assert np.all(model.beta > 0)
    P = model.probabilities(decisions)
    np.testing.assert_allclose(np.exp(model.log_probabilities(decisions)), P, rtol=1e-12)
    if kind == "three labels":
        np.testing.assert_array_equal(P > 0.5, decisions > 0)
        return
    np.testing.assert_allclose(P.sum(axis=1), 1)
    columns = np.hstack([-decisions, decisions]) if kind == "two classes" else decisions
    np.testing.assert_array_equal(P.argmax(axis=1), columns.argmax(axis=1))


# ------------------------------------------------------------- bounds of the temperature


@pytest.mark.parametrize("n", [2, 100, 10_000])
def test_separated_classes_of_equal_margins(n):
    """The probability of an error is the Jeffreys estimate after n rows without one."""
    y = np.resize([-1.0, 1.0], n)
    P = Temperature.fit(3 * y, y).probabilities(3 * y)
    np.testing.assert_allclose(P.min(axis=1), 1 / (2 * n + 2))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("margin", [0.0, 1e-14, 1e-8])
def test_one_margin_near_zero_does_not_decide(kind, margin, rng):
    """A near tie among separated rows has little effect, unlike on the pure log loss."""
    _, Y, _ = noisy(rng, kind)
    decisions = Y * rng.uniform(0.5, 1, (len(Y), 1))
    beta = fit(decisions, Y, None, kind).beta
    decisions[0] = margin * Y[0]
    np.testing.assert_allclose(fit(decisions, Y, None, kind).beta, beta, rtol=0.01)


def test_normalised_weights_count_as_rows(rng):
    """Weights that add up to 1 do not make the bound of separated classes looser."""
    _, Y, _ = noisy(rng, "two classes")
    decisions = Y * rng.uniform(0.5, 1, Y.shape)
    beta = Temperature.fit(decisions, Y).beta
    weights = np.full(len(Y), 1 / len(Y))
    np.testing.assert_allclose(Temperature.fit(decisions, Y, weights).beta, beta)


@pytest.mark.parametrize("kind", KINDS)
def test_worse_than_chance(kind, rng):
    """Nearly equal probabilities, in the order of the decision values."""
    decisions, Y, weights = noisy(rng, kind)
    model = fit(-decisions, Y, weights, kind)
    P = model.probabilities(-decisions)
    assert np.abs(P - 1 / (3 if kind == "three classes" else 2)).max() < 1e-3
    assert np.all(model.beta > 0)


def test_equal_decision_values():
    Y = 2.0 * np.eye(3) - 1
    P = Temperature.fit(np.ones((3, 3)), Y).probabilities(np.ones((3, 3)))
    np.testing.assert_allclose(P, 1 / 3)


def test_far_decision_values_have_finite_log_probabilities():
    decisions = np.array([[1e4, 0.0, -1e4]])
    model = Temperature(np.ones(1), False)
    np.testing.assert_array_equal(model.log_probabilities(decisions), [[0, -1e4, -2e4]])
    np.testing.assert_array_equal(model.probabilities(decisions), [[1, 0, 0]])
    two = Temperature(np.ones(1), False).log_probabilities(np.array([-1e4]))
    np.testing.assert_array_equal(two, [[0, -1e4]])


def test_float32_stays_float32():
    model = Temperature(np.array([2.5]), False)
    decisions = np.array([[0.5, -0.5, 1.0]], np.float32)
    assert model.probabilities(decisions).dtype == np.float32
    assert model.log_probabilities(decisions).dtype == np.float32


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("separated", [False, True])
@pytest.mark.parametrize("unit", [1e-300, 1e300])
def test_weights_of_any_size(unit, separated, rng):
    """Only ratios of weights matter, except in the bound of separated labels."""
    y = np.where(rng.random(40) < 0.5, 1.0, -1.0)
    decisions = 1e10 * (3 * y + rng.standard_normal(40) * (0.1 if separated else 3))
    beta = Temperature.fit(decisions, y, np.full(40, unit)).beta[0]
    expected = Temperature.fit(decisions, y).beta[0]
    assert np.isfinite(beta)
    assert beta >= expected * (1 - 1e-9)
    if not separated or unit < 1:
        assert beta == pytest.approx(expected, rel=1e-9)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("unit", [1e-200, 1e300])
def test_decision_values_of_any_size(unit, rng):
    y = np.where(rng.random((40, 1)) < 0.5, 1.0, -1.0)
    decisions = y + 2 * rng.standard_normal((40, 1))
    expected = Temperature.fit(decisions, y).beta / unit
    np.testing.assert_allclose(Temperature.fit(unit * decisions, y).beta, expected, 1e-9)


@pytest.mark.filterwarnings("error")
def test_weights_of_more_than_the_range_of_floats(rng):
    """Rows that weigh 1e-600 times another row have no effect."""
    y, decisions = np.array([1.0, -1.0, 1.0, -1.0]), np.array([1.0, 0.5, -2.0, -1.0])
    few = Temperature.fit(decisions[:3], y[:3], np.full(3, 1e300))
    all_rows = Temperature.fit(decisions, y, np.array([1e300, 1e300, 1e300, 1e-300]))
    assert all_rows.beta == pytest.approx(few.beta, rel=1e-12)
