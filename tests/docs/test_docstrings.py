"""Every public object is documented: what it takes, what it gives, what it raises.

Read from the source, so that a module whose extra is not installed is held to it too. Public is
what a module's ``__all__`` names, with the public methods of a class. Parameters may stand in
another order than in the signature, so that those that belong together can share a line.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import griffe

ROOT = Path(__file__).resolve().parents[2]
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
SPEC = importlib.util.spec_from_file_location("reference_pages", ROOT / "docs/reference_pages.py")
assert SPEC is not None
reference_pages = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(reference_pages)


def load(name: str, directory: Path) -> griffe.Module:
    return griffe.load(
        name,
        search_paths=[directory],
        allow_inspection=False,
        docstring_parser="numpy",
        try_relative_path=False,  # a package of that name in the working directory is another
    )


def public(package: griffe.Module) -> Iterator[griffe.Object]:
    """Yield each public object, and the public methods and properties of classes."""
    for path, names in reference_pages.public_objects(package).items():
        module = package[path.partition(".")[2]] if "." in path else package
        for name in names:
            found = module[name]
            found = found.final_target if found.is_alias else found
            yield found
            if found.is_class:
                yield from (
                    member
                    for member in found.members.values()
                    if not member.name.startswith("_")
                    and (member.is_function or "property" in member.labels)
                )


def raised(function: griffe.Function) -> set[str]:
    """Return the names of the errors that stand behind ``raise`` in a function itself."""
    if not function.endlineno:  # the __init__ that dataclass writes
        return set()
    for node in ast.walk(ast.parse(function.filepath.read_text("utf-8"))):
        is_named = isinstance(node, FUNCTIONS) and node.name == function.name
        if is_named and node.end_lineno == function.endlineno:
            return set(_raised_in(node))
    raise AssertionError(f"{function.path} does not end in line {function.endlineno}")


def _raised_in(node: ast.AST) -> Iterator[str]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (*FUNCTIONS, ast.Lambda, ast.ClassDef)):
            continue
        if isinstance(child, ast.Raise) and isinstance(child.exc, ast.Call):
            name = ast.unparse(child.exc.func).rpartition(".")[2]
            if name[:1].isupper():
                yield name
        yield from _raised_in(child)


def faults(item: griffe.Object) -> Iterator[str]:
    """Yield what an object's docstring lacks."""
    if not item.has_docstring:
        yield f"{item.path}: no docstring"
        return
    sections = {section.kind.value: section for section in item.docstring.parsed}
    if not isinstance(item, griffe.Function | griffe.Class):
        return
    is_error = isinstance(item, griffe.Class) and item.name.endswith("Error")
    if not is_error:
        taken = {p.name.lstrip("*") for p in item.parameters if not p.name.startswith("_")}
        taken -= {"self", "cls"}
        listed = sections["parameters"].value if "parameters" in sections else []
        told = [p.name.lstrip("*") for p in listed]
        if set(told) != taken or len(told) != len(set(told)):
            yield f"{item.path}: takes {sorted(taken)}, and tells of {sorted(told)}"
    if isinstance(item, griffe.Function):
        gives = str(item.returns or "None") not in ("None", "NoReturn")
        if gives and not {"returns", "yields"} & set(sections):
            yield f"{item.path}: does not tell what it returns"
        errors = raised(item)
    else:
        makers = [item.members[n] for n in ("__init__", "__post_init__") if n in item.members]
        errors = set().union(*map(raised, makers))
    told = {str(e.annotation) for e in sections["raises"].value} if "raises" in sections else set()
    if errors - told:
        yield f"{item.path}: does not tell that it raises {sorted(errors - told)}"


def test_every_public_object_is_documented():
    package = load("spamguard", ROOT)
    found = list(public(package))
    assert {"spamguard.scoring.score", "spamguard.training.classifier.SpamClassifier.fit"} <= {
        item.path for item in found
    }
    lacking = [fault for item in found for fault in faults(item)]
    assert not lacking, "\n".join(lacking)


BAD = '''
"""A package of ours with every fault."""
__all__ = ["Box", "bare", "takes"]


def bare(): ...


def takes(a, b) -> int:
    """Return something.

    Parameters
    ----------
    a : int
    c : int
    """
    if a:
        raise ValueError("no")
    return b


class Box:
    """A box.

    Parameters
    ----------
    size : int
    """

    def __init__(self, size: int) -> None:
        if size < 0:
            raise ValueError("no")

    def half(self) -> int:
        """Half of it."""
        return 1
'''


def test_what_is_not_documented_is_found(tmp_path):
    (tmp_path / "faulty.py").write_text(BAD)
    package = load("faulty", tmp_path)
    assert [fault for item in public(package) for fault in faults(item)] == [
        "faulty.Box: does not tell that it raises ['ValueError']",
        "faulty.Box.half: does not tell what it returns",
        "faulty.bare: no docstring",
        "faulty.takes: takes ['a', 'b'], and tells of ['a', 'c']",
        "faulty.takes: does not tell what it returns",
        "faulty.takes: does not tell that it raises ['ValueError']",
    ]
