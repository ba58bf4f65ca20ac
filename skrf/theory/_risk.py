"""Risk of Eqs. (2) and (7): of fitted models, and compared with a sample."""

from numbers import Integral
from typing import Any

import numpy as np
from scipy.special import ndtr
from sklearn.pipeline import Pipeline
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skrf import gaussian
from skrf._utils.affine import affine_map, flat_steps, is_affine
from skrf._utils.typing import RandomState
from skrf._utils.validation import POSITIVE_INTEGER, NumericInterval, check_arguments
from skrf.features import RandomFeatures
from skrf.networks import OverparamNetRegressor
from skrf.ridge import RandomFeatureRidge
from skrf.targets import SingleNeuron
from skrf.theory._report import Report, Row, verdict
from skrf.theory._setup import BIAS, draw_features, unit_neuron

# Rows of a sample that are in memory at a time.
_CHUNK = 50_000


def exact_risk(
    model: OverparamNetRegressor | RandomFeatureRidge | Pipeline | tuple[Any, ...],
    target: SingleNeuron,
) -> gaussian.PopulationRisk:
    r"""Exact mean squared error of a fitted model on a ReLU neuron.

    .. math:: E\Big(N(x) - relu(\langle w^*, x\rangle + b^*)\Big)^2, \quad x \sim N(0, I).

    No test set is needed. This is `skrf.gaussian.population_risk` of the model's weights.

    Parameters
    ----------
    model : OverparamNetRegressor, RandomFeatureRidge, Pipeline or tuple
        A fitted network or ridge regression with relu features and one output, or arrays
        (u, W, b) or (u, W, b, intercept). The features may be frozen. In a Pipeline, and in
        the features of the ridge regression, the steps before the relu features must be
        affine, such as StandardScaler, PCA or GradientOuterProduct. Their map x -> B x + s
        changes W into W B and b into b + W s.
    target : SingleNeuron
        The target neuron (w*, b*), with activation "relu" and the inputs of the model.

    Returns
    -------
    risk : PopulationRisk
        With `risk`, `relative` to the target's mean square, and `rounding_error`.

    Raises
    ------
    ValueError
        If the model has no closed form, array shapes do not match, an array is not finite,
        or `target` is not a ReLU neuron or is 0 everywhere.
    NotFittedError
        If the model is not fitted.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Left-hand side of Eqs. (2) and (7).

    Examples
    --------
    >>> from skrf import RandomFeatureRidge, RandomReLUFeatures, SingleNeuron
    >>> from skrf import make_single_neuron
    >>> X, y, target = make_single_neuron(
    ...     500, 4, return_target=True, random_state=0)
    >>> model = RandomFeatureRidge(RandomReLUFeatures(100), random_state=0).fit(X, y)
    >>> bool(exact_risk(model, target).relative < 0.1)
    True
    """
    u, W, b, intercept = _as_relu_sum(model)
    return gaussian.population_risk(u, W, b, target, intercept=intercept)


def _as_relu_sum(model):
    """(u, W, b, intercept) of a model that is a sum of ReLUs."""
    if isinstance(model, tuple):
        if len(model) not in (3, 4):
            raise ValueError(
                f"`model` must be (u, W, b) or (u, W, b, intercept); got {len(model)} "
                "items. Pass all of them."
            )
        return *model[:3], model[3] if len(model) == 4 else 0.0
    steps, last = [], model
    if isinstance(model, Pipeline):
        check_is_fitted(model)
        *steps, last = flat_steps(model)
    if isinstance(last, OverparamNetRegressor):
        neurons = _of_network(last)
    elif isinstance(last, RandomFeatureRidge):
        before, neurons = _of_ridge(last)
        steps += before
    else:
        raise ValueError(
            "`model` must be an OverparamNetRegressor, a RandomFeatureRidge, a Pipeline "
            f"that ends with one of them, or arrays (u, W, b); got {type(last).__name__}. "
            "Fit such a model, or pass plain arrays."
        )
    return _of_raw_inputs(steps, *neurons) if steps else neurons


def _of_network(model):
    """(u, W, b, intercept) of a relu network."""
    check_is_fitted(model)
    # The objective of the fit, as in `predict`: parameters may have changed since.
    objective = model._objective
    activation = objective.activation.name
    if activation != "relu" or np.ndim(model.output_weights_) != 1:
        raise ValueError(
            "`model` must be a relu network with one output; got "
            f"activation={activation!r} and {np.ndim(model.output_weights_)}-D output "
            "weights. Fit a network with activation='relu' to y.ravel()."
        )
    u = objective.scale * np.asarray(model.output_weights_, np.float64)
    return u, model.hidden_weights_, model.hidden_biases_, float(model.output_bias_)


