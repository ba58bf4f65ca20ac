"""Errors of ridge regression against the width of its features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from skrf._utils.checks import is_number, short
from skrf._utils.typing import MatrixLike
from skrf.displays._axes import axes_or_new
from skrf.ridge import RandomFeatureRidge, RandomFeatureRidgeClassifier, WidthPath

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.lines import Line2D

# For more curves a colorbar replaces the legend.
_MOST_IN_LEGEND = 6
# Lower bound of the maximum error of a picture, for errors that are all 0.
_MINIMUM_TOP = 1e-280


class WidthPathDisplay:
    """Errors of ridge regression against the width of its features.

    A legend names up to six alphas. More alphas are distinguished by a colorbar.

    Parameters
    ----------
    path : WidthPath
        Result of `RandomFeatureRidge.width_path`.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the curves, after `plot`.
    figure_ : matplotlib Figure
        Figure of the axes.
    lines_ : list of matplotlib Line2D
        A leave-one-out curve and a training curve for each alpha.

    References
    ----------
    .. [1] scikit-learn's `visualization API
       <https://scikit-learn.org/stable/visualizations.html>`_.

    Examples
    --------
    >>> from skrf import RandomFeatureRidge, RandomReLUFeatures
    >>> from skrf.displays import WidthPathDisplay
    >>> from skrf import make_single_neuron
    >>> X, y = make_single_neuron(n_samples=100, n_features=5, noise=0.1, random_state=0)
    >>> model = RandomFeatureRidge(RandomReLUFeatures(200), alphas=[1e-4], random_state=0)
    >>> display = WidthPathDisplay.from_estimator(model, X, y)
    >>> len(display.lines_)
    2
    """

    ax_: Axes
    figure_: Figure | SubFigure
    lines_: list[Line2D]

    def __init__(self, *, path: WidthPath) -> None:
        self.path = path

    @classmethod
    def from_estimator(
        cls,
        estimator: RandomFeatureRidge | RandomFeatureRidgeClassifier,
        X: MatrixLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        ax: Axes | None = None,
        **options: Any,
    ) -> Self:
        """Compute the width path of an estimator and draw the path.

        Parameters
        ----------
        estimator : RandomFeatureRidge or RandomFeatureRidgeClassifier
            Estimator with the parameters of the path. It is neither fitted nor changed.
        X : {array-like, sparse matrix, data frame, Dask array or Dask data frame} of \
