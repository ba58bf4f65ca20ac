"""Random data of the targets, like `sklearn.datasets`."""

from typing import Any

import numpy as np

from skrf._utils.interrupts import same_draws_on_failure
from skrf._utils.random import draw_seed, random_stream
from skrf._utils.typing import RandomState
from skrf._utils.validation import (
    FINITE,
    NON_NEGATIVE,
    NON_NEGATIVE_INTEGER,
    POSITIVE,
    POSITIVE_INTEGER,
    PROBABILITY,
    check_arguments,
    one_of,
)
from skrf.activations import ACTIVATIONS
from skrf.features._distributions import DATA
from skrf.targets import BoundedDegreePolynomial, SingleNeuron

__all__ = ["make_polynomial", "make_polynomial_classification", "make_single_neuron"]


def _sphere(rng, shape):
    X = rng.standard_normal(shape)
    return X / np.linalg.norm(X, axis=1, keepdims=True)


def _ball(rng, shape):
    return _sphere(rng, shape) * rng.uniform(size=(shape[0], 1)) ** (1 / shape[1])


# Each distribution is (rng, (n_samples, n_features)) -> X.
INPUT_DISTRIBUTIONS = {
    "gaussian": lambda rng, shape: rng.standard_normal(shape),
    "sphere": _sphere,
    "ball": _ball,
    "cube": lambda rng, shape: rng.choice([-1.0, 1.0], shape),
}

_SAMPLING = {
    "n_samples": [POSITIVE_INTEGER],
    "n_features": [POSITIVE_INTEGER],
    "inputs": [one_of(INPUT_DISTRIBUTIONS)],
    "return_target": ["boolean"],
    "random_state": ["random_state"],
}
_SINGLE_NEURON = {
    **_SAMPLING,
    "weight_norm": [NON_NEGATIVE],
    "bias": [FINITE],
    "activation": [one_of(ACTIVATIONS)],
    "noise": [NON_NEGATIVE],
}
_POLYNOMIAL = {
    **_SAMPLING,
    "polynomial": [BoundedDegreePolynomial, None],
    "degree": [NON_NEGATIVE_INTEGER],
    "coefficient_bound": [POSITIVE],
    "n_terms": [POSITIVE_INTEGER],
}
_REAL_POLYNOMIAL = {**_POLYNOMIAL, "noise": [NON_NEGATIVE]}
_SIGNS = {**_POLYNOMIAL, "flip_y": [PROBABILITY]}


def _draw_inputs(random_state, n_samples, n_features, inputs):
    """(rng, X); independent of the weights that a model draws from the same seed."""
    rng = random_stream(draw_seed(random_state), DATA)
    return rng, INPUT_DISTRIBUTIONS[inputs](rng, (n_samples, n_features))


