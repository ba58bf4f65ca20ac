"""Bad arguments of exact mathematics, kernels, pictures and the command.

A row of a table is a call, the parameter, and words of the remedy.
"""

import dataclasses
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from messages import assert_raises
from scipy import sparse
from sklearn.frozen import FrozenEstimator
from sklearn.gaussian_process import GaussianProcessRegressor
from small_models import X, Y, network, ntk, relus, ridge, row_ids

from skrf import SingleNeuron, TriangleWave, gaussian, theory
from skrf.__main__ import main
from skrf.displays import (
    ErrorFloorDisplay,
    FeaturesNeededDisplay,
    LazinessDisplay,
    SpectrumDisplay,
    WidthPathDisplay,
)
from skrf.kernels import (
    WideNetworkKernel,
    arc_cosine_kernel,
    neural_tangent_kernel,
    random_feature_kernel,
)

W, B, U = np.eye(2), np.zeros(2), np.ones(2)
TARGET = SingleNeuron([1.0, 0.0])
RAGGED = [[1.0], [1.0, 2.0]]


def risk(u=U, W=W, b=B, target=TARGET, **options):
    return gaussian.population_risk(u, W, b, target, **options)


GAUSSIAN = [
    (lambda: gaussian.relu_gram("W", B), "W", "array of floats"),
    (lambda: gaussian.relu_gram(None, B), "W", "array of floats"),
    (lambda: gaussian.relu_mean(W, None), "b", "array of floats"),
    (lambda: gaussian.step_gram(RAGGED, B), "W", "same number of values"),
    (lambda: gaussian.relu_gram(W + 1j, B), "W", "np.real(W)"),
    (lambda: gaussian.relu_mean(W, B + 1j), "b", "np.real(b)"),
    (lambda: gaussian.relu_gram(sparse.csr_array(W), B), "W", "W.toarray()"),
    (lambda: gaussian.relu_gram(np.array([[object()]]), B), "W", "array of floats"),
    (lambda: gaussian.relu_gram([[10**400]], [0.0]), "W", "Scale `W`"),
    (lambda: gaussian.relu_gram(W[0], B), "W", "Reshape `W`"),
    (lambda: gaussian.relu_gram(np.empty((0, 2)), []), "W", "at least one row"),
    (lambda: gaussian.relu_mean(W, [0.0]), "b", "np.zeros(2)"),
    (lambda: gaussian.relu_gram([[np.inf, 0.0]], [0.0]), "W", "Replace NaN"),
    (lambda: gaussian.relu_gram(W, B, [["v", "v"]], [0.0]), "V", "array of floats"),
    (lambda: gaussian.relu_gram(W, B, W, ["c", "c"]), "c", "array of floats"),
    (lambda: gaussian.step_relu_gram(W, B, np.ones((1, 3)), [0.0]), "V", "same inputs"),
    (lambda: gaussian.relu_gram(W, B, W), "c", "Pass one bias"),
    (lambda: gaussian.relu_gram(W, B, None, B), "c", "Pass the weights V"),
    (lambda: gaussian.step_x_relu(W, B, None, None), "V", "Pass W and b again"),
    (lambda: gaussian.step_x_relu(W, B, W, B, "a"), "coefficients", "array of floats"),
    (lambda: gaussian.step_x_relu(W, B, W, B, [1.0]), "coefficients", "Pass one coeff"),
    (lambda: gaussian.step_x_relu(W, B, W, B, 1e200 * U), "coefficients", "Scale coeff"),
    (lambda: gaussian.relu_mean(1e300 * W, B), "W", "Scale it to this range"),
    (lambda: gaussian.relu_gram(W, B, W, 1e160 * np.ones(2)), "c", "Scale it to this"),
    (lambda: gaussian.tangent_gram(W, B, biases="no"), "biases", "Pass True"),
    (lambda: gaussian.hermite_coefficients(["relu"], 3), "activation", "Use one of these"),
    (lambda: gaussian.hermite_coefficients("relu", True), "n", "ass the maximum degree"),
    (lambda: gaussian.hermite_coefficients("sin", 2, bias=1j), "bias", "Use 0.0"),
    (
        lambda: gaussian.degree_energies("sin", 2, weight_norm=-1),
        "weight_norm",
        "Pass the norm",
    ),
    (lambda: risk(u=["a", "b"]), "u", "array of floats"),
    (lambda: risk(u=[1j, 1]), "u", "np.real(u)"),
    (lambda: risk(u=np.ones((1, 2))), "u", "u.ravel()"),
    (lambda: risk(target=TriangleWave([1.0, 0.0])), "target", "Use SingleNeuron"),
    (lambda: risk(target=SingleNeuron([1.0, 0], 0, "sin")), "target", "activation='relu'"),
    (lambda: risk(target=SingleNeuron([1.0])), "target", "for the same inputs"),
    (lambda: risk(target=SingleNeuron([0.0, 0.0])), "target", "positive bias"),
    (lambda: risk(target=SingleNeuron([1.0, 0.0], -60)), "bias", "closer to 0"),
    (lambda: risk(W=1e200 * W), "W", "Scale it to this range"),
    (lambda: risk(u=[1e160, 1]), "u", "Scale u"),
    (lambda: risk(intercept=True), "intercept", "Use 0.0 for no"),
    (lambda: risk(intercept=1e300), "intercept", "Scale intercept"),
    (lambda: gaussian.best_error(W, B, TARGET, intercept=0.5), "intercept", "Pass True"),
    (lambda: gaussian.best_tangent_error(W, B, TARGET, biases=B), "biases", "Pass True"),
    (lambda: gaussian.min_weight(W, B, TARGET, True), "error", "Pass a risk"),
    (lambda: gaussian.min_weight(W, B, TARGET, -1.0), "error", "Pass a risk"),
    (lambda: gaussian.flip_probability(W, B, W[:1], B[:1]), "W0", "before and after"),
    (lambda: gaussian.feature_gap([1.0], W, B, W, B), "u", "1-D array"),
    (lambda: gaussian.feature_gap(U, 1e160 * W, B, W, B), "W0", "Scale it to this range"),
    (lambda: gaussian.coupling_gap(1e145 * U, W, B, W, B), "u", "Scale u"),
    (lambda: gaussian.linearization_gap("u", W, B, U, W, B), "u0", "array of floats"),
    (lambda: gaussian.coupling_gap(U, W, ["b", "b"], W, B), "b0", "array of floats"),
]

