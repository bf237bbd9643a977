"""Campaigns: what says nearly the same belongs together, and short texts never do."""

from __future__ import annotations

import inspect
import json

import numpy as np
import pandas as pd
import pytest

from spamguard import InputError
from spamguard.analysis.campaigns import campaigns_frame, find_campaigns, sizes_over_time
from spamguard.cli import main

WATCHES = [
    "I found the best shop for cheap watches and bags, visit http://watches.example today my friends",
    "<b>I found the best shop for cheap watches and bags</b>, visit http://watches.example/2 today my friends!",
    "i found the BEST shop for cheap watches and bags visit today my dear friends",
    "I found the best shop for cheap watches and bags, visit today all my friends",
]
CASINO = "You can win real money tonight at our casino with no deposit at all"
OTHERS = [
    "The second query had no index; adding one helped a lot, thank you",
    "Which oven did you use for the bread in the last picture of the post?",
    "My basil got leggy over winter, so I moved it under a reading lamp",
]


def frame_of(texts, **columns):
    return pd.DataFrame({"text": texts, **columns})


def rows_of(frame, **settings):
    return [campaign.rows for campaign in find_campaigns(frame, **settings)]


def test_near_copies_are_one_campaign_and_others_are_none():
    texts = [
        WATCHES[0],
        OTHERS[0],
        WATCHES[1],
        CASINO,
        WATCHES[2],
        OTHERS[1],
        WATCHES[3],
        OTHERS[2],
    ]
    assert rows_of(frame_of(texts)) == [(0, 2, 4, 6)]
    assert rows_of(frame_of(texts), least=2, likeness=0.95) == [
        (0, 2)
    ]  # but for the dress the same


@pytest.mark.parametrize(
    "text",
    [
        "why",
        "yes",
        "thanks",
        "Thanks!",
        "First",
        "great post",
        "👍",
        "",
        "谢谢",
        "很好的文章",
        "thanks for this post",
    ],
)
def test_short_texts_are_nobodys_copies(text):
    assert rows_of(frame_of([text] * 50)) == []


def test_chinese_is_measured_in_signs():
    assert rows_of(frame_of(["买便宜的手表请访问我们的商店今天打折"] * 3)) == [(0, 1, 2)]


def test_the_floor_can_be_raised():
    assert rows_of(frame_of([CASINO] * 3), least_words=30) == []


def test_the_largest_comes_first():
    texts = [CASINO] * 3 + WATCHES
    assert rows_of(frame_of(texts)) == [(3, 4, 5, 6), (0, 1, 2)]


def test_the_order_of_rows_finds_the_same_for_clear_copies():
    texts = [CASINO] * 4 + [OTHERS[0]] * 5 + OTHERS
    forward = {frozenset(texts[i] for i in rows) for rows in rows_of(frame_of(texts))}
    back = {frozenset(texts[::-1][i] for i in rows) for rows in rows_of(frame_of(texts[::-1]))}
    assert forward == back == {frozenset({CASINO}), frozenset({OTHERS[0]})}


def test_a_comment_like_two_campaigns_joins_them_not():
    one = "alpha beta gamma delta epsilon zeta eta theta"
    two = "eta theta iota kappa lambda mu nu xi"
    both = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi"
    assert rows_of(frame_of([one, two]), least=2, likeness=0.4) == []
    assert rows_of(frame_of([one, two, both, one]), least=2, likeness=0.4) == [(0, 2, 3)]


def runs_in(text):
    words = text.split()
    return {tuple(words[i : i + 3]) for i in range(len(words) - 2)}


def made_up(rng, size):
    return ["".join(rng.choice(list("abcdefghijklmnop"), 7)) for _ in range(size)]


