"""What a file is, told from its first bytes."""

import pytest

from tidemill_processor import formats
from tidemill_processor.run import DataError


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("a,b\n1,2\n", ","),
        ("a;b\n1,5;2,5\n3,5;4,5\n", ";"),
        ("a\tb\n1,000\t2\n", "\t"),
        ("a|b|c\n1|2|3\n", "|"),
        ("a^b\n1^2\n", "^"),
        ("a:b\n1:2\n", ":"),
        ("name\nSmith, John\nDoe\n", ","),
        ("time\n12:30\n13:45\n", ","),
        ('a,b\n"x;y;z",2\n"u;v;w",3\n', ","),
    ],
)
def test_the_delimiter_is_the_one_that_makes_a_table(head: str, expected: str) -> None:
    found = formats.dialect(head)

    assert found.delimiter == expected


def test_single_quotes_are_seen_where_there_are_no_double_ones() -> None:
    head = "a,b\n'x, y','z'\n'u, v','w'\n"

    found = formats.dialect(head)

    assert found == formats.Dialect(",", "'")


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ('[{"a": 1}]', "json"),
        ("[]", "json"),
        ('[["a", "b"], [1, 2]]', "json"),
        ("[ [1, 2], [3, 4] ]", "json"),
        ('{"a":\n 1}', "json"),
        ('{"a": 1}', "json"),
        ('{"a": 1}\n{"a": 2}\n', "ndjson"),
        ('{"a": 1}\n{"a": \n{"a": 2}\n{"a": 3}\n', "ndjson"),
        ("[id],name\n1,x\n", "csv"),
        ("[[id]],name\n1,x\n", "csv"),
        ("{id},name\n1,x\n", "csv"),
        ("a,b\n1,2\n", "csv"),
        ("", "csv"),
    ],
)
def test_json_is_told_from_csv(head: str, expected: str) -> None:
    found = formats.text_format(head)

    assert found == expected


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([["name", "age"], ["Ann", "3"]], True),
        ([["name", "city"], ["Ann", "Rome"]], True),
        ([["", "a"], ["0", "1"]], True),
        ([["Ann", "3"], ["Bob", "4"]], False),
        ([["2024-01-01", "x"], ["2024-01-02", "y"]], False),
        ([["yes", "yes"], ["no", "yes"]], False),
        ([["a", "a"], ["1", "2"]], True),
    ],
)
def test_a_row_of_data_does_not_become_the_header(rows: list[list[str]], *, expected: bool) -> None:
    found = formats.has_header(rows)

    assert found is expected


def test_column_names_are_unique() -> None:
    cells = ["a", "", "a", " b ", "column_2", "a"]

    names = formats.column_names(cells)

    assert names[0] == "a"
    assert names[3:5] == ["b", "column_2"]
    assert len(set(names)) == 6


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be"])
def test_unicode_is_recognised_by_its_mark_or_its_zeros(codec: str) -> None:
    text = "name,city\nÅsa,Malmö\n" * 20

    found = formats.encoding(text.encode(codec))

    assert found is not None
    name, start = found
    assert text.encode(codec)[start:].decode(name) == text


def test_what_holds_no_table_is_refused_by_name() -> None:
    head = b"PK\x03\x04rest of a workbook"

    with pytest.raises(DataError, match="Excel"):
        formats.refuse_what_is_no_data(head)
