"""Ridge regression and classification on any number of features and rows."""

from __future__ import annotations

from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.validation import check_is_fitted

from skrf._utils.dask import is_dask
from skrf._utils.interrupts import all_or_nothing
from skrf._utils.typing import MatrixLike, RandomState
from skrf._utils.validation import (
    StrOptions,
    available_with_reason,
    check_labels,
    check_targets,
    first_partial_fit,
    remedies_for_targets,
    signs_of_labels,
    weights_of_labels,
)
from skrf.ridge._base import BaseRandomFeatureRidge
from skrf.ridge._checks import can_stream
from skrf.ridge._width_path import WidthPath as WidthPath


class RandomFeatureRidge(RegressorMixin, BaseRandomFeatureRidge):
    r"""Ridge regression on any number of features of any number of rows.

    With z(x) the features of a row x, minimises

    .. math:: \sum_{j=1}^n \omega_j \|y_j - U z(x_j) - c\|^2 + \alpha \|U\|^2

    over the coefficients U and the intercept c, for sample weights :math:`\omega`.
    As ``make_pipeline(features, Ridge(alpha))`` or, with several `alphas`, RidgeCV (which
    divides weighted errors by the number of rows, and makes y of shape (n, 1) flat), but
    the matrix of features is never stored: blocks of rows are transformed and folded into
    sums (by `transform`; TargetEncoder, whose `fit_transform` leaves each row's own target
    out, belongs into a Pipeline before this class). With random features it is training the
    output layer of a network, with linearised NTK features training its hidden layer to
    first order, both convex.

    Source: Sections 1.1 and 2.1 and Theorem 4.2 of Yehudai and Shamir (2019); Rahimi and
    Recht (2007).

    Parameters
    ----------
    features : transformer, default=None
        Any transformer of rows into numbers: a feature map of this package, RBFSampler,
        Nystroem, or a Pipeline (of two maps for depth, or with a StandardScaler first).
        `fit` fits a clone of it to the whole input. None means `RandomReLUFeatures()`.
    alphas : float or array-like of shape (n_alphas,), default=1.0
        The penalty alpha > 0. A number is used as it is. Of a sequence, even of one, the
        errors are computed and the best is kept, all from one factorisation.
    fit_intercept : bool, default=True
        Whether there is an intercept.
    cv : int, cross-validation generator or iterable, default=None
        How the alphas are compared. None means the exact leave-one-out error: each row is
        left out with its whole weight, and the squared errors are averaged by weight.
        Otherwise the mean over the folds of minus the mean squared error; the features are
        those of the whole input in either case. `fit` takes the groups of GroupKFold.
    solver : {"auto", "primal", "dual", "cg"}, default="auto"
        "primal" sums Z'Z over blocks of rows, with memory for a few matrices of shape
        (width, width); "dual" takes the Gram matrix ZZ' of shape (n_samples, n_samples);
        "cg" is conjugate gradients with products by Z and Z' and a Nystrom preconditioner
        of at most 2,000 rows, for one alpha; it does not use `cv`, and warns. Linearised
        NTK features are never made by the latter two, whatever their number. "auto" is the
        cheapest that fits into memory. Their coefficients agree to 1e-6.
    select_width : bool, default=False
        Whether to keep, of all widths up to that of the features, the one with the least
        leave-one-out error (see `width_path`). Needs features whose columns belong to one
        neuron after the other.
    block_size : int or "auto", default="auto"
        Rows whose features exist at a time: at least 256, at most 4,096, some 2^25 numbers.
    verbose : bool or int, default=False
        Whether to print a line for each block of rows in each pass over the data by `fit`,
        `partial_fit` and `width_path`, and for each step of "cg". The Gram matrix of "dual"
        is mostly one block, and a pass over Dask input always.
    random_state : int, RandomState instance or None, default=None
        Seeds every `random_state` inside `features` that is None, and the preconditioner
        of "cg".

    Attributes
    ----------
    features_ : transformer
        The fitted features; of the best width, with `select_width`.
    coef_ : ndarray of shape (n_columns,) or (n_outputs, n_columns)
        The coefficients U.
    intercept_ : float or ndarray of shape (n_outputs,)
        c; 0 without an intercept.
    alpha_ : float
        The penalty used; with `select_width`, in the scale of the width kept.
    scores_ : ndarray of shape (n_alphas,)
        Minus the mean squared error of every penalty, averaged over outputs; of shape
        (n_alphas, width) with `select_width`. Not there when `alphas` is a number and
        neither `cv` nor `select_width` is used.
    best_score_ : float
        The highest of them.
    n_iter_ : int
        Steps of refinement (primal) or of conjugate gradients.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of those columns, where they were all strings.

    See Also
    --------
    RandomFeatureRidgeClassifier : The same for labels.
    WidthPathDisplay : Draws the errors of all widths.
    sklearn.linear_model.RidgeCV : For features that fit into memory.

    Notes
    -----
    Peak memory beside the data, in numbers of 8 bytes, with p features and n rows: primal
    1.5 p^2 and a block for one alpha, p^2 and three blocks for a sequence of one, 4 p^2 and
    two blocks for more, 6 p^2 with `cv`; dual 2 n^2, or 4 n^2 for several alphas or with
    `cv`, and features of as many rows as half of the memory left holds; cg the larger of
    3 m n and m n + 5 m^2, with m = min(n, 2000, 2^27 / n) rows of the preconditioner, and
    two blocks. It is compared with the memory there is before any work, and the error says
    what would fit. `partial_fit` keeps p^2 and takes p^2 and a block more during a call,
    and 4 p^2 more while several alphas are compared.

    float32 features stay float32. For one alpha their products are float32 too, summed in
    float64, and the coefficients are refined by residuals in float64, one more pass over
    the data each; where that does not converge, as alpha is too small, and for
    leave-one-out errors, the products are float64. `partial_fit`, which cannot see a row
    again, always makes them in float64. The coefficients are right to 1e-6 in either case,
    or a LinAlgWarning says how far off they may be.

    `fit` takes Dask arrays and data frames (extra "dask"): features that need no more than
    the number of columns, or fitted ones in a FrozenEstimator, are applied block by block
    on the active scheduler and the sums are merged in a tree; predictions are lazy.

    A fit that fails or is interrupted by Ctrl-C leaves the estimator as it was. So does a
    `partial_fit`: the chunks before it are kept. scikit-learn's callbacks see a task for
    each pass over the data by `fit` and one for each block (see `verbose`), and nothing of
    `partial_fit` and `width_path`; they cannot end a fit early.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skrf import RandomFeatureRidge, RandomReLUFeatures
    >>> X, y = load_diabetes(return_X_y=True)
    >>> features = make_pipeline(StandardScaler(), RandomReLUFeatures(500))
    >>> model = RandomFeatureRidge(features, alphas=np.logspace(-3, 3, 50), random_state=0)
    >>> bool(model.fit(X[:350], y[:350]).score(X[350:], y[350:]) > 0.4)
    True
    """

    def __init__(
        self,
        features: Any = None,
        *,
        alphas: ArrayLike = 1.0,
        fit_intercept: bool = True,
        cv: Any = None,
        solver: str = "auto",
        select_width: bool = False,
        block_size: int | Literal["auto"] = "auto",
        verbose: bool | int = False,
        random_state: RandomState = None,
    ) -> None:
        self.features = features
        self.alphas = alphas
        self.fit_intercept = fit_intercept
        self.cv = cv
        self.solver = solver
        self.select_width = select_width
        self.block_size = block_size
        self.verbose = verbose
        self.random_state = random_state

    @available_with_reason(can_stream)
    def partial_fit(
        self, X: MatrixLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Add a chunk of rows to sums of products, from which the model follows.

        Keeps Z'Z, Z'y, y'y and sums in float64, not the rows; the coefficients are computed
        when they are next asked for. Of several `alphas` the best is chosen by generalised
        cross-validation, W^{-1} sum w (y - fit)^2 / (1 - trace(H) / n)^2 with the hat
        matrix H, which these sums give exactly (leave-one-out errors they do not).

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            The next rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of their squared errors; None means 1.

        Returns
        -------
        self : object
            The estimator. A chunk that fails, or is interrupted, is not added at all.

        Raises
        ------
        AttributeError
            When `cv`, `solver`, `select_width` or features that learn from the values in X
            do not allow it; a fitted `FrozenEstimator(features)` is allowed.
        ValueError
            As in `fit`, for a Dask collection, and for other columns, outputs,
            `features` or `fit_intercept` than in the first chunk.
        MemoryError
            When the products Z'Z would not fit into the memory there is.

        Warns
        -----
        UserWarning
            In the first chunk after `fit`, whose model it replaces.
        """
        return self._partial_fit(X, y, None, sample_weight)

    def predict(self, X: MatrixLike) -> np.ndarray:
        """The predictions U z(x) + c, a block of rows at a time.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame, Dask array or Dask data frame} of \
