"""Parquet in and out on the command line."""

from __future__ import annotations

import io
import json
import sys
from datetime import date

import pandas as pd
import pytest

from spamguard import CorpusError, InputError, SpamguardError
from spamguard.cli import main
from spamguard.corpus import read_corpus, writers
from spamguard.corpus.readers import ParquetRows

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")

TEXTS = ["Thanks, that was it.", "cheap viagra at http://pills.example", ""]


@pytest.fixture
def given(tmp_path):
    table = pa.table(
        {
            "text": TEXTS,
            "author": ["Ines", None, "Best Pills"],
            "date": [date(2024, 5, 1), None, date(2024, 5, 3)],
            "label": ["ham", "spam", None],
            "votes": pa.array([1, 2, None], pa.int16()),
            "share": [0.5, float("nan"), None],
            "tags": [["a"], [], None],
        }
    )
    path = tmp_path / "in.parquet"
    pq.write_table(table, path, row_group_size=2)
    return path


def verdicts_of(path):
    return [(row["text"], row["label"], row["spam_probability"]) for row in lines(path)]


def lines(path):
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_parquet_gives_what_json_lines_give(given, tmp_path):
    plain = tmp_path / "in.jsonl"
    rows = [
        {"text": t, "author": a} for t, a in zip(TEXTS, ["Ines", None, "Best Pills"], strict=True)
    ]
    plain.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    a, b = tmp_path / "a.jsonl", tmp_path / "b.jsonl"
    assert main(["score", "--input", str(plain), "--output", str(a)]) == 0
    assert main(["score", "--input", str(given), "--output", str(b)]) == 0
    assert verdicts_of(a) == verdicts_of(b)
    first = lines(b)[0]
    assert (first["date"], first["votes"], first["tags"]) == ("2024-05-01", 1, ["a"])
    assert [row["share"] for row in lines(b)] == [0.5, None, None]  # NaN is not JSON
    assert [row["given_label"] for row in lines(b)] == ["ham", "spam", None]


def test_types_are_kept(given, tmp_path):
    out = tmp_path / "out.parquet"
    assert main(["score", "--input", str(given), "--output", str(out), "--explain", "2"]) == 0
    found = pq.read_table(out)
    schema = {field.name: field.type for field in found.schema}
    assert schema["date"] == pa.date32()
    assert schema["votes"] == pa.int16()
    assert schema["tags"] == pa.list_(pa.string())
    assert found["text"].to_pylist() == TEXTS
    assert found["given_label"].to_pylist() == ["ham", "spam", None]
    assert found["label"].to_pylist()[:2] == ["ham", "spam"]
    reasons = found["reasons"].to_pylist()[1]
    assert len(reasons) == 2
    assert reasons[0].keys() == {"feature", "contribution", "evidence"}


def test_csv_becomes_parquet(tmp_path):
    source, out = tmp_path / "in.csv", tmp_path / "out.parquet"
    source.write_text("text,n\nhello there,1\nbye now,x\n", "utf-8")
    assert main(["score", "--input", str(source), "--output", str(out)]) == 0
    assert pd.read_parquet(out)["n"].tolist() == ["1", "x"]


def test_no_rows_make_a_file_of_none(tmp_path):
    source, out = tmp_path / "in.csv", tmp_path / "out.parquet"
    source.write_text("text,n\n", "utf-8")
    assert main(["score", "--input", str(source), "--output", str(out)]) == 0
    assert pq.read_table(out).num_rows == 0


