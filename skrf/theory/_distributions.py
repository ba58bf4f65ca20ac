"""Remark 4.4: other spherically symmetric distributions of the rows of W."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from skrf import gaussian
from skrf._utils.typing import RandomState
from skrf._utils.validation import FRACTION, POSITIVE_INTEGER, check_arguments
from skrf.gaussian._relu_spectrum import log_squared_norm
from skrf.theory._floors import error_floor
from skrf.theory._report import Report, compared
from skrf.theory._setup import BIAS, DIMENSION, draw_features, unit_neuron
from skrf.theory._weights import weight_floor


@check_arguments(
    {
        "d": [DIMENSION],
        "width": [POSITIVE_INTEGER],
        "bias": [BIAS],
        "error": [FRACTION],
        "n_draws": [POSITIVE_INTEGER],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=False,
)
def remark_4_4(
    d: int = 10,
    width: int = 300,
    bias: float = -1.0,
    error: float = 0.3,
    *,
    n_draws: int = 3,
    random_state: RandomState = 0,
) -> Report:
    r"""Remark 4.4: rows of W with another spherically symmetric distribution, and biases.

    The lower bounds need only that the distribution is rotation invariant and that
    :math:`E_W \|f_W\|^2` is finite; no row has to be bounded. Here the norms of the rows
    are log-normal, exp(N(0, 1)), or those of N(0, I / d), and the biases are N(0, 1).

    Parameters
    ----------
    d : int, default=10
        Number of inputs, from 2 to 2000.
    width : int, default=300
        Number of features.
    bias : float, default=-1.0
        Bias b* of the target, in [-35, 1000]; ||w*|| = 1.
    error : float, default=0.3
        Relative error for which the minimum of r max|u| is computed, in (0, 1).
    n_draws : int, default=3
        Number of draws of the features.
    random_state : int, RandomState instance or None, default=0
        Controls the random features; pass an int for reproducible output across multiple
        function calls.

    Returns
    -------
    report : Report
        With values "floor", "weight_floor" (with probability 99%), and for each of
        "log-normal" and "gaussian" a dict with "errors" and "weights" (F r max|u| / ||g||),
        one for each draw, with the root mean square F of the norms of the features.

    Raises
    ------
    ValueError
        If a parameter is out of its range.
    LinAlgError
        If the Gram matrix of the features has no Cholesky factor, even with a jitter.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Remark 4.4.

    Examples
    --------
    >>> from skrf.theory import remark_4_4
    >>> [row.verdict for row in remark_4_4(d=3, width=30).rows]
    ['holds', 'holds']
    """
    rng, target = check_random_state(random_state), unit_neuron(d, bias)
    square = math.exp(log_squared_norm(bias))
    floor = float(error_floor(width, d, bias))
    bound = 10 ** weight_floor(error, d, bias) / math.sqrt(square)
    values: dict[str, Any] = {"floor": floor, "weight_floor": bound}
    rows = []
    # The last entry is E ||w||^2.
    for name, text, mean_square in (
        ("log-normal", "exp(N(0, 1))", math.e**2),
        ("gaussian", "of N(0, I / d)", 1.0),
    ):
        errors, weights = [], []
        for _ in range(n_draws):
            W, b = draw_features(rng, width, d)
            if name == "log-normal":
                lengths = np.exp(rng.standard_normal(width))
            else:
                lengths = np.sqrt(rng.chisquare(d, width) / d)
            W *= lengths[:, np.newaxis]
            errors.append(gaussian.best_error(W, b, target).relative[-1])
            least = gaussian.min_weight(W, b, target, error * square)
            # E_W ||f_W||^2 = E relu(||w|| z + b)^2 with z and b standard normal.
            size = math.sqrt((mean_square + 1) / 2)
            weight = width * least.weight * size / math.sqrt(square)
            weights.append(weight if least.feasible else np.inf)
        values[name] = {"errors": np.array(errors), "weights": np.array(weights)}
        rows.append(
            compared(
                f"Remark 4.4, norms of the rows {text}",
                f"d = {d}, b* = {bias:g}, ||w*|| = 1, {width} ReLUs with biases N(0, 1), "
                f"{n_draws} draws",
                "spherically symmetric rows, bounded w.h.p., are enough",
                f"mean best error {np.mean(errors):.2g}, any features {floor:.2g}; minimum "
                f"of F r max|u| / ||g|| for error {error:g}: {min(weights):.3g}, any "
                f"features {bound:.2g}",
                np.mean(errors) >= floor and min(weights) >= bound,
                "below a lower bound",
            )
        )
    source = "The lower bounds hold for every rotation invariant distribution of W."
    return Report("Remark 4.4", source, tuple(rows), values)
