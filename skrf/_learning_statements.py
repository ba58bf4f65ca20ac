"""What gradient descent learns: Section 2, Theorem 3.1 and one neuron, measured."""

from numbers import Integral

import numpy as np
from sklearn.utils import check_random_state

from skrf import gaussian
from skrf._arguments import real_numbers
from skrf._report import Report, Row, verdict
from skrf._validation import (
    BIAS,
    POSITIVE,
    POSITIVE_INTEGER,
    RANDOM_STATE,
    Interval,
    validate_params,
)
from skrf.networks import OverparamNetRegressor
from skrf.targets import SingleNeuron


def unit_neuron(d, bias):
    """The target [x_1 + bias]_+ on d inputs."""
    return SingleNeuron(np.eye(d)[0], bias)


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
    if not whole or found.ndim != 1 or found.size < least or np.any(np.diff(found) <= 0):
        raise ValueError(
            f"widths={widths!r} must be {why} in growing order. Give positive integers, "
            "such as (30, 100, 300)."
        )
    return found.tolist()


@validate_params(
    {
        "widths": ["array-like"],
        "d": [POSITIVE_INTEGER],
        "n_samples": [POSITIVE_INTEGER],
        "random_state": RANDOM_STATE,
    },
    prefer_skip_nested_validation=False,
)
def section_2(widths=(30, 100, 300, 1000, 3000), d=5, n_samples=300, random_state=0):
    """Section 2: how lazily networks are trained, exactly under Gaussian inputs.

    Networks of growing width are trained on one neuron for the same number of epochs. Those
    of Section 2.1 keep their output layer, are in the NTK parametrisation, and start at
    N = 0; those of Section 2.2 train both layers in the standard one, with a step of order
    1 / width: there the output layer does the learning.

    Parameters
    ----------
    widths : sequence of int
        Even widths.
    d, n_samples : int
        Inputs and training samples.
    random_state : int, RandomState instance or None
        Fixes data and starts.

    Returns
    -------
    report : Report
        With values "widths", "flipped" (mean flip probability), "coupling_gap", which is
        also the gap to the linearised network, as the output layer is fixed, and
        "feature_gap"; gaps are root mean squares relative to the target's.
    """
    # The report compares the last with the first.
    widths = check_widths(widths, 2, "at least two even numbers")
    if np.any(np.mod(widths, 2)):
        raise ValueError(
            f"widths={widths!r} must be even, because starts with N = 0 pair the neurons. "
            "Add 1 to the odd ones."
        )
    rng = check_random_state(random_state)
    X, target = rng.standard_normal((n_samples, d)), unit_neuron(d, -0.5)
    y = target(X)
    norm = np.sqrt(gaussian.relu_gram([target.weight], [target.bias])[0, 0])
    names = "flipped", "coupling_gap", "feature_gap"
    values = {"widths": np.array(widths), **{name: [] for name in names}}
    for width in widths:
        W0, b0, _, W, b, u = _train(width, X, y, rng, parametrization="ntk")
        values["flipped"].append(gaussian.flip_probability(W0, b0, W, b).mean())
        values["coupling_gap"].append(gaussian.coupling_gap(u / norm, W0, b0, W, b))
        W0, b0, _, W, b, u = _train(width, X, y, rng, parametrization="standard")
        values["feature_gap"].append(gaussian.feature_gap(u / norm, W0, b0, W, b))
    values = {name: np.array(value) for name, value in values.items()}
    rows = []
    for name, label in (
        ("flipped", "flipped activation patterns (2.1)"),
        ("coupling_gap", "coupling gap (2.1), to the linearised network"),
        ("feature_gap", "gap to the features at the start (2.2)"),
    ):
        curve = values[name]
        slope = np.polyfit(np.log(widths), np.log(curve), 1)[0]
        rows.append(
            Row(
                f"Sec. 2: {label}",
                "small for r large enough",
                "",
                f"{curve[0]:.2g} (r = {widths[0]}) to {curve[-1]:.2g} (r = {widths[-1]}), "
                f"~ r^{slope:.2f}",
                verdict(curve[-1] < curve[0] / 2),
            )
        )
    source = (
        "Over-parameterised networks trained by gradient descent stay close to their "
        f"start, so that they learn like fixed features; here d = {d}, {n_samples} samples."
    )
    return Report("Section 2", source, tuple(rows), values)


# -------------------------------------------------------------------------- Theorem 3.1


@validate_params(
    {
        "widths": ["array-like"],
        "d": [Interval(Integral, 2, None, closed="left")],
        "n_samples": [POSITIVE_INTEGER],
        "random_state": RANDOM_STATE,
    },
    prefer_skip_nested_validation=False,
)
def theorem_3_1(widths=(30, 300, 3000), d=10, n_samples=20_000, random_state=0):
    """Theorem 3.1: SGD on hinge loss learns the sign of a bounded polynomial.

    One pass of plain SGD over fresh samples of x_1 x_2 on the cube, by networks with
    tanh(z + 0.7), whose step shrinks like 1 / width.

    Parameters
    ----------
    widths : sequence of int
        Numbers of neurons.
    d, n_samples : int
        Inputs; samples, which are steps.
    random_state : int, RandomState instance or None
        Fixes data and starts.

    Returns
    -------
    report : Report
        With values "widths", "hinge" (on fresh samples), "accuracy", "movement" (relative,
        of the hidden weights) and "n_steps".
    """
    widths = check_widths(widths, 1, "at least one number")
    rng = check_random_state(random_state)
    X = rng.choice([-1.0, 1.0], (n_samples + 2000, d))
    y = X[:, 0] * X[:, 1]
    values = {"widths": np.array(widths), "n_steps": n_samples}
    results = []
    for width in widths:
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
        hinge = np.maximum(1 - margin, 0).mean()
        results.append((hinge, np.mean(margin > 0), moved))
    values["hinge"], values["accuracy"], values["movement"] = np.transpose(results)
    rows = [
        Row(
            f"Thm 3.1: x_1 x_2, d = {d}, r = {width}",
            "E L(N) <= L(P) + eps; here L(P) = 0, eps = 0.1",
            "",
            f"hinge {hinge:.3f}, accuracy {accuracy:.3f}, W moved by {moved:.3f} "
            f"in {n_samples} steps",
            verdict(hinge < 0.1),
        )
        for width, (hinge, accuracy, moved) in zip(widths, results, strict=True)
    ]
    source = (
        "SGD on an over-parameterised network of any width beyond a polynomial bound "
        "reaches the hinge loss of the best bounded-degree polynomial."
    )
    return Report("Theorem 3.1", source, tuple(rows), values)


# ------------------------------------------------------------------- one neuron, by descent


@validate_params(
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
def one_neuron(d=10, bias=-1.0, error=0.01, step=0.5, n_starts=5, random_state=0):
    """One neuron learned by gradient descent on its exact risk.

    Some starts die: more of them where the bias is further below 0.

    Parameters
    ----------
    d : int
        Inputs.
    bias : float
        Bias of the target, ||w*|| = 1.
    error : float
        Relative error that ends a run.
    step : float
        Of gradient descent on E (N - g)^2 / 2.
    n_starts : int
        Starts w ~ N(0, I / d), b = 0.
    random_state : int, RandomState instance or None
        Fixes the starts.

    Returns
    -------
    report : Report
        With values "steps", one for each start, nan where 2,000 are not enough.
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
            W, b = W - step / 2 * slope, b - step / 2 * shift
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
