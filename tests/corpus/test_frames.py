"""Tables of any kind in, the same verdicts out; features and reasons as tables."""

from __future__ import annotations

import io
import subprocess
import sys
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
import pytest

from spamguard import InputError, SpamguardError, score_frame
from spamguard.analysis import features_frame, reasons_frame
from spamguard.analysis.tables import feature_table
from spamguard.corpus import comments_of_frame
from spamguard.features import FEATURES
from spamguard.progress import Progress

COLUMNS = ["text", "author", "author_url", "date", "post_title", "post_text"]


@pytest.fixture(scope="module")
def rows(sample):
    return sample[COLUMNS].iloc[::6]


@pytest.fixture(scope="module")
def expected(rows, model):
    return score_frame(rows, model=model)


def test_arrow_columns(rows, model, expected):
    pytest.importorskip("pyarrow")
    arrow = rows.convert_dtypes(dtype_backend="pyarrow")
    assert str(arrow["author"].dtype) == "string[pyarrow]"
    assert arrow["author_url"].isna().any()
    pd.testing.assert_frame_equal(score_frame(arrow, model=model), expected)


def test_arrow_columns_that_are_coded_or_hold_moments(model):
    pa = pytest.importorskip("pyarrow")
    coded = pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string()))
    frame = pd.DataFrame(
        {
            "text": pd.array(["hello there", "hello there"], "string[pyarrow]"),
            "author": pd.array(["Ines", None], coded),
            "date": pd.array(
                [datetime(2024, 5, 1, tzinfo=UTC), None], "timestamp[us, UTC][pyarrow]"
            ),
        }
    )
    first, second = comments_of_frame(frame)
    assert (first.author, second.author) == ("Ines", None)
    assert first.date == datetime(2024, 5, 1, tzinfo=UTC)
    assert second.date is None


def test_a_day_is_a_date():
    days = pd.DataFrame({"text": ["a", "b"], "date": [date(2024, 5, 1), None]})
    assert [c.date for c in comments_of_frame(days)] == ["2024-05-01", None]
    with pytest.raises(InputError, match="column 'text', row 0: date"):
        comments_of_frame(pd.DataFrame({"text": [date(2024, 5, 1)]}))


def test_polars(rows, model, expected):
    pl = pytest.importorskip("polars")
    given = pl.DataFrame({name: rows[name].tolist() for name in COLUMNS})
    found = score_frame(given, model=model, reasons=True)
    assert isinstance(found, pl.DataFrame)
    assert found["spam_probability"].to_list() == expected["spam_probability"].tolist()
    assert found["label"].to_list() == expected["label"].tolist()
    reasons = score_frame(rows, model=model, reasons=True)["reasons"].iloc[0]
    assert found["reasons"].to_list()[0][0] == {
        "feature": reasons[0].feature,
        "contribution": reasons[0].contribution,
        "evidence": reasons[0].evidence,
    }
    assert score_frame(given.head(0), model=model).schema == score_frame(given, model=model).schema


def test_polars_errors(model):
    pl = pytest.importorskip("polars")
    with pytest.raises(InputError, match="collect"):
        score_frame(pl.LazyFrame({"text": ["x"]}), model=model)
    with pytest.raises(InputError, match="no column 'text'"):
        score_frame(pl.DataFrame({"body": ["x"]}), model=model)
    with pytest.raises(InputError, match="column 'text', row 0: int"):
        score_frame(pl.DataFrame({"text": [1]}), model=model)


@pytest.mark.parametrize("kind", ["polars", "pyarrow"])
def test_features_and_reasons_of_frames_of_any_kind(kind, rows, model):
    package = pytest.importorskip(kind)
    pytest.importorskip("narwhals")
    make = package.DataFrame if kind == "polars" else package.table
    given = make({name: rows[name].head(10).tolist() for name in COLUMNS})
    plain = rows.head(10).reset_index(drop=True)
    for table in (features_frame, reasons_frame):
        pd.testing.assert_frame_equal(table(given, model=model), table(plain, model=model))
    scored = score_frame(given, model=model)["log_odds"]
    assert list(map(float, scored)) == score_frame(plain, model=model)["log_odds"].tolist()


def test_a_column_twice_in_an_arrow_table(model):
    pa = pytest.importorskip("pyarrow")
    for names in (["text", "text"], ["text", "x", "x"]):
        twice = pa.Table.from_arrays([pa.array(["a"])] * len(names), names=names)
        for read in (score_frame, features_frame, reasons_frame):
            with pytest.raises(InputError, match=f"more than one column '{names[-1]}'"):
                read(twice, model=model)


def test_arrow_tables(rows, model, expected):
    pa = pytest.importorskip("pyarrow")
    given = pa.table({name: rows[name].tolist() for name in COLUMNS})
    found = score_frame(given, model=model)
    assert isinstance(found, pa.Table)
    assert found["spam_probability"].to_pylist() == expected["spam_probability"].tolist()


def test_a_missing_extra_is_named(model, monkeypatch):
    pl = pytest.importorskip("polars")
    monkeypatch.setitem(sys.modules, "narwhals", None)
    with pytest.raises(SpamguardError, match=r"spamguard\[analysis\]"):
        score_frame(pl.DataFrame({"text": ["x"]}), model=model)


