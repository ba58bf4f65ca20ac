"""The statements of Yehudai and Shamir (2019) as measurements.

One function for each statement; each returns a `Report` that prints what the paper claims,
what it should say where a constant is wrong, and what was measured. `reproduce` runs all.

| statement | function |
| --- | --- |
| Eqs. (2) and (7), the risk | `equation_2`, `exact_risk` |
| Section 2, lazy training | `section_2` |
| Theorem 3.1, polynomials by SGD | `theorem_3_1` |
| Section 4, one neuron by gradient descent | `one_neuron` |
| Proposition 4.1, linear features | `proposition_4_1` |
| Theorem 4.2, Example 4.3, random features | `theorem_4_2` |
| Remark 4.4, laws of the weights | `remark_4_4` |
| Proposition 4.6, the wave psi | `proposition_4_6` |
| Remark 4.7, norm of the target | `remark_4_7` |
| Theorem 4.8, Example 4.9, features of any kind | `theorem_4_8` |
| the floors behind 4.2 and 4.8 | `error_floor`, `features_needed`, \
`failure_probability`, `relu_spectrum` |

All errors are relative, E(N - g)^2 / E g^2, unless they say otherwise: only then do
scaling a target and scaling its error not change a statement.
"""

import sys
from pathlib import Path

import numpy as np
from scipy.stats import kstest
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skrf import gaussian
from skrf._bounds import (
    distance_rate,
    error_floor,
    failure_probability,
    features_needed,
    log_distance_probability,
    simulate_squared_distances,
    squared_distance_law,
)
from skrf._report import Report, Row, html_page, table, verdict
from skrf._spectrum import relu_spectrum
from skrf._wave import wave_facts, weight_certificate
from skrf.displays import (
    ErrorFloorDisplay,
    FeaturesNeededDisplay,
    LazinessDisplay,
    SpectrumDisplay,
)
from skrf.networks import OverparamNetRegressor
from skrf.ridge import RandomFeatureRidge
from skrf.targets import SingleNeuron

__all__ = [
    "Report",
    "equation_2",
    "error_floor",
    "exact_risk",
    "failure_probability",
    "features_needed",
    "one_neuron",
    "proposition_4_1",
    "proposition_4_6",
    "relu_spectrum",
    "remark_4_4",
    "remark_4_7",
    "reproduce",
    "section_2",
    "theorem_3_1",
    "theorem_4_2",
    "theorem_4_8",
]


def _draw_features(rng, width, d, bias_scale=1.0):
    """Weights on the unit sphere and Gaussian biases."""
    W = rng.standard_normal((width, d))
    W /= np.linalg.norm(W, axis=1, keepdims=True)
    return W, bias_scale * rng.standard_normal(width)


def _neuron(d, bias, norm=1.0):
    return SingleNeuron(norm * np.eye(d)[0], bias)


# ------------------------------------------------------------------------ Eqs. (2), (7)


