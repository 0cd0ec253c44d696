"""Uploaded bytes become a typed dataset."""

from collections.abc import Iterable, Iterator
from io import SEEK_CUR
from typing import IO, TYPE_CHECKING, Any, ClassVar

import msgspec
import narwhals as nw

from tidemill_contracts.datasets import Column, Detected, Ingested, IngestOptions
from tidemill_processor import formats
from tidemill_processor.blocks import CsvBlocks
from tidemill_processor.columns import type_name
from tidemill_processor.inference import Class
from tidemill_processor.layout import Block, Layout, Tell
from tidemill_processor.objects import ObjectBlocks
from tidemill_processor.parquet import open_parquet, reading
from tidemill_processor.profile import Spans, preview, profile
from tidemill_processor.readers import Opened, open_raw, text_ahead
from tidemill_processor.records import Flaw, first_record, json_records, ndjson_records, skip_lines
from tidemill_processor.registry import processor
from tidemill_processor.rejects import Rejects
from tidemill_processor.run import DataError, LazyFrame, Run
from tidemill_processor.staging import Staging
from tidemill_processor.values import encode_value
from tidemill_processor.widening import Unfit, Widening

if TYPE_CHECKING:
    import polars as pl


@processor(system=True, hidden=True)
def ingest(params: IngestOptions, run: Run) -> tuple[LazyFrame, Ingested]:
    """Read a CSV, TSV, JSON, NDJSON or Parquet file, plain, gzip or zstd, into typed columns.

    The content decides, not the name, unless the options say otherwise. Types come from the whole
    file (see `widening.Widening`), bad rows go to rejects.ndjson; above 5 % or 10,000 of them the
    file is refused. Leaves profile.json and preview.json beside the frame.
    """
    if run.source is None:
        raise DataError("there is no file to read", code="no_source")
    opened = open_raw(run.source, run, params.encoding, params.compression)
    run.log("opened", bytes=opened.size, compression=opened.compression, encoding=opened.encoding)
    if opened.is_parquet != (params.format == "parquet") and params.format is not None:
        raise DataError(
            f"this is not {params.format}; leave `format` out, and the content decides",
            code="format_mismatch",
        )
    if not opened.is_parquet:
        return _from_text(opened, params, run)
    _refuse_what_is_for_csv(params, "parquet")
    with reading():
        frame = open_parquet(opened)
        types = {
            name: type_name(one) for name, one in nw.from_native(frame).collect_schema().items()
        }
        about = Detected(format="parquet", compression=opened.compression)
        return _described(frame, types, about, run)


class CsvSource:
    """Rows of CSV; the file's head tells how it is to be read."""

    elements: ClassVar[dict[str, set[type]]] = {}

    def __init__(self, head: str, file: IO[bytes], options: IngestOptions) -> None:
        delimiter = options.delimiter or ("\t" if options.format == "tsv" else None)
        if said := formats.SEPARATOR.match(head):
            # a line that spreadsheets write and hide again
            delimiter, head = delimiter or said[1], head[said.end() :]
            file.seek(len(said[0].encode()), SEEK_CUR)
        known = delimiter, options.quote, options.decimal
        skip = options.skip
        if skip is None:
            skip = 0 if options.header is False else formats.titles(head, *known)
        if skip:
            skip_lines(file, skip)
            head = text_ahead(file)
        self._start = file.tell()
        dialect = _dialect(head, *known)
        first = first_record(file, dialect)
        if first is None:
            raise _nothing(skip)
        rows = formats.sample(head, dialect) or [first]
        header = formats.has_header(rows) if options.header is None else options.header
        if header:
            first, self._start = formats.widened(first, rows), file.tell()
        names = formats.column_names(first if header else [""] * len(first))
        if len(names) > formats.MAX_COLUMNS:
            raise DataError(
                f"{len(names)} columns, at most {formats.MAX_COLUMNS} are read; is the delimiter"
                f" really {dialect.delimiter!r}?",
                code="too_many_columns",
            )
        self._layout = Layout(dialect, names, first if header else [])
        self.names = names
        self.named = sum(map(bool, map(str.strip, self._layout.header)))
        self.detected = Detected(
            format="tsv" if dialect.delimiter == "\t" else "csv",
            delimiter=dialect.delimiter,
            quote=dialect.quote,
            header=header,
            skip=skip,
            decimal=options.decimal,
        )

    def blocks(self, file: IO[bytes], tell: Tell) -> Iterable[Block]:
        """The rows below the header."""
        file.seek(self._start)
        return CsvBlocks(file, self._layout, tell)


class JsonSource:
    """Objects of JSON or NDJSON."""

    def __init__(self, kind: formats.TextFormat, depth: int) -> None:
        self.detected = Detected(format=kind)
        self.names: list[str] = []
        self._depth = depth
        self._objects: ObjectBlocks | None = None

    def blocks(self, file: IO[bytes], tell: Tell) -> Iterable[Block]:
        """The rows, with columns as they turn up."""
        records = json_records if self.detected.format == "json" else ndjson_records
        self._objects = ObjectBlocks(records(file), self._depth, tell)
        return self._objects

    @property
    def elements(self) -> dict[str, set[type]]:
        return self._objects.elements if self._objects else {}