def test_pandas_alone_loads_no_other_frames():
    code = (
        "import sys, pandas as pd, spamguard; before = set(sys.modules);"
        "spamguard.score_frame(pd.DataFrame({'text': ['hello']}));"
        "print(sorted({'narwhals', 'polars', 'tqdm'} & (set(sys.modules) - before)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- features and reasons ---------------------------------------------------------


def test_features_are_those_of_the_vectorizer(rows, model):
    found = features_frame(rows, model=model)
    assert found.index.equals(rows.index)
    assert list(found) == [f.name for f in FEATURES]
    third = comments_of_frame(rows)[3]
    np.testing.assert_array_equal(
        found.iloc[3].to_numpy(), model.vectorizer.rows([third]).dense[0].astype(np.float32)
    )
    assert features_frame(["Only this text"], model=model).index.tolist() == [0]


def test_units_say_what_the_values_are(sample, model):
    found = features_frame(sample, model=model)
    units = found.attrs["units"]
    assert units.keys() == set(found)
    assert units == feature_table()["unit"].to_dict()
    for name, unit in units.items():
        values = found[name].dropna().to_numpy(float)
        if unit == "0 or 1":
            assert np.isin(values, (0, 1)).all(), name
        elif unit in ("share", "cosine"):
            assert ((values >= 0) & (values <= 1)).all(), name
        elif unit == "ln(1 + count)":
            counts = np.expm1(values)
            np.testing.assert_allclose(counts, counts.round(), rtol=1e-5, atol=1e-5, err_msg=name)


def test_reasons_add_up(rows, model):
    found = reasons_frame(rows.head(12), model=model)
    sums = found.groupby("row", sort=False)["contribution"].sum()
    assert sums.index.tolist() == list(range(12))
    assert found["comment"].drop_duplicates().tolist() == rows.index[:12].tolist()
    expected = [model.log_odds(c) for c in comments_of_frame(rows.head(12))]
    np.testing.assert_allclose(sums.to_numpy() + found.attrs["intercept"], expected, atol=1e-6)
    assert set(found["family"]) <= {"links", "promo", "topic", "author", "style", "ngrams"}
    assert set(found.loc[found["feature"].str.startswith("contacts"), "family"]) <= {"links"}


def test_reasons_add_up_by_row_where_labels_are_there_twice(rows, model):
    twice = pd.concat([rows.head(3), rows.iloc[3:6].set_axis(rows.index[:3])])
    found = reasons_frame(twice, model=model)
    sums = found.groupby("row")["contribution"].sum() + found.attrs["intercept"]
    expected = score_frame(twice, model=model)["log_odds"]
    np.testing.assert_allclose(sums, expected, atol=1e-6)
    labels = found.drop_duplicates("row").set_index("row")["comment"]
    assert labels.tolist() == twice.index.tolist()
    by_two = twice.set_axis(pd.MultiIndex.from_product([["x", "y"], [1, 2, 3]]))
    firsts = reasons_frame(by_two, model=model).drop_duplicates("row")["comment"]
    assert firsts.tolist() == by_two.index.tolist()  # tuples


def test_the_strongest_reasons_alone(model):
    found = reasons_frame(
        ["Cheap pills at http://pills.example", "Hello, which version was that?"],
        model=model,
        most=2,
    )
    assert found["comment"].tolist() == [0, 0, 1, 1]
    sizes = found["contribution"].abs().to_numpy()
    assert sizes[0] >= sizes[1]
    assert list(reasons_frame([], model=model)) == list(found)


@pytest.mark.parametrize("wrong", ["one text", 7, {"text": "x"}.items, {"text": ["x"]}])
def test_what_is_no_table_is_told(model, wrong):
    with pytest.raises(InputError):
        features_frame(wrong, model=model)
    for most in (0, 1.5, "2"):
        with pytest.raises(InputError, match="most must be a whole number"):
            reasons_frame(["x"], model=model, most=most)


def test_a_series_of_texts_keeps_its_index(model):
    texts = pd.Series(["Hello", "Cheap pills at http://pills.example"], index=["a", "b"])
    assert features_frame(texts, model=model).index.tolist() == ["a", "b"]
    assert set(reasons_frame(texts, model=model, most=1)["comment"]) == {"a", "b"}


def test_what_is_missing_in_a_series_is_absent(model):
    for gap in (None, np.nan, pd.NA):
        texts = pd.Series(["Hello", gap], index=["a", "b"], dtype=object)
        frame = texts.to_frame("text")
        for table in (features_frame, reasons_frame):
            pd.testing.assert_frame_equal(table(texts, model=model), table(frame, model=model))


def test_the_row_of_what_is_no_comment_is_told(model):
    for given in (["fine", 1.5], pd.Series(["fine", 1.5], index=["a", "b"]), ["fine", None]):
        with pytest.raises(InputError, match="row 1: a comment must be"):
            features_frame(given, model=model)
        with pytest.raises(InputError, match="row 1: a comment must be"):
            reasons_frame(given, model=model)


# --- as tables come ---------------------------------------------------------------


@pytest.mark.parametrize(
    "index",
    [
        [3, 3, 1, 1],
        ["a", None, "b", "b"],
        pd.MultiIndex.from_product([["x", "y"], [1, 2]], names=["blog", "comment"]),
        pd.to_datetime(["2024-01-01", "2024-01-01", "2023-01-01", None]),
    ],
)
def test_any_index_is_kept(index, rows, model, expected):
    frame = rows.head(4).set_axis(pd.Index(index))
    found = score_frame(frame, model=model)
    pd.testing.assert_index_equal(found.index, frame.index)
    assert found["spam_probability"].tolist() == expected["spam_probability"].head(4).tolist()
    features = features_frame(frame, model=model)
    pd.testing.assert_index_equal(features.index, frame.index)
    firsts = reasons_frame(frame, model=model, most=1)["comment"]
    assert pd.Index(firsts, dtype=object).equals(frame.index.astype(object))


def test_categories_and_extension_types(rows, model, expected):
    for frame in (rows.astype("category"), rows.convert_dtypes(), rows.astype("string")):
        pd.testing.assert_frame_equal(score_frame(frame, model=model), expected)


def test_every_kind_of_missing_is_absent(model):
    gaps = pd.Series([None, np.nan, pd.NA, pd.NaT, np.datetime64("NaT")], dtype=object)
    for comment in comments_of_frame(pd.DataFrame({"text": gaps, "author": gaps, "date": gaps})):
        assert (comment.text, comment.author, comment.date) == ("", None, None)
    empty = pd.DataFrame({"text": pd.Series([], dtype="float64")})
    assert score_frame(empty, model=model).shape == (0, 4)
    assert len(features_frame(empty, model=model)) == len(reasons_frame(empty, model=model)) == 0


def test_moments_of_any_zone_are_dates():
    given = ["2024-05-01T10:00:00+02:00", "2024-05-02T10:00:00+02:00"]
    moments = pd.to_datetime(pd.Series(given))
    for dates in (moments, moments.dt.tz_convert("Asia/Tokyo"), moments.dt.tz_localize(None)):
        found = [
            c.date for c in comments_of_frame(pd.DataFrame({"text": ["a", "b"], "date": dates}))
        ]
        assert found == dates.tolist()
    plain = pd.Series(list(moments.dt.tz_localize(None).to_numpy()), dtype=object)
    assert isinstance(plain[0], np.datetime64)
    found = [c.date for c in comments_of_frame(pd.DataFrame({"text": ["a", "b"], "date": plain}))]
    assert found == ["2024-05-01T10:00:00", "2024-05-02T10:00:00"]


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (pd.DataFrame({"Comment": ["a"]}), "df.rename(columns={'Comment': 'text'})"),
        (pd.DataFrame({"what": ["a"]}), "rename the column that holds the comments to 'text'."),
        (pd.DataFrame({"text": ["a"], "date": [1714550400]}), "df['date'], unit='s'"),
        (
            pd.DataFrame({"text": ["a"], "date": [pd.Period("2024-05")]}),
            "pd.to_datetime(df['date']",
        ),
        (pd.DataFrame({"text": [1.5]}), "df['text'].astype('string')"),
        (pd.Series(["a"]), "to_frame('text')"),
        (["a"], "a pandas DataFrame is needed, not list."),
    ],
)
def test_what_is_wrong_with_a_frame_is_told_with_the_way_out(frame, told, model):
    with pytest.raises(InputError) as error:
        score_frame(frame, model=model)
    assert told in str(error.value)