def exact_risk(model, target):
    """Mean squared error of a fitted model on a ReLU neuron under Gaussian inputs, exactly.

    Parameters
    ----------
    model : OverparamNetRegressor, RandomFeatureRidge or tuple
        A fitted network or ridge regression with relu features and one output, on as many
        inputs as the target has; or arrays (u, W, b) or (u, W, b, intercept).
    target : SingleNeuron
        With activation "relu".

    Returns
    -------
    risk : PopulationRisk
        The left-hand side of Eqs. (2) and (7), without a test set.

    Raises
    ------
    ValueError
        For a model without a closed form, with the reason.

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
                f"model must be (u, W, b) or (u, W, b, intercept); got {len(model)} items."
            )
        return *model[:3], model[3] if len(model) == 4 else 0.0
    if isinstance(model, OverparamNetRegressor):
        check_is_fitted(model)
        if model.activation != "relu" or np.ndim(model.output_weights_) != 1:
            raise ValueError(
                f"model has activation={model.activation!r} and "
                f"{np.ndim(model.output_weights_)}-D output weights; the closed form is "
                "that of relu networks with one output. Fit such a one."
            )
        scale = len(model.hidden_biases_) ** -0.5 if model.parametrization == "ntk" else 1.0
        u = scale * np.asarray(model.output_weights_, np.float64)
        return u, model.hidden_weights_, model.hidden_biases_, float(model.output_bias_)
    if isinstance(model, RandomFeatureRidge):
        check_is_fitted(model)
        features = model.features_
        known = getattr(features, "activation", None) == "relu"
        if not known or not hasattr(features, "weights_") or np.ndim(model.coef_) != 1:
            raise ValueError(
                f"model has features={features!r} and {np.ndim(model.coef_)}-D "
                "coefficients; the closed form is that of RandomReLUFeatures alone, with "
                "one output. Fit such a model."
            )
        u = np.asarray(model.coef_, np.float64) / np.sqrt(len(features.biases_))
        return u, features.weights_, features.biases_, float(model.intercept_)
    raise ValueError(
        f"model must be an OverparamNetRegressor, a RandomFeatureRidge or arrays (u, W, b); "
        f"got {type(model).__name__}."
    )


def equation_2(d=10, width=50, bias=-1.0, n_samples=200_000, random_state=0):
    """Eqs. (2) and (7): the risk in closed form, against a sample.

    Parameters
    ----------
    d, width : int
        Inputs and neurons.
    bias : float
        Bias of the target, ||w*|| = 1.
    n_samples : int
        Size of the sample.
    random_state : int, RandomState instance or None
        Fixes network and sample.

    Returns
    -------
    report : Report
        With values "exact", "sampled" and "standard_error", relative.
    """
    rng = check_random_state(random_state)
    W, b = _draw_features(rng, width, d)
    u, target = rng.standard_normal(width) / width, _neuron(d, bias)
    exact = gaussian.population_risk(u, W, b, target)
    X = rng.standard_normal((n_samples, d))
    squares = (np.maximum(X @ W.T + b, 0) @ u - target(X)) ** 2
    norm = exact.risk / exact.relative
    sampled, error = squares.mean() / norm, squares.std() / np.sqrt(n_samples) / norm
    row = Row(
        f"Eq. (2): risk of {width} neurons on one, d = {d}",
        "an expectation",
        "u'Gu - 2 h'u + g2 in closed form",
        f"exact {exact.relative:.5f}, sampled {sampled:.5f} +- {error:.5f}",
        verdict(abs(sampled - exact.relative) < 5 * error),
    )
    values = {"exact": exact.relative, "sampled": sampled, "standard_error": error}
    source = "The risk that every statement of Section 4 bounds, for Gaussian inputs."
    return Report("Equations (2) and (7)", source, (row,), values)


# ---------------------------------------------------------------------------- Section 2


def section_2(widths=(30, 100, 300, 1000, 3000), d=5, n_samples=300, random_state=0):
    """Section 2: how lazily networks are trained, exactly under Gaussian inputs.

    Networks of growing width in the NTK parametrisation are trained on one neuron, both
    layers, from a start at N = 0, for the same number of epochs.

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
        With values "widths", "flipped" (mean flip probability), "coupling_gap",
        "feature_gap" and "linearization_gap", root mean squares relative to the target's.
    """
    rng = check_random_state(random_state)
    X, target = rng.standard_normal((n_samples, d)), _neuron(d, -0.5)
    y = target(X)
    norm = np.sqrt(gaussian.relu_gram([target.weight], [target.bias])[0, 0])
    names = "flipped", "coupling_gap", "feature_gap", "linearization_gap"
    values = {"widths": np.array(widths), **{name: [] for name in names}}
    for width in widths:
        net = OverparamNetRegressor(
            width,
            parametrization="ntk",
            symmetric_init=True,
            weights="gaussian",
            weight_scale=np.sqrt(d),
            biases="gaussian",
            bias_scale=1.0,
            fit_intercept=False,
            max_iter=20,
            tol=None,
            eta0=0.3 / d,
            random_state=int(rng.randint(2**31 - 1)),
        ).fit(X, y)
        W0, b0, u0, _ = (np.asarray(a, np.float64) for a in net.initial_weights())
        W, b, u = net.hidden_weights_, net.hidden_biases_, net.output_weights_
        s = width**-0.5 / norm
        values["flipped"].append(gaussian.flip_probability(W0, b0, W, b).mean())
        values["coupling_gap"].append(gaussian.coupling_gap(s * u, W0, b0, W, b))
        values["feature_gap"].append(gaussian.feature_gap(s * u, W0, b0, W, b))
        gap = gaussian.linearization_gap(s * u0, W0, b0, s * u, W, b)
        values["linearization_gap"].append(gap)
    values = {name: np.array(value) for name, value in values.items()}
    rows = []
    for name, label in (
        ("flipped", "flipped activation patterns (2.1)"),
        ("coupling_gap", "coupling gap (2.1)"),
        ("feature_gap", "gap to the features at the start (2.2)"),
        ("linearization_gap", "gap to the linearised network"),
    ):
        curve = values[name]
        slope = np.polyfit(np.log(widths), np.log(curve), 1)[0]
        rows.append(
            Row(
                f"Sec. 2: {label}",
                "vanishes as r grows",
                "",
                f"{curve[0]:.2g} (r = {widths[0]}) to {curve[-1]:.2g} (r = {widths[-1]}), "
                f"~ r^{slope:.2f}",
                verdict(curve[-1] < curve[0] / 2),
            )
        )
    source = (
        "Over-parameterised networks trained by gradient descent stay close to their start, "
        f"so that they learn like fixed features; here d = {d}, {n_samples} samples."
    )
    return Report("Section 2", source, tuple(rows), values)


# -------------------------------------------------------------------------- Theorem 3.1


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
            "hinge loss at most eps",
            "",
            f"hinge {hinge:.3f}, accuracy {accuracy:.3f}, W moved by {moved:.3f} "
            f"in {n_samples} steps",
            verdict(hinge < 0.1),
        )
        for width, (hinge, accuracy, moved) in zip(widths, results, strict=True)
    ]
    source = (
        "SGD on an over-parameterised network of any width beyond a polynomial bound "
        "reaches the hinge loss of the best bounded-degree polynomial, and moves little."
    )
    return Report("Theorem 3.1", source, tuple(rows), values)


# ------------------------------------------------------------------- one neuron, by descent


def one_neuron(d=10, bias=-1.0, error=0.01, step=0.5, n_starts=5, random_state=0):
    """One neuron learned by gradient descent on its exact risk.

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
    target, u = _neuron(d, bias), np.ones(1)
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
    spread = f"in {np.min(steps[done]):.0f} to {np.max(steps[done]):.0f} steps" * done.any()
    row = Row(
        f"Sec. 4: one neuron, d = {d}, b* = {bias:g}",
        "learnable by gradient descent",
        "from most starts; where the neuron dies, not",
        f"relative error {error:g} from {done.sum()} of {n_starts} starts {spread}",
        verdict(done.all(), done.any()),
    )
    source = "What fixed features cannot do, gradient descent on a single neuron does."
    return Report("One neuron", source, (row,), {"steps": steps})


