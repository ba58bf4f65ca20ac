"""Default estimators on twelve real tables: scores and CPU seconds.

All models get the same columns, imputed, standardised and one-hot coded, and raw targets.
They are fitted in turn in one run, on the same splits. Differences are paired by split.

    python benchmarks/bench_tables.py [--tables Boston Hdma] [--models linear network]

The model "learned ridge" is left out by default: the ridge after GradientOuterProduct.
"""

import argparse
import os
import time
import warnings

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC, SVR
from tables import NAMES, load, preparation

from skrf import (
    GradientOuterProduct,
    OverparamNetClassifier,
    OverparamNetRegressor,
    RandomFeatureRidge,
    RandomFeatureRidgeClassifier,
)


def _lightgbm(seed, is_classification):
    import lightgbm

    kind = lightgbm.LGBMClassifier if is_classification else lightgbm.LGBMRegressor
    return kind(random_state=seed, verbose=-1, n_jobs=1)


def _either(regressor, classifier, **options):
    """(seed, whether it is a classification) -> an estimator."""

    def new(seed, is_classification):
        estimator = (classifier if is_classification else regressor)(**options)
        if "random_state" in estimator.get_params():
            estimator.set_params(random_state=seed)
        return estimator

    return new


def _learned_ridge(seed, is_classification):
    return make_pipeline(
        GradientOuterProduct(random_state=seed), MODELS["ridge"](seed, is_classification)
    )


MODELS = {
    "linear": lambda seed, is_classification: (
        LogisticRegression(max_iter=2000) if is_classification else LinearRegression()
    ),
    "HistGB": _either(HistGradientBoostingRegressor, HistGradientBoostingClassifier),
    "LightGBM": _lightgbm,
    "SVM": _either(SVR, SVC),
    "MLP": _either(MLPRegressor, MLPClassifier),
    "MLP, early stopping": _either(MLPRegressor, MLPClassifier, early_stopping=True),
    "network": _either(OverparamNetRegressor, OverparamNetClassifier),
    "ridge": _either(RandomFeatureRidge, RandomFeatureRidgeClassifier),
    "learned ridge": _learned_ridge,
}
# (Model, peer): pairs whose differences are printed.
PAIRS = (("network", "MLP"), ("learned ridge", "ridge"))


def measure(table, models):
    """{model: (scores, CPU seconds)} over the splits."""
    results = {name: ([], []) for name in models}
    for seed, (train, test) in enumerate(table.splits()):
        prepared = preparation().fit(table.X.iloc[train])
        X = prepared.transform(table.X.iloc[train])
        X_test = prepared.transform(table.X.iloc[test])
        for name in models:
            model = MODELS[name](seed, table.is_classification)
            start = time.process_time()
            model.fit(X, table.y[train])
            results[name][1].append(time.process_time() - start)
            results[name][0].append(model.score(X_test, table.y[test]))
    return results


def warm_up(models):
    """Compile, so that no table pays for it."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((100, 3))
    for name in models:
        for is_classification, y in ((False, X[:, 0]), (True, X[:, 0] > 0)):
            MODELS[name](0, is_classification).fit(X, y)


def main():
    """Print a table of mean scores, then one of mean CPU seconds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", nargs="+", choices=NAMES, default=NAMES)
    default = [name for name in MODELS if name != "learned ridge"]
    parser.add_argument("--models", nargs="+", choices=MODELS, default=default)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    warm_up(args.models)
    rows = []
    for name in args.tables:
        rows.append((name, measure(load(name), args.models)))
        print(f"{name} done", flush=True)
    head = f"| table | {' | '.join(args.models)} |\n|{' --- |' * (1 + len(args.models))}"
    for title, part, digits in (("Mean test score", 0, 3), ("Mean CPU seconds", 1, 2)):
        print(f"\n{title}\n\n{head}")
        for name, results in rows:
            cells = (f"{np.mean(results[m][part]):.{digits}f}" for m in args.models)
            print(f"| {name} | {' | '.join(cells)} |")
    for model, peer in PAIRS:
        if not {model, peer} <= set(args.models):
            continue
        print(f"\n{model} minus {peer}, with its standard error over the splits\n")
        for name, results in rows:
            difference = np.subtract(results[model][0], results[peer][0])
            error = np.std(difference, ddof=1) / np.sqrt(len(difference))
            print(f"{name:14} {difference.mean():+.3f} +- {error:.3f}")


if __name__ == "__main__":
    main()
