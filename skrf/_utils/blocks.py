"""Row blocks of dense, sparse and memory-mapped input."""

import threading
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache

import numpy as np
from scipy import sparse
from threadpoolctl import ThreadpoolController

from skrf._utils.blas import product
from skrf._utils.interrupts import interrupts_held

# Elements of one block: 8 MB in float64, within reach of the outer caches.
BLOCK_ELEMENTS = 2**20
# Seconds between two looks at whether Ctrl-C was pressed while threads work.
_PATIENCE = 0.1


def row_blocks(n_rows, elements_per_row, at_least=1):
    """Slices that cut `n_rows` rows into blocks of about `BLOCK_ELEMENTS` elements.

    A block has `at_least` so many rows, but for the last one: products with few rows are
    slow.
    """
    step = max(at_least, BLOCK_ELEMENTS // max(1, elements_per_row))
    return [slice(start, min(start + step, n_rows)) for start in range(0, n_rows, step)]


def is_frame(X):
    """Whether X is a data frame, of pandas or of polars."""
    return hasattr(X, "to_numpy") and hasattr(X, "columns")


def take_rows(X, rows):
    """Rows of an array, a sparse matrix or a data frame, by slice or by index."""
    return X.iloc[rows] if hasattr(X, "iloc") else X[rows]


def dense_rows(X, rows):
    """Rows of X, by slice or by index, as a contiguous dense array."""
    picked = X[rows]
    return picked.toarray() if sparse.issparse(picked) else np.ascontiguousarray(picked)


def multiply(X, weights, out):
    """out <- X weights^T for dense or sparse X."""
    if sparse.issparse(X):
        out[...] = X @ weights.T
    else:
        product(X, weights.T, out)


# Held by the one caller of `in_threads` who has the process's BLAS to himself.
_BLAS = threading.Lock()


@cache
def _blas_controller():
    return ThreadpoolController().select(user_api="blas")


def _blas_threads():
    libraries = _blas_controller().lib_controllers
    return max([library.num_threads for library in libraries], default=1)


def in_threads(work, blocks):
    """Call work(blocks of one thread) in as many threads as BLAS would use; the results.

    Thread t of n takes blocks t, t + n, t + 2 n, ...: which block a thread works on does
    not depend on timing. Every thread has whole blocks to itself and a BLAS of one thread,
    which keeps them in its cache and spares the waits within each product. BLAS is limited
    for the whole process, so only one caller at a time does so; others, and callers whom
    threadpoolctl refuses because another thread has set a limit, work in their own thread.
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
