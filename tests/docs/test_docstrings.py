"""A public name says what a reader of its signature cannot see: shapes, units, errors, sources.

Public is what the face of a package offers. Read from the source, so that a package whose extra
is not installed is held to it too.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

pytestmark = pytest.mark.quick

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFINITIONS = (*FUNCTIONS, ast.ClassDef)
ARRAY = re.compile(r"\b(NDArray|ndarray|F64|F32|I64|csr_matrix|csr_array)\b")
SHAPE = re.compile(r"\(n\b|\bshape\b|\b(one|each|per|a) (row|comment|column|text|number)|as many")
MEASURE = re.compile(r"\bfloat\b")


@cache
def source_of(module: str, root: Path) -> ast.Module:
    path = root.joinpath(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(path.read_text("utf-8"))


def offered(package: str, root: Path) -> Iterator[tuple[str, str]]:
    """Yield what the face of a package re-exports: (module, name)."""
    tree = source_of(package, root)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{package}."):
            yield from ((node.module or "", alias.name) for alias in node.names)


def definitions(root: Path = ROOT, package: str = "spamguard") -> dict[str, ast.AST]:
    """Return the public functions, classes and methods by their path."""
    faces = [
        ".".join(path.parent.relative_to(root).parts)
        for path in sorted(
            [root / package / "__init__.py", *(root / package).glob("*/__init__.py")]
        )
    ]
    found: dict[str, ast.AST] = {}
    for module, name in {pair for face in faces for pair in offered(face, root)}:
        for node in source_of(module, root).body:
            if isinstance(node, DEFINITIONS) and node.name == name:
                found[f"{module}.{name}"] = node
                for inner in node.body if isinstance(node, ast.ClassDef) else ():
                    if isinstance(inner, FUNCTIONS) and not inner.name.startswith("_"):
                        found[f"{module}.{name}.{inner.name}"] = inner
    return found


def raised(node: ast.AST) -> Iterator[str]:
    """Yield the errors behind ``raise`` in a function itself."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (*DEFINITIONS, ast.Lambda)):
            continue
        if isinstance(child, ast.Raise) and isinstance(child.exc, ast.Call):
            name = ast.unparse(child.exc.func).rpartition(".")[2]
            if name[:1].isupper():
                yield name
        yield from raised(child)


def faults(path: str, node: ast.AST) -> Iterator[str]:
    """Yield what a docstring lacks."""
    text = ast.get_docstring(node) or ""
    if not text:
        yield f"{path}: no docstring"
        return
    makers = [node]
    if isinstance(node, ast.ClassDef):
        names = ("__init__", "__post_init__")
        makers = [n for n in node.body if isinstance(n, FUNCTIONS) and n.name in names]
    errors = {name for maker in makers for name in raised(maker)} - {"NotImplementedError"}
    silent = sorted(name for name in errors if not re.search(rf"\b{name}\b", text))
    if silent:
        yield f"{path}: does not say that it raises {silent}"
    for maker in makers:
        arguments = [*maker.args.posonlyargs, *maker.args.args, *maker.args.kwonlyargs]
        types = {a.arg: ast.unparse(a.annotation) for a in arguments if a.annotation}
        returned = ast.unparse(maker.returns) if maker.returns else ""
        if any(map(ARRAY.search, [*types.values(), returned])) and not SHAPE.search(text):
            yield f"{path}: does not say which shape its arrays have"
        for name, kind in types.items():
            if (
                MEASURE.search(kind)
                and not ARRAY.search(kind)
                and not re.search(rf"\b{name}\b", text)
            ):
                yield f"{path}: does not say what `{name}` is measured in"


# Published methods, as docstrings name them. A module whose docstrings name one cites a work.
METHODS = re.compile(r"Platt|Clopper|Matthews|MinHash|Bonferroni|L-BFGS|passive-aggressive|deals")
WORK = re.compile(r"[A-Z]\w+ (?:et al\.? )?(?:and [A-Z]\w+ )?\(?(?:19|20)\d\d\b")


def test_methods_have_their_source():
    lacking = []
    for path in sorted((ROOT / "spamguard").rglob("*.py")):
        nodes = ast.walk(ast.parse(path.read_text("utf-8")))
        texts = [
            ast.get_docstring(n) or "" for n in nodes if isinstance(n, (ast.Module, *DEFINITIONS))
        ]
        text = " ".join(" ".join(texts).split())
        if METHODS.search(text) and not WORK.search(text):
            lacking.append(f"{path.name}: {METHODS.search(text)[0]}")
    assert not lacking


def test_public_names_say_what_their_signatures_do_not():
    found = definitions()
    assert {"spamguard.scoring.score", "spamguard.training.classifier.SpamClassifier.fit"} <= set(
        found
    )
    lacking = [fault for path, node in sorted(found.items()) for fault in faults(path, node)]
    assert not lacking, "\n".join(lacking)


FAULTY = '''
def bare(): ...

def counts(days: float) -> str:
    """Return a date."""

def takes(values: NDArray) -> int:
    """Return something."""
    raise ValueError("no")

def good(values: NDArray, days: float) -> int:
    """Return something of an array of shape (n,) and of so many days; ValueError if none."""
    raise ValueError("no")
'''


def test_what_is_not_said_is_found(tmp_path):
    package = tmp_path / "faulty"
    package.mkdir()
    (package / "__init__.py").write_text("from faulty.made import bare, counts, good, takes\n")
    (package / "made.py").write_text(FAULTY)
    found = definitions(tmp_path, "faulty")
    assert [fault for path, node in sorted(found.items()) for fault in faults(path, node)] == [
        "faulty.made.bare: no docstring",
        "faulty.made.counts: does not say what `days` is measured in",
        "faulty.made.takes: does not say that it raises ['ValueError']",
        "faulty.made.takes: does not say which shape its arrays have",
    ]
