"""Ridge regression from the (n_rows, n_rows) Gram matrix.

With s = sqrt(w), W = s's and P = I - s s' / W (P = I without an intercept), ridge
regression on the centred, weighted features A = P diag(s) Z is

    (K + alpha I) c = P diag(s) y,  K = P diag(s) Z Z' diag(s) P,  u = Z' diag(s) c.

Row i's leave-one-out error is sqrt(w_i)^{-1} c_i / d_i with d the diagonal of
(K + alpha I)^{-1} - s s' / (alpha W): alpha has cancelled, so small penalties lose no
digits. s itself is an eigenvector of K of eigenvalue 0; it is moved to the value tau =
trace(K) / n_rows, which makes the term to subtract small.
"""

from dataclasses import replace

import numpy as np
from scipy.linalg import eigh, lapack

from skrf._utils.blas import product
from skrf.ridge._basis import Spectrum
from skrf.ridge._held_out import Rows
from skrf.ridge._leave_one_out import clamp
from skrf.ridge._passes import row_slices
from skrf.ridge._penalties import SMALLEST, compare
from skrf.ridge._primal import cholesky_in_place, cholesky_solve
from skrf.ridge._problem import (
    Solution,
    require_finite,
    require_two_rows,
    used_rows,
    warn_imprecise,
)


def solve_dual(matrix, problem, alpha=None):
    """Ridge regression for one penalty, or the best by leave-one-out error.

    `alpha` is the penalty, or one for every output, where it has been chosen.
    """
    every_row, matrix = matrix, used_rows(matrix)
    if problem.measures:
        require_two_rows(matrix.n_rows, problem.fit_intercept)
    full = matrix.exact()
    data = matrix.Y, matrix.weights, problem.fit_intercept
    system = GramSystem(full.gram(), *data, matrix.space)
    if not problem.measures and np.ndim(alpha) == 0:
        duals = system.solve(problem.alphas)[:, 0]
        require_finite(duals)
        coef = full.transposed_times(system.roots[:, np.newaxis] * duals)
        return Solution(coef, system.intercept(duals), float(problem.alphas[0]))
    scoring, spectrum = problem.scoring, system.prepare(problem, matrix.n_columns)

    def evaluate(alphas):
        errors, rounding = system.leave_one_out(alphas)
        held_out = scoring.of(errors, matrix.Y, matrix.weights, rounding, 1)
        return scoring.comparison(alphas, held_out)

    comparison = rows = None
    if alpha is None:
        comparison = compare(problem, spectrum, evaluate)
        alpha = comparison.alphas[comparison.best]
        rows = comparison.rows.at(comparison.best)
    elif scoring.targets.are_labels:
        rows = evaluate(np.atleast_1d(alpha)).rows.at(0)
    duals = system.duals(np.atleast_1d(alpha))
    duals = duals[:, 0] if np.ndim(alpha) == 0 else np.einsum("itt->it", duals)
    require_finite(duals)
    coef = full.transposed_times(system.roots[:, np.newaxis] * duals)
    if comparison is not None and not scoring.store:
        comparison = replace(comparison, rows=None)
    elif comparison is not None and matrix.n_rows < every_row.n_rows:
        all_rows = _with_unused_rows(every_row, full, system, comparison)
        comparison = replace(comparison, rows=all_rows)
    return Solution(coef, system.intercept(duals), alpha, comparison, 0, rows)


