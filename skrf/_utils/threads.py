"""Row blocks in several threads, each with a single-threaded BLAS."""

import threading
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache

from threadpoolctl import ThreadpoolController

from skrf._utils.interrupts import interrupts_held

# Seconds between two checks for Ctrl-C while threads work.
_PATIENCE = 0.1

# Held by the caller of `in_threads` that limits the BLAS of the process.
_BLAS = threading.Lock()


@cache
def _blas_controller():
    return ThreadpoolController().select(user_api="blas")


def _blas_threads():
    libraries = _blas_controller().lib_controllers
    return max([library.num_threads for library in libraries], default=1)


def in_threads(work, blocks):
    """Call work(blocks of one thread) in as many threads as BLAS would use; the results.

    Thread t of n takes blocks t, t + n, t + 2 n, ..., which does not depend on timing. A
    thread works on complete blocks with a BLAS of one thread. Its blocks stay in its cache,
    and products do not wait for other threads. The limit of BLAS holds for the whole
    process, so only one caller at a time sets it. Other callers work in their own thread,
    as do callers when another thread has set a limit.
    """
    n_threads = min(_blas_threads(), len(blocks))
    if n_threads > 1:
        # An interrupt must not come between a lock or a limit and its release.
        with interrupts_held() as let_through:
            if _BLAS.acquire(blocking=False):
                try:
                    with _blas_controller().limit(limits=1):
                        if _blas_threads() == 1:
                            return _in_pool(work, blocks, n_threads, let_through)
                finally:
                    _BLAS.release()
    return [work(blocks)]


def _in_pool(work, blocks, n_threads, let_through):
    """The results of work(every n-th block) in n threads; a failure stops all of them."""
    stopped = threading.Event()

    def part(first):
        for block in blocks[first::n_threads]:
            if stopped.is_set():
                return
            yield block

    def work_on(first):
        try:
            return work(part(first))
        except BaseException:
            stopped.set()
            raise

    with ThreadPoolExecutor(n_threads) as pool:
        futures = [pool.submit(work_on, first) for first in range(n_threads)]
        try:
            while wait(futures, timeout=_PATIENCE).not_done:
                let_through()
        except BaseException:
            stopped.set()
            raise
        return [future.result() for future in futures]
