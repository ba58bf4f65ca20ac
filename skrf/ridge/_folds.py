"""Errors of all penalties on the folds of a cross-validation."""

from dataclasses import dataclass, replace

import numpy as np

from skrf.ridge._basis import Basis, Spectrum
from skrf.ridge._dual import GramSystem
from skrf.ridge._held_out import Comparison, Rows, Scoring
from skrf.ridge._passes import LinearPass
from skrf.ridge._penalties import SMALLEST, compare
from skrf.ridge._primal import largest_eigenvalue, moments_of
from skrf.ridge._problem import check_finite


def compare_on_folds(matrix, problem, splits, solver):
    """(The folds, the `Comparison` of all penalties by their scores on the folds)."""
    folds = (DualFolds if solver == "dual" else PrimalFolds)(matrix, problem)

    def evaluate(alphas):
        parts = [folds.held_out(alphas, *split) for split in splits]
        return _mean_comparison(matrix, problem.scoring, alphas, parts, splits)

    return folds, compare(problem, folds.spectrum() if problem.auto else None, evaluate)


def _mean_comparison(matrix, scoring, alphas, parts, splits):
    """The mean scores of folds, and the errors of the rows of all folds."""
    each = [scoring.comparison(alphas, part) for part in parts]
    rows = None
    if scoring.store:
        # Rows of no fold have no error; a row of several folds has the mean.
        errors = np.zeros((matrix.n_rows, len(alphas), matrix.n_outputs))
        counts = np.zeros((matrix.n_rows, 1, 1))
        for (_, test), part in zip(splits, each, strict=True):
            np.add.at(errors, test, part.rows.errors)
            np.add.at(counts, test, 1)
        with np.errstate(invalid="ignore"):
            rows = Rows(matrix.Y, matrix.weights, errors / counts)
    means = [np.mean([getattr(c, name) for c in each], axis=0) for name in _MEANS]
    return Comparison(alphas, *means, rows, scoring.auto)


_MEANS = ("scores", "squares", "rounding")


class PrimalFolds:
    """Folds by moments: those of a training set are a difference of two."""

    def __init__(self, matrix, problem):
        self.matrix, self.problem = matrix, problem
        self.moments = moments_of(matrix, problem)
        check_finite(self.moments)

    def spectrum(self):
        """The `Spectrum` of all rows."""
        largest = largest_eigenvalue(self.moments.zz)
        return Spectrum.of(largest, self.moments.mean_square, self.matrix.n_columns)

    def held_out(self, alphas, train, test):
        """The `HeldOut` of the rows `test` by models of the rows `train`."""
        fold = self.matrix.subset(test)
        moments = self._moments(train, test, fold)
        check_finite(moments)
        basis = Basis.of(moments, self.problem, True, self.matrix.space)
        coef = np.stack([basis.coef(alpha) for alpha in alphas], axis=1)
        intercepts = moments.y_mean - np.tensordot(moments.z_mean, coef, 1)
        scoring = self.problem.scoring
        run = ValidationPass(coef.reshape(len(coef), -1), intercepts, scoring)
        held_out = fold.reduce(run)
        return replace(held_out, rounding=basis.rounding(alphas))

    def _moments(self, train, test, fold):
        total, numbers = self.moments, np.sort(np.concatenate([train, test]))
        if np.array_equal(numbers, np.arange(self.matrix.n_rows)):
            part = moments_of(fold, self.problem)
            # If the fold outweighs the rest, the difference is only rounding error.
            if total.weight - part.weight >= 1e-6 * total.weight:
                moments = total.without(part)
                small = moments.zz.diagonal() < 1e-6 * total.zz.diagonal()
                if not small.any():
                    return moments
        return moments_of(self.matrix.subset(train), self.problem)


class DualFolds:
    """Folds by parts of one Gram matrix."""

    def __init__(self, matrix, problem):
        self.matrix, self.problem = matrix, problem
        self.K = matrix.exact().gram()

    def spectrum(self):
        """The `Spectrum` of all rows."""
        used = np.flatnonzero(self.matrix.weights > 0)
        system = self._system(used)
        mean = system.mean_square(self.matrix.n_columns)
        largest = largest_eigenvalue(system.K)
        smallest = max(1e6 * system.rounding, SMALLEST * largest)
        return Spectrum(mean, mean * self.matrix.n_columns, smallest)

    def _system(self, rows):
        Y, weights = self.matrix.Y[rows], self.matrix.weights[rows]
        gram, centred = self.K[np.ix_(rows, rows)], self.problem.fit_intercept
        return GramSystem(gram, Y, weights, centred, self.matrix.space)

    def held_out(self, alphas, train, test):
        """The `HeldOut` of the rows `test` by models of the rows `train`."""
        train = train[self.matrix.weights[train] > 0]
        system = self._system(train)
        duals = system.solve(alphas, warns=not self.problem.auto)
        fit = np.tensordot(self.K[np.ix_(test, train)] * system.roots, duals, 1)
        errors = self.matrix.Y[test][:, np.newaxis] - fit - system.intercept(duals)
        scoring = self.problem.scoring
        w, every = self.matrix.weights[test], int(scoring.needs_rows)
        return scoring.of(errors, self.matrix.Y[test], w, every=every)


@dataclass
class ValidationPass(LinearPass):
    """A pass that ends with the errors of several sets of coefficients, a `HeldOut`."""

    coef: np.ndarray  # (n_columns, n_alphas * n_outputs)
    intercepts: np.ndarray  # (n_alphas, n_outputs)
    scoring: Scoring
    label = "validation errors"

    def zero(self):
        return self.scoring.zero(*self.intercepts.shape)

    def add_outputs(self, total, outputs, Y, w):
        fit = outputs.reshape(len(Y), *self.intercepts.shape) + self.intercepts
        every = int(self.scoring.needs_rows)
        total.merge(self.scoring.of(Y[:, np.newaxis, :] - fit, Y, w, every=every))

    def merge(self, total, other):
        return total.merge(other)
