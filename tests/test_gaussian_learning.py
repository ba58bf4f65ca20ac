"""Risks, best errors, least weights, gaps and Hermite coefficients, Gaussian inputs."""

import mpmath as mp
import numpy as np
import pytest
import reference
from scipy.optimize import lsq_linear
from scipy.special import ndtr

from skrf import ACTIVATIONS, SingleNeuron
from skrf.gaussian import (
    best_error,
    best_tangent_error,
    coupling_gap,
    degree_energies,
    feature_gap,
    flip_probability,
    hermite_coefficients,
    linearization_gap,
    min_weight,
    population_risk,
    population_risk_gradient,
    relu_gram,
    relu_mean,
)


def sphere_draw(width, d, seed):
    """Weights uniform on the sphere and standard Gaussian biases, from one generator."""
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(width, d))
    return W / np.linalg.norm(W, axis=1, keepdims=True), rng.normal(size=width)


def unit_target(d, bias):
    return SingleNeuron(np.eye(d)[0], bias)


@pytest.fixture
def network(rng):
    """u, W, b, target and intercept; one hidden weight is 0."""
    W = rng.normal(size=(7, 4))
    W[3] = 0
    b = 0.6 * rng.normal(size=7)
    return rng.normal(size=7), W, b, SingleNeuron(rng.normal(size=4), -0.5), 0.3


# ---------------------------------------------------------------- Hermite coefficients


def hermite_by_definition(function, n, kink):
    """E[f(z) He_k(z)] / sqrt(k!) by quadrature in 30 digits, cut at the kink."""
    cuts = sorted({mp.mpf(-16), mp.mpf(16), *map(mp.mpf, range(-12, 13, 4)), mp.mpf(kink)})
    cuts = [cut for cut in cuts if abs(cut) <= 16]

    def coefficient(k):
        def integrand(z):
            before, value = mp.mpf(0), mp.mpf(1)
            for j in range(k):
                before, value = value, z * value - j * before
            return function(z) * value * mp.npdf(z)

        return mp.quad(integrand, cuts) / mp.sqrt(mp.factorial(k))

    return np.array([float(coefficient(k)) for k in n])


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_hermite_coefficients_are_those_of_30_digits(name):
    degrees = (0, 1, 2, 5, 12)
    for norm, bias in ((1.0, 0.0), (2.5, -0.7)):
        with mp.workdps(30):
            exact = hermite_by_definition(
                lambda z, n=norm, b=bias: reference.MP_ACTIVATIONS[name](n * z + b),
                degrees,
                -mp.mpf(bias) / mp.mpf(norm),
            )
        found = hermite_coefficients(name, 12, bias=bias, weight_norm=norm)
        tolerance = 1e-13 * max(1, np.abs(exact).max())
        np.testing.assert_allclose(found[list(degrees)], exact, rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_energies_add_up_to_the_mean_square(name):
    """Parseval, to what the coefficients above the degree leave."""
    nodes = np.linspace(-14, 14, 2801)
    weights = 0.01 * np.exp(-(nodes**2) / 2) / np.sqrt(2 * np.pi)
    square = weights @ ACTIVATIONS[name](0.8 * nodes + 0.4) ** 2
    energies = degree_energies(name, 150, bias=0.4, weight_norm=0.8)
    rough = {"step": 0.05, "relu": 1e-3, "abs": 1e-3, "leaky_relu": 1e-3}
    tolerance = rough.get(name, 1e-4 if name == "squared_relu" else 1e-10)
    assert energies.sum() == pytest.approx(square, rel=tolerance)
    assert energies.shape == (151,)


@pytest.mark.parametrize("rho", [-0.7, 0.2, 0.6])
def test_hermite_series_of_relu_gram(rho):
    """E[f(p) g(q)] = sum_k rho^k a_k b_k for correlation rho (Mehler)."""
    a = hermite_coefficients("relu", 200, bias=-0.6, weight_norm=2.0)
    c = hermite_coefficients("relu", 200, bias=0.3, weight_norm=0.5)
    v = 0.5 * np.array([[rho, np.sqrt(1 - rho**2)]])
    exact = relu_gram([[2.0, 0.0]], [-0.6], v, [0.3])[0, 0]
    assert np.sum(rho ** np.arange(201) * a * c) == pytest.approx(exact, rel=1e-13)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_constant_pre_activations_have_degree_0(name):
    found = hermite_coefficients(name, 4, bias=0.7, weight_norm=0.0)
    np.testing.assert_allclose(found[0], ACTIVATIONS[name](np.array(0.7)), rtol=1e-14)
    assert np.abs(found[1:]).max() < 1e-14
    assert hermite_coefficients(name, 0).shape == (1,)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"activation": "cube"}, "activation='cube' is not known. Use one of relu"),
        ({"n": -1}, "n=-1 must be an integer >= 0"),
        ({"bias": np.inf}, "bias=inf must be a finite number"),
        ({"weight_norm": -2.0}, "weight_norm=-2.0 must be a finite number >= 0. Give the"),
    ],
)
def test_hermite_errors(arguments, message):
    with pytest.raises(ValueError, match=message):
        hermite_coefficients(**{"activation": "relu", "n": 3, **arguments})


