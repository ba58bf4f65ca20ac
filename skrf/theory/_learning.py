"""What gradient descent learns: Section 2, Theorem 3.1 and one neuron, measured."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

from skrf import gaussian
from skrf._utils.checks import real_numbers
from skrf._utils.typing import RandomState
from skrf._utils.validation import (
    BIAS,
    POSITIVE,
    POSITIVE_INTEGER,
    RANDOM_STATE,
    NumericInterval,
    check_arguments,
)
from skrf.networks import OverparamNetRegressor
from skrf.targets import SingleNeuron
from skrf.theory._report import Report, Row

# Weights of a neuron that descent will not bring back.
_DIVERGED = 1e20


def unit_neuron(d, bias):
    """The target [x_1 + bias]_+ on d inputs."""
    return SingleNeuron(np.eye(1, d)[0], bias)


def _train(width, X, y, rng, parametrization):
    """W, b, u at the start and after 20 epochs, so that N = sum_i u_i relu_i.

    In the NTK parametrisation the output layer stays as it is.
    """
    ntk = parametrization == "ntk"
    net = OverparamNetRegressor(
        width,
        parametrization=parametrization,
        train="hidden" if ntk else "both",
        symmetric_init=ntk,
        weights="gaussian",
        weight_scale=np.sqrt(X.shape[1]) if ntk else 1.0,
        biases="gaussian",
        fit_intercept=False,
        max_iter=20,
        tol=None,
        eta0=0.3 / X.shape[1] if ntk else 1.0 / width,
        bias_scale=1.0,
        random_state=int(rng.randint(2**31 - 1)),
    ).fit(X, y)
    scale = width**-0.5 if ntk else 1.0
    W0, b0, u0, _ = net.initial_weights()
    last = net.hidden_weights_, net.hidden_biases_, scale * net.output_weights_
    return W0, b0, scale * u0, *last


def check_widths(widths, least, why):
    """A list of widths; ValueError for anything else."""
    found = np.atleast_1d(real_numbers("widths", widths))
    whole = found.dtype.kind in "iu" and (found.size == 0 or found.min() > 0)
    if (
        not whole
        or found.ndim != 1
        or found.size < least
        or np.any(found[1:] <= found[:-1])
    ):
        raise ValueError(
            f"widths={widths!r} must be {why} in growing order. Give positive integers, "
            "such as (30, 100, 300)."
        )
    return found.tolist()


@check_arguments(
    {
        "widths": ["array-like"],
        "d": [POSITIVE_INTEGER],
        "n_samples": [POSITIVE_INTEGER],
        "random_state": RANDOM_STATE,
    },
    prefer_skip_nested_validation=False,
)
def section_2(
    widths: ArrayLike = (30, 100, 300, 1000, 3000),
    d: int = 5,
    n_samples: int = 300,
    random_state: RandomState = 0,
) -> Report:
    r"""Section 2: how lazily networks are trained, exactly under Gaussian inputs.

    .. math:: \Big\|\sum_i u_i z_i (1(z_i > 0) - 1(z_{0i} > 0))\Big\| \text{ and }
              \Big\|\sum_i u_i (relu(z_i) - relu(z_{0i}))\Big\|, \quad
              z_i = \langle w_i, x\rangle + b_i,

    the gap of the coupling and that to the features at the start, marked by 0.

    Networks of growing width are trained on one neuron for the same number of epochs. Those
    of Section 2.1 keep their output layer, are in the NTK parametrisation, and start at
    N = 0; those of Section 2.2 train both layers in the standard one, with a step of order
    1 / width: there the output layer does the learning.

    Each gap is judged by the slope of its logarithm, printed with its noise: the gap holds
    where it falls by more than that, and is only measured where widths are too close to
    say so.

    Source: Sections 2.1 and 2.2 of Yehudai and Shamir (2019).

    Parameters
    ----------
    widths : array-like of int, default=(30, 100, 300, 1000, 3000)
        Even widths in growing order, at least two.
    d : int, default=5
        Inputs.
    n_samples : int, default=300
        Training samples.
    random_state : int, RandomState instance or None, default=0
        Fixes data and starts.

    Returns
    -------
    report : Report
        With values "widths", "flipped" (mean flip probability), "coupling_gap", which is
        also the gap to the linearised network, as the output layer is fixed, and
        "feature_gap"; gaps are root mean squares relative to the target's.

    Raises
    ------
    ValueError
        For a parameter out of its range, and for widths that are not even or do not grow.

    Examples
    --------
    >>> from skrf.theory import section_2
    >>> report = section_2(widths=(10, 100), d=2, n_samples=20)
    >>> flipped = report.values["flipped"]
    >>> bool(flipped[1] < flipped[0] < 0.1)
    True
    """
    # One width has no rate.
    sizes = check_widths(widths, 2, "at least two even numbers")
    if np.any(np.mod(sizes, 2)):
        raise ValueError(
            f"widths={widths!r} must be even, because starts with N = 0 pair the neurons. "
            "Add 1 to the odd ones."
        )
    values = _gaps_of_training(sizes, d, n_samples, check_random_state(random_state))
    rows = tuple(
        _row_of_curve(label, sizes, values[name])
        for name, label in (
            ("flipped", "flipped activation patterns (2.1)"),
            ("coupling_gap", "coupling gap (2.1), to the linearised network"),
            ("feature_gap", "gap to the features at the start (2.2)"),
        )
    )
    source = (
        "Over-parameterised networks trained by gradient descent stay close to their "
        f"start, so that they learn like fixed features; here d = {d}, {n_samples} samples."
    )
    return Report("Section 2", source, rows, values)


def _gaps_of_training(widths, d, n_samples, rng):
    """The values of `section_2`."""
    X, target = rng.standard_normal((n_samples, d)), unit_neuron(d, -0.5)
    y = target(X)
    norm = np.sqrt(gaussian.relu_gram([target.weight], [target.bias])[0, 0])
    names = "flipped", "coupling_gap", "feature_gap"
    values = {"widths": widths, **{name: [] for name in names}}
    for width in widths:
        W0, b0, _, W, b, u = _train(width, X, y, rng, parametrization="ntk")
        values["flipped"].append(gaussian.flip_probability(W0, b0, W, b).mean())
        values["coupling_gap"].append(gaussian.coupling_gap(u / norm, W0, b0, W, b))
        W0, b0, _, W, b, u = _train(width, X, y, rng, parametrization="standard")
        values["feature_gap"].append(gaussian.feature_gap(u / norm, W0, b0, W, b))
    return {name: np.array(value) for name, value in values.items()}


def _row_of_curve(label, widths, curve):
    measured = f"{curve[0]:.2g} (r = {widths[0]}) to {curve[-1]:.2g} (r = {widths[-1]}), "
    if curve.min() > 1e-8:
        slope = np.polyfit(np.log(widths), np.log(curve), 1)[0]
        # The standard deviation of a gap's logarithm from start to start, as measured.
        scatter = max(0.3, 1.6 / np.sqrt(widths[0]))
        noise = scatter / (np.std(np.log(widths)) * np.sqrt(len(widths)))
        measured += f"~ r^({slope:.2f} +- {noise:.2f})"
        found = _verdict_of_rate(slope, noise)
    else:
        measured, found = measured + "no rate", "measured"
    return Row(f"Sec. 2: {label}", "small for r large enough", "", measured, found)


def _verdict_of_rate(slope, noise):
    """Whether a curve falls with the width, where the slope's noise lets one say so."""
    if slope < -noise:
        return "holds"
    # All three fall at least like r^(-1/2).
    return "fails" if slope > 3 * noise - 0.5 else "measured"