def test_the_order_of_rows_changes_nothing_and_a_campaign_does_not_wander_off():
    rng = np.random.default_rng(2)
    stretch = made_up(rng, 161)
    windows = [" ".join(stretch[5 * i : 5 * i + 40]) for i in range(23)]
    found = set()
    for _ in range(4):
        order = rng.permutation(23)
        texts = [windows[i] for i in order]
        groups = rows_of(frame_of(texts), least=2)
        found.add(frozenset(frozenset(int(order[row]) for row in rows) for rows in groups))
        for rows in groups:
            together = [runs_in(texts[row]) for row in rows]
            assert any(all(len(a & b) >= len(a | b) / 2 for b in together) for a in together)
    assert len(found) == 1


def test_pairs_just_over_the_likeness_are_found():
    rng = np.random.default_rng(3)
    texts, just = [], []
    for _ in range(150):
        words = made_up(rng, 40)
        other = list(words)
        for k in rng.choice(40, rng.integers(3, 6), replace=False):
            other[k] = made_up(rng, 1)[0]
        pair = [" ".join(words), " ".join(other)]
        a, b = map(runs_in, pair)
        if len(a & b) >= len(a | b) / 2:
            just.append(len(texts))
        texts += pair
    assert len(just) > 30
    assert sorted(rows_of(frame_of(texts), least=2)) == [(k, k + 1) for k in just]


@pytest.mark.parametrize(
    ("columns", "posts"),
    [
        ({"post_id": [1, None, 1, 2]}, 2),
        ({"post_id": [1, 1, 1, 1], "blog": ["a", "a", "b", None]}, 3),
        ({"post_group": [1, 2, 3, 4], "post_id": [7, 7, 7, 8]}, 2),  # numbered by file
        ({"post_title": ["Hello"] * 4, "blog": ["a", "b", "c", "d"]}, 4),
        ({"post_title": ["Hello"] * 3 + [None]}, 1),
    ],
)
def test_posts_are_told_apart_row_by_row(columns, posts):
    (found,) = find_campaigns(frame_of([CASINO] * 4, **columns))
    assert found.posts == posts


def test_a_mistyped_year_makes_no_long_table():
    days = ["0201-01-01", "2024-05-01", "2024-07-01"]
    table = sizes_over_time(find_campaigns(frame_of([CASINO] * 3, date=days)))
    assert len(table) <= 3


def test_what_a_campaign_is_like():
    frame = frame_of(
        [*WATCHES, OTHERS[0]],
        author=["Best  Watches", "Best Watches", "Mia", None, "Ines"],
        author_url=[
            "http://shop.example",
            None,
            "http://www.shop.example/x",
            None,
            "http://ines.example",
        ],
        date=["2024-01-31", "2024-03-01T10:00:00Z", "2024-03-02", None, "2024-01-01"],
        blog=["a", "a", "b", "b", "a"],
        post_id=["1", "2", "1", None, "1"],
        label=["spam", "spam", "ham", None, "ham"],
    )
    (found,) = find_campaigns(frame)
    assert len(found) == 4
    assert (found.posts, found.blogs) == (3, 2)
    assert (found.first, found.last) == ("2024-01-31", "2024-03-02")
    assert found.months == {"2024-01": 1, "2024-03": 2}
    assert found.links == {"shop.example": 2, "watches.example": 2}
    assert found.names == {"Best Watches": 2}
    assert found.labels == {"spam": 2, "ham": 1}
    table = campaigns_frame([found])
    assert table.loc[1].to_dict() == {
        "comments": 4, "posts": 3, "blogs": 2, "first": "2024-01-31", "last": "2024-03-02",
        "links": "shop.example, watches.example", "names": "Best Watches", "row": 0,
    }  # fmt: skip
    sizes = sizes_over_time([found])
    assert sizes.index.tolist() == ["2024-01", "2024-02", "2024-03"]
    assert sizes[1].tolist() == [1, 0, 2]


def test_nothing_is_known_of_posts_and_days():
    (found,) = find_campaigns(frame_of([CASINO] * 3))
    assert (found.posts, found.blogs, found.first, found.months, found.links) == (0, 0, "", {}, {})
    assert sizes_over_time([found]).empty
    assert campaigns_frame([]).empty
    assert sizes_over_time([]).empty


