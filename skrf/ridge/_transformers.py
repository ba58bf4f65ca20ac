"""Questions to transformers of any class that are used as features."""

import copy
import pickle
from numbers import Integral

import joblib
import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.frozen import FrozenEstimator
from sklearn.kernel_approximation import RBFSampler, SkewedChi2Sampler
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import FunctionTransformer, PolynomialFeatures
from sklearn.utils import check_random_state, get_tags

from skrf._utils.array_api import estimator_in_numpy, namespace_of
from skrf.features import RandomReLUFeatures
from skrf.features._base import BaseHiddenLayerFeatures


def require_estimator(features):
    """Raise for a class, and for objects that cannot transform or be cloned."""
    if isinstance(features, type):
        raise ValueError(
            f"`features` must be a transformer; got the class {features.__name__}. Pass an "
            f"instance, {features.__name__}()."
        )
    if features is None:
        return
    if not (hasattr(features, "fit") and hasattr(features, "transform")):
        is_width = isinstance(features, Integral) and features > 0
        raise ValueError(
            "`features` must be a transformer with 'fit' and 'transform', or None; got "
            f"{features!r}. Pass RandomReLUFeatures({features if is_width else ''})."
        )
    missing = [m for m in ("get_params", "set_params") if not hasattr(features, m)]
    if missing:
        raise ValueError(
            "`features` must have get_params and set_params, because fit clones it; got "
            f"{features!r} without {' and '.join(missing)}. Derive its class from "
            "sklearn.base.BaseEstimator, or use a FunctionTransformer."
        )


def parameters(features):
    """A transformer and all parameters inside, by name."""
    own = {} if features is None else features.get_params(deep=True)
    return {"features": features, **{f"features__{k}": own[k] for k in own}}


def changed_parameter(before, after):
    """The name of a parameter that differs in two results of `parameters`, or None."""
    for name in sorted({*before, *after}):
        if name not in before or name not in after:
            return name
        if not _same(before[name], after[name]):
            return name
    return None


def _same(first, second):
    if first is second:
        return True
    if type(first) is not type(second):
        return False
    if isinstance(first, FrozenEstimator):
        return identical(first, second)
    if isinstance(first, (list, tuple)):
        return len(first) == len(second) and all(map(_same, first, second))
    # The parameters of transformers are compared by their own names.
    return hasattr(first, "get_params") or np.array_equal(first, second)


def tags_of(features):
    """scikit-learn's tags of a transformer, or None where it has none.

    Any object may be passed as features before `fit` checks it. Objects other than
    BaseEstimator may have the method for tags but not the methods that it calls.
    """
    if isinstance(features, type):
        return None
    try:
        return get_tags(features)
    except (AttributeError, TypeError, ValueError):
        return None


def takes_nan(features):
    """Whether a transformer accepts NaN; the tags of compositions do not say it."""
    if isinstance(features, str) or features is None:  # "passthrough", "drop"
        return True
    if isinstance(features, FrozenEstimator):
        return takes_nan(features.estimator)
    if isinstance(features, Pipeline):
        steps = [step for _, step in features.steps if step not in (None, "passthrough")]
        return not steps or takes_nan(steps[0])
    if isinstance(features, ColumnTransformer):
        return any(takes_nan(part[1]) for part in features.transformers)
    if isinstance(features, FeatureUnion):
        return all(takes_nan(part) for _, part in features.transformer_list)
    if isinstance(features, FunctionTransformer):
        return not features.validate
    tags = tags_of(features)
    return tags is not None and tags.input_tags.allow_nan


def accepted_input(features):
    """Whether transformers take sparse matrices, and whether NaN; None is the default."""
    features = RandomReLUFeatures() if features is None else features
    tags = tags_of(features)
    return tags is not None and tags.input_tags.sparse, takes_nan(features)


def takes_arrays(features):
    """Whether transformers support the array API; the tags of Pipelines do not say it."""
    if isinstance(features, Pipeline):
        return all(takes_arrays(step) for _, step in features.steps)
    if features is None or features == "passthrough":
        return True
    if isinstance(features, FunctionTransformer):
        return not features.validate
    tags = tags_of(features)
    return tags is not None and tags.array_api_support


