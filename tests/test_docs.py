"""The pages of docs/: their code prints what they say, and the reference is complete."""

import ast
import doctest
import json
import os
import re
import runpy
import sys
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from sklearn import config_context

import skrf
from skrf import displays, gaussian, kernels, theory

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted(DOCS.glob("*.rst"))
EXAMPLES = sorted((DOCS.parent / "examples").glob("plot_*.py"))
EXTRAS = {
    "composition": ("pandas", "rich"),
    "ridge": ("dask.array",),
    "gpu": ("torch",),
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_code_of_a_page(page, capsys):
    for extra in EXTRAS.get(page.stem, ()):
        pytest.importorskip(extra, reason=f"this page needs {extra}")
    if page.stem == "gpu" and os.environ.get("SCIPY_ARRAY_API") != "1":
        pytest.skip("dispatch needs SCIPY_ARRAY_API=1 before the import of SciPy")
    # Code that is shown from a file has been run by the reader.
    names = {}
    for file in re.findall(r"^\.\. literalinclude:: (\S+\.py)$", page.read_text(), re.M):
        names |= runpy.run_path(str(DOCS / file))
    with config_context():
        failed, _ = doctest.testfile(
            str(page),
            module_relative=False,
            globs=names,
            optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE,
            encoding="utf-8",
        )
    assert not failed, capsys.readouterr().out


ROOT = DOCS.parent
TEXTS = [ROOT / "README.md", *PAGES, *EXAMPLES, *sorted((ROOT / "skrf").rglob("*.py"))]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_the_penalty_after_random_features_is_chosen(path):
    """Standardised features, or a default penalty, overfit or underfit without a word."""
    text = " ".join(path.read_text().replace("...", "").split())
    assert not re.search(r"Features\([^()]*(\([^()]*\))*[^()]*\), StandardScaler\(", text)
    assert not re.search(r"Features\([^()]*(\([^()]*\))*[^()]*\), Ridge\w*\(\)", text)
    scaler = r"`*StandardScaler`* (after the features|between)"
    assert not re.search(scaler, text, re.I)


def test_no_code_that_is_not_run():
    wrong = [
        f"{page.name}: {language}"
        for page in PAGES
        for language in re.findall(r"code-block:: *(\S*)", page.read_text())
        if language not in ("text", "console")
    ]
    assert not wrong, "\n".join(wrong)


def test_every_public_name_is_in_the_reference():
    page = (DOCS / "api.rst").read_text()
    listed = {
        re.split("[.~]", name)[-1]
        for name in re.findall(r"^(?:   |\.\. data:: )([\w.~]+)$", page, re.M)
    }
    modules = skrf, displays, gaussian, kernels, theory, skrf.datasets
    public = {name for module in modules for name in module.__all__}
    assert not public - listed


def test_the_reference_sends_nobody_to_a_private_module():
    assert not re.findall(r"^   ~?(?:\w+\.)*_.*", (DOCS / "api.rst").read_text(), re.M)
    assert skrf.networks.Laziness.__name__ == "Laziness"
    assert skrf.ridge.WidthPath.__name__ == "WidthPath"


def test_properties_without_an_entry_in_the_docstring_are_shown(monkeypatch):
    pytest.importorskip("sphinx", reason="in the extra 'docs'")
    # The settings add the folder of the extensions.
    monkeypatch.setattr(sys, "path", sys.path.copy())
    own_properties = runpy.run_path(str(DOCS / "conf.py"))["own_properties"]
    assert "eigenvalues" in own_properties("skrf.theory.NeuronSpectrum")
    assert own_properties("skrf.RandomFeatureRidge") == []
    # Its docstring describes several attributes at once.
    assert own_properties("skrf.RandomReLUFeatures") == []


def test_constructors_of_results_are_not_shown(monkeypatch):
    """Users construct targets and look at activations; results come from functions."""
    pytest.importorskip("sphinx", reason="in the extra 'docs'")
    monkeypatch.setattr(sys, "path", sys.path.copy())
    made_by_skrf = runpy.run_path(str(DOCS / "conf.py"))["made_by_skrf"]
    modules = skrf, skrf.activations, skrf.losses, skrf.networks, skrf.ridge
    names = {
        name
        for module in (*modules, gaussian, kernels, theory)
        for name, value in vars(module).items()
        if isinstance(value, type) and not name.startswith("_") and made_by_skrf(value)
    }
    assert names == {
        *("Laziness", "WidthPath", "BestError", "MinWeight", "PopulationRisk"),
        *("NeuronSpectrum", "Report", "Row", "WeightCertificate"),
    }


def test_published_classes_are_linked_to_their_source(monkeypatch):
    """Their `__module__` is the public module, which does not contain their code."""
    pytest.importorskip("sphinx", reason="in the extra 'docs'")
    monkeypatch.setattr(sys, "path", sys.path.copy())
    source_of = runpy.run_path(str(DOCS / "conf.py"))["source_of"]
    name = "RandomReLUFeatures.transform"
    assert source_of(None, "skrf.features", name) == "skrf.features._random"
    assert source_of(None, "skrf.theory", "Report") == "skrf.theory._report"
    assert source_of(None, "numpy", "Report") is None


def test_brackets_of_formulas_do_not_grow_with_their_neighbours():
    pytest.importorskip("sphinx", reason="in the extra 'docs'")
    from docutils import nodes

    mathml = runpy.run_path(str(DOCS / "_ext" / "mathml.py"))["_mathml"]
    formula = nodes.math_block(text=r"\sum_i \big\|w_i\big\|^2 + \langle w, x\rangle")
    page = mathml(formula, as_block=True)
    marks = [e for e in ElementTree.fromstring(page).iter() if e.text in list("‖⟨⟩")]
    assert [mark.get("stretchy") for mark in marks] == ["false"] * 4


def test_no_description_reads_as_an_item_of_a_list():
    """In reStructuredText the line "b." alone is the second item of an empty list."""
    for module in sorted(Path(skrf.__file__).parent.rglob("*.py")):
        assert not re.findall(r"^ +[A-Za-z]\.$", module.read_text(), re.M), module.name


def test_names_on_pages_are_ours():
    """A name in single backticks is a link, as `name` or as `text <name>`."""
    modules = (skrf, skrf.datasets, skrf.losses, skrf.networks, skrf.ridge)
    modules += (displays, gaussian, kernels, theory)
    wrong = []
    for page in PAGES:
        if page.stem == "api":  # names without their module
            continue
        text = re.sub(r"``[^`]*``|:[\w:]+:`[^`]*`|`[^`]*`_", "", page.read_text())
        for name in re.findall(r"`(?:[^`]*<)?([\w.]+)>?`", text):
            first, _, member = name.removeprefix("skrf.").partition(".")
            owners = [vars(module)[first] for module in modules if first in vars(module)]
            if not owners or not hasattr(owners[0], member or "__doc__"):
                wrong.append(f"{page.name}: {name}")
    assert not wrong, "\n".join(wrong)


def test_examples_open_with_a_title_for_the_gallery():
    wrong = []
    for example in EXAMPLES:
        title, line, blank = example.read_text().removeprefix("r").splitlines()[:3]
        if not title.startswith('"""') or line != "=" * (len(title) - 3) or blank:
            wrong.append(f"{example.name}: {title}")
    assert not wrong, "\n".join(wrong)


def test_sphinx_reads_every_module():
    """Or its objects lose their links to the source, without a warning."""
    pycode = pytest.importorskip("sphinx.pycode.parser", reason="in the extra 'docs'")
    kinds = ast.FunctionDef, ast.ClassDef
    wrong = []
    for file in sorted(Path(skrf.__file__).parent.rglob("*.py")):
        text = file.read_text(encoding="utf-8")
        parser = pycode.Parser(text)
        parser.parse()
        written = {node.name for node in ast.parse(text).body if isinstance(node, kinds)}
        for name in sorted(written - set(parser.definitions)):
            wrong.append(f"{file}: {name}")
    assert not wrong, "\n".join(wrong)


def _real_tables():
    """What writes the page on real tables, and the stored results."""
    benchmarks = DOCS.parent / "benchmarks"
    program = runpy.run_path(str(benchmarks / "tables_page.py"))
    return program, json.loads((benchmarks / "tables.json").read_text())


def test_page_on_real_tables_is_made_from_the_stored_results():
    program, tables = _real_tables()
    assert (DOCS / "real_tables.inc").read_text() == program["page"](tables)
    assert (DOCS / "real_tables_tuned.inc").read_text() == program["tuned_page"](tables)


def test_page_on_real_tables_names_all_tables_where_other_tuned_models_win():
    program, tables = _real_tables()
    ours, wins = program["OURS"], []
    for name, table in tables.items():
        scores = {model: np.mean(r["scores"]) for model, r in table["tuned"].items()}
        best = max(scores[model] for model in ours)
        if max(scores.values()) > best + 0.005:
            wins.append(name)
    text = " ".join((DOCS / "real_tables.rst").read_text().split())
    (sentence,) = re.findall(r"by more than \.005 on ([^.]+)\.", text)
    assert re.split(", | and ", sentence) == wins


def test_results_of_tuned_models_are_the_stored_ones():
    program, tables = _real_tables()
    results = (DOCS.parent / "benchmarks" / "RESULTS.md").read_text()
    section = results.split("\n## Tuned estimators on real tables")[1].split("\n## ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if "|" in line]
    models, n = list(program["TUNED"]), len(tables)
    parts = ("scores", rows[: n + 2], ".3f"), ("cpu_seconds", rows[n + 2 :], ".1f")
    for key, part, form in parts:
        assert part[0] == ["table", *models]
        means = program["means"](tables, key, "tuned")
        expected = [
            [name, *(program["cell"](mean, form) for mean in row)]
            for name, row in zip(tables, means, strict=True)
        ]
        assert part[2 : n + 2] == expected


def test_landing_page_shows_the_example_of_the_readme():
    readme = (DOCS.parent / "README.md").read_text()
    code, output = re.search(
        r"```python\n(.*?)```\n\n```\n(.*?)```", readme, re.DOTALL
    ).groups()
    assert code == (DOCS / "noisy_table.py").read_text()
    page = re.sub(r"^   ", "", (DOCS / "index.rst").read_text(), flags=re.MULTILINE)
    assert "literalinclude:: noisy_table.py" in page
    assert output in page


def test_the_version_is_stated_once():
    """The changelog begins with the installed version, or with what is not released yet."""
    first, *rest = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.M)
    released = rest[0] if first == "Unreleased" else first
    assert f"\nversion: {released}\n" in (ROOT / "CITATION.cff").read_text()
    assert skrf.__version__ == released or skrf.__version__.endswith(".dev0")


def warnings_of_the_package():
    """The texts of all warnings, with "..." in place of values."""
    texts = []
    for path in sorted(Path(skrf.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "warn":
                text = node.args[0]
                parts = text.values if isinstance(text, ast.JoinedStr) else [text]
                constant = [part for part in parts if isinstance(part, ast.Constant)]
                texts.append("".join(p.value if p in constant else "..." for p in parts))
    return texts


def test_every_warning_is_on_the_page_on_troubleshooting():
    page = (DOCS / "troubleshooting.rst").read_text().replace("\\`", "`")
    listed = re.findall(r"^   \* - (.*)\n", page, re.M)[1:]
    patterns = [".*".join(map(re.escape, text.split("..."))) for text in listed]
    texts = warnings_of_the_package()
    assert len(texts) > 10
    assert not [t for t in texts if not any(re.match(p, t) for p in patterns)]
    assert not [p for p in patterns if not any(re.match(p, t) for t in texts)]


@pytest.mark.parametrize(
    "path",
    [*PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md"],
    ids=lambda path: path.name,
)
def test_programs_tests_and_extras_of_a_page_exist(path):
    """What a reader can run by a command."""
    text = " ".join(path.read_text(encoding="utf-8").split())
    programs = re.findall(r"\bpython (?:-u )?([a-z]\w*/\w+\.py)\b", text)
    tests = re.findall(r"\b(tests/[\w/]+\.py)(?:::(\w+))?", text)
    missing = [name for name in programs if not (ROOT / name).exists()]
    for file, name in tests:
        if not (ROOT / file).exists() or f"def {name}" not in (ROOT / file).read_text():
            missing.append(f"{file}::{name}")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = re.findall(r"\.\[([\w,]+)\]", text)
    extras = {extra for group in groups for extra in group.split(",")}
    missing += sorted(extras - project["optional-dependencies"].keys())
    assert not missing
