"""Claim: each solver of ridge regression costs its products and its factorisation.

This package and the bare cost are measured in turn in one run, with equal dtypes. Results
are medians of `--repeats`, or one run from 100,000 rows on.

- primal: every mode that sums Z'Z over blocks of rows, on float32 data;
- wide: the Gram matrix and conjugate gradients, for random features of float32 data and for
  linearised features of float64 data, which are not stored.

    python benchmarks/bench_ridge_bare.py [--quick] [--repeats 3] [--only primal wide]
"""

import argparse
import statistics
from functools import partial

import numpy as np
from bench_ridge import ALPHAS, SHAPES, in_turn, make_data, median_ratio
from bench_sgd import machine
from scipy.linalg import cho_factor, eigh, lapack

from skrf import LinearizedNTKFeatures, RandomFeatureRidge, RandomReLUFeatures
from skrf._utils.blas import add_gram, product, solve_rows
from skrf.ridge._cg import landmarks
from skrf.ridge._feature_matrix import blocks

WIDE = [("random", 5000, 100, 20000), ("linearised", 5000, 999, 1000)]


def compare(name, run, cost, repeats):
    """Print the seconds of this package, and the ratio to the bare cost."""
    times = in_turn({"ours": run, "bare": cost}, repeats)
    took = statistics.median(times["ours"])
    print(
        f"| {name} | {took:.2f} | {median_ratio(times, 'ours', 'bare'):.2f} |", flush=True
    )


# ------------------------------------------------------------------------------- primal


def bare_primal(n, d, p, dtype, passes, factor):
    """Run the products and the factorisation of a mode, and nothing else.

    `passes` is the number of passes that compute features; `factor` is "one", "loo" or
    "many".
    """
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, d), dtype=np.float32)
    W = rng.standard_normal((p, d), dtype=np.float32)
    rows = blocks(n, p)
    Z = np.ones((rows[0].stop, p), np.float32)
    A = Z.astype(dtype)
    Q, zz = np.ones_like(A), np.eye(p, dtype=dtype) * n
    for _ in range(passes):
        for block in rows:
            size = block.stop - block.start
            product(X[block], W.T, Z[:size])
    for block in rows:
        add_gram(A[: block.stop - block.start], zz)
    zz = zz.astype(np.float64)
    if factor == "many":
        vectors = eigh(zz, lower=True, overwrite_a=True, driver="evd")[1]
        weights, out = np.ones((p, len(ALPHAS))), np.ones((len(A), len(ALPHAS)))
        for block in rows:
            size = block.stop - block.start
            product(A[:size], vectors, Q[:size])
            product(Q[:size], weights, out[:size])
            product(Q[:size], weights, out[:size])
        return
    lower = cho_factor(zz, lower=True, overwrite_a=True)[0]
    if factor == "loo":
        lower = np.ascontiguousarray(lower)
        for block in rows:
            solve_rows(lower, A[: block.stop - block.start])


