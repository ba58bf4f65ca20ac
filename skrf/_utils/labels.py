"""Checks of class labels, and labels as weights and as targets in {-1, 1}."""

from numbers import Real

import numpy as np
from sklearn.utils import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets

from skrf._utils.validation import completed, require_outputs


def _is_missing(entry):
    """Whether a label is None, NaN, or a missing value of pandas."""
    if entry is None or type(entry).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(entry, Real) and entry != entry


def check_labels(y):
    """Raise for values that are not labels, or have no common order."""
    if isinstance(y, np.ndarray):
        require_outputs(y.shape)
    if not isinstance(y, np.ndarray) or y.dtype.kind == "O":
        # As objects: NumPy would convert numbers next to strings into strings.
        entries = np.asarray(y, dtype=object)
        require_outputs(entries.shape)
        entries = entries.ravel().tolist()
        if any(_is_missing(entry) for entry in entries):
            raise ValueError(
                "`y` must not have missing labels; got None or NaN. Drop the rows with "
                "missing labels."
            )
        types = {str if isinstance(entry, str) else type(entry) for entry in entries}
        if str in types and len(types) > 1:
            names = ", ".join(sorted(kind.__name__ for kind in types))
            raise ValueError(
                f"`y` must have labels of one type, which have an order; got the types "
                f"{names}. Pass all labels as strings, or all as numbers."
            )
    with completed(after="Pass class labels as `y`, or use the regressor for numbers."):
        if np.asarray(y).dtype.kind != "c":
            check_classification_targets(y)
            return
    # scikit-learn's message prints all labels; its checks ask for the second sentence.
    raise ValueError(
        "`y` must be class labels; got complex numbers. Complex data not supported. Pass "
        "integers or strings."
    )


def weights_of_labels(class_weight, classes, y, sample_weight=None):
    """The factor of the weight of every row, by its label.

    "balanced" counts the sample weights of the rows. A class of weight 0 has the factor 0.
    """
    remedy = (
        "Pass a finite number >= 0 for each class of `y` as `class_weight`, or 'balanced'."
    )
    with completed(after=remedy):
        # Of all classes, some of which a chunk may lack.
        if class_weight == "balanced" and sample_weight is not None:
            codes = np.searchsorted(classes, y)
            sums = np.bincount(codes, sample_weight, len(classes))
            share = sums.sum() / np.count_nonzero(sums)
            factors = np.divide(share, sums, out=np.zeros(len(classes)), where=sums > 0)
        else:
            factors = compute_class_weight(class_weight, classes=classes, y=y)
    is_weight = np.isfinite(factors) & (factors >= 0)
    if not is_weight.all() or not factors.any():
        bad = "all 0" if is_weight.all() else factors[~is_weight][0]
        raise ValueError(
            f"`class_weight` must have finite weights >= 0, not all 0; got {bad}. {remedy}"
        )
    return factors[np.searchsorted(classes, y)]


def signs_of_labels(y, classes, dtype, name):
    """Targets in {-1, 1}: one column for two classes, else one for each.

    `name` is the name of the estimator, for the errors.
    """
    if len(classes) < 2:
        raise ValueError(
            f"{name} needs at least 2 classes in `y`; got 1 class, "
            f"{classes.tolist()[0]!r}. Add samples of another class."
        )
    labels, codes = np.unique(y, return_inverse=True)
    unknown = np.setdiff1d(labels, classes).tolist()
    if unknown:
        raise ValueError(
            f"`y` must have labels among the `classes` of the first call; got "
            f"{unknown[0]!r}. Pass every label as `classes` to the first call, or fit a "
            "clone."
        )
    codes = np.searchsorted(classes, labels)[codes]
    columns = [1] if len(classes) == 2 else np.arange(len(classes))
    return np.where(codes[:, np.newaxis] == columns, 1, -1).astype(dtype)
