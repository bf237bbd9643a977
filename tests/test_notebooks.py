"""Every notebook runs from top to bottom, and is kept without outputs."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Return a function that runs a notebook in a kernel of its own, in an empty directory."""
    # The kernel finds the package from there, also where it is not installed.
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    monkeypatch.setenv("PYTHONPATH", path)
    for name in ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    work = tmp_path / "work"
    work.mkdir()

    def execute(notebook):
        client = NotebookClient(
            notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": work}}
        )
        return client.execute()

    return execute


def text_of(cell):
    """Return what a cell shows, and what it complains of."""
    said, complaints = [], []
    for output in cell["outputs"]:
        if output["output_type"] == "stream":
            (complaints if output["name"] == "stderr" else said).append(output["text"])
        elif output["output_type"] == "error":
            complaints.append(output["evalue"])
        else:
            said.append(output["data"]["text/plain"])
    return "\n".join(said), "\n".join(complaints)


def test_there_are_notebooks():
    assert [path.name for path in NOTEBOOKS] == ["first_look.ipynb"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_kept_without_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None
        assert cell.metadata == {}
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert notebook.metadata["kernelspec"]["name"] == "python3"


def test_first_look(run):
    path = ROOT / "notebooks" / "first_look.ipynb"
    notebook = run(nbformat.read(path, as_version=4))
    shown = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            shown[cell["id"]], complaints = text_of(cell)
            assert not complaints, cell["id"]
    assert all(text.strip() for text in shown.values())
    confusion = shown["confusion"].splitlines()
    assert confusion[-1].split()[-1] == "360"
    assert [line.split()[0] for line in confusion[-3:]] == ["ham", "spam", "All"]
    assert len([line for line in shown["histogram"].splitlines() if " to " in line]) == 10
    assert "▇" in shown["histogram"]
    assert "ham, probability of spam" in shown["wrong"]
    assert "ROC-AUC" in shown["own"]
    assert len(shown["features"].splitlines()) == 16
    assert "ngrams_words" in shown["features"]
    assert "60 labels on top of it" in shown["base"]