THEORY = [
    (lambda: theory.equation_2(width=0), "width", "range [1"),
    (lambda: theory.equation_2(n_samples=0), "n_samples", "range [2"),
    (lambda: theory.equation_2(bias=-1e9), "bias", "range [-35"),
    (lambda: theory.equation_2(random_state="seed"), "random_state", "RandomState"),
    (lambda: theory.section_2(widths=[]), "widths", "Use positive integers"),
    (lambda: theory.section_2(widths=[30, 31]), "widths", "Add 1 to the odd"),
    (lambda: theory.section_2(widths=[100, 30]), "widths", "increasing order"),
    (lambda: theory.section_2(d=0), "d", "range [1"),
    (lambda: theory.theorem_3_1(widths=[]), "widths", "Use positive integers"),
    (lambda: theory.theorem_3_1(widths=[0, 1]), "widths", "Use positive integers"),
    (lambda: theory.theorem_3_1(widths=["a"]), "widths", "array of floats"),
    (lambda: theory.theorem_3_1(d=2), "d", "range [3, 12]"),
    (lambda: theory.theorem_3_1(flips=0.5), "flips", "range [0"),
    (lambda: theory.theorem_3_1(schedules=[]), "schedules", "at least one"),
    (lambda: theory.theorem_3_1(schedules=[(1.0, 0)]), "schedules", "numbers of steps"),
    (lambda: theory.theorem_3_1(schedules=[(0.0, 5)]), "schedules", "learning rates"),
    (lambda: theory.theorem_3_1(schedules=[(1.0,)]), "schedules", "Use (step, n_steps"),
    (lambda: theory.one_neuron(n_starts=0), "n_starts", "range [1"),
    (lambda: theory.one_neuron(step=0.0), "step", "range (0"),
    (lambda: theory.one_neuron(error=np.nan), "error", "range (0"),
    (lambda: theory.proposition_4_1(d=1), "d", "range [2"),
    (lambda: theory.proposition_4_1(d=4, r=4), "r", "Use a smaller r"),
    (lambda: theory.proposition_4_1(n_draws=True), "n_draws", "Got True"),
    (lambda: theory.proposition_4_6(d=1), "d", "range [2, 2000]"),
    (lambda: theory.theorem_4_2(d=1), "d", "range [2, 2000]"),
    (lambda: theory.remark_4_5(d=1), "d", "range [2, 2000]"),
    (lambda: theory.proof_of_theorem_4_2(d=1), "d", "range [2, 2000]"),
    (lambda: theory.example_4_3(width=0), "width", "range [1"),
    (lambda: theory.example_4_3(error=0.0), "error", "range (0"),
    (lambda: theory.example_4_3([20, 10]), "dimensions", "increasing order"),
    (lambda: theory.example_4_3([2.5]), "dimensions", "integers from 2 to 2000"),
    (lambda: theory.example_4_9([1]), "dimensions", "Use numbers of inputs"),
    (lambda: theory.staircase([3000]), "dimensions", "2 to 2000"),
    (lambda: theory.smooth_neurons(activations=("step",)), "activation", "one of"),
    (lambda: theory.smooth_neurons(norms=[-1.0]), "weight_norm", "Pass ||w||"),
    (lambda: theory.parities(d=4, degree=5), "degree", "Use a smaller degree"),
    (lambda: theory.parities(widths=[0]), "widths", "Use positive integers"),
    (lambda: theory.tangent_kernel_edge(width=0), "width", "range [1"),
    (lambda: theory.theorem_constant(1), "d", "at least two"),
    (lambda: theory.theorem_constant(50, degree=3), "degree", "must be even"),
    (lambda: theory.theorem_constant(50, degree=0), "degree", "Pass an even degree"),
    (lambda: theory.weight_floor(0.1, 5, probability=1.0), "probability", "Pass a prob"),
    (lambda: theory.weight_floor(0.1, 5, feature_norm=0.0), "feature_norm", "maximum"),
    (lambda: theory.weight_floor(0.0, 5), "error", "Pass the mean squared error"),
    (lambda: theory.weight_floor(0.1, 5, absolute=1), "absolute", "Pass True"),
    (lambda: theory.remark_4_4(d=3000), "d", "range [2, 2000]"),
    (lambda: theory.remark_4_7(norms=[]), "norms", "Pass more values"),
    (lambda: theory.remark_4_7(norms=[-1.0]), "norms", "Pass ||w*||"),
    (lambda: theory.theorem_4_8(d=41.0), "d", "range [2, 2000]"),
    (lambda: theory.remark_4_4(bias="b"), "bias", "range [-35"),
    (lambda: theory.learned_directions((5, 2.5)), "dimensions", "Use numbers"),
    (lambda: theory.error_floor("r", 5), "r", "array of floats"),
    (lambda: theory.error_floor(True, 5), "r", "array of floats"),
    (lambda: theory.error_floor(-1, 5), "r", "log10=True"),
    (lambda: theory.error_floor(1, 5.0), "d", "at least two"),
    (lambda: theory.error_floor(1, 5, 1e9), "bias", "Use a smaller bias"),
    (lambda: theory.error_floor(1, 5, 0.0, True), "weight_norm", "Pass ||w||"),
    (lambda: theory.error_floor(1, 5, log10="no"), "log10", "Pass True"),
    (lambda: theory.features_needed(RAGGED, 5), "error", "same number of values"),
    (lambda: theory.features_needed(1e-9, 5, 0, 1e300, absolute=True), "error", "larger"),
    (lambda: theory.failure_probability(1, 0.1, 5, tight=2), "tight", "Pass True"),
    (lambda: theory.failure_probability([1, 2], [0.1] * 3, 5), "error", "the same shape"),
    (lambda: theory.neuron_spectrum(3000), "d", "Use a smaller d"),
    (lambda: theory.weight_certificate(True, 5, 1.0), "error", "Pass the squared"),
    (
        lambda: theory.weight_certificate(0.1, 5, 1.0, probability=1),
        "probability",
        "Pass a probability",
    ),
    (
        lambda: theory.weight_certificate(0.1, 5, 1.0, absolute=2),
        "absolute",
        "Pass True",
    ),
    (
        lambda: theory.weight_certificate(0.1, 5, 1.0, feature_norm=np.nan),
        "feature_norm",
        "Pass the maximum",
    ),
    (lambda: theory.wave_relu_correlations(1, [[1.0]], [0.0]), "d", "at least two"),
    (lambda: theory.wave_relu_correlations(2, 0 * W, B), "W", "drop the neurons"),
    (lambda: theory.wave_relu_correlations(3, W, B), "W", "one row of weights"),
    (lambda: theory.wave_relu_correlations(2, W, ["b", "b"]), "b", "array of floats"),
    (lambda: theory.reproduce(["small"]), "size", "Use one of these"),
    (lambda: theory.reproduce("small", random_state=-1), "random_state", "range [0"),
    (lambda: theory.reproduce("small", progress=3), "progress", "Pass True or False"),
    (lambda: theory.reproduce("small", html=3), "html", "name of a file"),
    (lambda: theory.exact_risk((U, W), TARGET), "model", "Pass all of them"),
    (lambda: theory.exact_risk("model", TARGET), "model", "plain arrays"),
    (lambda: exact_risk_of(ridge(ntk())), "model", "plain arrays"),
    (lambda: exact_risk_of(ridge(), Y[:, None]), "model", "y.ravel()"),
    (lambda: exact_risk_of(network(), np.c_[Y, Y]), "model", "y.ravel()"),
    (lambda: exact_risk_of(network(activation="erf")), "model", "activation='relu'"),
]


