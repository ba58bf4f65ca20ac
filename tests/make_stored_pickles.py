"""Store pickles of fitted estimators of the installed version, and what they compute.

python tests/make_stored_pickles.py replaces the folder tests/data/pickles_<version>. Run it
for each release. tests/test_stored_pickles.py loads the pickles with later versions.
"""

import pickle
import shutil
import warnings
from pathlib import Path

import numpy as np
from test_persistence import data, models, output, versioned

import skrf

DATA = Path(__file__).parent / "data"
STREAMS = "net_stream", "ridge_stream"


def outputs(models):
    """{name: what a model computes}; streams then continue with the same rows."""
    X, y, _ = data()
    values = {name: output(model, X) for name, model in models.items()}
    for name in STREAMS:
        values[f"{name}_continued"] = output(models[name].partial_fit(X, y), X)
    return values


def main():
    """Replace the folder of the installed version."""
    folder = DATA / f"pickles_{skrf.__version__}"
    with warnings.catch_warnings():
        # The networks train for three epochs.
        warnings.simplefilter("ignore")
        fitted = versioned(models())
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, model in fitted.items():
        (folder / f"{name}.pickle").write_bytes(pickle.dumps(model, protocol=5))
    np.savez_compressed(folder / "outputs.npz", **outputs(fitted))
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(f"{folder}: {len(fitted)} pickles, {size / 1e3:.0f} kB with their outputs")


if __name__ == "__main__":
    main()
