"""Measurements of gradient descent: lazy training (Section 2), one neuron (Section 4)."""

from __future__ import annotations

import reprlib
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

from skrf import gaussian
from skrf._utils.typing import RandomState
from skrf._utils.validation import (
    POSITIVE,
    POSITIVE_INTEGER,
    NumericInterval,
    check_arguments,
)
from skrf.gaussian._relu_spectrum import log_squared_norm
from skrf.networks import OverparamNetRegressor
from skrf.targets import SingleNeuron
from skrf.theory._report import Report, Row
from skrf.theory._setup import BIAS, checked_widths, fit_quietly, unit_neuron

# Steps of gradient descent on one neuron, steps after which a neuron without any gain is
# dead, and the size of weights that have diverged.
_MAX_STEPS, _DEAD, _DIVERGED = 1000, 200, 1e20
# Epochs of Section 2 after which networks are compared with their initialisation.
_EPOCHS = 1, 20
_GAPS = "flipped", "coupling_gap", "feature_gap", "coupling_maximum", "feature_maximum"


def _train(width, X, y, seed, parametrization, epochs):
    """W, b, u at the initialisation and after some epochs, with N = sum_i u_i relu_i.

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
        alpha=0.0,
        max_iter=epochs,
        tol=None,
        learning_rate="constant",
        eta0=0.3 / X.shape[1] if ntk else 1.0 / width,
        bias_scale=1.0,
        random_state=seed,
    )
    fit_quietly(net, X, y)
    W0, b0, _, _ = net.initial_weights()
    u = (width**-0.5 if ntk else 1.0) * net.output_weights_
    return W0, b0, net.hidden_weights_, net.hidden_biases_, u


@check_arguments(
    {
        "widths": ["array-like"],
        "d": [POSITIVE_INTEGER],
        "n_samples": [POSITIVE_INTEGER],
        "random_state": ["random_state"],
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
        With values "widths", "flipped" (mean flip probability), "coupling_gap",
        "feature_gap", "coupling_maximum" and "feature_maximum". Gaps are root mean squares
        over x after the last epoch. Maxima are over 2,000 inputs and over the networks
        after 1 and after 20 epochs. All are divided by the target's root mean square.

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

    The paper speaks of some iteration t <= T and of each x. The exact gaps are means over x
    at the last iteration; the maxima are over a sample of x and over t.

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
    sizes = checked_widths(widths, 2, "at least two even numbers")
    if np.any(np.mod(sizes, 2)):
        raise ValueError(
            "`widths` must be even, because initialisations with N = 0 pair the neurons; "
            f"got {reprlib.repr(widths)}. Add 1 to the odd widths."
        )
    values = _gaps_of_training(sizes, d, n_samples, check_random_state(random_state))
    regime = f"d = {d}, {n_samples} samples, r = {sizes[0]} to {sizes[-1]}, "
    mean, most = "last epoch, mean over x", "maximum over 2,000 x and epochs 1, 20"
    rows = tuple(
        _row_of_curve(f"Sec. {label}", regime + scope, sizes, values[name])
        for name, label, scope in (
            ("flipped", "2.1, flipped activation patterns", mean),
            ("coupling_gap", "2.1, coupling gap, to the linearised network", mean),
            ("coupling_maximum", "2.1, coupling gap, to the linearised network", most),
            ("feature_gap", "2.2, gap to the initial features", mean),
            ("feature_maximum", "2.2, gap to the initial features", most),
        )
    )
    source = (
        "Over-parameterised networks trained by gradient descent stay close to their "
        "initialisation and learn like fixed features."
    )
    return Report("Section 2", source, rows, values)


def _gaps_of_training(widths, d, n_samples, rng):
    """The values of `section_2`."""
    X, target = rng.standard_normal((n_samples, d)), unit_neuron(d, -0.5)
    y, inputs = target(X), rng.standard_normal((2000, d))
    norm = np.sqrt(gaussian.relu_gram([target.weight], [target.bias])[0, 0])
    values = {name: [] for name in _GAPS}
    for width in widths:
        seed = int(rng.randint(2**31 - 1))
        coupled, free = (
            [_train(width, X, y, seed, kind, epochs) for epochs in _EPOCHS]
            for kind in ("ntk", "standard")
        )
        W0, b0, W, b, u = coupled[-1]
        values["flipped"].append(gaussian.flip_probability(W0, b0, W, b).mean())
        values["coupling_gap"].append(gaussian.coupling_gap(u / norm, W0, b0, W, b))
        W0, b0, W, b, u = free[-1]
        values["feature_gap"].append(gaussian.feature_gap(u / norm, W0, b0, W, b))
        for name, nets, keeps_slope in (
            ("coupling_maximum", coupled, True),
            ("feature_maximum", free, False),
        ):
            largest = max(_largest_gap(inputs, *net, keeps_slope) for net in nets)
            values[name].append(largest / norm)
    return {"widths": widths, **{name: np.array(value) for name, value in values.items()}}


def _largest_gap(X, W0, b0, W, b, u, keeps_slope):
    """Maximum over rows of X of the gap with initial patterns, or initial features."""
    z, z0 = X @ W.T + b, X @ W0.T + b0
    other = z * (z0 > 0) if keeps_slope else np.maximum(z0, 0)
    return np.abs((np.maximum(z, 0) - other) @ u).max()


def _row_of_curve(label, regime, widths, curve):
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
    here = "no decrease in this regime" if result == "fails" else ""
    return Row(label, regime, "small for r large enough", here, measured, result)


def _verdict_of_rate(slope, noise):
    """Whether a curve falls with the width, or "measured" if the noise is too large."""
    if slope < -noise:
        return "holds"
    # All three fall at least like r^(-1/2).
    return "fails" if slope > 3 * noise - 0.5 else "measured"


@check_arguments(
    {
        "d": [NumericInterval(Integral, 2, None, closed="left")],
        "bias": [BIAS],
        "error": [POSITIVE],
        "weight_norm": [POSITIVE, None],
        "absolute": ["boolean"],
        "step": [POSITIVE],
        "n_starts": [POSITIVE_INTEGER],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=False,
)
def one_neuron(
    d: int = 41,
    bias: float = 0.0,
    error: float = 1 / 50,
    *,
    weight_norm: float | None = None,
    absolute: bool = True,
    step: float = 0.5,
    n_starts: int = 5,
    random_state: RandomState = 0,
) -> Report:
    r"""Section 4: one neuron learned by gradient descent, from its risk and from samples.

    .. math:: \tfrac12 E(relu(\langle w, x\rangle + b)
              - relu(\langle w^*, x\rangle + b^*))^2, \quad x \sim N(0, I).

    The default is the target of Theorems 4.2 and 4.8. The neuron is trained by gradient
    descent on the exact risk, and by online SGD on batches of 4 d fresh samples. From some
    initialisations the neuron dies, more often for a more negative bias.

    Parameters
    ----------
    d : int, default=41
        Number of inputs, at least 2.
    bias : float, default=0.0
        Bias b* of the target divided by ||w*||, in [-35, 1000].
    error : float, default=0.02
        Mean squared error at which a run ends, above 0.
    weight_norm : float, default=None
        The norm ||w*||. None uses d^2.
    absolute : bool, default=True
        Whether `error` is absolute instead of relative.
    step : float, default=0.5
        Learning rate, above 0.
    n_starts : int, default=5
        Number of random initialisations w ~ N(0, I / d), b = 0.
    random_state : int, RandomState instance or None, default=0
        Controls the random initial weights and samples; pass an int for reproducible output
        across multiple function calls.

    Returns
    -------
    report : Report
        With values "steps" and "samples", one number for each initialisation, and "dead"
        and "dead_on_samples", whether the neuron died. A number is nan if the neuron died,
        if 1,000 steps are not enough, or if the weights diverge. A neuron counts as dead if
        after 200 steps its error is not below that of N = 0.

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
    >>> values = one_neuron(d=10, n_starts=2).values
    >>> bool(values["steps"].max() < 120 and values["samples"].max() < 10_000)
    True
    """
    rng = check_random_state(random_state)
    norm = float(d**2 if weight_norm is None else weight_norm)
    target = SingleNeuron(norm * np.eye(1, d)[0], norm * bias)
    goal = error if absolute else error * norm**2 * np.exp(log_squared_norm(bias))
    starts = rng.standard_normal((n_starts, 1, d)) / np.sqrt(d)
    seeds = rng.randint(2**31 - 1, size=n_starts)
    gradients = _exact_gradients(target)
    steps, dead = np.array([_descend(W, step, goal, target, gradients) for W in starts]).T
    samples, lost = np.array(
        [
            _descend(W, step, goal, target, _sampled_gradients(target, 4 * d, seed))
            for W, seed in zip(starts, seeds, strict=True)
        ]
    ).T
    samples *= 4 * d
    kind = "absolute" if absolute else "relative"
    regime = (
        f"d = {d}, ||w*|| = {norm:g}, b* = {norm * bias:g}, {kind} error {error:g}, step "
        f"{step:g}, {n_starts} starts"
    )
    claim = "learned by gradient methods"
    rows = tuple(
        Row(f"Sec. 4, one neuron, {name}", regime, claim, "", measured, "measured")
        for name, measured in (
            ("exact gradient", _count(steps, dead, "steps")),
            ("samples", _count(samples, lost, "samples")),
        )
    )
    values = {
        "steps": steps,
        "samples": samples,
        "dead": dead.astype(bool),
        "dead_on_samples": lost.astype(bool),
    }
    source = "Gradient descent on a single neuron learns what fixed features cannot learn."
    title = f"One neuron, d = {d}, ||w*|| = {norm:g}, b* = {norm * bias:g}"
    return Report(title, source, rows, values)


def _count(counts, dead, what):
    """How many starts reach the error, after how many steps or samples."""
    done, n_dead = counts[np.isfinite(counts)], int(dead.sum())
    late = len(counts) - len(done) - n_dead
    spread = f" in {done.min():,.0f} to {done.max():,.0f} {what}" if len(done) else ""
    text = f"{len(done)} of {len(counts)} starts{spread}; {n_dead} die"
    return text + (f", {late} need more than {_MAX_STEPS:,} steps" if late else "")


def _exact_gradients(target):
    """Gradients of the risk in W and b."""

    def gradients(W, b):
        _, slope, shift, _ = gaussian.population_risk_gradient(np.ones(1), W, b, target)
        return slope / 2, shift / 2

    return gradients


def _sampled_gradients(target, batch_size, seed):
    """Gradients of the mean loss of fresh samples, in W and b."""
    rng = np.random.default_rng(seed)

    def gradients(W, b):
        X = rng.standard_normal((batch_size, W.shape[1]))
        z = X @ W[0] + b[0]
        slopes = (np.maximum(z, 0) - target(X)) * (z > 0) / batch_size
        return slopes[np.newaxis] @ X, slopes.sum(keepdims=True)

    return gradients


def _descend(W, step, goal, target, gradients):
    """Number of steps to an exact risk of at most `goal`, or nan; whether it is dead."""
    b = np.zeros(1)
    for n in range(_MAX_STEPS):
        risk = gaussian.population_risk(np.ones(1), W, b, target)
        if risk.risk <= goal:
            return n, False
        if n >= _DEAD and risk.relative >= 1:
            return np.nan, True
        slope, shift = gradients(W, b)
        with np.errstate(over="ignore", invalid="ignore"):
            W, b = W - step * slope, b - step * shift
        if not max(np.abs(W).max(), np.abs(b).max()) < _DIVERGED:
            break
    return np.nan, False
