"""Throw random texts at the vectorizer until the time is up; any error or stall ends the run.

    python -m benchmarks.fuzz [MINUTES] [SEED]

Texts are made of pieces that mean something to the lexer, of random characters, and of
cuts and repetitions of both. With SPAMGUARD_INTERPRETED=1 the sources are tried instead of
the compiled modules.
"""

from __future__ import annotations

import random
import sys
import time

import numpy as np

from spamguard import Comment, Post
from spamguard.features import COMPILED, Vectorizer

PIECES = (
    *"a B İ ı ſ K é ß й α 中 の 한 😀 0 1 9 ٣ ½ . , ! ? @ $ | / \\ < > & [ ] ( ) { } * _ ~ ` # + - = : ; ' \" ’ %".split(),
    *("\n", "\r\n", "\t", " ", "  ", "\x00", "\x0b", "\x1f", "\x7f", "\x85", "\u00a0", "\u3000", "\ufeff", "\u200b"),
    *("\u0301", "\u0301\u0301", "\u200d", "\ud800", "\udfff", "\U000e0041", "\uffff", "\U0010ffff", "\ufdfa", "𝓯", "Ａ"),
    *("http://", "https://", "www.", "a.example", ".com", " . com", " dot com", "(dot)", "[url=", "[/url]", "](", "![",
      "<a href=", "</a>", "<code>", "</code>", "<!--", "-->", "&amp;", "&#105;", "&#x110000;", "&#0;", "```", "~~",
      "c a s i n o", "v1agra", "+1 555 010 9999", "a@b.example", "cheap viagra", "казино", "赌场", "100% off", "xn--p1ai"),
)  # fmt: skip
LONGEST_STALL = 20.0  # seconds for one comment, on a slow machine


def text_of(rng: random.Random) -> str:
    """Return a random text."""
    parts: list[str] = []
    for _ in range(rng.randint(0, 40)):
        kind = rng.random()
        if kind < 0.7 or not parts:
            parts.append(rng.choice(PIECES))
        elif kind < 0.85:
            parts.append(chr(rng.randrange(0x110000)))
        else:
            parts.append((rng.choice(parts)[:100] * rng.choice((2, 3, 50, 3_000)))[:100_000])
    return "".join(parts)


def main() -> int:
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    rng = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    vectorizer = Vectorizer(12)
    end, tried, slowest = time.monotonic() + 60 * minutes, 0, 0.0
    while time.monotonic() < end:
        post = Post(text_of(rng), text_of(rng), text_of(rng)[:300], thread=[text_of(rng)])
        comment = Comment(text_of(rng), text_of(rng)[:300], text_of(rng)[:300], post=post)
        started = time.monotonic()
        rows = vectorizer.rows([comment])
        evidence = vectorizer.evidence(comment)
        slowest = max(slowest, time.monotonic() - started)
        assert slowest < LONGEST_STALL, ascii(comment)
        assert np.array_equal(evidence.values, rows.dense[0], equal_nan=True), ascii(comment)
        assert np.isfinite(rows.values).all(), ascii(comment)
        assert not np.isinf(rows.dense).any(), ascii(comment)
        tried += 1
    form = "compiled" if COMPILED else "interpreted"
    print(f"{form}: {tried:,} comments, no fault; the slowest took {slowest:.2f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
