"""What "cg" and large problems know of errors: from a sample of rows, or from folds.

The penalty of "auto" is then the best one by exact leave-one-out errors of models that are
fitted to a sample of the rows. A penalty of the sum over all rows is larger by the ratio of
the weights. Predictions of rows left out come from a cross-validation by three folds.
"""

from dataclasses import replace

import numpy as np

from skrf.ridge._cg import solve_cg
from skrf.ridge._held_out import Rows
from skrf.ridge._memory import ProblemSize, fits_in_memory, require_fitting_memory
from skrf.ridge._problem import require_two_rows

# Rows of the sample, at most and at least.
MOST_ROWS, FEWEST_ROWS = 2000, 50
_N_FOLDS = 3


def penalty_of_sample(solve, matrix, problem, rng):
    """The `Comparison` of the penalties on a sample of rows, scaled to all rows.

    solve(solver, matrix, problem, rng) compares penalties by leave-one-out errors.
    """
    n_rows, total, sample = MOST_ROWS, None, None
    while sample is None:
        sample, total = matrix.sample(n_rows, rng)
        size = ProblemSize.of(sample, problem)
        if not (fits_in_memory("dual", size) or fits_in_memory("primal", size)):
            if n_rows <= FEWEST_ROWS:
                require_fitting_memory(size, "dual")
            n_rows, sample = n_rows // 2, None
    if sample.progress:
        sample.progress(f"penalty of a sample of {sample.n_rows} rows", 1)()
    comparison = solve("auto", sample, problem, rng).comparison
    ratio = total / sample.weights.sum()
    return replace(comparison, alphas=comparison.alphas * ratio)


def rows_of_folds(matrix, problem, rng):
    """Errors of rows by conjugate gradients on the other folds, at the one penalty."""
    used = rng.permutation(np.flatnonzero(matrix.weights > 0))
    require_two_rows(used.size, problem.fit_intercept)
    numbers, errors, total = [], [], matrix.weights.sum()
    for test in np.array_split(used, min(_N_FOLDS, len(used))):
        train = matrix.subset(np.setdiff1d(used, test))
        fraction = train.weights.sum() / total
        if fraction < np.finfo(np.float64).eps:
            continue  # nothing is known of the few rows that have all the weight
        fold, alpha = matrix.subset(test), problem.alphas[0] * fraction
        solution = solve_cg(train, problem.at(alpha), rng)
        fit = fold.exact().times(solution.coef) + solution.intercept
        numbers.append(test)
        errors.append(fold.Y - fit)
    index = np.concatenate(numbers)
    return Rows(matrix.Y[index], matrix.weights[index], np.concatenate(errors))
