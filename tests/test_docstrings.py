"""Every public name is documented in full, and its signature has types.

numpydoc checks the form. That the sections Raises and Warns name what can be raised is
read off the code: what a function mentions is followed through skrf.
"""

import ast
import builtins
import inspect
import re
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path

import pytest
from numpydoc.docscrape import NumpyDocString
from numpydoc.validate import validate

import skrf
from skrf import displays, gaussian, kernels, theory
from skrf.networks._laziness import Laziness
from skrf.ridge._width_path import WidthPath

# Modules whose public names are documented like those of skrf itself.
MODULES = [skrf, kernels, gaussian, theory, displays]
# Classes that are met as entries of tables, or as what methods return.
MET = [type(skrf.ACTIVATIONS["relu"]), type(skrf.LOSSES["hinge"]), Laziness, WidthPath]

# What numpydoc finds that is an error here. Left out: where the text begins (GL01), which
# ruff checks; lower case (SS02, PR08, RT04) and no verb (SS05) at the beginning, because
# much begins with a symbol or a formula; summaries of two lines (SS06), or nothing but a
# summary (ES01), which the house allows; names of results (RT02), which it wants; See Also
# (SA01), for where there is something to see; Examples (EX01), see `test_example`.
ERRORS = {
    *("GL02", "GL03", "GL05", "GL06", "GL07", "GL08", "GL09", "GL10"),
    *("SS01", "SS03", "SS04", "RT01", "RT03", "RT05", "YD01", "SA02", "SA03", "SA04"),
    *("PR01", "PR02", "PR03", "PR04", "PR05", "PR06", "PR07", "PR09", "PR10"),
}

# Methods of every estimator, or without a name; the example of their class calls them.
SHOWN_BY_THE_CLASS = {
    *("fit", "partial_fit", "transform", "predict", "decision_function", "__call__")
}

# What raises or warns by other means than a `raise` in skrf: name -> what.
CHECKS = {
    "check_is_fitted": "NotFittedError",
    "check_array": "ValueError",
    "check_pairwise_arrays": "ValueError",
    "check_random_state": "ValueError",
    "fit_context": "ValueError",
    "validate_data": "ValueError",
    "validate_params": "ValueError",
    "_validate_params": "ValueError",
    "not_positive_definite": "LinAlgError",
    "warn": "a warning",
}
# What no user sees: training catches `Diverged` and warns, and who passes a Dask
# collection has Dask.
UNSEEN = {"Diverged", "import_dask"}


def names_of(module):
    """The public names that a module lists or, without a list, defines."""
    if hasattr(module, "__all__"):
        return module.__all__
    here = {
        name
        for name, value in vars(module).items()
        if getattr(value, "__module__", None) == module.__name__
    }
    return [name for name in here if not name.startswith("_")]


def is_ours(function):
    return inspect.unwrap(function).__module__.startswith("skrf")


def members(cls):
    """{path: (member, class)} of the public methods and properties written here."""
    found = {}
    for base in inspect.getmro(cls):
        if not base.__module__.startswith("skrf"):
            continue
        for name, value in vars(base).items():
            is_property = isinstance(value, property)
            code = value.fget if is_property else getattr(base, name)
            public = name == "__call__" or not name.startswith("_")
            if public and inspect.isroutine(code) and is_ours(code):
                member = value if is_property else code
                found[f"{base.__module__}.{base.__qualname__}.{name}"] = member, base
    return found


OBJECTS = [getattr(module, name) for module in MODULES for name in names_of(module)]
# Tables have no docstring; their entries are in MET.
OBJECTS = [value for value in [*OBJECTS, *MET] if not isinstance(value, dict)]
TOP = {f"{value.__module__}.{value.__qualname__}": (value, None) for value in OBJECTS}
CLASSES = {path: value for path, (value, _) in TOP.items() if inspect.isclass(value)}
METHODS = {}
for cls in CLASSES.values():
    METHODS.update(members(cls))
ALL = {**TOP, **METHODS}


def over(*tables):
    """Run a test for every path of these tables."""
    return pytest.mark.parametrize("path", sorted({path for t in tables for path in t}))


def documented(value):
    return NumpyDocString(inspect.getdoc(value) or "")


def is_result(value):
    """Whether users get such an object, and do not make it: fields are Attributes."""
    return is_dataclass(value) and not documented(value)["Parameters"]


@over(ALL)
def test_numpydoc(path):
    wrong = {code: text for code, text in validate(path)["errors"] if code in ERRORS}
    if is_result(ALL[path][0]):
        wrong.pop("PR01", None)
    assert not wrong


@over({path for path, cls in CLASSES.items() if is_result(cls)})
def test_attributes_of_results(path):
    names = [field.name for field in fields(CLASSES[path])]
    attributes = documented(CLASSES[path])["Attributes"]
    assert [entry.name for entry in attributes] == [n for n in names if n[0] != "_"]


