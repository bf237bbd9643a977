"""Show the defaults that a signature has.

Of a type such as ``{"ham", "spam"}`` griffe takes the first value for the default, whatever the
signature says.
"""

from __future__ import annotations

from typing import Any

import griffe


class SignatureDefaults(griffe.Extension):
    """An extension of griffe, which mkdocstrings loads."""

    def on_package(self, *, pkg: griffe.Module, **kwargs: Any) -> None:
        """Correct the parameters of every docstring below a package."""
        for item in _below(pkg):
            for section in item.docstring.parsed if item.docstring else ():
                if section.kind is griffe.DocstringSectionKind.parameters:
                    for told in section.value:
                        given = item.parameters[told.name] if told.name in item.parameters else None
                        told.value = given.default if given is not None else None


def _below(item: griffe.Object) -> list[griffe.Function | griffe.Class]:
    found: list[griffe.Function | griffe.Class] = []
    for member in item.members.values():
        if isinstance(member, griffe.Function | griffe.Class):
            found.append(member)
        if isinstance(member, griffe.Module | griffe.Class):
            found += _below(member)
    return found
