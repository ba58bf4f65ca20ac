"""Feature maps with random hidden weights: random features and linearised networks."""

from skrf.features._random import (
    LinearizedNTKFeatures,
    RandomFeatures,
    RandomReLUFeatures,
)

__all__ = ["LinearizedNTKFeatures", "RandomFeatures", "RandomReLUFeatures"]
