"""The statements of Yehudai and Shamir (2019) as measurements.

One function for each statement; each returns a `Report` that prints what the paper claims,
what it should say where a constant is wrong, and what was measured. `reproduce` runs all.

| statement | function |
| --- | --- |
| Eqs. (2) and (7), the risk | `equation_2`, `exact_risk` |
| Section 2, lazy training | `section_2` |
| Theorem 3.1, polynomials by SGD | `theorem_3_1` |
| Section 4, one neuron by gradient descent | `one_neuron` |
| Proposition 4.1, linear features | `proposition_4_1` |
| Theorem 4.2, Example 4.3, random features | `theorem_4_2` |
| Remark 4.4, laws of the weights | `remark_4_4` |
| Proposition 4.6, the wave psi | `proposition_4_6`, `wave_relu_correlations` |
| Remark 4.7, norm of the target | `remark_4_7` |
| Theorem 4.8, Example 4.9, features of any kind | `theorem_4_8` |
| the floors behind 4.2 and 4.8 | `error_floor`, `features_needed`, \
`failure_probability`, `neuron_spectrum`, `weight_certificate` |

All errors are relative, E(N - g)^2 / E g^2, unless they say otherwise: only then do
scaling a target and scaling its error not change a statement.
"""

import sys
from inspect import signature
from os import PathLike
from pathlib import Path
from typing import Literal

import numpy as np

from skrf._utils.checks import check_boolean, check_choice
from skrf._utils.faces import publish
from skrf._utils.typing import RandomState
from skrf._utils.validation import RANDOM_STATE, check_arguments
from skrf.displays import (
    ErrorFloorDisplay,
    FeaturesNeededDisplay,
    LazinessDisplay,
    SpectrumDisplay,
)
from skrf.gaussian._spectrum import NeuronSpectrum
from skrf.theory._floors import (
    error_floor,
    failure_probability,
    features_needed,
    neuron_spectrum,
)
from skrf.theory._learning import one_neuron, section_2, theorem_3_1
from skrf.theory._limits import (
    proposition_4_1,
    remark_4_4,
    theorem_4_2,
    theorem_4_8,
)
from skrf.theory._report import Report, Row, html_page, table
from skrf.theory._risk import equation_2, exact_risk
from skrf.theory._wave import WeightCertificate, weight_certificate
from skrf.theory._wave_statements import proposition_4_6, remark_4_7, wave_relu_correlations

__all__ = [
    "NeuronSpectrum",
    "Report",
    "Row",
    "WeightCertificate",
    "equation_2",
    "error_floor",
    "exact_risk",
    "failure_probability",
    "features_needed",
    "neuron_spectrum",
    "one_neuron",
    "proposition_4_1",
    "proposition_4_6",
    "remark_4_4",
    "remark_4_7",
    "reproduce",
    "section_2",
    "theorem_3_1",
    "theorem_4_2",
    "theorem_4_8",
    "wave_relu_correlations",
    "weight_certificate",
]

publish(__name__, NeuronSpectrum, Report, Row, WeightCertificate)


_STATEMENTS = (
    equation_2,
    section_2,
    theorem_3_1,
    one_neuron,
    proposition_4_1,
    theorem_4_2,
    remark_4_4,
    proposition_4_6,
    remark_4_7,
    theorem_4_8,
)
# Arguments that differ from the functions' own defaults.
_SIZES = {
    "small": {
        equation_2: {"n_samples": 20_000},
        section_2: {"widths": (30, 100, 300), "n_samples": 100},
        theorem_3_1: {"widths": (100,)},
        one_neuron: {"n_starts": 2},
        proposition_4_1: {"d": 10, "n_draws": 500},
        theorem_4_2: {"d": 5, "width": 100},
        remark_4_4: {"width": 50},
        proposition_4_6: {"d": 5},
        remark_4_7: {"d": 5},
        theorem_4_8: {"d": 5, "width": 20},
    },
    "default": {},
    "large": {
        section_2: {"widths": (30, 100, 300, 1000, 3000, 10_000)},
        theorem_3_1: {"widths": (30, 300, 3000, 30_000)},
        theorem_4_2: {"d": 20, "width": 3000},
        theorem_4_8: {"d": 10, "width": 500},
    },
}


_LEGEND = """
holds: as printed. corrected: the printed constant fails, the corrected one holds. measured:
the paper has no number to compare with, or noise hides it. fails: neither holds.
d inputs, r features or neurons, g(x) = [<w*, x> + b*]_+ the target, u the output weights;
errors are relative, E (N - g)^2 / E g^2, where they are not called absolute.
"""


