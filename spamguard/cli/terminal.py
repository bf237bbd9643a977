"""Terminal output: colours, wrapping, bars, tables, reasons in a few words.

Everything is readable without colour, and in ASCII where the terminal has no Unicode.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, TextIO

from spamguard.display import one_line, percent
from spamguard.features import name_of

if TYPE_CHECKING:
    from spamguard.evaluation import Promise
    from spamguard.verdict import Reason, Verdict

MAX_WIDTH: Final = 96
"""Longer lines are hard to read, however wide the window."""

MIN_WIDTH: Final = 40
"""Narrower windows wrap by themselves."""

_STYLES: Final = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "bold red": "1;31",
    "bold yellow": "1;33",
}
_COLOURS: Final = {"ham": "green", "unsure": "yellow", "spam": "bold red"}
_ASCII: Final = str.maketrans(
    {"“": '"', "”": '"', "…": "...", "█": "#", "░": "-", "–": "-", "≥": ">="}
)
_BAR: Final = 6


def promise_words(promise: Promise) -> str:
    """Return a promise in words.

    Examples
    --------
    >>> from spamguard.evaluation.thresholds import Promise
    >>> promise_words(Promise("max_ham_lost", 0.001))
    'at most 0.1 % of real comments lost, with 95 % confidence'
    """
    percents = f"{100 * promise.value:.6g} %"
    said = (
        f"at most {percents} of real comments lost"
        if promise.kind == "max_ham_lost"
        else f"at least {percents} of what is caught is spam"
    )
    return f"{said}, with {100 * promise.confidence:g} % confidence"


def bar(contribution: float) -> str:
    """Return a bar of up to six characters, full for spam and light for ham."""
    length = min(_BAR, max(1, round(abs(contribution) * 2)))
    return ("█" if contribution > 0 else "░") * length


# --- cells ------------------------------------------------------------------------


def cell_len(text: str) -> int:
    """Return the width of `text` in terminal cells.

    Examples
    --------
    >>> cell_len("word"), cell_len("大丈夫"), cell_len("e\u0301")
    (4, 6, 1)
    """
    return len(text) if text.isascii() else sum(map(_cells, text))


def _cells(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def wrap(words: str, width: int) -> list[str]:
    """Break `words` into lines of at most `width` cells, between words where that is possible.

    Examples
    --------
    >>> wrap("one two three", 7)
    ['one two', 'three']
    """
    lines, line = [], ""
    for word in words.split():
        joined = f"{line} {word}" if line else word
        if cell_len(joined) <= width:
            line = joined
            continue
        if line:
            lines.append(line)
        while cell_len(word) > width:
            head = _fitting(word, width) or word[0]
            lines.append(head)
            word = word[len(head) :]
        line = word
    return [*lines, line] if line or not lines else lines


def _fitting(text: str, room: int) -> str:
    """Return the start of `text` that fits into `room` cells."""
    taken = 0
    for position, character in enumerate(text):
        taken += _cells(character)
        if taken > room:
            return text[:position]
    return text


def _cut(words: str, room: int) -> str:
    """Return the start of `words` that fits into `room` cells, cut between words if possible."""
    if cell_len(words) <= room:
        return words.rstrip()
    kept = _fitting(words, room)
    # A word that fills most of the line is cut, or hardly anything would be left.
    whole = kept.rpartition(" ")[0].rstrip(" ,;:")
    return whole if len(whole) > len(kept) * 2 // 3 else kept.rstrip()


# --- reasons in a few words -------------------------------------------------------


class ReasonGroup(NamedTuple):
    """Reasons that belong together: their sum, and what they say."""

    contribution: float
    words: str


_BLOCKS: Final = {
    "ngrams_text": "words such as",
    "ngrams_rest": "words such as",
    "ngrams_author": "the name, in parts such as",
    "ngrams_hosts": "the addresses, in parts such as",
    "ngrams_anchors": "words of links such as",
}
_ASIDE: Final = re.compile(r" \((?:log scale|cosine)\)")
_QUOTED: Final = re.compile(r"“([^”]+)”")


def group_reasons(reasons: Iterable[Reason], known: str = "") -> list[ReasonGroup]:
    """Group `reasons` for display, strongest first; the sums cover all of them.

    Single words form one group, as do features with the same evidence and sign. Evidence
    is quoted unless `known`, which is already on the screen, contains it.
    """
    blocks: defaultdict[str, list[Reason]] = defaultdict(list)
    things: defaultdict[object, list[Reason]] = defaultdict(list)
    for reason in reasons:
        if reason.feature in _BLOCKS:
            blocks[_BLOCKS[reason.feature]].append(reason)
        else:
            seen = reason.evidence.partition(": “")[2] or reason.feature
            things[seen, reason.contribution > 0].append(reason)
    found = [_of_words(words, group) for words, group in blocks.items()]
    found += [_of_thing(group, known) for group in things.values()]
    return sorted(found, key=lambda each: -abs(each.contribution))


def strongest(groups: Sequence[ReasonGroup], most: int, for_spam: bool) -> list[ReasonGroup]:
    """Return the `most` strongest, with at least one on the verdict's side if possible."""
    chosen = list(groups[:most])
    agreeing = [each for each in groups if (each.contribution > 0) == for_spam]
    if chosen and agreeing and agreeing[0] not in chosen:
        chosen[-1] = agreeing[0]
    return chosen


