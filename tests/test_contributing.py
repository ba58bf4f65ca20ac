"""CONTRIBUTING: its recipes, followed in a copy of the project, and the files it names."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
NAMES = ["bump", "squared_hinge", "laplace", "antithetic"]
USE = """
import numpy as np, skrf, skrf.kernels
X, y = skrf.make_single_neuron(300, 4, random_state=0)
net = skrf.OverparamNetClassifier(
    60, loss="squared_hinge", activation="bump", weights="laplace", max_iter=30, tol=None,
    random_state=0,
)
assert net.fit(X, y > 1).score(X, y > 1) > 0.8
Z = skrf.RandomFeatures(4000, activation="bump", projection="antithetic", random_state=0)
K = skrf.kernels.random_feature_kernel(X[:20], activation="bump")
assert np.abs(Z.fit(X).transform(X[:20]) @ Z.transform(X[:20]).T - K).max() < 0.1
"""


def follow(recipe, root):
    """Make the changes of a diff: every hunk's old lines stand once in its file."""
    for path, hunk in re.findall(r"^--- (.*)\n((?:[ +-](?!-- ).*\n|\n)*)", recipe, re.M):
        lines = hunk.splitlines()
        old, new = (
            "".join(line[1:] + "\n" for line in lines if line[:1] in (" ", sign))
            for sign in "-+"
        )
        text = (root / path).read_text()
        assert text.count(old) == 1, f"{path} has {text.count(old)} times:\n{old}"
        (root / path).write_text(text.replace(old, new))


@pytest.fixture
def changed(tmp_path):
    """The root of a copy of the project in which all recipes were followed."""
    for folder in ("skrf", "tests"):
        ignore = shutil.ignore_patterns("__pycache__", "data")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    recipes = re.findall(r"```diff\n(.*?)```", TEXT, flags=re.DOTALL)
    assert len(recipes) == len(NAMES)
    for recipe in recipes:
        follow(recipe, tmp_path)
    return tmp_path


def test_recipes_fit_the_code(changed):
    for file in (changed / "skrf").rglob("*.py"):
        compile(file.read_text(), str(file), "exec")


PATHS = r"`((?:skrf|tests|docs|benchmarks)/[\w/.]+)`"


@pytest.mark.parametrize("path", sorted(set(re.findall(PATHS, TEXT))))
def test_named_files_exist(path):
    assert (ROOT / path).exists()


@pytest.mark.slow
def test_one_of_each_is_added_as_described(changed):
    files = [
        "test_activations.py",
        "test_losses.py",
        "features/test_features.py",
        "features/test_projections.py",
        "kernels/test_kernels.py",
        "gaussian/test_gaussian_learning.py",
    ]
    environment = {**os.environ, "PYTHONPATH": str(changed)}
    environment.pop("NUMBA_CACHE_DIR", None)
    tests = [
        "pytest",
        "-p",
        "no:cacheprovider",
        *(f"tests/{file}" for file in files),
        "-k",
        " or ".join(NAMES),
        "-vv",
    ]
    for command in (["-c", USE], ["-m", *tests]):
        run = subprocess.run(
            [sys.executable, *command],
            cwd=changed,
            env=environment,
            capture_output=True,
            text=True,
            timeout=500,
        )
        assert run.returncode == 0, run.stdout + run.stderr
    for name in NAMES:
        assert re.search(rf"{name}.* PASSED", run.stdout), name
