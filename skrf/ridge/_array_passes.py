"""Passes over features that are not NumPy's: their sums, by the namespace's functions.

`reduce_arrays` has the results of `FeatureMatrix.reduce`. A pass has a class here that does
its work on the device of the features, in float64, and returns a result in NumPy's arrays.
Passes without a class, and all passes on devices without float64, take the features of each
block to NumPy.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from skrf._utils.array_api import to_numpy
from skrf.features._array_gradients import ArrayGradients
from skrf.features._gradients import GradientPass
from skrf.ridge._held_out import HeldOut
from skrf.ridge._leave_one_out import EPS, LeaveOneOutPass
from skrf.ridge._moments import Moments, MomentsPass
from skrf.ridge._passes import LinearPass, Scratch
from skrf.ridge._primal import ResidualPass
from skrf.ridge._width_path import WidthPathPass


def reduce_arrays(matrix, run, total=None):
    """The result of a pass over all rows, added to `total` unless it is None."""
    all_blocks = matrix.blocks()
    done = matrix.progress(run.label, len(all_blocks)) if matrix.progress else None
    work = _work(run, matrix.feature_map.space)
    for rows in all_blocks:
        work.add(matrix.rows(rows, None), matrix.Y[rows], matrix.weights[rows])
        if done:
            done()
    return work.result() if total is None else run.merge(total, work.result())


def _work(run, space):
    """What does the work of a pass."""
    if not space.has_float64:
        return _InNumpy(run)
    if isinstance(run, LinearPass):
        return _Linear(run, space)
    work_class = _ON_DEVICE.get(type(run))
    return _InNumpy(run) if work_class is None else work_class(run, space)


class _InNumpy:
    """A pass on NumPy's copy of the features."""

    def __init__(self, run):
        self.run, self.total, self.scratch = run, run.zero(), Scratch()

    def add(self, Z, Y, w):
        """Add a block of rows."""
        self.run.add(self.total, np.array(to_numpy(Z)), Y, w, self.scratch)

    def result(self):
        """The result of all rows."""
        return self.total


class _OnDevice:
    """Base class of passes on a device: moves arrays, and casts them to float64."""

    def __init__(self, run, space):
        self.run, self.space, self.xp = run, space, space.xp

    def _array(self, values):
        """NumPy's values on the device, in float64."""
        return self.space.array(np.asarray(values, np.float64))

    def _wide(self, Z):
        """Features in float64."""
        return self.xp.astype(Z, self.xp.float64, copy=False)

    def _scaled(self, Z, mean, w):
        """sqrt(w) (Z - mean) of rows, in float64."""
        return (self._wide(Z) - mean) * self._array(np.sqrt(w))[:, None]


class _Moments(_OnDevice):
    """The sums of `Moments`, whose means are merged as there."""

    def __init__(self, run, space):
        super().__init__(run, space)
        self.sums = Moments.zeros(run.n_columns, run.n_outputs, run.centred)
        self.zz = self._zeros(run.n_columns, run.n_columns)
        self.zy = self._zeros(run.n_columns, run.n_outputs)
        self.z_mean = self._zeros(run.n_columns)

    def _zeros(self, *shape):
        return self.xp.zeros(shape, dtype=self.xp.float64, device=self.space.device)

    def add(self, Z, Y, w):
        sums, weight = self.sums, float(w.sum())
        if weight == 0:
            return
        z_mean, y_mean = self._zeros(Z.shape[1]), np.zeros(Y.shape[1])
        if self.run.centred:
            z_mean = self._array(w / weight) @ self._wide(Z)
            y_mean = w / weight @ Y
        A = self._scaled(Z, z_mean, w)
        B = (Y - y_mean) * np.sqrt(w)[:, np.newaxis]
        self.zy += A.T @ self._array(B)
        if self.run.dtype == np.float32:
            A = self.xp.astype(A, self.xp.float32)
        self.zz += self._wide(A.T @ A)
        sums.yy += (B**2).sum(axis=0)
        if self.run.centred:
            total = sums.weight + weight
            dz, dy = z_mean - self.z_mean, y_mean - sums.y_mean
            factor = sums.weight * (weight / total)
            self.zz += (factor * dz)[:, None] * dz[None, :]
            self.zy += (factor * dz)[:, None] * self._array(dy)[None, :]
            sums.yy += factor * dy * dy
            self.z_mean += weight / total * dz
            sums.y_mean += weight / total * dy
        sums.weight += weight
        sums.n_rows += int(np.count_nonzero(w))

    def result(self):
        names = "zz", "zy", "z_mean"
        # Copies: the solvers work in place.
        arrays = {name: np.array(to_numpy(getattr(self, name))) for name in names}
        return replace(self.sums, **arrays)


