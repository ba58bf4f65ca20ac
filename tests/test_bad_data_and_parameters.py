"""Bad parameters of transformers and targets, bad data: errors say what, and what to do.

A row of a table is a call, the type of its error, the parameter, and words of the remedy.
The tables of models are in test_bad_model_parameters.py, and of mathematics in
test_bad_arguments.py; test_generated_fits.py generates data and parameters.
"""

import re

import numpy as np
import pandas as pd
import pytest
from messages import assert_raises
from scipy import sparse
from sklearn.exceptions import NotFittedError
from small_models import (
    DATES,
    ORDERED,
    SIGNS,
    X,
    Y,
    network,
    network_clf,
    ntk,
    relus,
    ridge,
    ridge_clf,
    row_ids,
    with_entry,
)

from skrf import (
    BoundedDegreePolynomial,
    RandomFeatures,
    RandomReLUFeatures,
    SingleNeuron,
    TriangleWave,
    make_polynomial,
    make_polynomial_classification,
    make_single_neuron,
)
from skrf.kernels import arc_cosine_kernel

FEATURES = [
    (lambda: relus(0).fit(X), ValueError, "width", "int in the range"),
    (lambda: relus(2.5).fit(X), ValueError, "width", "int in the range"),
    (lambda: relus(True).fit(X), ValueError, "width", "Got True"),
    (lambda: relus(10**15).fit(X), MemoryError, "width", "Use a smaller width"),
    (lambda: relus(weights="cauchy").fit(X), ValueError, "weights", "'gaussian'"),
    (lambda: relus(weight_scale=-1).fit(X), ValueError, "weight_scale", "range"),
    (lambda: relus(weight_scale=np.nan).fit(X), ValueError, "weight_scale", "range"),
    (
        lambda: relus(weight_scale=1e39).fit(X.astype(np.float32)),
        ValueError,
        "weight_scale",
        "Use a smaller weight_scale",
    ),
    (lambda: relus(biases=None).fit(X), ValueError, "biases", "'none'"),
    (lambda: relus(bias_scale=np.inf).fit(X), ValueError, "bias_scale", "range"),
    (lambda: relus(projection="fast").fit(X), ValueError, "projection", "'structured'"),
    (
        lambda: relus(weights="uniform", projection="orthogonal").fit(X),
        ValueError,
        "projection",
        'Use projection="dense"',
    ),
    (lambda: RandomFeatures(4, activation="cube").fit(X), ValueError, "activation", "relu"),
    (
        lambda: RandomReLUFeatures(4, random_state=np.random.default_rng()).fit(X),
        ValueError,
        "random_state",
        "RandomState",
    ),
    (lambda: ntk(activation="step").fit(X), ValueError, "activation", 'train="output"'),
    (lambda: ntk(train="all").fit(X), ValueError, "train", "'hidden'"),
    (lambda: ntk(output_weights=[1.0]).fit(X), ValueError, "output_weights", "Pass one"),
    (lambda: ntk(output_weights=[1j] * 4).fit(X), ValueError, "output_weights", "np.real"),
    (lambda: ntk(output_weights=["a"] * 4).fit(X), ValueError, "output_weights", "floats"),
    (lambda: ntk(output_weights=[np.inf] * 4).fit(X), ValueError, "output_weights", "Repl"),
    (lambda: relus().fit(X).narrowed(5), ValueError, "width", "Fit a wider"),
    (lambda: relus().fit(X).narrowed("2"), ValueError, "width", "from 1 to"),
    (
        lambda: relus().from_weights(np.ones((3, 2)), np.ones(4)),
        ValueError,
        "biases",
        "Set width",
    ),
    (
        lambda: relus().from_weights([[1], [2, 3]], [1, 2]),
        ValueError,
        "weights",
        "same number of values",
    ),
    (lambda: relus().transform(X), NotFittedError, "RandomReLUFeatures", "'fit'"),
    (lambda: relus().weights_, AttributeError, "RandomReLUFeatures", "Call fit"),
    (lambda: relus().fit(X).transform(X[:, :2]), ValueError, "X", "as many columns as in"),
    (
        lambda: relus().fit(np.ones((3, 10))).transform(np.ones((3, 20))),
        ValueError,
        "X",
        "as many columns as in",
    ),
    (
        lambda: RandomFeatures(3, activation="squared_relu").fit(X).transform(1e200 * X),
        ValueError,
        "X",
        "StandardScaler",
    ),
    (
        lambda: ntk().fit(X).as_linear_operator(X[:, 0]),
        ValueError,
        "X",
        "one row per sample",
    ),
    (lambda: ntk().fit(X).tangent_kernel(X, [["a"] * 3]), ValueError, "X", "OneHotEncoder"),
]

