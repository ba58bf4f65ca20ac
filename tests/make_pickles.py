"""Makes `tests/data/<release>/`: a pickle of everything, and what it should give.

Run once for each release, from the root of the tree: `python tests/make_pickles.py`. Later
versions must read the files of all releases, so that those of a release that is out are
never made again (`tests/test_persistence.py`).
"""

import re
from pathlib import Path

import joblib
import numpy as np
import sklearn
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import skrf
from skrf import (
    BoundedDegreePolynomial,
    LinearizedNTKFeatures,
    OverparamNetClassifier,
    OverparamNetRegressor,
    RandomFeatureRidge,
    RandomFeatureRidgeClassifier,
    RandomFeatures,
    RandomReLUFeatures,
    SingleNeuron,
    TriangleWave,
)

RELEASE = re.match(r"[\d.]*\d", skrf.__version__)[0]
FOLDER = Path(__file__).parent / "data" / RELEASE


def models(X, y, labels):
    """{name: fitted estimator, transformer or target}."""
    few = RandomReLUFeatures(8)
    several = RandomFeatureRidge(few, alphas=[0.1, 1.0], random_state=0)
    net = {"width": 8, "max_iter": 3, "tol": None, "random_state": 0}
    scaled = make_pipeline(StandardScaler(), LinearizedNTKFeatures(3))
    stream = {**net, "momentum": 0.5, "average": True, "activation": "tanh"}
    structured = RandomReLUFeatures(12, projection="structured", weights="sphere")
    return {
        "relu": RandomReLUFeatures(8, random_state=0).fit(X),
        "relu_float32": RandomReLUFeatures(8, random_state=0).fit(X.astype(np.float32)),
        "structured": structured.set_params(random_state=0).fit(X),
        "orthogonal": RandomFeatures(
            8, activation="erf", projection="orthogonal", random_state=0
        ).fit(X),
        "tangent": LinearizedNTKFeatures(4, train="both", random_state=0).fit(X),
        "net": OverparamNetRegressor(**net).fit(X, y),
        "net_stream": OverparamNetRegressor(**stream).partial_fit(X, y),
        "net_classifier": OverparamNetClassifier(**net, early_stopping=True).fit(X, labels),
        "ridge": RandomFeatureRidge(few, random_state=0).fit(X, np.stack([y, -y], 1)),
        "ridge_stream": several.partial_fit(X, y),
        "ridge_classifier": RandomFeatureRidgeClassifier(
            scaled, alphas=[0.1, 1.0], random_state=0
        ).fit(X, labels),
        "neuron": SingleNeuron([1.0, -2.0, 0.5], bias=0.25, activation="softplus"),
        "polynomial": BoundedDegreePolynomial([[1, 1, 0], [0, 0, 2]], [2.0, -1.0]),
        "wave": TriangleWave([2.0, 0.0, 1.0]),
    }


def output(model, X):
    """What a loaded object should give for rows X."""
    for name in ("decision_function", "predict", "transform"):
        if hasattr(model, name):
            return getattr(model, name)(X)
    return model(X)


def main():
    """Write the files."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((40, 3))
    y, labels = np.sin(X[:, 0]), np.array(list("abc"))[rng.permutation(40) % 3]
    FOLDER.mkdir(parents=True, exist_ok=True)
    expected = {}
    for name, model in models(X, y, labels).items():
        expected[name] = output(model, X[:10])
        joblib.dump(model, FOLDER / f"{name}.joblib", compress=3)
    versions = {"_sklearn": sklearn.__version__, "_skrf": skrf.__version__}
    np.savez(FOLDER / "expected.npz", _X=X[:10], _y=y[:10], **versions, **expected)


if __name__ == "__main__":
    main()
