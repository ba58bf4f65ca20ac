"""Claim: on a GPU, features and ridge run at a large fraction of its float32 product.

Measures the transform, ridge with leave-one-out errors of all penalties, and the width path
on a CUDA device by PyTorch, and on the CPU of the same machine by NumPy. The fraction is
that of the products which the algorithm needs at least, at the speed of one large float32
product on the same device. Takes at most five minutes.

    SCIPY_ARRAY_API=1 python benchmarks/bench_gpu.py [--device cpu] [--quick]
"""

import argparse
import time

import numpy as np
import sklearn
import torch

from skrf import RandomFeatureRidge, RandomReLUFeatures

REPEATS = 3


def rows_and_targets(n_rows, n_features):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_rows, n_features), dtype=np.float32)
    return X, np.maximum(X[:, 0], 0) + X[:, 1]


def seconds(function, device):
    """Median time after one call; waits for the device."""
    times = []
    for _ in range(REPEATS + 1):
        begin = time.perf_counter()
        function()
        if device == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - begin)
    return np.median(times[1:])


def product_rate(device, size):
    """Operations per second of a float32 product of two square matrices."""
    A = torch.ones((size, size), device=device)
    return 2 * size**3 / seconds(lambda: A @ A, device)


def work(X, y, width):
    """(name, function, operations of its products) of every computation."""
    (n, d), features = X.shape, RandomReLUFeatures(width, random_state=0)
    ridge = RandomFeatureRidge(features)
    fitted = features.fit(X)
    product = 2 * n * width * d
    # Features twice, their Gram matrix (half of its entries), and one rotation.
    two_passes = 2 * product + 3 * n * width**2
    path = RandomFeatureRidge(features, alphas=[1.0])
    return [
        ("transform", lambda: fitted.transform(X), product),
        ("ridge, leave-one-out", lambda: ridge.fit(X, y), two_passes),
        ("width path, 1 alpha", lambda: path.width_path(X, y), two_passes),
    ]


def measure(X, y, width, device):
    """Print one line for every computation."""
    rate = product_rate(device, 8192 if device == "cuda" else 1024)
    with sklearn.config_context(array_api_dispatch=True):
        arrays = [torch.asarray(a, device=device) for a in (X, y)]
        for _, function, _ in work(X[:500], y[:500], width):
            function()  # compiles
        for (name, function, operations), (_, in_numpy, _) in zip(
            work(*arrays, width), work(X, y, width), strict=True
        ):
            gpu = seconds(function, device)
            begin = time.perf_counter()
            in_numpy()
            cpu = time.perf_counter() - begin
            print(
                f"{X.shape!s:>14} {width:>6}  {name:<22} {gpu:9.3f} {cpu:9.3f} "
                f"{cpu / gpu:8.1f} {operations / gpu / rate:8.2f}",
                flush=True,
            )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--quick", action="store_true", help="one small problem")
    arguments = parser.parse_args()
    if arguments.device == "cuda" and not torch.cuda.is_available():
        raise SystemExit("No CUDA device. Pass --device cpu to try the script.")
    if arguments.device == "cuda":
        print(torch.cuda.get_device_name())
    columns = (
        "shape of X",
        "width",
        "computation",
        "device s",
        "NumPy s",
        "ratio",
        "fraction",
    )
    print("{:>14} {:>6}  {:<22} {:>9} {:>9} {:>8} {:>8}".format(*columns))
    sizes = [(100_000, 100, 2000), (300_000, 50, 4000)]
    for n_rows, n_features, width in [(5000, 20, 300)] if arguments.quick else sizes:
        X, y = rows_and_targets(n_rows, n_features)
        measure(X, y, width, arguments.device)


if __name__ == "__main__":
    main()
