"""JetStream beyond nats-py: atomic batches, batch direct get, raw API calls."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import uuid4

import msgspec
from msgspec import Struct
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from tidemill_kit.errors import Unavailable

EVENTS = "EVENTS"
WORK = "WORK"
PROGRESS = "PROGRESS"
MAX_BATCH = 1_000
MAX_BATCH_BYTES = 4 * 1024 * 1024
_ANSWER_BYTES = 1024 * 1024
_TIMEOUT_S = 5.0
_NOT_FOUND = 404
_END_OF_ANSWER = frozenset({"204", "404"})
_DUPLICATE_IN_BATCH = frozenset({10201, 10176})


class StreamRefused(Unavailable):
    """JetStream refused what it was asked."""

    def __init__(self, description: str, *, err_code: int = 0) -> None:
        super().__init__(description)
        self.err_code = err_code

    @property
    def one_by_one(self) -> bool:
        """Whether a batch failed only because part of it is there already."""
        return self.err_code in _DUPLICATE_IN_BATCH


class Entry(Struct, frozen=True):
    """A message to publish; `message_id` is what the stream recognises a repetition by."""

    subject: str
    message_id: str
    body: bytes
    headers: dict[str, str] = {}


class Placed(Struct, frozen=True):
    """Where the stream put a message, or had it already."""

    sequence: int
    duplicate: bool = False


class Stored(Struct, frozen=True):
    """A message as it lies in a stream."""

    sequence: int
    subject: str
    body: bytes
    message_id: str | None


async def publish(client: Client, stream: str, entry: Entry) -> Placed:
    """Publish one message and wait until the stream has it."""
    headers = {"Nats-Msg-Id": entry.message_id, "Nats-Expected-Stream": stream, **entry.headers}
    answer = await _request(client, entry.subject, entry.body, headers)
    return Placed(int(answer["seq"]), bool(answer.get("duplicate", False)))


async def publish_batch(client: Client, stream: str, entries: list[Entry]) -> int:
    """Publish all or none of at most 1,000 messages with one write to disk (ADR-50).

    They get positions without a gap; the last one is returned.
    """
    if not client.is_connected:
        raise StreamRefused("not connected")
    batch, last = uuid4().hex, len(entries)
    most = [_message(entry, _batch(entry, batch, n)) for n, entry in enumerate(entries[:-1], 1)]
    # the client would check and write each message alone: as much work as all the rest of it
    await client._send_command(b"".join(most))  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    commit = {**_batch(entries[-1], batch, last), "Nats-Batch-Commit": "1"}
    commit["Nats-Expected-Stream"] = stream
    answer = await _request(client, entries[-1].subject, entries[-1].body, commit)
    return int(answer["seq"])


def _batch(entry: Entry, batch: str, number: int) -> dict[str, str]:
    return {
        "Nats-Msg-Id": entry.message_id,
        "Nats-Batch-Id": batch,
        "Nats-Batch-Sequence": str(number),
        **entry.headers,
    }


def _message(entry: Entry, headers: dict[str, str]) -> bytes:
    """A message as NATS' client protocol writes it (HPUB)."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    head = f"NATS/1.0\r\n{lines}\r\n".encode()
    size = len(head) + len(entry.body)
    return b"HPUB %b  %d %d\r\n%b%b\r\n" % (
        entry.subject.encode(),
        len(head),
        size,
        head,
        entry.body,
    )


async def first_since(client: Client, stream: str, moment: datetime) -> int | None:
    """The sequence of the first message that came at this moment or later; None without one."""
    asked = {"start_time": moment.isoformat(), "batch": 1, "next_by_subj": ">"}
    found = await _direct(client, stream, asked)
    return found[0].sequence if found else None


async def read(
    client: Client,
    stream: str,
    start: int,
    *,
    limit: int = 256,
    subjects: str = ">",
) -> list[Stored]:
    """Messages from a sequence on, without a consumer (ADR-31); empty where there are none.

    An answer has about a megabyte: NATS cuts off whoever it has to keep too much for.
    """
    asked = {"seq": start, "batch": limit, "max_bytes": _ANSWER_BYTES, "next_by_subj": subjects}
    return await _direct(client, stream, asked)


async def _direct(client: Client, stream: str, asked: dict[str, Any]) -> list[Stored]:
    inbox = client.new_inbox()
    subscription = await client.subscribe(inbox)
    found: list[Stored] = []
    try:
        await client.publish(
            f"$JS.API.DIRECT.GET.{stream}",
            msgspec.json.encode(asked),
            reply=inbox,
        )
        while True:
            message = await subscription.next_msg(timeout=_TIMEOUT_S)
            stored = _stored(message)
            if stored is None:
                return found
            found.append(stored)
    except (NatsError, TimeoutError) as error:
        raise StreamRefused(f"direct get from {stream}") from error
    finally:
        await subscription.unsubscribe()


async def last(
    client: Client, stream: str, subject: str, *, timeout_s: float = _TIMEOUT_S
) -> bytes | None:
    """The last message of a subject, without a consumer (ADR-31); None where there is none."""
    address = f"$JS.API.DIRECT.GET.{stream}.{subject}"
    try:
        message = await client.request(address, b"", timeout=timeout_s)
    except (NatsError, TimeoutError, asyncio.InvalidStateError) as error:
        raise StreamRefused(f"direct get from {stream}") from error
    return message.data if "Nats-Sequence" in (message.headers or {}) else None


async def last_sequence(client: Client, stream: str) -> int | None:
    """The last sequence of a stream, or None where the stream does not exist."""
    info = await ask(client, f"STREAM.INFO.{stream}")
    if "error" in info:
        return None if info["error"].get("code") == _NOT_FOUND else _refuse(info["error"])
    return int(info["state"]["last_seq"])


async def ask(client: Client, action: str, body: Any = None) -> dict[str, Any]:
    """One call of the JetStream API; its answer may hold an `error`."""
    payload = b"" if body is None else msgspec.json.encode(body)
    try:
        answer = await client.request(f"$JS.API.{action}", payload, timeout=_TIMEOUT_S)
    except (NatsError, TimeoutError, asyncio.InvalidStateError) as error:
        raise StreamRefused(action) from error
    return msgspec.json.decode(answer.data)


def _stored(message: Msg) -> Stored | None:
    """The message in an answer, or None at its end."""
    headers = message.headers or {}
    if "Nats-Sequence" not in headers:
        if headers.get("Status") not in _END_OF_ANSWER:
            raise StreamRefused(f"direct get: {headers.get('Status')}")
        return None
    return Stored(
        sequence=int(headers["Nats-Sequence"]),
        subject=headers["Nats-Subject"],
        body=message.data,
        message_id=headers.get("Nats-Msg-Id"),
    )


async def _request(
    client: Client,
    subject: str,
    body: bytes,
    headers: dict[str, str],
) -> dict[str, Any]:
    try:
        answer = await client.request(subject, body, timeout=_TIMEOUT_S, headers=headers)
    except (NatsError, TimeoutError, asyncio.InvalidStateError) as error:
        raise StreamRefused(subject) from error
    found = msgspec.json.decode(answer.data)
    return _refuse(found["error"]) if "error" in found else found


def _refuse(error: dict[str, Any]) -> Any:
    raise StreamRefused(str(error.get("description")), err_code=int(error.get("err_code", 0)))
