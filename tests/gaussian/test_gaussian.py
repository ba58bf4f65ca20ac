"""Expectations under Gaussian inputs.

They are compared with 50-digit quadrature, reference implementations and samples.
"""

import csv
from pathlib import Path

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skrf.gaussian import (
    relu_gram,
    relu_mean,
    step_gram,
    step_relu_gram,
    step_x_relu,
    tangent_gram,
    tangent_relu_products,
)

TABLE = Path(__file__).parents[1] / "data" / "gaussian_table.csv"


@pytest.fixture(scope="module")
def table():
    """Columns of the table as arrays of float64."""
    with TABLE.open() as file:
        rows = list(csv.DictReader(file))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


def pairs(table):
    """W, b, V, c with unit weights; row i of each makes pair i."""
    versine, sign = table["versine"], table["sign"]
    W = np.tile([1.0, 0.0], (len(versine), 1))
    V = np.column_stack([sign * (1 - versine), np.sqrt(versine * (2 - versine))])
    return W, table["h"], V, table["k"]


FUNCTIONS = {
    "step_step": (step_gram, step_gram, step_gram),
    "step_relu": (step_relu_gram, step_gram, relu_gram),
    "relu_relu": (relu_gram, relu_gram, relu_gram),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize(("largest", "tolerance"), [(2, 1e-14), (6, 1e-12), (20, 1e-12)])
def test_pairs_agree_with_50_digits(name, largest, tolerance, table):
    """Errors are relative to the root mean squares of the two factors."""
    function, first, second = FUNCTIONS[name]
    within = np.maximum(np.abs(table["h"]), np.abs(table["k"])) <= largest
    assert len(within) >= 200
    assert within.sum() >= 150
    W, b, V, c = pairs(table)
    sizes = np.sqrt(first(W, b).diagonal() * second(V, c).diagonal())
    errors = np.abs(function(W, b, V, c).diagonal() - table[name])
    assert (errors <= tolerance * sizes)[within].all()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_rare_events_are_relatively_accurate(name, table):
    """Neurons that are rarely both active: positive correlation, or h + k < -3."""
    h, k, sign = table["h"], table["k"], table["sign"]
    rare = (table[name] < 1e-3) & (table["versine"] > 1e-2) & (np.minimum(h, k) > -9)
    rare &= ((sign > 0) | (h + k < -3)) & (h < 0) & (k < 0)
    assert rare.sum() >= 10
    # step_relu is a sum of terms that are h^2 times as large.
    tolerance = 1e-9 if name == "step_relu" else 1e-12
    values = FUNCTIONS[name][0](*pairs(table)).diagonal()
    np.testing.assert_allclose(values[rare], table[name][rare], rtol=tolerance)


@pytest.mark.parametrize("h", [-35.0, -12.0, -3.0, -1.51, -1.49, -1.01, 0.0, 2.0, 30.0])
def test_means_and_squares_of_one_neuron(h):
    import mpmath as mp

    with mp.workdps(40):
        z = -mp.mpf(h)
        tail, peak = mp.ncdf(-z), mp.npdf(z)
        mean, square = peak - z * tail, (1 + z * z) * tail - z * peak
        for norm in (1.0, 1e-3, 40.0):
            W, b = [[0.0, norm]], [norm * h]
            assert abs(relu_mean(W, b)[0] / (norm * mean) - 1) < 5e-14
            assert abs(relu_gram(W, b)[0, 0] / (norm**2 * square) - 1) < 5e-14


def layer(rng, width, d, bias_scale=1.0):
    norms = np.exp(rng.normal(size=(width, 1)))
    W = norms * rng.normal(size=(width, d))
    return W, bias_scale * np.sqrt(d) * norms[:, 0] * rng.normal(size=width)


@pytest.mark.parametrize("bias_scale", [0.0, 0.4, 2.0])
def test_fast_paths_equal_the_reference_implementation(bias_scale, rng):
    W, b = layer(rng, 9, 4, bias_scale)
    V, c = layer(rng, 7, 4, bias_scale)
    G, P, D = (f(W, b, V, c) for f in (relu_gram, step_gram, step_relu_gram))
    S, K = step_x_relu(W, b, V, c), tangent_gram(W, b, V, c)
    for i in range(9):
        for j in range(7):
            expected = reference.gaussian_neurons(W[i], b[i], V[j], c[j])
            scale = np.linalg.norm(V[j]) + abs(c[j])
            both = scale * (np.linalg.norm(W[i]) + abs(b[i]))
            assert G[i, j] == pytest.approx(expected[0], abs=1e-13 * both)
            assert P[i, j] == pytest.approx(expected[1], abs=1e-14)
            assert D[i, j] == pytest.approx(expected[2], abs=1e-13 * scale)
            np.testing.assert_allclose(S[i, j], expected[3], rtol=0, atol=1e-13 * scale)
            block = K[4 * i : 4 * i + 4, 4 * j : 4 * j + 4]
            np.testing.assert_allclose(block, expected[4], rtol=0, atol=1e-13)


def test_without_biases_relu_gram_is_the_arc_cosine_kernel(rng):
    W, b = layer(rng, 20, 3, 0.0)
    kernel = reference.relu_kernel(W, W, 1.0, 0.0)
    atol = 1e-15 * kernel.max()
    np.testing.assert_allclose(relu_gram(W, b), kernel, rtol=1e-7, atol=atol)


@pytest.mark.parametrize("gram", [relu_gram, step_gram, tangent_gram])
@pytest.mark.parametrize("bias_scale", [0.0, 1.0])
def test_grams_are_exactly_symmetric_and_blocks_agree(gram, bias_scale, rng):
    W, b = layer(rng, 300, 2, bias_scale)
    W[7], b[7] = W[3], b[3]
    W[8], b[8] = -W[3], -b[3]
    G = gram(W, b)
    assert np.array_equal(G, G.T)
    np.testing.assert_allclose(G, gram(W, b, W, b), rtol=0, atol=1e-14 * np.abs(G).max())


def constant_neurons():
    W = np.array([[0.0, 0.0], [0.0, 0.0], [0.0, 0.0], [1e-200, 0.0], [3.0, 4.0]])
    return W, np.array([2.0, -2.0, 0.0, 5.0, -1.0])


def test_neurons_without_weights_are_constants():
    W, b = constant_neurons()
    W[3, 0] = 1e-200  # almost constant
    means, on = relu_mean(W, b), step_gram(W, b).diagonal()
    np.testing.assert_allclose(means[:4], [2, 0, 0, 5])
    np.testing.assert_allclose(on[:4], [1, 0, 0, 1])
    np.testing.assert_allclose(relu_gram(W, b)[:4], np.outer(means[:4], means))
    np.testing.assert_allclose(step_relu_gram(W, b)[:4], np.outer(on[:4], means))
    np.testing.assert_allclose(step_relu_gram(W, b)[4, :4], on[4] * means[:4])
    S = step_x_relu(W, b, W, b)
    np.testing.assert_allclose(S[0, 4], on[4] * W[4])
    # E[1(z + h > 0) x] c, z the projection on the unit vector.
    density = np.exp(-0.02) / np.sqrt(2 * np.pi)
    np.testing.assert_allclose(S[4, 0], 2 * density * W[4] / 5)
    K = tangent_gram(W, b, biases=True)
    assert np.isfinite(K).all()
    np.testing.assert_allclose(K[:3, :3], np.eye(3))
    np.testing.assert_allclose(K[:3, 12:], K[12:, 12:], atol=1e-15)


def test_huge_and_tiny_scales():
    for scale in (1e-150, 1e150):
        G = relu_gram([[scale, 0.0]], [scale], [[0.0, 1.0]], [0.0])
        assert G[0, 0] / scale == pytest.approx(
            relu_gram([[1, 0]], [1], [[0, 1]], [0])[0, 0]
        )
    assert relu_gram([[1e-300, 0.0]], [1.0])[0, 0] == 1.0
    assert relu_gram([[1.0]], [-1e10], [[1.0]], [1e10])[0, 0] == 0.0


unit = st.floats(-1, 1, allow_subnormal=False)


@given(
    W=arrays(np.float64, (6, 3), elements=st.sampled_from([-2.0, -1, -1e-8, 0, 0.5, 1])),
    b=arrays(np.float64, 6, elements=st.sampled_from([-9.0, -1, 0, 1e-9, 0.5, 3])),
)
def test_grams_are_positive_semidefinite(W, b):
    """The neurons are often parallel, antiparallel, equal or constant."""
    for K in (relu_gram(W, b), step_gram(W, b), tangent_gram(W, b, biases=True)):
        assert np.linalg.eigvalsh(K)[0] >= -1e-14 * max(1, np.trace(K))
        sizes = np.sqrt(np.outer(K.diagonal(), K.diagonal()))
        assert (np.abs(K) <= sizes * (1 + 1e-13) + 1e-300).all()


@given(
    W=arrays(np.float64, (4, 3), elements=unit),
    b=arrays(np.float64, 4, elements=unit),
    seed=st.integers(0, 1000),
)
def test_rotations_change_only_directions(W, b, seed):
    R = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))[0]
    for gram in (relu_gram, step_relu_gram):
        np.testing.assert_allclose(gram(W @ R, b), gram(W, b), rtol=0, atol=1e-13)
    turned = step_x_relu(W @ R, b, W @ R, b)
    np.testing.assert_allclose(turned, step_x_relu(W, b, W, b) @ R, rtol=0, atol=1e-7)


