"""The demo: one post of the sample, its comments, and what the model says of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from spamguard.cli.terminal import Screen, percent
from spamguard.comment import Comment
from spamguard.corpus import comments_of, load_sample
from spamguard.errors import InputError
from spamguard.features import plain_text
from spamguard.model import probability
from spamguard.scoring import default_model
from spamguard.verdict import Verdict

# Chosen by hand: its comments go from flattery and a copied sentence to pills,
# lookalike letters and a heap of links, among honest ones that name SEO, quote
# code, link to documentation and object.
FAVOURITE: Final = "p01"
MOST_REASONS: Final = 3

_START: Final = "before anything is read (probabilities assume that half of all comments are spam)"
_HOW: Final = "A reason of +1.0 makes the odds 2.7 times as high."
_NEXT: Final = (
    (
        'spamguard score "Great post! Visit http://pills.example" --explain',
        "judge a comment of your own",
    ),
    ("spamguard score --input comments.csv", "judge a whole file"),
    ("spamguard models default", "what the model learned from, how well it does"),
)


def show(post_id: str | None = None) -> None:
    """Print the demo for one post of the sample.

    Raises
    ------
    InputError
        If the sample has no such post.
    """
    frame = load_sample()
    chosen = frame[frame["post_id"] == (post_id or FAVOURITE)]
    if chosen.empty:
        known = sorted(frame["post_id"].unique())
        raise InputError(f"the sample has no such post; it has {known[0]} to {known[-1]}.")
    comments = comments_of(chosen)
    model = default_model()
    verdicts = [model.verdict(comment) for comment in comments]
    rows = chosen.to_dict("records")
    screen = Screen()
    _post(screen, rows[0])
    screen.line()
    screen.line(f"{len(rows)} comments, and how likely each is spam:")
    start = percent(probability(model.intercept))
    screen.paragraph(f"Each starts at {start}, {_START}. {_HOW}", style="dim")
    for row, comment, verdict in zip(rows, comments, verdicts, strict=True):
        screen.line()
        _comment(screen, row, comment, verdict)
    _summary(screen, [row["label"] for row in rows], verdicts)


def _post(screen: Screen, row: Mapping[Any, Any]) -> None:
    screen.line((row["post_title"], "bold"))
    screen.line((f"by {row['post_author']}, {row['post_url']}", "dim"))
    screen.line()
    screen.paragraph(plain_text(row["post_text"]), indent=2, most=4)


def _comment(screen: Screen, row: Mapping[Any, Any], comment: Comment, verdict: Verdict) -> None:
    address = f" <{comment.author_url}>" if comment.author_url else ""
    about = f"{comment.author or 'no name'}{address}"
    screen.verdict_line(verdict, about)
    screen.paragraph(comment.text, indent=7, most=2)
    if verdict.label != row["label"]:
        screen.line((f"(the sample says {row['label']})", "bold yellow"), indent=7)
    most = MOST_REASONS if verdict.label != "ham" else MOST_REASONS - 1
    screen.reasons(verdict, most, known=about)


def _summary(screen: Screen, labels: Iterable[str], verdicts: Iterable[Verdict]) -> None:
    found: Counter[tuple[str, str]] = Counter(
        (label, verdict.label) for label, verdict in zip(labels, verdicts, strict=True)
    )

    def side(label: str, right: str, wrong: str) -> str:
        other = "ham" if label == "spam" else "spam"
        total = sum(count for (given, _), count in found.items() if given == label)
        return (
            f"{total} {label}: {found[label, label]} {right}, "
            f"{found[label, 'unsure']} unsure, {found[label, other]} {wrong}"
        )

    screen.line()
    screen.line("-" * screen.width)
    screen.line("Of ", (side("spam", "caught", "missed"), "bold"), ".")
    screen.line("Of ", (side("ham", "kept", "blocked"), "bold"), ".")
    screen.paragraph(
        "The sample was written to show clear specimens of every kind. It is not a benchmark: "
        "nothing above tells how well the model does on a real blog."
    )
    screen.line()
    screen.line("Next:")
    for command, purpose in _NEXT:
        screen.line((command, "bold"), indent=2)
        screen.line(purpose, indent=6)
