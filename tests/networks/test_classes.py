"""The classifier: probabilities, class weights, and labels that are missing."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris, make_classification

from skrf import OverparamNetClassifier, RandomFeatureRidgeClassifier


@pytest.mark.parametrize("n_classes", [2, 3])
def test_probabilities_agree_with_predictions(n_classes):
    X, y = load_iris(return_X_y=True)
    X, y = X[y < n_classes], np.array(["a", "b", "c"])[y[y < n_classes]]
    net = OverparamNetClassifier(loss="log_loss", random_state=0).fit(X, y)
    P = net.predict_proba(X)
    assert P.shape == (len(X), n_classes)
    np.testing.assert_allclose(P.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(np.log(P), net.predict_log_proba(X), rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(net.classes_[P.argmax(axis=1)], net.predict(X))


@pytest.mark.parametrize("loss", ["auto", "hinge", "squared_error"])
def test_other_losses_say_where_probabilities_are(loss):
    net = OverparamNetClassifier(loss=loss)
    assert not hasattr(net, "predict_proba")
    with pytest.raises(AttributeError, match=r"log_loss.*CalibratedClassifierCV"):
        net.predict_log_proba  # noqa: B018


@pytest.mark.parametrize("weighted", [False, True])
def test_balanced_classes_are_sample_weights(weighted, rng):
    X, y = make_classification(200, 5, weights=[0.9], random_state=0)
    w = rng.uniform(0.5, 2, 200) if weighted else np.ones(200)
    sums = np.bincount(y, w)
    options = {"eta0": 1e-3, "max_iter": 5, "random_state": 0}
    balanced = OverparamNetClassifier(20, class_weight="balanced", **options).fit(X, y, w)
    plain = OverparamNetClassifier(20, **options).fit(X, y, w * (w.sum() / 2 / sums)[y])
    np.testing.assert_allclose(
        balanced.decision_function(X), plain.decision_function(X), rtol=1e-9, atol=1e-12
    )


def test_a_dict_of_class_weights_works_in_streams():
    X, y = make_classification(100, 5, random_state=0)
    options = {"eta0": 1e-3, "random_state": 0}
    net = OverparamNetClassifier(20, class_weight={0: 1.0, 1: 3.0}, **options)
    net.partial_fit(X, y, classes=[0, 1])
    plain = OverparamNetClassifier(20, **options)
    plain.partial_fit(X, y, classes=[0, 1], sample_weight=np.where(y == 1, 3.0, 1.0))
    np.testing.assert_array_equal(net.decision_function(X), plain.decision_function(X))
    with pytest.raises(AttributeError, match=r"class_weight.*dict"):
        net.set_params(class_weight="balanced").partial_fit  # noqa: B018


LABELS = np.array(["no", "yes"] * 10, dtype=object)


@pytest.mark.parametrize("missing", [None, np.nan, pd.NA, pd.NaT], ids=str)
@pytest.mark.parametrize("dtype", [object, "str", "category"])
@pytest.mark.parametrize("Model", [OverparamNetClassifier, RandomFeatureRidgeClassifier])
def test_missing_labels_are_named(Model, dtype, missing, rng):
    y = LABELS.copy()
    y[3] = missing
    y = pd.Series(y, dtype=dtype)
    with pytest.raises(ValueError, match=r"missing labels.*Drop the rows"):
        Model().fit(rng.normal(size=(20, 3)), y)
