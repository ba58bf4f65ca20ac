"""Ridge regression from the (n_rows, n_rows) Gram matrix, or by conjugate gradients on it.

With s = sqrt(w), W = s's and P = I - s s' / W (P = I without an intercept), ridge
regression on the centred, weighted features A = P diag(s) Z is

    (K + alpha I) c = P diag(s) y,  K = P diag(s) Z Z' diag(s) P,  u = Z' diag(s) c.

Row i's leave-one-out error is sqrt(w_i)^{-1} c_i / d_i with d the diagonal of
(K + alpha I)^{-1} - s s' / (alpha W): alpha has cancelled, so that small penalties lose no
digits. s itself is an eigenvector of K of eigenvalue 0; it is moved to the value tau =
trace(K) / n_rows, so that the term to subtract is small.
"""

import numpy as np
from scipy.linalg import LinAlgError, cholesky, eigh, lapack
from sklearn.exceptions import ConvergenceWarning

from skrf._utils.blas import product, solve_rows
from skrf._utils.warnings import warn
from skrf.ridge._moments import row_slices
from skrf.ridge._primal import (
    Solution,
    best_penalty,
    cholesky_in_place,
    cholesky_solve,
    require_finite,
    require_two_rows,
    require_weight,
    warn_imprecise,
)

# Relative precision of the coefficients by conjugate gradients.
_TOLERANCE, _MOST_ITERATIONS = 1e-7, 2000
# Rows and numbers of the preconditioner.
_MOST_LANDMARKS, _PRECONDITIONER_ELEMENTS = 2000, 2**27


def solve_dual(matrix, problem):
    """Ridge regression for one penalty, or the best by leave-one-out error."""
    matrix = _used_rows(matrix)
    if problem.searches:
        require_two_rows(matrix.n_rows, problem.fit_intercept)
    full = matrix.exact()
    system = GramSystem(full.gram(), matrix.Y, matrix.weights, problem.fit_intercept)
    k, scores = 0, None
    if problem.searches:
        all_duals, scores = system.leave_one_out(problem.alphas)
        k = best_penalty(problem.alphas, scores)
        duals = all_duals[:, k]
    else:
        duals = system.solve(problem.alphas)[:, 0]
        require_finite(duals)
    coef = full.transposed_times(system.roots[:, np.newaxis] * duals)
    alpha = float(problem.alphas[k])
    return Solution(coef, system.intercept(duals), alpha, scores)


def cross_validate_dual(matrix, problem, splits):
    """Minus the mean squared errors of all penalties, averaged over the splits."""
    K, scores = matrix.exact().gram(), []
    for train, test in splits:
        train = train[matrix.weights[train] > 0]
        part, w = K[np.ix_(train, train)], matrix.weights[test]
        system = GramSystem(
            part, matrix.Y[train], matrix.weights[train], problem.fit_intercept
        )
        duals = system.solve(problem.alphas)
        fit = np.tensordot(K[np.ix_(test, train)] * system.roots, duals, 1)
        errors = matrix.Y[test][:, np.newaxis] - fit - system.intercept(duals)
        mean = np.einsum("i,iat,iat->a", w, errors, errors) / (w.sum() * errors.shape[2])
        scores.append(-mean)
    return np.mean(scores, axis=0)


def _used_rows(matrix):
    """The rows of positive weight."""
    used = matrix.weights > 0
    require_weight(used.sum())
    return matrix if used.all() else matrix.subset(np.flatnonzero(used))


