"""Frames of the live stream, subprotocol `tidemill.v1`."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from tidemill_contracts.jobs import Progress
from tidemill_contracts.lines import LogLine
from tidemill_contracts.pages import StreamedEvent

SUBPROTOCOL = "tidemill.v1"
MAX_CLIENT_FRAME_BYTES = 65_536
MAX_SERVER_FRAME_BYTES = 524_288

SubscriptionId = Annotated[str, Meta(min_length=1, max_length=63)]
Topic = Annotated[
    str, Meta(max_length=64, pattern=r"^(all|job\.[0-9a-f-]{36}|dataset\.[0-9a-f-]{36})$(?!\n)")
]
EventType = Annotated[str, Meta(max_length=63, pattern=r"^[a-z_]+\.([a-z_]+|\*)$(?!\n)")]


class Authenticate(Struct, frozen=True, tag="auth", tag_field="op", forbid_unknown_fields=True):
    """The first frame within 5 s; later it renews the token on the open socket."""

    token: Annotated[str, Meta(max_length=8_192)]


class Subscribe(
    Struct,
    frozen=True,
    tag="subscribe",
    tag_field="op",
    forbid_unknown_fields=True,
    kw_only=True,
):
    """Follow topics, from a cursor, from `start`, or from `now` (the default)."""

    id: SubscriptionId
    topics: Annotated[list[Topic], Meta(min_length=1, max_length=1_024)]
    types: Annotated[list[EventType], Meta(max_length=64)] | None = None
    since: Annotated[str, Meta(max_length=40)] | None = None


class Unsubscribe(
    Struct, frozen=True, tag="unsubscribe", tag_field="op", forbid_unknown_fields=True
):
    id: SubscriptionId


class Ping(Struct, frozen=True, tag="ping", tag_field="op", forbid_unknown_fields=True):
    """Answered by a heartbeat."""


ClientFrame = Authenticate | Subscribe | Unsubscribe | Ping


class Ready(Struct, frozen=True, tag="ready", tag_field="op"):
    """The token was good; `head` is the newest cursor."""

    epoch: int
    head: str


class Subscribed(Struct, frozen=True, tag="subscribed", tag_field="op"):
    """`recovered` is false where the log could not be followed without a hole."""

    id: str
    recovered: bool


class Events(Struct, frozen=True, tag="events", tag_field="op", omit_defaults=True):
    """Events in the order of the log."""

    id: str
    items: list[StreamedEvent]
    replay: bool = False


class Live(Struct, frozen=True, tag="live", tag_field="op"):
    """The replay is over; what follows happens now."""

    id: str
    cursor: str


class Progressed(Struct, frozen=True, tag="progress", tag_field="op"):
    """The latest progress of a job; older ones may have been left out."""

    id: str
    job_id: UUID
    progress: Progress


class Logged(Struct, frozen=True, tag="log", tag_field="op", omit_defaults=True):
    """Lines that a job said; `skipped` ones were too many to show, and are kept all the same.

    They come to subscribers of the topic `job.<id>` alone, for the type `job.log`.
    """

    id: str
    job_id: UUID
    lines: list[LogLine]
    skipped: int = 0


class Gap(Struct, frozen=True, tag="gap", tag_field="op"):
    """Events are missing and cannot be had here; `resume` is where the stream goes on."""

    id: str
    reason: str
    resume: str


class Heartbeat(Struct, frozen=True, tag="heartbeat", tag_field="op"):
    """Every 15 s: up to this cursor all that the socket follows has been sent; resume from it."""

    head: str


class AuthExpiring(Struct, frozen=True, tag="auth_expiring", tag_field="op"):
    """The token ends soon; send a fresh one."""

    in_s: int


class StreamError(Struct, frozen=True, tag="error", tag_field="op", omit_defaults=True):
    """A frame or a subscription was refused; the socket stays open."""

    code: str
    message: str
    id: str | None = None


ServerFrame = (
    Ready
    | Subscribed
    | Events
    | Live
    | Progressed
    | Logged
    | Gap
    | Heartbeat
    | AuthExpiring
    | StreamError
)


class CloseCode:
    """Why the server closes a socket."""

    INVALID_UTF8 = 1007
    TOO_LARGE = 1009
    RESTART = 1012
    TOKEN_EXPIRED = 4001
    FORBIDDEN = 4003
    TOO_SLOW = 4008
    BAD_FRAME = 4400
    NOT_SIGNED_IN = 4401


CLOSE_CODES = {
    CloseCode.INVALID_UTF8: "A text frame is not UTF-8.",
    CloseCode.TOO_LARGE: f"A frame is larger than {MAX_CLIENT_FRAME_BYTES} bytes.",
    CloseCode.RESTART: "The server stops, or cannot follow the log; connect again in a moment.",
    CloseCode.TOKEN_EXPIRED: "The token has expired.",
    CloseCode.FORBIDDEN: "The page's origin, another user's token, or more sockets than allowed.",
    CloseCode.TOO_SLOW: "Too much waited for this socket; the reason says where to resume.",
    CloseCode.BAD_FRAME: "A frame of the wrong shape, or with an unknown `op`.",
    CloseCode.NOT_SIGNED_IN: "No token came in time, it is no good, or its session was revoked.",
}
