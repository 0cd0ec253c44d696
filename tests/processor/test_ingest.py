"""Uploaded bytes become a typed dataset."""

import gzip
import json
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
import polars as pl
import pytest
import vega_datasets
from backports import zstd

from tidemill_contracts.datasets import Ingested, IngestOptions
from tidemill_processor.processors.ingest import ingest
from tidemill_processor.registry import ProcessorSpec
from tidemill_processor.run import Cancelled, DataError, Run

type Read = Callable[..., tuple[pl.DataFrame, Ingested]]

FILES = sorted(Path(vega_datasets.__file__).parent.joinpath("_data").iterdir())


def refused(read: Read, raw: str | bytes, **params: Any) -> str:
    with pytest.raises(DataError) as error:
        read(raw, **params)
    return error.value.code


def types(found: Ingested) -> dict[str, str]:
    return {column.name: column.type for column in found.columns}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_real_files_have_the_rows_columns_and_nulls_that_pandas_finds(
    file: Path, read: Read
) -> None:
    expected = (
        pd.read_csv(file, keep_default_na=False, na_values=[""])
        if file.suffix == ".csv"
        else pd.read_json(file)
    )

    frame, found = read(file.read_bytes())

    assert (frame.height, found.rows, found.rejects) == (len(expected), len(expected), 0)
    assert frame.columns == [one.name for one in found.columns] == list(expected.columns)
    assert {one.name: one.nulls for one in found.columns} == expected.isna().sum().to_dict()
    for name in expected.select_dtypes("number"):
        if types(found)[name] != "string":
            assert frame[name].mean() == pytest.approx(expected[name].mean())


def test_seattles_weather_is_typed(read: Read) -> None:
    file = next(file for file in FILES if file.name == "seattle-weather.csv")

    _, found = read(file.read_bytes())

    assert (found.format, found.encoding, found.delimiter, found.header) == (
        "csv",
        "utf-8",
        ",",
        True,
    )
    assert types(found) == {
        "date": "date",
        "precipitation": "float64",
        "temp_max": "float64",
        "temp_min": "float64",
        "wind": "float64",
        "weather": "string",
    }


@pytest.mark.parametrize(
    ("codec", "named"),
    [
        ("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("utf-16", "utf-16-le"),
        ("utf-16-be", "utf-16-be"), ("cp1252", "cp1252"),
    ],
)  # fmt: skip
def test_encodings_are_recognised(codec: str, named: str, read: Read) -> None:
    raw = "name;price\r\nÅsa;1,5 €\r\nMalmö;2 €\r\n".encode(codec)

    frame, found = read(raw)

    assert (found.encoding, found.delimiter) == (named, ";")
    assert frame.to_dict(as_series=False) == {"name": ["Åsa", "Malmö"], "price": ["1,5 €", "2 €"]}


def test_an_encoding_can_be_named(read: Read) -> None:
    raw = "name,n\n\u0416\u0443\u043a,1\n".encode("cp1251")

    frame, found = read(raw, encoding="windows-1251")

    assert (frame["name"].to_list(), found.encoding) == (["\u0416\u0443\u043a"], "cp1251")
    assert refused(read, raw, encoding="utf-8") == "encoding_unknown"


@pytest.mark.parametrize(
    ("pack", "named"), [(gzip.compress, "gzip"), (zstd.compress, "zstd")], ids=["gzip", "zstd"]
)
def test_packed_files_are_unpacked(pack: Callable[[bytes], bytes], named: str, read: Read) -> None:
    raw = pack(b"a,b\n1,2\n")

    frame, found = read(raw)

    assert (frame.rows(), found.compression, found.format) == ([(1, 2)], named, "csv")
    assert refused(read, raw[:-6]) == f"broken_{named}"


@pytest.mark.parametrize("pack", [gzip.compress, zstd.compress], ids=["gzip", "zstd"])
def test_a_bomb_is_defused(pack: Callable[[bytes], bytes], read: Read) -> None:
    raw = pack(b"a,b\n" + b"0,0\n" * 3_000_000)

    code = refused(read, raw)

    assert code == "compression_ratio"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("", "empty_file"),
        (" \n\n", "empty_file"),
        ("[]", "empty_file"),
        (b"\xef\xbb\xbf", "empty_file"),
        ('[{"a": 1}, {"a": ', "malformed_json"),
        ('[{"a": 1} {"a": 2}]', "malformed_json"),
        ('[{"a": 1}] x', "malformed_json"),
        ("[1, 2, 3]", "too_many_bad_rows"),
        (b"PAR1 and no end", "broken_parquet"),
        (b"PAR1 and a wrong end PAR1", "broken_parquet"),
        (b"a,b\n1,\x00\n", "format_unknown"),
        (b"PK\x03\x04 a workbook", "format_unknown"),
        ("<!DOCTYPE html><p>Not found</p>", "format_unknown"),
        ('a,b\n1,"2\n3,4\n', "too_many_bad_rows"),
        ('"a,b\n1,2\n', "broken_header"),
        ("a" + ",a" * 2_000 + "\n", "too_many_columns"),
        ("a,b\n" + "x" * (8 * 2**20 + 10) + ",1\n", "line_too_long"),
        ('[{"a": ' + "[" * 100_000 + "]" * 100_000 + "}]", "too_deep"),
    ],
    ids=lambda one: str(one)[:20],
)
def test_what_cannot_be_read_says_why(raw: str | bytes, expected: str, read: Read) -> None:
    code = refused(read, raw)

    assert code == expected


