"""What the displays share: axes, checks of curves, and a display of named curves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

from skrf._utils.checks import real_array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.lines import Line2D


def axes_or_new(ax):
    """The given axes or new ones; an error that names the extra without matplotlib."""
    if ax is not None and not hasattr(ax, "plot"):
        raise ValueError(f"ax={ax!r} must be matplotlib Axes. Give None for new ones.")
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(
            "Drawing needs matplotlib: python -m pip install "
            '"scikit-random-features[examples]".'
        ) from error
    return pyplot.subplots(layout="constrained")[1] if ax is None else ax


def checked_curves(name, curves, x_name, x):
    """A dict of curves with one number for each x."""
    x = real_array(x_name, x, ndim=1, finite=False)
    if not isinstance(curves, dict):
        raise ValueError(
            f"{name} must be a dict of curves by name; got {type(curves).__name__}. Give "
            f'{{"a name": {name}}}.'
        )
    for key, curve in curves.items():
        y = real_array(f"{name}[{key!r}]", curve, finite=False)
        if y.shape != x.shape:
            raise ValueError(
                f"{name}[{key!r}] has shape {y.shape}, and {x_name} {x.shape}. Give one "
                "number for each."
            )
    return curves


class BaseCurvesDisplay(ABC):
    """Named curves on logarithmic axes; a subclass checks and draws them."""

    ax_: Axes
    figure_: Figure | SubFigure
    lines_: list[Line2D]

    def plot(self, ax: Axes | None = None) -> Self:
        """Draw the curves, and set `ax_`, `figure_` and `lines_`.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None means new axes.

        Returns
        -------
        display : object
            This display.

        Raises
        ------
        ValueError
            When a curve is not as long as the horizontal axis, or what the display was
            given is of another kind.
        ImportError
            Without matplotlib; names the extra to install.

        Examples
        --------
        >>> from skrf.displays import LazinessDisplay
        >>> display = LazinessDisplay(widths=[10, 100], curves={"flipped": [0.2, 0.06]})
        >>> display.plot().ax_.get_xscale()
        'log'
        """
        # First: what is refused leaves no empty figure behind.
        drawn = self._checked()
        self.ax_ = axes_or_new(ax)
        self.figure_, self.lines_ = self.ax_.figure, []
        self._draw(*drawn)
        self.ax_.grid(alpha=0.3)
        self.ax_.legend()
        return self

    @abstractmethod
    def _checked(self):
        """What `_draw` is given, from the checked attributes."""

    @abstractmethod
    def _draw(self, *drawn):
        """Draw on `ax_` and extend `lines_`."""

    def _curves(self, x, curves, xlabel, ylabel, **style):
        for name, y in curves.items():
            self.lines_ += self.ax_.plot(x, y, label=name, **style)
        self.ax_.set(xscale="log", yscale="log", xlabel=xlabel, ylabel=ylabel)
