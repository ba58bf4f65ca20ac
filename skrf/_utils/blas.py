"""Matrix products that accumulate into their result, without the interpreter lock.

NumPy cannot add a product to an array in place. SciPy's wrappers hold the interpreter
lock, so fits in several threads would wait for each other. The routines here are those of
SciPy's BLAS; compiled code calls them by address (`_compiled.sgd.product`). All products
of a computation should come from this file, because the threads of two BLAS libraries
compete for the cores.
"""

import ctypes

import numpy as np
from scipy.linalg import cython_blas


def _routine(name):
    """The address of a routine of SciPy's BLAS."""
    capsule = cython_blas.__pyx_capi__[name]
    get_name = ctypes.pythonapi.PyCapsule_GetName
    get_name.restype, get_name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    get_pointer = ctypes.pythonapi.PyCapsule_GetPointer
    get_pointer.restype = ctypes.c_void_p
    get_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    return get_pointer(capsule, get_name(capsule))


# For compiled code.
GEMM_ADDRESSES = {
    np.dtype(np.float32): _routine("sgemm"),
    np.dtype(np.float64): _routine("dgemm"),
}


def _callables(name, n_letters, n_pointers):
    """{dtype: the routine}, for routines that take letters, then pointers."""
    letters, pointers = [ctypes.c_char_p] * n_letters, [ctypes.c_void_p] * n_pointers
    signature = ctypes.CFUNCTYPE(None, *letters, *pointers)
    return {
        np.dtype(np.float32): signature(_routine("s" + name)),
        np.dtype(np.float64): signature(_routine("d" + name)),
    }


_GEMM, _SYRK, _TRSM = (
    _callables("gemm", 2, 11),
    _callables("syrk", 2, 8),
    _callables("trsm", 4, 7),
)
_REAL = {np.dtype(np.float32): ctypes.c_float, np.dtype(np.float64): ctypes.c_double}
_ONE = {dtype: real(1.0) for dtype, real in _REAL.items()}
# BLAS reads 64-bit integers or, as the numbers are small and little-endian, 32-bit ones.
_Sizes = ctypes.c_int64 * 6
# Rows that `mirror` copies at a time, to use little memory.
_MIRRORED = 128


def product(a, b, c, beta=0.0):
    """C <- a b + beta c in place, for 2-D arrays of one dtype, float32 or float64.

    `a`, `b` and `c` may be slices or transposes of C-ordered arrays; the rows of `c` must
    be contiguous.
    """
    gemm, real = _GEMM[c.dtype], _REAL[c.dtype]
    # Fortran sees transposes, so this is c' = b' a'.
    b, lead_b, trans_b = _as_fortran_sees(b)
    a, lead_a, trans_a = _as_fortran_sees(a)
    n_rows, n_columns = c.shape
    lead_c = max(c.strides[0] // c.itemsize, n_columns)
    sizes = _Sizes(n_columns, n_rows, a.shape[1], lead_b, lead_a, lead_c)
    at, beta = ctypes.addressof(sizes), real(beta)
    gemm(
        trans_b,
        trans_a,
        at,
        at + 8,
        at + 16,
        ctypes.addressof(_ONE[c.dtype]),
        b.ctypes.data,
        at + 24,
        a.ctypes.data,
        at + 32,
        ctypes.addressof(beta),
        c.ctypes.data,
        at + 40,
    )


def add_gram(a, c, beta=1.0):
    """C <- a' a + beta C in the lower triangle of C, for arrays as in `product`."""
    # Fortran sees transposes: the upper triangle of c' + a' (a')'.
    a, lead_a, trans_a = _as_fortran_sees(a)
    n_rows, n_columns = a.shape
    lead_c = max(c.strides[0] // c.itemsize, n_columns)
    sizes, beta = _Sizes(n_columns, n_rows, lead_a, lead_c), _REAL[c.dtype](beta)
    at, one = ctypes.addressof(sizes), ctypes.addressof(_ONE[c.dtype])
    _SYRK[c.dtype](
        b"U", trans_a, at, at + 8, one, a.ctypes.data, at + 16, ctypes.addressof(beta),
        c.ctypes.data, at + 24,
    )  # fmt: skip


def mirror(square):
    """Copy the lower triangle of a matrix to the upper one, in place."""
    for start in range(0, len(square), _MIRRORED):
        rows = slice(start, start + _MIRRORED)
        square[:start, rows] = square[rows, :start].T
        block = square[rows, rows]
        block[...] = np.tril(block) + np.tril(block, -1).T


def solve_rows(lower, b):
    """B <- B L^{-T} in place: L^{-1} applied to every row; all C-ordered, of one dtype."""
    n_rows, n_columns = b.shape
    sizes = _Sizes(n_columns, n_rows)
    at, one = ctypes.addressof(sizes), ctypes.addressof(_ONE[b.dtype])
    _TRSM[b.dtype](
        b"L", b"U", b"T", b"N", at, at + 8, one, lower.ctypes.data, at, b.ctypes.data, at
    )


def _as_fortran_sees(matrix):
    """(matrix, leading dimension, whether to transpose).

    The matrix is copied unless its rows or its columns are contiguous and in order. Rows
    of views may overlap or run backwards.
    """
    item = matrix.itemsize
    for view, letter in ((matrix, b"N"), (matrix.T, b"T")):
        (step, within), (n, length) = view.strides, view.shape
        if within == item and (n <= 1 or (step >= length * item and step % item == 0)):
            return matrix, step // item if n > 1 else max(1, length), letter
    return _as_fortran_sees(np.array(matrix, order="C"))
