"""Claim: exact Gram matrices of 2,000 ReLU neurons under Gaussian inputs in at most 0.6 s.

E[relu(<w, x> + b) relu(<v, x> + c)] for all pairs of 2,000 neurons is compared with the
closed form in plain NumPy and SciPy's Owen's T function. The times are measured in turn in
one run, each at its best number of threads; results are medians. Errors are those of random
pairs against quadrature with 40 digits, over the root mean squares of the two neurons.

    python -m pip install -e ".[benchmarks,test]"
    python benchmarks/bench_gaussian.py [--quick] [--repeats 5]
"""

import argparse
import os
from functools import partial

import mpmath as mp
import numba
import numpy as np
import scipy
from bench_features import medians
from scipy.special import ndtr, owens_t

from skrf.gaussian import best_error, relu_gram
from skrf.targets import SingleNeuron


def density(t):
    """The standard normal density."""
    return np.exp(-t * t / 2) / np.sqrt(2 * np.pi)


def by_owens_t(W, b, V, c):
    """The usual closed form, with Owen's T function."""
    w_norms, v_norms = np.linalg.norm(W, axis=1), np.linalg.norm(V, axis=1)
    h, k = (b / w_norms)[:, np.newaxis], (c / v_norms)[np.newaxis]
    rho = np.clip((W / w_norms[:, np.newaxis]) @ (V / v_norms[:, np.newaxis]).T, -1, 1)
    s = np.maximum(np.sqrt((1 - rho) * (1 + rho)), 1e-150)
    A, B = (k - rho * h) / s, (h - rho * k) / s
    P = (ndtr(h) + ndtr(k)) / 2 - owens_t(h, A / h) - owens_t(k, B / k)
    P -= np.where(h * k > 0, 0, 0.5)
    M = (h * k + rho) * P + k * density(h) * ndtr(A)
    M += h * density(k) * ndtr(B) + s * density(h) * density(A)
    return np.outer(w_norms, v_norms) * M


def by_arc_cosine(W):
    """The closed form without biases."""
    norms = np.linalg.norm(W, axis=1)
    scale = np.outer(norms, norms)
    rho = np.clip(W @ W.T / scale, -1, 1)
    s = np.sqrt((1 - rho) * (1 + rho))
    return scale * (s + (np.pi - np.arccos(rho)) * rho) / (2 * np.pi)


def draw(width, d):
    """Weights of different lengths, and biases of similar size."""
    rng = np.random.default_rng(0)
    W = rng.normal(size=(width, d))
    return W, np.linalg.norm(W, axis=1) * rng.normal(size=width)


def times(width, repeats):
    """Print the times of the Gram matrices."""
    print(f"\n## {width} x {width} Gram matrices\n")
    print("| n_features | biases | ms, ours | times as long as ours: SciPy's formula |")
    print("| --: | --- | --: | --: |")
    for d in (10, 100):
        W, b = draw(width, d)
        zeros = np.zeros(width)
        for name, ours, theirs in (
            ("yes", partial(relu_gram, W, b), partial(by_owens_t, W, b, W, b)),
            ("none", partial(relu_gram, W, zeros), partial(by_arc_cosine, W)),
        ):
            found = medians({"ours": ours, "SciPy": theirs}, repeats)
            ms, ratio = found["ours"][0] * 1e3, found["SciPy"][0] / found["ours"][0]
            print(f"| {d} | {name} | {ms:.0f} ({found['ours'][1]}) |", end=" ")
            print(f"{ratio:.1f} ({found['SciPy'][1]}) |", flush=True)


def exact(h, k, rho):
    """E[relu(p + h) relu(q + k)] given p, in 40 digits."""
    s = mp.sqrt((1 - rho) * (1 + rho))

    def integrand(p):
        t = (rho * p + k) / s
        return (p + h) * mp.npdf(p) * s * (mp.npdf(t) + t * mp.ncdf(t))

    cuts = sorted({-h, *(mp.mpf(n) / 2 for n in range(-14, 28)), -k / rho})
    return mp.quad(integrand, [cut for cut in cuts if cut >= -h] + [20])


def accuracy(n_pairs):
    """Print the largest errors over random pairs."""
    rng = np.random.default_rng(1)
    print(f"\n## Largest error of {n_pairs} pairs, over the root mean squares\n")
    print("| largest absolute value of h, k | ours | SciPy's formula |")
    print("| --: | --: | --: |")
    for largest in (2, 4, 6):
        worst = {"ours": 0.0, "SciPy": 0.0}
        for _ in range(n_pairs):
            h, k = rng.uniform(-largest, largest, 2)
            v = rng.normal(size=(1, 2))
            w = np.array([[1.0, 0.0]])
            v /= np.linalg.norm(v)
            with mp.workdps(40):
                length = mp.sqrt(mp.mpf(v[0, 0]) ** 2 + mp.mpf(v[0, 1]) ** 2)
                moment = exact(mp.mpf(h), k / length, v[0, 0] / length) * length
            size = relu_gram(w, [h])[0, 0] * relu_gram(v, [k])[0, 0]
            for name, gram in (("ours", relu_gram), ("SciPy", by_owens_t)):
                error = abs(gram(w, np.array([h]), v, np.array([k]))[0, 0] - moment)
                worst[name] = max(worst[name], float(error) / np.sqrt(size))
        print(f"| {largest} | {worst['ours']:.0e} | {worst['SciPy']:.0e} |", flush=True)


def errors_at_all_widths(width, repeats):
    """Print the time of `best_error`."""
    W, b = draw(width, 20)
    target = SingleNeuron(np.eye(20)[0], -1.0)
    found = medians({"ours": lambda: best_error(W, b, target)}, repeats)
    seconds, n_threads = found["ours"]
    print(f"\nBest errors of all widths up to {width}: {seconds:.2f} s ({n_threads})")


def main(argv=None):
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="a tenth of the size, once")
    options = parser.parse_args(argv)
    shrink = 10 if options.quick else 1
    repeats = 1 if options.quick else options.repeats
    versions = ", ".join(f"{m.__name__} {m.__version__}" for m in (np, scipy, numba))
    print(f"{os.cpu_count()} cores, {versions}; in brackets threads")
    times(2000 // shrink, repeats)
    accuracy(40 // shrink)
    errors_at_all_widths(2000 // shrink, repeats)


if __name__ == "__main__":
    main()