def test_a_field_that_does_not_fit_is_told(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(writers, "_GROUP_ROWS", 2)
    source, out = tmp_path / "in.jsonl", tmp_path / "out.parquet"
    rows = [{"text": "a", "n": 1}, {"text": "b", "n": 2, "m": {"k": 1}}, {"text": "c", "n": "x"}]
    rows += [{"text": "d\ud800", "n": 4}, {"text": "e", "new": 1}]
    source.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    assert main(["score", "--input", str(source), "--output", str(out)]) == 1
    told = capsys.readouterr().err
    assert "line 3: written without 1" in told
    assert "line 5: written without 1" in told
    found = pq.read_table(out)
    assert found["n"].to_pylist() == [1, 2, None, 4, None]
    assert found["text"].to_pylist() == ["a", "b", "c", "d?", "e"]


def test_fields_of_several_types_become_json(tmp_path):
    source, out = tmp_path / "in.jsonl", tmp_path / "out.parquet"
    rows = [{"text": "a", "n": 1}, {"text": "b", "n": "x"}, {"text": "c", "n": {"k": 1}}]
    source.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    assert main(["score", "--input", str(source), "--output", str(out)]) == 0
    assert pq.read_table(out)["n"].to_pylist() == ["1", "x", '{"k": 1}']


def test_files_appear_whole_or_not_at_all(given, tmp_path, monkeypatch):
    out = tmp_path / "out.parquet"
    out.write_bytes(b"before")

    def broken(*_):
        raise InputError("broken")

    monkeypatch.setattr(writers.ParquetOutput, "close", broken)
    assert main(["score", "--input", str(given), "--output", str(out)]) == 1
    assert out.read_bytes() == b"before"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.parquet", "out.parquet"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["score", "hello", "--format", "parquet", "--output", "x.parquet"],
        ["score", "--input", "x.jsonl", "--format", "parquet"],
        ["score", "--input", "x.jsonl", "--output", "x.parquet", "--resume"],
    ],
)
def test_wrong_usage(arguments, capsys):
    with pytest.raises(SystemExit) as left:
        main(arguments)
    assert left.value.code == 2


def test_what_is_no_parquet(given, tmp_path, capsys):
    cut = tmp_path / "cut.parquet"
    cut.write_bytes(given.read_bytes()[:-20])
    assert main(["score", "--input", str(cut), "--format", "jsonl"]) == 1
    assert "damaged, or no Parquet file" in capsys.readouterr().err
    with pytest.raises(CorpusError, match="damaged"):
        read_corpus(cut)
    other = tmp_path / "other.parquet"
    pq.write_table(pa.table({"body": ["x"]}), other)
    assert main(["score", "--input", str(other), "--format", "jsonl"]) == 1
    assert "no column is named text" in capsys.readouterr().err


def test_damage_within_is_no_crash(given, tmp_path, capsys):
    data = bytearray(given.read_bytes())
    for at in range(4, len(data) - 8, 37):
        broken = bytearray(data)
        broken[at : at + 8] = b"\xff" * 8
        path = tmp_path / "broken.parquet"
        path.write_bytes(broken)
        assert main(["score", "--input", str(path), "--format", "jsonl"]) in (0, 1)


def test_sizes_are_looked_at_first(given, monkeypatch):
    monkeypatch.setattr("spamguard.corpus.readers.MAX_ROW_GROUP", 10)
    with given.open("rb") as file, pytest.raises(InputError, match="row group 1 claims"):
        ParquetRows(file, "in.parquet")
    monkeypatch.undo()
    monkeypatch.setattr("spamguard.corpus.readers.MAX_BATCH", 10)
    with given.open("rb") as file, pytest.raises(InputError, match="take more than 10 bytes"):
        list(ParquetRows(file, "in.parquet"))


def test_a_pipe_is_refused(given, capsys, monkeypatch):
    class Pipe(io.BytesIO):
        def fileno(self):
            raise OSError

    class Stdin:
        buffer = Pipe(given.read_bytes())

        def isatty(self):
            return False

    monkeypatch.setattr(sys, "stdin", Stdin())
    assert main(["score", "--format", "jsonl"]) == 1
    assert "name it with --input" in capsys.readouterr().err


def test_a_corpus_may_be_parquet(given):
    found = read_corpus(given)
    assert found["text"].tolist() == TEXTS
    assert found["label"].tolist() == ["ham", "spam", None]
    assert found["date"].tolist() == ["2024-05-01", None, "2024-05-03"]


def test_a_missing_extra_is_named(given, tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with given.open("rb") as file, pytest.raises(SpamguardError, match=r"spamguard\[analysis\]"):
        ParquetRows(file, "in.parquet")
    out = tmp_path / "out.parquet"
    (tmp_path / "in.csv").write_text("text\nhello\n", "utf-8")
    assert main(["score", "--input", str(tmp_path / "in.csv"), "--output", str(out)]) == 1
    assert "spamguard[analysis]" in capsys.readouterr().err
