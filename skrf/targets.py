"""Target functions that tell the ways of learning apart: frozen, callable objects."""

from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from scipy.special import comb
from sklearn.utils import check_array, check_random_state

from skrf._validation import (
    NON_NEGATIVE_INTEGER,
    POSITIVE,
    POSITIVE_INTEGER,
    validate_params,
)
from skrf.activations import ACTIVATIONS


def _vector(name, value):
    """A frozen float64 copy of a finite 1-D array-like with at least one entry."""
    array = np.array(value, np.float64)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(
            f"{name} must be 1-D with at least one entry; got shape {array.shape}. Give "
            "one number per feature."
        )
    if not np.isfinite(array).all():
        raise ValueError(
            f"{name} must be finite; got {array[~np.isfinite(array)][0]}. Replace NaN and "
            "infinity."
        )
    array.flags.writeable = False
    return array


@dataclass(frozen=True, eq=False)
class _Target:
    """A function of the rows of X. A subclass has `n_features` and `_evaluate(X)`."""

    def __reduce__(self):
        # Made again from its fields, so that copies are checked and frozen too.
        return type(self), tuple(getattr(self, field.name) for field in fields(self))

    def __call__(self, X):
        """The values of the target, shape (n_samples,), for X (n_samples, n_features)."""
        X = check_array(X, dtype=np.float64, input_name="X")
        if X.shape[1] != self.n_features:
            raise ValueError(
                f"X has {X.shape[1]} columns, but {type(self).__name__} takes "
                f"n_features={self.n_features}. Give X as many columns."
            )
        return self._evaluate(X)


