"""NumPy's integers, of which grids and tables are made, count as Python's own."""

import numpy as np
import pytest
from sklearn.model_selection import RandomizedSearchCV
from small_models import SIGNS, X, Y, network, ntk, relus, ridge, ridge_clf

from skrf import (
    BoundedDegreePolynomial,
    OverparamNetClassifier,
    OverparamNetRegressor,
    RandomFeatures,
    SingleNeuron,
    gaussian,
    make_polynomial,
    make_polynomial_classification,
    make_single_neuron,
    theory,
)
from skrf.kernels import (
    WideNetworkKernel,
    arc_cosine_kernel,
    neural_tangent_kernel,
    random_feature_kernel,
)
from skrf.theory._wave import wave_facts

# The smallest integers overflow first; unsigned ones of 64 bits become floats with others.
TYPES = [np.int8, np.uint64]


def features(model):
    return model.fit(X).transform(X)


def trained(width, as_own, **options):
    model = OverparamNetRegressor(width, random_state=as_own(3), tol=None, **options)
    return model.fit(X, Y).predict(X)


def path(as_own):
    widths = ridge(relus(as_own(100))).width_path(X, Y)
    return widths.output_layer(as_own(70), as_own(0))[0]


def neuron(n):
    return make_single_neuron(n(100), n(100), weight_norm=n(100), random_state=n(3))[1]


def polynomial(n, make=make_polynomial, **options):
    return make(n(100), n(100), degree=n(3), n_terms=n(9), random_state=n(3), **options)[1]


# What a function of the type of integers gives; int gives what is right.
CALLS = {
    "relu": lambda n: features(relus(n(100))),
    "random": lambda n: features(RandomFeatures(n(100), random_state=n(3))),
    "orthogonal": lambda n: features(relus(n(100), projection="orthogonal")),
    "structured": lambda n: features(relus(n(100), projection="structured")),
    "large scales": lambda n: features(relus(100, weight_scale=n(100), bias_scale=n(100))),
    "tangent": lambda n: features(ntk(n(100), train="both")),
    "narrowed": lambda n: relus(100).fit(X).narrowed(n(70)).transform(X),
    "narrowed tangent": lambda n: ntk(100).fit(X).narrowed(n(70)).transform(X),
    "from_weights": lambda n: ntk(n(20)).from_weights(X, Y).transform(X),
    "ridge": lambda n: ridge(relus(n(100)), block_size=n(100)).fit(X, Y).predict(X),
    "ridge alpha": lambda n: ridge(alphas=n(100)).fit(X, Y).predict(X),
    "ridge alphas": lambda n: ridge(alphas=[n(100), n(1)], cv=n(3)).fit(X, Y).scores_,
    "cg": lambda n: ridge(block_size=n(7), solver="cg").fit(X, Y).predict(X),
    "classifier": lambda n: ridge_clf(block_size=n(3)).fit(X, SIGNS).decision_function(X),
    "stream": lambda n: ridge(relus(n(100))).partial_fit(X, Y).output_weights_,
    "path": path,
    "net": lambda n: trained(n(100), n, max_iter=n(2)),
    "net ntk": lambda n: trained(n(100), n, max_iter=n(1), parametrization="ntk"),
    "net blocks": lambda n: trained(n(5), n, max_iter=n(2), block_size=n(4)),
    "net batches": lambda n: trained(5, n, max_iter=2, batch_size=n(100)),
    "net average": lambda n: trained(5, n, max_iter=2, average=n(3), eta0=n(1), alpha=n(1)),
    "net stop": lambda n: trained(6, n, max_iter=n(9), n_iter_no_change=n(1)),
    "net labels": lambda n: (
        OverparamNetClassifier(n(100), max_iter=n(1), random_state=0)
        .set_params(tol=None)
        .fit(X, SIGNS)
        .decision_function(X)
    ),
    "linearize": lambda n: (
        network(n(100), random_state=0).fit(X, Y).linearize(n(0))[1].predict(X)
    ),
    "arc cosine": lambda n: arc_cosine_kernel(X, order=n(2)),
    "kernel": lambda n: random_feature_kernel(X, depth=n(3), weight_scale=n(100)),
    "tangent kernel": lambda n: neural_tangent_kernel(X, depth=n(3), bias_scale=n(100)),
    "wide": lambda n: WideNetworkKernel(depth=n(2), weight_scale=n(100))(X),
    "wide diagonal": lambda n: WideNetworkKernel(depth=n(2), weight_scale=n(100)).diag(X),
    "neuron": neuron,
    "polynomial": polynomial,
    "signs": lambda n: polynomial(n, make_polynomial_classification),
    "monomials": lambda n: (
        BoundedDegreePolynomial.random(n(100), n(3), random_state=0).exponents
    ),
    "degree": lambda n: BoundedDegreePolynomial([[n(100)]], [n(2)], n(100))([[1.01]]),
    "target": lambda n: SingleNeuron([n(100), n(100)], n(100))(np.eye(2)),
    "hermite": lambda n: gaussian.hermite_coefficients("relu", n(100), bias=n(1)),
    "energies": lambda n: gaussian.degree_energies("relu", n(100), weight_norm=n(100)),
    "floor": lambda n: theory.error_floor(n(100), n(100), n(1), n(2)),
    "needed": lambda n: theory.features_needed(0.1, n(100))[0],
    "failure": lambda n: theory.failure_probability(n(10), 0.5, n(100)),
    "spectrum": lambda n: theory.neuron_spectrum(n(100)).log_energy,
    "wave facts": lambda n: wave_facts(n(41)).squared_sum,
    "certificate": lambda n: theory.weight_certificate(0.02, n(41), 1e7).log10_bound,
    "correlations": lambda n: theory.wave_relu_correlations(n(100), np.ones((1, 100)), [0]),
    "proposition": lambda n: str(theory.proposition_4_1(n(100), n(50), n_draws=n(3))),
    "equation": lambda n: str(theory.equation_2(n(100), n(100), n_samples=n(100))),
    "remark": lambda n: str(theory.remark_4_7(n(100))),
}


