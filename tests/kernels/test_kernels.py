"""Infinite-width kernels: compared with integrals and finite widths, in estimators."""

from itertools import pairwise

import mpmath
import numpy as np
import pytest
import reference
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse, special, stats
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.kernel_approximation import Nystroem
from sklearn.kernel_ridge import KernelRidge
from sklearn.svm import SVC

from skrf import LinearizedNTKFeatures, RandomFeatures
from skrf._compiled import mixtures
from skrf.kernels import (
    WideNetworkKernel,
    _pairwise,
    arc_cosine_kernel,
    neural_tangent_kernel,
    random_feature_kernel,
)
from skrf.kernels._activation_duals import DUALS, Pairs

WITH_SLOPE = [name for name in DUALS if name != "step"]
KERNELS = [arc_cosine_kernel, random_feature_kernel, neural_tangent_kernel]
PIECEWISE = ["relu", "step", "leaky_relu", "abs", "squared_relu"]
SCALES = {"weight_scale": 1.3, "bias_scale": 0.7}


def expectation(f, s, t, c):
    """E f(p) f(q) for a centred Gaussian pair with variances s, t and covariance c.

    The inner integral is the conditional expectation of f(q) given p. Both integrals are
    cut where f may have a kink, at p = 0 and q = 0, and use Gauss-Legendre rules.
    """
    nodes, weights = np.polynomial.legendre.leggauss(60)
    nodes, weights = (nodes + 1) / 2, weights / 2
    deviation = np.sqrt(max(t - c * c / s, 0))
    total = 0.0
    for low, high in pairwise(np.sqrt(s) * np.array([-9.0, -4.0, 0.0, 4.0, 9.0])):
        p = low + (high - low) * nodes
        mean = (c / s * p)[:, np.newaxis]
        kink = np.clip(-mean / deviation, -9, 9)
        inner = 0.0
        for start, stop in ((-9, kink), (kink, 9)):
            x = start + (stop - start) * nodes
            inner += (stop - start) * weights * f(mean + deviation * x) * stats.norm.pdf(x)
        outer = f(p) * stats.norm.pdf(p, scale=np.sqrt(s))
        total += (high - low) * weights @ (outer * inner.sum(axis=1))
    return total


@pytest.mark.parametrize("activation", DUALS)
def test_equals_the_integral(activation, rng):
    X, Y = rng.normal(size=(2, 3)), rng.normal(size=(2, 3))
    value, slope = reference.ACTIVATIONS[activation]
    kernel = random_feature_kernel(X, Y, activation=activation, **SCALES)
    for i, j in np.ndindex(2, 2):
        s, t, c = (
            1.69 / 3 * a @ b + 0.49 for a, b in [(X[i],) * 2, (Y[j],) * 2, (X[i], Y[j])]
        )
        assert kernel[i, j] == pytest.approx(expectation(value, s, t, c), abs=1e-12)
        if activation != "step":
            tangent = neural_tangent_kernel(
                X[[i]], Y[[j]], activation=activation, train="hidden", **SCALES
            )
            expected = (X[i] @ Y[j] + 1) * expectation(slope, s, t, c)
            assert tangent[0, 0] == pytest.approx(expected, abs=1e-12)


def exact_arc_cosine(x, y, order):
    """The arc-cosine kernel over (|x| |y|)^order, and this unit, in mpmath's precision."""
    a, b = ([mpmath.mpf(float(v)) for v in row] for row in (x, y))
    lengths = mpmath.norm(a) * mpmath.norm(b)
    cosine = max(min(mpmath.fdot(a, b) / lengths, 1), -1)
    t = mpmath.acos(cosine)
    J = [
        mpmath.pi - t,
        mpmath.sin(t) + (mpmath.pi - t) * cosine,
        3 * mpmath.sin(t) * cosine + (mpmath.pi - t) * (1 + 2 * cosine**2),
    ][order]
    return J / mpmath.pi, lengths**order


