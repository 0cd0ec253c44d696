"""What the containers are told is what their settings, the Caddyfile and nats.conf read."""

import re
import runpy
from importlib import import_module
from inspect import isclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from tests.deploy.conftest import ROOT, execute
from tests.deploy.test_compose import SERVERS, SERVICES
from tidemill_kit import migrate, settings
from tidemill_stack.services import WITHOUT_DATABASE

UPSTREAM = re.compile(r"\{\$TM_\w+_UPSTREAM:([^}]+)\}")
CADDY_NAME = re.compile(r"\{\$(\w+)")
NATS_NAME = re.compile(r"\$(TM_\w+)")
MOUNT = "/run/secrets"
every_service = pytest.mark.parametrize("name", SERVICES)


def environment(containers: dict[str, Any], project: Path, name: str) -> dict[str, str]:
    """A container's variables, with its folder of secrets where it lies on this machine."""
    folder = str(project / "deploy" / "secrets" / name)
    given = containers[name]["environment"]
    return {variable: str(value).replace(MOUNT, folder) for variable, value in given.items()}


def settings_of(name: str) -> type[settings.Settings]:
    found = [
        each
        for each in vars(import_module(f"tidemill_{name}.settings")).values()
        if isclass(each) and issubclass(each, settings.Settings) and each is not settings.Settings
    ]
    return found[0]


def names(kind: type[msgspec.Struct]) -> set[str]:
    plain = {f"TM_{field.name.upper()}" for field in msgspec.structs.fields(kind)}
    return plain | {f"{name}_FILE" for name in plain}


def ours(given: dict[str, str]) -> set[str]:
    return {name for name in given if name.startswith("TM_")}


@every_service
def test_a_service_is_told_nothing_that_it_does_not_read(
    containers: dict[str, Any], name: str
) -> None:
    assert ours(containers[name]["environment"]) <= names(settings_of(name))


@every_service
def test_a_service_finds_all_that_it_needs(
    containers: dict[str, Any], project: Path, name: str
) -> None:
    found = settings.load(settings_of(name), environment(containers, project, name))

    assert (found.host, found.port) == ("0.0.0.0", 8000)  # noqa: S104 - inside its container
    assert (found.nats_user, found.nats_password[:1]) == (name, "p")
    assert bool(found.database_url) == (name not in WITHOUT_DATABASE)
    assert bool(found.s3_secret_key) == bool(found.s3_endpoint)


@every_service
def test_a_service_speaks_to_containers(
    containers: dict[str, Any], project: Path, name: str
) -> None:
    found = settings.load(settings_of(name), environment(containers, project, name))
    urls = [found.database_url, found.nats_url, found.s3_endpoint, found.jwks_url]

    hosts = {urlsplit(url).hostname for url in urls if url}

    assert hosts <= set(containers)


@every_service
def test_a_service_has_its_own_role_and_password(
    containers: dict[str, Any], project: Path, name: str
) -> None:
    loaded = {
        each: settings.load(settings_of(each), environment(containers, project, each))
        for each in SERVICES
    }
    others = [loaded[other] for other in SERVICES if other != name]

    assert loaded[name].nats_password not in [other.nats_password for other in others]
    if name not in WITHOUT_DATABASE:
        assert urlsplit(loaded[name].database_url).username == f"tidemill_{name}"


def test_identity_asks_all_others_whether_they_are_ready(containers: dict[str, Any]) -> None:
    given = containers["identity"]["environment"]["TM_SERVICES"]

    asked = dict(pair.split("=") for pair in given.split(","))

    assert asked == {name: f"http://{name}:8000" for name in SERVICES if name != "identity"}


def test_the_gateway_finds_its_upstreams_without_being_told(containers: dict[str, Any]) -> None:
    upstreams = set(UPSTREAM.findall((ROOT / "deploy" / "Caddyfile").read_text()))
    listening = {f"{name}:{containers[name]['environment']['TM_PORT']}" for name in SERVICES}
    door = "s3" + containers["s3"]["command"][3]

    assert upstreams - listening == {door}


def test_the_gateway_is_told_what_the_caddyfile_reads(containers: dict[str, Any]) -> None:
    read = set(CADDY_NAME.findall((ROOT / "deploy" / "Caddyfile").read_text()))

    assert ours(containers["gateway"]["environment"]) <= read


def test_caddy_accepts_the_caddyfile(
    containers: dict[str, Any], project: Path, tmp_path: Path
) -> None:
    given = environment(containers, project, "gateway") | {"XDG_DATA_HOME": str(tmp_path)}
    file = ROOT / "deploy" / "Caddyfile"

    done = execute(
        "caddy", "validate", "--adapter", "caddyfile", "--config", file, folder=tmp_path, env=given
    )

    assert "Valid configuration" in done.stdout, done.stderr


def test_the_bus_is_told_exactly_what_its_configuration_reads(containers: dict[str, Any]) -> None:
    read = set(NATS_NAME.findall((ROOT / "deploy" / "nats.conf").read_text()))

    assert ours(containers["nats"]["environment"]) == read


def test_nats_accepts_its_configuration(
    containers: dict[str, Any], project: Path, tmp_path: Path
) -> None:
    given = environment(containers, project, "nats") | {"TM_NATS_STORE_DIR": f'"{tmp_path}"'}

    done = execute("nats-server", "-t", "-c", ROOT / "deploy" / "nats.conf", env=given)

    assert "configuration file" in done.stderr
    assert "is valid" in done.stderr


def test_the_migrations_are_those_of_every_service_with_tables(
    containers: dict[str, Any], project: Path
) -> None:
    script = runpy.run_path(str(ROOT / "deploy" / "migrate.py"))
    given = environment(containers, project, "migrate")

    found = settings.load(script["settings_of"](migrate.services()), given)

    assert all(msgspec.structs.astuple(found))
    assert containers["migrate"]["build"]["args"]["SERVICE"].split() == migrate.services()


@pytest.mark.parametrize("name", [*SERVICES, "migrate", "postgres", "seaweedfs"])
def test_a_container_sees_its_own_secrets_alone(
    containers: dict[str, Any], project: Path, name: str
) -> None:
    folder = project / "deploy" / "secrets"

    mounted = [each["source"] for each in containers[name]["volumes"] if each["target"] == MOUNT]

    assert mounted == [str(folder / name)]


@pytest.mark.parametrize("name", [*SERVICES, *SERVERS, "migrate", "volumes"])
def test_no_command_line_holds_a_secret(
    containers: dict[str, Any], project: Path, name: str
) -> None:
    secrets = {file.read_text() for file in (project / "deploy" / "secrets").glob("*/*")}

    words = " ".join(containers[name]["command"])

    assert [secret for secret in secrets if secret in words] == []
