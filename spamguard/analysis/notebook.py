"""What a notebook shows of a verdict, a model and a report: HTML that is safe to look at.

Comments are hostile. Everything that was written by somebody is escaped, no
address becomes a link, characters that turn the writing around are dropped,
nothing is typeset as a formula, which may hold links, and nothing is loaded
from anywhere: no script, no style sheet, no font, no picture but those that
stand in the page itself.
"""

from __future__ import annotations

import html
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from spamguard.features import FAMILIES
from spamguard.placing import Placed, Word, placed_for
from spamguard.printing import percent

if TYPE_CHECKING:
    from spamguard.comment import Comment
    from spamguard.model import SpamModel
    from spamguard.verdict import Reason, Verdict

# Told apart by people who see few colours (Okabe and Ito); the sign says the same.
_SPAM, _HAM, _UNSURE = "213,94,0", "0,114,178", "150,120,0"
_LABELS: Final = {"spam": _SPAM, "ham": _HAM, "unsure": _UNSURE}
_MOST_REASONS: Final = 8
_MOST_LETTERS: Final = 200
_BOX: Final = "max-width:60em;line-height:1.5;font-family:sans-serif;font-size:13px"
# Told to leave it alone: MathJax 2 by the first name, MathJax 3 by the second.
_OPEN: Final = f'<div class="tex2jax_ignore mathjax_ignore" style="{_BOX}">'
_CELL: Final = "padding:1px 8px 1px 0;text-align:left;vertical-align:middle;border:none"
_TABLE: Final = "border-collapse:collapse;margin:4px 0;font-size:inherit"


