"""Examples 4.3 and 4.9: random features compared with the lower bounds."""

from __future__ import annotations

import math
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

from skrf import gaussian
from skrf._utils.typing import RandomState
from skrf._utils.validation import (
    FRACTION,
    POSITIVE_INTEGER,
    NumericInterval,
    check_arguments,
)
from skrf.theory._floors import error_floor
from skrf.theory._report import Report, Row, compared
from skrf.theory._setup import checked_dimensions, draw_features, unit_neuron
from skrf.theory._weights import PRINTED_ERROR, weight_floor

_DIMENSIONS = (8, 16, 24, 32, 40)
# The target of the rows with biases, which the examples of the paper do not have.
_D_WITH_BIASES, _BIAS = 10, -1.0


def _list(values, form="{:.2g}"):
    return ", ".join(form.format(value) for value in values)


def _power(dimensions, values):
    """The exponent of a fitted power of d, as text."""
    if len(dimensions) < 2:
        return ""
    return f", like d^{np.polyfit(np.log(dimensions), np.log(values), 1)[0]:.1f}"


def two_layer_errors(rng, d, width, n_samples):
    """Training and test error of two random layers of ReLUs on one neuron, b* = 0.

    The features f(W x) = relu(V relu(W x)) have no biases. Least squares on n samples has a
    training error below, and a test error above, the minimum error of the features in mean.
    """
    W, _ = draw_features(rng, width, d)
    V = rng.standard_normal((width, width)) / math.sqrt(width)
    target = unit_neuron(d, 0.0)
    Z, y = [], []
    for _ in range(2):
        X = rng.standard_normal((n_samples, d))
        Z.append(np.maximum(np.maximum(X @ W.T, 0) @ V.T, 0))
        y.append(target(X))
    u = np.linalg.lstsq(Z[0], y[0], rcond=1e-10)[0]
    return [2 * float(np.mean((z @ u - t) ** 2)) for z, t in zip(Z, y, strict=True)]


