"""A long stream through ``spamguard score``: its rate beside that of a batch, and its memory.

Input and output are pipes, so that ten million comments need no disk: they
are made as they are read, and the answers are counted.

Usage: python benchmarks/stream.py RESULT.json [COMMENTS [COMMENTS_AS_CSV]]
"""

from __future__ import annotations

import json
import os
import platform
import resource
import subprocess
import sys
import threading
import time
from itertools import cycle, islice
from pathlib import Path
from typing import IO, Any

import cycled as sample
import numpy as np

from spamguard import default_model

BATCHED = 10_000  # comments of each measurement of the batch


def _feed(pipe: IO[bytes], form: str, count: int) -> None:
    head, lines = sample.lines(form)
    with pipe:
        pipe.write(head)
        stream = islice(cycle(lines), count)
        while block := b"".join(islice(stream, 200)):
            pipe.write(block)


def stream(form: str, count: int) -> dict[str, Any]:
    """Send `count` comments through the command and return what was seen of it."""
    start, before = time.perf_counter(), _cpu_of_children()
    with subprocess.Popen(
        [sys.executable, "-m", "spamguard", "score", "--in-format", form, "--format", form],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        feeder = threading.Thread(target=_feed, args=(process.stdin, form, count))
        feeder.start()
        answered, peaks = 0, []
        # In the sample no text has more than one line once it is JSON; in CSV some have.
        lines_a_row = sum(map(bytes.count, sample.lines(form)[1], cycle([b"\n"])))
        expected = count * lines_a_row // len(sample.rows()) + (form == "csv")
        while block := process.stdout.read1(1 << 20):
            answered += block.count(b"\n")
            share = int(10 * answered / expected)
            if share > len(peaks):
                peaks.append(sample.peak_mb(process.pid))
        feeder.join()
        code = process.wait()
    seconds = time.perf_counter() - start
    cpu = _cpu_of_children() - before
    if code or abs(answered - expected) > lines_a_row:
        raise SystemExit(f"{form}: exit code {code}, {answered:,} of {expected:,} lines")
    return {
        "format": form,
        "comments": count,
        "seconds": round(seconds, 1),
        "comments_per_second": round(count / seconds, 1),
        "cpu_us_a_comment": round(1e6 * cpu / count, 1),
        "peak_mb_at_a_tenth": peaks[0],
        "peak_mb": peaks[-1],
    }


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> int:
    target, counts = Path(sys.argv[1]), [int(count) for count in sys.argv[2:4]]
    many = counts[0] if counts else 10_000_000
    model = default_model()
    batch, rows = [sample.alone(model, BATCHED)], []
    for form, count in (("jsonl", many), ("csv", counts[-1] if counts else many)):
        rows.append(stream(form, count))
        print(json.dumps(rows[-1]), flush=True)
        # Before, between and after: others use the machine, and not always as much.
        batch.append(sample.alone(model, BATCHED))
        print(json.dumps(batch[-1]), flush=True)
    for i, row in enumerate(rows):
        near = batch[i : i + 2]
        for key in ("comments_per_second", "cpu_us_a_comment"):
            row[f"batch_{key}"] = round(float(np.mean([one[key] for one in near])), 1)
        row["rate_of_batch"] = round(
            row["comments_per_second"] / row["batch_comments_per_second"], 3
        )
        row["cpu_of_batch"] = round(row["cpu_us_a_comment"] / row["batch_cpu_us_a_comment"], 3)
    result = {
        "protocol": "stream",
        "model": model.title,
        "rows": rows,
        "batch": batch,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "cores": os.cpu_count(),
    }
    target.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    print(json.dumps(rows, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
