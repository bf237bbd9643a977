"""What a person sees of a verdict: percent, bars, reasons in a few words.

Everything is readable without colour and, where the terminal has no Unicode,
in ASCII.
"""

from __future__ import annotations

import io
import re
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, TextIO

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from spamguard.features import name_of

if TYPE_CHECKING:
    from spamguard.evaluation import Promise
    from spamguard.verdict import Reason, Verdict

MAX_WIDTH: Final = 96
"""Longer lines are hard to read, however wide the window."""

MIN_WIDTH: Final = 40
"""Narrower windows wrap by themselves."""

_COLOURS: Final = {"ham": "green", "unsure": "yellow", "spam": "bold red"}
_ASCII: Final = str.maketrans(
    {"“": '"', "”": '"', "…": "...", "█": "#", "░": "-", "–": "-", "≥": ">="}
)
_BAR: Final = 6


def percent(probability: float) -> str:
    """Return `probability` for a person: never 0 % or 100 %, which nobody can know.

    Examples
    --------
    >>> percent(0.987), percent(0.00001), percent(0.999999)
    ('99 %', '<1 %', '>99 %')
    """
    if probability < 0.005:
        return "<1 %"
    return ">99 %" if probability >= 0.995 else f"{probability:.0%}".replace("%", " %")


def share(value: float) -> str:
    """Return a share from 0 to 1 as measured, in percent.

    Examples
    --------
    >>> share(0.8746), share(0.0)
    ('87.5 %', '0.0 %')
    """
    return f"{100 * value:.1f} %"


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


def one_line(text: str) -> str:
    """Return `text` in one line without the characters that could command a terminal."""
    # Cs and Co stay out too: half a character cannot be printed, a private one means nothing.
    kept = (" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text[:4_000])
    return " ".join("".join(c for c in kept if unicodedata.category(c)[0] != "C").split())


def bar(contribution: float) -> str:
    """Return a bar of up to six signs: full ones speak for spam, light ones for ham."""
    length = min(_BAR, max(1, round(abs(contribution) * 2)))
    return ("█" if contribution > 0 else "░") * length


# --- reasons in a few words -------------------------------------------------------


class Told(NamedTuple):
    """Reasons that belong together: what they add up to, and what they say."""

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


def told(reasons: Iterable[Reason], known: str = "") -> list[Told]:
    """Gather `reasons` for a person, strongest first; nothing is left out of the sums.

    Single words become one reason, their balance. Named features that saw the
    very same thing and pull the same way become one. What was seen is quoted
    unless it is in `known`, which the person has just read.
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


def strongest(gathered: Sequence[Told], most: int, for_spam: bool) -> list[Told]:
    """Return the `most` strongest, at least one of them on the verdict's side if any is."""
    chosen = list(gathered[:most])
    agreeing = [each for each in gathered if (each.contribution > 0) == for_spam]
    if chosen and agreeing and agreeing[0] not in chosen:
        chosen[-1] = agreeing[0]
    return chosen


def _of_words(words: str, group: list[Reason]) -> Told:
    total = sum(reason.contribution for reason in group)
    pulling = sorted(
        (reason for reason in group if reason.contribution * total > 0),
        key=lambda reason: -abs(reason.contribution),
    )
    quoted = [seen for reason in pulling for seen in _QUOTED.findall(reason.evidence)]
    bare = (word.strip(".,;:!?…()[]<>'\"`*").lower() for word in quoted)
    names = [word for word in dict.fromkeys(bare) if word][:9]
    # Of the strongest, long words say more to a person than "the" and "it".
    names.sort(key=lambda word: word.isascii() and len(word) < 4)
    return Told(total, f"{words} {_listed(names[:3])}" if names else "many words together")


def _of_thing(group: list[Reason], known: str) -> Told:
    total = sum(reason.contribution for reason in group)
    parts = [reason.evidence.partition(": “") for reason in group]
    meanings = [_ASIDE.sub("", part[0]).replace("no sign of: ", "no sign of ") for part in parts]
    words = "; ".join(meanings[:2])
    if len(meanings) > 2:
        words += f"; {len(meanings) - 2} more like these"
    seen = [word for word in _QUOTED.findall(f"“{parts[0][2]}") if word not in known]
    return Told(total, f"{words}: {_listed(seen[:3])}" if seen else words)


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"“{word}”" for word in words)