def bench_primal(shapes, repeats):
    """Measure every mode of the primal solver."""
    print("\n## Modes of the primal against their bare cost\n")
    print("| n | n_features | width | mode | products in | seconds | / bare |")
    print("| --: | --: | --: | :-- | :-- | --: | --: |")
    for n, d, p in shapes:
        X, y = make_data(n, d)
        features = RandomReLUFeatures(p, random_state=0)

        def fit(alphas, X=X, y=y, features=features):
            RandomFeatureRidge(features, alphas=alphas, solver="primal").fit(X, y)

        def path(X=X, y=y, features=features):
            RandomFeatureRidge(features, alphas=[1.0]).width_path(X, y)

        def stream(X=X, y=y, features=features):
            model = RandomFeatureRidge(features, alphas=1.0)
            for rows in np.array_split(np.arange(len(X)), max(1, len(X) // 50000)):
                model.partial_fit(X[rows[0] : rows[-1] + 1], y[rows[0] : rows[-1] + 1])
            _ = model.output_weights_

        modes = {
            "one alpha": (partial(fit, 1.0), np.float32, 2, "one"),
            "one alpha, leave-one-out": (partial(fit, [1.0]), np.float64, 2, "loo"),
            "50 alphas, leave-one-out": (partial(fit, ALPHAS), np.float64, 2, "many"),
            "all widths, leave-one-out": (path, np.float64, 2, "loo"),
            "chunks, partial_fit": (stream, np.float64, 1, "one"),
        }
        for name, (run, dtype, passes, factor) in modes.items():
            cost = partial(bare_primal, n, d, p, dtype, passes, factor)
            row = f"{n} | {d} | {p} | {name} | {np.dtype(dtype)}"
            compare(row, run, cost, repeats if n < 100000 else 1)


# --------------------------------------------------------------------------------- wide


class Bare:
    """Products with random or linearised features, without activations and intercepts.

    Everything except the products is prepared in `__init__`.
    """

    def __init__(self, kind, n, d, width):
        rng = np.random.default_rng(0)
        self.tangent, self.shape = kind == "linearised", (n, d, width)
        dtype = np.float64 if self.tangent else np.float32
        self.X = rng.standard_normal((n, d)).astype(dtype)
        self.W = rng.standard_normal((width, d)).astype(dtype)
        self.rows = blocks(n, width)
        self.Z = np.ones((self.rows[0].stop, width), dtype)
        self.narrow = np.ones((self.rows[0].stop, d))
        self.block = np.ones((len(self.Z), width))
        self.inner = [np.ones((k, n)) for k in ([d, width] if self.tangent else [width])]
        self.K, self.diagonal = np.zeros((n, n)), np.arange(n)
        self.landmarks = landmarks(n)
        self.columns = np.ones((n, self.landmarks))
        self.left = [self.narrow, self.block] if self.tangent else [self.block]
        self.right = [np.ones((len(k), self.landmarks)) for k in self.inner]
        self.core = np.eye(self.landmarks)

    def features(self, block):
        """X W' of a block of rows."""
        product(self.X[block], self.W.T, self.Z[: block.stop - block.start])

    def apply(self):
        """Z v or Z'c: two products with X for linearised features, else features and v."""
        v, out = np.ones((self.shape[2], 1)), np.empty((len(self.Z), 1))
        for block in self.rows:
            size = block.stop - block.start
            self.features(block)
            if self.tangent:
                product(self.Z[:size], self.W, self.narrow[:size])
            else:
                product(self.block[:size], v, out[:size])

    def dual(self, leave_one_out):
        """Half of Z Z', its Cholesky factor, the inverse for the errors, and Z'c."""
        for block in self.rows:
            self.features(block)
        for inner in self.inner:
            add_gram(inner, self.K, 0.0)
        self.K[self.diagonal, self.diagonal] += 2 * self.inner[-1].size
        lower = cho_factor(self.K.T, lower=False, overwrite_a=True)[0]
        if leave_one_out:
            lapack.dtrtri(lower, lower=0, overwrite_c=1)
        self.apply()

    def cg(self, n_iter):
        """The preconditioner from columns of Z Z', and two products for each iteration.

        Two more products centre the columns, two compute the final residuals, one computes
        the coefficients and one the intercept.
        """
        for block in self.rows:
            self.features(block)
            for left, right in zip(self.left, self.right, strict=True):
                product(left[: block.stop - block.start], right, self.columns[block])
        lower = cho_factor(self.core, lower=True)[0]
        solve_rows(np.ascontiguousarray(lower), self.columns)
        vectors = eigh(self.columns.T @ self.columns)[1]
        U, c = self.columns @ vectors, np.ones((len(self.columns), 1))
        for _ in range(n_iter):
            c = U @ (U.T @ c)
        for _ in range(2 * n_iter + 6):
            self.apply()


def bench_wide(shapes, repeats):
    """Measure the solvers for more features than rows."""
    print("\n## The dual and conjugate gradients against their bare cost\n")
    print("| features | n | n_features | width | solver | seconds | / bare |")
    print("| :-- | --: | --: | --: | :-- | --: | --: |")
    for kind, n, d, width in shapes:
        X, y = make_data(n, d)
        if kind == "random":
            features = RandomReLUFeatures(width, random_state=0)
        else:
            features = LinearizedNTKFeatures(width, random_state=0)
            X = X.astype(np.float64)

        def fit(solver, alphas, X=X, y=y, features=features):
            model = RandomFeatureRidge(
                features, alphas=alphas, solver=solver, random_state=0
            )
            return model.fit(X, y)

        n_iter, bare = fit("cg", 1.0).n_iter_, Bare(kind, n, d, width)
        modes = {
            "dual": (partial(fit, "dual", 1.0), partial(bare.dual, False)),
            "dual, leave-one-out": (partial(fit, "dual", [1.0]), partial(bare.dual, True)),
            f"cg, {n_iter} iterations": (partial(fit, "cg", 1.0), partial(bare.cg, n_iter)),
        }
        for name, (run, cost) in modes.items():
            compare(f"{kind} | {n} | {d} | {width} | {name}", run, cost, repeats)


def main(argv=None):
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows, once")
    parser.add_argument("--only", nargs="+", choices=["primal", "wide"])
    options = parser.parse_args(argv)
    less, repeats = (10, 1) if options.quick else (1, options.repeats)
    parts = {
        "primal": lambda: bench_primal(
            [(n // less, d, p // less) for n, d, p in SHAPES], repeats
        ),
        "wide": lambda: bench_wide(
            [(kind, n // less, d // less, p // less) for kind, n, d, p in WIDE], repeats
        ),
    }
    print(machine())
    for name in options.only or parts:
        parts[name]()


if __name__ == "__main__":
    main()
