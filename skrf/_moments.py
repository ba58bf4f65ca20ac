"""Weighted means and centred sums of products of features and targets, which add.

With weights w, W = sum w and means m_z = sum w z / W, m_y = sum w y / W, a linear model's
whole view of its data is

    S_zz = sum w (z - m_z)(z - m_z)',  S_zy = sum w (z - m_z)(y - m_y)',  S_yy, W, m_z, m_y.

Those of two sets of rows give those of their union without loss of digits (Chan, Golub and
LeVeque, 1983): with d = m_2 - m_1 and k = W_1 W_2 / (W_1 + W_2), S = S_1 + S_2 + k d d'.
Without centring all means are 0 and S = S_1 + S_2.
"""

from dataclasses import dataclass, field

import numpy as np
from numba import njit

from skrf._blas import add_gram, product
from skrf._blocks import in_threads

# Rows that a thread works on at a time. Fixed, so that sums do not depend on threads.
_SLICE = 512


def row_slices(n_rows):
    """Slices of some hundred rows."""
    return [slice(k, min(k + _SLICE, n_rows)) for k in range(0, n_rows, _SLICE)]


@njit(cache=True, nogil=True)
def _weighted_sum(Z, w, out):
    """out <- sum_i w_i z_i, in float64."""
    out[:] = 0.0
    for i in range(Z.shape[0]):
        row, weight = Z[i], w[i]
        for j in range(Z.shape[1]):
            out[j] += weight * row[j]


@njit(cache=True, nogil=True)
def _shift_and_scale(Z, shift, factors, out):
    """out[i] <- factors_i (z_i - shift), computed in the dtype of out; out may be Z."""
    for i in range(Z.shape[0]):
        row, result, factor = Z[i], out[i], out.dtype.type(factors[i])
        for j in range(Z.shape[1]):
            result[j] = factor * (out.dtype.type(row[j]) - out.dtype.type(shift[j]))


@njit(cache=True, nogil=True)
def _add_lower(part, shift, factor, first, last, total):
    """Rows first to last of the lower triangle: total += part + factor shift shift'."""
    for i in range(first, last):
        row, added, f = total[i], part[i], factor * shift[i]
        for j in range(i + 1):
            row[j] += added[j] + f * shift[j]


@njit(cache=True, nogil=True)
def _add_outer_lower(shift, factor, first, last, total):
    """Rows first to last of the lower triangle: total += factor shift shift'."""
    for i in range(first, last):
        row, f = total[i], factor * shift[i]
        for j in range(i + 1):
            row[j] += f * shift[j]


class Scratch:
    """Arrays that one pass over the data uses again for every block."""

    def __init__(self):
        self._arrays = {}

    def array(self, name, n_rows, n_columns, dtype):
        """An uninitialised C-ordered array; the last one of this name is overwritten."""
        key = name, n_columns, np.dtype(dtype)
        found = self._arrays.get(key)
        if found is None or len(found) < n_rows:
            found = self._arrays[key] = np.empty((n_rows, n_columns), dtype)
        return found[:n_rows]


def weighted_mean(Z, w):
    """sum_i w_i z_i / sum_i w_i in float64; the sum of weights must not be 0."""
    slices = row_slices(len(Z))
    parts = np.empty((len(slices), Z.shape[1]))

    def work(numbers):
        for k in numbers:
            _weighted_sum(Z[slices[k]], w[slices[k]], parts[k])

    in_threads(work, list(range(len(slices))))
    return parts.sum(axis=0) / w.sum()


def centre(Z, mean, w, out):
    """out <- sqrt(w) (Z - mean), row by row; `out` may be Z itself."""
    root = np.sqrt(w)

    def work(slices):
        for rows in slices:
            _shift_and_scale(Z[rows], mean, root[rows], out[rows])

    in_threads(work, row_slices(len(Z)))
    return out


