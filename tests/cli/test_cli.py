import argparse
import csv
import dataclasses
import gzip
import io
import json
import math
import os
import re
import shlex
import subprocess
import sys
import time
import types
from pathlib import Path

import pytest

import spamguard
from spamguard import display, forms, progress, score
from spamguard.cli import demo_command as demo
from spamguard.cli import main, parser_for, score_stream, terminal
from spamguard.cli import score_command as score_command
from spamguard.cli.score_command import with_explain_default
from spamguard.comment import Comment, Post
from spamguard.corpus import readers, writers
from spamguard.errors import CorpusError, InputError
from spamguard.model import Cuts, SpamModel
from spamguard.scoring import default_model
from spamguard.storage import save_model
from spamguard.verdict import Reason, Verdict

PILLS = "<a href='http://pills.example'>cheap viagra no prescription</a> order now"
THANKS = "Thanks, the second query was missing an index here as well."
SECRET = "zyxwvut"  # must never come back in a message


def run(capsys, *argv):
    code = main(list(argv))
    out, err = capsys.readouterr()
    return code, out, err


def answers(out):
    return [json.loads(line) for line in out.splitlines()]


def wrong_usage(capsys, *argv):
    with pytest.raises(SystemExit) as stop:
        main(list(argv))
    assert stop.value.code == 2
    return capsys.readouterr().err


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def stdin(monkeypatch):
    def give(data):
        data = data if isinstance(data, bytes) else data.encode()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data), encoding="utf-8"))

    return give


@pytest.fixture
def comments(tmp_path):
    path = tmp_path / "comments.jsonl"
    rows = [
        {
            "comment_id": "a",
            "text": PILLS,
            "author": "Pills4U",
            "author_url": "http://pills.example",
        },
        {"comment_id": "b", "text": THANKS, "author": "Mira", "rating": [1, 2]},
        {"comment_id": "c", "text": "Größe? 大丈夫 🙂", "date": "2024-01-01T10:00:00Z"},
    ]
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def command(*argv, env=None, **options):
    home = str(Path(spamguard.__file__).parents[1])
    base = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG", "PYTHONIO"))}
    settings = base | {"PYTHONPATH": home} | (env or {})
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "spamguard", *argv],
        capture_output=True, env=settings, timeout=120, check=False, **options,
    )  # fmt: skip


# --- the whole ----------------------------------------------------------------------


def test_without_a_command_it_shows_its_help(capsys):
    code, out, err = run(capsys)
    assert code == 2
    assert not out
    assert "spamguard demo" in err


