"""Write the tables and the picture of the page on real tables, from `tables.json`.

    python benchmarks/tables_page.py

The files are docs/real_tables.inc and docs/real_tables.png.
"""

import json
from pathlib import Path

import matplotlib
import numpy as np
from scipy.stats import rankdata

ROOT = Path(__file__).parents[1]
MODELS = {
    "linear": "linear",
    "HistGB": "HistGB",
    "LightGBM": "LightGBM",
    "SVM": "SVM",
    "MLP": "MLP",
    "MLP, early stopping": "MLP (es)",
    "network": "network",
    "ridge": "ridge",
}
OURS = ("network", "ridge")


def stored():
    """The stored results by table."""
    return json.loads((ROOT / "benchmarks" / "tables.json").read_text())


def means(tables, key):
    """Means over the splits, shape (n_tables, n_models)."""
    return np.array(
        [[np.mean(entry["models"][m][key]) for m in MODELS] for entry in tables.values()]
    )


def mean_ranks(tables):
    """The mean rank of every model by its score; 1 is the best."""
    return rankdata(-means(tables, "scores").round(3), axis=1).mean(axis=0)


def _list_table(title, head, rows):
    lines = [f".. list-table:: {title}", "   :header-rows: 1", ""]
    for row in [head, *rows]:
        lines += [f"   {'*' if k == 0 else ' '} - {cell}" for k, cell in enumerate(row)]
    return "\n".join(lines) + "\n"


def page(tables):
    """The tables in reStructuredText."""
    scores, seconds = means(tables, "scores"), means(tables, "cpu_seconds")
    head = ["table", "rows", *MODELS.values()]
    parts = []
    for title, values, digits in (
        ("Mean test score: R2, or accuracy for the tables in italics", scores, 3),
        ("Mean CPU seconds of ``fit``", seconds, 2),
    ):
        rows = []
        for (name, entry), row in zip(tables.items(), values, strict=True):
            cells = [f"{value:.{digits}f}" for value in row]
            if digits == 3:
                best = row.round(3).max()
                cells = [
                    f"**{c}**" if v.round(3) == best else c
                    for c, v in zip(cells, row, strict=True)
                ]
            label = f"*{name}*" if entry["is_classification"] else name
            rows.append([label, str(entry["n_rows"]), *cells])
        if digits == 3:
            ranks = mean_ranks(tables)
            rows.append(["mean rank", "", *(f"{rank:.1f}" for rank in ranks)])
        parts.append(_list_table(title, head, rows))
    return "\n".join(parts)


def draw(tables, path):
    """Draw the mean rank against the time relative to the linear model."""
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    seconds, ranks = means(tables, "cpu_seconds"), mean_ranks(tables)
    slowness = np.exp(np.log(np.maximum(seconds, 1e-3)).mean(axis=0))
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    for name, label, x, rank in zip(MODELS, MODELS.values(), slowness, ranks, strict=True):
        color = "C3" if name in OURS else "C0"
        axes.plot(x, rank, "o", color=color)
        axes.annotate(label, (x, rank), (6, 4), textcoords="offset points", color=color)
    axes.set_xscale("log")
    axes.invert_yaxis()
    axes.set_xlabel("CPU seconds of fit (geometric mean)")
    axes.set_ylabel("mean rank by test score (1 is the best)")
    axes.set_title(f"Default models on {len(tables)} tables")
    axes.margins(x=0.15, y=0.1)
    figure.savefig(path, dpi=150)


def main():
    """Write both files."""
    tables = stored()
    (ROOT / "docs" / "real_tables.inc").write_text(page(tables))
    draw(tables, ROOT / "docs" / "real_tables.png")


if __name__ == "__main__":
    main()