@pytest.mark.parametrize("order", [0, 1, 2])
def test_arc_cosine_of_nearly_parallel_rows(order, rng):
    """Relative error 1e-12 down to equal rows, against 50 digits."""
    x = rng.normal(size=7)
    steps = np.r_[10.0 ** -np.arange(1, 14), 0]
    Y = x + steps[:, np.newaxis] * rng.normal(size=7)
    kernel = arc_cosine_kernel(x[np.newaxis], Y, order=order)[0]
    with mpmath.workdps(50):
        for y, value in zip(Y, kernel, strict=True):
            expected, unit = exact_arc_cosine(x, y, order)
            assert abs(value / (expected * unit) - 1) < 1e-12


@pytest.mark.parametrize("order", [0, 1, 2])
@pytest.mark.parametrize("length", [1e-30, 1.0, 1e70])
def test_arc_cosine_of_nearly_opposite_rows(order, length, rng):
    """The kernel is nearly 0, like the power 2 order + 1 of the distance, to 50 digits.

    Rounding the rows to unit length moves the angle by 1e-16, so the relative error is
    about 1e-16 over the distance.
    """
    x = rng.normal(size=7)
    steps = 10.0 ** -np.arange(1, 12)
    Y = -x + steps[:, np.newaxis] * rng.normal(size=7)
    kernel = arc_cosine_kernel(length * x[np.newaxis], length * Y, order=order)[0]
    with mpmath.workdps(80):
        for y, step, value in zip(Y, steps, kernel, strict=True):
            expected, unit = exact_arc_cosine(length * x, length * y, order)
            assert abs(value / (expected * unit) - 1) < 1e-7 + 1e-14 / step
    assert abs(arc_cosine_kernel([x], [-x], order=order)) < 1e-7 ** (2 * order + 1)


@pytest.mark.parametrize(
    "activation", ["relu", "squared_relu", "leaky_relu", "abs", "step"]
)
@pytest.mark.parametrize("train", ["output", "hidden"])
@pytest.mark.parametrize("angle", [1e-6, 1e-3, 0.5, 0.99, 1.01, 3.1])
def test_duals_near_opposite_pairs(activation, train, angle):
    """Relative errors for pi - angle, where sums of terms nearly cancel."""
    part = ["output", "hidden"].index(train)
    dual = DUALS[activation][part]
    if dual is None:
        return
    with mpmath.workdps(50):
        d = mpmath.mpf(angle)
        order_0 = d / (2 * mpmath.pi)
        order_1 = (mpmath.sin(d) - d * mpmath.cos(d)) / (2 * mpmath.pi)
        order_2 = d * (1 + 2 * mpmath.cos(d) ** 2) - 3 * mpmath.sin(d) * mpmath.cos(d)
        leak = mpmath.mpf(0.01)
        expected = {
            "relu": (order_1, order_0),
            "squared_relu": (order_2 / (2 * mpmath.pi), 4 * order_1),
            "leaky_relu": (
                -leak * mpmath.cos(d) + (1 - leak) ** 2 * order_1,
                leak + (1 - leak) ** 2 * order_0,
            ),
            "abs": (4 * order_1 + mpmath.cos(d), 4 * order_0 - 1),
            "step": (order_0, None),
        }[activation][part]
        opposite = float(2 * mpmath.sin(d / 2) ** 2)
        one = np.ones((1, 1))
        value = dual(Pairs(one, one, (2 - opposite) * one, opposite * one))[0, 0]
        assert abs(value / expected - 1) < 1e-13


