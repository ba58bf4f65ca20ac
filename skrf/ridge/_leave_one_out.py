"""What a leave-one-out error is, and the errors of all penalties from one factorisation.

The model without row i predicts y_i with the error

    e_i = (y_i - fit_i) / (1 - h_i),  h_i = a_i' (S_zz + alpha I)^{-1} a_i + w_i / W,

a_i = sqrt(w_i) (z_i - m_z) the row of weighted, centred features, without w_i / W where
there is no intercept. For a row of weight 0, h_i = 0. 1 - h_i is a difference; if it is
smaller than the rounding error of its terms, it is set to that size (`clamp`), because a
row that alone fixes a coefficient has no leave-one-out error worth a number.

`primal` errors: with S_zz = V Lambda V' and q_i = V' a_i, h_i = q_i' D q_i + w_i / W for
D = (Lambda + alpha)^{-1}, or with S_zz + alpha I = L L' and q_i = L^{-1} a_i, D = I (see
`_basis`). One pass over the rows gives the errors of all penalties. `_dual` computes the
same errors from the Gram matrix, and `_width_path` for every width.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np

from skrf._utils.blas import product
from skrf.ridge._basis import Basis, Spectrum
from skrf.ridge._held_out import MAX_STORED, Scoring
from skrf.ridge._moments import shift_and_scale
from skrf.ridge._passes import Pass, results_of_slices
from skrf.ridge._penalties import compare
from skrf.ridge._primal import moments_of, refine
from skrf.ridge._problem import (
    Solution,
    check_finite,
    require_two_rows,
    warn_imprecise,
)

EPS = float(np.finfo(np.float64).eps)


def clamp(complement, terms=1.0, rounding=0.0):
    """Raise 1 - h, in place, to the rounding error of its terms.

    `terms` is the size of the terms of the difference, and `rounding` their own relative
    error. Returns the maximum relative errors of 1 - h over the rows.
    """
    np.maximum(complement, EPS * terms, out=complement)
    return np.max((EPS + rounding) * terms / complement, axis=0, initial=0.0)


def search_primal(matrix, problem, moments=None, alpha=None):
    """Ridge regression with the best penalty by exact leave-one-out error.

    `moments` are those of the rows where they are known, and `alpha` is the penalty where
    it has been chosen.
    """
    moments = moments_of(matrix, problem) if moments is None else moments
    check_finite(moments)
    require_two_rows(moments.n_rows, moments.centred)
    zy, mean = moments.zy.copy(), moments.mean_square
    basis = Basis.of(moments, problem, np.ndim(alpha) > 0, matrix.space)
    scoring = problem.scoring
    n_values = moments.n_rows * problem.n_alphas * matrix.n_outputs
    few_labels = scoring.targets.are_labels and n_values <= MAX_STORED

    def evaluate(alphas, every=int(scoring.needs_rows or few_labels)):
        run = LeaveOneOutPass.of(basis, moments, alphas, scoring, every)
        held_out = matrix.reduce(run)
        return scoring.comparison(alphas, held_out, basis.rounding(alphas))

    comparison = rows = None
    if alpha is None:
        spectrum = Spectrum.of(basis.largest, mean, matrix.n_columns)
        comparison = compare(problem, spectrum, evaluate)
        alpha = comparison.alphas[comparison.best]
        if comparison.rows is not None:
            rows = comparison.rows.at(comparison.best)
    if rows is None and scoring.targets.are_labels:
        every = -(-moments.n_rows * matrix.n_outputs // MAX_STORED)
        rows = evaluate(np.atleast_1d(alpha), every).rows.at(0)
    error = float(np.max(basis.rounding(np.atleast_1d(alpha))))
    coef, n_iter, change = refine(
        matrix, moments, alpha, basis.solve(alpha, zy), partial(basis.solve, alpha), error
    )
    if problem.auto and change > 1e-6:
        warn_imprecise(f"the coefficients for alpha={np.min(alpha):.3g}", change)
    bias = moments.y_mean - moments.z_mean @ coef
    return Solution(coef, bias, alpha, comparison, n_iter, rows)


@dataclass
class LeaveOneOutPass(Pass):
    """A pass that ends with the leave-one-out errors for every penalty, a `HeldOut`."""

    basis: Basis
    D: np.ndarray  # (n_columns, n_alphas)
    fits: np.ndarray  # (n_columns, n_alphas * n_outputs): D times the targets
    z_mean: np.ndarray
    y_mean: np.ndarray
    weight: float
    centred: bool
    scoring: Scoring
    every: int  # one row in `every` is kept, or none where that is 0
    label = "leave-one-out errors"

    @classmethod
    def of(cls, basis, moments, alphas, scoring, every=0):
        """For the moments that the basis comes from."""
        D, targets = basis.inverse(alphas), basis.targets
        fits = (D[:, :, np.newaxis] * targets[:, np.newaxis, :]).reshape(len(D), -1)
        means = moments.z_mean, moments.y_mean
        return cls(basis, D, fits, *means, moments.weight, moments.centred, scoring, every)

    def zero(self):
        return self.scoring.zero(self.D.shape[1], len(self.y_mean))

    def add(self, total, Z, Y, w, scratch):
        A, scale = scratch.in_float64(Z), np.where(w > 0, w, 1.0)
        shift_and_scale(Z, self.z_mean, scale, A)
        Q = self.basis.rotate(A, scratch)

        def held_out(rows):
            return self._held_out(Q[rows], Y[rows], w[rows], scale[rows])

        for part in results_of_slices(len(Q), held_out):
            total.merge(part)

    def merge(self, total, other):
        return total.merge(other)

    def _held_out(self, Q, Y, w, scale):
        fit = np.empty((len(Q), self.fits.shape[1]))
        product(Q, self.fits, fit)
        np.multiply(Q, Q, out=Q)
        complement = np.empty((len(Q), self.D.shape[1]))
        product(Q, self.D, complement)
        complement *= (w > 0)[:, np.newaxis]
        own = self.centred * w[:, np.newaxis] / self.weight
        np.subtract(1.0 - own, complement, out=complement)
        rounding = clamp(complement)
        roots = np.sqrt(scale)[:, np.newaxis]
        errors = (roots * (Y - self.y_mean))[:, np.newaxis, :] - fit.reshape(
            *complement.shape, -1
        )
        errors /= (roots * complement)[:, :, np.newaxis]
        return self.scoring.of(errors, Y, w, rounding, self.every)
