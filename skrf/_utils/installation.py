"""Versions of the installation, and the clash of import names with scikit-rf."""

import importlib.metadata
import os
import platform
import sys
from pathlib import Path

DISTRIBUTION = "scikit-random-features"


def refuse_scikit_rf(package_dir, path=None):
    """Raise ImportError when scikit-rf, also imported as skrf, is in the same folder.

    Parameters
    ----------
    package_dir : Path
        The folder of the package being imported.
    path : list of str, default=None
        Folders with installed distributions. None means `sys.path`.
    """
    other = _folder_of("scikit-rf", path)
    if other is None:
        return
    ours = {Path(package_dir).resolve().parent, _folder_of(DISTRIBUTION, path)}
    if other in ours:
        raise ImportError(
            f"{DISTRIBUTION} and scikit-rf are both installed in {other}, and both are "
            "imported as 'skrf', so their files overwrite each other. Run 'python -m pip "
            f"uninstall scikit-rf {DISTRIBUTION}', then install the package you need "
            "again; to use both packages, use two virtual environments."
        )


def _folder_of(name, path):
    """The site-packages folder that holds the metadata of a distribution, or None."""
    where = {} if path is None else {"path": path}
    found = next(iter(importlib.metadata.distributions(name=name, **where)), None)
    return None if found is None else Path(found.locate_file("")).resolve()


def show_versions() -> None:
    """Print the versions and the system for a bug report.

    The output lists the system, the versions of the dependencies and the thread pools.

    References
    ----------
    .. [1] scikit-learn's function `sklearn.show_versions`.

    Examples
    --------
    >>> import skrf
    >>> skrf.show_versions()  # doctest: +ELLIPSIS
    <BLANKLINE>
    System:
        python: ...
    """
    from threadpoolctl import threadpool_info

    print("\nSystem:")
    for name, value in (
        ("python", sys.version.replace("\n", " ")),
        ("executable", sys.executable),
        ("machine", platform.platform()),
        ("cores", os.cpu_count()),
    ):
        print(f"{name:>10}: {value}")

    print("\nPython dependencies:")
    dependencies = ("scikit-learn", "numpy", "scipy", "numba", "llvmlite", "joblib")
    others = ("threadpoolctl", "pandas", "matplotlib", "pip")
    for name in (DISTRIBUTION, *dependencies, *others):
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            version = None
        print(f"{name:>22}: {version}")

    print("\nThread pools:")
    for pool in threadpool_info():
        print()
        for key, value in pool.items():
            print(f"{key:>16}: {value}")
