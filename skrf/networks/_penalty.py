"""The penalty of ``alpha="auto"``, from the error of a first fit on rows set aside.

With noise of variance s^2 and weights of prior variance t^2, the posterior of n rows is
largest where mean loss + s^2 / (2 n t^2) ||weights||^2 is least, losses of squared errors.
A first fit on 4 of 5 rows estimates s^2, relative to the variance of y, by its error on
the fifth; a classifier by its fraction of errors. So alpha = _PRECISION * error / n.

A network of the same function on columns s times as large has hidden weights 1/s times as
large, and u ||W|| enters the penalty: alpha is multiplied by s, the root mean square of the
largest column, up to 1.
"""

import numpy as np
from sklearn.base import is_classifier

from skrf.networks._checks import strata
from skrf.networks._epochs import Fit, begin_from
from skrf.networks._step_size import column_scale

# 1 / t^2. Of 0, 5, 20, 40 and 80, 20 was best or within .006 of the best on diabetes,
# Boston, Males, Hdma and Computers and five synthetic targets (widths 100 and 300, 20 and
# 50 epochs); 0 lost .18 on diabetes and .20 on Males.
_PRECISION = 20.0
# The penalty of the first fit, and its number of epochs whatever `max_iter` is.
_FIRST_ALPHA, _FIRST_EPOCHS = 1e-3, 20
# With fewer rows than this there is no first fit, and no penalty.
_FEWEST_ROWS = 20


def chosen_alpha(network, seed, state_of, train):
    """The penalty for the rows of `train`.

    `state_of(alpha, rows)` is the state before the first update; `seed` picks the rows that
    are set aside.
    """
    n_rows = len(train.Y)
    if n_rows < _FEWEST_ROWS:
        return 0.0
    from sklearn.model_selection import train_test_split

    rng, scale = np.random.RandomState(seed), min(1.0, column_scale(train.X))
    first = _FIRST_ALPHA * scale
    n_aside = n_rows // 5
    stratify = strata(train.Y, n_aside) if is_classifier(network) else None
    fitted, aside = train_test_split(
        np.arange(n_rows), test_size=n_aside, random_state=rng, stratify=stratify
    )
    part, aside = train.subset(fitted), train.subset(aside)
    state = state_of(first, part)
    objective, initial = network._new_objective(first), state.initialization.draw
    begin = begin_from(state, initial, objective, network._options())
    settings = network._settings()._replace(max_iter=_FIRST_EPOCHS)
    fit = Fit(begin, state.eta0, part, settings, rng)
    fit.run_attempts()
    N = objective.predict(aside.X, fit.trainer.result)
    error = _relative_error(network, objective, N, *aside[1:])
    return float(scale * _PRECISION * np.clip(error, 1 / n_aside, 1.0) / n_rows)


def _relative_error(network, objective, N, Y, sample_weight):
    """Mean squared errors relative to the variance of y, or the fraction of errors."""
    if is_classifier(network) or objective.loss.signs_only:
        wrong = (
            N.argmax(axis=1) != Y.argmax(axis=1) if Y.shape[1] > 1 else (N > 0) != (Y > 0)
        )
        return np.average(np.reshape(wrong, len(Y)), weights=sample_weight)
    errors = ((N - Y).astype(np.float64) ** 2).mean(axis=1)
    return np.nan_to_num(np.average(errors, weights=sample_weight), nan=1.0)
