"""scikit-learn's own checks, over the constructor's variants.

The two checks of sample weights expect a weight of 2 to be the same as a repeated row.
For SGD it is not, a step of twice the length is not two steps, and scikit-learn excuses
its own SGD estimators likewise. test_network_updates.py has what does hold instead.
"""

import pytest
from sklearn.kernel_approximation import RBFSampler
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

from skrf import (
    LinearizedNTKFeatures,
    OverparamNetClassifier,
    OverparamNetRegressor,
    RandomFeatureRidge,
    RandomFeatureRidgeClassifier,
    RandomFeatures,
    RandomReLUFeatures,
)

REASON = "one step of twice the length is not two steps"
EXPECTED_FAILURES = {
    "check_sample_weight_equivalence_on_dense_data": REASON,
    "check_sample_weight_equivalence_on_sparse_data": REASON,
}


def regressor(**parameters):
    return OverparamNetRegressor(**{"width": 20, "max_iter": 20, **parameters})


def classifier(**parameters):
    return OverparamNetClassifier(**{"width": 20, "max_iter": 20, **parameters})


VARIANTS = [
    RandomReLUFeatures(),
    RandomReLUFeatures(7, weights="sphere", biases="uniform"),
    RandomReLUFeatures(12, weights="uniform", biases="none", weight_scale=2.0),
    RandomFeatures(10, activation="cos", biases="constant", bias_scale=0.7),
    RandomFeatures(10, activation="step", weights="sphere"),
    RandomFeatures(10, activation="gelu", random_state=3),
    LinearizedNTKFeatures(),
    LinearizedNTKFeatures(5, train="both", activation="softplus"),
    LinearizedNTKFeatures(6, train="output", biases="none"),
    LinearizedNTKFeatures(3, output_weights=[1.0, -1.0, 0.5], weights="uniform"),
    regressor(),
    regressor(train="hidden", parametrization="ntk", symmetric_init=True),
    regressor(
        train="output", activation="step", biases="gaussian", bias_scale=1.0, width=200
    ),
    regressor(batch_size=8, momentum=0.9, activation="tanh", alpha=1e-3),
    regressor(learning_rate="invscaling", average=True, fit_intercept=False),
    regressor(early_stopping=True, validation_fraction=0.3, activation="silu"),
    regressor(biases="none", weights="sphere", tol=None, max_iter=10, width=50),
    classifier(),
    classifier(loss="squared_error", batch_size=16, momentum=0.5),
    classifier(train="hidden", parametrization="ntk", weights="gaussian", average=20),
    classifier(train="output", activation="erf", alpha=1e-2, fit_intercept=False),
    classifier(early_stopping=True, validation_fraction=0.3, shuffle=False),
    classifier(learning_rate="invscaling", eta0=0.05, power_t=0.1),
    RandomFeatureRidge(),
    RandomFeatureRidge(RandomReLUFeatures(20), solver="primal", fit_intercept=False),
    RandomFeatureRidge(RandomReLUFeatures(30), solver="dual", alphas=[0.1]),
    RandomFeatureRidge(LinearizedNTKFeatures(9), solver="cg", alphas=0.5),
    RandomFeatureRidge(RBFSampler(n_components=200), alphas=[0.1], block_size=7),
    RandomFeatureRidge(
        make_pipeline(RandomReLUFeatures(30), RandomReLUFeatures(99)), alphas=0.01
    ),
    RandomFeatureRidgeClassifier(),
    RandomFeatureRidgeClassifier(RandomReLUFeatures(20), alphas=[0.1], solver="primal"),
    RandomFeatureRidgeClassifier(LinearizedNTKFeatures(9), solver="cg", alphas=0.1),
    classifier(activation="abs", biases="uniform", bias_scale=0.3, symmetric_init=True),
]


def expected_failures(estimator):
    """The two checks of sample weights for the networks, nothing else."""
    networks = (OverparamNetRegressor, OverparamNetClassifier)
    return EXPECTED_FAILURES if isinstance(estimator, networks) else {}


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(VARIANTS, expected_failed_checks=expected_failures)
def test_scikit_learn_checks(estimator, check):
    check(estimator)
