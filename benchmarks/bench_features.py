"""Claim: features at the speed of the matrix product, and NTK features without storage.

All times are in float32, measured in turn in one run, each at its best number of threads.
Results are medians.

- transform, compared with the bare product X @ W.T, NumPy's np.maximum(X @ W.T + b, 0),
  RBFSampler and torch's relu(linear), which all allocate their results;
- structured compared with dense projections;
- a product with the NTK operator and a product with its transpose, compared with the four
  bare products they consist of, and the memory they take;
- the NTK Gram matrix, compared with its two bare products;
- transform with smooth activations, compared with relu;
- the closed-form kernels, compared with their formulas in plain NumPy;
- the kernels that are sums of closed forms, at two scales of the rows, in CPU seconds.

    python -m pip install -e ".[benchmarks]"
    python benchmarks/bench_features.py [--quick] [--repeats 5]
"""

import argparse
import os
import statistics
import tracemalloc
from functools import partial
from time import perf_counter, process_time, sleep

import numpy as np
from bench_sgd import import_torch, machine, threads
from sklearn.kernel_approximation import RBFSampler

from skrf import LinearizedNTKFeatures, RandomFeatures, RandomReLUFeatures
from skrf.kernels import arc_cosine_kernel, neural_tangent_kernel, random_feature_kernel

SHAPES = [
    *((20000, 20, 2000), (20000, 30, 1500), (20000, 100, 2000), (15000, 120, 2500)),
    *((8000, 700, 3000), (10000, 784, 4096), (2000, 1024, 16384)),
]
SMOOTH_SHAPES = [(20000, 20, 2000), (20000, 100, 2000)]
SMOOTH = ["tanh", "sigmoid", "silu", "gelu", "softplus", "erf", "sin", "cos"]
STRUCTURED_SHAPES = [(2000, 256, 16384), (2000, 1024, 16384), (2000, 4096, 16384)]
OPERATOR_SHAPE, GRAM_ROWS = (20000, 100, 2000), 8000
KERNEL_SHAPE = (3000, 100)


def seconds(run, n_threads):
    """Return the seconds of run(), after the threads of the previous run are asleep."""
    with threads(n_threads):
        sleep(0.1)
        start = perf_counter()
        run()
        return perf_counter() - start


def medians(methods, repeats):
    """{name: (median seconds, threads)}, in turn, each at its best number of threads."""
    chosen = {}
    for name, run in methods.items():
        run()
        trials = {
            n: min(seconds(run, n) for _ in range(2)) for n in sorted({1, os.cpu_count()})
        }
        chosen[name] = min(trials, key=trials.get)
    times = {name: [] for name in methods}
    for _ in range(repeats):
        for name, run in methods.items():
            times[name].append(seconds(run, chosen[name]))
    return {name: (statistics.median(times[name]), chosen[name]) for name in methods}


def draw(n, d):
    return np.random.default_rng(0).standard_normal((n, d), dtype=np.float32)


def relu_methods(n, d, width):
    """{name: function} for one shape; all except RBFSampler have the same weights."""
    torch = import_torch()
    X = draw(n, d)
    features = RandomReLUFeatures(width, random_state=0).fit(X)
    W, b = features.weights_, features.biases_
    sampler = RBFSampler(n_components=width, random_state=0).fit(X)
    tensors = [torch.from_numpy(array) for array in (X, W, b)]

    def by_torch():
        with torch.inference_mode():
            return torch.relu_(torch.nn.functional.linear(*tensors))

    return {
        "ours": lambda: features.transform(X),
        "bare": lambda: X @ W.T,
        "NumPy": lambda: np.maximum(X @ W.T + b, 0),
        "RBFSampler": lambda: sampler.transform(X),
        "torch": by_torch,
    }


def transforms(shapes, repeats):
    """Print the times of the transform and of its peers."""
    peers = ["NumPy", "RBFSampler", "torch"]
    print("\n## Transform\n\nPeers: times as long as ours.\n")
    print("| n | n_features | width | ms, ours | ours / bare product |", end="")
    print(*(f" {peer} |" for peer in peers))
    print("| --: " * (5 + len(peers)) + "|")
    for n, d, width in shapes:
        methods = relu_methods(n, d, width)
        reference = methods["torch"]().numpy() / np.sqrt(width)
        assert np.abs(reference - methods["ours"]()).max() < 1e-5
        found = medians(methods, repeats)
        mine = found["ours"][0]
        print(f"| {n} | {d} | {width} | {mine * 1e3:.0f} ({found['ours'][1]}) |", end="")
        print(f" {mine / found['bare'][0]:.2f} |", end="")
        print(*(f" {found[p][0] / mine:.2f} ({found[p][1]}) |" for p in peers), flush=True)


def smooth(shapes, repeats):
    """Print the times of smooth activations over that of relu, in one thread."""
    print("\n## Smooth activations: CPU time over that of relu\n")
    print("| n | n_features | width |", *(f"{name} |" for name in SMOOTH))
    print("| --: " * (3 + len(SMOOTH)) + "|")
    for n, d, width in shapes:
        X, times = draw(n, d), {name: [] for name in ("relu", *SMOOTH)}
        maps = {a: RandomFeatures(width, activation=a).fit(X) for a in times}
        with threads(1):
            for _ in range(repeats + 1):  # the first compiles
                for name, features in maps.items():
                    start = process_time()
                    features.transform(X)
                    times[name].append(process_time() - start)
        relu, *others = (statistics.median(t[1:]) for t in times.values())
        print(
            f"| {n} | {d} | {width} |", *(f"{t / relu:.2f} |" for t in others), flush=True
        )


