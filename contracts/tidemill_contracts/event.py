"""The event: a numbered fact that belongs to a tenant and to one thing."""

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct, field

from tidemill_contracts.ids import now, uuid7

MAX_EVENT_BYTES = 64 * 1024


class Event(Struct, frozen=True, kw_only=True, tag_field="type"):
    """A fact: its tag is its type, and `seq` counts from 1 for the thing it is about."""

    id: UUID = field(default_factory=uuid7)
    at: datetime = field(default_factory=now)
    tenant_id: UUID
    seq: int

    @property
    def type(self) -> str:
        return type_of(type(self))

    @property
    def key(self) -> UUID:
        """The id of the thing this event is about; each context answers it."""
        raise NotImplementedError

    @property
    def subject(self) -> str:
        """Where the event is published; it names no id, since each new subject costs the broker."""
        return f"tm.event.{self.tenant_id.hex}.{self.type}"


def type_of(kind: type[Event]) -> str:
    """The tag of an event class, such as `job.succeeded`."""
    tag: Any = kind.__struct_config__.tag
    return str(tag)
