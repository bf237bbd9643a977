"""From a source to files: whole or not at all, private fields, and a corpus that trains."""

from __future__ import annotations

import errno
import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import spamguard
from spamguard.cli import main
from spamguard.cli.moderation.import_command import SOURCES as TOLD
from spamguard.corpus import read_corpus
from spamguard.errors import CorpusError
from spamguard.importers import SOURCES, import_comments, importing
from spamguard.importers.importing import OPTIONS


def rows(path):
    data = path.read_bytes()
    data = gzip.decompress(data) if path.suffix == ".gz" else data
    return [json.loads(line) for line in data.decode().splitlines()]


def test_every_sort_goes_to_its_own_file(tmp_path, cases):
    done = import_comments("wordpress", cases / "wordpress-1.2.xml", tmp_path / "corpus.jsonl")
    assert [path.name for path in done.files] == [
        "corpus.jsonl", "corpus.unlabelled.jsonl", "corpus.pingbacks.jsonl",
    ]  # fmt: skip
    labelled, unlabelled, pingbacks = map(rows, done.files)
    assert [row["comment_id"] for row in labelled] == ["101", "102"]
    assert [row["comment_id"] for row in unlabelled] == ["103", "107"]
    assert [row["kind"] for row in pingbacks] == ["pingback"]
    assert labelled[0] == {
        "blog": "crumbs.example", "comment_id": "101", "post_id": "12",
        "text": "Does it work with rye?", "author": "Jo", "author_url": "https://jo.example/",
        "date": "2023-03-02T10:00:00Z", "post_title": "Bread in a cold oven & why",
        "post_text": "<p>Put it in cold. The crust ends with ]]> and a crackle.</p>",
        "post_url": "https://www.crumbs.example/cold-oven/", "post_date": "2023-03-01T08:00:00Z",
        "kind": "comment", "label": "ham", "label_by": "owner", "label_source": "approved",
    }  # fmt: skip
    assert {row["label"] for row in unlabelled} == {None}


def test_the_corpus_is_one_that_can_be_read(tmp_path, cases):
    path = tmp_path / "corpus.jsonl.gz"
    import_comments("disqus", cases / "disqus.xml", path)
    frame = read_corpus(path, labelled=True)
    assert frame["label"].tolist() == ["ham", "ham", "spam"]
    # Comments under one post, whatever address it had, are one group.
    assert frame["post_group"].unique().tolist() == ["crumbs.example/crumbs.example/oven"]
    assert frame["post_title"].tolist() == ["Cold oven"] * 3


def test_what_is_imported_can_be_trained_on(tmp_path, sample, capsys):
    source = tmp_path / "mine.csv"
    sample.rename(columns={"text": "message"}).to_csv(source, index=False)
    corpus, model = tmp_path / "corpus.jsonl", tmp_path / "model"
    assert main(["import", "csv", str(source), "-o", str(corpus), "--column", "text=message"]) == 0
    assert "Train: spamguard train" in capsys.readouterr().out
    assert main(["train", "--corpus", str(corpus), "--output", str(model)]) == 0
    assert (model / "model.json").exists()


@pytest.mark.parametrize(("keep", "there"), [((), set()), (("email", "ip"), {"email", "ip"})])
def test_private_fields_only_where_asked_for(tmp_path, cases, keep, there):
    path = tmp_path / "corpus.jsonl"
    import_comments("wordpress", cases / "wordpress-1.2.xml", path, keep=keep)
    assert rows(path)[0].keys() & {"email", "ip"} == there
    assert ("reader.example" in path.read_text()) == bool(there)
    assert ("192.0.2.7" in path.read_text()) == bool(there)


def test_keep_names_fields(tmp_path, cases):
    with pytest.raises(CorpusError, match="email and ip"):
        import_comments("disqus", cases / "disqus.xml", tmp_path / "c.jsonl", keep=["name"])


