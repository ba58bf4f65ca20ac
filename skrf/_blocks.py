"""Row blocks of dense, sparse and memory-mapped input."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy import sparse
from threadpoolctl import ThreadpoolController

from skrf._blas import product

# Elements of one block: 8 MB in float64, within reach of the outer caches.
BLOCK_ELEMENTS = 2**20


def row_blocks(n_rows, elements_per_row, at_least=1):
    """Slices that cut `n_rows` rows into blocks of about `BLOCK_ELEMENTS` elements.

    A block has `at_least` so many rows, but for the last one: products with few rows are
    slow.
    """
    step = max(at_least, BLOCK_ELEMENTS // max(1, elements_per_row))
    return [slice(start, min(start + step, n_rows)) for start in range(0, n_rows, step)]


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


class _BlasThreads:
    """BLAS held to one thread of its own while any of our threads call it.

    The limit is one for the whole process, so that it is set by the first user, lifted by
    the last, and its number of threads is kept for those in between.
    """

    def __init__(self):
        self.lock = threading.Lock()
        self.controller = self.limit = None
        self.n_users = 0
        self.n_threads = 1

    def __enter__(self):
        with self.lock:
            if self.n_users == 0:
                if self.controller is None:
                    self.controller = ThreadpoolController().select(user_api="blas")
                libraries = self.controller.lib_controllers
                self.n_threads = max([lib.num_threads for lib in libraries], default=1)
                self.limit = self.controller.limit(limits=1)
            self.n_users += 1
            return self.n_threads

    def __exit__(self, *exception):
        with self.lock:
            self.n_users -= 1
            if self.n_users == 0:
                self.limit.restore_original_limits()


_BLAS_THREADS = _BlasThreads()


def in_threads(work, blocks):
    """Call work(blocks of one thread) in as many threads as BLAS would use; the results.

    Thread t of n takes blocks t, t + n, t + 2 n, ...: which block a thread works on does
    not depend on timing. That every thread has whole blocks to itself, with a BLAS of one
    thread, keeps them in its cache and spares the waits within each product.
    """
    with _BLAS_THREADS as n_threads:
        n_threads = min(n_threads, len(blocks))
        if n_threads <= 1:
            return [work(blocks)]
        with ThreadPoolExecutor(n_threads) as pool:
            return list(pool.map(work, [blocks[t::n_threads] for t in range(n_threads)]))
