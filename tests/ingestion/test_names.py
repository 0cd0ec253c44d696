"""Names of datasets, whatever comes."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill_ingestion import names


@given(st.text(max_size=600))
def test_a_clean_name_is_harmless(name: str) -> None:
    clean = names.clean(name)

    assert len(clean) <= 255
    assert unicodedata.is_normalized("NFC", clean)
    assert not set(clean) & set("/\\\n\r\0")
    assert not any(unicodedata.category(character).startswith("C") for character in clean)
    assert not clean.startswith((".", " "))
    assert not clean.endswith(" ")


@given(st.text(max_size=600))
def test_cleaning_twice_changes_nothing(name: str) -> None:
    clean = names.clean(name)

    assert names.clean(clean) == clean


@given(st.text(max_size=600))
def test_a_file_always_has_a_name(filename: str) -> None:
    assert names.of_file(filename)


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("sales 2024/25.csv", "sales 2024-25.csv"),
        ("../../etc/passwd", "etc-passwd"),
        ("x\0.csv", "x.csv"),
        ("a\r\nSet-Cookie: b", "a Set-Cookie: b"),
        ("invoice\u202egnp.csv", "invoicegnp.csv"),
        ("cafe\u0301", "caf\u00e9"),
        ("\u200b\u2066\u2069", ""),
        ("..", ""),
    ],
)
def test_what_is_left_of_a_name(name: str, clean: str) -> None:
    assert names.clean(name) == clean


@pytest.mark.parametrize(
    ("filename", "name"),
    [
        ("C:\\Users\\ann\\a.csv", "a.csv"),
        ("/home/ann/a.csv", "a.csv"),
        ("", "dataset"),
        (None, "dataset"),
        ("../..", "dataset"),
    ],
)
def test_a_path_is_reduced_to_its_file(filename: str | None, name: str) -> None:
    assert names.of_file(filename) == name
