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


def relu(width=4, **options):
    return RandomReLUFeatures(width, random_state=0, **options)


def ntk(width=4, **options):
    return LinearizedNTKFeatures(width, random_state=0, **options)


def ridge(features=None, **options):
    features = relu() if features is None else features
    return RandomFeatureRidge(features, random_state=0, **options)


def sort(**options):
    return RandomFeatureRidgeClassifier(relu(), random_state=0, **options)


def net(width=4, **options):
    return OverparamNetRegressor(width, **{"tol": None, "max_iter": 1, **options})


def label_net(width=4, **options):
    return OverparamNetClassifier(width, tol=None, max_iter=1, **options)


def with_entry(array, value):
    changed = np.array(array, np.result_type(array, type(value)))
    changed.flat[0] = value
    return changed


def stream():
    """Ridge regression that has seen a chunk."""
    return ridge().partial_fit(X, Y)


def names(table):
    """Names of the rows of a table, for pytest."""
    return [f"{k}-{row[2]}" for k, row in enumerate(table)]
