"""What `y` is to a ridge estimator: numbers, or labels as targets in {-1, 1}."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.multiclass import type_of_target

from skrf._utils.array_api import without_dispatch
from skrf._utils.labels import check_labels, signs_of_labels, weights_of_labels
from skrf._utils.validation import (
    check_targets,
    remedies_for_targets,
)


def _require_targets(owner, y):
    if y is None:
        raise ValueError(f"{owner} requires y to be passed, but the target y is None.")


@dataclass(frozen=True)
class NumberTargets:
    """Real numbers, in one column for each output."""

    is_flat: bool  # whether y is 1-D, which predictions are then too
    are_labels = False

    @classmethod
    @without_dispatch()
    def learn(cls, owner, y):
        """The targets that the first `y` shows; `owner` is the estimator's class."""
        _require_targets(owner, y)
        check_targets(y)
        return cls(np.asarray(y).ndim == 1)

    @without_dispatch()
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

    def with_weights(self, y, sample_weight):
        """These targets: numbers have no class weights."""
        return self

    def class_weights(self, Y):
        """Factors of the weights of the rows."""
        return np.ones(len(Y))

    def sample_weights(self, Y, weights):
        """Weights of the rows without class weights."""
        return weights

    def matches(self, other):
        """Whether sums for these targets and for other ones add."""
        return self.is_flat == other.is_flat


@dataclass(frozen=True, eq=False)
class LabelTargets:
    """Labels: targets in {-1, 1}, in one column for two classes, else one for each.

    With several labels for a row, y is a matrix of 0 and 1 with one column for each label,
    and `classes` are the numbers of its columns.
    """

    owner: str  # the class of the estimator, for errors
    classes: np.ndarray  # sorted
    class_weight: Any
    multilabel: bool = False
    factors: np.ndarray | None = None  # class weights in numbers, by class; None means 1
    are_labels = True

    @classmethod
    @without_dispatch()
    def learn(cls, owner, y, classes, class_weight):
        """The targets that the first `y` shows, or that `classes` lists."""
        _require_targets(owner, y)
        if _is_multilabel(y):
            return cls._learn_multilabel(owner, y, classes, class_weight)
        check_labels(y if classes is None else classes)
        with remedies_for_targets(y):
            y = column_or_1d(y, warn=True)
        classes = np.unique(y if classes is None else classes)
        return cls.known(owner, classes, class_weight)

    @classmethod
    def known(cls, owner, classes, class_weight, multilabel=False):
        """The targets of known classes."""
        return cls(owner, classes, class_weight, multilabel).with_weights(None, None)

    @classmethod
    def _learn_multilabel(cls, owner, y, classes, class_weight):
        if class_weight is not None:
            raise ValueError(
                "`class_weight` must be None for `y` with several labels for a row; got "
                f"{class_weight!r}. Use sample_weight, or a classifier for each label."
            )
        if classes is not None and len(classes) != np.shape(y)[1]:
            raise ValueError(
                f"`classes` must have one entry for each column of `y`, {np.shape(y)[1]}; "
                f"got {len(classes)} entries. Pass range({np.shape(y)[1]})."
            )
        return cls(owner, np.arange(np.shape(y)[1]), None, True)

    @property
    def is_flat(self):
        """Whether outputs are 1-D."""
        return len(self.classes) == 2 and not self.multilabel

    @property
    def attributes(self):
        """Fitted attributes of the estimator that describe y."""
        return {"classes_": self.classes, "_multilabel": self.multilabel}

    @without_dispatch()
    def with_weights(self, y, sample_weight):
        """The targets with class weights in numbers.

        "balanced" needs all rows and their weights. A dict does not depend on the rows.
        """
        if self.class_weight is None or (
            isinstance(self.class_weight, str) and sample_weight is None
        ):
            return self
        if not isinstance(self.class_weight, str):
            y, sample_weight = self.classes, None
        y = column_or_1d(y)
        rows = weights_of_labels(self.class_weight, self.classes, y, sample_weight)
        factors = np.ones(len(self.classes))
        factors[np.searchsorted(self.classes, y)] = rows
        return replace(self, factors=factors)

    @without_dispatch()
    def encode(self, y, n_rows):
        """float64 targets of shape (n_rows, n_outputs)."""
        if self.multilabel != _is_multilabel(y):
            number = "several labels" if self.multilabel else "one label"
            raise ValueError(
                f"`y` must have {number} for a row, as in the first chunk; got shape "
                f"{np.shape(y)}. Pass y of the same kind, or start from a clone."
            )
        y = _indicators(y) if self.multilabel else column_or_1d(y)
        if len(y) != n_rows:
            raise ValueError(
                f"`y` must have one entry per row of X, {n_rows}; got {len(y)}. Pass one "
                "label per row."
            )
        if not self.multilabel:
            return signs_of_labels(y, self.classes, np.float64, self.owner)
        if y.shape[1] != len(self.classes):
            raise ValueError(
                f"`y` must have {len(self.classes)} columns, as in the first chunk; got "
                f"{y.shape[1]}. Pass one column for each label."
            )
        return 2.0 * (y > 0) - 1

    def decode(self, outputs):
        """The labels that outputs stand for."""
        if self.multilabel:
            return (outputs > 0).astype(np.intp)
        if self.is_flat:
            return self.classes[(outputs > 0).astype(np.intp)]
        return self.classes[outputs.argmax(axis=1)]

    def decode_targets(self, Y):
        """The labels that targets of `encode` stand for."""
        return self.decode(Y[:, 0] if self.is_flat else Y)

    def hits(self, Y, outputs):
        """Whether outputs of shape (n_rows, n_alphas, n_outputs) predict the labels."""
        if self.multilabel or Y.shape[1] == 1:
            return ((outputs > 0) == (Y > 0)[:, np.newaxis]).all(axis=2)
        return outputs.argmax(axis=2) == Y.argmax(axis=1)[:, np.newaxis]

    def _codes(self, Y):
        return (Y[:, 0] > 0).astype(np.intp) if self.is_flat else Y.argmax(axis=1)

    def class_weights(self, Y):
        """Factors of the weights of the rows, for targets of `encode`."""
        return np.ones(len(Y)) if self.factors is None else self.factors[self._codes(Y)]

    def sample_weights(self, Y, weights):
        """Weights of the rows without class weights; 0 where the class weight is 0."""
        factors = self.class_weights(Y)
        return np.divide(weights, factors, out=np.zeros(len(Y)), where=factors > 0)

    def matches(self, other):
        """Whether sums for these targets and for other ones add."""
        same = self.multilabel == other.multilabel
        return same and np.array_equal(self.classes, other.classes)


def _is_multilabel(y):
    """Whether y has several labels for a row: a matrix of 0 and 1, dense or sparse."""
    shape = y.shape if hasattr(y, "shape") else np.shape(np.asarray(y, dtype=object))
    if len(shape) != 2 or shape[1] < 2:
        return False
    return type_of_target(y) == "multilabel-indicator"


def _indicators(y):
    """A dense matrix of 0 and 1."""
    return np.asarray(y.toarray() if issparse(y) else y)
