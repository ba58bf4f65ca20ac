"""Polynomials of bounded degree, chosen or random."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import comb
from sklearn.utils import check_random_state

from skrf._utils.checks import check_integer, real_numbers, short
from skrf._utils.typing import RandomState
from skrf._utils.validation import (
    NON_NEGATIVE_INTEGER,
    POSITIVE,
    POSITIVE_INTEGER,
    check_arguments,
)
from skrf.targets._base import BaseTarget, frozen_vector


@dataclass(frozen=True, eq=False)
class BoundedDegreePolynomial(BaseTarget):
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
        factors = frozen_vector("coefficients", coefficients)
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
