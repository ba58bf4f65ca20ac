"""Activations: each is compiled on its own and called by its address, as BLAS is.

So a program compiles the activations that it uses and no other, and no function that calls
an activation is compiled again for another one. `KERNELS` has the activations by name.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
from llvmlite import ir
from numba import carray, types
from numba.extending import intrinsic, overload

from skrf._compiled import elementary
from skrf._compiled.jit import Callback, function_at, njit

# NaN and infinity must survive (divergence is noticed by them), so no "nnan", no "ninf".
FASTMATH = {"reassoc", "contract", "nsz", "arcp"}
# The derivative of leaky_relu at negative arguments.
LEAK = 0.01

# By name. A kernel computes value = act(z) and slope = act'(z); its arguments are three
# pointers to n > 0 floats of one dtype, which do not overlap, and n. The derivative at a
# kink is the one on the left (0 for relu), as in the paper's indicator 1(z > 0); abs takes
# 0 there. NaN in z is NaN in value.
KERNELS: dict[str, Callable] = {}


def _kernel(name):
    def add(function):
        KERNELS[name] = function
        return function

    return add


@cache
def address(name, dtype):
    """The address of an activation, compiled for arrays of a dtype."""
    real = types.float32 if dtype == np.float32 else types.float64
    pointer = types.CPointer(real)
    arguments = pointer, pointer, pointer, types.intp
    return Callback(KERNELS[name], arguments, FASTMATH).address


def _arrays(z, value, slope, n):
    """The three arrays of n floats behind three pointers."""
    return z[:n], value[:n], slope[:n]


@overload(_arrays)
def _arrays_behind(z, value, slope, n):
    return lambda z, value, slope, n: (carray(z, n), carray(value, n), carray(slope, n))


@intrinsic
def _call(typing, kernel, z, value, slope):
    """Call the function at the address `kernel` for contiguous 1-D arrays."""

    def generate(context, builder, signature, arguments):
        arrays = [
            context.make_array(kind)(context, builder, argument)
            for kind, argument in zip(signature.args[1:], arguments[1:], strict=True)
        ]
        pointers = [array.data for array in arrays]
        n = builder.extract_value(arrays[0].shape, 0)
        function = ir.FunctionType(ir.VoidType(), [p.type for p in pointers] + [n.type])
        at = builder.inttoptr(arguments[0], function.as_pointer())
        builder.call(at, [*pointers, n])
        return context.get_dummy_value()

    return types.void(kernel, z, value, slope), generate


def activate(kernel, z, value, slope):
    """value = act(z) and slope = act'(z) by the activation at the address `kernel`.

    For contiguous 1-D arrays with at least one entry, which do not overlap.
    """
    function_at(kernel)(z, value, slope, len(z))


@overload(activate)
def _activate(kernel, z, value, slope):
    return lambda kernel, z, value, slope: _call(kernel, z, value, slope)


@njit(cache=True, nogil=True, no_cfunc_wrapper=True)
def evaluate(kernel, z, value, slope):
    """`activate` for callers in Python."""
    activate(kernel, z, value, slope)


@_kernel("relu")
def _relu(z, value, slope, n):
    z, value, slope = _arrays(z, value, slope, n)
    zero, one = z.dtype.type(0), z.dtype.type(1)
    for i in range(n):
        value[i] = zero if z[i] < zero else z[i]
        slope[i] = one if z[i] > zero else zero


@_kernel("step")
def _step(z, value, slope, n):
    z, value, slope = _arrays(z, value, slope, n)
    zero, one = z.dtype.type(0), z.dtype.type(1)
    for i in range(n):
        value[i] = one if z[i] > zero else (zero if z[i] == z[i] else z[i])
        slope[i] = zero


@_kernel("leaky_relu")
def _leaky_relu(z, value, slope, n):
    z, value, slope = _arrays(z, value, slope, n)
    zero, one, leak = z.dtype.type(0), z.dtype.type(1), z.dtype.type(LEAK)
    for i in range(n):
        slope[i] = one if z[i] > zero else leak
        value[i] = z[i] * slope[i]


@_kernel("abs")
def _absolute_value(z, value, slope, n):
    z, value, slope = _arrays(z, value, slope, n)
    zero, one = z.dtype.type(0), z.dtype.type(1)
    for i in range(n):
        value[i] = abs(z[i])
        slope[i] = one if z[i] > zero else (-one if z[i] < zero else zero)


@_kernel("squared_relu")
def _squared_relu(z, value, slope, n):
    z, value, slope = _arrays(z, value, slope, n)
    zero, two = z.dtype.type(0), z.dtype.type(2)
    for i in range(n):
        positive = zero if z[i] < zero else z[i]
        value[i] = positive * positive
        slope[i] = two * positive


@_kernel("softplus")
def _softplus(z, value, slope, n):
    z, value, slope = _arrays(z, value, slope, n)
    for i in range(n):
        value[i], slope[i] = elementary.softplus(z[i])


@_kernel("silu")
def _silu(z, value, slope, n):
    z, value, slope = _arrays(z, value, slope, n)
    for i in range(n):
        sigma, bend = elementary.logistic(z[i])
        value[i] = z[i] * sigma
        slope[i] = sigma + z[i] * bend


@_kernel("gelu")
def _gelu(z, value, slope, n):
    z, value, slope = _arrays(z, value, slope, n)
    for i in range(n):
        value[i], slope[i] = elementary.gelu(z[i])


@_kernel("tanh")
def _tanh(z, value, slope, n):
    z, value, slope = _arrays(z, value, slope, n)
    for i in range(n):
        value[i], slope[i] = elementary.tanh(z[i])


@_kernel("sigmoid")
def _sigmoid(z, value, slope, n):
    z, value, slope = _arrays(z, value, slope, n)
    for i in range(n):
        value[i], slope[i] = elementary.logistic(z[i])


@_kernel("erf")
def _erf(z, value, slope, n):
    z, value, slope = _arrays(z, value, slope, n)
    for i in range(n):
        value[i], slope[i] = elementary.erf(z[i])


@_kernel("sin")
def _sin(z, value, slope, n):
    z, value, slope = _arrays(z, value, slope, n)
    elementary.sines(z, value, slope)


@_kernel("cos")
def _cos(z, value, slope, n):
    z, value, slope = _arrays(z, value, slope, n)
    elementary.sines(z, slope, value)
    for i in range(n):
        slope[i] = -slope[i]


@_kernel("identity")
def _identity(z, value, slope, n):
    z, value, slope = _arrays(z, value, slope, n)
    one = z.dtype.type(1)
    for i in range(n):
        value[i] = z[i]
        slope[i] = one
