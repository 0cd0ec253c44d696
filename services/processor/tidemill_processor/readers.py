"""Raw bytes to plain text or Parquet on disk: decompressed and in UTF-8, with limits."""

import codecs
import gzip
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from msgspec import Struct

from tidemill_processor import formats
from tidemill_processor.run import DataError, Run

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CHUNK = 1024 * 1024
RATIO = 100
RATIO_SLACK = 1024 * 1024


class Opened(Struct, frozen=True, kw_only=True):
    """What lies ready: Parquet, or UTF-8 text that begins at byte `start`."""

    path: Path
    size: int
    start: int = 0
    compression: formats.Compression | None = None
    encoding: str | None = None

    @property
    def is_parquet(self) -> bool:
        return self.encoding is None


def open_raw(
    source: Path, run: Run, encoding: str | None = None, packing: str | None = None
) -> Opened:
    """Unpack and decode a file; what cannot be read raises DataError with its code."""
    head = _head(source)
    if not head.strip():
        raise DataError("the file is empty", code="empty_file")
    packed = formats.compression(head)
    if packing is not None and packing != (packed or "none"):
        raise DataError(
            f"this is not {packing}, it is {packed or 'not compressed'}", code="format_mismatch"
        )
    path = source
    if packed is not None:
        path = run.scratch / "unpacked"
        _unpack(source, path, packed, run)
        head = _head(path)
    with path.open("rb") as file:
        file.seek(-min(4, path.stat().st_size), 2)
        tail = file.read()
    if formats.is_parquet(head, tail):
        return Opened(path=path, size=path.stat().st_size, compression=packed)
    if head.startswith(b"PAR1"):
        raise DataError(
            "the Parquet file has no end; was it cut off? Upload it again", code="broken_parquet"
        )
    if head.startswith(b"PARE"):
        raise DataError(
            "the Parquet file is encrypted; upload it decrypted", code="parquet_encrypted"
        )
    formats.refuse_what_is_no_data(head)
    path, start, found = _decoded(path, head, encoding, run)
    if path.stat().st_size == start:
        raise DataError("the file is empty", code="empty_file")
    size = path.stat().st_size
    return Opened(path=path, size=size, start=start, compression=packed, encoding=found)


def text_ahead(file: IO[bytes]) -> str:
    """The next million bytes as text; the file stays where it stands."""
    at = file.tell()
    text = codecs.getincrementaldecoder("utf-8")().decode(file.read(formats.HEAD_BYTES))
    file.seek(at)
    return text


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(formats.HEAD_BYTES)


def _unpack(source: Path, target: Path, packed: formats.Compression, run: Run) -> None:
    limit = source.stat().st_size * RATIO + RATIO_SLACK
    opener: Any = gzip.open if packed == "gzip" else zstd.open
    written = 0
    try:
        with opener(source, "rb") as file, target.open("wb") as out:
            for chunk in _chunks(file, run):
                written += out.write(chunk)
                if written > limit:
                    raise DataError(
                        f"it unpacks to more than {RATIO} times its size; upload it unpacked",
                        code="compression_ratio",
                    )
    except (EOFError, OSError, zlib.error, zstd.ZstdError) as error:
        raise DataError(
            f"broken {packed}: {error}; was the file cut off? Upload it again",
            code=f"broken_{packed}",
        ) from error
    if written == 0:
        raise DataError("the file is empty", code="empty_file")
    if formats.compression(_head(target)) is not None:
        raise DataError("it is compressed twice", code="format_unknown")


def _chunks(file: IO[bytes], run: Run) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        run.stop_if_cancelled()
        yield chunk


def _decoded(path: Path, head: bytes, asked: str | None, run: Run) -> tuple[Path, int, str]:
    """A path to UTF-8 text, where it starts, and the encoding it had.

    UTF-8 stays where it is. What is not valid UTF-8 is read as cp1252, the encoding of western
    spreadsheets. Lines that end in a carriage return alone get line feeds.
    """
    marked = formats.encoding(head)
    name, start = marked or ("utf-8", 0)
    if asked is not None:
        name = codecs.lookup(asked).name
        start = start if marked and marked[0] == name else 0
    if name == "utf-8" and not _is_utf8(path, run):
        if asked or marked:
            raise DataError("this is not valid UTF-8", code="encoding_unknown")
        name = "cp1252"
    lone_returns = b"\r" in head and b"\n" not in head
    if name == "utf-8" and not lone_returns:
        return path, start, name
    try:
        return _transcoded(path, name, start, run, lone_returns=lone_returns), 0, name
    except UnicodeError as error:
        told = f"not {name}: {error}" if asked or marked else f"neither UTF-8 nor {name}"
        raise DataError(
            f"this is {told}; if it is text, name its `encoding`", code="encoding_unknown"
        ) from error


def _is_utf8(path: Path, run: Run) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            for chunk in _chunks(file, run):
                plain = chunk.isascii() and not decoder.getstate()[0]
                if not plain or b"\0" in chunk:
                    _refuse_zeros(decoder.decode(chunk))
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _transcoded(path: Path, name: str, start: int, run: Run, *, lone_returns: bool) -> Path:
    target = run.scratch / "decoded"
    decoder = codecs.getincrementaldecoder(name)()
    with path.open("rb") as file, target.open("w", encoding="utf-8", newline="") as out:
        file.seek(start)
        for chunk in _chunks(file, run):
            text = _refuse_zeros(decoder.decode(chunk))
            out.write(text.replace("\r", "\n") if lone_returns else text)
        out.write(decoder.decode(b"", final=True))
    return target


def _refuse_zeros(text: str) -> str:
    if "\0" in text:
        raise DataError(
            "it holds zero bytes, so it is no text; if it is UTF-16 or UTF-32, name the `encoding`",
            code="format_unknown",
        )
    return text
