"""The tuned models of `bench_tables.py`: a random search, with the same budget for all.

The search tries 10 candidates on 3 folds of the training rows, by R2 or accuracy. Folds
never separate rows of the same group. Large tables are searched on some of the training
rows. The best candidate is fitted on all training rows.

Ranges of random features and networks are those of docs/practice.rst. SVM and MLP learn
standardised targets, as networks do by default.
"""

import numpy as np
import sklearn
from scipy.stats import loguniform, uniform
from sklearn.base import clone, is_classifier
from sklearn.compose import TransformedTargetRegressor
from sklearn.linear_model import Ridge
from sklearn.model_selection import GroupKFold, KFold, RandomizedSearchCV, StratifiedKFold
from sklearn.preprocessing import StandardScaler

from skrf import RandomFeatures

N_CANDIDATES = 10
N_FOLDS = 3
# Of the search.
MAX_ROWS, MAX_VALUES = 3000, 800_000

# Lists are searched without repetition: all 10 penalties of the linear models are tried.
SPACES = {
    "linear": {
        False: {"alpha": list(np.logspace(-2, 4, N_CANDIDATES))},
        True: {"C": list(np.logspace(-4, 2, N_CANDIDATES))},
    },
    "HistGB": {
        "learning_rate": loguniform(0.02, 0.3),
        "max_iter": [100, 200, 400],
        "max_leaf_nodes": [4, 8, 16, 31, 63],
        "min_samples_leaf": [5, 10, 20, 50],
        "l2_regularization": loguniform(1e-3, 10),
        "max_features": uniform(0.3, 0.7),
    },
    "LightGBM": {
        "learning_rate": loguniform(0.02, 0.3),
        "n_estimators": [100, 200, 400],
        "num_leaves": [4, 8, 16, 31, 63],
        "min_child_samples": [5, 10, 20, 50],
        "reg_lambda": loguniform(1e-3, 10),
        "colsample_bytree": uniform(0.3, 0.7),
        "subsample": uniform(0.5, 0.5),
        "subsample_freq": [1],
    },
    # gamma is a multiple of gamma="scale".
    "SVM": {
        False: {
            "C": loguniform(0.1, 100),
            "gamma": loguniform(0.03, 3),
            "epsilon": loguniform(0.01, 0.5),
        },
        True: {"C": loguniform(0.1, 100), "gamma": loguniform(0.03, 3)},
    },
    "MLP": {
        "hidden_layer_sizes": [(50,), (100,), (300,), (100, 100)],
        "alpha": loguniform(1e-4, 10),
        "learning_rate_init": loguniform(3e-4, 1e-2),
        "early_stopping": [False, True],
    },
    # alpha is a multiple of the penalty of a first fit.
    "network": {
        "width": [30, 100, 300],
        "alpha": [1 / 16, 1 / 4, 1, 4, 16],
        "max_iter": [20, 50, 200],
    },
    "ridge": {
        "features__width": [300, 1000, 4000],
        "features__weight_scale": [0.3, 1, 3],
        "features__activation": ["relu", "tanh", "cos"],
    },
}


def splits(table):
    """The first splits of the default models: 5 for less than 1,000 rows, else 2 or 1."""
    if len(table.y) < 1000:
        return table.splits()[:5]
    return table.splits()[: 2 if table.X.size < 100_000 else 1]


def n_search_rows(X):
    """The number of training rows that the search sees."""
    return min(len(X), MAX_ROWS, MAX_VALUES // X.shape[1])


def _estimator(name, default, groups):
    if name == "linear" and not is_classifier(default):
        return Ridge()
    if name == "ridge":
        default.set_params(features=RandomFeatures())
        if groups is not None:
            default.set_params(cv=GroupKFold())
    if name in ("SVM", "MLP") and not is_classifier(default):
        return TransformedTargetRegressor(default, transformer=StandardScaler())
    return default


def _folds(estimator, groups, seed):
    if groups is not None:
        return GroupKFold(N_FOLDS, shuffle=True, random_state=seed)
    kind = StratifiedKFold if is_classifier(estimator) else KFold
    return kind(N_FOLDS, shuffle=True, random_state=seed)


def _scaled(space, parameter, unit):
    """The space with the values of a parameter in multiples of `unit`."""
    values = space[parameter]
    if isinstance(values, list):
        values = [unit * value for value in values]
    else:
        values = loguniform(unit * values.args[0], unit * values.args[1])
    return space | {parameter: values}


def _space(name, estimator, X, y):
    space = SPACES[name]
    if False in space:
        space = space[is_classifier(estimator)]
    if name == "SVM":
        space = _scaled(space, "gamma", 1 / (X.shape[1] * X.var()))
    if name == "network":
        space = _scaled(space, "alpha", clone(estimator).fit(X, y).alpha_)
    if isinstance(estimator, TransformedTargetRegressor):
        return {f"regressor__{parameter}": values for parameter, values in space.items()}
    return space


def tuned(name, default, X, y, groups, seed):
    """The best candidate of the search, fitted on all rows, and its parameters."""
    n = n_search_rows(X)
    rows = np.random.default_rng(seed).permutation(len(X))[:n]
    with sklearn.config_context(enable_metadata_routing=True):
        estimator = _estimator(name, default, groups)
        search = RandomizedSearchCV(
            estimator,
            _space(name, estimator, X[rows], y[rows]),
            n_iter=N_CANDIDATES,
            cv=_folds(estimator, groups, seed),
            refit=False,
            random_state=seed,
        )
        options = {} if groups is None else {"groups": groups[rows]}
        search.fit(X[rows], y[rows], **options)
        best = dict(search.best_params_)
        if name == "network":  # the penalty of alpha="auto" falls as 1 / rows
            best["alpha"] *= n / len(X)
        options = {"groups": groups} if "groups" in options and name == "ridge" else {}
        return estimator.set_params(**best).fit(X, y, **options), best