@check_arguments(_SINGLE_NEURON, prefer_skip_nested_validation=True)
def make_single_neuron(
    n_samples: int = 100,
    n_features: int = 10,
    *,
    weight_norm: float = 1.0,
    bias: float = 0.0,
    activation: str = "relu",
    noise: float = 0.0,
    inputs: str = "gaussian",
    return_target: bool = False,
    random_state: RandomState = None,
) -> tuple[Any, ...]:
    r"""Draw data from one neuron, :math:`y = act(\langle w, x\rangle + b) + noise`.

    The direction of w is uniform on the sphere.

    Parameters
    ----------
    n_samples : int, default=100
        Number of rows.
    n_features : int, default=10
        Number of columns d.
    weight_norm : float, default=1.0
        Length ||w||. Theorem 4.2 of [1]_ takes d^2.
    bias : float, default=0.0
        Bias b of the neuron.
    activation : str, default="relu"
        A key of `skrf.activations.ACTIVATIONS`.
    noise : float, default=0.0
        Standard deviation of the Gaussian noise on y.
    inputs : {"gaussian", "sphere", "ball", "cube"}, default="gaussian"
        Distribution of the rows of X: N(0, I), or uniform on the unit sphere, in the
        unit ball, or on {-1, 1}^d. On the sphere and in the ball each column has variance
        of about 1/d. The default weights of the models suit columns of variance 1.
    return_target : bool, default=False
        Whether to return the neuron too.
    random_state : int, RandomState instance or None, default=None
        Controls the random data; pass an int for reproducible output across multiple
        function calls.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)
        The inputs.
    y : ndarray of shape (n_samples,)
        The noisy values of the target.
    target : SingleNeuron
        The neuron, with ``return_target=True``.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019, Eq. (2) and
       Theorem 4.2.

    Examples
    --------
    >>> from skrf import make_single_neuron
    >>> X, y, neuron = make_single_neuron(
    ...     n_samples=50, n_features=3, bias=-1.0, return_target=True, random_state=0)
    >>> X.shape, bool((y == neuron(X)).all())
    ((50, 3), True)
    """
    rng, X = _draw_inputs(random_state, n_samples, n_features, inputs)
    weight = weight_norm * _sphere(rng, (1, n_features))[0]
    target = SingleNeuron(weight, bias, activation)
    y = target(X) + noise * rng.standard_normal(n_samples)
    return (X, y, target) if return_target else (X, y)


@check_arguments(_REAL_POLYNOMIAL, prefer_skip_nested_validation=True)
def make_polynomial(
    n_samples: int = 100,
    n_features: int = 10,
    *,
    polynomial: BoundedDegreePolynomial | None = None,
    degree: int = 2,
    coefficient_bound: float = 1.0,
    n_terms: int = 5,
    noise: float = 0.0,
    inputs: str = "gaussian",
    return_target: bool = False,
    random_state: RandomState = None,
) -> tuple[Any, ...]:
    r"""Draw data from a polynomial of bounded degree, :math:`y = P(x) + noise`.

    Parameters
    ----------
    n_samples : int, default=100
        Number of rows.
    n_features : int, default=10
        Number of columns d.
    polynomial : BoundedDegreePolynomial, default=None
        Polynomial P. None draws a polynomial by ``BoundedDegreePolynomial.random``.
    degree : int, default=2
        Maximum degree of a monomial, for ``polynomial=None``.
    coefficient_bound : float, default=1.0
        Maximum magnitude of a coefficient, for ``polynomial=None``.
    n_terms : int, default=5
        Number of monomials, for ``polynomial=None``.
    noise : float, default=0.0
        Standard deviation of the Gaussian noise on y.
    inputs : {"gaussian", "sphere", "ball", "cube"}, default="gaussian"
        Distribution of the rows of X: N(0, I), or uniform on the unit sphere, in the
        unit ball, or on {-1, 1}^d. On the sphere and in the ball each column has variance
        of about 1/d. The default weights of the models suit columns of variance 1.
    return_target : bool, default=False
        Whether to return the polynomial too.
    random_state : int, RandomState instance or None, default=None
        Controls the random data; pass an int for reproducible output across multiple
        function calls.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)
        The inputs.
    y : ndarray of shape (n_samples,)
        The noisy values of the polynomial.
    target : BoundedDegreePolynomial
        The polynomial, with ``return_target=True``.

    Raises
    ------
    ValueError
        If a parameter is out of range, if `polynomial` does not have `n_features`
        variables, or if `n_terms` exceeds the number of monomials of this degree.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019, Theorem 3.1.

    Examples
    --------
    >>> from skrf import BoundedDegreePolynomial, make_polynomial
    >>> product = BoundedDegreePolynomial([[1, 1]], [1.0])
    >>> X, y = make_polynomial(50, 2, polynomial=product, random_state=0)
    >>> bool((y == X[:, 0] * X[:, 1]).all())
    True
    """
    drawn = polynomial, degree, coefficient_bound, n_terms
    with same_draws_on_failure(random_state):
        rng, X = _draw_inputs(random_state, n_samples, n_features, inputs)
        target = _polynomial(rng, n_features, *drawn)
    y = target(X) + noise * rng.standard_normal(n_samples)
    return (X, y, target) if return_target else (X, y)


