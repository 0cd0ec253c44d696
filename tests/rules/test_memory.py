"""What a process does not need it does not import: each of these keeps megabytes for its life."""

import subprocess
import sys

import pytest

DATABASE = ("alembic", "asyncpg", "sqlalchemy")
BUS = ("faststream", "pydantic")
FRAMES = ("narwhals", "numpy", "polars", "pyarrow")
SHOW = ("jsonschema_rs", "typer")
STORE = ("aiobotocore", "botocore")

PROCESSES = {
    "tidemill_identity.app": ("alembic", *FRAMES, *SHOW, *STORE),
    "tidemill_ingestion.app": ("alembic", *FRAMES, *SHOW),
    "tidemill_jobs.app": ("alembic", *FRAMES, "typer"),
    "tidemill_notifier.app": ("alembic", *FRAMES, *SHOW, *STORE),
    "tidemill_processor.app": (*DATABASE, *BUS, *FRAMES, *SHOW),
    "tidemill_processor.child": (*DATABASE, *BUS, *FRAMES, *SHOW, *STORE, "litestar", "nats"),
    "tidemill_stack.supervise": (*DATABASE, *BUS, *FRAMES, *SHOW, *STORE, "litestar", "nats"),
}
LOADED = "import sys, importlib; importlib.import_module(sys.argv[1]); print(*sys.modules)"


@pytest.mark.parametrize("module", PROCESSES)
def test_a_process_imports_no_library_that_it_does_not_use(module: str) -> None:
    command = [sys.executable, "-c", LOADED, module]

    run = subprocess.run(command, capture_output=True, check=True, text=True)  # noqa: S603 - ours

    assert set(run.stdout.split()).isdisjoint(PROCESSES[module])
