"""Targets: against exact arithmetic, their own definitions, and bad input."""

import copy
import pickle
from fractions import Fraction

import numpy as np
import pytest
import reference
from hypothesis import given
from hypothesis import strategies as st

from skrf import BoundedDegreePolynomial, SingleNeuron, TriangleWave


@given(
    d=st.integers(1, 4),
    t=st.fractions(min_value=-110, max_value=110, max_denominator=64),
)
def test_triangle_wave_is_the_printed_sum(d, t):
    wave = TriangleWave(np.ones(d))
    expected = reference.triangle_wave(t, d)
    assert float(wave.profile(float(t))) == pytest.approx(expected, abs=1e-12)
    coefficients, offsets = wave.relu_sum()
    total = sum(
        Fraction(c) * max(Fraction(t) + Fraction(o), 0)
        for c, o in zip(coefficients, offsets, strict=True)
    )
    assert float(total - 1) == expected


@pytest.mark.parametrize("d", [1, 3, 20])
def test_triangle_wave_facts(d):
    """Item 1 of Prop. 4.6 on [-a, a], and the corrected facts outside and of its parts."""
    wave = TriangleWave(np.ones(d))
    a = wave.half_width
    assert a == 6 * d**2 + 1
    t = np.linspace(-a, a - 4, 2001)
    np.testing.assert_allclose(wave.profile(-t), -wave.profile(t), atol=1e-11)
    np.testing.assert_allclose(wave.profile(t + 4), wave.profile(t), atol=1e-11)
    assert wave.profile(np.array([-a - 5, a, a + 3.0])).tolist() == [-1, 1, -2]
    coefficients, _ = wave.relu_sum()
    assert len(coefficients) == a + 1
    assert (coefficients**2).sum() == 24 * d**2 + 5


def test_triangle_wave_has_squared_norm_a_third(rng):
    d = 6
    w = rng.normal(size=d)
    wave = TriangleWave(d * w / np.linalg.norm(w))
    values = wave(rng.normal(size=(400_000, d)))
    assert (values**2).mean() == pytest.approx(1 / 3, abs=2e-3)


@given(
    exponents=st.lists(
        st.tuples(*[st.integers(0, 3)] * 3), min_size=1, max_size=4, unique=True
    ),
    x=st.lists(st.floats(-3, 3), min_size=3, max_size=3),
)
def test_polynomial_is_its_sum_of_monomials(exponents, x):
    coefficients = np.arange(1, len(exponents) + 1) / 2
    polynomial = BoundedDegreePolynomial(exponents, coefficients)
    expected = sum(
        c * x[0] ** e[0] * x[1] ** e[1] * x[2] ** e[2]
        for c, e in zip(coefficients, exponents, strict=True)
    )
    assert polynomial([x])[0] == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert polynomial.degree == max(map(sum, exponents))
    assert polynomial.coefficient_bound == max(coefficients)


@given(
    d=st.integers(1, 5),
    degree=st.integers(0, 4),
    bound=st.floats(0.1, 10),
    seed=st.integers(0, 1000),
)
def test_random_polynomial_keeps_its_bounds(d, degree, bound, seed):
    options = {"coefficient_bound": bound, "n_terms": 1, "random_state": seed}
    polynomial = BoundedDegreePolynomial.random(d, degree, **options)
    assert polynomial.exponents.sum(axis=1).max() <= degree
    assert np.abs(polynomial.coefficients).max() <= bound
    again = BoundedDegreePolynomial.random(d, degree, **options)
    np.testing.assert_array_equal(polynomial.exponents, again.exponents)


def test_random_monomials_are_uniform_and_can_be_all():
    """Two variables have six monomials of degree <= 2."""
    rng = np.random.RandomState(0)
    seen = {}
    for _ in range(3000):
        row = BoundedDegreePolynomial.random(2, 2, n_terms=1, random_state=rng).exponents[0]
        seen[tuple(row.tolist())] = seen.get(tuple(row.tolist()), 0) + 1
    assert set(seen) == {(0, 0), (0, 1), (1, 0), (1, 1), (0, 2), (2, 0)}
    assert max(abs(count - 500) for count in seen.values()) < 100
    every = BoundedDegreePolynomial.random(2, 2, n_terms=6, random_state=0)
    assert len(np.unique(every.exponents, axis=0)) == 6


