"""Judge whether a blog comment is spam, and say why.

One call judges one comment. `SpamClassifier` learns from your own labelled
comments and is a scikit-learn estimator; `save_model` and `load_model` keep
what it learned.

Examples
--------
The post is what the comment answers; give what you have, leave out what you
do not:

>>> from spamguard import Comment, Post, score
>>> post = Post(title="Slow pages, found", text="The second query had no index; adding one helped.")
>>> verdict = score(Comment("Did you try EXPLAIN on that query before adding the index?", author="Mira"), post)
>>> verdict.label
'ham'
>>> verdict = score("<a href='http://pills.example'>cheap viagra no prescription</a> order now", post)
>>> verdict.label, verdict.spam_probability > 0.9
('spam', True)

A verdict explains itself. The reasons are the very terms of the sum, so with
the intercept they give the log-odds back:

>>> verdict.reasons[0].contribution > 0
True
>>> total = verdict.intercept + sum(reason.contribution for reason in verdict.reasons)
>>> abs(total - verdict.log_odds) < 1e-6
True

Many comments at once, or a DataFrame, get the same answers:

>>> from spamguard import score_many
>>> [v.label for v in score_many([Comment("Thanks, that fixed it for me.", post=post)])]
['ham']
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from spamguard.comment import Comment, Post
from spamguard.errors import (
    CorpusError,
    InputError,
    ModelFormatError,
    ModelNotFoundError,
    SpamguardError,
)
from spamguard.loading import attach
from spamguard.model import SpamModel
from spamguard.scoring import default_model, score, score_frame, score_many
from spamguard.storage import load_model, save_model
from spamguard.verdict import Reason, Verdict

if TYPE_CHECKING:
    from spamguard.training import SpamClassifier as SpamClassifier

__version__ = "0.1.0"
# Without SpamClassifier: `from spamguard import *` must not load scikit-learn.
__all__ = [
    "Comment", "CorpusError", "InputError", "ModelFormatError", "ModelNotFoundError", "Post", "Reason",
    "SpamModel", "SpamguardError", "Verdict", "default_model", "load_model", "save_model",
    "score", "score_frame", "score_many",
]  # fmt: skip

_, __getattr__, _names = attach(__name__, {"training": ["SpamClassifier"]})


def __dir__() -> list[str]:
    return sorted({*globals(), *_names()})
