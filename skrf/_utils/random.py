"""Seeds, and independent random streams of one seed."""

import numpy as np
from sklearn.utils import check_random_state


def draw_seed(random_state):
    """An integer that determines all later draws; the same for the same integer seed."""
    return int(check_random_state(random_state).randint(np.iinfo(np.int32).max))


def random_stream(seed, purpose):
    """A generator with a spawn key, as NumPy pads seeds: (s, 0) is the same seed as s."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(purpose,)))
