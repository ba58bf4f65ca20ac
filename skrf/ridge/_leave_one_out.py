"""Exact leave-one-out errors of all penalties from one factorisation.

With S_zz = V Lambda V' (see `_primal`), u = V (Lambda + alpha)^{-1} V' S_zy for every
alpha. Let A hold the rows a_i = sqrt(w_i) (z_i - m_z). One more pass gives the exact
leave-one-out error of row i: with q_i = V' a_i (or q_i = L^{-1} a_i for one alpha and
S_zz + alpha I = L L'),

    y_i - prediction without i = (y_i - fit_i) / (1 - q_i' D q_i - w_i / W),

D = (Lambda + alpha)^{-1} (or I), without w_i / W where there is no intercept.

These are the errors of the solver "primal". Leave-one-out errors are also computed in
`_dual` from the Gram matrix, and in `_width_path` for every width.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.linalg import eigh, lapack

from skrf._utils.blas import product, solve_rows
from skrf._utils.threads import in_threads
from skrf.ridge._moments import row_slices, shift_and_scale
from skrf.ridge._primal import (
    cholesky_in_place,
    cholesky_solve,
    largest_eigenvalue,
    moments_of,
    refine,
)
from skrf.ridge._problem import (
    Solution,
    check_finite,
    not_positive_definite,
    require_two_rows,
    warn_imprecise,
)


def search_primal(matrix, problem):
    """Ridge regression with the best penalty by exact leave-one-out error."""
    moments = moments_of(matrix, problem)
    check_finite(moments)
    require_two_rows(moments.n_rows, moments.centred)
    zy = moments.zy.copy()
    basis = Basis.of(moments, problem.alphas)
    errors = matrix.reduce(LeaveOneOutTask.of(basis, moments))
    solution = Solution.best(basis.coef, moments, problem, -errors)
    k = int(np.flatnonzero(problem.alphas == solution.alpha)[0])
    solution.coef, solution.n_iter, _ = refine(
        matrix, moments, solution.alpha, basis.solve(k, zy), partial(basis.solve, k),
        basis.errors[k],
    )  # fmt: skip
    solution.intercept = moments.y_mean - moments.z_mean @ solution.coef
    return solution


@dataclass
class Basis:
    """A factorisation of S_zz that serves every alpha; it takes the place of S_zz.

    Rows a of features become q = V' a with weights D = 1 / (Lambda + alpha), or, for a
    single alpha, q = L^{-1} a with weights 1.
    """

    matrix: np.ndarray  # V, or L in the lower triangle
    triangular: bool
    weights: np.ndarray  # (n_columns, n_alphas): D
    targets: np.ndarray  # (n_columns, n_outputs): V' S_zy or L^{-1} S_zy
    errors: np.ndarray  # (n_alphas,): relative errors that rounding makes
    values: np.ndarray | None = None  # (n_columns,): Lambda, ascending, or None for L

    @classmethod
    def of(cls, moments, alphas, spectral=False):
        """Factorise, with a warning where rounding spoils the errors.

        By eigenvectors for several alphas or where `spectral` says so, else by Cholesky.
        """
        zz, zy = moments.zz, moments.zy
        if len(alphas) == 1 and not spectral:
            size = largest_eigenvalue(zz)
            if not cholesky_in_place(zz, alphas[0]):
                raise not_positive_definite(alphas[0])
            targets = np.array(zy.T, order="C")
            solve_rows(zz, targets)
            basis = cls(zz, True, np.ones((len(zz), 1)), targets.T, 1e-15 * size / alphas)
        else:
            values, vectors = eigh(
                zz.T, lower=False, overwrite_a=True, check_finite=False, driver="evd"
            )
            values = np.maximum(values, 0.0)
            D = 1 / (values[:, np.newaxis] + alphas)
            errors = 1e-15 * values[-1] / alphas
            basis = cls(vectors, False, D, vectors.T @ zy, errors, values)
        if basis.errors.max() > 1e-6:
            warn_imprecise(f"the errors for alpha={np.min(alphas):.3g}", basis.errors.max())
        return basis

    def solve(self, k, b):
        """(S_zz + alphas[k] I)^{-1} b."""
        if self.triangular:
            return cholesky_solve(self.matrix, b)
        return self.matrix @ (self.weights[:, [k]] * (self.matrix.T @ b))

    def coef(self, k):
        """The coefficients for alphas[k]."""
        if self.triangular:
            (solved,) = lapack.dtrtrs(self.matrix.T, self.targets, lower=0)[:1]
            return solved
        return self.matrix @ (self.weights[:, [k]] * self.targets)

    def rotate(self, A, scratch):
        """q for every row of A, which it may overwrite."""
        if self.triangular:
            solve_rows(self.matrix, A)
            return A
        Q = scratch.array("Q", *A.shape, np.float64)
        product(A, self.matrix, Q)
        return Q


@dataclass
class LeaveOneOutTask:
    """The mean squared leave-one-out error for every alpha."""

    basis: Basis
    fits: np.ndarray  # (n_columns, n_alphas * n_outputs): D times the targets
    z_mean: np.ndarray
    y_mean: np.ndarray
    weight: float
    centred: bool
    label = "leave-one-out errors"

    @classmethod
    def of(cls, basis, moments):
        """For the moments that the basis comes from."""
        D, targets = basis.weights, basis.targets
        fits = (D[:, :, np.newaxis] * targets[:, np.newaxis, :]).reshape(len(D), -1)
        means = moments.z_mean, moments.y_mean
        return cls(basis, fits, *means, moments.weight, moments.centred)

    def zero(self):
        """The result of no rows."""
        return np.zeros(self.basis.weights.shape[1])

    def add(self, total, Z, Y, w, scratch):
        """Add a block of rows to a result."""
        A = Z if Z.dtype == np.float64 else scratch.array("A", *Z.shape, np.float64)
        shift_and_scale(Z, self.z_mean, w, A)
        Q = self.basis.rotate(A, scratch)
        slices = row_slices(len(Q))
        parts = np.empty((len(slices), len(total)))

        def work(numbers):
            for k in numbers:
                rows = slices[k]
                parts[k] = self._squared_errors(Q[rows], Y[rows], w[rows])

        in_threads(work, list(range(len(slices))))
        total += parts.sum(axis=0) / (self.weight * Y.shape[1])

    def _squared_errors(self, Q, Y, w):
        fit = np.empty((len(Q), self.fits.shape[1]))
        product(Q, self.fits, fit)
        np.multiply(Q, Q, out=Q)
        kept = np.empty((len(Q), self.basis.weights.shape[1]))
        product(Q, self.basis.weights, kept)
        np.subtract(1.0 - self.centred * w[:, np.newaxis] / self.weight, kept, out=kept)
        # A row that alone fixes a coefficient has no leave-one-out error worth a number.
        np.maximum(kept, np.finfo(np.float64).eps, out=kept)
        residuals = np.sqrt(w)[:, np.newaxis] * (Y - self.y_mean)
        errors = residuals[:, np.newaxis, :] - fit.reshape(*kept.shape, -1)
        errors /= kept[:, :, np.newaxis]
        return np.einsum("iat,iat->a", errors, errors)

    def merge(self, total, other):
        """Add another result; returns the sum."""
        return total + other
