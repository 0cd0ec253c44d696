"""How orders become requests."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest

from tidemill_client.client import Client
from tidemill_client.gateway import Gateway, is_loopback, json_body
from tidemill_client.keyring import Grant, Keyring, granted
from tidemill_client.problems import Unreachable
from tidemill_contracts.identity import RegisterUser, TokenPair
from tidemill_contracts.jobs import StepSpec, SubmitJob

NOW = 1_000_000.0


def test_an_order_leaves_out_what_it_does_not_say() -> None:
    order = SubmitJob(steps=[StepSpec(processor="add", params={"amount": 5})], value=10)

    body = json_body(order)

    assert body is not None
    sent = msgspec.json.decode(body.content())
    assert sorted(sent) == ["steps", "value"]
    assert msgspec.json.decode(body.content(), type=SubmitJob) == order


def test_what_is_required_is_sent_and_nothing_is_no_body() -> None:
    body = json_body(RegisterUser("a@b.example", "12345678"))

    assert body is not None
    assert body.content() == b'{"email":"a@b.example","password":"12345678"}'
    assert json_body(None) is None


def test_every_field_of_an_order_survives() -> None:
    order = SubmitJob(
        processor="wait",
        params={"seconds": 1},
        dataset_id=UUID(int=1),
        queue="slow",
        priority=0,
        labels={"a": "b"},
        run_at=datetime(2026, 1, 1, tzinfo=UTC),
        max_attempts=1,
    )

    body = json_body(order)

    assert body is not None
    assert msgspec.json.decode(body.content(), type=SubmitJob) == order


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.1:8080", True),
        ("http://[::1]:8080", True),
        ("http://localhost", True),
        ("https://tide.example", False),
        ("http://10.0.0.1", False),
    ],
)
def test_a_loopback_address_needs_no_proxy(url: str, *, loopback: bool) -> None:
    assert is_loopback(url) is loopback


def test_a_grant_ends_when_the_service_said() -> None:
    pair = TokenPair(access_token="a", expires_in=600, refresh_token="r")

    grant = granted(pair, at=NOW)

    assert not grant.ends_within(30, at=NOW + 569)
    assert grant.ends_within(30, at=NOW + 571)
    assert not Grant(access_token="tm_live_x").ends_within(30, at=NOW)


async def test_a_token_that_nothing_renews_is_shown_as_it_is() -> None:
    gateway = Gateway(
        "http://127.0.0.1:1", Keyring(Grant(access_token="t")), timeout_s=1, retries=0
    )

    shown = [await gateway.token(), await gateway.token(unlike="t")]

    assert shown == ["t", "t"]


async def test_nobody_at_the_address_is_said_so(nobody: str) -> None:
    async with Client(nobody) as client:
        with pytest.raises(Unreachable, match="nothing answers at http://127"):
            await client.register("a@b.example", "12345678")


async def test_nobody_behind_the_stream_is_said_so(nobody: str) -> None:
    async with Client(nobody, "token") as client:
        with pytest.raises(Unreachable, match="tidemill up"):
            await client.live().__aenter__()
