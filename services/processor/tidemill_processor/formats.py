"""What a file is, told from its first bytes: compression, encoding, format, CSV dialect, header."""

import codecs
import csv
import io
import json
import re
from collections import Counter
from typing import Literal

from msgspec import Struct

from tidemill_processor.run import DataError

HEAD_BYTES = 1024 * 1024
MAX_COLUMNS = 2_000
SAMPLE_ROWS = 200

Compression = Literal["gzip", "zstd"]
TextFormat = Literal["csv", "json", "ndjson"]

# Longer marks first: that of UTF-32 begins like that of UTF-16.
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
NOT_DATA = (
    (b"PK\x03\x04", "a ZIP archive or an Excel file"),
    (b"\xd0\xcf\x11\xe0", "an old Excel file"),
    (b"%PDF", "a PDF"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x93NUMPY", "a NumPy file"),
    (b"Obj\x01", "an Avro file"),
    (b"version https://git-lfs", "a pointer of Git LFS, not the file that it stands for"),
)
MARKUP = re.compile(
    rb"\s*<(!doctype|!--|\?xml|html|head|body|table|svg|(div|p|span|script|style|meta)[\s/>])",
    re.IGNORECASE,
)
SEPARATOR = re.compile(r"\"?sep=(.)\"?\r?\n", re.IGNORECASE)
DELIMITERS = ",\t;|"
RARE_DELIMITERS = "^~\x01\x1f:"
# a line of one cell at most, quoted or plain, and the empty cells that a spreadsheet adds
TITLE = re.compile(r'(?:"[^"\r\n]*"|[^",;\t|\r\n]*)(,*|;*|\t*|\|*)\r?\n')
MOST_TITLES = 20
LEAST_COLUMNS = 3
NUMBER_OR_TIME = re.compile(
    r"[+-]?(\d[\d.,]*|\.\d+)([eE][+-]?\d+)?%?|[+-]?(nan|inf)|true|false"
    r"|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}.*|\d{1,2}:\d{2}.*",
    re.IGNORECASE,
)


YEAR = re.compile("1[5-9][0-9]{2}|20[0-9]{2}")


class Dialect(Struct, frozen=True):
    """How a CSV's lines fall into cells."""

    delimiter: str = ","
    quote: str = '"'


def compression(head: bytes) -> Compression | None:
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    return "zstd" if head.startswith(b"\x28\xb5\x2f\xfd") else None


def is_parquet(head: bytes, tail: bytes) -> bool:
    return head.startswith(b"PAR1") and tail.endswith(b"PAR1")


def refuse_what_is_no_data(head: bytes) -> None:
    """Raise DataError for well-known formats that hold no table, or not openly."""
    for magic, what in NOT_DATA:
        if head.startswith(magic):
            raise DataError(
                f"this is {what}; upload CSV, JSON or Parquet, plain, gzip or zstd",
                code="format_unknown",
            )
    if MARKUP.match(head):
        raise DataError(
            "this is an XML or HTML document; is it the page that offers the file, or its error?",
            code="format_unknown",
        )


def encoding(head: bytes) -> tuple[str, int] | None:
    """The encoding that the first bytes give away and the length of its mark; None if none does.

    UTF-16 without a mark shows by its zero bytes: every second one in text of western letters.
    """
    for mark, name in BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return name, len(mark)
    pairs = len(head[:4096]) // 2
    even, odd = head[:4096:2].count(0), head[1:4096:2].count(0)
    if pairs and odd > 0.4 * pairs and even < 0.05 * pairs:
        return "utf-16-le", 0
    if pairs and even > 0.4 * pairs and odd < 0.05 * pairs:
        return "utf-16-be", 0
    return None


def text_format(head: str) -> TextFormat:
    """JSON array or object, NDJSON, or else CSV."""
    start = head.lstrip()
    if re.match(r'\[\s*(\{|\[\s*(["\]\d-]|true|false|null))', start):
        return "json"
    if re.match(r'\[\s*(["\]\d-]|true|false|null)', start) and not re.match(
        r"\[[^\]]*\]\s*,", start
    ):
        return "json"
    if not re.match(r'\{\s*("|\}|$)', start):
        return "csv"
    lines = [line for line in start.split("\n") if line.strip()][:SAMPLE_ROWS]
    whole = sum(_is_object(line) for line in lines)
    return "ndjson" if len(lines) > 1 and whole >= max(1, (len(lines) - 1) / 2) else "json"


def _is_object(line: str) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def dialect(
    head: str, delimiter: str | None = None, quote: str | None = None, decimal: str = "."
) -> Dialect:
    """The delimiter under which the most first lines have the header's number of cells, two at
    least, and the quote; a comma where there is only one column. A decimal comma is the delimiter
    only where nothing else can be.
    """
    quote = quote or _quote(head)
    if delimiter is not None:
        return Dialect(delimiter, quote)
    for candidates, least in ((DELIMITERS, 0.8), (RARE_DELIMITERS, 1.0)):
        others = candidates.replace(",", "") if decimal == "," else candidates
        scored = [(*_fit(head, Dialect(each, quote)), each) for each in others]
        share, width, best = max(scored, key=lambda fit: fit[:2])
        if share >= least and width > 1:
            return Dialect(best, quote)
    if decimal == "," and _fit(head, Dialect(",", quote))[1] == 1:
        return Dialect(";", quote)
    return Dialect(quote=quote)


def _quote(head: str) -> str:
    around = re.compile(r"(?:^|[,;\t|])'[^'\n]*'(?=[,;\t|\r\n]|$)", re.MULTILINE)
    return "'" if '"' not in head and len(around.findall(head)) > 1 else '"'


def _fit(head: str, dialect: Dialect) -> tuple[float, int]:
    """The share of rows as wide as the first one, and that width; (0, 1) if it is one cell."""
    rows = sample(head, dialect)
    if not rows or len(rows[0]) < 2:  # noqa: PLR2004 - two columns are the least to see a delimiter
        return 0.0, 1
    widths = Counter(map(len, rows))
    width = len(rows[0])
    return widths[width] / len(rows), width


def sample(head: str, dialect: Dialect) -> list[list[str]]:
    """The cells of the first rows, without the last one, which the head may have cut."""
    lines = list(io.StringIO(head, newline="\n"))
    if len(lines) > 1 and not lines[-1].endswith("\n") and len(head) >= HEAD_BYTES // 4:
        lines.pop()
    reader = csv.reader(lines, delimiter=dialect.delimiter, quotechar=dialect.quote)
    rows: list[list[str]] = []
    try:
        for cells in reader:
            if cells:
                rows.append(cells)
            if len(rows) == SAMPLE_ROWS:
                break
    except csv.Error:
        return rows
    return rows


def has_header(rows: list[list[str]]) -> bool:
    """Whether the first row names the columns: it holds no number and no time, and nothing twice
    unless numbers stand below it. Years that rise from column to column are names.
    """
    first = [cell.strip() for cell in rows[0]]
    numbers = [cell for cell in first if NUMBER_OR_TIME.fullmatch(cell)]
    if not any(first) or (numbers and not _are_years(numbers, len(first))):
        return False
    named = [cell for cell in first if cell]
    return _numbers_below(rows) or len(set(named)) == len(named)


def titles(head: str, delimiter: str | None, quote: str | None, decimal: str) -> int:
    """How many lines stand above the table, where that is certain.

    Each of them has one cell at most that is not empty. Below them are the names of three columns
    at least, then rows as wide as these, and in some column nothing but numbers.
    """
    count, at, said, paddings = 0, 0, False, {""}
    while count < MOST_TITLES and (line := TITLE.match(head, at)):
        count, at = count + 1, line.end()
        said = said or bool(line[0].strip())
        paddings.add(line[1])
    if not said or TITLE.match(head, at):
        return 0
    below = head[at:]
    fall = dialect(below, delimiter, quote, decimal)
    rows = sample(below, fall)
    if not rows or not _is_certain(rows):
        return 0
    return count if paddings <= {"", fall.delimiter * (len(rows[0]) - 1)} else 0


def _is_certain(rows: list[list[str]]) -> bool:
    """Whether these are a header and its rows beyond doubt."""
    names = {cell.strip() for cell in rows[0]}
    if len(names) < LEAST_COLUMNS or len(rows) <= 2 or "" in names:  # noqa: PLR2004 - two rows tell
        return False
    even = all(len(row) == len(names) and sum(map(bool, row)) > 1 for row in rows)
    return even and has_header(rows) and any(map(_all_numbers, zip(*rows[1:], strict=True)))


def _all_numbers(cells: tuple[str, ...]) -> bool:
    said = [cell for cell in map(str.strip, cells) if cell]
    return bool(said) and all(map(NUMBER_OR_TIME.fullmatch, said))


def _numbers_below(rows: list[list[str]]) -> bool:
    return any(NUMBER_OR_TIME.fullmatch(cell.strip()) for row in rows[1:] for cell in row)


def _are_years(cells: list[str], width: int) -> bool:
    years = all(YEAR.fullmatch(cell) for cell in cells)
    return years and 1 < len(cells) < width and cells == sorted(set(cells))


def widened(first: list[str], rows: list[list[str]]) -> list[str]:
    """The header of rows that all have one cell more: R names rows without a header, and some
    programs end each row, but not the header, with a delimiter.
    """
    if len(rows) == 1 or any(len(row) != len(first) + 1 for row in rows[1:]):
        return first
    if len(first) == 1 and _numbers_below(rows[1:]) and has_header(rows[1:]):
        # a title above the header of two columns
        return first
    open_ended = not any(row[-1] for row in rows[1:])
    return [*first, ""] if open_ended else ["", *first]


def column_names(cells: list[str]) -> list[str]:
    """Unique names: an empty one becomes `column_3`, a repeated one `name_2`."""
    names: list[str] = []
    taken = {cell.strip() for cell in cells}
    for index, cell in enumerate(cells, start=1):
        name = wanted = cell.strip() or f"column_{index}"
        suffix = 2
        while name in names or (name != cell.strip() and name in taken):
            name, suffix = f"{wanted}_{suffix}", suffix + 1
        names.append(name)
    return names