# -------------------------------------------------------------------- Propositions 4.1, 4.6


def proposition_4_1(d=40, r=None, n_draws=2000, random_state=0):
    """Proposition 4.1: linear features, the exact law of the error.

    Parameters
    ----------
    d : int
        Dimension.
    r : int, default=None
        Number of random directions; None means d // 2, as in the proposition.
    n_draws : int
        Simulated spans.
    random_state : int, RandomState instance or None
        Fixes the simulation.

    Returns
    -------
    report : Report
        With values "probability" (of an error below 1/4, exact), "simulated" (errors),
        "p_value" (Kolmogorov and Smirnov, of the exact law) and "rate".
    """
    r = d // 2 if r is None else r
    law = squared_distance_law(d, r)
    errors = simulate_squared_distances(d, r, n_draws, random_state)
    p_value = kstest(errors, law.cdf).pvalue
    log_p = float(log_distance_probability(0.25, d, r))
    rate = distance_rate()
    rows = (
        Row(
            f"Prop. 4.1: law of the error, d = {d}, r = {r}",
            "at least 1/4 with high probability",
            f"Beta((d - r) / 2, r / 2), mean {law.mean():.3f}",
            f"{n_draws} draws: mean {errors.mean():.3f}, least {errors.min():.3f}; "
            f"Kolmogorov-Smirnov p = {p_value:.2f}",
            verdict(p_value > 1e-3),
        ),
        Row(
            "Prop. 4.1: P(error < 1/4)",
            "at most exp(-c d), c not given",
            f"rate {rate:.4f} for r = d / 2",
            f"{np.exp(log_p):.2e} exactly; {np.mean(errors < 0.25):.4f} of the draws",
            "measured",
        ),
    )
    values = {"probability": np.exp(log_p), "simulated": errors, "p_value": p_value}
    source = "A linear target is not in the span of r <= d / 2 random linear features."
    return Report("Proposition 4.1", source, rows, {**values, "rate": rate})


