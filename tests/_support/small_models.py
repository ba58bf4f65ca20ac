"""Small data and small models of the tables of errors."""

import numpy as np

from skrf import (
    LinearizedNTKFeatures,
    OverparamNetClassifier,
    OverparamNetRegressor,
    RandomFeatureRidge,
    RandomFeatureRidgeClassifier,
    RandomReLUFeatures,
    make_single_neuron,
)

X, Y = make_single_neuron(20, 3, random_state=0)
SIGNS = np.where(np.median(Y) < Y, 1, -1)
DATES = np.arange("2020-01-01", "2020-01-21", dtype="datetime64[D]")
ORDERED = np.arange(20)


def relus(width=4, **options):
    return RandomReLUFeatures(width, random_state=0, **options)


def ntk(width=4, **options):
    return LinearizedNTKFeatures(width, random_state=0, **options)


def ridge(features=None, **options):
    features = relus() if features is None else features
    return RandomFeatureRidge(features, random_state=0, **options)


def ridge_clf(**options):
    return RandomFeatureRidgeClassifier(relus(), random_state=0, **options)


def network(width=4, **options):
    return OverparamNetRegressor(width, **{"tol": None, "max_iter": 1, **options})


def network_clf(width=4, **options):
    return OverparamNetClassifier(width, tol=None, max_iter=1, **options)


def with_entry(array, value):
    changed = np.array(array, np.result_type(array, type(value)))
    changed.flat[0] = value
    return changed


def begun_stream():
    """Ridge regression that has seen a chunk."""
    return ridge().partial_fit(X, Y)


def row_ids(table):
    """Names of the rows of a table, for pytest."""
    return [f"{k}-{row[2]}" for k, row in enumerate(table)]
