"""The least bound on output weights with which fixed ReLU features reach a risk."""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.optimize import minimize

from skrf import _bivariate
from skrf._arguments import is_number
from skrf._best_error import factor, normalised
from skrf._gaussian_pairs import neurons_of_size, pair_matrix
from skrf._population_risk import target_neuron

_STEPS, _ITERATIONS, _TOLERANCE = 60, 60, 1e-10


@dataclass(frozen=True)
class MinWeight:
    """The least max|u_i| with risk at most `error`, or that there is none.

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


def min_weight(W, b, target, error):
    r"""Least bound on output weights with which ReLU features reach a risk.

    .. math:: \min_u \max_i |u_i| \quad \text{subject to} \quad
              E\Big(\sum_i u_i\, relu(\langle w_i, x\rangle + b_i)
              - relu(\langle w^*, x\rangle + b^*)\Big)^2 \le error,

    the quantity that Theorem 4.2 says must be exponentially large in n_features, or else
    the width. The root in the bound of the least risk over a box, which is convex and
    falls, is found to a relative 1e-8 or so.

    Parameters
    ----------
    W, b, target
        As in `best_error`.
    error : float
        The risk to reach, > 0; multiply a relative one by the target's mean square.

    Returns
    -------
    result : MinWeight
        With `feasible`, `weight`, `u`, `risk`, `relative`, and `best_error`.

    Raises
    ------
    ValueError
        If shapes do not fit, the target is another function, or error is not positive.

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
    layer = neurons_of_size(W, b)
    goal = target_neuron(target, layer.weights.shape[1])
    if not is_number(error) or error <= 0:
        raise ValueError(
            f"error={error!r} must be a finite number > 0. It is a risk: multiply a "
            "relative error by the target's mean square."
        )
    square, width = float(goal.squares[0]), len(layer.biases)
    gram = pair_matrix(_bivariate.RELU, layer)
    useful = np.flatnonzero(np.diag(gram) > 0)
    G = np.ascontiguousarray(gram[np.ix_(useful, useful)])
    h = pair_matrix(_bivariate.RELU, layer, goal)[useful, 0]
    unit, products, sizes = normalised(G, h)
    lower, jitter = factor(unit)
    best = cho_solve((lower, True), products, check_finite=False) / sizes
    problem = _Problem(G, h, square, jitter * np.diag(G))
    least = problem.risk(best)

    def result(feasible, weight, u, risk):
        full = np.zeros(width)
        full[useful] = u
        return MinWeight(feasible, weight, full, risk, risk / square, least)

    if error >= square:
        return result(True, 0.0, np.zeros_like(best), square)
    if least > error:
        return result(False, np.inf, best, least)
    low, high = 0.0, float(np.abs(best).max())
    bound, u, risk = (square - error) / (2 * np.abs(h).sum()), best, least
    for _ in range(_STEPS):
        found = problem.solve(bound)
        reached = problem.risk(found)
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
    return result(True, float(high), u, risk)
