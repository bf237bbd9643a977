"""Write every measured figure into the documents, from benchmarks/results.

It writes docs/accuracy.md, scale.md, speed.md and the model card, and the marked figures of README,
docs/index.md and docs/server.md. ``--check`` writes nothing and fails if a document is out of date.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import server_page
import speed_tables
from peer_tables import section as peers_section
from scale_page import page as scale_page

from benchmarks.protocols.markdown import block, render_protocol
from spamguard import SpamModel, load_model
from spamguard.display import share as percent_of
from spamguard.evaluation.thresholds import Promise
from spamguard.training.recipe import LANGUAGE_HAM, Recipe

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
MODEL = ROOT / "models" / "default"


def _result(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text("utf-8"))
    return found


def _as_moderated(result: dict[str, Any]) -> str:
    found = {name: figure["value"] for name, figure in result["macro_as_moderated"].items()}
    return (
        f"By the labels as moderated, the means are: recall at 1 % false positives {found['recall_at_1pct']:.3f}, "
        f"ROC-AUC {found['auc']:.4f}, {percent_of(found['spam_caught'])} of the spam caught, "
        f"{percent_of(found['ham_blocked'])} of the ham blocked."
    )


def _unseen() -> list[str]:
    result = _result("unseen-blog")
    macro, alone = result["macro"], result["macro_without_near_duplicates"]
    compared = ("auc", "recall_at_1pct", "recall_at_2pct", "spam_caught", "ham_blocked", "ece")
    return [
        "## Blogs never seen",
        "",
        f"For each of {len(result['rows'])} moderated blogs, a model is trained on every other source "
        f"({result['sets']} sets) and tested on all of that blog's comments. Sets from one source are held out "
        "together. Calibration and thresholds come from the training sources alone.",
        "",
        "Truth is the second reading of the labels: comments that a moderator let through, but that promote "
        "something, are spam. " + _as_moderated(result),
        "",
        "Ham blocked is the share of real comments called spam. Unsure is the share of all comments left for a "
        "person to decide. Intervals are 95 %.",
        "",
        render_protocol(_only(result, ("spam_caught", "ham_blocked", "unsure", "mcc"))),
        "The next table ignores the thresholds and shows how well comments are ranked. Recall at 1 or 2 % false "
        "positives uses the best threshold in hindsight, chosen for each blog separately. No owner has that "
        "threshold beforehand. Brier and ECE measure the probabilities; lower is better.",
        "",
        render_protocol(_only(result, _RANKING)),
        "How the intervals are made: bootstrap over posts; exact binomial for shares, which assumes that comments "
        "are independent, though those on one post are not; bootstrap over blogs for the macro mean, which is "
        "somewhat too narrow with only twelve.",
        "",
        "Some comments have near-duplicates in other sources, because campaigns cross blogs. Their share of each "
        "blog's comments: "
        + ", ".join(
            f"{r['blog']} {percent_of(r['near_duplicates_elsewhere'])}" for r in result["rows"]
        )
        + ". The macro mean with and without them:",
        "",
        *block(
            ["", *(name.replace("_", " ") for name in compared)],
            [
                ["all comments", *(f"{macro[n]['value']:.3f}" for n in compared)],
                ["without near-duplicates", *(f"{alone[n]['value']:.3f}" for n in compared)],
            ],
        ),
        "The predicted probability and the share that was spam, for all twelve blogs together. The probabilities "
        "assume that half of all comments are spam; on these blogs the share differs.",
        "",
        *block(
            ["predicted", "observed", "comments"],
            [
                [f"{b['said']:.3f}", f"{b['was']:.3f}", f"{b['comments']:,}"]
                for b in result["reliability"]
            ],
        ),
    ]


_RANKING = ("auc", "average_precision", "recall_at_1pct", "recall_at_2pct", "brier", "ece")


def _only(result: dict[str, Any], measures: tuple[str, ...]) -> dict[str, Any]:
    """Return a result with these measures alone."""
    return result | {"macro": {name: result["macro"][name] for name in measures}}


def _labels() -> list[str]:
    result = _result("labels")
    sizes = list(dict.fromkeys(key.rsplit(" ", 1)[1] for key in result["macro"]))
    rows = [
        [
            "**mean of the blogs with that many**",
            *(f"{result['macro'][f'recall_at_1pct after {n}']:.3f}" for n in sizes),
        ]
    ]
    rows += [
        [
            row["blog"],
            *(
                f"{row['labels'][n]['recall_at_1pct']:.3f}" if n in row["labels"] else "–"
                for n in sizes
            ),
        ]
        for row in result["rows"]
    ]
    return [
        "## After the first labels of a blog",
        "",
        "Each blog starts from a model that never saw it and learns from its own first N comments in time "
        "order, with `SpamClassifier(base=model).fit(...)` and no other settings. The table shows recall at 1 % "
        "false positives, on the same later comments for every N. If the first N comments are all ham or all spam, "
        "nothing can be learned yet.",
        "",
        *block(["blog", *(f"after {n}" for n in sizes)], rows),
        "Fewer blogs have many labels, so the columns do not cover the same blogs. Compared with the same blog "
        "before its first label:",
        "",
        *block(["labels", "blogs", "mean change", "better", "worse"], _changes(result, sizes)),
    ]


def _changes(result: dict[str, Any], sizes: list[str]) -> list[list[str]]:
    """Return the change in recall at 1 % false positives, each blog compared with itself."""
    rows = []
    for n in sizes[1:]:
        changes = [
            row["labels"][n]["recall_at_1pct"] - row["labels"]["0"]["recall_at_1pct"]
            for row in result["rows"]
            if n in row["labels"]
        ]
        mean = f"{100 * sum(changes) / len(changes):+.1f} points"
        better, worse = sum(c > 0 for c in changes), sum(c < 0 for c in changes)
        rows.append([n, str(len(changes)), mean, str(better), str(worse)])
    return rows


def _moderation() -> list[str]:
    result = _result("moderation")
    macro = result["macro"]
    corrected = []
    for name, kinds in {
        "ham lost": ("ham_lost",),
        "spam missed": ("spam_missed",),
        "mean of both": ("ham_lost", "spam_missed"),
    }.items():
        before, after = (
            [sum(row["corrected"][when][kind] for kind in kinds) for row in result["rows"]]
            for when in ("before", "after")
        )
        mean = [
            percent_of(sum(macro[f"{kind}_{when}"] for kind in kinds) / len(kinds))
            for when in ("before", "after")
        ]
        pairs = list(zip(before, after, strict=True))
        corrected.append(
            [name, *mean, str(sum(y < x for x, y in pairs)), str(sum(y > x for x, y in pairs))]
        )
    counts = {row["blog"]: row for row in _result("unseen-blog")["rows"]}
    wrong = {
        when: [
            round(
                row["corrected"][when]["ham_lost"] * counts[row["blog"]]["ham_blocked"]["n"]
                + row["corrected"][when]["spam_missed"] * counts[row["blog"]]["spam_caught"]["n"]
            )
            for row in result["rows"]
        ]
        for when in ("before", "after")
    }
    pairs = list(zip(wrong["before"], wrong["after"], strict=True))
    corrected.append([
        "wrong labels, all blogs", f"{sum(wrong['before']):,}", f"{sum(wrong['after']):,}",
        str(sum(y < x for x, y in pairs)), str(sum(y > x for x, y in pairs)),
    ])  # fmt: skip
    chosen = [
        [
            n,
            str(sum(n in row["labels"] for row in result["rows"])),
            *(f"{macro[f'{how} {n} recall_at_1pct']:.3f}" for how in ("chosen", "random")),
        ]
        for n in ("10", "30", "100")
    ]
    return [
        "## Corrections and chosen labels",
        "",
        "A blog that the model never saw arrives in time order. A moderator corrects every spam comment that is not "
        "called spam, and every real comment that is called spam or unsure. Each correction is learned at once by the "
        "site's own weights (`SiteWeights`), before the next comment: "
        f"{sum(row['corrections'] for row in result['rows']):,} corrections in all. A real comment that is unsure is "
        "corrected but does not count as wrong. Mean of the twelve blogs:",
        "",
        *block(["share", "without", "with corrections", "blogs better", "blogs worse"], corrected),
        "Here N comments from the older half of each blog are labelled, chosen by `spamguard queue` or at random "
        "(mean of five draws). The table shows recall at 1 % false positives on the newer half. Compare within a row, "
        "because fewer blogs have an older half that large:",
        "",
        *block(["labels", "blogs", "chosen", "at random"], chosen),
    ]


def _panels() -> list[str]:
    result = _result("panels")
    languages = [
        [code, f"{found['ham']:,}", percent_of(found["ham_blocked"])]
        for code, found in result["macro"].items()
    ]
    background = Recipe.read(MODEL / "recipe.toml").background
    sets = [
        [
            row["set"] + (" (b)" if row["set"] in background else ""),
            ", ".join(row["languages"]),
            f"{row['ham']:,}",
            _share_cell(row["ham_blocked"]),
            _share_cell(row["ham_unsure"]),
            _share_cell(row["ham_discarded"]),
        ]
        for row in sorted(result["rows"], key=lambda row: -row["ham_blocked"]["value"])
    ]
    unknown = [
        [
            row["language"],
            f"{row['ham']:,}",
            _share_cell(row["ham_called_spam"]),
            _share_cell(row["ham_called_spam_without_guard"]),
            _share_cell(row["ham_called_unsure"]),
            f"{row['spam']:,}",
            _share_cell(row["spam_called_unsure"]),
        ]
        for row in result["languages_held_out"]
    ]
    return [
        "## Real comments lost, set by set and language by language",
        "",
        "Every set with 20 or more real comments, scored by models that never saw its source (whole sources are "
        "held out, fold by fold). Archives of published comments hold spam that nobody found, and it counts as "
        "lost here. The sets in one language, pooled:",
        "",
        *block(["language", "ham", "called spam"], languages),
        "Each set. Those marked (b) are not wholly unseen: word frequencies are counted in them, and their sentences "
        "pad some of the spam in training, whichever fold they are in. Their labels are never learned. The thresholds "
        "come from the other folds, including the one for `discard` where those folds did not lock it. The last "
        "column is why `discard` is locked in the shipped model: some sets would lose real comments unseen.",
        "",
        *block(["set", "language", "ham", "called spam", "called unsure", "discarded"], sets),
        "Unknown languages: all comments in the language are left out of training. They are then scored with "
        "the guard, which calls no comment spam if its language is recognised and unknown, and without it:",
        "",
        *block(
            [
                "language", "ham", "ham called spam", "without guard", "ham called unsure", "spam",
                "spam called unsure",
            ],
            unknown,
        ),
    ]  # fmt: skip


def _share_cell(figure: dict[str, Any]) -> str:
    if figure["value"] is None:
        return "–"
    return (
        f"{percent_of(figure['value'])} ({percent_of(figure['low'])}–{percent_of(figure['high'])})"
    )


def _errors() -> list[str]:
    result = _result("errors-read")
    rows = [
        [
            row["blog"],
            *(str(row[k]) for k in ("read", "undecidable", "label_doubtful")),
            row["kind"],
        ]
        for row in result["rows"]
    ]
    totals = [
        str(sum(row[k] for row in result["rows"]))
        for k in ("read", "undecidable", "label_doubtful")
    ]
    return [
        "## The errors, read",
        "",
        f"Spam missed at 1 % false positives on {len(rows)} of the blogs was read by one person, once, so the sorting is "
        "rough. The model was from before training included spammers' tricks. Undecidable: a person could not tell "
        "from the comment, its author's name and address, or its post. Label doubtful: the moderator decided "
        "otherwise on similar comments. On hendrixjoseph most of the missed spam is a word or two of praise under a "
        "trade's name.",
        "",
        *block(
            ["blog", "read", "undecidable", "label doubtful", "what it is"],
            [*rows, ["**all**", *totals, ""]],
        ),
        "What would help: the thread, which shows copies on the same blog; the moderator's earlier decisions on a name "
        "or an address; and blogs in other languages to learn from.",
        "",
    ]


def _calibration() -> list[str]:
    result = _result("calibration")
    rows = [
        [row["way"], f"{row['ece_of_blogs_learned_from']:.4f}", f"{row['ece']:.4f}"]
        for row in result["rows"]
    ]
    return [
        "## Probabilities",
        "",
        "Expected calibration error of several methods that turn held-out scores into probabilities. The first column "
        "is for the training blogs, each left out of the calibration in turn. It decided which method is shipped: "
        "Platt on moderated blogs alone. The second column is for the twelve blogs, held out three at a time. On blogs "
        f"of these sizes, exact probabilities would still show an error of {result['macro']['ece_by_chance']:.4f} by "
        "chance.",
        "",
        *block(["method", "training blogs", "held-out blogs"], rows),
    ]


def _robustness() -> list[str]:
    result = _result("robustness")
    rows = [
        [
            row["attack"],
            f"{row['recall_at_1pct']:.3f}",
            f"{100 * row['recall_lost']:.1f}",
            f"{row['spam_caught']:.3f}",
            percent_of(row["ham_blocked"]),
            f"{100 * row['ham_blocked_added']:+.1f}",
        ]
        for row in result["rows"]
    ]
    return [
        "## Attacks",
        "",
        "Each trick is applied to up to 200 spam and 200 real comments of each held-out blog. Recall uses the "
        "threshold that loses 1 % of the blog's unchanged real comments; the other columns use the shipped "
        "thresholds. Points are percentage points. Training applies tricks of the same kinds to its own comments, with "
        "other padding words, except for the last two kinds.",
        "",
        *block(
            [
                "attack",
                "recall at 1pct",
                "points lost",
                "spam caught",
                "ham blocked",
                "points added",
            ],
            rows,
        ),
    ]


def _ablation() -> list[str]:
    result = _result("ablation")
    rows = [
        [row["families"], f"{row['auc']:.4f}", f"{row['recall_at_1pct']:.3f}"]
        for row in result["rows"]
    ]
    return [
        "## What each family adds",
        "",
        "Macro mean of the twelve blogs, held out three at a time. These models are trained without calibration and "
        "without leaving out doubtful labels, so the first row differs from the headline.",
        "",
        *block(["families", "auc", "recall at 1pct"], rows),
    ]


def _tubespam() -> list[str]:
    return [
        "## TubeSpam",
        "",
        "`SpamClassifier()` without options, the same for all five videos, trained on the protocol's training "
        "comments alone. *Time order* tests on the newest 30 % of each class of a video, *time order overall* on the "
        "newest 30 % of all its comments. Copies are tested comments with a near-duplicate among the training "
        "comments, because campaigns cross the videos; the last column leaves them out. The people who wrote the "
        "phrases of the feature `promo_subscribe` knew what is said under videos, including these.",
        "",
        render_protocol(_result("tubespam")),
    ]


def _peers() -> list[str]:
    return peers_section(_result("peers"), _result("published-tubespam"))


def _sizes() -> list[str]:
    result = _result("sizes")
    names = list(result["rows"][0])
    lines = ["| " + " | ".join(names) + " |", "|" + "---|" * len(names)]
    lines += ["| " + " | ".join(str(row[name]) for name in names) + " |" for row in result["rows"]]
    return [
        "## From two hundred comments to a million",
        "",
        f"`SpamClassifier()` without options; mean ROC-AUC on {', '.join(result['blogs'])}, which are held out. The "
        f"stream repeats {result['different_comments']:,} different comments. Seconds are for learning, after the "
        "comments were vectorized. Measured by `python benchmarks/sizes.py DIR benchmarks/results/sizes.json`.",
        "",
        *lines,
        "",
    ]


def _drift() -> list[str]:
    result = _result("drift")
    quiet, found = result["false_alarms"], result["heard"]

    def share(figure: dict[str, Any]) -> str:
        return f"{percent_of(figure['share'])} ({percent_of(figure['low'])} – {percent_of(figure['high'])})"

    names = {
        "report": "`drift_report`",
        "alone": "the same test, permuting single comments",
        "ks": "Kolmogorov-Smirnov, any column",
        "bonferroni": "Kolmogorov-Smirnov with Bonferroni's correction",
    }
    return [
        "## Drift",
        "",
        f"The posts of one blog are split into two halves at random, so nothing has changed: {quiet['report']['n']} "
        f"times over {len(result['rows'])} blogs. A report that lists any change is a false alarm. `drift_report` "
        f"promises at most {100 * result['alpha']:g} %. The model is {result['model']}; intervals are exact, 95 %. "
        "Measured by `python benchmarks/false_alarms.py DIR benchmarks/results/drift.json`.",
        "",
        "| test | false alarms |",
        "|---|---|",
        *(f"| {name} | {share(quiet[key])} |" for key, name in names.items()),
        "",
        "How small a change it detects: this share of the comments in one half is replaced by spam from another blog. "
        "The blogs are small, with some hundred comments in each half, and comments on one post resemble each other.",
        "",
        "| comments replaced | any change reported | a score changed |",
        "|---|---|---|",
        *(
            f"| {percent_of(row['replaced'])} | {share(row['any'])} | {share(row['scores'])} |"
            for row in found
        ),
        "",
        "Columns that changed between the earlier and the later half of each blog, where nobody knows what really "
        "changed: "
        + ", ".join(
            f"{row['blog'].partition('-')[2]} {len(row['moved_between_halves_in_time'])}"
            for row in result["rows"]
        )
        + ".",
        "",
    ]


def _speed() -> list[str]:
    result = _result("speed")
    return [
        "## Speed",
        "",
        f"Python {result['python']}, numpy {result['numpy']}, {result['cores']} cores; the sample's "
        "comments with their posts. [Speed](speed.md) has other comments, peers, batches, learning and long texts.",
        "",
        render_protocol(result),
    ]


_SECTIONS = {
    "unseen-blog": "Blogs never seen",
    "labels": "After the first labels of a blog",
    "moderation": "Corrections and chosen labels",
    "tubespam": "TubeSpam",
    "panels": "Real comments lost, set by set",
    "robustness": "Attacks",
    "ablation": "What each family adds",
}


def _earlier() -> list[str]:
    """Return which protocols were measured with an earlier version of the model."""
    title = load_model(MODEL).title
    old = [says for name, says in _SECTIONS.items() if _result(name).get("model") != title]
    if not old:
        return []
    return [
        f"The figures of these protocols are of an earlier version of the model than {title}: {', '.join(old)}; so "
        "are those beside the other filters, of calibration, of errors, of size and of drift.",
        "",
    ]


def accuracy() -> str:
    """Return docs/accuracy.md."""
    result = _result("unseen-blog")
    caught, lost = (result["macro"][name]["value"] for name in ("spam_caught", "ham_blocked"))
    head = [
        "# How good it is",
        "",
        f"On {len(result['rows'])} moderated blogs, each held out in turn, the shipped thresholds catch "
        f"{percent_of(caught)} of the spam and lose {percent_of(lost)} of the real comments (mean of the blogs). "
        f"{_worst_line(result)}",
        "",
        "Twelve blogs are few, most are written by programmers in English, and their moderators' labels hold "
        "mistakes. The intervals are wide; read them. The settings (the penalty, the weight of named features, when a "
        "label is doubted) were compared on these same blogs, and some features came from reading their errors. So a "
        "blog outside all of this would be better evidence. Calibration, thresholds and doubted labels always come "
        "from the training sources alone.",
        "",
        *_earlier(),
    ]
    sections = (
        _unseen, _errors, _peers, _labels, _moderation, _tubespam, _panels, _calibration,
        _robustness, _ablation, _sizes, _drift, _speed,
    )  # fmt: skip
    tail = [
        "",
        "## Measure again",
        "",
        "`benchmarks/render.py` writes every figure here from `benchmarks/results/`. Measuring all of them again takes "
        "about half an hour on two cores, and some hours more for the other filters:",
        "",
        "```",
        "python -m benchmarks.protocols all --datasets DIR",
        "bash benchmarks/accuracy/install_peers.sh peers-env",
        "peers-env/bin/python benchmarks/accuracy/peers.py DIR benchmarks/results/peers.json",
        "```",
        "",
        "To run one protocol: `python -m benchmarks.protocols unseen-blog --datasets DIR`. The others are `labels`, "
        "`tubespam`, `panels`, `moderation`, `robustness`, `ablation` and `speed`.",
        "",
    ]
    return "\n".join([*head, *(line for section in sections for line in section()), *tail])


def _discard(model: SpamModel) -> str:
    """Return the card's sentence about the discard threshold and its bound."""
    held_out = model.about["held_out"]
    promise, by_blog = held_out["discard_promise"], held_out.get("ham_lost_at_discard")
    if model.cuts.discard is None:
        return (
            "`discard` is never true: the held-out real comments of some source contradict the promise "
            "to lose at most 1 in 1000 unseen, or there are too few of them."
        )
    lost = sum(k for k, _, _ in by_blog.values()) if by_blog else promise["ham_lost"]
    return (
        f"`discard` may be true: of {promise['ham']} held-out real comments {lost} "
        f"lie above its threshold (at most {percent_of(promise['ham_lost_upper'])} with "
        f"{100 * promise['confidence']:g} % confidence, by order statistics, if comments are independent)."
    ) + (_discard_by_blog(by_blog, promise) if by_blog else "")


