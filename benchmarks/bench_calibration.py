"""Probabilities of the ridge classifier against calibration by five folds.

Claim: on four tables, the log loss of `RandomFeatureRidgeClassifier().predict_proba` is at
most that of `CalibratedClassifierCV` on the same classifier plus 0.005, for both of its
methods, in at most 0.3 of its CPU time. Times are of `fit` and of the probabilities of the
test rows. All models get the same columns, imputed, standardised and one-hot coded, the
same splits and the same seeds. They are fitted in turn.

    python benchmarks/bench_calibration.py [--tables wine digits]
"""

import argparse
import os
import time
import warnings

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.metrics import log_loss
from tables import load, preparation

from skrf import RandomFeatureRidgeClassifier

TABLES = ("digits", "wine", "breast_cancer", "Hdma")
LOSS_MARGIN, TIME_RATIO = 0.005, 0.3


def _calibrated(method):
    def new(seed):
        model = RandomFeatureRidgeClassifier(random_state=seed)
        return CalibratedClassifierCV(model, method=method, cv=5, ensemble=False)

    return new


OURS = "one fit"
MODELS = {
    OURS: lambda seed: RandomFeatureRidgeClassifier(random_state=seed),
    "5 folds, sigmoid": _calibrated("sigmoid"),
    "5 folds, temperature": _calibrated("temperature"),
}


def measure(table):
    """{model: (log losses, CPU seconds)} over the splits."""
    results = {name: ([], []) for name in MODELS}
    for seed, (train, test) in enumerate(table.splits()):
        prepared = preparation().fit(table.X.iloc[train])
        X = prepared.transform(table.X.iloc[train])
        X_test = prepared.transform(table.X.iloc[test])
        labels = np.unique(table.y[train])
        for name, new in MODELS.items():
            start = time.process_time()
            P = new(seed).fit(X, table.y[train]).predict_proba(X_test)
            results[name][1].append(time.process_time() - start)
            results[name][0].append(log_loss(table.y[test], P, labels=labels))
    return results


def print_comparison(name, results):
    """Print means, the paired difference of every peer, and what the claim misses."""
    losses, seconds = results[OURS]
    print(f"| {name} | {OURS} | {np.mean(losses):.4f} | | {np.mean(seconds):.2f} | | |")
    for peer in list(MODELS)[1:]:
        peer_losses, peer_seconds = results[peer]
        apart = np.subtract(losses, peer_losses)
        error = np.std(apart, ddof=1) / np.sqrt(len(apart))
        ratio = np.mean(seconds) / np.mean(peer_seconds)
        missed = [
            *(["log loss"] if apart.mean() > LOSS_MARGIN else []),
            *(["time"] if ratio > TIME_RATIO else []),
        ]
        print(
            f"| {name} | {peer} | {np.mean(peer_losses):.4f} | {apart.mean():+.4f} +- "
            f"{error:.4f} | {np.mean(peer_seconds):.2f} | {ratio:.2f} | "
            f"{' and '.join(missed)} |",
            flush=True,
        )


def main():
    """Print a row for each table and model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", nargs="+", choices=TABLES, default=TABLES)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(0)
    X = rng.standard_normal((100, 3))
    for new in MODELS.values():  # compiles, so that no table pays for it
        new(0).fit(X, X[:, 0] > 0).predict_proba(X)
    print(
        "| table | model | log loss | ours minus the peer | CPU seconds | ours / peer | "
        "missed |\n| --- | --- | --: | --: | --: | --: | --- |"
    )
    for name in args.tables:
        print_comparison(name, measure(load(name)))


if __name__ == "__main__":
    main()
