"""The command ``spamguard feedback`` and its page in the documentation."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
import sys
from datetime import datetime
from pathlib import Path

import pytest

from spamguard.cli import main, parser_for
from spamguard.corpus import load_sample, read_corpus
from spamguard.feedback import Journal, Summary

ROOT = Path(__file__).resolve().parents[2]
SECRET = "zyxwvut"  # must never come back in a message


@pytest.fixture
def feedback(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)

    def run(*argv):
        code = main(["feedback", "f.db", *argv])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def wrong_usage(capsys, *argv):
    with pytest.raises(SystemExit) as stop:
        main(["feedback", "f.db", *argv])
    assert stop.value.code == 2
    assert not Path("f.db").exists()
    return capsys.readouterr().err


def added(feedback, *argv):
    code, _, err = feedback("add", *argv)
    assert (code, err) == (0, "")


def test_a_decision_from_entry_to_corpus(feedback):
    Path("post.md").write_text("The post.\n", "utf-8")
    code, out, err = feedback(
        "add", "c1", "spam", "--by", "anna", "--text", "Cheap pills", "--author", "Bob",
        "--author-url", "http://x.example", "--date", "2024-01-02", "--post", "@post.md",
        "--post-title", "Title", "--post-url", "http://b.example/1", "--site", "blog",
    )  # fmt: skip
    assert (code, out, err) == (0, "entry 1: spam by anna\n", "")
    added(feedback, "c2", "ham", "--by", "bob", "--text", "Thanks, that fixed it.")
    added(feedback, "c3", "remove", "--by", "bob", "--text", "test")
    added(feedback, "c4", "ham", "--by", "bob")
    code, _, err = feedback("export", "--output", "corpus.jsonl")
    assert code == 0
    assert err == (
        "1 spam, 1 ham; 1 removed, which is no label; 1 left out: no text in the journal\n"
    )
    frame = read_corpus("corpus.jsonl", labelled=True)
    assert frame["label"].tolist() == ["spam", "ham"]
    first = frame.iloc[0]
    assert (first["blog"], first["author"], first["date"]) == ("blog", "Bob", "2024-01-02")
    assert (first["post_title"], first["post_text"]) == ("Title", "The post.\n")
    feedback("export", "--output", "corpus.csv")
    assert read_corpus("corpus.csv", labelled=True)["text"].tolist() == frame["text"].tolist()


def test_undo_and_list(feedback):
    added(feedback, "c1", "spam", "--by", "anna", "--text", f"{SECRET} text")
    assert feedback("undo", "1", "--by", "bob") == (0, "entry 2: undo of 1 by bob\n", "")
    code, out, err = feedback("undo", "1", "--by", "bob")
    assert (code, out) == (1, "")
    assert err == ("spamguard: Entry 1 is undone already, by entry 2; undo that to restore it.\n")
    _, out, _ = feedback("list")
    entries = [json.loads(line) for line in out.splitlines()]
    assert [(e["id"], e["kind"], e["by"]) for e in entries] == [
        (1, "correction", "anna"), (2, "undo", "bob"),
    ]  # fmt: skip
    assert (entries[0]["undone_by"], entries[1]["undoes"]) == (2, 1)
    assert SECRET not in out
    _, out, _ = feedback("list", "--format", "table")
    assert re.search(
        r"^ +1  20\d\d-\d\d-\d\d \d\d:\d\d  c1 +spam  by anna  \[undone by 2\]$", out, re.M
    )
    feedback("list", "--output", "list.csv", "--last", "1")
    (row,) = csv.DictReader(io.StringIO(Path("list.csv").read_text("utf-8")))
    assert (row["id"], row["kind"]) == ("2", "undo")
    assert feedback("list", "--comment", "nix") == (0, "", "")
    assert feedback("list", "--site", "nix") == (0, "", "")


def test_a_table_of_everything_that_can_happen(feedback):
    from spamguard.verdict import Verdict

    with Journal("f.db") as journal:
        journal.record("c1", "text", Verdict(0.987, "spam", False, 4.3, 0.0, "m 1"), site="blog")
        journal.correct("c1", "ham", by="anna", site="blog")
        journal.correct("old", "ham", by="anna", comment="old", at=datetime(2020, 1, 1))
        journal.forget_before("2021-01-01", by="anna")
        journal.forget("c1", by="anna", site="blog")
        journal.record("c2", "text", Verdict(0.987, "spam", False, 4.3, 0.0, "m 1"))
    feedback("list", "--format", "table", "--output", "table.txt")
    lines = Path("table.txt").read_text("utf-8").splitlines()
    assert [re.sub(r"^ +\d+  \S+ \S+ +", "", line) for line in lines] == [
        "forgot 1 entries before 2021-01-01 00:00  by anna",
        "blog/c1           forgotten  by anna",
        "c2                verdict spam (99 %)",
    ]


def test_forget(feedback):
    for name in ("c1", "c2"):
        added(feedback, name, "spam", "--by", "anna", "--text", f"{SECRET} text", "--site", "b")
    code, out, err = feedback("forget", "c1", "--by", "anna", "--site", "b")
    assert (code, out) == (0, "1 entries forgotten\n")
    assert err == "The same text is still stored under: b/c2\n"
    assert feedback("forget", "c2", "--site", "b")[0] == 0
    assert SECRET.encode() not in Path("f.db").read_bytes()
    code, _, err = feedback("add", "c1", "spam", "--site", "b", "--text", f"{SECRET} text")
    assert code == 1
    assert "was forgotten" in err
    assert SECRET not in err
    code, _, err = feedback("forget", "c9")
    assert code == 1
    assert "knows no such comment" in err
    assert feedback("forget", "--before", "2020-01-31")[:2] == (0, "0 entries forgotten\n")
    code, _, err = feedback("forget", "--before", "soon")
    assert (code, err) == (1, "spamguard: before is no date such as 2024-05-31.\n")


def test_many_decisions_from_a_file(feedback):
    rows = [
        {"comment_id": "a", "text": "one", "label": "spam", "by": "anna", "at": "2024-01-01T10:00"},
        {"id": 7, "text": "two", "decision": "HAM", "site": "blog", "post_id": 3},
        {"comment_id": "c", "label": "remove"},
        {"comment_id": "d", "text": f"{SECRET}", "label": "maybe"},
        {"text": "no id", "label": "spam"},
        {"comment_id": ["e"], "text": "x", "label": "spam"},
        {"comment_id": "f", "text": 5, "label": "spam"},
        {"comment_id": "g", "text": "x", "label": "spam", "at": "soon"},
    ]
    lines = [json.dumps(row) for row in rows] + [f"{{{SECRET}"]
    Path("rows.jsonl").write_text("\n".join(lines), "utf-8")
    code, out, err = feedback("add", "--input", "rows.jsonl", "--by", "me", "--site", "own")
    assert (code, out) == (1, "3 decisions entered\n")
    assert re.findall(r"line (\d+): (.*)", err) == [
        ("4", "label must be spam, ham or remove"),
        ("5", "there is no comment_id"),
        ("6", "comment_id must be text, not list"),
        ("7", "Comment.text must be a string, not int"),
        ("8", "at is no date such as 2024-05-31"),
        ("9", "not JSON"),
    ]
    assert SECRET not in err
    with Journal("f.db") as journal:
        found = [(e.site, e.comment_id, e.decision, e.by) for e in journal.entries()]
        assert found == [
            ("own", "a", "spam", "anna"), ("blog", "7", "ham", "me"), ("own", "c", "remove", "me"),
        ]  # fmt: skip
        assert [row["post_id"] for row in journal.labels()] == [None, "3"]


def test_history_comes_before_what_was_decided_here(feedback):
    added(feedback, "a", "ham", "--by", "anna", "--text", "one")
    Path("old.csv").write_text(
        "comment_id;text;label;date\na;one;spam;2023-01-01\nb;two;spam;\nc;three;ham;9999-01-01\n",
        "utf-8",
    )
    argv = ("add", "--input", "old.csv", "--by", "import", "--history")
    assert feedback(*argv)[:2] == (0, "3 decisions entered\n")
    code, out, _ = feedback(*argv)
    assert (code, out) == (0, "1 decision entered; 2 already present\n")
    with Journal("f.db") as journal:
        assert journal.summary() == Summary(spam=1, ham=2)
        journal.forget("b", by="anna")
    _, out, _ = feedback(*argv)
    assert "1 left out: their comments were forgotten" in out


def test_what_came_in_from_standard_input(feedback, monkeypatch):
    data = b'{"comment_id": "a", "text": "one", "label": "spam"}\n' * 3
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))
    assert feedback("add", "--input", "-", "--by", "me")[:2] == (0, "3 decisions entered\n")


def test_an_exported_corpus_goes_back_in(feedback):
    added(feedback, "a", "spam", "--by", "anna", "--text", "one", "--post", "p")
    feedback("export", "--output", "corpus.jsonl")
    code = main(["feedback", "second.db", "add", "--input", "corpus.jsonl", "--by", "me"])
    assert code == 0
    with Journal("f.db") as one, Journal("second.db") as other:
        columns = ["text", "label", "post_text", "post_group"]
        assert one.corpus()[columns].equals(other.corpus()[columns])


def test_many_bad_lines_are_counted(feedback):
    Path("rows.jsonl").write_text("nonsense\n" * 25, "utf-8")
    code, out, err = feedback("add", "--input", "rows.jsonl", "--by", "me", "--in-format", "jsonl")
    assert (code, out) == (1, "0 decisions entered\n")
    assert err.count("not JSON") == 20
    assert "5 more such lines" in err


def test_a_journal_without_texts(feedback):
    added(feedback, "a", "spam", "--by", "anna", "--text", f"{SECRET}", "--texts", "none")
    added(feedback, "b", "spam", "--by", "anna", "--text", f"{SECRET}")
    assert SECRET.encode() not in Path("f.db").read_bytes()
    code, _, err = feedback("add", "c", "spam", "--by", "anna", "--texts", "all")
    assert code == 1
    assert "was made to keep the texts of: none" in err


def test_wrong_usage(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cases = {
        (): "ACTION",
        ("burn",): "invalid choice",
        ("add",): "name a file with --input",
        ("add", "c1"): "spam, ham or remove",
        ("add", "c1", "maybe"): "invalid choice",
        ("add", "c1", "spam", "--input", "f"): "not both",
        ("add", "c1", "spam", "--author", "Bob"): "--author goes with --text",
        ("add", "c1", "spam", "--history"): "go with --input",
        ("add", "--input", "f", "--text", "x"): "--text goes with ID",
        ("add", "c1", "spam", "two", "words"): "unrecognized",
        ("undo",): "ENTRY",
        ("undo", "first"): "not a whole number",
        ("undo", "0"): "not a whole number",
        ("forget",): "--before",
        ("forget", "c1", "--before", "2024-01-01"): "--before",
        ("export", "--format", "table"): "invalid choice",
        ("list", "--last", "0"): "not a whole number",
    }
    for argv, words in cases.items():
        assert words in wrong_usage(capsys, *argv), argv


def test_only_add_makes_a_journal(feedback):
    for argv in (("list",), ("undo", "1"), ("forget", "c1"), ("export",)):
        code, out, err = feedback(*argv)
        assert (code, out) == (1, "")
        assert "does not exist; check the name" in err
    assert not Path("f.db").exists()


def test_who_decided_is_the_login_name_unless_told(feedback, monkeypatch, capsys):
    import getpass

    monkeypatch.setattr(getpass, "getuser", lambda: "mira")
    assert feedback("add", "c1", "spam", "--text", "x")[1] == "entry 1: spam by mira\n"

    def nobody():
        raise OSError

    monkeypatch.setattr(getpass, "getuser", nobody)
    with pytest.raises(SystemExit):
        main(["feedback", "f.db", "undo", "1"])
    assert "--by NAME" in capsys.readouterr().err


def test_retrain_and_audit_read_a_journal(feedback, capsys, sample):
    """Through the same door as files of comments, and together with them."""
    from spamguard.cli.moderation.retrain_command import read_labelled

    added(feedback, "c1", "spam", "--by", "anna", "--text", "Cheap pills", "--site", "blog")
    added(feedback, "c2", "remove", "--by", "bob", "--text", "test")
    added(feedback, "c3", "ham", "--by", "bob", "--text", "Thanks, that fixed it.")
    feedback("export", "--output", "old.jsonl", "--site", "blog")
    frame = read_labelled(["old.jsonl", "f.db"])
    assert frame["label"].tolist() == ["spam", "spam", "ham"]
    assert frame["duplicate_group"].tolist() == [0, 0, 1]
    assert frame["account"].tolist()[1:] == ["anna", "bob"]
    assert main(["retrain", "--from", "typo.db", "-o", "model"]) == 1
    assert "does not exist; check the name" in capsys.readouterr().err
    rows = sample.groupby("label").head(15)
    with Journal("site.db") as journal:
        for number, (text, label) in enumerate(zip(rows["text"], rows["label"], strict=True)):
            journal.correct(f"c{number}", label, by="anna", comment=text)
    assert main(["retrain", "--from", "site.db", "-o", "model", "--dry-run"]) in (0, 1)
    out, _ = capsys.readouterr()
    assert re.search(r"learned from \d+ comments, measured on the \d+ newest", out)


# --- the documentation --------------------------------------------------------------

PAGE = (ROOT / "docs" / "feedback.md").read_text("utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S)


def test_every_command_on_the_page_works(feedback, capsys):
    Path("corrections.csv").write_text(
        "comment_id,text,label\n1209,Thanks,ham\n1210,Buy now,spam\n", "utf-8"
    )
    ran = 0
    for line in "".join(blocks("")).splitlines():
        if line.startswith("spamguard feedback feedback.db "):
            argv = shlex.split(line)[1:]
            assert main(argv) == 0, line
            ran += 1
        elif line.startswith("spamguard "):
            assert parser_for().parse_args(shlex.split(line)[1:]).command
    assert ran >= 7
    capsys.readouterr()


def test_every_program_on_the_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert blocks("python")
    names = {}
    for block in blocks("python"):
        exec(block, names)
    names["journal"].close()


def test_retraining_reads_one_site_of_a_journal(capsys, feedback):
    words = " ".join(load_sample()["text"][:60]).split()
    for number in range(12):
        for site, label in (("one", "spam"), ("one", "ham"), ("two", "ham")):
            start = 20 * number + 7 * len(site) + 240 * (label == "ham") + 480 * (site == "two")
            text = " ".join(words[start : start + 15])
            named = ("--text", text, "--site", site)
            added(feedback, f"{site}{label}{number}", label, "--by", "anna", *named)
    told = ["retrain", "--from", "f.db", "-o", "m", "--dry-run", "--json"]
    assert main([*told, "--site", "one"]) in (0, 3)
    assert json.loads(capsys.readouterr().out)["ham"] == 12
    assert main(told) in (0, 3)
    assert json.loads(capsys.readouterr().out)["ham"] == 24
    assert main([*told, "--site", "three"]) == 1
    assert "no labelled comments of three" in capsys.readouterr().err
