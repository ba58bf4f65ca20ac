"""Exact stochastic gradient descent at the speed of matrix products.

The network is N(x) = scale * U act(W x + b) + c. Per-sample SGD changes W by an outer
product, W_t = W_{t-1} - eta q_t x_t', where q_t is the derivative of the loss in the
pre-activations W x_t + b. Reading and writing all of W for one sample is what makes it
slow. But over a block of samples

    W_{t-1} x_t = W_0 x_t - eta sum_{s<t} q_s <x_s, x_t>,

so that W is needed only twice in a block, both times in a matrix product:

1. Z = X W_0', the pre-activations of the whole block at the weights of its start;
2. a sequential part that never touches W: row t of Z is corrected by the rows before it,
   weighted by the small Gram matrix X X', and replaced by q_t, while u and c are trained;
3. W <- W_0 - eta Q' X.

These are the same iterates as one sample at a time, up to rounding.

The sequential part is blocked once more, as in an LU factorisation: corrections within a
panel of `_PANEL` rows are made row by row in cache, those by earlier panels at once by a
product. Everything else is scalars. A mini-batch is several rows with one update, so s
runs over earlier mini-batches only. Weight decay, momentum, decreasing steps and averages
are linear recurrences in (W, V) that are driven by the q_s x_s', V the velocity: after
every update W is a combination of W_0, V_0 and the q_s x_s' whose coefficients
`_kernels_sgd.recurrences` finds. So momentum takes one more product at the start of a block
and one more at its end, as does averaging at its end.

Between blocks Python notices interrupts and divergence.
"""

import copy

import numpy as np
from sklearn.utils.extmath import row_norms

from skrf._compiled import sgd
from skrf._utils.blas import GEMM
from skrf._utils.blocks import dense_rows
from skrf._utils.interrupts import interrupts_held
from skrf._utils.memory import require_memory
from skrf.networks._weights import Initialization

# A step halved this often that still diverges will not stop diverging.
HALVINGS = 40
# A block whose mean loss is this many times the loss to be expected before training has
# diverged: predictions are then about 1,000 times too large.
_GROWTH = 1e6
# To this many times what it was, and what is usual before training, may the last block of a
# stream raise the loss of its own rows.
_RISE = 4.0
# Rows times width of a block of a narrow layer.
_NARROW = 2**16
# Rows of a panel, at least: its part of Z and its corrections stay in the inner caches.
_PANEL = 16
# Bytes of Z that stay within reach.
_CACHE = 2**23
# A block holds at most this many multiplications: well below a second, so that an
# interrupt is noticed at once.
_BLOCK_WORK = 2**34
# Weights that are this many times as large at the end of a block only by weight decay.
_BLOW_UP = 10
# No update comes after this one: no average is kept.
_NEVER = 2**62


class Diverged(Exception):
    """The loss grew without bound; the weights are those before the block it grew in."""

    def __init__(self, mean_loss, n_updates):
        super().__init__(mean_loss, n_updates)
        self.mean_loss = mean_loss
        self.n_updates = n_updates


