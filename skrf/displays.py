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
