"""numba's `njit` with a cache whose faults cost time and nothing else.

numba keeps compiled code beside the source, or in the user's cache folder, or where
NUMBA_CACHE_DIR says. On its own it raises when none of them can be written, at import; when
the disk is full, in the middle of a fit; and when a file was torn by a crash, for ever.
"""

import pickle
from pathlib import Path

import numba
from numba.core.caching import FunctionCache, IndexDataCacheFile

from skrf._utils.warnings import warn

_warned = False


def njit(*, cache=False, **options):
    """`numba.njit(...)` as a decorator with options; `cache` is one that may fail."""

    def decorate(function):
        dispatcher = numba.njit(**options)(function)
        # With NUMBA_DISABLE_JIT=1 it is the function itself.
        if cache and dispatcher is not function:
            try:
                dispatcher._cache = _Cache(function)
            except RuntimeError as error:
                _warn(error)
        return dispatcher

    return decorate


class _Cache(FunctionCache):
    """What cannot be read is compiled again, and what cannot be written is not kept.

    numba's own does not notice edits in files whose functions are called. The files of
    this folder call each other: an edit in one of them outdates them all.
    """

    def __init__(self, function):
        super().__init__(function)
        own = Path(function.__code__.co_filename)
        if own.parent == Path(__file__).parent:
            files = {file.name: file.stat() for file in sorted(own.parent.glob("*.py"))}
            stamp = tuple((name, f.st_mtime, f.st_size) for name, f in files.items())
            base = self._impl.filename_base
            self._cache_file = IndexDataCacheFile(self._cache_path, base, stamp)

    def load_overload(self, sig, target_context):
        """The compiled code of a signature, or None."""
        try:
            return super().load_overload(sig, target_context)
        except OSError as error:
            _warn(error)
        except (EOFError, pickle.UnpicklingError):
            # A file torn by a crash: with an empty index it will be written again.
            self._or_warn(self.flush)
        return None

    def save_overload(self, sig, data):
        """Keep the compiled code of a signature."""
        self._or_warn(super().save_overload, sig, data)

    @staticmethod
    def _or_warn(write, *arguments):
        try:
            write(*arguments)
        except OSError as error:
            _warn(error)


def _warn(error):
    """Say once per process that the cache does not work, and what to do."""
    global _warned
    if not _warned:
        _warned = True
        warn(
            f"Compiled code cannot be kept on disk ({error}), so that every process "
            "compiles anew, for some fifteen seconds in its first fit. Set the environment "
            "variable NUMBA_CACHE_DIR to a folder that can be written.",
        )
