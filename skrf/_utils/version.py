"""The version of this package, and the trace it leaves in pickles."""

import re

from skrf._utils.warnings import warn

__version__ = "0.1.0"


class VersionedState:
    """A mixin whose pickles say which version made them; a newer one is warned of.

    The name of the version is in the state only, never in an attribute.
    """

    def __getstate__(self):
        return {**super().__getstate__(), "_skrf_version": __version__}

    def __setstate__(self, state):
        state = dict(state)
        warn_if_newer(type(self).__name__, state.pop("_skrf_version", None))
        if hasattr(super(), "__setstate__"):  # of scikit-learn's estimators
            super().__setstate__(state)
        else:
            vars(self).update(state)


def warn_if_newer(name, version):
    """Warn that a pickle comes from a later release than the one that reads it."""
    if version is not None and _release(version) > _release(__version__):
        warn(
            f"This {name} was pickled by scikit-random-features {version} and is read by "
            f"{__version__}, which may not know all that is in it. Install version "
            f"{version} or later, or fit it again.",
        )


def _release(version):
    """The numbers of a release: those of 0.1.0.dev0 are the ones of 0.1.0."""
    return tuple(int(part) for part in re.match(r"\d+(\.\d+)*", version)[0].split("."))
