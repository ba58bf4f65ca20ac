"""Files of compiled code: one for each function, signature, processor and source.

The name of a file has two hashes. The first hash is that of the source: the file of the
function, and all files of this folder, whose functions the function may call. So a copy of
the package finds the code that was compiled for the original, whatever the dates of its
files. The second hash is that of the signature, the processor and the versions of the
libraries. A file starts with the checksum of its name and of the rest, because damaged
machine code, or the code of another function, would crash the process.

numba's own files have an index with the date or the hash of one source file, and no
checksum. Two processes that write an index at the same time can exchange their code.
"""

import os
import pickle
import sys
import time
import uuid
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import llvmlite
import numpy as np
from numba import __version__ as numba_version
from numba.core.serialize import dumps

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_FOLDER = Path(__file__).parent
_CHECKSUM_BYTES = 32
_ANY_HASH = "[0-9a-f]" * 16
_VERSIONS = sys.version, numba_version, llvmlite.__version__, np.__version__
# Seconds to wait for another process that compiles the same function, and between checks.
_PATIENCE, _PAUSE = 60.0, 0.05


def _hash(path):
    return path.name.encode() + sha256(path.read_bytes()).digest()


# Read when functions are imported, not when they are compiled: files may change in between.
_FOLDER_HASH = b"".join(map(_hash, sorted(_FOLDER.glob("*.py"))))


def _source_hash(file):
    return sha256(_FOLDER_HASH + _hash(Path(file))).hexdigest()[:16]


class CodeFiles:
    """The files of a function: `load` and `save` as numba's `IndexDataCacheFile` has them.

    The first process that misses a file locks the file until the code is stored. Other
    processes wait for the code instead of compiling, too.
    """

    def __init__(self, folder, function):
        self._folder = Path(folder)
        self._prefix = f"{function.__module__.rpartition('.')[2]}.{function.__qualname__}."
        self._prefix = self._prefix.replace("<", "").replace(">", "")
        self._source = _source_hash(function.__code__.co_filename)
        self._lock = None

    def path(self, key):
        """The path of the code with a key, a tuple of texts and types of arguments."""
        signature = sha256(repr((key, _VERSIONS)).encode()).hexdigest()[:16]
        return self._folder / f"{self._prefix}{self._source}.{signature}.nbc"

    def load(self, key):
        """The code with a key; None if it is absent or damaged."""
        path = self.path(key)
        self.release()
        data = _read(path)
        if data is None:
            self._lock = _FileLock(path.with_suffix(".lock"))
            data = _read(path)
            if data is not None:
                self.release()
        return data

    def save(self, key, data):
        """Write the code with a key, and delete the code of other sources."""
        path, pickled = self.path(key), dumps(data)
        for old in self._folder.glob(f"{self._prefix}{_ANY_HASH}.{_ANY_HASH}.nbc"):
            if not old.name.startswith(f"{self._prefix}{self._source}."):
                old.unlink(missing_ok=True)
        temporary = path.with_suffix(f".{uuid.uuid4().hex[:16]}")
        try:
            temporary.write_bytes(_checksum(path, pickled) + pickled)
            temporary.replace(path)
        except OSError:
            with suppress(OSError):
                temporary.unlink()
            raise

    def release(self):
        """Let other processes compile."""
        if self._lock is not None:
            self._lock.release()
            self._lock = None


def _read(path):
    """The object in a file; None if the file is absent or damaged."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    checksum, pickled = content[:_CHECKSUM_BYTES], content[_CHECKSUM_BYTES:]
    return pickle.loads(pickled) if _checksum(path, pickled) == checksum else None


def _checksum(path, pickled):
    return sha256(path.name.encode() + pickled).digest()


class _FileLock:
    """A lock between processes, which ends with its process; none where files have none.

    The lock saves time only. After `_PATIENCE` seconds a process goes on without the lock.
    """

    def __init__(self, path):
        self._path, self._file = path, None
        if fcntl is None:
            return
        # Errors: a folder that cannot be written, or a file system without locks.
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(path, os.O_RDWR | os.O_CREAT)
            try:
                self._file = file if _locked(file) else None
            finally:
                if self._file is None:
                    os.close(file)

    def release(self):
        if self._file is not None:
            with suppress(OSError):
                self._path.unlink(missing_ok=True)
            # A forked process has the file open, too, so closing would not unlock.
            fcntl.flock(self._file, fcntl.LOCK_UN)
            os.close(self._file)
            self._file = None


def _locked(file):
    """Lock a file; False if another process holds the lock for too long."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(_PAUSE)
    return False
