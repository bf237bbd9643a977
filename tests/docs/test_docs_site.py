"""The documentation builds without a warning, is whole, and fetches nothing from elsewhere."""

from __future__ import annotations

import html
import importlib.util
import json
import os
import re
import subprocess
import sys
import zlib
from html.parser import HTMLParser
from pathlib import Path

import pytest

griffe = pytest.importorskip("griffe", reason="needs pip install 'spamguard[docs]'")
pytest.importorskip("mkdocs", reason="needs pip install 'spamguard[docs]'")

ROOT = Path(__file__).resolve().parents[2]
FETCHING = {
    ("script", "src"), ("link", "href"), ("img", "src"), ("img", "srcset"), ("source", "src"),
    ("source", "srcset"), ("iframe", "src"), ("object", "data"), ("embed", "src"), ("video", "src"),
    ("audio", "src"), ("track", "src"), ("input", "src"), ("use", "href"), ("image", "href"),
}  # fmt: skip
"""What a browser fetches without being asked; a link that somebody follows is none of these."""
POLICY = "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; worker-src 'self' blob:"


class Page(HTMLParser):
    """What stands in a page: what it fetches, its policy, and its words outside code."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.policy = ""
        self.styles: list[str] = []
        self.prose: list[str] = []
        self._open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.fetched += [given[name] for t, name in FETCHING if t == tag and name in given]
        self.styles += [given["style"]] if "style" in given else []
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"]
        if tag in ("code", "pre", "script", "style"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._open and self._open[-1] == tag:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if not self._open:
            self.prose.append(data)
        elif self._open[-1] == "style":
            self.styles.append(data)


def is_elsewhere(address: str) -> bool:
    return bool(re.match(r"\s*(?:[a-z][a-z0-9+.-]*:)?//", address, re.IGNORECASE))


def fetched_by_style(text: str) -> list[str]:
    """Return the addresses in a style sheet."""
    found = re.findall(r"url\(\s*[\"']?([^\"')]+)", text)
    return found + re.findall(r"@import\s+[\"']([^\"']+)", text)


@pytest.fixture(scope="module")
def made():
    """The hook that makes pages."""
    spec = importlib.util.spec_from_file_location(
        "reference_pages", ROOT / "docs/reference_pages.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built from the sources as they are."""
    where = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(where)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return where


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Page]:
    """Every page of it."""
    found = {
        str(path.relative_to(site)): Page(path.read_text("utf-8")) for path in site.rglob("*.html")
    }
    assert {"index.html", "tutorial/index.html", "404.html"} <= set(found)
    return found


def test_no_page_fetches_from_elsewhere(pages):
    outside = [(n, a) for n, page in pages.items() for a in page.fetched if is_elsewhere(a)]
    assert not outside
    assert all(page.fetched for page in pages.values())


def test_no_style_fetches_from_elsewhere(site, pages):
    sheets = [path.read_text("utf-8") for path in site.rglob("*.css")]
    assert len(sheets) >= 3
    sheets += [style for page in pages.values() for style in page.styles]
    assert not [a for sheet in sheets for a in fetched_by_style(sheet) if is_elsewhere(a)]


def test_browsers_are_told_to_fetch_nothing_from_elsewhere(pages):
    assert {page.policy for page in pages.values()} == {POLICY}


def test_what_is_fetched_is_found():
    page = Page(
        '<script src="//cdn.example/x.js"></script><img src="a.png"><style>a{b:url(http://x.example)}</style>'
    )
    assert [is_elsewhere(a) for a in page.fetched] == [True, False]
    assert fetched_by_style(page.styles[0]) == ["http://x.example"]
    assert fetched_by_style('@import "https://x.example/f.css";') == ["https://x.example/f.css"]


def test_examples_of_docstrings_are_shown_as_code(pages):
    assert not [name for name, page in pages.items() if ">>>" in "".join(page.prose)]


def test_defaults_are_those_of_the_signature(site):
    text = (site / "reference" / "spamguard" / "index.html").read_text("utf-8")
    told = re.search(r"<code>class_weight</code>.*?–", text, re.DOTALL)
    assert told is not None
    words = html.unescape(re.sub(r"<[^>]+>|\s+", "", told[0]))
    assert words == "class_weight('balanced'orNone,default:None)–"


def test_every_public_object_is_in_the_reference(site, made):
    package = griffe.load(
        "spamguard", search_paths=[ROOT], allow_inspection=False, try_relative_path=False
    )
    # The inventory: four lines of text, then compressed lines, each beginning with a name.
    listing = (site / "objects.inv").read_bytes().split(b"\n", 4)[4]
    listed = {line.split(" ")[0] for line in zlib.decompress(listing).decode().splitlines()}
    public = {f"{m}.{name}" for m, names in made.public_objects(package).items() for name in names}
    assert {"spamguard.score", "spamguard.SpamClassifier"} <= public
    assert public <= listed
    # Whatever a module's __all__ names is there, be it under the name of another module.
    everywhere = {
        member.canonical_path
        for module in made.modules(package)
        for member in (module.members[str(name)] for name in module.exports or [])
    }
    assert everywhere <= listed


def test_every_notebook_can_be_read_on_the_site(site):
    notebooks = sorted((ROOT / "notebooks").glob("*.ipynb"))
    listed = (site / "notebooks" / "index.html").read_text("utf-8")
    for path in notebooks:
        cells = json.loads(path.read_text("utf-8"))["cells"]
        outputs = [output for cell in cells for output in cell.get("outputs", [])]
        pictures = [o for o in outputs if "image/png" in o.get("data", {})]
        page = (site / "notebooks" / path.stem / "index.html").read_text("utf-8")
        assert page.count("<img alt=") == len(pictures) >= 2
        assert page.count('<div class="notebook-output">') == sum(
            "text/html" in o.get("data", {}) for o in outputs
        )
        assert f'href="{path.stem}/"' in listed
        assert (site / "notebooks" / path.name).is_file()


def test_links_out_of_the_site_become_names(made):
    page = "See [how](../README.md), [tests/](../tests), [gone](../gone.md), [here](speed.md)."
    assert made.names_for_files("[all](../notebooks/README.md)") == "[all](notebooks.md)"
    assert made.names_for_files(page) == (
        "See how (`README.md` in the repository), tests/, [gone](../gone.md), [here](speed.md)."
    )


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("index.md", "\n[nowhere](nothing.md)\n"),
        ("index.md", "\n[no such heading](speed.md#nothing-of-the-kind)\n"),
        ("omitted.md", "# A page that the navigation forgot\n"),
    ],
)
def test_a_broken_page_fails_the_build(page, text, tmp_path):
    """The settings that make warnings of such things are in force."""
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "index.md").write_text("# Home\n", "utf-8")
    (docs / "speed.md").write_text("# Speed\n", "utf-8")
    with (docs / page).open("a", encoding="utf-8") as file:
        file.write(text)
    settings = re.search(
        r"^validation:\n(?: .*\n)+", (ROOT / "mkdocs.yml").read_text("utf-8"), re.M
    )
    config = f"site_name: x\nstrict: true\nplugins: []\nnav: [index.md, speed.md]\n{settings[0]}"
    (tmp_path / "mkdocs.yml").write_text(config, "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "Aborted with 1 warnings" in done.stdout + done.stderr
