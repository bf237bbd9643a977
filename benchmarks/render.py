"""Write docs/accuracy.md and the default model's card from the committed results.

``--check`` writes nothing and fails where a document is not what the results
say, so that no figure comes from a keyboard.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from peer_tables import section as peers_section

from spamguard import SpamModel, load_model
from spamguard.evaluation import render
from spamguard.thresholds import Promise

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
    macro = result["macro"]
    return [
        "## Blogs never seen",
        "",
        f"For each of {len(result['rows'])} moderated blogs a model learns from every other source "
        f"({result['sets']} sets; sets of one source are held out together) and is tested on all "
        "of that blog's comments. Calibration and thresholds come from the training sources alone. "
        "Intervals are 95 %: bootstrap over posts, exact binomial for shares; for the macro mean, "
        "bootstrap over blogs.",
        "",
        f"At the shipped thresholds {_percent(macro['spam_caught']['value'])} of the spam is caught and "
        f"{_percent(macro['ham_blocked']['value'])} of the real comments is lost, as the mean of the blogs.",
        "",
        render(result),
        "Some comments have near-duplicates in other sources, because campaigns cross blogs. "
        "Share of each blog's comments: "
        + ", ".join(
            f"{r['blog']} {_percent(r['near_duplicates_elsewhere'])}" for r in result["rows"]
        )
        + ".",
        "",
    ]


def _tubespam() -> list[str]:
    return [
        "## TubeSpam",
        "",
        "`SpamClassifier()` as it comes, one setting for all five videos, learning from the "
        "protocol's training comments alone. Published for logistic regression on the authors' "
        "split: mean MCC 0.90 (Alberto, Lochter and Almeida 2015).",
        "",
        render(_result("tubespam")),
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


def _speed() -> list[str]:
    result = _result("speed")
    return [
        "## Speed",
        "",
        f"Python {result['python']}, numpy {result['numpy']}, {result['cores']} cores; the sample's "
        "comments with their posts.",
        "",
        render(result),
    ]


def accuracy() -> str:
    """Return docs/accuracy.md."""
    head = [
        "# How good it is",
        "",
        "Limits first. Twelve blogs are few, most are by people who write programs, and their moderators' "
        "labels hold mistakes; the intervals are wide and should be read. A handful of settings (the "
        "penalty, the weight of named features, when a label is doubted) were compared on these same blogs, and "
        "features came of reading their errors, while the procedure was built; the variants differed by less than the intervals. The TF-IDF baseline was "
        "measured once on the same blogs, held out alike, not in the same run.",
        "",
        "Every figure here is written by `benchmarks/render.py` from `benchmarks/results/`. To measure again:",
        "",
        "```",
        "spamguard evaluate unseen-blog --datasets DIR --output benchmarks/results/unseen-blog.json",
        "spamguard evaluate tubespam --datasets DIR --output benchmarks/results/tubespam.json",
        "spamguard evaluate speed --output benchmarks/results/speed.json",
        "```",
        "",
    ]
    return "\n".join([*head, *_unseen(), *_tubespam(), *_peers(), *_sizes(), *_speed()])


def _discard(model: SpamModel) -> str:
    """Return what the card says of the discard threshold and its bound."""
    held_out = model.about["held_out"]
    promise, by_blog = held_out["discard_promise"], held_out.get("ham_lost_at_discard")
    if model.cuts.discard is None:
        return (
            "`discard` is never true: the held-out real comments do not support losing at most "
            "1 in 1000 unseen."
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


def card() -> str:
    """Return the default model's card."""
    model = load_model(MODEL)
    about, macro = model.about, _result("unseen-blog")["macro"]
    held_out = about["held_out"]
    rows = _result("unseen-blog")["rows"]
    weakest = sorted(rows, key=lambda row: row["recall_at_1pct"]["value"])[:3]
    worst_ham = sorted(rows, key=lambda row: -row["ham_blocked"]["value"])[:3]
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
            f"{_percent(macro['unsure']['value'])}; recall at 1 % false positives "
            f"{macro['recall_at_1pct']['value']:.3f}, ROC-AUC {macro['auc']['value']:.3f}, expected "
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
            "- Most of what it learned is English. Honest French, Portuguese, Indonesian, Russian and Chinese "
            "comments were in the training data, fewer of them; other languages are judged by "
            "links, names and shape alone.",
            "- The labels are moderators' decisions. Held-out models contradict "
            f"{held_out['labels_doubted']['ham']} ham and {held_out['labels_doubted']['spam']} spam labels "
            "strongly; these were not learned from, but they count in every measurement.",
            "- Probabilities speak of a blog where half of all comments are spam.",
            "",
            "## Thresholds",
            "",
            f"Log-odds {model.cuts.unsure:.2f} for `unsure` and {model.cuts.spam:.2f} for `spam`, set so that on "
            f"held-out blogs {_percent(about['settings']['unsure_ham_lost'])} and "
            f"{_percent(about['settings']['spam_ham_lost'])} of the comments labelled ham lie above. {discard}",
            "",
            "## Made again",
            "",
            "`spamguard train --recipe models/default/recipe.toml --datasets DIR` makes the same bytes with the "
            "same versions of numpy and scipy on the same kind of processor.",
            "",
        ]
    )


def readme() -> str:
    """Return the README with its figures."""
    text = (ROOT / "README.md").read_text("utf-8")
    result, videos, fast = (
        _result("unseen-blog"),
        _result("tubespam")["macro"],
        _result("speed")["macro"],
    )
    macro, base = result["macro"], result["baseline"]
    names = (
        ("spam_caught", "spam caught at the shipped threshold", _percent),
        ("ham_blocked", "real comments lost at that threshold", _percent),
        ("recall_at_1pct", "spam caught at 1 % false positives", _percent),
        ("auc", "ROC-AUC", "{:.3f}".format),
        ("ece", "expected calibration error", "{:.3f}".format),
    )
    lines = [
        f"On {len(result['rows'])} moderated blogs, each held out in its turn with everything from the same "
        "source (mean of the blogs):",
        "",
        "| | spamguard | TF-IDF words and characters + logistic regression |",
        "|---|---|---|",
        *(
            f"| {says} | {form(macro[key]['value'])} | {form(base[key])} |"
            for key, says, form in names
        ),
        "",
        f"On TubeSpam, authors' split: mean MCC {videos['authors_split']['mcc']:.3f}. A fresh process has its first "
        f"verdict after {fast['import_load_first_score_s']:.2f} s and {fast['peak_memory_mb']:.0f} MB; a comment "
        f"with its post takes {fast['comment_median_us'] / 1000:.2f} ms (median).",
    ]
    head, rest = text.split("<!-- figures -->", 1)
    tail = rest.split("<!-- /figures -->", 1)[1]
    return "\n".join([head + "<!-- figures -->", *lines, "<!-- /figures -->" + tail])


def main() -> int:
    stale = []
    for path, text in (
        (ROOT / "docs" / "accuracy.md", accuracy()),
        (MODEL / "CARD.md", card()),
        (ROOT / "README.md", readme()),
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