def test_deep_relu_of_nearly_parallel_rows(rng):
    """The tangent kernel of three layers, against 50 digits of the recursion."""
    x = rng.normal(size=5)
    for step in (1e-3, 1e-8, 1e-11, 0):
        y = x + step * rng.normal(size=5)
        value = neural_tangent_kernel([x], [y], depth=3, **SCALES)[0, 0]
        with mpmath.workdps(50):
            a, b = ([mpmath.mpf(float(v)) for v in row] for row in (x, y))
            w, shift = mpmath.mpf(1.3) ** 2, mpmath.mpf(0.7) ** 2
            tangent = mpmath.fdot(a, b) + 1
            s, t, c = (
                w / 5 * mpmath.fdot(*pair) + shift for pair in [(a, a), (b, b), (a, b)]
            )
            for _ in range(3):
                cosine = min(c / mpmath.sqrt(s * t), 1)
                angle = mpmath.acos(cosine)
                J = mpmath.sin(angle) + (mpmath.pi - angle) * cosine
                kernel = mpmath.sqrt(s * t) * J / (2 * mpmath.pi)
                hidden = (mpmath.pi - angle) / (2 * mpmath.pi) * tangent
                tangent = w * hidden + kernel + 1
                s, t, c = w * s / 2 + shift, w * t / 2 + shift, w * kernel + shift
            assert abs(value / (hidden + kernel) - 1) < 1e-12


def test_tangent_kernel_of_opposite_rows(rng):
    """No ReLU neuron without bias is active for both rows, so the kernel is 0."""
    x = rng.normal(size=(1, 3))
    assert abs(neural_tangent_kernel(x, -x, bias_scale=0.0)[0, 0]) < 1e-15 * np.sum(x**2)


@pytest.mark.parametrize("activation", ["step", "relu", "leaky_relu", "abs"])
def test_deep_kernels_of_nearly_parallel_rows(activation, rng):
    """Rounding errors do not grow over four layers; compared with 50 digits."""
    leak = {"leaky_relu": mpmath.mpf("0.01"), "abs": -1}.get(activation, 0)

    def exact_dual(s, t, c):
        """E act(p) act(q) for act(z) = relu(z) - leak relu(-z), or for the step."""
        cosine = min(c / mpmath.sqrt(s * t), 1)
        angle = mpmath.acos(cosine)
        if activation == "step":
            return (mpmath.pi - angle) / (2 * mpmath.pi)
        J = mpmath.sin(angle) + (mpmath.pi - angle) * cosine
        relu = mpmath.sqrt(s * t) * J / (2 * mpmath.pi)
        return leak * c + (1 - leak) ** 2 * relu

    x = rng.normal(size=3)
    for step in (1e-3, 1e-8, 0):
        y = x + step * rng.normal(size=3)
        K = random_feature_kernel([x], [y], activation=activation, depth=4, **SCALES)
        with mpmath.workdps(50):
            a, b = ([mpmath.mpf(float(v)) for v in row] for row in (x, y))
            w, shift = mpmath.mpf(1.3) ** 2, mpmath.mpf(0.7) ** 2
            s, t, c = (
                w / 3 * mpmath.fdot(*pair) + shift for pair in [(a, a), (b, b), (a, b)]
            )
            for _ in range(4):
                moments = exact_dual(s, s, s), exact_dual(t, t, t), exact_dual(s, t, c)
                s, t, c = (w * moment + shift for moment in moments)
            assert abs(K[0, 0] / moments[2] - 1) < 1e-12


