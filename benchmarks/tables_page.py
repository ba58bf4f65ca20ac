"""Write the tables and the pictures of the page on real tables, from `tables.json`.

    python benchmarks/tables_page.py

The files are real_tables.inc, real_tables_tuned.inc, real_tables.png and
real_tables_tuned.png in docs.
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
# The search chooses whether the MLP stops early.
TUNED = {name: label for name, label in MODELS.items() if name != "MLP, early stopping"}
OURS = ("network", "ridge")


def stored():
    """The stored results by table."""
    return json.loads((ROOT / "benchmarks" / "tables.json").read_text())


def means(tables, key, kind="models"):
    """Means over the splits, shape (n_tables, n_models); NaN if not measured.

    `kind` is "models" for the default models, or "tuned".
    """
    names, missing = MODELS if kind == "models" else TUNED, {key: [np.nan]}
    return np.array(
        [[np.mean(t[kind].get(m, missing)[key]) for m in names] for t in tables.values()]
    )


def n_tuned_splits(table):
    """The number of splits of the tuned models."""
    (n_splits,) = {len(results["scores"]) for results in table["tuned"].values()}
    return n_splits


def gains(tables):
    """Mean scores of tuned minus default models, on the splits of the tuned models."""
    defaults = [
        [np.mean(t["models"][m]["scores"][: n_tuned_splits(t)]) for m in TUNED]
        for t in tables.values()
    ]
    return means(tables, "scores", "tuned") - defaults


def complete(tables):
    """The tables on which all tuned models were measured."""
    return {name: t for name, t in tables.items() if set(t["tuned"]) == set(TUNED)}


def mean_ranks(tables, kind="models"):
    """The mean rank of every model by its score on complete tables; 1 is the best."""
    scores = means(complete(tables) if kind == "tuned" else tables, "scores", kind)
    return rankdata(-scores.round(3), axis=1).mean(axis=0)


def _list_table(title, names, tables, rows):
    lines = [f".. list-table:: {title}", "   :header-rows: 1", ""]
    labels = [
        [f"*{name}*" if table["is_classification"] else name, str(table["n_rows"])]
        for name, table in tables.items()
    ]
    labels.append(["mean rank", ""])
    rows = [[*label, *row] for label, row in zip(labels, rows, strict=False)]
    for row in [["table", "rows", *names.values()], *rows]:
        lines += [f"   {'*' if k == 0 else ' '} - {cell}" for k, cell in enumerate(row)]
    return "\n".join(lines) + "\n"


def cell(value, form):
    """A number in a format, or that the model was stopped before its end."""
    return "not finished" if np.isnan(value) else format(value, form)


def _scores(title, names, tables, kind):
    """A table of scores, the best of each row in bold, with the mean ranks below."""
    rows = []
    for row in means(tables, "scores", kind):
        cells = [cell(score, ".3f") for score in row]
        is_best = row.round(3) == np.nanmax(row.round(3))
        rows.append([f"**{c}**" if b else c for c, b in zip(cells, is_best, strict=True)])
    rows.append([f"{rank:.1f}" for rank in mean_ranks(tables, kind)])
    return _list_table(title, names, tables, rows)


def _numbers(title, names, tables, values, form):
    """A table of numbers in a format."""
    rows = [[cell(value, form) for value in row] for row in values]
    return _list_table(title, names, tables, rows)


def page(tables):
    """The tables of default models in reStructuredText."""
    score = "Mean test score: R2, or accuracy for the tables in italics"
    seconds = "Mean CPU seconds of ``fit``"
    parts = (
        _scores(score, MODELS, tables, "models"),
        _numbers(seconds, MODELS, tables, means(tables, "cpu_seconds"), ".2f"),
    )
    return "\n".join(parts)


def tuned_page(tables):
    """The tables of tuned models in reStructuredText."""
    score = "Mean test score of tuned models"
    gain = "Score of the tuned model minus score of the default model, on the same splits"
    seconds = "Mean CPU seconds of the search and the last fit"
    parts = (
        _scores(score, TUNED, tables, "tuned"),
        _numbers(gain, TUNED, tables, gains(tables), "+.3f"),
        _numbers(seconds, TUNED, tables, means(tables, "cpu_seconds", "tuned"), ".1f"),
    )
    return "\n".join(parts)


def draw(tables, kind, path):
    """Draw the mean rank against the CPU time."""
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    if kind == "tuned":
        tables = complete(tables)
    names = MODELS if kind == "models" else TUNED
    seconds, ranks = means(tables, "cpu_seconds", kind), mean_ranks(tables, kind)
    slowness = np.exp(np.log(np.maximum(seconds, 1e-3)).mean(axis=0))
    figure, axes = plt.subplots(figsize=(6, 4), layout="constrained")
    for name, label, x, rank in zip(names, names.values(), slowness, ranks, strict=True):
        color = "C3" if name in OURS else "C0"
        axes.plot(x, rank, "o", color=color)
        # A label is on the left of its point if another point is close on the right.
        is_close = (slowness > x) & (slowness < 2 * x) & (abs(ranks - rank) < 0.2)
        place = {"xytext": (-6, 4), "ha": "right"} if is_close.any() else {"xytext": (6, 4)}
        axes.annotate(label, (x, rank), textcoords="offset points", color=color, **place)
    axes.set_xscale("log")
    axes.invert_yaxis()
    work = "fit" if kind == "models" else "search and last fit"
    axes.set_xlabel(f"CPU seconds of {work} (geometric mean)")
    axes.set_ylabel("mean rank by test score (1 is the best)")
    title = "Default" if kind == "models" else "Tuned"
    axes.set_title(f"{title} models on {len(tables)} tables")
    axes.margins(x=0.15, y=0.1)
    figure.savefig(path, dpi=150)


def main():
    """Write all files."""
    tables, docs = stored(), ROOT / "docs"
    (docs / "real_tables.inc").write_text(page(tables))
    (docs / "real_tables_tuned.inc").write_text(tuned_page(tables))
    draw(tables, "models", docs / "real_tables.png")
    draw(tables, "tuned", docs / "real_tables_tuned.png")


if __name__ == "__main__":
    main()
