"""Show types such as ``{"ham", "spam"}`` as "ham" or "spam".

griffe reads the first value in braces as the default, so the braces are reworded before it sees them.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

_VALUES = re.compile(r"^( *\**\w[\w, *]* : )\{([^{}\n]+)\}", re.MULTILINE)


class FixedValues(griffe.Extension):
    """A griffe extension, loaded by mkdocstrings."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Rewrite the docstring of one object."""
        if obj.docstring is not None:
            obj.docstring.value = _VALUES.sub(_in_words, obj.docstring.value)


def _in_words(found: re.Match[str]) -> str:
    return found[1] + " or ".join(part.strip() for part in found[2].split(","))
