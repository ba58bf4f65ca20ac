"""The house: a file imports only from lower layers, and `__init__` is the whole map."""

import ast
from pathlib import Path

import pytest

import skrf

ROOT = Path(skrf.__file__).parent
LAYERS = {
    "_blas": 0,
    "_environment": 0,
    "_bivariate": 0,
    "_kernels": 0,
    "_validation": 0,
    "_hadamard": 0,
    "_harmonics": 0,
    "_weights": 2,
    "_blocks": 1,
    "activations": 1,
    "losses": 1,
    "_epochs": 2,
    "_objective": 2,
    "_duals": 2,
    "targets": 2,
    "_spectrum": 3,
    "_bounds": 4,
    "_wave": 5,
    "_sgd": 3,
    "_tangent": 2,
    "_dask": 0,
    "_moments": 2,
    "_primal": 3,
    "_dual": 4,
    "_width_path": 4,
    "_feature_matrix": 4,
    "_nested_features": 4,
    "_progress": 0,
    "_solvers": 5,
    "_streaming": 6,
    "_base_ridge": 7,
    "ridge": 8,
    "displays": 0,
    "datasets": 3,
    "features": 3,
    "kernels": 3,
    "_gaussian_pairs": 2,
    "_gaussian_grams": 3,
    "_hermite": 3,
    "_population_risk": 4,
    "_best_error": 5,
    "_gaussian_gaps": 5,
    "_min_weight": 6,
    "gaussian": 7,
    "_laziness": 4,
    "_step": 4,
    "_base_network": 5,
    "networks": 6,
    "_report": 0,
    "_learning_statements": 9,
    "_limit_statements": 10,
    "theory": 11,
    "__main__": 12,
    "__init__": 13,
}


def imports(path):
    """Names of the skrf modules that a file imports, at any depth of its code."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (
                name.name.split(".")[1:] for name in node.names if "skrf." in name.name
            )
        if isinstance(node, ast.ImportFrom) and node.module == "skrf":
            yield from ([name.name] for name in node.names)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("skrf."):
            yield node.module.split(".")[1:]
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} has a relative import"


def test_every_file_has_a_layer():
    assert {path.stem for path in ROOT.glob("*.py")} == set(LAYERS)


@pytest.mark.parametrize("name", sorted(set(LAYERS) - {"__init__"}))
def test_imports_point_down(name):
    for (imported,) in imports(ROOT / f"{name}.py"):
        assert LAYERS[imported] < LAYERS[name], f"{name} imports {imported}"


@pytest.mark.parametrize("name", sorted(set(LAYERS) - {"_validation"}))
def test_private_names_of_scikit_learn_have_one_door(name):
    for node in ast.walk(ast.parse((ROOT / f"{name}.py").read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sklearn"):
            names = [*node.module.split("."), *(alias.name for alias in node.names)]
            assert not any(part.startswith("_") for part in names), names


def test_all_is_the_public_surface():
    public = {
        name
        for name, value in vars(skrf).items()
        if not name.startswith("_") and getattr(value, "__file__", None) is None
    }
    assert public == set(skrf.__all__)
    assert all(getattr(skrf, name).__doc__ for name in skrf.__all__)
