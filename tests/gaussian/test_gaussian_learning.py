"""Risks, best errors and minimum weights for Gaussian inputs."""

import mpmath as mp
import numpy as np
import pytest
import reference
from scipy.optimize import lsq_linear

from skrf import SingleNeuron
from skrf.gaussian import (
    best_error,
    best_tangent_error,
    min_weight,
    population_risk,
    population_risk_gradient,
    relu_gram,
    relu_mean,
)


def unit_target(d, bias):
    return SingleNeuron(np.eye(d)[0], bias)


@pytest.fixture
def network(rng):
    """u, W, b, target and intercept; one hidden weight is 0."""
    W = rng.normal(size=(7, 4))
    W[3] = 0
    b = 0.6 * rng.normal(size=7)
    return rng.normal(size=7), W, b, SingleNeuron(rng.normal(size=4), -0.5), 0.3


# ------------------------------------------------------------------- population risk


def test_risk_agrees_with_a_sample(network, rng):
    u, W, b, target, c = network
    X = rng.normal(size=(400_000, 4))
    squares = (np.maximum(X @ W.T + b, 0) @ u + c - target(X)) ** 2
    result = population_risk(u, W, b, target, intercept=c)
    assert result.risk == pytest.approx(squares.mean(), abs=6 * squares.std() / 630)
    norm = relu_gram(target.weight[np.newaxis], [target.bias])[0, 0]
    assert result.relative == pytest.approx(result.risk / norm)
    assert 0 < result.rounding_error < 1e-12


def test_risk_of_the_target_itself_is_0_up_to_rounding_error(rng):
    w = rng.normal(size=30)
    parts = np.array([0.7, 0.3])
    result = population_risk(parts, np.array([w, w]), [-1, -1], SingleNeuron(w, -1))
    assert abs(result.risk) <= result.rounding_error
    assert result.relative < 1e-14


def test_gradient_agrees_with_finite_differences(network):
    u, W, b, target, c = network
    W[3] = [1e-3, 0, 0, 1e-3]  # at 0 there is no derivative
    step = 1e-6
    gradient = np.concatenate(
        [np.ravel(g) for g in population_risk_gradient(u, W, b, target, intercept=c)]
    )
    theta = np.concatenate([u, W.ravel(), b, [c]])

    def risk(theta):
        u, W, b, c = np.split(theta, [7, 35, 42])
        return population_risk(u, W.reshape(7, 4), b, target, intercept=c[0]).risk

    for i, slope in enumerate(gradient):
        shift = step * np.eye(len(theta))[i]
        expected = (risk(theta + shift) - risk(theta - shift)) / (2 * step)
        assert slope == pytest.approx(expected, abs=1e-7), i


def steps_of_descent(d, bias, seed, limit=1500):
    """Number of steps of size .5 on half the risk until one neuron has an error of 1%."""
    target = unit_target(d, bias)
    w, b = np.random.default_rng(seed).normal(size=(1, d)) / np.sqrt(d), np.zeros(1)
    for step in range(limit):
        if population_risk([1.0], w, b, target).relative <= 0.01:
            return step
        _, in_W, in_b, _ = population_risk_gradient([1.0], w, b, target)
        w, b = w - 0.25 * in_W, b - 0.25 * in_b
    return None


