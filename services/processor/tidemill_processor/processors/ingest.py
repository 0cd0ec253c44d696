"""Uploaded bytes become a typed dataset."""

import itertools
from collections.abc import Iterable, Iterator
from typing import IO, TYPE_CHECKING, Annotated, Literal

import msgspec
import narwhals as nw
from msgspec import Meta, Struct

from tidemill_contracts.datasets import Column, Ingested
from tidemill_processor import formats
from tidemill_processor.columns import type_name
from tidemill_processor.inference import typed
from tidemill_processor.parquet import open_parquet, reading
from tidemill_processor.profile import preview, profile
from tidemill_processor.readers import Opened, open_raw
from tidemill_processor.records import (
    Flaw,
    Lines,
    csv_records,
    json_records,
    ndjson_records,
    tabular,
)
from tidemill_processor.registry import processor
from tidemill_processor.rejects import Rejects
from tidemill_processor.run import DataError, LazyFrame, Run
from tidemill_processor.staging import Staged, Staging
from tidemill_processor.values import encode_value

if TYPE_CHECKING:
    import polars as pl

Character = Annotated[str, Meta(min_length=1, max_length=1)]


class Ingest(Struct, frozen=True, forbid_unknown_fields=True):
    """What the uploader knows better than the content says; all of it is optional."""

    format: Literal["csv", "tsv", "json", "ndjson", "parquet"] | None = None
    delimiter: Character | None = None
    encoding: str | None = None
    header: bool | None = None

    def __post_init__(self) -> None:
        if self.encoding is not None:
            try:
                b"    ".decode(self.encoding, "replace")
            except LookupError as error:
                raise ValueError(str(error)) from error


@processor(system=True, hidden=True)
def ingest(params: Ingest, run: Run) -> tuple[LazyFrame, Ingested]:
    """Read a CSV, TSV, JSON, NDJSON or Parquet file, plain, gzip or zstd, into typed columns.

    The content decides, not the name. Types come from the whole file (see `inference.typed`), bad
    rows go to rejects.ndjson; above 5 % or 10,000 of them the file is refused. Leaves profile.json
    and preview.json beside the frame.
    """
    if run.source is None:
        raise DataError("there is no file to read", code="no_source")
    opened = open_raw(run.source, run, params.encoding)
    run.log("opened", bytes=opened.size, compression=opened.compression, encoding=opened.encoding)
    if opened.is_parquet != (params.format == "parquet") and params.format is not None:
        raise DataError(f"this is not {params.format}", code="format_mismatch")
    if not opened.is_parquet:
        return _from_text(opened, params, run)
    with reading():
        frame = open_parquet(opened)
        types = {
            name: type_name(one) for name, one in nw.from_native(frame).collect_schema().items()
        }
        about = Ingested(format="parquet", rows=0, columns=[], compression=opened.compression)
        return _described(frame, types, about, run)


def _from_text(opened: Opened, params: Ingest, run: Run) -> tuple[LazyFrame, Ingested]:
    import polars as pl

    rejects = Rejects(run)
    staged, about = _staged(opened, params, run, rejects)
    level = "warning" if rejects.count else "info"
    run.log(f"read {staged.rows} rows", level=level, format=about.format, rejected=rejects.count)
    rejects.judge(staged.rows + rejects.count)
    if not staged.kinds:
        raise DataError("it holds no columns", code="empty_file")
    frame, found = typed(staged)
    path = run.scratch / "typed.parquet"
    frame.sink_parquet(path)
    for file in staged.files:
        file.unlink()
    types = {name: one.type.removesuffix("_utc") for name, one in found.items()}
    about = msgspec.structs.replace(
        about, rejects=rejects.count, encoding=opened.encoding, compression=opened.compression
    )
    return _described(pl.scan_parquet(path, glob=False), types, about, run)


def _staged(opened: Opened, params: Ingest, run: Run, rejects: Rejects) -> tuple[Staged, Ingested]:
    """All rows as text; what is known of the format by then."""
    head = opened.head()
    kind = "csv" if params.format == "tsv" else params.format or formats.text_format(head)
    with opened.path.open("rb") as file:
        file.seek(opened.start)
        following = Following(file, opened.size, run, rejects)
        if kind == "csv":
            return _csv(head, params, following)
        staging = Staging(run.scratch / "staged")
        records = json_records(file) if kind == "json" else ndjson_records(Lines(file))
        for record in following(records):
            staging.add_object(record)
        return staging.close(), Ingested(format=kind, rows=0, columns=[])


class Following:
    """Goes through records with progress; flaws go to the rejects, `cancel` ends it."""

    def __init__(self, file: IO[bytes], size: int, run: Run, rejects: Rejects) -> None:
        self.file = file
        self.run = run
        self._size = size
        self._rejects = rejects

    def __call__[T](self, records: Iterable[T | Flaw]) -> Iterator[T]:
        for row, record in enumerate(records, start=1):
            if row % 1_000 == 0:
                self.run.stop_if_cancelled()
                self.run.progress(min(self.file.tell(), self._size), self._size, "bytes")
            if isinstance(record, Flaw):
                self._rejects.add(row, record)
            else:
                yield record
        self.run.progress(self._size, self._size, "bytes")


def _csv(head: str, params: Ingest, following: Following) -> tuple[Staged, Ingested]:
    delimiter = "\t" if params.format == "tsv" else params.delimiter
    dialect = formats.dialect(head, delimiter)
    lines = Lines(following.file)
    records = csv_records(lines, dialect)
    first = next(records, None)
    if first is None:
        raise DataError("the file is empty", code="empty_file")
    if isinstance(first, Flaw):
        raise DataError(f"the first row cannot be read: {first.code}", code="broken_header")
    header = (
        formats.has_header(formats.sample(head, dialect) or [first])
        if params.header is None
        else params.header
    )
    if not header:
        records = itertools.chain([first], records)
    names = formats.column_names(first if header else [""] * len(first))
    staging = Staging(following.run.scratch / "staged", names)
    for cells in following(tabular(records, lines, len(first))):
        staging.add_cells(cells)
    kind = "tsv" if dialect.delimiter == "\t" else "csv"
    about = Ingested(format=kind, rows=0, columns=[], delimiter=dialect.delimiter, header=header)
    return staging.close(), about


def _described(
    frame: "pl.LazyFrame", types: dict[str, str], about: Ingested, run: Run
) -> tuple[LazyFrame, Ingested]:
    """The frame with its artifacts written and the description filled in."""
    run.stop_if_cancelled()
    figures = profile(frame, types)
    run.artifact("profile.json").write_bytes(encode_value(figures))
    run.artifact("preview.json").write_bytes(encode_value(preview(frame)))
    run.log(f"described {len(figures.columns)} columns", rows=figures.rows)
    columns = [Column(name=one.name, type=one.type, nulls=one.nulls) for one in figures.columns]
    return nw.from_native(frame), msgspec.structs.replace(about, rows=figures.rows, columns=columns)