# -------------------------------------------------------------------------- Theorem 3.1


@check_arguments(
    {
        "widths": ["array-like"],
        "d": [NumericInterval(Integral, 2, None, closed="left")],
        "n_samples": [POSITIVE_INTEGER],
        "random_state": RANDOM_STATE,
    },
    prefer_skip_nested_validation=False,
)
def theorem_3_1(
    widths: ArrayLike = (30, 300, 3000),
    d: int = 10,
    n_samples: int = 20_000,
    random_state: RandomState = 0,
) -> Report:
    r"""Theorem 3.1: SGD on hinge loss learns the sign of a bounded polynomial.

    .. math:: E \max(0, 1 - y N(x)) \le E \max(0, 1 - y P(x)) + \epsilon,

    here with y = P(x) = x_1 x_2 on the cube, for which the right-hand side is epsilon. One
    pass of plain SGD over fresh samples, by networks with tanh(z + 0.7), whose step shrinks
    like 1 / width. How many neurons and steps are enough is open, so that a loss above
    epsilon is only measured.

    Source: Theorem 3.1 of Yehudai and Shamir (2019).

    Parameters
    ----------
    widths : array-like of int, default=(30, 300, 3000)
        Numbers of neurons in growing order.
    d : int, default=10
        Inputs, at least 2.
    n_samples : int, default=20000
        Samples, which are steps.
    random_state : int, RandomState instance or None, default=0
        Fixes data and starts.

    Returns
    -------
    report : Report
        With values "widths", "hinge" (on fresh samples), "accuracy", "movement" (relative,
        of the hidden weights) and "n_steps".

    Raises
    ------
    ValueError
        For a parameter out of its range, and for widths that do not grow.

    Examples
    --------
    >>> from skrf.theory import theorem_3_1
    >>> report = theorem_3_1(widths=[100], d=3, n_samples=2000)
    >>> report.values["accuracy"]
    array([1.])
    """
    sizes = check_widths(widths, 1, "at least one number")
    rng = check_random_state(random_state)
    X = rng.choice([-1.0, 1.0], (n_samples + 2000, d))
    values = {"widths": np.array(sizes), "n_steps": n_samples}
    results = [_learn_product(width, X, n_samples, rng) for width in sizes]
    values["hinge"], values["accuracy"], values["movement"] = np.transpose(results)
    rows = [
        Row(
            f"Thm 3.1: x_1 x_2, d = {d}, r = {width}",
            "E L(N) <= L(P) + eps; here L(P) = 0, eps = 0.1",
            "",
            f"hinge {hinge:.3f}, accuracy {accuracy:.3f}, W moved by {moved:.3f} "
            f"in {n_samples} steps",
            # The theorem does not say how many neurons and steps are enough.
            "holds" if hinge < 0.1 else "measured",
        )
        for width, (hinge, accuracy, moved) in zip(sizes, results, strict=True)
    ]
    source = (
        "SGD on an over-parameterised network of any width beyond a polynomial bound "
        "reaches the hinge loss of the best bounded-degree polynomial."
    )
    return Report("Theorem 3.1", source, tuple(rows), values)


