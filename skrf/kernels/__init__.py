r"""Kernels of infinitely wide networks, as pairwise functions.

For weights w with independent Gaussian entries of variance weight_scale^2 / n_features and
biases b of variance bias_scale^2, the pre-activations p = <w, x> + b and q = <w, y> + b are
a centred Gaussian pair. A kernel depends on the activation through its dual
E[act(p) act(q)] and the dual E[act'(p) act'(q)] of its derivative.

The functions take X and Y like the functions of `sklearn.metrics.pairwise`. They can be the
`kernel` of `SVC`, `KernelRidge` or `Nystroem`. `KernelRidge` and `Nystroem` call a function
once for each pair of rows, which is slow: pass a `WideNetworkKernel`, which they call once
for all pairs. Kernels are computed in float64; float32 data give a float32 matrix.
"""

from skrf._utils.faces import publish
from skrf.kernels._functions import (
    arc_cosine_kernel,
    neural_tangent_kernel,
    random_feature_kernel,
)
from skrf.kernels._wide_network_kernel import WideNetworkKernel

__all__ = [
    "WideNetworkKernel",
    "arc_cosine_kernel",
    "neural_tangent_kernel",
    "random_feature_kernel",
]

# The functions too: an SVC may have one of them as its `kernel`.
publish(__name__, WideNetworkKernel, arc_cosine_kernel)
publish(__name__, neural_tangent_kernel, random_feature_kernel)
