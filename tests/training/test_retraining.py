"""A site's own model: learned from its labels, let in by a gate, put back on demand."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from spamguard import cli, load_model, save_model, score
from spamguard.corpus import check_corpus, write_corpus
from spamguard.errors import CorpusError, InputError, ModelNotFoundError
from spamguard.training.retraining import audit, replace_model, retrain, rollback, weights_of


@pytest.fixture(scope="module")
def base():
    return load_model()


WORDS = (
    "index query cache page table backup cable oven river garden yellow seldom carry bridge letter winter "
    "number follow under listen paper open simple branch market window kitchen quiet planet ladder morning "
    "copper reading forget mirror village engine second pocket thunder orange harbour pencil button ticket "
    "summer corner basket candle feather island jacket kettle lemon marble needle onion pepper quarter"
).split()


def words(random, n):
    return " ".join(random.choice(WORDS, n))


def site(n=200, seed=3):
    """Return a site's labels: news of a club are spam there, and nothing else is."""
    random = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        bad = bool(random.random() < 0.4)
        text = f"Our chess club {words(random, 12)}." if bad else f"I think {words(random, 14)}."
        date = f"2024-01-{1 + i % 28:02d}T{i % 24:02d}:00:00Z"
        rows.append({"text": text, "label": "spam" if bad else "ham", "date": date})
    return check_corpus(pd.DataFrame(rows))


CLUB = "Our chess club meets again at the harbour, bring the kettle and a lemon."


def test_a_sites_labels_move_its_own_model(base):
    assert score(CLUB, model=base).label == "ham"
    outcome = retrain(site(), base=base)
    assert outcome.gate.passed
    assert outcome.gate.spam_caught > outcome.gate.spam_caught_before == 0
    assert outcome.gate.ham_lost == 0
    assert outcome.learned + outcome.held_back <= 200
    assert score(CLUB, model=outcome.model).is_spam
    assert (
        score(
            "I think the kettle in the kitchen was a second too quiet.", model=outcome.model
        ).label
        == "ham"
    )
    assert outcome.model.cuts.discard is None  # its promise was made by another model


def test_twenty_labels_help(base):
    few = site(n=24)
    outcome = retrain(few, base=base)
    before, after = (score(CLUB, model=m).log_odds for m in (base, outcome.model))
    assert after > before + 0.5


def test_a_corrected_comment_moves_the_right_way(base):
    frame = site()
    one = frame.index[frame["label"] == "ham"][0]
    text = frame.loc[one, "text"]
    before = score(text, model=retrain(frame, base=base).model).log_odds
    frame.loc[one, "label"] = "spam"
    assert score(text, model=retrain(frame, base=base).model).log_odds > before


def test_the_same_labels_make_the_same_bytes(base, tmp_path):
    frame = site()
    shuffled = check_corpus(frame.sample(frac=1, random_state=1).drop(columns="duplicate_group"))
    for name, given in (("a", frame), ("b", frame), ("c", shuffled)):
        save_model(retrain(given, base=base).model, tmp_path / name)
    first = {p.name: p.read_bytes() for p in (tmp_path / "a").iterdir()}
    assert {p.name: p.read_bytes() for p in (tmp_path / "b").iterdir()} == first
    assert {p.name for p in (tmp_path / "c").iterdir()} == set(first)  # weights are named by hash


def test_the_newest_decide_and_are_not_learned_from(base):
    frame = site()
    # In the last month the site has changed its mind.
    late = frame["date"] >= "2024-01-23"
    frame.loc[late, "label"] = frame.loc[late, "label"].map({"ham": "spam", "spam": "ham"})
    outcome = retrain(frame, base=base)
    assert not outcome.gate.passed
    assert "real comments" in outcome.gate.why
    assert outcome.gate.ham_lost > outcome.gate.ham_lost_before


