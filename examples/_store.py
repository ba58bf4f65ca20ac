"""Run examples in full, and store the picture and the printed table of each run.

python examples/_store.py plot_digits plot_psi stores two examples, and no name stores all.
The files plot_digits.png and plot_digits.txt next to the script are shown in the gallery.
Both are replaced only after the example has ended without an error.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from _picture import FOLDER

EXAMPLES = Path(__file__).resolve().parent


def children_seconds():
    """CPU seconds of all finished child processes."""
    times = os.times()
    return times.children_user + times.children_system


def store(script):
    """Run one example in a process of its own, and store its picture and its table."""
    start, lines = children_seconds(), []
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        picture = Path(folder, script.with_suffix(".png").name)
        command = [sys.executable, "-u", script, "--output", picture]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        ) as process:
            for line in process.stdout:
                print(line, end="", flush=True)
                lines.append(line)
        if process.returncode:
            raise SystemExit(f"{script.name} failed. Nothing is stored.")
        # The last line names the temporary file of the picture.
        table = "".join(line for line in lines if str(picture) not in line).rstrip("\n")
        seconds = f"CPU time of this run: {children_seconds() - start:.0f} s"
        print(seconds)
        text = script.with_suffix(".txt")
        text.write_text(f"{table}\n\n{seconds}\n", encoding="utf-8", newline="\n")
        picture.replace(script.with_suffix(".png"))


def main(argv=None):
    names = sorted(path.stem for path in EXAMPLES.glob("plot_*.py"))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help=", ".join(names))
    args = parser.parse_args(argv)
    if unknown := sorted(set(args.names) - set(names)):
        parser.error(f"no example is called {unknown[0]}. Use one of {', '.join(names)}.")
    for name in args.names or names:
        print(f"\n{name}", flush=True)
        store(EXAMPLES / f"{name}.py")


if __name__ == "__main__":
    main()