def proposition_4_6(d=41):
    """Proposition 4.6: the three items about psi, printed and corrected.

    Parameters
    ----------
    d : int
        Dimension, ||w|| = d; the proposition takes d > 40.

    Returns
    -------
    report : Report
        With the attributes of `WaveFacts` as values.
    """
    facts = wave_facts(d)
    a = facts.half_width
    correlation = f"1e{facts.log10_correlation:.1f}"
    rows = (
        Row(
            f"Prop. 4.6, item 1, d = {d}",
            f"odd, period 4, made of a = {a} ReLUs",
            f"on [-a, a] only; made of a + 1 = {facts.relus} ReLUs; sum a_j^2 = 24 d^2 + 5",
            f"{facts.relus} coefficients, sum of squares {facts.sum_of_squares}",
            "corrected",
        ),
        Row(
            "Prop. 4.6, item 2",
            f"||psi||^2 >= d = {d}",
            "||psi||^2 = 1/3",
            f"{facts.squared_norm:.13f}",
            verdict(facts.squared_norm >= d, abs(facts.squared_norm - 1 / 3) < 1e-12),
        ),
        Row(
            "Prop. 4.6, item 3",
            "E <f, psi_w>^2 <= ||f||^2 exp(-c d), c not given",
            "sup = the largest eigenvalue",
            f"{correlation} exactly",
            "measured",
        ),
        Row(
            "Eq. (5)",
            f"factor 24 d^2 = {24 * d * d}",
            "(sum |a_j|)^2 = (12 d^2 + 3)^2",
            f"{facts.squared_sum}: errors need not be orthogonal",
            "corrected",
        ),
    )
    source = "The sine-like wave is nearly uncorrelated with every fixed function."
    values = {name: getattr(facts, name) for name in facts.__dataclass_fields__}
    return Report("Proposition 4.6", source, rows, values)


# -------------------------------------------------------------- Theorems 4.2, 4.8, Remarks


