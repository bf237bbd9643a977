"""Pages of the site that are made, not written: the reference, and the shipped model's card.

Links from a page to files of the repository beside ``docs`` become the files' names.

A hook of mkdocs. What is public is what a module's ``__all__`` names; each object has one page,
that of the package or module nearest to the top which names it.
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
    """Yield a package and what is below it, private modules left out."""
    yield module
    for name, member in sorted(module.members.items()):
        if isinstance(member, griffe.Module) and not name.startswith("_"):
            yield from modules(member)


def public_objects(package: griffe.Module) -> dict[str, list[str]]:
    """Return the public names of each module that has any which no module above it has."""
    found: dict[str, list[str]] = {}
    seen: set[str] = set()
    for module in sorted(modules(package), key=lambda m: (m.path.count("."), m.path)):
        for name in map(str, module.exports or []):
            member = module.members[name]
            path = member.canonical_path
            if path not in seen:
                seen.add(path)
                found.setdefault(module.path, []).append(name)
    return found


def module_page(module: griffe.Module, names: list[str]) -> str:
    """Return the page of one module: what its docstring says, then each object."""
    head = f"::: {module.path}\n    options:\n      members: false\n      heading_level: 1\n"
    return "\n".join([head, *(f"::: {module.path}.{name}\n" for name in names)])


def commands(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Yield a parser and those of its commands."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in dict.fromkeys(action.choices.values()):
                yield from commands(inner)


def command_page() -> str:
    """Return what ``--help`` says of every command."""
    os.environ["COLUMNS"] = "80"  # wherever it is built
    parts = ["# Commands", "What `--help` says of each."]
    for parser in commands(parser_for()):
        parts += [f"## {parser.prog}", f"```text\n{parser.format_help().rstrip()}\n```"]
    return "\n\n".join(parts) + "\n"


def pages() -> dict[str, str]:
    """Return the made pages of the reference: path and Markdown."""
    package: Any = griffe.load(
        "spamguard", search_paths=[ROOT], allow_inspection=False, try_relative_path=False
    )
    found = {COMMANDS: command_page()}
    for path, names in public_objects(package).items():
        module = package[path.partition(".")[2]] if "." in path else package
        found[f"reference/{path}.md"] = module_page(module, names)
    return found


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the reference into the navigation."""
    titles = [{Path(page).stem: page} for page in pages() if page != COMMANDS]
    titles.append({"Commands": COMMANDS})
    config.nav = [*(config.nav or []), {"Reference": titles}]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the made pages."""
    for page, text in pages().items():
        files.append(File.generated(config, page, content=text))
    card = ROOT / "models" / "default" / "CARD.md"
    files.append(File.generated(config, "model-card.md", abs_src_path=str(card)))
    return files


def names_for_files(markdown: str, root: Path = ROOT) -> str:
    """Return a page with the names of files that it links to outside of the site.

    A link to a file that is not there stays, and stops the build.
    """

    def name_of(found: re.Match[str]) -> str:
        text, path = found[1], found[2]
        if path == "notebooks/README.md":  # the site has its own list of them
            return f"[{text}](notebooks.md)"
        if not (root / path).exists():
            return found[0]
        return text if path.rstrip("/") in text else f"{text} (`{path}` in the repository)"

    return _BESIDE.sub(name_of, markdown)


def on_page_markdown(markdown: str, **kwargs: Any) -> str:
    """Put names for links that lead out of the site."""
    return names_for_files(markdown)