@check_arguments(
    {
        "dimensions": ["array-like"],
        "width": [POSITIVE_INTEGER],
        "error": [FRACTION],
        "n_samples": [NumericInterval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=False,
)
def example_4_3(
    dimensions: ArrayLike = _DIMENSIONS,
    width: int = 1000,
    error: float = 0.1,
    *,
    n_samples: int = 8000,
    random_state: RandomState = 0,
) -> Report:
    r"""Example 4.3: random ReLU features without biases, in growing dimension.

    .. math:: \min_u E\Big(\sum_{i \le r} u_i\, relu(\langle w_i, x\rangle)
              - relu(\langle w^*, x\rangle)\Big)^2, \quad x \sim N(0, I),

    for rows w_i on the unit sphere, next to lower bounds for features of any kind, and two
    random layers :math:`relu(V\, relu(Wx))`.

    Parameters
    ----------
    dimensions : array-like of int, default=(8, 16, 24, 32, 40)
        Numbers of inputs in increasing order, from 2 to 2000.
    width : int, default=1000
        Number r of features.
    error : float, default=0.1
        Relative error for which the minimum of r max|u| is computed, in (0, 1).
    n_samples : int, default=8000
        Number of training samples and of test samples for the two-layer features. These
        have a quarter of the width.
    random_state : int, RandomState instance or None, default=0
        Controls the random features; pass an int for reproducible output across multiple
        function calls.

    Returns
    -------
    report : Report
        With values "dimensions", and for each dimension "errors" (exact minimum error of
        `width` features), "floor" (its lower bound), "weights" (minimum of F r max|u|
        for ||w*|| = 1, inf if the error is not attained), "weight_floor" (its lower bound
        with probability 99%), "log10_weight" (log10 of the lower bound of F r max|u| for
        the target of Theorem 4.2), "two_layers" (training and test errors) and
        "two_layer_floor".

    Raises
    ------
    ValueError
        If a parameter is out of its range.
    LinAlgError
        If the Gram matrix of the features has no Cholesky factor, even with a jitter.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Example 4.3.

    Examples
    --------
    >>> from skrf.theory import example_4_3
    >>> values = example_4_3([3, 6], 50, n_samples=500).values
    >>> bool((values["errors"] > values["floor"]).all())
    True
    """
    ds, rng = checked_dimensions(dimensions), check_random_state(random_state)
    norm = math.sqrt(0.5)
    errors, weights, layers = [], [], []
    for d in ds:
        W, _ = draw_features(rng, width, d)
        target = unit_neuron(d, 0.0)
        best = gaussian.best_error(W, np.zeros(width), target)
        least = gaussian.min_weight(W, np.zeros(width), target, error / 2)
        errors.append(best.relative[-1])
        # F = ||relu(<w_i, x>)|| for a unit vector w_i.
        weights.append(norm * width * least.weight if least.feasible else np.inf)
        layers.append(two_layer_errors(rng, d, max(1, width // 4), n_samples))
    values = {
        "dimensions": ds,
        "errors": np.array(errors),
        "floor": np.array([error_floor(width, int(d)) for d in ds]),
        "weights": np.array(weights),
        "weight_floor": np.array([10 ** weight_floor(error, int(d)) for d in ds]),
        "log10_weight": np.array(
            [
                weight_floor(PRINTED_ERROR, int(d), weight_norm=d**2, absolute=True)
                for d in ds
            ]
        ),
        "two_layers": np.array(layers),
        "two_layer_floor": np.array([error_floor(width // 4, int(d)) for d in ds]),
    }
    source = (
        "Two-layer networks without biases, with a random first layer, as features; "
        "growth with d instead of one number."
    )
    rows = _rows_of_example_4_3(width, error, values)
    return Report("Example 4.3", source, rows, values)


def _rows_of_example_4_3(width, error, values):
    ds, best = values["dimensions"], values["errors"]
    sweep = f"d = {_list(ds, '{}')}"
    unit = "b* = 0, ||w*|| = 1, relative errors"
    # The relative error 1/50 / (d^4 / 2) of the theorem's target.
    printed = PRINTED_ERROR / (ds**4.0 / 2)
    fixed = values["weights"]
    growth = _power(ds, fixed) if np.isfinite(fixed).all() else ""
    train, test = values["two_layers"].T
    return (
        compared(
            "Ex. 4.3, the theorem's target",
            f"{sweep}, ||w*|| = d^2, b* = 0, absolute error 1/50; {width} random ReLUs "
            "without biases",
            "the error needs exponential r max|u|",
            f"not attained with any u: relative errors {_list(best)}, the target's "
            f"{_list(printed, '{:.1e}')}",
            bool((best > printed).all()),
            f"attained by {width} features at a d of this sweep",
        ),
        Row(
            "Ex. 4.3, best error and lower bound",
            f"{sweep}, {unit}; {width} random ReLUs without biases, one draw",
            "",
            "",
            f"{_list(best)}; any features, in mean: {_list(values['floor'])}",
            "measured",
        ),
        Row(
            "Ex. 4.3, minimum of F r max|u|",
            f"{sweep}, {unit} fixed at {error:g}; {width} random ReLUs without biases",
            "",
            "",
            f"{_list(fixed, '{:.3g}')}{growth}; any features, 99%: "
            f"{_list(values['weight_floor'])}. Not exponential at a fixed error",
            "measured",
        ),
        Row(
            "Thm 4.2, growth of the bound of F r max|u|",
            f"{sweep}, ||w*|| = d^2, b* = 0, absolute error 1/50; any features, 99%",
            "exponential for d > 40",
            "",
            f"10^({_list(values['log10_weight'], '{:.1f}')})",
            "measured",
        ),
        Row(
            "Ex. 4.3, two random layers relu(V relu(W x))",
            f"{sweep}, {unit}; {max(1, width // 4)} features, one draw",
            "",
            "",
            f"between training and test error {_list(train)} and {_list(test)}; any "
            f"features, in mean: {_list(values['two_layer_floor'])}",
            "measured",
        ),
    )


@check_arguments(
    {
        "dimensions": ["array-like"],
        "n_columns": [POSITIVE_INTEGER],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=False,
)
def example_4_9(
    dimensions: ArrayLike = _DIMENSIONS,
    n_columns: int = 1000,
    random_state: RandomState = 0,
) -> Report:
    r"""Example 4.9: linearised networks, Eq. (8), without biases.

    .. math:: \min_a E\Big(\sum_{i \le r} 1(\langle w_i, x\rangle > 0) \langle a_i, x\rangle
              - relu(\langle w^*, x\rangle)\Big)^2, \quad x \sim N(0, I),

    for rows w_i on the unit sphere, next to the lower bound for as many features of any
    kind. Two rows have biases b_i ~ N(0, 1), which Examples 4.3 and 4.9 do not have.

    Parameters
    ----------
    dimensions : array-like of int, default=(8, 16, 24, 32, 40)
        Numbers of inputs in increasing order, from 2 to 2000.
    n_columns : int, default=1000
        Number r d of features, about; r = n_columns // d neurons are drawn.
    random_state : int, RandomState instance or None, default=0
        Controls the random networks; pass an int for reproducible output across multiple
        function calls.

    Returns
    -------
    report : Report
        With values "dimensions", and for each dimension "n_features", "errors" (exact
        minimum errors) and "floor" (lower bounds in mean). "with_biases" has, for d = 10
        and b* = -1, "n_features", "random" and "linearised" (minimum errors), "without"
        (of the linearised network without biases) and "floor".

    Raises
    ------
    ValueError
        If a parameter is out of its range.
    LinAlgError
        If the Gram matrix of the features has no Cholesky factor, even with a jitter.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Example 4.9 and Eq. (8).

    Examples
    --------
    >>> from skrf.theory import example_4_9
    >>> values = example_4_9([3, 6], 60).values
    >>> values["n_features"], bool((values["errors"] > values["floor"]).all())
    (array([60, 60]), True)
    """
    ds, rng = checked_dimensions(dimensions), check_random_state(random_state)
    widths = np.maximum(1, n_columns // ds)
    errors = []
    for d, width in zip(ds, widths, strict=True):
        W, _ = draw_features(rng, width, d)
        best = gaussian.best_tangent_error(W, np.zeros(width), unit_neuron(d, 0.0))
        errors.append(best.relative[-1])
    values = {
        "dimensions": ds,
        "n_features": widths * ds,
        "errors": np.array(errors),
        "floor": np.array(
            [error_floor(n, int(d)) for n, d in zip(widths * ds, ds, strict=True)]
        ),
        "with_biases": _with_biases(rng, n_columns),
    }
    sweep = f"d = {_list(ds, '{}')}"
    printed = PRINTED_ERROR / (ds**4.0 / 2)
    rows = (
        compared(
            "Ex. 4.9, the theorem's target",
            f"{sweep}, ||w*|| = d^2, b* = 0, absolute error 1/50; about {n_columns} "
            "columns of Eq. (8)",
            "the error needs exponential r max|u|",
            f"not attained with any coefficients: relative errors {_list(errors)}, the "
            f"target's {_list(printed, '{:.1e}')}",
            bool((values["errors"] > printed).all()),
            "attained at a d of this sweep",
        ),
        Row(
            "Ex. 4.9, best error and lower bound",
            f"{sweep}, b* = 0, ||w*|| = 1, relative errors; about {n_columns} columns of "
            "Eq. (8), one draw",
            "",
            "",
            f"{_list(errors)}; any features, in mean: {_list(values['floor'])}",
            "measured",
        ),
        *_rows_with_biases(values["with_biases"]),
    )
    source = "The linearised network, whose features are gradients at random weights."
    return Report("Example 4.9", source, rows, values)


def _with_biases(rng, n_features):
    """Minimum errors of features with biases N(0, 1), and of gates without biases."""
    d, bias = _D_WITH_BIASES, _BIAS
    target, neurons = unit_neuron(d, bias), max(1, n_features // d)
    random = gaussian.best_error(*draw_features(rng, n_features, d), target)
    W, b = draw_features(rng, neurons, d)
    biased, plain = (gaussian.best_tangent_error(W, c, target) for c in (b, 0 * b))
    floor = error_floor(np.arange(1, n_features + 1), d, bias)
    return {
        "n_features": np.arange(1, n_features + 1),
        "random": random.relative,
        "linearised": biased.relative,
        "without": plain.relative,
        "n_linearised": d * np.arange(1, neurons + 1),
        "floor": floor,
    }


def _rows_with_biases(values):
    n = len(values["n_features"])
    regime = (
        f"d = {_D_WITH_BIASES}, b* = {_BIAS:g}, ||w*|| = 1, relative errors, {n} features, "
        "one draw"
    )
    floor = f"any features, in mean: {values['floor'][-1]:.2g}"
    return (
        Row(
            "Random ReLUs with biases N(0, 1), not in Ex. 4.3",
            regime,
            "",
            "",
            f"{values['random'][-1]:.2g}; {floor}",
            "measured",
        ),
        Row(
            "Linearised network with biases N(0, 1), not in Ex. 4.9",
            regime,
            "",
            "",
            f"{values['linearised'][-1]:.2g} with biases, {values['without'][-1]:.2g} "
            f"without; {floor}",
            "measured",
        ),
    )
