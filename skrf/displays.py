"""Displays of results, like scikit-learn's Display classes.

Drawing needs matplotlib, which the extra "examples" installs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike

from skrf._utils.checks import check_integer, is_number, real_array, short
from skrf._utils.directions import directions
from skrf._utils.plotting import BaseCurvesDisplay, axes_or_new, checked_curves
from skrf._utils.typing import MatrixLike
from skrf.ridge import RandomFeatureRidge, RandomFeatureRidgeClassifier, WidthPath

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.lines import Line2D

    from skrf.gaussian._spectrum import NeuronSpectrum

__all__ = [
    "ErrorFloorDisplay",
    "FeaturesNeededDisplay",
    "GradientOuterProductDisplay",
    "LazinessDisplay",
    "SpectrumDisplay",
    "WidthPathDisplay",
]

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
    >>> from skrf import RandomFeatureRidge, RandomReLUFeatures, WidthPathDisplay
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
        >>> from skrf import RandomFeatureRidge, RandomReLUFeatures, WidthPathDisplay
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
        >>> from skrf import RandomFeatureRidge, RandomReLUFeatures, WidthPathDisplay
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


class ErrorFloorDisplay(BaseCurvesDisplay):
    """Errors of fixed features against their number, with a lower bound.

    The dashed lower bound holds for any features and for the error averaged over the
    directions of w*. The error for a single w* can be smaller. `plot` sets the same
    attributes as `WidthPathDisplay.plot`.

    Parameters
    ----------
    n_features : array-like of shape (n_points,)
        Numbers of features.
    errors : dict of str to array-like of shape (n_points,)
        Relative errors by name, for instance of `skrf.gaussian.best_error`.
    floor : array-like of shape (n_points,)
        Lower bounds for these numbers of features, from `skrf.theory.error_floor`.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019, Theorems 4.2
       and 4.8.

    Examples
    --------
    >>> import numpy as np
    >>> from skrf.displays import ErrorFloorDisplay
    >>> from skrf.theory import example_4_9
    >>> values = example_4_9([5], 50).values["with_biases"]
    >>> errors = {"random features": values["random"]}
    >>> display = ErrorFloorDisplay(
    ...     n_features=values["n_features"], errors=errors, floor=values["floor"])
    >>> len(display.plot().lines_)
    2
    """

    def __init__(
        self, *, n_features: ArrayLike, errors: dict[str, ArrayLike], floor: ArrayLike
    ) -> None:
        self.n_features = n_features
        self.errors = errors
        self.floor = floor

    def _checked(self):
        checked_curves("floor", {"floor": self.floor}, "n_features", self.n_features)
        return (checked_curves("errors", self.errors, "n_features", self.n_features),)

    def _draw(self, curves):
        self._curves(self.n_features, curves, "number of features", "relative error")
        self.lines_ += self.ax_.plot(
            self.n_features,
            self.floor,
            "k--",
            label="lower bound for any features, averaged over w*",
        )


class FeaturesNeededDisplay(BaseCurvesDisplay):
    """Minimum number of features of any kind for one neuron, against the dimension.

    The vertical axis shows log10 of the number. `plot` sets the same attributes as
    `WidthPathDisplay.plot`.

    Parameters
    ----------
    dimensions : array-like of shape (n_points,)
        Dimensions d.
    log10_needed : dict of str to array-like of shape (n_points,)
        log10 of the numbers by name, from `skrf.theory.features_needed`.
    others : dict of str to array-like of shape (n_points,), default=None
        log10 of other numbers for comparison, drawn as dotted curves.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019, Theorem 4.8.

    Examples
    --------
    >>> from skrf.displays import FeaturesNeededDisplay
    >>> from skrf.theory import features_needed
    >>> needed = {"error 0.1": [features_needed(0.1, d)[0] for d in (5, 10)]}
    >>> display = FeaturesNeededDisplay(dimensions=[5, 10], log10_needed=needed)
    >>> len(display.plot().lines_)
    1
    """

    def __init__(
        self,
        *,
        dimensions: ArrayLike,
        log10_needed: dict[str, ArrayLike],
        others: dict[str, ArrayLike] | None = None,
    ) -> None:
        self.dimensions = dimensions
        self.log10_needed = log10_needed
        self.others = others

    def _checked(self):
        of_dimensions = "dimensions", self.dimensions
        return (
            checked_curves("log10_needed", self.log10_needed, *of_dimensions),
            checked_curves("others", self.others or {}, *of_dimensions),
        )

    def _draw(self, needed, others):
        labels = "dimension d", "log10 of the number"
        self._curves(self.dimensions, needed, *labels, marker="o")
        for name, y in others.items():
            self.lines_ += self.ax_.plot(self.dimensions, y, "s:", label=name)
        self.ax_.set_yscale("linear")


class SpectrumDisplay(BaseCurvesDisplay):
    """Fraction of ||g||^2 of a random neuron g in each degree of spherical harmonics.

    Degrees start at 1. `plot` sets the same attributes as `WidthPathDisplay.plot`.

    Parameters
    ----------
    spectra : dict of str to NeuronSpectrum
        Spectra by name, from `skrf.theory.neuron_spectrum`.
    max_degree : int, default=100
        Maximum degree drawn.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019. The
       spectra determine the lower bounds of Theorems 4.2 and 4.8.

    Examples
    --------
    >>> from skrf.displays import SpectrumDisplay
    >>> from skrf.theory import neuron_spectrum
    >>> spectra = {"d = 5": neuron_spectrum(5, -1.0)}
    >>> display = SpectrumDisplay(spectra=spectra, max_degree=20).plot()
    >>> int(display.lines_[0].get_xdata().max())
    20
    """

    def __init__(
        self, *, spectra: dict[str, NeuronSpectrum], max_degree: int = 100
    ) -> None:
        self.spectra = spectra
        self.max_degree = max_degree

    def _checked(self):
        last = check_integer(
            "max_degree", self.max_degree, 1, "Pass the maximum degree to draw"
        )
        spectra = self.spectra.values() if isinstance(self.spectra, dict) else []
        if not spectra or not all(hasattr(item, "log_energy") for item in spectra):
            raise ValueError(
                "`spectra` must be a dict of NeuronSpectrum by name; got "
                f"{short(self.spectra)}. Pass results of skrf.theory.neuron_spectrum."
            )
        fractions = {
            name: np.exp(spectrum.log_energy[1 : last + 1])
            for name, spectrum in self.spectra.items()
        }
        return (fractions,)

    def _draw(self, fractions):
        labels = "degree", "fraction of ||g||^2"
        for name, y in fractions.items():
            degrees = np.arange(1, len(y) + 1)
            self._curves(degrees, {name: y}, *labels, marker=".", linestyle="none")


class LazinessDisplay(BaseCurvesDisplay):
    """How lazily networks were trained, against their width.

    `plot` sets the same attributes as `WidthPathDisplay.plot`.

    Parameters
    ----------
    widths : array-like of shape (n_points,)
        Widths of the networks.
    curves : dict of str to array-like of shape (n_points,)
        Relative gaps or fractions by name, from `skrf.theory.section_2`.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019, Section 2.

    Examples
    --------
    >>> from skrf.displays import LazinessDisplay
    >>> display = LazinessDisplay(widths=[10, 100], curves={"flipped": [0.2, 0.06]})
    >>> len(display.plot().lines_)
    1
    """

    def __init__(self, *, widths: ArrayLike, curves: dict[str, ArrayLike]) -> None:
        self.widths = widths
        self.curves = curves

    def _checked(self):
        return (checked_curves("curves", self.curves, "widths", self.widths),)

    def _draw(self, curves):
        self._curves(self.widths, curves, "width", "relative gap", marker="o")
