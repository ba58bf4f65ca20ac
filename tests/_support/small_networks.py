"""Networks that are fitted in a moment, and how they are compared."""

import numpy as np

from skrf import OverparamNetClassifier, OverparamNetRegressor

BOTH = [OverparamNetRegressor, OverparamNetClassifier]


def plain(Network=OverparamNetRegressor, width=20, **parameters):
    """A network that runs all its epochs, so that results can be compared."""
    defaults = {"max_iter": 3, "tol": None, "random_state": 0}
    return Network(width, **{**defaults, **parameters})


def initial(net):
    """The initial weights of a fitted network, by their names in reference.py."""
    W, b, u, c = net.initial_weights()
    return {"W": W, "b": b, "U": np.atleast_2d(u), "c": np.atleast_1d(c)}


def assert_same_weights(one, other, tolerance=0.0):
    for name in ("hidden_weights_", "hidden_biases_", "output_weights_", "output_bias_"):
        np.testing.assert_allclose(
            getattr(one, name), getattr(other, name), rtol=tolerance, atol=tolerance
        )