@over(ALL)
def test_bars_are_in_backticks(path):
    """In reStructuredText |bias| stands for a text of that name, but not in backticks."""
    shown = r"``[^`]*``|`[^`]*`|^ *>>>.*(?:\n.+)*|\.\. math::.*(?:\n+ +.*)*"
    prose = re.sub(shown, "", inspect.getdoc(ALL[path][0]), flags=re.M)
    assert not re.findall(r"(?<!\S)\|\w[^|\n]*\|", prose)


@over(TOP)
def test_source(path):
    doc = inspect.getdoc(TOP[path][0])
    assert "Source: " in doc or documented(TOP[path][0])["References"]


@over(TOP, {path for path in METHODS if path.split(".")[-1] not in SHOWN_BY_THE_CLASS})
def test_example(path):
    value, _ = ALL[path]
    assert isinstance(value, property) or ">>> " in "".join(documented(value)["Examples"])


@over(ALL)
def test_signature(path):
    value, _ = ALL[path]
    value = value.fget if isinstance(value, property) else value
    signature = inspect.signature(value.__init__ if inspect.isclass(value) else value)
    assert signature.return_annotation is not signature.empty
    for name, parameter in signature.parameters.items():
        assert name == "self" or parameter.annotation is not parameter.empty, name


@over(ALL)
def test_help_names_types_as_they_are_written(path):
    """Evaluated, numpy's ArrayLike alone takes five lines."""
    value, _ = ALL[path]
    value = value.fget if isinstance(value, property) else value
    assert "numpy._typing" not in str(inspect.signature(value))


# ------------------------------------------------------------------ what can be raised


@cache
def definitions(path):
    """{first line: definition} of the functions of a file."""
    nodes = ast.walk(ast.parse(Path(path).read_text()))
    nodes = [node for node in nodes if isinstance(node, ast.FunctionDef)]
    return {min(n.lineno for n in [node, *node.decorator_list]): node for node in nodes}


def mentioned(function, owner):
    """(Name, object or None) of whatever the code of a function mentions."""
    function = inspect.unwrap(function)
    code, places = function.__code__, {**vars(builtins), **function.__globals__}
    places["cls"] = owner
    # The constructor of a dataclass has no file, and a lambda no definition.
    written = code.co_filename.endswith(".py") and code.co_name != "<lambda>"
    tree = definitions(code.co_filename)[code.co_firstlineno] if written else ast.Pass()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id, places.get(node.id)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            of = owner if node.value.id == "self" else places.get(node.value.id)
            yield node.attr, getattr(of, node.attr, None)
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            yield "raise", places.get(getattr(node.exc.func, "id", None))


def code_of(value, owner):
    """(Function, its class or None), once or never: the code of skrf behind an object."""
    if isinstance(value, property):
        value = value.fget
    if inspect.ismethod(value):
        value, owner = value.__func__, value.__self__
    if inspect.isclass(value) and value.__module__.startswith("skrf"):
        value, owner = getattr(value, "__post_init__", value.__init__), value
    if inspect.isfunction(value) and is_ours(value) and value.__name__ not in UNSEEN:
        yield value, owner


def can_raise(value, owner):
    """Names of the errors that an object of skrf, or what it runs of skrf, raises."""
    found, seen, left = set(), set(), [*code_of(value, owner)]
    while left:
        here = left.pop()
        if here in seen:
            continue
        seen.add(here)
        for name, mention in mentioned(*here):
            if name in CHECKS:
                found.add(CHECKS[name])
            elif name == "raise" and inspect.isclass(mention):
                found.add(mention.__name__)
            else:
                left += code_of(mention, here[1])
    return found - UNSEEN


@over(ALL)
def test_raises_and_warns(path):
    value, owner = ALL[path]
    text = documented(value)
    named = {error.strip() for entry in text["Raises"] for error in entry.type.split(",")}
    if "NotFittedError" in named:
        named.add("AttributeError")  # which it is
    if text["Warns"]:
        named.add("a warning")
    # A property may say that it raises what another one does.
    elsewhere = isinstance(value, property) and "raises as `" in inspect.getdoc(value)
    assert elsewhere or can_raise(value, owner) <= named


def test_what_is_raised_is_found():
    fit = ALL["skrf.ridge._base.BaseRandomFeatureRidge.fit"]
    assert can_raise(*fit) == {"ValueError", "LinAlgError", "MemoryError", "a warning"}
    assert can_raise(skrf.SingleNeuron, None) == {"ValueError"}
    assert can_raise(*ALL["skrf._utils.plotting.BaseCurvesDisplay.plot"]) == {
        "ValueError",
        "ImportError",
    }
    assert can_raise(skrf.show_versions, None) == set()
