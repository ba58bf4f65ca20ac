"""Exact gaps between a trained network and its initialisation, for Gaussian inputs."""

import numpy as np
import pytest
import reference
from scipy.special import ndtr

from skrf.gaussian import (
    coupling_gap,
    feature_gap,
    flip_probability,
    linearization_gap,
    relu_gram,
)


@pytest.fixture
def trained(rng):
    """u0, W0, b0, u, W, b of a trained network."""
    W0, b0, u0 = rng.normal(size=(8, 5)) / 2, 0.4 * rng.normal(size=8), rng.normal(size=8)
    W, b = W0 + 0.2 * rng.normal(size=(8, 5)), b0 + 0.1 * rng.normal(size=8)
    return u0, W0, b0, u0 + 0.2 * rng.normal(size=8), W, b


def test_gaps_agree_with_a_sample(trained, rng):
    u0, W0, b0, u, W, b = trained
    X = rng.normal(size=(400_000, 5))
    Z0, Z = X @ W0.T + b0, X @ W.T + b
    R0, R = np.maximum(Z0, 0), np.maximum(Z, 0)
    linear = R0 @ u + ((Z0 > 0) * (Z - Z0)) @ u0
    for gap, difference in (
        (feature_gap(u, W0, b0, W, b), (R - R0) @ u),
        (coupling_gap(u, W0, b0, W, b), (R - (Z0 > 0) * Z) @ u),
        (linearization_gap(u0, W0, b0, u, W, b), R @ u - linear),
    ):
        error = np.std(difference**2) / 630
        assert gap**2 == pytest.approx(np.mean(difference**2), abs=6 * error)
    flips = np.mean((Z0 > 0) != (Z > 0), axis=0)
    np.testing.assert_allclose(flip_probability(W0, b0, W, b), flips, atol=6 * 0.5 / 630)


def test_linearization_gap_equals_the_reference_implementation(trained):
    """The square of the gap, from the moments of every pair of neurons."""
    u0, W0, b0, u, W, b = trained
    r, d = W0.shape
    D = u0[:, np.newaxis] * (W - W0)
    shift = u0 * (b - b0)
    relus = [(u[i], W[i], b[i]) for i in range(r)] + [
        (-u[i], W0[i], b0[i]) for i in range(r)
    ]
    nudge = 1e-5 * np.arange(1, d + 1)  # the reference does not support parallel neurons
    total = 0.0
    for a, w, p in relus:
        for c, v, q in relus:
            total += a * c * reference.gaussian_neurons(w, p, v + nudge, q)[0]
    for i in range(r):
        for a, v, q in relus:
            moments = reference.gaussian_neurons(W0[i], b0[i], v + nudge, q)
            total -= 2 * a * (D[i] @ moments[3] + shift[i] * moments[2])
    X = np.random.default_rng(1).normal(size=(1_000_000, d))
    tangent = ((X @ W0.T + b0 > 0) * (X @ D.T + shift)).sum(axis=1) ** 2
    square = linearization_gap(u0, W0, b0, u, W, b) ** 2
    assert square == pytest.approx(total + tangent.mean(), abs=6 * tangent.std() / 1000)


def test_flips_without_biases_are_angles(rng):
    angles = np.array([0.0, 1e-12, 1e-6, 0.01, 0.5, 1.5, 3.0, np.pi])
    W0 = np.tile([2.0, 0.0], (8, 1))
    W = 3 * np.column_stack([np.cos(angles), np.sin(angles)])
    flips = flip_probability(W0, np.zeros(8), W, np.zeros(8))
    np.testing.assert_allclose(flips, angles / np.pi, rtol=1e-12, atol=1e-17)
    # Parallel neurons flip between their biases.
    shifted = flip_probability([[2.0, 0]], [0.4], [[4.0, 0]], [2.0])[0]
    assert shifted == pytest.approx(ndtr(0.5) - ndtr(0.2), rel=1e-13)
    assert flip_probability([[0.0]], [1.0], [[0.0]], [-1.0])[0] == 1.0


def test_networks_with_their_initial_weights_have_no_gaps(trained):
    u0, W0, b0, *_ = trained
    size = np.abs(u0) @ np.sqrt(relu_gram(W0, b0).diagonal())
    noise = np.sqrt(4 * np.finfo(float).eps) * size
    assert np.abs(flip_probability(W0, b0, W0, b0)).max() == 0
    assert feature_gap(u0, W0, b0, W0, b0) <= noise
    assert coupling_gap(u0, W0, b0, W0, b0) <= noise
    assert linearization_gap(u0, W0, b0, u0, W0, b0) <= noise


def test_order_of_the_gaps_in_the_distance_from_the_initialization(trained):
    """The features move by O(t), and the network leaves its expansion by O(t^1.5)."""
    u0, W0, b0, _, W, b = trained
    gaps = []
    for t in (1e-2, 1e-3):
        moved = W0 + t * (W - W0), b0 + t * (b - b0)
        gaps.append(
            [
                feature_gap(u0, W0, b0, *moved),
                coupling_gap(u0, W0, b0, *moved),
                linearization_gap(u0, W0, b0, u0, *moved),
            ]
        )
    ratios = np.log10(np.divide(*gaps))
    np.testing.assert_allclose(ratios, [1, 1.5, 1.5], atol=0.05)


def test_gap_errors(trained):
    u0, W0, b0, u, W, b = trained
    with pytest.raises(ValueError, match=r"`W` must have .* W0, \(8, 5\); got \(7, 5\). P"):
        flip_probability(W0, b0, W[:7], b[:7])
    with pytest.raises(
        ValueError, match="`u0` must have one output weight for each of the 8"
    ):
        linearization_gap(u0[:2], W0, b0, u, W, b)


@pytest.mark.slow
def test_gaps_of_2000_neurons(rng):
    """Compared with the stored Gram matrices."""
    W0, b0 = reference.sphere_draw(2000, 20, 0)
    u = rng.normal(size=2000) / 2000
    W, b = W0 + 0.01 * rng.normal(size=W0.shape), b0 + 0.01 * rng.normal(size=2000)
    G = relu_gram(np.r_[W, W0], np.r_[b, b0])
    a = np.r_[u, -u]
    assert feature_gap(u, W0, b0, W, b) == pytest.approx(np.sqrt(a @ G @ a), rel=1e-6)
    assert 0 < coupling_gap(u, W0, b0, W, b) < feature_gap(u, W0, b0, W, b)
