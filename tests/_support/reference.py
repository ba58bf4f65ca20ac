"""Slow reference implementations of all fast paths: one formula a line, without speed.

Also draws and comparisons that several test files use.
"""

import math

import mpmath as mp
import numpy as np
from scipy import sparse, special

# name -> (value, derivative), from the definitions.
ACTIVATIONS = {
    "relu": (lambda z: np.where(z > 0, z, 0), lambda z: 1.0 * (z > 0)),
    "step": (lambda z: 1.0 * (z > 0), lambda z: 0 * z),
    "leaky_relu": (
        lambda z: np.where(z > 0, z, 0.01 * z),
        lambda z: np.where(z > 0, 1, 0.01),
    ),
    "abs": (np.abs, np.sign),
    "squared_relu": (lambda z: np.where(z > 0, z, 0) ** 2, lambda z: 2 * (z > 0) * z),
    "softplus": (lambda z: np.logaddexp(0, z), special.expit),
    "silu": (
        lambda z: z * special.expit(z),
        lambda z: special.expit(z) + z * special.expit(z) * special.expit(-z),
    ),
    "gelu": (
        lambda z: z * special.ndtr(z),
        lambda z: special.ndtr(z) + z * np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi),
    ),
    "tanh": (np.tanh, lambda z: 1 / np.cosh(np.clip(z, -300, 300)) ** 2),
    "sigmoid": (special.expit, lambda z: special.expit(z) * special.expit(-z)),
    "erf": (special.erf, lambda z: 2 / math.sqrt(math.pi) * np.exp(-(z**2))),
    "sin": (np.sin, np.cos),
    "cos": (np.cos, lambda z: -np.sin(z)),
    "identity": (lambda z: z, np.ones_like),
}

# The same activations in the precision of mpmath.
MP_ACTIVATIONS = {
    "relu": lambda z: max(z, 0),
    "step": lambda z: mp.mpf(z > 0),
    "leaky_relu": lambda z: max(z, z / 100),
    "abs": abs,
    "squared_relu": lambda z: max(z, 0) ** 2,
    "softplus": lambda z: mp.log1p(mp.exp(z)),
    "silu": lambda z: z / (1 + mp.exp(-z)),
    "gelu": lambda z: z * mp.ncdf(z),
    "tanh": mp.tanh,
    "sigmoid": lambda z: 1 / (1 + mp.exp(-z)),
    "erf": mp.erf,
    "sin": mp.sin,
    "cos": mp.cos,
    "identity": lambda z: z,
}

LOSSES = {
    "squared_error": (lambda p, y: (p - y) ** 2 / 2, lambda p, y: p - y),
    "hinge": (lambda p, y: max(0.0, 1 - y * p), lambda p, y: -y if y * p < 1 else 0.0),
    "log_loss": (
        lambda p, y: np.logaddexp(0.0, -y * p),
        lambda p, y: -y * np.exp(-np.logaddexp(0.0, y * p)),
    ),
}


def random_features(X, W, b, activation):
    """act(<w_i, x> + b_i) / sqrt(width), one value at a time."""
    act = ACTIVATIONS[activation][0]
    Z = np.empty((len(X), len(W)))
    for n, x in enumerate(X):
        for i, w in enumerate(W):
            Z[n, i] = act(np.float64(sum(w * x) + b[i])) / math.sqrt(len(W))
    return Z


def linearized_ntk(X, W, b, a, activation, train, has_biases):
    """Derivatives of sum_i a_i act(<w_i, x> + b_i) / sqrt(width), row by row."""
    act, slope = ACTIVATIONS[activation]
    rows = []
    for x in X:
        hidden, output = [], []
        for i in range(len(W)):
            z = np.float64(sum(W[i] * x) + b[i])
            inputs = [*x, 1.0] if has_biases else list(x)
            hidden += [a[i] * slope(z) * value / math.sqrt(len(W)) for value in inputs]
            output.append(act(z) / math.sqrt(len(W)))
        rows.append({"hidden": hidden, "output": output, "both": hidden + output}[train])
    return np.array(rows)


def relu_kernel(X, Y, weight_variance, bias_variance):
    """E[relu(<w, x> + b) relu(<w, y> + b)] for independent Gaussian w_j and b.

    The pre-activations are a centred Gaussian pair (p, q) with angle t. The expectation is
    |p| |q| (sin t + (pi - t) cos t) / (2 pi) (Cho and Saul, 2009).
    """
    covariance = weight_variance * X @ Y.T + bias_variance
    px = np.sqrt(weight_variance * (X**2).sum(axis=1) + bias_variance)
    py = np.sqrt(weight_variance * (Y**2).sum(axis=1) + bias_variance)
    t = np.arccos(np.clip(covariance / np.outer(px, py), -1, 1))
    return np.outer(px, py) * (np.sin(t) + (np.pi - t) * np.cos(t)) / (2 * np.pi)


