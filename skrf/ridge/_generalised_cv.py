"""Penalties compared: every alpha from one factorisation, with its error on unseen rows.

With S_zz = V Lambda V' (see `_primal`), u = V (Lambda + alpha)^{-1} V' S_zy for every
alpha. Let A hold the rows a_i = sqrt(w_i) (z_i - m_z). One more pass gives the exact
leave-one-out error of row i: with q_i = V' a_i (or q_i = L^{-1} a_i for one alpha and
S_zz + alpha I = L L'),

    y_i - prediction without i = (y_i - fit_i) / (1 - q_i' D q_i - w_i / W),

D = (Lambda + alpha)^{-1} (or I), without w_i / W where there is no intercept. Generalised
cross-validation needs the moments only, and k-fold validation one factorisation a fold.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy.linalg import eigh, lapack

from skrf._utils.blas import product, solve_rows
from skrf._utils.blocks import in_threads
from skrf.ridge._moments import row_slices, shift_and_scale
from skrf.ridge._primal import (
    Solution,
    check_finite,
    cholesky_in_place,
    cholesky_solve,
    largest_eigenvalue,
    moments_of,
    not_positive_definite,
    refine,
    require_two_rows,
    warn_imprecise,
)

# Relative error from which generalised cross-validation may mislead.
_WRONG = 1e-2


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


def solve_moments(moments, problem):
    """Ridge regression from moments alone; they are left as they are.

    Compares penalties by generalised cross-validation, W^{-1} sum w (y - fit)^2 / (1 -
    trace(H) / n)^2 with the hat matrix H and n rows of positive weight.
    """
    check_finite(moments)
    moments = moments.copy()
    if not problem.searches:
        alpha = float(problem.alphas[0])
        error = np.finfo(np.float64).eps * moments.zz.diagonal().sum() / alpha
        if not cholesky_in_place(moments.zz, alpha):
            raise not_positive_definite(alpha)
        if error > 1e-6:
            warn_imprecise(f"the coefficients for alpha={alpha:.3g}", error)
        coef = cholesky_solve(moments.zz, moments.zy)
        return Solution(coef, moments.y_mean - moments.z_mean @ coef, alpha)
    require_two_rows(moments.n_rows, moments.centred)
    basis = Basis.of(moments, problem.alphas, spectral=True)
    scores = -generalised_errors(basis, moments, problem.alphas)
    return Solution.best(basis.coef, moments, problem, scores)


def generalised_errors(basis, moments, alphas):
    """The error of every alpha by generalised cross-validation, without cancellation.

    With the shrinkage s = alpha / (Lambda + alpha) of every eigenvector, those of n rows
    being n - 1 at most, or n without intercept, n - trace(H) is the sum of s over these and
    of 1 for each that there is not. The squared residual is either S_yy less what is
    explained or, where all of these eigenvalues are positive, so that alpha = 0 leaves
    none, the sum of s^2 (V' S_zy)^2 / Lambda: each loses digits where the other keeps them.
    """
    freedom, unit = moments.n_rows - moments.centred, 1e-15
    used = slice(max(len(basis.values) - freedom, 0), None)
    values, D = basis.values[used, np.newaxis], basis.weights[used]
    squares = (basis.targets[used] ** 2).sum(axis=1)[:, np.newaxis]
    shrinkage, total = alphas * D, moments.yy.sum()
    residual = total - (squares * D * (1 + shrinkage)).sum(axis=0)
    error = total * np.maximum(basis.errors, 10 * unit)
    rounding = unit * basis.values[-1] * len(basis.values)
    if len(values) == freedom and freedom and values[0, 0] > rounding:
        parts = shrinkage**2 * squares / values
        uncertain = (parts * unit * basis.values[-1] / values).sum(axis=0)
        better = uncertain < error
        residual = np.where(better, parts.sum(axis=0), residual)
        error = np.where(better, uncertain, error)
    residual = np.maximum(residual, 0.0)
    left = (freedom - len(values) + shrinkage.sum(axis=0)) / moments.n_rows
    scores = residual / (moments.weight * len(moments.yy))
    scores /= np.maximum(left, np.finfo(np.float64).eps) ** 2
    wrong = error > _WRONG * residual
    if wrong.any() and total > 0:
        worst = alphas[wrong].min()
        ratio = min((error[wrong] / np.maximum(residual[wrong], unit * total)).max(), 1.0)
        warn_imprecise(f"the generalised cross-validation for alpha={worst:.3g}", ratio)
    return scores


def cross_validate_primal(matrix, problem, splits):
    """Minus the mean squared errors of all penalties, averaged over the splits."""
    whole, scores = moments_of(matrix, problem), []
    check_finite(whole)
    for train, test in splits:
        fold, moments = matrix.subset(test), None
        if np.array_equal(np.sort(np.concatenate([train, test])), np.arange(matrix.n_rows)):
            part = moments_of(fold, problem)
            # Where the fold outweighs the rest, the difference is all rounding.
            if whole.weight - part.weight >= 1e-6 * whole.weight:
                moments = whole.without(part)
                small = moments.zz.diagonal() < 1e-6 * whole.zz.diagonal()
                moments = None if small.any() else moments
        if moments is None:
            moments = moments_of(matrix.subset(train), problem)
        check_finite(moments)
        basis = Basis.of(moments, problem.alphas, spectral=True)
        coef = np.stack([basis.coef(k) for k in range(len(problem.alphas))], axis=1)
        intercepts = moments.y_mean - np.tensordot(moments.z_mean, coef, 1)
        total = fold.reduce(ScoreTask(coef.reshape(len(coef), -1), intercepts))
        scores.append(-total[:-1] / (total[-1] * matrix.n_outputs))
    return np.mean(scores, axis=0), whole


@dataclass
class ScoreTask:
    """Squared errors of several sets of coefficients on rows, then the rows' weight."""

    coef: np.ndarray  # (n_columns, n_alphas * n_outputs)
    intercepts: np.ndarray  # (n_alphas, n_outputs)
    label = "validation errors"

    def zero(self):
        """The result of no rows."""
        return np.zeros(len(self.intercepts) + 1)

    def add(self, total, Z, Y, w, scratch):
        """Add a block of rows to a result."""
        A = Z.astype(np.float64, copy=False)
        fit = np.empty((len(A), self.coef.shape[1]))
        product(A, self.coef, fit)
        fit = fit.reshape(len(A), *self.intercepts.shape) + self.intercepts
        errors = Y[:, np.newaxis, :] - fit
        total[:-1] += np.einsum("i,iat,iat->a", w, errors, errors)
        total[-1] += w.sum()

    def merge(self, total, other):
        """Add another result; returns the sum."""
        return total + other