def test_version(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"spamguard {spamguard.__version__} ({forms.form()})\n"


def subcommands():
    parser = parser_for()
    action = next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return action.choices


@pytest.mark.parametrize("name", sorted(subcommands()))
def test_help_teaches(capsys, name):
    with pytest.raises(SystemExit) as stop:
        main([name, "--help"])
    assert stop.value.code == 0
    out = capsys.readouterr().out
    examples = out.partition("examples:\n")[2].splitlines()
    assert 2 <= len(examples) <= 4
    assert all(f"spamguard {'score' if 'score' in e else name}" in e for e in examples)
    assert max(map(len, (out.partition("examples:")[2]).splitlines())) <= 79


def test_examples_in_the_help_can_be_parsed():
    for name, parser in subcommands().items():
        for example in parser.epilog.splitlines()[1:]:
            words = example.partition("spamguard ")[2].partition(" > ")[0].partition(" | ")[0]
            argv = shlex.split(words.partition("   ")[0])
            assert parser_for().parse_args(with_explain_default(argv)).command in (name, "score")


def test_unknown_commands_and_options_are_wrong_usage(capsys):
    assert "invalid choice" in wrong_usage(capsys, "guess")
    assert "unrecognized" in wrong_usage(capsys, "score", "hello", "--bogus")
    assert "in quotes" in wrong_usage(capsys, "score", "great", "post", "thanks")
    assert "usage: spamguard demo" in wrong_usage(capsys, "demo", "p01")


def test_errors_are_one_line(capsys, monkeypatch):
    def fail(args):
        raise InputError("first\n  second")

    monkeypatch.setattr(score_command, "run", fail)
    assert run(capsys, "score", "x") == (1, "", "spamguard: first second\n")


def test_interruption(capsys, monkeypatch):
    def stop(args):
        raise KeyboardInterrupt

    monkeypatch.setattr(score_command, "run", stop)
    assert run(capsys, "score", "x") == (130, "", "spamguard: interrupted\n")


def test_errors_of_the_system_are_one_line(capsys, tmp_path):
    code, out, err = run(capsys, "score", "--input", str(tmp_path / "none.jsonl"))
    assert (code, out) == (1, "")
    assert err == f"spamguard: {tmp_path / 'none.jsonl'}: No such file or directory\n"


def loaded(*argv):
    """Return the modules that a command leaves loaded in a fresh process."""
    code = (
        "import contextlib, sys; from spamguard.cli import main\n"
        f"with contextlib.suppress(SystemExit): main({list(argv)!r})\n"
        "print(*sys.modules)"
    )
    home = str(Path(spamguard.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=60, check=True,
        env=os.environ | {"PYTHONPATH": home},
    )  # fmt: skip
    return set(done.stdout.decode().splitlines()[-1].split())


@pytest.mark.parametrize("argv", [["--help"], ["--version"], ["train", "--help"]])
def test_help_loads_no_numpy(argv):
    assert not loaded(*argv) & {"numpy", "spamguard.model", "spamguard.scoring"}


@pytest.mark.parametrize("argv", [["score", "hello"], ["demo"], ["models"]])
def test_the_base_commands_import_nothing_heavy(argv):
    found = loaded(*argv)
    assert not found & {"pandas", "sklearn", "scipy", "joblib", "tqdm"}
    commands = {name for name in found if name.endswith("_command")}
    assert commands == {f"spamguard.cli.{argv[0]}_command"}


# --- score TEXT ---------------------------------------------------------------------


def test_one_comment_in_a_pipe_is_a_json_line(capsys):
    code, out, err = run(capsys, "score", PILLS)
    assert (code, err) == (0, "")
    (answer,) = answers(out)
    verdict = score(PILLS)
    assert answer == {
        "text": PILLS,
        "spam_probability": verdict.spam_probability,
        "label": "spam",
        "discard": verdict.discard,
    }


def test_author_and_post_are_heard(capsys, tmp_path):
    post = tmp_path / "post.md"
    post.write_text("\ufeffThe second query had no index.", "utf-8")
    code, out, _ = run(
        capsys, "score", THANKS, "--author", "Mira", "--author-url", "http://mira.example",
        "--post", f"@{post}", "--post-title", "Slow pages", "--post-url", "http://blog.example/1",
    )  # fmt: skip
    expected = score(
        Comment(THANKS, "Mira", "http://mira.example"),
        Post("Slow pages", "The second query had no index.", "http://blog.example/1"),
    )
    (answer,) = answers(out)
    assert code == 0
    assert answer["spam_probability"] == expected.spam_probability
    assert answer["author"] == "Mira"
    assert answer["author_url"] == "http://mira.example"


def test_post_as_text(capsys):
    _, out, _ = run(capsys, "score", THANKS, "--post", "The second query had no index.")
    assert (
        answers(out)[0]["spam_probability"]
        == score(THANKS, "The second query had no index.").spam_probability
    )


def test_post_file_must_be_there_and_utf8(capsys, tmp_path):
    assert run(capsys, "score", "x", "--post", f"@{tmp_path / 'none'}")[0] == 1
    (tmp_path / "latin").write_bytes("Größe".encode("latin-1"))
    code, _, err = run(capsys, "score", "x", "--post", f"@{tmp_path / 'latin'}")
    assert code == 1
    assert "not UTF-8" in err


@pytest.mark.parametrize(
    ("argv", "count"),
    [
        (["--explain", PILLS], 5),
        ([PILLS, "--explain"], 5),
        ([PILLS, "--explain", "2"], 2),
        (["--explain=3", PILLS], 3),
        (["--explain", "--format", "jsonl", "--", PILLS], 5),
    ],
)
def test_explain(capsys, argv, count):
    code, out, _ = run(capsys, "score", *argv)
    assert code == 0
    reasons = answers(out)[0]["reasons"]
    assert len(reasons) == count
    first = score(PILLS).reasons[0]
    assert reasons[0] == {
        "feature": first.feature,
        "contribution": round(first.contribution, 6),
        "evidence": first.evidence,
    }


def test_explain_needs_a_sensible_number(capsys):
    assert "whole number" in wrong_usage(capsys, "score", "x", "--explain", "0")
    wrong_usage(capsys, "score", "x", "--explain", "-1")
    wrong_usage(capsys, "score", "x", "--explain=many")


def test_text_after_two_dashes_is_left_alone():
    given = ["score", "--", "--explain"]
    assert with_explain_default(given) == given


def test_table_for_one_comment(capsys):
    code, out, _ = run(capsys, "score", PILLS, "--format", "table", "--explain", "2")
    lines = out.splitlines()
    assert code == 0
    assert re.fullmatch(r" *>?\d+ %  spam( \(discard\))?", lines[0])
    assert "viagra" not in lines[0]
    assert any(line.split()[0].startswith(("+", "-")) for line in lines[1:])
    assert "\x1b" not in out


def test_csv_for_one_comment(capsys):
    _, out, _ = run(capsys, "score", PILLS, "--format", "csv")
    (row,) = csv.DictReader(io.StringIO(out))
    assert list(row) == ["text", "spam_probability", "label", "discard"]
    assert float(row["spam_probability"]) == score(PILLS).spam_probability


def test_empty_text_is_a_comment(capsys):
    assert run(capsys, "score", "")[0] == 0


def test_another_model(capsys, tmp_path):
    shipped = default_model()
    sour = SpamModel(
        "sour", "7", 9.0, shipped.dense_weights * 0, shipped.dense_reference,
        shipped.ngram_weights * 0, shipped.background, Cuts(-1.0, 1.0, 5.0),
    )  # fmt: skip
    save_model(sour, tmp_path / "sour")
    _, out, _ = run(capsys, "score", THANKS, "--model", str(tmp_path / "sour"))
    assert answers(out)[0]["label"] == "spam"
    assert answers(out)[0]["discard"] is True
    _, out, _ = run(capsys, "score", THANKS, "--format", "table", "--model", str(tmp_path / "sour"))
    assert out == ">99 %  spam (discard)\n"
    code, _, err = run(capsys, "score", THANKS, "--model", str(tmp_path / "none"))
    assert code == 1
    assert err.startswith("spamguard: no model ")


@pytest.mark.parametrize(
    "argv",
    [
        ["hello", "--input", "x.csv"],
        ["hello", "--in-format", "csv"],
        ["--input", "x.csv", "--author", "Bob"],
        ["--author-url", "http://x.example"],
        ["hello", "--format", "xml"],
        ["hello", "there"],
    ],
)
def test_wrong_usage_of_score(capsys, argv):
    assert "usage: spamguard score" in wrong_usage(capsys, "score", *argv)


def test_a_person_who_gives_nothing_is_told(capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", types.SimpleNamespace(isatty=lambda: True))
    assert "give a TEXT" in wrong_usage(capsys, "score")


def test_probabilities_for_a_site_with_little_spam(capsys):
    spam, rare = (
        answers(run(capsys, "score", PILLS, "--explain", *more)[1])[0]
        for more in ((), ("--prior", "0.02"))
    )
    assert rare["spam_probability"] < spam["spam_probability"]
    assert rare["reasons"] == spam["reasons"]
    for text in (PILLS, THANKS):
        half, often = (
            answers(run(capsys, "score", text, *more)[1])[0] for more in ((), ("--prior", ".95"))
        )
        assert (half["label"], half["discard"]) == (often["label"], often["discard"])
    for share in ("0", "1", "2", "nan", "much"):
        assert "such as 0.02" in wrong_usage(capsys, "score", PILLS, "--prior", share)


# --- score a stream -----------------------------------------------------------------


def test_a_file_is_answered_line_by_line_in_order(capsys, comments):
    code, out, err = run(capsys, "score", "--input", str(comments))
    assert (code, err) == (0, "")
    found = answers(out)
    assert [row["comment_id"] for row in found] == ["a", "b", "c"]
    assert [row["label"] for row in found[:2]] == ["spam", "ham"]
    assert found[1]["rating"] == [1, 2]
    assert list(found[1])[-3:] == ["spam_probability", "label", "discard"]
    assert (
        found[0]["spam_probability"]
        == score(Comment(PILLS, "Pills4U", "http://pills.example")).spam_probability
    )
    assert "大丈夫" in out


@pytest.mark.parametrize("argv", [[], ["-"], ["--input", "-"]])
def test_standard_input(capsys, stdin, argv):
    stdin(f'\n  \n{{"text": {json.dumps(PILLS)}}}\n')
    code, out, _ = run(capsys, "score", *argv)
    assert code == 0
    assert answers(out)[0]["label"] == "spam"


def test_csv_from_standard_input_is_recognised(capsys, stdin):
    stdin('\ufefftext,author\n"' + PILLS + '",Bob\n')
    code, out, _ = run(capsys, "score")
    assert code == 0
    assert answers(out)[0]["author"] == "Bob"
    assert answers(out)[0]["label"] == "spam"


def test_an_empty_input_has_no_answers(capsys, stdin):
    for form in ("jsonl", "csv"):
        stdin("")
        assert run(capsys, "score", "--in-format", form) == (0, "", "")


def test_a_json_array_is_explained(capsys, stdin):
    stdin('[{"text": "x"}]')
    code, _, err = run(capsys, "score")
    assert code == 1
    assert "one object on each line" in err


def test_formats_by_name(tmp_path):
    for name, form in [
        ("a.jsonl", "jsonl"), ("a.ndjson", "jsonl"), ("a.CSV", "csv"), ("a.jsonl.gz", "jsonl"),
    ]:  # fmt: skip
        source = readers.Source(name, io.BytesIO(), False, 0)
        assert readers.format_of(source) == form
    assert writers.output_format("x.csv") == "csv"
    assert writers.output_format("x.txt") == "jsonl"


def test_packed_input(capsys, tmp_path):
    path = tmp_path / "c.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"text": "hello"}\n{"text": "there"}\n'))
    code, out, _ = run(capsys, "score", "--input", str(path))
    assert code == 0
    assert len(answers(out)) == 2
    path.write_bytes(path.read_bytes()[:20])
    code, _, err = run(capsys, "score", "--input", str(path))
    assert code == 1
    assert "damaged" in err
    (tmp_path / "c.gz").write_bytes(b"no gzip")
    code, _, err = run(capsys, "score", "--input", str(tmp_path / "c.gz"))
    assert code == 1
    assert "damaged" in err


def test_bad_lines_are_named_and_passed_over(capsys, stdin):
    bad = [
        f'{{"text": "{SECRET}"'.encode(),
        b'["text"]',
        b'{"body": "zyxwvut"}',
        b'{"text": 5}',
        b'{"text": null, "author": "zyxwvut"}',
        b'{"text": "zyxwvut", "author": 5}',
        b'{"text": "zyxwvut", "post": {"title": 5}}',
        b'{"text": "zyxwvut \xff"}',
        b"[" * 100_000,
    ]
    stdin(b'{"text": "first"}\n' + b"\n".join(bad) + b'\n{"text": "last"}')
    code, out, err = run(capsys, "score", "--in-format", "jsonl")
    assert code == 1
    assert [row["text"] for row in answers(out)] == ["first", "last"]
    lines = err.splitlines()
    assert [int(line.split("line ")[1].split(":")[0]) for line in lines] == list(range(2, 11))
    assert all(line.startswith("spamguard: standard input, line ") for line in lines)
    assert SECRET not in err
    assert "there is no text" in lines[2]
    assert "not UTF-8" in lines[7]


def test_many_bad_lines_are_counted(capsys, stdin):
    stdin(b"{\n" * 1_050)
    code, _, err = run(capsys, "score")
    assert code == 1
    assert len(err.splitlines()) == score_stream.MOST_REPORTS + 1
    assert err.splitlines()[-1] == "spamguard: standard input: 1,030 more such lines"


def test_overlong_lines_are_passed_over(capsys, stdin, monkeypatch):
    monkeypatch.setattr(readers, "MAX_LINE", 100)
    stdin(b'{"text": "' + b"x" * 1_000 + b'"}\n{"text": "short"}\n{"text": "' + b"y" * 500)
    code, out, err = run(capsys, "score")
    assert code == 1
    assert [row["text"] for row in answers(out)] == ["short"]
    assert "line 1: longer than 100 bytes" in err
    assert "line 3: longer" in err


def test_missing_values_are_absent(capsys, stdin):
    stdin('{"text": "hello", "author": null, "author_url": NaN, "date": "", "post_text": null}')
    code, out, _ = run(capsys, "score")
    assert code == 0
    assert answers(out)[0]["author_url"] is None
    assert answers(out)[0]["spam_probability"] == score("hello").spam_probability


def test_posts_of_lines_and_of_the_command(capsys, stdin):
    own = "The second query had no index; adding one helped."
    other = "A loaf of rye bread that kept collapsing."
    rows = [
        {"text": THANKS, "post": {"title": "Slow", "text": own, "id": 7}},
        {"text": THANKS, "post_title": "Slow", "post_text": own},
        {"text": THANKS},
        {"text": THANKS, "post": 17},
        {"text": THANKS, "post": {"text": own, "thread": ["one", "two"]}, "post_title": "Slow"},
    ]
    stdin("\n".join(map(json.dumps, rows)))
    code, out, _ = run(capsys, "score", "--post", other)
    found = [row["spam_probability"] for row in answers(out)]
    assert code == 0
    assert found[0] == found[1] == score(THANKS, Post("Slow", own)).spam_probability
    assert found[2] == found[3] == score(THANKS, other).spam_probability
    threaded = Post("Slow", own, thread=["one", "two"])
    assert found[4] == score(THANKS, threaded).spam_probability


def test_earlier_comments_may_stand_beside_the_post(capsys, stdin):
    own = "Own text"
    rows = [
        {"text": THANKS, "post_text": own, "post_thread": ["one", THANKS]},
        {"text": THANKS, "post": {"text": own, "thread": ["one", THANKS]}},
        {"text": THANKS, "post_text": own, "post_thread": "a CSV cell"},
    ]
    stdin("".join(json.dumps(row) + "\n" for row in rows))
    code, out, _ = run(capsys, "score")
    found = [row["spam_probability"] for row in answers(out)]
    threaded = score(THANKS, Post(text=own, thread=["one", THANKS])).spam_probability
    assert code == 0
    assert found == [threaded, threaded, score(THANKS, own).spam_probability]
    stdin(json.dumps({"text": THANKS, "post_thread": 5}) + "\n")
    code, _, err = run(capsys, "score")
    assert code == 1
    assert "thread must be a list" in err


@pytest.mark.parametrize("mark", [";", "\t"])
def test_csv_of_other_countries(capsys, stdin, mark):
    rows = [["id", "text", "author"], ["1", "so; much, more\there", "Mira"], ["2", "x", ""]]
    given = io.StringIO(newline="")
    csv.writer(given, delimiter=mark).writerows(rows)
    stdin(given.getvalue())
    code, out, err = run(capsys, "score")
    assert (code, err) == (0, "")
    assert [(row["id"], row["text"]) for row in answers(out)] == [("1", rows[1][1]), ("2", "x")]
    stdin(f"id{mark}text\n1{mark}a{mark}b\n")
    code, _, err = run(capsys, "score")
    assert code == 1
    assert f"holds {'tabs' if mark == chr(9) else 'semicolons'}" in err


def test_fields_of_the_same_name_are_kept(capsys, stdin):
    stdin('{"text": "hello", "label": "spam", "discard": 1}\n')
    _, out, _ = run(capsys, "score")
    (row,) = answers(out)
    assert row["given_label"] == "spam"
    assert row["given_discard"] == 1
    assert row["label"] == "ham"
    stdin(out)
    _, again, _ = run(capsys, "score")
    assert answers(again)[0]["given_label"] == "spam"
    assert answers(again)[0]["given_label_2"] == "ham"
    assert answers(again)[0]["spam_probability"] == row["spam_probability"]


def test_no_label_is_lost_however_often_a_file_is_scored(capsys, stdin):
    stdin('{"text": "hello", "label": "a", "given_label": "b", "given_label_2": "c"}\n')
    (row,) = answers(run(capsys, "score")[1])
    given = {name: value for name, value in row.items() if name.startswith("given_label")}
    assert given == {"given_label": "b", "given_label_2": "c", "given_label_3": "a"}


def test_half_a_character_survives(capsys, stdin):
    stdin(b'{"text": "a \\ud83d b"}\n')
    code, out, _ = run(capsys, "score")
    assert code == 0
    assert answers(out)[0]["text"] == "a \ud83d b"
    stdin(b'{"text": "a \\ud83d b"}\n')
    assert run(capsys, "score", "--format", "csv")[0] == 0
    stdin(b'{"text": "a \\ud83d b"}\n')
    assert run(capsys, "score", "--format", "table")[0] == 0


def test_csv_there_and_back(capsys, tmp_path):
    texts = [PILLS, 'a, "quoted"\nsecond line', "", "lone\rreturn", "大丈夫 🙂", "=1+1"]
    path, scored = tmp_path / "in.csv", tmp_path / "out.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerow([" Text ", "Author", "Mood"])
        writer.writerows([text, "", "fine"] for text in texts)
    code, out, err = run(
        capsys, "score", "--input", str(path), "--output", str(scored), "--explain"
    )
    assert (code, out, err) == (0, "", "")
    with scored.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["text"] for row in rows] == texts
    assert list(rows[0]) == [
        "text",
        "author",
        "Mood",
        "spam_probability",
        "label",
        "discard",
        "language",
        "language_known",
        "reasons",
    ]
    assert {row["discard"] for row in rows} <= {"true", "false"}
    assert float(rows[0]["spam_probability"]) == score(PILLS).spam_probability
    assert json.loads(rows[0]["reasons"])[0]["feature"] == score(PILLS).reasons[0].feature
    second = tmp_path / "again.csv"
    assert (
        run(capsys, "score", "--input", str(scored), "--output", str(second), "--explain")[0] == 0
    )


def test_bad_csv_rows(capsys, stdin):
    stdin(
        b'text,author\nfirst,x\ntoo,many,zyxwvut\n"two\nlines",x\n'
        b'bad \xff byte zyxwvut,x\n"open" zyxwvut,x\nlast,x\n'
    )
    code, out, err = run(capsys, "score", "--in-format", "csv")
    assert code == 1
    assert [row["text"] for row in answers(out)] == ["first", "two\nlines", "last"]
    lines = [line.split(": ", 2)[1:] for line in err.splitlines()]
    assert [where for where, _ in lines] == [f"standard input, line {n}" for n in (3, 6, 7)]
    assert "3 cells under 2 columns" in err
    assert SECRET not in err


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("body,author\nx,y\n", "no column is named text"),
        ("text,text\nx,y\n", "two columns have the same name"),
        ('"text" x,y\n', "not CSV"),
    ],
)
def test_csv_that_cannot_be_understood(capsys, stdin, head, message):
    stdin(head)
    code, out, err = run(capsys, "score", "--in-format", "csv")
    assert (code, out) == (1, "")
    assert "line 1" in err
    assert message in err


