"""Target functions that are easy for some ways of learning and hard for others."""

from skrf._utils.faces import publish
from skrf.targets._polynomial import BoundedDegreePolynomial
from skrf.targets._single_neuron import SingleNeuron
from skrf.targets._triangle_wave import TriangleWave

__all__ = ["BoundedDegreePolynomial", "SingleNeuron", "TriangleWave"]

publish(__name__, BoundedDegreePolynomial, SingleNeuron, TriangleWave)
