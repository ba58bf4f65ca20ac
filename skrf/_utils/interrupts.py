"""Calls that end as a whole or not at all, whatever moment Ctrl-C comes at."""

import functools
import signal
import threading
from contextlib import contextmanager

import numpy as np


@contextmanager
def interrupts_held():
    """Hold Ctrl-C back to the end; yield a function that lets it through before."""
    held = []
    in_main_thread = threading.current_thread() is threading.main_thread()
    previous = signal.getsignal(signal.SIGINT) if in_main_thread else None

    def let_through():
        if held:
            previous(*held.pop())

    if not callable(previous):
        yield let_through
        return
    signal.signal(signal.SIGINT, lambda *arguments: held.append(arguments))
    try:
        yield let_through
    finally:
        signal.signal(signal.SIGINT, previous)
        let_through()


@contextmanager
def same_draws_on_failure(random_state):
    """Bring a RandomState back to where it was when a call fails or is interrupted."""
    is_instance = isinstance(random_state, np.random.RandomState)
    before = random_state.get_state() if is_instance else None
    try:
        yield
    except BaseException:
        if is_instance:
            random_state.set_state(before)
        raise


@contextmanager
def all_or_nothing(estimator):
    """Undo what a call has set on an estimator when it fails or is interrupted.

    So for the draws from its RandomState. Yields a function that makes the present state
    the one to go back to. What overflows in the call ends in an error or a warning of its
    own, not in NumPy's.
    """
    before = {}

    def keep():
        nonlocal before
        before = {k: v for k, v in vars(estimator).items() if not _is_callback(k)}

    keep()
    quiet = np.errstate(over="ignore", invalid="ignore")
    try:
        with same_draws_on_failure(estimator.random_state), quiet:
            yield keep
    except BaseException:
        with interrupts_held():
            for name in list(vars(estimator)):
                if name not in before and not _is_callback(name):
                    delattr(estimator, name)
            vars(estimator).update(before)
        raise


def whole(method):
    """A method in `all_or_nothing`."""

    @functools.wraps(method)
    def wrapper(self, *arguments, **keywords):
        with all_or_nothing(self):
            return method(self, *arguments, **keywords)

    return wrapper


def _is_callback(name):
    return name.startswith(("_skl_callback", "_callback_", "_parent_callback"))
