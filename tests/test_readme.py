"""What the README shows is what happens."""

import ast
import builtins
import json
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_programs_of_commands_exist():
    programs = re.findall(r"\bpython (\w[\w/]*\.py)", README)
    assert "examples/plot_single_neuron.py" in programs
    assert [program for program in programs if not (ROOT / program).exists()] == []


def test_extras_of_commands_exist():
    """The names in brackets after the package or the folder that pip installs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    groups = re.findall(r"(?:scikit-random-features|[\"' ]\.)\[([\w,-]+)\]", README)
    extras = {extra for group in groups for extra in group.split(",")}
    assert extras
    assert extras <= project["optional-dependencies"].keys()


def test_links_lead_somewhere():
    paths = re.findall(r"\]\(([\w/.]+)\)", README)
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


CODE = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("code", CODE, ids=range(len(CODE)))
def test_blocks_of_code_define_what_they_use(code):
    defined, used = set(vars(builtins)) | {"__name__"}, set()
    for node in ast.walk(ast.parse(code)):
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                used.add(name)
            case ast.Name(id=name) | ast.FunctionDef(name=name) | ast.arg(arg=name):
                defined.add(name)
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                defined |= {(name.asname or name.name).split(".")[0] for name in names}
    assert used <= defined


@pytest.mark.slow
def test_example_prints_what_the_readme_shows(capsys):
    exec(compile(CODE[0], "README.md", "exec"), {})
    printed = re.findall(r"(\w+) +(-?[\d.]+)", capsys.readouterr().out)
    shown = re.findall(r"^(\w+) +(-?[\d.]+)$", README, re.MULTILINE)
    assert len(shown) == 3
    for (name, score), (shown_name, shown_score) in zip(printed, shown, strict=True):
        assert name == shown_name
        # The seeds are not fixed.
        assert float(score) == pytest.approx(float(shown_score), abs=0.03)


def test_table_is_the_stored_one():
    """The scores are those of benchmarks/tables.json."""
    rows = [line.strip("| ").split(" | ") for line in README.splitlines() if "|" in line]
    head = next(k for k, row in enumerate(rows) if row[0] == "table")
    tables = json.loads((ROOT / "benchmarks" / "tables.json").read_text())
    for name, *cells in rows[head + 2 : head + 2 + len(tables)]:
        models = tables[name.strip("*")]["models"]
        for model, cell in zip(rows[head][1:], cells, strict=True):
            scores = models[model]["scores"]
            mean = sum(scores) / len(scores)
            assert float(cell.strip("*")) == pytest.approx(mean, abs=6e-4), (name, model)


def test_readme_is_short():
    assert len(README.splitlines()) <= 120
