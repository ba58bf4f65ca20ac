"""Reports of measured statements: rows of claims, as text and as an HTML page."""

import base64
import html
import io
import textwrap
from dataclasses import dataclass, field
from typing import Any

_HEADS = ("statement", "printed", "corrected", "measured", "verdict")


@dataclass(frozen=True)
class Row:
    """One claim of a `Report`, with its measurement.

    Attributes
    ----------
    statement : str
        The claim and its sizes.
    printed : str
        The claim as the paper prints it; empty if the paper prints nothing.
    corrected : str
        The corrected claim, or a number that the paper does not give; otherwise empty.
    measured : str
        The measurement.
    verdict : {"holds", "corrected", "measured", "fails"}
        "holds" if the printed claim holds; "corrected" if the printed constant fails and
        the corrected constant holds; "measured" if the paper gives no number to compare
        with, or the noise is too large to compare; "fails" if neither claim holds.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019.

    Examples
    --------
    >>> from skrf.theory import proposition_4_6
    >>> row = proposition_4_6(5).rows[3]
    >>> row.statement, row.corrected, row.verdict
    ('Prop. 4.6, item 2', '||psi||^2 = 1/3', 'corrected')
    """

    statement: str
    printed: str
    corrected: str
    measured: str
    verdict: str

    def cells(self) -> tuple[str, str, str, str, str]:
        """The five columns of the row.

        Returns
        -------
        cells : tuple of str
            The statement, printed, corrected, measured and verdict texts.

        Examples
        --------
        >>> from skrf.theory import proposition_4_6
        >>> proposition_4_6(5).rows[3].cells()[3:]
        ('0.3333333333333', 'corrected')
        """
        return self.statement, self.printed, self.corrected, self.measured, self.verdict


@dataclass(frozen=True)
class Report:
    """Measurement of one statement of the paper, which prints as a table.

    Attributes
    ----------
    title : str
        The name of the statement.
    source : str
        The statement in one sentence.
    rows : tuple of Row
        The claims of the statement and their measurements.
    values : dict
        The numbers behind the rows, by name, at full precision.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019.

    Examples
    --------
    >>> from skrf.theory import remark_4_7
    >>> report = remark_4_7(5, norms=[1.0])
    >>> report.title, len(report.rows), sorted(report.values)
    ('Remark 4.7', 2, ['log10_features', 'norms'])
    """

    title: str
    source: str
    rows: tuple[Row, ...]
    values: dict[str, Any] = field(repr=False)

    def __str__(self) -> str:
        lines = textwrap.wrap(f"{self.title}. {self.source}", 88)
        return "\n".join([*lines, "", table(self.rows)])

    def _repr_html_(self) -> str:
        title, source = html.escape(self.title), html.escape(self.source)
        return f"<h2>{title}</h2><p>{source}</p>{html_table(self.rows)}"


def verdict(printed, corrected=None):
    """The verdict for the truth of the printed claim and of the corrected claim."""
    if printed:
        return "holds"
    return "corrected" if corrected else "fails"


def table(rows, widths=(22, 24, 24, 30, 9)):
    """The rows as plain text, with the cells wrapped to columns."""
    lines = []
    for cells in (_HEADS, *(row.cells() for row in rows)):
        columns = [
            textwrap.wrap(cell, width) or [""]
            for cell, width in zip(cells, widths, strict=True)
        ]
        for i in range(max(map(len, columns))):
            parts = (
                (column[i] if i < len(column) else "").ljust(width)
                for column, width in zip(columns, widths, strict=True)
            )
            lines.append("  ".join(parts).rstrip())
        lines.append("  ".join("-" * width for width in widths))
    return "\n".join(lines)


def html_table(rows):
    """The rows as an HTML table."""
    head = "".join(f"<th>{name}</th>" for name in _HEADS)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row.cells()) + "</tr>"
        for row in rows
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    # On narrow screens the table scrolls.
    return f'<div style="overflow-x: auto">{table}</div>'


_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto;
       padding: 0 1rem; color: #1a1a1a; background: #fff; }
table { border-collapse: collapse; width: 100%; font-size: 0.9em; }
th, td { text-align: left; vertical-align: top; padding: 0.4em 0.6em;
         border-bottom: 1px solid #ccc; }
img { max-width: 100%; }
"""


def html_page(title, reports, figures):
    """A self-contained HTML page with the reports and the figures.

    Parameters
    ----------
    title : str
        The heading of the page.
    reports : iterable of Report
        The reports, in the order of the page.
    figures : dict of str to matplotlib Figure
        The figures by caption.
    """
    parts = [report._repr_html_() for report in reports]
    for caption, figure in figures.items():
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=120)
        data = base64.b64encode(buffer.getvalue()).decode()
        text = html.escape(caption)
        parts.append(
            f'<figure><img src="data:image/png;base64,{data}" alt="{text}">'
            f"<figcaption>{text}</figcaption></figure>"
        )
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><h1>{html.escape(title)}</h1>{''.join(parts)}</body></html>\n"
    )
