"""Arrays of other namespaces, with scikit-learn's dispatch.

SciPy reads SCIPY_ARRAY_API when it is imported, so these tests need a process with the
variable set, as in ``.ci/run arrays``:

    SCIPY_ARRAY_API=1 pytest tests/array_api
"""

import os

import numpy as np
import pytest
import sklearn

# Relative to the largest value: of features, of predictions, and of leave-one-out errors.
TOLERANCES = {
    "float64": {"features": 1e-12, "predictions": 1e-9, "errors": 1e-8},
    "float32": {"features": 1e-5, "predictions": 1e-3, "errors": 1e-3},
}


@pytest.fixture(autouse=True)
def dispatch():
    if os.environ.get("SCIPY_ARRAY_API") != "1":
        pytest.skip("dispatch needs SCIPY_ARRAY_API=1 before the import of SciPy")
    with sklearn.config_context(array_api_dispatch=True):
        yield


@pytest.fixture
def torch():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    torch.set_num_threads(1)  # small arrays
    return torch


@pytest.fixture(
    params=["array_api_strict", "array_api_strict on device1", "torch", "torch on CUDA"]
)
def convert(request):
    """A function that moves NumPy's array to a namespace and a device."""
    name, _, device = request.param.partition(" on ")
    if name == "array_api_strict":
        xp = pytest.importorskip(name, reason=f"{name} is not installed")
        device = xp.Device(device) if device else None
        return lambda array: xp.asarray(array, device=device)
    torch = request.getfixturevalue("torch")
    if device and not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    return lambda array: torch.asarray(array, device=device.lower() or None)


@pytest.fixture(params=["float64", "float32"])
def data(request, rng):
    """(Rows, targets, integer weights, tolerances) of a noisy function."""
    X = (rng.standard_normal((120, 4)) * [1, 2, 3, 1] + 1).astype(request.param)
    y = np.abs(X[:, 0]) - X[:, 1] + 0.3 * rng.standard_normal(120)
    weights = rng.integers(0, 3, 120).astype(float)
    return X, y, weights, TOLERANCES[request.param]