# --- the screen -------------------------------------------------------------------


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to the caller that nobody reads on: no failure, as in ``| head``."""
        raise BrokenPipeError


class Screen:
    """Lines for a person, on a terminal, in a pipe or in a file."""

    def __init__(self, stream: TextIO | None = None) -> None:
        stream = stream or sys.stdout
        if isinstance(stream, io.TextIOWrapper):
            # What the terminal cannot show becomes a question mark, never a crash.
            stream.reconfigure(errors="replace")
        self.console = _Console(file=stream, highlight=False, emoji=False, markup=False)
        self.unicode = self.console.encoding.startswith("utf")
        self.width = max(MIN_WIDTH, min(self.console.width, MAX_WIDTH))

    def line(self, *parts: str | tuple[str, str], indent: int = 0) -> None:
        """Print one line of plain and styled parts; a longer one is cut."""
        text = Text(" " * indent)
        for part in parts:
            words, style = (part, "") if isinstance(part, str) else part
            text.append(self._spelt(words), style)
        if cell_len(text.plain) > self.width:
            dots = self._spelt(" …")
            kept = self._cut(text.plain, self.width - len(dots))
            text.right_crop(len(text.plain) - len(kept))
            text.append(dots)
        text.rstrip()
        self.console.print(text, soft_wrap=True)

    def paragraph(self, words: str, indent: int = 0, most: int = 0, style: str = "") -> None:
        """Print `words` over several lines, or the first `most` of them."""
        text = Text(self._spelt(one_line(words)))
        room = self.width - indent
        lines = [line.plain.rstrip() for line in text.wrap(self.console, room)]
        if most and len(lines) > most:
            dots = self._spelt(" …")
            last = self._cut(lines[most - 1], room - len(dots))
            lines[most - 1 :] = [last + dots]
        for line in lines:
            self.line((line, style), indent=indent)

    def text(self, words: str) -> None:
        """Print a text of several lines as it stands."""
        for line in words.rstrip().splitlines():
            self.console.print(Text(self._spelt(line)), soft_wrap=True)

    def field(self, name: str, words: str, room: int = 18) -> None:
        """Print a name and, beside it, what belongs to it."""
        text = Text(self._spelt(one_line(words)))
        for number, line in enumerate(text.wrap(self.console, self.width - room - 2)):
            self.line(f"{name if number == 0 else '':<{room}}{line.plain}", indent=2)

    def verdict_line(self, verdict: Verdict, about: str) -> None:
        """Print how likely spam is, the label, and what the verdict is about."""
        label = f"{verdict.label} (discard)" if verdict.discard else verdict.label
        self.line(
            f"{percent(verdict.spam_probability):>5}  ",
            (f"{label:<6}", _COLOURS[verdict.label]),
            f"  {one_line(about)}" if about else "",
        )

    def reasons(self, verdict: Verdict, most: int, known: str = "", indent: int = 7) -> None:
        """Print the `most` strongest reasons, gathered, each with a bar."""
        gathered = told(verdict.reasons, known) if most else []
        for reason in strongest(gathered, most, verdict.label == "spam"):
            colour = "red" if reason.contribution > 0 else "green"
            drawn = f"{reason.contribution:+.1f}  {bar(reason.contribution):<{_BAR}}  "
            text = Text(self._spelt(one_line(reason.words)))
            lines = text.wrap(self.console, self.width - indent - len(drawn))
            for number, line in enumerate(lines):
                before = (drawn, colour) if number == 0 else " " * len(drawn)
                self.line(before, line.plain, indent=indent)

    def language(self, verdict: Verdict) -> None:
        """Print that the comment's language is one the model does not know, if it is."""
        if not verdict.language_known:
            name = name_of(verdict.language)
            words = f"written in {name}, which {verdict.model} has not learned: never called spam"
            self.paragraph(words, indent=7)

    def _spelt(self, words: str) -> str:
        return words if self.unicode else words.translate(_ASCII)

    @staticmethod
    def _cut(words: str, room: int) -> str:
        """Return the words that fit into `room` cells."""
        if cell_len(words) <= room:
            return words.rstrip()
        kept = set_cell_size(words, room)
        # Not in the middle of a word, unless the word is most of the line.
        whole = kept.rpartition(" ")[0].rstrip(" ,;:")
        return whole if len(whole) > len(kept) * 2 // 3 else kept.rstrip()
