"""`python -m skrf`: measure the paper's statements and print a table."""

import argparse

from skrf._warmup import warmup
from skrf.theory import reproduce


def _seed(text):
    """A seed from the command line; argparse names the option in its error."""
    if not text.isdecimal() or int(text) >= 2**32:
        raise argparse.ArgumentTypeError(f"{text!r} must be an integer from 0 to 2^32 - 1")
    return int(text)


def main(argv=None):
    """Parse the options and run `skrf.theory.reproduce`."""
    parser = argparse.ArgumentParser(
        prog="python -m skrf",
        description="Measure the statements of Yehudai and Shamir (2019) as a table.",
    )
    parser.add_argument("--size", choices=["small", "default", "large"], default="default")
    parser.add_argument("--html", help="also write a page with the table and pictures")
    parser.add_argument("--seed", type=_seed, default=0)
    parser.add_argument("--no-progress", action="store_true")
    parser.add_argument("command", nargs="?", choices=["warmup"], help="compile and exit")
    options = parser.parse_args(argv)
    if options.command == "warmup":
        return warmup(progress=True)
    try:
        reproduce(
            options.size,
            html=options.html,
            progress=not options.no_progress,
            random_state=options.seed,
        )
    except (OSError, ImportError) as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
