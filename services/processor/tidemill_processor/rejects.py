"""Rows that could not be used: kept beside the dataset, and too many of them refuse it."""

import msgspec
from msgspec import Struct

from tidemill_processor.records import Flaw
from tidemill_processor.run import DataError, Run

NAME = "rejects.ndjson"
LIMIT = 10_000
SHARE = 0.05
RAW_CHARACTERS = 4_096


class Reject(Struct, frozen=True):
    """`row` counts the data rows from 1; `byte_offset` is in the unpacked text, as UTF-8."""

    row: int
    byte_offset: int
    column: str | None
    code: str
    raw: str


class Rejects:
    """Collects bad rows into `rejects.ndjson`, which exists only if there is one."""

    def __init__(self, run: Run) -> None:
        self.count = 0
        self._run = run
        self._first: Reject | None = None

    def add(self, row: int, flaw: Flaw) -> None:
        """Keep a bad row; DataError when there are more than 10,000."""
        reject = Reject(row, flaw.byte_offset, flaw.column, flaw.code, flaw.raw[:RAW_CHARACTERS])
        self._first = self._first or reject
        with self._run.artifact(NAME).open("ab" if self.count else "wb") as file:
            file.write(msgspec.json.encode(reject) + b"\n")
        self.count += 1
        if self.count > LIMIT:
            raise self._too_many(row)

    def judge(self, rows: int) -> None:
        """DataError when more than 5 % of all rows, bad ones included, are bad."""
        if self.count > SHARE * rows:
            raise self._too_many(rows)

    def _too_many(self, rows: int) -> DataError:
        first = self._first
        shown = f"; row {first.row}: {first.code}: {first.raw[:80]!r}" if first else ""
        return DataError(
            f"{self.count} of {rows} rows cannot be read{shown}",
            code="too_many_bad_rows",
            rejects=self.count,
            rows=rows,
        )