def exact_risk_of(model, y=Y):
    """The risk of a model on a neuron, after its fit."""
    return theory.exact_risk(model.fit(X, y), SingleNeuron([1.0, 0.0, 0.0]))


def gaussian_process(**options):
    """A fit of a Gaussian process, which switches scikit-learn's checks off."""
    return GaussianProcessRegressor(WideNetworkKernel(**options)).fit(X, Y)


KERNELS = [
    (lambda: arc_cosine_kernel(W, order=3), "order", "range [0, 2]"),
    (lambda: arc_cosine_kernel([["a", "b"]]), "X", "OneHotEncoder"),
    (lambda: arc_cosine_kernel(W, [[1.0]]), "Y", "same columns"),
    (lambda: arc_cosine_kernel(W + 1j), "X", "X.real"),
    (lambda: arc_cosine_kernel(W, W + 1j), "Y", "Y.real"),
    (lambda: arc_cosine_kernel(W, W[:, 0]), "`Y`", "one row per sample"),
    (lambda: arc_cosine_kernel(W[0]), "`X`", "one row per sample"),
    (lambda: arc_cosine_kernel(W, [["a", "b"]]), "`Y`", "OneHotEncoder"),
    (lambda: random_feature_kernel(["a"]), "`X`", "OneHotEncoder"),
    (lambda: random_feature_kernel([[np.nan, 1.0]]), "X contains NaN", "Replace NaN"),
    (lambda: random_feature_kernel(W, [[np.nan, 1.0]]), "Y contains NaN", "Replace NaN"),
    (lambda: neural_tangent_kernel([[np.inf]]), "X contains", "Replace infinity"),
    (lambda: WideNetworkKernel()(W, [[np.nan, 1.0]]), "Y contains NaN", "Replace NaN"),
    (lambda: WideNetworkKernel().diag([[np.nan]]), "X contains NaN", "Replace NaN"),
    (lambda: arc_cosine_kernel(1e200 * W), "X", "StandardScaler"),
    (lambda: random_feature_kernel(W, depth=0), "depth", "range [1"),
    (lambda: random_feature_kernel(W, weight_scale=-1), "weight_scale", "range [0"),
    (lambda: random_feature_kernel(W, activation={}), "activation", "'relu'"),
    (lambda: neural_tangent_kernel(W, activation="step"), "activation", 'train="output"'),
    (lambda: neural_tangent_kernel(W, train="none"), "train", "'hidden'"),
    (lambda: WideNetworkKernel(weight_scale="a")(W), "weight_scale", "Use 1.0"),
    (lambda: WideNetworkKernel(bias_scale=None)(W), "bias_scale", "Use 1.0"),
    (lambda: WideNetworkKernel().diag([["a"]]), "X", "OneHotEncoder"),
    (lambda: gaussian_process(activation="cube"), "activation", "Use one of these"),
    (lambda: gaussian_process(train="all"), "train", "Use one of these"),
    (lambda: gaussian_process(depth=0), "depth", "number of hidden layers"),
]

