"""docs/scale.md: what was measured past one core, and what that makes of a billion comments."""

from __future__ import annotations

from math import ceil
from typing import Any

BILLION = 1_000_000_000
NODE_CORES, NODE_GBIT, NIGHT_HOURS = 16, 10, 8


def page(scale: dict[str, Any], stream: dict[str, Any]) -> str:
    """Return the page."""
    return "\n".join([*_head(), *_measured(scale), *_streamed(stream), *_paper(scale), *_safe()])


def _head() -> list[str]:
    return [
        "# Past one machine",
        "",
        "A verdict depends on its comment, its post and the model, and on nothing else of the batch. So the "
        "work parts anywhere, and the answers are the same wherever it is done.",
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
        "`joblib.parallel_config` is honoured alike by cross-validation with `SpamClassifier`, by the folds of "
        "`spamguard.training` and by the protocols. Each worker is sent the model once for a part of at most "
        "500 comments and keeps the last few, so what it remembers of words and posts stays; of a verdict only its "
        "numbers travel back, and reasons are found when asked for.",
        "",
        "On Spark (`pip install 'spamguard[spark]'`, Java 17; the same spamguard on every executor):",
        "",
        "```python",
        "from spamguard.analysis import score_spark",
        "",
        'scored = score_spark(spark.table("comments"), posts=spark.table("posts"), post_key="post_id")',
        'scored.where("label = \'spam\'").write.parquet("spam")',
        "```",
        "",
        "The model is broadcast. The posts stand in a table of their own, each once, and Spark joins them, by "
        "broadcast where they are few and by a shuffle where they are not. Columns that are not read come back "
        "as they were. Nothing is computed before Spark is asked for the result. Arrow hands a Python worker "
        "`spark.sql.execution.arrow.maxRecordsPerBatch` rows at a time (10,000 unless set): with long posts, set "
        "2,000.",
        "",
        "From files, without any of this:",
        "",
        "```",
        "spamguard score --input comments.jsonl --output scored.jsonl --jobs 4 --resume",
        "```",
        "",
        "Comments are read, judged and written some thousands at a time. Until all is done the answers stand in "
        "`scored.jsonl.part`. After an interruption, be it Ctrl-C, a full disk or `kill -9`, the same command "
        "with `--resume` goes on: it cuts off a torn last line, passes over what is answered, and judges the first "
        "and the last of that again. Other options or another model show in these; a comment that was changed "
        "between them does not, so give it the same input.",
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
        f"{scale['pyspark']}, distributed {scale['distributed']}; the sample's comments with their posts, again and "
        "again. One core in batches of 2,000; the cluster software runs on the same cores and takes its part of them. "
        "Memory is the most that one Python worker held. The answers of Spark are compared row by row with "
        "`score_frame`, those of the others with `score_many`. "
        f"The model is {scale['model']}.",
        "",
        *_table(
            ["by", "workers", "comments", "comments a second", "MB a worker", "same answers"], rows
        ),
        f"A core spends {scale['rows'][0]['cpu_us_a_comment']:,.0f} µs on a comment.",
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
        "`spamguard score` between two pipes, one process, reading and writing included, beside `score_many` in batches "
        f"of the same comments, measured along the way while the stream waits; the model is {stream['model']}.",
        "",
        *_table(
            [
                "format", "comments", "comments a second", "of the batch's rate", "µs a comment (batch)",
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
        ["comments a second of one core, on Spark", f"{core:,.0f}"],
        ["core hours", f"{hours:,.0f}"],
        [f"machines of {NODE_CORES} cores that do it in {NIGHT_HOURS} hours", f"{nodes:,}"],
        ["comments as JSON lines, without posts", f"{terabytes:.2f} TB"],
        [f"once over a network of {NODE_GBIT} Gbit/s each, where posts are shuffled", f"{shuffle:.1f} minutes"],
        ["Python workers of a machine", f"{NODE_CORES * spark['worker_peak_mb'] / 1000:.1f} GB"],
        ["the model, to all machines", f"{nodes * sizes['model_bytes'] / 1e6:,.1f} MB"],
    ]  # fmt: skip
    return [
        "## A billion comments, on paper",
        "",
        "Nobody has run this here. It is the measured figures multiplied: scoring needs no word from one comment to "
        "the next, so it grows with the cores; what may not is storage, the join of the posts, and one post with a "
        "large share of all comments (Spark's adaptive execution splits such a partition).",
        "",
        *_table(["", "for a billion comments"], rows),
        "Beside the Python workers a machine needs the memory that Spark itself is given, and posts that are joined "
        f"by broadcast: {sizes['post_bytes'] / 1000:.1f} kB each in the sample. Plan some more machines than the table "
        "says, for those that fail or lag. The comments of the sample are of ordinary length; measure a thousand of "
        "your own with `python benchmarks/scale.py` as the pattern before you order machines.",
        "",
    ]


def _safe() -> list[str]:
    return [
        "## Threads and processes",
        "",
        "A model may be scored from any number of threads at once, and it may be loaded before a fork or sent to a "
        "process that was spawned: `tests/test_parallel.py` holds sixteen threads, fork, spawn, forkserver, loky, "
        "Dask and (where it is installed) Ray against the answers of one thread. Python threads share one core for most of this work; for more "
        "comments a second use processes.",
        "",
        "Measured by:",
        "",
        "```",
        "python benchmarks/scale.py benchmarks/results/scale.json 1000000",
        "python benchmarks/stream.py benchmarks/results/stream.json 10000000 1000000 --datasets DIR",
        "python benchmarks/render.py",
        "```",
        "",
    ]


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows), ""]
