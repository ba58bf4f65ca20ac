"""Ridge regression from the (n_columns, n_columns) matrix of moments of the features.

With the moments S of the centred, weighted features (see `_moments`), ridge regression is
(S_zz + alpha I) u = S_zy, and u = V (Lambda + alpha)^{-1} V' S_zy from S_zz = V Lambda V'
for every alpha. Let A hold the rows a_i = sqrt(w_i) (z_i - m_z). One more pass gives the
exact leave-one-out error of row i: with q_i = V' a_i (or q_i = L^{-1} a_i for one alpha and
S_zz + alpha I = L L'),

    y_i - prediction without i = (y_i - fit_i) / (1 - q_i' D q_i - w_i / W),

D = (Lambda + alpha)^{-1} (or I), without w_i / W where there is no intercept.
"""

import warnings
from dataclasses import dataclass
from functools import partial

import numpy as np
from numba import njit
from scipy.linalg import LinAlgError, LinAlgWarning, blas, eigh, lapack

from skrf import _kernels
from skrf._blas import product, solve_rows
from skrf._blocks import in_threads
from skrf._moments import MomentsTask, row_slices, shift_and_scale

# Relative error of the coefficients that refinement goes on to.
_TOLERANCE = 1e-8
_MOST_STEPS = 30


@dataclass
class Problem:
    """What to solve: which penalties, whether to compare them, whether with intercept."""

    alphas: np.ndarray  # (n_alphas,)
    searches: bool
    fit_intercept: bool


@dataclass
class Solution:
    """Coefficients in float64, and the errors of every penalty that was compared."""

    coef: np.ndarray  # (n_columns, n_outputs)
    intercept: np.ndarray  # (n_outputs,)
    alpha: float
    scores: np.ndarray | None = None  # (n_alphas,), minus the mean squared errors
    n_iter: int = 0

    @classmethod
    def best(cls, coef_of, moments, problem, scores):
        """The solution with the highest score; coef_of(k) is that of alphas[k]."""
        if not np.isfinite(scores).any():
            raise ValueError(
                f"No penalty of alphas={problem.alphas.tolist()} has a finite error: the "
                "squares overflow. Scale X and y down."
            )
        k = int(np.nanargmax(scores))
        coef = coef_of(k)
        intercept = moments.y_mean - moments.z_mean @ coef
        return cls(coef, intercept, float(problem.alphas[k]), scores)


def moments_of(matrix, problem, dtype=np.float64):
    """One pass over the features."""
    shape = matrix.n_columns, matrix.n_outputs
    moments = matrix.reduce(MomentsTask(*shape, problem.fit_intercept, np.dtype(dtype)))
    if moments.weight == 0:
        raise ValueError(
            "sample_weight is zero on every row. Give at least one row a positive weight."
        )
    return moments


def solve_primal(matrix, problem):
    """Ridge regression for one penalty, or the best by leave-one-out error.

    One penalty is solved with products in the features' dtype; residuals in float64 then
    bring the answer to full precision. Where float32 products are too coarse for that, they
    are made again in float64, which leave-one-out errors always need.
    """
    if problem.searches:
        return _search(matrix, problem)
    alpha = float(problem.alphas[0])
    for dtype in dict.fromkeys([matrix.dtype, np.dtype(np.float64)]):
        solution = solve_one(matrix, moments_of(matrix, problem, dtype), alpha, dtype)
        if solution is not None:
            return solution
    raise not_positive_definite(alpha)


def cholesky_in_place(zz, alpha):
    """Replace the lower triangle of S_zz by L, S_zz + alpha I = L L'; False on failure."""
    np.fill_diagonal(zz, zz.diagonal() + alpha)
    _, info = lapack.dpotrf(zz.T, lower=0, clean=0, overwrite_a=1)
    return info == 0


def cholesky_solve(lower, b):
    """(L L')^{-1} b."""
    return lapack.dpotrs(lower.T, b, lower=0)[0]


def not_positive_definite(alpha):
    """The error for a penalty that rounding swallows."""
    return LinAlgError(
        f"alpha={alpha:.3g} is too small for these features: the matrix Z'Z + alpha I is "
        "singular to working precision. Use larger alphas."
    )


def check_finite(moments):
    """Raise when features, targets or their squares are not finite."""
    sums = [moments.zz.diagonal().sum(), moments.zy.sum(), moments.yy.sum()]
    if not np.isfinite(sums).all():
        raise ValueError(
            "The features, y or their weighted squares are not finite: they overflow "
            "float64, or `features` gave NaN. Scale X, y or sample_weight down."
        )


def largest_eigenvalue(zz, n_steps=10):
    """Of the symmetric matrix in the lower triangle, by power iteration."""
    v, size = np.ones(len(zz)), 0.0
    for _ in range(n_steps):
        norm = np.linalg.norm(v)
        if norm == 0:
            break
        v = blas.dsymv(1.0, zz.T, v / norm, lower=0)
        size = np.linalg.norm(v)
    return size


def solve_one(matrix, moments, alpha, dtype=np.float64):
    """Cholesky factor, in place of the moments, and refinement; None if too coarse."""
    if dtype == np.float64:
        check_finite(moments)
    elif not np.isfinite(moments.zz.diagonal().sum() + moments.zy.sum()):
        return None
    # Float32 products of the targets are coarse for every alpha.
    error = np.finfo(dtype).eps * max(largest_eigenvalue(moments.zz) / alpha, 1.0)
    if not cholesky_in_place(moments.zz, alpha):
        return None

    def solve(b):
        return cholesky_solve(moments.zz, b)

    coef, n_iter, change = refine(matrix, moments, alpha, solve(moments.zy), solve, error)
    if change > _TOLERANCE:
        if dtype == np.float32:
            return None
        warn_imprecise(f"the coefficients for alpha={alpha:.3g}", change)
    intercept = moments.y_mean - moments.z_mean @ coef
    return Solution(coef, intercept, alpha, n_iter=n_iter)


