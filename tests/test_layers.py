"""The house: a file imports only from lower layers, and `__init__` is the whole map."""

import ast
from pathlib import Path

import pytest

import skrf

ROOT = Path(skrf.__file__).parent
# From the lowest: files of one layer do not know each other.
ROWS = """
_arguments _interrupts _jit _typing _version
--
_bivariate _blas _dask _drawing _environment _epochs _hadamard _harmonics
_kernels_elementary _progress _report _validation
--
_kernels
--
_blocks _kernels_sgd _spectrum activations losses
--
_bounds _duals _gaussian_pairs _moments _network_checks _objective _tangent _weights targets
--
_base_features _gaussian_grams _hermite _pairwise _primal _sgd _wave datasets
--
_dual _nested_features _penalties _population_risk _step _width_path features kernels
--
_best_error _feature_matrix _fitted_ridge _gaussian_gaps _laziness
--
_base_network _min_weight _solvers
--
_streaming gaussian networks
--
_base_ridge _learning_statements _wave_statements
--
_limit_statements ridge
--
_risk_statements displays
--
theory
--
__main__
--
__init__
"""
LAYERS = {name: layer for layer, row in enumerate(ROWS.split("--")) for name in row.split()}


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


@pytest.mark.parametrize("name", sorted(set(LAYERS) - {"_jit"}))
def test_compiled_functions_have_one_door(name):
    """`_jit.njit`, whose cache may fail."""
    for node in ast.walk(ast.parse((ROOT / f"{name}.py").read_text())):
        if isinstance(node, ast.ImportFrom) and node.module == "numba":
            assert not {"njit", "jit"} & {alias.name for alias in node.names}
        if isinstance(node, ast.Import):
            assert "numba" not in {alias.name for alias in node.names}


def test_all_is_the_public_surface():
    public = {
        name
        for name, value in vars(skrf).items()
        if not name.startswith("_") and getattr(value, "__file__", None) is None
    }
    assert public == set(skrf.__all__)
    assert all(getattr(skrf, name).__doc__ for name in skrf.__all__)
