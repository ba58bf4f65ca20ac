"""Default and tuned estimators on twelve real tables: scores and CPU seconds.

All models get the same columns, imputed, standardised and one-hot coded, and raw targets.
They are fitted in turn in one run, on the same splits. Differences are paired by split.

    python benchmarks/bench_tables.py [--tables Boston Hdma] [--models linear network]
    python benchmarks/bench_tables.py --tuned

"learned ridge", the ridge after GradientOuterProduct, is measured only if `--models` lists
the model.

`--tuned` searches parameters, as described in `searches.py`, on fewer splits. The CPU
seconds include the search.

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
import searches
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


def measure(table, models, is_tuned=False):
    """{model: (scores, CPU seconds, parameters)} over the splits."""
    results = {name: ([], [], []) for name in models}
    splits = searches.splits(table) if is_tuned else table.splits()
    for seed, (train, test) in enumerate(splits):
        prepared = preparation().fit(table.X.iloc[train])
        X, y = prepared.transform(table.X.iloc[train]), table.y[train]
        X_test = prepared.transform(table.X.iloc[test])
        groups = None if table.groups is None else table.groups[train]
        for name in models:
            model, parameters = (MODELS | VARIANTS)[name](seed, table.is_classification), {}
            start = time.process_time()
            if is_tuned:
                model, parameters = searches.tuned(name, model, X, y, groups, seed)
            else:
                model.fit(X, y)
            results[name][1].append(time.process_time() - start)
            results[name][0].append(model.score(X_test, table.y[test]))
            results[name][2].append(parameters)
    return results


def _rounded(parameters):
    return {
        name: float(f"{value:.3g}") if isinstance(value, float) else value
        for name, value in parameters.items()
    }


def save(path, table, results, is_tuned=False):
    """Store results in a JSON file; models that are not in `results` stay as they are."""
    path = Path(path)
    stored = json.loads(path.read_text()) if path.exists() else {}
    entry = stored.setdefault(table.name, {"models": {}})
    entry["n_rows"], entry["n_columns"] = table.X.shape
    entry["n_splits"] = len(table.splits())
    entry["is_classification"] = table.is_classification
    models = entry.setdefault("tuned", {}) if is_tuned else entry["models"]
    for name, (scores, seconds, parameters) in results.items():
        models[name] = {
            "scores": [round(score, 5) for score in scores],
            "cpu_seconds": [round(second, 4) for second in seconds],
        }
        if is_tuned:
            models[name]["parameters"] = [_rounded(found) for found in parameters]
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
    parser.add_argument("--models", nargs="+", choices=MODELS | VARIANTS)
    parser.add_argument("--tuned", action="store_true", help="search parameters")
    parser.add_argument("--save", help="JSON file for all scores and times")
    args = parser.parse_args()
    available = searches.SPACES if args.tuned else MODELS | VARIANTS
    models = args.models or [name for name in MODELS if name in available]
    if not set(models) <= set(available):
        parser.error(f"With --tuned, `--models` must be of {', '.join(available)}.")
    warnings.simplefilter("ignore")
    warm_up(models)
    rows = {}
    for name in args.tables:
        table = load(name)
        rows[name] = measure(table, models, args.tuned)
        print(f"{name} done", flush=True)
        if args.save:
            save(args.save, table, rows[name], args.tuned)
    print_table("Mean test score", models, rows, 0, 3)
    print_table("Mean CPU seconds", models, rows, 1, 2)
    print_ranks(models, rows)
    for one, others in COMPARISONS:
        if not {one, *others} <= set(models):
            continue
        print(f"\n{one} minus the best of {', '.join(others)}, with its standard error\n")
        for name, results in rows.items():
            best, mean, error = difference(results, one, others)
            print(f"{name:14} {mean:+.3f} +- {error:.3f} ({best})")


if __name__ == "__main__":
    main()
