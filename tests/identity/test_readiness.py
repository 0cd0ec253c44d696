"""Identity answers for the readiness of everybody."""

import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tidemill_identity.readiness import addresses

type StartIdentity = Callable[..., Awaitable[Any]]


def test_services_are_named_with_their_addresses() -> None:
    named = addresses("jobs=http://127.0.0.1:1/, ingestion=http://127.0.0.1:2,")

    assert named == {"jobs": "http://127.0.0.1:1", "ingestion": "http://127.0.0.1:2"}


def test_a_service_without_an_address_is_an_error() -> None:
    with pytest.raises(ValueError, match="unpack"):
        addresses("jobs")


async def test_all_is_ready_when_every_service_is(start: StartIdentity) -> None:
    other = await start(services="")
    identity = await start(services=f"other={other.url}")

    answer = await identity.http.get("/readyz")

    assert answer.status_code == 200
    assert answer.json()["checks"] == {"postgresql": "ok", "other": "ok"}
    assert "nats" in answer.json()


async def test_nothing_is_ready_while_a_service_is_away(start: StartIdentity) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    identity = await start(services=f"jobs=http://127.0.0.1:{port}")

    answer = await identity.http.get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["checks"]["jobs"] == "service_away"


async def test_nothing_is_ready_while_a_service_is_not(start: StartIdentity) -> None:
    other = await start(services="lost=http://127.0.0.1:9")
    identity = await start(services=f"other={other.url}")

    answer = await identity.http.get("/readyz")

    assert answer.json()["checks"]["other"] == "not_ready"
    assert answer.json()["status"] == "not_ready"
