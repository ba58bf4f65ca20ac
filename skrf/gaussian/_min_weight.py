"""Minimum bound on the output weights for which fixed ReLU features reach a risk."""

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

# Rounding error of risks, relative to the mean square of the target.
_ROUNDING = 1e-15
# Maximum steps and relative tolerance of the root search.
_STEPS, _TOLERANCE = 60, 1e-10
# Minimum step limit of a search for active sets, and steps allowed without progress.
_FEWEST_STEPS, _BLOCK_STEPS = 60, 10
# The exact solver runs if the duality gap exceeds this fraction of the error, and for at
# most so many features.
_CERTAIN, _MOST_EXACT = 1e-8, 500


@dataclass(frozen=True)
class MinWeight:
    """Minimum max|u_i| for which the risk is at most an error, as `min_weight` returns it.

    Attributes
    ----------
    feasible : bool
        Whether any output weights reach the error.
    weight : float
        The minimum of max|u_i|; infinite if not feasible.
    u : ndarray of shape (width,)
        Output weights that attain `weight`; the weights of minimum risk if not feasible.
    risk : float
        The risk of `u`.
    relative : float
        risk / E g(x)^2.
    best_error : float
        The minimum risk of these features without a bound on the output weights.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Theorem 4.2.

    Examples
    --------
    >>> from skrf import SingleNeuron
    >>> from skrf.gaussian import min_weight
    >>> result = min_weight([[1.0], [-1.0]], [0.0, 0.0], SingleNeuron([2.0]), 0.5)
    >>> result.feasible, result.u.round(6), round(result.relative, 6)
    (True, array([1., 0.]), 0.25)
    """

    feasible: bool
    weight: float
    u: np.ndarray
    risk: float
    relative: float
    best_error: float


class _BoxLeastSquares:
    """min v'Gv - 2 p'v over boxes |v_i| <= bound ||z_i||, by sets of active bounds.

    The v_i = u_i ||z_i|| are the weights of the normalised features. G is their Gram matrix
    (plus a jitter), and p holds their products with the target.
    """

    def __init__(self, gram, products, square):
        unit, self.p, self.sizes = normalised(gram, products)
        self.square = square
        self.factor, jitter = factor(unit)
        self.best = cho_solve((self.factor, True), self.p, check_finite=False)
        self.G = unit
        self.G.flat[:: len(unit) + 1] += jitter
        self.v = np.zeros_like(self.p)
        self.at_upper, self.at_lower = np.zeros((2, len(self.p)), bool)

    def risk(self, v):
        return float(v @ (self.G @ v) - 2 * (self.p @ v) + self.square)

    def solve(self, bound, error):
        """The minimiser. Its active set is the initial set of the next call."""
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
        """Derivative of the minimum risk in the bound: minus the sum of the multipliers."""
        force, limits = self.p - self.G @ v, bound * self.sizes
        at_bound = np.abs(v) >= limits * (1 - 1e-12)
        return -2 * float(np.abs(force * self.sizes)[at_bound].sum())

    def _gap(self, v, limits):
        """Duality gap: an upper bound of the risk of v minus the minimum risk."""
        force = self.p - self.G @ v
        return 2 * float((limits * np.abs(force) - force * v).sum())

    def _restart(self, v, limits):
        force = self.p - self.G @ v
        self.at_upper = (v >= limits * (1 - 1e-9)) & (force > 0)
        self.at_lower = (v <= -limits * (1 - 1e-9)) & (force < 0)

    def _active_sets(self, limits, enough):
        """Block principal pivoting (Judice and Pires, 1994); None if it does not converge.

        Each step moves all neurons that are in a wrong set. If their number stops falling
        for `_BLOCK_STEPS` steps, each step moves only the last of them, which converges in
        exact arithmetic. Because of rounding, the search then also ends if the clipped
        weights have a small enough gap, or if sets repeat.
        """
        upper, lower, seen = self.at_upper, self.at_lower, set()
        n, block_steps, fewest = len(limits), _BLOCK_STEPS, len(limits) + 1
        for _ in range(int(max(_FEWEST_STEPS, min(3 * n, 1e10 / n**3)))):
            free = ~(upper | lower)
            v = limits * (upper.astype(float) - lower)
            if free.any():
                # v is 0 in the free set here, so G v is the sum over the active bounds.
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
                self.at_upper, self.at_lower = upper, lower
                return v
            if wrong.size < fewest:
                fewest, block_steps = wrong.size, _BLOCK_STEPS
            block_steps -= 1
            if block_steps < 0:
                inside, key = np.clip(v, -limits, limits), upper.tobytes() + lower.tobytes()
                if self._gap(inside, limits) <= enough:
                    return inside
                if key in seen:
                    return None
                seen.add(key)
            changed = wrong if block_steps >= 0 else wrong[-1:]
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
        y = solve_triangular(self.factor, self.p, lower=True, check_finite=False)
        bounds, most = (-limits, limits), 20 * len(limits)
        return lsq_linear(
            self.factor.T, y, bounds, method="bvls", tol=1e-15, max_iter=most
        ).x


