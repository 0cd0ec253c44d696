"""What the uploader says of a file: how it is read, and what its columns must hold."""

import gzip
from collections.abc import Callable
from datetime import date
from typing import Any

import msgspec
import polars as pl
import pytest

from tidemill_contracts.datasets import Ingested, IngestOptions
from tidemill_processor.run import DataError, Run

type Read = Callable[..., tuple[pl.DataFrame, Ingested]]

RAW = "id,n,day\n" + "".join(f"{i:04},{i},0{i % 9 + 1}/02/2024\n" for i in range(200))
BAD = RAW + "0200,many,05/02/2024\n"
TYPES = {"id": "string", "n": "int64", "day": "date_dmy"}


def rejects(run: Run) -> list[dict[str, Any]]:
    lines = run.artifacts["rejects.ndjson"].read_bytes().splitlines()
    return [msgspec.json.decode(line) for line in lines]


def refused(read: Read, raw: str, **params: Any) -> DataError:
    with pytest.raises(DataError) as error:
        read(raw, **params)
    return error.value


def test_asked_types_are_given(read: Read) -> None:
    frame, found = read(RAW, types={"id": "int64", "day": "date_dmy"})

    assert frame.row(1) == (1, 1, date(2024, 2, 2))
    assert [one.type for one in found.columns] == ["int64", "int64", "date"]


def test_under_evolve_a_type_that_does_not_fit_gives_way(read: Read) -> None:
    frame, found = read(BAD, types={"n": "int64"})

    assert found.evolved == ["n"]
    assert frame["n"].to_list()[-2:] == ["199", "many"]


def test_freeze_refuses_what_differs(read: Read) -> None:
    _, found = read(RAW, types=TYPES, contract="freeze")

    assert found.contract == "freeze"
    for raw, reason in [
        (BAD, "row 201, column 'n': 'many' is no int64"),
        (RAW.replace("id,n", "id,m"), "are missing"),
        (RAW.replace("\n", ",x\n"), "are not in the contract"),
        (RAW + "7\n", "too_few_columns"),
    ]:
        error = refused(read, raw, types=TYPES, contract="freeze")
        assert (error.code, reason in str(error)) == ("contract_broken", True)


def test_quarantine_sets_rows_aside(read: Read, run: Run) -> None:
    frame, found = read(BAD + RAW[9:], types=TYPES, contract="quarantine_row")

    assert (frame.height, found.rejects) == (400, 1)
    assert rejects(run) == [
        {
            "row": 201,
            "byte_offset": len(RAW),
            "column": "n",
            "code": "cast",
            "raw": "0200,many,05/02/2024",
        }
    ]


def test_null_value_keeps_the_row(read: Read, run: Run) -> None:
    frame, found = read(BAD, types=TYPES, contract="null_value")

    assert (frame.row(200), found.rejects, found.nulled) == (
        ("0200", None, date(2024, 2, 5)),
        0,
        1,
    )
    assert rejects(run)[0]["code"] == "cast_to_null"


def test_contracts_hold_for_json_too(read: Read, run: Run) -> None:
    lines = [f'{{"n": {n}}}' for n in range(99)]
    raw = "\n".join([*lines, '{"n": "many"}', *lines])

    frame, found = read(raw, types={"n": "float64"}, contract="quarantine_row")

    assert (frame.height, frame["n"].dtype, found.rejects) == (198, pl.Float64, 1)
    assert raw[rejects(run)[0]["byte_offset"] :].startswith('{"n": "many"}')


def test_everything_that_is_detected_can_be_said(read: Read) -> None:
    raw = gzip.compress("notes\n1;'a;b'\n2;c\n".encode("utf-16-le"))
    said = {
        "format": "csv", "compression": "gzip", "encoding": "utf-16-le", "delimiter": ";",
        "quote": "'", "header": False, "skip": 1, "decimal": ",",
    }  # fmt: skip

    frame, found = read(raw, **said)

    assert frame.rows() == [(1, "a;b"), (2, "c")]
    assert {name: getattr(found, name) for name in said} == said


def test_the_profile_tells_how_the_file_was_read(read: Read, run: Run) -> None:
    read(RAW)

    profile = msgspec.json.decode(run.artifacts["profile.json"].read_bytes())

    assert profile["detected"]["delimiter"] == ","
    assert profile["detected"]["header"] is True


@pytest.mark.parametrize(
    "wrong",
    [
        {"delimiter": "\n"},
        {"delimiter": ";", "quote": ";"},
        {"contract": "freeze"},
        {"encoding": "hex"},
        {"depth": 17},
        {"skip": -1},
        {"skip": 1_001},
        {"skip": 1, "format": "json"},
        {"decimal": "'"},
        {"decimal": ",", "delimiter": ","},
        {"decimal": ",", "quote": ","},
        {"decimal": ",", "format": "parquet"},
        {"types": {"a": "complex"}},
    ],
    ids=str,
)
def test_options_that_cannot_be_meant_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, IngestOptions)


def test_a_column_that_becomes_text_late_keeps_its_text(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tidemill_processor.blocks.BLOCK", 64)
    cells = ["1", "2.50", "NA", " 3"] * 20

    frame, _ = read("n,k\n" + "".join(f"{cell},k\n" for cell in [*cells, "x"]))

    assert frame["n"].to_list() == [*cells, "x"]