def test_derivatives_of_relu_gram(rng):
    """The derivative in w is `step_x_relu`, in b `step_relu_gram`, in rho `step_gram`."""
    W, b = layer(rng, 5, 3)
    V, c = layer(rng, 4, 3)
    S, D, step = step_x_relu(W, b, V, c), step_relu_gram(W, b, V, c), 1e-5
    scale = np.abs(relu_gram(W, b, V, c)).max()
    for j in range(3):
        shift = step * np.eye(3)[j]
        slope = relu_gram(W + shift, b, V, c) - relu_gram(W - shift, b, V, c)
        np.testing.assert_allclose(slope / (2 * step), S[:, :, j], atol=1e-8 * scale)
    slope = relu_gram(W, b + step, V, c) - relu_gram(W, b - step, V, c)
    np.testing.assert_allclose(slope / (2 * step), D, atol=1e-8 * scale)
    for rho in (-0.8, -0.1, 0.3, 0.69, 0.71, 0.95):
        ends = rho + step * np.array([-1, 1])
        V = np.column_stack([ends, np.sqrt(1 - ends**2)])
        low, high = relu_gram([[1, 0]], [-0.4], V, [0.7, 0.7])[0]
        v = [[rho, np.sqrt(1 - rho**2)]]
        P = step_gram([[1, 0]], [-0.4], v, [0.7])[0, 0]
        assert (high - low) / (2 * step) == pytest.approx(P, abs=1e-8)


