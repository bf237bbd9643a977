"""Run one job in a fresh process: read it from standard input, print the measurements as JSON.

Each job imports only what it needs, when it needs it.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from speed_rows import SHAPES, Rows, cycled, long_posts, long_text, singles

Found = dict[str, Any]
_COMMENT = "Great post! Cheap pills at http://pills.example"


def memory(what: str) -> float:
    """Return resident memory in MB, "VmHWM" for the peak or "VmRSS" for now; NaN if unknown."""
    try:
        with Path("/proc/self/status").open() as status:
            return next(int(line.split()[1]) for line in status if line.startswith(what)) / 1024
    except (OSError, StopIteration):
        return float("nan")


def seconds_of(call: Callable[..., object], *arguments: Any) -> float:
    """Return the processor time of a call, which excludes waiting for a core."""
    start = time.process_time()
    call(*arguments)
    return time.process_time() - start


def moment_of(call: Callable[..., object], *arguments: Any) -> float:
    """Return the clock time of a short call; reading the processor time would add to it."""
    start = time.perf_counter()
    call(*arguments)
    return time.perf_counter() - start


def _parts(rows: Any, size: int) -> Iterator[Any]:
    for first in range(0, len(rows), size):
        yield rows[first : first + size]


def rates(judge: Callable[[Any], object], rows: Any, part: int) -> Found:
    """Return comments a second over all `rows`, and in the best part of them.

    A part holds all real rows, once or several times over, so the best one is
    that which other processes disturbed least. A short one at the end is left out.
    """
    judge(rows[:50])
    gc.collect()
    spent = [(len(some), seconds_of(judge, some)) for some in _parts(rows, part)]
    whole = [rate for rate in spent if rate[0] == part] or spent
    return {
        "comments": len(rows),
        "per_second": round(len(rows) / sum(s for _, s in spent)),
        "per_second_best": round(max(n / s for n, s in whole)),
    }


# --- peers ----------------------------------------------------------------------------


def train(system: str, rows: str, directory: str, count: int) -> Found:
    """Train a peer on `count` rows and keep its model."""
    from speed_systems import SYSTEMS

    learned = cycled(Rows.read(rows), count, SYSTEMS[system].heavy)
    spent = seconds_of(SYSTEMS[system].train, learned.text, learned.spam, Path(directory))
    size = sum(path.stat().st_size for path in Path(directory).iterdir())
    size += SYSTEMS[system].shipped()
    return {
        "comments": count,
        "seconds": round(spent, 2),
        "peak_mb": round(memory("VmHWM")),
        "model_mb": round(size / 1e6, 2),
    }


def one(system: str, rows: str, directory: str, count: int) -> list[float]:
    """Return the seconds for each of `count` single new comments."""
    from speed_systems import SYSTEMS

    judge = SYSTEMS[system].load(Path(directory)).one
    read = Rows.read(rows)
    warm, measured = singles(read, count)
    for i in warm[:count]:
        judge(read.text[i])
    return [moment_of(judge, read.text[i]) for i in measured]


def many(system: str, rows: str, directory: str, count: int, part: int) -> Found:
    """Score `count` rows in calls of `part`."""
    from speed_systems import SYSTEMS

    judge = SYSTEMS[system].load(Path(directory)).many
    chosen = cycled(Rows.read(rows), count, SYSTEMS[system].heavy)
    return rates(judge, chosen.text, part)


# --- spamguard ------------------------------------------------------------------------


def own_load() -> Found:
    """Load the shipped model once, in a process that has imported spamguard."""
    from spamguard.storage import find_model, load_model

    directory = find_model("default")
    spent = seconds_of(load_model, directory)
    title = load_model(directory).title
    sizes = {p.suffix: p.stat().st_size for p in directory.iterdir()}
    size = (sizes[".npz"] + sizes[".json"]) / 1e6
    return {"load_ms": 1000 * spent, "model_mb": size, "model": title}


def own_one(rows: str, count: int) -> list[float]:
    """Return the seconds for each single new comment on a post seen before."""
    from spamguard import score

    read = Rows.read(rows)
    comments = read.comments()
    warm, measured = singles(read, count)
    for i in warm:
        score(comments[i])
    return [moment_of(score, comments[i]) for i in measured]


def own_post(rows: str, count: int) -> list[float]:
    """Return the seconds of single comments under posts of 1,000 words, neither seen before.

    Nothing where there are no such posts to be had.
    """
    from spamguard import score

    read = Rows.read(rows)
    warm, measured = singles(read, count)
    texts = long_posts(read, len(measured))
    if not texts:
        return []
    comments = read.comments()
    for i in warm:
        score(comments[i])
    pairs = [(comments[i].text, text) for i, text in zip(measured, texts, strict=True)]
    return [moment_of(score, *pair) for pair in pairs]


def own_many(rows: str, count: int, part: int) -> Found:
    """Score `count` comments with their posts by `score_many`."""
    from spamguard import score_many

    return rates(score_many, cycled(Rows.read(rows), count).comments(), part)


def own_frame(rows: str, count: int, part: int) -> Found:
    """Score the rows of a DataFrame by `score_frame`."""
    from spamguard import score_frame

    return rates(score_frame, cycled(Rows.read(rows), count).frame(), part)


def own_text(rows: str, count: int) -> Found:
    """Score texts alone, which is all that the peers read."""
    from spamguard import score_many

    return rates(score_many, cycled(Rows.read(rows), count).text, count)


def own_once(rows: str, count: int) -> Found:
    """Score real rows for the first time in a fresh process."""
    from spamguard import score_many

    read = Rows.read(rows)
    comments = cycled(read, min(count, len(read))).comments()
    score_many(["warm"])
    return {"comments": len(comments), "seconds": seconds_of(score_many, comments)}


def own_shuffled(rows: str, count: int) -> Found:
    """Score comments in random order, on more posts than the cache holds."""
    import random

    from spamguard import score_many

    comments = Rows.read(rows).comments()
    random.Random(1).shuffle(comments)
    return rates(score_many, comments[:count], count)


def own_train(rows: str, count: int) -> Found:
    """Fit SpamClassifier on `count` comments and time reading and learning."""
    from spamguard import SpamClassifier

    read = cycled(Rows.read(rows), count)
    comments, classifier = read.comments(), SpamClassifier()
    start = time.process_time()
    vectors = classifier.vectorize(comments)
    reading = time.process_time() - start
    learning = seconds_of(classifier.fit, vectors, read.spam)
    return {
        "comments": count,
        "seconds": round(reading + learning, 2),
        "reading_s": round(reading, 2),
        "learning_s": round(learning, 2),
        "peak_mb": round(memory("VmHWM")),
    }


def own_stream(rows: str, different: int, part: int, sizes: Sequence[int]) -> Found:
    """Learn a stream by `partial_fit`: comments first, then the same rows repeatedly."""
    from spamguard import SpamClassifier

    read = cycled(Rows.read(rows), different)
    comments, spam = read.comments(), read.spam

    def learn(classifier: Any, chosen: Any, first: int) -> None:
        classifier.partial_fit(
            chosen[first : first + part], spam[first : first + part], classes=[False, True]
        )

    fresh = SpamClassifier()
    raw = sum(seconds_of(learn, fresh, comments, first) for first in range(0, different, part))
    vectors = SpamClassifier().vectorize(comments)
    stream, seen, found, start = SpamClassifier(), 0, [], time.process_time()
    for size in sizes:
        while seen < size:
            learn(stream, vectors, seen % different)
            seen += min(part, different - seen % different)
        found.append(
            {
                "rows": seen,
                "seconds": round(time.process_time() - start, 2),
                "memory_mb": round(memory("VmRSS")),
            }
        )
    return {
        "different": different,
        "with_reading": {"comments": different, "seconds": round(raw, 2)},
        "rows": found,
    }


def own_length(sizes: Sequence[int], repeats: int) -> list[Found]:
    """Score texts of many sizes and shapes, each once; take the best of several."""
    from spamguard import score

    score(_COMMENT)
    found = []
    for shape in SHAPES:
        score(long_text(shape, 1_000, 0))
        for size in sizes:
            texts = [long_text(shape, size, 1 + i) for i in range(repeats)]
            best = min(seconds_of(score, text) for text in texts)
            found.append(
                {"shape": shape, "bytes": size, "ns_per_byte": round(1e9 * best / size, 1)}
            )
    return found


def own_two_cores(rows: str, count: int) -> Found:
    """Score comments with one process and with two."""
    import os

    from spamguard.scoring import default_model, score_in_parallel

    if (os.cpu_count() or 1) < 2:
        return {"skipped": "there is one core"}
    comments, model = cycled(Rows.read(rows), 4 * count).comments(), default_model()
    # First, because a process should not fork while threads manage the workers.
    found: Found = {
        "comments": count,
        "apart_per_second": round(_two_apart(comments, model, count)),
    }
    for jobs in (1, 2):
        spent = []
        for some in _parts(comments, count):
            start = time.perf_counter()  # by the clock: the point of two processes is to reduce it
            score_in_parallel(some, model, jobs)
            spent.append(time.perf_counter() - start)
        # The first part starts and warms up the workers.
        found[f"jobs_{jobs}_per_second"] = round(count / min(spent[1:]))
    return found


def _two_apart(comments: Sequence[Any], model: Any, count: int) -> float:
    """Return the comments per second of two independent processes, the most that two can reach."""
    import multiprocessing

    from spamguard import score_many

    context = multiprocessing.get_context("fork")
    gate, spent = context.Barrier(2, timeout=600), context.SimpleQueue()

    def judge() -> None:
        for some in _parts(comments, count):
            gate.wait()
            start = time.perf_counter()
            score_many(some, model=model, n_jobs=1)
            gate.wait()  # until both are done
            spent.put(time.perf_counter() - start)

    both = [context.Process(target=judge) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join()
        if process.exitcode:
            raise RuntimeError("one of two processes failed")
    seconds = []  # leave out the first part, which is the warm-up
    while not spent.empty():
        seconds.append(spent.get())
    return 2 * count / min(seconds)


JOBS: dict[str, Callable[..., Any]] = {
    job.__name__: job
    for job in (
        train, one, many, own_load, own_one, own_post, own_many, own_frame,
        own_text, own_once, own_shuffled, own_train, own_stream, own_length, own_two_cores,
    )
}  # fmt: skip


def main() -> None:
    job = json.load(sys.stdin)
    print(json.dumps(JOBS[job.pop("job")](**job)))


if __name__ == "__main__":
    main()
