"""The option `--output` of the examples, its check before any work, and their progress."""

import importlib
import os
import sys
from pathlib import Path

# Git ignores this folder. A folder in examples/ would stop the build of the documentation.
# The stored pictures next to the scripts are made by _store.py.
FOLDER = Path(__file__).resolve().parents[1] / "pictures"


def add_output(parser, script):
    """Add `--output`; by default the picture is saved in the folder pictures."""
    path = FOLDER / f"{Path(script).stem}.png"
    parser.add_argument("--output", type=Path, default=path, help="file of the picture")


def check_output(path):
    """Raise an error before the computation if the picture cannot be written."""
    if path.parent == FOLDER and os.access(FOLDER.parent, os.W_OK):
        FOLDER.mkdir(exist_ok=True)
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK) or path.is_dir():
        raise OSError(
            f"--output {path} cannot be written. Name a file in an existing folder."
        )
    try:
        figure = importlib.import_module("matplotlib.figure")
    except ImportError as error:
        raise ImportError(
            "The picture needs matplotlib. Install it with "
            'python -m pip install "scikit-random-features[examples]"'
        ) from error
    known = figure.Figure().canvas.get_supported_filetypes()
    if path.suffix[1:].lower() not in known:
        raise ValueError(f"--output {path} must end in one of {', '.join(sorted(known))}.")


def progress(text=""):
    """Show on one line of a terminal what is computed; no text clears the line."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)
