"""The memory that ridge requires: one table of formulas, which the documentation quotes.

`tests/test_memory.py` compares the formulas with measured peaks.
"""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from skrf import RandomFeatureRidge
from skrf.ridge._cg import landmarks
from skrf.ridge._memory import MEMORY, ProblemSize, needed_bytes, require_fitting_memory

DOCS = Path(__file__).parents[2] / "docs"
SIZE = ProblemSize(
    n_rows=20_000,
    n_columns=20_000,
    n_outputs=2,
    itemsize=8,
    n_alphas=1,
    searches=False,
    folds=False,
    block_rows="auto",
    linearised=None,
)
SEQUENCE = {"searches": True}
SEVERAL = {"searches": True, "n_alphas": 7}
CV = {**SEVERAL, "folds": True}
# (solver, what differs from SIZE, the case in the table).
CASES = [
    ("primal", {}, "primal, one alpha"),
    ("primal", {"itemsize": 4}, "primal, one alpha, float32"),
    ("primal", SEQUENCE, "primal, a sequence of one alpha"),
    ("primal", SEVERAL, "primal, several alphas"),
    ("primal", CV, "primal, cv"),
    ("dual", {}, "dual, one alpha"),
    ("dual", SEQUENCE, "dual, one alpha"),
    ("dual", SEVERAL, "dual, several alphas or cv"),
    ("dual", {**CV, "n_alphas": 1}, "dual, several alphas or cv"),
    ("cg", {}, "cg"),
    ("width path", SEVERAL, "width path"),
    ("partial_fit", {}, "partial_fit, one alpha"),
    ("partial_fit", {"itemsize": 4}, "partial_fit, one alpha"),
    ("partial_fit", SEVERAL, "partial_fit, several alphas"),
]


def value_of(text, size):
    """The number that a formula of the documentation stands for."""
    python = re.sub(r"(?<=[\w)]) (?=[a-z(])", " * ", text).replace("^", "**")
    names = {
        "n": size.n_rows,
        "p": size.n_columns,
        "m": landmarks(size.n_rows),
        "b": size.block,
        "g": 256 * size.n_columns,
        "max": max,
    }
    return eval(python, {"__builtins__": {}}, names)


@pytest.mark.parametrize(("solver", "differences", "case"), CASES)
def test_needed_bytes_are_those_of_the_table(solver, differences, case):
    size = replace(SIZE, **differences)
    # Vectors are not in the formulas.
    assert needed_bytes(size, solver) == pytest.approx(
        8 * value_of(MEMORY[case].text, size), rel=2e-3
    )


def test_every_formula_is_tested():
    assert {case for *_, case in CASES} == set(MEMORY)


@pytest.mark.parametrize("case", MEMORY)
def test_documentation_quotes_the_table(case):
    lines = [line.split("  ") for line in RandomFeatureRidge.__doc__.splitlines()]
    rows = [[cell.strip() for cell in line if cell.strip()] for line in lines]
    assert [case, MEMORY[case].text] in rows
    page = (DOCS / "determinism.rst").read_text()
    assert f"   * - ridge, {case}\n     - {MEMORY[case].text}\n" in page


def test_linearised_features_are_not_made_from_the_gram_matrix():
    size = replace(SIZE, linearised=(10, 300))
    for solver in ("dual", "cg"):
        assert needed_bytes(size, solver) < needed_bytes(SIZE, solver)
    assert needed_bytes(size, "primal") == needed_bytes(SIZE, "primal")


@pytest.mark.parametrize(("solver", "name"), [("primal", "n_columns"), ("dual", "n_rows")])
def test_the_size_that_would_fit_fits(solver, name, monkeypatch):
    available = needed_bytes(SIZE, solver) // 3
    for module in ("ridge._memory", "_utils.memory"):
        monkeypatch.setattr(f"skrf.{module}.available_memory", lambda: available)
    with pytest.raises(MemoryError, match=r"About [\d,]+ \w+ would fit\. Use") as error:
        require_fitting_memory(SIZE, solver)
    fits = int(re.search(r"About ([\d,]+)", str(error.value))[1].replace(",", ""))
    assert needed_bytes(replace(SIZE, **{name: fits}), solver) <= available
    assert needed_bytes(replace(SIZE, **{name: fits + 1}), solver) > available


@pytest.mark.parametrize("case", ["primal, one alpha", "dual, one alpha", "cg"])
def test_the_page_on_ridge_quotes_the_table(case):
    page = (DOCS / "ridge.rst").read_text()
    assert f"     - {MEMORY[case].text}\n" in page.partition(case.split(",")[0])[2]
