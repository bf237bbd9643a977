"""Imports point one way, a package is entered by its face, and the score path stays light.

Read from the source, so an import inside a function counts; one under ``if TYPE_CHECKING``
does not, for it never runs.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "spamguard"

# A room is a package, or a module that lies flat in spamguard/. It may import the rooms in the
# lines above its own; those of the first line may import each other.
ORDER = [
    {"comment", "verdict", "errors", "forms", "loading", "progress", "display", "files"},
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
# A command lives with what it runs, so these two know the command line.
COMMANDS = {"spamguard.server.cli", "spamguard.integrations.pullrequest"}
# A blog names its adapter by module, so these have no face between.
ADAPTERS = "spamguard.integrations."
# A namespace of pictures, as users import it.
PLOTS = "spamguard.analysis.plots"

HEAVY = {"sklearn", "scipy", "pandas", "joblib", "rich"}
UNSAFE = {"pickle", "_pickle", "cloudpickle", "dill", "shelve", "marshal", "jsonpickle"}
UNSAFE_CALLS = {
    "eval", "exec", "compile", "__import__", "joblib.load", "joblib.dump", "yaml.unsafe_load",
}  # fmt: skip
NETWORK = {
    "socket", "ssl", "http", "ftplib", "smtplib", "xmlrpc", "requests", "urllib3", "httpx", "aiohttp",
}  # fmt: skip
ONLINE = {"server", "integrations", "cli"}
# What each adapter may import of its host; what the adapters share imports none.
HOSTS = {
    "django": {"django", "django_comments", "django_comments_xtd"},
    "flask": {"flask"},
    "starlette": {"starlette", "fastapi"},
    "isso": {"isso", "werkzeug"},
}

ROOMS = sorted(
    path.stem
    for path in PACKAGE.iterdir()
    if path.stem != "__init__" and (path.suffix == ".py" or (path / "__init__.py").exists())
)
each_room = pytest.mark.parametrize("room", ROOMS)


class Import(NamedTuple):
    """``from source import name`` in a module; the name is empty for ``import source``."""

    module: str
    source: str
    name: str


def imports_in(node: ast.AST, module: str) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        if isinstance(child, ast.Import):
            yield from (Import(module, alias.name, "") for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert not child.level, f"{module} has a relative import"
            yield from (Import(module, child.module, alias.name) for alias in child.names)
        elif isinstance(child, ast.stmt | ast.excepthandler | ast.match_case):
            yield from imports_in(child, module)


@cache
def modules() -> dict[str, ast.Module]:
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        found[name] = ast.parse(path.read_text("utf-8"))
    return found


@cache
def homes() -> dict[str, str]:
    """Return where each name of spamguard's own face comes from."""
    nodes = ast.walk(modules()["spamguard"])
    return {a.name: n.module for n in nodes if isinstance(n, ast.ImportFrom) for a in n.names}


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


@cache
def imports() -> dict[str, list[Import]]:
    """Return what each room imports."""
    found: dict[str, list[Import]] = {room: [] for room in [*ROOMS, ""]}
    for name, tree in modules().items():
        found[room_of(name)] += imports_in(tree, name)
    return found


def ours(room: str) -> Iterator[tuple[Import, str]]:
    """Yield a room's imports of this package, each with the module that it reaches."""
    for found in imports()[room]:
        inner = f"{found.source}.{found.name}"
        if inner in modules():
            yield found, inner
        elif found.source == "spamguard":
            yield found, homes().get(found.name, "spamguard")
        elif found.source.startswith("spamguard."):
            yield found, found.source


def named(wrong: list[tuple[Import, str]]) -> list[str]:
    return [f"{i.module} imports {i.name or '...'} from {i.source}" for i, _ in wrong]


@each_room
def test_imports_point_one_way(room):
    assert room in LEVEL, f"spamguard/{room} is new: give it a place in ORDER"

    def is_allowed(found, target):
        other = room_of(target)
        return (
            other in ("", room)
            or LEVEL[other] < LEVEL[room]
            or LEVEL[other] == LEVEL[room] == 0
            or (other == "cli" and found.module in COMMANDS)
        )

    assert not named([pair for pair in ours(room) if not is_allowed(*pair)])


