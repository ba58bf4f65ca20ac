"""Ridge regression by preconditioned conjugate gradients on the Gram matrix.

The system is that of `_dual`, (K + alpha I) c = P diag(s) y, with products by
K = P diag(s) Z Z' diag(s) P and a Nystroem preconditioner; K is never stored.
"""

import numpy as np
from scipy.linalg import LinAlgError, cholesky, eigh
from sklearn.exceptions import ConvergenceWarning

from skrf._utils.blas import solve_rows
from skrf._utils.warnings import warn
from skrf.ridge._problem import Solution, require_finite, used_rows, warn_imprecise

# Relative error of the coefficients, and maximum number of iterations.
_TOLERANCE, _MOST_ITERATIONS = 1e-7, 2000
# Maximum numbers of rows and of elements of the preconditioner.
_MOST_LANDMARKS, _PRECONDITIONER_ELEMENTS = 2000, 2**27


class GramOperator:
    """K of the module's docstring as a product."""

    def __init__(self, full, w, centred):
        self.full, self.centred = full, centred
        self.roots = np.sqrt(w)[:, np.newaxis]
        self.unit = self.roots[:, 0] / np.sqrt(w.sum())

    def project(self, C):
        """P C."""
        return C - np.outer(self.unit, self.unit @ C) if self.centred else C

    def times(self, C):
        """K C for C of shape (n_rows, k)."""
        products = self.full.times(self.full.transposed_times(self.roots * self.project(C)))
        return self.project(self.roots * products)

    def columns(self, index):
        """K[:, index]."""
        K = self.roots * self.full.gram_columns(index) * self.roots[index, 0]
        if self.centred:
            unit = self.unit[:, np.newaxis]
            k = self.roots * self.full.times(self.full.transposed_times(self.roots * unit))
            K -= k @ unit[index].T
        return self.project(K)