def test_a_header_alone_is_an_empty_dataset(read: Read) -> None:
    raw = "a,b\n"

    frame, found = read(raw)

    assert (frame.shape, found.rows, types(found)) == ((0, 2), 0, {"a": "null", "b": "null"})


def test_a_header_can_be_denied_and_a_delimiter_named(read: Read) -> None:
    raw = "a b\nc d\n"

    frame, found = read(raw, header=False, delimiter=" ")

    assert frame.rows() == [("a", "b"), ("c", "d")]
    assert (frame.columns, found.header) == (["column_1", "column_2"], False)


def test_parquet_keeps_its_types(read: Read, tmp_path: Path) -> None:
    written = pl.DataFrame({"n": [1, None], "list": [[1], []], "at": [datetime(2024, 1, 1)] * 2})  # noqa: DTZ001 - no zone
    written.write_parquet(tmp_path / "x.parquet")

    frame, found = read((tmp_path / "x.parquet").read_bytes())

    assert frame.equals(written)
    assert (found.format, types(found)) == (
        "parquet",
        {"n": "int64", "list": "list", "at": "datetime"},
    )


def test_a_named_format_must_be_the_one_there_is(read: Read) -> None:
    raw = "a,b\n1,2\n"

    code = refused(read, raw, format="parquet")

    assert code == "format_mismatch"


def test_profile_and_preview_lie_beside_the_frame(read: Read, run: Run) -> None:
    raw = "n,x,text\n" + "".join(f"{n},{'nan' if n == 3 else n / 2},t{n % 7}\n" for n in range(150))

    read(raw)
    profile = msgspec.json.decode(run.artifacts["profile.json"].read_bytes())
    preview = msgspec.json.decode(run.artifacts["preview.json"].read_bytes())

    n, x, text = profile["columns"]
    assert profile["rows"] == 150
    assert (n["distinct"], n["min"], n["max"], n["mean"]) == (150, 0, 149, 74.5)
    assert n["histogram"]["counts"] == [15] * 10
    assert (n["histogram"]["edges"][0], n["histogram"]["edges"][-1]) == (0, 149)
    assert (x["nans"], x["nulls"], sum(x["histogram"]["counts"])) == (1, 0, 149)
    assert (text["distinct"], text["min"], text["max"], text["mean"]) == (7, "t0", "t6", None)
    assert preview["columns"] == ["n", "x", "text"]
    assert len(preview["rows"]) == 100
    assert preview["rows"][3] == {"n": 3, "x": "NaN", "text": "t3"}


def test_a_preview_shows_large_integers_exactly(read: Read, run: Run) -> None:
    read(json.dumps([{"n": 2**62 + 1}]))

    preview = msgspec.json.decode(run.artifacts["preview.json"].read_bytes())

    assert preview["rows"] == [{"n": str(2**62 + 1)}]


def test_a_cancel_ends_it_between_rows(tmp_path: Path) -> None:
    cancel = threading.Event()
    source = tmp_path / "raw.csv"
    source.write_text("a,b\n" + "1,2\n" * 100_000)

    def note(_done: int, _total: int | None, _unit: str) -> None:
        cancel.set()

    run = Run(tmp_path, source=source, cancel=cancel, on_progress=note)

    with pytest.raises(Cancelled):
        ingest(IngestOptions(), run)

    assert not (tmp_path / "typed.parquet").exists()


def test_progress_ends_at_the_last_byte(tmp_path: Path) -> None:
    told: list[tuple[int, int | None, str]] = []

    def note(done: int, total: int | None, unit: str) -> None:
        told.append((done, total, unit))

    source = tmp_path / "raw.csv"
    source.write_text("a,b\n" + "1,2\n" * 10_000)
    run = Run(tmp_path, source=source, on_progress=note, interval_s=0)

    ingest(IngestOptions(), run)

    assert (40_004, 40_004, "bytes") in told
    assert told[-1] == (10_000, 10_000, "rows")
    assert len(told) > 1


@pytest.mark.parametrize("encoding", ["no-such-encoding", "hex"])
def test_an_encoding_that_is_none_is_refused(
    encoding: str, specs: dict[str, ProcessorSpec]
) -> None:
    params = {"encoding": encoding}

    with pytest.raises(DataError) as error:
        specs["ingest"].decode_params(params)

    assert error.value.code == "invalid_params"
