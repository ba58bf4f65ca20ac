"""The check that every table of errors uses: the name, and words of the remedy."""

import warnings

import pytest


def full_message(error):
    """The text of an error with the notes that were added to it."""
    return "\n".join([str(error), *getattr(error, "__notes__", [])])


def assert_message(error, name, remedy):
    """An error names a parameter and says what to do about it."""
    message = full_message(error)
    assert name in message
    assert remedy in message


def assert_raises(call, kind, name, remedy):
    """The call raises an error of a kind that names a parameter, and no RuntimeWarning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        with pytest.raises(kind) as caught:
            call()
    assert_message(caught.value, name, remedy)
