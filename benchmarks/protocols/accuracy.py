"""The protocols for accuracy: blogs never seen, and TubeSpam."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmarks.protocols.held_out import UNSEEN_BLOGS, HeldOut, prepare
from spamguard.analysis.report import (
    F64,
    Report,
    Result,
    model_metrics,
    plain_figures,
    reliability_rows,
    rounded,
)
from spamguard.comment import Comment
from spamguard.corpus import comments_of, load_dataset
from spamguard.evaluation.metrics import (
    Figure,
    macro_mean,
    mcc,
    recall_at_fpr,
    roc_auc,
)
from spamguard.features import Rows, Vectorizer, learn_background
from spamguard.model import SpamModel
from spamguard.progress import Watch, ignore_progress
from spamguard.training.classifier import SpamClassifier
from spamguard.training.recipe import Recipe

# --- blogs never seen -------------------------------------------------------------


def unseen_blogs(
    directory: str | os.PathLike[str] | None,
    recipe: Recipe,
    watch: Watch | None = None,
    n_jobs: int | None = None,
    *,
    blogs: Sequence[str] = UNSEEN_BLOGS,
    prepared: HeldOut | None = None,
) -> Result:
    """Train on every other source, test on all rows of each of `blogs`.

    Weights, calibration and thresholds come from the other sources; sets of one source
    are held out together. Every figure is also given without comments that have a
    near-duplicate in another source, and by the labels as moderated, if the recipe uses
    those of the second reading.
    """
    watch = watch or ignore_progress
    watch("read", 0, 1)
    held_out = prepared or prepare(directory, recipe, blogs, n_jobs)
    watch("read", 1, 1)
    models = held_out.learn(blogs, watch, n_jobs)
    doubles = _near_duplicates(held_out.frame)[held_out.material.origin]
    labels = held_out.frame.get("moderated", held_out.frame["label"])
    as_moderated = (labels == "spam").to_numpy(bool)[held_out.material.origin]
    figures, without, moderated, rows = [], [], [], []
    scored: list[tuple[NDArray[np.bool_], NDArray[np.float64]]] = []
    for blog in blogs:
        test = held_out.test_rows(blog)
        found = _measure_rows(held_out, models[blog], test, held_out.material.spam)
        alone = _measure_rows(held_out, models[blog], test[~doubles[test]], held_out.material.spam)
        moderated.append(_measure_rows(held_out, models[blog], test, as_moderated))
        figures.append(found)
        without.append(alone)
        log_odds = models[blog].decision_function(held_out.material.rows[test])
        scored.append((held_out.material.spam[test], log_odds))
        rows.append(
            {"blog": blog}
            | plain_figures(found)
            | {
                "near_duplicates_elsewhere": round(float(doubles[test].mean()), 4),
                "without_near_duplicates": plain_figures(alone),
                "as_moderated": plain_figures(moderated[-1]),
            }
        )
    result = {
        "protocol": "unseen-blog",
        "sets": len(recipe.sets),
        "comments_learned_from": int((held_out.learned_from & ~held_out.material.bare).sum()),
        "settings": asdict(recipe.settings),
        "macro": plain_figures(macro_mean(figures)),
        "macro_without_near_duplicates": plain_figures(macro_mean(without)),
        "macro_as_moderated": plain_figures(macro_mean(moderated)),
        "reliability": reliability_rows(scored),
        "rows": rows,
    }
    return Report(result)


def _measure_rows(
    held_out: HeldOut, model: SpamModel, rows: NDArray[np.intp], spam: NDArray[np.bool_]
) -> dict[str, Figure | int]:
    material = held_out.material
    return model_metrics(model, material.rows[rows], spam[rows], material.post[rows])


def _near_duplicates(frame: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which comments have a near-duplicate in another source."""
    sources = frame.groupby("duplicate_group")["blog"].nunique()
    return (frame["duplicate_group"].map(sources) > 1).to_numpy(bool)


# --- TubeSpam -----------------------------------------------------------------------


_TUBESPAM: Final = "youtube-tubespam"
SPLITS: Final = ("authors_split", "leave_one_video_out", "time_order", "time_order_overall")
_FIRST_PART: Final = 0.7
Split = tuple[NDArray[np.bool_], NDArray[np.bool_]]


