"""Functions that numba compiles and that other compiled functions call."""
