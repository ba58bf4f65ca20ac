"""Ridge regression on the first r neurons, for every r, from one factorisation.

With S_zz + alpha I = L L', the leading blocks of L are the factors of the leading blocks of
the matrix. Therefore q_i = L^{-1} a_i for a row a_i of centred, weighted features gives at
once, for the first r columns, the fit sum_{j<=r} q_ij t_j, t = L^{-1} S_zy, and the
leave-one-out error of `_leave_one_out`, with h_i = sum_{j<=r} q_ij^2 + w_i / W.

Features carry 1 / sqrt(R), R their width: the model of the first r neurons of the wider
draw at penalty alpha is the model of width r at penalty alpha R / r, with coefficients
smaller by sqrt(r / R).
"""

from dataclasses import dataclass
from numbers import Integral

import numpy as np

from skrf._compiled.jit import njit
from skrf._utils.blas import solve_rows
from skrf._utils.version import VersionedState
from skrf.ridge._leave_one_out import EPS
from skrf.ridge._moments import Moments, shift_and_scale
from skrf.ridge._passes import Pass, sum_of_slices
from skrf.ridge._penalties import GRID
from skrf.ridge._primal import (
    cholesky_in_place,
    cholesky_solve,
    largest_eigenvalue,
    moments_of,
)
from skrf.ridge._problem import (
    check_finite,
    not_positive_definite,
    require_two_rows,
    warn_imprecise,
)