def _least_bound(problem, error):
    """The bound whose minimum risk is the error, with its weights and their risk.

    The unbounded minimiser must reach the error.
    """
    low, high = 0.0, float(np.abs(problem.best / problem.sizes).max())
    bound = (problem.square - error) / (2 * np.abs(problem.p * problem.sizes).sum())
    v, risk = problem.best, problem.risk(problem.best)
    for _ in range(_STEPS):
        minimiser = problem.solve(bound, error)
        # A risk that consists of rounding errors may be 0 or negative.
        reached = max(problem.risk(minimiser), 1e-10 * error)
        if reached <= error * (1 + _TOLERANCE):
            high, v, risk = bound, minimiser, reached
        else:
            low = bound
        if abs(reached / error - 1) <= _TOLERANCE or high <= low * (1 + _TOLERANCE):
            break
        # Newton's method for log risk as a function of log bound, which is nearly linear.
        rate = bound * problem.slope(minimiser, bound) / reached
        step = np.log(error / reached) / rate if rate < 0 else np.inf
        bound *= np.exp(np.clip(step, -5, 5))
        if not low < bound < high:
            bound = np.sqrt(max(low, high * 1e-4) * high)
    return float(high), v, risk


def min_weight(W: ArrayLike, b: ArrayLike, target: SingleNeuron, error: float) -> MinWeight:
    r"""Minimum bound on the output weights for which ReLU features reach a risk.

    .. math:: \min_u \max_i |u_i| \quad \text{subject to} \quad
              E\Big(\sum_i u_i\, relu(\langle w_i, x\rangle + b_i)
              - relu(\langle w^*, x\rangle + b^*)\Big)^2 \le error.

    By [1]_ either this bound or the width must be exponentially large in n_features.

    Parameters
    ----------
    W, b : array-like of shapes (width, n_features) and (width,)
        The weights and biases of the features.
    target : SingleNeuron
        The target neuron (w*, b*), with activation "relu".
    error : float
        The risk to reach, > 0. A relative error must be multiplied by the target's mean
        square. Risks below 1e-15 of the mean square are rounding errors and count as
        reached.

    Returns
    -------
    result : MinWeight
        With `feasible`, `weight`, `u`, `risk`, `relative`, and `best_error`.

    Raises
    ------
    ValueError
        If shapes do not match, or an entry is not finite. If the square of a neuron
        overflows or underflows. If `target` is not a ReLU neuron, or is 0 everywhere. If
        `error` is not positive.
    LinAlgError
        If the Gram matrix has no Cholesky factor even with a jitter of 1e-8.

    Notes
    -----
    The minimum risk over a box is a convex and decreasing function of the bound. Its root
    is computed to a relative accuracy of about 1e-8. For nearly singular features the
    accuracy is about 1e-6, and 1e-4 beyond 500 features; hundreds of such features take
    seconds.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Theorem 4.2.

    Examples
    --------
    >>> from skrf import SingleNeuron
    >>> from skrf.gaussian import min_weight
    >>> result = min_weight([[1.0], [-1.0]], [0.0, 0.0], SingleNeuron([2.0]), 0.5)
    >>> round(result.weight, 8)
    1.0
    >>> min_weight([[-1.0]], [0.0], SingleNeuron([2.0]), 0.5).feasible
    False
    """
    layer, goal = layer_and_goal(W, b, target)
    if not is_number(error) or error <= 0:
        raise ValueError(
            f"`error` must be a finite number > 0; got {error!r}. Pass a risk, such as 0.1 "
            "times the target's mean square."
        )
    gram = pair_matrix(bivariate.RELU, layer)
    useful = np.flatnonzero(np.diag(gram) > 0)
    products = pair_matrix(bivariate.RELU, layer, goal)[useful, 0]
    square = float(goal.squares[0])
    problem = _BoxLeastSquares(gram[np.ix_(useful, useful)], products, square)
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
