"""Ridge regression from the (n_rows, n_rows) Gram matrix.

With s = sqrt(w), W = s's and P = I - s s' / W (P = I without an intercept), ridge
regression on the centred, weighted features A = P diag(s) Z is

    (K + alpha I) c = P diag(s) y,  K = P diag(s) Z Z' diag(s) P,  u = Z' diag(s) c.

Row i's leave-one-out error is sqrt(w_i)^{-1} c_i / d_i with d the diagonal of
(K + alpha I)^{-1} - s s' / (alpha W): alpha has cancelled, so small penalties lose no
digits. s itself is an eigenvector of K of eigenvalue 0; it is moved to the value tau =
trace(K) / n_rows, which makes the term to subtract small.
"""

import numpy as np
from scipy.linalg import eigh, lapack

from skrf._utils.blas import product
from skrf.ridge._moments import row_slices
from skrf.ridge._primal import cholesky_in_place, cholesky_solve
from skrf.ridge._problem import (
    Solution,
    best_penalty,
    require_finite,
    require_two_rows,
    used_rows,
    warn_imprecise,
)


def solve_dual(matrix, problem):
    """Ridge regression for one penalty, or the best by leave-one-out error."""
    matrix = used_rows(matrix)
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
        """Warn where rounding of K matters for the smallest eigenvalue of K + alpha."""
        if self.rounding > 1e-6 * least_eigenvalue:
            error = min(self.rounding / max(least_eigenvalue, 1e-300), 1.0)
            what = f"the coefficients from the Gram matrix for alpha={alpha:.3g}"
            warn_imprecise(what, error)

    def _spectrum(self, alphas):
        # The upper triangle of K, which a failed Cholesky factorisation leaves unchanged.
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
