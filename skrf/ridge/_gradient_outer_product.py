"""`GradientOuterProduct`, a transformer that learns a metric by ridge fits."""

from __future__ import annotations

from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.callback import CallbackSupportMixin
from sklearn.utils.validation import check_is_fitted

from skrf._utils.array_api import (
    floats_of,
    follow,
    namespace_of,
    require_same_namespace,
    to_numpy,
)
from skrf._utils.blocks import multiply
from skrf._utils.callbacks import RoundTasks
from skrf._utils.directions import directions
from skrf._utils.engines import engine_of
from skrf._utils.interrupts import all_or_nothing
from skrf._utils.memory import require_memory
from skrf._utils.random import draw_seed
from skrf._utils.typing import MatrixLike, RandomState
from skrf._utils.validation import (
    POSITIVE_INTEGER,
    PROBABILITY,
    StrOptions,
    check_columns,
    check_data,
    fit_context,
)
from skrf._utils.version import VersionedState
from skrf.features import RandomReLUFeatures
from skrf.features._base import without_set_output_for_lazy_input
from skrf.ridge._gradients import Layers
from skrf.ridge._rounds import Recursion, chosen_round, root
from skrf.ridge._rounds_data import TARGET_TYPES, data_of_rounds
from skrf.ridge._routing import GroupsMixin
from skrf.ridge._transformers import require_estimator, takes_arrays

# Rounds without a smaller error on the folds after which no more rounds are tried.
_PATIENCE = 2


