"""Imports point one way, a package is entered by its face, and the score path stays light.

Read from the source, so an import inside a function counts; one under ``if TYPE_CHECKING``
does not, for it never runs.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "spamguard"

# Each may import what stands in the lines above it. A package is one entry, and so is a module
# that lies flat in spamguard/.
ORDER = [
    {"comment", "verdict", "errors", "loading", "progress"},
    {"features"},
    {"explaining", "corpus"},
    {"model", "importers"},
    {"storage"},
    {"scoring"},
    {"evaluation"},
    {"training"},
    {"analysis", "feedback"},
    {"integrations", "server"},
    {"cli"},
    {"__main__"},
]
LEVEL = {room: level for level, rooms in enumerate(ORDER) for room in rooms}
# Leaves may import each other. A command lives with what it runs, so these two know the command line.
COMMANDS = {"spamguard.server.cli", "spamguard.integrations.pullrequest"}
# A user of an adapter imports its module.
ENTERED_BY_MODULE = "spamguard.integrations."

UNSAFE = {"pickle", "_pickle", "cloudpickle", "dill", "shelve", "marshal", "jsonpickle"}
UNSAFE_CALLS = {
    "eval", "exec", "compile", "__import__", "joblib.load", "joblib.dump", "np.load", "numpy.load",
    "yaml.unsafe_load", "pd.read_pickle",
}  # fmt: skip
NETWORK = {
    "socket", "ssl", "http", "ftplib", "smtplib", "xmlrpc", "requests", "urllib3", "httpx", "aiohttp",
}  # fmt: skip
ONLINE = {"server", "integrations", "cli"}
HEAVY = {"sklearn", "scipy", "pandas", "joblib", "rich", "narwhals", "pyarrow", "sqlalchemy"}


@dataclass(frozen=True)
class Import:
    """``from source import name`` in `module`; `name` is empty for ``import source``."""

    module: str
    source: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}: {self.source}{':' if self.name else ''}{self.name}"


def is_typing(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def imports_in(node: ast.AST, module: str) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if is_typing(child):
            continue
        if isinstance(child, ast.Import):
            yield from (Import(module, alias.name, "") for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert not child.level, f"{module} has a relative import"
            yield from (Import(module, child.module, alias.name) for alias in child.names)
        yield from imports_in(child, module)


def read(folder: Path) -> dict[str, ast.Module]:
    files = (path for path in sorted(folder.rglob("*.py")))
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): ast.parse(
            path.read_text("utf-8")
        )
        for path in files
    }


MODULES = read(PACKAGE)
IMPORTS = [found for name, tree in MODULES.items() for found in imports_in(tree, name)]
OURS = [found for found in IMPORTS if found.source.partition(".")[0] == "spamguard"]
FACE = {
    alias.name: f"{node.module}"
    for node in ast.walk(MODULES["spamguard"])
    if isinstance(node, ast.ImportFrom)
    for alias in node.names
}


def room_of(module: str) -> str:
    """``features`` of ``spamguard.features.links``; empty for spamguard's own face."""
    return module.split(".")[1] if "." in module else ""


def target_of(found: Import) -> str:
    """Return the module that an import reaches, a name of spamguard's face at its home."""
    inner = f"{found.source}.{found.name}"
    if inner in MODULES:
        return inner
    return FACE.get(found.name, "spamguard") if found.source == "spamguard" else found.source


ROOMS = sorted({room_of(name) for name in MODULES} - {""})
each_room = pytest.mark.parametrize("room", ROOMS)


def of(room: str, imports: list[Import] = IMPORTS) -> list[Import]:
    return [found for found in imports if room_of(found.module) == room]


# TEMPORARY: what broke the rules when they were written. To be emptied, never to grow.
KNOWN: set[str] = set()


def broken(imports: list[Import]) -> list[str]:
    return [str(found) for found in imports if str(found) not in KNOWN]


@each_room
def test_imports_point_one_way(room):
    assert room in LEVEL, f"spamguard/{room} is new: give it a place in ORDER"
    wrong = []
    for found in of(room, OURS):
        other = room_of(target_of(found))
        is_command = found.module in COMMANDS and other == "cli"
        is_leaf = LEVEL[room] == 0 and other in ORDER[0]
        if other not in ("", room) and LEVEL[other] >= LEVEL[room] and not is_command and not is_leaf:
            wrong.append(found)
    assert not broken(wrong)


@each_room
def test_a_package_is_entered_by_its_face(room):
    wrong = [
        found
        for found in of(room, OURS)
        if (target := target_of(found)).count(".") > 1
        and room_of(target) != room
        and not target.startswith(ENTERED_BY_MODULE)
    ]
    assert not broken(wrong)


@each_room
def test_nothing_unsafe_is_imported_or_called(room):
    foreign = {found.source.partition(".")[0] for found in of(room)}
    assert not foreign & UNSAFE
    assert room in ONLINE or not foreign & NETWORK
    private = [f for f in of(room, [i for i in IMPORTS if i not in OURS]) if "._" in f"{f.source}.{f.name}"]
    assert not [f for f in private if not f.name.startswith("__")]
    for name, tree in MODULES.items():
        if room_of(name) == room:
            calls = {ast.unparse(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
            assert not calls & UNSAFE_CALLS, name


def test_no_circle_of_files():
    graph: dict[str, set[str]] = {}
    for found in OURS:
        graph.setdefault(found.module, set()).add(target_of(found))
    for name, targets in graph.items():
        targets -= {name, "spamguard"}
    TopologicalSorter(graph).prepare()
