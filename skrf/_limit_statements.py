"""What fixed features cannot do: Section 4's propositions and theorems, measured."""

from numbers import Integral

import numpy as np
from scipy.stats import kstest
from sklearn.utils import check_random_state

from skrf import gaussian
from skrf._arguments import check_integer, real_array
from skrf._bounds import (
    distance_rate,
    error_floor,
    failure_probability,
    features_needed,
    log_distance_probability,
    simulate_squared_distances,
    squared_distance_law,
)
from skrf._gaussian_pairs import neurons
from skrf._learning_statements import unit_neuron
from skrf._relu_spectrum import log_squared_norm
from skrf._report import Report, Row, verdict
from skrf._validation import (
    BIAS,
    DIMENSION,
    POSITIVE,
    POSITIVE_INTEGER,
    RANDOM_STATE,
    Interval,
    validate_params,
)
from skrf._wave import wave_facts, wave_relu_products, weight_certificate
from skrf.targets import TriangleWave

_FEATURES = {
    "d": [DIMENSION],
    "width": [POSITIVE_INTEGER],
    "bias": BIAS,
    "random_state": RANDOM_STATE,
}


def draw_features(rng, width, d):
    """Weights on the unit sphere and biases N(0, 1)."""
    W = rng.standard_normal((width, d))
    W /= np.linalg.norm(W, axis=1, keepdims=True)
    return W, rng.standard_normal(width)


@validate_params(
    {
        "d": [Interval(Integral, 2, None, closed="left")],
        "r": [POSITIVE_INTEGER, None],
        "n_draws": [POSITIVE_INTEGER],
        "random_state": RANDOM_STATE,
    },
    prefer_skip_nested_validation=False,
)
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
            "",
            f"Beta((d - r) / 2, r / 2), mean {law.mean():.3f}",
            f"{n_draws} draws: mean {errors.mean():.3f}, least {errors.min():.3f}; "
            f"Kolmogorov-Smirnov p = {p_value:.2f}",
            verdict(p_value > 1e-3),
        ),
        Row(
            "Prop. 4.1: P(error < 1/4)",
            "at most exp(-c d) for r <= d / 2, c not given",
            f"exp(-{rate:.4f} d) at r = d / 2, to first order",
            f"{np.exp(log_p):.2e} exactly; {np.mean(errors < 0.25):.4f} of the draws",
            "measured",
        ),
    )
    values = {"probability": np.exp(log_p), "simulated": errors, "p_value": p_value}
    source = "A linear target is not in the span of r <= d / 2 random linear features."
    return Report("Proposition 4.1", source, rows, {**values, "rate": rate})


@validate_params({"d": [DIMENSION]}, prefer_skip_nested_validation=False)
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
    wave = TriangleWave(np.ones(d))
    coefficients, offsets = wave.relu_sum()
    a = wave.half_width
    # Multiples of 1/2, where the sum of ReLUs is exact.
    t = np.linspace(-2 * a, 2 * a - 8, 101).round() / 2
    up, down, later = (
        np.maximum(x[:, np.newaxis] + offsets, 0) @ coefficients - 1 for x in (t, -t, t + 4)
    )
    odd, period = np.abs(up + down).max(), np.abs(up - later).max()
    n, squares = len(coefficients), int((coefficients**2).sum())
    squared_sum = int(np.abs(coefficients).sum()) ** 2
    rows = (
        Row(
            f"Prop. 4.6, item 1, d = {d}",
            f"periodic and odd on [-a, a], a = 6 d^2 + 1 = {a}",
            "",
            f"|psi(t) + psi(-t)| <= {odd:g}, |psi(t + 4) - psi(t)| <= {period:g} there",
            verdict(odd == 0 and period == 0),
        ),
        Row(
            "Proof of Thm 4.2: psi as a sum",
            "of a ReLUs",
            "of a + 1 ReLUs, sum a_j^2 = 24 d^2 + 5",
            f"{n} ReLUs, sum of squares {squares}",
            verdict(n == a, n == a + 1 and squares == 24 * d**2 + 5),
        ),
        Row(
            "Eq. (5): factor of the error",
            f"24 d^2 = {24 * d * d}, as if errors were orthogonal",
            "(sum |a_j|)^2 = (12 d^2 + 3)^2",
            f"(sum |a_j|)^2 = {squared_sum}",
            verdict(squared_sum <= 24 * d**2, squared_sum == (12 * d**2 + 3) ** 2),
        ),
        Row(
            "Prop. 4.6, item 2",
            f"||psi||^2 >= d = {d}",
            "||psi||^2 = 1/3",
            f"{facts.squared_norm:.13f}",
            verdict(facts.squared_norm >= d, abs(facts.squared_norm - 1 / 3) < 1e-8),
        ),
        Row(
            "Prop. 4.6, item 3",
            "E_w <f, psi_w>^2 <= 20 ||f||^2 exp(-c d), c not given",
            "sup over f = the largest eigenvalue",
            f"10^{facts.log10_correlation:.1f} ||f||^2",
            "measured",
        ),
    )
    source = "The sine-like wave is nearly uncorrelated with every fixed function."
    values = {name: getattr(facts, name) for name in facts.__dataclass_fields__}
    return Report("Proposition 4.6", source, rows, values)


