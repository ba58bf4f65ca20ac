"""Leading directions of an average gradient outer product."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from skrf._utils.checks import check_integer, real_array
from skrf._utils.directions import directions
from skrf._utils.typing import MatrixLike
from skrf.displays._axes import axes_or_new

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure


class GradientOuterProductDisplay:
    """The leading directions of an average gradient outer product, as bars over columns.

    The legend says which fraction of the trace each direction has. A direction with a
    fraction near 1 means that the outputs vary along this direction only.

    Parameters
    ----------
    matrix : array-like of shape (n_features, n_features)
        Result of `gradient_outer_product` of a ridge model or network, or `metric_` of
        GradientOuterProduct.
    feature_names : array-like of shape (n_features,), default=None
        Names of the columns. None numbers the columns.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the bars, after `plot`.
    figure_ : matplotlib Figure
        Figure of the axes.
    bars_ : list of matplotlib BarContainer
        The entries of each direction, a unit vector.
    fractions_ : ndarray of shape (n_directions,)
        Eigenvalues of the directions divided by the trace.

    References
    ----------
    .. [1] A. Radhakrishnan, D. Beaglehole, P. Pandit and M. Belkin, "Mechanism for feature
       learning in neural networks and backpropagation-free machine learning models",
       Science 383, 2024.

    Examples
    --------
    >>> from skrf import RandomFeatureRidge, RandomReLUFeatures, make_single_neuron
    >>> from skrf.displays import GradientOuterProductDisplay
    >>> X, y = make_single_neuron(n_samples=300, n_features=4, random_state=0)
    >>> model = RandomFeatureRidge(RandomReLUFeatures(100), random_state=0).fit(X, y)
    >>> display = GradientOuterProductDisplay.from_estimator(model, X, n_directions=1)
    >>> bool(display.fractions_[0] > 0.9)
    True
    """

    ax_: Axes
    figure_: Figure | SubFigure
    bars_: list[Any]
    fractions_: np.ndarray

    def __init__(
        self, *, matrix: ArrayLike, feature_names: ArrayLike | None = None
    ) -> None:
        self.matrix = matrix
        self.feature_names = feature_names

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: MatrixLike | None = None,
        *,
        sample_weight: ArrayLike | None = None,
        ax: Axes | None = None,
        **options: Any,
    ) -> Self:
        """Compute the matrix of a fitted model and draw its directions.

        Parameters
        ----------
        estimator : estimator
            A fitted ridge model or network, or a fitted GradientOuterProduct, whose metric
            is drawn.
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features), \
default=None
            Rows at which the gradients are computed. Not used for GradientOuterProduct.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows. None means 1.
        ax : matplotlib Axes, default=None
            Axes to draw on. None creates new axes.
        **options : dict
            Further arguments of `plot`.

        Returns
        -------
        display : GradientOuterProductDisplay
            The display, after `plot`.

        Raises
        ------
        ValueError
            As `RandomFeatureRidge.gradient_outer_product` raises them, and if the estimator
            has neither gradients nor a metric.
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> from skrf import GradientOuterProduct, RandomReLUFeatures, make_single_neuron
        >>> from skrf.displays import GradientOuterProductDisplay
        >>> X, y = make_single_neuron(n_samples=300, n_features=4, random_state=0)
        >>> learned = GradientOuterProduct(
        ...     features=RandomReLUFeatures(100), random_state=0).fit(X, y)
        >>> display = GradientOuterProductDisplay.from_estimator(learned)
        >>> display.ax_.get_ylabel()
        'entry of the direction'
        """
        if hasattr(estimator, "gradient_outer_product"):
            matrix = estimator.gradient_outer_product(X, sample_weight=sample_weight)
        elif hasattr(estimator, "metric_"):
            matrix = estimator.metric_
        else:
            raise ValueError(
                "`estimator` must have a method gradient_outer_product or an attribute "
                f"`metric_`; got {type(estimator).__name__}. Use a fitted ridge model, "
                "network or GradientOuterProduct."
            )
        names = getattr(estimator, "feature_names_in_", None)
        return cls(matrix=matrix, feature_names=names).plot(ax, **options)

    def plot(self, ax: Axes | None = None, *, n_directions: int = 3) -> Self:
        """Draw the entries of the leading directions, next to each other.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None creates new axes.
        n_directions : int, default=3
            Maximum number of directions. Directions without a fraction are not drawn.

        Returns
        -------
        display : GradientOuterProductDisplay
            This display.

        Raises
        ------
        ValueError
            If `matrix` is not a symmetric matrix with a positive trace, if there is not one
            name for each column, or if `n_directions` is not a positive integer.
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> from skrf.displays import GradientOuterProductDisplay
        >>> display = GradientOuterProductDisplay(matrix=[[3.0, 0.0], [0.0, 1.0]])
        >>> display.plot().fractions_
        array([0.75, 0.25])
        """
        values, rows, names = self._checked(n_directions)
        self.ax_ = axes_or_new(ax)
        self.figure_, self.bars_, self.fractions_ = self.ax_.figure, [], values
        positions, thickness = np.arange(rows.shape[1]), 0.8 / len(rows)
        for k, (fraction, row) in enumerate(zip(values, rows, strict=True)):
            shift = (k - (len(rows) - 1) / 2) * thickness
            label = f"direction {k + 1}: {fraction:.1%} of the trace"
            self.bars_.append(self.ax_.bar(positions + shift, row, thickness, label=label))
        self.ax_.axhline(0, color="0.4", linewidth=0.8)
        if names is not None:
            self.ax_.set_xticks(positions, names, rotation=90 if len(names) > 6 else 0)
        self.ax_.set(xlabel="column", ylabel="entry of the direction")
        self.ax_.legend()
        return self

    def _checked(self, n_directions):
        """(Fractions, directions as rows, names or None), checked."""
        matrix = real_array("matrix", self.matrix, ndim=2)
        is_square = matrix.shape[0] == matrix.shape[1]
        if not (is_square and np.allclose(matrix, matrix.T) and matrix.trace() > 0):
            raise ValueError(
                "`matrix` must be symmetric with a positive trace; got shape "
                f"{matrix.shape}. Pass the result of gradient_outer_product."
            )
        names = None if self.feature_names is None else list(self.feature_names)
        if names is not None and len(names) != len(matrix):
            raise ValueError(
                f"`feature_names` must have {len(matrix)} names, one for each column; got "
                f"{len(names)}. Pass all names, or None."
            )
        last = check_integer("n_directions", n_directions, 1, "Pass a positive integer")
        values, rows = directions(matrix)
        fractions = values / values.sum()
        drawn = fractions[:last] > np.finfo(np.float64).eps
        return fractions[:last][drawn], rows[:last][drawn], names
