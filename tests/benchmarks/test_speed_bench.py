"""The benchmark of speed: that it runs, that what it counts is right, and that its page is made."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
if not BENCHMARKS.is_dir():
    pytest.skip("needs the benchmarks folder of a source tree", allow_module_level=True)
for folder in (BENCHMARKS, BENCHMARKS / "speed"):
    sys.path.insert(0, str(folder))

import speed_bench as measure  # noqa: E402
import speed_rows  # noqa: E402
import speed_systems  # noqa: E402
import speed_tables  # noqa: E402
import speed_worker  # noqa: E402


@pytest.fixture(scope="module")
def rows() -> speed_rows.Rows:
    """The sample's rows."""
    return speed_rows.panels(None)["sample"]


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    """A run on the sample with few rows and one peer."""
    peers = {name: speed_systems.SYSTEMS[name] for name in ("hashing",)}
    absent = speed_systems.System(
        "absent", "", (("no_such_module", "none"),), peers["hashing"].train, peers["hashing"].load
    )
    return measure.measure(None, measure.QUICK, {**peers, "absent": absent})


# --- rows -----------------------------------------------------------------------------


def test_no_two_rows_are_alike(rows: speed_rows.Rows) -> None:
    more = speed_rows.cycled(rows, 3 * len(rows))
    assert len(set(more.text)) == len(more) == 3 * len(rows)
    assert more.post == rows.post * 3
    assert more.spam == rows.spam * 3
    fewer, spread = speed_rows.cycled(rows, 40), speed_rows.cycled(rows, 40, spread=True)
    assert len(fewer) == len(spread) == 40
    assert set(fewer.text) | set(spread.text) <= set(rows.text)
    assert len(set(fewer.post)) < 5 < len(set(spread.post))
    assert 0 < sum(spread.spam) < 40


def test_a_measured_comment_is_new_and_its_post_is_not(rows: speed_rows.Rows) -> None:
    warm, measured = speed_rows.singles(rows, 50)
    assert len(measured) == 50
    assert {rows.text[i] for i in warm}.isdisjoint(rows.text[i] for i in measured)
    assert {rows.post[i] for i in measured} <= {rows.post[i] for i in warm}
    assert len({rows.text[i] for i in measured}) == 50


def test_long_posts_differ(rows: speed_rows.Rows) -> None:
    posts = speed_rows.long_posts(rows, 20)
    assert len(set(posts)) == 20
    assert {len(post.split()) for post in posts} == {speed_rows.POST_WORDS}
    assert speed_rows.long_posts(speed_rows.Rows([], [], [], [], [], [["", "short", ""]]), 3) == []


@pytest.mark.parametrize("shape", speed_rows.SHAPES)
def test_long_texts_have_their_size(shape: str) -> None:
    texts = [speed_rows.long_text(shape, 5_000, seed) for seed in (1, 2)]
    assert all(4_996 <= len(text.encode()) <= 5_000 for text in texts)
    assert texts[0] != texts[1]


def test_rows_travel(rows: speed_rows.Rows, tmp_path: Path) -> None:
    rows.write(tmp_path / "rows.json")
    assert speed_rows.Rows.read(tmp_path / "rows.json") == rows
    comments = rows.comments()
    assert len({id(c.post) for c in comments}) == len(set(rows.post))
    assert rows.frame()["post_text"].tolist() == [c.post and c.post.text for c in comments]


def test_a_short_part_is_not_the_best() -> None:
    asked: list[int] = []
    found = speed_worker.rates(lambda some: asked.append(len(some)), list(range(70)), 30)
    assert asked == [50, 30, 30, 10]  # the first warms up
    assert found["comments"] == 70


# --- the run and the page -------------------------------------------------------------


@pytest.mark.slow
def test_a_run_measures_everything(result: dict[str, Any]) -> None:
    panel = result["panels"]["sample"]
    own = panel["systems"]["spamguard"]
    assert own["one"]["median_us"] > 0
    assert own["many"]["comments"] == measure.QUICK.batch
    assert [row["rows"] for row in result["stream"]["rows"]] == list(measure.QUICK.stream)
    assert result["first"]["heavy_imports"] == []
    assert len(result["length"]) == len(speed_rows.SHAPES) * len(measure.QUICK.lengths)
    assert panel["systems"]["hashing"]["first"]["peak_mb"] > 0
    assert panel["absent"] == {"absent": "not installed (no_such_module)"}


@pytest.mark.slow
def test_a_result_makes_a_page(result: dict[str, Any]) -> None:
    page = speed_tables.page(json.loads(json.dumps(result)))
    assert "| **spamguard** |" in page
    assert "| hashing |" in page
    assert "absent: not installed (no_such_module)" in page
    assert str(Path.home()) not in page


@pytest.mark.slow
def test_a_miss_is_said(result: dict[str, Any]) -> None:
    slow = json.loads(json.dumps(result))
    own = slow["panels"]["sample"]["systems"]["spamguard"]
    own["one"]["median_us"], own["two_cores"] = 5_000.0, {"skipped": "nothing to share it with"}
    slow["first"]["peak_mb"] = 20.0
    page = speed_tables.page(slow)
    assert "median, sample | < 100 us | 5,000 us | **no** |" in page
    assert "memory of that process | < 40 MB | 20.0 MB | yes |" in page
    assert "not measured: nothing to share it with | – |" in page


def test_a_failed_job_says_why() -> None:
    with pytest.raises(measure.FailedError, match="no_such_system"):
        measure.run("one", system="no_such_system", rows="", directory="", count=1)
