"""The benchmark of the peers: what they read, what they learn from, what is kept of a run."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from spamguard.corpus import load_sample
from spamguard.training.recipe import Recipe, Settings

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
if not BENCHMARKS.is_dir():
    pytest.skip("needs the benchmarks folder of a source tree", allow_module_level=True)
for folder in (BENCHMARKS, BENCHMARKS / "accuracy"):
    sys.path.insert(0, str(folder))

import peer_filters  # noqa: E402
import peer_models  # noqa: E402
import peer_rows  # noqa: E402
import peer_tables  # noqa: E402
import peers  # noqa: E402

TEXTS = (
    *("cheap pills http://pills.example order now", "order cheap watches now"),
    *("pills and watches, cheap, order", "cheap loans, order pills now"),
    *("which compiler version was that?", "thanks, the index was missing"),
    *("the second query needs an index", "that version of the compiler fails"),
)
SPAM = np.array([True] * 4 + [False] * 4)
BLOGS = ("a", "b", "c", "d")


@pytest.fixture
def corpus() -> peer_rows.Corpus:
    """A corpus of four blogs, ten ham and ten spam each."""
    frame = load_sample()
    halves = [frame[frame["label"] == label].iloc[:40] for label in ("ham", "spam")]
    frame = pd.concat(halves).sort_index(kind="stable").reset_index(drop=True)
    frame["blog"] = frame.groupby("label").cumcount().map(lambda i: BLOGS[i % 4])
    frame["dataset"] = "modblog-" + frame["blog"]
    return peer_rows.Corpus(
        frame,
        frame["text"].tolist(),
        (frame["label"] == "spam").to_numpy(bool),
        frame["dataset"].to_numpy(str),
        frame["blog"].to_numpy(str),
        frame["post_group"].to_numpy(str),
        np.arange(len(frame)) % 5 > 0,
        Recipe("tests", "1", {}, (), Settings()),
    )


@pytest.fixture(autouse=True)
def few_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Intervals of single blogs take time, and no test here looks at them."""
    monkeypatch.setattr(peers, "SAMPLES", 2)


# --- what they read -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("<p>Good <b>day</b></p>", "Good day"),
        ('see <a href="http://x.example/y" rel="nofollow">this</a>', "see http://x.example/y this"),
        ("&lt;p&gt; is a tag &amp; stays", "<p> is a tag & stays"),
        ("\ufeffpi\u200blls ｆｕｌｌ", "pills full"),
        ("if a < b and c > d", "if a < b and c > d"),
    ],
)
def test_text_is_cleaned(raw: str, clean: str) -> None:
    assert peer_rows.cleaned(raw) == clean


def test_author_fields_are_words() -> None:
    assert peer_rows.with_fields("<i>Hi</i>", "Bob", None) == "Hi Bob"
    assert peer_rows.with_fields("Hi", None, "http://b.example") == "Hi http://b.example"


def test_a_line_cannot_begin_a_message() -> None:
    text = " ".join(["word"] * 25) + " From here on"
    lines = peer_filters.mbox([text, "two"]).decode().split("\n")
    assert sum(line.startswith("From ") for line in lines) == 2


# --- how they learn -----------------------------------------------------------------


def test_log_count_ratio() -> None:
    from scipy.sparse import csr_matrix

    presence = csr_matrix(np.array([[1, 0], [1, 1], [0, 1]], dtype=np.float32))
    ratio = peer_models.nb_ratio(presence, np.array([True, True, False]), np.array([1.0, 1.0, 2.0]))
    # Spam: (1 + 2, 1 + 1) of 5; ham, one row that counts twice: (1, 1 + 2) of 4.
    np.testing.assert_allclose(ratio, np.log([(3 / 5) / (1 / 4), (2 / 5) / (3 / 4)]))


@pytest.mark.parametrize("name", ["tfidf-word", "tfidf-union", "nb-svm"])
def test_linear_peers_learn(name: str, tmp_path: Path) -> None:
    peer = peers.makers(tmp_path)[name]()
    peer.prepare([*TEXTS, "cheap pills", "the compiler version"])
    score = peer.fit(np.arange(8), SPAM, np.ones(8), peer.grid[-1])
    judged = score(np.array([8, 9]))
    assert judged.score[0] > 0 > judged.score[1]
    assert (judged.probability is None) == (name == "nb-svm")


def test_ngrams_of_test_rows_have_no_say(tmp_path: Path) -> None:
    first, second = (peers.makers(tmp_path)["tfidf-union"]() for _ in range(2))
    first.prepare([*TEXTS, "cheap pills"])
    second.prepare([*TEXTS, "cheap pills", "words that nobody else has used before"])
    scores = [
        peer.fit(np.arange(8), SPAM, np.ones(8), {"C": 3.0})(np.array([8])).score[0]
        for peer in (first, second)
    ]
    assert scores[0] == pytest.approx(scores[1], abs=1e-4)


def test_rows_are_repeated_as_they_weigh() -> None:
    rows = peer_models.repeats(np.array([2.0, 1.0, 0.0]), times=3)
    assert np.bincount(rows, minlength=3).tolist() == [6, 3, 0]


@pytest.mark.skipif(shutil.which("bogofilter") is None, reason="needs bogofilter")
def test_bogofilter_learns() -> None:
    peer = peer_filters.Bogofilter()
    peer.prepare(TEXTS)
    judged = peer.fit(np.arange(8), SPAM, np.ones(8), peer.grid[-1])(np.arange(8))
    assert ((judged.score > 0) == SPAM).all()


