"""Ridge regression from the (n_columns, n_columns) matrix of moments of the features.

With the moments S of the centred, weighted features (see `_moments`), the coefficients u
solve (S_zz + alpha I) u = S_zy. Products are made in the features' dtype, and residuals in
float64 then bring the answer to full precision.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import blas, lapack

from skrf._compiled import neurons
from skrf._compiled.jit import njit
from skrf.ridge._moments import MomentsPass
from skrf.ridge._passes import Pass, sum_of_slices
from skrf.ridge._problem import (
    Solution,
    check_finite,
    not_positive_definite,
    require_weight,
    warn_imprecise,
)

# Relative error of the coefficients at which refinement stops.
_TOLERANCE = 1e-8
# Maximum relative error without a warning.
_PROMISED = 1e-6
_MOST_STEPS = 30


def moments_of(matrix, problem, dtype=np.float64):
    """One pass over the features."""
    shape = matrix.n_columns, matrix.n_outputs
    moments = matrix.reduce(MomentsPass(*shape, problem.fit_intercept, np.dtype(dtype)))
    require_weight(moments.weight)
    return moments


def solve_primal(matrix, problem):
    """Ridge regression for one penalty.

    Products in the features' dtype that are too coarse for refinement are made again in
    float64.
    """
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


def largest_eigenvalue(zz, n_steps=10):
    """The largest eigenvalue of a symmetric matrix in the lower triangle.

    By power iteration from a random vector. Centred features whose rows sum to 1 would be
    orthogonal to the vector of ones.
    """
    v, size = np.random.default_rng(0).standard_normal(len(zz)), zz.diagonal().max()
    for _ in range(n_steps):
        norm = np.linalg.norm(v)
        if norm == 0:
            break
        v = blas.dsymv(1.0, zz.T, v / norm, lower=0)
    return max(size, np.linalg.norm(v)) if norm else size


def solve_one(matrix, moments, alpha, dtype=np.float64):
    """Cholesky factor, in place of the moments, and refinement; None if too coarse."""
    if dtype == np.float64:
        check_finite(moments)
    elif not np.isfinite(moments.zz.diagonal().sum() + moments.zy.sum()):
        return None
    # float32 products of the targets are coarse for every alpha.
    error = np.finfo(dtype).eps * max(largest_eigenvalue(moments.zz) / alpha, 1.0)
    spread = np.sqrt(np.maximum(moments.zz.diagonal(), 0.0))
    if not cholesky_in_place(moments.zz, alpha):
        return None

    def solve(b):
        return cholesky_solve(moments.zz, b)

    coef, n_iter, change = refine(matrix, moments, alpha, solve(moments.zy), solve, error)
    unseen = _rounding_of_residuals(spread, moments, coef, solve) if n_iter else 0.0
    if change > _TOLERANCE and dtype == np.float32:
        return None
    if change > _TOLERANCE or unseen > _PROMISED:
        what = f"the coefficients for alpha={alpha:.3g}"
        warn_imprecise(what, max(change, unseen))
    intercept = moments.y_mean - moments.z_mean @ coef
    return Solution(coef, intercept, alpha, n_iter=n_iter)


def refine(matrix, moments, alpha, coef, solve, error):
    """Newton steps from residuals in float64 until the relative error is below 1e-8.

    `solve` multiplies by an approximate inverse of S_zz + alpha I, and `error` estimates
    the relative error of `coef`. Returns coefficients, number of steps and error.
    """
    change, varying = 1.0, _varying(moments)
    coef = coef * varying
    for n_iter in range(_MOST_STEPS):
        if error <= _TOLERANCE:
            return coef, n_iter, error
        task = ResidualPass(coef, moments.z_mean, moments.y_mean)
        step = solve(matrix.reduce(task) - alpha * coef) * varying
        sizes = np.linalg.norm(coef, axis=0)
        last = change
        change = np.max(np.linalg.norm(step, axis=0) / np.where(sizes > 0, sizes, 1))
        # Every step must at least halve the error, which the first step measures.
        if not change < last / 2:
            return coef, n_iter, change
        coef = coef + step
        error = change**2 / last
    return coef, _MOST_STEPS, error


def _varying(moments):
    """1 for every output, but 0 for outputs that are constant up to rounding error."""
    rounding = 10 * np.finfo(np.float64).eps * np.abs(moments.y_mean)
    return (moments.yy > moments.weight * rounding**2).astype(np.float64)


def _rounding_of_residuals(spread, moments, coef, solve):
    """The relative error from rounding in the sums Z' r, which refinement cannot see.

    The sums have a random error of about eps ||z_j|| ||r|| / 8 (measured), where at best
    ||r||^2 + alpha ||u||^2 = S_yy - u' S_zy.
    """
    eps = np.finfo(np.float64).eps
    squares = moments.yy - np.einsum("jt,jt->t", coef, moments.zy)
    size = eps / 8 * np.sqrt(np.maximum(squares, eps * moments.yy)) * _varying(moments)
    draws = np.random.default_rng(0).standard_normal((len(coef), 8))
    steps = solve(draws * spread[:, np.newaxis])
    error = size * np.sqrt(np.mean(np.sum(steps**2, axis=0)))
    sizes = np.linalg.norm(coef, axis=0)
    return np.max(error / np.where(sizes > 0, sizes, 1))


@njit(cache=True, nogil=True, fastmath=neurons.FASTMATH)
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
class ResidualPass(Pass):
    """sum_i w_i (z_i - m_z) (y_i - fit_i)' for coefficients, in float64."""

    coef: np.ndarray  # (n_columns, n_outputs)
    z_mean: np.ndarray
    y_mean: np.ndarray
    label = "residuals"

    def zero(self):
        return np.zeros(self.coef.shape)

    def add(self, total, Z, Y, w, scratch):
        u = np.ascontiguousarray(self.coef.T)
        shift = self.y_mean - self.z_mean @ self.coef

        def add(rows, sums):
            _add_residuals(Z[rows], Y[rows], w[rows], u, shift, sums)

        sums = sum_of_slices(len(Z), (len(u), Z.shape[1] + 1), add).T
        total += sums[:-1] - np.outer(self.z_mean, sums[-1])
