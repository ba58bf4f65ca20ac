"""Package version, and the mixin that records it in pickles."""

import re

from skrf._utils.warnings import warn

__version__ = "0.2.0"


class VersionedState:
    """A mixin that writes the package version into pickles and warns of later ones.

    The version is in the pickled state only, never an attribute.
    """

    def __getstate__(self):
        return {**super().__getstate__(), "_skrf_version": __version__}

    def __setstate__(self, state):
        state = dict(state)
        warn_if_newer(type(self).__name__, state.pop("_skrf_version"))
        if hasattr(super(), "__setstate__"):  # of scikit-learn's estimators
            super().__setstate__(state)
        else:
            vars(self).update(state)


def warn_if_newer(name, version):
    """Warn that a later release than this one made a pickle."""
    if _release(version) > _release(__version__):
        warn(
            f"This {name} was pickled by scikit-random-features {version}, but version "
            f"{__version__} is installed and may misread it. Install version {version} or "
            "later, or fit the estimator again.",
        )


def _release(version):
    """The numbers of a version, without suffixes such as "rc1" or ".dev0"."""
    return tuple(int(part) for part in re.match(r"\d+(\.\d+)*", version)[0].split("."))
