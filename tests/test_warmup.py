"""`skrf.warmup` compiles what fits use, and says what it does."""

import sys

import numba
import numpy as np
import pytest
from numba.core.dispatcher import Dispatcher
from scipy import sparse

import skrf
from skrf.__main__ import main
from skrf._compiled.activations import address

pytestmark = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")


def compiled():
    """(module, function, signature) of everything that this process has compiled."""
    modules = [module for name, module in sys.modules.items() if name.startswith("skrf.")]
    functions = {
        value
        for module in modules
        for value in vars(module).values()
        if isinstance(value, Dispatcher) and value._cache.__class__.__name__ == "_Cache"
    }
    return {(f.py_func.__module__, f.__name__, s) for f in functions for s in f.overloads}


def use_everything(X):
    """Fits with other sizes and parameters than those of `warmup`."""
    y, labels = X[:, 0] + 1, X[:, 1] > 0
    maps = skrf.RandomReLUFeatures(20), skrf.LinearizedNTKFeatures(20, activation="gelu")
    for features in maps:
        for alphas in (2.0, [2.0, 3.0]):
            skrf.RandomFeatureRidge(features, alphas=alphas).fit(X, y).predict(X)
        skrf.RandomFeatureRidgeClassifier(features).fit(X, labels).predict(X)
        features.fit_transform(X)
    options = {"width": 20, "max_iter": 3, "random_state": 1}
    for activation in ("sin", "relu"):
        net = skrf.OverparamNetRegressor(activation=activation, momentum=0.5, **options)
        net.fit(X, np.column_stack([y, y, -y])).predict(X)
    skrf.OverparamNetClassifier(early_stopping=True, **options).fit(X, labels).predict(X)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("matrix", [np.asarray, sparse.csr_array])
def test_nothing_is_left_to_compile(matrix, dtype, rng):
    skrf.warmup()
    before, n_activations = compiled(), address.cache_info().currsize
    assert len(before) > 20
    assert n_activations == 2 * len(skrf.ACTIVATIONS)
    X = rng.normal(size=(60, 5)).astype(dtype)
    if matrix is np.asarray:
        use_everything(X)
    else:
        X = matrix(X)
        skrf.OverparamNetRegressor(20, max_iter=2).fit(X, np.arange(60.0)).predict(X)
        skrf.RandomFeatureRidge(skrf.RandomReLUFeatures(20)).fit(X, np.arange(60.0))
    assert compiled() == before
    assert address.cache_info().currsize == n_activations


def test_the_command_says_what_it_does(capsys):
    main(["warmup"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 8
    assert lines[-1].startswith("networks, float64 ... ")