@pytest.mark.slow
@pytest.mark.parametrize("d", [10, 40, 160])
def test_one_neuron_learns_a_neuron_in_about_200_steps(d):
    """All seeds reach 1% at b* = -1; at b* = -2 the neuron dies for seed 4."""
    steps = [steps_of_descent(d, -1.0, seed) for seed in range(5)]
    assert min(steps) >= 113
    assert max(steps) <= 217
    if d == 10:
        assert (min(steps), max(steps)) == (113, 217)
        assert steps_of_descent(d, -2.0, 4) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"u": [1.0]}, "`u` must have one output weight for each of the 2 rows of W"),
        ({"u": [1.0, np.nan]}, "u`? must be finite; got nan"),
        ({"target": lambda X: X}, "`target` must be a SingleNeuron; got function"),
        ({"target": SingleNeuron([1.0])}, "`target` must have 2 features, .* got 1. Use"),
        ({"target": SingleNeuron([1.0, 0], activation="sin")}, "got activation='sin'. Use"),
        ({"target": SingleNeuron([0.0, 0.0])}, "`target` must not be 0 everywhere; got w"),
        ({"intercept": np.inf}, "`intercept` must be a finite number; got inf. Use 0.0"),
    ],
)
def test_risk_errors(change, message):
    arguments = {"u": [1.0, 1.0], "W": np.eye(2), "b": [0.0, 0.0]}
    arguments = {**arguments, "target": SingleNeuron([1.0, 1.0]), **change}
    for function in (population_risk, population_risk_gradient):
        with pytest.raises(ValueError, match=message):
            function(**arguments)


# ------------------------------------------------------------------------ best error


@pytest.mark.parametrize("intercept", [False, True])
def test_best_errors_agree_with_least_squares(intercept, network):
    _, W, b, target, _ = network
    best = best_error(W, b, target, intercept=intercept)
    goal = target.weight[np.newaxis], [target.bias]
    for r in range(1, 8):
        G, h = relu_gram(W[:r], b[:r]), relu_gram(W[:r], b[:r], *goal)[:, 0]
        means = relu_mean(W[:r], b[:r])
        if intercept:
            G = np.block([[np.ones((1, 1)), means[np.newaxis]], [means[:, np.newaxis], G]])
            h = np.r_[relu_mean(*goal), h]
        u = np.linalg.lstsq(G, h, rcond=1e-13)[0]
        c, u = (u[0], u[1:]) if intercept else (0.0, u)
        exact = population_risk(u, W[:r], b[:r], target, intercept=c)
        assert best.errors[r - 1] == pytest.approx(exact.risk, rel=1e-9), r
        assert best.relative[r - 1] == pytest.approx(exact.relative, rel=1e-9)
    assert best.errors.shape == best.rounding_errors.shape == (7,)


def exact_arc_cosine_errors(angles, goal):
    """Best relative errors without biases for unit vectors in the plane, in 60 digits."""
    with mp.workdps(60):

        def moment(one, other):
            t = abs(mp.mpf(one) - mp.mpf(other))
            t = min(t, 2 * mp.pi - t)
            return (mp.sin(t) + (mp.pi - t) * mp.cos(t)) / (2 * mp.pi)

        n = len(angles)
        G = mp.matrix(n, n)
        for i in range(n):
            for j in range(n):
                G[i, j] = moment(angles[i], angles[j])
        h = mp.matrix([moment(a, goal) for a in angles])
        y = mp.lu_solve(mp.cholesky(G), h)
        total, errors = moment(goal, goal), []
        for value in y:
            total -= value**2
            errors.append(float(2 * total))
        return np.array(errors)


@pytest.mark.parametrize("width", [10, 40])
def test_rounding_errors_bound_the_errors_of_nearly_singular_features(width):
    """Neurons within 0.3 radians have a Gram matrix of condition number up to 1e15."""
    angles = np.random.default_rng(2).uniform(-0.15, 0.15, width)
    W = np.column_stack([np.cos(angles), np.sin(angles)])
    best = best_error(W, np.zeros(width), SingleNeuron([np.cos(0.4), np.sin(0.4)]))
    exact = exact_arc_cosine_errors(angles, 0.4)
    errors = np.abs(best.relative - exact)
    assert (errors <= 10 * best.rounding_errors / 0.5).all()
    assert (best.rounding_errors <= 1e5 * np.maximum(errors, 1e-17)).any()


def test_repeated_and_dead_neurons_change_nothing(rng):
    W, b = reference.sphere_draw(20, 3, 0)
    target = unit_target(3, -0.5)
    base = best_error(W, b, target)
    W = np.concatenate([W, W[:5], np.zeros((1, 3)), W[:1]])
    b = np.r_[b, b[:5], -1.0, -60.0]
    best = best_error(W, b, target)
    assert best.jitter > 0
    noise = 10 * best.rounding_errors + 1e-9 * base.errors[0]
    assert (np.abs(best.errors[:20] - base.errors) <= noise[:20]).all()
    assert (np.abs(best.errors[20:] - base.errors[-1]) <= noise[20:] + 1e-9).all()


