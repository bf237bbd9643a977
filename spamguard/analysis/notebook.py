"""Notebook views: a comment's words shaded by contribution, and reports."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from spamguard.comment import Comment, Post, as_comment
from spamguard.display import box, cell, grid, safe, table
from spamguard.explaining import Shading, Word
from spamguard.model import SpamModel
from spamguard.scoring import model_of
from spamguard.verdict import Verdict

# A colour-blind-safe pair (Okabe and Ito); the sign carries the same information.
_SPAM, _HAM = "213,94,0", "0,114,178"


@dataclass(frozen=True, slots=True)
class Highlight:
    """A verdict and the contribution of each word; a notebook shows it in colour."""

    verdict: Verdict
    shading: Shading

    def __str__(self) -> str:
        return str(self.verdict)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(str(self))

    def _repr_html_(self) -> str:
        return box(
            self.verdict._repr_html_(),
            _shaded(self.shading.words),
            _sums(self.verdict, self.shading),
        )


def highlight(
    comment: Comment | str,
    post: Post | str | None = None,
    *,
    model: SpamModel | str | os.PathLike[str] | None = None,
) -> Highlight:
    """Score a comment and show which of its words the verdict comes from.

    Parameters and errors are those of `spamguard.score`. At the end of a cell, the
    result shows words darker the more they add, and a bar for each family.
    """
    chosen, given = model_of(model), as_comment(comment, post)
    return Highlight(chosen.verdict(given), chosen.shading(given))


def _shaded(words: Sequence[Word]) -> str:
    """Return the words, darker the more they add; underlined for spam, dotted for ham."""
    if not words:
        return "<div><i>no words to read</i></div>"
    pieces = []
    for word in words:
        strength = min(1.0, abs(word.contribution)) ** 0.5
        text = safe(word.text)
        if strength >= 0.1:
            colour = _SPAM if word.contribution > 0 else _HAM
            line = "solid" if word.contribution > 0 else "dotted"
            text = (
                f'<span title="{word.contribution:+.2f}" style="background:rgba({colour},'
                f'{0.6 * strength:.2f});border-bottom:2px {line} rgba({colour},{strength:.2f})">'
                f"{text}</span>"
            )
        pieces.append(text + ("<br>" if word.ends_line else " "))
    return (
        '<div style="margin:6px 0;padding:6px;border:1px solid rgba(128,128,128,.4);'
        f'overflow:hidden;overflow-wrap:anywhere;unicode-bidi:isolate">{"".join(pieces)}</div>'
        '<div style="font-size:11px">as the model reads it; underlined: for spam, dotted: for ham'
        "</div>"
    )


def _sums(verdict: Verdict, shading: Shading) -> str:
    sums = {"words of the text": shading.in_text} | shading.elsewhere
    ordered = sorted(sums.items(), key=lambda item: -abs(item[1]))
    rows = [("before anything is read", verdict.intercept), *ordered]
    longest = max(abs(value) for _, value in rows) or 1.0
    lines = [
        cell(safe(name)) + _number(value) + cell(_bar(value / longest), ";width:240px")
        for name, value in rows
    ]
    return grid([*lines, cell("<b>log-odds</b>") + _number(verdict.log_odds) + cell("")])


def _number(value: float) -> str:
    return cell(f"{value:+.2f}", ";text-align:right")


def _bar(share: float) -> str:
    """Return a bar from the middle: to the right for spam, to the left for ham."""
    width = 50 * min(1.0, abs(share))
    left = 50.0 if share > 0 else 50 - width
    colour = _SPAM if share > 0 else _HAM
    return (
        '<div style="position:relative;height:12px;background:rgba(128,128,128,.15)">'
        f'<div style="position:absolute;left:{left:.1f}%;width:{width:.1f}%;height:12px;'
        f'background:rgb({colour})"></div></div>'
    )


# --- reports ----------------------------------------------------------------------


def report_html(title: str, tables: Iterable[str], pictures: Iterable[bytes]) -> str:
    """Return a report as HTML: its tables, then its PNG pictures."""
    from base64 import b64encode

    shown = "".join(
        f'<img alt="" src="data:image/png;base64,{b64encode(picture).decode()}">'
        for picture in pictures
    )
    return box(f"<b>{safe(title)}</b>", *tables, shown)


def markdown_tables(text: str) -> list[str]:
    """Return a page of Markdown tables and plain lines as HTML."""
    pieces: list[str] = []
    rows: list[list[str]] = []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            # A backslash escapes a bar within a cell.
            cells = line.strip("|").replace("\\|", "\0").split("|")
            rows.append([cell.strip().replace("\0", "|").replace("**", "") for cell in cells])
            continue
        if rows:
            pieces.append(table(rows[0], rows[2:]))
            rows = []
        if line:
            pieces.append(f"<div>{safe(line)}</div>")
    return pieces
