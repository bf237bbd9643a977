"""Measure scoring with processes, a local Dask cluster and a local Spark session on this machine.

The comments are the sample's, repeated. Every row of Spark's answers is compared
with `score_frame`.

Usage: python benchmarks/scale.py RESULT.json [COMMENTS] (needs spamguard[spark,dask] and Java 17)
"""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import cycled as sample
import joblib
import numpy as np
import pandas as pd

from spamguard import default_model, score_frame, score_many
from spamguard.analysis.spark import score_spark
from spamguard.corpus import COMMENT_COLUMNS, load_sample
from spamguard.scoring import score_in_parallel

PART = 10_000  # comments of each measurement except Spark's
POST = [name for name in COMMENT_COLUMNS if name.startswith("post_")]
OWN = [name for name in COMMENT_COLUMNS if name not in POST]
ANSWERS = ["spam_probability", "label", "discard"]


def shared(name: str, jobs: int) -> dict[str, Any]:
    """Score with the joblib backend that the caller has configured."""
    model, given = default_model(), list(islice(cycle(sample.comments()), PART))
    score_in_parallel(given[:2_000], model)  # the workers start and load
    start = time.perf_counter()
    found = score_in_parallel(given, model)
    seconds = time.perf_counter() - start
    return {
        "by": name,
        "workers": jobs,
        "comments": PART,
        "comments_per_second": round(PART / seconds, 1),
        "same_answers": found == list(islice(cycle(score_many(sample.comments())), PART)),
    }


@contextmanager
def spark_session(cores: int) -> Iterator[Any]:
    """Start Spark on this machine."""
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    session = (
        SparkSession.builder.master(f"local[{cores}]")
        .appName("spamguard scale")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.sql.shuffle.partitions", str(4 * cores))
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "2000")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    try:
        yield session
    finally:
        session.stop()


def on_spark(count: int, cores: int) -> dict[str, Any]:
    """Score `count` rows on Spark with their posts joined, and compare each with `score_frame`."""
    from pyspark.sql import functions

    rows = load_sample()[[*COMMENT_COLUMNS, "post_id"]].astype(object)
    rows = rows.where(rows.notna(), None).reset_index(drop=True)
    posts = rows[["post_id", *POST]].drop_duplicates("post_id")
    expected = score_frame(rows[list(COMMENT_COLUMNS)])
    with spark_session(cores) as spark:
        schema = ", ".join(f"{name} string" for name in [*OWN, "post_id"])
        table = [[i, *row] for i, row in enumerate(rows[[*OWN, "post_id"]].to_numpy().tolist())]
        once = spark.createDataFrame(table, f"row bigint, {schema}")
        numbers = spark.range(count, numPartitions=8 * cores)
        repeated = numbers.withColumn("row", functions.col("id") % len(rows)).join(
            functions.broadcast(once), "row"
        )
        all_posts = spark.createDataFrame(
            posts.to_numpy().tolist(), ", ".join(f"{name} string" for name in posts.columns)
        )
        scored = score_spark(repeated, posts=all_posts)
        start = time.perf_counter()
        found = scored.groupBy("row", *ANSWERS).count().toPandas()
        seconds = time.perf_counter() - start
        peak = max(map(sample.peak_mb, _python_workers()), default=0.0)
    times = count // len(rows) + (np.arange(len(rows)) < count % len(rows))
    wanted = expected.astype({"label": str}).assign(row=np.arange(len(rows)), count=times)
    both = found.merge(wanted[wanted["count"] > 0], on=["row", *ANSWERS, "count"])
    same = len(both) == len(found) == int((times > 0).sum())
    return {
        "by": "Spark",
        "workers": cores,
        "comments": count,
        "seconds": round(seconds, 1),
        "comments_per_second": round(count / seconds, 1),
        "same_answers": bool(same),
        "worker_peak_mb": peak,
    }


def _python_workers() -> list[int]:
    """Return the ids of Spark's Python worker processes."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                words = (process / "cmdline").read_bytes()
            except OSError:
                continue
            if b"pyspark.daemon" in words:
                found.append(int(process.name))
    return found


def _sizes() -> dict[str, float]:
    """Return the size in bytes of a comment, a post and the model."""
    rows, model = sample.rows(), default_model()
    posts = {tuple(row[name] for name in POST) for row in rows}
    own = [json.dumps({n: r[n] for n in OWN}, ensure_ascii=False).encode() for r in rows]
    return {
        "comment_bytes": round(float(np.mean([len(one) + 1 for one in own])), 1),
        "post_bytes": round(float(np.mean([len(json.dumps(p).encode()) for p in posts])), 1),
        "model_bytes": sum(
            array.nbytes
            for array in (
                model.ngram_weights, model.background, model.dense_weights, model.dense_reference,
            )
        ),
    }  # fmt: skip


def main() -> int:
    target, count = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    cores = os.cpu_count() or 1
    alone = sample.alone(default_model(), PART)
    rows = [{"by": "one core", "workers": 1, "same_answers": True} | alone]
    rows[0]["worker_peak_mb"] = sample.peak_mb()
    with joblib.parallel_config(backend="loky", n_jobs=cores):
        rows.append(shared("processes (loky)", cores))
    import distributed

    with (
        distributed.LocalCluster(
            n_workers=cores, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        distributed.Client(cluster),
        joblib.parallel_config(backend="dask"),
    ):
        rows.append(shared("Dask", cores))
    print(json.dumps(rows, indent=1), flush=True)
    rows.append(on_spark(count, cores))
    result = {
        "protocol": "scale",
        "model": default_model().title,
        "rows": rows,
        "sizes": _sizes(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "pandas": pd.__version__,
        "pyspark": version("pyspark"),
        "distributed": version("distributed"),
        "cores": cores,
    }
    target.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    print(json.dumps(rows[-1], indent=1))
    if not all(row["same_answers"] for row in rows):
        print("the answers differ", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
