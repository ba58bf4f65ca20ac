"""Types of the public signatures."""

from typing import Any, TypeAlias

import numpy as np

# Anything that `validate_data` takes: what NumPy makes a matrix of, data frames, sparse
# matrices, and Dask collections; those packages have no types, or may be missing.
MatrixLike: TypeAlias = Any
RandomState: TypeAlias = int | np.random.RandomState | None
