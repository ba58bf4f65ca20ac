"""Every public name is documented in full, and its signature has types.

numpydoc checks the form. Each test lists every name that breaks its rule.
"""

import builtins
import inspect
import re
from dataclasses import fields, is_dataclass

import numpy as np
from numpydoc.docscrape import NumpyDocString
from numpydoc.validate import validate
from sklearn import exceptions

import skrf
from skrf import displays, gaussian, kernels, theory
from skrf.networks import Laziness
from skrf.ridge import WidthPath

# Modules whose public names are documented like those of skrf itself.
MODULES = [skrf, kernels, gaussian, theory, displays]
# Classes of table entries and of results of methods.
RESULTS = [type(skrf.ACTIVATIONS["relu"]), type(skrf.LOSSES["hinge"]), Laziness, WidthPath]

# The rules of numpydoc that hold here. Left out are the position of the text (GL01), which
# ruff checks; a capital letter (SS02, PR08, RT04) and a verb (SS05) at the beginning,
# because many texts begin with a symbol or a formula; summaries on one line (SS06) and an
# extended summary (ES01), which are optional here; results without names (RT02), because
# results have names here; See Also (SA01), which is optional; Examples (EX01), see
# test_examples.
ERRORS = {
    *("GL02", "GL03", "GL05", "GL06", "GL07", "GL08", "GL09", "GL10"),
    *("SS01", "SS03", "SS04", "RT01", "RT03", "RT05", "YD01", "SA02", "SA03", "SA04"),
    *("PR01", "PR02", "PR03", "PR04", "PR05", "PR06", "PR07", "PR09", "PR10"),
}

# Methods of every estimator and calls; the example of their class shows them.
SHOWN_BY_THE_CLASS = {
    *("fit", "partial_fit", "transform", "predict", "decision_function", "__call__")
}


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
    """{path: member} of the public methods and properties written here."""
    table = {}
    for base in inspect.getmro(cls):
        if not base.__module__.startswith("skrf"):
            continue
        for name, value in vars(base).items():
            is_property = isinstance(value, property)
            code = value.fget if is_property else getattr(base, name)
            public = name == "__call__" or not name.startswith("_")
            if public and inspect.isroutine(code) and is_ours(code):
                member = value if is_property else code
                table[f"{base.__module__}.{base.__qualname__}.{name}"] = member
    return table


OBJECTS = [getattr(module, name) for module in MODULES for name in names_of(module)]
# Tables have no docstring; the classes of their entries are in RESULTS.
OBJECTS = [value for value in [*OBJECTS, *RESULTS] if not isinstance(value, dict)]
TOP = {f"{value.__module__}.{value.__qualname__}": value for value in OBJECTS}
CLASSES = {path: value for path, value in TOP.items() if inspect.isclass(value)}
METHODS = {}
for cls in CLASSES.values():
    METHODS.update(members(cls))
ALL = dict(sorted({**TOP, **METHODS}.items()))


def documented(value):
    return NumpyDocString(inspect.getdoc(value) or "")


def is_written(function):
    """Whether a function has a source file, unlike the constructor of a dataclass."""
    return function.__code__.co_filename.endswith(".py")


def function_of(value):
    """The getter of a property, the constructor of a class, or the function itself."""
    if isinstance(value, property):
        return value.fget
    return value.__init__ if inspect.isclass(value) else value


def is_result(value):
    """Whether users get such an object but do not make it: its fields are Attributes."""
    return is_dataclass(value) and not documented(value)["Parameters"]


def test_numpydoc_finds_nothing():
    wrong = []
    for path, value in ALL.items():
        optional = {"PR01"} if is_result(value) else set()
        for code, text in validate(path)["errors"]:
            if code in ERRORS - optional:
                wrong.append(f"{path}: {code} {text}")
    assert not wrong, "\n".join(wrong)


def test_fields_of_results_are_attributes():
    wrong = []
    for path, cls in CLASSES.items():
        if is_result(cls):
            public = [field.name for field in fields(cls) if field.name[0] != "_"]
            attributes = [entry.name for entry in documented(cls)["Attributes"]]
            if attributes != public:
                wrong.append(f"{path}: Attributes are {attributes}, fields are {public}")
    assert not wrong, "\n".join(wrong)


def test_bars_are_in_backticks():
    """In reStructuredText |bias| stands for a text of that name, but not in backticks."""
    shown = r"``[^`]*``|`[^`]*`|^ *>>>.*(?:\n.+)*|\.\. math::.*(?:\n+ +.*)*"
    wrong = []
    for path, value in ALL.items():
        prose = re.sub(shown, "", inspect.getdoc(value), flags=re.M)
        for bars in re.findall(r"(?<!\S)\|\w[^|\n]*\|", prose):
            wrong.append(f"{path}: {bars}")
    assert not wrong, "\n".join(wrong)


def test_sources_are_named():
    wrong = [
        path
        for path, value in TOP.items()
        if "Source: " not in inspect.getdoc(value) and not documented(value)["References"]
    ]
    assert not wrong, "no References:\n" + "\n".join(wrong)


def test_examples():
    wrong = [
        path
        for path, value in ALL.items()
        if path in TOP or path.split(".")[-1] not in SHOWN_BY_THE_CLASS
        if not isinstance(value, property)
        if ">>> " not in "".join(documented(value)["Examples"])
    ]
    assert not wrong, "no Examples:\n" + "\n".join(wrong)


def test_raised_errors_are_documented():
    """The errors and warnings that the function itself raises, by the words of its code."""
    wrong = []
    for path, value in ALL.items():
        function, sections = inspect.unwrap(function_of(value)), documented(value)
        code = inspect.getsource(function) if is_written(function) else ""
        named = ", ".join(entry.type for entry in sections["Raises"])
        for error in re.findall(r"raise ([A-Z]\w+)\(", code):
            if error not in named:
                wrong.append(f"{path}: {error} is not under Raises")
        if re.search(r"\bwarn\(", code) and not sections["Warns"]:
            wrong.append(f"{path}: no Warns")
    assert not wrong, "\n".join(wrong)


def test_documented_errors_exist():
    """Every name under Raises is an error of Python, NumPy or scikit-learn."""
    wrong = [
        f"{path}: {name}"
        for path, value in ALL.items()
        for entry in documented(value)["Raises"]
        for name in re.split(r", *", entry.type)
        if not any(hasattr(module, name) for module in (builtins, exceptions, np.linalg))
    ]
    assert not wrong, "\n".join(wrong)


def test_signatures_have_types():
    wrong = []
    for path, value in ALL.items():
        signature = inspect.signature(function_of(value))
        if signature.return_annotation is signature.empty:
            wrong.append(f"{path}: the result")
        for name, parameter in signature.parameters.items():
            if name != "self" and parameter.annotation is parameter.empty:
                wrong.append(f"{path}: {name}")
    assert not wrong, "without a type:\n" + "\n".join(wrong)


def test_help_shows_types_as_they_are_written():
    """Evaluated, numpy's ArrayLike alone takes five lines."""
    wrong = []
    for path, value in ALL.items():
        value = value.fget if isinstance(value, property) else value
        if "numpy._typing" in str(inspect.signature(value)):
            wrong.append(path)
    assert not wrong, "\n".join(wrong)
