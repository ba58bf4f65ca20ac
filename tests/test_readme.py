"""What the README shows is what happens."""

import ast
import builtins
import re
from pathlib import Path

import pytest

README = (Path(__file__).parents[1] / "README.md").read_text()


def test_two_commands():
    commands = re.findall(r"^python -m pip install -e .*$", README, flags=re.MULTILINE)
    assert len(commands) == 2
    assert commands[0].endswith("&& python examples/plot_single_neuron.py")
    assert commands[1].endswith("&& pytest")


@pytest.mark.parametrize("path", re.findall(r"\]\(([\w/.]+)\)", README))
def test_links_lead_somewhere(path):
    assert (Path(__file__).parents[1] / path).exists()


@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", README, re.DOTALL))
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
    code = re.search(r"```python\n(.*?)```", README, flags=re.DOTALL).group(1)
    assert len([line for line in code.splitlines() if line]) == 10
    exec(compile(code, "README.md", "exec"), {})
    width, score = re.search(r"width': (\d+)\} ([\d.]+)", capsys.readouterr().out).groups()
    assert int(width) > 300
    assert float(score) > 0.94
