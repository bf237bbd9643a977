"""What to look at first, and what a model would have done in a site's past."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from spamguard import Comment, cli, load_model
from spamguard.corpus import campaigns_of, check_corpus, write_corpus
from spamguard.errors import InputError
from spamguard.evaluation.history import Shadow, replay
from spamguard.training.queue import review_order

CAMPAIGN = "Nice collection of kettles in our village shop number {}, come and see them"


@pytest.fixture(scope="module")
def shipped():
    return load_model()


def unlabelled(sample):
    rows = [{"text": t, "label": None} for t in sample["text"][:60]]
    rows += [{"text": CAMPAIGN.format(i), "label": None} for i in range(12)]
    rows += [{"text": "yes", "label": None}] * 9 + [{"text": "decided", "label": "ham"}]
    return check_corpus(pd.DataFrame(rows))


def test_short_texts_never_cluster():
    texts = ["why", "why", "Thanks", "thanks!", "yes", "yes yes", "thanks a lot"] * 3
    assert len(set(campaigns_of(texts).tolist())) == len(texts)
    assert len(set(campaigns_of([CAMPAIGN.format(i) for i in range(9)]).tolist())) == 1
    assert campaigns_of([]).tolist() == []


def test_a_campaign_is_one_decision(shipped, sample):
    frame = unlabelled(sample)
    decisions = review_order(frame, shipped, 100)
    (campaign,) = [d for d in decisions if len(d.copies) == 12]
    assert [frame["text"].iloc[i] for i in campaign.copies] == [
        CAMPAIGN.format(i) for i in range(12)
    ]
    rows = [copy for decision in decisions for copy in decision.copies]
    assert sorted(rows) == list(range(len(frame) - 1))  # each comment once, the decided one never


def test_what_is_unsure_comes_first(shipped, sample):
    decisions = review_order(unlabelled(sample), shipped, 60)
    middle = (shipped.cuts.unsure + shipped.cuts.spam) / 2
    away = [abs(d.log_odds - middle) for d in decisions]
    assert np.mean(away[:10]) < np.mean(away[-10:]) / 2
    assert review_order(unlabelled(sample), shipped, 60) == decisions


def test_what_is_alike_is_not_asked_twice_in_a_row(shipped):
    same = [
        f"{a} kettle of copper stands in the kitchen at noon" for a in ("My", "Our", "Your", "Her")
    ]
    frame = check_corpus(pd.DataFrame({"text": [*same, "Which cable did you use for the query?"]}))
    first = [d.row for d in review_order(frame, shipped, 2)]
    assert {row < 4 for row in first} == {True, False}


def test_nothing_left_to_decide(shipped):
    frame = check_corpus(pd.DataFrame({"text": ["a"], "label": ["ham"]}))
    with pytest.raises(InputError, match="nothing left"):
        review_order(frame, shipped)
    with pytest.raises(InputError, match="at least 1"):
        review_order(frame, shipped, 0)


PAST = pd.DataFrame(
    {
        "text": [
            "cheap viagra at http://pills.example order now", "I think the index was missing",
            "cheap casino at http://slots.example bonus", "Thanks, that was it",
        ],
        "label": ["spam", "ham", None, "spam"],
        "date": ["2024-03-02T10:00:00Z", "2024-02-01T10:00:00Z", "2024-03-03", None],
    }
)  # fmt: skip


def test_the_past_month_by_month(shipped):
    found = replay(check_corpus(PAST), shipped)
    assert list(found.months) == ["2024-02", "2024-03", ""]
    assert found.total.spam == {"ham": 1, "unsure": 0, "spam": 1}
    assert found.total.ham == {"ham": 1, "unsure": 0, "spam": 0}
    assert sum(found.total.unlabelled.values()) == 1
    assert found.months["2024-03"].spam["spam"] == 1
    ((row, decided, verdict),) = found.disagreements
    assert (row, decided, verdict.label) == (3, "spam", "ham")


def test_a_comment_of_the_past_sees_only_those_before_it(shipped, monkeypatch):
    seen = []
    real = type(shipped).verdicts
    monkeypatch.setattr(
        type(shipped), "verdicts", lambda self, cs: (seen.extend(cs := list(cs)), real(self, cs))[1]
    )
    rows = {
        "text": ["third", "first", "second"],
        "post_id": ["p"] * 3,
        "date": ["2024-03", "2024-01", "2024-02"],
    }
    replay(check_corpus(pd.DataFrame(rows)), shipped)
    assert [(c.text, c.post.thread if c.post else ()) for c in seen] == [
        ("first", ()), ("second", ("first",)), ("third", ("first", "second")),
    ]  # fmt: skip


def test_a_decision_is_for_all_copies(shipped, sample, tmp_path, capsys):
    text = "Our {} club sells candles at the harbour on Friday evening"
    frame = unlabelled(sample).iloc[:30].drop(columns="duplicate_group")
    copies = pd.DataFrame({"text": [text.format(word) for word in ("chess", "Chess", "chess,")]})
    corpus, decided = tmp_path / "corpus.jsonl", tmp_path / "decide.jsonl"
    write_corpus(check_corpus(pd.concat([frame, copies], ignore_index=True)), corpus)
    assert cli.main(["queue", str(corpus), "--most", "40"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    for line in lines:
        if "candles" in line["text"]:
            line["label"] = "spam"
    decided.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    assert cli.main(["queue", str(corpus), "--decided", str(decided)]) == 0
    told = capsys.readouterr()
    found = [json.loads(line) for line in told.out.splitlines()]
    assert [row["text"] for row in found] == copies["text"].tolist()
    assert {row["label"] for row in found} == {"spam"}
    assert "1 decision for 3 comments" in told.err
    write_corpus(check_corpus(frame.iloc[::-1]), corpus)  # no longer what the queue was made of
    assert cli.main(["queue", str(corpus), "--decided", str(decided)]) == 1
    assert "queue of another corpus" in capsys.readouterr().err


def test_a_shadow_decides_nothing(shipped):
    from dataclasses import replace

    from spamguard.model import Cuts

    strict = replace(shipped, cuts=Cuts(-99.0, -99.0))
    told = []
    shadow = Shadow(shipped, strict, lambda *facts: told.append(facts))
    comment = Comment("I think the index was missing")
    assert shadow.score(comment) == shipped.verdict(comment)
    assert shadow.score("cheap viagra at http://pills.example order now").is_spam
    assert (shadow.seen, shadow.differed, len(told)) == (2, 1, 1)
    assert (told[0][1].label, told[0][2].label) == ("ham", "spam")


def test_the_commands(shipped, sample, tmp_path, capsys):
    corpus = tmp_path / "corpus.jsonl"
    write_corpus(unlabelled(sample), corpus)
    assert cli.main(["queue", str(corpus), "--most", "5"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["decision"] for line in lines] == [1, 2, 3, 4, 5]
    assert all(line["text"] for line in lines)
    write_corpus(check_corpus(PAST), corpus)
    assert cli.main(["replay", str(corpus)]) == 0
    told = capsys.readouterr()
    assert "2024-03" in told.out
    assert "Nothing was changed" in told.err
    assert cli.main(["replay", str(corpus), "--disagreements"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["decided"] == "spam"


def test_decided_lines_are_read_and_printed_like_any_others(tmp_path, capsys):
    from spamguard.cli import main

    corpus, decided = tmp_path / "corpus.jsonl", tmp_path / "decided.jsonl"
    corpus.write_text('{"text": "Half a \\\\ud83d face under the sofa"}\n', "utf-8")
    assert main(["queue", str(corpus)]) == 0
    assert json.loads(capsys.readouterr().out)["decision"] == 1
    decided.write_bytes(b'{"text": "\xff"}\n')
    assert main(["queue", str(corpus), "--decided", str(decided)]) == 1
    assert "line 1: not UTF-8" in capsys.readouterr().err
