"""Upload, job, result, download: what asynchronous processing of files is for."""

import csv
import hashlib
import io
import json
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

import polars as pl
import pytest

from tests.e2e.people import Person, tidemill
from tidemill_client.problems import Corrupted
from tidemill_contracts.datasets import DatasetStatus, IngestOptions
from tidemill_contracts.jobs import JobStatus, StepSpec, StepStatus
from tidemill_stack.stack import Stack

WEATHER = ["precipitation", "temp_max", "temp_min", "wind"]
SMALL_CSV = b"city;people\nZ\xc3\xbcrich;443037\nBern;137980\nChur;\n"
SMALL_JSON = b'[{"city": "Z\\u00fcrich", "people": 443037}, {"city": "Bern", "people": 137980}]'


def rows_of(file: Path) -> list[dict[str, Any]]:
    """The file as Python's own readers see it."""
    text = file.read_text(encoding="utf-8")
    if file.suffix == ".json":
        return json.loads(text)
    return list(csv.DictReader(text.splitlines()))


def standard(values: list[float]) -> list[float]:
    mean, spread = fmean(values), pstdev(values)
    return [(value - mean) / spread for value in values]


@pytest.mark.parametrize("in_parts", [False, True])
async def test_the_uploader_may_say_how_to_read(
    ann: Person, tmp_path: Path, *, in_parts: bool
) -> None:
    file = tmp_path / "odd.txt"
    file.write_bytes(b"007;2\n008;4\n")
    options = IngestOptions(header=False, delimiter=";", types={"column_2": "float64"})

    sent = await ann.client.upload(file, options=options, in_parts=in_parts)
    dataset = await ann.client.wait_dataset(sent.id)

    found = [(column.name, column.type) for column in dataset.columns or []]
    assert (dataset.status, dataset.rows) == (DatasetStatus.READY, 2)
    assert found == [("column_1", "string"), ("column_2", "float64")]


@pytest.mark.parametrize(
    "name",
    [
        "seattle-weather.csv",
        "airports.csv",
        "stocks.csv",
        "us-employment.csv",
        "cars.json",
        "iris.json",
        "burtin.json",
    ],
)
async def test_a_real_file_becomes_a_dataset_and_comes_back_byte_for_byte(
    ann: Person, real_files: Path, tmp_path: Path, name: str
) -> None:
    file = real_files / name
    rows, sha256 = rows_of(file), hashlib.sha256(file.read_bytes()).hexdigest()

    dataset = await ann.client.wait_dataset((await ann.client.upload(file)).id)
    back = await ann.client.content(dataset.id).save(tmp_path / name, sha256=sha256)

    assert (dataset.status, dataset.name) == (DatasetStatus.READY, name)
    assert (dataset.format, dataset.rows) == (file.suffix[1:], len(rows))
    assert [column.name for column in dataset.columns or []] == list(rows[0])
    assert (dataset.sha256, dataset.size_bytes) == (sha256, file.stat().st_size)
    assert back.read_bytes() == file.read_bytes()


async def test_preview_and_profile_say_what_the_file_holds(ann: Person, real_files: Path) -> None:
    file = real_files / "seattle-weather.csv"
    rows = rows_of(file)
    wind = [float(row["wind"]) for row in rows]
    dataset = await ann.client.wait_dataset((await ann.client.upload(file)).id)

    preview = (await ann.ask("GET", f"/v1/datasets/{dataset.id}/preview")).json()
    profile = (await ann.ask("GET", f"/v1/datasets/{dataset.id}/profile")).json()

    assert preview["columns"] == list(rows[0])
    assert len(preview["rows"]) == 100
    assert preview["rows"][0] == {
        "date": "2012-01-01",
        "precipitation": 0.0,
        "temp_max": 12.8,
        "temp_min": 5.0,
        "wind": 4.7,
        "weather": "drizzle",
    }
    assert profile["rows"] == len(rows)
    found = {column["name"]: column for column in profile["columns"]}
    assert (found["wind"]["min"], found["wind"]["max"]) == (min(wind), max(wind))
    assert found["wind"]["mean"] == pytest.approx(fmean(wind))
    assert found["weather"]["distinct"] == len({row["weather"] for row in rows})


