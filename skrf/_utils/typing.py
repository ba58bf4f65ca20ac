"""Types of the public signatures."""

from collections.abc import Callable
from typing import Any, Protocol, TypeAlias, TypeVar

import numpy as np

# Anything that `validate_data` takes: what NumPy makes a matrix of, data frames, sparse
# matrices, and Dask collections; those packages have no types, or may be missing.
MatrixLike: TypeAlias = Any
RandomState: TypeAlias = int | np.random.RandomState | None

Function = TypeVar("Function", bound=Callable[..., Any])


class KeepsSignature(Protocol):
    """Makes decorators that leave a signature as it is, of a package without types."""

    def __call__(self, *args: Any, **options: Any) -> Callable[[Function], Function]: ...
