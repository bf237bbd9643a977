"""Posts from a file: an RSS or Atom feed, or a WordPress export.

It uses the importers' scanner, which reads no document type and no entities of the
file, opens nothing, and bounds every field.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from spamguard.errors import ServerError
from spamguard.importers import End, Field, Report, Shape, Start, open_export, read_text, scan
from spamguard.server.store.posts import RegisteredPost

_TEXT: Final = ("content:encoded", "content", "summary", "description")  # the fullest first
_DATE: Final = ("wp:post_date_gmt", "pubDate", "published", "dc:date", "updated")
_AUTHOR: Final = ("dc:creator", "name", "author")
_SHAPE: Final = Shape(
    containers={"item": ("",), "entry": ("",), "wp:comment": ("item",), "source": ("entry",)},
    fields=frozenset(
        ("title", "link", "guid", "id", "wp:post_type", "wp:status", *_TEXT, *_DATE, *_AUTHOR)
    )
    - {"author"},  # in Atom it holds a name
)
_POSTS: Final = ("", "post", "page")
_PUBLIC: Final = ("", "publish")


def read_posts(path: str | os.PathLike[str]) -> Iterator[RegisteredPost]:
    """Yield the posts of a feed or of a WordPress export, in its order.

    Raises
    ------
    ServerError
        If it has no post with an address.
    CorpusError
        If the file cannot be read.
    """
    file, count = Path(path), 0
    report = Report()
    with open_export(file) as stream:
        for item in _items(scan(read_text(stream, report), _SHAPE, report)):
            found = _post(item)
            if found is not None:
                count += 1
                yield found
    if not count:
        raise ServerError(
            f"{file.name} has no posts with an address. Give an RSS or Atom feed, or a WordPress "
            "export (Tools, Export, All content)."
        )


def _items(events: Iterator[Start | End | Field]) -> Iterator[dict[str, str]]:
    item: dict[str, str] | None = None
    inner = 0
    for event in events:
        if isinstance(event, Start):
            if event.name in ("item", "entry"):
                item, inner = {}, 0
            else:
                inner += 1
        elif isinstance(event, End):
            if event.name in ("item", "entry"):
                if item is not None:
                    yield item
                item = None
            else:
                inner -= 1
        elif item is not None and not inner:
            _keep(item, event)


def _keep(item: dict[str, str], field: Field) -> None:
    value = field.text.strip()
    if field.name == "link" and (address := field.attributes.get("href")):
        if field.attributes.get("rel", "alternate") != "alternate":
            return
        value = address.strip()
    if field.name == "guid" and field.attributes.get("isPermaLink") == "false":
        return
    if value:
        item.setdefault(field.name, value)


def _post(item: dict[str, str]) -> RegisteredPost | None:
    if item.get("wp:post_type", "") not in _POSTS or item.get("wp:status", "") not in _PUBLIC:
        return None
    url = item.get("link") or item.get("guid") or item.get("id", "")
    if not url.startswith(("http://", "https://")) or len(url) > 2_000:
        return None

    def first(names: tuple[str, ...]) -> str | None:
        return next((item[name] for name in names if name in item), None)

    return RegisteredPost(url, item.get("title"), first(_TEXT), first(_AUTHOR), first(_DATE))
