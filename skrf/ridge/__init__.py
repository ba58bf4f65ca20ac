"""Ridge regression and classification on any number of features and rows."""

from skrf.ridge._estimators import RandomFeatureRidge, RandomFeatureRidgeClassifier
from skrf.ridge._width_path import WidthPath

__all__ = ["RandomFeatureRidge", "RandomFeatureRidgeClassifier", "WidthPath"]
