"""Compiled code without a place on disk, with a full disk, and from torn files."""

import ast
import importlib.util
import os
import shutil
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import numba
import pytest

import skrf
from skrf._compiled import code_files, jit

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


def stored(folder):
    """The only file of compiled code below a folder."""
    (file,) = folder.rglob("*.nbc")
    return file


@pytest.mark.parametrize("damage", ["nothing", "half", "zeros", "longer"])
def test_torn_files_are_written_again(damage, load, tmp_path):
    """Without a word: it costs the time of compiling once."""
    load()(3)
    content = stored(tmp_path).read_bytes()
    torn = {
        "nothing": b"",
        "half": content[: len(content) // 2],
        "zeros": bytes(len(content)),
        "longer": content + b"0",
    }
    stored(tmp_path).write_bytes(torn[damage])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert load()(3) == 6
        healed = load()
        assert healed(3) == 6
    assert hits(healed) == 1


def test_any_damaged_byte_is_noticed(load, tmp_path):
    """Damaged machine code would crash the process."""
    load()(3)
    content = stored(tmp_path).read_bytes()
    copy = tmp_path / "copy" / stored(tmp_path).name
    copy.parent.mkdir()
    for place in range(0, len(content), 31):
        copy.write_bytes(
            content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        )
        assert code_files._read(copy) is None
    copy.write_bytes(content)
    assert code_files._read(copy) is not None


def test_code_of_another_signature_is_not_loaded(load, tmp_path):
    """Complete files whose names were exchanged have the wrong machine code."""
    function = load()
    function(3), function(3.5)
    first, second = tmp_path.rglob("*.nbc")
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)
    again = load()
    assert (again(3), again(3.5)) == (6, 7.0)
    assert hits(again) == 0


def test_damaged_files_of_all_functions(tmp_path):
    """A page of zeros in each file of a transform; the next process compiles again."""
    program = (
        "import numpy as np, skrf; "
        "features = skrf.RandomFeatures(3, activation='tanh', random_state=0); "
        "print(features.fit_transform(np.eye(3)))"
    )
    env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}

    def new_process():
        run = [sys.executable, "-c", program]
        return subprocess.run(run, env=env, capture_output=True, check=True).stdout

    expected = new_process()
    files = {file: file.read_bytes() for file in tmp_path.rglob("*.nbc")}
    assert len(files) > 1
    for file, content in files.items():
        file.write_bytes(content[:2048] + bytes(2048) + content[4096:])
    assert new_process() == expected
    assert all(code_files._read(file) is not None for file in files)


def test_dates_of_sources_do_not_matter(load, tmp_path):
    """Files of a wheel or an image are created again, with other dates."""
    load()(3)
    os.utime(tmp_path / "small.py", (1e9, 1e9))
    again = load()
    assert again(3) == 6
    assert hits(again) == 1


def test_an_edit_deletes_the_old_code(load, tmp_path):
    load()(3)
    old = stored(tmp_path)
    (tmp_path / "small.py").write_text(SOURCE.replace("2 * x", "25 * x"))
    assert load()(3) == 75
    assert stored(tmp_path) != old


def test_a_process_waits_for_another_that_compiles(load, tmp_path):
    """Instead of compiling, too: it loads the code when the other process is done."""
    fcntl = pytest.importorskip("fcntl")
    load()(3)
    code, aside, later = stored(tmp_path), tmp_path / "aside", load()
    code.rename(aside)
    with ThreadPoolExecutor(1) as pool, code.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = pool.submit(later, 3)
        assert not wait([result], timeout=0.3).done
        aside.rename(code)
        fcntl.flock(lock, fcntl.LOCK_UN)
        assert result.result() == 6
    assert hits(later) == 1
    assert not list(tmp_path.rglob("*.lock"))


def test_processes_that_start_together_compile_once(load, tmp_path):
    """As the workers of a search do with an empty cache."""
    pytest.importorskip("fcntl")
    load()
    program = (
        "import pathlib, sys, time, small\n"
        "pathlib.Path(sys.argv[1]).touch()\n"
        "while not pathlib.Path('go').exists(): time.sleep(0.001)\n"
        "small.twice(3)\n"
        "print(sum(small.twice.stats.cache_misses.values()))"
    )
    env = {**os.environ, "PYTHONPATH": str(Path(skrf.__file__).parents[1])}
    env.pop("NUMBA_CACHE_DIR", None)
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", program, f"ready{k}"],
            cwd=tmp_path,
            env=env,
            stdout=subprocess.PIPE,
            text=True,
        )
        for k in range(2)
    ]
    while len(list(tmp_path.glob("ready*"))) < 2:
        assert all(worker.poll() is None for worker in workers)
        time.sleep(0.01)
    (tmp_path / "go").touch()
    assert sorted(worker.communicate()[0].strip() for worker in workers) == ["0", "1"]
    assert not list(tmp_path.rglob("*.lock"))


def test_a_process_does_not_wait_for_ever(load, tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    load()(3)
    code = stored(tmp_path)
    code.unlink()
    monkeypatch.setattr(code_files, "_PATIENCE", 0.1)
    with code.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert load()(3) == 6
    assert stored(tmp_path) == code


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
    """A folder in the place of the code stands for a file without permission."""
    load()(3)
    code = stored(tmp_path)
    code.unlink()
    code.mkdir()
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


def imports_from_skrf(tree):
    """{name: module} of the names that a file imports from other files of skrf."""
    return {
        alias.asname or alias.name: node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module.startswith("skrf")
        for alias in node.names
    }


def test_compiled_functions_depend_on_their_file_and_on_this_folder():
    """The hash that names the compiled code is that of these files."""
    wrong, n_functions = [], 0
    for path in sorted(Path(skrf.__file__).parent.rglob("*.py")):
        tree = ast.parse(path.read_text())
        elsewhere = {
            name
            for name, module in imports_from_skrf(tree).items()
            if not f"{module}.{name}".startswith("skrf._compiled")
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and any(
                "njit(" in ast.unparse(decorator) for decorator in node.decorator_list
            ):
                n_functions += 1
                names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
                wrong += [f"{path}: {node.name} uses {n}" for n in names & elsewhere]
    assert n_functions > 20
    assert not wrong, f"move what is used to skrf/_compiled: {wrong}"
