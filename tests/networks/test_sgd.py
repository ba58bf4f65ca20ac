"""SGD on blocks has the iterates of one sample at a time, for all pairs of options."""

import itertools

import numpy as np
import pytest
from exact_sgd import FACTORS, assert_exact, engine_and_reference
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from skrf import ACTIVATIONS, LOSSES
from skrf.networks._objective import Objective
from skrf.networks._sgd import Diverged, Trainer, block_rows
from skrf.networks._state import Options, State
from skrf.networks._step_size import estimate_step
from skrf.networks._weights import Initialization, Units


def random_cases(n_cases):
    """Random combinations of options; `test_cases_cover_all_pairs` checks their number."""
    rng = np.random.default_rng(1)
    return [
        {name: values[rng.integers(len(values))] for name, values in FACTORS.items()}
        for _ in range(n_cases)
    ]


CASES = random_cases(60)


def test_cases_cover_all_pairs():
    for (name, values), (name_2, values_2) in itertools.combinations(FACTORS.items(), 2):
        pairs = {(case[name], case[name_2]) for case in CASES}
        assert pairs == set(itertools.product(values, values_2)), (name, name_2)


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
def test_block_size_changes_the_result_only_by_rounding(block_size):
    case = {name: values[0] for name, values in FACTORS.items()}
    weights, _, _ = engine_and_reference({**case, "block_size": block_size}, np.float64)
    expected, _, _ = engine_and_reference(case, np.float64)
    for array, array_expected in zip(weights, expected, strict=True):
        np.testing.assert_allclose(array, array_expected, rtol=1e-11, atol=1e-13)


def test_runs_are_bitwise_reproducible():
    case = {**{name: values[-1] for name, values in FACTORS.items()}, "batch_size": 1}
    runs = (engine_and_reference(case, np.float32)[0] for _ in range(2))
    for arrays in zip(*runs, strict=True):
        np.testing.assert_array_equal(*arrays)


@pytest.mark.parametrize("batch_size", [1, 7, 200, 5000])
@pytest.mark.parametrize("block_size", ["auto", 1, 100])
def test_blocks_have_full_batches_and_bounded_work(batch_size, block_size):
    for width, d in itertools.product([1, 1000, 100_000], [1, 1000, 100_000]):
        rows = block_rows(width, d, np.float32, batch_size, block_size)
        assert rows >= batch_size
        assert rows % batch_size == 0
        assert rows == batch_size or 4 * rows * width * d <= 2**34


def test_a_block_that_diverges_is_undone(rng):
    """The weights are those before the block."""
    X = rng.normal(size=(1000, 4))
    Y = X[:, :1].copy()
    Y[300] = 1e15
    initialization = Initialization(
        0, 8, 4, 1, np.dtype(float), "gaussian", 1.0, "none", 0.0, "ntk", False
    )
    weights = initialization.draw()
    objective = Objective(
        ACTIVATIONS["relu"], LOSSES["squared_error"], 1.0, 0.0, *[True] * 4
    )
    estimate = estimate_step(objective, weights, X[:250], Y[:250], np.ones(250))
    step = 0.5 * estimate.stable_step
    state = State(initialization, Units.of_y(1), estimate, step, 0.0)
    options = Options(1, 64, 0.0, 0.0, -1)
    trainer = Trainer(state, weights, objective, options)
    with pytest.raises(Diverged) as caught:
        trainer.run(X, Y, np.ones(1000), np.arange(1000))
    assert caught.value.n_updates == trainer.n_updates == 256
    shorter = Trainer(state, initialization.draw(), objective, options)
    shorter.run(X, Y, np.ones(1000), np.arange(256))
    for arrays in zip(trainer.result, shorter.result, strict=True):
        np.testing.assert_array_equal(*arrays)
