"""Which solver of ridge regression to use: the cheapest that fits into memory."""

import numpy as np

from skrf._dual import landmarks
from skrf._environment import available_memory, require_memory
from skrf._feature_matrix import rows_of_block


def choose_solver(solver, matrix, problem, folds=False):
    """The cheapest solver that fits into memory, or the given one if it does."""
    if solver != "auto":
        require_fitting_memory(matrix, solver, problem)
        return solver
    names = ["primal", "dual"] if problem.searches or folds else ["primal", "dual", "cg"]
    if matrix.n_rows is None:
        names = ["primal"]
    available = available_memory() or np.inf
    fitting = [name for name in names if needed_bytes(matrix, name, problem) <= available]
    if not fitting:
        require_fitting_memory(matrix, min(names, key=lambda name: needed_bytes(
            matrix, name, problem)), problem)  # fmt: skip
    return min(fitting, key=lambda name: operations(matrix, name, problem))


def needed_bytes(matrix, solver, problem):
    """Peak memory of a solver, beside the data."""
    p, size = matrix.n_columns, matrix.dtype.itemsize
    block = rows_of_block(p, matrix.block_rows) * p * (size + 8 * problem.searches)
    several = problem.searches and len(problem.alphas) > 1
    if solver == "primal":
        if several:
            return 8 * 4 * p * p + 2 * block
        return (8 + (4 if size == 4 and not problem.searches else 0)) * p * p + block
    n = matrix.n_rows
    if solver == "dual":
        return 8 * (4 if several else 2) * n * n + 8 * p * matrix.n_outputs
    return 8 * (3 * landmarks(n) * n + 10 * n + 4 * p * matrix.n_outputs)


def operations(matrix, solver, problem):
    """Arithmetic operations of a solver, roughly."""
    n, p = matrix.n_rows or 0, matrix.n_columns
    several = problem.searches and len(problem.alphas) > 1
    # Of an eigendecomposition or a Cholesky factor, as measured in products.
    factor = 12 if several else 1 / 3
    if solver == "primal":
        passes = 1 + problem.searches * (2 if several else 1)
        return n * p * p * passes + factor * p**3
    _, tangent = matrix.feature_map.tangent_part()
    # Products with vectors are bound by memory: measured against those with matrices.
    apply = 300 * n * p
    gram = n * n * p
    if tangent is not None:
        inner = tangent.n_features_in_ + tangent.width
        apply, gram = 8 * n * tangent.n_features_in_ * tangent.width, n * n * inner
    if solver == "dual":
        return gram + factor * n**3 + apply
    m = landmarks(n)
    return 50 * (apply + 100 * n * m) + 4 * n * m * m + gram * m / n


def require_fitting_memory(matrix, solver, problem):
    """Raise MemoryError, with what would fit, before any work is done."""
    needed, available = needed_bytes(matrix, solver, problem), available_memory()
    if available is None or needed <= available:
        return
    what = f"{matrix.n_columns} features" if solver == "primal" else f"{matrix.n_rows} rows"
    side = matrix.n_columns if solver == "primal" else matrix.n_rows
    fits = int(side * np.sqrt(available / needed))
    other = "features" if solver == "primal" else "rows"
    require_memory(
        needed,
        f"RandomFeatureRidge with {what} and solver={solver!r}",
        f"About {fits:,} {other} would fit: use a smaller width or fewer rows, one number "
        'as alphas with solver="cg", or float32 input.',
    )
