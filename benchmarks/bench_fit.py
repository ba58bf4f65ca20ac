"""Claim: a fit needs the memory of its arrays, and its time is linear in their sizes.

Three tables:

- seconds of the first fit in a new process, with an empty and with a filled numba cache;
- peak memory of a fit, compared with weights * (1 + momentum + average + early_stopping) +
  2 * block * (width + n_features), plus a copy of the data with early_stopping;
- time of an update of per-sample SGD for several widths and numbers of features.

    python -m pip install -e ".[benchmarks]"
    python benchmarks/bench_fit.py [--what compile|memory|scaling|all] [--repeats 5]
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import tracemalloc
from itertools import product

import numpy as np
from bench_sgd import ROUND, draw_problem, machine, new_network, ours, seconds

from skrf.networks._sgd import block_rows

FIRST_FIT = """
import numpy as np; from time import perf_counter
from skrf import OverparamNetRegressor
rng = np.random.default_rng(0)
X, y = rng.standard_normal((500, 20)), rng.standard_normal(500)
start = perf_counter()
OverparamNetRegressor(width=100, max_iter=2, tol=None, random_state=0).fit(X, y)
print(perf_counter() - start)
"""


def compile_time(repeats):
    """Print the seconds of the first fit in a new process."""
    cold, warm = [], []
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as folder:
            environment = os.environ | {"NUMBA_CACHE_DIR": folder}
            for times in (cold, warm):
                output = subprocess.run(
                    [sys.executable, "-c", FIRST_FIT],
                    capture_output=True,
                    check=True,
                    text=True,
                    env=environment,
                ).stdout
                times.append(float(output))
    print("\n## First fit in a new process, without imports\n")
    print(f"cold numba cache {statistics.median(cold):.2f} s, ", end="")
    print(f"warm numba cache {statistics.median(warm):.2f} s")


def memory(n_features=784, width=4096, n_rows=1000):
    """Print the peak memory of fit without the data, for each set of options."""
    X, y, _, eta = draw_problem(n_features, width, n_rows)
    rows = block_rows(width, n_features, X.dtype, 1)
    print(f"\n## Peak memory at ({n_features}, {width}), {n_rows} rows, without the data\n")
    print("| momentum | average | early_stopping | MB | formula | ratio |")
    print("| --: " * 6 + "|")
    for momentum, average, early_stopping in product(
        (0.0, 0.9), (False, True), (False, True)
    ):
        parameters = {"momentum": momentum, "average": average, "tol": None, "max_iter": 2}
        net = new_network(width, early_stopping=early_stopping, eta0=eta / 10, **parameters)
        net.fit(X[:100], y[:100])  # loads the compiled functions
        del net.hidden_weights_, net._state
        tracemalloc.start()
        net.fit(X, y)
        megabytes = tracemalloc.get_traced_memory()[1] / 1e6
        tracemalloc.stop()
        # A mean in float64 and its change take three copies in float32.
        copies = 1 + (momentum > 0) + 3 * average + early_stopping
        formula = (width * n_features * copies + 2 * rows * (width + n_features)) * 4 / 1e6
        if early_stopping:
            formula += X.nbytes / 1e6  # copies of the training and validation rows
        cells = momentum, average, early_stopping, f"{megabytes:.1f}", f"{formula:.1f}"
        print("|", *(f"{cell} |" for cell in cells), f"{megabytes / formula:.2f} |")


def scaling(repeats):
    """Print the time of an update against each size, and the slopes on log-log axes."""
    print("\n## Scaling, batch size 1\n")
    widths, features = (1000, 2000, 4000, 8000, 16000), (50, 100, 200, 400, 800)
    for name, sizes in {
        "width at n_features = 100": [(100, width) for width in widths],
        "n_features at width = 4096": [(n_features, 4096) for n_features in features],
    }.items():
        problems = [draw_problem(*size, ROUND) for size in sizes]
        runs = [ours(*problem, 1)[0] for problem in problems]
        times = np.empty((repeats + 1, len(runs)))
        for repeat, (i, run) in product(range(repeats + 1), enumerate(runs)):
            times[repeat, i] = seconds(run, ROUND, os.cpu_count()) / ROUND
        medians = np.median(times[1:], axis=0) * 1e6
        varied = [size[name.startswith("width")] for size in sizes]
        slope = np.polyfit(np.log(varied), np.log(medians), 1)[0]
        print(f"{name}: ", end="")
        print(
            *(f"{n}: {us:.3g} us" for n, us in zip(varied, medians, strict=True)), sep=", "
        )
        line = np.polyval(np.polyfit(varied, medians, 1, w=1 / medians), varied)
        print(f"  slope on log-log axes {slope:.2f}; ", end="")
        print(f"off the straight line by at most {np.abs(line / medians - 1).max():.0%}")


def main(argv=None):
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    sections = {
        "compile": lambda: compile_time(min(3, options.repeats)),
        "memory": memory,
        "scaling": lambda: scaling(options.repeats),
    }
    parser.add_argument("--what", choices=[*sections, "all"], default="all")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args(argv)
    print(machine())
    for name, section in sections.items():
        if options.what in (name, "all"):
            section()


if __name__ == "__main__":
    main()
