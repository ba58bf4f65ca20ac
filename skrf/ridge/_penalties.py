"""The penalties that are compared, and the choice of the best one.

With alphas="auto" the penalties are multiples of t = trace(Zc' Omega Zc) / n_columns, Omega
the sample weights and Zc the features, centred with these weights where there is an
intercept: 10^-6 t, ..., 10^4 t, by factors of 10^(1/2). t is the mean eigenvalue of the
matrix that the penalty is added to, so features of any scale have the same fits. If the
best penalty is the smallest one, smaller ones are compared, down to 10^-12 of the largest
eigenvalue. If it is the largest one, larger ones are compared, until the fit is the mean of
y to six digits.
"""

import numpy as np
from scipy.linalg import LinAlgWarning

from skrf._utils.warnings import warn
from skrf.ridge._problem import warn_imprecise

STEP = np.sqrt(10)
GRID = np.logspace(-6, 4, 21)
# Relative error of the errors of "auto" without a warning.
_ENOUGH = 1e-3
# The smallest penalty of "auto" in units of the largest eigenvalue, and the largest one in
# units of the sum of all eigenvalues.
SMALLEST, LARGEST = 1e-12, 1e6
# Improvement by the last factor `STEP` at which the errors are said to fall.
_FALLS = 1e-2


def compare(problem, spectrum, evaluate, precise=1e-6):
    """The `Comparison` of all penalties; evaluate(alphas) is that of some of them.

    `spectrum` has `mean`, the mean eigenvalue t, `total`, the sum of all eigenvalues, and
    `smallest`, the smallest penalty that rounding allows. Errors of a sequence whose
    relative rounding error is above `precise` raise a warning.
    """
    if not problem.auto:
        result = evaluate(problem.alphas)
        worst = int(np.argmax(result.rounding))
        if result.rounding[worst] > precise:
            what = f"the errors for alpha={result.alphas[worst]:.3g}"
            warn_imprecise(what, result.rounding[worst])
        return result
    # Constant features: penalties far above the rounding error of their products.
    unit = spectrum.mean or max(1.0, spectrum.smallest / GRID[0])
    result = evaluate(unit * GRID)
    if np.min(result.best) == 0:
        smaller = _below(result.alphas[0], spectrum.smallest)
        if smaller.size:
            result = result.joined(evaluate(smaller))
        _warn_at_the_lower_end(result)
    if np.max(result.best) == len(result.alphas) - 1:
        larger = _above(result.alphas[-1], LARGEST * spectrum.total)
        if larger.size:
            result = result.joined(evaluate(larger))
    return result


def _below(first, smallest):
    """Penalties in steps down from `first` to `smallest`, in ascending order."""
    if not 0 < smallest < first:
        return np.empty(0)
    n_steps = int(np.ceil(np.log(first / smallest) / np.log(STEP)))
    return first / STEP ** np.arange(n_steps, 0, -1)


def _above(last, largest):
    """Penalties in steps up from `last` to `largest`, in ascending order."""
    if not largest > last:
        return np.empty(0)
    n_steps = int(np.ceil(np.log(largest / last) / np.log(STEP)))
    return last * STEP ** np.arange(1, n_steps + 1)


def _warn_at_the_lower_end(result):
    """Warn if the best penalty is the smallest, and the error still falls there."""
    at_end = np.atleast_1d(result.best == 0)
    squares = result.squares.reshape(len(result.alphas), -1)
    falls = squares[0] > (1 - _FALLS) * squares[1]
    if (at_end & falls).any():
        warn(
            "The best of alphas='auto' is the smallest penalty that rounding allows, "
            f"{result.alphas[0]:.3g}, and the errors still fall there. Scale the columns "
            "of X, or use more features.",
            LinAlgWarning,
        )
    k = np.min(result.best)
    if result.rounding[k] > _ENOUGH:
        what = f"the errors for alpha={result.alphas[k]:.3g}"
        warn_imprecise(what, result.rounding[k])