def safe(text: str, most: int = _MOST_LETTERS) -> str:
    """Return `text` as HTML that shows it and does nothing else.

    Examples
    --------
    >>> safe("<b>http://a.example</b>")
    '&lt;b&gt;http:<wbr>//a.example&lt;/b&gt;'
    """
    cut = text[: most + 1]
    if len(cut) > most:
        cut = f"{cut[:most]}…"
    kept = (" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in cut)
    # Direction marks, halves of characters and private ones say nothing to a reader.
    shown = "".join(c for c in kept if unicodedata.category(c)[0] != "C" or c in "\u200c\u200d")
    # A break that nobody sees keeps programs from making links of addresses.
    page = html.escape(shown).replace("://", ":<wbr>//").replace("www.", "www<wbr>.")
    # A delimiter of a formula is one only where all of it stands in one element.
    return page.replace("$", "<span>$</span>").replace("\\", "<span>\\</span>")


# --- a verdict --------------------------------------------------------------------


def verdict_html(verdict: Verdict, model: SpamModel, comment: Comment) -> str:
    """Return a verdict as HTML: label, the comment's words shaded, a bar for each family."""
    placed = placed_for(model, comment)
    parts = [
        _OPEN,
        _head(verdict),
        _shaded(placed.words),
        _sums(verdict, placed),
        _reasons(verdict.reasons),
        "</div>",
    ]
    return "".join(parts)


def _head(verdict: Verdict) -> str:
    label = f"{verdict.label} (discard)" if verdict.discard else verdict.label
    known = "" if verdict.language_known else ", which the model has not learned"
    language = f", language {safe(verdict.language)}{known}" if verdict.language else ""
    return (
        f'<div><span style="background:rgb({_LABELS[verdict.label]});color:#fff;padding:1px 8px;'
        f'border-radius:3px;font-weight:bold">{label}</span> '
        f"<b>{html.escape(percent(verdict.spam_probability))}</b> spam, log-odds "
        f"{verdict.log_odds:+.2f}, by {safe(verdict.model)}{language}</div>"
    )


def _shaded(words: Sequence[Word]) -> str:
    """Return the words, darker the more they add; underlined where they speak for spam."""
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


def _sums(verdict: Verdict, placed: Placed) -> str:
    sums = {"words of the text": placed.in_text} | placed.elsewhere
    ordered = sorted(sums.items(), key=lambda item: -abs(item[1]))
    rows = [("before anything is read", verdict.intercept), *ordered]
    longest = max(abs(value) for _, value in rows) or 1.0
    lines = [
        f'<tr style="background:none"><td style="{_CELL}">{safe(name)}</td>'
        f'<td style="{_CELL};text-align:right">{value:+.2f}</td>'
        f'<td style="{_CELL};width:240px">{_bar(value / longest)}</td></tr>'
        for name, value in rows
    ]
    total = (
        f'<tr style="background:none;font-weight:bold"><td style="{_CELL}">log-odds</td>'
        f'<td style="{_CELL};text-align:right">{verdict.log_odds:+.2f}</td>'
        f'<td style="{_CELL}">{html.escape(percent(verdict.spam_probability))} spam</td></tr>'
    )
    return f'<table style="{_TABLE}">{"".join(lines)}{total}</table>'


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


def _reasons(reasons: Sequence[Reason]) -> str:
    lines = [
        f"<li>{r.contribution:+.2f} <code>{safe(r.feature)}</code> {safe(r.evidence)}</li>"
        for r in reasons[:_MOST_REASONS]
    ]
    if not lines:
        return ""
    return (
        f"<details><summary>the strongest of {len(reasons)} reasons</summary>"
        f'<ul style="margin:2px 0">{"".join(lines)}</ul></details>'
    )


# --- a model ----------------------------------------------------------------------

_MOST_WEIGHTS: Final = 5


def model_html(model: SpamModel) -> str:
    """Return a model as HTML: thresholds, calibration, what it learned from, top weights."""
    parts = [
        f"{_OPEN}<b>{safe(model.title)}</b>: log-odds {model.intercept:+.2f} before a "
        f"comment is read, {100 * model.prior:.0f} % spam assumed",
        table(["label", "from probability", "log-odds"], _cut_rows(model)),
        table(["of the training", ""], card_rows(model.about)),
        table(["family", "weights of its features, the strongest first"], _weight_rows(model)),
        "</div>",
    ]
    return "".join(parts)


def model_text(model: SpamModel) -> str:
    """Return the same in plain text."""
    cuts = ", ".join(
        f"{name} {'never' if value == 'never' else f'from {value}'}"
        for name, value, _ in _cut_rows(model)
    )
    lines = [model.title, f"  {cuts} (probability, {100 * model.prior:.0f} % spam assumed)"]
    lines += (f"  {name}: {value}" for name, value in card_rows(model.about))
    lines += (f"  {family}: {weights}" for family, weights in _weight_rows(model))
    return "\n".join(lines)


def _cut_rows(model: SpamModel) -> list[list[str]]:
    cuts = {"unsure": model.cuts.unsure, "spam": model.cuts.spam, "discard": model.cuts.discard}
    return [
        [name, "never" if cut is None else f"{1 / (1 + np.exp(-cut)):.3f}",
         "" if cut is None else f"{cut:+.2f}"]
        for name, cut in cuts.items()
    ]  # fmt: skip


def card_rows(about: Mapping[str, Any]) -> list[list[str]]:
    """Return what a model tells of its training, a row each: name and value."""
    rows = []
    if isinstance(about.get("trained_on"), str):
        rows.append(["learned from", about["trained_on"]])
    figures = about.get("figures")
    for name, value in figures.items() if isinstance(figures, Mapping) else ():
        if isinstance(value, int | float):
            rows.append([f"{str(name).replace('_', ' ')}, held out", f"{100 * value:.1f} %"])
    calibration = about.get("calibration")
    if isinstance(calibration, Mapping):
        told = (f"{k} {v:.2f}" for k, v in calibration.items() if isinstance(v, int | float))
        rows.append(["calibration (in the weights)", ", ".join(told)])
    return rows


def top_weights(model: SpamModel, most: int = _MOST_WEIGHTS) -> dict[str, list[tuple[str, float]]]:
    """Return the features of each family whose weights reach furthest, the furthest first.

    The figure is the weight times the width of the feature's range: the most
    that the feature can add to the log-odds, or take away.
    """
    found, start = {}, 0
    for family, features in FAMILIES.items():
        weights = model.dense_weights[start : start + len(features)].tolist()
        start += len(features)
        reach = [(f.name, w * (f.high - f.low)) for f, w in zip(features, weights, strict=True)]
        reach.sort(key=lambda pair: -abs(pair[1]))
        found[family] = [pair for pair in reach[:most] if pair[1]]
    return found


def _weight_rows(model: SpamModel) -> list[list[str]]:
    rows = [
        [family, ", ".join(f"{name} {reach:+.1f}" for name, reach in pairs)]
        for family, pairs in top_weights(model).items()
    ]
    used = model.ngram_weights[model.ngram_weights != 0]
    spread = float(np.sqrt(np.mean(used.astype(float) ** 2))) if len(used) else 0.0
    told = (
        f"{len(used):,} of {len(model.ngram_weights):,} buckets in use, typical weight {spread:.2f}"
    )
    return [*rows, ["n-grams", told]]


# --- tables -----------------------------------------------------------------------


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return cells as an HTML table; all of them are escaped."""
    lines = [
        f'<tr style="background:none">{"".join(_cell("td", cell) for cell in row)}</tr>'
        for row in rows
    ]
    if not lines:
        return ""
    names = "".join(_cell("th", name) for name in head)
    return (
        f'<table style="{_TABLE}"><tr style="background:none">{names}</tr>{"".join(lines)}</table>'
    )


def _cell(kind: str, text: str) -> str:
    return f'<{kind} style="{_CELL}">{safe(str(text), 1_000)}</{kind}>'


def report_html(title: str, tables: Iterable[str], pictures: Iterable[bytes]) -> str:
    """Return a report as HTML: its tables, then its pictures, which are PNG."""
    from base64 import b64encode

    shown = "".join(
        f'<img alt="" src="data:image/png;base64,{b64encode(picture).decode()}">'
        for picture in pictures
    )
    return f"{_OPEN}<b>{safe(title)}</b>{''.join(tables)}{shown}</div>"


def markdown_tables(text: str) -> list[str]:
    """Return a page of Markdown tables, and the lines between them, as HTML."""
    pieces: list[str] = []
    rows: list[list[str]] = []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            # A bar within a cell stands behind a backslash.
            cells = line.strip("|").replace("\\|", "\0").split("|")
            rows.append([cell.strip().replace("\0", "|").replace("**", "") for cell in cells])
            continue
        if rows:
            pieces.append(table(rows[0], rows[2:]))
            rows = []
        if line:
            pieces.append(f"<div>{safe(line)}</div>")
    return pieces