shape (n_samples, n_features)
            Training data, as for `fit` of the estimator.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets or labels, as for `fit` of the estimator.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the rows. None means 1.
        ax : matplotlib Axes, default=None
            Axes to draw on. None creates new axes.
        **options : dict
            Further arguments of `plot`.

        Returns
        -------
        display : WidthPathDisplay
            The display, after `plot`.

        Raises
        ------
        ValueError, LinAlgError, MemoryError
            As `RandomFeatureRidge.width_path` raises them.
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> from skrf import RandomFeatureRidge, RandomReLUFeatures
        >>> from skrf.displays import WidthPathDisplay
        >>> from skrf import make_single_neuron
        >>> X, y = make_single_neuron(n_samples=30, n_features=3, random_state=0)
        >>> model = RandomFeatureRidge(RandomReLUFeatures(60), random_state=0)
        >>> WidthPathDisplay.from_estimator(model, X, y, training=False).ax_.get_xlabel()
        'width'
        """
        if not hasattr(estimator, "width_path"):
            raise ValueError(
                "`estimator` must have a method width_path; got "
                f"{type(estimator).__name__}. Use RandomFeatureRidge or "
                "RandomFeatureRidgeClassifier."
            )
        path = estimator.width_path(X, y, sample_weight=sample_weight)
        return cls(path=path).plot(ax, **options)

    def plot(
        self,
        ax: Axes | None = None,
        *,
        training: bool = True,
        target_variance: float | None = None,
    ) -> Self:
        """Draw the errors on logarithmic axes, and a line at the number of rows.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. None creates new axes.
        training : bool, default=True
            Whether to draw training errors too, as dotted curves.
        target_variance : float, default=None
            Variance of the targets, by which the errors are divided. A relative error of
            1 is the error of a constant prediction. None means 1.

        Returns
        -------
        display : WidthPathDisplay
            This display.

        Raises
        ------
        ValueError
            If `path` is not a WidthPath, or if `target_variance` is not a positive
            number.
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> from skrf import RandomFeatureRidge, RandomReLUFeatures
        >>> from skrf.displays import WidthPathDisplay
        >>> from skrf import make_single_neuron
        >>> X, y = make_single_neuron(n_samples=30, n_features=3, random_state=0)
        >>> model = RandomFeatureRidge(RandomReLUFeatures(60), random_state=0)
        >>> display = WidthPathDisplay(path=model.width_path(X, y))
        >>> display.plot(target_variance=y.var()).ax_.get_ylabel()
        'relative squared error'
        """
        if not hasattr(self.path, "leave_one_out_errors"):
            raise ValueError(
                f"`path` must be a WidthPath; got {short(self.path)}. Pass the result of "
                "width_path of a ridge estimator, or use from_estimator."
            )
        if target_variance is not None and not (
            is_number(target_variance) and target_variance > 0
        ):
            raise ValueError(
                f"`target_variance` must be a positive number; got "
                f"{short(target_variance)}. Pass y.var(), or None."
            )
        ax = axes_or_new(ax)
        unit = 1.0 if target_variance is None else target_variance
        self._draw(
            ax,
            self.path.leave_one_out_errors / unit,
            self.path.training_errors / unit,
            training,
        )
        ax.set_ylabel(
            "squared error" if target_variance is None else "relative squared error"
        )
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw(self, ax, left_out, fitted, training):
        """Draw one or two curves for each alpha, a legend or a colorbar, and n."""
        widths, alphas = self.path.widths, self.path.alphas[:, -1]
        # Errors of the size of rounding, or 0, would fill the picture.
        top = max(left_out.max(), fitted.max() if training else 0.0, _MINIMUM_TOP)
        left_out, fitted = (
            np.maximum(left_out, 1e-20 * top),
            np.maximum(fitted, 1e-20 * top),
        )
        many = len(alphas) > _MOST_IN_LEGEND
        line_width = 1 if many else None
        colors = _colors_of(alphas, ax, widths[-1]) if many else [None] * len(alphas)
        self.lines_ = []
        for k, alpha in enumerate(alphas):
            label = f"alpha = {alpha:.3g} at width {widths[-1]}"
            style = {"color": colors[k], "linewidth": line_width}
            self.lines_ += ax.plot(widths, left_out[k], label=label, **style)
            if training:
                style["color"] = self.lines_[-1].get_color()
                self.lines_ += ax.plot(widths, fitted[k], ":", **style)
        ax.set(xscale="log", yscale="log", xlabel="width")
        ax.set_ylim(left_out.min() / 30, 2 * top)
        if self.path.n_rows <= widths[-1]:
            _mark_rows(ax, self.path.n_rows)
        if many:
            names = ["leave-one-out", "training"][: 1 + training]
            ax.legend(self.lines_[: 1 + training], names)
        else:
            ax.legend(title="leave-one-out" + (", training dotted" if training else ""))


def _colors_of(alphas, ax, widest):
    """A colour for each alpha; draws a colorbar next to the axes."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LogNorm

    scale = ScalarMappable(LogNorm(alphas.min(), alphas.max()), "viridis")
    ax.figure.colorbar(scale, ax=ax, label=f"alpha at width {widest}")
    return [scale.to_rgba(alpha) for alpha in alphas]


def _mark_rows(ax, n_rows):
    """A line where the width is the number of rows."""
    ax.axvline(n_rows, color="0.6", linewidth=1, zorder=0)
    ax.annotate(
        "width = n_samples",
        (n_rows, 0.02),
        xycoords=("data", "axes fraction"),
        ha="left",
        va="bottom",
        rotation=90,
        color="0.4",
        fontsize="small",
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0},
    )
