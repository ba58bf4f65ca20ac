"""Matrix products in compiled code, by the address of a BLAS routine."""

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from skrf._compiled.jit import INNER, njit

# Characters that tell BLAS whether a matrix is transposed.
_PLAIN, _TRANSPOSED = ord("N"), ord("T")


@intrinsic
def _call_gemm(typing, gemm, flags, sizes, scalars, a, b, c):
    """Call the routine at the address `gemm` in Fortran's manner: everything by pointer."""

    def generate(context, builder, signature, arguments):
        pointer = ir.IntType(8).as_pointer()

        def data(k):
            array = context.make_array(signature.args[k])(context, builder, arguments[k])
            return builder.bitcast(array.data, pointer)

        def item(k, index, size):
            return builder.gep(data(k), [ir.Constant(ir.IntType(64), index * size)])

        one, beta = (item(3, i, signature.args[3].dtype.bitwidth // 8) for i in range(2))
        m, n, k, lead_a, lead_b, lead_c = (item(2, i, 8) for i in range(6))
        given = [item(1, 0, 1), item(1, 1, 1), m, n, k, one, data(4), lead_a]
        given += [data(5), lead_b, beta, data(6), lead_c]
        routine = ir.FunctionType(ir.VoidType(), [pointer] * len(given)).as_pointer()
        builder.call(builder.inttoptr(arguments[0], routine), given)
        return context.get_dummy_value()

    return types.void(gemm, flags, sizes, scalars, a, b, c), generate


@njit(**INNER)
def _layout(matrix):
    """(whether Fortran has to transpose the matrix, its leading dimension)."""
    item = matrix.itemsize
    if matrix.strides[1] == item:
        return _PLAIN, max(matrix.strides[0] // item, matrix.shape[1])
    return _TRANSPOSED, max(matrix.strides[1] // item, matrix.shape[0])


def product(gemm, a, b, c, beta):
    """C <- a b + beta c in place, by the BLAS routine at the address `gemm`.

    For C-ordered arrays, their row slices and their transposes; c is not transposed.
    """
    c[...] = a @ b + beta * c if beta else a @ b


@overload(product)
def _product(gemm, a, b, c, beta):
    # Fortran sees transposes: it is asked for c' = b' a'.
    def product(gemm, a, b, c, beta):
        flags, sizes = np.empty(2, np.uint8), np.empty(6, np.int64)
        scalars = np.empty(2, c.dtype)
        scalars[0], scalars[1] = 1, beta
        sizes[0], sizes[1], sizes[2] = c.shape[1], c.shape[0], a.shape[1]
        flags[0], sizes[3] = _layout(b)
        flags[1], sizes[4] = _layout(a)
        sizes[5] = max(c.strides[0] // c.itemsize, c.shape[1])
        _call_gemm(gemm, flags, sizes, scalars, b, a, c)

    return product
