"""The axes that a display draws on."""

from skrf._utils.checks import short


def axes_or_new(ax):
    """The axes of the caller, or new ones; without matplotlib an error names the extra."""
    if ax is not None and not hasattr(ax, "plot"):
        raise ValueError(
            f"`ax` must be matplotlib Axes; got {short(ax)}. Pass None for new axes."
        )
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(
            "Drawing needs matplotlib. Run: python -m pip install "
            '"scikit-random-features[examples]"'
        ) from error
    return pyplot.subplots(layout="constrained")[1] if ax is None else ax