def _of_ridge(model):
    """(Steps before the features, (u, W, b, intercept)) of ridge on relu features."""
    check_is_fitted(model)
    *before, features = flat_steps(model.features_)
    known = isinstance(features, RandomFeatures) and features.activation == "relu"
    if not known or np.ndim(model.output_weights_) != 1:
        raise ValueError(
            "`model` must have relu features and one output; got "
            f"features={features!r} and {np.ndim(model.output_weights_)}-D output "
            "weights. Fit RandomReLUFeatures to y.ravel(), or pass plain arrays "
            "(u, W, b)."
        )
    u = np.asarray(model.output_weights_, np.float64) / np.sqrt(len(features.biases_))
    return before, (u, features.weights_, features.biases_, float(model.output_bias_))


def _of_raw_inputs(steps, u, W, b, intercept):
    """The neurons as functions of the inputs of earlier steps x -> B x + s."""
    wrong = [step for step in steps if not is_affine(step)]
    if wrong:
        raise ValueError(
            "`model` must have only affine steps before its relu features, such as "
            f"StandardScaler, PCA or GradientOuterProduct; got {wrong[0]!r}. Drop this "
            "step, or pass plain arrays (u, W, b)."
        )
    B, s = affine_map(steps, steps[0].n_features_in_)
    W = np.asarray(W, np.float64)
    return u, W @ B, b + W @ s, intercept


@check_arguments(
    {
        "d": [POSITIVE_INTEGER],
        "width": [POSITIVE_INTEGER],
        "bias": [BIAS],
        "n_samples": [NumericInterval(Integral, 2, None, closed="left")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=False,
)
def equation_2(
    d: int = 10,
    width: int = 50,
    bias: float = -1.0,
    n_samples: int = 1_000_000,
    random_state: RandomState = 0,
) -> Report:
    r"""Eqs. (2) and (7): the risk in closed form, compared with a sample.

    .. math:: E\Big(\sum_i u_i\, relu(\langle w_i, x\rangle + b_i) - g(x)\Big)^2
              = u^T G u - 2 h^T u + \|g\|^2, \quad g(x) = relu(x_1 + b^*),

    with x ~ N(0, I). G and h hold the products of the neurons with each other and with g.
    The rows w_i are uniform on the unit sphere, b_i ~ N(0, 1), and u_i ~ N(0, 1) / width.

    Parameters
    ----------
    d : int, default=10
        Number of inputs.
    width : int, default=50
        Number of neurons.
    bias : float, default=-1.0
        Bias b* of the target, in [-35, 1000]; ||w*|| = 1.
    n_samples : int, default=1000000
        Size of the sample, at least 2.
    random_state : int, RandomState instance or None, default=0
        Controls the random network and sample; pass an int for reproducible output across
        multiple function calls.

    Returns
    -------
    report : Report
        With the relative values "exact", "sampled" and "standard_error".

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Eqs. (2) and (7).

    Examples
    --------
    >>> from skrf.theory import equation_2
    >>> report = equation_2(d=3, width=5, n_samples=1000)
    >>> print(f"{report.values['exact']:.4f}", report.rows[0].verdict)
    2.3968 holds
    """
    rng = check_random_state(random_state)
    W, b = draw_features(rng, width, d)
    u, target = rng.standard_normal(width) / width, unit_neuron(d, bias)
    exact = gaussian.population_risk(u, W, b, target)
    squares = np.concatenate(
        [_sampled_squares(rng, rows, u, W, b, target) for rows in _chunk_sizes(n_samples)]
    )
    relative = squares / (exact.risk / exact.relative)
    sampled, error = relative.mean(), relative.std() / np.sqrt(n_samples)
    distance = (sampled - exact.relative) / error if error > 0 else 0.0
    agree = abs(distance) < 4
    # The standard error is unreliable if the target is rarely above 0 in the sample.
    enough = n_samples * ndtr(bias) > 100
    row = Row(
        "Eqs. (2), (7), risk of a network on one neuron",
        f"d = {d}, r = {width}, b* = {bias:g}, ||w*|| = 1, {n_samples:,} samples",
        "an expectation",
        "" if agree or not enough else "the closed form is wrong",
        f"u'Gu - 2 h'u + g2 = {exact.relative:.5g}, mean of the sample {sampled:.5g} +- "
        f"{error:.2g}, {distance:+.1f} standard errors; fewer than 4 agree",
        verdict(agree) if agree or enough else "measured",
    )
    values = {"exact": exact.relative, "sampled": sampled, "standard_error": error}
    source = "The risk that every statement of Section 4 bounds, for Gaussian inputs."
    return Report("Equations (2) and (7)", source, (row,), values)


def _chunk_sizes(n_samples):
    """Numbers of rows of at most `_CHUNK` that sum to `n_samples`."""
    return [min(_CHUNK, n_samples - start) for start in range(0, n_samples, _CHUNK)]


def _sampled_squares(rng, n_rows, u, W, b, target):
    X = rng.standard_normal((n_rows, W.shape[1]))
    return (np.maximum(X @ W.T + b, 0) @ u - target(X)) ** 2
