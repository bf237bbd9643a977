"""Labelled comments in and out. Every text here was written for this project."""

from __future__ import annotations

import csv
import dataclasses
import gzip
import hashlib
import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from spamguard.corpus import (
    COLUMNS,
    Card,
    catalogue,
    check_corpus,
    comments_of,
    copies,
    dataset_cards,
    datasets_dir,
    duplicate_groups,
    load_dataset,
    load_datasets,
    load_sample,
    read_corpus,
    readers,
    write_corpus,
)
from spamguard.errors import CorpusError
from spamguard.storage import find_model
from spamguard.training.recipe import Recipe

ROOT = Path(__file__).resolve().parents[2]
SECRET = "wombat-under-the-sofa"

TART = (
    "I baked the plum tart on Sunday and it sank in the middle, so next time I will "
    "leave the oven door shut for the first forty minutes and use a smaller tin."
)
CAMPAIGN = (
    "Our team of {a} writers finishes your essay in {n} hours, original and checked "
    "twice, with a refund when you do not like it; order today at {u} and save a third."
)


def pack(path: Path, rows: list[dict]) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    data = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(data, mtime=0))
    return hashlib.sha256(path.read_bytes()).hexdigest()


POSTS = [
    {"post_id": "tart", "title": "Plum tart", "text": "How to bake a plum tart."},
    {"post_id": "lost", "title": None, "text": None},
]


def comment(n: int, post: str | None, text: str, label: str = "ham", **more: object) -> dict:
    row = {"comment_id": f"c{n}", "post_id": post, "text": text, "author": f"Reader {n}"}
    return row | {"author_url": None, "date": "2024-02-29T10:00:00Z", "label": label} | more


COMMENTS = [
    comment(1, "tart", TART),
    comment(2, "tart", CAMPAIGN.format(a="fifty", n=3, u="http://essay.example/a"), "spam"),
    comment(3, "lost", "Is the tin greased?", split="train"),
    comment(4, None, "Is the tin greased?"),
    comment(5, None, "And lined?"),
]


