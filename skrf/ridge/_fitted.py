"""The fitted attributes of ridge estimators, some of them computed when asked for."""

from dataclasses import dataclass

import numpy as np

from skrf.ridge._generalised_cv import solve_moments


@dataclass
class FittedValues:
    """A solution as users see it: in the features' dtype, flat where y is."""

    coef: np.ndarray  # (n_columns,) or (n_outputs, n_columns)
    intercept: np.ndarray  # a scalar or (n_outputs,)
    alpha: float
    scores: np.ndarray | None
    n_iter: int


class FittedRidge:
    """A mixin: attributes from a solution, which `partial_fit` leaves to be computed."""

    def __dir__(self):
        # scikit-learn's asks for every attribute, as its HTML does; what `partial_fit`
        # leaves to be computed is left out until it is.
        names = set(object.__dir__(self))
        if "features_" in vars(self) and self._values is None:
            own = vars(FittedRidge).items()
            names -= {name for name, value in own if isinstance(value, property)}
        return [name for name in names if hasattr(self, name)]

    def _publish(self, features, dtype, solution):
        """Set the fitted attributes."""
        self.features_ = features
        self._dtype = np.dtype(dtype)
        self._set_solution(solution)

    def _set_solution(self, solution):
        coef = solution.coef.T.astype(self._dtype)
        intercept = solution.intercept.astype(self._dtype)
        if not (np.isfinite(coef).all() and np.isfinite(intercept).all()):
            raise ValueError(
                f"The coefficients overflow {self._dtype}. Scale y down, or X up."
            )
        if self._flat:
            coef, intercept = coef[0], intercept[0]
        self._values = FittedValues(
            coef, intercept, solution.alpha, solution.scores, solution.n_iter
        )

    def _fitted(self):
        """The values; after `partial_fit` they are computed when first asked for."""
        if "features_" not in vars(self):
            raise AttributeError(f"This {type(self).__name__} is not fitted: call fit.")
        if self._values is None:
            moments, problem = self._stream.moments, self._stream.problem
            if moments.weight == 0:
                raise ValueError(
                    "sample_weight was zero on every row so far. Give partial_fit rows of "
                    "positive weight."
                )
            with np.errstate(over="ignore", invalid="ignore"):
                self._set_solution(solve_moments(moments, problem))
        return self._values

    @property
    def coef_(self) -> np.ndarray:
        """Coefficients U; computed at the first access after `partial_fit`.

        Raises
        ------
        AttributeError
            Before `fit`.
        ValueError
            After `partial_fit`, when all rows so far had weight 0, or the coefficients
            overflow the dtype of the features.
        LinAlgError
            After `partial_fit`, when an alpha is too small for these features.

        Warns
        -----
        LinAlgWarning
            After `partial_fit`, when the features are so collinear that U is imprecise.
        """
        return self._fitted().coef

    @property
    def intercept_(self) -> float | np.ndarray:
        """Intercept c; raises as `coef_` does."""
        return self._fitted().intercept

    @property
    def alpha_(self) -> float:
        """The penalty used; raises as `coef_` does."""
        return self._fitted().alpha

    @property
    def scores_(self) -> np.ndarray:
        """Minus the mean squared error for every one of `alphas`.

        Raises
        ------
        AttributeError
            When `alphas` was a number, without `cv` and `select_width`; and as `coef_`
            does.
        ValueError, LinAlgError
            As `coef_` does.

        Warns
        -----
        LinAlgWarning
            As `coef_` does.
        """
        scores = self._fitted().scores
        if scores is None:
            raise AttributeError(
                "There are scores only when alphas is a sequence, or with cv or "
                "select_width; it was one number."
            )
        return scores

    @property
    def best_score_(self) -> float:
        """The highest of the scores; raises as `scores_` does."""
        return float(np.max(self.scores_))

    @property
    def n_iter_(self) -> int:
        """Steps of refinement, or of conjugate gradients; raises as `coef_` does."""
        return self._fitted().n_iter