# ------------------------------------------------------------------- population risk


def test_risk_by_sampling(network, rng):
    u, W, b, target, c = network
    X = rng.normal(size=(400_000, 4))
    squares = (np.maximum(X @ W.T + b, 0) @ u + c - target(X)) ** 2
    found = population_risk(u, W, b, target, intercept=c)
    assert found.risk == pytest.approx(squares.mean(), abs=6 * squares.std() / 630)
    norm = relu_gram(target.weight[np.newaxis], [target.bias])[0, 0]
    assert found.relative == pytest.approx(found.risk / norm)
    assert 0 < found.rounding_error < 1e-12


def test_a_network_that_is_the_target_has_no_risk_but_rounding(rng):
    w = rng.normal(size=30)
    halves = np.array([0.7, 0.3])
    found = population_risk(halves, np.array([w, w]), [-1, -1], SingleNeuron(w, -1))
    assert abs(found.risk) <= found.rounding_error
    assert found.relative < 1e-14


def test_gradient_by_differences(network):
    u, W, b, target, c = network
    W[3] = [1e-3, 0, 0, 1e-3]  # at 0 there is no derivative
    step = 1e-6
    found = np.concatenate(
        [np.ravel(g) for g in population_risk_gradient(u, W, b, target, intercept=c)]
    )
    theta = np.concatenate([u, W.ravel(), b, [c]])

    def risk(theta):
        u, W, b, c = np.split(theta, [7, 35, 42])
        return population_risk(u, W.reshape(7, 4), b, target, intercept=c[0]).risk

    for i, slope in enumerate(found):
        shift = step * np.eye(len(theta))[i]
        expected = (risk(theta + shift) - risk(theta - shift)) / (2 * step)
        assert slope == pytest.approx(expected, abs=1e-7), i


def steps_of_descent(d, bias, seed, limit=1500):
    """Steps of size .5 on half the risk until one neuron has 1%, from w ~ N(0, I / d)."""
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
    """Seeds 0 to 4 at b* = -1; of those at b* = -2 one dies."""
    steps = [steps_of_descent(d, -1.0, seed) for seed in range(5)]
    assert min(steps) >= 113
    assert max(steps) <= 217
    if d == 10:
        assert (min(steps), max(steps)) == (113, 217)
        assert steps_of_descent(d, -2.0, 4) is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"u": [1.0]}, "u must have one output weight for each of the 2 rows of W"),
        ({"u": [1.0, np.nan]}, "u must be finite; got nan"),
        ({"target": lambda X: X}, "target must be a SingleNeuron; got function"),
        ({"target": SingleNeuron([1.0])}, "target takes 1 features, but W has 2 columns"),
        ({"target": SingleNeuron([1.0, 0], activation="sin")}, "activation='sin', but"),
        ({"target": SingleNeuron([0.0, 0.0])}, "target is 0 everywhere"),
        ({"intercept": np.inf}, "intercept=inf must be a finite number"),
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
def test_best_errors_are_those_of_least_squares(intercept, network):
    _, W, b, target, _ = network
    found = best_error(W, b, target, intercept=intercept)
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
        assert found.errors[r - 1] == pytest.approx(exact.risk, rel=1e-9), r
        assert found.relative[r - 1] == pytest.approx(exact.relative, rel=1e-9)
    assert found.errors.shape == found.rounding_errors.shape == (7,)


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
def test_rounding_errors_are_honest_near_singularity(width):
    """Neurons within 0.3 radians of each other: a Gram matrix of condition up to 1e15."""
    angles = np.random.default_rng(2).uniform(-0.15, 0.15, width)
    W = np.column_stack([np.cos(angles), np.sin(angles)])
    found = best_error(W, np.zeros(width), SingleNeuron([np.cos(0.4), np.sin(0.4)]))
    exact = exact_arc_cosine_errors(angles, 0.4)
    errors = np.abs(found.relative - exact)
    assert (errors <= 10 * found.rounding_errors / 0.5).all()
    assert (found.rounding_errors <= 1e5 * np.maximum(errors, 1e-17)).any()


