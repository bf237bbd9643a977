"""``spamguard demo``: one post of the sample and its scored comments."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from spamguard.display import percent
from spamguard.errors import InputError

if TYPE_CHECKING:
    from spamguard.cli.terminal import Screen
    from spamguard.comment import Comment
    from spamguard.verdict import Verdict

# Chosen by hand: its spam goes from flattery and a copied sentence to pills, lookalike
# letters and many links; its ham mentions SEO, quotes code, links and objects.
FAVOURITE: Final = "p01"
MOST_REASONS: Final = 3

_DESCRIPTION: Final = """\
Show one post of the sample that ships with spamguard, and what the model says
about each comment under it, with the strongest reasons.
"""
_EXAMPLES: Final = """\
examples:
  spamguard demo
  spamguard demo --post p09                       a post in French
  spamguard demo | less
"""
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


def add(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description, parser.epilog = _DESCRIPTION, _EXAMPLES
    parser.set_defaults(run=run)
    parser.add_argument("--post", metavar="ID", help="another post of the sample: p01 to p18")


def run(args: argparse.Namespace) -> int:
    """Run the command."""
    show(args.post)
    return 0


def show(post_id: str | None = None) -> None:
    """Print the demo for one post of the sample; InputError if there is no such post."""
    from spamguard.cli.terminal import Screen
    from spamguard.corpus import comment_of
    from spamguard.model import probability
    from spamguard.scoring import default_model

    rows = _rows(post_id or FAVOURITE)
    comments = [comment_of(row, None) for row in rows]
    model = default_model()
    verdicts = [model.verdict(comment) for comment in comments]
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


def _rows(post_id: str) -> list[dict[str, Any]]:
    """Return the comments under a post of the sample, without pandas, which `load_sample` needs."""
    from spamguard.storage import find_model

    sample = find_model("default").parents[1] / "datasets" / "sample"
    posts = {post["post_id"]: post for post in _lines(sample / "posts.jsonl")}
    if post_id not in posts:
        raise InputError(f"the sample has no such post; it has {min(posts)} to {max(posts)}.")
    post = {f"post_{name}": value for name, value in posts[post_id].items() if name != "post_id"}
    return [row | post for row in _lines(sample / "comments.jsonl") if row["post_id"] == post_id]


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def _post(screen: Screen, row: Mapping[str, Any]) -> None:

    screen.line((row["post_title"], "bold"))
    screen.line((f"by {row['post_author']}, {row['post_url']}", "dim"))
    screen.line()
    from spamguard.features import plain_text

    screen.paragraph(plain_text(row["post_text"]), indent=2, most=4)


def _comment(screen: Screen, row: Mapping[str, Any], comment: Comment, verdict: Verdict) -> None:
    address = f" <{comment.author_url}>" if comment.author_url else ""
    about = f"{comment.author or 'no name'}{address}"
    screen.verdict_line(verdict, about)
    screen.paragraph(comment.text, indent=7, most=2)
    if verdict.label != row["label"]:
        screen.line((f"(the sample says {row['label']})", "bold yellow"), indent=7)
    most = MOST_REASONS if verdict.label != "ham" else MOST_REASONS - 1
    screen.reasons(verdict, most, known=about)


def _summary(screen: Screen, labels: Iterable[str], verdicts: Iterable[Verdict]) -> None:
    counts: Counter[tuple[str, str]] = Counter(
        (label, verdict.label) for label, verdict in zip(labels, verdicts, strict=True)
    )

    def side(label: str, right: str, wrong: str) -> str:
        other = "ham" if label == "spam" else "spam"
        total = sum(count for (true, _), count in counts.items() if true == label)
        return (
            f"{total} {label}: {counts[label, label]} {right}, "
            f"{counts[label, 'unsure']} unsure, {counts[label, other]} {wrong}"
        )

    screen.line()
    screen.line("-" * screen.width)
    screen.line("Of ", (side("spam", "caught", "missed"), "bold"), ".")
    screen.line("Of ", (side("ham", "kept", "blocked"), "bold"), ".")
    screen.paragraph(
        "The sample was written to show clear examples of every kind. It is not a benchmark: "
        "these results do not show how well the model does on a real blog."
    )
    screen.line()
    screen.line("Next:")
    for command, purpose in _NEXT:
        screen.line((command, "bold"), indent=2)
        screen.line(purpose, indent=6)
