"""The affine maps of fitted transformers."""

import numpy as np
import pytest
from sklearn.decomposition import PCA, FactorAnalysis, FastICA, IncrementalPCA, TruncatedSVD
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.feature_selection import SelectKBest, VarianceThreshold
from sklearn.frozen import FrozenEstimator
from sklearn.neighbors import NeighborhoodComponentsAnalysis
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    RobustScaler,
    StandardScaler,
)

from skrf import RandomReLUFeatures
from skrf._utils import affine
from skrf._utils.affine import affine_map, flat_steps, is_affine

STEPS = [
    StandardScaler(),
    RobustScaler(),
    MaxAbsScaler(),
    MinMaxScaler(),
    PCA(3, whiten=True),
    IncrementalPCA(2),
    TruncatedSVD(3),
    FactorAnalysis(2),
    FastICA(3, random_state=0),
    NeighborhoodComponentsAnalysis(2, random_state=0, max_iter=5),
    LinearDiscriminantAnalysis(),
    SelectKBest(k=2),
    VarianceThreshold(0.1),
    FunctionTransformer(),
]


@pytest.fixture
def data(rng):
    """Rows far from 0 on different scales, and three classes."""
    X = rng.standard_normal((60, 6)) * [1, 10, 0.1, 5, 1, 1] + 1000
    return X, rng.integers(0, 3, 60)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)
def test_affine_steps(step, data, monkeypatch):
    X, y = data
    assert is_affine(step)
    step.fit(X, y)
    for columns in (256, 4):
        monkeypatch.setattr(affine, "_COLUMNS", columns)
        linear, shift = affine_map([step], 6)
        expected = step.transform(X)
        scale = np.abs(X).max() * np.abs(linear).sum(axis=1)
        assert (np.abs(X @ linear.T + shift - expected) <= 1e-12 * scale).all()


def test_steps_one_after_the_other(data):
    X, y = data
    model = make_pipeline(
        StandardScaler(), "passthrough", make_pipeline(PCA(4), FrozenEstimator(PCA(4)))
    )
    model.steps[2][1].steps[1][1].estimator.fit(X[:, :4])
    model.set_output(transform="default").fit(X, y)
    steps = flat_steps(model)
    assert [type(step) for step in steps] == [StandardScaler, PCA, PCA]
    linear, shift = affine_map(steps, 6)
    np.testing.assert_allclose(X @ linear.T + shift, model.transform(X), atol=1e-9)


def test_names_of_columns_are_not_needed(data):
    pandas = pytest.importorskip("pandas", reason="data frames need pandas")
    X, _ = data
    table = pandas.DataFrame(X, columns=list("abcdef"))
    step = StandardScaler().set_output(transform="pandas").fit(table)
    np.testing.assert_allclose(affine_map([step], 6).linear, np.diag(1 / step.scale_))
    assert list(step.feature_names_in_) == list("abcdef")


def test_other_steps():
    for step in (
        MinMaxScaler(clip=True),
        Normalizer(),
        FunctionTransformer(np.exp),
        RandomReLUFeatures(),
    ):
        assert not is_affine(step)
