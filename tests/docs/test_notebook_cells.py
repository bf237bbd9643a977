"""The first cells of the first notebook, run without Jupyter: the default tier has one of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.quick
NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "01_score_and_read_a_verdict.ipynb"


def test_the_first_notebook_scores_the_sample_and_shows_a_verdict():
    pytest.importorskip("matplotlib", reason="needs pip install 'spamguard[analysis]'")
    cells = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    names: dict[str, object] = {}
    for source in [*code[:3], next(cell for cell in code if "verdict = score(" in cell)]:
        exec(compile(source, NOTEBOOK.name, "exec"), names)
    assert len(names["verdicts"]) == len(names["comments"])
    assert names["verdict"].label in names["verdict"]._repr_html_()
