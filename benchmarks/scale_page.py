"""docs/scale.md: measurements on more than one core, and an estimate for a billion comments."""

from __future__ import annotations

from math import ceil
from typing import Any

from benchmarks.protocols.markdown import block

BILLION = 1_000_000_000
NODE_CORES, NODE_GBIT, NIGHT_HOURS = 16, 10, 8


def page(scale: dict[str, Any], stream: dict[str, Any]) -> str:
    """Return the page."""
    return "\n".join([*_head(), *_measured(scale), *_streamed(stream), *_paper(scale), *_safe()])


def _head() -> list[str]:
    return [
        "# Past one machine",
        "",
        "A verdict depends on its comment, its post and the model, and on no other comment in the batch. So you can "
        "split the work anywhere, and the answers stay the same.",
        "",
        "## Files",
        "",
        "```",
        "spamguard score --input comments.jsonl --output scored.jsonl --jobs 4 --resume",
        "```",
        "",
        "The command reads, scores and writes some thousand comments at a time. Until it finishes, the answers are in "
        "`scored.jsonl.part`. After Ctrl-C, a full disk or `kill -9`, run the same command again with `--resume`. It "
        "removes an incomplete last line, skips the comments that have an answer, and scores the first and last of "
        "those again to check that the options and the model are the same. It does not notice a comment that "
        "changed between them, so give it the same input.",
        "",
        "## Cores and clusters",
        "",
        "```python",
        "import joblib",
        "from spamguard import score_frame, score_many",
        "",
        "score_many(comments, n_jobs=-1)  # all cores of this machine (loky)",
        "",
        "from dask.distributed import Client  # pip install 'spamguard[dask]'",
        "",
        'with Client("scheduler:8786"), joblib.parallel_config(backend="dask"):',
        "    score_frame(df)",
        "",
        "from ray.util.joblib import register_ray  # pip install ray",
        "",
        "register_ray()",
        'with joblib.parallel_config(backend="ray", n_jobs=64):',
        "    score_frame(df)",
        "```",
        "",
        "Cross-validation with `SpamClassifier`, the folds in `spamguard.training` and the protocols use "
        "`joblib.parallel_config` too. Each task has at most 500 comments and carries the model. A worker keeps the "
        "last few models, so its caches of words and posts survive from task to task. Only a verdict's numbers are "
        "sent back; reasons are computed when you ask for them.",
        "",
        "## Spark",
        "",
        "Spark needs `pip install 'spamguard[spark]'`, Java 17, and the same version of spamguard on every executor.",
        "",
        "```python",
        "from spamguard.analysis import score_spark",
        "",
        'scored = score_spark(spark.table("comments"), posts=spark.table("posts"), post_key="post_id")',
        'scored.where("label = \'spam\'").write.parquet("spam")',
        "```",
        "",
        "The model is broadcast. Keep the posts in a table of their own, each once. Spark joins them, by broadcast if "
        "they are few and by a shuffle otherwise. Other columns are returned unchanged. Nothing is computed until "
        "you ask Spark for the result. Arrow passes `spark.sql.execution.arrow.maxRecordsPerBatch` rows to a Python "
        "worker at a time (10,000 by default); with long posts, set it to 2,000.",
        "",
    ]


def _measured(scale: dict[str, Any]) -> list[str]:
    rows = [
        [
            row["by"],
            str(row["workers"]),
            f"{row['comments']:,}",
            f"{row['comments_per_second']:,.0f}",
            f"{row['worker_peak_mb']:.0f}" if row.get("worker_peak_mb") else "–",
            "yes" if row["same_answers"] else "**no**",
        ]
        for row in scale["rows"]
    ]
    return [
        "## Measured",
        "",
        f"One machine of {scale['cores']} cores, Python {scale['python']}, numpy {scale['numpy']}, PySpark "
        f"{scale['pyspark']}, distributed {scale['distributed']}, model {scale['model']}. The comments are the "
        "sample's, with their posts, repeated. One core scores batches of 2,000. The cluster software runs on the same "
        "cores and uses some of their time. Memory is the peak of one Python worker. Spark's answers are compared row "
        "by row with `score_frame`, the others with `score_many`.",
        "",
        *block(
            ["by", "workers", "comments", "comments a second", "MB a worker", "same answers"], rows
        ),
        f"One core takes {scale['rows'][0]['cpu_us_a_comment']:,.0f} µs per comment.",
        "",
    ]


