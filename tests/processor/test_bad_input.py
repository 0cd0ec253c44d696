"""Files that are broken, hostile or odd: each is refused with a reason, or read for what it is."""

import gzip
import json
import random
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from backports import zstd

from tidemill_contracts.datasets import Ingested
from tidemill_processor import footer
from tidemill_processor.run import DataError

type Read = Callable[..., tuple[pl.DataFrame, Ingested]]

GOOD = "".join(f"{n},x{n}\n" for n in range(100))


def refused(read: Read, raw: str | bytes, **params: Any) -> DataError:
    with pytest.raises(DataError) as error:
        read(raw, **params)
    return error.value


def parquet(tmp_path: Path, table: Any = None, **options: Any) -> bytearray:
    table = table if table is not None else pa.table({"a": list(range(1_000)), "b": ["x"] * 1_000})
    pq.write_table(table, tmp_path / "made.parquet", **options)
    return bytearray((tmp_path / "made.parquet").read_bytes())


@pytest.mark.parametrize(
    ("raw", "code", "advice"),
    [
        ("<!-- x --><table><tr><td>1</table>", "format_unknown", "its error"),
        ("\n <div class='x'>Please sign in</div>", "format_unknown", "its error"),
        (
            "version https://git-lfs.github.com/spec/v1\noid sha256:4d\n",
            "format_unknown",
            "Git LFS",
        ),
        ("[[1, 2], [3, 4]]", "too_many_bad_rows", "each row must be an object"),
        ('{"a": 1}\n{"a": 2}\n{"a": ', "too_many_bad_rows", "cut off"),
        ('[{"a": 1},]', "malformed_json", "at byte 10: Expecting value"),
        ("Report\na,b\n" + "1,2\n" * 99, "too_many_bad_rows", "title"),
        (("a,b\n" + "1,2\n" * 99).encode("utf-16-le"), None, ""),
        ("\u4e00,\u4e8c\n\u4e09,\u56db\n".encode("utf-16-le") * 9, "format_unknown", "`encoding`"),
        (b"a,b\n1,\0\n", "format_unknown", "zero bytes"),
        ("\u756a\u53f7\n1\n".encode("shift_jis"), "encoding_unknown", "neither UTF-8 nor"),
        (b"x" * (100 * 10**6), "line_too_long", "8 MiB"),
        ("a,b\n1," + "x" * (9 * 2**20) + "\n", "line_too_long", "8 MiB"),
        (gzip.compress(b"a,b\n" + b"1,2\n" * 999)[:-20], "broken_gzip", "Upload it again"),
        (gzip.compress(b"0," * 20_000_000), "compression_ratio", "unpacked"),
        (zstd.compress(b"0," * 20_000_000), "compression_ratio", "unpacked"),
        (",".join(f"c{n}" for n in range(2_001)) + "\n", "too_many_columns", "delimiter"),
        (json.dumps([{f"c{n}": n for n in range(2_001)}]), "too_many_columns", "depth"),
        ("[" + '{"a":' * 70 + "1" + "}" * 70 + "]", "too_many_bad_rows", "too_deep"),
        ('[{"a": 1e400}]', "number_out_of_range", "beyond all floats"),
        (b"PARE" + b"x" * 100 + b"PARE", "parquet_encrypted", "decrypted"),
    ],
    ids=lambda one: str(one)[:16].encode().hex()[:16],
)
def test_a_bad_file_is_refused_with_what_to_do(
    raw: str | bytes, code: str | None, advice: str, read: Read
) -> None:
    if code is None:
        assert read(raw)[0].height > 0
        return

    error = refused(read, raw)

    assert error.code == code
    assert advice in str(error)


@pytest.mark.parametrize(
    ("text", "rows", "codes"),
    [
        (f"n,s\n{GOOD}n,s\n{GOOD}", 200, 1),
        (f"n,s\r\n{GOOD}" + GOOD.replace("\n", "\r\n"), 200, 0),
        (f"n,s\n{GOOD}\ufeffn,s\n{GOOD}", 200, 1),
        (f'n,s\n{GOOD}7,"two\nlines"\n{GOOD}', 201, 0),
        (f"n,s\n\n{GOOD}\n\n", 100, 0),
        (f"n,s\n{GOOD}1\n1,2,3\n{GOOD}", 200, 2),
        (f'n,s\n{GOOD}5,a "quoted" word\n', 101, 0),
        (f"n,s\n{GOOD}   \n \t\n{GOOD}", 200, 0),
        (f"n\ts\n{GOOD}\t\n{GOOD}".replace(",", "\t"), 201, 0),
    ],
    ids=[
        "header-twice",
        "mixed-newlines",
        "mark",
        "quoted-newline",
        "blank",
        "ragged",
        "quotes",
        "spaces",
        "tabs",
    ],
)
def test_odd_rows_do_not_change_the_others(text: str, rows: int, codes: int, read: Read) -> None:
    frame, found = read(text)

    assert (frame.height, found.rejects) == (rows, codes)
    assert frame["n"].dtype == pl.Int64