@check_arguments(_SIGNS, prefer_skip_nested_validation=True)
def make_polynomial_classification(
    n_samples: int = 100,
    n_features: int = 10,
    *,
    polynomial: BoundedDegreePolynomial | None = None,
    degree: int = 2,
    coefficient_bound: float = 1.0,
    n_terms: int = 5,
    flip_y: float = 0.0,
    inputs: str = "gaussian",
    return_target: bool = False,
    random_state: RandomState = None,
) -> tuple[Any, ...]:
    r"""Draw labels from the sign of a polynomial: y = 1 where P(x) >= 0, else -1.

    Parameters
    ----------
    n_samples : int, default=100
        Number of rows.
    n_features : int, default=10
        Number of columns d.
    polynomial : BoundedDegreePolynomial, default=None
        Polynomial P. None draws a polynomial by ``BoundedDegreePolynomial.random``.
    degree : int, default=2
        Maximum degree of a monomial, for ``polynomial=None``.
    coefficient_bound : float, default=1.0
        Maximum magnitude of a coefficient, for ``polynomial=None``.
    n_terms : int, default=5
        Number of monomials, for ``polynomial=None``.
    flip_y : float, default=0.0
        Probability that a label is replaced by a random one, as in
        ``sklearn.datasets.make_classification``.
    inputs : {"gaussian", "sphere", "ball", "cube"}, default="gaussian"
        Distribution of the rows of X: N(0, I), or uniform on the unit sphere, in the
        unit ball, or on {-1, 1}^d. On the sphere and in the ball each column has variance
        of about 1/d. The default weights of the models suit columns of variance 1.
    return_target : bool, default=False
        Whether to return the polynomial too.
    random_state : int, RandomState instance or None, default=None
        Controls the random data; pass an int for reproducible output across multiple
        function calls.

    Returns
    -------
    X : ndarray of shape (n_samples, n_features)
        The inputs.
    y : ndarray of shape (n_samples,), of int
        The labels, -1 or 1.
    target : BoundedDegreePolynomial
        The polynomial, with ``return_target=True``.

    Raises
    ------
    ValueError
        If a parameter is out of range, if `polynomial` does not have `n_features`
        variables, or if `n_terms` exceeds the number of monomials of this degree.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019, Theorem 3.1.

    Examples
    --------
    >>> from skrf import BoundedDegreePolynomial, make_polynomial_classification
    >>> product = BoundedDegreePolynomial([[1, 1]], [1.0])
    >>> X, y = make_polynomial_classification(
    ...     n_samples=50, n_features=2, polynomial=product, inputs="cube", random_state=0)
    >>> bool((y == X[:, 0] * X[:, 1]).all())
    True
    """
    drawn = polynomial, degree, coefficient_bound, n_terms
    with same_draws_on_failure(random_state):
        rng, X = _draw_inputs(random_state, n_samples, n_features, inputs)
        target = _polynomial(rng, n_features, *drawn)
    y = np.where(target(X) >= 0, 1, -1)
    flipped = rng.uniform(size=n_samples) < flip_y
    y[flipped] = rng.choice([-1, 1], flipped.sum())
    return (X, y, target) if return_target else (X, y)


def _polynomial(rng, n_features, polynomial, degree, coefficient_bound, n_terms):
    """The polynomial of the caller, or a random one."""
    if polynomial is None:
        return BoundedDegreePolynomial.random(
            n_features,
            degree,
            coefficient_bound=coefficient_bound,
            n_terms=n_terms,
            random_state=int(rng.integers(np.iinfo(np.int32).max)),
        )
    if polynomial.n_features != n_features:
        raise ValueError(
            f"`polynomial` must have n_features={n_features} variables; got "
            f"{polynomial.n_features}. Pass n_features={polynomial.n_features}."
        )
    return polynomial
