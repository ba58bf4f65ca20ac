"""Results of `skrf.theory`: lower bounds, spectra and laziness, as named curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from skrf._utils.checks import check_integer, short
from skrf.displays._curves import BaseCurvesDisplay, checked_curves

if TYPE_CHECKING:
    from skrf.gaussian._spectrum import NeuronSpectrum


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
