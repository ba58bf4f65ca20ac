"""The statements as measurements, compared with samples, exact results and each other."""

import html
import re
import subprocess
import sys
import tracemalloc
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MinMaxScaler,
    PolynomialFeatures,
    RobustScaler,
    StandardScaler,
)

from skrf import (
    GradientOuterProduct,
    LinearizedNTKFeatures,
    OverparamNetRegressor,
    RandomFeatureRidge,
    RandomReLUFeatures,
    SingleNeuron,
    TriangleWave,
    gaussian,
    make_single_neuron,
    theory,
)
from skrf.__main__ import main
from skrf.theory import _learning


@pytest.fixture
def neuron():
    return make_single_neuron(
        400, 4, bias=-0.5, return_target=True, inputs="gaussian", random_state=0
    )


def sampled_risk(model, target, n_samples=400_000):
    X = np.random.default_rng(1).standard_normal((n_samples, target.n_features))
    squares = (model.predict(X) - target(X)) ** 2
    return squares.mean(), squares.std() / np.sqrt(n_samples)


@pytest.mark.parametrize(
    "model",
    [
        OverparamNetRegressor(30, max_iter=3, tol=None, random_state=0),
        OverparamNetRegressor(
            30, parametrization="ntk", max_iter=3, tol=None, random_state=0
        ),
        RandomFeatureRidge(RandomReLUFeatures(50), random_state=0),
        RandomFeatureRidge(
            RandomReLUFeatures(50, projection="structured"), alphas=[0.1], random_state=0
        ),
    ],
    ids=["standard", "ntk", "ridge", "structured"],
)
def test_exact_risk_of_fitted_models(model, neuron):
    X, y, target = neuron
    exact = theory.exact_risk(model.fit(X, y), target)
    sampled, error = sampled_risk(model, target)
    assert exact.risk == pytest.approx(sampled, abs=5 * error)


def test_exact_risk_of_affine_steps_before_the_features(neuron):
    """Their shift enters the biases, and their matrix the weights."""
    X, y, target = neuron
    X = 3 * X + np.arange(X.shape[1])
    relus = RandomReLUFeatures(40, random_state=0)
    inner = make_pipeline(MinMaxScaler(), FrozenEstimator(relus.fit(X)))
    models = (
        make_pipeline(StandardScaler(), PCA(3), RandomFeatureRidge(relus)),
        make_pipeline(StandardScaler(), RandomFeatureRidge(inner)),
        make_pipeline(
            GradientOuterProduct(features=relus, cv=2), RandomFeatureRidge(relus)
        ),
        make_pipeline("passthrough", RobustScaler(), OverparamNetRegressor(8, max_iter=2)),
    )
    for model in models:
        exact = theory.exact_risk(model.fit(X, y), target)
        sampled, error = sampled_risk(model, target)
        assert exact.risk == pytest.approx(sampled, abs=5 * error)


def test_exact_risk_of_arrays_and_of_models_without_a_closed_form(neuron):
    X, y, target = neuron
    u, W, b = np.ones(2), np.eye(2, 4), np.zeros(2)
    assert theory.exact_risk((u, W, b), target).risk > 0
    risk = theory.exact_risk((u, W, b, 1.0), target).risk
    assert risk == gaussian.population_risk(u, W, b, target, intercept=1.0).risk
    ntk = RandomFeatureRidge(LinearizedNTKFeatures(5)).fit(X, y)
    tanh = OverparamNetRegressor(5, activation="tanh", max_iter=1, tol=None).fit(X, y)
    ridge = RandomFeatureRidge(RandomReLUFeatures(5), random_state=0)
    for model, message in (
        (ntk, "features=LinearizedNTKFeatures"),
        (tanh, "activation='tanh'"),
        ((u, W), "`model` must be"),
        ("net", "got str"),
        (make_pipeline(PCA(), PCA()).fit(X), "got PCA. Fit such a model"),
        (make_pipeline(PolynomialFeatures(), ridge).fit(X, y), "got PolynomialFeatures"),
    ):
        with pytest.raises(ValueError, match=message):
            theory.exact_risk(model, target)


def test_equation_2():
    report = theory.equation_2(n_samples=50_000)
    assert [row.verdict for row in report.rows] == ["holds"]
    gap = report.values["exact"] - report.values["sampled"]
    assert abs(gap) < 5 * report.values["standard_error"]


