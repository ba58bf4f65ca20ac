"""The least bound on output weights with which fixed ReLU features reach a risk."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.optimize import minimize

from skrf import _bivariate
from skrf._arguments import is_number
from skrf._best_error import factor, normalised
from skrf._gaussian_pairs import pair_matrix
from skrf._population_risk import layer_and_goal
from skrf.targets import SingleNeuron

_STEPS, _ITERATIONS, _TOLERANCE = 60, 60, 1e-10


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
    """min u'Gu - 2 h'u over boxes |u_i| <= bound, by sets of active bounds."""

    def __init__(self, G, h, square, ridge):
        self.G, self.h, self.square = G, h, square
        self.ridge = ridge
        self.u = np.zeros_like(h)
        self.upper, self.lower = np.zeros((2, len(h)), bool)

    def risk(self, u):
        return float(u @ (self.G @ u) - 2 * (self.h @ u) + self.square)

    def solve(self, bound):
        """The minimiser; its active set is where the next search starts."""
        u = self._active_sets(bound)
        if u is None:
            u = self._quasi_newton(bound)
            self._restart(u, bound)
            polished = self._active_sets(bound)
            u = u if polished is None else polished
        self.u = u
        return u

    def slope(self, u, bound):
        """The derivative of the least risk in the bound, minus the multipliers' sum."""
        force = self.h - self.G @ u
        at_bound = np.abs(u) >= bound * (1 - 1e-12)
        return -2 * float(np.abs(force[at_bound]).sum())

    def _restart(self, u, bound):
        force = self.h - self.G @ u
        self.upper = (u >= bound * (1 - 1e-9)) & (force > 0)
        self.lower = (u <= -bound * (1 - 1e-9)) & (force < 0)

    def _active_sets(self, bound):
        """Primal-dual active sets; None where they cycle."""
        upper, lower, seen = self.upper, self.lower, set()
        for _ in range(_ITERATIONS):
            free = ~(upper | lower)
            u = bound * (upper.astype(float) - lower)
            if free.any():
                inner = self.G[np.ix_(free, free)]
                inner.flat[:: len(inner) + 1] += self.ridge[free]
                # Rows of G are summed where the bound holds: G u, with u = 0 elsewhere.
                right = self.h[free] - self.G[free] @ u
                try:
                    u[free] = cho_solve(cho_factor(inner, check_finite=False), right)
                except LinAlgError:
                    return None
            force = self.h - self.G @ u
            next_upper = (free & (u > bound)) | (upper & (force > 0))
            next_lower = (free & (u < -bound)) | (lower & (force < 0))
            if (next_upper == upper).all() and (next_lower == lower).all():
                self.upper, self.lower = upper, lower
                return u
            key = next_upper.tobytes() + next_lower.tobytes()
            if key in seen:
                return None
            seen.add(key)
            upper, lower = next_upper, next_lower
        return None

    def _quasi_newton(self, bound):
        # Scaled to unit diagonal, on which L-BFGS-B depends.
        scale = 1 / np.sqrt(np.diag(self.G))
        G, h = self.G * scale * scale[:, np.newaxis], self.h * scale

        def value(v):
            Gv = G @ v
            return v @ Gv - 2 * (h @ v), 2 * (Gv - h)

        limits = bound / scale
        found = minimize(
            value,
            np.clip(self.u / scale, -limits, limits),
            jac=True,
            method="L-BFGS-B",
            bounds=np.column_stack([-limits, limits]),
            options={"maxiter": 5000, "maxfun": 20000, "ftol": 1e-16, "gtol": 1e-12},
        )
        return found.x * scale


def _problem(layer, goal):
    """The `_Problem` of the neurons that are not 0, its best weights and places."""
    gram = pair_matrix(_bivariate.RELU, layer)
    useful = np.flatnonzero(np.diag(gram) > 0)
    G = np.ascontiguousarray(gram[np.ix_(useful, useful)])
    h = pair_matrix(_bivariate.RELU, layer, goal)[useful, 0]
    unit, products, sizes = normalised(G, h)
    lower, jitter = factor(unit)
    best = cho_solve((lower, True), products, check_finite=False) / sizes
    return _Problem(G, h, float(goal.squares[0]), jitter * np.diag(G)), best, useful


def _least_bound(problem, best, error):
    """The root in the bound, its weights and their risk; `best` has at most the error."""
    low, high = 0.0, float(np.abs(best).max())
    bound = (problem.square - error) / (2 * np.abs(problem.h).sum())
    u, risk = best, problem.risk(best)
    for _ in range(_STEPS):
        found = problem.solve(bound)
        # A risk that is all rounding may be 0, or less.
        reached = max(problem.risk(found), 1e-10 * error)
        if reached <= error * (1 + _TOLERANCE):
            high, u, risk = bound, found, reached
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
    return float(high), u, risk


def min_weight(W: ArrayLike, b: ArrayLike, target: SingleNeuron, error: float) -> MinWeight:
    r"""Least bound on output weights with which ReLU features reach a risk.

    .. math:: \min_u \max_i |u_i| \quad \text{subject to} \quad
              E\Big(\sum_i u_i\, relu(\langle w_i, x\rangle + b_i)
              - relu(\langle w^*, x\rangle + b^*)\Big)^2 \le error,

    the quantity that must be exponentially large in n_features, or else the width. The root
    in the bound of the least risk over a box, which is convex and falls, is found to a
    relative 1e-8 or so.

    Source: Theorem 4.2 of Yehudai and Shamir (2019).

    Parameters
    ----------
    W, b : array-like of shapes (width, n_features) and (width,)
        The weights and biases of the features.
    target : SingleNeuron
        The neuron (w*, b*), with activation "relu".
    error : float
        The risk to reach, > 0; multiply a relative one by the target's mean square. Below
        some 1e-15 of that mean square risks are rounding, and so is `feasible`.

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
    problem, best, useful = _problem(layer, goal)
    square, least = problem.square, problem.risk(best)
    if error >= square:
        weight, u, risk = 0.0, np.zeros_like(best), square
    elif least > error:
        weight, u, risk = np.inf, best, least
    else:
        weight, u, risk = _least_bound(problem, best, error)
    full = np.zeros(len(layer.biases))
    full[useful] = u
    feasible = bool(np.isfinite(weight))
    return MinWeight(feasible, weight, full, risk, risk / square, least)
