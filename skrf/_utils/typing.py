"""Types of the public signatures."""

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias, TypeVar

import numpy as np

# Anything that `validate_data` accepts: array-likes, data frames, sparse matrices and Dask
# collections. These packages have no types, or may not be installed.
MatrixLike: TypeAlias = Any
RandomState: TypeAlias = int | np.random.RandomState | None

Function = TypeVar("Function", bound=Callable[..., Any])


class KeepsSignature(Protocol):
    """The type of an untyped function whose decorators keep signatures."""

    def __call__(self, *args: Any, **options: Any) -> Callable[[Function], Function]: ...
