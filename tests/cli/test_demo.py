import io
import re
import sys

import pytest

from spamguard.cli import main
from spamguard.cli.demo_command import FAVOURITE, show
from spamguard.cli.terminal import MAX_WIDTH, cell_len
from spamguard.corpus import load_sample
from spamguard.errors import InputError


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture(scope="module")
def sample():
    return load_sample()


def shown(capsys, *argv):
    assert main(["demo", *argv]) == 0
    return capsys.readouterr().out


def judged(out):
    return re.findall(r"^ *([<>]?\d+ %)  (ham|unsure|spam)", out, re.M)


def test_it_shows_the_post_and_judges_every_comment(capsys, sample):
    out = shown(capsys)
    post = sample[sample["post_id"] == FAVOURITE]
    lines = out.splitlines()
    assert lines[0] == post["post_title"].iloc[0]
    assert post["post_author"].iloc[0] in lines[1]
    assert len(judged(out)) == len(post)
    for author in post["author"].dropna():
        assert author in out


def test_the_favourite_has_many_kinds_of_both(sample):
    post = sample[sample["post_id"] == FAVOURITE]
    kinds = post.groupby("label")["kind"].nunique()
    assert kinds["spam"] >= 8
    assert kinds["ham"] >= 8


def test_every_comment_has_reasons_in_words(capsys):
    out = shown(capsys)
    for block in out.split("\n\n")[3:]:
        if judged(block):
            reasons = re.findall(r"^ {7}([+-]\d+\.\d)  [█░]{1,6} +(\S.*)$", block, re.M)
            assert 1 <= len(reasons) <= 3
    assert "ngrams" not in out
    assert "(log scale)" not in out


def test_the_obvious_ones_are_judged_rightly(capsys):
    blocks = shown(capsys).split("\n\n")
    (pills,) = [block for block in blocks if "OnlineMedsNow" in block]
    assert judged(pills)[0][1] == "spam"
    (question,) = [block for block in blocks if "How do you handle drafts" in block]
    assert judged(question)[0][1] == "ham"


def test_the_summary_adds_up(capsys, sample):
    out = shown(capsys)
    post = sample[sample["post_id"] == FAVOURITE]
    for label, right, wrong in (("spam", "caught", "missed"), ("ham", "kept", "blocked")):
        found = re.search(rf"Of (\d+) {label}: (\d+) {right}, (\d+) unsure, (\d+) {wrong}", out)
        total, *parts = map(int, found.groups())
        assert total == sum(parts) == (post["label"] == label).sum()
    agree = sum(int(n) for n in re.findall(r"(\d+) (?:caught|kept)", out))
    assert agree + out.count("(the sample says") == len(post)


def test_it_says_what_it_is_not_and_what_comes_next(capsys):
    out = shown(capsys)
    assert "not a benchmark" in " ".join(out.split())
    assert re.findall(r"^  spamguard (\S+)", out, re.M) == ["score", "score", "models"]


def test_it_fits_eighty_columns_and_has_no_codes_in_a_pipe(capsys, sample):
    for post in sorted(sample["post_id"].unique()):
        out = shown(capsys, "--post", post)
        assert max(map(cell_len, out.splitlines())) <= 80
        assert "\x1b" not in out
        assert not re.search(r" $", out, re.M)


def test_wide_windows_are_not_filled(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    assert max(map(cell_len, shown(capsys).splitlines())) <= MAX_WIDTH


def test_without_unicode_it_is_ascii(monkeypatch):
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    show("p12")
    stream.flush()
    text = raw.getvalue().decode("ascii")
    assert len(judged(text)) == 20
    assert "##" in text
    assert "..." in text


def test_an_unknown_post(capsys):
    with pytest.raises(InputError, match="p01 to p18"):
        show("p99")
    assert main(["demo", "--post", "p99"]) == 1
    assert capsys.readouterr().err.startswith("spamguard: the sample has no such post")


def test_the_start_is_explained(capsys):
    show()
    out = " ".join(capsys.readouterr().out.split())
    assert "probabilities assume that half of all comments are spam" in out