def _learn_product(width, X, n_samples, rng):
    """Hinge loss and accuracy after `n_samples` rows, on the rest, and movement."""
    y = X[:, 0] * X[:, 1]
    net = OverparamNetRegressor(
        width,
        loss="hinge",
        activation="tanh",
        biases="constant",
        bias_scale=0.7,
        eta0=2.0 / width,
        max_iter=1,
        tol=None,
        shuffle=False,
        random_state=int(rng.randint(2**31 - 1)),
    ).fit(X[:n_samples], y[:n_samples])
    margin = y[n_samples:] * net.predict(X[n_samples:])
    moved = net.laziness(X[n_samples:]).hidden_weights
    return np.maximum(1 - margin, 0).mean(), np.mean(margin > 0), moved


# ------------------------------------------------------------------- one neuron, by descent


@check_arguments(
    {
        "d": [POSITIVE_INTEGER],
        "bias": BIAS,
        "error": [POSITIVE],
        "step": [POSITIVE],
        "n_starts": [POSITIVE_INTEGER],
        "random_state": RANDOM_STATE,
    },
    prefer_skip_nested_validation=False,
)
def one_neuron(
    d: int = 10,
    bias: float = -1.0,
    error: float = 0.01,
    step: float = 0.5,
    n_starts: int = 5,
    random_state: RandomState = 0,
) -> Report:
    r"""One neuron learned by gradient descent on its exact risk.

    .. math:: \tfrac12 E(relu(\langle w, x\rangle + b)
              - relu(\langle w^*, x\rangle + b^*))^2, \quad x \sim N(0, I).

    Some starts die: more of them where the bias is further below 0.

    Source: Section 4 of Yehudai and Shamir (2019), which sets the limits of fixed features
    against it.

    Parameters
    ----------
    d : int, default=10
        Inputs.
    bias : float, default=-1.0
        Bias b* of the target, in [-35, 1000]; ||w*|| = 1.
    error : float, default=0.01
        Relative error that ends a run, above 0.
    step : float, default=0.5
        Size of the steps, above 0.
    n_starts : int, default=5
        Starts w ~ N(0, I / d), b = 0.
    random_state : int, RandomState instance or None, default=0
        Fixes the starts.

    Returns
    -------
    report : Report
        With values "steps", one for each start, nan where 2,000 are not enough, or the
        steps so long that the weights grow without bound.

    Raises
    ------
    ValueError
        For a parameter out of its range.

    Examples
    --------
    >>> from skrf.theory import one_neuron
    >>> one_neuron(d=2, n_starts=1).values["steps"]
    array([141.])
    """
    rng = check_random_state(random_state)
    target, u = unit_neuron(d, bias), np.ones(1)
    steps = np.full(n_starts, np.nan)
    for k in range(n_starts):
        W, b = rng.standard_normal((1, d)) / np.sqrt(d), np.zeros(1)
        for n in range(2000):
            if gaussian.population_risk(u, W, b, target).relative <= error:
                steps[k] = n
                break
            _, slope, shift, _ = gaussian.population_risk_gradient(u, W, b, target)
            with np.errstate(over="ignore", invalid="ignore"):
                W, b = W - step / 2 * slope, b - step / 2 * shift
            if not max(np.abs(W).max(), np.abs(b).max()) < _DIVERGED:
                break
    done = np.isfinite(steps)
    spread = ""
    if done.any():
        spread = f"in {np.min(steps[done]):.0f} to {np.max(steps[done]):.0f} steps"
    row = Row(
        f"Sec. 4: one neuron, d = {d}, b* = {bias:g}",
        "can be learned by gradient methods",
        "",
        f"relative error {error:g} from {done.sum()} of {n_starts} starts {spread}",
        "measured",
    )
    source = "What fixed features cannot do, gradient descent on a single neuron does."
    return Report("One neuron", source, (row,), {"steps": steps})
