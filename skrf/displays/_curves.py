"""Base class of the displays of named curves, and the check of the curves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

from skrf._utils.checks import real_array
from skrf.displays._axes import axes_or_new

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure, SubFigure
    from matplotlib.lines import Line2D


def checked_curves(name, curves, x_name, x):
    """The curves, a dict of arrays with one value for each x."""
    x = real_array(x_name, x, ndim=1, finite=False)
    if not isinstance(curves, dict):
        raise ValueError(
            f"`{name}` must be a dict of curves by name; got {type(curves).__name__}. "
            f'Pass {{"a name": {name}}}.'
        )
    for key, curve in curves.items():
        y = real_array(f"{name}[{key!r}]", curve, finite=False)
        if y.shape != x.shape:
            raise ValueError(
                f"`{name}[{key!r}]` must have the shape of `{x_name}`, {x.shape}; got "
                f"{y.shape}. Pass one value for each of `{x_name}`."
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
            Axes to draw on. None creates new axes.

        Returns
        -------
        display : object
            This display.

        Raises
        ------
        ValueError
            If a curve does not have one value for each point of the horizontal axis, or
            if a parameter of the display has a wrong type.
        ImportError
            If matplotlib is not installed.

        Examples
        --------
        >>> from skrf.displays import LazinessDisplay
        >>> display = LazinessDisplay(widths=[10, 100], curves={"flipped": [0.2, 0.06]})
        >>> display.plot().ax_.get_xscale()
        'log'
        """
        # First, so that an error leaves no empty figure behind.
        drawn = self._checked()
        self.ax_ = axes_or_new(ax)
        self.figure_, self.lines_ = self.ax_.figure, []
        self._draw(*drawn)
        self.ax_.grid(alpha=0.3)
        self.ax_.legend()
        return self

    @abstractmethod
    def _checked(self):
        """The arguments of `_draw`, from the checked attributes."""

    @abstractmethod
    def _draw(self, *drawn):
        """Draw on `ax_` and extend `lines_`."""

    def _curves(self, x, curves, xlabel, ylabel, **style):
        for name, y in curves.items():
            self.lines_ += self.ax_.plot(x, y, label=name, **style)
        self.ax_.set(xscale="log", yscale="log", xlabel=xlabel, ylabel=ylabel)
