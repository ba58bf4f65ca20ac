"""What features gain by learning directions, and a target where they gain nothing."""

from numbers import Integral

import numpy as np
from sklearn.metrics import r2_score
from sklearn.pipeline import make_pipeline
from sklearn.utils import check_random_state

from skrf import gaussian
from skrf._utils.random import draw_seed
from skrf._utils.typing import RandomState
from skrf._utils.validation import POSITIVE_INTEGER, NumericInterval, check_arguments
from skrf.features import RandomReLUFeatures
from skrf.ridge import GradientOuterProduct, RandomFeatureRidge
from skrf.theory._floors import error_floor
from skrf.theory._report import Report, Row
from skrf.theory._risk import exact_risk
from skrf.theory._setup import BIAS, checked_dimensions, unit_neuron

_N_TEST = 10_000


@check_arguments(
    {
        "dimensions": ["array-like"],
        "width": [POSITIVE_INTEGER],
        "bias": [BIAS],
        "n_samples": [NumericInterval(Integral, 6, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=False,
)
def learned_directions(
    dimensions: tuple[int, ...] = (20, 40),
    width: int = 500,
    bias: float = -1.0,
    n_samples: int = 2000,
    random_state: RandomState = 0,
) -> Report:
    r"""Ridge on random features of a learned metric, compared with fixed features.

    The target is one neuron relu(x_1 + b*) without noise, x ~ N(0, I). Three errors are
    exact: the best error of `width` fixed random ReLUs with any output weights, the lower
    bound of the mean error of as many fixed features of any kind, and the error of ridge
    regression on as many random ReLUs after `GradientOuterProduct` [2]_. The second target
    is the third Hermite polynomial of x_1. It is uncorrelated with all polynomials of
    degree 1 and 2, so the gradients of the first fit do not show the direction.

    Parameters
    ----------
    dimensions : sequence of int, default=(20, 40)
        Numbers d of inputs, from 2 to 2000.
    width : int, default=500
        Number of features.
    bias : float, default=-1.0
        Bias b* of the target, in [-35, 1000]; ||w*|| = 1.
    n_samples : int, default=2000
        Number of training rows, at least 6.
    random_state : int, RandomState instance or None, default=0
        Controls the rows and features; pass an int for reproducible output across multiple
        function calls.

    Returns
    -------
    report : Report
        With values "dimensions", and for each dimension "fixed" (best error of the fixed
        features), "floor", "learned" (error after learning) and "hermite" (relative error
        on the third Hermite polynomial, on 10,000 test rows).

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Theorems 4.2 and 4.8 are about features
       that are fixed before the target is known.
    .. [2] A. Radhakrishnan, D. Beaglehole, P. Pandit and M. Belkin, "Mechanism for feature
       learning in neural networks and backpropagation-free machine learning models",
       Science 383, 2024.

    Examples
    --------
    >>> from skrf.theory import learned_directions
    >>> values = learned_directions((10,), width=100, n_samples=500).values
    >>> values["learned"][0] < values["floor"][0] < values["fixed"][0]
    True
    """
    rng, rows = check_random_state(random_state), []
    values: dict = {
        "dimensions": [],
        "fixed": [],
        "floor": [],
        "learned": [],
        "hermite": [],
    }
    for d in checked_dimensions(dimensions, increasing=False).tolist():
        errors = _errors_in(d, width, bias, n_samples, rng)
        for name, value in zip(values, (d, *errors), strict=True):
            values[name].append(value)
        rows.append(_row(width, bias, *(of_all[-1] for of_all in values.values())))
    source = (
        "Features that are fixed in advance need very many neurons for one neuron. One "
        "average of gradients of a convex fit finds its direction."
    )
    return Report("Learned directions", source, tuple(rows), values)


def _errors_in(d, width, bias, n_samples, rng):
    """Errors of fixed features, their lower bound, and errors of learned features."""
    seed, target = draw_seed(rng), unit_neuron(d, bias)
    X = rng.standard_normal((n_samples + _N_TEST, d))
    train, test = slice(n_samples), slice(n_samples, None)
    fixed = RandomReLUFeatures(width, random_state=seed).fit(X)
    best = gaussian.best_error(fixed.weights_, fixed.biases_, target, intercept=True)
    learned = make_pipeline(
        GradientOuterProduct(features=fixed, random_state=seed),
        RandomFeatureRidge(fixed, random_state=seed),
    )
    risk = exact_risk(learned.fit(X[train], target(X[train])), target).relative
    hermite = (X[:, 0] ** 3 - 3 * X[:, 0]) / np.sqrt(6)
    learned.fit(X[train], hermite[train])
    missed = 1 - r2_score(hermite[test], learned.predict(X[test]))
    return float(best.relative[-1]), float(error_floor(width, d, bias)), risk, missed


def _row(width, bias, d, fixed, floor, learned, hermite):
    return Row(
        "ReLUs of learned directions",
        f"d = {d}, b* = {bias:g}, {width} features",
        "",
        "",
        f"error {learned:.2g}; best of fixed random ReLUs {fixed:.2g}, lower bound of any "
        f"{width} fixed features {floor:.2g}; He3(x_1) after learning {hermite:.2g}",
        "measured",
    )