def _discard_by_blog(by_blog: dict[str, list[float]], promise: dict[str, Any]) -> str:
    """Return how the discard promise holds on single sources."""
    rate = Promise.parse(promise["promise"]).value
    enough = {name: (k, n) for name, (k, n, _) in by_blog.items() if n * rate >= 1}
    worst = max(enough, key=lambda name: enough[name][0] / enough[name][1], default=None)
    said = f" No single source contradicts that promise (exact binomial, {100 * promise['confidence']:g} %)"
    if worst is None:
        return f"{said}; none has as many as {round(1 / rate):,} real comments."
    lost, ham = enough[worst]
    if lost <= rate * ham:
        return (
            f"{said}, and not one set of real comments loses more than 1 in {round(1 / rate):,}, "
            f"of the {len(enough)} that have that many."
        )
    return (
        f"{said}; of the {len(enough)} with {round(1 / rate):,} real comments or more, "
        f"{worst} loses the most, {lost} of {ham:,}."
    )


def _languages(about: Mapping[str, Any]) -> list[str]:
    """Return the card's table of languages."""
    counts = about.get("languages", {})
    if not counts:
        return []
    panels = _result("panels")
    pooled = panels["macro"].get("en", {}).get("ham_blocked")
    rows = [
        [
            code,
            f"{found['ham']:,}",
            f"{found['spam']:,}",
            "yes" if found["ham"] >= LANGUAGE_HAM else "no",
            _lost(code, panels["rows"]) if code != "en" else f"{percent_of(pooled)} of all",
        ]
        for code, found in sorted(counts.items(), key=lambda item: -item[1]["ham"])
        if found["ham"] + found["spam"] >= 20
    ]
    return [
        "## Languages",
        "",
        f"The model knows a language if it learned from at least {LANGUAGE_HAM} real comments in it. A comment in "
        "another language is called `unsure` where it would be called `spam`. The counts include only comments "
        "whose language could be recognised from script and small words. *Lost* is the share of real comments called "
        "spam in each held-out set of that language alone. Sets not named `modblog` or `hamblog` are not blogs and say "
        "little about one.",
        "",
        *block(["language", "ham", "spam", "known", "lost"], rows),
    ]


