"""The least bound on output weights with which fixed ReLU features reach a risk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import LinAlgError, cho_factor, cho_solve, solve_triangular
from scipy.optimize import lsq_linear, minimize

from skrf._compiled import bivariate
from skrf._utils.checks import is_number
from skrf.gaussian._best_error import factor, normalised
from skrf.gaussian._neurons import pair_matrix
from skrf.gaussian._population_risk import layer_and_goal
from skrf.targets import SingleNeuron

# Of risks, relative to the mean square of the target.
_ROUNDING = 1e-15
# Of the search for the root.
_STEPS, _TOLERANCE = 60, 1e-10
# Fewest steps of a search for active sets, and those that may pass without progress.
_FEWEST_STEPS, _BLOCK_STEPS = 60, 10
# A gap of this share of the error that must not be exceeded takes an exact solver, for so
# many features at most.
_CERTAIN, _MOST_EXACT = 1e-8, 500


@dataclass(frozen=True)
class MinWeight:
    """The least max|u_i| with risk at most the error of `min_weight`, or that none is.

    Source: the quantity of Theorem 4.2 of Yehudai and Shamir (2019).

    Attributes
    ----------
    feasible : bool
        Whether any output weights reach the error.
    weight : float
        The least max|u_i|; infinite if not feasible.
    u : ndarray of shape (width,)
        Output weights that attain it; those of the least risk if not feasible.
    risk : float
        Their risk.
    relative : float
        risk / E g(x)^2.
    best_error : float
        The least risk of these features without any bound.

    Examples
    --------
    >>> from skrf import SingleNeuron
    >>> from skrf.gaussian import min_weight
    >>> found = min_weight([[1.0], [-1.0]], [0.0, 0.0], SingleNeuron([2.0]), 0.5)
    >>> found.feasible, found.u.round(6), round(found.relative, 6)
    (True, array([1., 0.]), 0.25)
    """

    feasible: bool
    weight: float
    u: np.ndarray
    risk: float
    relative: float
    best_error: float


class _Problem:
    """min v'Gv - 2 p'v over boxes |v_i| <= bound ||z_i||, by sets of active bounds.

    In weights v_i = u_i ||z_i|| of features of length 1, with Gram matrix G (plus a jitter)
    and products p with the target.
    """

    def __init__(self, gram, products, square):
        unit, self.p, self.sizes = normalised(gram, products)
        self.square = square
        self.lower, jitter = factor(unit)
        self.best = cho_solve((self.lower, True), self.p, check_finite=False)
        self.G = unit
        self.G.flat[:: len(unit) + 1] += jitter
        self.v = np.zeros_like(self.p)
        self.upper, self.lower_set = np.zeros((2, len(self.p)), bool)

    def risk(self, v):
        return float(v @ (self.G @ v) - 2 * (self.p @ v) + self.square)

    def solve(self, bound, error):
        """The minimiser; its active set is where the next search starts."""
        limits = bound * self.sizes
        enough = _CERTAIN * error
        v = self._active_sets(limits, enough)
        if v is None:
            v = self._quasi_newton(limits)
            if self._gap(v, limits) > enough:
                self._restart(v, limits)
                polished = self._active_sets(limits, enough)
                v = v if polished is None else polished
        if self._gap(v, limits) > enough and len(v) <= _MOST_EXACT:
            v = min(v, self._least_squares(limits), key=self.risk)
        self.v = v
        return v

    def slope(self, v, bound):
        """The derivative of the least risk in the bound, minus the multipliers' sum."""
        force, limits = self.p - self.G @ v, bound * self.sizes
        at_bound = np.abs(v) >= limits * (1 - 1e-12)
        return -2 * float(np.abs(force * self.sizes)[at_bound].sum())

    def _gap(self, v, limits):
        """How far the risk of v may be above the least: by the duality gap."""
        force = self.p - self.G @ v
        return 2 * float((limits * np.abs(force) - force * v).sum())

    def _restart(self, v, limits):
        force = self.p - self.G @ v
        self.upper = (v >= limits * (1 - 1e-9)) & (force > 0)
        self.lower_set = (v <= -limits * (1 - 1e-9)) & (force < 0)

    def _active_sets(self, limits, enough):
        """Block principal pivoting (Judice and Pires, 1994); None where it does not end.

        All neurons in wrong sets change, until some steps have left no fewer of them; then
        the last one alone does, which ends but for rounding: where sets come again, or
        within the box a gap is small enough.
        """
        upper, lower, seen = self.upper, self.lower_set, set()
        n, left, fewest = len(limits), _BLOCK_STEPS, len(limits) + 1
        for _ in range(int(max(_FEWEST_STEPS, min(3 * n, 1e10 / n**3)))):
            free = ~(upper | lower)
            v = limits * (upper.astype(float) - lower)
            if free.any():
                # Rows of G are summed where the bound holds: G v, with v = 0 elsewhere.
                right = self.p[free] - self.G[free] @ v
                try:
                    inner = cho_factor(self.G[np.ix_(free, free)], check_finite=False)
                except LinAlgError:
                    return None
                v[free] = cho_solve(inner, right)
            force = self.p - self.G @ v
            next_upper = (free & (v > limits)) | (upper & (force > 0))
            next_lower = (free & (v < -limits)) | (lower & (force < 0))
            wrong = np.flatnonzero((next_upper != upper) | (next_lower != lower))
            if wrong.size == 0:
                self.upper, self.lower_set = upper, lower
                return v
            if wrong.size < fewest:
                fewest, left = wrong.size, _BLOCK_STEPS
            left -= 1
            if left < 0:
                inside, key = np.clip(v, -limits, limits), upper.tobytes() + lower.tobytes()
                if self._gap(inside, limits) <= enough:
                    return inside
                if key in seen:
                    return None
                seen.add(key)
            changed = wrong if left >= 0 else wrong[-1:]
            upper, lower = upper.copy(), lower.copy()
            upper[changed], lower[changed] = next_upper[changed], next_lower[changed]
        return None

    def _quasi_newton(self, limits):
        def value(v):
            Gv = self.G @ v
            return v @ Gv - 2 * (self.p @ v), 2 * (Gv - self.p)

        return minimize(
            value,
            np.clip(self.v, -limits, limits),
            jac=True,
            method="L-BFGS-B",
            bounds=np.column_stack([-limits, limits]),
            options={"maxiter": 5000, "maxfun": 20000, "ftol": 1e-16, "gtol": 1e-12},
        ).x

    def _least_squares(self, limits):
        y = solve_triangular(self.lower, self.p, lower=True, check_finite=False)
        bounds, most = (-limits, limits), 20 * len(limits)
        return lsq_linear(
            self.lower.T, y, bounds, method="bvls", tol=1e-15, max_iter=most
        ).x


