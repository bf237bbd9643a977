"""The site's page of the notebooks: what each is about, its first picture, and the notebook itself.

A hook of mkdocs. Pictures are those stored in the notebooks, so none is kept twice.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
PAGE = "notebooks.md"
HEAD = """# Notebooks

Each tells a story that can be read without running it: the outputs are stored. They run on the sample
corpus, and 03 to 06 also on the data sets, where those are at hand.
"""


def told(notebook: Path) -> tuple[str, str, bytes]:
    """Return a notebook's title, the first paragraph below it, and its first picture as PNG."""
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    title, first = "".join(cells[0]["source"]).split("\n\n")[:2]
    pictures = (
        output["data"]["image/png"]
        for cell in cells
        for output in cell.get("outputs", ())
        if "image/png" in output.get("data", {})
    )
    return title.removeprefix("# "), first, base64.b64decode(next(pictures))


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the page, the pictures and the notebooks."""
    parts = [HEAD]
    for notebook in sorted(NOTEBOOKS.glob("*.ipynb")):
        title, first, picture = told(notebook)
        files.append(File.generated(config, f"notebooks/{notebook.stem}.png", content=picture))
        path = f"notebooks/{notebook.name}"
        files.append(File.generated(config, path, abs_src_path=str(notebook)))
        parts.append(
            f"## {title}\n\n{first}\n\n![The first picture of {title}](notebooks/{notebook.stem}.png)\n\n"
            f"[{notebook.name}]({path})\n"
        )
    files.append(File.generated(config, PAGE, content="\n".join(parts)))
    return files
