"""One factorisation of S_zz that serves all penalties.

Rows a of features become q = V' a with the inverse D = 1 / (Lambda + alpha), for
S_zz = V Lambda V', or, for a single penalty, q = L^{-1} a with D = 1, for
S_zz + alpha I = L L'.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.linalg import eigh, lapack

from skrf._utils.blas import product, solve_rows
from skrf.ridge._penalties import SMALLEST
from skrf.ridge._primal import cholesky_in_place, cholesky_solve, largest_eigenvalue
from skrf.ridge._problem import not_positive_definite


class Spectrum(NamedTuple):
    """What alphas="auto" knows of the eigenvalues of S_zz, or of K."""

    mean: float
    total: float
    smallest: float  # penalty that rounding allows

    @classmethod
    def of(cls, largest, mean, n_columns):
        """For the largest and the mean eigenvalue of S_zz."""
        return cls(mean, mean * n_columns, SMALLEST * largest)


@dataclass
class Basis:
    """Eigenvectors or a Cholesky factor, in place of S_zz."""

    matrix: np.ndarray  # V, or L in the lower triangle
    targets: np.ndarray  # (n_columns, n_outputs): V' S_zy or L^{-1} S_zy
    largest: float  # eigenvalue
    values: np.ndarray | None = None  # (n_columns,): Lambda, ascending, or None for L

    @classmethod
    def of(cls, moments, problem, spectral=False, space=None):
        """By eigenvectors for several penalties or where `spectral` says so.

        They are computed in a namespace `space`, on its device, unless that is None.
        """
        zz, zy = moments.zz, moments.zy
        if len(problem.alphas) > 1 or problem.auto or spectral:
            if space is not None:
                values, vectors = space.eigh(zz)
            else:
                values, vectors = eigh(
                    zz.T, lower=False, overwrite_a=True, check_finite=False, driver="evd"
                )
            values = np.maximum(values, 0.0)
            return cls(vectors, vectors.T @ zy, values[-1], values)
        largest = largest_eigenvalue(zz)
        if not cholesky_in_place(zz, problem.alphas[0]):
            raise not_positive_definite(problem.alphas[0])
        targets = np.array(zy.T, order="C")
        solve_rows(zz, targets)
        return cls(zz, targets.T, largest)

    def rounding(self, alphas):
        """Relative errors that rounding makes for every penalty."""
        return 1e-15 * self.largest / alphas

    def inverse(self, alphas):
        """D, of shape (n_columns, n_alphas)."""
        if self.values is None:
            return np.ones((len(self.targets), 1))
        return 1 / (self.values[:, np.newaxis] + alphas)

    def solve(self, alpha, b):
        """(S_zz + alpha I)^{-1} b, for one penalty or one for every column of b."""
        if self.values is None:
            return cholesky_solve(self.matrix, b)
        return self.matrix @ (self.inverse(alpha) * (self.matrix.T @ b))

    def coef(self, alpha):
        """The coefficients for a penalty, or for one of every output."""
        if self.values is None:
            return lapack.dtrtrs(self.matrix.T, self.targets, lower=0)[0]
        return self.matrix @ (self.inverse(alpha) * self.targets)

    def rotate(self, A, scratch):
        """q for every row of A, which it may overwrite."""
        if self.values is None:
            solve_rows(self.matrix, A)
            return A
        Q = scratch.array("Q", *A.shape, np.float64)
        product(A, self.matrix, Q)
        return Q
