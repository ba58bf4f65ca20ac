"""Signatures of classes that add parameters to those of their base class."""

import functools
import inspect


def with_parameters_of(base):
    """A decorator of an `__init__(self, first, *, own, **common)`.

    The signature becomes that of `base.__init__`, which receives `first` and `common`, with
    the own parameters at its end.
    """
    common = list(inspect.signature(base.__init__).parameters.values())

    def decorate(init):
        parameters = list(inspect.signature(init).parameters.values())[2:]
        own = [p for p in parameters if p.kind is p.KEYWORD_ONLY]

        @functools.wraps(init)
        def with_common(self, *arguments, **keywords):
            init(self, *arguments, **keywords)

        with_common.__signature__ = inspect.Signature(
            [*common, *own], return_annotation=None
        )
        return with_common

    return decorate
