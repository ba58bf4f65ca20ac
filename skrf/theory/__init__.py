"""Numerical checks of the statements of Yehudai and Shamir (2019).

Each statement has one function. It returns a `Report` that prints the paper's claim, the
regime, what holds in its place where the claim is wrong, and the measurement. `reproduce`
runs all functions.

| statement | function |
| --- | --- |
| Eqs. (2) and (7), risk of a network | `equation_2`, `exact_risk` |
| Section 2, lazy training | `section_2` |
| Theorem 3.1, polynomials by SGD | `theorem_3_1` |
| Section 4, one neuron by gradient descent | `one_neuron` |
| Proposition 4.1, linear features | `proposition_4_1` |
| Theorem 4.2 (informally 1.2), features f(W x) | `theorem_4_2`, `theorem_constant` |
| its printed proof, Eqs. (4) to (7) | `proof_of_theorem_4_2`, `weight_certificate` |
| Example 4.3, random features | `example_4_3` |
| Remark 4.4, distributions of the weights | `remark_4_4` |
| Remark 4.5, no condition on the coefficients | `remark_4_5` |
| Proposition 4.6, the wave psi | `proposition_4_6`, `wave_relu_correlations` |
| Remark 4.7, norm of the target | `remark_4_7` |
| Theorem 4.8 (informally 1.1), features of any kind | `theorem_4_8` |
| Example 4.9 and Eq. (8), linearised networks | `example_4_9` |
| lower bounds behind Theorems 4.2 and 4.8 | `weight_floor`, `error_floor`, \
`features_needed`, `failure_probability`, `neuron_spectrum` |
| features of learned directions, below these lower bounds | `learned_directions` |

Statements of later papers, by the same computations:

| paper | function |
| --- | --- |
| Ghorbani et al. (2019), polynomial degrees | `staircase` |
| Daniely and Malach (2020), parities | `parities` |
| Malach et al. (2021), edge of the tangent kernel | `tangent_kernel_edge` |
| Wu and Long (2022), smooth neurons | `smooth_neurons` |

"Printed" refers to the main text of arXiv:1904.00687 in the version whose Theorem 4.8 has
the probability 1 - r exp(-c d), and whose acknowledgements thank Yuanzhi Li. Its appendices
A, B and C, with the formal statement of Theorem 3.1 and some proofs, are not covered. Other
versions may differ.

All errors are relative, E(N - g)^2 / E g^2, unless stated otherwise. Relative errors do not
change when the target is scaled.
"""

from skrf._utils.faces import publish
from skrf.gaussian._spectrum import NeuronSpectrum
from skrf.theory._cube import theorem_3_1
from skrf.theory._distributions import remark_4_4
from skrf.theory._examples import example_4_3, example_4_9
from skrf.theory._floors import (
    error_floor,
    failure_probability,
    features_needed,
    neuron_spectrum,
)
from skrf.theory._follow_ups import smooth_neurons, staircase, tangent_kernel_edge
from skrf.theory._learned_directions import learned_directions
from skrf.theory._learning import one_neuron, section_2
from skrf.theory._limits import remark_4_5, theorem_4_2, theorem_4_8
from skrf.theory._linear import proposition_4_1
from skrf.theory._norms import remark_4_7
from skrf.theory._parities import parities
from skrf.theory._report import Report, Row
from skrf.theory._reproduce import reproduce
from skrf.theory._risk import equation_2, exact_risk
from skrf.theory._wave import WeightCertificate, weight_certificate
from skrf.theory._wave_statements import (
    proof_of_theorem_4_2,
    proposition_4_6,
    wave_relu_correlations,
)
from skrf.theory._weights import theorem_constant, weight_floor

__all__ = [
    "NeuronSpectrum",
    "Report",
    "Row",
    "WeightCertificate",
    "equation_2",
    "error_floor",
    "exact_risk",
    "example_4_3",
    "example_4_9",
    "failure_probability",
    "features_needed",
    "learned_directions",
    "neuron_spectrum",
    "one_neuron",
    "parities",
    "proof_of_theorem_4_2",
    "proposition_4_1",
    "proposition_4_6",
    "remark_4_4",
    "remark_4_5",
    "remark_4_7",
    "reproduce",
    "section_2",
    "smooth_neurons",
    "staircase",
    "tangent_kernel_edge",
    "theorem_3_1",
    "theorem_4_2",
    "theorem_4_8",
    "theorem_constant",
    "wave_relu_correlations",
    "weight_certificate",
    "weight_floor",
]

publish(__name__, NeuronSpectrum, Report, Row, WeightCertificate)