def test_networks_become_lazy():
    values = theory.section_2((30, 100, 1000), n_samples=100).values
    for name in _learning._GAPS:
        assert np.all(np.diff(values[name]) < 0), name
        assert values[name][-1] < values[name][0] / 3
    for kind in ("coupling", "feature"):
        assert np.all(values[f"{kind}_maximum"] > values[f"{kind}_gap"])


def verdicts(report):
    return [row.verdict for row in report.rows]


def test_rates_of_close_widths_do_not_fail():
    assert verdicts(theory.section_2([30, 100])) == ["holds"] * 5
    close = theory.section_2([300, 310], n_samples=100)
    assert verdicts(close) == ["measured"] * 5
    assert re.search(r"r\^\(-?\d+\.\d+ \+- 12.\d+\)", close.rows[0].measured)


@pytest.mark.parametrize(
    ("power", "verdict"), [(-0.5, "holds"), (0.0, "fails"), (0.5, "fails")]
)
def test_gaps_that_do_not_decrease_fail(power, verdict, monkeypatch):
    widths = np.array([30, 100, 300, 1000])
    curve = np.array([1.0, 1.2, 0.9, 1.1]) * widths**power
    values = {"widths": widths, **dict.fromkeys(_learning._GAPS, curve)}
    monkeypatch.setattr(_learning, "_gaps_of_training", lambda *_: values)
    report = theory.section_2(widths)
    assert verdicts(report) == [verdict] * 5
    assert all(bool(row.here) == (verdict == "fails") for row in report.rows)


def test_gaps_of_dead_networks_have_no_rate(monkeypatch):
    values = dict.fromkeys(_learning._GAPS, np.array([0.0, 0.1]))
    monkeypatch.setattr(_learning, "_gaps_of_training", lambda *_: values)
    report = theory.section_2([2, 4])
    assert verdicts(report) == ["measured"] * 5
    assert report.rows[0].measured.endswith("no rate")


def test_too_few_samples_neurons_or_steps_do_not_fail():
    small = [theory.equation_2(n_samples=2, random_state=seed) for seed in range(20)]
    assert {row.verdict for report in small for row in report.rows} == {"holds", "measured"}
    rare = theory.equation_2(d=3, width=2000, bias=-3.0, n_samples=1000)
    assert verdicts(rare) == ["measured"]


def test_coupling_gap_is_linearization_gap_for_a_fixed_output_layer(rng):
    W0, b0 = rng.standard_normal((9, 4)), rng.standard_normal(9)
    W, b = W0 + 0.3 * rng.standard_normal((9, 4)), b0 + 0.3 * rng.standard_normal(9)
    u = rng.standard_normal(9)
    coupling = gaussian.coupling_gap(u, W0, b0, W, b)
    assert coupling == pytest.approx(gaussian.linearization_gap(u, W0, b0, u, W, b))


def test_exact_gaps_agree_with_a_sample(rng):
    """The gaps of Section 2, compared with `laziness` on a sample."""
    X, y = make_single_neuron(200, 4, random_state=0)
    net = OverparamNetRegressor(50, max_iter=5, tol=None, random_state=0).fit(X, y)
    sample = rng.standard_normal((200_000, 4))
    report = net.laziness(sample)
    W0, b0, u0, _ = net.initial_weights()
    W, b, u = net.hidden_weights_, net.hidden_biases_, net.output_weights_
    size = np.sqrt(np.mean(net.predict(sample) ** 2))
    exact = gaussian.flip_probability(W0, b0, W, b).mean()
    assert report.flipped == pytest.approx(exact, rel=0.05)
    exact = gaussian.feature_gap(u, W0, b0, W, b) / size
    assert report.frozen_gap == pytest.approx(exact, rel=0.02)
    exact = gaussian.linearization_gap(u0, W0, b0, u, W, b) / size
    assert report.linear_gap == pytest.approx(exact, rel=0.02)


def test_one_neuron_is_learned_by_exact_descent(monkeypatch):
    monkeypatch.setattr(_learning, "_MAX_STEPS", 400)
    short = {"weight_norm": 1.0, "absolute": False, "error": 0.01}
    values = theory.one_neuron(5, -1.0, **short).values
    learned = np.isfinite(values["steps"])
    assert np.all(values["steps"][learned] > 50)
    assert learned.sum() + values["dead"].sum() == 5
    assert 0 < learned.sum() < 5
    report = theory.one_neuron(5, -2.0, n_starts=2, **short)
    for row in report.rows:
        assert "0 of 2 starts; 1 die, 1 need more than 400 steps" in row.measured


