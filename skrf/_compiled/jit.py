"""numba's `njit` with a disk cache that never raises.

numba stores compiled code next to the source, in the user's cache folder, or in
NUMBA_CACHE_DIR. Its own cache raises at import when no folder can be written, and during a
fit when the disk is full. `code_files` has the files.
"""

from collections.abc import Callable

import numba
from numba import types
from numba.core.caching import FunctionCache
from numba.core.ccallback import CFunc

from skrf._compiled.code_files import CodeFiles
from skrf._utils.warnings import warn

# Options of functions that only compiled functions call. They are part of their callers, so
# the machine code of a cached function does not depend on what a process compiled before:
# a linker takes the first of two copies, and they may round differently.
INNER = {
    "nogil": True,
    "no_cpython_wrapper": True,
    "no_cfunc_wrapper": True,
    "forceinline": True,
}

_warned = False


def njit(*, cache=False, **options):
    """`numba.njit(**options)`; with `cache`, a cache that may fail."""

    def decorate(function):
        dispatcher = numba.njit(**options)(function)
        # With NUMBA_DISABLE_JIT=1 the dispatcher is the function itself.
        if cache and dispatcher is not function:
            try:
                dispatcher._cache = _Cache(function)
            except (RuntimeError, OSError) as error:
                _warn(error)
        return dispatcher

    return decorate


class Callback:
    """A function that compiled code calls by its address; compiled when it is made.

    With NUMBA_DISABLE_JIT=1 the address is a number by which `function_at` finds it.
    """

    def __init__(self, function, arguments, fastmath):
        self.function = function
        if numba.config.DISABLE_JIT:
            self.address = id(function)
            _UNCOMPILED[self.address] = function
            return
        options = {"nopython": True, "fastmath": fastmath, "error_model": "numpy"}
        self._compiled = CFunc(
            function, (arguments, types.void), locals={}, options=options
        )
        try:
            self._compiled._cache = _Cache(function)
        except (RuntimeError, OSError) as error:
            _warn(error)
        self._compiled.compile()
        self.address = self._compiled.address


_UNCOMPILED: dict[int, Callable] = {}


def function_at(address):
    """The uncompiled function of a `Callback`."""
    return _UNCOMPILED[address]


class _Cache(FunctionCache):
    """Compile again what cannot be read, and do not store what cannot be written."""

    def __init__(self, function):
        super().__init__(function)
        self._cache_file = CodeFiles(self._cache_path, function)

    def load_overload(self, sig, target_context):
        """The compiled code of a signature, or None."""
        try:
            return super().load_overload(sig, target_context)
        except OSError as error:
            _warn(error)
        return None

    def save_overload(self, sig, data):
        """Store the compiled code of a signature."""
        try:
            super().save_overload(sig, data)
        except OSError as error:
            _warn(error)
        finally:
            self._cache_file.release()


def _warn(error):
    """Warn once per process that the cache does not work, and name the remedy."""
    global _warned
    if not _warned:
        _warned = True
        warn(
            f"Compiled code cannot be stored on disk ({error}), so every process compiles "
            "again, for about 15 s in its first fit. Set the environment variable "
            "NUMBA_CACHE_DIR to a folder that can be written.",
        )
