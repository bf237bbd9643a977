"""Make the site's notebook pages: a list, and one page per notebook with its stored output.

This is a mkdocs hook. Pictures come from the notebooks, so none is stored twice.
"""

from __future__ import annotations

import base64
import json
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
PAGE = "notebooks.md"
HEAD = """# Notebooks

You can read each notebook without running it, because its output is stored. They run on the sample corpus;
03 to 06 also use the data sets if you have them.
"""


def page_of(notebook: Path) -> tuple[str, dict[str, bytes]]:
    """Return a notebook as Markdown, and its pictures by name."""
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    pictures: dict[str, bytes] = {}
    parts = []
    for cell in cells:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(_links_within(source))
            continue
        parts.append(f"```python\n{source}\n```")
        for output in cell["outputs"]:
            picture = output.get("data", {}).get("image/png")
            if picture is None:
                parts.append(_shown(output))
            else:
                name = f"{notebook.stem}-{len(pictures) + 1}.png"
                pictures[name] = base64.b64decode(picture)
                parts.append(f"![Picture {len(pictures)} of this notebook]({name})")
    title, rest = parts[0].split("\n\n", 1)
    parts[0] = f"{title}\n\nTo run it: [{notebook.name}]({notebook.name}).\n\n{rest}"
    return "\n\n".join(parts) + "\n", pictures


def _links_within(source: str) -> str:
    """Return a cell's Markdown with its links changed to pages of the site."""
    return re.sub(r"\]\((\w+)\.ipynb\)", r"](\1.md)", source).replace("](../docs/", "](../")


def _shown(output: dict[str, Any]) -> str:
    """Return a cell's output in a scrolling box."""
    data = output.get("data", {})
    if "text/html" in data:
        return f'<div class="notebook-output">\n{"".join(data["text/html"])}\n</div>'
    text = "".join(output.get("text", data.get("text/plain", ""))).rstrip()
    return f"```text\n{text}\n```"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the list, and for each notebook its page, its pictures and the notebook itself."""
    parts = [HEAD]
    for notebook in sorted(NOTEBOOKS.glob("*.ipynb")):
        text, pictures = page_of(notebook)
        title, _, first = text.split("\n\n")[:3]
        for name, picture in pictures.items():
            files.append(File.generated(config, f"notebooks/{name}", content=picture))
        path = f"notebooks/{notebook.stem}.md"
        page = File.generated(config, path, content=text, inclusion=InclusionLevel.NOT_IN_NAV)
        files.append(page)
        own = f"notebooks/{notebook.name}"
        files.append(File.generated(config, own, abs_src_path=str(notebook)))
        title = title.removeprefix("# ")
        parts.append(
            f"## {title}\n\n{first}\n\n![The first picture of {title}](notebooks/{next(iter(pictures))})\n\n"
            f"[Read it]({path})\n"
        )
    files.append(File.generated(config, PAGE, content="\n".join(parts)))
    return files
