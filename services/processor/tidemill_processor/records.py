"""Text to rows, one at a time: CSV, NDJSON and JSON, with what is wrong told apart."""

import codecs
import csv
import json
import re
from collections import deque
from collections.abc import Iterator
from typing import IO, Any

from msgspec import Struct

from tidemill_processor.formats import Dialect
from tidemill_processor.run import DataError

LINE_BYTES = 8 * 1024 * 1024
CHUNK = 256 * 1024
DEPTH = 64
DECODER = json.JSONDecoder()
SURROGATE = re.compile("[\ud800-\udfff]")
SPACE = re.compile(r"[ \t\r\n]*")


class Flaw(Struct, frozen=True):
    """A row that cannot be used, and where it begins."""

    byte_offset: int
    code: str
    raw: str
    column: str | None = None


class Lines:
    """The lines of a file as text; keeps those of the current record, and can take them back."""

    def __init__(self, file: IO[bytes]) -> None:
        self.offset = file.tell()
        self.began = self.offset
        self._file = file
        self._held: list[bytes] = []
        self._again: deque[bytes] = deque()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._file.readline(LINE_BYTES + 1)
        if not line:
            raise StopIteration
        if len(line) > LINE_BYTES:
            raise DataError(
                f"the line at byte {self.offset} is longer than 8 MiB", code="line_too_long"
            )
        self.offset += len(line)
        self._held.append(line)
        return line.decode()

    def begin(self) -> None:
        """A record begins here."""
        self.began = self.offset
        self._held.clear()

    def flaw(self, code: str) -> Flaw:
        """What is wrong with the current record."""
        return Flaw(self.began, code, b"".join(self._held).decode().rstrip("\r\n"))

    def first_flaw(self, code: str) -> Flaw:
        """Blame the record's first line alone; the others will come again."""
        self._again.extendleft(reversed(self._held[1:]))
        del self._held[1:]
        self.offset = self.began + len(self._held[0])
        return self.flaw(code)


def csv_records(lines: Lines, dialect: Dialect) -> Iterator[list[str] | Flaw]:
    """The cells of each record; blank lines are skipped.

    After broken quoting reading goes on at the next line, so one stray quote costs one row.
    """
    csv.field_size_limit(LINE_BYTES)
    reader = _csv_reader(lines, dialect)
    while True:
        lines.begin()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield lines.first_flaw(_csv_code(str(error)))
            reader = _csv_reader(lines, dialect)
        else:
            if cells:
                yield cells


def tabular(
    records: Iterator[list[str] | Flaw], lines: Lines, width: int
) -> Iterator[list[str] | Flaw]:
    """The same records; one that has not `width` cells is a flaw."""
    for record in records:
        if isinstance(record, Flaw) or len(record) == width:
            yield record
        else:
            yield lines.flaw("too_few_columns" if len(record) < width else "too_many_columns")


def _csv_reader(lines: Lines, dialect: Dialect) -> Iterator[list[str]]:
    return csv.reader(lines, delimiter=dialect.delimiter, quotechar=dialect.quote, strict=True)


def _csv_code(message: str) -> str:
    if "expected after" in message:
        return "malformed_quote"
    return "stray_carriage_return" if "new-line" in message else "unclosed_quote"


def ndjson_records(lines: Lines) -> Iterator[dict[str, Any] | Flaw]:
    """The object of each line; blank lines are skipped."""
    for line in lines:
        if line.strip():
            yield _checked(line, lines)
        lines.begin()


def _checked(line: str, lines: Lines) -> dict[str, Any] | Flaw:
    try:
        value = json.loads(line)
    except ValueError:
        return lines.flaw("malformed_json")
    except RecursionError:
        return lines.flaw("too_deep")
    code = _fault(value)
    return lines.flaw(code) if code else value


def _fault(value: Any) -> str | None:
    if not isinstance(value, dict):
        return "not_an_object"
    if _deeper(value, DEPTH):
        return "too_deep"
    return None if all(map(_encodable, _strings(value))) else "unpaired_surrogate"


def _strings(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            yield from value
            for each in value.values():
                yield from _strings(each)
        case list():
            for each in value:
                yield from _strings(each)
        case _:
            return


def _encodable(text: str) -> bool:
    """JSON can spell half a surrogate pair, which no encoding can."""
    return text.isascii() or not SURROGATE.search(text)


def _deeper(value: Any, levels: int) -> bool:
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return False
    return levels == 0 or any(_deeper(each, levels - 1) for each in value)


class Text:
    """A window over JSON text that moves forward value by value and knows its place in bytes."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._offset = file.tell()
        self._window = ""
        self._began = self._at = 0
        self._ended = False

    def peek(self) -> str:
        """The next character that is not white space; empty at the end."""
        while (found := SPACE.match(self._window, self._at)) and found.end() == len(self._window):
            self._at = found.end()
            if self._ended:
                return ""
            self._more()
        self._at = found.end() if found else self._at
        return self._window[self._at]

    def skip(self) -> None:
        """Step over the character that `peek` showed."""
        self._at += 1

    def value(self) -> Any:
        """The value that begins here; DataError where there is none."""
        self.peek()
        while True:
            try:
                value, end = DECODER.raw_decode(self._window, self._at)
            except ValueError as error:
                if self._ended:
                    raise self.broken(str(error), getattr(error, "pos", self._at)) from error
            except RecursionError as error:
                raise DataError("the JSON is nested too deep", code="too_deep") from error
            else:
                if end < len(self._window) or self._ended:
                    self._began, self._at = self._at, end
                    return value
            self._more()

    def flaw(self, code: str) -> Flaw:
        """What is wrong with the last value."""
        return Flaw(self._byte(self._began), code, self._window[self._began : self._at])

    def broken(self, reason: str, at: int | None = None) -> DataError:
        place = self._byte(self._at if at is None else at)
        return DataError(f"broken JSON at byte {place}: {reason}", code="malformed_json")

    def _more(self) -> None:
        """Let go of what was read, and widen by as much as waits, so that retries stay cheap."""
        self._offset = self._byte(self._at)
        self._window = self._window[self._at :]
        self._at = 0
        if len(self._window) > LINE_BYTES:
            raise self.broken("no value, or one over 8 MiB")
        data = self._file.read(max(CHUNK, len(self._window)))
        self._ended = not data
        self._window += self._decoder.decode(data, final=self._ended)

    def _byte(self, position: int) -> int:
        return self._offset + len(self._window[:position].encode())


def json_records(file: IO[bytes]) -> Iterator[dict[str, Any] | Flaw]:
    """The objects of an array, or the one object; broken syntax raises DataError."""
    text = Text(file)
    if text.peek() == "{":
        yield _fitting(text)
    else:
        text.skip()
        closing = text.peek() == "]"
        while not closing:
            yield _fitting(text)
            if (mark := text.peek()) not in (",", "]"):
                raise text.broken("a comma or the end of the array is missing")
            if not (closing := mark == "]"):
                text.skip()
        text.skip()
    if text.peek():
        raise text.broken("something follows the end")


def _fitting(text: Text) -> dict[str, Any] | Flaw:
    value = text.value()
    code = _fault(value)
    return text.flaw(code) if code else value