def require_array_support(features, X):
    """Raise for arrays of another namespace that the features do not support."""
    space = namespace_of(X)
    if space is not None and not takes_arrays(features):
        raise ValueError(
            f"`features` must support the array API for arrays of {space.name}; got "
            f"{features!r}. Use for instance RandomReLUFeatures, or convert X to NumPy."
        )


def takes_dates(features):
    """Whether a transformer may have a use for dates; None is the default.

    Most transformers of scikit-learn, such as StandardScaler, convert dates to integers of
    any unit without a word. Encoders and transformers of other packages decide themselves.
    """
    if isinstance(features, Pipeline):
        steps = [step for _, step in features.steps if step not in (None, "passthrough")]
        return not steps or takes_dates(steps[0])
    if isinstance(features, FrozenEstimator):
        return takes_dates(features.estimator)
    if isinstance(features, FeatureUnion):
        return any(takes_dates(part) for _, part in features.transformer_list)
    if features is None or isinstance(features, BaseHiddenLayerFeatures):
        return False
    if isinstance(features, (ColumnTransformer, FunctionTransformer, str)):
        return True
    tags = tags_of(features)
    of_scikit_learn = type(features).__module__.startswith("sklearn.")
    return not of_scikit_learn or tags is None or tags.input_tags.categorical


def fits_on_columns(features):
    """Whether `fit` of these features uses only the number and type of columns."""
    if isinstance(features, Pipeline):
        steps = [step for _, step in features.steps if step not in (None, "passthrough")]
        return all(map(fits_on_columns, steps))
    if isinstance(features, RBFSampler):
        return features.gamma != "scale"
    known = BaseHiddenLayerFeatures, FrozenEstimator, SkewedChi2Sampler, PolynomialFeatures
    if isinstance(features, known):
        return True
    tags = tags_of(features)
    return tags is not None and not tags.requires_fit


def require_fit_on_columns(features, what, error=ValueError):
    """Raise for features that would be fitted to each part of the data differently."""
    require_estimator(features)
    if features is not None and not fits_on_columns(features):
        raise error(
            f"`features` must not learn from the values in X for {what}, because every "
            f"part would be transformed differently; got {features!r}. Fit it first and "
            "pass sklearn.frozen.FrozenEstimator(features)."
        )


def seed_nested(estimator, random_state):
    """Set every `random_state` that is None, in the order of their names."""
    rng = check_random_state(random_state)
    seeds = {}
    for name, value in sorted(estimator.get_params(deep=True).items()):
        if value is None and (name == "random_state" or name.endswith("__random_state")):
            seeds[name] = int(rng.randint(np.iinfo(np.int32).max))
    return estimator.set_params(**seeds) if seeds else estimator


def identical(first, second):
    """Whether two fitted transformers have the same class, parameters and arrays."""
    if first is second:
        return True
    try:
        # Arrays of other namespaces have pickles that differ from call to call.
        return len({joblib.hash(estimator_in_numpy(f)) for f in (first, second)}) == 1
    except pickle.PicklingError as error:
        raise ValueError(
            "`features` must be picklable, so that merge can compare two of them; got "
            f"{first!r}. Use one FrozenEstimator in both estimators."
        ) from error


def n_neurons(features):
    """The width of features whose columns are ordered by neuron."""
    if isinstance(features, FrozenEstimator):
        return n_neurons(features.estimator)
    if isinstance(features, Pipeline):
        return n_neurons(features[-1])
    by_neuron = getattr(features, "train", "output") != "both"
    if isinstance(features, BaseHiddenLayerFeatures) and by_neuron:
        return features.biases_.shape[0]
    raise ValueError(
        "`features` must have columns ordered by neuron for a path over widths; got "
        f"{features!r}. Use RandomReLUFeatures, RandomFeatures or "
        "LinearizedNTKFeatures(train='hidden'), alone or as the last step of a Pipeline."
    )


def narrowed(features, width):
    """Fitted features with the first `width` neurons only."""
    if isinstance(features, FrozenEstimator):
        return FrozenEstimator(narrowed(features.estimator, width))
    if isinstance(features, Pipeline):
        narrow = copy.copy(features)
        name, last = features.steps[-1]
        narrow.steps = [*features.steps[:-1], (name, narrowed(last, width))]
        return narrow
    return features.narrowed(width)