def test_arc_cosine_is_the_relu_kernel(rng):
    X = rng.normal(size=(4, 3))
    relu = random_feature_kernel(X, weight_scale=np.sqrt(3), bias_scale=0.0)
    np.testing.assert_allclose(2 * relu, arc_cosine_kernel(X), rtol=1e-14)
    np.testing.assert_allclose(
        relu, reference.relu_kernel(X, X, 1.0, 0.0), rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("train", ["hidden", "output", "both"])
@pytest.mark.parametrize("bias_scale", [0.0, 0.7])
@pytest.mark.parametrize("activation", ["relu", "erf", "cos", "gelu"])
def test_finite_widths_converge(activation, bias_scale, train, rng):
    """Means over draws lie within five standard errors of the limit."""
    X = rng.normal(size=(3, 4))
    biases = "gaussian" if bias_scale else "none"
    scales = {"weight_scale": 1.3, "bias_scale": bias_scale}
    grams = []
    for seed in range(60):
        features = LinearizedNTKFeatures(
            500,
            activation=activation,
            train=train,
            biases=biases,
            random_state=seed,
            **scales,
        )
        F = features.fit_transform(X)
        grams.append(F @ F.T)
    limit = neural_tangent_kernel(X, activation=activation, train=train, **scales)
    error = np.abs(np.mean(grams, axis=0) - limit)
    assert (error < 5 * np.std(grams, axis=0) / np.sqrt(60)).all()


def test_inner_products_converge_at_the_known_rate(rng):
    """sqrt(width) times the error has the standard deviation of one neuron's product."""
    X = rng.normal(size=(2, 4))
    limit = random_feature_kernel(X)[0, 1]
    # One neuron's product has the variance E[relu(p)^2 relu(q)^2] - limit^2.
    squares = random_feature_kernel(X, activation="squared_relu")[0, 1]
    constant = np.sqrt(squares - limit**2)
    for width in (100, 400, 1600):
        errors = []
        for seed in range(200):
            F = RandomFeatures(width, random_state=seed).fit_transform(X)
            errors.append(F[0] @ F[1] - limit)
        spread = np.sqrt(width) * np.sqrt(np.mean(np.square(errors)))
        assert spread == pytest.approx(constant, rel=0.25)


@pytest.mark.parametrize("kernel", [random_feature_kernel, neural_tangent_kernel])
@pytest.mark.parametrize("activation", WITH_SLOPE)
@settings(max_examples=20)
@given(seed=st.integers(0, 1000), n=st.integers(1, 8), d=st.integers(1, 5))
def test_positive_semidefinite(kernel, activation, seed, n, d):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) * rng.choice([0, 1e-3, 1, 3], (n, 1))
    K = kernel(X, activation=activation, **SCALES)
    np.testing.assert_allclose(K, K.T, rtol=1e-12, atol=1e-13)
    assert np.linalg.eigvalsh(K).min() >= -1e-10 * max(1.0, np.abs(K).max())


@pytest.mark.parametrize("kernel", KERNELS)
def test_kernels_do_not_depend_on_rotations_and_permutations(kernel, rng):
    X, Y = rng.normal(size=(3, 4)), rng.normal(size=(5, 4))
    columns, rows = rng.permutation(4), rng.permutation(3)
    permuted = kernel(X[rows][:, columns], Y[:, columns])
    np.testing.assert_allclose(permuted, kernel(X, Y)[rows], rtol=1e-12)
    rotation = stats.ortho_group.rvs(4, random_state=0)
    np.testing.assert_allclose(kernel(X @ rotation, Y @ rotation), kernel(X, Y), rtol=1e-12)