def _lost(language: str, rows: list[dict[str, Any]]) -> str:
    """Return the share of ham lost by each set in `language` alone, the largest first."""
    own = [row for row in rows if row["languages"] == [language]]
    own.sort(key=lambda row: -float(row["ham_blocked"]["value"]))
    return (
        ", ".join(f"{row['set']} {percent_of(row['ham_blocked']['value'])}" for row in own) or "–"
    )


def _worst_panel() -> dict[str, Any]:
    """Return the set with the largest share of ham called spam."""
    rows: list[dict[str, Any]] = _result("panels")["rows"]
    return max(rows, key=lambda row: float(row["ham_blocked"]["value"]))


def _labels_of_recipe() -> str:
    if not Recipe.read(MODEL / "recipe.toml").readings:
        return ""
    return (
        " Where a second reader disagreed with a moderator, mostly about promotion that was let through, it "
        "learned the second reader's label."
    )


def card() -> str:
    """Return the default model's card."""
    model = load_model(MODEL)
    about, macro = model.about, _result("unseen-blog")["macro"]
    held_out = about["held_out"]
    rows = _result("unseen-blog")["rows"]
    weakest = sorted(rows, key=lambda row: row["recall_at_1pct"]["value"])[:3]
    worst_ham = sorted(rows, key=lambda row: -row["ham_blocked"]["value"])[:3]
    panel = _worst_panel()
    discard = _discard(model)
    return "\n".join(
        [
            f"# {model.title}",
            "",
            f"This model was trained on {about['trained_on']}: {about['ham']:,} real ones and {about['spam']:,} spam, from "
            f"the {len(about['sets'])} sets described in `datasets/cards`. It holds weights, counts "
            "and hashes, and no text can be read out of it. It has not learned from the sample corpus."
            + _labels_of_recipe(),
            "",
            "## On a blog it has never seen",
            "",
            f"It catches {percent_of(macro['spam_caught']['value'])} of the spam, loses "
            f"{percent_of(macro['ham_blocked']['value'])} of the real comments, and leaves "
            f"{percent_of(macro['unsure']['value'])} of the comments for a person to decide. These are means of twelve "
            "moderated blogs, each held out in turn: they were measured with models trained in the same way that "
            "did not see the blog.",
            "",
            f"Recall at 1 % false positives, at the best threshold in hindsight, is {macro['recall_at_1pct']['value']:.3f}, "
            f"ROC-AUC {macro['auc']['value']:.3f} and the expected calibration error {macro['ece']['value']:.3f}. "
            "docs/accuracy.md has each blog and the intervals.",
            "",
            "## Where it is weak",
            "",
            "- Most real comments lost: "
            + ", ".join(f"{r['blog']} ({percent_of(r['ham_blocked']['value'])})" for r in worst_ham)
            + ". Readers who are bloggers or tradespeople themselves look like advertisers.",
            f"- Of all held-out sets, {panel['set']} loses most: {percent_of(panel['ham_blocked']['value'])} of "
            f"its {panel['ham']:,} real comments. Archives hold spam that nobody found, and it counts as lost.",
            "- Lowest recall at 1 % false positives: "
            + ", ".join(f"{r['blog']} ({r['recall_at_1pct']['value']:.2f})" for r in weakest)
            + ". Most of the spam missed there is a bare thank-you under a plausible name.",
            "- Most of the training comments are English; see the languages below.",
            "- The labels are moderators' decisions, and some are wrong. Held-out models strongly contradict "
            f"{held_out['labels_doubted']['ham']} ham and {held_out['labels_doubted']['spam']} spam labels. These "
            "were left out of training and calibration, but they count in every measurement and in the thresholds.",
            "- The probabilities assume a blog where half of all comments are spam.",
            "",
            "## Thresholds",
            "",
            f"The decision thresholds are at log-odds {model.cuts.unsure:.2f} for `unsure` and {model.cuts.spam:.2f} for "
            f"`spam`. They were set so that {percent_of(about['settings']['unsure_ham_lost'])} and "
            f"{percent_of(about['settings']['spam_ham_lost'])} of the ham on held-out blogs lie above. {discard}",
            "",
            *_languages(about),
            "## Train it again",
            "",
            "`spamguard train --recipe models/default/recipe.toml --datasets DIR` makes the same bytes with the "
            "same versions of numpy and scipy on the same kind of processor.",
            "",
        ]
    )


