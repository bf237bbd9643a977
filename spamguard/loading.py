"""What is loaded only when it is used: the names of a package, and optional libraries."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module


def attach(
    package: str, modules: Mapping[str, Sequence[str]]
) -> tuple[list[str], Callable[[str], object], Callable[[], list[str]]]:
    """Return ``__all__``, ``__getattr__`` and ``__dir__`` of a package that imports late.

    Parameters
    ----------
    package : str
        The package's ``__name__``.
    modules : mapping of str to sequence of str
        Its modules, each with the names that the package offers from it.
    """
    homes = {name: module for module, names in modules.items() for name in names}

    def load(name: str) -> object:
        if name in homes:
            return getattr(import_module(f"{package}.{homes[name]}"), name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return sorted(homes), load, lambda: sorted(homes)