DATA = [
    (lambda: relus().fit(X[:0]), ValueError, "X", "Pass at least one"),
    (lambda: relus().fit(X[:, :0]), ValueError, "X", "Pass at least one"),
    (lambda: relus().fit(X[0]), ValueError, "X", "one row per sample"),
    (lambda: relus().fit(X[np.newaxis]), ValueError, "X", "one row per sample"),
    (lambda: relus().fit([["a", "b"]]), ValueError, "X", "OneHotEncoder"),
    (lambda: relus().fit([[1.0, {}]]), TypeError, "X", "OneHotEncoder"),
    (lambda: relus().fit([[1.0], [2.0, 3.0]]), ValueError, "X", "same number of values"),
    (lambda: relus().fit(X + 1j), ValueError, "X", "X.real"),
    (lambda: relus().fit(with_entry(X, np.nan)), ValueError, "X", "SimpleImputer"),
    (lambda: relus().fit(with_entry(X, np.inf)), ValueError, "X", "Replace infinity"),
    (lambda: relus().fit(sparse.coo_array(X[0])), ValueError, "X", "one row per sample"),
    (lambda: ridge().fit(X, Y[:5]), ValueError, "y", "one target per row"),
    (lambda: network().fit(X, Y[:5]), ValueError, "y", "as many entries"),
    (lambda: ridge().fit(X, None), ValueError, "y", "to be passed"),
    (lambda: network().fit(X, np.zeros((20, 2, 2))), ValueError, "`y` must", "one row per"),
    (lambda: ridge().fit(X, np.zeros((20, 2, 2))), ValueError, "`y` must", "one row per"),
    (lambda: network().fit(X, 3.0), ValueError, "`y` must", "one row per"),
    (lambda: ridge().fit(X, 3.0), ValueError, "`y` must", "one row per"),
    (
        lambda: ridge().fit(X, [[1], [2, 3]]),
        ValueError,
        "`y` must",
        "same number of values",
    ),
    (lambda: ridge().fit(X, DATES), ValueError, "y", "array of floats"),
    (lambda: network().fit(X, DATES), ValueError, "y", "array of floats"),
    (lambda: ridge().fit(X, ["1"] * 20), ValueError, "y", "array of floats"),
    (lambda: network().fit(X, Y + 1j), ValueError, "y", "np.real"),
    (lambda: ridge().fit(X, with_entry(Y, np.nan)), ValueError, "y", "Drop the rows"),
    (lambda: network().fit(X, with_entry(Y, np.nan)), ValueError, "y", "Drop the rows"),
    (lambda: network().fit(X, with_entry(Y, np.inf)), ValueError, "y", "Replace infinity"),
    (
        lambda: network().fit(X, sparse.csr_array(Y[:, None])),
        ValueError,
        "y",
        "y.toarray()",
    ),
    (lambda: network().fit(X.astype("f"), 1e300 * Y), ValueError, "y", "float64"),
    (lambda: network(loss="hinge").fit(X, Y), ValueError, "loss", "OverparamNetClassifier"),
    (lambda: ridge_clf().fit(X, [*"a" * 19, 1]), ValueError, "y", "labels as strings"),
    (lambda: network_clf().fit(X, [*"a" * 19, None]), ValueError, "y", "Drop the rows"),
    (lambda: ridge_clf().fit(X, Y), ValueError, "y", "use the regressor"),
    (
        lambda: ridge_clf().fit(X, Y + 1j),
        ValueError,
        "`y` must",
        "Pass integers or strings",
    ),
    (
        lambda: ridge_clf().fit(X, [[1], [1, 2]] * 10),
        ValueError,
        "`y`",
        "Pass class labels",
    ),
    (
        lambda: network_clf().fit(X, with_entry(SIGNS, np.nan)),
        ValueError,
        "y",
        "class labels",
    ),
    (lambda: ridge_clf().fit(X, np.ones(20)), ValueError, "y", "Add samples of another"),
    (lambda: ridge_clf().fit(X, np.c_[SIGNS, 2 * SIGNS]), ValueError, "y", "y.ravel()"),
    (lambda: network().fit(X, Y, [1.0]), ValueError, "sample_weight", "for each row"),
    (lambda: ridge().fit(X, Y, -ORDERED), ValueError, "sample_weight", ">= 0"),
    (lambda: ridge().fit(X, Y, 0 * ORDERED), ValueError, "sample_weight", "not all 0"),
    (lambda: network().fit(X, Y, ["a"] * 20), ValueError, "sample_weight", "floats"),
    (
        lambda: ridge().fit(X, Y, with_entry(Y, np.nan)),
        ValueError,
        "sample_weight",
        "finite",
    ),
    (
        lambda: network().fit(X.astype("f"), Y, np.full(20, 1e300)),
        ValueError,
        "sample_weight",
        "of float32",
    ),
    (
        lambda: network().fit(X, Y).predict(X[:, :2]),
        ValueError,
        "X",
        "as many columns as in",
    ),
    (lambda: ridge().fit(1e200 * X, Y), ValueError, "X", "Scale X"),
    (lambda: network().fit(1e200 * X, Y), ValueError, "X", "StandardScaler"),
    (lambda: ridge().fit(X, Y).predict(1e308 * np.sign(X)), ValueError, "X", "Scale X"),
    (
        lambda: (
            network(eta0=1e300, batch_size=20, weight_scale=1e4, random_state=0)
            .fit(X, Y)
            .predict(X)
        ),
        ValueError,
        "eta0",
        "smaller eta0",
    ),
]

