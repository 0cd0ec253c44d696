"""One request to a receiver: where it goes, what is read, what is signed."""

import asyncio
import socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
import trustme
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from tidemill_contracts.ids import now, uuid7
from tidemill_notifier.webhook_settings import WebhookSettings
from tidemill_notifier.webhooks import signing
from tidemill_notifier.webhooks.guard import Found, Guard
from tidemill_notifier.webhooks.retries import wait_s
from tidemill_notifier.webhooks.sending import Answer, Sender

LOOPBACK = WebhookSettings(
    webhook_allow_http=True,
    webhook_ports="*",
    webhook_networks="127.0.0.0/8",
    webhook_timeout_s=2.0,
)
type Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answering(*chunks: bytes) -> tuple[list[bytes], Serve]:
    """A receiver that notes each request's head, and answers with these bytes."""
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        for chunk in chunks:
            writer.write(chunk)
        writer.close()

    return heads, serve


@asynccontextmanager
async def serving(
    serve: Serve, *, host: str = "127.0.0.1", port: int = 0, context: ssl.SSLContext | None = None
) -> AsyncGenerator[int]:
    server = await asyncio.start_server(serve, host, port, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def post(url: str, *, guard: Guard | None = None, **options: ssl.SSLContext) -> Answer:
    async with Sender(LOOPBACK, guard or Guard(LOOPBACK), **options) as sender:
        return await sender.send(url, b"{}", {})


@pytest.mark.parametrize(("status", "accepted"), [(200, True), (204, True), (301, False)])
async def test_success_is_2xx_and_redirects_are_not_followed(
    status: int, *, accepted: bool
) -> None:
    heads, serve = answering(b"HTTP/1.1 %d Well\r\nLocation: /other\r\n\r\n" % status)

    async with serving(serve) as port:
        answer = await post(f"http://127.0.0.1:{port}/hooks")

    assert (answer.status_code, answer.accepted) == (status, accepted)
    assert [head.split(b"\r\n")[0] for head in heads] == [b"POST /hooks HTTP/1.1"]


async def test_of_an_endless_answer_the_beginning_is_kept() -> None:
    kilobyte = b"a\0" * 512
    _, serve = answering(b"HTTP/1.1 500 Oh\r\n\r\n", *([kilobyte] * 200))

    async with serving(serve) as port:
        answer = await post(f"http://127.0.0.1:{port}/")

    assert answer.status_code == 500
    assert answer.response == "a\ufffd" * 1_024


async def test_a_receiver_that_never_answers_is_left_after_its_time() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 ")
        await reader.read()
        writer.close()

    async with serving(serve) as port:
        answer = await post(f"http://127.0.0.1:{port}/")

    assert (answer.error, answer.accepted) == ("timeout", False)
    assert answer.duration_ms >= 1_900


async def test_a_name_that_changes_its_address_is_asked_once_and_reaches_the_checked_one() -> None:
    asked: list[str] = []

    async def changing(host: str, port: int) -> list[Found]:
        del port
        asked.append(host)
        return [(socket.AF_INET, "127.0.0.2" if len(asked) == 1 else "127.0.0.1")]

    good_heads, good = answering(b"HTTP/1.1 200 Well\r\n\r\n")
    bad_heads, bad = answering(b"HTTP/1.1 200 Well\r\n\r\n")
    async with serving(good, host="127.0.0.2") as port, serving(bad, port=port):
        answer = await post(
            f"http://changing.example:{port}/", guard=Guard(LOOPBACK, lookup=changing)
        )

    assert answer.accepted
    assert (asked, len(good_heads), len(bad_heads)) == (["changing.example"], 1, 0)
    assert f"Host: changing.example:{port}".encode() in good_heads[0]


@pytest.mark.parametrize("host", ["10.0.0.1", "inside.example"])
async def test_what_leads_inside_is_never_connected_to(host: str) -> None:
    async def inside(host: str, port: int) -> list[Found]:
        del host, port
        return [(socket.AF_INET, "10.0.0.1")]

    answer = await post(f"http://{host}:9/", guard=Guard(LOOPBACK, lookup=inside))

    assert (answer.error, answer.response) == ("address_refused", "")


async def test_the_socket_is_the_last_gate() -> None:
    guard = Guard(LOOPBACK)
    place = (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("10.0.0.1", 80))

    with pytest.raises(OSError, match=r"10\.0\.0\.1"):
        guard.socket_for(place)


async def test_https_checks_the_certificate_of_the_name_not_of_the_address(
    tmp_path: Path,
) -> None:
    async def found(host: str, port: int) -> list[Found]:
        del host, port
        return [(socket.AF_INET, "127.0.0.1")]

    authority, theirs = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("hooks.example").configure_cert(theirs)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    ours = ssl.create_default_context(cafile=tmp_path / "ca.pem")
    _, serve = answering(b"HTTP/1.1 200 Well\r\n\r\n")
    async with serving(serve, context=theirs) as port:
        guard = Guard(LOOPBACK, lookup=found)
        right = await post(f"https://hooks.example:{port}/", guard=guard, context=ours)
        wrong = await post(f"https://other.example:{port}/", guard=guard, context=ours)

    assert right.accepted
    assert wrong.error == "tls_failed"


def test_a_signature_is_verified_by_the_standards_own_library() -> None:
    secret, body, at = signing.new_secret(), b'{"type":"job.succeeded"}', now()

    headers = signing.headers(uuid7(), at, body, [signing.Key(secret)])

    assert Verifier(signing.shown(secret)).verify(body, headers) == {"type": "job.succeeded"}
    with pytest.raises(WebhookVerificationError):
        Verifier(signing.shown(secret)).verify(body + b" ", headers)


def test_until_it_expires_an_old_secret_signs_beside_the_new_one() -> None:
    old, new, at = signing.new_secret(), signing.new_secret(), now()
    keys = [signing.Key(new), signing.Key(old, at + timedelta(seconds=1))]

    both = signing.headers(uuid7(), at, b"{}", keys)
    later = signing.headers(uuid7(), at + timedelta(seconds=1), b"{}", keys)

    for secret in (old, new):
        assert Verifier(signing.shown(secret)).verify(b"{}", both) == {}
    assert len(later["webhook-signature"].split()) == 1


def test_signatures_are_those_of_the_standard() -> None:
    secret = b"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    at = datetime.fromtimestamp(1_614_265_330, UTC)

    headers = signing.headers(UUID(int=1), at, b'{"test": 2432232314}', [signing.Key(secret)])

    assert headers["webhook-timestamp"] == "1614265330"
    assert headers["webhook-id"] == "00000000-0000-0000-0000-000000000001"
    assert headers["webhook-signature"].startswith("v1,")


def test_waits_grow_to_a_limit_and_about_a_dozen_tries_fit_into_a_day() -> None:
    settings = WebhookSettings()

    longest = [wait_s(n, settings, lambda _, most: most) for n in range(1, 12)]
    middle = [wait_s(n, settings, lambda _, most: most / 2) for n in range(1, 13)]

    assert longest[:4] == [10.0, 30.0, 90.0, 270.0]
    assert max(longest) == settings.webhook_retry_longest_s
    assert sum(middle[:-2]) < settings.webhook_give_up_s < sum(middle) * 1.2


def test_a_receiver_may_ask_for_a_longer_wait_within_the_limit() -> None:
    settings = WebhookSettings()

    waits = [wait_s(1, settings, lambda _, most: most, asked_s=each) for each in (5, 60, 1e9)]

    assert waits == [10.0, 60.0, settings.webhook_retry_longest_s]
