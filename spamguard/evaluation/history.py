"""A site's past comments, scored in order and compared with the decisions of the time.

`replay` shows what a model would have caught and lost. `Shadow` compares two models on
comments as they arrive. Neither changes anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final

from spamguard.comment import Comment, as_comment
from spamguard.model import SpamModel
from spamguard.verdict import Label, Verdict

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Month", "Replay", "Shadow", "Tally", "replay"]

_BATCH: Final = 500


@dataclass(slots=True)
class Tally:
    """Past decisions, by the label the model gives.

    Parameters
    ----------
    ham, spam, unlabelled : dict of label to int
        Comments published, removed as spam, and without a known decision.
    """

    ham: dict[Label, int] = field(default_factory=lambda: {"ham": 0, "unsure": 0, "spam": 0})
    spam: dict[Label, int] = field(default_factory=lambda: {"ham": 0, "unsure": 0, "spam": 0})
    unlabelled: dict[Label, int] = field(default_factory=lambda: {"ham": 0, "unsure": 0, "spam": 0})

    def count(self, decision: str | None, label: Label) -> None:
        """Count one comment, by its past decision and the model's label."""
        side = {"ham": self.ham, "spam": self.spam}.get(decision or "", self.unlabelled)
        side[label] += 1


Month = str
"""Year and month (``2024-03``); empty without a date."""


@dataclass(frozen=True, slots=True)
class Replay:
    """What `replay` found.

    Parameters
    ----------
    disagreements : list of tuple
        Row of the frame (from 0), past decision and verdict, for spam that the model
        misses and ham that it calls spam.
    """

    total: Tally
    months: dict[Month, Tally]
    disagreements: list[tuple[int, str, Verdict]]


def replay(
    frame: pd.DataFrame,
    model: SpamModel,
    *,
    watch: Callable[[str, int, int], None] | None = None,
) -> Replay:
    """Score a site's past as if `model` had been in use.

    Parameters
    ----------
    frame : DataFrame
        A corpus as `spamguard.corpus.read_corpus` returns it; ``label`` is the past
        decision. Each comment is scored with the earlier ones under its post.
    watch : callable, optional
        Called with a stage, the comments done and the total.
    """
    from spamguard.corpus import comments_of

    ordered = _in_order(frame)
    comments = comments_of(frame.iloc[ordered], thread=True)
    labels = frame["label"].where(frame["label"].notna(), None).tolist()
    dates = frame["date"].where(frame["date"].notna(), None).tolist()
    found = Replay(Tally(), {}, [])
    for done, (row, verdict) in enumerate(zip(ordered, _verdicts(model, comments), strict=True), 1):
        decision = labels[row]
        month = str(dates[row] or "")[:7]
        for tally in (found.total, found.months.setdefault(month, Tally())):
            tally.count(decision, verdict.label)
        if (decision, verdict.label) in (("spam", "ham"), ("ham", "spam")):
            found.disagreements.append((row, str(decision), verdict))
        if watch is not None and (done % _BATCH == 0 or done == len(ordered)):
            watch("comments", done, len(ordered))
    return found


def _in_order(frame: pd.DataFrame) -> list[int]:
    import pandas as pd

    dates = pd.to_datetime(frame["date"], errors="coerce", utc=True, format="mixed")
    order = pd.Series(range(len(frame)), dates).sort_index(kind="stable", na_position="last")
    return [int(row) for row in order.tolist()]


def _verdicts(model: SpamModel, comments: Iterable[Comment]) -> Iterator[Verdict]:
    remaining = iter(comments)
    while batch := list(islice(remaining, _BATCH)):
        yield from model.verdicts(batch)


@dataclass(slots=True)
class Shadow:
    """A candidate model that runs beside the model in use and decides nothing.

    Parameters
    ----------
    model : SpamModel
        The one in use.
    tell : callable, optional
        Called with the comment and both verdicts where their labels differ.
    seen, differed : int, default 0
        Comments scored so far, and how many of them got different labels.
    """

    model: SpamModel
    candidate: SpamModel
    tell: Callable[[Comment, Verdict, Verdict], None] | None = None
    seen: int = 0
    differed: int = 0

    def score(self, comment: Comment | str) -> Verdict:
        """Return the verdict of the model in use, and compare it with the candidate's."""
        given = as_comment(comment)
        verdict = self.model.verdict(given)
        other = self.candidate.verdict(given)
        self.seen += 1
        if other.label != verdict.label:
            self.differed += 1
            if self.tell is not None:
                self.tell(given, verdict, other)
        return verdict