def test_csv_limit_of_fields_is_raised_and_put_back(capsys, stdin):
    before = csv.field_size_limit()
    stdin("text\n" + "x" * 200_000 + "\n")
    code, out, _ = run(capsys, "score")
    assert code == 0
    assert len(answers(out)[0]["text"]) == 200_000
    assert csv.field_size_limit() == before


def test_csv_out_of_uneven_lines(capsys, stdin):
    stdin('{"text": "a", "x": null}\n{"text": "b"}\n{"text": "c", "zyxwvut": 1}\n')
    code, out, err = run(capsys, "score", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert code == 1
    assert [row["text"] for row in rows] == ["a", "b", "c"]
    assert "line 3: written without 1 of its fields" in err
    assert SECRET not in err


def test_table_of_a_stream(capsys, comments):
    code, out, _ = run(capsys, "score", "--input", str(comments), "--format", "table")
    lines = out.splitlines()
    assert code == 0
    assert len(lines) == 3
    assert all(len(line) <= terminal.MAX_WIDTH for line in lines)
    assert "spam" in lines[0]
    assert "Pills4U" in lines[0]
    assert f"ham     b | Mira | {THANKS[:20]}" in lines[1]
    assert lines[1].endswith(" …")


def test_a_comment_cannot_command_the_terminal(capsys, stdin):
    stdin(json.dumps({"text": "\x1b[31mred\x07 \u202eback\u2066 [bold]x[/bold] :smile:\r\nnext"}))
    _, out, _ = run(capsys, "score", "--format", "table")
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert len(out.splitlines()) == 1
    assert "[bold]x[/bold] :smile: next" in out


# --- output files -------------------------------------------------------------------


def test_output_appears_whole(capsys, comments, tmp_path):
    target = tmp_path / "out.jsonl"
    target.write_text("old")
    code, out, _ = run(capsys, "score", "--input", str(comments), "--output", str(target))
    assert (code, out) == (0, "")
    assert [row["comment_id"] for row in answers(target.read_text("utf-8"))] == ["a", "b", "c"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["comments.jsonl", "out.jsonl"]


def test_output_may_be_the_input(capsys, comments):
    assert run(capsys, "score", "--input", str(comments), "--output", str(comments))[0] == 0
    assert len(answers(comments.read_text("utf-8"))) == 3


def test_output_keeps_the_old_file_when_stopped(capsys, comments, tmp_path, monkeypatch):
    target = tmp_path / "out.jsonl"
    target.write_text("old")
    real = readers.comment_of

    def stop(fields, post):
        if fields["comment_id"] == "c":
            raise KeyboardInterrupt
        return real(fields, post)

    monkeypatch.setattr(score_stream, "comment_of", stop)
    code, _, _ = run(capsys, "score", "--input", str(comments), "--output", str(target))
    assert code == 130
    assert target.read_text() == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["comments.jsonl", "out.jsonl"]


def test_output_with_bad_lines_is_still_written(capsys, stdin, tmp_path):
    stdin('{"text": "good"}\n{"text": 1}\n')
    assert run(capsys, "score", "--output", str(tmp_path / "out.jsonl"))[0] == 1
    assert len(answers((tmp_path / "out.jsonl").read_text("utf-8"))) == 1


def test_output_as_a_table(capsys, comments, tmp_path):
    target = tmp_path / "out.txt"
    argv = [
        "--input",
        str(comments),
        "--output",
        str(target),
        "--format",
        "table",
        "--explain",
        "2",
    ]
    assert run(capsys, "score", *argv)[0] == 0
    assert "Pills4U" in target.read_text("utf-8")
    assert "██" in target.read_text("utf-8")


def test_output_places_that_cannot_be(capsys, tmp_path):
    code, _, err = run(capsys, "score", "x", "--output", str(tmp_path / "none" / "x.jsonl"))
    assert code == 1
    assert "make it first" in err
    code, _, err = run(capsys, "score", "x", "--output", str(tmp_path / "x.jsonl.gz"))
    assert code == 1
    assert "does not compress" in err
    assert run(capsys, "score", "x", "--output", str(tmp_path))[0] == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="needs a device file")
def test_devices_are_written_to_and_never_replaced(capsys):
    assert run(capsys, "score", "x", "--output", os.devnull)[0] == 0
    assert not Path(os.devnull).is_file()


def test_output_through_a_link(capsys, tmp_path):
    real = tmp_path / "real.jsonl"
    real.write_text("old")
    link = tmp_path / "link.jsonl"
    link.symlink_to(real)
    assert run(capsys, "score", "x", "--output", str(link))[0] == 0
    assert link.is_symlink()
    assert answers(real.read_text("utf-8"))


# --- as a process -------------------------------------------------------------------


def test_in_a_pipe():
    done = command("score", input=b'{"text": "hello", "id": 1}\n')
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["id"] == 1


def test_exit_codes_of_the_process():
    assert command("score", "--bogus").returncode == 2
    failed = command("score", "x", "--model", "none")
    assert failed.returncode == 1
    assert b"Traceback" not in failed.stderr
    assert failed.stderr.count(b"\n") == 1


def test_answers_come_while_the_input_is_still_open():
    home = str(Path(spamguard.__file__).parents[1])
    with subprocess.Popen(
        [sys.executable, "-m", "spamguard", "score"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": home},
    ) as process:  # fmt: skip
        for number in range(3):
            process.stdin.write(json.dumps({"text": "hello", "id": number}).encode() + b"\n")
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["id"] == number
        process.stdin.close()
        assert process.wait(timeout=30) == 0


@pytest.mark.skipif(os.name == "nt", reason="pipes of another kind")
def test_a_broken_pipe_is_silent():
    home = str(Path(spamguard.__file__).parents[1])
    with subprocess.Popen(
        [sys.executable, "-m", "spamguard", "score"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": home},
    ) as process:  # fmt: skip
        process.stdin.write(b'{"text": "hello"}\n')
        process.stdin.flush()
        process.stdout.readline()
        process.stdout.close()
        process.stdin.write(b'{"text": "hello"}\n' * 10)
        process.stdin.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=30) == 0


@pytest.mark.skipif(os.name == "nt", reason="pipes of another kind")
@pytest.mark.parametrize("argv", [["demo"], ["models"], ["models", "default"]])
def test_nobody_reads_on(argv):
    """As in ``spamguard demo | head``."""
    home = str(Path(spamguard.__file__).parents[1])
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "spamguard", *argv], stdout=closed, stderr=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": home}, timeout=60, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")


