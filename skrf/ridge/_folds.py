"""Errors of all penalties on the folds of a cross-validation."""

from dataclasses import dataclass

import numpy as np

from skrf._utils.blas import product
from skrf.ridge._leave_one_out import Basis
from skrf.ridge._primal import moments_of
from skrf.ridge._problem import check_finite


def cross_validate_primal(matrix, problem, splits):
    """Minus the mean squared errors of all penalties, averaged over the splits."""
    total_moments, scores = moments_of(matrix, problem), []
    check_finite(total_moments)
    for train, test in splits:
        fold, moments = matrix.subset(test), None
        if np.array_equal(np.sort(np.concatenate([train, test])), np.arange(matrix.n_rows)):
            part = moments_of(fold, problem)
            # If the fold outweighs the rest, the difference is only rounding error.
            if total_moments.weight - part.weight >= 1e-6 * total_moments.weight:
                moments = total_moments.without(part)
                small = moments.zz.diagonal() < 1e-6 * total_moments.zz.diagonal()
                moments = None if small.any() else moments
        if moments is None:
            moments = moments_of(matrix.subset(train), problem)
        check_finite(moments)
        basis = Basis.of(moments, problem.alphas, spectral=True)
        coef = np.stack([basis.coef(k) for k in range(len(problem.alphas))], axis=1)
        intercepts = moments.y_mean - np.tensordot(moments.z_mean, coef, 1)
        total = fold.reduce(ScoreTask(coef.reshape(len(coef), -1), intercepts))
        scores.append(-total[:-1] / (total[-1] * matrix.n_outputs))
    return np.mean(scores, axis=0), total_moments


@dataclass
class ScoreTask:
    """Squared errors of several sets of coefficients on rows, and the rows' weight."""

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
