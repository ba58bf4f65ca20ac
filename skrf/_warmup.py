"""Compile in advance what the estimators use."""

from __future__ import annotations

import warnings
from itertools import product
from time import perf_counter

import numpy as np
from scipy import sparse

from skrf._compiled.activations import address
from skrf.activations import ACTIVATIONS
from skrf.features import LinearizedNTKFeatures, RandomFeatures, RandomReLUFeatures
from skrf.networks import OverparamNetClassifier, OverparamNetRegressor
from skrf.ridge import RandomFeatureRidge, RandomFeatureRidgeClassifier


def warmup(*, progress: bool = False) -> None:
    """Compile the code of all estimators, for float32 and float64 data.

    Without this call, the first fit of a kind compiles what it needs. The compiled code is
    cached on disk, so one call serves all later processes [1]_. Call this function while an
    image is built, or before many processes start at once. It takes about 40 s with an
    empty cache and a few seconds later.

    Parameters
    ----------
    progress : bool, default=False
        Whether to print a line with the time of each part.

    References
    ----------
    .. [1] Lam, S. K., Pitrou, A. and Seibert, S. (2015). Numba: a LLVM-based Python JIT
       compiler. LLVM-HPC.

    Examples
    --------
    >>> import skrf
    >>> skrf.warmup()
    """
    parts = _activations, _features, _ridge, _networks
    for part, dtype in product(parts, (np.float32, np.float64)):
        start = perf_counter()
        if progress:
            print(f"{part.__name__[1:]}, {dtype.__name__} ...", end=" ", flush=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            part(dtype)
        if progress:
            print(f"{perf_counter() - start:.1f} s", flush=True)


def _data(dtype):
    """Rows, targets of one and of two outputs, and labels."""
    X = np.random.default_rng(0).normal(size=(40, 3)).astype(dtype)
    return X, X[:, 0].copy(), X[:, :2].copy(), X[:, 0] > 0


def _activations(dtype):
    # Importing the kernels with the package would make `import skrf` slower.
    from skrf.kernels import random_feature_kernel

    for name, activation in ACTIVATIONS.items():
        address(name, np.dtype(dtype))
        activation(np.ones(2, dtype))
    random_feature_kernel(np.ones((2, 2), dtype), activation="tanh")


def _features(dtype):
    X, y, *_ = _data(dtype)
    for projection in ("dense", "structured"):
        RandomFeatures(8, projection=projection, random_state=0).fit_transform(X)
    for train in ("hidden", "output", "both"):
        features = LinearizedNTKFeatures(8, train=train, random_state=0).fit(X)
        features.transform(X)
        features.tangent_kernel(X)
        operator = features.as_linear_operator(X)
        operator @ np.ones(operator.shape[1], dtype)
        operator.T @ y


def _ridge(dtype):
    X, y, two, labels = _data(dtype)
    maps = RandomReLUFeatures(8, random_state=0), LinearizedNTKFeatures(8, random_state=0)
    for features, solver in product(maps, ("primal", "dual", "cg")):
        for alphas in (1.0, [0.1, 1.0]) if solver != "cg" else (1.0,):
            ridge = RandomFeatureRidge(features, alphas=alphas, solver=solver)
            for targets in (y, two):
                ridge.fit(X, targets).predict(X)
    for alphas in (1.0, [0.1, 1.0]):
        ridge = RandomFeatureRidge(maps[0], alphas=alphas)
        ridge.fit(X, y, sample_weight=np.ones(len(y)))
        ridge.fit(sparse.csr_array(X), y)
        ridge.partial_fit(X, y)
    RandomFeatureRidge(maps[0], select_width=True).fit(X, y)
    RandomFeatureRidgeClassifier(maps[0]).fit(X, labels).predict(X)


def _networks(dtype):
    X, y, two, labels = _data(dtype)
    options = {"width": 8, "max_iter": 2, "random_state": 0}
    settings = (
        {},
        {"momentum": 0.9, "average": True, "batch_size": 4},
        {"early_stopping": True},
        {"train": "output"},
    )
    for setting in settings:
        for rows, targets in product((X, sparse.csr_array(X)), (y, two)):
            OverparamNetRegressor(**options, **setting).fit(rows, targets).predict(rows)
    for loss in ("hinge", "log_loss"):
        OverparamNetClassifier(loss=loss, **options).fit(X, labels).predict(X)
    OverparamNetRegressor(**options).partial_fit(X, y).partial_fit(X, y)