def ridge(Z, Y, w, alpha, fit_intercept):
    """(U, c) that minimise sum w |y - z U - c|^2 + alpha |U|^2, by least squares."""
    s = np.sqrt(w)[:, np.newaxis]
    (n, p), k = Z.shape, int(fit_intercept)
    penalty = np.hstack([np.sqrt(alpha) * np.eye(p), np.zeros((p, k))])
    A = np.vstack([np.hstack([s * Z, s * np.ones((n, k))]), penalty])
    B = np.vstack([s * Y, np.zeros((p, Y.shape[1]))])
    solution = np.linalg.lstsq(A, B, rcond=None)[0]
    return solution[:p], solution[p] if fit_intercept else np.zeros(Y.shape[1])


def leave_one_out(Z, Y, w, alpha, fit_intercept):
    """Weighted mean squared error; each row is predicted by a fit to all other rows."""
    total = 0.0
    for i in np.flatnonzero(w):
        others = np.arange(len(Z)) != i
        U, c = ridge(Z[others], Y[others], w[others], alpha, fit_intercept)
        total += w[i] * np.mean((Y[i] - Z[i] @ U - c) ** 2)
    return total / w.sum()


def generalised_cross_validation(Z, Y, w, alpha, fit_intercept):
    """W^{-1} sum w (y - fit)^2 / (1 - trace(H) / n)^2, with the hat matrix H by columns."""
    used = w > 0
    Z, Y, w = Z[used], Y[used], w[used]
    U, c = ridge(Z, Y, w, alpha, fit_intercept)
    trace = 0.0
    for i, unit in enumerate(np.eye(len(Z))):
        u, d = ridge(Z, unit[:, np.newaxis], w, alpha, fit_intercept)
        trace += (Z[i] @ u + d)[0]
    mean = np.sum(w[:, np.newaxis] * (Y - Z @ U - c) ** 2) / (w.sum() * Y.shape[1])
    return mean / (1 - trace / len(Z)) ** 2


def forward(x, W, b, U, c, scale, activation):
    """The network N(x) for one row x."""
    a = ACTIVATIONS[activation][0](W @ x + b)
    return scale * U @ a + c


def row_losses(loss, N, Y):
    """(Losses of the rows, derivatives); the log loss of several outputs is softmax's."""
    if loss == "log_loss" and Y.shape[1] > 1:
        log_softmax = N - np.log(np.sum(np.exp(N), axis=1, keepdims=True))
        return -log_softmax[Y > 0], np.exp(log_softmax) - (Y > 0)
    value, slope = (np.vectorize(f)(N, Y) for f in LOSSES[loss])
    return value.sum(axis=1), slope


def step_size(t, eta0, power_t=0.0, cooldown=None):
    """The step of update t; `cooldown` is (last update before it, last update)."""
    eta = eta0 / t**power_t
    if cooldown is not None and t > cooldown[0]:
        eta *= (cooldown[1] + 1 - t) / (cooldown[1] + 1 - cooldown[0])
    return eta


def sgd(
    X,
    Y,
    sample_weight,
    weights,
    *,
    loss="squared_error",
    activation="relu",
    scale=1.0,
    batch_size=1,
    eta0=0.1,
    power_t=0.0,
    momentum=0.0,
    alpha=0.0,
    average_after=-1,
    cooldown=None,
    trained=("W", "b", "U", "c"),
):
    """SGD over the rows in order; returns (weights, averages, sum of w_i l_i).

    `weights` is a dict of W, b, U and c. Every update is the chain rule on full arrays.
    """
    theta = {name: array.astype(np.float64) for name, array in weights.items()}
    velocity = {name: np.zeros_like(array) for name, array in theta.items()}
    summed, n_summed = {name: 0.0 for name in theta}, 0
    act, slope = ACTIVATIONS[activation]
    total = 0.0
    for t, start in enumerate(range(0, len(X), batch_size), start=1):
        x, y, w = (
            array[start : start + batch_size].astype(np.float64)
            for array in (X, Y, sample_weight)
        )
        z = x @ theta["W"].T + theta["b"]
        N = scale * act(z) @ theta["U"].T + theta["c"]
        value, slopes = row_losses(loss, N, y)
        total += w @ value
        g = w[:, np.newaxis] * slopes / len(x)
        q = scale * (g @ theta["U"]) * slope(z)
        gradient = {
            "W": q.T @ x + alpha * theta["W"],
            "b": q.sum(axis=0),
            "U": scale * g.T @ act(z) + alpha * theta["U"],
            "c": g.sum(axis=0),
        }
        for name in trained:
            eta = step_size(t, eta0, power_t, cooldown)
            velocity[name] = momentum * velocity[name] - eta * gradient[name]
            theta[name] = theta[name] + velocity[name]
        if average_after >= 0 and t > average_after:
            summed, n_summed = {k: summed[k] + theta[k] for k in theta}, n_summed + 1
    return theta, {k: value / max(n_summed, 1) for k, value in summed.items()}, total