def theorem_4_2(d=10, width=1000, bias=-1.0, error=0.3, random_state=0):
    """Theorem 4.2 and Example 4.3: random ReLU features on one neuron.

    Parameters
    ----------
    d, width : int
        Inputs; number r of features, rows on the unit sphere with biases N(0, 1).
    bias : float
        Bias of the target, ||w*|| = 1.
    error : float
        Relative error for which the least r max|u| is computed.
    random_state : int, RandomState instance or None
        Fixes the features.

    Returns
    -------
    report : Report
        With values "n_features" (1 to width), "errors" (best, exactly, of so many of them),
        "floor" (of as many features of any kind) and "weight" (r max|u| / ||g||).
    """
    rng = check_random_state(random_state)
    (W, b), target = _draw_features(rng, width, d), _neuron(d, bias)
    best = gaussian.best_error(W, b, target)
    widths = np.arange(1, width + 1)
    floor = error_floor(widths, d, bias)
    least = gaussian.min_weight(W, b, target, error * best.errors[0] / best.relative[0])
    norm = np.sqrt(best.errors[0] / best.relative[0])
    weight = width * least.weight / norm
    log10_needed, _ = features_needed(1 / 50, d, weight_norm=d**2, absolute=True)
    certificate = weight_certificate(1 / 50, d, 5.0 * d**3, width)
    at = f"d = {d}, b* = {bias:g}"
    shown = f"{weight:.3g}" if least.feasible else "infeasible for these features"
    rows = (
        Row(
            f"Thm 4.2: {width} random features, {at}",
            "error > 1/50 unless r max|u| is exponential in d",
            f"floor of any {width} features {floor[-1]:.2g}",
            f"best error {best.relative[-1]:.2g} with any u",
            verdict(best.relative[-1] >= floor[-1] - best.rounding_errors[-1]),
        ),
        Row(
            f"Thm 4.2: least r max|u| / ||g|| for error {error:g}",
            "at least exp(c d), c not given",
            "",
            shown,
            "measured",
        ),
        Row(
            "Thm 4.2: ||w*|| = d^2, b* = 0, error 1/50",
            "r max|u| >= exp(c d) / (8 d^2)",
            "no bound on u: the floor of any features",
            f"at least 1e{log10_needed:.1f} features of any kind",
            "measured",
        ),
        Row(
            "Thm 4.2: what its proof gives, corrected",
            "factor 1 / (8 d^2) at ||w*|| = d^2",
            f"needs ||w*|| >= {certificate.least_weight_norm:.3g} for error 1/50",
            f"at ||w*|| = 5 d^3: r max|u| >= {certificate.factor:.2g} exp(c d)",
            "corrected",
        ),
    )
    values = {
        "n_features": widths,
        "errors": best.relative,
        "floor": floor,
        "weight": weight,
    }
    source = (
        "Random features cannot approximate one neuron, unless their number or their "
        "coefficients are exponential in d."
    )
    return Report("Theorem 4.2", source, rows, values)


def remark_4_4(d=10, width=300, bias=-1.0, random_state=0):
    """Remark 4.4: rows on the sphere against Gaussian rows.

    Parameters
    ----------
    d, width : int
        Inputs and features.
    bias : float
        Bias of the target, ||w*|| = 1.
    random_state : int, RandomState instance or None
        Fixes the features.

    Returns
    -------
    report : Report
        With values "sphere" and "gaussian", the best relative errors without biases, and
        "with_biases", a pair of both with the same biases.
    """
    rng = check_random_state(random_state)
    W = rng.standard_normal((width, d)) / np.sqrt(d)
    unit = W / np.linalg.norm(W, axis=1, keepdims=True)
    target, none, b = _neuron(d, bias), np.zeros(width), rng.standard_normal(width)
    errors = [gaussian.best_error(rows, none, target).relative[-1] for rows in (unit, W)]
    biased = [gaussian.best_error(rows, b, target).relative[-1] for rows in (unit, W)]
    row = Row(
        f"Remark 4.4: {width} features, d = {d}, b* = {bias:g}",
        "any spherically symmetric law of W",
        "without biases the best error is the same; with biases their law rescales too",
        f"without: {errors[0]:.6g} and {errors[1]:.6g}; with: {biased[0]:.3g} and "
        f"{biased[1]:.3g}",
        verdict(abs(errors[0] - errors[1]) < 1e-6),
    )
    values = {"sphere": errors[0], "gaussian": errors[1], "with_biases": tuple(biased)}
    source = "The law of the rows' lengths does not matter, only their directions do."
    return Report("Remark 4.4", source, (row,), values)


def remark_4_7(d=41, norms=None):
    """Remark 4.7: the norm of the target against the error.

    Parameters
    ----------
    d : int
        Inputs.
    norms : sequence of float, default=None
        ||w*||; None means 1, d, d^2 and 5 d^3.

    Returns
    -------
    report : Report
        With values "norms" and "log10_features", fewest of any kind for error 1/50.
    """
    norms = np.array([1, d, d**2, 5 * d**3] if norms is None else norms, np.float64)
    needed = np.array(
        [features_needed(1 / 50, d, weight_norm=a, absolute=True)[0] for a in norms]
    )
    rows = tuple(
        Row(
            f"Remark 4.7: d = {d}, ||w*|| = {a:g}, error 1/50",
            f"errors up to {weight_certificate(1 / 50, d, a, 1).printed_largest_error:.2g}",
            f"up to {weight_certificate(1 / 50, d, a, 1).largest_error:.2g} by the "
            "corrected proof; the square of a scale, not the scale",
            f"at least 1e{count:.1f} features of any kind",
            "corrected",
        )
        for a, count in zip(norms, needed, strict=True)
    )
    source = "Scaling a neuron by lambda scales its squared error by lambda^2."
    return Report("Remark 4.7", source, rows, {"norms": norms, "log10_features": needed})


