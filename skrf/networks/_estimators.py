"""Over-parameterised one-hidden-layer networks trained by stochastic gradient descent."""

from __future__ import annotations

from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from scipy.special import log_softmax
from sklearn.base import ClassifierMixin, RegressorMixin

from skrf._utils.labels import check_labels, signs_of_labels, weights_of_labels
from skrf._utils.signatures import with_parameters_of
from skrf._utils.typing import MatrixLike
from skrf._utils.validation import (
    StrOptions,
    available_with_reason,
    check_data,
    check_targets,
    first_partial_fit,
    fit_context,
    one_of,
)
from skrf.losses import LOSSES
from skrf.networks._base import BaseOverparamNet
from skrf.networks._checks import can_stream, has_probabilities
from skrf.networks._docs import with_common_sections


@with_common_sections
class OverparamNetRegressor(RegressorMixin, BaseOverparamNet):
    r"""One-hidden-layer network for regression, trained by SGD.

    .. math:: N(x) = s \sum_{i=1}^{r} u_i\, act(\langle w_i, x\rangle + b_i) + c,
              \quad r = width,

    with s = 1 (standard) or 1/sqrt(width) (ntk), minimises

    .. math:: \frac{1}{n} \sum_{j=1}^n \ell(N(x_j), y_j)
              + \frac{\alpha}{2} (\|W\|^2 + \|u\|^2)

    over the trained weights [1]_. `predict` returns N(x) for every loss.

    Parameters
    ----------
    {parameters}

    Attributes
    ----------
    {attributes}

    See Also
    --------
    OverparamNetClassifier : The same network for labels.
    RandomReLUFeatures : The hidden layer at its random initialisation, as a transformer.
    sklearn.neural_network.MLPRegressor : Deeper networks. With ``solver="sgd",
        nesterovs_momentum=False, alpha=0`` and equal initial weights, both have equal
        iterates.

    Notes
    -----
    {notes}

    References
    ----------
    {reference}

    Examples
    --------
    >>> from skrf import OverparamNetRegressor, make_single_neuron
    >>> X, y = make_single_neuron(n_samples=2000, n_features=5, random_state=0)
    >>> net = OverparamNetRegressor(width=100, max_iter=20, tol=None, random_state=0)
    >>> bool(net.fit(X[:1000], y[:1000]).score(X[1000:], y[1000:]) > 0.95)
    True
    """

    _default_loss = "squared_error"

    @available_with_reason(can_stream)
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: MatrixLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Update the fitted weights by one pass over X and y, in the order of the rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The next rows of the data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Targets of the rows.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the losses of the rows. None means 1.

        Returns
        -------
        self : object
            The network. Ctrl-C raises KeyboardInterrupt and keeps the updates of all
            finished blocks.

        Raises
        ------
        AttributeError
            With ``early_stopping=True``.
        ValueError, MemoryError
            As in `fit`. In later calls also if the width, the columns or the number of
            outputs have changed.

        Warns
        -----
        ConvergenceWarning
            If SGD diverges. The last finite weights are kept.
        """
        return self._partial_fit(X, y, sample_weight)

    def predict(self, X: MatrixLike) -> np.ndarray:
        """Compute the outputs N(x) of the network.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The data.

        Returns
        -------
        N : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The outputs, in the shape of the y of `fit`.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If X has other columns than in `fit`, or values that are not finite.
        """
        return self._outputs(X)

    def _validate(self, X, y, dtype, resume, streaming):
        if issparse(y):
            raise ValueError("`y` must be dense; got a sparse array. Pass y.toarray().")
        check_targets(y)
        X, y = check_data(
            self,
            X,
            y,
            accept_sparse="csr",
            dtype=dtype,
            order="C",
            multi_output=True,
            y_numeric=True,
            reset=not resume,
        )
        is_sign = np.isin(y, (-1, 1))
        if self._resolved_loss().signs_only and not is_sign.all():
            raise ValueError(
                f"`loss={self.loss!r}` needs `y` in {{-1, 1}}; got {y[~is_sign][0]}. Use "
                "loss='squared_error', or OverparamNetClassifier for labels of any kind."
            )
        with np.errstate(over="ignore"):
            Y = np.ascontiguousarray(y.reshape(len(y), -1), X.dtype)
        if not np.isfinite(Y).all():
            raise ValueError(
                f"`y` must fit into {X.dtype}; got {y.ravel()[np.abs(y).argmax()]}. Scale "
                "y, or pass X as float64."
            )
        return X, Y, {"_flat": y.ndim == 1}

    def _score(self, N, Y, sample_weight):
        # R^2 of constant targets does not depend on the predictions.
        targets = Y[sample_weight > 0]
        if self._resolved_loss().signs_only or (targets == targets[0]).all():
            return -float(self._new_objective(0.0).mean_loss(N, Y, sample_weight))
        from sklearn.metrics import r2_score

        return r2_score(Y, N, sample_weight=sample_weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


@with_common_sections
class OverparamNetClassifier(ClassifierMixin, BaseOverparamNet):
    r"""One-hidden-layer network for classification, trained by SGD.

    .. math:: N(x) = s \sum_{i=1}^{r} u_i\, act(\langle w_i, x\rangle + b_i) + c,
              \quad r = width,

    trained as in `OverparamNetRegressor` on labels coded as -1 and 1. Two classes have one
    output. More classes have one output per class on a common hidden layer, one-vs-rest or,
    with ``loss="log_loss"``, as a softmax. Theorem 3.1 of [1]_ bounds the hinge loss of the
    network.

    Parameters
    ----------
    {parameters}
    class_weight : dict or "balanced", default=None
        Factors of the sample weights, by class. "balanced" makes them inversely
        proportional to the sums of the sample weights of the classes.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels, sorted. With two classes, the second class is coded as 1.
    {attributes}

    See Also
    --------
    OverparamNetRegressor : The same network for numbers.
    sklearn.calibration.CalibratedClassifierCV : Probabilities from `decision_function`.

    Notes
    -----
    {notes}

    References
    ----------
    {reference}

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skrf import OverparamNetClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> net = OverparamNetClassifier(width=100, max_iter=20, tol=None, random_state=0)
    >>> model = make_pipeline(StandardScaler(), net)
    >>> bool(model.fit(X[:400], y[:400]).score(X[400:], y[400:]) > 0.95)
    True
    """

    _default_loss = "hinge"

    _parameter_constraints = {
        **BaseOverparamNet._parameter_constraints,
        "loss": [one_of(["auto", *LOSSES])],
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }

    @with_parameters_of(BaseOverparamNet)
    def __init__(
        self, width: int = 100, *, class_weight: dict | str | None = None, **common: Any
    ) -> None:
        super().__init__(width, **common)
        self.class_weight = class_weight

    @available_with_reason(can_stream)
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Update the fitted weights by one pass over X and y, in the order of the rows.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The next rows of the data.
        y : array-like of shape (n_samples,)
            Labels of the rows.
        classes : array-like of shape (n_classes,), default=None
            All class labels of all calls. Required in the first call.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the losses of the rows. None means 1.

        Returns
        -------
        self : object
            The network. Ctrl-C raises KeyboardInterrupt and keeps the updates of all
            finished blocks.

        Raises
        ------
        AttributeError
            With ``early_stopping=True`` or ``class_weight="balanced"``.
        ValueError, MemoryError
            As in `fit`. In later calls also if the width or the columns have changed.
            If the first call lacks `classes`, or `classes` lacks a label of y.

        Warns
        -----
        ConvergenceWarning
            If SGD diverges. The last finite weights are kept.
        """
        learn_classes = partial(first_partial_fit, self, classes)
        return self._partial_fit(X, y, sample_weight, learn_classes)

    def decision_function(self, X: MatrixLike) -> np.ndarray:
        """Compute the outputs N(x) of the network.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The data.

        Returns
        -------
        N : ndarray of shape (n_samples,) or (n_samples, n_classes)
            The outputs. With two classes, a positive output stands for ``classes_[1]``.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If X has other columns than in `fit`, or values that are not finite.
        """
        return self._outputs(X)

    def predict(self, X: MatrixLike) -> np.ndarray:
        """Predict the class with the largest output for each row of X.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The data.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Elements of ``classes_``.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If X has other columns than in `fit`, or values that are not finite.
        """
        codes = _predicted_codes(self._outputs(X))
        return self.classes_[codes]

    @available_with_reason(has_probabilities)
    def predict_proba(self, X: MatrixLike) -> np.ndarray:
        """Compute the probabilities of the classes, with ``loss="log_loss"``.

        The logistic function of N(x) for two classes, else the softmax.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The data.

        Returns
        -------
        P : ndarray of shape (n_samples, n_classes)
            The probabilities, in the order of ``classes_``.

        Raises
        ------
        AttributeError
            With another loss than "log_loss".
        NotFittedError
            Before `fit`.
        ValueError
            If X has other columns than in `fit`, or values that are not finite.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from skrf import OverparamNetClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> net = OverparamNetClassifier(loss="log_loss", random_state=0).fit(X, y)
        >>> net.predict_proba(X).shape
        (150, 3)
        """
        return np.exp(self.predict_log_proba(X))

    @available_with_reason(has_probabilities)
    def predict_log_proba(self, X: MatrixLike) -> np.ndarray:
        """Compute the logarithms of the probabilities of `predict_proba`.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The data.

        Returns
        -------
        log_P : ndarray of shape (n_samples, n_classes)
            The logarithms, in the order of ``classes_``.

        Raises
        ------
        AttributeError
            With another loss than "log_loss".
        NotFittedError
            Before `fit`.
        ValueError
            If X has other columns than in `fit`, or values that are not finite.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn.datasets import load_iris
        >>> from skrf import OverparamNetClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> net = OverparamNetClassifier(loss="log_loss", random_state=0).fit(X, y)
        >>> bool(np.allclose(np.exp(net.predict_log_proba(X)), net.predict_proba(X)))
        True
        """
        N = self._outputs(X)
        if N.ndim == 1:
            # The logistic function of N is the softmax of (0, N).
            N = np.column_stack([np.zeros_like(N), N])
        return log_softmax(N, axis=1)

    def _validate(self, X, y, dtype, resume, streaming):
        if y is not None:
            check_labels(y)
        options = {"dtype": dtype, "order": "C", "reset": not resume}
        X, y = check_data(self, X, y, accept_sparse="csr", **options)
        classes = self.classes_ if resume or streaming else np.unique(y)
        Y = signs_of_labels(y, classes, X.dtype, type(self).__name__)
        return X, Y, {"_flat": len(classes) == 2, "classes_": classes}

    def _with_class_weights(self, sample_weight, Y, attributes):
        if self.class_weight is None:
            return sample_weight
        classes = attributes["classes_"]
        labels = classes[_predicted_codes(Y[:, 0] if Y.shape[1] == 1 else Y)]
        factors = weights_of_labels(self.class_weight, classes, labels, sample_weight)
        return (sample_weight * factors).astype(sample_weight.dtype)

    def _score(self, N, Y, sample_weight):
        if Y.shape[1] == 1:
            N, Y = N[:, 0], Y[:, 0]
        is_correct = _predicted_codes(N) == _predicted_codes(Y)
        return float(np.average(is_correct, weights=sample_weight))


def _predicted_codes(N):
    """Codes of the predicted classes from outputs of shape (n,) or (n, n_classes)."""
    return (N > 0).astype(np.intp) if N.ndim == 1 else N.argmax(axis=1)
