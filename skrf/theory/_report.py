"""Reports of measured statements: rows of claims, as text and as a page of HTML."""

import base64
import html
import io
import textwrap
from dataclasses import dataclass, field
from typing import Any

_HEADS = ("statement", "printed", "corrected", "measured", "verdict")


@dataclass(frozen=True)
class Row:
    """One claim and what was measured of it, of a `Report`.

    Source: a statement of Yehudai and Shamir (2019), as each row names it.

    Attributes
    ----------
    statement : str
        Which claim, and at which sizes.
    printed : str
        What the paper prints; empty where it prints nothing.
    corrected : str
        What it should say; empty where nothing needs correction or is to be added.
    measured : str
        What was found.
    verdict : {"holds", "corrected", "measured", "fails"}
        "holds" as printed; "corrected": the printed constant fails, and the corrected one
        holds; "measured": the paper gives no number to compare with, or the noise is too
        large to compare; or "fails".

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
        """The five columns.

        Returns
        -------
        cells : tuple of str
            statement, printed, corrected, measured and verdict.

        Examples
        --------
        >>> from skrf.theory import proposition_4_6
        >>> proposition_4_6(5).rows[3].cells()[3:]
        ('0.3333333333333', 'corrected')
        """
        return self.statement, self.printed, self.corrected, self.measured, self.verdict


@dataclass(frozen=True)
class Report:
    """What came out of measuring one statement of the paper; prints as a table.

    Source: the statements of Yehudai and Shamir (2019).

    Attributes
    ----------
    title : str
        The statement's name.
    source : str
        Where it stands, and what it says in a sentence.
    rows : tuple of Row
        Its claims, printed and corrected, and what was measured.
    values : dict
        The numbers behind the rows, by name, at full precision.

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
    """Say "holds" where the printed claim is true, "corrected" where only the other is."""
    if printed:
        return "holds"
    return "corrected" if corrected else "fails"


def table(rows, widths=(22, 24, 24, 30, 9)):
    """The rows as plain text, cells wrapped to columns."""
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
    # Wider than a telephone: it scrolls inside itself.
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
    """A page that needs no other file: the reports, then the figures as pictures.

    Parameters
    ----------
    title : str
        Its heading.
    reports : iterable of Report
        In their order.
    figures : dict of str to matplotlib Figure
        Captions and pictures.
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