@pytest.mark.parametrize("kernel", KERNELS)
def test_dtypes_sparse_rows_and_blocks(kernel, rng, monkeypatch):
    X = rng.normal(size=(7, 4)) * (rng.uniform(size=(7, 4)) < 0.7)
    X[6] = X[2]
    K = kernel(X)
    single = kernel(X.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, K, rtol=2e-6, atol=1e-6)
    for container in (sparse.csr_array, sparse.csr_matrix):
        np.testing.assert_allclose(kernel(container(X)), K, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(kernel(X, container(X)), K, rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(K[6], K[2])
    from skrf._utils import blocks

    monkeypatch.setattr(blocks, "BLOCK_ELEMENTS", 10)
    np.testing.assert_allclose(kernel(X), K, rtol=1e-13)


def test_sparse_rows_with_several_entries_for_a_place(rng):
    """The norm of a row is not the norm of its stored entries."""
    X = rng.normal(size=(6, 3))
    repeated = reference.csr_of_two_entries_each(X)
    for kernel in [*KERNELS, WideNetworkKernel()]:
        np.testing.assert_allclose(kernel(repeated), kernel(X), rtol=1e-13, atol=1e-14)
        np.testing.assert_allclose(kernel(X, repeated), kernel(X), rtol=1e-13, atol=1e-14)
    diagonals = WideNetworkKernel().diag(repeated), WideNetworkKernel().diag(X)
    np.testing.assert_allclose(*diagonals, rtol=1e-14)
    assert repeated.nnz == 36  # the kernels do not change their argument


@pytest.mark.parametrize("activation", WITH_SLOPE)
def test_zero_rows_and_large_rows(activation):
    X = np.array([[0.0, 0.0], [1e6, 1e6], [1e6, -1e6], [1e-9, 0.0]])
    for bias_scale in (0.0, 1.0):
        options = {"activation": activation, "bias_scale": bias_scale}
        for kernel in (random_feature_kernel, neural_tangent_kernel):
            assert np.isfinite(kernel(X, **options)).all()


def test_kernel_machines(rng):
    X = rng.normal(size=(60, 3))
    y = np.maximum(X[:, 0], 0)
    assert SVC(kernel=random_feature_kernel).fit(X, y > 0.3).score(X, y > 0.3) > 0.9
    # KernelRidge calls a function for each pair of rows, and a kernel object once.
    by_pairs = KernelRidge(kernel=neural_tangent_kernel, alpha=1e-3).fit(X[:20], y[:20])
    at_once = KernelRidge(kernel=WideNetworkKernel(), alpha=1e-3).fit(X[:20], y[:20])
    assert at_once.score(X[:20], y[:20]) > 0.95
    predictions = by_pairs.predict(X[:30]), at_once.predict(X[:30])
    np.testing.assert_allclose(*predictions, rtol=1e-9)
    kernel = WideNetworkKernel(activation="erf", train="output", bias_scale=0.5)
    mapped = Nystroem(kernel=kernel, n_components=60).fit_transform(X)
    limit = random_feature_kernel(X, activation="erf", bias_scale=0.5)
    np.testing.assert_allclose(mapped @ mapped.T, limit, atol=1e-6)


def test_repr_of_kernel_objects_has_scales_instead_of_logarithms():
    kernel = WideNetworkKernel("erf", "output", weight_scale=3.0, bias_scale=0.5)
    text = "WideNetworkKernel('erf', 'output', weight_scale=3, bias_scale=0.5, depth=1)"
    assert repr(kernel) == text
    assert repr(2 * kernel) == f"1.41**2 * {text}"


@pytest.mark.parametrize("bounds", [(1e-2, 1e2), "fixed"])
@pytest.mark.parametrize("train", ["both", "hidden", "output"])
def test_kernel_object(train, bounds, rng):
    """Diagonal and gradients; the gradients are compared with coarse differences."""
    X = rng.normal(size=(5, 3))
    kernel = WideNetworkKernel(train=train, depth=2, bias_scale_bounds=bounds)
    K, gradient = kernel(X, eval_gradient=True)
    np.testing.assert_allclose(kernel.diag(X), np.diag(K), rtol=1e-13)
    assert gradient.shape == (5, 5, len(kernel.theta))
    for k in range(len(kernel.theta)):
        h = 1e-3 * np.eye(len(kernel.theta))[k]
        low, high = (kernel.clone_with_theta(kernel.theta + s * h)(X) for s in (-1, 1))
        np.testing.assert_allclose(
            gradient[..., k], (high - low) / 2e-3, rtol=1e-4, atol=1e-5
        )
    assert not kernel.is_stationary()


def test_gaussian_process_finds_the_scales(rng):
    """The targets are functions drawn from the Gaussian process with this kernel."""
    X = rng.normal(size=(40, 2))
    truth = WideNetworkKernel(train="output", weight_scale=3.0, bias_scale=0.5)
    y = rng.multivariate_normal(np.zeros(40), truth(X) + 1e-8 * np.eye(40), size=20).T
    model = GaussianProcessRegressor(WideNetworkKernel(train="output"), alpha=1e-6)
    fitted = model.fit(X, y).kernel_
    assert fitted.weight_scale == pytest.approx(3.0, rel=0.2)
    assert fitted.bias_scale == pytest.approx(0.5, rel=0.4)


@pytest.mark.parametrize("depth", [1, 2])
def test_step_kernel_of_a_row_of_zeros_is_zero(depth):
    # act(0) = 0, so without biases the features of the row are 0 in every layer.
    X = np.array([[0.0, 0.0], [1.0, 2.0]])
    kernel = WideNetworkKernel("step", "output", bias_scale=0.0, depth=depth)
    np.testing.assert_allclose(kernel(X), [[0, 0], [0, 0.5]], atol=1e-15)
    np.testing.assert_array_equal(kernel.diag(X), np.diag(kernel(X)))


@pytest.mark.parametrize("scale", [5e-324, 1e-170, 1e155, 1e308])
@pytest.mark.parametrize("matrix", [np.array, sparse.csr_array])
def test_angles_of_rows_whose_squares_leave_the_range(scale, matrix):
    X, Y = matrix([[scale, scale]]), matrix([[scale, 0.0], [scale, scale]])
    K = arc_cosine_kernel(X, Y, order=0)
    np.testing.assert_allclose(K, [[0.75, 1.0]], rtol=1e-15)


def test_erf_of_rows_whose_squares_overflow():
    X = np.array([[1e200, 0.0], [0.0, 1e200], [-1e200, 0.0]])
    K = random_feature_kernel(X, activation="erf", bias_scale=0.0)
    np.testing.assert_allclose(K, [[1, 0, -1], [0, 1, 0], [-1, 0, 1]], atol=1e-15)


def test_kernels_that_overflow_are_refused():
    with pytest.raises(ValueError, match=r"overflow float64. Scale X and Y"):
        WideNetworkKernel().diag([[1e200, 0.0]])


@pytest.mark.filterwarnings("error")
def test_one_row_against_many_of_a_mixture(rng):
    X = rng.normal(size=(4, 3))
    K = random_feature_kernel(X, activation="tanh")
    first_row = random_feature_kernel(X[:1], X, activation="tanh")
    np.testing.assert_allclose(first_row, K[:1], rtol=1e-12)


def test_rows_and_pairs_in_threads(rng):
    """Blocks of rows, and the transposed shapes of the inner layers."""
    X, Y = rng.normal(size=(70, 3)), rng.normal(size=(900, 3))
    options = {"activation": "silu", "depth": 2}
    K = neural_tangent_kernel(X, Y, **options)
    turned, few = (neural_tangent_kernel(*p, **options) for p in ((Y, X), (X[:3], Y)))
    np.testing.assert_allclose(turned.T, K, rtol=1e-12)
    np.testing.assert_allclose(few, K[:3], rtol=1e-12)


def test_long_work_is_said_before(rng, monkeypatch):
    monkeypatch.setattr(_pairwise, "_LONG", -1.0)
    X = rng.normal(size=(700, 3))
    with pytest.warns(UserWarning, match=r"700 x 700 rows takes about 0 s. Use fewer"):
        neural_tangent_kernel(X)


def test_large_rows_have_the_kernel_of_the_limit():
    """tanh becomes the sign, and softplus the relu."""
    for scale in (1e8, 1e12, 1e200):
        X = scale * np.array([[1.0, 0.0], [1.0, 1.0], [-1.0, 0.0]])
        K = random_feature_kernel(X, activation="tanh", bias_scale=0.0)
        expected = [[1, 0.5, -1], [0.5, 1, -0.5], [-1, -0.5, 1]]
        np.testing.assert_allclose(K, expected, rtol=1e-7)
    X /= 1e100
    softplus, relu = (
        random_feature_kernel(X, activation=name, bias_scale=0.0)
        for name in ("softplus", "relu")
    )
    np.testing.assert_allclose(softplus, relu, rtol=1e-12, atol=1e-12 * relu.max())


MIXTURES = ["tanh", "sigmoid", "silu", "softplus", "gelu"]


def test_the_logistic_function_is_the_mixture():
    scales, weights = mixtures.logistic_mixture()
    z = np.linspace(-60, 60, 5001)
    mixture = special.ndtr(z[:, np.newaxis] / scales) @ weights
    np.testing.assert_allclose(mixture, special.expit(z), rtol=0, atol=2e-13)


def panels(marks):
    """Nodes and Gaussian weights of Gauss-Legendre rules between marks on the last axis."""
    nodes, weights = np.polynomial.legendre.leggauss(24)
    marks = np.sort(marks, axis=-1)
    low, width = marks[..., :-1, np.newaxis], np.diff(marks)[..., np.newaxis]
    x = low + width * (nodes + 1) / 2
    shape = *marks.shape[:-1], -1
    return x.reshape(shape), (width * weights / 2 * stats.norm.pdf(x)).reshape(shape)


def fine_expectation(f, p, q, cosine, sine):
    """E f(p g) f(q (cosine g + sine h)), with panels that grow from where f bends."""
    bends, ends = np.r_[0, 2.0 ** np.arange(11)], np.array([-9, -4, -2, 0, 2, 4, 9])
    bends = np.r_[-bends[::-1], bends]
    scale = np.maximum(q * np.abs(cosine), 1e-3)
    g, weights = panels(np.clip(np.r_[ends, bends / p, bends / scale], -9, 9))
    mean = (q * cosine * g)[:, np.newaxis]
    near = (bends[np.abs(bends) < 40] - mean) / max(q * sine, 1e-300)
    marks = np.hstack([np.broadcast_to(ends, (len(g), len(ends))), near])
    h, inner = panels(np.clip(marks, -9, 9))
    return weights * f(p * g) @ (inner * f(mean + q * sine * h)).sum(axis=1)


@pytest.mark.parametrize("part", [0, 1])
@pytest.mark.parametrize("activation", MIXTURES)
@pytest.mark.parametrize(
    ("p", "q"), [(1e-6, 1e-6), (0.3, 1e-3), (4.0, 0.3), (1000.0, 4.0), (1000.0, 1000.0)]
)
def test_mixtures_at_all_scales(p, q, activation, part):
    """Error 1e-12 of sqrt(k(x, x) k(y, y)), from parallel to opposite rows."""
    f, dual = reference.ACTIVATIONS[activation][part], DUALS[activation][part]
    one = np.ones((1, 1))
    squares = [panels(np.r_[-9, -4, 4, 9, np.linspace(-40, 40, 41) / s]) for s in (p, q)]
    norms = [w @ f(s * g) ** 2 for s, (g, w) in zip((p, q), squares, strict=True)]
    for versine in (0.0, 1e-12, 1e-4, 0.6, 1.5, 2.0):
        pairs = Pairs(p * one, q * one, versine * one, (2 - versine) * one)
        expected = fine_expectation(f, p, q, pairs.cosine[0, 0], pairs.sine[0, 0])
        error = abs(dual(pairs)[0, 0] - expected)
        assert error < 1e-12 * np.sqrt(norms[0] * norms[1])


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("activation", MIXTURES)
def test_mixtures_of_parallel_and_opposite_rows(activation, sign):
    """A single integral, in 30 digits, at standard deviations of 1,000 and 30."""
    act, one = reference.MP_ACTIVATIONS[activation], np.ones((1, 1))
    versine = (1 - sign) * one
    with mpmath.workdps(30):
        marks = [s * mpmath.mpf(b) / 1000 for b in (0, 3, 40, 1000, 9000) for s in (-1, 1)]
        expected = mpmath.quad(
            lambda g: act(1000 * g) * act(sign * 30 * g) * mpmath.npdf(g), sorted(marks)
        )
    dual = DUALS[activation][0]
    value = dual(Pairs(1000 * one, 30 * one, versine, 2 - versine))[0, 0]
    norms = [dual(Pairs(s * one, s * one, 0 * one))[0, 0] for s in (1000, 30)]
    assert abs(value - expected) < 1e-13 * np.sqrt(norms[0] * norms[1])