def _of_words(words: str, group: list[Reason]) -> ReasonGroup:
    total = sum(reason.contribution for reason in group)
    pulling = sorted(
        (reason for reason in group if reason.contribution * total > 0),
        key=lambda reason: -abs(reason.contribution),
    )
    quoted = [seen for reason in pulling for seen in _QUOTED.findall(reason.evidence)]
    bare = (word.strip(".,;:!?…()[]<>'\"`*").lower() for word in quoted)
    names = [word for word in dict.fromkeys(bare) if word][:9]
    # Among the strongest, long words are more informative than "the" and "it".
    names.sort(key=lambda word: word.isascii() and len(word) < 4)
    return ReasonGroup(total, f"{words} {_listed(names[:3])}" if names else "many words together")


def _of_thing(group: list[Reason], known: str) -> ReasonGroup:
    total = sum(reason.contribution for reason in group)
    parts = [reason.evidence.partition(": “") for reason in group]
    meanings = [_ASIDE.sub("", part[0]).replace("no sign of: ", "no sign of ") for part in parts]
    words = "; ".join(meanings[:2])
    if len(meanings) > 2:
        words += f"; {len(meanings) - 2} more like these"
    seen = [word for word in _QUOTED.findall(f"“{parts[0][2]}") if word not in known]
    return ReasonGroup(total, f"{words}: {_listed(seen[:3])}" if seen else words)


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"“{word}”" for word in words)


# --- the screen -------------------------------------------------------------------


class Screen:
    """Lines of text on a terminal, in a pipe or in a file."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        if isinstance(self._stream, io.TextIOWrapper):
            # Characters that the terminal cannot show become question marks.
            self._stream.reconfigure(errors="replace")
        self._coloured = self._stream.isatty() and not os.environ.get("NO_COLOR")
        self.unicode = (self._stream.encoding or "utf-8").lower().startswith("utf")
        self.width = max(MIN_WIDTH, min(shutil.get_terminal_size().columns, MAX_WIDTH))

    def line(self, *parts: str | tuple[str, str], indent: int = 0) -> None:
        """Print one line of plain and styled parts; a longer one is cut."""
        pieces = [(" " * indent, "")]
        pieces += [(part, "") if isinstance(part, str) else part for part in parts]
        pieces = [(self._spelt(words), style) for words, style in pieces]
        whole, dots = "".join(words for words, _ in pieces), ""
        if cell_len(whole) > self.width:
            dots = self._spelt(" …")
            whole = _cut(whole, self.width - len(dots))
        left, shown = len(whole.rstrip()), []
        for words, style in pieces:
            shown.append(self._styled(words[:left], style))
            left -= len(words[:left])
        print("".join(shown) + dots, file=self._stream)

    def paragraph(self, words: str, indent: int = 0, most: int = 0, style: str = "") -> None:
        """Print `words` over several lines, or the first `most` of them."""
        room = self.width - indent
        lines = wrap(self._spelt(one_line(words)), room)
        if most and len(lines) > most:
            dots = self._spelt(" …")
            lines[most - 1 :] = [_cut(lines[most - 1], room - len(dots)) + dots]
        for line in lines:
            self.line((line, style), indent=indent)

    def text(self, words: str) -> None:
        """Print a text of several lines unchanged."""
        for line in words.rstrip().splitlines():
            print(self._spelt(line), file=self._stream)

    def field(self, name: str, words: str, room: int = 18) -> None:
        """Print a name and its value beside it."""
        for line in wrap(self._spelt(one_line(words)), self.width - room - 2):
            self.line(f"{name:<{room}}{line}", indent=2)
            name = ""

    def table(
        self, head: Sequence[str], rows: Sequence[Sequence[str]], left: Sequence[str]
    ) -> None:
        """Print rows under their column names; the columns in `left` are left-aligned."""
        widths = [max(map(cell_len, column)) for column in zip(head, *rows, strict=True)]
        for number, row in enumerate((head, *rows)):
            cells = []
            for name, cell, width in zip(head, row, widths, strict=True):
                space = " " * (width - cell_len(cell))
                cells.append(cell + space if name in left else space + cell)
            self.line(("  ".join(cells), "bold" if number == 0 else ""))

    def verdict_line(self, verdict: Verdict, about: str) -> None:
        """Print the spam probability, the label and the subject."""
        label = f"{verdict.label} (discard)" if verdict.discard else verdict.label
        self.line(
            f"{percent(verdict.spam_probability):>5}  ",
            (f"{label:<6}", _COLOURS[verdict.label]),
            f"  {one_line(about)}" if about else "",
        )

    def reasons(self, verdict: Verdict, most: int, known: str = "", indent: int = 7) -> None:
        """Print the `most` strongest groups of reasons, each with a bar."""
        groups = group_reasons(verdict.reasons, known) if most else []
        for group in strongest(groups, most, verdict.label == "spam"):
            colour = "red" if group.contribution > 0 else "green"
            drawn = f"{group.contribution:+.1f}  {bar(group.contribution):<{_BAR}}  "
            room = self.width - indent - len(drawn)
            for number, line in enumerate(wrap(self._spelt(one_line(group.words)), room)):
                before = (drawn, colour) if number == 0 else " " * len(drawn)
                self.line(before, line, indent=indent)

    def language(self, verdict: Verdict) -> None:
        """Print a warning if the model has not learned the comment's language."""
        if not verdict.language_known:
            name = name_of(verdict.language)
            words = f"written in {name}, which {verdict.model} has not learned: never called spam"
            self.paragraph(words, indent=7)

    def _spelt(self, words: str) -> str:
        return words if self.unicode else words.translate(_ASCII)

    def _styled(self, words: str, style: str) -> str:
        if not (style and words and self._coloured):
            return words
        return f"\x1b[{_STYLES[style]}m{words}\x1b[0m"
