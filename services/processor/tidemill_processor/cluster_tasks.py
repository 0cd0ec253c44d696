"""What workers of a Dask cluster are sent: it needs pandas and pyarrow there, nothing of ours."""

import hashlib
import io
import math
import tempfile
import urllib.request
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

CHUNK = 1024 * 1024
ANSWER_S = 60.0
SAMPLES = 4_096
OK = (200, 201, 204)


class Inspected(NamedTuple):
    """What is known of a part whose digest is right: its row groups, its schema, its NaN."""

    groups: int
    schema: bytes
    strange: list[str]

    def empty(self) -> Any:
        import pyarrow as pa

        schema = pa.ipc.read_schema(pa.py_buffer(self.schema))
        return _pandas(schema.empty_table())


class Damaged(ValueError):
    """A stored object does not match its recorded sha256."""


class HttpFile(io.RawIOBase):
    """An object behind a link, read where it is wanted."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._at = 0
        with self._asked("bytes=0-0") as answer:
            self._size = int(answer.headers["Content-Range"].rpartition("/")[2])

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = start + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        last = min(self._at + len(buffer), self._size) - 1
        if last < self._at:
            return 0
        with self._asked(f"bytes={self._at}-{last}") as answer:
            found = answer.read()
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)

    def _asked(self, span: str) -> Any:
        request = urllib.request.Request(self._url, headers={"Range": span})  # noqa: S310 - a signed link
        return urllib.request.urlopen(request, timeout=ANSWER_S)  # noqa: S310 - likewise


def inspect(url: str, sha256: str) -> Inspected:
    """Read a part once, whole: is it what was recorded, and what is in it?"""
    import pyarrow as pa
    import pyarrow.compute
    import pyarrow.parquet as pq

    pc: Any = pyarrow.compute
    digest = hashlib.sha256()
    with tempfile.TemporaryFile() as file:
        with urllib.request.urlopen(url, timeout=ANSWER_S) as answer:  # noqa: S310 - a signed link
            while chunk := answer.read(CHUNK):
                digest.update(chunk)
                file.write(chunk)
        if digest.hexdigest() != sha256:
            raise Damaged(f"sha256 is {digest.hexdigest()}, recorded is {sha256}")
        parquet = pq.ParquetFile(file)
        schema: Any = parquet.schema_arrow.remove_metadata()
        floats = [field.name for field in schema if pa.types.is_floating(field.type)]
        strange = {
            name
            for batch in parquet.iter_batches(columns=floats)
            for name in (floats or ())
            if pc.any(pc.is_nan(batch.column(name))).as_py()
        }
        return Inspected(parquet.num_row_groups, schema.serialize().to_pybytes(), sorted(strange))


def read(piece: tuple[str, int]) -> Any:
    """One row group of a part."""
    import pyarrow.parquet as pq

    url, group = piece
    parquet = pq.ParquetFile(io.BufferedReader(HttpFile(url), CHUNK))
    if parquet.num_row_groups == 0:
        return _pandas(parquet.schema_arrow.remove_metadata().empty_table())
    return _pandas(parquet.read_row_group(group).replace_schema_metadata())


def store(
    frame: Any, url: str, number: int, like: Any, *, always: bool
) -> tuple[int, int, int, str] | None:
    """Write rows behind a link: (number, rows, bytes, sha256); none where there is no row."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not len(frame) and not always:
        return None
    schema = pa.Schema.from_pandas(like, preserve_index=False).remove_metadata()
    table = pa.Table.from_pandas(frame, schema=schema, preserve_index=False)
    out = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(), out, compression="zstd")
    body = out.getvalue()
    request = urllib.request.Request(url, data=body, method="PUT")  # noqa: S310 - a signed link
    request.add_header("Content-Type", "application/octet-stream")
    with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:  # noqa: S310 - likewise
        if answer.status not in OK:
            raise OSError(f"the object store answered {answer.status}")
    return number, len(frame), len(body), hashlib.sha256(body).hexdigest()


