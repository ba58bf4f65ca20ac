"""Pictures, in the manner of scikit-learn's Display classes.

matplotlib, of the extra "examples", is imported when something is drawn.
"""

import numpy as np


def _axes(ax):
    """The given axes or new ones; an error that names the extra without matplotlib."""
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(
            "Drawing needs matplotlib: python -m pip install "
            '"scikit-random-features[examples]".'
        ) from error
    return pyplot.subplots(layout="constrained")[1] if ax is None else ax


class WidthPathDisplay:
    """Errors of ridge regression against the width of its features.

    Parameters
    ----------
    path : WidthPath
        What `RandomFeatureRidge.width_path` gives.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where the curves are drawn, after `plot`.
    figure_ : matplotlib Figure
        The figure of the axes.
    lines_ : list of matplotlib Line2D
        A leave-one-out curve and a training curve for each alpha.

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

    def __init__(self, *, path):
        self.path = path

    @classmethod
    def from_estimator(cls, estimator, X, y, *, sample_weight=None, ax=None, **options):
        """Compute the path of an estimator on data and draw it.

        Parameters
        ----------
        estimator : RandomFeatureRidge or RandomFeatureRidgeClassifier
            Need not be fitted, and is left as it is.
        X, y, sample_weight
            As for its `fit`.
        ax : matplotlib Axes, default=None
            Where to draw; None means new axes.
        **options : dict
            Passed to `plot`.

        Returns
        -------
        display : WidthPathDisplay
            The display, drawn.
        """
        path = estimator.width_path(X, y, sample_weight=sample_weight)
        return cls(path=path).plot(ax, **options)

    def plot(self, ax=None, *, training=True, target_variance=None):
        """Draw the errors, on logarithmic axes, and the number of rows.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None means new axes.
        training : bool, default=True
            Whether to draw training errors too, dotted.
        target_variance : float, default=None
            Divides the errors, so that 1 is the error of a constant; None means 1.

        Returns
        -------
        display : WidthPathDisplay
            This display.
        """
        ax = _axes(ax)
        path, unit = self.path, 1.0 if target_variance is None else target_variance
        self.lines_ = []
        for k, alphas in enumerate(path.alphas):
            label = f"alpha = {alphas[-1]:.3g} at width {path.widths[-1]}"
            errors = path.leave_one_out_errors[k] / unit
            self.lines_ += ax.plot(path.widths, errors, label=label)
            if training:
                errors = np.maximum(path.training_errors[k] / unit, np.finfo(float).tiny)
                color = self.lines_[-1].get_color()
                self.lines_ += ax.plot(path.widths, errors, ":", color=color)
        if path.n_rows <= path.widths[-1]:
            ax.axvline(path.n_rows, color="0.6", linewidth=1, zorder=0)
            ax.annotate(
                "width = n_samples",
                (path.n_rows, 0.02),
                xycoords=("data", "axes fraction"),
                ha="left",
                va="bottom",
                rotation=90,
                color="0.4",
                fontsize="small",
            )
        low = min(line.get_ydata().min() for line in self.lines_[:: 1 + training])
        top = max(line.get_ydata().max() for line in self.lines_)
        ax.set(
            xscale="log",
            yscale="log",
            ylim=(low / 30, 2 * top),
            xlabel="width",
            ylabel="squared error" if target_variance is None else "relative squared error",
        )
        ax.legend(title="leave-one-out" + (", training dotted" if training else ""))
        self.ax_, self.figure_ = ax, ax.figure
        return self


class _CurvesDisplay:
    """Named curves on logarithmic axes; sets `ax_`, `figure_` and `lines_`."""

    def _draw(self, ax, x, curves, xlabel, ylabel, **style):
        self.ax_ = _axes(ax)
        self.figure_, self.lines_ = self.ax_.figure, []
        for name, y in curves.items():
            self.lines_ += self.ax_.plot(x, y, label=name, **style)
        self.ax_.set(xscale="log", yscale="log", xlabel=xlabel, ylabel=ylabel)
        self.ax_.grid(alpha=0.3)
        self.ax_.legend()
        return self


class ErrorFloorDisplay(_CurvesDisplay):
    """Errors of fixed features against their number, with the floor of any features.

    Parameters
    ----------
    n_features : array-like of shape (n_points,)
        Numbers of features.
    errors : dict of str to array-like of shape (n_points,)
        Relative errors by name, as `skrf.gaussian.best_error` gives them.
    floor : array-like of shape (n_points,)
        What `skrf.theory.error_floor` gives for these numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from skrf.displays import ErrorFloorDisplay
    >>> from skrf.theory import theorem_4_2
    >>> values = theorem_4_2(d=5, width=50).values
    >>> errors = {"random features": values["errors"]}
    >>> display = ErrorFloorDisplay(
    ...     n_features=values["n_features"], errors=errors, floor=values["floor"])
    >>> len(display.plot().lines_)
    2
    """

    def __init__(self, *, n_features, errors, floor):
        self.n_features = n_features
        self.errors = errors
        self.floor = floor

    def plot(self, ax=None):
        """Draw the curves, the floor dashed, into `ax` or new axes."""
        labels = "number of features", "relative error"
        self._draw(ax, self.n_features, self.errors, *labels)
        self.lines_ += self.ax_.plot(
            self.n_features, self.floor, "k--", label="floor of any features"
        )
        self.ax_.legend()
        return self


class FeaturesNeededDisplay(_CurvesDisplay):
    """Fewest features of any kind for one neuron, against the dimension.

    Parameters
    ----------
    dimensions : array-like of shape (n_points,)
        The dimensions d.
    log10_needed : dict of str to array-like of shape (n_points,)
        log10 of the numbers by name, as `skrf.theory.features_needed` gives them.
    others : dict of str to array-like of shape (n_points,), default=None
        log10 of other numbers to compare with, drawn dotted.
    """

    def __init__(self, *, dimensions, log10_needed, others=None):
        self.dimensions = dimensions
        self.log10_needed = log10_needed
        self.others = others

    def plot(self, ax=None):
        """Draw the curves into `ax` or new axes; the vertical axis is a logarithm."""
        labels = "dimension d", "log10 of the number"
        self._draw(ax, self.dimensions, self.log10_needed, *labels, marker="o")
        for name, y in (self.others or {}).items():
            self.lines_ += self.ax_.plot(self.dimensions, y, "s:", label=name)
        self.ax_.set_yscale("linear")
        self.ax_.legend()
        return self


class SpectrumDisplay(_CurvesDisplay):
    """Share of a random neuron in each degree of the spherical harmonics.

    Parameters
    ----------
    spectra : dict of str to NeuronSpectrum
        By name, as `skrf.theory.neuron_spectrum` gives them.
    max_degree : int, default=100
        Largest degree drawn.
    """

    def __init__(self, *, spectra, max_degree=100):
        self.spectra = spectra
        self.max_degree = max_degree

    def plot(self, ax=None):
        """Draw the shares of degrees 1 and up into `ax` or new axes."""
        top = min([self.max_degree, *(s.max_degree for s in self.spectra.values())])
        curves = {
            name: np.exp(spectrum.log_energy[1 : top + 1])
            for name, spectrum in self.spectra.items()
        }
        degrees = np.arange(1, top + 1)
        labels = "degree", "share of ||g||^2"
        return self._draw(ax, degrees, curves, *labels, marker=".", linestyle="none")


class LazinessDisplay(_CurvesDisplay):
    """How lazily networks were trained, against their width.

    Parameters
    ----------
    widths : array-like of shape (n_points,)
        Widths.
    curves : dict of str to array-like of shape (n_points,)
        Gaps or shares by name, as `skrf.theory.section_2` gives them.
    """

    def __init__(self, *, widths, curves):
        self.widths = widths
        self.curves = curves

    def plot(self, ax=None):
        """Draw the curves into `ax` or new axes."""
        return self._draw(ax, self.widths, self.curves, "width", "relative gap", marker="o")
