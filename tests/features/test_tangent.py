"""The linear operator and the tangent kernel, compared with the dense features."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from scipy.sparse.linalg import lsqr
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge

from skrf import LinearizedNTKFeatures
from skrf.features import _operator

CASES = st.fixed_dictionaries(
    {
        "width": st.integers(1, 20),
        "train": st.sampled_from(["hidden", "output", "both"]),
        "biases": st.sampled_from(["gaussian", "none"]),
        "activation": st.sampled_from(["relu", "tanh", "cos"]),
        "projection": st.sampled_from(["dense", "orthogonal", "structured"]),
    }
)


@given(
    case=CASES,
    n=st.integers(1, 12),
    d=st.integers(1, 9),
    csr=st.booleans(),
    dtype=st.sampled_from([np.float64, np.float32]),
)
def test_operator_and_gram_equal_the_dense_features(case, n, d, csr, dtype):
    rng = np.random.default_rng(n + 20 * d)
    X = (rng.normal(size=(n, d)) * (rng.uniform(size=(n, d)) < 0.8)).astype(dtype)
    weights = rng.normal(size=case["width"])
    features = LinearizedNTKFeatures(output_weights=weights, random_state=0, **case).fit(X)
    F, rows = features.transform(X), sparse.csr_array(X) if csr else X
    operator = features.as_linear_operator(rows)
    assert operator.shape == F.shape
    assert operator.dtype == dtype
    M, Y = (
        rng.normal(size=(F.shape[1], 3)).astype(dtype),
        rng.normal(size=(n, 2)).astype(dtype),
    )
    pairs = [
        (operator @ M, F @ M),
        (operator @ M[:, 0], F @ M[:, 0]),
        (operator.T @ Y, F.T @ Y),
        (operator.T @ Y[:, 0], F.T @ Y[:, 0]),
        (features.tangent_kernel(rows), F @ F.T),
        (features.tangent_kernel(rows[:1], rows), F[:1] @ F.T),
    ]
    tolerance = 1e-12 if dtype == np.float64 else 1e-4
    for result, expected in pairs:
        assert result.dtype == dtype
        atol = tolerance * max(1.0, np.abs(expected).max())
        np.testing.assert_allclose(result, expected, rtol=tolerance, atol=atol)


@pytest.mark.parametrize("train", ["hidden", "output", "both"])
def test_results_do_not_depend_on_the_size_of_blocks(train, rng, monkeypatch):
    """Threads share blocks of a few rows, and a second call gives bitwise equal results."""
    X = rng.normal(size=(70, 4))
    features = LinearizedNTKFeatures(9, train=train, random_state=0).fit(X)
    F = features.transform(X)
    v, y = rng.normal(size=F.shape[1]), rng.normal(size=70)
    monkeypatch.setattr(_operator, "_GRAM_ROWS", 16)
    monkeypatch.setattr(
        _operator.TangentOperator,
        "_row_blocks",
        lambda self: [slice(start, start + 7) for start in range(0, 70, 7)],
    )
    operator = features.as_linear_operator(X)
    np.testing.assert_allclose(operator @ v, F @ v, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(operator.T @ y, F.T @ y, rtol=1e-12, atol=1e-13)
    np.testing.assert_array_equal(operator.T @ y, operator.T @ y)
    np.testing.assert_allclose(features.tangent_kernel(X), F @ F.T, rtol=1e-12, atol=1e-13)
    K = features.tangent_kernel(X[:40], X)
    np.testing.assert_allclose(K, F[:40] @ F.T, rtol=1e-12, atol=1e-13)


def test_solvers_agree(rng):
    """Ridge on features, KernelRidge on the kernel, damped lsqr on the operator."""
    X = rng.normal(size=(40, 3))
    y = np.maximum(X[:, 0], 0)
    features = LinearizedNTKFeatures(30, train="both", random_state=0).fit(X)
    ridge = Ridge(alpha=0.1, fit_intercept=False).fit(features.transform(X), y)
    expected = ridge.predict(features.transform(X))
    K = features.tangent_kernel(X)
    machine = KernelRidge(alpha=0.1, kernel="precomputed").fit(K, y)
    np.testing.assert_allclose(machine.predict(K), expected, rtol=1e-9)
    operator = features.as_linear_operator(X)
    options = {"damp": np.sqrt(0.1), "atol": 1e-14, "btol": 1e-14, "iter_lim": 5000}
    solution, *_ = lsqr(operator, y, **options)
    np.testing.assert_allclose(operator @ solution, expected, rtol=1e-6)


def test_operator_takes_the_memory_of_blocks(rng):
    """The feature matrix has 1.6 GB."""
    X = rng.normal(size=(4000, 50)).astype(np.float32)
    features = LinearizedNTKFeatures(2000, biases="none", random_state=0).fit(X)
    operator = features.as_linear_operator(X)
    v, y = np.ones(operator.shape[1], np.float32), np.ones(4000, np.float32)
    _ = operator @ v, operator.T @ y
    tracemalloc.start()
    _ = operator @ v, operator.T @ y
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60e6


def test_complex_vectors_keep_their_imaginary_part(rng):
    X = rng.normal(size=(6, 3))
    features = LinearizedNTKFeatures(4, train="both", random_state=0).fit(X)
    F, operator = features.transform(X), features.as_linear_operator(X)
    v = rng.normal(size=F.shape[1]) + 1j * rng.normal(size=F.shape[1])
    y = rng.normal(size=6) + 1j * rng.normal(size=6)
    np.testing.assert_allclose(operator @ v, F @ v, rtol=1e-12)
    np.testing.assert_allclose(operator.H @ y, F.T @ y, rtol=1e-12, atol=1e-13)


def test_memory_mapped_rows(rng, tmp_path):
    np.save(tmp_path / "X.npy", rng.normal(size=(9, 3)))
    X = np.load(tmp_path / "X.npy", mmap_mode="r")
    features = LinearizedNTKFeatures(4, train="both", random_state=0).fit(X)
    F, operator = features.transform(X), features.as_linear_operator(X)
    np.testing.assert_allclose(operator @ np.eye(F.shape[1]), F, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(operator.T @ np.eye(9), F.T, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(features.tangent_kernel(X), F @ F.T, rtol=1e-12)