DISPLAYS = [
    (lambda: WidthPathDisplay(path=3).plot(), "path", "from_estimator"),
    (lambda: WidthPathDisplay.from_estimator(network(), X, Y), "estimator", "Use RandomF"),
    (
        lambda: WidthPathDisplay.from_estimator(ridge(), X, Y, target_variance=0),
        "target_variance",
        "Pass y.var()",
    ),
    (lambda: WidthPathDisplay.from_estimator(ridge(), X, Y, ax=3), "ax", "Pass None"),
    (
        lambda: ErrorFloorDisplay(n_features=[1], errors=[1], floor=[1]).plot(),
        "errors",
        "a name",
    ),
    (
        lambda: ErrorFloorDisplay(n_features=[1], errors={"a": [1]}, floor=[1, 2]).plot(),
        "floor",
        "one value for each",
    ),
    (
        lambda: FeaturesNeededDisplay(dimensions="d", log10_needed={}).plot(),
        "dimensions",
        "array of floats",
    ),
    (
        lambda: LazinessDisplay(widths=[1, 2], curves={"a": ["x", "y"]}).plot(),
        "curves['a']",
        "array of floats",
    ),
    (lambda: SpectrumDisplay(spectra={"a": 1}).plot(), "spectra", "neuron_spectrum"),
    (lambda: SpectrumDisplay(spectra={}, max_degree=0).plot(), "max_degree", "maximum"),
]

