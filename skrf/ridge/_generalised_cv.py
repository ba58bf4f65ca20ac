"""Generalised cross-validation: errors of all penalties from the moments alone."""

import numpy as np

from skrf.ridge._leave_one_out import Basis
from skrf.ridge._primal import (
    cholesky_in_place,
    cholesky_solve,
)
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
    """Ridge regression from moments alone, which stay unchanged.

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

    n rows have at most n - 1 eigenvectors, or n without an intercept, each with the
    shrinkage s = alpha / (Lambda + alpha). n - trace(H) is the sum of s over these, plus 1
    for each eigenvector that is missing. The squared residual is S_yy minus the explained
    part. If all of these eigenvalues are positive, the residual at alpha = 0 is zero, and
    the squared residual is also the sum of s^2 (V' S_zy)^2 / Lambda. Each formula loses
    digits where the other keeps them.
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
