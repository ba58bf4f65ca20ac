"""Measurements of gradient descent: Section 2, Theorem 3.1 and one neuron."""

from __future__ import annotations

import reprlib
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

# Steps of gradient descent on one neuron, and the size of weights that have diverged.
_MAX_STEPS, _DIVERGED = 2000, 1e20


def unit_neuron(d, bias):
    """The target [x_1 + bias]_+ on d inputs."""
    return SingleNeuron(np.eye(1, d)[0], bias)


def _train(width, X, y, rng, parametrization):
    """W, b, u at the initialisation and after 20 epochs, with N = sum_i u_i relu_i.

    In the NTK parametrisation the output layer is not trained.
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
        learning_rate="constant",
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
    array = np.atleast_1d(real_numbers("widths", widths))
    positive = array.dtype.kind in "iu" and (array.size == 0 or array.min() > 0)
    if (
        not positive
        or array.ndim != 1
        or array.size < least
        or np.any(array[1:] <= array[:-1])
    ):
        raise ValueError(
            f"`widths` must be {why} in increasing order; got {reprlib.repr(widths)}. Use "
            "positive integers, such as (30, 100, 300)."
        )
    return array.tolist()


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
    r"""Section 2: exact laziness of trained networks under Gaussian inputs.

    .. math:: \Big\|\sum_i u_i z_i (1(z_i > 0) - 1(z_{0i} > 0))\Big\| \text{ and }
              \Big\|\sum_i u_i (relu(z_i) - relu(z_{0i}))\Big\|, \quad
              z_i = \langle w_i, x\rangle + b_i,

    the gap of the coupling and the gap to the initial features. The index 0 marks the
    initialisation.

    Parameters
    ----------
    widths : array-like of int, default=(30, 100, 300, 1000, 3000)
        At least two even widths in increasing order.
    d : int, default=5
        Number of inputs.
    n_samples : int, default=300
        Number of training samples.
    random_state : int, RandomState instance or None, default=0
        Controls the random data and initial weights; pass an int for reproducible output
        across multiple function calls.

    Returns
    -------
    report : Report
        With values "widths", "flipped" (mean flip probability), "coupling_gap" and
        "feature_gap". Gaps are root mean squares, divided by the target's root mean square.

    Raises
    ------
    ValueError
        If a parameter is out of its range, or widths are not even or not increasing.

    Notes
    -----
    Networks of increasing width are trained on one neuron for the same number of epochs.
    The networks of Section 2.1 have a fixed output layer, use the NTK parametrisation, and
    start at N = 0. Because their output layer is fixed, the coupling gap is also the gap to
    the linearised network. The networks of Section 2.2 train both layers in the standard
    parametrisation with a learning rate of order 1 / width, which mostly trains the output
    layer.

    Each row prints the slope of the gap's logarithm and the noise of the slope. The verdict
    is "holds" if the gap falls by more than the noise, and "measured" if the widths are too
    close for a verdict.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Sections 2.1 and 2.2.

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
            "`widths` must be even, because initialisations with N = 0 pair the neurons; "
            f"got {reprlib.repr(widths)}. Add 1 to the odd widths."
        )
    values = _gaps_of_training(sizes, d, n_samples, check_random_state(random_state))
    rows = tuple(
        _row_of_curve(label, sizes, values[name])
        for name, label in (
            ("flipped", "flipped activation patterns (2.1)"),
            ("coupling_gap", "coupling gap (2.1), to the linearised network"),
            ("feature_gap", "gap to the initial features (2.2)"),
        )
    )
    source = (
        "Over-parameterised networks trained by gradient descent stay close to their "
        "initialisation and learn like fixed features; here "
        f"d = {d}, {n_samples} samples."
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
        # Measured standard deviation of a gap's logarithm over random initialisations.
        scatter = max(0.3, 1.6 / np.sqrt(widths[0]))
        noise = scatter / (np.std(np.log(widths)) * np.sqrt(len(widths)))
        measured += f"~ r^({slope:.2f} +- {noise:.2f})"
        result = _verdict_of_rate(slope, noise)
    else:
        measured, result = measured + "no rate", "measured"
    return Row(f"Sec. 2: {label}", "small for r large enough", "", measured, result)


def _verdict_of_rate(slope, noise):
    """Whether a curve falls with the width, or "measured" if the noise is too large."""
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

    here with y = P(x) = x_1 x_2 on the cube, for which the right-hand side is epsilon.

    Parameters
    ----------
    widths : array-like of int, default=(30, 300, 3000)
        Numbers of neurons in increasing order.
    d : int, default=10
        Number of inputs, at least 2.
    n_samples : int, default=20000
        Number of training samples, which is also the number of SGD steps.
    random_state : int, RandomState instance or None, default=0
        Controls the random data and initial weights; pass an int for reproducible output
        across multiple function calls.

    Returns
    -------
    report : Report
        With values "widths", "hinge" and "accuracy" on fresh samples, "movement" (relative
        movement of the hidden weights) and "n_steps".

    Raises
    ------
    ValueError
        If a parameter is out of its range, or widths are not increasing.

    Notes
    -----
    The networks use tanh(z + 0.7) and are trained by one pass of plain SGD over fresh
    samples, with a learning rate proportional to 1 / width. The theorem does not specify
    how many neurons and steps are enough, so the verdict for a loss above epsilon is
    "measured".

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Theorem 3.1.

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
        "SGD on an over-parameterised network of any width above a polynomial bound "
        "reaches the hinge loss of the best polynomial of bounded degree."
    )
    return Report("Theorem 3.1", source, tuple(rows), values)


def _learn_product(width, X, n_samples, rng):
    """Hinge loss and accuracy on the rows after `n_samples`, and the weights' movement."""
    y = X[:, 0] * X[:, 1]
    net = OverparamNetRegressor(
        width,
        loss="hinge",
        activation="tanh",
        biases="constant",
        bias_scale=0.7,
        learning_rate="constant",
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
    r"""Section 4: one neuron learned by gradient descent on its exact risk.

    .. math:: \tfrac12 E(relu(\langle w, x\rangle + b)
              - relu(\langle w^*, x\rangle + b^*))^2, \quad x \sim N(0, I).

    From some initialisations the neuron dies, more often for a more negative bias.

    Parameters
    ----------
    d : int, default=10
        Number of inputs.
    bias : float, default=-1.0
        Bias b* of the target, in [-35, 1000]; ||w*|| = 1.
    error : float, default=0.01
        Relative error at which a run ends, above 0.
    step : float, default=0.5
        Learning rate, above 0.
    n_starts : int, default=5
        Number of random initialisations w ~ N(0, I / d), b = 0.
    random_state : int, RandomState instance or None, default=0
        Controls the random initial weights; pass an int for reproducible output across
        multiple function calls.

    Returns
    -------
    report : Report
        With values "steps", one number for each initialisation. It is nan if 2,000 steps
        are not enough, or if the weights diverge.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Section 4.

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
        for n in range(_MAX_STEPS):
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
    source = "Gradient descent on a single neuron learns what fixed features cannot learn."
    return Report("One neuron", source, (row,), {"steps": steps})