@pytest.mark.parametrize(
    ("d", "steps", "samples"), [(10, (55, 100), (3e3, 8e3)), (41, (80, 170), (2e4, 4e4))]
)
def test_the_target_of_the_theorems_is_learned_from_all_starts(d, steps, samples):
    values = theory.one_neuron(d).values
    for name, (low, high) in (("steps", steps), ("samples", samples)):
        assert np.all((values[name] > low) & (values[name] < high)), values[name]
    assert not values["dead"].any()


def test_linear_features():
    report = theory.proposition_4_1(40)
    assert report.values["probability"] == pytest.approx(8.9e-3, rel=0.01)
    assert report.values["simulated"].mean() == pytest.approx(0.5, abs=0.01)
    assert report.values["p_value"] > 1e-3


def test_item_1_takes_little_memory():
    tracemalloc.start()
    report = theory.proposition_4_6(400)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert report.rows[0].verdict == "holds"
    assert peak < 150e6, "a matrix of all points and ReLUs would take 780 MB"


@pytest.mark.parametrize("step", [50.0, 1e300])
def test_a_neuron_that_diverges_has_no_number_of_steps(step):
    values = theory.one_neuron(3, step=step, n_starts=2).values
    assert np.isnan(values["steps"]).all()
    assert np.isnan(values["samples"]).all()


def test_verdicts_and_constants_of_the_wave():
    report = theory.proposition_4_6(10)
    assert verdicts(report) == ["holds", "corrected", "holds"]
    assert report.values["squared_norm"] == pytest.approx(1 / 3, abs=1e-13)
    assert report.values["log10_correlation"] == pytest.approx(np.log10(1.6e-9), abs=0.02)


def test_steps_of_the_printed_proof():
    report = theory.proof_of_theorem_4_2()
    assert set(verdicts(report)) == {"corrected"}
    values = report.values
    assert values["brackets"][0] < 0 < values["brackets"][1]
    assert values["log10_bounds"][0] == -np.inf
    # Half of the digits of item 3, by Jensen's inequality.
    assert values["log10_mean_correlation"] == pytest.approx(-24.8, abs=0.05)
    assert theory.proposition_4_6().values["log10_correlation"] == pytest.approx(
        -49.4, abs=0.05
    )
    assert values["min_weight_norm"] == pytest.approx(2.94 * 41**3, rel=0.01)


def test_absolute_products_with_the_wave_are_not_small(rng):
    """E|f psi| of the invariance display, compared with a sample."""
    d = 5
    X = rng.standard_normal((400_000, d))
    wave = TriangleWave(d * np.eye(d)[0])
    sampled = np.mean(np.abs(np.maximum(X[:, 1], 0) * wave(X)))
    value = theory.proof_of_theorem_4_2(d).values["absolute_product"]
    assert value == pytest.approx(sampled, abs=2e-3)


def test_correlations_of_the_wave_agree_with_a_sample(rng):
    d = 3
    W, b = rng.standard_normal((5, d)), rng.standard_normal(5)
    wave = TriangleWave(d * np.eye(d)[0])
    logs = theory.wave_relu_correlations(d, W, b)
    X = rng.standard_normal((500_000, d))
    features = np.maximum(X @ W.T + b, 0)
    sampled = (features * wave(X)[:, np.newaxis]).mean(axis=0) ** 2
    sampled /= (features**2).mean(axis=0)
    np.testing.assert_allclose(10**logs, sampled, atol=4e-5)


def test_far_tails_of_the_wave_and_of_no_features():
    logs = theory.wave_relu_correlations(5, np.eye(5)[:1], [-45.0])
    assert np.isfinite(logs[0])
    assert logs[0] < -100
    log10_p = theory.failure_probability([0, 1, 1e6], 0.1, 10)
    assert log10_p[0] == -np.inf
    assert np.all(np.diff(log10_p) >= 0)
    with pytest.raises(ValueError, match=r"at least 1e-300 .* got 0.1 for weight_norm=1e"):
        theory.features_needed(0.1, 10, weight_norm=1e200, absolute=True)
    with pytest.raises(ValueError, match=r"`d` must be at most 2000; got 3000. Use"):
        theory.error_floor(1, 3000)
    with pytest.raises(ValueError, match=r"must be an integer >= 2"):
        theory.neuron_spectrum(1)
    with pytest.raises(ValueError, match=r"must be at least two even .* got \(30,\). Use"):
        theory.section_2((30,))