@dataclass(repr=False, eq=False)
class WidthPath(VersionedState):
    """Errors and coefficients of ridge regression on every width of nested features.

    Returned by `RandomFeatureRidge.width_path`.

    Attributes
    ----------
    widths : ndarray of shape (max_width,)
        1, 2, ..., the width of the features.
    alphas : ndarray of shape (n_alphas, max_width)
        The penalty of every model in the scale of its own width r: the parameter times
        max_width / r.
    leave_one_out_errors : ndarray of shape (n_alphas, max_width)
        Exact weighted mean squared error of predicting each row from the other rows.
    training_errors : ndarray of shape (n_alphas, max_width)
        Weighted mean squared error of the fit.
    n_rows : int
        Number of rows of positive weight.

    Notes
    -----
    Entry ``[k, r - 1]`` is the model ``RandomFeatureRidge(features of width r,
    alphas=alphas[k, r - 1])`` with the first r neurons of the wider draw. With the same int
    as `random_state`, these are the neurons of the narrower draw.

    The leave-one-out errors are those of scikit-learn's RidgeCV [1]_, for all widths from
    the leading blocks of one Cholesky factor.

    References
    ----------
    .. [1] Rifkin, R. M. and Lippert, R. A. (2007). Notes on regularized least squares. MIT
       Computer Science and Artificial Intelligence Laboratory, MIT-CSAIL-TR-2007-025.

    Examples
    --------
    >>> from skrf import RandomFeatureRidge, RandomReLUFeatures, make_single_neuron
    >>> X, y = make_single_neuron(n_samples=50, n_features=3, random_state=0)
    >>> model = RandomFeatureRidge(RandomReLUFeatures(100), alphas=[1, 9], random_state=0)
    >>> path = model.width_path(X, y)
    >>> path.leave_one_out_errors.shape
    (2, 100)
    >>> path.alphas[:, 49]
    array([ 2., 18.])
    >>> path
    <WidthPath: widths 1 to 100, 2 alphas, 50 rows; best 0.0591 at width 97, alpha 1.03>
    """

    widths: np.ndarray
    alphas: np.ndarray
    leave_one_out_errors: np.ndarray
    training_errors: np.ndarray
    n_rows: int
    _alphas_of_full_width: np.ndarray
    _moments: Moments

    def __repr__(self) -> str:
        k, width = self.best
        error, alpha = (a[k, width - 1] for a in (self.leave_one_out_errors, self.alphas))
        return (
            f"<WidthPath: widths 1 to {self.widths[-1]}, {len(self.alphas)} alphas, "
            f"{self.n_rows} rows; best {error:.3g} at width {width}, alpha {alpha:.3g}>"
        )

    @property
    def best(self) -> tuple[int, int]:
        """(k, width) of the model with the smallest leave-one-out error."""
        k, r = np.unravel_index(
            np.nanargmin(self.leave_one_out_errors), self.leave_one_out_errors.shape
        )
        return int(k), int(self.widths[r])

    def output_layer(self, width: int, k: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Output weights and bias of one model, in the scale of its own width.

        Parameters
        ----------
        width : int
            Number r of neurons.
        k : int, default=0
            Index of the penalty in the parameter `alphas`.

        Returns
        -------
        output_weights : ndarray of shape (n_columns, n_outputs)
            The coefficients of the features of the first r neurons. `output_weights_` of
            the estimator is their transpose.
        output_bias : ndarray of shape (n_outputs,)
            The intercept.

        Raises
        ------
        ValueError
            If `width` or `k` is not on the path.
        LinAlgError
            If the alpha is too small for these features.

        Examples
        --------
        >>> import numpy as np
        >>> from skrf import RandomFeatureRidge, RandomReLUFeatures, make_single_neuron
        >>> X, y = make_single_neuron(n_samples=50, n_features=3, random_state=0)
        >>> wide = RandomFeatureRidge(RandomReLUFeatures(100), alphas=1e-3, random_state=0)
        >>> weights, bias = wide.width_path(X, y).output_layer(25)
        >>> narrow = RandomFeatureRidge(
        ...     RandomReLUFeatures(25), alphas=1e-3 * 100 / 25, random_state=0).fit(X, y)
        >>> np.allclose(weights[:, 0], narrow.output_weights_)
        True
        """
        n_alphas = len(self._alphas_of_full_width)
        if not isinstance(k, Integral) or not 0 <= k < n_alphas:
            raise ValueError(
                f"`k` must be the index of an alpha, from 0 to {n_alphas - 1}; got {k!r}. "
                "Use an integer in this range."
            )
        if not isinstance(width, Integral) or not 1 <= width <= len(self.widths):
            raise ValueError(
                f"`width` must be an integer from 1 to {len(self.widths)}, the widths of "
                f"the path; got {width!r}. Use a width between these."
            )
        moments, R, width = self._moments, len(self.widths), int(width)
        p = len(moments.zz) // R * width
        alpha = self._alphas_of_full_width[k]
        lower = np.array(moments.zz[:p, :p], order="C")
        if not cholesky_in_place(lower, alpha):
            raise not_positive_definite(alpha)
        coef = cholesky_solve(lower, moments.zy[:p])
        intercept = moments.y_mean - moments.z_mean[:p] @ coef
        return coef * np.sqrt(width / R), intercept


def compute_width_path(matrix, n_widths, problem):
    """The `WidthPath` of a feature matrix whose columns belong to n_widths neurons."""
    moments = moments_of(matrix, problem)
    check_finite(moments)
    require_two_rows(moments.n_rows, moments.centred)
    alphas = problem.alphas
    if problem.auto:
        alphas = (moments.mean_square or 1.0) * GRID
    errors = np.full((2, len(alphas), n_widths), np.inf)
    lower = np.empty_like(moments.zz)
    for k, alpha in enumerate(alphas):
        lower[...] = moments.zz
        if cholesky_in_place(lower, alpha):
            errors[:, k] = matrix.reduce(WidthPathPass.of(lower, moments, n_widths))
        elif not problem.auto:
            raise not_positive_definite(alpha)
    widths = np.arange(1, n_widths + 1)
    scaled = alphas[:, np.newaxis] * n_widths / widths
    path = WidthPath(widths, scaled, *errors, moments.n_rows, alphas, moments)
    smallest = alphas[path.best[0]] if problem.auto else alphas.min()
    error = 1e-15 * largest_eigenvalue(moments.zz) / smallest
    if error > 1e-6:
        warn_imprecise(f"the leave-one-out errors for alpha={smallest:.3g}", error)
    return path


@njit(cache=True, nogil=True)
def _add_errors(Q, targets, y, fractions, step, eps, fit, out):
    """out[:, r] += squared leave-one-out and training errors of r + 1 neurons.

    1 - h is clamped to at least `eps`, as in `_leave_one_out`.
    """
    for i in range(Q.shape[0]):
        complement = 1.0 - fractions[i]
        fit[:] = 0.0
        for r in range(out.shape[1]):
            for j in range(r * step, (r + 1) * step):
                q = Q[i, j]
                complement -= q * q
                for t in range(len(fit)):
                    fit[t] += q * targets[t, j]
            factor = 1.0 / max(complement, eps)
            for t in range(len(fit)):
                e = y[i, t] - fit[t]
                out[0, r] += (e * factor) ** 2
                out[1, r] += e * e


@dataclass
class WidthPathPass(Pass):
    """Mean squared leave-one-out and training errors for every width, for one penalty."""

    lower: np.ndarray  # L
    targets: np.ndarray  # (n_outputs, n_columns): t
    z_mean: np.ndarray
    y_mean: np.ndarray
    weight: float
    centred: bool
    n_widths: int
    label = "errors of all widths"

    @classmethod
    def of(cls, lower, moments, n_widths):
        """For the Cholesky factor of the moments and a penalty."""
        targets = np.array(moments.zy.T, order="C")
        solve_rows(lower, targets)
        means = moments.z_mean, moments.y_mean
        return cls(lower, targets, *means, moments.weight, moments.centred, n_widths)

    def zero(self):
        return np.zeros((2, self.n_widths))

    def add(self, total, Z, Y, w, scratch):
        Q = scratch.in_float64(Z)
        shift_and_scale(Z, self.z_mean, w, Q)
        solve_rows(self.lower, Q)
        y = np.sqrt(w)[:, np.newaxis] * (Y - self.y_mean)
        fractions = self.centred * w / self.weight
        step = Q.shape[1] // self.n_widths

        def add(rows, out):
            fit = np.empty(Y.shape[1])
            rest = step, EPS, fit, out
            _add_errors(Q[rows], self.targets, y[rows], fractions[rows], *rest)

        errors = sum_of_slices(len(Q), total.shape, add)
        total += errors / (self.weight * Y.shape[1])