def test_few_flipped_labels_do_not_matter(base):
    frame = site(n=400)
    random = np.random.default_rng(5)
    flipped = frame.copy()
    older = np.flatnonzero((frame["date"] < "2024-01-22").to_numpy())
    chosen = frame.index[random.choice(older, len(frame) // 20, replace=False)]
    flipped.loc[chosen, "label"] = frame.loc[chosen, "label"].map({"ham": "spam", "spam": "ham"})
    clean, dirty = (retrain(f, base=base) for f in (frame, flipped))
    assert dirty.gate.passed
    assert dirty.gate.ham_lost <= clean.gate.ham_lost
    assert dirty.gate.spam_caught >= clean.gate.spam_caught - 1


@pytest.mark.slow
def test_a_flood_from_one_account_does_not_pass_or_does_not_matter(base):
    frame = site(n=200).assign(account="ann")
    random = np.random.default_rng(6)
    flood = [
        {
            "text": f"I think {words(random, 14)}.",
            "label": "spam", "date": "2024-01-10T00:00:00Z", "account": "mallory",
        }
        for i in range(2_000)
    ]  # fmt: skip
    both = check_corpus(
        pd.concat([frame, pd.DataFrame(flood)], ignore_index=True).drop(columns="duplicate_group")
    )
    weight = weights_of(both)
    theirs = (both["account"] == "mallory").to_numpy()
    assert weight[theirs].sum() <= weight.sum() / 2 + 1e-6  # of two, nobody has more than half
    outcome = retrain(both, base=base)
    honest = score("I think the kettle in the kitchen was a second too quiet.", model=outcome.model)
    assert not outcome.gate.passed or honest.label == "ham"


def accounts(**labels):
    """Return rows of so many labels by each account, all different; "" has none."""
    random = np.random.default_rng(7)
    rows = [
        {"text": words(random, 14), "label": "ham", "account": None if name == "none" else name}
        for name, n in labels.items()
        for _ in range(n)
    ]
    return check_corpus(pd.DataFrame(rows))


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"none": 500, "anna": 30}, {"none": 500, "anna": 30}),  # history stays what it is
        ({"anna": 300, "bob": 300}, {"anna": 300, "bob": 300}),  # whatever their names
        ({"anna": 60, "bob": 600}, {"anna": 60, "bob": 60}),
        ({"a": 90, "b": 90, "c": 90, "d": 900}, {"a": 90, "b": 90, "c": 90, "d": 90}),
    ],
)
def test_no_account_outweighs_the_rest(labels, expected):
    frame = accounts(**labels)
    weight = pd.Series(weights_of(frame)).groupby(frame["account"].fillna("none")).sum()
    assert weight.to_dict() == pytest.approx(expected, rel=0.02)


def test_what_the_model_in_use_has_learned_does_not_decide(base):
    old, new = site(n=150), site(n=60, seed=5)
    new["date"] = new["date"].str.replace("2024", "2025")
    current = retrain(old, base=base).model
    both = pd.concat([old, new], ignore_index=True)
    gate = retrain(both, base=base, current=current, hold_back=0.6).gate
    assert gate.known == 0
    assert gate.ham + gate.spam == len(new)  # though more was held back
    again = retrain(old, base=base, current=current).gate  # nothing newer is there
    assert again.known == again.ham + again.spam > 0
    assert "it may have learned" in again.why
    undated = retrain(old.assign(date=None), base=base).model
    assert undated.about["retrained"]["learned_until"] is None
    blind = retrain(both, base=base, current=undated, hold_back=0.6).gate
    assert blind.known == blind.ham + blind.spam


def test_a_date_to_come_hides_nothing(base):
    frame = site(n=60)
    frame.loc[3, "date"] = "2999-01-01T00:00:00Z"
    until = retrain(frame, base=base).model.about["retrained"]["learned_until"]
    assert until.startswith("2024-01")


def test_a_class_without_a_say_lets_nothing_in(base):
    frame = site()
    # All the spam is older than any of the ham, and most of it was labelled wrongly since.
    spam = frame["label"] == "spam"
    frame.loc[spam, "date"] = "2020-01-01"
    frame["text"] = frame["text"].where(
        ~spam, "cheap viagra pills casino http://pills.example " + frame["text"]
    )
    wrong = frame.index[spam][: int(spam.sum() * 0.7)]
    frame.loc[wrong, "label"] = "ham"
    outcome = retrain(frame, base=base)
    assert outcome.gate.spam >= 2
    assert not outcome.gate.passed


