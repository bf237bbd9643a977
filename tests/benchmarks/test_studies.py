"""The longer studies hold back what they say and measure what they name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.protocols import corrections as moderation
from benchmarks.protocols import held_out as heldout
from benchmarks.protocols import studies
from benchmarks.protocols.markdown import render_protocol as render
from spamguard.corpus import load_sample
from spamguard.features import FAMILIES
from spamguard.training.recipe import Recipe, Settings
from spamguard.training.tricks import ATTACKS

pytestmark = pytest.mark.slow

SETS = ("modblog-a", "modblog-b", "modblog-c", "hamblog-d", "forum-e", "hamblog-f")
TESTED = ("a", "b")
LABEL_NAMES = ("ham", "unsure", "spam")


class World(Recipe):
    """Six sources of sixty comments each, made of the sample; needs no files."""

    def load(self, directory):
        frame = load_sample()
        frame["dataset"] = np.repeat(SETS, 60)
        frame["blog"] = [name.split("-")[1] for name in frame["dataset"]]
        return frame


@pytest.fixture
def recipe(monkeypatch):
    monkeypatch.setattr(studies, "UNSEEN_BLOGS", TESTED)
    monkeypatch.setattr(studies, "LABELS", (0, 10, 30))
    settings = Settings(bits=12, folds=3)
    return World("tests", "1", dict.fromkeys(SETS, "00"), ("hamblog-d", "forum-e"), settings)


def test_first_labels_of_a_site(recipe, monkeypatch):
    learned = []
    real = heldout.learn
    monkeypatch.setattr(heldout, "learn", lambda m, s: (learned.append(set(m.blog)), real(m, s))[1])
    told = []
    result = studies.site_labels(None, recipe, lambda *step: told.append(step))
    assert [row["blog"] for row in result["rows"]] == list(TESTED)
    assert all(blog not in seen for blog, seen in zip(TESTED, learned, strict=True))
    for row in result["rows"]:
        assert list(row["labels"]) == ["0", "10", "30"]
        assert row["tested"] == 30  # all sizes on the rows after the largest
        assert row["labels"]["0"] != row["labels"]["30"] or row["labels"]["0"]["auc"] == 1.0
    assert told == [(stage, k, 2) for stage in ("blogs", "held out") for k in (1, 2)]
    assert "auc after 30" in render(result)


def test_labels_of_one_class_leave_the_base_alone(recipe):
    prepared = studies.prepare(None, recipe, TESTED)
    frame, material = prepared.frame, prepared.material
    base = studies.fit_rows(material, recipe.settings)
    ham = np.flatnonzero(~material.spam)[:5]
    assert moderation.site_model(base, material.rows[ham], material.spam[ham]) is base
    assert len(frame) == 360


def test_every_attack_is_measured_on_both_classes(recipe):
    result = studies.robustness(None, recipe)
    assert [row["attack"] for row in result["rows"]] == ["none", *ATTACKS]
    first = result["rows"][0]
    assert first["recall_lost"] == 0
    assert 0 <= first["ham_blocked"] < first["spam_caught"] <= 1
    for row in result["rows"]:
        assert row["recall_lost"] == pytest.approx(
            first["recall_at_1pct"] - row["recall_at_1pct"], abs=1e-4
        )
    assert len({row["spam_caught"] for row in result["rows"]}) > 1


def test_each_family_is_left_out_and_alone(recipe):
    result = studies.ablation(None, recipe)
    names = [row["families"] for row in result["rows"]]
    assert names[0] == "all"
    for family in (*FAMILIES, "ngrams"):
        assert {f"without {family}", f"{family} alone"} <= set(names)
    auc = {row["families"]: row["auc"] for row in result["rows"]}
    assert auc["all"] > auc["style alone"]


def test_panels_count_every_real_comment_once(recipe, monkeypatch):
    cards = studies.dataset_cards()
    card = cards["modblog-haacked"]
    monkeypatch.setattr(studies, "dataset_cards", lambda: dict.fromkeys(SETS, card))
    result = studies.ham_panels(None, recipe)
    ham = int((load_sample()["label"] == "ham").sum())
    assert sum(row["ham"] for row in result["rows"]) == ham
    assert result["macro"]["en"]["ham"] == ham
    lost = sum(row["ham"] * row["ham_blocked"]["value"] for row in result["rows"]) / ham
    assert result["macro"]["en"]["ham_blocked"] == pytest.approx(lost, abs=1e-3)


def test_a_language_held_out_is_learned_from_nowhere(recipe, monkeypatch):
    english = studies.dataset_cards()["modblog-haacked"]
    cards = dict.fromkeys(SETS, english) | {"hamblog-f": replace(english, languages=("de",))}
    monkeypatch.setattr(studies, "dataset_cards", lambda: cards)
    monkeypatch.setattr(studies, "HELD_OUT_LANGUAGES", ("de", "sw"))
    monkeypatch.setattr(studies, "LANGUAGE_HAM", 20)
    learned = []
    real = studies.fit_rows
    monkeypatch.setattr(studies, "fit_rows", lambda m, s: (learned.append(m), real(m, s))[1])
    result = studies.ham_panels(None, recipe)
    (row,) = result["languages_held_out"]  # of Swahili there is none
    assert row["language"] == "de"
    (material,) = [m for m in learned if "hamblog-f" not in m.source]
    assert "de" not in material.rows.languages
    check_guard(row)
    assert "ham called spam without guard" in render(result)


def check_guard(row):
    """The guard moves spam to unsure and nothing else; every comment has one label."""
    for side in ("ham", "spam"):
        called = {label: row[f"{side}_called_{label}"]["value"] for label in LABEL_NAMES}
        free = {
            label: row[f"{side}_called_{label}_without_guard"]["value"] for label in LABEL_NAMES
        }
        assert sum(called.values()) == pytest.approx(1, abs=1e-4)
        assert called["ham"] == free["ham"]
        assert called["spam"] <= free["spam"]
    assert 0 < row["spam_told"]["value"] < 1
    assert row["spam_called_spam"]["value"] < row["spam_called_spam_without_guard"]["value"]


def test_corrections_and_chosen_labels(recipe, monkeypatch):
    monkeypatch.setattr(moderation, "UNSEEN_BLOGS", TESTED)
    monkeypatch.setattr(moderation, "DECISIONS", (10,))
    result = moderation.moderation(None, recipe)
    assert [row["blog"] for row in result["rows"]] == list(TESTED)
    for row in result["rows"]:
        assert row["corrections"] < row["comments"] == 60
        assert (row["corrections"] > 0) == any(row["corrected"]["after"].values())
        wrong = [sum(row["corrected"][when].values()) for when in ("before", "after")]
        assert wrong[1] <= wrong[0]
        assert set(row["labels"]) == {"10"}
    assert result["macro"]["spam_missed_before"] >= result["macro"]["spam_missed_after"]
    assert "spam missed before" in render(result)
