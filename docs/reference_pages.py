"""Generate pages of the site: the reference, and the shipped model's card.

This is a mkdocs hook. Public names are those in a module's ``__all__``. Each object appears on one
page, that of the topmost package or module that names it. Links to files outside ``docs`` become the
files' names.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import griffe
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from spamguard.cli import parser_for

ROOT = Path(__file__).resolve().parents[1]
COMMANDS = "reference/commands.md"
_BESIDE = re.compile(r"\[([^\[\]\n]+)\]\(\.\./([^()#\s]+)\)")


def modules(module: griffe.Module) -> Iterator[griffe.Module]:
    """Yield a package and the modules below it, except private ones."""
    yield module
    if module.path == "spamguard.server":  # its parts are its own
        return
    for name, member in sorted(module.members.items()):
        if isinstance(member, griffe.Module) and not name.startswith("_"):
            yield from modules(member)


def offered(module: griffe.Module) -> list[str]:
    """Return the names in ``__all__``; of a package that imports late, those for type checkers."""
    if "attach" not in module.members or module.path.endswith(".loading"):
        return [str(name) for name in module.exports or []]
    aliases = {name: m for name, m in module.members.items() if m.is_alias and name != "attach"}
    return sorted(n for n, m in aliases.items() if m.target_path.startswith("spamguard."))


def public_objects(package: griffe.Module) -> dict[str, list[str]]:
    """Return each module's public names that no module above it has."""
    found: dict[str, list[str]] = {}
    seen: set[str] = set()
    for module in sorted(modules(package), key=lambda m: (m.path.count("."), m.path)):
        for name in offered(module):
            member = module.members[name]
            path = member.canonical_path
            if path not in seen:
                seen.add(path)
                found.setdefault(module.path, []).append(name)
    return found


def module_page(module: griffe.Module, names: list[str]) -> str:
    """Return the page of one module: its docstring, then each object."""
    head = f"::: {module.path}\n    options:\n      members: false\n      heading_level: 1\n"
    return "\n".join([head, *(f"::: {module.path}.{name}\n" for name in names)])


def commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Yield a parser and the parsers of its commands."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in dict.fromkeys(action.choices.values()):
                yield from commands(inner)


def command_page() -> str:
    """Return the ``--help`` text of every command."""
    os.environ["COLUMNS"] = "80"  # the same width everywhere
    parts = ["# Commands", "The `--help` text of each command."]
    for parser in commands(parser_for()):
        parts += [f"## {parser.prog}", f"```text\n{parser.format_help().rstrip()}\n```"]
    return "\n\n".join(parts) + "\n"


def pages() -> dict[str, str]:
    """Return the generated reference pages by path."""
    package: Any = griffe.load(
        "spamguard", search_paths=[ROOT], allow_inspection=False, try_relative_path=False
    )
    found = {COMMANDS: command_page()}
    for path, names in public_objects(package).items():
        module = package[path.partition(".")[2]] if "." in path else package
        found[f"reference/{path}.md"] = module_page(module, names)
    return found


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add the reference to the navigation."""
    titles = [{Path(page).stem: page} for page in pages() if page != COMMANDS]
    titles.append({"Commands": COMMANDS})
    config.nav = [*(config.nav or []), {"Reference": titles}]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    for page, text in pages().items():
        files.append(File.generated(config, page, content=text))
    card = ROOT / "models" / "default" / "CARD.md"
    files.append(File.generated(config, "model-card.md", abs_src_path=str(card)))
    return files


def names_for_files(markdown: str, root: Path = ROOT) -> str:
    """Replace links to files outside the site by the files' names.

    A link to a missing file is kept, so that it stops the build.
    """

    def name_of(found: re.Match[str]) -> str:
        text, path = found[1], found[2]
        if path == "notebooks/README.md":  # the site has its own list
            return f"[{text}](notebooks.md)"
        if not (root / path).exists():
            return found[0]
        return text if path.rstrip("/") in text else f"{text} (`{path}` in the repository)"

    return _BESIDE.sub(name_of, markdown)


def on_page_markdown(markdown: str, **kwargs: Any) -> str:
    """Replace links that lead out of the site."""
    return names_for_files(markdown)
