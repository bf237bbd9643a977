"""Protocol results as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.protocols.accuracy import SPLITS
from spamguard.analysis.report import Result, figure_cell, markdown_table, render, rows_table


def block(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a table with the blank line that ends it."""
    return [*markdown_table(head, rows), ""]


def render_protocol(result: Result) -> str:
    """Return the result of a protocol as Markdown."""
    special = {"tubespam": _render_tubespam, "panels": _render_panels}
    return special.get(result["protocol"], render)(result)


def _render_panels(result: Result) -> str:
    return "\n".join((rows_table(result["rows"]), rows_table(result["languages_held_out"])))


def _render_tubespam(result: Result) -> str:
    lines: list[str] = []
    for split in SPLITS:
        names = list(result["macro"][split])
        rows = [["**mean**", *(figure_cell(result["macro"][split][name]) for name in names)]]
        rows += [
            [row["video"], *(figure_cell(row[split][n]) for n in names)] for row in result["rows"]
        ]
        lines += [f"{split.replace('_', ' ').capitalize()}:", ""]
        lines += [*markdown_table(["video", *names], rows), ""]
    return "\n".join(lines)
