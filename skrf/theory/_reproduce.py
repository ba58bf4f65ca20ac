"""`reproduce`: every statement of the paper, measured, as one table and one HTML page."""

import sys
from inspect import signature
from os import PathLike
from pathlib import Path
from typing import Literal

import numpy as np

from skrf._utils.checks import check_boolean, check_choice
from skrf._utils.typing import RandomState
from skrf._utils.validation import RANDOM_STATE, check_arguments
from skrf.displays import (
    ErrorFloorDisplay,
    FeaturesNeededDisplay,
    LazinessDisplay,
    SpectrumDisplay,
)
from skrf.theory._floors import features_needed, neuron_spectrum
from skrf.theory._learned_directions import learned_directions
from skrf.theory._learning import one_neuron, section_2, theorem_3_1
from skrf.theory._limits import (
    proposition_4_1,
    remark_4_4,
    theorem_4_2,
    theorem_4_8,
)
from skrf.theory._report import Report, html_page, table
from skrf.theory._risk import equation_2
from skrf.theory._wave_statements import proposition_4_6, remark_4_7

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
    learned_directions,
)
# Arguments that differ from the defaults of the functions.
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
        learned_directions: {"dimensions": (10,), "width": 100, "n_samples": 500},
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
holds: the printed claim holds. corrected: the printed constant fails, the corrected
constant holds. measured: the paper has no number to compare with, or noise hides the
difference. fails: neither claim holds.
d inputs, r features or neurons, target g(x) = [<w*, x> + b*]_+, output weights u. Errors
are relative, E (N - g)^2 / E g^2, unless they are called absolute.
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

    Parameters
    ----------
    size : {"small", "default", "large"}, default="default"
        The size of the experiments. On two cores "small" takes seconds, "default" less than
        two minutes, and "large" minutes.
    html : str or Path, default=None
        File for a self-contained HTML page with the table and pictures. The pictures need
        matplotlib. None writes no page.
    progress : bool, default=True
        Whether to show a progress bar on standard error.
    random_state : int, RandomState instance or None, default=0
        Controls all random draws; pass an int for reproducible output across multiple
        function calls.

    Returns
    -------
    reports : list of Report
        One report for each statement, in the order of the paper.

    Raises
    ------
    ValueError
        If size is unknown, html is not a path, progress is not a boolean, or random_state
        is not a seed.
    OSError
        If `html` cannot be written. This is checked before the measurements.
    ImportError
        If `html` is passed and matplotlib is not installed.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019.

    Examples
    --------
    >>> from skrf.theory import reproduce
    >>> reports = reproduce("small", html="report.html")  # doctest: +SKIP
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
    """Reports of all statements."""
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
        print(f"\r[{bar}] {done} of {n} {name:<18}", end=end, file=sys.stderr, flush=True)


def _page(html):
    """Path of the page, after checks that it can be written and that matplotlib exists."""
    if not isinstance(html, (str, PathLike)):
        raise ValueError(f"`html` must be a path; got {html!r}. Pass the name of a file.")
    path = Path(html)
    exists = path.exists()
    try:
        path.open("a").close()
    except OSError as error:
        raise OSError(
            f"`html` must be a file that can be written; got {path} ({error.strerror}). "
            "Use a file in an existing folder."
        ) from error
    if not exists:
        path.unlink()
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise ImportError(
            "The pictures of the page need matplotlib. Install it with "
            'python -m pip install "scikit-random-features[examples]".'
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
            f"{title}: best error of {kind} on one neuron, and lower bound for any "
            "features, averaged over the directions of w*"
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
    ax = axes("Section 2: exact measures of laziness against the width")
    LazinessDisplay(widths=values["widths"], curves=curves).plot(ax)
    dimensions = np.array([5, 10, 20, 40, 80, 160])
    needed = {
        f"b* = {b:g}, error {error:g}": np.array(
            [features_needed(error, int(d), b)[0] for d in dimensions]
        )
        for b, error in ((0.0, 0.01), (-1.0, 0.1), (-1.0, 0.01))
    }
    ax = axes("Theorem 4.8: minimum number of features of any kind for one neuron")
    FeaturesNeededDisplay(dimensions=dimensions, log10_needed=needed).plot(ax)
    spectra = {f"d = {d}": neuron_spectrum(d, -1.0) for d in (5, 20, 80)}
    ax = axes("Spectrum of a random neuron, b* = -1")
    SpectrumDisplay(spectra=spectra).plot(ax)
    return figures