def theorem_4_8(d=10, width=100, bias=-1.0, random_state=0):
    """Theorem 4.8 and Example 4.9: features of any kind; linearised networks.

    Parameters
    ----------
    d, width : int
        Inputs; neurons of the linearised network, which has width * d features.
    bias : float
        Bias of the target, ||w*|| = 1.
    random_state : int, RandomState instance or None
        Fixes the network.

    Returns
    -------
    report : Report
        With values "n_features" (d to width * d), "errors" (best, exactly, of so many of
        them), "floor" (of as many features of any kind) and "log10_probability".
    """
    rng = check_random_state(random_state)
    (W, b), target = _draw_features(rng, width, d), _neuron(d, bias)
    best = gaussian.best_tangent_error(W, b, target)
    widths = np.arange(1, width + 1)
    floor = error_floor(widths * d, d, bias)
    log10_p = float(failure_probability(1e6, 1 / 50, 41, 41.0, absolute=True))
    log10_r, _ = features_needed([0.1, 0.01], d, bias)
    rows = (
        Row(
            f"Ex. 4.9: linearised network, r d = {width * d}, b* = {bias:g}",
            "error > 1/50 unless exponential",
            f"floor of any {width * d} features {floor[-1]:.2g}",
            f"best error {best.relative[-1]:.2g} with any coefficients",
            verdict(best.relative[-1] >= floor[-1] - best.rounding_errors[-1]),
        ),
        Row(
            "Thm 4.8: d = 41, ||w*|| = d, a million features, error 1/50",
            "with probability at most r exp(-c d), c not given",
            "S_r / (T - eps), exactly",
            f"P <= 1e{log10_p:.1f}",
            "measured",
        ),
        Row(
            f"Thm 4.8: fewest features of any kind, d = {d}, b* = {bias:g}",
            "exponential in d",
            "polynomial in d at a fixed relative error; exponential where it is 1/poly(d)",
            f"1e{log10_r[0]:.1f} for 10%, 1e{log10_r[1]:.1f} for 1%",
            "corrected",
        ),
    )
    values = {
        "n_features": widths * d,
        "errors": best.relative,
        "floor": floor,
        "log10_probability": log10_p,
    }
    source = "No features fixed before the target is drawn do, whatever their kind."
    return Report("Theorem 4.8", source, rows, values)


# ------------------------------------------------------------------------------ all of them

_STATEMENTS = (
    equation_2,
    section_2,
    theorem_3_1,
    one_neuron,
    proposition_4_1,
    theorem_4_2,
    remark_4_4,
    proposition_4_6,
    remark_4_7,
    theorem_4_8,
)
# Arguments that differ from the functions' own defaults.
_SIZES = {
    "small": {
        equation_2: {"n_samples": 20_000},
        section_2: {"widths": (30, 100, 300), "n_samples": 100},
        theorem_3_1: {"widths": (100,)},
        one_neuron: {"n_starts": 2},
        proposition_4_1: {"d": 10, "n_draws": 500},
        theorem_4_2: {"d": 5, "width": 100},
        remark_4_4: {"width": 50},
        proposition_4_6: {"d": 5},
        remark_4_7: {"d": 5},
        theorem_4_8: {"d": 5, "width": 20},
    },
    "default": {},
    "large": {
        section_2: {"widths": (30, 100, 300, 1000, 3000, 10_000)},
        theorem_3_1: {"widths": (30, 300, 3000, 30_000)},
        theorem_4_2: {"d": 20, "width": 3000},
        theorem_4_8: {"d": 10, "width": 500},
    },
}


