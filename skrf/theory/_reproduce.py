"""`reproduce`: the statements of the main text, measured, as a table and an HTML page."""

import sys
from collections.abc import Callable
from inspect import signature
from os import PathLike
from pathlib import Path
from typing import Any, Literal

from threadpoolctl import threadpool_limits

from skrf._utils.checks import check_boolean, check_choice
from skrf._utils.typing import RandomState
from skrf._utils.validation import check_arguments
from skrf.theory._cube import theorem_3_1
from skrf.theory._distributions import remark_4_4
from skrf.theory._examples import example_4_3, example_4_9
from skrf.theory._figures import figures_of
from skrf.theory._follow_ups import smooth_neurons, staircase, tangent_kernel_edge
from skrf.theory._learned_directions import learned_directions
from skrf.theory._learning import one_neuron, section_2
from skrf.theory._limits import remark_4_5, theorem_4_2, theorem_4_8
from skrf.theory._linear import proposition_4_1
from skrf.theory._norms import remark_4_7
from skrf.theory._parities import parities
from skrf.theory._report import Report, html_page, table
from skrf.theory._risk import equation_2
from skrf.theory._wave_statements import proof_of_theorem_4_2, proposition_4_6

# Unit targets of `one_neuron` with a negative bias, from which some neurons die.
_SHORT = {"d": 10, "weight_norm": 1.0, "absolute": False, "error": 0.01}
# (function, arguments), in the order of the paper; then later papers.
_STATEMENTS: tuple[tuple[Callable[..., Report], dict[str, Any]], ...] = (
    (equation_2, {}),
    (section_2, {}),
    (theorem_3_1, {}),
    (one_neuron, {}),
    (one_neuron, {**_SHORT, "bias": -1.0}),
    (one_neuron, {**_SHORT, "bias": -2.0}),
    (proposition_4_1, {}),
    (theorem_4_2, {}),
    (proof_of_theorem_4_2, {}),
    (example_4_3, {}),
    (remark_4_4, {}),
    (remark_4_5, {}),
    (proposition_4_6, {}),
    (remark_4_7, {}),
    (theorem_4_8, {}),
    (example_4_9, {}),
    (staircase, {}),
    (parities, {}),
    (tangent_kernel_edge, {}),
    (smooth_neurons, {}),
    (learned_directions, {}),
)
# Arguments that differ from those above.
_SIZES = {
    "small": {
        equation_2: {"n_samples": 20_000},
        section_2: {"widths": (30, 100, 300), "n_samples": 100},
        theorem_3_1: {
            "widths": (30, 100),
            "d": 5,
            "n_streams": 1,
            "schedules": ((2.0, 4000, False), (0.2, 20_000, False)),
        },
        one_neuron: {"d": 10, "n_starts": 2},
        proposition_4_1: {"d": 10, "n_draws": 500},
        example_4_3: {"dimensions": (4, 8), "width": 100, "n_samples": 1000},
        example_4_9: {"dimensions": (4, 8), "n_columns": 100},
        remark_4_4: {"width": 50, "n_draws": 2},
        proof_of_theorem_4_2: {"d": 5},
        proposition_4_6: {"d": 5},
        staircase: {"dimensions": (30, 100)},
        parities: {"d": 6, "degree": 2, "widths": (5, 30)},
        tangent_kernel_edge: {"d": 4, "width": 10, "n_samples": 1000},
        smooth_neurons: {"d": 10, "norms": (1.0, 2.0)},
        learned_directions: {"dimensions": (10,), "width": 100, "n_samples": 500},
    },
    "default": {},
    "large": {
        section_2: {"widths": (30, 100, 300, 1000, 3000, 10_000)},
        theorem_3_1: {"widths": (30, 300, 3000)},
        example_4_3: {"dimensions": (5, 10, 20, 40, 80), "width": 3000},
        example_4_9: {"dimensions": (5, 10, 20, 40, 80), "n_columns": 4000},
        tangent_kernel_edge: {"width": 200, "n_samples": 100_000},
        smooth_neurons: {"norms": (0.5, 1.0, 2.0, 5.0, 20.0)},
    },
}


_LEGEND = """
"Printed" is the main text of arXiv:1904.00687, in the version whose Theorem 4.8 has the
probability 1 - r exp(-c d). Its appendices, with the formal Theorem 3.1, are not covered.
holds: the printed claim holds in the regime of the row, by a comparison that could have
failed. corrected: the printed claim fails, the claim in column "here" holds. fails: the
printed claim fails in the regime of the row. measured: there is nothing to compare.

d inputs, r features or neurons, target g(x) = [<w*, x> + b*]_+, output weights u, F the
norm of a feature. Errors are relative, E (N - g)^2 / E g^2, unless called absolute.
"""


@check_arguments({"random_state": ["random_state"]}, prefer_skip_nested_validation=False)
def reproduce(
    size: Literal["small", "default", "large"] = "default",
    *,
    html: str | PathLike[str] | None = None,
    progress: bool = True,
    random_state: RandomState = 0,
) -> list[Report]:
    """Measure the statements of the paper's main text and print one table.

    Appendices are not covered. A few statements of later papers follow.

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
        The reports, in the order of the paper, then those of later papers. Section 4 has
        one report for each target.

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
        text = html_page(title, reports, figures_of(reports), _LEGEND)
        page.write_text(text, encoding="utf-8")
        print(f"The page is {page}")
    return reports


def _measure(size, progress, random_state):
    """Reports of all statements."""
    reports = []
    for k, (statement, arguments) in enumerate(_STATEMENTS):
        _show_progress(progress, k, statement.__name__)
        options = {**_SIZES[size].get(statement, {}), **arguments}
        if "random_state" in signature(statement).parameters:
            options["random_state"] = random_state
        # The matrices are small: threads of BLAS would mostly wait for each other.
        with threadpool_limits(limits=1, user_api="blas"):
            reports.append(statement(**options))
    _show_progress(progress, len(_STATEMENTS), "")
    return reports


def _show_progress(shown, done, name):
    if shown:
        n = len(_STATEMENTS)
        bar = "=" * (30 * done // n) + " " * (30 - 30 * done // n)
        end = "\n" if done == n else ""
        print(f"\r[{bar}] {done} of {n} {name:<20}", end=end, file=sys.stderr, flush=True)


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
