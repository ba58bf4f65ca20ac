"""Memory of a ridge fit as a function of the size of its problem.

`MEMORY` has a formula for every case, as the documentation prints it and as a function:
n rows, p features, b values of a block of features, c = b / 2 for float32 features or 0, g
values of the features of 256 rows, and m rows of the preconditioner of "cg". A function
is smaller than its formula for float32 features of "dual" and "cg", and for `cv` with one
alpha.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

from skrf._utils.memory import available_memory, require_memory
from skrf.ridge._cg import landmarks
from skrf.ridge._feature_matrix import FEWEST_ROWS, rows_of_block
from skrf.ridge._held_out import MAX_STORED


@dataclass(frozen=True)
class ProblemSize:
    """The numbers that memory and time of a fit depend on."""

    n_rows: int  # 0 where it is not known before a pass over the data
    n_columns: int
    n_outputs: int
    itemsize: int  # bytes of a value of the features
    n_alphas: int
    searches: bool  # whether penalties are compared
    folds: bool  # whether they are compared on folds
    block_rows: int | str
    # (inputs, width) of linearised features, which "dual" and "cg" never make, or None.
    linearised: tuple[int, int] | None
    n_stored: int = 0  # predictions that are stored
    compares: bool = False  # whether the user asked for a comparison of penalties
    in_numpy: bool = True  # whether the features are NumPy's

    @classmethod
    def of(cls, matrix, problem, folds=False):
        """The size of a problem on a feature matrix."""
        _, tangent = matrix.feature_map.tangent_part()
        return cls(
            matrix.n_rows or 0,
            matrix.n_columns,
            matrix.n_outputs,
            matrix.dtype.itemsize,
            problem.n_alphas,
            problem.measures,
            folds,
            matrix.block_rows,
            None if tangent is None else (tangent.n_features_in_, tangent.width),
            _n_stored(matrix, problem),
            problem.searches,
            matrix.space is None,
        )

    @property
    def several(self):
        """Whether there are several penalties to compare."""
        return self.searches and self.n_alphas > 1

    @property
    def rows(self):
        """Rows of a block of features."""
        rows = rows_of_block(self.n_columns, self.block_rows)
        return min(rows, self.n_rows or rows)

    @property
    def block(self):
        """b, the number of values of a block of features."""
        return self.rows * self.n_columns

    @property
    def cast(self):
        """c, the memory of a block of float32 features next to its cast to float64."""
        return self.block / 2 if self.itemsize == 4 else 0

    @property
    def group(self):
        """g, the number of values of the smallest group of rows of the Gram matrix."""
        return min(self.n_rows, FEWEST_ROWS) * self.n_columns


class MemoryUse(NamedTuple):
    """Values of 8 bytes at the peak of a fit, beyond the data."""

    text: str
    values: Callable[[ProblemSize], float]


MEMORY = {
    "primal, one alpha": MemoryUse("p^2 + b", lambda s: s.n_columns**2 + s.block),
    "primal, one alpha, float32": MemoryUse(
        "1.5 p^2 + c", lambda s: 1.5 * s.n_columns**2 + s.cast
    ),
    "primal, a sequence of one alpha": MemoryUse(
        "p^2 + b + c", lambda s: s.n_columns**2 + s.block + s.cast
    ),
    "primal, several alphas": MemoryUse(
        "4 p^2 + 2 b + c", lambda s: 4 * s.n_columns**2 + 2 * s.block + s.cast
    ),
    "primal, cv": MemoryUse(
        "6 p^2 + 2 b + c",
        lambda s: 6 * s.n_columns**2 + (1 + s.several) * s.block + s.cast,
    ),
    "dual, one alpha": MemoryUse(
        "2 n^2 + 2 g + b", lambda s: 2 * s.n_rows**2 + _features_of_groups(s)
    ),
    "dual, several alphas or cv": MemoryUse(
        "4 n^2 + 2 g + b", lambda s: 4 * s.n_rows**2 + _features_of_groups(s)
    ),
    "cg": MemoryUse("max(3 m n, m n + 5 m^2) + 2 b", lambda s: _preconditioner(s)),
    "width path": MemoryUse(
        "2 p^2 + b + c", lambda s: 2 * s.n_columns**2 + s.block + s.cast
    ),
    "partial_fit, one alpha": MemoryUse(
        "2 p^2 + b + c", lambda s: 2 * s.n_columns**2 + s.block + s.cast
    ),
    "partial_fit, several alphas": MemoryUse(
        "5 p^2 + 2 b + c", lambda s: 5 * s.n_columns**2 + 2 * s.block + s.cast
    ),
}


def _n_stored(matrix, problem):
    """Number of values that are stored for predictions."""
    n_values = (matrix.n_rows or 0) * problem.n_alphas * matrix.n_outputs
    if problem.scoring.needs_rows:
        return 3 * n_values
    return min(n_values, MAX_STORED) if problem.scoring.targets.are_labels else 0


def _features_of_groups(size):
    """Two groups of rows of the Gram matrix, and a block from which they are cast."""
    return 0 if size.linearised else 2 * size.group + size.block - size.cast


def _preconditioner(size):
    """While the preconditioner is made, and while its core (m, m) is factorised."""
    n, m = size.n_rows, landmarks(size.n_rows)
    vectors_and_matrices = 10 * n + max(3 * m * n, m * n + 5 * m * m)
    if size.linearised:
        return vectors_and_matrices
    group = min(max(size.rows, FEWEST_ROWS), m) * size.n_columns
    return vectors_and_matrices + group + size.block - size.cast


def case_of(size, solver):
    """The key of `MEMORY` for a solver, "width path" or "partial_fit"."""
    if solver in ("cg", "width path"):
        return solver
    if solver == "dual" and (size.several or size.folds):
        return "dual, several alphas or cv"
    if size.folds:
        return "primal, cv"
    if size.several:
        return f"{solver}, several alphas"
    if solver == "primal" and size.searches:
        return "primal, a sequence of one alpha"
    float32 = solver == "primal" and size.itemsize == 4
    return f"{solver}, one alpha" + (", float32" if float32 else "")


def needed_bytes(size, solver):
    """Peak memory of a solver, "width path" or "partial_fit", beyond the data."""
    values = MEMORY[case_of(size, solver)].values(size) + size.n_stored
    if solver in ("dual", "cg"):
        # Coefficients, which may be larger than the matrices.
        values += 4 * size.n_columns * size.n_outputs
    return int(8 * values)


def fits_in_memory(solver, size):
    """Whether a solver fits in memory."""
    available = available_memory()
    return available is None or needed_bytes(size, solver) <= available


_REMEDIES = {
    "primal": "Use a smaller width or block_size, or one number as alphas with "
    'solver="cg".',
    "dual": 'Use fewer rows, or one number as alphas with solver="cg".',
    "cg": 'Use fewer rows, or solver="primal" with a smaller width.',
}


def require_fitting_memory(size, solver):
    """Raise MemoryError, with what would fit, before any work is done."""
    needed, available = needed_bytes(size, solver), available_memory()
    if available is None or needed <= available:
        return
    by_rows = solver in ("dual", "cg")
    name, unit = ("n_rows", "rows") if by_rows else ("n_columns", "features")
    n = getattr(size, name)
    fits, too_many = 0, n
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        if needed_bytes(replace(size, **{name: middle}), solver) <= available:
            fits = middle
        else:
            too_many = middle
    require_memory(
        needed,
        f"Ridge regression on {n} {unit} by {solver}",
        f"About {fits:,} {unit} would fit. {_REMEDIES.get(solver, _REMEDIES['primal'])}",
    )
