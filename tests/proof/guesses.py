"""What pyarrow takes the columns of a file for, beside what ingest takes them for."""

import io
from collections.abc import Callable
from typing import Any

import pyarrow as pa
from pyarrow import csv

CLASSES = {"int64": "int", "float64": "float", "time": "string"}
KINDS: tuple[tuple[str, Callable[[Any], bool]], ...] = (
    ("null", pa.types.is_null),
    ("bool", pa.types.is_boolean),
    ("int", pa.types.is_integer),
    ("float", pa.types.is_floating),
    ("date", pa.types.is_date),
    ("datetime", pa.types.is_timestamp),
)
# dates as people write them, which pyarrow leaves as text; and ids, which it takes for numbers
MEANT = {("date", "string"), ("datetime", "string"), ("string", "int")}


def others(types: dict[str, str], text: str, delimiter: str, *, header: bool) -> list[str]:
    """`column: our type / theirs` for each column of a CSV that pyarrow types otherwise."""
    data = text.encode()
    try:
        table = csv.read_csv(
            io.BytesIO(data),
            csv.ReadOptions(block_size=len(data) + 1, autogenerate_column_names=not header),
            csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        )
    except pa.ArrowInvalid:
        return []
    if table.num_columns != len(types):
        return []
    pairs = zip(types.items(), table.schema, strict=True)
    found = ((name, CLASSES.get(one, one), _class(field.type)) for (name, one), field in pairs)
    return [f"{name}: {one} / {other}" for name, one, other in found if one != other]


def is_meant(line: str) -> bool:
    one, _, other = line.rpartition(": ")[2].partition(" / ")
    return (one, other) in MEANT


def _class(type_: Any) -> str:
    return next((kind for kind, fits in KINDS if fits(type_)), "string")
