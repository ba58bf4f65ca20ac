"""Exact stochastic gradient descent at the speed of matrix products.

The network is N(x) = scale * U act(W x + b) + c. Per-sample SGD changes W by an outer
product, W_t = W_{t-1} - eta q_t x_t', where q_t is the derivative of the loss in the
pre-activations W x_t + b. Per-sample SGD is slow because every sample reads and writes all
of W. But over a block of samples

    W_{t-1} x_t = W_0 x_t - eta sum_{s<t} q_s <x_s, x_t>,

and W is needed only twice in a block, both times in a matrix product:

1. Z = X W_0', the pre-activations of the whole block at the weights of its start;
2. a sequential part that never touches W: row t of Z is corrected by the rows before it,
   weighted by the small Gram matrix X X', and replaced by q_t, while u and c are trained;
3. W <- W_0 - eta Q' X.

The iterates equal those of one sample at a time, up to rounding.

The sequential part is blocked once more, as in an LU factorisation: corrections within a
panel of `_PANEL` rows are made row by row in cache, and corrections by earlier panels at
once by a product. Everything else is scalars. A mini-batch is several rows with one update,
so s runs over earlier mini-batches only. Weight decay, momentum, decreasing steps and
averages are linear recurrences in (W, V), driven by the q_s x_s', where V is the velocity.
After every update W is a combination of W_0, V_0 and the q_s x_s', whose coefficients
`skrf._compiled.sgd.recurrences` computes. So momentum takes one more product at the start
of a block and one more at its end, and averaging takes one more at its end. The block
algorithm can take every update rule under which W remains a scalar combination of W_0, V_0
and the outer products q_s x_s', and it cannot take per-coordinate rules such as AdaGrad and
Adam.

Python checks for interrupts and divergence between blocks.
"""

import copy

import numpy as np
from sklearn.utils.extmath import row_norms

from skrf._compiled import sgd
from skrf._compiled.activations import address
from skrf._compiled.recurrences import (
    Counts,
    Layer,
    Recurrence,
    Schedule,
    recurrences,
)
from skrf._utils.blas import GEMM_ADDRESSES
from skrf._utils.blocks import dense_rows
from skrf._utils.interrupts import interrupts_held
from skrf._utils.memory import require_memory
from skrf.networks._state import State

# Maximum number of halvings of a step that diverges.
HALVINGS = 40
# A block has diverged if its mean loss is this many times the loss expected before
# training: predictions are then about 1,000 times too large.
_GROWTH = 1e6
# The last block of a stream may raise the loss of its rows to this many times the loss
# before the block, or the loss expected before training if that is larger.
_RISE = 4.0
# Rows times width, or times columns, of a block of a small layer.
_NARROW = 2**16
# Minimum number of rows of a panel; its part of Z and corrections stay in the inner caches.
_PANEL = 16
# Bytes of Z that stay in the outer cache.
_CACHE = 2**23
# Maximum number of multiplications in a block, which takes well below a second: interrupts
# wait for the end of a block.
_BLOCK_WORK = 2**34
# A block has diverged if weight decay alone multiplies the weights by more than this.
_BLOW_UP = 10
# The number of an update that never comes: there is no average.
_NEVER = 2**62


class Diverged(Exception):
    """The loss grew without bound; the weights are those before the block of the growth."""

    def __init__(self, mean_loss, n_updates):
        super().__init__(mean_loss, n_updates)
        self.mean_loss = mean_loss
        self.n_updates = n_updates


