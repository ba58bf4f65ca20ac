"""The house: a file imports only from lower layers, and `__init__` is the whole map."""

import ast
from pathlib import Path

import pytest

import skrf

ROOT = Path(skrf.__file__).parent
# From the lowest: files of one layer do not know each other.
ROWS = """
_warnings
--
_arguments _blas _dask _environment _harmonics _interrupts _jit _progress _report _typing
_version
--
_bivariate _blocks _drawing _epochs _hadamard _kernels_elementary _spectrum _validation
--
_gaussian_pairs _kernels _moments _relu_spectrum _weights
--
_bounds _gaussian_grams _kernels_sgd _primal _tangent activations losses
--
_base_features _dual _duals _hermite _network_checks _objective _penalties _sgd
_width_path targets
--
_fitted_ridge _nested_features _pairwise _population_risk _step _wave datasets features
--
_best_error _feature_matrix _gaussian_gaps _laziness _ridge_checks _wave_statements kernels
--
_base_network _min_weight _solvers
--
_streaming gaussian networks
--
_base_ridge _learning_statements
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