def _with_unused_rows(matrix, full, system, comparison):
    """The errors of all rows: rows of weight 0 are predicted by the model itself."""
    used, n_alphas = matrix.weights > 0, len(comparison.alphas)
    duals = system.duals(comparison.alphas)
    weighted = (system.roots[:, np.newaxis, np.newaxis] * duals).reshape(len(duals), -1)
    unused = matrix.subset(np.flatnonzero(~used))
    fit = unused.exact().times(full.transposed_times(weighted))
    fit = fit.reshape(unused.n_rows, n_alphas, -1) + system.intercept(duals)
    errors = np.empty((matrix.n_rows, *fit.shape[1:]))
    errors[used], errors[~used] = comparison.rows.errors, unused.Y[:, np.newaxis] - fit
    return Rows(matrix.Y, matrix.weights, errors)


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
    space : Namespace, default=None
        Where eigenvectors are computed. None means NumPy.
    """

    def __init__(self, gram, Y, w, centred, space=None):
        self.space = space
        self.K, self.centred, self.roots = gram, centred, np.sqrt(w)
        self.weight = w.sum()
        self.unit = self.roots / np.sqrt(self.weight)
        self.y_mean = w @ Y / self.weight if centred else np.zeros(Y.shape[1])
        self.y = self.roots[:, np.newaxis] * (Y - self.y_mean)
        self.tau, self.mean_products = 0.0, np.zeros(len(w))
        self.values = self.V = None  # eigenvalues and eigenvectors of K, if computed
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

    def solve(self, alphas, warns=True):
        """c of shape (n_rows, n_alphas, n_outputs); overwrites K."""
        if len(alphas) > 1 or not self._factorise(alphas[0]):
            self._decompose(np.min(alphas) if warns else None)
        return self.duals(alphas)

    def prepare(self, problem, n_columns):
        """Factorise K for leave-one-out errors; returns its `Spectrum`."""
        if not problem.auto:
            if len(problem.alphas) > 1 or not self._factorise(problem.alphas[0]):
                self._decompose(np.min(problem.alphas))
            return None
        mean = self.mean_square(n_columns)
        self._decompose(None)
        exact = max(1e6 * self.rounding - self.values[0], 0.0)
        smallest = max(exact, SMALLEST * self.values[-1])
        return Spectrum(mean, mean * n_columns, smallest)

    def mean_square(self, n_columns):
        """trace(Z' diag(s) P diag(s) Z) / n_columns, or 0 up to rounding error."""
        trace = np.trace(self.K) - self.tau
        constant = trace <= 10 * len(self.K) * self.rounding
        return 0.0 if constant else float(trace / n_columns)

    def duals(self, alphas):
        """c of shape (n_rows, n_alphas, n_outputs), after `prepare` or `solve`."""
        if self.V is None:
            return self._project(cholesky_solve(self.K, self.y))[:, np.newaxis]
        D = 1 / (self.values[:, np.newaxis] + alphas)
        scaled = D[:, :, np.newaxis] * (self.V.T @ self.y)[:, np.newaxis, :]
        duals = np.empty((len(self.V), D.shape[1] * self.y.shape[1]))
        product(self.V, scaled.reshape(len(self.V), -1), duals)
        return self._project(duals).reshape(len(self.V), D.shape[1], -1)

    def leave_one_out(self, alphas):
        """(Leave-one-out errors of shape (n_rows, n_alphas, n_outputs), their rounding)."""
        duals, complement = self.duals(alphas), self._inverse_diagonal(alphas)
        rounding = np.zeros(len(alphas))
        if self.centred:
            terms = complement.copy()
            complement -= self.unit[:, np.newaxis] ** 2 / (self.tau + alphas)
            rounding = clamp(complement, terms, self.rounding * terms)
        # One after the other: the product of both divisors may underflow.
        errors = duals / complement[:, :, np.newaxis]
        errors /= self.roots[:, np.newaxis, np.newaxis]
        return errors, rounding

    def _inverse_diagonal(self, alphas):
        """The diagonal of (K + alpha I)^{-1} for every penalty."""
        if self.V is not None:
            diagonal = np.empty((len(self.V), len(alphas)))
            D = 1 / (self.values[:, np.newaxis] + alphas)
            for rows in row_slices(len(self.V)):
                product(self.V[rows] ** 2, D, diagonal[rows])
            return diagonal
        inverse = lapack.dtrtri(self.K.T, lower=0)[0].T
        diagonal = np.zeros((len(inverse), 1))
        for rows in row_slices(len(inverse)):
            block, square = inverse[rows, : rows.start], np.tril(inverse[rows, rows])
            diagonal[: rows.start, 0] += np.einsum("ij,ij->j", block, block)
            diagonal[rows, 0] += np.einsum("ij,ij->j", square, square)
        return diagonal

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

    def _decompose(self, alpha):
        """Eigenvectors of K, in its place; `alpha` is the smallest penalty, if known."""
        # The upper triangle of K, which a failed Cholesky factorisation leaves unchanged.
        if self.space is not None:
            values, self.V = self.space.eigh(self.K.T)
        else:
            values, self.V = eigh(
                self.K.T, lower=True, overwrite_a=True, check_finite=False, driver="evd"
            )
        self.values = np.maximum(values, 0.0)
        if alpha is not None:
            self._warn_imprecise(alpha, self.values[0] + alpha)

    def _project(self, duals):
        if self.centred:
            duals -= np.outer(self.unit, self.unit @ duals)
        return duals