@without_set_output_for_lazy_input
class GradientOuterProduct(
    VersionedState,
    GroupsMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
    CallbackSupportMixin,
    BaseEstimator,
):
    r"""Supervised linear map that stretches the directions in which the target varies.

    Returns :math:`M^{1/2} x` for a metric M that is learned by ridge fits. Each round fits
    ridge regression on random features of :math:`M^{1/2} x`, and sets M to the average
    outer product of the gradients of the fitted outputs f_t:

    .. math:: M = (1 - blend)\, \frac{d\, A}{tr\, A} + blend\, I, \quad
              A = E \sum_t \nabla f_t(x)\, \nabla f_t(x)^T, \quad d = n\_features.

    Any features, ridge, kernel, network or neighbour method may follow. Random features on
    the result use directions that are learned from y, by convex fits only [1]_, [2]_.

    Parameters
    ----------
    n_components : int, default=None
        Number of directions to keep, those with the largest eigenvalues of M. None keeps
        all columns and returns :math:`M^{1/2} x`.
    features : transformer, default=None
        Features of the ridge fits: `RandomReLUFeatures`, `RandomFeatures` with any
        activation but "step", or `LinearizedNTKFeatures` whose activation has a continuous
        derivative. None means `RandomReLUFeatures()`. Put scalers before this transformer:
        a scaler inside `features` would undo the metric.
    max_iter : int, default=5
        Maximum number of rounds.
    blend : float, default=0.1
        Fraction of the identity in M, from 0 to 1. Larger values keep more of the
        directions in which the fits do not vary.
    diagonal : bool, default=False
        Whether to keep only the diagonal of A, so columns are scaled and not mixed.
    cv : int, cross-validation generator or iterable, default=3
        Folds by which the number of rounds is chosen. An int means stratified folds for
        class labels. Dask input needs an int and uses its blocks of rows as folds.
    target_type : {"auto", "continuous", "class"}, default="auto"
        Whether y holds numbers or class labels. "auto" takes text and booleans as labels,
        and integers with at most sqrt(n_samples) different values.
    random_state : int, RandomState instance or None, default=None
        Controls the random features. Pass an int for reproducible output across multiple
        function calls.
    verbose : bool or int, default=False
        Whether to print the error on the folds of each round.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        The map: `transform` returns ``X @ components_.T``. The symmetric root of the metric
        for ``n_components=None``, else the leading eigenvectors of the metric times the
        roots of their eigenvalues.
    metric_ : ndarray of shape (n_features, n_features)
        The metric M, with trace n_features.
    best_round_ : int
        The round whose metric is used. 0 means that M is the identity.
    n_iter_ : int
        Number of rounds that the folds tried, besides round 0.
    validation_scores_ : ndarray of shape (n_rounds, n_folds)
        Minus the mean squared error of every round on every fold, for outputs of variance
        1, or minus the fraction of wrong labels. Row 0 has the features without a metric.
    explained_ratio_ : ndarray of shape (n_components,)
        Eigenvalues of the metric divided by its trace, in descending order.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns seen in `fit`. Only present if X has string column names.

    See Also
    --------
    RandomFeatureRidge : Ridge regression on features; its method `gradient_outer_product`
        computes A of a fitted model.
    GradientOuterProductDisplay : Draws the leading directions.
    OverparamNetRegressor : A network, which learns directions by gradient descent.
    sklearn.neighbors.NeighborhoodComponentsAnalysis : A supervised linear map for
        classification by nearest neighbours.

    Notes
    -----
    The number of rounds is chosen by folds of the complete procedure. Errors of the last
    fit alone, such as leave-one-out errors, would be too small, because M has seen every
    y. Round 0 is one of the candidates and returns X unchanged. The error is the squared
    error, or the fraction of wrong labels. A later round is used only if its error on the
    folds is lower by more than one standard error of the mean of the
    paired differences. The larger of the standard errors over the folds and over the rows
    counts. No more rounds are tried after two rounds in a row without a smaller error.
    With `n_components` the choice begins at round 1, because the identity has no leading
    directions.

    All rounds use the same random features. Outputs are scaled to variance 1 before their
    gradients are summed. Class labels are coded as -1 and 1, in one column per class or one
    for two classes. Constant fits have no gradients and keep the identity.

    X may be an array of another library, such as PyTorch (see :doc:`/gpu`). Results
    and fitted arrays are then where X is.

    The blend treats all columns alike, so the result depends on their units. Without
    standardised columns it favours columns with large values: put a StandardScaler first.

    The target must have a part of low degree p that depends on all directions. The theory
    asks for a number of rows of order n_features^p [2]_. The third Hermite polynomial of
    one direction has no part of degree 1 or 2, and is not learned from a few thousand rows
    of 30 columns.

    A fit takes ``cv * (max_iter + 1)`` ridge fits to parts of the rows, and up to
    `max_iter` ridge fits to all rows. Gradients cost two products for each block of rows
    and each output. Memory is that of a ridge fit with several alphas, and about
    cv + 4 matrices of shape (n_features, n_features). M is dense, also for sparse X.

    References
    ----------
    .. [1] A. Radhakrishnan, D. Beaglehole, P. Pandit and M. Belkin, "Mechanism for feature
       learning in neural networks and backpropagation-free machine learning models",
       Science 383, 2024.
    .. [2] arXiv:2605.15082, 2026, on polynomial targets of few directions.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skrf import GradientOuterProduct, RandomFeatureRidge, make_single_neuron
    >>> X, y = make_single_neuron(1000, 20, random_state=0)
    >>> plain = make_pipeline(StandardScaler(), RandomFeatureRidge(random_state=0))
    >>> learned = make_pipeline(
    ...     StandardScaler(), GradientOuterProduct(random_state=0),
    ...     RandomFeatureRidge(random_state=0))
    >>> bool(plain.fit(X[:600], y[:600]).score(X[600:], y[600:]) < 0.97)
    True
    >>> bool(learned.fit(X[:600], y[:600]).score(X[600:], y[600:]) > 0.97)
    True
    """

    _parameter_constraints = {
        "n_components": [POSITIVE_INTEGER, None],
        "features": "no_validation",  # by `require_estimator`, which has hints
        "max_iter": [POSITIVE_INTEGER],
        "blend": [PROBABILITY],
        "diagonal": ["boolean"],
        "cv": ["cv_object"],
        "target_type": [StrOptions(set(TARGET_TYPES))],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        n_components: int | None = None,
        *,
        features: Any = None,
        max_iter: int = 5,
        blend: float = 0.1,
        diagonal: bool = False,
        cv: Any = 3,
        target_type: str = "auto",
        random_state: RandomState = None,
        verbose: bool | int = False,
    ) -> None:
        self.n_components = n_components
        self.features = features
        self.max_iter = max_iter
        self.blend = blend
        self.diagonal = diagonal
        self.cv = cv
        self.target_type = target_type
        self.random_state = random_state
        self.verbose = verbose

    @fit_context(prefer_skip_nested_validation=False)
    def fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Learn the metric.

        Parameters
        ----------
        X : {array-like, sparse matrix, Dask array or Dask data frame} of shape \