MAKERS = [
    (lambda: make_single_neuron(0), ValueError, "n_samples", "range [1"),
    (lambda: make_single_neuron(n_features=2.0), ValueError, "n_features", "int in the"),
    (lambda: make_single_neuron(weight_norm=-1), ValueError, "weight_norm", "range [0"),
    (lambda: make_single_neuron(bias=np.nan), ValueError, "bias", "float in the range"),
    (lambda: make_single_neuron(noise=-0.1), ValueError, "noise", "range [0"),
    (lambda: make_single_neuron(inputs="cauchy"), ValueError, "inputs", "'gaussian'"),
    (lambda: make_single_neuron(return_target=1.5), ValueError, "return_target", "bool"),
    (lambda: make_polynomial(degree=-1), ValueError, "degree", "range [0"),
    (
        lambda: make_polynomial(n_features=1, n_terms=9),
        ValueError,
        "n_terms",
        "Use a small",
    ),
    (lambda: make_polynomial(polynomial="x"), ValueError, "polynomial", "Bounded"),
    (
        lambda: make_polynomial(polynomial=BoundedDegreePolynomial([[1]], [1.0])),
        ValueError,
        "polynomial",
        "Pass n_features=1",
    ),
    (lambda: make_polynomial_classification(flip_y=2), ValueError, "flip_y", "range [0"),
    (lambda: SingleNeuron(None), ValueError, "weight", "array of floats"),
    (lambda: SingleNeuron([1, 1j]), ValueError, "weight", "np.real"),
    (lambda: SingleNeuron([1.0], True), ValueError, "bias", "Use 0 for no bias"),
    (lambda: SingleNeuron([1.0], 0, {}), ValueError, "activation", "Use one of these"),
    (lambda: SingleNeuron([1.0])(["a"]), ValueError, "X", "array of floats"),
    (lambda: SingleNeuron([1.0])(sparse.eye_array(1)), ValueError, "X", "X.toarray()"),
    (lambda: TriangleWave([[1.0]]), ValueError, "weight", "Reshape `weight`"),
    (lambda: TriangleWave([1.0]).profile("t"), ValueError, "t", "array of floats"),
    (
        lambda: BoundedDegreePolynomial([[1], [2, 3]], [1, 1]),
        ValueError,
        "exponents",
        "row",
    ),
    (
        lambda: BoundedDegreePolynomial([[1]], [1], True),
        ValueError,
        "degree",
        "Raise `degree`",
    ),
    (lambda: BoundedDegreePolynomial([[1]], ["1"]), ValueError, "coefficients", "floats"),
    (
        lambda: BoundedDegreePolynomial([[1]], [1], coefficient_bound="2"),
        ValueError,
        "coefficient_bound",
        "Raise `coefficient_bound`",
    ),
]