def test_the_estimator_tells_how_to_make_a_frame_of_pandas(rows):
    polars = pytest.importorskip("polars")
    from spamguard import SpamClassifier

    frame = polars.DataFrame(rows.head(20).to_dict("list"))
    with pytest.raises(InputError, match=r"frame\.to_pandas\(\) makes one"):
        SpamClassifier(bits=8).fit(frame, [0, 1] * 10)


# --- progress ---------------------------------------------------------------------


def test_a_long_frame_tells_how_far_it_is(model, monkeypatch):
    pytest.importorskip("tqdm", reason="needs pip install 'spamguard[train]'")
    from spamguard import progress, scoring

    class OutStream(io.StringIO):
        """As a notebook has it."""

    OutStream.__module__ = "ipykernel.iostream"
    stream = OutStream()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    monkeypatch.setattr(scoring, "_PART", 2)
    frame = pd.DataFrame({"text": ["a", "b", "c"]}, index=[5, 6, 7])
    found = score_frame(frame, model=model)
    assert found.index.tolist() == [5, 6, 7]
    told = stream.getvalue()
    assert "comments: " in told
    assert told.endswith("\r")  # nothing is left standing
    stream.truncate(0)
    score_frame(frame, model=model, progress=False)
    assert not stream.getvalue()


def test_no_progress_where_nobody_watches(capsys):
    with Progress() as watch:
        watch._begin -= 10
        watch("comments", 1, 2)
    assert capsys.readouterr().err == ""
