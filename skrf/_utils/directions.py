"""Eigenvalues and eigenvectors of symmetric matrices, in the order in which users look."""

import numpy as np
from scipy.linalg import eigh


def directions(M):
    """(Eigenvalues in descending order, unit eigenvectors as rows) of a positive matrix.

    Negative eigenvalues, which are rounding errors, become 0. The entry of an eigenvector
    with the largest magnitude is positive.
    """
    values, vectors = eigh(M)
    values, rows = np.maximum(values[::-1], 0), vectors.T[::-1]
    largest = np.abs(rows).argmax(axis=1)
    signs = np.where(rows[np.arange(len(rows)), largest] < 0, -1, 1)
    return values, rows * signs[:, np.newaxis]