def _least_bound(problem, error):
    """The root in the bound, its weights and their risk; the best reach the error."""
    low, high = 0.0, float(np.abs(problem.best / problem.sizes).max())
    bound = (problem.square - error) / (2 * np.abs(problem.p * problem.sizes).sum())
    v, risk = problem.best, problem.risk(problem.best)
    for _ in range(_STEPS):
        found = problem.solve(bound, error)
        # A risk that is all rounding may be 0, or less.
        reached = max(problem.risk(found), 1e-10 * error)
        if reached <= error * (1 + _TOLERANCE):
            high, v, risk = bound, found, reached
        else:
            low = bound
        if abs(reached / error - 1) <= _TOLERANCE or high <= low * (1 + _TOLERANCE):
            break
        # Newton's method on the logarithms, of which the risk is nearly linear.
        rate = bound * problem.slope(found, bound) / reached
        step = np.log(error / reached) / rate if rate < 0 else np.inf
        bound *= np.exp(np.clip(step, -5, 5))
        if not low < bound < high:
            bound = np.sqrt(max(low, high * 1e-4) * high)
    return float(high), v, risk


def min_weight(W: ArrayLike, b: ArrayLike, target: SingleNeuron, error: float) -> MinWeight:
    r"""Least bound on output weights with which ReLU features reach a risk.

    .. math:: \min_u \max_i |u_i| \quad \text{subject to} \quad
              E\Big(\sum_i u_i\, relu(\langle w_i, x\rangle + b_i)
              - relu(\langle w^*, x\rangle + b^*)\Big)^2 \le error,

    the quantity that must be exponentially large in n_features, or else the width. The root
    in the bound of the least risk over a box, which is convex and falls, is found to a
    relative 1e-8 or so; of nearly singular features, which take seconds for hundreds of
    them, to some 1e-6, and to 1e-4 beyond 500.

    Source: Theorem 4.2 of Yehudai and Shamir (2019).

    Parameters
    ----------
    W, b : array-like of shapes (width, n_features) and (width,)
        The weights and biases of the features.
    target : SingleNeuron
        The neuron (w*, b*), with activation "relu".
    error : float
        The risk to reach, > 0; multiply a relative one by the target's mean square. Risks
        below 1e-15 of that are rounding, and count as reached.

    Returns
    -------
    result : MinWeight
        With `feasible`, `weight`, `u`, `risk`, `relative`, and `best_error`.

    Raises
    ------
    ValueError
        If shapes do not fit, an entry is not finite, a neuron's square leaves the range of
        floats, the target is another function, or 0, or error is not positive.
    LinAlgError
        If the Gram matrix has no Cholesky factor even with a jitter of 1e-8.

    Examples
    --------
    >>> from skrf import SingleNeuron
    >>> from skrf.gaussian import min_weight
    >>> found = min_weight([[1.0], [-1.0]], [0.0, 0.0], SingleNeuron([2.0]), 0.5)
    >>> round(found.weight, 8)
    1.0
    >>> min_weight([[-1.0]], [0.0], SingleNeuron([2.0]), 0.5).feasible
    False
    """
    layer, goal = layer_and_goal(W, b, target)
    if not is_number(error) or error <= 0:
        raise ValueError(
            f"error={error!r} must be a finite number > 0. It is a risk: multiply a "
            "relative error by the target's mean square."
        )
    gram = pair_matrix(bivariate.RELU, layer)
    useful = np.flatnonzero(np.diag(gram) > 0)
    products = pair_matrix(bivariate.RELU, layer, goal)[useful, 0]
    square = float(goal.squares[0])
    problem = _Problem(gram[np.ix_(useful, useful)], products, square)
    least = problem.risk(problem.best)
    if error >= square:
        weight, v, risk = 0.0, np.zeros_like(products), square
    elif least > max(error, _ROUNDING * square):
        weight, v, risk = np.inf, problem.best, least
    else:
        weight, v, risk = _least_bound(problem, error)
    u = np.zeros(len(layer.biases))
    u[useful] = v / problem.sizes
    feasible = bool(np.isfinite(weight))
    return MinWeight(feasible, weight, u, risk, risk / square, least)
