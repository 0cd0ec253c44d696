"""JSON and NDJSON to objects, one at a time, with what is wrong told apart; and a CSV's header."""

import codecs
import csv
import json
import math
import re
from collections.abc import Iterator
from typing import IO, Any

import msgspec
from msgspec import Struct

from tidemill_processor.formats import Dialect
from tidemill_processor.run import DataError

LINE_BYTES = 8 * 1024 * 1024
CHUNK = 256 * 1024
DEPTH = 64
SURROGATE = re.compile("[\ud800-\udfff]")
SPACE = re.compile(r"[ \t\r\n]*")
_strict = msgspec.json.Decoder()

type Row = tuple[int, dict[str, Any]]
"""Where an object begins, in bytes, and the object."""


class Flaw(Struct, frozen=True):
    """A row that cannot be used, and where it begins."""

    byte_offset: int
    code: str
    raw: str
    column: str | None = None


class OutOfRange(ValueError):
    """A number is beyond all floats."""


def line_too_long(offset: int) -> DataError:
    return DataError(
        f"the line at byte {offset} is longer than 8 MiB; is the delimiter of lines another one?",
        code="line_too_long",
    )


def csv_code(message: str) -> str:
    """What the csv module's words mean."""
    if "expected after" in message:
        return "malformed_quote"
    return "stray_carriage_return" if "new-line" in message else "unclosed_quote"


def first_record(file: IO[bytes], dialect: Dialect) -> list[str] | None:
    """The cells of the first record that is not blank; the file stands behind it then."""
    csv.field_size_limit(LINE_BYTES)

    lines = (line.decode() for line in iter(lambda: _line_of(file), b""))
    reader = csv.reader(lines, delimiter=dialect.delimiter, quotechar=dialect.quote, strict=True)
    try:
        return next((cells for cells in reader if cells), None)
    except csv.Error as error:
        raise DataError(
            f"the first row cannot be read ({csv_code(str(error))}); name `delimiter` and `quote`"
            " if they are unusual",
            code="broken_header",
        ) from error


def skip_lines(file: IO[bytes], count: int) -> None:
    """Go behind so many lines, or to the end."""
    for _ in range(count):
        _line_of(file)


def _line_of(file: IO[bytes]) -> bytes:
    line = file.readline(LINE_BYTES + 1)
    if len(line) > LINE_BYTES:
        raise line_too_long(file.tell() - len(line))
    return line


def ndjson_records(file: IO[bytes]) -> Iterator[Row | Flaw]:
    """The object of each line; blank lines are skipped."""
    offset, rest, final = file.tell(), b"", False
    while not final:
        more = file.read(LINE_BYTES)
        data, final = rest + more, len(more) < LINE_BYTES
        end = len(data) if final else data.rfind(b"\n") + 1
        if len(data) - end > LINE_BYTES:
            raise line_too_long(offset + end)
        for line in data[:end].splitlines(keepends=True):
            if len(line) > LINE_BYTES:
                raise line_too_long(offset)
            if line.strip():
                yield _line(offset, line)
            offset += len(line)
        rest = data[end:]


def _line(offset: int, line: bytes) -> Row | Flaw:
    try:
        value = _strict.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _checked(offset, line.decode())
    return _row(offset, value, line.decode)


def _checked(offset: int, line: str) -> Row | Flaw:
    """A line that is not strictly JSON may still be what many programs write: NaN and Infinity."""
    raw = line.rstrip("\r\n")
    try:
        value = json.loads(line, parse_float=_float)
    except OutOfRange:
        return Flaw(offset, "number_out_of_range", raw)
    except ValueError:
        return Flaw(offset, "malformed_json", raw)
    except RecursionError:
        return Flaw(offset, "too_deep", raw)
    return _row(offset, value, raw.strip)


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise OutOfRange(text)
    return value


DECODER = json.JSONDecoder(parse_float=_float)


def _row(offset: int, value: Any, raw: Any) -> Row | Flaw:
    code = fault(value)
    return (offset, value) if code is None else Flaw(offset, code, raw().rstrip("\r\n"))


def fault(value: Any) -> str | None:
    """What keeps a value from being a row."""
    if not isinstance(value, dict):
        return "not_an_object"
    for key, each in value.items():
        if isinstance(each, dict | list) and _deeper(each, DEPTH - 1):
            return "too_deep"
        if not _encodable(key) or not all(map(_encodable, _strings(each))):
            return "unpaired_surrogate"
    return None


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
        self._at = 0
        self._counted = 0
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

    def value(self) -> Row | Flaw:
        """The object that begins here, or what is wrong with it; DataError where no value is."""
        self.peek()
        while True:
            try:
                value, end = DECODER.raw_decode(self._window, self._at)
            except OutOfRange as error:
                raise self.broken(
                    f"{error} is beyond all floats", code="number_out_of_range"
                ) from error
            except ValueError as error:
                if self._ended:
                    reason = getattr(error, "msg", str(error))
                    raise self.broken(reason, getattr(error, "pos", self._at)) from error
            except RecursionError as error:
                raise self.broken("it is nested too deep", code="too_deep") from error
            else:
                if end < len(self._window) or self._ended:
                    offset, raw = self._byte(self._at), self._window[self._at : end]
                    self._at = end
                    return _row(offset, value, raw.strip)
            self._more()

    def broken(self, reason: str, at: int | None = None, code: str = "malformed_json") -> DataError:
        place = self._byte(self._at if at is None else at)
        return DataError(f"broken JSON at byte {place}: {reason}", code=code)

    def _more(self) -> None:
        """Let go of what was read, and widen by as much as waits, so that retries stay cheap."""
        self._byte(self._at)
        self._window = self._window[self._at :]
        self._at = self._counted = 0
        if len(self._window) > LINE_BYTES:
            raise self.broken("no value, or one over 8 MiB")
        data = self._file.read(max(CHUNK, len(self._window)))
        self._ended = not data
        self._window += self._decoder.decode(data, final=self._ended)

    def _byte(self, position: int) -> int:
        """The place of a character, counted on from the last one asked for."""
        between = self._window[min(self._counted, position) : max(self._counted, position)]
        size = len(between.encode())
        self._offset += size if position >= self._counted else -size
        self._counted = position
        return self._offset


def json_records(file: IO[bytes]) -> Iterator[Row | Flaw]:
    """The objects of an array, or the one object; broken syntax raises DataError."""
    text = Text(file)
    if text.peek() == "{":
        yield text.value()
    else:
        text.skip()
        closing = text.peek() == "]"
        while not closing:
            yield text.value()
            if (mark := text.peek()) not in (",", "]"):
                raise text.broken("a comma or the end of the array is missing")
            if not (closing := mark == "]"):
                text.skip()
        text.skip()
    if text.peek():
        raise text.broken("something follows the end")
