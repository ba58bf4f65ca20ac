"""The option `--output` of the examples, and its check before any work."""

import importlib
import os
from pathlib import Path


def add_output(parser, script):
    """Add `--output`; by default the picture is saved next to the script."""
    parser.add_argument("--output", type=Path, default=Path(script).with_suffix(".png"))


def check_output(path):
    """Raise an error before the computation if the picture cannot be written."""
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
