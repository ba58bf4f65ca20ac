"""Weighted means and centred sums of products of features and targets, which add.

With weights w, W = sum w and means m_z = sum w z / W, m_y = sum w y / W, a linear model's
whole view of its data is

    S_zz = sum w (z - m_z)(z - m_z)',  S_zy = sum w (z - m_z)(y - m_y)',  S_yy, W, m_z, m_y.

Those of two sets of rows give those of their union without loss of digits (Chan, Golub and
LeVeque, 1983): with d = m_2 - m_1 and k = W_1 W_2 / (W_1 + W_2), S = S_1 + S_2 + k d d'.
Without centring all means are 0 and S = S_1 + S_2.
"""

from dataclasses import dataclass

import numpy as np

from skrf._compiled.jit import njit
from skrf._utils.blas import add_gram, product
from skrf._utils.threads import in_threads
from skrf.ridge._passes import Pass, row_slices, sum_of_slices


@njit(cache=True, nogil=True)
def _shift_and_scale(Z, shift, w, roots, out, sums):
    """out[i] <- sqrt(w_i) (z_i - shift), sums <- sum_i w_i (z_i - shift).

    Differences are taken in the dtype of `out`, which may be Z.
    """
    sums[:] = 0.0
    offset = shift.astype(out.dtype)
    for i in range(Z.shape[0]):
        row, result = Z[i], out[i]
        weight, root = w[i], out.dtype.type(roots[i])
        for j in range(Z.shape[1]):
            moved = out.dtype.type(row[j]) - offset[j]
            sums[j] += weight * moved
            result[j] = root * moved


@njit(cache=True, nogil=True)
def _weighted_sum(Z, w, total):
    """total <- sum_i w_i z_i in float64."""
    total[:] = 0.0
    for i in range(Z.shape[0]):
        row, weight = Z[i], w[i]
        for j in range(Z.shape[1]):
            total[j] += weight * row[j]


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


def shift_and_scale(Z, shift, w, out):
    """out <- sqrt(w) (Z - shift), row by row; `out` may be Z. Returns sum w (z - shift)."""
    roots = np.sqrt(w)
    return sum_of_slices(
        len(Z),
        Z.shape[1:],
        lambda r, sums: _shift_and_scale(Z[r], shift, w[r], roots[r], out[r], sums),
    )


def _weighted_mean(Z, w, weight):
    """sum w z / weight, the sum of w."""
    # Divided first, because the sum of large products overflows.
    fractions = w / weight
    return sum_of_slices(
        len(Z), Z.shape[1:], lambda r, sums: _weighted_sum(Z[r], fractions[r], sums)
    )


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
    n_rows: int = 0  # with positive weight

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
        """Add rows; products of features are made in `dtype`. Overwrites Z.

        The rows are taken relative to their own mean m in `dtype`, and their sums are
        merged with the previous sums. No difference loses digits, whatever the weights.
        With g = sum w (z - m), which is rounding error, and the weight W of the rows, the
        sums about m + g / W are sum w (z - m)(z - m)' - g g' / W.
        """
        weight = w.sum()
        if weight == 0:
            return
        z_mean, y_mean = np.zeros(len(self.z_mean)), np.zeros(len(self.y_mean))
        if self.centred:
            # In the dtype in which differences are taken.
            z_mean = _weighted_mean(Z, w, weight).astype(dtype).astype(np.float64)
            y_mean = w / weight @ Y
        A = Z if Z.dtype == dtype else scratch.array("A", *Z.shape, dtype)
        g = shift_and_scale(Z, z_mean, w, A)
        B, h = Y - y_mean, w @ (Y - y_mean)
        B *= np.sqrt(w)[:, np.newaxis]
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
        if self.centred:
            root = np.sqrt(weight)
            self._add_products(part, g / root, h / root, -1.0)
            self._move(weight, z_mean + g / weight, y_mean + h / weight)
        elif part is not None:
            self._add_products(part, g, h, 0.0)
        self.weight += weight
        self.n_rows += int(np.count_nonzero(w))

    @property
    def mean_square(self):
        """trace(S_zz) / p, or 0 where the features are constant up to rounding error."""
        trace = self.zz.diagonal().sum()
        rounding = (10 * np.finfo(np.float64).eps) ** 2 * self.weight
        constant = trace <= rounding * (self.z_mean @ self.z_mean)
        return 0.0 if constant else float(trace / len(self.zz))

    def merge(self, other):
        """Add the sums of other rows."""
        self.zy += other.zy
        self.yy += other.yy
        self._add_products(other.zz, self.z_mean, self.y_mean, 0.0)
        if self.centred and other.weight:
            self._move(other.weight, other.z_mean, other.y_mean)
        self.weight += other.weight
        self.n_rows += other.n_rows

    def _move(self, weight, z_mean, y_mean):
        """Add the product of differences of means, and update the means, for new rows."""
        total = self.weight + weight
        dz, dy = z_mean - self.z_mean, y_mean - self.y_mean
        # In this order, because the product of two large weights overflows.
        self._add_products(None, dz, dy, self.weight * (weight / total))
        self.z_mean += weight / total * dz
        self.y_mean += weight / total * dy

    def _add_products(self, part, dz, dy, factor):
        """S_zz += part + factor dz dz', and factor dz dy' and dy^2 to the others."""

        def work(slices):
            for rows in slices:
                if part is None:
                    _add_outer_lower(dz, factor, rows.start, rows.stop, self.zz)
                else:
                    _add_lower(part, dz, factor, rows.start, rows.stop, self.zz)

        if part is not None or factor:
            in_threads(work, row_slices(len(self.zz)))
        self.zy += np.outer(factor * dz, dy)
        self.yy += factor * dy * dy

    def without(self, other):
        """The sums of the rows that are not in `other`, whose rows are a part of these."""
        rest = self.copy()
        rest.weight, rest.n_rows = self.weight - other.weight, self.n_rows - other.n_rows
        if self.centred:
            for name in ("z_mean", "y_mean"):
                total, part = getattr(self, name), getattr(other, name)
                mean = (self.weight * total - other.weight * part) / rest.weight
                setattr(rest, name, mean)
        k = rest.weight * (other.weight / self.weight)
        dz, dy = rest.z_mean - other.z_mean, rest.y_mean - other.y_mean
        rest.zz -= other.zz + np.outer(k * dz, dz)
        rest.zy -= other.zy + np.outer(k * dz, dy)
        rest.yy -= other.yy + k * dy * dy
        return rest


@dataclass
class MomentsPass(Pass):
    """A pass over the data that ends with its moments."""

    n_columns: int
    n_outputs: int
    centred: bool
    dtype: np.dtype  # of the products of features
    label = "sums of products"

    def zero(self):
        return Moments.zeros(self.n_columns, self.n_outputs, self.centred)

    def add(self, total, Z, Y, w, scratch):
        total.add(Z, Y, w, self.dtype, scratch)

    def merge(self, total, other):
        total.merge(other)
        return total
