"""What a fit of several passes over the data tells callbacks and, if verbose, prints."""


def printed(label, n_blocks):
    """Begin a pass; its result, called after each of its blocks, prints a line."""
    n_done = 0

    def done():
        nonlocal n_done
        n_done += 1
        print(f"{label}: {n_done}" + (f" of {n_blocks}" if n_blocks else ""))

    return done


class PassTasks:
    """A callback task for the fit, one for each pass, and one for each of its blocks.

    Parameters
    ----------
    estimator : object
        The estimator that is fitted.
    verbose : bool
        Whether to print a line for every block.
    **data : dict
        X, y and metadata that every hook is given.
    """

    def __init__(self, estimator, verbose, **data):
        self.data = {"estimator": estimator, **data}
        self.verbose = verbose
        self.open = None
        self.context = estimator._init_callback_context(max_subtasks=None)
        self.context.call_on_fit_task_begin(**self.data)

    def begin_pass(self, label, n_blocks):
        """Begin a pass; the result is to be called after each of its blocks.

        `n_blocks` is None where it is not known; such a pass ends with the next one, or
        with the fit.
        """
        self._end_pass()
        self.open = self.context.subcontext(task_name=label, max_subtasks=n_blocks)
        self.open.call_on_fit_task_begin(**self.data)
        n_done, print_line = 0, printed(label, n_blocks)

        def done():
            nonlocal n_done
            n_done += 1
            if self.verbose:
                print_line()
            block = self.open.subcontext(task_name="block")
            block.call_on_fit_task_begin(**self.data)
            block.call_on_fit_task_end(**self.data)
            if n_done == n_blocks:
                self._end_pass()

        return done

    def _end_pass(self):
        if self.open is not None:
            closed, self.open = self.open, None
            closed.call_on_fit_task_end(**self.data)

    def finish(self):
        """End the task of the fit, which is fitted now."""
        self._end_pass()
        self.context.call_on_fit_task_end(reconstruction_attributes={}, **self.data)


class EpochTasks:
    """A callback task for the fit and one for each epoch.

    A fit that starts again at a smaller step runs its first epochs again; each keeps the
    one task it has, which ends once.

    Parameters
    ----------
    context : CallbackContext
        The root context of the fit.
    **data : dict
        The estimator, X, y and metadata that every hook is given.
    """

    def __init__(self, context, **data):
        self.context = context
        self.data = data
        self.epochs = []
        self.n_ended = 0
        context.call_on_fit_task_begin(**data)

    def begin(self, epoch):
        """Begin the task of an epoch, counted from 0."""
        if epoch == len(self.epochs):
            self.epochs.append(self.context.subcontext(task_name="epoch"))
            self.epochs[epoch].call_on_fit_task_begin(**self.data)

    def end(self, epoch, attributes):
        """End it; return whether a callback asks to stop.

        `attributes` is called for copies of the fitted attributes when a callback wants
        them, and not otherwise.
        """
        if epoch < self.n_ended:
            return False
        self.n_ended += 1
        return self.epochs[epoch].call_on_fit_task_end(
            reconstruction_attributes=attributes, **self.data
        )

    def finish(self):
        """End the task of the fit."""
        self.context.call_on_fit_task_end(reconstruction_attributes={}, **self.data)