NO_UNICODE = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}


def test_data_is_utf8_even_without_a_unicode_locale(tmp_path):
    data = json.dumps({"text": "Größe 大丈夫 “x”"}, ensure_ascii=False).encode()
    done = command("score", env=NO_UNICODE, input=data)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "大丈夫" in done.stdout.decode("utf-8")


@pytest.mark.parametrize("env", [NO_UNICODE, {"PYTHONIOENCODING": "ascii"}])
def test_tables_are_ascii_where_there_is_no_unicode(env):
    data = json.dumps({"text": "Größe 大丈夫 “x” " * 20}, ensure_ascii=False).encode()
    done = command("score", "--format", "table", "--explain", env=env, input=data)
    assert (done.returncode, done.stderr) == (0, b"")
    shown = done.stdout.decode("ascii")
    assert "..." in shown
    for argv in (["demo"], ["models"]):
        done = command(*argv, env=env)
        assert (done.returncode, done.stderr) == (0, b"")
        done.stdout.decode("ascii")


@pytest.mark.skipif(os.name == "nt", reason="needs a pseudo-terminal")
@pytest.mark.parametrize("colour", [True, False])
def test_a_person_sees_a_table(colour):
    import pty

    reader, writer = pty.openpty()
    home = str(Path(spamguard.__file__).parents[1])
    env = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR")}
    env |= {"PYTHONPATH": home, "TERM": "xterm", "COLUMNS": "80"} | (
        {} if colour else {"NO_COLOR": "1"}
    )
    done = subprocess.run(
        [sys.executable, "-m", "spamguard", "score", PILLS, "--explain"],
        stdout=writer, stderr=subprocess.PIPE, env=env, timeout=60, check=False,
    )  # fmt: skip
    shown = os.read(reader, 100_000).decode()
    os.close(reader)
    os.close(writer)
    assert done.returncode == 0
    assert "spam" in shown
    assert not shown.lstrip().startswith("{")
    assert ("\x1b[1;31m" in shown) == colour


