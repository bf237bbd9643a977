"""A bad row is a problem with its number, and the rows around it are read."""

from __future__ import annotations

import subprocess
import sys

import pytest

from spamguard.corpus import Line, Problem, lines_of, open_source, readers


def read(path, form):
    with open_source(str(path)) as source:
        return [
            (line.number, line.what if isinstance(line, Problem) else line.fields["text"])
            for line in lines_of(source, form)
        ]


@pytest.mark.parametrize("ending", ["csv", "csv.gz"])
def test_a_csv_line_that_is_too_long_costs_its_row_alone(tmp_path, monkeypatch, ending):
    import gzip

    monkeypatch.setattr(readers, "MAX_LINE", 1_000)
    data = b"text,n\na,1\n" + b"x" * 5_000 + b",2\nb,3\n" + b'"two\nlines",4\n'
    path = tmp_path / f"a.{ending}"
    path.write_bytes(gzip.compress(data) if ending.endswith("gz") else data)
    assert read(path, "csv") == [
        (2, "a"), (3, "longer than 1,000 bytes"), (4, "b"), (5, "two\nlines"),
    ]  # fmt: skip


def test_a_csv_row_that_cannot_be_read_costs_itself(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b'text,n\na,1\n"b" x,2\nc\nd\xff,3\ne,4\n')
    found = read(path, "csv")
    assert [number for number, _ in found] == [2, 3, 4, 5, 6]
    assert [what.partition(" (")[0] for _, what in found[1:4]] == [
        "not CSV", "1 cells under 2 columns; quote text that holds commas", "not UTF-8",
    ]  # fmt: skip
    assert found[4] == (6, "e")


def test_an_empty_first_line_names_no_columns(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("\ntext\nhello\n")
    with pytest.raises(readers.InputError, match="no column is named text"):
        read(path, "csv")


def test_lines_know_their_size(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "a"}\n')
    with open_source(str(path)) as source:
        assert list(lines_of(source, "jsonl")) == [Line(1, {"text": "a"}, 14)]
        assert source.done() == source.size == 14


def test_reading_and_writing_need_no_pandas():
    code = (
        "import sys, spamguard.corpus.readers, spamguard.corpus.writers; "
        "print(sorted({'pandas', 'pyarrow', 'sklearn', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
