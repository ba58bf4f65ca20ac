"""Claim: eta0="auto" never diverges, and is close to the best constant learning rate.

The level of a setting is 1.1 times the lowest mean training loss that any constant learning
rate of a grid reaches in 100 epochs. The grid is 4**k eta0_ for k = -3, ..., 4, where eta0_
is the result of "auto". The script compares the epochs of "auto" and of the best constant
learning rate until they reach the level. The target is a ratio of at most 3; RESULTS.md
says in how many settings it is met. A loss below a millionth of the loss of the prediction
0 counts as 0. "auto" may take 300 epochs.

The settings are all combinations of data (diabetes, digits, a Gaussian neuron), factors of
X and of a real y, width, loss, train, parametrization and activation. The squared loss is
that of the regressor. The hinge loss is that of the classifier, with all ten classes on
digits, and with two classes elsewhere: is y above its median? The script prints the
settings by group, then the worst settings.

    python benchmarks/bench_eta0.py [--full] [--data digits] [--losses hinge]
        [--widths 1 100] [--trains both] [--factors 1] [--activations tanh] [--jobs 2]
"""

import argparse
import math
import statistics
import warnings
from collections import defaultdict
from itertools import product
from time import perf_counter
from typing import NamedTuple

import numpy as np
from joblib import Parallel, delayed
from sklearn.datasets import load_diabetes, load_digits
from sklearn.exceptions import ConvergenceWarning

from skrf import OverparamNetClassifier, OverparamNetRegressor, make_single_neuron

DATA = ["diabetes", "digits", "neuron"]
LOSSES = ["squared_error", "hinge"]
TRAINS = ["both", "output", "hidden"]
PARAMETRIZATIONS = ["standard", "ntk"]
WIDTHS = [1, 100, 2000]
ACTIVATIONS = ["relu"]
FACTORS = [1e-3, 1.0, 1e3]
GRID = range(-3, 5)
EPOCHS, GRID_EPOCHS = 300, 100
ROWS = 100
TOLERANCE, FLOOR = 1.1, 1e-6
ALLOWED = 3
WORST = 15


class Setting(NamedTuple):
    """One problem; `x` and `y` are factors that multiply X and y."""

    data: str
    x: float
    y: float
    loss: str
    train: str
    parametrization: str
    width: int
    activation: str


class Outcome(NamedTuple):
    """The results of "auto" and of the grid on one setting."""

    diverged: bool
    doublings: float  # log2 of eta0_ over the initial estimate
    eta0: float
    epochs: float  # needed by "auto"; infinite above EPOCHS
    best_epochs: int
    best_k: int  # the best learning rate is 4**k eta0_

    @property
    def ratio(self):
        return self.epochs / self.best_epochs


def load(setting):
    """Return X and y of up to ROWS rows, with labels for the hinge loss."""
    if setting.data == "diabetes":
        X, y = load_diabetes(return_X_y=True)
    elif setting.data == "digits":
        X, y = load_digits(return_X_y=True)
    else:
        X, y = make_single_neuron(n_samples=ROWS, n_features=10, random_state=0)
    X, y = setting.x * X[:ROWS], y[:ROWS]
    if setting.loss == "squared_error":
        return X, setting.y * y
    return X, y if setting.data == "digits" else y > np.median(y)


