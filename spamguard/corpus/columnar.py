"""Verdicts as a Parquet file, some thousand rows to a row group."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any, Final

from spamguard.corpus.parquet import pyarrow
from spamguard.corpus.writers import Row, opened, row_of
from spamguard.errors import InputError

if TYPE_CHECKING:
    from spamguard.corpus.readers import Source
    from spamguard.verdict import Verdict

_ROWS: Final = 20_000
_CHARACTERS: Final = 50_000_000
"""A row group is written when it has as many rows, or its rows so much text."""


@contextmanager
def parquet_answers(
    path: str | None, explain: int | None, source: Source
) -> Iterator[ParquetOutput]:
    """Open the place for the answers to `source`."""
    with opened(path) as file:
        output = ParquetOutput(file, explain, source)
        yield output
        output.close()


class ParquetOutput:
    """Where the answers to a stream of comments go; the first row group's fields are the columns.

    Parameters
    ----------
    file : binary file
        Open for writing.
    explain : int, optional
        Reasons to give for each row.
    source : Source
        What is read; where it is Parquet too, its columns keep their types.
    """

    def __init__(self, file: IO[bytes], explain: int | None, source: Source) -> None:
        self._pa = pyarrow()
        self._file = file
        self._explain = explain
        self._source = source
        self._rows: list[Row] = []
        self._characters = 0
        self._writer: Any = None
        self._schema: Any = None

    def has(self, fields: Row, judge: Callable[[], Verdict]) -> bool:
        """Return whether a row was written already: never."""
        return False

    def write(self, fields: Row, verdict: Verdict) -> None:
        """Write a row.

        Raises
        ------
        InputError
            If some of its fields have no place; it is written without them.
        """
        row = row_of(fields, verdict, self._explain)
        left_out = self._fit(row) if self._schema is not None else 0
        self._rows.append(row)
        self._characters += sum(len(v) for v in row.values() if isinstance(v, str))
        if len(self._rows) >= _ROWS or self._characters >= _CHARACTERS:
            self._write_group()
        if left_out:
            raise InputError(
                f"written without {left_out} of its fields, which the first rows do not have or have "
                "as another type; JSON lines keep them"
            )

    def flush(self) -> None:
        """Leave it: a row group is written when it is full."""

    def close(self) -> None:
        """Write what is left and the end of the file."""
        if self._rows or self._writer is None:
            self._write_group()
        self._writer.close()

    def _write_group(self) -> None:
        if self._writer is None:
            self._schema = self._schema_of(self._rows)
            self._writer = self._pa.parquet.ParquetWriter(self._file, self._schema)
        columns = [
            self._column([row.get(field.name) for row in self._rows], field.type)
            for field in self._schema
        ]
        self._writer.write_table(self._pa.Table.from_arrays(columns, schema=self._schema))
        self._rows, self._characters = [], 0

    def _schema_of(self, rows: list[Row]) -> Any:
        pa = self._pa
        given = self._source.schema
        known = {field.name: field.type for field in given} if given is not None else {}
        added = self._answer_types()
        names = dict.fromkeys(name for row in rows for name in row)
        if not rows:
            names = dict.fromkeys([*known, *added])
        fields = []
        for name in names:
            kind = added.get(name)
            if kind is None:
                # A field of the input may have made room for an answer of the same name.
                kind = known.get(name, known.get(name.removeprefix("given_")))
            if kind is None or pa.types.is_dictionary(kind):
                kind = self._inferred([row.get(name) for row in rows])
            fields.append(pa.field(name, kind))
        return pa.schema(fields)

    def _answer_types(self) -> dict[str, Any]:
        pa = self._pa
        text = pa.string()
        types = {"spam_probability": pa.float64(), "label": text, "discard": pa.bool_()}
        if self._explain:
            reason = {"feature": text, "contribution": pa.float64(), "evidence": text}
            types |= {"language": text, "language_known": pa.bool_()}
            types["reasons"] = pa.list_(pa.struct(list(reason.items())))
        return types

    def _inferred(self, values: list[Any]) -> Any:
        try:
            kind = self._pa.array(values).type
        except (self._pa.ArrowException, UnicodeEncodeError, OverflowError):
            return self._pa.string()  # of several types: kept as JSON
        return self._pa.string() if self._pa.types.is_null(kind) else kind

    def _column(self, values: list[Any], kind: Any) -> Any:
        if self._pa.types.is_string(kind) or self._pa.types.is_large_string(kind):
            values = [None if value is None else _text(value) for value in values]
        return self._pa.array(values, kind)

    def _fit(self, row: Row) -> int:
        """Take out of `row` what has no place in the columns; return how much that was."""
        lost = 0
        for name in list(row):
            kind = self._schema.field(name).type if name in self._schema.names else None
            if kind is None or not self._fits(row[name], kind):
                lost += row.pop(name) is not None or kind is None
        return lost

    def _fits(self, value: Any, kind: Any) -> bool:
        if value is None or self._pa.types.is_string(kind):
            return True  # what is no text is kept as JSON
        with suppress(self._pa.ArrowException, UnicodeEncodeError, OverflowError, TypeError):
            self._pa.scalar(value, kind)
            return True
        return False


def _text(value: Any) -> str:
    if not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False, default=str)
    # Half a character has no UTF-8.
    return value if value.isascii() else value.encode("utf-8", "replace").decode()
