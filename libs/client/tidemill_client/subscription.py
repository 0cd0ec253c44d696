"""What a subscription makes of the stream's frames; no I/O here."""

from typing import Any, get_args
from uuid import UUID

import msgspec
from msgspec import Raw, Struct

from tidemill_client.problems import Misread, StreamRefused
from tidemill_contracts import catalogue, stream
from tidemill_contracts.event import Event
from tidemill_contracts.pages import StreamedEvent

KNOWN_KEYS = 10_000


class Received(Struct, frozen=True, kw_only=True):
    """An event with its place in the log; `body` is its JSON, unknown fields included."""

    event: Event
    body: dict[str, Any]
    cursor: str | None = None
    replay: bool = False


type Item = Received | stream.Progressed | stream.Logged | stream.Gap


def received(
    body: Raw | dict[str, Any], *, cursor: str | None = None, replay: bool = False
) -> Received | None:
    """The event with this body; None where its type is not known here."""
    encoded = msgspec.json.encode(body)
    if (event := catalogue.decode(encoded)) is None:
        return None
    plain = msgspec.json.decode(encoded) if isinstance(body, Raw) else body
    return Received(event=event, body=plain, cursor=cursor, replay=replay)


def read_frame(text: str | bytes) -> stream.ServerFrame | None:
    """The frame in this text; None for one of a later version."""
    try:
        return _FRAMES.decode(text)
    except msgspec.MsgspecError as error:
        if _is_later(text):
            return None
        raise Misread(f"a frame of the stream: {error}") from error


class _Operation(Struct):
    op: str


def _is_later(text: str | bytes) -> bool:
    try:
        return msgspec.json.decode(text, type=_Operation).op not in _OPERATIONS
    except msgspec.MsgspecError:
        return False


_FRAMES: msgspec.json.Decoder[stream.ServerFrame] = msgspec.json.Decoder(stream.ServerFrame)
_OPERATIONS = frozenset(kind.__struct_config__.tag for kind in get_args(stream.ServerFrame))


class Subscription:
    """Remembers how far it came, so that a new socket goes on where the last one ended."""

    def __init__(
        self, topics: list[str], *, types: list[str] | None = None, since: str | None = None
    ) -> None:
        self.id = "s"
        self.topics = topics
        self.types = types
        self.since = since
        self._head: str | None = None
        self._place: str | None = None
        self._live = False
        self._seen: dict[UUID, int] = {}

    @property
    def place(self) -> str | None:
        """Up to here all that was meant for it has been taken."""
        return self._place

    def join(self) -> stream.Subscribe:
        """What to send on a new socket, once it is ready."""
        self._live = False
        order = stream.Subscribe(
            id=self.id, topics=self.topics, types=self.types, since=self._place or self.since
        )
        if self.since in (None, "now"):
            # a socket that ends before its first event must not lose what happens meanwhile
            self._place = self._place or self._head
        return order

    def take(self, frame: stream.ServerFrame) -> list[Item]:
        """What this frame brings, in order; nothing twice. StreamRefused where it is a refusal."""
        match frame:
            case stream.Events(items=items, replay=replay):
                return [item for each in items if (item := self._fresh(each, replay=replay))]
            case stream.Progressed() | stream.Logged():
                return [frame]
            case stream.Live(cursor=cursor):
                self._place, self._live = cursor, True
            case stream.Heartbeat(head=head) if self._live:
                self._place = head
            case stream.Gap(resume=resume):
                self._place = resume
                return [frame]
            case stream.StreamError(code=code, message=message):
                raise StreamRefused(code, message)
            case stream.Ready(head=head):
                self._head = head
            case _:
                pass
        return []

    def _fresh(self, item: StreamedEvent, *, replay: bool) -> Received | None:
        self._place = item.cursor
        new = received(item.event, cursor=item.cursor, replay=replay)
        if new is None or new.event.seq <= self._seen.get(new.event.key, 0):
            return None
        self._seen.pop(new.event.key, None)
        self._seen[new.event.key] = new.event.seq
        if len(self._seen) > KNOWN_KEYS:
            del self._seen[next(iter(self._seen))]
        return new
