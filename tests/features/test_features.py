"""Transformers: against reference implementations, kernels in the limit, bad input."""

import pickle
import tracemalloc

import numpy as np
import pandas as pd
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline

from skrf import (
    ACTIVATIONS,
    LinearizedNTKFeatures,
    RandomFeatures,
    RandomReLUFeatures,
    make_single_neuron,
)
from skrf._utils import memory
from skrf.features._distributions import BIAS_DISTRIBUTIONS, WEIGHT_DISTRIBUTIONS

ALL = [RandomFeatures, RandomReLUFeatures, LinearizedNTKFeatures]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("biases", ["gaussian", "none"])
def test_random_features_equal_the_reference(activation, biases, rng):
    X = rng.normal(size=(5, 3))
    features = RandomFeatures(4, activation=activation, biases=biases, random_state=0)
    W, b = features.fit(X).weights_, features.biases_
    expected = reference.random_features(X, W, b, activation)
    np.testing.assert_allclose(features.transform(X), expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("activation", sorted(set(ACTIVATIONS) - {"step"}))
@pytest.mark.parametrize("train", ["hidden", "output", "both"])
@pytest.mark.parametrize("biases", ["uniform", "none"])
def test_linearized_features_equal_the_reference(activation, train, biases, rng):
    X, a = rng.normal(size=(5, 3)), rng.normal(size=4)
    features = LinearizedNTKFeatures(
        4,
        activation=activation,
        train=train,
        biases=biases,
        output_weights=a,
        random_state=0,
    ).fit(X)
    expected = reference.linearized_ntk(
        X, features.weights_, features.biases_, a, activation, train, biases != "none"
    )
    np.testing.assert_allclose(features.transform(X), expected, rtol=1e-13, atol=1e-15)
    assert len(features.get_feature_names_out()) == expected.shape[1]


def test_relu_is_the_default_activation(rng):
    X = rng.normal(size=(20, 6))
    relu = RandomReLUFeatures(50, random_state=3).fit_transform(X)
    default = RandomFeatures(50, random_state=3).fit_transform(X)
    np.testing.assert_array_equal(relu, default)
    assert "activation" not in RandomReLUFeatures().get_params()


@pytest.mark.parametrize("scales", [(1.0, 1.0), (1.7, 0.4), (0.5, 2.0)])
def test_inner_products_converge_to_the_kernel(scales, rng):
    """E[z(x) z(y)] is the arc-cosine kernel, and the error falls like 1/sqrt(width)."""
    d = 5
    X = rng.normal(size=(6, d))
    weight_scale, bias_scale = scales
    kernel = reference.relu_kernel(X, X, weight_scale**2 / d, bias_scale**2)
    errors = []
    for width in (1000, 100_000):
        Z = RandomReLUFeatures(
            width, weight_scale=weight_scale, bias_scale=bias_scale, random_state=0
        ).fit_transform(X)
        errors.append(np.abs(Z @ Z.T - kernel).max() / kernel.max())
    assert errors[0] < 6 / np.sqrt(1000)
    assert errors[1] < 6 / np.sqrt(100_000)


def test_linearized_inner_products_converge_to_the_tangent_kernel(rng):
    """Without biases: <x, y> (pi - angle) / (2 pi), the arc-cosine kernel of order 0."""
    X = rng.normal(size=(6, 4))
    Z = LinearizedNTKFeatures(40_000, biases="none", random_state=0).fit_transform(X)
    norms = np.linalg.norm(X, axis=1)
    angle = np.arccos(np.clip(X @ X.T / np.outer(norms, norms), -1, 1))
    kernel = X @ X.T * (np.pi - angle) / (2 * np.pi)
    assert np.abs(Z @ Z.T - kernel).max() < 6 / np.sqrt(40_000) * np.abs(X @ X.T).max()


@pytest.mark.parametrize("distribution", WEIGHT_DISTRIBUTIONS)
def test_weight_distributions_have_the_same_mean_square_length(distribution):
    features = RandomFeatures(
        20_000, weights=distribution, weight_scale=1.5, random_state=0
    ).fit(np.ones((1, 7)))
    squares = (features.weights_**2).sum(axis=1)
    assert squares.mean() == pytest.approx(1.5**2, rel=0.02)
    assert abs(features.weights_.mean()) < 0.01
    if distribution == "sphere":
        np.testing.assert_allclose(squares, 1.5**2)
    if distribution == "uniform":
        assert np.abs(features.weights_).max() <= 1.5 * np.sqrt(3 / 7)


@pytest.mark.parametrize("distribution", BIAS_DISTRIBUTIONS)
def test_bias_distributions_have_the_same_mean_square(distribution):
    features = RandomFeatures(
        20_000, biases=distribution, bias_scale=0.7, random_state=0
    ).fit(np.ones((1, 3)))
    expected = 0.0 if distribution == "none" else 0.7**2
    assert (features.biases_**2).mean() == pytest.approx(expected, rel=0.02)
    if distribution == "constant":
        assert set(features.biases_) == {0.7}


@pytest.mark.parametrize("Features", ALL)
@pytest.mark.parametrize("distribution", WEIGHT_DISTRIBUTIONS)
@given(widths=st.tuples(st.integers(1, 60), st.integers(1, 60)), seed=st.integers(0, 99))
def test_widths_nest(Features, distribution, widths, seed):
    X = np.ones((1, 5))
    narrow, wide = (
        Features(width, weights=distribution, biases="uniform", random_state=seed).fit(X)
        for width in sorted(widths)
    )
    np.testing.assert_array_equal(narrow.weights_, wide.weights_[: min(widths)])
    np.testing.assert_array_equal(narrow.biases_, wide.biases_[: min(widths)])


def test_widths_nest_beyond_one_piece_of_the_draw():
    X = np.ones((1, 2**19))
    narrow, wide = (RandomReLUFeatures(w, random_state=0).fit(X) for w in (3, 7))
    np.testing.assert_array_equal(narrow.weights_, wide.weights_[:3])


@pytest.mark.parametrize("Features", ALL)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_layout_gives_the_same_features(Features, dtype, rng, tmp_path):
    X = rng.normal(size=(40, 6)) * (rng.uniform(size=(40, 6)) < 0.5)
    X = X.astype(dtype)
    features = Features(30, random_state=0).fit(X)
    expected = features.transform(X)
    assert expected.dtype == dtype
    np.save(tmp_path / "X.npy", X)
    layouts = {
        "F order": np.asfortranarray(X),
        "csr": sparse.csr_matrix(X),
        "csc": sparse.csc_array(X),
        "read-only memory map": np.load(tmp_path / "X.npy", mmap_mode="r"),
        "strided": np.repeat(X, 2, axis=1)[:, ::2],
    }
    for name, layout in layouts.items():
        Z, tol = features.transform(layout), 1e-5 if dtype == np.float32 else 1e-13
        np.testing.assert_allclose(Z, expected, rtol=tol, atol=tol, err_msg=name)


@pytest.mark.parametrize("Features", ALL)
def test_features_do_not_depend_on_the_size_of_blocks(Features, rng, monkeypatch):
    X = rng.normal(size=(37, 3))
    features = Features(11, random_state=0).fit(X)
    expected = features.transform(X)
    monkeypatch.setattr("skrf._utils.blocks.BLOCK_ELEMENTS", 50)
    np.testing.assert_allclose(features.transform(X), expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("Features", ALL)
def test_float32_features_from_a_float64_fit(Features, rng):
    X = rng.normal(size=(10, 4))
    features = Features(20, random_state=0).fit(X)
    Z = features.transform(X.astype(np.float32))
    assert Z.dtype == np.float32
    np.testing.assert_allclose(Z, features.transform(X), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("Features", ALL)
def test_pickle_and_output_containers(Features, rng):
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame(rng.normal(size=(8, 3)), columns=["a", "b", "c"])
    features = Features(5, random_state=0).set_output(transform="pandas").fit(X)
    frame = features.transform(X)
    assert list(frame.columns) == list(features.get_feature_names_out())
    assert frame.columns[0] == f"{Features.__name__.lower()}0"
    restored = pickle.loads(pickle.dumps(features))
    pandas.testing.assert_frame_equal(frame, restored.transform(X))


def test_depth_is_a_pipeline():
    """Two random layers, then a linear model (Example 4.3, Theorem 4.8)."""
    X, y = make_single_neuron(600, 4, bias=-0.5, random_state=0)
    layers = [RandomReLUFeatures(w, weight_scale=2.0, random_state=w) for w in (300, 400)]
    model = make_pipeline(*layers, Ridge(alpha=1e-4)).fit(X[:400], y[:400])
    assert model.score(X[400:], y[400:]) > 0.9
    inner = np.maximum(X @ layers[0].weights_.T + layers[0].biases_, 0) / np.sqrt(300)
    outer = np.maximum(inner @ layers[1].weights_.T + layers[1].biases_, 0) / np.sqrt(400)
    np.testing.assert_allclose(model[:-1].transform(X), outer, rtol=1e-10, atol=1e-13)


def test_equation_8_has_unit_output_weights(rng):
    X = rng.normal(size=(4, 3))
    features = LinearizedNTKFeatures(6, random_state=0).fit(X)
    assert features.output_weights_.tolist() == [1.0] * 6


def test_parameters_set_after_fit_do_not_change_the_features(rng):
    X = rng.normal(size=(5, 3))
    features = LinearizedNTKFeatures(6, train="both", random_state=0).fit(X)
    before = features.transform(X)
    features.set_params(train="hidden", activation="tanh", width=9)
    np.testing.assert_array_equal(features.transform(X), before)


def test_limit_without_biases_is_the_arc_cosine_kernel(rng):
    """weight_scale^2 / (2 n_features) times the arc-cosine kernel: at x = y, ||x||^2."""
    X = rng.normal(size=(4, 8))
    features = RandomReLUFeatures(100_000, biases="none", weight_scale=3.0, random_state=0)
    norms = (features.fit_transform(X) ** 2).sum(axis=1)
    np.testing.assert_allclose(norms, 9 / 16 * (X**2).sum(axis=1), rtol=0.02)


def test_sparse_rows_are_not_made_dense_for_output_layer_features(rng):
    rows, columns = rng.integers(2000, size=1000), rng.integers(50_000, size=1000)
    X = sparse.csr_array((rng.uniform(size=1000), (rows, columns)), shape=(2000, 50_000))
    features = LinearizedNTKFeatures(4, train="output", random_state=0).fit(X)
    tracemalloc.start()
    features.transform(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50e6, "dense, X would take 800 MB"


def test_values_that_overflow_float32_are_named(rng):
    X = rng.normal(size=(4, 2)).astype(np.float32)
    with pytest.raises(ValueError, match=r"`bias_scale` .* float32; got 1e\+300. Use a"):
        RandomFeatures(bias_scale=1e300).fit(X)
    with pytest.raises(ValueError, match=r"`output_weights` must be finite in float32"):
        LinearizedNTKFeatures(2, output_weights=[1, 1e300]).fit(X)


@pytest.mark.parametrize("Features", ALL)
def test_too_large_a_result_is_refused_with_its_bytes(Features, monkeypatch):
    features = Features(1000, random_state=0).fit(np.ones((2, 10)))
    monkeypatch.setattr(memory, "available_memory", lambda: 10**6)
    n_columns = len(features.get_feature_names_out())
    with pytest.raises(MemoryError, match=f"needs {500 * n_columns * 8:,} bytes.*fewer"):
        features.transform(np.ones((500, 10)))
    with pytest.raises(MemoryError, match=r"width=1000 .* smaller width"):
        Features(1000).fit(np.ones((2, 1000)))


# Bad parameters and data of all kinds are in tests/test_bad_*.py.
@pytest.mark.parametrize("Features", ALL)
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("width", -3),
        ("weight_scale", np.inf),
        ("biases", "normal"),
        ("bias_scale", -0.1),
        ("random_state", "seed"),
    ],
)
def test_bad_parameters_are_named(Features, name, value, rng):
    with pytest.raises(ValueError, match=f"'{name}' parameter of {Features.__name__}"):
        Features(**{name: value}).fit(rng.normal(size=(4, 2)))


def test_error_of_an_unknown_activation_lists_all(rng):
    with pytest.raises(ValueError, match="'activation'") as caught:
        RandomFeatures(activation="swish").fit(rng.normal(size=(4, 2)))
    assert all(repr(name) in str(caught.value) for name in ACTIVATIONS)


def test_output_weights_of_another_width_are_refused(rng):
    message = r"`output_weights` must be of shape \(width,\) = \(4,\); got \(2,\). Pass"
    with pytest.raises(ValueError, match=message):
        LinearizedNTKFeatures(4, output_weights=[1.0, 2.0]).fit(rng.normal(size=(4, 2)))


@pytest.mark.parametrize("Features", ALL)
@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.ones(3), "Expected 2D array, got 1D"),
        (np.array([[1.0, np.nan]]), "X contains NaN"),
        (np.array([[1.0, np.inf]]), "X contains infinity"),
        (np.ones((0, 2)), r"0 sample\(s\)"),
        (np.ones((2, 0)), r"0 feature\(s\)"),
    ],
)
def test_transform_names_bad_data(Features, X, message):
    with pytest.raises(ValueError, match=message):
        Features(5, random_state=0).fit(np.ones((2, 2))).transform(X)


