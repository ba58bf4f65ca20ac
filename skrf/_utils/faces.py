"""Public homes for what is defined in private files."""

from typing import Any


def publish(module: str, *objects: Any) -> None:
    """Set `__module__` of classes and functions, which pickles name.

    An object must be an attribute of `module`, under its `__qualname__`.
    """
    for public in objects:
        public.__module__ = module
