"""Ridge regression and classification on any number of features and rows."""

from skrf._utils.faces import publish
from skrf.ridge._classifier import RandomFeatureRidgeClassifier
from skrf.ridge._fitted import FittedValues as _FittedValues
from skrf.ridge._gradient_outer_product import GradientOuterProduct
from skrf.ridge._held_out import Scoring as _Scoring
from skrf.ridge._moments import Moments as _Moments
from skrf.ridge._problem import RidgeProblem as _RidgeProblem
from skrf.ridge._regressor import RandomFeatureRidge
from skrf.ridge._streams import Stream as _Stream
from skrf.ridge._targets import LabelTargets as _LabelTargets
from skrf.ridge._targets import NumberTargets as _NumberTargets
from skrf.ridge._temperature import Temperature as _Temperature
from skrf.ridge._width_path import WidthPath

__all__ = [
    "GradientOuterProduct",
    "RandomFeatureRidge",
    "RandomFeatureRidgeClassifier",
    "WidthPath",
]

# Pickles name a class by its module and name, which stay when files move.
_IN_PICKLES = (
    _FittedValues,
    _LabelTargets,
    _Moments,
    _NumberTargets,
    _RidgeProblem,
    _Scoring,
    _Stream,
    _Temperature,
)
for _cls in _IN_PICKLES:
    _cls.__qualname__ = f"_{_cls.__name__}"
publish(
    "skrf.ridge",
    GradientOuterProduct,
    RandomFeatureRidge,
    RandomFeatureRidgeClassifier,
    WidthPath,
)
publish("skrf.ridge", *_IN_PICKLES)
