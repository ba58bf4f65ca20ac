"""Feature maps with random hidden weights: random features and linearised networks."""

from skrf._utils.faces import publish
from skrf.features._linearized import LinearizedNTKFeatures
from skrf.features._projections import Dense as _Dense
from skrf.features._projections import Structured as _Structured
from skrf.features._random import RandomFeatures, RandomReLUFeatures

__all__ = ["LinearizedNTKFeatures", "RandomFeatures", "RandomReLUFeatures"]

# Fitted transformers hold them: pickles look them up here, by their qualified names.
_Dense.__qualname__, _Structured.__qualname__ = "_Dense", "_Structured"
publish(__name__, LinearizedNTKFeatures, RandomFeatures, RandomReLUFeatures)
publish(__name__, _Dense, _Structured)
