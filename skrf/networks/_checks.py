"""Checks before any work that involve several parameters, or the fitted weights."""

import numpy as np
from sklearn.base import is_classifier

from skrf.activations import ACTIVATIONS


def can_stream(network):
    """Whether a network has `partial_fit`; raises an AttributeError if not."""
    if network.early_stopping:
        raise AttributeError(
            "`early_stopping` must be False for partial_fit, which has no validation set; "
            "got True. Set early_stopping=False, or call fit."
        )
    if getattr(network, "class_weight", None) == "balanced":
        raise AttributeError(
            "`class_weight` must be a dict or None for partial_fit, which does not see all "
            "labels; got 'balanced'. Pass the weights of the classes as a dict."
        )
    return True


def has_probabilities(network):
    """Whether a classifier has `predict_proba`; raises an AttributeError if not."""
    if network.loss != "log_loss":
        raise AttributeError(
            f"`loss` must be 'log_loss' for probabilities; got {network.loss!r}. Set "
            "loss='log_loss', or use sklearn.calibration.CalibratedClassifierCV."
        )
    return True


def check_parameters(network, resume):
    """Raise for parameters that exclude each other or do not match the fitted weights."""
    if network.train != "output" and not ACTIVATIONS[network.activation].has_slope:
        raise ValueError(
            f"`train` must be 'output' with activation={network.activation!r}, whose "
            f"derivative is 0 almost everywhere; got {network.train!r}. Use another "
            "activation, or train='output'."
        )
    if network.symmetric_init and network.width % 2:
        raise ValueError(
            f"`width` must be even with symmetric_init=True; got {network.width}. Use an "
            "even width."
        )
    if resume and len(network.hidden_biases_) != network.width:
        raise ValueError(
            f"`width` must be {len(network.hidden_biases_)}, as in the previous fit; got "
            f"{network.width}. Restore `width`, or fit a clone with warm_start=False."
        )
    if resume:
        _require_same_network(network)


def _require_same_network(network):
    """Raise for parameters with which the fitted weights would be another network."""
    parametrization = network._state.initialization.parametrization
    mismatch = {
        "parametrization": network.parametrization != parametrization,
        "biases": network.biases == "none" and network.hidden_biases_.any(),
        "fit_intercept": not network.fit_intercept and np.any(network.output_bias_),
    }
    for name in filter(mismatch.get, mismatch):
        raise ValueError(
            f"`{name}` must match the fitted weights; got {getattr(network, name)!r}. "
            f"Restore `{name}`, or fit a clone with warm_start=False."
        )


def set_validation_aside(network, rng, data):
    """Split `TrainingData` into rows for training and rows for validation."""
    fraction = network.validation_fraction
    n_rows = len(data.Y)
    n_validation = int(np.ceil(fraction * n_rows))
    if n_validation < 2 or n_validation == n_rows:
        raise ValueError(
            "`validation_fraction` must leave at least 2 rows for validation and 1 for "
            f"training; got {fraction}, which is {n_validation} of n_samples={n_rows}. "
            "Change `validation_fraction`, or set early_stopping=False."
        )
    stratify = strata(data.Y, n_validation) if is_classifier(network) else None
    from sklearn.model_selection import train_test_split

    train, validation = train_test_split(
        np.arange(n_rows), test_size=n_validation, random_state=rng, stratify=stratify
    )
    return data.subset(train), data.subset(validation)


def strata(Y, n_validation):
    """Codes of the classes to stratify by, or None if a set has fewer rows than classes.

    Y are signs, one column for two classes. A class of one row joins the largest class.
    """
    codes = Y.argmax(axis=1) if Y.shape[1] > 1 else (Y[:, 0] > 0).astype(int)
    counts = np.bincount(codes)
    codes[counts[codes] == 1] = counts.argmax()
    n_classes = np.count_nonzero(np.bincount(codes))
    return codes if min(n_validation, len(Y) - n_validation) >= n_classes else None