@pytest.mark.parametrize(
    ("trust", "ham", "unlabelled"), [("owner", 1, 2), ("filter", 1, 2), ("published", 3, 0)]
)
def test_whose_word_is_a_label(tmp_path, cases, trust, ham, unlabelled):
    path = tmp_path / "corpus.jsonl"
    done = import_comments("remark42", cases / "remark42.json", path, trust=trust)
    assert (done.report.ham, done.report.unlabelled.total()) == (ham, unlabelled)


def test_an_untrusted_filter_is_still_on_record(tmp_path, cases):
    path = tmp_path / "corpus.jsonl"
    done = import_comments("disqus", cases / "disqus.xml", path, trust="owner")
    assert done.files == (tmp_path / "corpus.unlabelled.jsonl",)
    marked = [row for row in rows(done.files[0]) if row.get("filter_label") == "spam"]
    assert [(row["label"], row["label_by"]) for row in marked] == [(None, "filter")]


# --- nothing is lost ----------------------------------------------------------------


def test_what_is_there_is_not_replaced_unasked(tmp_path, cases):
    for name in ("corpus.jsonl", "corpus.pingbacks.jsonl"):
        path = tmp_path / name
        path.write_text("precious")
        with pytest.raises(CorpusError, match="--replace"):
            import_comments("disqus", cases / "disqus.xml", tmp_path / "corpus.jsonl")
        assert path.read_text() == "precious"
        path.unlink()


def test_replacing_leaves_nothing_of_an_earlier_import(tmp_path, cases):
    path = tmp_path / "corpus.jsonl"
    import_comments("wordpress", cases / "wordpress-1.2.xml", path)
    done = import_comments("disqus", cases / "disqus.xml", path, replace=True)
    assert sorted(tmp_path.iterdir()) == sorted(done.files)
    assert len(done.files) == 2


def test_what_is_read_is_never_written(tmp_path):
    path = tmp_path / "corpus.unlabelled.jsonl"
    path.write_text('{"text": "Hello"}\n')
    with pytest.raises(CorpusError, match="is the input"):
        import_comments("jsonl", path, tmp_path / "corpus.jsonl", label="ham", replace=True)
    assert path.read_text() == '{"text": "Hello"}\n'


@pytest.mark.parametrize("name", ["corpus.csv", "corpus", "no/such/corpus.jsonl"])
def test_places_that_cannot_be(tmp_path, cases, name):
    with pytest.raises(CorpusError, match=r"must be named|make it first"):
        import_comments("disqus", cases / "disqus.xml", tmp_path / name)


@pytest.mark.parametrize("when", ["written", "finished"])
def test_a_full_disk_leaves_what_was_there(tmp_path, cases, monkeypatch, when):
    path = tmp_path / "corpus.jsonl"
    path.write_text("precious")
    full = OSError(errno.ENOSPC, "No space left on device")

    def refuse(*_):
        raise full

    if when == "written":
        monkeypatch.setattr(importing, "json_row", refuse)
    else:
        monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(CorpusError, match=r"No space left on device.*make room"):
        import_comments("disqus", cases / "disqus.xml", path, replace=True)
    assert [p.name for p in tmp_path.iterdir()] == ["corpus.jsonl"]
    assert path.read_text() == "precious"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_disk_that_is_really_full(tmp_path, cases, monkeypatch):
    from contextlib import contextmanager

    @contextmanager
    def full(path):
        with Path("/dev/full").open("wb") as file:
            yield file

    monkeypatch.setattr(importing, "open_corpus", full)
    with pytest.raises(CorpusError, match="No space left on device"):
        import_comments("disqus", cases / "disqus.xml", tmp_path / "corpus.jsonl")


def test_a_source_that_fails_halfway_writes_nothing(tmp_path, cases):
    source = tmp_path / "export.xml.gz"
    source.write_bytes(gzip.compress((cases / "wordpress-1.2.xml").read_bytes())[:-9])
    with pytest.raises(CorpusError, match="damaged gzip"):
        import_comments("wordpress", source, tmp_path / "corpus.jsonl")
    assert list(tmp_path.iterdir()) == [source]


