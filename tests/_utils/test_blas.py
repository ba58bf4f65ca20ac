"""The accumulating product: every layout, and the interpreter lock."""

import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skrf._utils.blas import add_gram, mirror, product


def layout(array, kind):
    """The same numbers as a C or Fortran array, backwards, or as part of a larger one."""
    if kind == "slice":
        larger = np.zeros((array.shape[0] + 2, array.shape[1] + 3), array.dtype)
        larger[1:-1, 2:-1] = array
        return larger[1:-1, 2:-1]
    if kind == "strided":
        return np.repeat(np.repeat(array, 2, axis=0), 2, axis=1)[::2, ::2]
    if kind == "rows backwards":
        return array[::-1].copy()[::-1]
    if kind == "columns backwards":
        return array[:, ::-1].copy()[:, ::-1]
    return np.asarray(array, order=kind)


KINDS = ["C", "F", "slice", "strided", "rows backwards", "columns backwards"]


@given(
    m=st.integers(1, 6),
    n=st.integers(1, 6),
    k=st.integers(1, 6),
    kinds=st.tuples(*[st.sampled_from(KINDS)] * 2),
    c_kind=st.sampled_from(["C", "slice"]),
    beta=st.sampled_from([0.0, 1.0, 0.5]),
    dtype=st.sampled_from([np.float64, np.float32]),
)
def test_product_in_place(m, n, k, kinds, c_kind, beta, dtype):
    rng = np.random.default_rng(m + 10 * n + 100 * k)
    a = layout(rng.normal(size=(m, k)).astype(dtype), kinds[0])
    b = layout(rng.normal(size=(k, n)).astype(dtype), kinds[1])
    c = layout(rng.normal(size=(m, n)).astype(dtype), c_kind)
    expected = a @ b + beta * c
    product(a, b, c, beta)
    tolerance = 1e-13 if dtype == np.float64 else 1e-5
    np.testing.assert_allclose(c, expected, rtol=tolerance, atol=tolerance)


@given(
    m=st.integers(1, 6),
    n=st.integers(1, 6),
    kind=st.sampled_from(KINDS),
    c_kind=st.sampled_from(["C", "slice"]),
    beta=st.sampled_from([0.0, 1.0, 0.5]),
    dtype=st.sampled_from([np.float64, np.float32]),
)
def test_gram_in_the_lower_triangle(m, n, kind, c_kind, beta, dtype):
    rng = np.random.default_rng(m + 10 * n)
    a = layout(rng.normal(size=(m, n)).astype(dtype), kind)
    c = layout(rng.normal(size=(n, n)).astype(dtype), c_kind)
    before, expected = c.copy(), a.T @ a + beta * c
    add_gram(a, c, beta)
    tolerance = 1e-13 if dtype == np.float64 else 1e-5
    lower = np.tril(np.ones((n, n), bool))
    np.testing.assert_allclose(c[lower], expected[lower], rtol=tolerance, atol=tolerance)
    np.testing.assert_array_equal(c[~lower], before[~lower])


@pytest.mark.parametrize("n", [1, 2, 127, 128, 129, 300])
def test_a_lower_triangle_is_mirrored(n, rng):
    square = rng.normal(size=(n, n))
    expected = np.tril(square) + np.tril(square, -1).T
    mirror(square)
    np.testing.assert_array_equal(square, expected)


@pytest.mark.parametrize(
    "view",
    [
        lambda x: np.lib.stride_tricks.sliding_window_view(x, 4),
        lambda x: np.broadcast_to(x[:4], (9, 4)),
        lambda x: np.broadcast_to(x[:9, np.newaxis], (9, 4)),
        lambda x: np.broadcast_to(x[0], (9, 4)),
        lambda x: x.view([("a", float), ("b", float)])["b"][:9, np.newaxis],
    ],
    ids=["windows", "equal rows", "equal columns", "one number", "field"],
)
def test_product_of_views_whose_rows_overlap(view, rng):
    a, c = view(rng.normal(size=24)), np.empty((4, 4))
    a = a if a.shape[1] == 4 else np.broadcast_to(a, (len(a), 4))
    product(a.T, a, c)
    np.testing.assert_allclose(c, a.T.copy() @ a.copy(), rtol=1e-13, atol=1e-13)


def test_a_result_of_nan_is_overwritten():
    c = np.full((2, 2), np.nan)
    product(np.eye(2), np.eye(2), c)
    np.testing.assert_array_equal(c, np.eye(2))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_other_threads_run_meanwhile(dtype):
    """A thread that only counts must count while a long product is made."""
    a, c = np.ones((2000, 2000), dtype), np.empty((2000, 2000), dtype)
    done, counts = threading.Event(), []

    def count():
        while not done.is_set():
            counts.append(time.perf_counter())
            time.sleep(1e-4)

    thread = threading.Thread(target=count)
    thread.start()
    start = time.perf_counter()
    product(a, a, c)
    end = time.perf_counter()
    done.set()
    thread.join()
    inside = [moment for moment in counts if start < moment < end]
    assert len(inside) >= 3