def test_repeated_and_dead_neurons_change_nothing(rng):
    W, b = sphere_draw(20, 3, 0)
    target = unit_target(3, -0.5)
    base = best_error(W, b, target)
    W = np.concatenate([W, W[:5], np.zeros((1, 3)), W[:1]])
    b = np.r_[b, b[:5], -1.0, -60.0]
    found = best_error(W, b, target)
    assert found.jitter > 0
    noise = 10 * found.rounding_errors + 1e-9 * base.errors[0]
    assert (np.abs(found.errors[:20] - base.errors) <= noise[:20]).all()
    assert (np.abs(found.errors[20:] - base.errors[-1]) <= noise[20:] + 1e-9).all()


def test_tangents_without_the_target_neuron_and_with_it():
    W, b = sphere_draw(12, 3, 1)
    target = unit_target(3, -0.8)
    found = best_tangent_error(W, b, target, biases=True, intercept=True)
    assert (np.diff(found.errors) <= found.rounding_errors[1:]).all()
    # relu is in the span of its own derivatives in weight and bias.
    W[5], b[5] = target.weight, target.bias
    again = best_tangent_error(W, b, target, biases=True)
    assert again.relative[4] > 1e-3
    assert np.abs(again.relative[5:]).max() < 1e-12
    fewer = best_tangent_error(W, b, target)
    assert (fewer.errors[:5] >= again.errors[:5]).all()
    assert best_error(W, b, target).errors[4] >= again.errors[4]


