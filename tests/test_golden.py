"""The shipped model: its files belong together and answer everywhere as where they were made.

The golden file says what the model answered for comments of the sample when it
was written. With another version of numpy, or another machine, it must still
answer that.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace

import pytest

from spamguard import load_model
from spamguard.storage import find_model
from spamguard.training.recipe import Recipe, golden

MODEL = find_model("default")
NEAR = 1e-4


@pytest.fixture(scope="module")
def shipped():
    return load_model("default")


@pytest.fixture(scope="module")
def entries():
    lines = (MODEL / "golden.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines]


def strays(model, entries, frame, comments):
    """Return the entries that `model` no longer agrees with."""
    by_id = dict(zip(frame["comment_id"], comments, strict=True))
    return [
        entry["comment_id"]
        for entry in entries
        if abs(
            model.verdict(by_id[entry["comment_id"]]).spam_probability - entry["spam_probability"]
        )
        > NEAR
    ]


def test_golden_entries_are_comments_of_the_sample(entries, sample):
    ids = [entry["comment_id"] for entry in entries]
    assert len(ids) >= 40
    assert len(set(ids)) == len(ids)
    assert set(ids) <= set(sample["comment_id"])
    assert all(0.0 <= entry["spam_probability"] <= 1.0 for entry in entries)
    kinds = sample.set_index("comment_id").loc[ids, "label"]
    assert set(kinds) == {"ham", "spam"}


def test_the_shipped_model_still_gives_the_golden_answers(
    shipped, entries, sample, sample_comments
):
    assert not strays(shipped, entries, sample, sample_comments)


def test_another_answer_would_be_noticed(shipped, sample, sample_comments):
    entries = golden(shipped)
    assert not strays(shipped, entries, sample, sample_comments)
    moved = replace(shipped, intercept=shipped.intercept + 0.1)
    assert len(strays(moved, entries, sample, sample_comments)) > len(entries) / 10


def test_one_file_of_weights_and_the_description_names_it():
    (weights,) = MODEL.glob("weights-*.npz")
    about = json.loads((MODEL / "model.json").read_text("utf-8"))
    sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
    assert about["weights_sha256"] == sha256
    assert weights.name == f"weights-{sha256[:16]}.npz"


def test_what_stands_beside_the_model():
    names = {path.name for path in MODEL.iterdir()}
    expected = {"model.json", "golden.jsonl", "recipe.toml", "CARD.md"}
    assert names - {path.name for path in MODEL.glob("weights-*.npz")} == expected


def test_the_model_is_small():
    assert sum(path.stat().st_size for path in MODEL.iterdir()) < 8_000_000


def test_the_model_is_what_its_recipe_makes(shipped):
    recipe = Recipe.read(MODEL / "recipe.toml")
    assert (shipped.name, shipped.version) == (recipe.name, recipe.version)
    assert shipped.vectorizer.bits == recipe.settings.bits
    assert shipped.about["sets"] == recipe.sets
    assert shipped.about["background"] == list(recipe.background)
    assert shipped.about["settings"] == asdict(recipe.settings)


def test_the_model_says_what_it_was_measured_with(shipped):
    about = shipped.about
    assert about["ham"] > 1_000
    assert about["spam"] > 1_000
    assert "sample" not in about["sets"]
    held_out = about["held_out"]
    assert 0 < held_out["spam_caught"]["spam"] <= held_out["spam_caught"]["unsure"] <= 1
    assert shipped.cuts.discard is None or held_out["discard_promise"]["supported"]
    assert (shipped.cuts.discard is None) == (held_out["spam_caught"]["discard"] is None)
    assert about["calibration"]["slope"] > 0


def test_the_card_is_of_this_model(shipped):
    card = (MODEL / "CARD.md").read_text("utf-8")
    assert card.startswith(f"# {shipped.title}\n")