@pytest.fixture
def kitchen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two small sets of one blog, and a catalogue that knows them."""
    cards = {}
    for name, rows in {"kitchen-old": COMMENTS, "kitchen-new": COMMENTS[:2]}.items():
        folder = tmp_path / "sets" / name
        one = dataclasses.replace(
            dataset_cards()["modblog-haacked"],
            name=name,
            group="kitchen",
            sha256_comments=pack(folder / "comments.jsonl.gz", rows),
            sha256_posts=pack(folder / "posts.jsonl.gz", POSTS),
        )
        cards[name] = one
    monkeypatch.setattr(catalogue, "dataset_cards", lambda: cards)
    return tmp_path / "sets"


# --- the catalogue --------------------------------------------------------------


def test_the_catalogue_has_a_whole_card_for_every_set():
    cards = dataset_cards()
    assert len(cards) == 69
    assert list(cards) == sorted(cards)
    for name, card in cards.items():
        assert card.name == name
        assert re.fullmatch("[0-9a-f]{64}", card.sha256_comments)
        assert re.fullmatch("[0-9a-f]{64}", card.sha256_posts)
        assert re.fullmatch("[0-9a-f]{7,40}|", card.commit)
        assert re.fullmatch(r"\d{4}-\d{4}|", card.years)
        assert card.use in {"train", "panel"}
        assert card.languages
        assert all(re.fullmatch("[a-z]{2}", language) for language in card.languages)
        assert card.spam + card.ham > 0
        assert 0 <= card.author_share <= 1
        assert 0 <= card.author_url_share <= 1
        for text in (card.kind, card.source, card.licence, card.labelled, card.faults, card.group):
            assert text.strip()


def test_sets_of_one_blog_share_a_group():
    groups: dict[str, set[str]] = {}
    for card in dataset_cards().values():
        groups.setdefault(card.group, set()).add(card.name)
    assert {group for group, names in groups.items() if len(names) > 1} == {
        "haacked",
        "maartenballiauw",
        "stephencleary",
        "chesterbr",
    }


def test_a_card_cannot_be_changed():
    card = dataset_cards()["youtube-tubespam"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        card.use = "panel"  # type: ignore[misc]


@pytest.mark.parametrize(
    "text",
    ["name = 'odd'", "not toml at all", "name = 'odd'\nlanguages = 3", "languages = []\nmood = 1"],
)
def test_a_broken_card_is_named(tmp_path, monkeypatch, text):
    (tmp_path / "odd.toml").write_text(text)
    monkeypatch.setattr(catalogue, "_bundled", lambda name: tmp_path)
    with pytest.raises(CorpusError, match=r"odd\.toml is not a card"):
        dataset_cards()


def test_a_card_under_another_name_is_refused(tmp_path, monkeypatch):
    whole = ROOT / "datasets" / "cards" / "youtube-tubespam.toml"
    (tmp_path / "odd.toml").write_bytes(whole.read_bytes())
    monkeypatch.setattr(catalogue, "_bundled", lambda name: tmp_path)
    with pytest.raises(CorpusError, match="card of another set"):
        dataset_cards()


def test_what_ships_is_looked_for_inside_the_package_and_beside_it(tmp_path, monkeypatch):
    package = tmp_path / "site" / "spamguard"
    monkeypatch.setattr(catalogue, "__file__", str(package / "corpus" / "catalogue.py"))
    with pytest.raises(CorpusError, match="missing from this installation"):
        catalogue._bundled("cards")
    beside = tmp_path / "site" / "datasets" / "cards"
    beside.mkdir(parents=True)
    assert catalogue._bundled("cards") == beside
    inside = package / "datasets" / "cards"
    inside.mkdir(parents=True)
    assert catalogue._bundled("cards") == inside


# --- where the sets are ---------------------------------------------------------


def test_the_directory_is_the_argument_then_the_variable(tmp_path, monkeypatch):
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    monkeypatch.setenv("SPAMGUARD_DATASETS", str(other))
    assert datasets_dir(one) == one
    assert datasets_dir(str(one)) == one
    assert datasets_dir() == other


@pytest.mark.parametrize("value", [None, ""])
def test_no_directory_says_what_to_do(monkeypatch, value):
    monkeypatch.delenv("SPAMGUARD_DATASETS", raising=False)
    if value is not None:
        monkeypatch.setenv("SPAMGUARD_DATASETS", value)
    with pytest.raises(CorpusError, match=r"--datasets.*SPAMGUARD_DATASETS"):
        datasets_dir()


def test_a_directory_that_is_none_is_refused(tmp_path, monkeypatch):
    with pytest.raises(CorpusError, match="from the path given"):
        datasets_dir(tmp_path / "nowhere")
    monkeypatch.setenv("SPAMGUARD_DATASETS", str(tmp_path / "nowhere"))
    with pytest.raises(CorpusError, match="from SPAMGUARD_DATASETS"):
        datasets_dir()


# --- loading sets ---------------------------------------------------------------


def test_a_set_becomes_a_corpus_with_its_posts(kitchen):
    frame = load_dataset("kitchen-old", kitchen)
    assert tuple(frame.columns) == COLUMNS
    assert frame["text"].tolist() == [row["text"] for row in COMMENTS]
    assert frame["label"].tolist() == ["ham", "spam", "ham", "ham", "ham"]
    assert set(frame["dataset"]) == {"kitchen-old"}
    assert set(frame["blog"]) == {"kitchen"}
    assert frame["post_title"].tolist() == ["Plum tart", "Plum tart", None, None, None]
    assert frame["post_text"].tolist()[0] == "How to bake a plum tart."
    assert frame["split"].tolist() == [None, None, "train", None, None]
    assert frame["duplicate_group"].tolist() == [0, 1, 2, 2, 3]
    assert frame["post_group"].tolist() == [
        "kitchen/tart",
        "kitchen/tart",
        "kitchen/lost",
        "kitchen/?2",
        "kitchen/?3",
    ]


def test_missing_values_are_none_and_nothing_else(kitchen):
    frame = load_dataset("kitchen-old", kitchen)
    for name in set(COLUMNS) - {"duplicate_group"}:
        assert frame[name].dtype == object
        assert all(value is None or type(value) is str for value in frame[name])
        assert "nan" not in frame[name].tolist()
    assert frame["duplicate_group"].dtype == np.int64
    assert frame["author_url"].tolist() == [None] * 5


def test_sets_are_joined_and_copies_found_across_them(kitchen):
    frame = load_datasets(["kitchen-new", "kitchen-old", "kitchen-new"], kitchen)
    assert len(frame) == 7
    assert frame["dataset"].tolist() == ["kitchen-new"] * 2 + ["kitchen-old"] * 5
    assert frame["duplicate_group"].tolist() == [0, 1, 0, 1, 2, 2, 3]
    assert frame["post_group"].nunique() == 4


def test_the_variable_is_enough(kitchen, monkeypatch):
    monkeypatch.setenv("SPAMGUARD_DATASETS", str(kitchen))
    assert len(load_dataset("kitchen-new")) == 2


@pytest.mark.parametrize("file", ["comments.jsonl.gz", "posts.jsonl.gz"])
def test_an_altered_file_is_named(kitchen, file):
    path = kitchen / "kitchen-old" / file
    pack(path, [*(COMMENTS if file.startswith("c") else POSTS), {"post_id": "x", "text": SECRET}])
    with pytest.raises(CorpusError, match="is not the file its card describes") as caught:
        load_dataset("kitchen-old", kitchen)
    assert file in str(caught.value)
    assert SECRET not in str(caught.value)


def test_an_altered_file_can_be_used_on_purpose(kitchen):
    pack(kitchen / "kitchen-old" / "comments.jsonl.gz", COMMENTS[:1])
    assert len(load_dataset("kitchen-old", kitchen, verify=False)) == 1


def test_absent_sets_and_files_are_named(kitchen):
    (kitchen / "kitchen-new" / "posts.jsonl.gz").unlink()
    with pytest.raises(CorpusError, match=r"posts\.jsonl\.gz is missing"):
        load_dataset("kitchen-new", kitchen)
    with pytest.raises(CorpusError, match=r"posts\.jsonl\.gz does not exist"):
        load_dataset("kitchen-new", kitchen, verify=False)
    (kitchen / "kitchen-old").rename(kitchen / "elsewhere")
    with pytest.raises(CorpusError, match="kitchen-old is not in"):
        load_dataset("kitchen-old", kitchen)


@pytest.mark.parametrize("label", [None, "maybe", 2, SECRET])
def test_a_set_must_be_labelled(kitchen, label):
    rows = [*COMMENTS[:1], comment(9, "tart", SECRET, label)]
    pack(kitchen / "kitchen-old" / "comments.jsonl.gz", rows)
    with pytest.raises(CorpusError, match=r"comments\.jsonl\.gz, line 2: label") as caught:
        load_dataset("kitchen-old", kitchen, verify=False)
    assert SECRET not in str(caught.value)


def test_an_unknown_set_lists_near_ones():
    with pytest.raises(CorpusError, match=r"did you mean .*modblog-haacked"):
        load_dataset("modblog-hacked")
    with pytest.raises(CorpusError, match=r"dataset_cards\(\) lists all"):
        load_dataset("zzzzzz")
    with pytest.raises(CorpusError, match=r"'\.\./modblog-haacked'"):
        load_dataset("../modblog-haacked")


def test_names_are_a_list_with_something_in_it():
    with pytest.raises(CorpusError, match="must be a list"):
        load_datasets("modblog-haacked")
    with pytest.raises(CorpusError, match="No set was named"):
        load_datasets([])


def test_the_sample_is_a_labelled_corpus():
    frame = load_sample()
    assert tuple(frame.columns) == COLUMNS
    assert set(frame["label"]) == {"ham", "spam"}
    assert set(frame["dataset"]) == {"sample"}
    assert frame["comment_id"].is_unique
    assert frame["blog"].nunique() > 5
    assert frame["post_text"].notna().all()
    assert frame["post_url"].str.startswith("http").all()
    assert frame["kind"].notna().all()


# --- files of one's own ---------------------------------------------------------

MIXED = pd.DataFrame(
    {
        "text": ["", 'Quotes "in" it, and\r\na line', "Lone\rreturn", "кириллица 🙂", TART],
        "label": ["ham", "spam", None, "ham", "spam"],
        "author": [None, "Ana, Bo", "nan", "", None],
        "post_id": ["p1", "p1", None, "p2", "p2"],
        "post_title": ["Tart", "Tart", None, None, None],
        "order": [3, 1, 2, 5, 4],
    },
    dtype=object,
)


@pytest.mark.parametrize("ending", [".jsonl", ".jsonl.gz", ".csv"])
def test_what_is_written_is_read_again(tmp_path, ending):
    path = tmp_path / f"corpus{ending}"
    write_corpus(MIXED, path)
    expected = check_corpus(MIXED.drop(columns="order"))
    if ending == ".csv":  # which has no way to tell an empty name from a missing one
        expected.loc[3, "author"] = None
    pd.testing.assert_frame_equal(read_corpus(path), expected)


@pytest.mark.parametrize("ending", [".jsonl", ".jsonl.gz", ".csv"])
def test_equal_frames_give_equal_bytes(tmp_path, ending):
    one, other = tmp_path / f"one{ending}", tmp_path / f"other{ending}"
    write_corpus(MIXED, one)
    write_corpus(check_corpus(MIXED), other)
    assert one.read_bytes() == other.read_bytes()


@pytest.mark.parametrize("ending", [".jsonl", ".jsonl.gz", ".csv"])
def test_whose_word_a_label_is_survives_a_round_trip(tmp_path, ending):
    frame = pd.DataFrame(
        {
            "text": ["a", "b", "c"],
            "label": ["ham", "spam", None],
            "label_by": ["owner", "filter", None],
        }
    )
    path = tmp_path / f"c{ending}"
    write_corpus(frame, path)
    assert read_corpus(path)["label_by"].tolist() == ["owner", "filter", None]


def test_the_sample_survives_a_round_trip(tmp_path):
    sample = load_sample()
    write_corpus(sample, tmp_path / "sample.jsonl.gz")
    pd.testing.assert_frame_equal(read_corpus(tmp_path / "sample.jsonl.gz"), sample)


def test_half_a_character_survives_in_jsonl_and_is_refused_in_csv(tmp_path):
    frame = pd.DataFrame({"text": ["half \ud83d of it"]}, dtype=object)
    write_corpus(frame, tmp_path / "half.jsonl")
    assert read_corpus(tmp_path / "half.jsonl")["text"].tolist() == ["half \ud83d of it"]
    with pytest.raises(CorpusError, match="half a character"):
        write_corpus(frame, tmp_path / "half.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["half.jsonl"]


@pytest.mark.parametrize("ending", [".jsonl", ".jsonl.gz", ".csv"])
def test_a_failed_write_leaves_the_old_file_and_no_other(tmp_path, monkeypatch, ending):
    path = tmp_path / f"corpus{ending}"
    write_corpus(MIXED, path)
    before = path.read_bytes()

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_corpus(MIXED.head(1), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_bad_frame_does_not_touch_the_file(tmp_path):
    path = tmp_path / "corpus.jsonl"
    path.write_text("precious")
    with pytest.raises(CorpusError, match="row 1: label must be"):
        write_corpus(pd.DataFrame({"text": ["a", "b"], "label": ["ham", "eggs"]}), path)
    assert path.read_text() == "precious"


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions and links")
def test_writing_keeps_mode_and_link(tmp_path):
    real, link = tmp_path / "real.jsonl", tmp_path / "link.jsonl"
    write_corpus(MIXED, real)
    assert real.stat().st_mode & 0o077 == 0  # comments name people
    real.chmod(0o640)
    link.symlink_to(real)
    write_corpus(MIXED.head(1), link)
    assert link.is_symlink()
    assert real.stat().st_mode & 0o777 == 0o640
    assert len(read_corpus(real)) == 1


def test_writing_needs_a_known_ending_a_directory_and_text(tmp_path):
    with pytest.raises(CorpusError, match=r"must end in \.jsonl"):
        write_corpus(MIXED, tmp_path / "corpus.parquet")
    with pytest.raises(CorpusError, match="cannot be written to"):
        write_corpus(MIXED, tmp_path / "nowhere" / "corpus.csv")
    with pytest.raises(CorpusError, match="no column named text"):
        write_corpus(pd.DataFrame({"body": ["a"]}), tmp_path / "corpus.csv")


LABELS = ["ham", " SPAM ", "0", "1", "False", "TRUE", 0, 1, False, True, 0.0, 1.0, None]
MEANT = ["ham", "spam"] * 6 + [None]


def test_labels_come_in_several_spellings(tmp_path):
    path = tmp_path / "labels.jsonl"
    path.write_text("".join(json.dumps({"text": "a", "label": v}) + "\n" for v in LABELS))
    assert read_corpus(path)["label"].tolist() == MEANT
    frame = pd.DataFrame({"text": "a", "label": pd.Series(LABELS, dtype=object)})
    assert check_corpus(frame)["label"].tolist() == MEANT
    (tmp_path / "l.csv").write_text("text,label\na,0\nb,spam\nc,\n")
    assert read_corpus(tmp_path / "l.csv")["label"].tolist() == ["ham", "spam", None]


def test_csv_may_come_from_a_spreadsheet(tmp_path):
    path = tmp_path / "sheet.csv"
    path.write_bytes('\ufeffLabel , TEXT,mood\r\nspam,"a\r\nb",good\r\n\r\nham,,bad\r\n'.encode())
    frame = read_corpus(path)
    assert frame["text"].tolist() == ["a\r\nb", ""]
    assert frame["label"].tolist() == ["spam", "ham"]
    assert tuple(frame.columns) == COLUMNS


def test_a_comment_may_be_longer_than_a_csv_field_by_default(tmp_path):
    path = tmp_path / "long.csv"
    write_corpus(pd.DataFrame({"text": ["plum " * 100_000]}), path)
    assert len(read_corpus(path)["text"][0]) == 500_000


def test_blank_lines_are_passed_over_and_counted(tmp_path):
    path = tmp_path / "gaps.jsonl"
    path.write_text('\n{"text": "a"}\n\n{"text": 7}\n')
    with pytest.raises(CorpusError, match=r"gaps\.jsonl, line 4: text must be a string, not int"):
        read_corpus(path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b'{"text": "fine"}\n{"text": "%s' % SECRET.encode(), "line 2: not JSON"),
        ("a.jsonl", b'["%s"]' % SECRET.encode(), "line 1: not a JSON object"),
        ("a.jsonl", b"[" * 100_000, "line 1: not JSON"),
        ("a.jsonl", b'{"body": "%s"}' % SECRET.encode(), "line 1: there is no text"),
        ("a.jsonl", b'{"text": null}', "line 1: text is missing"),
        ("a.jsonl", b'{"text": "a", "label": "%s"}' % SECRET.encode(), "line 1: label must be"),
        ("a.jsonl", b'{"text": "a", "author": ["b"]}', "line 1: author must be a string, not list"),
        ("a.jsonl", b'{"text": "a", "author": true}', "line 1: author must be a string, not bool"),
        ("a.jsonl", b'{"text": "a", "date": 5}', "line 1: date must be a string, not int"),
        ("a.jsonl", b'{"text": "a"}\n{"text": "%s \xff"}' % SECRET.encode(), "line 2: not UTF-8"),
        ("a.jsonl", b"", "holds no comments"),
        ("a.jsonl.gz", b"not packed", "damaged after line 0, or no gzip"),
        (
            "a.jsonl.gz",
            gzip.compress(b'{"text": "a"}\n' * 9, mtime=0)[:-9],
            "is damaged after line",
        ),
        ("a.csv", b"", "holds no comments"),
        ("a.csv", b"text,label\n", "holds no comments"),
        ("a.csv", b"text|label\n%s|ham\n" % SECRET.encode(), "line 1: no column is named text"),
        ("a.csv", b"text;label\n%s;b;ham\n" % SECRET.encode(), "2: 3 cells .* holds semicolons"),
        ("a.csv", b"text,Text\na,b\n", "line 1: two columns have the same name"),
        ("a.csv", b"text,label\n%s,b,ham\n" % SECRET.encode(), "line 2: 3 cells under 2 columns"),
        ("a.csv", b'text,label\na,ham\n"%s,ham\n' % SECRET.encode(), "line 3: not CSV"),
        ("a.csv", b"text,label\na,ham\n%s,eggs\n" % SECRET.encode(), "line 3: label must be"),
        ("a.txt", b"", r"must end in \.jsonl"),
    ],
)
def test_a_bad_file_is_named_with_its_line_but_not_its_text(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CorpusError, match=message) as caught:
        read_corpus(tmp_path / name)
    assert name in str(caught.value)
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is None  # nor in what a traceback would show


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(CorpusError, match="does not exist"):
        read_corpus(tmp_path / "nothing.csv")


@pytest.mark.parametrize("name", ["long.jsonl", "long.jsonl.gz", "long.csv"])
def test_a_line_that_would_fill_the_memory_is_refused(tmp_path, monkeypatch, name):
    monkeypatch.setattr(readers, "MAX_LINE", 1000)
    write_corpus(pd.DataFrame({"text": ["short", "plum " * 300]}), tmp_path / name)
    with pytest.raises(CorpusError, match=r"line \d: longer than 1,000 bytes"):
        read_corpus(tmp_path / name)


def test_labels_can_be_required(tmp_path):
    path = tmp_path / "half.jsonl"
    path.write_text('{"text": "a", "label": "ham"}\n{"text": "b"}\n')
    assert read_corpus(path)["label"].tolist() == ["ham", None]
    with pytest.raises(CorpusError, match="line 2: label is missing"):
        read_corpus(path, labelled=True)
    with pytest.raises(CorpusError, match="row 0: label is missing"):
        check_corpus(pd.DataFrame({"text": ["a"]}), labelled=True)


# --- checking -------------------------------------------------------------------


def test_text_alone_is_a_corpus():
    frame = check_corpus(pd.DataFrame({"text": ["Is the tin greased?", "And lined?"]}))
    assert tuple(frame.columns) == COLUMNS
    assert frame["label"].tolist() == [None, None]
    assert frame["blog"].tolist() == ["own", "own"]
    assert frame["post_group"].tolist() == ["own/?0", "own/?1"]


def test_every_kind_of_nothing_becomes_none():
    nothing = [None, float("nan"), np.nan, np.float32("nan"), pd.NA, pd.NaT]
    frame = pd.DataFrame({"text": ["a"] * 6, "author": nothing, "label": nothing})
    checked = check_corpus(frame)
    assert checked["author"].tolist() == [None] * 6
    assert checked["label"].tolist() == [None] * 6


def test_numbers_and_dates_that_pandas_made_are_taken_as_meant():
    frame = pd.DataFrame(
        {
            "text": ["a", "b"],
            "comment_id": [7, 8],
            "post_id": [12.0, np.nan],
            "date": [pd.Timestamp("2024-02-29T10:00Z"), pd.NaT],
            "label": [1.0, np.nan],
        }
    )
    checked = check_corpus(frame)
    assert checked["comment_id"].tolist() == ["7", "8"]
    assert checked["post_id"].tolist() == ["12", None]
    assert checked["date"].tolist() == ["2024-02-29T10:00:00+00:00", None]
    assert checked["label"].tolist() == ["spam", None]
    when = datetime(2024, 2, 29, 10, tzinfo=UTC)
    python = check_corpus(pd.DataFrame({"text": ["a"], "date": pd.Series([when], dtype=object)}))
    assert python["date"].tolist() == ["2024-02-29T10:00:00+00:00"]


def test_index_other_columns_and_groups_are_kept():
    frame = pd.DataFrame(
        {
            "mood": ["x", "y"],
            "text": ["same words", "same words"],
            "duplicate_group": [4, 9],
            "post_group": ["g", None],
        },
        index=[10, 20],
    )
    before = frame.copy()
    checked = check_corpus(frame)
    assert checked.index.tolist() == [10, 20]
    assert tuple(checked.columns) == (*COLUMNS, "mood")
    assert checked["mood"].tolist() == ["x", "y"]
    assert checked["duplicate_group"].tolist() == [4, 9]
    assert checked["post_group"].tolist() == ["g", "own/?9"]
    pd.testing.assert_frame_equal(frame, before)
    pd.testing.assert_frame_equal(check_corpus(checked), checked)


def test_half_known_duplicates_are_worked_out_anew():
    frame = pd.DataFrame({"text": ["plum", "plum"], "duplicate_group": [4, None]})
    assert check_corpus(frame)["duplicate_group"].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"body": ["a"]}), "no column named text"),
        (pd.DataFrame([["a", "b"]], columns=["text", "text"]), "two columns have the same name"),
        (pd.DataFrame({"text": ["a", None]}), "row 1: text is missing"),
        (pd.DataFrame({"text": [b"a"]}), "row 0: text must be a string, not bytes"),
        (pd.DataFrame({"text": ["a", "b"], "label": [0, 2]}), "row 1: label must be ham or spam"),
        (pd.DataFrame({"text": ["a"], "label": [0.5]}), "row 0: label must be ham or spam"),
        (pd.DataFrame({"text": ["a"], "author_url": [1.5]}), "row 0: author_url must be a string"),
        (pd.DataFrame({"text": ["a"], "post_id": [1.5]}), "row 0: post_id must be a string"),
        (pd.DataFrame({"text": ["a"], "duplicate_group": ["x"]}), "must hold whole numbers"),
    ],
)
def test_a_bad_frame_is_refused(frame, message):
    with pytest.raises(CorpusError, match=message):
        check_corpus(frame)


def test_an_empty_frame_is_an_empty_corpus():
    frame = check_corpus(pd.DataFrame({"text": []}))
    assert len(frame) == 0
    assert tuple(frame.columns) == COLUMNS
    assert comments_of(frame) == []


# --- near-duplicates ------------------------------------------------------------


def spun(a: str, n: int, u: str) -> str:
    return CAMPAIGN.format(a=a, n=n, u=u)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (TART, TART),
        (TART, TART.upper()),
        (TART, f"<p>{TART.replace(', ', '!! ')}</p>"),
        (TART, TART.replace("forty", "fifty")),
        (TART, "Hello again. " + TART),
        (spun("fifty", 3, "http://a.example/x"), spun("fifty", 24, "https://b.example/?q=1")),
        (spun("fifty", 3, "http://a.example/x"), spun("skilled", 6, "www.c.example")),
        ("Thanks!", "thanks"),
        ("see http://a.example/1", "See https://b.example/2"),
        ("call 555 0199", "Call 1 2"),
        ("今天烤的李子蛋糕塌了下次要小一点的模具", "今天烤的李子蛋糕塌了，下次要小一点的模具！"),
        ("\U0001d41b\U0001d41e\U0001d42c\U0001d42d plums", "best plums"),
        ("Bread &amp; butter", "bread & butter"),
        ("🙂", " 🙂 "),
        ("", "  "),
    ],
)
def test_copies_are_found(one, other):
    assert duplicate_groups([one, "Which flour?", other]).tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (TART, spun("fifty", 3, "http://a.example/x")),
        (TART, TART[:50] + " and after that I gave up, washed the tin and went to see the sea."),
        ("thanks a lot", "thanks a bunch"),
        ("nice post about plums", "nice post about pears"),
        ("🙂", "🙁"),
        ("http://a.example/1", "http://b.example/2"),
        ("", "🙂"),
        ("one two three four five", "five four three two one"),
    ],
)
def test_different_texts_are_not_copies(one, other):
    assert duplicate_groups([one, other]).tolist() == [0, 1]


def test_groups_are_numbered_by_first_appearance_and_every_time_alike():
    texts = [*load_sample()["text"], TART, "Thanks!", TART]
    groups = duplicate_groups(texts)
    assert groups.dtype == np.int64
    assert list(dict.fromkeys(groups.tolist())) == list(range(groups.max() + 1))
    assert groups[-1] == groups[-3]
    assert np.array_equal(groups, duplicate_groups(iter(texts)))
    assert duplicate_groups([]).tolist() == []
    assert duplicate_groups(["\ud83d half", "\ud83d half"]).tolist() == [0, 0]


def test_groups_do_not_depend_on_how_texts_are_portioned(monkeypatch):
    texts = [*load_sample()["text"], TART, "Hello again. " + TART]
    whole = duplicate_groups(texts)
    monkeypatch.setattr(copies, "_CHUNK", 50)
    assert np.array_equal(duplicate_groups(texts), whole)


def test_hashes_agree_as_often_as_runs_are_shared():
    # MinHash estimates the Jaccard index of the sets of runs; 0.5 is where pairs are accepted.
    rng = np.random.default_rng(5)
    for shared_words in (0, 40, 70, 100):
        one = rng.integers(0, 2**32, 100, dtype=np.uint64)
        other = one.copy()
        other[shared_words:] = rng.integers(0, 2**32, 100 - shared_words, dtype=np.uint64)
        a, b = copies._sign([one, other])
        common = max(shared_words - 3, 0)
        assert (a == b).mean() == pytest.approx(common / (2 * 97 - common), abs=0.15)


# --- rows to comments -----------------------------------------------------------


def test_rows_become_comments_that_share_their_posts():
    sample = load_sample()
    comments = comments_of(sample)
    assert [c.text for c in comments] == sample["text"].tolist()
    assert [c.author for c in comments] == sample["author"].tolist()
    assert [c.author_url for c in comments] == sample["author_url"].tolist()
    assert [c.date for c in comments] == sample["date"].tolist()
    assert len({id(c.post) for c in comments}) == sample["post_group"].nunique()
    for c, row in zip(comments, sample.itertuples(), strict=True):
        assert (c.post.title, c.post.text) == (row.post_title, row.post_text)
        assert (c.post.url, c.post.author) == (row.post_url, row.post_author)
        assert c.post.thread == ()


def test_a_row_that_knows_no_post_has_none():
    first, second = comments_of(pd.DataFrame({"text": ["a", "b"], "post_title": [np.nan, "T"]}))
    assert first.post is None
    assert (second.post.title, second.post.text) == ("T", None)
    with pytest.raises(CorpusError, match="no column named text"):
        comments_of(pd.DataFrame({"body": ["a"]}))
    with pytest.raises(CorpusError, match="row 0: author must be a string"):
        comments_of(pd.DataFrame({"text": ["a"], "author": [2.5]}))


def test_a_thread_is_what_came_before_under_the_same_post():
    frame = pd.DataFrame(
        {
            "text": ["a", "b", "c", "d", "e", "f"],
            "post_id": ["p", "q", "p", "p", None, None],
            "blog": ["one", "one", "one", "two", "one", "one"],
        }
    )
    threads = [c.post.thread if c.post else None for c in comments_of(frame, thread=True)]
    assert threads == [None, None, ("a",), None, None, None]
    ordered = frame.assign(order=[2, 0, 1, 0, 0, 0])
    threads = [c.post.thread if c.post else None for c in comments_of(ordered, thread=True)]
    assert threads == [("c",), None, None, None, None, None]


def test_a_thread_keeps_its_latest_fifty():
    frame = pd.DataFrame({"text": [f"say {n}" for n in range(60)], "post_id": "p"})
    last = comments_of(frame, thread=True)[-1]
    assert last.post.thread == tuple(f"say {n}" for n in range(9, 59))


# --- the larger sets, where they are at hand ------------------------------------


def count(path: Path) -> int:
    with gzip.open(path, "rb") as file:
        return sum(1 for _ in file)


def test_every_card_matches_its_set(shared):
    for name, card in dataset_cards().items():
        for file, expected in (
            ("comments", (card.sha256_comments, card.spam + card.ham)),
            ("posts", (card.sha256_posts, card.posts)),
        ):
            path = shared / name / f"{file}.jsonl.gz"
            found = hashlib.sha256(path.read_bytes()).hexdigest()
            assert (found, count(path)) == expected, f"{name}: {file}"


@pytest.mark.parametrize("name", ["modblog-albinou", "messages-fossee", "youtube-tubespam"])
def test_a_set_loads_as_its_card_says(shared, name):
    card: Card = dataset_cards()[name]
    frame = load_dataset(name, shared)
    assert (frame["label"] == "spam").sum() == card.spam
    assert (frame["label"] == "ham").sum() == card.ham
    assert set(frame["blog"]) == {card.group}
    assert frame["author"].notna().mean() == pytest.approx(card.author_share, abs=0.001)
    assert frame["author_url"].notna().mean() == pytest.approx(card.author_url_share, abs=0.001)
    assert frame["split"].notna().all() == (name == "youtube-tubespam")


def test_sets_of_one_blog_share_posts(shared):
    frame = load_datasets(["modblog-haacked", "hamblog-haacked-archive"], shared)
    both = frame.groupby("post_group")["dataset"].nunique()
    assert (both == 2).sum() > 10


# --- what the shipped model learned from ------------------------------------------


def test_no_set_both_measures_and_is_learned_from():
    recipe = Recipe.read(find_model("default") / "recipe.toml")
    panels = {name for name, card in dataset_cards().items() if card.use == "panel"}
    assert panels
    assert panels.isdisjoint(recipe.sets)
    assert panels.isdisjoint(recipe.background)


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_csv_may_be_parted_by_other_signs(tmp_path, mark):
    path = tmp_path / "a.csv"
    rows = [["label", "Text", "author"], ["spam", "a; b, c\td", "x,y"], ["ham", "line\nbreak", ""]]
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        csv.writer(file, delimiter=mark).writerows(rows)
    frame = read_corpus(path)
    assert frame["text"].tolist() == ["a; b, c\td", "line\nbreak"]
    assert frame["author"].tolist() == ["x,y", None]
