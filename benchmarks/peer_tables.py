"""The comparison with other filters as Markdown, from results/peers.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from spamguard.analysis.report import figure_cell, markdown_table

OURS = "spamguard"
MARKS = ("<!-- peers -->", "<!-- /peers -->")

_RANKED = ("auc", "average_precision", "recall_at_1pct", "recall_at_2pct")
_AT_CUT = ("mcc", "spam_caught", "ham_blocked")
_UNSEEN = (*_RANKED, *_AT_CUT, "brier", "ece")
_SPLITS = {
    "authors_split": "Authors' split, the first 70 % of each video's file against the rest",
    "leave_one_video_out": "One video left out",
    "oldest_70_percent": "The oldest 70 % of each video against the newest 30 %",
}
_VIDEO = ("mcc", "auc", "spam_caught", "ham_blocked")


def _head(names: tuple[str, ...]) -> list[str]:
    return ["", *(name.replace("_", " ") for name in names)]


def _name(peer: str) -> str:
    return f"**{peer}**" if peer == OURS else peer


def _by(peers: Mapping[str, Any], figures: Any, names: tuple[str, ...]) -> list[str]:
    """Return a table with a row for each peer. `figures` finds a peer's figures; a missing one is "–"."""
    rows = [
        [_name(n), *(figure_cell(figures(p)[k]) if k in figures(p) else "–" for k in names)]
        for n, p in peers.items()
    ]
    return [*markdown_table(_head(names), rows), ""]


def _unseen(result: Mapping[str, Any]) -> list[str]:
    return [
        f"### {len(result['blogs'])} blogs never seen",
        "",
        f"Every filter learns from the same comments ({result['learned_from']:,}, less those of the tested "
        f"blog) and is tested on the same {result['tested']:,}, as cleaned text. {result['fields']} "
        "Only spamguard also reads the post. The figures are means of the blogs; intervals are 95 %, bootstrap over "
        "blogs.",
        "",
        *_by(result["peers"], lambda p: p["unseen"]["macro"], _UNSEEN),
        f"{result['threshold']} A dash means that the filter gives no probability.",
        "",
        "The comparison is not equal in every respect:",
        "",
        "- spamguard's probabilities are calibrated on held-out blogs (Platt) and its threshold comes from all training "
        "blogs. The peers' probabilities are not calibrated, and their thresholds and settings come from sources "
        "that include none of these blogs. So Brier, ECE and the figures at a threshold flatter spamguard somewhat.",
        "- spamguard's settings were compared on these same blogs. Ranking (AUC, recall) is the fairest comparison.",
        "- The shipped recipe also learns from the sets it calls `ham_only`: real chat messages in Chinese and Russian, "
        'which the peers do not have. The figures under "Blogs never seen" include them. The difference from the '
        "spamguard row here is what they cost on these blogs.",
        "",
        "At even odds (probability 0.5):",
        "",
        *_by(result["peers"], lambda p: p["unseen"]["at_even_odds"], _AT_CUT),
    ]


def _videos(result: Mapping[str, Any]) -> list[str]:
    lines = [
        "### TubeSpam beside the peers",
        "",
        "Means of the five videos, at even odds. spamguard uses one setting. Each peer is tuned by MCC within "
        "the training comments of every split and video.",
        "",
    ]
    for split, says in _SPLITS.items():
        lines += [f"{says}:", ""]
        lines += _by(result["peers"], lambda p, s=split: p["tubespam"][s]["mean"], _VIDEO)
    return lines


def _published(result: Mapping[str, Any], published: Mapping[str, Any]) -> list[str]:
    figures = dict(published["mcc"])
    if OURS in result["peers"]:
        own = result["peers"][OURS]["tubespam"][published["split"]]["mean"]["mcc"]
        figures[OURS] = own
    ordered = sorted(figures, key=lambda name: -figures[name])
    return [
        f"Published on the authors' split: {published['figure']}. Source: {published['source']}.",
        "",
        *markdown_table(["", "mean MCC"], [[_name(n), f"{figures[n]:.4f}"] for n in ordered]),
        "",
    ]


def _what(result: Mapping[str, Any]) -> list[str]:
    rows = [
        [
            _name(n),
            p["version"],
            p["about"],
            "yes" if p["row_weights"] else "no",
            ", ".join(f"{k} {v}" for k, v in p["setting"].items()) or "as shipped",
            f"{p['seconds']['train']:.0f}",
            f"{p['seconds']['score']:.1f}",
        ]
        for n, p in result["peers"].items()
    ]
    head = ["", "version", "what", "row weights", "setting", "train s", "score s"]
    lines = [
        "What ran. Seconds are for all the unseen blogs together, without reading the texts, on a busy machine:",
        "",
        *markdown_table(head, rows),
        "",
    ]
    if result["absent"]:
        said = "; ".join(f"{name}: {why}" for name, why in result["absent"].items())
        lines += [f"Not in this run: {said}.", ""]
    return lines


def section(result: Mapping[str, Any], published: Mapping[str, Any]) -> list[str]:
    """Return the section on the peers, between its marks."""
    return [
        MARKS[0],
        "## Beside other filters",
        "",
        *_unseen(result),
        *_videos(result),
        *_published(result, published),
        *_what(result),
        "Measured by `python benchmarks/accuracy/peers.py DIR benchmarks/results/peers.json`; "
        "`--peers spamguard` measures only that row again.",
        MARKS[1],
        "",
    ]
