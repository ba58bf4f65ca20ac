"""Hints for parameters of other packages' estimators that ours call by another name."""

import functools


def with_hints(hints):
    """A decorator of `__init__` that explains unknown keywords.

    The TypeError stays a TypeError and names the class that was called. Its note has the
    hint for the unknown keyword, from a dict {keyword: hint}.
    """

    def decorate(init):
        @functools.wraps(init)
        def with_hint(self, *arguments, **keywords):
            try:
                init(self, *arguments, **keywords)
            except TypeError as error:
                name = f"{type(self).__name__}.__init__()"
                message = str(error).replace(f"{init.__qualname__}()", name)
                error.args = (message,)
                for keyword, hint in hints.items():
                    if f"argument '{keyword}'" in message:
                        error.add_note(hint)
                raise

        return with_hint

    return decorate