def test_comments_without_a_date_count_as_old(base):
    frame = site()
    frame.loc[frame.index[:3], "date"] = None
    outcome = retrain(frame, base=base)
    assert outcome.undated == 3
    assert outcome.gate.passed


def test_copies_share_their_weight():
    text = "the same words again and again for everyone to see"
    frame = check_corpus(
        pd.DataFrame({"text": [text] * 16 + ["another one"], "label": ["spam"] * 17})
    )
    weight = weights_of(frame)
    assert weight[:16].sum() == pytest.approx(4.0)
    assert weight[16] == 1.0


@pytest.mark.parametrize(("ham", "spam", "told"), [(0, 30, "10 more ham"), (12, 4, "6 more spam")])
def test_too_little_is_refused_and_says_what_it_needs(base, ham, spam, told):
    frame = check_corpus(
        pd.DataFrame(
            {
                "text": [f"text {i}" for i in range(ham + spam)],
                "label": ["ham"] * ham + ["spam"] * spam,
            }
        )
    )
    for call in (retrain, audit):
        with pytest.raises(CorpusError, match=told):
            call(frame, base=base)


@pytest.mark.parametrize("share", [0, 1, -0.1, 2])
def test_a_share_to_hold_back_that_makes_no_sense(base, share):
    with pytest.raises(InputError, match="hold_back"):
        retrain(site(n=60), base=base, hold_back=share)


def test_the_parent_and_the_figures_are_on_record(base):
    outcome = retrain(site(), base=base)
    record = outcome.model.about["retrained"]
    assert record["parent"] == base.title
    assert record["gate"]["passed"] is True
    assert record["gate"]["spam"] == outcome.gate.spam
    assert len(record["corpus_sha256"]) == len(record["labels_sha256"]) == 64
    json.dumps(record)


# --- in the place of the model in use ---------------------------------------------------


def test_the_former_model_comes_back(base, tmp_path):
    one, two = (replace(base, version=v, intercept=float(v)) for v in "12")
    where = tmp_path / "mysite"
    with pytest.raises(ModelNotFoundError, match="no former"):
        rollback(where)
    replace_model(one, where)
    with pytest.raises(ModelNotFoundError, match="no former"):
        rollback(where)
    replace_model(two, where)
    assert load_model(where).version == "2"
    assert rollback(where).version == load_model(where).version == "1"
    assert rollback(where).version == load_model(where).version == "2"  # and forth


def test_the_same_model_again_keeps_the_way_back(base, tmp_path):
    where = tmp_path / "mysite"
    one, two = (replace(base, intercept=base.intercept + k) for k in (1.0, 2.0))
    replace_model(one, where, former=base)
    replace_model(two, where)
    replace_model(two, where)
    assert rollback(where).intercept == one.intercept


def test_the_first_way_back_leads_to_the_base(base, tmp_path):
    where = tmp_path / "mysite"
    replace_model(replace(base, intercept=base.intercept + 1.0), where, former=base)
    assert rollback(where).intercept == base.intercept
    with pytest.raises(ModelNotFoundError):
        rollback(tmp_path / "mistyped")
    assert not (tmp_path / "mistyped").exists()