# --- progress -----------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_no_progress_in_a_pipe(capsys, monkeypatch):
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    with progress.Progress() as watch:
        watch("read", 1, 2)
    assert capsys.readouterr() == ("", "")


def test_progress_for_a_person_who_waits(monkeypatch):
    pytest.importorskip("tqdm", reason="needs pip install 'spamguard[train]'")
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with progress.Progress() as watch:
        watch("at once", 1, 2)
    assert screen.getvalue() == ""
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    with progress.Progress() as watch:
        watch("reading", 1, 2)
        watch("fitting", 0, 0)
        time.sleep(0.2)
    assert "fitting" in screen.getvalue()
    with progress.Progress(shown=False) as watch:
        watch("hidden", 1, 2)
    assert "hidden" not in screen.getvalue()


def test_without_tqdm_there_is_no_progress(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(progress, "PATIENCE", 0.0)
    monkeypatch.setitem(sys.modules, "tqdm", None)
    with progress.Progress() as watch:
        watch("reading", 1, 2)
    assert screen.getvalue() == ""


def test_progress_of_a_stream(comments, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(progress.Progress, "__call__", lambda self, *given: seen.append(given))
    monkeypatch.setattr(score_stream, "BATCH", 1)
    assert main(["score", "--input", str(comments), "--output", str(tmp_path / "o.jsonl")]) == 0
    size = comments.stat().st_size
    assert [total for _, _, total in seen] == [size] * 3
    assert seen[-1][1] == size


# --- how it looks -------------------------------------------------------------------


def verdict(*reasons, label="spam", p=0.9):
    made = tuple(Reason(*reason) for reason in reasons)
    return Verdict(p, label, False, 0.0, 0.0, "m-1", made)


def test_percent_is_never_certain():
    assert [display.percent(p) for p in (0.0, 0.004, 0.006, 0.5, 0.994, 0.996, 1.0)] == [
        "<1 %", "<1 %", "1 %", "50 %", "99 %", ">99 %", ">99 %",
    ]  # fmt: skip


def test_words_become_one_reason_which_is_their_balance():
    told = terminal.group_reasons(
        verdict(
            ("ngrams_text", 0.9, "“cheap”"), ("ngrams_text", 0.5, "“the”"), ("links_count", 0.6, "links"),
            ("ngrams_text", 0.4, "“order,”"), ("ngrams_text", -0.3, "“index”"), ("ngrams_rest", 0.1, "3 more"),
        ).reasons
    )  # fmt: skip
    assert [round(each.contribution, 6) for each in told] == [1.6, 0.6]
    assert told[0].words == "words such as “cheap”, “order”, “the”"


def test_what_saw_the_same_becomes_one_reason():
    reasons = verdict(
        ("author_url", 0.5, "an address (log scale): “x.example”"),
        ("author_url_home", 0.4, "a front page: “x.example”"),
        ("author_url_long", 0.1, "a long name: “x.example”"),
        ("author_url_deep", -0.2, "depth: “x.example”"),
        ("topic_rare", -0.9, "no sign of: rare words (cosine)"),
    ).reasons
    told = terminal.group_reasons(reasons)
    assert [each.words for each in told] == [
        "an address; a front page; 1 more like these: “x.example”",
        "no sign of rare words",
        "depth: “x.example”",
    ]
    assert sum(each.contribution for each in told) == pytest.approx(-0.1)
    assert terminal.group_reasons(reasons, known="Bob <http://x.example>")[0].words.endswith(
        "these"
    )


def test_no_reason_is_lost_in_the_telling():
    given = score(PILLS)
    told = sum(each.contribution for each in terminal.group_reasons(given.reasons))
    assert told + given.intercept == pytest.approx(given.log_odds)


def test_a_reason_on_the_verdicts_side_is_among_the_strongest():
    told = [
        terminal.ReasonGroup(2.0, "a"),
        terminal.ReasonGroup(1.0, "b"),
        terminal.ReasonGroup(-0.5, "c"),
    ]
    assert [each.words for each in terminal.strongest(told, 2, True)] == ["a", "b"]
    assert [each.words for each in terminal.strongest(told, 2, False)] == ["a", "c"]
    assert terminal.strongest([], 2, False) == []
    assert terminal.strongest(told[:1], 2, False) == told[:1]


def test_bars():
    assert [terminal.bar(c) for c in (0.1, 1.0, 99.0, -1.5)] == ["█", "██", "██████", "░░░"]


def test_long_lines_are_cut_between_words(monkeypatch):
    monkeypatch.setenv("COLUMNS", "50")
    stream = io.StringIO()
    screen = terminal.Screen(stream)
    screen.line("word " * 30)
    screen.line("x" * 100)
    screen.paragraph("word " * 30, indent=4, most=2)
    screen.paragraph("大" * 60, most=1)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 5
    assert all(terminal.cell_len(line) <= 50 for line in lines)
    assert lines[0].endswith("word …")
    assert lines[1].endswith("x …")
    assert lines[3].endswith("word …")
    assert not any(line.endswith(" ") for line in lines)


def test_very_narrow_windows(monkeypatch):
    monkeypatch.setenv("COLUMNS", "5")
    screen = terminal.Screen(io.StringIO())
    screen.reasons(score(PILLS), 5)
    screen.field("name", "words " * 20)


# --- models -------------------------------------------------------------------------


def test_models(capsys):
    code, out, _ = run(capsys, "models")
    assert code == 0
    assert "default" in out
    assert "thresholds" in out
    assert "unsure from" in out


def test_models_as_json(capsys):
    code, out, _ = run(capsys, "models", "--json")
    (model,) = [m for m in json.loads(out) if m["name"] == "default"]
    assert code == 0
    assert set(model) == {
        "name", "version", "trained_on", "figures", "thresholds", "prior", "promises",
    }  # fmt: skip
    assert (model["prior"], model["promises"]) == (0.5, {})
    assert 0 < model["thresholds"]["unsure"] <= model["thresholds"]["spam"] < 1


@pytest.fixture
def own_model(tmp_path):
    shipped = default_model()
    about = {
        "trained_on": {"sets": ["a", "b"], "comments": 10},
        "figures": {"unseen_blog": {"auc": 0.98765432, "blogs": 3}, "n": None},
    }
    model = SpamModel(
        "own", "3", shipped.intercept, shipped.dense_weights, shipped.dense_reference,
        shipped.ngram_weights, shipped.background, Cuts(-1.0, 0.0, 4.0), about,
    )  # fmt: skip
    return save_model(model, tmp_path / "own")


def test_one_model(capsys, own_model):
    code, out, _ = run(capsys, "models", str(own_model))
    assert code == 0
    assert "own 3" in out
    assert "sets a, b, comments 10" in out
    assert "held-out folds" in out
    assert "unseen blog auc: 98.8 %" in out
    assert "unseen blog blogs: 3" in out
    assert "from 98 %" in out
    _, out, _ = run(capsys, "models", str(own_model), "--json")
    assert json.loads(out)["thresholds"]["spam"] == 0.5
    (own_model / "CARD.md").write_text("# The card\n\nWritten “by hand”.\n", "utf-8")
    _, out, _ = run(capsys, "models", str(own_model))
    assert out == "# The card\n\nWritten “by hand”.\n"


def test_several_models_one_of_them_damaged(capsys, own_model, monkeypatch):
    (own_model.parent / "bad").mkdir()
    (own_model.parent / "bad" / "model.json").write_text("{}")
    monkeypatch.setattr("spamguard.storage._homes", lambda: iter([own_model.parent]))
    save_model(spamguard.load_model(own_model), own_model.parent / "twin")
    code, out, err = run(capsys, "models")
    assert code == 1
    assert out.count("own 3") == 2
    assert "bad/model.json" in err


def test_unknown_model(capsys):
    code, out, err = run(capsys, "models", "nobody")
    assert (code, out) == (1, "")
    assert "installed models (default" in err


# --- documented examples --------------------------------------------------------------


def documented():
    """Every comment that a document or a help text judges, once."""
    root = Path(__file__).resolve().parents[2]
    pages = [root / "README.md", *(root / "docs").glob("*.md")]
    texts = [page.read_text("utf-8") for page in pages]
    texts += [command.epilog for command in subcommands().values()]
    texts += [command for command, _ in demo._NEXT]
    found = re.findall(r'spamguard score "([^"]+)"', "\n".join(texts))
    found += re.findall(r'Comment\(\s*"([^"]+)"', texts[0])
    return sorted(set(found))


def test_documented_spam_is_called_spam():
    spam = [text for text in documented() if re.search("(?i)cheap|pills|http|order now", text)]
    assert len(spam) >= 2
    assert {text: score(text).label for text in spam} == dict.fromkeys(spam, "spam")


# --- thresholds -----------------------------------------------------------------------


@pytest.fixture
def moderated(tmp_path):
    from spamguard.corpus import load_sample, write_corpus

    path = tmp_path / "moderated.csv"
    frame = load_sample()
    write_corpus(frame[frame["label"].notna()], path)
    return path


def test_a_cut_for_a_promise(capsys, moderated):
    code, out, err = run(capsys, "thresholds", str(moderated), "--max-ham-lost", "0.05")
    assert (code, err) == (0, "")
    assert f"default {spamguard.load_model().version}" in out
    assert "at most 5 % of real comments lost, with 95 % confidence" in out
    assert "log-odds" in out
    assert "spam caught" in out
    assert "(exact," in out
    assert max(map(len, out.splitlines())) <= 80


def test_a_cut_as_json(capsys, moderated):
    argv = ["thresholds", str(moderated), "--min-precision", "0.9", "--json"]
    code, out, _ = run(capsys, *argv, "--spam-share", "0.7", "--confidence", "0.8")
    found = json.loads(out)
    assert code == 0
    assert (found["promise"], found["confidence"]) == ("precision>=0.9", 0.8)
    assert (found["model"], found["spam_share"], found["supported"]) == (
        spamguard.load_model().title,
        0.7,
        True,
    )
    assert found["probability"] == pytest.approx(1 / (1 + math.exp(-found["log_odds"])))
    assert found["learned_from"] is False


def test_what_cannot_be_promised_is_said_plainly(capsys, moderated, tmp_path):
    argv = ["thresholds", str(moderated), "--max-ham-lost", "0.001"]
    code, out, _ = run(capsys, *argv)
    assert code == 0  # that is an answer, too
    assert "these comments do not support the promise" in out
    missing = int(re.search(r"missing +([\d,]+) more real comments", out)[1].replace(",", ""))
    found = json.loads(run(capsys, *argv, "--json")[1])
    assert (found["missing_ham"], found["log_odds"]) == (missing, None)
    assert found["ham"] + missing == 2_995
    code, _, err = run(capsys, *argv, "--save", str(tmp_path / "none"))
    assert code == 1
    assert f"add {missing:,} more ham comments" in err
    assert not (tmp_path / "none").exists()


def test_no_amount_of_ham_helps_without_spam(capsys, tmp_path):
    path = tmp_path / "ham.csv"
    path.write_text("text,label\n" + "".join(f"hello {i},ham\n" for i in range(9)))
    _, out, _ = run(capsys, "thresholds", str(path), "--min-precision", "0.9")
    assert "--max-ham-lost" in out
    path.write_text("text,label\n" + "hello,ham\nhello,spam\n" * 50)
    _, out, _ = run(capsys, "thresholds", str(path), "--min-precision", "0.9")
    assert "more real comments alone would not help" in out


def test_a_copy_with_the_cut(capsys, moderated, tmp_path):
    target = tmp_path / "mysite-1"
    argv = ["thresholds", str(moderated), "--max-ham-lost", "0.05", "--save", str(target)]
    code, out, err = run(capsys, *argv, "--json", "--lock-discard")
    assert code == 0
    assert f"spamguard models {target}" in err
    cut = json.loads(out)["log_odds"]
    copy = spamguard.load_model(target)
    assert (copy.name, copy.cuts.spam, copy.cuts.discard) == ("mysite", cut, None)
    assert copy.about["promises"]["spam"]["promise"] == "ham_lost<=0.05"
    _, out, _ = run(capsys, "models", str(target))
    assert "spam promise" in out
    assert "at most 5 % of real comments lost" in " ".join(out.split())
    assert "no figures recorded" in out
    assert "locked" in out
    listed = json.loads(run(capsys, "models", str(target), "--json")[1])
    assert listed["promises"]["spam"]["log_odds"] == cut
    code, _, err = run(capsys, *argv)
    assert code == 1
    assert "another --save or pass --replace" in err
    assert run(capsys, *argv, "--replace", "--name", "kitchen", "--lock-discard")[0] == 0
    assert spamguard.load_model(target).name == "kitchen"


def test_cuts_stay_in_order(capsys, moderated, tmp_path):
    argv = ["thresholds", str(moderated), "--max-ham-lost", "0.5"]
    code, _, err = run(capsys, *argv, "--save", str(tmp_path / "low"))
    assert code == 1
    assert "Set unsure first" in err
    assert err.count("\n") == 1
    # Which is what one can do.
    lax = str(tmp_path / "lax")
    assert run(capsys, *argv, "--for", "unsure", "--save", lax)[0] == 0
    strict = ["thresholds", str(moderated), "--max-ham-lost", "0.4", "--model", lax]
    assert run(capsys, *strict, "--save", str(tmp_path / "both"))[0] == 0
    about = spamguard.load_model(tmp_path / "both").about
    assert set(about["promises"]) == {"unsure", "spam"}
    assert about["copy_of"] == spamguard.load_model().title


def test_comments_that_were_learned_from_are_warned_of(capsys, moderated, tmp_path):
    from spamguard.corpus import read_corpus, texts_sha256

    about = {"corpus_sha256": texts_sha256(read_corpus(moderated))}
    trained = save_model(dataclasses.replace(default_model(), about=about), tmp_path / "trained")
    argv = ["thresholds", str(moderated), "--max-ham-lost", "0.05", "--model", str(trained)]
    code, out, err = run(capsys, *argv, "--json", "--lock-discard", "--save", str(tmp_path / "m"))
    assert code == 0
    assert "WARNING" in err
    assert json.loads(out)["learned_from"] is True
    _, out, _ = run(capsys, "models", str(tmp_path / "m"))
    assert "LEARNED FROM" in " ".join(out.split())


def test_doubts_are_told(capsys, monkeypatch, moderated):
    from spamguard.evaluation import site_thresholds as sitecuts

    real = sitecuts.threshold_on

    def doubtful(*args, **options):
        groups = (sitecuts.Gathering("post", "blog/\x1b[2Jp1", 20, 5),) * 7
        return dataclasses.replace(real(*args, **options), gathered=groups, broken_blogs=("a", "b"))

    monkeypatch.setattr(sitecuts, "threshold_on", doubtful)
    _, out, _ = run(capsys, "thresholds", str(moderated), "--max-ham-lost", "0.05")
    told = " ".join(out.split())
    assert "real comments lost are under one post (blog/" in told
    assert "\x1b" not in out
    assert "2 more such groups" in told
    assert "broken on single blogs: a, b" in told


def test_damaged_records_of_promises_do_not_hide_a_model(capsys, own_model):
    model = spamguard.load_model(own_model)
    for promises in ([], {"spam": 3}, {"spam": {"promise": "much"}}):
        save_model(dataclasses.replace(model, about={"promises": promises}), own_model)
        code, out, _ = run(capsys, "models", str(own_model))
        assert code == 0
        assert ("is damaged" in out) == (promises == {"spam": {"promise": "much"}})


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["--max-ham-lost", "0.1"],
        ["mine.csv"],
        ["mine.csv", "--max-ham-lost", "0.1", "--min-precision", "0.9"],
        ["mine.csv", "--max-ham-lost", "1"],
        ["mine.csv", "--max-ham-lost", "0.1", "--confidence", "95"],
        ["mine.csv", "--min-precision", "0.9", "--spam-share", "x"],
        ["mine.csv", "--max-ham-lost", "0.1", "--for", "delete"],
        ["mine.csv", "--max-ham-lost", "0.1", "--name", "x"],
        ["mine.csv", "--max-ham-lost", "0.1", "--replace"],
        ["mine.csv", "--max-ham-lost", "0.1", "--lock-discard"],
        ["mine.csv", "--max-ham-lost", "0.1", "--save", "d", "--for", "delete"],
        ["mine.csv", "--max-ham-lost", "0.1", "--save", "d", "--for", "discard", "--lock-discard"],
        ["mine.csv", "--max-ham-lost", "0.1", "--save", "d", "--name", "a b"],
    ],
)
def test_wrong_usage_of_thresholds(capsys, argv):
    assert "usage: spamguard thresholds" in wrong_usage(capsys, "thresholds", *argv)


