"""Write docs/accuracy.md, scale.md, speed.md, the figures of README, docs/index.md and server.md, and the model's card from the results.

``--check`` writes nothing and fails where a document is not what the results
say, so that no figure comes from a keyboard.
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

from benchmarks.protocols.rendering import render_protocol
from spamguard import SpamModel, load_model
from spamguard.evaluation.thresholds import Promise
from spamguard.training.recipe import LANGUAGE_HAM, Recipe

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
MODEL = ROOT / "models" / "default"


def _result(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text("utf-8"))
    return found


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f} %"


def _unseen() -> list[str]:
    result = _result("unseen-blog")
    macro, alone = result["macro"], result["macro_without_near_duplicates"]
    shown = ("auc", "recall_at_1pct", "recall_at_2pct", "spam_caught", "ham_blocked", "ece")
    return [
        "## Blogs never seen",
        "",
        f"For each of {len(result['rows'])} moderated blogs a model learns from every other source "
        f"({result['sets']} sets; sets of one source are held out together) and is tested on all "
        "of that blog's comments. Calibration and thresholds come from the training sources alone. "
        "Intervals are 95 %: bootstrap over posts, exact binomial for shares (which takes comments for independent, "
        "though those under one post are not); for the macro mean, bootstrap over blogs, which twelve make somewhat "
        "too narrow. Recall at 1 or 2 % false positives is at the best cut in hindsight, on each blog its own: it "
        "tells how well comments are ranked, and no owner has that cut beforehand. The shares at the shipped "
        "thresholds are what an owner gets.",
        "",
        f"At the shipped thresholds {_percent(macro['spam_caught']['value'])} of the spam is caught and "
        f"{_percent(macro['ham_blocked']['value'])} of the real comments is lost, as the mean of the blogs.",
        "",
        render_protocol(result),
        "Campaigns cross blogs, so some comments have near-duplicates in other sources. Their share of each "
        "blog's comments: "
        + ", ".join(
            f"{r['blog']} {_percent(r['near_duplicates_elsewhere'])}" for r in result["rows"]
        )
        + ". The macro mean with them and without:",
        "",
        *_plain_table(
            ["", *(name.replace("_", " ") for name in shown)],
            [
                ["all comments", *(f"{macro[n]['value']:.3f}" for n in shown)],
                ["without near-duplicates", *(f"{alone[n]['value']:.3f}" for n in shown)],
            ],
        ),
        "What was said and what was so, all twelve blogs together (a probability of so much, and the share "
        "that was spam). It is said for a site where half of all comments are spam, and these blogs differ:",
        "",
        *_plain_table(
            ["said", "was", "comments"],
            [
                [f"{b['said']:.3f}", f"{b['was']:.3f}", f"{b['comments']:,}"]
                for b in result["reliability"]
            ],
        ),
    ]


def _plain_table(head: list[str], rows: list[list[str]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows), ""]


def _labels() -> list[str]:
    result = _result("labels")
    sizes = list(dict.fromkeys(key.rsplit(" ", 1)[1] for key in result["macro"]))
    rows = [
        [
            "**mean of the blogs with so many**",
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
        "A blog starts from a model that never saw it and learns its own first N comments in time order, "
        "`SpamClassifier(base=model).fit(...)` as it comes. Recall at 1 % false positives on the same later "
        "comments for every N; where the first N are of one class, nothing can be learned yet.",
        "",
        *_plain_table(["blog", *(f"after {n}" for n in sizes)], rows),
        "Fewer blogs have many labels, so columns are not of the same blogs. Against the same blog before its first "
        "label:",
        "",
        *_plain_table(
            ["labels", "blogs", "mean change", "better", "worse"], _changes(result, sizes)
        ),
    ]


def _changes(result: dict[str, Any], sizes: list[str]) -> list[list[str]]:
    """Return what labels change in recall at 1 % false positives, blog against the same blog."""
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
            _percent(sum(macro[f"{kind}_{when}"] for kind in kinds) / len(kinds))
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
        "comments called wrongly, in all", f"{sum(wrong['before']):,}", f"{sum(wrong['after']):,}",
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
        "## Corrections, and labels that were asked for",
        "",
        "A blog that the model never saw comes in time order. Each spam that is not called spam, and each real "
        "comment that is called spam or unsure, is learned by the site's own weights (`SiteWeights.learn`) before the "
        f"next comes: {sum(row['corrections'] for row in result['rows']):,} corrections. A comment that is unsure is "
        "corrected, but not counted as called wrongly where it is real. Mean of the twelve blogs:",
        "",
        *_plain_table(
            ["share", "without", "with corrections", "blogs better", "blogs worse"], corrected
        ),
        "Of the older half of each blog N labels are asked for, in the order of `spamguard queue` or at random "
        "(mean of five draws). Recall at 1 % false positives on the newer half; fewer blogs have an older half of many "
        "comments, so compare within a row:",
        "",
        *_plain_table(["labels", "blogs", "chosen", "at random"], chosen),
    ]


def _panels() -> list[str]:
    result = _result("panels")
    languages = [
        [code, f"{found['ham']:,}", _percent(found["ham_blocked"])]
        for code, found in result["macro"].items()
    ]
    background = Recipe.read(MODEL / "recipe.toml").background
    sets = [
        [
            row["set"] + (" (b)" if row["set"] in background else ""),
            ", ".join(row["languages"]),
            f"{row['ham']:,}",
            _share(row["ham_blocked"]),
            _share(row["ham_unsure"]),
            _share(row["ham_discarded"]),
        ]
        for row in sorted(result["rows"], key=lambda row: -row["ham_blocked"]["value"])
    ]
    unknown = [
        [
            row["language"],
            f"{row['ham']:,}",
            _share(row["ham_called_spam"]),
            _share(row["ham_called_spam_without_guard"]),
            _share(row["ham_called_unsure"]),
            f"{row['spam']:,}",
            _share(row["spam_called_unsure"]),
        ]
        for row in result["languages_held_out"]
    ]
    return [
        "## Real comments lost, set by set and language by language",
        "",
        "Every set with 20 real comments or more, by models that never saw the source (whole sources held "
        "out, fold by fold). Archives of published comments hold spam that nobody found, and it counts as "
        "lost here. Sets marked (b) are not wholly unseen: how common words are is counted in them, and their "
        "sentences pad some of the spam that is learned from, whichever fold they are in; nothing learns their labels. "
        "Cuts come from the other folds, that of `discard` too, where those did not lock it: what "
        "sets that had no say in it would lose is why the shipped model's is locked. Sets of one language, "
        "pooled:",
        "",
        *_plain_table(["language", "ham", "called spam"], languages),
        *_plain_table(["set", "language", "ham", "called spam", "called unsure", "discarded"], sets),
        "Languages that the model knows nothing of: all of the language is left out of training, and the "
        "comments in it are judged with the guard (no comment in an unknown language is called spam, where "
        "the language can be told) and without:",
        "",
        *_plain_table(
            [
                "language", "ham", "ham called spam", "without guard", "ham called unsure", "spam",
                "spam called unsure",
            ],
            unknown,
        ),
    ]  # fmt: skip


def _share(figure: dict[str, Any]) -> str:
    if figure["value"] is None:
        return "–"
    return f"{_percent(figure['value'])} ({_percent(figure['low'])}–{_percent(figure['high'])})"


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
        f"What was read: {result['what']}. Sorted by eye, once, and so only roughly. Undecidable: nothing in the "
        "comment, its author's name and address or its post would tell a person. Doubtful: the moderator "
        "decided otherwise on its like. On hendrixjoseph most of what is missed is a word or two of praise under a "
        "trade's name.",
        "",
        *_plain_table(
            ["blog", "read", "undecidable", "label doubtful", "what it is"],
            [*rows, ["**all**", *totals, ""]],
        ),
        "What would be needed: the thread (copies on the same blog), the moderator's own earlier decisions on a "
        "name or an address, and blogs in other languages to learn from.",
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
        "Ways to turn held-out scores into probabilities, by their expected calibration error. The first column "
        "is of the blogs that are learned from, each left out of the calibration in turn: by it the way that is "
        "shipped was chosen, the moderated blogs alone. The second is of the twelve, held out three at a time. Chance alone "
        f"makes an error of {result['macro']['ece_by_chance']:.4f} on blogs of these sizes, were the probabilities exact.",
        "",
        *_plain_table(["way", "blogs learned from", "blogs held out"], rows),
    ]


def _robustness() -> list[str]:
    result = _result("robustness")
    rows = [
        [
            row["attack"],
            f"{row['recall_at_1pct']:.3f}",
            f"{100 * row['recall_lost']:.1f}",
            f"{row['spam_caught']:.3f}",
            _percent(row["ham_blocked"]),
            f"{100 * row['ham_blocked_added']:+.1f}",
        ]
        for row in result["rows"]
    ]
    return [
        "## Attacks",
        "",
        "Each trick is played on up to 200 spam and 200 real comments of each held-out blog. Recall is at the "
        "cut that loses 1 % of the blog's untouched real comments; the rest at the shipped thresholds. Points "
        "are percentage points. Training plays tricks of the same kinds on its own comments (other words for "
        "padding, none of the last two kinds).",
        "",
        *_plain_table(
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
        "## What each family brings",
        "",
        "Macro mean of the twelve blogs, held out three at a time and fitted without calibration or doubting of "
        "labels, so the first row differs from the headline.",
        "",
        *_plain_table(["families", "auc", "recall at 1pct"], rows),
    ]


def _tubespam() -> list[str]:
    return [
        "## TubeSpam",
        "",
        "`SpamClassifier()` as it comes, one setting for all five videos, learning from the "
        "protocol's training comments alone. Time order by class takes the oldest 70 % of each class of a "
        "video, overall the oldest 70 % of all its comments. Copies are tested comments that have a near-duplicate "
        "among those learned from: campaigns cross the videos, and the last column is without them. The phrases of "
        "the feature `promo_subscribe` were written by people who knew what is said under videos, these too.",
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
        f"`SpamClassifier()` as it comes; mean ROC-AUC on {', '.join(result['blogs'])}, which are held out. The "
        f"stream passes {result['different_comments']:,} different comments again and again; seconds are for learning, "
        "after the comments were read. Measured by `python benchmarks/sizes.py DIR benchmarks/results/sizes.json`.",
        "",
        *lines,
        "",
    ]


def _drift() -> list[str]:
    result = _result("drift")
    quiet, heard = result["false_alarms"], result["heard"]

    def told(found: dict[str, Any]) -> str:
        return f"{_percent(found['share'])} ({_percent(found['low'])} – {_percent(found['high'])})"

    names = {
        "report": "`drift_report`",
        "alone": "the same test, each comment dealt out alone",
        "ks": "Kolmogorov-Smirnov, any of the columns",
        "bonferroni": "the same with Bonferroni's correction",
    }
    return [
        "## Drift",
        "",
        f"The posts of one blog are dealt into two halves at random, so nothing has changed, {quiet['report']['n']} "
        f"times over {len(result['rows'])} blogs; a report that tells of anything is a false alarm. Promised are "
        f"{100 * result['alpha']:g} %; the model is {result['model']}. Exact 95 % intervals. Measured by `python benchmarks/false_alarms.py DIR "
        "benchmarks/results/drift.json`.",
        "",
        "| test | false alarms |",
        "|---|---|",
        *(f"| {name} | {told(quiet[key])} |" for key, name in names.items()),
        "",
        "How small a change is heard: that share of the comments of one half is replaced by spam of another blog. "
        "The blogs are small, some hundred comments to a half, and comments cling to their posts.",
        "",
        "| comments replaced | anything moved | a score moved |",
        "|---|---|---|",
        *(
            f"| {_percent(row['replaced'])} | {told(row['any'])} | {told(row['scores'])} |"
            for row in heard
        ),
        "",
        "Between the earlier and the later half of each blog, where nobody knows what changed, so many columns "
        "moved: "
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
        "comments with their posts. Other rows, peers, batches, learning and long texts: [speed.md](speed.md).",
        "",
        render_protocol(result),
    ]


def accuracy() -> str:
    """Return docs/accuracy.md."""
    head = [
        "# How good it is",
        "",
        "Limits first. Twelve blogs are few, most are by people who write programs, and their moderators' "
        "labels hold mistakes; the intervals are wide and should be read. Settings (the penalty, the weight of "
        "named features, when a label is doubted) were compared on these same blogs, and features came of "
        "reading their errors, while the procedure was built: a blog outside all of this would be the "
        "cleaner proof. Calibration, thresholds and the labels that are doubted are settled within the training "
        "sources each time. Languages other than English are few in the data, and blogs that are not in "
        "English fewer.",
        "",
        "Every figure here is written by `benchmarks/render.py` from `benchmarks/results/`. To measure all again, "
        "which takes about half an hour on two cores, the peers some hours more:",
        "",
        "```",
        "python -m benchmarks.protocols all --datasets DIR",
        "bash benchmarks/accuracy/install_peers.sh peers-env",
        "peers-env/bin/python benchmarks/accuracy/peers.py DIR benchmarks/results/peers.json",
        "```",
        "",
        "One protocol by itself: `python -m benchmarks.protocols unseen-blog --datasets DIR`, and likewise `labels`, "
        "`tubespam`, `panels`, `moderation`, `robustness`, `ablation` and `speed`.",
        "",
    ]
    sections = (
        _unseen, _errors, _peers, _labels, _moderation, _tubespam, _panels, _calibration,
        _robustness, _ablation, _sizes, _drift, _speed,
    )  # fmt: skip
    return "\n".join([*head, *(line for section in sections for line in section())])


def _discard(model: SpamModel) -> str:
    """Return what the card says of the discard threshold and its bound."""
    held_out = model.about["held_out"]
    promise, by_blog = held_out["discard_promise"], held_out.get("ham_lost_at_discard")
    if model.cuts.discard is None:
        return (
            "`discard` is never true: the held-out real comments of some source contradict the promise "
            "to lose at most 1 in 1000 unseen, or there are too few."
        )
    lost = sum(k for k, _, _ in by_blog.values()) if by_blog else promise["ham_lost"]
    return (
        f"`discard` may be true: of {promise['ham']} held-out real comments {lost} "
        f"lie above its threshold (at most {_percent(promise['ham_lost_upper'])} with "
        f"{100 * promise['confidence']:g} % confidence, by order statistics, if comments are independent)."
    ) + (_discard_by_blog(by_blog, promise) if by_blog else "")


def _discard_by_blog(by_blog: dict[str, list[float]], promise: dict[str, Any]) -> str:
    """Return what the discard promise comes to on single sources."""
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
    """Return what the card says of each language."""
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
            _lost(code, panels["rows"]) if code != "en" else f"{_percent(pooled)} of all",
        ]
        for code, found in sorted(counts.items(), key=lambda item: -item[1]["ham"])
        if found["ham"] + found["spam"] >= 20
    ]
    return [
        "## Languages",
        "",
        f"Comments whose language could be told by script and small words. With {LANGUAGE_HAM} real comments a "
        "language is known; a comment in another is never called `spam`, whatever its probability, but `unsure`. "
        "Lost: share of the real comments called spam, of each held-out set in that language alone; a name that does "
        "not begin with `modblog` or `hamblog` is no blog, and says little of one.",
        "",
        *_plain_table(["language", "ham", "spam", "known", "lost"], rows),
    ]


def _lost(language: str, rows: list[dict[str, Any]]) -> str:
    """Return which share of the real comments each set in `language` alone loses, most first."""
    own = [row for row in rows if row["languages"] == [language]]
    own.sort(key=lambda row: -float(row["ham_blocked"]["value"]))
    return ", ".join(f"{row['set']} {_percent(row['ham_blocked']['value'])}" for row in own) or "–"


def _worst_panel() -> dict[str, Any]:
    """Return the set of which most real comments are called spam."""
    rows: list[dict[str, Any]] = _result("panels")["rows"]
    return max(rows, key=lambda row: float(row["ham_blocked"]["value"]))


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
            f"Learned from {about['trained_on']}: {about['ham']:,} real ones and {about['spam']:,} spam, from "
            f"{len(about['sets'])} sets described in `datasets/cards`. The model holds weights, counts "
            "and hashes; no text can be read out of it. It has not learned from the sample corpus.",
            "",
            "## What it does on a blog it has never seen",
            "",
            f"Spam caught {_percent(macro['spam_caught']['value'])}, real comments lost "
            f"{_percent(macro['ham_blocked']['value'])}, left for a person to decide "
            f"{_percent(macro['unsure']['value'])}; recall at 1 % false positives (at "
            f"the best cut in hindsight) {macro['recall_at_1pct']['value']:.3f}, ROC-AUC {macro['auc']['value']:.3f}, expected "
            f"calibration error {macro['ece']['value']:.3f}. Mean of twelve moderated blogs, each "
            "held out in its turn; the figures are the procedure's, measured with models that "
            "did not see the blog. See docs/accuracy.md for each blog and the intervals.",
            "",
            "## Where it is weak",
            "",
            "- Lowest recall at 1 % false positives: "
            + ", ".join(f"{r['blog']} ({r['recall_at_1pct']['value']:.2f})" for r in weakest)
            + ". What is missed there is mostly a bare thank-you under a plausible name.",
            "- Most real comments lost: "
            + ", ".join(f"{r['blog']} ({_percent(r['ham_blocked']['value'])})" for r in worst_ham)
            + ". Readers who are bloggers or tradespeople themselves look like those who advertise.",
            f"- Of all sets held out, {panel['set']} loses most: {_percent(panel['ham_blocked']['value'])} of "
            f"{panel['ham']:,} real comments called spam. Archives hold spam that nobody found, and it counts as lost.",
            "- Most of what it learned is English; see the languages below.",
            "- The labels are moderators' decisions. Held-out models contradict "
            f"{held_out['labels_doubted']['ham']} ham and {held_out['labels_doubted']['spam']} spam labels "
            "strongly; these were not learned from, nor was probability scaled by them, but they count in every "
            "measurement and in the thresholds.",
            "- Probabilities speak of a blog where half of all comments are spam.",
            "",
            "## Thresholds",
            "",
            f"Log-odds {model.cuts.unsure:.2f} for `unsure` and {model.cuts.spam:.2f} for `spam`, set so that on "
            f"held-out blogs {_percent(about['settings']['unsure_ham_lost'])} and "
            f"{_percent(about['settings']['spam_ham_lost'])} of the comments labelled ham lie above. {discard}",
            "",
            *_languages(about),
            "## Made again",
            "",
            "`spamguard train --recipe models/default/recipe.toml --datasets DIR` makes the same bytes with the "
            "same versions of numpy and scipy on the same kind of processor.",
            "",
        ]
    )


def _one_ms(fast: dict[str, Any]) -> float:
    """Return milliseconds of one comment of the moderated blogs, its post seen before."""
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
        f"On {len(result['rows'])} moderated blogs, each held out in its turn with everything from the same "
        "source (mean of the blogs). The last two columns have the same rows to learn from, without "
        f"the shipped recipe's chat messages; the best of {len(peers) - 1} filters, line by line:",
        "",
        "| | as shipped | on the peers' rows | the best peer |",
        "|---|---|---|---|",
        *(
            "| "
            + " | ".join(
                [says, form(result["macro"][key]["value"]), form(peers["spamguard"][key]["value"]),
                 _best_peer(peers, key, best, form)]
            )
            + " |"
            for key, says, form, best in _HEADLINES
        ),
        "",
        _worst_line(result),
        "",
        f"On TubeSpam, mean MCC {videos['authors_split']['mcc']:.3f} in the authors' split and "
        f"{videos['time_order_overall']['mcc']:.3f} where the newest 30 % of all comments are tested on; copies of "
        "tested comments stand in both, and [docs/accuracy.md](docs/accuracy.md#tubespam) has it without them. A fresh "
        f"process has its first verdict after {fast['first']['seconds']:.2f} s and {fast['first']['peak_mb']:.0f} MB; "
        f"a comment with its post takes {_one_ms(fast):.2f} ms (median); [docs/speed.md](docs/speed.md) has the peers "
        "beside it.",
    ]  # fmt: skip
    return _with_figures(text, lines)


_HEADLINES = (
    ("spam_caught", "spam caught at the shipped threshold", _percent, max),
    ("ham_blocked", "real comments lost at that threshold", _percent, min),
    ("mcc", "both in one figure (MCC)", "{:.3f}".format, max),
    ("recall_at_1pct", "spam caught at 1 % false positives, by the best cut in hindsight", _percent, max),
    ("auc", "ROC-AUC", "{:.3f}".format, max),
    ("ece", "expected calibration error (the peers' probabilities as they come)", "{:.3f}".format, min),
)  # fmt: skip


def _best_peer(
    peers: Mapping[str, Any], key: str, best: Callable[..., str], form: Callable[[float], str]
) -> str:
    """Return the best figure that a peer reaches, and which."""
    found = {name: macro[key]["value"] for name, macro in peers.items() if key in macro}
    found.pop("spamguard")
    name = best(found, key=found.__getitem__)
    return f"{form(found[name])} ({name})"


def _worst_line(result: dict[str, Any]) -> str:
    """Return what the blogs say that it serves worst."""
    worst = min(result["rows"], key=lambda row: row["spam_caught"]["value"])
    most_lost = max(result["rows"], key=lambda row: row["ham_blocked"]["value"])
    panel = _worst_panel()
    return (
        f"The blog it serves worst has {_percent(worst['spam_caught']['value'])} of its spam caught ({worst['blog']}), "
        f"another loses {_percent(most_lost['ham_blocked']['value'])} of its real comments ({most_lost['blog']}); of "
        f"all sets with real comments, {panel['set']} loses most, {_percent(panel['ham_blocked']['value'])} of "
        f"{panel['ham']:,}."
    )


def home() -> str:
    """Return the site's first page with its figures."""
    result = _result("unseen-blog")
    macro = result["macro"]
    line = (
        f"On {len(result['rows'])} moderated blogs, each held out in its turn, the shipped thresholds catch "
        f"{_percent(macro['spam_caught']['value'])} of the spam and lose "
        f"{_percent(macro['ham_blocked']['value'])} of the real comments (mean of the blogs). {_worst_line(result)}"
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
        print(f"{path} is not what the results say: run benchmarks/render.py", file=sys.stderr)
    return int(bool(stale))


if __name__ == "__main__":
    sys.exit(main())
