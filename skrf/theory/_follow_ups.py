"""Statements of later papers that the same computations measure."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state

from skrf import gaussian
from skrf._utils.checks import real_array
from skrf._utils.typing import RandomState
from skrf._utils.validation import FRACTION, POSITIVE_INTEGER, check_arguments
from skrf.networks import OverparamNetRegressor
from skrf.targets import TriangleWave
from skrf.theory._floors import error_floor, features_needed
from skrf.theory._report import Report, Row, compared
from skrf.theory._risk import exact_risk
from skrf.theory._setup import BIAS, DIMENSION, checked_dimensions, fit_quietly, unit_neuron
from skrf.theory._wave import triangle_wave_spectrum


@check_arguments(
    {"d": [DIMENSION], "error": [FRACTION], "norms": ["array-like"]},
    prefer_skip_nested_validation=False,
)
def smooth_neurons(
    d: int = 40,
    error: float = 1e-3,
    norms: ArrayLike = (0.5, 1.0, 2.0, 5.0),
    activations: tuple[str, ...] = ("softplus", "tanh", "relu"),
) -> Report:
    r"""Wu and Long (2022): smooth neurons are hard only for large weights.

    The minimum number of features of any kind for one neuron act(<w, x>), x ~ N(0, I), by
    the spectrum of the random neuron. For a smooth activation the spectrum decreases fast
    for short w, and the number grows with ||w||; for ReLU it does not depend on ||w||.

    Parameters
    ----------
    d : int, default=40
        Number of inputs, from 2 to 2000.
    error : float, default=0.001
        Mean relative error, in (0, 1).
    norms : array-like, default=(0.5, 1.0, 2.0, 5.0)
        Values of ||w||, above 0.
    activations : tuple of str, default=("softplus", "tanh", "relu")
        Names of activations; analytic, or "relu".

    Returns
    -------
    report : Report
        With values "norms" and, for each activation, log10 of the numbers of features.

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    References
    ----------
    .. [1] L. Wu and J. Long, "A Spectral-Based Analysis of the Separation between Two-Layer
       Neural Networks and Linear Methods", JMLR 23, 2022. arXiv 2108.04964.

    Examples
    --------
    >>> from skrf.theory import smooth_neurons
    >>> smooth_neurons(d=10, norms=[1.0]).values["tanh"].round(2)
    array([3.59])
    """
    alphas = real_array("norms", norms, ndim=1)
    values = {"norms": alphas}
    rows = []
    for name in activations:
        logs = np.array(
            [features_needed(error, d, 0.0, a, activation=name)[0] for a in alphas]
        )
        values[name] = logs
        grows = bool(np.all(np.diff(logs) > 0))
        numbers = ", ".join(f"10^{value:.1f}" for value in logs)
        arguments = (
            f"Wu and Long 2022, {name}",
            f"d = {d}, b* = 0, ||w|| = {', '.join(f'{a:g}' for a in alphas)}, relative "
            f"error {error:g} in mean over w, any u",
            "the need depends on ||w|| for smooth activations only",
            f"at least {numbers} features of any kind",
        )
        if name == "relu":  # The relative error does not depend on ||w||, by homogeneity.
            rows.append(Row(*arguments[:3], "", arguments[3], "measured"))
        else:
            rows.append(compared(*arguments, grows, "no growth with ||w|| here"))
    source = "Fixed features and one smooth neuron: the number of features against ||w||."
    return Report("Smooth activations", source, tuple(rows), values)


@check_arguments(
    {"bias": [BIAS], "dimensions": ["array-like"]}, prefer_skip_nested_validation=False
)
def staircase(dimensions: ArrayLike = (30, 100, 1000), bias: float = -1.0) -> Report:
    r"""Ghorbani et al. (2019): with d^(k + 1/2) features, degrees up to k are learned.

    .. math:: \text{floor}(d^{k + 1/2}) \to \sum_{l > k} \frac{\mu_l^2}{\|g\|^2}
              \quad (d \to \infty),

    with the Hermite coefficients mu_l of relu(z + b*). Here the left-hand side is the lower
    bound for any features, `error_floor`.

    Parameters
    ----------
    dimensions : array-like of int, default=(30, 100, 1000)
        Numbers of inputs in increasing order, from 2 to 2000.
    bias : float, default=-1.0
        Bias b* of the target, in [-35, 1000]; ||w*|| = 1.

    Returns
    -------
    report : Report
        With values "dimensions", "tails" (for k = 1, 2, 3) and "floors", of shape
        (n_dimensions, 3).

    Raises
    ------
    ValueError
        If a parameter is out of its range.

    References
    ----------
    .. [1] B. Ghorbani, S. Mei, T. Misiakiewicz and A. Montanari, "Linearized Two-Layers
       Neural Networks in High Dimension", Annals of Statistics 49, 2021. arXiv 1904.12191.

    Examples
    --------
    >>> from skrf.theory import staircase
    >>> staircase().values["tails"].round(3)
    array([0.574, 0.185, 0.056])
    """
    ds = checked_dimensions(dimensions)
    energies = gaussian.degree_energies("relu", 3, bias=bias)
    square = float(gaussian.relu_gram([[1.0]], [bias])[0, 0])
    tails = 1 - np.cumsum(energies)[1:] / square
    floors = np.array(
        [[error_floor(float(d) ** (k + 0.5), int(d), bias) for k in (1, 2, 3)] for d in ds]
    )
    rows = tuple(
        compared(
            f"Ghorbani et al. 2019, degrees above {k}",
            f"d = {', '.join(map(str, ds))}, b* = {bias:g}, ||w*|| = 1, d^{k + 0.5:g} "
            "features of any kind",
            f"error tends to the Hermite energy above degree {k}",
            f"{', '.join(f'{value:.3f}' for value in floors[:, k - 1])}; limit "
            f"{tails[k - 1]:.3f}",
            abs(floors[-1, k - 1] - tails[k - 1]) <= abs(floors[0, k - 1] - tails[k - 1]),
            "no approach to the limit at these d",
        )
        for k in (1, 2, 3)
    )
    source = "Random features learn a polynomial degree at a time, at powers of d."
    values = {"dimensions": ds, "tails": tails, "floors": floors}
    return Report("Staircase", source, rows, values)


@check_arguments(
    {
        "d": [DIMENSION],
        "width": [POSITIVE_INTEGER],
        "n_samples": [POSITIVE_INTEGER],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=False,
)
def tangent_kernel_edge(
    d: int = 10,
    width: int = 50,
    n_samples: int = 20_000,
    biases: tuple[float, ...] = (0.0, -1.0, -2.0),
    random_state: RandomState = 0,
) -> Report:
    r"""Malach et al. (2021): the edge of the tangent kernel, and the risk after training.

    The edge is 1 minus the minimum relative error of the gradients of a network at its
    initialisation, :math:`x_j 1(\langle w_i, x\rangle + b_i > 0)` and
    :math:`1(\langle w_i, x\rangle + b_i > 0)`, on one neuron, in closed form. For the wave
    psi the edge is at most the sum of as many largest eigenvalues, divided by ||psi||^2.

    Parameters
    ----------
    d : int, default=10
        Number of inputs, from 2 to 2000.
    width : int, default=50
        Number of neurons of the network.
    n_samples : int, default=20000
        Number of training samples.
    biases : tuple of float, default=(0.0, -1.0, -2.0)
        Biases b* of the targets, in [-35, 1000]; ||w*|| = 1.
    random_state : int, RandomState instance or None, default=0
        Controls the random data and initial weights; pass an int for reproducible output
        across multiple function calls.

    Returns
    -------
    report : Report
        With values "biases", "edges", "risks" (exact relative errors after training),
        "wave_edge" (an upper bound) and "wave_risk" (relative error on fresh samples).

    Raises
    ------
    ValueError
        If a parameter is out of its range.
    LinAlgError
        If the Gram matrix of the features has no Cholesky factor, even with a jitter.

    References
    ----------
    .. [1] E. Malach, P. Kamath, E. Abbe and N. Srebro, "Quantifying the Benefit of Using
       Differentiable Learning over Tangent Kernels", ICML 2021. arXiv 2103.01210.

    Examples
    --------
    >>> from skrf.theory import tangent_kernel_edge
    >>> values = tangent_kernel_edge(3, 10, 2000, biases=(0.0,)).values
    >>> bool(0 < values["edges"][0] <= 1 and values["wave_edge"] < 1)
    True
    """
    rng = check_random_state(random_state)
    X = rng.standard_normal((n_samples, d))
    options = {
        "weights": "gaussian",
        "weight_scale": 1.0,
        "biases": "gaussian",
        "bias_scale": 0.5,
        "alpha": 0.0,
        "max_iter": 20,
        "tol": None,
        "random_state": int(rng.randint(2**31 - 1)),
    }
    edges, risks = [], []
    for bias in biases:
        target = unit_neuron(d, bias)
        net = OverparamNetRegressor(width, **options)
        fit_quietly(net, X, target(X))
        W0, b0, _, _ = net.initial_weights()
        best = gaussian.best_tangent_error(W0, b0, target, biases=True)
        edges.append(1 - best.relative[-1])
        risks.append(exact_risk(net, target).relative)
    n_features = width * (d + 1)
    spectrum = triangle_wave_spectrum(d)
    wave_edge = 1 - float(spectrum.floor(math.log(n_features)))
    wave, fresh = TriangleWave(d * np.eye(1, d)[0]), rng.standard_normal((10_000, d))
    net = OverparamNetRegressor(width, **options)
    fit_quietly(net, X, wave(X))
    wave_risk = float(np.mean((net.predict(fresh) - wave(fresh)) ** 2) / spectrum.total)
    values = {
        "biases": np.array(biases),
        "edges": np.array(edges),
        "risks": np.array(risks),
        "wave_edge": wave_edge,
        "wave_risk": wave_risk,
    }
    regime = f"d = {d}, r = {width}, {n_samples} samples, 20 epochs, one start"
    rows = _rows_of_edges(regime, n_features, values)
    source = "What the gradients at the start can express, and what training reaches."
    return Report("Edge of the tangent kernel", source, rows, values)


def _rows_of_edges(regime, n_features, values):
    wave_edge, wave_risk = values["wave_edge"], values["wave_risk"]
    claim = "an edge at the start is needed to learn by gradient descent"
    rows = [
        Row(
            f"Malach et al. 2021, b* = {bias:g}",
            f"{regime}, ||w*|| = 1, relative errors",
            claim,
            "",
            f"edge {edge:.3g} at the start, error {risk:.2g} after training",
            "measured",
        )
        for bias, edge, risk in zip(
            values["biases"], values["edges"], values["risks"], strict=True
        )
    ]
    rows.append(
        compared(
            "Malach et al. 2021, the wave psi",
            f"{regime}, ||w|| = d",
            f"{claim}: no edge, no learning",
            f"edge at most {wave_edge:.1e} for any {n_features} features, in mean over w; "
            f"error {wave_risk:.2g} after training",
            wave_edge > 0.01 or wave_risk > 0.9,
            "learned without an edge",
        )
    )
    return tuple(rows)
