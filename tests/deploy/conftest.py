"""What Docker Compose makes of compose.yaml, with fresh secrets; no Docker is needed for that."""

import json
import shutil
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from subprocess import CompletedProcess, run
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PROGRAMS = Path(sysconfig.get_path("scripts"))


def execute(
    *command: str | Path, folder: Path = ROOT, env: Mapping[str, str] | None = None
) -> CompletedProcess[str]:
    """Run one of our programs in an environment of exactly these variables."""
    given = {"PATH": str(PROGRAMS), "HOME": str(folder), **(env or {})}
    return run(command, cwd=folder, env=given, capture_output=True, text=True, check=False)  # noqa: S603 - ours


def make_secrets(folder: Path) -> None:
    """As the operator does before the first start."""
    done = execute(sys.executable, ROOT / "deploy" / "make_secrets.py", folder)
    assert done.returncode == 0, done.stderr


def compose(
    project: Path, *arguments: str, env: Mapping[str, str] | None = None
) -> CompletedProcess[str]:
    return execute(PROGRAMS / "docker-compose", *arguments, folder=project, env=env)


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """compose.yaml with secrets beside it, outside the repository."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copy(ROOT / "compose.yaml", folder)
    (folder / "deploy").mkdir()
    make_secrets(folder / "deploy" / "secrets")
    return folder


@pytest.fixture(scope="session")
def containers(project: Path) -> dict[str, Any]:
    """Every container with all of its keys, as Compose resolves them."""
    done = compose(project, "config", "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["services"]


@pytest.fixture(scope="session")
def written() -> Any:
    """compose.yaml as it stands in the repository."""
    return yaml.safe_load((ROOT / "compose.yaml").read_text())
