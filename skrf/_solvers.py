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
    needed = {name: needed_bytes(matrix, name, problem) for name in names}
    fitting = [name for name in names if needed[name] <= available]
    if not fitting:
        fitting = [min(needed, key=needed.get)]
        require_fitting_memory(matrix, fitting[0], problem)
    return min(fitting, key=lambda name: operations(matrix, name, problem))


def needed_bytes(matrix, solver, problem):
    """Peak memory of a solver, beside the data."""
    n, p, size = matrix.n_rows, matrix.n_columns, matrix.dtype.itemsize
    several = problem.searches and len(problem.alphas) > 1
    rows = rows_of_block(p, matrix.block_rows)
    rows = rows if n is None else min(rows, n)
    if solver == "dual":
        return 8 * (4 if several else 2) * n * n + 8 * p * matrix.n_outputs
    if solver == "cg":
        m = landmarks(n)
        # While it is made, and while its core of shape (m, m) is factorised.
        preconditioner = max(3 * m * n, m * n + 5 * m * m)
        return 8 * (preconditioner + 10 * n + 4 * p * matrix.n_outputs)
    # Matrices of shape (p, p) in float64, and blocks in the features' dtype and float64.
    float64 = problem.searches or solver != "primal"
    matrices = 4 if several else 1
    if not float64 and size == 4:
        matrices += 0.5
    matrices += solver != "primal"
    block = rows * p * (size + (8 if float64 and size == 4 else 0) + 8 * several)
    return int(8 * matrices * p * p) + block


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
    by_rows = solver in ("dual", "cg")
    side, unit = (matrix.n_rows, "rows") if by_rows else (matrix.n_columns, "features")
    fits = int(side * np.sqrt(available / needed))
    require_memory(
        needed,
        f"Ridge regression on {side} {unit} by {solver}",
        f"About {fits:,} {unit} would fit: use a smaller width, fewer rows or a smaller "
        'block_size, or one number as alphas with solver="cg".',
    )
