"""The examples in the docstrings of skrf print what they say.

pytest's own `--doctest-modules` passes over the methods of classes that are defined in a
private file and published under another module.
"""

import ast
import doctest
import importlib
import io
import pkgutil
from pathlib import Path

import pytest
from sklearn import config_context

import skrf


class Finder(doctest.DocTestFinder):
    """Finds an object in the module that `__module__` names, with all its methods."""

    def _from_module(self, module, obj):
        is_method = isinstance(obj, property) or "." in getattr(obj, "__qualname__", "")
        return is_method or obj.__module__ == module.__name__


def examples():
    """The docstrings with examples, of all modules, public and private objects."""
    finder = Finder(exclude_empty=True)
    modules = [info.name for info in pkgutil.walk_packages(skrf.__path__, "skrf.")]
    tests = [t for m in modules for t in finder.find(importlib.import_module(m))]
    return [test for test in tests if test.examples]


EXAMPLES = examples()


@pytest.mark.parametrize("test", EXAMPLES, ids=lambda test: test.name)
def test_examples_print_what_they_say(test):
    report = io.StringIO()
    with config_context():
        result = doctest.DocTestRunner().run(test, out=report.write)
    assert not result.failed, report.getvalue()


def test_every_example_is_run_once():
    written = []
    for path in Path(skrf.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                docstring = ast.get_docstring(node) or ""
                written += [f"{path.stem}: {docstring}"] * (">>> " in docstring)
    assert len(EXAMPLES) == len(written)