@each_room
def test_a_package_is_entered_by_its_face(room):
    inside = [(f, t) for f, t in ours(room) if t.count(".") > 1 and room_of(t) != room]
    assert not named([(f, t) for f, t in inside if not t.startswith((ADAPTERS, PLOTS))])


def test_no_circle_of_files():
    graph: dict[str, set[str]] = {}
    for room in ROOMS:
        for found, target in ours(room):
            if target not in (found.module, "spamguard"):
                graph.setdefault(found.module, set()).add(target)
    TopologicalSorter(graph).prepare()


def test_nobody_but_research_imports_the_benchmarks():
    assert not [i for every in imports().values() for i in every if "benchmarks" in i.source]


@each_room
def test_nothing_unsafe_is_imported_or_called(room):
    foreign = {found.source.partition(".")[0] for found in imports()[room]}
    assert not foreign & UNSAFE
    assert room in ONLINE or not foreign & NETWORK
    for name, tree in modules().items():
        if room_of(name) == room:
            calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
            called = {ast.unparse(call.func) for call in calls}
            assert not called & UNSAFE_CALLS, name
            assert not [c for c in called if c.endswith(("read_pickle", "to_pickle"))], name
            for call in calls:
                if ast.unparse(call.func).endswith(("np.load", "numpy.load")):
                    assert "allow_pickle=False" in ast.unparse(call), name


def test_an_adapter_imports_its_own_host():
    hosts = set().union(*HOSTS.values())
    for room in set(ROOMS) - {"server"}:
        for found in imports()[room]:
            adapter = found.module.removeprefix(ADAPTERS).partition(".")[0]
            used = {found.source.partition(".")[0]} & hosts
            assert used <= HOSTS.get(adapter, set()), found


@each_room
def test_nothing_private_of_another_package_is_used(room):
    for found in imports()[room]:
        package = found.source.partition(".")[0]
        if package in HEAVY | {"numpy"}:
            assert "._" not in f".{found.source}.{found.name}", found
        elif package == "spamguard":
            assert not found.name.startswith("_") or found.name == "__version__", found


@each_room
def test_nothing_runs_at_import_but_definitions(room):
    """No module opens a file, a model or a connection only because it is imported."""
    for name, tree in modules().items():
        if room_of(name) != room or room == "__main__":
            continue
        for node in tree.body:
            assert not isinstance(node, ast.Expr) or isinstance(node.value, ast.Constant), name
            if isinstance(node, ast.Assign | ast.AnnAssign):
                calls = [call for call in ast.walk(node) if isinstance(call, ast.Call)]
                called = {ast.unparse(call.func) for call in calls}
                assert not called & {"open", "load_model", "default_model", "Path.cwd"}, name


def score_in_a_new_process(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_score_path_loads_nothing_heavy():
    score = "import sys, spamguard; spamguard.score('Which version was that?').reasons"
    loaded = set(score_in_a_new_process(f"{score}; print(*sys.modules)").split())
    assert {"numpy", "spamguard.features"} <= loaded
    assert not loaded & HEAVY


# --- faces that import late -----------------------------------------------------------


def attached(tree: ast.Module) -> dict[str, list[str]] | None:
    """Return the table that a package gives to `attach`: module -> names."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "attach":
            return ast.literal_eval(node.args[1])
    return None


def typed(tree: ast.Module) -> set[tuple[str, str]]:
    """Return what a package imports for type checkers: (module, name)."""
    blocks = [n for n in tree.body if isinstance(n, ast.If) and "TYPE_CHECKING" in ast.unparse(n)]
    nodes = [node for block in blocks for node in block.body if isinstance(node, ast.ImportFrom)]
    return {(n.module or "", a.asname or a.name) for n in nodes for a in n.names}


LATE = [path.parent.name for path in PACKAGE.glob("*/__init__.py") if "attach(" in path.read_text()]


@pytest.mark.parametrize("room", sorted(LATE))
def test_a_late_face_offers_what_type_checkers_see(room):
    tree = modules()[f"spamguard.{room}"]
    table = [(f"spamguard.{room}.{m}", n) for m, names in attached(tree).items() for n in names]
    assert len(table) == len(set(table)), "a name is offered twice"
    assert set(table) == typed(tree)
    below = {path.stem for path in (PACKAGE / room).iterdir()}
    assert not {name for _, name in table} & below, "a name hides the module of that name"
    for module, name in table:
        assert hasattr(import_module(module), name), f"{module} has no {name}"
