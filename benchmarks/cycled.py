"""Repeat the sample's comments, or given ones, as often as a measurement needs."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from spamguard import Comment, SpamModel, score_many
from spamguard.corpus import COMMENT_COLUMNS, comments_of, load_sample

BATCH = 2_000


def rows() -> list[dict[str, Any]]:
    """Return the sample's comments and posts as rows for `score_frame`."""
    frame = load_sample()[list(COMMENT_COLUMNS)].astype(object)
    found: list[dict[str, Any]] = frame.where(frame.notna(), None).to_dict("records")
    return found


def comments() -> list[Comment]:
    """Return the sample as comments."""
    return comments_of(load_sample())


def in_batches(count: int, given: Sequence[Comment]) -> Iterator[list[Comment]]:
    """Yield `count` comments in batches."""
    stream = islice(cycle(given), count)
    while batch := list(islice(stream, BATCH)):
        yield batch


def lines(form: str, given: Sequence[dict[str, Any]]) -> tuple[bytes, list[bytes]]:
    """Return the head and the rows of a file in this format."""
    if form == "jsonl":
        return b"", [json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in given]
    return _csv_line(list(given[0])), [_csv_line(list(row.values())) for row in given]


def _csv_line(cells: list[Any]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n").writerow(cells)
    return buffer.getvalue().encode()


def alone(model: SpamModel, count: int, given: Sequence[Comment] = ()) -> dict[str, float]:
    """Score `count` comments in batches on one core and return the speed and the cost per comment."""
    given = given or comments()
    batches = in_batches(count, given)
    score_many(given[:BATCH], model=model)  # load what is loaded on first use
    start, cpu = time.perf_counter(), time.process_time()
    for batch in batches:
        score_many(batch, model=model)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    return {
        "comments": count,
        "comments_per_second": round(count / seconds, 1),
        "cpu_us_a_comment": round(1e6 * cpu / count, 1),
    }


def peak_mb(pid: int | str = "self") -> float:
    """Return a process's peak resident memory in MB, 0 if it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    found = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
    return round(int(found[0]) / 1024, 1) if found else 0.0
