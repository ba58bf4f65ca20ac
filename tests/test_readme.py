"""What the README shows is what happens."""

import ast
import builtins
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
def test_pipeline_example(capsys):
    exec(compile(CODE[0], "README.md", "exec"), {})
    width, score = re.search(r"width': (\d+)\} ([\d.]+)", capsys.readouterr().out).groups()
    assert int(width) > 300
    assert float(score) > 0.94
