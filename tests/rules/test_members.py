"""Where two places must agree, they do: members, entry points, compose, gateway."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FOLDERS = [ROOT / "contracts", *(ROOT / "libs").iterdir(), *(ROOT / "services").iterdir()]
MEMBERS = sorted(folder for folder in FOLDERS if (folder / "pyproject.toml").is_file())
WITHOUT_ROUTES = {"processor"}
# files for the gateway, no process
SITES = {"dashboard"}
UPSTREAM = re.compile(r"\{\$TM_([A-Z]+)_UPSTREAM")
USER = re.compile(r"^\s+user: (\w+)", re.MULTILINE)
every_member = pytest.mark.parametrize("member", MEMBERS, ids=lambda path: path.name)


def project(folder: Path) -> Any:
    return tomllib.loads((folder / "pyproject.toml").read_text())


def entry_points() -> set[str]:
    """The services, as their members declare them."""
    declared = [project(member)["project"].get("entry-points", {}) for member in MEMBERS]
    return {name for points in declared for name in points.get("tidemill.services", {})}


def routed(caddyfile: str) -> set[str]:
    """Whom the gateway speaks to."""
    return {name.lower() for name in UPSTREAM.findall(caddyfile)} - {"s3"}


def composed(compose: str) -> set[str]:
    """The services among the containers: those that are built here from a service's name."""
    services = yaml.safe_load(compose)["services"]
    return {name for name, service in services.items() if _is_built(service, name)}


def _is_built(service: Any, name: str) -> bool:
    build = service.get("build")
    return isinstance(build, dict) and build.get("args", {}).get("SERVICE") == name


def test_the_members_are_found() -> None:
    assert len(MEMBERS) >= 8


@every_member
def test_a_member_has_the_version_of_all(member: Path) -> None:
    assert project(member)["project"]["version"] == project(ROOT)["project"]["version"]


@every_member
def test_a_member_is_typed(member: Path) -> None:
    name = project(member)["project"]["name"].replace("-", "_")

    assert (member / name / "py.typed").is_file()


@every_member
def test_a_member_is_in_the_workspace(member: Path) -> None:
    root, name = project(ROOT), project(member)["project"]["name"]

    assert name in root["project"]["dependencies"]
    assert root["tool"]["uv"]["sources"][name] == {"workspace": True}


def test_every_folder_of_services_is_an_entry_point_with_a_command() -> None:
    folders = {path.name for path in (ROOT / "services").iterdir() if path.is_dir()}
    scripts = {name for member in MEMBERS for name in project(member)["project"].get("scripts", {})}

    assert entry_points() == folders - SITES
    assert {f"tidemill-{name}" for name in folders - SITES} <= scripts


def test_every_service_has_its_container() -> None:
    assert composed((ROOT / "compose.yaml").read_text()) == entry_points() | SITES


def test_every_service_has_its_routes_at_the_gateway() -> None:
    assert routed((ROOT / "deploy" / "Caddyfile").read_text()) == entry_points() - WITHOUT_ROUTES


def test_every_service_has_its_user_on_the_bus() -> None:
    users = USER.findall((ROOT / "deploy" / "nats.conf").read_text())

    assert set(users) == entry_points()


def test_a_service_that_lacks_its_place_is_seen() -> None:
    compose = "services:\n  jobs:\n    build: {context: ., args: {SERVICE: jobs}}\n  nats: {}\n"

    assert composed(compose) == {"jobs"}
    assert routed("import api {$TM_JOBS_UPSTREAM:jobs:8000} {$TM_S3_UPSTREAM}") == {"jobs"}