def test_waves_of_any_frequency_keep_their_energy():
    energies = gaussian.degree_energies("sin", 3000, weight_norm=40.0)
    assert energies.sum() == pytest.approx(0.5, rel=1e-9)


def test_numbers_out_of_range_are_named():
    target, W = SingleNeuron([1.0, 0.0]), np.eye(2)
    for scale in (1e200, 1e-200):
        with pytest.raises(ValueError, match=r"`W` and `b` must have .* got a neuron of"):
            gaussian.best_error(scale * W, np.zeros(2), target)
    for hidden in (SingleNeuron([1.0, 0.0], -60.0), SingleNeuron([1e-200, 0.0])):
        with pytest.raises(ValueError, match=r"target"):
            gaussian.population_risk([1.0, 1.0], W, np.zeros(2), hidden)


def test_arguments_of_expectations_are_named():
    W, b, target = np.eye(2), np.zeros(2), SingleNeuron([1.0, 0.0])
    for call, message in (
        (lambda: gaussian.step_x_relu(W, b, None, None), "`V` and `c` must be arrays"),
        (lambda: gaussian.tangent_relu_products(W, b, None, None), "`V` and `c` must be"),
        (lambda: gaussian.step_x_relu(W, b, W, b, [1.0, np.nan]), "coefficients`? must"),
        (
            lambda: gaussian.population_risk([1.0, 1.0], W, b, target, intercept="x"),
            "`intercept` must be a finite number; got 'x'",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            call()


def test_reports_print_every_column():
    report = theory.proposition_4_6(5)
    text = str(report)
    assert any("20 ||f||^2 exp(-c d)" in row.printed for row in report.rows)
    assert text.startswith("Proposition 4.6. The sine-like wave")
    for head in ("statement", "regime", "printed", "here", "measured", "verdict"):
        assert head in text
    assert max(map(len, text.splitlines())) <= 120
    assert "<table>" in report._repr_html_()
    assert "&lt;f, psi_w&gt;" in report._repr_html_()


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory):
    """The reports, printed text, progress and page of one run at the small size."""
    pytest.importorskip("matplotlib", reason="the page's pictures need 'examples'")
    page = tmp_path_factory.mktemp("reproduce") / "report.html"
    with redirect_stdout(StringIO()) as out, redirect_stderr(StringIO()) as err:
        reports = theory.reproduce("small", html=page)
    return SimpleNamespace(
        reports=reports, out=out.getvalue(), err=err.getvalue(), page=page.read_text()
    )


def test_reproduce_measures_every_statement(reproduced):
    assert "21 of 21" in reproduced.err
    titles = [report.title for report in reproduced.reports]
    assert titles[0] == "Equations (2) and (7)"
    assert len(set(titles)) == 21


def test_every_row_has_a_regime_and_only_wrong_claims_are_replaced(reproduced):
    for report in reproduced.reports:
        for row in report.rows:
            assert re.match(r"(every )?d [=>] \d|d = ", row.regime), row
            assert bool(row.here) == (row.verdict in ("corrected", "fails")), row
            if row.verdict != "measured":
                assert row.printed, row


def test_claims_that_fail(reproduced):
    """One schedule that is too fast for label noise, and short targets of Remark 4.7."""
    failed = [
        row.statement
        for report in reproduced.reports
        for row in report.rows
        if row.verdict == "fails"
    ]
    assert failed == [
        "Thm 3.1, step 2/r, T = 4,000, last iterate",
        "Remark 4.7, short targets",
    ]


def test_reproduce_prints_one_table(reproduced):
    heads = "statement", "regime", "printed", "here", "measured", "verdict"
    assert reproduced.out.split()[:6] == list(heads)
    assert "Thm 4.8" in reproduced.out
    assert "appendices, with the formal Theorem 3.1, are not covered" in reproduced.out
    assert "relative, E (N - g)^2 / E g^2" in reproduced.out


def test_the_page_of_reproduce_is_self_contained(reproduced):
    picture = r'src="data:image/png;base64,[^"]+" alt="([^"]+)"'
    captions = re.findall(picture, reproduced.page)
    for title in ("Theorem 3.1", "Theorem 4.2", "Example 4.3", "Theorem 4.8", "Wu and"):
        assert any(caption.startswith(title) for caption in captions)
    assert not re.search(r'(src|href)="(?!data:)', reproduced.page)
    for report in reproduced.reports:
        assert f"<h2>{html.escape(report.title)}</h2>" in reproduced.page


def test_pictures_stand_beside_their_statement(reproduced):
    sections = reproduced.page.split("<h2>")
    (section,) = (text for text in sections if text.startswith("Theorem 3.1"))
    assert section.count("<figure>") == 1
    assert 'alt="Theorem 3.1' in section
    assert "<figure>" not in sections[-1].split("</figure>")[-1]
    assert 'name="viewport"' in reproduced.page


def test_reproduce_checks_its_arguments_before_the_measurements(tmp_path):
    with pytest.raises(ValueError, match="huge"):
        theory.reproduce("huge")
    # Files cannot be created in /proc, not even by root.
    for page in (tmp_path / "missing" / "page.html", tmp_path, "/proc/page.html"):
        with pytest.raises(OSError, match="existing folder"):
            theory.reproduce("small", html=page)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], ("default", None, True, 0)),
        (
            ["--size", "small", "--html", "page.html", "--no-progress", "--seed", "7"],
            ("small", "page.html", False, 7),
        ),
    ],
)
def test_the_command_passes_its_options(options, expected, monkeypatch):
    calls = []

    def reproduce(size, *, html, progress, random_state):
        calls.append((size, html, progress, random_state))

    monkeypatch.setattr("skrf.__main__.reproduce", reproduce)
    main(options)
    assert calls == [expected]