def _streamed(stream: dict[str, Any]) -> list[str]:
    rows = [
        [
            row["format"],
            f"{row['comments']:,}",
            f"{row['comments_per_second']:,.0f}",
            f"{100 * row['rate_of_batch']:.0f} %",
            f"{row['cpu_us_a_comment']:,.0f} ({row['batch_cpu_us_a_comment']:,.0f})",
            f"{row['peak_mb_at_a_tenth']:.0f}",
            f"{row['peak_mb']:.0f}",
        ]
        for row in stream["rows"]
    ]
    return [
        "## A stream through the command",
        "",
        "One `spamguard score` process between two pipes, including reading and writing. For comparison, `score_many` "
        "scores batches of the same comments at intervals while the stream is paused. The model is "
        f"{stream['model']}.",
        "",
        *block(
            [
                "format", "comments", "comments a second", "share of the batch rate", "µs a comment (batch)",
                "peak MB after a tenth", "peak MB",
            ],
            rows,
        ),
    ]  # fmt: skip


def _paper(scale: dict[str, Any]) -> list[str]:
    spark = next(row for row in scale["rows"] if row["by"] == "Spark")
    sizes = scale["sizes"]
    core = spark["comments_per_second"] / spark["workers"]
    hours = BILLION / core / 3600
    nodes = ceil(hours / NIGHT_HOURS / NODE_CORES)
    terabytes = BILLION * sizes["comment_bytes"] / 1e12
    shuffle = BILLION * sizes["comment_bytes"] * 8 / (nodes * NODE_GBIT * 1e9) / 60
    rows = [
        ["comments a second per core, on Spark", f"{core:,.0f}"],
        ["core hours", f"{hours:,.0f}"],
        [f"machines of {NODE_CORES} cores to finish in {NIGHT_HOURS} hours", f"{nodes:,}"],
        ["comments as JSON lines, without posts", f"{terabytes:.2f} TB"],
        [f"one shuffle over a network of {NODE_GBIT} Gbit/s per machine", f"{shuffle:.1f} minutes"],
        ["memory of the Python workers on one machine", f"{NODE_CORES * spark['worker_peak_mb'] / 1000:.1f} GB"],
        ["the model, sent to all machines", f"{nodes * sizes['model_bytes'] / 1e6:,.1f} MB"],
    ]  # fmt: skip
    return [
        "## A billion comments, on paper",
        "",
        "This is the measured figures multiplied; nobody has run it. Comments are scored independently, so the speed "
        "grows with the cores. Storage and the join of the posts may not scale as well, nor may one post with a large "
        "share of all comments (Spark's adaptive execution splits such a partition).",
        "",
        *block(["", "for a billion comments"], rows),
        "A machine also needs memory for Spark itself and for posts joined by broadcast, which take "
        f"{sizes['post_bytes'] / 1000:.1f} kB each in the sample. Plan a few extra machines for those that fail or "
        "lag. The sample's comments are of ordinary length. Before you order machines, measure a thousand of your own, "
        "following `benchmarks/scale.py`.",
        "",
    ]


def _safe() -> list[str]:
    return [
        "## Threads and processes",
        "",
        "Any number of threads may use one model at once. You can load it before a fork or send it to a spawned "
        "process. `tests/test_parallel.py` compares sixteen threads, fork, spawn, forkserver, loky, Dask and (if "
        "installed) Ray with one thread. Python threads share one core for most of this work, so use processes for "
        "more speed.",
        "",
        "The figures on this page are measured by:",
        "",
        "```",
        "python benchmarks/scale.py benchmarks/results/scale.json 1000000",
        "python benchmarks/stream.py benchmarks/results/stream.json 10000000 1000000 --datasets DIR",
        "python benchmarks/render.py",
        "```",
        "",
    ]
