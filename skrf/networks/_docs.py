"""Documentation that the regressor and the classifier have in common."""

from inspect import cleandoc

# In the order of the signature: network, initialisation, objective, optimisation, stopping,
# everything else.
_PARAMETERS = r"""
width : int, default=100
    Number r of hidden neurons.
activation : str, default="relu"
    Activation of the hidden neurons, a key of `skrf.activations.ACTIVATIONS`. "step"
    requires ``train="output"``.
parametrization : {"standard", "ntk"}, default="standard"
    Scaling of the network: s = 1 and initial output weights uniform on +-1/sqrt(width)
    for "standard", s = 1/sqrt(width) and random signs for "ntk".
fit_intercept : bool, default=True
    Whether to fit an output intercept c.
weights : {"uniform", "gaussian", "sphere"}, default="uniform"
    Distribution of the initial hidden weights, with
    :math:`E\|w\|^2 = weight\_scale^2`.
weight_scale : float, default=1/sqrt(3)
    Root mean square length of the initial hidden weights. The default with uniform weights
    is the fan-in distribution U(+-1/sqrt(n_features)).
biases : {"constant", "gaussian", "uniform", "none"}, default="constant"
    Distribution of the initial hidden biases, with :math:`E b^2 = bias\_scale^2`. "none"
    means a network without hidden biases.
bias_scale : float, default=0.0
    Root mean square of the initial hidden biases. An odd activation learns even functions
    only with a positive `bias_scale`.
symmetric_init : bool, default=False
    Whether to initialise the network at N = 0. Neurons i and i + width/2 then have the
    same initial hidden weights and opposite output weights. Requires an even `width`.
loss : {"auto", "squared_error", "hinge", "log_loss"}, default="auto"
    Loss function: (N - y)^2 / 2 for "squared_error", max(0, 1 - y N) with y in {-1, 1} for
    "hinge". "log_loss", of the classifier only, is log(1 + exp(-y N)) for two classes, and
    the log loss of the softmax for more. "auto" is "squared_error" in the regressor and
    "hinge" in the classifier.
alpha : float or "auto", default="auto"
    Strength of the L2 penalty. "auto" chooses the penalty from the error of a first fit on
    4 of 5 rows (see Notes). The penalty acts on the network in the units of training.
train : {"both", "output", "hidden"}, default="both"
    Layers to train: both, only the output weights u, or only the hidden weights and
    biases. The intercept c is trained in each case.
batch_size : int, default=1
    Number of rows in a mini-batch. The last mini-batch of an epoch may have fewer.
block_size : int or "auto", default="auto"
    Number of rows processed between two updates of the full hidden weight matrix. Affects
    speed, and the result only by rounding. "auto" is usually the fastest.
shuffle : bool, default=True
    Whether `fit` shuffles the rows before each epoch.
learning_rate : {"cooldown", "constant", "invscaling"}, default="cooldown"
    Schedule of the learning rate. "cooldown" is constant, and then falls linearly to 0
    over the last fifth of the epochs. "constant" uses eta0 in all updates, "invscaling"
    eta0 / t**power_t in update t. `partial_fit` never cools down.
eta0 : float or "auto", default="auto"
    Initial learning rate. "auto" estimates the learning rate from the first gradients, and
    trains the regressor on standardised targets (see Notes).
power_t : float, default=0.5
    Exponent of the "invscaling" schedule.
momentum : float, default=0.0
    Heavy-ball momentum in [0, 1).
average : bool or int, default=False
    Whether to average the weights over all updates. An integer n starts the average at
    update n.
max_iter : int, default=50
    Maximum number of epochs, with the cooldown.
tol : float or None, default=1e-4
    Minimum improvement of the training loss, relative to the loss of the best constant
    prediction, or of the validation score with `early_stopping`. None runs all `max_iter`
    epochs.
n_iter_no_change : int, default=10
    Number of consecutive epochs with an improvement below `tol` after which training stops,
    or the cooldown begins.
early_stopping : bool, default=False
    Whether to stop on the score of a validation set and return the weights with the best
    score (see Notes).
validation_fraction : float, default=0.1
    Fraction of the rows in the validation set. Used only with `early_stopping`.
warm_start : bool, default=False
    Whether `fit` continues from the fitted weights.
verbose : bool or int, default=False
    Whether to print the loss of each epoch.
random_state : int, RandomState instance or None, default=None
    Controls the initial weights, the validation set and the order of the rows. Pass an int
    for reproducible output across multiple function calls.
"""