@pytest.mark.parametrize(
    ("content", "people"), [(SMALL_CSV, [443037, 137980, None]), (SMALL_JSON, [443037, 137980])]
)
async def test_a_job_on_a_file_gives_its_result_in_every_format(
    ann: Person, content: bytes, people: list[int | None]
) -> None:
    dataset = await ann.client.upload(content, "cities")

    job = await ann.run(
        processor="select_columns", params={"columns": ["people"]}, dataset_id=dataset.id
    )
    got = {
        kind: b"".join([piece async for piece in ann.client.output(job.id, format=kind).pieces()])
        for kind in ("csv", "json", "ndjson", "parquet")
    }

    expected = pl.DataFrame({"people": people})
    assert pl.read_csv(got["csv"]).equals(expected)
    assert json.loads(got["json"]) == expected.to_dicts()
    assert [json.loads(line) for line in got["ndjson"].splitlines()] == expected.to_dicts()
    assert pl.read_parquet(io.BytesIO(got["parquet"])).equals(expected)


async def test_normalize_detect_and_measure_agree_with_plain_python(
    ann: Person, real_files: Path
) -> None:
    file = real_files / "seattle-weather.csv"
    scores = {name: standard([float(row[name]) for row in rows_of(file)]) for name in WEATHER}
    far = [any(abs(score) > 4 for score in day) for day in zip(*scores.values(), strict=True)]
    dataset = await ann.client.upload(file)

    job = await ann.run(
        dataset_id=dataset.id,
        steps=[
            StepSpec(processor="normalize", params={"method": "zscore"}),
            StepSpec(processor="detect_anomalies", params={"threshold": 4.0}),
            StepSpec(processor="compute_metrics", params={"columns": WEATHER}),
        ],
    )
    frame = pl.read_parquet(io.BytesIO(await ann.client.result(job.id, step="detect_anomalies")))
    metrics = await ann.client.result(job.id)

    assert job.status is JobStatus.SUCCEEDED
    assert frame["anomaly"].to_list() == far
    for name in WEATHER:
        assert frame[name].to_list() == pytest.approx(scores[name], abs=1e-9)
        assert metrics["columns"][name]["mean"] == pytest.approx(0, abs=1e-9)
        assert metrics["columns"][name]["max"] == pytest.approx(max(scores[name]))


async def test_a_job_may_be_submitted_before_its_dataset_is_ready(
    ann: Person, real_files: Path
) -> None:
    dataset = await ann.client.upload(real_files / "airports.csv")
    steps = [
        StepSpec(
            processor="filter_rows",
            params={"where": [{"column": "state", "op": "eq", "value": "AK"}]},
        ),
        StepSpec(processor="select_columns", params={"columns": ["iata"]}),
    ]

    accepted = await ann.client.submit(steps=steps, dataset_id=dataset.id)
    job = await ann.ended(accepted.id)

    alaska = [row for row in rows_of(real_files / "airports.csv") if row["state"] == "AK"]
    assert [step.status for step in job.steps] == [StepStatus.SUCCEEDED] * 2
    assert job.result
    assert (job.result.rows, job.result.columns) == (len(alaska), 1)


async def test_a_complete_upload_does_not_pass_for_that_of_another_file(
    ann: Person, tmp_path: Path
) -> None:
    sent, other = tmp_path / "sent.csv", tmp_path / "other.csv"
    sent.write_bytes(b"a,b\n1,2\n")
    other.write_bytes(b"a,b\n3,4\n")
    dataset = await ann.client.upload_in_parts(sent)

    with pytest.raises(Corrupted):
        await ann.client.upload_in_parts(other, upload_id=dataset.id)


async def test_the_command_tells_what_was_left_out(ann: Person, stack: Stack) -> None:
    content = b"id,city\n" + b"7,Bern\n" * 30 + b"8\n"
    dataset = await ann.client.upload(content, "ragged.csv", labels={"team": "walk"})
    await ann.client.wait_dataset(dataset.id)

    told = [
        await tidemill(ann, stack, "datasets", what, str(dataset.id))
        for what in ("show", "rejects", "preview", "profile")
    ]

    assert [status for status, _, _ in told] == [0, 0, 0, 0]
    shown, rejects, preview, profile = (" ".join(output.split()) for _, output, _ in told)
    assert "labels team=walk read as utf-8, delimiter ',', header rows left out 1;" in shown
    assert "31 too_few_columns 8" in rejects
    assert preview.startswith("id city 7 Bern 7 Bern")
    assert "id int64 0 1 7 7 7" in profile
