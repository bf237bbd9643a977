"""The second reading of the labels: what it changes, what it leaves out, what it refuses."""

from __future__ import annotations

import hashlib
import json

import pandas as pd
import pytest

from spamguard.corpus import read_again
from spamguard.errors import CorpusError

FRAME = pd.DataFrame(
    {
        "dataset": ["one", "one", "one", "two", "two"],
        "comment_id": ["a", "b", "c", "a", "b"],
        "label": ["ham", "ham", "spam", "ham", "ham"],
    }
)
READINGS = [
    {"set": "one", "comment_id": "a", "reading": "promotion"},
    {"set": "one", "comment_id": "b", "reading": "undecidable"},
    {"set": "one", "comment_id": "c", "reading": "reader"},
    {"set": "two", "comment_id": "b", "reading": "scraper"},
]


@pytest.fixture
def folder(tmp_path):
    def written(text):
        (tmp_path / "readings.jsonl").write_text(text, "utf-8")
        return tmp_path, hashlib.sha256(text.encode()).hexdigest()[:16]

    return written


def test_labels_are_those_of_the_second_reading(folder):
    directory, sha256 = folder("".join(f"{json.dumps(entry)}\n" for entry in READINGS))
    found = read_again(FRAME, directory, sha256)
    rows = found[["dataset", "comment_id", "label"]].to_numpy().tolist()
    assert rows == [
        ["one", "a", "spam"],
        ["one", "c", "ham"],
        ["two", "a", "ham"],
        ["two", "b", "spam"],
    ]
    assert FRAME["label"].tolist() == ["ham", "ham", "spam", "ham", "ham"]


def test_another_version_is_refused(folder):
    directory, _ = folder("{}\n")
    with pytest.raises(CorpusError, match="not the version"):
        read_again(FRAME, directory, "0123456789abcdef")


@pytest.mark.parametrize("text", ["no JSON\n", "[]\n", '{"set": "one"}\n'])
def test_a_damaged_file_is_refused(folder, text):
    directory, sha256 = folder(text)
    with pytest.raises(CorpusError, match="damaged"):
        read_again(FRAME, directory, sha256)


def test_without_the_file_it_says_so(tmp_path):
    with pytest.raises(CorpusError, match=r"there is no readings\.jsonl"):
        read_again(FRAME, tmp_path, "")