def test_targets_print_themselves():
    assert repr(SingleNeuron([0.0, 2.0], 1, "tanh")) == (
        "SingleNeuron(n_features=2, ||weight||=2, bias=1, activation='tanh')"
    )
    polynomial = BoundedDegreePolynomial([[0, 0], [1, 0], [2, 1]], [-1, 0.5, 1], degree=4)
    assert repr(polynomial) == (
        "BoundedDegreePolynomial(n_features=2, degree<=4, |coefficient|<=1: "
        "- 1 + 0.5 x0 + x0^2 x1)"
    )
    many = BoundedDegreePolynomial.random(5, 3, n_terms=20, random_state=0)
    assert "(14 more)" in repr(many)


@pytest.mark.parametrize(
    "target",
    [
        SingleNeuron([1.0, 2.0]),
        BoundedDegreePolynomial([[1, 1]], [1.0]),
        TriangleWave([3.0, 4.0]),
    ],
)
def test_targets_are_frozen_pickle_and_check_their_input(target):
    X = np.random.default_rng(0).normal(size=(5, 2))
    assert target(X).shape == (5,)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(target))(X), target(X))
    for one in (target, pickle.loads(pickle.dumps(target)), copy.deepcopy(target)):
        arrays = [value for value in vars(one).values() if isinstance(value, np.ndarray)]
        assert arrays
        assert not any(array.flags.writeable for array in arrays)
    with pytest.raises(AttributeError):
        target.bias = 3
    with pytest.raises(ValueError, match=r"n_features=2 columns .* got 3"):
        target(np.ones((1, 3)))
    with pytest.raises(ValueError, match="`X` must be 2-D"):
        target(np.ones(2))
    with pytest.raises(ValueError, match="NaN"):
        target([[np.nan, 0.0]])


def test_a_target_does_not_follow_the_callers_array():
    weight = np.ones(2)
    neuron = SingleNeuron(weight)
    weight[:] = 5
    assert neuron([[1.0, 1.0]])[0] == 2.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SingleNeuron([[1.0]]), r"`weight` must be 1-D .* shape \(1, 1\)"),
        (lambda: SingleNeuron([]), "`weight` must be 1-D with at least one entry"),
        (lambda: SingleNeuron([np.nan]), "`weight` must be finite; got nan"),
        (lambda: SingleNeuron([1.0], np.inf), "`bias` must be a finite number; got inf"),
        (
            lambda: SingleNeuron([1.0], [1, 2]),
            r"`bias` must be a finite number; got \[1, 2\]",
        ),
        (
            lambda: SingleNeuron([1.0], 0, "swish"),
            r"`activation` must be one of 'abs', 'cos', .* got 'swish'",
        ),
        (
            lambda: SingleNeuron([1.0], 0, ["relu"]),
            r"`activation` must be .* got \['relu'\]. Use one of these",
        ),
        (lambda: TriangleWave([np.inf]), "`weight` must be finite; got inf"),
        (
            lambda: BoundedDegreePolynomial([[1, 2], [0, 1]], [1, 1], degree=2),
            "`degree` .* >= 3; got 2. Raise `degree`, or drop monomial 0",
        ),
        (
            lambda: BoundedDegreePolynomial([[1, 2]], [-4.0], coefficient_bound=3),
            "`coefficient_bound` .* 4.0, .* of coefficient 0; got 3. Raise",
        ),
        (
            lambda: BoundedDegreePolynomial([[1, 2]], [1.0], coefficient_bound=np.nan),
            "`coefficient_bound` must be .* got nan",
        ),
        (
            lambda: BoundedDegreePolynomial([[1, 2]], [1.0], degree=3.5),
            "`degree` must be an integer .* got 3.5",
        ),
        (lambda: BoundedDegreePolynomial([[1, 2]], [1.0, 2.0]), "each of the 2 coeff"),
        (
            lambda: BoundedDegreePolynomial([[1.0, 2]], [1.0]),
            "integers from 0 .* got dtype float64",
        ),
        (lambda: BoundedDegreePolynomial([[-1, 2]], [1.0]), "integers from 0 .* from -1"),
        (
            lambda: BoundedDegreePolynomial(np.array([[2**63]], np.uint64), [1.0]),
            "integers from 0",
        ),
        (lambda: BoundedDegreePolynomial([[1], [1]], [1.0, 1.0]), "the same row twice"),
        (lambda: BoundedDegreePolynomial([[1]], [np.nan]), "`coefficients` must be finite"),
        (
            lambda: BoundedDegreePolynomial.random(2, 2, n_terms=7),
            "`n_terms` must be at most 6, .* got 7",
        ),
        (lambda: BoundedDegreePolynomial.random(2, -1), "'degree' parameter"),
        (lambda: BoundedDegreePolynomial.random(0), "'n_features' parameter"),
        (
            lambda: BoundedDegreePolynomial.random(2, coefficient_bound=0.0),
            "'coefficient_bound' parameter",
        ),
    ],
)
def test_bad_targets_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
