"""Pictures of the page that `reproduce` writes, by the title of their report."""

import numpy as np

from skrf.displays import (
    ErrorFloorDisplay,
    FeaturesNeededDisplay,
    LazinessDisplay,
    SpectrumDisplay,
)
from skrf.theory._floors import features_needed, neuron_spectrum
from skrf.theory._weights import theorem_constant

# At a width of 400 pixels on the screen, text of 13 points is about 10 pixels high.
_SIZE, _FONT = (5.6, 4.4), 12
_DIMENSIONS = np.array([41, 60, 80, 100, 150, 200, 300, 400])


def figures_of(reports):
    """{title: {caption: figure}} for the reports that have curves."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    figures = {}
    for report in reports:
        for draw, caption in _PICTURES.get(report.title, ()):
            with rc_context({"font.size": _FONT, "legend.fontsize": _FONT - 2}):
                figure = Figure(figsize=_SIZE, layout="constrained")
                draw(figure.subplots(), report.values)
            figures.setdefault(report.title, {})[caption] = figure
    return figures


def _name_ticks(axes, values):
    """Ticks at the values of a logarithmic axis only."""
    axes.set_xticks(values, [f"{value:g}" for value in values])
    axes.minorticks_off()


def _laziness(axes, values):
    names = "flipped", "coupling_gap", "feature_gap"
    curves = {name.replace("_", " "): values[name] for name in names}
    LazinessDisplay(widths=values["widths"], curves=curves).plot(axes)


def _hinge(axes, values):
    for plan, losses in zip(values["schedules"], values["hinge"], strict=True):
        step, n_steps, average = plan
        label = f"{step:g}/r, T = {n_steps:,}, {'mean' if average else 'last'}"
        axes.plot(values["widths"], losses.max(axis=1), "o-", label=label)
    axes.axhline(values["bound"], color="black", linestyle="--", label="L(P) + eps")
    axes.axhline(values["polynomial"], color="black", linestyle=":", label="L(P)")
    axes.set(xlabel="width r", ylabel="expected hinge loss", xscale="log")
    _name_ticks(axes, values["widths"])
    axes.legend(frameon=False)


def _constants(axes, _):
    axes.plot(_DIMENSIONS, [theorem_constant(int(d)) for d in _DIMENSIONS], "o-")
    axes.axhline(1, color="black", linestyle="--")
    axes.annotate("c = 1, proved for all d > 40", (_DIMENSIONS[-1], 1.02), ha="right")
    axes.set(xlabel="dimension d", ylabel="largest c(d)", ylim=(0.9, None))


def _growth(axes, values):
    ds = values["dimensions"]
    axes.plot(ds, values["log10_weight"], "o-", label="target of Theorem 4.2, any features")
    fixed = np.log10(values["weights"])
    axes.plot(ds, fixed, "s--", label="relative error fixed, random ReLUs")
    axes.set(xlabel="dimension d", ylabel="log10 of F r max|u|")
    axes.legend(frameon=False)


def _best_errors(axes, values):
    ds = values["dimensions"]
    axes.plot(ds, values["errors"], "o-", label="one draw")
    axes.plot(ds, values["floor"], "k--", label="any features, mean over w*")
    axes.set(xlabel="dimension d", ylabel="relative error", ylim=(0, None))
    axes.legend(frameon=False)


def _with_biases(axes, values):
    values = values["with_biases"]
    n = values["n_features"]
    linearised = np.interp(n, values["n_linearised"], values["linearised"], np.nan, np.nan)
    errors = {"random features": values["random"], "linearised network": linearised}
    display = ErrorFloorDisplay(n_features=n, errors=errors, floor=values["floor"])
    display.plot(axes)
    axes.legend(loc="lower left", frameon=False)


def _needed(axes, _):
    dimensions = np.array([5, 10, 20, 40, 80, 160])
    needed = {
        f"b* = {b:g}, {error:.0%}": np.array(
            [features_needed(error, int(d), b)[0] for d in dimensions]
        )
        for b, error in ((0.0, 0.01), (-1.0, 0.1), (-1.0, 0.01))
    }
    FeaturesNeededDisplay(dimensions=dimensions, log10_needed=needed).plot(axes)


def _spectrum(axes, _):
    spectra = {f"d = {d}": neuron_spectrum(d, -1.0) for d in (5, 20, 80)}
    SpectrumDisplay(spectra=spectra).plot(axes)


def _smooth(axes, values):
    for name, logs in values.items():
        if name != "norms":
            axes.plot(values["norms"], logs, "o-", label=name)
    axes.set(xlabel="||w||", ylabel="log10 of the number of features", xscale="log")
    _name_ticks(axes, values["norms"])
    axes.legend(frameon=False)


_PICTURES = {
    "Section 2": [(_laziness, "Section 2: exact measures of laziness against the width")],
    "Theorem 3.1": [
        (
            _hinge,
            "Theorem 3.1: largest mean loss over the initialisations, the loss of the best "
            "polynomial, and the bound L(P) + eps",
        )
    ],
    "Theorem 4.2": [(_constants, "Theorem 4.2: the largest constant c at each dimension")],
    "Example 4.3": [
        (
            _growth,
            "Example 4.3: coefficients. Exponential growth at the target of Theorem 4.2, "
            "a power of d at a fixed relative error",
        ),
        (
            _best_errors,
            "Example 4.3: best error of random ReLUs without biases, one draw, and lower "
            "bound for any features in mean over w*",
        ),
    ],
    "Theorem 4.8": [
        (_needed, "Theorem 4.8: minimum number of features of any kind, relative errors"),
        (_spectrum, "Theorem 4.8: spectrum of a random neuron, b* = -1"),
    ],
    "Example 4.9": [
        (
            _best_errors,
            "Example 4.9: best error of linearised networks without biases, one draw, and "
            "lower bound for any features in mean over w*",
        ),
        (
            _with_biases,
            "With biases, which Examples 4.3 and 4.9 do not have: best errors for one w* "
            "and one draw, d = 10, b* = -1. The lower bound is for the mean over w*, so "
            "one draw can lie below it",
        ),
    ],
    "Smooth activations": [
        (_smooth, "Wu and Long 2022: minimum number of features against the norm of w")
    ],
}
