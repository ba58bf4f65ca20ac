"""Over-parameterised one-hidden-layer networks trained by stochastic gradient descent."""

from __future__ import annotations

from functools import partial
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from sklearn.base import ClassifierMixin, RegressorMixin

from skrf._utils.typing import MatrixLike, RandomState
from skrf._utils.validation import (
    available_with_reason,
    check_data,
    check_labels,
    check_targets,
    first_partial_fit,
    fit_context,
    signs_of_labels,
)
from skrf.losses import LOSSES
from skrf.networks._base import BaseOverparamNet
from skrf.networks._checks import can_stream
from skrf.networks._laziness import Laziness as Laziness


class OverparamNetRegressor(RegressorMixin, BaseOverparamNet):
    r"""One-hidden-layer network for regression, trained by SGD.

    .. math:: N(x) = s \sum_{i=1}^{r} u_i\, act(\langle w_i, x\rangle + b_i) + c,
              \quad r = width,

    with s = 1 (standard) or 1/sqrt(width) (ntk), minimises

    .. math:: \frac{1}{n} \sum_{j=1}^n \ell(N(x_j), y_j)
              + \frac{\alpha}{2} (\|W\|^2 + \|u\|^2)

    over the trained weights. One update uses the gradient
    :math:`\sum_j \omega_j \nabla \ell_j / |batch| + \alpha (W, u)` of a mini-batch with
    sample weights :math:`\omega`: biases are not penalised, frozen weights neither, and
    the loss is summed over outputs. ``batch_size=1`` is the SGD of the theory.

    Source: Eq. (1), Section 2 and Theorem 3.1 of Yehudai and Shamir (2019).

    Parameters
    ----------
    width : int, default=1000
        Number r of hidden neurons.
    loss : {"squared_error", "hinge"}, default="squared_error"
        (N - y)^2 / 2, or max(0, 1 - y N), which takes y in {-1, 1}; `predict` returns the
        real number N(x) for both.
    activation : str, default="relu"
        A key of `skrf.activations.ACTIVATIONS`; "step" only with ``train="output"``.
    train : {"both", "output", "hidden"}, default="both"
        Which layer is trained: both (Section 2.2), the output weights u only (random
        features), or the hidden weights and biases only (the coupling of Section 2.1).
        The intercept c is trained whenever there is one.
    parametrization : {"standard", "ntk"}, default="standard"
        Factor s and law of the output weights at the start: 1 and uniform on
        +-1/sqrt(width), or 1/sqrt(width) and random signs.
    weights : {"uniform", "gaussian", "sphere"}, default="uniform"
        Law of the hidden weights at the start, with
        :math:`E\|w\|^2 = weight\_scale^2`.
    weight_scale : float, default=1/sqrt(3)
        With uniform weights the default is the fan-in law U(+-1/sqrt(n_features)).
    biases : {"constant", "gaussian", "uniform", "none"}, default="constant"
        Law of the hidden biases at the start, with :math:`E b^2 = bias\_scale^2`; they
        are trained with the hidden weights. "none" means a network without biases.
    bias_scale : float, default=0.0
        By default the biases start at 0. Odd activations learn even functions only from
        biases that start elsewhere.
    symmetric_init : bool, default=False
        Start from N = 0: neurons i and i + width/2 start with the same hidden weights and
        opposite output weights. Needs an even width.
    fit_intercept : bool, default=True
        Whether there is an output intercept c, which starts at 0; without, N is Eq. (1)
        itself.
    alpha : float, default=0.0
        Strength of the L2 penalty.
    max_iter : int, default=200
        Largest number of epochs.
    batch_size : int, default=1
        Rows of a mini-batch; the last one of an epoch may have fewer.
    block_size : int or "auto", default="auto"
        Rows that are worked on between two looks at all hidden weights. Changes the time
        and, by rounding only, the result; "auto" is fastest as a rule.
    shuffle : bool, default=True
        Whether `fit` draws a new order of the rows for each epoch.
    learning_rate : {"constant", "invscaling"}, default="constant"
        Step of update t: eta0, or eta0 / t**power_t.
    eta0 : float or "auto", default="auto"
        The step. "auto" begins with an estimate of the largest stable one,
        (1 - momentum) min(1 / (max_i ||grad N(x_i)||^2 + alpha), 1 / RMS_i ||grad l_i||)
        at the start, on up to 1,000 rows of positive weight, whatever the batch size; a
        sample weight multiplies its row's gradients, and with several outputs ||grad N||^2
        is the largest eigenvalue of the tangent kernel, found by power iterations. Then it
        doubles or halves the step as long as that lowers the loss of the last of five
        passes over these rows, each time from the same start, and kills at most half of the
        neurons (those with a derivative of 0 on all rows) that the estimate leaves alive.
        The step is halved when the loss grows without bound: `fit` then starts again, while
        `partial_fit`, which keeps the step of its first chunk, and a warm start go on from
        the last finite weights.
    power_t : float, default=0.5
        Exponent of "invscaling".
    momentum : float, default=0.0
        Heavy-ball momentum in [0, 1).
    average : bool or int, default=False
        Whether the fitted weights are the mean of all iterates; an integer n starts the
        mean at update n.
    tol : float or None, default=1e-4
        Training stops when `n_iter_no_change` epochs in a row improve the training loss
        (or the validation score) by less than this; None runs all epochs.
    n_iter_no_change : int, default=10
        See `tol`.
    early_stopping : bool, default=False
        Whether to set a validation set aside, stop on its score and keep the weights
        with the best one: R^2 for squared loss, minus the mean loss for hinge and where all
        targets of the set are the same.
    validation_fraction : float, default=0.1
        Share of the rows set aside.
    warm_start : bool, default=False
        Whether `fit` goes on from the fitted weights.
    verbose : bool or int, default=False
        Whether to print each epoch's loss.
    random_state : int, RandomState instance or None, default=None
        Fixes the start, the validation set and the order of the rows.

    Attributes
    ----------
    hidden_weights_ : ndarray of shape (width, n_features)
        The hidden weights W.
    hidden_biases_ : ndarray of shape (width,)
        The hidden biases b.
    output_weights_ : ndarray of shape (width,) or (n_outputs, width)
        The output weights u.
    output_bias_ : float or ndarray of shape (n_outputs,)
        The output intercept c.
    loss_curve_ : list of float
        Mean training loss of each epoch, each row's taken before its update; without the
        penalty.
    validation_scores_ : list of float or None
        Score of the validation set after each epoch, with `early_stopping`.
    n_iter_ : int
        Epochs run by the last call.
    t_ : int
        Updates made since the start.
    eta0_ : float
        The step in use.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of those columns, where they were all strings.

    See Also
    --------
    OverparamNetClassifier : The same network for labels.
    RandomReLUFeatures : The hidden layer at its random start, as a transformer.
    sklearn.neural_network.MLPRegressor : Deeper networks; with ``solver="sgd",
        nesterovs_momentum=False, alpha=0`` and the same start the same iterates.

    Examples
    --------
    >>> from skrf import OverparamNetRegressor, make_single_neuron
    >>> X, y = make_single_neuron(n_samples=2000, n_features=5, random_state=0)
    >>> net = OverparamNetRegressor(width=100, max_iter=20, tol=None, random_state=0)
    >>> bool(net.fit(X[:1000], y[:1000]).score(X[1000:], y[1000:]) > 0.95)
    True
    """

    @available_with_reason(can_stream)
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: MatrixLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Pass once over X and y in the order given, going on from the fitted weights.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The next rows of the data.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Their targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Factors of their losses; None means 1.

        Returns
        -------
        self : object
            The network. After Ctrl-C it has the weights reached so far.

        Raises
        ------
        AttributeError
            With ``early_stopping=True``, which needs a validation set.
        ValueError, MemoryError
            As in `fit`; and in later calls for another width, or other columns or outputs
            than in the first.

        Warns
        -----
        ConvergenceWarning
            When SGD diverged; the last finite weights are kept.
        """
        return self._partial_fit(X, y, sample_weight)

    def predict(self, X: MatrixLike) -> np.ndarray:
        """N(x) for every row of X.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The data.

        Returns
        -------
        N : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            The outputs, shaped like the y of `fit`.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            For X with other columns than in `fit`, or not finite numbers.
        """
        return self._outputs(X)

    def _validate(self, X, y, dtype, resume, streaming):
        if issparse(y):
            raise ValueError("y must be dense; got a sparse array. Give y.toarray().")
        check_targets(y)
        X, y = check_data(
            self,
            X,
            y,
            accept_sparse="csr",
            dtype=dtype,
            multi_output=True,
            y_numeric=True,
            reset=not resume,
        )
        if LOSSES[self.loss].signs_only and not np.isin(y, (-1, 1)).all():
            raise ValueError(
                f"loss={self.loss!r} needs y in {{-1, 1}}; got "
                f'{y[~np.isin(y, (-1, 1))][0]}. Use loss="squared_error", or '
                "OverparamNetClassifier for labels of any kind."
            )
        with np.errstate(over="ignore"):
            Y = np.ascontiguousarray(y.reshape(len(y), -1), X.dtype)
        if not np.isfinite(Y).all():
            raise ValueError(
                f"y is too large for {X.dtype}; got {y.ravel()[np.abs(y).argmax()]}. Scale "
                "y, or give X as float64."
            )
        return X, Y, {"_flat": y.ndim == 1}

    def _score(self, N, Y, sample_weight):
        # Of targets that are all the same R^2 is 0, whatever the predictions.
        some = Y[sample_weight > 0]
        if LOSSES[self.loss].signs_only or (some == some[0]).all():
            return -float(self._new_objective().mean_loss(N, Y, sample_weight))
        from sklearn.metrics import r2_score

        return r2_score(Y, N, sample_weight=sample_weight)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class OverparamNetClassifier(ClassifierMixin, BaseOverparamNet):
    r"""One-hidden-layer network for classification, trained by SGD.

    .. math:: N(x) = s \sum_{i=1}^{r} u_i\, act(\langle w_i, x\rangle + b_i) + c,
              \quad r = width,

    trained as in `OverparamNetRegressor` on labels coded as -1 and 1. Two classes have
    one output; more have one output each, one against the rest, on a shared hidden layer.

    Source: Theorem 3.1 of Yehudai and Shamir (2019), which bounds its hinge loss.

    Parameters
    ----------
    width : int, default=1000
        Number r of hidden neurons.
    loss : {"hinge", "squared_error"}, default="hinge"
        max(0, 1 - y N) or (N - y)^2 / 2 for y in {-1, 1}, summed over outputs.
    activation : str, default="relu"
        See `OverparamNetRegressor`, as for all parameters that follow.
    train : {"both", "output", "hidden"}, default="both"
        Which layer is trained.
    parametrization : {"standard", "ntk"}, default="standard"
        Factor s and law of the output weights at the start.
    weights : {"uniform", "gaussian", "sphere"}, default="uniform"
        Law of the hidden weights at the start.
    weight_scale : float, default=1/sqrt(3)
        Their root mean square length.
    biases : {"constant", "gaussian", "uniform", "none"}, default="constant"
        Law of the hidden biases at the start.
    bias_scale : float, default=0.0
        Their root mean square.
    symmetric_init : bool, default=False
        Start from N = 0.
    fit_intercept : bool, default=True
        Whether there is an output intercept c.
    alpha : float, default=0.0
        Strength of the L2 penalty.
    max_iter : int, default=200
        Largest number of epochs.
    batch_size : int, default=1
        Rows of a mini-batch.
    block_size : int or "auto", default="auto"
        Rows that are worked on at a time.
    shuffle : bool, default=True
        Whether `fit` draws a new order of the rows for each epoch.
    learning_rate : {"constant", "invscaling"}, default="constant"
        Step of update t: eta0, or eta0 / t**power_t.
    eta0 : float or "auto", default="auto"
        The step.
    power_t : float, default=0.5
        Exponent of "invscaling".
    momentum : float, default=0.0
        Heavy-ball momentum in [0, 1).
    average : bool or int, default=False
        Whether the fitted weights are the mean of the iterates.
    tol : float or None, default=1e-4
        Smallest improvement of an epoch that counts as one.
    n_iter_no_change : int, default=10
        Epochs without improvement after which training stops.
    early_stopping : bool, default=False
        Whether to stop on, and keep the weights with, the best accuracy on a validation set
        with all classes in their shares, where there are enough rows of each.
    validation_fraction : float, default=0.1
        Share of the rows set aside.
    warm_start : bool, default=False
        Whether `fit` goes on from the fitted weights.
    verbose : bool or int, default=False
        Whether to print each epoch's loss.
    random_state : int, RandomState instance or None, default=None
        Fixes the start, the validation set and the order of the rows.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted; with two classes the second is coded as 1.
    hidden_weights_ : ndarray of shape (width, n_features)
        The hidden weights W.
    hidden_biases_ : ndarray of shape (width,)
        The hidden biases b.
    output_weights_ : ndarray of shape (width,) or (n_classes, width)
        The output weights u.
    output_bias_ : float or ndarray of shape (n_classes,)
        The output intercept c.
    loss_curve_, validation_scores_, n_iter_, t_, eta0_
        As in `OverparamNetRegressor`; the scores are accuracies.
    n_features_in_ : int
        Number of columns seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of those columns, where they were all strings.

    See Also
    --------
    OverparamNetRegressor : The same network for numbers.
    sklearn.calibration.CalibratedClassifierCV : Probabilities from `decision_function`.

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

    def __init__(
        self,
        width: int = 1000,
        *,
        loss: str = "hinge",
        activation: str = "relu",
        train: str = "both",
        parametrization: str = "standard",
        weights: str = "uniform",
        weight_scale: float = 3**-0.5,
        biases: str = "constant",
        bias_scale: float = 0.0,
        symmetric_init: bool = False,
        fit_intercept: bool = True,
        alpha: float = 0.0,
        max_iter: int = 200,
        batch_size: int = 1,
        block_size: int | Literal["auto"] = "auto",
        shuffle: bool = True,
        learning_rate: str = "constant",
        eta0: float | Literal["auto"] = "auto",
        power_t: float = 0.5,
        momentum: float = 0.0,
        average: bool | int = False,
        tol: float | None = 1e-4,
        n_iter_no_change: int = 10,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        warm_start: bool = False,
        verbose: bool | int = False,
        random_state: RandomState = None,
    ) -> None:
        super().__init__(
            width,
            loss=loss,
            activation=activation,
            train=train,
            parametrization=parametrization,
            weights=weights,
            weight_scale=weight_scale,
            biases=biases,
            bias_scale=bias_scale,
            symmetric_init=symmetric_init,
            fit_intercept=fit_intercept,
            alpha=alpha,
            max_iter=max_iter,
            batch_size=batch_size,
            block_size=block_size,
            shuffle=shuffle,
            learning_rate=learning_rate,
            eta0=eta0,
            power_t=power_t,
            momentum=momentum,
            average=average,
            tol=tol,
            n_iter_no_change=n_iter_no_change,
            early_stopping=early_stopping,
            validation_fraction=validation_fraction,
            warm_start=warm_start,
            verbose=verbose,
            random_state=random_state,
        )

    @available_with_reason(can_stream)
    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self,
        X: MatrixLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Pass once over X and y in the order given, going on from the fitted weights.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The next rows of the data.
        y : array-like of shape (n_samples,)
            Their labels.
        classes : array-like of shape (n_classes,), default=None
            All labels that will come; needed in the first call.
        sample_weight : array-like of shape (n_samples,), default=None
            Factors of their losses; None means 1.

        Returns
        -------
        self : object
            The network. After Ctrl-C it has the weights reached so far.

        Raises
        ------
        AttributeError
            With ``early_stopping=True``, which needs a validation set.
        ValueError, MemoryError
            As in `fit`; and in later calls for another width, or other columns
            than in the first. For the first call without `classes`, and for a label
            that is not among them.

        Warns
        -----
        ConvergenceWarning
            When SGD diverged; the last finite weights are kept.
        """
        learn_classes = partial(first_partial_fit, self, classes)
        return self._partial_fit(X, y, sample_weight, learn_classes)

    def decision_function(self, X: MatrixLike) -> np.ndarray:
        """The outputs of the network.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            The data.

        Returns
        -------
        N : ndarray of shape (n_samples,) or (n_samples, n_classes)
            N(x); with two classes, above 0 stands for ``classes_[1]``.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            For X with other columns than in `fit`, or not finite numbers.
        """
        return self._outputs(X)

    def predict(self, X: MatrixLike) -> np.ndarray:
        """The class of every row of X: the one with the largest output.

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
            For X with other columns than in `fit`, or not finite numbers.
        """
        codes = _winner(self._outputs(X))
        return self.classes_[codes]

    def _validate(self, X, y, dtype, resume, streaming):
        if y is not None:
            check_labels(y)
        X, y = check_data(self, X, y, accept_sparse="csr", dtype=dtype, reset=not resume)
        classes = self.classes_ if resume or streaming else np.unique(y)
        Y = signs_of_labels(y, classes, X.dtype, type(self).__name__)
        return X, Y, {"_flat": len(classes) == 2, "classes_": classes}

    def _score(self, N, Y, sample_weight):
        if Y.shape[1] == 1:
            N, Y = N[:, 0], Y[:, 0]
        return float(np.average(_winner(N) == _winner(Y), weights=sample_weight))


def _winner(N):
    """Codes of the predicted classes from outputs of shape (n,) or (n, n_classes)."""
    return (N > 0).astype(np.intp) if N.ndim == 1 else N.argmax(axis=1)
