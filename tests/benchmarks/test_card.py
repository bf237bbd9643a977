"""The model card says of discard what the report behind the model says."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import pytest

from spamguard.model import Cuts

RENDER = Path(__file__).resolve().parents[2] / "benchmarks" / "render.py"

PROMISE = {
    "promise": "ham_lost<=0.001",
    "confidence": 0.95,
    "ham": 12_000,
    "ham_lost": 7,
    "ham_lost_upper": 0.00098,
}


@pytest.fixture(scope="module")
def render():
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.syspath_prepend(str(RENDER.parent))  # it imports what stands beside it
    spec = importlib.util.spec_from_file_location("render_card", RENDER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    monkeypatch.undo()


def told(render, model, by_blog, discard=5.0):
    held_out = {"discard_promise": PROMISE}
    if by_blog is not None:
        held_out["ham_lost_at_discard"] = by_blog
    cuts = Cuts(-1.0, 1.0, discard)
    return render._discard(replace(model, cuts=cuts, about={"held_out": held_out}))


def test_the_bound_is_on_the_card(render, model):
    by_blog = {"a": [2, 4_000, 0.0016], "b": [1, 8_000, 0.0006], "c": [1, 30, 0.15]}
    words = told(render, model, by_blog)
    assert "of 12000 held-out real comments 4 lie above" in words  # at the cut that is used
    assert "at most 0.1 % with 95 % confidence" in words
    assert "not one set of real comments loses more than 1 in 1,000, of the 2 that have" in words


def test_a_blog_that_chance_took_beyond_the_rate_is_named(render, model):
    words = told(render, model, {"a": [3, 2_000, 0.004], "b": [1, 10_000, 0.0005]})
    assert "a loses the most, 3 of 2,000" in words
    assert "not one set" not in words


def test_small_blogs_are_not_claimed_to_be_safe(render, model):
    words = told(render, model, {"a": [0, 900, 0.003]})
    assert "none has as many as 1,000 real comments" in words
    assert "not one set" not in words


def test_a_locked_discard_and_an_older_report(render, model):
    assert "never true" in told(render, model, {}, discard=None)
    words = told(render, model, None)
    assert "of 12000 held-out real comments 7 lie above" in words
    assert "source" not in words


def test_what_the_model_knows_of_each_language_is_on_the_card(render, monkeypatch):
    rows = [
        {"set": name, "languages": languages, "ham_blocked": {"value": value}}
        for name, languages, value in (
            ("chat-fr", ["fr"], 0.0), ("hamblog-fr", ["fr"], 0.0125), ("both", ["en", "fr"], 0.5),
        )
    ]  # fmt: skip
    panels = {"rows": rows, "macro": {"en": {"ham_blocked": 0.02}}}
    monkeypatch.setattr(render, "_result", lambda _: panels)
    counts = {
        "cs": {"ham": 40, "spam": 3},
        "fr": {"ham": 1_234, "spam": 5},
        "tr": {"ham": 1, "spam": 1},
        "en": {"ham": 9_000, "spam": 100},
    }
    lines = render._languages({"languages": counts})
    told = "| fr | 1,234 | 5 | yes | hamblog-fr 1.2 %, chat-fr 0.0 % |"
    assert told in lines
    assert "| en | 9,000 | 100 | yes | 2.0 % of all |" in lines
    assert "| cs | 40 | 3 | no | – |" in lines
    assert not any(line.startswith("| tr") for line in lines)  # a handful may be mistakes
    assert lines.index(told) < lines.index("| cs | 40 | 3 | no | – |")


def test_a_model_that_counted_no_languages_has_no_such_table(render):
    assert render._languages({}) == []
    assert render._languages({"languages": {}}) == []
