"""Over-parameterised one-hidden-layer networks trained by stochastic gradient descent."""

from skrf.networks._estimators import OverparamNetClassifier, OverparamNetRegressor
from skrf.networks._laziness import Laziness

__all__ = ["Laziness", "OverparamNetClassifier", "OverparamNetRegressor"]
