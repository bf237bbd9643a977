"""Threads, processes and clusters give the answers that one of them gives alone."""

from __future__ import annotations

import inspect
import json
import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path

import joblib
import numpy as np
import pytest

import spamguard
from spamguard import Comment, SpamClassifier, SpamguardError, score, score_many, scoring
from spamguard.features import reading
from spamguard.scoring import in_order, jobs_for, score_in_parallel

HOME = str(Path(spamguard.__file__).parents[1])


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(scoring, "_LEAST", 10)


@pytest.fixture
def comments(sample_comments):
    return sample_comments[::4]


@pytest.fixture(scope="module")
def alone(model, sample_comments):
    return [score(comment, model=model) for comment in sample_comments[::4]]


def same(found, expected):
    """Equal verdicts and equal reasons."""
    return found == expected and [v.reasons for v in found] == [v.reasons for v in expected]


# --- threads ------------------------------------------------------------------------


@pytest.mark.process
def test_sixteen_threads_lose_nothing(model, comments, alone):
    """Each scores everything, in an order of its own, by the same model."""
    shared, found, gate = replace(model), {}, threading.Barrier(16)

    def work(number):
        order = np.random.default_rng(number).permutation(len(comments))
        gate.wait()
        one = {int(i): score(comments[i], model=shared) for i in order[: len(order) // 2]}
        rest = order[len(order) // 2 :]
        many = score_many([comments[i] for i in rest], model=shared)
        found[number] = one | dict(zip(rest.tolist(), many, strict=True))
        for verdict in found[number].values():
            assert verdict.reasons or not verdict.log_odds

    threads = [threading.Thread(target=work, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == list(range(16))
    for answers in found.values():
        assert same([answers[i] for i in range(len(comments))], alone)


# --- processes ----------------------------------------------------------------------


def _told(texts):
    return [(v.spam_probability, v.label, v.log_odds) for v in score_many(texts)]


TEXTS = ["Thanks, it was the index.", "cheap pills http://pills.example order now", "大丈夫"] * 5


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
@pytest.mark.skipif(sys.version_info >= (3, 12), reason="Python warns of any fork beside threads")
@pytest.mark.parametrize("busy", [False, True])
def test_fork(busy):
    """The model is loaded before the fork; another thread may be scoring meanwhile."""
    expected, stop = _told(TEXTS), threading.Event()

    def score_on():
        while not stop.is_set():
            score_many(TEXTS)

    thread = threading.Thread(target=score_on)
    if busy:
        thread.start()
    try:
        with multiprocessing.get_context("fork").Pool(2) as pool:
            found = [pool.apply_async(_told, (TEXTS,)) for _ in range(4)]
            assert [one.get(120) for one in found] == [expected] * 4
    finally:
        stop.set()
        if busy:
            thread.join()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
@pytest.mark.skipif(sys.version_info >= (3, 12), reason="Python warns of any fork beside threads")
def test_a_lock_that_a_thread_holds_does_not_stop_the_child():
    """That thread is not in the child, so nobody would ever let go of it there."""
    ready, done = threading.Event(), threading.Event()

    def hold():
        with reading._POSTS._lock, scoring._lock:
            ready.set()
            done.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    ready.wait()
    try:
        child = multiprocessing.get_context("fork").Process(target=_score_under_a_new_post)
        child.start()
        child.join(60)
        if child.is_alive():
            child.kill()
        assert child.exitcode == 0
    finally:
        done.set()
        thread.join()


def _score_under_a_new_post():
    score("Which index?", "A post that nobody has read before")


@pytest.mark.process
@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_spawn(method, tmp_path):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"there is no {method} here")
    # A file of its own: a fresh process imports the file that it was started from.
    script = tmp_path / "script.py"
    script.write_text(SPAWNED)
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script), method],
        capture_output=True, text=True, env=os.environ | {"PYTHONPATH": HOME}, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found == [[list(one) for one in _told(TEXTS)]] * 4


SPAWNED = f"""
import json, multiprocessing, sys
from functools import partial
import spamguard

TEXTS = {TEXTS!r}

def told(model, _):
    verdicts = spamguard.score_many(TEXTS, model=model)
    return [(v.spam_probability, v.label, v.log_odds) for v in verdicts]

if __name__ == "__main__":
    model = spamguard.load_model()
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        found = pool.map(partial(told, None), range(2)) + pool.map(partial(told, model), range(2))
    print(json.dumps(found))
"""


# --- joblib -------------------------------------------------------------------------


@pytest.mark.process
@pytest.mark.parametrize("backend", ["loky", "threading", "multiprocessing", "sequential"])
def test_backends_of_joblib(model, comments, alone, backend):
    with joblib.parallel_config(backend=backend, n_jobs=2):
        found = score_in_parallel(comments, model)
    assert same(found, alone)


def test_processes_are_loky_by_default(model, comments, alone):
    assert same(score_in_parallel(comments, model, 2), alone)
    processes = score_in_parallel(comments, model, 2, judge=_who_judges)
    assert all(v.model == model.title for v in processes)
    assert str(os.getpid()) not in {v.language for v in processes}


def _who_judges(model, comments):
    return [replace(v, language=str(os.getpid())) for v in model.verdicts(comments)]


def test_workers_do_not_share_their_part_out_again(model, comments):
    with joblib.parallel_config(backend="threading", n_jobs=2):
        found = score_in_parallel(comments, model, judge=_nested_jobs)
    assert {v.language for v in found} == {"1"}


def _nested_jobs(model, comments):
    return [replace(v, language=str(jobs_for(None))) for v in model.verdicts(comments)]


def test_a_worker_keeps_the_model(model, comments, monkeypatch):
    monkeypatch.setattr(scoring, "_kept", {})
    with joblib.parallel_config(backend="threading", n_jobs=2):
        for _ in range(2):
            score_in_parallel(comments, model)
        ((_, kept),) = scoring._kept.values()
        assert kept.about == {}  # what it was trained on does not travel
        for i in range(scoring._MOST_KEPT + 2):
            score_in_parallel(comments, replace(model, intercept=float(i)))
    assert len(scoring._kept) == scoring._MOST_KEPT


def test_models_that_differ_anywhere_are_not_taken_for_each_other(model):
    other = model.ngram_weights.copy()
    other[5] += 1
    models = [
        model, model.at_prior(0.02), replace(model, ngram_weights=other), replace(model, version="2"),
        replace(model, languages=frozenset({"en"})), replace(model, dense_weights=model.dense_weights * 2),
    ]  # fmt: skip
    assert len({scoring._dismantle(m)[0] for m in models}) == len(models)
    assert scoring._dismantle(replace(model))[0] == scoring._dismantle(model)[0]


def test_reasons_are_found_when_asked_for(model, comments):
    found = score_in_parallel(comments, model, 2)
    assert all(callable(v._reasons) for v in found)
    verdict = pickle.loads(pickle.dumps(found[3]))
    assert verdict.reasons == model.verdict(comments[3]).reasons


def test_few_comments_and_none(model):
    assert score_in_parallel([], model, 2) == []
    assert score_in_parallel([Comment("hi")], model, 2) == [model.verdict(Comment("hi"))]


@pytest.mark.process
def test_what_goes_wrong_in_a_worker_is_told(model, comments):
    with pytest.raises(ZeroDivisionError):
        score_in_parallel(comments, model, 2, judge=_fail)


def _fail(model, comments):
    raise ZeroDivisionError


@pytest.mark.process
def test_a_worker_that_is_killed(model, comments):
    with pytest.raises(SpamguardError, match="use fewer"):
        score_in_parallel(comments, model, 2, judge=_die)
    assert len(score_in_parallel(comments, model, 2)) == len(comments)  # the next call has new ones


def _die(model, comments):
    os._exit(9)


def test_how_many_jobs():
    assert jobs_for(None) == jobs_for(1) == 1
    assert jobs_for(3) == 3
    with joblib.parallel_config(backend="threading", n_jobs=4):
        assert jobs_for(None) == 4
        assert jobs_for(1) == 1


def test_alone_joblib_is_not_imported():
    program = (
        "import sys, spamguard.scoring as p; from spamguard import load_model; "
        "m = load_model(); p.score_in_parallel([], m); sys.exit('joblib' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | {"PYTHONPATH": HOME}, check=False
    )
    assert done.returncode == 0


def test_work_in_order_on_any_backend():
    for backend in ("loky", "threading", "multiprocessing", "sequential"):
        with joblib.parallel_config(backend=backend, n_jobs=2):
            work = (joblib.delayed(pow)(i, 2) for i in range(20))
            assert list(in_order(work, None)) == [i**2 for i in range(20)]


needs_n_jobs = pytest.mark.skipif(
    "n_jobs" not in inspect.signature(score_many).parameters,
    reason="score_many does not take n_jobs yet",
)


@needs_n_jobs
@pytest.mark.parametrize("n_jobs", [None, 1, 2])
def test_score_many_and_score_frame_share_their_work(model, sample, comments, alone, n_jobs):
    assert same(score_many(comments, model=model, n_jobs=n_jobs), alone)
    columns = ["text", "author", "author_url", "post_title", "post_text", "post_url", "post_author"]
    found = spamguard.score_frame(sample.iloc[::4][columns], model=model, n_jobs=n_jobs)
    assert found["spam_probability"].tolist() == [v.spam_probability for v in alone]


# --- Dask and Ray -------------------------------------------------------------------


@pytest.fixture(scope="module")
def dask():
    """A Dask cluster of two processes on this machine."""
    distributed = pytest.importorskip("distributed", reason="needs pip install 'spamguard[dask]'")
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50,
        env={"PYTHONPATH": os.pathsep.join([HOME, *sys.path])},
    )  # fmt: skip
    with cluster, distributed.Client(cluster) as client:
        yield client


@pytest.mark.process
@pytest.mark.filterwarnings("default")  # of packages that are not ours, on threads of theirs
class TestDask:
    def test_batch_scoring(self, dask, model, comments, alone):
        with joblib.parallel_config(backend="dask"):
            assert jobs_for(None) == 2
            found = score_in_parallel(comments, model)
        assert same(found, alone)

    @needs_n_jobs
    def test_score_many(self, dask, model, comments, alone):
        with joblib.parallel_config(backend="dask"):
            assert same(score_many(comments, model=model), alone)

    def test_it_is_the_cluster_that_works(self, dask, model, comments):
        with joblib.parallel_config(backend="dask"):
            found = score_in_parallel(comments, model, judge=_dask_worker)
        workers = {w["id"] for w in dask.scheduler_info()["workers"].values()}
        judged = {v.language for v in found}
        assert judged <= {str(w) for w in workers}
        assert judged

    def test_cross_validation(self, dask, sample, sample_comments):
        from sklearn.model_selection import cross_val_score

        few, labels = sample_comments[::3], sample["label"].to_numpy()[::3]
        measure = partial(cross_val_score, SpamClassifier(bits=12), few, labels, cv=3)
        expected = measure()
        with joblib.parallel_config(backend="dask"):
            assert measure().tolist() == expected.tolist()

    def test_training_folds(self, dask, sample):
        from spamguard.training.recipe import train_corpus

        expected = train_corpus(sample).model
        with joblib.parallel_config(backend="dask"):
            found = train_corpus(sample).model
        assert found.ngram_weights.tobytes() == expected.ngram_weights.tobytes()
        assert found.cuts == expected.cuts
        assert found.intercept == expected.intercept


def _dask_worker(model, comments):
    from distributed import get_worker

    name = str(get_worker().name)
    return [replace(v, language=name) for v in model.verdicts(comments)]


@pytest.mark.filterwarnings("default")
def test_ray(model, comments, alone, sample, monkeypatch):
    """By Ray's own joblib backend; Ray is not among what the tests install."""
    ray = pytest.importorskip("ray", reason="needs pip install ray")
    from ray.util.joblib import register_ray

    from spamguard.training.recipe import train_corpus

    expected = train_corpus(sample).model
    ray.init(num_cpus=2, include_dashboard=False, runtime_env={"env_vars": {"PYTHONPATH": HOME}})
    try:
        register_ray()
        with joblib.parallel_config(backend="ray", n_jobs=2):
            assert same(score_in_parallel(comments, model), alone)
            found = train_corpus(sample).model
    finally:
        ray.shutdown()
    assert found.ngram_weights.tobytes() == expected.ngram_weights.tobytes()


@pytest.mark.process
def test_a_pool_of_the_standard_library(model, comments, alone):
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        found = list(pool.map(partial(score, model=model), comments[:20]))
    assert same(found, alone[:20])
