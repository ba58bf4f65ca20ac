"""Calls that finish or change nothing, at whatever moment Ctrl-C is pressed."""

import functools
import signal
import threading
from contextlib import contextmanager

import numpy as np

# How the names of the private attributes begin that scikit-learn sets on estimators with
# callbacks. scikit-learn sets them before a fit and deletes them after the fit.
CALLBACK_ATTRIBUTES = ("_skl_callback", "_callback_", "_parent_callback")


@contextmanager
def interrupts_held():
    """Defer SIGINT until the block exits; yield a function that delivers it earlier."""
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
    """Restore the state of a RandomState when a call fails or is interrupted."""
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
    """Undo what a call has set on an estimator when the call fails or is interrupted.

    The state of the estimator's RandomState is restored too. Yields a function that makes
    the present state the one to restore. NumPy's warnings of overflow are silenced,
    because the call raises errors and warnings of its own.
    """
    before = {}

    def keep():
        nonlocal before
        before = {
            name: value
            for name, value in vars(estimator).items()
            if not name.startswith(CALLBACK_ATTRIBUTES)
        }

    keep()
    quiet = np.errstate(over="ignore", invalid="ignore")
    try:
        with same_draws_on_failure(estimator.random_state), quiet:
            yield keep
    except BaseException:
        with interrupts_held():
            for name in list(vars(estimator)):
                if name not in before and not name.startswith(CALLBACK_ATTRIBUTES):
                    delattr(estimator, name)
            vars(estimator).update(before)
        raise


def undone_on_failure(method):
    """Run a method in `all_or_nothing`."""

    @functools.wraps(method)
    def wrapper(self, *arguments, **keywords):
        with all_or_nothing(self):
            return method(self, *arguments, **keywords)

    return wrapper
