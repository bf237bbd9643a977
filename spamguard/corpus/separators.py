"""What parts the cells of a CSV file; spreadsheets of many countries write semicolons."""

from __future__ import annotations

import csv
from typing import Final

UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
"""How a file begins that is not in UTF-8."""

SEPARATORS: Final = {",": "commas", ";": "semicolons", "\t": "tabs"}
"""What may part the cells, and its name for messages."""


def separator(header: str) -> str:
    """Return what parts the cells of `header`, a CSV file's first line: a comma if in doubt.

    Examples
    --------
    >>> separator("id;text;label"), separator("text")
    (';', ',')
    """
    for found in SEPARATORS:
        try:
            names = next(csv.reader([header], delimiter=found), [])
        except csv.Error:
            continue
        if "text" in (name.strip().lower() for name in names):
            return found
    return ","
