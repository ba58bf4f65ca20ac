"""Sphinx settings: python -m sphinx -W --keep-going -b html docs docs/_build/html."""

import ast
import re
import sys
from dataclasses import is_dataclass
from importlib import import_module
from inspect import getdoc
from pathlib import Path

import matplotlib
from numpydoc.docscrape import NumpyDocString
from sphinx.util.logging import getLogger
from sphinx.util.nodes import make_refnode

import skrf

sys.path.insert(0, str(Path(__file__).parent / "_ext"))
matplotlib.use("Agg")

project = "scikit-random-features"
author = copyright = "scikit-random-features developers"
version = release = skrf.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
    "myst_parser",
    "mathml",
    "estimator",
]
exclude_patterns = ["_build", "auto_examples/*.ipynb", "sg_execution_times.rst"]
smartquotes = False
highlight_language = "none"
templates_path = ["_templates"]
html_math_renderer = "mathml"

# Names of this package in single backticks are links, here and in docstrings. Full names
# that start with "skrf." must exist.
default_role = "py:obj"
nitpicky = True
nitpick_ignore_regex = [(r"py:.*", r"(?!skrf\.).*")]

autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
toc_object_entries_show_parents = "hide"


def own_methods(name):
    """The public methods of a class that are documented in this package, in its order."""
    module, _, cls = name.rpartition(".")
    return _own_members(getattr(import_module(module), cls), _is_public_method)


def own_properties(name):
    """The public properties of a class that its docstring has no entry for."""
    module, _, cls = name.rpartition(".")
    cls = getattr(import_module(module), cls)
    entries = NumpyDocString(getdoc(cls))["Attributes"]
    described = {name for entry in entries for name in entry.name.split(", ")}
    return [p for p in _own_members(cls, _is_public_property) if p not in described]


def _own_members(cls, are_meant):
    found = {}
    for base in reversed(cls.__mro__):
        if base.__module__.startswith("skrf"):
            found |= dict.fromkeys(filter(are_meant(base), vars(base)))
    return list(found)


def _is_public_method(cls):
    def check(name):
        value = vars(cls)[name]
        # scikit-learn adds methods for metadata routing to every class.
        added = name.startswith("set_") and name.endswith("_request")
        # available_if makes descriptors that are not functions.
        is_method = hasattr(value, "__get__") and not isinstance(value, property)
        return is_method and not added and not name.startswith("_")

    return check


def _is_public_property(cls):
    return lambda name: isinstance(vars(cls)[name], property) and not name.startswith("_")


autosummary_context = {"own_methods": own_methods, "own_properties": own_properties}
# Sphinx warns that functions among the settings cannot be cached between builds.
suppress_warnings = ["config.cache"]

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "ignore_pattern": "^_",
    # The index has sections of its own.
    "copyfile_regex": r"index\.rst",
    "reset_argv": "gallery.skip_main",
    "image_scrapers": ["gallery.stored_run"],
    # A stored run can change without its script. Examples are imported only, so the time to
    # run them says nothing.
    "run_stale_examples": True,
    "thumbnail_size": (800, 760),
    "minigallery_sort_order": "gallery.as_listed",
    "min_reported_time": float("inf"),
    "backreferences_dir": "generated/examples",
    "doc_module": ("skrf",),
    "abort_on_example_error": True,
    "download_all_examples": False,
    "notebook_extensions": set(),
    "show_signature": False,
    "write_computation_times": False,
}

html_theme = "pydata_sphinx_theme"
html_title = "scikit-random-features"
html_static_path = ["_static"]
html_css_files = ["skrf.css"]
html_copy_source = False
html_show_sourcelink = False
# Only the guide, the gallery and the reference have subpages, which need a navigation.
html_sidebars = {
    page: []
    for page in (
        "index",
        "getting_started",
        "choosing",
        "real_tables",
        "theorems",
        "troubleshooting",
        "glossary",
        "performance",
        "gpu",
        "persistence",
        "determinism",
        "limits",
        "upgrading",
        "changelog",
    )
}
html_theme_options = {
    "header_links_before_dropdown": 6,
    "navbar_end": ["theme-switcher"],
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_toc_level": 2,
    "navigation_with_keys": False,
}


MODULES = [
    "skrf",
    "skrf.activations",
    "skrf.losses",
    "skrf.displays",
    "skrf.gaussian",
    "skrf.kernels",
    "skrf.networks",
    "skrf.ridge",
    "skrf.theory",
]


def _resolve(app, env, node, contnode):
    """Link to a name of any of our modules, written without the module."""
    target, page = node.get("reftarget"), node.get("refdoc", "")
    if node.get("refdomain") != "py" or target.startswith("skrf."):
        return None
    for module in MODULES:
        entry = env.domains.python_domain.objects.get(f"{module}.{target}")
        if entry is not None:
            return make_refnode(
                app.builder, page, entry.docname, entry.node_id, contnode, target
            )
    # Docstrings also name parameters and other packages; the pages name this package only.
    if not page.startswith(("api", "generated/", "auto_examples/")):
        getLogger("conf").warning("no such name: %s", target, location=node)
    return None


def _signature(app, what, name, obj, options, signature, return_annotation):
    """Leave out how a result is made: only this package calls its constructor."""
    return ("", None) if what == "class" and made_by_skrf(obj) else None


def made_by_skrf(cls):
    """Whether a class is a dataclass whose docstring describes no parameters."""
    return is_dataclass(cls) and not NumpyDocString(getdoc(cls))["Parameters"]


def source_of(app, module, name):
    """The file that defines a public class or function."""
    first, _, _ = name.partition(".")
    return SOURCES.get(first) if module.startswith("skrf") else None


def _sources():
    """{class or function: the module that defines it}."""
    found = {}
    for path in sorted(Path(skrf.__file__).parent.rglob("*.py")):
        parts = path.relative_to(Path(skrf.__file__).parents[1]).with_suffix("").parts
        module = ".".join(parts).removesuffix(".__init__")
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef):
                found[node.name] = module
    return found


SOURCES = _sources()


def _attributes(app, what, name, obj, options, lines):
    """Show properties like other attributes; numpydoc links them to missing pages."""
    lines[:] = [re.sub(r"^( +):obj:`(\w+) <.*>` :", r"\1**\2** :", line) for line in lines]


def setup(app):
    """Names without a module, as docstrings write them; signatures and attributes."""
    # After numpydoc, which has the usual priority.
    app.connect("autodoc-process-docstring", _attributes, priority=900)
    app.connect("autodoc-process-signature", _signature)
    app.connect("missing-reference", _resolve)
    app.connect("viewcode-follow-imported", source_of)