def refine(matrix, moments, alpha, coef, solve, error):
    """Newton steps from residuals in float64 until the relative error is below 1e-8.

    `solve` multiplies by an approximate inverse of S_zz + alpha I, and `error` estimates
    the relative error of `coef`. Returns coefficients, number of steps and error.
    """
    change = 1.0
    for n_iter in range(_MOST_STEPS):
        if error <= _TOLERANCE:
            return coef, n_iter, error
        task = ResidualTask(coef, moments.z_mean, moments.y_mean)
        step = solve(matrix.reduce(task) - alpha * coef)
        sizes = np.linalg.norm(coef, axis=0)
        last = change
        change = np.max(np.linalg.norm(step, axis=0) / np.where(sizes > 0, sizes, 1))
        # Every step must at least halve the error, which the first step measures.
        if not change < last / 2:
            return coef, n_iter, change
        coef = coef + step
        error = change**2 / last
    return coef, _MOST_STEPS, error


def warn_imprecise(what, error):
    """Say that rounding has spoiled a result."""
    warnings.warn(
        f"The features are so collinear that the relative error of {what} may be "
        f"{error:.0e}. Use larger alphas.",
        LinAlgWarning,
        stacklevel=2,
    )


@njit(cache=True, nogil=True, fastmath=_kernels.FASTMATH)
def _add_residuals(Z, Y, w, u, shift, out):
    """out[t] += sum_i w_i r_i (z_i, 1), r_i = y_it - shift_t - <u_t, z_i>."""
    width = Z.shape[1]
    for i in range(Z.shape[0]):
        row = Z[i]
        for t in range(u.shape[0]):
            coef, total, fit = u[t], out[t], 0.0
            for j in range(width):
                fit += coef[j] * row[j]
            r = w[i] * (Y[i, t] - shift[t] - fit)
            for j in range(width):
                total[j] += r * row[j]
            total[width] += r


@dataclass
class ResidualTask:
    """sum_i w_i (z_i - m_z) (y_i - fit_i)' for coefficients, in float64."""

    coef: np.ndarray  # (n_columns, n_outputs)
    z_mean: np.ndarray
    y_mean: np.ndarray
    label = "residuals"

    def zero(self):
        """The result of no rows."""
        return np.zeros(self.coef.shape)

    def add(self, total, Z, Y, w, scratch):
        """Add a block of rows to a result."""
        u = np.ascontiguousarray(self.coef.T)
        shift = self.y_mean - self.z_mean @ self.coef
        slices = row_slices(len(Z))
        parts = np.zeros((len(slices), len(u), Z.shape[1] + 1))

        def work(numbers):
            for k in numbers:
                rows = slices[k]
                _add_residuals(Z[rows], Y[rows], w[rows], u, shift, parts[k])

        in_threads(work, list(range(len(slices))))
        sums = parts.sum(axis=0).T
        total += sums[:-1] - np.outer(self.z_mean, sums[-1])

    def merge(self, total, other):
        """Add another result; returns the sum."""
        return total + other


# -------------------------------------------------------------------- leave-one-out


def _search(matrix, problem):
    moments = moments_of(matrix, problem)
    check_finite(moments)
    if moments.centred and moments.n_rows < 2:
        raise ValueError(
            "Leave-one-out errors need at least 2 rows of positive weight; got "
            "n_samples=1. Give more rows, or one number as alphas."
        )
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

    @classmethod
    def of(cls, moments, alphas):
        """Factorise, with a warning where rounding spoils the errors."""
        zz, zy = moments.zz, moments.zy
        if len(alphas) == 1:
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
            D = 1 / (np.maximum(values, 0.0)[:, np.newaxis] + alphas)
            errors = 1e-15 * max(values[-1], 0.0) / alphas
            basis = cls(vectors, False, D, vectors.T @ zy, errors)
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


# -------------------------------------------------- generalised and k-fold validation


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
    # Two penalties at least, so that the basis has eigenvalues.
    alphas = np.append(problem.alphas, problem.alphas[-1])
    basis = Basis.of(moments, alphas)
    D, n = basis.weights[:, :-1], moments.n_rows
    shrinkage = problem.alphas * D
    squares = (basis.targets**2).sum(axis=1)
    residual = moments.yy.sum() - (squares[:, np.newaxis] * D * (1 + shrinkage)).sum(axis=0)
    trace = (1 - shrinkage).sum(axis=0) + moments.centred
    left = np.maximum(1 - trace / n, np.finfo(np.float64).eps)
    scores = -np.maximum(residual, 0) / (moments.weight * len(moments.yy)) / left**2
    return Solution.best(basis.coef, moments, problem, scores)


def cross_validate_primal(matrix, problem, splits):
    """Minus the mean squared errors of all penalties, averaged over the splits."""
    whole, scores = moments_of(matrix, problem), []
    check_finite(whole)
    for train, test in splits:
        fold, moments = matrix.subset(test), None
        if np.array_equal(np.sort(np.concatenate([train, test])), np.arange(matrix.n_rows)):
            moments = whole.without(moments_of(fold, problem))
            # Where the fold outweighs the rest, the difference is all rounding.
            small = moments.zz.diagonal() < 1e-6 * whole.zz.diagonal()
            small = small.any() or moments.weight < 1e-6 * whole.weight
            moments = None if small else moments
        if moments is None:
            moments = moments_of(matrix.subset(train), problem)
        alphas = np.append(problem.alphas, problem.alphas[-1])
        basis = Basis.of(moments, alphas)
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
