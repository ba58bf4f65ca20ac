"""Compiled code without a place on disk, with a full disk, and from torn files."""

import ast
import importlib.util
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numba
import pytest

import skrf
from skrf._compiled import jit

SOURCE = """
from skrf._compiled.jit import njit

@njit(cache=True)
def twice(x):
    return 2 * x
"""

pytestmark = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")


@pytest.fixture(autouse=True)
def no_warning_yet(monkeypatch):
    monkeypatch.setattr(jit, "_warned", False)
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")


@pytest.fixture
def load(tmp_path):
    """Import a small module again, as another process would, and return its function."""
    (tmp_path / "small.py").write_text(SOURCE)

    def new_process():
        spec = importlib.util.spec_from_file_location("small", tmp_path / "small.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.twice

    return new_process


def hits(function):
    return sum(function.stats.cache_hits.values())


def test_compiled_code_is_kept(load):
    assert load()(3) == 6
    again = load()
    assert again(3) == 6
    assert hits(again) == 1


@pytest.mark.parametrize("suffix", [".nbi", ".nbc"])
@pytest.mark.parametrize("left", ["nothing", "half", "zeros"])
def test_torn_files_are_written_again(suffix, left, load, tmp_path):
    """Without a word: it costs the time of compiling once."""
    load()(3)
    (file,) = (tmp_path / "__pycache__").glob(f"*{suffix}")
    whole = file.read_bytes()
    torn = {"nothing": b"", "half": whole[: len(whole) // 2], "zeros": bytes(len(whole))}
    file.write_bytes(torn[left])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load()(3) == 6
        healed = load()
        assert healed(3) == 6
    assert hits(healed) == 1


def test_a_full_disk_costs_one_warning(load, full_disk):
    with full_disk(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function = load()
        assert function(3) == 6
        assert function(3.5) == 7.0
    (warning,) = caught
    assert "Set the environment variable NUMBA_CACHE_DIR" in str(warning.message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load()(3) == 6


def test_an_unreadable_file_costs_one_warning(load, tmp_path):
    """A folder in the place of the index stands for a file without permission."""
    load()(3)
    (index,) = (tmp_path / "__pycache__").glob("*.nbi")
    index.unlink()
    index.mkdir()
    with pytest.warns(UserWarning, match="NUMBA_CACHE_DIR") as caught:
        assert load()(3) == 6
    assert len(caught) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="needs /dev/null as a folder")
def test_the_package_works_where_no_cache_can_be_written(tmp_path):
    """The warning is one, and its remedy works; files stand where folders should be."""
    source = Path(skrf.__file__).parent
    shutil.copytree(source, tmp_path / "skrf", ignore=shutil.ignore_patterns("__pycache__"))
    for file in list((tmp_path / "skrf").rglob("__init__.py")):
        (file.parent / "__pycache__").touch()
    program = "import skrf; print(skrf.__file__, skrf.LOSSES['hinge'](0.25, 1.0))"
    nowhere = {"HOME": "/dev/null", "XDG_CACHE_HOME": "/dev/null", "XDG_DATA_HOME": ""}

    def run(cache):
        # No PYTHONPATH: `-c` imports from the working folder first.
        env = {**os.environ, **nowhere, "NUMBA_CACHE_DIR": str(cache)}
        env["PYTHONDONTWRITEBYTECODE"] = "1"
        return subprocess.run(
            [sys.executable, "-c", program],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            check=True,
        )

    without, remedied = run("/dev/null/x"), run(tmp_path / "cache")
    assert without.stdout == f"{tmp_path / 'skrf' / '__init__.py'} 0.75\n"
    assert remedied.stdout == without.stdout
    assert without.stderr.count("Warning") == 1
    assert "Set the environment variable NUMBA_CACHE_DIR to a folder" in without.stderr
    assert remedied.stderr == ""


def test_an_edit_in_another_compiled_file_is_noticed(tmp_path):
    """Which numba's own cache does not see; it would go on with the old function."""
    source = Path(skrf.__file__).parent
    shutil.copytree(source, tmp_path / "skrf", ignore=shutil.ignore_patterns("__pycache__"))
    compiled = tmp_path / "skrf" / "_compiled"
    header = "from skrf._compiled.jit import njit\n"
    called = f"{header}@njit(cache=True)\ndef f(x): return {{}} * x\n"
    caller = "from skrf._compiled.called import f\n" + SOURCE.replace("2 * x", "f(x)")
    (compiled / "called.py").write_text(called.format(2))
    (compiled / "caller.py").write_text(caller)
    use = (
        "from skrf._compiled.caller import twice as g; "
        "print(g(3), sum(g.stats.cache_hits.values()))"
    )

    def new_process():
        # No PYTHONPATH: `-c` imports from the working folder first.
        result = subprocess.run(
            [sys.executable, "-c", use], cwd=tmp_path, capture_output=True, text=True
        )
        assert result.returncode == 0, result.stderr
        return result.stdout.split()

    assert new_process() == ["6", "0"]
    assert new_process() == ["6", "1"]
    (compiled / "called.py").write_text(called.format(200))
    assert new_process() == ["600", "0"]


def test_cached_functions_are_called_by_python_only():
    """Compiled code calls functions with the options INNER, which become part of it."""
    cached, callers = set(), {}
    for path in sorted(Path(skrf.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.FunctionDef):
                continue
            options = [d for d in node.decorator_list if "njit(" in ast.unparse(d)]
            if not options:
                continue
            text = ast.unparse(options[0])
            assert ("cache=True" in text) != ("**INNER" in text), f"{path}: {node.name}"
            if "cache=True" in text:
                cached.add(node.name)
            for call in ast.walk(node):
                if isinstance(call, ast.Call):
                    name = ast.unparse(call.func).rpartition(".")[2]
                    callers.setdefault(name, []).append(f"{path.name}: {node.name}")
    assert len(cached) > 10
    wrong = {name: callers[name] for name in cached & callers.keys()}
    assert not wrong, f"decorate with @njit(**INNER), without cache=True: {wrong}"
