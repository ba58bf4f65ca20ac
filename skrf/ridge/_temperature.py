"""Class probabilities from decision values by temperature scaling.

For decision values f of shape (n, K), labels y and weights w, the mean log loss

    L(beta) = sum_i w_i log(1 + sum_{k != y_i} exp(beta g_ik)) / W,  g_ik = f_ik - f_iy_i,

is convex in the inverse temperature beta, so its derivative L' has at most one root. L is
the log loss of the softmax of beta f [2]_. For two classes f is one column, y is -1 or 1,
and g_i = -y_i f_i. Then L is the log loss of the logistic function of beta f. Labels that
do not exclude each other are fitted separately, each as two classes.

Two bounds keep beta positive and finite. Both are in the unit of f: c f gives beta / c.

- Decision values that are worse than chance have L'(0) >= 0. Then beta is 1e-3 / max |g|:
  all probabilities are nearly equal, and still in the order of the decision values.
- Where no row has a g_ik > 0, the classes are separated, and L falls for every beta. Then
  beta solves

      -L'(beta) = m / (2 n + 2),

  m the mean of the margins min_k -g_ik. For two classes -L' / m is the mean of the
  predicted probabilities of an error, weighted by the margins, and 1 / (2 n + 2) is the
  Jeffreys estimate [1]_ of the probability of an error that n rows did not show. n is the
  number of rows, or the sum of the weights where the sum is larger, so that integer weights
  equal repeated rows and normalised weights count as rows.

References
----------
.. [1] L. D. Brown, T. T. Cai and A. DasGupta, "Interval Estimation for a Binomial
   Proportion", Statistical Science 16, 2001, Section 3.
.. [2] C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On Calibration of Modern Neural
   Networks", ICML 2017, Section 4.2.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, log_expit, log_softmax, softmax

# Gaps below this fraction of their mean size are ties: their signs are rounding errors.
TIE = 1e-9
# beta max |g| of decision values that are worse than chance.
MIN_LOG_ODDS = 1e-3


@dataclass(frozen=True)
class Temperature:
    """A positive factor of decision values that makes them log-odds.

    Decision values have shape (n_rows,) or (n_rows, 1) for two classes, else
    (n_rows, n_classes), or (n_rows, n_labels) for labels that do not exclude each other.
    """

    beta: np.ndarray  # inverse temperatures: (1,), or (n_labels,) if multilabel
    multilabel: bool

    @classmethod
    def fit(cls, decisions, Y, weights=None, multilabel=False):
        """The temperature of minimum weighted log loss.

        `Y` holds the targets of ridge regression in {-1, 1}, of the shape of `decisions`:
        one column for two classes, else one column for each class or label. Rows of weight
        0 have no effect.
        """
        weights = np.ones(len(Y)) if weights is None else np.asarray(weights, np.float64)
        # Ratios that underflow are 0.
        rows = np.flatnonzero(weights / weights.max() > 0)
        Y, weights = np.asarray(Y).reshape(len(Y), -1)[rows], weights[rows]
        decisions = np.asarray(decisions, np.float64).reshape(len(decisions), -1)[rows]
        # Differences of large decision values must not overflow.
        unit = np.abs(decisions).max() or 1.0
        decisions = decisions / unit
        if multilabel or Y.shape[1] == 1:
            beta = [_fit(-s[:, np.newaxis], weights) for s in (Y * decisions).T]
        else:
            own = Y > 0
            gaps = decisions - decisions[own][:, np.newaxis]
            beta = [_fit(gaps[~own].reshape(len(gaps), -1), weights)]
        return cls(np.array(beta) / unit, multilabel)

    def probabilities(self, decisions):
        """Probabilities of the classes, of shape (n_rows, n_classes), or of the labels."""
        scaled = self._scaled(decisions)
        if self.multilabel:
            return expit(scaled)
        if scaled.shape[1] == 1:
            return expit(np.hstack([-scaled, scaled]))
        return softmax(scaled, axis=1)

    def log_probabilities(self, decisions):
        """Logarithms of `probabilities`, finite where probabilities underflow."""
        scaled = self._scaled(decisions)
        if self.multilabel:
            return log_expit(scaled)
        if scaled.shape[1] == 1:
            return log_expit(np.hstack([-scaled, scaled]))
        return log_softmax(scaled, axis=1)

    def _scaled(self, decisions):
        decisions = np.asarray(decisions).reshape(len(decisions), -1)
        return decisions * self.beta.astype(decisions.dtype)


def _fit(gaps, weights):
    """beta for g_ik, k != y_i, of shape (n_rows, n_classes - 1); all weights positive."""
    # Products with weights of any size must not overflow.
    n_rows, weights = max(len(weights), weights.sum()), weights / weights.max()
    size = np.average(np.abs(gaps).mean(axis=1), weights=weights)
    if size == 0:  # every beta has the same loss
        return 1.0
    gaps = gaps / size
    margins = -gaps.max(axis=1)
    target = 0.0
    if margins.min() >= -TIE:
        mean = np.average(np.maximum(margins, 0), weights=weights)
        target = -mean / (2 * n_rows + 2)
    minimum = MIN_LOG_ODDS / np.abs(gaps).max()

    def excess(log_beta):
        return _derivative(np.exp(log_beta), gaps, weights) - target

    low, step = np.log(minimum), np.log(4)
    if excess(low) >= 0:
        return minimum / size
    high = max(0.0, low + step)
    while excess(high) < 0:
        low, high = high, high + step
    return np.exp(brentq(excess, low, high, xtol=1e-13, maxiter=200)) / size


def _derivative(beta, gaps, weights):
    """L'(beta)."""
    odds = beta * gaps
    largest = np.maximum(odds.max(axis=1, keepdims=True), 0)
    np.exp(odds - largest, out=odds)
    odds /= np.exp(-largest) + odds.sum(axis=1, keepdims=True)
    return np.average(np.einsum("ik,ik->i", odds, gaps), weights=weights)
