"""Rows that could not be used: kept beside the dataset, and too many of them refuse it."""

import msgspec
from msgspec import Struct

from tidemill_processor.records import Flaw
from tidemill_processor.run import DataError, Run

NAME = "rejects.ndjson"
LIMIT = 10_000
SHARE = 0.05
RAW_CHARACTERS = 4_096
GUESSED_WRONG = "if the delimiter, the quote or the encoding was guessed wrong, name it"
ADVICE = {
    "cast": "are these the right `types`?",
    "malformed_json": "was the file cut off?",
    "not_an_object": 'each row must be an object, such as {"a": 1}',
    "number_out_of_range": "write such numbers as text",
    "too_deep": "at most 64 levels are read",
    "unpaired_surrogate": "half a character cannot be kept",
    "too_many_columns": f"{GUESSED_WRONG}; if a title stands above the header, `skip` its lines",
}


class Reject(Struct, frozen=True):
    """`row` counts the data rows from 1; `byte_offset` is in the unpacked text, as UTF-8."""

    row: int
    byte_offset: int
    column: str | None
    code: str
    raw: str


class Rejects:
    """Collects bad rows into `rejects.ndjson`, which exists only if there is one."""

    def __init__(self, run: Run, *, frozen: bool = False) -> None:
        self.count = 0
        self.noted = 0
        self._run = run
        self._frozen = frozen
        self._first: Reject | None = None
        run.artifact(NAME).unlink(missing_ok=True)

    def add(self, row: int, flaw: Flaw) -> None:
        """Keep a bad row; DataError when there are more than 10,000, or where none may be."""
        reject = self._keep(row, flaw)
        self._first = self._first or reject
        self.count += 1
        if self._frozen:
            raise DataError(
                f"row {row} cannot be read ({flaw.code}: {flaw.raw[:80]!r}),"
                " and the contract is `freeze`",
                code="contract_broken",
                row=row,
            )
        if self.count > LIMIT:
            raise self._too_many(row)

    def note(self, row: int, flaw: Flaw) -> bool:
        """Keep a value that became null; False once 10,000 are kept: no more should come."""
        self._keep(row, flaw)
        self.noted += 1
        return self.noted < LIMIT

    def judge(self, rows: int) -> None:
        """DataError when more than 5 % of all rows, bad ones included, are bad."""
        if self.count > SHARE * rows:
            raise self._too_many(rows)

    def _keep(self, row: int, flaw: Flaw) -> Reject:
        reject = Reject(row, flaw.byte_offset, flaw.column, flaw.code, flaw.raw[:RAW_CHARACTERS])
        with self._run.artifact(NAME).open("ab") as file:
            file.write(msgspec.json.encode(reject) + b"\n")
        return reject

    def _too_many(self, rows: int) -> DataError:
        first = self._first
        shown = f"; row {first.row}: {first.code}: {first.raw[:80]!r}" if first else ""
        advice = ADVICE.get(first.code if first else "", GUESSED_WRONG)
        return DataError(
            f"{self.count} of {rows} rows cannot be read{shown}; {advice}",
            code="too_many_bad_rows",
            rejects=self.count,
            rows=rows,
        )