def test_every_way_of_cutting_a_file_into_blocks_reads_the_same(
    read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    random.seed(3)
    cells = ["1", "x", '"q,q"', '"two\nlines"', '""', '"a ""b"""', "", " y "]
    text = "a,b,c\n" + "".join(
        ",".join(random.choice(cells) for _ in range(3)) + "\n" for _ in range(400)
    )
    whole, _ = read(text)

    for size in (40, 64, 100, 1_000):
        monkeypatch.setattr("tidemill_processor.blocks.BLOCK", size)
        parts, _ = read(text)

        assert parts.equals(whole)


def test_repeated_column_names_are_told_apart(read: Read) -> None:
    frame, _ = read("a,a,,a_2\n1,2,3,4\n")

    assert frame.columns == ["a", "a_3", "column_3", "a_2"]


def test_years_may_be_the_names_of_columns(read: Read) -> None:
    _, found = read("country,2019,2020,2021\nA,1.5,2,3\nB,2.5,3,4\n")

    assert [one.name for one in found.columns] == ["country", "2019", "2020", "2021"]


def test_rows_may_have_names_that_no_header_names(read: Read) -> None:
    frame, _ = read("x,y\n1,2.5,a\n2,3.5,b\n")

    assert frame.columns == ["column_1", "x", "y"]
    assert frame.rows() == [(1, 2.5, "a"), (2, 3.5, "b")]


def test_a_delimiter_that_only_rows_end_with_moves_no_column(read: Read) -> None:
    frame, _ = read("id,name\n1,a,\n2,b,\n")

    assert frame.rows(named=True) == [
        {"id": 1, "name": "a", "column_3": None},
        {"id": 2, "name": "b", "column_3": None},
    ]


@pytest.mark.parametrize("header", ["id;name\r\n", ""])
def test_the_line_in_which_a_spreadsheet_names_the_delimiter_is_no_row(
    header: str, read: Read
) -> None:
    frame, found = read(f"sep=;\r\n{header}1;a,b\r\n2;c,d\r\n")

    assert frame.rows() == [(1, "a,b"), (2, "c,d")]
    assert (found.delimiter, found.header) == (";", bool(header))


def test_one_column_needs_no_delimiter(read: Read) -> None:
    frame, found = read("name\nAda\n\nBo\n")

    assert (frame.rows(), found.delimiter) == ([("Ada",), ("Bo",)], ",")


def test_a_number_beyond_all_floats_stays_text_in_csv(read: Read) -> None:
    frame, _ = read("n\n1e400\n2.5\n")

    assert frame["n"].to_list() == ["1e400", "2.5"]


def test_nested_objects_become_columns_with_dotted_names(read: Read) -> None:
    rows = [
        {"id": 1, "at": {"x": 1.5, "deep": {"er": {"y": 2}}}, "tags": ["a", "b"], "n": [1, 2.5]},
        {"id": 2, "at": {"x": None}, "tags": [], "n": None, "mixed": [1, "a", {"k": 1}]},
    ]

    frame, found = read(json.dumps(rows), depth=2)

    assert frame.rows(named=True) == [
        {"id": 1, "at.x": 1.5, "at.deep.er": '{"y":2}', "tags": ["a", "b"], "n": [1.0, 2.5],
         "mixed": None},
        {"id": 2, "at.x": None, "at.deep.er": None, "tags": [], "n": None,
         "mixed": ["1", "a", '{"k":1}']},
    ]  # fmt: skip
    assert [one.type for one in found.columns][3:5] == ["list", "list"]


def test_an_encrypted_parquet_is_named(read: Read, tmp_path: Path) -> None:
    raw = parquet(tmp_path)

    error = refused(read, bytes(raw[:-4] + b"PARE").replace(b"PAR1", b"PARE", 1))

    assert error.code == "parquet_encrypted"


def test_a_parquet_footer_that_lies_is_found_out(
    read: Read, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = parquet(tmp_path)
    truth = footer.Compact.record

    def lying(change: Callable[[dict[int, Any]], None]) -> str:
        def record(self: footer.Compact, nesting: int = 0) -> dict[int, Any]:
            found = truth(self, nesting)
            if nesting == 0:
                change(found)
            return found

        monkeypatch.setattr(footer.Compact, "record", record)
        return refused(read, bytes(raw)).code

    def rows(found: dict[int, Any]) -> None:
        found[3] = 10**9

    def codec(found: dict[int, Any]) -> None:
        found[4][0][1][0][3][4] = 3

    def outside(found: dict[int, Any]) -> None:
        found[4][0][1][0][3][7] = 10**12

    def group(found: dict[int, Any]) -> None:
        found[4][0][1][0][3][6] = 2**31

    def hidden(found: dict[int, Any]) -> None:
        del found[4][0][1][0][3]

    codes = [lying(change) for change in (rows, codec, outside, group, hidden)]

    assert codes == [
        "broken_parquet", "parquet_codec", "broken_parquet", "compression_ratio",
        "parquet_encrypted",
    ]  # fmt: skip


@pytest.mark.parametrize("at", [0.2, 0.5, 0.9, 0.97])
def test_a_damaged_parquet_never_ends_the_process(at: float, read: Read, tmp_path: Path) -> None:
    raw = parquet(tmp_path, compression="zstd")
    place = int(len(raw) * at)
    raw[place : place + 8] = b"\xff" * 8

    with suppress(DataError):
        frame, _ = read(bytes(raw))

        assert frame.height == 1_000


def test_a_parquet_of_a_length_that_cannot_be_is_refused(read: Read, tmp_path: Path) -> None:
    raw = parquet(tmp_path)
    raw[-8:-4] = struct.pack("<I", 2**31)

    error = refused(read, bytes(raw))

    assert error.code == "broken_parquet"


def test_twenty_million_rows_in_a_few_bytes_are_a_bomb(read: Read, tmp_path: Path) -> None:
    column = pa.array([0] * 2_000_000)
    raw = parquet(tmp_path, pa.table({f"c{n}": column for n in range(100)}))

    error = refused(read, bytes(raw))

    assert error.code == "compression_ratio"


@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "brotli", "zstd", "lz4"])
def test_parquet_of_every_usual_codec_is_read(codec: str, read: Read, tmp_path: Path) -> None:
    raw = parquet(tmp_path, compression=codec)

    frame, _ = read(bytes(raw))

    assert frame.height == 1_000