def fit(setting, X, y, eta0, epochs):
    """Return the fitted network, and whether it diverged."""
    kinds = {"squared_error": OverparamNetRegressor, "hinge": OverparamNetClassifier}
    net = kinds[setting.loss](
        setting.width,
        loss=setting.loss,
        train=setting.train,
        parametrization=setting.parametrization,
        activation=setting.activation,
        eta0=eta0,
        max_iter=epochs,
        tol=None,
        random_state=0,
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        net.fit(X, y)
    diverged = any(issubclass(w.category, ConvergenceWarning) for w in caught)
    return net, diverged or not np.isfinite(net.loss_curve_).all()


def epochs_to(curve, level):
    """Return the number of epochs until the loss is at most `level`."""
    return next((epoch for epoch, loss in enumerate(curve, 1) if loss <= level), math.inf)


def compare(setting):
    """Run "auto" and the grid on one setting."""
    X, y = load(setting)
    net, diverged = fit(setting, X, y, "auto", EPOCHS)
    curve, curves = net.loss_curve_, {}
    for k in GRID:
        # With k = 0 the learning rate is that of "auto", and so is the fit.
        same, failed = (net, diverged) if k == 0 else (None, False)
        if same is None:
            same, failed = fit(setting, X, y, net.eta0_ * 4.0**k, GRID_EPOCHS)
        if not failed:
            curves[k] = same.loss_curve_[:GRID_EPOCHS]
    at_zero = (y**2).mean() / 2 if setting.loss == "squared_error" else 1.0
    lowest = {k: min(curve) for k, curve in curves.items()}
    level = max(TOLERANCE * min(lowest.values(), default=math.inf), FLOOR * at_zero)
    # The best learning rate reaches the level first.
    counts = {k: epochs_to(curve, level) for k, curve in curves.items()}
    best_k = min(counts, key=lambda k: (counts[k], abs(k)), default=0)
    return Outcome(
        diverged=diverged,
        doublings=math.log2(net.eta0_ / net._sgd.estimate.stable_step),
        eta0=net.eta0_,
        epochs=epochs_to(curve, level),
        best_epochs=counts.get(best_k, GRID_EPOCHS),
        best_k=best_k,
    )


def settings(options):
    """Return all combinations; labels are not scaled."""
    for setting in product(
        options.data,
        options.factors,
        options.factors,
        options.losses,
        options.trains,
        PARAMETRIZATIONS,
        options.widths,
        options.activations,
    ):
        setting = Setting(*setting)
        if setting.loss == "squared_error" or setting.y == options.factors[0]:
            yield setting if setting.loss == "squared_error" else setting._replace(y=1.0)


def print_groups(outcomes, names):
    """Print one row for each combination of the named fields of the settings."""
    groups = defaultdict(list)
    for setting, outcome in outcomes.items():
        groups[tuple(getattr(setting, name) for name in names)].append(outcome)
    columns = [*names, "settings", "diverged", "doublings", f"within {ALLOWED}"]
    columns += ["median ratio", "worst", "too small", "too large"]
    print("\n|", *(f"{name} |" for name in columns))
    print("| --: " * len(columns) + "|")
    for values, group in groups.items():
        ratios = [outcome.ratio for outcome in group]
        missed = [outcome for outcome in group if outcome.ratio > ALLOWED]
        cells = [f"{v:g}" if isinstance(v, float) else v for v in values]
        cells += [len(group), sum(o.diverged for o in group)]
        moves = [o.doublings for o in group]
        cells += [f"{min(moves):.0f} to {max(moves):.0f}"]
        cells += [f"{1 - len(missed) / len(group):.0%}"]
        cells += [f"{statistics.median_high(ratios):.3g}", f"{max(ratios):.3g}"]
        cells += [sum(o.best_k > 0 for o in missed), sum(o.best_k < 0 for o in missed)]
        print("|", *(f"{cell} |" for cell in cells))


def print_worst(outcomes):
    """Print the settings with the largest ratios."""
    print("\n|", *(f"{name} |" for name in Setting._fields), end=" ")
    print("eta0_ | epochs | epochs of best | best / eta0_ |")
    print("| --: " * (len(Setting._fields) + 4) + "|")

    def rank(setting):
        return outcomes[setting].ratio, -outcomes[setting].best_epochs

    for setting in sorted(outcomes, key=rank, reverse=True)[:WORST]:
        o = outcomes[setting]
        cells = [f"{v:g}" if isinstance(v, float) else v for v in setting]
        cells += [f"{o.eta0:.2g}", o.epochs, o.best_epochs, f"4^{o.best_k}"]
        print("|", *(f"{cell} |" for cell in cells))


def main(argv=None):
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", nargs="+", choices=DATA, default=DATA)
    parser.add_argument("--losses", nargs="+", choices=LOSSES, default=LOSSES)
    parser.add_argument("--trains", nargs="+", choices=TRAINS, default=TRAINS)
    parser.add_argument("--widths", nargs="+", type=int, default=WIDTHS)
    parser.add_argument("--factors", nargs="+", type=float, default=FACTORS)
    parser.add_argument("--activations", nargs="+", default=ACTIVATIONS)
    parser.add_argument("--full", action="store_true", help="also width 20,000")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args(argv)
    if options.full:
        options.widths = [*options.widths, 20_000]
    start = perf_counter()
    # The slowest settings first, so that all processes end at about the same time.
    todo = sorted(settings(options), key=lambda setting: -setting.width)
    found = Parallel(n_jobs=options.jobs, batch_size=1)(map(delayed(compare), todo))
    outcomes = dict(zip(todo, found, strict=True))
    within = [outcome.ratio <= ALLOWED for outcome in found]
    print(f"{len(found)} settings in {perf_counter() - start:.0f} s; ", end="")
    print(f"diverged: {sum(outcome.diverged for outcome in found)}; ", end="")
    print(f"within a factor {ALLOWED}: {statistics.mean(within):.1%}")
    for names in (
        ["loss", "train", "parametrization", "width"],
        ["data", "loss", "x", "y"],
        ["activation", "width"],
    ):
        print_groups(outcomes, names)
    print_worst(outcomes)


if __name__ == "__main__":
    main()
