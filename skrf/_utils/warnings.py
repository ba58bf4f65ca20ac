"""Warnings that name the user's line from which this package was called."""

import sys
import warnings

# Packages whose frames may lie between that line and ours.
_BETWEEN = {"skrf", "sklearn", "joblib", "pickle", "numba", "importlib", "functools"}


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """`warnings.warn` from the innermost frame of another package.

    The number of frames in between varies, so a constant `stacklevel` is not possible, and
    `skip_file_prefixes` needs Python 3.12.
    """
    frame = sys._getframe(1)
    while _package(frame) in _BETWEEN and frame.f_back is not None:
        frame = frame.f_back
    warnings.warn_explicit(
        message,
        category,
        frame.f_code.co_filename,
        frame.f_lineno,
        frame.f_globals.get("__name__", "<string>"),
        frame.f_globals.setdefault("__warningregistry__", {}),
    )


def _package(frame):
    return frame.f_globals.get("__name__", "").partition(".")[0]