def _from_text(opened: Opened, options: IngestOptions, run: Run) -> tuple[LazyFrame, Ingested]:
    types, evolved = dict(options.types), list[str]()
    with opened.path.open("rb") as file:
        file.seek(opened.start)
        source = _source(file, options, run)
        while True:
            rejects = Rejects(run, frozen=options.contract == "freeze")
            widening = Widening(options.contract, types, rejects, options.decimal)
            staging = Staging(run.scratch, text=bool(source.names))
            try:
                _read(source, file, opened, widening, staging, run)
                break
            except Unfit as unfit:
                run.log(f"{unfit.column!r} is not all {types.pop(unfit.column)}", level="warning")
                evolved.append(unfit.column)
                staging.clear()
    rejects = widening.rejects
    level = "warning" if rejects.count else "info"
    run.log(f"read {staging.rows} rows", level=level, rejected=rejects.count)
    rejects.judge(staging.rows + rejects.count)
    about = msgspec.structs.replace(
        source.detected,
        rejects=rejects.count,
        nulled=widening.nulled,
        encoding=opened.encoding,
        compression=opened.compression,
        contract=options.contract,
        evolved=evolved,
    )
    return _typed(source, widening, staging, about, run)


def _typed(
    source: "CsvSource | JsonSource",
    widening: Widening,
    staging: Staging,
    about: Detected,
    run: Run,
) -> tuple[LazyFrame, Ingested]:
    """The staged rows as one frame, described."""
    import polars as pl

    names = source.names or list(widening.classes)
    if not names:
        raise DataError("it holds no columns", code="empty_file")
    widening.check_columns(names)
    classes: dict[str, Class] = {name: widening.classes.get(name, "null") for name in names}
    run.parts = staging.parts(classes, source.elements)
    frame = pl.scan_parquet(run.parts, glob=False)
    schema = nw.from_native(frame).collect_schema()
    types = {
        name: "null" if one in ("null", "missing") else type_name(schema[name])
        for name, one in classes.items()
    }
    return _described(frame, types, about, run, staging.spans)


def _source(file: IO[bytes], options: IngestOptions, run: Run) -> "CsvSource | JsonSource":
    head = text_ahead(file)
    kind = "csv" if options.format == "tsv" else options.format or formats.text_format(head)
    if kind in ("json", "ndjson"):
        _refuse_what_is_for_csv(options, kind)
        return JsonSource(kind, options.depth)
    source = CsvSource(head, file, options)
    if options.skip is None:
        _tell_of_titles(source, run)
    return source


def _tell_of_titles(source: CsvSource, run: Run) -> None:
    width = len(source.names)
    if skip := source.detected.skip:
        run.log(f"{skip} lines above the header are skipped")
    elif source.named == 1 < width - 1:
        run.log(
            f"one of {width} columns has a name; if titles stand above the table, say with `skip`"
            " how many lines",
            level="warning",
        )


def _nothing(skip: int) -> DataError:
    below = f" below the {skip} lines that are skipped" if skip else ""
    return DataError(f"the file is empty{below}", code="empty_file")


def _dialect(head: str, delimiter: str | None, quote: str | None, decimal: str) -> formats.Dialect:
    found = formats.dialect(head, delimiter, quote, decimal)
    if decimal == "," and "," in (found.delimiter, found.quote):
        raise DataError(
            "the comma divides cells, so it cannot be `decimal` too; name the `delimiter` if it is"
            " another one",
            code="options_invalid",
        )
    return found


def _refuse_what_is_for_csv(options: IngestOptions, kind: str) -> None:
    if options.skip or options.decimal == ",":
        raise DataError(
            f"`skip` and `decimal` are for CSV and TSV, and this is {kind}; leave them out",
            code="format_mismatch",
        )


def _read(
    source: "CsvSource | JsonSource",
    file: IO[bytes],
    opened: Opened,
    widening: Widening,
    staging: Staging,
    run: Run,
) -> None:
    """Stage every block, in a second pass if the first one learnt types too late."""
    if source.names:
        widening.check_columns(source.names)

    def tell(row: int, flaw: Flaw) -> None:
        widening.rejects.add(row, flaw)

    def go_through() -> "Iterator[tuple[Block, pl.DataFrame]]":
        file.seek(opened.start)
        for block in source.blocks(file, tell):
            run.stop_if_cancelled()
            yield block, widening.read(block)

    for block, typed in go_through():
        if not widening.again:
            staging.add(typed)
        run.progress(block.read_to, opened.size, "bytes")
    run.progress(opened.size, opened.size, "bytes")
    widening.finish()
    if not widening.again:
        return
    run.log("reads once more: some types showed late")
    staging.clear()
    widening.settle(Rejects(run))
    for block, typed in go_through():
        staging.add(typed)
        run.progress(block.row, None, "rows")


def _described(
    frame: "pl.LazyFrame",
    types: dict[str, str],
    about: Detected,
    run: Run,
    spans: Spans | None = None,
) -> tuple[LazyFrame, Ingested]:
    """The frame with its artifacts written and the description filled in."""
    run.stop_if_cancelled()
    figures = msgspec.structs.replace(profile(frame, types, spans), detected=about)
    run.artifact("profile.json").write_bytes(encode_value(figures))
    run.artifact("preview.json").write_bytes(encode_value(preview(frame)))
    run.progress(figures.rows, figures.rows, "rows")
    run.log(f"described {len(figures.columns)} columns", rows=figures.rows)
    columns = [Column(name=one.name, type=one.type, nulls=one.nulls) for one in figures.columns]
    known: dict[str, Any] = {name: getattr(about, name) for name in Detected.__struct_fields__}
    return nw.from_native(frame), Ingested(**known, rows=figures.rows, columns=columns)
