"""What holds for every processor, so also for one that its author has not tested yet."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import narwhals as nw
import polars as pl
import pytest

from tidemill_contracts.processors import Returns, Takes
from tidemill_processor import registry
from tidemill_processor.registry import ProcessorSpec
from tidemill_processor.run import DataError, Run
from tidemill_processor.values import encode_value

SPECS = registry.load()
BUILT_IN = {
    "ingest", "export", "normalize", "detect_anomalies", "compute_metrics", "filter_rows",
    "select_columns", "tag_posts", "add", "multiply", "subtract", "random_number",
    "reverse_string", "noop", "wait", "burn_cpu", "fail",
}  # fmt: skip
# What a processor with required params is run with here.
PARAMS: dict[str, dict[str, Any]] = {
    "add": {"amount": 5},
    "burn_cpu": {"milliseconds": 1},
    "export": {"format": "json"},
    "fail": {"kind": "data", "attempts": 0},
    "filter_rows": {"where": [{"column": "number", "op": "gt", "value": 1}]},
    "multiply": {"factor": 2},
    "select_columns": {"columns": ["text"]},
    "subtract": {"amount": 10},
    "tag_posts": {"column": "text"},
    "wait": {"seconds": 0},
}
VALUES: dict[str, Any] = {"reverse_string": "abc"}

every = pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS)
every_of_datasets = pytest.mark.parametrize(
    "spec",
    [each for each in SPECS.values() if each.takes is Takes.DATASET],
    ids=lambda one: one.name,
)
every_of_values = pytest.mark.parametrize(
    "spec",
    [each for each in SPECS.values() if each.takes is Takes.VALUE and each.input_type is not Any],
    ids=lambda one: one.name,
)


def a_frame(rows: int) -> pl.LazyFrame:
    schema = {"number": pl.Int64, "ratio": pl.Float64, "text": pl.String, "day": pl.Date}
    columns = {
        "number": [3, None, 1, 2, 40],
        "ratio": [0.5, float("nan"), float("inf"), None, 2.0],
        "text": ["a sunny day", "rain", None, "snow and rain", ""],
        "day": [None, None, None, None, None],
    }
    return pl.LazyFrame({name: values[:rows] for name, values in columns.items()}, schema)


def given(spec: ProcessorSpec, run: Run, rows: int = 5) -> Any:
    if spec.name == "ingest":
        run.source = run.scratch / "raw"
        run.source.write_text("number,text\n" + "1,one\n" * rows)
    if spec.takes is Takes.DATASET:
        return nw.from_native(a_frame(rows))
    return VALUES.get(spec.name, 7) if spec.takes is Takes.VALUE else None


def test_all_built_in_processors_are_found() -> None:
    found = set(SPECS)

    assert found >= BUILT_IN


@every
def test_it_says_in_one_sentence_what_it_does(spec: ProcessorSpec) -> None:
    info = registry.describe(spec)

    assert 10 < len(info.summary) < 200
    assert info.summary.endswith((".", ";"))


@every
def test_its_schema_is_closed_and_takes_its_own_defaults(spec: ProcessorSpec) -> None:
    schema = spec.params_schema
    params = spec.decode_params(PARAMS.get(spec.name, {}))

    raw = msgspec.to_builtins(params) if params else {}

    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    jsonschema_rs.validate(schema, raw)


@every
def test_a_param_it_does_not_know_is_refused(spec: ProcessorSpec) -> None:
    params = PARAMS.get(spec.name, {}) | {"no_such_param": 1}

    with pytest.raises(DataError) as refused:
        spec.decode_params(params)

    assert refused.value.code == "invalid_params"


@every
def test_a_pure_one_knows_values_only(spec: ProcessorSpec) -> None:
    values_only = spec.takes is not Takes.DATASET and spec.returns is Returns.VALUE

    assert not spec.pure or (values_only and not spec.wants_run)


@every
def test_it_returns_what_it_says(spec: ProcessorSpec, run: Run) -> None:
    output = spec.apply(given(spec, run), PARAMS.get(spec.name), run)

    assert (output.frame is not None) == (spec.returns in (Returns.DATASET, Returns.BOTH))
    if spec.returns in (Returns.VALUE, Returns.BOTH):
        decoded = msgspec.json.decode(encode_value(output.value))
        assert decoded is not None
        if spec.value_type is not Any and not spec.system:
            assert type(output.value) is type(msgspec.convert(output.value, spec.value_type))


@every_of_datasets
def test_an_empty_frame_is_no_trouble(spec: ProcessorSpec, run: Run) -> None:
    output = spec.apply(given(spec, run, rows=0), PARAMS.get(spec.name), run)

    assert output.frame is None or len(output.frame.collect()) == 0


@every_of_datasets
def test_a_frame_stays_lazy(spec: ProcessorSpec, run: Run) -> None:
    output = spec.apply(given(spec, run), PARAMS.get(spec.name), run)

    assert output.frame is None or isinstance(output.frame, nw.LazyFrame)


@every_of_values
def test_an_input_of_the_wrong_type_is_refused(spec: ProcessorSpec) -> None:
    with pytest.raises(DataError) as refused:
        spec.apply({"neither": ["a number", "nor a string"]}, PARAMS.get(spec.name))

    assert refused.value.code == "invalid_input"


def test_the_registry_loads_without_the_data_engines(tmp_path: Path) -> None:
    code = (
        "import sys; from tidemill_processor import registry; registry.load();"
        "sys.exit(','.join({'polars', 'pandas', 'numpy'} & set(sys.modules)) or None)"
    )

    done = subprocess.run(  # noqa: S603 - our own interpreter and script
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, b"")