def tubespam(
    directory: str | os.PathLike[str] | None,
    recipe: Recipe,
    watch: Watch | None = None,
    n_jobs: int | None = None,
) -> Result:
    """The authors' split, leave one video out, and true time order.

    All use `SpamClassifier` with its defaults, fitted on the split's training comments
    alone. The authors' split takes the first 70 % of each video and class by position.
    Time order takes the oldest 70 % of each class, or of all comments of the video, where
    the newest may be nearly all of one class. `copies` is the share of test comments with
    a near-duplicate in training.
    """
    return _measure_videos(load_dataset(_TUBESPAM, directory), watch)


def _measure_videos(frame: pd.DataFrame, watch: Watch | None) -> Result:
    spam = (frame["label"] == "spam").to_numpy(bool)
    comments = comments_of(frame)
    titles = dict(zip(frame["post_id"].tolist(), frame["post_title"].tolist(), strict=True))
    groups = frame["duplicate_group"].to_numpy()
    rows: list[dict[str, Any]] = []
    for done, (video, title) in enumerate(titles.items(), 1):
        measured = {}
        for split, parts in _splits_of(frame, spam, video).items():
            log_odds = log_odds_from_scratch(comments, spam, parts)
            copies = np.isin(groups[parts[1]], groups[parts[0]])
            measured[split] = {
                **figures_of(spam[parts[1]], log_odds),
                "copies": float(copies.mean()),
                "mcc_without_copies": mcc(
                    spam[parts[1]][~copies].astype(int), (log_odds[~copies] >= 0).astype(int)
                ),
            }
        rows.append({"video": str(title).split(" - ")[0], **measured})
        (watch or ignore_progress)("videos", done, len(titles))
    macro = {
        split: {key: float(np.mean([row[split][key] for row in rows])) for key in rows[0][split]}
        for split in SPLITS
    }
    return Report(protocol="tubespam", macro=rounded(macro), rows=rounded(rows))


def _splits_of(frame: pd.DataFrame, spam: NDArray[np.bool_], video: str) -> dict[str, Split]:
    """Return the training and the test comments of each split."""
    here = (frame["post_id"] == video).to_numpy(bool)
    first = (frame["split"] == "train").to_numpy(bool)
    moments = pd.to_datetime(frame["date"], errors="coerce", utc=True, format="mixed")
    dates = moments.dt.tz_localize(None).to_numpy()
    dated = here & ~np.isnat(dates)  # a comment without a date has no place in time
    sides = [_in_time(dates, dated & (spam == side)) for side in (True, False)]
    by_class = sides[0][0] | sides[1][0], sides[0][1] | sides[1][1]
    parts = ((here & first, here & ~first), (~here, here), by_class, _in_time(dates, dated))
    return dict(zip(SPLITS, parts, strict=True))


def _in_time(dates: NDArray[Any], chosen: NDArray[np.bool_]) -> Split:
    """Return the oldest 70 % of the chosen comments, and the rest."""
    order = np.flatnonzero(chosen)
    order = order[np.argsort(dates[order], kind="stable")]
    cut = round(_FIRST_PART * len(order))
    older, newer = np.zeros(len(dates), bool), np.zeros(len(dates), bool)
    older[order[:cut]], newer[order[cut:]] = True, True
    return older, newer


def log_odds_from_scratch(comments: list[Comment], spam: NDArray[np.bool_], split: Split) -> F64:
    train, test = split
    learned = [c for c, chosen in zip(comments, train.tolist(), strict=True) if chosen]
    classifier = SpamClassifier()
    vectorizer = Vectorizer(classifier.bits, learn_background(learned))
    rows: Rows = vectorizer.rows(comments, n_jobs=None, dtype=np.float32)
    classifier.fit(rows[np.flatnonzero(train)], spam[train])
    return classifier.model_.decision_function(rows[np.flatnonzero(test)])


def figures_of(spam: NDArray[np.bool_], log_odds: F64) -> dict[str, float]:
    y = spam.astype(int)
    return {
        "mcc": mcc(y, (log_odds >= 0).astype(int)),
        "auc": roc_auc(y, log_odds),
        "recall_at_1pct": recall_at_fpr(y, log_odds, 0.01),
        "spam_caught": float((log_odds[y == 1] >= 0).mean()),
        "ham_blocked": float((log_odds[y == 0] >= 0).mean()),
    }
