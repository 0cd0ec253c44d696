"""The event log between services: cursors, epochs and history."""

from uuid import UUID

from msgspec import Raw, Struct, field


class Cursor(Struct, frozen=True, order=True):
    """A place in the log: `<epoch>.<position in EVENTS>`, opaque to clients."""

    epoch: int
    position: int

    def __str__(self) -> str:
        return f"{self.epoch}.{self.position}"


def read_cursor(text: str) -> Cursor:
    """The cursor of this text; ValueError where it is none."""
    epoch, _, position = text.partition(".")
    if not (epoch.isascii() and epoch.isdigit() and position.isascii() and position.isdigit()):
        raise ValueError(text)
    if len(text) > MAX_CURSOR_CHARS:
        raise ValueError(text)
    return Cursor(int(epoch), int(position))


MAX_CURSOR_CHARS = 40


class AskEpoch(Struct, frozen=True, kw_only=True):
    """Sent after every (re)connect, before anything is published or read on."""

    asker: str
    last_recorded: Cursor | None = None


class Epoch(Struct, frozen=True, kw_only=True):
    """The log's epoch and the last position that its stream has."""

    epoch: int
    head: int


class AskEvents(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """History from its owner: after a cursor, or of one thing from a sequence number on.

    `facts` are the ends of subjects, such as `job.succeeded.system`; without them all come.
    """

    after: Cursor | None = None
    tenant_id: UUID | None = None
    key: UUID | None = None
    after_seq: int = 0
    facts: list[str] | None = None
    limit: int = 256


class RecordedEvent(Struct, frozen=True):
    """An event as it was published; `cursor` is null while it is not."""

    subject: str
    body: Raw
    cursor: Cursor | None = None


class History(Struct, frozen=True, kw_only=True):
    """Recorded events in order; up to `complete_to` nothing is missing, beyond it read the stream.

    Up to `complete_from` some may have been forgotten. `known` is false where the thing that was
    asked for is not the tenant's.
    """

    items: list[RecordedEvent] = field(default_factory=list[RecordedEvent])
    complete_from: Cursor = Cursor(0, 0)
    complete_to: Cursor
    known: bool = True


class AskDataset(Struct, frozen=True, kw_only=True):
    """The jobs service asks for a dataset that it has not heard of."""

    tenant_id: UUID
    dataset_id: UUID