def test_the_command_ends_with_an_error_before_the_measurements(tmp_path):
    command = [sys.executable, "-m", "skrf", "--html", str(tmp_path / "no" / "page.html")]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 2
    assert "existing folder" in result.stderr
    assert "Traceback" not in result.stderr


def test_targets_without_a_closed_form():
    target = SingleNeuron([1.0, 0.0], activation="tanh")
    with pytest.raises(ValueError, match="activation='tanh'"):
        theory.exact_risk((np.ones(1), np.eye(1, 2), np.zeros(1)), target)


def test_exact_risk_uses_the_parameters_of_the_fit():
    """Parameters that are set after the fit have no effect, as in `predict`."""
    X, y, target = make_single_neuron(300, 4, return_target=True, random_state=0)
    net = OverparamNetRegressor(
        20, parametrization="ntk", max_iter=3, tol=None, random_state=0
    ).fit(X, y)
    before = theory.exact_risk(net, target).risk
    net.set_params(parametrization="standard", activation="tanh", width=3)
    assert theory.exact_risk(net, target).risk == before
    other = OverparamNetRegressor(5, activation="tanh", max_iter=1, tol=None).fit(X, y)
    with pytest.raises(ValueError, match="activation='tanh'"):
        theory.exact_risk(other.set_params(activation="relu"), target)


@pytest.mark.filterwarnings("error")
def test_single_precision_numbers_are_accepted_without_warnings():
    """NumPy warns if such a number is compared with the maximum of float64."""
    assert theory.error_floor(10, 10, bias=np.float32(-1)) == theory.error_floor(
        10, 10, bias=-1.0
    )
    assert SingleNeuron([1.0], bias=np.float32(0.5)).bias == 0.5
    for wrong in (np.float32(np.inf), np.nan, 10**400):
        with pytest.raises(ValueError, match="bias"):
            theory.error_floor(10, 10, bias=wrong)


def test_learned_directions():
    report = theory.learned_directions((8, 12), width=100, n_samples=600)
    values = report.values
    assert values["dimensions"] == [8, 12]
    for fixed, floor, learned in zip(
        values["fixed"], values["floor"], values["learned"], strict=True
    ):
        assert learned < floor / 3 < fixed
    assert values["hermite"][1] > 0.9
    assert values["floor"] == pytest.approx(
        [theory.error_floor(100, d, -1.0) for d in (8, 12)]
    )
    assert [row.verdict for row in report.rows] == ["measured", "measured"]