def test_tangents_without_the_target_neuron_and_with_it():
    W, b = reference.sphere_draw(12, 3, 1)
    target = unit_target(3, -0.8)
    without = best_tangent_error(W, b, target, biases=True, intercept=True)
    assert (np.diff(without.errors) <= without.rounding_errors[1:]).all()
    # relu is in the span of its own derivatives in weight and bias.
    W[5], b[5] = target.weight, target.bias
    biased = best_tangent_error(W, b, target, biases=True)
    assert biased.relative[4] > 1e-3
    assert np.abs(biased.relative[5:]).max() < 1e-12
    unbiased = best_tangent_error(W, b, target)
    assert (unbiased.errors[:5] >= biased.errors[:5]).all()
    assert best_error(W, b, target).errors[4] >= biased.errors[4]


SPHERE_TABLE = {
    (0.0, 5): 1.0e-3, (0.0, 10): 8.1e-3, (0.0, 20): 0.021, (0.0, 40): 0.036,
    (-1.0, 5): 5.2e-3, (-1.0, 10): 0.041, (-1.0, 20): 0.11, (-1.0, 40): 0.21,
    (-2.0, 5): 0.042, (-2.0, 10): 0.12, (-2.0, 20): 0.46, (-2.0, 40): 0.64,
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("bias", "d"), SPHERE_TABLE)
def test_best_errors_of_3000_random_features(bias, d):
    """Features of `sphere_draw` with the seed d."""
    best = best_error(*reference.sphere_draw(3000, d, d), unit_target(d, bias))
    assert best.relative[-1] == pytest.approx(SPHERE_TABLE[bias, d], rel=0.05)
    assert best.rounding_errors[-1] < 1e-3 * best.errors[-1]


def test_bias_free_features_have_a_lower_bound():
    """Relative error at any width: .208 (d = 10, b* = -1), .621 (b* = -2).

    Sums of relu(<w, x>) are |x| f(x / |x|) with f even or linear.
    """
    W, b = reference.sphere_draw(1000, 10, 0)
    for bias, bound in ((-1.0, 0.2085), (-2.0, 0.6207)):
        relative = best_error(W, 0 * b, unit_target(10, bias)).relative
        assert bound < relative[-1] < 1.15 * bound


@pytest.mark.slow
@pytest.mark.parametrize(("bias_scale", "expected"), [(1.0, 0.058), (0.0, 0.22)])
def test_tangent_features_at_2000_columns(bias_scale, expected):
    """d = 10, b* = -1. Without biases the lower bound of all |x| f(x / |x|) is .085."""
    W, b = reference.sphere_draw(200, 10, 1)
    best = best_tangent_error(W, bias_scale * b, unit_target(10, -1.0))
    assert best.relative[-1] == pytest.approx(expected, rel=0.01)


# --------------------------------------------------------------------- minimum weight


@pytest.mark.parametrize(
    ("bias", "error"), [(0.0, 0.8), (0.0, 0.3), (0.0, 0.05), (-1.0, 0.5), (-1.0, 0.15)]
)
def test_min_weight_is_attained_and_no_smaller_box_reaches_the_error(error, bias):
    W, b = reference.sphere_draw(40, 4, 3)
    target = unit_target(4, bias)
    square = relu_gram([target.weight], [bias])[0, 0]
    result = min_weight(W, b, target, error * square)
    assert result.feasible
    assert np.abs(result.u).max() <= result.weight * (1 + 1e-12)
    risk = population_risk(result.u, W, b, target)
    assert risk.relative <= error * (1 + 1e-8)
    assert result.risk == pytest.approx(risk.risk, rel=1e-8)
    # The minimum risk in a slightly smaller box, by another solver.
    G, h = relu_gram(W, b), relu_gram(W, b, [target.weight], [bias])[:, 0]
    L = np.linalg.cholesky(G)
    limit = 0.9999 * result.weight
    other = lsq_linear(L.T, np.linalg.solve(L, h), (-limit, limit), "bvls", max_iter=4000)
    assert population_risk(other.x, W, b, target).relative > error


