"""Shared settings of the tests."""

import hypothesis
import numpy as np
import pytest

# Compilation makes first examples slow, and machines are shared: no deadline.
hypothesis.settings.register_profile("default", deadline=None, max_examples=60)
hypothesis.settings.load_profile("default")


@pytest.fixture
def rng():
    """A random generator with a fixed seed."""
    return np.random.default_rng(0)
