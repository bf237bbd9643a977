"""The two forms of the modules that compile: machine code, or the Python it is made of."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec, PathFinder
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

MODULES = tuple(
    f"spamguard.features.{name}"
    for name in (
        "lexer",
        "text",
        "reading",
        "language",
        "ngrams",
        "phrases",
        "families.author",
        "families.links",
        "families.promo",
        "families.style",
        "families.topic",
    )
)
"""The modules that `setup.py` compiles where there is a C compiler."""

INTERPRETED = "SPAMGUARD_INTERPRETED"
"""With this environment variable, Python runs the sources although they were compiled."""


class _SourceFinder:
    """Finds the sources of `MODULES`, although extensions lie beside them."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        found = PathFinder.find_spec(name, path, target) if name in MODULES else None
        if found is None or found.origin is None:
            return found
        source = Path(found.origin).with_name(f"{name.rpartition('.')[2]}.py")
        return spec_from_file_location(name, source)


def _wants_sources() -> bool:
    return os.environ.get(INTERPRETED, "") not in ("", "0")


def choose() -> bool:
    """Make Python run the sources if the environment says so; return whether it does."""
    wanted = _wants_sources()
    if wanted and _SourceFinder not in sys.meta_path:
        sys.meta_path.insert(0, _SourceFinder)
    return wanted


def form() -> str:
    """Return "compiled" or "interpreted", without loading the modules."""
    package = Path(__file__).parent / "features"
    compiled = any((package / f"lexer{suffix}").exists() for suffix in EXTENSION_SUFFIXES)
    return "compiled" if compiled and not _wants_sources() else "interpreted"