# --- train and evaluate -------------------------------------------------------------


class Learning:
    """Stands in for training and evaluation, and keeps its calls."""

    def __init__(self):
        self.calls = []
        figures = {"spam_caught": 0.8746, "ham_lost": 0.012}
        self.model = types.SimpleNamespace(
            title="mine-2", about={"figures": figures}, cuts=Cuts(0.0, 1.0)
        )

    def read(self, path):
        self.calls.append(("read", Path(path)))
        return types.SimpleNamespace(name="mine", version="2")

    def train_recipe(self, recipe, directory, *, watch, n_jobs):
        watch("fit", 1, 2)
        self.calls.append(("recipe", directory, n_jobs))
        return self

    def train_corpus(self, frame, *, name="mysite", watch, n_jobs):
        watch("fit", 1, 2)
        self.calls.append(("corpus", len(frame), name, n_jobs))
        return self

    def save_run(self, trained, directory):
        assert trained is self
        (directory / "model.json").write_text("{}")

    def evaluate_corpus(self, frame, model):
        self.calls.append(("evaluate", len(frame), model.name))
        return MeasuredReport(protocol="corpus", rows=[], macro={"auc": 0.9})


class MeasuredReport(dict):
    def __str__(self):
        return f"# {self['protocol']} “measured”"