def triangle_wave(t, d):
    """psi(t) as printed in Proposition 4.6, in exact rational arithmetic."""
    from fractions import Fraction

    t, a = Fraction(t), 6 * d * d + 1
    total = max(t + a, 0)
    for n in range(1, a + 1):
        total += 2 * max(t + a - 2 * n, 0) * (-1) ** n
    return float(total - 1)


def gaussian_neurons(w, b, v, c):
    """Expectations of a pair of ReLU neurons with x ~ N(0, I), by Owen's T function.

    Returns E[relu relu], E[1_w 1_v], E[1_w relu_v], E[1_w x relu_v] and E[1_w 1_v x x'],
    by the textbook formulas, for w and v that are neither 0 nor parallel.
    """

    def phi(t):
        return math.exp(-(t**2) / 2) / math.sqrt(2 * math.pi)

    Phi, T = special.ndtr, special.owens_t
    w_norm, v_norm = np.linalg.norm(w), np.linalg.norm(v)
    e, f = w / w_norm, v / v_norm
    h, k, rho = b / w_norm, c / v_norm, e @ f
    s = math.sqrt(1 - rho**2)
    A, B = (k - rho * h) / s, (h - rho * k) / s
    if h == 0 and k == 0:
        P = 1 / 4 + math.asin(rho) / (2 * math.pi)
    else:
        ratios = [x / y if y else math.copysign(math.inf, x) for x, y in ((A, h), (B, k))]
        P = (Phi(h) + Phi(k)) / 2 - T(h, ratios[0]) - T(k, ratios[1])
        P -= 0 if h * k > 0 or (h * k == 0 and h + k >= 0) else 1 / 2
    M = (h * k + rho) * P + k * phi(h) * Phi(A) + h * phi(k) * Phi(B) + s * phi(h) * phi(A)
    D = k * P + phi(k) * Phi(B) + rho * phi(h) * Phi(A)
    S = e * phi(h) * v_norm * (s * phi(A) + (k - rho * h) * Phi(A)) + v * P
    K = P * np.eye(len(w))
    K -= h * phi(h) * Phi(A) * np.outer(e, e) + k * phi(k) * Phi(B) * np.outer(f, f)
    cross = np.outer(e, f) + np.outer(f, e) - rho * (np.outer(e, e) + np.outer(f, f))
    K += phi(h) * phi(A) / s * cross
    return w_norm * v_norm * M, P, v_norm * D, S, K


def csr_of_two_entries_each(X):
    """X as a CSR matrix that stores each value x as two entries, 3 x and -2 x."""
    n, d = X.shape
    entries = np.stack([3 * X, -2 * X], axis=2).ravel()
    columns = np.tile(np.repeat(np.arange(d), 2), n)
    return sparse.csr_matrix((entries, columns, np.arange(n + 1) * 2 * d), shape=X.shape)


def smoothed_relu(mean, deviation):
    """E[relu(mean + deviation z)]."""
    q = mean / deviation
    return mean * special.ndtr(q) + deviation * np.exp(-(q**2) / 2) / math.sqrt(2 * math.pi)


def zonal_sum(spectrum, rho):
    """sum_l N_l Lambda_l P_l(rho), with P_l by its recurrence."""
    d, energies = spectrum.n_features, np.exp(spectrum.log_energy) * spectrum.total
    before, now, total = 1.0, rho, energies[0]
    for degree in range(1, len(energies)):
        total += energies[degree] * now
        after = ((2 * degree + d - 2) * rho * now - degree * before) / (degree + d - 2)
        before, now = now, after
    return total


def rounds_to(value, text):
    """Whether `value` rounds to the number `text`, at the digits of `text`."""
    digits = len(text.split("e")[0].replace(".", "").lstrip("-0"))
    return float(f"{value:.{digits - 1}e}") == float(text)


def sphere_draw(width, d, seed):
    """Weights uniform on the sphere and standard Gaussian biases, from one generator."""
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(width, d))
    return W / np.linalg.norm(W, axis=1, keepdims=True), rng.normal(size=width)


def relative_error(value, exact):
    return np.linalg.norm(value - exact) / np.linalg.norm(exact)


def gradient_outer_product(function, X, weights, step=1e-5):
    """Weighted mean of the outer products of the gradients, by central differences."""
    M = np.zeros((X.shape[1], X.shape[1]))
    for x, weight in zip(X, weights, strict=True):
        moves = step * np.eye(len(x))
        differences = function(x + moves) - function(x - moves)
        gradients = differences.reshape(len(x), -1) / (2 * step)
        M += weight * gradients @ gradients.T
    return M / np.sum(weights)