def landmarks(n_rows):
    """Number of rows from which the preconditioner is made."""
    return max(1, min(n_rows, _MOST_LANDMARKS, _PRECONDITIONER_ELEMENTS // n_rows))


class NystroemPreconditioner:
    """(U Lambda U' + alpha I)^{-1} from the columns of K of some rows.

    The Nystroem approximation K[:, J] K[J, J]^{-1} K[J, :] = U Lambda U' is at most K, so
    that r' M^{-1} r bounds the squared error of c in the norm of K + alpha I from above.
    """

    def __init__(self, operator, alpha, rng):
        n = len(operator.unit)
        m = landmarks(n)
        index = np.sort(rng.choice(n, m, replace=False))
        columns = np.ascontiguousarray(operator.columns(index))
        core = (columns[index] + columns[index].T) / 2
        require_finite([np.abs(columns).sum()])
        shift = np.finfo(np.float64).eps * max(np.trace(core), np.finfo(np.float64).tiny)
        while True:
            try:
                lower = cholesky(core + shift * np.eye(m), lower=True)
                break
            except LinAlgError:
                shift *= 10
        solve_rows(np.ascontiguousarray(lower), columns)
        squares = columns.T @ columns
        require_finite([np.abs(squares).sum()])
        values, vectors = eigh(squares)
        used = values > shift
        self.U = columns @ (vectors[:, used] / np.sqrt(values[used]))
        self.factors = 1 / (values[used] - shift + alpha) - 1 / alpha
        self.alpha, self.largest = alpha, max(values[-1], 0.0)

    def __call__(self, R):
        return R / self.alpha + self.U @ (self.factors[:, np.newaxis] * (self.U.T @ R))


def solve_cg(matrix, problem, rng):
    """Ridge regression for one penalty by preconditioned conjugate gradients."""
    matrix = used_rows(matrix)
    full, w, alpha = matrix.exact(), matrix.weights, float(problem.alphas[0])
    operator = GramOperator(full, w, problem.fit_intercept)
    y_mean = w @ matrix.Y / w.sum() if problem.fit_intercept else 0 * matrix.Y[0]
    y = operator.roots * (matrix.Y - y_mean)
    precondition = NystroemPreconditioner(operator, alpha, rng)
    done = matrix.progress("conjugate gradients", None) if matrix.progress else None
    # The maximum and not the norm, whose squares may overflow.
    sizes = np.abs(y).max(axis=0)
    require_finite(sizes)
    sizes[sizes == 0] = 1.0
    duals, n_iter = _solve_iteratively(operator, alpha, y / sizes, precondition, done)
    # K does not see the part along s, which the preconditioner multiplies by 1 / alpha.
    duals = operator.project(duals * sizes)
    coef = full.transposed_times(operator.roots * duals)
    # The rounding of Z'c, where c is large because alpha is small, and the rounding of
    # M^{-1} in the bound of the error, whose terms cancel.
    lengths = np.linalg.norm(duals, axis=0) * np.sqrt(precondition.largest)
    lengths /= np.maximum(np.linalg.norm(coef, axis=0), np.finfo(np.float64).tiny)
    error = np.finfo(np.float64).eps * max(lengths.max(), precondition.largest / alpha)
    error = min(error, 1.0)
    if error > 1e-6:
        warn_imprecise(f"the coefficients for alpha={alpha:.3g}", error)
    intercept = y_mean
    if problem.fit_intercept:
        intercept = y_mean - w @ full.times(coef) / w.sum()
    return Solution(coef, intercept, alpha, n_iter=n_iter)


def _solve_iteratively(operator, alpha, y, precondition, done):
    """Solve (K + alpha I) c = y for every column; (c, number of iterations).

    The residuals of conjugate gradients drift from the true residuals. These are computed
    again, and the iterations restart, until the true residuals are small.
    """
    c, n_iter, reached = np.zeros_like(y), 0, np.inf
    while n_iter < _most_iterations(y):
        before, last = n_iter, reached
        r = y - operator.times(c) - alpha * c if n_iter else y.copy()
        reached = _relative_error(c, y, r, precondition(r), alpha)
        if n_iter and (reached <= 2 * _TOLERANCE or reached > last / 2):
            break
        step, more = _conjugate_gradients(operator, alpha, c, y, r, precondition, done)
        c, n_iter = c + step, before + more
    if not reached <= 2 * _TOLERANCE:
        warn(
            f"Conjugate gradients have not converged after {n_iter} iterations; the "
            f"relative error may be {reached:.0e}. Use a larger alpha, or solver='dual' or "
            "'primal'.",
            ConvergenceWarning,
        )
    return c, n_iter


def _most_iterations(y):
    """The number of rows in exact arithmetic, and more to allow for rounding."""
    return min(_MOST_ITERATIONS, 100 + 2 * len(y))


def _relative_error(c, y, r, z, alpha):
    """Bound of the error of u in units of ||u||, from ||u||^2 = c' K c.

    A negative bound, from rounding, counts by its magnitude.
    """
    squares = np.einsum("ij,ij->j", c, y - r - alpha * c)
    bounds = np.abs(np.einsum("ij,ij->j", r, z))
    ratios = np.where(bounds > 0, np.inf, 0.0)
    np.divide(bounds, squares, out=ratios, where=squares > 1e-300)
    return float(np.sqrt(np.max(ratios)))


def _conjugate_gradients(operator, alpha, start, y, r, precondition, done):
    """What to add to `start`, whose residuals are r; (c, number of iterations)."""
    c, r = np.zeros_like(r), r.copy()
    z = precondition(r)
    p, rz = z.copy(), np.einsum("ij,ij->j", r, z)
    n_iter = 0
    while n_iter < _most_iterations(y):
        n_iter += 1
        q = operator.times(p) + alpha * p
        curvature = np.einsum("ij,ij->j", p, q)
        step = np.divide(rz, curvature, out=np.zeros_like(rz), where=curvature > 0)
        c += step * p
        r -= step * q
        z = precondition(r)
        last, rz = rz, np.einsum("ij,ij->j", r, z)
        if done:
            done()
        if _relative_error(start + c, y, r, z, alpha) <= _TOLERANCE:
            break
        p = z + np.divide(rz, last, out=np.zeros_like(rz), where=last > 0) * p
    return c, n_iter
