"""Tasks of a fit for scikit-learn's callbacks, and its printed progress."""

from contextlib import contextmanager
from itertools import count


def printed_pass(label, n_blocks):
    """Begin a pass of `n_blocks` blocks; None means that their number is unknown.

    The result prints a line and is to be called after each block.
    """
    numbers = count(1)
    return lambda: _print_block(label, next(numbers), n_blocks)


def _print_block(label, number, n_blocks):
    print(f"{label}: {number}" + (f" of {n_blocks}" if n_blocks else ""))


class FitTasks:
    """The callback task of a fit; subclasses add the tasks below it.

    Parameters
    ----------
    estimator : object
        The estimator that is fitted.
    max_subtasks : int or None
        Maximum number of tasks directly below the fit, or None if unknown.
    **data : dict
        X, y and metadata, which every hook receives.
    """

    def __init__(self, estimator, max_subtasks, **data):
        self.data = {"estimator": estimator, **data}
        context = estimator._init_callback_context(max_subtasks=max_subtasks)
        self.context = self._begin(context)

    def finish(self):
        """End the task of the fit; the estimator is fitted now."""
        self._end(self.context, {})

    def _begin(self, context):
        """Begin the task of a context; return the context."""
        context.call_on_fit_task_begin(**self.data)
        return context

    def _end(self, context, attributes=None):
        """End a task; return whether a callback asks to stop.

        `attributes` are fitted attributes, or a function that returns them and is called
        only if a callback needs them. None means that there are no attributes.
        """
        return context.call_on_fit_task_end(
            reconstruction_attributes=attributes, **self.data
        )


class PassTasks(FitTasks):
    """A task for each pass over the data, and one for each block of a pass.

    Parameters
    ----------
    estimator : object
        The estimator that is fitted.
    verbose : bool
        Whether to print a line for every block.
    **data : dict
        X, y and metadata, which every hook receives.
    """

    def __init__(self, estimator, verbose, **data):
        super().__init__(estimator, None, **data)
        self.verbose = verbose
        self.current_pass = None

    def begin_pass(self, label, n_blocks):
        """Begin a pass; the result is to be called after each of its blocks.

        If `n_blocks` is None, the number is unknown, and the pass ends with the next pass
        or with the fit.
        """
        self._end_pass()
        self.current_pass = self._begin(
            self.context.subcontext(task_name=label, max_subtasks=n_blocks)
        )
        numbers = count(1)

        def done():
            number = next(numbers)
            if self.verbose:
                _print_block(label, number, n_blocks)
            self._end(self._begin(self.current_pass.subcontext(task_name="block")))
            if number == n_blocks:
                self._end_pass()

        return done

    def finish(self):
        """End the last pass and the task of the fit; the estimator is fitted now."""
        self._end_pass()
        super().finish()

    def _end_pass(self):
        if self.current_pass is not None:
            closed, self.current_pass = self.current_pass, None
            self._end(closed)


class EpochTasks(FitTasks):
    """A task for each epoch.

    A fit that starts again at a smaller step repeats its first epochs. A repeated epoch has
    no second task.

    Parameters
    ----------
    estimator : object
        The estimator that is fitted.
    max_epochs : int
        Maximum number of epochs.
    **data : dict
        X, y and metadata, which every hook receives.
    """

    def __init__(self, estimator, max_epochs, **data):
        super().__init__(estimator, max_epochs, **data)
        self.epochs = []
        self.n_ended = 0

    def begin(self, epoch):
        """Begin the task of an epoch, counted from 0."""
        if epoch == len(self.epochs):
            self.epochs.append(self._begin(self.context.subcontext(task_name="epoch")))

    def end(self, epoch, attributes):
        """End the task of an epoch; return whether a callback asks to stop.

        `attributes` returns copies of the fitted attributes. It is called only if a
        callback needs them.
        """
        if epoch < self.n_ended:
            return False
        self.n_ended += 1
        return self._end(self.epochs[epoch], attributes)


class RoundTasks(FitTasks):
    """A task for each round; see `FitTasks` for the parameters."""

    @contextmanager
    def round(self):
        """A round; its task ends with the block."""
        context = self._begin(self.context.subcontext(task_name="round"))
        yield
        self._end(context)