# --- the protocols --------------------------------------------------------------------


class Spy:
    """A peer that notes what it is given, and knows the answers for odd rows only."""

    name, about, weighted, grid = "spy", "", True, ({},)

    def __init__(self, corpus: peer_rows.Corpus) -> None:
        self.corpus, self.seen = corpus, []

    def version(self) -> str:
        return "0"

    def prepare(self, texts: object) -> None:
        pass

    def fit(self, train, spam, weight, setting):
        def scores(test):
            self.seen.append((train, test))
            p = np.where(self.corpus.spam[test], 0.9, 0.1)
            return peer_models.Scores(peer_models.log_odds(p), p)

        return scores


def test_a_tested_blog_teaches_nothing(corpus: peer_rows.Corpus) -> None:
    spy = Spy(corpus)
    result = peers.unseen(spy, corpus, ("a", "b"), {}, 0.0, peers.Seconds())
    for blog, (train, test) in zip(("a", "b"), spy.seen, strict=True):
        assert blog not in corpus.blog[train]
        assert set(corpus.blog[train]) == set(BLOGS) - {blog}
        assert corpus.learned_from[train].all()
        assert test.tolist() == np.flatnonzero(corpus.blog == blog).tolist()
    assert result["macro"]["mcc"]["value"] == 1.0


def test_tuning_sees_no_tested_blog(corpus: peer_rows.Corpus, monkeypatch) -> None:
    monkeypatch.setattr(peers, "UNSEEN_BLOGS", ("a",))
    monkeypatch.setattr(peers, "ENOUGH", 2)
    spy = Spy(corpus)
    _, cut, table = peers.tune(spy, replace(corpus), ("a",))
    for train, test in spy.seen:
        assert "a" not in corpus.blog[np.concatenate((train, test))]
        assert not set(corpus.blog[train]) & set(corpus.blog[test])
    assert cut >= 0
    assert table == [{"auc": 1.0}]


def test_splits_of_videos() -> None:
    video = np.array(["v", "v", "v", "w", "w", "w"])
    first = np.array([True, True, False, True, True, False])
    date = np.array(["2013", "2012", "2011", "2011", "2012", "2013"])
    splits = peers.tubespam_splits(video, first, date)
    assert [part.tolist() for part in splits["authors_split"]["v"]] == [[0, 1], [2]]
    assert [part.tolist() for part in splits["leave_one_video_out"]["v"]] == [[3, 4, 5], [0, 1, 2]]
    assert [part.tolist() for part in splits["oldest_70_percent"]["v"]] == [[1, 2], [0]]


# --- what is kept ----------------------------------------------------------------------


def test_other_rows_are_refused(corpus: peer_rows.Corpus, tmp_path: Path) -> None:
    path, mark = tmp_path / "out.json", peer_rows.fingerprint(corpus, BLOGS)
    result = peers.opened(path, corpus, BLOGS, mark)
    found = {"unseen": {"macro": {"auc": 0.123456789}}}
    peers.put(result, "tfidf-word", found, ["spamguard", "tfidf-word"])
    peers.put(result, "minilm", "not installed", ["spamguard", "tfidf-word"])
    peers.written(result, path)
    again = peers.opened(path, corpus, BLOGS, mark)
    peers.put(again, "spamguard", found, ["spamguard", "tfidf-word"])
    assert list(again["peers"]) == ["spamguard", "tfidf-word"]
    assert again["peers"]["tfidf-word"]["unseen"]["macro"]["auc"] == 0.12346
    assert again["absent"] == {"minilm": "not installed"}

    turned = corpus.frame.assign(label=corpus.frame["label"].map({"ham": "spam", "spam": "ham"}))
    for other in (replace(corpus, frame=turned), replace(corpus, learned_from=corpus.spam)):
        with pytest.raises(peers.RefusedError, match="other comments"):
            peers.opened(path, other, BLOGS, peer_rows.fingerprint(other, BLOGS))
    with pytest.raises(peers.RefusedError):
        peers.opened(path, corpus, ("a",), peer_rows.fingerprint(corpus, ("a",)))


def test_compact_json_says_the_same() -> None:
    value = {"a": [1, None, 0.5], "b": [{"c": 'x [y] "z" {', "d": [1, 2]}], "e": {}}
    text = peers.compact(json.dumps(value, indent=1))
    assert json.loads(text) == value
    assert '"a": [ 1, null, 0.5 ]' in text


def test_tables_name_what_is_missing(corpus: peer_rows.Corpus) -> None:
    figures = dict.fromkeys(("mcc", "auc", "spam_caught", "ham_blocked"), 0.5)
    peer = {
        **{"version": "1", "about": "all", "row_weights": True, "setting": {"C": 3.0}},
        "seconds": {"train": 1.0, "score": 1.0},
        "unseen": peers.unseen(Spy(corpus), corpus, ("a", "b"), {}, 0.0, peers.Seconds()),
        "tubespam": {split: {"mean": figures} for split in peers.SPLITS},
    }
    result = {
        **{"blogs": ["a", "b"], "learned_from": 64, "tested": 40, "fields": "", "threshold": ""},
        "absent": {"minilm": "not installed"},
        "peers": {"spamguard": peer},
    }
    published = {"mcc": {"other": 0.9}, "figure": "", "source": "", "split": "authors_split"}
    text = "\n".join(peer_tables.section(result, published))
    assert "| **spamguard** | 1.000" in text
    assert "minilm: not installed" in text
    assert text.index("| other | 0.9000 |") < text.index("| **spamguard** | 0.5000 |")
