"""Reports of measured statements: rows of claims, as text and as an HTML page."""

import base64
import html
import io
import textwrap
from dataclasses import dataclass, field
from typing import Any

# The columns of a table, and their widths in plain text.
_HEADS = ("statement", "regime", "printed", "here", "measured", "verdict")
_WIDTHS = (18, 19, 21, 17, 25, 9)


@dataclass(frozen=True)
class Row:
    """One claim of a `Report`, with its measurement.

    Attributes
    ----------
    statement : str
        The claim.
    regime : str
        The dimension d and the other sizes for which the row compares or measures.
    printed : str
        The claim as the paper prints it; empty if the paper prints nothing.
    here : str
        What holds in place of a printed claim that is wrong. Empty unless the verdict is
        "corrected" or "fails".
    measured : str
        The measurement.
    verdict : {"holds", "corrected", "fails", "measured"}
        "holds" if the printed claim holds in this regime, by a comparison that could have
        failed. "corrected" if the printed claim fails and the claim in `here` holds.
        "fails" if the printed claim fails in this regime. "measured" if there is nothing
        to compare.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
       Understanding Neural Networks", NeurIPS 2019.

    Examples
    --------
    >>> from skrf.theory import proposition_4_6
    >>> row = proposition_4_6(5).rows[1]
    >>> row.statement, row.here, row.verdict
    ('Prop. 4.6, item 2', '||psi||^2 = 1/3', 'corrected')
    """

    statement: str
    regime: str
    printed: str
    here: str
    measured: str
    verdict: str

    def cells(self) -> tuple[str, str, str, str, str, str]:
        """The six columns of the row.

        Returns
        -------
        cells : tuple of str
            The statement, regime, printed, here, measured and verdict texts.

        Examples
        --------
        >>> from skrf.theory import proposition_4_6
        >>> proposition_4_6(5).rows[1].cells()[3:]
        ('||psi||^2 = 1/3', '||psi||^2 = 0.3333333333333', 'corrected')
        """
        return (
            self.statement,
            self.regime,
            self.printed,
            self.here,
            self.measured,
            self.verdict,
        )


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
    ('Remark 4.7', 4, ['constant_feature', 'log10_features', 'log10_weight', 'norms'])
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


def verdict(printed, here=False):
    """The verdict for the truth of the printed claim and of the claim made here."""
    if printed:
        return "holds"
    return "corrected" if here else "fails"


def compared(statement, regime, printed, measured, holds, here="", here_holds=False):
    """A `Row` whose verdict follows from comparisons; `here` is empty if `holds`."""
    result = verdict(holds, here_holds)
    return Row(
        statement, regime, printed, "" if result == "holds" else here, measured, result
    )


def table(rows):
    """The rows as plain text, with the cells wrapped to columns."""
    lines = []
    for cells in (_HEADS, *(row.cells() for row in rows)):
        columns = [
            textwrap.wrap(cell, width) or [""]
            for cell, width in zip(cells, _WIDTHS, strict=True)
        ]
        for i in range(max(map(len, columns))):
            parts = (
                (column[i] if i < len(column) else "").ljust(width)
                for column, width in zip(columns, _WIDTHS, strict=True)
            )
            lines.append("  ".join(parts).rstrip())
        lines.append("  ".join("-" * width for width in _WIDTHS))
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
figure { margin: 1rem 0; }
img { width: 100%; max-width: 44rem; }
"""


def html_page(title, reports, figures, note):
    """A self-contained HTML page with the reports, each followed by its figures.

    Parameters
    ----------
    title : str
        The heading of the page.
    reports : iterable of Report
        The reports, in the order of the page.
    figures : dict of str to dict of str to matplotlib Figure
        For titles of reports, the figures by caption.
    note : str
        A text at the top of the page, such as the meaning of the verdicts.
    """
    parts = [f"<p>{html.escape(text)}</p>" for text in note.strip().split("\n\n")]
    for report in reports:
        parts.append(report._repr_html_())
        pictures = figures.get(report.title, {}).items()
        parts += [_figure_html(caption, figure) for caption, figure in pictures]
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><h1>{html.escape(title)}</h1>{''.join(parts)}</body></html>\n"
    )


def _figure_html(caption, figure):
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=160)
    data = base64.b64encode(buffer.getvalue()).decode()
    text = html.escape(caption)
    return (
        f'<figure><img src="data:image/png;base64,{data}" alt="{text}">'
        f"<figcaption>{text}</figcaption></figure>"
    )
