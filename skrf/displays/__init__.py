"""Displays of results, like scikit-learn's Display classes.

Drawing needs matplotlib, which the extra "examples" installs.
"""

from skrf._utils.faces import publish
from skrf.displays._gradient_outer_product import GradientOuterProductDisplay
from skrf.displays._theory_curves import (
    ErrorFloorDisplay,
    FeaturesNeededDisplay,
    LazinessDisplay,
    SpectrumDisplay,
)
from skrf.displays._width_path import WidthPathDisplay

__all__ = [
    "ErrorFloorDisplay",
    "FeaturesNeededDisplay",
    "GradientOuterProductDisplay",
    "LazinessDisplay",
    "SpectrumDisplay",
    "WidthPathDisplay",
]

publish(__name__, GradientOuterProductDisplay, WidthPathDisplay)
publish(__name__, ErrorFloorDisplay, FeaturesNeededDisplay)
publish(__name__, LazinessDisplay, SpectrumDisplay)
