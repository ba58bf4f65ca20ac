"""Which solver of ridge regression to use: the cheapest that fits into memory; its use."""

import copy

import numpy as np
from sklearn.model_selection import check_cv

from skrf._utils.memory import available_memory, require_memory
from skrf._utils.validation import completed
from skrf.ridge._cg import landmarks, solve_cg
from skrf.ridge._dual import cross_validate_dual, solve_dual
from skrf.ridge._feature_matrix import FEWEST_ROWS, rows_of_block
from skrf.ridge._folds import cross_validate_primal
from skrf.ridge._leave_one_out import search_primal
from skrf.ridge._primal import solve_one, solve_primal
from skrf.ridge._problem import RidgeProblem, best_penalty, not_positive_definite

_REMEDIES = {
    "primal": "use a smaller width or block_size, or one number as alphas with "
    'solver="cg".',
    "dual": 'use fewer rows, or one number as alphas with solver="cg".',
    "cg": 'use fewer rows, or solver="primal" with a smaller width.',
}


def solve(solver, matrix, problem, rng):
    """Ridge regression for one penalty, or the best by leave-one-out error."""
    solver = choose_solver(solver, matrix, problem)
    if solver == "cg":
        return solve_cg(matrix, problem, rng)
    if solver == "dual":
        return solve_dual(matrix, problem)
    return (
        search_primal(matrix, problem)
        if problem.searches
        else solve_primal(matrix, problem)
    )


def cross_validate(solver, matrix, problem, cv, y, groups, is_classifier):
    """Ridge regression with the best penalty by the mean error on folds."""
    solver = choose_solver(solver, matrix, problem, folds=True)
    splits = _row_numbers(cv, matrix, y, groups, is_classifier)
    if solver == "dual":
        scores = cross_validate_dual(matrix, problem, splits)
    else:
        scores, moments = cross_validate_primal(matrix, problem, splits)
    best = best_penalty(problem.alphas, scores)
    one = RidgeProblem(problem.alphas[[best]], False, problem.fit_intercept)
    if solver == "dual":
        solution = solve_dual(matrix, one)
    else:
        solution = solve_one(matrix, moments, float(one.alphas[0]))
        if solution is None:
            raise not_positive_definite(one.alphas[0])
    solution.scores = scores
    return solution


def _row_numbers(cv, matrix, y, groups, is_classifier):
    """Pairs of row numbers of the folds, checked."""
    if groups is not None and np.shape(groups) != (matrix.n_rows,):
        raise ValueError(
            f"groups has shape {np.shape(groups)}, but X has {matrix.n_rows} rows. Give "
            "one group per row."
        )
    folds = check_cv(cv, y, classifier=is_classifier)
    with completed(f"cv={cv!r}", "Use other folds; groups are given to fit."):
        pairs = list(folds.split(np.zeros(matrix.n_rows), y, groups))
    splits = [
        tuple(np.arange(matrix.n_rows)[np.asarray(part)] for part in pair) for pair in pairs
    ]
    if not splits or any(
        not matrix.weights[part].any() for pair in splits for part in pair
    ):
        raise ValueError(
            f"cv={cv!r} gives no split, or one whose training or test rows are none or "
            "have weights of zero only. Use other folds, or drop these rows."
        )
    return splits


def choose_solver(solver, matrix, problem, folds=False):
    """The cheapest solver that fits into memory, or the given one if it does."""
    if solver != "auto":
        require_fitting_memory(matrix, solver, problem, folds)
        return solver
    names = ["primal", "dual"] if problem.searches or folds else ["primal", "dual", "cg"]
    if matrix.n_rows is None:
        names = ["primal"]
    available = available_memory() or np.inf
    needed = {name: needed_bytes(matrix, name, problem, folds) for name in names}
    fitting = [name for name in names if needed[name] <= available]
    if not fitting:
        fitting = [min(needed, key=needed.get)]
        require_fitting_memory(matrix, fitting[0], problem, folds)
    return min(fitting, key=lambda name: operations(matrix, name, problem))


def needed_bytes(matrix, solver, problem, folds=False):
    """Peak memory of a solver, beside the data."""
    n, p, size = matrix.n_rows, matrix.n_columns, matrix.dtype.itemsize
    several = problem.searches and len(problem.alphas) > 1
    rows = rows_of_block(p, matrix.block_rows)
    rows = rows if n is None else min(rows, n)
    if solver in ("dual", "cg"):
        _, tangent = matrix.feature_map.tangent_part()
        # Of the features of rows, in their own dtype and in float64.
        block = 0 if tangent is not None else rows * p * size
        outputs = 4 * p * matrix.n_outputs
    if solver == "dual":
        groups = 0 if tangent is not None else 2 * min(n, FEWEST_ROWS) * p
        return 8 * ((4 if several or folds else 2) * n * n + outputs + groups) + block
    if solver == "cg":
        m = landmarks(n)
        # While it is made, and while its core of shape (m, m) is factorised.
        preconditioner = max(3 * m * n, m * n + 5 * m * m)
        some = 0 if tangent is not None else min(max(rows, FEWEST_ROWS), m) * p
        return 8 * (preconditioner + 10 * n + outputs + some) + block
    # Matrices of shape (p, p) in float64, and blocks in the features' dtype and float64.
    float64 = problem.searches or solver != "primal"
    if solver == "width path":
        matrices, several = 2, False
    else:
        matrices = 6 if folds else 4 if several else 1
        matrices += 0.5 * (not float64 and size == 4)
        # The sums of a stream are kept while its penalties are compared.
        matrices += solver == "partial_fit"
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


def require_fitting_memory(matrix, solver, problem, folds=False):
    """Raise MemoryError, with what would fit, before any work is done."""
    needed, available = needed_bytes(matrix, solver, problem, folds), available_memory()
    if available is None or needed <= available:
        return
    by_rows = solver in ("dual", "cg")
    name, unit = ("n_rows", "rows") if by_rows else ("n_columns", "features")
    trial, fits, too_many = copy.copy(matrix), 0, getattr(matrix, name)
    while too_many - fits > 1:
        middle = (fits + too_many) // 2
        setattr(trial, name, middle)
        if needed_bytes(trial, solver, problem, folds) <= available:
            fits = middle
        else:
            too_many = middle
    require_memory(
        needed,
        f"Ridge regression on {getattr(matrix, name)} {unit} by {solver}",
        f"About {fits:,} {unit} would fit: {_REMEDIES.get(solver, _REMEDIES['primal'])}",
    )
