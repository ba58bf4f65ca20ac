"""The ridge estimator of labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import ClassifierMixin

from skrf._utils.engines import engine_of
from skrf._utils.hints import with_hints
from skrf._utils.interrupts import all_or_nothing
from skrf._utils.typing import MatrixLike, RandomState
from skrf._utils.validation import StrOptions, available_with_reason, first_partial_fit
from skrf.ridge._base import BaseRandomFeatureRidge
from skrf.ridge._checks import HINTS, can_predict_proba, can_stream
from skrf.ridge._scores import ScoreMixin
from skrf.ridge._targets import LabelTargets


class RandomFeatureRidgeClassifier(ScoreMixin, ClassifierMixin, BaseRandomFeatureRidge):
    r"""Ridge classification on features computed block by block.

    Fits `RandomFeatureRidge` to targets in {-1, 1} and predicts the class with the largest
    output. Two classes have one output, which is positive for the second class. More
    classes have one output each, and so have several labels for a row, which are 1 where
    their output is positive. Equivalent to ``make_pipeline(features,
    RidgeClassifier(alpha))`` or RidgeClassifierCV [1]_.

    Parameters
    ----------
    features : transformer, default=None
        Any transformer of rows into numbers. None means `RandomReLUFeatures()`. All
        parameters but `class_weight` are the parameters of `RandomFeatureRidge`.
    alphas : "auto", float or array-like of shape (n_alphas,), default="auto"
        The penalty alpha > 0, or several penalties of which the best is used.
    fit_intercept : bool, default=True
        Whether to fit an intercept.
    cv : int, cross-validation generator or iterable, default=None
        Cross-validation strategy used to compare the alphas. None means exact
        leave-one-out errors.
    scoring : str or callable, default=None
        Score of the decision values of rows left out, by which the alphas are compared.
        None means the accuracy, weighted by `sample_weight`; of equal accuracies the
        smallest squared error is the best.
    store_cv_results : bool, default=False
        Whether to keep `cv_results_` and `cv_predictions_`.
    solver : {"auto", "primal", "dual", "cg"}, default="auto"
        Solver to use. "auto" is the fastest solver that fits in memory.
    select_width : bool, default=False
        Whether to use the width with the smallest leave-one-out error.
    block_size : int or "auto", default="auto"
        Number of rows transformed at a time.
    class_weight : dict or "balanced", default=None
        Factors of the sample weights by class. "balanced" makes them inversely
        proportional to the sums of the sample weights of the classes.
    verbose : bool or int, default=False
        Whether to print a line for each block of rows, and for each iteration of "cg".
    random_state : int, RandomState instance or None, default=None
        Controls the random features and the preconditioner of "cg". Pass an int for
        reproducible output across multiple function calls.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted; the numbers of the columns of a matrix y.
    features_ : transformer
        The fitted features; those of the best width with `select_width`.
    output_weights_ : ndarray of shape (n_columns,) or (n_classes, n_columns)
        The coefficients U of the columns of the features.
    output_bias_ : float or ndarray of shape (n_classes,)
        The intercept c; 0 without an intercept.
    alpha_ : float
        The penalty used; with `select_width`, in the scale of the best width.
    alphas_ : ndarray of shape (n_alphas,)
        The penalties that were compared; of shape (n_alphas, width) with `select_width`.
        Present where `scores_` is.
    scores_ : ndarray of shape (n_alphas,)
        The score of every penalty, in the units of `scoring`. Minus the mean squared error
        of the targets after `partial_fit` and, of shape (n_alphas, width), with
        `select_width`. Not present if `alphas` is a number, without `cv` and
        `select_width`.
    best_score_ : float
        The highest score.
    cv_results_ : ndarray of shape (n_samples, n_alphas) or (n_samples, n_classes, n_alphas)
        Decision values of the rows left out. Only present with `store_cv_results`.
    cv_predictions_ : ndarray of shape (n_samples,) or (n_samples, n_classes)
        The decision values of the rows left out, with the penalty `alpha_`. Only present
        with `store_cv_results`.
    n_iter_ : int
        Number of refinements (primal) or of iterations of conjugate gradients.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns seen in `fit`. Only present if X has string column names.

    See Also
    --------
    RandomFeatureRidge : Ridge regression; its notes on memory, precision, Dask and
        interrupts hold here too.
    sklearn.calibration.CalibratedClassifierCV : Probabilities from `decision_function`.

    Notes
    -----
    The probabilities are the softmax of the outputs times one inverse temperature, of
    minimum log loss for the outputs of rows left out [2]_, with the sample weights and
    without the class weights. Leave-one-out is exact at the penalty that was chosen, and
    the penalty was chosen by the same outputs. "cg" uses three folds instead. If the
    classes are separated, the temperature stays positive: no probability is 0 or 1.

    `partial_fit` keeps no rows, so it compares penalties by squared errors of the targets,
    and there are no probabilities. `scoring` and `store_cv_results` need `fit`.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the power and limitations of random features for
       understanding neural networks", NeurIPS 2019, Theorem 4.2.
    .. [2] C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On Calibration of Modern Neural
       Networks", ICML 2017, Section 4.2.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from skrf import RandomFeatureRidgeClassifier, RandomReLUFeatures
    >>> X, y = load_digits(return_X_y=True)
    >>> features = RandomReLUFeatures(1000)
    >>> model = RandomFeatureRidgeClassifier(features, random_state=0)
    >>> bool(model.fit(X[:1000] / 16, y[:1000]).score(X[1000:] / 16, y[1000:]) > 0.9)
    True
    >>> model.predict_proba(X[1000:] / 16).shape
    (797, 10)
    """

    _parameter_constraints = {
        **BaseRandomFeatureRidge._parameter_constraints,
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    @with_hints(HINTS)
    def __init__(
        self,
        features: Any = None,
        *,
        alphas: Literal["auto"] | ArrayLike = "auto",
        fit_intercept: bool = True,
        cv: Any = None,
        scoring: str | Callable | None = None,
        store_cv_results: bool = False,
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
        self.scoring = scoring
        self.store_cv_results = store_cv_results
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
            The labels of the rows.
        classes : array-like of shape (n_classes,), default=None
            All labels, including labels of later chunks. Required in the first call. After
            `fit`, None means the labels of `fit`.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the squared errors of the rows; None means 1.

        Returns
        -------
        self : object
            The estimator. A chunk that fails or is interrupted is not added.

        Raises
        ------
        AttributeError
            As for `RandomFeatureRidge.partial_fit`, and for ``class_weight="balanced"``.
        ValueError, MemoryError
            As for `RandomFeatureRidge.partial_fit`; if `classes` is missing in the first
            call; and for a label that is not in `classes`.

        Warns
        -----
        UserWarning
            In the first call after `fit`, which discards the fitted model.
        """
        with all_or_nothing(self):
            if classes is not None and "_stream" not in vars(self):
                self.__dict__.pop("classes_", None)
            first_partial_fit(self, classes)
            return self._partial_fit(X, y, self.classes_, sample_weight)

    def decision_function(self, X: MatrixLike) -> np.ndarray:
        """Compute the outputs U z(x) + c.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame, Dask array or Dask data frame} of \
shape (n_samples, n_features)
            The data.

        Returns
        -------
        outputs : ndarray of shape (n_samples,) or (n_samples, n_classes)
            The outputs. With two classes, a positive output means ``classes_[1]``. For
            Dask input a lazy Dask array.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If the columns of X differ from those seen in `fit`, or X contains NaN or
            infinity. After `partial_fit`, also as for `output_weights_`.
        LinAlgError
            After `partial_fit`, as for `output_weights_`.

        Warns
        -----
        LinAlgWarning
            After `partial_fit`, as for `output_weights_`.
        """
        return self._outputs(X, "decision_function")

    def predict(self, X: MatrixLike) -> np.ndarray:
        """Predict the class with the largest output for every row of X.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame, Dask array or Dask data frame} of \
shape (n_samples, n_features)
            The data.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Elements of ``classes_``; for Dask input a lazy Dask array.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If the columns of X differ from those seen in `fit`, or X contains NaN or
            infinity. After `partial_fit`, also as for `output_weights_`.
        LinAlgError
            After `partial_fit`, as for `output_weights_`.

        Warns
        -----
        LinAlgWarning
            After `partial_fit`, as for `output_weights_`.
        """
        predictor = self._predictor(X, "predict")
        if predictor.values.targets.multilabel:
            n_labels = len(self.classes_)
            return engine_of(X).map_rows(predictor.labels, X, n_labels, np.dtype(np.intp))
        return engine_of(X).map_rows(predictor.labels, X, None, self.classes_.dtype)

    @available_with_reason(can_predict_proba)
    def predict_proba(self, X: MatrixLike) -> np.ndarray:
        """Compute probabilities of the classes.

        The softmax of beta f for decision values f and one inverse temperature beta > 0,
        or the logistic function for two classes. Several labels have one beta each. The
        class of the highest probability is the class of `predict`.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame, Dask array or Dask data frame} of \
shape (n_samples, n_features)
            The data.

        Returns
        -------
        probabilities : ndarray of shape (n_samples, n_classes)
            Probabilities of ``classes_``, which sum to 1 unless a row has several labels.
            For Dask input a lazy Dask array.

        Raises
        ------
        AttributeError
            After `partial_fit`, which keeps no rows to leave out.
        NotFittedError
            Before `fit`.
        ValueError
            If the columns of X differ from those seen in `fit`, or X contains NaN or
            infinity.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn.datasets import load_iris
        >>> from skrf import RandomFeatureRidgeClassifier, RandomReLUFeatures
        >>> X, y = load_iris(return_X_y=True)
        >>> model = RandomFeatureRidgeClassifier(RandomReLUFeatures(50), random_state=0)
        >>> probabilities = model.fit(X, y).predict_proba(X)
        >>> np.allclose(probabilities.sum(axis=1), 1)
        True
        """
        predictor = self._predictor(X, "predict_proba")
        return engine_of(X).map_rows(predictor.probabilities, X, len(self.classes_))

    @available_with_reason(can_predict_proba)
    def predict_log_proba(self, X: MatrixLike) -> np.ndarray:
        """Compute logarithms of the probabilities of the classes.

        Finite where probabilities underflow.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame, Dask array or Dask data frame} of \
shape (n_samples, n_features)
            The data.

        Returns
        -------
        log_probabilities : ndarray of shape (n_samples, n_classes)
            Logarithms of the probabilities of ``classes_``; for Dask input a lazy Dask
            array.

        Raises
        ------
        AttributeError, NotFittedError, ValueError
            As for `predict_proba`.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn.datasets import load_iris
        >>> from skrf import RandomFeatureRidgeClassifier, RandomReLUFeatures
        >>> X, y = load_iris(return_X_y=True)
        >>> model = RandomFeatureRidgeClassifier(RandomReLUFeatures(50), random_state=0)
        >>> logs = model.fit(X, y).predict_log_proba(X)
        >>> np.allclose(np.exp(logs), model.predict_proba(X))
        True
        """
        predictor = self._predictor(X, "predict_log_proba")
        return engine_of(X).map_rows(predictor.log_probabilities, X, len(self.classes_))

    def _learn_targets(self, y, classes):
        return LabelTargets.learn(type(self).__name__, y, classes, self.class_weight)

    def _current(self, targets):
        name, multilabel = type(self).__name__, targets.multilabel
        return LabelTargets.known(name, self.classes_, self.class_weight, multilabel)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
