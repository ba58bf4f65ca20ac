"""Ridge regression and classification on any number of features and rows."""

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils import check_array, column_or_1d, compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets

from skrf import _dask
from skrf._base_ridge import RidgeOnFeatures, can_stream
from skrf._validation import StrOptions, first_partial_fit, signs_of_labels


class RandomFeatureRidge(RegressorMixin, RidgeOnFeatures):
    r"""Ridge regression on random features that are never stored.

    With z(x) the features of a row x, minimises

    .. math:: \sum_{j=1}^n \omega_j \|y_j - U z(x_j) - c\|^2 + \alpha \|U\|^2

    over coefficients U and the intercept c, for sample weights :math:`\omega`. The same as
    ``make_pipeline(features, Ridge(alpha))``, from blocks of rows: the matrix of features
    never exists.
    """

    def __init__(
        self,
        features=None,
        *,
        alphas=1.0,
        fit_intercept=True,
        cv=None,
        solver="auto",
        select_width=False,
        block_size="auto",
        verbose=False,
        random_state=None,
    ):
        self.features = features
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.cv = cv
        self.solver = solver
        self.select_width = select_width
        self.block_size = block_size
        self.verbose = verbose
        self.random_state = random_state

    @available_if(can_stream)
    def partial_fit(self, X, y, sample_weight=None):
        """Add a chunk of rows.
        """
        return self._partial_fit(X, y, None, sample_weight)

    def predict(self, X):
        """The predictions U z(x) + c.
        """
        if _dask.is_dask(X):
            return _dask.map_rows(
                self.predict, X, None if self._flat else len(self.coef_), self.coef_.dtype
            )
        return self._predict_rows(X)

    def _learn_targets(self, y, classes):
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        self._flat = np.asarray(y).ndim == 1

    def _encode(self, y, n_rows):
        Y = check_array(
            y, ensure_2d=False, dtype=np.float64, input_name="y", copy=False
        )
        if Y.ndim > 2:
            raise ValueError(f"y must be 1-D or 2-D; got shape {Y.shape}.")
        if len(Y) != n_rows:
            raise ValueError(
                f"y has {len(Y)} rows, but X has {n_rows}. Found inconsistent numbers of "
                "samples; give one target per row."
            )
        return Y.reshape(n_rows, -1)

    def _target_weights(self, y):
        return None

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class RandomFeatureRidgeClassifier(ClassifierMixin, RidgeOnFeatures):
    r"""Ridge classification.
    """

    _parameter_constraints = {
        **RidgeOnFeatures._parameter_constraints,
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        features=None,
        *,
        alphas=1.0,
        fit_intercept=True,
        cv=None,
        solver="auto",
        select_width=False,
        block_size="auto",
        class_weight=None,
        verbose=False,
        random_state=None,
    ):
        self.features = features
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.cv = cv
        self.solver = solver
        self.select_width = select_width
        self.block_size = block_size
        self.class_weight = class_weight
        self.verbose = verbose
        self.random_state = random_state

    @available_if(can_stream)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Add a chunk of rows.
        """
        with self._all_or_nothing():
            first_partial_fit(self, classes)
            return self._partial_fit(X, y, self.classes_, sample_weight)

    def decision_function(self, X):
        """The outputs.
        """
        if _dask.is_dask(X):
            return _dask.map_rows(
                self.decision_function,
                X,
                None if self._flat else len(self.coef_),
                self.coef_.dtype,
            )
        return self._predict_rows(X)

    def predict(self, X):
        """The class of every row.
        """
        if _dask.is_dask(X):
            return _dask.map_rows(self.predict, X, None, self.classes_.dtype)
        outputs = self._predict_rows(X)
        codes = (outputs > 0).astype(np.intp) if self._flat else outputs.argmax(axis=1)
        return self.classes_[codes]

    def _learn_targets(self, y, classes):
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        if classes is not None and self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all labels at once, which Dask blocks do not "
                "show. Give the weights of the classes as a dict."
            )
        y = column_or_1d(y, warn=True)
        check_classification_targets(y)
        self.classes_ = np.unique(y if classes is None else classes)
        self._flat = len(self.classes_) == 2

    def _encode(self, y, n_rows):
        y = column_or_1d(y)
        if len(y) != n_rows:
            raise ValueError(
                f"y has {len(y)} labels, but X has {n_rows} rows. Found inconsistent "
                "numbers of samples; give one label per row."
            )
        return signs_of_labels(y, self.classes_, np.float64, type(self).__name__)

    def _target_weights(self, y):
        if self.class_weight is None:
            return None
        return compute_sample_weight(self.class_weight, y)

    def _same_targets(self, other):
        return np.array_equal(self.classes_, other.classes_)
