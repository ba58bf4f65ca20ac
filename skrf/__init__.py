"""Random features, linearised neural tangent features and over-parameterised networks
with one hidden layer, as scikit-learn estimators.

| what | names |
| --- | --- |
| random features | `RandomReLUFeatures`, `RandomFeatures`, `LinearizedNTKFeatures` |
| ridge regression on random features | `RandomFeatureRidge`, \
`RandomFeatureRidgeClassifier` |
| learned features, by ridge regression | `GradientOuterProduct` |
| networks trained by SGD | `OverparamNetRegressor`, `OverparamNetClassifier` |
| kernels of infinitely wide networks | the module `skrf.kernels` |
| exact Gaussian mathematics | the modules `skrf.gaussian` and `skrf.theory` |
| pictures | the module `skrf.displays` |
| target functions | `SingleNeuron`, `BoundedDegreePolynomial`, `TriangleWave` |
| data | `make_single_neuron`, `make_polynomial`, `make_polynomial_classification` |
| tables | `ACTIVATIONS`, `LOSSES` |
| bug reports | `show_versions` |
| compilation in advance | `warmup` |
"""

from pathlib import Path as _Path

from skrf._utils.installation import refuse_scikit_rf as _refuse_scikit_rf
from skrf._utils.installation import show_versions
from skrf._utils.version import __version__ as __version__

_refuse_scikit_rf(_Path(__file__).parent)

# scikit-learn before numba: importing SciPy triggers garbage collections, which numba's
# many objects slow down. The other order takes a tenth longer.
import sklearn.utils as _  # noqa: F401  # isort: split

from skrf._warmup import warmup
from skrf.activations import ACTIVATIONS
from skrf.datasets import (
    make_polynomial,
    make_polynomial_classification,
    make_single_neuron,
)
from skrf.features import LinearizedNTKFeatures, RandomFeatures, RandomReLUFeatures
from skrf.losses import LOSSES
from skrf.networks import OverparamNetClassifier, OverparamNetRegressor
from skrf.ridge import (
    GradientOuterProduct,
    RandomFeatureRidge,
    RandomFeatureRidgeClassifier,
)
from skrf.targets import BoundedDegreePolynomial, SingleNeuron, TriangleWave

__all__ = [
    "ACTIVATIONS",
    "LOSSES",
    "BoundedDegreePolynomial",
    "GradientOuterProduct",
    "LinearizedNTKFeatures",
    "OverparamNetClassifier",
    "OverparamNetRegressor",
    "RandomFeatureRidge",
    "RandomFeatureRidgeClassifier",
    "RandomFeatures",
    "RandomReLUFeatures",
    "SingleNeuron",
    "TriangleWave",
    "make_polynomial",
    "make_polynomial_classification",
    "make_single_neuron",
    "show_versions",
    "warmup",
]
