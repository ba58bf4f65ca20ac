"""Exact expectations of ReLU neurons under Gaussian inputs, without sampling.

All functions assume x ~ N(0, I) and neurons relu(<w, x> + b) with any weights and biases.
They take arrays and compute in float64.

| question | functions |
| --- | --- |
| moments of neurons, their derivatives and gradients | `relu_mean`, `relu_gram`, \
`step_gram`, \
`step_relu_gram`, `step_x_relu`, `tangent_gram`, `tangent_relu_products` |
| degrees of an activation | `hermite_coefficients`, `degree_energies` |
| error of a network on a neuron, Eqs. (2) and (7) | `population_risk`, \
`population_risk_gradient` |
| minimum error of fixed features, Theorems 4.2 and 4.8 | `best_error`, \
`best_tangent_error`, `min_weight` |
| laziness of a trained network, Section 2 | `flip_probability`, `coupling_gap`, \
`feature_gap`, `linearization_gap` |
"""

from skrf._utils.faces import publish
from skrf.gaussian._best_error import BestError, best_error, best_tangent_error
from skrf.gaussian._gaps import (
    coupling_gap,
    feature_gap,
    flip_probability,
    linearization_gap,
)
from skrf.gaussian._grams import (
    relu_gram,
    relu_mean,
    step_gram,
    step_relu_gram,
    step_x_relu,
    tangent_gram,
    tangent_relu_products,
)
from skrf.gaussian._hermite import degree_energies, hermite_coefficients
from skrf.gaussian._min_weight import MinWeight, min_weight
from skrf.gaussian._population_risk import (
    PopulationRisk,
    population_risk,
    population_risk_gradient,
)

__all__ = [
    "BestError",
    "MinWeight",
    "PopulationRisk",
    "best_error",
    "best_tangent_error",
    "coupling_gap",
    "degree_energies",
    "feature_gap",
    "flip_probability",
    "hermite_coefficients",
    "linearization_gap",
    "min_weight",
    "population_risk",
    "population_risk_gradient",
    "relu_gram",
    "relu_mean",
    "step_gram",
    "step_relu_gram",
    "step_x_relu",
    "tangent_gram",
    "tangent_relu_products",
]

publish(__name__, BestError, MinWeight, PopulationRisk)
