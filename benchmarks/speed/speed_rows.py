"""The comments for measuring speed: real ones, and more made from them.

Rows are passed to fresh processes in a file. Reading it needs neither numpy nor spamguard, so it does
not affect the measured start of a peer.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spamguard.corpus import dataset_cards

if TYPE_CHECKING:
    import pandas as pd

    from spamguard import Comment, Post

SEED = 1
MOST_POSTS = 200  # posts for single comments: no more than the cache holds
MOST_OF_A_BLOG = 2_000  # so that one flooded blog does not dominate
POST_WORDS = 1_000


@dataclass
class Rows:
    """Comments in columns; `post` is an index into `posts`, or -1."""

    text: list[str]
    author: list[str | None]
    author_url: list[str | None]
    post: list[int]
    spam: list[bool]
    posts: list[list[str | None]] = field(default_factory=list)  # title, text, address

    def __len__(self) -> int:
        return len(self.text)

    def take(self, index: Sequence[int]) -> Rows:
        """Return the rows at these indices."""
        return Rows(
            [self.text[i] for i in index],
            [self.author[i] for i in index],
            [self.author_url[i] for i in index],
            [self.post[i] for i in index],
            [self.spam[i] for i in index],
            self.posts,
        )

    def write(self, path: Path) -> None:
        """Write the rows to a file."""
        path.write_text(json.dumps(asdict(self)), "utf-8")

    @staticmethod
    def read(path: str | Path) -> Rows:
        """Read rows from a file."""
        return Rows(**json.loads(Path(path).read_text("utf-8")))

    def facts(self) -> dict[str, Any]:
        """Return a summary of the rows."""
        words = [len((post[1] or "").split()) for post in self.posts]
        return {
            "comments": len(self),
            "characters_mean": round(sum(map(len, self.text)) / len(self), 1),
            "posts": len(set(self.post) - {-1}),
            "post_words_mean": round(sum(words) / max(1, len(words))),
            "spam": sum(self.spam),
        }

    def comments(self) -> list[Comment]:
        """Return the rows as comments; comments on one post share it."""
        from spamguard import Comment, Post

        posts: list[Post | None] = [Post(title, text, url) for title, text, url in self.posts]
        posts.append(None)  # for index -1
        columns = zip(self.text, self.author, self.author_url, self.post, strict=True)
        return [Comment(t, a, u, post=posts[p]) for t, a, u, p in columns]

    def frame(self) -> pd.DataFrame:
        """Return the rows as a DataFrame with the columns of `score_frame`."""
        import pandas as pd

        nothing: list[str | None] = [None, None, None]
        posts = [*self.posts, nothing]
        names = ("post_title", "post_text", "post_url")
        columns = {name: [posts[p][i] for p in self.post] for i, name in enumerate(names)}
        own = {"text": self.text, "author": self.author, "author_url": self.author_url}
        return pd.DataFrame({**own, **columns})


def rows_of(frame: pd.DataFrame) -> Rows:
    """Return the rows of a corpus."""
    posts: dict[tuple[str | None, ...], int] = {(None, None, None): -1}
    columns = [_cells(frame, f"post_{name}") for name in ("title", "text", "url")]
    place = []
    for post in zip(*columns, strict=True):
        place.append(posts.setdefault(post, len(posts) - 1))
    own = [_cells(frame, name) for name in ("text", "author", "author_url")]
    return Rows(
        [text or "" for text in own[0]],
        own[1],
        own[2],
        place,
        (frame["label"] == "spam").tolist(),
        [list(post) for post in posts if any(post)],
    )


def _cells(frame: pd.DataFrame, name: str) -> list[str | None]:
    return [value if isinstance(value, str) else None for value in frame[name].tolist()]


def panels(directory: str | None) -> dict[str, Rows]:
    """Return the rows of each panel, or only the sample without a directory of data sets."""
    from spamguard.corpus import load_dataset, load_datasets, load_sample

    if directory is None:
        return {"sample": rows_of(load_sample())}
    names = [name for name in dataset_cards() if name.startswith("modblog-")]
    names = [name for name in names if (Path(directory) / name).is_dir()]
    blogs = load_datasets(names, directory)
    drawn = blogs.sample(frac=1, random_state=SEED)
    drawn = drawn[drawn.groupby("blog").cumcount() < MOST_OF_A_BLOG]
    blogs = blogs.loc[drawn.index.sort_values()]  # blog by blog, as an archive is read
    return {
        "tubespam": rows_of(load_dataset("youtube-tubespam", directory)),
        "blogs": rows_of(blogs),
    }


# --- more rows ------------------------------------------------------------------------


def _syllables(number: int) -> str:
    """Return a distinct made-up word ending for each number below a million."""
    ending = ""
    for _ in range(3):
        number, rest = divmod(number, 100)
        ending += "bcdfghjklmnprstvwxyz"[rest // 5] + "aeiou"[rest % 5]
    return ending


def _changed(text: str, number: int, choice: random.Random) -> str:
    words = text.split(" ")
    words[choice.randrange(len(words))] += _syllables(number)
    return " ".join(words)


def _whole_posts(rows: Rows, count: int) -> list[int]:
    """Return `count` indices in order, with all comments of randomly drawn posts."""
    under: dict[int, list[int]] = {}
    for i, post in enumerate(rows.post):
        under.setdefault(post, []).append(i)
    drawn = list(under)
    random.Random(SEED).shuffle(drawn)
    return sorted([i for post in drawn for i in under[post]][:count])


def cycled(rows: Rows, count: int, spread: bool = False) -> Rows:
    """Return `count` rows with no two texts alike.

    If there are more rows, take those on some posts, or with `spread` a few from
    everywhere. Otherwise the real rows come first, in order, and are then repeated
    with one word of each changed to a word found nowhere else. A stream of
    real comments brings fewer new words than that.
    """
    choice = random.Random(SEED)
    index = [i % len(rows) for i in range(count)]
    if count < len(rows):
        step = len(rows) / count
        index = [int(i * step) for i in range(count)] if spread else _whole_posts(rows, count)
    found = rows.take(index)
    seen: set[str] = set()
    for i, text in enumerate(found.text):
        if i >= len(rows) or text in seen:
            found.text[i] = _changed(text, i, choice)
        seen.add(found.text[i])
    return found


def singles(rows: Rows, count: int) -> tuple[list[int], list[int]]:
    """Return indices of comments for warming up, and of at most `count` others to measure.

    Both are on the same posts, so the posts are in the cache. No text is in both, so
    each measured comment is new.
    """
    order = list(range(len(rows)))
    random.Random(SEED).shuffle(order)
    warm: list[int] = []
    measured: list[int] = []
    seen: set[str] = set()
    posts: dict[int, int] = {}
    for i in order:
        post, text = rows.post[i], rows.text[i]
        if text in seen or (post not in posts and len(posts) == MOST_POSTS):
            continue
        seen.add(text)
        posts[post] = posts.get(post, 0) + 1
        # The first on each post and every fifth: some words are then cached, as in a backend.
        (warm if posts[post] % 5 == 1 else measured).append(i)
    return warm, measured[:count]


def long_posts(rows: Rows, count: int) -> list[str]:
    """Return `count` different texts of a thousand words each, made from the posts' words.

    The list is empty if the posts have fewer words than two such texts.
    """
    words = [word for post in rows.posts for word in (post[1] or "").split()]
    if len(words) < 2 * POST_WORDS:
        return []
    step = max(1, (len(words) - POST_WORDS) // count)
    starts = [i * step % (len(words) - POST_WORDS) for i in range(count)]
    return [" ".join([_syllables(i), *words[s : s + POST_WORDS - 1]]) for i, s in enumerate(starts)]


# --- long texts -----------------------------------------------------------------------

_WORDS = "the a to index post thanks cheap reading server version second query table good".split()
_RUSSIAN = "спасибо за статью очень помогло второй запрос таблица индекс версия сервер".split()


def _sentence(choice: random.Random) -> str:
    return " ".join(choice.choices(_WORDS, k=8)) + f" {choice.randrange(10_000)}. "


SHAPES: dict[str, Callable[[random.Random], str]] = {
    "words": _sentence,
    "one long word": lambda c: "".join(c.choices("abcdefghijklmnopqrstuvwxyz", k=50)),
    "links": lambda c: f"http://site{c.randrange(10_000)}.example/page{c.randrange(100)} ",
    "html tags": lambda c: (
        f'<p>{c.choice(_WORDS)} <a href="http://s{c.randrange(10_000)}.example/">'
        f"{c.choice(_WORDS)}</a> <b>{c.choice(_WORDS)}</b></p>"
    ),
    "markdown": lambda c: (
        f"* **{c.choice(_WORDS)}** [{c.choice(_WORDS)}](http://s{c.randrange(10_000)}.example/) "
        f"`{c.choice(_WORDS)}[{c.randrange(9)}]`\n"
    ),
    "emoji": lambda c: "".join(chr(0x1F600 + c.randrange(64)) for _ in range(10)) + " ",
    "Cyrillic": lambda c: " ".join(c.choices(_RUSSIAN, k=8)) + ". ",
}


def long_text(shape: str, size: int, seed: int) -> str:
    """Return a text of about `size` bytes in UTF-8 (never more)."""
    choice, parts, held = random.Random(seed), [], 0
    while held < size:
        parts.append(SHAPES[shape](choice))
        held += len(parts[-1].encode())
    return "".join(parts).encode()[:size].decode("utf-8", "ignore")