shape (n_samples, n_features)
            The data.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The predictions; for Dask input a lazy Dask array.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            For X with other columns than in `fit`, or not finite numbers; and after
            `partial_fit` as `coef_` does.
        LinAlgError
            After `partial_fit`, as `coef_` does.

        Warns
        -----
        LinAlgWarning
            After `partial_fit`, as `coef_` does.
        """
        if is_dask(X):
            return self._map_outputs("predict", X)
        return self._predict_rows(X)

    def _learn_targets(self, y, classes):
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None."
            )
        check_targets(y)
        self._flat = np.asarray(y).ndim == 1

    def _encode(self, y, n_rows):
        check_targets(y)
        with remedies_for_targets(y):
            Y = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
        if Y.ndim != (1 if self._flat else 2):
            raise ValueError(
                f"y must be {'1-D' if self._flat else '2-D'}, as in the first chunk, with "
                f"{n_rows} rows; got shape {Y.shape}. Reshape y, or begin a clone."
            )
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


class RandomFeatureRidgeClassifier(ClassifierMixin, BaseRandomFeatureRidge):
    r"""Ridge classification on any number of features of any number of rows.

    `RandomFeatureRidge` on targets in {-1, 1}: one for two classes, of which the second is
    1, else one for each class; the class with the largest output is predicted. As
    ``make_pipeline(features, RidgeClassifier(alpha))`` or RidgeClassifierCV, for one label
    a row.

    Source: Theorem 4.2 of Yehudai and Shamir (2019); scikit-learn's RidgeClassifier for
    the targets.

    Parameters
    ----------
    features : transformer, default=None
        Any transformer of rows into numbers; see `RandomFeatureRidge`, as for all
        parameters but `class_weight`. None means `RandomReLUFeatures()`.
    alphas : float or array-like of shape (n_alphas,), default=1.0
        The penalty alpha > 0, or penalties of which the best is kept.
    fit_intercept : bool, default=True
        Whether there is an intercept.
    cv : int, cross-validation generator or iterable, default=None
        How the alphas are compared: None by exact leave-one-out errors.
    solver : {"auto", "primal", "dual", "cg"}, default="auto"
        Z'Z, the Gram matrix, conjugate gradients, or the cheapest that fits into memory.
    select_width : bool, default=False
        Whether to keep the width with the least leave-one-out error.
    block_size : int or "auto", default="auto"
        Rows whose features exist at a time.
    class_weight : dict or "balanced", default=None
        Factors of the sample weights by class; "balanced" makes them inverse to the
        classes' numbers of rows.
    verbose : bool or int, default=False
        Whether to print a line for each block of rows in each pass over the data.
    random_state : int, RandomState instance or None, default=None
        Seeds the features and the preconditioner of "cg".

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    features_ : transformer
        The fitted features; of the best width, with `select_width`.
    coef_ : ndarray of shape (n_columns,) or (n_classes, n_columns)
        The coefficients U.
    intercept_ : float or ndarray of shape (n_classes,)
        c; 0 without an intercept.
    alpha_ : float
        The penalty used; with `select_width`, in the scale of the width kept.
    scores_ : ndarray of shape (n_alphas,)
        Minus the mean squared error of every penalty, averaged over outputs; of shape
        (n_alphas, width) with `select_width`. Not there when `alphas` is a number and
        neither `cv` nor `select_width` is used.
    best_score_ : float
        The highest of them.
    n_iter_ : int
        Steps of refinement (primal) or of conjugate gradients.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of those columns, where they were all strings.

    See Also
    --------
    RandomFeatureRidge : The same for numbers; its notes on memory, precision, Dask and
        interrupts hold here too.
    sklearn.calibration.CalibratedClassifierCV : Probabilities from `decision_function`.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skrf import RandomFeatureRidgeClassifier, RandomReLUFeatures
    >>> X, y = load_digits(return_X_y=True)
    >>> features = RandomReLUFeatures(1000)
    >>> model = RandomFeatureRidgeClassifier(features, alphas=[0.1, 1, 10], random_state=0)
    >>> bool(model.fit(X[:1000] / 16, y[:1000]).score(X[1000:] / 16, y[1000:]) > 0.9)
    True
    """

    _parameter_constraints = {
        **BaseRandomFeatureRidge._parameter_constraints,
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    def __init__(
        self,
        features: Any = None,
        *,
        alphas: ArrayLike = 1.0,
        fit_intercept: bool = True,
        cv: Any = None,
        solver: str = "auto",
        select_width: bool = False,
        block_size: int | Literal["auto"] = "auto",
        class_weight: dict | Literal["balanced"] | None = None,
        verbose: bool | int = False,
        random_state: RandomState = None,
    ) -> None:
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

    @available_with_reason(can_stream)
    def partial_fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Add a chunk of rows; see `RandomFeatureRidge.partial_fit`.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            The next rows.
        y : array-like of shape (n_samples,)
            Their labels.
        classes : array-like of shape (n_classes,), default=None
            All labels that will come; needed in the first call, unless `fit` came before,
            whose labels are taken.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of their squared errors; None means 1.

        Returns
        -------
        self : object
            The estimator. A chunk that fails, or is interrupted, is not added at all.

        Raises
        ------
        AttributeError
            As there, and for ``class_weight="balanced"``.
        ValueError, MemoryError
            As there, for the first chunk without `classes`, and for a label that is not
            among them.

        Warns
        -----
        UserWarning
            In the first chunk after `fit`, whose model it replaces.
        """
        with all_or_nothing(self):
            if classes is not None and vars(self).get("_stream") is None:
                self.__dict__.pop("classes_", None)
            first_partial_fit(self, classes)
            return self._partial_fit(X, y, self.classes_, sample_weight)

    def decision_function(self, X: MatrixLike) -> np.ndarray:
        """The outputs U z(x) + c.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame, Dask array or Dask data frame} of \
shape (n_samples, n_features)
            The data.

        Returns
        -------
        outputs : ndarray of shape (n_samples,) or (n_samples, n_classes)
            With two classes, above 0 stands for ``classes_[1]``. Lazy for Dask input.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            For X with other columns than in `fit`, or not finite numbers; and after
            `partial_fit` as `coef_` does.
        LinAlgError
            After `partial_fit`, as `coef_` does.

        Warns
        -----
        LinAlgWarning
            After `partial_fit`, as `coef_` does.
        """
        if is_dask(X):
            return self._map_outputs("decision_function", X)
        return self._predict_rows(X)

    def predict(self, X: MatrixLike) -> np.ndarray:
        """The class of every row of X: the one with the largest output.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame, Dask array or Dask data frame} of \
shape (n_samples, n_features)
            The data.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Elements of ``classes_``; lazy for Dask input.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            For X with other columns than in `fit`, or not finite numbers; and after
            `partial_fit` as `coef_` does.
        LinAlgError
            After `partial_fit`, as `coef_` does.

        Warns
        -----
        LinAlgWarning
            After `partial_fit`, as `coef_` does.
        """
        if is_dask(X):
            check_is_fitted(self)
            return self._map_rows("predict", X, None, self.classes_.dtype)
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
                "class_weight='balanced' needs all labels at once, which Dask blocks do "
                "not show. Give the weights of the classes as a dict."
            )
        check_labels(y if classes is None else classes)
        with remedies_for_targets(y):
            y = column_or_1d(y, warn=True)
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
        return weights_of_labels(self.class_weight, self.classes_, column_or_1d(y))

    def _same_targets(self, other):
        return np.array_equal(self.classes_, other.classes_)
