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


def pytest_configure(config):
    """With pytest-xdist, keep the groups of the tests together, as `--dist loadgroup`."""
    if getattr(config.option, "dist", "no") == "load":
        config.option.dist = "loadgroup"


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