def test_complementary_neurons_add_up_to_a_line(rng):
    """relu(z) - relu(-z) = z and 1(z > 0) + 1(-z > 0) = 1, for many kinds of pairs."""
    n = 300
    h = rng.uniform(-6, 6, n)
    near = h + 10 ** rng.uniform(-12, 0, n) * rng.choice([-1, 1], n)
    k = rng.choice([-1, 1], n) * np.where(rng.random(n) < 0.5, near, rng.uniform(-6, 6, n))
    versine = rng.random(n) ** rng.choice([1, 4, 16], n)
    signs = rng.choice([-1, 1], n)
    W = np.tile([1.0, 0.0], (n, 1))
    V = np.column_stack([signs * (1 - versine), np.sqrt(versine * (2 - versine))])
    on, mean = step_gram(W, h).diagonal(), relu_mean(W, h)
    moments = np.sqrt(np.outer(relu_gram(W, h).diagonal(), 1 + k**2))
    difference = relu_gram(W, h, V, k) - relu_gram(W, h, -V, -k)
    expected = np.outer(mean, k) + on[:, np.newaxis] * (W @ V.T)
    assert (np.abs(difference - expected) / moments).max() < 3e-15
    total = step_gram(W, h, V, k) + step_gram(W, h, -V, -k)
    np.testing.assert_allclose(total, np.tile(on, (n, 1)).T, rtol=1e-13)


