"""Lines above a table: skipped as somebody says, or where it is certain that they are no rows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill_contracts.datasets import Ingested, IngestOptions
from tidemill_processor import formats
from tidemill_processor.processors.ingest import ingest
from tidemill_processor.run import DataError, Run

type Read = Callable[..., tuple[pl.DataFrame, Ingested]]

TABLE = "id,name,amount\n1,a,2.5\n2,b,3\n"
PADDED = "Report,,\nMade on 2026-01-05,,\n"
WORD = st.text("abcxyz ", min_size=1, max_size=8).filter(str.strip)


@given(
    titles=st.lists(WORD | st.just(""), min_size=1, max_size=5).filter(any),
    names=st.lists(WORD.map(str.strip), min_size=3, max_size=6, unique=True),
    delimiter=st.sampled_from(formats.DELIMITERS),
    padded=st.booleans(),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_titles_are_seen_above_a_table_and_nowhere_else(
    titles: list[str], names: list[str], delimiter: str, *, padded: bool, end: str
) -> None:
    rows = [names, *([str(number)] * len(names) for number in (1, 2))]
    table = end.join(map(delimiter.join, rows)) + end
    padding = delimiter * (len(names) - 1) if padded else ""
    above = "".join(title + padding + end for title in titles)

    assert formats.titles(table, None, None, ".") == 0
    assert formats.titles(above + table, None, None, ".") == len(titles)


@pytest.mark.parametrize(
    "doubtful",
    [
        "Report,,\n",
        "Report\nid,amount\n1,2\n2,3\n",
        "Report,\nid,name,amount\n1,a,2\n2,b,3\n",
        "Report,,\nid,name,place\nx,a,b\ny,b,c\n",
        "Report,,\nid,name,amount\n1,a,2\nMore,,\n2,b,3\n",
        "Report,,\nid,name,amount\n1,a,2\n2,b,3,4\n",
        "Report,,\nid,,amount\n1,a,2\n2,b,3\n",
        "Report,,\nid,name,name\n1,a,2\n2,b,3\n",
        "Report,,\n1,a,2\n2,b,3\n3,c,4\n",
        "Report,2026,\nid,name,amount\n1,a,2\n2,b,3\n",
        ",,\n,,\n" * 30 + TABLE,
        "a\nb\nc\n",
    ],
)
def test_what_may_be_a_row_or_a_header_is_not_skipped(doubtful: str) -> None:
    assert formats.titles(doubtful, None, None, ".") == 0


@pytest.mark.parametrize(
    ("raw", "said", "skipped"),
    [
        (PADDED + TABLE, {}, 2),
        (PADDED + TABLE, {"skip": 2}, 2),
        ("Report, at last,,\n\n" + TABLE, {"skip": 2}, 2),
        ('"said\n' + TABLE, {"skip": 1}, 1),
        ("sep=,\nReport\n" + TABLE, {"skip": 1}, 1),
        ("\ufeffReport\n" + TABLE, {}, 1),
        ("[1] Report\r" + TABLE.replace("\n", "\r"), {"skip": 1, "format": "csv"}, 1),
        (("Größe\r\n" + TABLE).encode("utf-16"), {}, 1),
        (TABLE, {}, 0),
    ],
)
def test_the_table_below_is_read_as_if_nothing_stood_above(
    raw: str | bytes, said: dict[str, Any], skipped: int, read: Read
) -> None:
    expected, _ = read(TABLE)

    frame, found = read(raw, **said)

    assert frame.equals(expected)
    assert (found.skip, found.delimiter, found.header) == (skipped, ",", True)


def test_no_line_is_skipped_where_somebody_says_so(read: Read) -> None:
    for said in ({"skip": 0}, {"header": False}):
        frame, found = read(PADDED + TABLE, **said)

        assert (found.skip, frame.width, frame.dtypes) == (0, 3, [pl.String] * 3)


def test_places_of_bad_rows_stay_those_of_the_file(read: Read, run: Run) -> None:
    above = "Größe, in m\n\n"
    raw = above + TABLE + "3,c,4\n" * 40 + "short\n"

    read(raw, skip=2)
    [reject] = map(msgspec.json.decode, run.artifacts["rejects.ndjson"].read_bytes().splitlines())

    assert (reject["row"], reject["byte_offset"]) == (43, raw.encode().index(b"short"))


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (PADDED + TABLE, "2 lines above the header are skipped"),
        ("Report,,\na,b,c\n", "one of 3 columns has a name"),
        (TABLE, ""),
    ],
)
def test_the_log_tells_of_titles(raw: str, told: str, tmp_path: Path) -> None:
    lines: list[str] = []
    run = Run(tmp_path, source=tmp_path / "raw", on_log=lambda _, text, __: lines.append(text))
    (tmp_path / "raw").write_text(raw)

    ingest(IngestOptions(), run)

    assert [line.startswith(told) for line in lines if "above the" in line] == [True] * bool(told)


@pytest.mark.parametrize(
    ("raw", "said", "code"),
    [
        (TABLE, {"skip": 9}, "empty_file"),
        ('[{"a": 1}]', {"skip": 1}, "format_mismatch"),
        ('{"a": 1}\n{"a": 2}\n', {"decimal": ","}, "format_mismatch"),
        (TABLE, {"decimal": ","}, "options_invalid"),
        ("sep=,\n" + TABLE, {"decimal": ","}, "options_invalid"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    raw: str, said: dict[str, Any], code: str, read: Read
) -> None:
    with pytest.raises(DataError) as refused:
        read(raw, **said)

    assert refused.value.code == code
