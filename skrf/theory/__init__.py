"""Numerical checks of the statements of Yehudai and Shamir (2019).

Each statement has one function. It returns a `Report` that prints the paper's claim, its
correction where a constant is wrong, and the measurement. `reproduce` runs all functions.

| statement | function |
| --- | --- |
| Eqs. (2) and (7), risk of a network | `equation_2`, `exact_risk` |
| Section 2, lazy training | `section_2` |
| Theorem 3.1, polynomials by SGD | `theorem_3_1` |
| Section 4, one neuron by gradient descent | `one_neuron` |
| Proposition 4.1, linear features | `proposition_4_1` |
| Theorem 4.2, Example 4.3, random features | `theorem_4_2` |
| Remark 4.4, distributions of the weights | `remark_4_4` |
| Proposition 4.6, the wave psi | `proposition_4_6`, `wave_relu_correlations` |
| Remark 4.7, norm of the target | `remark_4_7` |
| Theorem 4.8, Example 4.9, features of any kind | `theorem_4_8` |
| features of learned directions, below these lower bounds | `learned_directions` |
| lower bounds behind Theorems 4.2 and 4.8 | `error_floor`, `features_needed`, \
`failure_probability`, `neuron_spectrum`, `weight_certificate` |

All errors are relative, E(N - g)^2 / E g^2, unless stated otherwise. Relative errors do not
change when the target is scaled.
"""

from skrf._utils.faces import publish
from skrf.gaussian._spectrum import NeuronSpectrum
from skrf.theory._floors import (
    error_floor,
    failure_probability,
    features_needed,
    neuron_spectrum,
)
from skrf.theory._learned_directions import learned_directions
from skrf.theory._learning import one_neuron, section_2, theorem_3_1
from skrf.theory._limits import (
    proposition_4_1,
    remark_4_4,
    theorem_4_2,
    theorem_4_8,
)
from skrf.theory._report import Report, Row
from skrf.theory._reproduce import reproduce
from skrf.theory._risk import equation_2, exact_risk
from skrf.theory._wave import WeightCertificate, weight_certificate
from skrf.theory._wave_statements import proposition_4_6, remark_4_7, wave_relu_correlations

__all__ = [
    "NeuronSpectrum",
    "Report",
    "Row",
    "WeightCertificate",
    "equation_2",
    "error_floor",
    "exact_risk",
    "failure_probability",
    "features_needed",
    "learned_directions",
    "neuron_spectrum",
    "one_neuron",
    "proposition_4_1",
    "proposition_4_6",
    "remark_4_4",
    "remark_4_7",
    "reproduce",
    "section_2",
    "theorem_3_1",
    "theorem_4_2",
    "theorem_4_8",
    "wave_relu_correlations",
    "weight_certificate",
]

publish(__name__, NeuronSpectrum, Report, Row, WeightCertificate)
