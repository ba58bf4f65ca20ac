"""What a ridge estimator refuses before any work, beyond what single parameters say."""

import numpy as np

from skrf._utils.warnings import warn
from skrf.ridge._problem import RidgeProblem
from skrf.ridge._transformers import require_estimator, require_fit_on_columns


def can_stream(model):
    """Whether a model has a `partial_fit`; the AttributeError says why not."""
    allowed = {"cv": [None], "select_width": [False], "solver": ["auto", "primal"]}
    for name, values in allowed.items():
        given = getattr(model, name)
        if not any(given is value or given == value for value in values):
            raise AttributeError(
                f"partial_fit keeps no rows, so that {name}={given!r} cannot be met. Use "
                f"{name}={values[0]!r}, or fit."
            )
    if getattr(model, "class_weight", None) == "balanced":
        raise AttributeError(
            "class_weight='balanced' needs all labels at once, which partial_fit does not "
            "see. Give the weights of the classes as a dict."
        )
    require_fit_on_columns(model.features, "partial_fit", AttributeError)
    return True


def problem_of(model):
    """The `RidgeProblem` of a model's parameters; raises where they state none."""
    require_estimator(model.features)
    try:
        alphas = np.asarray(model.alphas)
    except ValueError:
        alphas = np.empty(0)
    if alphas.dtype.kind not in "iuf" or alphas.ndim > 1 or alphas.size == 0:
        raise ValueError(
            f"alphas must be a positive number or a 1-D sequence of them; got "
            f"{model.alphas!r}. Give for instance np.logspace(-3, 3, 7)."
        )
    # With folds even one penalty has a score, but for conjugate gradients.
    searches = alphas.ndim == 1 or (model.cv is not None and model.solver != "cg")
    alphas = np.atleast_1d(alphas).astype(np.float64)
    bad = ~(np.isfinite(alphas) & (alphas > 0))
    if bad.any():
        worst = alphas[bad][0]
        remedy = "a small positive" if np.isfinite(worst) else "a finite"
        raise ValueError(
            f"alphas must be positive and finite; got {worst}. Use {remedy} penalty "
            f"instead of {worst:g}."
        )
    if searches and model.solver == "cg":
        raise ValueError(
            f"solver='cg' gives no errors to compare the {len(alphas)} alphas by. Give "
            'one number as alphas, or use solver="primal" or "dual", or a GridSearchCV.'
        )
    if model.cv is not None and model.solver == "cg":
        # No error: scikit-learn's checks set the cv of every estimator that has one.
        warn(
            "cv is not used, as solver='cg' gives no errors on folds. Use cv=None, or "
            'solver="primal" or "dual" for scores.'
        )
    if model.select_width and (model.solver in ("dual", "cg") or model.cv is not None):
        raise ValueError(
            f"select_width=True compares widths by leave-one-out errors from Z'Z; got "
            f'solver={model.solver!r} and cv={model.cv!r}. Use solver="auto" and '
            "cv=None."
        )
    return RidgeProblem(alphas, searches, bool(model.fit_intercept))
