"""Losses: against their definitions and against finite differences."""

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st

from skrf import LOSSES


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_equals_definition(name, dtype, rng):
    p = rng.normal(size=(50, 2)).astype(dtype)
    y = rng.choice([-1, 1], (50, 2)).astype(dtype)
    value, slope = (np.vectorize(f)(p, y) for f in reference.LOSSES[name])
    assert LOSSES[name](p, y).dtype == dtype
    np.testing.assert_allclose(LOSSES[name](p, y), value, rtol=1e-6)
    np.testing.assert_allclose(LOSSES[name].derivative(p, y), slope, rtol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
@given(p=st.floats(-5, 5), y=st.sampled_from([-1.0, 1.0]))
def test_derivative_is_limit_of_differences(name, p, y):
    h = 1e-6
    if abs(1 - p * y) < 2 * h:
        p = 0.0  # hinge's kink
    low, high = LOSSES[name](np.array([p - h, p + h]), y)
    slope = float(LOSSES[name].derivative(p, y))
    assert (high - low) / (2 * h) == pytest.approx(slope, abs=1e-8, rel=1e-8)


@pytest.mark.parametrize("name", LOSSES)
def test_nan_is_not_hidden(name):
    assert np.isnan(LOSSES[name](np.nan, 1.0))


def test_hinge_is_zero_from_the_margin_on():
    hinge = LOSSES["hinge"]
    assert hinge([1.0, 2.0, -3.0], [1, 1, -1]).tolist() == [0, 0, 0]
    assert hinge.derivative([1.0, 0.5, -1.0], [1, 1, -1]).tolist() == [0, -1, 0]


@pytest.mark.parametrize("name", LOSSES)
def test_every_kind_of_real_numbers(name):
    expected = LOSSES[name]([1.0, -2.0], [1, 1])
    for kind in (object, np.longdouble, np.float16, np.int8):
        given = LOSSES[name](np.array([1, -2], kind), [1, 1])
        np.testing.assert_array_equal(given, expected)
    for wrong in (None, ["a"], 1j, [[1.0], [1.0, 2.0]]):
        with pytest.raises(ValueError, match="`prediction` must be"):
            LOSSES[name](wrong, [1])
        with pytest.raises(ValueError, match="`y` must be"):
            LOSSES[name].derivative([1], wrong)


def test_shapes_that_do_not_broadcast_are_named():
    with pytest.raises(ValueError, match=r"must have shapes .* got \(2,\) and \(3,\)"):
        LOSSES["hinge"]([1, 2], [1, 2, 3])
