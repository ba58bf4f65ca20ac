"""Generalised cross-validation: errors of all penalties from the moments alone.

The error is W^{-1} sum w (y - fit)^2 / (1 - trace(H) / n)^2 with the hat matrix H and n
rows of positive weight.
"""

import numpy as np
from scipy.linalg import lapack

from skrf._utils.memory import available_memory
from skrf.ridge._basis import Basis, Spectrum
from skrf.ridge._held_out import Comparison
from skrf.ridge._passes import row_slices
from skrf.ridge._penalties import compare
from skrf.ridge._primal import cholesky_in_place, cholesky_solve, largest_eigenvalue
from skrf.ridge._problem import (
    Solution,
    check_finite,
    not_positive_definite,
    require_two_rows,
    warn_imprecise,
)

# Maximum relative error of the criterion without a warning.
_WRONG = 1e-2


def solve_moments(moments, problem):
    """Ridge regression from moments alone, which stay unchanged."""
    check_finite(moments)
    if problem.auto and not _eigenvectors_fit(len(moments.zz)):
        return _solve_by_factors(moments, problem)
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
    mean = moments.mean_square
    basis = Basis.of(moments, problem, spectral=True)

    def evaluate(alphas):
        scores, rounding = generalised_scores(basis, moments, problem, alphas)
        return Comparison(alphas, scores, scores, rounding, auto=problem.auto)

    spectrum = Spectrum.of(basis.largest, mean, len(moments.zz))
    comparison = compare(problem, spectrum, evaluate, _WRONG)
    alpha = comparison.alphas[comparison.best]
    coef = basis.coef(alpha)
    return Solution(coef, moments.y_mean - moments.z_mean @ coef, alpha, comparison)


def _eigenvectors_fit(n_columns):
    """Whether an eigendecomposition fits in memory, next to the moments."""
    available = available_memory()
    return available is None or 8 * 4 * n_columns**2 <= available


def _solve_by_factors(moments, problem):
    """Ridge regression by a Cholesky factor for every penalty, in little memory."""
    require_two_rows(moments.n_rows, moments.centred)
    lower = np.empty_like(moments.zz)

    def evaluate(alphas):
        scores, rounding = scores_by_factors(moments, lower, problem, alphas)
        return Comparison(alphas, scores, scores, rounding, auto=True)

    largest = largest_eigenvalue(moments.zz)
    spectrum = Spectrum.of(largest, moments.mean_square, len(lower))
    comparison = compare(problem, spectrum, evaluate, _WRONG)
    alpha = comparison.alphas[comparison.best]
    coef = np.empty_like(moments.zy)
    for one in np.unique(alpha):
        lower[...] = moments.zz
        if not cholesky_in_place(lower, one):
            raise not_positive_definite(one)
        outputs = np.broadcast_to(alpha == one, coef.shape[1])
        coef[:, outputs] = cholesky_solve(lower, moments.zy)[:, outputs]
    return Solution(coef, moments.y_mean - moments.z_mean @ coef, alpha, comparison)


def scores_by_factors(moments, lower, problem, alphas):
    """The result of `generalised_scores`, from L L' = S_zz + alpha I in `lower`.

    The squared residual is S_yy - u' S_zy - alpha u'u, and the sum of the shrinkages is
    alpha times the sum of the squares of L^{-1}. Penalties without a factor have no score.
    """
    errors = np.full((len(alphas), len(moments.yy)), np.nan)
    freedom = moments.n_rows - moments.centred - len(lower)
    rounding = 1e-15 * largest_eigenvalue(moments.zz) / alphas
    for k, alpha in enumerate(alphas):
        lower[...] = moments.zz
        if not cholesky_in_place(lower, alpha):
            continue
        u = cholesky_solve(lower, moments.zy)
        residual = moments.yy - np.einsum("jt,jt->t", u, moments.zy + alpha * u)
        lapack.dtrtri(lower.T, lower=0, overwrite_c=1)
        parts = (np.tril(lower[r], r.start) for r in row_slices(len(lower)))
        trace = sum(np.einsum("ij,ij->", part, part) for part in parts)
        remaining = (freedom + alpha * trace) / moments.n_rows
        uncertain = residual <= 10 * max(rounding[k], 1e-14) * moments.yy
        errors[k] = np.maximum(residual, 0.0) / moments.weight
        errors[k] /= max(remaining, np.finfo(np.float64).eps) ** 2
        errors[k][uncertain & (moments.yy > 0)] = np.nan
    scores = -errors if problem.per_target else -errors.mean(axis=1)
    return scores, np.zeros(len(alphas))


def generalised_scores(basis, moments, problem, alphas):
    """(Minus the error of every penalty, its relative error from rounding).

    n rows have at most n - 1 eigenvectors, or n without an intercept, each with the
    shrinkage s = alpha / (Lambda + alpha). n - trace(H) is the sum of s over these, plus 1
    for each eigenvector that is missing. The squared residual is S_yy minus the explained
    part. If all of these eigenvalues are positive, the residual at alpha = 0 is zero, and
    the squared residual is also the sum of s^2 (V' S_zy)^2 / Lambda. Each formula loses
    digits where the other keeps them. With "auto", penalties whose error is only rounding
    have no score.
    """
    freedom, unit = moments.n_rows - moments.centred, 1e-15
    used = slice(max(len(basis.values) - freedom, 0), None)
    values, D = basis.values[used, np.newaxis], basis.inverse(alphas)[used]
    squares, total = basis.targets[used] ** 2, moments.yy
    if not problem.per_target:
        squares, total = squares.sum(axis=1, keepdims=True), total.sum(keepdims=True)
    shrinkage = alphas * D
    residual = total - (D * (1 + shrinkage)).T @ squares
    error = total * np.maximum(basis.rounding(alphas), 10 * unit)[:, np.newaxis]
    largest = basis.values[-1]
    if len(values) == freedom and freedom and values[0, 0] > unit * largest * len(values):
        parts = shrinkage**2
        uncertain = (parts * unit * largest / values**2).T @ squares
        better = uncertain < error
        residual = np.where(better, (parts / values).T @ squares, residual)
        error = np.where(better, uncertain, error)
    residual = np.maximum(residual, 0.0)
    remaining = (freedom - len(values) + shrinkage.sum(axis=0)) / moments.n_rows
    scores = residual * squares.shape[1] / (moments.weight * len(moments.yy))
    scores /= np.maximum(remaining, np.finfo(np.float64).eps)[:, np.newaxis] ** 2
    ratios = np.zeros(residual.shape)
    np.divide(error, np.maximum(residual, unit * total), out=ratios, where=total > 0)
    ratios = np.minimum(ratios, 1.0)
    if problem.auto:
        scores = np.where(ratios > 0.1, np.nan, scores)
    scores = -scores
    return (scores if problem.per_target else scores[:, 0]), ratios.max(axis=1)
