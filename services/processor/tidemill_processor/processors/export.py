"""A frame as one file of another format."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from tidemill_processor.registry import processor
from tidemill_processor.run import LazyFrame, Run
from tidemill_processor.values import encode_value

if TYPE_CHECKING:
    import polars as pl

ROWS_AT_ONCE = 10_000
FORMULA = "^[ \x00\n]*[=+\\-@\t\r\uff1d\uff0b\uff0d\uff20]"
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "parquet": "application/vnd.apache.parquet",
}


class Export(Struct, frozen=True, forbid_unknown_fields=True):
    """`safe` is for CSV that a spreadsheet opens: no text in it is taken for a formula."""

    format: Literal["csv", "json", "ndjson", "parquet"]
    safe: bool = False


class Exported(Struct, frozen=True):
    """The artifact that was written."""

    file: str
    media_type: str
    size_bytes: int


@processor(system=True, hidden=True)
def export(frame: LazyFrame, params: Export, run: Run) -> Exported:
    """Write the frame to one file, in flat memory; the artifact `export.<format>`.

    Times are ISO 8601. In JSON NaN and infinity are the strings "NaN", "Infinity", "-Infinity",
    decimals are strings of all their digits and integers have all of theirs; in CSV nested values
    are JSON and null is an empty cell. With `safe` text and column names in CSV that begin with
    one of = + - @, tab or carriage return get a ' in front, as OWASP has it; numbers stay numbers.
    """
    path = run.artifact(f"export.{params.format}")
    native: pl.LazyFrame = frame.to_native()
    match params.format:
        case "parquet":
            native.sink_parquet(path)
        case "csv":
            cells = _cells(_plain(native))
            (_harmless(cells) if params.safe else cells).sink_csv(path)
        case "ndjson":
            _ndjson(_plain(native), path, run)
        case "json":
            _ndjson(_plain(native), run.scratch / "lines.ndjson", run)
            _array(run.scratch / "lines.ndjson", path)
    return Exported(path.name, MEDIA_TYPES[params.format], path.stat().st_size)


def _plain(frame: "pl.LazyFrame") -> "pl.LazyFrame":
    """Times and bytes as text; Polars' own form of times has no T in it."""
    import polars as pl

    schema = frame.collect_schema()
    times = [name for name, type_ in schema.items() if isinstance(type_, pl.Datetime)]
    spans = [name for name, type_ in schema.items() if isinstance(type_, pl.Duration)]
    data = [name for name, type_ in schema.items() if isinstance(type_, pl.Binary)]
    return frame.with_columns(
        *(pl.col(name).dt.to_string("iso:strict") for name in times),
        *(pl.col(name).dt.to_string("iso") for name in spans),
        *(pl.col(name).bin.encode("base64") for name in data),
    )


def _harmless(frame: "pl.LazyFrame") -> "pl.LazyFrame":
    """What a spreadsheet would run is text to it; leading spaces do not hide a formula."""
    import polars as pl

    texts = [name for name, type_ in frame.collect_schema().items() if type_ == pl.String]
    quoted = frame.with_columns(
        pl.when(pl.col(name).str.contains(FORMULA))
        .then(pl.lit("'") + pl.col(name))
        .otherwise(pl.col(name))
        .alias(name)
        for name in texts
    )
    risky = re.compile(FORMULA)
    return quoted.rename({name: f"'{name}" for name in frame.collect_schema() if risky.match(name)})


def _nested(frame: "pl.LazyFrame") -> list[str]:
    return [name for name, type_ in frame.collect_schema().items() if type_.is_nested()]


def _cells(frame: "pl.LazyFrame") -> "pl.LazyFrame":
    import polars as pl

    nested = _nested(frame)
    if not nested:
        return frame

    def encoded(batch: pl.DataFrame) -> pl.DataFrame:
        return batch.with_columns(
            pl.Series(
                name,
                [
                    one if one is None else encode_value(one).decode()
                    for one in batch[name].to_list()
                ],
                pl.String,
            )
            for name in nested
        )

    schema = frame.collect_schema() | dict.fromkeys(nested, pl.String())
    return frame.map_batches(encoded, schema=pl.Schema(schema), streamable=True)


def _ndjson(frame: "pl.LazyFrame", path: Path, run: Run) -> None:
    """Polars writes NaN as null, so frames that may hold one are encoded here."""
    import polars as pl

    floats = [name for name, type_ in frame.collect_schema().items() if type_.is_float()]
    strange = frame.select(
        pl.any_horizontal(
            pl.lit(value=False), *(~pl.col(name).is_finite() for name in floats)
        ).any()
    ).collect(engine="streaming")
    if not _nested(frame) and not strange.item():
        frame.sink_ndjson(path)
        return
    with path.open("wb") as out:
        for batch in frame.collect_batches(chunk_size=ROWS_AT_ONCE, maintain_order=True):
            run.stop_if_cancelled()
            out.writelines(encode_value(row) + b"\n" for row in batch.iter_rows(named=True))


def _array(lines: Path, path: Path) -> None:
    """NDJSON becomes one JSON array: each line break but the last a comma, a bracket around."""
    with lines.open("rb") as file, path.open("wb") as out:
        out.write(b"[")
        for index, line in enumerate(file):
            out.write((b",\n" if index else b"") + line.rstrip(b"\n"))
        out.write(b"]\n")
    lines.unlink()