TABLE = FEATURES + DATA + MAKERS


def partial_fit_with_other_classes():
    model = network_clf().partial_fit(X, SIGNS, [-1, 1])
    model.partial_fit(X, SIGNS, [0, 1])


@pytest.mark.parametrize(
    ("call", "message", "remedy"),
    [
        (
            lambda: relus().fit(FRAME).transform(FRAME.rename(columns={"c": "d"})),
            "The feature names should match those that were passed during fit.",
            "Pass the columns of `fit` in `X`, in the same order.",
        ),
        (
            partial_fit_with_other_classes,
            "`classes=[0, 1]` is not the same as on last call to partial_fit",
            "the same classes or None to later calls.",
        ),
        (
            lambda: arc_cosine_kernel(X, X[:, :2]),
            "Incompatible dimension for X and Y matrices",
            "Pass the same columns in `X` and `Y`.",
        ),
        (
            lambda: relus().fit(X + 1j),
            "Complex data not supported",
            "Pass real numbers, for instance X.real.",
        ),
        (
            lambda: relus().fit([["a"]]),
            "could not convert string to float: 'a'",
            "Encode text in `X` as numbers, for instance by OneHotEncoder.",
        ),
        (
            lambda: relus().fit(X[:0]),
            "Found array with 0 sample(s)",
            "Pass at least one row in `X`.",
        ),
        (
            lambda: network().fit(X, Y[:5]),
            "Found input variables with inconsistent numbers of samples: [20, 5]",
            "Pass as many entries in `y` as there are rows in `X`.",
        ),
        (
            lambda: network().fit(FRAME.astype("Float64").mask(FRAME > 0), Y),
            "Input X contains NaN.",
            "Replace NaN in `X`, for instance by SimpleImputer.",
        ),
        (
            lambda: network_clf().fit(X, np.c_[SIGNS, SIGNS]),
            "y should be a 1d array",
            "Pass `y` as a 1-D array, for instance y.ravel().",
        ),
    ],
)
def test_messages_of_scikit_learn_stay_and_have_the_remedy_as_a_note(call, message, remedy):
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        call()
    assert str(caught.value).startswith(message)
    assert len(caught.value.__notes__) == 1
    assert caught.value.__notes__[0].endswith(remedy)


def test_data_without_a_fault_get_no_note():
    """Errors of other causes, here of the transformer, keep their message alone."""
    with pytest.raises(ValueError, match="at least 2 classes") as caught:
        network_clf().fit(X, np.ones(20))
    assert not hasattr(caught.value, "__notes__")


FRAME = pd.DataFrame(X, columns=list("abc"))


@pytest.mark.parametrize(("call", "kind", "name", "remedy"), TABLE, ids=row_ids(TABLE))
def test_errors_name_parameter_and_remedy(call, kind, name, remedy):
    assert_raises(call, kind, name, remedy)
