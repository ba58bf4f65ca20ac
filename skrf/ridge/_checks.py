"""Checks of combinations of parameters, before any work."""

import reprlib

import numpy as np

from skrf._utils.warnings import warn
from skrf.ridge._problem import RidgeProblem
from skrf.ridge._transformers import require_estimator, require_fit_on_columns


def can_stream(model):
    """True if a model has a `partial_fit`; otherwise an AttributeError says why not."""
    allowed = {"cv": [None], "select_width": [False], "solver": ["auto", "primal"]}
    for name, values in allowed.items():
        current = getattr(model, name)
        if not any(current is value or current == value for value in values):
            raise AttributeError(
                f"`{name}` must be {values[0]!r} for partial_fit, which keeps no rows; got "
                f"{current!r}. Use {name}={values[0]!r}, or fit."
            )
    if getattr(model, "class_weight", None) == "balanced":
        raise AttributeError(
            "`class_weight` must be a dict or None for partial_fit, which does not see all "
            "labels at once; got 'balanced'. Pass the weights of the classes as a dict."
        )
    require_fit_on_columns(model.features, "partial_fit", AttributeError)
    return True


def problem_of(model):
    """The `RidgeProblem` of a model's parameters; raises where they contradict."""
    require_estimator(model.features)
    try:
        alphas = np.asarray(model.alphas)
    except ValueError:
        alphas = np.empty(0)
    if alphas.dtype.kind not in "iuf" or alphas.ndim > 1 or alphas.size == 0:
        raise ValueError(
            "`alphas` must be a positive number or a 1-D sequence of positive numbers; got "
            f"{reprlib.repr(model.alphas)}. Use for instance np.logspace(-3, 3, 7)."
        )
    # With folds even one penalty has a score, except for conjugate gradients.
    searches = alphas.ndim == 1 or (model.cv is not None and model.solver != "cg")
    alphas = np.atleast_1d(alphas).astype(np.float64)
    bad = ~(np.isfinite(alphas) & (alphas > 0))
    if bad.any():
        first = alphas[bad][0]
        remedy = "a small positive" if np.isfinite(first) else "a finite"
        raise ValueError(
            f"`alphas` must be positive and finite; got {first:g}. Use {remedy} value."
        )
    if searches and model.solver == "cg":
        raise ValueError(
            "`alphas` must be one number for solver='cg', which computes no errors to "
            f"compare alphas by; got a sequence of {len(alphas)}. Pass one number, or use "
            'solver="primal" or "dual", or GridSearchCV.'
        )
    if model.cv is not None and model.solver == "cg":
        # A warning, because scikit-learn's checks set the cv of every estimator with one.
        warn(
            "`cv` is not used, because solver='cg' computes no errors on folds. Use "
            'cv=None, or solver="primal" or "dual" for scores.'
        )
    if model.select_width and (model.solver in ("dual", "cg") or model.cv is not None):
        raise ValueError(
            "`solver` must be 'auto' or 'primal', and `cv` None, for select_width=True, "
            "which compares widths by leave-one-out errors from Z'Z; got "
            f'solver={model.solver!r} and cv={model.cv!r}. Use solver="auto" and cv=None.'
        )
    return RidgeProblem(alphas, searches, bool(model.fit_intercept))