@pytest.fixture
def learning(monkeypatch):
    from spamguard.analysis import report
    from spamguard.training import recipe

    monkeypatch.delenv("SPAMGUARD_DATASETS", raising=False)
    fake = Learning()
    monkeypatch.setattr(recipe.Recipe, "read", fake.read)
    for name in ("train_recipe", "train_corpus", "save_run"):
        monkeypatch.setattr(recipe, name, getattr(fake, name))
    monkeypatch.setattr(report, "evaluate_corpus", fake.evaluate_corpus)
    return fake


@pytest.fixture
def corpus(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("text,label\nhello,ham\nbuy,spam\n")
    return path


def test_train_on_a_corpus(capsys, learning, corpus, tmp_path):
    out_dir = tmp_path / "deep" / "model"
    argv = ["train", "--corpus", str(corpus), "--output", str(out_dir), "--jobs", "2"]
    code, out, _ = run(capsys, *argv)
    assert code == 0
    assert learning.calls == [("corpus", 2, "mysite", 2)]
    assert (out_dir / "model.json").is_file()
    assert f"mine-2 is in {out_dir}" in out
    assert "held-out folds: 87.5 % of the spam caught, 1.2 % of the real comments lost" in out
    assert "Thresholds: unsure from 50.0 %, spam from 73.1 %, discard locked" in out
    code, _, err = run(capsys, *argv)
    assert code == 1
    assert "--replace" in err
    assert len(learning.calls) == 1
    assert run(capsys, *argv, "--replace", "--name", "kitchen")[0] == 0
    assert learning.calls[-1] == ("corpus", 2, "kitchen", 2)


def test_train_after_a_recipe(capsys, learning, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = run(capsys, "train", "--recipe", "r.toml", "--datasets", str(tmp_path))
    assert code == 0
    assert learning.calls == [("read", Path("r.toml")), ("recipe", tmp_path, None)]
    assert (tmp_path / "mine-2" / "model.json").is_file()
    assert "--model mine-2" in out


def test_a_model_that_tells_little_is_trained_all_the_same(capsys, learning, corpus, tmp_path):
    learning.model.about = {}
    learning.model.cuts = Cuts(0.0, 1.0, 4.0)
    code, out, _ = run(
        capsys, "train", "--corpus", str(corpus), "--output", str(tmp_path / "model")
    )
    assert code == 0
    assert "held-out" not in out
    assert "discard from 98.2 %" in out


@pytest.mark.parametrize("name", ["", "a b", "../up", "a/b", "name\n", "größe", "x" * 101])
def test_a_model_has_a_plain_name(capsys, learning, corpus, tmp_path, name):
    argv = ["train", "--corpus", str(corpus), "--output", str(tmp_path / "model")]
    assert "is not a name for a model" in wrong_usage(capsys, *argv, "--name", name)
    assert learning.calls == []


def test_train_needs_to_know_from_what_and_where_to(capsys, learning, corpus):
    for argv in (
        [],
        ["--corpus", str(corpus)],
        ["--corpus", str(corpus), "--recipe", "r", "--output", "x"],
        ["--corpus", str(corpus), "--datasets", "d", "--output", "x"],
        ["--recipe", "r", "--name", "x"],
        ["--recipe", "r", "--jobs", "0"],
    ):
        assert "usage: spamguard train" in wrong_usage(capsys, "train", *argv)
    code, _, err = run(capsys, "train", "--recipe", "r")
    assert code == 1
    assert "SPAMGUARD_DATASETS" in err


def test_train_refuses_bad_places_and_corpora(capsys, learning, corpus, tmp_path):
    code, _, err = run(capsys, "train", "--corpus", str(corpus), "--output", str(corpus))
    assert code == 1
    assert "not a directory" in err
    corpus.write_text("text,label\nhello,\n")
    code, _, err = run(capsys, "train", "--corpus", str(corpus), "--output", str(tmp_path / "m"))
    assert code == 1
    assert "line 2" in err
    assert not (tmp_path / "m").exists()


def test_evaluate_a_file(capsys, learning, corpus, own_model, tmp_path):
    target = tmp_path / "result.json"
    assert run(capsys, "evaluate", str(corpus), "--output", str(target)) == (
        0, "# corpus “measured”\n", "",
    )  # fmt: skip
    assert json.loads(target.read_text("utf-8"))["macro"] == {"auc": 0.9}
    assert run(capsys, "evaluate", str(corpus), "--model", str(own_model))[0] == 0
    assert learning.calls == [("evaluate", 2, "default"), ("evaluate", 2, "own")]


def test_evaluate_measures(capsys, moderated, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(capsys, "evaluate", moderated.name, "--output", "figures.json")
    assert (code, err) == (0, "")
    assert out.startswith("360 comments, 161 of them spam.\n\n| model | auc |")
    figures = json.loads(Path("figures.json").read_text("utf-8"))
    assert figures["macro"]["auc"]["value"] > 0.9


def test_evaluate_looks_first_where_to_write(capsys, learning, corpus, tmp_path):
    argv = ["evaluate", str(corpus), "--output", str(tmp_path / "none" / "r.json")]
    code, _, err = run(capsys, *argv)
    assert code == 1
    assert "make it first" in err
    assert learning.calls == []


def test_a_report_is_printed_where_there_is_no_unicode(learning, corpus, monkeypatch):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    assert main(["evaluate", str(corpus)]) == 0
    stream.flush()
    assert raw.getvalue() == b'# corpus "measured"\n'


def test_wrong_usage_of_evaluate(capsys):
    for argv in ([], ["mine.csv", "--recipe", "r"], ["mine.csv", "other.csv"]):
        assert "usage: spamguard evaluate" in wrong_usage(capsys, "evaluate", *argv)


def test_a_failed_training_is_one_line(capsys, learning, corpus, tmp_path, monkeypatch):
    from spamguard.training import recipe

    def fail(frame, **given):
        raise CorpusError("one class alone teaches nothing.")

    monkeypatch.setattr(recipe, "train_corpus", fail)
    target = tmp_path / "m"
    code, _, err = run(capsys, "train", "--corpus", str(corpus), "--output", str(target))
    assert (code, err) == (1, "spamguard: one class alone teaches nothing.\n")
    assert not target.exists()
