"""Checks of arguments: misspelt names are suggested, lists of choices are sorted."""

import subprocess
import sys

import numpy as np
import pytest

from skrf import RandomFeatures, make_single_neuron
from skrf._utils.checks import check_choice, real_array, short, similar
from skrf._utils.validation import one_of

NAMES = {"relu": 0, "leaky_relu": 1, "tanh": 2, "SiLU": 3}


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("rellu", "relu"),
        ("RELU", "relu"),
        ("leakyrelu", "leaky_relu"),
        ("silu", "SiLU"),
        ("cube", None),
        (["relu"], None),
        (None, None),
    ],
)
def test_misspelt_names_are_recognised(value, meant):
    assert similar(value, NAMES) == meant


def test_a_choice_is_suggested():
    message = "`act` must be one of 'SiLU', 'leaky_relu', 'relu', 'tanh'; got 'Tahn'. Did "
    with pytest.raises(ValueError, match=message + r"you mean 'tanh'\?"):
        check_choice("act", "Tahn", NAMES)


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: RandomFeatures(2, activation="Relu").fit(np.eye(2)), "activation"),
        (lambda: make_single_neuron(activation="Relu"), "activation"),
    ],
)
def test_an_option_of_an_estimator_is_suggested(call, name):
    message = rf"'{name}' parameter .* \(did you mean 'relu'\?\)\. Got 'Relu' instead"
    with pytest.raises(ValueError, match=message):
        call()


def test_a_suggestion_belongs_to_one_refusal():
    options = one_of(["one", "two"])
    assert not options.is_satisfied_by("onee")
    assert "did you mean 'one'" in str(options)
    assert str(options) == "a str among {'one', 'two'}"


def test_options_are_listed_in_the_same_order_in_every_process():
    code = "from skrf._utils.validation import one_of; print(one_of(['b', 'c', 'a', 'd']))"
    listed = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert listed == {"a str among {'a', 'b', 'c', 'd'}\n"}


@pytest.mark.parametrize(
    "value", [np.arange(10_000.0).reshape(-1, 10), "x" * 1000, list(range(1000)), 10**300]
)
def test_messages_show_at_most_a_line_of_a_value(value):
    assert len(short(value)) <= 80
    assert "\n" not in short(value)


@pytest.mark.parametrize(
    ("value", "remedy"), [(np.ones((0, 2)), "Pass more values"), ([1.0], "Reshape `W`")]
)
def test_an_array_of_a_wrong_shape_is_named(value, remedy):
    with pytest.raises(ValueError, match=rf"`W` must be 2-D .* got shape .*\. {remedy}\."):
        real_array("W", value, ndim=2)