def test_an_interrupted_import_leaves_what_was_there(tmp_path):
    source, path = tmp_path / "mine.jsonl", tmp_path / "corpus.jsonl"
    source.write_text('{"text": "Hello", "label": "ham"}\n' * 300_000)
    path.write_text("precious")
    home = str(Path(spamguard.__file__).parents[1])
    process = subprocess.Popen(
        [sys.executable, "-m", "spamguard", "import", "jsonl", str(source), "-o", str(path), "--replace"],
        env=os.environ | {"PYTHONPATH": home}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob(".corpus.jsonl.*.part")) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert err == "spamguard: interrupted\n"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["corpus.jsonl", "mine.jsonl"]
    assert path.read_text() == "precious"


# --- the command --------------------------------------------------------------------


def test_the_command_line_knows_every_source():
    assert tuple(SOURCES) == TOLD
    assert OPTIONS.keys() <= SOURCES.keys()


def test_the_summary(tmp_path, cases, capsys):
    path = tmp_path / "corpus.jsonl"
    assert main(["import", "wordpress", str(cases / "wordpress-1.2.xml"), "-o", str(path)]) == 0
    out = capsys.readouterr().out
    words = " ".join(out.split())
    assert "comments 7 under 2 posts" in words
    assert "ham 2: 1 by the owner (approved), 1 by the owner (akismet_user_result)" in words
    assert "unlabelled 2: 1 pending, 1 trash" in words
    assert "kept apart 1: 1 pingback" in words
    assert "dropped 2: 1 no text, 1 no comment" in words
    assert "WordPress leaves its spam out" in words


def test_the_summary_as_json_and_what_was_lost(tmp_path, cases, capsys):
    path = tmp_path / "corpus.jsonl"
    code = main(
        ["import", "remark42", str(cases / "remark42.json"), "-o", str(path), "--json", "--with-ip"]
    )
    out, err = capsys.readouterr()
    summary = json.loads(out)
    assert code == 1
    assert "1 comment could not be read" in err
    assert summary["comments"] == 5
    assert summary["lost"] == 1
    assert summary["labels"] == [
        {"label": "ham", "by": "none", "source": "published", "comments": 2},
        {"label": "ham", "by": "owner", "source": "written by the owner", "comments": 1},
    ]
    assert summary["files"] == [str(path)]
    assert rows(path)[0]["ip"] == "0123abcd"


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (["--prefix", "wp_"], "goes with wordpress-db"),
        (["--comments-dir", "x"], "goes with staticman"),
        (["--column", "text=x"], "goes with csv and jsonl"),
    ],
)
def test_options_of_another_source_are_wrong_usage(tmp_path, cases, capsys, extra, words):
    argv = ["import", "disqus", str(cases / "disqus.xml"), "-o", str(tmp_path / "c.jsonl"), *extra]
    with pytest.raises(SystemExit) as stop:
        main(argv)
    assert stop.value.code == 2
    assert words in capsys.readouterr().err


def test_an_export_without_comments(tmp_path, capsys):
    source = tmp_path / "export.xml"
    source.write_text("<rss><channel><wp:wxr_version>1.2</wp:wxr_version></channel></rss>")
    assert main(["import", "wordpress", str(source), "-o", str(tmp_path / "c.jsonl")]) == 1
    assert "is it the whole export?" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [source]


def test_progress_is_told_in_bytes(tmp_path, cases):
    told = []
    source = tmp_path / "mine.jsonl"
    source.write_text('{"text": "Hello", "label": "ham"}\n' * 20_000)
    import_comments(
        "jsonl", source, tmp_path / "c.jsonl", watch=lambda *about: told.append(about)
    )  # fmt: skip
    done = [count for _, count, _ in told]
    assert done == sorted(done)
    assert told[-1] == ("reading", source.stat().st_size, source.stat().st_size)


def test_scoring_loads_no_importer():
    home = str(Path(spamguard.__file__).parents[1])
    code = "import sys, spamguard; spamguard.score('Hello'); print([m for m in sys.modules if 'importers' in m or m in ('sqlalchemy', 'yaml', 'sqlite3')])"
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": home},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "[]\n"