@check_arguments({"random_state": RANDOM_STATE}, prefer_skip_nested_validation=False)
def reproduce(
    size: Literal["small", "default", "large"] = "default",
    *,
    html: str | PathLike[str] | None = None,
    progress: bool = True,
    random_state: RandomState = 0,
) -> list[Report]:
    """Measure every statement of the paper and print one table.

    Source: Yehudai and Shamir (2019), from Eq. (2) to Theorem 4.8.

    Parameters
    ----------
    size : {"small", "default", "large"}, default="default"
        Some seconds, under two minutes, or some minutes on two cores.
    html : str or Path, default=None
        Where to write a page with the table and pictures, which needs no other file; the
        pictures need matplotlib.
    progress : bool, default=True
        Whether to show a bar on standard error.
    random_state : int, RandomState instance or None, default=0
        Fixes everything that is drawn.

    Returns
    -------
    reports : list of Report
        One for each statement, in the order of the paper.

    Raises
    ------
    ValueError
        For an unknown size, html that is no path, progress that is not a boolean, or
        random_state that is no seed.
    OSError
        When `html` cannot be written, before anything is measured.
    ImportError
        For `html` without matplotlib; names the extra to install.

    Examples
    --------
    >>> from skrf.theory import reproduce
    >>> reports = reproduce("small", progress=False)  # doctest: +ELLIPSIS
    statement               printed                   corrected  ...
    >>> reports[0].title, len(reports)
    ('Equations (2) and (7)', 10)
    """
    check_choice("size", size, _SIZES)
    check_boolean("progress", progress)
    page = None if html is None else _page(html)
    reports = _measure(size, progress, random_state)
    print(table([row for report in reports for row in report.rows]))
    print(_LEGEND)
    if page is not None:
        title = "Yehudai and Shamir (2019), measured"
        page.write_text(html_page(title, reports, _figures(reports)), encoding="utf-8")
        print(f"The page is {page}")
    return reports


def _measure(size, progress, random_state):
    """The reports of all statements."""
    reports = []
    for k, statement in enumerate(_STATEMENTS):
        _show_progress(progress, k, statement.__name__)
        options = dict(_SIZES[size].get(statement, {}))
        if "random_state" in signature(statement).parameters:
            options["random_state"] = random_state
        reports.append(statement(**options))
    _show_progress(progress, len(_STATEMENTS), "")
    return reports


def _show_progress(shown, done, name):
    if shown:
        n = len(_STATEMENTS)
        bar = "=" * (30 * done // n) + " " * (30 - 30 * done // n)
        end = "\n" if done == n else ""
        print(f"\r[{bar}] {done} of {n} {name:<16}", end=end, file=sys.stderr, flush=True)


def _page(html):
    """The path; raises before the work when it cannot be written or has no pictures."""
    if not isinstance(html, (str, PathLike)):
        raise ValueError(f"html={html!r} must be a path. Give the name of a file.")
    path = Path(html)
    there = path.exists()
    try:
        path.open("a").close()
    except OSError as error:
        raise OSError(
            f"html={path} cannot be written ({error.strerror}). Name a file in an existing "
            "folder."
        ) from error
    if not there:
        path.unlink()
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "The page's pictures need matplotlib: python -m pip install "
            '"scikit-random-features[examples]".'
        ) from error
    return path


def _figures(reports):
    """Captions and pictures of the reports that have curves."""
    from matplotlib.figure import Figure

    by_title = {report.title: report.values for report in reports}
    figures = {}

    def axes(caption):
        figures[caption] = Figure(figsize=(7, 4.5), layout="constrained")
        return figures[caption].subplots()

    for title, kind in (
        ("Theorem 4.2", "random features"),
        ("Theorem 4.8", "a linearised network"),
    ):
        values = by_title[title]
        ax = axes(
            f"{title}: best error of {kind} on one neuron, and the floor of any features "
            "in mean over the directions of neurons"
        )
        display = ErrorFloorDisplay(
            n_features=values["n_features"],
            errors={kind: values["errors"]},
            floor=values["floor"],
        )
        display.plot(ax)
    values = by_title["Section 2"]
    names = "flipped", "coupling_gap", "feature_gap"
    curves = {name.replace("_", " "): values[name] for name in names}
    ax = axes("Section 2: laziness against width, exactly")
    LazinessDisplay(widths=values["widths"], curves=curves).plot(ax)
    dimensions = np.array([5, 10, 20, 40, 80, 160])
    needed = {
        f"b* = {b:g}, error {error:g}": np.array(
            [features_needed(error, int(d), b)[0] for d in dimensions]
        )
        for b, error in ((0.0, 0.01), (-1.0, 0.1), (-1.0, 0.01))
    }
    ax = axes("Theorem 4.8: fewest features of any kind for one neuron")
    FeaturesNeededDisplay(dimensions=dimensions, log10_needed=needed).plot(ax)
    spectra = {f"d = {d}": neuron_spectrum(d, -1.0) for d in (5, 20, 80)}
    ax = axes("The spectrum of a random neuron, b* = -1")
    SpectrumDisplay(spectra=spectra).plot(ax)
    return figures