def test_results_are_those_of_python_integers():
    wrong = []
    for name, call in CALLS.items():
        expected = call(int)
        for kind in TYPES:
            try:
                np.testing.assert_array_equal(call(kind), expected)
            except Exception as error:
                wrong.append(f"{name} of {kind.__name__}: {error!r}")
    assert not wrong, "\n".join(wrong)


def test_parameters_stay_as_they_were_passed():
    for kind in TYPES:
        model = OverparamNetRegressor(kind(5), max_iter=kind(1), tol=None).fit(X, Y)
        assert type(model.width) is type(model.max_iter) is kind
        assert type(relus(100).fit(X).narrowed(kind(5)).width) is int


def test_searches_over_arrays_of_widths():
    search = RandomizedSearchCV(
        network(), {"width": np.array([5, 10], dtype=np.int32)}, n_iter=2, cv=2
    )
    assert np.isfinite(search.fit(X, Y).cv_results_["mean_test_score"]).all()


@pytest.mark.parametrize("kind", [np.int32, np.uint32])
def test_guards_of_memory_do_not_overflow(kind):
    with pytest.raises(MemoryError, match="Use a smaller width"):
        relus(kind(2**31 - 1)).fit(np.ones((1, 10**6)))
    # Rows that take no memory: all are the same one.
    rows = np.broadcast_to(np.float32(0), (10**7, 1))
    model = relus(kind(10**6)).fit(rows[:1])
    with pytest.raises(MemoryError, match="Transform fewer rows"):
        model.transform(rows)


@pytest.mark.parametrize("kind", [int, *TYPES])
def test_widths_of_statements_grow(kind):
    with pytest.raises(ValueError, match="increasing order"):
        theory.section_2(widths=np.array([100, 30], kind))