def test_contracted_products_are_the_sums(rng):
    W, b = layer(rng, 5, 3)
    V, c = layer(rng, 4, 3)
    a = rng.normal(size=4)
    S = step_x_relu(W, b, V, c)
    sums = step_x_relu(W, b, V, c, coefficients=a)
    np.testing.assert_allclose(sums, np.einsum("j,ijd->id", a, S), rtol=1e-12)
    products = tangent_relu_products(W, b, V, c, biases=True).reshape(5, 4, 4)
    np.testing.assert_array_equal(products[:, :3], S.transpose(0, 2, 1))
    np.testing.assert_array_equal(products[:, 3], step_relu_gram(W, b, V, c))
    assert tangent_relu_products(W, b, V, c).shape == (15, 4)


def test_tangents_agree_with_a_sample(rng):
    W, b = layer(rng, 3, 2, 0.3)
    X = rng.normal(size=(400_000, 2))
    Z = X @ W.T + b
    inputs = np.column_stack([X, np.ones(len(X))])
    F = ((Z > 0)[:, :, np.newaxis] * inputs[:, np.newaxis]).reshape(len(X), -1)
    K, spread = tangent_gram(W, b, biases=True), np.sqrt(len(X))
    assert np.abs(F.T @ F / len(X) - K).max() < 8 * np.abs(F).std() / spread
    products = tangent_relu_products(W, b, W, b, biases=True)
    sampled = F.T @ np.maximum(Z, 0) / len(X)
    assert np.abs(sampled - products).max() < 8 * Z.std() / spread


def test_nearly_parallel_neurons_have_nearly_their_own_block(rng):
    w = rng.normal(size=3)
    own = tangent_gram(w[np.newaxis], [0.4], biases=True)
    for gap in (1e-4, 1e-8, 1e-12, 1e-16):
        other = w + gap * rng.normal(size=3)
        block = tangent_gram(w[np.newaxis], [0.4], other[np.newaxis], [0.4], biases=True)
        assert np.abs(block - own).max() < 4 * gap + 1e-15
        away = tangent_gram(w[np.newaxis], [0.4], -other[np.newaxis], [-0.4], biases=True)
        assert np.abs(away).max() < 4 * gap + 1e-15


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[1.0]], [0.0, 1.0]), "`b` must have one bias for each of the 1 rows of W; got"),
        (([[1.0]], [np.nan]), "b` must be finite; got nan. Replace NaN"),
        (([[np.inf]], [0.0]), "W` must be finite; got inf"),
        (([[1.0]], [0.0], [[1.0, 2.0]], [0.0]), "`V` must have 1 columns, as W has; got 2"),
        (([[1.0]], [0.0], [[1.0]]), "`V` must be passed together with c; got c=None"),
        (([[1.0]], [0.0], None, [1.0]), "`c` must be passed together with V; got V=None"),
    ],
)
def test_errors_name_parameter_and_remedy(arguments, message):
    for gram in (relu_gram, step_gram, step_relu_gram, tangent_gram):
        with pytest.raises(ValueError, match=message):
            gram(*arguments)


def test_coefficients_must_fit():
    with pytest.raises(ValueError, match="`coefficients` must have one number for each of"):
        step_x_relu([[1.0]], [0.0], [[1.0]], [0.0], coefficients=[1.0, 2.0])
