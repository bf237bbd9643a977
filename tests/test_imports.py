"""Imports point one way, the score path stays light, and nothing opens a pickle.

Read from the source, so that an import inside a function counts too; what
stands under ``if TYPE_CHECKING`` never runs and does not count.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import spamguard

PACKAGE = Path(spamguard.__file__).resolve().parent

LEAVES = {"errors", "comment", "verdict"}
"""Anyone may import these."""

# What each module may import besides the leaves. A package counts as one.
CORE = {
    "errors": set(),
    "verdict": set(),
    "comment": {"errors"},
    "patterns": set(),
    "hosts": {"patterns"},
    "text": {"patterns"},
    "language": set(),
    "solver": set(),
    "metrics": set(),
    "thresholds": {"metrics"},
    "frames": set(),
    "progress": set(),
    "parquet": set(),
    "placing": {"features", "reasons", "text"},
    "notebook": {"features", "placing"},
    "separators": set(),
    "features": {"hosts", "language", "patterns", "text"},
    "reasons": {"features", "vectorizer"},
    "vectorizer": {"features", "text"},
    "model": {"features", "language", "notebook", "reasons", "thresholds", "vectorizer"},
    "rows": {"features", "language", "model", "vectorizer"},
    "storage": {"features", "model", "vectorizer"},
    "parallel": {"model"},
    "scoring": {"frames", "model", "parallel", "progress", "storage"},
    "classifier": {
        "features",
        "frames",
        "language",
        "model",
        "rows",
        "solver",
        "storage",
        "vectorizer",
    },
    "corpus": {"hosts", "parquet", "separators", "text"},
    "tabulating": {
        "features",
        "frames",
        "model",
        "progress",
        "scoring",
        "storage",
        "vectorizer",
    },
}
# Further out: each may import all of the core and what stands before it here.
OUTER = [
    "timing",
    "sitecuts",
    "retraining",
    "sites",
    "reviewing",
    "campaigns",
    "drifting",
    "plots",
    "replaying",
    "attacks",
    "training",
    "heldout",
    "studies",
    "moderation",
    "evaluation",
    "importers",
    "feedback",
    "cluster",
    "server",
    "integrations",
    "demo",
    "cli",
    "__main__",
]
COMMAND_LINE = {"cli", "demo"}  # one thing in two places
# The package itself re-exports; the estimator only when somebody asks for it.
ROOT_AT_IMPORT = {"model", "scoring", "storage"}
ROOT_LATER = {"classifier", "drifting", "tabulating"}

HEAVY = {
    "sklearn",
    "pandas",
    "scipy",
    "joblib",
    "matplotlib",
    "narwhals",
    "polars",
    "pyarrow",
    "datasketch",
    "rich",
    "sqlalchemy",
    "pymysql",
    "yaml",
    "sqlite3",
    "pyspark",
    "dask",
    "ray",
    "flask",
    "django",
    "django_comments",
    "django_comments_xtd",
    "starlette",
    "jinja2",
    "argon2",
    "fastapi",
    "isso",
    "werkzeug",
}
# What each adapter may import of its host; what they share imports none.
HOSTS = {
    "integrations.django": {"django", "django_comments", "django_comments_xtd"},
    "integrations.flask": {"flask"},
    "integrations.starlette": {"starlette"},
    "integrations.isso": {"isso"},
}
NETWORK = {
    "socket",
    "ssl",
    "http",
    "ftplib",
    "smtplib",
    "xmlrpc",
    "requests",
    "urllib3",
    "httpx",
    "aiohttp",
}
UNSAFE = {"pickle", "_pickle", "cPickle", "cloudpickle", "dill", "shelve", "marshal", "jsonpickle"}


@dataclass
class Module:
    """One file of the package and what it imports."""

    name: str  # dotted, below the package; "" for the package itself
    tree: ast.Module
    at_import: list[str] = field(default_factory=list)
    later: list[str] = field(default_factory=list)

    @property
    def part(self) -> str:
        return self.name.partition(".")[0]

    @property
    def all(self) -> list[str]:
        return self.at_import + self.later


def is_for_typing(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def visit(node: ast.AST, module: Module, is_package: bool, later: bool) -> None:
    for child in ast.iter_child_nodes(node):
        if is_for_typing(child):
            for other in child.orelse:
                visit(ast.Module([other], []), module, is_package, later)
            continue
        into = module.later if later else module.at_import
        if isinstance(child, ast.Import):
            into += [alias.name for alias in child.names]
        elif isinstance(child, ast.ImportFrom):
            base = child.module or ""
            if child.level:
                above = ["spamguard", *filter(None, module.name.split("."))]
                above = above[: len(above) - child.level + is_package]
                base = ".".join([*above, *filter(None, [base])])
            into += [f"{base}.{alias.name}" for alias in child.names]
        function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        visit(child, module, is_package, later or function)


def read_all() -> list[Module]:
    modules = []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[0] in ("models", "datasets"):
            continue
        is_package = parts[-1] == "__init__"
        name = ".".join(parts[:-1] if is_package else parts)
        module = Module(name, ast.parse(path.read_text("utf-8"), str(path)))
        visit(module.tree, module, is_package, False)
        modules.append(module)
    return modules


MODULES = read_all()
NAMES = {m.name for m in MODULES}


def ours(imports: list[str]) -> set[str]:
    """Return the parts of this package that `imports` name; "spamguard" for the package itself."""
    found = set()
    for name in imports:
        first, _, rest = name.partition(".")
        if first == "spamguard":
            part = rest.partition(".")[0]
            found.add(
                part
                if any(n == part or n.startswith(f"{part}.") for n in NAMES - {""})
                else "spamguard"
            )
    return found


def foreign(imports: list[str]) -> set[str]:
    return {name.partition(".")[0] for name in imports} - {"spamguard", "__future__"}


def each(modules):
    return pytest.mark.parametrize("module", modules, ids=[m.name or "spamguard" for m in modules])


def allowed_for(part: str) -> set[str]:
    if part in CORE:
        return CORE[part] | (LEAVES if part not in LEAVES else set())
    if part in OUTER:
        together = COMMAND_LINE if part in COMMAND_LINE else set()
        return {*CORE, *OUTER[: OUTER.index(part)], *together, "spamguard"}
    raise AssertionError(f"spamguard/{part} is new: say in CORE or OUTER what it may import")


def test_the_walk_sees_what_it_should():
    """If it saw nothing, every test below would pass."""
    by_name = {m.name: m for m in MODULES}
    assert {"", "scoring", "features", "features.links", "classifier", "comment"} <= set(by_name)
    assert ours(by_name["scoring"].at_import) >= {"model", "storage", "comment", "frames"}
    assert "pandas.pandas" not in by_name["scoring"].at_import
    assert "pandas" in by_name["scoring"].later
    assert "sklearn" in foreign(by_name["classifier"].at_import)
    assert "classifier" in ours(by_name[""].later)
    assert "classifier" not in ours(by_name[""].at_import)
    assert "model" not in ours(by_name["reasons"].all)  # for typing only


@each([m for m in MODULES if m.name])
def test_imports_point_one_way(module):
    wrong = ours(module.all) - {module.part} - allowed_for(module.part)
    assert not wrong, f"{module.name} must not import {sorted(wrong)}"


def test_the_rules_themselves_have_no_circle():
    left = {
        name: (allowed - LEAVES if name not in LEAVES else allowed)
        for name, allowed in CORE.items()
    }
    while left:
        free = {name for name, needs in left.items() if not needs & left.keys()}
        assert free, f"a circle among {sorted(left)}"
        left = {name: needs for name, needs in left.items() if name not in free}


def test_no_circle_of_files():
    """Between single files too, packages and functions included."""
    graph = {}
    for module in MODULES:
        graph[module.name] = set()
        for name in module.all:
            if name.partition(".")[0] != "spamguard":
                continue
            below = name.removeprefix("spamguard").lstrip(".")
            target = below if below in NAMES else below.rpartition(".")[0]
            if target in NAMES and target not in ("", module.name):
                graph[module.name].add(target)
    done: set[str] = set()

    def walk(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, f"circle: {' -> '.join([*path[path.index(name) :], name])}"
        if name in done:
            return
        for target in sorted(graph[name]):
            walk(target, (*path, name))
        done.add(name)

    for name in sorted(graph):
        walk(name, ())


@each([m for m in MODULES if m.name in LEAVES])
def test_leaves_import_nothing_of_ours_but_leaves(module):
    assert ours(module.all) <= LEAVES


def test_the_package_itself_only_re_exports():
    (root,) = (m for m in MODULES if not m.name)
    assert ours(root.at_import) <= ROOT_AT_IMPORT | LEAVES
    assert ours(root.later) <= ROOT_LATER


@each([m for m in MODULES if m.part not in (*COMMAND_LINE, "__main__")])
def test_nobody_imports_the_command_line(module):
    assert not ours(module.all) & COMMAND_LINE
    assert "argparse" not in foreign(module.all)


def score_path() -> list[Module]:
    """Everything that ``import spamguard`` loads."""
    found, queue = {"spamguard"}, ["spamguard"]
    while queue:
        part = queue.pop()
        for module in MODULES:
            if (module.part or "spamguard") == part:
                new = ours(module.at_import) - found
                found |= new
                queue += new
    return [m for m in MODULES if (m.part or "spamguard") in found]


def test_the_score_path_is_what_it_is_meant_to_be():
    assert {m.part or "spamguard" for m in score_path()} == LEAVES | {
        "spamguard", "scoring", "storage", "model", "reasons", "vectorizer", "features", "language", "text", "hosts",
        "frames", "parallel", "patterns",
    }  # fmt: skip


@each(score_path())
def test_the_score_path_loads_nothing_heavy(module):
    assert not foreign(module.at_import) & HEAVY
    assert not foreign(module.all) & NETWORK
    assert not any(name.startswith("urllib.request") for name in module.all)


@each([m for m in score_path() if m.part not in ("scoring", "parallel", "frames")])
def test_only_score_frame_needs_pandas(module):
    assert not foreign(module.all) & HEAVY


@each([m for m in MODULES if m.part == "integrations"])
def test_an_adapter_imports_its_own_host(module):
    every = set().union(*HOSTS.values(), {"fastapi", "werkzeug"})
    allowed = set().union(
        *(own for name, own in HOSTS.items() if f"{module.name}.".startswith(f"{name}."))
    )
    assert not foreign(module.all) & every - allowed


@each([m for m in MODULES if m.part != "server"])
def test_only_adapters_know_a_host(module):
    known = foreign(module.all) & set().union(*HOSTS.values())
    assert not known or module.part == "integrations"


@each([m for m in MODULES if m.part in CORE])
def test_the_library_never_touches_the_network(module):
    assert not foreign(module.all) & NETWORK


@each(MODULES)
def test_only_public_names_of_other_packages(module):
    for name in module.all:
        package, _, rest = name.partition(".")
        if package in ("sklearn", "scipy", "pandas", "joblib", "numpy"):
            assert not any(part.startswith("_") for part in rest.split(".")), name


@each(MODULES)
def test_nothing_opens_a_pickle_or_runs_text(module):
    assert not foreign(module.all) & UNSAFE
    assert not set(module.all) & {"joblib.load", "joblib.dump", "numpy.load"}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            assert called not in (
                "eval",
                "exec",
                "compile",
                "__import__",
                "joblib.load",
                "joblib.dump",
            ), called
            assert not called.endswith(("read_pickle", "to_pickle", ".unsafe_load")), called
            for keyword in node.keywords:
                if keyword.arg == "allow_pickle":
                    assert isinstance(keyword.value, ast.Constant)
                    assert keyword.value.value is False


@each([m for m in MODULES if not m.name.endswith("__main__")])
def test_nothing_runs_at_import_but_definitions(module):
    """No module opens a file, a model or a connection just because it is imported."""
    for node in module.tree.body:
        if isinstance(node, ast.Expr):
            assert isinstance(node.value, ast.Constant), ast.unparse(node)
        for call in ast.walk(node) if isinstance(node, ast.Assign | ast.AnnAssign) else ():
            if isinstance(call, ast.Call):
                assert ast.unparse(call.func) not in (
                    "open",
                    "load_model",
                    "default_model",
                    "Path.cwd",
                )
