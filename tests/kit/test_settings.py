"""The environment as one Struct."""

from pathlib import Path

import msgspec
import pytest

from tidemill_kit.settings import Settings, load


def test_what_the_environment_names_is_read_and_the_rest_has_defaults() -> None:
    settings = load(Settings, {"TM_PORT": "8123", "HOME": "/root"})

    assert (settings.port, settings.host) == (8123, "127.0.0.1")


def test_a_secret_may_lie_in_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("correct horse\n")

    settings = load(Settings, {"TM_NATS_PASSWORD_FILE": str(secret)})

    assert settings.nats_password == "correct horse"


def test_a_value_that_does_not_fit_is_refused_by_name() -> None:
    with pytest.raises(msgspec.ValidationError, match="port"):
        load(Settings, {"TM_PORT": "eighty"})