@pytest.mark.parametrize("Features", ALL)
def test_from_weights_equals_a_fit_that_draws_them(Features, rng):
    X = rng.normal(size=(5, 3))
    drawn = Features(4, random_state=0).fit(X)
    W, b = drawn.weights_.tolist(), drawn.biases_.tolist()
    features = Features(4).from_weights(W, b)
    np.testing.assert_array_equal(features.transform(X), drawn.transform(X))


@pytest.mark.parametrize("Features", ALL)
def test_from_weights_forgets_column_names_and_copies_arrays(Features):
    features = Features(2).fit(pd.DataFrame(np.eye(3), columns=list("abc")))
    W, b = np.ones((2, 4)), np.ones(2)
    features.from_weights(W, b)
    assert not hasattr(features, "feature_names_in_")
    before = features.transform(np.eye(4))
    W[:], b[:] = 9.0, 9.0
    np.testing.assert_array_equal(features.transform(np.eye(4)), before)


@pytest.mark.parametrize("Features", ALL)
def test_a_narrowed_copy_shares_no_arrays(Features):
    wide = Features(4, random_state=0).fit(np.eye(3))
    before, narrow = wide.transform(np.eye(3)), wide.narrowed(2)
    narrow.weights_[:], narrow.biases_[:] = 9.0, 9.0
    np.testing.assert_array_equal(wide.transform(np.eye(3)), before)


@pytest.mark.parametrize(
    ("weights", "biases", "message"),
    [
        (np.ones((4, 2)), np.ones(3), r"\(4,\) for width=4; got .*\(3,\). Set width"),
        (np.ones((4, 2)), np.ones((4, 1)), "biases.* must be 1-D"),
        ([[np.nan, 1.0]] * 4, np.ones(4), "weights.* must be finite"),
        (np.ones((4, 2)), [np.inf] * 4, "biases.* must be finite"),
    ],
)
def test_from_weights_names_bad_arrays(weights, biases, message):
    with pytest.raises(ValueError, match=message):
        RandomReLUFeatures(4).from_weights(weights, biases)


@pytest.mark.parametrize("Features", [RandomReLUFeatures, LinearizedNTKFeatures])
def test_from_weights_without_biases_takes_zeros_only(Features):
    features = Features(2, biases="none")
    with pytest.raises(ValueError, match=r'zeros for biases="none"; got .* 5. Pass zeros'):
        features.from_weights(np.eye(2), [5.0, 0.0])
    features.from_weights(np.eye(2), [0.0, 0.0])
    assert features.transform([[1.0, 1.0]]).shape[0] == 1
