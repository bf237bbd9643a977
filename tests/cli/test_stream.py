"""Long streams: batches that keep nobody waiting, output that is interrupted and gone on with."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

import spamguard
from spamguard import score, score_many
from spamguard.cli import main, score_stream
from spamguard.corpus import writers
from spamguard.corpus.readers import Source
from spamguard.errors import SpamguardError

HOME = str(Path(spamguard.__file__).parents[1])


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(score_stream, "BATCH", 5)


@pytest.fixture
def given(tmp_path, sample):
    """60 comments of the sample; some of more than one line."""
    rows = sample.iloc[::6][["text", "author", "label"]].to_dict("records")
    rows[7]["text"] = 'two\nlines, "quoted"'
    path = tmp_path / "in.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def run(capsys, *argv):
    code = main(["score", *map(str, argv)])
    out, err = capsys.readouterr()
    return code, out, err


def whole(capsys, given, *argv):
    """What a run that nobody interrupts writes."""
    target = given.parent / f"whole{Path(argv[-1]).suffix if argv else '.jsonl'}"
    assert run(capsys, "--input", given, "--output", target, *argv)[0] == 0
    data = target.read_bytes()
    target.unlink()
    return data


def stop_after(monkeypatch, batches, error=KeyboardInterrupt):
    """Let a run be stopped when so many batches are written."""
    real, left = score_stream.score_many, [batches]

    def judge(*args, **options):
        if not left[0]:
            raise error
        left[0] -= 1
        return real(*args, **options)

    monkeypatch.setattr(score_stream, "score_many", judge)


def names_in(directory):
    return sorted(path.name for path in directory.iterdir())


# --- batches ------------------------------------------------------------------------


def test_batches_change_no_answer(capsys, given, small_batches, monkeypatch):
    sizes, real = [], score_stream.score_many

    def judge(comments, model):
        sizes.append(len(comments))
        return real(comments, model=model)

    monkeypatch.setattr(score_stream, "score_many", judge)
    code, out, _ = run(capsys, "--input", given)
    assert code == 0
    rows = [json.loads(line) for line in out.splitlines()]
    assert sizes == [5] * 12
    from spamguard import Comment

    expected = [score(Comment(row["text"], row["author"])) for row in rows]
    assert [row["spam_probability"] for row in rows] == [v.spam_probability for v in expected]


def test_long_comments_make_small_batches(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(score_stream, "MOST_BYTES", 1_000)
    sizes = []

    def judge(comments, model):
        sizes.append(len(comments))
        return score_many(comments, model=model)

    monkeypatch.setattr(score_stream, "score_many", judge)
    path = tmp_path / "in.csv"
    path.write_text("text\n" + ("word " * 100 + "\n") * 5 + "short\n" * 3)
    assert run(capsys, "--input", path)[0] == 0
    assert sizes == [2, 2, 4]


def test_jobs_give_the_same(capsys, given, monkeypatch):
    monkeypatch.setattr("spamguard.scoring._LEAST", 10)
    alone = run(capsys, "--input", given, "--explain", "3")
    assert run(capsys, "--input", given, "--explain", "3", "--jobs", "2") == alone


@pytest.mark.skipif(os.name == "nt", reason="pipes of another kind")
@pytest.mark.parametrize(
    "parts",
    [
        ['{"text": "one", "id": 1}\n', '\n  \n{"text": "two", "id": 2}\n\n'],
        ["text,id\none,1\n", '"two\nlines",2\n"thr'],
    ],
)
def test_nobody_waits_for_a_batch_to_fill(parts):
    """Also where blank lines follow, or the beginning of the next row."""
    with subprocess.Popen(
        [sys.executable, "-m", "spamguard", "score"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": HOME},
    ) as process:  # fmt: skip
        for number, part in enumerate(parts, 1):
            process.stdin.write(part.encode())
            process.stdin.flush()
            assert select.select([process.stdout], [], [], 60)[0], "no answer came"
            assert int(json.loads(process.stdout.readline())["id"]) == number
        process.kill()


def test_a_stream_that_is_ahead_is_read_in_batches():
    reader, writer = os.pipe()
    os.write(writer, b"x\n" * 20_000)
    waits = []
    with os.fdopen(reader, "rb", buffering=0) as raw:
        source = Source("pipe", raw, False, 0)
        source.before_wait = lambda: waits.append(True)
        for _ in range(20_000):
            assert source.readline() == b"x\n"
        assert not waits
        os.close(writer)
        assert source.readline() == b""


# --- interrupted --------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
@pytest.mark.parametrize("explain", [[], ["--explain", "2"]])
def test_interrupted_and_gone_on_with(
    capsys, given, small_batches, monkeypatch, tmp_path, ending, explain
):
    target = tmp_path / f"out.{ending}"
    command = ["--input", given, *explain, "--output", target]
    expected = whole(capsys, given, *explain, "--output", tmp_path / f"whole.{ending}")
    target.write_text("old")
    with monkeypatch.context() as patch:
        stop_after(patch, 4)
        code, _, err = run(capsys, *command)
    assert code == 130
    assert "--resume" in err
    assert target.read_text() == "old"
    part = tmp_path / f"out.{ending}.part"
    assert expected.startswith(part.read_bytes())
    judged = []
    monkeypatch.setattr(
        score_stream, "score_many", lambda c, model: judged.extend(c) or score_many(c, model=model)
    )
    assert run(capsys, *command, "--resume") == (0, "", "")
    assert target.read_bytes() == expected
    assert len(judged) == 40
    assert names_in(tmp_path) == ["in.jsonl", target.name]


@pytest.mark.parametrize("ending", ["jsonl", "csv"])
def test_any_torn_end_is_cut_off(capsys, given, tmp_path, ending):
    """Wherever a killed process stopped writing."""
    target = tmp_path / f"out.{ending}"
    expected = whole(capsys, given, "--output", tmp_path / f"whole.{ending}")
    begin = expected.index(b"two")  # the row of two lines
    for size in (0, 1, 30, 200, begin, begin + 5, begin + 25, len(expected) - 1, len(expected)):
        writers.part_of(target).write_bytes(expected[:size])
        assert run(capsys, "--input", given, "--output", target, "--resume")[0] == 0
        assert target.read_bytes() == expected
    assert names_in(tmp_path) == ["in.jsonl", target.name]


def test_bad_lines_are_passed_over_again(capsys, tmp_path, small_batches, monkeypatch):
    path, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    lines = [json.dumps({"text": f"comment {i}"}) if i % 3 else "{" for i in range(60)]
    path.write_text("\n".join(lines))
    with monkeypatch.context() as patch:
        stop_after(patch, 3)
        assert run(capsys, "--input", path, "--output", target)[0] == 130
    code, _, err = run(capsys, "--input", path, "--output", target, "--resume")
    assert code == 1
    assert len(err.splitlines()) == 20
    found = [json.loads(line)["text"] for line in target.read_text().splitlines()]
    assert found == [f"comment {i}" for i in range(60) if i % 3]


def test_fields_without_a_column_are_told_of_again(capsys, tmp_path, small_batches, monkeypatch):
    path, target = tmp_path / "in.jsonl", tmp_path / "out.csv"
    rows = [{"text": "hello"} | ({"mood": "fine"} if i == 2 else {}) for i in range(20)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    with monkeypatch.context() as patch:
        stop_after(patch, 2)
        assert run(capsys, "--input", path, "--output", target)[0] == 130
    code, _, err = run(capsys, "--input", path, "--output", target, "--resume")
    assert code == 1
    assert "line 3: written without 1 of its fields" in err


@pytest.mark.parametrize(
    ("argv", "lines"),
    [
        (["--explain", "1"], None),
        (["--prior", "0.02"], None),
        (["--post", "Basil wants six hours of light."], None),
        ([], slice(1, None)),
        ([], slice(0, 12)),  # it ends before what is done
    ],
)
def test_another_run_is_not_gone_on_with(
    capsys, given, small_batches, monkeypatch, tmp_path, argv, lines
):
    target = tmp_path / "out.jsonl"
    with monkeypatch.context() as patch:
        stop_after(patch, 4)
        run(capsys, "--input", given, "--output", target)
    before = writers.part_of(target).read_bytes()
    if lines:
        given.write_text("".join(given.read_text().splitlines(keepends=True)[lines]))
    code, _, err = run(capsys, "--input", given, "--output", target, "--resume", *argv)
    assert code == 1
    assert "leave --resume out" in err
    assert "to continue" not in err
    assert writers.part_of(target).read_bytes() == before
    assert not target.exists()


def test_without_resume_it_begins_again(capsys, given, small_batches, monkeypatch, tmp_path):
    target = tmp_path / "out.jsonl"
    expected = whole(capsys, given)
    writers.part_of(target).write_text("something of another run\n" * 999)
    assert run(capsys, "--input", given, "--output", target)[0] == 0
    assert target.read_bytes() == expected


def test_resume_with_nothing_done_begins(capsys, given, tmp_path):
    target = tmp_path / "out.jsonl"
    assert run(capsys, "--input", given, "--output", target, "--resume")[0] == 0
    assert len(target.read_text().splitlines()) == 60


def test_failure_keeps_what_is_done(capsys, given, small_batches, monkeypatch, tmp_path):
    target = tmp_path / "out.jsonl"
    stop_after(monkeypatch, 3, SpamguardError("a worker process was killed"))
    code, _, err = run(capsys, "--input", given, "--output", target)
    assert code == 1
    assert "worker" in err
    assert "--resume" in err
    assert len(writers.part_of(target).read_text().splitlines()) == 15


def test_nothing_done_leaves_nothing(capsys, tmp_path):
    path = tmp_path / "in.csv"
    path.write_text("body\nx\n")
    code, _, err = run(capsys, "--input", path, "--output", tmp_path / "out.jsonl")
    assert code == 1
    assert "--resume" not in err
    assert names_in(tmp_path) == ["in.csv"]


@pytest.mark.skipif(writers.fcntl is None, reason="files are not locked here")
def test_two_at_once_do_not_mix(capsys, given, tmp_path):
    target = tmp_path / "out.jsonl"
    with writers.resumable(target, csv=False, resume=False) as (file, _):
        file.write(b"{}\n")
        for more in ([], ["--resume"]):
            code, _, err = run(capsys, "--input", given, "--output", target, *more)
            assert code == 1
            assert "another process" in err
    assert target.read_bytes() == b"{}\n"


@pytest.mark.parametrize(
    "argv",
    [
        ["hello", "--resume"],
        ["hello", "--jobs", "2"],
        ["--input", "x.jsonl", "--resume"],
        ["--input", "x.jsonl", "--resume", "--output", "-"],
        ["--input", "x.jsonl", "--resume", "--output", "x.txt", "--format", "table"],
        ["--input", "x.jsonl", "--jobs", "0"],
    ],
)
def test_wrong_usage(capsys, argv):
    with pytest.raises(SystemExit) as stop:
        main(["score", *argv])
    assert stop.value.code == 2
    assert "usage: spamguard score" in capsys.readouterr().err


# --- killed -------------------------------------------------------------------------


def lines_in(path):
    return path.read_bytes().count(b"\n") if path.exists() else 0


@pytest.mark.process
@pytest.mark.skipif(os.name == "nt", reason="signals of another kind")
@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("jobs", [[], ["--jobs", "2"]])
def test_killed_in_the_middle(capsys, given, tmp_path, sign, jobs):
    many, target = tmp_path / "many.jsonl", tmp_path / "out.jsonl"
    many.write_text(given.read_text() * 300)
    part = writers.part_of(target)
    argv = ["--input", str(many), "--output", str(target), *jobs]
    begun = [sys.executable, "-c", STARTED, *argv]
    # Its own group: a killed process cannot send its workers home, and they wait for minutes.
    with (tmp_path / "err").open("wb") as told, subprocess.Popen(
        begun, env=os.environ | {"PYTHONPATH": HOME}, stderr=told, start_new_session=True
    ) as process:  # fmt: skip
        until = time.monotonic() + 120
        while lines_in(part) < 200 and process.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        process.send_signal(sign)
        code = process.wait(60)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    err = (tmp_path / "err").read_text()
    ends = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGKILL: -signal.SIGKILL}
    assert code == ends[sign]
    assert ("--resume" in err) == (sign != signal.SIGKILL)
    assert "Traceback" not in err
    assert not target.exists()
    done = lines_in(part)
    assert 200 <= done < 18_000
    many.write_text(given.read_text() * (done // 60 + 2))  # the rest shorter, to save time
    assert run(capsys, *argv, "--resume")[0] == 0
    once = whole(capsys, given)
    assert target.read_bytes() == once * (done // 60 + 2)
    assert not part.exists()


STARTED = """
import sys
from spamguard.cli import main, score_stream
score_stream.BATCH = 100
sys.exit(main(["score", *sys.argv[1:]]))
"""


@pytest.mark.skipif(os.name == "nt", reason="limits of another kind")
def test_a_full_disk_and_gone_on_with(capsys, given, tmp_path):
    import resource

    target = tmp_path / "out.jsonl"
    expected = whole(capsys, given)
    limit = len(expected) // 2
    begun = [sys.executable, "-c", STARTED.replace("100", "5"), "--input", str(given), "--output"]
    done = subprocess.run(
        [*begun, str(target)], capture_output=True, text=True, check=False, timeout=120,
        env=os.environ | {"PYTHONPATH": HOME, "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "--resume" in done.stderr
    assert writers.part_of(target).read_bytes() == expected[:limit]
    assert run(capsys, "--input", given, "--output", target, "--resume")[0] == 0
    assert target.read_bytes() == expected


# --- lines that cannot be written again ------------------------------------------------


@pytest.mark.parametrize("form", ["jsonl", "csv"])
@pytest.mark.parametrize("depth", [150, 300, 985, 100_000])
def test_a_field_nested_deep_stops_nothing(capsys, tmp_path, depth, form):
    hostile = '{"text": "b", "x": ' + "[" * depth + "]" * depth + "}"
    lines = ['{"text": "a", "x": 1}', hostile, '{"text": "c", "x": 2}']
    given = tmp_path / "in.jsonl"
    given.write_text("\n".join(lines), "utf-8")
    target = tmp_path / f"out.{form}"
    _, _, err = run(capsys, "--input", given, "--output", target)
    kept = target.read_text("utf-8").count("probability" if form == "jsonl" else "\n")
    assert kept - (form == "csv") == (3 if depth < 200 else 2)
    assert ("line 2" in err) == (depth > 200)


def test_a_number_beyond_all_bounds_is_absent(capsys, tmp_path):
    given = tmp_path / "in.jsonl"
    given.write_text('{"text": "a", "n": 1e999, "m": -1e999, "k": 1.5}', "utf-8")
    _, out, _ = run(capsys, "--input", given)
    row = json.loads(out, parse_constant=pytest.fail)
    assert (row["n"], row["m"], row["k"]) == (None, None, 1.5)


@pytest.mark.skipif(sys.platform == "win32", reason="files have no such modes")
@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_who_could_read_the_file_still_can(capsys, given, tmp_path, form):
    if form == "parquet":
        pytest.importorskip("pyarrow")
    target = tmp_path / f"out.{form}"
    target.write_text("")
    target.chmod(0o664)
    before = os.umask(0o077)
    try:
        run(capsys, "--input", given, "--output", target)
    finally:
        os.umask(before)
    assert target.stat().st_size
    assert target.stat().st_mode & 0o777 == 0o664


# --- files that are none -----------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("ending", ["csv", "jsonl"])
def test_another_encoding_is_named(capsys, tmp_path, encoding, ending):
    given = tmp_path / f"excel.{ending}"
    given.write_bytes("\ufefftext\tauthor\nhello\tBob\n".encode(encoding))
    code, _, err = run(capsys, "--input", given)
    assert code == 1
    assert "UTF-16" in err
    assert main(["drift", str(given), str(given)]) == 1
    assert "UTF-16" in capsys.readouterr().err


def test_an_empty_parquet_file_is_called_empty(capsys, tmp_path):
    pytest.importorskip("pyarrow")
    given = tmp_path / "empty.parquet"
    given.touch()
    code, _, err = run(capsys, "--input", given)
    assert (code, "is empty" in err) == (1, True)


def test_a_missing_file_is_called_missing(capsys):
    assert main(["drift", "nosuch", "nosuch"]) == 1
    assert "nosuch does not exist" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["picture.txt", "nowhere/picture.png"])
def test_a_picture_that_cannot_be_is_refused_before_the_work(capsys, tmp_path, given, name):
    pytest.importorskip("matplotlib")
    assert main(["drift", "nosuch", "nosuch", "--plot", str(tmp_path / name)]) == 1
    err = capsys.readouterr().err
    assert "nosuch" not in err
    assert "picture" in err or "no directory" in err
