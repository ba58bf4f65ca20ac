"""Feature maps with random hidden weights: random features and linearised networks."""

from skrf.features._linearized import LinearizedNTKFeatures
from skrf.features._random import RandomFeatures, RandomReLUFeatures

__all__ = ["LinearizedNTKFeatures", "RandomFeatures", "RandomReLUFeatures"]
