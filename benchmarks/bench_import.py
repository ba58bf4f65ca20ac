"""Claim: `import skrf` takes at most 10% longer than importing scikit-learn and numba.

Every import runs in a new process. The imports alternate, so that noise of the machine
affects both. The script prints the ratio of medians.

    python benchmarks/bench_import.py [--repeats 15]
"""

import argparse
import statistics
import subprocess
import sys

PROGRAM = "import time; t = time.perf_counter(); {}; print(time.perf_counter() - t)"
IMPORTS = {"skrf": "import skrf", "peers": "import sklearn, numba"}


def seconds(statement):
    """Seconds that a statement takes in a new process."""
    command = [sys.executable, "-c", PROGRAM.format(statement)]
    return float(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


def main(argv=None):
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=15)
    repeats = parser.parse_args(argv).repeats
    for statement in IMPORTS.values():
        seconds(statement)  # fills the disk cache
    times = {name: [] for name in IMPORTS}
    for _ in range(repeats):
        for name, statement in IMPORTS.items():
            times[name].append(seconds(statement))
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, statement in IMPORTS.items():
        print(f"{statement:24} {medians[name]:.3f} s")
    print(f"ratio of medians: {medians['skrf'] / medians['peers']:.3f}")


if __name__ == "__main__":
    main()
