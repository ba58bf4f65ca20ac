"""Minimum risk of fixed features on a ReLU neuron, at every width."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import LinAlgError, cholesky, solve_triangular
from scipy.linalg.lapack import dtrtri

from skrf._compiled import bivariate
from skrf._utils.checks import check_boolean
from skrf.gaussian._grams import tangent_matrix, tangent_products
from skrf.gaussian._neurons import density, pair_matrix
from skrf.gaussian._population_risk import layer_and_goal
from skrf.targets import SingleNeuron

# Relative additions to the diagonal, tried in turn.
_JITTERS = (0.0, 1e-15, 1e-14, 1e-13, 1e-12, 1e-11, 1e-10, 1e-9, 1e-8)
_COLUMNS = 64


@dataclass(frozen=True)
class BestError:
    """Minimum risks of the first r neurons, r = 1, ..., width.

    Returned by `best_error` and `best_tangent_error`.

    Attributes
    ----------
    errors : ndarray of shape (width,)
        min_u E(sum_{i <= r} u_i f_i(x) - g(x))^2. With a positive `jitter`, the risk of the
        weights computed with the jitter, an upper bound of the minimum.
    relative : ndarray of shape (width,)
        errors / E g(x)^2.
    rounding_errors : ndarray of shape (width,)
        Estimated rounding errors of `errors`, ``eps (sum_i |u_i| ||f_i|| + ||g||)^2`` with
        the weights of each width. `errors` below this estimate are noise, and may be
        negative.
    jitter : float
        Number added to the diagonal of the Gram matrix of the normalised features: the
        minimum of 0, 1e-15, 1e-14, ... for which the Cholesky factor exists.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Theorems 4.2 and 4.8 bound these
       risks from below.

    Examples
    --------
    >>> from skrf import SingleNeuron
    >>> from skrf.gaussian import best_error
    >>> result = best_error([[0.0, 1.0]], [0.0], SingleNeuron([2.0, 0.0]))
    >>> result.errors.round(6), result.relative.round(6), result.jitter
    (array([1.797358]), array([0.898679]), 0.0)
    """

    errors: np.ndarray
    relative: np.ndarray
    rounding_errors: np.ndarray
    jitter: float


def factor(gram):
    """(Lower Cholesky factor of gram + jitter I, jitter) for a matrix of diagonal 1."""
    for jitter in _JITTERS:
        matrix = gram.copy(order="F")
        matrix.flat[:: len(gram) + 1] += jitter
        try:
            return cholesky(
                matrix, lower=True, overwrite_a=True, check_finite=False
            ), jitter
        except LinAlgError:
            continue
    raise LinAlgError(
        f"The Gram matrix of {len(gram)} features has no Cholesky factor, even with "
        f"{_JITTERS[-1]} added to its diagonal. Use fewer neurons, or drop repeated ones."
    )


def normalised(gram, products):
    """Gram matrix and products of the normalised features, and the features' norms.

    Features that are 0 stay 0. Their diagonal entry is 1, so their weight is 0.
    """
    sizes = np.sqrt(np.diag(gram))
    scale = np.where(sizes > 0, sizes, 1.0)
    gram = gram / scale / scale[:, np.newaxis]
    np.fill_diagonal(gram, 1.0)
    return gram, products / scale, sizes


def _prefix_errors(gram, products, square, first, size):
    """`BestError` of the first `first + size r` features for every r."""
    gram, products, _ = normalised(gram, products)
    lower, jitter = factor(gram)
    y = solve_triangular(lower, products, lower=True, check_finite=False)
    inverse, info = dtrtri(lower, lower=True)
    # The weights of the first m features are sum_{k <= m} L^{-T}[:, k] y_k.
    magnitudes, squares = np.zeros((2, len(y)))
    for left in range(0, len(y) if info == 0 else 0, _COLUMNS):
        part = np.cumsum(
            inverse[left:, left : left + _COLUMNS] * y[left:, np.newaxis], axis=0
        )
        magnitudes[left:] += np.abs(part).sum(axis=1)
        squares[left:] += (part**2).sum(axis=1)
    errors = square - np.cumsum(y**2) - jitter * squares
    rounding = np.finfo(float).eps * (magnitudes + np.sqrt(square)) ** 2
    at = slice(first + size - 1, None, size)
    return BestError(errors[at], errors[at] / square, rounding[at], jitter)


def bordered(gram, products, means, goal_mean):
    """Gram matrix and products with the constant 1 added as the first feature."""
    n = len(means)
    out = np.empty((n + 1, n + 1))
    out[0, 0] = 1.0
    out[0, 1:] = out[1:, 0] = means
    out[1:, 1:] = gram
    return out, np.r_[goal_mean, products]


def best_error(
    W: ArrayLike, b: ArrayLike, target: SingleNeuron, *, intercept: bool = False
) -> BestError:
    r"""Minimum risk of fixed ReLU features on a ReLU neuron, at every width.

    .. math:: \min_u E\Big(\sum_{i \le r} u_i\, relu(\langle w_i, x\rangle + b_i)
              - relu(\langle w^*, x\rangle + b^*)\Big)^2
              = \|g\|^2 - \sum_{i \le r} (L^{-1} h)_i^2, \quad x \sim N(0, I),

    where h holds the products of the features with the target g. One factorisation
    G = L L' of the Gram matrix serves all r.

    Parameters
    ----------
    W : array-like of shape (width, n_features)
        The weights, in the order in which the features are added.
    b : array-like of shape (width,)
        The biases.
    target : SingleNeuron
        The target g, with activation "relu".
    intercept : bool, default=False
        Whether to add the constant 1 as a feature at every width.

    Returns
    -------
    result : BestError
        With `errors`, `relative`, `rounding_errors`, each of shape (width,), and `jitter`.

    Raises
    ------
    ValueError
        If shapes do not match, or an entry is not finite. If the square of a neuron
        overflows or underflows. If `intercept` is not a boolean. If `target` is not a ReLU
        neuron, or is 0 everywhere.
    LinAlgError
        If the Gram matrix has no Cholesky factor even with the maximum jitter.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Theorem 4.2 bounds this risk from
       below for small weights, in the setting of Example 4.3.

    Examples
    --------
    >>> from skrf import SingleNeuron
    >>> from skrf.gaussian import best_error
    >>> W, b = [[0.0, 1.0], [1.0, 0.0]], [0.0, 0.0]
    >>> best_error(W, b, SingleNeuron([1.0, 0.0])).relative.round(6) + 0.0
    array([0.898679, 0.      ])
    """
    check_boolean("intercept", intercept)
    layer, goal = layer_and_goal(W, b, target)
    gram = pair_matrix(bivariate.RELU, layer)
    products = pair_matrix(bivariate.RELU, layer, goal)[:, 0]
    if intercept:
        gram, products = bordered(gram, products, layer.means, goal.means[0])
    return _prefix_errors(gram, products, goal.squares[0], int(bool(intercept)), 1)


def _tangent_means(layer, biases):
    """Means of the features of `best_tangent_error`."""
    means = density(layer.table[:, bivariate.H])[:, np.newaxis] * layer.units
    if biases:
        means = np.column_stack([means, layer.on])
    return means.reshape(-1)


def best_tangent_error(
    W: ArrayLike,
    b: ArrayLike,
    target: SingleNeuron,
    *,
    biases: bool = False,
    intercept: bool = False,
) -> BestError:
    r"""Minimum risk of linearised NTK features on a ReLU neuron, at every width.

    .. math:: \min_v E\Big(\sum_{i \le r} 1(\langle w_i, x\rangle + b_i > 0)
              \langle v_i, x\rangle - relu(\langle w^*, x\rangle + b^*)\Big)^2.

    One factorisation of the Gram matrix of width * n_features features serves all r.

    Parameters
    ----------
    W, b : array-like of shapes (width, n_features) and (width,)
        The weights and biases, in the order in which the features are added.
    target : SingleNeuron
        The target neuron (w*, b*), with activation "relu".
    biases : bool, default=False
        Whether to add the derivatives 1(<w_i, x> + b_i > 0) in the biases as features.
    intercept : bool, default=False
        Whether to add the constant 1 as a feature at every width.

    Returns
    -------
    result : BestError
        Entry r - 1 of each array uses all features of the first r neurons.

    Raises
    ------
    ValueError
        If shapes do not match, or an entry is not finite. If the square of a neuron
        overflows or underflows. If an option is not a boolean. If `target` is not a ReLU
        neuron, or is 0 everywhere.
    LinAlgError
        If the Gram matrix has no Cholesky factor even with the maximum jitter.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. Eq. (8) defines the features; Theorem
       4.8 and Example 4.9 bound this risk from below.

    Examples
    --------
    >>> from skrf import SingleNeuron
    >>> from skrf.gaussian import best_tangent_error
    >>> target = SingleNeuron([1.0, 0.0])
    >>> best_tangent_error([[1.0, 0.0]], [0.0], target).relative.round(6) + 0.0
    array([0.])
    """
    check_boolean("biases", biases)
    check_boolean("intercept", intercept)
    layer, goal = layer_and_goal(W, b, target)
    gram = tangent_matrix(layer, None, biases)
    products = tangent_products(layer, goal, biases)[:, 0]
    size = layer.weights.shape[1] + bool(biases)
    if intercept:
        means = _tangent_means(layer, biases)
        gram, products = bordered(gram, products, means, goal.means[0])
    return _prefix_errors(gram, products, goal.squares[0], int(bool(intercept)), size)
