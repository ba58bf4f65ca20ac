"""Ctrl-C at any line and at random moments, `kill -9`, and a full disk.

This file is also the program of the processes that are interrupted and killed.
"""

import doctest
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from io import BytesIO
from pathlib import Path

import joblib
import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

import skrf
from skrf import (
    LinearizedNTKFeatures,
    OverparamNetClassifier,
    OverparamNetRegressor,
    RandomFeatureRidge,
    RandomFeatureRidgeClassifier,
    RandomReLUFeatures,
    make_single_neuron,
)
from skrf._utils import threads

HERE = Path(__file__).parent
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")


class Job:
    """A call on an estimator that has been fitted to other data, and what may follow."""

    def __init__(self, make, method, *, stream=False, labels=False, n_samples):
        X, y = make_single_neuron(n_samples, 20, bias=-0.3, random_state=0)
        y = np.where(y > y.mean(), 1, -1) if labels else y
        self.make, self.method = make, method
        rows = slice(n_samples // 4) if stream else slice(None)
        self.first = X[rows, : 20 if stream else 7], y[rows]
        self.data = (X, y) if method != "transform" else (X,)
        self.keywords = {"classes": [-1, 1]} if stream and labels else {}

    def begun(self, fresh=False):
        """The estimator before the call."""
        model = self.make()
        if fresh:
            return model
        if self.method == "partial_fit":
            return model.partial_fit(*self.first, **self.keywords)
        if self.method == "transform":
            return model.fit(self.data[0])
        return model.fit(*self.first)

    def call(self, model):
        """The call to interrupt; a first one has more to be told."""
        fresh = self.method == "partial_fit" and "n_features_in_" not in vars(model)
        getattr(model, self.method)(*self.data, **(self.keywords if fresh else {}))

    def rows_of(self, n_updates, model):
        """A model that saw so many more rows only."""
        X, y = self.data
        return model.partial_fit(X[:n_updates], y[:n_updates], **self.keywords)


def net(Network=OverparamNetRegressor, **parameters):
    defaults = {"width": 100, "max_iter": 4, "tol": None, "random_state": 0}
    return Network(**{**defaults, **parameters})


def ridge(Model=RandomFeatureRidge, **parameters):
    features = RandomReLUFeatures(150)
    return Model(features, **{"random_state": 0, "block_size": 300, **parameters})


def jobs(n):
    """Every kind of call, on some multiple of n rows."""
    early = {"early_stopping": True, "eta0": 0.01, "batch_size": 8}
    many = np.logspace(-3, 3, 7)
    stream = {"stream": True, "n_samples": 6 * n}
    return {
        "net": Job(net, "fit", n_samples=n),
        "early stopping": Job(lambda: net(**early), "fit", n_samples=3 * n),
        "classifier": Job(
            lambda: net(OverparamNetClassifier, average=True, momentum=0.5),
            "fit",
            labels=True,
            n_samples=n,
        ),
        "net stream": Job(lambda: net(eta0=0.01), "partial_fit", **stream),
        "ridge": Job(lambda: ridge(alphas=many), "fit", n_samples=3 * n),
        "gram matrix": Job(lambda: ridge(solver="dual"), "fit", n_samples=n),
        "gradients": Job(lambda: ridge(solver="cg"), "fit", n_samples=n),
        "ridge stream": Job(
            lambda: ridge(RandomFeatureRidgeClassifier),
            "partial_fit",
            labels=True,
            **stream,
        ),
        "features": Job(lambda: RandomReLUFeatures(3000), "fit", n_samples=n),
        "transform": Job(
            lambda: RandomReLUFeatures(1500, random_state=0), "transform", n_samples=9 * n
        ),
        "tangent": Job(
            lambda: LinearizedNTKFeatures(60, random_state=0), "transform", n_samples=9 * n
        ),
    }


def attempt(job, model, run):
    """Call it in the hands of `run`; what came of it, after checking what is left.

    "raised" and "warned" stand for the two documented ends, "finished" for one that no
    interrupt reached.
    """
    before, t = joblib.hash(model), getattr(model, "t_", 0)
    untouched = joblib.load(_dumped(model))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        outcome = "finished" if run(lambda: job.call(model)) else "raised"
    interrupted = [w for w in caught if "interrupted after" in str(w.message)]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if interrupted:
        assert job.method == "fit"
        assert isinstance(model, OverparamNetRegressor | OverparamNetClassifier)
        outcome = "warned"
        assert f"{model.t_} updates" in str(interrupted[0].message)
        assert np.isfinite(model.predict(job.data[0][:5])).all()
    elif outcome == "raised" and getattr(model, "t_", None) == 0:
        np.testing.assert_array_equal(model.hidden_weights_, model.initial_weights()[0])
    elif outcome == "raised" and getattr(model, "t_", 0) > t:
        # The finished blocks of a stream: as if it had had no more rows.
        shorter = job.rows_of(model.t_ - t, untouched)
        shorter.loss_curve_ = model.loss_curve_
        assert joblib.hash(shorter) == joblib.hash(model)
    elif outcome == "raised" and joblib.hash(model) != before:
        # The interrupt came after the work was done.
        job.call(untouched)
        assert joblib.hash(untouched) == joblib.hash(model)
    if outcome != "finished":
        job.make().fit(*job.data)  # what compiles, allocates or limits threads still works
        model.fit(*job.data)
    return outcome


def _dumped(model):
    file = BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    return file


# ---------------------------------------------------------------------- at any line


class AtLine:
    """Run a call with Ctrl-C at its n-th line of this package, or count the lines."""

    def __init__(self, n=None):
        self.n, self.count = n, 0

    def __call__(self, call):
        sys.settrace(self._trace)
        try:
            call()
        except KeyboardInterrupt:
            return False
        finally:
            sys.settrace(None)
        return True

    def _trace(self, frame, event, argument):
        if not frame.f_code.co_filename.startswith(str(Path(skrf.__file__).parent)):
            return None
        if event == "line":
            self.count += 1
            if self.count == self.n:
                signal.raise_signal(signal.SIGINT)
        return self._trace


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize("name", jobs(20))
def test_ctrl_c_at_any_line_leaves_a_whole(name, fresh):
    """Some lines of each; the slow test has more."""
    _interrupt_lines(jobs(20)[name], fresh, n_moments=8)


@pytest.mark.slow
@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize("name", jobs(20))
def test_ctrl_c_at_many_lines_leaves_a_whole(name, fresh):
    _interrupt_lines(jobs(20)[name], fresh, n_moments=80)


def _interrupt_lines(job, fresh, n_moments):
    fresh = fresh and job.method != "transform"
    job.call(job.begun(fresh))
    lines = AtLine()
    lines(lambda: job.call(job.begun(fresh)))
    counted = AtLine()
    model = job.begun(fresh)
    counted(lambda: job.call(model))
    outcomes = [
        attempt(job, job.begun(fresh), AtLine(n))
        for n in np.unique(np.linspace(1, counted.count, n_moments).astype(int))
    ]
    assert "finished" not in outcomes
    assert "raised" in outcomes


def test_ctrl_c_at_any_line_gives_blas_back():
    """Both the right to limit its threads and the threads."""

    def call():
        return threads.in_threads(list, [0, 1])

    with threadpool_limits(2, user_api="blas"):
        pools, n = threadpool_info(), 1
        while not AtLine(n)(call):
            assert not threads._BLAS.locked()
            assert threadpool_info() == pools
            n += 1
        assert n > 20


# ---------------------------------------------------------------- at random moments


class AfterSeconds:
    """Run a call with a real signal some time after it has begun."""

    def __init__(self, seconds):
        self.seconds, self.over = seconds, False

    def _send(self):
        time.sleep(self.seconds)
        if not self.over:
            os.kill(os.getpid(), signal.SIGINT)

    def __call__(self, call):
        thread = threading.Thread(target=self._send)
        try:
            thread.start()
            call()
            self.over = True
            thread.join()
        except KeyboardInterrupt:
            thread.join()
            return False
        return True


def duration(job):
    model, start = job.begun(), time.perf_counter()
    job.call(model)
    return time.perf_counter() - start


def interrupt_everything(n_each, n_samples):
    """In a process of its own; prints what came of the interrupts of each job."""
    for name, job in jobs(n_samples).items():
        # Transformers take as many threads as BLAS has.
        n_threads = 2 if job.method == "transform" else 1
        with threadpool_limits(n_threads, user_api="blas"):
            print(json.dumps([name, interrupt_often(job, n_each)]), flush=True)


def interrupt_often(job, n_hits):
    """Until so many interrupts have met the call; what came of every attempt."""
    pools, rng = threadpool_info(), np.random.default_rng()
    seconds, outcomes = min(duration(job) for _ in range(4)), []
    while sum(outcome != "finished" for outcome in outcomes) < n_hits:
        assert len(outcomes) < 100 * n_hits, (seconds, outcomes)
        run = AfterSeconds(rng.uniform(0, seconds))
        outcomes.append(attempt(job, job.begun(), run))
    assert threadpool_info() == pools
    return outcomes


def run_here(call, **options):
    """A call of this file's functions in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", f"import test_interrupts as t; t.{call}"],
        cwd=HERE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


@POSIX
def test_thirty_real_interrupts_at_random_moments():
    env = {**os.environ, "PYTHONWARNINGS": "ignore"}
    with run_here("interrupt_everything(3, 400)", env=env) as process:
        printed, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    outcomes = dict(map(json.loads, printed.splitlines()))
    assert outcomes.keys() == jobs(20).keys()
    hit = [end for ends in outcomes.values() for end in ends if end != "finished"]
    assert len(hit) >= 30
    assert {"raised", "warned"} >= set(hit)
    assert "warned" not in outcomes["ridge"] + outcomes["net stream"]


# ------------------------------------------------------------- kill -9 and full disks


def save_of_docs():
    """The function that the documentation shows."""
    page = (HERE.parents[1] / "docs" / "persistence.rst").read_text()
    names = {}
    for example in doctest.DocTestParser().get_examples(page):
        exec(example.source, names)
        if "save" in names:
            return names["save"]
    raise AssertionError("the page defines no function `save`")


CHUNKS = 100


def streams():
    """A network and sums of products, before their first chunk."""
    return {
        "net": net(width=400, momentum=0.5, average=True),
        "ridge": ridge(alphas=[0.1, 1.0]),
    }


def add_chunk(models, k):
    X, y = make_single_neuron(200, 20, random_state=k)
    # Equal bits need equal numbers of BLAS threads; Dask's clusters leave one thread in the
    # environment of the processes that come after them.
    with threadpool_limits(1, user_api="blas"):
        for model in models.values():
            model.partial_fit(X, y)


def stream_to_the_end(path):
    """Go on from the last checkpoint, if there is one, and save after every chunk."""
    save, (done, models) = save_of_docs(), (0, streams())
    if os.path.exists(path):
        done, models = joblib.load(path)
    print(done, flush=True)
    for k in range(done, CHUNKS):
        add_chunk(models, k)
        save((k + 1, models), path)
        print(k + 1, flush=True)


@POSIX
def test_a_killed_stream_goes_on_to_the_same_bits(tmp_path):
    path, rng, begun = tmp_path / "stream.joblib", np.random.default_rng(), []
    for _ in range(2):
        with run_here(f"stream_to_the_end({str(path)!r})") as process:
            begun.append(int(process.stdout.readline()))
            process.stdout.readline()
            time.sleep(rng.uniform(0, 0.1))
            process.kill()
        assert process.returncode == -signal.SIGKILL
    done, models = joblib.load(path)
    assert 0 == begun[0] < begun[1] <= done < CHUNKS
    undisturbed = streams()
    for k in range(CHUNKS):
        add_chunk(undisturbed, k)
        if k >= done:
            add_chunk(models, k)
    for name in ("hidden_weights_", "output_weights_", "loss_curve_", "eta0_"):
        one, other = (getattr(m["net"], name) for m in (models, undisturbed))
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(
        models["ridge"].output_weights_, undisturbed["ridge"].output_weights_
    )
    assert models["ridge"].alpha_ == undisturbed["ridge"].alpha_


@pytest.mark.parametrize("place", ["first", "middle", "last"])
def test_a_full_disk_leaves_the_last_checkpoint(place, tmp_path, full_disk):
    save, path = save_of_docs(), tmp_path / "model.joblib"
    X, y = make_single_neuron(300, 20, random_state=0)
    model = ridge().fit(X, y)
    save(model, path)
    expected, other = model.predict(X), ridge(alphas=0.1).fit(X, y)
    buffer = io.BytesIO()
    joblib.dump(other, buffer)
    size = buffer.tell()
    n_bytes = {"first": 0, "middle": size // 2, "last": size - 1}[place]
    with full_disk(n_bytes), pytest.raises(OSError, match="File too large"):
        save(other, path)
    np.testing.assert_array_equal(joblib.load(path).predict(X), expected)
    save(other, path)
    np.testing.assert_array_equal(joblib.load(path).predict(X), other.predict(X))
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
