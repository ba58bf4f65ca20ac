"""Default estimators on twelve real tables: scores and CPU seconds.

All models get the same columns, imputed, standardised and one-hot coded, and raw targets.
They are fitted in turn in one run, on the same splits. Differences are paired by split.

    python benchmarks/bench_tables.py [--tables Boston Hdma] [--models linear network]

"learned ridge", the ridge after GradientOuterProduct, is measured only if `--models` lists
the model.

`--save benchmarks/tables.json` stores scores and times, next to those of other models that
the file has. `tables_page.py` makes the page of the documentation from the file.
"""

import argparse
import json
import os
import time
import warnings
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from scipy.stats import rankdata
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
    RandomReLUFeatures,
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
    ridge = MODELS["ridge"](seed, is_classification)
    return make_pipeline(GradientOuterProduct(random_state=seed), ridge)


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
}
# Run by name only: other widths, and penalties that the default is compared with.
VARIANTS = (
    {"learned ridge": _learned_ridge}
    | {
        f"ridge, width {width}": _either(
            RandomFeatureRidge,
            RandomFeatureRidgeClassifier,
            features=RandomReLUFeatures(width),
        )
        for width in (300, 4000)
    }
    | {
        f"ridge, alpha {alpha:g}": _either(
            RandomFeatureRidge, RandomFeatureRidgeClassifier, alphas=alpha
        )
        for alpha in (1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0)
    }
)

COMPARISONS = [
    ("network", ["MLP", "MLP, early stopping"]),
    ("network", ["linear"]),
    ("ridge", ["linear"]),
    ("ridge", ["HistGB"]),
    ("learned ridge", ["ridge"]),
]


def measure(table, models):
    """{model: (scores, CPU seconds)} over the splits."""
    results = {name: ([], []) for name in models}
    for seed, (train, test) in enumerate(table.splits()):
        prepared = preparation().fit(table.X.iloc[train])
        X = prepared.transform(table.X.iloc[train])
        X_test = prepared.transform(table.X.iloc[test])
        for name in models:
            model = (MODELS | VARIANTS)[name](seed, table.is_classification)
            start = time.process_time()
            model.fit(X, table.y[train])
            results[name][1].append(time.process_time() - start)
            results[name][0].append(model.score(X_test, table.y[test]))
    return results


def save(path, table, results):
    """Store results in a JSON file; models that are not in `results` stay as they are."""
    path = Path(path)
    stored = json.loads(path.read_text()) if path.exists() else {}
    entry = stored.setdefault(table.name, {"models": {}})
    entry["n_rows"], entry["n_columns"] = table.X.shape
    entry["n_splits"] = len(table.splits())
    entry["is_classification"] = table.is_classification
    for name, (scores, seconds) in results.items():
        entry["models"][name] = {
            "scores": [round(score, 5) for score in scores],
            "cpu_seconds": [round(second, 4) for second in seconds],
        }
    path.write_text(json.dumps(stored, indent=1) + "\n")


def warm_up(models):
    """Compile, so that no table pays for it."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((100, 3))
    for name in models:
        for is_classification, y in ((False, X[:, 0]), (True, X[:, 0] > 0)):
            (MODELS | VARIANTS)[name](0, is_classification).fit(X, y)


def difference(results, one, others):
    """Mean of model `one` minus the best of `others`, paired by split, and its error.

    The best is the model with the highest mean score.
    """
    best = max(others, key=lambda name: np.mean(results[name][0]))
    apart = np.subtract(results[one][0], results[best][0])
    return best, apart.mean(), np.std(apart, ddof=1) / np.sqrt(len(apart))


def print_table(title, models, rows, part, digits):
    """Print the means of the scores (part 0) or CPU seconds (part 1)."""
    print(f"\n{title}\n\n| table | {' | '.join(models)} |\n|{' --- |' * (1 + len(models))}")
    for name, results in rows.items():
        cells = (f"{np.mean(results[m][part]):.{digits}f}" for m in models)
        print(f"| {name} | {' | '.join(cells)} |")


def print_ranks(models, rows):
    """Print the mean rank of every model; 1 is the best."""
    scores = [[np.mean(results[m][0]) for m in models] for results in rows.values()]
    ranks = rankdata(-np.array(scores), axis=1).mean(axis=0)
    print("\nMean rank\n")
    for rank, name in sorted(zip(ranks, models, strict=True)):
        print(f"{name:22} {rank:.2f}")


def main():
    """Print mean scores, mean CPU seconds, mean ranks and paired differences."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument(
        "--models", nargs="+", choices=MODELS | VARIANTS, default=list(MODELS)
    )
    parser.add_argument("--save", help="JSON file for all scores and times")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    warm_up(args.models)
    rows = {}
    for name in args.tables:
        table = load(name)
        rows[name] = measure(table, args.models)
        print(f"{name} done", flush=True)
        if args.save:
            save(args.save, table, rows[name])
    print_table("Mean test score", args.models, rows, 0, 3)
    print_table("Mean CPU seconds", args.models, rows, 1, 2)
    print_ranks(args.models, rows)
    for one, others in COMPARISONS:
        if not {one, *others} <= set(args.models):
            continue
        print(f"\n{one} minus the best of {', '.join(others)}, with its standard error\n")
        for name, results in rows.items():
            best, mean, error = difference(results, one, others)
            print(f"{name:14} {mean:+.3f} +- {error:.3f} ({best})")


if __name__ == "__main__":
    main()
