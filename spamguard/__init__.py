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

from spamguard.loading import attach

if TYPE_CHECKING:
    from spamguard.comment import Comment as Comment
    from spamguard.comment import Post as Post
    from spamguard.errors import CorpusError as CorpusError
    from spamguard.errors import InputError as InputError
    from spamguard.errors import MissingPackageError as MissingPackageError
    from spamguard.errors import ModelFormatError as ModelFormatError
    from spamguard.errors import ModelNotFoundError as ModelNotFoundError
    from spamguard.errors import SpamguardError as SpamguardError
    from spamguard.model import SpamModel as SpamModel
    from spamguard.scoring import default_model as default_model
    from spamguard.scoring import score as score
    from spamguard.scoring import score_frame as score_frame
    from spamguard.scoring import score_many as score_many
    from spamguard.storage import load_model as load_model
    from spamguard.storage import save_model as save_model
    from spamguard.training import SpamClassifier as SpamClassifier
    from spamguard.verdict import Reason as Reason
    from spamguard.verdict import Verdict as Verdict

__version__ = "0.1.0"

# `spamguard --help` must not load numpy, nor a backend that only scores scikit-learn.
_names, __getattr__, __dir__ = attach(
    __name__,
    {
        "comment": ["Comment", "Post"],
        "errors": [
            "CorpusError",
            "InputError",
            "MissingPackageError",
            "ModelFormatError",
            "ModelNotFoundError",
            "SpamguardError",
        ],
        "model": ["SpamModel"],
        "scoring": ["default_model", "score", "score_frame", "score_many"],
        "storage": ["load_model", "save_model"],
        "training": ["SpamClassifier"],
        "verdict": ["Reason", "Verdict"],
    },
)

# `from spamguard import *` gives what works without an extra.
__all__ = [name for name in _names if name != "SpamClassifier"]
