"""The Pipeline of the user guide; tests/test_end_to_end.py runs it."""

import numpy as np
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.datasets import load_diabetes
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skrf import OverparamNetRegressor, RandomReLUFeatures


def patients():
    """Ten columns with missing values, one of them categorical; the target; the weights."""
    X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
    X["sex"] = X["sex"].map({1.0: "A", 2.0: "B"})
    rng = np.random.default_rng(0)
    X = X.mask(rng.random(X.shape) < 0.05)
    return X, y / 100, rng.uniform(0.5, 1.5, len(y))


def make_search():
    """A search over the width: impute, scale, encode, random features, network."""
    scaler = StandardScaler().set_fit_request(sample_weight=True)
    numbers = make_pipeline(SimpleImputer(), scaler)
    prepare = make_column_transformer(
        (numbers, make_column_selector(dtype_include="number")),
        (OneHotEncoder(sparse_output=False), ["sex"]),
        verbose_feature_names_out=False,
    )
    features = RandomReLUFeatures(random_state=0)
    net = OverparamNetRegressor(30, alpha=0.01, max_iter=15, tol=None, random_state=0)
    net.set_fit_request(sample_weight=True)
    net.set_score_request(sample_weight=True)
    model = Pipeline([("prepare", prepare), ("features", features), ("net", net)])
    model.set_output(transform="pandas")
    return GridSearchCV(model, {"features__width": [3, 30, 300]}, cv=3)
