"""Shared settings of the tests."""

import os
import signal
from contextlib import contextmanager

# Read once, when NumPy is imported. The arrays of the tests are small: the threads of BLAS
# would mostly wait for each other. Tests of threads set their own number.
for variable in ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import hypothesis
import numpy as np
import pytest

from skrf import make_single_neuron

# Compilation makes first examples slow, and machines are shared: no deadline.
hypothesis.settings.register_profile("default", deadline=None, max_examples=60)
hypothesis.settings.load_profile("default")

# Jobs in the background of a shell begin with Ctrl-C ignored, which tests send.
signal.signal(signal.SIGINT, signal.default_int_handler)


# Files that start threads and processes, send signals or measure memory.
ALONE = {
    *("test_blas.py", "test_blocks.py", "test_interrupts.py", "test_dask.py"),
    *("test_concurrency.py", "test_determinism.py", "test_memory.py"),
}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """One worker of pytest-xdist runs a file, and one runs all files of ALONE."""
    if config.getoption("dist") != "load":  # another way was asked for
        return None
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file = nodeid.partition("::")[0]
            return "alone" if file.rpartition("/")[2] in ALONE else file

    return ByFile(config, log)


@pytest.fixture
def rng():
    """A random generator with a fixed seed."""
    return np.random.default_rng(0)


@pytest.fixture
def neuron():
    """Rows and targets of one neuron in four dimensions."""
    return make_single_neuron(200, 4, bias=-0.3, random_state=0)


@pytest.fixture
def full_disk():
    """A context in which no file grows beyond some bytes, as on a full disk."""
    resource = pytest.importorskip("resource", reason="needs POSIX resource limits")

    @contextmanager
    def limited(n_bytes=0):
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, limits[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    return limited