class GramSystem:
    """(K + alpha I) c = P diag(s) y for one Gram matrix; see the module's docstring.

    Parameters
    ----------
    gram : ndarray of shape (n_rows, n_rows)
        Z Z', overwritten by K.
    Y, w : ndarrays of shapes (n_rows, n_outputs) and (n_rows,)
        Targets, and positive weights.
    centred : bool
        Whether there is an intercept.
    """

    def __init__(self, gram, Y, w, centred):
        self.K, self.centred, self.roots = gram, centred, np.sqrt(w)
        self.weight = w.sum()
        self.unit = self.roots / np.sqrt(self.weight)
        self.y_mean = w @ Y / self.weight if centred else np.zeros(Y.shape[1])
        self.y = self.roots[:, np.newaxis] * (Y - self.y_mean)
        self.tau, self.mean_products = 0.0, np.zeros(len(w))
        gram *= self.roots
        gram *= self.roots[:, np.newaxis]
        # Finite squares make the products of rows finite too.
        require_finite([gram.diagonal().sum() + np.abs(self.y).sum()])
        self.rounding = np.finfo(np.float64).eps * gram.diagonal().max()
        if centred:
            self._centre()

    def _centre(self):
        K, unit = self.K, self.unit
        k = self.mean_products = K @ unit
        # K - unit k' - k unit' + (unit'k) unit unit', then tau unit unit'.
        half = k - unit @ k / 2 * unit
        for rows in row_slices(len(K)):
            K[rows] -= unit[rows, np.newaxis] * half
            K[rows] -= half[rows, np.newaxis] * unit
        self.tau = np.trace(K) / len(K)
        for rows in row_slices(len(K)):
            K[rows] += self.tau * unit[rows, np.newaxis] * unit

    def intercept(self, duals):
        """y_mean - m_z' u for duals of shape (n_rows, ..., n_outputs)."""
        products = np.tensordot(self.mean_products, duals, 1)
        return self.y_mean - products / np.sqrt(self.weight)

    def solve(self, alphas):
        """c of shape (n_rows, n_alphas, n_outputs); overwrites K."""
        if len(alphas) == 1 and self._factorise(alphas[0]):
            return self._project(cholesky_solve(self.K, self.y))[:, np.newaxis]
        V, D = self._spectrum(alphas)
        return self._duals(V, D)

    def leave_one_out(self, alphas):
        """(c as in `solve`, minus the mean squared errors); overwrites K."""
        if len(alphas) == 1 and self._factorise(alphas[0]):
            duals = self._project(cholesky_solve(self.K, self.y))[:, np.newaxis]
            inverse = lapack.dtrtri(self.K.T, lower=0, overwrite_c=1)[0].T
            kept = np.zeros((len(inverse), 1))
            for rows in row_slices(len(inverse)):
                left, square = inverse[rows, : rows.start], np.tril(inverse[rows, rows])
                kept[: rows.start, 0] += np.einsum("ij,ij->j", left, left)
                kept[rows, 0] += np.einsum("ij,ij->j", square, square)
        else:
            V, D = self._spectrum(alphas)
            duals = self._duals(V, D)
            kept = np.empty((len(V), len(alphas)))
            np.multiply(V, V, out=V)
            product(V, D, kept)
        if self.centred:
            eps, whole = np.finfo(np.float64).eps, kept.copy()
            kept -= self.unit[:, np.newaxis] ** 2 / (self.tau + alphas)
            np.maximum(kept, eps * whole, out=kept)
            error = np.max((eps + self.rounding * whole) * (whole / kept))
            if error > 1e-6:
                warn_imprecise("the leave-one-out errors of the heaviest rows", error)
        errors = duals / kept[:, :, np.newaxis]
        total = np.einsum("iat,iat->a", errors, errors)
        return duals, -total / (self.weight * duals.shape[2])

    def _factorise(self, alpha):
        """Whether K + alpha I has a Cholesky factor; it takes the lower triangle of K."""
        diagonal = self.K.diagonal().copy()
        norm = lapack.dlange("1", self.K.T) + alpha
        if cholesky_in_place(self.K, alpha):
            self._warn_imprecise(alpha, norm * lapack.dpocon(self.K.T, norm)[0])
            return True
        np.fill_diagonal(self.K, diagonal)
        return False

    def _warn_imprecise(self, alpha, least_eigenvalue):
        """Warn where the rounding of K matters beside the least eigenvalue of K + alpha."""
        if self.rounding > 1e-6 * least_eigenvalue:
            error = min(self.rounding / max(least_eigenvalue, 1e-300), 1.0)
            warn_imprecise(f"what follows from the Gram matrix at alpha={alpha:.3g}", error)

    def _spectrum(self, alphas):
        # The upper triangle of K, which a Cholesky factor that failed has left alone.
        values, V = eigh(
            self.K.T, lower=True, overwrite_a=True, check_finite=False, driver="evd"
        )
        values, alpha = np.maximum(values, 0.0), np.min(alphas)
        self._warn_imprecise(alpha, values[0] + alpha)
        return V, 1 / (values[:, np.newaxis] + alphas)

    def _duals(self, V, D):
        scaled = D[:, :, np.newaxis] * (V.T @ self.y)[:, np.newaxis, :]
        duals = np.empty((len(V), D.shape[1] * self.y.shape[1]))
        product(V, scaled.reshape(len(V), -1), duals)
        return self._project(duals).reshape(len(V), D.shape[1], -1)

    def _project(self, duals):
        if self.centred:
            duals -= np.outer(self.unit, self.unit @ duals)
        return duals


# ------------------------------------------------------------------ conjugate gradients


class GramOperator:
    """K of the module's docstring as a product, never stored."""

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
    """Number of rows that the preconditioner is made from."""
    return max(1, min(n_rows, _MOST_LANDMARKS, _PRECONDITIONER_ELEMENTS // n_rows))


class NystromPreconditioner:
    """(U Lambda U' + alpha I)^{-1} from the columns of K of some rows.

    The Nystrom approximation K[:, J] K[J, J]^{-1} K[J, :] = U Lambda U' is at most K, so
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
    matrix = _used_rows(matrix)
    full, w, alpha = matrix.exact(), matrix.weights, float(problem.alphas[0])
    operator = GramOperator(full, w, problem.fit_intercept)
    y_mean = w @ matrix.Y / w.sum() if problem.fit_intercept else 0 * matrix.Y[0]
    y = operator.roots * (matrix.Y - y_mean)
    precondition = NystromPreconditioner(operator, alpha, rng)
    done = matrix.progress("conjugate gradients", None) if matrix.progress else None
    # Not the norm, whose squares would leave the range of floats.
    sizes = np.abs(y).max(axis=0)
    require_finite(sizes)
    sizes[sizes == 0] = 1.0
    duals, n_iter = _solve_iteratively(operator, alpha, y / sizes, precondition, done)
    # K does not see the part along s, which the preconditioner multiplies by 1 / alpha.
    duals = operator.project(duals * sizes)
    coef = full.transposed_times(operator.roots * duals)
    # The rounding of Z'c, where c is large because alpha is small, and that of M^{-1}, in
    # the bound of the error, whose terms cancel.
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

    The residuals that conjugate gradients carry drift from the true ones; they are made
    anew, and the iterations begin again, until those are small.
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
            f"Conjugate gradients stopped after {n_iter} iterations at a relative error of "
            f'at most {reached:.0e}. Use a larger alpha, or solver="dual" or "primal".',
            ConvergenceWarning,
        )
    return c, n_iter


def _most_iterations(y):
    """But for rounding, which some more make up for, there are as many as rows."""
    return min(_MOST_ITERATIONS, 100 + 2 * len(y))


def _relative_error(c, y, r, z, alpha):
    """Bound of the error of u in units of ||u||, from ||u||^2 = c' K c.

    One that rounding has made negative is as wrong as it is large.
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