def test_two_at_once_do_not_mix(base, tmp_path):
    where = tmp_path / "mysite"
    replace_model(base, where)
    holding = (
        "import fcntl, sys, time; f = open(sys.argv[1], 'a'); fcntl.flock(f, fcntl.LOCK_EX);"
        "print('held', flush=True); time.sleep(60)"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", holding, str(where / ".lock")], stdout=subprocess.PIPE
    )
    try:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(InputError, match="another process"):
            replace_model(base, where)
    finally:
        other.kill()
        other.communicate()
    replace_model(base, where)  # who was killed holds nothing


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="limits of another kind")
def test_a_full_disk_leaves_the_model_in_use(base, tmp_path):
    import resource

    where, corpus = tmp_path / "mysite", tmp_path / "corpus.jsonl"
    write_corpus(site(), corpus)
    save_model(base, where)
    before = {p.name: p.read_bytes() for p in where.iterdir()}
    done = subprocess.run(
        [sys.executable, "-m", "spamguard", "retrain", "--from", str(corpus), "-o", str(where)],
        capture_output=True, text=True, check=False, timeout=300,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert "too large" in done.stderr  # what a full disk is called depends on the limit
    assert {p.name: p.read_bytes() for p in where.iterdir() if p.name in before} == before
    assert load_model(where).intercept == base.intercept


# --- labels that look wrong ---------------------------------------------------------


def test_wrong_labels_are_found_first(base):
    frame = site(n=300)
    wrong = frame.index[[10, 77, 150]]
    frame.loc[wrong, "label"] = frame.loc[wrong, "label"].map({"ham": "spam", "spam": "ham"})
    doubts = audit(frame, base=base)
    assert {10, 77, 150} <= {doubt.row for doubt in doubts[:6]}
    assert len(doubts) < 20


def test_near_copies_with_both_labels_are_told(base):
    frame = site(n=60)
    twins = pd.DataFrame(
        {
            "text": ["We meet at noon, all of you are welcome to join the game"] * 2,
            "label": ["ham", "spam"],
        }
    )
    both = check_corpus(
        pd.concat([frame, twins], ignore_index=True).drop(columns="duplicate_group")
    )
    torn = {d.row for d in audit(both, base=base) if "near-copy" in d.why}
    assert {60, 61} <= torn


# --- the commands ----------------------------------------------------------------------


def test_the_command_from_file_to_model_and_back(tmp_path, capsys):
    corpus, where = tmp_path / "corpus.jsonl", tmp_path / "mysite"
    write_corpus(site(), corpus)
    assert cli.main(["retrain", "--from", str(corpus), "-o", str(where), "--dry-run"]) == 0
    assert not (where / "model.json").exists()
    assert cli.main(["retrain", "--from", str(corpus), "-o", str(where), "--json"]) == 0
    printed = capsys.readouterr().out
    assert json.loads(printed[printed.index("{") :])["in_use"] is True
    assert score(CLUB, model=where).is_spam
    assert load_model(where).name == "mysite"
    assert cli.main(["retrain", "--from", str(corpus), "-o", str(where)]) == 0
    assert cli.main(["retrain", "-o", str(where), "--rollback"]) == 0
    assert "in use again" in capsys.readouterr().out


def test_a_worse_model_is_not_let_in(tmp_path, capsys):
    frame = site()
    late = frame["date"] >= "2024-01-23"
    frame.loc[late, "label"] = frame.loc[late, "label"].map({"ham": "spam", "spam": "ham"})
    corpus, where = tmp_path / "corpus.jsonl", tmp_path / "mysite"
    write_corpus(frame, corpus)
    save_model(load_model(), where)
    before = {p.name: p.read_bytes() for p in where.iterdir()}
    assert cli.main(["retrain", "--from", str(corpus), "-o", str(where)]) == 3
    assert "nothing was changed" in capsys.readouterr().err
    assert {p.name: p.read_bytes() for p in where.iterdir()} == before


def test_the_audit_command(tmp_path, capsys):
    frame = site(n=80)
    frame.loc[7, "label"] = "spam" if frame.loc[7, "label"] == "ham" else "ham"
    corpus = tmp_path / "corpus.jsonl"
    write_corpus(frame, corpus)
    assert cli.main(["audit", str(corpus), "--most", "3"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[0]["row"] == 8
    assert lines[0]["text"] == frame.loc[7, "text"]
    assert lines[0]["file"] == str(corpus)


def test_unlabelled_files_and_wrong_usage(tmp_path, capsys):
    corpus = tmp_path / "corpus.jsonl"
    write_corpus(site(n=20).assign(label=None), corpus)
    assert cli.main(["retrain", "--from", str(corpus), "-o", str(tmp_path / "m")]) == 1
    assert "no labelled comments" in capsys.readouterr().err
    for argv in (["retrain", "-o", "m"], ["retrain", "-o", "m", "--rollback", "--from", "x"]):
        with pytest.raises(SystemExit):
            cli.main(argv)
