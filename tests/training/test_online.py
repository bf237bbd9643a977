"""What one site has taught: at once, undone exactly, and of no concern to other sites."""

from __future__ import annotations

import struct
from contextlib import suppress

import numpy as np
import pytest

from spamguard import Comment, load_model, score
from spamguard.errors import InputError, ModelFormatError, ModelNotFoundError
from spamguard.features import FEATURES
from spamguard.training import online
from spamguard.training.online import MOST, SiteWeights, pack_step


@pytest.fixture(scope="module")
def base():
    return load_model()


THANKS = Comment(
    "Thanks for this, it helped me a lot.", author="Ann", author_url="https://ann.example"
)
CLUB = Comment("Our chess club meets on Friday in the town hall, everybody is welcome.")
CLUB_AGAIN = Comment("The chess club meets on Monday in the library, everybody is welcome!")


def test_one_correction_is_enough_for_its_comment_and_helps_its_kind(base):
    mine = SiteWeights()
    assert score(CLUB, model=base).label == "ham"
    mine.learn(base, CLUB, "spam")
    model = mine.applied_to(base)
    assert score(CLUB, model=model).is_spam
    assert score(CLUB_AGAIN, model=model).log_odds > score(CLUB_AGAIN, model=base).log_odds + 0.5
    before, after = (score("Which index did you mean?", model=m).label for m in (base, model))
    assert before == after == "ham"


def test_the_sum_of_reasons_is_still_the_score(base):
    mine = SiteWeights()
    mine.learn(base, CLUB, "spam")
    verdict = score(CLUB_AGAIN, model=mine.applied_to(base))
    total = verdict.intercept + sum(reason.contribution for reason in verdict.reasons)
    assert total == pytest.approx(verdict.log_odds, abs=1e-6)


def test_what_lies_on_its_side_already_moves_nothing(base):
    mine = SiteWeights()
    mine.learn(base, Comment("cheap viagra casino http://pills.example buy now"), "spam")
    np.testing.assert_array_equal(mine.applied_to(base).ngram_weights, base.ngram_weights)


def test_unlearning_leaves_exactly_what_the_others_make(base):
    both, other = SiteWeights(), SiteWeights()
    key = both.learn(base, CLUB, "spam")
    both.unlearn(key)
    assert both.applied_to(base) is base
    other.learn(base, THANKS, "spam", "a")
    alone = other.applied_to(base)
    other.learn(base, CLUB, "spam", "b")
    other.unlearn("b")
    again = other.applied_to(base)
    np.testing.assert_array_equal(again.ngram_weights, alone.ngram_weights)
    np.testing.assert_array_equal(again.dense_weights, alone.dense_weights)
    with pytest.raises(InputError, match="undone already"):
        other.unlearn("b")


def test_an_undo_leaves_corrections_standing(base):
    # The second needed no step of its own while the first stood.
    mine, alone = SiteWeights(), SiteWeights()
    mine.learn(base, CLUB, "spam", "a")
    mine.learn(base, CLUB_AGAIN, "spam", "b")
    mine.unlearn("a")
    alone.learn(base, CLUB_AGAIN, "spam", "b")
    assert score(CLUB_AGAIN, model=mine.applied_to(base)).is_spam
    np.testing.assert_array_equal(
        mine.applied_to(base).ngram_weights, alone.applied_to(base).ngram_weights
    )


def test_a_change_of_mind_replaces_what_was_said(base):
    mine = SiteWeights()
    mine.learn(base, CLUB, "spam", "c1")
    mine.learn(base, CLUB, "ham", "c1")
    assert len(mine) == 1
    assert score(CLUB, model=mine.applied_to(base)).label == "ham"


def test_one_sites_labels_are_not_in_anothers_verdicts(base):
    sites = [SiteWeights() for _ in range(50)]
    before = score(CLUB, model=base)
    for site in sites[1:]:
        site.learn(base, CLUB, "spam")
    assert score(CLUB, model=sites[0].applied_to(base)) == before
    assert score(CLUB, model=base) == before
    assert all(score(CLUB, model=site.applied_to(base)).is_spam for site in sites[1:])


def test_saved_and_read_again(base, tmp_path):
    mine = SiteWeights()
    for i in range(5):
        mine.learn(base, Comment(f"{CLUB.text} number {i} {'x' * i}"), "spam", f"key-{i}")
    mine.save(tmp_path / "site.npz")
    mine.save(tmp_path / "again.npz")
    assert (tmp_path / "site.npz").read_bytes() == (tmp_path / "again.npz").read_bytes()
    assert b"chess" not in (tmp_path / "site.npz").read_bytes()
    found = SiteWeights.load(tmp_path / "site.npz")
    one, two = mine.applied_to(base), found.applied_to(base)
    np.testing.assert_array_equal(one.ngram_weights, two.ngram_weights)
    found.unlearn("key-3")
    SiteWeights().save(tmp_path / "empty.npz")
    assert len(SiteWeights.load(tmp_path / "empty.npz")) == 0


def test_damaged_files_are_refused(base, tmp_path):
    mine, file = SiteWeights(), tmp_path / "site.npz"
    mine.learn(base, CLUB, "spam")
    mine.save(file)
    data = file.read_bytes()
    random = np.random.default_rng(1)
    for _ in range(60):
        place = int(random.integers(0, len(data)))
        file.write_bytes(data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :])
        with suppress(ModelFormatError):  # a changed key or number may pass: no other error may
            assert len(SiteWeights.load(file)) == 1
    with pytest.raises(ModelNotFoundError, match="does not exist"):
        SiteWeights.load(tmp_path / "none.npz")
    for wrong in (b"", b"PK", data[: len(data) // 2]):
        file.write_bytes(wrong)
        with pytest.raises(ModelFormatError, match="damaged"):
            SiteWeights.load(file)


def test_memory_is_bounded(base, monkeypatch):
    from spamguard.training import online as sites

    monkeypatch.setattr(sites, "MOST", 3)
    mine = SiteWeights()
    for i in range(5):
        mine.learn(base, Comment(f"word{i}"), "spam", str(i))
    assert [str(i) in mine for i in range(5)] == [False, False, True, True, True]
    assert MOST >= 1_000


def test_wrong_labels_are_refused(base):
    with pytest.raises(InputError, match="ham"):
        SiteWeights().learn(base, CLUB, "junk")


def test_a_step_beyond_the_table_is_refused_when_it_is_read(base):
    data = bytearray(pack_step(base, Comment("An honest chess club, each Friday."), "spam"))
    count = struct.unpack_from("<I", data, 8)[0]
    features = 8 * len(FEATURES)
    at = online._PACKED.size + features + 4 * (count - 1)
    data[at : at + 4] = struct.pack("<i", len(base.ngram_weights))
    with pytest.raises(ModelFormatError, match="damaged"):
        SiteWeights().take(base, [("1", bytes(data))])