def block_rows(width, n_features, dtype, batch_size, wanted="auto"):
    """Rows of a block: `wanted`, or what is fastest, as a multiple of the batch size.

    Longer blocks make the products more efficient, but every row is corrected by all
    rows before it, which takes width * rows operations against 4 * width * n_features
    for the products; and Z should stay in the outer cache. Measured in float32 on two
    cores, microseconds a step for blocks of 32 / 64 / 128 / 256 / 512 rows:

        n_features = 20, width = 1000      9.9   9.3    10    13    19
        n_features = 100, width = 4096      39    37    36    43    62
        n_features = 784, width = 4096     139   132   117   115   135
        n_features = 100, width = 32768    258   251   315   425   615
        n_features = 3072, width = 8192   1200   905   719   694   718
    """
    if wanted == "auto":
        # A narrow layer takes little longer for a row than Python does for a block.
        wanted = min(256, max(64, n_features // 4, _NARROW // width))
        wanted = min(wanted, max(16, _CACHE // (width * np.dtype(dtype).itemsize)))
    wanted = min(wanted, _BLOCK_WORK // (4 * width * n_features))
    return batch_size * max(1, wanted // batch_size)


def require_training_memory(X, n_outputs, width, batch_size, block_size, copies):
    """Raise MemoryError unless `copies` of W and U, a block of Z and its rows twice fit."""
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


def panel_rows(width, batch_size):
    """Rows of a panel, a multiple of the batch size: a quarter of `_NARROW` numbers."""
    wanted = min(64, max(_PANEL, _NARROW // (4 * width)))
    return batch_size * max(1, wanted // batch_size)


class SGD:
    """One run of SGD with heavy-ball momentum and averaging of the iterates.

    Parameters
    ----------
    start : Initialization
        The random start, which `weights` are drawn from.
    weights : Weights
        Changed in place.
    probe : Probe
        Says what loss was to be expected.
    eta0 : float
        Step of the first update.
    """

    def __init__(self, start: Initialization, weights, probe, eta0):
        self.start = start
        self.weights = weights
        self.probe = probe
        self.eta0 = eta0
        self.velocity = None
        self.average = None
        self.n_updates = 0
        self.n_averaged = 0

    @property
    def result(self):
        """The averaged weights where there are any, else the last ones."""
        return self.weights if self.average is None else self.average

    def copy(self):
        """A copy, whose arrays the run does not change."""
        twin = copy.copy(self)
        for name in ("weights", "velocity", "average"):
            array = getattr(self, name)
            setattr(twin, name, None if array is None else array.copy())
        return twin

    def replace(self, weights):
        """Go on from other weights: no velocity, no average."""
        self.weights = weights
        self.velocity = self.average = None
        self.n_averaged = 0

    def configure(
        self, objective, *, batch_size, block_size, power_t, momentum, average_after
    ):
        """Set what may change between passes.

        Update t has the step eta0 / t**power_t. The iterates after update
        `average_after` are averaged; -1 keeps no average.
        """
        self.objective = objective
        self.batch_size = batch_size
        self.block_size = block_size
        self.power_t = power_t
        self.momentum = momentum
        self.average_after = _NEVER if average_after < 0 else average_after
        self.weights = self.weights.writable()
        if momentum == 0:
            self.velocity = None
        elif self.velocity is None:
            self.velocity = self.weights.zeros()
        else:
            self.velocity = self.velocity.writable()
        if self.n_updates < self.average_after:
            self.average, self.n_averaged = None, 0
        elif self.average is not None:
            self.average = self.average.writable()

    def run(self, X, Y, sample_weight, order, *, halve=False):
        """One pass over the rows of X in the given order; return the mean loss.

        The losses are those before each update. A block that diverges is undone; then
        the step is halved and the block tried again (`halve`), or `Diverged` is raised.
        """
        W = self.weights.hidden
        per_block = block_rows(*W.shape, W.dtype, self.batch_size, self.block_size)
        per_block = min(per_block, len(order))
        # With one update in a block there is nothing to correct.
        gram_size = per_block**2 if per_block > self.batch_size else 0
        scratch = (
            np.empty((per_block, len(W)), W.dtype),
            np.empty(gram_size, W.dtype),
            np.empty((min(self.batch_size, panel_rows(len(W), 1)), len(W)), W.dtype),
        )
        limits = self._limits(X, Y)
        total, halvings = 0.0, 0
        # An interrupt in the middle of a block would leave W, b and u at different times.
        with interrupts_held() as let_through:
            for start in range(0, len(order), per_block):
                rows = order[start : start + per_block]
                block = dense_rows(X, rows), Y[rows], sample_weight[rows]
                limit = limits[rows].max()
                # Losses are those before each update: what the last ones of a chunk do is
                # seen when their own rows are looked at again.
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
                        # With one update in the block no smaller step changes its loss.
                        one = len(rows) <= self.batch_size
                        hopeless = halvings > HALVINGS or (one and stop.mean_loss > limit)
                        if not halve or hopeless:
                            self.eta0 = eta0
                            raise
                        self.eta0 /= 2
                total += loss
        weight = sample_weight[order].sum(dtype=np.float64)
        return total / weight if weight > 0 else 0.0

    def _require_no_rise(self, X, Y, sample_weight, loss, usual):
        """Raise `Diverged` where updates on some rows have raised the loss of just these.

        It was `loss`, summed, before; `usual` is that of a row before training.
        """
        weight = sample_weight.sum(dtype=np.float64)
        if not weight > 0:
            return
        predictions = self.objective.predict(X, self.weights)
        after = self.objective.mean_loss(predictions, Y, sample_weight)
        if not after <= _RISE * max(loss / weight, usual):
            # Below every limit: a smaller step does help.
            raise Diverged(-np.inf, self.n_updates)

    def _limits(self, X, Y):
        """Largest loss of every row that is no sign of divergence.

        Predictions grow with the length of a row, so an outlier may well have a large
        loss; and rounding alone gives one of about eps^2 where 0 is expected.
        """
        unit = max(self.probe.mean_square, np.finfo(X.dtype).tiny)
        with np.errstate(invalid="ignore"):
            # The square of the mean length may overflow too: then no row is an outlier.
            lengths = np.fmax(1.0, row_norms(X, squared=True) / unit)
        at_zero = self.objective.loss(np.zeros_like(Y), Y).sum(axis=1, dtype=np.float64)
        rounding = np.finfo(Y.dtype).eps ** 2
        return _GROWTH * np.maximum(self.probe.mean_loss * lengths, at_zero + rounding)

    def _update(self, X, Y, sample_weight, limit, scratch):
        """Update on the rows of one block and return their summed loss.

        `Diverged` is raised when the mean loss passed `limit` or was not finite. Then, and
        after any other exception, everything is as before, but for the velocity, which
        is 0.
        """
        Z, gram, activations = scratch
        Z, side = Z[: len(X)], len(X) if len(X) > self.batch_size else 0
        scratch = Z, gram[: len(X) * side].reshape(len(X), side), activations
        last = self.n_updates + -(-len(X) // self.batch_size)
        if last > self.average_after and self.average is None:
            self.average = self.weights.copy()
        # The sequential part trains the output layer, the end of the block all the rest.
        states = [state for state in (self.weights, self.velocity, self.average) if state]
        saved = [(state.output.copy(), state.intercept.copy()) for state in states]
        try:
            coefficients = self._coefficients(last - self.n_updates)
            # A bounded activation would hide weights that the penalty alone blows up.
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
        self._finish(X, Z, coefficients, n_averaged)
        self.n_averaged += n_averaged
        self.n_updates = last
        return block_loss

    def _coefficients(self, n_updates):
        """`recurrences` of the hidden weights and of the biases, which do not decay."""
        o = self.objective

        def recurrences(trained, alpha):
            # A part that is not trained has steps of length 0.
            eta0 = self.eta0 if trained else 0.0
            return sgd.recurrences(
                n_updates,
                self.n_updates,
                eta0,
                self.power_t,
                self.momentum,
                alpha,
                self.average_after,
            )

        hidden = recurrences(o.train_hidden, o.alpha)
        if o.alpha == 0 and o.train_hidden == o.train_biases:
            return hidden, hidden
        return hidden, recurrences(o.train_biases, 0.0)

    def _train(self, X, Y, sample_weight, scratch, coefficients):
        """The sequential part of a block: fill Z with the q_s; return the summed loss."""
        o, weights = self.objective, self.weights
        # The velocity is not read without momentum, nor the average without averaging.
        velocity = self.velocity or weights
        states = weights, velocity, self.average or weights
        return sgd.train_block(
            GEMM[X.dtype],
            X,
            Y,
            sample_weight,
            scratch,
            (weights.hidden, velocity.hidden),
            (weights.biases, velocity.biases),
            tuple(array for state in states for array in (state.output, state.intercept)),
            tuple(w for w, _, _ in coefficients),
            (
                self.n_updates,
                self.n_averaged,
                self.average_after,
                self.eta0,
                self.power_t,
            ),
            self.momentum,
            o.alpha,
            o.scale,
            (self.batch_size, panel_rows(weights.hidden.shape[0], self.batch_size)),
            (o.train_hidden, o.train_output, o.train_intercept),
            (o.loss.code, o.activation.code),
        )

    def _finish(self, X, Q, coefficients, n_averaged):
        """Bring hidden weights and biases, their velocities and averages to the end."""
        total = max(1, self.n_averaged + n_averaged)
        nothing = self.weights.nothing()
        states = self.weights, self.velocity or nothing, self.average or nothing
        if not n_averaged:
            states = *states[:2], nothing
        sgd.finish_block(
            GEMM[X.dtype],
            Q,
            X,
            self.batch_size,
            tuple(state.hidden for state in states),
            tuple(state.biases for state in states),
            tuple((w, v, summed / total) for w, v, summed in coefficients),
            self.n_averaged / total,
            (self.objective.train_hidden, self.objective.train_biases),
        )
