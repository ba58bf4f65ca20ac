"""Row blocks, and threads that each have a BLAS of one thread."""

import signal
import threading
import time
import tracemalloc

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from skrf import RandomReLUFeatures
from skrf._utils.blocks import row_blocks
from skrf._utils.threads import in_threads


def blas_threads():
    return {lib["num_threads"] for lib in threadpool_info() if lib["user_api"] == "blas"}


@pytest.mark.parametrize("n_rows", [0, 1, 999, 1000, 1001])
@pytest.mark.parametrize("at_least", [1, 300])
def test_blocks_are_all_rows_in_order(n_rows, at_least):
    blocks = row_blocks(n_rows, 2**15, at_least=at_least)
    joined = [i for block in blocks for i in range(block.start, block.stop)]
    assert joined == list(range(n_rows))
    assert all(b.stop - b.start >= at_least for b in blocks[:-1])


def test_every_block_is_done_once_with_one_thread_of_blas():
    with threadpool_limits(2, user_api="blas"):
        seen = in_threads(lambda blocks: (list(blocks), blas_threads()), list(range(11)))
        assert blas_threads() == {2}
    assert sorted(b for blocks, _ in seen for b in blocks) == list(range(11))
    assert all(threads == {1} for _, threads in seen)
    assert len(seen) == 2


def test_a_failing_block_lifts_the_limit():
    def fail(blocks):
        raise RuntimeError(f"block {next(blocks)}")

    with threadpool_limits(2, user_api="blas"):
        with pytest.raises(RuntimeError, match="block 0"):
            in_threads(fail, [0, 1, 2])
        assert blas_threads() == {2}


def test_only_one_user_limits_blas_at_a_time():
    """The second works in its own thread, and the limit goes with the first."""
    all_inside, leave = threading.Barrier(3), threading.Event()

    def first(blocks):
        all_inside.wait(60)
        assert leave.wait(60)
        return threading.get_ident()

    def two_threads():
        with threadpool_limits(2, user_api="blas"):
            results.extend(in_threads(first, [0, 1]))
            assert blas_threads() == {2}
            results.append("limit lifted")

    results, before = [], blas_threads()
    thread = threading.Thread(target=two_threads)
    thread.start()
    all_inside.wait(60)  # both threads of the first, or one might do the work of both
    assert blas_threads() == {1}
    second = in_threads(lambda blocks: (blocks, threading.get_ident()), [0, 1])
    assert second == [([0, 1], threading.get_ident())]
    assert blas_threads() == {1}
    leave.set()
    thread.join(60)
    *identities, end = results
    assert len(set(identities)) == 2
    assert end == "limit lifted"
    assert blas_threads() == before


def test_a_thread_that_may_not_limit_blas_works_alone():
    """threadpoolctl lets the first thread with a limit decide for all."""
    results = []
    with threadpool_limits(2, user_api="blas"):
        thread = threading.Thread(
            target=lambda: results.extend(in_threads(list, [0, 1, 2]))
        )
        thread.start()
        thread.join(60)
        assert blas_threads() == {2}
    assert [b for part in results for b in part] in ([0, 1, 2], [0, 2, 1])


@pytest.mark.parametrize("failure", [KeyboardInterrupt, RuntimeError])
def test_no_further_block_begins_after_a_failure(failure):
    done = []

    def work(blocks):
        for block in blocks:
            if block == 1 and failure is KeyboardInterrupt:
                signal.raise_signal(signal.SIGINT)
            elif block == 0 and failure is RuntimeError:
                raise RuntimeError
            time.sleep(0.01)
            done.append(block)

    with threadpool_limits(2, user_api="blas"), pytest.raises(failure):
        in_threads(work, list(range(1000)))
    assert len(done) < 500


def test_number_of_threads_changes_no_bit(rng):
    X = rng.normal(size=(4000, 30)).astype(np.float32)
    features = RandomReLUFeatures(700, random_state=0).fit(X)
    results = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads, user_api="blas"):
            results.append(features.transform(X))
    np.testing.assert_array_equal(*results)


def test_transform_keeps_one_copy_of_its_result(rng):
    X = rng.normal(size=(8000, 30)).astype(np.float32)
    features = RandomReLUFeatures(2000, random_state=0).fit(X)
    features.transform(X)
    tracemalloc.start()
    Z = features.transform(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < Z.nbytes + 2e6
