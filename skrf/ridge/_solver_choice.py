"""The choice of a solver, the fastest that fits in memory, and its call."""

import numpy as np
from sklearn.model_selection import check_cv

from skrf._utils.array_api import to_numpy, without_dispatch
from skrf._utils.memory import available_memory
from skrf._utils.validation import completed
from skrf.ridge._cg import landmarks, solve_cg
from skrf.ridge._dual import solve_dual
from skrf.ridge._folds import compare_on_folds
from skrf.ridge._leave_one_out import search_primal
from skrf.ridge._memory import (
    ProblemSize,
    fits_in_memory,
    needed_bytes,
    require_fitting_memory,
)
from skrf.ridge._primal import solve_one, solve_primal
from skrf.ridge._problem import not_positive_definite
from skrf.ridge._sample import penalty_of_sample, rows_of_folds

SOLVERS = ("primal", "dual", "cg")


def solve(solver, matrix, problem, rng):
    """Ridge regression for one penalty, or the best by leave-one-out error."""
    require_numpy_for_cg(solver, matrix.space)
    size = ProblemSize.of(matrix, problem)
    names = _names(solver, size)
    if problem.auto and (
        solver == "cg" or not any(fits_in_memory(name, size) for name in names)
    ):
        return _solve_from_sample(solver, matrix, problem, rng)
    solver = choose_solver(solver, size)
    if solver == "cg":
        solution = solve_cg(matrix, problem, rng)
        if problem.measures:
            solution.rows = rows_of_folds(matrix, problem, rng)
        return solution
    if solver == "dual":
        return solve_dual(matrix, problem)
    return (search_primal if problem.measures else solve_primal)(matrix, problem)


def require_numpy_for_cg(solver, space):
    """Raise for solver="cg" and arrays of a namespace other than NumPy's."""
    if solver == "cg" and space is not None:
        raise ValueError(
            "`solver` must be 'auto', 'primal' or 'dual' for arrays of "
            f"{space.name}; got 'cg'. Use solver=\"auto\", or convert X to NumPy."
        )


def _solve_from_sample(solver, matrix, problem, rng):
    """Ridge regression with the best penalty of a sample of the rows."""
    comparison = penalty_of_sample(solve, matrix, problem, rng)
    alpha = comparison.alphas[comparison.best]
    solution = solve(solver, matrix, problem.at(alpha), rng)
    solution.comparison = comparison
    return solution


def cross_validate(solver, matrix, problem, cv, y, groups, is_classifier):
    """Ridge regression with the best penalty by the mean score on folds."""
    solver = choose_solver(solver, ProblemSize.of(matrix, problem, folds=True))
    splits = row_numbers(cv, matrix, y, groups, is_classifier)
    folds, comparison = compare_on_folds(matrix, problem, splits, solver)
    alpha = comparison.alphas[comparison.best]
    one = problem.at(alpha)
    if solver == "dual":
        solution = solve_dual(matrix, one, alpha)
    elif one.measures or np.ndim(alpha):
        solution = search_primal(matrix, one, folds.moments, alpha)
    else:
        solution = solve_one(matrix, folds.moments, float(alpha))
        if solution is None:
            raise not_positive_definite(float(alpha))
    solution.comparison = comparison
    return solution


def row_numbers(cv, matrix, y, groups, is_classifier):
    """Pairs of row indices of the folds, checked."""
    if groups is not None and np.shape(groups) != (matrix.n_rows,):
        raise ValueError(
            f"`groups` must have one entry per row of X, {matrix.n_rows}; got shape "
            f"{np.shape(groups)}. Pass one group per row."
        )
    note = completed(f"cv={cv!r}", "Use other folds, or pass `groups` to fit.")
    with without_dispatch():
        folds = check_cv(cv, y, classifier=is_classifier)
        with note:
            pairs = list(folds.split(np.zeros(matrix.n_rows), y, groups))
    numbers = np.arange(matrix.n_rows)
    splits = [tuple(numbers[np.asarray(to_numpy(part))] for part in p) for p in pairs]
    if not splits or any(
        not matrix.weights[part].any() for pair in splits for part in pair
    ):
        raise ValueError(
            "`cv` must yield splits with training and test rows of positive weight; got "
            f"cv={cv!r}. Use other folds, or drop rows of weight 0."
        )
    return splits


def _names(solver, size):
    """The solvers that `solver` stands for."""
    if solver != "auto":
        return [solver]
    if not size.n_rows:
        return ["primal"]
    without_cg = size.folds or size.compares or not size.in_numpy
    return ["primal", "dual"] if without_cg else list(SOLVERS)


def choose_solver(solver, size):
    """The fastest solver that fits in memory, or the one that is named if it does."""
    if solver != "auto":
        require_fitting_memory(size, solver)
        return solver
    available = available_memory() or np.inf
    needed = {name: needed_bytes(size, name) for name in _names(solver, size)}
    fitting = [name for name in needed if needed[name] <= available]
    if not fitting:
        smallest = min(needed, key=needed.get)
        require_fitting_memory(size, smallest)
        return smallest
    return min(fitting, key=lambda name: operations(size, name))


def operations(size, solver):
    """Approximate number of arithmetic operations of a solver."""
    n, p = size.n_rows, size.n_columns
    # Measured time of an eigendecomposition or a Cholesky factorisation, divided by the
    # time of a matrix product of the same size.
    factor = 12 if size.several else 1 / 3
    if solver == "primal":
        passes = 1 + size.searches * (2 if size.several else 1)
        return n * p * p * passes + factor * p**3
    # Products with vectors are limited by the speed of memory. This is the number of
    # operations that products of matrices do in the same time, as measured.
    apply = 300 * n * p
    gram = n * n * p
    if size.linearised is not None:
        n_inputs, width = size.linearised
        apply, gram = 8 * n * n_inputs * width, n * n * (n_inputs + width)
    if solver == "dual":
        return gram + factor * n**3 + apply
    m = landmarks(n)
    one_fit = 50 * (apply + 100 * n * m) + 4 * n * m * m + gram * m / n
    # Three more fits for the folds that a classifier needs.
    return one_fit * (3 if size.searches else 1)