def sketch(frame: Any) -> dict[str, tuple[int, int, list[float]]]:
    """Of each column: how many values, how far apart the samples of the sorted ones are, those."""
    found: dict[str, tuple[int, int, list[float]]] = {}
    for name in frame.columns:
        values = np.sort(_values(frame[name]))
        step = max(1, len(values) // SAMPLES)
        samples = [*values[::step].tolist(), *values[-1:].tolist()]
        found[name] = (len(values), step, samples)
    return found


def brackets(
    sketches: Sequence[dict[str, tuple[int, int, list[float]]]],
    columns: Sequence[str],
    quantiles: Sequence[float],
) -> dict[str, list[tuple[float, float]]]:
    """Of each column and order statistic wanted: two values with it between them, for sure.

    Between neighbouring samples of a part lie fewer than `step` values. So of a sample the number
    of values below it, in all parts, is known to within the sum of their steps.
    """
    found: dict[str, list[tuple[float, float]]] = {}
    for column in columns:
        parts = [part[column] for part in sketches if part[column][0]]
        total, slack = sum(part[0] for part in parts), sum(part[1] for part in parts)
        pairs = sorted((value, part[1]) for part in parts for value in part[2])
        values = np.array([value for value, _ in pairs])
        below = np.cumsum([0, *[step for _, step in pairs]])[:-1] if pairs else np.array([])
        found[column] = []
        for rank in _ranks(quantiles, total):
            low = int(np.searchsorted(below, rank - slack, side="right")) - 1
            high = int(np.searchsorted(below, rank + 2 * slack, side="left"))
            found[column].append(
                (
                    float(values[low]) if low >= 0 else -math.inf,
                    float(values[high]) if high < len(values) else math.inf,
                )
            )
    return found


def count(
    frame: Any, wanted: dict[str, list[tuple[float, float]]]
) -> dict[str, list[tuple[int, int, list[float], int]]]:
    """For each bracket: values below it, at its low end, between its ends, at its high end."""
    found: dict[str, list[tuple[int, int, list[float], int]]] = {}
    for column, spans in wanted.items():
        values = _values(frame[column])
        found[column] = [
            (
                int((values < low).sum()),
                int((values == low).sum()),
                values[(values > low) & (values < high)].tolist(),
                int((values == high).sum()) if high > low else 0,
            )
            for low, high in spans
        ]
    return found


def select(
    counts: Sequence[dict[str, list[tuple[int, int, list[float], int]]]],
    wanted: dict[str, list[tuple[float, float]]],
    columns: Sequence[str],
    quantiles: Sequence[float],
) -> dict[str, list[float | None]]:
    """The quantiles themselves, interpolated linearly between two order statistics."""
    found: dict[str, list[float | None]] = {}
    for column in columns:
        spans = wanted[column]
        total = _total(counts, column)
        ranks = _ranks(quantiles, total)
        statistics = {
            rank: _statistic([part[column][index] for part in counts], spans[index], rank)
            for index, rank in enumerate(ranks)
        }
        found[column] = [_interpolated(statistics, one, total) for one in quantiles]
    return found


def _total(counts: Sequence[Any], column: str) -> int:
    first = [part[column][-1] for part in counts if part[column]]
    return sum(below + low + len(between) + high for below, low, between, high in first)


def _ranks(quantiles: Sequence[float], total: int) -> list[int]:
    """The places in the sorted column that the quantiles lie between; last of all the last one."""
    if not total:
        return []
    places = {math.floor(one * (total - 1)) for one in quantiles}
    above = {min(place + 1, total - 1) for place in places}
    return [*sorted(places | above), total - 1]


def _statistic(parts: list[Any], span: tuple[float, float], rank: int) -> float:
    low, high = span
    left = rank - sum(part[0] for part in parts)
    if left < (at_low := sum(part[1] for part in parts)):
        return low
    between = sorted(value for part in parts for value in part[2])
    left -= at_low
    return between[left] if left < len(between) else high


def _interpolated(statistics: dict[int, float], quantile: float, total: int) -> float | None:
    if not total:
        return None
    place = quantile * (total - 1)
    low = math.floor(place)
    below, above = statistics[low], statistics[min(low + 1, total - 1)]
    return below if below == above else below + (above - below) * (place - low)


def _values(column: Any) -> Any:
    """The values as floats, null and NaN left out."""
    values = column.to_numpy(dtype="float64", na_value=math.nan)
    return values[~np.isnan(values)]


def _pandas(table: Any) -> Any:
    """As pandas with Arrow's types: null stays null, and integers integers."""
    import pandas as pd

    return table.to_pandas(types_mapper=pd.ArrowDtype)
