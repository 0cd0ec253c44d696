"""Lists, page by page."""

from typing import Any, Generic, TypeVar

from msgspec import Raw, Struct

T = TypeVar("T")


class Page(Struct, Generic[T], frozen=True):  # noqa: UP046 - msgspec reads the classic form
    """A page of a list; `next_cursor` is null on the last one."""

    items: list[T]
    next_cursor: str | None = None


class StreamedEvent(Struct, frozen=True):
    """An event with its place in the log, as sockets, SSE and pages carry it."""

    cursor: str
    event: Raw | dict[str, Any]
