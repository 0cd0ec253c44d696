"""The footer of a Parquet file, read without trusting it: what the file claims before data is."""

import struct
from pathlib import Path
from typing import Any

from msgspec import Struct

from tidemill_processor.run import DataError

MAX_FOOTER_BYTES = 16 * 1024 * 1024
MAX_NESTING = 16
TAIL = struct.Struct("<I4s")
BITS_OF_SIZE = 15
SEVEN_BITS = 128
LONGEST = 63
STOP, TRUE, FALSE = range(3)
# ids of fields in parquet.thrift
METADATA = 3
ENCRYPTION = 8
ENCRYPTED = frozenset({8, 9})
# uncompressed, snappy, gzip, brotli, lz4, zstd, lz4_raw
CODECS = frozenset({0, 1, 2, 4, 5, 6, 7})


class Claims(Struct, frozen=True):
    """What the footer says; `largest_group` is in unpacked bytes."""

    rows: int
    leaves: int
    unpacked: int
    largest_group: int


class Compact:
    """Thrift's compact protocol, as its specification has it; IndexError where bytes miss."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def record(self, nesting: int = 0) -> dict[int, Any]:
        """The fields of a struct by their ids."""
        if nesting > MAX_NESTING:
            raise ValueError("nested too deep")
        fields: dict[int, Any] = {}
        number = 0
        while (head := self._byte()) != STOP:
            step, kind = head >> 4, head & 15
            number = number + step if step else self._signed()
            fields[number] = kind == TRUE if kind in (TRUE, FALSE) else self._value(kind, nesting)
        return fields

    def _value(self, kind: int, nesting: int) -> Any:
        match kind:
            case 1 | 2 | 3:
                return self._byte()
            case 4 | 5 | 6:
                return self._signed()
            case 7:
                return self._take(8)
            case 8:
                return self._take(self._unsigned())
            case 9 | 10:
                head = self._byte()
                size = head >> 4 if head >> 4 < BITS_OF_SIZE else self._unsigned()
                return [self._value(head & 15, nesting + 1) for _ in range(self._sane(size))]
            case 11:
                size = self._sane(self._unsigned())
                kinds = self._byte() if size else 0
                return [
                    (self._value(kinds >> 4, nesting + 1), self._value(kinds & 15, nesting + 1))
                    for _ in range(size)
                ]
            case 12:
                return self.record(nesting + 1)
            case _:
                raise ValueError(f"no type {kind}")

    def _sane(self, size: int) -> int:
        if size > len(self._data) - self._at:
            raise ValueError("a list is longer than the footer")
        return size

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _take(self, count: int) -> bytes:
        self._at += self._sane(count)
        return self._data[self._at - count : self._at]

    def _unsigned(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < SEVEN_BITS or shift > LONGEST:
                return value

    def _signed(self) -> int:
        value = self._unsigned()
        return (value >> 1) ^ -(value & 1)


def claims(path: Path) -> Claims:
    """What the footer claims; DataError where it contradicts itself or the file's size."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(-TAIL.size, 2)
        length, _ = TAIL.unpack(file.read())
        if length > min(size - TAIL.size - 4, MAX_FOOTER_BYTES):
            raise broken(f"its footer cannot have {length} bytes")
        file.seek(-TAIL.size - length, 2)
        footer = file.read(length)
    try:
        return _checked(Compact(footer).record(), size)
    except (IndexError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise broken(f"its footer cannot be read ({error})") from error


def _checked(footer: dict[int, Any], size: int) -> Claims:
    if ENCRYPTION in footer:
        raise encrypted()
    schema, rows, groups = footer[2], footer[3], footer[4]
    leaves = sum(not element.get(5) for element in schema[1:])
    if rows < 0 or sum(group[3] for group in groups) != rows:
        raise broken(f"it claims {rows} rows, its row groups claim others")
    unpacked = largest = 0
    for group in groups:
        here = 0
        for chunk in group[1]:
            here += _chunk(chunk, size)
        unpacked += here
        largest = max(largest, here, group[3] * len(group[1]))
    return Claims(rows, leaves, unpacked, largest)


def _chunk(chunk: dict[int, Any], size: int) -> int:
    """The unpacked bytes of a column in a row group."""
    if ENCRYPTED & chunk.keys() or METADATA not in chunk:
        raise encrypted()
    if chunk.get(1):
        raise broken("a column lies in another file")
    about = chunk[METADATA]
    codec, unpacked, packed = about[4], about[6], about[7]
    if codec not in CODECS:
        raise DataError(
            f"a column is compressed with codec {codec}, which nobody here knows; write the file"
            " with zstd or snappy",
            code="parquet_codec",
        )
    start = min(about[9], about.get(11) or about[9])
    if min(packed, unpacked, start) < 0 or start + packed > size:
        raise broken("a column lies outside of the file")
    return unpacked


def broken(reason: str) -> DataError:
    return DataError(f"broken Parquet: {reason}; write it again", code="broken_parquet")


def encrypted() -> DataError:
    return DataError("the Parquet file is encrypted; upload it decrypted", code="parquet_encrypted")