def wave_relu_correlations(d, W, b):
    r"""log10 of the squared correlations of psi with ReLU neurons, item 3 for f = relu.

    .. math:: \log_{10} \frac{\langle f_i, \psi_w\rangle^2}{\|f_i\|^2}, \quad
              f_i(x) = relu(\langle w_i, x\rangle + b_i),\; w = d\, e_1.

    Parameters
    ----------
    d : int
        Dimension.
    W : array-like of shape (n, d)
        Rows w_i, not 0.
    b : array-like of shape (n,)
        b_i.

    Returns
    -------
    logs : ndarray of shape (n,)
        Far below underflow where they must be.
    """
    check_integer("d", d, 2, "give the number of features, at least two")
    wave = TriangleWave(d * np.eye(d)[0])
    _, log_products = wave_relu_products(wave, W, b, ("W", "b"))
    layer = neurons(W, b)
    norms = np.linalg.norm(layer.weights, axis=1)
    log_squares = 2 * np.log(norms) + [log_squared_norm(h) for h in layer.biases / norms]
    return (2 * log_products - log_squares) / np.log(10)


# -------------------------------------------------------------- Theorems 4.2, 4.8, Remarks


@validate_params({**_FEATURES, "error": [POSITIVE]}, prefer_skip_nested_validation=False)
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
    (W, b), target = draw_features(rng, width, d), unit_neuron(d, bias)
    best = gaussian.best_error(W, b, target)
    widths = np.arange(1, width + 1)
    floor = error_floor(widths, d, bias)
    least = gaussian.min_weight(W, b, target, error * best.errors[0] / best.relative[0])
    norm = np.sqrt(best.errors[0] / best.relative[0])
    weight = width * least.weight / norm
    log10_needed, _ = features_needed(1 / 50, d, weight_norm=d**2, absolute=True)
    printed, longer = (
        weight_certificate(1 / 50, d, alpha, width) for alpha in (d**2, 5.0 * d**3)
    )
    at = f"d = {d}, b* = {bias:g}"
    shown = f"{weight:.3g}" if least.feasible else "infeasible for these features"
    rows = (
        Row(
            f"Ex. 4.3: {width} random ReLU features, {at}, ||w*|| = 1",
            "few features with small weights are far from g",
            f"no {width} features do better than {floor[-1]:.2g} in mean, with any u",
            f"best error {best.relative[-1]:.2g} with any u",
            "measured",
        ),
        Row(
            f"Ex. 4.3: the same, least r max|u| / ||g|| for error {error:g}",
            "exponential in d",
            "",
            shown,
            "measured",
        ),
        Row(
            "Thm 4.2: ||w*|| = d^2, absolute error 1/50",
            "r max|u| >= exp(c d) / (48 d^2), c not given, d > 40",
            "for b* = 0 a floor of r alone, in mean",
            f"at least 10^{log10_needed:.1f} features of any kind",
            "measured",
        ),
        Row(
            "Thm 4.2: its proof",
            "at ||w*|| = d^2, error 1/50",
            f"1/3 - (12 d^2 + 3)^2 (d / ||w*||)^2 / 50 must be positive: ||w*|| > "
            f"{longer.least_weight_norm:.3g}, about 3 d^3",
            f"{printed.bracket:.3g} at d^2, {longer.bracket:.3g} at 5 d^3",
            verdict(printed.bracket > 0, longer.bracket > 0),
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


@validate_params(_FEATURES, prefer_skip_nested_validation=False)
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
    target, none, b = unit_neuron(d, bias), np.zeros(width), rng.standard_normal(width)
    errors = [gaussian.best_error(rows, none, target).relative[-1] for rows in (unit, W)]
    biased = [gaussian.best_error(rows, b, target).relative[-1] for rows in (unit, W)]
    row = Row(
        f"Remark 4.4: {width} features, d = {d}, b* = {bias:g}",
        "any spherically symmetric law of W, bounded w.h.p.",
        "",
        f"best errors, sphere and Gaussian: {errors[0]:.6g}, {errors[1]:.6g} without "
        f"biases; {biased[0]:.3g}, {biased[1]:.3g} with the same biases",
        verdict(abs(errors[0] - errors[1]) < 1e-6),
    )
    values = {"sphere": errors[0], "gaussian": errors[1], "with_biases": tuple(biased)}
    source = "The law of the rows' lengths does not matter, only their directions do."
    return Report("Remark 4.4", source, (row,), values)


@validate_params(
    {"d": [DIMENSION], "norms": ["array-like", None]}, prefer_skip_nested_validation=False
)
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
    norms = real_array("norms", [1, d, d**2, 5 * d**3] if norms is None else norms, ndim=1)
    if not (norms > 0).all():
        raise ValueError(f"norms must be positive; got {norms.min():g}. Give ||w*||.")
    needed = np.array(
        [features_needed(1 / 50, d, weight_norm=a, absolute=True)[0] for a in norms]
    )
    certificates = [weight_certificate(1 / 50, d, alpha, 1) for alpha in norms]
    rows = [
        Row(
            f"Remark 4.7: d = {d}, ||w*|| = {alpha:g}",
            f"eps up to ||w*|| / (5 d^2) = {certificate.printed_largest_error:.2g}",
            "eps below (||w*|| / d)^2 / (3 (12 d^2 + 3)^2) = "
            f"{certificate.largest_error:.2g}",
            f"eps = 1/50, b* = 0: at least 10^{count:.1f} features of any kind",
            "corrected",
        )
        for alpha, certificate, count in zip(norms, certificates, needed, strict=True)
    ]
    last = certificates[-1]
    rows.append(
        Row(
            f"Remark 4.7: d = {d}, ||w*|| = {norms[-1]:g}, the bias",
            f"|b*| <= 6 ||w*|| d + 1 = {last.printed_bias_bound:.10g}",
            f"(||w*|| / d) (6 d^2 + 1) = {last.bias_bound:.10g}",
            "scaling Eq. (7) scales the 1 too",
            "corrected",
        )
    )
    source = "Scaling a neuron by lambda scales its squared error by lambda^2."
    return Report(
        "Remark 4.7", source, tuple(rows), {"norms": norms, "log10_features": needed}
    )


@validate_params(_FEATURES, prefer_skip_nested_validation=False)
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
    (W, b), target = draw_features(rng, width, d), unit_neuron(d, bias)
    best = gaussian.best_tangent_error(W, b, target)
    widths = np.arange(1, width + 1)
    floor = error_floor(widths * d, d, bias)
    log10_p = float(failure_probability(1e6, 1 / 50, 41, weight_norm=41.0, absolute=True))
    log10_r, _ = features_needed([0.1, 0.01], d, bias)
    rows = (
        Row(
            f"Ex. 4.9: linearised network of {width * d} features, d = {d}, "
            f"b* = {bias:g}, ||w*|| = 1",
            "few features with small weights are far from g",
            f"no {width * d} features do better than {floor[-1]:.2g} in mean",
            f"best error {best.relative[-1]:.2g} with any coefficients",
            "measured",
        ),
        Row(
            "Thm 4.8: d = 41, ||w*|| = d, b* = 0, absolute error 1/50, a million features",
            "r max|u| exponential but with probability r exp(-c d), c not given",
            "for any u, from the spectrum",
            f"error reached with probability at most 10^{log10_p:.1f}",
            "measured",
        ),
        Row(
            f"Thm 4.8: fewest features of any kind, d = {d}, b* = {bias:g}",
            "exponential in d at ||w*|| = d^2, absolute error 1/50",
            "polynomial in d at a fixed relative error",
            f"10^{log10_r[0]:.1f} for 10%, 10^{log10_r[1]:.1f} for 1%",
            "measured",
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