def _one_ms(fast: dict[str, Any]) -> float:
    """Return the median milliseconds for one comment of the moderated blogs, its post seen before."""
    panels = fast["panels"]
    panel = panels.get("blogs") or next(iter(panels.values()))
    return float(panel["systems"]["spamguard"]["one"]["median_us"]) / 1000


def readme() -> str:
    """Return the README with its figures."""
    text = (ROOT / "README.md").read_text("utf-8")
    result, videos, fast = (
        _result("unseen-blog"),
        _result("tubespam")["macro"],
        _result("speed-peers"),
    )
    peers = {name: found["unseen"]["macro"] for name, found in _result("peers")["peers"].items()}
    lines = [
        f"On {len(result['rows'])} moderated blogs, each held out in turn with everything from the same "
        "source (mean of the blogs, by the moderators' labels; [docs/accuracy.md](docs/accuracy.md) has the figures by "
        "the second reading, from which the shipped model learns). For the last two columns spamguard, in its "
        "first version, and the peers learn from the same comments, without the chat messages that the shipped model "
        f"also uses. The best peer is the best of {len(peers) - 1} filters, line by line:",
        "",
        "| | as shipped | on the peers' comments | best peer |",
        "|---|---|---|---|",
        *(
            "| "
            + " | ".join(
                [says, form(result["macro_as_moderated"][key]["value"]), form(peers["spamguard"][key]["value"]),
                 _best_peer(peers, key, best, form)]
            )
            + " |"
            for key, says, form, best in _HEADLINES
        ),
        "",
        _worst_line(result),
        "",
        f"On TubeSpam, the mean MCC is {videos['authors_split']['mcc']:.3f} in the authors' split and "
        f"{videos['time_order_overall']['mcc']:.3f} on the newest 30 % of all comments. Both test sets include copies of "
        "training comments; [docs/accuracy.md](docs/accuracy.md#tubespam) has the figures without them.",
        "",
        f"A fresh process gives its first verdict after {fast['first']['seconds']:.2f} s, using "
        f"{fast['first']['peak_mb']:.0f} MB. A comment with its post takes {_one_ms(fast):.2f} ms (median). "
        "[docs/speed.md](docs/speed.md) compares this with other filters.",
    ]  # fmt: skip
    return _with_figures(text, lines)


