"""Spark gives the answers of `score_frame`. Needs ``spamguard[spark]`` and Java 17."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest

import spamguard
from spamguard import InputError, save_model, score_frame
from spamguard.analysis.spark import score_spark

pytest.importorskip("pyspark", reason="needs pip install 'spamguard[spark]'")
if not (shutil.which("java") or os.environ.get("JAVA_HOME")):
    pytest.skip("needs Java 17 or later: there is no java", allow_module_level=True)
pytestmark = pytest.mark.filterwarnings("default")  # of packages that are not ours

from pyspark.sql import SparkSession  # noqa: E402

HOME = str(Path(spamguard.__file__).parents[1])
COLUMNS = ["text", "author", "author_url", "date", "post_title", "post_text", "post_url", "post_author"]  # fmt: skip
ANSWERS = ["spam_probability", "label", "discard", "log_odds"]


@pytest.fixture(scope="module")
def spark():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("PYTHONPATH", os.pathsep.join([HOME, os.environ.get("PYTHONPATH", "")]))
        session = (
            SparkSession.builder.master("local[2]")
            .appName("spamguard tests")
            .config("spark.ui.enabled", "false")
            .config("spark.sql.shuffle.partitions", "3")
            .config("spark.default.parallelism", "3")
            .config("spark.driver.bindAddress", "127.0.0.1")
            .config("spark.driver.host", "127.0.0.1")
            .getOrCreate()
        )
        session.sparkContext.setLogLevel("ERROR")
        yield session
        session.stop()


@pytest.fixture(scope="module")
def rows(sample):
    """Comments of the sample under posts, with keys of their own that are easily damaged."""
    rows = sample.iloc[::3][[*COLUMNS, "post_id"]].astype(object)
    rows = rows.where(rows.notna(), None).reset_index(drop=True)
    rows["id"] = [2**53 + i if i % 3 else None for i in range(len(rows))]
    rows["id"] = rows["id"].astype("Int64").astype(object).where(rows["id"].notna(), None)
    return rows


def on_spark(spark, rows, types=None):
    kinds = dict.fromkeys(rows, "string") | {"id": "bigint"} | (types or {})
    schema = ", ".join(f"`{name}` {kinds[name]}" for name in rows)
    return spark.createDataFrame(rows.to_numpy().tolist(), schema)


def collected(scored, by="number"):
    """The rows as tuples, in the order of `by`."""
    return [tuple(row) for row in scored.orderBy(by).collect()]


def numbered(rows):
    return rows.assign(number=[f"{i:04}" for i in range(len(rows))])


def answers_of(found):
    return list(found[ANSWERS].itertuples(index=False, name=None))


def test_the_answers_of_score_frame(spark, rows, model):
    given = numbered(rows)
    scored = score_spark(on_spark(spark, given), model=model)
    assert scored.columns == [*given.columns, *ANSWERS]
    assert dict(scored.dtypes)["id"] == "bigint"
    found = collected(scored)
    assert [row[-4:] for row in found] == answers_of(score_frame(rows[COLUMNS], model=model))
    kept = [row[:-4] for row in found]
    assert kept == [tuple(row) for row in given.to_numpy().tolist()]
    assert {row[-3] for row in found} >= {"ham", "spam"}


def test_posts_are_joined(spark, rows, model):
    own = numbered(rows[["text", "author", "author_url", "post_id", "id"]])
    own.loc[5, "post_id"] = None
    own.loc[6, "post_id"] = "no such post"
    posts = rows[["post_id", *COLUMNS[4:]]].drop_duplicates("post_id")
    many = pd.concat([posts, posts.iloc[:3]])  # the same post twice judges no comment twice
    scored = score_spark(on_spark(spark, own), posts=on_spark(spark, many), model=model)
    assert scored.columns == [*own.columns, *ANSWERS]
    whole = own.merge(posts, "left", "post_id")
    expected = score_frame(whole[[c for c in COLUMNS if c in whole]], model=model)
    found = collected(scored)
    assert [row[-4:] for row in found] == answers_of(expected)
    assert [row[:-4] for row in found] == [tuple(row) for row in own.to_numpy().tolist()]


def test_of_posts_with_one_key_the_first_counts(spark, model):
    own = pd.DataFrame({"text": ["Water it from below?"], "post_id": ["a"], "number": ["1"]})
    posts = pd.DataFrame({"post_id": ["a", "a"], "post_text": ["Zebras.", "Basil wants water."]})
    for order in (posts, posts[::-1]):
        scored = score_spark(on_spark(spark, own), posts=on_spark(spark, order), model=model)
        expected = score_frame(own.assign(post_text="Basil wants water."), model=model)
        assert [row[-4:] for row in collected(scored)] == answers_of(expected)


def test_columns_of_every_kind_are_kept(spark, model):
    frame = spark.sql(
        "select 'hello' as text, 9007199254740993L as long, cast(null as int) as `a.b`, 0.1D as x, "
        "double('NaN') as nan, array(1, null) as list, named_struct('k', 'v') as s, true as flag, "
        "timestamp'2024-05-01 10:00:00.123456' as t, date'2024-05-01' as date, 1.50BD as money, "
        "X'00ff' as raw, cast(null as void) as nothing, 'q' as `o``dd` union all "
        "select null, null, 3, null, 1.5D, null, null, null, null, null, null, null, null, null"
    )
    scored = score_spark(frame, model=model)
    expected, found = (
        sorted(map(repr, f.select(frame.columns and [f[f"`{c.replace('`', '``')}`"] for c in frame.columns]).collect()))
        for f in (frame, scored)
    )  # fmt: skip
    assert found == expected
    assert scored.schema.simpleString().startswith(frame.schema.simpleString()[:-1])


def test_dates_of_every_kind(spark, model):
    for date in ("'2024-05-01'", "date'2024-05-01'", "timestamp'2024-05-01 10:00:00'", "null"):
        scored = score_spark(spark.sql(f"select 'hello' as text, {date} as date"), model=model)
        expected = score_frame(pd.DataFrame({"text": ["hello"]}), model=model)
        assert [tuple(row)[-4:] for row in scored.collect()] == answers_of(expected)


def test_models_by_path_and_by_default(spark, model, tmp_path):
    frame = spark.sql("select 'order pills' as text")
    given = pd.DataFrame({"text": ["order pills"]})
    path = save_model(model, tmp_path / "site")
    for one in (None, path, str(path)):
        found = [tuple(row)[-4:] for row in score_spark(frame, model=one).collect()]
        assert found == answers_of(score_frame(given, model=one))


def test_no_rows(spark, model):
    scored = score_spark(spark.sql("select 'x' as text where false"), model=model)
    assert scored.collect() == []
    assert scored.columns == ["text", *ANSWERS]


@pytest.mark.parametrize(
    ("query", "posts", "message"),
    [
        ("select 'x' as body", None, "withColumnRenamed"),
        ("select 5 as text", None, r"cast\('string'\)"),
        ("select 'x' as text, 1 as author", None, "author"),
        ("select 'x' as text, 'ham' as label", None, "given_label"),
        ("select 'x' as text, 1 as a, 2 as a", None, "same name"),
        ("select 'x' as text", "select 'a' as post_id, 'b' as post_text", "post_key"),
        ("select 'x' as text, 'a' as post_id", "select 'a' as id, 'b' as post_text", "post_key"),
        ("select 'x' as text, 'a' as post_id", "select 1 as post_id, 'b' as post_text", "cast one"),
        ("select 'x' as text, 'a' as post_id", "select 'a' as post_id, 'b' as body", "none of"),
        (
            "select 'x' as text, 'a' as post_id, 'c' as post_text",
            "select 'a' as post_id, 'b' as post_text",
            "drop one",
        ),
    ],
)
def test_what_cannot_be_is_told_before_the_work(spark, model, query, posts, message):
    with pytest.raises(InputError, match=message):
        score_spark(spark.sql(query), posts=posts and spark.sql(posts), model=model)


def test_a_pandas_frame_is_sent_to_score_frame(model):
    with pytest.raises(InputError, match="score_frame"):
        score_spark(pd.DataFrame({"text": ["hi"]}), model=model)
