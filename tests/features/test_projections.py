"""Dense, orthogonal and structured projections: distributions and kernel estimates."""

import numpy as np
import pytest
import reference
from scipy import sparse, stats

from skrf import LinearizedNTKFeatures, RandomFeatures, RandomReLUFeatures
from skrf.features._projections import PROJECTIONS
from skrf.kernels import random_feature_kernel


def fitted_features(projection, width, d, distribution="gaussian", **parameters):
    """Random features of d columns."""
    parameters = {"weights": distribution, "random_state": 0, **parameters}
    features = RandomFeatures(width, projection=projection, **parameters)
    return features.fit(np.zeros((1, d)))


@pytest.mark.parametrize("projection", PROJECTIONS)
@pytest.mark.parametrize("d", [1, 5, 8])
@pytest.mark.parametrize("width", [1, 7, 20])
def test_features_equal_the_reference_at_the_weights(projection, d, width, rng):
    X = rng.normal(size=(3, d))
    features = fitted_features(projection, width, d, activation="tanh")
    assert features.weights_.shape == (width, d)
    expected = reference.random_features(X, features.weights_, features.biases_, "tanh")
    np.testing.assert_allclose(features.transform(X), expected, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("projection", ["orthogonal", "structured"])
@pytest.mark.parametrize("distribution", ["gaussian", "sphere"])
def test_rows_of_a_block_are_orthogonal(projection, distribution):
    W = fitted_features(projection, 24, 8, distribution).weights_
    for block in np.split(W, 3):
        gram = block @ block.T
        np.testing.assert_allclose(gram, np.diag(np.diag(gram)), atol=1e-13)


@pytest.mark.parametrize("projection", PROJECTIONS)
@pytest.mark.parametrize("d", [8, 11, 20])
def test_rows_on_a_sphere_have_equal_lengths(projection, d):
    W = fitted_features(projection, 40, d, "sphere", weight_scale=2.0).weights_
    np.testing.assert_allclose(np.linalg.norm(W, axis=1), 2.0, rtol=1e-12)


@pytest.mark.parametrize("projection", PROJECTIONS)
@pytest.mark.parametrize("d", [6, 8])
def test_gaussian_lengths_have_the_chi_distribution(projection, d):
    """Then E||w||^2 = 1; padding to a power of 2 does not change this."""
    W = fitted_features(projection, 4000, d).weights_
    # Rows of equal length, such as pairs w and -w, count once.
    lengths = np.unique(np.linalg.norm(W, axis=1).round(12))
    p_value = stats.kstest(lengths * np.sqrt(d), stats.chi(d).cdf).pvalue
    # Padded rows are only nearly uniform on the sphere before they are cut.
    assert p_value > (1e-3 if projection != "structured" or d == 8 else 1e-12)
    assert np.mean(W**2) * d == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("projection", ["orthogonal", "structured"])
def test_single_rows_look_gaussian(projection):
    """<w, x> for a fixed x is Gaussian; for structured projections nearly Gaussian."""
    x = np.random.default_rng(5).normal(size=64)
    x *= 8 / np.linalg.norm(x)
    # One block of 64 rows for each seed.
    draws = [fitted_features(projection, 64, 64, random_state=seed) for seed in range(50)]
    values = np.concatenate([features.weights_ @ x for features in draws])
    assert stats.kstest(values, stats.norm.cdf).pvalue > 1e-4


def test_a_structured_row_may_vanish_in_few_dimensions():
    """There are few different rows of signs times Hadamard matrices; 0 is one of them."""
    W = fitted_features("structured", 200, 3, "sphere").weights_
    lengths = np.linalg.norm(W, axis=1)
    assert np.isclose(lengths[lengths > 0], 1).all()
    assert np.isfinite(W).all()


@pytest.mark.parametrize("projection", PROJECTIONS)
def test_widths_nest(projection):
    narrow, wide = (fitted_features(projection, width, 5).weights_ for width in (7, 30))
    np.testing.assert_array_equal(narrow, wide[:7])


def gram_errors(projection, X, activation, n_draws=300):
    """Errors of the estimated kernel of two rows at width 64, over independent draws.

    All draws are groups of 64 neurons of one wide map. Orthogonal blocks have as many rows
    as X has columns, 32, so different groups have no block in common.
    """
    limit = random_feature_kernel(X, activation=activation, bias_scale=0.0)[0, 1]
    features = RandomFeatures(
        64 * n_draws,
        activation=activation,
        projection=projection,
        biases="none",
        random_state=0,
    )
    Z = features.fit_transform(X)
    return (Z[0] * Z[1]).reshape(n_draws, 64).sum(axis=1) * n_draws - limit


@pytest.mark.parametrize("activation", ["relu", "cos"])
def test_orthogonal_is_unbiased_structured_nearly_and_both_vary_less(activation, rng):
    X = rng.normal(size=(2, 32))
    names = ("dense", "orthogonal", "structured")
    errors = {name: gram_errors(name, X, activation) for name in names}
    spread = {name: error.std() for name, error in errors.items()}
    for name in ("dense", "orthogonal"):
        assert abs(errors[name].mean()) < 4 * spread[name] / np.sqrt(300)
    # The documented bias of signs and Hadamard matrices is of order 1 / n_features.
    assert abs(errors["structured"].mean()) < 0.2 * spread["dense"]
    assert spread["orthogonal"] < 0.85 * spread["dense"]
    assert spread["structured"] < 0.85 * spread["dense"]


def test_structured_takes_little_memory():
    features = fitted_features("structured", 2**16, 1000)
    arrays = vars(features._projection).values()
    stored = sum(array.nbytes for array in arrays if isinstance(array, np.ndarray))
    assert stored <= 4 * 8 * 2**16


@pytest.mark.parametrize("Features", [RandomReLUFeatures, LinearizedNTKFeatures])
@pytest.mark.parametrize("projection", PROJECTIONS)
def test_layouts_give_equal_results(Features, projection, rng, tmp_path):
    """Sparse, Fortran-ordered, read-only and memory-mapped rows, in both dtypes."""
    X = rng.normal(size=(30, 6)) * (rng.uniform(size=(30, 6)) < 0.5)
    features = Features(17, projection=projection, random_state=0).fit(X)
    Z = features.transform(X)
    np.save(tmp_path / "X.npy", X)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    for rows in (sparse.csr_array(X), np.asfortranarray(X), mapped):
        np.testing.assert_allclose(features.transform(rows), Z, rtol=1e-12, atol=1e-15)
    single = features.transform(X.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, Z, rtol=1e-3, atol=1e-5)
    np.testing.assert_array_equal(features.transform(X[:1]).shape, (1, Z.shape[1]))


def test_uniform_entries_need_a_dense_projection():
    # tests/test_bad_*.py has projection="orthogonal".
    with pytest.raises(ValueError, match=r'got weights="uniform".*projection="dense"'):
        fitted_features("structured", 3, 3, "uniform")


@pytest.mark.parametrize("projection", PROJECTIONS)
def test_weights_that_do_not_fit_are_refused_before_any_work(projection):
    with pytest.raises(MemoryError, match=f"width=10{'0' * 12} .*{projection}"):
        fitted_features(projection, 10**13, 3)