def reproduce(size="default", *, html=None, progress=True, random_state=0):
    """Measure every statement of the paper and print one table.

    Parameters
    ----------
    size : {"small", "default", "large"}, default="default"
        Some seconds, under two minutes, or some minutes on two cores.
    html : str or Path, default=None
        Where to write a page with the table and pictures, which needs no other file; the
        pictures need matplotlib.
    progress : bool, default=True
        Whether to show a bar on standard error.
    random_state : int or None, default=0
        Fixes everything that is drawn.

    Returns
    -------
    reports : list of Report
        One for each statement, in the order of the paper.

    Raises
    ------
    ValueError
        For an unknown size.
    OSError
        When `html` cannot be written, before anything is measured.
    """
    if size not in _SIZES:
        raise ValueError(f"size={size!r} is not known. Use one of {', '.join(_SIZES)}.")
    if html is not None:
        html = Path(html)
        _require_page(html)
    reports = []
    for k, statement in enumerate(_STATEMENTS):
        name = statement.__name__
        _show_progress(progress, k, name)
        options = dict(_SIZES[size].get(statement, {}))
        if "random_state" in statement.__code__.co_varnames:
            options["random_state"] = random_state
        reports.append(statement(**options))
    _show_progress(progress, len(_STATEMENTS), "")
    print(table([row for report in reports for row in report.rows]))
    if html is not None:
        html.write_text(
            html_page("Yehudai and Shamir (2019), measured", reports, _figures(reports))
        )
        print(f"The page is {html}")
    return reports


def _show_progress(shown, done, name):
    if shown:
        n = len(_STATEMENTS)
        bar = "=" * (30 * done // n) + " " * (30 - 30 * done // n)
        end = "\n" if done == n else ""
        print(f"\r[{bar}] {done} of {n} {name:<16}", end=end, file=sys.stderr, flush=True)


def _require_page(html):
    """Raise before the work when the page cannot be written or has no pictures."""
    if not html.parent.is_dir() or html.is_dir():
        raise OSError(f"html={html} cannot be written. Name a file in an existing folder.")
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "The page's pictures need matplotlib: python -m pip install "
            '"scikit-random-features[examples]".'
        ) from error


def _figures(reports):
    """Captions and pictures of the reports that have curves."""
    from matplotlib.figure import Figure

    by_title = {report.title: report.values for report in reports}
    figures = {}

    def axes(caption):
        figures[caption] = Figure(figsize=(7, 4.5), layout="constrained")
        return figures[caption].subplots()

    for title, kind in (("Theorem 4.2", "random features"), ("Theorem 4.8", "linearised")):
        values = by_title[title]
        ax = axes(f"{title}: best error of {kind} and the floor of any features")
        display = ErrorFloorDisplay(
            n_features=values["n_features"],
            errors={kind: values["errors"]},
            floor=values["floor"],
        )
        display.plot(ax)
    values = by_title["Section 2"]
    names = "flipped", "coupling_gap", "feature_gap", "linearization_gap"
    curves = {name.replace("_", " "): values[name] for name in names}
    ax = axes("Section 2: laziness against width, exactly")
    LazinessDisplay(widths=values["widths"], curves=curves).plot(ax)
    dimensions = np.array([5, 10, 20, 40, 80, 160])
    needed = {
        f"b* = {b:g}, error {error:g}": np.array(
            [features_needed(error, int(d), b)[0] for d in dimensions]
        )
        for b, error in ((0.0, 0.01), (-1.0, 0.1), (-1.0, 0.01))
    }
    ax = axes("Theorem 4.8: fewest features of any kind for one neuron")
    FeaturesNeededDisplay(dimensions=dimensions, log10_needed=needed).plot(ax)
    spectra = {f"d = {d}": relu_spectrum(d, -1.0) for d in (5, 20, 80)}
    ax = axes("The spectrum of a random neuron, b* = -1")
    SpectrumDisplay(spectra=spectra).plot(ax)
    return figures