def block_rows(width, n_features, dtype, batch_size, block_size="auto"):
    """Rows of a block: `block_size`, or the fastest size, as a multiple of the batch size.

    Longer blocks make the products more efficient. But every row is corrected by all
    rows before it, which takes width * rows operations against 4 * width * n_features
    for the products, and Z should stay in the outer cache. Measured in float32 on two
    cores, microseconds per row for blocks of 32 / 64 / 128 / 256 / 512 rows:

        n_features = 20, width = 1000      9.9   9.3    10    13    19
        n_features = 100, width = 4096      39    37    36    43    62
        n_features = 784, width = 4096     139   132   117   115   135
        n_features = 100, width = 32768    258   251   315   425   615
        n_features = 3072, width = 8192   1200   905   719   694   718
        n_features = 784, width = 300       23    20    21    23
        n_features = 784, width = 100       12    12    12    14
        n_features = 10, width = 100       3.8   2.6   2.4   2.6
    """
    rows = block_size
    if rows == "auto":
        # A row of a small layer is so fast that the time per block in Python counts.
        small = min(128, _NARROW // (width + n_features))
        rows = min(256, max(64, small, min(n_features // 4, width // 8)))
        rows = min(rows, max(16, _CACHE // (width * np.dtype(dtype).itemsize)))
    rows = min(rows, _BLOCK_WORK // (4 * width * n_features))
    return batch_size * max(1, rows // batch_size)


def require_training_memory(X, n_outputs, width, batch_size, block_size, copies):
    """Raise MemoryError unless `copies` of W and U, a block of Z and two of X fit."""
    n_features = X.shape[1]
    rows = block_rows(width, n_features, X.dtype, batch_size, block_size)
    rows = min(rows, X.shape[0])
    require_memory(
        X.dtype.itemsize
        * (copies * width * (n_features + n_outputs) + rows * (width + 2 * n_features)),
        f"Training width={width} neurons on {n_features} columns with "
        f"batch_size={batch_size}",
        "Use a smaller width or batch_size, or float32 input.",
    )


def _no_mean(weights):
    """Empty float64 arrays in the place of means."""
    return weights.empty().astype(np.float64)


def panel_rows(width, batch_size):
    """Rows of a panel, a multiple of the batch size: about `_NARROW` / 4 elements of Z."""
    rows = min(64, max(_PANEL, _NARROW // (4 * width)))
    return batch_size * max(1, rows // batch_size)


class Trainer:
    """SGD with heavy-ball momentum and averaging of the iterates.

    Parameters
    ----------
    state : State
        Where training begins. Its arrays are not changed.
    weights : Weights
        The weights to begin with, in the units of training; changed in place.
    objective : Objective
        The objective and the weights that are trained.
    options : Options
        The options of the update rule.
    """

    def __init__(self, state, weights, objective, options):
        self.initialization, self.units = state.initialization, state.units
        self.estimate, self.eta0, self.alpha = state.estimate, state.eta0, state.alpha
        self.n_updates, self.n_averaged = state.n_updates, state.n_averaged
        self.weights, self.objective = weights.writable(), objective
        self.batch_size, self.block_size = options.batch_size, options.block_size
        self.power_t, self.momentum = options.power_t, options.momentum
        after = options.average_after
        self.average_after = _NEVER if after < 0 else after
        self.cooldown = _NEVER, _NEVER
        self.velocity = self.mean = None
        if self.momentum > 0:
            self.velocity = (
                self.weights.zeros() if state.velocity is None else state.velocity.copy()
            )
        if self.n_updates < self.average_after:
            self.n_averaged = 0
        elif state.mean is not None:
            self.mean = state.mean.copy()

    def state(self):
        """The state, which holds the arrays of this object."""
        averaged = self.mean is not None
        return State(
            self.initialization,
            self.units,
            self.estimate,
            self.eta0,
            self.alpha,
            self.n_updates,
            self.n_averaged,
            self.velocity,
            self.mean,
            self.weights if averaged else None,
        )

    @property
    def result(self):
        """The averaged weights, or the last weights if there is no average."""
        if self.mean is None:
            return self.weights
        return self.mean.astype(self.weights.hidden.dtype)

    def copy(self):
        """A copy, whose arrays training does not change."""
        trainer = copy.copy(self)
        for name in ("weights", "velocity", "mean"):
            arrays = getattr(self, name)
            setattr(trainer, name, None if arrays is None else arrays.copy())
        return trainer

    def replace(self, weights):
        """Continue from other weights, without velocity and mean."""
        self.weights, self.mean, self.n_averaged = weights, None, 0
        self.velocity = None if self.velocity is None else weights.zeros()

    def cool_down(self, n_updates, delay=0):
        """Let the step fall linearly to 0 in `n_updates` updates after `delay` others."""
        start = self.n_updates + delay
        self.cooldown = start, start + n_updates

    def run(self, X, Y, sample_weight, order, *, halve=False):
        """One pass over the rows of X in the given order; return the mean loss.

        The loss of a row is taken before its update. A block that diverges is undone. Then
        the step is halved and the block repeated (`halve`), or `Diverged` is raised.
        """
        W = self.weights.hidden
        per_block = block_rows(*W.shape, W.dtype, self.batch_size, self.block_size)
        per_block = min(per_block, len(order))
        # A block of one update has no corrections.
        gram_size = per_block**2 if per_block > self.batch_size else 0
        scratch = (
            np.empty((per_block, len(W)), W.dtype),
            np.empty(gram_size, W.dtype),
            np.empty((min(self.batch_size, panel_rows(len(W), 1)), len(W)), W.dtype),
        )
        limits = self._limits(X, Y)
        total, halvings = 0.0, 0
        # An interrupt within a block would leave W, b and u of different updates.
        with interrupts_held() as let_through:
            for start in range(0, len(order), per_block):
                rows = order[start : start + per_block]
                block = dense_rows(X, rows), Y[rows], sample_weight[rows]
                limit = limits[rows].max()
                # Losses are taken before each update, so the effect of the last updates of
                # a chunk shows only in a second look at their rows.
                is_last = start + per_block >= len(order)
                before, eta0 = self.copy() if halve and is_last else None, self.eta0
                while True:
                    let_through()
                    try:
                        loss = self._update(*block, limit, scratch)
                        if before is not None:
                            self._require_no_rise(*block, loss, limit / _GROWTH)
                        break
                    except Diverged as stop:
                        if before is not None:
                            vars(self).update({**vars(before.copy()), "eta0": self.eta0})
                        halvings += 1
                        # A smaller step does not change the loss of a block of one update.
                        single = len(rows) <= self.batch_size
                        hopeless = halvings > HALVINGS
                        hopeless |= single and stop.mean_loss > limit
                        if not halve or hopeless:
                            self.eta0 = eta0
                            raise
                        self.eta0 /= 2
                total += loss
        weight = sample_weight[order].sum(dtype=np.float64)
        return total / weight if weight > 0 else 0.0

    def _require_no_rise(self, X, Y, sample_weight, loss, usual):
        """Raise `Diverged` if the updates on these rows have raised the loss of the rows.

        `loss` is the summed loss before the updates, `usual` the loss of a row expected
        before training.
        """
        weight = sample_weight.sum(dtype=np.float64)
        if not weight > 0:
            return
        predictions = self.objective.predict(X, self.weights)
        after = self.objective.mean_loss(predictions, Y, sample_weight)
        if not after <= _RISE * max(loss / weight, usual):
            # -inf is below every limit: a smaller step does help.
            raise Diverged(-np.inf, self.n_updates)

    def _limits(self, X, Y):
        """Maximum loss of every row that does not mean divergence.

        Predictions grow with the length of a row, so an outlier may have a large loss. And
        rounding alone causes a loss of about eps^2 if the expected loss is 0.
        """
        unit = max(self.estimate.mean_square, np.finfo(X.dtype).tiny)
        with np.errstate(invalid="ignore"):
            # The mean square may overflow too: then no row is an outlier.
            lengths = np.fmax(1.0, row_norms(X, squared=True) / unit)
        at_zero = self.objective.loss(np.zeros_like(Y), Y).sum(axis=1, dtype=np.float64)
        rounding = np.finfo(Y.dtype).eps ** 2
        return _GROWTH * np.maximum(self.estimate.mean_loss * lengths, at_zero + rounding)

    def _update(self, X, Y, sample_weight, limit, scratch):
        """Update on the rows of one block and return their summed loss.

        `Diverged` is raised if the mean loss exceeds `limit` or is not finite. Then, and
        after any other exception, the state is the state before the block, except for a
        velocity of 0.
        """
        Z, gram, activations = scratch
        Z, side = Z[: len(X)], len(X) if len(X) > self.batch_size else 0
        couplings = gram[: len(X) * side].reshape(len(X), side)
        scratch = sgd.Scratch(Z, couplings, activations)
        last = self.n_updates + -(-len(X) // self.batch_size)
        if last > self.average_after and self.mean is None:
            self.mean = self.weights.copy().astype(np.float64)
        # The sequential part trains the output layer, `_finish` the hidden layer.
        states = [state for state in (self.weights, self.velocity, self.mean) if state]
        saved = [(state.output.copy(), state.intercept.copy()) for state in states]
        try:
            coefficients = self._coefficients(last - self.n_updates)
            # With a bounded activation the loss does not show that the penalty blows the
            # weights up.
            if abs(coefficients[0][0][-1, 0]) > _BLOW_UP:
                raise Diverged(np.inf, self.n_updates)
            block_loss = self._train(X, Y, sample_weight, scratch, coefficients)
            weight = sample_weight.sum(dtype=np.float64)
            mean_loss = block_loss / weight if weight > 0 else block_loss
            finite = np.isfinite([mean_loss, *self.weights.intercept]).all()
            finite = finite and np.isfinite(self.weights.output).all()
            if not (mean_loss <= limit and finite):
                raise Diverged(mean_loss, self.n_updates)
        except BaseException:
            for state, (output, intercept) in zip(states, saved, strict=True):
                state.output[...], state.intercept[...] = output, intercept
            if self.velocity is not None:
                self.velocity = self.weights.zeros()
            raise
        n_averaged = max(0, last - max(self.n_updates, self.average_after))
        self._finish(X, scratch, coefficients, n_averaged)
        self.n_averaged += n_averaged
        self.n_updates = last
        return block_loss

    def _coefficients(self, n_updates):
        """`recurrences` of the hidden weights and of the biases, which do not decay."""
        o = self.objective

        def recurrence(trained, alpha):
            # Weights that are not trained have steps of length 0.
            schedule = self._schedule()
            if not trained:
                schedule = schedule._replace(eta0=0.0)
            options = self._counts(), schedule, self.momentum, alpha
            return Recurrence(*recurrences(n_updates, *options))

        hidden = recurrence(o.train_hidden, o.alpha)
        if o.alpha == 0 and o.train_hidden == o.train_biases:
            return hidden, hidden
        return hidden, recurrence(o.train_biases, 0.0)

    def _schedule(self):
        return Schedule(self.eta0, self.power_t, *self.cooldown)

    def _counts(self):
        return Counts(self.n_updates, self.n_averaged, self.average_after)

    def _codes(self, dtype):
        activation = address(self.objective.activation.name, dtype)
        return sgd.Codes(self.objective.loss.code, activation)

    def _trained(self):
        o = self.objective
        return sgd.Trained(
            o.train_hidden, o.train_biases, o.train_output, o.train_intercept
        )

    def _train(self, X, Y, sample_weight, scratch, coefficients):
        """The sequential part of a block: fill Z with the q_s; return the summed loss."""
        o, weights = self.objective, self.weights
        # The velocity is not read without momentum, nor the mean without averaging.
        velocity, mean = self.velocity or weights, self.mean or _no_mean(weights)
        return sgd.train_block(
            GEMM_ADDRESSES[X.dtype],
            sgd.Block(X, Y, sample_weight),
            scratch,
            Layer(weights.hidden, velocity.hidden, mean.hidden),
            Layer(weights.biases, velocity.biases, mean.biases),
            sgd.Output(
                weights.output,
                weights.intercept,
                velocity.output,
                velocity.intercept,
                mean.output,
                mean.intercept,
            ),
            *coefficients,
            self._schedule(),
            self._counts(),
            sgd.UpdateRule(self.momentum, o.alpha, o.scale),
            sgd.Sizes(
                self.batch_size, panel_rows(weights.hidden.shape[0], self.batch_size)
            ),
            self._trained(),
            self._codes(X.dtype),
        )

    def _finish(self, X, scratch, coefficients, n_averaged):
        """Bring hidden weights and biases, velocities and averages to the block's end."""
        total = max(1, self.n_averaged + n_averaged)
        velocity = self.velocity or self.weights.empty()
        mean = self.mean if n_averaged else _no_mean(self.weights)
        sgd.finish_block(
            GEMM_ADDRESSES[X.dtype],
            X,
            scratch,
            Layer(self.weights.hidden, velocity.hidden, mean.hidden),
            Layer(self.weights.biases, velocity.biases, mean.biases),
            *(c._replace(summed=c.summed / total) for c in coefficients),
            self.n_averaged / total,
            self.batch_size,
            self._trained(),
        )
