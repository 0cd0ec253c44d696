"""What the environment, a `.env` file and an address mean."""

from pathlib import Path

import pytest

from tidemill_stack import settings
from tidemill_stack.commands import is_loopback
from tidemill_stack.gateway import Gateway
from tidemill_stack.reload import concerned


def test_an_env_file_may_have_quotes_comments_and_export() -> None:
    lines = ["# a comment", "", "export TM_A=1", 'TM_B="two words"', "TM_C='=x'", "TM_D = 4", "no"]

    found = settings.parse(lines)

    assert found == {"TM_A": "1", "TM_B": "two words", "TM_C": "=x", "TM_D": "4"}


def test_the_environment_comes_before_the_env_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("TM_LOG_LEVEL=debug\nTM_LEASE_S=3\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TM_LOG_LEVEL", "error")

    found = settings.environment()

    assert (found["TM_LOG_LEVEL"], found["TM_LEASE_S"]) == ("error", "3")


def test_a_child_inherits_no_secret() -> None:
    secret = ["TM_NATS_JOBS_PASSWORD", "TM_S3_SECRET_KEY", "TM_JWT_PRIVATE_KEY_FILE"]
    given = dict.fromkeys([*secret, "TM_ADMIN_DATABASE_URL", "TM_DATABASE_URL_FILE"], "x")

    found = settings.without_secrets({**given, "TM_LEASE_S": "3", "PATH": "/bin"})

    assert found == {"TM_LEASE_S": "3", "PATH": "/bin"}


def test_a_server_gets_nothing_that_it_would_obey_by_accident() -> None:
    given = {"AWS_ACCESS_KEY_ID": "x", "PGDATA": "x", "HTTP_PROXY": "x", "PATH": "/bin"}

    assert settings.bare(given) == {"PATH": "/bin"}


def test_only_what_the_environment_does_not_name_is_started() -> None:
    found = settings.external({"TM_NATS_URL": "nats://elsewhere:4222"})

    assert found == settings.External(nats_url="nats://elsewhere:4222")


def test_data_lies_in_the_users_data_home() -> None:
    assert settings.data_folder({"XDG_DATA_HOME": "/d"}) == Path("/d/tidemill")


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104 - only compared
        ("x.org", False),
    ],
)
def test_only_loopback_is_safe_for_plain_http(host: str, *, expected: bool) -> None:
    assert is_loopback(host) is expected


@pytest.mark.parametrize(
    ("gateway", "address", "url"),
    [
        (Gateway(port=80), "http://:80", "http://127.0.0.1:80"),
        (Gateway(host="::1", port=80), "http://:80", "http://[::1]:80"),
        (Gateway(port=443, domain="x.org"), "https://x.org:443", "https://x.org"),
        (Gateway(port=8443, domain="x.org"), "https://x.org:8443", "https://x.org:8443"),
    ],
)
def test_a_domain_makes_the_gateway_speak_https(gateway: Gateway, address: str, url: str) -> None:
    assert (gateway.address, gateway.url) == (address, url)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (["/s/jobs/usecases.py"], ["jobs"]),
        (["/libs/kit/bus.py"], ["jobs", "processor"]),
        (["/here/mine.py"], ["processor"]),
        (["/elsewhere/x.py"], []),
    ],
)
def test_a_change_concerns_the_services_that_use_the_file(
    changed: list[str], expected: list[str]
) -> None:
    folders = {"jobs": Path("/s/jobs"), "processor": Path("/s/processor")}

    found = concerned([Path(p) for p in changed], folders, [Path("/libs/kit")], Path("/here"))

    assert found == expected