SPHERE_TABLE = {
    (0.0, 5): 1.0e-3, (0.0, 10): 8.1e-3, (0.0, 20): 0.021, (0.0, 40): 0.036,
    (-1.0, 5): 5.2e-3, (-1.0, 10): 0.041, (-1.0, 20): 0.11, (-1.0, 40): 0.21,
    (-2.0, 5): 0.042, (-2.0, 10): 0.12, (-2.0, 20): 0.46, (-2.0, 40): 0.64,
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(("bias", "d"), SPHERE_TABLE)
def test_best_errors_of_3000_random_features(bias, d):
    """The draw of `sphere_draw` with the seed d."""
    found = best_error(*sphere_draw(3000, d, d), unit_target(d, bias))
    assert found.relative[-1] == pytest.approx(SPHERE_TABLE[bias, d], rel=0.05)
    assert found.rounding_errors[-1] < 1e-3 * found.errors[-1]


def test_bias_free_features_have_a_floor():
    """Relative error at any width: .208 (d = 10, b* = -1), .621 (b* = -2).

    Sums of relu(<w, x>) are |x| f(x / |x|) with f even or linear.
    """
    W, b = sphere_draw(1000, 10, 0)
    for bias, floor in ((-1.0, 0.2085), (-2.0, 0.6207)):
        found = best_error(W, 0 * b, unit_target(10, bias)).relative
        assert floor < found[-1] < 1.15 * floor


@pytest.mark.slow
@pytest.mark.parametrize(("bias_scale", "expected"), [(1.0, 0.058), (0.0, 0.22)])
def test_tangent_features_at_2000_columns(bias_scale, expected):
    """d = 10, b* = -1. Without biases their floor is .085, that of all |x| f(x / |x|)."""
    W, b = sphere_draw(200, 10, 1)
    found = best_tangent_error(W, bias_scale * b, unit_target(10, -1.0))
    assert found.relative[-1] == pytest.approx(expected, rel=0.01)


# ----------------------------------------------------------------------- least weight


@pytest.mark.parametrize(
    ("bias", "share"), [(0.0, 0.8), (0.0, 0.3), (0.0, 0.05), (-1.0, 0.5), (-1.0, 0.15)]
)
def test_min_weight_is_attained_and_no_smaller_box_reaches_the_error(share, bias):
    W, b = sphere_draw(40, 4, 3)
    target = unit_target(4, bias)
    square = relu_gram([target.weight], [bias])[0, 0]
    found = min_weight(W, b, target, share * square)
    assert found.feasible
    assert np.abs(found.u).max() <= found.weight * (1 + 1e-12)
    risk = population_risk(found.u, W, b, target)
    assert risk.relative <= share * (1 + 1e-8)
    assert found.risk == pytest.approx(risk.risk, rel=1e-8)
    # The least risk in a box that is a little smaller, by another solver.
    G, h = relu_gram(W, b), relu_gram(W, b, [target.weight], [bias])[:, 0]
    L = np.linalg.cholesky(G)
    limit = 0.9999 * found.weight
    other = lsq_linear(L.T, np.linalg.solve(L, h), (-limit, limit), "bvls", max_iter=4000)
    assert population_risk(other.x, W, b, target).relative > share


def test_min_weight_of_orthogonal_features_by_hand():
    """relu(z) and relu(-z): the risk is (1 - u)^2 / 2 for the first of them."""
    W, target = [[1.0], [-1.0]], SingleNeuron([1.0])
    found = min_weight(W, [0.0, 0.0], target, 0.125)
    assert found.weight == pytest.approx(0.5)
    assert found.u[0] == pytest.approx(0.5)
    none = min_weight(W, [0.0, 0.0], target, 0.5)
    assert (none.weight, none.risk, none.feasible) == (0.0, 0.5, True)


def test_min_weight_infeasible():
    W, b = sphere_draw(10, 6, 0)
    target = unit_target(6, -1.0)
    found = min_weight(W, b, target, 1e-3 * best_error(W, b, target).errors[-1])
    assert not found.feasible
    assert found.weight == np.inf
    assert found.risk == pytest.approx(best_error(W, b, target).errors[-1])
    assert not min_weight([[0.0]], [-1.0], SingleNeuron([1.0]), 0.1).feasible
    with pytest.raises(ValueError, match=r"error=-1.0 must be a finite number > 0. It is"):
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
    """r max|u| / ||g|| at relative errors .5, .3, .1, for one draw; others vary by 20%."""
    W, b = sphere_draw(1000, d, 0)
    target = unit_target(d, bias)
    square = relu_gram([target.weight], [bias])[0, 0]
    for share, value in zip((0.5, 0.3, 0.1), expected, strict=True):
        found = min_weight(W, b, target, share * square)
        assert 1000 * found.weight / np.sqrt(square) == pytest.approx(value, rel=0.2)


# ------------------------------------------------------------------------------ gaps


@pytest.fixture
def trained(rng):
    """u0, W0, b0, u, W, b of a network that has moved."""
    W0, b0, u0 = rng.normal(size=(8, 5)) / 2, 0.4 * rng.normal(size=8), rng.normal(size=8)
    W, b = W0 + 0.2 * rng.normal(size=(8, 5)), b0 + 0.1 * rng.normal(size=8)
    return u0, W0, b0, u0 + 0.2 * rng.normal(size=8), W, b


def test_gaps_by_sampling(trained, rng):
    u0, W0, b0, u, W, b = trained
    X = rng.normal(size=(400_000, 5))
    Z0, Z = X @ W0.T + b0, X @ W.T + b
    R0, R = np.maximum(Z0, 0), np.maximum(Z, 0)
    linear = R0 @ u + ((Z0 > 0) * (Z - Z0)) @ u0
    for found, difference in (
        (feature_gap(u, W0, b0, W, b), (R - R0) @ u),
        (coupling_gap(u, W0, b0, W, b), (R - (Z0 > 0) * Z) @ u),
        (linearization_gap(u0, W0, b0, u, W, b), R @ u - linear),
    ):
        error = np.std(difference**2) / 630
        assert found**2 == pytest.approx(np.mean(difference**2), abs=6 * error)
    flips = np.mean((Z0 > 0) != (Z > 0), axis=0)
    np.testing.assert_allclose(flip_probability(W0, b0, W, b), flips, atol=6 * 0.5 / 630)


def test_gaps_equal_the_twin_pair_by_pair(trained):
    """The linearisation's square, from the twin's moments of every pair."""
    u0, W0, b0, u, W, b = trained
    r, d = W0.shape
    D = u0[:, np.newaxis] * (W - W0)
    shift = u0 * (b - b0)
    relus = [(u[i], W[i], b[i]) for i in range(r)] + [
        (-u[i], W0[i], b0[i]) for i in range(r)
    ]
    nudge = 1e-5 * np.arange(1, d + 1)  # the twin does not take parallel neurons
    total = 0.0
    for a, w, p in relus:
        for c, v, q in relus:
            total += a * c * reference.gaussian_neurons(w, p, v + nudge, q)[0]
    for i in range(r):
        for a, v, q in relus:
            moments = reference.gaussian_neurons(W0[i], b0[i], v + nudge, q)
            total -= 2 * a * (D[i] @ moments[3] + shift[i] * moments[2])
    X = np.random.default_rng(1).normal(size=(1_000_000, d))
    tangent = ((X @ W0.T + b0 > 0) * (X @ D.T + shift)).sum(axis=1) ** 2
    found = linearization_gap(u0, W0, b0, u, W, b) ** 2
    assert found == pytest.approx(total + tangent.mean(), abs=6 * tangent.std() / 1000)


def test_flips_without_biases_are_angles(rng):
    angles = np.array([0.0, 1e-12, 1e-6, 0.01, 0.5, 1.5, 3.0, np.pi])
    W0 = np.tile([2.0, 0.0], (8, 1))
    W = 3 * np.column_stack([np.cos(angles), np.sin(angles)])
    found = flip_probability(W0, np.zeros(8), W, np.zeros(8))
    np.testing.assert_allclose(found, angles / np.pi, rtol=1e-12, atol=1e-17)
    # Parallel neurons flip between their biases.
    shifted = flip_probability([[2.0, 0]], [0.4], [[4.0, 0]], [2.0])[0]
    assert shifted == pytest.approx(ndtr(0.5) - ndtr(0.2), rel=1e-13)
    assert flip_probability([[0.0]], [1.0], [[0.0]], [-1.0])[0] == 1.0


def test_networks_that_have_not_moved_have_no_gaps(trained):
    u0, W0, b0, *_ = trained
    size = np.abs(u0) @ np.sqrt(relu_gram(W0, b0).diagonal())
    noise = np.sqrt(4 * np.finfo(float).eps) * size
    assert np.abs(flip_probability(W0, b0, W0, b0)).max() == 0
    assert feature_gap(u0, W0, b0, W0, b0) <= noise
    assert coupling_gap(u0, W0, b0, W0, b0) <= noise
    assert linearization_gap(u0, W0, b0, u0, W0, b0) <= noise


def test_a_step_from_the_start_has_gaps_of_first_and_higher_order(trained):
    """The features move by O(t), the network leaves its expansion by O(t^1.5)."""
    u0, W0, b0, _, W, b = trained
    gaps = []
    for t in (1e-2, 1e-3):
        moved = W0 + t * (W - W0), b0 + t * (b - b0)
        gaps.append(
            [
                feature_gap(u0, W0, b0, *moved),
                coupling_gap(u0, W0, b0, *moved),
                linearization_gap(u0, W0, b0, u0, *moved),
            ]
        )
    ratios = np.log10(np.divide(*gaps))
    np.testing.assert_allclose(ratios, [1, 1.5, 1.5], atol=0.05)


def test_gap_errors(trained):
    u0, W0, b0, u, W, b = trained
    with pytest.raises(ValueError, match=r"W has shape \(7, 5\) and W0 \(8, 5\). Give the"):
        flip_probability(W0, b0, W[:7], b[:7])
    with pytest.raises(
        ValueError, match="u0 must have one output weight for each of the 8"
    ):
        linearization_gap(u0[:2], W0, b0, u, W, b)


@pytest.mark.slow
def test_gaps_of_2000_neurons(rng):
    """Against the stored Gram matrices."""
    W0, b0 = sphere_draw(2000, 20, 0)
    u = rng.normal(size=2000) / 2000
    W, b = W0 + 0.01 * rng.normal(size=W0.shape), b0 + 0.01 * rng.normal(size=2000)
    G = relu_gram(np.r_[W, W0], np.r_[b, b0])
    a = np.r_[u, -u]
    assert feature_gap(u, W0, b0, W, b) == pytest.approx(np.sqrt(a @ G @ a), rel=1e-6)
    assert 0 < coupling_gap(u, W0, b0, W, b) < feature_gap(u, W0, b0, W, b)


@pytest.mark.parametrize("error", [1e-13, 1e-17])
def test_least_weight_where_the_risk_is_all_rounding(error):
    found = min_weight([[1.0, 0.0]], [0.0], SingleNeuron([1.0, 0.0]), error)
    assert found.feasible
    assert found.weight == pytest.approx(1, abs=1e-6)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("norm", [1e-320, 1e-200, 1e-5])
def test_hermite_coefficients_of_a_relu_far_from_its_kink(norm):
    right = hermite_coefficients("relu", 3, bias=1.0, weight_norm=norm)
    np.testing.assert_allclose(right, [1.0, norm, 0.0, 0.0], rtol=1e-15)
    left = hermite_coefficients("relu", 3, bias=-1.0, weight_norm=norm)
    np.testing.assert_array_equal(left, 0.0)


@pytest.mark.parametrize("activation", ["sin", "cos"])
def test_hermite_coefficients_of_waves_too_fast_to_see(activation):
    found = hermite_coefficients(activation, 3, weight_norm=1e200)
    np.testing.assert_array_equal(found, 0.0)