def test_what_minhash_proposes_is_checked_exactly():
    """Pairs that share four runs in ten: MinHash alone would take some of them for copies."""
    texts = []
    for pair in range(150):
        shared = [
            f"p{'abcdefghij'[pair % 10]}{chr(97 + pair // 10)}w{chr(97 + i)}" for i in range(24)
        ]
        texts += [
            " ".join([*shared, *(f"{end}{pair}{chr(97 + i)}" for i in range(16))]) for end in "xy"
        ]
    assert rows_of(frame_of(texts), least=2) == []
    assert len(rows_of(frame_of(texts), least=2, likeness=0.35)) > 100


def test_many_variants_take_no_square_of_time(no_hang):
    texts = [
        f"{CASINO} number {'one two three four five six'.split()[i % 6]} word{i}"
        for i in range(3_000)
    ]
    with no_hang(60):
        (found,) = find_campaigns(frame_of(texts))
    assert len(found) == 3_000


@pytest.mark.parametrize(
    "settings",
    [
        {"least": 1},
        {"least": "3"},
        {"least": 2.5},
        {"least_words": 2},
        {"likeness": 0},
        {"likeness": 1},
    ],
)
def test_settings_out_of_range(settings):
    with pytest.raises(InputError):
        find_campaigns(frame_of(OTHERS), **settings)


@pytest.mark.parametrize("name", ["blog", "post_id", "label"])
def test_lists_in_a_column_are_refused(name):
    with pytest.raises(InputError, match=f"{name}.*row 1: list"):
        find_campaigns(frame_of(OTHERS, **{name: ["a", ["b"], "c"]}))


def test_any_likeness_will_do():
    assert rows_of(frame_of([CASINO] * 3 + OTHERS), likeness=0.99) == [(0, 1, 2)]


def test_frames_of_other_kinds():
    polars = pytest.importorskip("polars")
    frame = frame_of([CASINO] * 3, blog=["a", "b", None])
    assert find_campaigns(polars.from_pandas(frame)) == find_campaigns(frame)


def test_the_work_is_watched():
    seen = []
    find_campaigns(frame_of(OTHERS), watch=lambda *told: seen.append(told))
    assert seen == [("comments", 0, 3), ("texts", 0, 3)]


# --- the command ------------------------------------------------------------------


@pytest.fixture
def files(tmp_path):
    paths = []
    for name, texts in (("one.jsonl", WATCHES[:2]), ("two.jsonl", [*WATCHES[2:], OTHERS[0]])):
        path = tmp_path / name
        rows = [{"text": t, "author": "Best Watches\x1b[31m", "date": "2024-05-01"} for t in texts]
        path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
        paths.append(str(path))
    return paths


def test_the_command_tells_campaigns_across_files(files, capsys):
    assert main(["campaigns", *files]) == 0
    told = capsys.readouterr().out
    assert "1 campaign, 4 of 5 comments" in told
    assert "on 2 blogs, 2024-05-01 to 2024-05-01" in told
    assert "watches.example (2)" in told
    assert "\x1b" not in told
    assert main(["campaigns", *files, "--json"]) == 0
    (found,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert found["rows"] == [1, 2, 3, 4]
    assert found["comments"] == 4


def test_the_command_shows_no_more_than_asked(tmp_path, capsys):
    path = tmp_path / "a.csv"
    path.write_text("text\n" + f"{CASINO}\n" * 3 + f"{OTHERS[1]}\n" * 3, "utf-8")
    assert main(["campaigns", str(path), "--most", "1"]) == 0
    assert "1 more" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["campaigns", str(path), "--least", "1"])


def test_the_floor_is_that_of_the_queue():
    from spamguard.corpus import LEAST_WORDS

    parameters = inspect.signature(find_campaigns).parameters
    assert parameters["least_words"].default is LEAST_WORDS
