"""Claim: ridge after GradientOuterProduct learns targets of few directions.

The target depends on one to three directions of Gaussian rows; the noise has a standard
deviation of 0.05. All models are fitted in turn in one run, on the same rows. Scores are
R^2 of 4,000 more rows, and the ceiling is the R^2 of the noiseless target. Seconds are CPU
seconds with one thread of BLAS. The claim is a score within 0.02 of the ceiling for every
target except He3, which has no part of low degree and is not learned.

    python benchmarks/bench_directions.py [--targets neuron sine] [--models ridge learned]
"""

import argparse
import importlib.util
import os
import time
import warnings

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.metrics import r2_score
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skrf import GradientOuterProduct, OverparamNetRegressor, RandomFeatureRidge

NOISE, N_TEST, CLAIM = 0.05, 4000, 0.02
# Name: (rows, columns, function of three directions).
TARGETS = {
    "neuron": (2000, 50, lambda p, q, s: np.maximum(p - 0.5, 0)),
    "neuron, 20 columns": (1000, 20, lambda p, q, s: np.maximum(p - 0.5, 0)),
    "neuron, 100 columns": (10_000, 100, lambda p, q, s: np.maximum(p - 0.5, 0)),
    "product and neuron": (4000, 30, lambda p, q, s: p * q + np.maximum(s, 0)),
    "sine": (2000, 30, lambda p, q, s: np.sin(2 * p)),
    "staircase": (4000, 30, lambda p, q, s: p + p * q + p * q * s),
    "He3": (2000, 30, lambda p, q, s: (p**3 - 3 * p) / np.sqrt(6)),
}


def ridge(seed):
    """Ridge on 1,000 random ReLUs."""
    return RandomFeatureRidge(random_state=seed)


def learned(seed):
    """The same after a learned metric."""
    return make_pipeline(GradientOuterProduct(random_state=seed), ridge(seed))


def xgboost(seed):
    """XGBoost with 300 trees."""
    from xgboost import XGBRegressor

    return XGBRegressor(n_estimators=300, random_state=seed, n_jobs=1)


class XRFM:
    """xRFM, which chooses its iteration on a fifth of the rows."""

    def __init__(self, seed):
        self.seed = seed

    def fit(self, X, y):
        import torch
        from xrfm import xRFM

        torch.manual_seed(self.seed)
        cut = len(X) * 4 // 5
        parts = X[:cut], y[:cut, None], X[cut:], y[cut:, None]
        self.model = xRFM(device=torch.device("cpu"), tuning_metric="mse")
        self.model.fit(*(torch.tensor(part, dtype=torch.float32) for part in parts))
        return self

    def predict(self, X):
        import torch

        return np.ravel(self.model.predict(torch.tensor(X, dtype=torch.float32)))


# Name: (seed -> estimator, the package that it needs or None).
MODELS = {
    "ridge": (ridge, None),
    "learned": (learned, None),
    "network": (lambda seed: OverparamNetRegressor(random_state=seed), None),
    "MLP": (lambda seed: MLPRegressor(random_state=seed), None),
    "HistGB": (lambda seed: HistGradientBoostingRegressor(random_state=seed), None),
    "XGBoost": (xgboost, "xgboost"),
    "xRFM": (XRFM, "xrfm"),
}


def problem(name, seed):
    """Training rows and targets, test rows and targets, and the ceiling of the score."""
    n_rows, d, function = TARGETS[name]
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_rows + N_TEST, d))
    clean = function(*(X @ np.linalg.qr(rng.standard_normal((d, 3)))[0]).T)
    y = clean + NOISE * rng.standard_normal(len(X))
    scaler = StandardScaler().fit(X[:n_rows])
    train, test = slice(n_rows), slice(n_rows, None)
    X = scaler.transform(X)
    return X[train], y[train], X[test], y[test], r2_score(y[test], clean[test])


def measure(name, models, seeds):
    """{model: (scores, CPU seconds)} over seeds, the mean ceiling, rounds of learned."""
    results = {model: ([], []) for model in models}
    ceilings, rounds = [], []
    for seed in range(seeds):
        X, y, X_test, y_test, ceiling = problem(name, seed)
        ceilings.append(ceiling)
        for model in models:
            start = time.process_time()
            fitted = MODELS[model][0](seed).fit(X, y)
            results[model][1].append(time.process_time() - start)
            results[model][0].append(r2_score(y_test, fitted.predict(X_test)))
            if model == "learned":
                rounds.append(fitted[0].best_round_)
    return results, np.mean(ceilings), rounds


def warm_up(models):
    """Compile, so that no target pays for it."""
    X = np.random.default_rng(0).standard_normal((60, 3))
    for model in models:
        MODELS[model][0](0).fit(X, X[:, 0])


def main():
    """Print scores, CPU seconds and misses of the claim."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    installed = [
        name
        for name, (_, package) in MODELS.items()
        if package is None or importlib.util.find_spec(package)
    ]
    parser.add_argument("--targets", nargs="+", choices=TARGETS, default=list(TARGETS))
    parser.add_argument("--models", nargs="+", choices=MODELS, default=installed)
    parser.add_argument("--seeds", type=int, default=1)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    warm_up(args.models)
    print(f"| target | rows x columns | {' | '.join(args.models)} | ceiling | rounds |")
    print(f"|{' --- |' * (4 + len(args.models))}")
    missed = []
    for name in args.targets:
        results, ceiling, rounds = measure(name, args.models, args.seeds)
        n_rows, d, _ = TARGETS[name]
        cells = [f"{np.mean(s):.3f} ({np.mean(t):.1f} s)" for s, t in results.values()]
        rounds = ", ".join(map(str, rounds))
        row = " | ".join([name, f"{n_rows} x {d}", *cells, f"{ceiling:.3f}", rounds])
        print(f"| {row} |", flush=True)
        if "learned" in results and np.mean(results["learned"][0]) < ceiling - CLAIM:
            missed.append(name)
    if "learned" in args.models:
        print(f"Targets more than {CLAIM} below the ceiling: {', '.join(missed) or 'none'}")


if __name__ == "__main__":
    main()