def test_min_weight_of_orthogonal_features_by_hand():
    """relu(z) and relu(-z): the risk is (1 - u)^2 / 2 for the first feature."""
    W, target = [[1.0], [-1.0]], SingleNeuron([1.0])
    result = min_weight(W, [0.0, 0.0], target, 0.125)
    assert result.weight == pytest.approx(0.5)
    assert result.u[0] == pytest.approx(0.5)
    zero = min_weight(W, [0.0, 0.0], target, 0.5)
    assert (zero.weight, zero.risk, zero.feasible) == (0.0, 0.5, True)


def test_min_weight_infeasible():
    W, b = reference.sphere_draw(10, 6, 0)
    target = unit_target(6, -1.0)
    result = min_weight(W, b, target, 1e-3 * best_error(W, b, target).errors[-1])
    assert not result.feasible
    assert result.weight == np.inf
    assert result.risk == pytest.approx(best_error(W, b, target).errors[-1])
    assert not min_weight([[0.0]], [-1.0], SingleNeuron([1.0]), 0.1).feasible
    with pytest.raises(ValueError, match=r"`error` must be a finite .* got -1.0. Pass a"):
        min_weight(W, b, target, -1.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bias", "d", "expected"),
    [
        (0.0, 10, (1.5, 3.0, 8.8)),
        (0.0, 40, (2.5, 6.0, 47)),
        (-1.0, 10, (5.7, 17, 115)),
        (-1.0, 40, (19, np.inf, np.inf)),
    ],
)
def test_min_weights_of_1000_random_features(bias, d, expected):
    """r max|u| / ||g|| at relative errors .5, .3, .1. Random features vary by 20%."""
    W, b = reference.sphere_draw(1000, d, 0)
    target = unit_target(d, bias)
    square = relu_gram([target.weight], [bias])[0, 0]
    for error, value in zip((0.5, 0.3, 0.1), expected, strict=True):
        result = min_weight(W, b, target, error * square)
        assert 1000 * result.weight / np.sqrt(square) == pytest.approx(value, rel=0.2)


@pytest.mark.parametrize("error", [1e-13, 1e-17])
def test_min_weight_for_risks_below_rounding_error(error):
    result = min_weight([[1.0, 0.0]], [0.0], SingleNeuron([1.0, 0.0]), error)
    assert result.feasible
    assert result.weight == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("seed", range(12))
def test_min_weights_of_nearly_singular_features(seed):
    """A solver that changes one bound at a time finds no smaller box for the error."""
    rng = np.random.default_rng(seed)
    size = 10 ** rng.uniform(-4, 3, 40) if seed % 2 else np.ones(40)
    W, b = rng.standard_normal((40, 1)) * size[:, np.newaxis], rng.standard_normal(40)
    target = SingleNeuron([1.0], -1.0)
    error = 1.1 * best_error(W, b * size, target).errors[-1]
    result = min_weight(W, b * size, target, error)
    assert result.risk <= error * (1 + 1e-9)
    G, h = relu_gram(W, b * size), relu_gram(W, b * size, [[1.0]], [-1.0])[:, 0]
    use = np.diag(G) > 0
    s = np.sqrt(np.diag(G)[use])
    unit = G[np.ix_(use, use)] / s / s[:, np.newaxis] + 1e-15 * np.eye(len(s))
    L = np.linalg.cholesky(unit)
    bounds = 0.9999 * result.weight * s
    y = np.linalg.solve(L, h[use] / s)
    v = lsq_linear(L.T, y, (-bounds, bounds), method="bvls", tol=1e-15, max_iter=5000).x
    u = np.zeros(40)
    u[use] = v / s
    assert population_risk(u, W, b * size, target).risk > error
