"""Target functions that are easy for some ways of learning and hard for others."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from numbers import Real
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import comb
from sklearn.utils import check_random_state

from skrf._utils.checks import (
    check_choice,
    check_integer,
    is_number,
    real_array,
    real_numbers,
    short,
)
from skrf._utils.typing import MatrixLike, RandomState
from skrf._utils.validation import (
    NON_NEGATIVE_INTEGER,
    POSITIVE,
    POSITIVE_INTEGER,
    check_arguments,
)
from skrf._utils.version import __version__, warn_if_newer
from skrf.activations import ACTIVATIONS


def _vector(name, value):
    """A frozen float64 copy of a finite 1-D array-like with at least one entry."""
    array = real_array(name, value, ndim=1).copy()
    array.flags.writeable = False
    return array


@dataclass(frozen=True, eq=False)
class _BaseTarget(ABC):
    """A function of the rows of X."""

    @property
    @abstractmethod
    def n_features(self) -> int:
        """Number of columns that X must have."""

    @abstractmethod
    def _evaluate(self, X: np.ndarray) -> np.ndarray:
        """The values, of checked rows."""

    def __reduce__(self):
        # Constructed again from its fields: copies are checked and frozen too.
        values = tuple(getattr(self, field.name) for field in fields(self))
        return type(self), values, {"_skrf_version": __version__}

    def __setstate__(self, state):
        warn_if_newer(type(self).__name__, state["_skrf_version"])

    def _freeze(self, **values):
        """Set the fields, which only the constructor may."""
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __call__(self, X: MatrixLike) -> np.ndarray:
        """Evaluate the target.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows at which to evaluate the target.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            The values, in float64.

        Raises
        ------
        ValueError
            If `X` is not 2-D, not finite numbers, or has another number of columns.
        """
        X = real_array("X", X, ndim=2)
        if X.shape[1] != self.n_features:
            raise ValueError(
                f"`X` must have n_features={self.n_features} columns for this "
                f"{type(self).__name__}; got {X.shape[1]}. Pass X with the same columns."
            )
        return self._evaluate(X)


@dataclass(frozen=True, eq=False)
class SingleNeuron(_BaseTarget):
    r"""One neuron, :math:`x \mapsto act(\langle w, x\rangle + b)`.

    One neuron trained by gradient descent learns this target. Fixed features do not,
    unless their number or their weights grow exponentially with n_features.

    Parameters
    ----------
    weight : array-like of shape (n_features,)
        Weight w of the neuron. A read-only float64 copy is stored.
    bias : float, default=0.0
        Bias b of the neuron.
    activation : str, default="relu"
        A key of `skrf.activations.ACTIVATIONS`.

    Raises
    ------
    ValueError
        If `weight` is not 1-D, is empty or not finite, if `bias` is not a finite number,
        or if `activation` is unknown.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019, Theorems 4.2 and 4.8.

    Examples
    --------
    >>> from skrf import SingleNeuron
    >>> neuron = SingleNeuron([3.0, 4.0], bias=-1.0)
    >>> neuron
    SingleNeuron(n_features=2, ||weight||=5, bias=-1, activation='relu')
    >>> neuron([[1.0, 0.0], [0.0, -1.0]])
    array([2., 0.])
    """

    weight: np.ndarray
    bias: float
    activation: str

    def __init__(
        self, weight: ArrayLike, bias: float = 0.0, activation: str = "relu"
    ) -> None:
        vector = _vector("weight", weight)
        if not is_number(bias):
            raise ValueError(
                f"`bias` must be a finite number; got {short(bias)}. Use 0 for no bias."
            )
        check_choice("activation", activation, ACTIVATIONS)
        self._freeze(weight=vector, bias=float(bias), activation=activation)

    @property
    def n_features(self) -> int:
        """Number of columns that X must have."""
        return len(self.weight)

    def _evaluate(self, X):
        return ACTIVATIONS[self.activation](X @ self.weight + self.bias)

    def __repr__(self) -> str:
        return (
            f"SingleNeuron(n_features={self.n_features}, "
            f"||weight||={np.linalg.norm(self.weight):.4g}, bias={self.bias:.4g}, "
            f"activation={self.activation!r})"
        )


@dataclass(frozen=True, eq=False)
class BoundedDegreePolynomial(_BaseTarget):
    r"""A polynomial :math:`P(x) = \sum_m c_m \prod_j x_j^{e_{mj}}` of bounded degree.

    Every monomial has degree at most k, and every coefficient has magnitude at most
    :math:`\alpha`.

    Parameters
    ----------
    exponents : array-like of shape (n_terms, n_features), of non-negative integers
        Exponents e_m, one row for each monomial.
    coefficients : array-like of shape (n_terms,)
        Coefficients c_m, one for each monomial.
    degree : int, default=None
        Bound k on the degrees. None means the maximum degree of the monomials.
    coefficient_bound : float, default=None
        Bound alpha on the magnitudes of the coefficients. None means their maximum.

    Raises
    ------
    ValueError
        If the shapes do not match, if the exponents are not integers from 0 to 2^31 - 1
        or repeat a row, if the coefficients are not finite, or if a monomial exceeds a
        bound.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019, Theorem 3.1.

    Examples
    --------
    >>> from skrf import BoundedDegreePolynomial
    >>> BoundedDegreePolynomial([[1, 1], [0, 2]], [2.0, -1.0])
    BoundedDegreePolynomial(n_features=2, degree<=2, |coefficient|<=2: 2 x0 x1 - x1^2)
    """

    exponents: np.ndarray
    coefficients: np.ndarray
    degree: int
    coefficient_bound: float

    _shown_terms: ClassVar[int] = 6

    def __init__(
        self,
        exponents: ArrayLike,
        coefficients: ArrayLike,
        degree: int | None = None,
        coefficient_bound: float | None = None,
    ) -> None:
        factors = _vector("coefficients", coefficients)
        powers = real_numbers("exponents", exponents)
        if powers.ndim != 2 or powers.shape[0] != len(factors) or powers.shape[1] == 0:
            raise ValueError(
                "`exponents` must have shape (n_terms, n_features) with one row for each "
                f"of the {len(factors)} coefficients; got shape {powers.shape}. Pass one "
                "row for each coefficient."
            )
        limit = np.iinfo(np.int32).max
        if powers.dtype.kind not in "iu" or powers.min() < 0 or powers.max() > limit:
            raise ValueError(
                f"`exponents` must be integers from 0 to {limit}; got dtype "
                f"{powers.dtype} and values from {powers.min()} to {powers.max()}. Pass "
                "an array of integers."
            )
        if len(np.unique(powers, axis=0)) < len(powers):
            raise ValueError(
                "`exponents` must have different rows; got the same row twice. Add the "
                "coefficients of equal monomials."
            )
        powers = powers.astype(np.int64)
        powers.flags.writeable = False
        degrees, sizes = powers.sum(axis=1), np.abs(factors)
        degree = int(degrees.max()) if degree is None else degree
        remedy = f"Raise `degree`, or drop monomial {degrees.argmax()}"
        check_integer("degree", degree, int(degrees.max()), remedy)
        bound = sizes.max() if coefficient_bound is None else coefficient_bound
        number = isinstance(bound, Real) and not isinstance(bound, bool)
        if not number or not bound >= sizes.max():
            raise ValueError(
                f"`coefficient_bound` must be at least {sizes.max()}, the magnitude of "
                f"coefficient {sizes.argmax()}; got {short(bound)}. Raise "
                "`coefficient_bound`, or scale the coefficients."
            )
        self._freeze(
            exponents=powers,
            coefficients=factors,
            degree=int(degree),
            coefficient_bound=float(bound),
        )

    @classmethod
    @check_arguments(
        {
            "n_features": [POSITIVE_INTEGER],
            "degree": [NON_NEGATIVE_INTEGER],
            "coefficient_bound": [POSITIVE],
            "n_terms": [POSITIVE_INTEGER],
            "random_state": ["random_state"],
        },
        prefer_skip_nested_validation=True,
    )
    def random(
        cls,
        n_features: int,
        degree: int = 2,
        *,
        coefficient_bound: float = 1.0,
        n_terms: int = 5,
        random_state: RandomState = None,
    ) -> Self:
        """Draw `n_terms` different monomials, uniformly among all of degree <= `degree`.

        The coefficients are uniform on [-coefficient_bound, coefficient_bound].

        Parameters
        ----------
        n_features : int
            Number of columns of X.
        degree : int, default=2
            Maximum degree k of a monomial.
        coefficient_bound : float, default=1.0
            Maximum magnitude alpha of a coefficient.
        n_terms : int, default=5
            Number of monomials, at most the binomial coefficient (d + k over k).
        random_state : int, RandomState instance or None, default=None
            Controls the random monomials; pass an int for reproducible output across
            multiple function calls.

        Returns
        -------
        polynomial : BoundedDegreePolynomial
            The drawn polynomial.

        Raises
        ------
        ValueError
            If a parameter is out of range, or if `n_terms` exceeds the number of
            monomials.

        Examples
        --------
        >>> from skrf import BoundedDegreePolynomial
        >>> cubic = BoundedDegreePolynomial.random(4, degree=3, n_terms=6, random_state=0)
        >>> cubic.exponents.shape, bool(cubic.exponents.sum(axis=1).max() <= 3)
        ((6, 4), True)
        """
        n_monomials = comb(n_features + degree, degree, exact=True)
        if n_terms > n_monomials:
            raise ValueError(
                f"`n_terms` must be at most {n_monomials}, the number of monomials of "
                f"degree <= {degree} in {n_features} variables; got {n_terms}. Use a "
                "smaller `n_terms`, or a larger `degree`."
            )
        rng = check_random_state(random_state)
        chosen: dict[tuple[int, ...], None] = {}
        # A monomial of degree <= k is a multiset of k among the d variables and 1; these
        # are the k-subsets of d + k places (stars and bars), which are drawn uniformly.
        while len(chosen) < n_terms:
            places = np.sort(rng.permutation(n_features + degree)[:degree])
            variables = places - np.arange(degree)
            row = np.bincount(variables, minlength=n_features + 1)[:n_features]
            chosen.setdefault(tuple(row.tolist()))
        coefficients = rng.uniform(-coefficient_bound, coefficient_bound, n_terms)
        exponents = np.array(list(chosen), dtype=np.int64)
        return cls(exponents, coefficients, degree, coefficient_bound)

    @property
    def n_features(self) -> int:
        """Number of columns that X must have."""
        return self.exponents.shape[1]

    def _evaluate(self, X):
        total = np.zeros(len(X))
        for row, coefficient in zip(self.exponents, self.coefficients, strict=True):
            used = np.flatnonzero(row)
            total += coefficient * np.prod(X[:, used] ** row[used], axis=1)
        return total

    def __repr__(self) -> str:
        terms = []
        for row, c in zip(self.exponents, self.coefficients, strict=True):
            variables = [(j, row[j]) for j in np.flatnonzero(row)]
            powers = [f"x{j}" if k == 1 else f"x{j}^{k}" for j, k in variables]
            size = [] if abs(c) == 1 and powers else [f"{abs(c):.3g}"]
            terms.append(("- " if c < 0 else "+ ") + " ".join(size + powers))
        shown = " ".join(terms[: self._shown_terms]).removeprefix("+ ")
        hidden = len(terms) - self._shown_terms
        more = f" ... ({hidden} more)" if hidden > 0 else ""
        return (
            f"BoundedDegreePolynomial(n_features={self.n_features}, "
            f"degree<={self.degree}, |coefficient|<={self.coefficient_bound:.4g}: "
            f"{shown}{more})"
        )


@dataclass(frozen=True, eq=False)
class TriangleWave(_BaseTarget):
    r"""The sine-like wave of Proposition 4.6, :math:`x \mapsto \psi(\langle w, x\rangle)`.

    With a = 6 d^2 + 1, d = n_features,

    .. math:: \psi(t) = [t + a]_+ + 2 \sum_{n=1}^{a} (-1)^n [t + a - 2n]_+ - 1,

    a sum of a + 1 ReLUs. On [-a, a] psi is an odd triangle wave of period 4 between -1
    and 1. It is -1 to the left of this interval and 1 - (t - a) to the right.

    For a long random w the wave is nearly uncorrelated with every fixed function, so
    fixed features cannot learn single neurons.

    Parameters
    ----------
    weight : array-like of shape (n_features,)
        Weight w; the proposition takes ||w|| = n_features. A read-only float64 copy is
        stored.

    Raises
    ------
    ValueError
        If `weight` is not 1-D, is empty or not finite.

    Notes
    -----
    For Gaussian x and ||w|| = d the squared norm of :math:`\psi(\langle w, x\rangle)` is
    1/3. Item 2 of the proposition states at least d.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019, Proposition 4.6.

    Examples
    --------
    >>> from skrf import TriangleWave
    >>> wave = TriangleWave([2.0, 0.0])
    >>> wave
    TriangleWave(n_features=2, ||weight||=2, a=25)
    >>> wave([[0.0, 1.0], [0.5, 1.0], [1.5, 1.0]])
    array([ 0.,  1., -1.])
    """

    weight: np.ndarray

    def __init__(self, weight: ArrayLike) -> None:
        self._freeze(weight=_vector("weight", weight))

    @property
    def n_features(self) -> int:
        """Number of columns that X must have."""
        return len(self.weight)

    @property
    def half_width(self) -> int:
        """a = 6 d^2 + 1; the wave is periodic on [-a, a]."""
        return 6 * self.n_features**2 + 1

    def profile(self, t: ArrayLike) -> np.ndarray:
        """psi(t), elementwise, without the cancellation of the sum of ReLUs.

        Parameters
        ----------
        t : array-like
            Real numbers of any shape.

        Returns
        -------
        psi : ndarray
            The values in float64, of the shape of `t`.

        Raises
        ------
        ValueError
            If `t` is not real numbers.

        Examples
        --------
        >>> from skrf import TriangleWave
        >>> TriangleWave([1.0]).profile([0.0, 0.5, 1.0, 1.5])
        array([ 0. , -0.5, -1. , -0.5])
        """
        x, a = real_array("t", t, finite=False), self.half_width
        wave = 1 - np.abs(np.mod(x + a, 4) - 2)
        return np.where(x < -a, -1.0, np.where(x > a, 1 - (x - a), wave))

    def relu_sum(self) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients and offsets of psi(t) = sum_j coefficient_j [t + offset_j]_+ - 1.

        Returns
        -------
        coefficients : ndarray of shape (a + 1,)
            1, -2, 2, -2, ...
        offsets : ndarray of shape (a + 1,)
            a, a - 2, ..., -a. The sum loses digits as a grows, and `profile` does not.

        Examples
        --------
        >>> from skrf import TriangleWave
        >>> coefficients, offsets = TriangleWave([1.0]).relu_sum()
        >>> coefficients
        array([ 1., -2.,  2., -2.,  2., -2.,  2., -2.])
        >>> offsets
        array([ 7.,  5.,  3.,  1., -1., -3., -5., -7.])
        """
        a = self.half_width
        n = np.arange(a + 1)
        coefficients = np.where(n == 0, 1.0, 2.0 * (-1.0) ** n)
        return coefficients, (a - 2 * n).astype(np.float64)

    def _evaluate(self, X):
        return self.profile(X @ self.weight)

    def __repr__(self) -> str:
        return (
            f"TriangleWave(n_features={self.n_features}, "
            f"||weight||={np.linalg.norm(self.weight):.4g}, a={self.half_width})"
        )
