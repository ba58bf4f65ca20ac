"""The ridge estimator of numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin

from skrf._utils.hints import with_hints
from skrf._utils.typing import MatrixLike, RandomState
from skrf._utils.validation import available_with_reason
from skrf.ridge._base import BaseRandomFeatureRidge
from skrf.ridge._checks import HINTS, can_stream
from skrf.ridge._scores import ScoreMixin
from skrf.ridge._targets import NumberTargets


class RandomFeatureRidge(ScoreMixin, RegressorMixin, BaseRandomFeatureRidge):
    r"""Ridge regression on features computed block by block.

    With z(x) the features of a row x, minimises

    .. math:: \sum_{j=1}^n \omega_j \|y_j - U z(x_j) - c\|^2 + \alpha \|U\|^2

    over the coefficients U and the intercept c, for sample weights :math:`\omega`.
    Equivalent to ``make_pipeline(features, Ridge(alpha))``, or to RidgeCV for several
    `alphas`, but never stores the matrix of features: blocks of rows are transformed and
    added to sums. With random features this trains the output layer of a network, and with
    linearised NTK features its hidden layer to first order [1]_, [2]_. Both problems are
    convex.

    Parameters
    ----------
    features : transformer, default=None
        Any transformer of rows into numbers: a feature map of this package, RBFSampler,
        Nystroem, or a Pipeline. `fit` fits a clone to all rows. None means
        `RandomReLUFeatures()`.
    alphas : "auto", float or array-like of shape (n_alphas,), default="auto"
        The penalty alpha > 0, or several penalties of which the best is used. "auto"
        compares penalties over at least ten decades, in units of the features (see Notes).
        A number is used as it is. The errors of a sequence are computed even for one
        penalty.
    fit_intercept : bool, default=True
        Whether to fit an intercept.
    cv : int, cross-validation generator or iterable, default=None
        Cross-validation strategy used to compare the alphas. None means exact
        leave-one-out errors, weighted by `sample_weight`. Otherwise the scores are means
        over the folds.
    scoring : str or callable, default=None
        Score of the predictions of rows left out, by which the alphas are compared: a name
        of `sklearn.metrics.get_scorer_names` or a scorer. None means minus the mean squared
        error.
    store_cv_results : bool, default=False
        Whether to keep `cv_results_` and `cv_predictions_`.
    alpha_per_target : bool, default=False
        Whether to choose a penalty for every output.
    solver : {"auto", "primal", "dual", "cg"}, default="auto"
        Solver to use. "primal" sums Z'Z over blocks of rows. "dual" uses the Gram matrix
        ZZ'. "cg" uses conjugate gradients for one alpha, without `cv`; with alphas="auto"
        the alpha is chosen on a sample of the rows. "auto" is the fastest that fits in
        memory. The coefficients agree to 1e-6.
    select_width : bool, default=False
        Whether to use the width with the smallest leave-one-out error, of all widths up to
        the width of the features. Needs nested features; see `width_path`.
    block_size : int or "auto", default="auto"
        Number of rows transformed at a time. "auto" uses 256 to 4,096 rows, about 2^25
        feature values.
    verbose : bool or int, default=False
        Whether to print a line for each block of rows, and for each iteration of "cg".
    random_state : int, RandomState instance or None, default=None
        Seeds every nested `random_state` of `features` that is None, and the
        preconditioner of "cg". Pass an int for reproducible output across multiple function
        calls.

    Attributes
    ----------
    features_ : transformer
        The fitted features; those of the best width with `select_width`.
    output_weights_ : ndarray of shape (n_columns,) or (n_outputs, n_columns)
        The coefficients U of the columns of the features. See Notes for a comparison with
        the `output_weights_` of a network.
    output_bias_ : float or ndarray of shape (n_outputs,)
        The intercept c; 0 without an intercept.
    alpha_ : float or ndarray of shape (n_outputs,)
        The penalty used, or the penalty of every output with `alpha_per_target`; with
        `select_width`, in the scale of the best width.
    alphas_ : ndarray of shape (n_alphas,)
        The penalties that were compared, in ascending order for "auto"; of shape
        (n_alphas, width) with `select_width`. Present where `scores_` is.
    scores_ : ndarray of shape (n_alphas,)
        The score of every penalty, in the units of `scoring`; of shape (n_alphas,
        n_outputs) with `alpha_per_target`, and (n_alphas, width) with `select_width`. Not
        present if `alphas` is a number, without `cv` and `select_width`.
    best_score_ : float or ndarray of shape (n_outputs,)
        The highest score.
    cv_results_ : ndarray of shape (n_samples, n_alphas) or (n_samples, n_outputs, n_alphas)
        Squared errors of the rows left out, not multiplied by weights; with `scoring`, the
        predictions. NaN for rows of no fold. Only present with `store_cv_results`.
    cv_predictions_ : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        The prediction of every row, left out, with the penalty `alpha_`. Only present with
        `store_cv_results`.
    n_iter_ : int
        Number of refinements (primal) or of iterations of conjugate gradients.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns seen in `fit`. Only present if X has string column names.

    See Also
    --------
    RandomFeatureRidgeClassifier : Ridge classification on the same features.
    WidthPathDisplay : Draws the errors of all widths.
    sklearn.linear_model.RidgeCV : Ridge regression on features that fit in memory.

    Notes
    -----
    RidgeCV divides weighted errors by the number of rows, whereas this estimator divides by
    the sum of the weights. RidgeCV flattens y of shape (n, 1); this estimator does not. The
    features are applied by `transform`. Put a transformer whose `fit_transform` differs
    from its `transform`, such as TargetEncoder, into a Pipeline before this estimator. With
    `cv` the features are fitted once, to all rows.

    X may be an array of another library, such as PyTorch (see :doc:`/gpu`), if the
    features support it, for all solvers but "cg". Results and fitted arrays are then where
    X is. `y`, `sample_weight` and `groups` may be anywhere.

    With alphas="auto" the penalties are multiples of t = trace(Zc' Omega Zc) / n_columns,
    Omega the sample weights and Zc the features, centred with these weights if there is an
    intercept: 10^-6 t, ..., 10^4 t, by factors of 10^(1/2). If the best penalty is the
    smallest, smaller ones are compared too, as far as rounding allows. If it is the
    largest, larger ones are compared, until the fit is the mean of y. The errors are exact
    leave-one-out errors, also for Dask input, and generalised cross-validation after
    `partial_fit`. With `select_width` the penalties are those of the full width. With
    solver="cg", and where the comparison does not fit in memory, the penalty is the best
    one for at most 2,000 rows, drawn by `random_state`, times the ratio of the weights.

    The error of a row is that of the model fitted without this row [3]_. Rows that belong
    together, such as repeated measurements, need a group-aware `cv`. `scoring` is applied
    to the predictions of all rows left out at once, and with `cv` to each fold; it receives
    the sample weights if there are any, and no rows of weight 0.

    U multiplies the columns of the transformed X. The columns of `RandomFeatures` contain
    the factor 1 / sqrt(width), so the network ``sum_i u_i activation(<w_i, x> + b_i) + c``
    with the same predictions has the output weights ``u = output_weights_ / sqrt(width)``.
    There is no attribute `coef_`, because the coefficients do not belong to columns of X.
    Select columns of X by `sklearn.inspection.permutation_importance` or by
    `SequentialFeatureSelector`, not by RFE or SelectFromModel.

    "cg" is preconditioned by a Nystroem approximation from at most 2,000 rows. "dual" and
    "cg" never materialise linearised NTK features.

    Peak memory beyond the data, in values of 8 bytes, for n rows, p features, b values of a
    block of features, c = b / 2 for float32 features and 0 otherwise, g values of the
    features of 256 rows, and m = min(n, 2000, 2^27 / n) rows of the preconditioner:

    ===============================  ==============================
    Case                             Values
    ===============================  ==============================
    primal, one alpha                p^2 + b
    primal, one alpha, float32       1.5 p^2 + c
    primal, a sequence of one alpha  p^2 + b + c
    primal, several alphas           4 p^2 + 2 b + c
    primal, cv                       6 p^2 + 2 b + c
    dual, one alpha                  2 n^2 + 2 g + b
    dual, several alphas or cv       4 n^2 + 2 g + b
    cg                               max(3 m n, m n + 5 m^2) + 2 b
    width path                       2 p^2 + b + c
    partial_fit, one alpha           2 p^2 + b + c
    partial_fit, several alphas      5 p^2 + 2 b + c
    ===============================  ==============================

    b and g are 0 for "dual" and "cg" with linearised NTK features. Other features of "dual"
    may take up to half of the remaining memory. If the required memory exceeds the
    available memory, `fit` raises MemoryError before computing anything and reports the
    largest size that fits. `partial_fit` keeps p^2 values between calls.

    float32 features stay float32. For one alpha their products are float32 too, summed in
    float64, and the coefficients are refined by residuals in float64, with one more pass
    over the data for each refinement. The products are float64 where alpha is too small for
    the refinement to converge, for leave-one-out errors, and in `partial_fit`, which cannot
    see a row again. The coefficients have a relative error below 1e-6 in all cases, or a
    LinAlgWarning names the error.

    `fit` takes Dask arrays and data frames with the extra "dask". `features` must depend
    only on the number of columns, or be fitted and wrapped in a FrozenEstimator. The blocks
    are transformed on the active scheduler, their sums are merged in a tree, and
    predictions are lazy.

    A `fit` or `partial_fit` that fails or is interrupted by Ctrl-C leaves the estimator
    unchanged. scikit-learn's callbacks see a task for each pass over the data by `fit` and
    one for each block, but none for `partial_fit` and `width_path`. They cannot end a fit
    early. The Gram matrix of "dual" is usually one block, and so is a pass over Dask input.

    References
    ----------
    .. [1] G. Yehudai and O. Shamir, "On the power and limitations of random features for
       understanding neural networks", NeurIPS 2019, Sections 1.1 and 2.1 and Theorem 4.2.
    .. [2] A. Rahimi and B. Recht, "Random features for large-scale kernel machines",
       NeurIPS 2007.
    .. [3] Rifkin, R. M. and Lippert, R. A. (2007). Notes on regularized least squares. MIT
       Computer Science and Artificial Intelligence Laboratory, MIT-CSAIL-TR-2007-025.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skrf import RandomFeatureRidge, RandomReLUFeatures
    >>> X, y = load_diabetes(return_X_y=True)
    >>> features = make_pipeline(StandardScaler(), RandomReLUFeatures(500))
    >>> model = RandomFeatureRidge(features, random_state=0)
    >>> bool(model.fit(X[:350], y[:350]).score(X[350:], y[350:]) > 0.4)
    True
    """

    _parameter_constraints = {
        **BaseRandomFeatureRidge._parameter_constraints,
        "alpha_per_target": ["boolean"],
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
        alpha_per_target: bool = False,
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
        self.scoring = scoring
        self.store_cv_results = store_cv_results
        self.alpha_per_target = alpha_per_target
        self.solver = solver
        self.select_width = select_width
        self.block_size = block_size
        self.verbose = verbose
        self.random_state = random_state

    @available_with_reason(can_stream)
    def partial_fit(
        self, X: MatrixLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Add a chunk of rows to the sums of products that determine the model.

        The estimator keeps Z'Z, Z'y, y'y and sums in float64, not the rows. The
        coefficients are computed at the first access after the call. Several `alphas` are
        compared by generalised cross-validation, W^{-1} sum w (y - fit)^2 / (1 -
        trace(H) / n)^2 with the hat matrix H, because the sums do not determine
        leave-one-out errors.

        Parameters
        ----------
        X : {array-like, sparse matrix, data frame} of shape (n_samples, n_features)
            The next rows.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The targets of the rows.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the squared errors of the rows; None means 1.

        Returns
        -------
        self : object
            The estimator. A chunk that fails or is interrupted is not added.

        Raises
        ------
        AttributeError
            If `cv`, `solver`, `scoring`, `store_cv_results` or `select_width` needs all
            rows, or if `features` learn from the values in X and are not in a
            FrozenEstimator.
        ValueError
            As in `fit`; for a Dask collection; and if columns, outputs, `features` or
            `fit_intercept` differ from the first chunk.
        MemoryError
            If the products Z'Z would not fit in the available memory.

        Warns
        -----
        UserWarning
            In the first call after `fit`, which discards the fitted model.
        """
        return self._partial_fit(X, y, None, sample_weight)

    def predict(self, X: MatrixLike) -> np.ndarray:
        """Predict U z(x) + c, a block of rows at a time.

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
            If the columns of X differ from those seen in `fit`, or X contains NaN or
            infinity. After `partial_fit`, also as for `output_weights_`.
        LinAlgError
            After `partial_fit`, as for `output_weights_`.

        Warns
        -----
        LinAlgWarning
            After `partial_fit`, as for `output_weights_`.
        """
        return self._outputs(X, "predict")

    def _learn_targets(self, y, classes):
        return NumberTargets.learn(type(self).__name__, y)

    def _current(self, targets):
        return targets

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