(n_samples, n_features)
            The data. float32 arrays stay float32.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            The targets, or labels of shape (n_samples,).
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, in the fits, the gradients and the errors on the folds.
            None means 1.
        groups : array-like of shape (n_samples,), default=None
            Groups of the samples, for a group-aware `cv`.

        Returns
        -------
        self : object
            The fitted transformer. A fit that fails or is interrupted changes nothing.

        Raises
        ------
        ValueError
            If a parameter is invalid, `features` have no closed gradient, or
            `n_components` exceeds the number of columns. If X, y, weights or groups are
            empty, not finite or of different lengths. If a fold has no rows of positive
            weight, or there is only one class.
        MemoryError
            If a ridge fit or the metric does not fit in the available memory.
        """
        y, groups = to_numpy(y), to_numpy(groups)
        with all_or_nothing(self):
            features = RandomReLUFeatures() if self.features is None else self.features
            require_estimator(features)
            Layers.of(features)
            data, splits, columns = data_of_rounds(self, X, y, sample_weight, groups)
            self._check_size(columns["n_features_in_"], len(splits))
            metadata = {} if sample_weight is None else {"sample_weight": sample_weight}
            n_fits = (len(splits) + 1) * (int(self.max_iter) + 1)
            tasks = RoundTasks(self, n_fits, X=X, y=y, metadata=metadata)
            options = features, draw_seed(self.random_state), self.blend, self.diagonal
            runs = [(Recursion(data, train, *options), test) for train, test in splits]
            folds = self._errors_on_folds(runs, tasks)
            n_rounds = chosen_round(folds, first=0 if self.n_components is None else 1)
            run = Recursion(data, None, *options)
            for _ in range(n_rounds):
                with tasks.round():
                    run.fit()
                    run.advance()
            self._publish(run.metric, data.sample, columns)
            scores = [-(errors @ w) / w.sum() for w, errors in folds]
            self.validation_scores_ = follow(np.transpose(scores), data.sample)
            self.n_iter_, self.best_round_ = len(scores[0]) - 1, n_rounds
            tasks.finish()
        return self

    def _check_size(self, n_features, n_folds):
        """Check the number of components, and the memory for the metrics."""
        if self.n_components is not None and self.n_components > n_features:
            raise ValueError(
                f"`n_components` must be at most the number of columns, {n_features}; got "
                f"{self.n_components}. Use a smaller number, or None."
            )
        require_memory(
            8 * (n_folds + 4) * n_features**2,
            f"Metrics of {n_features} columns for {n_folds} folds",
            "Reduce the columns first, for instance by TruncatedSVD.",
        )

    def _errors_on_folds(self, runs, tasks):
        """Pairs (weights (n,), errors (n_rounds, n)) of the test rows of every fold."""
        errors, means = [[] for _ in runs], []
        for t in range(int(self.max_iter) + 1):
            for (run, test), rounds in zip(runs, errors, strict=True):
                with tasks.round():
                    if t > 0:
                        run.advance()
                    run.fit()
                    rounds.append(run.errors(test))
            latest = [rounds[-1] for rounds in errors]
            means.append(np.mean([e @ w / w.sum() for w, e in latest]))
            if self.verbose:
                print(f"Round {t}: error {means[-1]:.6g} on the folds")
            if t - np.argmin(means) >= _PATIENCE:
                break
        return [(rounds[0][0], np.array([e for _, e in rounds])) for rounds in errors]

    def _publish(self, metric, X, columns):
        """Set the attributes of a metric, where X is; None means the identity."""
        n_features = columns["n_features_in_"]
        if metric is None:
            metric, linear = np.eye(n_features), np.eye(n_features)
        else:
            linear = root(metric)
        values, rows = directions(metric)
        if self.n_components is not None:
            linear = (np.sqrt(values)[:, np.newaxis] * rows)[: self.n_components]
        for name in ("n_features_in_", "feature_names_in_"):
            vars(self).pop(name, None)
        vars(self).update(columns)
        space = namespace_of(X)
        dtype = X.dtype if space is None else space.numpy_dtype(X.dtype)
        ratio = (values / values.sum())[: len(linear)]
        arrays = (follow(array.astype(dtype), X) for array in (linear, metric, ratio))
        self.components_, self.metric_, self.explained_ratio_ = arrays

    # Features may be before the map too, as steps of a Pipeline that is affine.
    _is_affine = True

    @property
    def _n_features_out(self):
        return self.components_.shape[0]

    def transform(self, X: MatrixLike) -> np.ndarray:
        """Apply the learned map to every row of X.

        Parameters
        ----------
        X : {array-like, sparse matrix, Dask array or Dask data frame} of shape \
(n_samples, n_features)
            The data. float32 data give float32 results, other data give float64.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_components)
            ``X @ components_.T``, dense. Dask input gives a lazy Dask array, also after
            `set_output`.

        Raises
        ------
        NotFittedError
            If the transformer is not fitted.
        ValueError
            If the columns of X differ from those seen in `fit`, or X contains NaN or
            infinity.
        """
        check_is_fitted(self)
        require_same_namespace(X, self, "components_", "transform")
        engine_of(X).check_columns(partial(check_columns, self), X)
        return engine_of(X).map_rows(self._transform_rows, X, self._n_features_out)

    def _transform_rows(self, X):
        options = {"accept_sparse": "csr", "dtype": floats_of(X), "reset": False}
        X = check_data(self, X, arrays=True, **options)
        if (space := namespace_of(X)) is not None:
            return X @ space.array(self.components_, X.dtype).T
        out = np.empty((X.shape[0], self._n_features_out), X.dtype)
        multiply(X, self.components_.astype(X.dtype), out)
        return out

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.array_api_support = takes_arrays(self.features)
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