_HEADLINES = (
    ("spam_caught", "spam caught at the shipped threshold", percent_of, max),
    ("ham_blocked", "real comments lost at that threshold", percent_of, min),
    ("mcc", "both in one figure (MCC)", "{:.3f}".format, max),
    ("recall_at_1pct", "spam caught at 1 % false positives, best threshold in hindsight", percent_of, max),
    ("auc", "ROC-AUC", "{:.3f}".format, max),
    ("ece", "expected calibration error (peers uncalibrated)", "{:.3f}".format, min),
)  # fmt: skip


def _best_peer(
    peers: Mapping[str, Any], key: str, best: Callable[..., str], form: Callable[[float], str]
) -> str:
    """Return the best figure of any peer, with its name."""
    found = {name: macro[key]["value"] for name, macro in peers.items() if key in macro}
    found.pop("spamguard")
    name = best(found, key=found.__getitem__)
    return f"{form(found[name])} ({name})"


def _worst_line(result: dict[str, Any]) -> str:
    """Return a sentence about the blogs with the worst figures."""
    worst = min(result["rows"], key=lambda row: row["spam_caught"]["value"])
    most_lost = max(result["rows"], key=lambda row: row["ham_blocked"]["value"])
    panel = _worst_panel()
    return (
        f"The lowest share of spam caught is {percent_of(worst['spam_caught']['value'])} ({worst['blog']}), and the most "
        f"real comments lost on one of these blogs is {percent_of(most_lost['ham_blocked']['value'])} "
        f"({most_lost['blog']}). Of all sets with real comments, {panel['set']} loses most: "
        f"{percent_of(panel['ham_blocked']['value'])} of {panel['ham']:,}."
    )