_ATTRIBUTES = """
hidden_weights_ : ndarray of shape (width, n_features)
    Hidden weights W.
hidden_biases_ : ndarray of shape (width,)
    Hidden biases b.
output_weights_ : ndarray of shape (width,) or (n_outputs, width)
    Output weights u.
output_bias_ : float or ndarray of shape (n_outputs,)
    Output intercept c.
loss_curve_ : list of float
    Mean training loss of each epoch, without the penalty, in the units of training. The
    loss of a row is taken before the update on the row.
validation_scores_ : list of float or None
    Score on the validation set after each epoch, with `early_stopping`.
n_iter_ : int
    Number of epochs of the last call.
t_ : int
    Number of updates since the initialisation.
eta0_ : float
    Learning rate of the first update, after all halvings.
alpha_ : float
    Penalty in use.
n_features_in_ : int
    Number of columns seen in `fit`.
feature_names_in_ : ndarray of shape (n_features,)
    Names of the columns, if all of them are strings.
"""

_NOTES = r"""
One update uses the gradient
:math:`\sum_j \omega_j \nabla \ell_j / |batch| + \alpha (W, u)` of a mini-batch with sample
weights :math:`\omega`. Losses are summed over outputs. The penalty excludes biases and
weights that are not trained. ``batch_size=1`` is the SGD of [1]_, and the network without
intercept is its Eq. (1). ``train="both"`` is studied in Section 2.2 of [1]_, and
``train="hidden"`` is the coupling argument of Section 2.1.

``eta0="auto"`` is twice the estimate of the largest stable learning rate,

.. math:: (1 - momentum) \min\left(\frac{1}{\max_i h \|\nabla N(x_i)\|^2 + \alpha},
          \frac{1}{RMS_i \|\nabla \ell_i\|}\right),

at the initial weights, on up to 1,000 rows. The bound h of the second derivative of the
loss is 1, or 1/4 for the log loss of one output and 1/2 for that of several. With other
schedules than "cooldown" and in `partial_fit`, the estimate itself is used. The estimate
ignores the batch size. A sample weight multiplies the gradients of its row. With several
outputs, :math:`\|\nabla N\|^2` is the largest eigenvalue of the tangent kernel.

`fit` starts again at half the learning rate if the loss grows without bound, or if more
than half of the neurons die. A neuron is dead if its derivative is 0 on all rows. A warm
start and `partial_fit` halve the learning rate and continue from the last finite weights.

With ``eta0="auto"``, `fit` of the regressor trains on (y - mean) / standard deviation of
each output, and the fitted weights describe the same network in the units of y. Without an
intercept, y is divided by its root mean square. Warm starts and `partial_fit` keep these
units. With a number as `eta0`, every update is the textbook update on y as given.

``alpha="auto"`` fits 4 of 5 rows for 20 epochs with a small penalty, and sets alpha to
20 / n_samples times the error on the fifth: the mean squared error relative to the variance
of y, or the fraction of wrong signs or labels. Where all columns are small, alpha is
multiplied by the root mean square of the largest column. ``alpha="auto"`` is 0 with a
number as `eta0`, with fewer than 20 rows, and in `partial_fit` of a new network. A warm
start keeps the penalty.

If the stopping rule ends the constant part of "cooldown" before its last fifth, the
cooldown starts there, with `early_stopping` from the best weights, and takes a quarter of
the epochs so far [2]_. Rows of weight 0 count as removed.

With `early_stopping`, the validation score of the regressor is R^2, or minus the mean loss
for the hinge loss and for targets that are all equal. The validation score of the
classifier is the accuracy, and its validation set is stratified if there are enough rows
of each class.
"""

_REFERENCE = """
.. [1] G. Yehudai and O. Shamir, "On the Power and Limitations of Random Features for
   Understanding Neural Networks", NeurIPS 2019.
.. [2] A. Hägele et al., "Scaling Laws and Compute-Optimal Training Beyond Fixed Training
   Durations", NeurIPS 2024.
"""

_SECTIONS = {
    "{parameters}": _PARAMETERS,
    "{attributes}": _ATTRIBUTES,
    "{notes}": _NOTES,
    "{reference}": _REFERENCE,
}


def with_common_sections(cls):
    """Replace ``{parameters}`` and the like in the docstring of a class, if it has one."""
    if cls.__doc__ is not None:  # None under `python -OO`
        doc = cleandoc(cls.__doc__)
        for placeholder, section in _SECTIONS.items():
            doc = doc.replace(placeholder, section.strip())
        cls.__doc__ = f"{doc}\n"
    return cls
