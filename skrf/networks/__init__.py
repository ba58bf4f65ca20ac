"""Over-parameterised one-hidden-layer networks trained by stochastic gradient descent."""

from skrf._utils.faces import publish
from skrf.networks._estimators import OverparamNetClassifier, OverparamNetRegressor
from skrf.networks._laziness import Laziness

__all__ = ["Laziness", "OverparamNetClassifier", "OverparamNetRegressor"]
publish(__name__, Laziness, OverparamNetClassifier, OverparamNetRegressor)