def mixture_kernels(n, repeats):
    """Print the CPU seconds of kernels without a single closed form."""
    print(f"\n## Kernels of {n} rows, CPU seconds at standard deviations 1 and 1000\n")
    X = draw(n, 10).astype(np.float64)
    for name in ("tanh", "sigmoid", "silu", "softplus", "gelu", "relu"):
        random_feature_kernel(X[:2], activation=name)  # compiles
        for scale in (1, 1000):
            times = []
            for _ in range(repeats):
                start = process_time()
                random_feature_kernel(scale * X, activation=name, bias_scale=scale)
                times.append(process_time() - start)
            print(f"{name}, {scale}: {statistics.median(times):.2f} s", flush=True)


def structured(shapes, repeats):
    """Print the times of structured and dense projections."""
    print("\n## Structured projection\n")
    print("| n | n_features | width | ms, dense | ms, structured | ratio |")
    print("| --: " * 6 + "|")
    for n, d, width in shapes:
        X = draw(n, d)
        maps = {
            name: RandomReLUFeatures(width, projection=name, random_state=0).fit(X)
            for name in ("dense", "structured")
        }
        runs = {name: partial(f.transform, X) for name, f in maps.items()}
        found = medians(runs, repeats)
        times = [found[name][0] for name in ("dense", "structured")]
        print(f"| {n} | {d} | {width} |", *(f"{t * 1e3:.0f} |" for t in times), end="")
        print(f" {times[0] / times[1]:.1f} |", flush=True)


def operator(shape, gram_rows, repeats):
    """Print the times of the NTK operator, the Gram matrix and their bare products."""
    n, d, width = shape
    X, W = draw(n, d), draw(width, d)
    features = LinearizedNTKFeatures(width, random_state=0).fit(X)
    F, Z, rows = features.as_linear_operator(X), X @ W.T, X[:gram_rows]
    v, y = np.ones(F.shape[1], np.float32), np.ones(n, np.float32)
    found = medians(
        {
            "operator": lambda: (F @ v, F.T @ y),
            "bare": lambda: (X @ W.T, X @ W.T, X @ W.T, Z.T @ X),
            "gram": lambda: features.tangent_kernel(rows),
            "bare gram": lambda: (rows @ rows.T, Z[:gram_rows] @ Z[:gram_rows].T),
        },
        repeats,
    )
    tracemalloc.start()
    _ = F @ v, F.T @ y
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    print(f"\n## NTK operator at {shape}, a matrix of {4e-9 * n * F.shape[1]:.0f} GB\n")
    ratio = found["operator"][0] / found["bare"][0]
    print(f"matvec and rmatvec {found['operator'][0] * 1e3:.0f} ms,", end=" ")
    print(f"{ratio:.2f} times their four bare products; peak memory {peak:.0f} MB")
    ratio = found["gram"][0] / found["bare gram"][0]
    print(f"Gram matrix of {gram_rows} rows {found['gram'][0] * 1e3:.0f} ms,", end=" ")
    print(f"{ratio:.2f} times its two bare products")


def numpy_arc_cosine(X):
    """The usual formula of order 1, which is inexact for parallel rows."""
    lengths = np.linalg.norm(X, axis=1)
    scale = np.outer(lengths, lengths)
    cosine = np.clip(X @ X.T / scale, -1, 1)
    angle = np.arccos(cosine)
    return scale * (np.sin(angle) + (np.pi - angle) * cosine) / np.pi


def numpy_tangent(X):
    """The kernel of a relu network without biases and with weights of unit variance."""
    inner = X @ X.T
    lengths = np.linalg.norm(X, axis=1)
    angle = np.arccos(np.clip(inner / np.outer(lengths, lengths), -1, 1))
    return inner * (np.pi - angle) / (2 * np.pi) + numpy_arc_cosine(X) / 2


def kernels(shape, repeats):
    """Print the times of the infinite-width kernels and of plain NumPy, in float64."""
    X = draw(*shape).astype(np.float64)
    scales = {"weight_scale": np.sqrt(shape[1]), "bias_scale": 0.0}
    pairs = {
        "arc_cosine_kernel": (lambda: arc_cosine_kernel(X), lambda: numpy_arc_cosine(X)),
        "neural_tangent_kernel": (
            lambda: neural_tangent_kernel(X, **scales),
            lambda: numpy_tangent(X),
        ),
    }
    print(f"\n## Kernels of {shape[0]} rows of {shape[1]} columns, float64\n")
    for name, (ours, plain) in pairs.items():
        found = medians({"ours": ours, "plain": plain}, repeats)
        agreement = np.abs(ours() / plain() - 1).max()
        print(f"{name}: {found['ours'][0] * 1e3:.0f} ms,", end=" ")
        print(f"{found['ours'][0] / found['plain'][0]:.2f} times plain NumPy,", end=" ")
        print(f"largest relative difference {agreement:.0e}")


def main(argv=None):
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows, once")
    options = parser.parse_args(argv)
    shrink = 10 if options.quick else 1
    repeats = 1 if options.quick else options.repeats

    def smaller(shape):
        return (shape[0] // shrink, *shape[1:])

    print(machine(torch=import_torch()))
    transforms(list(map(smaller, SHAPES)), repeats)
    smooth(list(map(smaller, SMOOTH_SHAPES)), repeats)
    structured(list(map(smaller, STRUCTURED_SHAPES)), repeats)
    operator(smaller(OPERATOR_SHAPE), GRAM_ROWS // shrink, repeats)
    kernels(smaller(KERNEL_SHAPE), repeats)
    mixture_kernels(1000 // shrink, repeats)


if __name__ == "__main__":
    main()
