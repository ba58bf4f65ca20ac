"""The engine: the same iterates as one sample at a time, for every combination."""

import itertools

import numpy as np
import pytest
from exact_sgd import FACTORS, assert_exact, engine_and_reference
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skrf import ACTIVATIONS, LOSSES
from skrf.networks._objective import Objective
from skrf.networks._sgd import SGD, Diverged, block_rows
from skrf.networks._step_size import probe
from skrf.networks._weights import Initialization, Weights


def random_cases(n_cases):
    """Rows drawn at random; `test_cases_cover_all_pairs` sees that they are enough."""
    rng = np.random.default_rng(1)
    return [
        {name: values[rng.integers(len(values))] for name, values in FACTORS.items()}
        for _ in range(n_cases)
    ]


CASES = random_cases(60)


def test_cases_cover_all_pairs():
    for (one, values), (other, others) in itertools.combinations(FACTORS.items(), 2):
        seen = {(case[one], case[other]) for case in CASES}
        assert seen == set(itertools.product(values, others)), (one, other)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("case", CASES, ids=lambda case: "-".join(map(str, case.values())))
def test_same_iterates_as_one_sample_at_a_time(case, dtype):
    assert_exact(case, dtype)


@pytest.mark.slow
@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(
    case=st.fixed_dictionaries(
        {
            **{name: st.sampled_from(values) for name, values in FACTORS.items()},
            "block_size": st.one_of(st.just("auto"), st.integers(1, 400)),
            "batch_size": st.integers(1, 200),
            "average_after": st.integers(-1, 400),
            "n_outputs": st.integers(1, 5),
        }
    ),
    dtype=st.sampled_from([np.float64, np.float32]),
    seed=st.integers(0, 1000),
    width=st.integers(1, 40),
    d=st.integers(1, 9),
)
def test_same_iterates_for_any_combination(case, dtype, seed, width, d):
    assert_exact(case, dtype, n_steps=500, seed=seed, width=width, d=d)


@pytest.mark.parametrize("block_size", [1, 3, 16, 17, 64, 10_000])
def test_block_size_only_moves_the_rounding(block_size):
    case = {name: values[0] for name, values in FACTORS.items()}
    one, _, _ = engine_and_reference({**case, "block_size": block_size}, np.float64)
    other, _, _ = engine_and_reference(case, np.float64)
    for got, want in zip(one, other, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-11, atol=1e-13)


def test_same_bits_every_time():
    case = {**{name: values[-1] for name, values in FACTORS.items()}, "batch_size": 1}
    one, other = (engine_and_reference(case, np.float32)[0] for _ in range(2))
    for got, want in zip(one, other, strict=True):
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("batch_size", [1, 7, 200, 5000])
@pytest.mark.parametrize("wanted", ["auto", 1, 100])
def test_blocks_hold_whole_batches_and_little_work(batch_size, wanted):
    for width, d in itertools.product([1, 1000, 100_000], [1, 1000, 100_000]):
        rows = block_rows(width, d, np.float32, batch_size, wanted)
        assert rows >= batch_size
        assert rows % batch_size == 0
        assert rows == batch_size or 4 * rows * width * d <= 2**34


def test_divergence_is_noticed_in_its_block(rng):
    """And undone: the weights are those of the block's start."""
    X = rng.normal(size=(1000, 4))
    Y = X[:, :1].copy()
    Y[300] = 1e15
    start = Initialization(
        0, 8, 4, 1, np.dtype(float), "gaussian", 1.0, "none", 0.0, "ntk", False
    )
    weights = Weights(*start.draw(), np.zeros(1))
    objective = Objective(
        ACTIVATIONS["relu"], LOSSES["squared_error"], 1.0, 0.0, *[True] * 4
    )
    found = probe(objective, weights, X[:250], Y[:250], np.ones(250))
    sgd = SGD(start, weights, found, 0.5 * found.stable_step)
    options = {"batch_size": 1, "power_t": 0.0, "momentum": 0.0, "average_after": -1}
    sgd.configure(objective, block_size=64, **options)
    with pytest.raises(Diverged) as caught:
        sgd.run(X, Y, np.ones(1000), np.arange(1000))
    assert caught.value.n_updates == sgd.n_updates == 256
    again = SGD(start, Weights(*start.draw(), np.zeros(1)), found, sgd.eta0)
    again.configure(objective, block_size=64, **options)
    again.run(X, Y, np.ones(1000), np.arange(256))
    for got, want in zip(sgd.result, again.result, strict=True):
        np.testing.assert_array_equal(got, want)