@dataclass(frozen=True, eq=False)
class SingleNeuron(_Target):
    r"""One neuron, :math:`x \mapsto act(\langle w, x\rangle + b)`.

    The target of Theorems 4.2 and 4.8: easy for one neuron trained by gradient descent,
    hard for any fixed features.

    Parameters
    ----------
    weight : array-like of shape (n_features,)
        The weight w.
    bias : float, default=0.0
        The bias b.
    activation : str, default="relu"
        A key of `skrf.activations.ACTIVATIONS`.

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
    bias: float = 0.0
    activation: str = "relu"

    def __post_init__(self):
        object.__setattr__(self, "weight", _vector("weight", self.weight))
        if not isinstance(self.bias, Real) or not np.isfinite(self.bias):
            raise ValueError(f"bias must be a finite number; got {self.bias!r}.")
        object.__setattr__(self, "bias", float(self.bias))
        if not isinstance(self.activation, str) or self.activation not in ACTIVATIONS:
            raise ValueError(
                f"activation={self.activation!r} is not known. Use one of "
                f"{', '.join(ACTIVATIONS)}."
            )

    @property
    def n_features(self):
        """Number of columns that X must have."""
        return len(self.weight)

    def _evaluate(self, X):
        return ACTIVATIONS[self.activation](X @ self.weight + self.bias)

    def __repr__(self):
        return (
            f"SingleNeuron(n_features={self.n_features}, "
            f"||weight||={np.linalg.norm(self.weight):.4g}, bias={self.bias:.4g}, "
            f"activation={self.activation!r})"
        )


@dataclass(frozen=True, eq=False)
class BoundedDegreePolynomial(_Target):
    r"""A polynomial :math:`P(x) = \sum_m c_m \prod_j x_j^{e_{mj}}` of bounded degree.

    The targets of Theorem 3.1: every monomial has degree at most k, every coefficient
    magnitude at most :math:`\alpha`.

    Parameters
    ----------
    exponents : array-like of shape (n_terms, n_features), of non-negative integers
        One row of exponents e_m per monomial.
    coefficients : array-like of shape (n_terms,)
        c_m.
    degree : int, default=None
        The bound k; None means the largest degree of the monomials.
    coefficient_bound : float, default=None
        The bound alpha; None means the largest magnitude of the coefficients.

    Examples
    --------
    >>> from skrf import BoundedDegreePolynomial
    >>> BoundedDegreePolynomial([[1, 1], [0, 2]], [2.0, -1.0])
    BoundedDegreePolynomial(n_features=2, degree<=2, |coefficient|<=2: 2 x0 x1 - x1^2)
    """

    exponents: np.ndarray
    coefficients: np.ndarray
    degree: int | None = None
    coefficient_bound: float | None = None

    _shown_terms: ClassVar[int] = 6

    def __post_init__(self):
        coefficients = _vector("coefficients", self.coefficients)
        given = np.array(self.exponents)
        if given.ndim != 2 or given.shape[0] != len(coefficients) or given.shape[1] == 0:
            raise ValueError(
                "exponents must have shape (n_terms, n_features) with one row for each of "
                f"the {len(coefficients)} coefficients; got shape {given.shape}."
            )
        limit = np.iinfo(np.int32).max
        if given.dtype.kind not in "iu" or given.min() < 0 or given.max() > limit:
            raise ValueError(
                f"exponents must be integers from 0 to {limit}; got dtype {given.dtype} "
                f"and values from {given.min()} to {given.max()}. Give int arrays."
            )
        if len(np.unique(given, axis=0)) < len(given):
            raise ValueError(
                "exponents has a row twice, so that coefficients would add up. Merge the "
                "monomials that are the same."
            )
        exponents = given.astype(np.int64)
        exponents.flags.writeable = False
        degrees, sizes = exponents.sum(axis=1), np.abs(coefficients)
        degree = int(degrees.max()) if self.degree is None else self.degree
        if not isinstance(degree, Integral) or degree < degrees.max():
            raise ValueError(
                f"degree={degree!r} must be an integer not below the degree "
                f"{degrees.max()} of monomial {degrees.argmax()}. Raise degree, or drop "
                "the monomial."
            )
        bound = float(
            sizes.max() if self.coefficient_bound is None else self.coefficient_bound
        )
        if not bound >= sizes.max():
            raise ValueError(
                f"coefficient_bound={bound} must not be below the magnitude "
                f"{sizes.max()} of coefficient {sizes.argmax()}. Raise coefficient_bound, "
                "or scale the coefficients."
            )
        object.__setattr__(self, "exponents", exponents)
        object.__setattr__(self, "coefficients", coefficients)
        object.__setattr__(self, "degree", int(degree))
        object.__setattr__(self, "coefficient_bound", bound)

    @classmethod
    @validate_params(
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
        n_features,
        degree=2,
        *,
        coefficient_bound=1.0,
        n_terms=5,
        random_state=None,
    ):
        """Draw `n_terms` different monomials, uniformly among all of degree <= `degree`.

        The coefficients are uniform on [-coefficient_bound, coefficient_bound].

        Parameters
        ----------
        n_features : int
            Number of columns of X.
        degree : int, default=2
            Largest degree k of a monomial.
        coefficient_bound : float, default=1.0
            Largest magnitude alpha of a coefficient.
        n_terms : int, default=5
            Number of monomials, at most the binomial coefficient (d + k over k).
        random_state : int, RandomState instance or None, default=None
            Fixes the draw.

        Returns
        -------
        polynomial : BoundedDegreePolynomial
            The drawn polynomial.
        """
        n_monomials = comb(n_features + degree, degree, exact=True)
        if n_terms > n_monomials:
            raise ValueError(
                f"n_terms={n_terms} cannot be met: {n_features} variables have only "
                f"{n_monomials} monomials of degree <= {degree}. Use a smaller n_terms, "
                "or a larger degree."
            )
        rng = check_random_state(random_state)
        chosen = {}
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
    def n_features(self):
        """Number of columns that X must have."""
        return self.exponents.shape[1]

    def _evaluate(self, X):
        total = np.zeros(len(X))
        for row, coefficient in zip(self.exponents, self.coefficients, strict=True):
            used = np.flatnonzero(row)
            total += coefficient * np.prod(X[:, used] ** row[used], axis=1)
        return total

    def __repr__(self):
        terms = []
        for row, c in zip(self.exponents, self.coefficients, strict=True):
            powers = [
                f"x{j}" if row[j] == 1 else f"x{j}^{row[j]}" for j in np.flatnonzero(row)
            ]
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
class TriangleWave(_Target):
    r"""The sine-like wave of Proposition 4.6, :math:`x \mapsto \psi(\langle w, x\rangle)`.

    With a = 6 d^2 + 1, d = n_features,

    .. math:: \psi(t) = [t + a]_+ + 2 \sum_{n=1}^{a} (-1)^n [t + a - 2n]_+ - 1,

    a sum of a + 1 ReLUs: an odd triangle wave of period 4 between -1 and 1 on [-a, a],
    -1 on the left of it and 1 - (t - a) on the right. Nearly uncorrelated with every
    fixed function when w is random and long, which is what makes single neurons hard for
    fixed features. The squared norm of :math:`\psi(\langle w, x\rangle)` for Gaussian x
    and ||w|| = d is 1/3 (the printed item 2 says at least d).

    Parameters
    ----------
    weight : array-like of shape (n_features,)
        w; the proposition takes ||w|| = n_features.

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

    def __post_init__(self):
        object.__setattr__(self, "weight", _vector("weight", self.weight))

    @property
    def n_features(self):
        """Number of columns that X must have."""
        return len(self.weight)

    @property
    def half_width(self):
        """a = 6 d^2 + 1; the wave is periodic on [-a, a]."""
        return 6 * self.n_features**2 + 1

    def profile(self, t):
        """psi(t), elementwise, without the cancellation of the sum."""
        t = np.asarray(t, np.float64)
        a = self.half_width
        wave = 1 - np.abs(np.mod(t + a, 4) - 2)
        return np.where(t < -a, -1.0, np.where(t > a, 1 - (t - a), wave))

    def relu_sum(self):
        """Coefficients and offsets of psi(t) = sum_j coefficient_j [t + offset_j]_+ - 1.

        Returns
        -------
        coefficients, offsets : ndarray of shape (a + 1,)
            Summing them loses digits as a grows: `profile` does not.
        """
        a = self.half_width
        n = np.arange(a + 1)
        coefficients = np.where(n == 0, 1.0, 2.0 * (-1.0) ** n)
        return coefficients, (a - 2 * n).astype(np.float64)

    def _evaluate(self, X):
        return self.profile(X @ self.weight)

    def __repr__(self):
        return (
            f"TriangleWave(n_features={self.n_features}, "
            f"||weight||={np.linalg.norm(self.weight):.4g}, a={self.half_width})"
        )
