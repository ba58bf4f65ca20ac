"""Checks of combinations of parameters, before any work."""

import reprlib

import numpy as np
from sklearn.metrics import check_scoring

from skrf._utils.warnings import warn
from skrf.ridge._held_out import Scoring
from skrf.ridge._penalties import GRID
from skrf.ridge._problem import RidgeProblem
from skrf.ridge._transformers import require_estimator, require_fit_on_columns

# Hints for parameters of other packages' estimators.
HINTS = {
    "alpha": "Pass the penalty, or several, as `alphas`.",
    "width": "Pass the number of neurons in `features`, for instance as "
    "RandomReLUFeatures(500).",
    "n_components": "Pass the number of neurons in `features`, for instance as "
    "RandomReLUFeatures(500).",
}


def can_stream(model):
    """True if a model has a `partial_fit`; otherwise an AttributeError says why not."""
    allowed = {
        "cv": [None],
        "select_width": [False],
        "solver": ["auto", "primal"],
        "scoring": [None],
        "store_cv_results": [False],
    }
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


def can_predict_proba(model):
    """True if a model has probabilities; otherwise an AttributeError says why not."""
    if "_stream" in vars(model):
        raise AttributeError(
            "`predict_proba` needs predictions of rows left out, and partial_fit keeps no "
            "rows. Use fit, or CalibratedClassifierCV on a FrozenEstimator of this model."
        )
    return True


def problem_of(model):
    """The `RidgeProblem` of a model's parameters; raises where they contradict."""
    require_estimator(model.features)
    auto = isinstance(model.alphas, str)
    alphas = GRID if auto else _checked_alphas(model.alphas)
    # With folds even one penalty has a score, except for conjugate gradients.
    searches = auto or np.ndim(model.alphas) == 1
    searches = searches or (model.cv is not None and model.solver != "cg")
    if searches and model.solver == "cg" and not auto:
        raise ValueError(
            "`alphas` must be one number or 'auto' for solver='cg', which computes no "
            f"errors to compare alphas by; got a sequence of {len(alphas)}. Pass one "
            'number, or use solver="primal" or "dual", or GridSearchCV.'
        )
    if model.cv is not None and model.solver == "cg":
        # A warning, because scikit-learn's checks set the cv of every estimator with one.
        warn(
            "`cv` is not used, because solver='cg' computes no errors on folds. Use "
            'cv=None, or solver="primal" or "dual" for scores.'
        )
    _require_rows_for_scores(model)
    if model.select_width and (model.solver in ("dual", "cg") or model.cv is not None):
        raise ValueError(
            "`solver` must be 'auto' or 'primal', and `cv` None, for select_width=True, "
            "which compares widths by leave-one-out errors from Z'Z; got "
            f'solver={model.solver!r} and cv={model.cv!r}. Use solver="auto" and cv=None.'
        )
    per_target = bool(getattr(model, "alpha_per_target", False))
    return RidgeProblem(alphas, auto, searches, bool(model.fit_intercept), per_target)


def _checked_alphas(alphas):
    """One positive number or several as a float64 array of one dimension."""
    values = alphas
    try:
        values = np.asarray(alphas)
    except ValueError:
        values = np.empty(0)
    if values.dtype.kind not in "iuf" or values.ndim > 1 or values.size == 0:
        raise ValueError(
            "`alphas` must be 'auto', a positive number or a 1-D sequence of positive "
            f"numbers; got {reprlib.repr(alphas)}. Use for instance np.logspace(-6, 4, 21)."
        )
    values = np.atleast_1d(values).astype(np.float64)
    bad = ~(np.isfinite(values) & (values > 0))
    if bad.any():
        first = values[bad][0]
        remedy = "a small positive" if np.isfinite(first) else "a finite"
        raise ValueError(
            f"`alphas` must be positive and finite; got {first:g}. Use {remedy} value."
        )
    return values


# Parameters that need errors of single rows or outputs, with the values that do not.
_PER_ROW = {"scoring": None, "store_cv_results": False, "alpha_per_target": False}


def _require_rows_for_scores(model):
    """Raise where "cg" or `select_width` has no errors for other parameters."""
    for name, plain in _PER_ROW.items():
        value = getattr(model, name, plain)
        if value is plain or value == plain:
            continue
        for other, reason in (("solver", "cg"), ("select_width", True)):
            current = getattr(model, other)
            if current == reason:
                raise ValueError(
                    f"`{name}` must be {plain!r} for {other}={reason!r}, which compares "
                    f"penalties by squared errors; got {value!r}. Use {name}={plain!r}."
                )


def scoring_of(model, problem, targets, weighted):
    """The `Scoring` of a model's parameters."""
    scorer = check_scoring(model, scoring=model.scoring, allow_none=True)
    store = bool(model.store_cv_results)
    scorer = None if model.scoring is None else scorer
    return Scoring(targets, scorer, problem.per_target, weighted, store, problem.auto)