@dataclass
class Moments:
    """The sums of a set of rows; `zz` holds the lower triangle of S_zz."""

    z_mean: np.ndarray  # (p,)
    y_mean: np.ndarray  # (n_outputs,)
    zz: np.ndarray  # (p, p)
    zy: np.ndarray  # (p, n_outputs)
    yy: np.ndarray  # (n_outputs,)
    centred: bool
    weight: float = 0.0
    n_rows: int = 0  # of positive weight

    @classmethod
    def zeros(cls, n_columns, n_outputs, centred):
        """The sums of no rows."""
        p, t = n_columns, n_outputs
        arrays = np.zeros(p), np.zeros(t), np.zeros((p, p)), np.zeros((p, t)), np.zeros(t)
        return cls(*arrays, centred)

    def copy(self):
        """An independent copy."""
        arrays = (self.z_mean, self.y_mean, self.zz, self.zy, self.yy)
        return Moments(*map(np.copy, arrays), self.centred, self.weight, self.n_rows)

    def add(self, Z, Y, w, dtype, scratch):
        """Add rows; products of features are made in `dtype`. Overwrites Z."""
        weight = w.sum()
        if weight == 0:
            return
        z_mean, y_mean = np.zeros_like(self.z_mean), np.zeros_like(self.y_mean)
        if self.centred:
            z_mean, y_mean = weighted_mean(Z, w), w @ Y / weight
        same = Z.dtype == dtype
        A = centre(Z, z_mean, w, Z if same else scratch.array("A", *Z.shape, dtype))
        B = np.sqrt(w)[:, np.newaxis] * (Y - y_mean)
        part = None
        if A.dtype == self.zz.dtype:
            add_gram(A, self.zz)
        else:
            part = scratch.array("part", *self.zz.shape, dtype)
            add_gram(A, part, 0.0)
        zy = np.empty(self.zy.shape, dtype)
        product(A.T, np.ascontiguousarray(B, dtype), zy)
        self.zy += zy
        self.yy += (B**2).sum(axis=0)
        self._join(part, z_mean, y_mean, weight, np.count_nonzero(w))

    def merge(self, other):
        """Add the sums of other rows."""
        self.zy += other.zy
        self.yy += other.yy
        self._join(other.zz, other.z_mean, other.y_mean, other.weight, other.n_rows)

    def without(self, other):
        """The sums of the rows that are here but not in `other`, a part of them."""
        left = self.copy()
        left.weight, left.n_rows = self.weight - other.weight, self.n_rows - other.n_rows
        if self.centred:
            for name in ("z_mean", "y_mean"):
                total, part = getattr(self, name), getattr(other, name)
                mean = (self.weight * total - other.weight * part) / left.weight
                setattr(left, name, mean)
        k = left.weight * other.weight / self.weight
        dz, dy = left.z_mean - other.z_mean, left.y_mean - other.y_mean
        left.zz -= other.zz + k * np.outer(dz, dz)
        left.zy -= other.zy + k * np.outer(dz, dy)
        left.yy -= other.yy + k * dy**2
        return left

    def _join(self, part, z_mean, y_mean, weight, n_rows):
        """Add the lower triangle `part` and what the means differ by."""
        total = self.weight + weight
        k = self.weight * weight / total if total else 0.0
        dz, dy = z_mean - self.z_mean, y_mean - self.y_mean

        def work(slices):
            for rows in slices:
                if part is None:
                    _add_outer_lower(dz, k, rows.start, rows.stop, self.zz)
                else:
                    _add_lower(part, dz, k, rows.start, rows.stop, self.zz)

        if part is not None or (self.centred and k > 0):
            in_threads(work, row_slices(len(self.zz)))
        self.zy += k * np.outer(dz, dy)
        self.yy += k * dy**2
        if self.centred and total:
            self.z_mean += weight / total * dz
            self.y_mean += weight / total * dy
        self.weight, self.n_rows = total, self.n_rows + int(n_rows)


@dataclass
class MomentsTask:
    """A pass over the data that ends with its moments."""

    n_columns: int
    n_outputs: int
    centred: bool
    dtype: np.dtype  # of the products of features
    label: str = field(default="sums of products", repr=False)

    def zero(self):
        """The result of no rows."""
        return Moments.zeros(self.n_columns, self.n_outputs, self.centred)

    def add(self, total, Z, Y, w, scratch):
        """Add a block of rows to a result."""
        total.add(Z, Y, w, self.dtype, scratch)

    def merge(self, total, other):
        """Add another result; returns the sum."""
        total.merge(other)
        return total