def home() -> str:
    """Return the site's first page with its figures."""
    result = _result("unseen-blog")
    macro = result["macro"]
    line = (
        f"On {len(result['rows'])} moderated blogs, each held out in turn, the shipped thresholds catch "
        f"{percent_of(macro['spam_caught']['value'])} of the spam and lose "
        f"{percent_of(macro['ham_blocked']['value'])} of the real comments (mean of the blogs). {_worst_line(result)}"
    )
    return _with_figures((ROOT / "docs" / "index.md").read_text("utf-8"), [line])


def server() -> str:
    """Return the server's page with its figures."""
    text = (ROOT / "docs" / "server.md").read_text("utf-8")
    return _with_figures(text, server_page.figures(_result("server")))


def _with_figures(text: str, lines: list[str]) -> str:
    head, rest = text.split("<!-- figures -->", 1)
    tail = rest.split("<!-- /figures -->", 1)[1]
    return "\n".join([head + "<!-- figures -->", *lines, "<!-- /figures -->" + tail])


def main() -> int:
    stale = []
    for path, text in (
        (ROOT / "docs" / "accuracy.md", accuracy()),
        (ROOT / "docs" / "scale.md", scale_page(_result("scale"), _result("stream"))),
        (ROOT / "docs" / "speed.md", speed_tables.page(_result("speed-peers"))),
        (MODEL / "CARD.md", card()),
        (ROOT / "README.md", readme()),
        (ROOT / "docs" / "index.md", home()),
        (ROOT / "docs" / "server.md", server()),
    ):
        if "--check" not in sys.argv[1:]:
            path.write_text(text, "utf-8")
        elif not path.is_file() or path.read_text("utf-8") != text:
            stale.append(path.relative_to(ROOT))
    for path in stale:
        print(f"{path} is out of date: run benchmarks/render.py", file=sys.stderr)
    return int(bool(stale))


if __name__ == "__main__":
    sys.exit(main())
