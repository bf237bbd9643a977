"""Rows of a Parquet file, some at a time. Needs pyarrow, which loads when a file is opened.

A file may say anything of itself: row groups are read in pieces, and one that
claims to be larger than memory should bear is refused before it is read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from spamguard.errors import InputError
from spamguard.loading import optional

MAX_ROW_GROUP: Final = 4_000_000_000
"""Bytes, uncompressed, that a row group may claim."""

MAX_BATCH: Final = 1_000_000_000
"""Bytes of the rows read at once."""

_ROWS: Final = 1_000


def pyarrow() -> Any:
    """Return pyarrow, with its module for Parquet.

    Raises
    ------
    MissingPackageError
        If it is not installed.
    """
    with optional():
        import pyarrow as pa
        import pyarrow.parquet
    assert pyarrow.parquet
    return pa


class Rows:
    """The rows of a Parquet file.

    Parameters
    ----------
    file : binary file
        Open for reading, and one that can be sought in.
    name : str
        What to call it in messages.

    Raises
    ------
    InputError
        If it is no Parquet file, or a row group claims to be too large.
    SpamguardError
        If pyarrow is not installed.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._name = name
        self._pa = pyarrow()
        try:
            self._file = self._pa.parquet.ParquetFile(file, pre_buffer=False)
        except (self._pa.ArrowException, OSError):
            raise InputError(f"{name} is damaged, or no Parquet file.") from None
        self.schema: Any = self._file.schema_arrow
        if len(set(self.schema.names)) < len(self.schema.names):
            raise InputError(f"{name}: two columns have the same name.")
        found = self._file.metadata
        for i in range(found.num_row_groups):
            if found.row_group(i).total_byte_size > MAX_ROW_GROUP:
                raise InputError(
                    f"{name}: row group {i + 1} claims more than {MAX_ROW_GROUP:,} bytes; write the "
                    "file anew in smaller row groups."
                )

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield each row by the names of its columns; a missing value is None, and so is NaN.

        Raises
        ------
        InputError
            If the file is damaged, or some of its rows are too large.
        """
        try:
            for batch in self._file.iter_batches(batch_size=_ROWS):
                if batch.nbytes > MAX_BATCH:
                    raise InputError(
                        f"{self._name}: {_ROWS:,} of its rows take more than {MAX_BATCH:,} bytes; "
                        "is a column other than text in it?"
                    )
                names = batch.schema.names
                for cells in zip(*(c.to_pylist() for c in batch.columns), strict=True):
                    yield {n: _plain(cell) for n, cell in zip(names, cells, strict=True)}
        except (self._pa.ArrowException, OSError, UnicodeDecodeError):
            raise InputError(f"{self._name} is damaged, or no Parquet file.") from None


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and math.isnan(value) else value
