"""The import contracts hold, and each sees what breaks it."""

import asyncio
import os
import shutil
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = sorted(
    path
    for place in ("contracts", "libs/*", "services/*")
    for path in ROOT.glob(f"{place}/tidemill_*")
)
BREACHES = {
    "tidemill_jobs/usecases.py": ("import tidemill_ingestion", "Services and the stack"),
    "tidemill_stack/ports.py": ("import tidemill_jobs.app", "Services and the stack"),
    "tidemill_kit/bus.py": ("import tidemill_jobs.records", "Services and the stack"),
    "tidemill_notifier/hub.py": ("import tidemill_client.pace", "No service uses the client"),
    "tidemill_contracts/jobs.py": ("import sqlalchemy", "Contracts need msgspec alone"),
    "tidemill_processor/loop.py": ("import polars", "The supervisor of processors"),
    "tidemill_jobs/utils.py": ("", "Layers of jobs"),
    "tidemill_identity/repository.py": ("import tidemill_identity.usecases", "Layers of identity"),
}


@pytest.fixture(scope="session")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All packages side by side."""
    folder = tmp_path_factory.mktemp("packages")
    shutil.copy(ROOT / "pyproject.toml", folder)
    for package in PACKAGES:
        only_code = shutil.ignore_patterns("__pycache__", "site", "deploy")
        shutil.copytree(package, folder / package.name, ignore=only_code)
    return folder


async def linted(folder: Path) -> tuple[int, str]:
    command = Path(sys.executable).with_name("lint-imports")
    process = await asyncio.create_subprocess_exec(
        command,
        "--no-cache",
        "--no-logo",
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"},
        stdout=PIPE,
        stderr=STDOUT,
    )
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode()


async def test_imports_run_one_way() -> None:
    code, told = await linted(ROOT)

    assert code == 0, told


@pytest.mark.parametrize("path", BREACHES)
async def test_a_breach_is_seen(copy: Path, path: str) -> None:
    line, contract = BREACHES[path]
    file = copy / path
    before = file.read_text() if file.exists() else None

    file.write_text(f"{before or ''}\n{line}\n")
    code, told = await linted(copy)
    file.unlink() if before is None else file.write_text(before)

    assert code != 0
    broken = [each for each in told.splitlines() if each.endswith("BROKEN")]
    assert any(each.startswith(contract) for each in broken), told