class _Residuals(_OnDevice):
    """The sums of `ResidualPass`."""

    def __init__(self, run, space):
        super().__init__(run, space)
        self.coef, self.z_mean = self._array(run.coef), self._array(run.z_mean)
        self.shift = self._array(run.y_mean - run.z_mean @ run.coef)
        self.total = 0.0

    def add(self, Z, Y, w):
        Z = self._wide(Z)
        r = (self._array(Y) - self.shift - Z @ self.coef) * self._array(w)[:, None]
        self.total = self.total + (Z - self.z_mean).T @ r

    def result(self):
        return to_numpy(self.total)


class _LeaveOneOut(_OnDevice):
    """The errors of `LeaveOneOutPass`."""

    def __init__(self, run, space):
        super().__init__(run, space)
        self.total, basis = run.zero(), run.basis
        self.D, self.fits, self.z_mean = map(self._array, (run.D, run.fits, run.z_mean))
        if basis.values is None:
            self.rotation = _inverse_factor(self, basis.matrix).T
        else:
            self.rotation = self._array(basis.matrix)

    def add(self, Z, Y, w):
        run, xp, scale = self.run, self.xp, np.where(w > 0, w, 1.0)
        Q = self._scaled(Z, self.z_mean, scale) @ self.rotation
        used = self._array(w > 0)[:, None]
        own = self._array(1.0 - run.centred * w / run.weight)[:, None]
        complement = xp.clip(own - (Q * Q) @ self.D * used, EPS, None)
        rounding = EPS / np.array(to_numpy(xp.min(complement, axis=0)))
        roots = self._array(np.sqrt(scale))[:, None]
        y = roots * self._array(Y - run.y_mean)
        fit = xp.reshape(Q @ self.fits, (*complement.shape, -1))
        errors = (y[:, None, :] - fit) / (roots * complement)[:, :, None]
        self.total.merge(self._held_out(errors, Y, w, rounding))

    def _held_out(self, errors, Y, w, rounding):
        """The `HeldOut` of errors (n_rows, n_alphas, n_outputs); sums leave the device."""
        scoring, every = self.run.scoring, self.run.every
        if scoring.targets.are_labels or every:
            return scoring.of(np.array(to_numpy(errors)), Y, w, rounding, every)
        squares = self.xp.sum(self._array(w)[:, None, None] * errors**2, axis=0)
        hits, weight = np.zeros(errors.shape[1]), w.sum()
        return HeldOut(np.array(to_numpy(squares)), hits, weight, weight, rounding)

    def result(self):
        return self.total


class _Linear(_OnDevice):
    """A `LinearPass`, whose outputs are computed on the device."""

    def __init__(self, run, space):
        super().__init__(run, space)
        self.total, self.coef = run.zero(), self._array(run.coef)

    def add(self, Z, Y, w):
        outputs = np.array(to_numpy(self._wide(Z) @ self.coef))
        self.run.add_outputs(self.total, outputs, Y, w)

    def result(self):
        return self.total


class _WidthPath(_OnDevice):
    """The errors of `WidthPathPass`, by cumulative sums over columns."""

    def __init__(self, run, space):
        super().__init__(run, space)
        self.rotation = _inverse_factor(self, run.lower).T
        self.targets, self.z_mean = self._array(run.targets), self._array(run.z_mean)
        self.total = np.zeros((2, run.n_widths))

    def add(self, Z, Y, w):
        run, xp = self.run, self.xp
        Q = self._scaled(Z, self.z_mean, w) @ self.rotation
        own = self._array(1.0 - run.centred * w / run.weight)[:, None]
        complement = xp.clip(own - self._by_width(Q * Q), EPS, None)
        y = self._array(np.sqrt(w)[:, np.newaxis] * (Y - run.y_mean))
        for t in range(Y.shape[1]):
            errors = y[:, t][:, None] - self._by_width(Q * self.targets[t, :])
            for k, e in enumerate((errors / complement, errors)):
                self.total[k] += to_numpy(xp.sum(e * e, axis=0))

    def _by_width(self, terms):
        """Sums over the columns of the first r neurons, for every r."""
        terms = self.xp.reshape(terms, (terms.shape[0], self.run.n_widths, -1))
        return self.xp.cumulative_sum(self.xp.sum(terms, axis=2), axis=1)

    def result(self):
        return self.total / (self.run.weight * len(self.run.y_mean))


def _inverse_factor(work, lower):
    """L^{-1} on the device, for NumPy's Cholesky factor L in the lower triangle."""
    L = work.xp.tril(work._array(lower))
    identity = work.xp.eye(len(lower), dtype=work.xp.float64, device=work.space.device)
    return work.xp.linalg.solve(L, identity)


_ON_DEVICE = {
    MomentsPass: _Moments,
    ResidualPass: _Residuals,
    LeaveOneOutPass: _LeaveOneOut,
    WidthPathPass: _WidthPath,
    GradientPass: ArrayGradients,
}
