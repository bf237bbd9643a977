"""A long stream through ``spamguard score``: its speed compared with a batch, and its memory.

Input and output are pipes, so ten million comments need no disk space: comments are
generated as they are read, and the answers are counted. The comments are those of the
batch in benchmarks/speed, repeated: TubeSpam's with their posts, multiplied by changing
a word in each. Without data sets they are the sample's.

Usage: python benchmarks/stream.py RESULT.json [COMMENTS [COMMENTS_AS_CSV]] [--datasets DIRECTORY]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from itertools import cycle, islice
from pathlib import Path
from typing import IO, Any

import cycled
import numpy as np

from spamguard import Comment, default_model

sys.path.insert(0, str(Path(__file__).parent / "speed"))
from speed_rows import cycled as made_more
from speed_rows import panels

BATCHED = 5_000  # comments in each measurement of the batch
HELD = 20_000  # different comments in the stream

Row = dict[str, Any]


def given(datasets: str | None) -> tuple[list[Row], list[Comment]]:
    """Return the streamed comments, as rows and as comments."""
    if datasets is None:
        return cycled.rows(), cycled.comments()
    rows = made_more(panels(datasets)["tubespam"], HELD)
    return rows.frame().to_dict("records"), rows.comments()


def _feed(pipe: IO[bytes], head: bytes, lines: Sequence[bytes], count: int) -> None:
    with pipe:
        pipe.write(head)
        stream = islice(cycle(lines), count)
        while block := b"".join(islice(stream, 200)):
            pipe.write(block)


def stream(
    form: str, count: int, rows: Sequence[Row], measure: Callable[[], dict[str, float]]
) -> dict[str, Any]:
    """Send `count` comments through the command; return measurements of it and of batches."""
    head, lines = cycled.lines(form, rows)
    # A row is one line in JSON; in CSV it may be several.
    lines_a_row = sum(line.count(b"\n") for line in lines) / len(lines)
    expected = round(count * lines_a_row) + (form == "csv")
    start, before = time.perf_counter(), _cpu_of_children()
    with subprocess.Popen(
        [sys.executable, "-m", "spamguard", "score", "--in-format", form, "--format", form],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        feeder = threading.Thread(target=_feed, args=(process.stdin, head, lines, count))
        feeder.start()
        answered, waited = 0, 0.0
        peaks: list[float] = []
        batches: list[dict[str, float]] = []
        while block := process.stdout.read1(1 << 20):
            answered += block.count(b"\n")
            share = int(10 * answered / expected)
            if share > len(peaks):
                peaks.append(cycled.peak_mb(process.pid))
                stopped = time.perf_counter()
                batches.append(measure())
                waited += time.perf_counter() - stopped
                print(f"{form}: {answered:,} lines", batches[-1], flush=True)
        feeder.join()
        code = process.wait()
    seconds = time.perf_counter() - start - waited
    cpu = _cpu_of_children() - before
    # An incomplete last round may have more or fewer lines than its share.
    if code or abs(answered - expected) > (form == "csv") * len(lines):
        raise SystemExit(f"{form}: exit code {code}, {answered:,} of {expected:,} lines")
    rate, cost = count / seconds, 1e6 * cpu / count
    # The cost of a comment is the mean of equal parts; the rate follows from it.
    batch_rate = len(batches) / sum(1 / batch["comments_per_second"] for batch in batches)
    batch_cost = sum(batch["cpu_us_a_comment"] for batch in batches) / len(batches)
    return {
        "format": form,
        "comments": count,
        "seconds": round(seconds, 1),
        "comments_per_second": round(rate, 1),
        "cpu_us_a_comment": round(cost, 1),
        "peak_mb_at_a_tenth": peaks[0],
        "peak_mb": peaks[-1],
        "batch_comments_per_second": round(batch_rate, 1),
        "batch_cpu_us_a_comment": round(batch_cost, 1),
        "rate_of_batch": round(rate / batch_rate, 3),
        "cpu_of_batch": round(cost / batch_cost, 3),
        "batches": batches,
    }


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("result", type=Path)
    parser.add_argument("counts", type=int, nargs="*", metavar="comments", default=[10_000_000])
    parser.add_argument("--datasets")
    return parser.parse_args()


def main() -> int:
    asked = arguments()
    model = default_model()
    read, comments = given(asked.datasets)
    rows = []
    for form, count in (("jsonl", asked.counts[0]), ("csv", asked.counts[-1])):
        rows.append(stream(form, count, read, lambda: cycled.alone(model, BATCHED, comments)))
    result = {
        "protocol": "stream",
        "model": model.title,
        "comments": "youtube-tubespam" if asked.datasets else "sample",
        "rows": rows,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "cores": os.cpu_count(),
    }
    asked.result.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    print(json.dumps(rows, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
