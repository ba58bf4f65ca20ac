"""What a network refuses before any work, beyond what single parameters say."""

import numpy as np
from sklearn.base import is_classifier

from skrf.activations import ACTIVATIONS


def can_stream(network):
    """Whether a network has a `partial_fit`; the AttributeError says why not."""
    if network.early_stopping:
        raise AttributeError(
            "early_stopping=True needs a validation set, so there is no partial_fit. Set "
            "early_stopping=False, or call fit."
        )
    return True


def check_parameters(network, resume):
    """Raise for parameters that exclude each other, or the fitted weights."""
    if network.train != "output" and not ACTIVATIONS[network.activation].has_slope:
        raise ValueError(
            f"activation={network.activation!r} has derivative 0 almost everywhere, so "
            f"train={network.train!r} cannot train the hidden layer. Use another "
            'activation, or train="output".'
        )
    if network.symmetric_init and network.width % 2:
        raise ValueError(
            f"symmetric_init=True pairs the neurons; got the odd width={network.width}. "
            "Use an even width."
        )
    if resume and len(network.hidden_biases_) != network.width:
        raise ValueError(
            f"width={network.width} differs from the {len(network.hidden_biases_)} neurons "
            "fitted before. Set width back, or fit a clone with warm_start=False."
        )
    if resume:
        _require_same_network(network)


def _require_same_network(network):
    """Raise for parameters that would read the fitted weights as another network."""
    before = network._sgd.start.parametrization
    refused = {
        "parametrization": network.parametrization != before,
        "biases": network.biases == "none" and network.hidden_biases_.any(),
        "fit_intercept": not network.fit_intercept and np.any(network.output_bias_),
    }
    for name in filter(refused.get, refused):
        raise ValueError(
            f"{name}={getattr(network, name)!r} is not that of the weights fitted before. "
            f"Set {name} back, or fit a clone with warm_start=False."
        )


def set_validation_aside(network, rng, X, Y, sample_weight):
    """Split the rows into (X, Y, weights) for training and the same for validation."""
    fraction = network.validation_fraction
    n_validation = int(np.ceil(fraction * len(Y)))
    if n_validation < 2 or n_validation == len(Y):
        raise ValueError(
            f"validation_fraction={fraction} sets {n_validation} of n_samples={len(Y)} "
            "rows aside, but at least 2 must be, and 1 must be left. Change it, or set "
            "early_stopping=False."
        )
    stratify = _strata(Y, n_validation) if is_classifier(network) else None
    from sklearn.model_selection import train_test_split

    parts = train_test_split(
        X, Y, sample_weight, test_size=n_validation, random_state=rng, stratify=stratify
    )
    train, validation = tuple(parts[::2]), tuple(parts[1::2])
    if not (train[2].any() and validation[2].any()):
        raise ValueError(
            f"sample_weight is 0 on all rows that validation_fraction={fraction} sets "
            "aside, or on all that are left. Drop rows of weight 0, or set "
            "early_stopping=False."
        )
    return train, validation


def _strata(Y, n_validation):
    """Codes of the classes to stratify by, or None for more than the smaller part has rows.

    Y are signs, one column for two classes. A class of one row counts to the largest.
    """
    codes = Y.argmax(axis=1) if Y.shape[1] > 1 else (Y[:, 0] > 0).astype(int)
    counts = np.bincount(codes)
    codes[counts[codes] == 1] = counts.argmax()
    n_classes = np.count_nonzero(np.bincount(codes))
    return codes if min(n_validation, len(Y) - n_validation) >= n_classes else None