TABLE = GAUSSIAN + THEORY + KERNELS + DISPLAYS
IDS = row_ids([(None, None, row[1]) for row in TABLE])


@pytest.mark.parametrize(("call", "name", "remedy"), TABLE, ids=IDS)
def test_errors_name_parameter_and_remedy(call, name, remedy):
    assert_raises(call, ValueError, name, remedy)


def numbers_of(result):
    """All numbers of an array, a tuple or a result object."""
    if dataclasses.is_dataclass(result):
        result = dataclasses.astuple(result)
    parts = result if isinstance(result, tuple) else (result,)
    return np.concatenate([np.ravel(part) for part in parts])


@pytest.mark.filterwarnings("error")
@given(exponents=st.tuples(*[st.integers(-310, 300)] * 4), seed=st.integers(0, 2**32 - 1))
def test_sizes_of_neurons_end_in_finite_numbers_or_errors(exponents, seed):
    rng = np.random.default_rng(seed)
    W, V = (rng.normal(size=(4, 3)) * 10.0**k for k in exponents[:2])
    b, c = rng.normal(size=4) * 10.0 ** exponents[2], V[:, 0] / 2
    u, target = rng.normal(size=4) * 10.0 ** exponents[3], SingleNeuron([0.6, 0.8, 0.0])
    calls = [
        lambda: gaussian.relu_mean(W, b),
        lambda: gaussian.relu_gram(W, b),
        lambda: gaussian.relu_gram(W, b, V, c),
        lambda: gaussian.step_gram(W, b, V, c),
        lambda: gaussian.step_relu_gram(W, b, V, c),
        lambda: gaussian.step_x_relu(W, b, V, c),
        lambda: gaussian.step_x_relu(W, b, V, c, u),
        lambda: gaussian.tangent_gram(W, b, V, c),
        lambda: gaussian.tangent_relu_products(W, b, V, c, biases=True),
        lambda: gaussian.population_risk(u, W, b, target),
        lambda: gaussian.population_risk_gradient(u, W, b, target),
        lambda: gaussian.best_error(W, b, target),
        lambda: gaussian.best_tangent_error(W, b, target, biases=True),
        lambda: gaussian.flip_probability(W, b, V, c),
        lambda: gaussian.feature_gap(u, W, b, V, c),
        lambda: gaussian.coupling_gap(u, W, b, V, c),
        lambda: gaussian.linearization_gap(u, W, b, -u, V, c),
    ]
    for call in calls:
        with suppress(ValueError):
            assert np.isfinite(numbers_of(call())).all()


@pytest.mark.parametrize(
    ("arguments", "name", "remedy"),
    [
        (["--size", "huge"], "--size", "choose from"),
        (["--seed", "-1"], "--seed", "from 0 to"),
        (["--seed", "1.5"], "--seed", "an integer"),
        (["--html", "missing/page.html"], "html", "existing folder"),
        (["--width=3"], "--width", "usage"),
    ],
)
def test_the_command_names_its_options(
    arguments, name, remedy, capsys, monkeypatch, tmp_path
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        main(arguments)
    message = capsys.readouterr().err
    assert name in message
    assert remedy in message


def test_numbers_of_other_types_are_numbers():
    from fractions import Fraction

    exact = gaussian.relu_gram([[0.5, 2.0]], [1.0])
    for row in ([Fraction(1, 2), 2], np.array([0.5, 2], np.float16)):
        np.testing.assert_array_equal(gaussian.relu_gram([row], [True]), exact)
    assert theory.error_floor(10**200, 5) == theory.error_floor(1e200, 5)


def test_frozen_features_have_an_exact_risk():
    frozen = ridge(FrozenEstimator(relus().fit(X)))
    assert exact_risk_of(frozen).risk == pytest.approx(exact_risk_of(ridge()).risk)
