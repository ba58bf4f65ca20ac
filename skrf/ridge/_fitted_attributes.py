"""Fitted attributes of ridge estimators, which a stream computes at the first access."""

from __future__ import annotations

from typing import Any

import numpy as np

# Fitted attributes that `partial_fit` leaves to be computed at their first access.
_COMPUTED = {
    "output_weights_",
    "output_bias_",
    "alpha_",
    "alphas_",
    "scores_",
    "best_score_",
    "n_iter_",
    "cv_results_",
    "cv_predictions_",
}


class FittedAttributes:
    """The properties of ridge estimators that a fit sets or a stream computes.

    The estimator has `_values`, a `FittedValues`, after `fit`, and `_stream`, a `Stream`,
    after `partial_fit`.
    """

    _stream: Any
    _values: Any

    def __dir__(self):
        # scikit-learn's HTML reads all listed attributes. Attributes of a stream may take
        # long to compute, and are listed only after they have been computed.
        names = set(object.__dir__(self))
        if "_stream" in vars(self) and not self._stream.is_solved:
            names -= _COMPUTED
        return [name for name in names if hasattr(self, name)]

    def _fitted_values(self):
        """The `FittedValues`; a stream computes them at the first access."""
        if "_stream" in vars(self):
            return self._stream.values
        if "_values" not in vars(self):
            raise AttributeError(f"This {type(self).__name__} is not fitted: call fit.")
        return self._values

    @property
    def output_weights_(self) -> np.ndarray:
        """Coefficients U; computed at the first access after `partial_fit`.

        Raises
        ------
        AttributeError
            Before `fit`.
        ValueError
            After `partial_fit`, if all rows so far had weight 0, or the coefficients
            overflow the dtype of the features.
        LinAlgError
            After `partial_fit`, if an alpha is too small for these features.

        Warns
        -----
        LinAlgWarning
            After `partial_fit`, if the features are so collinear that U is imprecise.
        """
        return self._fitted_values().output_weights

    @property
    def output_bias_(self) -> float | np.ndarray:
        """Intercept c; raises as `output_weights_` does."""
        return self._fitted_values().output_bias

    @property
    def alpha_(self) -> float | np.ndarray:
        """The penalty used; raises as `output_weights_` does."""
        return self._fitted_values().alpha

    @property
    def alphas_(self) -> np.ndarray:
        """The penalties that were compared; raises as `scores_` does."""
        return self._compared("alphas")

    @property
    def scores_(self) -> np.ndarray:
        """The score of each of the `alphas_`; higher is better.

        Raises
        ------
        AttributeError
            If `alphas` was a number, without `cv` and `select_width`; and as for
            `output_weights_`.
        ValueError, LinAlgError
            As for `output_weights_`.

        Warns
        -----
        LinAlgWarning
            As for `output_weights_`.
        """
        return self._compared("scores")

    @property
    def best_score_(self) -> float | np.ndarray:
        """The highest score; raises as `scores_` does."""
        return self._compared("best_score")

    @property
    def cv_results_(self) -> np.ndarray:
        """Errors or predictions of all rows, left out; see the parameter `scoring`.

        Raises
        ------
        AttributeError
            Without ``store_cv_results=True``; and as for `scores_`.
        """
        return self._stored("cv_results")

    @property
    def cv_predictions_(self) -> np.ndarray:
        """Predictions of all rows, left out, for `alpha_`; see `cv_results_`."""
        return self._stored("cv_predictions")

    def _compared(self, name):
        """A value of the comparison of penalties."""
        value = getattr(self._fitted_values(), name)
        if value is None:
            raise AttributeError(
                f"`alphas` must be a sequence or 'auto' to have `{name}_`, unless `cv` or "
                "`select_width` is set; got one number. Pass a sequence, such as [1.0]."
            )
        return value

    def _stored(self, name):
        """Results of the rows left out."""
        value = getattr(self._fitted_values(), name)
        if value is None:
            raise AttributeError(
                f"`store_cv_results` must be True, and `alphas` 'auto' or a sequence, to "
                f"have `{name}_`; got none in the last fit. Set both, and fit again."
            )
        return value

    @property
    def n_iter_(self) -> int:
        """Number of refinements or iterations; raises as `output_weights_` does."""
        return self._fitted_values().n_iter
