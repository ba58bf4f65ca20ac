"""What `y` is to a ridge estimator: numbers, or labels as targets in {-1, 1}."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils import check_array, column_or_1d

from skrf._utils.validation import (
    check_labels,
    check_targets,
    remedies_for_targets,
    signs_of_labels,
    weights_of_labels,
)


def _require_targets(owner, y):
    if y is None:
        raise ValueError(f"{owner} requires y to be passed, but the target y is None.")


@dataclass(frozen=True)
class NumberTargets:
    """Real numbers, in one column for each output."""

    is_flat: bool  # whether y is 1-D, which predictions are then too

    @classmethod
    def learn(cls, owner, y):
        """The targets that the first `y` shows; `owner` is the estimator's class."""
        _require_targets(owner, y)
        check_targets(y)
        return cls(np.asarray(y).ndim == 1)

    def encode(self, y, n_rows):
        """float64 targets of shape (n_rows, n_outputs)."""
        check_targets(y)
        with remedies_for_targets(y):
            Y = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
        if Y.ndim != (1 if self.is_flat else 2):
            raise ValueError(
                f"`y` must be {'1-D' if self.is_flat else '2-D'}, as in the first chunk, "
                f"with {n_rows} rows; got shape {Y.shape}. Reshape y, or start from a "
                "clone."
            )
        if len(Y) != n_rows:
            raise ValueError(
                f"`y` must have one entry per row of X, {n_rows}; got {len(Y)}. Pass one "
                "target per row."
            )
        return Y.reshape(n_rows, -1)

    @property
    def attributes(self):
        """Fitted attributes of the estimator that describe y."""
        return {}

    def weights(self, y):
        """Factors of the weights of the rows, or None: numbers have none."""
        return None

    def matches(self, other):
        """Whether sums for these targets and for other ones add."""
        return self.is_flat == other.is_flat


@dataclass(frozen=True, eq=False)
class LabelTargets:
    """Labels: targets in {-1, 1}, in one column for two classes, else one for each."""

    owner: str  # the class of the estimator, for errors
    classes: np.ndarray  # sorted
    class_weight: Any

    @classmethod
    def learn(cls, owner, y, classes, class_weight):
        """The targets that the first `y` shows, or that `classes` lists."""
        _require_targets(owner, y)
        check_labels(y if classes is None else classes)
        with remedies_for_targets(y):
            y = column_or_1d(y, warn=True)
        return cls(owner, np.unique(y if classes is None else classes), class_weight)

    @property
    def is_flat(self):
        """Whether outputs are 1-D."""
        return len(self.classes) == 2

    @property
    def attributes(self):
        """Fitted attributes of the estimator that describe y."""
        return {"classes_": self.classes}

    def encode(self, y, n_rows):
        """float64 targets of shape (n_rows, n_outputs)."""
        y = column_or_1d(y)
        if len(y) != n_rows:
            raise ValueError(
                f"`y` must have one entry per row of X, {n_rows}; got {len(y)}. Pass one "
                "label per row."
            )
        return signs_of_labels(y, self.classes, np.float64, self.owner)

    def decode(self, outputs):
        """The labels that outputs stand for."""
        if self.is_flat:
            return self.classes[(outputs > 0).astype(np.intp)]
        return self.classes[outputs.argmax(axis=1)]

    def weights(self, y):
        """Factors of the weights of the rows, or None for no `class_weight`."""
        if self.class_weight is None:
            return None
        return weights_of_labels(self.class_weight, self.classes, column_or_1d(y))

    def matches(self, other):
        """Whether sums for these targets and for other ones add."""
        return np.array_equal(self.classes, other.classes)
